"""The model of a description: versions, kinds of objects, references, units, operations."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from backend_architect.tools.openapi.api import Api
from backend_architect.tools.openapi.document import (
    Description,
    Node,
    NotOpenApi,
    Unreadable,
    describe,
    version_of,
)
from backend_architect.tools.openapi.kinds import Version
from backend_architect.tools.source import Source, SourceError, load, pointer


def reader(files: dict[str, str]) -> Callable[[str, str], Source]:
    """Reads of a handful of files in memory, as the workspace reads of a folder."""
    loaded: dict[str, Source] = {}

    def read(base: str, reference: str) -> Source:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(base), reference))
        if path not in files:
            raise Unreadable(f"`{path}`: it does not exist")
        return loaded.setdefault(path, load(files[path], path))

    return read


def described(*fragments: str, version: str = "3.1.1", **files: str) -> Description:
    """A description of the given top-level fields (YAML); other files by name, `_` for `/`."""
    field = "swagger" if version.startswith("2") else "openapi"
    text = f"{field}: '{version}'\ninfo: {{title: Pets, version: '1'}}\n" + "\n".join(fragments)
    others = {f"{name.replace('_', '/')}.yaml": content for name, content in files.items()}
    return describe(text, "api.yaml", reader({"api.yaml": text, **others}))


def api(*fragments: str, version: str = "3.1.1", **files: str) -> Api:
    return Api(described(*fragments, version=version, **files))


def at(description: Description, where: str, file: str = "api.yaml") -> Node:
    """The node at a JSON Pointer."""
    value = description.sources[file].data
    for step in where.split("/")[1:]:
        value = value[int(step) if isinstance(value, list) else step.replace("~1", "/")]
    node = description.node_at(value)
    assert node is not None, f"no node at {where}"
    return node


def kinds(description: Description) -> dict[str, list[str]]:
    """Where the objects of each kind are, without document and info."""
    return {
        kind: sorted(pointer(node.path) for node in nodes)
        for kind, nodes in description.nodes.items()
        if kind not in ("document", "info")
    }


def schemas(fields: str) -> str:
    return f"components: {{schemas: {fields}}}"


# Versions


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("swagger: '2.0'", Version.V20),
        ("swagger: 2.0", Version.V20),
        ("openapi: 3.0.0", Version.V30),
        ("openapi: 3.0.4-rc1", Version.V30),
        ("openapi: 3.1.1", Version.V31),
        ("openapi: '3.1'", Version.V31),
        ("openapi: 3.1", Version.V31),
        ("openapi: 3.2.0", Version.V32),
        ("{openapi: 3.2.0, swagger: '2.0'}", Version.V32),
    ],
)
def test_the_version_is_what_the_document_declares(text: str, version: Version) -> None:
    assert version_of(yaml.safe_load(text), "api.yaml") is version


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "api.yaml: an OpenAPI document is an object with a field `openapi`"),
        ("just text", "api.yaml: an OpenAPI document is an object with a field `openapi`"),
        (
            "type: object",
            "api.yaml: no field `openapi` (3.x) or `swagger` (2.0), so this is no OpenAPI"
            " document; fragments are reviewed through the document that refers to them",
        ),
        (
            "openapi: 3.10.0",
            "api.yaml: version '3.10.0' is not known; 2.0, 3.0.x, 3.1.x and 3.2.x are",
        ),
        (
            "swagger: '1.2'",
            "api.yaml: version '1.2' is not known; 2.0, 3.0.x, 3.1.x and 3.2.x are",
        ),
        (
            "openapi: 4",
            "api.yaml: version '4' is not known; 2.0, 3.0.x, 3.1.x and 3.2.x are",
        ),
    ],
)
def test_what_is_no_openapi_document_is_refused_with_what_is_missing(
    text: str, message: str
) -> None:
    with pytest.raises(NotOpenApi) as error:
        describe(text, "api.yaml", reader({}))
    assert str(error.value) == message


def test_malformed_text_is_refused_with_the_place() -> None:
    with pytest.raises(SourceError, match=r"^api\.yaml:2:5: "):
        describe("openapi: 3.1.0\na: b: c\n", "api.yaml", reader({}))


# Kinds


def test_every_object_of_a_swagger_document_is_of_its_kind() -> None:
    description = described(
        """
        paths:
          /pets/{id}:
            parameters: [{name: id, in: path, required: true, type: string}]
            get:
              parameters:
                - {name: sort, in: query, type: array, items: {type: array, items: {type: string}}}
                - {name: pet, in: body, schema: {type: object}}
              security: [{key: []}]
              responses:
                '200': {description: A pet, schema: {type: object}, headers: {x-id: {type: string}}}
          x-note: {get: {}}
        definitions: {x-pet: {type: object}}
        parameters: {Page: {name: page, in: query, type: integer}}
        responses: {Gone: {description: Gone}}
        securityDefinitions: {x-key: {type: apiKey, in: header, name: X-Key}}
        tags: [{name: pets, externalDocs: {url: 'https://example.com'}}]
        """.replace("\n        ", "\n"),
        version="2.0",
    )
    get = "/paths/~1pets~1{id}/get"
    assert kinds(description) == {
        "path_item": ["/paths/~1pets~1{id}"],
        "operation": [get],
        "parameter": [
            "/parameters/Page",
            f"{get}/parameters/0",
            f"{get}/parameters/1",
            "/paths/~1pets~1{id}/parameters/0",
        ],
        "items": [f"{get}/parameters/0/items", f"{get}/parameters/0/items/items"],
        "schema": [
            "/definitions/x-pet",
            f"{get}/parameters/1/schema",
            f"{get}/responses/200/schema",
        ],
        "security_requirement": [f"{get}/security/0"],
        "response": [f"{get}/responses/200", "/responses/Gone"],
        "header": [f"{get}/responses/200/headers/x-id"],
        "security_scheme": ["/securityDefinitions/x-key"],
        "tag": ["/tags/0"],
        "external_docs": ["/tags/0/externalDocs"],
    }


@pytest.mark.parametrize("version", ["3.0.4", "3.1.1", "3.2.0"])
def test_every_object_of_an_openapi_document_is_of_its_kind(version: str) -> None:
    description = described(
        """
        servers: [{url: '/{v}', variables: {v: {default: a}}}]
        paths:
          /pets:
            put:
              requestBody: {content: {text/plain: {schema: {}, encoding: {a: {headers: {X: {}}}}}}}
              responses:
                '200':
                  headers: {x-id: {schema: {type: string}}}
                  content: {application/json: {examples: {x-one: {value: 1}}}}
                  links: {next: {operationId: a, server: {url: /}}}
                x-note: {content: {a/b: {}}}
              callbacks:
                onPet:
                  '{$url}': {post: {}}
                  x-note: {post: {}}
        components:
          schemas: {x-pet: {}}
          pathItems: {Shared: {trace: {}}}
          securitySchemes: {login: {type: oauth2, flows: {implicit: {scopes: {}}}}}
          callbacks: {onDog: {'{$url}': {patch: {}}}}
        webhooks: {newPet: {post: {}}}
        """.replace("\n        ", "\n"),
        version=version,
    )
    put = "/paths/~1pets/put"
    ok = f"{put}/responses/200"
    assert kinds(description) == {
        "server": [f"{ok}/links/next/server", "/servers/0"],
        "server_variable": ["/servers/0/variables/v"],
        "path_item": [
            "/components/callbacks/onDog/{$url}",
            "/components/pathItems/Shared",
            "/paths/~1pets",
            f"{put}/callbacks/onPet/{{$url}}",
            "/webhooks/newPet",
        ],
        "operation": [
            "/components/callbacks/onDog/{$url}/patch",
            "/components/pathItems/Shared/trace",
            put,
            f"{put}/callbacks/onPet/{{$url}}/post",
            "/webhooks/newPet/post",
        ],
        "request_body": [f"{put}/requestBody"],
        "media_type": [f"{put}/requestBody/content/text~1plain", f"{ok}/content/application~1json"],
        "schema": [
            "/components/schemas/x-pet",
            f"{put}/requestBody/content/text~1plain/schema",
            f"{ok}/headers/x-id/schema",
        ],
        "encoding": [f"{put}/requestBody/content/text~1plain/encoding/a"],
        "header": [
            f"{put}/requestBody/content/text~1plain/encoding/a/headers/X",
            f"{ok}/headers/x-id",
        ],
        "response": [ok],
        "example": [f"{ok}/content/application~1json/examples/x-one"],
        "link": [f"{ok}/links/next"],
        "callback": ["/components/callbacks/onDog", f"{put}/callbacks/onPet"],
        "components": ["/components"],
        "security_scheme": ["/components/securitySchemes/login"],
        "oauth_flows": ["/components/securitySchemes/login/flows"],
        "oauth_flow": ["/components/securitySchemes/login/flows/implicit"],
    }


def test_operations_of_any_method_belong_to_an_api_of_3_2() -> None:
    operations = api(
        "paths: {/pets: {query: {}, additionalOperations: {LINK: {}, copy: {}}, get: {}}}",
        version="3.2.0",
    ).operations
    assert [str(operation) for operation in operations] == [
        "GET /pets",
        "QUERY /pets",
        "LINK /pets",
        "COPY /pets",
    ]


@pytest.mark.parametrize("name", ["responses", "paths", "x-note", "schema", "items", "get"])
def test_a_property_is_a_schema_whatever_its_name(name: str) -> None:
    description = described(schemas(f"{{Pet: {{properties: {{{name}: {{type: string}}}}}}}}"))
    assert kinds(description)["schema"] == [
        "/components/schemas/Pet",
        f"/components/schemas/Pet/properties/{name}",
    ]


def test_a_property_named_ref_is_no_reference() -> None:
    description = described(schemas("{Pet: {properties: {$ref: {type: string}}}}"))
    assert description.references == []
    assert at(description, "/components/schemas/Pet/properties/$ref").kind == "schema"


def test_what_an_example_or_an_extension_holds_is_no_object_of_the_description() -> None:
    description = described(
        schemas("{Pet: {example: {$ref: '#/nowhere'}, default: {properties: {a: {}}}, x-a: {}}}"),
        "x-schemas: {Pet: {$ref: '#/nowhere'}}",
    )
    assert description.references == []
    assert kinds(description)["schema"] == ["/components/schemas/Pet"]


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("properties", "{a: {}}"),
        ("patternProperties", "{a: {}}"),
        ("dependentSchemas", "{a: {}}"),
        ("$defs", "{a: {}}"),
        ("allOf", "[{}]"),
        ("anyOf", "[{}]"),
        ("oneOf", "[{}]"),
        ("prefixItems", "[{}]"),
        ("items", "{}"),
        ("items", "[{}]"),
        ("additionalProperties", "{}"),
        ("unevaluatedProperties", "{}"),
        ("propertyNames", "{}"),
        ("contains", "{}"),
        ("not", "{}"),
        ("if", "{}"),
        ("then", "{}"),
        ("else", "{}"),
    ],
)
def test_a_schema_within_a_schema_is_found(keyword: str, value: str) -> None:
    description = described(schemas(f"{{Pet: {{{keyword}: {value}}}}}"))
    assert len(kinds(description)["schema"]) == 2


@pytest.mark.parametrize(
    ("version", "kind"), [("2.0", "reference"), ("3.0.4", "reference"), ("3.1.1", "schema")]
)
def test_a_schema_with_a_reference_is_a_schema_from_3_1_on(version: str, kind: str) -> None:
    pet = "Pet: {$ref: '#/a', properties: {name: {}}}"
    container = f"definitions: {{{pet}}}" if version == "2.0" else schemas(f"{{{pet}}}")
    description = described(container, version=version)
    (reference,) = description.references
    assert (reference.node.kind, reference.expects) == (kind, "schema")
    assert len(description.nodes.get("schema", ())) == (2 if kind == "schema" else 0)


@pytest.mark.parametrize("text", ["#", "#/paths", "api.yaml", "gone.yaml"])
def test_a_document_is_no_reference(text: str) -> None:
    model = api(f"$ref: '{text}'", "paths: {/pets: {get: {}}}")
    assert [str(operation) for operation in model.operations] == ["GET /pets"]
    assert model.description.references == []


def test_values_of_a_wrong_type_do_no_harm() -> None:
    description = described(
        "paths: {/a: null, /b: {get: 3, parameters: {name: a}}, /c: [], 3: {get: {responses: x}}}",
        schemas("{A: null, B: {properties: [a], items: x, allOf: [null, 3]}}"),
        "tags: x\nsecurity: {a: []}",
    )
    assert [str(operation) for operation in Api(description).operations] == ["GET 3"]
    assert description.resolve(None) is None
    assert description.resolve("x") is None


# References


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("#/components/schemas/Pet", "/components/schemas/Pet"),
        ("#/components/schemas/Pet%20Store", "/components/schemas/Pet Store"),
        ("#/components/schemas/%50et", "/components/schemas/Pet"),
        ("#/paths/~1pets~1%7Bid%7D/get/responses/200/content/a~1b/schema",
         "/paths/~1pets~1{id}/get/responses/200/content/a~1b/schema"),
        ("#/components/schemas/til~0de", "/components/schemas/til~0de"),
        ("#/components/schemas/Pet/allOf/0", "/components/schemas/Pet/allOf/0"),
        ("#/components/schemas/Pet/properties/0", "/components/schemas/Pet/properties/0"),
        ("#named", "/components/schemas/Anchored"),
        ("#dynamic", "/components/schemas/Pet/allOf/0"),
        ("https://example.com/pet", "/components/schemas/Identified"),
        ("https://example.com/pet#/properties/name",
         "/components/schemas/Identified/properties/name"),
        ("https://example.com/pet#inner", "/components/schemas/Identified/properties/name"),
        ("urn:example:pet", "/components/schemas/Urn"),
        ("api.yaml#/components/schemas/Pet", "/components/schemas/Pet"),
    ],
)  # fmt: skip
def test_a_reference_leads_to_its_target(text: str, target: str) -> None:
    description = described(
        """
        paths:
          /pets/{id}: {get: {responses: {'200': {content: {a/b: {schema: {}}}}}}}
        components:
          schemas:
            Pet: {allOf: [{$dynamicAnchor: dynamic}], properties: {'0': {}}}
            Pet Store: {}
            til~de: {}
            Anchored: {$anchor: named}
            Identified: {$id: 'https://example.com/pet', properties: {name: {$anchor: inner}}}
            Urn: {$id: 'urn:example:pet'}
        """.replace("\n        ", "\n")
        + f"\n    User: {{$ref: '{text}'}}\n"
    )
    user = at(description, "/components/schemas/User")
    found = description.target(user)
    assert found is not None
    assert (found.file, pointer(found.path)) == ("api.yaml", target)
    assert description.broken == {}


def test_the_document_may_be_named_by_its_own_identifier() -> None:
    description = described(
        "$self: https://example.com/api.yaml",
        schemas("{Pet: {}, User: {$ref: 'https://example.com/api.yaml#/components/schemas/Pet'}}"),
        version="3.2.0",
    )
    pet = at(description, "/components/schemas/Pet")
    assert description.target(at(description, "/components/schemas/User")) is pet


def test_a_reference_to_a_boolean_schema_stands_where_that_is_written() -> None:
    description = described(
        schemas(
            "{Never: false, Any: true, User: {properties: {a: {$ref: '#/components/schemas/Any'}}}}"
        )
    )
    assert description.broken == {}
    found = description.target(at(description, "/components/schemas/User/properties/a"))
    assert found is not None
    assert (found.value, pointer(found.path)) == (True, "/components/schemas/Any")


def test_boolean_schemas_are_told_apart_by_where_they_stand() -> None:
    model = api(schemas("{A: {properties: {x: true}}, B: {properties: {y: true}, items: false}}"))
    b = at(model.description, "/components/schemas/B")
    assert [pointer(node.path) for node in model.properties(b).values()] == [
        "/components/schemas/B/properties/y"
    ]
    items = model.description.child(b, "items")
    assert items is not None
    assert (items.value, pointer(items.path)) == (False, "/components/schemas/B/items")


def test_a_chain_of_references_is_followed_to_its_end() -> None:
    chain = "".join(f"C{n}: {{$ref: '#/components/responses/C{n + 1}'}}, " for n in range(1, 50))
    description = described(
        f"components: {{responses: {{{chain}C50: {{description: The end}}}}}}",
    )
    found = description.resolve(at(description, "/components/responses/C1").value)
    assert found is at(description, "/components/responses/C50")
    assert description.broken == {}


@pytest.mark.parametrize(
    "responses",
    [
        "{A: {$ref: '#/components/responses/A'}}",
        "{A: {$ref: '#/components/responses/B'}, B: {$ref: '#/components/responses/A'}}",
    ],
)
def test_references_in_a_circle_are_broken(responses: str) -> None:
    description = described(f"components: {{responses: {responses}}}")
    assert {broken.reason for broken in description.broken.values()} == {"circular"}
    assert len(description.broken) == len(description.references)


def test_a_schema_may_contain_itself() -> None:
    model = api(
        schemas("{Tree: {properties: {children: {items: {$ref: '#/components/schemas/Tree'}}}}}")
    )
    assert model.description.broken == {}
    tree = at(model.description, "/components/schemas/Tree")
    assert model.operations_using(tree.unit) == ()


def broken(description: Description) -> list[tuple[str, str]]:
    return [(found.reason, found.detail) for found in description.broken.values()]


@pytest.mark.parametrize(
    ("text", "reason", "detail"),
    [
        ("#/components/schemas/Dog", "missing", "`api.yaml` at `/components/schemas` has no `Dog`"),
        ("#/component/schemas/Pet", "missing", "`api.yaml` has no `component`"),
        ("#/components/schemas/Pet/allOf/1", "missing",
         "`api.yaml` at `/components/schemas/Pet/allOf` has no `1`"),
        ("#/components/schemas/Pet/allOf/00", "missing",
         "`api.yaml` at `/components/schemas/Pet/allOf` has no `00`"),
        ("#/components/schemas/Pet/allOf/²", "missing",
         "`api.yaml` at `/components/schemas/Pet/allOf` has no `²`"),
        ("#/components/schemas/Pet/allOf/-1", "missing",
         "`api.yaml` at `/components/schemas/Pet/allOf` has no `-1`"),
        ("#/components/schemas/Pet/allOf/" + "9" * 5000, "missing",
         f"`api.yaml` at `/components/schemas/Pet/allOf` has no `{'9' * 79}…`"),
        ("#/info/title/0", "missing", "`api.yaml` at `/info/title` has no `0`"),
        ("#/info/title", "missing", "what stands there is no object"),
        ("#/components/schemas/Pet/allOf", "missing", "what stands there is no object"),
        ("#unnamed", "missing", "`api.yaml` has no anchor of that name"),
        ("http://[", "missing", "it is no valid URI reference"),
        ("https://example.com/dog", "remote", "URLs are never fetched"),
        ("//example.com/dog", "remote", "URLs are never fetched"),
        ("file:///etc/passwd", "remote", "URLs are never fetched"),
        ("https://example.com/pet#/nowhere", "missing",
         "`api.yaml` at `/components/schemas/Pet` has no `nowhere`"),
        ("dogs.yaml", "unreadable", "`dogs.yaml`: it does not exist"),
        ("other.yaml#/Dog", "missing", "`other.yaml` has no `Dog`"),
        ("malformed.yaml", "unreadable",
         "malformed.yaml:1:2: malformed YAML: did not find expected node content"),
    ],
)  # fmt: skip
def test_a_broken_reference_says_why(text: str, reason: str, detail: str) -> None:
    description = described(
        schemas(
            f"{{Pet: {{$id: 'https://example.com/pet', allOf: [{{}}]}}, User: {{$ref: '{text}'}}}}"
        ),
        other="Cat: {type: object}",
        malformed="[",
    )
    assert broken(description) == [(reason, detail)]
    assert description.resolve(at(description, "/components/schemas/User").value) is None


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("#/components/schemas/Probem", "#/components/schemas/Problem"),
        ("#/component/schema/Problem", "#/components/schemas/Problem"),
        ("#/components/schemas/Pet%20Stoer", "#/components/schemas/Pet%20Store"),
        ("#/paths/~1pet~1%7Bid%7D", "#/paths/~1pets~1{id}"),
        ("#/components/schemas/100%25-rat", "#/components/schemas/100%25-rate"),
        ("#/components/schemas/Elephant", ""),
        ("#/definitions/Problem", ""),
        ("#/components/schemas/Problem/allOf/7", ""),
        ("#problem", ""),
        ("other.yaml#/Problem", ""),
        ("https://example.com/Probem", ""),
    ],
)
def test_a_missing_target_has_a_nearest_one(text: str, meant: str) -> None:
    description = described(
        "paths: {'/pets/{id}': {}}",
        schemas("{Problem: {allOf: [{}]}, Pet Store: {}, 100%-rate: {}}"),
    )
    assert description.nearest(text) == meant


def test_the_nearest_target_is_sought_in_the_file_of_the_reference() -> None:
    description = described(
        schemas("{Pet: {$ref: 'other.yaml#/Pet'}}"), other="Pet: {$ref: '#/Dogg'}\nDog: {}"
    )
    assert description.nearest("#/Dogg", "other.yaml") == "#/Dog"


@pytest.mark.parametrize(
    ("expects", "fragment"),
    [
        (
            "response",
            "paths: {/a: {get: {responses: {'200': {$ref: '#/components/schemas/Pet'}}}}}",
        ),
        ("parameter", "paths: {/a: {parameters: [{$ref: '#/components/schemas/Pet'}]}}"),
        ("path_item", "paths: {/a: {$ref: '#/components/schemas/Pet'}}"),
    ],
)
def test_a_reference_to_another_kind_keeps_both_kinds(expects: str, fragment: str) -> None:
    description = described(fragment, schemas("{Pet: {}}"))
    (reference,) = description.references
    target = description.target(reference.node)
    assert target is not None
    assert (reference.expects, target.kind) == (expects, "schema")
    assert description.broken == {}


def test_files_are_found_from_the_file_that_refers_to_them() -> None:
    description = described(
        "paths: {/pets: {$ref: 'paths/pets.yaml'}}",
        schemas("{Id: {type: string}}"),
        paths_pets="""
