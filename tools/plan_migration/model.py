"""A migration plan: steps with what they lock, how to undo them, how to check them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Literal, NamedTuple

from ..report import Location, Severity


class Phase(StrEnum):
    """When a step may run, relative to the deployment of the new code."""

    EXPAND = "expand"  # before it: old code goes on unharmed
    MIGRATE = "migrate"  # while both versions run
    CONTRACT = "contract"  # after the last instance of the old code is gone


class Lock(NamedTuple):
    """A lock on a table, the mode as pg_locks names it: `AccessExclusiveLock`."""

    table: str
    mode: str


class Query(NamedTuple):
    """A query to run and what it must return, in words: `no rows`, `0`, `t`."""

    sql: str
    expected: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Undo:
    """How to take a step back. `until` names the event after which it loses what `loses` says.

    `transaction` is as a step's; None: as the step.
    """

    sql: tuple[str, ...] = ()
    verdict: Literal["lossless", "until", "no_return"] = "lossless"
    until: str = ""
    loses: str = ""
    transaction: Literal["own", "shared", "none"] | None = None


class Seconds(NamedTuple):
    """A range, from what is measured at best to what is to be feared."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Effects:
    """What a step does to others while it runs, on the primary.

    Names are of relations, as `str(Name)` shows them: without a schema where that is `public`.
    """

    locks: tuple[Lock, ...] = ()
    blocks_reads: tuple[str, ...] = ()
    blocks_writes: tuple[str, ...] = ()
    rewrites: tuple[str, ...] = ()
    scans: tuple[str, ...] = ()
    waits_for_transactions: bool = False  # as CREATE INDEX CONCURRENTLY does

    @property
    def standby(self) -> tuple[str, ...]:
        """The tables that nobody can read on a hot standby, which replays ACCESS EXCLUSIVE only."""
        return tuple(lock.table for lock in self.locks if lock.mode == "AccessExclusiveLock")


@dataclass(frozen=True, slots=True)
class Step:
    """One step, in the order of the plan.

    `sql` are its statements; `transaction` says whether they need one of their own, may share one
    with neighbours, or must not be in one; `settings` are to be made before them, in the same
    transaction; `runner` says how the runner is told that there must be none. `objects` are the
    keys (`ddl.diff`) that it changes.
    `before` and `after` say what must have been deployed. `batched`: the statements are a loop that
    a runner repeats until nothing is left (`verify` says when).
    """

    phase: Phase
    title: str
    sql: tuple[str, ...]
    why: str
    undo: Undo
    id: str = ""
    transaction: Literal["own", "shared", "none"] = "own"
    batched: bool = False
    verify: tuple[Query, ...] = ()
    preflight: tuple[Query, ...] = ()
    effects: Effects = Effects()
    logical: str = ""  # what a subscriber needs: `replication.ORDERS`
    duration: Seconds | None = None
    duration_note: str = ""  # what it depends on, or comes on top
    wal_bytes: tuple[int, int] | None = None
    disk_bytes: tuple[int, int] | None = None
    lock_timeout: str = ""
    settings: tuple[str, ...] = ()
    runner: str = ""
    before: str = ""
    after: str = ""
    loses_data: str = ""
    hazards: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    objects: tuple[tuple[str, ...], ...] = ()
    drops: tuple[tuple[str, ...], ...] = ()  # those of `objects` that are gone after it
    carries: tuple[tuple[str, ...], ...] = ()  # what it takes down and puts up again as it was


@dataclass(frozen=True, slots=True)
class Hazard:
    """Something unsafe in the user's own script; `instead` is the safe sequence."""

    rule: str
    severity: Severity
    location: Location
    message: str
    sql: str
    effects: Effects = Effects()
    instead: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """What the planner cannot know; the plan assumes `assumed`."""

    id: str
    text: str
    assumed: str
    answers: tuple[str, ...] = ()


class Advice(NamedTuple):
    """What holds for several steps and is said once: retrying, the runner, standbys, …."""

    topic: str
    text: str
    code: str = ""


ALONE: Final = (
    "Without `current` the script is judged and run on an empty database; nothing is planned."
)


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole answer. `rehearsal` is the evidence, empty when it did not run.

    `preflight` is to be asked before any step; `ignored` is how many hazards the settings accept.
    """

    dialect: str
    version: tuple[int, ...]
    steps: tuple[Step, ...]
    hazards: tuple[Hazard, ...] = ()
    questions: tuple[Question, ...] = ()
    notes: tuple[str, ...] = ()
    preflight: tuple[Query, ...] = ()
    advice: tuple[Advice, ...] = ()
    assumptions: tuple[str, ...] = ()  # of durations, WAL and disk
    rehearsal: Mapping[str, Any] = field(default_factory=dict)
    ignored: int = 0

    @property
    def worst(self) -> Severity | None:
        """The highest severity of a hazard."""
        return max((hazard.severity for hazard in self.hazards), default=None)
