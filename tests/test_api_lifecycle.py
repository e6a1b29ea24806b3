"""What is deprecated: by its text, by its mark, and until when."""

from __future__ import annotations

import json
from typing import Any

import pytest
from test_rules import no_files

from backend_architect.tools.policy import Policy
from backend_architect.tools.report import Report
from backend_architect.tools.review_api import review


def of(rule: str, **operation: Any) -> Report:
    """The findings of one rule on a document with this operation."""
    document = {
        "openapi": "3.1.1",
        "info": {"title": "Shop", "version": "1.0.0"},
        "paths": {"/pets": {"get": {"responses": {"200": {"description": "Pets"}}, **operation}}},
    }
    return review(json.dumps(document), "a.json", no_files, Policy(only_rules=(f"api/{rule}",)))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Deprecated. Use another.", True),
        ("[DEPRECATED] Log entries", True),
        ("Lists pets.\n\n**Deprecated**: use another", True),
        ("This endpoint is now **deprecated**", True),
        ("Deprecated pets, and those that are not", False),
        ("`function_call` (deprecated) or `tools`", False),
        ("`number` is deprecated, use `created`", False),
        ("Will be deprecated one day", False),
    ],
)
def test_a_text_that_says_so_is_told_from_one_about_something_else(text: str, told: bool) -> None:
    assert bool(of("deprecated-in-text-only", description=text).findings) == told


def test_marking_what_the_text_says_is_a_fix_that_holds() -> None:
    [finding] = of("deprecated-in-text-only", summary="Deprecated: use /animals").findings
    assert finding.proof
    assert finding.patch == ({"op": "add", "path": "/paths/~1pets/get/deprecated", "value": True},)


@pytest.mark.parametrize(
    "told",
    [
        {"description": "Superseded by the animals"},
        {"x-sunset": "2027-01-01"},
        {"externalDocs": {"url": "https://example.com/moving"}},
        {"responses": {"200": {"description": "Pets", "headers": {"Sunset": {}}}}},
    ],
)
def test_any_hint_at_the_end_or_the_successor_is_enough(told: dict[str, Any]) -> None:
    assert of("deprecated-without-successor", deprecated=True).findings
    assert not of("deprecated-without-successor", deprecated=True, **told).findings


@pytest.mark.parametrize(
    ("dates", "seen"),
    [
        ({"x-sunset": "soon"}, "no date"),
        ({"x-sunset-date": "2026-01-01", "x-deprecated-on": "2026-01-02"}, "before"),
        ({"x-sunset": "2026-01-02", "x-deprecated-at": "2026-01-01T00:00:00Z"}, ""),
        ({"x-sunset": {"by": []}, "x-deprecated-at": None}, ""),
    ],
)
def test_dates_are_read_and_compared(dates: dict[str, Any], seen: str) -> None:
    messages = [finding.message for finding in of("sunset-invalid", **dates).findings]
    assert len(messages) == bool(seen)
    assert all(seen in message for message in messages)


@pytest.mark.parametrize(
    ("name", "header", "wrong"),
    [
        ("deprecation", {"schema": {"type": "boolean"}}, True),
        ("Deprecation", {"schema": {"type": "string"}, "example": "true"}, True),
        ("Deprecation", {"schema": {"type": "string", "examples": ["@1688169599"]}}, False),
        ("Sunset", {"schema": {"type": "string"}, "example": "2026-12-31"}, True),
        ("Sunset", {"description": "When it ends"}, False),
    ],
)
def test_headers_have_the_form_of_their_rfc(name: str, header: Any, wrong: bool) -> None:
    responses = {"200": {"description": "Pets", "headers": {name: header}}}
    assert bool(of("lifecycle-header-malformed", responses=responses).findings) == wrong


def test_what_only_deprecated_operations_take_may_stay_required() -> None:
    parameter = {"name": "zoo", "in": "query", "required": True, "deprecated": True, "schema": {}}
    assert of("deprecated-required", parameters=[parameter]).findings
    assert not of("deprecated-required", parameters=[parameter], deprecated=True).findings


def paths(*names: str, **parts: Any) -> dict[str, Any]:
    """The parts of a document with these paths."""
    usual = {"get": {"responses": {"200": {"description": "Done"}}}}
    document = {"openapi": "3.1.1", "info": {"title": "Shop", "version": "1.0.0"}}
    return {**document, "paths": dict.fromkeys(names, usual), **parts}


def versions(rule: str, document: dict[str, Any]) -> list[str]:
    policy = Policy(only_rules=(f"api/{rule}",))
    return [f.message for f in review(json.dumps(document), "a.json", no_files, policy).findings]


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("https://example.com/api/v1/", True),
        ("/V1", True),
        ("https://example.com/v2", False),
        ("https://example.com/", False),
        ("http://[", False),
    ],
)
def test_a_version_in_the_address_and_in_the_paths_is_told(address: str, told: bool) -> None:
    document = paths("/v1/pets", "/v1/vets", "/health", servers=[{"url": address}])
    messages = versions("path-version-repeated", document)
    assert len(messages) == told
    assert all("2 of 3 paths" in message for message in messages)


def test_paths_that_need_no_version_are_no_outliers() -> None:
    usual = [f"/api/v1/{letter}" for letter in "abcdefghijk"]
    free = ["/api/", "/health", "/.well-known/jwks.json", "/oauth/token"]
    assert not versions("path-version-missing", paths(*usual, *free))
    [message] = versions("path-version-missing", paths(*usual, *free, "/pets"))
    assert "`/pets`" in message
