"""What every review does with its rules: run each on the objects of its kind, make findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from .policy import Policy
from .report import Finding, Location, clean, is_plain
from .rule import Hit, Rule

Hits = list[tuple[Rule, Hit]]


def judge(
    rules: Iterable[Rule], subjects: Callable[[str], Iterable[Any]], context: Any
) -> tuple[Hits, list[str]]:
    """The hits of every rule on the objects of its kind, and notes on what could not be judged.

    A rule that trips over a malformed object says so in a note: the object is reported by the
    rules on validity, and the rest of the document is still judged.
    """
    hits: Hits = []
    unjudged: Counter[str] = Counter()
    for rule in rules:
        for subject in subjects(rule.on):
            try:
                hits.extend((rule, hit) for hit in rule.check(subject, context))
            except (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError):
                unjudged[rule.id] += 1
    return hits, [
        f"`{rule}` could not judge {count} malformed object{'s' * (count > 1)}."
        for rule, count in sorted(unjudged.items())
    ]


def finding(
    rule: Rule,
    hit: Hit,
    at: Location,
    fingerprint: str,
    policy: Policy,
    related: tuple[Location, ...] = (),
    affects: tuple[str, ...] = (),
) -> Finding:
    """A hit at its line and column, its texts safe to show."""
    return Finding(
        rule=rule.id,
        severity=policy.severities.get(rule.id) or rule.severity,
        class_=rule.class_,
        confidence=rule.confidence,
        message=clean(hit.message, 500),
        location=at,
        fingerprint=fingerprint,
        cause=clean(hit.cause, 200),
        evidence=clean(hit.evidence, 300),
        fix=clean(hit.fix or rule.fix, 500),
        patch=hit.patch,
        ddl=hit.ddl if all(map(is_plain, hit.ddl)) else (),
        related=related,
        affects=affects,
        references=rule.references,
    )
