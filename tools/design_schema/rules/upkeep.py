"""Rules about the state of a running database; they need facts."""

from __future__ import annotations

from collections.abc import Iterator

from ...ddl.model import Schema, Table
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule
from ..context import Context
from ..places import of_database

_VACUUM = "https://www.postgresql.org/docs/current/routine-vacuuming.html"
_STATS = "https://www.postgresql.org/docs/current/monitoring-stats.html"

DEAD = 100_000  # rows; fewer do no harm
DEAD_SHARE = 0.5  # of the living; autovacuum comes at 0.2
OLD = 1_000_000_000  # transactions; at 2,146,483,648 the server refuses writes
SCANNED = 100_000  # rows read by the mean sequential scan
SCANS = 1_000
LONG = 3_600  # seconds
LONG_PREPARED = 600
RETAINED = 10 * 2**30  # bytes


@rule(
    "schema/dead-rows",
    Severity.INFO,
    FindingClass.RISK,
    on="table",
    fix="Look for what holds vacuum back; lower `autovacuum_vacuum_scale_factor` for the table",
    references=[_VACUUM + "#AUTOVACUUM"],
    bad="""
    -- facts: {"tables": {"public.jobs": {"rows": 200000, "dead_rows": 900000}}}
    CREATE TABLE jobs (id bigint PRIMARY KEY);
    """,
    good="""
    -- facts: {"tables": {"public.jobs": {"rows": 200000, "dead_rows": 9000}}}
    CREATE TABLE jobs (id bigint PRIMARY KEY);
    """,
)
def dead_rows(table: Table, ctx: Context) -> Iterator[Hit]:
    """Vacuum does not keep up with a table.

    Dead rows are read by every scan and keep the table and its indexes larger than they need be.
    """
    facts = ctx.facts_of(table)
    dead = (facts.dead_rows or 0) if facts else 0
    if facts and dead >= DEAD and facts.rows is not None and dead >= DEAD_SHARE * facts.rows:
        yield Hit(
            ctx.of_table(table),
            f"{quoted(table.name)} has {dead:,} dead rows beside {facts.rows:,} living ones",
        )


