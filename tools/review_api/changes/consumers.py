"""Who calls what: recorded calls (HAR), API documents of clients, or a list of consumers.

Of recorded calls it is known what was sent, of what was received not what was used. A client's own
document says what it uses: its operations, with the parameters and properties it has there.

consumers:
  - name: mobile app
    operations:
      GET /orders/{id}: [id, lines.price]     # the fields it uses; empty or absent: all
      POST /orders:
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from ...openapi.api import Api, Operation
from ...openapi.changes.operations import template
from ...openapi.changes.record import Change
from ...openapi.document import Node, NotOpenApi, Unreadable, describe
from ...openapi.values import listing, mapping
from ...report import clean, quoted
from ...source import Source, SourceError

MAX_CALLS: Final = 20_000
MAX_DEPTH: Final = 5  # of properties in properties
MAX_ITEMS: Final = 100


class BadUsage(ValueError):
    """What was given as usage is neither recorded calls nor a list of consumers."""


@dataclass(frozen=True, slots=True)
class Use:
    """What a client uses of an operation; None: all of it, or it is not known.

    `sent`: the names in some call, `always`: those in every call.
    """

    fields: frozenset[str] | None = None
    sent: frozenset[str] | None = None
    always: frozenset[str] = frozenset()

    def touches(self, change: Change) -> bool:
        """Whether the client notices a change."""
        name = change.name.replace("[]", "")
        if self.sent is not None and change.direction == "request" and name:
            is_missed = change.action == "added" or change.action.startswith("became-required")
            return name not in self.always if is_missed else _meets(name, self.sent)
        return self.fields is None or not name or _meets(name, self.fields)


def _meets(name: str, names: frozenset[str]) -> bool:
    """Whether a field, one inside of it or one around it is among the names."""
    return any(
        each == name or each.startswith(f"{name}.") or name.startswith(f"{each}.") for each in names
    )


@dataclass(frozen=True, slots=True)
class Consumer:
    """A client, with what it uses by operation (`GET /orders/{}`)."""

    name: str
    operations: dict[str, Use]

    def uses(self, change: Change) -> bool:
        """Whether the client calls the operation of a change, and uses what changed."""
        method, _, path = change.operation.partition(" ")
        use = self.operations.get(_key(method, path)) if path else None
        if use is None:
            return False
        return change.area in ("operation", "path", "security") or use.touches(change)


def consumers(source: Source, api: Api) -> tuple[Consumer, ...]:
    """The clients that a document lists. Raises `BadUsage`."""
    data = mapping(source.data)
    if "log" in data:
        return _recorded(mapping(data["log"]), api)
    if "openapi" in data or "swagger" in data:
        return (_described(source),)
    listed = data.get("consumers", source.data)
    if not isinstance(listed, list):
        raise BadUsage(
            f"{source.name}: a HAR file (`log`), an API document, or a list of"
            " `consumers` is expected"
        )
    return tuple(_consumer(each, f"{source.name}: consumers[{n}]") for n, each in enumerate(listed))


def _consumer(entry: Any, at: str) -> Consumer:
    name, operations = mapping(entry).get("name"), mapping(entry).get("operations")
    if not isinstance(name, str):
        raise BadUsage(f"{at}: a consumer has a `name` and `operations`")
    if isinstance(operations, list):
        operations = dict.fromkeys(map(str, operations))
    if not isinstance(operations, dict):
        raise BadUsage(f"{at}: `operations` maps `GET /orders/{{id}}` to the fields that are used")
    found: dict[str, Use] = {}
    for call, fields in operations.items():
        method, _, path = str(call).partition(" ")
        if not path.startswith("/"):
            raise BadUsage(f"{at}: {quoted(call)} is no operation; `GET /orders/{{id}}` would be")
        names = frozenset(str(each).replace("[]", "") for each in listing(fields))
        found[_key(method, path)] = Use(names or None)
    return Consumer(clean(name, 100), found)


def _key(method: str, path: str) -> str:
    return f"{method.upper()} {template(path)}"


# A client's document


def _described(source: Source) -> Consumer:
    """The client that a document describes: what it calls, and what it has there."""
    try:
        api = Api(describe(source.text, source.name, _no_files))
    except (NotOpenApi, SourceError) as error:
        raise BadUsage(str(error)) from None
    title = str(mapping(api.root.get("info")).get("title") or source.name)
    operations = {_key(op.method, op.path): Use(frozenset(_fields(op))) for op in api.operations}
    return Consumer(clean(title, 100), operations)


def _no_files(base: str, reference: str) -> Source:
    raise Unreadable("usage is one file")


def _fields(op: Operation) -> Iterator[str]:
    for listed in op.parameters:
        yield str(listed.node.get("name"))
    bodies = [
        *op.request_bodies,
        *(b for node in op.responses.values() for b in op.api.bodies(node)),
    ]
    for body in bodies:
        yield from _names_in(op.api, body.schema, "", 0)


def _names_in(api: Api, schema: Node | None, prefix: str, depth: int) -> Iterator[str]:
    """The properties of a schema, those of items as its own."""
    if schema is None or depth > MAX_DEPTH:
        return
    for name, inner in api.properties(schema).items():
        yield f"{prefix}{name}"
        yield from _names_in(api, inner, f"{prefix}{name}.", depth + 1)
    yield from _names_in(api, api.description.child(schema, "items"), prefix, depth + 1)


# Recorded calls


def _recorded(log: dict[str, Any], api: Api) -> tuple[Consumer, ...]:
    """Clients by their User-Agent, with the operations they called and what they sent."""
    templates = sorted(
        ((template(op.path), op.method) for op in api.operations),
        key=lambda each: (each[0].count("{}"), each),
    )
    found: dict[str, dict[str, Use]] = {}
    for entry in listing(log.get("entries"))[:MAX_CALLS]:
        request = mapping(mapping(entry).get("request"))
        path = urlsplit(str(request.get("url", ""))).path
        method = str(request.get("method", "")).lower()
        for wanted, known in templates:
            if known == method and _is_call(path, wanted):
                calls = found.setdefault(next(_agents(request), "recorded calls"), {})
                key, sent = _key(method, wanted), frozenset(_sent(request))
                before = calls.get(key, Use(None, sent, sent))
                calls[key] = Use(None, sent | (before.sent or sent), sent & before.always)
                break
    return tuple(Consumer(name, operations) for name, operations in sorted(found.items()))


def _sent(request: dict[str, Any]) -> Iterator[str]:
    """The names of parameters and of properties of a JSON body."""
    for keyword in ("queryString", "headers", "cookies"):
        for each in listing(request.get(keyword)):
            yield str(mapping(each).get("name"))
    query = urlsplit(str(request.get("url", ""))).query
    yield from (name for name, _ in parse_qsl(query, keep_blank_values=True))
    try:
        body = json.loads(str(mapping(request.get("postData")).get("text") or "null"))
    except (ValueError, RecursionError):
        return
    yield from _keys(body, "", 0)


def _keys(body: Any, prefix: str, depth: int) -> Iterator[str]:
    for each in listing(body)[:MAX_ITEMS]:
        yield from _keys(each, prefix, depth)
    for name, inner in mapping(body).items() if depth <= MAX_DEPTH else ():
        yield f"{prefix}{name}"
        yield from _keys(inner, f"{prefix}{name}.", depth + 1)


def _agents(request: dict[str, Any]) -> Iterator[str]:
    for header in listing(request.get("headers")):
        if str(mapping(header).get("name", "")).lower() == "user-agent":
            yield clean(str(header.get("value", "")), 60) or "recorded calls"


def _is_call(path: str, wanted: str) -> bool:
    """Whether a path is one of a template, after whatever the address of the API ends with."""
    steps, parts = path.strip("/").split("/"), wanted.strip("/").split("/")
    tail = steps[-len(parts) :]
    return len(tail) == len(parts) and all(
        part == step or "{}" in part for part, step in zip(parts, tail, strict=True)
    )
