"""Columns: added without a rewrite, dropped, given other defaults, identities and expressions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from ...ddl.diff import Change, dotted
from ...ddl.expressions import functions_of
from ...ddl.model import Column, Identity, Name, Sequence, Table
from ...ddl.postgres.emit_sequences import create_sequence, sequence_options
from ...ddl.postgres.nodes import made_name
from ...ddl.postgres.text import (
    default_text,
    generated_text,
    ident,
    literal,
    options,
    qualified,
    type_text,
)
from ..context import Context
from ..model import Phase, Query, Step, Undo
from .backfill import backfill
from .base import (
    COVERED,
    MANUAL,
    ObjectKey,
    Recipe,
    altered,
    column_key,
    comes_with_column,
    dropping,
    goes_with_column,
    step,
    temporary,
)
from .dependants import around, starred
from .derived import derived, settled
from .kinds import moves_default
from .not_null import changed_not_null, restored, set_not_null
from .types import change_type

_REFERENCE: Final = (MANUAL + "sql-altertable.html#SQL-ALTERTABLE-NOTES",)
_VOLATILE: Final = frozenset(
    {
        "clock_timestamp",
        "currval",
        "gen_random_bytes",
        "gen_random_uuid",
        "lastval",
        "nextval",
        "pg_sleep",
        "random",
        "random_normal",
        "setval",
        "timeofday",
        "uuid_generate_v1",
        "uuid_generate_v1mc",
        "uuid_generate_v4",
        "uuidv4",
        "uuidv7",
    }
)


def column(change: Change, ctx: Context) -> Iterator[Step]:
    """Steps for a column of a table."""
    if change.kind == "added":
        table = ctx.tables_after[change.object[1]]
        if change.after.inherited:
            yield COVERED
        else:
            yield from _added(table, change.after, ctx)
    elif change.kind == "removed":
        yield from _removed(ctx.tables_before[change.object[1]], change.before, ctx)
    else:
        yield from _changed(change, ctx)


def _added(table: Table, new: Column, ctx: Context) -> Iterator[Step]:
    made_of = ctx.derived.get(column_key(table, new.name))
    if made_of and not (new.generated or new.identity):
        yield from derived(table, new, made_of, _bare(table, new, ctx), ctx)
    elif column_key(table, new.name) in ctx.moves.values():
        yield _bare(table, new, ctx)
        yield from settled(table, new, ctx)
    elif ctx.is_small(table.name) or table.foreign:
        yield from _at_once(table, new, ctx, "The table is small: it takes no time.")
    elif new.generated:
        virtual = not new.generated.stored
        why = "Only the catalog changes: it is computed when it is read."
        stored = (
            "A stored generated column is computed for every row, under ACCESS EXCLUSIVE; no column"
            " can become one later. A plain column that a trigger fills would need no rewrite."
        )
        yield from _at_once(table, new, ctx, why if virtual else stored, not virtual)
    elif _is_constrained(new, ctx):
        why = "A column of a domain with constraints is written and checked for every row under"
        yield from _at_once(
            table, new, ctx, f"{why} ACCESS EXCLUSIVE; there is no way around.", True
        )
    elif new.identity:
        yield from _numbered(table, new, ctx)
    elif new.default is not None and is_volatile(new.default, ctx):
        yield from _filled(table, new, ctx)
    elif new.not_null and new.default is None:
        yield from _required(table, new, ctx)
    else:
        why = "Only the catalog changes: the default is evaluated once and kept for all rows."
        if new.default is None:
            why = "Only the catalog changes."
        yield from _at_once(table, new, ctx, why)


def _is_constrained(new: Column, ctx: Context) -> bool:
    domain = ctx.target.domains.get(Name(new.type.schema, new.type.name))
    return domain is not None and (bool(domain.checks) or domain.not_null is not None)


def is_volatile(expression: str, ctx: Context) -> bool:
    """Whether each row must get a value of its own. Functions of extensions count."""
    called = functions_of(expression)
    if called & _VOLATILE:
        return True
    return any(
        function.name.name in called and function.volatility == "volatile"
        for function in ctx.target.functions.values()
    )


def _sequence(table: Table, new: Column, ctx: Context) -> Sequence | None:
    """The sequence that comes with the column."""
    for each in ctx.target.sequences.values():
        if each.owned_by == (table.name, new.name) and comes_with_column(each, ctx):
            return each
    return None


def _owned(table: Table, new: Column, ctx: Context) -> tuple[list[str], list[str], list[ObjectKey]]:
    """What makes the column's sequence, what gives it to the column, and its key."""
    sequence = _sequence(table, new, ctx)
    if sequence is None:
        return [], [], []
    owner = f"{qualified(table.name)}.{ident(new.name)}"
    given = f"ALTER SEQUENCE {qualified(sequence.name)} OWNED BY {owner}"
    return [create_sequence(sequence)], [given], [("sequence", dotted(sequence.name))]


