"""Plans for views, routines, triggers, policies, types and the like, run on a private server."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pytest

from backend_architect.tools.ddl.diff import Change, changes
from backend_architect.tools.ddl.load import load
from backend_architect.tools.ddl.model import Dialect, Schema
from backend_architect.tools.ddl.script import split
from backend_architect.tools.plan_migration.context import Context
from backend_architect.tools.plan_migration.dependents import with_dependents
from backend_architect.tools.plan_migration.model import Phase, Step, Undo
from backend_architect.tools.plan_migration.order import ordered
from backend_architect.tools.plan_migration.recipes import questions_for, steps_for
from backend_architect.tools.plan_migration.renames import BadRename, read_renames
from backend_architect.tools.postgres.allow import Status
from backend_architect.tools.postgres.cluster import Cluster, Database
from backend_architect.tools.postgres.introspect import introspect
from backend_architect.tools.postgres.sandbox import apply


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster.start() as running:
        yield running


def context(old: str, new: str, version: int = 18, **more: object) -> Context:
    before, after = (
        load({"schema.sql": sql}, Dialect.POSTGRES).schema if sql else Schema(Dialect.POSTGRES)
        for sql in (old, new)
    )
    return Context(before, after, tuple(changes(before, after)), version, **more)  # type: ignore[arg-type]


def planned(old: str, new: str, version: int = 18) -> tuple[Step, ...]:
    ctx = context(old, new, version)
    return with_dependents(ordered(steps_for(ctx), ctx), ctx)


def run(database: Database, statements: Sequence[str]) -> None:
    applied = apply(database, [(sql, number) for number, sql in enumerate(statements)])
    failed = [o for o in applied.outcomes if o.status in (Status.ERROR, Status.DENIED)]
    assert failed == []


def run_script(database: Database, script: str) -> None:
    run(database, [s.text for s in split(script, "schema.sql", Dialect.POSTGRES)[0]])


def run_step(database: Database, statements: Sequence[str], transaction: str) -> None:
    block = transaction != "none"
    run(database, ["BEGIN", *statements, "COMMIT"] if block else statements)


def seen(database: Database) -> Schema:
    with database.connect(superuser=True) as connection:
        return introspect(connection)


def differing(before: Schema, after: Schema) -> list[Change]:
    """Where a table's columns stand cannot be changed, and is not compared."""
    return [c for c in changes(before, after) if c.fields != ("columns",)]


BASE = "CREATE TABLE t (id integer PRIMARY KEY, a integer, b text);\n"
F = "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';\n"
ROLES = "CREATE ROLE reader; CREATE ROLE writer;\n"

