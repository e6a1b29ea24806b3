"""Checks, foreign keys, unique and primary keys, exclusions: added without a scan under lock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from ...ddl.diff import Change, dotted
from ...ddl.expressions import columns_of
from ...ddl.model import Check, Exclusion, ForeignKey, Index, Key, Name, Table
from ...ddl.postgres.text import deferrable, ident, idents, qualified
from ..context import Context
from ..model import Phase, Query, Step, Undo
from .base import (
    COVERED,
    MANUAL,
    ObjectKey,
    Recipe,
    altered,
    dropping,
    home,
    no_rows,
    settled,
    step,
    temporary,
)
from .conflicts import refused_by_exclusion, refused_by_key
from .indexes import (
    attach,
    concurrently,
    goes_with_index,
    index_of,
    local_key,
    online,
    taken_index,
)
from .partition_keys import partitioned_key
from .written import commented

_REFERENCE: Final = (MANUAL + "sql-altertable.html#SQL-ALTERTABLE-NOTES",)
_SILENT: Final = frozenset({"comment", "inherited"})
_UNTIL_REFUSED: Final = "a row is written that the old key refuses"


def check(change: Change, ctx: Context) -> Iterator[Step]:
    """Steps for a check of a table."""
    if change.object[1] not in ctx.tables_after and change.object[1] not in ctx.tables_before:
        return  # of a domain
    if change.kind == "added":
        table = ctx.tables_after[change.object[1]]
        if change.after.inherited:
            yield COVERED
        elif (renamed := _renamed(change, table, ctx)) is not None:
            yield renamed
        else:
            yield from _add_check(table, change.after, ctx, change.object)
    elif change.kind == "removed":
        yield from _remove(change, ctx, Phase.EXPAND)
    else:
        yield from _change_check(change, ctx)


def _check_text(table: Table, new: Check, ctx: Context) -> str:
    return ctx.writes_target.tables.check(new, f"CONSTRAINT {ident(new.name)} ")


def _add_check(table: Table, new: Check, ctx: Context, *keys: ObjectKey) -> Iterator[Step]:
    used = columns_of(new.expression)
    violating = f"SELECT * FROM {qualified(table.name)} WHERE NOT ({new.expression}) LIMIT 10"
    asked = no_rows(violating, "They violate it.")
    if not new.valid or not new.enforced or ctx.is_small(table.name) or table.foreign:
        yield step(
            settled(table, used, ctx),
            f"Add check {ident(new.name)} to {qualified(table.name)}",
            altered(table, f"ADD {_check_text(table, new, ctx)}"),
            "No row has to be read." if not new.valid else "The table is small: it takes no time.",
            altered(table, f"DROP CONSTRAINT {ident(new.name)}"),
            keys,
            preflight=(asked,) if new.valid and new.enforced else (),
            references=_REFERENCE,
        )
        return
    yield step(
        settled(table, used, ctx),
        f"Add check {ident(new.name)} to {qualified(table.name)}, not valid",
        altered(table, f"ADD {_check_text(table, replace(new, valid=False), ctx)}"),
        "It holds for what is written from now on; the rows that are there are not read.",
        altered(table, f"DROP CONSTRAINT {ident(new.name)}"),
        keys,
        references=_REFERENCE,
    )
    yield validated(table, new.name, settled(table, used, ctx), keys, asked)


def validated(
    table: Table, name: str, phase: Phase, keys: tuple[ObjectKey, ...], *preflight: Query
) -> Step:
    """VALIDATE CONSTRAINT: reads every row, in its own transaction, while others write."""
    return step(
        phase,
        f"Validate {ident(name)} of {qualified(table.name)}",
        altered(table, f"VALIDATE CONSTRAINT {ident(name)}"),
        "Every row is read under SHARE UPDATE EXCLUSIVE: reads and writes go on. In the"
        " transaction of the step before, its strong lock would be held all the time.",
        Undo(),
        keys,
        preflight=preflight,
        verify=(
            Query(
                f"SELECT convalidated FROM pg_constraint WHERE conname = '{_quoted(name)}'"
                f" AND conrelid = '{_quoted(qualified(table.name))}'::regclass",
                "t",
            ),
        ),
        references=_REFERENCE,
    )


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _change_check(change: Change, ctx: Context) -> Iterator[Step]:
    table = ctx.tables_after[change.object[1]]
    old, new = change.before, change.after
    fields = set(change.fields) - _SILENT
    if not fields or new.inherited:
        yield COVERED
    elif fields == {"valid"} and new.valid:
        yield validated(table, new.name, Phase.MIGRATE, (change.object,))
    elif _types_change(table, columns_of(old.expression) | columns_of(new.expression), ctx):
        yield from _remove(change, ctx, Phase.EXPAND)
        yield from _add_check(table, new, ctx, change.object)
    else:
        fresh = replace(new, name=temporary(new.name))
        steps = _commented(_add_check(table, fresh, ctx, change.object), table, fresh, ctx)
        yield from steps
        yield step(
            steps[-1].phase,
            f"Exchange check {ident(new.name)} of {qualified(table.name)}",
            [
                altered(table, f"DROP CONSTRAINT {ident(old.name)}"),
                altered(table, f"RENAME CONSTRAINT {ident(fresh.name)} TO {ident(new.name)}"),
            ],
            "Rows are guarded at every moment: the old one goes when the new one is valid.",
            _exchanged_back(table, old, new.name, fresh.name, ctx),
            [change.object],
        )


def _exchanged_back(
    table: Table, old: Check | ForeignKey, name: str, fresh: str, ctx: Context
) -> Undo:
    rename = altered(table, f"RENAME CONSTRAINT {ident(name)} TO {ident(fresh)}")
    again = _again(table, old, ctx)
    return replace(again, sql=(rename, *again.sql, *commented(_key_of(table, old), old, ctx)))


def _commented(
    steps: Iterator[Step], table: Table, fresh: Check | ForeignKey, ctx: Context
) -> list[Step]:
    """The steps that add a constraint, with its comment, which the name is exchanged with."""
    first, *rest = steps
    comment = commented(_key_of(table, fresh), fresh, ctx)
    return [replace(first, sql=(*first.sql, *comment)), *rest]


def _key_of(table: Table, constraint: Check | ForeignKey) -> ObjectKey:
    kind = "check" if isinstance(constraint, Check) else "foreign key"
    return kind, dotted(table.name), constraint.name


def _types_change(table: Table, columns: Any, ctx: Context) -> bool:
    """Whether one of the columns gets another type."""
    name = dotted(table.name)
    return any(
        (found := ctx.changed.get(("column", name, column))) is not None
        and {"type", "generated"} & set(found.fields)
        for column in columns
    )


def _remove(change: Change, ctx: Context, phase: Phase) -> Iterator[Step]:
    table = ctx.tables_before[change.object[1]]
    old = change.before
    after = ctx.tables_after.get(change.object[1])
    if change.kind == "removed" and after and _same(change, after, ctx, "added") is not None:
        yield COVERED
        return
    if getattr(old, "inherited", False) and _still_child(table, ctx):
        yield COVERED
        return
    name = ident(old.name)
    kind = change.object[0]
    yield dropping(
        phase,
        f"Drop {kind} {name} of {qualified(table.name)}",
        altered(table, f"DROP CONSTRAINT {'IF EXISTS ' if table.partition_of else ''}{name}"),
        "Nothing that is written becomes wrong by it."
        if phase is Phase.EXPAND
        else "Only once no instance of the old code is left: ON CONFLICT may name it.",
        undo=_again(table, old, ctx),
        objects=[change.object],
    )


def _again(table: Table, old: Check | ForeignKey | Key | Exclusion, ctx: Context) -> Undo:
    """Brings a constraint back, while others write where that is possible."""
    until = Undo((), "until", "a row is written that violates it", "nothing, but it fails")
    at_once = ctx.is_small(table.name) or table.foreign or bool(table.partition_by)
    if isinstance(old, Check | ForeignKey) and old.valid and old.enforced and not at_once:
        late = _text(table, replace(old, valid=False), ctx)
        validate = altered(table, f"VALIDATE CONSTRAINT {ident(old.name)}")
        return replace(until, sql=(altered(table, f"ADD {late}"), validate), transaction="none")
    if isinstance(old, Key) and not old.without_overlaps and not at_once:
        index = index_of(old, temporary(old.name, "old"))
        sql = (online(table.name, index, ctx), altered(table, _using(old, index)))
        return replace(until, sql=sql, transaction="none")
    return replace(until, sql=(altered(table, f"ADD {_text(table, old, ctx)}"),))


def _using(key: Key, index: Index) -> str:
    """The action of ALTER TABLE that makes a key of an index."""
    words = ["PRIMARY KEY" if key.primary else "UNIQUE", "USING INDEX", ident(index.name)]
    words += deferrable(key.deferrable)
    return f"ADD CONSTRAINT {ident(key.name)} {' '.join(words)}"


def _still_child(table: Table, ctx: Context) -> bool:
    """Whether the table keeps a parent, which tells it what to have."""
    after = ctx.target.tables.get(table.name)
    return after is not None and (after.partition_of is not None or bool(after.inherits))


def _text(table: Table, old: Any, ctx: Context) -> str:
    emitter = ctx.writes_current.tables
    name = f"CONSTRAINT {ident(old.name)} "
    if isinstance(old, Check):
        return emitter.check(old, name)
    if isinstance(old, ForeignKey):
        return named(emitter.foreign_key(table, old), old.name)
    if isinstance(old, Key):
        return named(emitter.key(table, old), old.name)
    return emitter.exclusion(old)


def named(text: str, name: str) -> str:
    """A constraint's text with its name, which the emitter leaves out where it is the default."""
    return text if text.startswith("CONSTRAINT ") else f"CONSTRAINT {ident(name)} {text}"


