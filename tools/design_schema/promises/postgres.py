"""Promises tried on a private PostgreSQL: the design applied once, each promise rolled back.

The DDL's roles are made by the server's superuser; everything else runs in a session without any
right beyond the design's database, as one of those roles. Who plants rows (`owner`) is a member of
the design's owner that row-level security does not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import psycopg
from psycopg import pq, sql
from psycopg.pq import DiagnosticField, ExecStatus

from ...ddl.postgres.emit import create_extension, emit
from ...ddl.postgres.text import ident, literal
from ...postgres.cluster import OWNER, Cluster, Database
from ...postgres.pipeline import results
from ...postgres.sandbox import Limits, Watchdog
from ..physical.blueprint import Blueprint
from ..physical.roles import role
from ..physical.tenancy import SETTING
from .model import Kept, NotApplied, Promise, Session, Step, said

LIMITS: Final = Limits(statement=5, total=60)
BATCH: Final = 50  # promises sent together
PLANTER: Final = "backend_architect_planter"
STAND_IN: Final = "backend_architect_owner"  # owns a design without roles
MAX_MESSAGE: Final = 300

Progress = Callable[[int, int], None]


def kept(
    blueprint: Blueprint, promises: Sequence[Promise], progress: Progress | None = None
) -> tuple[Kept, ...]:
    """Each promise with how it fared. Raises `NoPostgres`, and `NotApplied` for a bad design."""
    with Cluster.start() as cluster, Stage(cluster, blueprint) as stage:
        return tuple(stage.tried(promises, progress))


class Stage:
    """The design applied to a database of its own. Use it in `with`. Raises `NotApplied`."""

    def __init__(self, cluster: Cluster, blueprint: Blueprint) -> None:
        self._stack = ExitStack()
        self._blueprint = blueprint
        self._roles: Mapping[Session, str] = {
            "owner": PLANTER,
            **{
                session: role(blueprint.logical, session)
                for session in ("app", "reader", "jobs")
                if blueprint.roles
            },
        }
        self._owner = role(blueprint.logical, "owner") if blueprint.roles else STAND_IN
        self.database: Database = self._stack.enter_context(cluster.database())
        try:
            self._watchdog = self._stack.enter_context(Watchdog(self.database, LIMITS))
            self._prepare()
            self._session = self._stack.enter_context(self.database.connect())
            self._session.pgconn.nonblocking = 1
            self._watchdog.watch(self._session)
            self._apply()
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._watchdog.watch(None)
        self._stack.close()

    def tried(
        self, promises: Sequence[Promise], progress: Progress | None = None
    ) -> Iterator[Kept]:
        """Each promise, in order, with how it fared; those left when the server ends say so."""
        done = 0
        try:
            for begin in range(0, len(promises), BATCH):
                for each in self._batch(promises[begin : begin + BATCH]):
                    yield each
                    done += 1
                if progress:
                    progress(done, len(promises))
        except psycopg.Error as error:
            reason = self._watchdog.reason or str(error) or "the session ended"
            yield from (Kept(promise, untried=reason) for promise in promises[done:])

    def _batch(self, promises: Sequence[Promise]) -> list[Kept]:
        """Every answer is read before anything else is sent."""
        found = []
        scripts = [list(self._script(promise)) for promise in promises]
        answers = results(self._session.pgconn, [m.sql for script in scripts for m in script])
        for promise, script in zip(promises, scripts, strict=True):
            outcomes = [_Outcome(promise.steps) for _ in promise.steps]
            for message in script:
                result = next(answers, None)
                if result is None or self._session.pgconn.status != pq.ConnStatus.OK:
                    raise psycopg.OperationalError(self._watchdog.reason)
                if message.step is not None:
                    outcomes[message.step].take(result)
            self._watchdog.progress()
            found.append(_verdict(promise, outcomes))
        return found

    def _script(self, promise: Promise) -> Iterator[_Message]:
        yield _Message("BEGIN")
        session: Session | None = None
        for number, step in enumerate(promise.steps):
            if step.session != session:
                session = step.session
                yield _Message(f"SET LOCAL ROLE {ident(self._roles.get(session, PLANTER))}")
            if step.tenant is not None:
                tenant = literal(step.tenant)
                yield _Message(f"SELECT set_config({literal(SETTING)}, {tenant}, true)")
            yield from _step(number, step)
        yield _Message("ROLLBACK")

    def _prepare(self) -> None:
        """The roles: of the design, and who plants rows; the session may become each of them."""
        with self.database.connect(superuser=True) as administrator:
            administrator.execute("SET search_path = public")
            for statement in self._blueprint.roles or self._without_roles():
                self._execute(administrator, statement)
            administrator.execute("RESET ROLE")
            self._execute(administrator, f"CREATE ROLE {PLANTER} BYPASSRLS")
            grant = sql.SQL("GRANT {} TO {}")
            administrator.execute(grant.format(sql.Identifier(self._owner), sql.SQL(PLANTER)))
            wanted = [self._owner, *self._roles.values()]  # nobody but the owner need be there
            there = administrator.execute(
                "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", [wanted]
            )
            for (name,) in there.fetchall():
                administrator.execute(grant.format(sql.Identifier(name), sql.SQL(OWNER)))

    def _without_roles(self) -> Iterator[str]:
        yield f"CREATE ROLE {STAND_IN}"
        yield f"GRANT CREATE, USAGE ON SCHEMA public TO {STAND_IN}"
        yield from map(create_extension, self._blueprint.schema.extensions.values())

    @staticmethod
    def _execute(session: psycopg.Connection[Any], statement: str) -> None:
        try:
            with suppress(psycopg.errors.DuplicateObject):  # roles of a design before
                session.execute(statement.encode())
        except psycopg.Error as error:
            raise NotApplied(statement, str(error)[:MAX_MESSAGE]) from error

    def _apply(self) -> None:
        """All of it as the design's owner; a design is a promise, too: nothing may be refused."""
        become = f"SET ROLE {ident(self._owner)}"
        made = (*emit(self._blueprint.schema), *self._blueprint.rows)
        statements = ["BEGIN", become, *made, "RESET ROLE", "COMMIT"]
        answers = []  # all are read before anything else is done
        for result in results(self._session.pgconn, statements):
            self._watchdog.progress()
            answers.append(result)
        for statement, result in zip(statements, answers, strict=False):
            if result.status == ExecStatus.FATAL_ERROR:
                raise NotApplied(statement, self._watchdog.reason or _Refusal.of(result).text)


