"""Strings, numbers and sizes at the limits of a schema, and just beyond those of its neighbour."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ..matching import example
from ..regular_expressions.inclusion import unmatched
from .values import listing

MAX_LENGTH: Final = 5_000  # characters, or items


Flat = dict[str, Any]


_NUMBERS: Final = (0, 1, 2, 3, 5, 8, 13, 21, 25, 34, 61)


_TEXTS: Final = ("a", "", "A b-1", "0", "\u00e4~")


_OF_FORMAT: Final = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T09:30:00Z",
    "time": "09:30:00Z",
    "email": "a@example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/a",
    "uuid": "0b3f2d1a-5c4e-4f6a-8b7c-9d0e1f2a3b4c",
}


def items_of(items: list[Any], count: int, *, distinct: bool) -> list[Any]:
    """A list of so many items, of different ones if they have to be `distinct`."""
    count = min(count, MAX_LENGTH)
    if not items or count <= 0:
        return []
    if not distinct:
        return items[:1] * count
    found = items[:count]
    first = items[0]
    for number in range(count - len(found)):
        if isinstance(first, str):
            found.append(f"{first}{number}")
        elif isinstance(first, int | float) and not isinstance(first, bool):
            found.append(1_000 + number)
        else:
            found.append(first)
    return found


def sizes(flat: Flat, beside: Flat, of: str) -> Iterator[int]:
    """Numbers of items at, just within and just beyond the limits of both."""
    found: set[int] = set()
    for schema in (flat, beside):
        for keyword in (f"min{of}", f"max{of}"):
            limit = schema.get(keyword)
            if isinstance(limit, int | float) and 0 <= limit < MAX_LENGTH:
                found |= {int(limit), int(limit) + 1, max(0, int(limit) - 1)}
    low, high = flat.get(f"min{of}") or 0, flat.get(f"max{of}", MAX_LENGTH)
    found |= {int(low), int(min(high, low + 1))}
    return iter(sorted(size for size in found if low <= size <= high))


def strings(flat: Flat, beside: Flat) -> Iterator[str]:
    """Strings for a schema, at the limits of both."""
    known = _OF_FORMAT.get(str(flat.get("format")))
    if known is not None:
        yield known
    low, high = flat.get("minLength") or 0, flat.get("maxLength")
    high = MAX_LENGTH if high is None else high
    pattern = flat.get("pattern")
    if isinstance(pattern, str):
        if isinstance(beside.get("pattern"), str):
            yield from _beyond(pattern, beside["pattern"])
        wanted = [(number, int(low), int(min(high, MAX_LENGTH))) for number in _NUMBERS]
        wanted += [(0, size, size) for size in sizes(flat, beside, "Length")]
        yield from (text for each in wanted if (text := example(pattern, *each)) is not None)
    for text in _TEXTS:
        if low <= len(text) <= high:
            yield text
    for size in sizes(flat, beside, "Length"):
        yield "a" * size
    if isinstance(beside.get("pattern"), str):
        theirs = example(beside["pattern"], 0, int(low), int(min(high, MAX_LENGTH)))
        if theirs is not None:
            yield theirs
    for value in listing(beside.get("enum"))[:20]:
        if isinstance(value, str):
            yield value


def _beyond(pattern: str, other: str) -> Iterator[str]:
    """A text that a pattern matches, and another does not."""
    try:
        text = unmatched(pattern, other)
    except ValueError:
        return
    if text is not None:
        yield text


def numbers(flat: Flat, beside: Flat, whole: bool) -> Iterator[float]:
    """Numbers for a schema, at the limits of both, just within and just beyond."""
    step = flat.get("multipleOf")
    found: list[float] = []
    for schema in (flat, beside):
        for keyword in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
            limit = schema.get(keyword)
            if isinstance(limit, int | float) and abs(limit) < 1e15:
                found += [limit, limit + 1, limit - 1]
                found += [] if whole else [limit + 0.5, limit - 0.5]
    start: list[float] = [1, 0, -1, 2, 7, 1_000_003, 3_000_000_000]
    found = [*start, *found] if not found else [*found, *start]
    if not whole:
        found.append(1.5)
    if isinstance(step, int | float) and step > 0:
        found = [step, 0, step * 2, -step, *(n // step * step for n in found), *found]
    low, high = flat.get("minimum", -1e30), flat.get("maximum", 1e30)
    yield from (n for n in found if low <= n <= high)
