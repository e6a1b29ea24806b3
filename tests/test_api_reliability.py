"""Retries, preconditions and limits: what counts as safe, and what is left alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from test_rules import no_files

from backend_architect.tools.policy import Policy
from backend_architect.tools.report import Finding
from backend_architect.tools.review_api import review

KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Remembered for 24 hours",
    "schema": {"type": "string"},
}
DONE = {"201": {"description": "Done"}, "409": {"description": "Running"}}


def found(rule: str, paths: dict[str, Any], **info: str) -> tuple[Finding, ...]:
    document = {
        "openapi": "3.1.1",
        "info": {"title": "Bank", "version": "1.0.0", **info},
        "paths": paths,
    }
    return review(json.dumps(document), "a.json", no_files, Policy(only_rules=(rule,))).findings


def post(*fields: str, **more: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in fields}}
    body = {"content": {"application/json": {"schema": schema}}}
    return {"post": {"requestBody": body, "responses": DONE, **more}}


@pytest.mark.parametrize(
    ("path", "item", "count"),
    [
        ("/payments", post("amount"), 1),
        ("/orders/{id}/refund", post(), 1),
        ("/accounts/{id}/transfers", post("amount"), 1),
        ("/repos/{id}/transfer", post("new_owner"), 0),
        ("/payments/{id}", post("amount"), 0),
        ("/payments/search", post("amount"), 0),
        ("/payments", post("amount", "merchant_reference"), 0),
        ("/payments", post("amount", parameters=[KEY]), 0),
        ("/payments", post("amount", description="Idempotent by amount and day"), 0),
        ("/pets", post("name"), 0),
    ],
)
def test_what_moves_money_needs_a_key(path: str, item: dict[str, Any], count: int) -> None:
    assert len(found("api/idempotency-key-missing", {path: item})) == count


def test_a_text_about_idempotency_is_taken_at_its_word() -> None:
    paths = {"/payments": post("amount")}
    told = "Send an Idempotency-Key header with any POST."
    assert found("api/idempotency-key-missing", paths, description=told) == ()


def test_where_most_take_a_key_all_that_create_need_one() -> None:
    keyed = {f"/{name}": post(parameters=[KEY]) for name in ("cats", "dogs", "vets")}
    assert found("api/idempotency-key-missing", {**keyed, "/owners/search": post()}) == ()
    [finding] = found("api/idempotency-key-missing", {**keyed, "/owners": post()})
    assert finding.cause == "3 of 4 POST operations take an idempotency key"


def test_a_version_in_the_body_is_a_precondition() -> None:
    answer = {"200": {"description": "A pet", "headers": {"etag": {"schema": {}}}}}
    update = {"put": post("name")["post"], "get": {"responses": answer}}
    [finding] = found("api/update-without-precondition", {"/pets/{id}": update})
    assert finding.evidence == "`GET /pets/{id}` returns an `ETag`"
    versioned = {**update, "put": post("name", "row_version")["post"]}
    assert found("api/update-without-precondition", {"/pets/{id}": versioned}) == ()


def test_a_condition_may_lie_in_the_members_of_a_list() -> None:
    item = {"type": "object", "properties": {"pattern_version": {"type": "string"}}}
    body = {"properties": {"patterns": {"type": "array", "items": item}}}
    operation = {
        "requestBody": {"content": {"application/json": {"schema": body}}},
        "responses": {"412": {"description": "Changed meanwhile"}},
    }
    assert found("api/precondition-unpaired", {"/patterns": {"patch": operation}}) == ()


def test_conditions_to_read_need_no_412() -> None:
    condition = {"name": "If-None-Match", "in": "header", "schema": {"type": "string"}}
    read = {"parameters": [condition], "responses": {"200": {"description": "A pet"}}}
    assert found("api/precondition-unpaired", {"/pets": {"get": read}}) == ()


@pytest.mark.parametrize(
    "answer",
    [
        {"headers": {"RETRY-AFTER": {}}},
        {"headers": {"X-RateLimit-Reset": {}}},
        {"headers": {"RateLimit": {}}},
        {"description": "Wait as long as Retry-After says"},
        {"content": {"application/json": {"schema": {"properties": {"retry_after": {}}}}}},
    ],
)
def test_the_time_to_wait_can_be_said_in_several_ways(answer: dict[str, Any]) -> None:
    paths = {"/pets": {"get": {"responses": {"429": {"description": "Slow down", **answer}}}}}
    assert found("api/rate-limit-without-retry-after", paths) == ()


def test_a_shared_response_is_reported_once() -> None:
    slow = {"description": "Slow down"}
    operations = {method: {"responses": {"429": {"$ref": "#/x"}}} for method in ("get", "put")}
    paths = {"/pets": operations, "/vets": {"get": {"responses": {"429": slow}}}}
    document = {
        "openapi": "3.1.1",
        "info": {"title": "Pets", "version": "1.0.0"},
        "paths": json.loads(json.dumps(paths).replace("#/x", "#/components/responses/Slow")),
        "components": {"responses": {"Slow": slow}},
    }
    policy = Policy(only_rules=("api/rate-limit-without-retry-after",))
    findings = review(json.dumps(document), "a.json", no_files, policy).findings
    assert len(findings) == 2
    assert {finding.cause for finding in findings} == {
        "2 of 2 descriptions of `429` do not say when to try again"
    }
