"""Views and materialized views: made, replaced, built anew beside the old one, dropped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from ...ddl.diff import Change, dotted
from ...ddl.model import Index, Name, View
from ...ddl.postgres.emit import create_view
from ...ddl.postgres.text import default_text, ident, options, qualified
from ..context import Context
from ..model import Phase, Query, Step, Undo
from .base import COVERED, MANUAL, ObjectKey, Recipe, dropping, step, temporary
from .written import drop_view, revoke, view_parts, whole_view

_OWN: Final = ("query", "columns", "recursive", "materialized")
_SAID: Final = frozenset({"comment", "column_comments"})
_PAGE: Final = {
    False: (MANUAL + "sql-createview.html",),
    True: (MANUAL + "sql-creatematerializedview.html", MANUAL + "rules-materializedviews.html"),
}


def view(change: Change, ctx: Context) -> Iterator[Step]:
    """Steps for a view; what is added to it (indexes, triggers, grants) has its own recipes."""
    name = ctx.names[change.object[1]]
    before, after = ctx.current.views.get(name), ctx.target.views.get(name)
    if before is None and after is not None:
        yield _made(after)
    elif before is not None and after is None:
        yield _dropped(before, ctx)
    elif before is not None and after is not None:
        yield from _changed(before, after, change, ctx)


def _made(made: View) -> Step:
    kind = "materialized view" if made.materialized else "view"
    why = "Nobody reads it yet."
    if made.materialized and made.with_data:
        why += " Its query runs once now, and holds a snapshot for as long."
    return step(
        Phase.EXPAND,
        f"Create {kind} {qualified(made.name)}",
        [*create_view(made)],
        why,
        Undo((drop_view(made),), "until", "the new code reads it", "nothing but the definition"),
        [("view", dotted(made.name))],
        verify=_populated(made),
        references=_PAGE[made.materialized],
    )


def _populated(made: View) -> tuple[Query, ...]:
    if not made.materialized:
        return ()
    found = f"SELECT relispopulated FROM pg_class WHERE oid = '{qualified(made.name)}'::regclass"
    return (Query(found, "t" if made.with_data else "f"),)


def _dropped(gone: View, ctx: Context) -> Step:
    return dropping(
        Phase.CONTRACT,
        f"Drop {'materialized ' * gone.materialized}view {qualified(gone.name)}",
        drop_view(gone),
        "Only once no instance of the old code reads it. A view holds no rows of its own.",
        undo=Undo(tuple(whole_view(gone, ctx.current, ctx.writes_current))),
        objects=[("view", dotted(gone.name)), *_parts(gone)],
        references=(MANUAL + "sql-dropview.html",),
    )


def _parts(of: View) -> list[ObjectKey]:
    groups = {"index": of.indexes, "trigger": of.triggers, "rule": of.rules}
    return [(kind, dotted(of.name), each) for kind, group in groups.items() for each in group]


def _changed(before: View, after: View, change: Change, ctx: Context) -> Iterator[Step]:
    fields = set(change.fields) - _SAID
    if not fields:
        yield COVERED
    elif fields.isdisjoint(_OWN):
        yield from _set(before, after, fields, change.object)
    elif before.materialized or after.materialized:
        yield from _anew(before, after, ctx)
    elif _extends(before, after, ctx):
        yield _replaced(before, after, ctx)
    else:
        yield _again(before, after, ctx)


def _set(before: View, after: View, fields: set[str], key: ObjectKey) -> Iterator[Step]:
    """Options, defaults of columns, whether it has data."""
    forth, back = _settings(before, after), _settings(after, before)
    if forth:
        secured = {k for k in (*before.options, *after.options) if k.startswith("security")}
        yield step(
            Phase.EXPAND,
            f"Settings of view {qualified(after.name)}",
            forth,
            "Only the catalog changes; queries planned from now on follow it.",
            back,
            [key],
            hazards=("authz",) if secured else (),
            references=(MANUAL + "sql-alterview.html",),
        )
    if "with_data" in fields:
        name, none = qualified(after.name), "" if after.with_data else " WITH NO DATA"
        yield step(
            Phase.EXPAND if after.with_data else Phase.CONTRACT,
            f"Refresh {name}{none.lower()}",
            f"REFRESH MATERIALIZED VIEW {name}{none}",
            "Runs the query and keeps readers out until it ends.",
            f"REFRESH MATERIALIZED VIEW {name}{' WITH NO DATA' if after.with_data else ''}",
            [key],
            verify=_populated(after),
            references=(MANUAL + "sql-refreshmaterializedview.html",),
        )


def _settings(before: View, after: View) -> list[str]:
    kind = "MATERIALIZED VIEW" if after.materialized else "VIEW"
    alter = f"ALTER {kind} {qualified(after.name)}"
    gone = [ident(name) for name in before.options if name not in after.options]
    new = {k: v for k, v in after.options.items() if before.options.get(k) != v}
    found = [f"{alter} RESET ({', '.join(gone)})"] if gone else []
    if new:
        found.append(f"{alter} SET {options(new)}")
    for column in before.column_defaults.keys() - after.column_defaults.keys():
        found.append(f"{alter} ALTER COLUMN {ident(column)} DROP DEFAULT")
    for column, default in after.column_defaults.items():
        if before.column_defaults.get(column) != default:
            value = default_text(default)
            found.append(f"{alter} ALTER COLUMN {ident(column)} SET DEFAULT {value}")
    return found


def _extends(before: View, after: View, ctx: Context) -> bool:
    """Whether CREATE OR REPLACE can do it: the same columns and types, others only behind them."""
    old, new = ctx.columns_before(*before.name), ctx.columns_after(*after.name)
    if not old or not new or list(old) != list(new)[: len(old)]:
        return False
    same = _written(before), _written(after)
    return all(
        (old[name] is not None and old[name] == new[name])
        or (same[0].get(name) is not None and same[0].get(name) == same[1].get(name))
        for name in old
        if old[name] != new[name] or old[name] is None
    )


def _written(of: View) -> Mapping[str, str]:
    """The expressions of the columns by name, as far as they are plain to see."""
    from ...ddl.postgres import tree

    try:
        select = tree.parse_query(of.query).stmts[0].stmt.select_stmt
    except (ValueError, tree.Unsupported):
        return {}
    if of.columns or not select.target_list:
        return {}
    return {
        item.res_target.name: str(tree.sql(item.res_target.val))
        for item in select.target_list
        if item.res_target.name
    }


def _replaced(before: View, after: View, ctx: Context) -> Step:
    known = ctx.columns_before(*before.name), ctx.columns_after(*after.name)
    back = [*create_view(before, replace=True)]
    if known[0] is not None and known[1] is not None and len(known[0]) < len(known[1]):
        back = [drop_view(after), *whole_view(before, ctx.current, ctx.writes_current)]
    return step(
        Phase.EXPAND,
        f"Replace view {qualified(after.name)}",
        [*_reset(before, after), *create_view(after, replace=True)],
        "Its columns stay or more come behind them, so whoever reads it goes on reading;"
        " grants, comments and triggers stay.",
        back,
        [("view", dotted(after.name))],
        references=_PAGE[False],
    )


def _reset(before: View, after: View) -> list[str]:
    """OR REPLACE leaves the defaults of columns."""
    return [
        f"ALTER VIEW {qualified(after.name)} ALTER COLUMN {ident(column)} DROP DEFAULT"
        for column in before.column_defaults.keys() - after.column_defaults.keys()
    ]


def _again(before: View, after: View, ctx: Context) -> Step:
    """Dropped and created in one transaction: others see the old one or the new one."""
    old, new = ctx.columns_before(*before.name), ctx.columns_after(*after.name)
    fewer = not old or not new or not new.keys() >= old.keys()
    return step(
        Phase.CONTRACT if fewer else Phase.EXPAND,
        f"Create view {qualified(after.name)} again",
        [drop_view(before), *whole_view(after, ctx.target, ctx.writes_target)],
        "CREATE OR REPLACE VIEW can neither remove nor rename columns nor change their types."
        " In one transaction nobody finds it missing.",
        [drop_view(after), *whole_view(before, ctx.current, ctx.writes_current)],
        [("view", dotted(after.name)), *dict.fromkeys((*_parts(before), *_parts(after)))],
        drops=tuple(key for key in _parts(before) if key not in _parts(after)),
        hazards=("columns of a view go",) if fewer else (),
        references=_PAGE[False],
    )


def _anew(before: View, after: View, ctx: Context) -> Iterator[Step]:
    """A materialized view is filled beside the old one; then they change places."""
    if not after.materialized or not before.materialized:
        yield _again(before, after, ctx)
        return
    beside = _beside(after)
    emitter = ctx.writes_target.tables
    name, new = qualified(after.name), qualified(beside.name)
    yield step(
        Phase.MIGRATE,
        f"Fill {new}, which will be {name}",
        [
            *create_view(replace(beside, indexes={})),
            *(emitter.index(beside.name, index) for index in beside.indexes.values()),
        ],
        "The old one is read meanwhile; the query and the indexes take as long as they take.",
        drop_view(beside),
        [("view", dotted(after.name))],
        verify=_populated(beside),
        references=_PAGE[True],
    )
    swap = [drop_view(before), f"ALTER MATERIALIZED VIEW {new} RENAME TO {ident(after.name.name)}"]
    back = [f"ALTER MATERIALIZED VIEW {name} RENAME TO {ident(beside.name.name)}"]
    for index, other in zip(after.indexes, beside.indexes, strict=True):
        known = qualified(Name(after.name.schema, index))
        back.append(f"ALTER INDEX {known} RENAME TO {ident(other)}")
        full = qualified(Name(after.name.schema, other))
        swap.append(f"ALTER INDEX {full} RENAME TO {ident(index)}")
    yield step(
        Phase.MIGRATE,
        f"Put the new {name} in the place of the old",
        [*swap, *view_parts(after, ctx.target)],
        "A moment under ACCESS EXCLUSIVE; it has the rows of when it was filled.",
        [*back, *_bare(after, beside, ctx), *whole_view(before, ctx.current, ctx.writes_current)],
        [("view", dotted(after.name)), *dict.fromkeys((*_parts(before), *_parts(after)))],
        drops=tuple(key for key in _parts(before) if key not in _parts(after)),
        after=f"REFRESH MATERIALIZED VIEW {name}, if rows changed since it was filled",
        references=_PAGE[True],
    )


def _bare(after: View, beside: View, ctx: Context) -> Iterator[str]:
    """What the one beside did not have before it was in the place of the old one."""
    for entry in ctx.target.grants:
        if entry.kind == "table" and entry.object == dotted(after.name):
            yield revoke(entry._replace(object=dotted(beside.name)), ctx.target)
    name = qualified(beside.name)
    if after.comment:
        yield f"COMMENT ON MATERIALIZED VIEW {name} IS NULL"
    for column in after.column_comments:
        yield f"COMMENT ON COLUMN {name}.{ident(column)} IS NULL"
    for index in after.indexes.values():
        if index.comment:
            full = qualified(Name(after.name.schema, temporary(index.name)))
            yield f"COMMENT ON INDEX {full} IS NULL"


def _beside(after: View) -> View:
    indexes: dict[str, Index] = {}
    for index in after.indexes.values():
        other = temporary(index.name)
        indexes[other] = replace(index, name=other, comment="")
    name = Name(after.name.schema, temporary(after.name.name))
    return replace(after, name=name, indexes=indexes)


RECIPES: dict[str, Recipe] = {"view": view}
