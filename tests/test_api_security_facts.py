"""What names tell, who may call, what an operation is for, and who asks for less."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fragments import OPENAPI, merge

from backend_architect.tools.openapi.access import Grant, access_of
from backend_architect.tools.openapi.api import Api
from backend_architect.tools.openapi.authorization import (
    Kind,
    disclosed_identifiers,
    embedded_people,
    matrix,
    outliers,
)
from backend_architect.tools.openapi.document import Unreadable, describe
from backend_architect.tools.openapi.purposes import Purpose, purposes
from backend_architect.tools.openapi.sensitivity import Sense, fields, sense_of
from backend_architect.tools.source import Source


def no_files(base: str, reference: str) -> Source:
    raise Unreadable("there are no other files here")


def api_of(paths: dict[str, Any], **more: Any) -> Api:
    document = merge(OPENAPI, {"paths": paths, **more})
    return Api(describe(json.dumps(document), "pets.json", no_files))


def body(**properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties}
    return {"content": {"application/json": {"schema": schema}}}


def answer(**properties: Any) -> dict[str, Any]:
    return {"responses": {"200": {"description": "Here", **body(**properties)}}}


TEXT = {"type": "string"}


def in_path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": TEXT}


@pytest.mark.parametrize(
    ("name", "sense"),
    [
        ("password", Sense.PASSWORD),
        ("passwordHash", Sense.PASSWORD),
        ("client_secret", Sense.SECRET),
        ("otp", Sense.CODE),
        ("cardSecurityCode", Sense.PAYMENT),
        ("contactEmail", Sense.CONTACT),
        ("dateOfBirth", Sense.PERSONAL),
        ("isAdmin", Sense.PRIVILEGE),
        ("conversion_params", Sense.INTERNAL),
        ("academic_year_code", None),
        ("next_page_token", None),
        ("password_changed_at", None),
        ("has_password", None),
        ("company_email", None),
        ("spanish", None),
        ("pinned", None),
    ],
)
def test_names_are_read_word_by_word(name: str, sense: Sense | None) -> None:
    found = sense_of(name)
    assert (found and found.sense) == sense


def test_fields_of_a_body_lie_where_they_are_nested() -> None:
    person = {"type": "object", "properties": {"email": TEXT, "first_name": TEXT}}
    users = {"type": "array", "items": person}
    api = api_of({"/things": {"get": answer(users=users, has_password={"type": "boolean"})}})
    schema = next(
        schema for _, response in api.operations[1].success for _, schema in api.bodies(response)
    )
    assert [(field.path, field.sense, field.person) for field in fields(api, schema)] == [
        ("users[].email", Sense.CONTACT, True)
    ]


def test_a_masked_password_is_none() -> None:
    masked = {"type": "string", "description": "Masked"}
    api = api_of({"/users": {"get": answer(password=masked)}})
    bodies = api.bodies(api.operations[1].responses["200"])
    assert not list(fields(api, next(bodies).schema))


def test_access_says_who_may_call_and_why() -> None:
    api = api_of(
        {
            "/a": {"get": {"security": []}},
            "/b": {"get": {"security": [{"token": []}, {}]}},
            "/c": {"get": {"security": [{"token": ["read"], "key": []}]}},
            "/d": {"get": {"security": "none"}},
        }
    )
    a, b, c, d = map(access_of, api.operations[1:])
    assert (a.open_because, str(a)) == ("`security` is `[]`", "anyone")
    assert b.anonymous
    assert b.weakest == {()}
    assert c.alternatives == ((Grant("token", ("read",)), Grant("key", ())),)
    assert str(c) == "token (read) and key"
    assert not c.anonymous
    assert not d.anonymous  # malformed: the rules on validity say so


def test_purposes_need_more_than_a_word() -> None:
    login = {"requestBody": body(email=TEXT, password=TEXT)}
    api = api_of(
        {
            "/login": {"post": login},
            "/login-attempts": {"post": {"requestBody": body(page=TEXT)}},
            "/users/{id}/password": {"put": {"requestBody": body(password=TEXT)}},
            "/auth/check-otp": {"post": {"requestBody": body(otp=TEXT)}},
            "/hooks/{id}/test": {"post": {}},
            "/debug/users": {"get": {}},
            "/users/{id}": {"delete": {"summary": "Deletes a user (only admins)"}},
        }
    )
    assert {str(operation): set(these) for operation, these in purposes(api).items()} == {
        "POST /login": {Purpose.LOGIN},
        "PUT /users/{id}/password": {Purpose.CREDENTIAL_CHANGE},
        "POST /auth/check-otp": {Purpose.CODE_CHECK},
        "GET /debug/users": {Purpose.DEBUGGING},
        "DELETE /users/{id}": {Purpose.ADMINISTRATION},
    }


def test_rows_of_the_matrix_name_the_objects_that_clients_choose() -> None:
    number = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}
    update = {"requestBody": body(owner_id={"type": "string", "format": "uuid"}, name=TEXT)}
    api = api_of({"/pets/{id}": {"parameters": [number], "put": update}})
    row = matrix(api)[1]
    assert row.resource == "/pets/{}"
    assert [(found.name, found.where, found.kind) for found in row.identifiers] == [
        ("id", "path", "integer"),
        ("owner_id", "body", "uuid"),
    ]
    assert [found.guessable for found in row.identifiers] == [True, False]


def scopes(*needed: str) -> dict[str, Any]:
    return {"security": [{"login": list(needed)}]}


OAUTH = {
    "securitySchemes": {
        "login": {
            "type": "oauth2",
            "flows": {
                "clientCredentials": {
                    "tokenUrl": "https://id.example.com/token",
                    "scopes": {"pets:read": "See", "pets:write": "Change"},
                }
            },
        }
    }
}


def test_outliers_ask_for_less_than_their_neighbours() -> None:
    api = api_of(
        {
            "/pets/{id}": {"get": scopes("pets:read"), "delete": {"security": []}},
            **{f"/pets/{n}": {"put": scopes("pets:write")} for n in range(10)},
            "/cats/{id}": {"put": scopes("pets:read")},
            "/dogs/{id}": {"put": scopes()},
            "/admin/users": {"get": {}},
            "/things": {"get": {}},
            "/more": {"get": {}},
        },
        components=OAUTH,
    )
    assert {(found.kind, str(found.row.operation)) for found in outliers(api)} == {
        (Kind.OPEN, "DELETE /pets/{id}"),
        (Kind.SCOPELESS, "PUT /dogs/{id}"),
        (Kind.READ_SCOPE, "PUT /cats/{id}"),
        (Kind.ORDINARY, "GET /admin/users"),
    }
    contrasts = {found.kind: str(found.contrast.operation) for found in outliers(api)}
    assert contrasts[Kind.OPEN] == "GET /pets/{id}"


def test_what_a_post_tells_of_its_author_opens_another_operation() -> None:
    author = {"type": "object", "properties": {"email": TEXT, "vehicleid": TEXT, "user_id": TEXT}}
    api = api_of(
        {
            "/posts": {"get": answer(author=author)},
            "/vehicles/{vehicleId}/location": {"get": {"parameters": [in_path("vehicleId")]}},
            "/users/{userId}": {"get": {"parameters": [in_path("userId")]}},
        }
    )
    assert [(str(told.operation), told.field.path) for told in embedded_people(api)] == [
        ("GET /posts", "author.email")
    ]
    assert [
        (str(found.row.operation), found.identifier.name, str(found.teller))
        for found in disclosed_identifiers(api)
    ] == [("GET /vehicles/{vehicleId}/location", "vehicleId", "GET /posts")]