def _plain(constraint: Any) -> Any:
    return replace(constraint, name="", comment="", at=None)


def _same(change: Change, table: Table, ctx: Context, kind: str) -> ObjectKey | None:
    """A constraint of the table that goes where this one comes, equal but for its name."""
    mine = _plain(change.after or change.before)

    def alike(wanted: str) -> list[ObjectKey]:
        return [
            other.object
            for other in ctx.changes
            if other.kind == wanted
            and other.object[:2] == change.object[:2]
            and _plain(other.before or other.after) == mine
        ]

    others = alike(kind)
    return others[0] if len(others) == len(alike(change.kind)) == 1 else None


def _renamed(change: Change, table: Table, ctx: Context) -> Step | None:
    old = _same(change, table, ctx, "removed")
    if old is None:
        return None
    before, after = ident(old[2]), ident(change.object[2])
    return dropping(
        Phase.EXPAND,
        f"Rename {change.object[0]} {before} of {qualified(table.name)}",
        altered(table, f"RENAME CONSTRAINT {before} TO {after}"),
        "Only the catalog changes. Code that names it (ON CONFLICT ON CONSTRAINT) must know both.",
        undo=Undo((altered(table, f"RENAME CONSTRAINT {after} TO {before}"),)),
        objects=[old, change.object],
    )