def _drop_again(table: Table, new: Column, sequences: list[ObjectKey] | None = None) -> Undo:
    drop = (altered(table, f"DROP COLUMN {ident(new.name)}"),)
    return Undo(drop, "until", "the new code writes to the column", "what it wrote")


def _settings(table: Table, new: Column) -> list[str]:
    """What ADD COLUMN cannot say."""
    name = f"ALTER COLUMN {ident(new.name)}"
    found = [f"{name} SET STATISTICS {new.statistics}"] if new.statistics is not None else []
    if new.options and not table.foreign:
        found.append(f"{name} SET {options(new.options)}")
    return [altered(table, each) for each in found]


def _at_once(
    table: Table, new: Column, ctx: Context, why: str, rewrite: bool = False
) -> Iterator[Step]:
    first, last, keys = _owned(table, new, ctx)
    late = new.not_null is not None and not new.not_null.valid
    text = ctx.writes_target.tables.column(table, replace(new, not_null=None) if late else new)
    yield step(
        Phase.EXPAND,
        f"Add column {ident(new.name)} to {qualified(table.name)}",
        [*first, altered(table, f"ADD COLUMN {text}"), *last, *_settings(table, new)],
        why,
        _drop_again(table, new),
        [column_key(table, new.name), *keys],
        preflight=_computed(table, new),
        hazards=("rewrite",) if rewrite else (),
        references=_REFERENCE,
    )
    if late:
        yield from set_not_null(table, new, ctx, Phase.EXPAND)


def _computed(table: Table, new: Column) -> tuple[Query, ...]:
    """A stored generated column computed for the rows that are there, before anything is locked."""
    if not new.generated or not new.generated.stored:
        return ()
    value = f"({new.generated.expression})::{type_text(new.type)}"
    sql = f"SELECT count({value}) FROM {qualified(table.name)}"
    return (Query(sql, "a count and no error", "It is computed for every row."),)


def _bare(table: Table, new: Column, ctx: Context, *more: str) -> Step:
    """The column without anything that would have to be computed for the rows that are there."""
    text = ctx.writes_target.tables.column(table, new, plain=True)
    return step(
        Phase.EXPAND,
        f"Add column {ident(new.name)} to {qualified(table.name)}, empty",
        [altered(table, f"ADD COLUMN {text}"), *more, *_settings(table, new)],
        "Only the catalog changes; with its default every row would be written under lock.",
        _drop_again(table, new),
        [column_key(table, new.name)],
        references=_REFERENCE,
    )


def _filled(table: Table, new: Column, ctx: Context) -> Iterator[Step]:
    """A default for new rows first, then batches for old ones, then NOT NULL."""
    assert new.default is not None
    name = ident(new.name)
    first, last, keys = _owned(table, new, ctx)
    default = altered(table, f"ALTER COLUMN {name} SET DEFAULT {default_text(new.default)}")
    made = _bare(table, new, ctx, default, *last)
    yield replace(made, sql=(*first, *made.sql), objects=(*made.objects, *keys))
    yield from backfill(table, new, new.default, ctx)
    if new.not_null:
        yield from set_not_null(table, new, ctx, Phase.MIGRATE)


