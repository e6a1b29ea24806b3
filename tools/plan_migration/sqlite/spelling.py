"""The target with the names of tables and columns, and checks, spelled as they are now.

SQLite finds names whatever their case, and cannot rename a table to its own name in another.
https://www.sqlite.org/lang_altertable.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from ...ddl.model import (
    Check,
    Dialect,
    ForeignKey,
    Index,
    IndexPart,
    Key,
    Name,
    Schema,
    Sql,
    Table,
    Trigger,
)
from ...ddl.state import rekeyed
from ...ddl.tokens import alike

Spelling = Mapping[str, str]  # by name in lower case


def spelled_as(target: Schema, current: Schema) -> Schema:
    """The target, each name that is in both schemas as the current one has it."""
    tables = {name.name.lower(): table for name, table in current.tables.items()}
    known = {
        name.name.lower(): {c.lower(): c for c in tables[name.name.lower()].columns}
        for name in target.tables
        if name.name.lower() in tables
    }

    def name_of(name: Name) -> Name:
        same = tables.get(name.name.lower())
        return Name(name.schema, same.name.name) if same else name

    spelled = {
        name_of(name): table
        if table is current.tables.get(name)
        else _with_checks(_table(table, known, name_of), tables.get(name.name.lower()))
        for name, table in target.tables.items()
    }
    return replace(target, tables=spelled)


def _table(table: Table, known: Mapping[str, Spelling], name_of: Callable[[Name], Name]) -> Table:
    own = known.get(table.name.name.lower(), {})

    def names(columns: Iterable[str], spelling: Spelling = own) -> tuple[str, ...]:
        return tuple(spelling.get(column.lower(), column) for column in columns)

    def key(each: Key) -> Key:
        options = {f"collate {names([k[8:]])[0]}": v for k, v in each.options.items()}
        return replace(
            each, columns=names(each.columns), descending=names(each.descending), options=options
        )

    def reference(each: ForeignKey) -> ForeignKey:
        theirs = known.get(each.table.name.lower(), {})
        return replace(
            each,
            columns=names(each.columns),
            table=name_of(each.table),
            referenced=names(each.referenced, theirs),
        )

    def part(each: IndexPart) -> IndexPart:
        return replace(each, expression=Sql(*names([each.expression]))) if each.is_column else each

    def index(each: Index) -> Index:
        return replace(each, parts=tuple(map(part, each.parts)))

    def trigger(each: Trigger) -> Trigger:
        return replace(each, update_of=names(each.update_of))

    columns = [replace(column, name=names([column.name])[0]) for column in table.columns.values()]
    return replace(
        table,
        name=name_of(table.name),
        columns={column.name: column for column in columns},
        keys=rekeyed(table.keys, key),
        foreign_keys=rekeyed(table.foreign_keys, reference),
        indexes={label: index(each) for label, each in table.indexes.items()},
        triggers={label: trigger(each) for label, each in table.triggers.items()},
    )


def _with_checks(table: Table, now: Table | None) -> Table:
    """The table with the text of nameless checks as they are now, where they say the same."""
    known = [check for check in now.checks.values() if not check.name] if now else []

    def spelled(check: Check) -> Check:
        same = (k for k in known if alike(k.expression, check.expression, Dialect.SQLITE))
        return check if check.name else next(same, check)

    return replace(table, checks=rekeyed(table.checks, spelled)) if known else table
