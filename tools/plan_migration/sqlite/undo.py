"""Whether an undo does what it says: the catalog as before, every row and value still there."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Final

from ...ddl.diff import changes, flatten
from ...ddl.model import Schema, Table
from ..model import Step
from ..rehearsal.evidence import UndoSeen
from ..rehearsal.losses import Ledger, losses, told, unread
from ..rehearsal.undone import Findings, holds, shown
from .ledger import take
from .seeds import ROWS, insertion
from .stage import Stage

MAX_SHOWN: Final = 10
MAX_TRIES: Final = 12


def tried(stage: Stage, step: Step, before: Schema, rows: Ledger, after: Schema) -> UndoSeen:
    """Undo a step that has run, run it again, undo it after the new version has written.

    `before`, `rows` and `after` are the catalog and the rows before it, and the catalog now. It
    leaves the database as after the step.
    """
    found = Findings()
    stated = step.undo.verdict
    if not step.undo.sql:
        lost = losses(rows, take(stage.session, after), nulls=False)
        found.evidence += unread(lost)
        if lost or stated == "no_return":
            found.lower("no_return", *(told(lost) if lost else ()))
        return UndoSeen(False, stated, found.verdict, holds(stated, found), tuple(found.evidence))
    done = stage.snapshot()
    try:
        again = _back_and_forth(stage, step, before, rows, found)
        stage.restore(done)
        if found.verdict == "lossless":
            _after_writes(stage, step, before, after, rows, found)
    finally:
        stage.restore(done)
        done.close()
    return UndoSeen(True, stated, found.verdict, holds(stated, found), tuple(found.evidence), again)


def _back_and_forth(
    stage: Stage, step: Step, before: Schema, rows: Ledger, found: Findings
) -> bool | None:
    """Undo the step, compare, run it again; whether that worked."""
    undone = stage.run(step.undo.sql)
    if undone.error:
        found.broken = True
        found.lower("no_return", f"the undo fails: {undone.code}: {undone.error}")
        return None
    restored = stage.schema()
    differing = changes(before, restored)
    if differing:
        found.broken = True
        found.lower("no_return", *(f"not as before: {shown(c)}" for c in differing[:MAX_SHOWN]))
    lost = losses(rows, take(stage.session, restored))
    found.evidence += unread(lost)
    if lost:
        found.lower("no_return", *told(lost))
    again = stage.run(step.sql)
    if again.error:
        found.broken = True
        found.lower("no_return", f"the step does not run again: {again.code}: {again.error}")
    return not again.error


def _after_writes(
    stage: Stage, step: Step, before: Schema, after: Schema, rows: Ledger, found: Findings
) -> None:
    """Once more, after a row that only the new version can write."""
    written = [*_written(stage, before, after)]
    if not written:
        return
    new = take(stage.session, after)
    undone = stage.run(step.undo.sql)
    if undone.error:
        found.lower("until", f"after {written[0]} the undo fails: {undone.code}: {undone.error}")
        return
    now = take(stage.session, stage.schema())
    lost = losses(rows, now)
    if not lost and not _is_rename(step, before, after):
        lost = losses(new, now, nulls=False)
    if lost:
        found.lower("until", *(f"after {written[0]}: {each}" for each in told(lost)))


def _is_rename(step: Step, before: Schema, after: Schema) -> bool:
    """Whether the step gives an object another name, under which its values are found."""
    if len(step.objects) != 2:
        return False
    old, new = step.objects
    return old in flatten(before) and new in flatten(after) and new not in flatten(before)


def _written(stage: Stage, before: Schema, after: Schema) -> Iterator[str]:
    """Rows that are inserted into tables that are new or changed, in words."""
    touched = {change.object[1] for change in changes(before, after) if len(change.object) > 1}
    for name, table in after.tables.items():
        if str(name) in touched and (row := _insert(stage, table)):
            yield f"the new row ({row}) in {name}"


def _insert(stage: Stage, table: Table) -> str:
    """Insert a row with nulls where they are allowed, or else one that fits."""
    for number in range(MAX_TRIES):
        row = stage.seeder.row(table, 1 + number % (ROWS - 1), shift=number)
        try:
            stage.session.execute(insertion(table, row), tuple(row.values()))
        except (sqlite3.Error, OverflowError):
            continue
        return ", ".join("null" if value is None else repr(value)[:40] for value in row.values())
    return ""
