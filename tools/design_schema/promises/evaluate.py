"""What a condition of a schema says of a row: true, false, or NULL (None), without an engine.

The usual operators and functions, three-valued as SQL has them; a regular expression by `matching`.
What is not among them raises `Unknown`: nothing is said of such a condition.
"""

from __future__ import annotations

import operator
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, TypeAlias

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from ... import matching
from ...ddl.model import Dialect
from . import calendar, functions
from .values import Span, Value

MAX_CHARACTERS: Final = 10_000  # of a condition
MAX_TEXT: Final = 2_000  # characters that a pattern is tried on
Row: TypeAlias = Mapping[str, Value]


class Unknown(Exception):
    """A condition, or a part of one, that is not understood."""


@lru_cache(maxsize=4096)
def parsed(sql: str, dialect: Dialect) -> exp.Expr:
    """A condition as a tree. Raises `Unknown`."""
    if len(sql) > MAX_CHARACTERS:
        raise Unknown(sql[:100])
    try:
        spoken = Dialect.MYSQL if dialect is Dialect.MARIADB else dialect  # sqlglot knows no other
        # As a column of a query: `replace(…)` alone would be a statement.
        return sqlglot.parse_one(f"SELECT {sql}", read=spoken.value).expressions[0]  # type: ignore[no-any-return]
    except (SqlglotError, RecursionError, ValueError) as error:
        raise Unknown(sql[:100]) from error


def value_of(node: exp.Expr, row: Row) -> Any:
    """The value of an expression for a row. Raises `Unknown`."""
    try:
        return _value(node, row)
    except Unknown:
        raise
    except (TypeError, ValueError, ArithmeticError, RecursionError, AttributeError) as error:
        raise Unknown(str(error)) from error


def columns_of(node: exp.Expr) -> tuple[str, ...]:
    """The columns that an expression mentions, each once, in order."""
    return tuple(dict.fromkeys(column.name for column in node.find_all(exp.Column)))


def coerced(value: Any, like: Any) -> Any:
    """The value as one that compares with `like`: a text as the instant that it says."""
    if not isinstance(value, str) or isinstance(like, str):
        return _instant(value, like)
    match like:
        case bool():
            return value.lower() in ("t", "true", "1", "yes")
        case int() | Decimal():
            return Decimal(value)
        case datetime():
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        case date():
            return date.fromisoformat(value)
        case time():
            return time.fromisoformat(value)
        case timedelta():
            return calendar.interval(value)
        case uuid.UUID():
            return uuid.UUID(value)
    return value


def _instant(value: Any, like: Any) -> Any:
    if isinstance(like, datetime) and isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time(), UTC)
    return value


def _value(node: exp.Expr, row: Row) -> Any:
    known = _EVERY.get(type(node))
    if known is None:
        raise Unknown(node.key)
    return known(node, row)


def _column(node: Any, row: Row) -> Value:
    if node.name not in row:
        raise Unknown(node.name)
    return row[node.name]


def _literal(node: Any, row: Row) -> Value:
    return str(node.this) if node.is_string else Decimal(node.this)


def _and(node: Any, row: Row) -> bool | None:
    one, other = _value(node.this, row), None
    if one is False:
        return False
    other = _value(node.expression, row)
    return False if other is False else None if one is None or other is None else True


def _or(node: Any, row: Row) -> bool | None:
    one = _value(node.this, row)
    if one is True:
        return True
    other = _value(node.expression, row)
    return True if other is True else None if one is None or other is None else False


def _not(node: Any, row: Row) -> bool | None:
    inner = _value(node.this, row)
    return None if inner is None else not inner


def _same(one: Any, other: Any) -> bool:
    one, other = coerced(one, other), coerced(other, one)
    return bool(one == other)


def _compare(test: Callable[[Any, Any], Any]) -> Callable[[Any, Row], bool | None]:
    def compared(node: Any, row: Row) -> bool | None:
        one = _value(node.this, row)
        if isinstance(node.expression, exp.Any):
            return _any(test, one, _value(node.expression.this, row))
        other = _value(node.expression, row)
        if one is None or other is None:
            return None
        return bool(test(coerced(one, other), coerced(other, one)))

    return compared


