"""`*` in views spelled out: the server keeps the columns that there were, not the star."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from postgast import PgQueryError
from postgast import pg_query_pb2 as pg

from ..expressions import resolver
from ..model import Dialect, Schema, Sql
from . import tree
from .canonical_types import Resolver


def without_stars(schema: Schema) -> Schema:
    """A schema whose views name their outputs, as far as columns are known."""
    starred = [name for name, view in schema.views.items() if "*" in view.query]
    if not starred or schema.dialect is not Dialect.POSTGRES:
        return schema
    columns = resolver(schema)
    views = dict(schema.views)
    for name in starred:
        views[name] = replace(views[name], query=_spelled_out(views[name].query, columns))
    return replace(schema, views=views)


def _spelled_out(query: Sql, columns: Resolver) -> Sql:
    try:
        parsed = tree.parse_query(query)
    except (PgQueryError, tree.Unsupported, ValueError):
        return query
    changed = False
    common = {n.ctename for n in tree.walk(parsed) if isinstance(n, pg.CommonTableExpr)}
    for node in tree.walk(parsed):
        if isinstance(node, pg.SelectStmt) and any(_is_star(t) for t in node.target_list):
            outputs = [*_outputs(node, columns, common)]
            if all(outputs):
                del node.target_list[:]
                node.target_list.extend(each for each in outputs if each)
                changed = True
    return tree.query(parsed.stmts[0].stmt) if changed else query


def _is_star(target: pg.Node) -> bool:
    fields = target.res_target.val.column_ref.fields
    return bool(fields) and fields[-1].HasField("a_star")


def _outputs(node: pg.SelectStmt, columns: Resolver, common: set[str]) -> Iterator[pg.Node | None]:
    """The outputs; None for one that is not known. Names of `common` queries hide relations."""
    relations = [*_relations(node.from_clause)]
    for target in node.target_list:
        if not _is_star(target):
            yield target
            continue
        names = [f.string.sval for f in target.res_target.val.column_ref.fields[:-1]]
        wanted = [r for r in relations if not names or r is None or _alias(r) == names[-1]]
        if not wanted:
            yield None
        for relation in wanted:
            if relation is None or relation.relname in common:
                yield None
                continue
            known = columns(relation.schemaname, relation.relname)
            if not known:
                yield None
                continue
            for name in known:
                yield _reference(_alias(relation) if len(relations) > 1 else "", name)


def _relations(items: Iterable[pg.Node]) -> Iterator[pg.RangeVar | None]:
    """What a query reads, in its order; None for what is not simply a relation."""
    for item in items:
        if item.HasField("range_var"):
            renamed = item.range_var.alias.colnames
            yield None if renamed else item.range_var
        elif item.HasField("join_expr"):
            join = item.join_expr
            if join.is_natural or join.using_clause or join.alias.aliasname:
                yield None
            else:
                yield from _relations((join.larg, join.rarg))
        else:
            yield None


def _alias(relation: pg.RangeVar) -> str:
    return str(relation.alias.aliasname or relation.relname)


def _reference(qualifier: str, name: str) -> pg.Node:
    node = pg.Node()
    for part in (qualifier, name):
        if part:
            node.res_target.val.column_ref.fields.add().string.sval = part
    return node
