"""Partitions that leave: what they had from their parent is their own then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from ...ddl.diff import changes, dotted
from ...ddl.expressions import columns_of
from ...ddl.model import Schema, Table
from ...ddl.postgres.nodes import made_name
from ...ddl.postgres.text import ident, qualified
from ..context import Context
from ..model import Phase, Step, Undo
from .base import MANUAL, ObjectKey, altered, step
from .partitions import default_of

_REFERENCE: Final = MANUAL + "ddl-partitioning.html"


def freed(ctx: Context) -> tuple[Context, list[Step]]:
    """The migration that is left when partitions are tables of their own, and how they become so.

    They leave before anything of theirs or of their parent is dropped: else the rows would go with
    the parent, and what a partition has from it cannot be dropped.
    """
    leaving = [table for table in ctx.current.tables.values() if _leaves(table, ctx.target)]
    if not leaving:
        return ctx, []
    from . import planned

    alone = [_alone(table) for table in leaving]
    untied = [_untied(table, ctx.target) for table in alone]
    left = _between(ctx, _with_tables(ctx.current, alone), _with_tables(ctx.current, untied))
    steps = [made for table in leaving for made in detached(table, ctx)]
    return _between(ctx, left.target, ctx.target), [*steps, *planned(left)]


def _between(ctx: Context, current: Schema, target: Schema) -> Context:
    return replace(ctx, current=current, target=target, changes=tuple(changes(current, target)))


def _with_tables(schema: Schema, tables: Iterable[Table]) -> Schema:
    return replace(schema, tables={**schema.tables, **{table.name: table for table in tables}})


def _leaves(table: Table, target: Schema) -> bool:
    after = target.tables.get(table.name)
    return table.partition_of is not None and after is not None and after.partition_of is None


def _untied(alone: Table, target: Schema) -> Table:
    """The table without the foreign keys of its parent that it is not to have."""
    wanted = target.tables[alone.name].foreign_keys
    kept = {name: key for name, key in alone.foreign_keys.items() if name in wanted}
    return replace(alone, foreign_keys=kept)


def _alone(partition: Table) -> Table:
    """The table that DETACH PARTITION leaves."""
    return replace(
        partition,
        partition_of=None,
        columns={
            name: replace(column, inherited=False, identity=None)
            for name, column in partition.columns.items()
        },
        keys={name: replace(key, inherited=False) for name, key in partition.keys.items()},
        checks={name: replace(check, inherited=False) for name, check in partition.checks.items()},
        foreign_keys={
            name: replace(key, inherited=False) for name, key in partition.foreign_keys.items()
        },
        indexes={name: replace(index, parent=None) for name, index in partition.indexes.items()},
    )


def _concerned(partition: Table, ctx: Context) -> Iterator[ObjectKey]:
    """The partition, what it has from its parent, and the parent if that is to go."""
    assert partition.partition_of is not None
    name, parent = dotted(partition.name), partition.partition_of.parent
    keys = [key for key in partition.keys.values() if key.inherited]
    yield "table", name
    yield from (("key", name, key.name) for key in keys)
    yield from (("column", name, column) for key in keys for column in key.columns)
    yield from (("check", name, c.name) for c in partition.checks.values() if c.inherited)
    yield from (("foreign key", name, k.name) for k in partition.foreign_keys.values())
    yield from (("index", name, index.name) for index in partition.indexes.values())
    before, after = ctx.current.tables[parent], ctx.target.tables.get(parent)
    if after is None or after.partition_by != before.partition_by:
        yield "table", dotted(parent)


def detached(before: Table, ctx: Context) -> Iterator[Step]:
    """A partition becomes a table of its own."""
    assert before.partition_of is not None
    parent, bound = before.partition_of.parent, before.partition_of.bound
    name, of = qualified(before.name), qualified(parent)
    online = ctx.version >= 14 and default_of(parent, ctx) is None
    yield step(
        Phase.CONTRACT,
        f"Detach partition {name}",
        f"ALTER TABLE {of} DETACH PARTITION {name}" + (" CONCURRENTLY" if online else ""),
        "CONCURRENTLY lets reads and writes of the parent go on; it waits for old transactions."
        if online
        else "ACCESS EXCLUSIVE on the parent, shortly: CONCURRENTLY needs PostgreSQL 14 and a"
        " parent without default partition.",
        Undo(
            (
                f"ALTER TABLE {of} ATTACH PARTITION {name} {bound}",
                *(_unbound(before, ctx) * online),
            ),
            "until",
            "a row outside of its bound is written to it, or one within to another partition",
            "nothing, but it fails while there is one",
        ),
        _concerned(before, ctx),
        transaction="none" if online else "own",
        references=(_REFERENCE,),
    )
    if online:
        yield from _without_check(before, ctx)
    yield from _without_inherited(before, ctx)


def _without_check(before: Table, ctx: Context) -> Iterator[Step]:
    if before.name in ctx.target.tables and (drop := _unbound(before, ctx)):
        yield step(
            Phase.CONTRACT,
            f"Drop the bound of {qualified(before.name)}",
            drop,
            "DETACH CONCURRENTLY leaves it behind as a CHECK.",
            Undo(),
            [("table", dotted(before.name))],
            references=(_REFERENCE,),
        )


def _without_inherited(before: Table, ctx: Context) -> Iterator[Step]:
    """What the parent gained in the migration, and passed on before the partition left it."""
    assert before.partition_of is not None
    after = ctx.target.tables.get(before.name)
    old, new = (s.tables.get(before.partition_of.parent) for s in (ctx.current, ctx.target))
    if after is None or old is None or new is None:
        return
    gained = [name for name in new.columns if name not in {**old.columns, **after.columns}]
    checks = [name for name in new.checks if name not in {**old.checks, **after.checks}]
    drops = [f"DROP CONSTRAINT {ident(name)}" for name in checks]
    drops += [f"DROP COLUMN {ident(name)}" for name in gained]
    if drops:
        name = qualified(before.name)
        lost = f"every value of {', '.join(map(ident, gained))} of {name}" if gained else ""
        yield step(
            Phase.CONTRACT,
            f"Drop what {name} had from {qualified(new.name)}",
            altered(after, *drops),
            "It came with the parent's while the table was a partition.",
            Undo((), "no_return", "", lost or "nothing: attaching brings it back"),
            [("table", dotted(before.name))],
            loses_data=lost,
            references=(_REFERENCE,),
        )


def _unbound(before: Table, ctx: Context) -> tuple[str, ...]:
    """DETACH CONCURRENTLY leaves the bound behind as a CHECK (ATExecDetachPartition)."""
    assert before.partition_of is not None
    parent = ctx.current.tables.get(before.partition_of.parent)
    if parent is None or parent.partition_by is None:
        return ()
    used = {
        column
        for part in parent.partition_by.parts
        for column in ([part.expression] if part.is_column else columns_of(part.expression))
    }
    check = made_name(before.name.name, next(iter(used)) if len(used) == 1 else "", "check")
    free = check
    number = 0
    while free in before.checks:
        number += 1
        free = f"{check}{number}"
    return (altered(before, f"DROP CONSTRAINT IF EXISTS {ident(free)}"),)
