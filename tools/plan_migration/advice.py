"""What holds for several steps of a plan and is said once: how to run them, and what to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from .context import Context
from .durations import LOCK_TIMEOUT
from .model import Advice, Query, Step
from .replication import MEANINGS

_ATTEMPTS: Final = 8
_SHARE_UPDATE: Final = "ShareUpdateExclusiveLock"

# How each runner is told to run a file outside of a transaction.
RUNNERS: Final = {
    "psql": "no `--single-transaction`",
    "alembic": "`with op.get_context().autocommit_block():` around it",
    "django": "`atomic = False` on the Migration, one `RunSQL` for each statement",
    "rails": "`disable_ddl_transaction!` in the migration",
    "flyway": "a script of its own with `executeInTransaction=false` in its `.conf`, and"
    " `flyway.postgresql.transactional.lock=false`: CONCURRENTLY waits for the transaction in which"
    " Flyway holds its lock",
    "liquibase": "a changeset of its own with `runInTransaction:false`",
    "golang-migrate": "a file with this statement alone: several in one file share a transaction",
    "prisma": "by hand with psql, then `prisma migrate resolve --applied NAME`",
}
# What runs each file in a transaction of its own accord.
_ONE_A_FILE: Final = {
    "alembic": "one revision a step, with `transaction_per_migration=True`",
    "django": "one Migration a step",
    "rails": "one migration a step",
    "flyway": "one script a step, and `group=false`",
    "liquibase": "one changeset a step",
    "golang-migrate": "one file a step",
    "prisma": "one migration a step, with `BEGIN` and `COMMIT` in it",
}
_LOOP: Final = """for pause in 1 2 4 8 16 32 64; do
    psql -X -v ON_ERROR_STOP=1 -f step.sql && break
    sleep $pause
