"""Security rules on APIs: what they leave alone, beside their examples."""

from __future__ import annotations

import json
from typing import Any

import pytest

from backend_architect.server.workspace import Workspace
from backend_architect.tools.policy import Policy
from backend_architect.tools.review_api import review

SCHEMES = {
    "token": {"type": "http", "scheme": "bearer"},
    "login": {
        "type": "oauth2",
        "flows": {
            "clientCredentials": {
                "tokenUrl": "https://id.example.com/token",
                "scopes": {"pets:read": "See pets", "pets:write": "Change pets"},
            }
        },
    },
}


def found(rule: str, paths: dict[str, Any]) -> list[str]:
    document = {
        "openapi": "3.1.1",
        "info": {"title": "Pets", "version": "1"},
        "security": [{"token": []}],
        "paths": paths,
        "components": {"securitySchemes": SCHEMES},
    }
    policy = Policy(only_rules=(rule,))
    report = review(json.dumps(document), "a.json", Workspace(()).reader, policy, prove=False)
    return [finding.message for finding in report.findings]


def sending(**properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties}
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}}


@pytest.mark.parametrize(
    ("path", "name", "more", "fires"),
    [
        ("/webhooks", "url", {}, True),
        ("/links", "url", {}, False),
        ("/profile", "picture_url", {}, True),
        ("/profile", "website_url", {}, False),
        ("/orders", "return_url", {}, False),
        ("/orders", "callback", {"enum": ["https://a.example.com"]}, False),
        ("/orders", "callback_url", {"pattern": "^https://hooks\\.example\\.com/"}, False),
        ("/orders", "callback_url", {"pattern": "^https://"}, True),
        ("/orders", "callback_url", {"description": "Private addresses are refused"}, False),
        ("/orders", "callback_url", {"description": "Fetched with no allowlist"}, True),
        ("/orders", "callback_url", {"description": "Only allowed hosts"}, False),
        ("/gateways", "endpoint", {}, False),
        ("/orders", "supplier_api", {"example": "http://localhost:8000/api"}, True),
    ],
)
def test_addresses_that_a_server_fetches(
    path: str, name: str, more: dict[str, Any], fires: bool
) -> None:
    value = {"type": "string", **more}
    told = found("api/server-side-request-possible", {path: {"post": sending(**{name: value})}})
    assert bool(told) is fires


@pytest.mark.parametrize(
    ("schema", "fires"),
    [
        ({"type": "integer"}, True),
        ({"type": "integer", "maximum": 3}, False),
        ({"type": "boolean"}, False),
    ],
)
def test_work_that_a_client_multiplies(schema: dict[str, Any], fires: bool) -> None:
    post = sending(number_of_repeats=schema)
    assert bool(found("api/work-multiplier-unbounded", {"/calls": {"post": post}})) is fires


@pytest.mark.parametrize(
    ("text", "fires"),
    [
        ("Password is not correct for the given username.", True),
        ("No account: user not found", True),
        ("Invalid username or password", False),
        ("Username or password is not valid", False),
        ("Invalid username/password supplied", False),
        ("The request is malformed", False),
    ],
)
def test_errors_of_a_login_that_tell_accounts(text: str, fires: bool) -> None:
    body = sending(username={"type": "string"}, password={"type": "string"})
    login = {"post": {**body, "security": [], "responses": {"400": {"description": text}}}}
    assert bool(found("api/account-enumerable", {"/login": login})) is fires


def test_accounts_are_looked_up_by_anyone_only_where_the_key_names_one() -> None:
    responses = {"200": {"description": "It"}, "404": {"description": "Not found"}}
    open_ = {"get": {"security": [], "responses": responses}}
    closed = {"get": {"responses": responses}}
    paths = {"/users/{username}": open_, "/labels/{name}": open_, "/members/{username}": closed}
    assert found("api/account-enumerable", paths) == [
        "`GET /users/{username}` tells anyone by 200 or 404 whether `username` exists"
    ]


def test_versions_side_by_side_matter_for_sensitive_steps_that_are_not_deprecated() -> None:
    step = {"security": [], **sending(email={"type": "string"}, password={"type": "string"})}
    paths = {
        "/v1/pets": {"get": {}},
        "/v2/pets": {"get": {}},
        "/v1/login": {"post": {**step, "deprecated": True}},
        "/v2/login": {"post": step},
        "/v1/register": {"post": step},
        "/v2/register": {"post": step},
    }
    assert len(found("api/step-in-several-versions", paths)) == 2


