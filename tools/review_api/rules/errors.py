"""Rules about errors: that they are described, alike, and can be told apart by a program."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from ...names import words
from ...openapi.api import Api
from ...openapi.document import Node
from ...openapi.errors import ErrorBody, common_error, error_bodies
from ...openapi.models import codes_of, component_name, has_body
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule
from .authorities import RFC9110

_RESPONSES = "https://spec.openapis.org/oas/v3.1.1#responses-object"
_PROBLEM = "https://www.rfc-editor.org/rfc/rfc9457"


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
        if (codes := codes_of(operation))
        and not any(code[:1] in "45" or code == "default" for code in codes)
        and operation.can_fail
    ]
    for operation in silent:
        yield Hit(
            operation.node.place("responses"),
            f"{quoted(operation)} documents no error",
            cause=f"{len(silent)} of {len(api.operations)} operations document no error",
        )


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
    common = common_error(api, support=8, share=0.8)
    bodies = error_bodies(api)
    if common is None or common.total < 10 or _is_of_one_code(common.body.model, bodies):
        return
    fields = set(api.properties(common.body.schema))
    for error in bodies:
        own = set(api.properties(error.schema))
        extends = bool(fields) and own >= fields and error.media_type == common.body.media_type
        standard = any(own >= names for names in _STANDARD)
        if error.model != common.body.model and not extends and not standard:
            message = (
                f"{common.support} of {common.total} error bodies are"
                f" {quoted(common.body.model)}, this one is {quoted(error.model)}"
            )
            yield Hit(error.place, message, cause=message)


_STANDARD = ({"error", "error_description"}, {"err", "description"})
"""The fields of errors in OAuth (RFC 6749, 5.2) and security events (RFC 8935, 2.3)."""


def _is_of_one_code(model: str, bodies: tuple[ErrorBody, ...]) -> bool:
    return len({body.code for body in bodies if body.model == model}) < 2


@rule(
    "api/error-body-missing",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    fix="Answer with the error model of the rest of the API",
    references=[_PROBLEM, f"{RFC9110}#section-15.5"],
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
        post:
          responses: *responses
        put:
          responses:
            '204': {description: Done}
            '400': {description: Not understood}
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
        post:
          responses: *responses
        put:
          responses:
            '204': {description: Done}
            '400': {$ref: '#/components/responses/Problem'}
    """,
)
def error_body_missing(api: Api, _: Api) -> Iterator[Hit]:
    """An error has no body, where nearly all errors of the API have one.

    Clients read the body to tell what went wrong: here they find none, and the one place that
    handles errors trips over it or shows nothing. Reported where at least nine of ten errors have
    a body; a status code that mostly comes without one is left alone.
    """
    errors = [
        (code, response)
        for operation in api.operations
        for code, response in operation.errors
        if operation.method != "head" and (code != "default" or any(operation.success))
    ]
    bare = [(code, response) for code, response in errors if not has_body(response, api)]
    if len(errors) < 10 or len(bare) > 0.1 * len(errors):
        return
    of_code = Counter(code for code, _response in errors)
    bare_of_code = Counter(code for code, _response in bare)
    message = f"{len(bare)} of {len(errors)} errors have no body"
    for code, response in bare:
        if bare_of_code[code] <= 0.5 * of_code[code]:
            yield Hit(response.place(), message, cause=message)


