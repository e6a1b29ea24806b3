"""Rules about credentials: how they are changed, guessed and bounded."""

from __future__ import annotations

from collections.abc import Iterator
from math import log2

from ...names import words
from ...openapi.api import Api, Operation
from ...openapi.credentials import (
    CURRENT,
    ENOUGH_BITS,
    choices,
    names_sent,
    names_user,
    proves_owner,
)
from ...openapi.document import Node
from ...openapi.limits import limits_calls
from ...openapi.purposes import Purpose, purposes, purposes_of, received
from ...openapi.sensitivity import Field, Sense
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule
from .authorities import API2, API4, API6, ASVS_AUTHENTICATION

_NIST = "https://pages.nist.gov/800-63-4/sp800-63b.html"


@rule(
    "api/credential-change-without-proof",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Ask for the current password (or a reset token sent to the user), and take the user from"
    " the access token",
    references=["CWE-620", *API2, "ASVS 5.0.0 V6.2.3", ASVS_AUTHENTICATION],
    bad="""
    paths:
      /users/{username}/password:
        put:
          parameters:
            - {name: username, in: path, required: true, schema: {type: string, maxLength: 40}}
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  required: [password]
                  properties:
                    password: {type: string, minLength: 8, maxLength: 128}
          responses:
            '204': {description: Changed}
            '400': {$ref: '#/components/responses/Problem'}
            '403': {$ref: '#/components/responses/Problem'}
            '404': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /me/password:
        put:
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  required: [current_password, password]
                  properties:
                    current_password: {type: string, maxLength: 128}
                    password: {type: string, minLength: 8, maxLength: 128}
          responses:
            '204': {description: Changed}
            '400': {$ref: '#/components/responses/Problem'}
            '404': {$ref: '#/components/responses/Problem'}
    """,
)
def credential_change_withoutproves_owner(api: Api, _: Api) -> Iterator[Hit]:
    """A password is changed without the current one.

    Whoever holds a session for a moment, by a stolen token or an unlocked screen, keeps the account
    for good. Where the request also names the user, nothing but a check on the server stands
    between one user and the password of all others. ASVS 5.0.0 requires the current and the new
    password in 6.2.3. A one-time code or reset token in the request is proof as well.
    """
    for operation, these in api.once(purposes).items():
        if Purpose.CREDENTIAL_CHANGE not in these:
            continue
        new = [field for field in received(operation) if field.sense is Sense.PASSWORD]
        if not new or proves_owner(operation, new):
            continue
        named = names_user(operation)
        told = f", and the request names the user ({', '.join(map(quoted, named))})"
        message = f"{quoted(operation)} sets {quoted(new[0].path)} without the current password"
        yield Hit(
            operation.node.place(),
            message + (told if named else ""),
            cause="a password is changed without the current one"
            + (", for the user that the request names" if named else ""),
            related=(new[0].node.place(),),
        )


