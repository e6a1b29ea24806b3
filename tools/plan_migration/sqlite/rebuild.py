"""A table written anew under another name, which then takes its place.

https://www.sqlite.org/lang_altertable.html#otheralter
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ...ddl.model import ForeignKey, Name, Schema, Table
from ...ddl.sqlite.emit import create_index, create_table, ident, qualified
from ...ddl.sqlite.tables import is_rowid
from .alter import Action

_ROWIDS = ("rowid", "_rowid_", "oid")


def rebuilt(
    before: Table, after: Table, schema: Schema, moved: Mapping[str, str]
) -> Iterator[Action]:
    """The statements: new table, copy, drop, rename, indexes. Triggers and views are the caller's.

    `schema` is the one before, `moved` has the columns' names before by those after.
    """
    table = before.name
    fresh = Name(table.schema, _free(f"new_{table.name}", schema))
    shown, new = qualified(table), qualified(fresh)
    into, values = _copied(before, after, moved)
    yield Action(create_table(replace(after, name=fresh)), "create table", table.name)
    yield Action(
        f"INSERT INTO {new} ({', '.join(into)}) SELECT {', '.join(values)} FROM {shown}",
        "rebuild table",
        table.name,
    )
    if counts(before) and counts(after):
        for sql in _counter(table.name, fresh.name):
            yield Action(sql, "update one row", table.name)
    yield Action(f"DROP TABLE {shown}", "drop table", table.name)
    yield Action(f"ALTER TABLE {new} RENAME TO {ident(table.name)}", "rename table", table.name)
    for index in after.indexes.values():
        yield Action(create_index(after, index), "create index", table.name)


def counts(table: Table) -> bool:
    """Whether it has AUTOINCREMENT, whose counter is in sqlite_sequence."""
    return any(column.auto_increment for column in table.columns.values())


def keeps_values(before: Table, after: Table, moved: Mapping[str, str]) -> list[tuple[str, str]]:
    """The columns whose values are carried over: before, after."""
    return [
        (old, name)
        for name, column in after.columns.items()
        if column.generated is None and (old := moved.get(name, name)) in before.columns
    ]


def _copied(before: Table, after: Table, moved: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """The columns to write, and what is read for them."""
    pairs = keeps_values(before, after, moved)
    into, values = [ident(new) for _, new in pairs], [ident(old) for old, _ in pairs]
    rowid = _rowid(before, after)
    if rowid:
        return [rowid, *into], [rowid, *values]
    if not into:  # nothing is kept but the number of rows
        first = next(name for name, c in after.columns.items() if c.generated is None)
        return [ident(first)], ["NULL"]
    return into, values


def _rowid(before: Table, after: Table) -> str:
    """The name of the row id where it is no column of either table and both have one."""
    for table in (before, after):
        key = table.primary_key
        if table.without_rowid or (key is not None and is_rowid(table, key)):
            return ""
    taken = {column.lower() for table in (before, after) for column in table.columns}
    return next((name for name in _ROWIDS if name not in taken), "")


def _counter(table: str, fresh: str) -> Iterator[str]:
    """The highest number that was ever given, for the new table."""
    old, new = (f"'{name.replace(chr(39), chr(39) * 2)}'" for name in (table, fresh))
    yield f"DELETE FROM sqlite_sequence WHERE name = {new}"
    yield (
        "INSERT INTO sqlite_sequence (name, seq)"
        f" SELECT {new}, seq FROM sqlite_sequence WHERE name = {old}"
    )


def _free(name: str, schema: Schema) -> str:
    taken = {n.name.lower() for group in (schema.tables, schema.views) for n in group}
    taken |= {index.lower() for table in schema.tables.values() for index in table.indexes}
    while name.lower() in taken:
        name = f"new_{name}"
    return name


def in_foreign_keys(table: Name, *schemas: Schema) -> bool:
    """Whether a table references another, or is referenced."""
    folded = table.name.lower()
    return any(
        key.table.name.lower() == folded or name.name.lower() == folded
        for schema in schemas
        for name, each in schema.tables.items()
        for key in each.foreign_keys.values()
    )


def is_matched(key: ForeignKey, tables: Mapping[Name, Table]) -> bool:
    """Whether a foreign key references what is there and unique; else every check of it fails.

    https://www.sqlite.org/foreignkeys.html#fk_indexes
    """
    parent = tables.get(key.table)
    if parent is None:
        return False
    wanted = set(key.referenced)
    return any(set(columns) == wanted for columns in parent.unique_sets())


def to_check(anew: Sequence[Name], schema: Schema) -> Iterator[Name]:
    """The tables whose foreign keys can be checked and could be violated by a rebuild."""
    for name, table in schema.tables.items():
        keys = table.foreign_keys.values()
        concerned = name in anew or any(key.table in anew for key in keys)
        if keys and concerned and all(is_matched(key, schema.tables) for key in keys):
            yield name
