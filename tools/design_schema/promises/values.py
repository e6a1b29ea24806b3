"""Sample values of logical types, and how each engine writes them.

A value is a Python object that means what the column holds: `Decimal`, `datetime`, `Span`; another
`number` gives another value as long as the type has any left. Domains and addresses are those
kept for examples (RFC 2606, RFC 5737).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, TypeAlias

from ... import matching
from ...ddl.model import Dialect, Type
from ...ddl.postgres.text import literal as postgres_literal
from ..domain.model import Attribute
from ..logical.model import Field

BEGIN: Final = datetime(2024, 1, 1, tzinfo=UTC)
FAR: Final = datetime(3000, 1, 1, tzinfo=UTC)  # stands for now where that is only compared
FIRST_KEY: Final = 1_000_001  # of rows with given keys: far from what a sequence hands out
SMALL: Final = 50  # numbers stay below where nothing says how large they are
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Span:
    """A period: from `start` until before `end`; None is for ever."""

    start: Any
    end: Any


@dataclass(frozen=True, slots=True)
class Json:
    """A JSON value."""

    value: Any

    def __hash__(self) -> int:
        return hash(repr(self.value))


Value: TypeAlias = (
    bool
    | int
    | Decimal
    | str
    | bytes
    | datetime
    | date
    | time
    | timedelta
    | uuid.UUID
    | Span
    | Json
    | tuple[Any, ...]
    | None
)


def plain(field: Field, number: int, unique: bool = False) -> Value:
    """A value of the field; with `unique` another for every number, where the type has as many."""
    attribute = field.type
    if field.role == "key" and attribute.type == "integer":
        return FIRST_KEY + number
    if attribute.array:
        return (_one(attribute, number, unique),)
    return _one(attribute, number, unique)


def others(field: Field, number: int) -> Iterator[Value]:
    """More values of the field, for rows that the plain one does not suit."""
    attribute = field.type
    if attribute.array:
        yield ()
    elif attribute.type == "enum":
        yield from attribute.values
    elif attribute.type in _NUMBERS:
        low, high, step = _bounds(attribute)
        yield from (v for v in (low, low + step, Decimal(0), Decimal(1), high) if low <= v <= high)
    elif attribute.type == "boolean":
        yield from (True, False)
    elif attribute.type in ("text", "date", "instant", "time", "duration", *_PERIODS):
        yield from (_one(attribute, number + shift) for shift in (1, 2, 30, 400))


def outside(field: Field, dialect: Dialect) -> Iterator[Value]:
    """Values that the type's limits, or what the field says of them, should refuse."""
    attribute = field.type
    if dialect is Dialect.SQLITE and attribute.type not in _NUMBERS:
        yield "no such value"  # text that stands for something else there
    if attribute.array:
        yield from ("no such list", ())
        return
    if attribute.type in _NUMBERS:
        low, high, step = _bounds(attribute)
        yield from (low - step, high + step, Decimal(-1))
    elif attribute.type in _TEXTS:
        yield from ("", "a", "no such value", "€ ü", " a ", "a" * ((attribute.max_length or 0) + 1))
        if attribute.min_length:
            yield "a" * (attribute.min_length - 1)
    elif attribute.type == "binary":
        yield b"\x61" * ((attribute.max_length or 0) + 1)
        yield b""
    elif attribute.type == "json":
        yield from (Json([]), Json("text"), Json({}))
    elif attribute.type in _PERIODS:
        whole = _one(attribute, 0)
        assert isinstance(whole, Span)
        yield from (Span(whole.start, None), Span(None, whole.end), Span(whole.start, whole.start))
    elif attribute.type == "duration":
        yield from (timedelta(-1), timedelta(0))


_PERIODS: Final = ("period", "date_period")
_NUMBERS: Final = ("integer", "decimal", "money", "quantity")
_TEXTS: Final = ("text", "email", "url", "enum")


def _one(attribute: Attribute, number: int, unique: bool = False) -> Value:
    name = attribute.name
    match attribute.type:
        case "text":
            return _text(attribute, number)
        case "email":
            return f"{name[:20]}.{number + 1}@example.org"
        case "url":
            return f"https://example.org/{name}/{number + 1}"
        case "integer" | "decimal" | "money" | "quantity":
            return _number(attribute, number, unique)
        case "date":
            return BEGIN.date() + timedelta(number)
        case "time":
            return (BEGIN + timedelta(hours=8, minutes=number % 600)).time()
        case "instant":
            return BEGIN + timedelta(number, hours=12)
        case "period":
            start = BEGIN + timedelta(number, hours=9)
            return Span(start, start + timedelta(hours=1))
        case "date_period":
            day = BEGIN.date() + timedelta(7 * number)
            return Span(day, day + timedelta(7))
        case "duration":
            return timedelta(minutes=30 + number % 60)
        case "enum":
            return attribute.values[number % len(attribute.values)] if attribute.values else "a"
        case "boolean":
            return number % 2 == 0
        case "uuid":
            return uuid.UUID(int=(0x01900000_0000_7000_8000 << 48) + number)
        case "json":
            return Json({"example": number + 1})
        case "binary":
            return (number + 1).to_bytes(4, "big")[-(attribute.max_length or 4) :]
        case "point":
            return (Decimal(number % 90), Decimal(number % 180))
        case "ip":
            return f"192.0.2.{number % 250 + 1}"