# What is the same before and after, before, after, what the statements say, in this order.
CASES: dict[str, tuple[str, str, str, list[str]]] = {
    "view added": (BASE, "", "CREATE VIEW v AS SELECT id FROM t", ["^CREATE VIEW v"]),
    "view dropped": (BASE, "CREATE VIEW v AS SELECT id FROM t", "", ["^DROP VIEW v"]),
    "view with one more column": (
        BASE,
        "CREATE VIEW v AS SELECT id FROM t",
        "CREATE VIEW v AS SELECT id, a FROM t",
        ["^CREATE OR REPLACE VIEW v"],
    ),
    "view with one column less": (
        BASE + ROLES,
        "CREATE VIEW v AS SELECT id, a FROM t; GRANT SELECT ON v TO reader;"
        " COMMENT ON VIEW v IS 'x'; CREATE VIEW w AS SELECT id FROM v",
        "CREATE VIEW v AS SELECT id FROM t; GRANT SELECT ON v TO reader;"
        " COMMENT ON VIEW v IS 'x'; CREATE VIEW w AS SELECT id FROM v",
        ["^DROP VIEW w", "^DROP VIEW v", "^CREATE VIEW v", "COMMENT", "GRANT", "^CREATE VIEW w"],
    ),
    "view whose column has another type": (
        BASE,
        "CREATE VIEW v AS SELECT id, a FROM t",
        "CREATE VIEW v AS SELECT id, a::text AS a FROM t",
        ["^DROP VIEW v", "^CREATE VIEW v"],
    ),
    "two views that change together": (
        BASE,
        "CREATE VIEW v AS SELECT id, a FROM t; CREATE VIEW w AS SELECT id, a FROM v",
        "CREATE VIEW v AS SELECT id FROM t; CREATE VIEW w AS SELECT id FROM v",
        ["^DROP VIEW w", "^DROP VIEW v", "^CREATE VIEW v", "^CREATE VIEW w"],
    ),
    "options of a view": (
        BASE,
        "CREATE VIEW v AS SELECT id FROM t",
        "CREATE VIEW v WITH (security_barrier = true) AS SELECT id FROM t WITH LOCAL CHECK OPTION",
        ["^ALTER VIEW v SET"],
    ),
    "view on a column that gets another type": (
        "CREATE TABLE t (id integer PRIMARY KEY, a {}, b text);"
        "CREATE VIEW v AS SELECT a FROM t; CREATE VIEW w AS SELECT a FROM v;"
        "CREATE VIEW other AS SELECT id FROM t;",
        "varchar(10)",
        "text",
        ["^DROP VIEW w", "^DROP VIEW v", "TYPE text", "^CREATE VIEW v", "^CREATE VIEW w"],
    ),
    "view on a column that goes": (
        "",
        BASE + "CREATE VIEW v AS SELECT id, b FROM t",
        "CREATE TABLE t (id integer PRIMARY KEY, a integer); CREATE VIEW v AS SELECT id FROM t",
        ["^DROP VIEW v", "^CREATE VIEW v", "DROP COLUMN b"],
    ),
    "view and its table dropped": (
        "",
        BASE + "CREATE VIEW v AS SELECT id FROM t",
        "",
        ["^DROP VIEW v", "^DROP TABLE t"],
    ),
    "materialized view with another query": (
        BASE,
        "CREATE MATERIALIZED VIEW m AS SELECT id FROM t; CREATE UNIQUE INDEX m_id ON m (id);"
        " CREATE VIEW w AS SELECT id FROM m",
        "CREATE MATERIALIZED VIEW m AS SELECT id, a FROM t; CREATE UNIQUE INDEX m_id ON m (id);"
        " CREATE VIEW w AS SELECT id FROM m",
        [
            "^CREATE MATERIALIZED VIEW m_new",
            "m_id_new",
            "^DROP VIEW w",
            "^DROP MAT",
            "RENAME TO m",
            "^CREATE VIEW w",
        ],
    ),
    "materialized view with data": (
        BASE,
        "CREATE MATERIALIZED VIEW m AS SELECT id FROM t WITH NO DATA",
        "CREATE MATERIALIZED VIEW m AS SELECT id FROM t",
        ["^REFRESH MATERIALIZED VIEW m$"],
    ),
    "function with another body": (
        "CREATE FUNCTION g(x integer) RETURNS integer LANGUAGE sql AS 'SELECT {}';",
        "1",
        "2",
        ["^CREATE OR REPLACE FUNCTION g"],
    ),
    "function with another result, and what uses it": (
        "CREATE FUNCTION g(x integer) RETURNS {} IMMUTABLE LANGUAGE sql AS 'SELECT x';"
        "CREATE TABLE t (id integer DEFAULT g(1), CHECK (g(id) > 0));"
        "CREATE VIEW v AS SELECT id FROM t WHERE g(id) > 1;"
        "CREATE POLICY p ON t USING (g(id) > 2); CREATE INDEX t_g ON t ((g(id) > 1));",
        "integer",
        "bigint",
        ["^DROP FUNCTION g", "^CREATE FUNCTION g", "CREATE"],
    ),
    "function with another name of an argument": (
        "CREATE FUNCTION g({} integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';",
        "x",
        "y",
        ["^DROP FUNCTION g", "^CREATE FUNCTION g"],
    ),
    "trigger function made again": (
        BASE,
        F + "CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
        F.replace("f()", "f2()")
        + "CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f2()",
        ["^CREATE FUNCTION f2", "^CREATE OR REPLACE TRIGGER r", "^DROP FUNCTION f"],
    ),
    "trigger on other events": (
        BASE + F,
        "CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
        "CREATE TRIGGER r BEFORE INSERT OR UPDATE OF a ON t FOR EACH ROW EXECUTE FUNCTION f();"
        " COMMENT ON TRIGGER r ON t IS 'x'; ALTER TABLE t DISABLE TRIGGER r",
        ["^CREATE OR REPLACE TRIGGER r", "DISABLE TRIGGER r", "^COMMENT ON TRIGGER"],
    ),
    "trigger disabled": (
        BASE + F + "CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();",
        "",
        "ALTER TABLE t DISABLE TRIGGER r",
        ["^ALTER TABLE t DISABLE TRIGGER r"],
    ),
    "constraint trigger": (
        BASE + F,
        "CREATE TRIGGER r AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
        "CREATE CONSTRAINT TRIGGER r AFTER INSERT ON t DEFERRABLE FOR EACH ROW"
        " EXECUTE FUNCTION f()",
        ["^DROP TRIGGER r", "^CREATE CONSTRAINT TRIGGER r"],
    ),
    "trigger and policy on a column that gets another type": (
        "CREATE TABLE t (id integer, a {});"
        + F
        + "CREATE TRIGGER r BEFORE UPDATE OF a ON t FOR EACH ROW EXECUTE FUNCTION f();"
        "CREATE POLICY p ON t USING (a IS NOT NULL);",
        "varchar(10)",
        "text",
        ["TYPE text", "CREATE"],
    ),
    "rule": (
        BASE,
        "",
        "CREATE RULE r AS ON DELETE TO t DO INSTEAD NOTHING",
        ["^CREATE RULE r"],
    ),
    "row-level security turned on": (
        BASE,
        "",
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY;"
        " CREATE POLICY p ON t FOR SELECT USING (a > 0)",
        ["^CREATE POLICY p", "ENABLE ROW", "FORCE ROW"],
    ),
    "row-level security turned off": (
        BASE,
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (a > 0)",
        "",
        ["DISABLE ROW", "^DROP POLICY p"],
    ),
    "policy with another expression": (
        BASE,
        "CREATE POLICY p ON t USING (a > 0)",
        "CREATE POLICY p ON t TO CURRENT_USER USING (a > 1)",
        ["^ALTER POLICY p ON t TO CURRENT_USER USING"],
    ),
    "policy for another command": (
        BASE,
        "CREATE POLICY p ON t USING (a > 0)",
        "CREATE POLICY p ON t FOR SELECT USING (a > 0)",
        ["^DROP POLICY p", "^CREATE POLICY p"],
    ),
    "grants": (
        BASE + ROLES,
        "GRANT SELECT, INSERT ON t TO writer; GRANT SELECT ON t TO reader",
        "GRANT SELECT, UPDATE (a) ON t TO writer; GRANT SELECT ON t TO reader WITH GRANT OPTION",
        ["^GRANT", "^GRANT", "^REVOKE INSERT ON TABLE t FROM writer"],
    ),
    "grant option": (
        BASE + ROLES,
        "GRANT SELECT ON t TO reader WITH GRANT OPTION",
        "GRANT SELECT ON t TO reader",
        ["^REVOKE GRANT OPTION FOR SELECT"],
    ),
    "function taken from everybody": (
        "CREATE FUNCTION g() RETURNS integer LANGUAGE sql AS 'SELECT 1';",
        "",
        "REVOKE EXECUTE ON FUNCTION g() FROM PUBLIC",
        ["^REVOKE EXECUTE ON ROUTINE g"],
    ),
    "comments": (
        BASE,
        "COMMENT ON TABLE t IS 'old'; COMMENT ON COLUMN t.a IS 'gone'",
        "COMMENT ON TABLE t IS 'new'; COMMENT ON COLUMN t.b IS 'it''s'",
        ["IS 'new'", "IS NULL", "IS 'it''s'"],
    ),
    "values of an enum": (
        "CREATE TYPE mood AS ENUM ({}); CREATE TABLE t (m mood DEFAULT 'ok');",
        "'sad', 'ok'",
        "'bad', 'sad', 'so-so', 'ok', 'good'",
        ["BEFORE 'sad'", "'so-so' BEFORE 'ok'", "ADD VALUE 'good'$"],
    ),
    "value of an enum removed": (
        "CREATE TYPE mood AS ENUM ({});"
        "CREATE TABLE t (m mood DEFAULT 'ok' CHECK (m <> 'sad'), n mood[]);"
        "CREATE INDEX t_m ON t (m) WHERE m = 'ok'; CREATE VIEW v AS SELECT m FROM t;"
        "CREATE FUNCTION g(mood) RETURNS mood LANGUAGE sql AS 'SELECT $1';",
        "'sad', 'ok', 'good'",
        "'sad', 'ok'",
        [
            "^DROP VIEW v",
            "RENAME TO mood_old",
            "^CREATE TYPE mood",
            "USING",
            "^DROP TYPE mood_old",
            "^CREATE VIEW v",
        ],
    ),
    "domain": (
        "CREATE DOMAIN d AS integer {}; CREATE TABLE t (x d);",
        "DEFAULT 1 CONSTRAINT low CHECK (value > 0) CONSTRAINT gone CHECK (value < 9)",
        "DEFAULT 2 NOT NULL CONSTRAINT low CHECK (value > 1) CONSTRAINT new CHECK (value < 10)",
        ["SET DEFAULT 2", "NOT VALID", "VALIDATE CONSTRAINT"],
    ),
    "domain over another type": (
        "CREATE DOMAIN d AS {}; CREATE TABLE t (x d);",
        "integer",
        "bigint",
        ["RENAME TO d_old", "^CREATE DOMAIN d", "^DROP DOMAIN d_old"],
    ),
    "domain whose check calls a function": (
        "",
        "",
        "CREATE FUNCTION g(x text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql"
        " AS 'BEGIN RETURN true; END'; CREATE DOMAIN d AS text CHECK (g(value))",
        ["^CREATE FUNCTION g", "^CREATE DOMAIN d"],
    ),
    "composite type": (
        "CREATE TYPE c AS ({});",
        "x integer, y text",
        "x bigint, z date",
        ["ADD ATTRIBUTE z", "DROP ATTRIBUTE y", "ALTER ATTRIBUTE x TYPE bigint"],
    ),
    "range type": (
        "CREATE TYPE r AS RANGE (SUBTYPE = {}); CREATE TABLE t (x r);",
        "integer",
        "bigint",
        ["TYPE text", "^DROP TYPE r$", "^CREATE TYPE r AS RANGE", "TYPE r USING"],
    ),
    "sequence": (
        BASE,
        "CREATE SEQUENCE s; CREATE SEQUENCE gone",
        "CREATE SEQUENCE s AS integer INCREMENT 2 CACHE 5 CYCLE OWNED BY t.id; CREATE SEQUENCE new",
        ["^CREATE SEQUENCE new", "^ALTER SEQUENCE s AS integer", "OWNED BY t.id", "^DROP SEQUENCE"],
    ),
    "schemas and what is in them": (
        "",
        "CREATE SCHEMA old; CREATE TABLE old.t (id integer)",
        "CREATE SCHEMA new; CREATE TABLE new.t (id integer); COMMENT ON SCHEMA new IS 'x'",
        ["^CREATE SCHEMA new", "^CREATE TABLE new.t", "^DROP TABLE old.t", "^DROP SCHEMA old"],
    ),
    "extension": (
        "",
        "CREATE EXTENSION hstore",
        "CREATE EXTENSION citext",
        ["^CREATE EXTENSION IF NOT EXISTS citext", "^DROP EXTENSION hstore"],
    ),
    "aggregate and statistics": (
        BASE,
        "CREATE STATISTICS st ON a, b FROM t",
        "CREATE AGGREGATE total (integer) (SFUNC = int4pl, STYPE = integer)",
        ["^CREATE AGGREGATE", "^DROP STATISTICS st"],
    ),
    "default privileges": (
        ROLES,
        "",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reader",
        ["^ALTER DEFAULT PRIVILEGES"],
    ),
    "default privileges taken back": (
        ROLES,
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reader",
        "",
        ["^ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM reader"],
    ),
}


