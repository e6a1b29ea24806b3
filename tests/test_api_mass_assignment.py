"""What clients can set: whose fields count as privileged, and what is left alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from test_rules import no_files

from backend_architect.tools.policy import Policy
from backend_architect.tools.review_api import review


def found(rule: str, path: str, method: str, *fields: str, **of_each: Any) -> list[str]:
    """What the rule says of one operation that receives and answers with such a model."""
    thing = {"type": "object", "properties": {name: dict(of_each) for name in fields}}
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}
    operation = {
        "requestBody": {"content": content},
        "responses": {"200": {"description": "The thing", "content": content}},
    }
    document = {
        "openapi": "3.1.1",
        "info": {"title": "Things", "version": "1.0.0"},
        "paths": {path: {method: operation}},
        "components": {"schemas": {"Thing": thing}},
    }
    findings = review(json.dumps(document), "a.json", no_files, Policy(only_rules=(rule,))).findings
    return sorted(finding.location.pointer.rpartition("/")[2] for finding in findings)


@pytest.mark.parametrize(
    ("path", "method", "fields", "privileged"),
    [
        ("/auth/register", "post", ("email", "password", "role"), ["role"]),
        (
            "/users/me",
            "patch",
            ("name", "email_verified", "balance"),
            ["balance", "email_verified"],
        ),
        ("/profile", "put", ("name", "isAdmin"), ["isAdmin"]),
        ("/users/{id}", "patch", ("name", "role"), []),
        ("/organisations/{id}/members", "post", ("role",), []),
        ("/admin/profile", "put", ("name", "is_admin"), []),
        ("/videos/{id}", "put", ("name", "conversion_params"), ["conversion_params"]),
        ("/profile", "put", ("name", "show_balance", "role_description"), []),
    ],
)
def test_people_do_not_grant_themselves_rights(
    path: str, method: str, fields: tuple[str, ...], privileged: list[str]
) -> None:
    assert found("api/privileged-field-writable", path, method, *fields) == privileged


@pytest.mark.parametrize(
    ("path", "method", "writable"),
    [
        ("/things", "post", ["createdAt", "id"]),
        ("/things/{id}", "put", ["createdAt", "id"]),
        ("/thing", "put", ["createdAt"]),
    ],
)
def test_what_the_server_sets_is_read_only(path: str, method: str, writable: list[str]) -> None:
    fields = ("id", "name", "createdAt", "created_for")
    assert found("api/server-field-writable", path, method, *fields) == writable
    assert found("api/server-field-writable", path, method, *fields, readOnly=True) == []
