"""What an attribute says of its type, limits and values, against each other."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Final

from ...matching import NotUnderstood, matches
from .model import Attribute, Distribution
from .problem import Problem

_TEXTS: Final = frozenset({"text", "email", "url"})
_NUMBERS: Final = frozenset({"integer", "decimal", "money", "quantity"})
# Which types a field says something of; others it would be silently without effect for.
_FITS: Final[Mapping[str, frozenset[str]]] = {
    "min_length": _TEXTS,
    "max_length": _TEXTS | {"binary"},
    "pattern": _TEXTS,
    "case_insensitive": _TEXTS,
    "minimum": _NUMBERS,
    "maximum": _NUMBERS,
    "precision": _NUMBERS - {"integer"},
    "scale": _NUMBERS - {"integer"},
    "currency": frozenset({"money"}),
    "unit": frozenset({"quantity"}),
    "values": frozenset({"enum"}),
}
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?")
_UUID: Final = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)


def problems(at: str, said: Attribute, entity: str = "") -> Iterator[Problem]:
    """What contradicts itself in one attribute."""
    label = f"{entity}.{said.name}" if entity else said.name

    def problem(field: str, says: str, expected: str) -> Problem:
        return Problem(f"{at}/{field}", says, expected, label)

    for field, types in _FITS.items():
        if said.type not in types and getattr(said, field) not in (None, False, []):
            fitting = ", ".join(sorted(types))
            yield problem(field, f"says nothing of the type {said.type}", f"it is for {fitting}")
    if said.type == "enum" and not said.values:
        yield problem("values", "is required of an enum", 'its values: ["draft", "sent"]')
    if len(set(said.values)) < len(said.values):
        yield problem("values", "has a value twice", "each once")
    for low, high in (("min_length", "max_length"), ("minimum", "maximum"), ("scale", "precision")):
        first, second = getattr(said, low), getattr(said, high)
        if first is not None and second is not None and first > second:
            yield problem(low, f"{first:g} is more than {high}, {second:g}", f"at most {second:g}")
    if said.currency and said.currency != "each" and not re.fullmatch("[A-Z]{3}", said.currency):
        yield problem(
            "currency", f"`{said.currency}` is no code", "`EUR` as in ISO 4217, or `each`"
        )
    if said.pattern and not _is_pattern(said.pattern):
        yield problem("pattern", "is no regular expression that is understood", "`^[A-Z]{2}$`")
    if said.computed and said.immutable:
        yield problem(
            "immutable",
            "a computed attribute changes with what it is made of (`computed`)",
            "leave one of them out",
        )
    if said.array and said.unique:
        yield problem("unique", "a list (`array`) is no key", "an entity of its own for its items")
    if said.default is not None and (expected := _other_default(said)):
        yield problem("default", f"{said.default!r} is no {said.type} as it is to be", expected)
    if said.distribution:
        for field, says, expected in _spread(said, said.distribution):
            yield problem(f"distribution/{field}", says, expected)


def _spread(said: Attribute, spread: Distribution) -> Iterator[tuple[str, str, str]]:
    """What the spread of the values contradicts: field, what it says, what would be right."""
    strange = [value for value in spread.common if said.values and value not in said.values]
    if strange:
        yield "common", f"{strange[0]!r} is none of its values", f"one of {', '.join(said.values)}"
    if (shares := sum(spread.common.values()) + spread.nulls) > 1 + 1e-9:
        yield "common", f"the shares, with that of nulls, make {shares:g}", "1 at most"
    if spread.nulls and said.required:
        yield "nulls", f"{spread.nulls:g}, but it is required", "0, or required false"
    low, high = spread.minimum, spread.maximum
    if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
        yield "minimum", f"{low:g} is more than maximum, {high:g}", f"at most {high:g}"


def _is_pattern(text: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            re.compile(text)  # never run here
        except (re.error, RecursionError, OverflowError):
            return False
    return True


def _may_match(pattern: str, text: str) -> bool:
    """Whether a text matches, also where the pattern is not of the kind that is understood."""
    try:
        return matches(pattern, text)
    except NotUnderstood:
        return True


def _other_default(said: Attribute) -> str:
    """What a default would have to be; empty where it fits."""
    value = said.default
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match said.type:
        case "boolean":
            return "" if isinstance(value, bool) else "true or false"
        case "integer" | "decimal" | "money" | "quantity":
            if not number or (said.type == "integer" and value != int(value or 0)):
                return "a number without quotes"
            assert isinstance(value, int | float)
            if said.minimum is not None and value < said.minimum:
                return f"at least {said.minimum:g}, its minimum"
            if said.maximum is not None and value > said.maximum:
                return f"at most {said.maximum:g}, its maximum"
        case "enum":
            return "" if value in said.values else f"one of {', '.join(said.values[:12])}"
        case "text" | "email" | "url":
            if not isinstance(value, str):
                return "text in quotes"
            if said.max_length is not None and len(value) > said.max_length:
                return f"at most {said.max_length} characters (max_length)"
            if said.min_length is not None and len(value) < said.min_length:
                return f"at least {said.min_length} characters (min_length)"
            if said.pattern and not _may_match(said.pattern, value):
                return f"text that matches its pattern, {said.pattern}"
        case "date" | "instant":
            fits = isinstance(value, str) and (value == "now" or _DATE.fullmatch(value))
            return "" if fits else "`now`, or `2024-02-29`"
        case "uuid":
            return "" if isinstance(value, str) and _UUID.fullmatch(value) else "a UUID"
        case "period" | "date_period" | "point" | "binary":
            return "no default"
    return ""
