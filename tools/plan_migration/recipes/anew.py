"""What can only be dropped and made again: planned by way of a schema without it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...ddl.diff import changes, dotted
from ...ddl.model import Name, Schema, Table
from ..context import Context
from .dependants import reading


def stages(ctx: Context) -> Iterator[Context]:
    """The migration, or two: to a schema without some tables, and from there to the target."""
    gone = _gone(ctx)
    if not gone:
        yield ctx
        return
    between = _without(ctx.current, gone)
    for current, target in ((ctx.current, between), (between, ctx.target)):
        yield Context(
            current,
            target,
            tuple(changes(current, target)),
            ctx.version,
            ctx.facts,
            {},
            ctx.runner,
            ctx.pooler,
        )


def _gone(ctx: Context) -> frozenset[Name]:
    """Tables that no ALTER TABLE makes what they are to be, with their partitions."""
    found = {
        after.name
        for name, after in ctx.tables_after.items()
        if (before := ctx.tables_before.get(name)) and _is_another(before, after)
    }
    found |= {name for name in ctx.current.tables if name in ctx.target.views}
    for _ in range(100):
        more = {
            each.name
            for each in ctx.current.tables.values()
            if each.name not in found
            and each.partition_of
            and each.partition_of.parent in found
            and not _stays(each, ctx)
        }
        if not more:
            break
        found |= more
    return frozenset(found)


def _is_another(before: Table, after: Table) -> bool:
    return (
        before.partition_by != after.partition_by
        or before.foreign != after.foreign
        or (before.persistence == "temporary") != (after.persistence == "temporary")
    )


def _stays(partition: Table, ctx: Context) -> bool:
    """Whether it is to be a table of its own, with its rows."""
    after = ctx.target.tables.get(partition.name)
    return after is not None and after.partition_of is None


def _without(schema: Schema, gone: frozenset[Name]) -> Schema:
    """The schema without tables and what cannot be without them."""
    tables = {
        name: replace(
            table,
            foreign_keys={k: f for k, f in table.foreign_keys.items() if f.table not in gone},
            partition_of=None
            if table.partition_of and table.partition_of.parent in gone
            else table.partition_of,
        )
        for name, table in schema.tables.items()
        if name not in gone
    }
    readers = {view.name for name in gone for view in reading(schema.tables[name], schema)}
    lost = {dotted(name) for name in (*gone, *readers)}
    return replace(
        schema,
        tables=tables,
        views={name: view for name, view in schema.views.items() if name not in readers},
        sequences={
            name: each
            for name, each in schema.sequences.items()
            if not (each.owned_by and each.owned_by[0] in gone)
        },
        grants={g: at for g, at in schema.grants.items() if g.object not in lost},
        revoked={g: at for g, at in schema.revoked.items() if g.object not in lost},
    )
