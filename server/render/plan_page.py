"""One page of a plan: as many of its parts as fit a token budget, as Markdown and as data alike."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from backend_architect.tools.plan_migration.model import Hazard, Plan, Question, Step

from .json import shortened
from .page import Page
from .pieces import Piece, room_of, size_of, size_of_text
from .pieces import page as pieces_page
from .plan import TOOL, hazard, head, once, question, step
from .plan_text import MAX_WITNESSES, heading, observed, parts, query_runs
from .plan_timeline import gantt

_WHERE: Final = {Hazard: ("hazards",), Question: ("questions",), Step: ("steps",)}


def page(plan: Plan, max_tokens: int, cursor: str | None = None, detail: str = "concise") -> Page:
    """One page: the verdict and the time line on the first, then as many parts as fit.

    `detail` is "concise", or "full": with what was observed of each step and query. Raises
    `BadCursor`.
    """
    pieces = list(_pieces(plan, full=detail == "full"))
    if (chart := gantt(plan)) and size_of_text(chart) < room_of(max_tokens) * 2 // 3:
        pieces.append(Piece(chart))
    return pieces_page(pieces, partial(_head, plan), max_tokens, cursor, detail)


def _pieces(plan: Plan, *, full: bool) -> Iterator[Piece]:
    seen = {each["id"]: each for each in plan.rehearsal.get("steps", ())} if full else {}
    for text, part in parts(plan):
        if isinstance(part, Step) and part.id in seen:
            more = ("rehearsal", "steps"), seen[part.id]
            yield Piece(f"{text}{observed(seen[part.id])}\n", ((_WHERE[Step], step(part)), more))
        elif part is not None:
            made = _MADE[type(part)](part)
            yield Piece(text, ((_WHERE[type(part)], made),))
        else:
            yield Piece(text)
    if full:
        script = plan.rehearsal.get("script") or {}
        for where, found in ((("rehearsal",), plan.rehearsal), (("rehearsal", "script"), script)):
            for runs in found.get("queries", ()):
                yield Piece(query_runs(runs), (((*where, "queries"), runs),))


_MADE: Final[dict[type, Any]] = {Hazard: hazard, Question: question, Step: step}


def _head(plan: Plan, room: int, first: bool) -> tuple[str, dict[str, Any]]:
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
        if max(size_of_text(text), size_of(data)) <= room * 2 // 3:
            break
    return text, data


def _outline(found: Any, most: int) -> dict[str, Any]:
    """What a rehearsal says in short: its words and numbers, and what went wrong."""
    said = {key: value for key, value in found.items() if not isinstance(value, list | dict)}
    if "witnesses" in found:
        said["witnesses"] = [shortened(each, 3, 300) for each in found["witnesses"][:most]]
    return said