@rule(
    "api/error-code-missing",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Add a field for a stable code that clients may branch on; RFC 9457 has `type` for it",
    references=[f"{_PROBLEM}#section-3.1.1", "https://google.aip.dev/193"],
    bad="""
    paths:
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {responses: &responses {'200': {description: Done}, default: &error {
          description: It failed, content: {application/json: {schema: {
            type: object, properties: {message: {type: string}}}}}}}}
        put: {responses: *responses}
        delete: {responses: *responses}
      /pets:
        put: {responses: *responses}
        delete: {responses: *responses}
    """,
    good="""
    paths:
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {responses: &responses {'200': {description: Done}, default: &error {
          description: It failed, content: {application/json: {schema: {
            type: object, properties: {message: {type: string}, code: {type: string}}}}}}}}
        put: {responses: *responses}
        delete: {responses: *responses}
      /pets:
        put: {responses: *responses}
        delete: {responses: *responses}
    """,
)
def error_code_missing(api: Api, _: Api) -> Iterator[Hit]:
    """The error model of the API has no code, only text.

    A status code covers many causes: to tell them apart a client has to compare messages, which
    breaks when somebody mends their wording or translates them. A catalogue of stable codes is
    part of the contract; text is for people.
    """
    common = common_error(api, support=5, share=0.6)
    if common is None:
        return
    names = _fields_within(common.body.schema, api)
    if names and all(_TEXT.search(words(name)) for name in names):
        shown = ", ".join(quoted(name) for name in sorted(names)[:6])
        yield Hit(
            common.body.schema.place(),
            f"errors can be told apart only by text: the error model has {shown}",
            evidence=f"{common.support} of {common.total} error bodies are of this model",
        )


_TEXT = re.compile(
    r"_(messages?|msg|details?|descriptions?|title|text|explanation|hint|help|instance|path"
    r"|timestamps?|time|date|request_id|trace_id|correlation_id|errors?|status|status_code|http_code"
    r"|http_status|http_status_code|success|ok|docs|url|documentation_url|method)_$"
)


def _fields_within(schema: Node, api: Api) -> set[str]:
    """The fields of an error and of what is inside it, two levels deep; none if it is open."""
    found: set[str] = set()
    level = [schema]
    for _depth in range(3):
        inner: list[Node] = []
        for node in level[:20]:
            parts = api.parts(node)
            if any(part.get(key) for part in parts for key in ("oneOf", "anyOf")):
                return set()
            fields = api.properties(node)
            found |= fields.keys()
            inner += fields.values()
            items = (api.description.child(part, "items") for part in parts)
            inner += (item for item in items if item is not None)
        level = inner
    return found


@rule(
    "api/error-body-of-success",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Answer with the error model",
    references=[_RESPONSES],
    bad="""
    components:
      schemas:
        Pet: {type: object, properties: {name: {type: string}, born: {type: string}}}
    paths:
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get:
          responses:
            '200':
              description: The pet
              content: &pet {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}
            '404': {description: There is none, content: *pet}
    """,
    good="""
    components:
      schemas:
        Pet: {type: object, properties: {name: {type: string}, born: {type: string}}}
    paths:
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get:
          responses:
            '200':
              description: The pet
              content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}
            '404': {$ref: '#/components/responses/Problem'}
    """,
)
def error_body_of_success(api: Api, _: Api) -> Iterator[Hit]:
    """An error has the same body as the success of the operation.

    The description was copied and not finished: the server sends an error model, and a generated
    client parses it as the resource, all fields empty, without noticing that the call failed.
    An envelope (`success`, `code`, `message`, `data`) and results with an error each are fine.
    """
    for operation in api.operations:
        answers = {schema for _, response in operation.success for schema in _models(response, api)}
        for code, response in operation.errors if answers else ():
            for schema in _models(response, api):
                if schema in answers and code != "default" and not _is_envelope(schema, api):
                    yield Hit(
                        response.place(),
                        f"the error {quoted(code)} has the body of the success,"
                        f" {quoted(component_name(schema))}",
                        cause="errors have the body of the success",
                    )


_ENVELOPE = re.compile(r"_(errors?|messages?|success|ok|codes?|details?|status|faults?|data)_$")


def _is_envelope(schema: Node, api: Api) -> bool:
    fields = api.properties(schema)
    told = any(_ENVELOPE.search(words(name)) for name in fields)
    return not fields or told or any("error" in words(name) for name in _fields_within(schema, api))


def _models(response: Node, api: Api) -> list[Node]:
    return [
        body.schema for body in api.bodies(response) if body.schema and component_name(body.schema)
    ]
