"""Two scripts folded together give what each gives alone, wherever they differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from backend_architect.tools.ddl.alike import made_alike
from backend_architect.tools.ddl.load import load, load_both
from backend_architect.tools.ddl.model import At, Dialect, Schema
from backend_architect.tools.ddl.script import split

POSTGRES, SQLITE = Dialect.POSTGRES, Dialect.SQLITE
USERS = "CREATE TABLE users (id bigserial PRIMARY KEY, name text NOT NULL, CHECK (name <> ''));\n"
ORDERS = """CREATE TABLE public.orders (id bigint NOT NULL, user_id int REFERENCES users, m mood);
CREATE SEQUENCE public.orders_id_seq;
ALTER SEQUENCE public.orders_id_seq OWNED BY public.orders.id;
ALTER TABLE ONLY public.orders ALTER COLUMN id SET DEFAULT nextval('public.orders_id_seq');
ALTER TABLE ONLY public.orders ADD CONSTRAINT orders_pkey PRIMARY KEY (id);
CREATE INDEX orders_user ON public.orders USING btree (user_id);
COMMENT ON COLUMN public.orders.user_id IS 'who';
"""
MOOD = "CREATE TYPE mood AS ENUM ('fine');\n"
LOGS = "CREATE TABLE logs (id int GENERATED ALWAYS AS IDENTITY, at timestamp NOT NULL);\n"
LITE = """CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE "Orders" (id INTEGER PRIMARY KEY, user_id REFERENCES users);
CREATE INDEX orders_user ON "Orders" (user_id);
"""

# What stands between, before and after in the second script, and how many statements are shared
CASES = {
    "a column in the middle": (POSTGRES, MOOD + USERS + ORDERS + LOGS, "at t", "at date, b int", 8),
    "another first": (POSTGRES, USERS + LOGS, USERS, "CREATE TABLE a (b int);\n" + USERS, 2),
    "the key that another refers to": (
        POSTGRES,
        MOOD + USERS + ORDERS,
        "bigserial PRIMARY KEY, name text NOT NULL",
        "bigint, name text PRIMARY KEY",
        7,
    ),
    "the table that another refers to": (POSTGRES, MOOD + USERS + ORDERS, USERS, "", 7),
    "a type": (POSTGRES, MOOD + USERS + ORDERS, MOOD, "CREATE SCHEMA mood;\n", 8),
    "a trigger": (
        POSTGRES,
        USERS + LOGS + "CREATE TRIGGER t BEFORE INSERT ON logs EXECUTE FUNCTION f();",
        "name text",
        "name varchar(9)",
        0,
    ),
    "a name that is taken": (
        POSTGRES,
        "CREATE TABLE a (b_c int NOT NULL);\nCREATE TABLE z (y int);\n",
        "CREATE TABLE z (y int);\n",
        "CREATE TABLE a_b (c int NOT NULL);\n",
        1,
    ),
    "a name with a number": (
        POSTGRES,
        "CREATE TABLE a (b_c int NOT NULL);\nCREATE TABLE a_b (c int NOT NULL);\n"
        "ALTER TABLE ONLY a_b ADD CONSTRAINT k PRIMARY KEY (c);\n" + LOGS,
        "a (b_c int NOT NULL)",
        "a (b_d int NOT NULL)",
        3,
    ),
    "a key that is dropped": (
        POSTGRES,
        MOOD + USERS + ORDERS,
        USERS,
        USERS + "ALTER TABLE z DROP COLUMN y CASCADE;\n",
        0,
    ),
    "the search path": (
        POSTGRES,
        "SET search_path = one;\n" + LOGS,
        "path = one",
        "path = two",
        0,
    ),
    "the search path amid": (
        POSTGRES,
        LOGS + "SET search_path = one;\nCREATE TABLE a (b int);",
        "b int",
        "b text",
        0,
    ),
    "what a dump begins and ends with": (
        POSTGRES,
        "DROP TABLE IF EXISTS logs CASCADE;\n"
        + MOOD
        + "ALTER TYPE mood OWNER TO me;\n"
        + USERS
        + ORDERS
        + LOGS
        + "SET search_path = one;\n",
        "at t",
        "at date, b int",
        8,
    ),
    "rights that come with a table": (
        POSTGRES,
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO r;\n" + USERS + LOGS,
        "name text",
        "name varchar(9)",
        1,
    ),
    "partitions": (
        POSTGRES,
        "CREATE TABLE p (k int) PARTITION BY RANGE (k);\nCREATE TABLE q (k int);\n"
        "ALTER TABLE ONLY p ATTACH PARTITION q DEFAULT;\n"
        "ALTER TABLE ONLY p ADD CONSTRAINT c UNIQUE (k);\n" + USERS,
        "UNIQUE",
        "PRIMARY KEY",
        1,
    ),
    "two schemas": (
        POSTGRES,
        "CREATE TABLE one.a (b int);\nCREATE TABLE two.a (c int);\n" + LOGS,
        "c int",
        "c text",
        1,
    ),
    "a trigger of a table in quotes": (
        POSTGRES,
        'CREATE TABLE "some rows" (a int);\n'
        + LOGS
        + 'CREATE TRIGGER "t" BEFORE INSERT ON "some rows" FOR EACH ROW EXECUTE FUNCTION f();',
        'CREATE TRIGGER "t" BEFORE',
        'CREATE TRIGGER "u" BEFORE',
        1,
    ),
    "a trigger of SQLite in brackets": (
        SQLITE,
        'CREATE TABLE "some rows" (a);\n'
        + LITE
        + "CREATE TRIGGER t AFTER INSERT ON [Some rows] BEGIN SELECT 1; END;",
        "TRIGGER t",
        "TRIGGER u",
        3,
    ),
    "an index of SQLite": (SQLITE, LITE + "CREATE TABLE z (y);", "(y)", "(y, x)", 3),
    "a key of SQLite": (SQLITE, LITE, "id INTEGER PRIMARY KEY, name", "id, name PRIMARY KEY", 2),
    "what SQLite cannot read": (SQLITE, LITE + "NONSENSE;", "name TEXT", "name BLOB", 2),
    "a trigger of SQLite": (
        SQLITE,
        LITE + "CREATE TRIGGER t AFTER INSERT ON Users BEGIN SELECT 1; END;",
        "user_id REF",
        "user_id INT REF",
        0,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_two_scripts_are_folded_as_each_alone(case: str) -> None:
    dialect, before, old, new, shared = CASES[case]
    after = before.replace(old, new)
    assert after != before
    first, second = ({f"{n}.sql": text} for n, text in enumerate((before, after)))
    texts = [split(text, "", dialect)[0] for text in (before, after)]
    assert len(made_alike(*texts)) == shared
    loaded, schema = load_both(first, second, dialect)
    assert loaded == load(first, dialect)
    alone = load(second, dialect).schema
    assert schema == alone
    for kind in ("tables", "sequences", "views", "enums"):
        assert sorted(getattr(schema, kind)) == sorted(getattr(alone, kind))
    assert list(schema.tables) == list(alone.tables)


@pytest.mark.parametrize("case", CASES)
def test_each_object_has_its_place_in_the_script_that_it_is_from(case: str) -> None:
    """What is the same in both is one object, and has the place of the first."""
    dialect, before, old, new, _ = CASES[case]
    texts = {"1.sql": before, "2.sql": before.replace(old, new)}
    both = load_both({"1.sql": texts["1.sql"]}, {"2.sql": texts["2.sql"]}, dialect)
    for schema, alone in zip(
        (both[0].schema, both[1]),
        (load({n: t}, dialect).schema for n, t in texts.items()),
        strict=True,
    ):
        for (kind, name, at), (_, _, own) in zip(places(schema), places(alone), strict=True):
            if at is None or own is None:
                assert at is own, (kind, name)
                continue
            said, right = (texts[a.file][a.offset :].partition("\n")[0] for a in (at, own))
            assert said[:9] == right[:9], (kind, name)


def places(schema: Schema) -> Iterator[tuple[str, str, At | None]]:
    groups: list[Any] = [schema.tables, schema.sequences, schema.enums]
    for group in groups:
        for name, item in group.items():
            yield type(item).__name__, str(name), item.at
    for name, table in schema.tables.items():
        parts: list[Any] = [table.columns, table.keys, table.foreign_keys, table.indexes]
        for part in parts:
            for label, item in part.items():
                yield type(item).__name__, f"{name}.{label}", item.at
