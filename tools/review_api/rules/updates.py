"""Rules about PUT and PATCH: what they take, and what becomes of the rest."""

from __future__ import annotations

from collections.abc import Iterator

from ...openapi.api import Api, Body, Operation
from ...openapi.document import Node
from ...openapi.models import input_of, is_json, required
from ...openapi.resources import Kind, Resource, Role, Use, resources, uses
from ...openapi.values import in_words
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, Place, rule
from .authorities import RFC9110

_JSON_PATCH = "https://www.rfc-editor.org/rfc/rfc6902"
_MERGE_PATCH = "https://www.rfc-editor.org/rfc/rfc7396"
_PATCH = "https://www.rfc-editor.org/rfc/rfc5789"


def _bodies(operation: Operation, media_type: str) -> Iterator[tuple[Body, Node]]:
    for body in operation.request_bodies:
        if body.media_type.partition(";")[0].strip().lower() == media_type and body.schema:
            yield body, body.schema


def _place(operation: Operation, body: Body) -> Place:
    """The media type of a request body, where the body is written."""
    description = operation.api.description
    written = description.child(operation.node, "requestBody") or operation.node
    return written.place(*(["content", body.media_type] if body.media_type else []))


@rule(
    "api/json-patch-not-a-list",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="operation",
    fix="Describe an array of operations, or use `application/merge-patch+json` for an object",
    references=[f"{_JSON_PATCH}#section-3"],
    bad="""
    paths:
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        patch:
          requestBody:
            content:
              application/json-patch+json:
                schema: {type: object}
    """,
    good="""
    paths:
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        patch:
          requestBody:
            content:
              application/json-patch+json:
                schema:
                  type: array
                  maxItems: 50
                  items: {type: object}
    """,
)
def json_patch_not_a_list(operation: Operation, api: Api) -> Iterator[Hit]:
    """A JSON Patch is described as something other than an array.

    A JSON Patch document is an array of operations (RFC 6902, 3). By this schema every correct
    patch is invalid: validating gateways and clients refuse it, and generated code has no type
    that could hold one. Often the schema was meant for a merge patch.
    """
    for body, schema in _bodies(operation, "application/json-patch+json"):
        types = api.types(schema)
        if types and "array" not in types:
            yield Hit(
                _place(operation, body),
                f"a JSON Patch is described as {in_words(types)}",
                evidence='[{"op": "remove", "path": "/a"}] is a JSON Patch and breaks the schema',
            )


@rule(
    "api/merge-patch-requires",
    Severity.WARNING,
    FindingClass.RISK,
    on="operation",
    fix="Require no field in a merge patch: use a schema of its own, without `required`",
    references=[f"{_MERGE_PATCH}#section-1"],
    bad="""
    paths:
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        patch:
          requestBody:
            content:
              application/merge-patch+json:
                schema:
                  type: object
                  additionalProperties: false
                  required: [name]
                  properties: {name: {type: string, maxLength: 80}}
    """,
    good="""
    paths:
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        patch:
          requestBody:
            content:
              application/merge-patch+json:
                schema:
                  type: object
                  additionalProperties: false
                  properties: {name: {type: string, maxLength: 80}}
    """,
)
def merge_patch_requires(operation: Operation, api: Api) -> Iterator[Hit]:
    """A JSON merge patch has required fields.

    A merge patch holds what shall change, and nothing else (RFC 7396). A client that wants to
    change another field has to send the required ones too, with values it read earlier: it
    overwrites what somebody else has changed since.
    """
    for body, schema in _bodies(operation, "application/merge-patch+json"):
        demanded = sorted(required(schema, api))
        if demanded:
            named = ", ".join(quoted(name) for name in demanded[:4])
            message = f"a merge patch requires {named}"
            yield Hit(_place(operation, body), message, cause="merge patches have required fields")


@rule(
    "api/patch-requires-all",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Give PATCH a schema without `required`, or make it a PUT",
    references=[_PATCH, "https://google.aip.dev/134"],
    bad="""
    paths:
      /pets:
        post: {requestBody: &pet {content: {application/json: {
          schema: {$ref: '#/components/schemas/Pet'}}}}}
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {}
        patch: {requestBody: *pet}
    components:
      schemas:
        Pet:
          type: object
          required: [name, kind]
          properties:
            name: {type: string, maxLength: 80}
            kind: {type: string, maxLength: 20}
    """,
    good="""
    paths:
      /pets:
        post: {requestBody: {content: {application/json: {
          schema: {$ref: '#/components/schemas/Pet'}}}}}
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {}
        patch: {requestBody: {content: {application/json: {
          schema: {$ref: '#/components/schemas/PetChange'}}}}}
    components:
      schemas:
        Pet:
          type: object
          required: [name, kind]
          properties: &properties
            name: {type: string, maxLength: 80}
            kind: {type: string, maxLength: 20}
        PetChange: {type: object, properties: *properties}
    """,
)
def patch_requires_all(api: Api, _: Api) -> Iterator[Hit]:
    """A PATCH requires all that a creation or replacement requires.

    PATCH changes a part. A client that has to send every field sends what it read earlier, so two
    clients that change different fields undo each other's change, which is what PATCH is there
    to avoid.
    """
    for resource in resources(api):
        whole = {use.receives for use in resource.having(Role.CREATE, Role.REPLACE)}
        for use in resource.having(Role.UPDATE):
            model = use.receives
            if use.operation.method != "patch" or model is None or not _takes_json(use.operation):
                continue
            demanded, fields = required(model, api), api.properties(model)
            every = len(fields) > 2 and demanded >= fields.keys()
            if every or (model in whole and len(demanded) > 1):
                named = ", ".join(quoted(name) for name in sorted(demanded)[:4])
                yield Hit(
                    use.operation.node.place("requestBody"),
                    f"{quoted(use.operation)} requires {named}",
                    cause="PATCH operations require all that a whole object has",
                )


