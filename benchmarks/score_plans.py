"""Score the planner on the cases of other tools: does the plan turn the old schema into the new?

    python benchmarks/score_plans.py [--suite NAME] [--every N] [--only TEXT] [--jobs N]
        [--verbose] ORACLES …

`ORACLES` are files of cases, their folder, or the one above it: pg-schema-diff (`old`, `new`,
`hazards`), migra (`a`, `b`), sqldef (`engine` psqldef: `current`, `desired`). A case is judged when
both schemas apply to the private server. What is judged is the product's own plan:

- reached: its steps run on a database with the old schema; then catalog and `pg_dump -s` agree with
  a database that has the new one, whatever the order of columns. The rehearsal says the same.
- empty: no step where the suite expects nothing to change.
- undo: of each rehearsed step, whether its undo is as good as stated and it runs again after it.
- foretold: of each rehearsed step, whether its locks, rewrites and scans are those predicted.
- hazards: those that the suite expects, told from our plan (`plan_hazards`).
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import Pool
from pathlib import Path
from typing import Any, NamedTuple

from plan_hazards import avoided, hazards_of
from roundtrip import LIMITS

from backend_architect.tools.ddl.diff import changes
from backend_architect.tools.ddl.load import fold
from backend_architect.tools.ddl.model import Dialect, Schema
from backend_architect.tools.ddl.script import Statement, split
from backend_architect.tools.plan_migration import Inputs, plan
from backend_architect.tools.plan_migration.context import Context
from backend_architect.tools.plan_migration.model import Step
from backend_architect.tools.plan_migration.rehearsal.dump import dumped_apart
from backend_architect.tools.plan_migration.rehearsal.evidence import Rehearsal
from backend_architect.tools.plan_migration.rehearsal.run import rehearse
from backend_architect.tools.plan_migration.rehearsal.undone import is_order, shown
from backend_architect.tools.postgres.allow import Status
from backend_architect.tools.postgres.cluster import MIB, Cluster, Database
from backend_architect.tools.postgres.introspect import introspect
from backend_architect.tools.postgres.sandbox import apply

NEWEST = 18
SHOWN = 300
ROUNDS = 50  # of a batched step
PART = 10  # cases on one server: its size is watched, and each leaves databases
FILES = {"pg-schema-diff": "pg-schema-diff.json", "migra": "migra.json", "psqldef": "sqldef.json"}
REACHED = {"pg-schema-diff": 99.0, "migra": 100.0, "psqldef": 97.0}
RECALL = 95.0


@dataclass(frozen=True, slots=True)
class Case:
    """Two schemas; `empty` says that the suite expects no statement."""

    suite: str
    name: str
    old: str
    new: str
    empty: bool = False
    hazards: frozenset[str] = frozenset()


class Share(NamedTuple):
    """How many of how many."""

    good: int
    of: int

    @property
    def percent(self) -> float:
        """In percent; of nothing all is good."""
        return 100 * self.good / self.of if self.of else 100.0

    def __str__(self) -> str:
        return f"{self.good} of {self.of} ({self.percent:.1f} %)"


NONE = Share(0, 0)


@dataclass(slots=True)
class Result:
    """What became of a case; `notes` say what is wrong with it."""

    case: Case
    applied: bool = False
    reached: bool = False
    steps: tuple[Step, ...] = ()
    undos: Share = NONE
    foretold: Share = NONE
    hazards: set[str] = field(default_factory=set)
    avoided: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)

    @property
    def missed(self) -> set[str]:
        """Hazards that the suite expects, and our plan neither has nor avoids."""
        return {*self.case.hazards} - self.hazards - self.avoided

    def reason(self) -> str:
        """The first note without names and numbers, to count alike failures together."""
        first = self.notes[0].splitlines()[0]
        return re.sub(r"\"[^\"]*\"|'[^']*'|\d+", "…", first)[:110]


def cases(path: Path) -> Iterator[Case]:
    """The cases of a file."""
    for entry in json.loads(path.read_text()):
        name = entry["name"]
        if "old" in entry:
            sides = entry["old"], entry["new"] or entry["expected_db"]
            if not any(sides):
                continue  # what it works on is made by code of the suite
            old, new = (";\n".join(side or ()) for side in sides)
            hazards = frozenset(entry.get("hazards") or ())
            yield Case("pg-schema-diff", name, old, new, bool(entry.get("empty")), hazards)
        elif "a" in entry:
            yield Case("migra", name, entry["a"], entry["b"])
        elif entry.get("engine") == "psqldef" and entry.get("desired") is not None:
            yield Case("psqldef", name, entry.get("current") or "", entry["desired"])


def score(case: Case, cluster: Cluster) -> Result:
    """Apply, plan, run the plan, compare, rehearse."""
    result = Result(case)
    with cluster.database() as mine, cluster.database() as fresh:
        before = _applied(case.old, mine, result)
        after = _applied(case.new, fresh, result) if before else None
        if before is None or after is None:
            return result
        result.applied = True
        inputs = Inputs({"old.sql": case.old}, {"new.sql": case.new})
        steps = plan(inputs, Dialect.POSTGRES, (NEWEST,), rehearsal=False).steps
        context = Context(before[1], after[1], (), NEWEST)
        result.hazards, result.avoided = hazards_of(steps, context), avoided(steps)
        result.steps = steps
        result.notes += _run(steps, mine)
        result.notes += _apart(mine, fresh)
    rehearsal = rehearse(before[1], after[1], before[0], steps, cluster=cluster)
    result.notes += _reached(rehearsal)
    result.reached = not result.notes
    result.undos = share(step.undo.holds for step in rehearsal.steps if step.undo)
    apart = {mismatch.step for mismatch in rehearsal.mismatches}
    result.foretold = share(step.id not in apart for step in rehearsal.steps)
    result.notes += _undone(rehearsal)
    result.notes += [f"foretold otherwise: {each}" for each in rehearsal.mismatches]
    if case.empty and steps:
        result.notes.insert(0, "not empty")
    result.notes += [f"hazard missed: {name}" for name in sorted(result.missed)]
    if result.notes:
        result.notes += [f"    [{s.id} {s.phase}] {q[:SHOWN]}" for s in steps for q in s.sql]
    return result


def _applied(
    text: str, database: Database, result: Result
) -> tuple[list[Statement], Schema] | None:
    """The statements and the schema of a text that applies without an error."""
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
    return statements, fold(statements, Dialect.POSTGRES)


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


def _apart(mine: Database, fresh: Database) -> list[str]:
    """What keeps the plan's database from the one with the new schema."""
    with mine.connect(superuser=True) as one, fresh.connect(superuser=True) as other:
        found = [c for c in changes(introspect(one), introspect(other)) if not is_order(c)]
    differing = [f"apart: {shown(change)}" for change in found]
    return differing or [f"pg_dump: {line}" for line in dumped_apart(mine, fresh)]


