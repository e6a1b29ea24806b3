"""What the rehearsals of all engines say of an undo: its verdict, and what was not as before."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...ddl.diff import Change
from .evidence import RANKS, UndoSeen, Verdict


class Broken(Exception):
    """The step does not run again after its undo: what follows needs a fresh database."""

    def __init__(self, seen: UndoSeen) -> None:
        super().__init__("; ".join(seen.evidence))
        self.seen = seen


@dataclass(slots=True)
class Findings:
    """What is found of one undo, and the verdict that it still earns."""

    evidence: list[str] = field(default_factory=list)
    verdict: Verdict = "lossless"
    broken: bool = False  # the undo itself fails, or the catalog is not as before

    def lower(self, verdict: Verdict, *evidence: str) -> None:
        """Say what speaks against a better verdict."""
        if RANKS[verdict] < RANKS[self.verdict]:
            self.verdict = verdict
        self.evidence += evidence


def holds(stated: Verdict, found: Findings) -> bool:
    """Whether it is no worse than stated; no verdict excuses an undo that does not work."""
    return RANKS[found.verdict] >= RANKS[stated] and not found.broken


def is_order(change: Change) -> bool:
    """Whether only the order of columns differs, which no statement can restore."""
    return change.kind == "changed" and change.fields == ("columns",)


def shown(change: Change) -> str:
    """A change in words: `column public.orders buyer: changed (type)`."""
    fields = f" ({', '.join(change.fields)})" if change.fields else ""
    return f"{' '.join(change.object)}: {change.kind}{fields}"
