"""A table becomes a partitioned one, or an ordinary one again, while it is in use.

PostgreSQL cannot do it in place, so a table of the other kind is filled beside it (`beside`).
https://www.postgresql.org/docs/current/ddl-partitioning.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from ...ddl.diff import changes
from ...ddl.expressions import columns_of
from ...ddl.model import Check, Column, ForeignKey, Grants, Name, Schema, Table
from ..context import Context
from ..model import Step
from .beside import Move, tree
from .exchange_tables import Exchange

_Part = TypeVar("_Part")


def repartitioned(ctx: Context) -> tuple[Context, list[Step]]:
    """The migration that is left afterwards, and the steps that exchange such tables."""
    steps: list[Step] = []
    for name in [name for name in ctx.current.tables if _is_repartitioned(name, ctx)]:
        first = _with_key_columns(name, ctx)
        early = first is not ctx.current
        if early:
            from . import planned

            steps += planned(_between(ctx, ctx.current, first))
        move = Move(name, first, _exchanged(name, first, ctx.target))
        ctx = _between(ctx, move.after, ctx.target)
        steps += Exchange(move, ctx, early).steps()
    return ctx, steps


def _between(ctx: Context, current: Schema, target: Schema) -> Context:
    different = tuple(changes(current, target))
    return replace(ctx, current=current, target=target, changes=different, renames={})


def _is_repartitioned(name: Name, ctx: Context) -> bool:
    before, after = ctx.current.tables[name], ctx.target.tables.get(name)
    if after is None or (before.partition_by == after.partition_by and not _moves(name, ctx)):
        return False
    ordinary = not any(
        table.foreign or table.persistence == "temporary" or table.inherits or table.partition_of
        for table in (before, after)
    )
    heirs = any(
        name in each.inherits for s in (ctx.current, ctx.target) for each in s.tables.values()
    )
    freed = any(
        part.name in ctx.target.tables and ctx.target.tables[part.name].partition_of is None
        for part in tree(ctx.current, name)[1:]
    )
    return ordinary and not heirs and not freed


def _moves(name: Name, ctx: Context) -> bool:
    """Whether rows must move between partitions: some are split, joined, or hashed otherwise."""
    by = ctx.current.tables[name].partition_by
    if by is None:
        return False
    before, after = (
        {
            t.name: t.partition_of.bound
            for t in schema.tables.values()
            if t.partition_of and t.partition_of.parent == name
        }
        for schema in (ctx.current, ctx.target)
    )
    bound = any(before[each] != after[each] for each in before.keys() & after.keys())
    return bound and (by.strategy == "hash" or before.keys() != after.keys())


def _with_key_columns(name: Name, ctx: Context) -> Schema:
    """The current schema with the columns that the target is partitioned by as they must be."""
    before, after = ctx.current.tables[name], ctx.target.tables[name]
    by = after.partition_by
    wanted = {
        column
        for part in (by.parts if by else ())
        for column in ([part.expression] if part.is_column else columns_of(part.expression))
    }
    columns = dict(before.columns)
    for column in wanted & after.columns.keys():
        given, old = after.columns[column], columns.get(column)
        if old is None or (old.type, old.not_null is None) != (given.type, given.not_null is None):
            columns[column] = given
    if columns == before.columns:
        return ctx.current
    return _with_table(ctx.current, replace(before, columns=columns))


def _with_table(schema: Schema, *tables: Table) -> Schema:
    return replace(schema, tables={**schema.tables, **{t.name: t for t in tables}})


def _exchanged(name: Name, current: Schema, target: Schema) -> Schema:
    """The current schema with the target's kind of table, and no more of the target than that."""
    source = current.tables[name]
    parts = tree(target, name)
    root = _root(source, parts[0])
    gone = {table.name for table in tree(current, name)}
    kept = {n: t for n, t in current.tables.items() if n not in gone}
    made = {name: root, **{p.name: _partition(p, root, source, parts[0]) for p in parts[1:]}}
    sets = {frozenset(columns) for columns in root.unique_sets()}
    for other in kept.values():
        keys = {
            n: key
            for n, key in other.foreign_keys.items()
            if key.table != name or frozenset(key.referenced) in sets
        }
        kept[other.name] = replace(other, foreign_keys=keys)
    names = {".".join(each.name) for each in parts[1:]}
    lost = {".".join(each) for each in gone - made.keys()}
    grants = {g: at for g, at in current.grants.items() if g.object not in lost}
    grants |= {g: at for g, at in target.grants.items() if g.kind == "table" and g.object in names}
    return replace(current, tables={**kept, **made}, grants=Grants(grants))