def _required(table: Table, new: Column, ctx: Context) -> Iterator[Step]:
    """Old code does not write it, so NOT NULL waits until that is gone."""
    yield replace(
        _bare(table, new, ctx),
        why="Only the catalog changes. It has no default, so rows that are there and what old code"
        " writes are NULL until the new code fills them.",
    )
    yield from set_not_null(table, new, ctx, Phase.CONTRACT)


def _numbered(table: Table, new: Column, ctx: Context) -> Iterator[Step]:
    """Numbers come from a sequence for a while, which the identity then continues."""
    assert new.identity is not None
    name, key = ident(new.name), column_key(table, new.name)
    for_now = qualified(Name(table.name.schema, made_name(table.name.name, new.name, "numbers")))
    start = f"CREATE SEQUENCE {for_now} {sequence_options(new.identity.options)}".rstrip()
    default = f"nextval({literal(for_now)})"
    made = _bare(table, new, ctx, altered(table, f"ALTER COLUMN {name} SET DEFAULT {default}"))
    undo = Undo(
        (*made.undo.sql, f"DROP SEQUENCE {for_now}"), "until", made.undo.until, "its values"
    )
    yield replace(made, sql=(start, *made.sql), undo=undo)
    yield from backfill(table, new, default, ctx)
    if new.not_null:
        yield from set_not_null(table, new, ctx, Phase.MIGRATE)
    numbers = ctx.writes_target.tables.identity(table, new, new.identity)
    yield step(
        Phase.MIGRATE,
        f"Make {name} of {qualified(table.name)} an identity column",
        [
            altered(table, f"ALTER COLUMN {name} DROP DEFAULT"),
            altered(
                table,
                f"ALTER COLUMN {name} ADD {numbers}",
            ),
            f"SELECT setval({literal(qualified(new.identity.sequence))}, last_value, is_called)"
            f" FROM {for_now}",
            f"DROP SEQUENCE {for_now}",
        ],
        "The identity's sequence goes on where the other one stands; only the catalog changes.",
        [
            start,
            f"SELECT setval({literal(for_now)}, last_value, is_called)"
            f" FROM {qualified(new.identity.sequence)}",
            altered(table, f"ALTER COLUMN {name} DROP IDENTITY"),
            altered(table, f"ALTER COLUMN {name} SET DEFAULT {default}"),
        ],
        [key],
        references=_REFERENCE,
    )


def _removed(table: Table, old: Column, ctx: Context) -> Iterator[Step]:
    after = ctx.target.tables.get(table.name)
    if old.inherited and after is not None and (after.partition_of or after.inherits):
        yield COVERED
        return
    name, of = ident(old.name), qualified(table.name)
    primary = table.primary_key
    in_key = primary is not None and old.name in primary.columns
    place = ctx.moves.get(column_key(table, old.name))
    if old.not_null and not in_key and (place or (old.default is None and not old.identity)):
        relax = altered(table, f"ALTER COLUMN {name} DROP NOT NULL")
        yield step(
            Phase.EXPAND,
            f"Let {name} of {of} be NULL",
            relax,
            "New code does not write the column any more; old code still does.",
            Undo(
                (restored(table, old, ctx),),
                "until",
                "the new code inserts a row",
                "nothing, but it fails",
            ),
            [column_key(table, old.name)],
        )
    sequences = [
        ("sequence", dotted(each.name))
        for each in ctx.current.sequences.values()
        if each.owned_by == (table.name, old.name) and goes_with_column(each, ctx)
    ]
    keys = [column_key(table, old.name), *sequences]
    yield from disowned(table, old.name, ctx)
    views = starred(table, ctx)
    heirs = [t for t in ctx.target.tables.values() if table.name in t.inherits]
    only = any(old.name in heir.columns for heir in heirs)
    drop = altered(table, f"DROP COLUMN {name}")
    lost = "" if place else f"every value of {of}.{name}"
    yield dropping(
        Phase.CONTRACT,
        f"Drop column {name} of {of}",
        [*views.down, drop.replace("TABLE", "TABLE ONLY", 1) if only else drop, *views.up],
        "Only once no instance of the old code is left. Only the catalog changes; the space comes"
        " back as rows are written.",
        undo=Undo((), "no_return", "", lost or f"nothing: {place and place[1]} has every value"),
        objects=keys,
        preflight=(
            Query(
                f"SELECT count(*) FROM {of} WHERE {name} IS NOT NULL",
                "the values that will be lost",
            ),
        )
        if lost
        else (),
        loses_data=lost,
        references=_REFERENCE,
    )


