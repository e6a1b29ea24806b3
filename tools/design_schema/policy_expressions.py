"""What the expressions of row-level security policies do, row by row.

Imported late by those who need it: it loads PostgreSQL's parser.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

from google.protobuf.message import DecodeError, Message
from postgast import PgQueryError
from postgast import pg_query_pb2 as pg

from ..ddl.model import Name
from ..ddl.postgres import tree

IsSession = Callable[[Name], bool]


def per_row_calls(sql: str, is_session: IsSession) -> list[str]:
    """The calls, as SQL, that give the same in every row and still run for each.

    `( SELECT auth.uid() )` runs once for a query; the call without SELECT does not.
    """
    parsed = _parsed(sql)
    return [tree.sql(node) for node in _per_row(parsed, is_session)] if parsed else []


def once(sql: str, is_session: IsSession) -> str:
    """The expression with each of those calls in a sub-select of its own."""
    parsed = _parsed(sql)
    if parsed is None:
        return sql
    own = pg.ParseResult()
    own.CopyFrom(parsed)
    for node in list(_per_row(own, is_session)):
        select = pg.Node()
        target = select.select_stmt.target_list.add()
        target.res_target.val.CopyFrom(node)
        select.select_stmt.limit_option = pg.LIMIT_OPTION_DEFAULT
        select.select_stmt.op = pg.SETOP_NONE
        node.Clear()
        node.sub_link.sub_link_type = pg.EXPR_SUBLINK
        node.sub_link.subselect.CopyFrom(select)
    return tree.sql(tree.expression_of(own))


def session_columns(sql: str, is_session: IsSession) -> list[str]:
    """The columns that must equal a value of the session, in every row that passes."""
    parsed = _parsed(sql)
    if parsed is None:
        return []
    found: dict[str, None] = {}
    for term in _terms(tree.expression_of(parsed)):
        for column, value in _equal(term):
            nodes = list(tree.walk(value))
            if not any(isinstance(n, pg.ColumnRef | pg.RangeVar) for n in nodes) and any(
                isinstance(n, pg.SQLValueFunction)
                or (isinstance(n, pg.FuncCall) and is_session(_name(n)))
                for n in nodes
            ):
                found.setdefault(column)
    return list(found)


def _terms(node: pg.Node) -> Iterator[pg.Node]:
    """What must be true all together."""
    if node.HasField("bool_expr") and node.bool_expr.boolop == pg.AND_EXPR:
        for argument in node.bool_expr.args:
            yield from _terms(argument)
    else:
        yield node


def _equal(node: pg.Node) -> Iterator[tuple[str, pg.Node]]:
    """A column and what it must equal."""
    comparison = node.a_expr
    if not node.HasField("a_expr") or comparison.kind != pg.AEXPR_OP:
        return
    if [part.string.sval for part in comparison.name] == ["="]:
        for one, other in (
            (comparison.lexpr, comparison.rexpr),
            (comparison.rexpr, comparison.lexpr),
        ):
            if one.HasField("column_ref") and one.column_ref.fields[-1].HasField("string"):
                yield one.column_ref.fields[-1].string.sval, other


def _per_row(parsed: pg.ParseResult, is_session: IsSession) -> Iterator[pg.Node]:
    """The nodes of the calls: the nearest SELECT around them, if there is one, has a FROM."""
    todo: list[tuple[Message, bool]] = [(tree.expression_of(parsed), True)]
    while todo:
        message, by_row = todo.pop()
        if isinstance(message, pg.SelectStmt):
            by_row = bool(message.from_clause)
        if isinstance(message, pg.Node) and message.HasField("func_call"):
            call = message.func_call
            reads = any(isinstance(n, pg.ColumnRef) for n in tree.walk(call))
            if by_row and not reads and is_session(_name(call)):
                yield message
                continue
        for descriptor, value in message.ListFields():
            if descriptor.type == descriptor.TYPE_MESSAGE:
                items = reversed(value) if descriptor.is_repeated else [value]
                todo.extend((item, by_row) for item in items)


def _name(call: pg.FuncCall) -> Name:
    parts = [node.string.sval for node in call.funcname]
    return Name(parts[-2] if len(parts) > 1 else "", parts[-1])


@lru_cache(maxsize=4096)
def _parsed(sql: str) -> pg.ParseResult | None:
    try:
        return tree.parse_expression(sql)
    except (PgQueryError, DecodeError, ValueError, tree.TooComplex):
        return None
