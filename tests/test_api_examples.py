"""Examples against their schemas: what is said, where, and what is let pass."""

from __future__ import annotations

import json
from typing import Any

import pytest
from test_rules import no_files

from backend_architect.tools.openapi.api import Api
from backend_architect.tools.openapi.document import describe
from backend_architect.tools.openapi.translation import Direction
from backend_architect.tools.policy import Policy
from backend_architect.tools.report import Report
from backend_architect.tools.review_api import review

RULE = "api/example-invalid"


def document(version: str = "3.1.1", **more: Any) -> dict[str, Any]:
    return {"openapi": version, "info": {"title": "Pets", "version": "1.0.0"}, "paths": {}, **more}


def reviewed(content: dict[str, Any], prove: bool = False) -> Report:
    policy = Policy(only_rules=(RULE,))
    return review(json.dumps(content), "api.json", no_files, policy, prove=prove)


def of_schema(schema: Any, version: str = "3.1.1", **others: Any) -> list[str]:
    found = reviewed(document(version, components={"schemas": {"Pet": schema, **others}}))
    return [each.message for each in found.findings]


def of_body(schema: Any, value: Any, side: str = "request", **more: Any) -> list[str]:
    content = {more.pop("media", "application/json"): {"schema": schema, "example": value}}
    operation: dict[str, Any] = {"responses": {"200": {"description": "Done"}}}
    if side == "request":
        operation["requestBody"] = {"content": content}
    else:
        operation["responses"]["200"]["content"] = content
    found = reviewed(document(**more, paths={"/pets": {"post": operation}}))
    return [each.message for each in found.findings]


OBJECT = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}


@pytest.mark.parametrize(
    ("schema", "example", "said"),
    [
        ({"type": "integer"}, "five", "is `five` of type `string`, but the type is `integer`"),
        ({"enum": ["cat"]}, "dog", "is `dog`, none of the 1 values of the `enum`"),
        ({"const": 1}, 2, "is `2`, not `1`"),
        ({"type": "number", "minimum": 3}, 2, "is `2`, against `minimum: 3`"),
        ({"type": "string", "maxLength": 1}, "ab", "is `ab`, against `maxLength: 1`"),
        ({"type": "string", "pattern": "^a"}, "b", "is `b`, which does not match `^a`"),
        ({"type": "string", "format": "date"}, "2026-02-30", "which is no `date`"),
        ({"type": "integer", "format": "int32"}, 2**31, "against `maximum: 2147483647`"),
        ({"type": "array", "uniqueItems": True}, [1, 1], "repeats an item"),
        (OBJECT, {}, "lacks `name`, which is required"),
        ({**OBJECT, "required": ["a", "b"]}, {}, "lacks `a`, `b`, which are required"),
        (
            {"properties": {"b": {}}, "additionalProperties": False},
            {"a": 1},
            "has `a`, which the schema does not allow",
        ),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "x", "none of the alternatives"),
        (
            {"oneOf": [{"minimum": 1}, {"minimum": 2}]},
            3,
            "is `3`, which satisfies 2 alternatives of `oneOf` at once",
        ),
        ({"not": {"type": "string"}}, "x", "which the schema excludes"),
    ],
)
def test_what_is_said(schema: dict[str, Any], example: Any, said: str) -> None:
    [message] = of_schema({**schema, "example": example})
    assert message.startswith("the example ")
    assert said in message


def test_the_place_is_that_of_what_is_wrong() -> None:
    schema = {"type": "array", "items": {"properties": {"age": {"type": "integer"}}}}
    content = document(components={"schemas": {"Pets": {**schema, "examples": [[{"age": "x"}]]}}})
    [finding] = reviewed(content).findings
    assert finding.location.pointer == "/components/schemas/Pets/examples/0/0/age"
    assert finding.message.startswith("`/0/age` of the example is")


def test_of_alternatives_the_one_that_is_meant_explains() -> None:
    cat = {"properties": {"kind": {"const": "cat"}, "lives": {"type": "integer"}}}
    dog = {"properties": {"kind": {"const": "dog"}, "tail": {"type": "boolean"}}}
    schema = {"type": "object", "oneOf": [cat, dog]}
    [message] = of_schema({**schema, "example": {"kind": "cat", "lives": "nine"}})
    assert message.startswith("`/lives` of the example is `nine`")


