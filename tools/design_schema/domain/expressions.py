"""Conditions and values of a domain model: SQL expressions over the names of attributes.

They are written as for PostgreSQL, without queries; `rendered` says them for an engine. Of a period
`lower(p)` and `upper(p)` are its ends.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import lru_cache
from typing import TYPE_CHECKING, Final, cast

from ...ddl.model import Dialect

if TYPE_CHECKING:
    from sqlglot import exp

MAX_DEPTH: Final = 40  # of brackets
MAX_WORDS: Final = 400
_READ_AS: Final = "postgres"
_SPOKEN: Final = {Dialect.MYSQL: "mysql", Dialect.MARIADB: "mysql", Dialect.SQLITE: "sqlite"}


class Unreadable(ValueError):
    """An expression that is none; the message says what would be right."""


@lru_cache(maxsize=4096)
def parsed(text: str) -> exp.Expression:
    """The tree of an expression. Do not change it. Raises `Unreadable`."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    depth = 0
    for sign in text:
        depth += (sign == "(") - (sign == ")")
        if depth > MAX_DEPTH:
            raise Unreadable(f"brackets are nested deeper than {MAX_DEPTH}")
    if len(text.split()) > MAX_WORDS:
        raise Unreadable(f"it has more than {MAX_WORDS} words")
    try:
        trees = sqlglot.parse(text, read=_READ_AS)
    except (SqlglotError, RecursionError):
        raise Unreadable("it is no SQL expression, as `ends_at > starts_at` is one") from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Condition):
        raise Unreadable("one SQL expression is wanted, as `status in ('paid', 'sent')` is one")
    tree = trees[0]
    if any(node.comments for node in tree.walk()):
        raise Unreadable("an expression has no comments in it")
    if tree.find(exp.Query, exp.DDL, exp.DML, exp.Command, exp.Placeholder, exp.Parameter):
        raise Unreadable("an expression over attributes of one entity has no queries in it")
    if tree.find(exp.AggFunc, exp.Window):
        raise Unreadable("an expression is about one row: it has no sums and counts in it")
    if qualified := [column for column in tree.find_all(exp.Column) if column.table]:
        raise Unreadable(
            f"say `{qualified[0].name}` alone: an expression is about one entity's attributes"
        )
    return cast("exp.Expression", tree)


def names(text: str) -> frozenset[str]:
    """The attributes that an expression names. Raises `Unreadable`."""
    from sqlglot import exp

    return frozenset(column.name for column in parsed(text).find_all(exp.Column))


def is_condition(text: str) -> bool:
    """Whether an expression may be true or false, as far as it shows. Raises `Unreadable`."""
    from sqlglot import exp

    tree = parsed(text).unnest()
    return not isinstance(tree, exp.Literal | exp.Binary | exp.Neg) or isinstance(
        tree, exp.Predicate | exp.Connector
    )


def rendered(
    text: str, column: Callable[[str], str], dialect: Dialect, periods: Collection[str] = ()
) -> str:
    """An expression in an engine's SQL; `column` says each name as it is to be written.

    Outside of PostgreSQL the ends of `periods` are columns of their own, `p_start` and `p_end`:
    `column` is asked for these names. Raises `Unreadable`.
    """
    if dialect is Dialect.POSTGRES:
        return _with_columns(text, column)
    return _spoken(parsed(text), column, _SPOKEN[dialect], frozenset(periods))


def _with_columns(text: str, column: Callable[[str], str]) -> str:
    """The text as it is, but for the names: what a person wrote survives."""
    from sqlglot import exp

    places = sorted(
        (each.this.meta["start"], each.this.meta["end"] + 1, each.name)
        for each in parsed(text).find_all(exp.Column)
    )
    parts, last = [], 0
    for start, end, name in places:
        parts += [text[last:start], column(name)]
        last = end
    return "".join([*parts, text[last:]])


def _spoken(
    tree: exp.Expression, column: Callable[[str], str], spoken: str, periods: frozenset[str]
) -> str:
    from sqlglot import exp

    def changed(node: exp.Expression) -> exp.Expression:
        if isinstance(node, (exp.Lower, exp.Upper)) and node.this.name in periods:
            end = "_start" if isinstance(node, exp.Lower) else "_end"
            return exp.var(column(node.this.name + end))
        if isinstance(node, exp.RegexpLike) and spoken == "mysql":  # MariaDB's CHECK takes no other
            sides = (
                _spoken(side, column, spoken, periods) for side in (node.this, node.expression)
            )
            return exp.var(" REGEXP ".join(sides))
        if isinstance(node, exp.Column):
            return exp.var(column(node.name))
        return node

    return tree.transform(changed).sql(dialect=spoken)
