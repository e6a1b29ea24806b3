"""Hostile SQL in whatever a plan is made from: it stays inside, is bounded, and fools nobody."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend_architect.tools.ddl.diff import changes
from backend_architect.tools.ddl.load import fold, load
from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.plan_migration import Inputs, plan
from backend_architect.tools.plan_migration.context import Context
from backend_architect.tools.plan_migration.model import Lock
from backend_architect.tools.plan_migration.rehearsal.evidence import ScriptSeen
from backend_architect.tools.plan_migration.rehearsal.script import rehearse_script
from backend_architect.tools.plan_migration.units import units
from backend_architect.tools.postgres.cluster import ADMINISTRATOR, Cluster
from backend_architect.tools.postgres.sandbox import Limits

SHOP = "CREATE TABLE sale (id int PRIMARY KEY, qty int, note text);"
LIMITS = Limits(statement=0.6, total=4)
ADD = "ALTER TABLE sale ADD COLUMN a int;"
ENDLESS = "LANGUAGE plpgsql AS 'BEGIN LOOP END LOOP; END'"


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    with Cluster.start() as started:
        yield started


def run(server: Cluster, script: str, current: str = SHOP, old: tuple[str, ...] = ()) -> ScriptSeen:
    """Run a script within the limits."""
    now = load({"now.sql": current}, Dialect.POSTGRES)
    loaded = load({"V2.sql": script}, Dialect.POSTGRES)
    target = fold([*now.statements, *loaded.statements], Dialect.POSTGRES)
    ctx = Context(now.schema, target, tuple(changes(now.schema, target)), 18)
    begin = time.monotonic()
    seen = rehearse_script(
        now.schema,
        target,
        now.statements,
        units(loaded, ctx),
        queries_before=old,
        limits=LIMITS,
        cluster=server,
    )
    assert time.monotonic() - begin < 30
    assert server.running
    return seen


@pytest.mark.parametrize(
    ("sql", "state"),
    [
        ("COPY (SELECT 1) TO PROGRAM 'touch {canary}'", "42501"),
        ("COPY sale TO '{canary}'", "42501"),
        ("COPY sale FROM '/etc/passwd'", "42501"),
        ("SELECT pg_read_file('/etc/passwd')", "42501"),
        ("SELECT pg_ls_dir('/')", "42501"),
        ("SELECT lo_export(lo_from_bytea(0, 'x'), '{canary}')", "42501"),
        ("DO $$ BEGIN EXECUTE 'COPY sale TO ''{canary}'''; END $$", "42501"),
        ("DO $$ BEGIN EXECUTE 'ALTER SYSTEM SET fsync = off'; END $$", "25001"),
        ("ALTER SYSTEM SET archive_command = 'touch {canary}'", "42501"),
        ("LOAD 'auto_explain'", "42501"),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'libc', 'system'", "42501"),
        ("SELECT set_config('role', '" + ADMINISTRATOR + "', false)", "42501"),
        ("DO $$ BEGIN EXECUTE 'SET ROLE " + ADMINISTRATOR + "'; END $$", "42501"),
        ("DO $$ BEGIN EXECUTE 'SET SESSION AUTHORIZATION " + ADMINISTRATOR + "'; END $$", "42501"),
        ("DO $$ BEGIN EXECUTE 'CREATE ROLE me SUPERUSER'; END $$", "42501"),
        ("SELECT 1; COPY sale TO PROGRAM 'true'", "42501"),
        ("PREPARE TRANSACTION 'x'", "42501"),
    ],
)
def test_what_reaches_outside_is_refused(
    server: Cluster, tmp_path: Path, sql: str, state: str
) -> None:
    canary = tmp_path / "canary"
    seen = run(server, sql.replace("{canary}", str(canary)))
    if "TRANSACTION" not in sql:
        assert seen.units[-1].error.startswith(state)
    assert not canary.exists()


def test_nobody_becomes_somebody_else(server: Cluster) -> None:
    script = f"""
        SET ROLE {ADMINISTRATOR};
        SET SESSION AUTHORIZATION {ADMINISTRATOR};
        RESET ROLE;
        RESET SESSION AUTHORIZATION;
        CREATE TABLE who AS SELECT current_setting('is_superuser') AS super;
        DO $$ BEGIN IF (SELECT super FROM who) <> 'off' THEN RAISE 'escaped'; END IF; END $$;
    """
    assert run(server, script).completed


@pytest.mark.parametrize(
    "sql",
    [
        "DO $$ BEGIN LOOP END LOOP; END $$",
        "SET statement_timeout = 0; SELECT pg_sleep(1000)",
        "WITH RECURSIVE r AS (SELECT 1 UNION ALL SELECT 1 FROM r) SELECT count(*) FROM r",
        "INSERT INTO sale SELECT n FROM generate_series(1000, 100000000) n",
    ],
)
def test_what_never_ends_is_ended(server: Cluster, sql: str) -> None:
    seen = run(server, sql)
    assert not seen.completed
    assert "limit" in seen.units[-1].error


def test_a_huge_answer_is_dropped_as_it_comes(server: Cluster) -> None:
    seen = run(server, "SELECT repeat('x', 10000000) FROM generate_series(1, 20)")
    assert len(str(seen.to_data())) < 10_000


@pytest.mark.parametrize(
    "script",
    [
        # names of the catalog, taken by objects of the user's
        """
        CREATE TABLE public.pg_class (oid oid);
        CREATE TABLE public.pg_locks (pid int);
        CREATE FUNCTION public.pg_stat_get_xact_tuples_returned(oid) RETURNS bigint
            LANGUAGE sql AS 'SELECT 0';
        CREATE FUNCTION public.oideq(oid, oid) RETURNS boolean LANGUAGE sql AS 'SELECT false';
        CREATE OPERATOR public.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = public.oideq);
        SET search_path = public, pg_catalog;
        """,
        # an ear on everything, a session without limits
        "LISTEN x; NOTIFY x; SELECT pg_advisory_lock(1); SET lock_timeout = 0;",
        "CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION nobody();",
        "CREATE EXTENSION dblink; CREATE EXTENSION file_fdw;",
        "SET search_path = nowhere; SET search_path = public;",
    ],
)
def test_the_observer_is_not_fooled(server: Cluster, script: str) -> None:
    seen = run(server, script + ADD)
    assert seen.completed, seen
    assert Lock("sale", "AccessExclusiveLock") in seen.units[-1].locks
    assert seen.units[-1].blocks_writes == ("sale",)


def test_a_temporary_table_of_the_same_name_is_not_the_table(server: Cluster) -> None:
    seen = run(server, "CREATE TEMP TABLE sale (id int); " + ADD)
    assert not any(lock.table == "sale" for unit in seen.units for lock in unit.locks)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT pg_sleep(1000)",
        "SELECT pg_advisory_lock(1)",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity",
        "COPY sale TO PROGRAM 'true'",
        "COMMIT; DROP TABLE sale",
        "ROLLBACK",
        "SET ROLE " + ADMINISTRATOR,
        "LOCK TABLE sale",
        "DELETE FROM sale RETURNING pg_sleep(0.1)",
        "SELECT set_config('search_path', 'nowhere', false)",
    ],
)
def test_hostile_queries_change_nothing_for_others(server: Cluster, query: str) -> None:
    seen = run(server, ADD, old=(query, "SELECT count(*) FROM sale"))
    assert not seen.units[0].error
    assert not seen.units[0].lost
    plain = next(q for q in seen.queries if q.sql == "SELECT count(*) FROM sale")
    assert all(each.fresh.ok for each in plain.runs)


@pytest.mark.parametrize(
    "current",
    [
        f"CREATE FUNCTION f() RETURNS int {ENDLESS}; CREATE TABLE sale (id int DEFAULT f());",
        f"CREATE FUNCTION f(int) RETURNS boolean {ENDLESS};"
        " CREATE TABLE sale (id int PRIMARY KEY CHECK (f(id)));",
        "CREATE TABLE sale (id int PRIMARY KEY, b text DEFAULT pg_read_file('/etc/passwd'));",
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN EXECUTE"
        " ''COPY sale TO PROGRAM ''''true''''''; RETURN NEW; END'; " + SHOP + "CREATE TRIGGER t"
        " BEFORE INSERT ON sale FOR EACH ROW EXECUTE FUNCTION f();",
    ],
)
def test_what_a_schema_runs_when_rows_are_planted(server: Cluster, current: str) -> None:
    seen = run(server, ADD, current)
    assert seen.ran or seen.reason
    assert "root:" not in str(seen.to_data())


def test_names_that_are_sql(server: Cluster) -> None:
    evil = 'x"; DROP TABLE sale; --'
    quoted = '"' + evil.replace('"', '""') + '"'
    seen = run(server, f"ALTER TABLE sale ADD COLUMN {quoted} int; CREATE TABLE {quoted} (a int);")
    assert seen.completed
    assert not seen.witnesses


def test_hostile_inputs_of_the_whole() -> None:
    made = plan(
        Inputs(
            {"a.sql": SHOP},
            migration={"b.sql": ADD + "SELECT pg_read_file('/etc/passwd');"},
            queries_before={"q.sql": "COPY sale TO PROGRAM 'true'; SELECT 1"},
        ),
        Dialect.POSTGRES,
        (18,),
    )
    assert made.rehearsal["script"]["steps"][-1]["error"].startswith("42501")
    assert "root:" not in str(made.rehearsal)
