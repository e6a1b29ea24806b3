"""The indexes of a design: what each serves, what it would cost without, and what was not made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from backend_architect.tools.design_schema.indexing.model import (
    Indexed,
    KeptIndex,
    Planned,
    RejectedIndex,
)
from backend_architect.tools.report import clean

from .pieces import Piece

MAX_ROWS: Final = 12  # of one piece


def data(indexed: Indexed | None) -> dict[str, list[dict[str, Any]]]:
    """The lists of the answer; costs are planner costs, null where no planner was asked."""
    return {
        "indexes": [_kept(each) for each in indexed.kept] if indexed else [],
        "rejected_indexes": [_rejected(each) for each in indexed.rejected] if indexed else [],
        "plans": [_planned(each) for each in indexed.plans] if indexed else [],
    }


def head(indexed: Indexed | None) -> dict[str, Any]:
    """Who planned: the version, and whether it is another than the design's."""
    return {
        "planned_on": indexed.engine if indexed else "",
        "indicative": bool(indexed and indexed.is_indicative),
    }


def pieces(indexed: Indexed | None, *, full: bool) -> Iterator[Piece]:
    """The indexes that serve a pattern; with `full` also the others, and those not made."""
    if indexed is None:
        return
    unplanned = _unplanned(indexed)
    title = f"## Indexes\n\n{_how(indexed)}\n\n{unplanned}"
    shown = [each for each in indexed.kept if each.serves or full]
    for number in range(0, len(shown), MAX_ROWS):
        found = shown[number : number + MAX_ROWS]
        rows = "".join(f"{_row(each)}\n" for each in found)
        yield Piece(f"{title}{_HEAD}{rows}", tuple((("indexes",), _kept(k)) for k in found))
        title = ""
    if unplanned and not shown:
        yield Piece(title, ())
        title = ""
    title += "### Indexes not made\n\n"
    for number in range(0, len(indexed.rejected) if full else 0, MAX_ROWS):
        out = indexed.rejected[number : number + MAX_ROWS]
        lines = [
            f"- `{each.table} {clean(each.definition, 200)}`: {clean(each.why, 200)}"
            for each in out
        ]
        several = tuple((("rejected_indexes",), _rejected(each)) for each in out)
        yield Piece(title + "\n".join([*lines, ""]), several)
        title = ""


_HEAD: Final = "| index | for | planner cost | without it |\n|---|---|---|---|\n"


def _kept(each: KeptIndex) -> dict[str, Any]:
    return {
        "table": each.table,
        "name": each.name,
        "definition": each.definition,
        "why": each.why,
        "serves": [
            {"pattern": s.pattern, "cost": s.cost, "without": s.without} for s in each.serves
        ],
    }


def _rejected(each: RejectedIndex) -> dict[str, Any]:
    return {"table": each.table, "definition": each.definition, "why": each.why}


def _planned(each: Planned) -> dict[str, Any]:
    return {
        "pattern": each.pattern,
        "sql": each.sql,
        "cost": each.cost,
        "indexes": list(each.indexes),
        "failure": each.failure,
    }


def _how(indexed: Indexed) -> str:
    if not indexed.engine:
        return clean(" ".join(indexed.notes), 600)
    mark = "; indicative, since the design is for another version" * indexed.is_indicative
    return (
        f"Planned on a private {indexed.engine} with the rows of the model imagined{mark}. Costs"
        " are the planner's, not times."
    )


def _unplanned(indexed: Indexed) -> str:
    """The patterns whose SQL the engine refuses, a line each."""
    refused = [each for each in indexed.plans if each.failure]
    lines = [
        f"- **not planned** `{each.pattern}`: {clean(each.failure, 200)}\n"
        for each in refused[:MAX_ROWS]
    ]
    if len(refused) > MAX_ROWS:
        lines.append(f"- and {len(refused) - MAX_ROWS} more\n")
    return "".join([*lines, "\n"]) if lines else ""


def _row(each: KeptIndex) -> str:
    name = f"`{each.table} {clean(each.definition, 200)}`".replace("|", "\\|")
    if not each.serves:
        return f"| {name} | {each.why} | | |"
    patterns = "<br>".join(s.pattern for s in each.serves)
    why = f"; {each.why}" if each.why else ""
    costs = "<br>".join(_cost(s.cost) for s in each.serves)
    without = "<br>".join(_cost(s.without) for s in each.serves)
    return f"| {name} | {patterns}{why} | {costs} | {without} |"


def _cost(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