def sides(case: str) -> tuple[str, str, list[str]]:
    same, old, new, said = CASES[case]
    if "{}" in same:
        return same.format(old), same.format(new), said
    return same + old, same + new, said


@pytest.mark.parametrize("case", CASES)
def test_the_steps_reach_the_target_and_each_undo_leads_back(case: str, cluster: Cluster) -> None:
    old, new, said = sides(case)
    steps = planned(old, new)
    statements = [sql for step in steps for sql in step.sql]
    rest = iter(statements)
    for pattern in said:
        assert any(re.search(pattern, sql) for sql in rest), (pattern, statements)
    assert all(step.sql and step.title and step.why for step in steps)
    with cluster.database() as database, cluster.database() as wanted:
        run_script(database, old)
        run_script(wanted, new)
        for step in steps:
            before = seen(database)
            run_step(database, step.sql, step.transaction)
            if step.undo.sql and step.undo.verdict != "no_return":
                run_step(database, step.undo.sql, "own")
                assert differing(seen(database), before) == [], step.title
                run_step(database, step.sql, step.transaction)
        assert differing(seen(database), seen(wanted)) == []


def test_nothing_to_do_is_no_plan() -> None:
    for case in CASES:
        old, new, _ = sides(case)
        assert planned(old, old) == ()
        assert planned(new, new) == ()


