"""Score the schema rules against the cases of other projects' suites.

    python benchmarks/score_schema.py [--verbose] ORACLES_DIR

ORACLES_DIR holds `schema/splinter` (SQL, and what its lints printed), `schema/bytebase` and
`migration/bytebase.json` (statements, and the advice wanted). `SPLINTER` and `BYTEBASE` say which
of our rules means the same as a rule there, or why none does. A case that depends on a parameter
of the suite which it does not show is not judged.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from backend_architect.tools.ddl.load import fold
from backend_architect.tools.ddl.model import Dialect, Schema
from backend_architect.tools.ddl.script import ScriptError, Statement, split
from backend_architect.tools.design_schema.context import Context
from backend_architect.tools.design_schema.queries import queries_in
from backend_architect.tools.design_schema.rules import RULES
from backend_architect.tools.judge import judge
from backend_architect.tools.rule import Hit


@dataclass(frozen=True)
class Same:
    """Our rules, without `schema/`, that together mean a rule of a suite.

    `role`: only findings that name this role or PUBLIC. `codes`: kinds of advice that depend on
    the suite's parameters. `distinct`: the suite repeats an object, we name it once.
    """

    rules: tuple[str, ...]
    role: str = ""
    codes: tuple[int, ...] = ()
    distinct: bool = False


def same(*rules: str, role: str = "", codes: tuple[int, ...] = (), distinct: bool = False) -> Same:
    return Same(rules, role, codes, distinct)


STATISTICS = "needs the statistics of a running server"
ROWS = "needs rows of a table"
STATEMENT = "judges one statement of a change, not a schema"
PARAMETER = "is nothing but a parameter of the suite"

SPLINTER: dict[str, Same | str] = {
    "0001_unindexed_foreign_keys": same(
        "foreign-key-without-index", "list-reference-without-index"
    ),
    "0002_auth_users_exposed": same("users-shown-by-view"),
    "0003_auth_rls_initplan": same("policy-call-per-row"),
    "0004_no_primary_key": same("table-without-primary-key", "unique-key-not-primary"),
    "0005_unused_index": STATISTICS,
    "0006_multiple_permissive_policies": same("multiple-permissive-policies", distinct=True),
    "0007_policy_exists_rls_disabled": same("policy-without-row-security"),
    "0008_rls_enabled_no_policy": same("row-security-without-policy"),
    "0009_duplicate_index": same("duplicate-index", "index-duplicates-key", distinct=True),
    "0010_security_definer_view": same("view-as-owner"),
    "0011_function_search_path_mutable": same("function-without-search-path"),
    "0013_rls_disabled_in_public": same("table-without-row-security"),
    "0014_extension_in_public": same("extension-in-public"),
    "0015_rls_references_user_metadata": same("policy-trusts-user-metadata"),
    "0016_materialized_view_in_api": same("materialized-view-readable"),
    "0017_foreign_table_in_api": same("foreign-table-readable"),
    "0018_unsupported_reg_types": same("unsupported-reg-type"),
    "0019_insecure_queue_exposed_in_api": same("table-without-row-security"),
    "0020_table_bloat": STATISTICS,
    "0021_fkey_to_auth_unique": same("foreign-key-to-provider-table"),
    "0022_extension_versions_outdated": "needs to know which versions a server offers",
    "0023_sensitive_columns_exposed": same("sensitive-column-readable"),
    "0024_rls_policy_always_true": same("policy-always-true", "insert-policy-always-true"),
    "0025_public_bucket_allows_listing": ROWS,
    "0026_pg_graphql_anon_table_exposed": same("graphql-shows-table", role="anon"),
    "0027_pg_graphql_authenticated_table_exposed": same(
        "graphql-shows-table", role="authenticated"
    ),
    "0028_anon_security_definer_function_executable": same(
        "definer-function-callable", role="anon"
    ),
    "0029_authenticated_security_definer_function_executable": same(
        "definer-function-callable", role="authenticated"
    ),
}

BYTEBASE: dict[str, Same | str] = {
    "column_auto_increment_initial_value": PARAMETER,
    "column_auto_increment_must_integer": same("auto-increment-not-integer"),
    "column_auto_increment_must_unsigned": same("auto-increment-signed"),
    "column_comment": same("column-without-comment", codes=(1301,)),
    "column_current_time_count_limit": same("several-automatic-times"),
    "column_default_disallow_volatile": same("volatile-default"),
    "column_disallow_change": STATEMENT,
    "column_disallow_change_type": STATEMENT,
    "column_disallow_changing_order": STATEMENT,
    "column_disallow_drop_in_index": STATEMENT,
    "column_disallow_set_charset": same("column-charset"),
    "column_maximum_character_length": same("long-character-type"),
    "column_maximum_varchar_length": same("long-character-type"),
    "column_no_null": same("nullable-column"),
    "column_require_default": same("column-without-default"),
    "column_required": same("column-missing-audit"),
    "column_set_default_for_not_null": same("required-column-without-default"),
    "column_type_disallow_list": same("json-column"),
    "engine_mysql_use_innodb": same("storage-engine-without-transactions"),
    "index_create_concurrently": STATEMENT,
    "index_key_number_limit": same("wide-index", "index-too-many-columns"),
    "index_no_duplicate_column": same("duplicate-column-in-index"),
    "index_pk_type_limit": same("primary-key-type"),
    "index_primary_key_type_allowlist": same("primary-key-type"),
    "index_total_number_limit": same("too-many-indexes"),
    "index_type_allow_list": PARAMETER,
    "index_type_no_blob": same("index-on-blob"),
    "naming_column": same("column-name-not-snake-case", "name-too-long"),
    "naming_column_auto_increment": same("auto-increment-name"),
    "naming_fully_qualified": STATEMENT,
    "naming_identifier_no_keyword": same("reserved-name"),
    "naming_index_fk": same("foreign-key-name", "name-too-long"),
    "naming_index_idx": same("index-name", "name-too-long"),
    "naming_index_pk": same("primary-key-name", "name-too-long"),
    "naming_index_uk": same("unique-key-name", "name-too-long"),
    "naming_table": same("table-name-not-snake-case", "name-too-long"),
    "system_charset_allowlist": same("charset-not-usual"),
    "system_collation_allowlist": same("collation-not-usual"),
    "system_comment_length": PARAMETER,
    "system_event_disallow_create": same("routine-used"),
    "system_function_disallow_create": same("routine-used"),
    "system_function_disallowed_list": PARAMETER,
    "system_procedure_disallow_create": same("routine-used"),
    "system_view_disallow_create": same("view-used"),
    "table_comment": same("table-without-comment", codes=(1301,)),
    "table_disallow_partition": same("partitioned-table"),
    "table_disallow_set_charset": STATEMENT,
    "table_disallow_trigger": same("trigger-used"),
    "table_drop_naming_convention": STATEMENT,
    "table_no_duplicate_index": same("duplicate-index"),
    "table_no_foreign_key": same("foreign-key-used"),
    "table_require_pk": same("table-without-primary-key", "unique-key-not-primary"),
    "builtin_prior_backup_check": STATEMENT,
    "database_drop_empty_database": STATEMENT,
    "schema_backward_compatibility": STATEMENT,
    **{
        f"statement_{name}": STATEMENT
        for name in (
            *("add_check_not_valid", "add_foreign_key_not_valid", "affected_row_limit"),
            *("check_set_role_variable", "create_specify_schema", "disallow_commit"),
            *("disallow_add_column_with_default", "disallow_add_not_null", "disallow_truncate"),
            *("disallow_mix_in_ddl", "disallow_mix_in_dml", "disallow_rm_tbl_cascade"),
            *("dml_dry_run", "insert_row_limit", "max_execution_time", "merge_alter_table"),
            *("maximum_join_table_count", "maximum_limit_value", "non_transactional"),
            *("object_owner_check", "prior_backup_check", "require_algorithm_option"),
            *("require_lock_option",),
        )
    },
    "statement_disallow_limit": same("write-with-limit"),
    "statement_disallow_on_del_cascade": same("cascading-delete"),
    "statement_disallow_order_by": same("write-with-order"),
    "statement_insert_disallow_order_by_rand": same("order-by-random"),
    "statement_insert_must_specify_column": same("insert-without-columns"),
    "statement_select_no_select_all": same("select-star"),
    "statement_where_disallow_functions_and_calculations": same("index-defeated"),
    "statement_where_maximum_logical_operator_count": PARAMETER,
    "statement_where_no_equal_null": same("query-compares-with-null"),
    "statement_where_no_leading_wildcard_like": same("leading-wildcard"),
    "statement_where_require_select": same("select-without-where"),
    "statement_where_require_update_delete": same("write-without-where"),
}
ON_SCHEMAS = ("column_", "engine_", "index_", "naming_", "table_")  # what a schema review is about
WANTED = 0.95
SYNTAX_ERROR = 201  # the suite's own parser did not understand the statement

# What the suites run their cases on, in our words.
BEFORE_SPLINTER = """
CREATE SCHEMA lint;
CREATE SCHEMA extensions;
CREATE SCHEMA auth;
CREATE TABLE auth.users (id uuid PRIMARY KEY, username text NOT NULL UNIQUE);
CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()';
CREATE FUNCTION auth.jwt() RETURNS jsonb LANGUAGE sql AS 'SELECT ''{}''::jsonb';
CREATE FUNCTION auth.role() RETURNS text LANGUAGE sql AS 'SELECT ''''';
CREATE FUNCTION auth.email() RETURNS text LANGUAGE sql AS 'SELECT ''''';
GRANT USAGE ON SCHEMA public TO anon, authenticated;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO PUBLIC;
"""
_AUTHOR = " author_id integer,"
# `author` is ours: foreign keys of cases point to it, which an engine refuses without it.
BEFORE_BYTEBASE = {
    "mysql": """
    CREATE TABLE author (id int PRIMARY KEY);
    CREATE TABLE tech_book (
        id int NOT NULL, name varchar(255) NOT NULL, author_id integer, PRIMARY KEY (id, name),
        UNIQUE KEY old_uk (id, name), KEY old_index (id, name)
    );
    """,
    "pg": """
    CREATE TABLE author (id integer PRIMARY KEY);
    CREATE TABLE tech_book (
        id integer, name text, author_id integer, CONSTRAINT old_pk PRIMARY KEY (id, name)
    );
    ALTER TABLE tech_book ADD CONSTRAINT old_uk UNIQUE (id, name);
    CREATE INDEX old_index ON tech_book (id, name);
    """,
}
_INDEXED = """
    CREATE TABLE tech_book (id integer PRIMARY KEY, name varchar(255), creator varchar(255));
    CREATE INDEX idx_name ON tech_book (name);
    CREATE TABLE orders (
        order_id integer PRIMARY KEY, customer_name varchar(255), amount integer, note varchar(255)
    );
    CREATE INDEX idx_customer ON orders (customer_name);
    CREATE INDEX idx_amount ON orders (amount);
    CREATE TABLE products (product_id integer PRIMARY KEY, title varchar(255), price integer);
    CREATE INDEX idx_price ON products (price);
    CREATE TABLE no_index_table (a integer);
    CREATE TABLE insert_target (id integer, name varchar(255));
