"""The SQL of access patterns on the tables of a design, and what each of them asks for.

Rows of one tenant only, where tenants share tables, and none that are marked as deleted. Parameters
are `$1` (SQLite `?1`, MySQL `?`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ...engines.limits import quote
from ..domain.model import AccessPattern, Aggregate, Filter, Scalar
from ..physical.blueprint import Blueprint
from ..physical.tenancy import tenant_column
from .conditions import Condition, Parameters, Place, said
from .ways import Ways

PAGE: Final = 50  # rows of a page whose limit nobody has said
PAGES: Final = 10  # pages that a planner is told to pass over in a query with OFFSET
Constants = Callable[[Condition], Sequence[str] | None]
"""Literals for a condition's parameters; None: they stay parameters."""


@dataclass(frozen=True, slots=True)
class Sorted:
    """A column of an order."""

    place: Place
    descending: bool


@dataclass(frozen=True, slots=True)
class Statement:
    """An access pattern as SQL, with what it asks of which columns.

    `links` are the pairs of columns that its joins compare; `reads` the columns of each table that
    it needs; `writes` those that it sets.
    """

    pattern: AccessPattern
    sql: str
    relation: str
    conditions: tuple[Condition, ...] = ()
    links: tuple[tuple[Place, Place], ...] = ()
    sort: tuple[Sorted, ...] = ()
    reads: Mapping[str, frozenset[str]] = field(default_factory=dict)
    writes: frozenset[str] = frozenset()


def statements(blueprint: Blueprint, constants: Constants | None = None) -> tuple[Statement, ...]:
    """Every access pattern of the model, in its order."""
    return tuple(
        statement(blueprint, pattern, constants)
        for pattern in blueprint.logical.domain.access_patterns
    )


def statement(
    blueprint: Blueprint, pattern: AccessPattern, constants: Constants | None = None
) -> Statement:
    """One access pattern; `constants` take the place of parameters, for a planner."""
    if pattern.sql is not None:
        from .plain import read

        return read(blueprint, pattern)
    return _Writer(blueprint, pattern, constants).written()