@dataclass(frozen=True, slots=True)
class _Message:
    """A statement that is sent; `step` if its outcome is that of a promise's step."""

    sql: str
    step: int | None = None


def _step(number: int, step: Step) -> Iterator[_Message]:
    if step.refused_by is not None:
        yield _Message("SAVEPOINT step")
    yield _Message(step.sql, number)
    if step.commit:
        yield _Message("SET CONSTRAINTS ALL IMMEDIATE", number)
    if step.refused_by is not None:
        yield _Message("ROLLBACK TO SAVEPOINT step")
    elif step.commit:
        yield _Message(_WAIT_AGAIN)


_WAIT_AGAIN: Final = """DO $$
DECLARE
    waiting text;
BEGIN
    SELECT string_agg(DISTINCT format('%I.%I', n.nspname, c.conname), ', ') INTO waiting
    FROM pg_catalog.pg_constraint AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.connamespace
    WHERE c.condeferred;
    IF waiting IS NOT NULL THEN
        EXECUTE 'SET CONSTRAINTS ' || waiting || ' DEFERRED';
    END IF;
END $$"""


@dataclass(frozen=True, slots=True)
class _Refusal:
    """An error: its state, and what the server names."""

    state: str
    constraint: str
    message: str

    @staticmethod
    def of(result: pq.abc.PGresult) -> _Refusal:
        def part(field: DiagnosticField) -> str:
            return (result.error_field(field) or b"").decode(errors="replace")

        return _Refusal(
            part(DiagnosticField.SQLSTATE),
            part(DiagnosticField.CONSTRAINT_NAME),
            " ".join(part(DiagnosticField.MESSAGE_PRIMARY).split())[:MAX_MESSAGE],
        )

    @property
    def text(self) -> str:
        return f"{self.message} ({', '.join(filter(None, (self.state, self.constraint)))})"

    def is_by(self, name: str) -> bool:
        return name in (self.state, self.constraint)


class _Outcome:
    """What came of a step: the first error, or the rows of its statement."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.refusal: _Refusal | None = None
        self.rows: list[tuple[str | None, ...]] | None = None

    def take(self, result: pq.abc.PGresult) -> None:
        if result.status == ExecStatus.FATAL_ERROR:
            self.refusal = self.refusal or _Refusal.of(result)
        elif self.rows is None:
            columns = range(result.nfields)
            self.rows = [
                tuple(_text(result.get_value(row, column)) for column in columns)
                for row in range(result.ntuples)
            ]


def _text(cell: bytes | None) -> str | None:
    return None if cell is None else cell.decode(errors="replace")


def _verdict(promise: Promise, outcomes: Sequence[_Outcome]) -> Kept:
    if not promise.steps:
        return Kept(promise, untried=promise.doubt)
    for step, outcome in zip(promise.steps, outcomes, strict=True):
        refusal = outcome.refusal
        if step.refused_by is None and refusal is not None:
            if promise.doubt:
                return Kept(promise, untried=promise.doubt)
            return Kept(promise, f"refused: {said(step.sql)}: {refusal.text}")
        if step.refused_by is not None and refusal is None:
            return Kept(promise, f"not refused by {step.refused_by}: {said(step.sql)}")
        if step.refused_by is not None and refusal and not refusal.is_by(step.refused_by):
            return Kept(
                promise,
                f"refused, not by {step.refused_by}: {said(step.sql)}: {refusal.text}",
            )
        wanted = None if step.returns is None else [tuple(row) for row in step.returns]
        if wanted is not None and outcome.rows != wanted:
            return Kept(promise, f"answered {outcome.rows}, not {wanted}: {said(step.sql)}")
    return Kept(promise)
