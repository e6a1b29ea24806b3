"""Rules about what clients can set although only the server, or an administrator, should."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...names import words
from ...openapi.api import Api
from ...openapi.document import Node
from ...openapi.models import component_name
from ...openapi.purposes import Purpose, purposes_of
from ...openapi.resources import Resource, Role, Use, resources
from ...openapi.writable import (
    METHODS,
    declared_writable,
    is_open,
    is_own,
    is_privileged,
    privileged,
)
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, Place, rule

_API3 = (
    "https://owasp.org/API-Security/editions/2023/en/"
    "0xa3-broken-object-property-level-authorization/"
)
_READ_ONLY = "https://spec.openapis.org/oas/v3.1.1.html#validating-readonly-and-writeonly"
_WRITES = (Role.CREATE, Role.REPLACE, Role.UPDATE)


@rule(
    "api/privileged-field-writable",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Take the field out of what clients send; let the server or an administrator set it",
    references=[_API3, "CWE-915"],
    bad="""
    paths:
      /me:
        patch:
          requestBody:
            content:
              application/merge-patch+json:
                schema:
                  type: object
                  properties:
                    name: {type: string}
                    is_admin: {type: boolean}
    """,
    good="""
    paths:
      /me:
        patch:
          requestBody:
            content:
              application/merge-patch+json:
                schema:
                  type: object
                  properties:
                    name: {type: string}
                    is_admin: {type: boolean, readOnly: true}
    """,
)
def privileged_field_writable(api: Api, _: Api) -> Iterator[Hit]:
    """People can set their own rights, balance or verification, or what is internal.

    A registration or profile that takes `role`, `is_admin`, `balance` or `email_verified` makes
    everybody what they say they are, unless each handler remembers to drop the field; an internal
    detail, such as the options of a command, ends where the server trusts it. Calls that are for
    administrators are left out, and so are those whose only purpose is to grant a role.
    """
    seen: set[Place] = set()
    for operation in sorted(api.operations, key=str):
        if operation.method not in METHODS or Purpose.ADMINISTRATION in purposes_of(operation):
            continue
        own = is_own(operation)
        for name, owner, internal in privileged(operation):
            declared = declared_writable(owner, name, api) if internal or own else None
            if declared is not None and declared not in seen:
                seen.add(declared)
                yield Hit(
                    declared,
                    f"{quoted(operation)} lets clients set {quoted(name)}",
                    cause="internal details can be set by clients"
                    if internal
                    else "people can set their own rights, balance or verification",
                )


@rule(
    "api/server-field-writable",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Mark it `readOnly`, or receive a model of its own without it",
    references=[_READ_ONLY, _API3, "CWE-915"],
    bad="""
    components:
      schemas:
        Pet:
          type: object
          properties:
            id: {type: integer}
            name: {type: string}
    paths:
      /pets:
        post:
          requestBody: &pet
            content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}
          responses:
            '201': {description: The new pet, <<: *pet}
            '400': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    components:
      schemas:
        Pet:
          type: object
          properties:
            id: {type: integer, readOnly: true}
            name: {type: string}
    paths:
      /pets:
        post:
          requestBody: &pet
            content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}
          responses:
            '201': {description: The new pet, <<: *pet}
            '400': {$ref: '#/components/responses/Problem'}
    """,
)
def server_field_writable(api: Api, _: Api) -> Iterator[Hit]:
    """A model that is both sent and answered lets clients set what the server sets.

    Whoever binds the request to the stored object lets clients choose an `id` that is taken or the
    time of a creation, and clients cannot tell which fields they are to send. `readOnly` says it in
    one word, and generated code follows. An `id` is reported where a new object is sent or the path
    tells it already.
    """
    for resource in resources(api):
        for use in resource.having(*_WRITES):
            model = use.receives
            if model is None or not component_name(model) or not _is_answered(model, resource):
                continue
            for name in api.properties(model):
                declared = (
                    declared_writable(model, name, api) if _is_set_by_server(name, use) else None
                )
                if declared is not None:
                    yield Hit(
                        declared,
                        f"{quoted(component_name(model))} is sent and answered,"
                        f" and clients may set its {quoted(name)}",
                        cause="models that are sent and answered let clients set what the server"
                        " sets",
                        evidence=f"{quoted(use.operation)} receives it",
                    )


_SET_BY_SERVER = re.compile(
    r"^_((created|updated|modified|last_modified|last_updated|deleted)_(at|on|by|time|timestamp)"
    r"|(date_)(created|updated|modified)|(creation|modification|create|update)_(date|time)"
    r"|(creation|last_modified)_timestamp|e_?tag|href|links)_$"
)
_IDENTIFIER = re.compile(r"^_(id|uuid|uid)_$")


def _is_answered(model: Node, resource: Resource) -> bool:
    return any(use.answer.model is model for use in resource.uses)


def _is_set_by_server(name: str, use: Use) -> bool:
    told = words(name)
    known = use.role is Role.CREATE or use.operation.path.endswith("}")
    return _SET_BY_SERVER.match(told) is not None or (known and _IDENTIFIER.match(told) is not None)


@rule(
    "api/mass-assignment-possible",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.LOW,
    opt_in=True,
    fix="Set `additionalProperties` to `false`, and bind only the declared fields",
    references=[_API3, "CWE-915"],
    bad="""
    paths:
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get:
          responses:
            '200':
              description: A pet
              content:
                application/json:
                  schema:
                    type: object
                    properties: {name: {type: string}, is_approved: {type: boolean}}
            '404': {$ref: '#/components/responses/Problem'}
        patch:
          requestBody:
            content:
              application/merge-patch+json:
                schema: {type: object, properties: {name: {type: string, maxLength: 99}}}
    """,
    good="""
    paths:
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get:
          responses:
            '200':
              description: A pet
              content:
                application/json:
                  schema:
                    type: object
                    properties: {name: {type: string}, is_approved: {type: boolean}}
            '404': {$ref: '#/components/responses/Problem'}
        patch:
          requestBody:
            content:
              application/merge-patch+json:
                schema:
                  type: object
                  properties: {name: {type: string, maxLength: 99}}
                  additionalProperties: false
    """,
)
def mass_assignment_possible(api: Api, _: Api) -> Iterator[Hit]:
    """An open request may carry a privileged field that the answer shows.

    The answer tells an attacker the name of the field; where the server copies whatever the request
    holds onto the stored object, sending it is enough. A closed request is refused by generated
    validation or a gateway. Whether the server copies cannot be seen from here: a place to test.
    """
    for resource in resources(api):
        answers = [(use.operation, api.properties(use.answer.model)) for use in resource.uses]
        for use in resource.having(*_WRITES):
            sent = api.properties(use.receives).keys()
            shown = {
                name: operation
                for operation, fields in answers
                for name in fields.keys() - sent
                if is_privileged(name) and sent & fields.keys() - {"id"}
            }
            if shown and is_open(use.receives, api):
                name = min(shown)
                node = use.operation.node
                yield Hit(
                    node.place(*(["requestBody"] if "requestBody" in node.value else [])),
                    f"{quoted(use.operation)} may be sent {quoted(name)}, without declaring it",
                    cause="open requests may carry privileged fields that answers show",
                    evidence=f"{quoted(shown[name])} answers with it",
                )
