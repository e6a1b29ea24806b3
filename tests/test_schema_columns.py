"""Rules on columns and their defaults beyond their examples."""

from __future__ import annotations

import pytest
from schemas import reviewed

CASES = [
    # rule, findings, columns of a table (or all of the script)
    ("all-columns-nullable", 0, "a int, b int"),
    ("all-columns-nullable", 1, "a int, b int, c int"),
    ("all-columns-nullable", 0, "a int, b int, c int, CHECK (a IS NOT NULL OR b IS NOT NULL)"),
    (
        "all-columns-nullable",
        0,
        "CREATE TABLE t (x int, y int, a int, b int, c int, PRIMARY KEY (x, y));",
    ),
    (
        "all-columns-nullable",
        0,
        "CREATE TABLE u (id int PRIMARY KEY);\n"
        "CREATE TABLE t (id int PRIMARY KEY REFERENCES u, a int, b int, c int);",
    ),
    (
        "all-columns-nullable",
        1,
        "-- mysql\nCREATE TABLE t (id int PRIMARY KEY, a int, b int, c int);",
    ),
    (
        "all-columns-nullable",
        0,
        "CREATE TABLE t (host text PRIMARY KEY, a int, b int, c int);",
    ),
    ("all-columns-nullable", 1, "-- sqlite\nCREATE TABLE t (id INTEGER PRIMARY KEY, a, b, c);"),
    ("numbered-columns", 0, "address1 text, address2 text, address3 text"),
    ("numbered-columns", 0, "tag1 text, tag2 text"),
    ("numbered-columns", 0, "p50 int, p90 int, p99 int"),
    ("numbered-columns", 0, "phone1 text, phone2 int, phone3 date"),
    ("numbered-columns", 1, "phone_1 text, phone_2 text, phone_3 text"),
    ("list-in-text", 0, "tag_ids bigint[], ids text, kids text, grids text"),
    ("list-in-text", 1, "member_ids varchar(200)"),
    (
        "entity-attribute-value",
        0,
        "CREATE TABLE settings (key text PRIMARY KEY, value text NOT NULL);",
    ),
    (
        "entity-attribute-value",
        1,
        "-- mysql\nCREATE TABLE post_meta (meta_id int PRIMARY KEY, post_id int NOT NULL,"
        " meta_key varchar(200), meta_value longtext);",
    ),
    (
        "data-in-table-names",
        0,
        "CREATE TABLE sales (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);\n"
        "CREATE TABLE sales_2020 PARTITION OF sales FOR VALUES FROM ('2020-01-01') TO"
        " ('2021-01-01');\n"
        "CREATE TABLE sales_2021 PARTITION OF sales FOR VALUES FROM ('2021-01-01') TO"
        " ('2022-01-01');",
    ),
    ("data-in-table-names", 0, "CREATE TABLE iso_2022 (id int PRIMARY KEY, name text NOT NULL);"),
    ("data-in-column-names", 0, "sold_2020 int, port_2049 int"),
    ("table-without-columns", 0, "-- sqlite\nCREATE TABLE t (a);"),
    ("frozen-default", 1, "at timestamp DEFAULT 'now'"),
    ("frozen-default", 1, "at date DEFAULT date 'today'"),
    ("frozen-default", 0, "at date DEFAULT ('now'::text)::date"),
    ("frozen-default", 0, "at timestamptz DEFAULT now(), b timestamptz DEFAULT 'epoch'"),
    ("frozen-default", 0, "state text DEFAULT 'now'"),
    ("quoted-default", 1, "token text DEFAULT 'gen_random_uuid()'"),
    (
        "quoted-default",
        1,
        "-- mysql\nCREATE TABLE t (id int PRIMARY KEY, at varchar(30) DEFAULT"
        " 'CURRENT_TIMESTAMP');",
    ),
    (
        "quoted-default",
        0,
        "at timestamptz DEFAULT 'now()', how text DEFAULT 'now', word text DEFAULT 'random'",
    ),
    (
        "null-as-text",
        1,
        "-- mysql\nCREATE TABLE t (id int PRIMARY KEY, a varchar(9) DEFAULT 'null');",
    ),
    (
        "null-as-text",
        0,
        "a jsonb DEFAULT 'null', b text DEFAULT NULL::text, c text DEFAULT 'nullable'",
    ),
    ("default-does-not-fit", 1, "a smallint DEFAULT 40000"),
    (
        "default-does-not-fit",
        0,
        "CREATE TYPE mood AS ENUM ('ok', 'sad');\n"
        "CREATE TABLE t (id int PRIMARY KEY, a mood DEFAULT 'ok');\n"
        "ALTER TYPE mood RENAME VALUE 'ok' TO 'fine';",
    ),
    ("default-does-not-fit", 1, "a integer DEFAULT 'none'"),
    (
        "default-does-not-fit",
        0,
        "a integer DEFAULT '5', b bigint DEFAULT 40000 * 2, c char(3) DEFAULT 'ab   '",
    ),
    ("default-does-not-fit", 0, "a varchar(3)[] DEFAULT '{abcdef}', b boolean DEFAULT 'yes'"),
    (
        "default-does-not-fit",
        1,
        "-- mysql\nCREATE TABLE t (id int PRIMARY KEY, a enum('x', 'y') DEFAULT 'z');",
    ),
    (
        "default-does-not-fit",
        0,
        "-- mysql\nCREATE TABLE t (id int PRIMARY KEY, a enum('x', 'y') DEFAULT 'X');",
    ),
    (
        "default-does-not-fit",
        1,
        "-- mysql\nCREATE TABLE t (id int PRIMARY KEY, a tinyint unsigned DEFAULT -1);",
    ),
    (
        "default-does-not-fit",
        1,
        "CREATE TYPE mood AS ENUM ('sad', 'happy');\n"
        "CREATE TABLE t (id int PRIMARY KEY, a mood DEFAULT 'ok');",
    ),
    ("default-breaks-check", 1, "a int DEFAULT 0 CHECK (a > 0)"),
    ("default-breaks-check", 1, "a date DEFAULT '2030-01-02' CHECK (a <= '2030-01-01')"),
    (
        "default-breaks-check",
        0,
        "a timestamp DEFAULT '2030-01-01 00:00:00' CHECK (a <= '2030-01-01')",
    ),
    ("default-breaks-check", 0, "a int DEFAULT 0 CHECK (a > 0 OR a = 0)"),
    ("default-breaks-check", 0, "a int DEFAULT 0, b int, CHECK (a > 0 OR b > 0)"),
    ("default-breaks-check", 1, "a text DEFAULT 'x' CHECK (a = ANY (ARRAY['y'::text, 'z'::text]))"),
    ("default-breaks-check", 0, "a text DEFAULT 'X' CHECK (a IN ('x'))"),
    ("nullable-column", 0, "-- sqlite\nCREATE TABLE t (id INTEGER PRIMARY KEY);"),
    (
        "column-without-default",
        0,
        "-- mysql\nCREATE TABLE t (id int PRIMARY KEY, a blob, b json, c text);",
    ),
    ("volatile-default", 0, "a text DEFAULT 'random()', b timestamptz DEFAULT now()"),
    ("opposite-booleans", 0, "is_active boolean, is_interactive boolean"),
    ("soft-delete-blocks-unique", 0, "email text UNIQUE, expired_at timestamptz"),
]


def script(text: str) -> str:
    """Columns alone stand for a table with a key."""
    return text if ";" in text else f"CREATE TABLE things (id int PRIMARY KEY, {text});"


@pytest.mark.parametrize(("rule", "count", "text"), CASES)
def test_what_is_found(rule: str, count: int, text: str) -> None:
    report = reviewed(script(text), only=(f"schema/{rule}",))
    assert len(report.findings) == count, [finding.message for finding in report.findings]
    assert not [note for note in report.notes if "could not judge" in note]
