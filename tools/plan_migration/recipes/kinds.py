"""Types of the user's own: enums, domains, composite and range types."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from ...ddl.diff import Change, dotted
from ...ddl.expressions import columns_of
from ...ddl.model import Check, Column, Domain, Enum, Name, Schema, Table
from ...ddl.postgres.emit_order import Step as Made
from ...ddl.postgres.text import default_text, ident, literal, qualified, type_text
from ..context import Context
from ..model import Phase, Query, Question, Step, Undo
from .base import (
    COVERED,
    EVERY,
    MANUAL,
    ObjectKey,
    Recipe,
    dropping,
    home,
    no_rows,
    step,
    temporary,
)

_IN_BLOCK_FROM: Final = 12  # ALTER TYPE … ADD VALUE
_ALTER_TYPE: Final = (MANUAL + "sql-altertype.html",)
_ALTER_DOMAIN: Final = (MANUAL + "sql-alterdomain.html",)


def kind(change: Change, ctx: Context) -> Iterator[Step]:
    """Steps for a type that is made or dropped; changes go to `enum`, `domain` and the others."""
    sort = change.object[0]
    name = ctx.names[change.object[1]]
    word = "DOMAIN" if sort == "domain" else "TYPE"
    drop = f"DROP {word} {qualified(name)}"
    if change.kind == "added":
        yield step(
            Phase.EXPAND,
            f"Create {sort} {qualified(name)}",
            _created(sort, name, ctx, ctx.target),
            "Nothing uses it yet.",
            drop,
            [change.object, *_parts(sort, change.object[1], name, ctx.target)],
            references=(MANUAL + f"sql-create{word.lower()}.html",),
        )
    elif change.kind == "removed":
        yield dropping(
            Phase.CONTRACT,
            f"Drop {sort} {qualified(name)}",
            drop,
            "Only once nothing uses it; without CASCADE it fails otherwise.",
            undo=_created(sort, name, ctx, ctx.current),
            objects=[change.object],
            references=(MANUAL + f"sql-drop{word.lower()}.html",),
        )
    elif change.fields == ("comment",):
        yield COVERED
    elif sort == "enum":
        yield from _enum(ctx.current.enums[name], ctx.target.enums[name], change, ctx)
    elif sort == "domain":
        yield from _domain(ctx.current.domains[name], ctx.target.domains[name], change, ctx)
    elif sort == "range" or "columns" in change.fields:
        yield _exchanged(sort, name, change, ctx)
    else:
        yield COVERED


def _parts(sort: str, shown: str, name: Name, schema: Schema) -> list[ObjectKey]:
    """What comes with a type: checks of a domain, attributes of a composite."""
    if sort == "domain":
        return [("check", shown, check) for check in schema.domains[name].checks]
    if sort == "composite":
        return [("attribute", shown, each) for each in schema.composites[name].attributes]
    return []


def _created(sort: str, name: Name, ctx: Context, schema: Schema) -> list[str]:
    emitter = ctx.writes_target if schema is ctx.target else ctx.writes_current
    return [*emitter.create(Made(sort, name))]


# Enums


def _enum(before: Enum, after: Enum, change: Change, ctx: Context) -> Iterator[Step]:
    values = list(before.values)
    if values == list(after.values):
        return
    if _is_exchanged(before, after):
        yield _exchanged("enum", after.name, change, ctx)
    else:
        yield _values_added(values, after, change, ctx)


def _is_exchanged(before: Enum, after: Enum) -> bool:
    """Whether values go or change places, which no ALTER TYPE does."""
    return list(before.values) != [value for value in after.values if value in before.values]


def moves_default(of: Column, ctx: Context) -> bool:
    """Whether the column gets its default together with a new type in the place of its enum."""
    name = Name(of.type.schema, of.type.name)
    before, after = ctx.current.enums.get(name), ctx.target.enums.get(name)
    return before is not None and after is not None and _is_exchanged(before, after)


def _values_added(values: list[str], after: Enum, change: Change, ctx: Context) -> Step:
    sql = []
    known = list(values)
    for place, value in enumerate(after.values):
        if value in known:
            continue
        where = f" BEFORE {literal(known[place])}" if place < len(known) else ""
        sql.append(f"ALTER TYPE {qualified(after.name)} ADD VALUE {literal(value)}{where}")
        known.insert(place, value)
    shown = ", ".join(literal(v) for v in after.values if v not in values)
    return step(
        Phase.EXPAND,
        f"Add {shown} to {qualified(after.name)}",
        sql,
        "Only the catalog changes. A new value cannot be used before the transaction that adds it"
        " has ended, so it has one of its own"
        + ("." if ctx.version >= _IN_BLOCK_FROM else ", and before 12 it must not be in a block."),
        Undo((), "no_return", "", "nothing; the value stays, and can stay unused"),
        [change.object],
        transaction="own" if ctx.version >= _IN_BLOCK_FROM else "none",
        verify=(Query(f"SELECT {literal(after.values[-1])}::{qualified(after.name)}", "one row"),),
        references=_ALTER_TYPE,
    )


def questions(ctx: Context) -> Iterator[Question]:
    """Values that may have been renamed: one went and one came at the same place."""
    for change in ctx.changes:
        if change.object[0] != "enum" or change.kind != "changed":
            continue
        before, after = change.before.values, change.after.values
        if len(before) != len(after):
            continue
        for old, new in zip(before, after, strict=True):
            key = ("enum value", change.object[1], old)
            if old not in after and new not in before and key not in ctx.renames:
                yield Question(
                    f"renamed:{change.object[1]}.{old}",
                    f"Was value {old!r} of {change.object[1]} renamed to {new!r}?",
                    "no: the type is made anew, and rows with the old value must be changed first",
                    (f"{change.object[1]}.{old}={new}", "no"),
                )


# A type in the place of another


def _exchanged(sort: str, name: Name, change: Change, ctx: Context) -> Step:
    """The type made anew under its name, and every column moved to it."""
    old = Name(name.schema, temporary(name.name, "old"))
    word = "DOMAIN" if sort == "domain" else "TYPE"
    users = list(_columns_of(name, ctx))
    down, up = _around(users, ctx)

    def moved(schema: Schema) -> list[str]:
        if sort == "range":  # its constructors do not follow when it is renamed
            return [
                *(_as_text(table, column) for table, column in users),
                f"DROP TYPE {qualified(name)}",
                *_created(sort, name, ctx, schema),
                *(s for table, column in users for s in _retyped(table, column, schema)),
            ]
        return [
            f"ALTER {word} {qualified(name)} RENAME TO {ident(old.name)}",
            *_created(sort, name, ctx, schema),
            *(s for table, column in users for s in _retyped(table, column, schema)),
            f"DROP {word} {qualified(old)}",
        ]

    gone = _values_gone(change)
    back = [*down, *moved(ctx.current), *up]
    grows = sort != "enum" or not set(change.after.values) <= set(change.before.values)
    late = "a value is written that the old type does not have"
    undo = Undo(tuple(back), "until", late, "nothing, but it fails") if grows else Undo(tuple(back))
    removed = [
        ("column", dotted(table.name), column.name)
        for table, column in _columns_in(ctx.current, name)
        if table.name in ctx.target.tables
        and column.name not in ctx.target.tables[table.name].columns
    ]
    keys: list[ObjectKey] = [
        change.object,
        *(("column", dotted(table.name), column.name) for table, column in users),
        *removed,
    ]
    return step(
        Phase.CONTRACT,
        f"Make {sort} {qualified(name)} again",
        [*down, *moved(ctx.target), *up],
        "PostgreSQL cannot change it in place (nor take values from an enum or reorder them). Every"
        " table with a column of the type is written anew under ACCESS EXCLUSIVE; for large ones,"
        " move the column to a new one of a new type in batches instead.",
        undo,
        keys,
        preflight=tuple(_counts(users, gone)),
        hazards=("rewrite",) if users else (),
        loses_data=f"the step fails while rows have {', '.join(map(literal, gone))}"
        if gone
        else "",
        references=(MANUAL + "datatype-enum.html", *_ALTER_TYPE),
    )


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


def _columns_of(name: Name, ctx: Context) -> Iterator[tuple[Table, Column]]:
    """The columns of a type when the expansion is over; those of children follow their parents'."""
    for table, column in _columns_in(ctx.target, name):
        before = ctx.current.tables.get(table.name)
        old = before.columns.get(column.name) if before else None
        if old is None or (old.type.schema, old.type.name) == name:
            yield table, column


