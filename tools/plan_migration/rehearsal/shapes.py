"""What checks demand of one column's values, as far as it can be read, and values that keep it.

Read are conditions that hold for every row: a pattern (`~`, `~*`, LIKE), a length, a range, a list
of values. What is not read is left to the server, which refuses a row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Final

import postgast
from google.protobuf.message import DecodeError
from postgast import pg_query_pb2 as pg

from ... import matching
from ...ddl.postgres import tree

MAX_SIZE: Final = 5_000  # characters of a check that is read
MAX_TEXT: Final = 1_000  # characters of a text that is compared with a pattern
LARGEST: Final = 10_000  # characters of a text that is made
_LENGTHS: Final = frozenset({"length", "char_length", "character_length"})
_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}


@dataclass(frozen=True, slots=True)
class Shape:
    """Values of a column: patterns they match, length in characters, range, the only values."""

    patterns: tuple[tuple[str, bool], ...] = ()  # and whether case is ignored
    shortest: int = 0
    longest: int | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    only: frozenset[str] | None = None

    def accepts(self, value: str) -> bool:
        """Whether nothing that was read forbids the value."""
        if self.only is not None and value not in self.only:
            return False
        if (
            not self.shortest
            <= len(value)
            <= (len(value) if self.longest is None else self.longest)
        ):
            return False
        return self._in_range(value) and all(_found(*each, value) for each in self.patterns)

    def _in_range(self, value: str) -> bool:
        if self.low is None and self.high is None:
            return True
        try:
            number = Decimal(value)
        except InvalidOperation:
            return True
        if number.is_nan():  # it cannot be compared
            return False
        above = self.low is None or number >= self.low
        return above and (self.high is None or number <= self.high)

    def text(self, number: int) -> str | None:
        """A text that is accepted, another for each number if there is one."""
        if self.only is not None:
            return sorted(self.only)[number % len(self.only)] if self.only else None
        longest = LARGEST if self.longest is None else self.longest
        if self.patterns:
            made = matching.example(self.patterns[0][0], number, self.shortest, longest)
        else:
            made = str(number).rjust(min(self.shortest, LARGEST), "0")
        return made if made is not None and self.accepts(made) else None

    def texts(self) -> Iterator[str]:
        """Some texts that are accepted, a plain one first, the longest second."""
        longest = "ÿ" * min(self.longest or 0, LARGEST)
        made = [self.text(0), longest, *map(self.text, range(1, 4))]
        yield from (text for text in made if text and self.accepts(text))


def shape_of(column: str, checks: Iterable[str]) -> Shape | None:
    """What the checks demand of a column; None where nothing of it can be read."""
    found = Shape()
    for check in checks:
        for condition in _conditions(check):
            found = _with(found, column, condition)
    return None if found == Shape() else found


def _conditions(check: str) -> Iterator[pg.Node]:
    """The parts of a check that must all be true, or null."""
    if len(check) > MAX_SIZE or "\0" in check:
        return
    try:
        todo = [tree.expression_of(tree.parse_expression(check))]
    except (postgast.PgQueryError, DecodeError, ValueError, IndexError, tree.TooComplex):
        return
    while todo:
        node = todo.pop(0)
        if node.HasField("bool_expr"):
            arms = [arm for arm in node.bool_expr.args if not arm.HasField("null_test")]
            kind = node.bool_expr.boolop
            if kind == pg.AND_EXPR or (kind == pg.OR_EXPR and len(arms) == 1):
                todo += arms
        else:
            yield node


def _with(shape: Shape, column: str, node: pg.Node) -> Shape:
    if not node.HasField("a_expr"):
        return shape
    condition = node.a_expr
    operator = condition.name[-1].string.sval if condition.name else ""
    left, right = _bare(condition.lexpr), _bare(condition.rexpr)
    if condition.kind == pg.AEXPR_BETWEEN and right.HasField("list"):
        low, high = right.list.items
        return _bound(_bound(shape, column, left, ">=", low), column, left, "<=", high)
    if condition.kind in (pg.AEXPR_IN, pg.AEXPR_OP_ANY) and operator == "=":
        return _listed(shape, right) if _is(left, column) else shape
    if operator in ("~", "~*", "~~"):
        text = _constant(right)
        if text is None or not _is(left, column):
            return shape
        pattern = _of_like(text) if operator == "~~" else text
        return replace(shape, patterns=(*shape.patterns, (pattern, operator == "~*")))
    if condition.kind != pg.AEXPR_OP or operator not in _MIRRORED:
        return shape
    if _constant(left) is not None:
        return _bound(shape, column, right, _MIRRORED[operator], left)
    return _bound(shape, column, left, operator, right)


def _bound(shape: Shape, column: str, side: pg.Node, operator: str, limit: pg.Node) -> Shape:
    """With `column <= limit`, or its length."""
    text = _constant(limit)
    try:
        number = Decimal(text or "")
    except InvalidOperation:
        only = frozenset({text or ""}) if text is not None and operator == "=" else None
        return _narrowed(shape, only) if only and _is(side, column) else shape
    if not number.is_finite():
        return shape
    if _is(side, column):
        if operator in (">", ">=", "="):
            shape = replace(shape, low=number if shape.low is None else max(shape.low, number))
        if operator in ("<", "<=", "="):
            shape = replace(shape, high=number if shape.high is None else min(shape.high, number))
        return shape
    call = side.func_call
    if not side.HasField("func_call") or call.funcname[-1].string.sval not in _LENGTHS:
        return shape
    if len(call.args) != 1 or not _is(_bare(call.args[0]), column) or abs(number) > 10**9:
        return shape
    length = int(number)
    if operator in (">", ">=", "="):
        shape = replace(shape, shortest=max(shape.shortest, length + (operator == ">")))
    if operator in ("<", "<=", "="):
        longest = length - (operator == "<")
        longest = longest if shape.longest is None else min(shape.longest, longest)
        shape = replace(shape, longest=longest)
    return shape


def _listed(shape: Shape, items: pg.Node) -> Shape:
    """With `column IN (items)`, which is printed as `= ANY (ARRAY[items])`."""
    nodes = items.list.items if items.HasField("list") else items.a_array_expr.elements
    values = [_constant(_bare(node)) for node in nodes]
    known = [value for value in values if value is not None]
    return _narrowed(shape, frozenset(known)) if values and len(known) == len(values) else shape


def _narrowed(shape: Shape, only: frozenset[str]) -> Shape:
    return replace(shape, only=only if shape.only is None else shape.only & only)


def _found(pattern: str, fold: bool, value: str) -> bool:
    try:
        return len(value) <= MAX_TEXT and matching.matches(pattern, value, fold)
    except matching.NotUnderstood:
        return True


def _of_like(pattern: str) -> str:
    """The regular expression of a LIKE pattern with the usual escape."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    return f"^{''.join(wild.get(part) or _plain(part[-1]) for part in parts)}$"


def _plain(char: str) -> str:
    return char if char.isalnum() or char.isspace() or char in "_-@,;:'\"/" else f"\\{char}"


def _bare(node: pg.Node) -> pg.Node:
    """The expression without its casts."""
    while node.HasField("type_cast"):
        node = node.type_cast.arg
    return node


def _is(node: pg.Node, column: str) -> bool:
    bare = _bare(node)
    return bare.HasField("column_ref") and bool(bare.column_ref.fields[-1].string.sval == column)


def _constant(node: pg.Node) -> str | None:
    """A constant as text."""
    bare = _bare(node)
    sign = ""
    if bare.HasField("a_expr") and not bare.a_expr.lexpr.WhichOneof("node"):
        if bare.a_expr.name[-1].string.sval != "-":
            return None
        sign, bare = "-", _bare(bare.a_expr.rexpr)
    constant = bare.a_const
    kind = constant.WhichOneof("val") if bare.HasField("a_const") else None
    if kind == "ival":
        return f"{sign}{constant.ival.ival}"
    if kind == "fval":
        return f"{sign}{constant.fval.fval}"
    return str(constant.sval.sval) if kind == "sval" and not sign else None
