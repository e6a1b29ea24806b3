"""A plan run on a private PostgreSQL, step by step, each undone and run again.

The current schema is applied (a large one cut to what is touched), adversarial rows are planted.
For each step: its pre-flight queries, the step with what it locks and blocks, its verification,
then its undo. After that the catalog must be as before, and every row and value that existed must
be there. The same once more after a row that only the new version can write: that tells an undo
without loss from one that has a last moment. At the end the catalog must be the target's.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

import psycopg

from ...ddl.diff import Change, changes
from ...ddl.model import Schema
from ...ddl.postgres.emit import emit
from ...ddl.script import Statement
from ...postgres.binaries import NoPostgres
from ...postgres.cluster import Cluster
from ...postgres.introspect import introspect
from ...postgres.sandbox import Ended, Limits, apply
from ..model import Phase, Step
from ..operations.effects import UNKNOWN, predicted
from ..own_hazards import scaled
from . import interleave
from .dump import dumped_apart
from .evidence import Mismatch, Rehearsal, StepSeen, UndoSeen, Witness, merged, of_query
from .foretold import mismatches
from .ledger import take
from .losses import Ledger, kept_values, losses, told
from .observe import Seen, names
from .queries import about
from .query_runs import QueryRuns, failures
from .stage import Stage, collides
from .touched import Key, old_queries, touched
from .trim import ENOUGH, closure
from .undo import tried
from .undone import Broken, is_order, shown

LIMITS: Final = Limits(statement=5, total=30)
MAX_SHOWN: Final = 20  # differences
NAMED_NOT_NULL: Final = 18  # the version from which on a NOT NULL has a name
BATCH: Final = 3  # rows of a round: few rows are planted, and several rounds are to be seen
MOST_WRITTEN: Final = 2 * BATCH  # a row that moves is deleted and inserted


def rehearse(
    current: Schema,
    target: Schema,
    statements_of_current: Sequence[Statement],
    steps: Sequence[Step],
    *,
    queries_before: Sequence[str] = (),
    queries_after: Sequence[str] = (),
    limits: Limits | None = None,
    cluster: Cluster | None = None,
    dump: bool = False,
    version: int = NAMED_NOT_NULL,
) -> Rehearsal:
    """Run the steps on a private server, or on one that runs already. Never raises for SQL.

    With `dump` the output of `pg_dump -s` is compared at the end, too. `version` is what the plan
    is for: before 18 a NOT NULL has no name, so that none is compared. When a limit ends the
    rehearsal, what was seen until then is in the answer, and which steps are missing.
    """
    if max(len(current.tables), len(target.tables)) > ENOUGH:
        keys = _keys(current, target, steps)
        current, target = closure(current, keys), closure(target, keys)
        statements_of_current = ()
    if version < NAMED_NOT_NULL:
        current, target = _without_names(current), _without_names(target)
    steps = tuple(scaled(step, BATCH) if step.batched else step for step in steps)
    plan = _Plan(current, target, statements_of_current, steps, limits or LIMITS, dump, version)
    try:
        with _running(cluster) as server:
            return _Run(server, plan).rehearsal(queries_before, queries_after)
    except NoPostgres as error:
        return Rehearsal("", False, f"there is no private PostgreSQL: {error}")
    except (Ended, psycopg.Error) as error:
        return Rehearsal("", False, f"the current schema could not be set up: {error}")


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is rehearsed."""

    current: Schema
    target: Schema
    statements: Sequence[Statement]
    steps: tuple[Step, ...]
    limits: Limits
    dump: bool
    version: int


@contextmanager
def _running(cluster: Cluster | None) -> Iterator[Cluster]:
    if cluster:
        yield cluster
        return
    with Cluster.start() as started:
        yield started


