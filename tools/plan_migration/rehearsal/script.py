"""The user's own script on a private PostgreSQL, committed as its runner commits it.

Before the first and after each transaction the old code reads and writes. What fails then, which
rows that the current schema allows the script refuses, and what rows and values it loses are
witnesses: they show what the hazards of the script warn of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import psycopg

from ...ddl.model import Name, Schema, Type
from ...ddl.script import Statement
from ...postgres.cluster import Cluster
from ...postgres.sandbox import Ended, Limits
from ..units import Unit
from .evidence import ScriptSeen, UnitSeen, Witness, merged, of_query
from .ledger import take
from .losses import Ledger, losses, only_given, renamed, told
from .observe import Seen, names
from .queries import about
from .query_runs import QueryRuns, failures
from .seeds import Rough, insert
from .stage import Stage, collides
from .touched import old_queries, touched
from .trim import ENOUGH, closure

LIMITS: Final = Limits(statement=5, total=15)
_Refusal = tuple[str, str, list[Rough]]  # the statement, its error, rows that were removed


def rehearse_script(
    current: Schema,
    target: Schema,
    statements_of_current: Sequence[Statement],
    script: Sequence[Unit],
    *,
    queries_before: Sequence[str] = (),
    queries_after: Sequence[str] = (),
    limits: Limits = LIMITS,
    cluster: Cluster,
) -> ScriptSeen:
    """Run the script; `target` is what it makes of `current`. Never raises for SQL."""
    sql = [statement.text for unit in script for statement in unit.statements]
    keys = {*touched(current, target, sql)}
    if len(current.tables) > ENOUGH:
        current, target = closure(current, keys), closure(target, keys)
        statements_of_current = ()
    try:
        stage = Stage.built(cluster, limits, current, target, statements_of_current, sql)
        try:
            made_up = [*old_queries(current, keys, stage.seeder)]
            run = _Run(stage, current, target)
            return run.whole(script, queries_before, made_up, queries_after)
        finally:
            stage.close()
    except (Ended, psycopg.Error) as error:
        return ScriptSeen(False, f"the current schema could not be set up: {error}")


class _Run:
    """One run of a script under way."""

    def __init__(self, stage: Stage, current: Schema, target: Schema) -> None:
        self._stage, self._tables = stage, current.tables.keys() | target.tables.keys()
        self._application = stage.application()
        self._now = stage.schema()
        self._seen: list[UnitSeen] = []
        self._witnesses: list[Witness] = []
        self._notes: list[str] = list(stage.notes)

    def whole(
        self,
        script: Sequence[Unit],
        old: Sequence[str],
        made_up: Sequence[str],
        new: Sequence[str],
    ) -> ScriptSeen:
        """Run unit by unit until one fails, as the runner would."""
        try:
            self._application.add(old, "old")
            self._application.add(made_up, "old", generated=True)
            self._application.add(new, "new")
            self._application.check("")
            for unit in script:
                if not self._take(unit):
                    break
                self._application.check(unit.at)
        except (Ended, psycopg.Error) as error:
            reason = self._stage.watchdog.over or f"the private server ended: {error}"
            self._notes.append(f"Not all of the script was run: {reason}")
        finally:
            self._application.close()
        queries = self._application.runs()
        self._notes += about(queries)
        self._judge(queries, script)
        completed = len(self._seen) == len(script) and not any(s.error for s in self._seen)
        return ScriptSeen(
            True,
            "",
            completed,
            tuple(self._seen),
            queries,
            merged(self._witnesses),
            tuple(dict.fromkeys(self._notes)),
        )

    def _take(self, unit: Unit) -> bool:
        """Run a unit; whether the script goes on after it."""
        seen, refused, rows = self._run(unit)
        before, self._now = self._now, self._stage.schema()
        lost = () if seen.error else self._lost(unit, rows, before)
        error = f"{seen.error.sqlstate}: {seen.error.message}" if seen.error else ""
        sql = tuple(statement.text for statement in unit.statements)
        if error:
            self._witness("statement fails", unit, seen.statement, error)
        for statement, said, rough in refused:
            culprits = [r for r in rough if self._refuses(r)] or rough
            shown = [f"{r.table}: {r.why}" for r in culprits]
            self._witness("rows refused", unit, statement, said, shown)
        if lost and not unit.data:
            self._witness("rows lost", unit, sql[0], lost[0], lost[1:])
        self._seen.append(
            UnitSeen(
                unit.at,
                sql,
                unit.transaction,
                seen.strongest(),
                names(seen.blocks_reads),
                names(seen.blocks_writes),
                names(seen.rewrites),
                names(seen.scans),
                lost,
                error,
            )
        )
        return not error

    def _run(self, unit: Unit) -> tuple[Seen, list[_Refusal], Ledger]:
        """Run a unit, without rows that it refuses and inserts that collide with planted ones.

        What was seen in the last run, what was refused before it, and the rows that it met.
        """
        stage, refused = self._stage, list[_Refusal]()
        sql = [statement.text for statement in unit.statements]
        while True:
            seen = Seen()
            rows = take(stage.look, self._now, self._tables)
            planted = list(stage.planted.rough)
            stage.run_once(sql, "own" if unit.transaction else "none", seen)
            if reason := stage.make_way(seen, self._now):
                gone = [r for r in planted if r not in stage.planted.rough]
                refused.append((seen.statement, reason, gone))
            elif collides(seen):
                sql.remove(seen.statement)
                shown = " ".join(seen.statement.split())[:80]
                self._notes.append(f"{unit.at}: left out, as it meets a planted row: {shown}")
            else:
                return seen, refused, rows

    def _refuses(self, rough: Rough) -> bool:
        """Whether the schema as it is now refuses a row that was removed."""
        table = self._now.tables.get(rough.table)
        if table is None:
            return False
        columns = [n for n, c in table.columns.items() if not (c.generated or c.identity)]
        values = dict(zip(rough.columns, rough.row, strict=True))
        session = self._stage.session
        session.send("BEGIN")
        done = session.run(insert(table, [{n: values[n] for n in columns if n in values}]))
        session.send("ROLLBACK")
        return not done.ok

    def _lost(self, unit: Unit, rows: Ledger, before: Schema) -> tuple[str, ...]:
        for rename in unit.renames:
            rows = renamed(rows, rename.old, rename.new, rename.column)
        using = any("USING" in statement.text.upper() for statement in unit.statements)
        cast = {} if using else _widened(before, self._now)
        after = only_given(take(self._stage.look, self._now, rows.tables), cast)
        lost = losses(only_given(rows, cast), after, nulls=False)
        return tuple(told(lost)) if lost else ()

    def _witness(
        self, kind: str, unit: Unit, statement: str, error: str, rows: Sequence[str] = ()
    ) -> None:
        self._witnesses.append(Witness(kind, unit.at, statement, error, tuple(rows)))

    def _judge(self, queries: Sequence[QueryRuns], script: Sequence[Unit]) -> None:
        moments = ["", *(unit.at for unit in script)]
        last = self._seen[-1].at if self._seen else ""
        for side, found in zip(("old", "new"), failures(queries, moments, last), strict=True):
            self._witnesses += [of_query(f"{side} query", failure) for failure in found]


def _widened(before: Schema, after: Schema) -> dict[Name, set[str]]:
    """Columns whose new type holds each value of the old one, and may show it otherwise."""
    return {
        name: {
            column.name
            for column in table.columns.values()
            if (old := before.tables[name].columns.get(column.name))
            and old.type != column.type
            and _holds(column.type, old.type)
        }
        for name, table in after.tables.items()
        if name in before.tables
    }


def _holds(wide: Type, narrow: Type) -> bool:
    """Whether the first type has every value of the second, or refuses it."""
    if {wide.name, narrow.name} == _STAMPS:
        return wide.args == narrow.args and not wide.array
    if wide.name != "numeric" or wide.array or narrow.array:
        return False
    scale = int(wide.args[1]) if len(wide.args) > 1 else 0
    if narrow.name in ("smallint", "integer", "bigint"):
        return scale >= 0
    fixed = narrow.name == "numeric" and bool(narrow.args)
    return fixed and (not wide.args or scale >= int([*narrow.args, "0"][1]))


_STAMPS: Final = {"timestamp without time zone", "timestamp with time zone"}
