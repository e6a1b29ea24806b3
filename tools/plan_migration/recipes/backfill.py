"""Values for the rows that are there: in batches, resumable, never over a newer value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ...ddl.model import Column, Name, Table
from ...ddl.postgres.nodes import made_name
from ...ddl.postgres.text import ident, idents, literal, qualified
from ..context import Context
from ..model import Phase, Query, Step, Undo
from .base import BATCH, ObjectKey, column_key, step

_INTEGERS: Final = frozenset({"smallint", "integer", "bigint"})
_WHY: Final = (
    "Each batch is a transaction of its own, goes on from where the last one ended, even if that"
    " was killed, and touches only rows without their value, so that nothing newer is overwritten."
    " Pause between batches while `SELECT max(replay_lag) FROM pg_stat_replication` is more than"
    " your standbys may lag."
)
_STAY: Final = Undo()  # what is filled harms nothing: old code does not know the column


def backfill(
    table: Table, column: Column, value: str, ctx: Context, missing: str = "", trigger: str = ""
) -> Iterator[Step]:
    """Fill a column with an expression over the row `t` where `missing` holds: by default, is NULL.

    `trigger` is the one that fills it in what is written from now on.
    """
    name, of = ident(column.name), qualified(table.name)
    missing = missing or f"t.{name} IS NULL"
    key = (column_key(table, column.name),)
    left = Query(f"SELECT count(*) FROM {of} t WHERE {missing}", "0", "Rows without their value.")
    first = (drained(table, trigger),) if trigger else ()
    row = _row_key(table, ctx)
    if not row:
        yield _by_place(table, column.name, value, missing, key, left, first)
        return
    progress = qualified(
        Name(table.name.schema, made_name(table.name.name, column.name, "backfill"))
    )
    columns = idents(row)
    yield step(
        Phase.MIGRATE,
        f"Prepare the backfill of {of}.{name}",
        f"CREATE TABLE {progress} AS SELECT {columns} FROM {of} ORDER BY {columns} LIMIT 1",
        "It remembers where the next batch starts.",
        f"DROP TABLE IF EXISTS {progress}",
        key,
    )
    yield step(
        Phase.MIGRATE,
        f"Backfill {of}.{name}",
        _batch(of, progress, row, name, value, missing, ctx.version),
        f"{BATCH:,} rows at a time. {_WHY}",
        _STAY,
        key,
        batched=True,
        preflight=first,
        verify=(
            Query(f"SELECT count(*) FROM {progress}", "0", "0 when every batch is done."),
            left,
        ),
    )
    yield step(
        Phase.MIGRATE,
        f"Finish the backfill of {of}.{name}",
        f"DROP TABLE {progress}",
        "Every row has its value.",
        Undo(),
        key,
        preflight=(left,),
        verify=(left,),
    )


def drained(table: Table, trigger: str) -> Query:
    """Transactions that may have read or written before the trigger was there."""
    return Query(
        "SELECT a.pid, a.xact_start, a.query FROM pg_stat_activity a JOIN pg_trigger t"
        " ON greatest(age(a.backend_xid), age(a.backend_xmin)) >= age(t.xmin)"
        f" WHERE t.tgname = {literal(trigger)} AND t.tgrelid = {literal(qualified(table.name))}"
        "::regclass AND a.pid <> pg_backend_pid()",
        "no rows",
        "Transactions older than the trigger: wait until they have ended. Other users' are shown"
        " to members of pg_monitor.",
    )


def _row_key(table: Table, ctx: Context) -> tuple[str, ...]:
    """Columns that tell rows apart and have an index in their order, now and throughout."""
    before = ctx.current.tables.get(table.name)
    after = ctx.target.tables.get(table.name, table)
    if before is None:
        return ()
    keys = sorted(before.keys.values(), key=lambda key: not key.primary)
    for key in keys:
        given = [before.columns.get(column) for column in key.columns]
        kept = all(
            (new := after.columns.get(name)) and old and _comparable(old, new)
            for name, old in zip(key.columns, given, strict=True)
        )
        if kept and all(column and column.not_null for column in given):
            return key.columns
    return ()


def _comparable(old: Column, new: Column) -> bool:
    """Whether a key that was noted before the column is exchanged serves after it."""
    return old.type == new.type or {old.type.name, new.type.name} <= _INTEGERS


def _batch(
    of: str,
    progress: str,
    row: tuple[str, ...],
    name: str,
    value: str,
    missing: str,
    version: int,
) -> str:
    mine = ", ".join(f"t.{ident(column)}" for column in row)
    its = ", ".join(f"batch.{ident(column)}" for column in row)
    work = f"""filled AS (
    UPDATE {of} t SET {name} = {value}
    FROM batch WHERE ({mine}) = ({its}) AND ({missing})
)"""
    return keyset(of, progress, row, work, version)


def once(version: int) -> str:
    """The words of a WITH query that is to run once; before 12 each does."""
    return "AS MATERIALIZED" if version >= 12 else "AS"


def keyset(of: str, progress: str, row: tuple[str, ...], work: str, version: int) -> str:
    """One batch in the order of a key: `work` is done on `batch`, then `progress` moves on."""
    columns = idents(row)
    last = ", ".join(f"{ident(column)} DESC" for column in row)
    return f"""WITH batch {once(version)} (
    SELECT {columns} FROM {of}
    WHERE ({columns}) >= (SELECT {columns} FROM {progress})
    ORDER BY {columns} LIMIT {BATCH}
), {work}, following {once(version)} (
    SELECT {columns} FROM {of}
    WHERE ({columns}) > (SELECT {columns} FROM batch ORDER BY {last} LIMIT 1)
    ORDER BY {columns} LIMIT 1
), moved AS (
    UPDATE {progress} SET ({columns}) = ROW(following.*) FROM following
)
DELETE FROM {progress} WHERE NOT EXISTS (SELECT FROM following)"""


def _by_place(
    table: Table,
    column: str,
    value: str,
    missing: str,
    key: tuple[ObjectKey, ...],
    left: Query,
    first: tuple[Query, ...],
) -> Step:
    of = qualified(table.name)
    return step(
        Phase.MIGRATE,
        f"Backfill {of}.{ident(column)}",
        f"UPDATE {of} t SET {ident(column)} = {value} WHERE t.ctid = ANY (ARRAY(\n"
        f"    SELECT t.ctid FROM {of} t WHERE {missing} LIMIT {BATCH} FOR UPDATE SKIP LOCKED\n))",
        f"{BATCH:,} rows at a time. {_WHY} Without a primary key each batch looks for its rows.",
        _STAY,
        key,
        batched=True,
        preflight=first,
        verify=(left,),
    )