def _takes_json(operation: Operation) -> bool:
    return any(is_json(body) for body in operation.request_bodies)


@rule(
    "api/put-takes-part",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Make it a PATCH, or require what a creation requires and say that the rest is reset",
    references=[f"{RFC9110}#section-9.3.4", _PATCH],
    bad="""
    paths:
      /pets:
        post:
          requestBody:
            content:
              application/json:
                schema:
                  type: object
                  required: [name]
                  properties: &properties
                    name: {type: string, maxLength: 80}
                    kind: {type: string, maxLength: 20}
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {}
        put:
          requestBody:
            content:
              application/json:
                schema: {type: object, properties: *properties}
    """,
    good="""
    paths:
      /pets:
        post:
          requestBody:
            content:
              application/json:
                schema:
                  type: object
                  required: [name]
                  properties: &properties
                    name: {type: string, maxLength: 80}
                    kind: {type: string, maxLength: 20}
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {}
        patch:
          requestBody:
            content:
              application/json:
                schema: {type: object, properties: *properties}
    """,
)
def put_takes_part(api: Api, _: Api) -> Iterator[Hit]:
    """A PUT takes a part of the resource: nothing that a creation requires is required.

    PUT replaces the whole state by what is sent (RFC 9110, 9.3.4). With everything optional the
    description does not tell whether a field left out is kept, cleared or reset: clients that
    send what they changed lose the rest on a server that replaces, and proxies and libraries
    treat PUT as a replacement.
    """
    found = [
        (use, lost) for each in resources(api) for use in _puts(each) if (lost := _lost(each, use))
    ]
    total = sum(1 for each in resources(api) for _use in _puts(each))
    for use, lost in found:
        named = ", ".join(quoted(name) for name in lost[:3])
        yield Hit(
            use.operation.node.place(),
            f"{quoted(use.operation)} can leave out {named}, which a creation requires",
            cause=f"{len(found)} of {total} PUT operations on items take a part of the resource",
        )


def _puts(resource: Resource) -> Iterator[Use]:
    for use in resource.having(Role.REPLACE):
        if resource.item_path and use.operation.path.rstrip("/").endswith("}"):
            yield use


def _lost(resource: Resource, use: Use) -> list[str]:
    """What a creation requires and this replacement can leave out; none if it requires any."""
    api, model = use.operation.api, use.receives
    if model is None or required(model, api) or len(api.properties(model)) < 2:
        return []
    made = [create.receives for create in resource.having(Role.CREATE) if create.receives]
    demanded = {name for schema in made for name in required(schema, api)}
    return sorted(demanded & api.properties(model).keys())


@rule(
    "api/put-on-collection",
    Severity.INFO,
    FindingClass.STYLE,
    on="api",
    opt_in=True,
    fix="Change items one by one, or describe that the whole collection is replaced",
    references=[f"{RFC9110}#section-9.3.4"],
    bad="""
    paths:
      /pets:
        get: {}
        put: {}
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {}
    """,
    good="""
    paths:
      /pets:
        get: {}
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {}
        put: {}
    """,
)
def put_on_collection(api: Api, _: Api) -> Iterator[Hit]:
    """A PUT on a collection, which replaces all of it.

    By RFC 9110 what is not sent is gone afterwards. Servers that only add or change the items sent
    surprise clients that know HTTP; those that do replace lose items that another client added.
    """
    for operation, (resource, use) in uses(api).items():
        items = resource.item_path and not operation.path.rstrip("/").endswith("}")
        if resource.kind is Kind.COLLECTION and items and use.role is Role.REPLACE:
            yield Hit(
                operation.node.place(),
                f"{quoted(operation)} replaces a collection",
                cause="PUT operations on collections",
            )


@rule(
    "api/patch-format-unnamed",
    Severity.INFO,
    FindingClass.STYLE,
    on="operation",
    opt_in=True,
    fix="Take `application/merge-patch+json` or `application/json-patch+json`",
    references=[_PATCH, _MERGE_PATCH, _JSON_PATCH],
    bad="""
    paths:
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        patch:
          requestBody:
            content:
              application/json:
                schema: {type: object, properties: {name: {type: string, maxLength: 80}}}
    """,
    good="""
    paths:
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        patch:
          requestBody:
            content:
              application/merge-patch+json:
                schema: {type: object, properties: {name: {type: string, maxLength: 80}}}
    """,
)
def patch_format_unnamed(operation: Operation, api: Api) -> Iterator[Hit]:
    """A PATCH takes plain JSON, which does not say how the change is meant.

    The media type of a patch tells what `null`, a missing field and an array mean (RFC 5789, 2):
    with `application/json` each API has rules of its own.
    """
    if operation.method != "patch" or input_of(operation) is None:
        return
    kinds = {body.media_type.partition(";")[0].strip().lower() for body in operation.request_bodies}
    if "application/json" in kinds and not any("patch" in kind for kind in kinds):
        yield Hit(
            operation.node.place("requestBody"),
            f"{quoted(operation)} takes `application/json`",
            cause="PATCH operations take `application/json`",
        )
