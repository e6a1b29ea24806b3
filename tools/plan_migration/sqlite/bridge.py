"""A column under two names while old and new code run: both are kept alike by triggers.

The new column is added as one that old code does not know, and the old one dropped as one that new
code does not (`middle`); between the two each write to one is written to the other. SQLite runs a
trigger after the row is there, so that it may set what the statement left out.
https://www.sqlite.org/lang_createtrigger.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from ...ddl.diff import dotted
from ...ddl.load import fold
from ...ddl.model import Dialect, Name, Schema, Table, View
from ...ddl.script import Statement
from ...ddl.sqlite.emit import ident, qualified
from ..context import Context
from ..model import Phase, Query, Step, Undo
from .checks import LOST

MANUAL = "https://www.sqlite.org/lang_createtrigger.html"


class Bridge(NamedTuple):
    """A column that has two names for a while."""

    table: Name
    old: str
    new: str

    @property
    def key(self) -> tuple[str, ...]:
        """The old column's (`ddl.diff`)."""
        return "column", dotted(self.table), self.old

    @property
    def triggers(self) -> tuple[str, str]:
        """The names of its triggers, for INSERT and for UPDATE."""
        stem = f"{self.table.name}_{self.new}"
        return f"{stem}_insert", f"{stem}_update"

    @property
    def back(self) -> str:
        """What the new code wrote under the new name only, for the old code."""
        old, new = ident(self.old), ident(self.new)
        return f"UPDATE {qualified(self.table)} SET {old} = {new} WHERE {old} IS NOT {new}"


def bridges(now: Schema, target: Schema, ctx: Context) -> list[Bridge]:
    """The columns that the user renames and that triggers can keep alike."""
    found = []
    for old, new in ctx.renames.items():
        if old[0] == "column" and old[1] == new[1]:
            name = next((n for n in now.tables if dotted(n) == old[1]), None)
            if name and name in target.tables:
                bridge = Bridge(name, old[2], new[2])
                if _can_be_bridged(now, target, bridge):
                    found.append(bridge)
    return found


def _can_be_bridged(now: Schema, target: Schema, bridge: Bridge) -> bool:
    """Not where a column is computed, part of the primary key, or others refer to it."""
    name, old, new = bridge
    table, after = now.tables[name], target.tables[name]
    before, then = table.columns.get(old), after.columns.get(new)
    if before is None or then is None or new in table.columns or old in after.columns:
        return False
    if before.generated or then.generated or before.default != then.default:
        return False
    owners: list[Table | View] = [*now.tables.values(), *target.tables.values()]
    owners += now.views.values()
    if any(label in owner.triggers for owner in owners for label in bridge.triggers):
        return False
    keys = [table.primary_key, after.primary_key]
    if any(key and {old, new} & {*key.columns} for key in keys):
        return False
    return not any(
        key.table == name and {old, new} & {*key.referenced}
        for schema in (now, target)
        for other in schema.tables.values()
        for key in other.foreign_keys.values()
    )


def without(ctx: Context, found: Sequence[Bridge]) -> Context:
    """The migration without the renames that have a bridge: a column comes, another goes."""
    done = {bridge.key for bridge in found}
    return replace(ctx, renames={key: new for key, new in ctx.renames.items() if key not in done})


def with_bridges(schema: Schema, found: Sequence[Bridge]) -> Schema:
    """The schema with the triggers that keep both columns alike.

    The new one has no default: what a statement leaves out is what it is in the old one.
    """
    tables = dict(schema.tables)
    for bridge in found:
        table = tables[bridge.table]
        made = fold([Statement("", 0, sql) for sql in _script(table, bridge)], Dialect.SQLITE)
        triggers = {**table.triggers, **next(iter(made.tables.values())).triggers}
        bare = replace(table.columns[bridge.new], default=None, not_null=None)
        columns = {**table.columns, bridge.new: bare}
        tables[bridge.table] = replace(table, columns=columns, triggers=triggers)
    return replace(schema, tables=tables)


def _script(table: Table, bridge: Bridge) -> Iterator[str]:
    name, old, new = qualified(table.name), ident(bridge.old), ident(bridge.new)
    key = table.primary_key.columns if table.primary_key else ()
    same = " AND ".join(f"{ident(c)} IS NEW.{ident(c)}" for c in key) or "rowid = NEW.rowid"
    given = f"coalesce(NEW.{new}, NEW.{old})"
    changed = f"CASE WHEN NEW.{new} IS NOT OLD.{new} THEN NEW.{new} ELSE NEW.{old} END"
    yield f"CREATE TABLE {name} (a)"
    events = (("INSERT", given), (f"UPDATE OF {old}, {new}", changed))
    for label, (event, value) in zip(bridge.triggers, events, strict=True):
        yield (
            f"CREATE TRIGGER {ident(label)} AFTER {event} ON {name} WHEN NEW.{old} IS NOT NEW.{new}"
            f" BEGIN UPDATE {name} SET {old} = {value}, {new} = {value} WHERE {same}; END"
        )


def filled(found: Sequence[Bridge]) -> Iterator[Step]:
    """The rows that were there before the triggers get the value under the new name, too."""
    for bridge in found:
        name, old, new = qualified(bridge.table), ident(bridge.old), ident(bridge.new)
        yield Step(
            Phase.MIGRATE,
            f"Copy {old} of {name} to {new}",
            (f"UPDATE {name} SET {new} = {old} WHERE {new} IS NOT {old}",),
            "Every instance of the old code writes both by the triggers; a row that has the newer"
            " value has it in both, so that none is overwritten.",
            Undo(()),
            verify=(Query(f"SELECT count(*) FROM {name} WHERE {new} IS NOT {old}", "0"),),
            after="The new code may be deployed.",
            objects=(("column", dotted(bridge.table), bridge.new),),
            references=(MANUAL,),
        )


def carried_back(step: Step, found: Sequence[Bridge]) -> Step:
    """A step of the contract phase whose undo fills the old columns again, which loses nothing."""
    gone = {*step.drops, *((key[0], key[-1]) for key in step.objects)}
    mine = [b for b in found if b.key in gone or gone & {("trigger", t) for t in b.triggers}]
    if not mine:
        return step
    undo = replace(step.undo, sql=(*step.undo.sql, *(bridge.back for bridge in mine)))
    if any(key[0] == "column" and key not in {b.key for b in mine} for key in step.drops):
        return replace(step, undo=undo)
    asked = tuple(query for query in step.preflight if query.expected != LOST)
    return replace(step, undo=Undo(undo.sql), loses_data="", preflight=asked)
