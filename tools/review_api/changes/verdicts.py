"""What each difference does to clients, by data: the rule it falls under, and how sure that is."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import partial
from typing import Final

from ...openapi.api import Api
from ...openapi.changes.record import Change, Message
from ...openapi.subsumption import Half, Subsumption, Witness
from ...openapi.translation import Direction
from ...openapi.validation import Rejection


class Verdict(IntEnum):
    """How bad a difference is for clients."""

    COMPATIBLE = 1
    POTENTIAL = 2
    BREAKING = 3


@dataclass(frozen=True, slots=True)
class Judged:
    """A difference with its rule, its verdict, and what shows it or why nothing does."""

    change: Change
    rule: str
    verdict: Verdict
    reason: str = ""
    witness: Witness | None = None


_RULES: Final = tuple(
    (re.compile(pattern), rule)
    for pattern, rule in (
        (r"(path|operation)-removed.*", "operation-removed"),
        (r"request-parameter-removed.*", "parameter-removed"),
        (r"request-(required|optional)-path-parameter-added", "parameter-required"),
        (r"request-required-(shared-)?parameter-added", "parameter-required"),
        (r"request-parameter-became-required", "parameter-required"),
        (r"request-parameter-(serialization|default-value|empty-value)-.*", "parameter-rewritten"),
        (r"request-(read-only-)?parameter.*", "parameter-narrowed"),
        (r"request-.*-parameter-property-.*", "parameter-narrowed"),
        (r"request-body-(added-required|became-required)", "request-body-required"),
        (r"request-body-(removed|media-type-removed)", "request-body-removed"),
        (r"request-.*property-(with-default-)?added", "request-property-required"),
        (r"request-.*property-(undeclared-)?became-required.*", "request-property-required"),
        (r"request-.*property-removed", "request-property-removed"),
        (r"request-.*", "request-narrowed"),
        (r"response-(.*-status|media-type)-.*", "response-removed"),
        (r"response-.*header.*", "response-header-removed"),
        (r"response-.*property-removed", "response-property-removed"),
        (r"response-.*property-(undeclared-)?became-optional", "response-property-optional"),
        (r"response-.*", "response-widened"),
        (r"security-scheme-.*", "security-scheme-changed"),
        (r"(global-)?security-.*", "security-tightened"),
        (r"server-.*", "server-removed"),
        (r"webhook-.*", "webhook-removed"),
    )
)
"""Rules on what breaks, by what a difference is called; the first that fits."""

_SAFE: Final = tuple(
    (re.compile(pattern), rule)
    for pattern, rule in (
        (r".*(deprecated|reactivated).*|.*sunset.*|.*stability.*", "deprecation"),
        (r"(operation-id|tag|version|schema)-.*", "description"),
        (r".*(annotation-only|default-value|discriminator|content-(media|enc)).*", "description"),
        (r".*(read-only|write-only)$", "description"),
        (r"response-.*(property|header|status|media-type)-(with-default-)?added", "addition"),
        (r"(operation|webhook|server|security-scheme.*|.*(property|parameter))-added", "addition"),
        (r"response-.*", "promise"),
        (r".*", "relaxation"),
    )
)
"""Rules on what does not."""

_NO_HARM: Final = re.compile(
    r".*(deprecated|reactivated|sunset-\w+|stability-\w+|annotation-only)$"
    r"|(operation-id|tag|version|schema)-.*|.*(property|body)-default-value-\w+"
    r"|.*discriminator-(mapping-)?(added|removed|deleted|changed)|security-scheme-(oauth-scope-)?\w+"
    r"|response-.*read-only-property-.*|request-read-only-.*|response-write-only-.*"
    r"|(?!request-required).*became-not-(read|write)-only|request-.*became-write-only|response-.*became-read-only"
)
"""What breaks nobody, whatever its effect on values."""
_FORGETS: Final = re.compile(
    r"request-.*became-read-only|response-.*became-write-only|response-optional-property-removed"
)
"""What clients may send or read in vain, whether or not the old contract let them rely on it."""
_PERHAPS: Final = re.compile(
    r"request-parameter-(default-value-.*|serialization-changed|empty-value-removed)"
    r"|security-scheme-(oauth-(token-|refresh-)?url|bearer-format)-changed"
    r"|security-scheme-(oauth-scope|flow)-removed"
    r"|.*content-(media-type|encoding)-changed|path-removed-deprecated|operation-removed-deprecated"
    r"|.*-discriminator-property-name-changed|server-removed"
)
"""What breaks clients that use it in a certain way."""
_REASONS: Final = {
    "forgets": "the old contract does not promise that anyone uses it",
    "default": "it depends on whether clients rely on what is done by default",
    "overlap": "`oneOf` admits what is one alternative only, and these overlap",
    "credential": "it depends on how clients get and send their credentials",
    "address": "it depends on whether clients call this address",
    "promised": "it was deprecated; clients may call it still",
    "written": "no value was found that shows it",
}
_WHY: Final = (
    ("security-scheme", "credential"),
    ("server", "address"),
    ("path-removed", "promised"),
    ("operation-removed", "promised"),
)
_TURNED: Final = frozenset(("not", "if", "then", "else", "contains", "dependentSchemas"))


class Judge:
    """Verdicts on the differences of two versions."""

    def __init__(self, old: Api, new: Api, limit: int) -> None:
        self._old, self._new = old, new
        self._subsumption = Subsumption()
        self._left = limit  # searches for a witness

    def judged(self, change: Change) -> Judged:
        """A difference with its verdict, and a witness where one was found."""
        harm = self._harm(change)
        if harm == "":
            return Judged(change, _safe(change), Verdict.COMPATIBLE)
        rule = f"breaking/{_first(_RULES, change.kind) or 'request-narrowed'}"
        if harm == "overlap":
            shown = self._shown(change, rule, change.message) if change.message else None
            if shown is None or shown.witness is None:
                return Judged(change, _safe(change), Verdict.COMPATIBLE)
            return replace(shown, verdict=Verdict.POTENTIAL, reason=_REASONS["overlap"])
        if harm != "certain":
            return Judged(change, rule, Verdict.POTENTIAL, _REASONS.get(harm, harm))
        if change.message is None:
            return Judged(change, rule, Verdict.BREAKING)
        return self._shown(change, rule, change.message)

    def _harm(self, change: Change) -> str:
        """Whether old clients may suffer: empty, `certain`, or why it is not certain."""
        kind, effect = change.kind, change.effect
        if _PERHAPS.fullmatch(kind):
            return next((why for start, why in _WHY if kind.startswith(start)), "default")
        if _NO_HARM.fullmatch(kind) or effect in ("", "names"):
            return ""
        gone = change.action == "removed" and change.subject.endswith("property")
        if (
            _FORGETS.fullmatch(kind)
            or effect == "forgets"
            or (gone and change.direction == "response" and effect == "narrows")
        ):
            return "forgets"
        if change.message and not _TURNED.isdisjoint(change.message.new_path):
            return "certain"  # inside of a negation narrowing widens: a witness decides
        if effect == "changes":
            return "certain"
        harmful = "widens" if change.direction == "response" else "narrows"
        if change.area == "response" and change.subject.endswith("status"):
            harmful = "narrows"
        if change.facet == "media-type" and change.direction == "response":
            harmful = "narrows"
        if kind in ("webhook-removed",):
            return "certain"
        if effect == harmful:
            return "certain"
        return "overlap" if change.facet == "one-of" else ""  # two alternatives may match

    def _shown(self, change: Change, rule: str, message: Message) -> Judged:
        if self._left <= 0:
            return Judged(change, rule, Verdict.POTENTIAL, "there are too many to look for values")
        self._left -= 1
        admits, refuses, direction = self._halves(change, message)
        because = partial(_is_meant, change)
        witness = self._subsumption.witness(admits, refuses, direction, because)
        if witness is not None:
            return Judged(change, rule, Verdict.BREAKING, witness=witness)
        turned = not _TURNED.isdisjoint(message.new_path)
        if not turned and self._subsumption.included(admits, refuses, direction):
            return Judged(change, _safe(change), Verdict.COMPATIBLE)
        return Judged(change, rule, Verdict.POTENTIAL, _REASONS["written"])

    def _halves(self, change: Change, message: Message) -> tuple[Half, Half, Direction]:
        """Which side may admit what the other refuses: the old one of requests."""
        old = Half(self._old, message.old, message.old_part, message.old_path)
        new = Half(self._new, message.new, message.new_part, message.new_path)
        if change.direction == "request":
            return old, new, Direction.REQUEST
        return new, old, Direction.RESPONSE


def _is_meant(change: Change, rejection: Rejection) -> bool:
    """Whether a value is refused for this difference, not for another one at the same place."""
    name = change.name.rpartition(".")[2]
    if change.subject.endswith("property") and not change.facet and change.action in _OF_OBJECTS:
        if rejection.keyword == "required":
            return bool(rejection.argument == name)
        names = rejection.argument if isinstance(rejection.argument, list) else [name]
        return rejection.keyword.endswith("Properties") and name in names
    keywords = _KEYWORDS.get(change.facet or change.action)
    return keywords is None or rejection.keyword in keywords


_OF_OBJECTS: Final = frozenset(
    (
        *("added", "removed", "became-required", "became-optional"),
        *("became-required-with-default", "undeclared-became-required"),
        "undeclared-became-optional",
    )
)
_KEYWORDS: Final = {
    "type": ("type", "enum", "const", "anyOf", "oneOf"),
    "became-nullable": ("type", "enum", "const", "anyOf", "oneOf"),
    "became-not-nullable": ("type", "enum", "const", "anyOf", "oneOf"),
    "format": ("format", "minimum", "maximum", "type"),
    "enum": ("enum", "const"),
    "became-enum": ("enum", "const"),
    "const": ("enum", "const"),
    "pattern": ("pattern",),
    "min": ("minimum",),
    "max": ("maximum",),
    "exclusive-min": ("exclusiveMinimum",),
    "exclusive-max": ("exclusiveMaximum",),
    "multiple-of": ("multipleOf",),
    "min-length": ("minLength",),
    "max-length": ("maxLength",),
    "min-items": ("minItems",),
    "max-items": ("maxItems",),
    "min-properties": ("minProperties",),
    "max-properties": ("maxProperties",),
}
"""What the validator says of a value that is refused for a difference of this facet."""


def _safe(change: Change) -> str:
    return f"change/{_first(_SAFE, change.kind) or 'relaxation'}"


def _first(rows: tuple[tuple[re.Pattern[str], str], ...], kind: str) -> str:
    return next((rule for pattern, rule in rows if pattern.fullmatch(kind)), "")
