"""Score the rules on migration scripts against the cases of other projects' suites.

    python benchmarks/score_hazards.py [--verbose] ORACLES_DIR

ORACLES_DIR holds `migration/squawk.json` (`rule`, `sql`, `expect`) and `migration/bytebase.json`
(`rule`, `statement`, `want`). `SQUAWK` and `BYTEBASE` say which of our rules means the same as a
rule there, or why none does. A case with no outcome, or whose outcome depends on what it does not
show, is not judged.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backend_architect.tools.ddl.load import load
from backend_architect.tools.ddl.model import Dialect, Schema
from backend_architect.tools.ddl.script import ScriptError
from backend_architect.tools.plan_migration.context import Context
from backend_architect.tools.plan_migration.hazards import judge
from backend_architect.tools.plan_migration.rules import RULES

OLDEST, NEWEST = 11, 18
TRANSACTIONAL = "golang-migrate"  # any that runs a file in one transaction


@dataclass(frozen=True)
class Same:
    """Our rules, without `migration/`, that together mean a rule of a suite.

    `narrowed`: what the name of a case may say, and the rules that count for it then. `unjudged`:
    pattern of names of cases that ask for something else than a hazard. `alone`: the suite looks
    at the statement alone; to ours a table that the script makes itself is nobody's yet.
    """

    rules: tuple[str, ...]
    narrowed: tuple[tuple[str, tuple[str, ...]], ...] = ()
    unjudged: str = ""
    alone: bool = False


def same(*rules: str, **more: Any) -> Same:
    return Same(rules, **more)


SQUAWK: dict[str, Same | str] = {
    "adding_field_with_default": same("volatile-default-rewrite", "generated-column-rewrite"),
    "adding_foreign_key_constraint": same("foreign-key-locks-both-tables"),
    "adding_not_null_field": same("not-null-scan"),
    "adding_primary_key_constraint": same("primary-key-without-index"),
    "adding_required_field": same("required-column-added"),
    "ban_alter_domain_with_add_constraint": same("domain-constraint-scan"),
    "ban_char_field": same("char-type"),
    "ban_concurrent_index_creation_in_transaction": same("concurrently-in-transaction"),
    "ban_create_domain_with_constraint": same("domain-with-constraint"),
    "ban_drop_column": same("column-dropped"),
    "ban_drop_database": same("drop-database"),
    "ban_drop_not_null": same("drop-not-null"),
    "ban_drop_table": same("table-dropped"),
    "ban_duplicate_column_assignments": same("duplicate-column"),
    "ban_truncate_cascade": same("cascade"),
    "ban_uncommitted_transaction": same("transaction-not-ended"),
    "changing_column_type": same("column-type-rewrite"),
    "constraint_missing_not_valid": same(
        "constraint-validated-under-lock",
        "foreign-key-locks-both-tables",
        "validate-in-same-transaction",
    ),
    "disallow_unique_constraint": same("unique-without-index"),
    "identifier_too_long": same("identifier-too-long"),
    "prefer_bigint_over_int": same("int-column"),
    "prefer_bigint_over_smallint": same("smallint-column"),
    "prefer_identity": same("serial-column"),
    # Before 19 there is no REPACK to prefer; CLUSTER is as unsafe as it is later.
    "prefer_repack": same("vacuum-full", unjudged=r"below_pg19"),
    "prefer_robust_stmts": same("robust-statements"),
    "prefer_text_field": same("varchar-limit"),
    "prefer_timestamptz": same("timestamp-without-zone"),
    "renaming_column": same("column-renamed"),
    "renaming_table": same("table-renamed"),
    "require_concurrent_index_creation": same("index-build-blocks-writes"),
    "require_concurrent_index_deletion": same("index-drop-blocks"),
    "require_concurrent_partition_detach": same("detach-blocks"),
    "require_concurrent_reindex": same("reindex-blocks"),
    "require_enum_value_ordering": same("enum-value-unordered"),
    "require_table_schema": same("unqualified-name"),
    "require_timeout_settings": same(
        "lock-without-timeout",
        "statement-without-timeout",
        narrowed=(
            ("only_statement_timeout", ("statement-without-timeout",)),
            ("only_lock_timeout", ("lock-without-timeout",)),
        ),
    ),
    "transaction_nesting": same("transaction-nested"),
}

BYTEBASE: dict[str, Same] = {
    "column_disallow_change_type": same("column-type-rewrite"),
    "index_create_concurrently": same("index-build-blocks-writes", "index-drop-blocks"),
    "statement_add_check_not_valid": same("constraint-validated-under-lock"),
    "statement_add_foreign_key_not_valid": same("foreign-key-locks-both-tables", alone=True),
    "statement_disallow_add_not_null": same("not-null-scan"),
    "statement_disallow_commit": same("transaction-nested"),
    "statement_disallow_rm_tbl_cascade": same("cascade"),
    "statement_disallow_truncate": same("truncate", alone=True),
    "statement_non_transactional": same("concurrently-in-transaction"),
    "statement_where_require_update_delete": same("update-all-rows-at-once"),
}


TRANSACTION_RULES = ("statement_non_transactional", "statement_disallow_commit")


@dataclass
class Score:
    """Outcomes by rule of the suite."""

    judged: Counter[str] = field(default_factory=Counter)
    hits: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    extra: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def add(self, rule: str, expected: bool, found: bool, case: str) -> None:
        self.judged[rule] += 1
        if expected and found:
            self.hits[rule] += 1
        elif expected:
            self.missed[rule] += 1
        elif found:
            self.extra[rule] += 1
        if expected != found:
            self.wrong.append(f"{'missed' if expected else 'extra'}: {rule}: {case}")

    @property
    def recall(self) -> float:
        return _ratio(self.hits.total(), self.missed.total())

    @property
    def precision(self) -> float:
        return _ratio(self.hits.total(), self.extra.total())


def _ratio(good: int, bad: int) -> float:
    return good / (good + bad) if good + bad else 1.0


def hazards(sql: str, version: int, in_transaction: bool) -> set[str]:
    """The ids of our rules, all profiles, that speak about a script."""
    loaded = load({"script.sql": sql}, Dialect.POSTGRES)
    runner = TRANSACTIONAL if in_transaction else "psql"
    empty = Schema(Dialect.POSTGRES)
    context = Context(empty, loaded.schema, (), version, runner=runner)
    found = judge(loaded, context, RULES)
    return {hazard.rule.removeprefix("migration/") for hazard in found}


def version_of(case: Mapping[str, Any]) -> int:
    """The version of a case: the field, or what the case's name says."""
    named = re.search(r"pg_?(\d+)|version_(\d+)", case["name"])
    text = str(case["pg_version"] or (named and (named[1] or named[2])) or NEWEST)
    return min(int(text.split(".")[0]), NEWEST)