get:
  parameters: [{$ref: '../shared.yaml#/parameters/Page'}]
  responses: {'200': {description: Pets, content: {a/b: {schema: {$ref: 'models/pet.yaml'}}}}}
""",
        paths_models_pet="""
properties:
  id: {$ref: '../../api.yaml#/components/schemas/Id'}
  page: {$ref: '../../shared.yaml#/Size'}
""",
        shared="""
parameters: {Page: {name: page, in: query, schema: {$ref: '#/Size'}}}
Size: {type: integer}
""",
    )
    assert description.broken == {}
    assert sorted(description.sources) == [
        "api.yaml",
        "paths/models/pet.yaml",
        "paths/pets.yaml",
        "shared.yaml",
    ]
    places = [f"{node.file}#{pointer(node.path)}" for node in description.nodes["schema"]]
    assert sorted(places) == [
        "api.yaml#/components/schemas/Id",
        "paths/models/pet.yaml#",
        "paths/models/pet.yaml#/properties/id",
        "paths/models/pet.yaml#/properties/page",
        "paths/pets.yaml#/get/responses/200/content/a~1b/schema",
        "shared.yaml#/Size",
        "shared.yaml#/parameters/Page/schema",
    ]


def test_what_two_files_share_is_one_object() -> None:
    description = described(
        schemas("{A: {$ref: 'a.yaml'}, B: {$ref: 'b.yaml'}}"),
        a="properties: {c: {$ref: 'c.yaml'}}",
        b="properties: {c: {$ref: 'c.yaml'}}",
        c="type: string",
    )
    assert len([node for node in description.nodes["schema"] if node.file == "c.yaml"]) == 1
    through = {
        description.target(reference.node)
        for reference in description.references
        if reference.text == "c.yaml"
    }
    assert len(through) == 1


def test_only_what_is_referred_to_is_read_of_another_file() -> None:
    description = described(
        schemas("{A: {$ref: 'other.yaml#/Used'}}"),
        other="Used: {type: string}\nUnused: {$ref: '#/nowhere'}\nopenapi: 9",
    )
    assert broken(description) == []
    assert [reference.text for reference in description.references] == ["other.yaml#/Used"]


# Operations


def test_path_items_may_stand_elsewhere_and_be_shared() -> None:
    model = api(
        "paths: {/cats: {$ref: '#/components/pathItems/Any'}, /pets: {$ref: 'pets.yaml'},"
        " /dogs: {$ref: '#/components/pathItems/Any'}, x-not: {get: {}}}",
        "components: {pathItems: {Any: {get: {operationId: any}}}}",
        pets="post: {operationId: add}",
    )
    assert [str(operation) for operation in model.operations] == [
        "GET /cats",
        "POST /pets",
        "GET /dogs",
    ]


def names(listed: Iterable[Any]) -> list[str]:
    return [f"{each.node.get('in')} {each.node.get('name')}" for each in listed]


def test_an_operations_own_parameters_replace_those_of_the_path() -> None:
    (operation,) = api(
        """
