"""What a condition says of one column at a time: enough to see that it never or always holds.

A small reader for the boolean part of SQL in every dialect. What it does not understand is a term
of its own that may be true, false or unknown, so every answer is a safe one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Literal, TypeAlias

MAX_CONDITION = 4_000  # characters; longer ones are not read
MAX_DEPTH = 30

Value: TypeAlias = Decimal | str | None


@dataclass(frozen=True, slots=True)
class Term:
    """`subject op values`; a subject is a column's name in lower case.

    `op` is one of = <> < <= > >= in, not in, between; `?` stands for what was not understood.
    """

    subject: str
    op: str
    values: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Both:
    """Conditions joined by AND or OR."""

    kind: Literal["and", "or"]
    parts: tuple[Condition, ...]


Condition: TypeAlias = Term | Both | bool

UNKNOWN = Term("", "?")


@lru_cache(maxsize=10_000)
def condition(sql: str) -> Condition:
    """The condition that the text says."""
    if len(sql) > MAX_CONDITION:
        return UNKNOWN
    return _Reader(_tokens(sql)).all()


def never(parts: Iterable[Condition]) -> str | None:
    """A column for which no value passes all the conditions; None when each may have one.

    An empty text when they fail whatever the values are.
    """
    required = [term for part in parts for term in _required(part)]
    if False in required:
        return ""
    return _exhausted([term for term in required if isinstance(term, Term)])


def always(part: Condition) -> bool:
    """Whether the condition passes for every value."""
    if isinstance(part, bool):
        return part
    if isinstance(part, Term):
        return part.op == "same"
    if part.kind == "and":
        return all(always(each) for each in part.parts)
    if any(always(each) for each in part.parts):
        return True
    terms = [each for each in part.parts if isinstance(each, Term)]
    return _exhausted([denied for term in terms for denied in _denied(term)]) is not None


def fails(part: Condition, subject: str, value: Decimal | str) -> bool:
    """Whether a value of the column makes the condition false, whatever else is in the row."""
    if isinstance(part, bool):
        return not part
    if isinstance(part, Both):
        found = [fails(each, subject, value) for each in part.parts]
        return any(found) if part.kind == "and" else all(found)
    return part.subject == subject and _Allowed.of(part).excludes(value)


def _required(part: Condition) -> Iterator[Term | bool]:
    if isinstance(part, Both):
        if part.kind == "and":
            for each in part.parts:
                yield from _required(each)
    else:
        yield part


def _denied(term: Term) -> Iterator[Term]:
    """What holds where the term is false."""
    if term.op in _OPPOSITE and None not in term.values:
        yield Term(term.subject, _OPPOSITE[term.op], term.values)


_OPPOSITE = {
    **{"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"},
    **{"in": "not in", "not in": "in"},
}


def _exhausted(terms: Sequence[Term]) -> str | None:
    """A subject that the terms leave no value."""
    left: dict[str, _Allowed] = {}
    for term in terms:
        if term.subject and term.op in _COMPARISONS:
            allowed = left.setdefault(term.subject, _Allowed())
            allowed.add(term)
            if allowed.is_empty:
                return term.subject
    return None


_COMPARISONS = frozenset(("=", "<>", "<", "<=", ">", ">=", "in", "not in", "between"))
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


class _Allowed:
    """The values that comparisons with constants leave, of one kind: numbers, dates or texts."""

    def __init__(self) -> None:
        self.low: tuple[Decimal | str, bool] | None = None  # the bound, and whether it is open
        self.high: tuple[Decimal | str, bool] | None = None
        self.only: frozenset[Decimal | str] | None = None
        self.without: frozenset[Decimal | str] = frozenset()
        self.kinds: set[str] = set()

    @classmethod
    def of(cls, term: Term) -> _Allowed:
        """What one term leaves."""
        allowed = cls()
        if term.op in _COMPARISONS:
            allowed.add(term)
        return allowed

    def add(self, term: Term) -> None:
        """Take away what the term excludes; what has NULL among its values excludes nothing."""
        values = [value for value in term.values if value is not None]
        self.kinds |= {_kind(value) for value in values}
        if len(values) < len(term.values) or not values:
            return
        match term.op:
            case "=" | "in":
                before = values if self.only is None else self.only
                known = {_plain(value) for value in before}
                self.only = frozenset(value for value in values if _plain(value) in known)
            case "<>" | "not in":
                self.without |= frozenset(values)
            case "between":
                self._above(values[0], open=False)
                self._below(values[-1], open=False)
            case ">" | ">=":
                self._above(values[0], open=term.op == ">")
            case _:
                self._below(values[0], open=term.op == "<")

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left."""
        if len(self.kinds) > 1:
            return False
        if self.only is not None:
            return all(self.excludes(value) for value in self.only)
        if self.low is None or self.high is None or self.kinds == {"text"}:
            return False
        (low, after), (high, before) = self.low, self.high
        return _more(low, high) or (low == high and (after or before or low in self.without))

    def excludes(self, value: Decimal | str) -> bool:
        """Whether the value is surely not among those left."""
        if self.kinds - {_kind(value)}:
            return False
        if value in self.without:
            return True
        if self.only is not None and value not in self.only:
            return _plain(value) not in {_plain(other) for other in self.only}
        if _kind(value) == "text":
            return False  # their order is the collation's
        if self.low and (_more(self.low[0], value) or (self.low == (value, True))):
            return True
        return bool(self.high and (_more(value, self.high[0]) or self.high == (value, True)))

    def _above(self, bound: Decimal | str, *, open: bool) -> None:
        if self.low is None or _more(bound, self.low[0]) or (bound == self.low[0] and open):
            self.low = (bound, open)

    def _below(self, bound: Decimal | str, *, open: bool) -> None:
        if self.high is None or _more(self.high[0], bound) or (bound == self.high[0] and open):
            self.high = (bound, open)


