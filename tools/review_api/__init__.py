"""Review an OpenAPI or Swagger description: load, resolve, check the rules, report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from ..judge import Hits, judge
from ..openapi.api import Api
from ..openapi.document import Reader, describe
from ..openapi.overview import overview
from ..policy import Policy
from ..report import FindingClass, Report, grouped
from ..rule import select
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
    hits, notes = judge(rules, partial(_subjects, api), api)
    progress("locating findings")
    found = policy.asked(findings_of(_without_repeats(hits), api, policy))
    kept = policy.kept(found)
    return Report(
        TOOL,
        grouped(kept, {rule.id: rule.title for rule in rules}),
        (overview(api),),
        (*notes, *policy.notes),
        len(found) - len(kept),
    )


def _without_repeats(hits: Hits) -> Hits:
    """Without what the official schema says in general and another rule says in particular."""
    particular = {
        hit.at for rule, hit in hits if rule not in GENERAL and rule.class_ is FindingClass.DEFECT
    }
    return [(rule, hit) for rule, hit in hits if rule not in GENERAL or hit.at not in particular]


def _subjects(api: Api, kind: str) -> Iterable[Any]:
    match kind:
        case "api":
            return (api,)
        case "operation":
            return api.operations
        case _:
            return api.nodes(kind)
