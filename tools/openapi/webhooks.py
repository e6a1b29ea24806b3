"""The calls that an API makes itself: webhooks and callbacks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .api import Api, Body
from .document import Node
from .kinds import METHODS
from .values import mapping


class Delivery(NamedTuple):
    """A request that the API sends: its name, and the operation that receivers implement."""

    name: str
    operation: Node
    item: Node

    def bodies(self, api: Api) -> Iterator[Body]:
        """What it carries."""
        return api.bodies(api.description.child(self.operation, "requestBody"))

    def parameters(self, api: Api) -> Iterator[Node]:
        """Its headers and other parameters."""
        for owner in (self.item, self.operation):
            for listed in api.parameters_of(owner):
                yield listed.node


def deliveries(api: Api) -> tuple[Delivery, ...]:
    """The webhooks and callbacks of an API, each method once."""
    return api.once(_deliveries)


def _deliveries(api: Api) -> tuple[Delivery, ...]:
    child = api.description.child
    found: dict[Node, Delivery] = {}
    for name, item in _items(api):
        for method in METHODS:
            operation = child(item, method) if method in mapping(item.value) else None
            if operation is not None:
                found.setdefault(operation, Delivery(name, operation, item))
    return tuple(found.values())


def _items(api: Api) -> Iterator[tuple[str, Node]]:
    yield from api.description.children(api.root, "webhooks")
    for callback in api.nodes("callback"):
        for expression in mapping(callback.value):
            item = api.description.child(callback, expression)
            if item is not None and item.kind == "path_item":
                yield str(callback.path[-1]), item
