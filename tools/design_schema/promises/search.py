"""Rows that meet conditions, or fail one of them and no other: found by trying, for a while.

From a plain row, the columns of a condition that is not met get other values: those the column's
type suggests, the constants of the condition and their neighbours, and what the other side of a
comparison comes to. One column first, then two, then three together.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import combinations, product
from typing import Any, Final, Literal, TypeAlias

from sqlglot import exp

from ... import matching
from .evaluate import Row, Unknown, coerced, columns_of, value_of
from .values import Span, Value

BUDGET: Final = 2_000  # rows that are tried
DEPTH: Final = 5  # conditions that are mended one after the other
WIDTH: Final = 3  # columns that change together
MAX_VALUES: Final = 24  # of a column
MAX_LENGTH: Final = 20_000  # of a text that only has a length
MAX_DAYS: Final = 100_000  # between dates

Choices: TypeAlias = Callable[[str], Sequence[Value]]
Wanted: TypeAlias = Literal["held", "true", "false"]  # a constraint holds when it is NULL, too


class Condition:
    """A condition, and what it has to be. It remembers what it said of which values."""

    def __init__(self, tree: exp.Expr, wanted: Wanted = "held") -> None:
        self.tree, self.wanted = tree, wanted
        self.columns = columns_of(tree)
        self._known: dict[tuple[Any, ...], bool | None] = {}

    def is_met(self, row: Row) -> bool | None:
        """Whether it is what it has to be; None when that cannot be told."""
        values = tuple((type(row.get(column)), row.get(column)) for column in self.columns)
        if values not in self._known:
            self._known[values] = self._met(row)
        return self._known[values]

    def _met(self, row: Row) -> bool | None:
        try:
            found = value_of(self.tree, row)
        except Unknown:
            return None
        if self.wanted == "held":
            return found is not False
        return found is (self.wanted == "true")


class Search:
    """One search: its budget is spent once."""

    def __init__(
        self,
        conditions: Sequence[Condition],
        choices: Choices,
        free: Collection[str],
        closed: Collection[str] = (),
    ) -> None:
        """`free` columns may change, those that are `closed` to one of their choices only."""
        self._conditions, self._choices = conditions, choices
        self._free, self._closed = free, closed
        self._left = BUDGET
        self._seen: set[tuple[tuple[str, Value], ...]] = set()

    def row(self, row: Mapping[str, Value], depth: int = DEPTH) -> dict[str, Value] | None:
        """The row with as few other values as it takes to meet all conditions that are understood.

        None when none was found.
        """
        unmet = next((c for c in self._conditions if c.is_met(row) is False), None)
        if unmet is None:
            return dict(row)
        if depth == 0:
            return None
        for changes in self._changes(unmet, row):
            self._left -= 1
            if self._left < 0:
                return None
            changed = {**row, **changes}
            if unmet.is_met(changed) and self._is_new(changed):
                found = self.row(changed, depth - 1)
                if found is not None:
                    return found
        return None

    def _is_new(self, row: Row) -> bool:
        """Whether the row has not been tried yet."""
        tried = tuple((column, row.get(column)) for column in sorted(self._free))
        new = tried not in self._seen
        self._seen.add(tried)
        return new

    def _changes(self, condition: Condition, row: Row) -> Iterator[Mapping[str, Value]]:
        columns = [c for c in condition.columns if c in self._free]
        values = {column: self._values(column, condition.tree, row) for column in columns}
        for width in range(1, WIDTH + 1):
            for chosen in combinations(columns, width):
                for combined in product(*(values[column] for column in chosen)):
                    yield dict(zip(chosen, combined, strict=True))

    def _values(self, column: str, tree: exp.Expr, row: Row) -> Sequence[Value]:
        if column in self._closed:
            return self._choices(column)
        like = row.get(column)
        if like is None:
            like = next((v for v in self._choices(column) if v is not None), None)
        found = [*hinted(column, tree, row, like), *self._choices(column)]
        return _each_once(found)[:MAX_VALUES]


def _each_once(values: Sequence[Value]) -> list[Value]:
    kept: list[Value] = []
    for value in values:
        if not any(value is each or (type(value) is type(each) and value == each) for each in kept):
            kept.append(value)
    return kept


def hinted(column: str, tree: exp.Expr, row: Row, like: Value) -> Iterator[Value]:
    """Values for a column that a condition itself suggests, of the kind of `like`."""
    for node in tree.walk():
        if isinstance(node, exp.RegexpLike | exp.RegexpILike) and _is(node.this, column):
            pattern = str(node.expression.this)
            own = row.get(column)
            said = own if isinstance(own, str) else ""  # it differs from row to row
            yield from (said.lower(), said.upper())
            for text in filter(None, (matching.example(pattern, number) for number in range(3))):
                yield from (text, text + said)  # the pattern may be about a part only
        if not isinstance(node, exp.Predicate | exp.In):
            continue
        sides = [*node.iter_expressions()]
        for side in sides:
            for other in sides:
                if other is not side and mentions(side, column):
                    yield from _suiting(side, column, _constants(other, row), like)


def mentions(node: exp.Expr, column: str) -> bool:
    """Whether the expression mentions the column."""
    return any(each.name == column for each in node.find_all(exp.Column))


def _is(node: exp.Expr, column: str) -> bool:
    return isinstance(node, exp.Column) and node.name == column


def _constants(node: exp.Expr, row: Row) -> Iterator[Any]:
    for each in node.expressions if isinstance(node, exp.Tuple | exp.Array) else (node,):
        try:
            value = value_of(each, row)
        except Unknown:
            continue
        if value is not None:
            yield value


def _suiting(side: exp.Expr, column: str, values: Iterator[Any], like: Value) -> Iterator[Value]:
    """What the column would be for its side of a comparison to come near such a value."""
    inner = side
    while isinstance(inner, exp.Paren | exp.Cast | exp.Any):
        inner = inner.this
    for value in values:
        if isinstance(inner, exp.Length) and isinstance(like, str) and isinstance(value, Decimal):
            for length in (int(value), int(value) + 1, int(value) - 1):
                if 0 <= length <= MAX_LENGTH:
                    yield like[:length].ljust(length, "x")
        elif isinstance(inner, exp.Lower | exp.Upper) and isinstance(like, Span):
            end = "start" if isinstance(inner, exp.Lower) else "end"
            for near in _near(value, getattr(like, end)):
                start, stop = (near, like.end) if end == "start" else (like.start, near)
                if start is None or stop is None or start <= stop:
                    yield Span(start, stop)
        else:
            yield from _near(value, like)


def _near(value: Any, like: Any) -> Iterator[Any]:
    """The value as one of the column's kind, and its neighbours."""
    if isinstance(value, timedelta) and not isinstance(like, timedelta):
        yield from _apart(value, like, _MINUTE)
        return
    if isinstance(value, Decimal) and isinstance(like, date | Span) and abs(value) < MAX_DAYS:
        yield from _apart(timedelta(int(value)), like, _DAY)
        return
    try:
        value = coerced(value, like)
    except (ValueError, ArithmeticError, Unknown):
        return
    if isinstance(like, bool) and isinstance(value, bool):
        yield from (value, not value)
    elif _kind(value) is _kind(like):
        step = _STEPS.get(_kind(value))
        yield value
        yield from () if step is None else (value + step, value - step)


def _apart(length: timedelta, like: Any, step: timedelta) -> Iterator[Any]:
    """Moments and periods that are so far apart, or so long, or a `step` more or less."""
    for each in (length, length + step, length - step):
        if isinstance(like, Span) and like.start is not None:
            yield Span(like.start, like.start + max(each, timedelta(0)))
        elif isinstance(like, datetime | date):
            yield from (like + each, like - each)


def _kind(value: Any) -> type:
    return Decimal if isinstance(value, int) else type(value)


_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(1)
_STEPS: Final[Mapping[type, Any]] = {
    Decimal: Decimal(1),
    datetime: timedelta(hours=1),
    date: _DAY,
    timedelta: _MINUTE,
}
