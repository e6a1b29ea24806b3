"""Indexes of PostgreSQL's tables, with the names PostgreSQL gives and the copies for partitions.

https://www.postgresql.org/docs/current/sql-createindex.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from postgast import pg_query_pb2 as pg

from ..model import Index, IndexPart, Name
from . import tree
from .nodes import expression_name, index_name_of, index_part, options
from .state import Draft, State, Unsupported


def create_index(state: State, node: pg.IndexStmt) -> None:
    """CREATE INDEX."""
    home = state.existing(node.relation)
    if home not in state.tables and home not in state.views:
        raise Unsupported(f"table {home} is not known")
    full = Name(home.schema, node.idxname)
    if node.idxname and full in state.relations:
        if node.if_not_exists:
            return
        raise Unsupported(f"relation {full} exists already")
    method = node.access_method or "btree"
    parts = tuple(index_part(item.index_elem, method) for item in node.index_params)
    include = tuple(item.index_elem.name for item in node.index_including_params)
    names = [index_name_of(item.index_elem) for item in node.index_params]
    index = Index(
        node.idxname or _index_name(state, home, [*names, *include]),
        parts,
        unique=node.unique,
        method=method,
        include=include,
        where=tree.sql(node.where_clause) if node.HasField("where_clause") else None,
        nulls_not_distinct=node.nulls_not_distinct,
        options=options(node.options),
        tablespace=node.table_space,
        at=state.at(),
    )
    draft = state.tables.get(home)
    partitioned = bool(draft and draft.table.partition_by)
    only = partitioned and not node.relation.inh
    if only and draft and not state.children_of(home):
        only = False
    put_index(state, home, replace(index, only=only))


def put_index(state: State, home: Name, index: Index) -> None:
    """Add an index, and to the partitions of its table unless it is on that alone."""
    state.put_index(home, index)
    draft = state.tables.get(home)
    if draft and draft.table.partition_by and not index.only:
        for child in state.children_of(home):
            copy_index(state, child, index, home.schema)


def copy_index(state: State, child: Draft, index: Index, schema: str) -> None:
    """Give a partition its parent's index: one of its own that fits, or a new one."""
    parent = Name(schema, index.name)
    for own in child.indexes.values():
        if own.parent is None and _same_index(own, index):
            state.put_index(child.name, replace(own, parent=parent))
            return
    columns = state.index_columns.get(parent)
    make_index(state, child.name, replace(index, parent=parent, comment=""), columns)


def make_index(
    state: State, home: Name, index: Index, columns: Iterable[str] | None = None
) -> None:
    """Add an index under a name that PostgreSQL gives, from its columns unless said otherwise."""
    name = _index_name(state, home, columns or [*part_names(index.parts), *index.include])
    put_index(state, home, replace(index, name=name))


def _same_index(one: Index, other: Index) -> bool:
    return (one.parts, one.unique, one.method, one.include, one.where, one.nulls_not_distinct) == (
        other.parts,
        other.unique,
        other.method,
        other.include,
        other.where,
        other.nulls_not_distinct,
    )


def _index_name(state: State, home: Name, columns: Iterable[str]) -> str:
    return state.relation_name(*home, "_".join(distinct(columns)), "idx")


def distinct(names: Iterable[str]) -> list[str]:
    """The names of an index's columns: a repeated one gets a number (ChooseIndexColumnNames)."""
    found: list[str] = []
    for name in names:
        candidate, number = name, 0
        while candidate in found:
            number += 1
            candidate = f"{name[: 63 - len(str(number))]}{number}"
        found.append(candidate)
    return found


def part_names(parts: Iterable[IndexPart]) -> list[str]:
    """What the keys contribute to the name of an index."""
    names = []
    for part in parts:
        if part.is_column:
            names.append(str(part.expression))
        else:
            parsed = tree.expression_of(tree.parse_expression(part.expression))
            names.append(expression_name(parsed) or "expr")
    return names