def squawk_cases(directory: Path) -> Iterator[tuple[str, bool, set[str], set[str], str]]:
    """Rule, what is expected, our rules that count, those that spoke, the case."""
    for case in json.loads((directory / "squawk.json").read_text("utf-8")):
        meant = SQUAWK.get(case["rule"])
        if case["expect"] not in ("ok", "violation") or not isinstance(meant, Same):
            continue
        if version_of(case) < OLDEST:
            continue
        if meant.unjudged and re.search(meant.unjudged, case["name"]):
            continue
        counted = next((r for word, r in meant.narrowed if word in case["name"]), meant.rules)
        sql = case["sql"]
        if sql.count('"') % 2:  # the sample cut it there
            sql += '";'
        try:
            spoke = hazards(sql, version_of(case), bool(case["assume_in_transaction"]))
        except ScriptError as error:
            spoke = {f"not read: {error}"}
        if "syntax-error" in spoke:  # PostgreSQL refuses it: there is nothing to judge
            continue
        shown = f"{case['name']}: {' '.join(sql.split())[:160]}"
        yield case["rule"], case["expect"] == "violation", set(counted), spoke, shown


def bytebase_cases(directory: Path) -> Iterator[tuple[str, bool, set[str], set[str], str]]:
    """The same for bytebase's cases on DDL safety."""
    for case in json.loads((directory / "bytebase.json").read_text("utf-8")):
        meant = BYTEBASE.get(case["rule"])
        if case["engine"] != "pg" or meant is None:
            continue
        in_transaction = case["rule"] in TRANSACTION_RULES
        sql = case["statement"]
        if meant.alone:
            sql = re.sub(r"CREATE TABLE [^;]*;", "", sql)
        spoke = hazards(sql, NEWEST, in_transaction)
        shown = " ".join(case["statement"].split())[:160]
        yield case["rule"], bool(case["want"]), set(meant.rules), spoke, shown


def report(title: str, cases: Iterator[Any], total: int, mapped: str, verbose: bool) -> Score:
    """Score a suite and print what came of it."""
    score = Score()
    for rule, expected, counted, spoke, shown in cases:
        score.add(rule, expected, bool(counted & spoke), shown)
    print(f"{title}: {total} cases, {mapped}, {score.judged.total()} judged")
    print(f"  precision {score.precision:.3f}, recall {score.recall:.3f}")
    if verbose:
        for rule in sorted(score.judged):
            hits, missed, extra = score.hits[rule], score.missed[rule], score.extra[rule]
            found = f"{hits} hit, {missed} missed, {extra} extra"
            print(f"  {rule}: {score.judged[rule]} judged, {found}")
    for line in score.wrong:
        print(f"  {line}")
    return score


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("oracles", type=Path)
    parser.add_argument("--verbose", action="store_true", help="also by rule")
    arguments = parser.parse_args()
    directory = arguments.oracles / "migration"
    squawk = json.loads((directory / "squawk.json").read_text("utf-8"))
    bytebase = json.loads((directory / "bytebase.json").read_text("utf-8"))
    of_squawk = {case["rule"] for case in squawk}
    mapped = {rule for rule in of_squawk if isinstance(SQUAWK.get(rule), Same)}
    scores = [
        report(
            "squawk",
            squawk_cases(directory),
            len(squawk),
            f"{len(mapped)} of {len(of_squawk)} rules mapped",
            arguments.verbose,
        ),
        report(
            "bytebase",
            bytebase_cases(directory),
            sum(case["engine"] == "pg" for case in bytebase),
            f"{len(BYTEBASE)} rules on DDL safety mapped",
            arguments.verbose,
        ),
    ]
    return int(any(min(score.precision, score.recall) < 0.95 for score in scores))


if __name__ == "__main__":
    sys.exit(main())
