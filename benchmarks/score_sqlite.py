"""Score plans for SQLite on the cases of sqldef: does each turn the old schema into the new?

    python benchmarks/score_sqlite.py [--verbose] ORACLES

`ORACLES` is sqldef's file of cases, or its folder. A case counts when both schemas apply to this
Python's SQLite. Its plan runs step by step on the old one; then the engine's own catalog must agree
with that of the new one, and each undo must leave the catalog as before its step.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlite_catalog import catalog

from backend_architect.tools.ddl.diff import changes
from backend_architect.tools.ddl.model import Dialect, Schema
from backend_architect.tools.ddl.script import split
from backend_architect.tools.plan_migration import Inputs, plan
from backend_architect.tools.plan_migration.model import Step
from backend_architect.tools.plan_migration.sqlite.spelling import spelled_as
from backend_architect.tools.sqlite.sandbox import schema_of


@dataclass(frozen=True, slots=True)
class Case:
    """Two schemas; `empty` says that the suite expects no statement."""

    name: str
    old: str
    new: str
    empty: bool = False


@dataclass(slots=True)
class Result:
    """What became of a case; `notes` say what went wrong."""

    case: Case
    applied: bool = False
    steps: int = 0
    undone: bool = True
    rehearsed: bool = True
    notes: list[str] = field(default_factory=list)

    @property
    def reached(self) -> bool:
        """Whether the new schema was reached."""
        return self.applied and not self.notes


def cases(path: Path) -> Iterator[Case]:
    """The cases of a file."""
    for entry in json.loads(path.read_text()):
        if entry.get("engine") == "sqlite3def" and entry.get("desired") is not None:
            old, new = entry.get("current") or "", entry["desired"]
            yield Case(entry["name"], old, new, entry.get("up") == "" and bool(old))


def score(case: Case) -> Result:
    """Apply, plan, run the plan, compare."""
    result = Result(case)
    real, fresh = _applied(case.old, result), _applied(case.new, result)
    if real is None or fresh is None:
        return result
    result.applied = True
    made = plan(Inputs({"old.sql": case.old}, {"new.sql": case.new}), Dialect.SQLITE)
    result.steps = len(made.steps)
    for step in made.steps:
        _take(step, real, result)
    result.notes += _differences(real, fresh)
    if case.empty and made.steps:
        result.notes.append("not empty")
    if made.steps:
        seen = made.rehearsal
        result.rehearsed = seen["target_reached"] and seen["undo_verified"]
        if not result.rehearsed:
            result.notes.append(f"rehearsal: {seen['differences']} {seen['witnesses']}"[:500])
    if result.notes:
        result.notes += [f"    [{s.phase}] {sql}" for s in made.steps for sql in s.sql]
    return result


def _applied(text: str, result: Result) -> sqlite3.Connection | None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        for statement in split(text, "case", Dialect.SQLITE)[0]:
            connection.execute(statement.text)
    except (sqlite3.Error, ValueError) as error:
        result.notes.append(f"does not apply: {error}")
        return None
    return connection


def _take(step: Step, real: sqlite3.Connection, result: Result) -> None:
    """Run a step, undo it, run it again."""
    before = schema_of(real)
    try:
        _run(step.sql, real)
        if step.undo.sql:
            _run(step.undo.sql, real)
            if changes(before, schema_of(real)):
                result.undone = False
                result.notes.append(f"undo leaves something else: {step.title}")
            _run(step.sql, real)
    except sqlite3.Error as error:
        result.notes.append(f"{error} -- {step.title}")
        if real.in_transaction:
            real.execute("ROLLBACK")


def _run(statements: Sequence[str], real: sqlite3.Connection) -> None:
    own = any(sql.startswith("BEGIN") for sql in statements)
    for sql in statements if own else ("BEGIN", *statements, "COMMIT"):
        real.execute(sql).fetchall()


def _differences(real: sqlite3.Connection, wanted: sqlite3.Connection) -> Iterator[str]:
    """By the text of the catalog, and by what PRAGMAs say; whatever the order of columns."""
    pairs: list[tuple[Schema, Schema]] = [
        (schema_of(real), schema_of(wanted)),
        (catalog(real), catalog(wanted)),
    ]
    for found, other in pairs:
        for change in changes(spelled_as(found, found), spelled_as(other, found)):
            if change.kind != "changed" or change.fields != ("columns",):
                yield f"{change.kind} {' '.join(change.object)} {change.fields}"


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("path", type=Path)
    arguments.add_argument("--verbose", action="store_true", help="print each failure")
    given = arguments.parse_args()
    path = given.path / "sqldef.json" if given.path.is_dir() else given.path
    results = [score(case) for case in cases(path)]
    applied = [result for result in results if result.applied]
    reached = [result for result in applied if result.reached]
    empty = [result for result in applied if result.case.empty]
    share = 100 * len(reached) / max(len(applied), 1)
    print(
        f"sqlite3def: {len(results)} cases, {len(applied)} apply, {len(reached)} reached"
        f" ({share:.1f} %), {sum(not r.steps for r in empty)} of {len(empty)} empty,"
        f" {sum(r.undone for r in applied)} undone as stated,"
        f" {sum(r.rehearsed for r in applied)} rehearsed"
    )
    for result in results:
        if result.notes and (given.verbose or result.applied):
            print(f"\n== {result.case.name}")
            print("\n".join(f"  {note}" for note in result.notes[:20]))
    return share < 95


if __name__ == "__main__":
    sys.exit(main())
