"""Renames: as the user said them, and those that are only likely."""

from __future__ import annotations

from collections.abc import Iterator

from ...ddl.diff import changes
from ...ddl.model import Dialect, Schema, Table
from ...ddl.postgres.text import ident, qualified
from ...ddl.script import split
from ..context import Context
from ..model import Phase, Question, Step, Undo
from .base import MANUAL, ObjectKey, Recipe, dropping, step


def renamed(ctx: Context) -> tuple[Context, list[Step]]:
    """The migration that is left after the renames, and the steps that make them."""
    steps: list[Step] = []
    statements: list[str] = []
    for old, new in ctx.renames.items():
        found = _table(old, new, ctx) if old[0] == "table" else _column(old, new, ctx)
        steps += found
        statements.append(found[0].sql[0])
    if not steps:
        return ctx, steps
    current = _after(ctx.current, statements)
    return (
        Context(
            current,
            ctx.target,
            tuple(changes(current, ctx.target)),
            ctx.version,
            ctx.facts,
            {},
            ctx.runner,
            ctx.pooler,
        ),
        steps,
    )


def _after(schema: Schema, statements: list[str]) -> Schema:
    """The schema after some statements, by way of its own."""
    from ...ddl.postgres.emit import emit
    from ...ddl.postgres.parse import fold

    text = ";\n".join([*emit(schema), *statements])
    return fold(split(text, "renames", Dialect.POSTGRES)[0])


def _table(old: ObjectKey, new: ObjectKey, ctx: Context) -> list[Step]:
    """A view keeps the old name until the last instance of the old code is gone."""
    before, after = ctx.names[old[1]], ctx.names[new[1]]
    kind = "FOREIGN TABLE" if ctx.current.tables[before].foreign else "TABLE"
    reference = (MANUAL + "sql-createview.html#SQL-CREATEVIEW-UPDATABLE-VIEWS",)
    forth = f"ALTER {kind} {qualified(before)} RENAME TO {ident(after.name)}"
    back = f"ALTER {kind} {qualified(after)} RENAME TO {ident(before.name)}"
    return [
        step(
            Phase.EXPAND,
            f"Rename table {qualified(before)} to {ident(after.name)}",
            [forth, f"CREATE VIEW {qualified(before)} AS SELECT * FROM {qualified(after)}"],
            "In one transaction: old code reads and writes through a view of the old name. It"
            " takes no ON CONFLICT ON CONSTRAINT, TRUNCATE, LOCK or COPY FROM, and needs the grants"
            " of the table.",
            [f"DROP VIEW {qualified(before)}", back],
            [old, new],
            references=reference,
        ),
        dropping(
            Phase.CONTRACT,
            f"Drop the view {qualified(before)}",
            f"DROP VIEW {qualified(before)}",
            "Only once no instance of the old code is left.",
            undo=Undo((f"CREATE VIEW {qualified(before)} AS SELECT * FROM {qualified(after)}",)),
            objects=[("view", old[1])],
        ),
    ]


def _column(old: ObjectKey, new: ObjectKey, ctx: Context) -> list[Step]:
    table = qualified(ctx.names[old[1]])
    before, after = ident(old[2]), ident(new[2])
    return [
        dropping(
            Phase.MIGRATE,
            f"Rename column {before} of {table} to {after}",
            f"ALTER TABLE {table} RENAME COLUMN {before} TO {after}",
            "Only the catalog changes, but from this moment on code that says the old name fails."
            " Where both versions must work at once, add the new column, keep both alike by a"
            " trigger, and drop the old one last.",
            undo=Undo((f"ALTER TABLE {table} RENAME COLUMN {after} TO {before}",)),
            objects=[old, new],
            hazards=("breaks old code",),
        )
    ]


def likely(ctx: Context) -> Iterator[Question]:
    """A dropped and an added column of one table and type, or tables of equal columns."""
    gone = [t for n, t in ctx.tables_before.items() if n not in ctx.tables_after]
    new = [t for n, t in ctx.tables_after.items() if n not in ctx.tables_before]
    for old in gone:
        alike = [t for t in new if _columns(t) == _columns(old)]
        if len(alike) == 1 and ("table", _key(old)) not in ctx.renames:
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


def _key(table: Table) -> str:
    from ...ddl.diff import dotted

    return dotted(table.name)


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
