"""The tokens of SQLite.

https://www.sqlite.org/lang_keywords.html, https://www.sqlite.org/lang_expr.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ...patterns import compiled
from ..tokens import NotUnderstood, Token

_TOKEN: Final = compiled(
    r"""
    (?:\s++|--[^\n]*+|/\*(?:[^*]++|\*(?!/))*+\*/)++
    |(?P<string>'(?:[^']++|'')*+')
    |(?P<quoted>"(?:[^"]++|"")*+"|`(?:[^`]++|``)*+`|\[(?:[^\]]++|\]\])*+\])
    |(?P<hex>[xX]'[0-9a-fA-F]*+'|0[xX][0-9a-fA-F]++)
    |(?P<number>(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?)
    |(?P<word>[\w$\x80-\U0010ffff]++)
    |(?P<mark>->>?|\|\||[<>=!]=|<>|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_QUOTES: Final = {'"': '"', "`": "`", "[": "]"}


def scan(text: str) -> Iterator[Token]:
    """The tokens of SQLite. Raises `NotUnderstood` for a quote or a comment that is not closed."""
    for found in _TOKEN.finditer(text):
        start, end = found.span()
        source = found[0]
        match found.lastgroup:
            case "word":
                yield Token("word", source.upper(), source, start, end)
            case "mark":
                if source in _OPENS or text.startswith("/*", start):
                    raise NotUnderstood("not SQL: this is not closed", start)
                yield Token("mark", source, source, start, end)
            case "string":
                yield Token("string", "", source[1:-1].replace("''", "'"), start, end)
            case "quoted":
                close = _QUOTES[source[0]]
                yield Token("quoted", "", source[1:-1].replace(close * 2, close), start, end)
            case "hex":
                inner = source[2:].rstrip("'")
                yield Token("number", "", inner, start, end)
            case "number":
                yield Token("number", "", source, start, end)


_OPENS: Final = frozenset("'\"`[")
