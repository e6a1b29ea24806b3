"""Sequences that stand alone or belong to a column."""

from __future__ import annotations

from collections.abc import Iterator

from ...ddl.diff import Change, dotted
from ...ddl.model import Sequence, SequenceOptions
from ...ddl.postgres.emit_sequences import create_sequence
from ...ddl.postgres.text import ident, qualified
from ..context import Context
from ..model import Phase, Query, Step, Undo
from .base import (
    COVERED,
    EVERY,
    MANUAL,
    ObjectKey,
    Recipe,
    comes_with_column,
    dropping,
    goes_with_column,
    step,
)

_UNLOGGED_FROM = 15


def sequence(change: Change, ctx: Context) -> Iterator[Step]:
    """Steps for a sequence; one of a new column comes with it, one of a dropped column goes."""
    before: Sequence | None = change.before
    after: Sequence | None = change.after
    if before is None and after is not None:
        yield from _made(after, ctx)
    elif after is None and before is not None:
        if goes_with_column(before, ctx):
            yield COVERED
        else:
            yield _dropped(before, change)
    elif before is not None and after is not None:
        if before.options != after.options:
            yield _altered(before, after, change)
        if before.persistence != after.persistence:
            yield _logged(before, after, change)
        freed = _is_freed(before, ctx)  # by whatever drops its owner
        moves = before.owned_by != after.owned_by and _owner_stands(after, ctx)
        if moves and not (freed and after.owned_by is None):
            yield _owned(None if freed else before, after, _place(after))
        yield COVERED


def _made(made: Sequence, ctx: Context) -> Iterator[Step]:
    if comes_with_column(made, ctx):
        yield COVERED
        return
    key = ("sequence", dotted(made.name))
    yield step(
        Phase.EXPAND,
        f"Create sequence {qualified(made.name)}",
        create_sequence(made),
        "Nobody draws from it yet.",
        f"DROP SEQUENCE {qualified(made.name)}",
        [key],
        references=(MANUAL + "sql-createsequence.html",),
    )
    if made.owned_by and _owner_stands(made, ctx):
        yield _owned(None, made, _place(made))


def owner(change: Change, ctx: Context) -> Iterator[Step]:
    """Steps for the sequences that a new or changed column will own, once it is there."""
    if change.object[0] not in ("table", "column") or change.kind == "removed":
        return
    for after in ctx.target.sequences.values():
        before = ctx.current.sequences.get(after.name)
        if after.owned_by is None or _owner_stands(after, ctx) or comes_with_column(after, ctx):
            continue
        if before is not None and before.owned_by == after.owned_by:
            continue
        table, column = dotted(after.owned_by[0]), after.owned_by[1]
        if change.object in (("table", table), ("column", table, column)):
            freed = before is None or _is_freed(before, ctx)
            yield _owned(None if freed else before, after, change.object)


def _is_freed(before: Sequence, ctx: Context) -> bool:
    """Whether its owner goes: it is taken from that first."""
    if before.owned_by is None:
        return False
    table, column = before.owned_by
    after = ctx.target.tables.get(table)
    return after is None or column not in after.columns


def _owner_stands(of: Sequence, ctx: Context) -> bool:
    """Whether the column that is to own the sequence is there and stays as it is."""
    if of.owned_by is None:
        return True
    table, column = of.owned_by
    before = ctx.current.tables.get(table)
    changed = ("column", dotted(table), column) in ctx.changed
    return before is not None and column in before.columns and not changed


def _owned(before: Sequence | None, after: Sequence, key: ObjectKey) -> Step:
    return step(
        Phase.EXPAND,
        f"Owner of sequence {qualified(after.name)}",
        f"ALTER SEQUENCE {qualified(after.name)} OWNED BY {_owner(after)}",
        "It is dropped with the column that owns it, and with none otherwise.",
        f"ALTER SEQUENCE {qualified(after.name)} OWNED BY {_owner(before)}",
        [key],
        references=(MANUAL + "sql-altersequence.html",),
    )