def _any(test: Callable[[Any, Any], Any], one: Any, several: Any) -> bool | None:
    if one is None or several is None:
        return None
    return any(test(coerced(one, each), coerced(each, one)) for each in several)


def _distinct(node: Any, row: Row) -> bool:
    one, other = _value(node.this, row), _value(node.expression, row)
    return (one is None) != (other is None) or (one is not None and not _same(one, other))


def _is(node: Any, row: Row) -> bool:
    one, other = _value(node.this, row), _value(node.expression, row)
    if isinstance(one, tuple) and isinstance(node.this, exp.Tuple):
        one = None if all(each is None for each in one) else one
    found = one is other if other is None or isinstance(other, bool) else _same(one, other)
    return found != bool(node.args.get("negate"))


def _in(node: Any, row: Row) -> bool | None:
    if not node.expressions:
        raise Unknown("in a query")
    one = _value(node.this, row)
    several = [_value(each, row) for each in node.expressions]
    if one is None:
        return None
    if any(each is not None and _same(one, each) for each in several):
        return True
    return None if None in several else False


def _between(node: Any, row: Row) -> bool | None:
    one, low, high = (_value(node.args[part], row) for part in ("this", "low", "high"))
    if one is None or low is None or high is None:
        return None
    return bool(coerced(low, one) <= coerced(one, low) and coerced(one, high) <= coerced(high, one))


def _arithmetic(work: Callable[[Any, Any], Any]) -> Callable[[Any, Row], Any]:
    def worked(node: Any, row: Row) -> Any:
        one, other = _value(node.this, row), _value(node.expression, row)
        if one is None or other is None:
            return None
        one, other = coerced(one, other), coerced(other, one)
        if isinstance(one, date) or isinstance(other, date):
            return calendar.sum_of(work, one, other)
        return work(_number(one), _number(other))

    return worked


def _number(value: Any) -> Any:
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _case(node: Any, row: Row) -> Any:
    subject = node.this
    for branch in node.args["ifs"]:
        test = _value(branch.this, row)
        met = _same(_value(subject, row), test) if subject else test
        if met is True:
            return _value(branch.args["true"], row)
    default = node.args.get("default")
    return _value(default, row) if default else None


def _if(node: Any, row: Row) -> Any:
    branch = "true" if _value(node.this, row) is True else "false"
    return _value(node.args[branch], row) if node.args.get(branch) else None


def _coalesce(node: Any, row: Row) -> Any:
    several = (_value(each, row) for each in (node.this, *node.expressions))
    return next((each for each in several if each is not None), None)


def _of_text(work: Callable[[Any], Any]) -> Callable[[Any, Row], Any]:
    def worked(node: Any, row: Row) -> Any:
        value = _value(node.this, row)
        return None if value is None else work(value)

    return worked


def _like(fold: bool) -> Callable[[Any, Row], bool | None]:
    def like(node: Any, row: Row) -> bool | None:
        pattern = _value(node.expression, row)
        if isinstance(pattern, str):
            pattern = _anchored(_written(pattern, "%", "_"))
        return _found(_value(node.this, row), pattern, fold)

    return like


def _written(pattern: str, several: str, one: str) -> str:
    """A pattern with two wildcards as a regular expression."""
    signs = {several: ".*", one: "."}
    return "".join(signs.get(c, c if c.isalnum() else "\\" + c) for c in pattern)


def _glob(node: Any, row: Row) -> bool | None:
    """SQLite's GLOB: `*`, `?` and classes in brackets."""
    pattern = _value(node.expression, row)
    if isinstance(pattern, str):
        parts = re.findall(r"\[\^?\]?[^\]]*\]|.", pattern, re.DOTALL)
        pattern = _anchored("".join(p if len(p) > 1 else _written(p, "*", "?") for p in parts))
    return _found(_value(node.this, row), pattern, fold=False)


def _anchored(pattern: str) -> str:
    return f"^(?:{pattern})$"


