"""What of the rows and values in a database is not there any more, by digests taken before."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ...ddl.model import Column, Name, Schema

MAX_SHOWN: Final = 5  # examples of what was lost

Digests = tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """A table's rows: by key, for each column a digest of its text."""

    columns: tuple[str, ...]
    key: tuple[str, ...]  # empty: rows are told apart by all their values
    by_key: Mapping[Digests, Digests]
    shown: Mapping[Digests, str]  # the key as text
    whole: bool = True  # whether all rows were read


@dataclass(frozen=True, slots=True)
class Ledger:
    """The rows by table, and how far each sequence has counted."""

    tables: Mapping[Name, Rows]
    sequences: Mapping[Name, int]


@dataclass(frozen=True, slots=True)
class Losses:
    """What is in one ledger and not in a later one, counted, with some examples.

    `unread` are tables of which nothing can be said: they are too large.
    """

    tables: int = 0
    rows: int = 0
    values: int = 0
    sequences: int = 0
    examples: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.tables or self.rows or self.values or self.sequences)


def digest(cell: bytes) -> bytes:
    """What stands for a value; for null, that of NULL."""
    return hashlib.md5(cell, usedforsecurity=False).digest()


NULL: Final = digest(b"\\N")


def renamed(ledger: Ledger, old: Name, new: Name, column: tuple[str, str] | None = None) -> Ledger:
    """The ledger with a relation, or a column of one, under its new name."""
    tables = dict(ledger.tables)
    if old in tables:
        rows = tables.pop(old)
        if column:
            columns, key = (
                tuple(column[1] if name == column[0] else name for name in names)
                for names in (rows.columns, rows.key)
            )
            rows = replace(rows, columns=columns, key=key)
        tables[new] = rows
    sequences = {new if name == old else name: n for name, n in ledger.sequences.items()}
    return Ledger(tables, sequences)


def kept_values(ledger: Ledger, now: Schema, current: Schema, target: Schema) -> Ledger:
    """What both schemas have of a ledger: of a column with another type, only whether it is null,
    as of an enum that has lost a value, which may have another name now, and of other composites.

    `now` is the schema at that moment: rows of partitions count for the table that they make up.
    Sequences are left out. Rows whose key is not kept are told apart by their values.
    """
    tables = {}
    for name, rows in _by_root(ledger, now, current, target).items():
        before, after = current.tables.get(name), target.tables.get(name)
        if before and after:
            common = [c for c in rows.columns if c in before.columns and c in after.columns]
            other = {c for c in common if _other_text(before.columns[c], current, target)}
            recast = {c for c in common if before.columns[c].type != after.columns[c].type} | other
            kept = _of_columns(rows, common, recast)
            if any(
                c in other or _reads_otherwise(before.columns.get(c), after.columns.get(c))
                for c in rows.key
            ):
                kept = replace(kept, key=())
            tables[name] = kept
    return Ledger(tables, {})


def _by_root(ledger: Ledger, now: Schema, *both: Schema) -> dict[Name, Rows]:
    """The rows of partitions with those of the table they are in, where both schemas have it."""
    found: dict[Name, list[Rows]] = {}
    for name, rows in ledger.tables.items():
        root = _root(name, (now, *both))
        stays = all(root in schema.tables for schema in both)
        found.setdefault(root if stays else name, []).append(rows)
    return {name: _together(parts) for name, parts in found.items()}


def _root(name: Name, schemas: Sequence[Schema]) -> Name:
    """The table that a partition is in, or the table itself, by the first schema that says."""
    seen: set[Name] = set()
    while name not in seen:  # two schemas may say that each is in the other
        seen.add(name)
        named = (schema.tables.get(name) for schema in schemas)
        name = next((t.partition_of.parent for t in named if t and t.partition_of), name)
    return name


def _together(parts: Sequence[Rows]) -> Rows:
    """The rows of several tables as those of one."""
    first = parts[0]
    if len(parts) == 1:
        return first
    keyed = all(part.key == first.key for part in parts)
    columns = [c for c in first.columns if all(c in part.columns for part in parts)]
    by_key: dict[Digests, Digests] = {}
    shown: dict[Digests, str] = {}
    for number, part in enumerate(parts):
        apart = () if keyed and first.key else (str(number).encode(),)
        by_key |= {(*apart, *k): v for k, v in _of_columns(part, columns, ()).by_key.items()}
        shown |= {(*apart, *k): v for k, v in part.shown.items()}
    key = first.key if keyed else ()
    return Rows(tuple(columns), key, by_key, shown, all(part.whole for part in parts))


def only_given(ledger: Ledger, columns: Mapping[Name, Collection[str]]) -> Ledger:
    """The ledger with no more of some columns than whether there is a value."""
    tables = {
        name: _of_columns(rows, rows.columns, columns.get(name, ()))
        for name, rows in ledger.tables.items()
    }
    return replace(ledger, tables=tables)


