"""DDL of SQLite from the model. https://www.sqlite.org/lang.html"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from ...engines.limits import quote
from ..emit_text import action, in_order, listed
from ..model import (
    Check,
    Column,
    ForeignKey,
    Index,
    IndexPart,
    Key,
    Name,
    Schema,
    Table,
    Trigger,
    Type,
    View,
)
from ..tokens import identifiers
from .tables import AFTER_TYPE


def emit(schema: Schema) -> list[str]:
    """The statements that make the schema, in an order in which each can run, without `;`."""
    statements = [create_table(table) for table in schema.tables.values()]
    statements += [
        create_index(table, index)
        for table in schema.tables.values()
        for index in table.indexes.values()
    ]
    statements += [opaque.sql for opaque in schema.opaque.values()]
    uses = {view.name: identifiers(view.query, schema.dialect) for view in schema.views.values()}
    statements += [create_view(schema.views[name]) for name in in_order(uses)]
    owners: list[Table | View] = [*schema.tables.values(), *schema.views.values()]
    for owner in owners:
        statements += [create_trigger(owner.name, trigger) for trigger in owner.triggers.values()]
    return statements


def ident(name: str) -> str:
    """A name in quotes where it needs them."""
    return quote("sqlite", name)


def qualified(name: Name) -> str:
    """A name as written in SQL."""
    return f"{ident(name.schema)}.{ident(name.name)}" if name.schema else ident(name.name)


def idents(names: Iterable[str]) -> str:
    """Names with commas between."""
    return ", ".join(map(ident, names))


def _symbol(name: str) -> str:
    return f"CONSTRAINT {ident(name)} " if name else ""


def create_table(table: Table) -> str:
    """CREATE TABLE with its columns and constraints, without indexes and triggers."""
    inline = _inline_key(table)
    lines = [column_definition(column, inline) for column in table.columns.values()]
    lines += [_key(key, table) for key in table.keys.values() if key is not inline]
    lines += [check_clause(check) for check in table.checks.values()]
    lines += [_foreign_key(key) for key in table.foreign_keys.values()]
    flags = ["WITHOUT ROWID"] * table.without_rowid + ["STRICT"] * table.strict
    temporary = "TEMPORARY " if table.persistence == "temporary" else ""
    head = f"CREATE {temporary}TABLE {qualified(table.name)}"
    return f"{head} {listed(lines)}{' ' * bool(flags)}{', '.join(flags)}"


def _inline_key(table: Table) -> Key | None:
    """The primary key when it can stand at its column, where AUTOINCREMENT and DESC belong."""
    key = table.primary_key
    if key is None or len(key.columns) != 1 or key.options:
        return None
    return key


def column_definition(column: Column, inline: Key | None = None) -> str:
    """A column as in CREATE TABLE, with the primary key that stands there."""
    words = [ident(column.name), *filter(None, [_type(column.type)])]
    if inline is not None and inline.columns == (column.name,):
        words.append(f"{_symbol(inline.name)}PRIMARY KEY")
        words += ["DESC"] * bool(inline.descending)
        words += _conflict(inline.on_conflict)
        words += ["AUTOINCREMENT"] * column.auto_increment
    if column.not_null is not None:
        words.append(f"{_symbol(column.not_null.name)}NOT NULL")
        words += _conflict(column.options.get("not null on conflict", ""))
    if column.default is not None:
        literal = _LITERAL.fullmatch(column.default)
        words.append(f"DEFAULT {column.default if literal else f'({column.default})'}")
    if column.collation:
        words.append(f"COLLATE {ident(column.collation)}")
    if column.generated is not None:
        stored = " STORED" if column.generated.stored else ""
        words.append(f"GENERATED ALWAYS AS ({column.generated.expression}){stored}")
    return " ".join(words)


def _type(type: Type) -> str:
    words = " ".join(
        word if _WORD.fullmatch(word) and word not in AFTER_TYPE else f'"{word}"'
        for word in type.name.upper().split()
    )
    return f"{words}({', '.join(type.args)})" if type.args else words


def _conflict(resolution: str) -> list[str]:
    return [f"ON CONFLICT {resolution.upper()}"] if resolution else []


def _key(key: Key, table: Table) -> str:
    parts = []
    for name in key.columns:
        part = ident(name)
        if f"collate {name}" in key.options:
            part += f" COLLATE {ident(key.options[f'collate {name}'])}"
        parts.append(part + " DESC" * (name in key.descending))
    if key.primary and any(table.columns[c].auto_increment for c in key.columns):
        parts[-1] += " AUTOINCREMENT"
    kind = "PRIMARY KEY" if key.primary else "UNIQUE"
    return " ".join(
        [f"{_symbol(key.name)}{kind} ({', '.join(parts)})", *_conflict(key.on_conflict)]
    )


def check_clause(check: Check) -> str:
    """A check, of a column or of a table."""
    return f"{_symbol(check.name)}CHECK ({check.expression})"


def _foreign_key(key: ForeignKey) -> str:
    return f"{_symbol(key.name)}FOREIGN KEY ({idents(key.columns)}) {_references(key)}"


def references_clause(key: ForeignKey) -> str:
    """A foreign key of one column, as it stands at the column."""
    return f"{_symbol(key.name)}{_references(key)}"


def _references(key: ForeignKey) -> str:
    referenced = f" ({idents(key.referenced)})" if key.referenced else ""
    words = [f"REFERENCES {ident(key.table.name)}{referenced}"]
    words += action("DELETE", key.on_delete) + action("UPDATE", key.on_update)
    words += [f"MATCH {key.match.upper()}"] if key.match != "simple" else []
    words += [
        f"{'DEFERRABLE ' * key.deferrable.startswith('init')}{key.deferrable.upper()}"
    ] * bool(key.deferrable)
    return " ".join(words)


def create_index(table: Table, index: Index) -> str:
    """CREATE INDEX."""
    unique = "UNIQUE " * index.unique
    schema = f"{ident(table.name.schema)}." if table.name.schema else ""
    parts = ", ".join(map(_part, index.parts))
    where = f" WHERE {index.where}" if index.where is not None else ""
    on = ident(table.name.name)
    return f"CREATE {unique}INDEX {schema}{ident(index.name)} ON {on} ({parts}){where}"


def _part(part: IndexPart) -> str:
    text = ident(part.expression) if part.is_column else str(part.expression)
    collate = f" COLLATE {ident(part.collation)}" if part.collation else ""
    return f"{text}{collate}{' DESC' * part.descending}"


def create_view(view: View) -> str:
    """CREATE VIEW, without triggers."""
    columns = f" ({idents(view.columns)})" if view.columns else ""
    temporary = "TEMPORARY " if "temporary" in view.options else ""
    return f"CREATE {temporary}VIEW {qualified(view.name)}{columns} AS {view.query}"


def create_trigger(owner: Name, trigger: Trigger) -> str:
    """CREATE TRIGGER on a table or view."""
    columns = f" OF {idents(trigger.update_of)}" if trigger.update_of else ""
    when = f" WHEN {trigger.when}" if trigger.when is not None else ""
    event = f"{trigger.timing.upper()} {trigger.events[0].upper()}{columns}"
    head = f"CREATE TRIGGER {ident(trigger.name)} {event} ON {ident(owner.name)}"
    return f"{head} FOR EACH ROW{when} {trigger.body}"


_WORD: Final = re.compile(r"[A-Z_][A-Z0-9_]*")
_LITERAL: Final = re.compile(
    r"[+-]? ?(0x[0-9a-f]+|(\d++(\.\d*+)?|\.\d++)(e[+-]?\d++)?)|x?'([^']|'')*'"
    r'|"([^"]|"")*"|[a-z_]\w*',
    re.IGNORECASE,
)