def _found(text: Any, pattern: Any, fold: bool) -> bool | None:
    if text is None or pattern is None:
        return None
    if len(text) > MAX_TEXT:
        raise Unknown("a long text")
    return matching.matches(pattern, text, fold)


def _regular(fold: bool) -> Callable[[Any, Row], bool | None]:
    return lambda node, row: _found(_value(node.this, row), _value(node.expression, row), fold)


def _cast(node: Any, row: Row) -> Any:
    value = _value(node.this, row)
    kind = node.to.this
    if value is None:
        return None
    if kind in exp.DataType.NUMERIC_TYPES:
        return Decimal(int(value)) if isinstance(value, bool) else Decimal(value)
    if kind in exp.DataType.TEXT_TYPES:
        return value if isinstance(value, str) else str(value)
    if kind in _DATES:
        return value.date() if isinstance(value, datetime) else coerced(value, date.min)
    if kind in exp.DataType.TEMPORAL_TYPES:
        return coerced(value, datetime.min.replace(tzinfo=UTC))
    if kind == exp.DataType.Type.INTERVAL:
        return coerced(value, timedelta(0))
    if kind == exp.DataType.Type.BOOLEAN:
        return coerced(value, True)
    if kind == exp.DataType.Type.UUID:
        return coerced(value, uuid.UUID(int=0))
    raise Unknown(str(kind))


_DAY: Final = timedelta(1)
_DATES: Final = (exp.DataType.Type.DATE, exp.DataType.Type.DATE32)


def _interval(node: Any, row: Row) -> timedelta:
    unit = f" {node.args['unit'].name}" if node.args.get("unit") else ""
    return calendar.interval(f"{node.this.name}{unit}")


def _extract(node: Any, row: Row) -> Decimal | None:
    value = _value(node.expression, row)
    return None if value is None else calendar.part(node.this.name.lower(), value)


def _formatted(node: Any, row: Row) -> Any:
    """SQLite's strftime, for one part of a moment."""
    value = calendar.moment(_value(node.this.this, row))
    name = calendar.FORMATS.get(node.args["format"].name)
    if name is None:
        raise Unknown(node.key)
    return None if value is None else calendar.part(name, value)


def _later(node: Any, row: Row) -> Any:
    """MySQL's DATE_ADD and DATE_SUB."""
    value, count = _value(node.this, row), _value(node.expression, row)
    if value is None or count is None:
        return None
    length = calendar.interval(f"{count} {node.args['unit'].name}")
    length = -length if isinstance(node, exp.DateSub) else length
    whole = type(value) is date and not length % _DAY
    return calendar.sum_of(operator.add, value, length.days if whole else length)


def _apart(node: Any, row: Row) -> Any:
    """MySQL's DATEDIFF and TIMESTAMPDIFF, the latter in seconds."""
    one, other = _value(node.this, row), _value(node.expression, row)
    if one is None or other is None:
        return None
    if isinstance(node, exp.TimestampDiff):
        return calendar.seconds(one) - calendar.seconds(other)
    return (calendar.seconds(one) - calendar.seconds(other)) // 86_400


def _bound(end: str, work: Callable[[str], str]) -> Callable[[Any, Row], Any]:
    def bound(node: Any, row: Row) -> Any:
        value = _value(node.this, row)
        if isinstance(value, Span):
            empty = value.start is not None and value.start == value.end
            return None if empty else getattr(value, end)
        return None if value is None else work(value)

    return bound


def _called(node: Any, row: Row) -> Any:
    known = functions.BY_NAME.get(node.name.lower())
    if known is None:
        raise Unknown(node.name)
    return known(*(_value(each, row) for each in node.expressions))


def _listed(node: Any, row: Row) -> tuple[Any, ...]:
    return tuple(_value(each, row) for each in node.expressions)


def _round(node: Any, row: Row) -> Any:
    value = _value(node.this, row)
    places = int(_value(node.args["decimals"], row)) if node.args.get("decimals") else 0
    return None if value is None else round(Decimal(value), places) + 0


