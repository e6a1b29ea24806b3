"""Statements as measured operations: what a step does, by the table, on the schema it meets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from backend_architect.tools.ddl.load import load
from backend_architect.tools.ddl.model import Dialect, Schema
from backend_architect.tools.ddl.script import split
from backend_architect.tools.engines import locks
from backend_architect.tools.engines.facts import Facts
from backend_architect.tools.plan_migration.context import Context
from backend_architect.tools.plan_migration.durations import CATALOG
from backend_architect.tools.plan_migration.live import Live, parse_all
from backend_architect.tools.plan_migration.model import Lock, Phase, Step, Undo
from backend_architect.tools.plan_migration.operations.base import LOCKED_ROLES
from backend_architect.tools.plan_migration.operations.effects import (
    Measured,
    effects,
    joined,
    measured,
    operations,
    with_effects,
)

ENGINES = Path(locks.__file__).parent
LIST: dict[str, Any] = json.loads((ENGINES / "operations.json").read_text("utf-8"))
FIXTURE = load(
    {"operations.sql": (ENGINES / "operations.sql").read_text("utf-8")}, Dialect.POSTGRES
).schema
# More than was measured is said where it depends on what the schema does not show.
CAUTIOUS = (
    "in UTC",
    "to a table that does not exist",
    "cascade",
)
# Of these it is said that nothing is known, or a lock on what is no table is left out.
UNKNOWN = (
    "set tablespace, all tables of a tablespace",
    "reassign owned",
    "drop function, used by an index, cascade",
    "create table, like another",
)


def schema(sql: str) -> Schema:
    return load({"s": sql}, Dialect.POSTGRES).schema


def predicted(operation: dict[str, Any], version: int) -> Measured:
    """What is predicted of an operation of the list, after what goes before it."""
    live = Live(FIXTURE)
    for sql in operation.get("before", ()):
        for parsed in parse_all(split(sql, "before", "postgres")[0]):
            live.meet(parsed)
            live.fold(parsed)
    live.created.clear()
    found = []
    for parsed in parse_all(split(operation["sql"], "operation", "postgres")[0]):
        found.append(measured(parsed, live, version))
        live.fold(parsed)
    return joined(found)


@pytest.mark.parametrize("version", [11, 14, 18])
def test_predicted_locks_are_the_measured_ones(version: int) -> None:
    wrong = []
    for operation in LIST["operations"]:
        name = operation["name"]
        if operation.get("since", 11) > version or name in UNKNOWN:
            continue
        facts = locks.facts(name, version)
        if facts.error:
            continue
        roles = {**LIST["roles"], **operation.get("roles", {})}
        found = predicted(operation, version)
        got = {(roles.get(lock.table.split(".")[-1]), lock.mode) for lock in found.effects.locks}
        want = {(r, mode) for r, modes in facts.locks.items() for mode in modes}
        want = {(role, mode) for role, mode in want if role in LOCKED_ROLES}
        more_is_fine = any(word in name for word in CAUTIOUS)
        if not (want <= got if more_is_fine else want == got):
            wrong.append(f"{name}: predicted {sorted(map(str, got))}, measured {facts.locks}")
        rewritten = {roles.get(table.split(".")[-1]) for table in found.effects.rewrites}
        if not set(facts.rewrites) & LOCKED_ROLES <= rewritten:
            wrong.append(f"{name}: predicted rewrites {rewritten}, measured {facts.rewrites}")
        read = {roles.get(table.split(".")[-1]) for table in found.effects.scans}
        if not set(facts.scans) & LOCKED_ROLES <= read:
            wrong.append(f"{name}: predicted scans {read}, measured {facts.scans}")
    assert wrong == []


SHOP = schema("""
    CREATE TABLE customers (id int PRIMARY KEY, name varchar(40));
    CREATE TABLE orders (
        id int PRIMARY KEY, customer_id int REFERENCES customers, region text, code varchar(10)
    );
    CREATE INDEX orders_code ON orders (code);
    CREATE VIEW codes AS SELECT code FROM orders;
