"""Rules on names and comments beyond their examples."""

from __future__ import annotations

import pytest
from schemas import reviewed

CASES = [
    # rule, findings, script
    (
        "names-differ-by-case",
        1,
        'CREATE TABLE a (id int PRIMARY KEY);\nCREATE TABLE "A" (id int PRIMARY KEY);',
    ),
    ("names-differ-by-case", 0, 'CREATE TABLE "A" (id int PRIMARY KEY, "B" int, c int);'),
    ("name-with-hidden-characters", 1, 'CREATE TABLE "us\u200ders" (id int PRIMARY KEY);'),
    ("name-with-hidden-characters", 0, 'CREATE TABLE "größe in mm" (id int PRIMARY KEY);'),
    ("name-too-long", 0, f"-- mysql\nCREATE TABLE {'n' * 64} (id int PRIMARY KEY);"),
    ("name-too-long", 1, f"-- mysql\nCREATE TABLE t (id int PRIMARY KEY, {'n' * 65} int);"),
    ("name-at-limit", 0, f"CREATE TABLE {'n' * 62} (a int PRIMARY KEY);"),
    ("name-at-limit", 1, f"CREATE TABLE t (id int, {'n' * 70} int);"),
    ("table-name-not-snake-case", 0, "CREATE TABLE TechBook (id int PRIMARY KEY);"),
    ("table-name-not-snake-case", 1, "-- mysql\nCREATE TABLE TechBook (id int PRIMARY KEY);"),
    ("reserved-name", 1, "-- mysql\nCREATE TABLE `interval` (id int PRIMARY KEY);"),
    ("reserved-name", 0, "CREATE TABLE t (id int PRIMARY KEY, name text, type text, value text);"),
    ("name-needs-quotes", 1, 'CREATE TABLE t (id int PRIMARY KEY, "userId" int);'),
    ("name-needs-quotes", 0, "-- mysql\nCREATE TABLE t (id int PRIMARY KEY, userId int);"),
    (
        "inconsistent-name-style",
        0,
        "CREATE TABLE t (id int PRIMARY KEY, first_name text, age int);",
    ),
    ("index-name", 0, "CREATE TABLE t (id int PRIMARY KEY, a int);\nCREATE INDEX ON t (a);"),
    ("index-name", 0, "-- mysql\nCREATE TABLE t (id int PRIMARY KEY, a int, KEY (a));"),
    ("index-name", 1, "-- mysql\nCREATE TABLE t (id int PRIMARY KEY, a int, KEY t_by_a (a));"),
    ("unique-key-name", 0, "CREATE TABLE t (id int PRIMARY KEY, a int UNIQUE, b int UNIQUE);"),
    (
        "unique-key-name",
        1,
        "-- mysql\nCREATE TABLE t (id int PRIMARY KEY, a int, UNIQUE KEY one (a));",
    ),
    ("primary-key-name", 0, "-- mysql\nCREATE TABLE t (id int, CONSTRAINT x PRIMARY KEY (id));"),
    (
        "foreign-key-name",
        0,
        "-- mysql\nCREATE TABLE a (id int PRIMARY KEY);\n"
        "CREATE TABLE b (id int PRIMARY KEY, a_id int, FOREIGN KEY (a_id) REFERENCES a (id));",
    ),
    ("singular-and-plural", 0, "CREATE TABLE users (id int);\nCREATE TABLE people (id int);"),
    ("table-without-comment", 0, "-- sqlite\nCREATE TABLE t (id INTEGER PRIMARY KEY);"),
    ("table-without-comment", 1, "CREATE TABLE t (id int);\nCOMMENT ON TABLE t IS '';"),
    ("column-without-comment", 1, "-- mysql\nCREATE TABLE t (id int COMMENT 'Key', a int);"),
]


@pytest.mark.parametrize(("rule", "count", "script"), CASES)
def test_what_is_found(rule: str, count: int, script: str) -> None:
    report = reviewed(script, only=(f"schema/{rule}",))
    assert len(report.findings) == count, [finding.message for finding in report.findings]
    assert not [note for note in report.notes if "could not judge" in note]
