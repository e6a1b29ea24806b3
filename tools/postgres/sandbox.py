"""The user's SQL in the private PostgreSQL: what may run, as whom, for how long.

Four walls, each of which would do alone: a list of kinds of statements, judged on PostgreSQL's own
parse tree and denying what it does not name; a role without rights outside of its database; a
watchdog outside of the session, since a session can turn off its own timeouts; and a server that
is an unprivileged user's, without network, in a directory that is thrown away.

A schema is applied as far as possible: each statement has an outcome. What a dump takes for
granted and this server lacks is stubbed, and said so: roles that statements name (without login or
rights), collations of the system (the order of bytes), extensions (`stubs.sql`, or empty),
functions in other languages (they raise). Owners are not changed: the sandbox role owns all.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from psycopg import pq
from psycopg.pq import DiagnosticField, ExecStatus

from .allow import Judge, Outcome, Status, Step
from .cluster import MIB, Database
from .pipeline import next_result, results

MAX_MESSAGE = 500  # characters of a server's message that are kept


@dataclass(frozen=True, slots=True)
class Limits:
    """What a call may use. Memory is the cluster's: `Cluster.start(memory=…)`."""

    statement: float = 10  # seconds
    total: float = 60  # seconds
    disk: int = 512 * MIB  # bytes that the data directory may grow


@dataclass(frozen=True, slots=True)
class Applied:
    """The outcomes in the order of the statements, and what stands in for something missing."""

    outcomes: tuple[Outcome, ...]
    roles: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    collations: tuple[str, ...] = ()

    def count(self, status: Status) -> int:
        """How many statements ended so."""
        return sum(outcome.status is status for outcome in self.outcomes)


def apply(
    database: Database, script: Sequence[tuple[str, int]], limits: Limits | None = None
) -> Applied:
    """Run statements (text and offset), in order, each whatever became of the others.

    Statements between BEGIN and COMMIT run in a transaction. If it fails they run once more, each
    by itself, so that one error does not hide the rest. Never raises for what a statement does;
    when a limit ends the call, the outcomes of the rest say so.
    """
    with database.connect(superuser=True) as administrator:
        judge = Judge(database, administrator)
        steps = [judge.step(text, offset) for text, offset in script]
        judge.prepare()
    with Watchdog(database, limits or Limits()) as watchdog:
        runner = _Runner(database, watchdog)
        try:
            for block, transaction in _blocks(steps):
                (runner.run_transaction if transaction else runner.run)(block)
        except Ended as ended:
            for step in steps:
                step.outcome = step.outcome or _error(step, f"not run: {ended}")
        finally:
            runner.close()
    return Applied(
        tuple(step.result for step in steps),
        tuple(sorted(judge.roles)),
        tuple(sorted(judge.extensions)),
        tuple(sorted(judge.collations)),
    )


class Ended(Exception):
    """A limit of the whole call was reached, or the server is gone."""


class Watchdog:
    """Ends a session that runs too long or fills the disk; from outside, and whatever it set.

    In `with`; `watch` each session, and say `progress` when a statement of it has ended.
    """

    def __init__(self, database: Database, limits: Limits) -> None:
        self.reason = ""  # why it ended the last session
        self.over = ""  # why nothing more may run
        self._database, self._limits = database, limits
        self._session = 0
        self._since = self._begin = time.monotonic()
        self._size = database.cluster.size()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watchdog:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def watch(self, connection: psycopg.Connection[Any] | None) -> None:
        """Look at this session from now on, or at none."""
        self.progress()
        self.reason = ""
        self._session = connection.info.backend_pid if connection else 0

    def progress(self) -> None:
        """A statement has ended, another begins."""
        self._since = time.monotonic()

    def _run(self) -> None:
        pause = 0.02
        while not self._stop.wait(pause):
            begin = time.monotonic()
            if self._session and (reason := self._exceeded()):
                self._end(reason)
            # Looking takes time in a directory of thousands of files; a fifth of it at most.
            pause = max(0.02, 5 * (time.monotonic() - begin))

    def _exceeded(self) -> str:
        limits, now = self._limits, time.monotonic()
        if self._database.cluster.size() - self._size > limits.disk:
            self.over = f"the limit of {limits.disk // MIB} MiB on disk was reached"
        elif now - self._begin > limits.total:
            self.over = f"the limit of {limits.total:g} s for all statements was reached"
        elif now - self._since > limits.statement:
            return f"ended after the limit of {limits.statement:g} s for a statement"
        return self.over

    def _end(self, reason: str) -> None:
        """Terminate the session; the whole server where that does not help."""
        session = self._session
        self.reason = reason
        with suppress(psycopg.Error):
            self._database.terminate(session)
        deadline = time.monotonic() + 2
        while self._session == session and time.monotonic() < deadline:
            if self._stop.wait(0.01):
                return
        if self._session == session:
            self.over = f"{reason}; the server was ended with it"
            self._database.cluster.stop()
            self._session = 0


def _blocks(steps: Sequence[Step]) -> Iterator[tuple[list[Step], bool]]:
    """The steps that run, in stretches between BEGIN and COMMIT (true) and outside (false)."""
    block: list[Step] = []
    inside = False
    for step in steps:
        if step.outcome:
            continue
        if step.kind == "begin" and not inside:
            yield block, False
            block, inside = [step], True
        elif step.kind == "end" and inside:
            yield [*block, step], True
            block, inside = [], False
        elif inside or not _of_transaction(step, "no transaction is open"):
            block.append(step)
    if inside:
        block = [each for each in block if not _of_transaction(each, "it is never committed")]
    yield block, False