def _columns_in(schema: Schema, name: Name) -> Iterator[tuple[Table, Column]]:
    for table in schema.tables.values():
        for column in table.columns.values():
            if (column.type.schema, column.type.name) == name and not column.inherited:
                yield table, column


def _retyped(table: Table, column: Column, schema: Schema) -> list[str]:
    """The column moved to the type that has its name now, with the default of a schema."""
    known = schema.tables.get(table.name)
    column = known.columns.get(column.name, column) if known else column
    at = f"ALTER COLUMN {ident(column.name)}"
    through = "text[]" if column.type.array else "text"
    text = type_text(column.type)
    alter = f"ALTER TABLE {qualified(table.name)} "
    using = f"{ident(column.name)}::{through}::{text}"
    default = column.default is not None
    words = [f"{at} DROP DEFAULT"] if default else []
    words.append(f"{at} TYPE {text} USING {using}")
    if default:
        words.append(f"{at} SET DEFAULT {default_text(column.default or '')}")
    return [alter + ", ".join(words)]


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


# Domains


def _domain(before: Domain, after: Domain, change: Change, ctx: Context) -> Iterator[Step]:
    if {"type", "collation"} & set(change.fields):
        yield _exchanged("domain", after.name, change, ctx)
        return
    alter = f"ALTER DOMAIN {qualified(after.name)}"
    if "default" in change.fields:
        yield step(
            Phase.EXPAND,
            f"Default of {qualified(after.name)}",
            f"{alter} {_default(after)}",
            "For columns without a default of their own; rows that are there keep what they have.",
            f"{alter} {_default(before)}",
            [change.object],
            references=_ALTER_DOMAIN,
        )
    if "not_null" in change.fields:
        yield _nullability(before, after, change, ctx)


