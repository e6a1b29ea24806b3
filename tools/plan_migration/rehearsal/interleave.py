"""A backfill among writes of both versions, in every order: the newest value of a row must stay.

For each column that a batched step fills: an old instance writes what the column is made from, a
new one writes the column, the backfill runs. What stands in the row after a write is the ledger;
the backfill must leave it, and with a trigger that keeps both in step the last write must be seen
by both versions. Everything is rolled back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Final

from ...ddl.expressions import names_of
from ...ddl.model import Column, Name, Schema, Table
from ...ddl.postgres.text import ident, idents, literal, qualified
from ..model import Step
from .seeds import equal
from .sessions import Values
from .stage import Stage
from .values import candidates, distinct

MAX_PAIRS: Final = 3  # of columns, for one step
MAX_BATCHES: Final = 50


@dataclass(frozen=True, slots=True)
class Collision:
    """An order of events after which a row is not as the last write left it."""

    order: str
    expected: str
    got: str


@dataclass(frozen=True, slots=True)
class _Pair:
    """An old column and the new one that holds its value.

    `synced` says what a trigger carries over: 0 nothing, 1 writes of the old column, 2 of both.
    """

    table: Table
    where: str
    old: Column
    new: Column
    synced: int
    values: tuple[str, str]  # that the old version and the new one write, each into its column
    seen: Values  # what the new column is after the old version's write


def tried(stage: Stage, step: Step, current: Schema, now: Schema) -> tuple[int, list[Collision]]:
    """How many orders were tried before a batched step has run, and which of them collide."""
    count = 0
    found: list[Collision] = []
    for table in _filled(step, current, now):
        pairs = [*_pairs(stage, step, current.tables[table.name], table, now)][:MAX_PAIRS]
        for pair in pairs:
            for order in permutations(("old", "new", "backfill")):
                count += 1
                found += _collision(stage, step, pair, order)
    return count, found


def _filled(step: Step, current: Schema, now: Schema) -> Iterator[Table]:
    """Tables of the current schema that the step names and that have got columns since."""
    named = {
        Name(name.schema or "public", name.name)
        for sql in step.sql
        for name in names_of(sql).relations
    }
    words = " ".join(step.sql)
    for name, table in sorted(now.tables.items()):
        old = current.tables.get(name)
        mentioned = name in named or (name.name in words and not named)
        if old and mentioned and table.primary_key and set(table.columns) - set(old.columns):
            yield table


def _pairs(stage: Stage, step: Step, before: Table, table: Table, now: Schema) -> Iterator[_Pair]:
    assert table.primary_key
    key = table.primary_key.columns
    rows = stage.planted.values(table.name, key)
    if not rows:
        return
    where = " AND ".join(equal(name, value) for name, value in zip(key, rows[0], strict=True))
    words = set(re.findall(r"\w+", " ".join(step.sql)))
    fresh = [c for c in table.columns.values() if c.name not in before.columns]
    for new in fresh:
        if new.name not in words or new.generated:
            continue
        for old in table.columns.values():
            known = old.name in before.columns and old.name not in key and not old.generated
            if known and (pair := _probed(stage, table, where, old, new, now, words)):
                yield pair
                break


def _probed(
    stage: Stage,
    table: Table,
    where: str,
    old: Column,
    new: Column,
    now: Schema,
    words: set[str],
) -> _Pair | None:
    """The pair, if a trigger connects the columns, or the backfill's text names both."""
    first, second = (_value(now, column, number) for column, number in ((old, 71), (new, 72)))
    if first is None or second is None:
        return None
    session = stage.session
    session.send("BEGIN")
    try:
        # A trigger may carry a value over at any update: what one that changes nothing does is
        # not the doing of the old column.
        stage.session.run(f"UPDATE {qualified(table.name)} SET {_itself(old)} WHERE {where}")
        start = _read(stage, table, where, (old, new))
        stage.session.send("ROLLBACK")
        stage.session.send("BEGIN")
        if start is None or not _write(stage, table, where, {old.name: first}):
            return None
        after_old = _read(stage, table, where, (old, new))
        session.send("ROLLBACK")
        session.send("BEGIN")
        if after_old is None or not _write(stage, table, where, {new.name: second}):
            return None
        after_new = _read(stage, table, where, (old, new))
    finally:
        session.send("ROLLBACK")
    forth = after_old[1] != start[1]
    back = after_new is not None and after_new[0] != start[0]
    if not forth and old.name not in words:
        return None
    return _Pair(table, where, old, new, forth + (forth and back), (first, second), after_old[1:])


def _collision(stage: Stage, step: Step, pair: _Pair, order: Sequence[str]) -> Iterator[Collision]:
    stage.session.send("BEGIN")
    try:
        expected: Values | None = None
        for event in order:
            if event == "backfill":
                if not _backfill(stage, step):
                    return
            else:
                if not _write(stage, pair.table, pair.where, _written(pair, event)):
                    return
                expected = _read(stage, pair.table, pair.where, (pair.old, pair.new))
                if event == "old" and pair.synced and expected and expected[1:] != pair.seen:
                    yield _told(pair, order, (pair.values[0], *pair.seen), expected)
                    return
        got = _read(stage, pair.table, pair.where, (pair.old, pair.new))
        if expected is not None and got != expected:
            yield _told(pair, order, expected, got)
    finally:
        stage.session.send("ROLLBACK")


def _written(pair: _Pair, event: str) -> dict[str, str]:
    """What a version writes: the new one both columns, unless a trigger does that for it."""
    if event == "old":
        return {pair.old.name: pair.values[0]}
    if pair.synced == 2:
        return {pair.new.name: pair.values[1]}
    return {pair.old.name: pair.values[0], pair.new.name: pair.values[1]}


def _backfill(stage: Stage, step: Step) -> bool:
    """Run the batches until nothing is left, within the open transaction; whether that works."""
    for _ in range(MAX_BATCHES):
        count = 0
        for sql in step.sql:
            done = stage.session.run(sql)
            if not done.ok:
                return False
            count += done.count
        if stage.is_done(step, wrote=count > 0):
            break
    return True


def _told(pair: _Pair, order: Sequence[str], expected: Values, got: Values | None) -> Collision:
    names = (pair.old.name, pair.new.name)
    return Collision(
        f"{', then '.join(order)} on {pair.table.name} where {pair.where}",
        _shown(names, expected),
        _shown(names, got) if got else "no row",
    )


def _shown(names: Sequence[str], values: Values) -> str:
    return ", ".join(f"{name} = {value}" for name, value in zip(names, values, strict=True))


def _write(stage: Stage, table: Table, where: str, values: dict[str, str]) -> bool:
    settings = ", ".join(f"{ident(name)} = {literal(value)}" for name, value in values.items())
    done = stage.session.run(f"UPDATE {qualified(table.name)} SET {settings} WHERE {where}")
    return done.ok and done.count == 1


def _read(stage: Stage, table: Table, where: str, columns: Sequence[Column]) -> Values | None:
    names = idents(column.name for column in columns)
    done = stage.session.run(f"SELECT {names} FROM {qualified(table.name)} WHERE {where}")
    return done.rows[0] if done.ok and done.rows else None


def _itself(column: Column) -> str:
    return f"{ident(column.name)} = {ident(column.name)}"


def _value(schema: Schema, column: Column, number: int) -> str | None:
    value = distinct(schema, column.type, number)
    return value or next(iter(candidates(schema, column.type)[-1:]), None)
