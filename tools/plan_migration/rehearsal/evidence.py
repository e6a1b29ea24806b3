"""What a rehearsal found: frozen, comparable, the same in each run; `to_data` gives plain JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from ..model import Lock
from .query_runs import Failure, QueryRuns

Verdict = Literal["lossless", "until", "no_return"]
RANKS: Mapping[str, int] = {"no_return": 0, "until": 1, "lossless": 2}


class Witness(NamedTuple):
    """One thing that goes wrong, as it can be seen again.

    `kind`: step fails, verification fails, preflight misses, undo, old query, new query,
    interleaving, target; of a script also statement fails, rows refused, rows lost. `rows` are
    those concerned, in words; `more` counts other statements that fail in the same way.
    """

    kind: str
    step: str
    statement: str
    error: str
    rows: tuple[str, ...] = ()
    more: int = 0

    def to_data(self) -> dict[str, Any]:
        """Plain data."""
        return {**self._asdict(), "rows": list(self.rows)}


def merged(witnesses: Iterable[Witness]) -> tuple[Witness, ...]:
    """The witnesses, those of one kind, step and error as one."""
    found: dict[tuple[str, ...], Witness] = {}
    for witness in witnesses:
        key = (witness.kind, witness.step, witness.error, *witness.rows)
        first = found.get(key)
        found[key] = first._replace(more=first.more + 1) if first else witness
    return tuple(found.values())


def of_query(kind: str, failure: Failure) -> Witness:
    """A query that fails when it has to work."""
    answer = failure.answer
    said = f"{answer.sqlstate}: {answer.message} ({failure.how})"
    return Witness(kind, failure.run.after, failure.query.sql, said)


class Mismatch(NamedTuple):
    """One effect of a step that was observed other than the table of operations foretold it.

    `effect` is lock, rewrite or scan; a lock's mode, or yes and no, stand under both.
    """

    step: str
    effect: str
    table: str
    predicted: str
    observed: str

    def to_data(self) -> dict[str, Any]:
        """Plain data."""
        return self._asdict()


class Checked(NamedTuple):
    """A query of a step and what it returned; `ok` is None where `expected` cannot be compared."""

    sql: str
    expected: str
    got: str
    ok: bool | None

    def to_data(self) -> dict[str, Any]:
        """Plain data; the plan's step has the query and what is expected, in the same place."""
        return {"got": self.got, "ok": self.ok}


@dataclass(frozen=True, slots=True)
class UndoSeen:
    """What an undo did: `observed` is the verdict that it earns, `holds` whether that is enough.

    `evidence` says what was not as before. `again`: whether the step ran once more after it.
    """

    ran: bool
    stated: Verdict
    observed: Verdict
    holds: bool
    evidence: tuple[str, ...] = ()
    again: bool | None = None

    def to_data(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "ran": self.ran,
            "stated": self.stated,
            "verdict": self.observed,
            "holds": self.holds,
            "evidence": list(self.evidence),
            "again": self.again,
        }


@dataclass(frozen=True, slots=True)
class StepSeen:
    """What a step did. `refused`: what it said of data that the pre-flight queries are to find."""

    id: str
    ran: bool
    undo: UndoSeen | None = None
    locks: tuple[Lock, ...] = ()
    blocks_reads: tuple[str, ...] = ()
    blocks_writes: tuple[str, ...] = ()
    rewrites: tuple[str, ...] = ()
    scans: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    rounds: int = 1  # of a batched step
    error: str = ""
    refused: tuple[str, ...] = ()
    preflight: tuple[Checked, ...] = ()
    verify: tuple[Checked, ...] = ()
    interleavings: int = 0  # orders of writes and the backfill that were tried
    seconds: float = field(default=0.0, compare=False)

    def to_data(self) -> dict[str, Any]:
        """Plain data, without the time that it took."""
        return {
            "id": self.id,
            "ran": self.ran,
            "locks": [lock._asdict() for lock in self.locks],
            "blocks": {"reads": list(self.blocks_reads), "writes": list(self.blocks_writes)},
            "rewrites": list(self.rewrites),
            "scans": list(self.scans),
            "notices": list(self.notices),
            "skipped": list(self.skipped),
            "rounds": self.rounds,
            "error": self.error or None,
            "refused": list(self.refused),
            "preflight": [checked.to_data() for checked in self.preflight],
            "verify": [checked.to_data() for checked in self.verify],
            "interleavings": self.interleavings,
            "undo": self.undo.to_data() if self.undo else None,
        }


