"""A column beside another one that holds the same values, with what it needs to take its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from ...ddl.diff import dotted
from ...ddl.model import Column, Dialect, Index, IndexPart, Key, Schema, Sql, Table, Type
from ...ddl.postgres.emit import emit
from ...ddl.postgres.nodes import made_name
from ...ddl.postgres.parse import fold
from ...ddl.postgres.text import ident, options, qualified
from ...ddl.script import split
from ..context import Context
from ..model import Phase, Step
from .base import ObjectKey, altered
from .indexes import concurrently
from .written import grant, said

# Types whose values are the same bytes when the type calls them equal.
_EXACT: Final = frozenset(
    {"smallint", "integer", "bigint", "boolean", "date", "uuid", "bytea", "text"}
    | {"character varying", "timestamp without time zone", "timestamp with time zone"}
)


def after_statements(schema: Schema, statements: list[str]) -> Schema:
    """The schema after some statements, by way of its own."""
    text = ";\n".join([*emit(schema), *statements])
    return fold(split(text, "renames", Dialect.POSTGRES)[0])


def differs(one: str, other: str, *types: Type) -> str:
    """The condition that two values are not the same, also where the type calls them equal."""
    if all(t.name in _EXACT and not t.schema and not t.array for t in types):
        return f"{one} IS DISTINCT FROM {other}"
    return f"ROW({one})::record *<> ROW({other})::record"


@dataclass(frozen=True)
class Twin:
    """Column `new`, to be added beside `column` of a table of the current schema."""

    table: Table
    column: Column
    new: Column
    ctx: Context

    def added(self) -> list[str]:
        """The statements that add it, with comment, grants and settings; NULL where rows are."""
        column = self.ctx.writes_current.tables.column(self.table, self.new, plain=True)
        name = f"ALTER COLUMN {ident(self.new.name)}"
        sql = [altered(self.table, f"ADD COLUMN {column}")]
        if self.new.statistics is not None:
            sql.append(altered(self.table, f"{name} SET STATISTICS {self.new.statistics}"))
        if self.new.options:
            sql.append(altered(self.table, f"{name} SET {options(self.new.options)}"))
        place = f"COLUMN {qualified(self.table.name)}.{ident(self.new.name)}"
        return [*sql, *said(place, self.column.comment), *self._grants()]

    def _grants(self) -> Iterator[str]:
        for entry in self.ctx.current.grants:
            named = entry.object in (dotted(self.table.name), str(self.table.name))
            if entry.kind == "table" and named and self.column.name in entry.columns:
                yield grant(entry._replace(columns=(self.new.name,)), self.ctx.current)

    @cached_property
    def home(self) -> Table:
        """The table with the column renamed: what stands on it, standing on the twin."""
        bare = {n: replace(c, default=None, identity=None) for n, c in self.table.columns.items()}
        table = replace(
            self.table,
            columns=bare,
            foreign_keys={},
            triggers={},
            policies={},
            rules={},
            inherits=(),
            partition_of=None,
            replica_identity="default",
            cluster_on="",
        )
        alone = Schema(Dialect.POSTGRES, tables={table.name: table})
        rename = f"RENAME COLUMN {ident(self.column.name)} TO {ident(self.new.name)}"
        return after_statements(alone, [altered(table, rename)]).tables[table.name]

    def indexes(self) -> Iterator[tuple[Index, Index]]:
        """The indexes on the column, those of keys among them, each with its like on the twin."""
        home = self.home
        for name, old in self.table.indexes.items():
            if (new := home.indexes[name]) != old:
                yield old, replace(new, name=self.aside(name))
        for name, key in self.table.keys.items():
            if (moved := home.keys[name]) != key:
                yield as_index(key), replace(as_index(moved), name=self.aside(name))

    def aside(self, name: str, label: str = "new") -> str:
        """The name of an object while another one has its own; each column has others."""
        return made_name(name, self.column.name, label)

    def index_steps(
        self, key: ObjectKey, why: str, pairs: Iterable[tuple[Index, Index]] = ()
    ) -> Iterator[Step]:
        """The steps that build them, or those of other `pairs`, online."""
        of = dotted(self.table.name)
        for old, new in pairs or self.indexes():
            made = concurrently(self.table.name, new, self.ctx, key)
            kind = "key" if old.name in self.table.keys else "index"
            carried = ((kind, of, old.name),)
            yield replace(made, phase=Phase.MIGRATE, why=f"{why} {made.why}", carries=carried)


def as_index(key: Key) -> Index:
    """The unique index that a key has."""
    return Index(
        key.name,
        tuple(IndexPart(Sql(column)) for column in key.columns),
        unique=True,
        include=key.include,
        nulls_not_distinct=key.nulls_not_distinct,
        options=key.options,
    )
