"""Rules about what HTTP itself says of methods, status codes and headers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from http import HTTPStatus

from ...openapi.api import Api, Operation
from ...openapi.document import Node
from ...openapi.effects import changes_by_safe_method
from ...openapi.models import has_body, headers_of
from ...openapi.resources import Kind, Role, uses
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule
from .authorities import RFC9110

_CODES = "https://www.iana.org/assignments/http-status-codes"


@rule(
    "api/safe-method-changes-data",
    Severity.WARNING,
    FindingClass.RISK,
    on="operation",
    confidence=Confidence.MEDIUM,
    fix="Make it a POST, PUT, PATCH or DELETE, protected as these are",
    references=[f"{RFC9110}#section-9.2.1", "CWE-650", "CWE-352"],
    bad="""
    paths:
      /pets/{petId}/delete:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {summary: Delete a pet}
    """,
    good="""
    paths:
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        delete: {summary: Delete a pet}
    """,
)
def safe_method_changes_data(operation: Operation, api: Api) -> Iterator[Hit]:
    """A GET changes data, going by its names.

    GET is safe: crawlers, link previews, browsers that fetch ahead, virus scanners and monitoring
    call it unasked, caches answer it without the server hearing of it, and clients and proxies
    repeat it. An image in a foreign page makes a logged-in user's browser send it, cookies
    included. Read from the last segment of the path, the `operationId` and the summary; two of
    them, or the path and no word of reading, have to agree.
    """
    if told := changes_by_safe_method(operation):
        message = f"{quoted(operation)} changes data, going by {quoted(told)}"
        yield Hit(operation.node.place(), message, cause=message)


_REGISTERED = frozenset(status.value for status in HTTPStatus) - {418} | {104}


@rule(
    "api/status-code-unregistered",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    fix="Use the registered code that means this, and say the particular in the body",
    references=[_CODES, f"{RFC9110}#section-15"],
    bad="""
    paths:
      /pets:
        get:
          responses:
            '200': {description: A pet}
            '498': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /pets:
        get:
          responses:
            '200': {description: A pet}
            '401': {$ref: '#/components/responses/Problem'}
    """,
)
def status_code_unregistered(api: Api, _: Api) -> Iterator[Hit]:
    """A status code is registered by no standard.

    A client that does not know a code takes it for the first of its class (499 for 400), and so do
    proxies, retry policies and dashboards; some libraries refuse codes outside their list. Codes
    of one vendor (499, 520) come from proxies, and are nothing an API can promise.
    """
    for operation in api.operations:
        for code in operation.responses:
            if re.fullmatch("[1-5][0-9][0-9]", code) and int(code) not in _REGISTERED:
                message = f"the status code {quoted(code)} is not registered"
                yield Hit(operation.node.place("responses", code), message, cause=message)


@rule(
    "api/redirect-without-location",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    fix="Document the `Location` header: where it leads, and whether the credential may follow",
    references=[f"{RFC9110}#section-15.4", f"{RFC9110}#section-10.2.2"],
    bad="""
    paths:
      /reports/latest:
        get:
          responses:
            '302': {description: The latest report}
            '404': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /reports/latest:
        get:
          responses:
            '302':
              description: The latest report
              headers:
                Location: {schema: {type: string, format: uri}}
            '404': {$ref: '#/components/responses/Problem'}
    """,
)
def redirect_without_location(api: Api, _: Api) -> Iterator[Hit]:
    """A redirect documents no `Location` header.

    The header is the answer: without it a client generated from the description has nothing to
    follow, and nobody reads whether the target is another host, where the caller's credential must
    not go.
    """
    redirects = [
        (operation, code, response)
        for operation in api.operations
        for code, response in operation.responses.items()
        if code in ("301", "302", "303", "307", "308")
    ]
    silent = [found for found in redirects if "location" not in headers_of(found[2])]
    for operation, code, _response in silent:
        yield Hit(
            operation.node.place("responses", code),
            f"{quoted(operation)} redirects by {quoted(code)} without a `Location` header",
            cause=f"{len(silent)} of {len(redirects)} redirects document no `Location` header",
        )


@rule(
    "api/created-without-resource",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    fix="Return what was created, or its URL in the `Location` header",
    references=[f"{RFC9110}#section-15.3.2", f"{RFC9110}#section-9.3.3"],
    bad="""
    paths:
      /pets:
        post:
          responses:
            '201': {description: The pet was registered}
            '400': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /pets:
        post:
          responses:
            '201':
              description: The pet was registered
              headers:
                Location: {schema: {type: string, format: uri-reference}}
            '400': {$ref: '#/components/responses/Problem'}
    """,
)
def created_without_resource(api: Api, _: Api) -> Iterator[Hit]:
    """A POST to a collection answers `201 Created` with neither a body nor a `Location` header.

    The client does not learn what it has created: to go on it has to list and guess, and two
    clients that create at once guess each other's. HTTP identifies the new resource by `Location`,
    and without one by the URL that was posted to, which is the collection's.
    """
    created = [
        (operation, operation.responses["201"])
        for operation, (resource, use) in uses(api).items()
        if use.role is Role.CREATE and resource.kind is Kind.COLLECTION
        if "201" in operation.responses
    ]
    lost = [operation for operation, response in created if not _identifies(response, api)]
    for operation in lost:
        yield Hit(
            operation.node.place("responses", "201"),
            f"{quoted(operation)} answers `201` with neither a body nor a `Location` header",
            cause=f"{len(lost)} of {len(created)} `201` answers do not tell what was created",
        )


def _identifies(response: Node, api: Api) -> bool:
    told = headers_of(response) & {"location", "content-location", "link", "etag"}
    return bool(told) or has_body(response, api) or bool(response.get("links"))


_MANDATORY = {
    "401": ("WWW-Authenticate", "15.5.2"),
    "405": ("Allow", "15.5.6"),
    "407": ("Proxy-Authenticate", "15.5.8"),
    "426": ("Upgrade", "15.5.22"),
    "206": ("Content-Range", "15.3.7"),
}


@rule(
    "api/response-header-undocumented",
    Severity.INFO,
    FindingClass.STYLE,
    on="api",
    opt_in=True,
    fix="Document the header",
    references=[f"{RFC9110}#section-{section}" for header, section in _MANDATORY.values()],
    bad="""
    paths:
      /pets:
        get:
          responses:
            '200': {description: A pet}
            '401': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /pets:
        get:
          responses:
            '200': {description: A pet}
            '401':
              description: The credential is missing or wrong
              headers:
                WWW-Authenticate: {schema: {type: string}}
              content:
                application/problem+json:
                  schema: {$ref: '#/components/schemas/Problem'}
    """,
)
def response_header_undocumented(api: Api, _: Api) -> Iterator[Hit]:
    """A response does not document a header that HTTP demands with its status code.

    A 401 must come with `WWW-Authenticate`, 405 with `Allow`, 407 with `Proxy-Authenticate`, 426
    with `Upgrade`, and 206 of one range with `Content-Range`. Servers usually send them though no
    description says so, which is why this is a matter of style.
    """
    for operation in api.operations:
        for code in _MANDATORY.keys() & operation.responses.keys():
            header = _MANDATORY[code][0]
            response = operation.responses[code]
            if header.lower() not in headers_of(response):
                message = f"a {quoted(code)} response documents no `{header}` header"
                yield Hit(response.place(), message, cause=message)


_USUAL = {
    "get": {"200", "202", "203", "204", "206", "207", "101", "301", "302", "303", "307", "308"},
    "head": {"200", "202", "204", "206", "301", "302", "303", "307", "308"},
    "post": {"200", "201", "202", "204", "205", "207", "302", "303", "307", "308"},
    "put": {"200", "201", "202", "204", "207", "302", "303", "307", "308"},
    "patch": {"200", "201", "202", "204", "207", "302", "303", "307", "308"},
    "delete": {"200", "202", "204", "207", "302", "303"},
    "options": {"200", "204"},
    "trace": {"200"},
    "query": {"200", "202", "204", "206", "303"},
}


@rule(
    "api/success-status-unusual",
    Severity.INFO,
    FindingClass.STYLE,
    on="api",
    opt_in=True,
    fix="Document the status code of success: 200, 201 for what was created, 204 without a body",
    references=[f"{RFC9110}#section-15.3"],
    bad="""
    paths:
      /pets:
        get:
          responses:
            default: {description: A pet}
    """,
    good="""
    paths:
      /pets:
        get:
          responses:
            '200': {description: A pet}
            default: {$ref: '#/components/responses/Problem'}
    """,
)
def success_status_unusual(api: Api, _: Api) -> Iterator[Hit]:
    """An operation documents none of the status codes with which its method succeeds.

    A client that waits for 200 takes `default` for an error, and a 201 from a GET for an accident.
    """
    for operation in _judged(api):
        responses = operation.node.get("responses")
        usual = _USUAL.get(operation.method)
        if usual and isinstance(responses, dict) and not usual & _named(responses):
            yield Hit(
                operation.node.place("responses"),
                f"{quoted(operation)} documents no status code with which"
                f" {operation.method.upper()} usually succeeds",
                cause=f"{operation.method.upper()} without its usual status codes of success",
            )


def _judged(api: Api) -> Iterable[Operation]:
    return (operation for operation in api.operations if operation.node.get("responses"))


def _named(responses: Iterable[str]) -> set[str]:
    """The codes, a range standing for its first."""
    return {str(code).upper().replace("XX", "00") for code in responses}


@rule(
    "api/create-status-imprecise",
    Severity.INFO,
    FindingClass.STYLE,
    on="api",
    opt_in=True,
    fix="Answer `201 Created`, with the URL of what was created in `Location`",
    references=[f"{RFC9110}#section-15.3.2", f"{RFC9110}#section-9.3.3"],
    bad="""
    paths:
      /pets:
        get: {}
        post:
          responses:
            '200': {description: The pet was registered}
            '400': {$ref: '#/components/responses/Problem'}
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {}
    """,
    good="""
    paths:
      /pets:
        get: {}
        post:
          responses:
            '201':
              description: The pet was registered
              headers:
                Location: {schema: {type: string, format: uri-reference}}
            '400': {$ref: '#/components/responses/Problem'}
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {}
    """,
)
def create_status_imprecise(api: Api, _: Api) -> Iterator[Hit]:
    """A POST that creates an item of a collection answers 200 instead of 201.

    `201 Created` tells clients, proxies and logs that something new is there, and where.
    """
    for operation, (resource, use) in uses(api).items():
        codes = _named(operation.responses)
        creates = use.role is Role.CREATE and resource.item_path
        if creates and "200" in codes and not codes & {"201", "202", "204", "303"}:
            yield Hit(
                operation.node.place("responses"),
                f"{quoted(operation)} creates and answers `200`",
                cause="POST operations that create answer `200`",
            )
