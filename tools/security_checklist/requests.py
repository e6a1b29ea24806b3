"""Sample requests of operations, for tests that people and programs can run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..openapi.api import Api, Operation
from ..openapi.document import Node
from ..openapi.models import is_json
from ..openapi.values import listing
from ..report import clean
from .extract.access import subject_of

MAX_PROPERTIES = 12
MAX_DEPTH = 3
_OF_FORMAT = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T09:30:00Z",
    "email": "a@example.com",
    "uri": "https://example.com/a",
    "uuid": "00000000-0000-4000-8000-000000000001",
    "ipv4": "192.0.2.1",
}


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the document describes it: path parameters stay in braces, with `values`."""

    method: str
    path: str
    values: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    media_type: str = ""

    def line(self, limit: int = 220) -> str:
        """One line for a code span: method, path, query, JSON body."""
        query = "&".join(f"{key}={value}" for key, value in self.query.items())
        body = json.dumps(self.body, ensure_ascii=False) if self.body is not None else ""
        text = f"{self.method} {self.path}{'?' * bool(query)}{query} {body}".strip()
        return clean(text, limit).replace("`", "'")


class Requests:
    """The requests of an API's operations, by subject."""

    def __init__(self, api: Api | None, others: Mapping[str, Request] | None = None) -> None:
        self._api = api
        self._operations = {subject_of(op): op for op in api.operations} if api else {}
        self._made: dict[str, Request] = dict(others or {})

    def of(self, subject: str) -> Request | None:
        """The request of an operation; None for other subjects."""
        if subject not in self._made:
            operation = self._operations.get(subject)
            if operation is None or self._api is None:
                return None
            self._made[subject] = _request(self._api, operation)
        return self._made[subject]

    def filled(self, template: str, subject: str) -> str:
        """A text with `{operation}` and `{request}` filled in."""
        if "{" not in template:
            return template
        request = self.of(subject) if "{request}" in template else None
        line = request.line() if request else subject
        return template.replace("{operation}", subject).replace("{request}", line)


def _request(api: Api, operation: Operation) -> Request:
    values = {
        str(listed.node.get("name")): _value(api, api.schema_of(listed.node), listed.node)
        for listed in operation.parameters_in("path")
    }
    query = {
        str(listed.node.get("name")): _value(api, api.schema_of(listed.node), listed.node)
        for listed in operation.parameters_in("query")
        if listed.node.get("required") is True
    }
    bodies = sorted(operation.request_bodies, key=lambda body: not is_json(body))
    body = bodies[0] if bodies else None
    sample = _sample(api, body.schema, 0) if body else None
    media = (body.media_type or "application/json") if body else ""
    return Request(operation.method.upper(), operation.path, values, query, sample, media)


def _value(api: Api, schema: Node | None, parameter: Node) -> Any:
    example = parameter.get("example")
    return example if isinstance(example, str | int) else _sample(api, schema, MAX_DEPTH)


def _sample(api: Api, schema: Node | None, depth: int) -> Any:
    """A value of a schema's type, by example, enum or format where there is one."""
    parts = api.parts(schema)
    for key in ("example", "const", "default"):
        for part in parts:
            value = part.get(key)
            if isinstance(value, str | int | float) and len(str(value)) < 80:
                return value
    for part in parts:
        for value in listing(part.get("enum"))[:1]:
            return value if isinstance(value, str | int | float) else "a"
    types = api.types(schema)
    if "object" in types or (not types and api.properties(schema)):
        return _object(api, schema, depth)
    if "array" in types:
        items = next((n for p in parts if (n := api.description.child(p, "items"))), None)
        return [_sample(api, items, depth + 1)] if items and depth < MAX_DEPTH else []
    if types & {"integer", "number"}:
        return next((p.get("minimum") for p in parts if type(p.get("minimum")) is int), 1)
    if "boolean" in types:
        return True
    return next((_OF_FORMAT[f] for p in parts if (f := str(p.get("format"))) in _OF_FORMAT), "a")


def _object(api: Api, schema: Node | None, depth: int) -> dict[str, Any]:
    if depth >= MAX_DEPTH:
        return {}
    properties = list(api.properties(schema).items())[:MAX_PROPERTIES]
    return {
        str(name): _sample(api, node, depth + 1)
        for name, node in properties
        if node.get("readOnly") is not True
    }
