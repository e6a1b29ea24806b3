"""Rules on conditions, structure and partitions beyond their examples."""

from __future__ import annotations

import pytest
from schemas import reviewed

PARTITIONED = "CREATE TABLE p (id int, PRIMARY KEY (id)) PARTITION BY {} (id);\n"
CHECKS = [
    # rule, findings, condition on columns a int, b int NOT NULL, c text
    ("check-never-true", 1, "a > 5 AND a < 5"),
    ("check-never-true", 1, "a BETWEEN 9 AND 3"),
    ("check-never-true", 1, "c = 'x' AND c = 'y'"),
    ("check-never-true", 1, "(a = 1) AND (a <> 1)"),
    ("check-never-true", 1, "a IN (1, 2) AND NOT (a < 3)"),
    ("check-never-true", 1, "false"),
    ("check-never-true", 0, "a >= 5 AND a <= 5"),
    ("check-never-true", 0, "a > 5 AND b < 5"),
    ("check-never-true", 0, "a > 5 OR a < 3"),
    ("check-never-true", 0, "c = 'x' AND c = 'X'"),
    ("check-never-true", 0, "c = 'X' AND c <> 'x'"),
    ("check-never-true", 1, "c = 'x' AND c <> 'x'"),
    ("check-never-true", 0, "c > 'b' AND c < 'a'"),  # by the collation
    ("check-never-true", 0, "length(c) > 5 AND length(c) < 3"),
    (
        "check-never-true",
        0,
        "a > b AND a < 3 AND CASE WHEN b > 5 AND b < 3 THEN true ELSE a = 1 END",
    ),
    ("check-always-true", 1, "a <> 1 OR a <> 2"),
    ("check-always-true", 1, "c <> 'x' OR c <> 'y' OR b > 0"),
    ("check-always-true", 1, "a >= 5 OR a < 5"),
    ("check-always-true", 1, "b = b"),
    ("check-always-true", 1, "true"),
    ("check-always-true", 0, "c = 'X' OR c <> 'x'"),
    ("check-always-true", 0, "a <> 1 OR b <> 2"),
    ("check-always-true", 0, "a <> 1 AND a <> 2"),
    ("check-always-true", 0, "a > 5 OR a < 5"),
    ("check-always-true", 0, "a = ANY (ARRAY[1, 2])"),
    ("comparison-with-null", 1, "a = NULL"),
    ("comparison-with-null", 1, "c <> NULL::text OR b > 0"),
    ("comparison-with-null", 1, "c = ANY (ARRAY['x'::text, NULL::text])"),
    ("comparison-with-null", 0, "c <> 'x = NULL' AND a IS DISTINCT FROM NULL"),
    ("comparison-with-null", 0, "a >= b AND coalesce(a, NULL, 3) = 3"),
    ("values-in-check", 1, "c IN ('x', 'y')"),
]
SCRIPTS = [
    (
        "comparison-with-null",
        1,
        "CREATE TABLE t (id int PRIMARY KEY, gone date);\nCREATE INDEX ON t (id) WHERE"
        " gone = NULL;",
    ),
    ("comparison-with-null", 1, "CREATE DOMAIN d AS int CHECK (VALUE IN (1, NULL));"),
    (
        "comparison-with-null",
        0,
        "CREATE TABLE t (id int PRIMARY KEY, a int);\n"
        "CREATE VIEW v WITH (security_invoker) AS SELECT id FROM t WHERE a IN (1, 2) OR a IS NULL;",
    ),
    ("check-never-true", 1, "CREATE DOMAIN d AS int CHECK (VALUE > 5 AND VALUE < 3);"),
    (
        "check-never-true",
        1,
        "CREATE TABLE t (id int PRIMARY KEY, a int CHECK (a > 5) CHECK (a < 3));",
    ),
    ("check-never-true", 0, "CREATE TABLE t (id int PRIMARY KEY, CHECK (false) NO INHERIT);"),
    (
        "duplicate-check",
        0,
        "CREATE TABLE t (id int PRIMARY KEY, a int CHECK (a > 5) CHECK (a > 6));",
    ),
    (
        "check-not-enforced",
        1,
        "-- mysql 5.7\nCREATE TABLE t (id int PRIMARY KEY, a int, CHECK (a > 5));",
    ),
    ("check-not-enforced", 0, "CREATE TABLE t (id int PRIMARY KEY, a int CHECK (a > 5));"),
    ("unlogged-table", 0, "CREATE UNLOGGED TABLE search_cache (id int PRIMARY KEY);"),
    (
        "storage-engine-without-transactions",
        0,
        "-- mysql\nCREATE TEMPORARY TABLE t (id int PRIMARY KEY) ENGINE=MEMORY;",
    ),
    ("storage-engine-without-transactions", 1, "-- mysql\nCREATE TABLE t (id int) ENGINE = CSV;"),
    (
        "large-rows-without-rowid",
        0,
        "-- sqlite\nCREATE TABLE t (k BLOB NOT NULL PRIMARY KEY, n INTEGER) WITHOUT ROWID;",
    ),
    (
        "table-inheritance",
        0,
        PARTITIONED.format("LIST") + "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);",
    ),
    (
        "overlapping-partitions",
        0,
        PARTITIONED.format("RANGE")
        + "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (MINVALUE) TO (10);\n"
        "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (MAXVALUE);",
    ),
    (
        "overlapping-partitions",
        1,
        PARTITIONED.format("RANGE")
        + "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (9) TO (MAXVALUE);\n"
        "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (100) TO (200);",
    ),
    (
        "overlapping-partitions",
        1,
        PARTITIONED.format("LIST") + "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1, 2);\n"
        "CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2, 3);",
    ),
    (
        "gap-between-partitions",
        0,
        PARTITIONED.format("RANGE")
        + "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);\n"
        "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (20) TO (30);\n"
        "CREATE TABLE p3 PARTITION OF p DEFAULT;",
    ),
    (
        "gap-between-partitions",
        1,
        PARTITIONED.format("RANGE")
        + "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);\n"
        "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (20) TO (30);",
    ),
    (
        "key-without-partition-column",
        1,
        "-- mysql\nCREATE TABLE t (id int PRIMARY KEY, at date NOT NULL)\n"
        "PARTITION BY RANGE (YEAR(at)) (PARTITION p0 VALUES LESS THAN (2030));",
    ),
    (
        "table-without-partitions",
        0,
        PARTITIONED.format("RANGE")
        + "CREATE FUNCTION more() RETURNS void LANGUAGE plpgsql SET search_path = '' AS $$ BEGIN\n"
        "EXECUTE 'CREATE TABLE x PARTITION OF public.p FOR VALUES FROM (1) TO (2)'; END $$;",
    ),
    (
        "no-default-partition",
        0,
        "-- mysql\nCREATE TABLE t (id int PRIMARY KEY)\n"
        "PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN MAXVALUE);",
    ),
]


