"""Entity-relationship diagrams in Mermaid: https://mermaid.js.org/syntax/entityRelationshipDiagram.html"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import chain, count

from ..ddl.model import Column, ForeignKey, Name, Schema, Table

MAX_BYTES = 4_000  # a third of an answer of the usual size
MAX_NAME = 80  # characters


def diagram(schema: Schema, around: Name | None = None) -> str:
    """The tables and their foreign keys, in as much detail as fits `MAX_BYTES`; else empty.

    `around` asks for one table with its neighbours. Detail goes in steps: all columns, columns of
    keys, no columns.
    """
    tables = list(_neighbours(schema, around) if around else _designed(schema))
    if not tables or len(tables) > MAX_BYTES // 4:
        return ""
    entities = _entities(tables)
    for columns in (_all, _of_keys, _none):
        text = _drawn(tables, entities, columns)
        if len(text.encode("utf-8", "replace")) <= MAX_BYTES:
            return text
    return ""


def _designed(schema: Schema) -> Iterable[Table]:
    return (table for table in schema.tables.values() if table.partition_of is None)


def _neighbours(schema: Schema, around: Name) -> Iterable[Table]:
    near = {around} | {key.table for key in schema.tables[around].foreign_keys.values()}
    for table in schema.tables.values():
        is_near = table.name in near or around in (k.table for k in table.foreign_keys.values())
        if table.name == around or (is_near and table.partition_of is None):
            yield table


def _drawn(
    tables: list[Table], entities: Mapping[Name, str], columns: Callable[[Table], list[Column]]
) -> str:
    lines = ["erDiagram"]
    for table in tables:
        rows = [f"    {_row(table, column)}" for column in columns(table)]
        name = entities[table.name]
        lines += [f"  {name} {{", *rows, "  }"] if rows else [f"  {name}"]
    for table in tables:
        for key in table.foreign_keys.values():
            if key.table in entities:
                ends = entities[key.table], _cardinality(table, key), entities[table.name]
                lines.append(f"  {' '.join(ends)} : {_text(', '.join(key.columns))}")
    return "\n".join(lines)


def _all(table: Table) -> list[Column]:
    return list(table.columns.values())


def _of_keys(table: Table) -> list[Column]:
    marked = {c for key in table.keys.values() for c in key.columns}
    marked |= {c for key in table.foreign_keys.values() for c in key.columns}
    return [column for column in table.columns.values() if column.name in marked]


def _none(table: Table) -> list[Column]:
    return []


def _row(table: Table, column: Column) -> str:
    marks = []
    if any(key.primary and column.name in key.columns for key in table.keys.values()):
        marks.append("PK")
    if any(column.name in key.columns for key in table.foreign_keys.values()):
        marks.append("FK")
    if any(columns == (column.name,) for columns in table.unique_sets()) and "PK" not in marks:
        marks.append("UK")
    return f"{_word(str(column.type))} {_word(column.name)} {','.join(marks)}".rstrip()


def _cardinality(table: Table, key: ForeignKey) -> str:
    """How many rows stand on each side: what NOT NULL and uniqueness of the key say."""
    optional = any(
        (column := table.columns.get(name)) is None or column.not_null is None
        for name in key.columns
    )
    single = any(set(columns) <= set(key.columns) for columns in table.unique_sets())
    return f"{'|o' if optional else '||'}--{'o|' if single else 'o{'}"


def _entities(tables: Iterable[Table]) -> dict[Name, str]:
    """What each table is called: names that look the same are told apart by a number."""
    entities: dict[Name, str] = {}
    taken: set[str] = set()
    for table in tables:
        name = str(table.name)
        tries = chain([name], (f"{name[: MAX_NAME - 10]}~{number}" for number in count(2)))
        entity = next(text for text in map(_text, tries) if text.strip('"') not in taken)
        taken.add(entity.strip('"'))
        entities[table.name] = entity
    return entities


def _text(text: str) -> str:
    """A name or a label: quoted unless it is a word that means nothing else in Mermaid.

    Blank space goes: the lexer looks for `direction LR` anywhere in a line.
    """
    if _PLAIN(text) and text.lower() not in _KEYWORDS:
        return text
    shown = re.sub(r"[^\w$.,:+/()\[\]~-]", "_", text[:MAX_NAME].replace(", ", ","))
    return f'"{shown.replace(",", ", ")}"'


def _word(text: str) -> str:
    """A type or the name of a column, which cannot be quoted, as one word of its alphabet."""
    odd = r"(?:[^\w\[\]()-]|[\u0080-\u00bf\U00010000-\U0010ffff])+"
    word = re.sub(odd, "_", text[:MAX_NAME])
    return word if _STARTS_WORD(word) else f"n_{word}"


_PLAIN = re.compile(r"[A-Z]\w{0,62}(?<!direction)", re.I | re.A).fullmatch
_KEYWORDS = {
    *("accdescr", "acctitle", "class", "classdef", "end", "erdiagram", "many", "one", "only"),
    *("optionally", "style", "subgraph", "title", "to", "zero"),
}
# PK, FK and UK are marks, in any case and also before what is no letter of ASCII.
_STARTS_WORD = re.compile(r"(?![PFU]K(?![0-9A-Z_]))[A-Z\u00c0-\uffff]", re.I | re.A).match
