"""Review an OpenAPI or Swagger description: load, resolve, check the rules, report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from ..openapi.api import Api
from ..openapi.document import Reader, describe
from ..openapi.overview import overview
from ..policy import Policy
from ..report import FindingClass, Report, grouped
from ..rule import Hit, Rule, select
from .findings import findings_of
from .rules import RULES
from .rules.validity import GENERAL

TOOL = "review_api"


def review(
    content: str | bytes,
    name: str,
    read: Reader,
    policy: Policy | None = None,
    progress: Callable[[str], object] = lambda stage: None,
) -> Report:
    """Review one description; `read` gives the files that its references name.

    Raises `SourceError` (malformed text), `NotOpenApi`, `NoSuchPlace` and `UnknownRule`.
    """
    policy = policy or Policy()
    rules = select(RULES, policy.profile, policy.only_rules)
    rules = tuple(rule for rule in rules if policy.severities.get(rule.id, 1) is not None)
    progress("loading")
    api = Api(describe(content, name, read))
    if policy.only_pointer:
        api.description.check_pointer(policy.only_pointer)
    progress("checking rules")
    hits, notes = _check(rules, api)
    progress("locating findings")
    found = policy.asked(findings_of(hits, api, policy))
    kept = policy.kept(found)
    return Report(
        TOOL,
        grouped(kept, {rule.id: rule.title for rule in rules}),
        (overview(api),),
        (*notes, *policy.notes),
        len(found) - len(kept),
    )


def _check(rules: tuple[Rule, ...], api: Api) -> tuple[list[tuple[Rule, Hit]], list[str]]:
    """Every rule on every object of its kind.

    A rule that trips over a malformed object says so in a note: the object is reported by the
    schema check, and the rest of the document is still judged.
    """
    hits: list[tuple[Rule, Hit]] = []
    unjudged: Counter[str] = Counter()
    for rule in rules:
        match rule.on:
            case "api":
                subjects: Iterable[Any] = (api,)
            case "operation":
                subjects = api.operations
            case kind:
                subjects = api.nodes(kind)
        for subject in subjects:
            try:
                hits.extend((rule, hit) for hit in rule.check(subject, api))
            except (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError):
                unjudged[rule.id] += 1
    return _without_repeats(hits), [
        f"`{rule}` could not judge {count} malformed object{'s' * (count > 1)}."
        for rule, count in sorted(unjudged.items())
    ]


def _without_repeats(hits: list[tuple[Rule, Hit]]) -> list[tuple[Rule, Hit]]:
    """Without what the official schema says in general and another rule says in particular."""
    particular = {
        hit.at for rule, hit in hits if rule not in GENERAL and rule.class_ is FindingClass.DEFECT
    }
    return [(rule, hit) for rule, hit in hits if rule not in GENERAL or hit.at not in particular]
