"""Rules about calls that are repeated after a time-out, and must not be done twice."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...names import words
from ...openapi.api import Api, Listed, Operation
from ...openapi.conventions import convention
from ...openapi.document import Node
from ...openapi.naming import comes_before_login
from ...openapi.values import listing, mapping
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule
from .shared import parameter_patch

_IDEMPOTENT = "https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2"
_KEY = "https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/"


@rule(
    "api/idempotency-key-missing",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Take an `Idempotency-Key` header, and answer a repeated key with the first outcome",
    references=[_IDEMPOTENT, _KEY, "https://google.aip.dev/155"],
    bad="""
    paths:
      /payments:
        post:
          responses:
            '200': {description: Paid}
            '400': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /payments:
        post:
          parameters:
            - name: Idempotency-Key
              in: header
              required: true
              description: Unique for each payment of the account, remembered for 24 hours
              schema: {type: string, maxLength: 64}
          responses:
            '200': {description: Paid}
            '400': {$ref: '#/components/responses/Problem'}
            '409': {$ref: '#/components/responses/Problem'}
            '422': {$ref: '#/components/responses/Problem'}
    """,
)
def idempotency_key_missing(api: Api, _: Api) -> Iterator[Hit]:
    """A call that moves money, or makes what siblings protect, cannot be repeated safely.

    When the answer to a POST is lost, the client does not know whether it was carried out. It
    repeats the call and pays twice, or does not and may not have paid at all; phones, proxies and
    queues repeat by themselves. A key chosen by the client lets the server recognise the second
    call. A reference of the client's own in the body serves as well. The header is an IETF draft
    still, but in wide use. Nothing is reported where the description speaks of idempotency.
    """
    posts = [op for op in api.operations if op.method == "post" and not _reads(op)]
    keyed = [operation for operation in posts if key_of(operation)]
    shared = [key for operation in keyed if (key := key_of(operation))]
    told = "idempot" in _text_of(api)
    usual = len(keyed) >= 3 and 2 * len(keyed) > len(posts)
    agreed = convention(((bool(key_of(op)), op) for op in posts), 5, 0.8)
    always = agreed is not None and agreed.choice
    for operation in posts:
        if key_of(operation) or (not always and _is_harmless(operation)):
            continue
        moves = _moves_money(operation)
        if always or (usual and (moves or "201" in operation.responses)):
            cause = f"{len(keyed)} of {len(posts)} POST operations take an idempotency key"
        elif moves and not (told and not keyed):
            cause = "operations that move money or place orders cannot be repeated safely"
        else:
            continue
        yield Hit(
            operation.node.place(),
            f"{quoted(operation)} describes no idempotency key",
            cause=cause,
            evidence=f"{quoted(keyed[0])} takes {quoted(_name(key_of(keyed[0])))}" if keyed else "",
            patch=parameter_patch(operation, shared),
        )


def _is_harmless(operation: Operation) -> bool:
    """Whether a repeat is recognised by other means, or only undoes again what is undone."""
    return _is_recognised(operation) or any(map(_UNDOES.search, _names_of(operation)))


def _text_of(api: Api) -> str:
    return str(mapping(api.root.get("info")).get("description")).lower()


def key_of(operation: Operation) -> Listed | None:
    """The header or query parameter that makes the operation safe to repeat."""
    for listed in operation.parameters:
        if listed.node.get("in") in ("header", "query") and "_idempot" in words(_name(listed)):
            return listed
    return None


def _keys(api: Api) -> dict[Node, Operation]:
    """The keys that the API describes, each with the first operation that takes it."""
    found: dict[Node, Operation] = {}
    for operation in api.operations:
        if listed := key_of(operation):
            found.setdefault(listed.node, operation)
    return found


def _name(listed: Listed | None) -> str:
    return str(listed.node.get("name")) if listed else ""


_MONEY = re.compile(
    r"_((create|new|place|make|submit|instant|card)_)?(payments?|payment_intents?|charges|payouts?"
    r"|refunds?|orders?|purchases?|withdrawals?|disbursements?|remittances?|bookings?|reservations?"
    r"|pay|purchase|checkout)_"
)
_PERHAPS_MONEY = re.compile(
    r"_((create|new|make|submit)_)?(transfers?|deposits?|charge|capture|top_?ups?|withdraw|buy)_"
)
_AMOUNT = re.compile(r"_(amount|currency|price|sum|total|money)_")
_READS = re.compile(
    r"_(search|query|find|list|get|lookup|filter|preview|estimate|calculate|validate|verify|check"
    r"|quote|simulate|test|export|report|count|login|token)_"
)
_UNDOES = re.compile(r"_(cancel|void)_")
_RECOGNISED = re.compile(
    r"_(idempot\w*|dedup\w*|client_(token|request_id|reference\w*|order_id|id)|nonce|uuid"
    r"|(external|merchant|partner|source|payment|order|customer)_(\w+_)?(id|reference|ref|key)"
    r"|request_(id|token|key|reference)|transaction_(id|reference)|(end_to_end|correlation)_id"
    r"|reference(_(id|number))?|order_number|invoice_number)_$"
)


def _moves_money(operation: Operation) -> bool:
    """Whether the end of the path says so, `/payments`, or it and a field: `amount`."""
    last = operation.path.rstrip("/").rpartition("/")[2]
    told = words(last.removesuffix(".json"))
    if "{" in last or _MONEY.fullmatch(told):
        return "{" not in last
    fields = (
        name for body in operation.request_bodies for name in operation.api.properties(body.schema)
    )
    return _PERHAPS_MONEY.fullmatch(told) is not None and any(
        _AMOUNT.search(words(name)) for name in fields
    )


def _reads(operation: Operation) -> bool:
    """Whether it is a question, so that repeating it does no harm."""
    return comes_before_login(operation) or any(map(_READS.search, _names_of(operation)))


def _names_of(operation: Operation) -> tuple[str, str]:
    last = operation.path.rstrip("/").rpartition("/")[2]
    return words(last), words(operation.node.get("operationId", ""))


def _is_recognised(operation: Operation) -> bool:
    """Whether a reference of the client's own, or a sentence, says how a repeat is recognised."""
    required = {
        name
        for body in operation.request_bodies
        for part in operation.api.parts(body.schema)
        for name in listing(part.get("required"))
        if isinstance(name, str)
    }
    fields = (
        name for body in operation.request_bodies for name in operation.api.properties(body.schema)
    )
    told = f"{operation.node.get('description')} {operation.node.get('summary')}".lower()
    return (
        "idempot" in told
        or "id" in required
        or any(_RECOGNISED.search(words(name)) for name in fields)
    )


