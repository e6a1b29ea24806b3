"""CREATE TABLE AS and SELECT INTO, where the columns are plain ones of known tables.

https://www.postgresql.org/docs/current/sql-createtableas.html: a column has the type and the
collation of the query's; constraints, defaults and comments do not come along.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from postgast import pg_query_pb2 as pg

from ..model import Column, Table
from .nodes import options, strings
from .state import Draft, State, Unsupported
from .table import persistence


def create_table_as(state: State, into: pg.IntoClause, query: pg.Node) -> None:
    """Make the table of a query. Raises `Unsupported` where its columns are not plain ones."""
    name = state.new_name(into.rel)
    if name in state.relations:
        raise Unsupported(f"relation {name} exists already")
    try:
        columns = list(_columns(state, into, query))
    except Unsupported as error:
        raise Unsupported(f"the columns of {name} come from a query: {error}") from None
    table = Table(
        name,
        persistence=persistence(into.rel),
        access_method="" if into.access_method == "heap" else into.access_method,
        tablespace=into.table_space_name,
        options=options(into.options),
        at=state.at(),
    )
    draft = Draft(table)
    state.put_table(draft)
    for column in columns:
        state.put_column(draft, column)


def _columns(state: State, into: pg.IntoClause, query: pg.Node) -> Iterator[Column]:
    if not _is_plain(query):
        raise Unsupported("it is more than one SELECT")
    select = query.select_stmt
    sources = dict(_sources(state, select.from_clause))
    found = [column for item in select.target_list for column in _target(state, sources, item)]
    given = strings(into.col_names)
    names = [*given, *(column.name for column in found[len(given) :])]
    if len(names) > len(found) or len(set(names)) < len(names):
        raise Unsupported("there are too few columns, or two of one name")
    for name, column in zip(names, found, strict=True):
        yield replace(column, name=name)


def _is_plain(query: pg.Node) -> bool:
    select = query.select_stmt
    several = select.op != pg.SETOP_NONE or select.HasField("with_clause")
    return query.HasField("select_stmt") and not several and not select.values_lists


def _sources(state: State, nodes: Iterable[pg.Node]) -> Iterator[tuple[str, Draft]]:
    """The tables of a FROM clause by the names that they have in the query."""
    for node in nodes:
        kind = node.WhichOneof("node")
        if kind == "range_var" and not node.range_var.alias.colnames:
            draft = state.draft(node.range_var)
            yield node.range_var.alias.aliasname or draft.name.name, draft
        elif kind == "join_expr" and not _merges(node.join_expr):
            yield from _sources(state, (node.join_expr.larg, node.join_expr.rarg))
        else:
            raise Unsupported("it is not of tables alone")


def _merges(join: pg.JoinExpr) -> bool:
    """Whether a join has other columns than those of its two sides."""
    return join.is_natural or bool(join.using_clause) or join.HasField("alias")


def _target(state: State, sources: dict[str, Draft], node: pg.Node) -> Iterator[Column]:
    target = node.res_target
    kind = target.val.WhichOneof("node")
    cast = target.val.type_cast if kind == "type_cast" else None
    reference = cast.arg if cast else target.val
    if reference.WhichOneof("node") != "column_ref":
        raise Unsupported("the type of an expression is not known")
    for column in _referenced(sources, reference.column_ref):
        plain = Column(target.name or column.name, column.type, at=state.at(target.location))
        if cast is None:
            yield replace(plain, collation=column.collation)
        elif column.collation:
            raise Unsupported(f"the collation of {column.name} after a cast is not known")
        else:
            yield replace(plain, type=state.type_of(cast.type_name))


def _referenced(sources: dict[str, Draft], reference: pg.ColumnRef) -> Iterator[Column]:
    """The columns that `a`, `t.a`, `t.*` or `*` stands for."""
    *qualifiers, last = reference.fields
    tables = list(sources.values())
    if qualifiers:
        names = strings(qualifiers)
        tables = [draft for name, draft in sources.items() if name == names[-1]]
        if len(names) > 1:
            tables = [draft for draft in tables if draft.name == (names[-2], names[-1])]
    if last.HasField("a_star"):
        if not tables:
            raise Unsupported("a table of the query is not known")
        for draft in tables:
            yield from draft.columns.values()
        return
    column = last.string.sval
    found = [draft.columns[column] for draft in tables if column in draft.columns]
    if len(found) != 1:
        raise Unsupported(f"column {column} of the query is not known")
    yield found[0]
