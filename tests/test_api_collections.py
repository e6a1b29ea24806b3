"""Lists unlike the others, cursors that no answer gives, and answers that operations share."""

from __future__ import annotations

import json
from typing import Any

import pytest
from test_rules import no_files

from backend_architect.tools.policy import Policy
from backend_architect.tools.report import Report
from backend_architect.tools.review_api import review

LIST = {"type": "array", "items": {"type": "object"}}


def paged(cursor: str = "cursor", size: str = "limit", field: str = "data", **more: Any) -> Any:
    """An operation that answers with a page; `more` are properties beside the list."""
    names = ((cursor, "string"), (size, "integer"))
    body = {"type": "object", "properties": {field: LIST, **more}} if field else LIST
    return {
        "parameters": [{"name": n, "in": "query", "schema": {"type": t}} for n, t in names],
        "responses": {
            "200": {"description": "Done", "content": {"application/json": {"schema": body}}}
        },
    }


def of(rule: str, *operations: Any, **parts: Any) -> Report:
    """The findings of one rule on a document with these GET operations, each on a path."""
    document = {
        "openapi": "3.1.1",
        "info": {"title": "Shop", "version": "1.0.0"},
        "paths": {f"/a{number}": {"get": each} for number, each in enumerate(operations)},
        **parts,
    }
    return review(json.dumps(document), "a.json", no_files, Policy(only_rules=(f"api/{rule}",)))


@pytest.mark.parametrize(
    ("operation", "found"),
    [
        (paged(), True),
        (paged(field=""), True),
        (paged(cursor="pageToken"), True),
        (paged(cursor="starting_after"), False),
        (paged(cursor="page"), False),
        (paged(next_cursor={"type": "string"}), False),
        (paged(meta={"type": "object", "properties": {"next": {}}}), False),
    ],
)
def test_a_cursor_has_to_come_from_somewhere(operation: Any, found: bool) -> None:
    assert bool(of("cursor-not-returned", operation).findings) == found
    operation["responses"]["200"]["headers"] = {"Link": {"schema": {"type": "string"}}}
    assert not of("cursor-not-returned", operation).findings


def test_outliers_name_the_support_and_split_votes_are_silent() -> None:
    odd = paged(size="per_page")
    [finding] = of("page-parameter-inconsistent", *[paged()] * 9, odd).findings
    assert "9 of 10 lists name the page size `limit`" in finding.message
    assert finding.location.pointer == "/paths/~1a9/get/parameters/1"
    assert not of("page-parameter-inconsistent", *[paged()] * 5, *[odd] * 5).findings


def test_an_envelope_named_like_the_path_is_a_convention_too() -> None:
    named = [paged(field=f"a{number}") for number in range(10)]
    assert not of("list-envelope-inconsistent", *named).findings
    [finding] = of("list-envelope-inconsistent", *named, paged(field="")).findings
    assert "bare arrays" in finding.message
    assert "10 of 11 lists" in finding.message


def test_the_response_that_others_share_is_added() -> None:
    shared = {"$ref": "#/components/responses/Slow"}
    limited = {"responses": {"200": {"description": "Done"}, "429": shared}}
    bare = {"responses": {"200": {"description": "Done"}, "400": {"description": "Wrong"}}}
    components = {"responses": {"Slow": {"description": "Wait", "headers": {"Retry-After": {}}}}}
    [finding] = of(
        "rate-limit-response-missing", *[limited] * 12, bare, components=components
    ).findings
    patch = {"op": "add", "path": "/paths/~1a12/get/responses/429", "value": shared}
    assert finding.patch == (patch,)
    assert finding.proof


def test_the_idempotency_key_that_others_share_is_added() -> None:
    shared = {"$ref": "#/components/parameters/Key"}
    answers = {"201": {"description": "Made"}, "400": {"description": "Wrong"}}
    post = {"responses": answers}
    items: dict[str, Any] = {f"/a{n}": {"post": {**post, "parameters": [shared]}} for n in range(9)}
    key = {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string"}}
    [finding] = of(
        "idempotency-key-missing",
        paths={**items, "/b": {"post": post}},
        components={"parameters": {"Key": key}},
    ).findings
    where = "/paths/~1b/post/parameters"
    assert finding.patch == ({"op": "add", "path": where, "value": [shared]},)
    assert finding.proof
