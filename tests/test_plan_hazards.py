"""Hazards in migration scripts: each rule by its own examples, and what scripts are judged on."""

from __future__ import annotations

import pytest
from scripts import judged

from backend_architect.tools.engines.facts import Facts, TableFacts
from backend_architect.tools.plan_migration.rules import RULES
from backend_architect.tools.rule import Rule

CASES = [pytest.param(rule, id=rule.id) for rule in RULES]


def ids(sql: str, facts: Facts | None = None) -> set[str]:
    """The default rules that speak about a script, without those on timeouts."""
    found = {hazard.rule.removeprefix("migration/") for hazard in judged(sql, facts=facts)}
    return found - {"lock-without-timeout"}


@pytest.mark.parametrize("rule", CASES)
def test_the_bad_example_breaks_the_rule(rule: Rule) -> None:
    found = judged(rule.bad, [rule])
    assert {hazard.rule for hazard in found} == {rule.id}
    for hazard in found:
        assert hazard.message
        assert not hazard.message.endswith(".")


@pytest.mark.parametrize("rule", CASES)
def test_the_good_example_is_clean(rule: Rule) -> None:
    found = judged(rule.good, [rule] if rule.opt_in else None)
    assert [f"{hazard.rule}: {hazard.message}" for hazard in found] == []


def test_a_hazard_has_its_place_and_the_measured_effects() -> None:
    (hazard,) = judged("SELECT 1;\n\n  CREATE INDEX ON orders (region);", _only("index-build"))
    assert (hazard.location.line, hazard.location.column) == (3, 3)
    assert [tuple(lock) for lock in hazard.effects.locks] == [("orders", "ShareLock")]
    assert hazard.effects.blocks_writes == ("orders",)
    assert hazard.effects.blocks_reads == ()
    assert "SHARE on `orders`" in hazard.message
    assert hazard.instead[0].startswith("CREATE INDEX CONCURRENTLY")


def _only(start: str) -> list[Rule]:
    return [rule for rule in RULES if rule.id.startswith(f"migration/{start}")]


@pytest.mark.parametrize(
    "change",
    [
        "CREATE INDEX ON fresh (id)",
        "ALTER TABLE fresh ADD PRIMARY KEY (id)",
        "ALTER TABLE fresh ADD CHECK (id > 0)",
        "ALTER TABLE fresh ALTER COLUMN id TYPE bigint",
        "ALTER TABLE fresh ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid()",
        "ALTER TABLE fresh DROP COLUMN id",
        "ALTER TABLE fresh RENAME TO other",
        "UPDATE fresh SET id = 1",
        "DROP TABLE fresh",
        "TRUNCATE fresh",
    ],
)
def test_what_the_script_makes_is_nobodys_yet(change: str) -> None:
    assert ids(f"CREATE TABLE fresh (id int); {change};") == set()
    assert ids(f"{change};") != set()


def test_a_renamed_new_table_stays_new() -> None:
    assert ids("CREATE TABLE a (id int); ALTER TABLE a RENAME TO b; DROP TABLE b;") == set()


def test_tiny_tables_need_no_ceremony() -> None:
    tiny = Facts(tables={("public", "orders"): TableFacts(rows=20, bytes=8192)})
    large = Facts(tables={("public", "orders"): TableFacts(rows=2_000_000)})
    change = "ALTER TABLE orders ALTER COLUMN id TYPE text;"
    assert ids(change, tiny) == set()
    assert ids(change, large) == {"column-type-rewrite"}
    assert ids("DROP TABLE orders;", tiny) == {"table-dropped"}


@pytest.mark.parametrize(
    ("before", "after", "unsafe"),
    [
        ("varchar(40)", "varchar(80)", False),
        ("varchar(40)", "text", False),
        ("varchar(80)", "varchar(40)", True),
        ("numeric(10, 2)", "numeric(12, 2)", False),
        ("numeric(10, 2)", "numeric(12, 4)", True),
        ("int", "bigint", True),
        ("int", "text", True),
        ("timestamp", "timestamptz", True),
        ("cidr", "inet", False),
        ("text", "text USING upper(c)", True),
        ("varchar(40)", "varchar(80) USING c::varchar(80)", False),
    ],
)
def test_types_by_what_they_were(before: str, after: str, unsafe: bool) -> None:
    sql = f"-- current: CREATE TABLE t (c {before});\nALTER TABLE t ALTER COLUMN c TYPE {after};"
    assert ids(sql) == ({"column-type-rewrite"} if unsafe else set())


@pytest.mark.parametrize(
    ("default", "unsafe"),
    [
        ("5", False),
        ("now()", False),
        ("'{}'::jsonb", False),
        ("lower('X')", False),
        ("random()", True),
        ("upper(gen_random_uuid()::text)", True),
        ("made_elsewhere()", True),
        ("nextval('ticket')", True),
    ],
)
def test_defaults_by_what_they_call(default: str, unsafe: bool) -> None:
    found = ids(f"ALTER TABLE t ADD COLUMN c text DEFAULT {default};")
    assert found == ({"volatile-default-rewrite"} if unsafe else set())


