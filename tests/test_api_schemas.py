"""Schemas that contradict themselves or each other: what is proved, and what is left alone."""

from __future__ import annotations

from typing import Any

import pytest
from fragments import document

from backend_architect.tools.openapi.api import Api
from backend_architect.tools.openapi.document import Unreadable, describe
from backend_architect.tools.openapi.endless import endless
from backend_architect.tools.openapi.witnesses import NOTHING
from backend_architect.tools.source import Source


def refuse(base: str, reference: str) -> Source:
    raise Unreadable("there are no other files here")


def api_of(schemas: str, version: str = "3.0.3") -> Api:
    lines = "".join(f"    {line.strip()}\n" for line in schemas.strip().splitlines())
    text = f"openapi: {version}\ncomponents:\n  schemas:\n{lines}"
    return Api(describe(document(text), "a.yaml", refuse))


def schema_of(api: Api, name: str) -> Any:
    found = api.description.node_at(api.root.value["components"]["schemas"][name])
    assert found is not None
    return found


REF = "$ref: '#/components/schemas/"


@pytest.mark.parametrize(
    ("schemas", "expected"),
    [
        (f"A: {{type: object, required: [a], properties: {{a: {{{REF}A'}}}}}}", ["a"]),
        (f"A: {{type: object, properties: {{a: {{{REF}A'}}}}}}", []),
        (f"A: {{required: [a], properties: {{a: {{{REF}A'}}}}}}", []),  # a number will do
        (f"A: {{type: object, nullable: true, required: [a], properties: {{a: {{{REF}A'}}}}}}", []),
        (f"A: {{type: array, minItems: 1, items: {{{REF}A'}}}}", ["[]"]),
        (f"A: {{type: array, items: {{{REF}A'}}}}", []),
        (
            f"""A: {{type: object, required: [b], properties: {{b: {{{REF}B'}}}}}}
            B: {{oneOf: [{{{REF}A'}}, {{type: string}}]}}""",
            [],
        ),
        (
            f"""A: {{type: object, required: [b], properties: {{b: {{{REF}B'}}}}}}
            B: {{allOf: [{{type: object, required: [a], properties: {{a: {{{REF}A'}}}}}}]}}""",
            ["b.a"],
        ),
        (f"A: {{allOf: [{{{REF}A'}}]}}", []),  # no value within a value
    ],
)
def test_a_circle_of_demands_is_found(schemas: str, expected: list[str]) -> None:
    assert [".".join(found.steps) for found in endless(api_of(schemas))] == expected


@pytest.mark.parametrize(
    ("wide", "narrow", "included"),
    [
        ("{type: number}", "{type: integer}", True),
        ("{type: integer}", "{type: number}", False),
        ("{type: string}", "{type: string, format: date}", True),
        ("{type: string, format: date}", "{type: string}", False),
        ("{format: date}", "{type: string}", False),
        ("{type: string, maxLength: 9}", "{type: string, maxLength: 8}", True),
        ("{type: string, maxLength: 8}", "{type: string, enum: [a, b]}", True),
        ("{type: string, maxLength: 8}", "{type: string, enum: [a, abcdefghi]}", False),
        ("{type: string}", "{type: string, nullable: true}", False),
        ("{type: object, required: [a]}", "{type: object, required: [a, b]}", True),
        (
            "{type: object, properties: {a: {type: number}}}",
            "{type: object, properties: {a: {type: integer}, b: {}}}",
            True,
        ),
        ("{type: object, properties: {a: {type: string}}}", "{type: object}", False),
        (
            "{type: object, properties: {a: {type: string}}}",
            "{type: object, additionalProperties: false}",
            True,
        ),
        ("{type: object, additionalProperties: false}", "{type: object}", False),
        ("{not: {type: string}}", "{type: integer}", False),  # true, and not proved
        (f"{{{REF}Nowhere'}}", "{type: string}", False),
    ],
)
def test_inclusion_is_claimed_only_if_it_follows(wide: str, narrow: str, included: bool) -> None:
    api = api_of(f"A: {wide}\nB: {narrow}")
    found = api.witnesses.includes(schema_of(api, "A"), schema_of(api, "B"))
    assert found is included


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ("{type: string, pattern: '^[0-9]{3}$'}", "000"),
        ("{type: integer, minimum: 5, multipleOf: 4}", 8),
        ("{type: array, minItems: 1, items: {type: boolean}}", [True]),
        ("{type: object, required: [a], properties: {a: {enum: [1, 2]}}}", {"a": 1}),
        ("{oneOf: [{type: string, minLength: 2}, {type: integer}]}", "aa"),
        ("{type: object, required: [a], properties: {a: {not: {}}}}", NOTHING),
        (f"{{type: object, required: [a], properties: {{a: {{{REF}A'}}}}}}", NOTHING),
        ("{type: string, format: unheard-of}", NOTHING),
    ],
)
def test_a_witness_satisfies_the_schema_or_there_is_none(schema: str, value: Any) -> None:
    api = api_of(f"A: {schema}")
    assert api.witnesses.value_of(schema_of(api, "A")) == value
