"""Rules on operations that leave out an answer which nearly all others like them document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...openapi.api import Api, Operation
from ...openapi.conventions import convention
from ...openapi.values import mapping
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule
from .authorities import RFC9110

_SUPPORT = 8  # operations that document it


@rule(
    "api/not-found-response-missing",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Document 404 with the API's error model",
    references=[f"{RFC9110}#section-15.5.5"],
    bad="""
    paths:
      /pets/{id}:
        get: &usual
          security: [{key: []}]
          parameters: &id
            - {name: id, in: path, required: true, schema: {type: string, maxLength: 9}}
          responses:
            '200': {description: The one asked for}
            '400': {$ref: '#/components/responses/Problem'}
            '401': {$ref: '#/components/responses/Problem'}
            '404': {$ref: '#/components/responses/Problem'}
      /vets/{id}: {get: *usual}
      /cats/{id}: {get: *usual}
      /dogs/{id}: {get: *usual}
      /owners/{id}: {get: *usual}
      /visits/{id}: {get: *usual}
      /bills/{id}: {get: *usual}
      /rooms/{id}: {get: *usual}
      /shelves/{id}: {get: *usual}
      /keys/{id}:
        get:
          security: [{key: []}]
          parameters: *id
          responses:
            '200': {description: The one asked for}
            '400': {$ref: '#/components/responses/Problem'}
            '401': {$ref: '#/components/responses/Problem'}
    components:
      securitySchemes:
        key: {type: apiKey, in: header, name: X-Key}
    """,
    good="""
    paths:
      /pets/{id}:
        get: &usual
          security: [{key: []}]
          parameters: &id
            - {name: id, in: path, required: true, schema: {type: string, maxLength: 9}}
          responses:
            '200': {description: The one asked for}
            '400': {$ref: '#/components/responses/Problem'}
            '401': {$ref: '#/components/responses/Problem'}
            '404': {$ref: '#/components/responses/Problem'}
      /vets/{id}: {get: *usual}
      /cats/{id}: {get: *usual}
      /dogs/{id}: {get: *usual}
      /owners/{id}: {get: *usual}
      /visits/{id}: {get: *usual}
      /bills/{id}: {get: *usual}
      /rooms/{id}: {get: *usual}
      /shelves/{id}: {get: *usual}
      /keys/{id}:
        get: *usual
    components:
      securitySchemes:
        key: {type: apiKey, in: header, name: X-Key}
    """,
)
def not_found_response_missing(api: Api, _: Api) -> Iterator[Hit]:
    """An operation on one thing documents no 404, unlike nearly all others.

    A client that asks for what is gone has to know how it is told: by 404, by 410, or by an empty
    success. Where nearly all operations say 404, the one that does not was forgotten or behaves
    otherwise, and both hurt. Reported where at least eight operations, and nine of ten, document
    it. Those that create what is not there, or document no error at all, are left out.
    """
    items = (
        each
        for each in api.operations
        if each.path.rstrip("/").endswith("}") and "201" not in each.responses
    )
    yield from _outliers(items, "404", "operations on one thing")


@rule(
    "api/unauthorized-response-missing",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Document 401 with the API's error model",
    references=[f"{RFC9110}#section-15.5.2", "https://www.rfc-editor.org/rfc/rfc6750#section-3"],
    bad="""
    paths:
      /pets/{id}:
        get: &usual
          security: [{key: []}]
          parameters: &id
            - {name: id, in: path, required: true, schema: {type: string, maxLength: 9}}
          responses:
            '200': {description: The one asked for}
            '400': {$ref: '#/components/responses/Problem'}
            '401': {$ref: '#/components/responses/Problem'}
            '404': {$ref: '#/components/responses/Problem'}
      /vets/{id}: {get: *usual}
      /cats/{id}: {get: *usual}
      /dogs/{id}: {get: *usual}
      /owners/{id}: {get: *usual}
      /visits/{id}: {get: *usual}
      /bills/{id}: {get: *usual}
      /rooms/{id}: {get: *usual}
      /shelves/{id}: {get: *usual}
      /keys/{id}:
        get:
          security: [{key: []}]
          parameters: *id
          responses:
            '200': {description: The one asked for}
            '400': {$ref: '#/components/responses/Problem'}
            '404': {$ref: '#/components/responses/Problem'}
    components:
      securitySchemes:
        key: {type: apiKey, in: header, name: X-Key}
    """,
    good="""
    paths:
      /pets/{id}:
        get: &usual
          security: [{key: []}]
          parameters: &id
            - {name: id, in: path, required: true, schema: {type: string, maxLength: 9}}
          responses:
            '200': {description: The one asked for}
            '400': {$ref: '#/components/responses/Problem'}
            '401': {$ref: '#/components/responses/Problem'}
            '404': {$ref: '#/components/responses/Problem'}
      /vets/{id}: {get: *usual}
      /cats/{id}: {get: *usual}
      /dogs/{id}: {get: *usual}
      /owners/{id}: {get: *usual}
      /visits/{id}: {get: *usual}
      /bills/{id}: {get: *usual}
      /rooms/{id}: {get: *usual}
      /shelves/{id}: {get: *usual}
      /keys/{id}:
        get: *usual
    components:
      securitySchemes:
        key: {type: apiKey, in: header, name: X-Key}
    """,
)
def unauthorized_response_missing(api: Api, _: Api) -> Iterator[Hit]:
    """An operation that needs a credential documents no 401, unlike nearly all others.

    Tokens expire in the middle of work. Clients renew them on 401; where an operation does not say
    that it answers so, generated code treats it as an unknown failure. Reported where at least
    eight protected operations, and nine of ten, document it. Those that document no error at all
    are another rule's.
    """
    protected = (each for each in api.operations if each.protected)
    yield from _outliers(protected, "401", "operations that need a credential")


def _outliers(operations: Iterable[Operation], code: str, called: str) -> Iterator[Hit]:
    told = ((_tells(each, code), each) for each in operations if any(each.errors))
    found = convention(told, _SUPPORT)
    if found is None or not found.choice:
        return
    for _, operation in found.outliers:
        yield Hit(
            operation.node.place("responses"),
            f"{quoted(operation)} documents no {code}",
            cause=f"{found.ratio} {called} document {code}, these do not",
        )


def _tells(operation: Operation, code: str) -> bool:
    return not {code, f"{code[0]}XX"}.isdisjoint(mapping(operation.node.get("responses")))
