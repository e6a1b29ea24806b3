"""The user's own script on a private SQLite, committed as its runner commits it.

Before the first and after each transaction the old code reads and writes. What fails then, which
rows that the current schema allows the script refuses, and what rows and values it loses are
witnesses: they show what the hazards of the script warn of.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Final

from ...ddl.diff import changes
from ...ddl.model import Name, Schema
from ...ddl.script import Statement
from ...ddl.tokens import identifiers
from ...sqlite.sandbox import Clock
from ..rehearsal.evidence import ScriptSeen, UnitSeen, Witness, merged, of_query
from ..rehearsal.losses import Ledger, losses, renamed, told
from ..rehearsal.query_runs import failures
from ..rehearsal.undone import is_order, shown
from ..units import Unit
from .effects import WHOLE
from .ledger import take
from .queries import Application
from .rehearsal import MAX_SHOWN, MAX_WATCHED
from .seeds import Rough
from .spelling import spelled_as
from .stage import Over, Seen, Stage
from .trim import ENOUGH, trimmed

STATEMENT_SECONDS: Final = 5
TOTAL_SECONDS: Final = 15
# What has no effect or is refused in a transaction.
_ALONE: Final = re.compile(r"\s*(PRAGMA|VACUUM|ATTACH|DETACH)\b", re.IGNORECASE)
_INSERT: Final = re.compile(r"\s*INSERT\b", re.IGNORECASE)
_DUPLICATE: Final = ("SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_UNIQUE")
_TAKES_AWAY: Final = re.compile(r"\s*(UPDATE|DELETE|REPLACE|WITH|INSERT\s+OR)\b", re.IGNORECASE)


def rehearse_script(
    current: Schema,
    target: Schema,
    statements_of_current: Sequence[Statement],
    script: Sequence[Unit],
    queries_before: Sequence[str] = (),
    queries_after: Sequence[str] = (),
    *,
    clock: Clock | None = None,
) -> ScriptSeen:
    """Run the script; `target` is what it makes of `current`. Never raises for SQL."""
    texts = [statement.text for unit in script for statement in unit.statements]
    part = trimmed(current, target, {w for t in texts for w in identifiers(t, current.dialect)})
    touched = frozenset(part[0].tables)
    if max(len(current.tables), len(target.tables)) > ENOUGH:
        (current, target), statements_of_current = part, ()
    stage = Stage(clock or Clock(STATEMENT_SECONDS, TOTAL_SECONDS))
    try:
        stage.build(
            current, target, statements_of_current, touched, _moved(script, current, target)
        )
        run = _Run(stage, target)
        watched = [t for name, t in sorted(current.tables.items()) if name in touched]
        run.application.add(queries_before, "old")
        run.application.add_made(watched[:MAX_WATCHED])
        run.application.add(queries_after, "new")
        return run.whole(script)
    except (Over, sqlite3.Error) as error:
        reason = "its time was over" if stage.clock.over else str(error)
        return ScriptSeen(False, f"the current schema could not be set up: {reason}")
    finally:
        stage.close()


def _moved(script: Sequence[Unit], current: Schema, target: Schema) -> Mapping[Name, Name]:
    """The tables that have another name after the script."""
    first: dict[Name, Name] = {}
    for rename in (rename for unit in script for rename in unit.renames):
        if not rename.column:
            first[rename.new] = first.pop(rename.old, rename.old)
    return {
        old: new
        for new, old in first.items()
        if old in current.tables and old not in target.tables and new in target.tables
    }


class _Run:
    """One run of a script under way."""

    def __init__(self, stage: Stage, target: Schema) -> None:
        self._stage, self._target = stage, target
        self.application = Application(stage)
        self._now = stage.schema()
        self._before = take(stage.session, self._now)
        self._names: dict[Name, Name] = {}  # the first names of tables, by those that they got
        self._seen: list[UnitSeen] = []
        self._witnesses: list[Witness] = []
        self._notes: list[str] = list(stage.notes)

    def whole(self, script: Sequence[Unit]) -> ScriptSeen:
        """Run unit by unit until one fails, as the runner would."""
        try:
            self.application.check("")
            for number, unit in enumerate(script):
                if not self._take(unit, script[number + 1 :]):
                    break
                self.application.check(unit.at)
        except (Over, sqlite3.Error) as error:
            reason = "its time was over" if self._stage.clock.over else str(error)
            self._notes.append(f"Not all of the script was run: {reason}.")
        finally:
            queries = self.application.runs()
            self.application.close()
        moments = ["", *(unit.at for unit in script)]
        found = failures(queries, moments, self._seen[-1].at if self._seen else "")
        for side, failed in zip(("old", "new"), found, strict=True):
            self._witnesses += [of_query(f"{side} query", failure) for failure in failed]
        completed = len(self._seen) == len(script) and not any(s.error for s in self._seen)
        if completed:
            self._compare()
        return ScriptSeen(
            True,
            "",
            completed,
            tuple(self._seen),
            queries,
            merged(self._witnesses),
            tuple(dict.fromkeys(self._notes)),
        )

    def _compare(self) -> None:
        """Say where the catalog is not what the script was read to make."""
        found = changes(self._now, spelled_as(self._target, self._now))
        apart = [shown(change) for change in found if not is_order(change)]
        if apart:
            some = "; ".join(apart[:MAX_SHOWN])
            self._notes.append(f"The script makes other than was read from it: {some}.")

    def _take(self, unit: Unit, later: Sequence[Unit]) -> bool:
        """Run a unit; whether the script goes on after it."""
        seen = self._run(unit)
        self._now = self._stage.schema()
        error = f"{seen.code}: {seen.error}" if seen.error else ""
        sql = tuple(statement.text for statement in unit.statements)
        if error:
            self._witness("statement fails", unit, seen.statement, error)
        lost = () if error else self._lost(unit, later)
        if lost and not any(map(_TAKES_AWAY.match, sql)):
            self._witness("rows lost", unit, sql[0], lost[0], lost[1:])
        self._seen.append(
            UnitSeen(
                unit.at,
                sql,
                unit.transaction,
                tuple(seen.locks),
                (WHOLE,) if seen.blocks_reads else (),
                (WHOLE,) if seen.blocks_writes else (),
                lost=lost,
                error=error,
            )
        )
        return not error

    def _run(self, unit: Unit) -> Seen:
        """Run a unit, without rows that it refuses and inserts that collide with planted ones."""
        stage = self._stage
        sql = [statement.text for statement in unit.statements]
        while True:
            alone = len(sql) == 1 and _ALONE.match(sql[0])
            rough = list(stage.planted.rough)
            seen = stage.run_once(sql if alone else ("BEGIN", *sql, "COMMIT"))
            if seen.refused and rough and stage.remove_rough():
                said = f"{seen.code}: {seen.error}"
                self._witness("rows refused", unit, seen.statement, said, [*_shown(rough)])
                self._before = take(stage.session, stage.schema())
            elif seen.code in _DUPLICATE and _INSERT.match(seen.statement):
                sql.remove(seen.statement)
                text = " ".join(seen.statement.split())[:80]
                self._notes.append(f"{unit.at}: left out, as it meets a planted row: {text}")
            else:
                return seen

    def _lost(self, unit: Unit, later: Sequence[Unit]) -> tuple[str, ...]:
        """What is gone, or other than before the unit.

        The rows of a table that was copied are looked for under the name that it had or will have.
        """
        rows = self._before
        for rename in unit.renames:
            if rename.column or rename.new not in rows.tables:
                rows = renamed(rows, rename.old, rename.new, rename.column)
            else:  # the copy of a table takes its place
                rows = _without(rows, {rename.old})
            if not rename.column:
                self._names[rename.new] = self._names.pop(rename.old, rename.old)
        now = take(self._stage.session, self._now)
        for new, old in self._names.items():
            if new not in now.tables and old in now.tables:
                rows = renamed(rows, new, old)
        taken = {r.new for each in later for r in each.renames if not r.column}
        waiting = {name for name in rows.tables if name in taken and name not in now.tables}
        lost = losses(_without(rows, waiting), now, nulls=False)
        kept = {name: rows.tables[name] for name in waiting}
        self._before = Ledger({**now.tables, **kept}, now.sequences)
        return tuple(told(lost)) if lost else ()

    def _witness(
        self, kind: str, unit: Unit, statement: str, error: str, rows: Sequence[str] = ()
    ) -> None:
        self._witnesses.append(Witness(kind, unit.at, statement, error, tuple(rows)))


def _without(ledger: Ledger, names: Set[Name]) -> Ledger:
    kept = {name: rows for name, rows in ledger.tables.items() if name not in names}
    return Ledger(kept, ledger.sequences)


def _shown(rough: Sequence[Rough]) -> Iterator[str]:
    for row in rough:
        yield f"{row.table}: {row.where}, {', '.join(map(repr, row.values))}"[:200]
