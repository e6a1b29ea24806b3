"""What the rows of a relation look like: its columns' values, and the conditions on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any, Final

from sqlglot import exp

from ...ddl.expressions import columns_of
from ...ddl.model import Column, Dialect, Table
from ..logical.model import Field, Reference, Relation
from ..physical.blueprint import Blueprint
from . import values
from .evaluate import Unknown, coerced, parsed, value_of
from .search import Condition
from .values import Span, Value

_LEFT_TO_DEFAULTS: Final = ("updated_at", "updated_by", "version", "queue")
_FREE: Final = (
    "attribute", "position", "currency", "latitude", "longitude", "created_at", "deleted_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """A row that was made, and the rows that it refers to, by reference."""

    relation: Relation
    number: int
    tenant: int
    values: Mapping[str, Value]
    parents: Mapping[tuple[str, ...], Row]  # by the fields that refer
    doubt: str = ""

    def is_like(self, other: Row) -> bool:
        """Whether both would have one key."""
        mine = (self.relation.name, self.number, self.tenant)
        return mine == (other.relation.name, other.number, other.tenant)

    def consistent(self) -> Row:
        """Without the parents that it does not refer to after all."""
        kept = {
            reference.fields: self.parents[reference.fields]
            for reference in self.relation.references
            if reference.fields in self.parents
            and all(self.values.get(column) is not None for column in reference.fields)
        }
        return replace(self, parents=kept)

    def closure(self) -> Iterator[Row]:
        """The row, and all that it refers to, some more than once."""
        yield self
        for parent in self.parents.values():
            yield from parent.closure()

    def references_to(self, row: Row) -> Iterator[Reference]:
        """By what it refers to another row."""
        for reference in self.relation.references:
            pairs = zip(reference.fields, reference.target_fields, strict=True)
            if reference.target == row.relation.name and all(
                self.values.get(mine) == row.values.get(theirs) for mine, theirs in pairs
            ):
                yield reference

    def with_literals(self, literals: Mapping[str, str]) -> Row:
        """With other values, as far as they are understood."""
        return replace(self, values={**self.values, **{c: _read(t) for c, t in literals.items()}})


def _read(text: str) -> Value:
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


class Shape:
    """A relation's table as sample rows see it."""

    def __init__(self, blueprint: Blueprint, relation: Relation) -> None:
        self.relation = relation
        self.table: Table = blueprint.table(relation.name)
        self._dialect = blueprint.dialect
        self._fields: dict[str, Field] = {
            column: field
            for field in relation.fields.values()
            for column in field.columns(blueprint.dialect)
        }
        relations = blueprint.logical.relations
        # A value of a list is there from the start, and chosen as that of any enum.
        self.references = [r for r in relation.references if relations[r.target].kind != "values"]
        self.referring_columns = frozenset(c for r in self.references for c in r.fields)
        self._unique = {c for columns in _unique_sets(self.table) for c in columns}
        self._written = {n for n, c in self.table.columns.items() if c.generated is None}
        self.free = frozenset(
            column
            for column, field in self._fields.items()
            if column in self._written
            and (field.role in _FREE or (field.role == "reference" and not field.required))
        )
        self.own = frozenset(self._fields) & self._written - self.referring_columns

    @cached_property
    def closed(self) -> frozenset[str]:
        """Columns that take one of their choices, and nothing that a condition suggests."""
        states = {self.relation.states.attribute} if self.relation.states else set()
        return (self.referring_columns | states) & self.free

    def plain(self, serial: int) -> dict[str, Value]:
        """The row of that number, whatever the conditions."""
        found: dict[str, Value] = {}
        for field in self.relation.fields.values():
            if field.role not in _LEFT_TO_DEFAULTS:
                found |= self._plain(field, serial)
        for column in self.table.columns.values():
            if column.name not in found and _is_demanded(column):
                found[column.name] = values.of_type(column.type, column.name, serial)
        return {c: v for c, v in found.items() if c in self._written}

    def default(self, column: str) -> Value:
        """What the default comes to; for now a moment far away; None if that cannot be told."""
        field, default = self._fields.get(column), self.table.columns[column].default
        if field is None or default is None:
            return None
        like = values.plain(field, 0)
        if any(word in default.lower() for word in ("now", "current_")):
            return values.FAR.date() if type(like) is date else values.FAR
        try:
            return coerced(value_of(parsed(default, self._dialect), {}), like)  # type: ignore[no-any-return]
        except (Unknown, ValueError, ArithmeticError):
            return None

    def defaulted(self, columns: Sequence[str], serial: int) -> dict[str, Value]:
        """Values of columns that rows usually leave to their defaults."""
        found: dict[str, Value] = {}
        for column in columns:
            if field := self._fields.get(column):
                found |= self._by_column(field.columns(self._dialect), values.plain(field, serial))
        return {c: v for c, v in found.items() if c in columns and c in self._written}

    def _plain(self, field: Field, serial: int) -> Mapping[str, Value]:
        columns = field.columns(self._dialect)
        if field.role == "deleted_at":
            return dict.fromkeys(columns)
        states = self.relation.states
        if states and field.name == states.attribute:
            return {columns[0]: states.initial[0]}
        if self.relation.kind == "values" and self.relation.rows and field.type.type == "text":
            return {columns[0]: f"value_{serial}"}
        value = values.plain(field, serial, not self._unique.isdisjoint(columns))
        return self._by_column(columns, value)

    def _by_column(self, columns: Sequence[str], value: Value) -> Mapping[str, Value]:
        if len(columns) == 2 and isinstance(value, Span):
            return dict(zip(columns, (value.start, value.end), strict=True))
        return {columns[0]: self._stored(value)}

    def _stored(self, value: Value) -> Value:
        """A duration is a number of seconds where there is no type for it."""
        if isinstance(value, timedelta) and self._dialect is not Dialect.POSTGRES:
            return Decimal(int(value.total_seconds()))
        return value

    def referring(self, parents: Mapping[tuple[str, ...], Row]) -> dict[str, Value]:
        """The values of references: the parents' keys, or nothing."""
        found: dict[str, Value] = {}
        for reference in self.references:
            parent = parents.get(reference.fields)
            for mine, theirs in zip(reference.fields, reference.target_fields, strict=True):
                if parent is not None:
                    found[mine] = parent.values[theirs]
                elif not self.relation.fields[mine].required:
                    found[mine] = None
        return found

    def conditions(self, without: str = "") -> list[Condition]:
        """The checks that are understood, but for one."""
        return [each for name, each in self._conditions.items() if name != without]

    def conditions_without(self, columns: Sequence[str]) -> list[Condition]:
        """The checks of a row once these columns that may be NULL are."""
        empty = {c for c in columns if self.table.columns[c].not_null is None}

        def emptied(node: exp.Expr) -> exp.Expr:
            return exp.Null() if isinstance(node, exp.Column) and node.name in empty else node

        return [
            Condition(each.tree.copy().transform(emptied))
            for each in self._conditions.values()
            if empty.intersection(each.columns)
        ]

    def failed(self, row: Mapping[str, Value]) -> list[str]:
        """The checks that a row fails."""
        return [name for name, each in self._conditions.items() if each.is_met(row) is False]

    @cached_property
    def _conditions(self) -> Mapping[str, Condition]:
        return {
            name: Condition(tree)
            for name, check in self.table.checks.items()
            if (tree := self._tree(check.expression)) is not None
        }

    @cached_property
    def undecided(self) -> str:
        """Which checks are not understood, so that rows may not meet them."""
        names = [name for name in self.table.checks if name not in self._conditions]
        return f"{', '.join(names)}: not understood here" if names else ""

    def tree(self, expression: str) -> exp.Expr:
        """A condition on rows; generated columns as what they are made of. Raises `Unknown`."""
        tree = parsed(expression, self._dialect)
        generated = {n: c for n, c in self.table.columns.items() if c.generated is not None}
        if not any(column.name in generated for column in tree.find_all(exp.Column)):
            return tree

        def inlined(node: exp.Expr) -> exp.Expr:
            column = generated.get(node.name) if isinstance(node, exp.Column) else None
            if column is None or column.generated is None:
                return node
            return exp.Paren(this=parsed(column.generated.expression, self._dialect).copy())

        return tree.copy().transform(inlined)

    def _tree(self, expression: str) -> exp.Expr | None:
        try:
            return self.tree(expression)
        except Unknown:
            return None

    def choices(self, column: str) -> Sequence[Value]:
        """Other values for a column of a valid row."""
        return list(self._choices(column))

    def choices_of_any_state(self, column: str) -> Sequence[Value]:
        """As `choices`, where no state machine looks at what a row begins as."""
        states = self.relation.states
        known = self._fields[column].type.values if states and column == states.attribute else ()
        return [*known, *self._choices(column)]

    def odd_choices(self, column: str) -> Sequence[Value]:
        """Other values, also such that the column's type or limits should refuse."""
        field = self._fields.get(column)
        odd = (
            self._split(column, field, list(values.outside(field, self._dialect))) if field else []
        )
        states = [*field.type.values] if field and field.type.type == "enum" else []
        return [*odd, *states, *self._choices(column)]

    def _choices(self, column: str) -> Iterator[Value]:
        field = self._fields.get(column)
        states = self.relation.states
        if field is None or column in self.referring_columns:
            pass
        elif states and field.name == states.attribute:
            yield from states.initial
        else:
            yield from self._split(column, field, list(values.others(field, 0)))
        if self.table.columns[column].not_null is None:
            yield None

    def _split(self, column: str, field: Field, found: Sequence[Any]) -> Sequence[Value]:
        """Values for one of the columns of a period."""
        columns = field.columns(self._dialect)
        if len(columns) == 1:
            return [self._stored(value) for value in found]
        end = "start" if column == columns[0] else "end"
        return [getattr(v, end) if isinstance(v, Span) else v for v in found]


def _unique_sets(table: Table) -> Iterator[tuple[str, ...]]:
    """The columns of everything that is unique, also under a condition or as an expression."""
    yield from (key.columns for key in table.keys.values())
    for index in table.indexes.values():
        if index.unique:
            for part in index.parts:
                sql = str(part.expression)
                yield (sql,) if part.is_column else tuple(columns_of(sql))


def _is_demanded(column: Column) -> bool:
    made = column.default is not None or column.generated or column.identity
    return column.not_null is not None and not made and not column.auto_increment