def test_a_function_of_the_schema_is_as_volatile_as_it_says() -> None:
    function = "CREATE FUNCTION f() RETURNS int LANGUAGE sql {} AS 'SELECT 1';"
    change = "ALTER TABLE t ADD COLUMN c int DEFAULT f();"
    assert ids(function.format("IMMUTABLE") + change) == set()
    assert ids(function.format("") + change) == {"volatile-default-rewrite"}


PROOF = """
ALTER TABLE t ADD CONSTRAINT known CHECK (c IS NOT NULL AND c <> '') NOT VALID;
{}
ALTER TABLE t ALTER COLUMN c SET NOT NULL;
"""
VALIDATED = PROOF.format("ALTER TABLE t VALIDATE CONSTRAINT known;")


def test_set_not_null_is_proved_by_a_valid_check_from_12_on() -> None:
    assert ids(VALIDATED) == set()
    assert ids("-- postgres 11\n" + VALIDATED) == {"not-null-scan"}
    assert ids(PROOF.format("")) == {"not-null-scan"}
    assert ids(VALIDATED.replace("COLUMN c", "COLUMN d")) == {"not-null-scan"}


def test_runners_put_a_file_into_one_transaction() -> None:
    added = "ALTER TABLE t ADD CONSTRAINT k CHECK (c > 0) NOT VALID;"
    pair = f"{added}\nALTER TABLE t VALIDATE CONSTRAINT k;"
    index = "CREATE INDEX CONCURRENTLY ON t (c);"
    for runner in ("alembic", "django", "flyway", "golang-migrate", "liquibase", "prisma", "rails"):
        assert "validate-in-same-transaction" in ids(f"-- runner: {runner}\n{pair}")
        assert ids(f"-- runner: {runner}\n{index}") == {"concurrently-in-transaction"}
    assert ids(pair) == set()
    assert ids(index) == set()
    assert ids(f"-- runner: rails\n-- disable_ddl_transaction!\n{index}") == set()


def test_after_a_commit_the_constraint_may_be_validated() -> None:
    added = "BEGIN; ALTER TABLE t ADD CONSTRAINT k CHECK (c > 0) NOT VALID; COMMIT;"
    assert ids(added + "ALTER TABLE t VALIDATE CONSTRAINT k;") == set()


def test_timeouts_of_the_session_and_of_the_transaction() -> None:
    rule = _only("lock-without-timeout")
    change = "ALTER TABLE t ADD COLUMN c int;"
    assert len(judged(change + change, rule)) == 1
    assert judged(f"SET lock_timeout = '2s'; {change}", rule) == []
    assert judged(f"SELECT set_config('lock_timeout', '2s', false); {change}", rule) == []
    assert len(judged(f"SET other.lock_timeout = '2s'; {change}", rule)) == 1
    assert len(judged(f"SET lock_timeout = '2s'; RESET lock_timeout; {change}", rule)) == 1
    local = "BEGIN; SET LOCAL lock_timeout = '2s'; {0} COMMIT; {1}"
    assert judged(local.format(change, ""), rule) == []
    assert len(judged(local.format("", change), rule)) == 1


def test_enum_values_in_a_transaction_by_version() -> None:
    add = "BEGIN; ALTER TYPE stage ADD VALUE 'lost'; COMMIT;"
    assert ids(add) == set()
    assert ids("-- postgres 11\n" + add) == {"enum-value-in-transaction"}


def test_detach_concurrently_by_version_and_default_partition() -> None:
    detach = "ALTER TABLE t DETACH PARTITION p;"
    assert ids(detach) == {"detach-blocks"}
    assert ids("-- postgres 13\n" + detach) == set()
    tables = (
        "-- current: CREATE TABLE t (c int) PARTITION BY LIST (c);"
        " CREATE TABLE p PARTITION OF t FOR VALUES IN (1); CREATE TABLE d PARTITION OF t DEFAULT;\n"
    )
    assert ids(tables + detach) == set()


def test_what_cannot_be_known_is_said() -> None:
    assert ids("CALL tidy_up();") == {"effects-unknown"}
    assert ids("DROP TABL t;") == {"syntax-error"}


def test_other_engines_are_not_judged() -> None:
    from backend_architect.tools.ddl.load import load
    from backend_architect.tools.ddl.model import Dialect, Schema
    from backend_architect.tools.plan_migration.context import Context
    from backend_architect.tools.plan_migration.hazards import judge

    script = load({"s": "DROP TABLE t;"}, Dialect.SQLITE)
    schema = Schema(Dialect.SQLITE)
    assert list(judge(script, Context(schema, schema, (), 3))) == []