def _of_transaction(step: Step, reason: str) -> bool:
    """Skip what means nothing outside of a transaction."""
    if step.kind not in ("begin", "end", "transaction_stmt"):
        return False
    step.outcome = Outcome(step.offset, Status.SKIPPED, reason)
    return True


def _stretch(steps: Sequence[Step]) -> Sequence[Step]:
    """The first steps that can be sent together: those without rows, or one with rows."""
    for number, step in enumerate(steps):
        if step.rows:
            return steps[: number or 1]
    return steps


class _Lost(Exception):
    """The session ended under a statement."""


class _Runner:
    """Runs steps in one session, and goes on in a new one when that was ended."""

    def __init__(self, database: Database, watchdog: Watchdog) -> None:
        self._database, self._watchdog = database, watchdog
        self._settings: list[Step] = []  # what a new session has to repeat
        self._connection: psycopg.Connection[Any] | None = None

    def close(self) -> None:
        """End the session."""
        self._watchdog.watch(None)
        if self._connection:
            self._connection.close()
            self._connection = None

    def run(self, steps: Sequence[Step]) -> None:
        """Run each by itself."""
        while steps:
            steps = steps[self._pass(_stretch(steps)) :]

    def run_transaction(self, steps: Sequence[Step]) -> None:
        """Run all as they stand; if that fails, each by itself."""
        waiting = steps
        while waiting:
            waiting = waiting[self._pass(_stretch(waiting)) :]
            if not self._connection:
                break
        failed = [s for s in steps if s.outcome and s.outcome.status is Status.ERROR]
        if not failed:
            return
        first, cause = failed[0], failed[0].result
        for step in steps:
            if not step.ended:
                step.outcome = None
                _of_transaction(step, "its transaction fails; each statement runs by itself")
        self.run([step for step in steps if not step.outcome])
        if first.result.status is Status.OK:
            reason = f"fails within its transaction: {cause.reason}"
            first.outcome = replace(first.result, reason=reason, sqlstate=cause.sqlstate)

    def _pass(self, steps: Sequence[Step]) -> int:
        """Run steps that can be sent together; how many have an outcome now. Raises `Ended`."""
        session = self._session()
        run = _one if steps[0].rows else _pipelined
        done = 0
        try:
            for step, error in run(session, steps):
                if error and session.status != pq.ConnStatus.OK:
                    raise _Lost
                step.outcome = _failed(step, error) if error else _succeeded(step)
                done += 1
                self._watchdog.progress()
                if step.kind == "variable_set_stmt" or (step.rows and "set_config" in step.sent):
                    self._settings.append(step)
        except (_Lost, psycopg.OperationalError):
            reason = self._watchdog.reason or "the session ended"
            self.close()
            steps[done].outcome = _error(steps[done], reason)
            steps[done].ended = True
            done += 1
        return done

    def _session(self) -> pq.abc.PGconn:
        if self._watchdog.over:
            raise Ended(self._watchdog.over)
        if not self._connection:
            try:
                self._connection = self._database.connect()
                for step in self._settings:
                    self._connection.execute(step.sent.encode())
            except psycopg.Error:
                raise Ended(self._watchdog.over or "the server ended") from None
            self._connection.pgconn.nonblocking = 1
            self._watchdog.watch(self._connection)
        return self._connection.pgconn


def _pipelined(
    session: pq.abc.PGconn, steps: Sequence[Step]
) -> Iterator[tuple[Step, pq.abc.PGresult | None]]:
    """Send all at once, each in a transaction of its own; each with its error, if any."""
    # When the session is lost, no answers come for the rest.
    for step, result in zip(steps, results(session, [s.sent for s in steps]), strict=False):
        yield step, result if result.status == ExecStatus.FATAL_ERROR else None


def _one(
    session: pq.abc.PGconn, steps: Sequence[Step]
) -> Iterator[tuple[Step, pq.abc.PGresult | None]]:
    """Run one whose rows are dropped as they come."""
    error = None
    session.send_query_params(steps[0].sent.encode(), None)
    session.set_single_row_mode()
    while (result := next_result(session)) is not None:
        if result.status == ExecStatus.FATAL_ERROR:
            error = result
    yield steps[0], error


def _succeeded(step: Step) -> Outcome:
    return step.if_ok or Outcome(step.offset, Status.OK)


def _error(step: Step, reason: str) -> Outcome:
    return Outcome(step.offset, Status.ERROR, reason, "57014")


def _failed(step: Step, result: pq.abc.PGresult) -> Outcome:
    def part(field: DiagnosticField) -> str:
        return (result.error_field(field) or b"").decode(errors="replace")

    state = part(DiagnosticField.SQLSTATE)
    reason = part(DiagnosticField.MESSAGE_PRIMARY) or "the session ended"
    if detail := part(DiagnosticField.MESSAGE_DETAIL):
        reason = f"{reason}: {detail}"
    reason = " ".join(reason[: 2 * MAX_MESSAGE].split())[:MAX_MESSAGE]
    if state == "42P06" and step.kind == "create_schema_stmt" and '"public"' in reason:
        return Outcome(step.offset, Status.SKIPPED, "the schema public is there already")
    if state == "42704" and step.kind == "variable_set_stmt":
        return Outcome(step.offset, Status.SKIPPED, "this version has no such setting")
    place = part(DiagnosticField.STATEMENT_POSITION)
    position = step.offset + int(place) - 1 if place and not step.if_ok else None
    return Outcome(step.offset, Status.ERROR, reason, state, position)