@rule(
    "api/one-time-code-guessable",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Make the code at least 6 digits, let it expire, and end it after a few attempts (`429`)",
    references=[
        "CWE-307",
        "CWE-334",
        *API2,
        "ASVS 5.0.0 V6.5.4",
        "ASVS 5.0.0 V6.6.3",
        ASVS_AUTHENTICATION,
    ],
    bad="""
    paths:
      /password-resets:
        post:
          operationId: verifyOtp
          security: []
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  required: [otp]
                  properties:
                    otp: {type: string, pattern: '^[0-9]{4}$', maxLength: 4}
    """,
    good="""
    paths:
      /password-resets:
        post:
          operationId: verifyOtp
          security: []
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  required: [otp]
                  properties:
                    otp: {type: string, pattern: '^[0-9]{8}$', maxLength: 8}
          responses:
            '204': {description: The code is right}
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
def one_time_code_guessable(api: Api, _: Api) -> Iterator[Hit]:
    """A one-time code is so short that it can be tried out.

    Four digits are 10,000 tries, a minute for a script, and an old version of the endpoint or a
    second address without the limit is enough. A code of less than 20 bits (six digits) is only as
    good as the limit on attempts, and the description of this one names no limit. ASVS 5.0.0 asks
    for 20 bits in 6.5.4 and for a limit in 6.6.3.
    """
    for operation in api.once(purposes):
        for field, (least, most, why) in _guessable_codes(operation):
            bits = f"{log2(least):.1f}" + (f" to {log2(most):.1f}" if most > least else "")
            yield Hit(
                operation.node.place(),
                f"{quoted(operation)} checks {quoted(field.path)}, {why}: {bits} bits, and no"
                " response says that attempts are limited",
                cause=f"one-time codes, {why}, can be tried out",
                related=(field.node.place(),),
            )


def _guessable_codes(operation: Operation) -> Iterator[tuple[Field, tuple[int, int, str]]]:
    if Purpose.CODE_CHECK in purposes_of(operation) and not limits_calls(operation):
        for field in received(operation):
            if field.sense is Sense.CODE:
                known = choices(operation.api, field.node)
                if known and log2(known[0]) < ENOUGH_BITS:
                    yield field, known


@rule(
    "api/attempts-unlimited",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Limit attempts by account and by address, and document `429` with `Retry-After`",
    references=[
        "CWE-307",
        "CWE-799",
        *API2,
        *API4,
        *API6,
        "ASVS 5.0.0 V6.3.1",
        ASVS_AUTHENTICATION,
    ],
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
def attempts_unlimited(api: Api, _: Api) -> Iterator[Hit]:
    """A step that attackers repeat documents no limit on attempts.

    Passwords from leaks are tried by the million, codes are tried one by one, and each reset sends
    a message that costs money and annoys its receiver. Clients cannot back off from a limit they
    do not know, and a description that names none is the usual sign that there is none. A `429`, a
    rate-limit header or a sentence about the limit is enough.
    """
    for operation, these in api.once(purposes).items():
        repeated = sorted(these & _REPEATED)
        is_open = not operation.protected or Purpose.CODE_CHECK in these
        if repeated and is_open and not limits_calls(operation):
            if _of_machines(operation) or any(_guessable_codes(operation)):
                continue
            yield Hit(
                operation.node.place(),
                f"{quoted(operation)}, a call to {repeated[0]}, names no limit on attempts",
                cause="calls to log in, register, recover or verify name no limit on attempts",
            )


def _of_machines(operation: Operation) -> bool:
    """Whether what is sent is the secret of a client, too long to be guessed."""
    names = {words(name) for name in names_sent(operation)}
    senses = {field.sense for field in received(operation)}
    return "_client_secret_" in names and Sense.PASSWORD not in senses


_REPEATED = {Purpose.LOGIN, Purpose.REGISTRATION, Purpose.RECOVERY, Purpose.CODE_CHECK}


@rule(
    "api/password-length-limited",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    fix="Allow at least 64 characters and ask for at least 8 (15 where it is the only factor)",
    references=["CWE-521", *API2, ASVS_AUTHENTICATION, f"{_NIST}#passwordver"],
    bad="""
    paths:
      /accounts:
        post:
          operationId: registerAccount
          security: []
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  required: [password]
                  properties:
                    password: {type: string, minLength: 5, maxLength: 30}
          responses:
            '204': {description: There is an account}
            '400': {$ref: '#/components/responses/Problem'}
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
      /accounts:
        post:
          operationId: registerAccount
          security: []
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  required: [password]
                  properties:
                    password: {type: string, minLength: 8, maxLength: 128}
          responses:
            '204': {description: There is an account}
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
def password_length_limited(api: Api, _: Api) -> Iterator[Hit]:
    """A password may be too short, or may not be long.

    Short passwords are guessed; a low maximum keeps out pass phrases and the output of password
    managers, and hints that passwords are stored as they are. ASVS 5.0.0 asks for at least 8
    characters (6.2.1) and at least 64 allowed (6.2.9), as does NIST SP 800-63B-4.
    """
    found: dict[Node, str] = {}
    for operation, these in api.once(purposes).items():
        if not these & {Purpose.REGISTRATION, Purpose.CREDENTIAL_CHANGE, Purpose.CODE_CHECK}:
            continue
        for field in received(operation):
            if field.sense is not Sense.PASSWORD or CURRENT.search(words(field.path)):
                continue
            least, most = (_bound(api, field.node, key) for key in ("minLength", "maxLength"))
            faults = [f"`minLength` is {least}"] if least is not None and least < 8 else []
            faults += [f"`maxLength` is {most}"] if most is not None and most < 64 else []
            if faults and field.node not in found:
                found[field.node] = ", ".join(faults)
                message = f"{quoted(field.path)} of {quoted(operation)}: {found[field.node]}"
                yield Hit(field.node.place(), message, cause=found[field.node])


def _bound(api: Api, node: Node, key: str) -> int | None:
    values = (part.get(key) for part in api.parts(node))
    return next((value for value in values if type(value) is int), None)
