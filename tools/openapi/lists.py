"""The lists of objects that operations answer with, and how they lead on to a next page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from .api import Api, Operation, page_style
from .document import Node


class ListIn(NamedTuple):
    """A list in a body, bare or in a field of an `envelope`; `continued`: a next page is named."""

    array: Node
    envelope: str
    continued: bool


class ListAnswer(NamedTuple):
    """An operation that answers with a list; `model` is the component its members have.

    `continued`: the answer leads on to a next page; `bounded`: it does, or the list is short.
    """

    operation: Operation
    model: Node | None
    envelope: str
    bounded: bool
    continued: bool


_ENVELOPE = re.compile(
    r"^(content|data|docs|documents|edges|elements|entities|entries|hits|items|list|members|nodes"
    r"|objects|records|resources|results|rows|values?)$",
    re.I,
)
_NEXT = re.compile(r"next|cursor|more|continu|page|paging|pagination|marker|truncated", re.I)
_META = re.compile(r"^_?(links?|meta|metadata)$", re.I)
_IDS = re.compile(r"(^|_)(ids|keys)(\[\])?$|[a-z]Ids$")


def lists_of(api: Api) -> tuple[ListAnswer, ...]:
    """The operations that answer with a list of objects."""
    return api.once(_lists_of)


def _lists_of(api: Api) -> tuple[ListAnswer, ...]:
    return tuple(_lists(api))


def _lists(api: Api) -> Iterator[ListAnswer]:
    for operation in api.operations:
        found = list_answered(operation)
        if found is not None:
            model = component(items_of(found.array, api))
            bounded = found.continued or _is_bounded(found.array, operation)
            yield ListAnswer(operation, model, found.envelope, bounded, found.continued)


def list_answered(operation: Operation) -> ListIn | None:
    """The list a GET answers with."""
    if operation.method != "get" or operation.path.rstrip("/").endswith("}"):
        return None
    for _, response in operation.success:
        for media_type, schema in operation.api.bodies(response):
            if not media_type or media_type.endswith("json"):
                found = list_in(schema, operation)
                if found is not None:
                    linked = "Link" in _headers(response)
                    return found._replace(continued=found.continued or linked)
    return None


def list_in(schema: Node | None, operation: Operation) -> ListIn | None:
    """The list of objects in a body of an operation."""
    api = operation.api
    if _is_list(schema, api):
        return ListIn(schema, "", False) if schema else None
    fields = api.properties(schema)
    lists = {name: node for name, node in fields.items() if _is_list(node, api)}
    if len(lists) != 1:
        return None
    [(name, array)] = lists.items()
    if not _ENVELOPE.match(name) and not is_named_by_path(name, operation):
        return None
    names = [*fields]
    for key, node in fields.items():
        if _META.match(key):
            names += api.properties(node)
    return ListIn(array, name, any(_NEXT.search(key) for key in names))


def is_named_by_path(name: str, operation: Operation) -> bool:
    """Whether a field has the name of a segment of the operation's path."""
    segments = (segment for segment in operation.path.split("/") if "{" not in segment)
    return _plain(name) in map(_plain, segments)


def items_of(array: Node | None, api: Api) -> Node | None:
    """The schema of the members of an array."""
    items = (api.description.child(part, "items") for part in api.parts(array))
    return next((node for node in items if node), None)


def component(schema: Node | None) -> Node | None:
    """The schema, if it is a component."""
    named = schema is not None and schema.key[:1] in (("schemas",), ("definitions",))
    return schema if named else None


def _is_list(schema: Node | None, api: Api) -> bool:
    return api.types(schema) - {"null"} == {"array"} and _is_object(items_of(schema, api), api)


def _is_object(schema: Node | None, api: Api) -> bool:
    return "object" in api.types(schema) or bool(api.properties(schema))


def _is_bounded(array: Node, operation: Operation) -> bool:
    most = [part.get("maxItems") for part in operation.api.parts(array)]
    return (
        bool(page_style(operation))
        or any(isinstance(limit, int) and limit <= 1000 for limit in most)
        or any(_IDS.search(str(q.node.get("name"))) for q in operation.parameters_in("query"))
    )


def _headers(response: Node) -> set[str]:
    headers = response.get("headers")
    return {str(name).title() for name in headers} if isinstance(headers, dict) else set()


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]|\.json$", "", name.lower())
