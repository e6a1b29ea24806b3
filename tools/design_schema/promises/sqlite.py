"""Promises tried on SQLite, in memory: the design applied once, each promise rolled back.

There are no roles, so every step runs as whoever has the file. A refusal is told by its message:
`CHECK constraint failed: orders_total_check`, `UNIQUE constraint failed: orders.code`, or the text
that a trigger raises.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from ...ddl.sqlite.emit import emit
from ...sqlite.sandbox import Clock, connect
from ..physical.blueprint import Blueprint
from .model import Kept, NotApplied, Promise, Step, said

STATEMENT_SECONDS: Final = 5
SECONDS: Final = 30
EVERY: Final = 50  # promises between two reports of progress
FOREIGN_KEY: Final = "FOREIGN KEY constraint failed"


def kept(
    blueprint: Blueprint,
    promises: Sequence[Promise],
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Kept, ...]:
    """Each promise with how it fared. Raises `NotApplied` when the design is refused."""
    clock = Clock(STATEMENT_SECONDS, SECONDS)
    session = connect(":memory:", clock, trusted=True)
    try:
        _apply(session, blueprint)
        return tuple(_tried(session, clock, promises, progress))
    finally:
        session.close()


def _apply(session: sqlite3.Connection, blueprint: Blueprint) -> None:
    session.execute("PRAGMA foreign_keys = ON")
    for statement in (*emit(blueprint.schema), *blueprint.rows):
        try:
            session.execute(statement)
        except (sqlite3.Error, OverflowError, ValueError) as error:
            raise NotApplied(statement, str(error)) from error


def _tried(
    session: sqlite3.Connection,
    clock: Clock,
    promises: Sequence[Promise],
    progress: Callable[[int, int], None] | None,
) -> Iterator[Kept]:
    for number, promise in enumerate(promises, 1):
        if clock.over:
            yield Kept(promise, untried=f"the limit of {SECONDS} s for all promises was reached")
            continue
        session.execute("BEGIN")
        try:
            yield _verdict(session, clock, promise)
        finally:
            if session.in_transaction:
                session.execute("ROLLBACK")
        if progress and number % EVERY == 0:
            progress(number, len(promises))


def _verdict(session: sqlite3.Connection, clock: Clock, promise: Promise) -> Kept:
    if not promise.steps:
        return Kept(promise, untried=promise.doubt)
    for step in promise.steps:
        rows, refusal = _run(session, clock, step)
        if step.refused_by is None and refusal:
            if promise.doubt:
                return Kept(promise, untried=promise.doubt)
            return Kept(promise, f"refused: {said(step.sql)}: {refusal}")
        if step.refused_by is not None and step.refused_by not in refusal:
            how = f"refused, not by {step.refused_by}" if refusal else "not refused"
            return Kept(promise, f"{how}: {said(step.sql)}: {refusal or step.refused_by}")
        wanted = None if step.returns is None else [tuple(row) for row in step.returns]
        if wanted is not None and rows != wanted:
            return Kept(promise, f"answered {rows}, not {wanted}: {said(step.sql)}")
    return Kept(promise)


def _dangling(session: sqlite3.Connection) -> str:
    """Which tables have rows that refer to nothing, as COMMIT would refuse them."""
    rows = session.execute("PRAGMA foreign_key_check").fetchall()
    pairs = sorted({refers(table, parent) for table, _, parent, _ in rows})
    return f"{FOREIGN_KEY}: {', '.join(pairs)}" if pairs else ""


def refers(table: str, parent: str) -> str:
    """How a refusal names the foreign key that a COMMIT finds broken."""
    return f"{table} refers to {parent}"


def _run(
    session: sqlite3.Connection, clock: Clock, step: Step
) -> tuple[list[tuple[str | None, ...]], str]:
    """The rows of a step as text, and the message that refused it; then it left nothing behind."""
    session.execute("SAVEPOINT step")
    clock.start()
    try:
        found = session.execute(step.sql).fetchall()
        refusal = _dangling(session) if step.commit else ""
    except (sqlite3.Error, OverflowError, ValueError) as error:
        found, refusal = [], str(error) or "refused"
    if session.in_transaction:
        session.execute("ROLLBACK TO step" if refusal else "RELEASE step")
    return [tuple(None if cell is None else str(cell) for cell in row) for row in found], refusal
