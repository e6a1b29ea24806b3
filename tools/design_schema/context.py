"""What a rule may ask about the schema under review."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from ..ddl.model import At, Column, Dialect, ForeignKey, Index, Name, Schema, Table, View
from ..ddl.types import Family, family
from ..engines.facts import Facts, TableFacts
from ..rule import Place
from .access import Holder, Path, paths, unread_words

if TYPE_CHECKING:
    from .queries import Query

T = TypeVar("T")


class Part(NamedTuple, Generic[T]):
    """An object that belongs to a table (or, an index, to a materialized view)."""

    table: Table
    value: T


class Reference(NamedTuple):
    """A foreign key with the table that declares it."""

    table: Table
    key: ForeignKey


@dataclass
class Context:
    """A schema with what is known of its engine and its load.

    `version` is the engine's, `(16,)` or `(8, 0)`; empty when not known. `facts` are empty when
    none were given: then sizes are unknown, and a rule must not take them for small. `texts` are
    the scripts by name, where they are at hand.
    """

    schema: Schema
    version: tuple[int, ...] = ()
    facts: Facts = field(default_factory=Facts)
    queries: tuple[Query, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def dialect(self) -> Dialect:
        """The engine."""
        return self.schema.dialect

    @property
    def is_postgres(self) -> bool:
        """Whether the engine is PostgreSQL."""
        return self.dialect is Dialect.POSTGRES

    @property
    def is_mysql(self) -> bool:
        """Whether the engine is MySQL or MariaDB."""
        return self.dialect in (Dialect.MYSQL, Dialect.MARIADB)

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """The tables that people design: no partitions, which repeat their parent."""
        return tuple(t for t in self.schema.tables.values() if t.partition_of is None)

    @cached_property
    def paths(self) -> Mapping[Name, tuple[Path, ...]]:
        """The indexes of each table and view, whether made by themselves or by a key."""
        holders: list[Holder] = [*self.schema.tables.values(), *self.schema.views.values()]
        return {holder.name: tuple(paths(self.schema, holder)) for holder in holders}

    @cached_property
    def unread_words(self) -> frozenset[str]:
        """The words, in lower case, of statements that were not understood.

        An object that they name may be other than the model says.
        """
        return unread_words(self.schema)

    @cached_property
    def references(self) -> Mapping[Name, tuple[Reference, ...]]:
        """The foreign keys that point to each table."""
        found: dict[Name, list[Reference]] = {}
        for table in self.tables:
            for key in table.foreign_keys.values():
                found.setdefault(key.table, []).append(Reference(table, key))
        return {name: tuple(keys) for name, keys in found.items()}

    @cached_property
    def by_lower_name(self) -> Mapping[str, tuple[Table | View, ...]]:
        """The tables, partitions included, and views by their names in lower case."""
        found: dict[str, list[Table | View]] = {}
        holders: list[Table | View] = [*self.schema.tables.values(), *self.schema.views.values()]
        for holder in holders:
            found.setdefault(holder.name.name.lower(), []).append(holder)
        return {name: tuple(holders) for name, holders in found.items()}

    def family(self, column: Column) -> Family:
        """What a column's type is, whatever the engine calls it; a domain is its base type."""
        domain = self.schema.domains.get(Name(column.type.schema, column.type.name))
        if Name(column.type.schema, column.type.name) in self.schema.enums:
            return Family.ENUM
        return family(domain.type if domain else column.type, self.dialect)

    def facts_of(self, table: Table) -> TableFacts | None:
        """Rows, bytes and growth of a table, when given."""
        return self.facts.tables.get((table.name.schema, table.name.name))

    def place(self, value: Any, *path: str) -> Place:
        """Where an object stands; `path` as `table_path` and `part_path` give it."""
        at: At = value.at or At("", 0)
        return Place(at.file, path, at.offset)

    def of_table(self, table: Table | View) -> Place:
        """The place of a table or a view."""
        kind = "tables" if isinstance(table, Table) else "views"
        return self.place(table, kind, str(table.name))

    def of(self, part: Part[Any]) -> Place:
        """The place of a column, key, constraint, index, policy or trigger of a table.

        One without a name (SQLite) goes by its columns.
        """
        name = part.value.name or ", ".join(getattr(part.value, "columns", ()))
        kind = _KINDS.get(type(part.value).__name__, "objects")
        holder = "tables" if isinstance(part.table, Table) else "views"
        return self.place(part.value, holder, str(part.table.name), kind, name)

    def subjects(self, kind: str) -> Iterator[Any]:
        """The objects that a rule is `on`.

        `schema`: the Context's Schema. `table`, `view`, `function`, `sequence`, `enum`, `domain`,
        `query`: the objects. `column`, `key`, `foreign_key`, `check`, `exclusion`, `index`,
        `policy`, `trigger`: a `Part` each. Partitions are not visited: they repeat their parent.
        """
        match kind:
            case "schema":
                yield self.schema
            case "table":
                yield from self.tables
            case "query":
                yield from self.queries
            case "index":
                holders: list[Any] = [*self.tables, *self.schema.views.values()]
                for holder in holders:
                    yield from (Part(holder, index) for index in holder.indexes.values())
            case "view" | "function" | "sequence" | "enum" | "domain":
                yield from getattr(self.schema, f"{kind}s").values()
            case _:
                for table in self.tables:
                    parts = getattr(table, _PLURALS[kind])
                    yield from (Part(table, part) for part in parts.values())


_KINDS = {
    "Column": "columns",
    "Key": "keys",
    "ForeignKey": "foreign_keys",
    "Check": "checks",
    "Exclusion": "exclusions",
    "Index": "indexes",
    "Policy": "policies",
    "Trigger": "triggers",
}
_PLURALS = {
    "column": "columns",
    "key": "keys",
    "foreign_key": "foreign_keys",
    "check": "checks",
    "exclusion": "exclusions",
    "policy": "policies",
    "trigger": "triggers",
}

ColumnPart = Part[Column]
IndexPart = Part[Index]
ForeignKeyPart = Part[ForeignKey]
