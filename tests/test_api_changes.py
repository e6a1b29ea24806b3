"""What a new version of an API does to clients: every rule by its examples, and the whole."""

from __future__ import annotations

from time import process_time
from typing import Any

import pytest
import yaml

from backend_architect.tools.openapi.document import Unreadable
from backend_architect.tools.policy import Policy
from backend_architect.tools.report import Report
from backend_architect.tools.review_api.changes import Version, compare
from backend_architect.tools.review_api.changes.rules import RULES
from backend_architect.tools.rule import Rule
from backend_architect.tools.source import Source, load

ROOT_KEYS = {"paths", "components", "security", "servers", "webhooks"}


def no_files(base: str, reference: str) -> Source:
    raise Unreadable("there are no other files here")


def document(part: dict[str, Any], version: str = "3.1.1") -> str:
    """A whole document: of a part of one operation, or with parts of its own."""
    whole: dict[str, Any] = {"openapi": version, "info": {"title": "Orders", "version": "1.0.0"}}
    whole["paths"] = {}
    if part.keys() & ROOT_KEYS:
        whole |= part
    else:
        whole["paths"] = {"/orders": {"post": {"responses": {"200": {"description": "."}}} | part}}
    return yaml.safe_dump(whole)


def compared(before: str, after: str, **more: Any) -> Report:
    new, old = Version(after, "new.yaml", no_files), Version(before, "old.yaml", no_files)
    return compare(new, old, **more)


def pair(example: str) -> tuple[str, str]:
    data = yaml.safe_load(example)
    return document(data["before"]), document(data["after"])


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.id) for rule in RULES])
def test_a_rule_tells_its_bad_example_and_not_its_good_one(rule: Rule) -> None:
    assert rule.id in {finding.rule for finding in compared(*pair(rule.bad)).findings}
    found = {finding.rule for finding in compared(*pair(rule.good)).findings}
    assert rule.id not in found
    assert not any(id.startswith("breaking/") for id in found)


def test_a_version_is_compared_by_what_it_means() -> None:
    old = document(
        {
            "components": {
                "schemas": {
                    "A": {"type": "string", "nullable": True, "enum": ["x"]},
                    "B": {"allOf": [{"type": "integer", "minimum": 1, "exclusiveMinimum": True}]},
                    "Tree": {"properties": {"next": {"$ref": "#/components/schemas/Tree"}}},
                }
            },
            "paths": _uses("/a/{id}/{kind}", ["A", "B", "Tree"]),
        },
        "3.0.3",
    )
    new = document(
        {
            "components": {
                "schemas": {
                    "X": {"anyOf": [{"type": "null"}, {"const": "x", "type": "string"}]},
                    "Y": {"type": "integer", "exclusiveMinimum": 1},
                    "Node": {"properties": {"next": {"$ref": "#/components/schemas/Node"}}},
                }
            },
            "paths": _uses("/a/{one}/{two}", ["X", "Y", "Node"]),
        }
    )
    found = [f for f in compared(old, new).findings if f.rule != "change/description"]
    assert [f.message for f in found] == []


def _uses(path: str, names: list[str]) -> dict[str, Any]:
    properties = {str(n): {"$ref": f"#/components/schemas/{name}"} for n, name in enumerate(names)}
    schema = {"type": "object", "properties": properties}
    body = {"content": {"application/json": {"schema": schema}}}
    parameters = [
        {"name": name.strip("{}"), "in": "path", "required": True, "schema": {"type": "string"}}
        for name in path.split("/")[2:]
    ]
    responses = {"200": {"description": ".", **body}}
    return {path: {"put": {"parameters": parameters, "requestBody": body, "responses": responses}}}


def test_consumers_break_on_what_they_use_only() -> None:
    before, after = pair(next(r.bad for r in RULES if r.id == "breaking/response-property-removed"))
    usage = """
    consumers:
      - {name: one, operations: {POST /orders: [size]}}
      - {name: two, operations: {POST /orders: [note]}}
      - {name: three, operations: [GET /orders]}
    """
    report = compared(before, after, usage=load(usage, "usage.yaml"))
    assert report.overviews[0]["consumers"] == {"one": ["POST /orders"], "two": [], "three": []}
    har = """{"log": {"entries": [{"request": {"method": "POST", "headers":
      [{"name": "User-Agent", "value": "app/1"}], "url": "https://api.example.com/v1/orders?x=1"}}]}}
    """
    report = compared(before, after, usage=load(har, "calls.har"))
    assert report.overviews[0]["consumers"] == {"app/1": ["POST /orders"]}
    report = compared(before, after, usage=load(before, "client.yaml"))
    assert report.overviews[0]["consumers"] == {"Orders": ["POST /orders"]}


def test_recorded_calls_break_on_what_they_send() -> None:
    def broken(rule: str, query: str, body: str = "") -> list[str]:
        before, after = pair(next(r.bad for r in RULES if r.id == rule))
        request = {"method": "POST", "url": f"https://example.com/orders{query}"}
        calls = {"log": {"entries": [{"request": request | {"postData": {"text": body}}}]}}
        report = compared(before, after, usage=load(yaml.safe_dump(calls), "calls.har"))
        return [name for name, calls in report.overviews[0]["consumers"].items() if calls]

    assert broken("breaking/parameter-narrowed", "?limit=60") == ["recorded calls"]
    assert broken("breaking/parameter-narrowed", "?other=60") == []
    assert broken("breaking/parameter-required", "") == ["recorded calls"]
    assert broken("breaking/parameter-required", "?limit=1") == []
    assert broken("breaking/request-narrowed", "", '{"note": "x"}') == ["recorded calls"]
    assert broken("breaking/request-narrowed", "", "{}") == []


def test_the_version_step_follows_from_what_breaks() -> None:
    steps = {
        "breaking/operation-removed": "major",
        "change/addition": "minor",
        "change/description": "patch",
    }
    for rule in RULES:
        if rule.id in steps:
            overview = compared(*pair(rule.bad)).overviews[0]
            assert (overview["version_step"], overview["version_enough"]) == (steps[rule.id], False)
    same = document({})
    assert compared(same, same, policy=Policy()).overviews[0]["version_step"] == "none"


@pytest.mark.parametrize("keyword", ["oneOf", "anyOf", "allOf"])
def test_schemas_made_of_each_other_cost_little(keyword: str) -> None:
    def tangle(prefix: str, more: dict[str, Any]) -> str:
        names = [f"{prefix}{n}" for n in range(20)]
        members = [{"$ref": f"#/components/schemas/{name}"} for name in names]
        schemas = {
            name: {keyword: [*members, {"properties": {"a": {"maxLength": n}}}]} | more
            for n, name in enumerate(names)
        }
        body = {"content": {"application/json": {"schema": members[0]}}}
        paths = {"/a": {"post": {"requestBody": body}}}
        return document({"paths": paths, "components": {"schemas": schemas}})

    started = process_time()
    assert compared(tangle("A", {}), tangle("B", {"maxProperties": 3})).findings
    assert process_time() - started < 5
