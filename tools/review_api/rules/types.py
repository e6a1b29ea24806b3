"""Rules about `type` and `format`: pairs that mean nothing, names that nobody knows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ...openapi.api import Api
from ...openapi.constraints import ASSERTIONS, Statement
from ...openapi.document import Node
from ...openapi.kinds import Version
from ...openapi.values import in_words, listing, types_of
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule
from ...source import pointer
from .authorities import SCHEMA, VALIDATION

FORMATS = "https://spec.openapis.org/registry/format/"
_TYPES_20 = "https://spec.openapis.org/oas/v2.0#data-types"
_TYPES_30 = "https://spec.openapis.org/oas/v3.0.4#data-types"
_NULLABLE = "https://spec.openapis.org/oas/v3.0.4#schema-nullable"
_MIGRATION = "https://www.openapis.org/blog/2021/02/16/migrating-from-openapi-3-0-to-3-1-0"

_CORE = "https://json-schema.org/draft/2020-12/json-schema-core"

_WHOLE = ("int8", "int16", "int32", "uint8", "uint16", "uint32")
_LONG = ("int64", "uint64", "double-int")
_REAL = ("float", "double")
_TEXT = frozenset(
    (
        *("byte", "binary", "base64url", "char", "commonmark", "html", "media-range", "password"),
        *("date", "date-time", "date-time-local", "time", "time-local", "duration", "http-date"),
        *("email", "idn-email", "hostname", "idn-hostname", "ipv4", "ipv6", "uuid", "regex"),
        *("uri", "uri-reference", "uri-template", "iri", "iri-reference"),
        *("json-pointer", "relative-json-pointer", "sf-binary", "sf-string", "sf-token"),
    )
)
TYPES_OF_FORMAT = (
    dict.fromkeys(_WHOLE, frozenset(("integer",)))
    | dict.fromkeys(_LONG, frozenset(("integer", "string")))
    | dict.fromkeys(_REAL, frozenset(("number",)))
    | dict.fromkeys(_TEXT, frozenset(("string",)))
    | {
        "decimal": frozenset(("number", "string")),
        "decimal128": frozenset(("number", "string")),
        "sf-boolean": frozenset(("string",)),
        "sf-decimal": frozenset(("number",)),
        "sf-integer": frozenset(("integer", "number")),
    }
)
"""Types that a format of the registry (or of JSON Schema) applies to. A 64-bit integer may be a
string, as JSON's numbers are doubles in JavaScript; whole numbers are of type `integer`."""


@rule(
    "api/format-type-mismatch",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    fix="Write the type that the format belongs to, or the format of the type",
    references=[FORMATS, _TYPES_30, f"{VALIDATION}#section-7.1"],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            code: {type: string, format: int32}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            code: {type: integer, format: int32}
    """,
)
def format_type_mismatch(api: Api, _: Api) -> Iterator[Hit]:
    """A format belongs to another type than the schema's.

    Validators ignore a format that does not apply to the type, so nothing is checked, and code
    generators choose one of the two: a string here, a 32-bit integer there. One of the two words
    was copied from another field.
    """
    for schema in api.having("format"):
        format, named = schema.value["format"], schema.value.get("type")
        fitting = TYPES_OF_FORMAT.get(format) if isinstance(format, str) else None
        if fitting is None or named is None or (isinstance(named, str) and named in fitting):
            continue
        types = types_of(schema.value) - {"null"}
        if len(types) != 1 or types & fitting or not types <= _SCALAR:
            continue
        message = f"the format {quoted(format)} belongs to {in_words(fitting)}"
        message += f", but the type is {in_words(types)}"
        related = (schema.place("type"), schema.place())
        yield Hit(schema.place("format"), message, cause=message, related=related)


_SCALAR = frozenset(("boolean", "integer", "number", "string", "array", "object"))


@rule(
    "api/format-misspelt",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    fix="Write the format as the registry does",
    references=[FORMATS, f"{VALIDATION}#section-7.3"],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            occurred: {type: string, format: datetime}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            occurred: {type: string, format: date-time}
    """,
)
def format_misspelt(api: Api, _: Api) -> Iterator[Hit]:
    """A format is spelt unlike the one that everybody knows.

    A format that a tool does not know is ignored without a word: `datetime` is a plain string to
    every validator and code generator, where `date-time` would be checked and become a date.
    """
    for schema in api.having("format"):
        format = schema.value["format"]
        if not isinstance(format, str) or format in TYPES_OF_FORMAT:
            continue
        meant = _MEANT.get(re.sub(r"[\W_]", "", format[:40]).lower())
        types = types_of(schema.value) - {"null"}
        if meant is None or (types and not types & TYPES_OF_FORMAT[meant]):
            continue
        message = f"the format {quoted(format)} is not registered; {quoted(meant)} is"
        path = pointer((*schema.path, "format"))
        patch = ({"op": "replace", "path": path, "value": meant},)
        yield Hit(
            schema.place("format"), message, cause=message, fix=f"Write `{meant}`", patch=patch
        )


