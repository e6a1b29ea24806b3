"""What a statement locks, blocks, rewrites and reads: seen from outside while it is not committed.

As the table of operations was measured: `pg_locks` from a second session while the transaction is
open, attempts of a third one, a new file for a rewrite, the counters of reads for a scan. A
statement that cannot run in a transaction is made to wait for one that writes to every table, and
is looked at while it waits. Names are those before the statement; what it creates is left out,
since nobody else sees it yet.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import psycopg

from ...ddl.model import Name
from ...ddl.postgres.text import ident
from ...engines.locks import CONFLICTS, strongest
from ...postgres.cluster import Database
from ..model import Lock
from .sessions import Done, Session

PATIENCE: Final = 5.0  # seconds until a statement that neither waits nor ends is let go
_PAUSE: Final = 0.002
_MANY: Final = 100_000  # relations that are read

_SNAPSHOT: Final = """
SELECT c.oid, n.nspname, c.relname, c.relkind, c.relfilenode,
    pg_catalog.pg_stat_get_xact_tuples_returned(c.oid), c.relispartition,
    pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid)
        OPERATOR(pg_catalog.+) pg_catalog.pg_stat_get_xact_tuples_updated(c.oid)
        OPERATOR(pg_catalog.+) pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n
    ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
WHERE c.oid OPERATOR(pg_catalog.>=) '16384'::pg_catalog.oid
    AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,m,v,f,S}'::pg_catalog."char"[])
"""
_FLUSHED: Final = _SNAPSHOT.replace("_xact", "")  # of ended transactions
_FLUSH: Final = "SELECT pg_catalog.pg_stat_force_next_flush()"  # from PostgreSQL 15 on
_LOCKS: Final = """
SELECT relation, mode FROM pg_locks
WHERE pid = %s AND locktype = 'relation'
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_WAITS: Final = "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = %s AND NOT granted)"


class Relation(NamedTuple):
    """A relation at one moment; `read` (but by index) and `written` count rows."""

    name: Name
    kind: str
    file: int
    read: int
    partition: bool
    written: int


Relations = dict[int, Relation]


@dataclass(slots=True)
class Seen:
    """What was observed of some statements. `error` is the first statement's that failed.

    With `quiet` they only run, and nobody looks.
    """

    quiet: bool = False
    locks: dict[Name, set[str]] = field(default_factory=lambda: defaultdict(set))
    blocks_reads: set[Name] = field(default_factory=set)
    blocks_writes: set[Name] = field(default_factory=set)
    rewrites: set[Name] = field(default_factory=set)
    scans: set[Name] = field(default_factory=set)
    error: Done | None = None
    statement: str = ""  # that failed
    count: int = 0  # rows that were written
    most: int = 0  # rows of one table that were written in one transaction
    skipped: list[str] = field(default_factory=list)

    def strongest(self) -> tuple[Lock, ...]:
        """The locks, the strongest of each table."""
        return tuple(
            Lock(str(name), mode)
            for name, modes in sorted(self.locks.items())
            for mode in strongest(modes)
        )