def _default(of: Domain) -> str:
    return f"SET DEFAULT {default_text(of.default)}" if of.default is not None else "DROP DEFAULT"


def _nullability(before: Domain, after: Domain, change: Change, ctx: Context) -> Step:
    alter = f"ALTER DOMAIN {qualified(after.name)}"
    if before.not_null and after.not_null:
        rename = f"{alter} RENAME CONSTRAINT {{}} TO {{}}"
        names = ident(before.not_null.name), ident(after.not_null.name)
        forth, back = rename.format(*names), rename.format(*reversed(names))
    elif after.not_null:
        forth, back = f"{alter} SET NOT NULL", f"{alter} DROP NOT NULL"
    else:
        forth, back = f"{alter} DROP NOT NULL", f"{alter} SET NOT NULL"
    stricter = after.not_null is not None and before.not_null is None
    return step(
        Phase.CONTRACT if stricter else Phase.EXPAND,
        f"{'NOT NULL' if stricter else 'NULLs'} of {qualified(after.name)}",
        forth,
        "Reads every table with a column of the domain under a SHARE lock."
        if stricter
        else "Only the catalog changes.",
        Undo((back,)) if stricter else Undo((back,), "until", "a NULL is written", "nothing"),
        [change.object],
        preflight=tuple(_nulls(after.name, ctx)) if stricter else (),
        hazards=("scan",) if stricter else (),
        references=_ALTER_DOMAIN,
    )


def _nulls(domain: Name, ctx: Context) -> Iterator[Query]:
    for table, column in _columns_in(ctx.target, domain):
        sql = f"SELECT count(*) FROM {qualified(table.name)} WHERE {ident(column.name)} IS NULL"
        yield Query(sql, "0", "SET NOT NULL fails otherwise")


def part(change: Change, ctx: Context) -> Iterator[Step]:
    """Steps for a check of a domain, or an attribute of a composite type; for others none."""
    if change.object[0] not in ("check", "attribute"):
        return
    name = ctx.names[change.object[1]]
    owner = "domain" if change.object[0] == "check" else "composite"
    whole = ctx.changed.get((owner, change.object[1]))
    if change.object[0] == "attribute":
        if whole is not None and (whole.kind != "changed" or "columns" in whole.fields):
            yield COVERED
        else:
            yield from _attribute(name, change, ctx)
        return
    if name not in ctx.target.domains and name not in ctx.current.domains:
        return
    made_anew = whole is not None and {"type", "collation"} & set(whole.fields)
    if (
        (whole is not None and whole.kind != "changed")
        or made_anew
        or change.fields == ("comment",)
    ):
        yield COVERED
    else:
        yield from _check(name, change, ctx)


