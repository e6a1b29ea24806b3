"""The application's queries between the steps: parsed anew, and prepared before the first step.

What they write is rolled back. A query of the old code has to work until the contract phase, one
of the new code at the end; from when to when each works is reported.

An added column breaks prepared `SELECT *` and `RETURNING *`: "cached plan must not change result
type". Whether that hurts is up to the driver, so it is not counted as a failure but described:
https://github.com/pgjdbc/pgjdbc/pull/451, https://github.com/MagicStack/asyncpg/pull/103,
https://api.rubyonrails.org/classes/ActiveRecord/PreparedStatementCacheExpired.html,
https://github.com/porsager/postgres/issues/120, https://github.com/jackc/pgx/issues/927,
https://github.com/oven-sh/bun/issues/29484, https://github.com/pgjdbc/r2dbc-postgresql/issues/382
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from .query_runs import Answer, QueryRuns, Run, Side
from .sessions import Done, Session

MAX_QUERIES: Final = 500  # of each side

UNDECIDED: Final = "whether it works is not known: the planted rows refuse the values it was given"
CACHED_PLAN: Final = ("0A000", "cached plan must not change result type")
HEALS: Final = "heals"  # outside of a transaction, prepared again, it runs
FAILS: Final = "fails in a transaction"  # which is aborted before anything can be retried
STAYS: Final = "stays broken"  # in this session, while nobody prepares it again
DRIVERS: Final = (
    "Statements that were prepared before fail with `cached plan must not change result type`."
    " Outside of a transaction pgjdbc, asyncpg, Active Record and postgres.js prepare them again"
    " and retry: nobody notices. pgx and psycopg 3 fail once and prepare them again after that"
    " (psycopg 3 when it rolls back). In a transaction all of them fail, and the application has"
    " to run it again. Bun.sql, r2dbc-postgresql and statements prepared by hand fail until the"
    " session ends: name the columns instead of `*`, or reconnect after the step."
)


@dataclass(slots=True)
class _Watched:
    sql: str
    side: Side
    generated: bool
    name: str
    text: str = ""
    skipped: str = ""
    prepared: bool = False
    types: tuple[int, ...] = ()
    fitting: Mapping[int, str | None] = field(default_factory=dict)
    guess: int = 0  # which values its parameters have: the first that its data accepted
    runs: list[Run] = field(default_factory=list)

    def values(self) -> tuple[str | None, ...]:
        """What the parameters are: as planted rows have it, plain values, or null."""
        plain = [_VALUES.get(oid) for oid in self.types]
        fitting = [self.fitting.get(number, value) for number, value in enumerate(plain, 1)]
        return ((*fitting,), (*plain,), (None,) * len(plain))[self.guess]

    @property
    def undecided(self) -> bool:
        """Whether made-up values were all that was ever refused."""
        runs = [run.fresh for run in self.runs]
        return bool(runs) and all(not run.ok and _is_of_data(run.sqlstate) for run in runs)


class Application:
    """Old and new queries in a session that stays open from before the first step.

    `fitting` tells which values a query's parameters may have, by number from 1.
    """

    def __init__(self, session: Session, fitting: Callable[[str], Mapping[int, str | None]]):
        self._session, self._fitting = session, fitting
        self._watched: list[_Watched] = []

    def add(self, queries: Iterable[str], side: Side, *, generated: bool = False) -> None:
        """Watch queries from now on."""
        for sql in list(queries)[:MAX_QUERIES]:
            watched = _Watched(sql, side, generated, f"q{len(self._watched)}")
            self._watched.append(watched)
            for text in (sql, _numbered(sql)):
                allowed, verdict = self._session.judged(text)
                watched.text = allowed or ""
                watched.skipped = verdict.skipped or verdict.message
                if allowed:
                    break

    def close(self) -> None:
        """End the session."""
        self._session.close()

    def move(self, session: Session) -> None:
        """Go on in another session, of a database where no step has run yet."""
        self._session = session
        for watched in self._watched:
            watched.prepared = False
        self.prepare()

    def prepare(self) -> None:
        """Prepare what can be prepared now."""
        for watched in self._watched:
            if watched.text:
                self._prepare(watched)

    def check(self, after: str) -> None:
        """Run all as they are now; `after` is the id of the last step."""
        for watched in self._watched:
            if watched.text:
                watched.runs.append(self._run(watched, after))

    def runs(self) -> tuple[QueryRuns, ...]:
        """What happened to each query."""
        return tuple(
            QueryRuns(
                w.sql, w.side, w.generated, tuple(w.runs), UNDECIDED if w.undecided else w.skipped
            )
            for w in self._watched
        )

    def _run(self, watched: _Watched, after: str) -> Run:
        if not watched.prepared:
            self._prepare(watched)
        if watched.generated and watched.prepared:
            # It was planned anew if anything has changed: fresh, it would end the same.
            answer = Answer.of(self._rolled_back(watched, prepared=True))
            if answer.ok:
                return Run(after, answer, answer)
        fresh = self._rolled_back(watched, prepared=False)
        if fresh.sqlstate[:2] in ("22", "23") and not any(run.fresh.ok for run in watched.runs):
            fresh = self._guessed(watched, fresh)
        if not watched.prepared:
            return Run(after, Answer.of(fresh), None)
        done = self._rolled_back(watched, prepared=True)
        cached: tuple[str, ...] = ()
        if (done.sqlstate, done.message) == CACHED_PLAN:
            cached = self._cached_plan(watched)
        return Run(after, Answer.of(fresh), Answer.of(done), cached)

    def _guessed(self, watched: _Watched, first: Done) -> Done:
        """The outcome with other values for the parameters; the first when none is accepted."""
        for guess in (1, 2) if watched.types else ():
            watched.guess = guess
            done = self._rolled_back(watched, prepared=False)
            if done.ok:
                return done
        watched.guess = 0
        return first

    def _prepare(self, watched: _Watched) -> None:
        watched.prepared = self._session.prepare(watched.name, watched.text).ok
        if watched.prepared:
            watched.types = self._session.parameters(watched.name)
        if watched.types:
            watched.fitting = self._fitting(watched.text)

    def _rolled_back(self, watched: _Watched, *, prepared: bool) -> Done:
        self._session.send("BEGIN")
        try:
            if prepared:
                return self._session.execute(watched.name, watched.values())
            return self._session.send_with(watched.text, watched.values())
        finally:
            self._session.send("ROLLBACK")

    def _cached_plan(self, watched: _Watched) -> tuple[str, ...]:
        """What becomes of the statement in the three ways that drivers go on."""
        found = []
        self._session.send("BEGIN")
        self._session.execute(watched.name, watched.values())
        if self._session.send("SELECT").sqlstate == "25P02":
            found.append(FAILS)
        self._session.send("ROLLBACK")
        again = self._rolled_back(watched, prepared=True)
        if (again.sqlstate, again.message) == CACHED_PLAN:
            found.append(STAYS)
        self._session.send(f"DEALLOCATE {watched.name}")
        self._prepare(watched)
        if watched.prepared and self._rolled_back(watched, prepared=True).ok:
            found.insert(0, HEALS)
        return tuple(found)


def _is_of_data(sqlstate: str) -> bool:
    """Whether other values could have been accepted. A missing value is the statement's fault."""
    return sqlstate[:2] in ("22", "23") and sqlstate != "23502"


