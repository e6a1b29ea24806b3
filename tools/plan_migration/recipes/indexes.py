"""Indexes: built, replaced and dropped while the table is in use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from ...ddl.diff import Change, dotted
from ...ddl.model import Index, IndexPart, Key, Name, Schema, Sql, Table, View
from ...ddl.postgres.emit import Emitter
from ...ddl.postgres.text import ident, literal, options, qualified
from ..context import Context
from ..model import Phase, Query, Step, Undo
from .base import (
    COVERED,
    MANUAL,
    ObjectKey,
    Recipe,
    dropping,
    relation_of,
    step,
    temporary,
)
from .written import commented

_REFERENCE: Final = (MANUAL + "sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY",)
_IN_PLACE: Final = frozenset({"options", "tablespace", "comment", "only", "parent", "invisible"})


def index(change: Change, ctx: Context) -> Iterator[Step]:
    """Steps for an index of a table or of a materialized view."""
    view = ctx.changed.get(("view", change.object[1]))
    if view and view.kind == "changed" and {"query", "columns", "materialized"} & set(view.fields):
        yield COVERED  # the view is made anew with its indexes
    elif change.kind == "added":
        yield from _added(change, ctx)
    elif change.kind == "removed":
        yield from _removed(change, ctx)
    else:
        yield from _changed(change, ctx)


def _added(change: Change, ctx: Context) -> Iterator[Step]:
    owner = relation_of(change.object, ctx, ctx.target)
    new: Index = change.after
    if owner is None:
        return
    if new.parent is not None:
        if _is_covered(owner, new, ctx):
            yield COVERED
            return
        yield from build(owner, new, ctx, change.object)
        yield attach(owner, new, change.object)
        return
    if (renamed := _renamed(change, ctx)) is not None:
        yield renamed
        return
    yield from build(owner, new, ctx, change.object)


def _is_covered(owner: Table | View, new: Index, ctx: Context) -> bool:
    """A partition's copy comes with its parent's index, or with a new partition."""
    if not isinstance(owner, Table) or owner.partition_of is None or new.parent is None:
        return False
    parent = owner.partition_of.parent
    before = ctx.current.tables.get(parent)
    if ctx.is_new(owner.name) or before is None or new.parent.name not in before.indexes:
        return True
    return _is_made_anew(parent, new.parent.name, ctx)


def _is_made_anew(parent: Name, index: str, ctx: Context) -> bool:
    """Whether the index of a partitioned table is dropped and built again, with its parts."""
    change = ctx.changed.get(("index", dotted(parent), index))
    structure = set(change.fields) - _IN_PLACE if change else set()
    if change is None or structure == {"parts"}:
        return change is not None and _bare(change.before) != _bare(change.after)
    return bool(structure)


def build(owner: Table | View, new: Index, ctx: Context, key: ObjectKey) -> Iterator[Step]:
    """Steps that make an index, of partitions one by one."""
    name = qualified(Name(owner.name.schema, new.name))
    emitter = ctx.writes_target.tables
    is_new = owner.name not in ctx.current.tables and owner.name not in ctx.current.views
    if is_new or (isinstance(owner, Table) and ctx.is_small(owner.name)):
        partitioned = isinstance(owner, Table) and owner.partition_by is not None
        statements = (
            list(_plain(owner, new, ctx)) if partitioned else [emitter.index(owner.name, new)]
        )
        yield step(
            Phase.EXPAND,
            f"Create index {name}",
            [*statements, *_statistics(owner, new)],
            "Nobody uses the table yet." if is_new else "The table is small: it takes no time.",
            _dropped_again(owner, new, ctx),
            [key],
            transaction="shared" if is_new else "own",
        )
        return
    if isinstance(owner, Table) and owner.partition_by:
        yield from _partitioned(owner, new, ctx, key)
    else:
        yield concurrently(owner.name, new, ctx, key)
    if settings := _statistics(owner, new):
        why = "ANALYZE collects more values of the expression."
        yield step(Phase.EXPAND, f"Statistics of index {name}", settings, why, Undo(), [key])


def _dropped_again(owner: Table | View, new: Index, ctx: Context) -> list[str]:
    """DROP INDEX, and the keys of partitions again that became parts of the index."""
    name = qualified(Name(owner.name.schema, new.name))
    local = [*_local_keys(owner, new, ctx.target)] if isinstance(owner, Table) else []
    return [f"DROP INDEX {name}{' CASCADE' * bool(local)}", *_made_again(local, ctx.target)]


def _local_keys(owner: Table, index: Index, schema: Schema) -> Iterator[tuple[Table, Key]]:
    """Keys of partitions' own that may serve as their parts of a unique index."""
    if not owner.partition_by or not index.unique:
        return
    for partition in schema.tables.values():
        if partition.partition_of and partition.partition_of.parent == owner.name:
            if key := partition.own_key(index):
                yield partition, key
            yield from _local_keys(partition, index, schema)


