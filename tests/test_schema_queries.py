"""Rules on queries: what they must see beyond their examples, and what they must leave alone."""

from __future__ import annotations

import pytest
from schemas import reviewed

SCHEMA = """
CREATE TABLE a (
    id bigint PRIMARY KEY, name varchar(50) NOT NULL, at timestamp, b_id bigint, day date
);
CREATE TABLE b (id bigint PRIMARY KEY, code text, big bigint NOT NULL);
CREATE INDEX a_name ON a (name);
CREATE INDEX a_at ON a (at);
CREATE INDEX b_lower ON b (lower(code));
CREATE INDEX b_code ON b (code);
CREATE VIEW v AS SELECT id, name FROM a;
"""

CASES = [
    # rule, findings, query, engine
    ("query-names-unknown-table", 1, "SELECT 1 FROM nowhere, a", ""),
    ("query-names-unknown-table", 0, "SELECT 1 FROM A, v, pg_class", ""),
    ("query-names-unknown-table", 0, "WITH c AS (SELECT 1) SELECT * FROM c", ""),
    (
        "query-names-unknown-table",
        0,
        "WITH RECURSIVE c AS (SELECT 1 AS n UNION SELECT n + 1 FROM c) SELECT * FROM c",
        "",
    ),
    ("query-names-unknown-table", 0, "SELECT * FROM generate_series(1, 3) AS n", ""),
    ("query-names-unknown-table", 0, "CREATE TEMP TABLE x (id int); SELECT * FROM x", ""),
    ("query-names-unknown-table", 0, "SELECT 1 FROM other.thing", ""),
    ("query-names-unknown-column", 1, "SELECT a.nme FROM a", ""),
    ("query-names-unknown-column", 0, "SELECT a.NAME, a.ctid FROM a", ""),
    ("query-names-unknown-column", 1, "SELECT 1 FROM b WHERE EXISTS (SELECT b.x FROM a)", ""),
    ("query-names-unknown-column", 0, "SELECT s.x FROM (SELECT id AS x FROM a) AS s", ""),
    ("query-names-unknown-column", 0, "WITH a AS (SELECT 1 AS x) SELECT a.x FROM a", ""),
    ("query-names-unknown-column", 0, "SELECT x.one FROM a AS x (one, two)", ""),
    ("query-names-unknown-column", 0, "SELECT v.anything, n.y FROM v, lateral f(v.id) AS n", ""),
    ("query-names-unknown-column", 1, "SELECT nme FROM a", ""),
    ("query-names-unknown-column", 0, "SELECT name AS x FROM a ORDER BY x", ""),
    ("query-names-unknown-column", 0, "SELECT a, user FROM a", ""),
    ("query-names-unknown-column", 0, "SELECT x FROM a, v", ""),
    ("query-names-unknown-column", 1, "SELECT 1 FROM a WHERE nme = 'x' AND name = 'y'", "mysql"),
    ("query-names-unknown-column", 0, 'SELECT 1 FROM a WHERE name = "y"', "mysql"),
    ("query-names-unknown-column", 0, 'SELECT 1 FROM a WHERE name = "y"', "sqlite"),
    ("query-names-unknown-column", 0, "SELECT sum(id) AS n FROM a HAVING n > 1", "mysql"),
    (
        "query-names-unknown-column",
        0,
        "SELECT timestampdiff(SECOND, at, now()), at + INTERVAL 1 DAY FROM a",
        "mysql",
    ),
    ("query-names-unknown-column", 0, "SELECT a.rowid FROM a", "sqlite"),
    (
        "query-names-unknown-column",
        0,
        "INSERT INTO a (id, name) VALUES (1, 'x') ON CONFLICT (id)"
        " DO UPDATE SET name = excluded.name",
        "",
    ),
    ("query-compares-with-null", 1, "SELECT id FROM a WHERE NOT (at <> NULL)", ""),
    ("query-compares-with-null", 0, "UPDATE a SET at = NULL WHERE id = 1", ""),
    ("query-compares-with-null", 1, "SELECT 1 FROM a JOIN b ON a.b_id = NULL", ""),
    ("query-compares-with-null", 0, "SELECT id FROM a WHERE at IS NOT DISTINCT FROM NULL", ""),
    ("not-in-with-null", 1, "SELECT id FROM b WHERE id NOT IN (SELECT b_id FROM a)", ""),
    ("not-in-with-null", 0, "SELECT id FROM b WHERE id IN (SELECT b_id FROM a)", ""),
    ("not-in-with-null", 0, "SELECT id FROM b WHERE id NOT IN (SELECT id FROM a)", ""),
    (
        "not-in-with-null",
        0,
        "SELECT id FROM b WHERE id NOT IN (SELECT b_id FROM a WHERE b_id > 3)",
        "",
    ),
    ("not-in-with-null", 0, "SELECT id FROM b WHERE id NOT IN (1, 2)", ""),
    ("index-defeated", 1, "SELECT id FROM a WHERE upper(name) = 'X'", ""),
    ("index-defeated", 1, "DELETE FROM a WHERE id + 1 > 5", "mysql"),
    ("index-defeated", 1, "SELECT id FROM a WHERE at::date = '2024-01-01'", ""),
    ("index-defeated", 0, "SELECT id FROM a WHERE name::text = 'x'", ""),
    ("index-defeated", 0, "SELECT id FROM a WHERE id = abs(-5)", ""),
    ("index-defeated", 0, "SELECT id FROM b WHERE lower(code) = 'x'", ""),
    ("index-defeated", 0, "SELECT big FROM b WHERE big + 1 = 3", ""),
    ("index-defeated", 0, "SELECT name FROM a GROUP BY name HAVING length(name) > 3", ""),
    ("index-defeated", 0, "SELECT 1 FROM (SELECT name FROM a) AS s WHERE upper(s.name) = 'x'", ""),
    ("index-defeated", 1, "WITH a AS (SELECT * FROM a WHERE id / 2 = 1) SELECT 1 FROM a", ""),
    ("index-defeated", 1, "SELECT 1 FROM b JOIN a ON lower(a.name) = b.code", ""),
    ("number-compared-with-text-column", 1, "SELECT id FROM a WHERE name = 5", "mysql"),
    ("number-compared-with-text-column", 0, "SELECT id FROM a WHERE name = 5", "sqlite"),
    (
        "number-compared-with-text-column",
        0,
        "SELECT id FROM a WHERE id = 5 AND name = '5'",
        "mysql",
    ),
    (
        "between-dates-on-timestamp",
        1,
        "SELECT id FROM a WHERE at BETWEEN date '2024-01-01' AND date '2024-01-31'",
        "",
    ),
    (
        "between-dates-on-timestamp",
        0,
        "SELECT id FROM a WHERE day BETWEEN '2024-01-01' AND '2024-01-31'",
        "",
    ),
    (
        "between-dates-on-timestamp",
        0,
        "SELECT id FROM a WHERE at BETWEEN '2024-01-01' AND '2024-01-31 23:59:59'",
        "",
    ),
    ("write-without-where", 1, "UPDATE a SET name = 'x'", ""),
    ("write-without-where", 0, "UPDATE a SET name = b.code FROM b WHERE b.id = a.id", ""),
    ("write-without-where", 0, "UPDATE a JOIN b ON b.id = a.id SET a.name = b.code", "mysql"),
    ("write-without-where", 0, "SELECT id FROM a FOR UPDATE", ""),
    ("insert-without-columns", 1, "INSERT INTO b SELECT id, name, id FROM a", ""),
    ("insert-without-columns", 0, "INSERT INTO a DEFAULT VALUES", ""),
    ("insert-of-too-many-values", 1, "INSERT INTO b VALUES (1, 'x', 2, 3)", ""),
    ("insert-of-too-many-values", 0, "INSERT INTO b VALUES (1, 'x')", ""),
    ("insert-of-too-many-values", 0, "INSERT INTO b (id, code) VALUES (1, 'x'), (2, 'y')", ""),
    ("order-by-random", 1, "SELECT id FROM a ORDER BY rand() LIMIT 1", "mysql"),
    ("order-by-random", 0, "SELECT random() FROM a ORDER BY id", ""),
    ("deep-offset", 0, "SELECT id FROM a ORDER BY id LIMIT 10 OFFSET 100", ""),
    ("deep-offset", 1, "SELECT id FROM a ORDER BY id LIMIT 50000, 10", "mysql"),
    ("select-star", 1, "SELECT a.* FROM a", ""),
    ("select-star", 0, "SELECT 1 FROM b WHERE EXISTS (SELECT * FROM a)", ""),
    ("leading-wildcard", 0, "SELECT id FROM a WHERE name LIKE 'x%'", ""),
    (
        "having-without-aggregate",
        0,
        "SELECT sum(id) AS n FROM a GROUP BY name HAVING n > 1",
        "mysql",
    ),
    ("many-alternatives", 0, "SELECT id FROM a WHERE id = 1 OR name = 'x'", ""),
]


