"""NOT NULL: set without a scan under lock, dropped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ...ddl.model import Column, NotNull, Table
from ...ddl.postgres.nodes import made_name
from ...ddl.postgres.text import ident, qualified
from ..context import Context
from ..model import Phase, Query, Step, Undo
from .base import MANUAL, ObjectKey, altered, column_key, step
from .constraints import validated

_REFERENCE: Final = (MANUAL + "sql-altertable.html#SQL-ALTERTABLE-DESC-SET-DROP-NOT-NULL",)


def set_not_null(table: Table, column: Column, ctx: Context, phase: Phase) -> Iterator[Step]:
    """The steps of the version at hand; `column` is the one of the target."""
    assert column.not_null is not None
    keys = (column_key(table, column.name),)
    name = ident(column.name)
    if ctx.is_small(table.name) or ctx.version < 12 or table.foreign:
        yield step(
            phase,
            f"Set {name} of {qualified(table.name)} NOT NULL",
            restored(table, column, ctx),
            "The table is small: it takes no time."
            if ctx.is_small(table.name)
            else "Before PostgreSQL 12 there is no way around the scan under ACCESS EXCLUSIVE.",
            _undo(table, column),
            keys,
            preflight=(_nulls(table, column),),
            references=_REFERENCE,
        )
    elif ctx.version >= 18:
        yield from _not_valid(table, column, column.not_null, phase, keys)
    else:
        yield from _by_check(table, column, phase, keys)


def restored(table: Table, column: Column, ctx: Context) -> str:
    """NOT NULL at once, with the constraint's name where the version keeps one."""
    given = column.not_null
    default = made_name(table.name.name, column.name, "not_null")
    if ctx.version < 18 or not given or (given.name in ("", default) and not given.no_inherit):
        return altered(table, f"ALTER COLUMN {ident(column.name)} SET NOT NULL")
    return altered(table, f"ADD {_constraint(table, column, given)}")


def _constraint(table: Table, column: Column, given: NotNull) -> str:
    name = given.name or made_name(table.name.name, column.name, "not_null")
    no_inherit = " NO INHERIT" if given.no_inherit else ""
    return f"CONSTRAINT {ident(name)} NOT NULL {ident(column.name)}{no_inherit}"


def _undo(table: Table, column: Column) -> str:
    return altered(table, f"ALTER COLUMN {ident(column.name)} DROP NOT NULL")


def _nulls(table: Table, column: Column) -> Query:
    sql = f"SELECT count(*) FROM {qualified(table.name)} WHERE {ident(column.name)} IS NULL"
    return Query(sql, "0", "Rows without a value must get one first.")


def _not_valid(
    table: Table, column: Column, given: NotNull, phase: Phase, keys: tuple[ObjectKey, ...]
) -> Iterator[Step]:
    """PostgreSQL 18 has NOT NULL as a constraint that can wait for its validation."""
    name = given.name or made_name(table.name.name, column.name, "not_null")
    yield step(
        phase,
        f"Set {ident(column.name)} of {qualified(table.name)} NOT NULL, not valid",
        altered(table, f"ADD {_constraint(table, column, given)} NOT VALID"),
        "It holds for what is written from now on; the rows that are there are not read.",
        _undo(table, column),
        keys,
        references=_REFERENCE,
    )
    if given.valid:
        yield validated(table, name, phase, keys, _nulls(table, column))


def _by_check(
    table: Table, column: Column, phase: Phase, keys: tuple[ObjectKey, ...]
) -> Iterator[Step]:
    """From 12 on SET NOT NULL skips the scan where a valid CHECK proves it."""
    check = made_name(table.name.name, column.name, "given")
    name = ident(column.name)
    add = altered(table, f"ADD CONSTRAINT {ident(check)} CHECK ({name} IS NOT NULL) NOT VALID")
    validate = altered(table, f"VALIDATE CONSTRAINT {ident(check)}")
    yield step(
        phase,
        f"Check {name} of {qualified(table.name)} IS NOT NULL, not valid",
        add,
        "It holds for what is written from now on; the rows that are there are not read.",
        altered(table, f"DROP CONSTRAINT {ident(check)}"),
        keys,
        references=_REFERENCE,
    )
    yield validated(table, check, phase, keys, _nulls(table, column))
    yield step(
        phase,
        f"Set {name} of {qualified(table.name)} NOT NULL",
        [
            altered(table, f"ALTER COLUMN {name} SET NOT NULL"),
            altered(table, f"DROP CONSTRAINT {ident(check)}"),
        ],
        "The valid CHECK proves it: no row is read.",
        Undo((add, _undo(table, column), validate), transaction="none"),
        keys,
        references=_REFERENCE,
    )


def changed_not_null(table: Table, before: Column, after: Column, ctx: Context) -> Iterator[Step]:
    """Steps for a column whose NOT NULL is not the same."""
    old, new = before.not_null, after.not_null
    keys = (column_key(table, after.name),)
    name = ident(after.name)
    if old is None and new is not None:
        yield from set_not_null(table, after, ctx, Phase.CONTRACT)
    elif old is not None and new is None:
        yield step(
            Phase.EXPAND,
            f"Let {name} of {qualified(table.name)} be NULL",
            altered(table, f"ALTER COLUMN {name} DROP NOT NULL"),
            "What old code writes stays right. It must be able to read a NULL before one is"
            " written.",
            Undo(
                (restored(table, before, ctx),),
                "until",
                "a NULL is written",
                "nothing, but it fails",
            ),
            keys,
        )
    elif old is not None and new is not None and ctx.version >= 18:
        yield from _other(table, after, old, new, keys)


def _other(
    table: Table, column: Column, old: NotNull, new: NotNull, keys: tuple[ObjectKey, ...]
) -> Iterator[Step]:
    """The constraint has another name, is valid now, or is inherited otherwise (18)."""
    title = f"NOT NULL of {ident(column.name)} of {qualified(table.name)}"
    if old.name != new.name and old.name and new.name:
        forth = altered(table, f"RENAME CONSTRAINT {ident(old.name)} TO {ident(new.name)}")
        back = altered(table, f"RENAME CONSTRAINT {ident(new.name)} TO {ident(old.name)}")
        yield step(Phase.EXPAND, title, forth, "Only the catalog changes.", back, keys)
    if old.no_inherit != new.no_inherit:
        inherit = "NO INHERIT" if new.no_inherit else "INHERIT"
        sql = altered(table, f"ALTER CONSTRAINT {ident(new.name)} {inherit}")
        yield step(Phase.EXPAND, title, sql, "Children get it, or need it no longer.", Undo(), keys)
    if new.valid and not old.valid:
        yield validated(table, new.name, Phase.MIGRATE, keys, _nulls(table, column))
    elif old.valid and not new.valid:
        yield step(
            Phase.EXPAND,
            title,
            [
                _undo(table, column),
                altered(table, f"ADD {_constraint(table, column, new)} NOT VALID"),
            ],
            "Rows that are there need no longer fit.",
            Undo((altered(table, f"VALIDATE CONSTRAINT {ident(new.name)}"),)),
            keys,
        )
