"""A table of a design, and how its promises speak of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from ...ddl.model import Dialect, Table
from ...engines.limits import quote
from ...source import pointer
from ..logical.model import Relation
from ..physical.blueprint import Blueprint
from .model import Step
from .rows import Made, Rows


@dataclass(frozen=True, slots=True)
class Subject:
    """A table and how it is spoken of."""

    blueprint: Blueprint
    rows: Rows
    relation: Relation
    table: Table

    @property
    def name(self) -> str:
        """The table's name as written."""
        return self.rows.name(self.table.name)

    def quoted(self, column: str) -> str:
        """A name as written."""
        return quote(self.blueprint.dialect, column)

    @property
    def is_postgres(self) -> bool:
        """Whether the engine is PostgreSQL."""
        return self.blueprint.dialect is Dialect.POSTGRES

    def about(self, *path: str) -> tuple[str, ...]:
        """What a promise is about: the pointer of a part of the table."""
        return (pointer(("tables", str(self.table.name), *path)),)

    def refuser(self, name: str, message: str) -> str:
        """What refuses: a constraint's name, where SQLite has a message."""
        return name if self.is_postgres else message

    def row(self, number: int = 0, given: Mapping[str, str] | None = None) -> Made:
        """A row of the table."""
        return self.rows.row(self.relation.name, number, given=given)

    def other(self, columns: tuple[str, ...], first: Made) -> Made:
        """Another row with the same values in these columns."""
        tenant = self.relation.tenant
        apart = int(bool(tenant) and tenant not in columns)
        return self.rows.alike(first, columns, 1, apart)

    def quiet(self, *more: Table) -> Iterator[Step]:
        """Statements that turn triggers off until the end of the transaction."""
        for table in dict.fromkeys((self.table.name, *(t.name for t in more))):
            triggers = self.blueprint.schema.tables[table].triggers
            if triggers and self.is_postgres:
                yield Step(f"ALTER TABLE {self.rows.name(table)} DISABLE TRIGGER USER")
            elif triggers:
                yield from (Step(f"DROP TRIGGER {self.quoted(name)}") for name in triggers)

    def dropped(self, table: Table, constraint: str) -> Step:
        """A statement that takes a constraint out of the way."""
        return Step(
            f"ALTER TABLE {self.rows.name(table.name)} DROP CONSTRAINT {self.quoted(constraint)}"
        )

    def implying(self, columns: Collection[str], but: str) -> Iterator[Step]:
        """What is unique in some of these columns already, out of the way as far as it can be."""
        for key in self.table.keys.values():
            if key.name != but and set(key.columns) <= set(columns) and self.is_postgres:
                yield Step(f"{self.dropped(self.table, key.name).sql} CASCADE")
        for index in self.table.indexes.values():
            mentioned = {
                column
                for part in index.parts
                for column in self.rows.columns_of(self.relation.name, str(part.expression))
            }
            if index.unique and index.name != but and mentioned <= set(columns):
                yield Step(
                    f"DROP INDEX {self.rows.name(self.table.name._replace(name=index.name))}"
                )

    def alone(self, triggers: Collection[str], *more: Table) -> Iterator[Step]:
        """Statements that turn off all triggers but these, until the end of the transaction.

        Those of these tables, and all that wait until then.
        """
        near = {self.table.name, *(table.name for table in more)}
        for name, table in self.blueprint.schema.tables.items():
            for trigger in table.triggers.values():
                waits = trigger.deferrable == "initially deferred"
                if trigger.name not in triggers and (name in near or waits):
                    yield self._off(table, trigger.name)

    def _off(self, table: Table, trigger: str) -> Step:
        written = self.quoted(trigger)
        if self.is_postgres:
            return Step(f"ALTER TABLE {self.rows.name(table.name)} DISABLE TRIGGER {written}")
        return Step(f"DROP TRIGGER {written}")
