"""Rules about schemas: what they allow, forbid, or promise in vain."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from itertools import combinations
from math import ceil, floor, isfinite
from typing import Any

from ...openapi.api import Api, types_of
from ...openapi.document import Node, Unit, pointer
from ...openapi.kinds import Version, name_of
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule

_VALIDATION = "https://json-schema.org/draft/2020-12/json-schema-validation"
_SCHEMA = "https://spec.openapis.org/oas/v3.1.1#schema-object"
_SCHEMA_30 = "https://spec.openapis.org/oas/v3.0.4#schema-object"
_ALL_OF = "https://json-schema.org/draft/2020-12/json-schema-core#section-10.2.1.1"


# Single keywords


@rule(
    "api/schema-bounds-contradictory",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="value",
    fix="Correct the bounds; they may be swapped",
    references=[f"{_VALIDATION}#section-6", _SCHEMA],
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
def schema_bounds_contradictory(schema: Node, api: Api) -> Iterator[Hit]:
    """A lower bound lies above the upper bound, so no value is valid.

    A server that validates rejects every request with such a value, a client that validates rejects
    every response, and generated test data does not exist. Usually the two numbers were swapped, or
    one has a digit too many.
    """
    value = schema.value
    if _LOWER.isdisjoint(value):
        return
    types = types_of(value)
    for kind, low, high in _RANGES:
        least, most = value.get(low), value.get(high)
        if not (_is_number(least) and _is_number(most) and _may_be(kind, types)):
            continue
        strict = _is_strict(value, low) or _is_strict(value, high)
        if kind == "number" and types and "number" not in types:  # nothing between 1.2 and 1.8
            kind = "integer"
            least, most = ceil(least), floor(most)
            most -= _is_strict(value, high) and most == value[high]
            least += _is_strict(value, low) and least == value[low]
            strict = False
        if least > most or (strict and least == most):
            # `exclusiveMinimum: true` (before 3.1) belongs to what it makes strict
            said = [_said(value, low), _said(value, high)]
            message = f"no {kind} satisfies both {said[0]} and {said[1]}"
            yield Hit(schema.place(low), message, cause=message, related=(schema.place(high),))


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


def _is_number(value: Any) -> bool:
    return type(value) is int or (type(value) is float and isfinite(value))


def _is_strict(schema: dict[str, Any], bound: str) -> bool:
    """Whether the bound itself is excluded: `exclusiveMaximum`, as a number or as a switch."""
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
    on="value",
    fix="Use the keyword that limits this type, or correct the type",
    references=["https://json-schema.org/draft/2020-12/json-schema-core#section-7.6.1", _SCHEMA],
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
def schema_keyword_without_effect(schema: Node, api: Api) -> Iterator[Hit]:
    """A keyword limits values of another type than the schema's.

    Validators skip a keyword that does not fit the type: `maxLength` says nothing about a number,
    `minimum` nothing about a string of digits. Whoever wrote it believes in a limit that nobody
    enforces, and what the limit should have kept out comes in.
    """
    value = schema.value
    if _LIMITS.keys().isdisjoint(value) or "type" not in value:
        return
    types = types_of(value)
    if not types or not types <= _TYPES:
        return
    for keyword in value:
        kind = _LIMITS.get(keyword)
        if kind and not _may_be(kind, types) and not _says_nothing(keyword, value[keyword]):
            message = f"`{keyword}` limits {_PLURAL[kind]} only, but the type is {_named(types)}"
            yield Hit(
                schema.place(keyword),
                message,
                cause=message,
                evidence=quoted(f"{keyword}: {_text(value[keyword])}"),
            )


_TYPES = frozenset(("null", "boolean", "integer", "number", "string", "array", "object"))
_LIMITS = {
    keyword: kind
    for kind, keywords in (
        ("string", "minLength maxLength pattern"),
        ("number", "minimum maximum exclusiveMinimum exclusiveMaximum multipleOf"),
        ("array", "items prefixItems minItems maxItems uniqueItems contains"),
        ("object", "properties required patternProperties additionalProperties propertyNames"),
        ("object", "minProperties maxProperties dependentRequired dependentSchemas"),
    )
    for keyword in keywords.split()
}
_PLURAL = {"string": "strings", "number": "numbers", "array": "arrays", "object": "objects"}


def _says_nothing(keyword: str, argument: Any) -> bool:
    """Whether the keyword would not limit even a value of its own type."""
    if keyword == "required":
        return not isinstance(argument, list) or not argument  # 2.0 parameters have a boolean
    if keyword.startswith("min") and keyword != "minimum":
        return argument in (0, None)
    return argument in (None, False, {}) or (argument is True and keyword != "uniqueItems")


def _named(types: Iterable[str]) -> str:
    return " or ".join(f"`{kind}`" for kind in sorted(types))


@rule(
    "api/enum-type-mismatch",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="value",
    fix="Write the values in the declared type, or correct the type",
    references=[f"{_VALIDATION}#section-6.1.2", _SCHEMA],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            status: {type: string, enum: [400, 500]}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            status: {type: string, enum: ['400', '500']}
    """,
)
def enum_type_mismatch(schema: Node, api: Api) -> Iterator[Hit]:
    """An enumerated value is not of the declared type, so nobody can send it.

    Both keywords hold at once: a value that `type` rejects is dead, however plainly `enum` lists
    it. Validators refuse it, and generated code either fails to compile or turns it into another
    value. In YAML a missing pair of quotes is enough: `1.0` is a number, `true` a boolean.
    """
    value = schema.value
    if "enum" not in value and "const" not in value:
        return
    types = types_of(value)
    if not types or not types <= _TYPES:
        return
    listed = value.get("enum") if isinstance(value.get("enum"), list) else []
    wrong = [entry for entry in listed if not _is_of(entry, types, value)]
    if wrong:
        yield _mismatch(schema, "enum", wrong, types, len(listed))
    if "const" in value and api.version.modern and not _is_of(value["const"], types, value):
        yield _mismatch(schema, "const", [value["const"]], types, 1)


