"""Values for a rehearsal's rows: the emptiest, the largest, those of another type than declared."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from ...ddl.model import Column, Table
from .alter import mentions
from .middle import affinity

Value = int | float | str | bytes | None
_PLAIN: Final[dict[str, tuple[Value, ...]]] = {
    "INTEGER": (1, 0, -1, 2**53 + 1, 42, 2**63 - 1),
    "REAL": (1.5, 0.0, -2.25, 1e300, 3.0, 0.1),
    "TEXT": ("a", "", "ß '\" \u00e9", "007", "x" * 300, "2024-02-29 12:00:00"),
    "NUMERIC": (1, 0, 2.5, -3, "2024-02-29", 10**15),
    "BLOB": (b"\x00\xff", b"", "text", 5, 2.5, b"x" * 300),
}
_STRANGE: Final[dict[str, Value]] = {"INTEGER": "word", "REAL": "word", "NUMERIC": "word"}
_LITERAL: Final = re.compile(r"'((?:[^']|'')*)'|(?<![\w.])(\d+(?:\.\d+)?)(?![\w.])")


def candidates(column: Column, table: Table, checks: Iterable[str]) -> list[Value]:
    """Values to try in a column, those that checks name first."""
    kind = affinity(column.type)
    named: list[Value] = []
    for check in checks:
        if mentions(check, column.name):
            for text, number in _LITERAL.findall(check):
                named += (
                    _around(float(number) if "." in number else int(number))
                    if number
                    else [text.replace("''", "'")]
                )
    plain = list(_PLAIN[kind])
    if not table.strict and kind in _STRANGE:
        plain.append(_STRANGE[kind])
    if table.strict and kind == "BLOB" and column.type.name.upper() == "BLOB":
        plain = [value for value in plain if isinstance(value, bytes)]
    return list(dict.fromkeys([*named[:12], *plain]))


def _around(number: float) -> list[Value]:
    return [number, number + 1, number - 1]


def distinct(column: Column, number: int) -> Value:
    """A value that no other row has."""
    match affinity(column.type):
        case "INTEGER" | "NUMERIC":
            return 1000 + number
        case "REAL":
            return 1000.5 + number
        case "TEXT":
            return f"v{number}@example"
        case _:
            return f"b{number}".encode()
