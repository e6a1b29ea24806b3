"""Rules about what an API has that attackers look for first: accounts, old steps, debug calls."""

from __future__ import annotations

from collections.abc import Iterator

from ...openapi.access import access_of
from ...openapi.accounts import enumerations
from ...openapi.api import Api
from ...openapi.inventory import is_sensitive, same_steps
from ...openapi.purposes import Purpose, purposes
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule
from .authorities import API2, API5, API8, API9, ASVS_AUTHENTICATION

_DEPRECATED = "https://spec.openapis.org/oas/v3.1.1#operation-object"


@rule(
    "api/account-enumerable",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Answer alike, in text, status and time, whether the account exists or not",
    references=["CWE-204", "CWE-203", *API2, "ASVS 5.0.0 V6.3.8", ASVS_AUTHENTICATION],
    bad="""
    paths:
      /login:
        post:
          security: []
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  required: [email, password]
                  properties:
                    email: {type: string, format: email, maxLength: 200}
                    password: {type: string, maxLength: 128}
          responses:
            '200': {description: Logged in}
            '400': {$ref: '#/components/responses/Problem'}
            '401':
              description: The password is not correct for this user
              content:
                application/problem+json:
                  schema: {$ref: '#/components/schemas/Problem'}
            '429':
              description: Too many attempts
              headers:
                Retry-After: {schema: {type: integer}}
              content:
                application/problem+json:
                  schema: {$ref: '#/components/schemas/Problem'}
    """,
    good="""
    paths:
      /login:
        post:
          security: []
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  required: [email, password]
                  properties:
                    email: {type: string, format: email, maxLength: 200}
                    password: {type: string, maxLength: 128}
          responses:
            '200': {description: Logged in}
            '400': {$ref: '#/components/responses/Problem'}
            '429':
              description: Too many attempts
              headers:
                Retry-After: {schema: {type: integer}}
              content:
                application/problem+json:
                  schema: {$ref: '#/components/schemas/Problem'}
    """,
)
def account_enumerable(api: Api, _: Api) -> Iterator[Hit]:
    """Answers tell anyone whether an account exists.

    A login that says "wrong password" for known names and "no such user" for others sorts a list
    of a million addresses into those worth attacking; a recovery that answers 404 and a profile
    that anyone may ask for do the same. Registrations are left alone: they have to refuse names
    that are taken, unless they answer by mail.
    """
    for operation, how, told, response in api.once(enumerations):
        if how == "registers":
            continue
        if how == "looks up":
            tells = f"{quoted(operation)} tells anyone by 200 or 404 whether {quoted(told)} exists"
        elif told:
            tells = f"{quoted(operation)} tells by {quoted(told)} whether the account exists"
        else:
            tells = f"{quoted(operation)} answers 404 if the account does not exist"
        yield Hit(
            operation.node.place("responses"),
            tells,
            cause="answers tell whether an account exists",
            related=(response.place(),),
        )


@rule(
    "api/step-in-several-versions",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Retire the old version; until then mark it `deprecated` and give it the limits of the new",
    references=["CWE-1059", *API9, _DEPRECATED],
    bad="""
    paths:
      /v1/login: &login
        post:
          security: []
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  required: [email, password]
                  properties:
                    email: {type: string, format: email, maxLength: 200}
                    password: {type: string, maxLength: 128}
          responses:
            '200': {description: Logged in}
            '429':
              description: Too many attempts
              headers:
                Retry-After: {schema: {type: integer}}
              content:
                application/problem+json:
                  schema: {$ref: '#/components/schemas/Problem'}
      /v2/login: *login
    """,
    good="""
    paths:
      /v2/login:
        post:
          security: []
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  required: [email, password]
                  properties:
                    email: {type: string, format: email, maxLength: 200}
                    password: {type: string, maxLength: 128}
          responses:
            '200': {description: Logged in}
            '400': {$ref: '#/components/responses/Problem'}
            '429':
              description: Too many attempts
              headers:
                Retry-After: {schema: {type: integer}}
              content:
                application/problem+json:
                  schema: {$ref: '#/components/schemas/Problem'}
    """,
)
def step_in_several_versions(api: Api, _: Api) -> Iterator[Hit]:
    """A step of signing in or of administration is live in several versions.

    The new version has the lock-out, the second factor or the stronger token; attackers take the
    old one. Nothing is told of ordinary operations, for which versions side by side are how APIs
    evolve, nor of versions that are marked `deprecated`.
    """
    for step in api.once(same_steps):
        if is_sensitive(step):
            for operation in step:
                others = [other for other in step if other is not operation]
                yield Hit(
                    operation.node.place(),
                    f"{quoted(operation)} is live beside {', '.join(map(quoted, others[:3]))}",
                    cause=f"{', '.join(map(quoted, step[:4]))} are one step in several versions",
                    related=tuple(other.node.place() for other in others[:3]),
                )


@rule(
    "api/debug-operation-exposed",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Leave it out of what is deployed, or keep it on an address that only operators reach",
    references=["CWE-489", "CWE-306", *API8, *API9, *API5],
    bad="""
    paths:
      /debug:
        get:
          security: []
          responses:
            '200': {description: All that the process holds}
            '400': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /health:
        get:
          security: []
          responses:
            '200': {description: The service is up}
            '400': {$ref: '#/components/responses/Problem'}
    """,
)
def debug_operation_exposed(api: Api, _: Api) -> Iterator[Hit]:
    """Anyone may call what was made for debugging or for setting up.

    Debug and set-up calls skip the checks of ordinary ones: they dump what is stored, reset the
    database or run what they are given. They reach production because nothing keeps them out of
    the build. Told by the path.
    """
    for operation, these in api.once(purposes).items():
        if Purpose.DEBUGGING in these and (reason := access_of(operation).open_because):
            yield Hit(
                operation.node.place(),
                f"{quoted(operation)} is for debugging or setting up, and anyone may call it",
                cause="anyone may call what is for debugging or setting up",
                evidence=reason,
            )