def goes_with_index(partition: Table, key: Key, ctx: Context) -> bool:
    """Whether a partition's key is dropped as a part of its parent's index."""
    of = partition.partition_of
    parent = ctx.current.tables.get(of.parent) if of else None
    after = ctx.target.tables.get(of.parent) if of else None
    return (
        parent is not None
        and after is not None
        and any(
            partition.own_key(index) == key
            for name, index in parent.indexes.items()
            if name not in after.indexes
        )
    )


def _made_again(local: Iterable[tuple[Table, Key]], schema: Schema) -> Iterator[str]:
    """Keys that may have gone with an index, as the one of several that it took."""
    for table, key in local:
        text = Emitter(schema).tables.key(table, key).removeprefix(f"CONSTRAINT {ident(key.name)} ")
        drop = f"DROP CONSTRAINT IF EXISTS {ident(key.name)}"
        yield f"ALTER TABLE {qualified(table.name)} {drop}, ADD CONSTRAINT {ident(key.name)} {text}"


def _plain(owner: Table | View, new: Index, ctx: Context) -> Iterator[str]:
    assert isinstance(owner, Table)
    yield from ctx.writes_target.tables.indexes(replace(owner, indexes={new.name: new}))


def online(table: Name, index: Index, ctx: Context) -> str:
    """CREATE INDEX CONCURRENTLY."""
    statement = ctx.writes_target.tables.index(table, index)
    return statement.replace(" INDEX ", " INDEX CONCURRENTLY ", 1)


def concurrently(table: Name, new: Index, ctx: Context, key: ObjectKey) -> Step:
    """CREATE INDEX CONCURRENTLY, with what has to be looked at before."""
    name = qualified(Name(table.schema, new.name))
    checks: tuple[Query, ...] = ()
    if new.unique:
        parts = [ident(p.expression) if p.is_column else f"({p.expression})" for p in new.parts]
        checks = (_duplicates(table, parts, new.where, new.nulls_not_distinct),)
    return step(
        Phase.EXPAND,
        f"Create index {name}",
        online(table, new, ctx),
        "Reads and writes go on while it is built. If it fails an INVALID index is left: drop it"
        " and try again." + (" Duplicates make it fail." if new.unique else ""),
        f"DROP INDEX CONCURRENTLY IF EXISTS {name}",
        [key],
        transaction="none",
        preflight=checks,
        verify=(
            Query(
                f"SELECT indisvalid FROM pg_index WHERE indexrelid = {literal(name)}::regclass", "t"
            ),
        ),
        references=_REFERENCE,
    )


def duplicates(table: Name, columns: Sequence[str], nulls_not_distinct: bool) -> Query:
    """Rows that a unique key would refuse."""
    return _duplicates(table, [*map(ident, columns)], None, nulls_not_distinct)


def _duplicates(
    table: Name, parts: Sequence[str], where: str | None, nulls_not_distinct: bool
) -> Query:
    given = [f"({where})"] if where else []
    if not nulls_not_distinct:
        given += [f"{part} IS NOT NULL" for part in parts]
    condition = f" WHERE {' AND '.join(given)}" if given else ""
    key = ", ".join(parts)
    return Query(
        f"SELECT {key}, count(*) FROM {qualified(table)}{condition}"
        f" GROUP BY {key} HAVING count(*) > 1 LIMIT 10",
        "no rows",
        "Duplicates would make it fail.",
    )


def _partitioned(owner: Table, new: Index, ctx: Context, key: ObjectKey) -> Iterator[Step]:
    """An index on ONLY the parent, one on each partition, and these attached."""
    emitter = ctx.writes_target.tables
    name = qualified(Name(owner.name.schema, new.name))
    yield step(
        Phase.EXPAND,
        f"Create index {name} on the parent alone",
        emitter.index(owner.name, new, only=True),
        "CONCURRENTLY cannot be used on a partitioned table: it stays invalid until every"
        " partition's index is attached.",
        f"DROP INDEX {name}",
        [key],
        references=_REFERENCE,
    )
    for partition in ctx.target.tables.values():
        if not partition.partition_of or partition.partition_of.parent != owner.name:
            continue
        if not ctx.is_new(partition.name) and (local := local_key(partition, new)):
            key_of = ("key", dotted(partition.name), local)
            if key_of in ctx.changed:
                continue  # attached when it is there
            yield attach(
                partition,
                replace(new, name=local, parent=Name(owner.name.schema, new.name)),
                key,
                key_of,
            )
        for copy in partition.indexes.values():
            if copy.parent == Name(owner.name.schema, new.name):
                of_copy = ("index", dotted(partition.name), copy.name)
                before = ctx.current.tables.get(partition.name)
                if before is None:
                    continue
                old = before.indexes.get(copy.name)
                if old is not None and old.parent != copy.parent:
                    continue
                yield from build(partition, copy, ctx, of_copy)
                yield attach(partition, copy, of_copy, key)


