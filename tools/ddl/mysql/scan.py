"""The tokens of MySQL and MariaDB, by sqlglot's tokenizer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Final

from sqlglot.dialects.mysql import MySQL
from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import TokenType

from ..tokens import Kind, NotUnderstood, Token, clip


def _words_only(keywords: dict[str, TokenType]) -> dict[str, TokenType]:
    """Without those of several words, whose blanks and comments would be lost, and templates."""
    return {k: v for k, v in keywords.items() if " " not in k and not k.startswith(("{", "/*"))}


class _MySQL(MySQL.Tokenizer):
    COMMANDS: ClassVar[set[TokenType]] = set()  # by default, they swallow the rest of the statement
    KEYWORDS = _words_only(MySQL.Tokenizer.KEYWORDS)


_KINDS: Final[dict[TokenType, Kind]] = {
    TokenType.STRING: "string",
    TokenType.NATIONAL_STRING: "string",
    TokenType.IDENTIFIER: "quoted",
    TokenType.NUMBER: "number",
    TokenType.HEX_STRING: "number",
    TokenType.BIT_STRING: "number",
}


def scan(text: str) -> Iterator[Token]:
    """The tokens of a statement. Raises `NotUnderstood`."""
    try:
        found = _MySQL(dialect="mysql").tokenize(text)
    except (TokenError, RecursionError) as error:
        raise NotUnderstood(f"not SQL: {clip(str(error))}", 0) from error
    for token in found:
        start = token.start
        end = token.end + 1
        kind = _KINDS.get(token.token_type)
        if kind is not None:
            yield Token(kind, "", token.text, start, end)
            continue
        source = text[start:end]
        word = source[0].isalnum() or source[0] in "_$" or source[0] > "\x7f"
        yield Token("word" if word else "mark", source.upper(), source, start, end)