def test_policies_come_before_row_security_and_say_so() -> None:
    old, new, _ = sides("row-level security turned on")
    policy, switch, force = planned(old, new)
    assert (policy.phase, switch.phase) == (Phase.EXPAND, Phase.MIGRATE)
    assert {"authz"} == {*policy.hazards, *switch.hazards, *force.hazards}
    assert "AUTHZ" in switch.why
    assert switch.verify[0].expected == "t"


def test_before_14_a_trigger_is_dropped_and_created_in_one_transaction() -> None:
    old, new, _ = sides("trigger on other events")
    step = planned(old, new, version=13)[0]
    assert step.transaction == "own"
    assert [sql.split()[0] for sql in step.sql[:2]] == ["DROP", "CREATE"]
    assert "OR REPLACE" not in "".join(step.sql)


def test_before_12_an_enum_value_is_added_outside_a_transaction() -> None:
    old, new, _ = sides("values of an enum")
    assert planned(old, new, version=11)[0].transaction == "none"
    assert planned(old, new, version=12)[0].transaction == "own"


def test_rows_with_a_removed_value_are_counted_first() -> None:
    old, new, _ = sides("value of an enum removed")
    (step,) = planned(old, new)
    assert step.phase is Phase.CONTRACT
    assert step.preflight[0].sql == "SELECT count(*) FROM t WHERE m::text IN ('good')"
    assert "&& ARRAY['good']" in step.preflight[1].sql


