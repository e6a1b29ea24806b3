"""Plans for SQLite: what ALTER TABLE can do by that, the rest by rebuilding the table once a phase.

The schema that old and new code can both use stands between the current one and the target
(`middle`): the steps of the expand phase lead to it, those of the contract phase from it. A step
and its undo are the same way between two schemas, taken forth and back (`transition`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from ...ddl.diff import with_tables_of
from ...ddl.model import Schema
from ..context import Context
from ..model import Phase, Step
from .bridge import bridges, carried_back, filled, with_bridges, without
from .effects import with_effects
from .middle import between, in_order
from .renames import column_renames, frozen, table_renames
from .spelling import spelled_as
from .stages import Stage

# What a plan may use when no version is given: any SQLite since 2021 has it.
DEFAULT: Final = (3, 35)


def planned(ctx: Context) -> tuple[Step, ...]:
    """The steps from the current schema to the target, numbered, with what they do to others."""
    steps = [replace(step, id=str(number)) for number, step in enumerate(_steps(ctx), 1)]
    return with_effects(steps, ctx)


def _steps(ctx: Context) -> Iterator[Step]:
    if not ctx.changes:
        return
    version = ctx.exact or DEFAULT
    now, target = ctx.current, _spelled(ctx)
    for renamed in table_renames(now, target, ctx):
        now = renamed.schema
        yield renamed.step
    bridged = bridges(now, target, ctx)
    ctx = without(ctx, bridged)
    middle = with_tables_of(between(now, target, frozen(ctx), version), now)
    middle = with_bridges(middle, bridged)
    yield from Stage(Phase.EXPAND, now, middle, ctx, version).steps()
    yield from filled(bridged)
    target = with_tables_of(in_order(target, now, middle, version), middle)
    now = middle
    for renamed in column_renames(now, target, ctx, version):
        now = renamed.schema
        yield renamed.step
    for step in Stage(Phase.CONTRACT, now, target, ctx, version).steps():
        yield carried_back(step, bridged)


def _spelled(ctx: Context) -> Schema:
    return spelled_as(ctx.target, ctx.current)
