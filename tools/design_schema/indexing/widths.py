"""How many bytes values take in a row of PostgreSQL, on average.

https://www.postgresql.org/docs/current/datatype.html
"""

from __future__ import annotations

from typing import Final

from ...ddl.model import Type
from ..domain.model import Attribute
from ..physical.types import digits, longest

LONG_TEXT: Final = 100  # characters of a text without a limit
ELEMENTS: Final = 3  # of an array
TOASTED: Final = 2_000  # bytes; what is longer is stored elsewhere
_POINTER: Final = 18
_HEADER: Final = 1  # of a short value of varying length
_FIXED: Final = {
    "integer": 8,
    "date": 4,
    "time": 8,
    "instant": 8,
    "period": 26,
    "date_period": 18,
    "duration": 16,
    "boolean": 1,
    "uuid": 16,
    "json": 200,
    "ip": 7,
    "point": 16,
    "email": 25,
    "url": 60,
}


def width_of(attribute: Attribute) -> int:
    """The average width of an attribute's values."""
    one = _one(attribute)
    width = 24 + ELEMENTS * one if attribute.array else one
    return width if width <= TOASTED else _POINTER


def _one(attribute: Attribute) -> int:
    match attribute.type:
        case "enum":
            lengths = [len(value) for value in attribute.values] or [8]
            return _HEADER + round(sum(lengths) / len(lengths))
        case "text":
            most, least = longest(attribute), attribute.min_length or 0
            usual = LONG_TEXT if most is None else most if most <= 20 else max(20, most // 4)
            return _HEADER + max(least, usual)
        case "binary":
            return _HEADER + (attribute.max_length or 4 * TOASTED) // 2
        case "decimal" | "money" | "quantity":
            precision, _ = digits(attribute)
            return 3 + 2 * -(-min(precision, 9) // 4)
        case kind:
            return _FIXED[kind]


def width_of_type(type: Type) -> int:
    """The average width of a type's values, where nothing more is known."""
    short = type.name.partition(" with")[0]
    known = {"bigint": 8, "integer": 4, "smallint": 2, "boolean": 1, "uuid": 16, "date": 4}
    known |= {"timestamp": 8, "numeric": 9, "inet": 7, "jsonb": 200, "tstzrange": 26}
    return known.get(short, 20)
