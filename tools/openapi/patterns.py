"""The regular expressions of an API: where they stand, what they mean, what they cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from ..regular_expressions.ambiguity import Budget
from ..regular_expressions.complexity import Growth, Verdict, complexity
from ..regular_expressions.parser import Invalid, TooComplex, parsed
from ..regular_expressions.syntax import Node as Tree
from ..rule import Place
from .api import Api
from .document import Node
from .values import mapping

MAX_CHARACTERS: Final = 500_000  # of all patterns that are read
EACH: Final = 200_000  # steps for the decision on one pattern
ALL: Final = 2_000_000


class Pattern(NamedTuple):
    """A regular expression as it is written, in a schema, parameter or header."""

    text: str
    at: Place
    node: Node


@dataclass(frozen=True, slots=True)
class Reading:
    """What a pattern means: with the flag `u` if it can be read so, else without.

    `refused`: why not with it; `wrong`: why in no way. Without a tree: it is wrong, or not read.
    """

    tree: Tree | None = None
    refused: Invalid | None = None
    wrong: Invalid | None = None


def patterns(api: Api) -> tuple[Pattern, ...]:
    """Every `pattern` and key of `patternProperties`."""
    return api.once(_patterns)


def _patterns(api: Api) -> tuple[Pattern, ...]:
    return tuple(_written(api))


def _written(api: Api) -> Iterator[Pattern]:
    for node in api.having("pattern", "patternProperties"):
        text = node.value.get("pattern")
        if isinstance(text, str):
            yield Pattern(text, node.place("pattern"), node)
        if node.kind == "schema":
            for key in mapping(node.value.get("patternProperties")):
                yield Pattern(str(key), node.place("patternProperties", key), node)


def readings(api: Api) -> dict[str, Reading]:
    """The meaning of each pattern."""
    return api.once(_readings)


def _readings(api: Api) -> dict[str, Reading]:
    found = {}
    left = MAX_CHARACTERS
    for text in sorted({pattern.text for pattern in patterns(api)}):
        left -= len(text)
        found[text] = _reading(text) if left >= 0 else Reading()
    return found


def _reading(text: str) -> Reading:
    try:
        return Reading(parsed(text))
    except TooComplex:
        return Reading()
    except Invalid as error:
        refused = error
    try:
        return Reading(parsed(text, unicode=False), refused)
    except TooComplex:
        return Reading(None, refused)
    except Invalid as error:
        return Reading(None, refused, error)


def costs(api: Api) -> dict[str, Verdict]:
    """How the time grows that patterns take for what clients send; unknown once too much is."""
    return api.once(_costs)


def _costs(api: Api) -> dict[str, Verdict]:
    known = readings(api)
    received = {pattern.text for pattern in patterns(api) if api.received(pattern.node)}
    found = {}
    left = ALL
    for text in sorted(received):
        if tree := known[text].tree:
            budget = Budget(min(EACH, left))
            before = budget.left
            found[text] = complexity(tree, budget) if left > 0 else Verdict(Growth.UNKNOWN)
            left -= before - budget.left
    return found
