"""Facts of a system's description: each field that is said, and the parts that have names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...report import clean, quoted
from ...rule import Place
from ..domain.model import System
from ..facts import Basis, Fact, Kind

_PARTS = {
    "roles": Kind.ROLE,
    "data": Kind.DATA,
    "components": Kind.COMPONENT,
    "flows": Kind.FLOW,
}


def system_facts(system: System, file: str) -> Iterator[Fact]:
    """What is said, as declarations."""
    for name, kind in _PARTS.items():
        for number, part in enumerate(getattr(system, name)):
            at = Place(file, (name, number))
            subject = flow_name(part) if kind is Kind.FLOW else clean(part.name, 80)
            note = f"{kind.value} {quoted(subject)} is described"
            yield Fact(kind, subject, part, Basis.DECLARED, at, note)
    for id, answer in system.answers.items():
        yield answer_fact(id, answer, Place(file, ("answers", id)))
    said = system.model_dump(exclude_unset=True, exclude={*_PARTS, "answers"})
    yield from _fields(said, (), file)


def answer_fact(id: str, answer: str, at: Place | None) -> Fact:
    """An answer to a question."""
    note = f"answered {quoted(answer)}"
    return Fact(Kind.ANSWER, id, clean(answer, 100).strip().lower(), Basis.DECLARED, at, note)


def flow_name(flow: Any) -> str:
    """How a flow is called in answers: `web → orders`."""
    return clean(flow.name or f"{flow.source} → {flow.target}", 170)


def _fields(value: Mapping[str, Any], path: tuple[str, ...], file: str) -> Iterator[Fact]:
    for key, inner in value.items():
        here = (*path, key)
        if isinstance(inner, dict):
            yield from _fields(inner, here, file)
        elif inner is not None:
            name = ".".join(here)
            shown = ", ".join(map(str, inner)) if isinstance(inner, list) else str(inner).lower()
            note = f"`{name}` is {quoted(shown)}"
            yield Fact(Kind.SAID, name, inner, Basis.DECLARED, Place(file, here), note)
