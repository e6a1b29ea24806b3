"""What the user says was renamed or made of other columns.

`orders.customer=buyer`, `orders=purchases` and, of a value of an enum, `mood.ok=fine` are renames;
with a column that only the target has on the left, `people.full_name=first_name || ' ' ||
last_name` says what it is made of. What has moved to another table is read by `moves`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..ddl.diff import dotted
from ..ddl.expressions import columns_of
from ..ddl.model import Name, Schema, Sql
from ..report import quoted

ObjectKey = tuple[str, ...]


class BadRename(ValueError):
    """A rename that names nothing; the message says what would be right."""


def read_renames(
    renames: Sequence[str], before: Schema, after: Schema
) -> Mapping[ObjectKey, ObjectKey]:
    """Keys of objects (`ddl.diff`) before, with those after. Raises `BadRename`.

    A table is `[schema.]table=[schema.]new`, a column `[schema.]table.column=new`; its table is
    called as it is now, also where that is renamed, too. A value of an enum is
    `[schema.]type.value=new`. Without a schema a table stays in its own.
    """
    values = {text: pair for text in renames if (pair := _value(text, before, after))}
    found = [_read(text, before) for text in renames if text not in values]
    tables = {old: new for old, column, new in found if not column}
    keys = (_keys(old, column, new, tables, after) for old, column, new in found)
    return dict([*keys, *values.values()])


def read_derived(
    hints: Sequence[str], before: Schema, after: Schema
) -> tuple[Mapping[ObjectKey, Sql], list[str]]:
    """The new columns by key with what they are made of, and the hints that say something else.

    Raises `BadRename`.
    """
    found: dict[ObjectKey, Sql] = {}
    rest = []
    for hint in hints:
        place, _, expression = (part.strip() for part in hint.partition("="))
        key = _new_column(place, before, after)
        if key is None:
            rest.append(hint)
            continue
        known = next(t.columns for n, t in before.tables.items() if dotted(n) == key[1])
        try:
            used = columns_of(expression)
        except ValueError:
            used = frozenset()
        if not used or not used <= known.keys():
            raise BadRename(
                f"{quoted(hint)} is no expression over columns that {quoted(key[1])} has now"
            )
        found[key] = Sql(expression)
    return found, rest


def _new_column(place: str, before: Schema, after: Schema) -> ObjectKey | None:
    """The key of a column that only the target has, in a table that both have."""
    for name, table in after.tables.items():
        old = before.tables.get(name)
        for shown in {str(name), f"{name.schema}.{name.name}"}:
            column = place.removeprefix(f"{shown}.")
            if column != place and old and column in table.columns.keys() - old.columns.keys():
                return "column", dotted(name), column
    return None


def _value(text: str, before: Schema, after: Schema) -> tuple[ObjectKey, ObjectKey] | None:
    """The keys of an enum's value, if it is one that only the current schema has."""
    place, _, new = (part.strip() for part in text.partition("="))
    for name, old in before.enums.items():
        for shown in {str(name), f"{name.schema}.{name.name}"}:
            value = place.removeprefix(f"{shown}.")
            if value == place or value not in old.values:
                continue
            kept = after.enums.get(name)
            if kept is None or value in kept.values or new not in kept.values:
                raise BadRename(f"the target's {quoted(shown)} has no {quoted(new)} in its place")
            return ("enum value", dotted(name), value), ("enum value", dotted(name), new)
    return None


def _read(text: str, before: Schema) -> tuple[Name, str, str]:
    """The table, the column if it is one, and the new name."""
    old, equals, new = (part.strip() for part in text.partition("="))
    if not equals or not new:
        raise BadRename(f"{quoted(text)} is no rename; `orders.customer=buyer` would be one")
    for name, table in before.tables.items():
        for shown in {str(name), f"{name.schema}.{name.name}"}:
            column = old.removeprefix(f"{shown}.")
            if old == shown:
                return name, "", new
            if column != old and column in table.columns:
                return name, column, new.rpartition(".")[2]
    raise BadRename(f"the current schema has nothing called {quoted(old)}")


def _keys(
    old: Name, column: str, new: str, tables: Mapping[Name, str], after: Schema
) -> tuple[ObjectKey, ObjectKey]:
    table = _table(old, new if not column else tables.get(old, old.name), after)
    if table not in after.tables:
        raise BadRename(f"the target has no table {quoted(str(table))}")
    if not column:
        return ("table", dotted(old)), ("table", dotted(table))
    if new not in after.tables[table].columns:
        raise BadRename(f"the target has no column {quoted(f'{table}.{new}')}")
    return ("column", dotted(old), column), ("column", dotted(table), new)


def _table(old: Name, new: str, after: Schema) -> Name:
    """The table that is meant: one of the old one's schema, if none is said."""
    here = Name(old.schema, new)
    said = (n for n in after.tables if n == here or new in (str(n), f"{n.schema}.{n.name}"))
    return next((name for name in sorted(said, key=lambda n: n != here)), here)
