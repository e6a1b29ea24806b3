"""One page of a plan: as many of its parts as fit a token budget, as Markdown and as data alike."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

from backend_architect.tools.plan_migration.model import Hazard, Plan, Question, Step

from .json import shortened
from .page import BYTES_PER_TOKEN, BadCursor, Page
from .plan import TOOL, hazard, head, once, question, step
from .plan_text import MAX_WITNESSES, gantt, heading, observed, parts, query_runs

_ENVELOPE: Final = 250  # bytes for brackets, `omitted`, `next_cursor` and the footer
_NAMES: Final = ("id", "phase", "title", "rule", "severity", "location", "message", "side")
_WHERE: Final = {Hazard: ("hazards",), Question: ("questions",), Step: ("steps",)}


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of the plan: its text, and its data, each with the keys of the list it belongs to."""

    text: str
    data: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Bytes of the text and of the data."""
        return _bytes(self.text) + 2, sum(_size(part) + 2 for _, part in self.data)

    def named(self) -> _Piece:
        """What a page that has no room for it says of it."""
        lines = self.text.strip().split("\n")
        title = next((line for line in lines if line.startswith("### ")), lines[0])
        return _Piece(
            f"{title[:200]}\n\nLarger than this page: ask with a greater `max_tokens`.\n",
            tuple(
                (where, shortened({k: part[k] for k in _NAMES if k in part}, 1, 60))
                for where, part in self.data[:1]
            ),
        )


def page(plan: Plan, max_tokens: int, cursor: str | None = None, detail: str = "concise") -> Page:
    """One page: the verdict and the time line on the first, then as many parts as fit.

    `detail` is "concise", or "full": with what was observed of each step and query. Raises
    `BadCursor`.
    """
    room = max_tokens * BYTES_PER_TOKEN - _ENVELOPE
    pieces = list(_pieces(plan, full=detail == "full"))
    if chart := gantt(plan):
        pieces += [_Piece(chart)] if _bytes(chart) < room * 2 // 3 else []
    digest = _digest(pieces, detail)
    start = _start(cursor, digest, len(pieces))
    text, data = _head(plan, room, first=start == 0)
    shown = _fitting(pieces[start:], room - _bytes(text), room - _size(data))
    end = start + len(shown)
    following = f"{end}.{digest}" if end < len(pieces) else None
    for piece in shown:
        for where, part in piece.data:
            _listed(data, where).append(part)
    texts = [text, *(piece.text for piece in shown)]
    if following:
        texts.append(f'{len(pieces) - end} more parts on other pages: `cursor: "{following}"`.')
    omitted = {"parts": len(pieces) - len(shown)}
    whole = {**data, "omitted": omitted, "next_cursor": following}
    return Page("\n".join(texts).rstrip(), whole)


def _pieces(plan: Plan, *, full: bool) -> Iterator[_Piece]:
    seen = {each["id"]: each for each in plan.rehearsal.get("steps", ())} if full else {}
    for text, part in parts(plan):
        if isinstance(part, Step) and part.id in seen:
            more = ("rehearsal", "steps"), seen[part.id]
            yield _Piece(f"{text}{observed(seen[part.id])}\n", ((_WHERE[Step], step(part)), more))
        elif part is not None:
            made = _MADE[type(part)](part)
            yield _Piece(text, ((_WHERE[type(part)], made),))
        else:
            yield _Piece(text)
    if full:
        script = plan.rehearsal.get("script") or {}
        for where, found in ((("rehearsal",), plan.rehearsal), (("rehearsal", "script"), script)):
            for runs in found.get("queries", ()):
                yield _Piece(query_runs(runs), (((*where, "queries"), runs),))


_MADE: Final[dict[type, Any]] = {Hazard: hazard, Question: question, Step: step}


def _head(plan: Plan, room: int, *, first: bool) -> tuple[str, dict[str, Any]]:
    """The verdict with as much of what was seen, and of the time line, as leaves room for parts."""
    for most in (1_000, 60, 25, MAX_WITNESSES, 2, 0) if first else (0,):
        text = heading(plan, most) if first else f"# {TOOL}, continued\n"
        data = head(plan)
        data["summary"]["notes"] = data["summary"]["notes"][:most]
        data |= {"steps": [], "hazards": [], "questions": []}
        data |= once(plan) if most > MAX_WITNESSES else {key: [] for key in once(plan)}
        data["rehearsal"] = _outline(plan.rehearsal, most)
        if script := plan.rehearsal.get("script"):
            data["rehearsal"]["script"] = _outline(script, most)
        if max(_bytes(text), _size(data)) <= room * 2 // 3:
            break
    return text, data


def _outline(found: Any, most: int) -> dict[str, Any]:
    """What a rehearsal says in short: its words and numbers, and what went wrong."""
    said = {key: value for key, value in found.items() if not isinstance(value, list | dict)}
    if "witnesses" in found:
        said["witnesses"] = [shortened(each, 3, 300) for each in found["witnesses"][:most]]
    return said


def _fitting(pieces: list[_Piece], text_room: int, data_room: int) -> list[_Piece]:
    """As many as fit; the first is named at least."""
    shown: list[_Piece] = []
    for piece in pieces:
        text_size, data_size = piece.size
        if text_size > text_room or data_size > data_room:
            if shown:
                break
            piece = piece.named()
            text_size, data_size = piece.size
        text_room -= text_size
        data_room -= data_size
        shown.append(piece)
    return shown


def _listed(data: dict[str, Any], where: tuple[str, ...]) -> list[dict[str, Any]]:
    for key in where[:-1]:
        data = data.setdefault(key, {})
    found: list[dict[str, Any]] = data.setdefault(where[-1], [])
    return found


def _digest(pieces: list[_Piece], detail: str) -> str:
    """Names a plan, and how it is paged."""
    digest = blake2b(detail.encode(), digest_size=6)
    for piece in pieces:
        digest.update(piece.text.encode("utf-8", "replace"))
    return digest.hexdigest()


def _start(cursor: str | None, digest: str, count: int) -> int:
    if cursor is None:
        return 0
    number, _, named = cursor.partition(".")
    if not number.isdecimal() or len(number) > 9 or len(named) != 12:
        raise BadCursor("this is no cursor of an earlier answer")
    if named != digest:
        raise BadCursor("this cursor belongs to another plan or other arguments")
    if int(number) >= count:
        raise BadCursor("there is no such page")
    return int(number)


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _size(data: Any) -> int:
    return _bytes(json.dumps(data, ensure_ascii=False))
