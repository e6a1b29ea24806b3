"""Types of the user's own made anew under their names, with every column moved to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ...ddl.diff import Change, dotted
from ...ddl.expressions import columns_of
from ...ddl.model import Column, Composite, Enum, Name, Schema, Table
from ...ddl.postgres.emit_order import Step as Made
from ...ddl.postgres.text import default_text, ident, literal, qualified, type_text
from ..context import Context
from ..model import Phase, Query, Step, Undo
from .base import MANUAL, ObjectKey, home, step, temporary


def created(sort: str, name: Name, ctx: Context, schema: Schema) -> list[str]:
    """The statements that make a type as a schema has it."""
    emitter = ctx.writes_target if schema is ctx.target else ctx.writes_current
    return [*emitter.create(Made(sort, name))]


def made_anew(sort: str, name: Name, change: Change, ctx: Context) -> Step:
    """The type made anew under its name, and every column moved to it."""
    old = Name(name.schema, temporary(name.name, "old"))
    word = "DOMAIN" if sort == "domain" else "TYPE"
    users = list(columns_of_type(name, ctx))
    down, up = _around(users, ctx)

    def moved(schema: Schema) -> list[str]:
        if sort == "range":  # its constructors do not follow when it is renamed
            return [
                *(_as_text(table, column) for table, column in users),
                f"DROP TYPE {qualified(name)}",
                *created(sort, name, ctx, schema),
                *(_retyped(table, column, schema) for table, column in users),
            ]
        composites = _other(schema, ctx).composites.get(name), schema.composites.get(name)
        return [
            f"ALTER {word} {qualified(name)} RENAME TO {ident(old.name)}",
            *created(sort, name, ctx, schema),
            *(_retyped(table, column, schema, *composites) for table, column in users),
            f"DROP {word} {qualified(old)}",
        ]

    gone, lost = _values_gone(change), _attributes_gone(change.before, change.after)
    undo = _back(change, [*down, *moved(ctx.current), *up])
    removed = [
        ("column", dotted(table.name), column.name)
        for table, column in columns_in(ctx.current, name)
        if table.name in ctx.target.tables
        and column.name not in ctx.target.tables[table.name].columns
    ]
    keys: list[ObjectKey] = [
        change.object,
        *_attributes(change),
        *(("column", dotted(table.name), column.name) for table, column in users),
        *removed,
    ]
    return step(
        Phase.CONTRACT,
        f"Make {sort} {qualified(name)} again",
        [*down, *moved(ctx.target), *up],
        "PostgreSQL cannot change it in place (nor take values from an enum or reorder them, nor"
        " change the type of an attribute where a column has the whole type). Every table with a"
        " column of the type is written anew under ACCESS EXCLUSIVE; for large ones,"
        " move the column to a new one of a new type in batches instead.",
        undo,
        keys,
        preflight=tuple(_counts(users, gone)),
        hazards=("rewrite",) if users else (),
        loses_data=f"the step fails while rows have {', '.join(map(literal, gone))}"
        if gone
        else lost,
        references=(MANUAL + "datatype-enum.html", MANUAL + "sql-altertype.html"),
    )


def composite_anew(name: Name, change: Change, ctx: Context) -> Iterator[Step]:
    """A composite type made anew; none where an array has values of other attributes then."""
    before, after = ctx.current.composites[name], ctx.target.composites[name]
    arrays = any(column.type.array for _, column in columns_of_type(name, ctx))
    if not arrays or [*before.attributes] == [*after.attributes]:
        yield made_anew("composite", name, replace(change, before=before, after=after), ctx)


def in_columns(name: Name, ctx: Context) -> bool:
    """Whether a column has the type, now or then."""
    return any(any(columns_in(schema, name)) for schema in (ctx.current, ctx.target))


def _other(schema: Schema, ctx: Context) -> Schema:
    return ctx.current if schema is ctx.target else ctx.target


def _attributes(change: Change) -> Iterator[ObjectKey]:
    """The attributes of a composite type, now or then."""
    if isinstance(change.before, Composite) and isinstance(change.after, Composite):
        names = dict.fromkeys((*change.before.attributes, *change.after.attributes))
        yield from (("attribute", change.object[1], name) for name in names)


def _attributes_gone(before: object, after: object) -> str:
    """What is lost with attributes that a composite type does not have any more."""
    if not isinstance(before, Composite) or not isinstance(after, Composite):
        return ""
    gone = [ident(each) for each in before.attributes if each not in after.attributes]
    return f"what {', '.join(gone)} of {qualified(before.name)} holds" if gone else ""


def _back(change: Change, sql: Sequence[str]) -> Undo:
    """The undo, with what it loses."""
    if lost := _attributes_gone(change.before, change.after):
        return Undo(tuple(sql), "no_return", "", lost)
    if lost := _attributes_gone(change.after, change.before):
        return Undo(tuple(sql), "until", "a value of a new attribute is written", lost)
    if isinstance(change.before, Enum) and {*change.after.values} <= {*change.before.values}:
        return Undo(tuple(sql))
    late = "a value is written that the old type does not have"
    return Undo(tuple(sql), "until", late, "nothing, but it fails")


def _values_gone(change: Change) -> list[str]:
    if change.object[0] != "enum":
        return []
    return [value for value in change.before.values if value not in change.after.values]


def _counts(users: Sequence[tuple[Table, Column]], gone: Sequence[str]) -> Iterator[Query]:
    """Rows whose value the new type does not have."""
    values = ", ".join(map(literal, gone))
    for table, column in users if gone else ():
        name, of = ident(column.name), qualified(table.name)
        where = f"{name}::text IN ({values})"
        if column.type.array:
            where = f"{name}::text[] && ARRAY[{values}]"
        yield Query(f"SELECT count(*) FROM {of} WHERE {where}", "0", "the new type lacks the value")


def columns_of_type(name: Name, ctx: Context) -> Iterator[tuple[Table, Column]]:
    """The columns of a type when the expansion is over; those of children follow their parents'."""
    for table, column in columns_in(ctx.target, name):
        before = ctx.current.tables.get(table.name)
        old = before.columns.get(column.name) if before else None
        if old is None or (old.type.schema, old.type.name) == name:
            yield table, column


