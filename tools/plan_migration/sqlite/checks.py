"""What the rows must be like before a table is tightened, and what would be lost: as queries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ...ddl.diff import Change
from ...ddl.model import Check, Column, ForeignKey, Index, Key, Name, Table
from ...ddl.sqlite.emit import ident, idents, qualified
from ...ddl.sqlite.tables import is_rowid
from ..model import Query
from .alter import mentions, table_changes
from .middle import affinity

LOST: Final = "the values that will be lost"
_NUMBER: Final = "{c} GLOB '*[0-9]*' AND {c} NOT GLOB '*[^-+.0-9eE ]*'"
# What typeof() says of the values that a STRICT table takes: https://www.sqlite.org/stricttables.html
_STRICT: Final = {
    "INT": "'integer'",
    "INTEGER": "'integer'",
    "REAL": "'real', 'integer'",
    "TEXT": "'text'",
    "BLOB": "'blob'",
}


def preflight(before: Table, after: Table) -> Iterator[Query]:
    """What is to be asked before a table becomes the other."""
    name = qualified(before.name)
    yield from _row_ids(name, before, after)
    yield from _types(name, before, after)
    for change in table_changes(before, after):
        match change.object[0], change.kind:
            case "column", "changed":
                yield from _changed(name, change)
            case "column", "removed" if change.before.generated is None:
                column = ident(change.object[2])
                yield Query(f"SELECT count(*) FROM {name} WHERE {column} IS NOT NULL", LOST)
            case "check", "added" | "changed":
                if _on_old(change.after, before, after):
                    yield _violations(name, change.after)
            case "key", "added" | "changed":
                yield from _duplicates(name, change.after, before)
            case "foreign key", "added" | "changed":
                if set(change.after.columns) <= before.columns.keys():
                    yield _orphans(name, change.after)


def _row_ids(name: str, before: Table, after: Table) -> Iterator[Query]:
    """What becomes the row id takes integers only."""
    old, new = before.primary_key, after.primary_key
    if new is None or not is_rowid(after, new) or (old is not None and is_rowid(before, old)):
        return
    column = new.columns[0]
    if column in before.columns:
        yield Query(
            f"SELECT count(*) FROM {name} WHERE typeof({ident(column)}) <> 'integer'",
            "0",
            "An INTEGER PRIMARY KEY takes integers only, and numbers the rows without one.",
        )


def _changed(name: str, change: Change) -> Iterator[Query]:
    before, after = change.before, change.after
    column = ident(after.name)
    if after.generated is not None and before.generated is None:
        yield Query(f"SELECT count(*) FROM {name} WHERE {column} IS NOT NULL", LOST)
        return
    if after.not_null is not None and before.not_null is None:
        yield Query(
            f"SELECT count(*) FROM {name} WHERE {column} IS NULL",
            "0",
            "Rows without a value must get one first.",
        )
    if "type" in change.fields:
        yield from _conversions(name, before, after)


def _conversions(name: str, before: Column, after: Column) -> Iterator[Query]:
    """Values that the new type's affinity turns into others."""
    column = ident(after.name)
    lossy = lossy_values(column, affinity(before.type), affinity(after.type))
    if lossy:
        yield Query(
            f"SELECT count(*) FROM {name} WHERE {lossy}",
            "0",
            f"These change when {after.type or 'the new type'} converts them.",
        )


def lossy_values(column: str, old: str, new: str) -> str:
    """The condition of the values that do not come back from one affinity to the other."""
    if new == old or new == "BLOB":
        return ""
    if new == "TEXT":
        if old == "BLOB":
            return f"typeof({column}) IN ('integer', 'real')"
        return f"typeof({column}) = 'real' AND CAST(CAST({column} AS TEXT) AS REAL) <> {column}"
    number = _NUMBER.format(c=column)
    as_number = f"CAST({column} AS {'REAL' if new == 'REAL' else 'NUMERIC'})"
    back = "1" if old == "BLOB" else f"{column} <> CAST({as_number} AS TEXT)"
    texts = f"typeof({column}) = 'text' AND {number}"
    found = texts if back == "1" else f"{texts} AND {back}"
    if new == "REAL":
        whole = (
            f"typeof({column}) = 'integer' AND CAST(CAST({column} AS REAL) AS INTEGER) <> {column}"
        )
        return f"({found}) OR ({whole})"
    return found


def _violations(name: str, check: Check) -> Query:
    return Query(
        f"SELECT count(*) FROM {name} WHERE NOT ({check.expression})",
        "0",
        "Rows that violate the check would make it fail.",
    )


def _on_old(check: Check, before: Table, after: Table) -> bool:
    new = [column for column in after.columns if column not in before.columns]
    return not any(mentions(check.expression, column) for column in new)


def _duplicates(name: str, key: Key, before: Table) -> Iterator[Query]:
    if set(key.columns) <= before.columns.keys():
        yield duplicates(name, idents(key.columns), key.columns)


def duplicates(name: str, parts: str, columns: tuple[str, ...], where: str = "") -> Query:
    """Rows that are the same in what is to be unique."""
    conditions = [f"{ident(column)} IS NOT NULL" for column in columns]
    conditions += [f"({where})"] if where else []
    filtered = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return Query(
        f"SELECT {parts}, count(*) FROM {name}{filtered} GROUP BY {parts} HAVING count(*) > 1"
        " LIMIT 10",
        "no rows",
        "Duplicates would make it fail.",
    )


def of_index(table: Name, index: Index) -> Iterator[Query]:
    """What a unique index demands."""
    if not index.unique:
        return
    parts = ", ".join(
        ident(part.expression) if part.is_column else str(part.expression) for part in index.parts
    )
    columns = tuple(str(part.expression) for part in index.parts if part.is_column)
    yield duplicates(qualified(table), parts, columns, index.where or "")


def _orphans(name: str, key: ForeignKey) -> Query:
    parent = qualified(key.table)
    pairs = list(zip(key.columns, key.referenced, strict=False))
    same = " AND ".join(f"parent.{ident(p)} = child.{ident(c)}" for c, p in pairs)
    filled = " AND ".join(f"child.{ident(column)} IS NOT NULL" for column in key.columns)
    return Query(
        f"SELECT count(*) FROM {name} AS child WHERE {filled} AND NOT EXISTS"
        f" (SELECT 1 FROM {parent} AS parent WHERE {same or 'false'})",
        "0",
        "Rows without a parent would violate the foreign key.",
    )


def _types(name: str, before: Table, after: Table) -> Iterator[Query]:
    """What STRICT refuses."""
    for column in after.columns.values() if after.strict else ():
        allowed = _STRICT.get(column.type.name.upper())
        old = before.columns.get(column.name)
        if allowed is None or old is None or column.generated is not None:
            continue
        if not before.strict or old.type != column.type:
            yield Query(
                f"SELECT count(*) FROM {name}"
                f" WHERE typeof({ident(column.name)}) NOT IN ({allowed}, 'null')",
                "0",
                "A STRICT table converts values of another type, or refuses them.",
            )