def _mismatch(
    schema: Node, keyword: str, wrong: list[Any], types: frozenset[str], total: int
) -> Hit:
    shown = ", ".join(quoted(_text(entry), 40) for entry in wrong[:5])
    kinds = _named({_type_of(entry) for entry in wrong})
    message = f"`{keyword}` lists {shown} of type {kinds}, but the type is {_named(types)}"
    fix = ""
    if wrong == [None]:
        message = f"`{keyword}` lists `null`, but the type is {_named(types)} and not nullable"
        fix = "Make the schema nullable, or take `null` out of the list"
    elif types == {"array"} and isinstance(schema.get("items"), dict):
        fix = f"Move `{keyword}` into `items`: here it lists whole arrays"
    evidence = f"{len(wrong)} of {total} values"
    return Hit(schema.place(keyword), message, cause=message, evidence=evidence, fix=fix)


def _type_of(value: Any) -> str:
    """The type of a value in JSON Schema; `1.0` is an integer."""
    if isinstance(value, float):
        return "integer" if value.is_integer() else "number"
    return _JSON_TYPES.get(type(value), "unknown")


_JSON_TYPES = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    str: "string",
    list: "array",
    dict: "object",
}


def _is_of(value: Any, types: frozenset[str], schema: dict[str, Any]) -> bool:
    kind = _type_of(value)
    if kind == "null" and schema.get("x-nullable") is True:
        return True  # the extension by which 2.0 documents say it
    return kind in types or (kind == "integer" and "number" in types)


