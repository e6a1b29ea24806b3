"""The steps from one schema to another within a phase, in the order in which they run.

What is removed goes first, so that names are free and nothing refers to it; new tables come before
the tables that are changed, as these may reference them; then indexes, views and triggers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from typing import Final, TypeVar

from ...ddl.diff import Change, changes, dotted
from ...ddl.emit_text import in_order
from ...ddl.model import Dialect, Name, Opaque, Schema, Table, Trigger, View
from ...ddl.sqlite.emit import (
    create_index,
    create_table,
    create_trigger,
    create_view,
    ident,
    qualified,
)
from ...ddl.tokens import identifiers
from ..context import Context
from ..model import Phase, Query, Step, Undo
from . import checks, tables
from .alter import OF_TABLE, Version, alterations

K = TypeVar("K")
V = TypeVar("V")
MANUAL: Final = "https://www.sqlite.org/"


class Stage:
    """The way from `now` to `target`; each step moves `now` on."""

    def __init__(
        self, phase: Phase, now: Schema, target: Schema, ctx: Context, version: Version
    ) -> None:
        self._phase, self._now, self._target = phase, now, target
        self._ctx, self._version = ctx, version
        self._changes = changes(now, target)
        self._heavy = {n for n in self._altered() if self._is_heavy(n)}

    def steps(self) -> Iterator[Step]:
        """All steps."""
        yield from self._drop_triggers()
        yield from self._drop_views()
        yield from self._drop_indexes()
        yield from self._drop_virtual()
        yield from self._create_tables()
        for name in self._altered():
            if name not in self._heavy:
                yield from self._alter(name)
        for group in self._groups():
            yield self._rebuild(group)
        yield from self._drop_tables()
        yield from self._replace_indexes()
        yield from self._replace_views()
        yield from self._replace_triggers()

    # What is changed

    def _altered(self) -> list[Name]:
        """The tables of both schemas of which CREATE TABLE would say something else."""
        names = {c.object[1] for c in self._changes if c.object[0] in OF_TABLE}
        return [n for n in self._now.tables if n in self._target.tables and dotted(n) in names]

    def _is_heavy(self, name: Name) -> bool:
        """Whether more than ADD COLUMN is needed."""
        found = alterations(self._now.tables[name], self._target.tables[name], self._version)
        return found is None or any(action.drops for action in found)

    def _groups(self) -> list[list[Name]]:
        """The heavy tables; those together that a changed view or trigger reads."""
        groups = [[name] for name in self._now.tables if name in self._heavy]
        for words in (*self._readers_that_change(), *self._relatives()):
            hit = [g for g in groups if any(name.name.lower() in words for name in g)]
            if len(hit) > 1:
                groups = [g for g in groups if g not in hit] + [[n for g in hit for n in g]]
        return groups

    def _readers_that_change(self) -> Iterator[Set[str]]:
        for change in self._changes:
            if change.kind == "changed" and change.object[0] == "view":
                both = f"{change.before.query} {change.after.query}"
                yield identifiers(both, Dialect.SQLITE)
            elif change.kind == "changed" and change.object[0] == "trigger":
                both = f"{change.before.body} {change.after.body}"
                yield identifiers(both, Dialect.SQLITE) | {change.object[1].lower()}

    def _relatives(self) -> Iterator[Set[str]]:
        """Tables whose keys change, with those that reference them now or then."""
        for change in self._changes:
            if change.object[0] == "key":
                names = {change.object[1].lower()}
                for schema in (self._now, self._target):
                    for name, table in schema.tables.items():
                        keys = table.foreign_keys.values()
                        if any(key.table.name.lower() in names for key in keys):
                            names = names | {name.name.lower()}
                yield names

    def _of_kind(self, kind: str, *kinds: str) -> list[Change]:
        return [c for c in self._changes if c.object[0] == kind and c.kind in kinds]

    # Removed

    def _drop_triggers(self) -> Iterator[Step]:
        for change in self._of_kind("trigger", "removed"):
            owner = self._owner(self._now, change.object[1])
            if owner is None or self._goes(owner.name):
                continue
            name = change.object[2]
            yield self._step(
                f"Drop trigger {ident(name)}",
                f"DROP TRIGGER {ident(name)}",
                "Once no instance of the old code relies on it.",
                create_trigger(owner.name, change.before),
                change,
                "lang_droptrigger",
            )
            self._put(replace(owner, triggers=_without(owner.triggers, name)))

    def _drop_views(self) -> Iterator[Step]:
        removed = {c.before.name: c for c in self._of_kind("view", "removed")}
        uses = {n: identifiers(v.query, Dialect.SQLITE) for n, v in self._now.views.items()}
        for name in reversed(in_order(uses)):
            if name not in removed:
                continue
            view = self._now.views[name]
            again = [create_view(view)]
            again += [create_trigger(name, trigger) for trigger in view.triggers.values()]
            yield self._step(
                f"Drop view {qualified(name)}",
                f"DROP VIEW {qualified(name)}",
                "Once no instance of the old code reads it.",
                again,
                removed[name],
                "lang_dropview",
            )
            self._now = replace(self._now, views=_without(self._now.views, name))

    def _drop_indexes(self) -> Iterator[Step]:
        for change in self._of_kind("index", "removed"):
            table = self._owner(self._now, change.object[1])
            if not isinstance(table, Table) or table.name in self._anew() or self._goes(table.name):
                continue
            name = change.object[2]
            yield self._step(
                f"Drop index {ident(name)}",
                f"DROP INDEX {ident(name)}",
                "Nothing waits longer than for the commit; queries that used it get slower.",
                create_index(table, change.before),
                change,
                "lang_dropindex",
            )
            self._put(replace(table, indexes=_without(table.indexes, name)))

    def _drop_virtual(self) -> Iterator[Step]:
        for change in self._changes:
            if change.object[0] != "opaque" or change.kind == "added":
                continue
            name = change.object[2]
            made = [change.after.sql] if change.kind == "changed" else []
            doing = "Make" if made else "Drop"
            yield self._step(
                f"{doing} virtual table {ident(name)}" + " again" * bool(made),
                [f"DROP TABLE {ident(name)}", *made],
                "A virtual table cannot be altered; what it holds itself is lost.",
                Undo((), "no_return", loses=f"all that {name} holds"),
                change,
                "vtab",
                loses_data=f"all that {name} holds",
                hazards=("data loss",),
            )

    def _drop_tables(self) -> Iterator[Step]:
        for name in _children_first(self._now, self._target):
            table = self._now.tables[name]
            keys = [("table", dotted(name))]
            shown = qualified(name)
            yield Step(
                self._phase,
                f"Drop table {shown}",
                (f"DROP TABLE {shown}",),
                "Once no instance of the old code uses it. With foreign keys on, rows that still"
                " reference it make this fail.",
                Undo(tables.made(table), "no_return", loses=f"every row of {shown}"),
                preflight=(Query(f"SELECT count(*) FROM {shown}", "the rows that will be lost"),),
                verify=(_exists("table", name.name, there=False),),
                loses_data=f"every row of {shown}",
                references=(MANUAL + "lang_droptable.html",),
                objects=tuple(keys),
                drops=tuple(keys),
            )
            self._now = replace(self._now, tables=_without(self._now.tables, name))

    # Added and changed

    def _create_tables(self) -> Iterator[Step]:
        for name, table in self._target.tables.items():
            if name in self._now.tables:
                continue
            shown = qualified(name)
            sql = [create_table(table)]
            sql += [create_index(table, index) for index in table.indexes.values()]
            sql += [create_trigger(name, trigger) for trigger in table.triggers.values()]
            yield Step(
                self._phase,
                f"Create table {shown}",
                tuple(sql),
                "Nobody uses it yet.",
                Undo((f"DROP TABLE {shown}",), "until", "the new code writes to it", "its rows"),
                verify=(_exists("table", name.name),),
                references=(MANUAL + "lang_createtable.html",),
                objects=(("table", dotted(name)),),
            )
            self._put(table)
        for change in self._of_kind("opaque", "added"):
            opaque: Opaque = change.after
            yield self._step(
                f"Create virtual table {ident(opaque.name)}",
                opaque.sql,
                "Nobody uses it yet.",
                Undo(
                    (f"DROP TABLE {ident(opaque.name)}",),
                    "until",
                    "the new code writes to it",
                    "its rows",
                ),
                change,
                "lang_createvtab",
            )

    def _alter(self, name: Name) -> Iterator[Step]:
        for step, table in tables.added(
            self._phase, self._now, self._target.tables[name], self._version
        ):
            yield step
            self._put(table)

    def _rebuild(self, group: list[Name]) -> Step:
        """One step for tables, with the views and triggers in its way."""
        after = self._with(group)
        step = tables.changed(self._phase, self._now, after, group, self._ctx, self._version)
        self._now = after
        return step

    def _with(self, group: list[Name]) -> Schema:
        """The schema after a group is changed, with the views and triggers that read it."""
        fresh = {
            name: replace(
                self._target.tables[name],
                indexes=self._target.tables[name].indexes
                if name in self._anew()
                else self._now.tables[name].indexes,
                triggers=self._ready(
                    self._now.tables[name].triggers, self._target.tables[name].triggers
                ),
            )
            for name in group
        }
        words = {name.name.lower() for name in group}
        views = {
            name: self._target.views[name]
            if name in self._target.views
            and identifiers(view.query, Dialect.SQLITE) & words
            and not self._waits(self._target.views[name])
            else view
            for name, view in self._now.views.items()
        }
        others = {
            name: replace(
                table,
                triggers=self._ready(table.triggers, self._target.tables[name].triggers, words),
            )
            if table.triggers and name not in fresh and name in self._target.tables
            else table
            for name, table in self._now.tables.items()
        }
        return replace(self._now, tables={**others, **fresh}, views=views)

    def _waits(self, view: View) -> bool:
        """Whether a view reads something that a later step makes."""
        known = {n.name.lower() for group in (self._now.tables, self._now.views) for n in group}
        later = {n.name.lower() for n in self._target.views} - known
        return bool(identifiers(view.query, Dialect.SQLITE) & later)

    def _ready(
        self,
        now: Mapping[str, Trigger],
        then: Mapping[str, Trigger],
        words: set[str] | None = None,
    ) -> Mapping[str, Trigger]:
        """The triggers of a table: as they will be, if they are there already."""
        return {
            label: then[label]
            if label in then
            and (words is None or identifiers(then[label].body, Dialect.SQLITE) & words)
            else trigger
            for label, trigger in now.items()
        }

    def _replace_indexes(self) -> Iterator[Step]:
        for change in changes(self._now, self._target):
            table = self._owner(self._target, change.object[1]) if len(change.object) > 2 else None
            if change.object[0] != "index" or change.kind == "removed" or table is None:
                continue
            assert isinstance(table, Table)
            name = change.object[2]
            drop = [f"DROP INDEX {ident(name)}"]
            old = self._now.tables[table.name].indexes.get(name)
            yield self._step(
                f"Create index {ident(name)}" + " again" * (old is not None),
                [*(drop if old else []), create_index(table, change.after)],
                "All rows are read, and nobody else writes meanwhile. SQLite cannot build an index"
                " alongside.",
                [*drop, *([create_index(table, old)] if old else [])],
                change,
                "lang_createindex",
                preflight=tuple(checks.of_index(table.name, change.after)),
                verify=(_exists("index", name),),
            )

    def _replace_views(self) -> Iterator[Step]:
        found = {
            c.object[1]: c
            for c in changes(self._now, self._target)
            if c.object[0] == "view" and c.kind != "removed"
        }
        uses = {n: identifiers(v.query, Dialect.SQLITE) for n, v in self._target.views.items()}
        for name in in_order(uses):
            change = found.get(dotted(name))
            if change is None:
                continue
            view = self._target.views[name]
            old = self._now.views.get(name)
            drop = [f"DROP VIEW {qualified(name)}"]
            yield self._step(
                f"Create view {qualified(name)}" + " again" * (old is not None),
                [*(drop if old else []), *_with_triggers(view)],
                "Only the schema changes; in one transaction nobody sees it missing.",
                [*drop, *(_with_triggers(old) if old else [])],
                change,
                "lang_createview",
                verify=(_exists("view", name.name),),
            )
            self._now = replace(self._now, views={**self._now.views, name: view})

    def _replace_triggers(self) -> Iterator[Step]:
        for change in changes(self._now, self._target):
            if change.object[0] != "trigger" or change.kind == "removed":
                continue
            owner = self._owner(self._target, change.object[1])
            if owner is None:
                continue
            name = change.object[2]
            drop = f"DROP TRIGGER {ident(name)}"
            old = [create_trigger(owner.name, change.before)] if change.before else []
            yield self._step(
                f"Create trigger {ident(name)}" + " again" * bool(old),
                [*([drop] if old else []), create_trigger(owner.name, change.after)],
                "Only the schema changes. It fires for writes of old code, too.",
                [drop, *old],
                change,
                "lang_createtrigger",
                verify=(_exists("trigger", name),),
            )

    # Common

    def _anew(self) -> set[Name]:
        return {
            name
            for name in self._heavy
            if alterations(self._now.tables[name], self._target.tables[name], self._version) is None
        }

    def _goes(self, owner: Name) -> bool:
        """Whether the table or view of a trigger or index is dropped or made anew itself."""
        return (owner in self._now.tables and owner not in self._target.tables) or (
            owner in self._now.views and owner not in self._target.views
        )

    def _owner(self, schema: Schema, shown: str) -> Table | View | None:
        owners: list[Table | View] = [*schema.tables.values(), *schema.views.values()]
        return next((owner for owner in owners if dotted(owner.name) == shown), None)

    def _put(self, owner: Table | View) -> None:
        if isinstance(owner, Table):
            self._now = replace(self._now, tables={**self._now.tables, owner.name: owner})
        else:
            self._now = replace(self._now, views={**self._now.views, owner.name: owner})

    def _step(
        self,
        title: str,
        sql: str | list[str],
        why: str,
        undo: Undo | str | list[str],
        change: Change,
        page: str,
        *,
        preflight: tuple[Query, ...] = (),
        verify: tuple[Query, ...] = (),
        loses_data: str = "",
        hazards: tuple[str, ...] = (),
    ) -> Step:
        if not isinstance(undo, Undo):
            undo = Undo((undo,) if isinstance(undo, str) else tuple(undo))
        removed = change.kind == "removed"
        return Step(
            self._phase,
            title,
            (sql,) if isinstance(sql, str) else tuple(sql),
            why,
            undo,
            preflight=preflight,
            verify=verify,
            loses_data=loses_data,
            hazards=hazards,
            references=(f"{MANUAL}{page}.html",),
            objects=(change.object,),
            drops=(change.object,) if removed else (),
        )


def _without(things: Mapping[K, V], key: K) -> dict[K, V]:
    return {k: v for k, v in things.items() if k != key}


def _with_triggers(view: View) -> list[str]:
    made = [create_trigger(view.name, trigger) for trigger in view.triggers.values()]
    return [create_view(view), *made]


def _exists(kind: str, name: str, *, there: bool = True) -> Query:
    text = name.replace("'", "''")
    return Query(
        f"SELECT count(*) FROM sqlite_master WHERE type = '{kind}' AND name = '{text}'",
        "1" if there else "0",
    )


def _children_first(now: Schema, target: Schema) -> list[Name]:
    """The tables to drop, each before those that it references."""
    gone = [name for name in now.tables if name not in target.tables]
    uses = {
        name: {key.table.name.lower() for key in now.tables[name].foreign_keys.values()}
        for name in gone
    }
    return list(reversed(in_order(uses)))
