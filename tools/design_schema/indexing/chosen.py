"""The indexes of a design: those that its access patterns are worth, by planner cost or by rules.

Indexes of references, constraints and retention jobs stay, since they are not there for reads; one
is left out where a chosen index begins with its columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from ...ddl.model import Dialect, Name
from ...postgres.statistics import TableStatistics
from ..physical.blueprint import Blueprint
from .candidates import candidates
from .conditions import Place
from .constants import constants
from .existing import apart, covered, finished, there
from .imagined import Imagined, imagined
from .model import Indexed, KeptIndex, Planned, RejectedIndex, Serves, described
from .selection import Candidate, Pattern, Selection, chosen_apart
from .sizes import size, upkeep
from .statements import Statement, statements

if TYPE_CHECKING:
    from ...postgres.cluster import Cluster
    from ...postgres.whatif import Node
    from .planner import Planner

MAX_EACH: Final = 8  # candidates that are tried for a pattern
MAX_PLANS: Final = 4_000  # beyond it a pattern is as cheap as with the last candidates tried
_LITTLE: Final = 1e-6
_IDLE: Final = "no plan uses it beside the chosen indexes"
_BEGINS: Final = "another index begins with its columns"


def indexed(blueprint: Blueprint, prove: bool = True, cluster: Cluster | None = None) -> Indexed:
    """The design with the indexes it should have, what each serves, and what was not made.

    With `prove` PostgreSQL's planner decides, on `cluster` or on a private server of its own;
    otherwise, and where there is none, rules do. The version of the server may differ from the
    design's: then the plans are indicative.
    """
    from .rules import by_rules

    if not prove or blueprint.dialect is not Dialect.POSTGRES:
        return by_rules(blueprint)
    try:
        import psycopg

        from ...postgres.binaries import NoPostgres
        from ...postgres.cluster import Cluster
        from ...postgres.whatif import Unbelievable
        from .planner import TooLong
    except ImportError:  # there is no libpq for this platform
        return by_rules(blueprint, "psycopg does not load here")
    try:
        with ExitStack() as stack:
            server = cluster or stack.enter_context(Cluster.start())
            if server.binaries.major < _STATISTICS:
                version = server.binaries.version
                return by_rules(blueprint, f"PostgreSQL {version} takes no statistics")
            return _Chooser(blueprint, server).chosen()
    except (NoPostgres, Unbelievable, TooLong, psycopg.Error) as error:
        return by_rules(blueprint, str(error).partition("\n")[0])


_STATISTICS: Final = 18  # the version from which a server takes statistics


class _Chooser:
    """One choice by planner cost."""

    def __init__(self, blueprint: Blueprint, cluster: Cluster) -> None:
        self.blueprint, self.cluster = blueprint, cluster
        self.model = Imagined(blueprint)
        self.asked = statements(blueprint)
        self.told = statements(blueprint, constants(self.model))
        self.proposals = candidates(blueprint, self.asked, self.model)
        self.of = {each.index.name: each for each in self.proposals}
        self.plans: dict[tuple[str, frozenset[str]], float] = {}

    def chosen(self) -> Indexed:
        """The design with the indexes that pay."""
        from .planner import planner

        with planner(self.cluster, self.blueprint, self.proposals) as server:
            readable, failures = self._readable(server)
            selection = self._selected(server, readable)
            names = apart(self.of, selection.chosen)
            gone = covered(self.blueprint, [self.of[name] for name in sorted(names)])
            kept = self._kept(server, readable, names, gone)
            idle = {each.name for each in kept if each.name in names and not each.serves}
            if idle:  # another pattern's index took its place
                names -= idle
                gone = covered(self.blueprint, [self.of[name] for name in sorted(names)])
                kept = self._kept(server, readable, names, gone)
            plans = tuple(self._planned(server, readable, names, gone, failures))
            made = finished(self.blueprint, [self.of[n] for n in sorted(names)], gone, kept)
        why_not = {
            name: _IDLE if name in idle else _BEGINS
            for name in selection.chosen
            if name not in names
        }
        rejected = tuple(
            RejectedIndex(self.of[name].relation, described(self.of[name].index), why)
            for name, why in ({**selection.rejected, **why_not}).items()
        )
        version = self.cluster.binaries
        wanted = self.blueprint.version[:1]
        return Indexed(
            made,
            tuple(kept),
            rejected + tuple(self._left_out(gone)),
            plans,
            f"PostgreSQL {version.version}",
            bool(wanted) and wanted[0] != version.major,
        )

    def _readable(self, server: Planner) -> tuple[list[Statement], dict[str, str]]:
        """The statements that find rows and can be planned; why the others cannot."""
        from .planner import Unplanned

        found, failures = [], {}
        for each in self.told:
            try:
                server.plan(each.sql)
            except Unplanned as error:
                failures[each.pattern.name] = str(error)
                continue
            if each.pattern.kind != "insert":
                found.append(each)
        return found, failures

    def _selected(self, server: Planner, readable: Sequence[Statement]) -> Selection:
        tables = imagined(self.blueprint)
        relations = self.blueprint.logical.relations
        written = [each for each in self.asked if each.pattern.kind != "read"]
        made = []
        for each in self.proposals:
            pages = size(each, _statistics(self.blueprint, each.relation, tables)).pages
            relation = relations[each.relation]
            burden = upkeep(each, pages, self.blueprint.logical.domain, relation, written)
            made.append(Candidate(each.index.name, pages, burden))
        by_name = {each.pattern.name: each for each in readable}
        patterns = [
            Pattern(each.pattern.name, each.pattern.per_second, self._fitting(each))
            for each in readable
        ]

        def cost(pattern: str, names: frozenset[str]) -> float:
            return self._cost(server, by_name[pattern], names)

        return chosen_apart(made, patterns, cost)

    def _fitting(self, statement: Statement) -> frozenset[str]:
        """The candidates that a statement might use: its own, then those that begin alike."""
        asked = {
            column
            for place in _places(statement)
            for column in place.field.columns(self.blueprint.dialect)
        }
        own = [p for p in self.proposals if statement.pattern.name in p.patterns]
        others = [
            p
            for p in self.proposals
            if p not in own and p.relation in statement.reads and (p.lead & asked or p.index.where)
        ]
        others.sort(key=lambda p: (len(set(p.columns) - asked), p.index.name))
        return frozenset(each.index.name for each in (*own, *others)[:MAX_EACH])

    def _cost(self, server: Planner, statement: Statement, names: frozenset[str]) -> float:
        key = statement.pattern.name, names
        if key not in self.plans:
            if len(self.plans) >= MAX_PLANS:
                known = [c for (p, _), c in self.plans.items() if p == statement.pattern.name]
                return max(known, default=0.0)
            self.plans[key] = self._plan(server, statement, names).cost
        return self.plans[key]

    def _plan(
        self, server: Planner, statement: Statement, names: Iterable[str], gone: Sequence[str] = ()
    ) -> Node:
        """The plan with these candidates alone, beside what the design has already."""
        kept = set(names)
        near = set(statement.reads)
        away = [p.index.name for p in self.proposals if p.relation in near]
        return server.plan(statement.sql, [*(n for n in away if n not in kept), *gone])

    def _planned(
        self,
        server: Planner,
        readable: Sequence[Statement],
        names: frozenset[str],
        gone: Sequence[str],
        failures: Mapping[str, str],
    ) -> Iterator[Planned]:
        found = {each.pattern.name: self._plan(server, each, names, gone) for each in readable}
        for each in self.asked:
            name = each.pattern.name
            if plan := found.get(name):
                used = dict.fromkeys(server.parent(n.index) for n in plan.walk() if n.index)
                yield Planned(name, each.sql, plan.cost, tuple(used))
            else:
                yield Planned(name, each.sql, failure=failures.get(name, ""))

    def _kept(
        self,
        server: Planner,
        readable: Sequence[Statement],
        names: frozenset[str],
        gone: Sequence[str],
    ) -> list[KeptIndex]:
        """The indexes of the design with what each pattern costs without them."""
        uses: dict[str, list[Serves]] = {}
        for each in readable:
            plan = self._plan(server, each, names, gone)
            for index in sorted({server.parent(n.index) for n in plan.walk() if n.index}):
                if not self._is_droppable(index):
                    continue
                without = self._plan(server, each, names - {index}, [*gone, index])
                if without.cost > plan.cost * (1 + _LITTLE):
                    uses.setdefault(index, []).append(
                        Serves(each.pattern.name, plan.cost, without.cost)
                    )
        found = [
            KeptIndex(
                self.of[name].relation,
                name,
                described(self.of[name].index),
                tuple(uses.get(name, ())),
            )
            for name in sorted(names)
        ]
        return [*found, *there(self.blueprint, gone, uses)]

    def _is_droppable(self, index: str) -> bool:
        if index in self.of:
            return True
        tables = self.blueprint.schema.tables.values()
        return any(index in t.indexes and not t.indexes[index].unique for t in tables)

    def _left_out(self, gone: Sequence[str]) -> Iterator[RejectedIndex]:
        for table in self.blueprint.schema.tables.values():
            for name in gone:
                if name in table.indexes and table.partition_of is None:
                    index = table.indexes[name]
                    yield RejectedIndex(table.name.name, described(index), _BEGINS)


def _places(statement: Statement) -> list[Place]:
    found = [each.place for each in statement.conditions]
    found += [each.place for each in statement.sort]
    return found + [place for pair in statement.links for place in pair]


def _statistics(
    blueprint: Blueprint, relation: str, tables: Mapping[Name, TableStatistics]
) -> TableStatistics:
    """Those of a relation's table; of a partitioned one those of the partition with the rows."""
    name = blueprint.name(relation)
    if name in tables:
        return tables[name]
    return next(
        tables[table.name]
        for table in blueprint.schema.tables.values()
        if table.partition_of and table.partition_of.parent == name
    )