def _reached(rehearsal: Rehearsal) -> Iterator[str]:
    """What a rehearsal says against the plan as a whole."""
    if not rehearsal.ran:
        yield f"not rehearsed: {rehearsal.reason}"
    for witness in rehearsal.witnesses:
        if witness.kind in ("step fails", "target"):
            yield f"rehearsal: {witness.kind}: {witness.error} {', '.join(witness.rows)}"
    for note in rehearsal.notes:
        if note.startswith("Not all was rehearsed"):
            yield f"rehearsal: {note}"


def _undone(rehearsal: Rehearsal) -> Iterator[str]:
    """The undos that are worse than stated."""
    for step in rehearsal.steps:
        if (undo := step.undo) and not undo.holds:
            said = "; ".join(undo.evidence)
            yield f"undo: {undo.observed} instead of {undo.stated}: {said} -- step {step.id}"


def share(facts: Iterable[bool]) -> Share:
    """How many of some facts are so."""
    found = list(facts)
    return Share(sum(found), len(found))


def report(suite: str, results: Sequence[Result], verbose: bool) -> bool:
    """Print the figures of a suite; whether all are high enough."""
    judged = [result for result in results if result.applied]
    expected = [(name, result) for result in judged for name in result.case.hazards]
    by_design = sum(name in r.avoided - r.hazards for name, r in expected)
    undos = Share(sum(r.undos.good for r in judged), sum(r.undos.of for r in judged))
    foretold = Share(sum(r.foretold.good for r in judged), sum(r.foretold.of for r in judged))
    figures = (
        ("target reached by catalog and dump", share(r.reached for r in judged), REACHED[suite]),
        ("empty where nothing changes", share(not r.steps for r in judged if r.case.empty), 100.0),
        ("steps whose undo is as stated", undos, 100.0),
        ("steps whose effects are as foretold", foretold, 100.0),
        ("hazards of the suite", share(name not in r.missed for name, r in expected), RECALL),
    )
    print(f"{suite}: {len(results)} cases, {len(judged)} apply and are judged")
    for what, found, wanted in figures:
        print(f"  {what:36} {found!s:22} wanted {wanted:.0f} %" if found.of else f"  {what}: none")
    if by_design:
        print(f"  of the hazards, avoided by design    {by_design}")
    wrong = [result for result in judged if result.notes]
    for reason, count in Counter(result.reason() for result in wrong).most_common():
        print(f"  {count:4} {reason}")
    for result in wrong if verbose else ():
        print("\n".join([f"\n== {suite}: {result.case.name}", *result.notes[:60]]))
    return all(found.percent >= wanted for _, found, wanted in figures)


def scored(some: Sequence[Case]) -> list[Result]:
    """The results of cases, on a server of their own."""
    results = []
    with Cluster.start(memory=1024 * MIB) as cluster:
        for case in some:
            try:
                results.append(score(case, cluster))
            except Exception as error:
                notes = [f"{type(error).__name__}: {error}", traceback.format_exc()]
                results.append(Result(case, True, notes=notes))
    return results


def files(path: Path, suites: Iterable[str]) -> list[Path]:
    """The files of cases that a path means."""
    if not path.is_dir():
        return [path]
    folder = path / "migration" if (path / "migration").is_dir() else path
    return [folder / FILES[suite] for suite in suites]


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("paths", nargs="+", type=Path)
    arguments.add_argument("--suite", choices=FILES, help="one of the suites")
    arguments.add_argument("--every", type=int, default=1, help="one case in so many")
    arguments.add_argument("--only", default="", help="cases whose name has this text")
    arguments.add_argument("--jobs", type=int, default=1, help="servers at a time")
    arguments.add_argument("--verbose", action="store_true", help="print each failure")
    given = arguments.parse_args()
    suites = [given.suite] if given.suite else list(FILES)
    found = [c for path in given.paths for f in files(path, suites) for c in cases(f)]
    found = [c for c in found if c.suite in suites and given.only.lower() in c.name.lower()]
    found = found[given.every - 1 :: given.every]
    parts = [found[start : start + PART] for start in range(0, len(found), PART)]
    with Pool(given.jobs) as pool:
        results = [result for part in pool.map(scored, parts, 1) for result in part]
    high = [
        report(suite, of, given.verbose)
        for suite in suites
        if (of := [result for result in results if result.case.suite == suite])
    ]
    sys.exit(not all(high))


if __name__ == "__main__":
    main()
