"""Folding more statements onto a schema that is there already."""

from __future__ import annotations

from collections import Counter

from ..model import Grant, Name, Schema, Table, View
from .parse import fold_one
from .state import TAKEN, Draft, Relation, State
from .tree import Parsed


def resumed(schema: Schema) -> State:
    """The state that a fold would have come to; the schema itself stays as it is."""
    state = State()
    state.namespaces = dict(schema.namespaces)
    state.extensions = dict(schema.extensions)
    state.enums = dict(schema.enums)
    state.domains = dict(schema.domains)
    state.ranges = dict(schema.ranges)
    state.functions = dict(schema.functions)
    state.opaque = dict(schema.opaque)
    taken = {Grant(TAKEN + grant.privilege, *grant[1:]): at for grant, at in schema.revoked.items()}
    state.grants = {**schema.grants, **taken}
    for composite in schema.composites.values():
        state.put_composite(composite)
    for sequence in schema.sequences.values():
        state.put_sequence(sequence)
    for table in schema.tables.values():
        _put_table(state, table)
    for view in schema.views.values():
        state.put_view(view)
        _put_indexes(state, view.name, view)
    return state


def fold_more(state: State, parsed: Parsed) -> None:
    """Fold one statement; what it could not do is the last of `state.unread`."""
    state.parsed = parsed
    fold_one(state, parsed)


def _put_table(state: State, table: Table) -> None:
    draft = Draft(
        table,
        dict(table.columns),
        dict(table.keys),
        dict(table.foreign_keys),
        dict(table.checks),
        dict(table.exclusions),
        dict(table.indexes),
        dict(table.triggers),
        dict(table.policies),
        dict(table.rules),
    )
    state.put_table(draft)
    schema = table.name.schema
    for constraint in draft.constraints():
        state.constraint_names[Name(schema, constraint.name)] += 1
    for column in table.columns.values():
        state.used_types.add(column.type.name)
        if column.not_null:
            state.constraint_names[Name(schema, column.not_null.name)] += 1
        if column.identity:
            state.relations.setdefault(column.identity.sequence, Relation("identity", table.name))
    for foreign_key in table.foreign_keys.values():
        state.referrers.setdefault(foreign_key.table, Counter())[table.name] += 1
    for name in (*table.keys, *table.exclusions):
        state.relations[Name(schema, name)] = Relation("index", table.name)
    _put_indexes(state, table.name, table)


def _put_indexes(state: State, home: Name, owner: Table | View) -> None:
    for index in owner.indexes.values():
        state.relations[Name(home.schema, index.name)] = Relation("index", home)
