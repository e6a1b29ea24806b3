"""Patches that add what the other operations of an API share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from ...openapi.api import Api, Listed, Operation
from ...openapi.errors import shared_response
from ...source import pointer


def answer_patch(operation: Operation, code: str, api: Api) -> tuple[dict[str, Any], ...]:
    """The patch that adds the shared response for a code; empty if operations share none."""
    place = operation.node.place("responses", code)
    shared = shared_response(api, code, place.file)
    if not shared or not isinstance(operation.node.get("responses"), dict):
        return ()
    return ({"op": "add", "path": pointer(place.path), "value": {"$ref": shared}},)


def parameter_patch(operation: Operation, shared: Iterable[Listed]) -> tuple[dict[str, Any], ...]:
    """The patch that adds the parameter that most of these refer to; empty if none is shared."""
    place = operation.node.place("parameters")
    used = Counter(
        reference
        for at, _ in shared
        if at.file == place.file
        and isinstance(reference := at.get("$ref"), str)
        and reference.startswith("#/")
    )
    if not used:
        return ()
    added = {"$ref": used.most_common(1)[0][0]}
    if isinstance(operation.node.get("parameters"), list):
        return ({"op": "add", "path": f"{pointer(place.path)}/-", "value": added},)
    return ({"op": "add", "path": pointer(place.path), "value": [added]},)
