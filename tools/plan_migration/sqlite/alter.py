"""Which changes of a table ALTER TABLE can make, by version; all others need a rebuild.

https://www.sqlite.org/lang_altertable.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from ...ddl.diff import Change, changes
from ...ddl.model import Check, Column, Dialect, ForeignKey, Schema, Sql, Table
from ...ddl.sqlite.emit import check_clause, column_definition, ident, qualified, references_clause
from ...ddl.tokens import identifiers

Version = tuple[int, ...]
RENAMES_COLUMNS: Final = (3, 25)
DROPS_COLUMNS: Final = (3, 35)
# Objects that are part of CREATE TABLE; indexes and triggers have statements of their own.
OF_TABLE: Final = frozenset({"table", "column", "key", "check", "foreign key"})
_CONSTANT: Final = re.compile(
    r"[+-]? ?(0x[0-9a-f]+|(\d++(\.\d*+)?|\.\d++)(e[+-]?\d++)?)|x?'([^']|'')*'|null|true|false",
    re.IGNORECASE,
)


class Action(NamedTuple):
    """A statement, the operation that it is in the measured table, and the table concerned.

    `column` is the one that is dropped or added.
    """

    sql: str
    operation: str
    table: str
    column: str = ""
    drops: bool = False


def table_changes(before: Table, after: Table) -> list[Change]:
    """What differs between two tables of the same name in what CREATE TABLE says."""
    if is_same(before, after):
        return []
    sides = [Schema(Dialect.SQLITE, tables={table.name: table}) for table in (before, after)]
    return [change for change in changes(*sides) if change.object[0] in OF_TABLE]


def is_same(before: Table, after: Table) -> bool:
    """Whether two tables are equal, and their columns in the same order."""
    return before == after and list(before.columns) == list(after.columns)


def alterations(
    before: Table, after: Table, version: Version, *, keep_order: bool = False
) -> list[Action] | None:
    """The ALTER TABLE statements that make one table of the other; None if they cannot.

    With `keep_order` the columns must end up in the order of `after`.
    """
    found = table_changes(before, after)
    added = [column for name, column in after.columns.items() if name not in before.columns]
    removed = [c.before for c in found if c.object[0] == "column" and c.kind == "removed"]
    rest = [c for c in found if c.object[0] != "column" or c.kind == "changed"]
    checks = [c.after for c in rest if c.object[0] == "check" and c.kind == "added"]
    keys = [c.after for c in rest if c.object[0] == "foreign key" and c.kind == "added"]
    if len(checks) + len(keys) < len(rest):
        return None
    made = [c for c in before.columns if c in after.columns] + [c.name for c in added]
    if keep_order and made != list(after.columns):
        return None
    if len(removed) > 1 or any(not is_droppable(c, before, after, version) for c in removed):
        return None
    placed = _placed(added, checks, keys)
    if placed is None:
        return None
    additions = [_addition(column, before, *placed[column.name]) for column in added]
    if any(action is None for action in additions):
        return None
    return [*filter(None, additions), *(_removal(column, before) for column in removed)]


def is_droppable(column: Column, before: Table, after: Table, version: Version) -> bool:
    """Whether DROP COLUMN takes it: nothing in the table uses it.

    A check or foreign key of its own does not hinder, but the model does not tell these from those
    of the table.
    """
    name = column.name
    if version < DROPS_COLUMNS or len(before.columns) < 2:
        return False
    if any(name in key.columns for key in before.keys.values()):
        return False
    if any(name in key.columns for key in before.foreign_keys.values()):
        return False
    texts = [check.expression for check in before.checks.values()]
    texts += [c.generated.expression for c in before.columns.values() if c.generated]
    for label, index in before.indexes.items():
        if label in after.indexes:  # others are gone by then
            texts += [part.expression for part in index.parts]
            texts += [index.where] if index.where is not None else []
    return not any(mentions(text, name) for text in texts)


def mentions(text: str, name: str) -> bool:
    """Whether an expression, query or body has the name in it, whatever it stands for."""
    return name.lower() in text.lower() and name.lower() in identifiers(text, Dialect.SQLITE)


def _placed(
    added: Sequence[Column], checks: Sequence[Check], keys: Sequence[ForeignKey]
) -> Mapping[str, tuple[list[Check], list[ForeignKey]]] | None:
    """The constraints that each new column can bring along; None if one belongs to none."""
    placed: dict[str, tuple[list[Check], list[ForeignKey]]] = {c.name: ([], []) for c in added}
    for check in checks:
        owner = next((c for c in reversed(placed) if mentions(check.expression, c)), None)
        if owner is None:
            return None
        placed[owner][0].append(check)
    for key in keys:
        if len(key.columns) != 1 or key.columns[0] not in placed:
            return None
        placed[key.columns[0]][1].append(key)
    return placed


def _addition(
    column: Column, table: Table, checks: Sequence[Check], keys: Sequence[ForeignKey]
) -> Action | None:
    """ADD COLUMN, or None where it is refused."""
    if not _is_addable(column) or (keys and column.default is not None):
        return None
    words = [column_definition(column), *map(check_clause, checks), *map(references_clause, keys)]
    operation = "add column, check" if checks else "add column"
    sql = f"ALTER TABLE {qualified(table.name)} ADD COLUMN {' '.join(words)}"
    return Action(sql, operation, table.name.name, column.name)


def _is_addable(column: Column) -> bool:
    if column.auto_increment:
        return False
    if column.generated is not None:
        return not column.generated.stored and column.not_null is None
    if column.default is not None and not is_constant(column.default):
        return False
    return column.not_null is None or (
        column.default is not None and column.default.upper() != "NULL"
    )


def is_constant(default: Sql) -> bool:
    """Whether a default is a literal, which ADD COLUMN demands."""
    return _CONSTANT.fullmatch(default) is not None


def _removal(column: Column, table: Table) -> Action:
    sql = f"ALTER TABLE {qualified(table.name)} DROP COLUMN {ident(column.name)}"
    virtual = column.generated is not None and not column.generated.stored
    operation = "drop column, generated virtual" if virtual else "drop column"
    return Action(sql, operation, table.name.name, column.name, drops=True)