def disowned(table: Table, column: str, ctx: Context) -> Iterator[Step]:
    """A sequence that stays must not go with the column that owns it."""
    for each in ctx.current.sequences.values():
        kept = ctx.target.sequences.get(each.name)
        if each.owned_by == (table.name, column) and kept and kept.owned_by != each.owned_by:
            name = qualified(each.name)
            yield step(
                Phase.EXPAND,
                f"Keep sequence {name}",
                f"ALTER SEQUENCE {name} OWNED BY NONE",
                "It would be dropped with the column that owns it.",
                f"ALTER SEQUENCE {name} OWNED BY {qualified(table.name)}.{ident(column)}",
                [("sequence", dotted(each.name))],
            )


def _changed(change: Change, ctx: Context) -> Iterator[Step]:
    table = ctx.tables_after[change.object[1]]
    before: Column = change.before
    after: Column = change.after
    fields = set(change.fields)
    yield COVERED
    if after.inherited and before.inherited and (table.partition_of or table.inherits):
        fields &= _own_fields(table, before, after, ctx)
    if table.partition_of and not ctx.current.tables[table.name].partition_of and before.not_null:
        fields.discard("not_null")  # called otherwise when it is attached
    key = change.object
    if "generated" in fields and not _alters_generated(before, after, ctx):
        yield from _anew(table, before, after, ctx)
        return
    counted = bool(before.identity) is not bool(after.identity)
    if counted and (serial := _serial(table, before, after, ctx)):
        yield _numbers_exchanged(table, before, after, serial, ctx)
        fields -= {"default", "identity"}
    elif before.identity and not after.identity:
        yield _no_identity(table, before, ctx, key)
    if before.generated and not after.generated:
        yield _no_expression(table, before, key)
    if fields & {"type", "collation"}:
        yield from change_type(table, before, after, ctx)
    elif "default" in fields and not _comes_along(before, after, ctx):
        yield _default(table, before, after, key)
    if before.generated and after.generated and "generated" in fields:
        yield _expression(table, before, after, key)
    if "not_null" in fields:
        yield from changed_not_null(table, before, after, ctx)
    if after.identity and "identity" in fields:
        yield from _identity(table, before, after, ctx, key)
    if settings := list(_storage(before, after, fields, table)):
        back = list(_storage(after, before, fields, table))
        title = f"Storage of {ident(after.name)} of {qualified(table.name)}"
        why = "It holds for what is written from now on."
        yield step(
            Phase.EXPAND,
            title,
            [altered(table, each) for each in settings],
            why,
            [altered(table, each) for each in back],
            [key],
        )


def _comes_along(before: Column, after: Column, ctx: Context) -> bool:
    """Whether another step takes or sets the default."""
    return bool(after.identity and not before.identity) or moves_default(after, ctx)


def _own_fields(table: Table, before: Column, after: Column, ctx: Context) -> set[str]:
    """What of a child's column is not changed with its parent's."""
    parents = [*table.inherits, *([table.partition_of.parent] if table.partition_of else [])]
    changed = [ctx.changed.get(("column", dotted(parent), after.name)) for parent in parents]
    following: set[str] = set()
    for change in changed:
        if change is not None:
            following |= {f for f in change.fields if getattr(change.after, f) == getattr(after, f)}
            following |= {"not_null", "type"} & set(change.fields)
    return set(before.__dataclass_fields__) - following


