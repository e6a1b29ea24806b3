"""Columns that the user says have moved to another table, and which rows belong together.

`users.city=addresses.city`: a column that the current schema has, and one that only the target has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ..ddl.model import Column, ForeignKey, Name, Schema, Table
from ..report import quoted
from .renames import BadRename

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """The columns that move from one table to another.

    `rows` are the columns of both that say which rows belong together, one of each at most; `child`
    is the side whose row needs the other one's.
    """

    source: Name
    target: Name
    rows: Pairs
    values: Pairs
    child: Literal["source", "target"]


def read_moved(
    hints: Sequence[str], before: Schema, after: Schema
) -> tuple[tuple[Moved, ...], list[str]]:
    """The moves, and the hints that say something else. Raises `BadRename`."""
    found: dict[tuple[Name, Name], list[tuple[str, str]]] = {}
    rest = []
    for hint in hints:
        old, _, new = (part.strip() for part in hint.partition("="))
        here, there = _column(old, before), _column(new, after)
        if here is None or there is None or here[0].name == there[0].name:
            rest.append(hint)
            continue
        _check(hint, here, there, before, after)
        pair = here[1].name, there[1].name
        found.setdefault((here[0].name, there[0].name), []).append(pair)
    moves = (_moved(*names, tuple(values), before, after) for names, values in found.items())
    return tuple(moves), rest


def _column(place: str, schema: Schema) -> tuple[Table, Column] | None:
    for name, table in schema.tables.items():
        for shown in {str(name), f"{name.schema}.{name.name}"}:
            column = place.removeprefix(f"{shown}.")
            if column != place and column in table.columns:
                return table, table.columns[column]
    return None


def _check(
    hint: str,
    here: tuple[Table, Column],
    there: tuple[Table, Column],
    before: Schema,
    after: Schema,
) -> None:
    (source, old), (target, new) = here, there
    kept, was = after.tables.get(source.name), before.tables.get(target.name)
    why = ""
    if kept and old.name in kept.columns:
        why = f"the target still has {quoted(f'{source.name}.{old.name}')}"
    elif was and new.name in was.columns:
        why = f"{quoted(f'{target.name}.{new.name}')} is there already"
    elif old.type != new.type:
        why = f"it would become {new.type} from {old.type}: change its type before or after"
    elif old.generated or new.generated or new.identity:
        why = "one of them is generated"
    elif source.foreign or target.foreign:
        why = "triggers cannot keep a foreign table alike"
    if why:
        raise BadRename(f"{quoted(hint)} moves no column: {why}")


def _moved(source: Name, target: Name, values: Pairs, before: Schema, after: Schema) -> Moved:
    old, new = before.tables[source], after.tables[target]
    there = before.tables.get(target, new)
    for child, parent in ((new, old), (old, new)):
        for key in _one_to_one(child, parent.name):
            pairs = tuple(zip(key.columns, key.referenced, strict=True))
            rows = pairs if child is old else tuple((b, a) for a, b in pairs)
            if all(a in old.columns and b in there.columns for a, b in rows):
                side: Literal["source", "target"] = "source" if child is old else "target"
                return _possible(Moved(source, target, rows, values, side), before, after)
    mine, its = old.primary_key, there.primary_key
    if mine and its and mine.columns == its.columns and source in after.tables:
        rows = tuple((name, name) for name in mine.columns)
        if all(old.columns[name].type == there.columns[name].type for name in mine.columns):
            return _possible(Moved(source, target, rows, values, "target"), before, after)
    raise BadRename(
        f"nothing says which row of {quoted(str(target))} belongs to a row of"
        f" {quoted(str(source))}; give {quoted(str(target))} a primary key or a unique constraint"
        f" whose columns reference {quoted(str(source))}"
        if target not in before.tables
        else f"nothing says which row of {quoted(str(target))} belongs to a row of"
        f" {quoted(str(source))}: it takes a foreign key between them on columns that are unique"
    )


def _one_to_one(child: Table, parent: Name) -> Iterator[ForeignKey]:
    unique = [set(key.columns) for key in child.keys.values() if not key.deferrable]
    for key in child.foreign_keys.values():
        if key.table == parent and key.referenced and set(key.columns) in unique:
            yield key


def _possible(move: Moved, before: Schema, after: Schema) -> Moved:
    """The move, unless a new table demands more of a row than the old one can give."""
    table = after.tables[move.target]
    if move.target in before.tables or move.child == "source":
        return move
    if lacking := demanded(table, {b for _, b in (*move.rows, *move.values)}):
        raise BadRename(
            f"no row of {quoted(str(table.name))} can be made from one of"
            f" {quoted(str(move.source))}: {quoted(lacking[0])} is NOT NULL and has no default;"
            " say where it comes from, or give it one"
        )
    return move


def demanded(table: Table, given: set[str]) -> list[str]:
    """Columns without which no row can be inserted, but for some that are given."""
    primary = table.primary_key.columns if table.primary_key else ()
    return [
        name
        for name, column in table.columns.items()
        if name not in given
        and (column.not_null or name in primary)
        and column.default is None
        and not (column.identity or column.generated)
    ]