def test_a_value_that_may_have_been_renamed_is_a_question() -> None:
    old, new = (f"CREATE TYPE mood AS ENUM ('sad', '{value}')" for value in ("ok", "fine"))
    (question,) = questions_for(context(old, new))
    assert "'ok'" in question.text
    before = context(old, new)
    answer = read_renames([question.answers[0]], before.current, before.target)
    ctx = context(old, new, renames=answer)
    assert [*questions_for(ctx)] == []
    (step,) = steps_for(ctx)
    assert step.sql == ("ALTER TYPE mood RENAME VALUE 'ok' TO 'fine'",)
    assert "old code that says 'ok' breaks" in step.hazards[0]


@pytest.mark.parametrize("hint", ["mood.ok=great", "mood.sad=fine"])
def test_a_value_that_stays_or_does_not_come_was_not_renamed(hint: str) -> None:
    old, new = (f"CREATE TYPE mood AS ENUM ('sad', '{value}')" for value in ("ok", "fine"))
    ctx = context(old, new)
    with pytest.raises(BadRename, match="in its place"):
        read_renames([hint], ctx.current, ctx.target)


def test_a_view_of_another_column_is_left_alone() -> None:
    old, new, _ = sides("view on a column that gets another type")
    sql = "ALTER TABLE t ALTER COLUMN a TYPE text"
    step = Step(Phase.MIGRATE, "Type of a", (sql,), "why", Undo())
    (found,) = with_dependents((step,), context(old, new))
    heads = [statement.partition(" AS")[0] for statement in found.sql]
    assert heads == ["DROP VIEW w", "DROP VIEW v", sql, "CREATE VIEW v", "CREATE VIEW w"]