"""
BEFORE_ONE = {"statement_where_disallow_functions_and_calculations": _INDEXED}


@dataclass
class Score:
    """Counts of one suite or one rule."""

    cases: int = 0
    judged: int = 0
    true: int = 0
    extra: int = 0
    missed: int = 0
    lines: Counter[bool] = field(default_factory=Counter)

    def add(self, true: int, extra: int, missed: int) -> None:
        self.judged += 1
        self.true += true
        self.extra += extra
        self.missed += missed

    @property
    def precision(self) -> float:
        return self.true / (self.true + self.extra) if self.true + self.extra else 1

    @property
    def recall(self) -> float:
        return self.true / (self.true + self.missed) if self.true + self.missed else 1

    def __str__(self) -> str:
        return (
            f"{self.cases:5} {self.judged:6} {self.true:5} {self.extra:4} {self.missed:4}"
            f" {self.precision:10.3f} {self.recall:7.3f}"
        )


HEAD = f"{'':58} cases judged    TP   FP   FN  precision  recall"


def found(
    schema: Schema, version: tuple[int, ...], to: Same, queries: Mapping[str, str]
) -> list[Hit]:
    """What our rules see."""
    ids = {f"schema/{rule}" for rule in to.rules}
    rules = [rule for rule in RULES if rule.id in ids]
    assert len(rules) == len(ids), ids - {rule.id for rule in rules}
    context = Context(schema, version, queries=queries_in(queries, schema.dialect))
    hits, notes = judge(rules, context.subjects, context)
    if notes:
        print(*notes)
    return [
        hit
        for _, hit in hits
        if not to.role or "PUBLIC" in hit.message or f"`{to.role}`" in hit.message
    ]


# splinter


_LINT = re.compile(r'\blint\."(\w+)"')
_ROWS = re.compile(r"^\((\d+) rows?\)$", re.M)


def splinter(folder: Path, verbose: bool) -> tuple[Score, dict[str, Score]]:
    total, by_rule = Score(), defaultdict[str, Score](Score)
    for path in sorted((folder / "sql").glob("*.sql")):
        printed = (folder / "expected" / f"{path.stem}.out").read_text("utf-8")
        asked = list(assertions(path.read_text("utf-8")))
        answers = list(results(printed))
        if len(asked) != len(answers):
            print(f"{path.stem}: {len(asked)} queries, {len(answers)} answers; left out")
            continue
        for (lints, statements), wanted in zip(asked, answers, strict=True):
            for lint in lints:
                total.cases += 1
                by_rule[lint].cases += 1
            to = SPLINTER.get(lints[0]) if len(lints) == 1 else "no lint of its own"
            if not isinstance(to, Same):
                continue
            schema = fold(statements, Dialect.POSTGRES)
            ours = found(schema, (15,), to, {})
            counts = compared(ours, wanted, to)
            total.add(*counts)
            by_rule[lints[0]].add(*counts)
            if verbose and (counts[1] or counts[2]):
                print(path.stem, "wanted", wanted, "after", statements[-1].text)
                print("   ", [hit.message for hit in ours], schema.unread)
    return total, by_rule


def assertions(sql: str) -> Iterator[tuple[list[str], list[Statement]]]:
    """The lints that each query asks, with the statements that hold when it runs."""
    before, _ = split(BEFORE_SPLINTER, "before.sql", Dialect.POSTGRES)
    done: list[Statement] = []
    saved: dict[str, int] = {}
    for statement in split(sql, "case.sql", Dialect.POSTGRES)[0]:
        words = statement.text.lower().rstrip(";").split()
        if words[0] in ("select", "with"):
            yield _LINT.findall(statement.text), [*before, *done]
        elif words[0] == "savepoint":
            saved[words[1]] = len(done)
        elif words[0] == "rollback":
            del done[saved.get(words[-1], 0) :]
        elif words[0] not in ("begin", "commit"):
            done.append(statement)


def results(printed: str) -> Iterator[list[str]]:
    """The rows of each answer that psql printed: the objects' names, or as many empty texts."""
    start = 0
    for end in _ROWS.finditer(printed):
        table = printed[start : end.start()]
        start = end.end()
        header, _, rows = table.rpartition("-\n")
        title = header.rstrip("-+").rstrip().rpartition("\n")[2]
        if title.split() == ["count"]:
            yield [""] * int(rows)
        else:
            objects = re.findall(r"\{\".*?\}(?= \|)", rows)
            names = [json.loads(each).get("name", "") for each in objects]
            yield names or [""] * int(end[1])