def _default(table: Table, before: Column, after: Column, key: ObjectKey) -> Step:
    def action(of: Column) -> str:
        alter = f"ALTER COLUMN {ident(of.name)}"
        if of.default is None:
            return altered(table, f"{alter} DROP DEFAULT")
        return altered(table, f"{alter} SET DEFAULT {default_text(of.default)}")

    lost = after.default is None and before.default is not None and after.not_null is not None
    return step(
        Phase.CONTRACT if lost else Phase.EXPAND,
        f"Default of {ident(after.name)} of {qualified(table.name)}",
        action(after),
        "Old code may leave the column out, so its default stays until that is gone."
        if lost
        else "It holds for what is written from now on; rows that are there stay as they are.",
        action(before),
        [key],
    )


def _no_identity(table: Table, before: Column, ctx: Context, key: ObjectKey) -> Step:
    assert before.identity is not None
    name = ident(before.name)
    again = ctx.writes_current.tables.identity(table, before, before.identity)
    return step(
        Phase.MIGRATE,
        f"Make {name} of {qualified(table.name)} an ordinary column",
        altered(table, f"ALTER COLUMN {name} DROP IDENTITY"),
        "Its sequence goes with it: code must give values from now on.",
        Undo(
            (altered(table, f"ALTER COLUMN {name} ADD {again}"), _behind(table, before)),
            "no_return",
            "",
            "the position of its sequence, which goes on behind the greatest value",
        ),
        [key],
        references=_REFERENCE,
    )


def _behind(table: Table, of: Column) -> str:
    """Sets the sequence of an identity column; nothing happens where the table is empty."""
    assert of.identity is not None
    sequence = literal(qualified(of.identity.sequence))
    return f"SELECT setval({sequence}, max({ident(of.name)})) FROM {qualified(table.name)}"


def _serial(table: Table, before: Column, after: Column, ctx: Context) -> Sequence | None:
    """The sequence that numbers the column while it is no identity column, and no other."""
    schema, default = (
        (ctx.current, before.default) if after.identity else (ctx.target, after.default)
    )
    for each in schema.sequences.values():
        owned = each.owned_by == (table.name, before.name)
        if owned and default is not None and "nextval" in functions_of(default):
            moves = goes_with_column if after.identity else comes_with_column
            return each if moves(each, ctx) else None
    return None


def _numbers_exchanged(
    table: Table, before: Column, after: Column, serial: Sequence, ctx: Context
) -> Step:
    """A serial column becomes an identity column, or the other way round; numbers go on."""
    identity = before.identity or after.identity
    assert identity is not None
    name, of = ident(after.name), qualified(table.name)
    schema = ctx.writes_target if after.identity else ctx.writes_current
    add = schema.tables.identity(table, after if after.identity else before, identity)
    stale = serial.name._replace(name=temporary(serial.name.name, "old"))
    numbered = after if before.identity else before
    default = default_text(numbered.default or "NULL")

    def like(one: Name, other: Name) -> str:
        return (
            f"SELECT setval({literal(qualified(one))}, last_value, is_called)"
            f" FROM {qualified(other)}"
        )

    to_identity = [
        altered(table, f"ALTER COLUMN {name} DROP DEFAULT"),
        f"ALTER SEQUENCE {qualified(serial.name)} RENAME TO {ident(stale.name)}",
        altered(table, f"ALTER COLUMN {name} ADD {add}"),
        like(identity.sequence, stale),
        f"DROP SEQUENCE {qualified(stale)}",
    ]
    to_serial = [
        create_sequence(replace(serial, name=stale)),
        like(stale, identity.sequence),
        altered(table, f"ALTER COLUMN {name} DROP IDENTITY"),
        f"ALTER SEQUENCE {qualified(stale)} RENAME TO {ident(serial.name.name)}",
        altered(table, f"ALTER COLUMN {name} SET DEFAULT {default}"),
        f"ALTER SEQUENCE {qualified(serial.name)} OWNED BY {of}.{name}",
    ]
    forth, back = (to_identity, to_serial) if after.identity else (to_serial, to_identity)
    why = "Only the catalog changes, in one transaction; numbers go on where they stand."
    if after.identity and after.identity.always:
        why += " GENERATED ALWAYS refuses code that gives values of its own."
    return step(
        Phase.MIGRATE,
        f"Number {name} of {of} by {'an identity' if after.identity else 'a sequence'}",
        forth,
        why,
        back,
        [column_key(table, after.name), ("sequence", dotted(serial.name))],
        references=_REFERENCE,
    )


