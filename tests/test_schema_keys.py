"""Rules on keys: what they must see beyond their examples, and what they must leave alone."""

from __future__ import annotations

import pytest
from schemas import reviewed

LINK = (
    "CREATE TABLE companies (id int PRIMARY KEY);\nCREATE TABLE tags (id int PRIMARY KEY);\n"
    "CREATE TABLE %s (id int PRIMARY KEY, company int NOT NULL REFERENCES companies,\n"
    "  tag int NOT NULL REFERENCES tags%s);\n%s"
)
CASES = [
    # rule, findings, example
    ("table-without-primary-key", 0, "CREATE TEMPORARY TABLE t (a int);"),
    ("table-without-primary-key", 1, "CREATE TABLE t (a int UNIQUE);"),
    ("table-without-primary-key", 1, "CREATE TABLE t (a int NOT NULL UNIQUE DEFERRABLE);"),
    (
        "table-without-primary-key",
        1,
        "CREATE TABLE t (a int, b int) PARTITION BY LIST (b);\n"
        "CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1);",
    ),
    (
        "table-without-primary-key",
        1,
        "CREATE TABLE p (a int PRIMARY KEY);\nCREATE TABLE c () INHERITS (p);",
    ),
    ("table-without-primary-key", 0, "CREATE TABLE t (a int);\nALTER TABLE t ADD PRIMARY KEY (a);"),
    (
        "table-without-primary-key",
        1,
        "CREATE TABLE t (a int PRIMARY KEY);\nALTER TABLE t DROP CONSTRAINT t_pkey;",
    ),
    ("table-without-primary-key", 1, "-- mysql\nCREATE TABLE t (a int, UNIQUE KEY (a));"),
    ("table-without-primary-key", 1, "-- sqlite\nCREATE TABLE t (a int);"),
    ("unique-key-not-primary", 1, "-- mysql\nCREATE TABLE t (a int NOT NULL, UNIQUE KEY (a));"),
    ("unique-key-not-primary", 0, "-- sqlite\nCREATE TABLE t (a int NOT NULL UNIQUE);"),
    (
        "unique-key-not-primary",
        1,
        "CREATE TABLE t (a int NOT NULL);\nCREATE UNIQUE INDEX ON t (a);",
    ),
    (
        "unique-key-not-primary",
        0,
        "CREATE TABLE t (a int NOT NULL);\nCREATE UNIQUE INDEX ON t (a) WHERE a > 0;",
    ),
    ("link-table-without-key", 1, LINK % ("companies_tag", "", "")),
    ("link-table-without-key", 0, LINK % ("visits", "", "")),
    ("link-table-without-key", 0, LINK % ("company_tags", ", note text", "")),
    ("link-table-without-key", 1, LINK % ("company_tags", ", created_at timestamptz", "")),
    ("link-table-without-key", 0, LINK % ("company_tags", ", UNIQUE (tag, company)", "")),
    (
        "link-table-without-key",
        0,
        LINK % ("company_tags", "", "CREATE TABLE x (l int REFERENCES company_tags);"),
    ),
    ("nullable-primary-key", 0, "-- sqlite\nCREATE TABLE t (a INTEGER PRIMARY KEY);"),
    ("nullable-primary-key", 1, "-- sqlite\nCREATE TABLE t (a INT PRIMARY KEY);"),
    ("nullable-primary-key", 0, "-- sqlite\nCREATE TABLE t (a TEXT PRIMARY KEY) WITHOUT ROWID;"),
    ("nullable-primary-key", 0, "-- sqlite\nCREATE TABLE t (a TEXT PRIMARY KEY) STRICT;"),
    ("nullable-primary-key", 2, "-- sqlite\nCREATE TABLE t (a TEXT, b TEXT, PRIMARY KEY (a, b));"),
    ("nullable-primary-key", 0, "CREATE TABLE t (a text PRIMARY KEY);"),
    ("primary-key-type", 2, "CREATE TABLE t (a int, b text, c date, PRIMARY KEY (a, b, c));"),
    ("primary-key-type", 0, "-- mysql\nCREATE TABLE t (a int(5) PRIMARY KEY);"),
    ("natural-primary-key", 0, "-- mysql\nCREATE TABLE t (a char(36) PRIMARY KEY);"),
    (
        "serial-column",
        0,
        "CREATE SEQUENCE s;\nCREATE TABLE t (a int DEFAULT nextval('s') PRIMARY KEY);",
    ),
    ("serial-column", 0, "-- postgres 9.6\nCREATE TABLE t (a serial PRIMARY KEY);"),
    ("narrow-integer-key", 1, "CREATE TABLE t (a serial PRIMARY KEY);"),
    ("narrow-integer-key", 0, "CREATE TABLE t (a integer PRIMARY KEY);"),
    ("narrow-integer-key", 0, "-- sqlite\nCREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT);"),
    ("narrow-integer-key", 1, "-- mysql\nCREATE TABLE t (a int AUTO_INCREMENT PRIMARY KEY);"),
    ("auto-increment-not-key", 0, "-- mysql\nCREATE TABLE t (a int AUTO_INCREMENT, KEY (a));"),
    (
        "auto-increment-not-key",
        1,
        "-- mysql\nCREATE TABLE t (a int AUTO_INCREMENT, b int, KEY (b, a));",
    ),
    (
        "auto-increment-not-integer",
        0,
        "-- mysql 8.0\nCREATE TABLE t (a float AUTO_INCREMENT PRIMARY KEY);",
    ),
    (
        "auto-increment-not-integer",
        1,
        "-- mysql 8.4\nCREATE TABLE t (a float AUTO_INCREMENT PRIMARY KEY);",
    ),
    (
        "auto-increment-not-integer",
        1,
        "-- mysql\nCREATE TABLE t (a int, b int);\n"
        "ALTER TABLE t MODIFY COLUMN a varchar(255) AUTO_INCREMENT;",
    ),
    (
        "auto-increment-signed",
        0,
        "-- mysql\nCREATE TABLE t (a int unsigned AUTO_INCREMENT PRIMARY KEY);",
    ),
    ("random-uuid-key", 1, "-- mysql\nCREATE TABLE t (a char(36) DEFAULT (uuid()) PRIMARY KEY);"),
    (
        "random-uuid-key",
        0,
        "-- mysql\nCREATE TABLE t (a binary(16) DEFAULT (uuid_to_bin(uuid(), 1)) PRIMARY KEY);",
    ),
    ("random-uuid-key", 0, "-- mariadb\nCREATE TABLE t (a uuid DEFAULT uuid() PRIMARY KEY);"),
]