@pytest.mark.parametrize(("rule", "count", "condition"), CHECKS)
def test_checks(rule: str, count: int, condition: str) -> None:
    table = "CREATE TABLE t (id int PRIMARY KEY, a int, b int NOT NULL, c text, CHECK ({}));"
    report = reviewed(table.format(condition), only=(f"schema/{rule}",))
    assert len(report.findings) == count, [finding.message for finding in report.findings]


@pytest.mark.parametrize(("rule", "count", "script"), SCRIPTS)
def test_scripts(rule: str, count: int, script: str) -> None:
    report = reviewed(script, only=(f"schema/{rule}",))
    assert len(report.findings) == count, [finding.message for finding in report.findings]
    assert not [note for note in report.notes if "could not judge" in note]


@pytest.mark.parametrize("dialect", ["postgres", "mysql 8.0", "sqlite"])
def test_one_check_has_one_verdict_in_every_engine(dialect: str) -> None:
    script = (
        f"-- {dialect}\nCREATE TABLE t (id integer PRIMARY KEY, a int, CHECK (a > 5 and a < 3));"
    )
    messages = [f.message for f in reviewed(script, only=("schema/check-never-true",)).findings]
    assert len(messages) == 1
    assert messages[0].startswith("no value of `a` but NULL passes ")
