"""What a schema lets clients reach: entities, connections, lists, circles; each found once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Final

from .model import Field, Schema, Type

PAGING: Final = frozenset(
    (
        *("first", "last", "after", "before", "limit", "offset", "page", "pageSize", "perPage"),
        *("per_page", "page_size", "skip", "take", "cursor", "count", "top", "max", "size"),
    )
)


class Graph:
    """A schema with what its parts are for."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema

    @cached_property
    def reachable(self) -> set[str]:
        """The types that operations can name or get."""
        return self.schema.reachable()

    @cached_property
    def users(self) -> dict[str, list[str]]:
        """By type, the types that name it."""
        found: dict[str, list[str]] = {}
        for each in self.schema.types.values():
            for used, _ in each.uses:
                found.setdefault(used, []).append(each.name)
        return found

    @cached_property
    def inputs(self) -> set[str]:
        """The types that arguments and input objects name."""
        found: set[str] = set()
        for each in self.schema.types.values():
            found |= {entry.type.name for entry in each.inputs.values()}
            for owned in each.fields.values():
                found |= {argument.type.name for argument in owned.arguments.values()}
        return found

    def type_of(self, field: Field) -> Type | None:
        """The type of a field, if it is defined here."""
        return self.schema.types.get(field.type.name)

    def is_entity(self, name: str) -> bool:
        """Whether it is a thing that is stored: an object, or interface, with an id."""
        found = self.schema.types.get(name)
        return found is not None and found.kind in ("object", "interface") and "id" in found.fields

    def is_connection(self, found: Type) -> bool:
        """Whether it is a page of the Relay kind, by its name or its fields."""
        is_page = {"edges", "pageInfo"} <= found.fields.keys()
        return found.kind == "object" and (is_page or found.name.endswith("Connection"))

    def is_paged(self, field: Field) -> bool:
        """Whether an argument bounds the list."""
        return not PAGING.isdisjoint(field.arguments)

    @cached_property
    def payloads(self) -> dict[str, Type]:
        """The objects that mutations return, by name."""
        found = (self.type_of(field) for field in self.schema.mutations)
        return {each.name: each for each in found if each is not None and each.kind == "object"}

    def circles(self) -> Iterator[tuple[str, ...]]:
        """Ways from a type over lists back to it, the shortest of each type: `A.bs B.as`."""
        lists: dict[str, list[tuple[str, str]]] = {}
        for owner in self.schema.selectable:
            for field in owner.fields.values():
                target = self._listed(field)
                if target:
                    lists.setdefault(owner.name, []).append((field.coordinate, target))
        for start in lists:
            way = _shortest(lists, start)
            if way:
                yield way

    def _listed(self, field: Field) -> str:
        """What a field has many of: the type of a list, or the node of a connection."""
        if field.type.is_list:
            return field.type.name
        found = self.type_of(field)
        if found is None or not self.is_connection(found):
            return ""
        edges = found.fields.get("edges")
        edge = self.type_of(edges) if edges else None
        node = edge.fields.get("node") if edge else found.fields.get("nodes")
        return node.type.name if node else ""


def _shortest(lists: dict[str, list[tuple[str, str]]], start: str) -> tuple[str, ...]:
    """The shortest way back to a type, up to three steps."""
    level: list[tuple[tuple[str, ...], str]] = [((), start)]
    seen: set[str] = set()
    for _ in range(3):
        onward = []
        for way, name in level:
            for coordinate, target in lists.get(name, ()):
                if target == start:
                    return (*way, coordinate)
                if target not in seen:
                    seen.add(target)
                    onward.append(((*way, coordinate), target))
        level = onward
    return ()
