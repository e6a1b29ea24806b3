"""Statements that read and write rows as measured operations."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import replace
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
    is_partitioned,
    roles,
    sequences_in,
    sequences_of,
)
from .reading import read_by_index, reading, relations_read


def _select(node: Any, live: Live) -> Iterator[Operation]:
    if node.HasField("into_clause"):
        made = live.name(node.into_clause.rel)
        read = tuple(name for name in relations_read(node, live) if name != made)
        yield reading("select into", read, live)
        return
    calls = _calls(node)
    own = {function.name.name for function in live.state.functions.values()}
    yield from _written_within(node, live)
    doubt = ""
    if called := sorted(calls & own):
        doubt = f"what the function {called[0]} does is not known"
    yield from _read(node, live, doubt=doubt)
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
            yield replace(reading(base, locked, live), locks_only=True)


def _calls(node: Any) -> set[str]:
    return {strings(m.funcname)[-1] for m in tree.walk(node) if isinstance(m, pg.FuncCall)}


def _drawn(node: Any, live: Live) -> Iterator[Operation]:
    """What a query does to sequences."""
    drawn = sequences_of(node, live)
    for function in sorted(_calls(node) & {"nextval", "setval"}):
        yield Operation(function, {"sequence": drawn}, routed=drawn if _reads_rows(node) else ())


def _reads_rows(node: Any) -> bool:
    """Whether a statement does what it does for each row that it finds, if there are any."""
    if isinstance(node, pg.InsertStmt):
        node = node.select_stmt.select_stmt
    return not isinstance(node, pg.SelectStmt) or bool(node.from_clause)


def _written_within(node: Any, live: Live) -> Iterator[Operation]:
    """What the queries of WITH write, and lock."""
    for item in node.with_clause.ctes if node.HasField("with_clause") else ():
        query = item.common_table_expr.ctequery
        kind = query.WhichOneof("node") or ""
        if kind in WRITING:
            yield _written(kind, getattr(query, kind), live)
            yield from _numbered(getattr(query, kind), live)
        elif kind == "select_stmt" and query.select_stmt.locking_clause:
            read = relations_read(query.select_stmt, live)
            tables = tuple(name for name in read if name in live.tables)
            some = query.select_stmt.HasField("where_clause")  # of whose rows few writers want one
            base = "select for key share" if some else "select for update"
            yield replace(reading(base, tables, live), locks_only=some)


_WRITES: Final = (pg.InsertStmt, pg.UpdateStmt, pg.DeleteStmt, pg.MergeStmt)
WRITING: Final = frozenset({"insert_stmt", "update_stmt", "delete_stmt", "merge_stmt"})


def _write(kind: str) -> Handler:
    def handle(node: Any, live: Live) -> Iterator[Operation]:
        yield _written(kind, node, live)
        yield from _numbered(node, live)
        yield from _written_within(node, live)
        yield from _drawn(node, live)
        yield from _rows_locked(node, live)
        yield from _read(node, live, _targets(node, live))

    return handle


def _read(
    node: Any, live: Live, written: Set[Name] = frozenset(), doubt: str = ""
) -> Iterator[Operation]:
    """What a statement reads: as a whole, or by an index."""
    by_index = read_by_index(node, live)
    read = [name for name in relations_read(node, live) if name not in written]
    whole = [name for name in read if name not in by_index]
    some = [name for name in read if name in by_index]
    if whole or doubt or not written:
        yield reading("select", whole, live, doubt)
    if some:
        yield replace(reading("select", some, live), locks_only=True)


def _targets(node: Any, live: Live) -> frozenset[Name]:
    """The tables that a statement writes to, with what its WITH clauses write."""
    return frozenset(live.name(n.relation) for n in tree.walk(node) if isinstance(n, _WRITES))


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
    routed = live.descendants(name) if kind == "insert_stmt" and is_partitioned(live, name) else ()
    return Operation(base, tables, routed=routed)


def _numbered(node: Any, live: Live) -> Iterator[Operation]:
    """The sequences that an INSERT draws from for columns that it does not give."""
    if not isinstance(node, pg.InsertStmt) or not node.cols:
        return
    name = live.name(node.relation)
    draft = live.tables.get(name)
    given = {item.res_target.name for item in node.cols}
    drawn = [
        sequence
        for column in (draft.columns.values() if draft else ())
        if column.name not in given
        for sequence in (
            [column.identity.sequence]
            if column.identity
            else sequences_in(column.default or "", live)
        )
    ]
    if drawn:
        some = tuple(drawn) if _reads_rows(node) else ()
        yield Operation("nextval", {"sequence": tuple(drawn)}, routed=some)


def _looked_up(update: Any, live: Live, name: Name) -> Names:
    """The tables in which an UPDATE looks up the values that it gives to foreign keys."""
    draft = live.tables.get(name)
    written = {item.res_target.name for item in update.target_list}
    keys = draft.foreign_keys.values() if draft else ()
    return tuple(sorted({k.table for k in keys if written & {*k.columns}} - {name}))


def _copy(node: Any, live: Live) -> Iterator[Operation]:
    if node.HasField("query"):
        yield reading("select", relations_read(node.query, live), live)
    elif node.is_from:
        yield Operation("copy from", roles(live, live.name(node.relation)))
    else:
        yield Operation("copy to", {"table": (live.name(node.relation),)})


HANDLERS: Final[dict[str, Handler]] = {
    "select_stmt": _select,
    "insert_stmt": _write("insert_stmt"),
    "update_stmt": _write("update_stmt"),
    "delete_stmt": _write("delete_stmt"),
    "merge_stmt": _write("merge_stmt"),
    "copy_stmt": _copy,
}