def _plain(value: Decimal | str) -> Decimal | str:
    """Texts as the most lenient collation compares them."""
    return value.casefold().rstrip() if isinstance(value, str) else value


def _kind(value: Decimal | str) -> str:
    if isinstance(value, Decimal):
        return "number"
    return f"date of {len(value)}" if _DATE.match(value) else "text"  # as long, or not compared


def _more(one: Decimal | str, other: Decimal | str) -> bool:
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return one > other
    return isinstance(one, str) and isinstance(other, str) and one > other


_TOKEN = re.compile(
    r"(?P<string>[eEnN]?'(?:[^'\\]|''|\\.)*')"
    r'|(?P<name>"(?:[^"]|"")+"|`[^`]+`)'
    r"|(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d{1,3})?|\.\d+)"
    r"|(?P<word>[A-Za-z_][\w$]*)"
    r"|(?P<op>::|<=>|<>|!=|<=|>=|[-+*/%=<>|&^~!@#?:]|[(),.\[\]])"
    r"|(?P<other>\S)"
)
_TYPE_WORDS = frozenset(
    (
        *("text", "character", "varying", "varchar", "bpchar", "char", "integer", "int", "int4"),
        *(
            "bigint",
            "int8",
            "smallint",
            "int2",
            "numeric",
            "decimal",
            "real",
            "double",
            "precision",
        ),
        *("date", "timestamp", "timestamptz", "with", "without", "time", "zone", "boolean"),
    )
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def _tokens(sql: str) -> list[_Token]:
    """The tokens, without casts to plain types."""
    found = [_Token(match.lastgroup or "", match[0]) for match in _TOKEN.finditer(sql)]
    left: list[_Token] = []
    at = 0
    while at < len(found):
        if found[at].text != "::":
            left.append(found[at])
            at += 1
            continue
        end = at + 1
        while end < len(found) and found[end].text.lower() in _TYPE_WORDS:
            end += 1
        if end == at + 1:
            return [_Token("other", "::")]
        if end < len(found) and found[end].text == "(":
            while end < len(found) and found[end].text != ")":
                end += 1
            end += 1
        while end + 1 < len(found) and found[end].text + found[end + 1].text == "[]":
            end += 2
        at = end
    return left


class _Reader:
    """OR of AND of terms; a term that is not understood is skipped to its end."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0

    def all(self) -> Condition:
        """The condition, when all the text belongs to it."""
        found = self._or()
        return found if self.at >= len(self.tokens) else UNKNOWN

    def _or(self) -> Condition:
        return self._joined("or", "and")

    def _joined(self, word: Literal["or", "and"], inner: str) -> Condition:
        parts = [self._joined("and", "") if inner else self._not()]
        while self._sees(word):
            self.at += 1
            parts.append(self._joined("and", "") if inner else self._not())
        return parts[0] if len(parts) == 1 else Both(word, tuple(parts))

    def _not(self) -> Condition:
        if not self._sees("not"):
            return self._primary()
        if self.depth >= MAX_DEPTH:
            self._until_end()
            return UNKNOWN
        self.at += 1
        self.depth += 1
        inner = self._not()
        self.depth -= 1
        if isinstance(inner, bool):
            return not inner
        denied = list(_denied(inner)) if isinstance(inner, Term) else []
        return denied[0] if denied else UNKNOWN

    def _primary(self) -> Condition:
        start = self.at
        if self._sees("(") and self.depth < MAX_DEPTH:
            self.at += 1
            self.depth += 1
            inner = self._or()
            self.depth -= 1
            if self._sees(")"):
                self.at += 1
                if self.at >= len(self.tokens) or self._text() in ("and", "or", ")"):
                    return inner
        self.at = start
        return _term(self._until_end())

    def _until_end(self) -> list[_Token]:
        """The tokens up to the AND or OR, or the parenthesis, that ends the term."""
        start, depth, between, cases = self.at, 0, False, 0
        while self.at < len(self.tokens):
            text = self._text()
            if text in ("(", "["):
                depth += 1
            elif text in (")", "]"):
                if depth == 0:
                    break
                depth -= 1
            elif depth == 0 and text in ("case", "end"):
                cases += 1 if text == "case" else -1
            elif depth == 0 and cases == 0 and text == "between":
                between = True
            elif depth == 0 and cases == 0 and text in ("and", "or"):
                if not (between and text == "and"):
                    break
                between = False
            self.at += 1
        return self.tokens[start : self.at]

    def _text(self) -> str:
        token = self.tokens[self.at]
        return token.text.lower() if token.kind in ("word", "op") else ""

    def _sees(self, text: str) -> bool:
        return self.at < len(self.tokens) and self._text() == text


def _term(tokens: list[_Token]) -> Condition:
    """A comparison with constants."""
    tokens = _unwrapped(tokens)
    words = [t.text.lower() if t.kind in ("word", "op") else t.kind for t in tokens]
    if words in (["true"], ["false"]):
        return words == ["true"]
    for at, word in enumerate(words):
        if word in _FLIPPED and _depth(words[:at]) == 0:
            return _comparison(tokens[:at], word.replace("!=", "<>"), tokens[at + 1 :])
        if word in ("between", "in") and _depth(words[:at]) == 0:
            denied = words[at - 1 : at] == ["not"]
            subject = _subject(tokens[: at - denied])
            if not subject or (denied and word == "between"):
                return UNKNOWN
            values = _values(tokens[at + 1 :], word)
            return Term(subject, "not in" if denied else word, values) if values else UNKNOWN
    return UNKNOWN


_FLIPPED = {"=": "=", "<>": "<>", "!=": "<>", "<": ">", ">": "<", "<=": ">=", ">=": "<="}


def _comparison(left: list[_Token], op: str, right: list[_Token]) -> Condition:
    left, right = _unwrapped(left), _unwrapped(right)
    if op in ("=", "<>") and right and right[0].text.lower() in ("any", "all"):
        return _array(left, op, right)
    one, other = _constant(left), _constant(right)
    if one and other:
        return _of_constants(one[0], op, other[0])
    if other and (subject := _subject(left)):
        return Term(subject, op, other)
    if one and (subject := _subject(right)):
        return Term(subject, _FLIPPED[op], one)
    subject = _subject(left)
    return (
        Term(subject, "same") if subject and subject == _subject(right) and "=" in op else UNKNOWN
    )


def _array(left: list[_Token], op: str, right: list[_Token]) -> Condition:
    """`= ANY (ARRAY[…])` and `<> ALL (ARRAY[…])`, as PostgreSQL prints IN and NOT IN."""
    subject, inner = _subject(left), _unwrapped(right[1:])
    if (op, right[0].text.lower()) not in (("=", "any"), ("<>", "all")) or not subject:
        return UNKNOWN
    if len(inner) < 3 or inner[0].text.lower() != "array":
        return UNKNOWN
    values = _listed(inner[2:-1])
    return Term(subject, "in" if op == "=" else "not in", values) if values else UNKNOWN


def _of_constants(one: Value, op: str, other: Value) -> Condition:
    if one is None or other is None or _kind(one) != _kind(other):
        return UNKNOWN
    if op in ("=", "<>"):
        return (one == other) == (op == "=")
    return UNKNOWN


def _values(tokens: list[_Token], word: str) -> tuple[Value, ...]:
    if word == "in":
        return _listed(tokens[1:-1]) if tokens and tokens[0].text == "(" else ()
    middle = next((i for i, t in enumerate(tokens) if t.text.lower() == "and"), 0)
    low, high = _constant(tokens[:middle]), _constant(tokens[middle + 1 :])
    return low + high if low and high else ()


def _listed(tokens: list[_Token]) -> tuple[Value, ...]:
    """The constants of a list; empty when one of them is something else."""
    values: list[Value] = []
    part: list[_Token] = []
    for token in [*tokens, _Token("op", ",")]:
        if token.text != ",":
            part.append(token)
            continue
        value = _constant(part)
        if not value:
            return ()
        values += value
        part = []
    return tuple(values)


def _constant(tokens: list[_Token]) -> tuple[Value, ...]:
    """The value, in a tuple of one; empty when it is none."""
    tokens = _unwrapped(tokens)
    sign = 1
    if len(tokens) == 2 and tokens[0].text in "+-":
        sign, tokens = (-1 if tokens[0].text == "-" else 1), tokens[1:]
    if len(tokens) == 2 and tokens[0].text.lower() in ("date", "timestamp"):
        tokens = tokens[1:]
    if len(tokens) != 1:
        return ()
    (token,) = tokens
    if token.kind == "number":
        return (sign * Decimal(token.text),)
    if token.kind == "string":
        return (token.text[token.text.index("'") + 1 : -1].replace("''", "'"),)
    return (None,) if token.text.lower() == "null" else ()


def _subject(tokens: list[_Token]) -> str:
    """The column that the tokens name, perhaps with its table; empty for anything else."""
    tokens = _unwrapped(tokens)
    if len(tokens) == 3 and tokens[1].text == ".":
        tokens = tokens[2:]
    if len(tokens) != 1 or tokens[0].kind not in ("word", "name"):
        return ""
    text = tokens[0].text.lower()
    if tokens[0].kind == "name":
        return text[1:-1].replace('""', '"')
    return "" if text in ("null", "true", "false") or text.startswith("current_") else text


def _unwrapped(tokens: list[_Token]) -> list[_Token]:
    """The tokens without parentheses around all of them."""
    opened: list[int] = []
    closed: dict[int, int] = {}
    for at, token in enumerate(tokens):
        if token.kind == "op" and token.text == "(":
            opened.append(at)
        elif token.kind == "op" and token.text == ")":
            if not opened:
                return tokens
            closed[opened.pop()] = at
    start, end = 0, len(tokens) - 1
    while closed.get(start) == end:
        start, end = start + 1, end - 1
    return tokens[start : end + 1]


def _depth(words: Sequence[str]) -> int:
    return sum((word in ("(", "[")) - (word in (")", "]")) for word in words)
