"""Score the planner on the cases of other tools: does the plan turn the old schema into the new?

    python benchmarks/score_plans.py [--verbose] [--only TEXT] ORACLES …

`ORACLES` are files of cases, or their folder: pg-schema-diff (`old`, `new`), migra (`a`, `b`),
sqldef (`engine` psqldef: `current`, `desired`). A case counts when both schemas apply to the
private server. Its plan runs step by step on the old one; then catalogs and `pg_dump -s` must
agree with the new one on a fresh database, whatever the order of columns.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from roundtrip import LIMITS, _dump, _introspected

from backend_architect.tools.ddl.diff import changes
from backend_architect.tools.ddl.load import fold
from backend_architect.tools.ddl.model import Dialect, Schema
from backend_architect.tools.ddl.script import split
from backend_architect.tools.plan_migration.context import Context
from backend_architect.tools.plan_migration.model import Step
from backend_architect.tools.plan_migration.order import ordered
from backend_architect.tools.plan_migration.recipes import steps_for
from backend_architect.tools.postgres.allow import Status
from backend_architect.tools.postgres.cluster import MIB, Cluster, Database
from backend_architect.tools.postgres.sandbox import apply

NEWEST = 18
SHOWN = 300
ROUNDS = 50  # of a batched step


@dataclass(frozen=True, slots=True)
class Case:
    """Two schemas; `empty` says that the suite expects no statement."""

    suite: str
    name: str
    old: str
    new: str
    empty: bool = False


@dataclass(slots=True)
class Result:
    """What became of a case."""

    case: Case
    applied: bool = False
    reached: bool = False
    steps: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def reason(self) -> str:
        """The first note without names and numbers, to count alike failures together."""
        note = self.notes[0] if self.notes else ""
        return re.sub(r"\"[^\"]*\"|'[^']*'|\d+", "…", note.splitlines()[0] if note else "")[:110]


def cases(path: Path) -> Iterator[Case]:
    """The cases of a file."""
    for entry in json.loads(path.read_text()):
        name = entry["name"]
        if "old" in entry:
            old, new = (";\n".join(entry[side] or ()) for side in ("old", "new"))
            yield Case("pg-schema-diff", name, old, new, bool(entry.get("empty")))
        elif "a" in entry:
            yield Case("migra", name, entry["a"], entry["b"])
        elif entry.get("engine") == "psqldef" and entry.get("desired") is not None:
            yield Case("psqldef", name, entry.get("current") or "", entry["desired"])


def score(case: Case, cluster: Cluster) -> Result:
    """Apply, plan, run the plan, compare."""
    result = Result(case)
    with cluster.database() as mine, cluster.database() as fresh:
        before = _applied(case.old, mine, result)
        after = _applied(case.new, fresh, result)
        if before is None or after is None:
            return result
        result.applied = True
        context = Context(before, after, tuple(changes(before, after)), NEWEST)
        steps = ordered(steps_for(context), context)
        result.steps = sum(len(step.sql) for step in steps)
        result.notes += _run(steps, mine)
        real, wanted = _introspected(mine), _introspected(fresh)
        result.notes += _difference(real, wanted)
        if not result.notes:
            one, other = (_lines(database) for database in (mine, fresh))
            result.notes += [f"pg_dump: {line}" for line in sorted(set(one) ^ set(other))]
        result.reached = not result.notes
        if result.notes:
            result.notes += [f"    [{s.phase}] {sql[:SHOWN]}" for s in steps for sql in s.sql]
        if case.empty and result.steps:
            result.reached = False
            result.notes.insert(0, "not empty")
    return result


def _applied(text: str, database: Database, result: Result) -> Schema | None:
    """The schema of a text that applies without an error."""
    try:
        statements, _ = split(text, "case", Dialect.POSTGRES)
    except ValueError as error:
        result.notes.append(f"unreadable: {error}")
        return None
    applied = apply(database, [(s.text, s.offset) for s in statements], LIMITS)
    for outcome, statement in zip(applied.outcomes, statements, strict=True):
        if outcome.status in (Status.ERROR, Status.DENIED):
            result.notes.append(f"{outcome.reason}: {statement.text[:SHOWN]}")
            return None
    return fold(statements, Dialect.POSTGRES)


def _run(steps: Sequence[Step], database: Database) -> Iterator[str]:
    """The errors of a plan: each step in its transaction, batches until nothing is left."""
    with database.connect() as connection:
        for step in steps:
            if not step.sql:
                yield f"no SQL: {step.title}"
            for _ in range(ROUNDS if step.batched else 1):
                try:
                    if step.transaction == "none":
                        for sql in step.sql:
                            connection.execute(sql.encode())
                    else:
                        with connection.transaction():
                            for sql in step.sql:
                                connection.execute(sql.encode())
                except Exception as error:
                    yield f"{str(error).splitlines()[0]} -- {step.title}"
                    break
                if all(_holds(connection, q.sql, q.expected) for q in step.verify):
                    break
            else:
                yield f"not verified: {step.title}: {step.verify}"


def _holds(connection: Any, sql: str, expected: str) -> bool:
    rows = connection.execute(sql.encode()).fetchall()
    if expected == "no rows":
        return not rows
    if expected in ("t", "f"):
        return bool(rows) and all(row[0] is (expected == "t") for row in rows)
    return not expected.isdigit() or (bool(rows) and str(rows[0][0]) == expected)


def _difference(real: Schema, wanted: Schema) -> Iterator[str]:
    for change in changes(real, wanted):
        fields = [name for name in change.fields if name != "columns"]
        if change.kind == "changed" and not fields:
            continue
        kind = {"added": "missing", "removed": "left over"}.get(change.kind, "differs")
        yield f"{kind}: {change.object[0]} {fields or ''}: {'.'.join(change.object[1:])}" + (
            "".join(
                f"\n      {getattr(getattr(side, 'own', side), name, side)!s:.{SHOWN}}"
                for name in fields
                for side in (change.before, change.after)
            )
        )


def _lines(database: Database) -> list[str]:
    """The dump, the lines of each table sorted."""
    lines = [line.rstrip(",").strip() for line in _dump(database)]
    return sorted(line for line in lines if line not in ("", ");", "("))


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("paths", nargs="+", type=Path)
    arguments.add_argument("--verbose", action="store_true", help="print each failure")
    arguments.add_argument("--every", type=int, default=1, help="one case in so many")
    arguments.add_argument("--only", default="", help="cases whose name has this text")
    given = arguments.parse_args()
    files = [
        file
        for path in given.paths
        for file in (
            [path / f"{n}.json" for n in ("pg-schema-diff", "migra", "sqldef")]
            if path.is_dir()
            else [path]
        )
    ]
    found = [c for f in files for c in cases(f) if given.only.lower() in c.name.lower()]
    found = found[1 :: given.every] if given.every > 1 else found
    low = False
    with Cluster.start(memory=1024 * MIB) as cluster:
        for suite, of in groupby(found, lambda case: case.suite):
            results = []
            for case in of:
                try:
                    results.append(score(case, cluster))
                except Exception as error:
                    failed = Result(case, True)
                    failed.notes = [f"{type(error).__name__}: {error}", traceback.format_exc()]
                    results.append(failed)
            low |= _print(suite, results, given.verbose)
    sys.exit(low)


def _print(suite: str, results: list[Result], verbose: bool) -> bool:
    applied = [result for result in results if result.applied]
    reached = [result for result in applied if result.reached]
    empty = [result for result in applied if result.case.empty]
    share = 100 * len(reached) / max(len(applied), 1)
    print(
        f"{suite}: {len(results)} cases, {len(applied)} apply, {len(reached)} reached"
        f" ({share:.1f} %), {sum(not r.steps for r in empty)} of {len(empty)} empty"
    )
    reasons = Counter(result.reason for result in applied if not result.reached)
    for reason, count in reasons.most_common():
        print(f"  {count:4} {reason}")
    if verbose:
        for result in applied:
            if not result.reached:
                print(f"\n== {suite}: {result.case.name}")
                print("\n".join(f"  {note}" for note in result.notes[:40]))
    return share < 95


if __name__ == "__main__":
    main()
