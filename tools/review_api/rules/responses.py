"""Rules about responses."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from ...openapi.api import Api, Operation
from ...openapi.document import Node
from ...openapi.kinds import Version
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, Place, rule
from ...source import pointer

_RESPONSES = "https://spec.openapis.org/oas/v3.1.1#responses-object"


@rule(
    "api/success-response-missing",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    fix="Document the response of a call that succeeds, with its body",
    references=[_RESPONSES],
    bad="""
    paths:
      /pets:
        delete:
          responses:
            '400': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /pets:
        delete:
          responses:
            '204': {description: All pets are gone}
            '400': {$ref: '#/components/responses/Problem'}
    """,
)
def success_response_missing(api: Api, _: Api) -> Iterator[Hit]:
    """An operation documents no response of a call that succeeds.

    Generated clients return nothing or treat every success as unexpected, and no test can tell
    whether the server keeps its promise, as there is none. A redirect, `101 Switching Protocols`
    or `default` counts as success here.
    """
    silent = [
        operation
        for operation in api.operations
        if (codes := _codes(operation)) is not None
        and not any(code[:1] in "123" or code == "default" for code in codes)
    ]
    for operation in silent:
        yield Hit(
            operation.node.place(*(["responses"] if operation.node.get("responses") else [])),
            f"{quoted(operation)} documents no success",
            cause=f"{len(silent)} of {len(api.operations)} operations document no success",
        )


@rule(
    "api/error-response-missing",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    fix="Document the errors a client has to handle, or a `default` response with the error model",
    references=[_RESPONSES, "https://www.rfc-editor.org/rfc/rfc9457"],
    bad="""
    paths:
      /pets/{petId}:
        get:
          parameters:
            - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
          responses:
            '200': {description: The pet}
    """,
    good="""
    paths:
      /pets/{petId}:
        get:
          parameters:
            - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
          responses:
            '200': {description: The pet}
            '404': {$ref: '#/components/responses/Problem'}
    """,
)
def error_response_missing(api: Api, _: Api) -> Iterator[Hit]:
    """An operation that can fail documents no error.

    Clients then learn in production which errors there are: they retry what can never succeed,
    parse an error page as data, or show nothing. The specification expects the known errors of
    each operation; one `default` response with the API's error model is enough. Operations that
    neither take input nor need a credential are left out.
    """
    silent = [
        operation
        for operation in api.operations
        if (codes := _codes(operation))
        and not any(code[:1] in "45" or code == "default" for code in codes)
        and _can_fail(operation)
    ]
    for operation in silent:
        yield Hit(
            operation.node.place("responses"),
            f"{quoted(operation)} documents no error",
            cause=f"{len(silent)} of {len(api.operations)} operations document no error",
        )


def _codes(operation: Operation) -> list[str] | None:
    """The status codes as written, broken references included; None: the schema check reports."""
    responses = operation.node.get("responses")
    if responses is None and operation.api.version.modern:
        return []  # optional since 3.1
    codes = [code for code in responses if code[:2] != "x-"] if isinstance(responses, dict) else []
    return codes or None


def _can_fail(operation: Operation) -> bool:
    reads = operation.method in ("get", "head", "options")
    return not reads or operation.protected or "{" in operation.path or bool(operation.parameters)


_WITHOUT_CONTENT = re.compile(r"1|204$|205$|304$")


@rule(
    "api/response-body-forbidden",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Remove the body, or answer with a status code that has one, such as 200",
    references=[
        "https://www.rfc-editor.org/rfc/rfc9110#section-15.3.5",
        "https://www.rfc-editor.org/rfc/rfc9110#section-15.3.6",
        "https://www.rfc-editor.org/rfc/rfc9110#section-15.4.5",
        "https://www.rfc-editor.org/rfc/rfc9110#section-15.2",
    ],
    bad="""
    paths:
      /pets:
        delete:
          responses:
            '204':
              description: All pets are gone
              content:
                application/json:
                  schema: {type: object, properties: {deleted: {type: integer}}}
            '400': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /pets:
        delete:
          responses:
            '204': {description: All pets are gone}
            '400': {$ref: '#/components/responses/Problem'}
    """,
)
def response_body_forbidden(api: Api, _: Api) -> Iterator[Hit]:
    """A response has a body although its status code cannot have one.

    A 1xx, 204 or 304 response ends with its header section, and a 205 may not carry content: HTTP
    libraries discard the bytes, or take them for the next response on the connection. A client
    generated from this description waits for data that never comes.
    """
    field = "schema" if api.version is Version.V20 else "content"
    for node in api.nodes("operation"):
        responses = node.get("responses")
        for code, entry in responses.items() if isinstance(responses, dict) else ():
            if not _WITHOUT_CONTENT.match(code):
                continue
            response = api.description.resolve(entry)
            if response is not None and response.get(field):
                message = f"a {quoted(code)} response has a body"
                kinds = [quoted(body.media_type) for body in api.bodies(response)]
                evidence = ", ".join(kinds[:3]) if field == "content" else ""
                at = response.place(field)
                patch = {"op": "remove", "path": pointer(at.path)}
                alone = response.value is entry  # not shared with other status codes
                yield Hit(
                    at,
                    message,
                    cause=message,
                    evidence=evidence,
                    patch=(patch,) if alone else (),
                )


class _ErrorBody(NamedTuple):
    code: str
    model: str
    media_type: str
    schema: Node
    place: Place


@rule(
    "api/error-body-inconsistent",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Use the error model of the rest of the API",
    references=["https://www.rfc-editor.org/rfc/rfc9457"],
    bad="""
    paths:
      /pets:
        delete:
          responses: &responses
            '204': {description: Done}
            '400': {$ref: '#/components/responses/Problem'}
            '401': {$ref: '#/components/responses/Problem'}
            '403': {$ref: '#/components/responses/Problem'}
            '409': {$ref: '#/components/responses/Problem'}
            '429': {$ref: '#/components/responses/Problem'}
            '500': {$ref: '#/components/responses/Problem'}
        post:
          responses: *responses
        put:
          responses:
            '204': {description: Done}
            '400':
              description: Not understood
              content:
                application/json:
                  schema: {type: object, properties: {error: {type: string}}}
    """,
    good="""
    paths:
      /pets:
        delete:
          responses: &responses
            '204': {description: Done}
            '400': {$ref: '#/components/responses/Problem'}
            '401': {$ref: '#/components/responses/Problem'}
            '403': {$ref: '#/components/responses/Problem'}
            '409': {$ref: '#/components/responses/Problem'}
            '429': {$ref: '#/components/responses/Problem'}
            '500': {$ref: '#/components/responses/Problem'}
        post:
          responses: *responses
        put:
          responses:
            '204': {description: Done}
            '400': {$ref: '#/components/responses/Problem'}
    """,
)
def error_body_inconsistent(api: Api, _: Api) -> Iterator[Hit]:
    """An error has another body than nearly all errors of the API.

    Clients handle errors in one place, written for the model they see everywhere; the outlier
    reaches it without the fields it reads, and the user gets "undefined". Usually the inner object
    was taken for the whole, or the handler bypasses the common error path. Reported only where at
    least four of five error bodies, over several status codes, agree. A model that has all fields
    of the common one, and OAuth's (RFC 6749, 5.2), are fine.
    """
    errors = list(_error_bodies(api))
    models = Counter(error.model for error in errors)
    common, support = next(iter(models.most_common(1)), ("", 0))
    agreeing = [error for error in errors if error.model == common]
    if len(errors) < 10 or support < 0.8 * len(errors) or len({e.code for e in agreeing}) < 2:
        return
    fields = set(api.properties(agreeing[0].schema))
    for error in errors:
        own = set(api.properties(error.schema))
        extends = bool(fields) and own >= fields and error.media_type == agreeing[0].media_type
        if error.model != common and not extends and not own >= {"error", "error_description"}:
            message = (
                f"{support} of {len(errors)} error bodies are {quoted(common)},"
                f" this one is {quoted(error.model)}"
            )
            yield Hit(error.place, message, cause=message)


def _error_bodies(api: Api) -> Iterator[_ErrorBody]:
    """The JSON bodies of error responses whose fields are known, each as often as it is used."""
    judged: dict[Node, list[_ErrorBody]] = {}
    for operation in api.operations:
        succeeds = any(True for _ in operation.success)
        for code, response in operation.errors:
            if code == "default" and not succeeds:
                continue  # describes every outcome
            if response not in judged:
                judged[response] = list(_judged(response, api))
            yield from (error._replace(code=code) for error in judged[response])


def _judged(response: Node, api: Api) -> Iterator[_ErrorBody]:
    for media_type, schema in api.bodies(response):
        known = schema is not None and (api.properties(schema) or api.types(schema) - {"object"})
        if schema is not None and known and re.search(r"json|^$", media_type):
            where = response.place(*(["content", media_type] if media_type else ["schema"]))
            name = f"{media_type or 'any'}: {api.schema_name(schema)}"
            yield _ErrorBody("", name, media_type, schema, where)
