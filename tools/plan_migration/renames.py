"""What the user says was renamed: `orders.customer=buyer`, `orders=purchases`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..ddl.diff import dotted
from ..ddl.model import Name, Schema
from ..report import quoted

ObjectKey = tuple[str, ...]


class BadRename(ValueError):
    """A rename that names nothing; the message says what would be right."""


def read_renames(
    renames: Sequence[str], before: Schema, after: Schema
) -> Mapping[ObjectKey, ObjectKey]:
    """Keys of objects (`ddl.diff`) before, with those after. Raises `BadRename`.

    A table is `[schema.]table=new`, a column `[schema.]table.column=new`; its table is called as
    it is now, also where that is renamed, too.
    """
    found = [_read(text, before) for text in renames]
    tables = {old: new for old, column, new in found if not column}
    return dict(_keys(old, column, new, tables, after) for old, column, new in found)


def _read(text: str, before: Schema) -> tuple[Name, str, str]:
    """The table, the column if it is one, and the new name."""
    old, equals, new = (part.strip() for part in text.partition("="))
    if not equals or not new:
        raise BadRename(f"{quoted(text)} is no rename; `orders.customer=buyer` would be one")
    new = new.rpartition(".")[2]
    for name, table in before.tables.items():
        for shown in {str(name), f"{name.schema}.{name.name}"}:
            column = old.removeprefix(f"{shown}.")
            if old == shown:
                return name, "", new
            if column != old and column in table.columns:
                return name, column, new
    raise BadRename(f"the current schema has nothing called {quoted(old)}")


def _keys(
    old: Name, column: str, new: str, tables: Mapping[Name, str], after: Schema
) -> tuple[ObjectKey, ObjectKey]:
    table = Name(old.schema, new if not column else tables.get(old, old.name))
    if table not in after.tables:
        raise BadRename(f"the target has no table {quoted(str(table))}")
    if not column:
        return ("table", dotted(old)), ("table", dotted(table))
    if new not in after.tables[table].columns:
        raise BadRename(f"the target has no column {quoted(f'{table}.{new}')}")
    return ("column", dotted(old), column), ("column", dotted(table), new)
