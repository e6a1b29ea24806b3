"""What each engine allows: how long, how many, how big; which words must be quoted.

The data and the manual page of each number are in `limits.json`. They hold for every supported
version of an engine: PostgreSQL 11 to 18, MySQL 8.0 to 9, MariaDB from 10.11, SQLite from 3.35; a
word is reserved when it is in any of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

ENGINES: Final = ("postgres", "mysql", "mariadb", "sqlite")


@dataclass(frozen=True, slots=True)
class Limit:
    """The largest value allowed, None where the engine sets no bound; `source` says where."""

    value: int | None
    unit: str
    source: str


@cache
def limits(engine: str) -> Mapping[str, Limit]:
    """The limits of an engine by name.

    All have `identifier` (bytes or characters of a name), `columns` (of a table), `index_columns`,
    `row_size`, `index_key` (bytes of a key or of one column in it); MySQL and MariaDB also
    `compact_index_key` (row formats REDUNDANT and COMPACT) and `indexes` (secondary, of a table).
    For both, columns and keys are InnoDB's.
    """
    return {name: Limit(**limit) for name, limit in _data(engine)["limits"].items()}


def reserved(engine: str) -> frozenset[str]:
    """The words, in lower case, that cannot name a table or column unless quoted."""
    return _words(engine, "reserved")


def name_length(engine: str, name: str) -> int:
    """The length of a name as the engine counts it: bytes of UTF-8, or characters."""
    in_bytes = limits(engine)["identifier"].unit == "bytes"
    return len(name.encode("utf-8", "surrogatepass")) if in_bytes else len(name)


def needs_quotes(engine: str, name: str) -> bool:
    """Whether the name, as the engine stores it, would mean something else or nothing unquoted.

    For PostgreSQL it is what `quote_ident` does: every keyword that is not of the unreserved kind.
    """
    keywords = _words(engine, "reserved", "quoted")
    plain = _FOLDED if engine == "postgres" else _PLAIN
    return not plain.fullmatch(name) or name.lower() in keywords


def quote(engine: str, name: str) -> str:
    """The name as written in a statement, with quotes only where it needs them."""
    if not needs_quotes(engine, name):
        return name
    mark = "`" if engine in ("mysql", "mariadb") else '"'
    return mark + name.replace(mark, mark + mark) + mark


# PostgreSQL folds to lower case; the others keep case. Letters beyond ASCII and `$` are legal in
# places, but quoted they are legal in all.
# Letters beyond ASCII and `$` are legal in places, but quoted they are legal in all.
_FOLDED: Final = re.compile("[a-z_][a-z0-9_]*")
_PLAIN: Final = re.compile("[A-Za-z_][A-Za-z0-9_]*")


@cache
def _words(engine: str, *lists: str) -> frozenset[str]:
    return frozenset(
        word
        for name in lists
        for line in _data(engine).get(name, {"words": ()})["words"]
        for word in line.split()
    )


@cache
def _all() -> dict[str, Any]:
    return dict(json.loads(Path(__file__).with_name("limits.json").read_text("utf-8")))


def _data(engine: str) -> Any:
    try:
        return _all()[engine]
    except KeyError:
        raise ValueError(f"no such engine: {engine!r}; known are {', '.join(ENGINES)}") from None
