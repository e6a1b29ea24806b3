"""What a GraphQL schema consists of, in a few facts."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from ...graphql.graph import Graph
from ...report import clean

MAX_NODES: Final = 30  # of the diagram


def overview(graph: Graph, name: str) -> dict[str, Any]:
    """Counts, root fields, how lists are paged, how errors come, and the graph of entities."""
    schema = graph.schema
    kinds = Counter(each.kind for each in schema.types.values())
    roots = {
        kind: len(root.fields)
        for kind in ("query", "mutation", "subscription")
        if (root := schema.root(kind)) is not None
    }
    deprecated = sum(
        part.deprecated is not None
        for each in schema.types.values()
        for part in (*each.fields.values(), *each.values.values(), *each.inputs.values())
    )
    return {
        "document": clean(name, 200),
        "language": "GraphQL",
        "types": dict(sorted(kinds.items())),
        "roots": roots,
        "connections": sum(map(graph.is_connection, schema.types.values())),
        "deprecated": deprecated,
        "diagram": diagram(graph),
    }


def diagram(graph: Graph) -> str:
    """The entities that are referred to most, and how they refer to each other (Mermaid)."""
    entities = [name for name in graph.schema.types if graph.is_entity(name)]
    entities.sort(key=lambda name: (-len(graph.users.get(name, ())), name))
    shown = set(entities[:MAX_NODES])
    lines = []
    for name in sorted(shown):
        owned = graph.schema.types[name]
        for field in owned.fields.values():
            if field.type.name in shown and field.type.name != name:
                many = "o{" if field.type.is_list else "||"
                lines.append(f"  {name} }}o--{many} {field.type.name} : {field.name}")
    return "\n".join(["erDiagram", *lines]) if lines else ""
