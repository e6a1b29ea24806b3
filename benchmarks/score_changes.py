"""Single changes of an API with known verdict, in both directions.

Each case has a schema (or a part of an operation) before and after. In a request the narrower one
breaks, in a response the wider one; each is tried both ways. A witness is checked against both
schemas by a validator of its own, and random values are tried on what is called compatible.
"""

from __future__ import annotations

import itertools
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jsonschema_rs
import yaml

from backend_architect.tools.openapi.api import Api
from backend_architect.tools.openapi.document import Unreadable, describe
from backend_architect.tools.review_api.changes import judge
from backend_architect.tools.review_api.changes.verdicts import Judged, Verdict
from backend_architect.tools.source import Source

STRING, INTEGER, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}
WIDE_AND_NARROW: list[tuple[str, Any, Any]] = [
    ("maximum", INTEGER | {"maximum": 100}, INTEGER | {"maximum": 50}),
    ("no maximum", INTEGER, INTEGER | {"maximum": 50}),
    ("minimum", INTEGER | {"minimum": 1}, INTEGER | {"minimum": 5}),
    ("no minimum", NUMBER, NUMBER | {"minimum": 0}),
    ("exclusive maximum", NUMBER | {"maximum": 9}, NUMBER | {"exclusiveMaximum": 9}),
    ("exclusive minimum", NUMBER | {"exclusiveMinimum": 0}, NUMBER | {"exclusiveMinimum": 1}),
    ("multiple", INTEGER, INTEGER | {"multipleOf": 5}),
    ("length", STRING | {"maxLength": 40}, STRING | {"maxLength": 20}),
    ("no length", STRING, STRING | {"maxLength": 20}),
    ("least length", STRING | {"minLength": 1}, STRING | {"minLength": 3}),
    ("pattern", STRING, STRING | {"pattern": "^[a-z]+$"}),
    ("other pattern", STRING | {"pattern": "^[a-z]+$"}, STRING | {"pattern": "^[a-f]+$"}),
    ("format", STRING, STRING | {"format": "date"}),
    ("uuid", STRING, STRING | {"format": "uuid"}),
    ("type", {}, STRING),
    ("number", NUMBER, INTEGER),
    ("two types", {"type": ["string", "integer"]}, STRING),
    ("null", {"type": ["string", "null"]}, STRING),
    ("enum", STRING | {"enum": ["a", "b", "c"]}, STRING | {"enum": ["a", "b"]}),
    ("became enum", STRING, STRING | {"enum": ["a", "b"]}),
    ("const", STRING, STRING | {"const": "a"}),
    ("enum to const", STRING | {"enum": ["a", "b"]}, {"const": "a", "type": "string"}),
    ("items", {"type": "array", "items": STRING}, {"type": "array", "items": {"enum": ["a"]}}),
    ("any items", {"type": "array"}, {"type": "array", "items": STRING}),
    ("most items", {"type": "array", "maxItems": 9}, {"type": "array", "maxItems": 3}),
    ("least items", {"type": "array"}, {"type": "array", "minItems": 2}),
    (
        "unique",
        {"type": "array", "items": INTEGER},
        {"type": "array", "items": INTEGER, "uniqueItems": True},
    ),
    ("contains", {"type": "array"}, {"type": "array", "contains": INTEGER}),
    ("prefix", {"type": "array"}, {"type": "array", "prefixItems": [STRING]}),
    ("closed", {"type": "object"}, {"type": "object", "additionalProperties": False}),
    ("map", {"type": "object"}, {"type": "object", "additionalProperties": INTEGER}),
    ("most properties", {"type": "object"}, {"type": "object", "maxProperties": 2}),
    ("least properties", {"type": "object"}, {"type": "object", "minProperties": 2}),
    ("names", {"type": "object"}, {"type": "object", "propertyNames": {"maxLength": 3}}),
    (
        "required",
        {"type": "object", "properties": {"a": STRING}},
        {"type": "object", "properties": {"a": STRING}, "required": ["a"]},
    ),
    (
        "property typed",
        {"type": "object", "properties": {"a": {}}},
        {"type": "object", "properties": {"a": STRING}},
    ),
    (
        "property of closed",
        {"type": "object", "properties": {"a": {}, "b": {}}, "additionalProperties": False},
        {"type": "object", "properties": {"a": {}}, "additionalProperties": False},
    ),
    (
        "dependent",
        {"type": "object", "properties": {"a": {}, "b": {}}},
        {"type": "object", "properties": {"a": {}, "b": {}}, "dependentRequired": {"a": ["b"]}},
    ),
    ("one of", {"oneOf": [STRING, INTEGER]}, {"oneOf": [STRING]}),
    ("any of", {"anyOf": [STRING, {"type": "object"}]}, {"anyOf": [{"type": "object"}]}),
    (
        "inside of one of",
        {"oneOf": [STRING, {"type": "object", "properties": {"a": INTEGER}}]},
        {"oneOf": [STRING, {"type": "object", "properties": {"a": INTEGER | {"maximum": 3}}}]},
    ),
    ("all of", {"allOf": [STRING]}, {"allOf": [STRING, {"maxLength": 3}]}),
    ("inside of all of", {"allOf": [STRING, {}]}, {"allOf": [STRING, {"minLength": 3}]}),
    ("not", {"type": "string"}, {"type": "string", "not": {"enum": ["a"]}}),
    (
        "then",
        {"type": "object", "properties": {"a": {}}},
        {
            "type": "object",
            "properties": {"a": {}},
            "if": {"required": ["a"]},
            "then": {"required": ["b"]},
        },
    ),
]
"""By what they are about: a schema that admits more, and one that admits less."""
EQUAL: list[tuple[str, Any, Any]] = [
    ("const and enum", {"const": "a"}, {"enum": ["a"]}),
    ("order of an enum", {"enum": ["a", "b"]}, {"enum": ["b", "a"]}),
    ("nullable", {"anyOf": [STRING, {"type": "null"}]}, {"type": ["string", "null"]}),
    ("all of one", {"allOf": [STRING]}, STRING),
    ("order of one of", {"oneOf": [STRING, INTEGER]}, {"oneOf": [INTEGER, STRING]}),
    ("said by default", {"type": "array", "minItems": 0, "items": {}}, {"type": "array"}),
    ("description", STRING, STRING | {"description": "A text.", "example": "a"}),
    ("open", {"type": "object", "additionalProperties": True}, {"type": "object"}),
]
PLACES = ("body", "property", "items", "component", "map")


