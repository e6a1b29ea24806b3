"""Values of a document that may be of any type, read without surprise."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ..report import quoted


def mapping(value: Any) -> dict[str, Any]:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def listing(value: Any) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def types_of(schema: Any) -> frozenset[str]:
    """The types a schema names, with `nullable` (3.0) as `null`."""
    named = mapping(schema).get("type")
    listed = [named] if isinstance(named, str) else listing(named)
    types = {name for name in listed if isinstance(name, str)}
    if types and schema.get("nullable") is True:
        types.add("null")
    return frozenset(types)


def type_of(value: Any) -> str:
    """The type of a value in JSON Schema; `1.0` is an integer."""
    if isinstance(value, float):
        return "integer" if value.is_integer() else "number"
    return _TYPES.get(type(value), "unknown")


_TYPES = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    str: "string",
    list: "array",
    dict: "object",
}


def key_of(value: Any) -> str:
    """The same text for equal JSON values: 1 and 1.0 are equal, 1 and true are not."""
    if type(value) is str:
        return f'"{value}"'
    if type(value) is int:
        return str(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, sort_keys=True, default=str)


def in_words(types: Iterable[str]) -> str:
    """Types for a message: `array` or `string`."""
    return " or ".join(quoted(kind, 40) for kind in sorted(types))
