"""Patches that document an answer by the response that the API's other operations share."""

from __future__ import annotations

from typing import Any

from ...openapi.api import Api, Operation
from ...openapi.errors import shared_response
from ...source import pointer


def answer_patch(operation: Operation, code: str, api: Api) -> tuple[dict[str, Any], ...]:
    """The patch that adds the shared response for a code; empty if operations share none."""
    place = operation.node.place("responses", code)
    shared = shared_response(api, code, place.file)
    if not shared or not isinstance(operation.node.get("responses"), dict):
        return ()
    return ({"op": "add", "path": pointer(place.path), "value": {"$ref": shared}},)