@dataclass(frozen=True, slots=True)
class Case:
    """Two documents, and whether the second breaks clients of the first; None: if they use it."""

    name: str
    before: dict[str, Any]
    after: dict[str, Any]
    breaks: bool | None
    same: bool = False


def document(schema: Any, direction: str, place: str) -> dict[str, Any]:
    """A document in which a schema stands at a place of a request or a response."""
    components = {"A": schema}
    match place:
        case "property":
            schema = {"type": "object", "properties": {"id": STRING, "it": schema}}
        case "items":
            schema = {"type": "array", "items": schema}
        case "map":
            schema = {"type": "object", "additionalProperties": schema}
        case "component":
            reference = {"$ref": "#/components/schemas/A"}
            schema = {"type": "object", "required": ["it"], "properties": {"it": reference}}
    content = {"content": {"application/json": {"schema": schema}}}
    operation: dict[str, Any] = {"responses": {"200": {"description": "."}}}
    if direction == "request":
        operation["requestBody"] = content
    else:
        operation["responses"]["200"] |= content
    return {
        "openapi": "3.1.1",
        "info": {"title": "T", "version": "1"},
        "paths": {"/a": {"post": operation}},
        "components": {"schemas": components} if place == "component" else {},
    }


def cases() -> Iterator[Case]:
    """Every pair at some places, both ways and in both directions."""
    for number, (name, wide, narrow) in enumerate(WIDE_AND_NARROW):
        places = ("body", PLACES[1 + number % 4])
        for direction, place in itertools.product(("request", "response"), places):
            one, two = (document(schema, direction, place) for schema in (wide, narrow))
            narrowed = f"{name} narrowed in a {direction} {place}"
            breaks = None if "of closed" in narrowed and direction == "response" else False
            yield Case(narrowed, one, two, breaks=direction == "request" or breaks)
            widened = f"{name} widened in a {direction} {place}"
            yield Case(widened, two, one, breaks=direction == "response")
    for name, one, two in EQUAL:
        for direction in ("request", "response"):
            before, after = (document(schema, direction, "property") for schema in (one, two))
            yield Case(f"{name} in a {direction}", before, after, breaks=False, same=True)


