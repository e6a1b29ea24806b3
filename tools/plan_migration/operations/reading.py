"""Which relations a statement reads, and of which it reads a few rows only, as its text tells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from postgast import pg_query_pb2 as pg

from ...ddl.model import Name
from ...ddl.postgres import tree
from ..live import Live
from .base import Names, Operation


def relations_read(query: Any, live: Live) -> Names:
    """The relations that a query names, and those behind its views."""
    found: dict[Name, None] = {}
    todo = [live.name(relation) for relation in tree.relations(query)]
    while todo:
        name = todo.pop()
        if name in found:
            continue
        found[name] = None
        view = live.view(name)
        if view is not None and not view.materialized:
            todo += [live.name(r) for r in tree.relations(tree.parse_query(view.query))]
    return tuple(found)


def reading(base: str, read: Iterable[Name], live: Live, doubt: str = "") -> Operation:
    """An operation that reads relations: their partitions too, unless it needs none of one."""
    names = tuple(read)
    parts = tuple(n for name in names if name in live.tables for n in live.descendants(name))
    return Operation(base, {"table": (*names, *parts)}, doubt, routed=parts)


def read_by_index(node: Any, live: Live) -> frozenset[Name]:
    """The tables of which every part of a statement reads the first rows, or rows by their key."""
    queries = {c.ctename: c.ctequery for c in tree.walk(node) if isinstance(c, pg.CommonTableExpr)}
    small = {
        name
        for name, query in queries.items()
        if query.HasField("select_stmt") and reads_few(query.select_stmt, live)
    }
    found: dict[Name, bool] = {}
    for part in tree.walk(node):
        if isinstance(part, pg.SelectStmt):
            few = reads_few(part, live) or _follows(part, small, live)
            for source in _sources(part.from_clause):
                if source.schemaname or source.relname not in queries:
                    name = live.name(source)
                    found[name] = few and found.get(name, True)
    return frozenset(name for name, few in found.items() if few)


def reads_few(query: Any, live: Live) -> bool:
    """Whether a query takes the first rows of one table in the order of an index."""
    ordered = [tree.column_names(item.sort_by.node) for item in query.sort_clause]
    if not query.HasField("limit_count") or len(query.from_clause) != 1 or not ordered:
        return False
    source = query.from_clause[0]
    name = live.name(source.range_var) if source.HasField("range_var") else None
    wanted = tuple(names[0] for names in ordered if len(names) == 1)
    return len(wanted) == len(ordered) and any(
        o[: len(wanted)] == wanted for o in _orders(name, live)
    )


def _follows(query: pg.SelectStmt, small: set[str], live: Live) -> bool:
    """Whether the tables of a query are joined by their keys to a part that has few rows."""
    sources = list(_sources(query.from_clause))
    given = small | {_alias(source) for source in sources if source.relname in small}
    tables = [source for source in sources if source.relname not in small]
    if len(sources) != len(query.from_clause):
        return False
    pairs = [*_equated(query.where_clause), *_among(query.where_clause)]
    for table in tables:
        known = {
            one[-1]
            for one, other in pairs
            if one[:1] == [_alias(table)] and other and other[0] in given
        }
        if not any(set(order) <= known for order in _orders(live.name(table), live)):
            return False
    return bool(tables)


def _orders(name: Name | None, live: Live) -> Iterator[tuple[str, ...]]:
    """The columns of a table's keys and of its indexes on all rows."""
    draft = live.tables.get(name) if name else None
    if draft:
        yield from (key.columns for key in draft.keys.values())
        yield from (index.columns for index in draft.indexes.values() if index.where is None)


def _sources(items: Sequence[pg.Node]) -> Iterator[pg.RangeVar]:
    return (item.range_var for item in items if item.HasField("range_var"))


def _alias(source: pg.RangeVar) -> str:
    return str(source.alias.aliasname or source.relname)


def _equated(condition: pg.Node) -> Iterator[tuple[list[str], list[str]]]:
    """The pairs of columns that a condition wants to be equal, each both ways round."""
    for node in tree.walk(condition):
        if isinstance(node, pg.A_Expr) and [n.string.sval for n in node.name] == ["="]:
            sides = [_columns(side) for side in (node.lexpr, node.rexpr)]
            for one, other in zip(*sides, strict=False):
                yield one, other
                yield other, one


def _among(condition: pg.Node) -> Iterator[tuple[list[str], list[str]]]:
    """The columns that `IN (SELECT … FROM one)` compares."""
    for node in tree.walk(condition):
        if isinstance(node, pg.SubLink) and node.sub_link_type == pg.ANY_SUBLINK:
            inner = node.subselect.select_stmt
            selected = [_columns(item.res_target.val)[0] for item in inner.target_list]
            for source in list(_sources(inner.from_clause))[:1]:
                for one, other in zip(_columns(node.testexpr), selected, strict=False):
                    yield one, [_alias(source), *other[-1:]]


def _columns(side: pg.Node) -> list[list[str]]:
    """The columns of one side: one, or those of a row."""
    items = side.row_expr.args if side.HasField("row_expr") else [side]
    return [[field.string.sval for field in item.column_ref.fields] for item in items]
