"""What single keywords of schemas demand, in terms that can be compared across schemas.

JSON Schema Validation 2020-12, section 6; before OpenAPI 3.1 `exclusiveMinimum` and
`exclusiveMaximum` are switches beside the bounds (JSON Schema draft 4, section 5.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from functools import reduce
from math import ceil, floor, gcd, isfinite, lcm
from typing import Any, NamedTuple

from ..matching import Chars, Edge, Either, NotUnderstood, Repeat, Sequence, matches, parsed
from ..matching import Node as Expression
from .document import Node
from .values import key_of, listing, mapping, type_of

KINDS = frozenset(("null", "boolean", "integer", "fraction", "string", "array", "object"))
"""Kinds of values that exclude each other; a number is an integer or a fraction."""

MAX_TEXT = 200  # characters of strings and patterns that are matched


class Statement(NamedTuple):
    """One keyword of a schema; for a schema that is `false`, no keyword."""

    node: Node
    keyword: str

    @property
    def argument(self) -> Any:
        """What stands beside the keyword."""
        return self.node.get(self.keyword)


class Bound(NamedTuple):
    """A limit, whether it excludes itself, and who states it."""

    limit: Fraction
    strict: bool
    said: Statement


def kinds_of(schema: dict[str, Any]) -> frozenset[str] | None:
    """The kinds of values that `type` admits; None if it says nothing that is understood."""
    named = schema.get("type")
    types = {named} if isinstance(named, str) else set(map(str, listing(named)))
    if not types or not types <= KINDS - {"fraction"} | {"number"}:
        return None
    if "number" in types:
        types = types - {"number"} | {"integer", "fraction"}
    if schema.get("nullable") is True or schema.get("x-nullable") is True:
        types = types | {"null"}
    return frozenset(types)


def kind_of(value: Any) -> str:
    """The kind of a value; `1.0` is an integer."""
    kind = type_of(value)
    return "fraction" if kind == "number" else kind


def is_number(value: Any) -> bool:
    """Whether a value is a number with which one can reckon."""
    return type(value) is int or (type(value) is float and isfinite(value))


def exact(value: float) -> Fraction:
    """A number as it is written: 0.1 is a tenth."""
    return Fraction(value) if type(value) is int else Fraction(repr(value))


def switch_of(bound: str) -> str:
    """The switch that makes `minimum` or `maximum` strict before 3.1."""
    return "exclusive" + bound[:1].upper() + bound[1:]


def is_strict(schema: dict[str, Any], bound: str) -> bool:
    """Whether the bound itself is excluded: by its name, or by a switch beside it (before 3.1)."""
    return bound.startswith("exclusive") or schema.get(switch_of(bound)) is True


def bounds(nodes: list[Node], *keywords: str) -> Iterator[Bound]:
    """The numeric limits that the schemas state by these keywords."""
    for node in nodes:
        for keyword in keywords:
            limit = node.value.get(keyword)
            if is_number(limit):
                strict = is_strict(node.value, keyword)
                yield Bound(exact(limit), strict, Statement(node, keyword))


def highest(lower: list[Bound]) -> Bound | None:
    """The lower bound that decides."""
    return max(lower, key=lambda bound: (bound.limit, bound.strict), default=None)


def lowest(upper: list[Bound]) -> Bound | None:
    """The upper bound that decides."""
    return min(upper, key=lambda bound: (bound.limit, not bound.strict), default=None)


def step_of(multiples: list[Bound], whole: bool) -> Fraction | None:
    """The number whose multiples are exactly the values left; None if all are."""
    steps = [bound.limit for bound in multiples if bound.limit > 0] + [Fraction(1)] * whole
    return reduce(_common_multiple, steps) if steps else None


def _common_multiple(one: Fraction, other: Fraction) -> Fraction:
    return Fraction(lcm(one.numerator, other.numerator), gcd(one.denominator, other.denominator))


def leaves_number(low: Bound | None, high: Bound | None, step: Fraction | None) -> bool:
    """Whether a number lies between the bounds, and is a multiple of the step."""
    if low is None or high is None:
        return True
    if step is None:
        strict = low.strict or high.strict
        return low.limit < high.limit or (low.limit == high.limit and not strict)
    least, most = low.limit / step, high.limit / step
    first = floor(least) + 1 if low.strict else ceil(least)
    last = ceil(most) - 1 if high.strict else floor(most)
    return first <= last


# Patterns


def lengths_of(pattern: str) -> tuple[int, int | None]:
    """How long a string is that matches: at least, at most (None: any length)."""
    try:
        node = _parsed(pattern)
    except NotUnderstood:
        return 0, None
    least, most = _lengths(node)
    parts = node.parts if isinstance(node, Sequence) else ()
    closed = parts[:1] == (Edge(False),) and parts[-1:] == (Edge(True),)
    return least, most if closed else None


def _lengths(node: Expression) -> tuple[int, int | None]:
    match node:
        case Chars():
            return 1, 1
        case Edge():
            return 0, 0
        case Sequence(parts):
            inner = [_lengths(part) for part in parts]
            most = [m for _, m in inner if m is not None]
            return sum(n for n, _ in inner), sum(most) if len(most) == len(inner) else None
        case Either(parts):
            inner = [_lengths(part) for part in parts]
            most = [m for _, m in inner if m is not None]
            return min(n for n, _ in inner), max(most) if len(most) == len(inner) else None
        case Repeat(part, least, times):
            low, high = _lengths(part)
            return low * least, None if times is None or high is None else high * times


def matching(pattern: Any, text: str) -> bool | None:
    """Whether a text matches a pattern; None if that cannot be told."""
    if not isinstance(pattern, str) or len(text) > MAX_TEXT or not text.isascii():
        return None
    try:
        _parsed(pattern)
        return matches(pattern, text)
    except NotUnderstood:
        return None


def _parsed(pattern: str) -> Expression:
    """The pattern, if databases and ECMA-262 read it alike. Raises `NotUnderstood`."""
    if len(pattern) > MAX_TEXT or _UNLIKE.search(pattern):
        raise NotUnderstood(pattern)
    return parsed(pattern)


_UNLIKE = re.compile(r"\[:|\[\^?\]|\\[^\WdwsDWS]")
"""Classes of POSIX, classes that are or seem empty, escapes of letters and all that is rare."""


# Values


def holds(value: Any, keyword: str, schema: dict[str, Any], modern: bool) -> bool | None:
    """Whether a value meets one keyword of a schema that says nothing of its parts; None: unknown.

    Keywords that hold schemas are not judged here, and neither is `enum`.
    """
    argument = schema[keyword]
    match keyword:
        case "type":
            kinds = kinds_of(schema)
            return None if kinds is None else kind_of(value) in kinds
        case "const":
            return key_of(value) == key_of(argument) if modern else None
        case "pattern":
            return matching(argument, value) if isinstance(value, str) else True
        case "required":
            if not isinstance(value, dict) or not isinstance(argument, list):
                return True
            return all(name in value for name in argument if isinstance(name, str))
        case "uniqueItems":
            if argument is not True or not isinstance(value, list):
                return True
            return len(set(map(key_of, value))) == len(value)
        case "multipleOf":
            if not is_number(value) or not is_number(argument) or argument <= 0:
                return True
            return (exact(value) / exact(argument)).denominator == 1
    return _within(value, keyword, argument, schema)


def _within(value: Any, keyword: str, argument: Any, schema: dict[str, Any]) -> bool | None:
    measured = MEASURED.get(keyword)
    if measured is None:
        return None
    if not is_number(argument):
        return True
    if measured == "number":
        if not is_number(value):
            return True
        size = exact(value)
    elif type_of(value) != measured:
        return True
    else:
        size = Fraction(len(value))
    room = exact(argument) - size if "max" in keyword.lower() else size - exact(argument)
    return room > 0 or (room == 0 and not is_strict(schema, keyword))


MEASURED = {
    "minimum": "number",
    "maximum": "number",
    "exclusiveMinimum": "number",
    "exclusiveMaximum": "number",
    "minLength": "string",
    "maxLength": "string",
    "minItems": "array",
    "maxItems": "array",
    "minProperties": "object",
    "maxProperties": "object",
}
"""What each bound measures."""


ASSERTIONS = frozenset(
    (
        *MEASURED,
        *("type", "enum", "const", "pattern", "multipleOf", "uniqueItems", "required", "not"),
        *("items", "prefixItems", "contains", "properties", "patternProperties", "propertyNames"),
        *("additionalProperties", "dependentRequired", "dependentSchemas", "if"),
        *("unevaluatedItems", "unevaluatedProperties", "allOf", "anyOf", "oneOf", "$dynamicRef"),
    )
)
"""Keywords that may make a value invalid; `$ref`, `format` and what only belongs to these aside."""


def names_required(schema: dict[str, Any]) -> list[str]:
    """The names that `required` lists."""
    return [name for name in listing(schema.get("required")) if isinstance(name, str)]


def closes(schema: dict[str, Any]) -> frozenset[str] | None:
    """The names of properties that a schema allows; None if others may be there, too."""
    properties = mapping(schema.get("properties"))
    if schema.get("patternProperties") or isinstance(properties.get("$ref"), str):
        return None  # the latter is not allowed, and often written
    if schema.get("additionalProperties") is False:
        return frozenset(properties)
    if schema.get("unevaluatedProperties") is False and _APPLICATORS.isdisjoint(schema):
        return None if "additionalProperties" in schema else frozenset(properties)
    return None


_APPLICATORS = frozenset(
    ("$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "not", "if", "dependentSchemas")
)
