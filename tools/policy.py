"""What a team has decided about rules: profile, severities, and findings it lives with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from typing import Protocol, TypeAlias, TypeVar

from .report import Finding, Location, Severity, quoted


class Located(Protocol):
    """Something a rule says of a place: a finding, a hazard of a migration."""

    @property
    def rule(self) -> str:
        """The rule's id."""

    @property
    def location(self) -> Location:
        """The place."""


L = TypeVar("L", bound=Located)


@dataclass(frozen=True, slots=True)
class Ignore:
    """Findings accepted with a reason: of a rule, where file and pointer match (globs)."""

    rule: str
    reason: str
    file: str = "*"
    pointer: str = "*"
    expires: date | None = None

    def covers(self, finding: Located, as_of: date | None) -> bool:
        """Whether the finding is accepted; an expiry is judged only against a given date."""
        expired = self.expires is not None and as_of is not None and as_of > self.expires
        return (
            not expired
            and finding.rule == self.rule
            and fnmatchcase(finding.location.file, self.file)
            and fnmatchcase(finding.location.pointer, self.pointer)
        )


@dataclass(frozen=True, slots=True)
class Accepted:
    """Why a known finding is lived with, and until when."""

    reason: str
    expires: date | None = None


Baseline: TypeAlias = Mapping[tuple[str, str], Accepted]
"""Accepted findings, by file and fingerprint."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings of a run. `severities` maps a rule to its severity, None turns it off."""

    profile: str = "default"
    only_rules: tuple[str, ...] = ()
    severities: Mapping[str, Severity | None] = field(default_factory=dict)
    ignores: tuple[Ignore, ...] = ()
    as_of: date | None = None
    only_pointer: str = ""  # JSON pointer: only what lies at or below it
    baseline: Baseline = field(default_factory=dict)

    def asked(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings at or below the pointer asked for."""
        start = self.only_pointer.rstrip("/") + "/"
        return [found for found in findings if f"{found.location.pointer}/".startswith(start)]

    def kept(self, findings: Iterable[L]) -> list[L]:
        """The findings that no ignore covers."""
        return [
            finding
            for finding in findings
            if not any(ignore.covers(finding, self.as_of) for ignore in self.ignores)
        ]

    def new(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings that the baseline does not accept; an expiry as in `Ignore.covers`."""
        return [finding for finding in findings if not self._accepted(finding)]

    def _accepted(self, finding: Finding) -> bool:
        known = self.baseline.get((finding.location.file, finding.fingerprint))
        expired = known and known.expires and self.as_of and self.as_of > known.expires
        return known is not None and not expired

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader should know of how the policy was applied."""
        notes = []
        if self.only_rules:
            notes.append(f"Only {', '.join(map(quoted, self.only_rules))} was judged.")
        if self.only_pointer:
            notes.append(f"Only what lies at or below {quoted(self.only_pointer, 200)} is shown.")
        dates = [each.expires for each in self.ignores]
        dates += [each.expires for each in self.baseline.values()]
        if self.as_of is None and any(dates):
            notes.append("Ignores have expiry dates, not judged: no `as_of` date was given.")
        return tuple(notes)