_MEANT = {re.sub(r"[\W_]", "", name): name for name in TYPES_OF_FORMAT} | {
    "rfc3339": "date-time",
    "long": "int64",
    "guid": "uuid",
    "url": "uri",
    "mail": "email",
    "emailaddress": "email",
    "regexp": "regex",
}


@rule(
    "api/format-unregistered",
    Severity.INFO,
    FindingClass.STYLE,
    on="api",
    opt_in=True,
    fix="Take a registered format, or say what the values are like by `pattern`",
    references=[FORMATS, _TYPES_30],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            code: {type: string, format: error-code}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            code: {type: string, pattern: '^[a-z]{1,20}$'}
    """,
)
def format_unregistered(api: Api, _: Api) -> Iterator[Hit]:
    """A format is in no registry.

    That is allowed, and no tool checks it: to validators, generators and readers the word means
    nothing unless they were told of it.
    """
    for schema in api.having("format"):
        format = schema.value["format"]
        if isinstance(format, str) and format not in TYPES_OF_FORMAT:
            message = f"the format {quoted(format)} is not registered"
            at = schema.place("format")
            related = (schema.place(), *([schema.place("type")] if "type" in schema.value else []))
            yield Hit(at, message, cause=message, related=related)


@rule(
    "api/nullable-without-effect",
    Severity.WARNING,
    FindingClass.DEFECT,
    on="api",
    fix="Offer null as an alternative",
    references=[_NULLABLE, _MIGRATION],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            detail: {type: string, nullable: true}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            detail: {type: [string, 'null']}
    """,
)
def nullable_without_effect(api: Api, _: Api) -> Iterator[Hit]:
    """`nullable: true` has no effect, so that null is refused.

    In OpenAPI 3.0 it widens the `type` beside it only (version 3.0.3 says so): without one, what
    stands in `allOf` or behind a reference refuses null all the same. Version 3.1 has no `nullable`
    at all; null is one of the types there. Whoever reads the description expects null, whoever
    validates rejects it.
    """
    if api.version is Version.V20:
        return
    for schema in api.having("nullable"):
        if schema.value["nullable"] is not True or "$ref" in schema.value:
            continue  # beside a reference it is ignored, which another rule says
        if not api.version.modern and "type" in schema.value:
            continue
        if schema.value.get("type") and "null" not in listing(schema.value["type"]):
            refusal: Statement | None = Statement(schema, "type")  # in 3.1
        else:
            refusal = api.satisfiability.refused(None, schema)
        if refusal is None:
            continue
        at = refusal.node.place(*([refusal.keyword] if refusal.keyword else []))
        why = "without a `type` beside it" if not api.version.modern else "which 3.1 does not know"
        yield Hit(
            schema.place("nullable"),
            f"`nullable: true`, {why}, does not admit null",
            cause=f"`nullable: true`, {why}, does not admit null",
            evidence=f"null is refused by {quoted(pointer(at.path), 120)}",
            patch=_with_null(schema) if api.version.modern else (),
            related=(at,),
        )


def _with_null(schema: Node) -> tuple[dict[str, Any], ...]:
    """The patch that says it in the words of 3.1, where the type is one."""
    named, listed = schema.value.get("type"), schema.value.get("enum")
    if not isinstance(named, str) or "const" in schema.value:
        return ()
    path = pointer(schema.path)
    patch: list[dict[str, Any]] = [{"op": "remove", "path": f"{path}/nullable"}]
    patch.append({"op": "replace", "path": f"{path}/type", "value": [named, "null"]})
    if isinstance(listed, list) and None not in listed:
        patch.append({"op": "add", "path": f"{path}/enum/-", "value": None})
    return tuple(patch)


@rule(
    "api/keyword-without-partner",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    fix="Add the keyword it belongs to, or remove it",
    references=[
        "https://json-schema.org/draft/2020-12/json-schema-core#section-10.2.2",
        VALIDATION,
    ],
    bad="""
    components:
      schemas:
        Problem:
          then: {required: [type]}
    """,
    good="""
    components:
      schemas:
        Problem:
          if: {properties: {status: {const: 500}}}
          then: {required: [type]}
    """,
)
def keyword_without_partner(api: Api, _: Api) -> Iterator[Hit]:
    """A keyword is ignored because the one that it belongs to is missing.

    `then` and `else` say nothing without `if`, `minContains` nothing without `contains`, and the
    switches `exclusiveMinimum` and `exclusiveMaximum` of OpenAPI 3.0 nothing without the bound that
    they sharpen. The condition or the limit was meant and is not in force.
    """
    partners = _PARTNERS if api.version.modern else _SWITCHES
    for schema in api.having(*partners):
        for keyword, wanted in partners.items():
            if keyword not in schema.value or any(name in schema.value for name in wanted):
                continue
            if schema.value[keyword] is False or "$ref" in schema.value:
                continue
            message = f"`{keyword}` has no effect without `{'` or `'.join(wanted)}`"
            yield Hit(schema.place(keyword), message, cause=message)