def compared(ours: list[Hit], wanted: list[str], to: Same) -> tuple[int, int, int]:
    """Agreed, ours alone, theirs alone: by object where the suite names them, else by number."""
    if all(wanted) and wanted:
        names = Counter(str(hit.at.path[1]).rpartition(".")[2].partition("(")[0] for hit in ours)
        if to.distinct:
            names = Counter(set(names))
            wanted = sorted(set(wanted))
        true = (names & Counter(wanted)).total()
        return true, names.total() - true, len(wanted) - true
    counts = (len(ours), len(wanted))
    mine, theirs = map(bool, counts) if to.distinct else counts
    true = min(mine, theirs)
    return true, mine - true, theirs - true


# bytebase


@dataclass(frozen=True)
class Case:
    engine: str
    rule: str
    statement: str
    codes: tuple[int, ...]
    lines: tuple[int, ...]


def cases(folder: Path) -> list[Case]:
    """The cases of both files, each once; the one that tells the lines is kept."""
    told: dict[tuple[str, str, str], Case] = {}
    for path in sorted((folder / "schema" / "bytebase").glob("*/*.yaml")):
        for item in yaml.safe_load(path.read_text("utf-8")):
            case = _case(path.parent.name, path.stem, item)
            told[case.engine, case.rule, case.statement.strip()] = case
    for item in json.loads((folder / "migration" / "bytebase.json").read_text("utf-8")):
        case = _case(item["engine"], item["rule"], item)
        told.setdefault((case.engine, case.rule, case.statement.strip()), case)
    return list(told.values())


