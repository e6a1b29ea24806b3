"""Facts about what clients send: addresses, files, look-up keys, counts, sizes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...names import words
from ...openapi.api import PAGE_SIZE, Api, Operation
from ...openapi.document import Node
from ...openapi.inputs import (
    REDIRECTS,
    Value,
    has,
    is_address,
    is_fetched,
    is_file,
    multiplies,
    repeats,
    values,
)
from ...openapi.limits import limits_calls
from ...openapi.patterns import costs, patterns
from ...openapi.sensitivity import Sense, sense_of
from ...openapi.values import listing
from ...regular_expressions.complexity import Growth
from ...report import clean, quoted
from ..facts import Basis, Fact, Input, Kind
from .access import subject_of


def input_facts(api: Api) -> Iterator[Fact]:
    """What each operation takes that an attacker would turn."""
    for operation in api.operations:
        subject = subject_of(operation)
        for value in values(api, operation):
            for kind, sign in _kinds(api, operation, value):
                yield _fact(kind, subject, api, value, sign)
        yield from _of_operation(api, operation, subject)
    yield from _slow_patterns(api)


def _kinds(api: Api, operation: Operation, value: Value) -> Iterator[tuple[Kind, bool]]:
    text, types = words(value.name), api.types(value.schema) - {"null"}
    if value.where == "header":
        if _FORWARDED.match(text):
            yield Kind.FORWARDED, False
        return
    if not types or "string" in types:
        yield from _of_texts(api, operation, value, text)
    if types & {"integer", "number"}:
        if repeats(api, value):
            yield Kind.REPEAT_INPUT, multiplies(value)
        least = has(api, value.schema, "minimum", "exclusiveMinimum")
        if _AMOUNT.search(text) and value.where == "body" and not least:
            yield Kind.AMOUNT_INPUT, False
    if value.where == "query" and PAGE_SIZE.search(value.name):
        yield Kind.PAGE_SIZE, False


def _of_texts(
    api: Api, operation: Operation, value: Value, text: str
) -> Iterator[tuple[Kind, bool]]:
    if is_file(api, value.schema):
        yield Kind.UPLOAD, False
        return
    if value.where in ("query", "path") and _is_secret(value):
        yield Kind.SECRET_IN_URL, False
    bounded = has(api, value.schema, "enum", "const")
    if not bounded and is_address(api, value):
        redirect = REDIRECTS.search(text) is not None
        yield (Kind.REDIRECT_INPUT if redirect else Kind.URL_INPUT), is_fetched(operation, value)
    elif not bounded and _HOST.match(text) and value.where != "path":
        yield Kind.URL_INPUT, _FETCHES.search(words(operation.path)) is not None
    elif not bounded and _FILE_NAME.search(text):
        yield Kind.FILE_NAME_INPUT, False
    elif not bounded and _COMMAND.search(text):
        yield Kind.COMMAND_INPUT, False
    if bounded or has(api, value.schema, "pattern", "format"):
        return
    if value.where == "path" and not _OPAQUE.search(text):
        yield Kind.LOOKUP, True
    elif value.where not in ("path", "header") and _LOOKUP.search(text):
        yield Kind.LOOKUP, False
    if _CHECKED.search(text) and not has(api, value.schema, "maxLength"):
        yield Kind.FREE_TEXT, False


def _fact(kind: Kind, subject: str, api: Api, value: Value, sign: bool) -> Fact:
    bounds = _bounds(api, value.schema)
    told = Input(clean(value.name, 80), value.where, bounds, sign)
    example = f", such as {quoted(value.example, 60)}" if isinstance(value.example, str) else ""
    note = f"the {value.where} holds {quoted(value.name)}{example}, {bounds or 'without bounds'}"
    return Fact(kind, subject, told, Basis.HEURISTIC, value.schema.place(), note)


_KEYWORDS = ("enum", "pattern", "format", "minLength", "maxLength", "minimum", "maximum")


def _bounds(api: Api, schema: Node) -> str:
    found = {
        key: part.get(key)
        for part in reversed(api.parts(schema))
        for key in _KEYWORDS
        if part.get(key) is not None
    }
    return ", ".join(f"{key} {clean(str(value), 40)}" for key, value in found.items())


def _is_secret(value: Value) -> bool:
    match = sense_of(value.name)
    secret = match is not None and match.sense in _SECRET_SENSES
    return secret and not _PAGE_TOKEN.search(words(value.name))


_SECRET_SENSES = (
    Sense.PASSWORD,
    Sense.SECRET,
    Sense.PAYMENT,
    Sense.IDENTITY,
    Sense.HEALTH,
)
_PAGE_TOKEN = re.compile(r"_(page|next|cursor|continuation|sync|upload|resume)_")


_FILE_NAME = re.compile(
    r"_(file_?name|file_?path|path_?name|directory|folder_path|template_name)_$"
)
_HOST = re.compile(r"^_(target_|remote_)?(host|host_?name|server)_$")
_FETCHES = re.compile(r"_(import|fetch|proxy|ping|probe|crawl|scrape|preview|connect|check|test)_")
_COMMAND = re.compile(
    r"_(cmd|command|exec|shell|args?|arguments|ip_?addr(ess)?|ping_host|script)_$"
)
_LOOKUP = re.compile(
    r"_(coupon(_code)?|voucher(_code)?|promo(_code)?|query|search|filter|keyword|q|term|where"
    r"|sort(_by)?|order(_by)?|username|user_name|login|code_word|title|sql|expression)_$"
)
_OPAQUE = re.compile(r"_(id|uuid|guid|sid|version|sha)_$")
_CHECKED = re.compile(r"_(e_?mail|url|uri|phone|host(name)?|domain|regex|pattern|user_?agent)_")
_AMOUNT = re.compile(
    r"_(amount|quantity|qty|price|total|credits?|points|balance|discount|tip|fee)_$"
)
_FORWARDED = re.compile(
    r"^_x_(forwarded_\w+|real_ip|user_id|user|username|role|roles|client_ip|original_\w+"
    r"|authenticated_\w+|remote_\w+|tenant|tenant_id|org_id|account_id)_$"
)


def _of_operation(api: Api, operation: Operation, subject: str) -> Iterator[Fact]:
    place = operation.node.place()
    if limits_calls(operation):
        yield Fact(Kind.LIMITED, subject, True, Basis.OBSERVED, place, "it names a limit on calls")
    names = words(f"{operation.path} {operation.node.get('operationId')}")
    found = _COSTLY.search(names)
    if found:
        told = found[1]
        note = f"its names tell of {quoted(told)}, which takes long"
        yield Fact(Kind.COSTLY, subject, told, Basis.HEURISTIC, place, note)
    flow = _FLOW.search(words(operation.path))
    if flow and operation.method in ("post", "put", "patch"):
        note = f"its path tells of {quoted(flow[1])}, which money or stock hangs on"
        yield Fact(Kind.ORDER, subject, flow[1], Basis.HEURISTIC, place, note)
    media = tuple(clean(body.media_type, 60) for body in operation.request_bodies)
    if media or api.version.name == "V20":
        old = listing(operation.node.get("consumes", api.root.get("consumes")))
        told_media = tuple(m for m in (*media, *(clean(str(m), 60) for m in old)) if m)
        if told_media:
            note = f"takes {', '.join(map(quoted, told_media[:4]))}"
            yield Fact(Kind.MEDIA, subject, told_media, Basis.OBSERVED, place, note)


_COSTLY = re.compile(
    r"_(export|report|reports|convert|transcode|render|bulk|batch|generate|analy[sz]e|backup|archive"
    r"|zip|pdf|thumbnail|crawl|import|resend|broadcast)_"
)
_FLOW = re.compile(
    r"_(coupons?|vouchers?|orders?|checkout|purchases?|payments?|pay|transfers?|refunds?|return_order"
    r"|bookings?|reservations?|tickets?|bids?|votes?|invites?|invitations?|withdrawals?|gift_cards?"
    r"|carts?|subscriptions?|rewards?)_"
)


def _slow_patterns(api: Api) -> Iterator[Fact]:
    known = costs(api)
    for text, at, node in patterns(api):
        verdict = known.get(text)
        if verdict is not None and verdict.growth is Growth.EXPONENTIAL and api.received(node):
            note = f"{quoted(text, 60)} takes exponentially long on some texts"
            yield Fact(Kind.PATTERN, "api", clean(text, 200), Basis.DERIVED, at, note)
