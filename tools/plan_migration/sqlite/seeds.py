"""Rows that the current schema allows; those that the target would refuse or change stand apart.

Whether the target takes a row is asked of the target: it is inserted there, too, and read back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Final

from ...ddl.emit_text import in_order
from ...ddl.model import ForeignKey, Name, Schema, Table
from ...ddl.sqlite.emit import create_index, create_table, ident, idents, qualified
from .values import Value, candidates, distinct

ROWS: Final = 7
MAX_SHIFT: Final = 12  # other values for one row
Row = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Rough:
    """A row that the target refuses or changes, by its row id or its key."""

    table: Name
    where: str
    values: tuple[Value, ...]


@dataclass(slots=True)
class Planted:
    """What was planted."""

    rows: dict[Name, list[Row]] = field(default_factory=dict)
    rough: list[Rough] = field(default_factory=list)
    empty: dict[Name, str] = field(default_factory=dict)


class Seeder:
    """Plants rows in some tables of the current schema. `moved`: new names of tables by old."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        judge: sqlite3.Connection,
        current: Schema,
        target: Schema,
        moved: Mapping[Name, Name],
    ) -> None:
        self._connection, self._judge = connection, judge
        self._current, self._target, self._moved = current, target, moved
        self.planted = Planted()
        self._number = 0

    def plant(self, names: Set[Name]) -> Planted:
        """Rows of the tables of these names, referenced ones first."""
        for table in self._target.tables.values():
            _try(self._judge, create_table(table))
            for index in table.indexes.values():
                if index.unique:
                    _try(self._judge, create_index(table, index))
        for connection in (self._connection, self._judge):
            connection.execute("PRAGMA foreign_keys = ON")
        uses = {
            name: {key.table.name.lower() for key in self._references(table)}
            for name, table in self._current.tables.items()
        }
        for name in in_order(uses):
            if name in names:
                self._plant(self._current.tables[name])
        return self.planted

    def row(self, table: Table, number: int, shift: int = 0) -> dict[str, Value]:
        """A row; at a further try, `shift`, with other values in it."""
        self._number += 1
        checks = [c.expression for t in self._both(table) for c in t.checks.values()]
        unique = {c for t in self._both(table) for columns in t.unique_sets() for c in columns}
        row: dict[str, Value] = {}
        for place, column in enumerate(table.columns.values()):
            if column.generated is not None or column.auto_increment:
                continue
            if number == 0 and not shift and column.default is not None:
                continue
            if number == ROWS - 1 and column.not_null is None:
                row[column.name] = None
            elif column.name in unique and shift < MAX_SHIFT // 2:
                row[column.name] = distinct(column, self._number)
            else:
                choices = candidates(column, table, checks)
                row[column.name] = choices[(number + shift * (place + 1)) % len(choices)]
        for key in self._references(table):
            if all(row.get(name, "") is not None for name in key.columns):
                row |= self._parent(table, key, number + shift)
        return row

    def _both(self, table: Table) -> Iterator[Table]:
        yield table
        then = self._target.tables.get(self._moved.get(table.name, table.name))
        if then is not None:
            yield then

    def _references(self, table: Table) -> list[ForeignKey]:
        """The foreign keys of now and then, on columns that are there."""
        found = [k for t in self._both(table) for k in t.foreign_keys.values()]
        return [key for key in found if set(key.columns) <= table.columns.keys()]

    def _parent(self, table: Table, key: ForeignKey, number: int) -> Row:
        rows = self.planted.rows.get(key.table, ())
        if number % ROWS == ROWS - 2 and key not in table.foreign_keys.values():
            return {}  # an orphan, which the target's key forbids
        fitting = [row for row in rows if all(row.get(c) is not None for c in key.referenced)]
        if not fitting:
            nullable = all(table.columns[c].not_null is None for c in key.columns)
            return dict.fromkeys(key.columns) if nullable else {}
        parent = fitting[number % len(fitting)]
        return {c: parent[p] for c, p in zip(key.columns, key.referenced, strict=False)}

    def _plant(self, table: Table) -> None:
        kept: list[Row] = []
        reason = "no value fits"
        self.planted.rows[table.name] = kept
        for number in range(ROWS):
            for shift in range(MAX_SHIFT):
                try:
                    found = self._insert(table, self.row(table, number, shift))
                except (sqlite3.Error, OverflowError) as error:
                    reason = str(error)[:200]
                    continue
                kept.append(found)
                break
        if not kept:
            self.planted.empty[table.name] = reason

    def _insert(self, table: Table, row: Row) -> Row:
        """Insert a row here, and where the target is; as it is then."""
        cursor = self._connection.execute(insertion(table, row), tuple(row.values()))
        where, values = _found_by(table, row, cursor.lastrowid)
        found = _read(self._connection, table, where, values)
        if not self._is_taken(table, found):
            self.planted.rough.append(Rough(table.name, where, values))
        return found

    def _is_taken(self, table: Table, row: Row) -> bool:
        """Whether the target takes a row as it is."""
        then = self._target.tables.get(self._moved.get(table.name, table.name))
        if then is None:
            return True
        common = {
            name: value
            for name, value in row.items()
            if name in then.columns and then.columns[name].generated is None
        }
        for column in then.columns.values():
            demanded = column.not_null is not None and column.generated is None
            if demanded and column.name not in table.columns and column.default is None:
                common[column.name] = distinct(column, self._number)
        try:
            cursor = self._judge.execute(insertion(then, common), tuple(common.values()))
            where, values = _found_by(then, common, cursor.lastrowid)
            read = _read(self._judge, then, where, values)
        except (sqlite3.Error, OverflowError):
            return False
        return all(
            type(read.get(name)) is type(value) and read.get(name) == value
            for name, value in common.items()
            if name in table.columns
        )


def insertion(table: Table, row: Row) -> str:
    """INSERT of one row."""
    name = qualified(table.name)
    if not row:
        return f"INSERT INTO {name} DEFAULT VALUES"
    return f"INSERT INTO {name} ({idents(row)}) VALUES ({', '.join('?' * len(row))})"


def _found_by(table: Table, row: Row, rowid: int | None) -> tuple[str, tuple[Value, ...]]:
    """The condition that finds a row again."""
    key = table.primary_key
    if table.without_rowid and key is not None:
        return (
            " AND ".join(f"{ident(name)} IS ?" for name in key.columns),
            tuple(row.get(name) for name in key.columns),
        )
    return "rowid = ?", (rowid,)


def _read(connection: sqlite3.Connection, table: Table, where: str, values: Sequence[Value]) -> Row:
    name = qualified(table.name)
    found = connection.execute(
        f"SELECT {idents(table.columns)} FROM {name} WHERE {where}", tuple(values)
    ).fetchone()
    return dict(zip(table.columns, found or (), strict=False))


def _try(connection: sqlite3.Connection, sql: str) -> str:
    try:
        connection.execute(sql)
    except (sqlite3.Error, sqlite3.Warning) as error:
        return str(error)[:200]
    return ""
