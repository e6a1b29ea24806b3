"""ALTER TABLE's forms on what is no table: views, indexes, sequences, composite types.

https://www.postgresql.org/docs/current/sql-alterindex.html and its siblings.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from postgast import pg_query_pb2 as pg

from ..model import Column, Name, Sequence, own_key
from .nodes import (
    collation,
    option_value,
    options,
    role,
)
from .state import Draft, State, Unsupported
from .table import (
    default_of,
)


def alter_view(state: State, name: Name, command: pg.AlterTableCmd) -> None:
    """ALTER VIEW, in the forms that ALTER TABLE has."""
    view = state.views[name]
    kind = command.subtype
    definition = getattr(command, "def")
    if kind == pg.AT_ChangeOwner:
        view = replace(view, owner=role(command.newowner))
    elif kind == pg.AT_SetRelOptions:
        view = replace(view, options={**view.options, **options(definition.list.items)})
    elif kind == pg.AT_ResetRelOptions:
        gone = options(definition.list.items)
        kept = {key: text for key, text in view.options.items() if key not in gone}
        view = replace(view, options=kept)
    elif kind == pg.AT_ColumnDefault:
        defaults = {key: text for key, text in view.column_defaults.items() if key != command.name}
        if command.HasField("def") and (default := default_of(state, definition)) is not None:
            defaults[command.name] = default
        view = replace(view, column_defaults=defaults)
    elif kind not in (pg.AT_ClusterOn, pg.AT_DropCluster, pg.AT_SetStatistics):
        raise Unsupported(f"{pg.AlterTableType.Name(kind)} of a view is not modelled")
    state.put_view(view)


def alter_index(state: State, home: Name, name: Name, command: pg.AlterTableCmd) -> None:
    """ALTER INDEX."""
    kind = command.subtype
    definition = getattr(command, "def")
    if kind == pg.AT_ChangeOwner:
        return
    if kind == pg.AT_SetStatistics:
        _set_index_statistics(state, home, name, command)
        return
    if kind == pg.AT_AttachPartition:
        _attach_index(state, home, name, state.existing(definition.partition_cmd.name))
        return
    index = state.indexes(home).get(name.name)
    given = options(definition.list.items) if kind != pg.AT_SetTableSpace else {}
    if index is None:
        _alter_key_index(state, state.tables[home], name.name, command, given)
    elif kind == pg.AT_SetRelOptions:
        state.put_index(home, replace(index, options={**index.options, **given}))
    elif kind == pg.AT_ResetRelOptions:
        kept = {key: text for key, text in index.options.items() if key not in given}
        state.put_index(home, replace(index, options=kept))
    elif kind == pg.AT_SetTableSpace:
        state.put_index(home, replace(index, tablespace=command.name))
    else:
        raise Unsupported(f"{pg.AlterTableType.Name(kind)} of an index is not modelled")


def _set_index_statistics(state: State, home: Name, name: Name, command: pg.AlterTableCmd) -> None:
    index = state.indexes(home).get(name.name)
    number = command.num - 1
    if index is None or not 0 <= number < len(index.parts):
        raise Unsupported(f"column {command.num} of index {name} is not known")
    value = int(option_value(getattr(command, "def")) or -1)
    part = replace(index.parts[number], statistics=None if value < 0 else value)
    parts = (*index.parts[:number], part, *index.parts[number + 1 :])
    state.put_index(home, replace(index, parts=parts))


def _alter_key_index(
    state: State, draft: Draft, name: str, command: pg.AlterTableCmd, given: dict[str, str]
) -> None:
    """ALTER INDEX of the index behind a constraint."""
    found = draft.keys.get(name) or draft.exclusions.get(name)
    if found is None:
        raise Unsupported(f"index {name} of {draft.name} is not known")
    if command.subtype == pg.AT_SetRelOptions:
        state.put_constraint(draft, replace(found, options={**found.options, **given}))
    elif command.subtype == pg.AT_ResetRelOptions:
        kept = {key: text for key, text in found.options.items() if key not in given}
        state.put_constraint(draft, replace(found, options=kept))


def _attach_index(state: State, home: Name, parent: Name, child: Name) -> None:
    relation = state.relations.get(child)
    if relation is None or relation.kind != "index":
        raise Unsupported(f"index {child} is not known")
    draft = state.tables[relation.home]
    if index := draft.indexes.get(child.name):
        state.put_index(relation.home, replace(index, parent=parent))
    key = draft.keys.get(child.name)
    if key and parent.name in state.tables[home].keys:
        state.put_constraint(draft, replace(key, inherited=True))
    owner = state.tables[home]
    whole = owner.indexes.get(parent.name)
    if whole and whole.only and _all_attached(state, owner, parent):
        state.put_index(home, replace(whole, only=False))


def _all_attached(state: State, owner: Draft, parent: Name) -> bool:
    whole = owner.indexes[parent.name]
    return all(
        any(index.parent == parent for index in child.indexes.values())
        or own_key(child.keys, whole)
        for child in state.children_of(owner.name)
    )


def alter_sequence(state: State, name: Name, command: pg.AlterTableCmd) -> None:
    """ALTER SEQUENCE, in the forms that ALTER TABLE has."""
    sequence = state.sequences.get(name)
    if sequence is None or command.subtype == pg.AT_ChangeOwner:
        return
    if command.subtype == pg.AT_SetLogged:
        state.put_sequence(_with_persistence(sequence, "permanent"))
    elif command.subtype == pg.AT_SetUnLogged:
        state.put_sequence(_with_persistence(sequence, "unlogged"))


def _with_persistence(
    sequence: Sequence, persistence: Literal["permanent", "unlogged"]
) -> Sequence:
    return replace(sequence, persistence=persistence)


def alter_composite(state: State, name: Name, command: pg.AlterTableCmd) -> None:
    """ALTER TYPE … ADD, DROP, ALTER ATTRIBUTE."""
    composite = state.composites.get(name)
    if composite is None:
        raise Unsupported(f"type {name} is not known")
    attributes = dict(composite.attributes)
    node = getattr(command, "def").column_def
    if command.subtype == pg.AT_DropColumn:
        attributes.pop(command.name, None)
    elif command.subtype == pg.AT_AddColumn:
        attributes[node.colname] = Column(
            node.colname,
            state.type_of(node.type_name),
            collation=collation(node.coll_clause.collname),
            at=state.at(node.location),
        )
    elif command.subtype == pg.AT_AlterColumnType:
        old = attributes[command.name]
        kind = state.type_of(node.type_name)
        changed = replace(old, type=kind, collation=collation(node.coll_clause.collname))
        attributes[command.name] = changed
    elif command.subtype != pg.AT_ChangeOwner:
        raise Unsupported("this change of a composite type is not modelled")
    state.put_composite(replace(composite, attributes=attributes))
    for draft in state.tables.values():
        if draft.table.of_type == name:
            for attribute in attributes.values():
                if attribute.name not in draft.columns:
                    state.put_column(draft, attribute)
