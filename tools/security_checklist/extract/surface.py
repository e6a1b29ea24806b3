"""Facts about what an API shows of itself: effects of GET, errors, technical pages, examples."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ...names import words
from ...openapi.api import Api, Operation
from ...openapi.document import Node
from ...openapi.effects import changes_by_safe_method
from ...openapi.models import headers_of
from ...openapi.purposes import Purpose, answered, purposes_of, segments
from ...openapi.sensitivity import ABOUT_PEOPLE, Sense, objects
from ...openapi.values import mapping
from ...openapi.webhooks import deliveries
from ...report import clean, quoted
from ...rule import Place
from ..facts import Basis, Fact, Kind
from .access import subject_of
from .signin import decoded

MAX_EXAMPLES = 20_000  # values of examples that are looked at


def surface_facts(api: Api) -> Iterator[Fact]:
    """What callers see beside the data they came for."""
    for operation in api.operations:
        subject = subject_of(operation)
        place = operation.node.place()
        if told := changes_by_safe_method(operation):
            note = f"a {operation.method.upper()} that changes data, going by {quoted(told)}"
            yield Fact(Kind.CHANGES_BY_GET, subject, told, Basis.HEURISTIC, place, note)
        if told := _technical(operation):
            note = f"{quoted(told)} is for operators"
            yield Fact(Kind.TECHNICAL, subject, told, Basis.HEURISTIC, place, note)
        yield from _errors(api, operation, subject)
        yield from _headers(operation, subject)
        yield from _cached(operation, subject)
    yield from _webhooks(api)
    yield from _examples(api)


_TECHNICAL = re.compile(
    r"^_(metrics|prometheus|actuator|swagger(_ui)?|api_docs|openapi(_json)?|redoc|graphiql"
    r"|playground|env|configprops|heap_?dump|thread_?dump|trace|server_(status|info)|php_?info"
    r"|debug|console|profiler|logs?_files?)_$"
)


def _technical(operation: Operation) -> str:
    if Purpose.DEBUGGING in purposes_of(operation):
        return next((s.strip("_") for s in segments(operation)[::-1]), "debug")
    found = segments(operation)
    if found and _DEBUGS.search(found[-1]):
        return found[-1].strip("_")
    return next((s.strip("_") for s in found if _TECHNICAL.match(s)), "")


_DEBUGS = re.compile(r"_(debug|diagnostics?|sys_?info|server_info)_")


_INSIDE = re.compile(
    r"_(stack(_?trace)?|trace_?back|exception(_class)?|sql(_state|_error|_query)?|debug(_info)?"
    r"|source_(file|line)|internal_error|inner_exception|backtrace)_"
)


def _errors(api: Api, operation: Operation, subject: str) -> Iterator[Fact]:
    for _, response in operation.errors:
        for body in api.bodies(response):
            for part in objects(api, body.schema):
                for name, schema in part.properties.items():
                    if _INSIDE.search(words(name)):
                        note = f"an error holds {quoted(name)}"
                        value = clean(str(name), 80)
                        place = schema.place()
                        yield Fact(Kind.ERROR_FIELD, subject, value, Basis.HEURISTIC, place, note)
                        return


def _headers(operation: Operation, subject: str) -> Iterator[Fact]:
    for code, response in operation.responses.items():
        for name, header in mapping(response.get("headers")).items():
            if str(name).lower() == "access-control-allow-origin" and "*" in str(header)[:500]:
                note = f"response {code} allows every origin"
                place = response.place("headers", name)
                yield Fact(Kind.CORS, subject, "*", Basis.OBSERVED, place, note)
                return


_CARE = ABOUT_PEOPLE | {Sense.SECRET, Sense.PASSWORD}


def _cached(operation: Operation, subject: str) -> Iterator[Fact]:
    if operation.method != "get" or not any(f.sense in _CARE for f in answered(operation)):
        return
    names = {name for _, node in operation.success for name in headers_of(node)}
    told = "cache-control" in names
    note = "sensitive data, and " + ("a" if told else "no") + " `Cache-Control` is documented"
    place = operation.node.place("responses")
    yield Fact(Kind.CACHED, subject, told, Basis.OBSERVED, place, note)


_SIGNED = re.compile(r"_(signature|hmac|sha_?256|digest|sign|jwt|authorization)_")


def _webhooks(api: Api) -> Iterator[Fact]:
    for delivery in deliveries(api):
        names = [words(p.get("name")) for p in delivery.parameters(api)]
        signed = any(map(_SIGNED.search, names)) or bool(delivery.operation.get("security"))
        note = ("a signed" if signed else "an unsigned") + f" call, {quoted(delivery.name)}"
        subject = f"webhook {clean(str(delivery.name), 100)}"
        yield Fact(Kind.WEBHOOK, subject, signed, Basis.OBSERVED, delivery.operation.place(), note)


# Examples

_SECRET = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|\bAKIA[0-9A-Z]{16}\b|\bsk_live_[0-9a-zA-Z]{16,}"
    r"|\bgh[pousr]_[A-Za-z0-9]{36}\b|\bxox[bpars]-[0-9A-Za-z-]{20,}|\bAIza[0-9A-Za-z_-]{35}\b"
)


def _examples(api: Api) -> Iterator[Fact]:
    left = MAX_EXAMPLES
    for kind in ("schema", "media_type", "parameter", "example", "header"):
        for node in api.nodes(kind):
            for key in ("example", "examples", "default", "value"):
                value = node.get(key)
                if value is None or (key == "value" and kind != "example"):
                    continue
                if isinstance(value, str) and "eyJ" not in value and len(value) < 16:
                    continue
                for path, text in _strings(value, (key,)):
                    left -= 1
                    if left < 0:
                        return
                    yield from _of_example(text, node, path)


def _of_example(text: str, node: Node, path: tuple[str | int, ...]) -> Iterator[Fact]:
    place: Place = node.place(*path)
    if "eyJ" in text and (token := decoded(text[:8_000])):
        told = ", ".join(f"{k} {clean(str(v), 40)}" for k, v in list(token["header"].items())[:5])
        note = f"an example token decodes to {quoted(told)}"
        yield Fact(Kind.TOKEN, "api", token, Basis.OBSERVED, place, note)
    if len(text) >= 16 and (found := _SECRET.search(text[:8_000])):
        note = f"an example looks like a real secret (`{clean(found[0], 8)}…`)"
        yield Fact(Kind.EXAMPLE_SECRET, "api", found[0][:8], Basis.HEURISTIC, place, note)


def _strings(
    value: Any, path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    stack = [(value, path)]
    for _ in range(2_000):
        if not stack:
            return
        item, where = stack.pop()
        if isinstance(item, str):
            yield where, item
        elif isinstance(item, dict):
            stack.extend((v, (*where, k)) for k, v in reversed(list(item.items())[:200]))
        elif isinstance(item, list):
            stack.extend((v, (*where, n)) for n, v in reversed(list(enumerate(item[:200]))))
