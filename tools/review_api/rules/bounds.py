"""Rules about the size of what clients may send."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...openapi.api import Api
from ...openapi.document import Node
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule
from .authorities import API4

_FIXED_FORMATS = re.compile(
    r"(base64url|binary|byte|date|date-time|duration|(idn-)?(email|hostname)|ipv[46]|time|uuid)$"
)
"""Formats that bound the length by definition, and files, which the size of the body bounds."""


@rule(
    "api/request-string-unbounded",
    Severity.INFO,
    FindingClass.RISK,
    on="value",
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
def request_string_unbounded(schema: Node, api: Api) -> Iterator[Hit]:
    """A string that clients send may have any length.

    It ends in a column, a log line, a search query or a password hash, each with a limit of its
    own: where the description has none, the limit is found by an error 500 or by an attacker.
    Only what clients send is looked at; a string in a response needs no bound.
    """
    bounded = ("maxLength", "enum", "const", "pattern", "contentEncoding", "contentMediaType")
    if (
        _may_be(schema, "string")
        and not _FIXED_FORMATS.match(str(schema.get("format")))
        and _is_open(schema, bounded, api)
    ):
        yield Hit(
            schema.place(),
            f"{_label(schema)} may be a string of any length",
            cause="strings that clients send may have any length",
        )


@rule(
    "api/request-array-unbounded",
    Severity.INFO,
    FindingClass.RISK,
    on="value",
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
def request_array_unbounded(schema: Node, api: Api) -> Iterator[Hit]:
    """An array that clients send may have any number of items.

    What a call costs grows with its items: a query for each, a lock for each, one transaction for
    all. Without a bound in the description, the size of the request body is the only limit, and a
    megabyte holds a hundred thousand ids.
    """
    if _may_be(schema, "array") and _is_open(schema, ("maxItems", "enum", "const"), api):
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


def _may_be(schema: Node, type: str) -> bool:
    named = schema.get("type")
    return named == type or (isinstance(named, list) and type in named)


def _is_open(schema: Node, bounds: tuple[str, ...], api: Api) -> bool:
    """Whether clients send values of the schema, and no keyword of it bounds them."""
    around, step = schema.parent, schema.key[0] if schema.key else ""
    parts = api.parts(around) if step == "allOf" else [around] if step in ("anyOf", "oneOf") else []
    if any(node.get(bound) is not None for node in (schema, *parts) if node for bound in bounds):
        return False
    for node in (schema, *schema.ancestors()):
        if node.kind != "schema":
            break
        if node.get("readOnly") is True or node.key[:1] in (("not",), ("if",)):
            return False
    return api.received(schema)


def _label(schema: Node) -> str:
    """What the value is called: the property, parameter or component it belongs to."""
    for node in (schema, *schema.ancestors()):
        name = node.get("name") if node.kind == "parameter" else None
        if name or node.key[:1] in (("properties",), ("schemas",), ("definitions",)):
            return quoted(name or node.key[-1])
        if node.kind not in ("schema", "items", "media_type"):
            break
    return "a value in the body"