def foreign_key(change: Change, ctx: Context) -> Iterator[Step]:
    """Steps for a foreign key."""
    if change.kind == "added":
        table = ctx.tables_after[change.object[1]]
        if change.after.inherited:
            yield COVERED
        elif (renamed := _renamed(change, table, ctx)) is not None:
            yield renamed
        else:
            yield from add_foreign_key(table, change.after, ctx, change.object)
    elif change.kind == "removed":
        yield from _remove(change, ctx, Phase.EXPAND)
    else:
        yield from _change_foreign_key(change, ctx)


def add_foreign_key(
    table: Table, new: ForeignKey, ctx: Context, *keys: ObjectKey
) -> Iterator[Step]:
    """NOT VALID first, then VALIDATE: neither holds a strong lock while rows are read."""
    emitter = ctx.writes_target.tables
    phase = settled(table, new.columns, ctx)
    title = f"Add foreign key {ident(new.name)} to {qualified(table.name)}"
    undo = altered(table, f"DROP CONSTRAINT {ident(new.name)}")
    both = (
        f"SHARE ROW EXCLUSIVE on {qualified(table.name)} and {qualified(new.table)}: reads go on."
    )
    small = ctx.is_new(table.name) or ctx.is_small(table.name)
    if small or not new.valid or not new.enforced or table.foreign:
        text = named(emitter.foreign_key(table, new), new.name)
        yield step(phase, title, altered(table, f"ADD {text}"), both, undo, keys)
        return
    if table.partition_by and ctx.version < 18:
        yield from _partitioned_foreign_key(table, new, ctx, phase, keys)
        return
    late = named(emitter.foreign_key(table, replace(new, valid=False)), new.name)
    yield step(
        phase,
        f"{title}, not valid",
        altered(table, f"ADD {late}"),
        both + " The rows that are there are not read.",
        undo,
        keys,
        references=_REFERENCE,
    )
    yield validated(table, new.name, phase, keys, orphans(table, new))


