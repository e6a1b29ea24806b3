"""What is said of time, WAL, disk, standbys, subscribers, runners and poolers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from backend_architect.tools.ddl.load import load
from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.engines.facts import Facts, TableFacts
from backend_architect.tools.plan_migration.advice import RUNNERS, advice, preflight
from backend_architect.tools.plan_migration.context import Context
from backend_architect.tools.plan_migration.durations import CATALOG, GIB, assumptions
from backend_architect.tools.plan_migration.model import Phase, Step, Undo
from backend_architect.tools.plan_migration.operations.effects import with_effects
from backend_architect.tools.plan_migration.script import TRANSACTIONAL_RUNNERS

SHOP = load(
    {
        "shop.sql": "CREATE TABLE buyer (id int PRIMARY KEY, name text);"
        "CREATE TABLE sale (id int PRIMARY KEY, buyer_id int REFERENCES buyer, note text);"
    },
    Dialect.POSTGRES,
).schema
SIZES = Facts(
    tables={
        ("public", "buyer"): TableFacts(rows=10**6, bytes=GIB),
        ("public", "sale"): TableFacts(rows=10**7, bytes=10 * GIB, index_bytes=2 * GIB),
    }
)
CONCURRENTLY = "CREATE INDEX CONCURRENTLY sale_note ON sale (note)"
REWRITE = "ALTER TABLE sale ALTER id TYPE bigint"
SCAN = "ALTER TABLE sale ALTER note SET NOT NULL"
QUICK = "ALTER TABLE sale ADD COLUMN extra int"


def context(facts: Facts | None = None, **more: object) -> Context:
    made = Context(SHOP, SHOP, (), 18, facts or Facts())
    return replace(made, **more)  # type: ignore[arg-type]


def steps(ctx: Context, *statements: str, batched: bool = False) -> Sequence[Step]:
    """A step for each statement, with its effects."""
    return with_effects(
        [
            Step(
                Phase.EXPAND,
                "a step",
                (sql,),
                "",
                Undo(),
                id=str(number),
                transaction="none" if "CONCURRENTLY" in sql else "own",
                batched=batched,
            )
            for number, sql in enumerate(statements, 1)
        ],
        ctx,
    )


def topics(ctx: Context, *statements: str) -> dict[str, str]:
    return {each.topic: each.text for each in advice(steps(ctx, *statements), ctx)}


# Time, WAL, disk


def test_without_a_size_it_says_what_a_gigabyte_takes() -> None:
    (found,) = steps(context(), SCAN)
    assert found.duration is found.wal_bytes is found.disk_bytes is None
    assert found.duration_note == (
        "depends on the size, which is not given: 0.62 to 12 s for each GB of sale"
    )


def test_with_a_size_it_is_a_range() -> None:
    scan, rewrite, quick = steps(context(SIZES), SCAN, REWRITE, QUICK)
    assert scan.duration is not None
    assert 5 < scan.duration.low < 10 < scan.duration.high < 200
    assert rewrite.wal_bytes is not None
    assert rewrite.wal_bytes[0] >= 10 * GIB
    assert rewrite.disk_bytes == (12 * GIB, 12 * GIB)  # the table and its indexes once more
    assert quick.duration == CATALOG
    assert quick.disk_bytes == (0, 0)


def test_a_concurrent_build_reads_twice_and_waits() -> None:
    plain, twice = steps(context(SIZES), CONCURRENTLY.replace("CONCURRENTLY ", ""), CONCURRENTLY)
    assert plain.duration is not None
    assert twice.duration is not None
    assert twice.duration.low > plain.duration.low
    assert "transactions that are open" in twice.duration_note
    assert not plain.duration_note


def test_a_backfill_takes_as_long_as_its_rows() -> None:
    sql = "UPDATE sale SET note = '' WHERE id IN (SELECT id FROM sale WHERE note IS NULL LIMIT 9)"
    (known,) = steps(context(SIZES), sql, batched=True)
    assert known.duration is not None
    assert known.duration.low > 100  # ten million rows at 100,000 a second
    (unknown,) = steps(context(), sql, batched=True)
    assert "10 to 100 s for each million rows of sale" in unknown.duration_note


def test_measured_rates_replace_the_supposed_ones() -> None:
    own = context(SIZES, rates={"scan": 10.0 * GIB})
    (found,) = steps(own, SCAN)
    assert found.duration is not None
    assert (found.duration.low, found.duration.high) == (1.0, 2.0)
    assert "as given for scan" in assumptions([found], own)[0]


def test_assumptions_are_shown_where_they_matter() -> None:
    ctx = context()
    assert assumptions(steps(ctx, QUICK), ctx) == ()
    assert "MiB/s" in assumptions(steps(ctx, QUICK, SCAN), ctx)[0]


# Locks and runners


def test_a_strong_lock_has_a_limit_in_its_transaction_and_is_tried_again() -> None:
    (found,) = steps(context(), QUICK)
    assert found.settings == ("SET LOCAL lock_timeout = '2s'",)
    (retry,) = [e for e in advice([found], context()) if e.topic == "retry"]
    assert "55P03" in retry.text
    assert "psql" in retry.code
    (other,) = [e for e in advice([found], context(runner="rails")) if e.topic == "retry"]
    assert other.code == ""


def test_what_is_long_by_design_has_no_limit() -> None:
    (build,) = steps(context(), CONCURRENTLY)
    assert build.settings == ("SET lock_timeout = 0", "SET statement_timeout = 0")
    not_valid = "ALTER TABLE sale ADD CONSTRAINT c CHECK (note <> '') NOT VALID"
    _, validate = steps(context(), not_valid, "ALTER TABLE sale VALIDATE CONSTRAINT c")
    assert "SET LOCAL statement_timeout = 0" in validate.settings


def test_every_runner_is_told_how_to_go_without_a_transaction() -> None:
    assert set(RUNNERS) == TRANSACTIONAL_RUNNERS | {"psql"}
    for runner, how in RUNNERS.items():
        ctx = context(runner=runner)
        quick, build = steps(ctx, QUICK, CONCURRENTLY)
        assert (quick.runner, build.runner) == ("", how)
        said = " ".join(e.text for e in advice([quick, build], ctx) if e.topic == "runner")
        assert f"Step 2 outside of a transaction: {how}." in said


def test_behind_a_pooler_what_needs_a_session_needs_the_server() -> None:
    pooled = context(pooler=True)
    assert (
        "Step 2: only with a connection to the server"
        in topics(pooled, QUICK, CONCURRENTLY)["pooler"]
    )
    assert "pooler" not in topics(context(), QUICK, CONCURRENTLY)


def test_a_plan_without_strong_locks_has_no_ceremony() -> None:
    ctx = context()
    harmless = steps(ctx, "CREATE TABLE other (id int PRIMARY KEY)", "COMMENT ON TABLE sale IS ''")
    assert not preflight(harmless[:1])
    assert {each.topic for each in advice(harmless[:1], ctx)} <= {"logical replication"}


def test_pre_flight_queries_are_asked_once_and_only_where_they_matter() -> None:
    ctx = context()

    def asked(*statements: str) -> str:
        return " ".join(query.sql for query in preflight(steps(ctx, *statements)))

    assert "pg_prepared_xacts" in asked(QUICK)
    assert "indisvalid" not in asked(QUICK)
    assert "indisvalid" in asked(QUICK, CONCURRENTLY)
    assert "relfrozenxid" in asked(CONCURRENTLY)
    assert "pg_replication_slots" in asked(REWRITE)
    assert asked(QUICK, QUICK) == asked(QUICK)


# Standbys and subscribers


def test_only_access_exclusive_is_replayed_on_standbys() -> None:
    quick, build = steps(context(), QUICK, CONCURRENTLY)
    assert quick.effects.standby == ("sale",)
    assert build.effects.standby == ()
    assert topics(context(), QUICK, CONCURRENTLY)["standbys"].startswith("Step 1:")


@pytest.mark.parametrize(
    ("sql", "order"),
    [
        (QUICK, "subscriber first"),
        ("CREATE TABLE other (id int)", ""),  # of the plan's own: neither schema has it
        ("ALTER TABLE sale DROP COLUMN note", "publisher first"),
        ("ALTER TABLE sale ADD CHECK (note <> '') NOT VALID", "publisher first"),
        ("ALTER TABLE sale RENAME COLUMN note TO remark", "both at once"),
        ("ALTER TABLE sale DROP CONSTRAINT sale_pkey", "identity first"),
        ("UPDATE sale SET note = ''", "decoded"),
        (CONCURRENTLY, "either side"),
        ("CREATE VIEW notes AS SELECT note FROM sale", ""),
    ],
)
def test_what_a_subscriber_needs(sql: str, order: str) -> None:
    (found,) = steps(context(), sql)
    assert found.logical == order
    said = topics(context(), sql).get("logical replication", "")
    assert (order in said) if order else not said


def test_a_rewrite_is_not_decoded() -> None:
    assert "not decoded" in topics(context(), REWRITE)["logical replication"]