paths:
  /pets/{id}:
    parameters:
      - {name: id, in: path, description: of the path}
      - {name: id, in: query}
      - {$ref: '#/components/parameters/Page'}
      - {$ref: '#/components/parameters/Gone'}
      - null
    get:
      parameters:
        - {name: id, in: path, description: of the operation}
        - {name: Trace, in: header}
components: {parameters: {Page: {name: page, in: query}}}
"""
    ).operations
    assert names(operation.parameters) == ["path id", "query id", "query page", "header Trace"]
    first, _, page, _ = operation.parameters
    assert first.node.get("description") == "of the operation"
    assert (page.at.kind, page.node.kind) == ("reference", "parameter")
    assert names(operation.parameters_in("query")) == ["query id", "query page"]


@pytest.mark.parametrize(
    ("of_the_document", "of_the_operation", "security", "protected"),
    [
        ("", "", None, False),
        ("security: [{key: []}]", "", ({"key": []},), True),
        ("security: [{key: []}]", "security: []", (), False),
        ("security: [{key: []}]", "security: [{other: []}]", ({"other": []},), True),
        ("security: [{key: []}]", "security: [{}, {key: []}]", ({}, {"key": []}), False),
        ("security: [{}]", "", ({},), False),
        ("", "security: [{key: []}, {a: [], b: []}]", ({"key": []}, {"a": [], "b": []}), True),
        ("security: {key: []}", "", None, False),
        ("security: [{key: []}]", "security: null", None, False),
    ],
)
def test_security_is_the_operations_own_or_inherited(
    of_the_document: str,
    of_the_operation: str,
    security: tuple[dict[str, Any], ...] | None,
    protected: bool,
) -> None:
    (operation,) = api(
        of_the_document, f"paths: {{/pets: {{get: {{{of_the_operation}}}}}}}"
    ).operations
    assert operation.security == security
    assert operation.protected is protected


def test_responses_and_bodies_are_those_behind_the_references() -> None:
    (operation,) = api(
        """