def _no_expression(table: Table, before: Column, key: ObjectKey) -> Step:
    name = ident(before.name)
    return step(
        Phase.MIGRATE,
        f"Make {name} of {qualified(table.name)} an ordinary column",
        altered(table, f"ALTER COLUMN {name} DROP EXPRESSION"),
        "The values stay; code must write them from now on.",
        Undo((), "no_return", "", "nothing; a column cannot become a generated one again"),
        [key],
        references=_REFERENCE,
    )


def _alters_generated(before: Column, after: Column, ctx: Context) -> bool:
    """Whether ALTER COLUMN can do it: a stored one can become plain, an expression another."""
    if before.generated and not after.generated:
        return before.generated.stored and ctx.version >= 13
    if before.generated and after.generated:
        return before.generated.stored == after.generated.stored and ctx.version >= 17
    return False


def _expression(table: Table, before: Column, after: Column, key: ObjectKey) -> Step:
    def action(of: Column) -> str:
        assert of.generated is not None
        expression = generated_text(replace(of)).removeprefix("GENERATED ALWAYS AS ")
        expression = expression.removesuffix(" STORED").removesuffix(" VIRTUAL")
        return altered(table, f"ALTER COLUMN {ident(of.name)} SET EXPRESSION AS {expression}")

    stored = after.generated is not None and after.generated.stored
    return step(
        Phase.MIGRATE,
        f"Expression of {ident(after.name)} of {qualified(table.name)}",
        action(after),
        "Every row is written anew under ACCESS EXCLUSIVE; there is no way around."
        if stored
        else "Only the catalog changes: it is computed when it is read.",
        action(before),
        [key],
        hazards=("rewrite",) if stored else (),
        references=_REFERENCE,
    )


def _anew(table: Table, before: Column, after: Column, ctx: Context) -> Iterator[Step]:
    """A column that can only be dropped and added again."""
    name, of = ident(after.name), qualified(table.name)
    dependants = around(ctx.tables_before[dotted(table.name)], frozenset({after.name}), ctx)
    emitter = ctx.writes_target.tables
    indexes = [
        emitter.index(table.name, each)
        for each in table.indexes.values()
        if after.name in each.columns
        and ("index", dotted(table.name), each.name) not in ctx.changed
    ]
    kept = "" if before.generated else f"every value of {of}.{name}"
    yield step(
        Phase.MIGRATE,
        f"Replace column {name} of {of}",
        [
            *dependants.down,
            altered(table, f"DROP COLUMN {name}", f"ADD COLUMN {emitter.column(table, after)}"),
            *_settings(table, after),
            *indexes,
            *dependants.up,
        ],
        "An ordinary column cannot become a generated one, nor a stored one a virtual one, in"
        " place; every row is written anew where it is stored.",
        Undo((), "no_return", "", kept or "nothing that cannot be computed again"),
        [column_key(table, after.name), *dependants.objects],
        drops=(column_key(table, after.name),),
        loses_data=kept,
        hazards=("rewrite",),
        references=_REFERENCE,
    )