class _Writer:
    """One statement on its way."""

    def __init__(
        self, blueprint: Blueprint, pattern: AccessPattern, constants: Constants | None
    ) -> None:
        self.blueprint, self.pattern = blueprint, pattern
        self.for_planner = constants is not None
        self.constants = constants or (lambda condition: None)
        self.dialect = blueprint.dialect
        self.parameters = Parameters(blueprint.dialect)
        self.ways = Ways(blueprint, pattern.entity)
        for name in pattern.joins:
            self.ways.join(name)
        self.conditions = [each for said in pattern.filters for each in self._filtered(said)]
        self.sort = [
            Sorted(place, each.descending)
            for each in pattern.sort
            for place in self.ways.places(each.attribute)
        ]
        self.figures = {
            each.attribute: self.ways.places(each.attribute)[0]
            for each in pattern.aggregates
            if each.attribute
        }
        self.groups = [place for name in pattern.group_by for place in self.ways.places(name)]

    def written(self) -> Statement:
        """The statement."""
        if self.pattern.page == "keyset" and self.sort:
            own = {each.place for each in self.sort}
            last = self.sort[-1].descending
            key = [self.ways.place(self.ways.start, name) for name in self.ways.main.key]
            self.sort += [
                Sorted(place, last)
                for place in key
                if place not in own and place.field.role != "tenant"
            ]
        fields = self._fields()
        self.conditions = [*self._always(), *self.conditions]
        text = {
            "read": self._select,
            "insert": self._insert,
            "update": self._update,
            "delete": self._delete,
        }[self.pattern.kind](fields)
        links = tuple(pair for _, pairs in self.ways.joins for pair in pairs)
        writes = frozenset(
            column for place in fields for column in place.field.columns(self.dialect)
        )
        return Statement(
            self.pattern,
            text,
            self.ways.main.name,
            () if self.pattern.kind == "insert" else tuple(self.conditions),
            links,
            tuple(self.sort),
            self._reads(fields, links),
            writes if self.pattern.kind == "update" else frozenset(),
        )

    # Conditions

    def _filtered(self, filtered: Filter) -> Iterator[Condition]:
        value = filtered.value
        constants: tuple[Scalar, ...] | None = None
        if value is not None:
            constants = tuple(value) if isinstance(value, list) else (value,)
        for place in self.ways.places(filtered.attribute):
            yield Condition(place, filtered.operator, constants, filtered.selectivity)

    def _always(self) -> Iterator[Condition]:
        """Rows of the tenant, and such as are there."""
        if self.pattern.kind == "insert":
            return
        named = {each.place.field.name for each in self.conditions}
        for alias, relation in self.ways.tables.items():
            tenant = tenant_column(self.blueprint.logical, relation)
            if tenant and (relation.tenant or tenant not in named):
                yield Condition(self.ways.place(alias, tenant), "=", None, is_tenant=True)
        for alias, relation in self.ways.tables.items():
            for each in relation.fields.values():
                if each.role == "deleted_at" and each.name not in named:
                    yield Condition(self.ways.place(alias, each.name), "is null")

    def _where(self) -> str:
        tenant = ""
        terms = []
        for each in self.conditions:
            written = self._written(each, tenant)
            if each.is_tenant:
                tenant = tenant or written.rpartition(" = ")[2]
            terms.append(written)
        if self.pattern.page == "keyset" and self.sort:
            terms.append(self._behind())
        return f"\nWHERE {' AND '.join(terms)}" if terms else ""

    def _written(self, condition: Condition, tenant: str) -> str:
        values = [tenant] if condition.is_tenant and tenant else self.constants(condition)
        columns = self._columns(condition.place)
        return said(condition, columns, self.dialect, self.parameters, values)

    def _behind(self) -> str:
        """Rows behind the last one of the page before."""
        places = [self._columns(each.place)[0] for each in self.sort]
        values = [self._value(each) for each in self.sort]
        descending = [each.descending for each in self.sort]
        if len(set(descending)) == 1:
            sign = "<" if descending[0] else ">"
            if len(places) == 1:
                return f"{places[0]} {sign} {values[0]}"
            return f"({', '.join(places)}) {sign} ({', '.join(values)})"
        terms = []
        for number, place in enumerate(places):
            same = [f"{p} = {v}" for p, v in zip(places[:number], values, strict=False)]
            sign = "<" if descending[number] else ">"
            terms.append(" AND ".join([*same, f"{place} {sign} {values[number]}"]))
        return "(" + " OR ".join(f"({term})" for term in terms) + ")"

    def _value(self, each: Sorted) -> str:
        beyond = Condition(each.place, "<" if each.descending else ">")
        values = self.constants(beyond)
        return values[0] if values else self.parameters.next()

    # Parts of statements

    def _quoted(self, name: str) -> str:
        return quote(self.dialect, name)

    def _columns(self, place: Place) -> list[str]:
        names = [self._quoted(name) for name in place.field.columns(self.dialect)]
        alias = self._quoted(place.alias)
        return [f"{alias}.{name}" for name in names] if len(self.ways.tables) > 1 else names

    def _fields(self) -> list[Place]:
        """What is read or set."""
        if self.pattern.fields:
            return [place for name in self.pattern.fields for place in self.ways.places(name)]
        if self.pattern.aggregates or self.pattern.kind == "delete":
            return []
        own = [self.ways.place(self.ways.start, name) for name in self.ways.main.fields]
        if self.pattern.kind == "read":
            return own
        made = ("key", "created_at", "updated_at", "version", "deleted_at", "queue", "public_id")
        fixed = ("tenant", *made) if self.pattern.kind == "update" else made
        return [
            place
            for place in own
            if place.field.role not in fixed
            and not place.field.type.computed
            and not (self.pattern.kind == "update" and place.field.type.immutable)
        ]

    def _from(self) -> str:
        lines = [f"\nFROM {self._quoted(self.ways.main.name)}"]
        for alias, pairs in self.ways.joins:
            same = " AND ".join(
                f"{self._columns(one)[0]} = {self._columns(other)[0]}" for one, other in pairs
            )
            name = self.ways.tables[alias].name
            renamed = f" AS {self._quoted(alias)}" if alias != name else ""
            lines.append(f"\nJOIN {self._quoted(name)}{renamed} ON {same}")
        return "".join(lines)

    def _select(self, fields: list[Place]) -> str:
        chosen = list(dict.fromkeys((*self.groups, *fields)))
        listed = [column for place in chosen for column in self._columns(place)]
        listed += [self._aggregate(each) for each in self.pattern.aggregates]
        groups = [column for place in self.groups for column in self._columns(place)]
        order = [
            column + " DESC" * each.descending
            for each in self.sort
            for column in self._columns(each.place)[:1]
        ]
        return "".join(
            [
                f"SELECT {', '.join(listed)}",
                self._from(),
                self._where(),
                f"\nGROUP BY {', '.join(groups)}" if groups else "",
                f"\nORDER BY {', '.join(order)}" if order else "",
                self._limit(),
            ]
        )

    def _aggregate(self, each: Aggregate) -> str:
        place = self.figures.get(each.attribute or "")
        of = self._columns(place)[0] if place else "*"
        return f"{each.function}({of})"

    def _limit(self) -> str:
        limit = self.pattern.limit or (PAGE if self.pattern.page != "none" else None)
        if limit is None:
            return ""
        if self.pattern.page != "offset":
            return f"\nLIMIT {limit}"
        offset = PAGES * limit if self.for_planner else self.parameters.next()
        return f"\nLIMIT {limit} OFFSET {offset}"

    def _insert(self, fields: list[Place]) -> str:
        names = dict.fromkeys(place.field.name for place in fields)
        if self.ways.main.tenant:
            names = {self.ways.main.tenant: None, **names}
        columns = [c for name in names for c in self.ways.main.fields[name].columns(self.dialect)]
        listed = ", ".join(map(self._quoted, columns))
        values = ", ".join(self.parameters.next() for _ in columns)
        return f"INSERT INTO {self._quoted(self.ways.main.name)} ({listed})\nVALUES ({values})"

    def _update(self, fields: list[Place]) -> str:
        columns = [
            name
            for place in fields
            if place.alias == self.ways.start
            for name in place.field.columns(self.dialect)
        ]
        listed = ", ".join(f"{self._quoted(c)} = {self.parameters.next()}" for c in columns)
        return f"UPDATE {self._quoted(self.ways.main.name)}\nSET {listed}{self._found()}"

    def _delete(self, _: list[Place]) -> str:
        table = self._quoted(self.ways.main.name)
        for each in self.ways.main.fields.values():
            if each.role == "deleted_at":
                marked = f"{self._quoted(each.name)} = {self.parameters.next()}"
                return f"UPDATE {table}\nSET {marked}{self._found()}"
        return f"DELETE FROM {table}{self._found()}"

    def _found(self) -> str:
        """The condition of a write; across tables by the keys of what a query finds."""
        if len(self.ways.tables) == 1:
            return self._where()
        key = ", ".join(self._quoted(name) for name in self.ways.main.key)
        listed = [
            self._columns(self.ways.place(self.ways.start, name))[0] for name in self.ways.main.key
        ]
        query = f"SELECT {', '.join(listed)}{self._from()}{self._where()}"
        return f"\nWHERE ({key}) IN ({query})"

    def _reads(
        self, fields: Sequence[Place], links: Sequence[tuple[Place, Place]]
    ) -> Mapping[str, frozenset[str]]:
        found: dict[str, set[str]] = {}
        places = [*fields, *self.groups, *(each.place for each in self.conditions)]
        places += [each.place for each in self.sort]
        places += [place for pair in links for place in pair]
        places += self.figures.values()
        for place in places:
            found.setdefault(place.relation, set()).update(place.field.columns(self.dialect))
        return {name: frozenset(columns) for name, columns in sorted(found.items())}
