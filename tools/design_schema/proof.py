"""Fixes that were applied and re-checked: on a private engine where there is one.

A fix is kept when it runs, its finding is gone, no rule finds anything new, and nothing changed
but what the model of the schema says it changes. One that fails any of this is withdrawn.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from ..ddl.diff import Change, changes
from ..ddl.load import Loaded, fold
from ..ddl.model import Dialect, Schema
from ..ddl.script import Statement
from ..report import Finding
from ..sqlite.sandbox import Clock, connect, schema_of

MAX_STATEMENTS = 3_000  # of a schema that is applied; a private server takes about 1 ms for each
MAX_FIXES = 1_000
SQLITE_SECONDS = 10

Fault = tuple[str, str]  # a rule and the pointer of an object
Faults = Callable[[Schema], set[Fault]]


@dataclass(frozen=True, slots=True)
class Tried:
    """What an engine made of the fixes: the schema before and after, and what it refused."""

    engine: str
    before: Schema
    after: Schema
    refused: frozenset[str] = frozenset()


def proved(
    loaded: Loaded, findings: list[Finding], faults: Faults
) -> tuple[list[Finding], list[str]]:
    """The findings, each fix with its proof or withdrawn, and notes on what was not tried.

    `faults` judges a schema by the rules of this run.
    """
    mending = list(dict.fromkeys(sql for finding in findings for sql in finding.ddl))
    if not mending:
        return findings, []
    if len(loaded.statements) > MAX_STATEMENTS or len(mending) > MAX_FIXES:
        number = sum(bool(finding.ddl) for finding in findings)
        return findings, [
            f"The DDL of {fixes(number)} was not tried: more than {MAX_STATEMENTS:,} statements"
            f" or {fixes(MAX_FIXES)}. `only_rule` and `only_pointer` narrow it."
        ]
    script = list(loaded.statements)
    mended = [Statement("fix", 0, sql) for sql in mending]
    expected = Tried("the model", loaded.schema, fold([*script, *mended], loaded.schema.dialect))
    tried, notes = _tried(script, mending, loaded.schema.dialect)
    verdict = _Verdict(tried or expected, expected, faults)
    kept = [verdict.of(finding) for finding in findings]
    withdrawn = sum(bool(a.ddl) and not b.ddl for a, b in zip(findings, kept, strict=True))
    if withdrawn:
        notes.append(f"The DDL of {fixes(withdrawn)} is not shown: tried, it did not hold.")
    return kept, notes


def fixes(count: int) -> str:
    """A number of fixes in words."""
    return f"{count:,} fix" if count == 1 else f"{count:,} fixes"


class _Verdict:
    """What the trial says of each fix."""

    def __init__(self, tried: Tried, expected: Tried, faults: Faults) -> None:
        self.tried = tried
        before, after = faults(tried.before), faults(tried.after)
        self.left = after
        self.spoiled = {_table(pointer) for _, pointer in after - before}
        foreseen = {change.object for change in changes(expected.before, expected.after)}
        observed = changes(tried.before, tried.after)
        self.spoiled |= {_owner(c) for c in observed if c.object not in foreseen}

    def of(self, finding: Finding) -> Finding:
        """The finding with the proof of its fix, or without the fix."""
        if not finding.ddl:
            return finding
        pointer = finding.location.pointer
        holds = (
            self.tried.refused.isdisjoint(finding.ddl)
            and (finding.rule, pointer) not in self.left
            and _table(pointer) not in self.spoiled
        )
        if not holds:
            return replace(finding, ddl=())
        engine = self.tried.engine
        proof = f"tried on {engine}: finding gone, nothing new, the rest unchanged"
        return replace(finding, proof=proof)


def _table(pointer: str) -> str:
    """The table that a pointer lies in: `/tables/orders/columns/id` is in `orders`."""
    steps = pointer.split("/")
    return steps[2].replace("~1", "/").replace("~0", "~") if len(steps) > 2 else ""


def _owner(change: Change) -> str:
    return change.object[1] if len(change.object) > 1 else ""


def _tried(
    script: list[Statement], fixes: list[str], dialect: Dialect
) -> tuple[Tried | None, list[str]]:
    if dialect is Dialect.POSTGRES:
        return _on_postgres(script, fixes)
    if dialect is Dialect.SQLITE:
        return _on_sqlite(script, fixes), []
    return None, []


def _on_postgres(script: list[Statement], fixes: list[str]) -> tuple[Tried | None, list[str]]:
    try:
        import psycopg
    except ImportError:  # there is no libpq for this platform
        return None, ["The fixes were tried on the model only: psycopg does not load here."]

    from ..postgres.allow import Status
    from ..postgres.binaries import NoPostgres
    from ..postgres.cluster import Cluster
    from ..postgres.introspect import introspect
    from ..postgres.sandbox import Limits, apply

    try:
        with Cluster.start() as cluster, cluster.database() as database:
            limits = Limits(statement=5, total=20)
            apply(database, [(s.text, s.offset) for s in script], limits)
            with database.connect(superuser=True) as connection:
                before = introspect(connection)
            mending = [(sql, number) for number, sql in enumerate(fixes)]
            outcomes = apply(database, mending, limits).outcomes
            with database.connect(superuser=True) as connection:
                after = introspect(connection)
            engine = f"a private PostgreSQL {cluster.binaries.version}"
    except NoPostgres as error:
        return None, [f"The fixes were tried on the model only: {error}"]
    except psycopg.Error:
        return None, ["The fixes were tried on the model only: the private server ended."]
    refused = {sql for sql, done in zip(fixes, outcomes, strict=True) if done.status != Status.OK}
    return Tried(engine, before, after, frozenset(refused)), []


def _on_sqlite(script: list[Statement], fixes: list[str]) -> Tried:
    """The standard library's engine in memory; nothing but the schema in memory can be reached."""
    clock = Clock(SQLITE_SECONDS, SQLITE_SECONDS)
    connection = connect(":memory:", clock)
    try:
        _execute(connection, (s.text for s in script))
        before = schema_of(connection)
        refused = _execute(connection, fixes)
        after = schema_of(connection)
    finally:
        connection.close()
    return Tried(f"SQLite {sqlite3.sqlite_version}", before, after, frozenset(refused))


def _execute(connection: sqlite3.Connection, statements: Iterable[str]) -> set[str]:
    """Run each; those that fail are returned."""
    failed = set()
    for sql in statements:
        try:
            connection.execute(sql)
        except (sqlite3.Error, ValueError, OverflowError):
            failed.add(sql)
    return failed
