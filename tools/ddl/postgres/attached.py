"""Triggers, rules and policies: what is attached to a table or a view under a name of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from postgast import pg_query_pb2 as pg

from ..model import Name, Opaque, Policy, Trigger
from .state import State, Unsupported

Part: TypeAlias = Trigger | Opaque | Policy
_FIELDS: dict[int, str] = {
    pg.OBJECT_TRIGGER: "triggers",
    pg.OBJECT_RULE: "rules",
    pg.OBJECT_POLICY: "policies",
}


def attach(state: State, home: Name, kind: int, part: Part) -> None:
    """Add a part of a kind (OBJECT_TRIGGER, …), or put it in place of the one of that name."""
    _put(state, home, kind, {**_parts(state, home, kind), part.name: part})


def detach(state: State, home: Name, kind: int, name: str) -> None:
    """Remove a part."""
    parts = _parts(state, home, kind)
    _require(parts, home, name)
    _put(state, home, kind, {key: part for key, part in parts.items() if key != name})


def change(state: State, home: Name, kind: int, name: str, /, **fields: Any) -> None:
    """Change fields of a part, its name too; it keeps its place among the others."""
    parts = _parts(state, home, kind)
    _require(parts, home, name)
    changed = [replace(part, **fields) if part.name == name else part for part in parts.values()]
    _put(state, home, kind, {part.name: part for part in changed})


def _parts(state: State, home: Name, kind: int) -> Mapping[str, Part]:
    owner = state.tables.get(home) or state.views.get(home)
    if owner is None:
        raise Unsupported(f"relation {home} is not known")
    parts: Mapping[str, Part] = getattr(owner, _FIELDS[kind], {})  # a view has no policies
    return parts


def _require(parts: Mapping[str, Part], home: Name, name: str) -> None:
    if name not in parts:
        raise Unsupported(f"{name} of {home} is not known")


def _put(state: State, home: Name, kind: int, parts: dict[str, Part]) -> None:
    if home in state.tables:
        setattr(state.tables[home], _FIELDS[kind], parts)
        return
    fields: dict[str, Any] = {_FIELDS[kind]: parts}
    state.put_view(replace(state.views[home], **fields))
