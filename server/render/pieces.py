"""Pages of an answer that is made of parts: as many as fit a token budget, as text and as data."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, TypeAlias

from .json import shortened
from .page import BYTES_PER_TOKEN, BadCursor, Page

ENVELOPE: Final = 250  # bytes for brackets, `omitted`, `next_cursor` and the footer
_NAMES: Final = (
    *("id", "phase", "title", "name", "rule", "severity", "location", "message", "side"),
    *("operation", "resource"),
)

Head: TypeAlias = Callable[[int, bool], tuple[str, dict[str, Any]]]
"""What a page begins with, as text and as data, for so many bytes; True: it is the first page."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an answer: its text, and its data, each with the keys of the list it belongs to."""

    text: str
    data: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Bytes of the text and of the data."""
        return size_of_text(self.text) + 2, sum(size_of(part) + 2 for _, part in self.data)

    def named(self) -> Piece:
        """What a page that has no room for it says of it."""
        lines = self.text.strip().split("\n")
        title = next((line for line in lines if line.startswith("### ")), lines[0])
        return Piece(
            f"{title[:200]}\n\nLarger than this page: ask with a greater `max_tokens`.\n",
            tuple(
                (where, shortened({k: part[k] for k in _NAMES if k in part}, 1, 60))
                for where, part in self.data[:1]
            ),
        )


def room_of(max_tokens: int) -> int:
    """Bytes of a page."""
    return max_tokens * BYTES_PER_TOKEN - ENVELOPE


def page(
    pieces: Sequence[Piece], head: Head, max_tokens: int, cursor: str | None, detail: str
) -> Page:
    """The page at which `cursor` points: its head, and as many pieces as fit.

    Raises `BadCursor`.
    """
    room = room_of(max_tokens)
    digest = _digest(pieces, detail)
    start = _start(cursor, digest, len(pieces))
    text, data = head(room, start == 0)
    shown = _fitting(pieces[start:], room - size_of_text(text), room - size_of(data))
    end = start + len(shown)
    following = f"{end}.{digest}" if end < len(pieces) else None
    for piece in shown:
        for where, part in piece.data:
            _listed(data, where).append(part)
    texts = [text, *(piece.text for piece in shown)]
    if following:
        texts.append(f'{len(pieces) - end} more parts on other pages: `cursor: "{following}"`.')
    omitted = {"parts": len(pieces) - len(shown)}
    return Page("\n".join(texts).rstrip(), {**data, "omitted": omitted, "next_cursor": following})


def _fitting(pieces: Sequence[Piece], text_room: int, data_room: int) -> list[Piece]:
    """As many as fit; the first is named at least."""
    shown: list[Piece] = []
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


def _digest(pieces: Sequence[Piece], detail: str) -> str:
    """Names an answer, and how it is paged."""
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
        raise BadCursor("this cursor belongs to another answer or other arguments")
    if int(number) >= count:
        raise BadCursor("there is no such page")
    return int(number)


def size_of_text(text: str) -> int:
    """Bytes of a text."""
    return len(text.encode("utf-8", "replace"))


def size_of(data: Any) -> int:
    """Bytes of data as JSON."""
    return size_of_text(json.dumps(data, ensure_ascii=False))
