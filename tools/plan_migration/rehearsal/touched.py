"""What a migration touches, and what the old code may do to it, made up from the schema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from ...ddl.diff import changes, dotted
from ...ddl.expressions import names_of
from ...ddl.model import Name, Schema, Table
from ...ddl.postgres.text import ident, idents, qualified
from .seeds import Seeder, equal

MAX_WATCHED: Final = 20  # tables whose old reads and writes are made up

Key = tuple[str, ...]


def touched(current: Schema, target: Schema, statements: Iterable[str]) -> Iterator[Key]:
    """The keys (`ddl.diff`) of what changes, and of every relation that a statement names."""
    for change in changes(current, target):
        yield change.object
    for sql in statements:
        for name in names_of(sql).relations:
            yield "table", dotted(Name(name.schema or "public", name.name))


def old_queries(current: Schema, keys: Iterable[Key], seeder: Seeder) -> Iterator[str]:
    """For each table of some keys: the read, the insert and the update of the old code."""
    names = {key[1] for key in keys if len(key) > 1}
    tables = [
        table
        for name, table in sorted(current.tables.items())
        if dotted(name) in names and not table.partition_of and not table.foreign
    ]
    for table in tables[:MAX_WATCHED]:
        yield from _of_table(table, seeder)


def _of_table(table: Table, seeder: Seeder) -> Iterator[str]:
    name = qualified(table.name)
    yield f"SELECT {idents(table.columns)} FROM {name}"
    yield seeder.as_before(table)
    key = table.primary_key.columns if table.primary_key else ()
    for column in table.columns.values():
        if column.name not in key and not column.generated and not column.identity:
            where = _one_row(table, key or tuple(table.columns), seeder)
            yield f"UPDATE {name} SET {ident(column.name)} = {ident(column.name)}{where}"
            break


def _one_row(table: Table, key: tuple[str, ...], seeder: Seeder) -> str:
    """The condition of a row that keeps the rules of both schemas."""
    rows = seeder.planted.values(table.name, key)
    if not rows:
        return ""
    return f" WHERE {' AND '.join(map(equal, key, rows[0]))}"
