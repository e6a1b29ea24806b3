"""Constants and casts of PostgreSQL expressions: what the server adds is taken away.

It resolves an expression and prints it back (ruleutils.c) with a cast on each constant, and on
each operand whose type it had to change. A cast goes where the types tell that it adds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from postgast import pg_query_pb2 as pg

from ..model import Type
from .canonical_types import (
    MOMENTS,
    Types,
    is_constant,
    negated,
)
from .canonical_values import INTEGERS, NUMBERS, TEXTS, kind_of, value
from .nodes import data_type


class Casts(Types):
    """Writes constants, operands and arguments."""

    def write(self, node: pg.Node) -> str:
        """The normal form of an expression that stands for itself."""
        raise NotImplementedError

    def write_array(self, node: pg.A_ArrayExpr, expected: Type | None) -> str:
        """ARRAY[…] in a place of arrays of a type."""
        raise NotImplementedError

    def literal(self, node: pg.Node, type: Type | None, loose: bool = False) -> str:
        """A constant in a place that expects `type`; empty for anything else.

        Its own cast is dropped: the place makes the same of it. `loose` drops it, too, where the
        type is not known.
        """
        cast: Type | None = None
        inner = node
        while inner.HasField("type_cast"):
            name = inner.type_cast.type_name
            if name.setof or (name.typmods and not is_constant(inner.type_cast.arg)):
                return ""
            cast = cast or data_type(name)
            if name.typmods:
                return ""
            inner = inner.type_cast.arg
        if behind := negated(inner):
            inner, sign = behind, "-"
        else:
            sign = ""
        if not is_constant(inner):
            return ""
        return value(inner.a_const, sign, cast or type)

    def operand(self, node: pg.Node, other: pg.Node | None, operator: str = "=") -> str:
        """One side of an operator, without what the server casts because of the other side."""
        expected = self.type_of(other) if other is not None else None
        if operator == "+" and expected is not None and kind_of(expected) in MOMENTS:
            expected = Type("interval")
        if other is None or not self.literal(other, None):
            if text := self.literal(node, expected):
                return text
        elif text := self._constant_of_two(node):
            return text
        if node.HasField("a_array_expr"):
            return self.write_array(node.a_array_expr, expected)
        inner = self.without_implicit(node, expected, other, operator)
        return self.write(inner)

    def _constant_of_two(self, node: pg.Node) -> str:
        """A constant beside another one keeps its cast, unless that is text."""
        if node.HasField("type_cast"):
            kind = data_type(node.type_cast.type_name)
            if kind.name not in TEXTS and kind.name not in NUMBERS:
                return ""
        return self.literal(node, None)

    def arguments(self, nodes: Sequence[pg.Node]) -> list[str]:
        """Arguments of a function, without the casts that are there for most functions."""
        return [self.argument(node, nodes) for node in nodes]

    def argument(self, node: pg.Node, among: Sequence[pg.Node] = ()) -> str:
        """One of the arguments; `among` has all of them."""
        if node.HasField("type_cast") and not node.type_cast.type_name.typmods:
            kind = data_type(node.type_cast.type_name)
            plain = kind.name in (*TEXTS, *NUMBERS, '"char"') or kind.name.startswith("reg")
            text = self.literal(node, None)
            if text and ((plain and not kind.array) or (text == "null" and len(among) > 1)):
                return text
        elif text := self.literal(node, None):
            return text
        others = [other for other in among if other is not node and not self.loose(other)]
        return self.write(self._passed(node, others, len(among)))

    def _passed(self, node: pg.Node, others: Sequence[pg.Node], count: int) -> pg.Node:
        """An argument below the casts that the server adds when it finds the function."""
        while node.HasField("type_cast") and not node.type_cast.type_name.typmods:
            arg = node.type_cast.arg
            target, source = data_type(node.type_cast.type_name), self.type_of(arg)
            if is_constant(arg):
                break
            if not self._adds_nothing(target, source, arg, None, ""):
                one, two = kind_of(source) if source else "", kind_of(target)
                widened = (
                    one in INTEGERS
                    and count
                    and (two in INTEGERS or two == "double" or (two == "numeric" and count > 1))
                )
                widened = widened or (one == "real" and two == "double" and bool(count))
                beside = [kind for other in others if (kind := self.type_of(other))]
                moment = one in MOMENTS and any(kind_of(kind) == two for kind in beside)
                padded = one == "character" and two == "text"
                if not source or source.array or not (widened or moment or padded):
                    break
            node = arg
        return node

    def alternatives(self, nodes: Sequence[pg.Node]) -> list[str]:
        """Expressions that share one type: those of COALESCE, CASE, ARRAY, …"""
        kinds = [self.type_of(node) for node in nodes]
        several = [kind for kind, node in zip(kinds, nodes, strict=True) if not self.loose(node)]
        expected = next((kind for kind in several if kind), None)
        texts = []
        for node in nodes:
            text = self.literal(node, expected) if several else self._constant_of_two(node)
            if not text:
                others = [other for other in nodes if other is not node]
                text = self.write(
                    self.without_implicit(node, expected, others[0] if others else None, "=")
                )
            texts.append(text)
        return texts

    def loose(self, node: pg.Node) -> bool:
        """Whether it is a constant whose cast may go."""
        return bool(self.literal(node, None))

    def without_implicit(
        self, node: pg.Node, expected: Type | None, other: pg.Node | None, operator: str
    ) -> pg.Node:
        """The operand below casts that the server would add by itself."""
        while node.HasField("type_cast"):
            cast = node.type_cast
            if cast.type_name.typmods or is_constant(cast.arg):
                break
            target, source = data_type(cast.type_name), self.type_of(cast.arg)
            if not self._adds_nothing(target, source, cast.arg, other, operator):
                break
            node = cast.arg
        return node

    def _adds_nothing(
        self,
        target: Type,
        source: Type | None,
        arg: pg.Node,
        other: pg.Node | None,
        operator: str,
    ) -> bool:
        if source is None:
            if arg.HasField("a_array_expr"):
                elements = arg.a_array_expr.elements
                return bool(elements) and all(self.loose(element) for element in elements)
            return False
        if target.array != source.array:
            return False
        if target.name == source.name:
            return True
        one, two = kind_of(source), kind_of(target)
        if (one, two) in (("varchar", "text"), ("text", "varchar")):
            return True
        if not operator:
            return False
        beside = self.type_of(other) if other is not None else None
        if one in INTEGERS and two in (*INTEGERS, "numeric"):
            # `operation` tells which division it is.
            return two == "numeric" or INTEGERS[one] < INTEGERS[two]
        if {one, two} == {"bit", "bit varying"}:
            return beside is not None and kind_of(beside) == two
        if one in MOMENTS and two in MOMENTS and MOMENTS.index(one) < MOMENTS.index(two):
            return beside is not None and kind_of(beside) == two
        if one == "character" and two == "text":
            return operator == "||" or (beside is not None and not self._loose_or_none(other))
        if two == "double" and one in (*INTEGERS, "numeric", "real"):
            return beside is not None  # `operation` tells when it is one of doubles
        return False

    def _loose_or_none(self, node: pg.Node | None) -> bool:
        return node is None or self.loose(node)