paths:
  /pets:
    post:
      requestBody: {$ref: '#/components/requestBodies/Pet'}
      responses:
        '201': {description: Created}
        4XX: {$ref: '#/components/responses/Problem'}
        '500': {$ref: '#/components/responses/Gone'}
        default: {description: Else}
components:
  requestBodies: {Pet: {content: {a/b: {schema: {$ref: '#/components/schemas/Pet'}}, c/d: {}}}}
  responses: {Problem: {description: A problem}}
  schemas: {Pet: {type: object}}
"""
    ).operations
    assert list(operation.responses) == ["201", "4XX", "default"]
    assert [code for code, _ in operation.success] == ["201"]
    assert [code for code, _ in operation.errors] == ["4XX", "default"]
    bodies = [
        (body.media_type, body.schema and pointer(body.schema.path))
        for body in operation.request_bodies
    ]
    assert bodies == [("a/b", "/components/schemas/Pet"), ("c/d", None)]


def test_the_body_of_a_swagger_operation_is_a_parameter() -> None:
    (operation,) = api(
        "paths: {/pets: {post: {parameters: [{name: pet, in: body, schema: {type: object}}],"
        " responses: {'200': {description: A pet, schema: {type: string}}}}}}",
        version="2.0",
    ).operations
    (body,) = operation.request_bodies
    assert body.schema is not None
    assert body.schema.get("type") == "object"
    (answer,) = operation.api.bodies(operation.responses["200"])
    assert answer.schema is not None
    assert answer.schema.get("type") == "string"


# Schemas


def test_types_and_properties_count_what_all_of_and_references_add() -> None:
    model = api(
        schemas("""
          {Id: {type: [string, 'null'], properties: {own: {}}},
           Base: {type: object, properties: {id: {}, name: {title: base}}},
           Pet: {type: object, allOf: [{$ref: '#/components/schemas/Base'},
                 {allOf: [{properties: {tag: {}}}]}], properties: {name: {title: own}}},
           Both: {allOf: [{type: [string, integer]}, {type: [integer, 'null']}]},
           Never: {allOf: [{type: string}, {type: integer}]},
           Free: {},
           Loop: {allOf: [{$ref: '#/components/schemas/Loop'}], type: object}}
        """)
    )

    def named(name: str) -> Node:
        return at(model.description, f"/components/schemas/{name}")

    assert model.types(named("Id")) == {"string", "null"}
    assert model.types(named("Pet")) == {"object"}
    assert model.types(named("Both")) == {"integer"}
    assert model.types(named("Never")) == frozenset()
    assert model.types(named("Free")) == frozenset()
    assert model.types(named("Loop")) == {"object"}
    properties = model.properties(named("Pet"))
    assert set(properties) == {"name", "id", "tag"}
    assert properties["name"].get("title") == "own"


def test_nullable_is_a_type_before_3_1() -> None:
    model = api(schemas("{Pet: {type: string, nullable: true}}"), version="3.0.4")
    assert model.types(at(model.description, "/components/schemas/Pet")) == {"string", "null"}


# Units: what a fault affects


UNITS = """
paths:
  /pets/{id}:
    parameters: [{name: id, in: path, schema: {$ref: '#/components/schemas/Id'}}]
    put:
      requestBody: {content: {a/b: {schema: {$ref: '#/components/schemas/Input'}}}}
      responses: {'200': {description: A pet, content: {a/b: {schema: {$ref: '#/components/schemas/Output'}}}}}
      callbacks:
        onPet:
          '{$request.body#/url}':
            parameters: [{name: told, in: query, schema: {$ref: '#/components/schemas/Told'}}]
            post:
              requestBody: {content: {a/b: {schema: {$ref: '#/components/schemas/Event'}}}}
              responses: {'200': {description: ok, content: {a/b: {schema: {$ref: '#/components/schemas/Receipt'}}}}}
    delete:
      responses: {default: {$ref: '#/components/responses/Problem'}}
  /dogs: {get: {responses: {'200': {$ref: '#/components/responses/Problem'}}}}
