"""Renames that comments in the target's CREATE TABLE name: `-- @renamed from=old`.

The comment stands where the column or, behind the name of the table, the table is defined, as
sqldef reads it: https://github.com/sqldef/sqldef. A file keeps such comments; where what they name
is not there any more, the rename was made long ago and they say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Final, NamedTuple

from ..ddl.diff import dotted
from ..ddl.model import Dialect, Name, Schema
from ..ddl.script import split
from ..ddl.tokens import NotUnderstood, Reader
from .renames import ObjectKey

_MARK: Final = "@renamed"
_FROM: Final = re.compile(r'@renamed\s+from\s*=\s*(?:"((?:[^"]|"")+)"|([\w$]+))')


class _Said(NamedTuple):
    """What a comment says: the old name; the table, and the column unless it is of the table."""

    table: str
    column: str
    old: str


def commented(
    files: Mapping[str, str], before: Schema, after: Schema
) -> Mapping[ObjectKey, ObjectKey]:
    """Keys of objects (`ddl.diff`) before, with those after."""
    said = [each for name, text in files.items() for each in _read(name, text, after.dialect)]
    tables: dict[Name, Name] = {}  # the old names by the new ones
    for each in said:
        new, old = _of(after.tables, each.table), _of(before.tables, each.old)
        if each.column or not new or not old:
            continue
        if new not in before.tables and old not in after.tables:
            tables[new] = old
    found: dict[ObjectKey, ObjectKey] = {
        ("table", dotted(old)): ("table", dotted(new)) for new, old in tables.items()
    }
    for each in said:
        new = _of(after.tables, each.table)
        table = before.tables.get(tables.get(new, new)) if new else None
        if not each.column or new is None or table is None:
            continue
        column, was = _in(after.tables[new].columns, each.column), _in(table.columns, each.old)
        if column and was and column not in table.columns and was not in after.tables[new].columns:
            found["column", dotted(table.name), was] = "column", dotted(new), column
    return found


def _of(tables: Iterable[Name], said: str) -> Name | None:
    by_name = {name.name: name for name in sorted(tables, key=lambda n: n.schema == "public")}
    found = _in(by_name, said)
    return by_name[found] if found else None


def _in(names: Iterable[str], said: str) -> str:
    """The name as it is written where it is defined; empty if there is none."""
    known = list(names)
    return next((n for n in known if n == said), "") or next(
        (n for n in known if n.lower() == said.lower()), ""
    )


def _read(file: str, text: str, dialect: Dialect) -> Iterator[_Said]:
    if _MARK not in text:
        return
    for statement in split(text, file, dialect)[0]:
        if _MARK in statement.text:
            try:
                yield from _of_table(Reader(statement.text, Dialect.SQLITE))
            except NotUnderstood:
                continue


def _of_table(reader: Reader) -> Iterator[_Said]:
    """What the comments between the tokens of a CREATE TABLE say."""
    reader.expects("CREATE")
    while not reader.takes("TABLE"):
        reader.next()
    reader.takes("IF", "NOT", "EXISTS")
    table, column, depth = reader.path()[-1], "", 0
    begins = False  # whether the next token is the first of a column
    tokens = reader.tokens[reader.position - 1 :]
    for token, following in pairwise(tokens):
        depth += (token.key == "(") - (token.key == ")")
        if begins:
            column, begins = token.text, False
        gap = reader.text[token.end : following.start]
        ends = depth == 1 and token.key in ("(", ",")
        if _MARK in gap and (found := _FROM.search(gap)):
            ahead = ends and "\n" in gap[: found.start()]  # a line of its own, before the next
            owner = following.text if ahead else column if depth else ""
            yield _Said(table, owner, (found[1] or found[2]).replace('""', '"'))
        begins = ends or begins
        if depth == 0 and column:
            return
