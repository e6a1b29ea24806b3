"""The identifiers in a piece of SQL, for questions that a parser is too slow or too strict for."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_WORD: Final = re.compile(
    r"'((?:[^']|'')*)'|\"((?:[^\"]|\"\")+)\"|([A-Za-z_\x80-\U0010ffff][\w$]*)"
)


@lru_cache(maxsize=4096)
def words(sql: str) -> frozenset[str]:
    """Names as the engine stores them, keywords among them; constants count, as regclass may."""
    found = set()
    for constant, quoted, plain in _WORD.findall(sql):
        if plain:
            found.add(plain.lower())
        elif quoted:
            found.add(quoted.replace('""', '"'))
        else:
            found.update(part.strip('"') for part in constant.split("."))
    return frozenset(found)
