"""Rules about links: what an answer says can be called next."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ...openapi.api import Api, Operation
from ...openapi.document import Node, steps_of
from ...openapi.values import mapping
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule

LINK: Final = "https://spec.openapis.org/oas/v3.1.1#link-object"
EXPRESSION: Final = "https://spec.openapis.org/oas/v3.1.1#runtime-expressions"


@rule(
    "api/link-target-missing",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="link",
    fix="Name an operation that exists",
    references=[LINK],
    bad="""
    paths:
      /pets/count:
        get:
          responses:
            '200':
              description: How many
              links: {all: {operationId: listPets}}
            '400': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /pets/count:
        get:
          operationId: countPets
          responses:
            '200':
              description: How many
              links: {again: {operationId: countPets}}
            '400': {$ref: '#/components/responses/Problem'}
    """,
)
def link_target_missing(link: Node, api: Api) -> Iterator[Hit]:
    """A link names an operation that does not exist.

    The link tells clients what they can call with the answer in hand. Generated code and test
    tools that follow it fail, or leave it out without a word.
    """
    name, reference = link.get("operationId"), link.get("operationRef")
    if isinstance(name, str) and name not in api.operations_by_id:
        yield Hit(link.place("operationId"), f"no operation has the id {quoted(name)}")
    is_own = isinstance(reference, str) and reference.startswith("#/paths/")
    if is_own and _operation_at(reference, api) is None:
        yield Hit(link.place("operationRef"), f"{quoted(reference)} leads to no operation")


@rule(
    "api/link-parameter-unknown",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="link",
    fix="Name a parameter of the operation that the link leads to",
    references=[LINK],
    bad="""
    paths:
      /pets/{petId}:
        get:
          operationId: getPet
          parameters:
            - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
          responses:
            '200':
              description: The pet
              links:
                mother: {operationId: getPet, parameters: {id: $response.body#/motherId}}
            '404': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /pets/{petId}:
        get:
          operationId: getPet
          parameters:
            - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
          responses:
            '200':
              description: The pet
              links:
                mother: {operationId: getPet, parameters: {petId: $response.body#/motherId}}
            '404': {$ref: '#/components/responses/Problem'}
    """,
)
def link_parameter_unknown(link: Node, api: Api) -> Iterator[Hit]:
    """A link fills a parameter that its operation does not have.

    The value goes nowhere, and the parameter that was meant stays empty: following the link fails.
    """
    operation = _target(link, api)
    if operation is None:
        return
    known = {
        said
        for _, parameter in operation.parameters
        for said in (
            str(parameter.get("name")),
            f"{parameter.get('in')}.{parameter.get('name')}",
        )
    }
    for name in mapping(link.get("parameters")):
        if name not in known:
            yield Hit(
                link.place("parameters", name),
                f"{quoted(operation)} has no parameter {quoted(name)}",
            )


@rule(
    "api/runtime-expression-invalid",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Write one of the runtime expressions, such as `$response.body#/id` or `$request.path.id`",
    references=[EXPRESSION],
    bad="""
    paths:
      /pets/count:
        get:
          operationId: countPets
          parameters:
            - {name: kind, in: query, schema: {type: string, enum: [cat, dog]}}
          responses:
            '200':
              description: How many
              links: {again: {operationId: countPets, parameters: {kind: $respons.body#/kind}}}
            '400': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /pets/count:
        get:
          operationId: countPets
          parameters:
            - {name: kind, in: query, schema: {type: string, enum: [cat, dog]}}
          responses:
            '200':
              description: How many
              links: {again: {operationId: countPets, parameters: {kind: $response.body#/kind}}}
            '400': {$ref: '#/components/responses/Problem'}
    """,
)
def runtime_expression_invalid(api: Api, _: Api) -> Iterator[Hit]:
    """A link or callback has an expression that means nothing.

    What begins with `$` is evaluated against the request or the response. An expression that the
    grammar does not know is sent as it stands, or the call is never made.
    """
    for link in api.nodes("link"):
        for name, value in mapping(link.get("parameters")).items():
            is_meant = isinstance(value, str) and value.startswith("$")
            if is_meant and not _EXPRESSION.fullmatch(value):
                message = f"{quoted(value)} is no runtime expression"
                yield Hit(link.place("parameters", name), message, cause=message)
    for callback in api.nodes("callback"):
        for key in mapping(callback.value):
            for expression in [] if key.startswith("x-") else _expressions(key):
                if not _EXPRESSION.fullmatch(expression):
                    message = f"{quoted(expression)} is no runtime expression"
                    yield Hit(callback.place(key), message, cause=message)


def _expressions(key: str) -> list[str]:
    """The expressions of a callback's URL: in braces, or the whole."""
    return [key] if key.startswith("$") else _BRACED.findall(key)


_BRACED: Final = re.compile(r"\{([^{}]*)\}")
_SOURCE: Final = r"(header\.[!#$%&'*+.^_`|~0-9A-Za-z-]+|query\..+|path\..+|body(#(/[^#]*)?)?)"
_EXPRESSION: Final = re.compile(rf"\$(url|method|statusCode|(request|response)\.{_SOURCE})")


def _target(link: Node, api: Api) -> Operation | None:
    """The operation a link leads to; None where that is not sure."""
    found = api.operations_by_id.get(str(link.get("operationId")), [])
    if len(found) == 1:
        return found[0]
    reference = link.get("operationRef")
    return _operation_at(reference, api) if isinstance(reference, str) else None


def _operation_at(reference: str, api: Api) -> Operation | None:
    steps = steps_of(reference.removeprefix("#"))
    if not reference.startswith("#") or len(steps) != 3:
        return None
    return api.operations_at.get((steps[1], steps[2]))