webhooks:
  newPet:
    post:
      requestBody: {content: {a/b: {schema: {$ref: '#/components/schemas/Event'}}}}
components:
  responses: {Problem: {description: A problem, content: {a/b: {schema: {$ref: '#/components/schemas/Problem'}}}}}
  schemas:
    Id: {}
    Input: {properties: {tag: {$ref: '#/components/schemas/Tag'}}}
    Output: {properties: {tag: {$ref: '#/components/schemas/Tag'}}}
    Problem: {oneOf: [{$ref: '#/components/schemas/Id'}]}
    Tag: {}
    Event: {}
    Receipt: {}
    Told: {}
    Unused: {}
"""  # noqa: E501

CALLBACK = "POST {$request.body#/url} (callback of PUT /pets/{id})"


@pytest.mark.parametrize(
    ("schema", "operations", "received"),
    [
        ("Input", ["PUT /pets/{id}"], True),
        ("Output", ["PUT /pets/{id}"], False),
        ("Tag", ["PUT /pets/{id}"], True),
        ("Problem", ["DELETE /pets/{id}", "GET /dogs"], False),
        ("Id", ["DELETE /pets/{id}", "GET /dogs", "PUT /pets/{id}"], True),
        ("Event", ["POST newPet", CALLBACK], False),
        ("Receipt", [CALLBACK], True),
        ("Told", [CALLBACK], False),
        ("Unused", [], False),
    ],
)
def test_a_component_knows_the_operations_that_use_it_and_which_way(
    schema: str, operations: list[str], received: bool
) -> None:
    model = api(UNITS)
    node = at(model.description, f"/components/schemas/{schema}")
    assert list(model.operations_using(node.unit)) == operations
    assert model.received(node) is received


graphs = st.dictionaries(st.integers(0, 9), st.sets(st.integers(0, 9), max_size=3), max_size=10)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(graphs, st.dictionaries(st.integers(0, 4), st.tuples(st.booleans(), st.integers(0, 9))))
def test_uses_are_found_through_any_web_of_references(
    references: dict[int, set[int]], operations: dict[int, tuple[bool, int]]
) -> None:
    def ref(number: int) -> dict[str, str]:
        return {"$ref": f"#/components/schemas/S{number}"}

    def operation(sends: bool, number: int) -> dict[str, Any]:
        body = {"content": {"a/b": {"schema": ref(number)}}}
        return {"requestBody": body} if sends else {"responses": {"200": body}}

    model = api(
        yaml.safe_dump(
            {
                "paths": {f"/p{n}": {"post": operation(*uses)} for n, uses in operations.items()},
                "components": {
                    "schemas": {
                        f"S{n}": {"anyOf": [ref(m) for m in sorted(references.get(n, ()))]}
                        for n in range(10)
                    }
                },
            }
        )
    )
    for number in range(10):
        users = {number}
        for _ in range(10):
            users |= {n for n, used in references.items() if used & users}
        unit = at(model.description, f"/components/schemas/S{number}")
        using = {n: sends for n, (sends, used) in operations.items() if used in users}
        assert list(model.operations_using(unit.unit)) == [f"POST /p{n}" for n in sorted(using)]
        assert model.received(unit) is any(using.values())


def test_a_long_chain_of_uses_takes_no_time() -> None:
    chain = {f"S{n}": {"anyOf": [{"$ref": f"#/components/schemas/S{n + 1}"}]} for n in range(5_000)}
    model = api(
        "paths: {/a: {get: {responses: {'200': {content: {a/b: {schema:"
        " {$ref: '#/components/schemas/S0'}}}}}}}}",
        yaml.safe_dump({"components": {"schemas": {**chain, "S5000": {}}}}),
    )
    for number in range(5_001):
        unit = at(model.description, f"/components/schemas/S{number}").unit
        assert model.operations_using(unit) == ("GET /a",)


def test_what_a_shared_path_item_uses_affects_the_operations_of_every_path() -> None:
    model = api(
        "paths: {/cats: {$ref: 'any.yaml'}, /dogs: {$ref: 'any.yaml'}}",
        schemas("{Pet: {}}"),
        any="""