def orphans(table: Table, new: ForeignKey) -> Query:
    """Rows that a foreign key would refuse."""
    pairs = zip(new.columns, new.referenced, strict=False)
    match = " AND ".join(f"p.{ident(other)} = c.{ident(mine)}" for mine, other in pairs)
    given = " AND ".join(f"c.{ident(mine)} IS NOT NULL" for mine in new.columns)
    return no_rows(
        f"SELECT c.* FROM {qualified(table.name)} c WHERE {given} AND NOT EXISTS"
        f" (SELECT FROM {qualified(new.table)} p WHERE {match}) LIMIT 10",
        "Orphans: they refer to no row.",
    )


def _partitioned_foreign_key(
    table: Table, new: ForeignKey, ctx: Context, phase: Phase, keys: tuple[ObjectKey, ...]
) -> Iterator[Step]:
    """Before 18 a partitioned table takes no NOT VALID one: each partition first, then it."""
    emitter = ctx.writes_target.tables
    again = []
    for leaf in leaves(table, ctx):
        again.append(altered(leaf, f"ADD {named(emitter.foreign_key(leaf, new), new.name)}"))
        text = named(emitter.foreign_key(leaf, replace(new, valid=False)), new.name)
        yield step(
            phase,
            f"Add foreign key {ident(new.name)} to {qualified(leaf.name)}, not valid",
            altered(leaf, f"ADD {text}"),
            "PostgreSQL 17 and older take no NOT VALID foreign key on a partitioned table.",
            altered(leaf, f"DROP CONSTRAINT {ident(new.name)}"),
            keys,
        )
        yield validated(leaf, new.name, phase, keys, orphans(leaf, new))
    yield step(
        phase,
        f"Add foreign key {ident(new.name)} to {qualified(table.name)}",
        altered(table, f"ADD {named(emitter.foreign_key(table, new), new.name)}"),
        "Each partition has a valid one like it, which becomes part of it: no row is read.",
        [altered(table, f"DROP CONSTRAINT {ident(new.name)}"), *again],
        keys,
    )


def leaves(table: Table, ctx: Context) -> Iterator[Table]:
    """The partitions that hold rows, as they are now."""
    for each in ctx.current.tables.values():
        if each.partition_of and each.partition_of.parent == table.name:
            if each.partition_by:
                yield from leaves(each, ctx)
            else:
                yield each


