"""A user's script: run as its runner would, and turned into a plan that loses nothing of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backend_architect.tools.ddl.diff import changes
from backend_architect.tools.ddl.load import fold, load
from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.plan_migration import Inputs, plan
from backend_architect.tools.plan_migration.context import Context
from backend_architect.tools.plan_migration.model import Lock, Plan
from backend_architect.tools.plan_migration.rehearsal.evidence import ScriptSeen
from backend_architect.tools.plan_migration.rehearsal.script import rehearse_script
from backend_architect.tools.plan_migration.units import Unit, renamed_objects, units
from backend_architect.tools.postgres.cluster import Cluster
from backend_architect.tools.postgres.sandbox import Limits

SHOP = """
    CREATE TABLE buyer (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        email varchar(50),
        name text NOT NULL
    );
    CREATE TABLE sale (
        id serial PRIMARY KEY,
        buyer_id bigint REFERENCES buyer,
        qty int NOT NULL,
        note text
    );
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    with Cluster.start() as started:
        yield started


def context(sql: str, runner: str = "psql") -> tuple[Context, list[Unit]]:
    """The migration that a script makes, and the script as it is committed."""
    now = load({"shop.sql": SHOP}, Dialect.POSTGRES)
    script = load({"V2.sql": sql}, Dialect.POSTGRES)
    target = fold([*now.statements, *script.statements], Dialect.POSTGRES)
    found = tuple(changes(now.schema, target))
    made = Context(now.schema, target, found, 18, runner=runner)
    return made, units(script, made)


def run(server: Cluster, sql: str, runner: str = "psql", old: tuple[str, ...] = ()) -> ScriptSeen:
    made, committed = context(sql, runner)
    return rehearse_script(
        made.current, made.target, (), committed, queries_before=old, cluster=server
    )


def kinds(seen: ScriptSeen) -> list[str]:
    return sorted({witness.kind for witness in seen.witnesses})


# What is committed together

ADD_AND_FILL = "ALTER TABLE sale ADD COLUMN a int;\nUPDATE sale SET a = 1;\n"


@pytest.mark.parametrize(
    ("sql", "runner", "sizes"),
    [
        (ADD_AND_FILL, "psql", [1, 1]),
        (ADD_AND_FILL, "alembic", [2]),
        ("BEGIN;" + ADD_AND_FILL + "COMMIT; DROP TABLE sale;", "psql", [2, 1]),
        ("BEGIN;" + ADD_AND_FILL + "ROLLBACK; DROP TABLE sale;", "psql", [1]),
        ("-- atomic = false\n" + ADD_AND_FILL, "django", [1, 1]),
        ("COMMIT;" + ADD_AND_FILL, "flyway", [1, 1]),
    ],
)
def test_the_runner_decides_what_is_committed_together(
    sql: str, runner: str, sizes: list[int]
) -> None:
    assert [len(unit.statements) for unit in context(sql, runner)[1]] == sizes


def test_units_say_where_they_begin() -> None:
    assert [unit.at for unit in context(ADD_AND_FILL)[1]] == ["V2.sql:1:1", "V2.sql:2:1"]


# What the script does as it is


def test_a_rename_that_breaks_old_instances(server: Cluster) -> None:
    old = ("SELECT name FROM buyer WHERE id = $1", "SELECT email FROM buyer")
    seen = run(server, "ALTER TABLE buyer RENAME COLUMN name TO full_name", old=old)
    assert seen.completed
    assert kinds(seen) == ["old query"]
    broken = {witness.statement for witness in seen.witnesses}
    assert old[0] in broken
    assert old[1] not in broken
    assert {witness.step for witness in seen.witnesses} == {"V2.sql:1:1"}
    (unit,) = seen.units
    assert unit.locks == (Lock("buyer", "AccessExclusiveLock"),)
    assert not unit.lost


def test_locks_of_a_transaction_are_held_to_its_end(server: Cluster) -> None:
    sql = "ALTER TABLE sale ADD COLUMN a int; ALTER TABLE buyer ADD COLUMN b int;"
    (together,) = run(server, sql, "rails").units
    assert together.blocks_writes == ("buyer", "sale")
    first, second = run(server, sql).units
    assert (first.blocks_writes, second.blocks_writes) == (("sale",), ("buyer",))


def test_what_a_runners_transaction_forbids_fails(server: Cluster) -> None:
    sql = "CREATE INDEX CONCURRENTLY sale_qty ON sale (qty);"
    assert run(server, sql).completed
    seen = run(server, sql, "alembic")
    assert not seen.completed
    assert kinds(seen) == ["statement fails"]
    assert seen.units[0].error.startswith("25001")


def test_the_script_stops_where_it_fails(server: Cluster) -> None:
    sql = "ALTER TABLE sale DROP COLUMN nothing; DROP TABLE sale;"
    seen = run(server, sql)
    assert len(seen.units) == 1
    assert not seen.completed
    assert kinds(seen) == ["statement fails"]


