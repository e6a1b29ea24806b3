"""What becomes of plans as tables grow: where they change, and where they cost more than wanted.

A latency target becomes a budget in planner cost by an assumption that is said (`ASSUMED`); it
compares patterns with each other, and promises no time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from ..logical.model import Relation
from ..physical.blueprint import Blueprint
from ..physical.partitions import moment
from ..rules.growth import HUGE
from .constants import constants
from .imagined import Imagined
from .statements import Statement, statements

if TYPE_CHECKING:
    from ...postgres.cluster import Cluster
    from ...postgres.whatif import Node
    from .planner import Planner

AHEAD: Final = 240  # months
FACTORS: Final = (1.0, 10.0, 100.0)
STEPS: Final = 3  # times that the way between two factors is halved: to a third more or less
MAX_SIZES: Final = 16  # of the database that are planned for
MAX_TABLES: Final = 600  # in all of these together
COST_OF_MS: Final = 100.0
ASSUMED: Final = (
    f"a millisecond of a latency target is {COST_OF_MS:g} units of planner cost: 10 µs for a page"
    " that is read in order from memory"
)


@dataclass(frozen=True, slots=True)
class Point:
    """A pattern at one size: the rows of its table, planner cost, and how rows are found."""

    factor: float
    rows: float
    cost: float
    access: str


@dataclass(frozen=True, slots=True)
class Change:
    """Between these numbers of rows of the pattern's table the plan becomes another."""

    above: float
    below: float
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Grown:
    """A pattern as its table grows. It misses its budget (planner cost) at about `missed` rows.

    `missed` is None when it keeps it at each size, or has none.
    """

    pattern: str
    table: str
    points: tuple[Point, ...]
    changes: tuple[Change, ...]
    budget: float | None = None
    missed: float | None = None


@dataclass(frozen=True, slots=True)
class Partitioning:
    """A table that would be partitioned by `column` from so many rows on, in so many months."""

    table: str
    column: str
    rows: float
    pays: float
    months: float
    is_made: bool


@dataclass(frozen=True, slots=True)
class Growth:
    """The growth sweep of a design."""

    patterns: tuple[Grown, ...] = ()
    partitioning: tuple[Partitioning, ...] = ()


def growth(cluster: Cluster, blueprint: Blueprint) -> Growth:
    """Every pattern that finds rows, at each of `FACTORS`. Raises psycopg's errors."""
    sweep = _Sweep(cluster, blueprint)
    patterns = tuple(sweep.grown(name) for name in sweep.patterns())
    return Growth(patterns, tuple(partitioning(blueprint)))


def partitioning(blueprint: Blueprint) -> Iterator[Partitioning]:
    """When partitions pay, of each table for which that is within `AHEAD` months."""
    for relation in blueprint.logical.relations.values():
        volume, field = relation.of.volume if relation.of else None, moment(relation)
        if volume is None or field is None or not volume.growth_per_month:
            continue
        months = max(0.0, (HUGE - volume.rows) / volume.growth_per_month)
        made = blueprint.table(relation.name).partition_by is not None
        if months <= AHEAD or made:
            yield Partitioning(relation.name, field.name, volume.rows, HUGE, months, made)


class _Sweep:
    """The plans at the sizes that were asked for."""

    def __init__(self, cluster: Cluster, blueprint: Blueprint) -> None:
        self._cluster, self._blueprint = cluster, blueprint
        self._relations: Mapping[str, Relation] = blueprint.logical.relations
        self._known: dict[float, Mapping[str, Point]] = {}
        self._most = min(MAX_SIZES, MAX_TABLES // max(1, len(blueprint.schema.tables)))
        self._of = {p.pattern.name: p for p in statements(blueprint)}

    def patterns(self) -> list[str]:
        """Those that have a plan at each of the sizes."""
        found = [self._at(factor) for factor in FACTORS]
        return [name for name in self._of if all(name in points for points in found)]

    def grown(self, pattern: str) -> Grown:
        """One pattern at all sizes."""
        points = [self._at(factor)[pattern] for factor in FACTORS]
        latency = self._of[pattern].pattern.latency_ms
        budget = latency * COST_OF_MS if latency else None
        return Grown(
            pattern,
            self._of[pattern].relation,
            tuple(points),
            tuple(self._changes(pattern, points)),
            budget,
            self._missed(pattern, points, budget) if budget else None,
        )

    def _changes(self, pattern: str, points: list[Point]) -> Iterator[Change]:
        for low, high in pairwise(points):
            if low.access != high.access and low.rows != high.rows:
                last, first = self._between(pattern, low, high, _like(low.access))
                yield Change(last.rows, first.rows, low.access, high.access)

    def _missed(self, pattern: str, points: list[Point], budget: float) -> float | None:
        if points[0].cost > budget:
            return points[0].rows
        for low, high in pairwise(points):
            if high.cost > budget:
                _, first = self._between(pattern, low, high, lambda p: p.cost <= budget)
                return first.rows
        return None

    def _between(
        self, pattern: str, low: Point, high: Point, is_as_before: Callable[[Point], bool]
    ) -> tuple[Point, Point]:
        """The last size at which something holds, and the first at which it no longer does."""
        for _ in range(STEPS):
            factor = (low.factor * high.factor) ** 0.5
            if factor not in self._known and len(self._known) >= self._most:
                break
            middle = self._at(factor).get(pattern)
            if middle is None:
                break
            if is_as_before(middle):
                low = middle
            else:
                high = middle
        return low, high

    def _at(self, factor: float) -> Mapping[str, Point]:
        if factor not in self._known:
            from .planner import planner

            with planner(self._cluster, self._blueprint, factor=factor) as server:
                self._known[factor] = dict(self._planned(server, factor))
        return self._known[factor]

    def _planned(self, server: Planner, factor: float) -> Iterator[tuple[str, Point]]:
        from .planner import Unplanned

        model = Imagined(self._blueprint, factor)
        for each in statements(self._blueprint, constants(model)):
            if each.pattern.kind == "insert":
                continue
            try:
                plan = server.plan(each.sql)
            except Unplanned:
                continue
            rows = model.rows(self._relations[each.relation])
            yield each.pattern.name, Point(factor, rows, plan.cost, access(plan, server, each))


def _like(access: str) -> Callable[[Point], bool]:
    return lambda point: point.access == access


def access(plan: Node, server: Planner, statement: Statement) -> str:
    """How a plan finds and joins rows, in a few words."""
    found = []
    for node in plan.walk():
        if node.index:
            found.append(f"{_SHORT.get(node.kind, node.kind)} {server.parent(node.index)}")
        elif node.kind == "Seq Scan":
            found.append(f"scan of {node.relation or statement.relation}")
        elif node.kind in _JOINS:
            found.append(_JOINS[node.kind])
        elif node.kind == "Sort":
            found.append("sort")
    return ", ".join(found)


_SHORT: Final = {
    "Index Scan": "index",
    "Index Only Scan": "only index",
    "Bitmap Index Scan": "bitmap of",
}
_JOINS: Final = {"Hash Join": "hash join", "Merge Join": "merge join", "Nested Loop": "loop"}
