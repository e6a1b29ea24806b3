"""What no value satisfies: a contradiction is claimed only where there is one."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend_architect.tools.openapi.api import Api
from backend_architect.tools.openapi.document import Node, Unreadable, describe
from backend_architect.tools.source import Source


def no_files(base: str, reference: str) -> Source:
    raise Unreadable("there are no other files here")


def api_of(schemas: dict[str, Any], version: str = "3.1.1") -> Api:
    document = {
        "openapi": version,
        "info": {"title": "T", "version": "1"},
        "paths": {},
        "components": {"schemas": schemas},
    }
    return Api(describe(json.dumps(document), "api.json", no_files))


def component(api: Api, name: str) -> Node:
    found = api.description.node_at(api.root.value["components"]["schemas"][name])
    assert found is not None
    return found


UNSATISFIABLE = {
    "types": {"allOf": [{"type": "string"}, {"type": ["integer", "null"]}]},
    "bounds of two": {"type": "integer", "allOf": [{"minimum": 5}, {"exclusiveMaximum": 5}]},
    "no integer between": {"type": "integer", "minimum": 1.2, "maximum": 1.8},
    "no multiple": {"type": "number", "multipleOf": 0.7, "minimum": 0.8, "maximum": 1.3},
    "pattern too long": {"type": "string", "pattern": "^[a-z]{3,}$", "maxLength": 2},
    "pattern too short": {"type": "string", "pattern": "^(a|bc)$", "minLength": 3},
    "enum out of bounds": {"enum": [1, 2], "minimum": 3},
    "enums apart": {"allOf": [{"enum": ["a", "b"]}, {"enum": ["c"]}]},
    "too many required": {"type": "object", "required": ["a", "b"], "maxProperties": 1},
    "closed": {"type": "object", "required": ["b"], "additionalProperties": False},
    "closed without evaluation": {
        "type": "object",
        "required": ["b"],
        "properties": {"a": True},
        "unevaluatedProperties": False,
    },
    "too few to choose": {
        "type": "object",
        "minProperties": 2,
        "properties": {"a": {}},
        "additionalProperties": False,
    },
    "forbidden name": {"type": "object", "required": ["B"], "propertyNames": {"pattern": "^[a-z]"}},
    "dependent": {
        "type": "object",
        "required": ["a"],
        "dependentRequired": {"a": ["b"]},
        "properties": {"b": False},
    },
    "required of two types": {
        "allOf": [
            {"type": "object", "properties": {"a": {"type": "string"}}},
            {"required": ["a"], "properties": {"a": {"type": "integer"}}},
        ]
    },
    "items of two types": {
        "type": "array",
        "minItems": 1,
        "items": {"type": "string"},
        "allOf": [{"items": {"type": "integer"}}],
    },
    "more than there are": {
        "type": "array",
        "minItems": 3,
        "uniqueItems": True,
        "items": {"enum": ["a", "b"]},
    },
    "contains": {"type": "array", "contains": {"type": "string"}, "maxItems": 0},
    "no alternative": {"type": "string", "anyOf": [{"type": "integer"}, {"enum": [5]}]},
    "not of everything": {"not": {}},
    "through references": {"allOf": [{"$ref": "#/components/schemas/Text"}, {"type": "object"}]},
}
SATISFIABLE = {
    "other kinds pass": {"minLength": 3, "maxLength": 2},
    "integers are numbers": {"allOf": [{"type": "number"}, {"type": "integer"}]},
    "an alternative": {"type": "string", "oneOf": [{"type": "integer"}, {"minLength": 1}]},
    "empty array": {"type": "array", "items": False},
    "optional": {"type": "object", "properties": {"a": False}},
    "patterned": {
        "type": "object",
        "required": ["b"],
        "patternProperties": {"b": {}},
        "additionalProperties": False,
    },
    "pattern inside": {"type": "string", "pattern": "[a-z]{2}", "maxLength": 2},
    "a circle": {"allOf": [{"$ref": "#/components/schemas/Circle"}]},
}
OTHERS = {"Text": {"type": "string"}, "Circle": {"$ref": "#/components/schemas/Schema"}}


@pytest.mark.parametrize("schema", UNSATISFIABLE.values(), ids=UNSATISFIABLE)
def test_a_contradiction_is_found(schema: dict[str, Any]) -> None:
    api = api_of({"Schema": schema, **OTHERS})
    assert api.satisfiability.contradictions(component(api, "Schema"))


@pytest.mark.parametrize("schema", SATISFIABLE.values(), ids=SATISFIABLE)
def test_what_some_value_satisfies_is_no_contradiction(schema: dict[str, Any]) -> None:
    api = api_of({"Schema": schema, **OTHERS})
    assert api.satisfiability.contradictions(component(api, "Schema")) == ()


NAMES = st.sampled_from(["a", "b", "c"])
SMALL = st.integers(0, 3)
TEXTS = st.sampled_from(["", "a", "ab", "b"])
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-2, 4), st.just(1.5), TEXTS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
TYPES = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])


def schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, min_size=1, max_size=3)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
            "enum": st.lists(VALUES, min_size=1, max_size=3),
            "const": SCALARS,
            "minimum": SMALL,
            "exclusiveMaximum": SMALL,
            "multipleOf": st.sampled_from([1, 2, 0.5, 3]),
            "minLength": SMALL,
            "maxLength": SMALL,
            "pattern": st.sampled_from(["^a+$", "^[ab]$", "b", "^a|b$", "^(aa|b){2}$"]),
            "minItems": SMALL,
            "maxItems": SMALL,
            "uniqueItems": st.booleans(),
            "items": inner,
            "prefixItems": several,
            "contains": inner,
            "minContains": SMALL,
            "properties": st.dictionaries(NAMES, inner, max_size=3),
            "patternProperties": st.dictionaries(st.sampled_from(["a", "^b$"]), inner, max_size=1),
            "required": st.lists(NAMES, max_size=3, unique=True),
            "additionalProperties": inner,
            "unevaluatedProperties": st.booleans(),
            "minProperties": SMALL,
            "maxProperties": SMALL,
            "propertyNames": inner,
            "dependentRequired": st.dictionaries(NAMES, st.lists(NAMES, max_size=2), max_size=1),
            "allOf": several,
            "anyOf": several,
            "oneOf": several,
            "not": inner,
            "$ref": st.sampled_from(["#/components/schemas/Schema", "#/components/schemas/Other"]),
        },
    )


SCHEMAS = st.recursive(
    st.booleans() | st.just({}) | TYPES.map(lambda name: {"type": name}), schemas, max_leaves=8
)


@settings(max_examples=150, deadline=None)
@given(schema=SCHEMAS, other=SCHEMAS, values=st.lists(VALUES, min_size=1, max_size=12))
def test_no_schema_that_a_value_satisfies_is_called_contradictory(
    schema: Any, other: Any, values: list[Any]
) -> None:
    components = {"Schema": {"allOf": [schema]}, "Other": {"allOf": [other]}}
    try:
        valid = jsonschema_rs.Draft202012Validator(
            {"$ref": "#/components/schemas/Schema", "components": {"schemas": components}}
        )
        satisfied = any(valid.is_valid(value) for value in values)
    except (ValueError, jsonschema_rs.ReferencingError):
        return  # references in a circle
    api = api_of(components)
    found = api.satisfiability.contradictions(component(api, "Schema"))
    assert not (satisfied and found), found
