"""Fixes that were applied and re-checked: the text is changed, read again and judged again.

A patch is kept when its finding is gone, the document is as valid as before, and no rule finds
anything new. All are tried together first; where that fails, halves are, so that one bad patch
costs the others nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from ..editing.patch import CannotPatch, Operation, applied
from ..editing.text import CannotEdit, edited
from ..openapi.document import NotOpenApi
from ..report import Finding
from ..source import Source, SourceError

MAX_TRIALS = 24  # reviews of the changed document
PROOF = "applied and reviewed again: the finding is gone, and nothing new is found"

Faults: TypeAlias = Counter[tuple[str, str]]  # rule and message; of the specification's schema, too
Again: TypeAlias = Callable[[Mapping[str, str]], Faults]
"""The faults of the document with these texts in place of those of its files."""


@dataclass(frozen=True, slots=True)
class Trial:
    """The findings, each patch proved or withdrawn; the texts of the files with all of them."""

    findings: list[Finding]
    texts: Mapping[str, str]
    notes: tuple[str, ...] = ()


def tried(
    findings: Sequence[Finding], before: Faults, sources: Mapping[str, Source], again: Again
) -> Trial:
    """Try every patch of the findings; `before` are the faults of the document as it is."""
    offered = [finding for finding in findings if finding.patch]
    if not offered:
        return Trial(list(findings), {})
    trials = _Trials(before, sources, again)
    kept = trials.largest(offered)
    proved = {id(finding) for finding in kept}
    told = [
        replace(f, proof=PROOF) if id(f) in proved else replace(f, patch=()) if f.patch else f
        for f in findings
    ]
    withdrawn = len(offered) - len(kept)
    return Trial(
        told, trials.texts(kept) if kept else {}, (_withdrawn(withdrawn),) * bool(withdrawn)
    )


def _withdrawn(count: int) -> str:
    fixes = f"{count:,} fix{'es' * (count > 1)}"
    return f"The patch of {fixes} is not shown: tried, it did not hold."


class _Trials:
    def __init__(self, before: Faults, sources: Mapping[str, Source], again: Again) -> None:
        self.before, self.sources, self.again = before, sources, again
        self.left = MAX_TRIALS

    def largest(self, chosen: list[Finding]) -> list[Finding]:
        """As many of the patches as hold together, found by halving."""
        if not chosen or self.holds(chosen):
            return chosen
        if len(chosen) == 1 or not self.left:
            return []
        middle = len(chosen) // 2
        first, second = self.largest(chosen[:middle]), self.largest(chosen[middle:])
        if not first or not second or self.holds([*first, *second]):
            return [*first, *second]
        return max(first, second, key=len)

    def holds(self, chosen: Sequence[Finding]) -> bool:
        """Whether the findings are gone when their patches are applied, and nothing else comes."""
        if not self.left:
            return False
        self.left -= 1
        try:
            after = self.again(self.texts(chosen))
        except (CannotPatch, CannotEdit, NotOpenApi, SourceError):
            return False
        allowed = self.before - Counter((f.rule, f.message) for f in chosen)
        return after <= allowed

    def texts(self, chosen: Iterable[Finding]) -> dict[str, str]:
        """The texts of the files with the patches in them. Raises `CannotPatch`, `CannotEdit`."""
        operations: dict[str, dict[str, Operation]] = {}
        for finding in chosen:
            here = operations.setdefault(finding.location.file, {})
            here |= {json.dumps(each, sort_keys=True): each for each in finding.patch}
        return {
            file: edited(self.sources[file], applied(self.sources[file].data, here.values()))
            for file, here in operations.items()
        }
