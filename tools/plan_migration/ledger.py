"""Which rows and values there are, so that it can be told what a step or its undo lost.

Read by COPY as the superuser: that calls output functions of the server's own types only, no cast,
policy or rule that the user wrote.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from ..ddl.model import Name, Schema, Table
from ..ddl.postgres.text import ident

MAX_ROWS: Final = 20_000  # of a table
MAX_BYTES: Final = 64 * 1024**2  # of a table
MAX_KEYS: Final = 1_000  # of a table, as text
MAX_SHOWN: Final = 5  # examples of what was lost

Digests = tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """A table's rows: by key, for each column a digest of its text."""

    columns: tuple[str, ...]
    key: tuple[str, ...]  # empty: rows are told apart by all their values
    by_key: Mapping[Digests, Digests]
    shown: Mapping[Digests, str]  # the key as text
    whole: bool = True  # whether all rows were read


@dataclass(frozen=True, slots=True)
class Ledger:
    """The rows by table, and how far each sequence has counted."""

    tables: Mapping[Name, Rows]
    sequences: Mapping[Name, int]


@dataclass(frozen=True, slots=True)
class Losses:
    """What is in one ledger and not in a later one, counted, with some examples.

    `unread` are tables of which nothing can be said: they are too large.
    """

    tables: int = 0
    rows: int = 0
    values: int = 0
    sequences: int = 0
    examples: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.tables or self.rows or self.values or self.sequences)


def take(observer: psycopg.Connection[Any], schema: Schema) -> Ledger:
    """What the tables of a schema hold now. No transaction may hold one of them."""
    tables = {
        name: _rows(observer, table)
        for name, table in schema.tables.items()
        if not table.partition_by and not table.foreign
    }
    counted = observer.execute(
        "SELECT schemaname, sequencename, coalesce(last_value, start_value - increment_by),"
        " increment_by FROM pg_sequences"
    ).fetchall()
    sequences = {Name(s, n): value for s, n, value, step in counted if step > 0}
    return Ledger(tables, sequences)


def _rows(observer: psycopg.Connection[Any], table: Table) -> Rows:
    columns = tuple(n for n, c in table.columns.items() if not c.generated)
    if not columns:
        return Rows((), (), {}, {})
    key = table.primary_key.columns if table.primary_key else ()
    if not set(key) <= set(columns):
        key = ()
    places = [columns.index(name) for name in key]
    by_key: dict[Digests, Digests] = {}
    shown: dict[Digests, str] = {}
    seen: Counter[Digests] = Counter()
    whole, size = True, 0
    chosen = f"SELECT {', '.join(map(ident, columns))} FROM ONLY {_quoted(table.name)}"
    text = f"COPY ({chosen} LIMIT {MAX_ROWS + 1}) TO STDOUT"
    try:
        with observer.cursor().copy(text.encode()) as copy:
            for line in _lines(copy):
                size += len(line)
                if len(by_key) >= MAX_ROWS or size > MAX_BYTES:
                    whole = False
                    continue
                cells = line.split(b"\t")
                digests = tuple(map(_digest, cells))
                if places:
                    own = tuple(digests[place] for place in places)
                    values = [cells[place] for place in places]
                else:
                    seen[digests] += 1  # equal rows are told apart by their number
                    own = (*digests, str(seen[digests]).encode())
                    values = cells
                by_key[own] = digests
                if len(shown) < MAX_KEYS:
                    shown[own] = b", ".join(values)[:100].decode(errors="replace")
    except psycopg.errors.QueryCanceled:  # it takes too long
        whole = False
    return Rows(columns, key, by_key, shown, whole)


def _lines(copy: psycopg.Copy) -> Any:
    rest = b""
    for block in copy:
        *lines, rest = (rest + bytes(block)).split(b"\n")
        yield from lines


def _digest(cell: bytes) -> bytes:
    return hashlib.md5(cell, usedforsecurity=False).digest()


def _quoted(name: Name) -> str:
    return f"{ident(name.schema)}.{ident(name.name)}"


def losses(before: Ledger, after: Ledger, *, nulls: bool = True) -> Losses:
    """What of the rows and values before is not there after; what was added does not count.

    Without `nulls` a null that was filled does not count either: no value was lost.
    """
    tables = rows = values = 0
    examples: list[str] = []
    unread: list[str] = []
    for name, old in sorted(before.tables.items()):
        new = after.tables.get(name)
        if not old.whole or (new and not new.whole):
            unread.append(str(name))
        elif new is None:
            if old.by_key:
                tables += 1
                rows += len(old.by_key)
                examples.append(f"{name}: the table with its {len(old.by_key)} rows")
        else:
            for what, count in _lost(old, new, nulls):
                if what.startswith("row"):
                    rows += count
                else:
                    values += count
                examples.append(f"{name}: {what}")
    behind = sorted(
        name
        for name, value in before.sequences.items()
        if after.sequences.get(name, value - 1) < value
    )
    examples += [f"{name}: the sequence would count again from an earlier value" for name in behind]
    return Losses(tables, rows, values, len(behind), tuple(examples[:MAX_SHOWN]), tuple(unread))


def _lost(old: Rows, new: Rows, nulls: bool) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    if not old.key or old.key != new.key:
        return _lost_unkeyed(old, new, nulls)
    places = {column: place for place, column in enumerate(new.columns)}
    changed: Counter[str] = Counter()
    example: dict[str, str] = {}
    for own, digests in old.by_key.items():
        row = new.by_key.get(own)
        shown = old.shown.get(own, "…")
        if row is None:
            found.append((f"row ({', '.join(old.key)}) = ({shown})", 1))
            continue
        for column, digest in zip(old.columns, digests, strict=True):
            place = places.get(column)
            now = _NULL if place is None else row[place]
            if digest != now and (nulls or digest != _NULL):
                changed[column] += 1
                example.setdefault(column, shown)
    for column, count in changed.items():
        what = f"{column} in {count} rows, as where ({', '.join(old.key)}) = ({example[column]})"
        found.append((what, count))
    return found


def _lost_unkeyed(old: Rows, new: Rows, nulls: bool) -> list[tuple[str, int]]:
    """Rows told apart by all values that both have; a column that is gone has lost its values."""
    found: list[tuple[str, int]] = []
    gone = [place for place, column in enumerate(old.columns) if column not in new.columns]
    for place in gone:
        count = sum(row[place] != _NULL for row in old.by_key.values())
        if count:
            found.append((f"{old.columns[place]} in {count} rows", count))
    filled = set() if nulls else _with_nulls(old)
    common = [column for column in old.columns if column in new.columns and column not in filled]
    before, after = (
        Counter(
            tuple(row[rows.columns.index(column)] for column in common)
            for row in rows.by_key.values()
        )
        for rows in (old, new)
    )
    missing = sum((before - after).values())
    if missing:
        found.append((f"row by its values, {missing} of them", missing))
    return found


def _with_nulls(rows: Rows) -> set[str]:
    return {
        column
        for place, column in enumerate(rows.columns)
        if any(row[place] == _NULL for row in rows.by_key.values())
    }


_NULL: Final = _digest(b"\\N")
