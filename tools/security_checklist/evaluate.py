"""From facts to rows: each control is asked for every subject, then rows are made by cause."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from .control import ANSWERS, Control, Status, Strength, Verdict
from .facts import SYSTEM, Basis, Fact, Facts
from .gates import Gate
from .risk import Risk, Risks


@dataclass(frozen=True, slots=True)
class Row:
    """A control at subjects of one cause; `verdicts` are ordered by risk."""

    id: str
    control: Control
    cause: str
    status: Status
    strength: Strength
    verdicts: tuple[Verdict, ...]
    risk: Risk
    weight: int  # the sum of the risks of its ten worst subjects

    @property
    def worst(self) -> Verdict:
        """The verdict that stands for the row."""
        return self.verdicts[0]


@dataclass(frozen=True, slots=True)
class Undecided:
    """A control of which nothing is known; `gate`: it is not even known whether it applies."""

    control: Control
    gate: Gate | None
    risk: Risk


@dataclass(frozen=True, slots=True)
class Excluded:
    """A control that does not apply, and the fact that says so."""

    control: Control
    fact: Fact


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What is known of all controls; rows are worst first."""

    rows: tuple[Row, ...]
    undecided: tuple[Undecided, ...]
    excluded: tuple[Excluded, ...]


def evaluate(controls: Sequence[Control], facts: Facts) -> Evaluation:
    """Every control is in a row, or undecided, or excluded."""
    risks = Risks(facts)
    rows: list[Row] = []
    undecided: list[Undecided] = []
    excluded: list[Excluded] = []
    for control in controls:
        verdicts = _verdicts(control, facts)
        applies, fact = control.when.state(facts) if control.when else (True, None)
        dismissed = [v for v in verdicts if v.status is Status.NOT_APPLICABLE]
        remaining = [v for v in verdicts if v.status is not Status.NOT_APPLICABLE]
        if remaining:
            rows += _rows(control, remaining, risks)
        elif dismissed:
            excluded.append(Excluded(control, dismissed[0].facts[0]))
        elif applies is False and fact:
            excluded.append(Excluded(control, fact))
        else:
            unknown = Verdict(SYSTEM, Status.UNKNOWN, "", signal=1)
            gate = control.when if applies is None else None
            undecided.append(Undecided(control, gate, risks.of(control, unknown)))
    return Evaluation(tuple(sorted(rows, key=_worst_first)), tuple(undecided), tuple(excluded))


_ORDER = [Status.NOT_MET, Status.PARTIAL, Status.UNKNOWN, Status.MET, Status.NOT_APPLICABLE]


def _worst_first(row: Row) -> tuple[int, int, int, str]:
    settled = row.status is Status.MET
    return (settled, -row.risk.score, _ORDER.index(row.status), row.id)


def row_id(control: Control, cause: str) -> str:
    """A stable id: the control's, with the words of the cause."""
    words = re.sub(r"[^a-z0-9]+", "-", cause.lower()).strip("-")[:60].rstrip("-")
    return f"{control.id}/{words}" if words else control.id


def _verdicts(control: Control, facts: Facts) -> list[Verdict]:
    """What artefacts show, then what people say of what they leave open."""
    seen = list(control.check(facts))
    said = _said(control, facts)
    if not seen:
        return [said] if said else []
    return [
        _answered(control, verdict, said, facts) if verdict.status is Status.UNKNOWN else verdict
        for verdict in seen
    ]


def _said(control: Control, facts: Facts) -> Verdict | None:
    """What the description or an answer says of a control as a whole."""
    fact = facts.answer(control.id)
    if fact is not None and fact.value in ANSWERS:
        return Verdict(SYSTEM, ANSWERS[fact.value], fact.note, (fact,), signal=_signal(fact))
    fact = facts.said(control.said) if control.said else None
    if fact is None:
        return None
    status = Status.MET if control.good(fact.value) else Status.NOT_MET
    note = fact.note if status is Status.MET else f"{fact.note}; wanted: {control.wants}"
    return Verdict(SYSTEM, status, note, (fact,), signal=1 if status is Status.MET else 3)


def _signal(fact: Fact) -> int:
    return 1 if fact.value == "yes" else 3 if fact.value == "no" else 2


def _answered(control: Control, verdict: Verdict, said: Verdict | None, facts: Facts) -> Verdict:
    """An open verdict, closed by an answer about its subject, its row or its control."""
    row = row_id(control, verdict.cause)
    for id in (f"{row}@{verdict.subject}", f"{control.id}@{verdict.subject}", row):
        fact = facts.answer(id)
        if fact is not None and fact.value in ANSWERS:
            return replace(
                verdict,
                status=ANSWERS[fact.value],
                why=f"{verdict.why}; {fact.note}",
                facts=(fact, *verdict.facts),
                signal=_signal(fact),
            )
    if said is None:
        return verdict
    return replace(
        verdict,
        status=said.status,
        why=f"{verdict.why}; {said.why}",
        facts=(*said.facts, *verdict.facts),
        signal=said.signal,
    )


def _rows(control: Control, verdicts: Iterable[Verdict], risks: Risks) -> list[Row]:
    """One row a cause; what is met joins the only row there is, else has its own."""
    by_cause: dict[str, list[Verdict]] = {}
    met: list[Verdict] = []
    for verdict in verdicts:
        if verdict.status is Status.MET:
            met.append(verdict)
        else:
            by_cause.setdefault(verdict.cause, []).append(verdict)
    if len(by_cause) == 1:
        next(iter(by_cause.values())).extend(met)
    elif met:
        by_cause["met"] = met
    return [_row(control, cause, same, risks) for cause, same in by_cause.items()]


def _row(control: Control, cause: str, verdicts: list[Verdict], risks: Risks) -> Row:
    def order(verdict: Verdict) -> tuple[int, int, str]:
        settled = verdict.status is Status.MET
        return (settled, -risks.of(control, verdict).score, verdict.subject)

    ordered = tuple(sorted(verdicts, key=order))
    cause = "" if cause == "met" else cause
    id = row_id(control, cause)
    open_ = [v for v in ordered if v.status is not Status.MET] or list(ordered)
    weight = sum(risks.of(control, v).score for v in open_[:10])
    return Row(
        id, control, cause, _status(ordered), _strength(ordered), ordered,
        risks.of(control, ordered[0]), weight,
    )  # fmt: skip


def _status(verdicts: Sequence[Verdict]) -> Status:
    """Of several subjects: partial where some are met and some are not."""
    found = {verdict.status for verdict in verdicts}
    if Status.PARTIAL in found or {Status.MET, Status.NOT_MET} <= found:
        return Status.PARTIAL
    return next(status for status in _ORDER if status in found)


def _strength(verdicts: Sequence[Verdict]) -> Strength:
    """The weakest that the row's status rests on."""
    strengths = [strength_of(verdict) for verdict in verdicts]
    return max(strengths, key=list(Strength).index)


def strength_of(verdict: Verdict) -> Strength:
    """Verified only where artefacts show it; met only where they prove it."""
    if verdict.status is Status.UNKNOWN:
        return Strength.NONE
    if verdict.status is Status.MET and not verdict.proven:
        return Strength.DECLARED
    shown = all(fact.basis in (Basis.OBSERVED, Basis.DERIVED) for fact in verdict.facts)
    return Strength.VERIFIED if shown and verdict.facts else Strength.DECLARED
