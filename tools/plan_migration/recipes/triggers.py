"""Triggers and rules."""

from __future__ import annotations

from collections.abc import Iterator

from ...ddl.diff import Change
from ...ddl.model import Opaque, Trigger
from ...ddl.postgres.emit import as_written, create_trigger
from ...ddl.postgres.text import ident, qualified
from ..context import Context
from ..model import Phase, Query, Step
from .base import COVERED, MANUAL, Recipe, dropping, step
from .written import drop_part, whole_trigger

_REPLACE_FROM = 14
_ENABLED = {
    "origin": "ENABLE",
    "disabled": "DISABLE",
    "replica": "ENABLE REPLICA",
    "always": "ENABLE ALWAYS",
}


def trigger(change: Change, ctx: Context) -> Iterator[Step]:
    """Steps for a trigger of a table or view."""
    table = ctx.names[change.object[1]]
    before: Trigger | None = change.before
    after: Trigger | None = change.after
    if change.fields == ("comment",):
        yield COVERED
    elif before is None and after is not None:
        yield step(
            Phase.EXPAND,
            f"Create trigger {ident(after.name)} on {qualified(table)}",
            whole_trigger(table, after),
            "It fires for what old and new code write from now on; old rows are left alone.",
            drop_part("trigger", after.name, table),
            [change.object],
            references=(MANUAL + "sql-createtrigger.html",),
        )
    elif after is None and before is not None:
        yield dropping(
            Phase.CONTRACT,
            f"Drop trigger {ident(before.name)} on {qualified(table)}",
            drop_part("trigger", before.name, table),
            "Only once no instance of the old code relies on what it does.",
            undo=whole_trigger(table, before),
            objects=[change.object],
            hazards=("what is written meanwhile misses the trigger, if it is undone",),
            references=(MANUAL + "sql-droptrigger.html",),
        )
    elif before is not None and after is not None and set(change.fields) <= {"enabled", "comment"}:
        alter = f"ALTER TABLE {qualified(table)} {{}} TRIGGER {ident(after.name)}"
        yield step(
            Phase.EXPAND,
            f"Firing of trigger {ident(after.name)} on {qualified(table)}",
            alter.format(_ENABLED[after.enabled]),
            "Only the catalog changes.",
            alter.format(_ENABLED[before.enabled]),
            [change.object],
            verify=(_fires(change, ctx),),
            references=(MANUAL + "sql-altertable.html",),
        )
    elif before is not None and after is not None:
        yield _replaced(before, after, change, ctx)


def _replaced(before: Trigger, after: Trigger, change: Change, ctx: Context) -> Step:
    table = ctx.names[change.object[1]]
    at_once = ctx.version >= _REPLACE_FROM and not (before.constraint or after.constraint)

    def made(trigger: Trigger) -> list[str]:
        if at_once:
            return [*create_trigger(table, trigger, replace=True)]
        return [drop_part("trigger", trigger.name, table), *whole_trigger(table, trigger)]

    return step(
        Phase.EXPAND,
        f"Replace trigger {ident(after.name)} on {qualified(table)}",
        made(after),
        "In one statement or transaction: no row is written without the trigger.",
        made(before),
        [change.object],
        references=(MANUAL + "sql-createtrigger.html",),
    )


def _fires(change: Change, ctx: Context) -> Query:
    letters = {"origin": "O", "disabled": "D", "replica": "R", "always": "A"}
    name = change.object[2].replace("'", "''")
    table = qualified(ctx.names[change.object[1]]).replace("'", "''")
    where = f"tgname = '{name}' AND tgrelid = '{table}'::regclass"
    return Query(f"SELECT tgenabled FROM pg_trigger WHERE {where}", letters[change.after.enabled])


def rule(change: Change, ctx: Context) -> Iterator[Step]:
    """Steps for a rewrite rule; its definition is kept as written."""
    table = ctx.names[change.object[1]]
    before: Opaque | None = change.before
    after: Opaque | None = change.after
    if change.fields == ("comment",):
        yield COVERED
        return
    drop = drop_part("rule", change.object[2], table)
    title = f"rule {ident(change.object[2])} on {qualified(table)}"
    page = (MANUAL + "sql-createrule.html",)
    if after is None and before is not None:
        yield dropping(
            Phase.CONTRACT,
            f"Drop {title}",
            drop,
            "Only once no instance of the old code relies on it.",
            undo=[*as_written(before)],
            objects=[change.object],
            references=page,
        )
    elif after is not None:
        first = [drop] if before is not None else []
        back = [drop, *(as_written(before) if before is not None else ())]
        yield step(
            Phase.EXPAND,
            f"{'Replace' if first else 'Create'} {title}",
            [*first, *as_written(after)],
            "It rewrites statements that are planned from now on.",
            back,
            [change.object],
            references=page,
        )


RECIPES: dict[str, Recipe] = {"trigger": trigger, "rule": rule}