def test_rows_that_the_script_refuses_are_shown(server: Cluster) -> None:
    seen = run(server, "ALTER TABLE sale ALTER COLUMN note TYPE varchar(10)")
    (refused,) = [witness for witness in seen.witnesses if witness.kind == "rows refused"]
    assert refused.error.startswith("22001")
    assert refused.rows
    assert not {"sale: note is ''", "sale: note is 'a'"} & set(refused.rows)


def test_rows_that_the_script_loses_are_counted(server: Cluster) -> None:
    seen = run(server, "ALTER TABLE sale DROP COLUMN note; ALTER TABLE sale RENAME TO purchase;")
    dropped, renamed = seen.units
    assert dropped.lost == (
        "lost or changed: 5 values",
        "sale: note in 5 rows, as where (id) = (1)",
    )
    assert not renamed.lost
    assert "rows lost" in kinds(seen)
    meant = run(server, "DELETE FROM sale WHERE qty = 0")
    assert "rows lost" not in kinds(meant)
    assert meant.units[0].lost


def test_a_key_that_a_planted_row_has_by_chance(server: Cluster) -> None:
    seen = run(server, "INSERT INTO sale (id, qty) VALUES (1, 2)")
    assert seen.completed
    assert not seen.witnesses
    assert "planted row" in seen.notes[0]


def test_an_endless_script_is_ended(server: Cluster) -> None:
    made, committed = context("DO $$ BEGIN LOOP END LOOP; END $$; SELECT 1;")
    limits = Limits(statement=0.5, total=9)
    seen = rehearse_script(made.current, made.target, (), committed, limits=limits, cluster=server)
    assert "limit of 0.5 s" in seen.units[0].error
    assert len(seen.units) == 1


# The safe plan in its place


def planned(sql: str, *, current: str | None = SHOP, rehearsal: bool = False) -> Plan:
    inputs = Inputs(
        {"shop.sql": current} if current else None,
        migration={"V2.sql": sql},
    )
    return plan(inputs, Dialect.POSTGRES, (18,), rehearsal=rehearsal)


def test_a_rename_in_the_script_is_a_hint() -> None:
    sql = """
        ALTER TABLE sale RENAME TO purchase;
        ALTER TABLE purchase RENAME COLUMN note TO remark;
        ALTER TABLE buyer RENAME COLUMN email TO mail;
        ALTER TABLE buyer RENAME COLUMN mail TO address;
    """
    made, committed = context(sql)
    assert renamed_objects((r for unit in committed for r in unit.renames), made) == {
        ("table", "public.sale"): ("table", "public.purchase"),
        ("column", "public.sale", "note"): ("column", "public.sale", "remark"),
        ("column", "public.buyer", "email"): ("column", "public.buyer", "address"),
    }
    steps = planned("ALTER TABLE buyer RENAME COLUMN email TO mail").steps
    assert not any(step.loses_data for step in steps)


def test_a_rename_of_what_is_dropped_later_is_none() -> None:
    made, committed = context("ALTER TABLE sale RENAME TO old_sale; DROP TABLE old_sale;")
    assert renamed_objects((r for unit in committed for r in unit.renames), made) == {}


def test_a_backfill_of_the_script_comes_before_what_relies_on_it() -> None:
    sql = """
        ALTER TABLE sale ADD COLUMN region text;
        UPDATE sale SET region = 'eu';
        ALTER TABLE sale ALTER COLUMN region SET NOT NULL;
    """
    made = planned(sql, rehearsal=True)
    add, fill, *harden = made.steps
    assert "ADD COLUMN" in add.sql[0]
    assert fill.sql == ("UPDATE sale SET region = 'eu'",)
    assert fill.phase == "migrate"
    assert "batches" in fill.hazards[0]
    assert fill.undo.verdict == "lossless"
    assert any("NOT NULL" in sql for step in harden for sql in step.sql)
    assert made.rehearsal["target_reached"]
    assert not made.rehearsal["witnesses"]
    assert made.rehearsal["script"]["completed"]


def test_what_the_script_overwrites_or_deletes_is_named() -> None:
    update, delete = planned("UPDATE sale SET qty = 0; DELETE FROM buyer;").steps
    assert update.loses_data == "the values that qty of sale had"
    assert (update.undo.verdict, delete.undo.verdict) == ("no_return", "no_return")
    assert delete.preflight[0].sql == "SELECT count(*) FROM buyer"


def test_what_cannot_be_carried_over_is_said() -> None:
    made = planned("DO $$ BEGIN DELETE FROM sale; END $$;")
    assert not made.steps
    assert "DO block of V2.sql:1:1" in " ".join(made.notes)


def test_a_script_alone_is_run_on_an_empty_database() -> None:
    made = planned("CREATE TABLE t (id int); CREATE INDEX ON t (id);", current=None, rehearsal=True)
    assert not made.steps
    assert made.rehearsal["ran"] is False
    assert made.rehearsal["script"]["completed"]
    lacking = planned("ALTER TABLE t ADD COLUMN a int;", current=None, rehearsal=True)
    assert not lacking.rehearsal["script"]["ran"]
    assert "give `current`" in lacking.rehearsal["script"]["reason"]
