"""Values against schemas of each version: verdicts, reasons, and none where nothing is certain."""

from __future__ import annotations

import json
import random
from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
from test_api_examples import document
from test_hostile import NAMES, ODD, places
from test_rules import no_files

from backend_architect.server.jobs import REFUSALS
from backend_architect.tools.openapi.api import Api
from backend_architect.tools.openapi.document import describe
from backend_architect.tools.openapi.translation import Direction
from backend_architect.tools.policy import Policy
from backend_architect.tools.review_api import review

RULES = ("api/example-invalid", "api/default-invalid")
PET: dict[str, Any] = {
    "type": "object",
    "required": ["id", "name", "secret"],
    "properties": {
        "id": {"type": "integer", "readOnly": True},
        "name": {"type": "string", "pattern": "^[a-z]+$", "example": "rex"},
        "secret": {"type": "string", "writeOnly": True},
        "parent": {"$ref": "#/components/schemas/Pet"},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "default": ["a"]},
    },
    "example": {"name": "rex"},
}


def api_of(schema: Any, version: str = "3.1.1") -> Api:
    content = document(version, components={"schemas": {"Pet": schema}})
    return Api(describe(json.dumps(content), "api.json", no_files))


def admits(schema: Any, value: Any, version: str = "3.1.1", way: Direction = Direction.BOTH) -> Any:
    api = api_of(schema, version)
    [node] = [n for n in api.nodes("schema") if n.key == ("schemas", "Pet")]
    return api.validation.admits(node, value, way)


@pytest.mark.parametrize(
    ("value", "sent", "received"),
    [
        ({"id": 1, "name": "rex", "secret": "x"}, True, True),
        ({"name": "rex", "secret": "x"}, True, False),
        ({"id": 1, "name": "rex"}, False, True),
        ({"name": "rex"}, False, False),
        ({"name": "rex", "secret": "x", "parent": {"name": "rex", "secret": 1}}, False, False),
    ],
)
def test_what_travels_one_way_is_required_one_way(value: Any, sent: bool, received: bool) -> None:
    assert admits(PET, value, way=Direction.REQUEST) is sent
    assert admits(PET, value, way=Direction.RESPONSE) is received


@pytest.mark.parametrize(
    ("schema", "value", "in_3_0", "in_3_1"),
    [
        ({"type": "string", "nullable": True}, None, True, True),
        ({"type": ["string", "null"]}, None, True, True),  # malformed in 3.0, but plain
        ({"type": ["string", "null"]}, 1, False, False),
        ({"minimum": 1, "exclusiveMinimum": True}, 1, False, True),
        ({"exclusiveMinimum": 1}, 1, True, False),
        ({"const": 1}, 2, True, False),
        ({"patternProperties": {"^a": {"type": "string"}}}, {"a": 1}, True, False),
        ({"prefixItems": [{"type": "string"}]}, [1], True, False),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, True, False),
        ({"unevaluatedProperties": False}, {"a": 1}, True, False),
        ({"type": "integer", "format": "int32"}, 2**31, False, False),
        ({"type": "string", "format": "uuid"}, "x", False, False),
        ({"type": "string", "format": "unheard-of"}, "x", True, True),
    ],
)
def test_keywords_mean_what_the_version_says(
    schema: Any, value: Any, in_3_0: bool, in_3_1: bool
) -> None:
    assert admits(schema, value, "3.0.4") is in_3_0
    assert admits(schema, value, "3.1.1") is in_3_1
    assert admits(schema, value, "3.2.0") is in_3_1


@pytest.mark.parametrize("value", ["\ud800", {"a": "\ud800"}, float("inf"), 10**400])
def test_what_json_cannot_say_has_no_reasons(value: Any) -> None:
    api = api_of({"type": "boolean"})
    [node] = [n for n in api.nodes("schema") if n.key == ("schemas", "Pet")]
    assert api.validation.admits(node, value, Direction.BOTH) is not True
    assert all(each.keyword == "type" for each in rejections(api, node, value))
    other = rejections(api, node, "x", value)[0]
    assert other.keyword == "type"  # the others of a batch have their verdicts


def rejections(api: Api, node: Any, *values: Any) -> list[Any]:
    asked = [(node, value, Direction.BOTH) for value in values]
    return [each for found in api.validation.all_rejections(asked) for each in found]


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "array", "items": {"type": "integer"}, "default": [1, "x"]}, "`/1` of the"),
        ({"required": ["a"], "default": {"b": 1}}, "the default lacks `a`, which is required"),
        ({"additionalProperties": {"type": "string"}, "default": {"b": 1}}, "`/b` of the default"),
        ({"required": ["a"], "default": {}}, ""),
        ({"type": "array", "items": {"enum": ["a"]}, "default": ["a"]}, ""),
        ({"oneOf": [{"type": "array", "items": {"type": "null"}, "default": [1]}, {}]}, ""),
    ],
)
def test_defaults_are_validated_inside(schema: Any, said: str) -> None:
    content = json.dumps(document(components={"schemas": {"Pet": schema}}))
    found = review(content, "api.json", no_files, Policy(only_rules=RULES), prove=False).findings
    assert [each.message.startswith(said) for each in found] == ([True] if said else [])


def test_documents_of_any_shape_are_judged_or_refused() -> None:
    dice = random.Random(7)
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}, "example": 1}}
    operation = {"requestBody": {"content": content}, "responses": {"200": {"content": content}}}
    versions = ("3.0.4", "3.1.1", "3.2.0")
    bases = [
        document(each, components={"schemas": {"Pet": PET}}, paths={"/pets": {"post": operation}})
        for each in versions
    ]
    for _ in range(1_000):
        mutant = deepcopy(dice.choice(bases))
        for _ in range(dice.randint(1, 4)):
            *around, step = dice.choice(list(places(mutant)))
            inside: Any = mutant
            for key in around:
                inside = inside[key]
            value = dice.choice([*ODD, inside[step]])
            if isinstance(inside, dict) and dice.random() < 0.5:
                step = dice.choice([*NAMES, "example", "default", "pattern", "required", "enum"])
            inside[step] = deepcopy(value)
        with suppress(*REFUSALS):
            policy = Policy(only_rules=RULES)
            report = review(json.dumps(mutant), "api.json", no_files, policy, prove=False)
            assert not any("could not judge" in note for note in report.notes)
