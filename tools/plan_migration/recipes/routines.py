"""Functions and procedures: replaced where PostgreSQL can, else made again with their users."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ...ddl.diff import Change
from ...ddl.model import Argument, Function
from ...ddl.postgres.text import type_text
from ..context import Context
from ..model import Phase, Query, Step
from .base import COVERED, MANUAL, Recipe, dropping, step
from .written import drop_function, whole_function

_OUT: Final = frozenset({"out", "inout", "table"})
_PAGE: Final = (MANUAL + "sql-createfunction.html",)
_UNCHECKED: Final = ("SET check_function_bodies = off", "RESET check_function_bodies")


def function(change: Change, ctx: Context) -> Iterator[Step]:
    """Steps for a function or procedure."""
    before: Function | None = change.before
    after: Function | None = change.after
    if change.fields == ("comment",):
        yield COVERED
    elif before is None and after is not None:
        yield step(
            Phase.EXPAND,
            f"Create {after.kind} {after.signature}",
            _made(after, ctx),
            "Nobody calls it yet.",
            drop_function(after),
            [change.object],
            hazards=_hazards(after),
            references=_PAGE,
        )
    elif after is None and before is not None:
        yield dropping(
            Phase.CONTRACT,
            f"Drop {before.kind} {before.signature}",
            drop_function(before),
            "Only once no instance of the old code calls it; bodies of other functions may."
            " PostgreSQL does not track that.",
            undo=[*whole_function(before, ctx.current, ctx.writes_current)],
            objects=[change.object],
            preflight=_callers(before),
            hazards=_hazards(before),
            references=(MANUAL + "sql-dropfunction.html",),
        )
    elif before is not None and after is not None:
        yield _changed(before, after, change, ctx)


def _changed(before: Function, after: Function, change: Change, ctx: Context) -> Step:
    if _replaceable(before, after):
        return step(
            Phase.EXPAND,
            f"Replace {after.kind} {after.signature}",
            _made(after, ctx, replace=True),
            "Arguments and result stay, so every caller goes on; old and new code both get the new"
            " body from now on.",
            [ctx.writes_current.function(before, replace=_replaceable(after, before))]
            if _replaceable(after, before)
            else [drop_function(after), *whole_function(before, ctx.current, ctx.writes_current)],
            [change.object],
            hazards=_hazards(before, after),
            references=_PAGE,
        )
    return step(
        Phase.CONTRACT,
        f"Make {after.kind} {after.signature} again",
        [drop_function(before), *whole_function(after, ctx.target, ctx.writes_target)],
        "CREATE OR REPLACE can change neither the result nor names of arguments, and takes no"
        " default away. In one transaction no caller finds it missing. To let both versions of the"
        " code run, give the new one another name.",
        [drop_function(after), *whole_function(before, ctx.current, ctx.writes_current)],
        [change.object],
        hazards=_hazards(before, after),
        references=_PAGE,
    )


def _made(made: Function, ctx: Context, replace: bool = False) -> list[str]:
    """CREATE FUNCTION; unchecked where the body calls the function itself."""
    text = ctx.writes_target.function(made, replace)
    recursive = made.language == "sql" and made.name.name in made.body
    return [_UNCHECKED[0], text, _UNCHECKED[1]] if recursive else [text]


def _replaceable(before: Function, after: Function) -> bool:
    """Whether CREATE OR REPLACE takes the new one (ProcedureCreate in pg_proc.c)."""
    if before.kind != after.kind or before.window != after.window:
        return False
    if before.returns != after.returns or _outputs(before) != _outputs(after):
        return False
    old, new = _inputs(before), _inputs(after)
    return all(
        (one.name in ("", other.name))
        and one.mode == other.mode
        and not (one.default is not None and other.default is None)
        for one, other in zip(old, new, strict=True)
    )


def _inputs(of: Function) -> list[Argument]:
    return [a for a in of.arguments if a.mode in ("in", "inout", "variadic")]


def _outputs(of: Function) -> list[tuple[str, str, str]]:
    return [(a.mode, a.name, type_text(a.type)) for a in of.arguments if a.mode in _OUT]


def _hazards(*functions: Function) -> tuple[str, ...]:
    """What a body in text names is not tracked by PostgreSQL."""
    hidden = any(f.sql_body is None and f.language != "sql" for f in functions)
    definer = any(f.security_definer for f in functions)
    return ("untracked dependencies",) * hidden + ("authz",) * definer


def _callers(gone: Function) -> tuple[Query, ...]:
    name = gone.name.name.replace("'", "''")
    sql = (
        "SELECT oid::regprocedure FROM pg_proc"
        f" WHERE proname <> '{name}' AND position('{name}' IN prosrc) > 0"
    )
    return (Query(sql, "no rows that still call it", "bodies are text to PostgreSQL"),)


RECIPES: dict[str, Recipe] = {"function": function}
