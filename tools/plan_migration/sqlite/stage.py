"""The place of a rehearsal: a private file with the current schema, rows, and connections."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from ...ddl.model import Name, Schema
from ...ddl.script import Statement
from ...ddl.sqlite.emit import emit, ident, qualified
from ...sqlite.sandbox import Clock, connect, schema_of
from ..model import Lock, Query
from ..rehearsal.evidence import Checked
from .effects import WHOLE
from .seeds import Planted, Seeder
from .tables import SAME_ROWS
from .transition import CHECK
from .values import Value

MAX_NOTED: Final = 5  # statements that do not apply
MAX_GENERATIONS: Final = 20  # of rows that reference each other

_REFUSED: Final = ("SQLITE_CONSTRAINT", "SQLITE_MISMATCH", "foreign_key")


class Over(Exception):
    """The time of the rehearsal is over."""


@dataclass(slots=True)
class Seen:
    """What statements did: the error and the statement that raised it, and what others met."""

    error: str = ""
    code: str = ""
    statement: str = ""
    locks: dict[Lock, None] = field(default_factory=dict)
    blocks_reads: bool = False
    blocks_writes: bool = False

    @property
    def refused(self) -> bool:
        """Whether rows were refused, not the statement."""
        return self.code.startswith(_REFUSED) or self.error.startswith("cannot store")


class Stage:
    """Connections to a fresh database. `close` it."""

    def __init__(self, clock: Clock) -> None:
        self._directory = TemporaryDirectory(prefix="backend-architect-")
        self.path = str(Path(self._directory.name, "private.db"))
        self.clock = clock
        self.session = connect(self.path, clock)
        self.other = connect(self.path, clock)
        self.notes: list[str] = []
        self.planted = Planted()
        self._moved: Mapping[Name, Name] = {}

    def close(self) -> None:
        """Remove everything."""
        self.session.close()
        self.other.close()
        self._directory.cleanup()

    def build(
        self,
        current: Schema,
        target: Schema,
        statements: Sequence[Statement],
        names: Set[Name],
        moved: Mapping[Name, Name],
    ) -> None:
        """Apply the current schema, and plant rows before triggers could change them."""
        self._moved = moved
        bare = emit(_without_code(current))
        failed = self._apply(bare)
        if failed and statements:
            self.notes.append(f"Applied as written, as it does not apply in parts: {failed[0]}")
            failed = self._apply([statement.text for statement in statements])
        judge = connect(":memory:", self.clock)
        self.seeder = Seeder(self.session, judge, current, target, moved)
        self.planted = self.seeder.plant(names)
        judge.close()
        known = set(bare)
        failed += self._apply([sql for sql in emit(current) if sql not in known])
        self.notes += [f"Not applied: {each}" for each in failed[:MAX_NOTED]]

    def _apply(self, statements: Sequence[str]) -> list[str]:
        failed = []
        for sql in statements:
            try:
                self._execute(sql)
            except (sqlite3.Error, sqlite3.Warning) as error:
                if "already exists" not in str(error):
                    failed.append(f"{' '.join(sql.split())[:100]}: {error}"[:300])
        return failed

    def _execute(self, sql: str) -> list[tuple[object, ...]]:
        if self.clock.over:
            raise Over
        self.clock.start()
        return self.session.execute(sql).fetchmany(100)

    def schema(self) -> Schema:
        """The catalog as it is now."""
        return schema_of(self.session)

    def snapshot(self) -> sqlite3.Connection:
        """All of the database as it is now."""
        copy = sqlite3.connect(":memory:")
        self.session.backup(copy)
        return copy

    def restore(self, copy: sqlite3.Connection) -> None:
        """The database as it was."""
        copy.backup(self.session)

    def check(self, query: Query, before: Mapping[str, str] | None = None) -> Checked:
        """Run a query of a step; `before` has what the same query returned before the step."""
        try:
            rows = self._execute(query.sql)
        except sqlite3.Error as error:
            return Checked(query.sql, query.expected, str(error)[:200], False)
        first = ", ".join("null" if cell is None else str(cell) for cell in rows[0]) if rows else ""
        shown = first[:200] if len(rows) == 1 else f"{len(rows)} rows" if rows else "no rows"
        if query.expected == "no rows":
            return Checked(query.sql, query.expected, shown, not rows)
        if query.expected == SAME_ROWS and before and query.sql in before:
            return Checked(query.sql, query.expected, shown, shown == before[query.sql])
        if " " in query.expected:
            return Checked(query.sql, query.expected, shown, None)
        return Checked(query.sql, query.expected, shown, shown == query.expected)

    def count(self, sql: str) -> str:
        """What a query returns now, as `check` would show it."""
        return self.check(Query(sql, "a number")).got

    def run(self, statements: Sequence[str]) -> Seen:
        """Run statements in one transaction, theirs or one around them; all or nothing."""
        own = any(sql.startswith("BEGIN") for sql in statements)
        seen = self.run_once(statements if own else ("BEGIN IMMEDIATE", *statements, "COMMIT"))
        self.session.execute("PRAGMA foreign_keys = ON")
        return seen

    def run_once(self, statements: Sequence[str]) -> Seen:
        """Run statements as they stand; what is open when one fails is rolled back."""
        seen = Seen()
        for sql in statements:
            try:
                if sql == "COMMIT":
                    self._probe(seen)
                rows = self._execute(sql)
                if sql.startswith(CHECK) and rows:
                    seen.code, seen.error = "foreign_key_check", f"violated: {rows[0]}"
            except (sqlite3.Error, sqlite3.Warning) as error:
                if self.clock.over:
                    raise Over from error
                seen.error = str(error)[:300]
                seen.code = getattr(error, "sqlite_errorname", "SQLITE_ERROR")
            if seen.error:
                seen.statement = sql
                break
        if self.session.in_transaction:
            self.session.execute("ROLLBACK")
        return seen

    def _probe(self, seen: Seen) -> None:
        """What another connection can do just before the commit, and what that waits for."""
        try:
            self.other.execute("BEGIN IMMEDIATE")
            self.other.execute("ROLLBACK")
        except sqlite3.OperationalError:
            seen.blocks_writes = True
            seen.locks[Lock(WHOLE, "RESERVED")] = None
        try:
            self.other.execute("BEGIN")
            self.other.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError:
            seen.blocks_reads = True
        try:
            self.session.execute("COMMIT")
        except sqlite3.OperationalError:
            seen.locks[Lock(WHOLE, "EXCLUSIVE")] = None
        finally:
            if self.other.in_transaction:
                self.other.execute("ROLLBACK")
        if not self.session.in_transaction:  # it had nothing to write
            self.session.execute("BEGIN")

    def remove_rough(self) -> int:
        """Take out the rows that the target refuses, and those that reference them; how many."""
        removed = 0
        (enforced,) = self.session.execute("PRAGMA foreign_keys").fetchone()
        self.session.execute("PRAGMA foreign_keys = OFF")
        known = self.schema().tables
        for rough in self.planted.rough:
            moved = self._moved.get(rough.table, rough.table)
            table = moved if moved in known else rough.table
            where = f"FROM {qualified(table)} WHERE {rough.where}"
            removed += self._delete(where, rough.values)
        try:
            for _ in range(MAX_GENERATIONS):
                orphans = self._execute(CHECK)
                for child, rowid, *_ in orphans:
                    own = f"WHERE rowid = {rowid}" if rowid is not None else ""
                    removed += self._delete(f"FROM {ident(str(child))} {own}")
                if not orphans:
                    break
        except sqlite3.Error:  # a foreign key that references nothing unique
            pass
        self.session.execute(f"PRAGMA foreign_keys = {enforced}")
        self.planted.rough.clear()
        return removed

    def _delete(self, what: str, values: Sequence[Value] = ()) -> int:
        try:
            return self.session.execute(f"DELETE {what}", values).rowcount
        except sqlite3.Error:  # the table has another name by now
            return 0


def _without_code(schema: Schema) -> Schema:
    """Tables, indexes and virtual tables only."""
    tables = {name: replace(table, triggers={}) for name, table in schema.tables.items()}
    return replace(schema, tables=tables, views={})
