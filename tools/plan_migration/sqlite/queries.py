"""The application's queries between the steps, on SQLite: in new connections and in one kept open.

What they write is rolled back. SQLite prepares a statement again when the schema has changed, so
that one kept open fails only where a new one does, too.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from ...ddl.model import Table
from ...ddl.sqlite.emit import ident, idents, qualified
from ...sqlite.sandbox import connect
from ..rehearsal.query_runs import Answer, QueryRuns, Run, Side
from .seeds import insertion
from .stage import Stage
from .values import Value

MAX_QUERIES: Final = 500  # of each side
_MARKS: Final = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/"""
    r"""|(?P<mark>\?\d*|%s|%\(\w+\)s|[:@$][A-Za-z_]\w*|\$\d+)""",
    re.DOTALL,
)


@dataclass(slots=True)
class _Watched:
    sql: str
    side: Side
    generated: bool
    text: str
    values: tuple[Value, ...]
    runs: list[Run] = field(default_factory=list)


class Application:
    """Old and new queries, run before the first step and after each."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._kept = connect(stage.path, stage.clock)
        self._watched: list[_Watched] = []

    def close(self) -> None:
        """Close the connection that is kept open."""
        self._kept.close()

    def add(self, queries: Iterable[str], side: Side) -> None:
        """Watch the application's queries from now on."""
        for sql in list(queries)[:MAX_QUERIES]:
            text, count = _marked(sql)
            self._watched.append(_Watched(sql, side, False, text, (1,) * count))

    def add_made(self, tables: Iterable[Table]) -> None:
        """Watch what old code may do to tables: read, insert and update them."""
        for table in tables:
            for sql, values in self._of(table):
                self._watched.append(_Watched(sql, "old", True, sql, values))

    def _of(self, table: Table) -> Iterator[tuple[str, tuple[Value, ...]]]:
        name = qualified(table.name)
        yield f"SELECT {idents(table.columns)} FROM {name}", ()
        row = self._stage.seeder.row(table, 1)
        yield insertion(table, row), tuple(row.values())
        key = table.primary_key.columns if table.primary_key else ()
        for column in table.columns.values():
            if column.name not in key and column.generated is None:
                yield f"UPDATE {name} SET {ident(column.name)} = {ident(column.name)}", ()
                break

    def check(self, after: str) -> None:
        """Run all as they are now; `after` is the id of the last step."""
        fresh = connect(self._stage.path, self._stage.clock)
        try:
            for watched in self._watched:
                one = self._answer(fresh, watched, first=not watched.runs)
                watched.runs.append(Run(after, one, self._answer(self._kept, watched)))
        finally:
            fresh.close()

    def _answer(
        self, connection: sqlite3.Connection, watched: _Watched, *, first: bool = False
    ) -> Answer:
        answer = self._rolled_back(connection, watched)
        if first and answer.sqlstate.startswith("SQLITE_CONSTRAINT") and watched.values:
            if not watched.generated:  # a plain value does not do: none at all
                watched.values = (None,) * len(watched.values)
            answer = self._rolled_back(connection, watched)
        return answer

    def _rolled_back(self, connection: sqlite3.Connection, watched: _Watched) -> Answer:
        self._stage.clock.start()
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("BEGIN")
            found = connection.execute(watched.text, watched.values).fetchmany(1000)
            return Answer(True, len(found))
        except (sqlite3.Error, sqlite3.Warning, OverflowError) as error:
            code = getattr(error, "sqlite_errorname", "SQLITE_ERROR")
            return Answer(False, 0, code, str(error)[:300])
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def runs(self) -> tuple[QueryRuns, ...]:
        """What happened to each query."""
        return tuple(QueryRuns(w.sql, w.side, w.generated, tuple(w.runs)) for w in self._watched)


def _marked(sql: str) -> tuple[str, int]:
    """A query with `?` for the placeholders of drivers, and their number."""
    count = 0

    def mark(found: re.Match[str]) -> str:
        nonlocal count
        if not found["mark"]:
            return found[0]
        count += 1
        return "?"

    return _MARKS.sub(mark, sql), count
