"""DROP of everything, one function for each kind of object.

https://www.postgresql.org/docs/current/sql-commands.html
"""

from __future__ import annotations

from collections.abc import Callable

from postgast import pg_query_pb2 as pg

from ..model import Name
from .attached import detach
from .code import function_signature
from .dependents import (
    drop_function,
    drop_index,
    drop_sequence,
    drop_table,
    drop_type,
    drop_view,
    names_of,
    require_no_views,
)
from .nodes import strings
from .opaque import key_of
from .state import State, Unsupported


def drop(state: State, node: pg.DropStmt) -> None:
    """DROP. Each object for itself; all must exist unless IF EXISTS."""
    handler = _DROPS.get(node.remove_type, _opaque)
    if node.remove_type in (pg.OBJECT_TABLE, pg.OBJECT_FOREIGN_TABLE):
        _release_each_other(state, node)
    for item in node.objects:
        try:
            handler(state, node, item)
        except Unsupported as error:
            if not (node.missing_ok and str(error).endswith(" is not known")):
                state.unsupported(str(error))


def _name(state: State, item: pg.Node) -> Name:
    (parts,) = names_of([item])
    return state.visible(parts[-2] if len(parts) > 1 else "", parts[-1], state.relations)


def _release_each_other(state: State, node: pg.DropStmt) -> None:
    """Tables that go together may reference each other."""
    names = {_name(state, item) for item in node.objects}
    for name in names & state.tables.keys():
        draft = state.tables[name]
        for foreign_key in list(draft.foreign_keys.values()):
            if foreign_key.table in names:
                state.remove_constraint(draft, foreign_key)


def _relation(state: State, node: pg.DropStmt, item: pg.Node) -> None:
    name = _name(state, item)
    relation = state.relations.get(name)
    cascade = node.behavior == pg.DROP_CASCADE
    if relation is None:
        raise Unsupported(f"relation {name} is not known")
    if relation.kind == "table":
        if not cascade:
            require_no_views(state, name)
        drop_table(state, name, cascade=cascade)
    elif relation.kind == "view":
        if not cascade:
            require_no_views(state, name)
        drop_view(state, name)
    elif relation.kind == "sequence":
        drop_sequence(state, name, cascade=cascade)
    elif relation.kind == "index" and name.name in state.indexes(relation.home):
        drop_index(state, relation.home, name.name)
    else:
        raise Unsupported(f"{name} belongs to something else and cannot be dropped by itself")


def _type(state: State, node: pg.DropStmt, item: pg.Node) -> None:
    (parts,) = names_of([item])
    types = {**state.enums, **state.domains, **state.composites, **state.ranges}
    name = state.visible(parts[-2] if len(parts) > 1 else "", parts[-1], types)
    if not state.is_type(name) or name in state.tables:
        raise Unsupported(f"type {name} is not known")
    drop_type(state, name, cascade=node.behavior == pg.DROP_CASCADE)


def _function(state: State, node: pg.DropStmt, item: pg.Node) -> None:
    cascade = node.behavior == pg.DROP_CASCADE
    try:
        signature = function_signature(state, item.object_with_args)
    except Unsupported:
        if node.remove_type != pg.OBJECT_ROUTINE:
            raise
        _opaque_as(state, pg.OBJECT_AGGREGATE, item)
        return
    drop_function(state, signature, cascade=cascade)


def _part(state: State, node: pg.DropStmt, item: pg.Node) -> None:
    """A trigger, a policy or a rule."""
    *parts, own = strings(item.list.items)
    name = state.visible(parts[-2] if len(parts) > 1 else "", parts[-1], state.relations)
    detach(state, name, node.remove_type, own)


def _schema(state: State, node: pg.DropStmt, item: pg.Node) -> None:
    name = item.string.sval
    if not state.has_schema(name):
        raise Unsupported(f"schema {name} is not known")
    cascade = node.behavior == pg.DROP_CASCADE
    inside = [key for key in state.relations if key.schema == name]
    functions = [key for key, function in state.functions.items() if function.name.schema == name]
    types = [key for key in {**state.enums, **state.domains, **state.ranges} if key.schema == name]
    if not cascade and (inside or functions or types):
        raise Unsupported(f"schema {name} is not empty: CASCADE is missing")
    for key in inside:
        relation = state.relations.get(key)
        if relation and relation.kind == "table":
            drop_table(state, key, cascade=True)
        elif relation and relation.kind == "view":
            drop_view(state, key)
    for key in [key for key in state.sequences if key.schema == name]:
        drop_sequence(state, key)
    for key in [*types, *(key for key in state.composites if key.schema == name)]:
        drop_type(state, key, cascade=True)
    for signature in functions:
        if signature in state.functions:
            drop_function(state, signature, cascade=True)
    for kind, text in [key for key in state.opaque if key[1].startswith(f"{name}.")]:
        del state.opaque[kind, text]
    for extension in [item for item in state.extensions.values() if item.schema == name]:
        del state.extensions[extension.name]
    for grant in [item for item in state.grants if (item.kind, item.object) == ("schema", name)]:
        del state.grants[grant]
    state.namespaces.pop(name, None)


def _extension(state: State, node: pg.DropStmt, item: pg.Node) -> None:
    name = item.string.sval
    if name not in state.extensions:
        raise Unsupported(f"extension {name} is not known")
    del state.extensions[name]
    if node.behavior == pg.DROP_CASCADE:
        state.unsupported(f"what else goes with extension {name} is not known")


def _opaque(state: State, node: pg.DropStmt, item: pg.Node) -> None:
    _opaque_as(state, node.remove_type, item)


def _opaque_as(state: State, kind: int, item: pg.Node) -> None:
    key = key_of(state, kind, item)
    del state.opaque[key]
    if key[0] == "operator class":
        state.opaque.pop(("operator family", key[1]), None)


_DROPS: dict[int, Callable[[State, pg.DropStmt, pg.Node], None]] = {
    pg.OBJECT_TABLE: _relation,
    pg.OBJECT_FOREIGN_TABLE: _relation,
    pg.OBJECT_VIEW: _relation,
    pg.OBJECT_MATVIEW: _relation,
    pg.OBJECT_SEQUENCE: _relation,
    pg.OBJECT_INDEX: _relation,
    pg.OBJECT_TYPE: _type,
    pg.OBJECT_DOMAIN: _type,
    pg.OBJECT_FUNCTION: _function,
    pg.OBJECT_PROCEDURE: _function,
    pg.OBJECT_ROUTINE: _function,
    pg.OBJECT_TRIGGER: _part,
    pg.OBJECT_POLICY: _part,
    pg.OBJECT_RULE: _part,
    pg.OBJECT_SCHEMA: _schema,
    pg.OBJECT_EXTENSION: _extension,
}
