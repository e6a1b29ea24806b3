"""The changes of data that a user's script makes, carried over into the safe plan.

Schemas do not show them. Each becomes a step where its tables and columns are there, before what
relies on what it writes: NOT NULL, keys, checks, the contract phase.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from ..ddl.diff import dotted
from ..ddl.expressions import names_of
from ..ddl.model import Name
from ..ddl.postgres.text import qualified
from .context import Context
from .model import Phase, Query, Step, Undo
from .units import DataChange, Key, Unit
from .words import words

_DEMANDS: Final = frozenset({"key", "foreign key", "check", "exclusion"})
_ALL_ROWS: Final = (
    "one statement over all rows, as in the script: on a large table it holds its row locks until"
    " it ends; write it in batches by key, each committed"
)


def with_data(steps: Sequence[Step], script: Sequence[Unit], ctx: Context) -> tuple[Step, ...]:
    """The steps with those for the script's changes of data, numbered anew."""
    found = list(steps)
    earliest = 0
    for change in (change for unit in script for change in unit.data):
        place = _place(found, change, ctx, earliest)
        found.insert(place, _step(change, ctx))
        earliest = place + 1
    phase = Phase.EXPAND
    for number, step in enumerate(found):
        phase = max(phase, step.phase, key=list(Phase).index)
        found[number] = replace(step, id=str(number + 1), phase=phase)
    return tuple(found)


def not_carried(script: Sequence[Unit]) -> Iterator[str]:
    """What cannot be carried over, since nobody can tell what it does, in notes."""
    for unit in script:
        for what, at in unit.opaque:
            yield (
                f"The plan does not have the {what} of {at}: what it does to data is not known;"
                " find its place among the steps."
            )


def _place(steps: Sequence[Step], change: DataChange, ctx: Context, earliest: int) -> int:
    """After what makes an object that the statement names, before what relies on its rows."""
    named = _named(change)
    spoken = words(change.statement.text)
    made: dict[Key, int] = {}
    for number, step in enumerate(steps):
        for key in step.objects:
            if _uses(key, named, spoken) and _is_new(key, ctx) and step.phase is not Phase.CONTRACT:
                made.setdefault(key, number)
    start = max([earliest, *(number + 1 for number in made.values())])
    for number in range(start, len(steps)):
        step = steps[number]
        relies = any(_uses(k, named, spoken) or _demands(k, change, ctx) for k in step.objects)
        if relies or step.phase is Phase.CONTRACT:
            return number
    return len(steps)


def _named(change: DataChange) -> frozenset[str]:
    names = names_of(change.statement.text).relations
    mentioned = (dotted(Name(n.schema or change.table.schema, n.name)) for n in names)
    return frozenset((*mentioned, dotted(change.table)))


def _uses(key: Key, named: frozenset[str], spoken: frozenset[str]) -> bool:
    if key[0] == "column":
        return key[1] in named and key[2] in spoken
    return key[0] == "table" and key[1] in named


def _is_new(key: Key, ctx: Context) -> bool:
    table = ctx.tables_before.get(key[1])
    return table is None or (key[0] == "column" and key[2] not in table.columns)


def _demands(key: Key, change: DataChange, ctx: Context) -> bool:
    """Whether it is a constraint on the rows that are written."""
    if len(key) < 3 or key[1] != dotted(change.table):
        return False
    table = ctx.tables_after.get(key[1])
    index = table.indexes.get(key[2]) if table and key[0] == "index" else None
    return key[0] in _DEMANDS or bool(index and index.unique)


def _step(change: DataChange, ctx: Context) -> Step:
    table = qualified(change.table)
    whole = not (change.few or ctx.is_small(change.table) or ctx.is_new(change.table))
    loses = _loses(change, ctx)
    return Step(
        Phase.MIGRATE,
        f"{change.verb} {table}, as in the script",
        (change.statement.text,),
        f"The script does it ({change.at}); schemas do not show it.",
        Undo((), "no_return" if loses else "lossless", loses=loses),
        loses_data=loses,
        preflight=(Query(f"SELECT count(*) FROM {table}", "the number of rows", loses),)
        if loses
        else (),
        hazards=(_ALL_ROWS,) if whole else (),
    )


def _loses(change: DataChange, ctx: Context) -> str:
    """What is overwritten or deleted of what is there before the migration."""
    before = ctx.current.tables.get(change.table)
    if before is None or change.verb == "Insert into":
        return ""
    if change.verb == "Merge into":
        return f"what {change.table} had in the rows that it changes or deletes"
    if change.verb == "Delete from":
        return f"rows of {change.table}"
    old = [column for column in change.columns if column in before.columns]
    return f"the values that {', '.join(old)} of {change.table} had" if old else ""
