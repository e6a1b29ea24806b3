"""Renames: as the user said them, and those that are only likely."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from ...ddl.diff import changes, dotted
from ...ddl.expressions import canonical
from ...ddl.model import Name, Table
from ...ddl.postgres.text import ident, idents, literal, qualified
from ...engines.facts import Facts
from ..context import Context
from ..model import Phase, Question, Step, Undo
from .base import MANUAL, ObjectKey, Recipe, altered, dropping, step
from .bridge import Bridge, obstacle
from .twin import after_statements
from .written import grants_on

_INVOKER: Final = 15  # the first version whose views can run as their caller


def renamed(ctx: Context) -> tuple[Context, list[Step]]:
    """The migration that is left after the renames, and the steps that make them.

    Tables come first: what is said of their columns then goes by the new name.
    """
    steps: list[Step] = []
    left = ctx
    for old, new in sorted(ctx.renames.items(), key=lambda pair: pair[0][0] != "table"):
        rename = {"table": _table, "column": _column, "enum value": _value}[old[0]]
        left, made = rename(old, new, left)
        steps += made
    return replace(left, renames={}), steps


def _after(ctx: Context, *statements: str) -> Context:
    """The migration that is left after some statements."""
    current = after_statements(ctx.current, [*statements])
    return replace(ctx, current=current, changes=tuple(changes(current, ctx.target)))


def _facts(old: ObjectKey, new: ObjectKey, ctx: Context) -> Facts:
    """What is known of the table, by its new name."""
    before, after = ctx.names[old[1]], ctx.names[new[1]]
    tables = dict(ctx.facts.tables)
    if known := tables.get((before.schema, before.name)):
        tables[after.schema, after.name] = known
    return replace(ctx.facts, tables=tables)


def _moves(kind: str, before: Name, after: Name) -> Iterator[str]:
    """The statements that give a table another schema and another name."""
    if before.schema != after.schema:
        yield f"ALTER {kind} {qualified(before)} SET SCHEMA {ident(after.schema)}"
    if before.name != after.name:
        there = qualified(Name(after.schema, before.name))
        yield f"ALTER {kind} {there} RENAME TO {ident(after.name)}"


def _sequences(was: Name, now: Name, ctx: Context) -> Iterator[tuple[Name, Name]]:
    """Sequences of the table's columns with their names in the target, before the table moves."""
    theirs = {s.owned_by: s.name for s in ctx.target.sequences.values()}
    for sequence in ctx.current.sequences.values():
        if sequence.owned_by and sequence.owned_by[0] == was:
            there = theirs.get((now, sequence.owned_by[1]))
            new = sequence.name._replace(name=there.name) if there else sequence.name
            if new != sequence.name and new not in ctx.current.sequences:
                yield sequence.name, new


def _numbered(old: Name, new: Name) -> str:
    return f"ALTER SEQUENCE {qualified(old)} RENAME TO {ident(new.name)}"


def _rename_column(table: str, old: str, new: str, ctx: Context) -> str:
    return altered(ctx.tables_before[table], f"RENAME COLUMN {ident(old)} TO {ident(new)}")


def _table(old: ObjectKey, new: ObjectKey, ctx: Context) -> tuple[Context, list[Step]]:
    """A view keeps the old name; it is dropped as one that the target does not have."""
    was, now = ctx.names[old[1]], ctx.names[new[1]]
    before, after = qualified(was), qualified(now)
    kind = "FOREIGN TABLE" if ctx.tables_before[old[1]].foreign else "TABLE"
    view = _view(ctx.tables_before[old[1]], after, ctx)
    guarded = ctx.tables_before[old[1]].row_security and ctx.version < _INVOKER
    counted = list(_sequences(was, now, ctx))
    follow = [_numbered(*names) for names in counted]
    forth = [*follow, *_moves(kind, was, now), *view]
    made = step(
        Phase.EXPAND,
        f"Rename table {before} to {after}",
        forth,
        "In one transaction: old code reads and writes through a view of the old name that has"
        " the table's grants. It takes no ON CONFLICT ON CONSTRAINT, TRUNCATE, LOCK or COPY"
        " FROM. If no old instance runs during the migration, the rename alone is enough.",
        [
            f"DROP VIEW {before}",
            *_moves(kind, now, was),
            *(_numbered(new_name, old_name) for old_name, new_name in counted),
        ],
        [old, new],
        after="the new code may be deployed",
        hazards=("row-level security does not hold for old code: the view reads as its owner",)
        if guarded
        else (),
        references=(MANUAL + "sql-createview.html#SQL-CREATEVIEW-UPDATABLE-VIEWS",),
    )
    viewed = ctx.viewed | {ctx.names[new[1]]}
    return replace(_after(ctx, *forth), facts=_facts(old, new, ctx), viewed=viewed), [made]


