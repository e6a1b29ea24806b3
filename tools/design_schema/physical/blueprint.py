"""A physical schema while it is built: each part of `physical` takes one and returns more of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ...ddl.model import Dialect, Name, Schema, Table
from ..decision import Decision
from ..logical.model import Logical


@dataclass(frozen=True, slots=True)
class Blueprint:
    """The schema so far, why it is as it is, and what cannot be said in it.

    `roles` are the DDL that comes before (roles belong to a cluster, not to a schema); `rows` what
    lists of values hold; `jobs` statements for a scheduler, by name, each with its comment
    (partitions ahead, retention); `notes` say what an engine cannot enforce and what does it
    instead.
    """

    logical: Logical
    version: tuple[int, ...]
    schema: Schema
    decisions: tuple[Decision, ...] = ()
    roles: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    jobs: Mapping[str, str] | None = None
    notes: tuple[str, ...] = ()

    @property
    def dialect(self) -> Dialect:
        """The engine."""
        return self.schema.dialect

    def table(self, relation: str) -> Table:
        """The table of a relation."""
        return self.schema.tables[self.name(relation)]

    def name(self, name: str) -> Name:
        """A name in the engine's default schema."""
        return Name(self.dialect.default_schema, name)

    def with_table(self, table: Table, *decisions: Decision) -> Blueprint:
        """With this table, in place of the one of its name."""
        return self.with_tables((table,), decisions)

    def with_tables(self, tables: Iterable[Table], decisions: Iterable[Decision] = ()) -> Blueprint:
        """With these tables, each in place of the one of its name."""
        every = {**self.schema.tables, **{table.name: table for table in tables}}
        schema = replace(self.schema, tables=every)
        return replace(self, schema=schema, decisions=(*self.decisions, *decisions))
