"""Rules about access: operations that anyone can call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ...openapi.access import access_of
from ...openapi.api import Api, Operation
from ...openapi.authorization import Kind, outliers
from ...openapi.credentials import proves_owner
from ...openapi.effects import changes_by_safe_method
from ...openapi.guessable import guessable_objects
from ...openapi.naming import comes_before_login
from ...openapi.purposes import Purpose, purposes_of, received
from ...openapi.sensitivity import Sense
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule
from .authorities import API1, API2, API5, ASVS_AUTHORIZATION, SECURITY_REQUIREMENT, SECURITY_SCHEME


@rule(
    "api/operation-unprotected",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Require a security scheme; if anyone may call it, say why in the description",
    references=["CWE-306", *API2, *API5, SECURITY_REQUIREMENT],
    bad="""
    paths:
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {}
        delete:
          security: []
          responses:
            '204': {description: Gone}
            '404': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {}
        delete:
          responses:
            '204': {description: Gone}
            '404': {$ref: '#/components/responses/Problem'}
    """,
)
def operation_unprotected(api: Api, _: Api) -> Iterator[Hit]:
    """An operation that changes data can be called by anyone, unlike its neighbours.

    The rest of the API asks for a credential, so this one was probably forgotten: a `security: []`
    from testing, an empty alternative `{}` that makes the credential optional, or a requirement
    that was written on each operation but this. Where the description drives a gateway or a
    framework, the door stands open. Operations that are anonymous by nature are left alone: login,
    registration, password reset, verification, receivers of webhooks, and reads by POST.
    """
    if not api.security_schemes:
        return
    writes = _writes(api)
    reasons = Counter(access_of(operation).open_because for operation in writes)
    guarded = sum(operation.protected for operation in writes)
    siblings = {id(op.item): op for op in api.operations if op.protected}
    for operation in writes:
        reason = access_of(operation).open_because
        if not reason or (reasons[reason] > 10 and 2 * reasons[reason] > guarded):
            continue  # so many are a habit of this API, not a slip
        sibling = siblings.get(id(operation.item))
        # A POST may be meant for everybody; overwriting and deleting hardly ever is.
        expected = 2 * guarded > len(writes) or (operation.method != "post" and guarded)
        if sibling or expected:
            steps = ["security"] if "security" in operation.node.value else []
            contrast = f"{quoted(sibling)} needs one" if sibling else f"{guarded} others need one"
            yield Hit(
                operation.node.place(*steps),
                f"{quoted(operation)} can be called without a credential, as {reason}",
                cause=f"operations that change data need no credential, as {reason}",
                evidence=f"{contrast}; {len(writes)} operations change data",
                related=(sibling.node.place(),) if sibling else (),
            )


@rule(
    "api/security-undeclared",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    fix="Declare the security schemes and require them for the whole document",
    references=["CWE-306", *API2, SECURITY_SCHEME],
    bad="""
    openapi: 3.1.1
    info: {title: Pets, version: 1.0.0}
    servers:
      - url: https://api.example.com
    paths:
      /pets/{petId}:
        delete:
          parameters:
            - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
          responses:
            '204': {description: Gone}
            '404': {description: No such pet}
    """,
    good="""
    openapi: 3.1.1
    info: {title: Pets, version: 1.0.0}
    servers:
      - url: https://api.example.com
    security:
      - token: []
    paths:
      /pets/{petId}:
        delete:
          parameters:
            - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
          responses:
            '204': {description: Gone}
            '404': {description: No such pet}
    components:
      securitySchemes:
        token: {type: http, scheme: bearer}
    """,
)
def security_undeclared(api: Api, _: Api) -> Iterator[Hit]:
    """The description says nothing about security, though operations change data.

    Clients cannot know which credential to send, and no tool can tell a protected operation from
    one that was forgotten: tests of authorization, gateways and this review all start from what is
    declared. Protection that exists in the code only is protection that nobody verifies.
    """
    writes = [operation for operation in _writes(api) if access_of(operation).open_because]
    if writes and not any(operation.security for operation in api.operations):
        schemes = ", ".join(map(quoted, api.security_schemes))
        yield Hit(
            api.root.place(),
            "no operation requires a credential, "
            + (f"though there is a scheme: {schemes}" if schemes else "and no scheme is declared")
            + f"; {len(writes)} of {len(api.operations)} change data",
            evidence="such as " + ", ".join(quoted(operation) for operation in writes[:3]),
        )


@rule(
    "api/authorization-outlier",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Require what its neighbours require, a scope or role for what it does",
    references=["CWE-285", "CWE-862", *API5, SECURITY_REQUIREMENT],
    bad="""
    components:
      securitySchemes:
        login:
          type: oauth2
          flows:
            clientCredentials:
              tokenUrl: https://id.example.com/token
              scopes: {pets:read: See pets, pets:write: Change pets}
    paths:
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get:
          security: [{login: [pets:read]}]
        put:
          security: [{login: [pets:write]}]
        delete:
          security: [{login: [pets:read]}]
          responses:
            '204': {description: Gone}
            '404': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    components:
      securitySchemes:
        login:
          type: oauth2
          flows:
            clientCredentials:
              tokenUrl: https://id.example.com/token
              scopes: {pets:read: See pets, pets:write: Change pets}
    paths:
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get:
          security: [{login: [pets:read]}]
        put:
          security: [{login: [pets:write]}]
        delete:
          security: [{login: [pets:write]}]
          responses:
            '204': {description: Gone}
            '404': {$ref: '#/components/responses/Problem'}
    """,
)
def authorization_outlier(api: Api, _: Api) -> Iterator[Hit]:
    """An operation asks for less than its neighbours do.

    It changes data with a scope for reading, names no scope where all others do, or administers
    with the credential that every user has. Where scopes are what is checked, any client that may
    read may delete. Operations without any credential are another rule's.
    """
    for outlier in api.once(outliers):
        kind, row, contrast = outlier.kind, outlier.row, outlier.contrast
        if kind is Kind.OPEN:
            continue
        steps = ["security"] if "security" in row.operation.node.value else []
        yield Hit(
            row.operation.node.place(*steps),
            f"{quoted(row.operation)} needs {quoted(row.access)}, {_SAID[kind]}",
            cause=str(kind),
            evidence=f"{quoted(contrast.operation)} needs {quoted(contrast.access)};"
            f" {outlier.support} operations do alike",
            related=(contrast.operation.node.place(),),
        )


_SAID = {
    Kind.SCOPELESS: "no scope, where nearly all others name one",
    Kind.ORDINARY: "what ordinary operations need, although it is for few",
    Kind.READ_SCOPE: "a scope for reading, although it changes data",
}


@rule(
    "api/object-id-guessable",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Check on the server that the object is the caller's, and document the refusal: 403 or 404",
    references=["CWE-639", *API1, "ASVS 5.0.0 V8.2.2", ASVS_AUTHORIZATION],
    bad="""
    paths:
      /reports:
        get:
          parameters:
            - {name: report_id, in: query, required: true, schema: {type: integer}}
          responses:
            '200':
              description: The report
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      text: {type: string}
                      owner: {type: object, properties: {email: {type: string}}}
            '400': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /reports:
        get:
          parameters:
            - {name: report_id, in: query, required: true, schema: {type: integer}}
          responses:
            '200':
              description: The report
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      text: {type: string}
                      owner: {type: object, properties: {email: {type: string}}}
            '400': {$ref: '#/components/responses/Problem'}
            '403': {$ref: '#/components/responses/Problem'}
    """,
)
def object_id_guessable(api: Api, _: Api) -> Iterator[Hit]:
    """A person's data is chosen by a number or name that others can guess, and never refused.

    The next number is the next person's. That is harmless where the server checks whose the object
    is, and then a 403 or 404 is documented, or a scope is needed; here neither is. A candidate for
    broken object-level authorisation: call it as one user with the id of another.
    """
    for row, identifier, about in api.once(guessable_objects):
        yield Hit(
            row.operation.node.place(),
            f"{quoted(row.operation)} chooses its object by the guessable {quoted(identifier.name)}"
            f" and documents no refusal, although it is about people ({quoted(about)})",
            cause="people's data is chosen by guessable ids and never refused",
            related=(identifier.node.place(),),
        )


def _writes(api: Api) -> list[Operation]:
    """The operations that change data, but for those that anyone must be able to call."""
    return [
        operation
        for operation in api.operations
        if (
            operation.method in ("post", "put", "patch", "delete")
            or changes_by_safe_method(operation)
        )
        and "$ref" not in operation.node.value
        and not comes_before_login(operation)
        and not _is_proved(operation)
    ]


def _is_proved(operation: Operation) -> bool:
    """Whether the request itself carries the proof: a reset token beside the new password."""
    if Purpose.CREDENTIAL_CHANGE not in purposes_of(operation):
        return False
    new = [field for field in received(operation) if field.sense is Sense.PASSWORD]
    return proves_owner(operation, new)
