"""Rules about the calls that an API makes itself: whether receivers can trust them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...names import words
from ...openapi.api import Api, Operation
from ...openapi.models import answer_of, input_of
from ...openapi.resources import Resource, Role, resources
from ...openapi.values import listing, mapping
from ...openapi.webhooks import Delivery, deliveries
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule
from .authorities import API10

_STANDARD = "https://www.standardwebhooks.com/"
_SIGNATURES = "https://www.rfc-editor.org/rfc/rfc9421"

_SIGNED = re.compile(
    r"_(signatures?|sig|hmac|digest|authorization|authentication|token|secret|jws|jwt|svix|hub)_"
)
_SAID = re.compile(r"signature|signed|signing|hmac|secret|mutual tls|mtls|jws|jwt|bearer", re.I)
_FRESH = re.compile(
    r"_(id|uuid|guid|timestamp|time|date|nonce|delivery|sequence|created|sent|occurred|at)_"
)


@rule(
    "api/webhook-unsigned",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Send a signature over body and time in a header, and describe how to verify it",
    references=[_STANDARD, _SIGNATURES, "CWE-345", *API10],
    bad="""
    webhooks:
      petSold:
        post:
          requestBody:
            content:
              application/json:
                schema: {type: object, properties: {id: {type: string, maxLength: 36}}}
          responses: {'204': {description: Received}}
    """,
    good="""
    webhooks:
      petSold:
        post:
          parameters:
            - {name: X-Signature, in: header, required: true, schema: {type: string, maxLength: 99}}
          requestBody:
            content:
              application/json:
                schema: {type: object, properties: {id: {type: string, maxLength: 36}}}
          responses: {'204': {description: Received}}
    """,
)
def webhook_unsigned(api: Api, _: Api) -> Iterator[Hit]:
    """A webhook or callback has nothing by which its receiver could tell who sent it.

    The receiver's URL is reachable by anybody and leaks through logs and proxies: whoever knows it
    can report payments that were never made. No signature, token or security scheme is described
    here, so receivers check nothing, or each invents something.
    """
    sent = deliveries(api)
    if not sent or _SAID.search(_about(api)):
        return
    open_ = [delivery for delivery in sent if not _is_signed(delivery, api)]
    for delivery in open_:
        yield Hit(
            delivery.operation.place(),
            f"nothing tells a receiver of {quoted(delivery.name)} that it is genuine",
            cause=f"{len(open_)} of {len(sent)} webhooks and callbacks have no signature",
        )


def _about(api: Api) -> str:
    """What the document says in general that may concern webhooks."""
    tags = (mapping(tag) for tag in listing(api.root.get("tags")))
    texts = [mapping(api.root.get("info")), *(tag for tag in tags if _hooks(tag.get("name")))]
    told = " ".join(str(text.get("description") or "")[:50_000] for text in texts)
    return told if _hooks(told) else ""


def _hooks(text: object) -> bool:
    return re.search(r"web-?hook|callback", str(text), re.I) is not None


def _is_signed(delivery: Delivery, api: Api) -> bool:
    node = delivery.operation
    told = f"{node.get('summary')} {node.get('description')} {delivery.item.get('description')}"
    if node.get("security") or _SAID.search(told[:20_000]):
        return True
    return any(_SIGNED.search(words(name)) for name in _carried(delivery, api))


def _carried(delivery: Delivery, api: Api) -> Iterator[str]:
    """The names of the parameters and of the fields of the body, two levels deep."""
    for parameter in delivery.parameters(api):
        yield str(parameter.get("name"))
    for body in delivery.bodies(api):
        for name, node in api.properties(body.schema).items():
            yield name
            yield from api.properties(node)


@rule(
    "api/webhook-replayable",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Send an id of the delivery and the time, both under the signature",
    references=[_STANDARD, "CWE-294", *API10],
    bad="""
    webhooks:
      petSold:
        post:
          parameters:
            - {name: X-Signature, in: header, required: true, schema: {type: string, maxLength: 99}}
          requestBody:
            content:
              application/json:
                schema: {type: object, properties: {name: {type: string, maxLength: 80}}}
          responses: {'204': {description: Received}}
    """,
    good="""
    webhooks:
      petSold:
        post:
          parameters:
            - {name: X-Signature, in: header, required: true, schema: {type: string, maxLength: 99}}
            - {name: X-Timestamp, in: header, required: true, schema: {type: integer}}
          requestBody:
            content:
              application/json:
                schema: {type: object, properties: {name: {type: string, maxLength: 80}}}
          responses: {'204': {description: Received}}
    """,
)
def webhook_replayable(api: Api, _: Api) -> Iterator[Hit]:
    """A signed webhook has neither an id nor a time.

    A signature proves who wrote the message, not that it is new: whoever records one can send it
    again, and the sender itself repeats it after a timeout. Without an id or a time under the
    signature the receiver acts twice.
    """
    for delivery in deliveries(api):
        names = [words(name) for name in _carried(delivery, api)]
        known = any(api.properties(body.schema) for body in delivery.bodies(api))
        signed = any(_SIGNED.search(name) for name in names)
        if known and signed and not any(_FRESH.search(name) for name in names):
            yield Hit(
                delivery.operation.place(),
                f"{quoted(delivery.name)} is signed, but has neither an id nor a time",
                cause="signed webhooks and callbacks have neither an id nor a time",
            )


_WEBHOOKS = re.compile(r"_(web_?)?hooks?_|_webhook_|_subscriptions?_$|_endpoints?_$")
_TARGET = re.compile(r"_(ur[il]|target|address|endpoint|callback|destination|delivery)(_ur[il])?_$")
_PROOF = re.compile(
    r"_(secrets?|sign(ing|ature)?|hmac|password|passphrase|token|keys?|certificates?|auth|header"
    r"|headers|authorization|authentication|credentials?|verification)_"
)


@rule(
    "api/webhook-secret-missing",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Return a signing secret when a webhook is registered, and describe the signature",
    references=[_STANDARD, "CWE-345", *API10],
    bad="""
    paths:
      /webhooks:
        post:
          requestBody:
            content:
              application/json:
                schema:
                  type: object
                  properties:
                    url:
                      description: Internal addresses are refused
                      type: string
                      format: uri
                      maxLength: 300
                      pattern: '^https://'
    """,
    good="""
    paths:
      /webhooks:
        post:
          requestBody:
            content:
              application/json:
                schema:
                  type: object
                  properties:
                    url:
                      description: Internal addresses are refused
                      type: string
                      format: uri
                      maxLength: 300
                      pattern: '^https://'
                    secret: {type: string, minLength: 32, maxLength: 100, writeOnly: true}
    """,
)
def webhook_secret_missing(api: Api, _: Api) -> Iterator[Hit]:
    """Webhooks are registered without a secret or key to verify them by.

    Neither the request nor the answer has a secret, and nothing is said of a signature, so the
    receiver has no way to tell a delivery from a forgery by somebody who knows the URL.
    """
    if any(_is_signed(delivery, api) for delivery in deliveries(api)) or _SAID.search(_about(api)):
        return
    for resource in resources(api):
        if not _WEBHOOKS.search(words(resource.name)) or not _hooks(resource.path):
            continue
        for use in resource.having(Role.CREATE):
            if _sends_to_target(use.operation) and not _has_proof(resource, api):
                message = f"{quoted(use.operation)} registers a webhook without any secret"
                yield Hit(use.operation.node.place(), message, cause=message)


def _sends_to_target(operation: Operation) -> bool:
    fields = operation.api.properties(input_of(operation))
    return any(_TARGET.search(words(name)) for name in fields)


def _has_proof(resource: Resource, api: Api) -> bool:
    models = {m for use in resource.uses for m in (use.receives, answer_of(use.operation).model)}
    names = [words(name) for model in models for name in api.properties(model)]
    told = (str(use.operation.node.get("description"))[:20_000] for use in resource.uses)
    paths = (words(use.operation.path) for use in resource.uses)
    return (
        any(map(_PROOF.search, names))
        or any(map(_SAID.search, told))
        or any(map(_PROOF.search, paths))
    )