""")


def locked(sql: str, version: int = 18) -> set[tuple[str, str]]:
    return {(lock.table, lock.mode) for lock in effects(sql, SHOP, version).locks}


def test_a_foreign_key_locks_both_tables() -> None:
    sql = "ALTER TABLE orders ADD FOREIGN KEY (id) REFERENCES customers"
    assert locked(sql) == {
        ("orders", "ShareRowExclusiveLock"),
        ("customers", "ShareRowExclusiveLock"),
    }
    (found,) = operations(sql, SHOP, 18)
    assert found.name == "add foreign key"
    assert [str(name) for name in found.tables["referenced"]] == ["customers"]


def test_several_commands_are_merged() -> None:
    sql = "ALTER TABLE orders ADD COLUMN a int, ALTER COLUMN region SET NOT NULL"
    assert [found.name for found in operations(sql, SHOP, 18)] == ["add column", "set not null"]
    found = effects(sql, SHOP, 18)
    assert found.locks == (Lock("orders", "AccessExclusiveLock"),)
    assert found.scans == ("orders",)
    assert "orders" in found.blocks_reads


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("ALTER TABLE orders ALTER code TYPE varchar(20)", "alter type, longer varchar, indexed"),
        ("ALTER TABLE customers ALTER name TYPE varchar(80)", "alter type, longer varchar"),
        ("ALTER TABLE customers ALTER name TYPE varchar(8)", "alter type, shorter varchar"),
        ("ALTER TABLE orders ADD c float8 DEFAULT random()", "volatile default random()"),
        ("ALTER TABLE orders ADD c date DEFAULT now()", "stable default now()"),
        ("ALTER TABLE orders DROP CONSTRAINT orders_customer_id_fkey", "drop foreign key"),
        ("ALTER TABLE orders DROP CONSTRAINT orders_pkey", "drop primary key"),
        ("DROP INDEX orders_code", "drop index"),
        ("CREATE UNIQUE INDEX CONCURRENTLY x ON orders (id)", "create index, concurrently, unique"),
        ("VACUUM (FULL) orders", "vacuum, full"),
        ("VACUUM (FULL false) orders", "vacuum"),
        ("CREATE TABLE t (LIKE orders)", "create table, like another"),
        ("TRUNCATE customers CASCADE", "truncate, referenced, cascade"),
        ("COMMENT ON COLUMN orders.id IS 'x'", "comment on column"),
    ],
)
def test_statements_by_name(sql: str, name: str) -> None:
    assert any(found.name.endswith(name) for found in operations(sql, SHOP, 18))


def step(*sql: str) -> Step:
    return Step(Phase.EXPAND, "", sql, "", Undo())


def context(facts: Facts | None = None) -> Context:
    return Context(SHOP, SHOP, (), 18, facts or Facts())


def test_what_the_plan_makes_has_no_effects_on_others() -> None:
    made, changed = with_effects(
        [
            step("CREATE TABLE fresh (id int)"),
            step("CREATE INDEX ON fresh (id)", "ALTER TABLE fresh ADD CHECK (id > 0)"),
        ],
        context(),
    )
    assert made.effects.locks == changed.effects.locks == ()
    assert changed.duration == CATALOG
    assert changed.lock_timeout == ""


def test_the_schema_moves_with_the_steps() -> None:
    steps = with_effects(
        [
            step("ALTER TABLE orders ADD CONSTRAINT k CHECK (region IS NOT NULL) NOT VALID"),
            step("ALTER TABLE orders VALIDATE CONSTRAINT k"),
            step("ALTER TABLE orders ALTER COLUMN region SET NOT NULL"),
        ],
        context(),
    )
    assert [s.effects.scans for s in steps] == [(), ("orders",), ()]
    assert [lock.mode for s in steps for lock in s.effects.locks] == [
        "AccessExclusiveLock",
        "ShareUpdateExclusiveLock",
        "AccessExclusiveLock",
    ]
    assert {s.lock_timeout for s in steps} == {"2s"}


def test_what_is_not_known_is_never_harmless() -> None:
    (found,) = with_effects([step("DO $$ BEGIN END $$")], context())
    assert found.hazards == ("effects unknown: what a DO block does is not known",)
    (guess,) = with_effects([step("ALTER TABLE orders ADD a int DEFAULT elsewhere()")], context())
    assert guess.effects.rewrites == ("orders",)
    assert guess.hazards == ("the default calls a function that may be volatile",)


def test_partitions_are_locked_with_their_parent() -> None:
    parted = schema("""
        CREATE TABLE events (id int, day date) PARTITION BY RANGE (day);
        CREATE TABLE e1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
    """)
    found = effects("ALTER TABLE events ADD COLUMN note text", parted, 18)
    assert {lock.table for lock in found.locks} == {"events", "e1"}


def test_the_given_schema_stays_as_it_is() -> None:
    before = repr(SHOP)
    with_effects([step("DROP TABLE orders CASCADE", "ALTER TABLE customers DROP name")], context())
    assert repr(SHOP) == before


def test_a_number_is_drawn_only_for_a_row() -> None:
    live = Live(schema("CREATE SEQUENCE s; CREATE TABLE t (a int, b int DEFAULT nextval('s'));"))
    needed = {
        "UPDATE t SET a = nextval('s') WHERE a IS NULL": ("s",),
        "INSERT INTO t (a) SELECT a FROM t": ("s",),
        "INSERT INTO t (a) VALUES (1)": (),
        "INSERT INTO t VALUES (nextval('s'), 1)": (),
        "SELECT nextval('s')": (),
        "SELECT nextval('s') FROM t": ("s",),
    }
    for sql, routed in needed.items():
        (parsed,) = parse_all(split(sql, "s", "postgres")[0])
        found = measured(parsed, live, 18)
        assert found.routed == routed, sql
        assert Lock("s", "RowExclusiveLock") in found.effects.locks, sql
