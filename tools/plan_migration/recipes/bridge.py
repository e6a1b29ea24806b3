"""A column under its old and its new name at once: both are written, and both hold every value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ...ddl.model import Column, Index, Name, Sql, Table, Type
from ...ddl.postgres.nodes import made_name
from ...ddl.postgres.text import default_text, ident, qualified
from ..context import Context
from ..model import Phase, Step, Undo
from ..words import words
from .backfill import backfill
from .base import ObjectKey, altered, listed, step, temporary
from .columns import is_volatile
from .twin import Twin, differs


def obstacle(table: Table, column: Column, new: str, ctx: Context) -> str:
    """Why both names cannot be there at once; empty when they can."""
    if new in table.columns:
        return "the new name is in use"
    if table.foreign:
        return "it is a foreign table"
    if column.generated:
        return "a generated column cannot be written"
    if any(table.name in each.inherits for each in ctx.current.tables.values()):
        return "triggers do not pass to the tables that inherit"
    if table.partition_by or table.partition_of:
        parts = table.partition_by.parts if table.partition_by else ()
        if any(column.name in words(part.expression) for part in parts):
            return "rows are routed by it before any trigger runs"
        if ctx.version < 13 or table.partition_of:
            return "its trigger would have to stand on each partition"
    return ""


@dataclass(frozen=True)
class Bridge:
    """`twin.column` is the real one. The other one serves the version that says the other name."""

    twin: Twin
    old: ObjectKey
    new: ObjectKey

    @classmethod
    def of(cls, table: Table, old: ObjectKey, new: ObjectKey, ctx: Context) -> Bridge:
        """The bridge for a column of the current schema; `old` is its key by the old name."""
        column = table.columns[old[2]]
        return cls(Twin(table, column, replace(column, name=new[2]), ctx), old, new)

    def steps(self) -> Iterator[Step]:
        """Steps that rename it while both versions work."""
        if self.twin.ctx.is_small(self.twin.table.name):
            yield self._at_once()
        else:
            yield self._add()
            yield from self._filled()
            yield from self._indexes()
            yield self._exchanged()
        yield self._dropped()

    def settled(self) -> str:
        """What makes the trigger's function anew once the names are exchanged."""
        old, new = self._names
        return self._synced(new, old)

    @property
    def _of(self) -> str:
        return qualified(self.twin.table.name)

    @property
    def _names(self) -> tuple[str, str]:
        return ident(self.twin.column.name), ident(self.twin.new.name)

    @property
    def _sync(self) -> str:
        """Triggers run in the order of their names: this one after the user's."""
        return made_name(f"zy_{self.twin.table.name.name}", self.twin.new.name, "sync")

    @property
    def _function(self) -> str:
        return qualified(Name(self.twin.table.name.schema, self._sync))

    def _constant(self) -> str:
        """The default, where it tells what was not written; else NULL does."""
        default = self.twin.column.default
        varies = default is None or is_volatile(default, self.twin.ctx)
        return "NULL" if default is None or varies else default_text(default)

    def _synced(self, real: str, other: str) -> str:
        """The function by which the name that was written wins, and both are alike."""
        kind, default = self.twin.column.type, self.twin.column.default
        constant = self._constant()
        given = _written(other, constant, kind)
        if constant != "NULL" or default is None:
            given += f" AND NOT ({_written(real, constant, kind)})"
        changed = (
            f"{differs(f'NEW.{other}', f'OLD.{other}', kind)}"
            f" AND NOT ({differs(f'NEW.{real}', f'OLD.{real}', kind)})"
        )
        return (
            f"CREATE OR REPLACE FUNCTION {self._function}() RETURNS trigger LANGUAGE plpgsql AS $$"
            f"""
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF {given} THEN
            NEW.{real} := NEW.{other};
        END IF;
    ELSIF {changed} THEN
        NEW.{real} := NEW.{other};
    END IF;
    {self._followed(real, other)}
    RETURN NEW;
END $$"""
        )

    def _followed(self, real: str, other: str) -> str:
        """The other column is like the real one; NULL for what it cannot hold."""
        follow = f"NEW.{other} := NEW.{real};"
        after = self.twin.ctx.tables_after.get(self.new[1])
        column = after.columns.get(self.new[2]) if after else None
        if column is None or column.type == self.twin.column.type:
            return follow
        return f"BEGIN {follow} EXCEPTION WHEN data_exception THEN NEW.{other} := NULL; END;"

    def _trigger(self) -> str:
        return (
            f"CREATE TRIGGER {ident(self._sync)} BEFORE INSERT OR UPDATE ON {self._of}"
            f" FOR EACH ROW EXECUTE FUNCTION {self._function}()"
        )

    def _no_trigger(self) -> list[str]:
        return [
            f"DROP TRIGGER {ident(self._sync)} ON {self._of}",
            f"DROP FUNCTION {self._function}()",
        ]

    def _added(self) -> list[str]:
        sql = self.twin.added()
        if self._constant() != "NULL":
            default = f"ALTER COLUMN {self._names[1]} SET DEFAULT {self._constant()}"
            sql.append(altered(self.twin.table, default))
        return [*sql, self._synced(*self._names), self._trigger()]

    def _swapped(self) -> list[str]:
        """Each column gets the other's name."""
        old, new = self._names
        aside = ident(temporary(self.twin.column.name, "aside"))
        pairs = ((old, aside), (new, old), (aside, new))
        return [altered(self.twin.table, f"RENAME COLUMN {a} TO {b}") for a, b in pairs]

    def _back(self) -> list[str]:
        old, new = self._names
        aside = ident(temporary(self.twin.column.name, "aside"))
        pairs = ((new, aside), (old, new), (aside, old))
        return [altered(self.twin.table, f"RENAME COLUMN {a} TO {b}") for a, b in pairs]

    def _hazards(self) -> tuple[str, ...]:
        """Triggers that run before and say the column see what was written under its own name."""
        functions = self.twin.ctx.current.functions.values()
        users = [
            trigger.name
            for trigger in self.twin.table.triggers.values()
            if trigger.timing == "before"
            and any(
                f.name == trigger.function and self.twin.column.name in words(f.body)
                for f in functions
            )
        ]
        return (f"let these triggers know both names: {listed(users)}",) if users else ()

    def _add(self) -> Step:
        """The column of the new name, and the trigger."""
        old, new = self._names
        return step(
            Phase.EXPAND,
            f"Add column {new} beside {old} of {self._of}",
            self._added(),
            f"RENAME COLUMN would break all code that says {old}. From now on a trigger keeps both"
            " alike: the one that is written wins. If no old instance runs during the migration,"
            f" `ALTER TABLE {self._of} RENAME COLUMN {old} TO {new}` alone is enough.",
            [*self._no_trigger(), altered(self.twin.table, f"DROP COLUMN {new}")],
            [self.new],
            hazards=self._hazards(),
        )

    def _filled(self) -> Iterator[Step]:
        """Values for the rows that are there."""
        value = f"t.{self._names[0]}"
        missing = differs(f"t.{self._names[1]}", value, self.twin.column.type)
        here = replace(self.twin.ctx, target=self.twin.ctx.current)
        for each in backfill(self.twin.table, self.twin.new, value, here, missing, self._sync):
            yield replace(each, objects=(self.new,))

    def _indexes(self) -> Iterator[Step]:
        """What the version that uses the other column needs to find rows and conflicts."""
        old = self._names[0]
        why = f"Old code finds rows by {old} until it is gone."
        yield from self.twin.index_steps(self.new, why, self._pairs())

    def _pairs(self) -> Iterator[tuple[Index, Index]]:
        """The indexes on the column, with their likes on copies only: of others renamed, too."""
        ctx = self.twin.ctx
        of = self.new[1]
        renamed = (pair for pair in ctx.renames.items() if pair[1] in ctx.synced)
        copies = {new[2]: old[2] for old, new in renamed if new[1] == of}
        for index, like in self.twin.indexes():
            parts = [
                replace(part, expression=Sql(copies.get(part.expression, part.expression)))
                if part.is_column
                else part
                for part in like.parts
            ]
            yield index, replace(like, parts=tuple(parts))

    def _exchanged(self) -> Step:
        """The real column, with all that stands on it, gets the new name."""
        old, new = self._names
        return step(
            Phase.MIGRATE,
            f"Exchange {old} and {new} of {self._of}",
            [*self._swapped(), self.settled()],
            "Only names change: keys, constraints, indexes, views, grants and numbers stay with"
            f" the column and follow to {new}; {old} is the copy now. Both can be written as"
            " before.",
            [*self._back(), self._synced(old, new)],
            [self.new, self.old],
            after="the new code may be deployed",
        )

    def _at_once(self) -> Step:
        """All of it in one transaction: there are few rows."""
        old, new = self._names
        table = self.twin.table
        indexes = [
            self.twin.ctx.writes_current.tables.index(table.name, each) for _, each in self._pairs()
        ]
        fill = f"UPDATE {self._of} SET {new} = {old}"
        return step(
            Phase.EXPAND,
            f"Rename column {old} of {self._of} to {new}, and keep {old} as a copy",
            [*self._added(), fill, *indexes, *self._swapped(), self.settled()],
            "The table is small: it takes no time. A trigger keeps both alike, whoever writes.",
            [
                *self._no_trigger(),
                altered(table, f"DROP COLUMN {old}"),
                altered(table, f"RENAME COLUMN {new} TO {old}"),
            ],
            [self.new, self.old],
            after="the new code may be deployed",
            hazards=self._hazards(),
        )

    def _dropped(self) -> Step:
        """The copy goes."""
        old, new = self._names
        return step(
            Phase.CONTRACT,
            f"Drop the copy {old} of {self._of}",
            [*self._no_trigger(), altered(self.twin.table, f"DROP COLUMN {old}")],
            "Only once no instance of the old code is left. Its indexes go with it.",
            Undo((), "no_return", "", f"nothing: {new} has every value"),
            [self.old],
            drops=(self.old,),
            before="no instance of the old code runs",
        )


def _written(column: str, default: str, kind: Type) -> str:
    """The condition that a new row's column is not what it is when nobody says it."""
    return (
        f"NEW.{column} IS NOT NULL"
        if default == "NULL"
        else differs(f"NEW.{column}", default, kind)
    )
