"""What a team has decided about rules: profile, severities, and findings it lives with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase

from .report import Finding, Severity


@dataclass(frozen=True, slots=True)
class Ignore:
    """Findings accepted with a reason: of a rule, where file and pointer match (globs)."""

    rule: str
    reason: str
    file: str = "*"
    pointer: str = "*"
    expires: date | None = None

    def covers(self, finding: Finding, as_of: date | None) -> bool:
        """Whether the finding is accepted; an expiry is judged only against a given date."""
        expired = self.expires is not None and as_of is not None and as_of > self.expires
        return (
            not expired
            and finding.rule == self.rule
            and fnmatchcase(finding.location.file, self.file)
            and fnmatchcase(finding.location.pointer, self.pointer)
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings of a run. `severities` maps a rule to its severity, None turns it off."""

    profile: str = "default"
    only_rules: tuple[str, ...] = ()
    severities: Mapping[str, Severity | None] = field(default_factory=dict)
    ignores: tuple[Ignore, ...] = ()
    as_of: date | None = None

    def kept(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings that no ignore covers."""
        return [
            finding
            for finding in findings
            if not any(ignore.covers(finding, self.as_of) for ignore in self.ignores)
        ]

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader should know of how the policy was applied."""
        if self.as_of is None and any(ignore.expires for ignore in self.ignores):
            return ("Ignores have expiry dates, which were not judged: no `as_of` date was given.",)
        return ()
