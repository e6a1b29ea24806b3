"""From files to a schema: order the history, split it, fold its statements."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..report import clean, quoted
from ..source import without_gc
from .alike import holds, made_alike
from .diff import with_tables_of
from .migrations import dialect_hint, order, sole
from .model import Dialect, Schema
from .script import Skipped, Statement, split

MOST = 5  # files that were left out, in a note


class UnknownDialect(ValueError):
    """The dialect was not given and cannot be told from the text."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A schema and what it was read from.

    `texts` are the files by name, `layout` says how their order was found, `skipped` what is no
    SQL (client commands, COPY data), `notes` what was assumed.
    """

    schema: Schema
    texts: Mapping[str, str]
    layout: str
    statements: tuple[Statement, ...]
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...]


def load(
    files: Mapping[str, str], dialect: Dialect | None = None, version: tuple[int, ...] = ()
) -> Loaded:
    """The schema that the files leave behind: one script, or a history of migrations.

    `version` is the engine's: it decides what MySQL's versioned comments mean. Raises
    `ScriptError` for a text that cannot be split, `UnknownDialect` when `dialect` is None and the
    text gives no clear hint.
    """
    read = _read(files, dialect, version)
    return replace(read, schema=fold(read.statements, read.schema.dialect))


def load_both(
    first: Mapping[str, str],
    second: Mapping[str, str] | Sequence[Statement],
    dialect: Dialect | None = None,
    version: tuple[int, ...] = (),
) -> tuple[Loaded, Schema]:
    """A schema as `load` does it and another; what both texts begin with is folded once.

    The other is of files, or what statements make of the first.
    """
    read = _read(first, dialect, version)
    engine = read.schema.dialect
    if isinstance(second, Mapping):
        others = _read(second, engine, version).statements
    else:
        others = (*read.statements, *second)
    one, other = _fold_both(read.statements, others, engine)
    return replace(read, schema=one), other


def _read(files: Mapping[str, str], dialect: Dialect | None, version: tuple[int, ...]) -> Loaded:
    """The statements of the files, not folded yet."""
    engine = dialect or told(files)
    history = order(files) if len(files) > 1 else sole(*next(iter(files.items())))
    statements: list[Statement] = []
    skipped: list[Skipped] = []
    for part in history.parts:
        found, left = split(
            part.text, part.file, engine, start=part.start, end=part.end, version=_number(version)
        )
        statements += found
        skipped += left
    notes = [clean(note, 500) for note in history.notes]
    if history.ignored:
        some = "; ".join(f"{quoted(name)}: {reason}" for name, reason in history.ignored[:MOST])
        more = len(history.ignored) - MOST
        notes.append(f"Not read: {some}" + (f" and {more} more." if more > 0 else "."))
    if includes := [s for s in skipped if _INCLUDES(s.text)]:
        some = ", ".join(quoted(s.text, 60) for s in includes[:MOST])
        notes.append(f"Files that the script includes are not read: {some}; name them, too.")
    if dialect is None:
        notes.append(f"Read as {engine}, as the text tells; say `dialect` if that is wrong.")
    return Loaded(
        Schema(engine), files, history.layout, tuple(statements), tuple(skipped), tuple(notes)
    )


@without_gc()
def fold(statements: Sequence[Statement], dialect: Dialect) -> Schema:
    """The schema after all statements in order."""
    if dialect is Dialect.POSTGRES:
        from .postgres.parse import fold as fold_postgres

        return fold_postgres(statements)
    if dialect is Dialect.SQLITE:
        from .sqlite.parse import fold as fold_sqlite

        return fold_sqlite(statements)
    from .mysql.parse import fold as fold_mysql

    return fold_mysql(list(statements), dialect)


@without_gc()
def _fold_both(
    first: Sequence[Statement], second: Sequence[Statement], dialect: Dialect
) -> tuple[Schema, Schema]:
    """Both schemas. A table that is the same in both is one object."""
    if dialect is Dialect.POSTGRES:
        from .postgres.parse import fold_alike, fold_both
    elif dialect is Dialect.SQLITE:
        from .sqlite.parse import fold_alike, fold_both
    else:
        return fold(first, dialect), fold(second, dialect)
    shared = _alike(first, second)
    if shared < len(first) and (made := made_alike(first, second)):
        one, other, tables = fold_alike(first, second, made)
        if other is None or not holds(one, other, tables):
            return one, fold(second, dialect)
        return one, with_tables_of(other, one)
    one, other = fold_both(first[:shared], first[shared:], second[shared:])
    if other.unread and first[:shared] != second[:shared]:  # there, places count
        return one, fold(second, dialect)
    return one, other if other.unread else with_tables_of(other, one)


def _alike(first: Sequence[Statement], second: Sequence[Statement]) -> int:
    """How many statements both begin with."""
    pairs = enumerate(zip(first, second, strict=False))
    return next(
        (at for at, (one, other) in pairs if one.text != other.text), min(len(first), len(second))
    )


_INCLUDES = re.compile(r"\\ir?\s|\\include|\.read\s|source\s", re.I).match


def _number(version: tuple[int, ...]) -> int | None:
    """A version as MySQL's comments give it: 80036 for 8.0.36."""
    major, minor, patch = (*version, 0, 0, 0)[:3]
    return major * 10_000 + minor * 100 + patch if version else None


def told(*inputs: Mapping[str, str]) -> Dialect:
    """The dialect that some files, or else others of the same database, show. `UnknownDialect`."""
    hints = {hint for files in inputs if (hint := dialect_hint(files))}
    if len(hints) != 1:
        between = " (" + " and ".join(sorted(hints)) + " at once)" if hints else ""
        raise UnknownDialect(
            f"the engine cannot be told from the text{between}; give `dialect`: postgres, mysql,"
            " mariadb or sqlite"
        )
    return Dialect(hints.pop())
