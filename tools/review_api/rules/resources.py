"""Rules about resources: that what is written can be read back."""

from __future__ import annotations

from collections.abc import Iterator

from ...openapi.api import Api
from ...openapi.conventions import family_of
from ...openapi.document import Node
from ...openapi.models import declaration, is_json
from ...openapi.resources import Kind, Resource, Role, Use, resources
from ...openapi.values import key_of, listing, mapping
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule
from .authorities import NAMES

_RESOURCES = "https://google.aip.dev/121"
_PLAIN_WRITES = (Role.CREATE, Role.REPLACE, Role.UPDATE)
MAX_MODELS = 20  # of one resource, each compared with each


def _pairs(resource: Resource) -> Iterator[tuple[Use, Node, Use, Node]]:
    """Each model that the resource receives with each that it answers with, uses named first."""
    given: dict[Node, Use] = {}
    for use in resource.having(*_PLAIN_WRITES):
        json = any(is_json(body) for body in use.operation.request_bodies)
        if use.receives is not None and json:
            given.setdefault(use.receives, use)
    answered: dict[Node, Use] = {}
    for use in resource.having(Role.READ, Role.LIST, *_PLAIN_WRITES):
        if use.answer.model is not None:
            answered.setdefault(use.answer.model, use)
    for received, write in [*given.items()][:MAX_MODELS]:
        for model, read in [*answered.items()][:MAX_MODELS]:
            if received is not model:
                yield write, received, read, model


def _common(api: Api, received: Node, model: Node) -> Iterator[tuple[str, Node, Node]]:
    """The fields that both have, declared apart; none if the two have hardly a field in common."""
    given, answered = api.properties(received), api.properties(model)
    both = [name for name in given if name in answered]
    if len(both) > 1:
        for name in both:
            if given[name] is not answered[name]:
                yield name, given[name], answered[name]


@rule(
    "api/written-field-type-differs",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Give the field one type in requests and responses, or two names",
    references=[NAMES, _RESOURCES],
    bad="""
    paths:
      /pets:
        post:
          requestBody:
            content:
              application/json:
                schema:
                  type: object
                  properties:
                    name: {type: string, maxLength: 80}
                    age: {type: string, maxLength: 3}
          responses:
            '201': &pet
              description: The pet
              content:
                application/json:
                  schema:
                    type: object
                    properties: {name: {type: string}, age: {type: integer}}
            '400': {$ref: '#/components/responses/Problem'}
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {responses: {'200': *pet, '404': {$ref: '#/components/responses/Problem'}}}
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
                  properties:
                    name: {type: string, maxLength: 80}
                    age: {type: integer, format: int32}
          responses:
            '201': &pet
              description: The pet
              content:
                application/json:
                  schema:
                    type: object
                    properties: {name: {type: string}, age: {type: integer}}
            '400': {$ref: '#/components/responses/Problem'}
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {responses: {'200': *pet, '404': {$ref: '#/components/responses/Problem'}}}
    """,
)
def written_field_type_differs(api: Api, _: Api) -> Iterator[Hit]:
    """A field of a resource has one type when it is written and another when it is read.

    A client cannot send back what it read, and a model shared by both directions fits neither: an
    age sent as text and returned as a number, a list that is written as one string with commas.
    Compared for plain values and lists, in JSON; an id that comes back as an object is left out.
    """
    for resource in _known(api):
        for write, received, read, model in _pairs(resource):
            for name, given, answered in _common(api, received, model):
                one, other = _sort(given, api), _sort(answered, api)
                if one and other and one != other:
                    message = f"{quoted(name)} is a {one} when written and a {other} when read"
                    yield Hit(
                        declaration(received, name, api),
                        message,
                        cause=message,
                        evidence=f"{quoted(write.operation)} and {quoted(read.operation)}",
                        related=(declaration(model, name, api),),
                    )


def _known(api: Api) -> Iterator[Resource]:
    return (each for each in resources(api) if each.kind is not Kind.UNKNOWN)


def _sort(schema: Node, api: Api) -> str:
    """string, number, boolean or list; nothing if it may be several or is an object."""
    types = sorted(api.types(schema) - {"null"})
    return "list" if types == ["array"] else family_of(types)


@rule(
    "api/written-value-unreadable",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Add the value to the enumeration of the response, or do not accept it",
    references=[_RESOURCES],
    bad="""
    paths:
      /pets:
        post:
          requestBody:
            content:
              application/json:
                schema:
                  type: object
                  properties: {name: {type: string, maxLength: 80}, kind: {enum: [cat, dog, owl]}}
          responses:
            '201': &pet
              description: The pet
              content:
                application/json:
                  schema:
                    type: object
                    properties: {name: {type: string}, kind: {enum: [cat, dog]}}
            '400': {$ref: '#/components/responses/Problem'}
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {responses: {'200': *pet, '404': {$ref: '#/components/responses/Problem'}}}
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
                  properties: {name: {type: string, maxLength: 80}, kind: {enum: [cat, dog]}}
          responses:
            '201': &pet
              description: The pet
              content:
                application/json:
                  schema:
                    type: object
                    properties: {name: {type: string}, kind: {enum: [cat, dog, owl]}}
            '400': {$ref: '#/components/responses/Problem'}
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {responses: {'200': *pet, '404': {$ref: '#/components/responses/Problem'}}}
    """,
)
def written_value_unreadable(api: Api, _: Api) -> Iterator[Hit]:
    """A value that may be written is none of those that are read.

    Once a client has sent it, the answer breaks its own schema: generated clients that know the
    enumeration fail on the whole object, for every reader of it. Usually a value was added to one
    of two lists. Words for a choice left to the server (`auto`, `default`) are no such value.
    """
    for resource in _known(api):
        for write, received, read, model in _pairs(resource):
            for name, given, answered in _common(api, received, model):
                accepted, returned = _values(given, api), _values(answered, api)
                lost = sorted(accepted.keys() - returned.keys() - _CHOICES)
                if returned and lost and len(lost) < len(accepted):
                    shown = ", ".join(quoted(accepted[key]) for key in lost[:4])
                    message = f"{quoted(name)} may be set to {shown} and never reads so"
                    yield Hit(
                        declaration(received, name, api),
                        message,
                        cause=message,
                        evidence=f"{quoted(write.operation)} and {quoted(read.operation)}",
                        related=(declaration(model, name, api),),
                    )


_CHOICES = {key_of(word) for word in ("", "auto", "default", "unset", "none", "inherit", None)}


def _values(schema: Node, api: Api) -> dict[str, object]:
    for part in api.parts(schema):
        values = listing(mapping(part.value).get("enum"))
        if values and "x-extensible-enum" not in part.value:
            return {key_of(value): value for value in values}
    return {}
