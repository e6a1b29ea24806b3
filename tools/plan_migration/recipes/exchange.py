"""A column's place taken by the one beside it, in one transaction, and given back in another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from ...ddl.diff import dotted
from ...ddl.model import Column, ForeignKey, Index, Name, Table
from ...ddl.postgres.nodes import made_name
from ...ddl.postgres.text import default_text, deferrable, ident, literal, qualified
from ..context import Context
from ..words import words
from .base import ObjectKey, altered, column_key, temporary
from .constraints import named
from .dependants import Around, around
from .twin import Twin
from .written import said


@dataclass(frozen=True)
class Exchange:
    """Everything that stands on `before` of a table stands on `after` afterwards.

    The one that comes has a name for a while, as has the one that went. Forth, the indexes are
    there already, and what would read rows under the lock is left not valid. Back, they are built
    and checked within the transaction: it is for emergencies, and leaves all as it was.
    """

    table: Table
    before: Column
    after: Column
    ctx: Context

    @cached_property
    def twin(self) -> Twin:
        """The column that comes."""
        name = temporary(self.after.name)
        return Twin(self.table, self.before, replace(self.after, name=name), self.ctx)

    @property
    def given(self) -> str:
        """The check that proves the new column to be filled."""
        return made_name(self.table.name.name, self.twin.new.name, "given")

    @cached_property
    def dependants(self) -> Around:
        """What is taken down and put up again around the exchange."""
        return around(self.table, frozenset({self.before.name}), self.ctx)

    @cached_property
    def foreign_keys(self) -> dict[ObjectKey, tuple[Table, ForeignKey]]:
        """Those of the column, and those that refer to it."""
        name = self.before.name
        return {
            ("foreign key", dotted(each.name), key.name): (each, key)
            for each in self.ctx.current.tables.values()
            for key in each.foreign_keys.values()
            if not key.inherited
            and (
                (each.name == self.table.name and name in key.columns)
                or (key.table == self.table.name and name in key.referenced)
            )
        }

    @cached_property
    def checks(self) -> list[str]:
        """The checks on the column."""
        home = self.twin.home
        return [name for name, check in self.table.checks.items() if home.checks[name] != check]

    @cached_property
    def indexes(self) -> list[tuple[Index, Index]]:
        """The plain indexes on the column, each with the one beside it."""
        return [pair for pair in self.twin.indexes() if pair[0].name in self.table.indexes]

    @cached_property
    def keys(self) -> list[tuple[Index, Index]]:
        """The indexes of keys on the column, each with the one beside it."""
        return [pair for pair in self.twin.indexes() if pair[0].name in self.table.keys]

    @cached_property
    def carried(self) -> tuple[ObjectKey, ...]:
        """The keys of all that is on the column."""
        of = dotted(self.table.name)
        return (
            *(("key", of, old.name) for old, _ in self.keys),
            *(("index", of, old.name) for old, _ in self.indexes),
            *(("check", of, name) for name in self.checks),
            *self.foreign_keys,
            *self.dependants.objects,
        )

    def forth(self, sync: str) -> list[str]:
        """The new column takes the name; `sync` makes the trigger's function anew."""
        comes, goes = ident(self.twin.new.name), ident(temporary(self.before.name, "old"))
        sql = [*self._taken_down()]
        for old, new in self.indexes:
            sql += self._renamed_indexes(old.name, self.twin.aside(old.name, "old"), new.name)
            sql += said(f"INDEX {self._full(old.name)}", old.comment)
        sql += self._names_change(self.before, self.after, comes, goes, self._proved())
        sql += self._keys_by_index()
        sql += self._checks(late=True)
        sql += self._foreign_keys(frozenset(filter(self.is_late, self.foreign_keys)))
        sql += self._retired(self.before, goes)
        return [*sql, *self.dependants.up, sync, *self._refreshed()]

    def back(self, sync: str, pending: frozenset[ObjectKey]) -> list[str]:
        """The old column takes the name again; `pending` foreign keys were not valid before."""
        comes, goes = ident(temporary(self.before.name, "old")), ident(self.twin.new.name)
        sql = [*self._taken_down()]
        for old, new in self.indexes:
            sql += self._renamed_indexes(old.name, new.name, self.twin.aside(old.name, "old"))
            if old.comment:
                sql.append(f"COMMENT ON INDEX {self._full(new.name)} IS NULL")
        sql += self._names_change(self.after, self.before, comes, goes, [])
        sql += self._keys_anew()
        sql += self._checks(late=False)
        sql += self._foreign_keys(pending)
        if self.after.not_null:
            condition = f"CHECK ({goes} IS NOT NULL)"
            sql.append(altered(self.table, f"ADD CONSTRAINT {ident(self.given)} {condition}"))
        sql += self._retired(self.after, goes)
        return [*sql, *self.dependants.up, sync, *self._refreshed()]

    def _refreshed(self) -> Iterator[str]:
        """Trigger functions made anew: sessions remember the type that the column had."""
        key = column_key(self.table, self.before.name)
        if key in self.ctx.synced:
            yield self.ctx.synced[key]
        called = {trigger.function for trigger in self.table.triggers.values()}
        for function in self.ctx.current.functions.values():
            if function.name in called and self.before.name in words(function.body):
                yield self.ctx.writes_current.function(function, replace=True)

    def _full(self, index: str) -> str:
        return qualified(Name(self.table.name.schema, index))

    def _renamed_indexes(self, name: str, goes: str, comes: str) -> Iterator[str]:
        yield f"ALTER INDEX {self._full(name)} RENAME TO {ident(goes)}"
        yield f"ALTER INDEX {self._full(comes)} RENAME TO {ident(name)}"

    def _taken_down(self) -> Iterator[str]:
        yield from self.dependants.down
        for table, key in self.foreign_keys.values():
            yield altered(table, f"DROP CONSTRAINT {ident(key.name)}")
        for name in (*self.checks, *(old.name for old, _ in self.keys)):
            yield altered(self.table, f"DROP CONSTRAINT {ident(name)}")

    def _proved(self) -> list[str]:
        drop = altered(self.table, f"DROP CONSTRAINT {ident(self.given)}")
        return [drop] if self.after.not_null else []

    def _names_change(
        self, old: Column, new: Column, comes: str, goes: str, proved: list[str]
    ) -> Iterator[str]:
        """Names, NOT NULL, default and numbers pass from one column to the other."""
        name = ident(self.before.name)
        if old.default is not None:
            yield altered(self.table, f"ALTER COLUMN {name} DROP DEFAULT")
        yield altered(self.table, f"RENAME COLUMN {name} TO {goes}")
        yield altered(self.table, f"RENAME COLUMN {comes} TO {name}")
        if new.default is not None:
            default = default_text(new.default)
            yield altered(self.table, f"ALTER COLUMN {name} SET DEFAULT {default}")
        yield from self._not_null(new, goes)
        yield from proved
        yield from self._numbers(old, new, goes)
        for sequence in self.ctx.current.sequences.values():
            if sequence.owned_by == (self.table.name, self.before.name):
                of = f"{qualified(self.table.name)}.{name}"
                yield f"ALTER SEQUENCE {qualified(sequence.name)} OWNED BY {of}"

    def _not_null(self, new: Column, goes: str) -> Iterator[str]:
        """Set under the name of the old one's, which an identity may need for a while."""
        if new.not_null is None:
            return
        name = ident(new.name)
        given = new.not_null.name
        if self.ctx.version < 18 or not given:
            yield altered(self.table, f"ALTER COLUMN {name} SET NOT NULL")
            return
        stale = ident(temporary(given, "old"))
        yield altered(self.table, f"RENAME CONSTRAINT {ident(given)} TO {stale}")
        yield altered(self.table, f"ADD CONSTRAINT {ident(given)} NOT NULL {name}")

    def _numbers(self, old: Column, new: Column, goes: str) -> Iterator[str]:
        """The new column's sequence goes on where the old one's stands."""
        if old.identity is None or new.identity is None:
            return
        was = old.identity.sequence
        stale = Name(was.schema, temporary(was.name, "old"))
        add = self.ctx.writes_target.tables.identity(self.table, new, new.identity)
        yield f"ALTER SEQUENCE {qualified(was)} RENAME TO {ident(stale.name)}"
        yield altered(self.table, f"ALTER COLUMN {ident(new.name)} ADD {add}")
        yield (
            f"SELECT setval({literal(qualified(new.identity.sequence))}, last_value, is_called)"
            f" FROM {qualified(stale)}"
        )
        yield altered(self.table, f"ALTER COLUMN {goes} DROP IDENTITY")

    def _keys_by_index(self) -> Iterator[str]:
        for old, new in self.keys:
            key = self.table.keys[old.name]
            kind = "PRIMARY KEY" if key.primary else "UNIQUE"
            using = ["USING INDEX", ident(new.name), *deferrable(key.deferrable)]
            add = f"ADD CONSTRAINT {ident(key.name)} {kind} {' '.join(using)}"
            yield altered(self.table, add)
            yield from self._said(self.table, key.name, key.comment)

    def _keys_anew(self) -> Iterator[str]:
        tables = self.ctx.writes_current.tables
        for old, new in self.keys:
            key = self.table.keys[old.name]
            yield altered(self.table, f"ADD {named(tables.key(self.table, key), key.name)}")
            yield from self._said(self.table, key.name, key.comment)
            yield tables.index(self.table.name, new)

    def _checks(self, late: bool) -> Iterator[str]:
        tables = self.ctx.writes_current.tables
        for name in self.checks:
            check = self.table.checks[name]
            now = replace(check, valid=check.valid and not late)
            yield altered(self.table, f"ADD {tables.check(now, f'CONSTRAINT {ident(name)} ')}")
            yield from self._said(self.table, name, check.comment)

    def _foreign_keys(self, late: frozenset[ObjectKey]) -> Iterator[str]:
        tables = self.ctx.writes_current.tables
        for of, (table, key) in self.foreign_keys.items():
            now = replace(key, valid=key.valid and of not in late)
            yield altered(table, f"ADD {named(tables.foreign_key(table, now), key.name)}")
            yield from self._said(table, key.name, key.comment)

    def is_late(self, of: ObjectKey) -> bool:
        """Whether a foreign key may wait for its validation."""
        return self.foreign_keys[of][0].partition_by is None or self.ctx.version >= 18

    def _said(self, table: Table, name: str, comment: str) -> Iterator[str]:
        yield from said(f"CONSTRAINT {ident(name)} ON {qualified(table.name)}", comment)

    def _retired(self, old: Column, goes: str) -> Iterator[str]:
        """Marks pass to other indexes; nobody has to fill the column that went."""
        names = {old.name for old, _ in (*self.indexes, *self.keys)}
        if self.table.replica_identity in names:
            index = ident(self.table.replica_identity)
            yield altered(self.table, f"REPLICA IDENTITY USING INDEX {index}")
        if self.table.cluster_on in names:
            yield altered(self.table, f"CLUSTER ON {ident(self.table.cluster_on)}")
        if old.not_null:
            yield altered(self.table, f"ALTER COLUMN {goes} DROP NOT NULL")
