"""The parameters of operations: which are in force, and how their values are written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ..api import TEMPLATE, Api, Listed, Operation
from ..document import Node
from ..kinds import Version
from .forms import form_of
from .record import Change


def by_place(op: Operation) -> dict[tuple[str, str], Listed]:
    """Parameters by where they travel and name; in paths by position; headers in lower case."""
    positions = {name: str(i) for i, name in enumerate(TEMPLATE.findall(op.path))}
    found = {}
    for listed in op.parameters:
        place, name = str(listed.node.get("in")), str(listed.node.get("name"))
        if place == "body":
            continue
        if place == "header":
            if name.lower() in _NO_PARAMETERS:
                continue
            name = name.lower()
        found[(place, positions.get(name, name) if place == "path" else name)] = listed
    return found


def lifecycle(ours: Node, theirs: Node, change: Any) -> Iterator[Change]:
    """Deprecation and its end."""
    was, now = ours.get("deprecated") is True, theirs.get("deprecated") is True
    sunset = ours.get("x-sunset"), theirs.get("x-sunset")
    if was != now:
        action = "reactivated" if was else "deprecated-with-sunset" if sunset[1] else "deprecated"
        yield change("", action, *sunset, "")
    elif now and sunset[0] != sunset[1]:
        action = "removed" if sunset[1] is None else "added" if sunset[0] is None else "changed"
        yield change("sunset", action, *sunset, "")


def serialization(api: Api, node: Node) -> str:
    """How a value is written, with what holds by default filled in."""
    place = str(node.get("in"))
    if api.version is Version.V20:
        schema_type = node.get("type")
        if schema_type != "array":
            return "plain"
        said = node.get("collectionFormat", "csv")
        return {"multi": "form, exploded", "csv": "form" if place == "query" else "simple"}.get(
            str(said), str(said)
        )
    schema = api.schema_of(node)
    types = form_of(api, schema).types if schema is not None else frozenset()
    style = node.get("style", "form" if place in ("query", "cookie") else "simple")
    if not types & {"array", "object"}:
        return str(style) if style in ("label", "matrix") else "plain"
    explode = node.get("explode", style == "form")
    return f"{style}{', exploded' if explode and style != 'simple' else ''}"


def as_written(node: Node) -> str:
    """What is said of how a value is written, whether it makes a difference or not."""
    return f"{node.get('style', 'default')}, explode {node.get('explode', 'default')}"


_NO_PARAMETERS: Final = frozenset(("accept", "content-type", "authorization"))
