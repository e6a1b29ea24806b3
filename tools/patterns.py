"""Regular expressions whose possessive groups mean the same on every supported Python."""

from __future__ import annotations

import re
import sys

FIXED = (3, 11, 5)


def compiled(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """The pattern compiled; `(…)*+` as the atomic `(?>(…)*)` where Python has it wrong.

    Before 3.11.5 a possessive group leaves its last, failed repetition half done, and the match
    goes on from there (https://github.com/python/cpython/issues/106052). Atomic groups take more
    memory.
    """
    return re.compile(pattern if sys.version_info >= FIXED else atomic(pattern), flags)


def atomic(pattern: str) -> str:
    """The pattern with each possessive group as an atomic one."""
    out: list[str] = []
    starts: list[int] = []
    offset = 0
    while offset < len(pattern):
        piece = _PIECE.match(pattern, offset)
        assert piece
        text, offset = piece[0], piece.end()
        if text == "(":
            starts.append(len(out))
        elif text[0] == ")":
            start = starts.pop()
            if len(text) == 3:
                out[start] = f"(?>{out[start]}"
                text = f"{text[:2]})"
        out.append(text)
    return "".join(out)


_PIECE = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\)[*+?]\+|.", re.DOTALL)
