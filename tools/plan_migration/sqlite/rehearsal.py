"""A plan run on the standard library's SQLite, step by step, each undone and run again.

The current schema is applied to a private file, adversarial rows are planted. For each step: its
pre-flight queries, the step, with what another connection meets before its commit, its
verification, its undo, compared by catalog and rows; then the application's queries of both sides.
At the end the catalog must be the target's.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from ...ddl.diff import changes, dotted
from ...ddl.model import Column, Name, Schema, Table
from ...ddl.script import Statement
from ...ddl.sqlite.emit import ident, qualified
from ...sqlite.sandbox import Clock
from ..model import Phase, Step
from ..rehearsal.evidence import Checked, Rehearsal, StepSeen, Witness, of_query
from ..rehearsal.query_runs import QueryRuns, failures
from ..rehearsal.undone import is_order, shown
from .effects import WHOLE
from .ledger import take
from .queries import Application
from .spelling import spelled_as
from .stage import Over, Seen, Stage
from .trim import ENOUGH, trimmed
from .undo import tried
from .values import candidates, distinct

STATEMENT_SECONDS: Final = 5
TOTAL_SECONDS: Final = 30
MAX_WATCHED: Final = 20  # tables whose old queries are made up
MAX_SHOWN: Final = 20  # differences


def rehearse(
    current: Schema,
    target: Schema,
    statements_of_current: Sequence[Statement],
    steps: Sequence[Step],
    queries_before: Sequence[str] = (),
    queries_after: Sequence[str] = (),
    *,
    clock: Clock | None = None,
) -> Rehearsal:
    """Run the steps in a private database. Never raises for SQL.

    When its time is over, what was seen until then is in the answer, and `notes` say so.
    """
    target = spelled_as(target, current)
    part = trimmed(current, target, _words(steps))
    touched = frozenset(part[0].tables)
    if max(len(current.tables), len(target.tables)) > ENOUGH:
        (current, target), statements_of_current = part, ()
    stage = Stage(clock or Clock(STATEMENT_SECONDS, TOTAL_SECONDS))
    try:
        run = _Run(stage, current, target, tuple(steps), touched)
        return run.rehearsal(statements_of_current, queries_before, queries_after)
    finally:
        stage.close()


class _Run:
    """One rehearsal under way."""

    def __init__(
        self,
        stage: Stage,
        current: Schema,
        target: Schema,
        steps: tuple[Step, ...],
        touched: frozenset[Name],
    ) -> None:
        self._stage, self._current, self._target, self._steps = stage, current, target, steps
        self._touched = touched
        self._seen: list[StepSeen] = []
        self._witnesses: list[Witness] = []
        self._notes: list[str] = []
        self._now = current

    def rehearsal(
        self, statements: Sequence[Statement], old: Sequence[str], new: Sequence[str]
    ) -> Rehearsal:
        """Run everything."""
        stage = self._stage
        queries: tuple[QueryRuns, ...] = ()
        differences: tuple[str, ...] = ("not all steps were run",)
        try:
            self._build(statements)
            application = Application(stage)
            try:
                application.add(old, "old")
                application.add_made(self._watched())
                application.add(new, "new")
                self._take_all(application)
                differences = self._differences()
            finally:
                queries = application.runs()
                application.close()
        except (Over, sqlite3.Error) as error:
            reason = "its time was over" if stage.clock.over else str(error)
            self._notes.append(f"The rehearsal was not finished: {reason}.")
        self._judge(queries)
        if differences:
            why = "the target is not reached"
            self._witnesses.append(Witness("target", "", "", why, differences))
        undone = [seen.undo for seen in self._seen if seen.undo]
        planted = stage.planted
        return Rehearsal(
            f"SQLite {sqlite3.sqlite_version}",
            True,
            "",
            not differences,
            len(undone) == len(self._steps) and all(undo.holds for undo in undone),
            differences,
            tuple(self._seen),
            queries,
            tuple(self._witnesses),
            {str(name): len(rows) for name, rows in planted.rows.items()},
            tuple(dict.fromkeys([*stage.notes, *self._notes])),
        )

    def _build(self, statements: Sequence[Statement]) -> None:
        self._stage.build(self._current, self._target, statements, self._touched, self._moved())
        for name, why in sorted(self._stage.planted.empty.items()):
            self._notes.append(f"No row of {name} was accepted: {why}")
        self._now = self._stage.schema()

    def _moved(self) -> Mapping[Name, Name]:
        """The names of tables before with those after a rename."""
        gone = {dotted(n): n for n in self._current.tables if n not in self._target.tables}
        new = {dotted(n): n for n in self._target.tables if n not in self._current.tables}
        found = {}
        for step in self._steps:
            tables = [key[1] for key in step.objects if key[0] == "table"]
            if len(tables) == 2 and tables[0] in gone and tables[1] in new:
                found[gone[tables[0]]] = new[tables[1]]
        return found

    def _take_all(self, application: Application) -> None:
        application.check("")
        filled = False
        for step in self._steps:
            if step.phase is Phase.CONTRACT and not filled:
                self._fill()
                filled = True
            self._take(step)
            application.check(step.id)

    # One step

    def _take(self, step: Step) -> None:
        """Run a step, look at it, undo it, run it again."""
        stage = self._stage
        begin = time.monotonic()
        preflight = tuple(stage.check(query) for query in step.preflight)
        refused: tuple[str, ...] = ()
        objecting = any(checked.ok is False for checked in preflight)
        if objecting:
            refused = self._without_rough(step)
        counted = {query.sql: stage.count(query.sql) for query in step.verify}
        before, rows = self._now, take(stage.session, self._now)
        seen = stage.run(step.sql)
        if seen.refused and not objecting:
            statement, error = seen.statement, f"{seen.code}: {seen.error}"
            if stage.remove_rough():
                self._witness("preflight misses", step, statement, error)
                rows = take(stage.session, self._now)
                counted = {query.sql: stage.count(query.sql) for query in step.verify}
                seen = stage.run(step.sql)
        ran = self._seen_of(step, seen, refused, preflight)
        self._now = stage.schema()
        if seen.error:
            self._witness("step fails", step, seen.statement, ran.error)
        else:
            ran = self._verified(ran, step, counted)
            undo = tried(stage, step, before, rows, self._now)
            if not undo.holds:
                what = f"stated {undo.stated}, observed {undo.observed}"
                self._witness("undo", step, "; ".join(step.undo.sql), what, undo.evidence)
            ran = replace(ran, undo=undo)
        self._seen.append(replace(ran, seconds=time.monotonic() - begin))

    def _without_rough(self, step: Step) -> tuple[str, ...]:
        """How the step refuses the rows that its pre-flight queries found; they are removed."""
        copy = self._stage.snapshot()
        seen = self._stage.run(step.sql)
        self._stage.restore(copy)
        copy.close()
        self._stage.remove_rough()
        return (f"{seen.code}: {seen.error}",) if seen.refused else ()

    def _seen_of(
        self, step: Step, seen: Seen, refused: tuple[str, ...], preflight: tuple[Checked, ...]
    ) -> StepSeen:
        return StepSeen(
            step.id,
            not seen.error,
            locks=tuple(seen.locks),
            blocks_reads=(WHOLE,) if seen.blocks_reads else (),
            blocks_writes=(WHOLE,) if seen.blocks_writes else (),
            error=f"{seen.code}: {seen.error}" if seen.error else "",
            refused=refused,
            preflight=preflight,
        )

    def _verified(self, ran: StepSeen, step: Step, counted: Mapping[str, str]) -> StepSeen:
        checks = tuple(self._stage.check(query, counted) for query in step.verify)
        for checked in checks:
            if checked.ok is False:
                said = f"{checked.got} instead of {checked.expected}"
                self._witness("verification fails", step, checked.sql, said)
        return replace(ran, verify=checks)

    def _witness(
        self, kind: str, step: Step, statement: str, error: str, rows: Sequence[str] = ()
    ) -> None:
        self._witnesses.append(Witness(kind, step.id, statement, error, tuple(rows)))

    def _fill(self) -> None:
        """Fill new columns that become NOT NULL, as the new code must before the contract phase."""
        for name, table in self._target.tables.items():
            now = self._now.tables.get(name)
            old = self._current.tables.get(name)
            for column in table.columns.values():
                if now is None or old is None or column.name in old.columns:
                    continue
                waiting = now.columns.get(column.name)
                if column.not_null is not None and waiting and waiting.not_null is None:
                    self._fill_column(now, table, column)
                    self._notes.append(f"{name}.{column.name} was filled, as the new code must.")

    def _fill_column(self, now: Table, table: Table, column: Column) -> None:
        shown, session = ident(column.name), self._stage.session
        name = qualified(table.name)
        checks = [check.expression for check in table.checks.values()]
        for number in range(100):
            choices = [distinct(column, number), *candidates(column, table, checks)]
            for value in choices:
                try:
                    done = session.execute(
                        f"UPDATE {name} SET {shown} = ? WHERE {shown} IS NULL"
                        f" AND {_one_row(now, shown)}",
                        (value,),
                    )
                except (sqlite3.Error, OverflowError):
                    continue
                if not done.rowcount:
                    return
                break

    # Queries

    def _watched(self) -> list[Table]:
        """The tables that the plan changes, as old code knows them."""
        names = {key[1] for step in self._steps for key in step.objects if len(key) > 1}
        found = [table for name, table in self._current.tables.items() if dotted(name) in names]
        return found[:MAX_WATCHED]

    def _judge(self, queries: Sequence[QueryRuns]) -> None:
        moments = [""]
        for step in self._steps:
            if step.phase is Phase.CONTRACT or "breaks old code" in step.hazards:
                break
            moments.append(step.id)
        old, new = failures(queries, moments, self._seen[-1].id if self._seen else "")
        for kind, found in (("old query", old), ("new query", new)):
            self._witnesses += [of_query(kind, failure) for failure in found]

    # The target

    def _differences(self) -> tuple[str, ...]:
        """What keeps the catalog from the target's."""
        real = self._now
        found = changes(real, spelled_as(self._target, real))
        return tuple(shown(change) for change in found if not is_order(change))[:MAX_SHOWN]


def _words(steps: Sequence[Step]) -> set[str]:
    return {word.lower() for step in steps for sql in step.sql for word in re.findall(r"\w+", sql)}


def _one_row(table: Table, column: str) -> str:
    """A condition that one row without a value meets."""
    name = qualified(table.name)
    if not table.without_rowid:
        return f"rowid = (SELECT min(rowid) FROM {name} WHERE {column} IS NULL)"
    key = table.primary_key
    assert key is not None
    first = ident(key.columns[0])
    return f"{first} = (SELECT min({first}) FROM {name} WHERE {column} IS NULL)"
