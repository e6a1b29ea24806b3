"""Reading the DDL of MySQL and SQLite token by token: tokens, and a cursor over them.

The grammar of a CREATE or ALTER TABLE is a list of clauses, each begun by a word; reading them one
by one knows the place of each and what it could not read. Expressions are never taken apart: they
are source text between two tokens, so that none is too long or too deep. sqlglot's own parser turns
what it does not know into a `Command` and rewrites some of what it knows.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, Literal, NamedTuple, TypeAlias

from ..engines.limits import needs_quotes
from .model import Dialect

MAX_LENGTH: Final = 1_000_000  # characters of one statement; some 5 s in the worst case

Kind: TypeAlias = Literal["word", "quoted", "string", "number", "mark"]


class NotUnderstood(Exception):
    """A clause that is wrong or unknown; `offset` is its place in the statement."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.offset = offset


class Token(NamedTuple):
    """A token: `key` is a word in upper case or a mark, else empty; `text` is without quotes."""

    kind: Kind
    key: str
    text: str
    start: int
    end: int


class Reader:
    """A cursor over the tokens of one statement. Raises `NotUnderstood`."""

    def __init__(self, text: str, dialect: Dialect) -> None:
        if len(text) > MAX_LENGTH:
            raise NotUnderstood(f"the statement is longer than {MAX_LENGTH:,} characters", 0)
        self.text = text
        self.dialect = dialect
        self.tokens = _tokens(text, dialect)
        self.position = 0
        self._closing = _pairs(self.tokens)

    @property
    def token(self) -> Token:
        """The next token; at the end, one that equals nothing."""
        return self.tokens[self.position]

    @property
    def done(self) -> bool:
        """Whether all was read."""
        return self.position >= len(self.tokens) - 1

    @property
    def offset(self) -> int:
        """The place of the next token in the statement."""
        return self.token.start

    def sees(self, *keys: str) -> bool:
        """Whether these words or marks come next."""
        tokens, position = self.tokens, self.position
        if tokens[position].key != keys[0]:
            return False
        if len(keys) == 1:
            return True
        ahead = tokens[position : position + len(keys)]
        return len(ahead) == len(keys) and all(t.key == k for t, k in zip(ahead, keys, strict=True))

    def sees_any(self, *keys: str) -> bool:
        """Whether one of these comes next."""
        return self.token.key in keys

    def takes(self, *keys: str) -> bool:
        """Read these words or marks if they come next."""
        if not self.sees(*keys):
            return False
        self.position += len(keys)
        return True

    def takes_any(self, *keys: str) -> str:
        """Read one of these if it comes next; it, or an empty text."""
        key = self.token.key
        if not key or key not in keys:
            return ""
        self.position += 1
        return key

    def expects(self, *keys: str) -> None:
        """Read these words or marks, which must come."""
        if not self.takes(*keys):
            raise self.error(f"`{' '.join(keys)}` expected")

    def error(self, reason: str) -> NotUnderstood:
        """An error at the next token."""
        found = "the end" if self.done else f"`{clip(self._source(self.token))}`"
        return NotUnderstood(f"{reason}, found {found}", self.offset)

    def next(self) -> Token:
        """Read any token but the end."""
        if self.done:
            raise self.error("more expected")
        self.position += 1
        return self.tokens[self.position - 1]

    def name(self) -> str:
        """Read an identifier, quoted or not."""
        token = self.token
        if token.kind in ("word", "quoted") or (
            token.kind == "string"
            and (self.dialect is Dialect.SQLITE or self._source(token)[0] == '"')
        ):
            self.position += 1
            return token.text
        raise self.error("a name expected")

    def names(self) -> tuple[str, ...]:
        """Read a parenthesised list of names."""
        self.expects("(")
        names = [self.name()]
        while self.takes(","):
            names.append(self.name())
        self.expects(")")
        return tuple(names)

    def path(self) -> list[str]:
        """Read a name with what qualifies it."""
        parts = [self.name()]
        while self.takes("."):
            parts.append(self.name())
        return parts

    def string(self) -> str:
        """Read a string literal, and those that follow and continue it; its value."""
        if self.token.kind != "string":
            raise self.error("a string expected")
        parts = []
        while self.token.kind == "string":
            parts.append(self._unescaped(self.next()))
        return "".join(parts)

    def integer(self) -> int:
        """Read an integer with its sign."""
        negative = self.takes("-")
        if not negative:
            self.takes("+")
        digits = self.token.text
        if self.token.kind != "number" or not (digits.isascii() and digits.isdigit()):
            raise self.error("an integer expected")
        if len(digits) > 40:
            raise self.error("a smaller integer expected")
        self.position += 1
        return -int(digits) if negative else int(digits)

    def group(self) -> str:
        """Read a parenthesised text; what is inside."""
        start = self.position
        self.skip_group()
        return self.source(start + 1, self.position - 1)

    def skip_group(self) -> None:
        """Read over a parenthesised text."""
        if not self.sees("("):
            raise self.error("`(` expected")
        self.position = self._closing[self.position] + 1

    def skip_item(self) -> None:
        """Read up to the next comma or closing parenthesis of this level, or the end."""
        while not self.done and not self.sees_any(",", ")"):
            if self.sees("("):
                self.skip_group()
            else:
                self.position += 1

    def source(self, first: int, end: int | None = None) -> str:
        """The text of tokens, up to the position by default; a blank for blanks and comments."""
        parts = []
        before = None
        for token in self.tokens[first : self.position if end is None else end]:
            if before is not None and token.start > before:
                parts.append(" ")
            parts.append(self.text[token.start : token.end])
            before = token.end
        return "".join(parts)

    def rest(self) -> str:
        """Read to the end; the text as written."""
        start = self.offset
        self.position = len(self.tokens) - 1
        return self.text[start : self.tokens[-2].end] if len(self.tokens) > 1 else ""

    def _source(self, token: Token) -> str:
        return self.text[token.start : token.end]

    def _unescaped(self, token: Token) -> str:
        source = self._source(token)
        if self.dialect is Dialect.SQLITE or "\\" not in source:
            return token.text
        quote = source[-1]
        inner = source[source.index(quote) + 1 : -1].replace(quote * 2, quote)
        return _ESCAPE.sub(lambda match: _ESCAPES.get(match[1], match[1]), inner)