def test_where_several_alternatives_hold_none_explains() -> None:
    schema = {"oneOf": [{"type": "object"}, {}, {"required": ["tail"]}]}
    [message] = of_schema({**schema, "example": {"a": 1}})
    assert message.endswith("which satisfies 2 alternatives of `oneOf` at once")


def test_a_part_of_an_example_is_reported_once_by_what_says_most() -> None:
    schema = {"type": "string", "enum": ["a"], "pattern": "^a", "minLength": 1}
    [of_null] = of_schema({**schema, "example": None})
    assert of_null == "the example is `null`, but the type is `string`"
    [of_empty] = of_schema({"pattern": "^a", "minLength": 1, "example": ""})
    assert of_empty == "the example is ``, which does not match `^a`"


def test_a_component_that_many_examples_break_is_a_group_of_its_own() -> None:
    pet = {"$ref": "#/components/schemas/Pet"}
    wrong = {f"P{n}": {"properties": {"pet": pet}, "example": {"pet": {}}} for n in range(6)}
    alone = {"required": ["id"], "example": {}}
    found = reviewed(document(components={"schemas": {"Pet": OBJECT, **wrong, "Alone": alone}}))
    causes = {group.first.cause: group.count for group in found.groups}
    kind = "an example lacks what is required"
    assert causes == {f"{kind}: `Pet`": 6, kind: 1}


@pytest.mark.parametrize("side", ["request", "response"])
@pytest.mark.parametrize("mark", ["readOnly", "writeOnly"])
def test_what_does_not_travel_is_not_required(side: str, mark: str) -> None:
    schema = {**OBJECT, "properties": {"name": {"type": "string", mark: True}}}
    travels = (side, mark) in (("request", "writeOnly"), ("response", "readOnly"))
    assert bool(of_body(schema, {}, side)) is travels
    behind = {"allOf": [{"properties": schema["properties"]}, {"required": ["name"]}]}
    assert bool(of_body(behind, {}, side)) is travels
    assert of_schema({**schema, "example": {}}) == []


@pytest.mark.parametrize(
    ("schema", "example", "version"),
    [
        ({"type": "string", "nullable": True}, None, "3.0.4"),
        ({"enum": ["a"], "type": "string", "nullable": True}, None, "3.0.4"),
        ({"nullable": True, "allOf": [{"$ref": "#/components/schemas/Other"}]}, None, "3.0.4"),
        ({"type": ["string", "null"]}, None, "3.1.1"),
        ({"type": "number", "minimum": 1, "exclusiveMinimum": False}, 1, "3.0.4"),
        ({"$ref": "#/components/schemas/Other", "example": 1}, "x", "3.0.4"),  # siblings: ignored
        ({"$ref": "#/components/schemas/Gone"}, 1, "3.1.1"),
        ({"type": "string", "pattern": "("}, "x", "3.1.1"),
        ({"type": "strin"}, 1, "3.1.1"),
        ({"type": "string", "format": "email"}, "nobody", "3.1.1"),
        ({"required": "name"}, {}, "3.1.1"),
        ({"type": "integer"}, 5.0, "3.1.1"),
        (
            {"discriminator": {"propertyName": "a"}, "oneOf": [{"type": "object"}, {}]},
            {"a": "x"},
            "3.1.1",
        ),
    ],
)
def test_what_passes(schema: dict[str, Any], example: Any, version: str) -> None:
    assert of_schema({**schema, "example": example}, version, Other={"type": "string"}) == []


def test_exclusive_bounds_of_3_0() -> None:
    schema = {"type": "number", "minimum": 1, "exclusiveMinimum": True}
    assert of_schema({**schema, "example": 1}, "3.0.4") == [
        "the example is `1`, against `exclusiveMinimum: 1`"
    ]


def test_texts_of_other_media_types_are_no_values() -> None:
    assert of_body(OBJECT, "<pet/>", media="application/xml") == []
    assert of_body(OBJECT, {"nam": 1}, media="application/xml") != []
    assert of_body(OBJECT, '{"name": "Rex"}') == []  # serialised, and right
    assert of_body(OBJECT, "Rex") != []
    numbers = {"properties": {"age": {"type": "integer"}}}
    form = "application/x-www-form-urlencoded"
    assert of_body(numbers, {"age": "5"}, media=form) == []
    assert of_body(numbers, {"age": "5"}) != []


