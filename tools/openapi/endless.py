"""Schemas that no finite value satisfies, as each value would have to hold another one like it.

A schema demands its required properties and the items of an array that may not be empty. Followed
through references, `allOf` and every alternative, such demands may lead back to where they began:
then each value holds a value of the same schema, without end. (References alone do not: a schema
that only refers to itself holds no value in another.)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .api import Api
from .constraints import bounds
from .document import Node, Unit
from .satisfiability import Parts
from .values import listing

MAX_SCHEMAS = 5000  # that are looked at: those that refer to each other in a circle


class Demand(NamedTuple):
    """Schemas of which one at least must have a finite value; `step` leads into the value."""

    step: str
    schemas: tuple[Node, ...]


class Endless(NamedTuple):
    """A schema without finite value: what leads back to it, by properties and `[]`."""

    schema: Node
    steps: tuple[str, ...]
    via: tuple[Node, ...]


def endless(api: Api) -> tuple[Endless, ...]:
    """The schemas without a finite value, each circle once."""
    circling = _circling(api)
    if not circling:
        return ()
    demands = _demands(api, circling)
    unproved = _unproved(demands)
    circles = (circle for circle in _circles(unproved) if any(step for _, step in circle))
    return tuple(
        Endless(
            circle[0][0],
            tuple(step for _, step in circle if step),
            tuple(node for node, _ in circle),
        )
        for circle in circles
    )


def _circling(api: Api) -> frozenset[Unit]:
    """The components that refer to themselves, by any references; some others may be among them."""
    leads: dict[tuple[str, str], Unit | None] = {}
    edges: dict[Unit, set[Unit]] = {}
    for node, text, expects in api.description.references:
        if expects != "schema":
            continue
        key = (node.file, text)
        if key not in leads:
            found = api.description.target(node)
            leads[key] = found.unit if found is not None else None
        target = leads[key]
        if target is not None:
            edges.setdefault(node.unit, set()).add(target)
    users: dict[Unit, list[Unit]] = {}
    for unit, targets in edges.items():
        for used in targets:
            users.setdefault(used, []).append(unit)
    ends = [unit for unit in users if unit not in edges]
    while ends:  # what leads to no circle is peeled off
        ended = ends.pop()
        for unit in users.get(ended, ()):
            edges[unit].discard(ended)
            if not edges[unit]:
                ends.append(unit)
    return frozenset(unit for unit, targets in edges.items() if targets)


def _demands(api: Api, circling: frozenset[Unit]) -> dict[Node, tuple[Demand, ...]]:
    """What each schema of the circles demands; those outside of them are not looked at."""
    names = ("required", "minItems")
    queue = [schema for schema in api.having(*names) if schema.unit in circling]
    found: dict[Node, tuple[Demand, ...]] = {}
    while queue and len(found) < MAX_SCHEMAS:
        schema = queue.pop()
        if schema in found:
            continue
        found[schema] = tuple(_resolved(api, demand) for demand in _of_schema(api, schema))
        queue += [each for demand in found[schema] for each in demand.schemas]
    return found


def _resolved(api: Api, demand: Demand) -> Demand:
    resolve = api.description.resolve
    return Demand(demand.step, tuple(resolve(each.value) or each for each in demand.schemas))


def _of_schema(api: Api, schema: Node) -> Iterator[Demand]:
    asked = api.satisfiability
    parts = asked.parts(schema)
    if any(part.value is False or asked.values(part) is not None for part in parts):
        return
    kinds, _ = asked.kinds(parts)
    if kinds == {"object"}:
        for name in asked.demands(list(parts)):
            for stated in asked.stated(name, list(parts)):
                yield Demand(name, (stated,))
    if kinds == {"array"}:
        yield from _of_items(api, parts)
    for part in parts:
        for keyword in ("anyOf", "oneOf"):
            listed = listing(part.value.get(keyword))
            members = tuple(asked.members(part, keyword)) if listed else ()
            if members and len(members) == len(listed):
                yield Demand("", members)


def _of_items(api: Api, parts: Parts) -> Iterator[Demand]:
    least = max((bound.limit for bound in bounds(list(parts), "minItems")), default=0)
    for part in parts:
        items = api.satisfiability.at(part, ("items",), part.value.get("items"))
        if least >= 1 and items is not None and "prefixItems" not in part.value:
            yield Demand("[]", (items,))


def _unproved(demands: dict[Node, tuple[Demand, ...]]) -> dict[Node, Demand]:
    """The schemas for which no finite value is found, each with a demand that is not met."""
    finite: set[Node] = set()
    waiting: dict[Node, list[Node]] = {}
    for schema, made in demands.items():
        for demand in made:
            for each in demand.schemas:
                waiting.setdefault(each, []).append(schema)
    queue = [node for node in waiting if node not in demands] + list(demands)
    while queue:
        node = queue.pop()
        if node not in finite and _is_met(demands.get(node, ()), finite):
            finite.add(node)
            queue += waiting.get(node, ())
    return {
        schema: next(demand for demand in made if finite.isdisjoint(demand.schemas))
        for schema, made in demands.items()
        if schema not in finite
    }


def _is_met(demands: tuple[Demand, ...], finite: set[Node]) -> bool:
    return all(not finite.isdisjoint(demand.schemas) for demand in demands)


def _circles(unmet: dict[Node, Demand]) -> Iterator[list[tuple[Node, str]]]:
    """The circles that unmet demands lead into, each from its first schema by name."""
    seen: set[Node] = set()
    for schema in unmet:
        trail: dict[Node, str] = {}
        node = schema
        while node not in trail and node not in seen:
            trail[node] = unmet[node].step
            node = unmet[node].schemas[0]
        seen.update(trail)
        if node in trail:
            steps = list(trail.items())
            circle = steps[list(trail).index(node) :]
            paths = [str(each.path) for each, _ in circle]
            first = paths.index(min(paths))
            yield circle[first:] + circle[:first]
