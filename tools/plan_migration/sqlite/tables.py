"""The steps that change tables: columns added, and everything else in one go."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from ...ddl.diff import Change, dotted
from ...ddl.model import Name, Schema, Table
from ...ddl.sqlite.emit import create_index, create_table, create_trigger, ident, qualified
from ...report import quoted
from ..context import Context
from ..model import Phase, Query, Step, Undo
from ..script import TRANSACTIONAL_RUNNERS
from . import checks
from .alter import Version, alterations, mentions, table_changes
from .middle import affinity
from .rebuild import counts
from .transition import Transition, transition

MANUAL: Final = "https://www.sqlite.org/"
ALTER: Final = MANUAL + "lang_altertable.html"
REBUILD: Final = ALTER + "#otheralter"
_STATEMENT: Final = re.compile(r"\s*(CREATE|ALTER|DROP|INSERT)\b", re.IGNORECASE)
SAME_ROWS: Final = "as many rows as before"


def made(table: Table) -> tuple[str, ...]:
    """A table with what belongs to it."""
    return (
        create_table(table),
        *(create_index(table, index) for index in table.indexes.values()),
        *(create_trigger(table.name, trigger) for trigger in table.triggers.values()),
    )


def added(
    phase: Phase, now: Schema, target: Table, version: Version
) -> Iterator[tuple[Step, Table]]:
    """ADD COLUMN, a step each, with the table as it is after it."""
    table = now.tables[target.name]
    shown = qualified(table.name)
    for action in alterations(table, target, version) or ():
        name = action.column
        after = _with_column(table, target, name)
        states = [replace(now, tables={**now.tables, t.name: t}) for t in (table, after)]
        back = transition(states[1], states[0], [table.name], version, keep_order=True)
        scans = action.operation != "add column"
        yield (
            Step(
                phase,
                f"Add column {ident(name)} to {shown}",
                (action.sql,),
                "The rows are read to check them." if scans else "Only the schema changes.",
                Undo(back.sql, "until", "the new code writes to the column", "what it wrote"),
                verify=(_has_column(table.name, name),),
                references=(ALTER + "#altertabaddcol",),
                objects=(("column", dotted(table.name), name),),
            ),
            after,
        )
        table = after


def _with_column(table: Table, target: Table, name: str) -> Table:
    """The table with one more column of the target and the constraints that come with it."""
    columns = {**table.columns, name: target.columns[name]}

    def ready(names: Sequence[str]) -> bool:
        return set(names) <= columns.keys()

    later = [c for c in target.columns if c not in columns]
    return replace(
        table,
        columns=columns,
        checks={
            label: check
            for label, check in target.checks.items()
            if label in table.checks or not any(mentions(check.expression, c) for c in later)
        },
        foreign_keys={n: k for n, k in target.foreign_keys.items() if ready(k.columns)},
    )


def changed(
    phase: Phase,
    before: Schema,
    after: Schema,
    group: Sequence[Name],
    ctx: Context,
    version: Version,
) -> Step:
    """One step for tables that are rebuilt or lose a column, and what reads them."""
    forth = transition(before, after, group, version)
    back = transition(after, before, group, version, keep_order=True)
    pairs = [(before.tables[name], after.tables[name]) for name in group]
    found = [change for pair in pairs for change in table_changes(*pair)]
    undo = _undo(pairs, back)
    loses = undo.loses if undo.verdict == "no_return" else ""
    queries = [query for pair in pairs for query in checks.preflight(*pair)]
    queries += [
        query
        for old, new in pairs
        for label, index in new.indexes.items()
        if old.indexes.get(label) != index and set(index.columns) <= old.columns.keys()
        for query in checks.of_index(new.name, index)
    ]
    counted = [Query(f"SELECT count(*) FROM {qualified(n)}", SAME_ROWS) for n in forth.rebuilt]
    for name in forth.checked:
        if name in before.tables:
            why = "Rows without a parent would stop the step at its end."
            queries.append(_unreferenced(name, why))
        counted.append(_unreferenced(name))
    return Step(
        phase,
        _title(pairs, found, forth),
        forth.sql,
        _why(forth),
        undo,
        transaction="none" if forth.alone else "own",
        preflight=tuple(dict.fromkeys(queries)),
        verify=(*counted, Query("PRAGMA quick_check", "ok")) if forth.rebuilt else _gone(pairs),
        loses_data=loses,
        hazards=(*_hazards(forth, ctx), *_left_out(forth.rebuilt, ctx)),
        references=(REBUILD if forth.rebuilt else ALTER + "#altertabdropcol",),
        objects=tuple(change.object for change in found),
        drops=tuple(c.object for c in found if c.kind == "removed"),
    )


def _unreferenced(table: Name, why: str = "") -> Query:
    text = table.name.replace("'", "''")
    return Query(f"SELECT count(*) FROM pragma_foreign_key_check('{text}')", "0", why)


def _title(pairs: Sequence[tuple[Table, Table]], found: list[Change], way: Transition) -> str:
    said = list(dict.fromkeys(_said_of(change) for change in found))
    shown = ", ".join(qualified(old.name) for old, _ in pairs)
    some = "; ".join(said[:4]) + (f" and {len(said) - 4} more" if len(said) > 4 else "")
    return f"Rebuild {shown}: {some}" if way.rebuilt else f"{some[0].upper()}{some[1:]} of {shown}"


def _said_of(change: Change) -> str:
    """A change of a table in words: `column total: not null`."""
    kind, label = change.object[0], change.object[-1]
    what = "its options" if kind == "table" else f"{kind} {label}"
    if kind == "table" and change.fields == ("columns",):
        return "the order of its columns"
    if change.kind == "removed":
        return f"drop {what}"
    if change.kind == "added":
        return f"add {what}"
    words = ", ".join(field.replace("_", " ") for field in change.fields)
    return f"change {what} ({words})"


def _why(way: Transition) -> str:
    if not way.rebuilt:
        return "The values are taken out of every row. Once no instance of the old code uses it."
    why = (
        "ALTER TABLE cannot do this, so the rows are copied to a new table that takes the old one's"
        " place, in one transaction: no other connection writes meanwhile, and nobody sees it half"
        " done."
    )
    if way.alone:
        why += (
            " Foreign keys are off meanwhile, since DROP TABLE would act on the rows that reference"
            " it; that works outside of a transaction only. Where `foreign_key_check` returns rows,"
            " or anything fails, end it with ROLLBACK. Leave out the last statement where foreign"
            " keys are not enforced."
        )
    return why


def _hazards(way: Transition, ctx: Context) -> Iterator[str]:
    if way.alone and ctx.runner in TRANSACTIONAL_RUNNERS:
        yield (
            f"{ctx.runner} runs a migration in a transaction, where PRAGMA foreign_keys does"
            " nothing: run this one outside of it"
        )


def _left_out(rebuilt: Sequence[Name], ctx: Context) -> Iterator[str]:
    """Clauses of rebuilt tables that are not understood, and so not in the new table."""
    for schema in (ctx.current, ctx.target):
        starts = [(table.at, name) for name, table in schema.tables.items() if table.at]
        for unread in schema.unread:
            before = [start for start in starts if start[0] <= unread.at]
            if _STATEMENT.match(unread.text) or not before:
                continue
            at, name = max(before)
            if name in rebuilt and at.file == unread.at.file:
                yield f"not understood, and left out of the new table: {quoted(unread.text)}"


def _gone(pairs: Sequence[tuple[Table, Table]]) -> tuple[Query, ...]:
    return tuple(
        _has_column(old.name, name, there=False)
        for old, new in pairs
        for name in old.columns
        if name not in new.columns
    )


def _has_column(table: Name, column: str, *, there: bool = True) -> Query:
    one, other = (text.replace("'", "''") for text in (table.name, column))
    return Query(
        f"SELECT count(*) FROM pragma_table_xinfo('{one}') WHERE name = '{other}'",
        "1" if there else "0",
    )


# Undo


def _undo(pairs: Sequence[tuple[Table, Table]], back: Transition) -> Undo:
    """The way back, with the worst of what the changes allow."""
    lost = [what for pair in pairs for what in _lost(*pair)]
    if lost:
        sql = back.sql if all(_comes_back(*pair) for pair in pairs) else ()
        return Undo(sql, "no_return", loses="; ".join(lost))
    if any(c.object[0] == "column" and c.kind == "added" for p in pairs for c in table_changes(*p)):
        return Undo(back.sql, "until", "the new code writes to the column", "what it wrote")
    if any(counts(new) and not counts(old) for old, new in pairs):
        return Undo(back.sql, "until", "a row is inserted", "how far AUTOINCREMENT has counted")
    if any(_loosens(*pair) for pair in pairs):
        until = "a row is written that the old table would refuse"
        return Undo(back.sql, "until", until, "nothing, but it fails")
    return Undo(back.sql)


def _lost(before: Table, after: Table) -> Iterator[str]:
    """The values that nothing brings back."""
    shown = qualified(before.name)
    for name, column in before.columns.items():
        if column.generated is not None:
            continue
        then = after.columns.get(name)
        if then is None or then.generated is not None:
            yield f"every value of {shown}.{ident(name)}"
    if counts(before) and not counts(after):
        yield f"how far AUTOINCREMENT of {shown} has counted"


def _comes_back(before: Table, after: Table) -> bool:
    """Whether a table as before can be filled from what is left."""
    for name, column in before.columns.items():
        if name in after.columns or column.generated is not None:
            continue
        if column.not_null is not None and column.default is None:
            return False
        if before.primary_key is not None and name in before.primary_key.columns:
            return False
        if column.default is not None and _is_in_unique(before, name):
            return False
    return True


def _is_in_unique(table: Table, column: str) -> bool:
    """Whether a column has a part in what is unique, so that a default cannot fill it."""
    if any(column in key.columns for key in table.keys.values()):
        return True
    return any(
        mentions(part.expression, column)
        for index in table.indexes.values()
        if index.unique
        for part in index.parts
    )


def _loosens(before: Table, after: Table) -> bool:
    """Whether the table after takes rows that the one before refuses, or keeps values otherwise."""
    for change in table_changes(before, after):
        kind = change.object[0]
        if kind in ("key", "check", "foreign key") and change.kind != "added":
            return True
        if kind == "table" and (before.strict and not after.strict):
            return True
        if kind == "column" and change.kind == "changed":
            old, new = change.before, change.after
            if old.not_null is not None and new.not_null is None:
                return True
            if affinity(old.type) != affinity(new.type):
                return True
            if old.generated is not None:
                return True
    return False
