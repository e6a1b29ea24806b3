"""What differs in the keywords of two schemas: limits, lists of values, types, the rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from ..values import key_of, mapping
from .forms import Fact, Form, keys_of, values_of
from .record import Side


class Difference(NamedTuple):
    """What differs in one pair of schemas; `subject` is empty for the schema itself.

    `name` is that of a property or value. See `Change` for the rest.
    """

    facet: str
    action: str
    effect: str
    before: Any
    after: Any
    old: Side | None
    new: Side | None
    subject: str = ""
    name: str = ""


def facts(one: Form, two: Form) -> Iterator[Difference]:
    """Keywords whose argument is a plain value."""
    for keyword in dict.fromkeys((*one.facts, *two.facts)):
        if keyword in _ELSEWHERE:
            continue
        before, after = one.get(keyword), two.get(keyword)
        if key_of(before) != key_of(after):
            yield from _fact(keyword, before, after, one, two)


def _fact(keyword: str, before: Any, after: Any, one: Form, two: Form) -> Iterator[Difference]:
    facet = _FACETS[keyword]
    sides = side_of(one, keyword), side_of(two, keyword)
    if keyword == "discriminator":
        yield from _discriminator(mapping(before), mapping(after), sides)
        return
    if keyword == "x-extensible-enum":
        for value in _missing(after, before):
            yield Difference(facet, "value-added", "widens", None, value, *sides)
        for value in _missing(before, after):
            yield Difference(facet, "value-removed", "narrows", value, None, *sides)
        return
    if keyword in _SWITCHES:
        action = "became-unique" if after else "became-not-unique"
        effect = "narrows" if after else "widens"
        yield Difference("items", action, effect, bool(before), bool(after), *sides)
        return
    action, effect = "changed", "changes"
    if keyword in _UPPER or keyword in _LOWER:
        if before is None or after is None:
            action = "set" if before is None else "unset"
            effect = "narrows" if before is None else "widens"
        else:
            action = "increased" if after > before else "decreased"
            effect = "narrows" if (after > before) is (keyword in _LOWER) else "widens"
    elif before is None or after is None:
        action = "added" if before is None else "removed"
        effect = "narrows" if before is None else "widens"
    if keyword in _SAY_LITTLE:
        effect = ""
    if keyword == "x-stability-level":
        rank = [LEVELS.index(each) if each in LEVELS else -1 for each in (before, after)]
        action = "decreased" if rank[1] < rank[0] else "increased"
    if keyword == "pattern" and after in _ANY_TEXT:
        action, effect = "generalized", "widens"
    yield Difference(facet, action, effect, before, after, *sides)


def lifecycle(one: Form, two: Form) -> Iterator[Difference]:
    """Deprecation and its end."""
    was, now = one.get("deprecated") is True, two.get("deprecated") is True
    sunset = one.get("x-sunset"), two.get("x-sunset")
    sides = side_of(one, "deprecated"), side_of(two, "deprecated")
    if was != now:
        action = "reactivated" if was else "deprecated-with-sunset" if sunset[1] else "deprecated"
        yield Difference("", action, "", *sunset, *sides)
    elif now and sunset[0] != sunset[1]:
        action = "removed" if sunset[1] is None else "added" if sunset[0] is None else "changed"
        yield Difference("sunset", action, "", *sunset, *sides)


def _discriminator(
    before: dict[str, Any], after: dict[str, Any], sides: tuple[Side, Side]
) -> Iterator[Difference]:
    if not before or not after:
        action = "removed" if before else "added"
        names = before.get("propertyName"), after.get("propertyName")
        yield Difference("discriminator", action, "", *names, *sides)
        return
    if before.get("propertyName") != after.get("propertyName"):
        names = before.get("propertyName"), after.get("propertyName")
        yield Difference("discriminator-property-name", "changed", "changes", *names, *sides)
    ours, theirs = mapping(before.get("mapping")), mapping(after.get("mapping"))
    for name in sorted(ours.keys() | theirs.keys(), key=str):
        one, two = ours.get(name), theirs.get(name)
        if one != two:
            action = "changed" if one and two else "deleted" if one else "added"
            if action == "changed" and str(one).rpartition("/")[2] == str(two).rpartition("/")[2]:
                continue
            yield Difference("discriminator-mapping", action, "", one, two, *sides, name=str(name))


def _missing(values: Any, among: Any) -> list[Any]:
    known = keys_of(among if isinstance(among, list) else [])
    listed = keys_of(values if isinstance(values, list) else [])
    return [value for key, value in listed.items() if key not in known]


def values(one: Form, two: Form) -> Iterator[Difference]:
    """`enum` and `const`, which are one where there is one value."""
    before, after = values_of(one), values_of(two)
    ours = keys_of(before) if before is not None else None
    theirs = keys_of(after) if after is not None else None
    if ours == theirs:
        return
    consts = "const" in one.facts, "const" in two.facts
    keyword = "const" if "const" in one.facts or "const" in two.facts else "enum"
    sides = (
        side_of(one, "const" if consts[0] else "enum"),
        side_of(two, "const" if consts[1] else "enum"),
    )
    if ours is None or theirs is None:
        gained = ours is None
        action = "added" if gained else "removed"
        if keyword == "const":
            values = (before or [None])[0], (after or [None])[0]
            yield Difference("const", action, "narrows" if gained else "widens", *values, *sides)
        else:
            facet, action = ("", "became-enum") if gained else ("enum", "removed")
            effect = "narrows" if gained else "widens"
            yield Difference(facet, action, effect, before, after, *sides)
        return
    if all(consts):
        values = (before or [None])[0], (after or [None])[0]
        yield Difference("const", "changed", "changes", *values, *sides)
        return
    for key, value in ours.items():
        if key not in theirs:
            yield Difference("enum", "value-removed", "narrows", value, None, *sides)
    for key, value in theirs.items():
        if key not in ours:
            yield Difference("enum", "value-added", "widens", None, value, *sides)


def types(one: Form, two: Form) -> Iterator[Difference]:
    """`type`, with the format, which is told once."""
    before, after = one.types, two.types
    formats = one.get("format"), two.get("format")
    sides = side_of(one, "type"), side_of(two, "type")
    if before != after:
        names = _type_names(one), _type_names(two)
        action = "changed"
        if not after or (before and _covers(after, before)):
            action = "generalized"
        elif not before or _covers(before, after):
            action = "specialized"
        effect = {"generalized": "widens", "specialized": "narrows"}.get(action, "changes")
        if formats[0] != formats[1] and formats[1] is not None and action == "generalized":
            action, effect = "changed", "changes"
        yield Difference("type", action, effect, *names, *sides)
    elif formats[0] != formats[1]:
        action = _format_action(before, *formats)
        effect = {"generalized": "widens", "specialized": "narrows"}.get(action, "changes")
        sides = side_of(one, "format"), side_of(two, "format")
        yield Difference("format", action, effect, *formats, *sides)
    if one.nullable != two.nullable and (before or after):
        action = "became-nullable" if two.nullable else "became-not-nullable"
        effect = "widens" if two.nullable else "narrows"
        sides = side_of(one, "type"), side_of(two, "type")
        yield Difference("", action, effect, one.nullable, two.nullable, *sides)


def _covers(wide: frozenset[str], narrow: frozenset[str]) -> bool:
    return all(t in wide or (t == "integer" and "number" in wide) for t in narrow)


def _type_names(form: Form) -> str:
    types = "/".join(sorted(form.types)) or "any"
    return f"{types} ({form.get('format')})" if form.get("format") else types


def _format_action(types: frozenset[str], before: Any, after: Any) -> str:
    if after is None or (before, after) in _WIDER_FORMATS:
        return "generalized"
    if before is None or (after, before) in _WIDER_FORMATS:
        return "specialized"
    return "changed"


def side_of(form: Form, keyword: str) -> Side:
    """Where a schema says a keyword; if it does not, where it stands."""
    fact: Fact | None = form.facts.get(keyword)
    if fact is None:
        return Side(form.schema.place(), form.schema)
    return Side(fact.node.place(fact.keyword), form.schema)


_WIDER_FORMATS: Final = frozenset(
    (
        ("float", "double"),
        ("int32", "int64"),
        ("int32", "bigint"),
        ("int64", "bigint"),
        ("date", "date-time"),
        ("time", "date-time"),
    )
)
"""Formats whose second is taken to hold the first; of dates that is so in a loose sense only."""


_FACETS: Final = {
    "minimum": "min",
    "maximum": "max",
    "exclusiveMinimum": "exclusive-min",
    "exclusiveMaximum": "exclusive-max",
    "multipleOf": "multiple-of",
    "minLength": "min-length",
    "maxLength": "max-length",
    "minItems": "min-items",
    "maxItems": "max-items",
    "minProperties": "min-properties",
    "maxProperties": "max-properties",
    "minContains": "min-contains",
    "maxContains": "max-contains",
    "pattern": "pattern",
    "uniqueItems": "items",
    "default": "default-value",
    "contentMediaType": "content-media-type",
    "contentEncoding": "content-encoding",
    "discriminator": "discriminator",
    "dependentRequired": "dependent-required",
    "x-extensible-enum": "x-extensible-enum",
    "x-stability-level": "stability",
    "collectionFormat": "collection-format",
}


LEVELS: Final = ("draft", "alpha", "beta", "stable")


_UPPER: Final = frozenset(
    (
        *("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"),
        "maxContains",
    )
)


_LOWER: Final = frozenset(
    (
        *("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"),
        "minContains",
    )
)


_SWITCHES: Final = frozenset(("uniqueItems",))


_SAY_LITTLE: Final = frozenset(
    (
        *("default", "x-sunset", "x-stability-level", "title", "description"),
        *("contentMediaType", "contentEncoding", "collectionFormat"),
    )
)


_ELSEWHERE: Final = frozenset(
    (
        *("type", "enum", "const", "format", "title", "description"),
        *("readOnly", "writeOnly", "deprecated", "x-sunset"),
    )
)


_ANY_TEXT: Final = (".*", "^.*$")