def local_key(partition: Table, new: Index) -> str:
    """A key of the partition's own that serves as its part of a unique index."""
    parent = [c.parent.name for c in partition.indexes.values() if c.parent]
    key = None if new.name in parent else partition.own_key(new)
    return key.name if key else ""


def attach(owner: Table | View, copy: Index, *keys: ObjectKey) -> Step:
    """A partition's index becomes part of its parent's."""
    assert copy.parent is not None
    name = qualified(Name(owner.name.schema, copy.name))
    return step(
        Phase.EXPAND,
        f"Attach index {name}",
        f"ALTER INDEX {qualified(copy.parent)} ATTACH PARTITION {name}",
        "Only the catalog changes.",
        Undo((), "no_return", "", "nothing; the index goes with its parent's"),
        keys,
    )


def _statistics(owner: Table | View, new: Index) -> list[str]:
    name = qualified(Name(owner.name.schema, new.name))
    return [
        f"ALTER INDEX {name} ALTER COLUMN {number} SET STATISTICS {part.statistics}"
        for number, part in enumerate(new.parts, 1)
        if part.statistics is not None
    ]


def _renamed(change: Change, ctx: Context) -> Step | None:
    """The same index under another name."""
    old = _same(change, ctx, "removed")
    if old is None:
        return None
    schema = ctx.names[change.object[1]].schema
    old_name, new_name = Name(schema, old[2]), Name(schema, change.object[2])
    return dropping(
        Phase.EXPAND,
        f"Rename index {qualified(old_name)}",
        f"ALTER INDEX {qualified(old_name)} RENAME TO {ident(new_name.name)}",
        "Only the catalog changes.",
        undo=Undo((f"ALTER INDEX {qualified(new_name)} RENAME TO {ident(old_name.name)}",)),
        objects=[old, change.object],
    )


def _same(change: Change, ctx: Context, kind: str) -> ObjectKey | None:
    """An index of the same table that is removed where this is added, equal but for its name."""
    mine: Index = change.after or change.before
    others = [
        other
        for other in ctx.changes
        if other.kind == kind
        and other.object[:2] == change.object[:2]
        and replace(other.before or other.after, name="", comment="", at=None)
        == replace(mine, name="", comment="", at=None)
    ]
    alike = [
        other
        for other in ctx.changes
        if other.kind == change.kind
        and other.object[:2] == change.object[:2]
        and replace(other.before or other.after, name="", comment="", at=None)
        == replace(mine, name="", comment="", at=None)
    ]
    return others[0].object if len(others) == len(alike) == 1 else None


def index_of(key: Key, name: str) -> Index:
    """The index that a key would have, by itself."""
    return Index(
        name,
        tuple(IndexPart(Sql(column)) for column in key.columns),
        unique=True,
        include=key.include,
        nulls_not_distinct=key.nulls_not_distinct,
        options=key.options,
    )


def taken_index(table: Name, new: Key, ctx: Context) -> Index | None:
    """An index that is there, goes, and is what a new key needs."""
    before, after = ctx.current.tables.get(table), ctx.target.tables.get(table)
    if before is None or after is None or after.partition_by or ctx.is_small(table):
        return None
    wanted = index_of(new, "")
    for index in before.indexes.values():
        alike = replace(index, name="", comment="", at=None) == wanted
        if alike and index.name not in after.indexes and not new.without_overlaps:
            return index
    return None


def _becomes_key(owner: Table | View, old: Index, ctx: Context) -> bool:
    """Whether a new key of the table takes the index."""
    made = (
        change.after
        for change in ctx.changes
        if change.object[:2] == ("key", dotted(owner.name))
        and (change.kind == "added" or {"columns", "primary", "include"} & set(change.fields))
    )
    return any(taken_index(owner.name, key, ctx) == old for key in made if not key.inherited)


