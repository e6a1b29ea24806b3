"""A column of SQLite under two names: old and new code write at once and read what is right."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence

import pytest

from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.plan_migration import Inputs, plan
from backend_architect.tools.plan_migration.model import Phase, Plan, Step

SHAPES = {
    "nullable": "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b INT);",
    "required": "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT NOT NULL, b INT);",
    "with a default": "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT DEFAULT 'x' NOT NULL, b INT)",
    "with a default that changes": "CREATE TABLE t (id INTEGER PRIMARY KEY,"
    " a TEXT DEFAULT (random()) NOT NULL, b INT)",
    "unique": "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT NOT NULL UNIQUE, b INT);",
    "checked": "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT CHECK (a <> ''), b INT);",
    "without row ids": "CREATE TABLE t (k TEXT, id INT, a TEXT, b INT, PRIMARY KEY (id, k))"
    " WITHOUT ROWID;",
    "without a key": "CREATE TABLE t (id INT, a TEXT, b INT);",
    "read by others": "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b INT);"
    " CREATE INDEX i ON t (a); CREATE VIEW v AS SELECT a FROM t;",
}


def renamed(sql: str) -> str:
    for old, new in (("a TEXT", "title TEXT"), ("(a", "(title"), ("SELECT a", "SELECT title")):
        sql = sql.replace(old, new)
    return sql


def planned(old: str, rehearsal: bool = True) -> Plan:
    inputs = Inputs({"a": old}, {"b": renamed(old)})
    return plan(inputs, Dialect.SQLITE, renames=["t.a=title"], rehearsal=rehearsal)


def run(connection: sqlite3.Connection, statements: Sequence[str]) -> None:
    for sql in statements:
        connection.execute(sql)


def write(connection: sqlite3.Connection, column: str, number: int, rows: dict[int, str]) -> None:
    """What an instance does that knows the column under one of its names."""
    other = random.Random(number).choice([*rows, number])
    keyed = "SELECT 1 FROM pragma_table_info('t') WHERE name = 'k'"
    k, given = ("k, ", "'k', ") if connection.execute(keyed).fetchone() else ("", "")
    connection.execute(f"INSERT INTO t ({k}id, {column}) VALUES ({given}{number}, 'v{number}')")
    rows[number] = f"v{number}"
    connection.execute(f"UPDATE t SET {column} = 'w{number}', b = 1 WHERE id = {other}")
    rows[other] = f"w{number}"
    connection.execute(f"UPDATE t SET b = b + 1 WHERE id = {number}")
    assert dict(connection.execute(f"SELECT id, {column} FROM t")) == rows


def deployable(steps: Sequence[Step]) -> int:
    return next(n for n, step in enumerate(steps) if "may be deployed" in step.after)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_plan_is_rehearsed(shape: str) -> None:
    made = planned(SHAPES[shape])
    assert made.rehearsal["witnesses"] == []
    assert made.rehearsal["target_reached"]
    assert made.rehearsal["undo_verified"]
    assert not any("breaks old code" in step.hazards for step in made.steps)
    assert not any(step.loses_data for step in made.steps)


@pytest.mark.parametrize("recursive", ["OFF", "ON"])
@pytest.mark.parametrize("shape", SHAPES)
def test_old_and_new_code_write_at_once(shape: str, recursive: str) -> None:
    steps = planned(SHAPES[shape], rehearsal=False).steps
    ready = deployable(steps)
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute(f"PRAGMA recursive_triggers = {recursive}")
    connection.executescript(SHAPES[shape])
    rows: dict[int, str] = {}
    write(connection, "a", 1, rows)
    for number, step in enumerate(steps):
        run(connection, step.sql)
        key = 10 * number + 10
        if step.phase is not Phase.CONTRACT:
            write(connection, "a", key, rows)
        if number >= ready:
            write(connection, "title", key + 1, rows)
            if step.phase is not Phase.CONTRACT:
                write(connection, "a", key + 2, rows)
    for step in [step for step in reversed(steps) if step.phase is Phase.CONTRACT]:
        run(connection, step.undo.sql)
    write(connection, "a", 1001, rows)
    write(connection, "title", 1002, rows)
    connection.close()


@pytest.mark.parametrize(
    "old",
    [
        "CREATE TABLE t (a TEXT PRIMARY KEY, b INT);",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, b INT, a TEXT AS (b) VIRTUAL);",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE);"
        " CREATE TABLE child (x TEXT REFERENCES t (a));",
    ],
)
def test_without_a_bridge_the_rename_says_what_it_breaks(old: str) -> None:
    made = planned(old)
    assert [step.hazards for step in made.steps] == [("breaks old code",)]
    assert made.rehearsal["target_reached"]
