"""Rules about what answers tell: credentials, personal data, who has an account, internals."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...names import words
from ...openapi.access import access_of, declares_access
from ...openapi.api import Api, Operation
from ...openapi.authorization import disclosed_identifiers, embedded_people
from ...openapi.document import Node
from ...openapi.purposes import Purpose, answered, purposes_of
from ...openapi.sensitivity import (
    ABOUT_PEOPLE,
    Field,
    Sense,
    holds_value,
    private_part,
    senders,
    sensitive_properties,
)
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule
from .authorities import API1, API2, API3, ASVS_AUTHORIZATION


@rule(
    "api/password-in-response",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    fix="Leave the property out of responses; mark it `writeOnly` where the schema is shared with"
    " a request",
    references=["CWE-213", "CWE-522", *API3],
    bad="""
    paths:
      /members:
        get:
          responses:
            '200':
              description: The member with this session
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      nickname: {type: string}
                      password_hash: {type: string}
            '400': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /members:
        get:
          responses:
            '200':
              description: The member with this session
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      nickname: {type: string}
                      has_password: {type: boolean}
            '400': {$ref: '#/components/responses/Problem'}
    """,
)
def password_in_response(api: Api, _: Api) -> Iterator[Hit]:
    """A response carries a password or its hash.

    No client needs it: whoever may set a password knows it. In a response it reaches logs, caches
    and everybody who may read the object, and people use the same password elsewhere; hashes are
    tried out offline. Often the model of the table is returned as it is, or one schema serves
    request and response without `writeOnly`. A password that the server has just made up for the
    user is left alone.
    """
    for node, match in api.once(sensitive_properties):
        if match.sense is not Sense.PASSWORD or not holds_value(api, node, match.sense):
            continue
        if any(part.get("writeOnly") is True for part in api.parts(node)):
            continue
        tellers = [op for op in senders(api, node) if not _makes_password(op, node)]
        if tellers:
            name = str(node.key[-1])
            others = f", as do {len(tellers) - 1} more operations" if len(tellers) > 1 else ""
            yield Hit(
                node.place(),
                f"{quoted(tellers[0])} returns {quoted(name)}{others}",
                cause=f"passwords in {quoted(api.schema_name(node.parent))} are returned",
            )


_STORED = re.compile("_(hash|hashed|digest|salt|encrypted)_")


def _makes_password(operation: Operation, node: Node) -> bool:
    """Whether the password is one that the server has just made up: the client sends none."""
    name = str(node.key[-1])
    sent = {
        name for body in operation.request_bodies for name in operation.api.properties(body.schema)
    }
    return operation.method == "post" and name not in sent and not _STORED.search(words(name))


@rule(
    "api/personal-data-unprotected",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Require a credential, or return what may be public only",
    references=["CWE-359", "CWE-306", *API3, *API2],
    bad="""
    paths:
      /users/first:
        get:
          security: []
          responses:
            '200':
              description: The user who came first
              content:
                application/json:
                  schema: {type: object, properties: {email: {type: string}}}
            '400': {$ref: '#/components/responses/Problem'}
      /pets:
        get: {}
    """,
    good="""
    paths:
      /users/first:
        get:
          security: []
          responses:
            '200':
              description: The user who came first
              content:
                application/json:
                  schema: {type: object, properties: {nickname: {type: string}}}
            '400': {$ref: '#/components/responses/Problem'}
      /pets:
        get: {}
    """,
)
def personal_data_unprotected(api: Api, _: Api) -> Iterator[Hit]:
    """Personal data is returned to anyone who asks.

    Other operations of this API need a credential; this one hands out e-mail addresses, telephone
    numbers or worse without. Such lists are copied by the first crawler, and their loss has to be
    reported (GDPR article 33). Told by the names of properties in objects that
    describe a person, and by paths to one person's orders, cards, balance and the like; addresses
    of companies are left alone.
    """
    if not api.once(declares_access):
        return
    for operation in api.operations:
        if not access_of(operation).anonymous or operation.method not in ("get", "query"):
            continue
        if purposes_of(operation) & {Purpose.LOGIN, Purpose.REGISTRATION}:
            continue
        told = [f for f in answered(operation) if f.sense in ABOUT_PEOPLE and f.person]
        names = ", ".join(quoted(field.path) for field in told[:4])
        private = private_part(operation.path) if "{" in operation.path else ""
        if told or private:
            what = names or f"the {quoted(private)} of anybody"
            yield Hit(
                operation.node.place(),
                f"{quoted(operation)} returns {what} to anyone",
                cause="personal data is returned to anyone",
                evidence=access_of(operation).open_because,
                related=tuple(field.node.place() for field in told[:1]),
            )


@rule(
    "api/personal-data-embedded",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Return a public name and an opaque id of the author; leave the rest to the profile, which"
    " its owner may read",
    references=["CWE-213", "CWE-359", *API3, "ASVS 5.0.0 V14.2.6"],
    bad="""
    paths:
      /posts/recent:
        get:
          responses:
            '200':
              description: The newest post
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      title: {type: string}
                      author:
                        type: object
                        properties: {name: {type: string}, email: {type: string}}
            '400': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /posts/recent:
        get:
          responses:
            '200':
              description: The newest post
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      title: {type: string}
                      author:
                        type: object
                        properties: {name: {type: string}}
            '400': {$ref: '#/components/responses/Problem'}
    """,
)
def personal_data_embedded(api: Api, _: Api) -> Iterator[Hit]:
    """What many users read carries the contact data of the one who wrote it.

    A post needs a name beside it, not an e-mail address or a telephone number: whoever may read
    posts collects the addresses of all who write. Usually the whole user object is embedded because
    it was at hand. Looked at are posts, comments, reviews, feeds and their like, and the author,
    creator, sender or owner inside.
    """
    found: dict[tuple[Operation, Node], list[Field]] = {}
    for operation, field in api.once(embedded_people):
        found.setdefault((operation, field.owner), []).append(field)
    for (operation, owner), told in found.items():
        names = ", ".join(quoted(field.path) for field in told[:4])
        kept = sorted(api.properties(owner))
        yield Hit(
            operation.node.place(),
            f"{quoted(operation)} returns {names} of other people",
            cause=f"{', '.join(quoted(field.path.rpartition('.')[2]) for field in told[:4])} of"
            " other people is returned inside what many users read",
            evidence="beside it: " + ", ".join(map(quoted, kept[:8])),
            related=(told[0].node.place(),),
        )


@rule(
    "api/object-id-disclosed",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Check on the server that the object is the caller's, and leave its id out of what others"
    " read",
    references=["CWE-639", *API1, "ASVS 5.0.0 V8.2.2", ASVS_AUTHORIZATION],
    bad="""
    paths:
      /reviews/recent:
        get:
          responses:
            '200':
              description: The newest review
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      text: {type: string}
                      author:
                        type: object
                        properties: {nickname: {type: string}, vehicleId: {type: string}}
            '400': {$ref: '#/components/responses/Problem'}
      /vehicles/{vehicleId}/location:
        get:
          parameters:
            - {name: vehicleId, in: path, required: true, schema: {type: string, maxLength: 36}}
          responses:
            '200': {description: Where the vehicle is}
            '404': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /reviews/recent:
        get:
          responses:
            '200':
              description: The newest review
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      text: {type: string}
                      author:
                        type: object
                        properties: {nickname: {type: string}}
            '400': {$ref: '#/components/responses/Problem'}
      /vehicles/{vehicleId}/location:
        get:
          parameters:
            - {name: vehicleId, in: path, required: true, schema: {type: string, maxLength: 36}}
          responses:
            '200': {description: Where the vehicle is}
            '404': {$ref: '#/components/responses/Problem'}
    """,
)
def object_id_disclosed(api: Api, _: Api) -> Iterator[Hit]:
    """One operation tells everybody the id by which another finds an object.

    Random ids are no protection once they are told. What is written about a person inside a post
    or review carries the id of something of theirs, and a second operation takes that id: whether
    a stranger gets the answer depends on one check on the server, which is the one that is most
    often missing.
    """
    for row, identifier, teller, told in api.once(disclosed_identifiers):
        yield Hit(
            row.operation.node.place(),
            f"{quoted(row.operation)} finds its object by {quoted(identifier.name)}, which"
            f" {quoted(teller)} returns for other people",
            cause=f"{quoted(teller)} tells ids that other operations take",
            related=(told.place(),),
        )
