"""Functions that conditions call, as PostgreSQL, MySQL and SQLite have them, on values of rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final

from sqlglot import exp

from . import calendar
from .values import Json

MAX_LENGTH: Final = 100_000  # characters of a text that is made


def length(value: Any) -> Decimal:
    """Characters, bytes, or items."""
    return Decimal(len(value if isinstance(value, str | bytes | tuple) else str(value)))


def size(value: Any) -> Decimal:
    """Bytes."""
    return Decimal(len(value if isinstance(value, bytes) else str(value).encode()))


def json_type(value: Any) -> str | None:
    """What PostgreSQL calls the type of a JSON value."""
    if not isinstance(value, Json):
        return None
    names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "number"}
    return names.get(type(value.value), "null" if value.value is None else "number")


def _strict(work: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *values: None if None in values else work(*values)


def _number(value: Any) -> Decimal:
    return Decimal(value)


def _part(text: str, start: Any, count: Any = None) -> str:
    """SQL counts from 1; from the end where the start is negative, as MySQL and SQLite do."""
    begin = int(start) - 1 if start > 0 else len(text) + int(start) if start < 0 else -1
    end = len(text) if count is None else begin + int(count)
    return text[max(begin, 0) : max(end, 0)]


def _split(text: str, delimiter: str, place: Any) -> str:
    parts = text.split(delimiter)
    return parts[int(place) - 1] if 0 < place <= len(parts) else ""


def _repeated(text: str, times: Any) -> str:
    if len(text) * int(times) > MAX_LENGTH:
        raise ValueError("a long text")
    return text * int(times)


BY_NAME: Final[Mapping[str, Callable[..., Any]]] = {
    "num_nonnulls": lambda *values: Decimal(sum(value is not None for value in values)),
    "num_nulls": lambda *values: Decimal(sum(value is None for value in values)),
    "octet_length": _strict(size),
    "cardinality": _strict(length),
    "json_array_length": _strict(length),
    "json_length": _strict(length),
    "jsonb_typeof": json_type,
    "json_typeof": json_type,
    "json_valid": lambda v: None if v is None else isinstance(v, Json | tuple),
    "isempty": _strict(lambda v: v.start is not None and v.start == v.end),
    "lower_inf": _strict(lambda v: v.start is None),
    "upper_inf": _strict(lambda v: v.end is None),
    "btrim": _strict(lambda v, signs=" ": v.strip(signs)),
    "char_length": _strict(length),
    "character_length": _strict(length),
    "mod": _strict(lambda a, b: _number(a) % _number(b)),
    "scale": _strict(lambda v: Decimal(max(0, -Decimal(v).as_tuple().exponent))),  # type: ignore[operator]
    "date": calendar.read(date, "%Y-%m-%d"),
    "datetime": calendar.read(datetime, "%Y-%m-%d %H:%M:%S"),
    "time": calendar.read(time, "%H:%M:%S"),
    "julianday": calendar.julian_day,
    "trunc": _strict(lambda v: Decimal(int(v))),
}  # fmt: skip

# By kind of node: which of its parts the function takes, and what it makes of them.
BY_KIND: Final[Mapping[type[exp.Expr], tuple[Sequence[str], Callable[..., Any]]]] = {
    exp.Abs: (("this",), abs),
    exp.Ceil: (("this",), lambda v: Decimal(math.ceil(v))),
    exp.Floor: (("this",), lambda v: Decimal(math.floor(v))),
    exp.Sign: (("this",), lambda v: Decimal((v > 0) - (v < 0))),
    exp.Pow: (("this", "expression"), lambda a, b: _number(a) ** _number(b)),
    exp.Sqrt: (("this",), lambda v: _number(v).sqrt()),
    exp.IntDiv: (("this", "expression"), lambda a, b: Decimal(int(_number(a) / _number(b)))),
    exp.Replace: (("this", "expression", "replacement"), str.replace),
    exp.Substring: (("this", "start", "length"), _part),
    exp.Left: (("this", "expression"), lambda text, count: text[: int(count)]),
    exp.Right: (("this", "expression"), lambda text, count: text[-int(count) :] if count else ""),
    exp.StrPosition: (("this", "substr"), lambda text, part: Decimal(text.find(part) + 1)),
    exp.SplitPart: (("this", "delimiter", "part_index"), _split),
    exp.Reverse: (("this",), lambda text: text[::-1]),
    exp.Repeat: (("this", "times"), _repeated),
    exp.StartsWith: (("this", "expression"), str.startswith),
    exp.ArraySize: (("this",), lambda v: length(v) or None),
}
