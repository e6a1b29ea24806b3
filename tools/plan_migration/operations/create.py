"""CREATE TABLE and its like as measured operations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from postgast import pg_query_pb2 as pg

from ...ddl.model import Name
from ..live import Live
from .base import (
    NO_ROLES,
    Handler,
    Names,
    Operation,
    default_partition,
    of_partition,
    sequences_in,
    sequences_of,
)
from .reading import reading, reads_few, relations_read


def _create_table(node: Any, live: Live) -> Iterator[Operation]:
    name = live.state.new_name(node.relation)
    if node.if_not_exists and name in live.state.relations:
        yield Operation("create table, if it does not exist", {"table": (name,)})
        return
    if drawn := _drawn_by_new(node, live):
        yield Operation("create table, default nextval()", {"sequence": drawn})
    if node.HasField("partbound"):
        yield from _create_partition(node, name, live)
        return
    targets = _targets(node, live)
    if targets - {name}:
        given: dict[str, Names] = {"new": (name,), "referenced": tuple(sorted(targets - {name}))}
        parts = tuple(n for target in given["referenced"] for n in live.descendants(target))
        if parts:
            given["referenced partition"] = parts
        base = "create table, references" + " a partitioned table" * bool(parts)
        yield Operation(base, given)
    elif node.inh_relations:
        parents = tuple(live.name(item.range_var) for item in node.inh_relations)
        yield Operation("create table, inherits", {"new": (name,), "parent": parents})
    else:
        yield Operation("create table", {"new": (name,)})
    likes = [e.table_like_clause for e in node.table_elts if e.HasField("table_like_clause")]
    for like in likes:
        source = live.name(like.relation)
        yield Operation("create table, like another", {"table": (source,)})


def _drawn_by_new(node: Any, live: Live) -> Names:
    """The sequences in the defaults of a new table, its own and those that it takes over."""
    drawn = [name for item in node.table_elts for name in sequences_of(item, live)]
    for item in node.inh_relations:
        above = live.tables.get(live.name(item.range_var))
        for column in above.columns.values() if above else ():
            drawn += sequences_in(column.default or "", live)
    return tuple(dict.fromkeys(drawn))


def _create_partition(node: Any, name: Name, live: Live) -> Iterator[Operation]:
    parent = live.name(node.inh_relations[0].range_var)
    given = of_partition(live, name, parent)
    spare = default_partition(live, parent)
    if node.partbound.is_default:
        yield Operation("create partition, as the default", given)
    elif spare is not None:
        yield Operation("create partition, with a default partition", given)
    else:
        yield Operation("create partition", given)
    if "referenced" in given:
        yield Operation("create partition, with a foreign key", given, locks_only=True)


def _targets(node: Any, live: Live) -> set[Name]:
    """The tables that a new table's foreign keys reference."""
    given = [item.constraint for item in node.table_elts if item.HasField("constraint")]
    for item in node.table_elts:
        if item.HasField("column_def"):
            given += [each.constraint for each in item.column_def.constraints]
    return {live.name(c.pktable) for c in given if c.contype == pg.CONSTR_FOREIGN}


def _create_foreign_table(node: Any, live: Live) -> Iterator[Operation]:
    if node.base_stmt.HasField("partbound"):
        parent = live.name(node.base_stmt.inh_relations[0].range_var)
        name = live.state.new_name(node.base_stmt.relation)
        yield Operation("create foreign table, partition", of_partition(live, name, parent))
    else:
        yield Operation("create foreign table", NO_ROLES)


def _create_table_as(node: Any, live: Live) -> Iterator[Operation]:
    kind = "materialized view" if node.objtype == pg.OBJECT_MATVIEW else "table"
    read = relations_read(node.query, live)
    base = f"create {kind}" + " as" * (kind == "table") + ", with no data" * node.into.skip_data
    few = node.query.HasField("select_stmt") and reads_few(node.query.select_stmt, live)
    made = live.state.new_name(node.into.rel)
    found = reading(base, read, live)
    yield replace(found, tables={**found.tables, "new": (made,)}, locks_only=few)


HANDLERS: Final[dict[str, Handler]] = {
    "create_stmt": _create_table,
    "create_foreign_table_stmt": _create_foreign_table,
    "create_table_as_stmt": _create_table_as,
}
