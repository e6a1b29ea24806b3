"""What a recipe may ask: both schemas, the engine's version, sizes, who runs the plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from ..ddl.diff import Change, dotted
from ..ddl.model import Dialect, Name, Schema, Sql, Table
from ..engines.facts import Facts, TableFacts

if TYPE_CHECKING:
    from ..ddl.postgres.canonical_types import Resolver
    from ..ddl.postgres.emit import Emitter
    from .moves import Moved

SMALL_ROWS = 10_000  # a scan or a rewrite of fewer takes no longer than taking the lock


@dataclass(frozen=True)
class Context:
    """The migration to be planned.

    `renames` maps an object's key (`ddl.diff`) before to its key after, as the user said.
    `version` is the engine's major version, `exact` all of it, where it was given; steps may use
    what it offers and no more.
    """

    current: Schema
    target: Schema
    changes: tuple[Change, ...]
    version: int
    facts: Facts = field(default_factory=Facts)
    renames: Mapping[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)
    runner: str = "psql"
    pooler: bool = False
    # Measured by the user: `scan`, `build` and `rewrite` in bytes a second, `update` in rows.
    rates: Mapping[str, float] = field(default_factory=dict)
    # Tables that a view shows under their old name until the contract phase.
    viewed: frozenset[Name] = frozenset()
    # By a column's key: what must run when its type changes, as sessions remember the old one.
    synced: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    # What a new column is made of, by its key, as the user said.
    derived: Mapping[tuple[str, ...], Sql] = field(default_factory=dict)
    # Columns that move to another table, as the user said.
    moved: tuple[Moved, ...] = ()
    exact: tuple[int, ...] = ()

    @property
    def dialect(self) -> Dialect:
        """The engine."""
        return self.current.dialect

    def facts_of(self, table: Name) -> TableFacts | None:
        """Rows, bytes and growth of a table, when given."""
        return self.facts.tables.get((table.schema, table.name))

    def is_small(self, table: Name) -> bool:
        """Whether the table is known to be so small that no ceremony is needed."""
        known = self.facts_of(table)
        return known is not None and known.rows is not None and known.rows < SMALL_ROWS

    def is_new(self, table: Name) -> bool:
        """Whether the migration creates the table: nobody uses it yet."""
        return table not in self.current.tables

    def table(self, name: Name) -> Table | None:
        """The table as it is now."""
        return self.current.tables.get(name)

    @cached_property
    def writes_current(self) -> Emitter:
        """The objects of the current schema as PostgreSQL's statements."""
        from ..ddl.postgres.emit import Emitter

        return Emitter(self.current)

    @cached_property
    def writes_target(self) -> Emitter:
        """The objects of the target as PostgreSQL's statements."""
        from ..ddl.postgres.emit import Emitter

        return Emitter(self.target)

    @cached_property
    def names(self) -> Mapping[str, Name]:
        """The names that keys (`ddl.diff`) spell, of both schemas."""
        return {
            dotted(name): name
            for schema in (self.current, self.target)
            for group in (
                schema.tables,
                schema.views,
                schema.sequences,
                schema.enums,
                schema.domains,
                schema.composites,
                schema.ranges,
            )
            for name in group
        }

    @cached_property
    def changed(self) -> Mapping[tuple[str, ...], Change]:
        """The changes by the key of their object."""
        return {change.object: change for change in self.changes}

    @cached_property
    def moves(self) -> Mapping[tuple[str, ...], tuple[str, ...]]:
        """The keys of columns that move, with those where they go."""
        return {
            ("column", dotted(move.source), old): ("column", dotted(move.target), new)
            for move in self.moved
            for old, new in move.values
        }

    @cached_property
    def tables_before(self) -> Mapping[str, Table]:
        """The tables as they are now, by the name that keys of objects have."""
        return {dotted(name): table for name, table in self.current.tables.items()}

    @cached_property
    def tables_after(self) -> Mapping[str, Table]:
        """The tables of the target, by the name that keys of objects have."""
        return {dotted(name): table for name, table in self.target.tables.items()}

    @cached_property
    def columns_before(self) -> Resolver:
        """The columns, with types, of the relations as they are now."""
        from ..ddl.expressions import resolver

        return resolver(self.current)

    @cached_property
    def columns_after(self) -> Resolver:
        """The columns, with types, of the relations of the target."""
        from ..ddl.expressions import resolver

        return resolver(self.target)
