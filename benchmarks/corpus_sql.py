"""Review every schema in a folder and print figures: time, groups, findings, fixes tried.

    python benchmarks/corpus_sql.py DIR

A file's prefix names its engine: `my_` MySQL, `lite_` SQLite, else PostgreSQL. Every finding's
line must name the object that its pointer ends with. For PostgreSQL, three answers that the
catalog of the applied schema can give are compared with what was found from the DDL alone:
foreign keys without index, duplicate indexes, tables without primary key.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from backend_architect.tools.ddl.load import load
from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.design_schema import review
from backend_architect.tools.policy import Policy
from backend_architect.tools.postgres.cluster import Cluster
from backend_architect.tools.postgres.sandbox import apply
from backend_architect.tools.report import Report

# The catalog's own words for what the rules judge by the model of the DDL.
UNINDEXED_FOREIGN_KEYS = """
    SELECT c.conrelid::regclass::text, c.conname FROM pg_constraint c
    WHERE c.contype = 'f' AND c.conparentid = 0 AND NOT EXISTS (
        SELECT FROM pg_index i
        JOIN pg_class k ON k.oid = i.indexrelid JOIN pg_am a ON a.oid = k.relam
        WHERE i.indrelid = c.conrelid AND a.amname IN ('btree', 'hash')
          AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) ~ '^[(]\\w+ IS NOT NULL[)]$')
          AND i.indnkeyatts >= cardinality(c.conkey)
          AND (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey)"""
DUPLICATE_INDEXES = """
    SELECT i.indrelid::regclass::text, min(k.relname) FROM pg_index i
    JOIN pg_class k ON k.oid = i.indexrelid
    GROUP BY i.indrelid, i.indkey, i.indclass, i.indcollation, i.indoption, i.indnkeyatts,
        k.relam, pg_get_expr(i.indexprs, i.indrelid), pg_get_expr(i.indpred, i.indrelid)
    HAVING count(*) > 1
       AND bool_or(NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = i.indexrelid))"""
TABLES_WITHOUT_PRIMARY_KEY = """
    SELECT t.oid::regclass::text, '' FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace
    WHERE t.relkind IN ('r', 'p') AND NOT t.relispartition
      AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = t.oid AND d.deptype = 'e')
      AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conrelid = t.oid AND c.contype = 'p')"""
COMPARED = {
    "foreign keys without index": (
        UNINDEXED_FOREIGN_KEYS,
        ("schema/foreign-key-without-index", "schema/list-reference-without-index"),
    ),
    "duplicate indexes": (
        DUPLICATE_INDEXES, ("schema/duplicate-index", "schema/index-duplicates-key")
    ),
    "tables without primary key": (
        TABLES_WITHOUT_PRIMARY_KEY,
        (
            "schema/table-without-primary-key",
            "schema/link-table-without-key",
            "schema/unique-key-not-primary",
        ),
    ),
}  # fmt: skip


def main() -> None:
    wrong = groups = tables = 0
    print(
        f"{'schema':32} {'kB':>6} {'s':>6} {'tables':>6} {'groups':>6} {'findings':>8} {'fixes':>9}"
    )
    for file in sorted(Path(sys.argv[1]).rglob("*.sql")):
        text, dialect = file.read_text("utf-8"), engine(file)
        started = time.perf_counter()
        report = review({file.name: text}, file.name, dialect, prove=False)
        seconds = time.perf_counter() - started
        tried = review({file.name: text}, file.name, dialect, prove=True)
        offered = sum(bool(finding.ddl) for finding in report.findings)
        held = sum("tried on" in finding.proof for finding in tried.findings)
        print(
            f"{file.name:32} {len(text) / 1000:6.0f} {seconds:6.2f}"
            f" {report.overviews[0]['tables']:6} {len(report.groups):6}"
            f" {len(report.findings):8} {held:4} of {offered:2}"
        )
        groups += len(report.groups)
        tables += report.overviews[0]["tables"]
        for problem in [*misplaced(report, text), *disagreements(file.name, text, dialect)]:
            print(f"    {problem}")
            wrong += 1
    print(f"{tables} tables, {groups} groups: one for {tables / max(groups, 1):.1f} tables")
    print(f"{wrong} findings whose line does not name their object or that the catalog denies")
    sys.exit(bool(wrong))


def engine(file: Path) -> Dialect:
    """The engine that a file's prefix names."""
    prefixes = {"my": Dialect.MYSQL, "lite": Dialect.SQLITE}
    return prefixes.get(file.name.partition("_")[0], Dialect.POSTGRES)


def misplaced(report: Report, text: str) -> list[str]:
    """Findings at a line that has no word of the object that their pointer names."""
    lines = text.splitlines()
    found = []
    for finding in report.findings:
        last = finding.location.pointer.rpartition("/")[2].partition("(")[0]
        name = last.rpartition(".")[2].lower()
        here = "\n".join(lines[finding.location.line - 1 : finding.location.line + 2]).lower()
        generated = "foreign_keys" in finding.location.pointer or "keys" in finding.location.pointer
        if name and name not in here and not generated:
            found.append(f"misplaced: {finding.rule} {finding.location}")
    return found


def disagreements(name: str, text: str, dialect: Dialect) -> list[str]:
    """What the catalog says and the review does not, or the other way round."""
    if dialect is not Dialect.POSTGRES:
        return []
    statements = load({name: text}, dialect).statements
    with Cluster.start() as cluster, cluster.database() as database:
        apply(database, [(s.text, s.offset) for s in statements])
        found = []
        with database.connect(superuser=True) as connection:
            connection.execute("SET search_path = ''")
            for what, (query, rules) in COMPARED.items():
                catalog = sorted(
                    row[0].removeprefix("public.") for row in connection.execute(query)
                )
                only = Policy(only_rules=rules)
                report = review({name: text}, name, dialect, policy=only, prove=False)
                ours = sorted(f.location.pointer.split("/")[2] for f in report.findings)
                if len(catalog) != len(ours) or set(catalog) != set(ours):
                    found.append(f"{what}: the catalog {catalog}, the review {ours}")
    return found


if __name__ == "__main__":
    main()