def _change_foreign_key(change: Change, ctx: Context) -> Iterator[Step]:
    table = ctx.tables_after[change.object[1]]
    old, new = change.before, change.after
    fields = set(change.fields) - _SILENT
    if not fields or new.inherited:
        yield COVERED
    elif fields == {"valid"} and new.valid:
        yield validated(table, new.name, Phase.MIGRATE, (change.object,), orphans(table, new))
    elif fields == {"deferrable"}:
        yield step(
            Phase.EXPAND,
            f"Defer foreign key {ident(new.name)} of {qualified(table.name)}",
            altered(table, f"ALTER CONSTRAINT {ident(new.name)} {_deferred(new)}"),
            "Only the catalog changes.",
            altered(table, f"ALTER CONSTRAINT {ident(new.name)} {_deferred(old)}"),
            [change.object],
        )
    elif table.partition_by or _loses_ground(table, old, ctx) or new.table != old.table:
        yield from _remove(change, ctx, Phase.EXPAND)
        yield from add_foreign_key(table, new, ctx, change.object)
    else:
        fresh = replace(new, name=temporary(new.name))
        steps = _commented(add_foreign_key(table, fresh, ctx, change.object), table, fresh, ctx)
        yield from steps
        yield step(
            steps[-1].phase,
            f"Exchange foreign key {ident(new.name)} of {qualified(table.name)}",
            [
                altered(table, f"DROP CONSTRAINT {ident(old.name)}"),
                altered(table, f"RENAME CONSTRAINT {ident(fresh.name)} TO {ident(new.name)}"),
            ],
            "Rows are guarded at every moment: the old one goes when the new one is valid.",
            _exchanged_back(table, old, new.name, fresh.name, ctx),
            [change.object],
        )


def _loses_ground(table: Table, old: ForeignKey, ctx: Context) -> bool:
    """Whether the old foreign key cannot stay until the new one is valid."""
    if _types_change(table, old.columns, ctx):
        return True
    other = ctx.current.tables.get(old.table)
    if other is None or _types_change(other, old.referenced, ctx):
        return True
    return any(
        ("key", dotted(other.name), each.name) in ctx.changed
        for each in other.keys.values()
        if set(each.columns) == set(old.referenced)
    )


def retied(table: Table, column: str, ctx: Context) -> Iterator[Step]:
    """Foreign keys whose columns get types that do not fit one after the other: gone meanwhile."""
    before = ctx.current.tables[table.name]
    for key in before.foreign_keys.values():
        of = ("foreign key", dotted(table.name), key.name)
        if column != key.columns[0] or key.inherited or of in ctx.changed:
            continue
        name = ident(key.name)
        yield dropping(
            Phase.MIGRATE,
            f"Drop foreign key {name} of {qualified(table.name)} for a while",
            altered(table, f"DROP CONSTRAINT {name}"),
            "Both sides get types that do not fit the old ones of the other.",
            undo=_again(table, key, ctx),
            objects=[of],
        )
        yield from add_foreign_key(table, table.foreign_keys[key.name], ctx, of)


def _deferred(key: ForeignKey) -> str:
    return " ".join(deferrable(key.deferrable)) or "NOT DEFERRABLE"


def key(change: Change, ctx: Context) -> Iterator[Step]:
    """Steps for a primary key or unique constraint."""
    if change.kind == "added":
        table = ctx.tables_after[change.object[1]]
        if _is_covered(table, change.after, ctx):
            yield COVERED
        elif (renamed := _renamed(change, table, ctx)) is not None:
            yield renamed
        else:
            yield from _add_key(table, change.after, ctx, change.object)
    elif change.kind == "removed":
        new = ctx.tables_after.get(change.object[1])
        if change.before.primary and new is not None and new.primary_key is not None:
            yield COVERED  # with the one that takes its place
            return
        if goes_with_index(ctx.tables_before[change.object[1]], change.before, ctx):
            yield COVERED
            return
        yield from _remove(change, ctx, Phase.CONTRACT)
    else:
        yield from _change_key(change, ctx)


def _is_covered(table: Table, new: Key, ctx: Context) -> bool:
    """A partition's copy comes with its parent's key, or with the partition."""
    return new.inherited


