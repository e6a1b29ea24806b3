"""The growth sweep of a design: a row for each pattern, and when partitions pay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from backend_architect.tools.design_schema.indexing.growth import (
    ASSUMED,
    FACTORS,
    Grown,
    Growth,
    Partitioning,
)

from .pieces import Piece

MAX_ROWS: Final = 20  # of one piece


def data(growth: Growth | None) -> dict[str, list[dict[str, Any]]]:
    """The lists of the answer; costs are planner costs."""
    return {
        "growth": [_grown(each) for each in growth.patterns] if growth else [],
        "partitioning": [_partitioning(each) for each in growth.partitioning] if growth else [],
    }


def pieces(growth: Growth | None) -> Iterator[Piece]:
    """The sweep as tables, some patterns a piece."""
    if growth is None or not growth.patterns:
        return
    times = " | ".join(f"×{factor:g}" for factor in FACTORS)
    title = f"## Growth\n\nPlanner cost as tables grow. Assumed: {ASSUMED}.\n\n"
    head = f"| pattern | {times} | budget | becomes another plan | misses its budget |\n"
    head += f"|{'---|' * (len(FACTORS) + 4)}\n"
    for number in range(0, len(growth.patterns), MAX_ROWS):
        found = growth.patterns[number : number + MAX_ROWS]
        rows = "".join(f"{_row(each)}\n" for each in found)
        yield Piece(f"{title}{head}{rows}", tuple((("growth",), _grown(each)) for each in found))
        title = ""
    if growth.partitioning:
        lines = [f"- {_when(each)}" for each in growth.partitioning]
        several = tuple((("partitioning",), _partitioning(p)) for p in growth.partitioning)
        yield Piece("\n".join(["### When partitions pay\n", *lines, ""]), several)


def _row(each: Grown) -> str:
    costs = " | ".join(f"{point.cost:,.0f}" for point in each.points)
    changes = "<br>".join(
        f"at {c.above:,.0f} to {c.below:,.0f} rows: {c.before} → {c.after}" for c in each.changes
    )
    budget = f"{each.budget:,.0f}" if each.budget else ""
    missed = f"at {each.missed:,.0f} rows" if each.missed else ""
    return f"| {each.pattern} | {costs} | {budget} | {changes} | {missed} |"


def _when(each: Partitioning) -> str:
    if each.is_made:
        return f"`{each.table}` is partitioned by `{each.column}` from the start."
    return (
        f"`{each.table}` by `{each.column}` from {each.pays:,.0f} rows on, in {each.months:,.0f}"
        " months."
    )


def _grown(each: Grown) -> dict[str, Any]:
    return {
        "pattern": each.pattern,
        "table": each.table,
        "points": [
            {"factor": p.factor, "rows": p.rows, "cost": p.cost, "access": p.access}
            for p in each.points
        ],
        "changes": [
            {"above": c.above, "below": c.below, "before": c.before, "after": c.after}
            for c in each.changes
        ],
        "budget": each.budget,
        "missed": each.missed,
    }


def _partitioning(each: Partitioning) -> dict[str, Any]:
    return {
        "table": each.table,
        "column": each.column,
        "rows": each.rows,
        "pays": each.pays,
        "months": each.months,
        "is_made": each.is_made,
    }
