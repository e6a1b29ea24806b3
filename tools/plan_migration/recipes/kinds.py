"""Types of the user's own: enums, domains, composite and range types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from ...ddl.diff import Change
from ...ddl.model import Check, Column, Domain, Enum, Name, Schema
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
    no_rows,
    step,
    temporary,
)
from .types_anew import columns_in, composite_anew, created, in_columns, made_anew

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
            created(sort, name, ctx, ctx.target),
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
            undo=created(sort, name, ctx, ctx.current),
            objects=[change.object],
            references=(MANUAL + f"sql-drop{word.lower()}.html",),
        )
    elif change.fields == ("comment",):
        yield COVERED
    elif sort == "enum":
        yield from _enum(ctx.current.enums[name], ctx.target.enums[name], change, ctx)
    elif sort == "domain":
        yield from _domain(ctx.current.domains[name], ctx.target.domains[name], change, ctx)
    elif sort == "range":
        yield made_anew(sort, name, change, ctx)
    elif "columns" in change.fields:
        yield from composite_anew(name, change, ctx)
    else:
        yield COVERED


def _parts(sort: str, shown: str, name: Name, schema: Schema) -> list[ObjectKey]:
    """What comes with a type: checks of a domain, attributes of a composite."""
    if sort == "domain":
        return [("check", shown, check) for check in schema.domains[name].checks]
    if sort == "composite":
        return [("attribute", shown, each) for each in schema.composites[name].attributes]
    return []


# Enums


def _enum(before: Enum, after: Enum, change: Change, ctx: Context) -> Iterator[Step]:
    values = list(before.values)
    if values == list(after.values):
        return
    if _ismade_anew(before, after):
        yield made_anew("enum", after.name, change, ctx)
    else:
        yield _values_added(values, after, change, ctx)


def _ismade_anew(before: Enum, after: Enum) -> bool:
    """Whether values go or change places, which no ALTER TYPE does."""
    return list(before.values) != [value for value in after.values if value in before.values]


def moves_default(of: Column, ctx: Context) -> bool:
    """Whether the column gets its default together with a new type in the place of its enum."""
    name = Name(of.type.schema, of.type.name)
    before, after = ctx.current.enums.get(name), ctx.target.enums.get(name)
    return before is not None and after is not None and _ismade_anew(before, after)


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


# Domains


def _domain(before: Domain, after: Domain, change: Change, ctx: Context) -> Iterator[Step]:
    if {"type", "collation"} & set(change.fields):
        yield made_anew("domain", after.name, change, ctx)
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
    for table, column in columns_in(ctx.target, domain):
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
        elif recast := _recast(name, change.object[1], ctx):
            anew = replace(change, object=("composite", change.object[1]))
            yield from composite_anew(name, anew, ctx) if change is recast[0] else (COVERED,)
        else:
            yield from _attribute(name, change, ctx)
        return
    if name not in ctx.target.domains and name not in ctx.current.domains:
        return
    again = whole is not None and {"type", "collation"} & set(whole.fields)
    if (whole is not None and whole.kind != "changed") or again or change.fields == ("comment",):
        yield COVERED
    else:
        yield from _check(name, change, ctx)


def _recast(name: Name, shown: str, ctx: Context) -> list[Change]:
    """All changes of attributes, where a type of one changes and columns have the whole type."""
    if any(table.of_type == name for table in ctx.target.tables.values()):
        return []
    found = [change for change in ctx.changes if change.object[:2] == ("attribute", shown)]
    typed = any({"type", "collation"} & {*change.fields} for change in found)
    return found if typed and in_columns(name, ctx) else []


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
    for table, column in columns_in(ctx.target, domain):
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
