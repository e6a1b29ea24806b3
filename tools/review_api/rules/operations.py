"""Rules about operations and what they receive."""

from __future__ import annotations

from collections.abc import Iterator

from ...openapi.api import Api, Operation
from ...openapi.document import Node
from ...openapi.kinds import Version
from ...openapi.models import has_body
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule
from ...source import pointer
from .authorities import RFC9110


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


@rule(
    "api/request-body-on-delete",
    Severity.INFO,
    FindingClass.STYLE,
    on="operation",
    opt_in=True,
    fix="Name what to delete in the path or the query, or make it a POST",
    references=[f"{RFC9110}#section-9.3.5"],
    bad="""
    paths:
      /pets:
        delete:
          requestBody:
            content:
              application/json:
                schema: {type: object, properties: {all: {type: boolean}}}
    """,
    good="""
    paths:
      /pets:
        delete:
          parameters: [{name: all, in: query, schema: {type: boolean}}]
    """,
)
def request_body_on_delete(operation: Operation, api: Api) -> Iterator[Hit]:
    """A DELETE takes a request body.

    HTTP gives it no meaning, and some proxies and libraries drop it or refuse the request: without
    its body the call may delete everything. It is widely done all the same.
    """
    if operation.method != "delete":
        return
    message = "DELETE operations take a request body"
    if api.version is Version.V20:
        places = [listed.at.place() for listed in operation.parameters_in("body")]
    else:
        places = [operation.node.place("requestBody")] * bool(operation.request_bodies)
    for at in places:
        yield Hit(at, f"{quoted(operation)} takes a request body", cause=message)


@rule(
    "api/head-response-body",
    Severity.WARNING,
    FindingClass.DEFECT,
    on="operation",
    fix="Remove the body; describe the headers, which are those of GET",
    references=[f"{RFC9110}#section-9.3.2"],
    bad="""
    paths:
      /pets:
        get: {}
        head:
          responses:
            '200':
              description: There are pets
              content:
                application/json:
                  schema: {type: object, properties: {count: {type: integer}}}
            '404': {description: There are none}
    """,
    good="""
    paths:
      /pets:
        get: {}
        head:
          responses:
            '200': {description: There are pets}
            '404': {description: There are none}
    """,
)
def head_response_body(operation: Operation, api: Api) -> Iterator[Hit]:
    """A successful response to HEAD has a body.

    HTTP forbids it: a HEAD response ends with its headers, whatever they announce. A generated
    client waits for data that never comes, or fails to parse nothing. What HEAD can tell has to be
    in headers. Errors are left out: they are shared with other methods.
    """
    if operation.method == "head":
        for code, response in operation.success:
            if has_body(response, api):
                body = "content" if "content" in response.value else "schema"
                yield Hit(
                    response.place(body),
                    f"{quoted(operation)} has a body in {quoted(code)}",
                    cause="responses to HEAD have a body",
                )


@rule(
    "api/head-unlike-get",
    Severity.INFO,
    FindingClass.RISK,
    on="operation",
    fix="Give HEAD the parameters and status codes of GET",
    references=[f"{RFC9110}#section-9.3.2"],
    bad="""
    paths:
      /pets:
        get: {}
        head:
          responses:
            '204': {description: There are pets}
            '404': {description: There are none}
    """,
    good="""
    paths:
      /pets:
        get: {}
        head:
          responses:
            '200': {description: There are pets}
            '404': {description: There are none}
    """,
)
def head_unlike_get(operation: Operation, api: Api) -> Iterator[Hit]:
    """HEAD answers with another status code of success than GET, or needs more to be sent.

    HEAD is GET without the content: caches answer it from what GET returned, and frameworks from
    the handler of GET. What only the description tells apart is not what clients see.
    """
    get = api.description.child(operation.item, "get") if operation.method == "head" else None
    twin = next((other for other in api.operations if other.node is get), None) if get else None
    if twin is None:
        return
    codes, theirs = ({code for code, _ in each.success} for each in (operation, twin))
    named = {listed.node.get("name") for listed in twin.parameters}
    demanded = [
        quoted(listed.node.get("name"))
        for listed in operation.parameters
        if listed.node.get("required") is True and listed.node.get("name") not in named
    ]
    if codes and theirs and not codes & theirs:
        answer = f"answers {quoted(min(codes))}, GET {quoted(min(theirs))}"
        yield Hit(operation.node.place("responses"), f"{quoted(operation)} {answer}")
    if demanded:
        yield Hit(
            operation.node.place("parameters"),
            f"{quoted(operation)} requires {', '.join(demanded[:3])}, which GET does not take",
        )


@rule(
    "api/query-without-body",
    Severity.WARNING,
    FindingClass.RISK,
    on="operation",
    fix="Describe the query in `requestBody`, or make it a GET",
    references=["https://www.rfc-editor.org/rfc/rfc10008", "https://spec.openapis.org/oas/v3.2.0"],
    bad="""
    openapi: 3.2.0
    paths:
      /pets:
        query:
          operationId: searchPets
          responses:
            '200': {description: The pets found}
            '400': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    openapi: 3.2.0
    paths:
      /pets:
        query:
          operationId: searchPets
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  additionalProperties: false
                  properties: {name: {type: string, maxLength: 80}}
          responses:
            '200': {description: The pets found}
            '400': {$ref: '#/components/responses/Problem'}
    """,
)
def query_without_body(operation: Operation, api: Api) -> Iterator[Hit]:
    """A QUERY operation takes no request body.

    QUERY asks by its content and its media type; a server has to refuse a request without
    `Content-Type` (RFC 10008). Without either it is a GET that fewer caches and clients know.
    """
    asks = operation.method.lower() == "query" and api.version is Version.V32
    if asks and api.description.child(operation.node, "requestBody") is None:
        yield Hit(operation.node.place(), f"{quoted(operation)} takes no request body")
