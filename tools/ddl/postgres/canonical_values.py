"""The normal form of PostgreSQL's constants: one text for what the server takes as one value."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from postgast import pg_query_pb2 as pg

from ..model import Type

TEXTS: Final = frozenset({"text", "character varying", "bpchar", "character", "name"})
INTEGERS: Final = {"smallint": 2, "integer": 4, "bigint": 8}
NUMBERS: Final = frozenset({*INTEGERS, "numeric", "real", "double precision"})
_KINDS: Final = {
    "character varying": "varchar",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
    "double precision": "double",
}


def kind_of(type: Type) -> str:
    """A short name of a type without its arguments."""
    return _KINDS.get(type.name, type.name)


def value(node: pg.A_Const, sign: str, type: Type | None) -> str:
    """A constant as the value it has in a place of a type; strings in quotes."""
    if node.isnull:
        return "null"
    kind = node.WhichOneof("val")
    if kind == "ival":
        return sign + str(node.ival.ival)
    if kind == "fval":
        return sign + number(node.fval.fval)
    if kind == "boolval":
        return "true" if node.boolval.boolval else "false"
    if kind == "bsval":
        return f"bits {_bits(node.bsval.bsval)}"
    return _text(node.sval.sval, type)


def number(text: str) -> str:
    """A number without exponent and leading zeros; digits behind the point stay."""
    if len(text) > 100:
        return text
    try:
        exact = Decimal(text.replace("_", ""))
    except InvalidOperation:
        try:
            return str(int(text.replace("_", ""), 0))
        except ValueError:
            return text
    if not exact.is_finite() or abs(exact.adjusted()) > 100:
        return text
    return f"{exact:f}"


def identifier(name: str) -> str:
    """A name with quotes around it."""
    return '"' + name.replace('"', '""') + '"'


def quoted(text: str) -> str:
    """A string with quotes around it."""
    return "'" + text.replace("'", "''") + "'"


def _text(text: str, type: Type | None) -> str:
    if type is None or type.array:
        return quoted(text)
    if type.name in NUMBERS and re.fullmatch(r"\s*[-+]?[\d._]+(e[-+]?\d+)?\s*", text, re.I):
        return number(text.strip())
    if type.name == "boolean":
        word = text.strip().lower()
        if word in _TRUE or word in _FALSE:
            return "true" if word in _TRUE else "false"
    if type.name in ("bit", "bit varying") and re.fullmatch("[01]*", text):
        return f"bits {text}"
    if type.name == "bytea" and "\\" not in text:
        return quoted("\\x" + text.encode("utf-8", "surrogatepass").hex())
    if type.name == "jsonb":
        return quoted(_json(text))
    if type.name.startswith("interval"):
        return quoted(interval(text))
    if type.name.startswith(("timestamp", "date")):
        return quoted(moment(text))
    if type.name == "time without time zone":
        return quoted(re.sub(r"^(\d\d:\d\d)$", r"\1:00", text.strip()))
    if type.name in ("uuid", "macaddr", "inet", "cidr"):
        return quoted(text.lower())
    if type.name == "jsonpath":
        return quoted(re.sub(r'\."(\w+)"', r".\1", text))
    if type.name == "regclass":
        return quoted(text.removeprefix("public.").removeprefix("pg_catalog."))
    return quoted(text)


_TRUE: Final = frozenset({"t", "tr", "tru", "true", "y", "ye", "yes", "on", "1"})
_FALSE: Final = frozenset({"f", "fa", "fal", "fals", "false", "n", "no", "of", "off", "0"})


def _bits(text: str) -> str:
    """B'101' and X'5' as digits."""
    if text[:1].lower() == "x":
        return "".join(f"{int(digit, 16):04b}" for digit in text[1:])
    return text[1:]


def _json(text: str) -> str:
    """JSON as jsonb keeps it: no white space, keys in order, the last of equal ones."""
    try:
        return json.dumps(
            json.loads(text, parse_float=Decimal), sort_keys=True, ensure_ascii=False, default=str
        )
    except (ValueError, RecursionError):
        return text


def moment(text: str) -> str:
    """A date and time in UTC, without a midnight; other text as it is."""
    if text == "epoch":
        return "1970-01-01"
    match = _MOMENT.fullmatch(text.strip())
    if match is None:
        return text
    day, clock, offset = match.groups()
    try:
        exact = datetime.fromisoformat(f"{day}T{clock or '00:00'}")
        if offset and offset != "Z":
            sign = -1 if offset.startswith("-") else 1
            hours, minutes = int(offset[1:3]), int(offset[3:].strip(":") or 0)
            exact -= sign * timedelta(hours=hours, minutes=minutes)
    except (ValueError, OverflowError):
        return text
    return exact.isoformat(" ").removesuffix(" 00:00:00")


_MOMENT: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?))?\s*([-+]\d\d(?::?\d\d)?|Z)?"
)


_UNITS: Final = {
    "microsecond": (0, 0, Decimal(1)),
    "millisecond": (0, 0, Decimal(1000)),
    "second": (0, 0, Decimal(10**6)),
    "sec": (0, 0, Decimal(10**6)),
    "s": (0, 0, Decimal(10**6)),
    "minute": (0, 0, Decimal(60 * 10**6)),
    "min": (0, 0, Decimal(60 * 10**6)),
    "m": (0, 0, Decimal(60 * 10**6)),
    "hour": (0, 0, Decimal(3600 * 10**6)),
    "hr": (0, 0, Decimal(3600 * 10**6)),
    "h": (0, 0, Decimal(3600 * 10**6)),
    "day": (0, 1, Decimal(0)),
    "d": (0, 1, Decimal(0)),
    "week": (0, 7, Decimal(0)),
    "w": (0, 7, Decimal(0)),
    "month": (1, 0, Decimal(0)),
    "mon": (1, 0, Decimal(0)),
    "year": (12, 0, Decimal(0)),
    "yr": (12, 0, Decimal(0)),
    "y": (12, 0, Decimal(0)),
    "decade": (120, 0, Decimal(0)),
    "century": (1200, 0, Decimal(0)),
}
_PART: Final = re.compile(
    r"\s*(?:([-+]?)(\d{1,9}):(\d\d)(?::(\d\d(?:\.\d{1,6})?))?|([-+]?\d{1,12}(?:\.\d{1,6})?)\s*([a-z]+))"
)


def interval(text: str, unit: str = "second") -> str:
    """An interval as months, days and microseconds; as it is when it has other parts.

    `unit` is that of a number alone.
    """
    if re.fullmatch(r"-?\d+", text):
        text = f"{text} {unit}"
    months = days = 0
    rest = Decimal(0)
    position, lowered = 0, text.strip().lower().removeprefix("@")
    while position < len(lowered):
        match = _PART.match(lowered, position)
        if match is None:
            return text
        position = match.end()
        sign, hours, minutes, seconds, amount, unit = match.groups()
        if hours is not None:
            clock = Decimal(hours) * 3600 + Decimal(minutes) * 60 + Decimal(seconds or 0)
            rest += clock * 10**6 * (-1 if sign == "-" else 1)
            continue
        size = _UNITS.get(unit) or _UNITS.get(unit.removesuffix("s"))
        if size is None or (size[2] == 0 and "." in amount):
            return text
        months += size[0] * int(amount) if size[0] else 0
        days += size[1] * int(amount) if size[1] else 0
        rest += size[2] * Decimal(amount)
    return f"{months} {days} {rest.normalize():f}" if lowered else text