def _removed(change: Change, ctx: Context) -> Iterator[Step]:
    owner = relation_of(change.object, ctx, ctx.current)
    old: Index = change.before
    if owner is None or _same(change, ctx, "added") is not None or _becomes_key(owner, old, ctx):
        yield COVERED
        return
    partitioned = isinstance(owner, Table) and owner.partition_by is not None
    if old.parent is not None and _goes_with_parent(owner, old, ctx):
        yield COVERED
        return
    name = qualified(Name(owner.name.schema, old.name))
    online = not partitioned and not (isinstance(owner, Table) and ctx.is_small(owner.name))
    concurrent = " CONCURRENTLY" if online else ""
    copies = [
        ("index", dotted(p.name), c.name)
        for p in ctx.current.tables.values()
        for c in p.indexes.values()
        if partitioned and c.parent == Name(owner.name.schema, old.name)
    ]
    local = [*_local_keys(owner, old, ctx.current)] if isinstance(owner, Table) else []
    copies += [("key", dotted(each.name), key.name) for each, key in local]
    yield dropping(
        Phase.CONTRACT,
        f"Drop index {name}",
        f"DROP INDEX{concurrent} {name}{' CASCADE' * bool(local)}",
        "Only once no query of the old code is left that needs it."
        + (
            " CONCURRENTLY waits for running queries instead of blocking new ones."
            if online
            else ""
        ),
        undo=_undone(owner, old, online, local, ctx),
        objects=[change.object, *copies],
        transaction="none" if online else "own",
        preflight=(
            Query(
                "SELECT idx_scan FROM pg_stat_user_indexes"
                f" WHERE indexrelid = {literal(name)}::regclass",
                "no scans since the old code is gone",
            ),
        ),
        references=(MANUAL + "sql-dropindex.html",),
    )


def _undone(
    owner: Table | View, old: Index, online: bool, local: list[tuple[Table, Key]], ctx: Context
) -> Undo:
    """The index as it was, while the rows let it be unique; what a failed try left goes first."""
    sql = tuple(_built_again(owner, old, online, local, ctx))
    if not old.unique or _is_covered_still(owner, old, ctx):
        return Undo(sql)
    if online:
        name = qualified(Name(owner.name.schema, old.name))
        sql = (f"DROP INDEX CONCURRENTLY IF EXISTS {name}", *sql)
    return Undo(sql, "until", "a row is written that the index refuses", "nothing, but it fails")


def _is_covered_still(owner: Table | View, old: Index, ctx: Context) -> bool:
    """Whether what the target has keeps the rows as different as the index did."""
    after = ctx.target.tables.get(owner.name)
    if after is None or old.nulls_not_distinct:
        return False
    return any(set(columns) <= set(old.columns) for columns in after.unique_sets())


def _built_again(
    owner: Table | View, old: Index, online: bool, local: list[tuple[Table, Key]], ctx: Context
) -> Iterator[str]:
    """An index as it was, of a partitioned table with its parts."""
    emitter = ctx.writes_current.tables
    yield from _made_again(local, ctx.current)
    if isinstance(owner, Table) and owner.partition_by:
        yield from emitter.indexes(replace(owner, indexes={old.name: old}))
    elif online:
        yield emitter.index(owner.name, old).replace(" INDEX ", " INDEX CONCURRENTLY ", 1)
    else:
        yield emitter.index(owner.name, old)


def _goes_with_parent(owner: Table | View, old: Index, ctx: Context) -> bool:
    if not isinstance(owner, Table) or owner.partition_of is None or old.parent is None:
        return False
    after = ctx.target.tables.get(owner.partition_of.parent)
    if after is None or old.parent.name not in after.indexes:
        return True
    return _is_made_anew(owner.partition_of.parent, old.parent.name, ctx)


def _changed(change: Change, ctx: Context) -> Iterator[Step]:
    owner = relation_of(change.object, ctx, ctx.target)
    if owner is None:
        return
    old, new = change.before, change.after
    structure = set(change.fields) - _IN_PLACE
    if structure == {"parts"} and _bare(old) == _bare(new):
        settings = [
            f"ALTER INDEX {qualified(Name(owner.name.schema, new.name))} ALTER COLUMN {n}"
            f" SET STATISTICS {-1 if part.statistics is None else part.statistics}"
            for n, part in enumerate(new.parts, 1)
            if part.statistics != old.parts[n - 1].statistics
        ]
        why = "ANALYZE collects more or fewer values of the expression."
        yield step(
            Phase.EXPAND, f"Statistics of index {new.name}", settings, why, Undo(), [change.object]
        )
    elif structure:
        yield from _replaced(owner, old, new, ctx, change.object)
        return
    else:
        yield COVERED
    yield from _in_place(owner, old, new, change)


def _bare(index: Index) -> list[object]:
    return [replace(part, statistics=None) for part in index.parts]


