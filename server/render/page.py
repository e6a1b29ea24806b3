"""Pages: as much of a report as fits a token budget, as Markdown and as data alike.

Detail goes first: three example places a group, then one, then fewer groups. A cursor names where
the next page starts and which report it belongs to, so that any replica can serve it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from backend_architect.tools.report import Finding, Group, Report

from .json import brief, example, finding, group, head, shortened
from .json import examples as distinct
from .markdown import footer, group_lines, heading, place_lines

BYTES_PER_TOKEN = 3  # an upper estimate of tokens: pointers, paths and code are dense
_ENVELOPE = 300  # bytes for brackets, `omitted`, `next_cursor` and the footer


class BadCursor(ValueError):
    """A cursor that is malformed or belongs to another report."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"{problem}; call again without `cursor` to start at the first page")


@dataclass(frozen=True, slots=True)
class Page:
    """What an answer holds: the text and the structured content, each within the budget."""

    text: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Piece:
    """One item of a page, in both forms."""

    text: str
    groups: tuple[dict[str, Any], ...]
    findings: tuple[dict[str, Any], ...]

    @property
    def size(self) -> tuple[int, int]:
        """Bytes of the text and of the data."""
        return _bytes(self.text) + 1, sum(_size(part) + 2 for part in self.groups + self.findings)

    def fits(self, text_room: int, data_room: int) -> bool:
        """Whether neither form is larger than its room."""
        text_size, data_size = self.size
        return text_size <= text_room and data_size <= data_room


def tokens(text: str) -> int:
    """An upper estimate of how much of a context a text takes."""
    return -(-_bytes(text) // BYTES_PER_TOKEN)


def page(
    report: Report, max_tokens: int, cursor: str | None = None, detail: str = "concise"
) -> Page:
    """One page of a report. Raises `BadCursor`.

    `detail` is "concise" (groups with example places) or "full" (every finding with evidence,
    related places and affected operations).
    """
    digest = _digest(report, detail)
    start = _start(cursor, digest)
    items: Sequence[Group | Finding] = report.findings if detail == "full" else report.groups
    if start >= max(len(items), 1):
        raise BadCursor("there is no such page")
    room = max_tokens * BYTES_PER_TOKEN - _ENVELOPE
    text, data = _head(report, room, first=start == 0)
    for examples in (3, 1):
        pieces = _fitting(items[start:], start, room - _bytes(text), room - _size(data), examples)
        if start + len(pieces) == len(items):
            break
    end = start + len(pieces)
    following = f"{end}.{digest}" if end < len(items) else None
    findings = [f for piece in pieces for f in piece.findings]
    omitted = {
        "groups": 0 if detail == "full" else len(items) - len(pieces),
        "findings": len(report.findings) - len(findings),
    }
    return Page(
        "\n".join([text, *(piece.text for piece in pieces), footer(omitted, following)]).rstrip(),
        {
            **data,
            "groups": [g for piece in pieces for g in piece.groups],
            "findings": findings,
            "omitted": omitted,
            "next_cursor": following,
        },
    )


def _head(report: Report, room: int, first: bool) -> tuple[str, dict[str, Any]]:
    """The verdict, with as much of the overview as half the room allows (none on later pages)."""
    for most in (13, 12, 4, 0) if first else (0,):
        data = head(report)
        length = 50 * most or 30
        overviews = [_shortened(o, most, length) for o in data["summary"]["documents"][: most or 1]]
        data["summary"]["documents"] = overviews
        data["summary"]["notes"] = data["summary"]["notes"][:most]
        text = heading(report, overviews if most else [], data["summary"]["notes"])
        if max(_bytes(text), _size(data)) * 2 <= room:
            break
    return text, data


def _shortened(overview: dict[str, Any], most: int, length: int) -> dict[str, Any]:
    """An overview with less in it; half a diagram would be none, so it is the first to go."""
    cut = shortened(overview, most, length)
    if "diagram" in cut:
        cut["diagram"] = overview["diagram"] if most > 12 else ""
    return cut


def _fitting(
    items: Sequence[Group | Finding], start: int, text_room: int, data_room: int, examples: int
) -> list[_Piece]:
    """As many items as fit, and at least one: the first is cut down if it must be."""
    pieces: list[_Piece] = []
    for number, item in enumerate(items, start + 1):
        piece = _piece(number, item, examples)
        for length in () if pieces else (100, 50, 20, 10):
            if piece.fits(text_room, data_room):
                break
            piece = _piece(number, item, 1, 0, length)
        if pieces and not piece.fits(text_room, data_room):
            break
        text_size, data_size = piece.size
        text_room -= text_size
        data_room -= data_size
        pieces.append(piece)
    return pieces


def _piece(
    number: int, item: Group | Finding, examples: int, most: int = 8, length: int = 2_000
) -> _Piece:
    """An item with at most `most` entries in each list, and texts of at most `length` bytes."""
    if isinstance(item, Finding):
        data = shortened(finding(item), most, length)
        return _Piece("\n".join(place_lines(number, data)), (), (data,))
    data = shortened(group(item), most, length)
    some = distinct(item, examples)
    shown = tuple(shortened(brief(f), most, length) for f in some)
    mended = [shortened(example(f), most, length) for f in some]
    text = "\n".join(group_lines(number, data, mended))
    del data["references"]  # `rule://{id}` has them
    return _Piece(text, (shortened(data, min(most, 3), length),), shown)


def _digest(report: Report, detail: str) -> str:
    """Names a report: its findings in order, and how they are paged."""
    digest = blake2b(detail.encode(), digest_size=6)
    for each in report.findings:
        digest.update(f"{each.fingerprint}{each.location.line}:{each.location.column}".encode())
    return digest.hexdigest()


def _start(cursor: str | None, digest: str) -> int:
    if cursor is None:
        return 0
    match = re.fullmatch(r"([0-9]{1,9})\.([0-9a-f]{12})", cursor)
    if not match:
        raise BadCursor("this is no cursor of an earlier answer")
    if match[2] != digest:
        raise BadCursor("this cursor belongs to another document or other arguments")
    return int(match[1])


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _size(data: Any) -> int:
    return _bytes(json.dumps(data, ensure_ascii=False))
