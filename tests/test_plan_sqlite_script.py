"""A user's script for SQLite: run as it is on a private database, statement by statement."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from backend_architect.tools.ddl.load import fold, load
from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.plan_migration import Inputs, plan
from backend_architect.tools.plan_migration.context import Context
from backend_architect.tools.plan_migration.model import Lock, Plan
from backend_architect.tools.plan_migration.rehearsal.evidence import ScriptSeen
from backend_architect.tools.plan_migration.sqlite.run_script import rehearse_script
from backend_architect.tools.plan_migration.sqlite.units import units
from backend_architect.tools.sqlite.sandbox import Clock

SHOP = """
CREATE TABLE buyer (id INTEGER PRIMARY KEY, email TEXT, name TEXT NOT NULL);
CREATE TABLE sale (id INTEGER PRIMARY KEY, buyer_id INT REFERENCES buyer ON DELETE CASCADE, n INT);
"""
COPY = """
CREATE TABLE buyer_new (id INTEGER PRIMARY KEY, email TEXT UNIQUE, name TEXT NOT NULL);
INSERT INTO buyer_new SELECT id, email, name FROM buyer;
DROP TABLE buyer;
ALTER TABLE buyer_new RENAME TO buyer;
"""
SAFE = f"PRAGMA foreign_keys = OFF; BEGIN; {COPY} COMMIT; PRAGMA foreign_keys = ON;"


def context(sql: str, runner: str = "psql") -> Context:
    now, script = (load({"x.sql": text}, Dialect.SQLITE) for text in (SHOP, sql))
    target = fold([*now.statements, *script.statements], Dialect.SQLITE)
    return Context(now.schema, target, (), 3, runner=runner)


def run(sql: str, *old: str, runner: str = "psql", clock: Clock | None = None) -> ScriptSeen:
    ctx = context(sql, runner)
    committed = units(load({"V2.sql": sql}, Dialect.SQLITE), ctx)
    return rehearse_script(ctx.current, ctx.target, (), committed, old, clock=clock)


def kinds(seen: ScriptSeen) -> list[str]:
    return sorted({witness.kind for witness in seen.witnesses})


ADD = "ALTER TABLE sale ADD COLUMN a INT;\nUPDATE sale SET a = 1;\n"


@pytest.mark.parametrize(
    ("sql", "runner", "sizes"),
    [
        (ADD, "psql", [1, 1]),
        (ADD, "django", [2]),
        (f"BEGIN; {ADD} COMMIT; DROP TABLE sale;", "psql", [2, 1]),
        (f"BEGIN; {ADD} ROLLBACK; DROP TABLE sale;", "psql", [1]),
        (f"BEGIN; SAVEPOINT s; {ADD} RELEASE s; END; DROP TABLE sale;", "psql", [4, 1]),
        (SAFE, "psql", [1, 4, 1]),
    ],
)
def test_what_is_committed_together(sql: str, runner: str, sizes: list[int]) -> None:
    found = units(load({"V2.sql": sql}, Dialect.SQLITE), context(sql, runner))
    assert [len(unit.statements) for unit in found] == sizes


def test_a_rename_breaks_old_instances() -> None:
    old = ("SELECT name FROM buyer WHERE id = ?", "SELECT email FROM buyer")
    seen = run("ALTER TABLE buyer RENAME COLUMN name TO full_name;", *old)
    assert seen.completed
    assert kinds(seen) == ["old query"]
    broken = {witness.statement for witness in seen.witnesses}
    assert old[0] in broken
    assert old[1] not in broken
    (unit,) = seen.units
    assert unit.at == "V2.sql:1:1"
    assert unit.locks == (Lock("*", "RESERVED"), Lock("*", "EXCLUSIVE"))
    assert not unit.lost


def test_a_rebuild_loses_nothing() -> None:
    seen = run(SAFE)
    assert seen.completed
    assert not any(unit.lost for unit in seen.units)
    assert not seen.witnesses
    assert not seen.notes


def test_what_the_script_makes_other_than_was_read_is_said() -> None:
    made = replace(context(""), target=context("CREATE TABLE x (a INT);").target)
    committed = units(load({"V2.sql": "SELECT 1;"}, Dialect.SQLITE), made)
    (note,) = rehearse_script(made.current, made.target, (), committed).notes
    assert (
        note == "The script makes other than was read from it: column x a: added; table x: added."
    )


@pytest.mark.parametrize("begin", ["", "BEGIN;"])
def test_a_rebuild_with_foreign_keys_deletes_the_rows_of_children(begin: str) -> None:
    """DROP TABLE deletes what references the table, unless foreign keys are off."""
    seen = run(f"{begin} {COPY} {begin and 'COMMIT;'}")
    (lost,) = [witness for witness in seen.witnesses if witness.kind == "rows lost"]
    assert any("sale: row" in row for row in lost.rows)
    assert not any(row.startswith("buyer") for row in lost.rows)


def test_a_table_that_was_copied_away_is_no_loss_until_it_is() -> None:
    away = (
        "PRAGMA foreign_keys = OFF; ALTER TABLE sale RENAME TO old; CREATE TABLE sale (id INTEGER"
        " PRIMARY KEY, buyer_id INT, n INT); INSERT INTO sale SELECT {} FROM old; DROP TABLE old;"
    )
    assert "rows lost" not in kinds(run(away.format("id, buyer_id, n")))
    (lost,) = [w for w in run(away.format("id, buyer_id, 7")).witnesses if w.kind == "rows lost"]
    assert lost.step.startswith("V2.sql:1:")
    assert any(row.startswith("sale: n in") for row in lost.rows)


def test_what_a_dropped_column_loses_is_counted_and_a_meant_deletion_is_none() -> None:
    seen = run("ALTER TABLE sale DROP COLUMN n; ALTER TABLE sale RENAME TO purchase;")
    dropped, renamed = seen.units
    assert any(line.startswith("sale: n in") for line in dropped.lost)
    assert not renamed.lost
    meant = run("DELETE FROM sale WHERE n = 0;")
    assert "rows lost" not in kinds(meant)
    assert meant.units[0].lost


def test_rows_that_the_script_refuses_are_shown() -> None:
    seen = run("CREATE UNIQUE INDEX one_name ON buyer (name); SELECT 1;")
    assert seen.completed
    strict = (
        "CREATE TABLE s (id INTEGER PRIMARY KEY, n INT NOT NULL CHECK (n > 0));"
        "INSERT INTO s SELECT id, n FROM sale; DROP TABLE sale; ALTER TABLE s RENAME TO sale;"
    )
    (refused,) = [w for w in run(strict).witnesses if w.kind == "rows refused"]
    assert refused.error.startswith("SQLITE_CONSTRAINT")
    assert all(row.startswith("sale: ") for row in refused.rows)
    assert refused.rows


def test_a_key_that_a_planted_row_has_by_chance() -> None:
    keys = ", ".join(f"({number}, 'x')" for number in range(990, 1100))
    seen = run(f"INSERT INTO buyer (id, name) VALUES {keys}; SELECT 1;")
    assert seen.completed
    assert not seen.witnesses
    assert "planted row" in seen.notes[0]


def test_the_script_stops_where_it_fails() -> None:
    seen = run("ALTER TABLE sale DROP COLUMN nothing; DROP TABLE sale;")
    assert len(seen.units) == 1
    assert not seen.completed
    assert kinds(seen) == ["statement fails"]


def test_an_endless_script_is_ended() -> None:
    endless = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r"
    seen = run(f"{endless}; SELECT 1;", clock=Clock(0.2, 5))
    assert "interrupted" in seen.units[0].error
    assert len(seen.units) == 1
    over = run(f"{endless};", clock=Clock(5, 0.5))
    assert not over.completed
    assert "its time was over" in f"{over.notes} {over.reason}"


@pytest.mark.parametrize(
    "sql",
    [
        "ATTACH '{canary}' AS other;",
        "VACUUM INTO '{canary}';",
        "PRAGMA writable_schema = ON;",
        "SELECT load_extension('{canary}');",
        "CREATE VIRTUAL TABLE c USING csv(filename='/etc/passwd');",
        "INSERT INTO sqlite_master VALUES ('table', 'x', 'x', 1, 'CREATE TABLE x (a)');",
    ],
)
def test_hostile_sql_stays_inside(sql: str, tmp_path: Any) -> None:
    canary = tmp_path / "canary"
    seen = run(sql.format(canary=canary))
    assert seen.units[0].error
    assert not canary.exists()


# Through the tool


def planned(sql: str, *, current: str | None = SHOP, old: str = "") -> Plan:
    inputs = Inputs(
        {"shop.sql": current} if current else None,
        migration={"V2.sql": sql},
        queries_before={"q.sql": old} if old else None,
    )
    return plan(inputs, Dialect.SQLITE)


def test_the_plan_has_the_script_and_what_it_renames() -> None:
    sql = "ALTER TABLE buyer RENAME COLUMN name TO full_name; UPDATE sale SET n = 1;"
    made = planned(sql, old="SELECT name FROM buyer;")
    script = made.rehearsal["script"]
    assert script["completed"]
    assert [w["kind"] for w in script["witnesses"] if w["statement"] == "SELECT name FROM buyer"]
    assert not made.questions
    assert any("UPDATE of V2.sql:1:52" in note for note in made.notes)


def test_a_script_alone_is_run_on_an_empty_database() -> None:
    made = planned("CREATE TABLE t (a INT); CREATE INDEX i ON t (a);", current=None)
    assert made.rehearsal["script"]["completed"]
    lacking = planned("ALTER TABLE t ADD COLUMN a INT;", current=None).rehearsal["script"]
    assert not lacking["ran"]
    assert "give `current`" in lacking["reason"]
