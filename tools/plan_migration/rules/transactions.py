"""Rules about transactions, locks that are held too long, timeouts and runners."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from postgast import pg_query_pb2 as pg

from ...ddl.postgres.nodes import strings
from ...ddl.postgres.tree import walk
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, Place, rule
from ..model import Lock
from ..operations.upkeep import is_on
from ..script import Run, Seen, ends, opens, settings
from .base import LOCKING, TIMEOUT, hazard, words

_CLIENT = "https://www.postgresql.org/docs/current/runtime-config-client.html"
_BEGIN = "https://www.postgresql.org/docs/current/sql-begin.html"
_MODERATE: Final = frozenset({"AccessShareLock", "RowShareLock", "RowExclusiveLock"})


def is_concurrent(seen: Seen) -> bool:
    """Whether a statement says CONCURRENTLY and must have no transaction around it."""
    node = seen.node
    if seen.kind in ("index_stmt", "drop_stmt"):
        return bool(node.concurrent)
    if seen.kind == "reindex_stmt":
        return any(i.def_elem.defname == "concurrently" and is_on(i.def_elem) for i in node.params)
    if seen.kind == "alter_table_stmt":
        return any(
            getattr(item.alter_table_cmd, "def").partition_cmd.concurrent for item in node.cmds
        )
    return False


_ALONE: Final = {
    "vacuum_stmt": "VACUUM",
    "createdb_stmt": "CREATE DATABASE",
    "dropdb_stmt": "DROP DATABASE",
    "alter_system_stmt": "ALTER SYSTEM",
    "create_table_space_stmt": "CREATE TABLESPACE",
    "drop_table_space_stmt": "DROP TABLESPACE",
}


@rule(
    "migration/concurrently-in-transaction",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="statement",
    fix="Put it into a migration of its own that says it needs no transaction",
    references=[
        "https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY",
    ],
    bad="""
    BEGIN;
    CREATE INDEX CONCURRENTLY orders_region ON orders (region);
    COMMIT;
    """,
    good="CREATE INDEX CONCURRENTLY orders_region ON orders (region);",
)
def concurrently(seen: Seen, run: Run) -> Iterator[Hit]:
    """A statement that cannot run in a transaction stands in one.

    PostgreSQL refuses it. Most runners put each file into a transaction unless the file says
    otherwise: `executeInTransaction=false`, `runInTransaction:false`, `atomic = False`,
    `disable_ddl_transaction!`, `autocommit_block()`.
    """
    if not seen.in_transaction:
        return
    what = "CONCURRENTLY" if is_concurrent(seen) else _ALONE.get(seen.kind, "")
    if seen.kind == "vacuum_stmt" and not seen.node.is_vacuumcmd:
        return
    if what:
        assumed = run.transaction is not None and run.transaction.assumed
        whose = f" ({run.ctx.runner} runs the file in one)" if assumed else ""
        statement = seen.parsed.statement.text.strip()
        yield hazard(seen, f"{what} fails in a transaction{whose}", "COMMIT", statement)


@rule(
    "migration/syntax-error",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="unread",
    fix="Correct it",
    references=["https://www.postgresql.org/docs/current/sql.html"],
    bad="ALTER TABLE orders ADD COLUM region text;",
    good="SELECT 1;",
)
def syntax_error(seen: Seen, run: Run) -> Iterator[Hit]:
    """A statement is none that PostgreSQL 18 can parse.

    It is not judged. With a client that goes on after an error the rest of the script runs
    without it.
    """
    yield hazard(seen, seen.parsed.error)


@rule(
    "migration/effects-unknown",
    Severity.INFO,
    FindingClass.RISK,
    on="statement",
    fix="Try it on a copy of the database, and look at pg_locks",
    references=[LOCKING],
    bad="DO $$ BEGIN EXECUTE 'DROP TABLE ' || 'orders'; END $$;",
    good="SELECT 1;",
    confidence=Confidence.LOW,
)
def effects_unknown(seen: Seen, run: Run) -> Iterator[Hit]:
    """What a statement locks, reads or writes is not known.

    A DO block and a procedure may do anything; some statements are like none that was measured.
    """
    for note in seen.measured.notes:
        if note.startswith("effects unknown"):
            yield hazard(seen, note)


@rule(
    "migration/concurrently-under-flyway",
    Severity.WARNING,
    FindingClass.RISK,
    on="statement",
    fix="Set `flyway.postgresql.transactional.lock=false`",
    references=[
        "https://documentation.red-gate.com/fd/flyway-postgresql-transactional-lock-setting-277579114.html"
    ],
    bad="""
    -- runner: flyway
    -- executeInTransaction=false
    CREATE INDEX CONCURRENTLY orders_region ON orders (region);
    """,
    good="""
    -- runner: alembic
    -- transaction: false
    CREATE INDEX CONCURRENTLY orders_region ON orders (region);
    """,
)
def under_flyway(seen: Seen, run: Run) -> Iterator[Hit]:
    """Flyway's own lock hangs CREATE INDEX CONCURRENTLY.

    Flyway holds its lock in an open transaction, and CONCURRENTLY waits for every transaction that
    is older than itself: they wait for each other for ever.
    """
    if run.ctx.runner == "flyway" and not seen.in_transaction and is_concurrent(seen):
        yield hazard(
            seen,
            "waits for the transaction in which Flyway holds its lock, unless"
            " `flyway.postgresql.transactional.lock` is false",
        )


@rule(
    "migration/session-state-behind-pooler",
    Severity.WARNING,
    FindingClass.RISK,
    on="statement",
    fix="Use SET LOCAL and pg_advisory_xact_lock in a transaction, or connect to the server itself",
    references=["https://www.pgbouncer.org/features.html"],
    bad="""
    -- pooler
    SET lock_timeout = '2s';
    """,
    good="""
    -- pooler
    BEGIN;
    SET LOCAL lock_timeout = '2s';
    COMMIT;
    """,
)
def behind_pooler(seen: Seen, run: Run) -> Iterator[Hit]:
    """State of a session behind a pooler of transactions.

    The next statement may go to another session, which has neither the setting nor the lock, and
    whoever gets this one has both.
    """
    if not run.ctx.pooler:
        return
    for name, _, local in settings(seen):
        if not local:
            yield hazard(
                seen, f"sets {quoted(name)} for the session, which the next statement may not get"
            )
    if seen.kind == "select_stmt":
        for message in walk(seen.node):
            if isinstance(message, pg.FuncCall):
                name = strings(message.funcname)[-1]
                if "advisory_lock" in name:
                    yield hazard(
                        seen, f"{quoted(name)} locks for a session that the script may not keep"
                    )


@rule(
    "migration/statements-after-exclusive-lock",
    Severity.WARNING,
    FindingClass.RISK,
    on="statement",
    fix="End the transaction before the slow statement",
    references=[LOCKING],
    bad="""
    BEGIN;
    SET LOCAL lock_timeout = '2s';
    ALTER TABLE orders ADD COLUMN region text;
    UPDATE orders SET region = 'unknown' WHERE id < 1000000;
    COMMIT;
    """,
    good="""
    BEGIN;
    SET LOCAL lock_timeout = '2s';
    ALTER TABLE orders ADD COLUMN region text;
    COMMIT;
    UPDATE orders SET region = 'unknown' WHERE id BETWEEN 1 AND 1000;
    """,
)
def after_exclusive(seen: Seen, run: Run) -> Iterator[Hit]:
    """A slow statement runs while the transaction holds ACCESS EXCLUSIVE on a table.

    Locks last until the end of the transaction: nobody can read the table until the slow statement
    is done, too.
    """
    if run.transaction is None or not run.transaction.exclusive:
        return
    found = seen.measured.effects
    slow = {*found.rewrites, *found.scans, *seen.measured.builds}
    if seen.kind in ("update_stmt", "delete_stmt", "merge_stmt"):
        slow |= {lock.table for lock in found.locks if lock.mode == "RowExclusiveLock"}
    if run.big(tuple(sorted(slow))):
        held = ", ".join(quoted(table) for table in list(run.transaction.exclusive)[:3])
        yield hazard(seen, f"runs while ACCESS EXCLUSIVE on {held} is held", "COMMIT -- before it")


@rule(
    "migration/lock-without-timeout",
    Severity.WARNING,
    FindingClass.RISK,
    on="statement",
    fix="Set lock_timeout before the first such statement, and try again when it strikes",
    references=[_CLIENT + "#GUC-LOCK-TIMEOUT", LOCKING],
    bad="ALTER TABLE orders ADD COLUMN region text;",
    good="""
    SET lock_timeout = '2s';
    ALTER TABLE orders ADD COLUMN region text;
    """,
)
def without_lock_timeout(seen: Seen, run: Run) -> Iterator[Hit]:
    """A strong lock is waited for without a limit.

    One long query is enough: the statement waits for it, and every later query on the table waits
    for the statement. With a short lock_timeout it gives up, and can try again.
    """
    if "lock" in run.reported or run.has_setting("lock_timeout") or seen.measured.alone:
        return
    strong = [lock for lock in seen.measured.effects.locks if lock.mode not in _MODERATE]
    if is_concurrent(seen) or not strong:
        return
    run.reported.add("lock")
    lock: Lock = max(strong, key=lambda each: each.mode == "AccessExclusiveLock")
    yield hazard(
        seen,
        f"waits for {words(lock.mode)} on {quoted(lock.table)} without a lock_timeout, and others"
        " queue behind it",
        TIMEOUT,
    )


@rule(
    "migration/statement-without-timeout",
    Severity.INFO,
    FindingClass.RISK,
    on="statement",
    fix="Set statement_timeout before the first change",
    references=[_CLIENT + "#GUC-STATEMENT-TIMEOUT"],
    bad="ALTER TABLE orders ADD COLUMN region text;",
    good="""
    SET statement_timeout = '5s';
    ALTER TABLE orders ADD COLUMN region text;
    """,
    opt_in=True,
)
def without_statement_timeout(seen: Seen, run: Run) -> Iterator[Hit]:
    """A change of the schema may take as long as it likes.

    A statement that turns out to be slow holds its locks until somebody ends it.
    """
    if "statement" in run.reported or run.has_setting("statement_timeout"):
        return
    if seen.kind.startswith(_CHANGES):
        run.reported.add("statement")
        yield hazard(seen, "runs without a statement_timeout", "SET statement_timeout = '5s'")


_CHANGES: Final = (
    "create",
    "alter",
    "drop",
    "rename",
    "index",
    "view",
    "define",
    "composite",
    "rule",
    "vacuum",
    "reindex",
    "cluster",
    "refresh",
    "truncate",
)


@rule(
    "migration/enum-value-in-transaction",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="statement",
    fix="Add the value in a migration before the one that uses it",
    references=["https://www.postgresql.org/docs/current/sql-altertype.html"],
    bad="""
    BEGIN;
    ALTER TYPE stage ADD VALUE 'lost';
    UPDATE orders SET stage = 'lost' WHERE id = 1;
    COMMIT;
    """,
    good="""
    ALTER TYPE stage ADD VALUE 'lost';
    UPDATE orders SET stage = 'lost' WHERE id = 1;
    """,
)
def enum_value(seen: Seen, run: Run) -> Iterator[Hit]:
    """A new value of an enumerated type is used in the transaction that adds it.

    PostgreSQL refuses to use it before the transaction ended; up to version 11 it cannot even be
    added in a transaction.
    """
    if run.transaction is None:
        return
    if seen.kind == "alter_enum_stmt" and not seen.node.old_val and run.version < 12:
        yield hazard(seen, "fails in a transaction up to PostgreSQL 11", "COMMIT")
        return
    if run.transaction.enum_values and seen.node is not None:
        used = {m.sval.sval for m in walk(seen.node) if isinstance(m, pg.A_Const)}
        for value in sorted(used & run.transaction.enum_values):
            yield hazard(
                seen,
                f"uses {quoted(value)} in the transaction that added it to its type, which fails",
                "COMMIT",
            )


@rule(
    "migration/transaction-nested",
    Severity.WARNING,
    FindingClass.DEFECT,
    on="statement",
    fix="Leave transactions to the runner, or turn its own off",
    references=[_BEGIN],
    bad="""
    BEGIN;
    BEGIN;
    COMMIT;
    """,
    good="""
    BEGIN;
    COMMIT;
    """,
)
def nested(seen: Seen, run: Run) -> Iterator[Hit]:
    """BEGIN in a transaction, or an end of one that the script did not begin.

    PostgreSQL has no nested transactions: the inner BEGIN is ignored, and the first COMMIT ends
    the whole, so that what follows runs without one.
    """
    current = run.transaction
    if opens(seen) and current is not None:
        whose = f"{run.ctx.runner} opened" if current.assumed else "is open already"
        yield hazard(seen, f"BEGIN does nothing in the transaction that {whose}")
    elif ends(seen) and current is not None and current.assumed:
        yield hazard(seen, f"ends the transaction that {run.ctx.runner} opened")
    elif ends(seen) and current is None:
        yield hazard(seen, "ends a transaction that nothing began")


@rule(
    "migration/transaction-not-ended",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="script",
    fix="End it with COMMIT",
    references=[_BEGIN],
    bad="""
    BEGIN;
    CREATE TABLE users (id bigint);
    """,
    good="""
    BEGIN;
    CREATE TABLE users (id bigint);
    COMMIT;
    """,
)
def not_ended(run: Run, _: Run) -> Iterator[Hit]:
    """A transaction is begun and not ended.

    When the session closes, all that the script did is rolled back; until then its locks are held.
    """
    if run.transaction is not None and run.transaction.begun is not None:
        begun = run.transaction.begun
        if not run.transaction.assumed:
            place = Place(begun.statement.file, (), begun.statement.offset)
            yield Hit(place, "this transaction is never ended", ddl=("COMMIT",))
