"""What an API is, in a few facts."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ..report import clean
from .api import Api
from .document import Node
from .values import mapping


def overview(api: Api) -> dict[str, Any]:
    """The facts of an API: plain data with stable keys, its texts safe to show."""
    operations = api.operations
    info = mapping(api.root.get("info"))
    tags = Counter(
        str(tag)
        for operation in operations
        if isinstance(operation.node.get("tags"), list)
        for tag in operation.node.get("tags")
    )
    facts = {
        "document": api.description.root.name,
        "files": sorted(api.description.sources),
        "title": str(info.get("title", "")),
        "api_version": str(info.get("version", "")),
        "specification": str(api.root.get("openapi", api.root.get("swagger"))),
        "paths": len(mapping(api.root.get("paths"))),
        "operations": len(operations),
        "methods": dict(sorted(Counter(operation.method for operation in operations).items())),
        "webhooks": len(mapping(api.root.get("webhooks"))),
        "tags": dict(tags.most_common()),
        "security_schemes": {name: _scheme(node) for name, node in api.security_schemes.items()},
        "protected_operations": sum(operation.protected for operation in operations),
        "error_model": dict(list(api.error_model.items())[:8]),
        "pagination": api.pagination,
        "deprecated_operations": [
            str(operation) for operation in operations if operation.node.get("deprecated")
        ],
    }
    return {key: _cleaned(value) for key, value in facts.items()}


def _scheme(node: Node) -> str:
    kind = str(node.get("type", "?"))
    if kind == "oauth2":
        return "oauth2 " + ", ".join(mapping(node.get("flows")) or [str(node.get("flow"))])
    return {"apiKey": f"apiKey in {node.get('in')}", "http": f"http {node.get('scheme')}"}.get(
        kind, kind
    )


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value, 200)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, dict):
        return {clean(str(key), 200): _cleaned(item) for key, item in value.items()}
    return value
