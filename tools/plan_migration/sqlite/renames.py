"""Renames that the user named: of tables with a view under the old name, of columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from ...ddl.diff import dotted
from ...ddl.load import fold
from ...ddl.model import Dialect, Name, Schema, Sql, Table, Trigger, View
from ...ddl.script import Statement
from ...ddl.sqlite.emit import emit, ident, idents, qualified
from ...ddl.tokens import alike, renamed
from ..context import Context
from ..model import Phase, Step, Undo
from .alter import RENAMES_COLUMNS, Version
from .transition import transition

MANUAL = "https://www.sqlite.org/lang_altertable.html"


class Renamed(NamedTuple):
    """A rename with the step that makes it, and the schema after it."""

    step: Step
    schema: Schema


def table_renames(schema: Schema, target: Schema, ctx: Context) -> Iterator[Renamed]:
    """Tables get their new names in the expand phase; old code goes on through views."""
    for old, new in ctx.renames.items():
        table = _named(schema, old[1])
        after = _named(target, new[1])
        if old[0] != "table" or table is None or after is None:
            continue
        forth = f"ALTER TABLE {qualified(table.name)} RENAME TO {ident(after.name.name)}"
        back = f"ALTER TABLE {qualified(after.name)} RENAME TO {ident(table.name.name)}"
        bridge = [] if _columns_of(old[1], ctx) else list(_bridge(table, after.name))
        schema = _settled(_folded(schema, [forth, *bridge]), target)
        away = [f"DROP VIEW {qualified(table.name)}"] if bridge else []
        yield Renamed(
            Step(
                Phase.EXPAND if bridge else Phase.MIGRATE,
                f"Rename table {ident(table.name.name)} to {ident(after.name.name)}",
                (forth, *bridge),
                _why_bridge(bool(bridge)),
                Undo((*away, back)),
                objects=(old, new),
                hazards=() if bridge else ("breaks old code",),
                references=(MANUAL,),
            ),
            schema,
        )


def _why_bridge(bridged: bool) -> str:
    if bridged:
        return (
            "In one transaction: old code reads and writes through a view of the old name. A view"
            " takes no ON CONFLICT and no RETURNING, and has no row id."
        )
    return "Columns are renamed, too, so that no view could stand for the old table."


def _bridge(table: Table, name: Name) -> Iterator[str]:
    """A view under the old name that can be written to."""
    view, new = qualified(table.name), qualified(name)
    written = [c for c, column in table.columns.items() if column.generated is None]
    key = table.primary_key
    same = " AND ".join(
        f"{ident(c)} IS OLD.{ident(c)}" for c in (key.columns if key else table.columns)
    )
    values = ", ".join(f"NEW.{ident(c)}" for c in written)
    pairs = ", ".join(f"{ident(c)} = NEW.{ident(c)}" for c in written)
    bodies = {
        "insert": f"INSERT INTO {new} ({idents(written)}) VALUES ({values})",
        "update": f"UPDATE {new} SET {pairs} WHERE {same}",
        "delete": f"DELETE FROM {new} WHERE {same}",
    }
    yield f"CREATE VIEW {view} AS SELECT {idents(table.columns)} FROM {new}"
    for event, body in bodies.items():
        label = ident(f"{table.name.name}_{event}")
        yield f"CREATE TRIGGER {label} INSTEAD OF {event.upper()} ON {view} BEGIN {body}; END"


def column_renames(
    schema: Schema, target: Schema, ctx: Context, version: Version
) -> Iterator[Renamed]:
    """Columns that cannot be kept under both names (`bridge`) change between the phases."""
    for old, new in ctx.renames.items():
        if old[0] != "column":
            continue
        owner = ctx.renames.get(("table", old[1]), ("table", old[1]))[1]
        table = _named(schema, owner)
        if table is None or old[2] not in table.columns:
            continue
        name, before, after = qualified(table.name), ident(old[2]), ident(new[2])
        sql = f"ALTER TABLE {name} RENAME COLUMN {before} TO {after}"
        back: Sequence[str] = (f"ALTER TABLE {name} RENAME COLUMN {after} TO {before}",)
        made = _settled(_retold(_folded(schema, [sql]), table.name, old[2], new[2]), target)
        forth: Sequence[str] = (sql,)
        if version < RENAMES_COLUMNS:
            tables = [table.name]
            forth = transition(schema, made, tables, version, moved={new[2]: old[2]}).sql
            back = transition(made, schema, tables, version, moved={old[2]: new[2]}).sql
        schema = made
        yield Renamed(
            Step(
                Phase.MIGRATE,
                f"Rename column {before} of {name} to {after}",
                tuple(forth),
                "Only the schema changes, views and triggers with it; but from this moment on code"
                " that says the old name fails, and code that says the new one failed before. A"
                " column that is computed, of the primary key, referenced, or of a table that is"
                " renamed, too, cannot be kept under both names: stop the application meanwhile.",
                Undo(tuple(back)),
                objects=(old, ("column", owner, new[2])),
                hazards=("breaks old code",),
                references=(MANUAL,),
                transaction="none" if len(forth) > 1 else "own",
            ),
            schema,
        )


def frozen(ctx: Context) -> frozenset[str]:
    """The tables (new names, lower case) of which a column is renamed."""
    return frozenset(
        name.name.lower()
        for key in ctx.renames
        if key[0] == "column"
        for name in [ctx.names.get(ctx.renames.get(("table", key[1]), ("", key[1]))[1])]
        if name
    )


def _columns_of(table: str, ctx: Context) -> bool:
    return any(key[0] == "column" and key[1] == table for key in ctx.renames)


def _named(schema: Schema, shown: str) -> Table | None:
    return next((t for name, t in schema.tables.items() if dotted(name) == shown), None)


def _folded(schema: Schema, statements: Sequence[str]) -> Schema:
    texts = [*emit(schema), *statements]
    return replace(fold([Statement("", 0, text) for text in texts], Dialect.SQLITE), unread=())


def _settled(schema: Schema, target: Schema) -> Schema:
    """With the target's wording of views and triggers that say the same."""

    def view(each: View) -> View:
        then = target.views.get(each.name)
        same = then is not None and alike(each.query, then.query, Dialect.SQLITE)
        return replace(each, query=then.query) if then and same else each

    return replace(schema, views={name: view(each) for name, each in schema.views.items()})


def _retold(schema: Schema, table: Name, old: str, new: str) -> Schema:
    """Views and triggers as RENAME COLUMN leaves them, as far as names alone tell."""

    def text(said: str) -> str:
        said_lower = said.lower()
        if table.name.lower() not in said_lower:
            return said
        return renamed(said, old, ident(new), Dialect.SQLITE)

    def triggers(of: Mapping[str, Trigger], own: bool) -> Mapping[str, Trigger]:
        return {
            label: replace(
                each,
                body=renamed(each.body, old, ident(new), Dialect.SQLITE)
                if own
                else text(each.body),
                when=each.when and Sql(renamed(each.when, old, ident(new), Dialect.SQLITE)),
            )
            for label, each in of.items()
        }

    return replace(
        schema,
        tables={
            name: replace(each, triggers=triggers(each.triggers, name == table))
            for name, each in schema.tables.items()
        },
        views={
            name: replace(each, query=Sql(text(each.query))) for name, each in schema.views.items()
        },
    )