@dataclass(frozen=True, slots=True)
class UnitSeen:
    """What some statements of a script did that its runner commits together. `at`: file and line.

    `lost` is what rows and values are gone, or others; `error` why nothing of it was done.
    """

    at: str
    sql: tuple[str, ...]
    transaction: bool
    locks: tuple[Lock, ...] = ()
    blocks_reads: tuple[str, ...] = ()
    blocks_writes: tuple[str, ...] = ()
    rewrites: tuple[str, ...] = ()
    scans: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    error: str = ""

    def to_data(self) -> dict[str, Any]:
        """Plain data; its statements are counted, as the script has them."""
        return {
            "at": self.at,
            "statements": len(self.sql),
            "transaction": self.transaction,
            "locks": [lock._asdict() for lock in self.locks],
            "blocks": {"reads": list(self.blocks_reads), "writes": list(self.blocks_writes)},
            "rewrites": list(self.rewrites),
            "scans": list(self.scans),
            "lost": list(self.lost),
            "error": self.error or None,
        }


@dataclass(frozen=True, slots=True)
class ScriptSeen:
    """A user's script that was run, unit by unit; `completed` unless one failed."""

    ran: bool
    reason: str = ""
    completed: bool = False
    units: tuple[UnitSeen, ...] = ()
    queries: tuple[QueryRuns, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    notes: tuple[str, ...] = ()

    def alone(self, missing: tuple[str, ...]) -> ScriptSeen:
        """Of a script that was run without its schema: what it lacks is no fault of it.

        `missing`: how the errors begin that say so.
        """
        failed = self.units[-1].error if self.units else ""
        if not failed.startswith(missing):
            return self
        return ScriptSeen(False, f"it needs what is not there; give `current`: {failed}")

    def to_data(self) -> dict[str, Any]:
        """Plain JSON data, the same for the same script."""
        if not self.ran:
            return {"ran": False, "reason": self.reason}
        return {
            "ran": True,
            "completed": self.completed,
            "witnesses": [witness.to_data() for witness in self.witnesses],
            "queries": [query.to_data() for query in self.queries],
            "steps": [unit.to_data() for unit in self.units],
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A plan that was run. Without `ran`, `reason` says why not, and the rest is empty.

    `differences` are what keeps the catalog from the target; `target_reached` is None when a limit
    came before the end, and `missing` has the steps that were not run. `witnesses` is what goes
    wrong: a plan with one of them is not to be followed as it is.
    """

    engine: str
    ran: bool
    reason: str = ""
    target_reached: bool | None = False
    undo_verified: bool = False
    differences: tuple[str, ...] = ()
    steps: tuple[StepSeen, ...] = ()
    queries: tuple[QueryRuns, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    rows: Mapping[str, int] = field(default_factory=dict)  # planted, by table
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    mismatches: tuple[Mismatch, ...] = ()

    def to_data(self) -> dict[str, Any]:
        """Plain JSON data, the same for the same plan."""
        data: dict[str, Any] = {"engine": self.engine, "ran": self.ran}
        if not self.ran:
            return {**data, "reason": self.reason, "notes": list(self.notes)}
        return {
            **data,
            "target_reached": self.target_reached,
            "undo_verified": self.undo_verified,
            "differences": list(self.differences),
            "missing": list(self.missing),
            "witnesses": [witness.to_data() for witness in self.witnesses],
            "mismatches": [mismatch.to_data() for mismatch in self.mismatches],
            "queries": [query.to_data() for query in self.queries],
            "steps": [step.to_data() for step in self.steps],
            "rows": dict(sorted(self.rows.items())),
            "notes": list(self.notes),
        }