def _root(source: Table, target: Table) -> Table:
    keys = {n: key for n, key in target.keys.items() if _fits(key.columns, source)}
    indexes = {n: index for n, index in target.indexes.items() if _fits(index.columns, source)}
    indexes = {
        n: index
        for n, index in indexes.items()
        if all(
            columns_of(text) <= source.columns.keys()
            for text in (index.where or "", *(p.expression for p in index.parts if not p.is_column))
            if text
        )
    }
    return replace(
        target,
        columns=source.columns,
        keys=keys,
        indexes=indexes,
        exclusions=_same(source.exclusions, target.exclusions),
        foreign_keys={
            n: replace(key, valid=True)
            for n, key in _alike(source.foreign_keys, target.foreign_keys).items()
            if key.table != source.name
        },
        checks={n: replace(check, inherited=False) for n, check in source.checks.items()},
        triggers=source.triggers,
        rules=source.rules,
        policies=source.policies,
        row_security=source.row_security,
        force_row_security=source.force_row_security,
        comment=source.comment,
        replica_identity="default",
        cluster_on="",
    )


def _fits(columns: tuple[str, ...], table: Table) -> bool:
    return set(columns) <= table.columns.keys()


def _same(ours: Mapping[str, _Part], others: Mapping[str, _Part]) -> dict[str, _Part]:
    return {name: part for name, part in ours.items() if others.get(name) == part}


def _alike(
    ours: Mapping[str, ForeignKey], others: Mapping[str, ForeignKey]
) -> dict[str, ForeignKey]:
    return {
        name: others[name]
        for name, key in ours.items()
        if name in others and replace(others[name], valid=key.valid) == key
    }


def _partition(part: Table, root: Table, source: Table, target: Table) -> Table:
    """A partition of the target with the columns and checks that its parent has for now."""

    def column(name: str, mine: Column) -> Column:
        same = name in part.columns and target.columns.get(name) == mine
        return part.columns[name] if same else replace(mine, inherited=True, identity=None)

    def check(name: str, mine: Check) -> Check:
        same = name in part.checks and target.checks.get(name) == mine
        return part.checks[name] if same else replace(mine, inherited=True)

    own = {n: c for n, c in part.checks.items() if not c.inherited}
    return replace(
        part,
        columns={name: column(name, mine) for name, mine in source.columns.items()},
        keys={n: key for n, key in part.keys.items() if _fits(key.columns, source)},
        checks={**own, **{n: check(n, mine) for n, mine in root.checks.items()}},
        foreign_keys={
            n: replace(key, valid=True)
            for n, key in part.foreign_keys.items()
            if not key.inherited or n in root.foreign_keys
        },
        indexes={
            n: index
            for n, index in part.indexes.items()
            if _fits(index.columns, source)
            and (index.parent is None or index.parent.name in _index_names(part, root))
        },
    )


def _index_names(part: Table, root: Table) -> set[str]:
    """Names of indexes that a copy may belong to: the root's, or those of a partition between."""
    if part.partition_of and part.partition_of.parent == root.name:
        return set(root.indexes)
    return {index.parent.name for index in part.indexes.values() if index.parent}