done"""


def advice(steps: Sequence[Step], ctx: Context) -> tuple[Advice, ...]:
    """The advice of a plan, in the order in which it is needed."""
    makers: Sequence[Callable[[Sequence[Step], Context], Iterator[Advice]]] = (
        _retry,
        _runner,
        _pooler,
        _vacuum,
        _standbys,
        _logical,
    )
    return tuple(each for make in makers for each in make(steps, ctx))


def settings(step: Step, alone: bool) -> tuple[str, ...]:
    """What a step sets: how long it waits for locks, and that what is long by design may be."""
    if alone:
        return ("SET lock_timeout = 0", "SET statement_timeout = 0")
    made = [f"SET LOCAL lock_timeout = '{step.lock_timeout}'"] if step.lock_timeout else []
    if step.effects.scans and not step.effects.blocks_writes and not step.batched:
        made.append("SET LOCAL statement_timeout = 0")
    return tuple(made)


def preflight(steps: Sequence[Step]) -> tuple[Query, ...]:
    """What to look at before any step that others may keep waiting, or that writes much."""
    waits = any(step.lock_timeout or step.effects.waits_for_transactions for step in steps)
    if not waits:
        return ()
    found = [_OLD_TRANSACTIONS, _PREPARED]
    if any(step.effects.waits_for_transactions for step in steps):
        found.append(_INVALID)
    if any(_is_long(step) and _weakly_locked(step) for step in steps):
        found.append(_WRAPAROUND)
    if any(_writes_much(step) for step in steps):
        found.append(_SLOTS)
    return tuple(found)


_OLD_TRANSACTIONS: Final = Query(
    "SELECT pid, state, xact_start, query FROM pg_stat_activity"
    " WHERE xact_start < now() - interval '1 minute' AND pid <> pg_backend_pid()",
    "no rows",
    "A lock waits for those that use the table, CONCURRENTLY for all that are older.",
)
_PREPARED: Final = Query(
    "SELECT gid, prepared, owner FROM pg_prepared_xacts",
    "no rows",
    "A prepared transaction keeps its locks until it is committed or rolled back.",
)
_INVALID: Final = Query(
    "SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid",
    "no rows",
    "Left over by builds that failed: they cost every write; drop them with DROP INDEX"
    " CONCURRENTLY.",
)
_WRAPAROUND: Final = Query(
    "SELECT oid::regclass, age(relfrozenxid) FROM pg_class WHERE relkind IN ('r', 'm', 't')"
    " AND age(relfrozenxid) > current_setting('autovacuum_freeze_max_age')::int",
    "no rows",
    "An autovacuum against wraparound does not give way: vacuum these first.",
)
_SLOTS: Final = Query(
    "SELECT slot_name, restart_lsn FROM pg_replication_slots WHERE NOT active",
    "no rows",
    "A slot that nobody reads keeps all WAL that the plan writes.",
)


def _retry(steps: Sequence[Step], ctx: Context) -> Iterator[Advice]:
    limited = _ids(step for step in steps if step.lock_timeout)
    if limited:
        text = (
            f"{limited}: a lock that is not had within {LOCK_TIMEOUT} ends the transaction with"
            " SQLSTATE 55P03, and nothing has changed. Run the step again after a pause that"
            f" doubles, {_ATTEMPTS - 1} times."
        )
        yield Advice("retry", text, _LOOP if ctx.runner == "psql" else "")


def _runner(steps: Sequence[Step], ctx: Context) -> Iterator[Advice]:
    if ctx.runner in _ONE_A_FILE and len(steps) > 1:
        yield Advice("runner", f"With {ctx.runner} {_ONE_A_FILE[ctx.runner]}.")
    alone = _ids(step for step in steps if step.transaction == "none")
    if alone and ctx.runner in RUNNERS:
        how = f"outside of a transaction: {RUNNERS[ctx.runner]}"
        yield Advice("runner", f"{alone} {how}. Without limits of time: they wait by design.")


def _pooler(steps: Sequence[Step], ctx: Context) -> Iterator[Advice]:
    if not ctx.pooler:
        return
    alone = _ids(step for step in steps if step.transaction == "none")
    direct = f" {alone}: only with a connection to the server itself." if alone else ""
    yield Advice(
        "pooler",
        "Behind a transaction pooler a setting of the session and an advisory lock, the runner's"
        f" own included, may be another session's: use SET LOCAL in the transaction.{direct}",
    )


def _vacuum(steps: Sequence[Step], ctx: Context) -> Iterator[Advice]:
    found = _ids(step for step in steps if _is_long(step) and _weakly_locked(step))
    if found:
        yield Advice(
            "vacuum",
            f"{found}: no VACUUM or ANALYZE runs on the table meanwhile; an autovacuum gives way,"
            " one against wraparound keeps the step waiting.",
        )


def _standbys(steps: Sequence[Step], ctx: Context) -> Iterator[Advice]:
    found = _ids(step for step in steps if step.effects.standby)
    if found:
        yield Advice(
            "standbys",
            f"{found}: hot standbys replay ACCESS EXCLUSIVE; queries on the table wait there, and"
            " one that has it for longer than `max_standby_streaming_delay` is cancelled. Weaker"
            " locks are not replayed.",
        )


def _logical(steps: Sequence[Step], ctx: Context) -> Iterator[Advice]:
    parts = []
    for order, meaning in MEANINGS.items():
        if found := _ids(step for step in steps if step.logical == order):
            parts.append(f"{found} {order}: {meaning}.")
    if not parts:
        return
    if any(step.effects.rewrites for step in steps):
        parts.append("Rows that a rewrite changes are not decoded: each side computes its own.")
    text = f"Where tables are published: DDL is not replicated. {' '.join(parts)}"
    yield Advice("logical replication", text)


def _is_long(step: Step) -> bool:
    return bool(step.effects.scans or step.effects.waits_for_transactions)


def _weakly_locked(step: Step) -> bool:
    return any(lock.mode == _SHARE_UPDATE for lock in step.effects.locks)


def _writes_much(step: Step) -> bool:
    return bool(step.batched or step.effects.rewrites or step.effects.waits_for_transactions)


def _ids(steps: Iterable[Step]) -> str:
    """`Step 1` or `Steps 1, 3`; empty for none."""
    found = [step.id for step in steps]
    return f"Step{'s' * (len(found) > 1)} {', '.join(found)}" if found else ""
