"""A difference in a sentence: what it is about, and what became of it."""

from __future__ import annotations

import json
from typing import Any, Final

from ...openapi.changes.record import Change
from ...report import clean, quoted

MAX_VALUE: Final = 80


def sentence(change: Change) -> str:
    """One sentence without full stop; the operation is told beside it."""
    return f"{_about(change)} {_what(change)}"


def _about(change: Change) -> str:
    subject, name = change.subject.replace("-", " "), change.name
    for word in ("required ", "optional ", "read only ", "write only ", "shared ", " with default"):
        subject = subject.replace(word, "")
    side = {"request": "request ", "response": "response "}.get(change.direction, "")
    if change.area in ("parameter", "header", "operation", "path", "security", "server"):
        side = ""
    if change.area == "parameter":
        side = f"{change.where} "
    if change.facet == "media-type" or not subject:
        return f"{side}media type {quoted(name)}"
    if "status" in subject:
        return f"response {quoted(name)}"
    named = f" {quoted(name)}" if name else ""
    return f"{side}{subject}{named}".strip()


def _what(change: Change) -> str:
    facet, action = change.facet, change.action
    before, after = value(change.before), value(change.after)
    noun = _NOUNS.get(facet, facet.replace("-", " "))
    match action:
        case "increased" | "decreased" | "changed" | "generalized" | "specialized" | "compatible":
            what = f"{noun} " if noun else ""
            return f"{what}went from {before} to {after}"
        case "set" | "unset":
            said = f"has a {noun} now: {after}" if action == "set" else f"has no {noun} any more"
            return said if action == "set" else f"{said} (was {before})"
        case "value-added":
            return f"may be {after}, too"
        case "value-removed":
            return f"may not be {before} any more"
        case "became-enum":
            return f"may only be one of {after}"
        case "added" if facet in ("", "media-type"):
            must = change.direction == "request" and change.subject.startswith("required")
            return "is new and must be sent" if must else "is new"
        case "removed" if facet in ("", "media-type"):
            return "is gone"
        case "removed-deprecated":
            return "is gone; it was deprecated"
        case "removed-before-sunset":
            return f"is gone before its sunset ({before})"
        case "added":
            return f"has {noun} now" + (f": {after}" if change.after is not None else "")
        case "removed":
            return f"has no {noun} any more" + (f" (was {before})" if change.before else "")
    if action.endswith("annotation-only"):
        return f"has another {noun} that says nothing of values"
    words = _ACTIONS.get(action) or action.replace("-", " ")
    if action.startswith("became"):
        noun = facet.replace("-", " ")
    return f"{noun} {words}".strip() if facet else words


def value(said: Any) -> str:
    """A value in a code span; `none` for what is absent."""
    if said is None:
        return "none"
    text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False, default=str)
    return quoted(text, MAX_VALUE)


def payload(said: Any, limit: int = 400) -> str:
    """A witness as JSON, long texts and lists cut."""
    return clean(json.dumps(_cut(said), ensure_ascii=False, default=str), limit)


def _cut(said: Any) -> Any:
    if isinstance(said, str) and len(said) > 60:
        return f"{said[:20]}… ({len(said)} characters)"
    if isinstance(said, list):
        more = [f"… ({len(said)} items)"] if len(said) > 5 else []
        return [*map(_cut, said[: 2 if more else 5]), *more]
    if isinstance(said, dict):
        return {str(key): _cut(inner) for key, inner in said.items()}
    return said


_NOUNS: Final = {
    "min": "minimum",
    "max": "maximum",
    "exclusive-min": "exclusive minimum",
    "exclusive-max": "exclusive maximum",
    "multiple-of": "divisor",
    "min-length": "minimum length",
    "max-length": "maximum length",
    "min-items": "minimum number of items",
    "max-items": "maximum number of items",
    "min-properties": "minimum number of properties",
    "max-properties": "maximum number of properties",
    "all-of": "`allOf`",
    "any-of": "alternative of `anyOf`",
    "one-of": "alternative of `oneOf`",
    "default-value": "default",
    "not": "a `not`",
    "if": "an `if`",
    "then": "a `then`",
    "else": "an `else`",
    "contains": "a `contains`",
    "property-names": "a limit on names",
    "additional-properties": "a limit on other properties",
    "unevaluated-properties": "a limit on other properties",
    "items": "a limit on items",
    "media-type-name": "name",
    "media-type-schema": "schema",
    "oauth-url": "authorization URL",
    "oauth-token-url": "token URL",
    "oauth-scope": "scope",
}
_ACTIONS: Final = {
    "became-required": "must be sent now",
    "became-required-with-default": "must be there now, whatever its default",
    "became-optional": "may be missing now",
    "undeclared-became-required": "must be there now",
    "undeclared-became-optional": "may be missing now",
    "became-nullable": "may be null now",
    "became-not-nullable": "may not be null any more",
    "became-read-only": "is only received now",
    "became-not-read-only": "may be sent now",
    "became-write-only": "is only sent now",
    "became-not-write-only": "is received now",
    "became-unique": "must differ now",
    "became-not-unique": "may repeat now",
    "added-required": "is required now",
    "added-optional": "is new and optional",
    "deprecated": "is deprecated now",
    "deprecated-with-sunset": "is deprecated now, with a sunset",
    "reactivated": "is no longer deprecated",
    "": "is one of several now",
}