_LIFETIME = re.compile(
    r"\d\s*(h(ou)?rs?|h|days?|min(ute)?s?|s(ec(ond)?s?)?|weeks?|months?)\b|expir|life-?time|retain"
    r"|retention|remember|valid for|ttl|forever|never|within|stored? for|kept",
    re.I,
)


@rule(
    "api/idempotency-key-undescribed",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Say for how long a key is remembered, and within what it must be unique",
    references=[_KEY],
    bad="""
    paths:
      /payments:
        post:
          parameters:
            - name: Idempotency-Key
              in: header
              required: true
              description: A key
              schema: {type: string, maxLength: 64}
          responses:
            '200': {description: Paid}
            '409': {$ref: '#/components/responses/Problem'}
            '422': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /payments:
        post:
          parameters:
            - name: Idempotency-Key
              in: header
              required: true
              description: Unique for each payment of the account, remembered for 24 hours
              schema: {type: string, maxLength: 64}
          responses:
            '200': {description: Paid}
            '409': {$ref: '#/components/responses/Problem'}
            '422': {$ref: '#/components/responses/Problem'}
    """,
)
def idempotency_key_undescribed(api: Api, _: Api) -> Iterator[Hit]:
    """Nobody says for how long an idempotency key is remembered.

    A client that repeats a call after the key is forgotten pays twice, so it must know the time,
    and within what a key must be unique: the account, the operation, or everything. The draft
    standard asks the server to publish its policy.
    """
    told = _text_of(api)
    if "idempot" in told and _LIFETIME.search(told):
        return
    for key, operation in _keys(api).items():
        texts = (key.get("description"), operation.node.get("description"))
        if not any(_LIFETIME.search(str(text)) for text in texts if text):
            yield Hit(
                key.place(),
                f"{quoted(key.get('name'))} does not say for how long it is remembered",
                cause="idempotency keys do not say for how long they are remembered",
            )


@rule(
    "api/idempotency-conflict-undocumented",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    fix="Document 409 (the first call is still running) and 422 (same key, other content)",
    references=[_KEY],
    bad="""
    paths:
      /payments:
        post:
          parameters:
            - name: Idempotency-Key
              in: header
              required: true
              description: Unique for each payment of the account, remembered for 24 hours
              schema: {type: string, maxLength: 64}
          responses:
            '200': {description: Paid}
            '400': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /payments:
        post:
          parameters:
            - name: Idempotency-Key
              in: header
              required: true
              description: Unique for each payment of the account, remembered for 24 hours
              schema: {type: string, maxLength: 64}
          responses:
            '200': {description: Paid}
            '409': {$ref: '#/components/responses/Problem'}
            '422': {$ref: '#/components/responses/Problem'}
    """,
)
def idempotency_conflict_undocumented(api: Api, _: Api) -> Iterator[Hit]:
    """An operation takes an idempotency key, but does not say what a misused key gets.

    A key that comes again while the first call runs, or with another content, must be refused, and
    clients must tell it from a refused payment: the one is repeated later, the other never. The
    draft standard uses 409 and 422.
    """
    keyed = [operation for operation in api.operations if key_of(operation)]
    silent = [
        operation
        for operation in keyed
        if mapping(operation.node.get("responses")).keys().isdisjoint(_REFUSED)
    ]
    for operation in silent:
        steps = ["responses"] if operation.node.get("responses") else []
        yield Hit(
            operation.node.place(*steps),
            f"{quoted(operation)} does not say what a misused idempotency key gets",
            cause=f"{len(silent)} of {len(keyed)} operations with an idempotency key do not say"
            " what a misused one gets",
        )


_REFUSED = ("409", "422", "4XX", "default")


@rule(
    "api/idempotency-key-optional",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    opt_in=True,
    fix="Make the key `required`, and refuse a call without one with 400",
    references=[_KEY],
    bad="""
    paths:
      /payments:
        post:
          parameters:
            - name: Idempotency-Key
              in: header
              description: Unique for each payment of the account, remembered for 24 hours
              schema: {type: string, maxLength: 64}
          responses:
            '200': {description: Paid}
            '409': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /payments:
        post:
          parameters:
            - name: Idempotency-Key
              in: header
              required: true
              description: Unique for each payment of the account, remembered for 24 hours
              schema: {type: string, maxLength: 64}
          responses:
            '200': {description: Paid}
            '409': {$ref: '#/components/responses/Problem'}
    """,
)
def idempotency_key_optional(api: Api, _: Api) -> Iterator[Hit]:
    """An idempotency key may be left out.

    The clients that most need it do not know that it exists, and find out when a customer was
    charged twice. A required key costs them one line.
    """
    for key in _keys(api):
        if key.get("required") is not True:
            yield Hit(
                key.place(*(["required"] if "required" in key.value else [])),
                f"{quoted(key.get('name'))} may be left out",
                cause="idempotency keys may be left out",
            )
