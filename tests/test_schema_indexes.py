"""Rules on indexes: what they must see beyond their examples, and what they must leave alone."""

from __future__ import annotations

import pytest
from schemas import reviewed

T = "CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL, b int, s text, UNIQUE (a, b));\n"
MY = (
    "-- mysql\nCREATE TABLE t (id int PRIMARY KEY, a int NOT NULL, b int, s text, k varchar(50));\n"
)
PARTED = (
    "CREATE TABLE p (a int, b int, PRIMARY KEY (a)) PARTITION BY LIST (a);\n"
    "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);\n"
)

CASES = [
    # rule, findings, example
    (
        "duplicate-index",
        1,
        T + "CREATE INDEX x ON t (b);\nCREATE INDEX y ON t (b);\nCREATE INDEX z ON t (b);",
    ),
    ("duplicate-index", 1, T + "CREATE UNIQUE INDEX x ON t (b);\nCREATE INDEX y ON t (b);"),
    (
        "duplicate-index",
        0,
        "-- mysql\nCREATE TABLE t (a int PRIMARY KEY, b int, KEY x (b));\n"
        "CALL drop_index('t', 'x');\nCREATE INDEX y ON t (b);",
    ),
    ("duplicate-index", 0, T + "CREATE INDEX x ON t (b);\nCREATE INDEX y ON t (b DESC);"),
    ("duplicate-index", 0, T + "CREATE INDEX x ON t (b);\nCREATE INDEX y ON t (b) WHERE a > 0;"),
    (
        "duplicate-index",
        1,
        T + "CREATE INDEX x ON t (b) WHERE a>0;\nCREATE INDEX y ON t (b) WHERE (a > 0);",
    ),
    (
        "duplicate-index",
        0,
        T + "CREATE INDEX x ON t (s);\nCREATE INDEX y ON t (s text_pattern_ops);",
    ),
    ("duplicate-index", 0, T + 'CREATE INDEX x ON t (s);\nCREATE INDEX y ON t (s COLLATE "C");'),
    ("duplicate-index", 0, T + "CREATE INDEX x ON t (b);\nCREATE INDEX y ON t USING hash (b);"),
    ("duplicate-index", 0, T + "CREATE INDEX x ON t (b) INCLUDE (s);\nCREATE INDEX y ON t (b);"),
    ("duplicate-index", 1, T + "CREATE INDEX x ON t (lower(s));\nCREATE INDEX y ON t (lower(s));"),
    (
        "duplicate-index",
        1,
        MY + "CREATE INDEX x ON t (k, (a * 2));\nCREATE INDEX y ON t (k, (a * 2));",
    ),
    ("duplicate-index", 0, MY + "CREATE INDEX x ON t (k(10));\nCREATE INDEX y ON t (k(20));"),
    (
        "duplicate-index",
        1,  # InnoDB builds b-trees all the same
        MY + "CREATE INDEX x USING BTREE ON t (k);\nCREATE INDEX y USING HASH ON t (k);",
    ),
    ("duplicate-index", 0, T + "CREATE INDEX x ON t (id);"),
    (
        "duplicate-index",
        1,
        "CREATE MATERIALIZED VIEW v AS SELECT 1 AS a;\n"
        "CREATE INDEX x ON v (a);\nCREATE INDEX y ON v (a);",
    ),
    ("duplicate-index", 1, PARTED + "CREATE INDEX x ON p (b);\nCREATE INDEX y ON p (b);"),
    ("index-duplicates-key", 1, T + "CREATE INDEX x ON t (id);"),
    ("index-duplicates-key", 1, T + "CREATE UNIQUE INDEX x ON t (a, b);"),
    ("index-duplicates-key", 0, T + "CREATE UNIQUE INDEX x ON t (a, b) NULLS NOT DISTINCT;"),
    (
        "index-duplicates-key",
        1,
        "CREATE TABLE t (id int PRIMARY KEY);\nALTER TABLE t ADD UNIQUE (id);",
    ),
    ("index-duplicates-key", 1, "-- sqlite\n" + T + "CREATE INDEX x ON t (a, b);"),
    ("redundant-index", 1, T + "CREATE INDEX x ON t (a);"),
    ("redundant-index", 0, T + "CREATE INDEX x ON t (b);"),
    ("redundant-index", 0, T + "CREATE UNIQUE INDEX x ON t (a);"),
    ("redundant-index", 0, T + "CREATE INDEX x ON t (a) WHERE b > 0;"),
    ("redundant-index", 0, T + "CREATE INDEX x ON t (a) INCLUDE (s);"),
    ("redundant-index", 1, T + "CREATE INDEX x ON t (a) INCLUDE (b);"),
    ("redundant-index", 1, T + "CREATE INDEX x ON t (a DESC);"),
    ("redundant-index", 0, T + "CREATE INDEX x ON t USING hash (a);"),
    ("redundant-index", 0, MY + "CREATE INDEX x ON t (k(10));\nCREATE INDEX y ON t (k(20), a);"),
    (
        "index-left-on-parent",
        0,
        "CREATE TABLE p (a int) PARTITION BY LIST (a);\nCREATE INDEX ON ONLY p (a);",
    ),
    ("index-left-on-parent", 1, PARTED + "CREATE INDEX x ON ONLY p (b);"),
    ("duplicate-column-in-index", 1, "-- mysql\nCREATE TABLE t (a int, INDEX idx_a (a, a));"),
    ("duplicate-column-in-index", 1, "CREATE TABLE t (a int);\nALTER TABLE t ADD UNIQUE (a, a);"),
    ("duplicate-column-in-index", 0, T + "CREATE INDEX ON t (s, s text_pattern_ops);"),
    ("index-not-supported", 1, "CREATE TABLE t (a point PRIMARY KEY);"),
    ("index-not-supported", 1, T + "CREATE UNIQUE INDEX ON t USING hash (b);"),
    ("index-not-supported", 1, T + "CREATE INDEX ON t USING hash (a, b);"),
    ("index-not-supported", 0, "CREATE TABLE t (a point);\nCREATE INDEX ON t USING gist (a);"),
    ("index-not-supported", 0, "CREATE TABLE t (a json);\nCREATE INDEX ON t ((a ->> 'x'));"),
    ("btree-on-container", 0, "CREATE TABLE t (a text[] UNIQUE);"),
    ("btree-on-container", 1, "CREATE TABLE t (a jsonb);\nCREATE INDEX ON t (a);"),
    ("btree-on-container", 0, "CREATE TABLE t (a jsonb);\nCREATE INDEX ON t USING gin (a);"),
    ("index-without-length", 1, MY + "CREATE INDEX x ON t (s);"),
    ("index-without-length", 0, MY + "CREATE INDEX x ON t (s(9));"),
    ("index-without-length", 0, MY + "CREATE FULLTEXT INDEX x ON t (s);"),
    ("index-without-length", 0, MY.replace("mysql", "mariadb") + "CREATE UNIQUE INDEX x ON t (s);"),
    ("index-key-too-long", 0, "-- mysql 5.7\nCREATE TABLE t (k varchar(1000), KEY (k));"),
    ("index-key-too-long", 1, "-- mysql 8.0\nCREATE TABLE t (k varchar(1000), KEY (k));"),
    (
        "index-key-too-long",
        0,
        "-- mysql 8.0\nCREATE TABLE t (k varchar(1000), KEY (k)) CHARSET latin1;",
    ),
    ("index-key-too-long", 0, "-- mysql 8.0\nCREATE TABLE t (k varchar(768), KEY (k));"),
    (
        "index-key-too-long",
        1,
        "-- mysql 8.0\nCREATE TABLE t (k varchar(255), KEY (k)) ROW_FORMAT=COMPACT;",
    ),
    (
        "unique-defeated-by-null",
        1,
        "CREATE TABLE t (a int, deleted_at date);\nCREATE UNIQUE INDEX ON t (a, deleted_at);",
    ),
    (
        "unique-defeated-by-null",
        0,
        "CREATE TABLE t (a int, deleted_at date, UNIQUE NULLS NOT DISTINCT (a, deleted_at));",
    ),
    (
        "unique-defeated-by-null",
        0,
        "CREATE TABLE t (a int, deleted_at date, UNIQUE (a, deleted_at));\n"
        "CREATE UNIQUE INDEX ON t (a) WHERE deleted_at IS NULL;",
    ),
    (
        "unique-defeated-by-null",
        0,
        "CREATE TABLE t (a int, deleted_at date NOT NULL, UNIQUE (a, deleted_at));",
    ),
    (
        "unique-defeated-by-null",
        1,
        "-- mysql\nCREATE TABLE t (a int, deleted_at datetime, UNIQUE KEY (a, deleted_at));",
    ),
    (
        "wide-index",
        2,
        "CREATE TABLE t (a int, b int, c int, d int, e int, f int, UNIQUE (a, b, c, d, e, f));\n"
        "CREATE INDEX ON t (f, e, d, c, b, a);",
    ),
    (
        "time-before-other-columns",
        0,
        "CREATE TABLE t (a int, at timestamp);\nCREATE INDEX ON t (a, at);",
    ),
    ("needless-index-predicate", 0, T + "CREATE INDEX ON t (b) WHERE b IS NOT NULL;"),
]