def _add_key(table: Table, new: Key, ctx: Context, of: ObjectKey) -> Iterator[Step]:
    before = ctx.current.tables.get(table.name)
    old = before.primary_key if before and new.primary else None
    replaced: list[ObjectKey] = [] if old is None else [("key", of[1], old.name)]
    drop = [] if old is None else [altered(table, f"DROP CONSTRAINT {ident(old.name)}")]
    yield from exchange_key(table, old, new, ctx, drop, [of, *replaced], replaced)
    parent = ctx.target.tables.get(table.partition_of.parent) if table.partition_of else None
    for index in parent.indexes.values() if parent else ():
        if local_key(table, index) == new.name and parent is not None:
            part = replace(index, name=new.name, parent=Name(parent.name.schema, index.name))
            yield attach(table, part, of)


def exchange_key(
    table: Table,
    old: Key | None,
    new: Key,
    ctx: Context,
    drop: list[str],
    objects: list[ObjectKey],
    drops: list[ObjectKey],
) -> Iterator[Step]:
    """The index is built beside; then it takes the old key's place in one transaction."""
    kind = "primary key" if new.primary else "unique constraint"
    title = f"Add {kind} {ident(new.name)} to {qualified(table.name)}"
    emitter = ctx.writes_target.tables
    down, up = referring(table, old.columns if old else (), ctx)
    said_old = commented((*objects[0][:2], old.name), old, ctx) if old else []
    said_new = commented(objects[0], new, ctx) if old else []
    direct = new.without_overlaps or ctx.is_small(table.name) or ctx.is_new(table.name)
    text = named(emitter.key(table, new), new.name)
    if table.partition_by and not direct and old is None:
        yield from partitioned_key(table, new, text, ctx, objects[0])
        return
    if direct or table.partition_by:
        back = [altered(table, f"ADD {_text(table, old, ctx)}"), *said_old] if old else []
        sql = (*down, altered(table, f"DROP CONSTRAINT {ident(new.name)}"), *back, *up)
        yield step(
            Phase.EXPAND,
            title,
            [*down, *drop, altered(table, f"ADD {text}"), *said_new, *up],
            "The table is small: it takes no time."
            if ctx.is_small(table.name)
            else "There is no way to build it online: the table is locked meanwhile.",
            Undo(sql, "until", _UNTIL_REFUSED, "nothing, but it fails") if old else Undo(sql),
            objects,
            drops=tuple(drops),
            preflight=() if ctx.is_new(table.name) else tuple(refused_by_key(table, new)),
            hazards=() if ctx.is_small(table.name) else ("blocks writes",),
        )
        return
    name = new.name if old is None or old.name != new.name else temporary(new.name)
    taken = taken_index(table.name, new, ctx)
    index = taken or index_of(new, name)
    if taken is None:
        yield concurrently(table.name, index, ctx, objects[0])
    else:
        gone = ("index", objects[0][1], taken.name)
        objects, drops = [*objects, gone], [*drops, gone]
    yield step(
        Phase.EXPAND,
        title,
        [*down, *drop, altered(table, _using(new, index)), *said_new, *up],
        "The index is there already: only the catalog changes, under a short ACCESS EXCLUSIVE."
        + (" Columns that may be NULL would be scanned under it." if new.primary else ""),
        _key_undone(table, old, new, index, said_old, ctx),
        objects,
        drops=tuple(drops),
        references=_REFERENCE,
    )


def _key_undone(
    table: Table, old: Key | None, new: Key, index: Index, comment: list[str], ctx: Context
) -> Undo:
    """The index goes with its key: it is built again, as the step before left it."""
    drop, build = f"DROP CONSTRAINT {ident(new.name)}", online(table.name, index, ctx)
    if old is None:
        return Undo((altered(table, drop), build), transaction="none")
    down, up = referring(table, old.columns, ctx)
    if old.without_overlaps:
        exchange = [altered(table, drop), altered(table, f"ADD {_text(table, old, ctx)}")]
    else:
        stale = index_of(old, temporary(old.name, "old"))
        down.insert(0, online(table.name, stale, ctx))
        exchange = [altered(table, drop, _using(old, stale))]
    sql = (*down, *exchange, *comment, *up, build)
    return Undo(sql, "until", _UNTIL_REFUSED, "nothing, but it fails", "none")


