"""What each statement of SQLite that changes a schema reads and writes, by version: measured.

The facts are in `sqlite_ddl.json`, the operations in `sqlite_operations.json`. Locks are not among
them, since they are the same for all: a writer has the whole database for itself, from its first
change to its commit; readers go on, but without WAL mode not during the commit.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, cast

OLDEST: Final = "3.35.0"
Writes = Literal["little", "part", "whole"]


@dataclass(frozen=True, slots=True)
class DdlFacts:
    """What an operation does, as measured last before the version asked for, or first after it."""

    operation: str
    measured: str  # the version
    source: str  # the page of the manual on the statement
    fails: bool  # there is no such thing; the table has to be rebuilt, as in `rebuild table`
    scans: bool  # reads all rows
    writes: Writes  # little: the schema; part: an index; whole: as many pages as the table has
    in_transaction: bool


def operations() -> tuple[str, ...]:
    """The names of all operations."""
    return tuple(_data())


def facts(operation: str, version: str) -> DdlFacts:
    """The facts of an operation in a version (`3.45.1`).

    Raises `LookupError` for an unknown operation and one that this version does not have.
    """
    try:
        entry = _data()[operation]
    except KeyError:
        raise LookupError(f"no such operation: {operation!r}") from None
    if number(version) < number(entry["since"]):
        raise LookupError(f"SQLite {version} has no operation {operation!r}")
    known = sorted(entry["facts"], key=number)
    measured = next((v for v in reversed(known) if number(v) <= number(version)), known[0])
    found = entry["facts"][measured]
    return DdlFacts(
        operation,
        measured,
        f"https://sqlite.org/{entry['page']}.html",
        found.get("fails", False),
        found.get("scans", False),
        cast(Writes, found.get("writes", "little")),
        not found.get("alone", False),
    )


def number(version: str) -> tuple[int, ...]:
    """A version as numbers, which can be compared."""
    return tuple(int(part) for part in version.split("."))


@cache
def _data() -> Any:
    return json.loads(Path(__file__).with_name("sqlite_ddl.json").read_text("utf-8"))["operations"]
