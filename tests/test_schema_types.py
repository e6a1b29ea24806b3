"""Rules on types and character sets beyond their examples."""

from __future__ import annotations

import pytest
from schemas import reviewed

CASES = [
    # rule, findings, columns of a table (or all of the script)
    ("float-for-money", 1, "total_amount real"),
    ("float-for-money", 1, "shipping_cost_usd double precision"),
    ("float-for-money", 0, "tax_rate real, cost_factor real, score real, planner_cost real"),
    ("float-for-money", 0, "total real"),
    ("float-for-money", 1, "CREATE TABLE invoices (id int PRIMARY KEY, total real NOT NULL);"),
    ("float-for-money", 1, "-- sqlite\nCREATE TABLE t (id INTEGER PRIMARY KEY, price REAL);"),
    ("float-for-money", 1, "-- mysql\nCREATE TABLE t (id int PRIMARY KEY, price float);"),
    ("float-for-money", 0, "-- mysql\nCREATE TABLE t (id int PRIMARY KEY, price decimal(9,2));"),
    ("money-as-text", 0, "tax text, payment text, price_list text, cost_center text"),
    ("money-as-text", 1, "amount varchar(20)"),
    ("moment-as-text", 1, "deleted_at text"),
    ("moment-as-text", 1, "birth_date varchar(10)"),
    ("moment-as-text", 0, "what_at text, date_format text, update_mode text, time_zone text"),
    ("moment-as-text", 0, "looked_at timestamptz"),
    ("moment-as-text", 0, "-- sqlite\nCREATE TABLE t (id INTEGER PRIMARY KEY, created_at TEXT);"),
    ("money-type", 1, "sums money[]"),
    (
        "unsupported-reg-type",
        7,
        "a regcollation, b regconfig, c regdictionary, d regnamespace, e regoper, f regproc,"
        " g regprocedure, h regclass, i regrole, j regtype",
    ),
    (
        "unsupported-reg-type",
        1,
        "CREATE DOMAIN handler AS regproc;\nCREATE TABLE t (id int PRIMARY KEY, f handler);",
    ),
    ("json-not-comparable", 0, "-- mysql\nCREATE TABLE t (id int PRIMARY KEY, data json);"),
    (
        "mixed-time-zones",
        0,
        "CREATE TABLE a (id int PRIMARY KEY, created_at timestamp);\n"
        "CREATE TABLE b (id int PRIMARY KEY, seen_at timestamptz);",
    ),
    (
        "mixed-time-zones",
        1,
        "CREATE TABLE a (id int PRIMARY KEY, made_at timestamptz, seen_at timestamptz);\n"
        "CREATE TABLE b (id int PRIMARY KEY, made_at timestamptz, seen_at timestamptz);\n"
        "CREATE TABLE c (id int PRIMARY KEY, made_at timestamp, seen_at timestamp);",
    ),
    (
        "inconsistent-key-type",
        0,
        "CREATE TABLE kinds (id int PRIMARY KEY);\n"
        "CREATE TABLE a (id int PRIMARY KEY, type_id int REFERENCES kinds);\n"
        "CREATE TABLE b (id int PRIMARY KEY, type_id text);",
    ),
    (
        "inconsistent-key-type",
        0,
        "CREATE TABLE users (id int PRIMARY KEY);\n"
        "CREATE TABLE a (id int PRIMARY KEY, user_id int REFERENCES users);\n"
        "CREATE TABLE b (id int PRIMARY KEY, user_id text, user_type text);",
    ),
    (
        "text-as-number",
        0,
        "-- sqlite\nCREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b ANY) STRICT;",
    ),
    ("misspelt-type", 1, "-- sqlite\nCREATE TABLE t (id INTEGER PRIMARY KEY, a INTERGER);"),
    (
        "misspelt-type",
        0,
        "-- sqlite\nCREATE TABLE t (id INTEGER PRIMARY KEY, a, b DATETIME, c VARCHAR(3),"
        " d GEOMETRY,"
        " e UNSIGNED BIG INT, f DOUBLE PRECISION, g HSTORE);",
    ),
    (
        "type-too-long",
        0,
        "-- mysql\nCREATE TABLE t (id int PRIMARY KEY, a varchar(16383)) CHARSET=utf8mb4;",
    ),
    ("type-too-long", 1, "-- mysql\nCREATE TABLE t (id int PRIMARY KEY, a char(256));"),
    ("type-too-long", 1, "-- mysql 8.0\nCREATE TABLE t (id int PRIMARY KEY, a varchar(30000));"),
    (
        "type-too-long",
        0,
        "-- mysql\nCREATE TABLE t (id int PRIMARY KEY, a varchar(30000)) CHARSET=latin1;",
    ),
    (
        "row-too-long",
        0,
        "-- mysql\nCREATE TABLE t (id int PRIMARY KEY, a varchar(9000), b varchar(7000))"
        " CHARSET=utf8mb4;",
    ),
    ("enum-of-numbers", 0, "-- mysql\nCREATE TABLE t (id int PRIMARY KEY, a enum('1', '2', '3'));"),
    ("enum-of-numbers", 0, "-- mysql\nCREATE TABLE t (id int PRIMARY KEY, a enum('0', 'x'));"),
    (
        "incomplete-charset",
        0,
        "-- mysql\nCREATE TABLE t (id int PRIMARY KEY, a int) CHARSET=latin1;",
    ),
    (
        "incomplete-charset",
        1,
        "-- mysql\nCREATE TABLE t (id int PRIMARY KEY, a text, b text) CHARSET=latin1;",
    ),
    (
        "incomplete-charset",
        1,
        "-- mysql\nCREATE TABLE t (id int PRIMARY KEY, a text CHARSET utf8mb3, b text"
        " CHARSET utf8mb3);",
    ),
    (
        "incomplete-charset",
        2,
        "-- mysql\nCREATE TABLE t (id int PRIMARY KEY, a text) CHARSET=utf8mb3;\n"
        "CREATE TABLE u (id int PRIMARY KEY, a text) CHARSET=utf8mb3;\n"
        "CREATE TABLE v (id int PRIMARY KEY, a text CHARSET utf8mb3) CHARSET=latin1;\n"
        "CREATE TABLE w (id int PRIMARY KEY, a text) CHARSET=latin1;",
    ),
    (
        "incomplete-charset",
        0,
        "-- mysql\nCREATE TABLE t (id int PRIMARY KEY, uuid char(36), state text) CHARSET=utf8mb3;",
    ),
    (
        "collations-differ",
        0,
        "-- mysql\nCREATE TABLE a (code varchar(9) PRIMARY KEY) COLLATE utf8mb4_bin;\n"
        "CREATE TABLE b (id int PRIMARY KEY, code varchar(9)) COLLATE utf8mb4_unicode_ci;",
    ),
    ("padded-char", 0, "-- mysql\nCREATE TABLE t (id int PRIMARY KEY, hash char(40));"),
    ("rounded-timestamp", 1, "seen timestamp(0)"),
    ("large-object-column", 0, "hash bytea, sum bit(8)"),
    (
        "column-padding",
        1,
        "a boolean NOT NULL, b bigint NOT NULL, c boolean NOT NULL, d bigint NOT NULL",
    ),
    ("column-padding", 0, "a text, b boolean, c bigint, d boolean, e bigint"),
]


def script(text: str) -> str:
    """Columns alone stand for a table with a key."""
    return text if ";" in text else f"CREATE TABLE things (id int PRIMARY KEY, {text});"


@pytest.mark.parametrize(("rule", "count", "text"), CASES)
def test_what_is_found(rule: str, count: int, text: str) -> None:
    report = reviewed(script(text), only=(f"schema/{rule}",))
    assert len(report.findings) == count, [finding.message for finding in report.findings]
    assert not [note for note in report.notes if "could not judge" in note]
