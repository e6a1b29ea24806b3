"""A session of the sandbox role: one statement at a time, judged, watched, its rows bounded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import pq
from psycopg.pq import DiagnosticField, ExecStatus

from ...postgres.allow import Judge
from ...postgres.cluster import Database
from ...postgres.pipeline import next_result
from ...postgres.sandbox import MAX_MESSAGE, Ended, Watchdog

MAX_ROWS = 100  # kept of an answer
MAX_NOTICES = 20
MAX_VALUE = 10_000  # bytes kept of a value

Values = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a statement: its first rows as text, or the error.

    `count` are the rows that it returned or wrote. `skipped` says why it did not run, though
    nothing is wrong with that; what may not run has the SQLSTATE of a denied right.
    """

    rows: tuple[Values, ...] = ()
    count: int = 0
    sqlstate: str = ""
    message: str = ""
    table: str = ""
    constraint: str = ""
    skipped: str = ""

    @property
    def ok(self) -> bool:
        """Whether it ran without an error."""
        return not self.sqlstate


DENIED = "42501"
LOST = "08006"


class Session:
    """A session in the rehearsal's database. Raises `Ended` when a limit of the whole is reached.

    `run` takes what others wrote, `send` what this package writes.
    """

    def __init__(self, database: Database, watchdog: Watchdog, judge: Judge) -> None:
        self.notices: list[str] = []
        self._database, self._watchdog, self._judge = database, watchdog, judge
        self._connection: psycopg.Connection[Any] | None = None
        self._judged: dict[str, tuple[str | None, Done]] = {}

    @property
    def process(self) -> int:
        """The backend's process id."""
        return self._connected().info.backend_pid

    @property
    def waits(self) -> bool:
        """Whether a statement of it is under way."""
        return self._connected().pgconn.transaction_status == pq.TransactionStatus.ACTIVE

    def close(self) -> None:
        """End the session."""
        self._watchdog.watch(None)
        if self._connection:
            self._connection.close()
            self._connection = None

    def judged(self, sql: str) -> tuple[str | None, Done]:
        """The text that may run, or None and what to say instead."""
        if sql not in self._judged:
            step = self._judge.step(sql, 0)
            verdict = Done()
            if step.kind in ("begin", "end", "transaction_stmt") and not step.outcome:
                verdict = Done(skipped="the step says where its transaction ends")
            elif step.outcome and step.outcome.status in ("denied", "error"):
                state = step.outcome.sqlstate or DENIED
                verdict = Done(sqlstate=state, message=step.outcome.reason)
            elif step.outcome:
                verdict = Done(skipped=step.outcome.reason)
            stopped = verdict.skipped or verdict.sqlstate
            self._judged[sql] = (None if stopped else step.sent, verdict)
        return self._judged[sql]

    def run(self, sql: str) -> Done:
        """Judge and run one statement."""
        text, verdict = self.judged(sql)
        return verdict if text is None else self.send(text)

    def send(self, sql: str, rows: int = MAX_ROWS) -> Done:
        """Run one statement that is known to be harmless, or was judged."""
        return self._answer(rows, lambda pg: pg.send_query_params(sql.encode(), None))

    def prepare(self, name: str, sql: str) -> Done:
        """Prepare a judged statement under a name."""
        return self._answer(0, lambda pg: pg.send_prepare(name.encode(), sql.encode()))

    def parameters(self, name: str) -> tuple[int, ...]:
        """The types (oids) of a prepared statement's parameters."""
        described = self._connected().pgconn.describe_prepared(name.encode())
        return tuple(described.param_type(number) for number in range(described.nparams))

    def execute(self, name: str, values: Sequence[str | None]) -> Done:
        """Run a prepared statement."""
        given = [None if value is None else value.encode() for value in values]
        return self._answer(MAX_ROWS, lambda pg: pg.send_query_prepared(name.encode(), given))

    def send_with(self, sql: str, values: Sequence[str | None]) -> Done:
        """Run one judged statement with parameters."""
        given = [None if value is None else value.encode() for value in values]
        return self._answer(MAX_ROWS, lambda pg: pg.send_query_params(sql.encode(), given))

    def _answer(self, most: int, send: Any) -> Done:
        connection = self._connected()
        self._watchdog.watch(connection)
        answer = _Answer(most)
        try:
            send(connection.pgconn)
            if most:
                connection.pgconn.set_single_row_mode()
            while (result := next_result(connection.pgconn)) is not None:
                answer.take(result)
        except psycopg.Error:
            answer.lost = True
        reason = self._watchdog.reason
        self._watchdog.watch(None)
        if answer.lost or connection.pgconn.status != pq.ConnStatus.OK:
            self.close()
            if self._watchdog.over:
                raise Ended(self._watchdog.over)
            return Done(sqlstate=LOST, message=reason or "the session ended")
        return answer.done

    def _connected(self) -> psycopg.Connection[Any]:
        if self._watchdog.over:
            raise Ended(self._watchdog.over)
        if self._connection is None:
            try:
                self._connection = self._database.connect()
            except psycopg.Error as error:
                raise Ended(self._watchdog.over or "the server ended") from error
            self._connection.add_notice_handler(self._note)
            self._connection.pgconn.nonblocking = 1
        return self._connection

    def _note(self, notice: psycopg.errors.Diagnostic) -> None:
        if len(self.notices) < MAX_NOTICES and notice.message_primary:
            self.notices.append(f"{notice.severity}: {notice.message_primary}"[:MAX_MESSAGE])


@dataclass(slots=True)
class _Answer:
    """An answer while it comes in."""

    most: int
    rows: list[Values] = field(default_factory=list)
    done: Done = Done()
    count: int = 0
    lost: bool = False

    def take(self, result: pq.abc.PGresult) -> None:
        if result.status == ExecStatus.FATAL_ERROR:
            self.done = _error(result)
        elif result.status in (ExecStatus.SINGLE_TUPLE, ExecStatus.TUPLES_OK):
            for row in range(result.ntuples):
                self.count += 1
                if len(self.rows) < self.most:
                    cells = (result.get_value(row, cell) for cell in range(result.nfields))
                    self.rows.append(tuple(_text(cell) for cell in cells))
            if result.status == ExecStatus.TUPLES_OK:
                self.done = Done(tuple(self.rows), self.count)
        elif result.status == ExecStatus.COMMAND_OK:
            self.done = Done(count=result.command_tuples or 0)


def _text(cell: bytes | None) -> str | None:
    return None if cell is None else bytes(cell[:MAX_VALUE]).decode(errors="replace")


# A key in a message may have the time in it that a default has put there.
_CLOCK = re.compile(r"\b20\d\d-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?([+-]\d\d)?")


def _error(result: pq.abc.PGresult) -> Done:
    def part(which: DiagnosticField) -> str:
        return (result.error_field(which) or b"").decode(errors="replace")

    message = part(DiagnosticField.MESSAGE_PRIMARY) or "the session ended"
    detail = part(DiagnosticField.MESSAGE_DETAIL)
    if detail and not detail.startswith("Failing row"):  # it may have the time in it
        message = f"{message}: {detail}"
    return Done(
        sqlstate=part(DiagnosticField.SQLSTATE) or LOST,
        message=_CLOCK.sub("…", " ".join(message.split()))[:MAX_MESSAGE],
        table=part(DiagnosticField.TABLE_NAME),
        constraint=part(DiagnosticField.CONSTRAINT_NAME),
    )