def columns_in(schema: Schema, name: Name) -> Iterator[tuple[Table, Column]]:
    """The columns of a type in a schema, but for those that follow a parent's."""
    for table in schema.tables.values():
        for column in table.columns.values():
            if (column.type.schema, column.type.name) == name and not column.inherited:
                yield table, column


def _retyped(
    table: Table,
    column: Column,
    schema: Schema,
    before: Composite | None = None,
    after: Composite | None = None,
) -> str:
    """The column moved to the type that has its name now, with the default of a schema."""
    known = schema.tables.get(table.name)
    column = known.columns.get(column.name, column) if known else column
    at = f"ALTER COLUMN {ident(column.name)}"
    text = type_text(column.type)
    using = f"{ident(column.name)}::{'text[]' if column.type.array else 'text'}::{text}"
    if before and after and [*before.attributes] != [*after.attributes]:
        using = _by_name(column, before, after)
    default = column.default is not None
    words = [f"{at} DROP DEFAULT"] if default else []
    words.append(f"{at} TYPE {text} USING {using}")
    if default:
        words.append(f"{at} SET DEFAULT {default_text(column.default or '')}")
    return f"ALTER TABLE {qualified(table.name)} " + ", ".join(words)


def _by_name(column: Column, before: Composite, after: Composite) -> str:
    """The value with each attribute in its place; a row of NULLs is not NULL itself."""
    whole = ident(column.name)
    parts = [
        "NULL"
        if name not in before.attributes
        else f"({whole}).{ident(name)}"
        if before.attributes[name].type == attribute.type
        else f"({whole}).{ident(name)}::text::{type_text(attribute.type)}"
        for name, attribute in after.attributes.items()
    ]
    row = f"ROW({', '.join(parts)})::{type_text(column.type)}"
    return f"CASE WHEN {whole} IS DISTINCT FROM NULL THEN {row} END"


def _as_text(table: Table, column: Column) -> str:
    at = f"ALTER COLUMN {ident(column.name)}"
    kind = "text[]" if column.type.array else "text"
    default = f"{at} DROP DEFAULT, " if column.default is not None else ""
    using = f"{ident(column.name)}::{kind}"
    return f"ALTER TABLE {qualified(table.name)} {default}{at} TYPE {kind} USING {using}"


def _around(users: Sequence[tuple[Table, Column]], ctx: Context) -> tuple[list[str], list[str]]:
    """Checks and indexes whose expressions have constants of the old type."""
    down, up = [], []
    emitter = ctx.writes_target.tables
    for table, column in users:
        before = ctx.current.tables.get(table.name)
        for check in table.checks.values():
            if before and check.name in before.checks and _in(check.expression, column):
                alter = f"ALTER TABLE {qualified(table.name)}"
                down.append(f"{alter} DROP CONSTRAINT {ident(check.name)}")
                up.append(f"{alter} ADD {emitter.check(check, f'CONSTRAINT {ident(check.name)} ')}")
        for index in table.indexes.values():
            texts = [index.where or "", *(p.expression for p in index.parts if not p.is_column)]
            old = before.indexes.get(index.name) if before else None
            if old == index and any(_in(text, column) for text in texts):
                down.append(f"DROP INDEX {home(table, index.name)}")
                up.append(emitter.index(table.name, index))
    return list(dict.fromkeys(down)), list(dict.fromkeys(up))


def _in(expression: str, column: Column) -> bool:
    return bool(expression) and column.name in columns_of(expression)
