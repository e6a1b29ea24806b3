"""Whether an undo does what it says: the catalog as before, every row and value still there."""

from __future__ import annotations

from collections.abc import Sequence

from ...ddl.diff import changes
from ...ddl.model import Schema, Table
from ...ddl.postgres.text import qualified
from ..model import Step
from .evidence import UndoSeen, Verdict
from .ledger import take
from .losses import Ledger, losses, told, unread
from .observe import Seen
from .seeds import equal
from .sessions import Done, Values
from .stage import Stage
from .undone import Broken, Findings, holds, is_order, shown

MAX_SHOWN = 10


def tried(stage: Stage, step: Step, before: Schema, rows: Ledger, after: Schema) -> UndoSeen:
    """Undo a step that has run, and run it again; leaves the database as after the step.

    `before`, `rows` and `after` are the catalog and the rows before it, and the catalog now.
    Raises `Broken` when it does not run again.
    """
    found = Findings()
    stated = step.undo.verdict
    if not step.undo.sql:
        lost = losses(rows, take(stage.look, after, rows.tables), nulls=False)
        found.evidence += unread(lost)
        if lost:
            found.lower("no_return", *told(lost))
        elif stated == "no_return":
            found.lower("no_return")
        return UndoSeen(False, stated, found.verdict, holds(stated, found), tuple(found.evidence))
    again = None
    failed = _undo(stage, step)
    if failed:
        found.broken = True
        found.lower("no_return", f"the undo fails: {failed.sqlstate}: {failed.message}")
        if _in_parts(step):
            raise Broken(UndoSeen(True, stated, "no_return", False, tuple(found.evidence)))
    else:
        restored = stage.schema()
        differing = [c for c in changes(before, restored) if not is_order(c)]
        if differing:
            found.broken = True
            found.lower("no_return", *(f"not as before: {shown(c)}" for c in differing[:MAX_SHOWN]))
        lost = losses(rows, take(stage.look, restored, rows.tables))
        found.evidence += unread(lost)
        if lost:
            found.lower("no_return", *told(lost))
        again = _run_again(stage, step, found, stated)
    if found.verdict == "lossless":
        _try_after_writes(stage, step, before, rows, after, found)
    return UndoSeen(True, stated, found.verdict, holds(stated, found), tuple(found.evidence), again)


def _try_after_writes(
    stage: Stage, step: Step, before: Schema, rows: Ledger, after: Schema, found: Findings
) -> None:
    """Once more, after rows that only the new version can write."""
    written = [
        (table, row)
        for table, columns in _to_write(step, before, after)
        for row in _write(stage, table, after, columns)
    ]
    if not written:
        return
    at_once = losses(rows, take(stage.look, after, rows.tables))  # what triggers changed
    failed = _undo(stage, step)
    if failed:
        said = f"after {_row(written)} the undo fails: {failed.sqlstate}: {failed.message}"
        found.lower("until", said)
        if _in_parts(step):
            holding = holds(step.undo.verdict, found)
            raise Broken(UndoSeen(True, step.undo.verdict, "until", holding, tuple(found.evidence)))
    else:
        lost = losses(rows, take(stage.look, before, rows.tables))
        if lost and lost != at_once:
            found.lower("until", *(f"after {_row(written)}: {each}" for each in told(lost)))
        _run_again(stage, step, found, step.undo.verdict)
    for table, values in reversed(written):
        _remove(stage, table, values)


def _in_parts(step: Step) -> bool:
    """Whether half of the undo may be done when it fails."""
    return (step.undo.transaction or step.transaction) == "none" and len(step.undo.sql) > 1


def _undo(stage: Stage, step: Step) -> Done | None:
    """Run the undo; the error, if any."""
    seen = Seen(quiet=True)
    stage.run_once(step.undo.sql, step.undo.transaction or step.transaction, seen)
    return seen.error


def _run_again(stage: Stage, step: Step, found: Findings, stated: Verdict) -> bool:
    seen = Seen(quiet=True)
    stage.run(step, seen)
    if seen.error:
        found.lower(
            "no_return",
            f"the step does not run again: {seen.error.sqlstate}: {seen.error.message}",
        )
        ended = UndoSeen(True, stated, found.verdict, False, tuple(found.evidence), False)
        raise Broken(ended)
    return True


def _to_write(step: Step, before: Schema, after: Schema) -> list[tuple[Table, list[str]]]:
    """Tables that exist on both sides and are changed, with the columns that are new or changed."""
    keys = [c.object for c in changes(before, after)] + list(step.objects)
    names = {key[1] for key in keys if len(key) > 1}
    found = []
    for name, table in after.tables.items():
        old = before.tables.get(name)
        if old is None or f"{name.schema}.{name.name}" not in names:
            continue
        if not table.foreign and not table.partition_of:
            different = [
                n
                for n, c in table.columns.items()
                if n not in old.columns or old.columns[n].type != c.type
            ]
            found.append((table, different))
    return found


def _write(stage: Stage, table: Table, schema: Schema, columns: Sequence[str]) -> list[Values]:
    """Insert one row; none where every attempt is refused."""
    for sql in stage.seeder.another(table, schema, columns):
        done = stage.session.run(sql)
        if done.ok:
            return list(done.rows[:1])
    return []


def _remove(stage: Stage, table: Table, values: Values) -> None:
    key = table.primary_key.columns if table.primary_key else tuple(table.columns)
    row = dict(zip(table.columns, values, strict=True))
    where = " AND ".join(equal(name, row[name]) for name in key)
    if where:
        stage.session.run(f"DELETE FROM {qualified(table.name)} WHERE {where}")


def _row(written: Sequence[tuple[Table, Values]]) -> str:
    table, values = written[0]
    shown = ", ".join("null" if value is None else value[:40] for value in values)
    return f"the new row ({shown}) in {table.name}"
