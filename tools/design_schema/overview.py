"""What a schema is, in a few facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ..ddl.load import Loaded
from ..ddl.model import Name, Schema, Unread
from ..report import clean
from ..source import pointer as as_pointer
from ..source import positions
from .context import Context
from .diagram import diagram
from .pointers import MAX_POINTER

MOST = 8  # names in a list


def overview(context: Context, loaded: Loaded, name: str, pointer: str = "") -> dict[str, Any]:
    """The facts of a schema: plain data with stable keys, its texts safe to show.

    `pointer` may name a table (`/tables/orders`): then the diagram shows it and its neighbours.
    """
    schema = context.schema
    tables = context.tables
    fan_in = Counter({n: len(keys) for n, keys in context.references.items()})
    linked = set(context.references)
    for table in schema.tables.values():
        if table.foreign_keys:
            linked.add(table.partition_of.parent if table.partition_of else table.name)
    facts: dict[str, Any] = {
        "document": name,
        "files": len(loaded.texts),
        "layout": loaded.layout,
        "dialect": str(schema.dialect),
        "engine_version": ".".join(map(str, context.version)),
        "statements": len(loaded.statements),
        "tables": len(tables),
        "partitions": len(schema.tables) - len(tables),
        "columns": sum(len(t.columns) for t in tables),
        "primary_keys": sum(t.primary_key is not None for t in tables),
        "unique": sum(len(list(t.unique_sets())) for t in tables)
        - sum(t.primary_key is not None for t in tables),
        "foreign_keys": sum(len(t.foreign_keys) for t in tables),
        "checks": sum(len(t.checks) for t in tables),
        "indexes": sum(len(t.indexes) for t in tables),
        "views": len(schema.views),
        "functions": len(schema.functions),
        "triggers": sum(len(t.triggers) for t in tables),
        "policies": sum(len(t.policies) for t in tables),
        "fan_in": {clean(str(n), 80): count for n, count in _hottest(fan_in)},
        "orphans": [str(t.name) for t in tables if t.name not in linked],
        "cycles": [" ↔ ".join(map(str, cycle)) for cycle in cycles(schema)],
        "unread": list(_unread(schema.unread, loaded.texts)),
    }
    facts = {key: _cleaned(value) for key, value in facts.items()}
    return facts | {"diagram": diagram(schema, _asked(schema, pointer))}


def cycles(schema: Schema) -> list[list[Name]]:
    """The strongly connected components of the foreign-key graph, self-references left out.

    Tarjan's algorithm without recursion; each component starts with its least name.
    """
    edges = {
        table.name: sorted(
            {key.table for key in table.foreign_keys.values()} & schema.tables.keys()
        )
        for table in schema.tables.values()
    }
    number: dict[Name, int] = {}
    low: dict[Name, int] = {}
    stack: list[Name] = []
    on_stack: set[Name] = set()
    found = []
    for root in edges:
        if root in number:
            continue
        work = [(root, iter(edges[root]))]
        number[root] = low[root] = len(number)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, following = work[-1]
            for other in following:
                if other not in number:
                    number[other] = low[other] = len(number)
                    stack.append(other)
                    on_stack.add(other)
                    work.append((other, iter(edges[other])))
                    break
                if other in on_stack:
                    low[node] = min(low[node], number[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == number[node]:
                    at = stack.index(node)
                    component, stack[at:] = stack[at:], []
                    on_stack.difference_update(component)
                    if len(component) > 1:
                        found.append(sorted(component))
    return sorted(found)


def _hottest(fan_in: Counter[Name]) -> list[tuple[Name, int]]:
    ordered = sorted(fan_in.items(), key=lambda item: (-item[1], item[0]))
    return [(name, count) for name, count in ordered[:MOST] if count > 1]


def _unread(unread: tuple[Unread, ...], texts: Mapping[str, str]) -> Iterator[str]:
    """Where each statement stands that did not enter the model, and why."""
    offsets: dict[str, list[int]] = {}
    for each in unread:
        offsets.setdefault(each.at.file, []).append(each.at.offset)
    found = {file: positions(texts.get(file, ""), here) for file, here in offsets.items()}
    for each in unread:
        at = found[each.at.file][each.at.offset]
        yield f"{each.at.file}:{at.line}:{at.column} {each.reason}"


def _asked(schema: Schema, pointer: str) -> Name | None:
    """The table that a pointer names or lies in."""
    kind, _, rest = pointer.strip("/").partition("/")
    if kind != "tables":
        return None
    shown = f"/{rest.partition('/')[0]}"
    return next((name for name in schema.tables if _step(name) == shown), None)


def _step(name: Name) -> str:
    return clean(as_pointer((str(name),)), MAX_POINTER)


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value, 300)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    return value
