"""How each kind of change is made safely, a module a theme.

A module has `RECIPES`: for a kind of object (`ddl.diff.flatten`), the function that yields the
steps of one change of such an object. Under `EVERY` is one that is asked for each change, whatever
its kind. `QUESTIONS`, where a module has them, yields what the planner cannot know.

What a removed table or view had goes with it, and an added table comes with its columns, keys,
checks and exclusions: recipes are not asked for these. A step names in `objects` what it makes,
changes or removes, and in `drops` what of that is gone after it; `order` does the rest. A recipe
whose change another step makes yields `COVERED`; one that yields nothing has not planned it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from importlib import import_module
from typing import Final

from ...ddl.diff import Change
from ...ddl.model import Dialect
from ..context import Context
from ..model import Phase, Question, Step, Undo
from .anew import stages
from .base import COVERED, EVERY, Recipe
from .detaching import freed
from .moved import with_moves
from .renames import renamed
from .repartition import repartitioned
from .shadow import retyped
from .written import commented

_THEMES: Final = (
    "namespaces",
    "kinds",
    "sequences",
    "routines",
    "tables",
    "partitions",
    "columns",
    "constraints",
    "indexes",
    "views",
    "triggers",
    "security",
    "renames",
)
_OF_TABLES: Final = frozenset({"column", "key", "check", "exclusion"})
_OF_RELATIONS: Final = _OF_TABLES | {"foreign key", "index", "trigger", "policy", "rule"}
_WHOLE: Final = ("table", "view")


def steps_for(ctx: Context) -> list[Step]:
    """The steps of all changes, in no order that means anything but within one object."""
    if ctx.dialect is not Dialect.POSTGRES:
        return []
    rest, steps = renamed(ctx)
    for first in (freed, repartitioned):
        rest, made = first(rest)
        steps += made
    for stage in stages(rest):
        steps += planned(stage)
    return with_moves(steps, rest)


def planned(ctx: Context) -> list[Step]:
    """The steps that the recipes have for the changes of a migration."""
    left, steps = retyped(ctx)
    return steps + _of_stage(left)


def _of_stage(ctx: Context) -> list[Step]:
    every, recipes = _registry()
    steps: list[Step] = []
    for change in _asked(ctx):
        found = [*recipes.get(change.object[0], _nothing)(change, ctx)]
        for recipe in every:
            found += recipe(change, ctx)
        made = [_with_comment(s, change, ctx) for s in found if s is not COVERED]
        steps += made if found else [_not_planned(change)]
    return steps


def _with_comment(step: Step, change: Change, ctx: Context) -> Step:
    """The undo of a drop, which says again what was said of the object."""
    if change.kind != "removed" or change.object not in step.drops or not step.undo.sql:
        return step
    if not getattr(change.before, "comment", ""):
        return step
    missing = [s for s in commented(change.object, change.before, ctx) if s not in step.undo.sql]
    return replace(step, undo=replace(step.undo, sql=(*step.undo.sql, *missing)))


def questions_for(ctx: Context) -> Iterator[Question]:
    """What the planner cannot know."""
    for module in _modules():
        yield from getattr(module, "QUESTIONS", _no_questions)(ctx)


def _modules() -> Iterator[object]:
    for theme in _THEMES:
        yield import_module(f".{theme}", __name__)


def preload() -> None:
    """Load the recipes of all themes."""
    _registry()


def _registry() -> tuple[list[Recipe], dict[str, Recipe]]:
    every: list[Recipe] = []
    recipes: dict[str, Recipe] = {}
    for module in _modules():
        for kind, recipe in getattr(module, "RECIPES", {}).items():
            if kind == EVERY:
                every.append(recipe)
            else:
                recipes[kind] = recipe
    return every, recipes


def _asked(ctx: Context) -> Iterator[Change]:
    """The changes that recipes are asked for."""
    whole: dict[str, set[str]] = {"added": set(), "removed": set(), "changed": set()}
    for change in ctx.changes:
        if change.object[0] in _WHOLE:
            whole[change.kind].add(change.object[1])
    for change in ctx.changes:
        kind, owner = change.object[0], change.object[1] if len(change.object) > 1 else ""
        if kind in _OF_RELATIONS and change.kind == "removed" and owner in whole["removed"]:
            continue
        if kind in _OF_TABLES and change.kind == "added" and owner in whole["added"]:
            continue
        yield change


def _nothing(change: Change, ctx: Context) -> Iterable[Step]:
    return ()


def _no_questions(ctx: Context) -> Iterable[Question]:
    return ()


def _not_planned(change: Change) -> Step:
    what = " ".join(change.object)
    fields = f" ({', '.join(change.fields)})" if change.fields else ""
    return Step(
        Phase.EXPAND,
        f"Not planned: {what}, {change.kind}{fields}",
        (),
        "There is no recipe for this change; the plan does not reach the target without it.",
        Undo(),
        objects=(change.object,),
        hazards=("not planned",),
    )
