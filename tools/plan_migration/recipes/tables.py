"""Tables: made, dropped, and what is set on a table as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from ...ddl.diff import Change, Head, dotted
from ...ddl.model import Name, Table
from ...ddl.postgres.text import ident, literal, options, qualified
from ..context import Context
from ..model import Phase, Query, Step, Undo
from .base import COVERED, MANUAL, ObjectKey, Recipe, altered, dropping, step
from .columns import disowned
from .detaching import detached
from .partitions import attached, create_partition, rebound

_ROW_SECURITY: Final = ("row_security", "force_row_security")


def table(change: Change, ctx: Context) -> Iterator[Step]:
    """Steps for a table as a whole; columns, constraints and indexes have their own recipes."""
    if change.kind == "added":
        yield from _made(ctx.tables_after[change.object[1]], ctx)
    elif change.kind == "removed":
        yield from _dropped(ctx.tables_before[change.object[1]], ctx)
    else:
        yield from _changed(change, ctx)


def _made(made: Table, ctx: Context) -> Iterator[Step]:
    parent = made.partition_of.parent if made.partition_of else None
    if parent is not None and not ctx.is_new(parent):
        yield from create_partition(made, ctx)
    else:
        emitter = ctx.writes_target.tables
        yield step(
            Phase.EXPAND,
            f"Create table {qualified(made.name)}",
            [emitter.create(made), *emitter.after(made), *_row_security(made)],
            "Nobody uses the table yet.",
            _drop_again(made),
            _with_parts(made),
            references=(MANUAL + "sql-createtable.html",),
        )
    if settings := list(_identity_settings(made)):
        yield step(
            Phase.EXPAND,
            f"Settings of table {qualified(made.name)}",
            settings,
            "They name an index, so they come after it.",
            Undo(),
            _named_indexes(made) or [("table", dotted(made.name))],
        )


def _drop_again(made: Table) -> Undo:
    kind = "FOREIGN TABLE" if made.foreign else "TABLE"
    drop = (f"DROP {kind} {qualified(made.name)}",)
    return Undo(drop, "until", "the new code writes to the table", "what it wrote")


def _with_parts(made: Table) -> list[ObjectKey]:
    name = dotted(made.name)
    parts = {
        "column": made.columns,
        "key": made.keys,
        "check": made.checks,
        "exclusion": made.exclusions,
    }
    return [("table", name), *((kind, name, each) for kind, of in parts.items() for each in of)]


def _row_security(made: Table) -> Iterator[str]:
    """At once, so that no row is ever seen by whom it should not be."""
    if made.row_security:
        yield altered(made, "ENABLE ROW LEVEL SECURITY")
    if made.force_row_security:
        yield altered(made, "FORCE ROW LEVEL SECURITY")


def _identity_settings(made: Table) -> Iterator[str]:
    if made.replica_identity != "default" and not made.foreign:
        yield altered(made, _replica_identity(made))
    if made.cluster_on:
        yield altered(made, f"CLUSTER ON {ident(made.cluster_on)}")


def _named_indexes(made: Table) -> list[ObjectKey]:
    """The indexes and keys that are marked, which must be there first."""
    marked = {made.replica_identity, made.cluster_on}
    groups = {"index": made.indexes, "key": made.keys}
    return [
        (kind, dotted(made.name), name)
        for kind, group in groups.items()
        for name in group
        if name in marked
    ]


def _replica_identity(made: Table) -> str:
    if made.replica_identity in ("default", "full", "nothing"):
        return f"REPLICA IDENTITY {made.replica_identity.upper()}"
    return f"REPLICA IDENTITY USING INDEX {ident(made.replica_identity)}"


def _dropped(gone: Table, ctx: Context) -> Iterator[Step]:
    parent = gone.partition_of.parent if gone.partition_of else None
    if parent is not None and parent not in ctx.target.tables:
        yield COVERED  # goes with its parent
        return
    if parent is not None:
        yield from detached(gone, ctx)
    for column in gone.columns:
        yield from disowned(gone, column, ctx)
    name = qualified(gone.name)
    kind = "FOREIGN TABLE" if gone.foreign else "TABLE"
    count = Query(f"SELECT count(*) FROM {name}", "the rows that will be lost")
    partitions = _partitions(gone.name, ctx)
    yield dropping(
        Phase.CONTRACT,
        f"Drop table {name}",
        [*_circular(gone, ctx), f"DROP {kind} {name}"],
        "Only once no instance of the old code is left and a backup can be restored.",
        undo=Undo((), "no_return", "", f"every row of {name}"),
        objects=[("table", dotted(each.name)) for each in (gone, *partitions)],
        preflight=() if gone.foreign else (count,),
        loses_data="" if gone.foreign else f"every row of {name}",
        references=(MANUAL + "sql-droptable.html",),
    )


def _partitions(parent: Name, ctx: Context) -> list[Table]:
    """Partitions that are dropped with their parent, those of partitions included."""
    found: list[Table] = []
    for each in ctx.current.tables.values():
        mine = each.partition_of is not None and each.partition_of.parent == parent
        if mine and each.name not in ctx.target.tables:
            found += [each, *_partitions(each.name, ctx)]
    return found


def _circular(gone: Table, ctx: Context) -> Iterator[str]:
    """Foreign keys of other dropped tables that refer to this one while it leads back to them."""
    removed = {
        name: each for name, each in ctx.current.tables.items() if name not in ctx.target.tables
    }
    reached = _reached(_root(gone, ctx), removed, ctx)
    for other in removed.values():
        if _root(other, ctx) == _root(gone, ctx) or _root(other, ctx) not in reached:
            continue
        for key in other.foreign_keys.values():
            referred = removed.get(key.table)
            if referred and not key.inherited and _root(referred, ctx) == _root(gone, ctx):
                yield (
                    f"ALTER TABLE IF EXISTS {qualified(other.name)}"
                    f" DROP CONSTRAINT IF EXISTS {ident(key.name)}"
                )


def _root(table: Table, ctx: Context) -> Name:
    """The partitioned table that a partition is dropped with, or the table itself."""
    for _ in range(100):
        parent = ctx.current.tables.get(table.partition_of.parent) if table.partition_of else None
        if parent is None or parent.name in ctx.target.tables:
            break
        table = parent
    return table.name


def _reached(start: Name, removed: Mapping[Name, Table], ctx: Context) -> set[Name]:
    """The dropped tables that foreign keys lead to, directly or not."""
    leads: dict[Name, set[Name]] = {}
    for each in removed.values():
        targets = [removed[k.table] for k in each.foreign_keys.values() if k.table in removed]
        leads.setdefault(_root(each, ctx), set()).update(_root(t, ctx) for t in targets)
    found: set[Name] = set()
    waiting = [start]
    while waiting:
        for name in leads.get(waiting.pop(), ()):
            if name not in found:
                found.add(name)
                waiting.append(name)
    return found


def _changed(change: Change, ctx: Context) -> Iterator[Step]:
    before, after = _own(change.before), _own(change.after)
    key = change.object
    for field in change.fields:
        if field in ("comment", "columns", "partition_by", *_ROW_SECURITY):
            continue
        if field == "partition_of":
            yield from _partition(before, after, ctx)
        elif field == "inherits":
            yield _inheritance(before, after, key)
        elif recipe := _SETTINGS.get(field):
            made = recipe(before, after, key)
            marked = field in ("replica_identity", "cluster_on")
            more = _named_indexes(ctx.target.tables[after.name]) if marked else []
            yield replace(made, objects=(*made.objects, *more))
    if not set(change.fields) & {*_ROW_SECURITY, "partition_by"}:
        yield COVERED


def _own(head: Head) -> Table:
    assert isinstance(head.own, Table)
    return head.own


def _partition(before: Table, after: Table, ctx: Context) -> Iterator[Step]:
    if before.partition_of and after.partition_of:
        yield from rebound(before, after, ctx)
    elif after.partition_of:
        yield from attached(ctx.target.tables[after.name], ctx)
    else:
        yield from detached(before, ctx)


def _inheritance(before: Table, after: Table, key: ObjectKey) -> Step:
    gone = [name for name in before.inherits if name not in after.inherits]
    new = [name for name in after.inherits if name not in before.inherits]
    forth = [f"NO INHERIT {qualified(n)}" for n in gone] + [f"INHERIT {qualified(n)}" for n in new]
    back = [f"NO INHERIT {qualified(n)}" for n in new] + [f"INHERIT {qualified(n)}" for n in gone]
    return step(
        Phase.MIGRATE,
        f"Parents of {qualified(after.name)}",
        [altered(after, each) for each in forth],
        "Queries on the parent see the rows of its children: not before the code expects it.",
        [altered(before, each) for each in back],
        [key],
    )


def _set(before: Table, after: Table, key: ObjectKey) -> Step:
    """Storage parameters, or options of a foreign table."""
    return step(
        Phase.EXPAND,
        f"Options of {qualified(after.name)}",
        _options(before, after),
        "They hold for what is written from now on.",
        _options(after, before),
        [key],
    )


def _options(before: Table, after: Table) -> list[str]:
    gone = [name for name in before.options if name not in after.options]
    new = {k: v for k, v in after.options.items() if before.options.get(k) != v}
    if after.foreign:
        words = [f"DROP {ident(name)}" for name in gone]
        for name, value in new.items():
            verb = "SET" if name in before.options else "ADD"
            words.append(f"{verb} {ident(name)} {literal(value)}")
        return [altered(after, f"OPTIONS ({', '.join(words)})")]
    actions = (
        [f"RESET ({', '.join('.'.join(map(ident, n.split('.'))) for n in gone)})"] if gone else []
    )
    return [altered(after, *actions, *([f"SET {options(new)}"] if new else []))]


def _replicated(before: Table, after: Table, key: ObjectKey) -> Step:
    return step(
        Phase.MIGRATE,
        f"Replica identity of {qualified(after.name)}",
        altered(after, _replica_identity(after)),
        "Logical replication tells rows apart by it; subscribers need it in the stream.",
        altered(before, _replica_identity(before)),
        [key],
    )


def _clustered(before: Table, after: Table, key: ObjectKey) -> Step:
    def action(table: Table) -> str:
        on = table.cluster_on
        return altered(table, f"CLUSTER ON {ident(on)}" if on else "SET WITHOUT CLUSTER")

    why = "Only a mark for the next CLUSTER."
    title = f"Clustering of {qualified(after.name)}"
    return step(Phase.EXPAND, title, action(after), why, action(before), [key])


def _logged(before: Table, after: Table, key: ObjectKey) -> Step:
    def action(table: Table) -> str:
        return altered(table, "SET UNLOGGED" if table.persistence == "unlogged" else "SET LOGGED")

    return step(
        Phase.MIGRATE,
        f"Persistence of {qualified(after.name)}",
        action(after),
        "The table is written anew under ACCESS EXCLUSIVE; there is no online way."
        " Unlogged tables are empty after a crash and on standbys.",
        action(before),
        [key],
        hazards=("rewrite",),
    )


def _moved(before: Table, after: Table, key: ObjectKey) -> Step:
    def action(table: Table) -> str:
        return altered(table, f"SET TABLESPACE {ident(table.tablespace or 'pg_default')}")

    return step(
        Phase.MIGRATE,
        f"Tablespace of {qualified(after.name)}",
        action(after),
        "The files are copied under ACCESS EXCLUSIVE; pg_repack does it online.",
        action(before),
        [key],
        hazards=("rewrite",),
    )


def _stored(before: Table, after: Table, key: ObjectKey) -> Step:
    def action(table: Table) -> str:
        return altered(table, f"SET ACCESS METHOD {ident(table.access_method or 'heap')}")

    return step(
        Phase.MIGRATE,
        f"Access method of {qualified(after.name)}",
        action(after),
        "The table is written anew under ACCESS EXCLUSIVE; there is no online way.",
        action(before),
        [key],
        hazards=("rewrite",),
    )


def _typed(before: Table, after: Table, key: ObjectKey) -> Step:
    def action(table: Table) -> str:
        return altered(table, f"OF {qualified(table.of_type)}" if table.of_type else "NOT OF")

    why = "Only the catalog changes; columns must fit the type."
    title = f"Type of table {qualified(after.name)}"
    return step(Phase.EXPAND, title, action(after), why, action(before), [key])


_SETTINGS = {
    "options": _set,
    "replica_identity": _replicated,
    "cluster_on": _clustered,
    "persistence": _logged,
    "tablespace": _moved,
    "access_method": _stored,
    "of_type": _typed,
}
RECIPES: dict[str, Recipe] = {"table": table}