def _check(domain: Name, change: Change, ctx: Context) -> Iterator[Step]:
    before: Check | None = change.before
    after: Check | None = change.after
    alter = f"ALTER DOMAIN {qualified(domain)}"
    if after is None and before is not None:
        yield dropping(
            Phase.EXPAND,
            f"Drop check {ident(before.name)} of {qualified(domain)}",
            f"{alter} DROP CONSTRAINT {ident(before.name)}",
            "Only the catalog changes.",
            undo=Undo(
                (f"{alter} ADD {_text(before, ctx)}",), "until", "a row violates it", "nothing"
            ),
            objects=[change.object],
            references=_ALTER_DOMAIN,
        )
        return
    assert after is not None
    own = ident(after.name)
    if before is not None and set(change.fields) <= {"valid", "comment"} and after.valid:
        yield _validated(domain, after, change, ctx)
        return
    old = ident(temporary(after.name, "old"))
    first = [f"{alter} RENAME CONSTRAINT {own} TO {old}"] if before else []
    back = [f"{alter} DROP CONSTRAINT {own}"]
    back += [f"{alter} RENAME CONSTRAINT {old} TO {own}"] if before else []
    text = _text(after, ctx)
    unchecked = text if text.endswith("NOT VALID") else f"{text} NOT VALID"
    yield step(
        Phase.CONTRACT,
        f"Add check {own} to {qualified(domain)}, not valid yet",
        [*first, f"{alter} ADD {unchecked}"],
        "Holds for what is written from now on; rows that are there are not read. Code that writes"
        " what it forbids must be gone.",
        back,
        [change.object],
        references=_ALTER_DOMAIN,
    )
    if after.valid:
        yield _validated(domain, after, change, ctx)
    if before:
        yield step(
            Phase.CONTRACT,
            f"Drop the old check of {qualified(domain)}",
            f"{alter} DROP CONSTRAINT {old}",
            "The new one holds for every row.",
            f"{alter} ADD {_text(before, ctx)}".replace(own, old, 1),
            [change.object],
            references=_ALTER_DOMAIN,
        )


def _validated(domain: Name, check: Check, change: Change, ctx: Context) -> Step:
    return step(
        Phase.CONTRACT,
        f"Validate check {ident(check.name)} of {qualified(domain)}",
        f"ALTER DOMAIN {qualified(domain)} VALIDATE CONSTRAINT {ident(check.name)}",
        "Reads every table with a column of the domain under a SHARE lock: writes wait, reads do"
        " not. In a transaction of its own.",
        Undo(),
        [change.object],
        preflight=tuple(_violating(domain, check, ctx)),
        hazards=("scan",),
        references=_ALTER_DOMAIN,
    )


def _violating(domain: Name, check: Check, ctx: Context) -> Iterator[Query]:
    for table, column in _columns_in(ctx.target, domain):
        if column.type.array:
            continue
        holds = re.sub(r"\bVALUE\b", ident(column.name), check.expression, flags=re.IGNORECASE)
        sql = f"SELECT * FROM {qualified(table.name)} WHERE NOT ({holds}) LIMIT 10"
        yield no_rows(sql, "They violate it.")


def _text(check: Check, ctx: Context) -> str:
    return ctx.writes_target.tables.check(check, f"CONSTRAINT {ident(check.name)} ")


# Composite types


def _attribute(name: Name, change: Change, ctx: Context) -> Iterator[Step]:
    before: Column | None = change.before
    after: Column | None = change.after
    if change.fields == ("comment",):
        yield COVERED
        return
    alter = f"ALTER TYPE {qualified(name)}"
    typed = any(table.of_type == name for table in ctx.target.tables.values())
    tail = " CASCADE" if typed else ""
    own = ident(change.object[2])

    def added(column: Column) -> str:
        return f"{alter} ADD ATTRIBUTE {own} {_typed(column, ctx)}{tail}"

    drop = f"{alter} DROP ATTRIBUTE {own}{tail}"
    if before is None and after is not None:
        yield step(
            Phase.EXPAND,
            f"Add attribute {own} to {qualified(name)}",
            added(after),
            "Only the catalog changes; values that are there have NULL. Code that writes the whole"
            " row by ROW(…) must give one more value.",
            Undo((drop,), "until", "a value is written", "what the attribute holds"),
            [change.object],
            references=_ALTER_TYPE,
        )
    elif after is None and before is not None:
        yield dropping(
            Phase.CONTRACT,
            f"Drop attribute {own} of {qualified(name)}",
            drop,
            "Only once no instance of the old code uses it.",
            undo=Undo((added(before),), "no_return", "", "what the attribute held"),
            objects=[change.object],
            loses_data=f"what attribute {own} of {qualified(name)} holds",
            references=_ALTER_TYPE,
        )
    elif before is not None and after is not None:
        yield step(
            Phase.CONTRACT,
            f"Type of attribute {own} of {qualified(name)}",
            f"{alter} ALTER ATTRIBUTE {own} TYPE {_typed(after, ctx)}{tail}",
            "PostgreSQL refuses it while a column of a table has the composite type.",
            f"{alter} ALTER ATTRIBUTE {own} TYPE {_typed(before, ctx)}{tail}",
            [change.object],
            references=_ALTER_TYPE,
        )


def _typed(column: Column, ctx: Context) -> str:
    collation = ""
    if column.collation:
        collation = f" COLLATE {ctx.writes_target.tables.collation(column.collation)}"
    return f"{type_text(column.type)}{collation}"


QUESTIONS = questions
RECIPES: dict[str, Recipe] = {
    "enum": kind,
    "domain": kind,
    "composite": kind,
    "range": kind,
    EVERY: part,
}
