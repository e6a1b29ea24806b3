"""The checklist as plain data: rows with evidence and places, questions, what does not apply."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..report import Location, clean
from ..rule import Place
from .control import Control, Verdict
from .evaluate import Evaluation, Excluded, Row, Undecided, strength_of
from .facts import Fact, Facts
from .implement import implementation
from .questions import FIRST, Question
from .requests import Requests

MAX_EVIDENCE = 4  # facts of one subject
MAX_PLACES = 30  # subjects of one row whose places are looked up


@dataclass(frozen=True, slots=True)
class Checklist:
    """All parts as plain data with stable keys, texts safe to show; docs/security.md names them."""

    summary: dict[str, Any]
    controls: tuple[dict[str, Any], ...]
    questions: tuple[dict[str, Any], ...]
    undecided: tuple[dict[str, Any], ...]
    not_applicable: tuple[dict[str, Any], ...]
    matrix: dict[str, Any]
    inventory: tuple[dict[str, Any], ...]
    threats: tuple[dict[str, Any], ...]
    conflicts: tuple[dict[str, Any], ...]
    diagrams: tuple[dict[str, Any], ...]
    notes: tuple[str, ...] = ()
    exports: tuple[tuple[str, str], ...] = ()  # files by name, where they were asked for


def counts(evaluation: Evaluation) -> dict[str, int]:
    """Rows by status, and the controls without a row."""
    found = dict.fromkeys(("not_met", "partial", "unknown", "met"), 0)
    for row in evaluation.rows:
        found[row.status.value] += 1
    return found | {
        "undecided": len(evaluation.undecided),
        "not_applicable": len(evaluation.excluded),
    }


def places_of(rows: Iterable[Row]) -> set[Place]:
    """The places that rows show."""
    return {
        fact.at
        for row in rows
        for verdict in row.verdicts[:MAX_PLACES]
        for fact in verdict.facts[:MAX_EVIDENCE]
        if fact.at is not None
    }


class Shown:
    """Makes plain data of rows; `at` are the places found, `stack` the declared technologies."""

    def __init__(
        self, facts: Facts, requests: Requests, at: Mapping[Place, Location], stack: Sequence[str]
    ) -> None:
        self._facts, self._requests, self._at, self._stack = facts, requests, at, stack

    def row(self, row: Row) -> dict[str, Any]:
        """A row with all its subjects."""
        control, worst = row.control, row.worst
        return {
            "id": control.id,
            "row": row.id,
            "title": control.title,
            "family": control.family.replace("_", " "),
            "status": row.status.value,
            "strength": row.strength.value,
            "cause": row.cause,
            "risk": row.risk.as_data(),
            "why": control.why or control.title,
            "subjects": [
                self._subject(control, verdict, number)
                for number, verdict in enumerate(row.verdicts)
            ],
            "verify": self._requests.filled(worst.verify or control.verify, worst.subject),
            "implement": implementation(control.implement, self._stack),
            "mappings": control.mappings.named(),
        }

    def _subject(self, control: Control, verdict: Verdict, number: int) -> dict[str, Any]:
        verify = verdict.verify or control.verify
        with_places = number < MAX_PLACES
        return {
            "subject": verdict.subject,
            "status": verdict.status.value,
            "strength": strength_of(verdict).value,
            "why": clean(verdict.why, 400),
            "evidence": [self._evidence(fact) for fact in verdict.facts[:MAX_EVIDENCE]]
            if with_places
            else [],
            "verify": self._requests.filled(verify, verdict.subject) if with_places else "",
        }

    def _evidence(self, fact: Fact) -> dict[str, Any]:
        at = self._at.get(fact.at) if fact.at else None
        place = (
            {"file": at.file, "line": at.line, "column": at.column, "pointer": at.pointer}
            if at
            else {}
        )
        return {
            "fact": fact.kind.value,
            "basis": fact.basis.value,
            "note": clean(fact.note, 300),
            **place,
        }

    def undecided(self, each: Undecided) -> dict[str, Any]:
        """A control that waits for an answer."""
        control = each.control
        return {
            "id": control.id,
            "title": control.title,
            "family": control.family.replace("_", " "),
            "status": "unknown",
            "question": each.gate.id if each.gate else control.id,
            "risk": each.risk.as_data(),
            "said_by": control.said,
            "verify": self._requests.filled(control.verify, "the system"),
            "implement": implementation(control.implement, self._stack),
            "mappings": control.mappings.named(),
        }


def excluded(each: Excluded) -> dict[str, Any]:
    """A control that does not apply, and why."""
    return {
        "id": each.control.id,
        "title": each.control.title,
        "status": "not_applicable",
        "because": clean(each.fact.note, 300),
    }


def question(number: int, each: Question) -> dict[str, Any]:
    """A question with its answers."""
    return {
        "id": each.id,
        "question": clean(each.text, 700),
        "answers": list(each.answers),
        "decides": list(each.decides),
        "subjects": list(each.subjects),
        "information": each.information,
        "ask_first": number < FIRST,
    }
