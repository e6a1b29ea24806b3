"""The resource model: which paths make a resource, and what their operations do to it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from backend_architect.tools.openapi.api import Api
from backend_architect.tools.openapi.document import Unreadable, describe
from backend_architect.tools.openapi.relations import relations
from backend_architect.tools.openapi.resources import Kind, Resource, Role, resources, uses
from backend_architect.tools.source import Source


def no_files(base: str, reference: str) -> Source:
    raise Unreadable("there are no other files here")


def api_of(paths: dict[str, Any], schemas: dict[str, Any] | None = None) -> Api:
    document = {
        "openapi": "3.1.1",
        "info": {"title": "T", "version": "1"},
        "paths": paths,
        "components": {"schemas": schemas or {}},
    }
    return Api(describe(yaml.safe_dump(document, sort_keys=False), "api.yaml", no_files))


def methods(text: str) -> dict[str, Any]:
    """A path item with these methods: `get post`; `get[]` answers with an array."""
    return {name.removesuffix("[]"): _answers(name) for name in text.split()}


def _answers(name: str) -> dict[str, Any]:
    many = {"type": "array", "items": {"type": "object", "properties": {"id": {}}}}
    schema = many if name.endswith("[]") else {"type": "object", "properties": {"id": {}}}
    content = {"application/json": {"schema": schema}}
    return {"responses": {"200": {"description": "", "content": content}}}


def by_path(paths: dict[str, str]) -> dict[str, Resource]:
    found = resources(api_of({path: methods(text) for path, text in paths.items()}))
    return {each.path: each for each in found}


def roles(resource: Resource) -> list[str]:
    return [f"{use.role} {use.operation}" for use in resource.uses]


def test_a_collection_with_items_actions_and_what_is_inside() -> None:
    found = by_path(
        {
            "/v1/pets": "get[] post",
            "/v1/pets/{petId}": "get put patch delete",
            "/v1/pets/{petId}/vaccinate": "post",
            "/v1/pets/{pet}/owners": "get[] post",
            "/v1/pets/{id}/owners/{ownerId}": "delete",
            "/v1/pets/{id}/avatar": "get put",
            "/v1/pets/{id}:archive": "post",
            "/v1/me": "get",
        }
    )
    assert list(found) == [
        "/v1/pets",
        "/v1/pets/{pet}/owners",
        "/v1/pets/{id}/avatar",
        "/v1/me",
    ]
    pets, owners = found["/v1/pets"], found["/v1/pets/{pet}/owners"]
    assert (pets.name, pets.kind, pets.item_path) == ("pets", Kind.COLLECTION, "/v1/pets/{petId}")
    assert pets.identifiers == ("petId",)
    assert set(roles(pets)) == {
        "list GET /v1/pets",
        "create POST /v1/pets",
        "read GET /v1/pets/{petId}",
        "replace PUT /v1/pets/{petId}",
        "update PATCH /v1/pets/{petId}",
        "delete DELETE /v1/pets/{petId}",
        "action POST /v1/pets/{petId}/vaccinate",
        "action POST /v1/pets/{id}:archive",
    }
    assert (owners.parent, owners.identifiers) == ("/v1/pets", ("ownerId",))
    assert (owners.missing, pets.missing) == ((Role.UPDATE,), ())
    assert found["/v1/me"].kind is Kind.SINGLETON
    assert found["/v1/pets/{id}/avatar"].parent == "/v1/pets"


def test_formats_queries_and_updates_by_post_as_large_apis_have_them() -> None:
    found = by_path(
        {
            "/2010/Accounts.json": "get[] post",
            "/2010/Accounts/{Sid}.json": "get post",
            "/2010/Accounts/{AccountSid}/Calls.json": "get[] post",
            "/files/{id}": "put",
            "/files/{id}#move": "put",
            "/repos/{owner}/{repo}": "get",
        }
    )
    accounts, repos = found["/2010/Accounts"], found["/repos"]
    assert [use.role for use in accounts.uses] == [Role.LIST, Role.CREATE, Role.READ, Role.UPDATE]
    assert found["/2010/Accounts/{AccountSid}/Calls"].parent == "/2010/Accounts"
    assert roles(found["/files"]) == ["replace PUT /files/{id}", "replace PUT /files/{id}#move"]
    assert (repos.name, repos.identifiers) == ("repos", ("owner", "repo"))


@pytest.mark.parametrize(
    "path",
    ["/chat.postMessage", "/search", "/thumbnail.{extension}", "/", "/{bucket}", "/sendMail"],
)
def test_what_does_not_read_as_a_resource_is_unknown(path: str) -> None:
    [only] = by_path({path: "post"}).values()
    assert only.kind is Kind.UNKNOWN
    assert [use.role for use in only.uses] == [Role.ACTION]
    assert only.missing == ()


def test_every_operation_has_one_role() -> None:
    paths = {
        "/a": "get post",
        "/a/{x}": "get options",
        "/a/{x}/{y}": "get",
        "/a/{x}/{y}/go": "post",
    }
    api = api_of({path: methods(text) for path, text in paths.items()})
    assert set(uses(api)) == {op for op in api.operations if op.method != "options"}


def test_relations_by_id_by_reference_and_by_either() -> None:
    pet = {"$ref": "#/components/schemas/Pet"}
    schemas = {
        "Pet": {"type": "object", "properties": {"id": {}, "ownerId": {"type": "string"}}},
        "Owner": {
            "type": "object",
            "properties": {
                "pets": {"type": "array", "items": pet},
                "favourite": {"anyOf": [{"type": "string"}, pet]},
                "colour_id": {"type": "string"},
            },
        },
    }
    paths = {f"/{name.lower()}s/{{id}}": _read(name) for name in schemas}
    api = api_of(paths, schemas)
    pets, owners = resources(api)
    assert [(r.via, r.target, r.many) for r in relations(api)[pets]] == [
        ("ownerId", "/owners", False)
    ]
    assert [(r.via, r.target, r.many) for r in relations(api)[owners]] == [
        ("pets", "/pets", True),
        ("favourite", "/pets", False),
    ]
    assert (pets.reads, owners.reads) == (("Pet",), ("Owner",))


def _read(name: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
    return {"get": {"responses": {"200": {"description": "", "content": content}}}}


def test_a_pile_of_paths_takes_no_longer_than_their_number() -> None:
    wide: dict[str, Any] = {f"/r/{{a{i}}}" + "/x/{y}" * (i % 40): {"get": {}} for i in range(3_000)}
    assert len(uses(api_of(wide))) == len(wide)
