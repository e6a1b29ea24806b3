"""Indexes, upkeep and LOCK as measured operations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from postgast import pg_query_pb2 as pg

from ...ddl.model import Name
from ...ddl.postgres import tree
from ...engines.locks import MODES
from ..live import Live
from .base import (
    Handler,
    Names,
    Operation,
    on_table,
    roles,
)
from .reading import relations_read


def _create_index(node: Any, live: Live) -> Iterator[Operation]:
    name = live.name(node.relation)
    full = Name(name.schema, node.idxname)
    if node.if_not_exists and live.kind(full) == "index":
        yield Operation("create index, if it does not exist", roles(live, name))
        return
    base = "create index" + ", concurrently" * node.concurrent
    draft = live.tables.get(name)
    if live.kind(name) == "materialized view":
        yield Operation(f"{base}, on a materialized view", roles(live, name))
    elif draft and draft.table.partition_by:
        only = " only" * (not node.relation.inh and not node.concurrent)
        yield Operation(f"{base}, partitioned table{only}", roles(live, name))
    else:
        yield on_table(live, name, base + ", unique" * node.unique, recurses=False)


def _reindex(node: Any, live: Live) -> Iterator[Operation]:
    concurrently = any(
        item.def_elem.defname == "concurrently" and is_on(item.def_elem) for item in node.params
    )
    suffix = ", concurrently" * concurrently
    if node.kind == pg.REINDEX_OBJECT_INDEX:
        index = live.name(node.relation)
        home = live.index_home(index)
        given: dict[str, Names] = {"index": (index,)}
        doubt = "" if home else "the schema does not show which table the index is of"
        draft = live.tables.get(home) if home else None
        suffix += ", partitioned" * bool(draft and draft.table.partition_by)
        yield Operation(
            f"reindex index{suffix}", given | (roles(live, home) if home else {}), doubt
        )
    elif node.kind == pg.REINDEX_OBJECT_TABLE:
        name = live.name(node.relation)
        draft = live.tables.get(name)
        partitioned = ", partitioned" * bool(draft and draft.table.partition_by)
        yield Operation(f"reindex table{suffix}{partitioned}", roles(live, name))
    else:
        whole = node.kind != pg.REINDEX_OBJECT_SCHEMA
        tables = tuple(n for n in live.tables if whole or n.schema == node.name)
        yield Operation(f"reindex schema{suffix}", {"table": tables})


def is_on(option: Any) -> bool:
    """Whether an option without value, or with a true one, is set."""
    if not option.HasField("arg"):
        return True
    kind = option.arg.WhichOneof("node")
    if kind == "boolean":
        return bool(option.arg.boolean.boolval)
    if kind == "integer":
        return bool(option.arg.integer.ival)
    return str(option.arg.string.sval).lower() not in ("false", "off", "0")


def _cluster(node: Any, live: Live) -> Iterator[Operation]:
    if not node.relation.relname:
        tables = tuple(n for n, draft in live.tables.items() if draft.table.cluster_on)
        yield Operation("cluster", {"table": tables})
    else:
        yield on_table(live, live.name(node.relation), "cluster")


def _vacuum(node: Any, live: Live) -> Iterator[Operation]:
    options = {i.def_elem.defname for i in node.options if is_on(i.def_elem)}
    if not node.is_vacuumcmd:
        base = "analyze"
    else:
        kinds = ("full", "freeze", "analyze")
        base = "vacuum" + next((f", {kind}" for kind in kinds if kind in options), "")
    named = [live.name(item.vacuum_relation.relation) for item in node.rels]
    for item, name in zip(node.rels, named, strict=True):
        draft = live.tables.get(name)
        if not item.vacuum_relation.relation.inh and draft and draft.table.partition_by:
            yield Operation("analyze, partitioned table only", roles(live, name))
        else:
            yield on_table(live, name, base)
    if not named:
        yield Operation(base, {"table": tuple(live.tables)})


def _refresh(node: Any, live: Live) -> Iterator[Operation]:
    name = live.name(node.relation)
    base = "refresh materialized view" + ", concurrently" * node.concurrent
    view = live.view(name)
    read: Names = ()
    if view is not None:
        read = relations_read(tree.parse_query(view.query), live)
    suffix = ", with no data" * node.skip_data
    yield Operation(base + suffix, {"materialized view": (name,), "table": read})


def _lock(node: Any, live: Live) -> Iterator[Operation]:
    for item in node.relations:
        name = live.name(item.range_var)
        mode = MODES[node.mode - 1]  # LockStmt has their numbers, from 1
        yield Operation("lock table", {"table": (name, *live.descendants(name))}, mode=mode)


HANDLERS: Final[dict[str, Handler]] = {
    "index_stmt": _create_index,
    "reindex_stmt": _reindex,
    "cluster_stmt": _cluster,
    "vacuum_stmt": _vacuum,
    "refresh_mat_view_stmt": _refresh,
    "lock_stmt": _lock,
}
