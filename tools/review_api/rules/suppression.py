"""Rules on what a document says about findings that are accepted."""

from __future__ import annotations

from collections.abc import Iterator

from ...openapi.api import Api
from ...report import FindingClass, Severity
from ...rule import Hit, UnknownRule, rule
from ..ignores import entries


@rule(
    "api/ignore-invalid",
    Severity.WARNING,
    FindingClass.DEFECT,
    on="api",
    fix="Write a list of entries, each with the `rule` to ignore and the `reason`",
    references=["https://spec.openapis.org/oas/v3.1.2.html#specification-extensions"],
    bad="""
    paths:
      /pets:
        get:
          x-backend-architect-ignore:
            - rule: api/collection-unpaginated
    """,
    good="""
    paths:
      /pets:
        get:
          x-backend-architect-ignore:
            - rule: api/collection-unpaginated
              reason: there are never more than twenty pets
    """,
)
def ignore_invalid(api: Api, _: Api) -> Iterator[Hit]:
    """An `x-backend-architect-ignore` that has no effect.

    An accepted finding needs a rule that exists and a reason, so that the next reader can tell a
    decision from an oversight. What is written otherwise is not followed.
    """
    from . import RULES  # this module is a part of it

    known = {each.id for each in RULES}
    for entry in entries(api):
        if entry.problem:
            yield Hit(entry.at, entry.problem)
        elif entry.rule not in known:
            yield Hit(entry.at, str(UnknownRule(entry.rule, known)))