def api(data: dict[str, Any]) -> Api:
    """The API of a document without other files."""

    def read(base: str, reference: str) -> Source:
        raise Unreadable("there are no other files here")

    return Api(describe(yaml.safe_dump(data), "api.yaml", read))


def schema_of(data: dict[str, Any]) -> dict[str, Any]:
    """The schema of the message, for a validator that knows nothing of ours."""
    operation = data["paths"]["/a"]["post"]
    part = operation.get("requestBody") or operation["responses"]["200"]
    schema: dict[str, Any] = part["content"]["application/json"]["schema"]
    return {"allOf": [schema], "components": data["components"]}


def verdict(case: Case) -> tuple[Verdict | None, list[Judged]]:
    """The worst of what is said of a case, and all that is said."""
    judged = judge(api(case.before), api(case.after))
    told = [each for each in judged if each.rule != "change/description"]
    return max((each.verdict for each in told), default=None), told


def problem(case: Case) -> str:
    """What is wrong with what is said of a case; empty if nothing is."""
    worst, told = verdict(case)
    if case.same:
        return f"told: {told[0].change.kind}" if told else ""
    old, new = (
        jsonschema_rs.Draft202012Validator(schema_of(data), validate_formats=True)
        for data in (case.before, case.after)
    )
    request = "requestBody" in case.before["paths"]["/a"]["post"]
    admits, refuses = (old, new) if request else (new, old)
    for each in told:
        if each.witness is not None:
            value = each.witness.value
            if not admits.is_valid(value) or refuses.is_valid(value):
                return f"{value!r} shows nothing"
    if case.breaks is None:
        return "" if worst is Verdict.POTENTIAL else f"{worst} for what clients may use"
    if case.breaks:
        return "" if worst is Verdict.BREAKING else f"{worst} for what breaks"
    if worst is not Verdict.COMPATIBLE:
        return f"{worst} for what is compatible: {told[0].change.kind if told else ''}"
    for value in values(random.Random(case.name)):
        if admits.is_valid(value) and not refuses.is_valid(value):
            return f"{value!r} shows that it breaks"
    return ""


def values(source: random.Random, most: int = 60) -> Iterator[Any]:
    """Random values, many of them of the kinds that the cases are about."""
    for _ in range(most):
        yield {"it": _value(source, 2), "id": "a"} if source.random() < 0.4 else _value(source, 3)


def _value(source: random.Random, depth: int) -> Any:
    simple = [
        source.randint(-9, 120), source.random() * 20, source.choice("abcxyz"), None, True,
        "abcdefghijklmnopqrstuvwxyz"[: source.randint(0, 26)], "2026-01-31", "",
    ]  # fmt: skip
    if depth == 0 or source.random() < 0.5:
        return source.choice(simple)
    if source.random() < 0.5:
        return [_value(source, depth - 1) for _ in range(source.randint(0, 4))]
    names = source.sample(["a", "b", "it", "id", "other"], source.randint(0, 4))
    return {name: _value(source, depth - 1) for name in names}


def main() -> None:
    """Print every case that is told wrong."""
    every = list(cases())
    wrong = [(case, said) for case in every if (said := problem(case))]
    for case, said in wrong:
        print(f"{case.name}: {said}")
    print(f"{len(every) - len(wrong)} of {len(every)} cases are right")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
