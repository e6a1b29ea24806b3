"""How the application's queries end between the steps, and which of them fail too early."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from .sessions import Done

Side = Literal["old", "new"]


class Answer(NamedTuple):
    """How a query ended: `ok` with its number of rows, or the error."""

    ok: bool
    rows: int = 0
    sqlstate: str = ""
    message: str = ""

    @classmethod
    def of(cls, done: Done) -> Answer:
        """What matters of an outcome."""
        return cls(done.ok, done.count if done.ok else 0, done.sqlstate, done.message)

    def to_data(self) -> object:
        """`ok`, or the error."""
        return "ok" if self.ok else {"sqlstate": self.sqlstate, "message": self.message}


class Run(NamedTuple):
    """A query after a step (its id; empty: before the first), fresh and prepared.

    `prepared` is None while it could not be prepared. `cached_plan` says how a statement behaves
    whose plan has become invalid: heals, fails in a transaction, stays broken.
    """

    after: str
    fresh: Answer
    prepared: Answer | None
    cached_plan: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QueryRuns:
    """One query at all moments. `generated`: made from the schema, not the user's.

    `skipped` says why it was not run, or what its runs do not tell.
    """

    sql: str
    side: Side
    generated: bool
    runs: tuple[Run, ...]
    skipped: str = ""

    def to_data(self) -> dict[str, Any]:
        """Plain data: runs that ended as the one before did are left out."""
        shown: list[dict[str, Any]] = []
        last: object = None
        for run in self.runs:
            now = {
                "fresh": run.fresh.to_data(),
                "prepared": run.prepared.to_data() if run.prepared else None,
            }
            if run.cached_plan:
                now["cached_plan"] = list(run.cached_plan)
            if now != last:
                shown.append({"after": run.after, **now})
            last = now
        data: dict[str, Any] = {"sql": self.sql, "side": self.side, "runs": shown}
        if self.generated:
            data["generated"] = True
        if self.skipped:
            data["skipped"] = self.skipped
        return data


class Failure(NamedTuple):
    """A query that fails when it has to work, as a witness."""

    query: QueryRuns
    run: Run
    how: Literal["fresh", "prepared"]

    @property
    def answer(self) -> Answer:
        """The error."""
        answer = self.run.fresh if self.how == "fresh" else self.run.prepared
        assert answer
        return answer


def failures(
    queries: Sequence[QueryRuns], until: Sequence[str], last: str
) -> tuple[list[Failure], list[Failure]]:
    """The first failure of each old query up to the contract phase, and of new ones at the end.

    `until` are the moments (ids of steps) at which old queries have to work; the first is before
    all steps: a query that fails there proves nothing later, nor does one that was `skipped`.
    """
    old: list[Failure] = []
    new: list[Failure] = []
    for query in queries:
        if query.skipped:
            continue
        moments = until if query.side == "old" else [last]
        if query.side == "old" and query.runs and not query.runs[0].fresh.ok:
            continue
        for run in query.runs:
            if run.after not in moments:
                continue
            how = _failing(run)
            if how:
                (old if query.side == "old" else new).append(Failure(query, run, how))
                break
    return old, new


def _failing(run: Run) -> Literal["fresh", "prepared", ""]:
    if not run.fresh.ok:
        return "fresh"
    if run.prepared and not run.prepared.ok and not run.cached_plan:
        return "prepared"
    return ""
