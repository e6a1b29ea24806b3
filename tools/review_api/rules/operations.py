"""Rules about operations and what they receive."""

from __future__ import annotations

from collections.abc import Iterator

from ...openapi.api import Api, Operation
from ...openapi.document import Node
from ...openapi.kinds import Version
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule
from ...source import pointer


@rule(
    "api/operation-id-duplicate",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Give each operation an `operationId` of its own",
    references=["https://spec.openapis.org/oas/v3.1.1#operation-object"],
    bad="""
    paths:
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {operationId: getPet}
        delete: {operationId: getPet}
    """,
    good="""
    paths:
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {operationId: getPet}
        delete: {operationId: deletePet}
    """,
)
def operation_id_duplicate(api: Api, _: Api) -> Iterator[Hit]:
    """Several operations have the same `operationId`.

    Code generators name methods by it: one overwrites the other, or a suffix is added that moves
    with the order of the file. Links and workflows that refer to the id may call the wrong one.
    """
    first: dict[str, Node] = {}
    # In the order of their places, not of the text: another order of keys is no other fault.
    for node in sorted(api.nodes("operation"), key=lambda node: (node.file, pointer(node.path))):
        id = node.get("operationId")
        if not isinstance(id, str):
            continue
        earlier = first.setdefault(id, node)
        if earlier is not node:
            yield Hit(
                node.place("operationId"),
                f"{quoted(node.unit.label)} has the `operationId` {quoted(id)} of"
                f" {quoted(earlier.unit.label)}",
                cause=f"several operations have the `operationId` {quoted(id)}",
                related=(earlier.place("operationId"),),
            )


@rule(
    "api/parameter-duplicate",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Remove one of the two, or rename it",
    references=["https://spec.openapis.org/oas/v3.1.1#parameter-object"],
    bad="""
    paths:
      /pets/count:
        get:
          parameters:
            - {name: kind, in: query, schema: {type: string, enum: [cat, dog]}}
            - {name: kind, in: query, schema: {type: string, maxLength: 20}}
    """,
    good="""
    paths:
      /pets/count:
        get:
          parameters:
            - {name: kind, in: query, schema: {type: string, enum: [cat, dog]}}
            - {name: kind, in: header, schema: {type: string, maxLength: 20}}
    """,
)
def parameter_duplicate(api: Api, _: Api) -> Iterator[Hit]:
    """A list of parameters names the same parameter twice.

    A parameter is known by its name and location, so one of the two definitions is silently lost,
    and tools differ in which. To say more about a parameter of the path item is no duplicate: the
    operation's own replaces it.
    """
    for owner in (*api.nodes("path_item"), *api.nodes("operation")):
        first: dict[tuple[str, str], Node] = {}
        for at, node in api.parameters_of(owner):
            name, where = node.get("name"), node.get("in")
            if not (isinstance(name, str) and isinstance(where, str)):
                continue
            # Header names are case-insensitive (RFC 9110, 5.1).
            key = (name.lower() if where == "header" else name, where)
            earlier = first.setdefault(key, at)
            if earlier is not at:
                message = (
                    f"{quoted(owner.unit.label)} lists the parameter {quoted(name)} in"
                    f" {quoted(where)} twice"
                )
                yield Hit(at.place(), message, cause=message, related=(earlier.place(),))


@rule(
    "api/request-body-on-get",
    Severity.WARNING,
    FindingClass.RISK,
    on="operation",
    fix="Send the input as query parameters, or make it a POST (from OpenAPI 3.2 on, QUERY)",
    references=[
        "https://www.rfc-editor.org/rfc/rfc9110#section-9.3.1",
        "https://www.rfc-editor.org/rfc/rfc9110#section-9.3.8",
        "https://spec.openapis.org/oas/v3.1.1#operation-object",
    ],
    bad="""
    paths:
      /pet-search:
        get:
          requestBody:
            content:
              application/json:
                schema:
                  type: object
                  additionalProperties: false
                  properties:
                    name: {type: string, maxLength: 80}
    """,
    good="""
    paths:
      /pet-search:
        get:
          parameters:
            - {name: name, in: query, schema: {type: string, maxLength: 80}}
    """,
)
def request_body_on_get(operation: Operation, api: Api) -> Iterator[Hit]:
    """A GET, HEAD or TRACE operation takes a request body.

    HTTP gives such a body no meaning: proxies, caches and CDNs drop it or refuse the request, a
    cache answers with the result of another body, `fetch` and many client libraries cannot send
    one, and what a server ignores but a proxy does not is a way to smuggle requests. A client must
    not send one with TRACE at all. (DELETE is left out: bodies there are about as undefined, yet
    widely relied on.)
    """
    if operation.method not in ("get", "head", "trace"):
        return
    message = f"{quoted(operation)} takes a request body"
    if api.version is Version.V20:
        for at, node in operation.parameters:
            if node.get("in") in ("body", "formData"):
                yield Hit(at.place(), message, cause=message)
    elif any(not _always_empty(body.schema, api) for body in operation.request_bodies):
        yield Hit(operation.node.place("requestBody"), message, cause=message)


def _always_empty(schema: Node | None, api: Api) -> bool:
    """Whether the schema is of an object without fields: generators write that for "no body"."""
    closed = schema is not None and schema.get("additionalProperties") is False
    return closed and not api.properties(schema)
