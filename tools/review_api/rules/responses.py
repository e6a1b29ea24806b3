"""Rules about responses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...openapi.api import Api, Operation
from ...openapi.kinds import Version
from ...openapi.models import codes_of
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule
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
    or a `default` that has not the body of the errors counts as success here.
    """
    silent = [
        operation
        for operation in api.operations
        if (codes := codes_of(operation)) is not None
        and not any(code[:1] in "123" for code in codes)
        and ("default" not in codes or _is_error(operation))
    ]
    for operation in silent:
        yield Hit(
            operation.node.place(*(["responses"] if operation.node.get("responses") else [])),
            f"{quoted(operation)} documents no success",
            cause=f"{len(silent)} of {len(api.operations)} operations document no success",
        )


def _is_error(operation: Operation) -> bool:
    """Whether `default` has the very body of the operation's errors."""
    default = operation.responses.get("default")
    bodies = {
        model
        for code, response in operation.errors
        if code != "default"
        for model in operation.api.models(response)
    }
    return default is not None and not bodies.isdisjoint(operation.api.models(default))


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
