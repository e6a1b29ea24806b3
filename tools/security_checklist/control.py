"""A control: a predicate over facts with three answers, and all that is needed to act on it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from types import ModuleType
from typing import Any, TypeAlias

from .facts import SYSTEM, Fact, Facts
from .gates import Gate


class Status(StrEnum):
    """What is known about a control, at one subject or in all."""

    NOT_MET = "not_met"
    PARTIAL = "partial"
    UNKNOWN = "unknown"
    MET = "met"
    NOT_APPLICABLE = "not_applicable"


class Strength(StrEnum):
    """What a status rests on."""

    VERIFIED = "verified"  # an artefact shows it
    DECLARED = "declared"  # a document or a person says it
    NONE = "none"  # it is not known


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a control says of one subject.

    Verdicts with the same `cause` form one row. `signal`: 1 nothing was seen, 2 a sign, 3 it shows.
    `verify` replaces the control's own. `proven`: the artefact proves a `met`.
    """

    subject: str
    status: Status
    why: str
    facts: tuple[Fact, ...] = ()
    cause: str = ""
    signal: int = 2
    verify: str = ""
    proven: bool = False


def broken(fact: Fact, why: str = "", cause: str = "", **more: Any) -> Verdict:
    """Not met at a fact's subject: the artefact shows it."""
    more = {"signal": 3} | more
    return Verdict(fact.subject, Status.NOT_MET, why or fact.note, (fact,), cause, **more)


def doubtful(fact: Fact, why: str = "", cause: str = "", **more: Any) -> Verdict:
    """Unknown at a fact's subject, which is where to look."""
    return Verdict(fact.subject, Status.UNKNOWN, why or fact.note, (fact,), cause, **more)


def kept(fact: Fact, why: str = "", *, proven: bool = False) -> Verdict:
    """Met at a fact's subject; `proven`: the artefact proves it, else it only says so."""
    said = why or fact.note
    return Verdict(fact.subject, Status.MET, said, (fact,), signal=1, proven=proven)


Check: TypeAlias = Callable[[Facts], Iterator[Verdict]]

ANSWERS = {
    "yes": Status.MET,
    "partly": Status.PARTIAL,
    "no": Status.NOT_MET,
    "not_applicable": Status.NOT_APPLICABLE,
}
"""What may be answered to the question of a control."""


@dataclass(frozen=True, slots=True)
class Mappings:
    """Where standards ask for a control: ids and numbers only."""

    asvs: tuple[str, ...] = ()
    api_top10: tuple[str, ...] = ()
    cwe: tuple[int, ...] = ()
    nist: tuple[str, ...] = ()  # SP 800-63B-4
    pci: tuple[str, ...] = ()  # DSS 4.0.1
    gdpr: tuple[str, ...] = ()
    hipaa: tuple[str, ...] = ()  # 45 CFR

    def named(self) -> dict[str, list[str]]:
        """The mappings that there are, by standard."""
        every: dict[str, list[str]] = {
            "asvs": [f"V{id}" for id in self.asvs],
            "api_top10": [f"{id}:2023" for id in self.api_top10],
            "cwe": [f"CWE-{number}" for number in self.cwe],
            "nist_800_63b": list(self.nist),
            "pci_dss": list(self.pci),
            "gdpr": list(self.gdpr),
            "hipaa": list(self.hipaa),
        }
        return {standard: ids for standard, ids in every.items() if ids}


@dataclass(frozen=True, slots=True)
class Control:
    """A control. `impact` (1 to 4) is what the least sensitive failure costs, `blast` (1 to 3) how
    many it reaches; `when` says where it applies. `said` is the field of the system's description
    that decides it where no artefact does, `good` the predicate on its value, `wants` that in
    words. In `verify`, `{operation}` and `{request}` stand for the subject.
    """

    id: str
    title: str
    why: str
    question: str
    verify: str
    implement: str
    mappings: Mappings
    impact: int
    blast: int
    when: Gate | None
    check: Check
    said: str = ""
    good: Callable[[Any], bool] = field(default=bool, compare=False)
    wants: str = ""
    family: str = ""


def control(
    id: str,
    *,
    question: str,
    verify: str,
    implement: str,
    asvs: Iterable[str] = (),
    api_top10: Iterable[str] = (),
    cwe: Iterable[int] = (),
    nist: Iterable[str] = (),
    pci: Iterable[str] = (),
    gdpr: Iterable[str] = (),
    hipaa: Iterable[str] = (),
    impact: int = 2,
    blast: int = 2,
    when: Gate | None = None,
    said: str = "",
    good: Callable[[Any], bool] = bool,
    wants: str = "yes",
) -> Callable[[Check], Control]:
    """Make a control of a generator function; its docstring is the title and the reason."""

    def make(check: Check) -> Control:
        title, _, why = inspect.cleandoc(check.__doc__ or "").partition("\n")
        mappings = Mappings(*map(tuple, (asvs, api_top10, cwe, nist, pci, gdpr, hipaa)))  # type: ignore[arg-type]
        return Control(
            id,
            title.strip().rstrip("."),
            " ".join(why.split()),
            question,
            verify,
            implement,
            mappings,
            impact,
            blast,
            when,
            check,
            said,
            good,
            wants,
        )

    return make


def attested(
    id: str,
    title: str,
    said: str,
    *,
    why: str,
    question: str,
    verify: str,
    implement: str,
    **more: Any,
) -> Control:
    """A control that only people can speak for: a field of the description, or an answer."""

    def nothing(facts: Facts) -> Iterator[Verdict]:
        yield from ()

    nothing.__doc__ = f"{title}.\n\n{why}"
    make = control(id, question=question, verify=verify, implement=implement, said=said, **more)
    return make(nothing)


def controls_in(*modules: ModuleType) -> tuple[Control, ...]:
    """The controls of the given modules, in order of definition; their family is the module's."""
    from dataclasses import replace

    return tuple(
        replace(value, family=module.__name__.rpartition(".")[2])
        for module in modules
        for value in vars(module).values()
        if isinstance(value, Control)
    )


__all__ = [
    "ANSWERS",
    "SYSTEM",
    "Control",
    "Status",
    "Strength",
    "Verdict",
    "attested",
    "broken",
    "control",
    "controls_in",
    "doubtful",
    "kept",
]
