"""The schema between: what old code and new code can both work with.

What is added and loosened is there already, what is removed and tightened comes later. A step of
the expand phase is a way from the current schema to it, one of the contract phase goes on to the
target.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from ...ddl.emit_text import in_order as needed_first
from ...ddl.model import (
    Check,
    Column,
    Dialect,
    Index,
    Key,
    Name,
    Schema,
    Table,
    Trigger,
    Type,
    View,
)
from ...ddl.sqlite.tables import is_rowid
from ...ddl.state import put
from ...ddl.tokens import identifiers
from .alter import Version, alterations, is_same, mentions, table_changes
from .rebuild import is_matched

MAX_QUERY: Final = 20_000  # characters of a view that is parsed
_IN_LIST: Final = re.compile(r"(.+?)\bIN\s*\(([^()]*)\)\s*", re.IGNORECASE | re.DOTALL)


def between(current: Schema, target: Schema, renamed: frozenset[str], version: Version) -> Schema:
    """The schema that both versions can use. `renamed` are tables (in lower case) to leave alone.

    The target's names are spelled as the current ones.
    """
    tables = {
        name: _table(table, target.tables[name], version)
        if name in target.tables and name.name.lower() not in renamed
        else table
        for name, table in current.tables.items()
    }
    taken = {name.name.lower() for group in (current.tables, current.views) for name in group}
    for name, table in target.tables.items():
        if name.name.lower() not in taken | renamed:
            tables[name] = table
    tables = {name: _with_ready_keys(table, current, tables) for name, table in tables.items()}
    ready = {name.name.lower() for group in (tables, current.views) for name in group}
    known = _names(target) - ready | renamed
    views = {**current.views}
    uses = {name: identifiers(view.query, Dialect.SQLITE) for name, view in target.views.items()}
    for name in needed_first(uses):
        view = target.views[name]
        blocked = identifiers(view.query, Dialect.SQLITE) & known
        old = current.views.get(name)
        if blocked or (old is None and name.name.lower() in taken):
            known = known | {name.name.lower()}
        elif old is None or _keeps_columns(old, view):
            views[name] = view
            known = known - {name.name.lower()}
    opaque = {**{k: o for k, o in target.opaque.items() if k[1].lower() not in taken}}
    opaque |= current.opaque
    return _with_triggers(
        replace(current, tables=tables, views=views, opaque=opaque), current, target, known
    )


def _with_ready_keys(table: Table, current: Schema, tables: Mapping[Name, Table]) -> Table:
    """Without new foreign keys to what is not unique yet."""
    now = current.tables.get(table.name)
    keys = {
        label: key
        for label, key in table.foreign_keys.items()
        if (now is not None and label in now.foreign_keys) or is_matched(key, tables)
    }
    return replace(table, foreign_keys=keys) if len(keys) < len(table.foreign_keys) else table


def in_order(target: Schema, current: Schema, middle: Schema, version: Version) -> Schema:
    """The target with its tables' columns as they stand, where nothing but a new one moved."""

    def of(table: Table) -> Table:
        now, then = middle.tables.get(table.name), current.tables.get(table.name)
        if now is None or then is None:
            return table
        if [c for c in then.columns if c in table.columns] != [
            c for c in table.columns if c in then.columns
        ]:
            return table
        placed = {name: table.columns[name] for name in now.columns if name in table.columns}
        same = replace(table, columns={**placed, **table.columns})
        return table if _rebuilds(now, same, version) else same

    return replace(target, tables={name: of(table) for name, table in target.tables.items()})


def _names(schema: Schema) -> frozenset[str]:
    return frozenset(n.name.lower() for group in (schema.tables, schema.views) for n in group)