def words(text: str) -> frozenset[str]:
    """A set of words, written with blanks between."""
    return frozenset(text.split())


@lru_cache(maxsize=4096)
def identifiers(text: str, dialect: Dialect) -> frozenset[str]:
    """The names in an expression or query, in lower case; empty when it cannot be tokenized."""
    try:
        tokens = _tokens(text, dialect)
    except NotUnderstood:
        return frozenset()
    return frozenset(token.text.lower() for token in tokens if token.kind in ("word", "quoted"))


def alike(one: str, other: str, dialect: Dialect) -> bool:
    """Whether two texts have the same tokens, whatever their blanks, comments and quotes."""
    try:
        return _essence(one, dialect) == _essence(other, dialect)
    except NotUnderstood:
        return one == other


def _essence(text: str, dialect: Dialect) -> list[tuple[str, str]]:
    """The tokens; names without the quotes that they do not need, words in one case."""
    found: list[tuple[str, str]] = []
    for token in _tokens(text, dialect):
        plain = token.kind == "word" or (
            token.kind == "quoted" and not needs_quotes(dialect, token.text)
        )
        said = token.text.lower() if token.kind in ("word", "quoted") else token.text
        found.append(("word" if plain else token.kind, said or token.key))
    return found


def renamed(text: str, old: str, new: str, dialect: Dialect) -> str:
    """An expression with a column's name replaced, `new` as it is to be written."""
    if old.lower() not in text.lower():
        return text
    try:
        tokens = _tokens(text, dialect)
    except NotUnderstood:
        return text
    parts, last = [], 0
    for token, after in zip(tokens, [*tokens[1:], None], strict=True):
        if token.kind not in ("word", "quoted") or token.text.lower() != old.lower():
            continue
        if token.kind == "word" and after is not None and after.key == "(":
            continue  # a function
        parts += [text[last : token.start], new]
        last = token.end
    return "".join([*parts, text[last:]])


def retold(text: str, old: str, new: str) -> str:
    """A query or body of SQLite with a table's name replaced where only a table can stand."""
    if old.lower() not in text.lower():
        return text
    try:
        tokens = _tokens(text, Dialect.SQLITE)
    except NotUnderstood:
        return text
    parts, last = [], 0
    for position, token in enumerate(tokens[:-1]):
        if token.kind not in ("word", "quoted") or token.text.lower() != old.lower():
            continue
        before = tokens[position - 1].key if position else ""
        if tokens[position + 1].key == "." or before in _BEFORE_TABLE:
            parts += [text[last : token.start], new]
            last = token.end
    return "".join([*parts, text[last:]])


_BEFORE_TABLE: Final = frozenset(("FROM", "JOIN", "INTO", "UPDATE"))
# https://dev.mysql.com/doc/refman/8.4/en/string-literals.html
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {
    "0": "\0",
    "b": "\b",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "Z": "\x1a",
    "%": "\\%",
    "_": "\\_",
}


def _tokens(text: str, dialect: Dialect) -> list[Token]:
    """The tokens, and one at the end that equals nothing. Raises `NotUnderstood`."""
    if dialect is Dialect.SQLITE:
        from .sqlite.scan import scan
    else:
        from .mysql.scan import scan  # sqlglot is heavy
    return [*scan(text), Token("mark", "", "", len(text), len(text))]


def _pairs(tokens: list[Token]) -> dict[int, int]:
    """The closing parenthesis of each opening one."""
    pairs: dict[int, int] = {}
    open_: list[int] = []
    for position, token in enumerate(tokens):
        if token.key == "(":
            open_.append(position)
        elif token.key == ")":
            if not open_:
                raise NotUnderstood("a `)` that closes nothing", token.start)
            pairs[open_.pop()] = position
    if open_:
        raise NotUnderstood("a `(` that is never closed", tokens[open_[-1]].start)
    return pairs


def clip(text: str) -> str:
    """The beginning of a text, for a message."""
    return text if len(text) <= 60 else text[:59] + "…"