class Observer:
    """Runs statements in the user's session and looks at them from others."""

    def __init__(self, database: Database, session: Session, look: psycopg.Connection[Any]) -> None:
        self._database, self._session, self._look = database, session, look
        self._third: psycopg.Connection[Any] | None = None
        self._holders: list[psycopg.Connection[Any]] = []

    def close(self) -> None:
        """End the sessions that attempt and hold things."""
        for connection in (*self._holders, *([self._third] if self._third else [])):
            connection.close()

    def together(self, statements: Sequence[str], seen: Seen) -> None:
        """Run statements in one transaction; all or none."""
        if not statements:
            return
        self._session.send("BEGIN")
        before = {} if seen.quiet else self._inside()
        for sql in statements:
            if not self._ran(sql, self._session.run(sql), seen):
                self._session.send("ROLLBACK")
                return
        if not seen.quiet:
            self._compare(before, self._inside(), seen)
            self._note_locks(before, seen)
        done = self._session.send("COMMIT")
        if not done.ok:
            seen.error, seen.statement = done, "COMMIT"

    def plainly(self, statements: Iterable[str], seen: Seen) -> None:
        """Run statements in transactions of their own, unobserved, until one fails."""
        for sql in statements:
            if not self._ran(sql, self._session.run(sql), seen):
                return

    def concurrently(self, sql: str, seen: Seen) -> None:
        """Run a statement that must be outside of a transaction, looked at while it waits."""
        if seen.quiet:
            self.plainly([sql], seen)
            return
        self._flush()
        before = self._outside()
        holders = self._holding(before)
        answer: list[Done] = []
        failed: list[BaseException] = []

        def work() -> None:
            try:
                answer.append(self._session.run(sql))
            except BaseException as error:
                failed.append(error)

        process = self._session.process
        worker = threading.Thread(target=work, daemon=True)
        worker.start()
        try:
            for holder in holders:
                self._until(lambda: not worker.is_alive() or self._is_waiting(process))
                if worker.is_alive():
                    self._note_locks(before, seen, process)
                holder.rollback()
        finally:
            for holder in holders:
                holder.rollback()
            worker.join()
        if failed:
            raise failed[0]
        self._ran(sql, answer[0], seen)
        self._flush()
        self._compare(before, self._outside(), seen)

    def _ran(self, sql: str, done: Done, seen: Seen) -> bool:
        seen.count += done.count
        if done.skipped:
            seen.skipped.append(f"{' '.join(sql.split())[:80]}: {done.skipped}")
        if not done.ok:
            seen.error, seen.statement = done, sql
        return done.ok

    def _inside(self) -> Relations:
        """The relations as the user's session sees them in its transaction."""
        return _relations(self._session.send(_SNAPSHOT, _MANY).rows)

    def _outside(self) -> Relations:
        return _relations(self._look.execute(_FLUSHED.encode()).fetchall())

    def _flush(self) -> None:
        """Let the counters of reads have what both sessions read until now, and not later."""
        self._session.send(_FLUSH)
        with suppress(psycopg.errors.UndefinedFunction):
            self._look.execute(_FLUSH)

    def _compare(self, before: Relations, after: Relations, seen: Seen) -> None:
        for oid in before.keys() & after.keys():
            old, new = before[oid], after[oid]
            if old.file != new.file and old.kind in "rm":
                seen.rewrites.add(old.name)
            if new.read > old.read:
                seen.scans.add(old.name)
            seen.most = max(seen.most, new.written - old.written)

    def _note_locks(self, before: Relations, seen: Seen, process: int = 0) -> None:
        rows = self._look.execute(_LOCKS, [process or self._session.process]).fetchall()
        held: dict[int, set[str]] = defaultdict(set)
        for oid, mode in rows:
            if oid in before:
                held[oid].add(mode)
        for oid, modes in held.items():
            relation = before[oid]
            seen.locks[relation.name] |= modes
            if _blocks("AccessShareLock", modes) and self._waits(relation, "ACCESS SHARE", modes):
                seen.blocks_reads.add(relation.name)
            if _blocks("RowExclusiveLock", modes) and self._waits(relation, "ROW EXCLUSIVE", modes):
                seen.blocks_writes.add(relation.name)

    def _waits(self, relation: Relation, mode: str, held: set[str]) -> bool:
        """Whether a third session that wants this has to wait."""
        if relation.kind not in "rp":
            return True  # LOCK takes tables only; the modes held are in conflict
        third = self._third = self._third or self._database.connect(superuser=True)
        try:
            with third.transaction(force_rollback=True):
                third.execute(f"LOCK TABLE ONLY {_quoted(relation)} IN {mode} MODE NOWAIT".encode())
        except psycopg.errors.LockNotAvailable:
            return True
        return False

    def _holding(self, relations: Relations) -> list[psycopg.Connection[Any]]:
        """Open transactions that write to all tables: one for most, one for partitions.

        Nobody writes to materialized views: for these one more that still sees old rows.
        """
        statements: list[str] = []
        for partitions in (False, True):
            names = [
                f"ONLY {_quoted(relation)}"
                for relation in relations.values()
                if relation.kind in "rp" and relation.partition is partitions
            ]
            if names:
                statements.append(f"BEGIN; LOCK TABLE {', '.join(names)} IN ROW EXCLUSIVE MODE")
        if any(relation.kind == "m" for relation in relations.values()):
            statements.append("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        for number, statement in enumerate(statements):
            self._holder(number).execute(statement.encode())
        return self._holders[: len(statements)]

    def _holder(self, number: int) -> psycopg.Connection[Any]:
        while len(self._holders) <= number:
            self._holders.append(self._database.connect(superuser=True))
        return self._holders[number]

    def _is_waiting(self, process: int) -> bool:
        row = self._look.execute(_WAITS, [process]).fetchone()
        return bool(row and row[0])

    def _until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not condition() and time.monotonic() < end:
            time.sleep(_PAUSE)


def names(found: Iterable[Name]) -> tuple[str, ...]:
    """Names in words, in order."""
    return tuple(sorted(map(str, found)))


def _relations(rows: Iterable[Sequence[Any]]) -> Relations:
    return {
        int(oid): Relation(
            Name(schema, name),
            kind,
            int(file),
            int(read or 0),
            partition in (True, "t"),
            int(written or 0),
        )
        for oid, schema, name, kind, file, read, partition, written in rows
    }


def _quoted(relation: Relation) -> str:
    return f"{ident(relation.name.schema)}.{ident(relation.name.name)}"


def _blocks(wanted: str, held: set[str]) -> bool:
    return any(mode in CONFLICTS[wanted] for mode in held)