@pytest.mark.parametrize(
    ("schema", "example", "passes"),
    [
        ({"type": "integer"}, "5", True),
        ({"type": "array", "items": {"type": "integer"}}, "1,2,3", True),
        ({"type": "array", "items": {"type": "string"}}, "a|b", True),
        ({"type": "array", "items": {"type": "integer"}, "maxItems": 2}, [1, 2, 3], False),
        ({"type": "string", "enum": ["asc"]}, "up", False),
    ],
)
def test_parameters_may_be_written_as_they_are_sent(
    schema: dict[str, Any], example: Any, passes: bool
) -> None:
    parameter = {
        "name": "p",
        "in": "query",
        "schema": schema,
        "examples": {"e": {"value": example}},
    }
    found = reviewed(document(components={"parameters": {"P": parameter}})).findings
    assert (found == ()) is passes


def test_responses_of_2_0() -> None:
    response = {"description": "Pets", "schema": {"type": "array", "items": {"type": "string"}}}
    response |= {"examples": {"application/json": [1], "text/csv": "1"}}
    content = {"swagger": "2.0", "info": {"title": "Pets", "version": "1"}}
    content |= {"paths": {"/pets": {"get": {"responses": {"200": response}}}}}
    [finding] = reviewed(content).findings
    assert finding.location.pointer.endswith("/examples/application~1json/0")


def test_a_component_example_is_judged_once_a_kind_of_mistake_grouped() -> None:
    media = {"schema": {"type": "integer"}, "examples": {"e": {"$ref": "#/components/examples/E"}}}
    body = {"content": {"application/json": media}}
    paths = {
        f"/{name}": {"post": {"requestBody": body, "responses": {"200": {"description": "Done"}}}}
        for name in "ab"
    }
    content = document(paths=paths, components={"examples": {"E": {"value": "x"}}})
    report = reviewed(content)
    assert [each.location.pointer for each in report.findings] == ["/components/examples/E/value"]
    schemas = {name: {"type": "integer", "example": "x"} for name in "abc"}
    [group] = reviewed(document(components={"schemas": schemas})).groups
    assert group.count == 3


def test_a_number_written_as_text_is_mended() -> None:
    schema = {"properties": {"age": {"type": "integer"}}, "example": {"age": "5"}}
    content = document(components={"schemas": {"Pet": schema}})
    [finding] = reviewed(content, prove=True).findings
    assert finding.patch == (
        {"op": "replace", "path": "/components/schemas/Pet/example/age", "value": 5},
    )
    schema["example"] = {"age": "\u202e5"}
    assert reviewed(content).findings[0].patch == ()


def test_one_schema_that_cannot_be_judged_leaves_the_others_judged() -> None:
    schemas = {
        "Odd": {"type": "string", "example": "\ud800"},
        "Huge": {"type": "integer", "minimum": 2**70, "example": 2**71},
        "Pet": {"type": "integer", "example": "x"},
    }
    found = reviewed(document(components={"schemas": schemas})).findings
    assert [each.location.pointer for each in found] == ["/components/schemas/Pet/example"]


def test_circles_end() -> None:
    tree = {"properties": {"left": {"$ref": "#/components/schemas/Pet"}, "n": {"type": "integer"}}}
    assert of_schema({**tree, "example": {"left": {"left": {"n": "x"}}}}) != []
    assert of_schema({"$ref": "#/components/schemas/Pet", "example": 1}) == []


def test_the_schema_itself_can_be_had() -> None:
    content = document(components={"schemas": {"Pet": OBJECT}})
    api = Api(describe(json.dumps(content), "api.json", no_files))
    pet = api.description.node_at(api.root.value["components"]["schemas"]["Pet"])
    assert pet is not None
    schema = api.validation.schema(pet, Direction.REQUEST)
    assert list(schema["$defs"].values()) == [OBJECT]
    assert api.validation.admits(pet, {"name": "Rex"}, Direction.REQUEST) is True