def test_open_calls_that_change_data_by_get_are_unprotected() -> None:
    paths: dict[str, Any] = {
        "/reports/create": {"get": {"security": []}},
        "/reports": {"get": {"security": []}},
    }
    paths |= {f"/things/{n}": {"post": {}} for n in range(3)}
    assert len(found("api/operation-unprotected", paths)) == 1


def test_a_subscription_is_a_resource_but_that_of_a_newsletter() -> None:
    open_ = {"summary": "Subscribe", "security": []}
    paths: dict[str, Any] = {f"/things/{n}": {"post": {}} for n in range(3)}
    paths |= {"/webhook-subscriptions": {"post": open_}, "/newsletter": {"post": open_}}
    told = found("api/operation-unprotected", paths)
    assert len(told) == 1
    assert "webhook-subscriptions" in told[0]


def test_the_least_of_the_neighbours_scopes_is_an_outlier() -> None:
    def needs(scope: str) -> dict[str, Any]:
        return {"security": [{"login": [scope]}]}

    paths = {
        "/pets/{id}": {
            "get": needs("pets:read"),
            "put": needs("pets:write"),
            "delete": needs("pets:read"),
        },
        "/admin/pets": {"get": {}},
        "/owners/{id}/admin": {"put": {}},
        "/pets": {"get": {}, "post": {}},
    }
    told = found("api/authorization-outlier", paths)
    assert len(told) == 2
    assert any("DELETE /pets/{id}" in message for message in told)
    assert any("GET /admin/pets" in message for message in told)


def test_guessable_ids_of_people_matter_where_no_refusal_is_documented() -> None:
    def get(kind: str, *codes: str) -> dict[str, Any]:
        owner = {"type": "object", "properties": {"email": {"type": "string"}}}
        schema = {"type": "object", "properties": {"owner": owner}}
        content = {"application/json": {"schema": schema}}
        responses: dict[str, Any] = {"200": {"description": "It", "content": content}}
        responses |= {code: {"description": "No"} for code in codes}
        id = {"name": "id", "in": "path", "required": True, "schema": {"type": kind}}
        return {"get": {"parameters": [id], "responses": responses}}

    paths = {
        "/reports/{id}": get("integer"),
        "/notes/{id}": get("integer", "404"),
        "/files/{id}": get("string"),
        "/bills/{id}": get("integer", "403"),
    }
    told = found("api/object-id-guessable", paths)
    assert len(told) == 1
    assert "GET /reports/{id}" in told[0]


@pytest.mark.parametrize(
    ("beside", "fires"), [("nickname", True), ("city", False), ("expires_in", False)]
)
def test_a_pin_is_a_credential_but_not_that_of_an_address(beside: str, fires: bool) -> None:
    schema = {"type": "object", "properties": {"pin_code": {"type": "string"}, beside: {}}}
    content = {"application/json": {"schema": schema}}
    get = {"responses": {"200": {"description": "It", "content": content}}}
    assert bool(found("api/secret-readable", {"/lockers/first": {"get": get}})) is fires


def test_what_is_one_persons_business_by_its_path_is_not_for_anyone() -> None:
    id = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    open_ = {"get": {"security": [], "parameters": [id], "responses": {}}}
    paths = {
        "/accounts/{id}/balance": open_,
        "/articles/{id}": open_,
        "/sort-orders/{id}": open_,
        "/pets": {"get": {}},
    }
    assert found("api/personal-data-unprotected", paths) == [
        "`GET /accounts/{id}/balance` returns the `balance` of anybody to anyone"
    ]


def test_a_reset_token_in_the_request_is_the_credential() -> None:
    new = {"password": {"type": "string"}}
    reset = sending(token={"type": "string"}, **new)
    paths: dict[str, Any] = {f"/things/{n}": {"post": {}} for n in range(3)}
    paths |= {"/password/update": {"post": {"security": [], **reset}}}
    assert found("api/operation-unprotected", paths) == []


def test_a_test_of_something_is_no_internal_area() -> None:
    open_: dict[str, Any] = {"get": {"security": []}}
    paths = {"/notifications/test": open_, "/api/internal/config": open_}
    assert len(found("api/debug-operation-exposed", paths)) == 1


def test_a_moment_of_repetition_is_no_number_of_them() -> None:
    post = sending(repeat_after={"type": "integer"})
    assert found("api/work-multiplier-unbounded", {"/tasks": {"post": post}}) == []
