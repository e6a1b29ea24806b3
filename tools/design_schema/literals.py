"""Constants in expressions: defaults, bounds of partitions, comparisons in constraints."""

from __future__ import annotations

import re
from decimal import Decimal

MAX_LITERAL = 4_000  # characters; longer ones are not read

_NUMBER = re.compile(
    r"\(?\s*([+-]?\s*\d{1,40}(?:\.\d{0,40})?(?:e[+-]?\d{1,3})?)\s*\)?(?:\s*::\s*[\w ]+)?", re.I
)
_STRING = re.compile(r"[eEnN]?'((?:[^'\\]|''|\\.)*)'(\s*::\s*[\w. \"()\[\],]+)?")
_TYPED = re.compile(r"([a-z_][\w ]*?)\s*(?:\(\d+\)\s*)?'((?:[^']|'')*)'", re.I)
_IN_STRING = re.compile(r"'(?:[^'\\]|''|\\.)*'")


def text_of(sql: str) -> str | None:
    """The value of a string literal, cast or not (`'a'`, `'a'::text`); None for anything else."""
    match = _STRING.fullmatch(_bare(sql))
    return match[1].replace("''", "'") if match else None


def casts_of(sql: str) -> tuple[str, ...]:
    """The types that a string literal is cast to, first to last: `'now'::text::date`."""
    bare = _bare(sql)
    match = _STRING.fullmatch(bare)
    if match and match[2]:
        return tuple(part.strip() for part in match[2].split("::")[1:])
    typed = _TYPED.fullmatch(bare)
    return (typed[1].strip().lower(),) if typed and typed[1].lower() not in ("e", "n") else ()


def quoted_text(sql: str) -> str | None:
    """As `text_of`, also behind a type: `timestamp 'now'`."""
    typed = _TYPED.fullmatch(_bare(sql))
    return typed[2].replace("''", "'") if typed else text_of(sql)


def number_of(sql: str) -> Decimal | None:
    """The value of a number, cast or not, quoted or not; None for anything else."""
    match = _NUMBER.fullmatch(text_of(sql) or _bare(sql))
    return Decimal(match[1].replace(" ", "")) if match else None


def without_strings(sql: str) -> str:
    """The text in one line, every string literal emptied: words in them are no code."""
    return " ".join(_IN_STRING.sub("''", sql).split())


def _bare(sql: str) -> str:
    """The expression without parentheses around all of it or around the literal it begins with."""
    sql = " ".join(sql.split()) if len(sql) <= MAX_LITERAL else ""
    while sql.startswith("("):
        inner, _, rest = sql[1:].partition(")")
        if not _STRING.fullmatch(inner.strip()):
            return sql[1:-1].strip() if sql.endswith(")") and "(" not in sql[1:] else sql
        sql = inner.strip() + rest
    return sql
