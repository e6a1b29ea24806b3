"""Relations under another name or schema: their parts go along, and what uses them follows."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pg

from ..model import Check, Column, Index, Name, Sql
from .dependents import sequence_of, uses_sequence
from .rename_types import move_type, rename_grants, retype
from .rewrite import rekeyed, rename_in_queries, rewritten
from .state import Constraint, Draft, Relation, State, Unsupported
from .table import nextval


def move_relation(state: State, old: Name, new: Name) -> None:
    """Give a relation another name or schema."""
    if new in state.relations:
        raise Unsupported(f"relation {new} exists already")
    relation = state.relations[old]
    if relation.kind == "table":
        _move_table(state, state.tables[old], new)
    elif relation.kind == "view":
        _move_view(state, old, new)
    elif relation.kind == "sequence":
        _move_sequence(state, old, new)
    elif relation.kind == "identity":
        _move_identity(state, state.tables[relation.home], old, new)
    elif relation.kind == "index":
        _rename_index(state, relation.home, old.name, new.name)
    else:
        move_type(state, old, new)


def _move_table(state: State, draft: Draft, new: Name) -> None:
    old = draft.name
    referrers = list(state.referrers.get(old, ()))
    children = state.children_of(old)
    parts = _taken_out(state, draft)
    del state.tables[old]
    del state.relations[old]
    for parent in state.parents(draft):
        state.children.get(parent, {}).pop(old, None)
    draft.table = replace(draft.table, name=new)
    state.put_table(draft)
    _put_back(state, draft, parts)
    for referrer in referrers:
        other = draft if referrer == old else state.tables.get(referrer)
        for foreign_key in list(other.foreign_keys.values()) if other else ():
            if other and foreign_key.table == old:
                state.put_constraint(other, replace(foreign_key, table=new))
    state.children[new] = state.children.pop(old, {})
    for child in children:
        _change_parent(child, old, new)
    for sequence in list(state.sequences.values()):
        if sequence.owned_by and sequence.owned_by[0] == old:
            owner = (new, sequence.owned_by[1])
            state.put_sequence(replace(sequence, owned_by=owner))
            if new.schema != old.schema:
                _move_sequence(state, sequence.name, Name(new.schema, sequence.name.name))
    rename_in_queries(state, old, new)
    rename_grants(state, "table", old, new)
    if old.name in state.used_types:
        retype(state, old, new)


class _Parts(NamedTuple):
    columns: list[Column]
    constraints: list[Constraint]
    indexes: list[Index]


def _taken_out(state: State, draft: Draft) -> _Parts:
    parts = _Parts(
        list(draft.columns.values()), list(draft.constraints()), list(draft.indexes.values())
    )
    for column in parts.columns:
        state.remove_column(draft, column.name)
    for constraint in parts.constraints:
        state.remove_constraint(draft, constraint)
    for index in parts.indexes:
        state.remove_index(draft.name, index.name)
    return parts


def _put_back(state: State, draft: Draft, parts: _Parts) -> None:
    schema = draft.name.schema
    for column in parts.columns:
        if column.identity and not draft.table.partition_of:
            moved = Name(schema, column.identity.sequence.name)
            column = replace(column, identity=replace(column.identity, sequence=moved))
        state.put_column(draft, column)
    for constraint in parts.constraints:
        state.put_constraint(draft, constraint)
    for index in parts.indexes:
        state.put_index(draft.name, index)


def _change_parent(child: Draft, old: Name, new: Name) -> None:
    table = child.table
    if table.partition_of:
        partition_of = replace(table.partition_of, parent=new)
        child.table = replace(table, partition_of=partition_of)
        for index in list(child.indexes.values()):
            if index.parent and index.parent.schema == old.schema:
                parent = Name(new.schema, index.parent.name)
                child.indexes[index.name] = replace(index, parent=parent)
    else:
        parents = tuple(new if name == old else name for name in table.inherits)
        child.table = replace(table, inherits=parents)


def _move_view(state: State, old: Name, new: Name) -> None:
    view = state.views[old]
    for index in view.indexes:
        del state.relations[Name(old.schema, index)]
        state.relations[Name(new.schema, index)] = Relation("index", new)
    del state.relations[old]
    state.views = rekeyed(state.views, old, new, replace(view, name=new))
    state.relations[new] = Relation("view", new)
    rename_in_queries(state, old, new)
    rename_grants(state, "table", old, new)


def _move_sequence(state: State, old: Name, new: Name) -> None:
    sequence = replace(state.sequences[old], name=new)
    users = [
        (draft, column)
        for draft in state.tables.values()
        for column in draft.columns.values()
        if column.default and uses_sequence(state, column.default, old)
    ]
    del state.relations[old]
    state.sequences = rekeyed(state.sequences, old, new, sequence)
    state.relations[new] = Relation("sequence", new)
    target = nextval(new).removeprefix("nextval(").removesuffix("::regclass)")
    for draft, column in users:
        state.put_column(
            draft, replace(column, default=_other_sequence(state, column, old, target))
        )
    rename_grants(state, "sequence", old, new)


def _other_sequence(state: State, column: Column, old: Name, target: str) -> Sql | None:
    def change(node: Message) -> bool:
        if not isinstance(node, pg.TypeCast) or not node.arg.a_const.HasField("sval"):
            return False
        text = node.arg.a_const.sval.sval
        named = sequence_of(state, text)
        if named is None or named.name != old.name:
            return False
        node.arg.a_const.sval.sval = target[1:-1].replace("''", "'")
        return True

    return rewritten(column.default, change)


def _move_identity(state: State, home: Draft, old: Name, new: Name) -> None:
    for column in list(home.columns.values()):
        if column.identity and column.identity.sequence == old:
            identity = replace(column.identity, sequence=new)
            state.put_column(home, replace(column, identity=identity))


def _rename_index(state: State, home: Name, old: str, new: str) -> None:
    draft = state.tables.get(home)
    if draft and draft.constraint(old):
        rename_constraint(state, draft, old, new)
        return
    index = state.indexes(home)[old]
    state.remove_index(home, old)
    state.put_index(home, replace(index, name=new))
    _rename_marks(draft, old, new)
    for child in state.children_of(home):
        for own in list(child.indexes.values()):
            if own.parent == Name(home.schema, old):
                parent = Name(home.schema, new)
                child.indexes[own.name] = replace(own, parent=parent)


def _rename_marks(draft: Draft | None, old: str, new: str) -> None:
    if draft and draft.table.replica_identity == old:
        draft.table = replace(draft.table, replica_identity=new)
    if draft and draft.table.cluster_on == old:
        draft.table = replace(draft.table, cluster_on=new)


def rename_constraint(state: State, draft: Draft, old: str, new: str) -> None:
    """Rename a constraint; a check and NOT NULL also in the table's children."""
    column = draft.not_null_column(old)
    found = draft.constraint(old)
    if column and column.not_null:
        not_null = replace(column.not_null, name=new)
        state.put_column(draft, replace(column, not_null=not_null))
    elif found:
        state.remove_constraint(draft, found)
        state.put_constraint(draft, replace(found, name=new))
        _rename_marks(draft, old, new)
    for child in state.children_of(draft.name):
        check = child.checks.get(old)
        inherited = isinstance(found, Check) and check is not None and check.inherited
        if inherited or (column and child.not_null_column(old)):
            rename_constraint(state, child, old, new)
