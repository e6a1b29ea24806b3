"""From one schema to the next in one transaction: tables altered or rebuilt, readers around them.

The same function gives a step and its undo, as both are a way between two schemas.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ...ddl.emit_text import in_order
from ...ddl.model import Dialect, Name, Schema, Table
from ...ddl.sqlite.emit import create_index, create_trigger, create_view, ident, qualified
from ...ddl.tokens import identifiers
from .alter import Action, Version, alterations
from .dependents import Dependents, readers, triggers
from .rebuild import in_foreign_keys, rebuilt, to_check

CHECK: Final = "PRAGMA foreign_key_check"
NO_COLUMNS: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Transition:
    """The statements from one schema to another; `alone`: they begin and end their transaction.

    `checked` are the tables whose foreign keys are checked at the end.
    """

    actions: tuple[Action, ...]
    rebuilt: tuple[Name, ...]
    alone: bool
    checked: tuple[Name, ...] = ()

    @property
    def sql(self) -> tuple[str, ...]:
        """The statements."""
        return tuple(action.sql for action in self.actions)


def transition(
    before: Schema,
    after: Schema,
    tables: Iterable[Name],
    version: Version,
    *,
    keep_order: bool = False,
    moved: Mapping[str, str] = NO_COLUMNS,
) -> Transition:
    """The way between two schemas that differ in some tables and what reads these.

    Views and triggers that differ are exchanged, those that are in the way made again.
    """
    parts: list[Action] = []
    anew: list[Name] = []
    gone = _exchanged(before, after)
    for name in tables:
        old, new = before.tables[name], after.tables[name]
        altering = None
        if not moved:
            altering = alterations(old, new, version, keep_order=keep_order)
        if altering is None:
            anew.append(name)
            parts += rebuilt(old, new, before, moved)
            gone |= readers(before, [name.name])
        else:
            parts += [*_without_indexes(old, new), *altering, *_with_indexes(old, new)]
            for action in altering:
                if action.drops:
                    gone |= readers(before, [name.name], action.column)
    actions = [*_dropped(before, gone, anew), *parts, *_made(before, after, gone, anew)]
    if any(in_foreign_keys(name, before, after) for name in anew):
        checked = tuple(to_check(anew, after))
        return Transition(tuple(_enclosed(actions, checked)), tuple(anew), True, checked)
    return Transition(tuple(actions), tuple(anew), False)


def _without_indexes(before: Table, after: Table) -> Iterator[Action]:
    for label, index in before.indexes.items():
        if after.indexes.get(label) != index:
            yield Action(f"DROP INDEX {ident(label)}", "drop index", before.name.name)


def _with_indexes(before: Table, after: Table) -> Iterator[Action]:
    for label, index in after.indexes.items():
        if before.indexes.get(label) != index:
            yield Action(create_index(after, index), "create index", after.name.name)


def _enclosed(actions: Iterable[Action], checked: Iterable[Name]) -> Iterator[Action]:
    """Without foreign keys meanwhile, as DROP TABLE would delete the rows that reference it."""
    yield Action("PRAGMA foreign_keys = OFF", "", "")
    yield Action("BEGIN IMMEDIATE", "", "")
    yield from actions
    for name in checked:
        yield Action(f"{CHECK}({ident(name.name)})", "", "")
    yield Action("COMMIT", "", "")
    yield Action("PRAGMA foreign_keys = ON", "", "")


def _exchanged(before: Schema, after: Schema) -> Dependents:
    """The views and triggers that are in one of the schemas only, or not the same."""
    views = {
        name for name in {*before.views, *after.views} if _bare(before, name) != _bare(after, name)
    }
    old, new = ({(o, t.name): t for o, t in triggers(s)} for s in (before, after))
    changed = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
    return Dependents(frozenset(views), frozenset(changed))


def _bare(schema: Schema, name: Name) -> object:
    view = schema.views.get(name)
    return view and (view.query, view.columns, view.options)


def _dropped(schema: Schema, gone: Dependents, anew: list[Name]) -> Iterator[Action]:
    for owner, trigger in triggers(schema):
        with_owner = anew == [owner] or owner in gone.views
        if (owner, trigger.name) in gone.triggers and not with_owner:
            yield Action(f"DROP TRIGGER {ident(trigger.name)}", "drop trigger", owner.name)
    for name in reversed(_views_in_order(schema, gone)):
        yield Action(f"DROP VIEW {qualified(name)}", "drop view", name.name)


def _made(before: Schema, after: Schema, gone: Dependents, anew: list[Name]) -> Iterator[Action]:
    for name in _views_in_order(after, gone):
        yield Action(create_view(after.views[name]), "create view", name.name)
    for owner, trigger in triggers(after):
        lost = owner in anew or owner in gone.views
        if lost or (owner, trigger.name) in gone.triggers:
            yield Action(create_trigger(owner, trigger), "create trigger", owner.name)


def _views_in_order(schema: Schema, gone: Dependents) -> list[Name]:
    if not gone.views:
        return []
    uses = {name: identifiers(view.query, Dialect.SQLITE) for name, view in schema.views.items()}
    return [name for name in in_order(uses) if name in gone.views]
