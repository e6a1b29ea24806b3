"""Risk in whole numbers: what a failure costs, and how likely it is.

impact = data class (1 to 4) × blast radius (1 to 3); likelihood = exposure (1 to 3) ×
authentication (1 to 3) × signal (1 to 3). The product, at most 324, orders rows and is no score of
any standard. What is unknown counts as what it could be.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from .control import Control, Verdict
from .facts import Facts, Kind

CLASSES = {
    "password": 4,
    "secret": 4,
    "payment data": 4,
    "health data": 4,
    "identity document": 4,
    "one-time code": 4,
    "location": 3,
    "personal data": 3,
    "contact data": 2,
    "privilege": 2,
    "internal detail": 1,
}
SENSITIVITIES = {
    "public": 1,
    "internal": 1,
    "personal": 3,
    "special": 4,
    "secret": 4,
    "payment": 4,
    "health": 4,
}
EXPOSURES = {"public": 3, "partner": 2, "internal": 1}


@dataclass(frozen=True, slots=True)
class Risk:
    """The numbers behind the place of a row."""

    data: int
    blast: int
    exposure: int
    authentication: int
    signal: int

    @property
    def score(self) -> int:
        """All of them multiplied."""
        return self.data * self.blast * self.exposure * self.authentication * self.signal

    def as_data(self) -> dict[str, int]:
        """For answers."""
        return {
            "score": self.score,
            "data_class": self.data,
            "blast_radius": self.blast,
            "exposure": self.exposure,
            "authentication": self.authentication,
            "signal": self.signal,
        }


class Risks:
    """Judges verdicts of one set of facts."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._data: dict[str, int] = {}

    def of(self, control: Control, verdict: Verdict) -> Risk:
        """The risk of a control at a subject."""
        return Risk(
            max(control.impact, self._class_of(verdict.subject)),
            control.blast,
            self._exposure,
            self._authentication(verdict.subject),
            verdict.signal,
        )

    @cached_property
    def _exposure(self) -> int:
        said = self._facts.said("exposure")
        return EXPOSURES.get(said.value, 3) if said else 3  # unsaid: public, the worst

    def _authentication(self, subject: str) -> int:
        """3: anyone may call, 2: any user, 1: those with a special right."""
        call = self._facts.call(subject)
        if call is None:
            return 2
        if not call.protected:
            return 3
        return 1 if call.scopes and call.privileged else 2

    def _class_of(self, subject: str) -> int:
        """The most sensitive data that moves there."""
        if subject not in self._data:
            kinds = (Kind.RETURNS, Kind.RECEIVES, Kind.EMBEDS, Kind.COLUMN)
            held = self._facts.about(subject, *kinds)
            self._data[subject] = max((CLASSES.get(f.value.sense, 1) for f in held), default=1)
        return self._data[subject]
