"""What the recipes share: their signature, steps of one line, names of things for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeAlias

from ...ddl.diff import Change, dotted
from ...ddl.model import Name, Schema, Table, View
from ...ddl.model import Sequence as SqlSequence
from ...ddl.postgres.nodes import made_name
from ...ddl.postgres.text import ident, qualified
from ..context import Context
from ..model import Phase, Query, Step, Undo

Recipe: TypeAlias = Callable[[Change, Context], Iterable[Step]]
ObjectKey: TypeAlias = tuple[str, ...]
EVERY: Final = "*"
# What a recipe yields for a change that another step makes: `steps_for` takes it out.
COVERED: Final = Step(Phase.EXPAND, "", (), "", Undo())
MANUAL: Final = "https://www.postgresql.org/docs/current/"
BATCH: Final = 10_000  # rows of one batch of a backfill


def comes_with_column(sequence: SqlSequence, ctx: Context) -> bool:
    """Whether the recipe of a new table or column makes the sequence that the column owns."""
    if sequence.owned_by is None or sequence.name in ctx.current.sequences:
        return False
    table, column = sequence.owned_by
    before = ctx.current.tables.get(table)
    if before is None:
        return ctx.writes_target.tables.is_serial(sequence.name)
    return column not in before.columns or before.columns[column].identity is not None


def goes_with_column(sequence: SqlSequence, ctx: Context) -> bool:
    """Whether the sequence is dropped together with the table or column that owns it."""
    if sequence.owned_by is None or sequence.name in ctx.target.sequences:
        return False
    table, column = sequence.owned_by
    after = ctx.target.tables.get(table)
    return (
        after is None or column not in after.columns or after.columns[column].identity is not None
    )


def temporary(name: str, label: str = "new") -> str:
    """A name that an object has until another one's is free."""
    return made_name(name, "", label)


def altered(table: Table, *actions: str) -> str:
    """ALTER TABLE with some actions."""
    kind = "FOREIGN TABLE" if table.foreign else "TABLE"
    return f"ALTER {kind} {qualified(table.name)} {', '.join(actions)}"


def home(table: Table, name: str) -> str:
    """An index by its full name: it lives in its table's schema."""
    return qualified(Name(table.name.schema, name))


def column_key(table: Table, column: str) -> ObjectKey:
    """The key of a column (`ddl.diff`)."""
    return "column", dotted(table.name), column


def is_new_column(table: Table, column: str, ctx: Context) -> bool:
    """Whether nobody can have written to the column yet."""
    before = ctx.current.tables.get(table.name)
    return before is None or column not in before.columns


def settled(table: Table, columns: Iterable[str], ctx: Context) -> Phase:
    """When a constraint may come: what old code writes must not violate it before it is gone."""
    old = [c for c in columns if not is_new_column(table, c, ctx)]
    return Phase.CONTRACT if old else Phase.EXPAND


def no_rows(sql: str, why: str) -> Query:
    """A query that must find nothing."""
    return Query(sql, "no rows", why)


def step(
    phase: Phase,
    title: str,
    sql: str | Sequence[str],
    why: str,
    undo: Undo | str | Sequence[str],
    objects: Iterable[ObjectKey],
    **more: Any,
) -> Step:
    """A step; an undo that is SQL only loses nothing."""
    if not isinstance(undo, Undo):
        undo = Undo((undo,) if isinstance(undo, str) else tuple(undo))
    statements = (sql,) if isinstance(sql, str) else tuple(sql)
    return Step(phase, title, statements, why, undo, objects=tuple(objects), **more)


def dropping(phase: Phase, title: str, sql: str | Sequence[str], why: str, **more: Any) -> Step:
    """A step after which its `objects` are gone."""
    found: Step = step(phase, title, sql, why, **more, drops=tuple(more["objects"]))
    return found


def listed(names: Iterable[str]) -> str:
    """Names for a sentence."""
    return ", ".join(ident(name) for name in names)


def relation_of(key: ObjectKey, ctx: Context, schema: Schema) -> Table | View | None:
    """The table or view that an object belongs to."""
    name = ctx.names.get(key[1])
    return None if name is None else schema.tables.get(name) or schema.views.get(name)