class _Run:
    """One rehearsal under way."""

    def __init__(self, cluster: Cluster, plan: _Plan) -> None:
        self._cluster, self._plan = cluster, plan
        self._seen: list[StepSeen] = []
        self._witnesses: list[Witness] = []
        self._mismatches: list[Mismatch] = []
        self._notes: list[str] = []
        self._warned = False  # whether a pre-flight query has found anything until now
        version = cluster.binaries.major
        self._foretold = tuple(predicted(plan.steps, plan.current, version))
        self._stage = self._built()
        self._application = self._stage.application()
        self._now = self._stage.schema()

    def _built(self) -> Stage:
        plan = self._plan
        coming = (sql for step in plan.steps for sql in (*step.sql, *step.undo.sql))
        return Stage.built(
            self._cluster, plan.limits, plan.current, plan.target, plan.statements, coming
        )

    def rehearsal(self, old: Sequence[str], new: Sequence[str]) -> Rehearsal:
        """Run everything."""
        stage = self._stage
        rows = {str(name): len(found) for name, found in stage.planted.rows.items()}
        self._notes += stage.notes
        for name, why in sorted(stage.planted.empty.items()):
            self._notes.append(f"No row of {name} was accepted: {why}")
        differences: tuple[str, ...] | None = None
        try:
            self._application.add(old, "old")
            keys = _keys(self._plan.current, self._plan.target, self._plan.steps)
            made_up = old_queries(self._plan.current, keys, self._stage.seeder)
            self._application.add(made_up, "old", generated=True)
            self._application.add(new, "new")
            self._application.check("")
            for number, step in enumerate(self._plan.steps):
                self._take(number, step)
            differences = self._differences()
        except (Ended, psycopg.Error) as error:
            reason = self._stage.watchdog.over or f"the private server ended: {error}"
            self._notes.append(f"Not all was rehearsed: {reason}")
        finally:
            self._application.close()
            self._stage.close()
        queries = self._application.runs()
        self._notes += about(queries)
        self._judge_queries(queries)
        if differences:
            self._witnesses.append(
                Witness("target", "", "", "the target is not reached", differences)
            )
        undone = [seen.undo for seen in self._seen if seen.undo]
        return Rehearsal(
            f"PostgreSQL {self._cluster.binaries.version}",
            True,
            "",
            None if differences is None else not differences,
            len(undone) == len(self._plan.steps) and all(undo.holds for undo in undone),
            differences or (),
            tuple(self._seen),
            queries,
            merged(self._witnesses),
            rows,
            tuple(dict.fromkeys(self._notes)),
            tuple(_id(step, n) for n, step in enumerate(self._plan.steps))[len(self._seen) :],
            mismatches=tuple(self._mismatches),
        )

    # One step

    def _take(self, number: int, step: Step) -> None:
        """Run a step, look at it, undo it, run it again, and then all queries."""
        name = _id(step, number)
        begin = time.monotonic()
        stage = self._stage
        stage.session.notices.clear()
        preflight = tuple(stage.check(query) for query in step.preflight)
        self._warned |= not all(checked.ok for checked in preflight)
        orders = self._interleaved(name, step)
        rows = self._rows()
        seen, rounds, refused, step = self._run(step)
        if refused:
            rows = self._rows()
            if not self._warned:
                self._witness("preflight misses", name, seen.statement, refused[0])
        notices = tuple(stage.session.notices)
        ran = StepSeen(
            name,
            seen.error is None,
            locks=seen.strongest(),
            blocks_reads=names(seen.blocks_reads),
            blocks_writes=names(seen.blocks_writes),
            rewrites=names(seen.rewrites),
            scans=names(seen.scans),
            notices=notices,
            skipped=tuple(seen.skipped),
            rounds=rounds,
            refused=refused,
            preflight=preflight,
            interleavings=orders,
        )
        if seen.error:
            error = f"{seen.error.sqlstate}: {seen.error.message}"
            self._witness("step fails", name, seen.statement, error)
            self._now = stage.schema()
            ran = replace(ran, error=error)
        else:
            if step is self._plan.steps[number]:
                self._compare(number, ran, rows)
            ran = self._verified(ran, step)
            if step.batched and seen.most > MOST_WRITTEN:
                said = f"one round wrote {seen.most} rows of a table, where {BATCH} are a batch"
                self._witness("batch too wide", name, "; ".join(step.sql), said)
            before, self._now = self._now, stage.schema()
            self._watch_losses(step, name, before, rows)
            ran = replace(ran, undo=self._undone(number, step, before, rows))
        self._seen.append(replace(ran, seconds=time.monotonic() - begin))
        self._application.check(name)

    def _rows(self) -> Ledger:
        """What may be lost: the rows of both schemas, not those of the plan's own tables."""
        both = self._plan.current.tables.keys() | self._plan.target.tables.keys()
        return take(self._stage.look, self._now, both)

    def _watch_losses(self, step: Step, name: str, then: Schema, rows: Ledger) -> None:
        """Rows and values that both schemas have must live through a step that names no loss.

        `then` and `rows` are the catalog and the rows before it.
        """
        if step.loses_data:
            return
        both = self._plan.current, self._plan.target
        before = kept_values(rows, then, *both)
        after = kept_values(take(self._stage.look, self._now), self._now, *both)
        lost = losses(before, after, nulls=False)
        if lost:
            words = told(lost)
            self._witness("rows lost", name, "; ".join(step.sql), words[0], words[1:])

    def _run(self, step: Step) -> tuple[Seen, int, tuple[str, ...], Step]:
        """Run a step; again without rough rows where it refuses them.

        What it took in its last run, the rounds, how it refused rows, and the step as it ran:
        without inserts that collide with planted rows.
        """
        refused: list[str] = []
        while True:
            seen = Seen()
            rounds = self._stage.run(step, seen)
            if reason := self._stage.make_way(seen, self._now, fill=self._warned):
                refused.append(reason)
            elif collides(seen):
                step = replace(step, sql=tuple(s for s in step.sql if s != seen.statement))
                shown = " ".join(seen.statement.split())[:80]
                self._notes.append(f"Left out, as it meets a planted row: {shown}")
            else:
                return seen, rounds, tuple(refused), step

    def _compare(self, number: int, ran: StepSeen, rows: Ledger) -> None:
        """Note where a step did other than was foretold, unless nothing could be."""
        foretold = self._foretold[number]
        if not any(note.startswith(UNKNOWN) for note in foretold.notes):
            filled = {str(name) for name, found in rows.tables.items() if found.by_key}
            self._mismatches += mismatches(foretold, ran, filled)

    def _interleaved(self, name: str, step: Step) -> int:
        """Try a backfill among writes; in how many orders."""
        if not step.batched:
            return 0
        count, collisions = interleave.tried(self._stage, step, self._plan.current, self._now)
        for collision in collisions:
            said = f"expected {collision.expected}; got {collision.got}"
            self._witness("interleaving", name, "; ".join(step.sql), said, (collision.order,))
        return count

    def _verified(self, ran: StepSeen, step: Step) -> StepSeen:
        checks = tuple(self._stage.check(query) for query in step.verify)
        for checked in checks:
            if checked.ok is False:
                said = f"{checked.got} instead of {checked.expected}"
                self._witness("verification fails", ran.id, checked.sql, said)
        return replace(ran, verify=checks)

    def _undone(self, number: int, step: Step, before: Schema, rows: Ledger) -> UndoSeen:
        name = _id(step, number)
        try:
            undo = tried(self._stage, step, before, rows, self._now)
        except Broken as broken:
            undo = broken.seen
            self._start_again(number)
        if not undo.holds:
            what = f"stated {undo.stated}, observed {undo.observed}"
            self._witness("undo", name, "; ".join(step.undo.sql), what, undo.evidence)
        if undo.observed != "lossless":
            self._now = self._stage.schema()
        return undo

    def _start_again(self, number: int) -> None:
        """A fresh database, where the steps up to this one have run, without looking at them."""
        self._application.close()
        self._stage.close()
        self._stage = self._built()
        self._application.move(self._stage.another())
        for step in self._plan.steps[: number + 1]:
            self._run(step)
            self._now = self._stage.schema()
        self._notes.append(
            f"After {_id(self._plan.steps[number], number)} the rehearsal went on in a fresh"
            " database, as its undo had left something else."
        )

    def _witness(
        self, kind: str, step: str, statement: str, error: str, rows: Sequence[str] = ()
    ) -> None:
        self._witnesses.append(Witness(kind, step, statement, error, tuple(rows)))

    # Queries

    def _judge_queries(self, queries: Sequence[QueryRuns]) -> None:
        moments = [""]
        for number, step in enumerate(self._plan.steps):
            if step.phase is Phase.CONTRACT:
                break
            moments.append(_id(step, number))
        last = self._seen[-1].id if self._seen else ""
        old, new = failures(queries, moments, last)
        for kind, found in (("old query", old), ("new query", new)):
            self._witnesses += [of_query(kind, failure) for failure in found]

    # The target

    def _differences(self) -> tuple[str, ...]:
        """What keeps the catalog from the target's; asked of the model first, then of a server."""
        found = self._apart(self._plan.target)
        if not found and not self._plan.dump:
            return ()
        database = self._cluster.database()
        apply(database, [(text, 0) for text in emit(self._plan.target)], self._plan.limits)
        with database.connect(superuser=True) as connection:
            found = self._apart(introspect(connection))
        differing = [shown(change) for change in found]
        if self._plan.dump:
            differing += dumped_apart(self._stage.database, database)
        return tuple(differing[:MAX_SHOWN])

    def _apart(self, target: Schema) -> list[Change]:
        now = self._now
        if self._plan.version < NAMED_NOT_NULL:
            now, target = _without_names(now), _without_names(target)
        return [change for change in changes(now, target) if not is_order(change)]


def _without_names(schema: Schema) -> Schema:
    """The schema with each NOT NULL as it was before it had a name."""
    tables = {
        name: replace(
            table,
            columns={
                key: replace(c, not_null=replace(c.not_null, name="")) if c.not_null else c
                for key, c in table.columns.items()
            },
        )
        for name, table in schema.tables.items()
    }
    return replace(schema, tables=tables)


def _id(step: Step, number: int) -> str:
    return step.id or f"step-{number + 1}"


def _keys(current: Schema, target: Schema, steps: Sequence[Step]) -> set[Key]:
    """The keys of what changes, and of every relation that a step names."""
    named = touched(current, target, (sql for step in steps for sql in step.sql))
    return {*named, *(key for step in steps for key in step.objects)}