def referring(table: Table, columns: tuple[str, ...], ctx: Context) -> tuple[list[str], list[str]]:
    """Foreign keys that need a unique set and stay: dropped and made anew around its exchange."""
    down: list[str] = []
    up: list[str] = []
    for other in ctx.current.tables.values():
        after = ctx.target.tables.get(other.name)
        for each in other.foreign_keys.values():
            if each.table != table.name or set(each.referenced) != set(columns):
                continue
            key_of = ("foreign key", dotted(other.name), each.name)
            if each.inherited or after is None or key_of in ctx.changed:
                continue
            down.append(altered(other, f"DROP CONSTRAINT {ident(each.name)}"))
            text = ctx.writes_target.tables.foreign_key(after, after.foreign_keys[each.name])
            up.append(altered(other, f"ADD {named(text, each.name)}"))
    return down, up


def _change_key(change: Change, ctx: Context) -> Iterator[Step]:
    table = ctx.tables_after[change.object[1]]
    old, new = change.before, change.after
    fields = set(change.fields) - _SILENT
    if not fields or new.inherited:
        yield COVERED
    elif fields == {"options"}:
        name = home(table, new.name)
        gone = [each for each in old.options if each not in new.options]
        actions = [f"RESET ({idents(gone)})"] if gone else []
        if new.options:
            given = ", ".join(f"{ident(k)} = {v}" for k, v in new.options.items())
            actions.append(f"SET ({given})")
        yield step(
            Phase.EXPAND,
            f"Options of the index of {ident(new.name)}",
            [f"ALTER INDEX {name} {action}" for action in actions],
            "They hold for what is written from now on.",
            Undo(),
            [change.object],
        )
    else:
        drop = [altered(table, f"DROP CONSTRAINT {ident(old.name)}")]
        yield from exchange_key(table, old, new, ctx, drop, [change.object], [change.object])


def exclusion(change: Change, ctx: Context) -> Iterator[Step]:
    """Steps for an exclusion constraint: no index can be built beside for it."""
    table = (ctx.tables_after if change.after else ctx.tables_before)[change.object[1]]
    if change.kind == "removed":
        yield from _remove(change, ctx, Phase.EXPAND)
        return
    new: Exclusion = change.after
    if change.kind == "added" and (renamed := _renamed(change, table, ctx)) is not None:
        yield renamed
        return
    if change.kind == "changed" and not set(change.fields) - _SILENT:
        yield COVERED
        return
    gone = altered(table, f"DROP CONSTRAINT {ident(new.name)}")
    changed = change.kind == "changed"
    back = [altered(table, f"ADD {_text(table, change.before, ctx)}")] if changed else []
    columns = [str(part.expression) for part in new.parts if part.is_column]
    yield step(
        settled(table, columns, ctx),
        f"Add exclusion {ident(new.name)} to {qualified(table.name)}",
        [*[gone] * changed, altered(table, f"ADD {ctx.writes_target.tables.exclusion(new)}")],
        "There is no way to do it online: the table is locked against everybody while the index is"
        " built. Do it while the table is small, or on a copy that takes its place.",
        Undo((gone, *back), "until", _UNTIL_REFUSED, "nothing, but it fails") if back else gone,
        [change.object],
        preflight=() if ctx.is_new(table.name) else (refused_by_exclusion(table, new),),
        hazards=("blocks reads and writes",),
        references=(MANUAL + "ddl-constraints.html#DDL-CONSTRAINTS-EXCLUSION",),
    )


RECIPES: dict[str, Recipe] = {
    "check": check,
    "foreign key": foreign_key,
    "key": key,
    "exclusion": exclusion,
}