@rule(
    "schema/transaction-numbers-run-out",
    Severity.WARNING,
    FindingClass.RISK,
    on="schema",
    fix="Remove what holds vacuum back, then VACUUM FREEZE the tables",
    references=[_VACUUM + "#VACUUM-FOR-WRAPAROUND"],
    bad="""
    -- facts: {"database": {"xid_age": 1500000000}}
    CREATE TABLE jobs (id bigint PRIMARY KEY);
    """,
    good="""
    -- facts: {"database": {"xid_age": 150000000}}
    CREATE TABLE jobs (id bigint PRIMARY KEY);
    """,
)
def transaction_numbers_run_out(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """Old rows are not frozen in time.

    Transaction numbers have 32 bits. When the oldest is two thousand million behind, PostgreSQL
    refuses all writes until it is frozen.
    """
    tables = [
        (facts.xid_age or 0, table)
        for table in ctx.tables
        if (facts := ctx.facts_of(table)) and (facts.xid_age or 0) >= OLD
    ]
    for age, table in tables:
        yield Hit(ctx.of_table(table), f"{quoted(table.name)} has rows {age:,} transactions behind")
    age = ctx.facts.database.xid_age or 0
    if age >= OLD and not tables:
        yield Hit(of_database(ctx), f"the database has rows {age:,} transactions behind")


@rule(
    "schema/table-read-by-scans",
    Severity.INFO,
    FindingClass.RISK,
    on="table",
    confidence=Confidence.MEDIUM,
    fix="Look which queries read the table, and index what they search by",
    references=[_STATS + "#MONITORING-PG-STAT-ALL-TABLES-VIEW"],
    bad="""
    -- facts: {"tables": {"jobs": {"sequential_scans": 90000, "sequential_rows": 45000000000}}}
    CREATE TABLE jobs (id bigint PRIMARY KEY);
    """,
    good="""
    -- facts: {"tables": {"jobs": {"sequential_scans": 9, "sequential_rows": 4500000}}}
    CREATE TABLE jobs (id bigint PRIMARY KEY);
    """,
)
def table_read_by_scans(table: Table, ctx: Context) -> Iterator[Hit]:
    """A large table is mostly read from end to end.

    Its queries find no index they could use.
    """
    facts = ctx.facts_of(table)
    scans = (facts.sequential_scans or 0) if facts else 0
    if facts is None or scans < SCANS or scans <= (facts.index_scans or 0):
        return
    each = (facts.sequential_rows or 0) / scans
    if each >= SCANNED:
        yield Hit(
            ctx.of_table(table),
            f"{quoted(table.name)} was read from end to end {scans:,} times, by index"
            f" {facts.index_scans or 0:,} times",
            evidence=f"{each:,.0f} rows each time",
        )


@rule(
    "schema/transaction-left-open",
    Severity.WARNING,
    FindingClass.RISK,
    on="schema",
    fix="End it, and set `idle_in_transaction_session_timeout`",
    references=[
        _VACUUM,
        "https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-IDLE-IN-TRANSACTION-SESSION-TIMEOUT",
    ],
    bad="""
    -- facts: {"transactions": [{"seconds": 90000, "state": "idle in transaction"}]}
    CREATE TABLE jobs (id bigint PRIMARY KEY);
    """,
    good="""
    -- facts: {"transactions": [{"seconds": 3, "state": "active"}]}
    CREATE TABLE jobs (id bigint PRIMARY KEY);
    """,
)
def transaction_left_open(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A transaction has been open for hours, or a prepared one was forgotten.

    Vacuum keeps every row that it might still see, in all tables; its locks make each change of the
    schema wait, and all queries behind that.
    """
    for open_ in ctx.facts.transactions:
        if open_.seconds >= LONG and open_.holds_back_vacuum is not False:
            yield Hit(
                of_database(ctx),
                f"a transaction ({open_.state or open_.kind or 'state unknown'}) has been open for"
                f" {open_.seconds / 3600:,.1f} hours",
            )
    for open_ in ctx.facts.prepared_transactions:
        if open_.seconds >= LONG_PREPARED:
            yield Hit(
                of_database(ctx),
                f"a transaction was prepared {open_.seconds / 60:,.0f} minutes ago and never ended",
            )


@rule(
    "schema/replication-slot-retains",
    Severity.WARNING,
    FindingClass.RISK,
    on="schema",
    fix="Start its consumer, or drop the slot; set `max_slot_wal_keep_size`",
    references=[
        "https://www.postgresql.org/docs/current/warm-standby.html#STREAMING-REPLICATION-SLOTS",
        "https://www.postgresql.org/docs/current/view-pg-replication-slots.html",
    ],
    bad="""
    -- facts: {"slots": [{"name": "warehouse", "active": false, "retained_bytes": 90000000000}]}
    CREATE TABLE jobs (id bigint PRIMARY KEY);
    """,
    good="""
    -- facts: {"slots": [{"name": "warehouse", "active": true, "retained_bytes": 9000}]}
    CREATE TABLE jobs (id bigint PRIMARY KEY);
    """,
)
def replication_slot_retains(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A replication slot keeps the log that nobody reads.

    The server removes no log behind it until the disk is full and it stops; a slot may hold back
    vacuum as well.
    """
    for slot in ctx.facts.slots:
        retained = slot.retained_bytes or 0
        if retained >= RETAINED or slot.wal_status in ("unreserved", "lost"):
            state = "" if slot.active is None else " (active)" if slot.active else " (not active)"
            kept = (
                f" retains {retained / 2**30:,.0f} GiB of log"
                if retained >= RETAINED
                else (f" is {slot.wal_status}")
            )
            yield Hit(of_database(ctx), f"the replication slot {quoted(slot.name)}{state}{kept}")