def _identity(
    table: Table, before: Column, after: Column, ctx: Context, key: ObjectKey
) -> Iterator[Step]:
    assert after.identity is not None
    name = ident(after.name)
    title = f"Identity of {name} of {qualified(table.name)}"
    if before.identity is None:
        yield _to_identity(table, before, after, ctx, key)
        return
    yield step(
        Phase.MIGRATE,
        title,
        list(_identity_changes(table, before.identity, after.identity, name)),
        "Only the catalog changes.",
        _identity_back(table, before.identity, after.identity, name),
        [key],
        references=_REFERENCE,
    )


def _to_identity(table: Table, before: Column, after: Column, ctx: Context, key: ObjectKey) -> Step:
    """Numbers go on behind the greatest value."""
    assert after.identity is not None
    name, of = ident(after.name), qualified(table.name)
    add = ctx.writes_target.tables.identity(table, after, after.identity)
    drop = [altered(table, f"ALTER COLUMN {name} DROP DEFAULT")] if before.default else []
    back = altered(table, f"ALTER COLUMN {name} SET DEFAULT {default_text(before.default or '')}")
    return step(
        Phase.MIGRATE,
        f"Identity of {name} of {of}",
        [*drop, altered(table, f"ALTER COLUMN {name} ADD {add}"), _behind(table, after)],
        "The sequence goes on behind the greatest value; an index finds that at once.",
        [altered(table, f"ALTER COLUMN {name} DROP IDENTITY"), *([back] if before.default else [])],
        [key],
        references=_REFERENCE,
    )


def _identity_back(table: Table, old: Identity, new: Identity, name: str) -> Undo:
    back = tuple(_identity_changes(table, new, old, name))
    now, then = old.options, new.options
    if (now.minimum, now.maximum, now.cycle) == (then.minimum, then.maximum, then.cycle):
        return Undo(back)
    return Undo(back, "until", "it has gone beyond the old bounds", "nothing, but it fails")


def _identity_changes(table: Table, old: Identity, new: Identity, name: str) -> Iterator[str]:
    alter = f"ALTER COLUMN {name}"
    if old.options.type != new.options.type:
        yield f"ALTER SEQUENCE {qualified(old.sequence)} AS {new.options.type}"
    if old.always != new.always:
        yield altered(table, f"{alter} SET GENERATED {'ALWAYS' if new.always else 'BY DEFAULT'}")
    words = []
    for text, before, after in (
        ("INCREMENT BY", old.options.increment, new.options.increment),
        ("MINVALUE", old.options.minimum, new.options.minimum),
        ("MAXVALUE", old.options.maximum, new.options.maximum),
        ("START WITH", old.options.start, new.options.start),
        ("CACHE", old.options.cache, new.options.cache),
    ):
        if before != after:
            words.append(f"SET {text} {after}")
    if old.options.cycle != new.options.cycle:
        words.append("SET CYCLE" if new.options.cycle else "SET NO CYCLE")
    if words:
        yield altered(table, f"{alter} {' '.join(words)}")
    if old.sequence != new.sequence:
        yield f"ALTER SEQUENCE {qualified(old.sequence)} RENAME TO {ident(new.sequence.name)}"


def _storage(before: Column, after: Column, fields: set[str], table: Table) -> Iterator[str]:
    alter = f"ALTER COLUMN {ident(after.name)}"
    if "storage" in fields:
        yield f"{alter} SET STORAGE {(after.storage or 'default').upper()}"
    if "compression" in fields:
        yield f"{alter} SET COMPRESSION {ident(after.compression or 'default')}"
    if "statistics" in fields:
        yield f"{alter} SET STATISTICS {-1 if after.statistics is None else after.statistics}"
    if "options" in fields and not table.foreign:
        gone = [name for name in before.options if name not in after.options]
        if gone:
            yield f"{alter} RESET ({', '.join(map(ident, gone))})"
        if after.options:
            yield f"{alter} SET {options(after.options)}"


RECIPES: dict[str, Recipe] = {"column": column}
