"""Dates, moments and lengths of time as conditions reckon with them, in each engine's functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

_UNITS: Final = {
    "SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86_400, "WEEK": 604_800,
}  # fmt: skip
_PART: Final = re.compile(r"([-+]?\d+(?:\.\d+)?)\s*([a-z]+?)s?\b", re.IGNORECASE)
_CLOCK: Final = re.compile(r"(\d{1,4}):(\d\d)(?::(\d\d))?")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_JULIAN: Final = Decimal("2440587.5")  # the day of the epoch


def interval(text: str) -> timedelta:
    """`8 hours`, `1 day 02:00`. Raises ValueError: months have no length."""
    seconds = 0.0
    for number, unit in _PART.findall(_CLOCK.sub("", text)):
        if unit.upper() not in _UNITS:
            raise ValueError(unit)
        seconds += float(number) * _UNITS[unit.upper()]
    if clock := _CLOCK.search(text):
        hours, minutes, rest = (int(part or 0) for part in clock.groups())
        seconds += hours * 3600 + minutes * 60 + rest
    return timedelta(seconds=seconds)


def moment(value: Any) -> datetime | None:
    """A date, or a text that says a moment, as the moment; None for what is none."""
    try:
        said = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return None
    if isinstance(said, datetime):
        return said if said.tzinfo else said.replace(tzinfo=UTC)
    return datetime.combine(said, time(), UTC) if isinstance(said, date) else None


def part(name: str, value: Any) -> Decimal:
    """A part of a moment, a date or a length of time. Raises ValueError."""
    if name == "epoch":
        return seconds(value)
    if name == "dow":
        return Decimal(value.isoweekday() % 7)
    if name == "doy":
        return Decimal(value.timetuple().tm_yday)
    if name not in ("year", "month", "day", "hour", "minute", "second"):
        raise ValueError(name)
    return Decimal(getattr(value, name))


def seconds(value: Any) -> Decimal:
    """How long a length of time is, or how long after 1970 a moment."""
    if isinstance(value, timedelta):
        return Decimal(str(value.total_seconds()))
    found = moment(value)
    if found is None:
        raise ValueError(value)
    return Decimal(int((found - _EPOCH).total_seconds()))


def sum_of(work: Callable[[Any, Any], Any], one: Any, other: Any) -> Any:
    """A sum or difference with a date in it, as PostgreSQL has them: dates count days."""
    if _is_date(one) and _is_date(other):
        return Decimal((one - other).days)
    if _is_date(one) and isinstance(other, int | Decimal):
        return work(one, timedelta(int(other)))
    if _is_date(other) and isinstance(one, int | Decimal):
        return work(timedelta(int(one)), other)
    if _is_date(one) and isinstance(other, timedelta):
        one = moment(one)
    return work(one, other)


def _is_date(value: Any) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def read(kind: type, form: str) -> Callable[..., Any]:
    """A date or time function of SQLite: NULL for what is none. Modifiers are lengths of time."""

    def function(value: Any, *modifiers: Any) -> Any:
        if None in (value, *modifiers):
            return None
        if modifiers or kind is datetime:
            value = moment(value)
            if value is None:
                return None
            for modifier in modifiers:
                value += interval(modifier)
            return value.date() if kind is date else value
        if not isinstance(value, str):
            return value
        try:
            return kind.fromisoformat(value).strftime(form)  # type: ignore[attr-defined]
        except ValueError:
            return None

    return function


def julian_day(value: Any) -> Decimal | None:
    """The Julian day of a moment."""
    found = moment(value)
    return None if found is None else _JULIAN + seconds(found) / 86_400


FORMATS: Final[Mapping[str, str]] = {
    "%Y": "year", "%m": "month", "%d": "day", "%H": "hour", "%M": "minute", "%S": "second",
    "%w": "dow", "%j": "doy", "%s": "epoch",
}  # fmt: skip
