"""A table of another kind beside the old one: kept alike by triggers, filled, then in its place.

Every statement that writes to one table writes to the other, so no instance has to know of it, and
until the contract the way back loses nothing. https://www.postgresql.org/docs/current/plpgsql-trigger.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from ...ddl.model import (
    Column,
    ForeignKey,
    Identity,
    Index,
    IndexPart,
    Name,
    Schema,
    Sql,
    Table,
)
from ...ddl.postgres.emit import as_written, emit
from ...ddl.postgres.nodes import made_name
from ...ddl.postgres.text import dollar_quoted, ident, idents, literal, qualified
from .base import temporary
from .written import drop_part, whole_trigger


def tree(schema: Schema, root: Name) -> list[Table]:
    """A table with its partitions, those of partitions included."""
    found = [schema.tables[root]]
    for table in found:
        found += [
            each
            for each in schema.tables.values()
            if each.partition_of and each.partition_of.parent == table.name
        ]
    return found


def partition_columns(table: Table) -> tuple[str, ...] | None:
    """The columns it is partitioned by; None where one is an expression."""
    parts = table.partition_by.parts if table.partition_by else ()
    return tuple(p.expression for p in parts) if all(p.is_column for p in parts) else None


def _relations(table: Table) -> Iterator[tuple[Name, str]]:
    """The names that a table takes among relations, with the word that ALTER needs."""
    yield table.name, "TABLE"
    for group in (table.keys, table.indexes, table.exclusions):
        yield from ((Name(table.name.schema, name), "INDEX") for name in group)
    for column in table.columns.values():
        if column.identity and not (column.inherited and table.partition_of):
            yield column.identity.sequence, "SEQUENCE"


@dataclass(frozen=True)
class Move:
    """The rows of a table of `before` on their way to the one of the same name in `after`."""

    name: Name
    before: Schema
    after: Schema

    @cached_property
    def source(self) -> Table:
        """The table that is there."""
        return self.before.tables[self.name]

    @cached_property
    def target(self) -> Table:
        """The table that takes its place."""
        return self.after.tables[self.name]

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """What is copied."""
        return tuple(name for name, column in self.source.columns.items() if not column.generated)

    @cached_property
    def _held(self) -> Mapping[Name, str]:
        return {n: kind for each in tree(self.before, self.name) for n, kind in _relations(each)}

    @cached_property
    def _wanted(self) -> Mapping[Name, str]:
        return {n: kind for each in tree(self.after, self.name) for n, kind in _relations(each)}

    def _free(self, name: Name, label: str) -> Name:
        known = {*self.before.tables, *self.after.tables, *self._held, *self._wanted}
        found = Name(name.schema, temporary(name.name, label))
        while found in known:
            found = Name(name.schema, temporary(found.name, label))
        return found

    def new(self, name: Name) -> Name:
        """What a relation of the target is called until it takes its place."""
        return self._free(name, "new") if name in self._held else name

    def old(self, name: Name) -> Name:
        """What a relation of the source is called afterwards."""
        return self._free(name, "old") if name in self._wanted else name

    # The table beside

    def made(self) -> list[str]:
        """The statements that make the target under other names, without triggers."""
        tables = {t.name: t for t in map(self._renamed, tree(self.after, self.name))}
        grants = {
            entry._replace(object=_dotted(self.new(name)))
            for name in (each.name for each in tree(self.after, self.name))
            for entry in self.after.grants
            if entry.kind == "table" and entry.object == _dotted(name)
        }
        schema = replace(
            Schema(self.after.dialect), tables=tables, grants=dict.fromkeys(sorted(grants))
        )
        return emit(schema)

    def _renamed(self, table: Table) -> Table:
        def local(name: str) -> str:
            return self.new(Name(table.name.schema, name)).name

        of = table.partition_of
        return replace(
            table,
            name=self.new(table.name),
            columns={n: self._numbered(c) for n, c in table.columns.items()},
            keys={local(n): replace(k, name=local(n)) for n, k in table.keys.items()},
            exclusions={local(n): replace(e, name=local(n)) for n, e in table.exclusions.items()},
            indexes={
                local(n): replace(i, name=local(n), parent=i.parent and self.new(i.parent))
                for n, i in table.indexes.items()
            },
            triggers={},
            rules={},
            force_row_security=False,
            replica_identity=local(table.replica_identity)
            if table.replica_identity not in ("default", "full", "nothing")
            else table.replica_identity,
            cluster_on=table.cluster_on and local(table.cluster_on),
            partition_of=of and replace(of, parent=self.new(of.parent)),
        )

    def _numbered(self, column: Column) -> Column:
        if column.identity is None:
            return column
        numbers = replace(column.identity, sequence=self.new(column.identity.sequence))
        return replace(column, identity=numbers)

    # Which row is which

    @cached_property
    def row(self) -> tuple[str, ...]:
        """Columns of a key of the source, in whose order it is read; empty if there is none."""
        for key in sorted(self.source.keys.values(), key=lambda key: not key.primary):
            if all(c in self.columns and self._given(c) for c in key.columns):
                return key.columns
        return ()

    def _given(self, column: str) -> bool:
        return self.source.columns[column].not_null is not None or column in (
            self.source.primary_key.columns if self.source.primary_key else ()
        )

    @cached_property
    def identity(self) -> tuple[str, ...]:
        """Columns that tell rows apart on both sides; empty where no unique index can have them."""
        parts = [partition_columns(table) for table in (self.source, self.target)]
        if not self.row or None in parts:
            return ()
        found = dict.fromkeys((*self.row, *(c for part in parts for c in part or ())))
        return tuple(found) if all(c in self.columns and self._given(c) for c in found) else ()

    def guard(self) -> Index | None:
        """A unique index that the target needs while it is filled."""
        if any(set(columns) == set(self.identity) for columns in self.target.unique_sets()):
            return None
        name = made_name(self.name.name, "", "sync")
        return Index(name, tuple(IndexPart(Sql(c)) for c in self.identity), unique=True)

    # Triggers that keep both alike

    def function(self, back: bool) -> Name:
        """The trigger's function, for one direction."""
        return Name(self.name.schema, made_name(self.name.name, "", "back" if back else "forth"))

    def synced(self, back: bool = False) -> list[str]:
        """What carries writes over: from the source, or from the target once it is in place."""
        to = self.old(self.name) if back else self.new(self.name)
        return [self._function(to, back), *self.trigger(back)]

    def trigger(self, back: bool) -> list[str]:
        """The triggers of a direction, on the table that has the name."""
        name, of = self.function(back), qualified(self.name)
        call = f"EXECUTE FUNCTION {qualified(name)}()"
        return [
            f"CREATE TRIGGER {ident(name.name)} AFTER INSERT OR UPDATE OR DELETE ON {of}"
            f" FOR EACH ROW {call}",
            f"CREATE TRIGGER {ident(_emptied(name))} AFTER TRUNCATE ON {of}"
            f" FOR EACH STATEMENT {call}",
        ]

    def untriggered(self, back: bool, table: Name) -> list[str]:
        """The triggers of a direction, gone."""
        name = self.function(back).name
        return [drop_part("trigger", each, table) for each in (name, _emptied(name))]

    def _function(self, to: Name, back: bool) -> str:
        row = self.row if back else self.identity
        values = ", ".join(f"NEW.{ident(column)}" for column in self.columns)
        insert = f"INSERT INTO {_full(to)} ({idents(self.columns)}) OVERRIDING SYSTEM VALUE"
        rest = [column for column in self.columns if column not in row]
        settings = ", ".join(f"{ident(c)} = EXCLUDED.{ident(c)}" for c in rest)
        conflict = f"ON CONFLICT ({idents(row)}) DO UPDATE SET {settings}"
        if not rest:
            conflict = f"ON CONFLICT ({idents(row)}) DO NOTHING"
        old, new = (", ".join(f"{side}.{ident(c)}" for c in row) for side in ("OLD", "NEW"))
        gone = f"TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND ({old}) IS DISTINCT FROM ({new})"
        write = f"{insert}\n            VALUES ({values})\n            {conflict};"
        if back:  # what was unique stays so, until the old code is gone
            gone = "TG_OP <> 'INSERT'"
            write = f"{insert}\n            VALUES ({values});"
        body = f"""
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        TRUNCATE {_full(to)};
    ELSE
        IF {gone} THEN
            DELETE FROM {_full(to)} WHERE ({idents(row)}) = ({old});
        END IF;
        IF TG_OP <> 'DELETE' THEN
            {write}
        END IF;
    END IF;
    RETURN NULL;
END
"""
        return (
            f"CREATE OR REPLACE FUNCTION {qualified(self.function(back))}() RETURNS trigger"
            " LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp"
            f" AS {dollar_quoted(body)}"
        )

    # The exchange of names

    def exchanged(self) -> list[str]:
        """Statements that put the target in the source's place."""
        sql = [
            f"ALTER {kind} {qualified(n)} RENAME TO {ident(self.old(n).name)}"
            for n, kind in self._held.items()
            if self.old(n) != n
        ]
        sql += [
            f"ALTER {kind} {qualified(self.new(n))} RENAME TO {ident(n.name)}"
            for n, kind in self._wanted.items()
            if self.new(n) != n
        ]
        return [*sql, *self._numbers(back=False)]

    def restored(self) -> list[str]:
        """Statements that put the source back."""
        sql = [
            f"ALTER {kind} {qualified(n)} RENAME TO {ident(self.new(n).name)}"
            for n, kind in self._wanted.items()
            if self.new(n) != n
        ]
        sql += [
            f"ALTER {kind} {qualified(self.old(n))} RENAME TO {ident(n.name)}"
            for n, kind in self._held.items()
            if self.old(n) != n
        ]
        return [*sql, *self._numbers(back=True)]

    def _numbers(self, back: bool) -> Iterator[str]:
        """Sequences go on where they stand, and stay with the table that has the name."""
        for name, column in self.source.columns.items():
            now, then = column.identity, self.target.columns[name].identity
            if now and then and back:
                yield _counted(now, self.new(then.sequence))
            elif now and then:
                yield _counted(then, self.old(now.sequence))
        for sequence in self.before.sequences.values():
            if sequence.owned_by and sequence.owned_by[0] == self.name:
                owner = f"{qualified(self.name)}.{ident(sequence.owned_by[1])}"
                yield f"ALTER SEQUENCE {qualified(sequence.name)} OWNED BY {owner}"

    def attended(self, table: Table, at: Name, gone: bool) -> Iterator[str]:
        """The user's triggers and rules, and whether policies hold for the owner: made or gone."""
        for trigger in table.triggers.values():
            yield from (
                [drop_part("trigger", trigger.name, at)] if gone else whole_trigger(at, trigger)
            )
        for rule in table.rules.values():
            yield from [drop_part("rule", rule.name, at)] if gone else as_written(rule)
        if table.force_row_security:
            yield f"ALTER TABLE {qualified(at)} {'NO ' * gone}FORCE ROW LEVEL SECURITY"

    def referring(self) -> Iterator[tuple[Table, ForeignKey, ForeignKey | None]]:
        """Foreign keys of other tables that refer to the source, with what becomes of them."""
        for other in self.before.tables.values():
            for key in other.foreign_keys.values():
                if key.table == self.name and not key.inherited and other.name != self.name:
                    after = self.after.tables.get(other.name)
                    yield other, key, after.foreign_keys.get(key.name) if after else None


def _counted(numbers: Identity, like: Name) -> str:
    name = literal(qualified(numbers.sequence))
    return f"SELECT setval({name}, last_value, is_called) FROM {qualified(like)}"


def _emptied(function: str | Name) -> str:
    name = function if isinstance(function, str) else function.name
    return made_name(name, "", "truncate")


def _dotted(name: Name) -> str:
    return ".".join(name)


def _full(name: Name) -> str:
    return f"{ident(name.schema)}.{ident(name.name)}"
