"""The normal form of PostgreSQL expressions: as written and as the server prints them.

The server prints `= ANY (ARRAY[…])` for IN, functions for special syntax, comparisons for BETWEEN,
and so on (ruleutils.c, parse_expr.c); here both become one text. `canonical_casts` has what
concerns types.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pg

from ..model import Type
from .canonical_casts import Casts
from .canonical_types import (
    DATE,
    INTERVAL,
    MOMENT,
    TEXT,
    is_constant,
    negated,
    operator_name,
    words,
)
from .canonical_values import INTEGERS, TEXTS, identifier, interval, kind_of, moment, quoted, value
from .nodes import data_type

_PSEUDO: Final = frozenset({"old", "new", "excluded"})
_SKIPPED: Final = words("location funcformat rexpr_list_start rexpr_list_end row_format xpr")
_AGGREGATES: Final = words("sum avg min max array_agg json_agg jsonb_agg stddev")
_FIXED: Final = words(  # literals among their arguments can have one type only
    "int4range int8range numrange daterange tsrange tstzrange generate_series lag lead date_trunc"
    " date_bin age date_part nextval setval to_tsvector to_tsquery to_char"
)
_OF_MOMENTS: Final = words("age date_trunc date_bin to_char generate_series")  # not of dates


class Canon(Casts):
    """Writes normal forms."""

    def top(self, node: pg.Node, type: Type | None) -> str:
        """A whole expression, of a column of `type` when it is a default."""
        return self.literal(node, type) or self.write(self.bare(node))

    def bare(self, node: pg.Node) -> pg.Node:
        """A constant without the cast that its column makes anyway."""
        inner = node
        while inner.HasField("type_cast") and not inner.type_cast.type_name.typmods:
            inner = inner.type_cast.arg
        return inner if is_constant(inner) and inner.a_const.isnull else node

    def bound(self, node: pg.PartitionBoundSpec) -> str:
        """FOR VALUES of a partition, or DEFAULT."""
        if node.is_default:
            return "default"
        datums = [
            "(" + ", ".join(map(self._datum, part)) + ")"
            for part in (node.listdatums, node.lowerdatums, node.upperdatums)
        ]
        return f"{node.strategy} {node.modulus}/{node.remainder} {' '.join(datums)}"

    def _datum(self, node: pg.Node) -> str:
        text = self.literal(node, None, loose=True) or self.write(node)
        return text.lower() if text in ('"minvalue"', '"maxvalue"') else moment(text.strip("'"))

    def column(self, node: pg.ColumnRef) -> str:
        """A column of the table by its name; of OLD and NEW with them."""
        fields = [f.string.sval if f.HasField("string") else "*" for f in node.fields]
        if len(fields) > 1 and fields[-2] in _PSEUDO:
            return f"{fields[-2]}.{identifier(fields[-1])}"
        return "*" if fields[-1] == "*" else identifier(fields[-1])

    def select(self, node: pg.SelectStmt, names: bool = True) -> str:
        """A query; `names`: its columns' names matter."""
        raise NotImplementedError

    def write(self, node: pg.Node) -> str:
        """The normal form of an expression that stands for itself."""
        kind = node.WhichOneof("node")
        if kind is None:
            return "null"
        method = getattr(self, f"_{kind}", None)
        return str((method or self.generic)(getattr(node, kind)))

    def generic(self, message: Message) -> str:
        """A node of a kind without rules of its own: all its fields."""
        if isinstance(message, pg.Node):
            return self.write(message)
        if isinstance(message, pg.TypeName):
            return _type(message)
        if isinstance(message, pg.SelectStmt):
            return self.select(message)
        parts = [type(message).__name__]
        for field, content in message.ListFields():
            if field.name in _SKIPPED:
                continue
            many = list(content) if field.is_repeated else [content]
            texts = [self.generic(c) if isinstance(c, Message) else str(c) for c in many]
            parts.append(f"{field.name}={'; '.join(texts)}")
        return "{" + " ".join(parts) + "}"

    def many(self, nodes: Iterable[pg.Node]) -> str:
        """Expressions in a list."""
        return ", ".join(map(self.write, nodes))

    def _column_ref(self, node: pg.ColumnRef) -> str:
        return self.column(node)

    def _string(self, node: pg.String) -> str:
        return quoted(node.sval)

    def _a_const(self, node: pg.A_Const) -> str:
        return value(node, "", None)

    def _list(self, node: pg.List) -> str:
        return f"({self.many(node.items)})"

    def _type_cast(self, node: pg.TypeCast) -> str:
        target = data_type(node.type_name)
        string = is_constant(node.arg) and node.arg.a_const.HasField("sval")
        if string and target == TEXT:
            return value(node.arg.a_const, "", target)
        if not node.type_name.typmods and not is_constant(node.arg):
            source = self.type_of(node.arg)
            same = source and (source.name, source.array) == (target.name, target.array)
            if source and same and (target.schema or not source.args):
                return self.write(node.arg)
        if string and target.name.startswith("interval "):
            written = interval(node.arg.a_const.sval.sval, target.name.rpartition(" ")[2])
            return f"{quoted(written)}::{target}"
        if is_constant(node.arg) or negated(node.arg):
            text = self.literal(node.arg, target)
            own = _OWN_TYPES.get(str(target))  # those that a constant has without a cast
            return text if own and own.fullmatch(text) else f"{text}::{_type(node.type_name)}"
        if node.arg.HasField("a_array_expr"):
            elements = node.arg.a_array_expr.elements
            if elements and all(map(self.loose, elements)):
                inner = Type(target.name, schema=target.schema)
                text = self.write_array(node.arg.a_array_expr, inner)
                return text if target.name in TEXTS else f"{text}::{_type(node.type_name)}"
        return f"{self.write(node.arg)}::{_type(node.type_name)}"

    def _a_indirection(self, node: pg.A_Indirection) -> str:
        text = self.write(node.arg)
        for step in node.indirection:
            if step.HasField("a_indices"):
                ends = [
                    self.argument(end) if end.WhichOneof("node") else ""
                    for end in (step.a_indices.lidx, step.a_indices.uidx)
                ]
                text += f"[{ends[0]}:{ends[1]}]" if step.a_indices.is_slice else f"[{ends[1]}]"
            else:
                text += f".{step.string.sval or '*'}"
        return text

    def _collate_clause(self, node: pg.CollateClause) -> str:
        return f'({self.write(node.arg)} collate "{node.collname[-1].string.sval}")'

    def _bool_expr(self, node: pg.BoolExpr) -> str:
        if node.boolop == pg.NOT_EXPR:
            return f"not({self.write(node.args[0])})"
        word = "and" if node.boolop == pg.AND_EXPR else "or"
        return self._joined(word, map(self.write, node.args))

    def _joined(self, word: str, parts: Iterable[str]) -> str:
        """AND and OR of any nesting as one list."""
        flat: list[str] = []
        for part in parts:
            inner = part.startswith(f"{word}[") and part.endswith("]")
            flat.append(part[len(word) + 1 : -1] if inner else part)
        return f"{word}[{' & '.join(flat)}]" if len(flat) > 1 else flat[0]

    def _null_test(self, node: pg.NullTest) -> str:
        word = "is null" if node.nulltesttype == pg.IS_NULL else "is not null"
        return f"({self._tested(node.arg)} {word})"

    def _boolean_test(self, node: pg.BooleanTest) -> str:
        return f"({self.write(node.arg)} {pg.BoolTestType.Name(node.booltesttype).lower()})"

    def _tested(self, node: pg.Node) -> str:
        return self.write(self.without_implicit(node, None, None, ""))

    def _a_expr(self, node: pg.A_Expr) -> str:
        operator = operator_name(node.name)
        kind = node.kind
        if kind == pg.AEXPR_IN:
            return self._in(node, operator)
        if kind in _BETWEEN:
            return self._between(node, kind)
        if kind in (pg.AEXPR_OP_ANY, pg.AEXPR_OP_ALL):
            word = "any" if kind == pg.AEXPR_OP_ANY else "all"
            return self._any(node.lexpr, operator, word, node.rexpr)
        if kind in (pg.AEXPR_DISTINCT, pg.AEXPR_NOT_DISTINCT):
            return self._distinct(node)
        if kind == pg.AEXPR_NULLIF:
            one, two = self.alternatives([node.lexpr, node.rexpr])
            return f"nullif({one}, {two})"
        return self.operation(node.lexpr, operator, node.rexpr)

    def operation(self, left: pg.Node, operator: str, right: pg.Node) -> str:
        """A binary or prefix operator."""
        if not left.WhichOneof("node"):
            if operator == "-" and is_constant(right):
                return value(right.a_const, "-", None)
            return f"({operator} {self.operand(right, None, operator)})"
        if left.HasField("row_expr") and right.HasField("row_expr"):
            pairs = list(zip(left.row_expr.args, right.row_expr.args, strict=False))
            if operator in ("=", "<>") and len(pairs) == len(left.row_expr.args):
                word = "and" if operator == "=" else "or"
                return self._joined(word, (self.operation(a, operator, b) for a, b in pairs))
        one, two = self.operand(left, right, operator), self.operand(right, left, operator)
        return f"({one} {operator}{self._promoted(left, operator, right)} {two})"

    def _promoted(self, left: pg.Node, operator: str, right: pg.Node) -> str:
        """The kind of numbers that an operation has only because of casts.

        Of integers made numeric it matters for a division alone.
        """
        cast = [kind_of(t) if (t := self.type_of(side)) else "" for side in (left, right)]
        bare = [
            kind_of(t) if (t := self.type_of(self._uncast(side))) else "" for side in (left, right)
        ]
        if any(kind not in _NUMBERS for kind in bare):
            return ""
        natural = max(bare, key=_NUMBERS.index)
        if natural == "real" and {*bare} != {"real"}:
            natural = "double"
        if operator == "^" and natural in INTEGERS:
            return " numeric" if "numeric" in cast and "double" not in cast else ""
        if "double" in cast and natural != "double":
            return " double"
        divides = operator in ("/", "%") and natural in INTEGERS
        return " numeric" if divides and "numeric" in cast else ""

    @staticmethod
    def _uncast(node: pg.Node) -> pg.Node:
        while node.HasField("type_cast"):
            node = node.type_cast.arg
        return node

    def _in(self, node: pg.A_Expr, operator: str) -> str:
        items = list(node.rexpr.list.items)
        constant = [item for item in items if not _has_column(item)]
        rest = [item for item in items if _has_column(item)]
        word, joint = ("any", "or") if operator == "=" else ("all", "and")
        parts = []
        if len(constant) > 1 and not node.lexpr.HasField("row_expr"):
            elements = ", ".join(self.operand(item, node.lexpr) for item in constant)
            parts.append(f"({self._left(node.lexpr, constant)} {operator} {word}[{elements}])")
        else:
            rest = items
        parts += [self.operation(node.lexpr, operator, item) for item in rest]
        return self._joined(joint, parts)

    def _any(self, left: pg.Node, operator: str, word: str, array: pg.Node) -> str:
        inner = array
        while inner.HasField("type_cast") and inner.type_cast.arg.HasField("a_array_expr"):
            inner = inner.type_cast.arg
        if inner.HasField("a_array_expr"):
            items = list(inner.a_array_expr.elements)
            if all(map(self.loose, items)) or inner is array:
                elements = ", ".join(self.operand(item, left) for item in items)
                return f"({self._left(left, items)} {operator} {word}[{elements}])"
        if text := self.literal(array, None):
            return f"({self._left(left, [])} {operator} {word} {text})"
        return f"({self._left(left, [])} {operator} {word} {self.operand(array, None)})"

    def _left(self, node: pg.Node, items: Sequence[pg.Node]) -> str:
        return self.operand(node, items[0] if items else None)

    def _between(self, node: pg.A_Expr, kind: int) -> str:
        low, high = node.rexpr.list.items
        outside = kind in (pg.AEXPR_NOT_BETWEEN, pg.AEXPR_NOT_BETWEEN_SYM)
        below, above, word = ("<", ">", "or") if outside else (">=", "<=", "and")

        def ends(one: pg.Node, two: pg.Node) -> str:
            pair = (self.operation(node.lexpr, below, one), self.operation(node.lexpr, above, two))
            return self._joined(word, pair)

        if kind in (pg.AEXPR_BETWEEN, pg.AEXPR_NOT_BETWEEN):
            return ends(low, high)
        return self._joined("and" if outside else "or", (ends(low, high), ends(high, low)))

    def _distinct(self, node: pg.A_Expr) -> str:
        same = node.kind == pg.AEXPR_NOT_DISTINCT
        for one, two in ((node.lexpr, node.rexpr), (node.rexpr, node.lexpr)):
            if is_constant(two) and two.a_const.isnull:
                return f"({self._tested(one)} {'is null' if same else 'is not null'})"
        text = self._are_distinct(node.lexpr, node.rexpr)
        return f"not({text})" if same else text

    def _are_distinct(self, left: pg.Node, right: pg.Node) -> str:
        if left.HasField("row_expr") and right.HasField("row_expr"):
            pairs = zip(left.row_expr.args, right.row_expr.args, strict=False)
            return self._joined("or", (self._are_distinct(one, two) for one, two in pairs))
        one, two = self.operand(left, right), self.operand(right, left)
        return f"({one} is distinct from {two})"

    def _a_array_expr(self, node: pg.A_ArrayExpr) -> str:
        return self.write_array(node, None)

    def write_array(self, node: pg.A_ArrayExpr, expected: Type | None) -> str:
        """ARRAY[…] in a place of arrays of a type."""
        if expected is not None:
            single = Type(expected.name, schema=expected.schema)
            texts = [self.literal(e, single) or self.write(e) for e in node.elements]
        else:
            texts = self.alternatives(list(node.elements))
        return f"array[{', '.join(texts)}]"

    def _row_expr(self, node: pg.RowExpr) -> str:
        return f"row({', '.join(map(self.argument, node.args))})"

    def _coalesce_expr(self, node: pg.CoalesceExpr) -> str:
        return f"coalesce({', '.join(self.alternatives(list(node.args)))})"

    def _min_max_expr(self, node: pg.MinMaxExpr) -> str:
        word = "greatest" if node.op == pg.IS_GREATEST else "least"
        return f"{word}({', '.join(self.alternatives(list(node.args)))})"

    def _case_expr(self, node: pg.CaseExpr) -> str:
        whens = [when.case_when for when in node.args]
        results = [when.result for when in whens]
        otherwise = self.bare(node.defresult)
        if otherwise.WhichOneof("node") and not (
            is_constant(otherwise) and otherwise.a_const.isnull
        ):
            results.append(otherwise)
        texts = self.alternatives(results)
        words = ["case"]
        tested = node.arg if node.arg.WhichOneof("node") else None
        if tested is not None:
            words.append(self.operand(tested, whens[0].expr))
        for when, text in zip(whens, texts, strict=False):
            condition = self.operand(when.expr, tested) if tested else self.write(when.expr)
            words.append(f"when {condition} then {text}")
        words.append(f"else {texts[len(whens)] if len(texts) > len(whens) else 'null'}")
        return f"{' '.join(words)} end"

    def _func_call(self, node: pg.FuncCall) -> str:
        names = [part.string.sval for part in node.funcname]
        if len(names) > 1 and names[0] in ("pg_catalog", "public"):
            names = names[1:]
        name = ".".join(names)
        if name == "extract" and node.args and is_constant(node.args[0]):
            unit = quoted(node.args[0].a_const.sval.sval.lower())
            arguments = [unit, *map(self.argument, node.args[1:])]
        elif name in _AGGREGATES:
            arguments = [self.argument(argument) for argument in node.args]
        elif name in _FIXED or name.startswith("jsonb_path_"):
            step = INTERVAL if name == "generate_series" else None
            bare = [self.without_moment(a) if name in _OF_MOMENTS else a for a in node.args]
            arguments = [self.literal(a, step) or self.argument(a, bare) for a in bare]
        else:
            arguments = self.arguments(node.args)
        if node.func_variadic and node.args[-1].HasField("a_array_expr"):
            arguments[-1:] = self.arguments(node.args[-1].a_array_expr.elements)
        elif node.func_variadic and arguments:
            arguments[-1] = f"variadic {arguments[-1]}"
        text = f"{name}({'distinct ' * node.agg_distinct}{', '.join(arguments)}"
        text += ("*" if node.agg_star else "") + ")"
        if node.agg_order:
            word = "within group" if node.agg_within_group else "order"
            keys = []
            for item in node.agg_order:
                key = item.sort_by.node
                if node.agg_within_group and key.HasField("type_cast"):
                    double = data_type(key.type_cast.type_name).name == "double precision"
                    key = key.type_cast.arg if double else key
                keys.append(self.sorted_by(self.argument(key), item.sort_by))
            text += f" {word} ({', '.join(keys)})"
        if node.HasField("agg_filter"):
            text += f" filter ({self.write(node.agg_filter)})"
        return text + (f" over {self.window(node.over)}" if node.HasField("over") else "")

    def without_moment(self, node: pg.Node) -> pg.Node:
        """A date below the cast that a function of moments makes of it."""
        cast = node.type_cast
        if not node.HasField("type_cast") or data_type(cast.type_name) != MOMENT:
            return node
        return cast.arg if self.type_of(cast.arg) == DATE else node

    def _named_arg_expr(self, node: pg.NamedArgExpr) -> str:
        return f"{node.name} => {self.argument(node.arg)}"

    def sort(self, node: pg.Node) -> str:
        """A key of ORDER BY, with its direction and where nulls go."""
        by = node.sort_by
        return self.sorted_by(self.write(by.node), by)

    def sorted_by(self, text: str, by: pg.SortBy) -> str:
        """A key of ORDER BY whose expression is written already."""
        if by.sortby_dir == pg.SORTBY_USING:
            operator = operator_name(by.use_op)
            if operator not in ("<", ">"):
                return f"{text} using {operator}"
            descending = operator == ">"
        else:
            descending = by.sortby_dir == pg.SORTBY_DESC
        nulls_first = descending
        if by.sortby_nulls != pg.SORTBY_NULLS_DEFAULT:
            nulls_first = by.sortby_nulls == pg.SORTBY_NULLS_FIRST
        return text + " desc" * descending + " nulls first" * nulls_first

    def window(self, node: pg.WindowDef) -> str:
        """A window, by name or with its definition."""
        if node.name and not node.refname and not node.partition_clause and not node.order_clause:
            return str(node.name)
        frame = [str(node.frame_options)]
        ends = [end for end in (node.start_offset, node.end_offset) if end.WhichOneof("node")]
        frame += [self.literal(end, INTERVAL) or self.write(end) for end in ends]
        order = ", ".join(map(self.sort, node.order_clause))
        return f"({node.refname} by {self.many(node.partition_clause)} order {order} {frame})"

    def _sub_link(self, node: pg.SubLink) -> str:
        kind = pg.SubLinkType.Name(node.sub_link_type).removesuffix("_SUBLINK").lower()
        query = self.select(node.subselect.select_stmt, names=False)
        if not node.HasField("testexpr"):
            return f"{kind} {query}"
        return (
            f"({self._tested(node.testexpr)} {operator_name(node.oper_name) or '='} {kind} {query})"
        )

    def _sqlvalue_function(self, node: pg.SQLValueFunction) -> str:
        name = pg.SQLValueFunctionOp.Name(node.op).removeprefix("SVFOP_").lower()
        name = {"user": "current_user"}.get(name, name)
        return f"{name}({node.typmod})" if name.endswith("_n") else name


_NUMBERS: Final = (*INTEGERS, "numeric", "real", "double")
_OWN_TYPES: Final = {
    "boolean": re.compile("true|false"),
    "integer": re.compile(r"-?\d+"),
    "numeric": re.compile(r"-?\d+\.\d+"),
}
_BETWEEN: Final = frozenset(
    {
        pg.AEXPR_BETWEEN,
        pg.AEXPR_NOT_BETWEEN,
        pg.AEXPR_BETWEEN_SYM,
        pg.AEXPR_NOT_BETWEEN_SYM,
    }
)


def _type(node: pg.TypeName) -> str:
    found = data_type(node)
    schema = "" if found.schema == "public" else found.schema
    return str(Type(found.name, found.args, schema, found.array))


def _has_column(node: pg.Node) -> bool:
    todo: list[Any] = [node]
    while todo:
        message = todo.pop()
        if isinstance(message, pg.ColumnRef):
            return True
        if isinstance(message, pg.SelectStmt):
            continue
        for field, content in message.ListFields():
            if field.type == field.TYPE_MESSAGE:
                todo.extend(content if field.is_repeated else [content])
    return False
