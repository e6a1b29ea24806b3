"""Values that stand for parameters, so that a planner sees how many rows a condition lets pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from .conditions import Condition
from .imagined import Imagined
from .statements import Constants

SAMPLE: Final = "'sample'"
_TEXTS: Final = {"starts with": "'sam%'", "contains": "'%sample%'", "matches": SAMPLE}


def constants(model: Imagined) -> Constants:
    """Values by the selectivity that the model says; where it says none, parameters stay."""

    def of(condition: Condition) -> Sequence[str] | None:
        attribute = condition.place.field.type
        if condition.operator in _TEXTS and attribute.type in _WRITTEN and not attribute.array:
            return [_TEXTS[condition.operator]]
        share = condition.selectivity
        relation = model.blueprint.logical.relations.get(condition.place.relation)
        if share is None or relation is None or not condition.is_range:
            return None
        span = model.span(relation, attribute)
        if span is None:
            return None
        return [f"'{span.at(each, attribute)}'" for each in _shares(condition, share)]

    return of


_WRITTEN: Final = ("text", "email", "url", "enum")


def _shares(condition: Condition, share: float) -> list[float]:
    """Between which parts of the values the condition lies: of time it is the newest."""
    match condition.operator:
        case "<" | "<=":
            return [share]
        case "between":
            return [1 - share, 1.0]
        case _:
            return [1 - share]
