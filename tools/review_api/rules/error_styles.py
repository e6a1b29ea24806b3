"""Rules about errors that are a matter of style: which are described, and in what detail."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...names import words
from ...openapi.api import Api, Operation
from ...openapi.errors import error_bodies
from ...openapi.models import codes_of, declaration
from ...openapi.values import mapping
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule
from .authorities import RFC9110

_RESPONSES = "https://spec.openapis.org/oas/v3.1.1#responses-object"
_PROBLEM = "https://www.rfc-editor.org/rfc/rfc9457"

_EXPECTED = {
    "400": ("4XX", "422", "default"),
    "401": ("4XX", "default"),
    "404": ("4XX", "410", "default"),
}


@rule(
    "api/expected-error-undocumented",
    Severity.INFO,
    FindingClass.STYLE,
    on="api",
    opt_in=True,
    fix="Document the error, or a `default` response with the error model",
    references=[_RESPONSES, f"{RFC9110}#section-15.5"],
    bad="""
    paths:
      /pets/{petId}:
        get:
          parameters:
            - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
          responses:
            '200': {description: The pet}
            '401': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /pets/{petId}:
        get:
          parameters:
            - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
          responses:
            '200': {description: The pet}
            '401': {$ref: '#/components/responses/Problem'}
            '404': {$ref: '#/components/responses/Problem'}
    """,
)
def expected_error_undocumented(api: Api, _: Api) -> Iterator[Hit]:
    """An operation does not document the error that its shape makes certain to occur.

    What takes a body can be sent a wrong one (400 or 422), what needs a credential can be called
    without (401), and what names an item by its path can miss it (404).
    """
    for operation in api.operations:
        codes = codes_of(operation)
        for code in _certain(operation) if codes else ():
            if code not in (codes or ()) and not set(_EXPECTED[code]) & set(codes or ()):
                yield Hit(
                    operation.node.place("responses"),
                    f"{quoted(operation)} does not document {quoted(code)}",
                    cause=f"{_WHY[code]} document no {quoted(code)}",
                )


_WHY = {
    "400": "operations that take a body",
    "401": "operations that need a credential",
    "404": "operations on one item",
}


def _certain(operation: Operation) -> Iterator[str]:
    if operation.request_bodies:
        yield "400"
    if operation.protected:
        yield "401"
    if operation.path.rstrip("/").endswith("}") and operation.method not in ("put", "post"):
        yield "404"


@rule(
    "api/unexpected-error-undocumented",
    Severity.INFO,
    FindingClass.STYLE,
    on="api",
    opt_in=True,
    fix="Add a `default` response with the error model",
    references=[_RESPONSES],
    bad="""
    paths:
      /pets:
        delete:
          responses:
            '204': {description: All pets are gone}
            '400': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /pets:
        delete:
          responses:
            '204': {description: All pets are gone}
            default: {$ref: '#/components/responses/Problem'}
    """,
)
def unexpected_error_undocumented(api: Api, _: Api) -> Iterator[Hit]:
    """An operation documents neither a `default` response nor an error of the server.

    Any server fails at times. Clients that are told how such a failure looks can show it and try
    again; the others parse whatever comes.
    """
    for operation in api.operations:
        codes = codes_of(operation)
        if codes and not any(code == "default" or code[:1] == "5" for code in codes):
            yield Hit(
                operation.node.place("responses"),
                f"{quoted(operation)} documents neither `default` nor a 5xx response",
                cause="operations document neither `default` nor a 5xx response",
            )


@rule(
    "api/error-codes-unlisted",
    Severity.INFO,
    FindingClass.STYLE,
    on="api",
    opt_in=True,
    fix="List the codes with `enum`, or show some with `examples` and link to the catalogue",
    references=[f"{_PROBLEM}#section-4", "https://google.aip.dev/193"],
    bad="""
    components:
      schemas:
        Problem:
          type: object
          required: [title, status]
          properties:
            title: {type: string}
            status: {type: integer}
            code: {type: string}
    """,
    good="""
    components:
      schemas:
        Problem:
          type: object
          required: [title, status]
          properties:
            title: {type: string}
            status: {type: integer}
            code: {type: string, enum: [pet-unknown, pet-ill]}
    """,
)
def error_codes_unlisted(api: Api, _: Api) -> Iterator[Hit]:
    """The codes of errors are listed nowhere.

    Clients branch on codes they have met by chance; nobody notices when one is renamed. A list
    makes the catalogue part of the contract.
    """
    for schema in {body.schema: None for body in error_bodies(api)}:
        for name, node in api.properties(schema).items():
            told = {key for part in api.parts(node) for key in mapping(part.value)}
            if _CODE.search(words(name)) and "string" in api.types(node) and not told & _LISTS:
                yield Hit(
                    declaration(schema, name, api),
                    f"the values of {quoted(name)} are listed nowhere",
                    cause="the codes of errors are listed nowhere",
                )


_CODE = re.compile(r"^_(error_?)?(code|reason|key)_$")
_LISTS = {
    *("enum", "const", "oneOf", "anyOf", "example", "examples", "pattern"),
    *("x-extensible-enum", "description", "externalDocs"),
}
