"""Rules about schemas: what they allow, forbid, or promise in vain."""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import ceil, floor, isfinite
from typing import Any

from ...openapi.api import Api
from ...openapi.document import Node
from ...openapi.translation import Direction
from ...openapi.values import in_words, key_of, listing, type_of, types_of
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule
from ...source import pointer
from .authorities import SCHEMA, VALIDATION
from .objections import objection

_SCHEMA_30 = "https://spec.openapis.org/oas/v3.0.4#schema-object"


# Single keywords


@rule(
    "api/schema-bounds-contradictory",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Correct the bounds; they may be swapped",
    references=[f"{VALIDATION}#section-6", SCHEMA],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            title: {type: string, minLength: 80, maxLength: 8}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            title: {type: string, minLength: 8, maxLength: 80}
    """,
)
def schema_bounds_contradictory(api: Api, _: Api) -> Iterator[Hit]:
    """A lower bound lies above the upper bound, so no value is valid.

    A server that validates rejects every request with such a value, a client that validates rejects
    every response, and generated test data does not exist. Usually the two numbers were swapped, or
    one has a digit too many.
    """
    for schema in api.having(*_LOWER):
        for noun, low, high in _contradictions(schema.value):
            bounds = f"{_said(schema.value, low)} and {_said(schema.value, high)}"
            message = f"no {noun} satisfies both {bounds}"
            also = (schema.place(high),)
            yield Hit(schema.place(low), message, cause=message, evidence=bounds, related=also)


def _contradictions(schema: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Which kind of value cannot exist, and the bounds that see to it."""
    types = types_of(schema)
    for kind, low, high in _RANGES:
        if not (_is_number(schema.get(low)) and _is_number(schema.get(high))):
            continue
        if not _may_be(kind, types) or (low == "minContains" and "contains" not in schema):
            continue  # without effect, which is another rule's business
        noun = "integer" if kind == "number" and types and "number" not in types else kind
        if _leaves_nothing(schema, low, high, noun != "number"):
            yield noun, low, high


_RANGES = (
    ("number", "minimum", "maximum"),
    ("number", "exclusiveMinimum", "maximum"),
    ("number", "minimum", "exclusiveMaximum"),
    ("number", "exclusiveMinimum", "exclusiveMaximum"),
    ("string", "minLength", "maxLength"),
    ("array", "minItems", "maxItems"),
    ("array", "minContains", "maxContains"),
    ("object", "minProperties", "maxProperties"),
)
_LOWER = frozenset(low for _, low, _ in _RANGES)


def _leaves_nothing(schema: dict[str, Any], low: str, high: str, whole: bool) -> bool:
    least, most = schema[low], schema[high]
    above, below = _is_strict(schema, low), _is_strict(schema, high)
    if whole:  # no integer lies between 1.2 and 1.8
        least = floor(least) + 1 if above else ceil(least)
        most = ceil(most) - 1 if below else floor(most)
        return bool(least > most)
    return bool(least > most or (least == most and (above or below)))


def _is_number(value: Any) -> bool:
    return type(value) is int or (type(value) is float and isfinite(value))


def _is_strict(schema: dict[str, Any], bound: str) -> bool:
    """Whether the bound itself is excluded: by its name, or by a switch beside it (before 3.1)."""
    return bound.startswith("exclusive") or schema.get(_switch(bound)) is True


def _switch(bound: str) -> str:
    return "exclusive" + bound[:1].upper() + bound[1:]


def _said(schema: dict[str, Any], keyword: str) -> str:
    also = f", {_switch(keyword)}: true" if schema.get(_switch(keyword)) is True else ""
    return quoted(f"{keyword}: {_text(schema[keyword])}{also}")


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _may_be(kind: str, types: frozenset[str]) -> bool:
    """Whether a value of one of the types (of any, if there are none) can be of this kind."""
    return not types or kind in types or (kind == "number" and "integer" in types)


@rule(
    "api/schema-keyword-without-effect",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    fix="Use the keyword that limits this type, or correct the type",
    references=["https://json-schema.org/draft/2020-12/json-schema-core#section-7.6.1", SCHEMA],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            status: {type: integer, maxLength: 3}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            status: {type: integer, maximum: 599}
    """,
)
def schema_keyword_without_effect(api: Api, _: Api) -> Iterator[Hit]:
    """A keyword limits values of another type than the schema's.

    Validators skip a keyword that does not fit the type: `maxLength` says nothing about a number,
    `minimum` nothing about a string of digits. Whoever wrote it believes in a limit that nobody
    enforces, and what the limit should have kept out comes in.
    """
    for schema in api.having(*_LIMITS):
        types = types_of(schema.value)
        if not types or not types <= _TYPES:
            continue
        for keyword, argument in schema.value.items():
            kind = _LIMITS.get(keyword)
            if kind and not _may_be(kind, types) and not _says_nothing(keyword, argument):
                message = f"`{keyword}` applies to {kind}s only, but the type is {in_words(types)}"
                evidence = quoted(f"{keyword}: {_text(argument)}")
                yield Hit(schema.place(keyword), message, cause=message, evidence=evidence)


_TYPES = frozenset(("null", "boolean", "integer", "number", "string", "array", "object"))
_LIMITS = {
    keyword: kind
    for kind, keywords in (
        ("string", "minLength maxLength pattern"),
        ("number", "minimum maximum exclusiveMinimum exclusiveMaximum multipleOf"),
        ("array", "items prefixItems minItems maxItems contains"),
        ("object", "properties required patternProperties additionalProperties propertyNames"),
        ("object", "minProperties maxProperties dependentRequired dependentSchemas"),
    )
    for keyword in keywords.split()
}


def _says_nothing(keyword: str, argument: Any) -> bool:
    """Whether the keyword would not limit even a value of its own type."""
    if keyword == "required":
        return not isinstance(argument, list) or not argument  # 2.0 parameters have a boolean
    if isinstance(argument, bool):
        return argument is (keyword not in _SWITCHES)  # `items: true` allows everything
    return argument is None or argument == {} or (argument == 0 and keyword in _COUNTS)


_SWITCHES = ("exclusiveMinimum", "exclusiveMaximum")
_COUNTS = ("minLength", "minItems", "minProperties")


@rule(
    "api/enum-type-mismatch",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Write the values in the declared type, or correct the type",
    references=[f"{VALIDATION}#section-6.1.2", SCHEMA],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            kind: {type: string, enum: [400, 500]}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            kind: {type: string, enum: ['400', '500']}
    """,
)
def enum_type_mismatch(api: Api, _: Api) -> Iterator[Hit]:
    """An enumerated value is not of the declared type, so nobody can send it.

    Both keywords hold at once: a value that `type` rejects is dead, however plainly `enum` lists
    it. Validators refuse it, and generated code either fails to compile or turns it into another
    value. In YAML a missing pair of quotes is enough: `1.0` is a number, `true` a boolean.
    """
    for schema in api.having("enum", "const"):
        value, types = schema.value, types_of(schema.value)
        if not types or not types <= _TYPES:
            continue
        listed = listing(value.get("enum"))
        wrong = [entry for entry in listed if not _is_of(entry, types, value)]
        if wrong:
            yield _mismatch(schema, "enum", wrong, types, len(listed))
        if "const" in value and api.version.modern and not _is_of(value["const"], types, value):
            yield _mismatch(schema, "const", [value["const"]], types, 1)


def _mismatch(
    schema: Node, keyword: str, wrong: list[Any], types: frozenset[str], total: int
) -> Hit:
    shown = ", ".join(quoted(_text(entry), 40) for entry in wrong[:5])
    kinds = in_words({type_of(entry) for entry in wrong})
    verb = "lists" if keyword == "enum" else "is"
    message = f"`{keyword}` {verb} {shown} of type {kinds}, but the type is {in_words(types)}"
    fix = ""
    if wrong == [None]:
        message = f"`{keyword}` {verb} `null`, but the type is {in_words(types)} and not nullable"
        fix = "Make the schema nullable, or take `null` out of the list"
    elif types == {"array"} and isinstance(schema.get("items"), dict):
        fix = f"Move `{keyword}` into `items`: here it lists whole arrays"
    evidence = f"{len(wrong)} of {total} values"
    return Hit(schema.place(keyword), message, cause=message, evidence=evidence, fix=fix)


def _is_of(value: Any, types: frozenset[str], schema: dict[str, Any]) -> bool:
    kind = type_of(value)
    if kind == "null" and schema.get("x-nullable") is True:
        return True  # the extension by which 2.0 documents say it
    return kind in types or (kind == "integer" and "number" in types)


@rule(
    "api/default-invalid",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Correct the default, or the constraint that rejects it",
    references=[_SCHEMA_30, f"{VALIDATION}#section-9.2"],
    bad="""
    paths:
      /pets:
        get:
          parameters:
            - {name: sort, in: query, schema: {type: string, enum: [name, age], default: size}}
    """,
    good="""
    paths:
      /pets:
        get:
          parameters:
            - {name: sort, in: query, schema: {type: string, enum: [name, age], default: name}}
    """,
)
def default_invalid(api: Api, _: Api) -> Iterator[Hit]:
    """A default is rejected by the very schema that it stands in.

    The default says what the server assumes when the value is left out. A client that sends the
    same value explicitly gets an error, generated clients fill it in and fail on every call, and
    frameworks that check defaults do not start. One of the two statements is wrong.
    """
    for schema in api.having("default"):
        default, listed = schema.value["default"], listing(schema.get("enum"))
        if default is None and True in (schema.get("nullable"), schema.get("x-nullable")):
            continue  # meant, even where the type that it belongs to stands behind a reference
        if key_of(default) in map(key_of, listed):
            continue  # a wrong type is then the fault of the enum
        rejected = _rejected(default, schema, api)
        if rejected and all(_rejected(default, other, api) for other in _alternatives(schema, api)):
            part, objection = rejected
            message = f"the default {quoted(_text(default), 60)} {objection}"
            related = () if part is schema else (part.place(),)
            yield Hit(schema.place("default"), message, cause=message, related=related)
        elif not rejected and default and isinstance(default, dict | list):
            yield from _rejected_within(default, schema, api)


def _rejected_within(default: Any, schema: Node, api: Api) -> Iterator[Hit]:
    """What is wrong inside of a list or an object. An empty one may be filled with defaults."""
    way, asked = Direction.BOTH, api.validation
    if any(asked.admits(other, default, way) for other in _alternatives(schema, api)):
        return
    for found in asked.rejections(schema, default, way)[:3]:
        inside = f"{quoted(pointer(found.path))} of " if found.path else ""
        message = f"{inside}the default {objection(found)}"
        related = (found.schema.place(),) if found.schema and found.schema is not schema else ()
        yield Hit(schema.place("default", *found.path), message, cause=message, related=related)


def _alternatives(schema: Node, api: Api) -> Iterator[Node]:
    """The other members, if the schema is one of an `anyOf` or `oneOf`."""
    if schema.parent is not None and schema.key[0] in ("anyOf", "oneOf"):
        for member in listing(schema.parent.get(str(schema.key[0]))):
            found = api.description.resolve(member)
            if found is not None and found is not schema:
                yield found


def _rejected(value: Any, schema: Node, api: Api) -> tuple[Node, str] | None:
    """The part of a schema that has something against a value, and what."""
    for part in api.parts(schema):
        objection = _objection(value, part.value, api.version.modern)
        if objection:
            return part, objection
    return None


def _objection(value: Any, schema: Any, modern: bool) -> str:
    """What a schema's own keywords have against a value; empty if nothing."""
    if not isinstance(schema, dict):
        return ""
    types, listed = types_of(schema), schema.get("enum")
    if types and types <= _TYPES and not _is_of(value, types, schema):
        if value is None:
            return f"needs a nullable schema, and the type is {in_words(types)}"
        return f"is of type `{type_of(value)}`, but the type is {in_words(types)}"
    if isinstance(listed, list) and key_of(value) not in map(key_of, listed):
        return f"is not in the `enum` of {len(listed)}: {quoted(_text(listed)[1:-1])}"
    if modern and "const" in schema and key_of(value) != key_of(schema["const"]):
        return f"is not the `const` {quoted(_text(schema['const']))}"
    size: Any = len(value) if isinstance(value, str | list | dict) else value
    for keyword in _BOUNDS.get(type_of(value), ()):
        limit = schema.get(keyword)
        if _is_number(limit):
            room = limit - size if "max" in keyword.lower() else size - limit
            if room < 0 or (room == 0 and _is_strict(schema, keyword)):
                return f"is outside {_said(schema, keyword)}"
    return ""


_NUMERIC = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_BOUNDS = {
    "integer": _NUMERIC,
    "number": _NUMERIC,
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
}


@rule(
    "api/array-items-missing",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Add `items` with the schema of one element",
    references=[_SCHEMA_30, "https://spec.openapis.org/oas/v2.0#parameter-object"],
    bad="""
    swagger: '2.0'
    definitions:
      Problem:
        properties:
          title: {type: array}
    """,
    good="""
    swagger: '2.0'
    definitions:
      Problem:
        properties:
          title: {type: array, items: {type: string}}
    """,
)
def array_items_missing(api: Api, _: Api) -> Iterator[Hit]:
    """An array does not say what it holds.

    Up to OpenAPI 3.0 `items` must be present if the type is `array`. Without it, code generators
    stop or produce a list of anything, and nothing that clients put into the array is checked.
    From 3.1 on it may be left out.
    """
    for schema in api.having("type") if not api.version.modern else ():
        if schema.value["type"] != "array" or "items" in schema.value:
            continue
        if not any(part.get("items") is not None for part in api.parts(schema)):
            yield Hit(schema.place("type"), "an array does not say what its `items` are")


# Several schemas together