def _in_place(owner: Table | View, old: Index, new: Index, change: Change) -> Iterator[Step]:
    name = qualified(Name(owner.name.schema, new.name))
    if "options" in change.fields:
        yield step(
            Phase.EXPAND,
            f"Options of index {name}",
            _options(name, old, new),
            "They hold for what is written from now on.",
            _options(name, new, old),
            [change.object],
        )
    if "tablespace" in change.fields:
        yield step(
            Phase.EXPAND,
            f"Tablespace of index {name}",
            f"ALTER INDEX {name} SET TABLESPACE {ident(new.tablespace or 'pg_default')}",
            "The files are copied under ACCESS EXCLUSIVE on the index.",
            f"ALTER INDEX {name} SET TABLESPACE {ident(old.tablespace or 'pg_default')}",
            [change.object],
        )
    if "parent" in change.fields and new.parent is not None:
        yield attach(owner, new, change.object)


def _options(name: str, old: Index, new: Index) -> list[str]:
    gone = [key for key in old.options if key not in new.options]
    found = [f"ALTER INDEX {name} RESET ({', '.join(map(ident, gone))})"] if gone else []
    given = {key: value for key, value in new.options.items() if old.options.get(key) != value}
    return [*found, *([f"ALTER INDEX {name} SET {options(given)}"] if given else [])]


def _replaced(
    owner: Table | View, old: Index, new: Index, ctx: Context, key: ObjectKey
) -> Iterator[Step]:
    """The new one is built beside the old one, then they change names."""
    name = Name(owner.name.schema, old.name)
    partitioned = isinstance(owner, Table) and owner.partition_by is not None
    if old.parent is not None or new.parent is not None or partitioned:
        if old.parent is not None and new.parent is not None:
            yield COVERED
            return
        yield dropping(
            Phase.EXPAND,
            f"Drop index {qualified(name)}",
            f"DROP INDEX {qualified(name)}",
            "A partitioned index is built anew from its partitions; queries go without meanwhile.",
            undo=Undo((*_built_again(owner, old, False, [], ctx),)),
            objects=[key],
        )
        yield from build(owner, new, ctx, key)
        return
    fresh = replace(new, name=temporary(new.name, "new"))
    built = concurrently(owner.name, fresh, ctx, key)
    comment = commented((*key[:2], fresh.name), fresh, ctx)
    yield replace(built, sql=(*built.sql, *comment))
    stale = Name(name.schema, temporary(old.name, "old"))
    names = [
        f"ALTER INDEX {qualified(name)} RENAME TO {ident(stale.name)}",
        f"ALTER INDEX {qualified(Name(name.schema, fresh.name))} RENAME TO {ident(new.name)}",
        *_statistics(owner, new),
    ]
    back = [
        f"ALTER INDEX {qualified(name)} RENAME TO {ident(fresh.name)}",
        f"ALTER INDEX {qualified(stale)} RENAME TO {ident(old.name)}",
    ]
    why = "Only names change, in one transaction."
    yield step(Phase.EXPAND, f"Exchange index {qualified(name)}", names, why, back, [key])
    kept = replace(old, name=stale.name)
    again = ctx.writes_current.tables.index(owner.name, kept)
    said_old = commented((*key[:2], kept.name), kept, ctx)
    down, up = _referring(owner, old, ctx)
    if down:
        yield step(
            Phase.CONTRACT,
            f"Drop the old index {qualified(stale)}",
            [*down, f"DROP INDEX {qualified(stale)}", *up],
            "Foreign keys that need the old one are made anew on the new one.",
            [again, *said_old],
            [key],
        )
        return
    yield step(
        Phase.CONTRACT,
        f"Drop the old index {qualified(stale)}",
        f"DROP INDEX CONCURRENTLY {qualified(stale)}",
        "Only once no query of the old code is left that needs it.",
        [again.replace(" INDEX ", " INDEX CONCURRENTLY ", 1), *said_old],
        [key, *_changed_referring(owner, ctx)],
        transaction="none",
    )


def _changed_referring(owner: Table | View, ctx: Context) -> list[ObjectKey]:
    """Foreign keys that may need the old index and change, too."""
    return [
        key
        for key, change in ctx.changed.items()
        if key[0] == "foreign key" and change.before and change.before.table == owner.name
    ]


def _referring(owner: Table | View, old: Index, ctx: Context) -> tuple[list[str], list[str]]:
    from .constraints import referring

    if isinstance(owner, View) or not old.unique:
        return [], []
    return referring(owner, tuple(str(part.expression) for part in old.parts), ctx)


RECIPES: dict[str, Recipe] = {"index": index}
