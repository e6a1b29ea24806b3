"""Schemas of SQLite by chance, the same for the same number."""

from __future__ import annotations

import random
import sqlite3
from typing import Final

_TYPES: Final = ("INTEGER", "TEXT", "REAL", "NUMERIC", "BLOB", "VARCHAR(20)", "DATETIME")
_STRICT: Final = ("INTEGER", "TEXT", "REAL", "BLOB", "ANY")
_KEYS: Final = {
    "alias": "id INTEGER PRIMARY KEY",
    "strict": "id INTEGER PRIMARY KEY",
    "counted": "id INTEGER PRIMARY KEY AUTOINCREMENT",
    "without rowid": "id TEXT PRIMARY KEY",
    "text": "id VARCHAR(9) PRIMARY KEY",
    "none": "id INTEGER",
}


def schema(chance: random.Random) -> str:
    """A script that this SQLite takes."""
    while True:
        script = ";\n".join(_statements(chance)) + ";\n"
        connection = sqlite3.connect(":memory:")
        try:
            connection.executescript(script)
        except sqlite3.Error:
            continue
        finally:
            connection.close()
        return script


def _statements(chance: random.Random) -> list[str]:
    made: list[str] = []
    code: list[str] = []
    parents: list[str] = []
    for name in ("t", "u", "w"):
        if chance.random() < 0.15:
            continue
        kind = chance.choice(list(_KEYS))
        columns = _columns(chance, kind, parents)
        names = [column.split()[0] for column in columns]
        options = {"without rowid": " WITHOUT ROWID", "strict": " STRICT"}.get(kind, "")
        made.append(f"CREATE TABLE {name} ({', '.join(columns)}){options}")
        made += _indexes(chance, name, names)
        parents += [name] if kind != "none" else []
        if chance.random() < 0.35:
            code.append(
                f"CREATE VIEW v_{name} AS SELECT id, {chance.choice(names)} AS x FROM {name}"
            )
        if chance.random() < 0.25:
            body = f"DELETE FROM {name} WHERE id = -5;"
            code.append(f"CREATE TRIGGER r_{name} AFTER UPDATE ON {name} BEGIN {body} END")
    return made + code or ["CREATE TABLE t (id INTEGER)"]


def _columns(chance: random.Random, kind: str, parents: list[str]) -> list[str]:
    types = _STRICT if kind == "strict" else _TYPES
    columns = [_KEYS[kind]]
    names = chance.sample("abcdef", chance.randint(1, 4))
    for name in names:
        type = chance.choice(types)
        literal = {"TEXT": "'x'", "VARCHAR(20)": "'x'", "BLOB": "x'00'"}.get(type, "0")
        extra = chance.choice(
            (
                *("", "", "", " NOT NULL", f" NOT NULL DEFAULT {literal}", f" DEFAULT {literal}"),
                *(" UNIQUE", " COLLATE NOCASE", f" CHECK ({name} IS NOT 5)"),
                " DEFAULT CURRENT_TIMESTAMP" if type in ("TEXT", "DATETIME") else " DEFAULT NULL",
            )
        )
        columns.append(f"{name} {type}{extra}")
    if chance.random() < 0.2:
        form = chance.choice(("VIRTUAL", "STORED"))
        columns.append(f"g INTEGER AS (length({chance.choice(names)})) {form}")
    if parents and chance.random() < 0.4:
        action = chance.choice(("", " ON DELETE CASCADE", " ON DELETE SET NULL"))
        type = "ANY" if kind == "strict" else ""
        columns.append(f"p {type} REFERENCES {chance.choice(parents)} (id){action}")
    return columns


def _indexes(chance: random.Random, table: str, names: list[str]) -> list[str]:
    return [
        f"CREATE {chance.choice(('', '', 'UNIQUE '))}INDEX {table}_{number} ON {table} ("
        + chance.choice((name, f"lower({name})"))
        + chance.choice((")", f") WHERE {name} IS NOT NULL"))
        for number, name in enumerate(chance.choices(names, k=chance.randint(0, 2)))
    ]