def _text(attribute: Attribute, number: int) -> str:
    low, high = attribute.min_length or 0, attribute.max_length or 10**6
    if attribute.pattern:
        found = matching.example(attribute.pattern, number, low, high)
        if found is not None:
            return found
    words = f"{attribute.name.replace('_', ' ').capitalize()} {number + 1}"
    if len(words) > high:
        return code(number, min(high, 8))
    return words.ljust(low, "x")


def code(number: int, width: int) -> str:
    """A number as so many capital letters."""
    letters = []
    for _ in range(width):
        number, letter = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[letter])
    return "".join(reversed(letters))


def _bounds(attribute: Attribute) -> tuple[Decimal, Decimal, Decimal]:
    """The least and the greatest number, and the smallest difference of two."""
    scale = 0 if attribute.type == "integer" else attribute.scale
    step = Decimal(1).scaleb(-(2 if scale is None else scale))
    digits = (attribute.precision or 15) - (scale or 0)
    most = Decimal(10) ** min(digits, 9) - 1
    low = Decimal(str(attribute.minimum)) if attribute.minimum is not None else -most
    high = Decimal(str(attribute.maximum)) if attribute.maximum is not None else most
    return low, high, step


def _number(attribute: Attribute, number: int, unique: bool) -> Decimal:
    low, high, step = _bounds(attribute)
    begin = max(low, min(Decimal(1), high))
    step = step if begin + SMALL > high else Decimal(1)
    room = int((high - begin) / step) + 1
    return begin + step * (number % (room if unique else min(room, SMALL)))


def literal(value: Value, type: Type, dialect: Dialect) -> str:
    """The value as a literal for a column of this type."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).upper() if dialect is Dialect.POSTGRES else str(int(value))
    if isinstance(value, int | Decimal):
        return f"{value:f}" if isinstance(value, Decimal) else str(value)
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'" if dialect is Dialect.POSTGRES else f"X'{value.hex()}'"
    if isinstance(value, uuid.UUID) and type.name in ("binary", "blob"):
        return f"X'{value.hex}'"
    if isinstance(value, datetime | timedelta) and type.name in _INTEGERS:
        seconds = value.timestamp() if isinstance(value, datetime) else value.total_seconds()
        return str(int(seconds))
    return quoted(_as_text(value, dialect), dialect)


_INTEGERS: Final = frozenset(("integer", "bigint", "int", "mediumint", "smallint"))


def quoted(text: str, dialect: Dialect) -> str:
    """A string constant."""
    if dialect is Dialect.POSTGRES:
        return postgres_literal(text)
    if dialect in (Dialect.MYSQL, Dialect.MARIADB):
        text = text.replace("\\", "\\\\")
    return "'" + text.replace("'", "''") + "'"


def _as_text(value: Any, dialect: Dialect) -> str:
    match value:
        case datetime():
            text = value.strftime("%Y-%m-%d %H:%M:%S")
            return text + "+00" if dialect is Dialect.POSTGRES else text
        case timedelta():
            return f"{int(value.total_seconds())} seconds"
        case Span():
            ends = ("" if e is None else _as_text(e, dialect) for e in (value.start, value.end))
            return f"[{','.join(ends)})"
        case Json():
            return json.dumps(value.value, ensure_ascii=False)
        case tuple() if dialect is Dialect.POSTGRES and len(value) == 2 and _is_point(value):
            return f"({value[1]},{value[0]})"
        case tuple() if dialect is Dialect.POSTGRES:
            return "{" + ",".join(_element(each, dialect) for each in value) + "}"
        case tuple():
            return json.dumps([_plain_json(each, dialect) for each in value])
    return str(value)


def _is_point(value: tuple[Any, ...]) -> bool:
    return all(isinstance(each, Decimal) for each in value)


def _element(value: Any, dialect: Dialect) -> str:
    if value is None:
        return "NULL"
    text = f"\\x{value.hex()}" if isinstance(value, bytes) else _as_text(value, dialect)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _plain_json(value: Any, dialect: Dialect) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == int(value) else float(value)
    if isinstance(value, bytes):
        return value.hex()
    return value if isinstance(value, bool | int | str) else _as_text(value, dialect)


def of_type(type: Type, name: str, number: int) -> Value:
    """A value for a column that no field stands for, by its type's name."""
    kinds: Mapping[str, str] = {
        "boolean": "boolean", "date": "date", "uuid": "uuid", "bytea": "binary", "blob": "binary",
        "jsonb": "json", "json": "json", "inet": "ip", "interval": "duration", "time": "time",
        "tstzrange": "period", "daterange": "date_period",
    }  # fmt: skip
    short = type.name.partition(" with")[0]
    kind = kinds.get(short) or ("instant" if short in ("timestamp", "datetime") else "")
    if not kind:
        numeric = short in _INTEGERS or short in ("numeric", "decimal", "real", "double precision")
        kind = "integer" if numeric else "text"
    limit = int(type.args[0]) if kind == "text" and type.args and type.args[0].isdigit() else None
    attribute = Attribute.model_validate(
        {"name": "value", "type": kind, "max_length": limit, "array": type.array}
    )
    return plain(Field(name, attribute, True), number)