def _extreme(choose: Callable[[Sequence[Any]], Any]) -> Callable[[Any, Row], Any]:
    def chosen(node: Any, row: Row) -> Any:
        several = (_value(each, row) for each in (node.this, *node.expressions))
        present = [each for each in several if each is not None]
        return choose(present) if present else None

    return chosen


def _nullif(node: Any, row: Row) -> Any:
    one, other = _value(node.this, row), _value(node.expression, row)
    return None if one is not None and other is not None and _same(one, other) else one


def _of_parts(parts: Sequence[str], work: Callable[..., Any]) -> Callable[[Any, Row], Any]:
    """A function of the parts of a node that are given; NULL when one of them is."""

    def worked(node: Any, row: Row) -> Any:
        values = [_value(node.args[part], row) for part in parts if node.args.get(part)]
        return None if None in values else work(*values)

    return worked


def _trim(node: Any, row: Row) -> Any:
    text = _value(node.this, row)
    signs = _value(node.expression, row) if node.args.get("expression") else " "
    if text is None or signs is None:
        return None
    side = {"LEADING": str.lstrip, "TRAILING": str.rstrip}.get(node.args.get("position") or "")
    return (side or str.strip)(text, signs)


def _concat(node: Any, row: Row) -> Any:
    one, other = _value(node.this, row), _value(node.expression, row)
    return None if one is None or other is None else f"{one}{other}"


def _inner(node: Any, row: Row) -> Any:
    return _value(node.this, row)


_EVERY: Final[Mapping[type[exp.Expr], Callable[[Any, Row], Any]]] = {
    exp.Column: _column,
    exp.Literal: _literal,
    exp.ByteString: lambda node, row: str(node.this),  # PostgreSQL's E'…'
    exp.Boolean: lambda node, row: bool(node.this),
    exp.Null: lambda node, row: None,
    exp.Paren: _inner,
    exp.And: _and,
    exp.Or: _or,
    exp.Not: _not,
    exp.EQ: _compare(operator.eq),
    exp.NEQ: _compare(operator.ne),
    exp.LT: _compare(operator.lt),
    exp.LTE: _compare(operator.le),
    exp.GT: _compare(operator.gt),
    exp.GTE: _compare(operator.ge),
    exp.NullSafeEQ: lambda node, row: not _distinct(node, row),
    exp.NullSafeNEQ: _distinct,
    exp.Is: _is,
    exp.In: _in,
    exp.Between: _between,
    exp.Add: _arithmetic(operator.add),
    exp.Sub: _arithmetic(operator.sub),
    exp.Mul: _arithmetic(operator.mul),
    exp.Div: _arithmetic(operator.truediv),
    exp.Mod: _arithmetic(operator.mod),
    exp.Neg: _of_text(lambda value: -_number(value)),
    exp.Round: _round,
    exp.Case: _case,
    exp.If: _if,
    exp.Coalesce: _coalesce,
    exp.Nullif: _nullif,
    exp.Greatest: _extreme(max),
    exp.Least: _extreme(min),
    exp.Length: _of_text(functions.length),
    exp.ByteLength: _of_text(functions.size),
    exp.Lower: _bound("start", str.lower),
    exp.Upper: _bound("end", str.upper),
    exp.Date: _of_text(calendar.read(date, "%Y-%m-%d")),
    exp.TimeToStr: _formatted,
    exp.DateAdd: _later,
    exp.DateSub: _later,
    exp.DateDiff: _apart,
    exp.TimestampDiff: _apart,
    exp.Trim: _trim,
    exp.DPipe: _concat,
    exp.Like: _like(fold=False),
    exp.ILike: _like(fold=True),
    exp.Glob: _glob,
    exp.RegexpLike: _regular(fold=False),
    exp.RegexpILike: _regular(fold=True),
    exp.Cast: _cast,
    exp.Interval: _interval,
    exp.Extract: _extract,
    exp.JSONType: _of_text(lambda value: (functions.json_type(value) or "").upper()),
    exp.Array: _listed,
    exp.Tuple: _listed,
    exp.Anonymous: _called,
    **{kind: _of_parts(*said) for kind, said in functions.BY_KIND.items()},
}
