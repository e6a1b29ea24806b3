"""Which rows and values there are, so that it can be told what a step or its undo lost.

Read by COPY as the superuser: that calls output functions of the server's own types only, no cast,
policy or rule that the user wrote.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any, Final

import psycopg

from ...ddl.model import Name, Schema, Table
from ...ddl.postgres.text import ident
from .losses import Digests, Ledger, Rows, digest

MAX_ROWS: Final = 20_000  # of a table
MAX_BYTES: Final = 64 * 1024**2  # of a table
MAX_KEYS: Final = 1_000  # of a table, as text
LOWEST: Final = -(2**63)


def take(
    observer: psycopg.Connection[Any], schema: Schema, among: Collection[Name] | None = None
) -> Ledger:
    """What the tables of a schema, or some of them, hold now. No transaction may hold one."""
    tables = {
        name: _rows(observer, table)
        for name, table in schema.tables.items()
        if not table.partition_by and not table.foreign and (among is None or name in among)
    }
    counted = observer.execute(
        "SELECT schemaname, sequencename, coalesce(last_value, start_value - increment_by),"
        " increment_by, cycle FROM pg_sequences"
    ).fetchall()
    sequences = {
        Name(schema, name): LOWEST if cycles else value  # it starts again by itself
        for schema, name, value, increment, cycles in counted
        if increment > 0
    }
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
                digests = tuple(map(digest, cells))
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


def _quoted(name: Name) -> str:
    return f"{ident(name.schema)}.{ident(name.name)}"