def about(queries: Sequence[QueryRuns]) -> list[str]:
    """Notes: what drivers make of plans that became invalid, and what was not decided."""
    notes = [DRIVERS] if any(run.cached_plan for q in queries for run in q.runs) else []
    undecided = sum(query.skipped == UNDECIDED for query in queries)
    if undecided:
        notes.append(f"Queries of which {UNDECIDED}: {undecided}.")
    return notes


def _numbered(sql: str) -> str:
    """The placeholders of drivers (`?`, `%s`, `%(name)s`, `:name`) as PostgreSQL's `$1`."""
    numbers: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        if not found["mark"]:
            return found[0]
        mark = found["mark"]
        key = mark if len(mark) > 2 or mark[0] == ":" else f"{mark} {len(numbers)}"
        return f"${numbers.setdefault(key, len(numbers) + 1)}"

    return _MARKS.sub(number, sql)


_MARKS: Final = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/|\$(\w*)\$.*?\$\1\$|::"""
    r"""|(?P<mark>\?|%s|%\(\w+\)s|(?<![:\w]):[A-Za-z_]\w*)""",
    re.DOTALL,
)
# Plain values by the oid of a built-in type (pg_type.dat); parameters of others are null.
_VALUES: Final = {
    16: "t",
    17: "\\x61",
    18: "a",
    19: "a",
    20: "1",
    21: "1",
    23: "1",
    25: "a",
    114: "{}",
    700: "1",
    701: "1",
    869: "192.0.2.1",
    1042: "a",
    1043: "a",
    1082: "2024-02-29",
    1083: "12:00",
    1114: "2024-02-29 12:00",
    1184: "2024-02-29 12:00+00",
    1186: "1 day",
    1700: "1",
    2950: "00000000-0000-4000-8000-000000000001",
    3802: "{}",
}
