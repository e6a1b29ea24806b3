"""Who calls what: recorded calls (HAR), or a list of consumers with operations and fields.

consumers:
  - name: mobile app
    operations:
      GET /orders/{id}: [id, lines.price]     # the fields it uses; empty or absent: all
      POST /orders:
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from ...openapi.api import Api
from ...openapi.changes.operations import template
from ...openapi.changes.record import Change
from ...openapi.values import listing, mapping
from ...report import clean, quoted
from ...source import Source

MAX_CALLS: Final = 20_000


class BadUsage(ValueError):
    """What was given as usage is neither recorded calls nor a list of consumers."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """A client: by operation (`GET /orders/{}`) the fields it uses, None for all of them."""

    name: str
    operations: dict[str, frozenset[str] | None]

    def uses(self, change: Change) -> bool:
        """Whether the client calls the operation of a change, and uses what changed."""
        if not change.operation:
            return False
        key = _key(*change.operation.split(" ", 1))
        if key not in self.operations:
            return False
        fields = self.operations[key]
        if fields is None or not change.name or change.area == "operation":
            return True
        name = change.name.replace("[]", "")
        return any(
            field == name or field.startswith(f"{name}.") or name.startswith(f"{field}.")
            for field in fields
        )


def consumers(source: Source, api: Api) -> tuple[Consumer, ...]:
    """The clients that a document lists. Raises `BadUsage`."""
    data = mapping(source.data)
    if "log" in data:
        return _recorded(mapping(data["log"]), api)
    listed = data.get("consumers", source.data)
    if not isinstance(listed, list):
        raise BadUsage(f"{source.name}: a HAR file (`log`), or a list of `consumers`, is expected")
    return tuple(_consumer(each, f"{source.name}: consumers[{n}]") for n, each in enumerate(listed))


def _consumer(entry: Any, at: str) -> Consumer:
    name, operations = mapping(entry).get("name"), mapping(entry).get("operations")
    if not isinstance(name, str):
        raise BadUsage(f"{at}: a consumer has a `name` and `operations`")
    if isinstance(operations, list):
        operations = dict.fromkeys(map(str, operations))
    if not isinstance(operations, dict):
        raise BadUsage(f"{at}: `operations` maps `GET /orders/{{id}}` to the fields that are used")
    found: dict[str, frozenset[str] | None] = {}
    for call, fields in operations.items():
        method, _, path = str(call).partition(" ")
        if not path.startswith("/"):
            raise BadUsage(f"{at}: {quoted(call)} is no operation; `GET /orders/{{id}}` would be")
        names = frozenset(str(each).replace("[]", "") for each in listing(fields))
        found[_key(method, path)] = names or None
    return Consumer(clean(name, 100), found)


def _key(method: str, path: str) -> str:
    return f"{method.upper()} {template(path)}"


# Recorded calls


def _recorded(log: dict[str, Any], api: Api) -> tuple[Consumer, ...]:
    """Clients by their User-Agent, with the operations they called."""
    templates = sorted(
        ((template(op.path), op.method) for op in api.operations),
        key=lambda each: (each[0].count("{}"), each),
    )
    found: dict[str, dict[str, frozenset[str] | None]] = {}
    for entry in listing(log.get("entries"))[:MAX_CALLS]:
        request = mapping(mapping(entry).get("request"))
        path = urlsplit(str(request.get("url", ""))).path
        method = str(request.get("method", "")).lower()
        for wanted, known in templates:
            if known == method and _is_call(path, wanted):
                agent = next(_agents(request), "recorded calls")
                found.setdefault(agent, {})[_key(method, wanted)] = None
                break
    return tuple(Consumer(name, operations) for name, operations in sorted(found.items()))


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
