"""A rule about credentials that stay readable after they were made."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...names import words
from ...openapi.api import Api, Operation
from ...openapi.document import Node
from ...openapi.purposes import Purpose, purposes_of
from ...openapi.sensitivity import holds_value, senders, sensitive_properties
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule
from .authorities import API2, API3


@rule(
    "api/secret-readable",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Show it once, in the answer to the call that makes it; later show its last characters",
    references=["CWE-522", "CWE-213", *API3, *API2, "ASVS 5.0.0 V14.2.6"],
    bad="""
    paths:
      /integrations/first:
        get:
          responses:
            '200':
              description: The integration
              content:
                application/json:
                  schema: {type: object, properties: {api_key: {type: string}}}
            '404': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /integrations/first:
        get:
          responses:
            '200':
              description: The integration
              content:
                application/json:
                  schema: {type: object, properties: {api_key_ending: {type: string}}}
            '404': {$ref: '#/components/responses/Problem'}
    """,
)
def secret_readable(api: Api, _: Api) -> Iterator[Hit]:
    """A stored key, token or PIN can be read at any time.

    Whoever may read the object, by a stolen session, a support tool or a log of answers, can act
    with the credential from then on, and the server keeps it in a form that can be stolen as a
    whole. Tokens that were just issued (`expires_in` beside them) are left alone.
    """
    for node, match in api.once(sensitive_properties):
        name = str(node.key[-1])
        if not (_KEPT.search(words(name)) and holds_value(api, node, match.sense)):
            continue
        readers = [user for user in senders(api, node) if _reads(user)]
        if readers and not _is_harmless(api, node):
            others = f", as do {len(readers) - 1} more operations" if readers[1:] else ""
            owner = quoted(api.schema_name(node.parent))
            yield Hit(
                node.place(),
                f"{quoted(readers[0])} returns {quoted(name)}{others}",
                cause=f"credentials in {owner} can be read at any time",
            )


_KEPT = re.compile(
    r"_((auth|access|refresh|api)_token|api_key|api_secret|(secret|private|signing|encryption)_key"
    r"|secret_access_key|passcode|pin|pin_?code)_$"
)
_OTHER = re.compile(
    r"^_(expires(_in|_at|_on)?|expiry|expiration(_date|_time)?|token_type|street(_\w+)?|city"
    r"|country(_\w+)?|address(_\w+)?|state)_$"
)


def _is_harmless(api: Api, node: Node) -> bool:
    """Whether a credential is short-lived or not returned, or a PIN code the post's."""
    beside = api.properties(node.parent)
    hidden = any(part.get("writeOnly") is True for part in api.parts(node))
    return hidden or any(_OTHER.match(words(name)) for name in beside)


def _reads(operation: Operation) -> bool:
    return operation.method in ("get", "query") and Purpose.LOGIN not in purposes_of(operation)
