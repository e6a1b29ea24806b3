"""Rules about the size of what clients may send."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from ...openapi.api import Api
from ...openapi.document import Node
from ...openapi.values import listing, types_of
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule
from .authorities import API3, API4

_INPUT = "https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html"
_SIZED_FORMATS = re.compile(
    r"(base64url|binary|byte|date|date-time|duration|(idn-)?(email|hostname)|ipv[46]|time|uuid)$"
)
"""Formats that bound the length by definition, and files, which the size of the body bounds."""


@rule(
    "api/request-string-unbounded",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    opt_in=True,
    fix="Set `maxLength`, or say what is allowed with `enum`, `pattern` or `format`",
    references=[*API4, "CWE-770"],
    bad="""
    paths:
      /pets:
        delete:
          parameters:
            - {name: reason, in: query, schema: {type: string}}
    """,
    good="""
    paths:
      /pets:
        delete:
          parameters:
            - {name: reason, in: query, schema: {type: string, maxLength: 200}}
    """,
)
def request_string_unbounded(api: Api, _: Api) -> Iterator[Hit]:
    """A string that clients send may have any length.

    It ends in a column, a log line, a search query or a password hash, each with a limit of its
    own: where the description has none, the limit is found by an error 500 or by an attacker.
    Only what clients send is looked at; a string in a response needs no bound.
    """
    bounds = ("maxLength", "enum", "const", "pattern", "contentEncoding", "contentMediaType")
    for schema in _sent(api, "string", bounds):
        if not _SIZED_FORMATS.match(str(schema.get("format"))):
            yield Hit(
                schema.place(),
                f"{_label(schema)} may be a string of any length",
                cause="strings that clients send may have any length",
            )


@rule(
    "api/request-number-unbounded",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    opt_in=True,
    fix="Set `minimum` and `maximum` to what makes sense, and enforce them on the server",
    references=[*API4, "CWE-1284"],
    bad="""
    paths:
      /pets:
        delete:
          parameters:
            - {name: age, in: query, schema: {type: integer, minimum: 0}}
    """,
    good="""
    paths:
      /pets:
        delete:
          parameters:
            - {name: age, in: query, schema: {type: integer, minimum: 0, maximum: 99}}
    """,
)
def request_number_unbounded(api: Api, _: Api) -> Iterator[Hit]:
    """A number that clients send may be of any size, or below zero.

    A quantity of -3 pays the customer, one of 10^15 overflows the total, a retention of 10^9 days
    keeps data for ever. A format such as `int32` says what fits the type, not what makes sense.
    """
    for schema in _sent(api, "number", ("enum", "const")):
        bounds = {key for part in _around(schema, api) for key in part.value}
        missing = [
            end
            for end, others in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum"))
            if bounds.isdisjoint((end, others))
        ]
        if missing:
            yield Hit(
                schema.place(),
                f"{_label(schema)} has no {' and no '.join(map(quoted, missing))}",
                cause="numbers that clients send are not bounded on both sides",
            )


@rule(
    "api/request-object-open",
    Severity.INFO,
    FindingClass.STYLE,
    on="api",
    opt_in=True,
    fix="Set `additionalProperties` to `false` (`unevaluatedProperties` where it is composed)",
    references=[_INPUT, "CWE-915", *API3],
    bad="""
    paths:
      /pets/first:
        patch:
          requestBody:
            content:
              application/merge-patch+json:
                schema: {type: object, properties: {age: {type: integer}}}
    """,
    good="""
    paths:
      /pets/first:
        patch:
          requestBody:
            content:
              application/merge-patch+json:
                schema:
                  type: object
                  properties: {age: {type: integer}}
                  additionalProperties: false
    """,
)
def request_object_open(api: Api, _: Api) -> Iterator[Hit]:
    """An object that clients send may have properties that nobody declared.

    A misspelt property is ignored without an error, and a server that binds whatever comes stores
    what clients must not set. Servers that ignore unknown properties let clients be newer than they
    are, which is why this is for APIs that choose to be strict.
    """
    included = {
        api.description.resolve(member)
        for keyword in ("allOf", "if", "then", "else")
        for schema in api.having(keyword)
        for member in (listing(schema.get(keyword)) or [schema.get(keyword)])
    }
    for schema in _sent(api, "object", ()):
        closing = {
            key: part.get(key)
            for part in (*_around(schema, api), *api.parts(schema))
            for key in ("additionalProperties", "unevaluatedProperties")
            if part.get(key) not in (None, True)
        }
        if schema.get("properties") and schema not in included and not closing:
            yield Hit(
                schema.place(),
                f"{_label(schema)} may have properties that are not declared",
                cause="objects that clients send may have properties that are not declared",
            )


@rule(
    "api/request-array-unbounded",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    opt_in=True,
    fix="Set `maxItems`, and enforce it on the server",
    references=[*API4, "CWE-770"],
    bad="""
    paths:
      /pets:
        delete:
          parameters:
            - {name: ids, in: query, schema: {type: array, items: {type: integer}}}
    """,
    good="""
    paths:
      /pets:
        delete:
          parameters:
            - {name: ids, in: query, schema: {type: array, maxItems: 100, items: {type: integer}}}
    """,
)
def request_array_unbounded(api: Api, _: Api) -> Iterator[Hit]:
    """An array that clients send may have any number of items.

    What a call costs grows with its items: a query for each, a lock for each, one transaction for
    all. Without a bound in the description, the size of the request body is the only limit, and a
    megabyte holds a hundred thousand ids.
    """
    for schema in _sent(api, "array", ("maxItems", "enum", "const")):
        items = api.description.child(schema, "items")
        distinct = (
            schema.get("uniqueItems") is True and items is not None and bool(items.get("enum"))
        )
        closed = schema.get("prefixItems") and schema.get("items") is False
        if not distinct and not closed:
            yield Hit(
                schema.place(),
                f"{_label(schema)} may be an array of any length",
                cause="arrays that clients send may have any length",
            )


def _sent(api: Api, type: str, bounds: tuple[str, ...]) -> Iterator[Node]:
    """The values of a type that clients send, and no keyword bounds."""
    for schema in api.once(_sent_by_type)[type]:
        if not any(
            part.get(bound) is not None for part in _around(schema, api) for bound in bounds
        ):
            yield schema


def _sent_by_type(api: Api) -> dict[str, list[Node]]:
    """The values that clients send by the types they name; integers are numbers."""
    found: dict[str, list[Node]] = defaultdict(list)
    for schema in api.having("type"):
        named = schema.value["type"]
        types = {named} if isinstance(named, str) else types_of(schema.value)
        if api.received(schema) and _is_sent(schema):
            for type in {"number" if type == "integer" else type for type in types}:
                found[type].append(schema)
    return found


def _is_sent(schema: Node) -> bool:
    for node in (schema, *schema.ancestors()):
        if node.kind != "schema":
            break
        if node.get("readOnly") is True or node.key[:1] in (("not",), ("if",)):
            return False
    return True


def _around(schema: Node, api: Api) -> list[Node]:
    """The schema, and those around it that hold of the same value."""
    around, step = schema.parent, schema.key[0] if schema.key else ""
    if step == "allOf":
        return [schema, *api.parts(around)]
    return [schema, around] if around and step in ("anyOf", "oneOf") else [schema]


def _label(schema: Node) -> str:
    """What the value is called: the property, parameter or component it belongs to."""
    for node in (schema, *schema.ancestors()):
        name = node.get("name") if node.kind == "parameter" else None
        if name or node.key[:1] in (("properties",), ("schemas",), ("definitions",)):
            return quoted(name or node.key[-1])
        if node.kind not in ("schema", "items", "media_type"):
            break
    return "a value in the body"