@pytest.mark.parametrize(("rule", "count", "example"), CASES)
def test_what_is_found(rule: str, count: int, example: str) -> None:
    findings = reviewed(example, only=(f"schema/{rule}",)).findings
    assert len(findings) == count, [finding.message for finding in findings]


GROWTH = [
    (1_000_000_000, 0, 0),  # under half of 2,147,483,647
    (1_100_000_000, 0, 1),
    (1_000, 1_000_000, 0),  # 5.9 years
    (1_000, 1_300_000, 1),  # 4.5 years
]


@pytest.mark.parametrize(("rows", "per_day", "count"), GROWTH)
def test_a_key_runs_out_by_rows_or_by_growth(rows: int, per_day: int, count: int) -> None:
    facts = f'{{"tables": {{"t": {{"rows": {rows}, "rows_per_day": {per_day}}}}}}}'
    example = f"-- facts: {facts}\nCREATE TABLE t (id serial PRIMARY KEY);"
    assert len(reviewed(example, only=("schema/integer-key-runs-out",)).findings) == count


def test_a_key_runs_out_by_its_sequence_though_the_rows_are_few() -> None:
    facts = '{"sequences": {"t_id_seq": {"last": 2000000000}}}'
    example = f"-- facts: {facts}\nCREATE TABLE t (id serial PRIMARY KEY);"
    (finding,) = reviewed(example, only=("schema/integer-key-runs-out",)).findings
    assert "93% of its 2,147,483,647" in finding.message


def test_an_index_is_promoted_to_the_primary_key() -> None:
    example = "CREATE TABLE t (a int NOT NULL);\nCREATE UNIQUE INDEX t_a ON t (a);"
    (finding,) = reviewed(example, only=("schema/unique-key-not-primary",)).findings
    assert finding.ddl == ("ALTER TABLE t ADD CONSTRAINT t_a PRIMARY KEY USING INDEX t_a",)
