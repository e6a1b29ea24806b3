"""What PostgreSQL refuses to leave in place while a column changes: views, policies, triggers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ...ddl.diff import dotted
from ...ddl.expressions import has_star
from ...ddl.model import Name, Schema, Sql, Table, View
from ...ddl.postgres.dependents import reads
from ..context import Context
from ..words import words
from .base import ObjectKey
from .written import drop_part, drop_view, whole_policy, whole_trigger, whole_view


class Around(NamedTuple):
    """Statements that take dependants down and put them up again as they were."""

    down: list[str]
    up: list[str]
    objects: list[ObjectKey]


def around(table: Table, columns: frozenset[str], ctx: Context) -> Around:
    """What depends on columns of a table of the current schema."""
    found = Around([], [], [])
    views = list(_views(table, columns, ctx))
    for view in reversed(views):
        found.down.append(drop_view(view))
    for trigger in table.triggers.values():
        if set(trigger.update_of) & columns or _says(trigger.when, columns):
            found.down.append(drop_part("trigger", trigger.name, table.name))
            found.up.extend(whole_trigger(table.name, trigger))
    for other in ctx.current.tables.values():
        for policy in other.policies.values():
            said = words(f"{policy.using or ''} {policy.check or ''}")
            if said & columns and (other.name == table.name or table.name.name in said):
                found.down.append(drop_part("policy", policy.name, other.name))
                found.up.extend(whole_policy(other.name, policy))
    for view in views:
        found.up.extend(whole_view(view, ctx.current, ctx.writes_current))
    found.objects.extend(("view", dotted(view.name)) for view in views)
    return found


def _says(expression: Sql | None, columns: frozenset[str]) -> bool:
    return expression is not None and not columns.isdisjoint(words(expression))


def _views(table: Table, columns: frozenset[str], ctx: Context) -> Iterator[View]:
    """Views that read the columns, each after those that it reads."""
    wanted = {table.name}
    found: dict[Name, View] = {}
    grown = True
    while grown:
        grown = False
        for view in ctx.current.views.values():
            if view.name in found or not any(reads(view, name) for name in wanted):
                continue
            direct = reads(view, table.name)
            said = words(view.query)
            if (
                direct
                and not (said & columns or has_star(view.query))
                and not wanted - {table.name}
            ):
                continue
            found[view.name] = view
            wanted.add(view.name)
            grown = True
    yield from _in_order(list(found.values()))


def starred(table: Table, ctx: Context) -> Around:
    """Views of all columns of a table, which would hold on to a column that is dropped."""
    kept = [
        view
        for view in reading(table, ctx.current)
        if view.name in ctx.target.views and has_star(view.query)
    ]
    kept += [
        view
        for first in kept
        for view in reading_view(first, ctx.current)
        if view.name in ctx.target.views and view not in kept
    ]
    kept = list(_in_order(kept))
    up = [
        sql
        for view in kept
        for sql in whole_view(ctx.target.views[view.name], ctx.target, ctx.writes_target)
    ]
    keys: list[ObjectKey] = [("view", dotted(view.name)) for view in kept]
    return Around([drop_view(view) for view in reversed(kept)], up, keys)


def reading_view(first: View, schema: Schema) -> list[View]:
    """The views that read a view directly."""
    return [view for view in schema.views.values() if view != first and reads(view, first.name)]


def reading(table: Table, schema: Schema) -> list[View]:
    """The views that read a table, directly or not, each after those that it reads."""
    wanted = {table.name}
    found: dict[Name, View] = {}
    grown = True
    while grown:
        grown = False
        for view in schema.views.values():
            if view.name not in found and any(reads(view, name) for name in wanted):
                found[view.name] = view
                wanted.add(view.name)
                grown = True
    return list(_in_order(list(found.values())))


def _in_order(views: list[View]) -> Iterator[View]:
    left = {view.name: view for view in views}
    while left:
        free = [
            v for v in left.values() if not any(reads(v, n) for n in left if n != v.name)
        ] or list(left.values())
        for view in free:
            del left[view.name]
            yield view
