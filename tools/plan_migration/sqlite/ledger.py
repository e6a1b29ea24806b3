"""Which rows and values a database of SQLite holds, by digests."""

from __future__ import annotations

import sqlite3
from collections import Counter
from typing import Final

from ...ddl.model import Name, Schema, Table
from ...ddl.sqlite.emit import idents, qualified
from ..rehearsal.losses import NULL, Digests, Ledger, Rows, digest

MAX_ROWS: Final = 20_000  # of a table
MAX_SHOWN: Final = 100  # characters of a key


def take(connection: sqlite3.Connection, schema: Schema) -> Ledger:
    """What the tables of a schema hold now, and how far AUTOINCREMENT has counted."""
    tables = {name: _rows(connection, table) for name, table in schema.tables.items()}
    counted: dict[Name, int] = {}
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'").fetchone():
        for name, value in connection.execute("SELECT name, seq FROM sqlite_sequence"):
            if isinstance(value, int):
                counted[Name("sqlite_sequence", str(name))] = value
    return Ledger(tables, counted)


def _rows(connection: sqlite3.Connection, table: Table) -> Rows:
    columns = tuple(n for n, c in table.columns.items() if c.generated is None)
    if not columns:
        return Rows((), (), {}, {})
    key = table.primary_key.columns if table.primary_key else ()
    if not set(key) <= set(columns):
        key = ()
    places = [columns.index(name) for name in key]
    by_key: dict[Digests, Digests] = {}
    shown: dict[Digests, str] = {}
    seen: Counter[Digests] = Counter()
    cursor = connection.execute(
        f"SELECT {idents(columns)} FROM {qualified(table.name)} LIMIT {MAX_ROWS + 1}"
    )
    for row in cursor:
        digests = tuple(_digest(value) for value in row)
        own = tuple(digests[place] for place in places)
        if not places or own in by_key:  # a primary key may be null, more than once
            seen[digests] += 1
            own = (*digests, str(seen[digests]).encode())
        by_key[own] = digests
        values = [row[place] for place in places] or row
        shown[own] = ", ".join(str(value) for value in values)[:MAX_SHOWN]
    return Rows(columns, key, by_key, shown, len(by_key) <= MAX_ROWS)


def _digest(value: object) -> bytes:
    if value is None:
        return NULL
    return digest(f"{type(value).__name__} {value!r}".encode(errors="surrogatepass"))
