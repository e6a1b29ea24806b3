"""A column that the user said is made from others: split from one, or put together of several.

Only one direction is known, so a trigger fills the new column from what old code writes; what new
code writes to the new column alone old code does not see.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...ddl.expressions import columns_of
from ...ddl.model import Column, Name, Sql, Table
from ...ddl.postgres.nodes import made_name
from ...ddl.postgres.text import default_text, dollar_quoted, ident, idents, qualified
from ..context import Context
from ..model import Phase, Step, Undo
from .backfill import backfill
from .base import MANUAL, altered, column_key, dropping, step
from .not_null import set_not_null
from .written import drop_part


def derived(table: Table, new: Column, expression: Sql, bare: Step, ctx: Context) -> Iterator[Step]:
    """Steps for a column filled by an expression over the others; `bare` adds it without values."""
    of, name = qualified(table.name), ident(new.name)
    trigger = made_name(table.name.name, new.name, "derive")
    key = ("trigger", *column_key(table, trigger)[1:])
    function = f"{qualified(Name(table.name.schema, trigger))}()"
    made = [_function(function, new, expression), _trigger(trigger, of, function, expression)]
    gone = [drop_part("trigger", trigger, table.name), f"DROP FUNCTION {function}"]
    yield replace(
        bare,
        sql=(*bare.sql, *made),
        why=f"Only the catalog changes. A trigger fills it with {expression} from now on when code"
        " writes what that is made of and not the column itself.",
        undo=replace(bare.undo, sql=(*gone, *bare.undo.sql)),
        objects=(*bare.objects, key),
        hazards=("old code does not see what new code writes to the new column alone",),
    )
    missing = f"t.{name} IS NULL AND {_of('t', expression)} IS NOT NULL"
    yield from backfill(table, new, _of("t", expression), ctx, missing, trigger)
    yield from settled(table, new, ctx)
    yield dropping(
        Phase.CONTRACT,
        f"Stop filling {name} of {of}",
        gone,
        "Only once no instance of the old code is left.",
        undo=Undo(tuple(made)),
        objects=[key],
        references=(MANUAL + "sql-droptrigger.html",),
    )


def settled(table: Table, new: Column, ctx: Context) -> Iterator[Step]:
    """The default and NOT NULL of a column that a trigger fills while old code runs."""
    name = ident(new.name)
    if new.default is not None:
        yield step(
            Phase.CONTRACT,
            f"Default of {name} of {qualified(table.name)}",
            altered(table, f"ALTER COLUMN {name} SET DEFAULT {default_text(new.default)}"),
            "Not before old code is gone: its rows get what the trigger gives.",
            altered(table, f"ALTER COLUMN {name} DROP DEFAULT"),
            [column_key(table, new.name)],
        )
    if new.not_null:
        yield from set_not_null(table, new, ctx, Phase.CONTRACT)


def _trigger(trigger: str, of: str, function: str, expression: Sql) -> str:
    columns = idents(sorted(columns_of(expression)))
    return (
        f"CREATE TRIGGER {ident(trigger)} BEFORE INSERT OR UPDATE OF {columns} ON {of}"
        f" FOR EACH ROW EXECUTE FUNCTION {function}"
    )


def _function(function: str, new: Column, expression: Sql) -> str:
    name = ident(new.name)
    body = f"""
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.{name} IS NULL THEN
            NEW.{name} := {_of("NEW", expression)};
        END IF;
    ELSIF NEW.{name} IS NOT DISTINCT FROM OLD.{name} THEN
        NEW.{name} := {_of("NEW", expression)};
    END IF;
    RETURN NEW;
END
"""
    head = f"CREATE FUNCTION {function} RETURNS trigger LANGUAGE plpgsql"
    return f"{head} AS {dollar_quoted(body)}"


def _of(row: str, expression: Sql) -> str:
    """The expression over the columns of one row, whatever else has such names."""
    return f"(SELECT {expression} FROM (SELECT {row}.*) made_from)"
