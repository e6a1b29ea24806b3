"""Statements that read and write rows as measured operations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from postgast import pg_query_pb2 as pg

from ...ddl.model import Name
from ...ddl.postgres import tree
from ...ddl.postgres.nodes import strings
from ..live import Live
from .base import (
    BATCH,
    Handler,
    Names,
    Operation,
    roles,
    sequences_of,
)


def _select(node: Any, live: Live) -> Iterator[Operation]:
    if node.HasField("into_clause"):
        made = live.name(node.into_clause.rel)
        read = tuple(name for name in relations_read(node, live) if name != made)
        yield Operation("select into", {"table": read})
        return
    calls = _calls(node)
    own = {function.name.name for function in live.state.functions.values()}
    yield from _written_within(node, live)
    doubt = ""
    if called := sorted(calls & own):
        doubt = f"what the function {called[0]} does is not known"
    few = reads_few(node, live)
    yield Operation("select", {"table": relations_read(node, live)}, doubt, locks_only=few)
    yield from _rows_locked(node, live)
    yield from _drawn(node, live)


def _rows_locked(node: Any, live: Live) -> Iterator[Operation]:
    """What a query, or one within it, does with FOR UPDATE and FOR SHARE."""
    read = set(relations_read(node, live))
    for select in tree.walk(node):
        if not isinstance(select, pg.SelectStmt):
            continue
        sources = [r for item in select.from_clause for r in tree.relations(item)]
        for item in select.locking_clause:
            clause = item.locking_clause
            of = {each.range_var.relname for each in clause.locked_rels}
            named = (r for r in sources if not of or (r.alias.aliasname or r.relname) in of)
            weak = clause.strength in (pg.LCS_FORKEYSHARE, pg.LCS_FORSHARE)
            base = "select for key share" if weak else "select for update"
            locked = tuple(dict.fromkeys(name for r in named if (name := live.name(r)) in read))
            yield Operation(base, {"table": locked}, locks_only=True)


def _calls(node: Any) -> set[str]:
    return {strings(m.funcname)[-1] for m in tree.walk(node) if isinstance(m, pg.FuncCall)}


def _drawn(node: Any, live: Live) -> Iterator[Operation]:
    """What a query does to sequences."""
    for function in sorted(_calls(node) & {"nextval", "setval"}):
        yield Operation(function, {"sequence": sequences_of(node, live)})


def reads_few(query: Any, live: Live) -> bool:
    """Whether a query takes the first rows of one table in the order of an index."""
    ordered = [tree.column_names(item.sort_by.node) for item in query.sort_clause]
    if not query.HasField("limit_count") or len(query.from_clause) != 1 or not ordered:
        return False
    source = query.from_clause[0]
    draft = live.tables.get(live.name(source.range_var)) if source.HasField("range_var") else None
    orders = [key.columns for key in draft.keys.values()] if draft else []
    orders += [i.columns for i in draft.indexes.values() if i.where is None] if draft else []
    wanted = tuple(names[0] for names in ordered if len(names) == 1)
    return len(wanted) == len(ordered) and any(o[: len(wanted)] == wanted for o in orders)


def _written_within(node: Any, live: Live) -> Iterator[Operation]:
    """What the queries of WITH write, and lock."""
    for item in node.with_clause.ctes if node.HasField("with_clause") else ():
        query = item.common_table_expr.ctequery
        kind = query.WhichOneof("node") or ""
        if kind in WRITING:
            yield _written(kind, getattr(query, kind), live)
        elif kind == "select_stmt" and query.select_stmt.locking_clause:
            read = relations_read(query.select_stmt, live)
            tables = tuple(name for name in read if name in live.tables)
            some = query.select_stmt.HasField("where_clause")  # of whose rows few writers want one
            base = "select for key share" if some else "select for update"
            yield Operation(base, {"table": tables}, locks_only=some)


WRITING: Final = frozenset({"insert_stmt", "update_stmt", "delete_stmt", "merge_stmt"})


def _write(kind: str) -> Handler:
    def handle(node: Any, live: Live) -> Iterator[Operation]:
        yield _written(kind, node, live)
        yield from _written_within(node, live)
        yield from _drawn(node, live)
        yield from _rows_locked(node, live)
        target = live.name(node.relation)
        if others := tuple(name for name in relations_read(node, live) if name != target):
            yield Operation("select", {"table": others})

    return handle


def _written(kind: str, node: Any, live: Live) -> Operation:
    """What is done to the table that a statement writes to."""
    name = live.name(node.relation)
    base = kind.removesuffix("_stmt")
    tables = {**roles(live, name), "table": (name, *live.descendants(name))}
    if kind == "update_stmt":
        base = BATCH if node.HasField("where_clause") else "update all rows"
        tables["referenced"] = _looked_up(node, live, name)
    elif kind == "delete_stmt":
        base = "delete, with a foreign key's table" if live.referencing(name) else "delete all rows"
    return Operation(base, tables)


def _looked_up(update: Any, live: Live, name: Name) -> Names:
    """The tables in which an UPDATE looks up the values that it gives to foreign keys."""
    draft = live.tables.get(name)
    written = {item.res_target.name for item in update.target_list}
    keys = draft.foreign_keys.values() if draft else ()
    return tuple(sorted({k.table for k in keys if written & {*k.columns}} - {name}))


def _copy(node: Any, live: Live) -> Iterator[Operation]:
    if node.HasField("query"):
        yield Operation("select", {"table": relations_read(node.query, live)})
    elif node.is_from:
        yield Operation("copy from", roles(live, live.name(node.relation)))
    else:
        yield Operation("copy to", {"table": (live.name(node.relation),)})


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


HANDLERS: Final[dict[str, Handler]] = {
    "select_stmt": _select,
    "insert_stmt": _write("insert_stmt"),
    "update_stmt": _write("update_stmt"),
    "delete_stmt": _write("delete_stmt"),
    "merge_stmt": _write("merge_stmt"),
    "copy_stmt": _copy,
}
