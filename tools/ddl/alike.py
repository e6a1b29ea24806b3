"""Which tables two scripts make by the same statements, so that they need to be folded only once.

It is read from the text, before anything is parsed, and so only of plain statements, as dumps and
models have them: CREATE TABLE, its keys, defaults, indexes, comments, sequences. A table that any
other statement names is none of them, and a statement that may change tables which it does not name
(DROP … CASCADE, a rename) makes it none at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Final

from ..patterns import compiled
from .model import Name, Schema, Table
from .script import Statement

_ID: Final = r'(?:"[^".]+"|\w+)'
_NAME: Final = rf"(?:{_ID}\.)?{_ID}"
_PLAIN: Final = compiled(
    rf"""\s*(?:
      (?P<create>CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?)(?P<made>{_NAME})\s*\(
    | ALTER\s+TABLE\s+(?:ONLY\s+)?(?P<altered>{_NAME})\s+
        (?:ADD\s+CONSTRAINT|ALTER\s+COLUMN\s+{_ID}\s+SET\s+DEFAULT|OWNER\s+TO)\s
    | CREATE\s+(?:UNIQUE\s+)?INDEX\s+{_NAME}\s+ON\s+(?:ONLY\s+)?(?P<indexed>{_NAME})[\s(]
    | COMMENT\s+ON\s+(?:TABLE\s+(?P<table>{_NAME})|COLUMN\s+(?P<column>{_NAME})\.{_ID})\s+IS\s
    | CREATE\s+SEQUENCE\s+(?P<sequence>{_NAME})\b
    | ALTER\s+SEQUENCE\s+(?P<owned>{_NAME})\s+OWNED\s+BY\s+(?P<owner>{_NAME})\.{_ID}\s*$
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_NOT_PLAIN: Final = compiled(r"\b(?:DROP|INHERITS|LIKE|PARTITION)\b", re.IGNORECASE)
_FIRST: Final = compiled(r"(?>\s+|--[^\n]*\n|/\*.*?\*/)*+([A-Za-z_]+)", re.DOTALL)
_ROWS: Final = frozenset(("INSERT", "UPDATE", "DELETE", "COPY", "MERGE", "PRAGMA"))
_FAR: Final = frozenset(("DROP", "DO", "CALL", "REASSIGN"))
_FAR_ALTER: Final = compiled(
    r"(?!.*\bOWNER\s+TO\b).*\b(?:DROP|RENAME|SCHEMA|TYPE)\b", re.IGNORECASE | re.DOTALL
)
_PATH: Final = compiled("search_path", re.IGNORECASE)
_WORD: Final = compiled(r"\w+")


def _said(text: str) -> tuple[str, str, str]:
    """Of a plain statement its kind, its table or sequence, and a sequence that the table owns."""
    said = _PLAIN.match(text)
    if said is None or (said.lastgroup in _LONE and _NOT_PLAIN.search(text)):
        return "", "", ""
    kind = said.lastgroup or ""
    return kind, _bare(said[kind]), _bare(said["owned"] or "")


class _Script:
    """What a script says of its tables in plain statements, and which ones others name."""

    def __init__(
        self, statements: Sequence[Statement], said_of: Callable[[str], tuple[str, str, str]]
    ) -> None:
        self.groups: dict[str, list[tuple[int, str]]] = {}
        self.created: dict[int, str] = {}  # tables by the number of their statement
        self.named: set[str] = set()  # tables that other statements name, once they are there
        self.paths: list[str] = []
        self.far = False  # whether tables may be changed by what does not name them
        self._quoted: set[str] = set()  # tables whose name is more than a word
        self._turned = False  # whether the search path is not that of the first tables
        owners: dict[str, str] = {}
        sequences: list[tuple[int, str, str]] = []
        for number, statement in enumerate(statements):
            text = statement.text
            kind, name, sequence = said_of(text)
            if not kind:
                self._other(text)
                continue
            self.far = self.far or self._turned
            if kind == "sequence":
                sequences.append((number, name, text))
                continue
            if kind == "made":
                self.created[number] = name
            elif kind == "owner":
                owners[sequence] = name
            self.groups.setdefault(name, []).append((number, text))
            if not _WORD.fullmatch(name):
                self._quoted.add(name)
        for number, name, text in sequences:
            if name in owners:
                self.groups.setdefault(owners[name], []).append((number, text))
            else:
                self._other(text)

    def _other(self, text: str) -> None:
        first = _FIRST.match(text)
        word = first[1].upper() if first else ""
        if word in _ROWS:
            return
        if word in _FAR or (word == "ALTER" and _FAR_ALTER.match(text)):
            self.far = self.far or bool(self.groups)  # there is nothing yet that it could change
        if _PATH.search(text):
            self.paths.append(text)
            self._turned = bool(self.groups)
        if self.groups:
            lower = text.lower()
            self.named |= self.groups.keys() & {*_WORD.findall(lower)}
            self.named |= {name for name in self._quoted if name in lower}


_LONE: Final = ("made", "altered")  # groups of statements in which a word may name another table


def made_alike(first: Sequence[Statement], second: Sequence[Statement]) -> dict[int, str]:
    """The statements of the second script about tables that the first makes in the same way.

    By number, each with the table's name in lower case if it creates that, else an empty text.
    """
    said_of = cache(_said)  # most of what the second says is said by the first
    one, other = _Script(first, said_of), _Script(second, said_of)
    if one.far or other.far or one.paths != other.paths:
        return {}
    named = one.named | other.named
    made: dict[int, str] = {}
    for name in set(other.created.values()) - named:
        group = other.groups[name]
        if [text for _, text in group] == [text for _, text in one.groups.get(name, ())]:
            made |= {number: other.created.get(number, "") for number, _ in group}
    return made


def holds(one: Schema, other: Schema, tables: Iterable[Name]) -> bool:
    """Whether the tables that `other` took from `one` would be the same, had it read them itself.

    What they refer to counts: the keys of other tables, and types.
    """
    kinds = ("enums", "domains", "composites", "ranges", "extensions")
    types = any(getattr(one, kind).keys() != getattr(other, kind).keys() for kind in kinds)
    for name in tables:
        table = other.tables[name]
        if types and any(column.type.schema for column in table.columns.values()):
            return False
        for key in table.foreign_keys.values():
            if _primary(one.tables.get(key.table)) != _primary(other.tables.get(key.table)):
                return False
    return not one.unread and not other.unread


def _primary(table: Table | None) -> tuple[str, ...] | None:
    keys = table.keys.values() if table else ()
    return next((key.columns for key in keys if key.primary), () if table else None)


def _bare(name: str) -> str:
    """A name without its schema, in lower case."""
    return name.rpartition(".")[2].strip('"').lower()