@pytest.mark.parametrize(("rule", "count", "example"), CASES)
def test_what_is_found(rule: str, count: int, example: str) -> None:
    findings = reviewed(example, only=(f"schema/{rule}",)).findings
    assert len(findings) == count, [finding.message for finding in findings]


DROPS = [
    (
        "duplicate-index",
        T + "CREATE INDEX x ON t (b);\nCREATE INDEX y ON t (b);",
        ("DROP INDEX CONCURRENTLY y",),
    ),
    # The plain one goes, wherever it stands.
    (
        "duplicate-index",
        T + "CREATE INDEX x ON t (b);\nCREATE UNIQUE INDEX y ON t (b);",
        ("DROP INDEX CONCURRENTLY x",),
    ),
    (
        "duplicate-index",
        MY + "CREATE INDEX x ON t (b);\nCREATE INDEX y ON t (b);",
        ("DROP INDEX y ON t",),
    ),
    (
        "duplicate-index",
        PARTED + "CREATE INDEX x ON p (b);\nCREATE INDEX y ON p (b);",
        ("DROP INDEX y",),
    ),
    (
        "duplicate-index",
        T + "CREATE INDEX x ON t (b);\nCREATE INDEX y ON t (b);\nALTER TABLE t CLUSTER ON y;",
        ("DROP INDEX CONCURRENTLY x",),
    ),
    (
        "index-duplicates-key",
        "CREATE TABLE t (id int PRIMARY KEY);\nALTER TABLE t ADD UNIQUE (id);",
        (),
    ),
    ("redundant-index", T + "CREATE INDEX x ON t (a);", ("DROP INDEX CONCURRENTLY x",)),
]


@pytest.mark.parametrize(("rule", "example", "statements"), DROPS)
def test_which_index_is_dropped(rule: str, example: str, statements: tuple[str, ...]) -> None:
    (finding,) = reviewed(example, only=(f"schema/{rule}",)).findings
    assert finding.ddl == statements


def test_an_unused_index_is_told_only_after_a_month() -> None:
    example = '-- facts: {"statistics_seconds": %s, "indexes": {"x": {"scans": 0, "bytes": 9e6}}}\n'
    counts = [
        len(
            reviewed(
                example % seconds + T + "CREATE INDEX x ON t (b);", only=("schema/unused-index",)
            ).findings
        )
        for seconds in (1e6, 3e6)
    ]
    assert counts == [0, 1]
