"""What an expression of a statement says: whether it varies, which column it proves not null."""

from __future__ import annotations

from collections.abc import Iterator

from postgast import pg_query_pb2 as pg

from ..ddl.model import Sql
from ..ddl.postgres import tree
from ..ddl.postgres.nodes import strings
from ..engines.volatility import ORDER, built_in
from .live import Live


def volatility(node: pg.Node, live: Live) -> str:
    """constant, immutable, stable, volatile, or `unknown` for a function that is not at hand."""
    worst = -1
    for message in tree.walk(node):
        if isinstance(message, pg.FuncCall):
            known = _of_function(strings(message.funcname), live)
            if known is None:
                return "unknown"
            worst = max(worst, ORDER.index(known))
        elif isinstance(message, pg.SQLValueFunction):
            worst = max(worst, ORDER.index("stable"))
        elif isinstance(message, pg.NextValueExpr):
            worst = max(worst, ORDER.index("volatile"))
    return ORDER[worst] if worst >= 0 else "constant"


def _of_function(names: list[str], live: Live) -> str | None:
    own = [f.volatility for f in live.state.functions.values() if f.name.name == names[-1]]
    if own and names[0] != "pg_catalog":
        return max(own, key=ORDER.index)
    return built_in().get(names[-1])


def functions(node: pg.Node) -> list[str]:
    """The functions that an expression calls."""
    return [strings(m.funcname)[-1] for m in tree.walk(node) if isinstance(m, pg.FuncCall)]


def columns_not_null(sql: Sql) -> frozenset[str]:
    """The columns that a check proves not to be null: `c IS NOT NULL`, alone or joined by AND."""
    try:
        expression = tree.expression_of(tree.parse_expression(sql))
    except (tree.Unsupported, ValueError):
        return frozenset()
    return frozenset(_proved(expression))


def _proved(node: pg.Node) -> Iterator[str]:
    todo = [node]
    while todo:
        part = todo.pop()
        kind = part.WhichOneof("node")
        if kind == "bool_expr" and part.bool_expr.boolop == pg.AND_EXPR:
            todo.extend(part.bool_expr.args)
        elif kind == "null_test" and part.null_test.nulltesttype == pg.IS_NOT_NULL:
            reference = part.null_test.arg.column_ref
            if len(reference.fields) == 1:
                yield reference.fields[0].string.sval