@rule(
    "api/default-invalid",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="value",
    fix="Correct the default, or the constraint that rejects it",
    references=[_SCHEMA_30, f"{_VALIDATION}#section-9.2"],
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
def default_invalid(schema: Node, api: Api) -> Iterator[Hit]:
    """A default is rejected by the very schema that it stands in.

    The default says what the server assumes when the value is left out. A client that sends the
    same value explicitly gets an error, generated clients fill it in and fail on every call, and
    frameworks that check defaults do not start. One of the two statements is wrong.
    """
    value = schema.value
    if "default" not in value or ("$ref" in value and not api.version.modern):
        return
    default = value["default"]
    listed = value.get("enum")
    if isinstance(listed, list) and _key(default) in map(_key, listed):
        return  # a wrong type is then the fault of the enum
    for part in api.parts(schema):
        objection = _objection(default, part.value, api.version) if part.get("type", 1) else ""
        if objection:
            message = f"the default {quoted(_text(default), 60)} {objection}"
            related = () if part is schema else (part.place(),)
            yield Hit(schema.place("default"), message, cause=message, related=related)
            return


def _objection(value: Any, schema: Any, version: Version) -> str:
    """What a schema's own keywords have against a value; empty if nothing."""
    if not isinstance(schema, dict):
        return ""
    types, listed = types_of(schema), schema.get("enum")
    if types and types <= _TYPES and not _is_of(value, types, schema):
        nullable = value is None and " and not nullable"
        return f"is of type `{_type_of(value)}`, but the type is {_named(types)}{nullable or ''}"
    if value is None and schema.get("x-nullable") is True:
        return ""
    if isinstance(listed, list) and _key(value) not in map(_key, listed):
        return f"is not in the `enum` of {len(listed)}: {quoted(_text(listed)[1:-1])}"
    if version.modern and "const" in schema and _key(value) != _key(schema["const"]):
        return f"is not the `const` {quoted(_text(schema['const']))}"
    size = value if _is_number(value) else len(value) if isinstance(value, str | list | dict) else 0
    for keyword in _BOUNDS.get(_type_of(value), ()):
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


def _key(value: Any) -> str:
    """The same text for equal JSON values: 1 and 1.0 are equal, 1 and true are not."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, sort_keys=True, default=str)


@rule(
    "api/array-items-missing",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="value",
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
def array_items_missing(schema: Node, api: Api) -> Iterator[Hit]:
    """An array does not say what it holds.

    Up to OpenAPI 3.0 `items` must be present if the type is `array`. Without it, code generators
    stop or produce a list of anything, and nothing that clients put into the array is checked.
    From 3.1 on it may be left out.
    """
    if schema.value.get("type") == "array" and not api.version.modern:
        if not any("items" in part.value for part in api.parts(schema)):
            yield Hit(schema.place("type"), "an array has no `items`", cause=schema.unit.label)


# Several schemas together


@rule(
    "api/schema-allof-contradictory",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="value",
    fix="Correct one of the two, or offer them as alternatives with `oneOf`",
    references=[_ALL_OF, _SCHEMA],
    bad="""
    components:
      schemas:
        Problem:
          allOf:
            - {type: object}
            - {type: array}
    """,
    good="""
    components:
      schemas:
        Problem:
          allOf:
            - {type: object}
            - {properties: {code: {type: string}}}
    """,
)
def schema_allof_contradictory(schema: Node, api: Api) -> Iterator[Hit]:
    """Members of an `allOf` exclude each other, so no value is valid.

    A value must satisfy every member at once. Two types, two constants for the same required
    property, or a member that closes the object against what another requires leave nothing. It
    passes unnoticed as long as nobody validates; code generators pick one member and drop the other.
    """
    value = schema.value
    if "allOf" not in value and ("$ref" not in value or len(value) == 1):
        return
    parts = [part for part in api.parts(schema) if isinstance(part.value, dict)]
    for one, other, message in _conflicts(parts, schema, api):
        members = value.get("allOf") if isinstance(value.get("allOf"), list) else []
        inner = [api.parts(api.description.resolve(member)) for member in members]
        if any(one in known and other in known for known in inner):
            continue  # that member is contradictory in itself, and reported there
        yield Hit(
            schema.place("allOf") if members else schema.place(),
            message,
            cause=f"{schema.unit.label}: {message}",
            related=(one.place(), other.place()),
        )


def _conflicts(parts: list[Node], schema: Node, api: Api) -> Iterator[tuple[Node, Node, str]]:
    """Pairs of parts that no value satisfies together, and why."""

    def says(part: Node, what: str) -> str:
        return f"{_called(part, schema)} {what}"

    found = _exclusive([(part, part) for part in parts])
    if found:
        one, other, first, second = found
        reason = f"no value is valid: {says(one, first)}, {says(other, second)}"
        yield one, other, reason
        return
    required = {
        name: part
        for part in reversed(parts)
        for name in _listing(part.get("required"))
        if isinstance(name, str)
    }
    for name, demanding in required.items():
        for part in parts:
            if _closes(part, name):
                reason = f"{says(demanding, 'requires')} {quoted(name)}, which "
                reason += says(part, "forbids by `additionalProperties: false`")
                yield demanding, part, f"no object is valid: {reason}"
        stated = [
            (part, inner)
            for part in parts
            for inner in api.parts(api.description.child(part, "properties", name))
        ]
        found = _exclusive(stated)
        if found:
            one, other, first, second = found
            reason = f"{says(one, f'has {quoted(name)} that {first}')}, "
            reason += says(other, f"one that {second}")
            yield one, other, f"no object is valid: {reason}, and it is required"


def _exclusive(stated: list[tuple[Node, Node]]) -> tuple[Node, Node, str, str] | None:
    """The first two owners whose schemas share no type or no value, and what each says."""
    limits = [
        (owner, _widened(types_of(node.value)), _values(node))
        for owner, node in stated
        if isinstance(node.value, dict)
    ]
    for (one, types, values), (other, others, alternatives) in combinations(limits, 2):
        if one is other:
            continue
        if types and others and types <= _TYPES and others <= _TYPES and types.isdisjoint(others):
            return one, other, f"is {_named(types - {'integer '})}", f"is {_named(others)}"
        if values is not None and alternatives is not None and values.isdisjoint(alternatives):
            return one, other, f"is one of {_few(values)}", f"is one of {_few(alternatives)}"
    return None


def _widened(types: frozenset[str]) -> frozenset[str]:
    return types | {"integer"} if "number" in types else types


def _values(schema: Node) -> frozenset[str] | None:
    """The values that `enum` and `const` leave; None if there is neither."""
    if "const" in schema.value:
        return frozenset([_key(schema.value["const"])])
    listed = schema.value.get("enum")
    return frozenset(map(_key, listed)) if isinstance(listed, list) else None


def _few(values: frozenset[str]) -> str:
    shown = sorted(values)
    return ", ".join(quoted(text, 30) for text in shown[:4]) + (", …" if len(shown) > 4 else "")


def _closes(part: Node, name: str) -> bool:
    """Whether an object with this property fails this part alone."""
    return (
        part.get("additionalProperties") is False
        and name not in (part.get("properties") or {})
        and not part.get("patternProperties")
    )


def _called(part: Node, schema: Node) -> str:
    if part is schema:
        return "the schema itself"
    if part.parent is not None and part.key[0] in ("schemas", "definitions"):
        return quoted(part.key[-1])
    steps, base = part.path, schema.path
    return quoted(pointer(steps[len(base) :] if steps[: len(base)] == base else steps)[1:])


def _listing(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