def _with_triggers(
    schema: Schema, current: Schema, target: Schema, unknown: frozenset[str]
) -> Schema:
    def of(
        name: Name, now: Mapping[str, Trigger], then: Mapping[str, Trigger]
    ) -> Mapping[str, Trigger]:
        if name.name.lower() in unknown:
            return now
        fit = {
            label: trigger
            for label, trigger in then.items()
            if not identifiers(f"{trigger.when or ''} {trigger.body}", Dialect.SQLITE) & unknown
            and (label in now or label.lower() not in taken)
        }
        return {**now, **fit}

    owners: list[Table | View] = [*current.tables.values(), *current.views.values()]
    taken = {label.lower() for owner in owners for label in owner.triggers}
    tables = {
        name: replace(table, triggers=of(name, _triggers(current, name), _triggers(target, name)))
        if name in target.tables
        else table
        for name, table in schema.tables.items()
    }
    views = {
        name: replace(view, triggers=of(name, _triggers(current, name), _triggers(target, name)))
        if name in target.views
        else view
        for name, view in schema.views.items()
    }
    return replace(schema, tables=tables, views=views)


def _triggers(schema: Schema, name: Name) -> Mapping[str, Trigger]:
    owner = schema.tables.get(name) or schema.views.get(name)
    return owner.triggers if owner else {}


def _keeps_columns(before: View, after: View) -> bool:
    """Whether what old code reads from a view is there in the new one, as far as it can be told."""
    old, new = _columns(before), _columns(after)
    return old is None or new is None or old <= new


def _columns(view: View) -> frozenset[str] | None:
    if view.columns:
        return frozenset(name.lower() for name in view.columns)
    if len(view.query) > MAX_QUERY:
        return None
    try:
        parsed = sqlglot.parse_one(view.query, dialect="sqlite")
    except (SqlglotError, RecursionError):
        return None
    if not isinstance(parsed, exp.Query):
        return None
    names = [name.lower() for name in parsed.named_selects]
    return None if "*" in names or "" in names else frozenset(names)


# Tables


def _table(before: Table, after: Table, version: Version) -> Table:
    """The table for both; what is up to taste goes along where it is rebuilt in any case."""
    if is_same(before, after):
        return before
    strict = _loosened(before, after, neutral=False)
    free = _loosened(before, after, neutral=True)
    now = _rebuilds(before, strict, version)
    return free if now or not _rebuilds(free, after, version) else strict


def _rebuilds(before: Table, after: Table, version: Version) -> bool:
    return bool(table_changes(before, after)) and alterations(before, after, version) is None


def _loosened(before: Table, after: Table, *, neutral: bool) -> Table:
    columns = {
        name: _column(column, after.columns.get(name), before, after, neutral=neutral)
        for name, column in before.columns.items()
    }
    fresh = [name for name in after.columns if name not in before.columns]
    columns |= {name: _weakened(after.columns[name], after) for name in fresh}
    new = frozenset(fresh)
    kept = frozenset(before.columns) & frozenset(after.columns)
    keys = {label: key for label, key in after.keys.items() if label not in before.keys}
    return replace(
        before,
        columns=columns,
        keys={**before.keys, **{n: k for n, k in keys.items() if _fits(k, before, after, new)}},
        checks=_checks(before, after, new, kept),
        foreign_keys={
            **{n: k for n, k in before.foreign_keys.items() if n in after.foreign_keys},
            **{n: k for n, k in before.foreign_keys.items() if not kept & set(k.columns)},
            **{
                n: k
                for n, k in after.foreign_keys.items()
                if n not in before.foreign_keys and set(k.columns) <= new
            },
        },
        strict=before.strict and after.strict,
        indexes=_indexes(before, after, new),
    )


def _fits(key: Key, before: Table, after: Table, new: frozenset[str]) -> bool:
    """Whether a new key is on new columns only, and old code fills them without knowing."""
    if not _are_empty(key.columns, after, new):
        return False
    return not key.primary or (before.primary_key is None and is_rowid(after, key))