def _view(table: Table, new_name: str, ctx: Context) -> list[str]:
    """A view of the old name, for whoever may use the table; rows are seen as by the caller."""
    invoker = " WITH (security_invoker = true)" if ctx.version >= _INVOKER else ""
    query = f"SELECT {idents(table.columns)} FROM {new_name}"
    return [
        f"CREATE VIEW {qualified(table.name)}{invoker} AS {query}",
        *grants_on(ctx.current, "table", dotted(table.name)),
    ]


def _column(old: ObjectKey, new: ObjectKey, ctx: Context) -> tuple[Context, list[Step]]:
    """Under both names until the last instance of the old code is gone."""
    table = ctx.tables_before[new[1]]
    forth = _rename_column(new[1], old[2], new[2], ctx)
    left = _after(ctx, forth)
    why = obstacle(table, table.columns[old[2]], new[2], ctx)
    if not why:
        bridge = Bridge.of(table, (*new[:2], old[2]), new, ctx)
        return replace(left, synced={**ctx.synced, new: bridge.settled()}), [*bridge.steps()]
    of, before, after = qualified(table.name), ident(old[2]), ident(new[2])
    made = dropping(
        Phase.MIGRATE,
        f"Rename column {before} of {of} to {after}",
        forth,
        "Only the catalog changes, but from this moment on code that says the old name fails."
        f" The column cannot have both names for a while: {why}.",
        undo=Undo((_rename_column(new[1], new[2], old[2], ctx),)),
        objects=[old, new],
        hazards=("breaks old code",),
    )
    return left, [made]


def _value(old: ObjectKey, new: ObjectKey, ctx: Context) -> tuple[Context, list[Step]]:
    """Of an enum: rows and defaults follow, but no value can have two names for a while."""
    name = ctx.names[new[1]]
    was, now = literal(old[2]), literal(new[2])
    forth = f"ALTER TYPE {qualified(name)} RENAME VALUE {was} TO {now}"
    made = step(
        Phase.CONTRACT,
        f"Rename value {was} of {qualified(name)} to {now}",
        forth,
        "Only the catalog changes; rows and defaults follow. One value cannot have both names for a"
        f" while. If both versions must run, add {now} as another value, let the new code write"
        f" it and take both, and change the rows in batches; {was} can stay unused.",
        f"ALTER TYPE {qualified(name)} RENAME VALUE {now} TO {was}",
        [("enum", new[1])],
        before="no instance of the old code runs",
        hazards=(f"old code that says {was} breaks; new code cannot say {now} before",),
        references=(MANUAL + "sql-altertype.html",),
    )
    follow = [
        altered(table, f"ALTER COLUMN {ident(column.name)} SET DEFAULT {now}")
        for table in ctx.current.tables.values()
        for column in table.columns.values()
        if Name(column.type.schema, column.type.name) == name
        and column.default is not None
        and canonical(column.default, type=column.type) == canonical(was, type=column.type)
    ]
    return _after(ctx, forth, *follow), [made]


def likely(ctx: Context) -> Iterator[Question]:
    """A dropped and an added column of one table and type, or tables of equal columns."""
    gone = [t for n, t in ctx.tables_before.items() if n not in ctx.tables_after]
    new = [t for n, t in ctx.tables_after.items() if n not in ctx.tables_before]
    for old in gone:
        alike = [t for t in new if _columns(t) == _columns(old)]
        if len(alike) == 1 and ("table", dotted(old.name)) not in ctx.renames:
            yield _asked(str(old.name), str(alike[0].name), "table")
    for name, before in ctx.tables_before.items():
        after = ctx.tables_after.get(name)
        if after is None:
            continue
        dropped = [c for n, c in before.columns.items() if n not in after.columns]
        added = [c for n, c in after.columns.items() if n not in before.columns]
        for column in dropped:
            same = [c for c in added if c.type == column.type]
            rivals = [c for c in dropped if c.type == column.type]
            if len(same) == len(rivals) == 1 and ("column", name, column.name) not in ctx.renames:
                yield _asked(f"{before.name}.{column.name}", same[0].name, "column")


def _columns(table: Table) -> list[tuple[str, str]]:
    return sorted((column.name, str(column.type)) for column in table.columns.values())


def _asked(old: str, new: str, kind: str) -> Question:
    return Question(
        f"rename {old}",
        f"Was {kind} {old} renamed to {new}? If so say it: `{old}={new}`.",
        f"No: {old} is dropped in the contract phase, with its data, and {new} is added empty.",
        (f"{old}={new}", "no"),
    )


RECIPES: dict[str, Recipe] = {}
QUESTIONS = likely