@pytest.mark.parametrize(("rule", "count", "query", "engine"), CASES)
def test_what_is_found(rule: str, count: int, query: str, engine: str) -> None:
    ddl = SCHEMA if engine != "mysql" else _for_mysql(SCHEMA)
    example = f"-- {engine or 'postgres'}\n{ddl}\n-- queries\n{query};"
    findings = reviewed(example, only=(f"schema/{rule}",)).findings
    assert len(findings) == count, [finding.message for finding in findings]


def _for_mysql(ddl: str) -> str:
    lines = [line for line in ddl.splitlines() if "INDEX b_" not in line]
    return "\n".join(lines).replace("code text", "code varchar(20), KEY (code)")


LARGE = '{"tables": {"a": {"rows": 2000000}, "b": {"rows": 50}}}'
LOOKED_UP = [
    ("SELECT id FROM a WHERE b_id = $1", 1),
    ("SELECT id FROM a WHERE b_id = $1 AND name = $2", 0),
    ("SELECT id FROM a WHERE b_id = $1 ORDER BY at LIMIT 3", 0),
    ("SELECT id FROM b WHERE big = 3", 0),
    ("SELECT a.id FROM b JOIN a ON a.id = b.id WHERE a.b_id = 3", 0),
    ("UPDATE a SET at = now() WHERE b_id = 3", 1),
    ("SELECT id FROM a WHERE b_id > 3", 0),
]


@pytest.mark.parametrize(("query", "count"), LOOKED_UP)
def test_a_large_table_is_not_searched_without_an_index(query: str, count: int) -> None:
    example = f"-- facts: {LARGE}\n{SCHEMA}\n-- queries\n{query};"
    findings = reviewed(example, only=("schema/query-without-index",)).findings
    assert len(findings) == count, [finding.message for finding in findings]
    assert [f.ddl for f in findings] == [
        ("CREATE INDEX CONCURRENTLY a_b_id_idx ON a (b_id)",)
    ] * count


def test_what_cannot_be_parsed_is_left_alone() -> None:
    rules = ("schema/query-names-unknown-column", "schema/index-defeated", "schema/select-star")
    report = reviewed(f"{SCHEMA}\n-- queries\nSELECT FROM WHERE;\n{'(' * 5000};", only=rules)
    assert report.findings == ()
    assert not [note for note in report.notes if "could not judge" in note]
