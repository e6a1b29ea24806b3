"""One page of a design: as many of its parts as fit a token budget."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from backend_architect.tools.design_schema.design import Design

from .design import TOOL, head
from .design_text import heading, pieces
from .page import Page
from .pieces import page as pieces_page
from .pieces import size_of, size_of_text


def page(
    design: Design, max_tokens: int, cursor: str | None = None, detail: str = "concise"
) -> Page:
    """One page: the verdict and what is open on the first, then the DDL.

    `detail` is "concise", or "full": with every decision, promise, the dictionary and sample rows.
    Raises `BadCursor`.
    """
    found = list(pieces(design, full=detail == "full"))
    return pieces_page(found, partial(_head, design), max_tokens, cursor, detail)


_LISTS: Final = (
    "ddl",
    "questions",
    "indexes",
    "rejected_indexes",
    "growth",
    "partitioning",
    "decisions",
    "promises",
)


def _head(design: Design, room: int, first: bool) -> tuple[str, dict[str, Any]]:
    for most in (100, 20, 5, 1, 0) if first else (0,):
        text = heading(design, most) if first else f"# {TOOL}, continued\n"
        data = head(design)
        data["summary"]["notes"] = data["summary"]["notes"][:most]
        data |= {key: [] for key in _LISTS}
        if max(size_of_text(text), size_of(data)) <= room // 2:
            break
    return text, data
