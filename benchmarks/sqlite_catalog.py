"""What SQLite's own catalog says of a database, as a schema; and as much of a parsed one.

PRAGMAs know no names of constraints, no expressions and no bodies: `visible` drops these from a
parsed schema, so that the two can be compared.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import Any

from backend_architect.tools.ddl.model import (
    Column,
    Dialect,
    ForeignKey,
    Generated,
    Index,
    IndexPart,
    Key,
    Name,
    NotNull,
    Schema,
    Sql,
    Table,
    Trigger,
    View,
)
from backend_architect.tools.ddl.sqlite.tables import is_rowid, type_of

UNKNOWN = Sql("…")  # an expression, which the catalog has as part of a statement only


def catalog(connection: sqlite3.Connection) -> Schema:
    """The main and temporary databases of a connection, from PRAGMAs and `sqlite_master`."""
    tables: dict[Name, Table] = {}
    views: dict[Name, View] = {}
    for database, name, kind, without_rowid, strict in connection.execute(
        "SELECT schema, name, type, wr, strict FROM pragma_table_list"
        " WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY schema, name"
    ).fetchall():
        triggers = {
            trigger: Trigger(trigger, "", ())
            for (trigger,) in connection.execute(
                f"SELECT name FROM {database}.sqlite_master WHERE type = 'trigger'"
                " AND tbl_name = ? COLLATE NOCASE",
                (name,),
            )
        }
        if kind == "view":
            views[Name("", name)] = View(Name("", name), UNKNOWN, triggers=triggers)
        elif kind == "table":
            tables[Name("", name)] = replace(
                _table(connection, database, name, bool(without_rowid)),
                strict=bool(strict),
                triggers=triggers,
            )
    return Schema(Dialect.SQLITE, tables=tables, views=views)


def visible(schema: Schema) -> Schema:
    """The schema without what the catalog does not show."""
    return Schema(
        Dialect.SQLITE,
        tables={name: _visible_table(table) for name, table in schema.tables.items()},
        views={
            name: View(name, UNKNOWN, triggers=_names_only(view.triggers))
            for name, view in schema.views.items()
        },
    )


def _table(connection: sqlite3.Connection, database: str, name: str, without_rowid: bool) -> Table:
    rows = connection.execute(
        'SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?, ?)',
        (name, database),
    ).fetchall()
    (sql,) = connection.execute(
        f"SELECT sql FROM {database}.sqlite_master WHERE type = 'table' AND name = ?", (name,)
    ).fetchone()
    collations = _collations(connection, database, name, [row[0] for row in rows])
    primary = [row[0] for row in sorted(rows, key=lambda row: row[4]) if row[4]]
    indexes, keys = _indexes(connection, database, name, collations)
    alias = bool(primary) and not without_rowid and not any(key.primary for key in keys)
    if alias:
        keys.append(Key("", tuple(primary), primary=True))
    columns = {}
    for column, declared, not_null, default, key, hidden in rows:
        columns[column] = Column(
            column,
            type_of(declared),
            not_null=NotNull() if not_null or (key and alias) else None,
            default=_default(default),
            generated=Generated(UNKNOWN, hidden == 3) if hidden in (2, 3) else None,
            collation=collations.get(column, ""),
            auto_increment=bool(key) and alias and "AUTOINCREMENT" in sql.upper(),
        )
    return Table(
        Name("", name),
        columns,
        keys={_label(key): key for key in keys},
        foreign_keys=_foreign_keys(connection, database, name),
        indexes=indexes,
        without_rowid=without_rowid,
        persistence="temporary" if database == "temp" else "permanent",
    )


def _default(text: str | None) -> Sql | None:
    return None if text is None or text.upper() == "NULL" else Sql(" ".join(text.split()))


def _collations(
    connection: sqlite3.Connection, database: str, table: str, columns: list[str]
) -> dict[str, str]:
    """The collation of each column: what an index on it, made and dropped, would use."""
    found: dict[str, str] = {}
    connection.execute("SAVEPOINT look")
    for column in columns:
        probe = _quoted("sqlite probe")
        target = f"{_quoted(table)} ({_quoted(column)})"
        connection.execute(f"CREATE INDEX {database}.{probe} ON {target}")
        ((collation,),) = connection.execute(
            "SELECT coll FROM pragma_index_xinfo('sqlite probe', ?) WHERE key", (database,)
        ).fetchall()
        connection.execute(f"DROP INDEX {database}.{probe}")
        if collation.upper() != "BINARY":
            found[column] = _collation(collation)
    connection.execute("ROLLBACK TO look")
    connection.execute("RELEASE look")
    return found


def _collation(name: str) -> str:
    return name.upper() if name.upper() in ("BINARY", "NOCASE", "RTRIM") else name


def _indexes(
    connection: sqlite3.Connection, database: str, table: str, collations: dict[str, str]
) -> tuple[dict[str, Index], list[Key]]:
    indexes: dict[str, Index] = {}
    keys: list[Key] = []
    for name, unique, origin, partial in connection.execute(
        'SELECT name, "unique", origin, partial FROM pragma_index_list(?, ?)', (table, database)
    ).fetchall():
        parts = []
        for cid, column, descending, collation in connection.execute(
            'SELECT cid, name, "desc", coll FROM pragma_index_xinfo(?, ?) WHERE key ORDER BY seqno',
            (name, database),
        ).fetchall():
            collation = _collation(collation)
            own = collations.get(column, "BINARY") if cid >= 0 else "BINARY"
            parts.append(
                IndexPart(
                    Sql(column) if cid >= 0 else UNKNOWN,
                    is_column=cid >= 0,
                    descending=bool(descending),
                    collation="" if collation == own else collation,
                )
            )
        if origin == "c":
            where = UNKNOWN if partial else None
            indexes[name] = Index(name, tuple(parts), unique=bool(unique), where=where)
        else:
            keys.append(
                Key(
                    "",
                    tuple(str(part.expression) for part in parts),
                    primary=origin == "pk",
                    options={
                        f"collate {part.expression}": part.collation
                        for part in parts
                        if part.collation
                    },
                    descending=tuple(str(part.expression) for part in parts if part.descending),
                )
            )
    return indexes, keys


def _foreign_keys(
    connection: sqlite3.Connection, database: str, table: str
) -> dict[str, ForeignKey]:
    rows: dict[int, list[Any]] = {}
    for row in connection.execute(
        'SELECT id, "table", "from", "to", on_update, on_delete FROM pragma_foreign_key_list(?, ?)'
        " ORDER BY id, seq",
        (table, database),
    ):
        rows.setdefault(row[0], []).append(row)
    keys = [
        ForeignKey(
            "",
            tuple(row[2] for row in key),
            _target(connection, database, key[0][1]),
            _referenced(connection, database, key),
            on_update=key[0][4].lower(),
            on_delete=key[0][5].lower(),
        )
        for key in rows.values()
    ]
    return {_foreign_label(key): key for key in keys}


def _target(connection: sqlite3.Connection, database: str, table: str) -> Name:
    row = connection.execute(
        f"SELECT name FROM {database}.sqlite_master WHERE type = 'table'"
        " AND name = ? COLLATE NOCASE",
        (table,),
    ).fetchone()
    return Name("", row[0] if row else table)


def _referenced(connection: sqlite3.Connection, database: str, key: list[Any]) -> tuple[str, ...]:
    """The columns as the target declares them; its primary key when none were given."""
    rows = connection.execute(
        "SELECT name, pk FROM pragma_table_xinfo(?, ?) ORDER BY pk", (key[0][1], database)
    ).fetchall()
    if key[0][3] is None:
        return tuple(name for name, primary in rows if primary)
    declared = {name.lower(): name for name, _ in rows}
    return tuple(declared.get(row[3].lower(), row[3]) for row in key)


def _parts(key: Key) -> Any:
    return key.columns, tuple(key.options.items())


def _label(key: Key) -> str:
    return f"{'primary key' if key.primary else 'unique'} ({', '.join(key.columns)})"


def _foreign_label(key: ForeignKey) -> str:
    return f"{', '.join(key.columns)} → {key.table} ({', '.join(key.referenced)})"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _names_only(triggers: Any) -> dict[str, Trigger]:
    return {name: Trigger(name, "", ()) for name in triggers}


def _visible_table(table: Table) -> Table:
    keys = [
        replace(key, name="", on_conflict="", comment="", at=None) for key in table.keys.values()
    ]
    indexed = {_parts(key) for key in keys if key.primary and not is_rowid(table, key)}
    made = []
    for key in keys:  # a unique constraint on another key's columns makes no index
        if key.primary or _parts(key) not in indexed:
            made.append(key)
            indexed.add(_parts(key))
    keys = made
    foreign_keys = [
        replace(key, name="", deferrable="", match="simple") for key in table.foreign_keys.values()
    ]
    return Table(
        table.name,
        {name: _visible_column(column) for name, column in table.columns.items()},
        keys={_label(key): key for key in keys},
        foreign_keys={_foreign_label(key): key for key in foreign_keys},
        indexes={name: _visible_index(index) for name, index in table.indexes.items()},
        triggers=_names_only(table.triggers),
        without_rowid=table.without_rowid,
        strict=table.strict,
        persistence=table.persistence,
    )


def _visible_column(column: Column) -> Column:
    return replace(
        column,
        not_null=None if column.not_null is None else NotNull(),
        default=_default(column.default),
        generated=None if column.generated is None else Generated(UNKNOWN, column.generated.stored),
        options={},
    )


def _visible_index(index: Index) -> Index:
    parts = tuple(
        part if part.is_column else replace(part, expression=UNKNOWN) for part in index.parts
    )
    return replace(index, parts=parts, where=None if index.where is None else UNKNOWN)