_PARTNERS = {
    "if": ("then", "else"),
    "then": ("if",),
    "else": ("if",),
    "minContains": ("contains",),
    "maxContains": ("contains",),
    "contentSchema": ("contentMediaType",),
    "additionalItems": ("items",),
}
_SWITCHES = {"exclusiveMinimum": ("minimum",), "exclusiveMaximum": ("maximum",)}


@rule(
    "api/schema-type-missing",
    Severity.INFO,
    FindingClass.STYLE,
    on="api",
    opt_in=True,
    fix="Add `type`",
    references=[SCHEMA, f"{VALIDATION}#section-6.1.1"],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            cause: {properties: {code: {type: string}}}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            cause: {type: object, properties: {code: {type: string}}}
    """,
)
def schema_type_missing(api: Api, _: Api) -> Iterator[Hit]:
    """A schema limits its values but does not say of which type they are.

    `properties` without `type: object` admits every string and number, for keywords limit values of
    their own type only. Validators let all of these through, and code generators guess.
    """
    for schema in api.having(*_TYPED):
        value = schema.value
        if "type" in value or not _OTHERWISE.isdisjoint(value):
            continue
        if _gets_type(schema):
            continue
        keyword = min(keyword for keyword in value if keyword in _TYPED)
        about = "`items` with" if schema.key[:1] == ("items",) else "a schema with"
        message = f"{about} `{keyword}` and without `type`"
        yield Hit(schema.place(), message, cause=message, related=(schema.place(keyword),))
    for schema in api.having("items"):
        items = schema.value["items"]
        if isinstance(items, dict) and _SAYING_KIND.isdisjoint(items):
            message = "`items` without `type`"
            yield Hit(schema.place("items"), message, cause=message)


def _gets_type(schema: Node) -> bool:
    """Whether a schema is a part of one that says more of the same value."""
    node: Node | None = schema
    while node is not None and node.parent is not None and node.key[:1] in _PARTS:
        if node.key[0] == "allOf" or not _SAYING_TYPE.isdisjoint(node.parent.value):
            return True
        node = node.parent
    return False


_PARTS = frozenset((key,) for key in ("allOf", "anyOf", "oneOf", "not", "if", "then", "else"))
_SAYING_TYPE = frozenset(("type", "$ref", "allOf"))
_OTHERWISE = frozenset(
    ("$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "not", "enum", "const", "if")
)
_SAYING_KIND = ASSERTIONS | {"format", "$ref"}
_TYPED = (ASSERTIONS | {"format"}) - _OTHERWISE - {"type"}


@rule(
    "api/schema-empty",
    Severity.INFO,
    FindingClass.STYLE,
    on="api",
    opt_in=True,
    fix="Say what the values are like",
    references=[SCHEMA],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            cause: {}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            cause: {type: string}
    """,
)
def schema_empty(api: Api, _: Api) -> Iterator[Hit]:
    """A schema says nothing at all.

    Every value satisfies it: clients do not know what to send or to expect, and generated code has
    a field of any type. Where anything is truly allowed, a description should say so.
    """
    for schema in api.nodes("schema"):
        if schema.value == {} and schema.key[:1] not in _FREE:
            yield Hit(schema.place(), "an empty schema says nothing of its values")


_FREE: tuple[tuple[Any, ...], ...] = (
    ("additionalProperties",),
    ("unevaluatedProperties",),
    ("not",),
)


@rule(
    "api/several-types",
    Severity.INFO,
    FindingClass.STYLE,
    on="api",
    opt_in=True,
    fix="Give each type a schema of its own, or take one type",
    references=[f"{VALIDATION}#section-6.1.1", SCHEMA],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            code: {type: [string, integer]}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            code: {type: [string, 'null']}
    """,
)
def several_types(api: Api, _: Api) -> Iterator[Hit]:
    """A value may be of several types, null aside.

    Languages with static types have no such field: generated code falls back to a type without any
    checks, and each reader has to ask which one he got.
    """
    for schema in api.having("type") if api.version.modern else ():
        types = types_of(schema.value) - {"null"}
        if len(types) > 1:
            message = f"the type is {in_words(types)}"
            yield Hit(schema.place("type"), message, cause="a value of several types")