def _case(engine: str, rule: str, item: Mapping[str, Any]) -> Case:
    wanted: list[dict[str, Any]] = item.get("want") or []
    places = [advice.get("startposition") for advice in wanted]
    lines = [place["line"] for place in places if isinstance(place, dict)]
    codes = [advice["code"] for advice in wanted]
    return Case(engine, rule, str(item["statement"]), tuple(codes), tuple(lines))


def bytebase(folder: Path, verbose: bool) -> tuple[Score, dict[str, Score]]:
    total, by_rule = Score(), defaultdict[str, Score](Score)
    for case in cases(folder):
        scores = (total, by_rule[f"{case.engine} {case.rule}"])
        for score in scores:
            score.cases += 1
        to = BYTEBASE.get(case.rule)
        codes = [code for code in case.codes if not isinstance(to, Same) or code not in to.codes]
        if not isinstance(to, Same) or SYNTAX_ERROR in case.codes or (case.codes and not codes):
            continue
        hits = new_findings(case, to)
        counts = (
            int(bool(hits and codes)),
            int(bool(hits and not codes)),
            int(bool(codes and not hits)),
        )
        for score in scores:
            score.add(*counts)
            if counts[0] and len(case.lines) == len(codes) == len(hits):
                lines = sorted(
                    1 + case.statement.count("\n", 0, hit.at.offset or 0) for hit in hits
                )
                score.lines[lines == sorted(case.lines)] += 1
        if verbose and not counts[0] and any(counts):
            print(case.engine, case.rule, "wanted", case.codes, "lines", case.lines)
            print("   ", case.statement.strip().replace("\n", "\n    "))
            print("   =>", [hit.message for hit in hits])
    return total, by_rule