def _place(of: Sequence) -> ObjectKey:
    """What the step is about that gives a sequence to a column: that, in case it is exchanged."""
    if of.owned_by is None:
        return ("sequence", dotted(of.name))
    return ("column", dotted(of.owned_by[0]), of.owned_by[1])


def _owner(of: Sequence | None) -> str:
    if of is None or of.owned_by is None:
        return "NONE"
    table, column = of.owned_by
    return f"{qualified(table)}.{ident(column)}"


def _dropped(gone: Sequence, change: Change) -> Step:
    name = qualified(gone.name)
    owner = [f"ALTER SEQUENCE {name} OWNED BY {_owner(gone)}"] if gone.owned_by else []
    return dropping(
        Phase.CONTRACT,
        f"Drop sequence {name}",
        f"DROP SEQUENCE {name}",
        "Only once nothing draws from it.",
        undo=Undo(
            (create_sequence(gone), *owner),
            "no_return",
            "",
            f"the position: note last_value and give it to setval('{name}', …)",
        ),
        objects=[change.object],
        preflight=(Query(f"SELECT last_value, is_called FROM {name}", "the position to note"),),
        loses_data=f"the position of {name}",
        hazards=() if gone.owned_by else ("untracked dependencies",),  # bodies that draw from it
        references=(MANUAL + "sql-dropsequence.html",),
    )


def _altered(before: Sequence, after: Sequence, change: Change) -> Step:
    name = qualified(after.name)
    low, high = after.options.minimum, after.options.maximum
    narrower = low > before.options.minimum or high < before.options.maximum
    fits = Query(
        f"SELECT last_value BETWEEN {low} AND {high} FROM {name}",
        "t",
        "PostgreSQL refuses bounds that leave the position outside",
    )
    return step(
        Phase.EXPAND,
        f"Options of sequence {name}",
        f"ALTER SEQUENCE {name} {_options(before.options, after.options)}",
        "Keeps the position; numbers that sessions have cached are used up by the old rules."
        " START is for RESTART only: setval moves the position.",
        Undo(
            (f"ALTER SEQUENCE {name} {_options(after.options, before.options)}",),
            "until",
            "it has gone beyond the old bounds",
            "nothing, but the old bounds are refused then",
        ),
        [change.object],
        preflight=(fits,) if narrower else (),
        references=(MANUAL + "sql-altersequence.html",),
    )


def _options(before: SequenceOptions, after: SequenceOptions) -> str:
    """What is not the same. The type comes with its own bounds, so both are said."""
    retyped = before.type != after.type
    words = [f"AS {after.type}"] if retyped else []
    for text, old, new in (
        ("INCREMENT BY", before.increment, after.increment),
        ("MINVALUE", before.minimum, after.minimum),
        ("MAXVALUE", before.maximum, after.maximum),
        ("START WITH", before.start, after.start),
        ("CACHE", before.cache, after.cache),
    ):
        if old != new or (retyped and "VALUE" in text):
            words.append(f"{text} {new}")
    if before.cycle != after.cycle:
        words.append("CYCLE" if after.cycle else "NO CYCLE")
    return " ".join(words)


def _logged(before: Sequence, after: Sequence, change: Change) -> Step:
    def text(of: Sequence) -> str:
        word = "UNLOGGED" if of.persistence == "unlogged" else "LOGGED"
        return f"ALTER SEQUENCE {qualified(of.name)} SET {word}"

    return step(
        Phase.EXPAND,
        f"Persistence of sequence {qualified(after.name)}",
        text(after),
        f"PostgreSQL {_UNLOGGED_FROM} and later. An unlogged one starts again after a crash.",
        text(before),
        [change.object],
        references=(MANUAL + "sql-altersequence.html",),
    )


RECIPES: dict[str, Recipe] = {"sequence": sequence, EVERY: owner}
