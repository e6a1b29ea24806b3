"""The scoring script (`benchmarks/score_schema.py`) on suites of the project's own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

from score_schema import BYTEBASE, SPLINTER, Same, assertions, bytebase, results, splinter

from backend_architect.tools.design_schema.rules import RULES

SQL = """
begin;
  select * from lint."0004_no_primary_key";
  create table public.a (id int primary key);
  savepoint one;
  create table public.b (id int);
  select * from lint."0004_no_primary_key";
  select count(*) from lint."0004_no_primary_key";
  rollback to savepoint one;
  select * from lint."0004_no_primary_key";
rollback;
"""
PRINTED = """begin;
  select * from lint."0004_no_primary_key";
 name | metadata | cache_key
------+----------+-----------
(0 rows)

  create table public.a (id int primary key);
  savepoint one;
  create table public.b (id int);
  select * from lint."0004_no_primary_key";
      name      |                       metadata                       | cache_key
----------------+------------------------------------------------------+-----------
 no_primary_key | {"name": "b", "type": "table", "schema": "public"} | b
(1 row)

  select count(*) from lint."0004_no_primary_key";
 count
-------
     1
(1 row)

  rollback to savepoint one;
  select * from lint."0004_no_primary_key";
 name | metadata | cache_key
------+----------+-----------
(0 rows)

rollback;
"""


def test_every_mapped_rule_exists() -> None:
    mapped = [*SPLINTER.values(), *BYTEBASE.values()]
    named = {f"schema/{rule}" for to in mapped if isinstance(to, Same) for rule in to.rules}
    assert named <= {rule.id for rule in RULES}


def test_a_lint_is_asked_after_the_statements_that_hold() -> None:
    asked = [(lints, statements[-1].text) for lints, statements in assertions(SQL)]
    assert [lints for lints, _ in asked] == [["0004_no_primary_key"]] * 4
    assert [text.startswith("create table public.b") for _, text in asked] == [0, 1, 1, 0]


def test_what_psql_printed_is_read() -> None:
    assert list(results(PRINTED)) == [[], ["b"], [""], []]


def test_a_suite_of_lints_is_scored(tmp_path: Path) -> None:
    for folder, suffix, text in (("sql", "sql", SQL), ("expected", "out", PRINTED)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"0004_no_primary_key.{suffix}").write_text(text, "utf-8")
    total, _ = splinter(tmp_path, verbose=False)
    assert (total.judged, total.true, total.extra, total.missed) == (4, 2, 0, 0)


def test_a_suite_of_statements_is_scored(tmp_path: Path) -> None:
    cases = [
        ("table_require_pk", "CREATE TABLE t(id INT)", [601]),
        ("table_require_pk", "CREATE TABLE t(id INT PRIMARY KEY)", []),
        ("table_require_pk", "DROP TABLE nothing", [601]),  # wanted, and not seen
        ("column_comment", "CREATE TABLE t(id INT COMMENT 'a long one')", [1301]),  # not judged
        ("naming_fully_qualified", "SELECT 1", []),  # not mapped
    ]
    (tmp_path / "migration").mkdir()
    (tmp_path / "migration" / "bytebase.json").write_text(
        json.dumps(
            [
                {
                    "engine": "mysql",
                    "rule": rule,
                    "statement": sql,
                    "want": [{"code": c} for c in codes],
                }
                for rule, sql, codes in cases
            ]
        ),
        "utf-8",
    )
    total, _ = bytebase(tmp_path, verbose=False)
    assert (total.cases, total.judged) == (5, 3)
    assert (total.true, total.extra, total.missed) == (1, 0, 1)
