"""Migrations as teams make them, planned and rehearsed from end to end."""

from __future__ import annotations

import re
from typing import Any

import pytest

from backend_architect.server.render.plan_text import markdown
from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.plan_migration import Inputs, plan
from backend_architect.tools.plan_migration.model import Plan

COUNTED = """
    CREATE FUNCTION count_bookings() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        UPDATE room SET bookings = bookings + 1 WHERE id = NEW.room_id;
        RETURN NULL;
    END $$;
    CREATE TRIGGER counted AFTER INSERT ON booking
        FOR EACH ROW EXECUTE FUNCTION count_bookings();
"""


def planned(current: str, target: str = "", migration: str = "", **more: Any) -> Plan:
    script = {"m.sql": migration} if migration else None
    goal = {"b.sql": target} if target else None
    return plan(Inputs({"a.sql": current}, goal, script), Dialect.POSTGRES, (18,), **more)


def test_a_type_may_have_the_name_of_an_index() -> None:
    table = "CREATE TABLE doc (id bigint PRIMARY KEY, state text NOT NULL CHECK (state = 'draft'));"
    made = planned(
        f"{table} CREATE INDEX doc_state ON doc (state);",
        "CREATE TYPE doc_state AS ENUM ('draft', 'live');"
        " CREATE TABLE doc (id bigint PRIMARY KEY, state doc_state NOT NULL);"
        " CREATE INDEX doc_state_idx ON doc (state);",
    )
    assert made.rehearsal["target_reached"], made.rehearsal["witnesses"]
    assert not made.rehearsal["witnesses"]
    assert made.steps[0].title == "Create enum doc_state"


def test_what_a_trigger_changes_is_no_loss_of_an_undo() -> None:
    tables = """
        CREATE TABLE room (id int PRIMARY KEY, bookings int NOT NULL DEFAULT 0);
        CREATE TABLE booking (id int PRIMARY KEY, room_id int NOT NULL REFERENCES room, seat int);
    """
    made = planned(tables, tables.replace("seat int", "seat int UNIQUE") + COUNTED)
    assert made.rehearsal["undo_verified"], made.rehearsal["witnesses"]
    assert not made.rehearsal["witnesses"]


def test_a_product_is_no_star() -> None:
    tables = """
        CREATE TABLE item (id bigint PRIMARY KEY, price int, qty int, legacy text);
        CREATE MATERIALIZED VIEW sold AS SELECT id, price * qty AS total FROM item;
    """
    made = planned(tables, tables.replace(", legacy text", ""), rehearsal=False)
    assert [step.sql for step in made.steps] == [("ALTER TABLE item DROP COLUMN legacy",)]


def test_a_script_alone_is_judged() -> None:
    same = "CREATE TABLE t (a int);"
    assert "the schemas are the same" in markdown(planned(same, same, rehearsal=False))
    alone = plan(Inputs(migration={"m.sql": "ALTER TABLE t ADD a int;"}), Dialect.POSTGRES, (18,))
    assert "**The script was judged** for PostgreSQL 18" in markdown(alone)


def test_a_number_in_other_words_is_not_lost() -> None:
    table = "CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL, b numeric(8, 2) NOT NULL);"
    kind = "ALTER TABLE t ALTER a TYPE numeric(12, 2), ALTER b TYPE numeric(9, {});"
    seen = [planned(table, migration=kind.format(n)).rehearsal["script"] for n in (3, 1)]
    witnesses = [{witness["kind"] for witness in each["witnesses"]} for each in seen]
    assert "rows lost" not in witnesses[0]
    assert "rows lost" in witnesses[1]


ADDRESSES = """
    CREATE TABLE address (id bigserial PRIMARY KEY, city text);
    CREATE VIEW cities AS SELECT city FROM address;
    CREATE TABLE visit (id bigint PRIMARY KEY, address_id bigint REFERENCES address);
"""


@pytest.mark.parametrize("schema", ["", "geo."])
def test_a_renamed_table_takes_its_sequence_along_and_leaves_its_views(schema: str) -> None:
    target = re.sub(r"(TABLE|FROM|REFERENCES) address", rf"\1 {schema}place", ADDRESSES)
    made = planned(
        ADDRESSES,
        f"CREATE SCHEMA geo; {target}",
        renames=[f"address={schema}place"],
    )
    assert not made.rehearsal["witnesses"]
    assert not made.rehearsal["mismatches"]
    assert made.rehearsal["target_reached"]
    assert made.rehearsal["undo_verified"]
    statements = [sql for step in made.steps for sql in step.sql]
    assert "ALTER SEQUENCE address_id_seq RENAME TO place_id_seq" in statements
    assert not [sql for sql in statements if "cities" in sql or "DROP SEQUENCE" in sql]


def test_a_question_names_a_rename_that_is_understood() -> None:
    target = f"CREATE SCHEMA geo; {ADDRESSES}".replace("TABLE address", "TABLE geo.address")
    target = target.replace("FROM address", "FROM geo.address").replace(
        "REFERENCES address", "REFERENCES geo.address"
    )
    asked = planned(ADDRESSES, target, rehearsal=False).questions
    assert asked[0].answers[0] == "address=geo.address"
    made = planned(ADDRESSES, target, renames=[asked[0].answers[0]])
    assert "ALTER TABLE address SET SCHEMA geo" in made.steps[1].sql
    assert made.rehearsal["target_reached"]


def test_the_index_of_a_partitioned_table_gets_another_column() -> None:
    parts = "".join(
        f"CREATE TABLE log_{n} PARTITION OF log FOR VALUES FROM ({n}) TO ({n + 1});" for n in (1, 2)
    )
    table = f"CREATE TABLE log (at int NOT NULL, level int) PARTITION BY RANGE (at); {parts}"
    made = planned(
        f"{table} CREATE INDEX log_i ON log (level);",
        f"{table} CREATE INDEX log_i ON log (level, at);",
    )
    assert not made.rehearsal["witnesses"]
    assert made.rehearsal["target_reached"]
    assert made.rehearsal["undo_verified"]
    titles = [step.title for step in made.steps]
    assert titles[0] == "Drop index log_i"
    assert titles.count("Create index log_1_level_at_idx") == 1


def test_a_time_that_gets_a_zone_says_whose() -> None:
    table = "CREATE TABLE t (id int PRIMARY KEY, at timestamp);"
    made = planned(table, table.replace("timestamp", "timestamptz"), rehearsal=False)
    assert "the TimeZone of the session that writes" in made.steps[0].why
