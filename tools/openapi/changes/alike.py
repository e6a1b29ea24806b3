"""What two versions of a document have in common, found without looking inside."""

from __future__ import annotations

from collections import defaultdict

from ...source import Path
from ..api import Api
from ..document import Node, Unit

Key = tuple[str, Path]
"""A unit's label, and the path of the node that it starts with."""


def unchanged(old: Api, new: Api) -> frozenset[Key]:
    """The components and operations that are equal in both, and so is all that they refer to.

    Data are equal whatever the order of keys. A unit that refers to one that differs, differs.
    """
    if old.version is not new.version:
        return frozenset()
    before, after = _starts(old), _starts(new)
    differing = {
        node.unit
        for key, node in before.items()
        if key not in after or node.value != after[key].value
    }
    reached = _reaching(old, before, differing)
    both = {key for key, node in before.items() if node.unit not in reached}
    rest = {node.unit for key, node in after.items() if key not in both}
    reached_new = _reaching(new, after, rest)
    return frozenset(key for key in both if after[key].unit not in reached_new)


def key_of(node: Node) -> Key:
    """What is the same for the node of a unit in both versions."""
    return (f"{node.unit.label} {node.unit.side}", node.path)


def _starts(api: Api) -> dict[Key, Node]:
    """The node with which each unit starts."""
    found: dict[Unit, Node] = {}
    for nodes in api.description.nodes.values():
        for node in nodes:
            if node.parent is None or node.parent.unit is not node.unit:
                found.setdefault(node.unit, node)
    return {key_of(node): node for node in found.values()}


def _reaching(api: Api, starts: dict[Key, Node], units: set[Unit]) -> set[Unit]:
    """The units, those around them, and all that refer to any; what is broken may be anything."""
    users: dict[Unit, set[Unit]] = defaultdict(set)
    for node in starts.values():
        if node.parent is not None:
            users[node.unit].add(node.parent.unit)
    stack = list(units)
    for node, _, _ in api.description.references:
        target = api.description.target(node)
        if target is None:
            stack.append(node.unit)
        elif target.unit is not node.unit:
            users[target.unit].add(node.unit)
    found = set(stack)
    while stack:
        for user in users[stack.pop()] - found:
            found.add(user)
            stack.append(user)
    return found
