"""Rules on errors, updates, resources: what counts as the same, and what is left alone."""

from __future__ import annotations

import json
from typing import Any

from test_rules import no_files

from backend_architect.tools.policy import Policy
from backend_architect.tools.review_api import review


def messages(rule: str, paths: dict[str, Any], **components: Any) -> list[str]:
    """What one rule says of a document with these paths and schemas."""
    document = {
        "openapi": "3.1.1",
        "info": {"title": "Shop", "version": "1.0.0"},
        "paths": paths,
        "components": {"schemas": components},
    }
    report = review(json.dumps(document), "a.json", no_files, Policy(only_rules=(rule,)))
    return [finding.message for finding in report.findings]


def body(schema: Any, media_type: str = "application/json") -> dict[str, Any]:
    return {"description": "A body", "content": {media_type: {"schema": schema}}}


def item(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def test_results_with_an_error_each_are_no_body_of_success() -> None:
    def with_fields(**fields: Any) -> list[str]:
        both = body({"$ref": "#/components/schemas/Batch"})
        paths = {"/batches": {"put": {"responses": {"200": both, "400": both}}}}
        each = {"type": "object", "properties": fields}
        batch = {"type": "object", "properties": {"items": {"type": "array", "items": each}}}
        return messages("api/error-body-of-success", paths, Batch=batch)

    assert with_fields(id={"type": "string"}) != []
    assert with_fields(id={"type": "string"}, error={"type": "string"}) == []


def test_a_status_may_be_null_in_problem_details() -> None:
    def with_status(kind: Any) -> list[str]:
        problem = {"type": "object", "properties": {"status": {"type": kind}}}
        error = body(problem, "application/problem+json")
        paths = {"/a": {"put": {"responses": {"200": {"description": "Done"}, "400": error}}}}
        return messages("api/problem-member-type", paths)

    assert with_status(["integer", "null"]) == []
    assert with_status(["string", "null"]) == [
        "`status` is `string` in `application/problem+json`, where RFC 9457 has a number"
    ]


def test_words_for_a_choice_of_the_server_may_be_written_and_not_read() -> None:
    def with_kinds(*kinds: str) -> list[str]:
        def pet(values: list[str]) -> dict[str, Any]:
            kind = {"type": "string", "enum": values}
            return body({"type": "object", "properties": {"name": {}, "kind": kind}})

        read = {"200": pet(["cat", "dog"])}
        write = {"requestBody": pet(["cat", *kinds]), "responses": read}
        paths = {
            "/pets": {"post": write},
            "/pets/{id}": {"parameters": [item("id")], "get": {"responses": read}},
        }
        return messages("api/written-value-unreadable", paths)

    assert with_kinds("auto", "default") == []
    assert with_kinds("owl") == ["`kind` may be set to `owl` and never reads so"]


def test_read_only_fields_are_not_required_of_a_merge_patch() -> None:
    def requiring(*names: str) -> list[str]:
        fields = {"id": {"type": "string", "readOnly": True}, "name": {"type": "string"}}
        schema = {"type": "object", "required": names, "properties": fields}
        patch = {"requestBody": body(schema, "application/merge-patch+json; charset=utf-8")}
        return messages("api/merge-patch-requires", {"/pet": {"patch": patch}})

    assert requiring("id") == []
    assert requiring("id", "name") == ["a merge patch requires `name`"]


def test_a_webhook_is_signed_by_header_scheme_field_or_word() -> None:
    def of(operation: dict[str, Any], about: str = "") -> list[str]:
        document = {
            "openapi": "3.1.1",
            "info": {"title": "Shop", "version": "1.0.0", "description": about},
            "webhooks": {"sold": {"post": operation}},
        }
        policy = Policy(only_rules=("api/webhook-unsigned",))
        report = review(json.dumps(document), "a.json", no_files, policy)
        return [finding.message for finding in report.findings]

    header = {"name": "X-Shop-Hmac-Sha256", "in": "header", "schema": {"type": "string"}}
    assert of({}) == ["nothing tells a receiver of `sold` that it is genuine"]
    assert of({"parameters": [header]}) == []
    assert of({"security": [{"token": []}]}) == []
    assert of({"description": "The body is signed."}) == []
    assert of({}, "Each webhook has a signature.") == []
    assert of({}, "The seller signed the contract.") != []


def test_where_the_outcome_of_accepted_work_shows() -> None:
    def of(path: str, **response: Any) -> list[str]:
        accepted = {"post": {"responses": {"202": {"description": "Started", **response}}}}
        read = {"200": body({"type": "object", "properties": {"name": {}}})}
        parameters = [item("id")]
        paths: dict[str, Any] = {
            "/pets/{id}": {"parameters": parameters, "get": {"responses": read}}
        }
        paths[path] = accepted if "{" not in path else {"parameters": parameters, **accepted}
        return messages("api/accepted-without-status", paths)

    said = {"type": "object", "properties": {"message": {"type": "string"}}}
    assert of("/exports") == ["`POST /exports` answers `202` and names no place for the outcome"]
    assert of("/exports", content={"application/json": {"schema": said}}) != []
    assert of("/exports", headers={"Operation-Location": {"schema": {"type": "string"}}}) == []
    assert of("/pets/{id}/groom") == []
    assert of("/events") == []
