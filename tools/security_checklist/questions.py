"""Open questions: what to ask first, with the answers there are and what each decides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .control import ANSWERS, Status
from .evaluate import Evaluation, Row, Undecided
from .facts import Facts
from .gates import Gate

FIRST = 5  # questions that are asked before all others
_GATE_ANSWERS = ("yes", "no")


@dataclass(frozen=True, slots=True)
class Question:
    """A question: `decides` are ids of controls; `information` orders questions.

    A question about several subjects may be answered for one: `id@subject`.
    """

    id: str
    text: str
    answers: tuple[str, ...]
    decides: tuple[str, ...]
    subjects: tuple[str, ...]
    information: int


def questions(evaluation: Evaluation, facts: Facts) -> tuple[Question, ...]:
    """All open questions, those with most information first."""
    found = [
        *_exposure(evaluation, facts),
        *_of_rows(evaluation),
        *_of_gates(evaluation.undecided),
        *_of_undecided(evaluation.undecided),
    ]
    return tuple(sorted(found, key=lambda each: (-each.information, each.id)))


def _exposure(evaluation: Evaluation, facts: Facts) -> Iterator[Question]:
    """Who can reach the system scales the risk of every row."""
    if facts.said("exposure") is None:
        decides = tuple(dict.fromkeys(row.control.id for row in evaluation.rows))
        total = sum(row.risk.score for row in evaluation.rows if row.status is not Status.MET)
        text = "Who can reach the system: everybody, partners, or the company's own network?"
        yield Question(
            "exposure", text, ("public", "partner", "internal"), decides, (), max(total // 3, 300)
        )


def _of_rows(evaluation: Evaluation) -> Iterator[Question]:
    for row in evaluation.rows:
        if any(verdict.status is Status.UNKNOWN for verdict in row.verdicts):
            yield _of_row(row)


def _of_row(row: Row) -> Question:
    subjects = tuple(v.subject for v in row.verdicts if v.status is Status.UNKNOWN)
    shown = ", ".join(f"`{subject}`" for subject in subjects[:3])
    more = f" and {len(subjects) - 3} more" if len(subjects) > 3 else ""
    text = f"{row.control.question} ({shown}{more})"
    return Question(row.id, text, tuple(ANSWERS), (row.control.id,), subjects, row.weight)


def _of_gates(undecided: tuple[Undecided, ...]) -> Iterator[Question]:
    by_gate: dict[str, tuple[Gate, list[Undecided]]] = {}
    for each in undecided:
        if each.gate is not None:
            by_gate.setdefault(each.gate.id, (each.gate, []))[1].append(each)
    for gate, waiting in by_gate.values():
        decides = tuple(each.control.id for each in waiting)
        information = sum(each.risk.score for each in waiting)
        yield Question(gate.id, gate.question, _GATE_ANSWERS, decides, (), information)


def _of_undecided(undecided: tuple[Undecided, ...]) -> Iterator[Question]:
    for each in undecided:
        if each.gate is None:
            control = each.control
            yield Question(
                control.id, control.question, tuple(ANSWERS), (control.id,), (), each.risk.score
            )