parameters: [{name: page, in: query, schema: {type: integer}}]
get: {responses: {'200': {content: {a/b: {schema: {$ref: 'api.yaml#/components/schemas/Pet'}}}}}}
""",
    )
    for where, file in (
        ("/components/schemas/Pet", "api.yaml"),
        ("/get/responses/200", "any.yaml"),
        ("/parameters/0", "any.yaml"),
    ):
        unit = at(model.description, where, file).unit
        assert model.operations_using(unit) == ("GET /cats", "GET /dogs")


def test_what_a_discriminator_names_is_used_by_its_schema() -> None:
    model = api(
        "paths: {/pets: {get: {responses: {'200': {content: {a/b: {schema:"
        " {$ref: '#/components/schemas/Pet'}}}}}}}}",
        schemas(
            "{Pet: {discriminator: {propertyName: kind, mapping: {cat: '#/components/schemas/Cat',"
            " dog: Dog}}}, Cat: {}, Dog: {}}"
        ),
    )
    for name in ("Cat", "Dog"):
        unit = at(model.description, f"/components/schemas/{name}").unit
        assert model.operations_using(unit) == ("GET /pets",)


def test_the_names_of_operations_are_safe_to_show() -> None:
    model = api(
        'paths: {"/a\\n# Ignore all\\u202e": {get: {responses: {"200": {content: {a/b: {schema:'
        " {$ref: '#/components/schemas/Pet'}}}}}}}}",
        schemas("{Pet: {}}"),
    )
    unit = at(model.description, "/components/schemas/Pet").unit
    assert model.operations_using(unit) == ("GET /a # Ignore all",)


WITHIN = """
components:
  schemas:
    Pet:
      $id: https://example.org/pet
      properties:
        a: {$ref: '#/$defs/inner'}
        b: {$ref: owner}
        c: {$ref: '#/components/schemas/Owner'}
        d: {$ref: https://example.org/owner}
      $defs:
        inner: {type: string}
    Owner: {$id: https://example.org/owner, type: object}
"""


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("a", "/components/schemas/Pet/$defs/inner"),
        ("b", "/components/schemas/Owner"),
        ("c", "/components/schemas/Owner"),  # of the file, as most tools read it
        ("d", "/components/schemas/Owner"),
    ],
)
def test_below_an_id_references_are_relative_to_it(name: str, target: str) -> None:
    description = described(WITHIN)
    found = description.target(at(description, f"/components/schemas/Pet/properties/{name}"))
    assert found is not None
    assert pointer(found.path) == target
    assert not description.broken


def test_what_stands_beside_a_reference_holds_since_3_1() -> None:
    text = "components: {schemas: {A: {type: string}, B: {$ref: '#/components/schemas/A', %s}}}"
    more, remark = described(text % "maxLength: 3"), described(text % "description: B")
    for description, end in ((more, "B"), (remark, "A")):
        schema = at(description, "/components/schemas/B")
        found = description.resolve(schema.value)
        assert found is not None
        assert pointer(found.path) == f"/components/schemas/{end}"