def new_findings(case: Case, to: Same) -> list[Hit]:
    """What our rules see in the end, and not all the time from the beginning."""
    dialect = Dialect.MYSQL if case.engine == "mysql" else Dialect.POSTGRES
    version = (8, 0) if dialect is Dialect.MYSQL else (16,)
    base = BEFORE_ONE.get(case.rule) or BEFORE_BYTEBASE[case.engine]
    if re.search(r"\badd (column )?author_id\b", case.statement, re.I):
        base = base.replace(_AUTHOR, "")
    before, _ = split(base, "before.sql", dialect)
    try:
        change, _ = split(case.statement, "case.sql", dialect)
    except ScriptError:
        change = []
    queries = {"case.sql": case.statement} if change else {}
    hits = found(fold([*before, *change], dialect), version, to, queries)
    states = [fold([*before, *change[:end]], dialect) for end in range(len(change) or 1)]
    seen = [{hit.message for hit in found(state, version, to, {})} for state in states]
    always = set.intersection(*seen)
    return [hit for hit in hits if hit.message not in always]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("oracles", type=Path)
    parser.add_argument("--verbose", action="store_true", help="print every case that differs")
    options = parser.parse_args()
    print(HEAD)
    good = True
    suites = (
        ("splinter", *splinter(options.oracles / "schema" / "splinter", options.verbose), SPLINTER),
        ("bytebase", *bytebase(options.oracles, options.verbose), BYTEBASE),
    )
    for name, total, by_rule, mapping in suites:
        for rule, score in sorted(by_rule.items()):
            if score.judged:
                print(f"{rule:58} {score}")
        print(f"{name.upper():58} {total}")
        if total.lines:
            print(f"  same lines in {total.lines[True]} of {total.lines.total()} cases with lines")
        print_mapping(by_rule, mapping)
        good = good and min(total.precision, total.recall) >= WANTED
    return 0 if good else 1


def print_mapping(by_rule: Iterable[str], mapping: Mapping[str, Same | str]) -> None:
    """How many rules are mapped, of all and of those that cases were seen of, and why not more."""
    sets = {"rules of the suite": list(mapping)}
    for engine in ("mysql", "pg"):
        seen = [rule.partition(" ")[2] for rule in by_rule if rule.startswith(f"{engine} ")]
        if seen:
            on = [rule for rule in seen if rule.startswith(ON_SCHEMAS)]
            sets[f"{engine} rules on schemas with cases"] = on
    for title, rules in sets.items():
        mapped = sum(isinstance(mapping.get(rule), Same) for rule in rules)
        print(f"  mapped {mapped} of {len(rules)} ({mapped / len(rules):.0%}) {title}")
    for rule, reason in mapping.items():
        if isinstance(reason, str):
            print(f"    {rule}: {reason}")
    print()


if __name__ == "__main__":
    sys.exit(main())
