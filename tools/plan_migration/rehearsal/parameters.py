"""Which columns a query's parameters are compared with or written to, so that values fit the rows.

A made-up customer number would be refused by a foreign key, and prove nothing of the query.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from postgast import pg_query_pb2 as pg

from ...ddl.model import Name, Schema
from ...ddl.postgres.tree import parse_query, relations, walk
from .seeds import Planted


def fitting(sql: str, planted: Planted, schema: Schema) -> Mapping[int, str | None]:
    """Values that planted rows have where the parameters of `sql` are, by number from 1.

    What must be unique is left out when a row is inserted, and what no planted row tells.
    """
    tree = parse_query(sql)
    tables = [
        table
        for relation in relations(tree)
        if (table := schema.tables.get(Name(relation.schemaname or "public", relation.relname)))
    ]
    found: dict[int, str | None] = {}
    for number, (column, written) in _places(tree, planted).items():
        for table in tables:
            unique = {name for columns in table.unique_sets() for name in columns}
            if column in table.columns and not (written and column in unique):
                values = [value for (value,) in planted.values(table.name, (column,)) if value]
                if values:
                    found.setdefault(number, values[0])
    return found


def _places(tree: pg.ParseResult, planted: Planted) -> Mapping[int, tuple[str, bool]]:
    """The column of each parameter, and whether a row is inserted with it."""
    found: dict[int, tuple[str, bool]] = {}
    for node in walk(tree):
        for column, value, written in _pairs(node, planted):
            number = _parameter(value)
            if number:
                found.setdefault(number, (column, written))
    return found


def _pairs(node: object, planted: Planted) -> Iterator[tuple[str, pg.Node, bool]]:
    """A column and what is compared with it or written to it."""
    match node:
        case pg.InsertStmt():
            relation = Name(node.relation.schemaname or "public", node.relation.relname)
            columns = [item.res_target.name for item in node.cols] or planted.columns.get(
                relation, ()
            )
            for row in node.select_stmt.select_stmt.values_lists:
                for column, value in zip(columns, row.list.items, strict=False):
                    yield column, value, True
        case pg.UpdateStmt():
            for item in node.target_list:
                yield item.res_target.name, item.res_target.val, False
        case pg.A_Expr():
            for one, other in ((node.lexpr, node.rexpr), (node.rexpr, node.lexpr)):
                if one.HasField("column_ref"):
                    yield from ((name, other, False) for name in _last(one.column_ref.fields))


def _last(fields: Sequence[pg.Node]) -> Iterator[str]:
    if fields and fields[-1].HasField("string"):
        yield fields[-1].string.sval


def _parameter(node: pg.Node) -> int:
    while node.HasField("type_cast"):
        node = node.type_cast.arg
    return node.param_ref.number if node.HasField("param_ref") else 0
