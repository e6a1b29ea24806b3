"""One page of a checklist: as many of its parts as fit a token budget."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from backend_architect.tools.security_checklist.checklist import Checklist

from .checklist import TOOL, head
from .checklist_text import heading, pieces
from .page import Page
from .pieces import page as pieces_page

_LISTS: Final = (
    "controls",
    "open_questions",
    "threats",
    "data_inventory",
    "conflicts",
    "diagrams",
    "undecided",
    "not_applicable",
)


def page(
    checklist: Checklist, max_tokens: int, cursor: str | None = None, detail: str = "concise"
) -> Page:
    """One page: what to ask first and the rows by risk, then the rest. Raises `BadCursor`."""
    found = list(pieces(checklist, full=detail == "full"))
    return pieces_page(found, partial(_head, checklist), max_tokens, cursor, detail)


def _head(checklist: Checklist, room: int, first: bool) -> tuple[str, dict[str, Any]]:
    text = heading(checklist) if first else f"# {TOOL}, continued\n"
    data = head(checklist) | {key: [] for key in _LISTS} | {"matrix": {"rows": []}}
    return text, data
