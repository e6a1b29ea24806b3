"""Rules about what becomes of tables as they grow; they need facts."""

from __future__ import annotations

from collections.abc import Iterator

from ...ddl.model import Name, Schema, Table
from ...ddl.types import Family
from ...engines.facts import TableFacts
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule
from ..context import Context

_PARTITIONS = "https://www.postgresql.org/docs/current/ddl-partitioning.html"
_SEQUENCES = "https://www.postgresql.org/docs/current/sql-createsequence.html"

LARGE = 1_000_000  # rows; smaller tables may grow as they like
DOUBLES = 90  # days in which a table doubles
HUGE = 500_000_000  # rows within a year
HUGE_BYTES = 500 * 2**30
PURGED = 500_000  # rows deleted a day
USED_UP = 0.75  # of a sequence's numbers


@rule(
    "schema/table-grows-fast",
    Severity.INFO,
    FindingClass.RISK,
    on="table",
    fix="Plan what is kept and for how long, and check queries at the size of next year",
    references=[_PARTITIONS],
    bad="""
    -- facts: {"tables": {"public.events": {"rows": 2000000, "rows_per_day": 50000}}}
    CREATE TABLE events (id bigint PRIMARY KEY, kind text NOT NULL);
    """,
    good="""
    -- facts: {"tables": {"public.events": {"rows": 2000000, "rows_per_day": 500}}}
    CREATE TABLE events (id bigint PRIMARY KEY, kind text NOT NULL);
    """,
)
def table_grows_fast(table: Table, ctx: Context) -> Iterator[Hit]:
    """A large table doubles within three months.

    Plans that were good change as it grows, and so does the time of every maintenance.
    """
    facts = ctx.facts_of(table)
    if facts is None or not facts.rows or not facts.rows_per_day or facts.rows < LARGE:
        return
    days = facts.rows / facts.rows_per_day
    if 0 < days < DOUBLES:
        yield Hit(
            ctx.of_table(table),
            f"{quoted(table.name)} has {facts.rows:,} rows and doubles in {days:,.0f} days",
            evidence=f"{facts.rows_per_day:,.0f} rows a day",
        )


@rule(
    "schema/large-table-not-partitioned",
    Severity.INFO,
    FindingClass.RISK,
    on="table",
    confidence=Confidence.MEDIUM,
    fix="Partition the table by range of that column, before it is too large to be moved",
    references=[_PARTITIONS],
    bad="""
    -- facts: {"tables": {"public.events": {"rows": 600000000, "rows_per_day": 900000}}}
    CREATE TABLE events (id bigint PRIMARY KEY, created_at timestamptz NOT NULL);
    """,
    good="""
    -- facts: {"tables": {"public.events": {"rows": 600000000, "rows_per_day": 900000}}}
    CREATE TABLE events (
        id bigint, created_at timestamptz, PRIMARY KEY (id, created_at)
    ) PARTITION BY RANGE (created_at);
    CREATE TABLE events_default PARTITION OF events DEFAULT;
    """,
)
def large_table_not_partitioned(table: Table, ctx: Context) -> Iterator[Hit]:
    """A table that grows by time is very large and not partitioned.

    Old rows can be removed by a DELETE alone, which leaves as much work to vacuum; every index is
    one tree over all times. Dropping a partition takes no time.
    """
    facts, moment = ctx.facts_of(table), _moment(table, ctx)
    if facts is None or moment is None or table.partition_by or not _grows(facts):
        return
    soon = (facts.rows or 0) + 365 * max(facts.rows_per_day or 0, 0)
    if soon >= HUGE or (facts.total_bytes or 0) >= HUGE_BYTES:
        size = f"{facts.rows or 0:,} rows now, {soon:,.0f} in a year"
        yield Hit(
            ctx.of_table(table),
            f"{quoted(table.name)} grows by {quoted(moment)} and is not partitioned: {size}",
        )


def _grows(facts: TableFacts) -> bool:
    return (facts.inserts_per_day or facts.rows_per_day or 0) > 0


def _moment(table: Table, ctx: Context) -> str | None:
    """A column that every row has and that tells when it was made."""
    for column in table.columns.values():
        is_time = ctx.family(column) in (Family.TIMESTAMP, Family.TIMESTAMPTZ, Family.DATE)
        if is_time and column.not_null:
            return column.name
    return None


@rule(
    "schema/purged-row-by-row",
    Severity.INFO,
    FindingClass.RISK,
    on="table",
    confidence=Confidence.MEDIUM,
    fix="Partition the table by range of time, and drop what is old",
    references=[_PARTITIONS, "https://www.postgresql.org/docs/current/routine-vacuuming.html"],
    bad="""
    -- facts: {"tables": {"events": {"inserts_per_day": 800000, "deletes_per_day": 800000}}}
    CREATE TABLE events (id bigint PRIMARY KEY, created_at timestamptz NOT NULL);
    """,
    good="""
    -- facts: {"tables": {"events": {"inserts_per_day": 80, "deletes_per_day": 80}}}
    CREATE TABLE events (id bigint PRIMARY KEY, created_at timestamptz NOT NULL);
    """,
)
def purged_row_by_row(table: Table, ctx: Context) -> Iterator[Hit]:
    """Rows are deleted about as fast as they come.

    Every deleted row is written to the log, left in the table and in each index, and cleaned up by
    vacuum. Rows that leave by age can leave a partition at a time.
    """
    facts, moment = ctx.facts_of(table), _moment(table, ctx)
    if facts is None or moment is None or table.partition_by:
        return
    deleted, inserted = facts.deletes_per_day or 0, facts.inserts_per_day or 0
    if deleted >= PURGED and inserted and deleted >= 0.5 * inserted:
        kept = f", which keeps about {facts.rows / inserted:,.0f} days" if facts.rows else ""
        yield Hit(
            ctx.of_table(table),
            f"{deleted:,.0f} rows a day are deleted from {quoted(table.name)},"
            f" {inserted:,.0f} inserted{kept}",
        )


@rule(
    "schema/sequence-runs-out",
    Severity.WARNING,
    FindingClass.RISK,
    on="schema",
    fix="ALTER SEQUENCE … AS bigint, and widen the columns that take its values",
    references=[_SEQUENCES],
    bad="""
    -- facts: {"sequences": {"public.ticket_numbers": {"last": 2000000000}}}
    CREATE SEQUENCE ticket_numbers AS integer;
    """,
    good="""
    -- facts: {"sequences": {"public.ticket_numbers": {"last": 2000000000}}}
    CREATE SEQUENCE ticket_numbers AS bigint;
    """,
)
def sequence_runs_out(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A sequence has used most of its numbers.

    At the end `nextval` fails, and with it every INSERT that needs a number. Sequences of primary
    keys are judged with their keys.
    """
    keys = {
        (t.name, c) for t in ctx.tables for c in (t.primary_key.columns if t.primary_key else ())
    }
    for name, found in schema.sequences.items():
        facts, options = ctx.facts.sequences.get((name.schema, name.name)), found.options
        if facts is None or facts.last is None or options.cycle or facts.cycle:
            continue
        if found.owned_by and (Name(*found.owned_by[0]), found.owned_by[1]) in keys:
            continue
        down = options.increment < 0
        end = options.minimum if down else min(options.maximum, facts.max or options.maximum)
        used = (facts.last - options.start) / ((end - options.start) or 1)
        if used >= USED_UP:
            yield Hit(
                ctx.place(found, "sequences", str(name)),
                f"the sequence {quoted(name)} has used {used:.0%} of its numbers",
                evidence=f"{facts.last:,} of {end:,}",
            )
