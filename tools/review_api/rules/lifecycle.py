"""Rules about how things end: what is deprecated, until when, and what comes instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from ...openapi.api import Api, Operation
from ...openapi.document import Node
from ...openapi.kinds import Version
from ...openapi.values import listing, mapping
from ...report import Confidence, FindingClass, Severity, clean, quoted
from ...rule import Hit, Place, rule
from ...source import pointer

_OPERATION = "https://spec.openapis.org/oas/v3.1.1#operation-object"
_DEPRECATION = "https://www.rfc-editor.org/rfc/rfc9745#section-2"
_SUNSET = "https://www.rfc-editor.org/rfc/rfc8594#section-3"


@rule(
    "api/deprecated-in-text-only",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Add `deprecated: true`",
    references=[_OPERATION],
    bad="""
    paths:
      /pets:
        get:
          description: "Deprecated: use GET /animals instead"
          responses: {'200': {description: Pets}, '400': {$ref: '#/components/responses/Problem'}}
    """,
    good="""
    paths:
      /pets:
        get:
          deprecated: true
          description: "Deprecated: use GET /animals instead"
          responses: {'200': {description: Pets}, '400': {$ref: '#/components/responses/Problem'}}
    """,
)
def deprecated_in_text_only(api: Api, _: Api) -> Iterator[Hit]:
    """Something is called deprecated in its text, but not marked so.

    Generated clients warn of what is marked, documentation strikes it through, and tools that
    compare versions allow its removal; a sentence reaches only those who read it. New clients go on
    being built on what is to vanish. Told of operations, parameters and properties.
    """
    for kind, place, value in _described(api):
        text = next((text for text in _texts(value) if _says_deprecated(text)), "")
        if text and value.get("deprecated") is None:
            path = pointer((*place.path, "deprecated"))
            yield Hit(
                place,
                f"the text calls this {kind} deprecated, but it is not marked so",
                cause=f"{kind}s are deprecated in their text only",
                evidence=text.strip()[:200],
                patch=({"op": "add", "path": path, "value": True},),
            )


_SAID = re.compile(
    r"(?:^|[.\n])[\s*_>\[(]*deprecated[*_\])]*\s*(?:$|[:.,;!]|in favou?r|since\b|in v?\d|\u2013|-"
    r"|\]|(?<=[\])*])\s)"
    r"|\bthis (?:endpoint|operation|api|method|call|field|parameter|property) (?:is|has been)"
    r" (?:now )?\**deprecated\b",
    re.I,
)


def _says_deprecated(text: str) -> bool:
    return "eprecated" in text.replace("EPRECATED", "eprecated") and bool(_SAID.search(text))


def _texts(value: dict[str, Any]) -> Iterator[str]:
    texts = (value.get(key) for key in ("summary", "description"))
    return (text for text in texts if isinstance(text, str))


def _described(api: Api) -> Iterator[tuple[str, Place, dict[str, Any]]]:
    """What can be marked as deprecated: its kind, place and object."""
    for operation in api.nodes("operation"):
        yield "operation", operation.place(), mapping(operation.value)
    if api.version is Version.V20:
        return
    for parameter in api.nodes("parameter"):
        yield "parameter", parameter.place(), mapping(parameter.value)
    for name, schemas in api.declaring.items():
        for schema in schemas:
            value = schema.value["properties"][name]
            if type(value) is dict and "description" in value and "$ref" not in value:
                yield "property", schema.place("properties", name), value


@rule(
    "api/deprecated-required",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    fix="Make it optional, so that clients can stop sending it before it goes",
    references=["https://spec.openapis.org/oas/v3.1.1#parameter-object"],
    bad="""
    paths:
      /pets:
        get:
          parameters:
            - name: zoo
              in: query
              required: true
              deprecated: true
              description: Will be removed, all pets are in one zoo
              schema: {type: string, maxLength: 9}
          responses:
            '200': {description: Pets}
            '400': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /pets:
        get:
          parameters:
            - name: zoo
              in: query
              deprecated: true
              description: Will be removed, all pets are in one zoo
              schema: {type: string, maxLength: 9}
          responses:
            '200': {description: Pets}
            '400': {$ref: '#/components/responses/Problem'}
    """,
)
def deprecated_required(api: Api, _: Api) -> Iterator[Hit]:
    """Clients have to send what is deprecated.

    "Deprecated" asks clients to stop sending it, "required" rejects those that do: nobody can move
    before the day it is removed, and then everybody must on that day. Told of parameters, and of
    required properties of request bodies.
    """
    for parameter in api.nodes("parameter"):
        value = mapping(parameter.value)
        live = parameter.get("in") != "path" and not _is_of_deprecated(parameter, api)
        if value.get("deprecated") is True and value.get("required") is True and live:
            name = quoted(value.get("name"))
            message = f"the parameter {name} is deprecated, and required"
            patch = {"op": "remove", "path": pointer(parameter.place("required").path)}
            yield Hit(parameter.place("required"), message, cause=message, patch=(patch,))
    for schema in api.having("required"):
        properties = mapping(schema.get("properties"))
        for name in listing(schema.get("required")):
            found = mapping(properties.get(name)) if isinstance(name, str) else {}
            sent = found.get("deprecated") is True and found.get("readOnly") is not True
            if sent and api.received(schema) and not _is_of_deprecated(schema, api):
                message = f"the property {quoted(name)} is deprecated, and required"
                yield Hit(schema.place("properties", name), message, cause=message)


def _is_of_deprecated(node: Node, api: Api) -> bool:
    """Whether only deprecated operations use it."""
    users = api.operations_using(node.unit)
    return bool(users) and api.once(_live).isdisjoint(users)


def _live(api: Api) -> frozenset[str]:
    marked = (each for each in api.operations if each.node.get("deprecated") is not True)
    return frozenset(clean(str(each), 300) for each in marked)


@rule(
    "api/deprecated-without-successor",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Say what to use instead, or until when it works: in the description, or with `x-sunset`",
    references=[_DEPRECATION, _SUNSET],
    bad="""
    paths:
      /pets:
        get:
          deprecated: true
          description: All pets
          responses: {'200': {description: Pets}, '400': {$ref: '#/components/responses/Problem'}}
    """,
    good="""
    paths:
      /pets:
        get:
          deprecated: true
          description: All pets. Use GET /animals instead, this ends in 2027.
          responses: {'200': {description: Pets}, '400': {$ref: '#/components/responses/Problem'}}
    """,
)
def deprecated_without_successor(api: Api, _: Api) -> Iterator[Hit]:
    """A deprecated operation says neither what replaces it nor until when it works.

    Its users are told to leave, but neither where to nor by when: they stay, and the day of removal
    breaks them. A word on the successor, a link, a date, an extension such as `x-sunset`, or the
    headers `Sunset` (RFC 8594) or `Deprecation` (RFC 9745) all tell.
    """
    marked = [each for each in api.operations if each.node.get("deprecated") is True]
    silent = [each for each in marked if not _tells_the_end(each)]
    for operation in silent:
        yield Hit(
            operation.node.place("deprecated"),
            f"{quoted(operation)} is deprecated, for what and until when is not said",
            cause=f"{len(silent)} of {len(marked)} deprecated operations tell neither their"
            " successor nor their end",
        )


_TELLS = re.compile(
    r"\b(use|using|instead|replace[ds]?|replacement|superseded|successor|favou?r|prefer|migrat\w+"
    r"|moved?|switch|alternatives?|see|refer|sunset\w*|remov(ed?|al)|retire[ds]?|until|after|will"
    r"|no longer|end(s|ed|ing)?|closing|closed|shut\w*|discontinued|visit)\b"
    r"|https?://|\]\(|/v?\d|\b20\d\d\b|`",
    re.I,
)
_ENDS = re.compile(r"sunset|deprecat|removal|removed|replace|successor|end-of-life|eol", re.I)


def _tells_the_end(operation: Operation) -> bool:
    keys = (key for key in mapping(operation.node.value) if str(key).startswith("x-"))
    headers = (
        name for node in operation.responses.values() for name in mapping(node.get("headers"))
    )
    return (
        any(_TELLS.search(text) for text in _texts(mapping(operation.node.value)))
        or any(_ENDS.search(str(name)) for name in (*keys, *headers))
        or "externalDocs" in mapping(operation.node.value)
    )


@rule(
    "api/sunset-invalid",
    Severity.WARNING,
    FindingClass.DEFECT,
    on="api",
    fix="Give the dates as YYYY-MM-DD, the end after the deprecation",
    references=[f"{_DEPRECATION}", "https://www.rfc-editor.org/rfc/rfc9745#section-4", _SUNSET],
    bad="""
    paths:
      /pets:
        get:
          deprecated: true
          x-deprecated-at: '2026-06-01'
          x-sunset: '2026-01-01'
          responses: {'200': {description: Pets}, '400': {$ref: '#/components/responses/Problem'}}
    """,
    good="""
    paths:
      /pets:
        get:
          deprecated: true
          x-deprecated-at: '2026-01-01'
          x-sunset: '2026-06-01'
          responses: {'200': {description: Pets}, '400': {$ref: '#/components/responses/Problem'}}
    """,
)
def sunset_invalid(api: Api, _: Api) -> Iterator[Hit]:
    """The date on which an operation ends is none, or lies before its deprecation.

    Tools that let what is past its sunset be removed cannot read it, or allow the removal before
    users were told: RFC 9745 (section 4) forbids a sunset before the deprecation.
    """
    for node in api.nodes("operation"):
        given = {
            found[1]: str(value)
            for key, value in mapping(node.value).items()
            if (found := _DATED.fullmatch(str(key))) and isinstance(value, str | date)
        }
        dates = {name: _date(text) for name, text in given.items()}
        sunset, deprecation = dates.get("sunset"), dates.get("deprecated")
        if "sunset" in given and sunset is None:
            message = f"{quoted(given['sunset'])} is no date"
            yield Hit(node.place(), f"`x-sunset` {message}", cause=message)
        elif sunset and deprecation and sunset < deprecation:
            message = f"the sunset {sunset} lies before the deprecation {deprecation}"
            yield Hit(node.place(), message, cause=message)


_DATED = re.compile(r"x-(sunset|deprecated)(?:-(?:date|at|on|since))?")


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


@rule(
    "api/sunset-without-deprecation",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    fix="Add `deprecated: true`",
    references=["https://www.rfc-editor.org/rfc/rfc9745#section-4", _OPERATION],
    bad="""
    paths:
      /pets:
        get:
          x-sunset: '2026-06-01'
          responses: {'200': {description: Pets}, '400': {$ref: '#/components/responses/Problem'}}
    """,
    good="""
    paths:
      /pets:
        get:
          deprecated: true
          x-sunset: '2026-06-01'
          responses: {'200': {description: Pets}, '400': {$ref: '#/components/responses/Problem'}}
    """,
)
def sunset_without_deprecation(api: Api, _: Api) -> Iterator[Hit]:
    """An operation has a date on which it ends, but is not marked as deprecated.

    The extension is read by few tools, the mark by all: nobody is warned until the day comes.
    """
    for node in api.nodes("operation"):
        value = mapping(node.value)
        key = next((key for key in value if str(key) in _SUNSETS), None)
        if key and value[key] and value.get("deprecated") is not True:
            message = f"{quoted(key)} is given, but the operation is not marked as deprecated"
            path = pointer(node.place("deprecated").path)
            patch = {"op": "add", "path": path, "value": True}
            yield Hit(node.place(key), message, cause=message, patch=(patch,))


_SUNSETS = {"x-sunset", "x-sunset-date", "x-sunset-at", "x-sunset-on"}


@rule(
    "api/lifecycle-header-malformed",
    Severity.WARNING,
    FindingClass.DEFECT,
    on="response",
    fix="`Sunset` is an HTTP-date (Sat, 31 Dec 2026 23:59:59 GMT), `Deprecation` is @ and seconds",
    references=[_DEPRECATION, _SUNSET],
    bad="""
    paths:
      /pets:
        get:
          deprecated: true
          description: Use GET /animals instead
          responses:
            '200':
              description: Pets
              headers: {Sunset: {schema: {type: string, format: date-time}}}
            '400': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /pets:
        get:
          deprecated: true
          description: Use GET /animals instead
          responses:
            '200':
              description: Pets
              headers:
                Sunset: {schema: {type: string}, example: 'Sat, 31 Dec 2026 23:59:59 GMT'}
                Deprecation: {schema: {type: string}, example: '@1767225600'}
            '400': {$ref: '#/components/responses/Problem'}
    """,
)
def lifecycle_header_malformed(response: Node, api: Api) -> Iterator[Hit]:
    """A `Sunset` or `Deprecation` header is described in a form that its RFC does not have.

    Clients and gateways that read these headers parse what the RFCs say, and ignore the rest: the
    warning is sent and never arrives. `Sunset` is an HTTP-date (RFC 8594), `Deprecation` a date of
    structured fields, `@` and seconds (RFC 9745); `true` and HTTP-dates were in its drafts.
    """
    for name, header in api.description.children(response, "headers"):
        shape = _SHAPES.get(str(name).lower())
        wrong = _misfit(header, shape, api) if shape else ""
        if wrong:
            message = f"the header {quoted(name)} is described as {wrong}"
            yield Hit(header.place(), message, cause=message)


_SHAPES = {
    "sunset": re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} [\d:]{8} GMT"),
    "deprecation": re.compile(r"@-?\d{1,15}"),
}


def _misfit(header: Node, shape: re.Pattern[str], api: Api) -> str:
    """What in the description of a header its form does not allow; empty if nothing."""
    schema = api.schema_of(header)
    types = api.types(schema)
    if types and "string" not in types:
        return quoted("/".join(sorted(types)))
    value = mapping(schema.value if schema else None)
    if value.get("format") in ("date", "date-time"):
        return quoted(value["format"])
    shown = [header.get("example"), value.get("example"), *listing(value.get("examples"))]
    wrong = (each for each in shown if isinstance(each, str) and not shape.fullmatch(each))
    return next((quoted(each) for each in wrong), "")