def _other_text(column: Column, current: Schema, target: Schema) -> bool:
    """Whether the column's values may read otherwise: its enum loses one, attributes move."""
    name = Name(column.type.schema, column.type.name)
    old, new = current.enums.get(name), target.enums.get(name)
    if old and new:
        return not {*old.values} <= {*new.values}
    before, after = current.composites.get(name), target.composites.get(name)
    return bool(before and after) and before != after


def _reads_otherwise(now: Column | None, then: Column | None) -> bool:
    """Whether a column's values have another text in its new type, or may have."""
    if now is None or then is None:
        return True
    names = {now.type.name, then.type.name}
    return now.type != then.type and not (names <= _INTEGERS and not now.type.array)


def _of_columns(rows: Rows, columns: Sequence[str], recast: Collection[str]) -> Rows:
    places = [(rows.columns.index(name), name in recast) for name in columns]
    by_key = {
        own: tuple(
            _GIVEN if changed and cells[place] != NULL else cells[place]
            for place, changed in places
        )
        for own, cells in rows.by_key.items()
    }
    return replace(rows, columns=tuple(columns), by_key=by_key)


_GIVEN: Final = digest(b"given")
_INTEGERS: Final = frozenset({"smallint", "integer", "bigint"})


def losses(before: Ledger, after: Ledger, *, nulls: bool = True) -> Losses:
    """What of the rows and values before is not there after; what was added does not count.

    Without `nulls` a null that was filled does not count either: no value was lost.
    """
    tables = rows = values = 0
    examples: list[str] = []
    unread: list[str] = []
    for name, old in sorted(before.tables.items()):
        new = after.tables.get(name)
        if not old.whole or (new and not new.whole):
            unread.append(str(name))
        elif new is None:
            if old.by_key:
                tables += 1
                rows += len(old.by_key)
                examples.append(f"{name}: the table with its {len(old.by_key)} rows")
        else:
            for what, count in _lost(old, new, nulls):
                if what.startswith("row"):
                    rows += count
                else:
                    values += count
                examples.append(f"{name}: {what}")
    behind = sorted(
        name
        for name, value in before.sequences.items()
        if after.sequences.get(name, value - 1) < value
    )
    examples += [f"{name}: the sequence would count again from an earlier value" for name in behind]
    return Losses(tables, rows, values, len(behind), tuple(examples[:MAX_SHOWN]), tuple(unread))


def _lost(old: Rows, new: Rows, nulls: bool) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    if not old.key or old.key != new.key:
        return _lost_unkeyed(old, new, nulls)
    places = {column: place for place, column in enumerate(new.columns)}
    changed: Counter[str] = Counter()
    example: dict[str, str] = {}
    for own, digests in old.by_key.items():
        row = new.by_key.get(own)
        shown = old.shown.get(own, "…")
        if row is None:
            found.append((f"row ({', '.join(old.key)}) = ({shown})", 1))
            continue
        for column, digest in zip(old.columns, digests, strict=True):
            place = places.get(column)
            now = NULL if place is None else row[place]
            if digest != now and (nulls or digest != NULL):
                changed[column] += 1
                example.setdefault(column, shown)
    for column, count in changed.items():
        what = f"{column} in {count} rows, as where ({', '.join(old.key)}) = ({example[column]})"
        found.append((what, count))
    return found


def _lost_unkeyed(old: Rows, new: Rows, nulls: bool) -> list[tuple[str, int]]:
    """Rows told apart by all values that both have; a column that is gone has lost its values."""
    found: list[tuple[str, int]] = []
    gone = [place for place, column in enumerate(old.columns) if column not in new.columns]
    for place in gone:
        count = sum(row[place] != NULL for row in old.by_key.values())
        if count:
            found.append((f"{old.columns[place]} in {count} rows", count))
    filled = set() if nulls else _with_nulls(old)
    common = [column for column in old.columns if column in new.columns and column not in filled]
    before, after = (
        Counter(
            tuple(row[rows.columns.index(column)] for column in common)
            for row in rows.by_key.values()
        )
        for rows in (old, new)
    )
    missing = sum((before - after).values())
    if missing:
        found.append((f"row by its values, {missing} of them", missing))
    return found


def _with_nulls(rows: Rows) -> set[str]:
    return {
        column
        for place, column in enumerate(rows.columns)
        if any(row[place] == NULL for row in rows.by_key.values())
    }


def told(lost: Losses) -> list[str]:
    """Losses in words."""
    counts = {
        "tables": lost.tables,
        "rows": lost.rows,
        "values": lost.values,
        "sequences": lost.sequences,
    }
    summed = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    return [f"lost or changed: {summed}", *lost.examples]


def unread(lost: Losses) -> list[str]:
    """What the ledger cannot say, in words."""
    return [f"{name} has too many rows to compare" for name in lost.unread]