def _checks(
    before: Table, after: Table, new: frozenset[str], kept: frozenset[str]
) -> Mapping[str, Check]:
    found: dict[str, Check] = {}
    added = [check for label, check in after.checks.items() if label not in before.checks]
    for label, check in before.checks.items():
        other = after.checks.get(label)
        of = {name for name in kept if mentions(check.expression, name)}
        changed = any(mentions(each.expression, name) for each in added for name in of)
        if other is not None:
            found[label] = other if _widens(check, other) else check
        elif not of or (changed and not any(_widens(check, each) for each in added)):
            found[label] = check  # it goes with its columns, or for another
    for check in added:
        widens = any(_widens(old, check) for old in before.checks.values())
        old = any(mentions(check.expression, name) for name in before.columns)
        if widens or (not old and any(mentions(check.expression, name) for name in new)):
            put(found, check)
    return found


def _widens(before: Check, after: Check) -> bool:
    """Whether a check is a list of allowed values that has got longer."""
    old, new = (_IN_LIST.fullmatch(check.expression) for check in (before, after))
    if not old or not new or old[1].split() != new[1].split():
        return False
    less, more = ({item.strip() for item in found[2].split(",")} for found in (old, new))
    return less < more


def _indexes(before: Table, after: Table, new: frozenset[str]) -> Mapping[str, Index]:
    found = dict(before.indexes)
    for label, index in after.indexes.items():
        old = before.indexes.get(label)
        if old is not None and old.unique:
            continue
        if not index.unique or _are_empty(
            [str(part.expression) for part in index.parts], after, new
        ):
            found[label] = index
    return found


def _are_empty(names: Sequence[str], table: Table, new: frozenset[str]) -> bool:
    """Whether these are new columns without a value in the rows of old code."""
    return all(
        name in new
        and table.columns[name].default is None
        and table.columns[name].generated is None
        for name in names
    )


def _weakened(column: Column, table: Table) -> Column:
    """A new column as old code can leave it out."""
    key = table.primary_key
    is_alias = key is not None and is_rowid(table, key) and column.name in key.columns
    if column.default is not None or column.generated is not None or is_alias:
        return column
    return replace(column, not_null=None)


def _column(
    column: Column, then: Column | None, before: Table, after: Table, *, neutral: bool
) -> Column:
    if then is None:
        in_key = before.primary_key is not None and column.name in before.primary_key.columns
        left_out = column.default is None and column.generated is None and not in_key
        return replace(column, not_null=None) if left_out else column
    if column.not_null is not None and then.not_null is None and not _is_implied(column, before):
        column = replace(column, not_null=None)
    if column.generated is not None and then.generated is None:
        column = replace(column, generated=None, default=then.default, not_null=None)
    if column.not_null is not None and column.default is None and then.default is not None:
        column = replace(column, default=then.default)
    if not neutral:
        return column
    same = affinity(column.type) == affinity(then.type) and not (before.strict or after.strict)
    return replace(
        column,
        type=then.type if same else column.type,
        default=then.default if column.generated is None else column.default,
        auto_increment=then.auto_increment if _same_alias(before, after) else column.auto_increment,
        options=then.options,
    )


def _is_implied(column: Column, table: Table) -> bool:
    """Whether the table's kind makes a column of its primary key NOT NULL."""
    key = table.primary_key
    if key is None or column.name not in key.columns:
        return False
    return table.without_rowid or table.strict or is_rowid(table, key)


def _same_alias(before: Table, after: Table) -> bool:
    """Whether both have the row id by one name."""
    one, other = before.primary_key, after.primary_key
    return (
        one is not None
        and other is not None
        and one.columns == other.columns
        and is_rowid(before, one)
        and is_rowid(after, other)
    )


def affinity(type: Type) -> str:
    """How a column of a declared type converts: https://www.sqlite.org/datatype3.html"""
    name = type.name.upper()
    if "INT" in name:
        return "INTEGER"
    if any(word in name for word in ("CHAR", "CLOB", "TEXT")):
        return "TEXT"
    if "BLOB" in name or not name:
        return "BLOB"
    if any(word in name for word in ("REAL", "FLOA", "DOUB")):
        return "REAL"
    return "NUMERIC"
