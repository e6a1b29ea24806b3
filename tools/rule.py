"""A rule is a check plus all that is needed to explain, document and test it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from types import ModuleType
from typing import Any, NamedTuple

from .report import Confidence, FindingClass, Severity, quoted
from .source import Path


class Place(NamedTuple):
    """A place in a document's data; `offset` (characters) where the loader already knows it."""

    file: str
    path: Path
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A place where a rule is broken, as its check reports it.

    `message` is one sentence without full stop that names what was seen. Hits with the same
    `cause` form one group. `fix` replaces the rule's own when it can be more specific; `patch` is
    an RFC 6902 patch of the file, `ddl` the statements that mend a schema.
    """

    at: Place
    message: str
    cause: str = ""
    evidence: str = ""
    fix: str = ""
    patch: tuple[dict[str, Any], ...] = ()
    ddl: tuple[str, ...] = ()
    related: tuple[Place, ...] = ()


Check = Callable[[Any, Any], Iterator[Hit]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One check over objects of the kind `on`, with its documentation and its examples.

    `opt_in` rules run in the profile `all` only, or when asked for by id.
    """

    id: str
    severity: Severity
    class_: FindingClass
    confidence: Confidence
    on: str
    title: str
    rationale: str
    fix: str
    references: tuple[str, ...]
    bad: str
    good: str
    opt_in: bool
    check: Check


def rule(
    id: str,
    severity: Severity,
    class_: FindingClass,
    *,
    on: str,
    fix: str,
    references: Iterable[str],
    bad: str,
    good: str,
    confidence: Confidence = Confidence.HIGH,
    opt_in: bool = False,
) -> Callable[[Check], Rule]:
    """Make a Rule of a generator function; its docstring is the title and the rationale."""

    def make(check: Check) -> Rule:
        title, _, rationale = inspect.cleandoc(check.__doc__ or "").partition("\n")
        return Rule(
            id,
            severity,
            class_,
            confidence,
            on,
            title.strip().rstrip("."),
            rationale.strip(),
            fix,
            tuple(references),
            inspect.cleandoc(bad) + "\n",
            inspect.cleandoc(good) + "\n",
            opt_in,
            check,
        )

    return make


def rules_in(*modules: ModuleType) -> tuple[Rule, ...]:
    """The rules defined in the given modules, in order of definition."""
    return tuple(value for m in modules for value in vars(m).values() if isinstance(value, Rule))


class UnknownRule(ValueError):
    """A rule was asked for that does not exist; the message names the nearest."""

    def __init__(self, wanted: str, known: Iterable[str]) -> None:
        near = get_close_matches(wanted[:80], list(known), n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(f'`{name}`' for name in near)}?" if near else ""
        super().__init__(f"there is no rule {quoted(wanted)}{hint}")


def select(rules: Iterable[Rule], profile: str, only: Iterable[str]) -> tuple[Rule, ...]:
    """The rules of a profile (`default` or `all`), or exactly those asked for by id.

    Raises `UnknownRule`.
    """
    by_id = {rule.id: rule for rule in rules}
    wanted = list(dict.fromkeys(only))
    for id in wanted:
        if id not in by_id:
            raise UnknownRule(id, by_id)
    if wanted:
        return tuple(by_id[id] for id in wanted)
    return tuple(rule for rule in by_id.values() if profile == "all" or not rule.opt_in)
