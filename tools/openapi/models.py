"""The models that operations answer with and receive: what is inside envelopes and lists."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from ..rule import Place
from .api import Api, Body, Operation
from .document import Node
from .kinds import Version
from .values import listing, mapping

_CONTENT = re.compile(
    r"^(content|data|docs|documents|edges|elements|entities|entries|hits|items|list|members|nodes"
    r"|objects|payload|records|resources|results?|rows|values?)$",
    re.I,
)
_AROUND = re.compile(
    r"^(_?(links?|meta|metadata)|api_?version|kind|object|urls?|ur[il]|.*(count|cursor|more|next|page"
    r"|pages|paging|prev(ious)?|size|token|total|first|last|limit|offset|truncated|status|message).*)$",
    re.I,
)


class Answer(NamedTuple):
    """What a success carries: the model (None: not known), and whether it is a list of them."""

    model: Node | None
    many: bool


def answer_of(operation: Operation) -> Answer:
    """What the first success with a JSON body carries."""
    api = operation.api
    for _, response in operation.success:
        for body in api.bodies(response):
            if is_json(body):
                return api.found(_answer, body.schema) if body.schema else Answer(None, False)
    return Answer(None, False)


def input_of(operation: Operation) -> Node | None:
    """The model of the first request body that has one: JSON, form or any."""
    bodies = sorted(operation.request_bodies, key=lambda body: not is_json(body))
    schema = next((body.schema for body in bodies if body.schema is not None), None)
    return operation.api.found(_answer, schema).model if schema is not None else None


def codes_of(operation: Operation) -> list[str] | None:
    """The status codes as written, broken references included; None if that is malformed."""
    responses = operation.node.get("responses")
    if responses is None and operation.api.version.modern:
        return []  # optional since 3.1
    codes = [code for code in responses if code[:2] != "x-"] if isinstance(responses, dict) else []
    return codes or None


def headers_of(response: Node) -> frozenset[str]:
    """The names of the headers that a response documents, in lower case."""
    return frozenset(str(name).lower() for name in mapping(response.get("headers")))


def has_body(response: Node, api: Api) -> bool:
    """Whether a response documents any body, `content: {}` being none."""
    return bool(response.get("schema" if api.version is Version.V20 else "content"))


def is_json(body: Body) -> bool:
    """Whether a body is JSON; in 2.0, where it does not say, it may be."""
    media_type = body.media_type.partition(";")[0].strip().lower()
    return media_type in ("", "*/*") or media_type.endswith("json")


def required(schema: Node, api: Api) -> frozenset[str]:
    """The fields that the schema and its `allOf` require, but for those that are read-only."""
    named = {
        name
        for part in api.parts(schema)
        for name in listing(mapping(part.value).get("required"))
        if isinstance(name, str)
    }
    fields = api.properties(schema) if named else {}
    return frozenset(n for n in named if not (n in fields and fields[n].get("readOnly") is True))


def declaration(schema: Node, name: str, api: Api) -> Place:
    """Where a property is declared, which may be in a part that the schema includes."""
    for part in api.parts(schema):
        if name in mapping(mapping(part.value).get("properties")):
            return part.place("properties", name)
    return schema.place()


def component_name(schema: Node | None) -> str:
    """The name of a schema that is a component, else empty."""
    if schema is not None and schema.key[:1] in (("schemas",), ("definitions",)):
        return str(schema.key[-1])
    return ""


def members(schema: Node | None, api: Api) -> Node | None:
    """The schema of the members of an array; None if it is none or says nothing of them."""
    for part in api.parts(schema):
        found = api.description.child(part, "items")
        if found is not None and "array" in (api.types(part) or {"array"}):
            return _narrowed(found, api)
    return None


def _answer(api: Api, schema: Node) -> Answer:
    array = members(schema, api)
    if array is not None:
        return Answer(array, True)
    fields = api.properties(schema)
    name = _only(fields)
    if name and _is_list_of_objects(fields[name], api):
        return Answer(members(fields[name], api), True)
    if len(fields) <= 4:
        inner = [node for name, node in fields.items() if _CONTENT.match(name)]
        if len(inner) == 1 and api.properties(inner[0]):
            return Answer(_narrowed(inner[0], api), False)
    return Answer(_narrowed(schema, api), False)


def _only(fields: Iterable[str]) -> str:
    """The one field of an envelope that does not tell of the rest; empty if several are left."""
    left = list(islice((name for name in fields if not _AROUND.match(name)), 2))
    return left[0] if len(left) == 1 else ""


def _is_list_of_objects(schema: Node, api: Api) -> bool:
    inner = members(schema, api)
    return inner is not None and bool(api.properties(inner) or inner.get("oneOf"))


def _narrowed(schema: Node, api: Api) -> Node:
    """The component that an inline schema only wraps: `allOf: [{$ref}]`, perhaps with a note."""
    if component_name(schema):
        return schema
    parts = api.parts(schema)
    named = [part for part in parts if component_name(part)]
    own = any(part.get("properties") for part in parts if not component_name(part))
    return named[0] if named and not own else schema
