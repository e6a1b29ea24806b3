"""What DROP takes away, with what depends on it.

https://www.postgresql.org/docs/current/sql-droptable.html and its siblings; 5.15 "Dependency
Tracking" for what goes by itself and what needs CASCADE.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from postgast import PgQueryError
from postgast import pg_query_pb2 as pg

from ..model import Column, ForeignKey, Index, IndexPart, Key, Name, Sql, View, own_key
from . import tree
from .nodes import strings
from .state import Draft, State, Unsupported


def mentions(expression: Sql | None, column: str) -> bool:
    """Whether an expression may use a column of that name."""
    if expression is None or column not in expression:
        return False
    return column in tree.column_names(tree.parse_expression(expression))


def _part_mentions(part: IndexPart, column: str) -> bool:
    if part.is_column:
        return part.expression == column
    return mentions(part.expression, column)


def index_mentions(index: Index, column: str) -> bool:
    """Whether an index uses a column."""
    return (
        column in index.include
        or any(_part_mentions(part, column) for part in index.parts)
        or mentions(index.where, column)
    )


# Columns and constraints


def drop_column(
    state: State, draft: Draft, name: str, *, cascade: bool, recurse: bool = True
) -> None:
    """Drop a column with its indexes and constraints, and with CASCADE what uses it."""
    _drop_constraints_on(state, draft, name, cascade=cascade)
    for index in list(draft.indexes.values()):
        if index_mentions(index, name):
            drop_index(state, draft.name, index.name)
    for sequence in list(state.sequences.values()):
        if sequence.owned_by == (draft.name, name):
            drop_sequence(state, sequence.name)
    state.remove_column(draft, name)
    _drop_users_of_column(state, draft, name, cascade=cascade)
    for grant in [grant for grant in state.grants if grant.columns == (name,)]:
        if grant.kind == "table" and grant.object == ".".join(draft.name):
            del state.grants[grant]
    for child in state.children_of(draft.name):
        column = child.columns.get(name)
        if column and column.inherited and recurse:
            drop_column(state, child, name, cascade=cascade)
        elif column:
            state.put_column(child, replace(column, inherited=False))


def _drop_constraints_on(state: State, draft: Draft, name: str, *, cascade: bool) -> None:
    for key in list(draft.keys.values()):
        if name in key.columns or name in key.include:
            drop_constraint(state, draft, key.name, cascade=cascade, recurse=False)
    for foreign_key in list(draft.foreign_keys.values()):
        if name in foreign_key.columns:
            state.remove_constraint(draft, foreign_key)
    for check in list(draft.checks.values()):
        if mentions(check.expression, name):
            state.remove_constraint(draft, check)
    for exclusion in list(draft.exclusions.values()):
        parts = any(_part_mentions(part, name) for part in exclusion.parts)
        if parts or name in exclusion.include or mentions(exclusion.where, name):
            state.remove_constraint(draft, exclusion)


def _drop_users_of_column(state: State, draft: Draft, name: str, *, cascade: bool) -> None:
    """What CASCADE takes; a statement without it would have failed if there were any."""
    for column in list(draft.columns.values()):
        if column.generated and mentions(column.generated.expression, name):
            drop_column(state, draft, column.name, cascade=cascade)
    for policy in list(draft.policies.values()):
        if mentions(policy.using, name) or mentions(policy.check, name):
            del draft.policies[policy.name]
    for trigger in list(draft.triggers.values()):
        if name in trigger.update_of or mentions(trigger.when, name):
            del draft.triggers[trigger.name]
    if cascade:
        for view in list(state.views.values()):
            if view.name in state.views and _view_uses_column(state, view, draft.name, name):
                drop_view(state, view.name)


def _view_uses_column(state: State, view: View, table: Name, column: str) -> bool:
    if table.name not in view.query or column not in view.query:
        return False
    parsed = tree.parse_query(view.query)
    return table in relations_in(state, parsed) and column in tree.column_names(parsed)


def drop_constraint(
    state: State, draft: Draft, name: str, *, cascade: bool, recurse: bool = True
) -> None:
    """Drop a constraint, NOT NULL included, here and where it was inherited."""
    column = draft.not_null_column(name)
    if column is not None:
        _drop_not_null(state, draft, column, recurse=recurse)
        return
    found = draft.constraint(name)
    if found is None:
        return
    if isinstance(found, Key):
        _drop_foreign_keys_to(state, draft, found, cascade=cascade)
    if draft.table.replica_identity == name:
        draft.table = replace(draft.table, replica_identity="default")
    if draft.table.cluster_on == name:
        draft.table = replace(draft.table, cluster_on="")
    state.remove_constraint(draft, found)
    for child in state.children_of(draft.name):
        inherited = _inherited_copy(child, found)
        if inherited and recurse:
            drop_constraint(state, child, inherited, cascade=cascade)


def _inherited_copy(child: Draft, constraint: object) -> str:
    """The name of the child's copy of its parent's constraint."""
    if isinstance(constraint, Key):
        for key in child.keys.values():
            if key.inherited and key.columns == constraint.columns:
                return key.name
    elif isinstance(constraint, ForeignKey):
        for own in child.foreign_keys.values():
            if own.inherited and (own.columns, own.table) == (constraint.columns, constraint.table):
                return own.name
    elif name := getattr(constraint, "name", ""):
        check = child.checks.get(name)
        return name if check and check.inherited else ""
    return ""


def _drop_not_null(state: State, draft: Draft, column: Column, *, recurse: bool) -> None:
    state.put_column(draft, replace(column, not_null=None))
    for child in state.children_of(draft.name) if recurse else ():
        own = child.columns.get(column.name)
        if own and own.not_null and column.not_null and own.not_null.name == column.not_null.name:
            _drop_not_null(state, child, own, recurse=True)


def _drop_foreign_keys_to(state: State, draft: Draft, key: Key, *, cascade: bool) -> None:
    for referrer in list(state.referrers.get(draft.name, ())):
        other = state.tables.get(referrer)
        for foreign_key in list(other.foreign_keys.values()) if other else ():
            if foreign_key.table == draft.name and set(foreign_key.referenced) == set(key.columns):
                if not cascade and _other_key(draft, key):
                    continue
                if not cascade and other is not draft:
                    raise Unsupported(
                        f"{foreign_key.name} of {referrer} needs {key.name}: CASCADE is missing"
                    )
                if other:
                    state.remove_constraint(other, foreign_key)


def _other_key(draft: Draft, key: Key) -> bool:
    return any(
        other is not key and set(other.columns) == set(key.columns) for other in draft.keys.values()
    )


# Relations


def drop_index(state: State, home: Name, name: str) -> None:
    """Drop an index, and its parts on partitions: copies, or keys that were attached."""
    draft = state.tables.get(home)
    gone = draft.indexes.get(name) if draft else None
    state.remove_index(home, name)
    if draft is None:
        return
    if draft.table.replica_identity == name:
        draft.table = replace(draft.table, replica_identity="default")
    if draft.table.cluster_on == name:
        draft.table = replace(draft.table, cluster_on="")
    for child in state.children_of(home):
        parts = [i for i in child.indexes.values() if i.parent == Name(home.schema, name)]
        for index in parts:
            drop_index(state, child.name, index.name)
        if gone and not parts and not gone.only and (key := own_key(child.keys, gone)):
            drop_constraint(state, child, key.name, cascade=True)


def drop_table(state: State, name: Name, *, cascade: bool) -> None:
    """Drop a table with what belongs to it, and with CASCADE what uses it."""
    draft = state.tables[name]
    for child in state.children_of(name):
        if not cascade and not child.table.partition_of:
            raise Unsupported(f"{child.name} inherits from {name}: CASCADE is missing")
    _drop_foreign_keys_to_table(state, draft, cascade=cascade)
    for child in state.children_of(name):
        if child.name in state.tables:  # not gone with another parent
            drop_table(state, child.name, cascade=cascade)
    if cascade:
        drop_views_of(state, name)
        drop_columns_of_type(state, name)
    for constraint in list(draft.constraints()):
        state.remove_constraint(draft, constraint)
    for index in list(draft.indexes):
        state.remove_index(name, index)
    for column in list(draft.columns):
        state.remove_column(draft, column)
    for sequence in list(state.sequences.values()):
        if sequence.owned_by and sequence.owned_by[0] == name:
            drop_sequence(state, sequence.name)
    for parent in state.parents(draft):
        state.children.get(parent, {}).pop(name, None)
    state.children.pop(name, None)
    del state.tables[name]
    state.relations.pop(name, None)
    drop_grants(state, "table", name)


def _drop_foreign_keys_to_table(state: State, draft: Draft, *, cascade: bool) -> None:
    for referrer in list(state.referrers.get(draft.name, ())):
        other = state.tables.get(referrer)
        if other is None or other is draft:
            continue
        for foreign_key in list(other.foreign_keys.values()):
            if foreign_key.table != draft.name:
                continue
            if not cascade:
                raise Unsupported(
                    f"{foreign_key.name} of {referrer} references {draft.name}: CASCADE is missing"
                )
            state.remove_constraint(other, foreign_key)


def drop_view(state: State, name: Name) -> None:
    """Drop a view and the views on it."""
    _forget_view(state, name)
    drop_views_of(state, name)


def drop_views_of(state: State, relation: Name) -> None:
    """Drop the views that read a relation, and those that read them."""
    todo = [relation]
    while todo:
        gone = todo.pop()
        readers = [view for view in state.views.values() if reads(view, gone)]
        for view in readers:
            _forget_view(state, view.name)
        todo += [view.name for view in readers]


def _forget_view(state: State, name: Name) -> None:
    view = state.views.pop(name)
    state.relations.pop(name, None)
    for index in view.indexes:
        state.relations.pop(Name(name.schema, index), None)
    drop_grants(state, "table", name)


def reads(view: View, relation: Name) -> bool:
    """Whether a view's query names a relation, without schema where that may be the view's."""
    if relation.name not in view.query:
        return False
    unqualified = relation.schema in ("public", view.name.schema)
    schemas = ("", relation.schema) if unqualified else (relation.schema,)
    return any(
        node.relname == relation.name and node.schemaname in schemas
        for node in tree.relations(tree.parse_query(view.query))
    )


def require_no_views(state: State, relation: Name) -> None:
    """Raise `Unsupported` when a view reads a relation."""
    for view in state.views.values():
        if view.name != relation and reads(view, relation):
            raise Unsupported(f"view {view.name} reads {relation}: CASCADE is missing")


def relations_in(state: State, parsed: pg.ParseResult) -> set[Name]:
    """The relations a query names."""
    return {state.existing(node) for node in tree.relations(parsed)}


def drop_sequence(state: State, name: Name, *, cascade: bool = True) -> None:
    """Drop a sequence, and the defaults that draw from it."""
    for draft in state.tables.values():
        for column in list(draft.columns.values()):
            if column.default and uses_sequence(state, column.default, name):
                if not cascade:
                    raise Unsupported(
                        f"column {column.name} of {draft.name} needs {name}: CASCADE is missing"
                    )
                state.put_column(draft, replace(column, default=None))
    state.sequences.pop(name, None)
    state.relations.pop(name, None)
    drop_grants(state, "sequence", name)


def uses_sequence(state: State, default: Sql, name: Name) -> bool:
    """Whether an expression has the sequence as a `regclass` constant."""
    if "nextval" not in default or name.name not in default:
        return False
    for node in tree.walk(tree.parse_expression(default)):
        if isinstance(node, pg.TypeCast) and node.type_name.names:
            is_class = node.type_name.names[-1].string.sval == "regclass"
            if is_class and sequence_of(state, node.arg.a_const.sval.sval) == name:
                return True
    return False


def sequence_of(state: State, text: str) -> Name | None:
    """The relation a `regclass` literal names."""
    try:
        reference = tree.expression_of(tree.parse_expression(text))
    except PgQueryError:
        return None
    parts = strings(reference.column_ref.fields)
    if not parts:
        return None
    return state.visible(parts[-2] if len(parts) > 1 else "", parts[-1], state.relations)


def drop_grants(state: State, kind: str, name: Name) -> None:
    """Forget the privileges on an object."""
    text = ".".join(name)
    for grant in [grant for grant in state.grants if grant.object == text and grant.kind == kind]:
        del state.grants[grant]


def drop_columns_of_type(state: State, name: Name) -> None:
    """Drop the columns, domains and functions that use a type."""
    for draft in list(state.tables.values()):
        for column in list(draft.columns.values()):
            if (column.type.schema, column.type.name) == name and column.name in draft.columns:
                drop_column(state, draft, column.name, cascade=True)
    for composite in list(state.composites.values()):
        kept = {
            key: attribute
            for key, attribute in composite.attributes.items()
            if (attribute.type.schema, attribute.type.name) != name
        }
        if len(kept) < len(composite.attributes):
            state.put_composite(replace(composite, attributes=kept))
    for function in list(state.functions.values()):
        types = [(argument.type.schema, argument.type.name) for argument in function.arguments]
        if name in types or function.returns.removeprefix("SETOF ") == str(name):
            del state.functions[function.signature]
    for domain in list(state.domains.values()):
        if (domain.type.schema, domain.type.name) == name:
            drop_type(state, domain.name, cascade=True)


def drop_type(state: State, name: Name, *, cascade: bool) -> None:
    """Drop a type, and with CASCADE what uses it."""
    user = _user_of_type(state, name)
    if user and not cascade:
        raise Unsupported(f"{user} uses type {name}: CASCADE is missing")
    if user:
        drop_columns_of_type(state, name)
    state.enums.pop(name, None)
    state.domains.pop(name, None)
    state.ranges.pop(name, None)
    if state.composites.pop(name, None):
        state.relations.pop(name, None)
    state.opaque.pop(("type", str(name)), None)
    drop_grants(state, "type", name)


def _user_of_type(state: State, name: Name) -> str:
    for draft in state.tables.values():
        for column in draft.columns.values():
            if (column.type.schema, column.type.name) == name:
                return f"column {column.name} of {draft.name}"
    for domain in state.domains.values():
        if (domain.type.schema, domain.type.name) == name:
            return f"domain {domain.name}"
    for function in state.functions.values():
        for argument in function.arguments:
            if (argument.type.schema, argument.type.name) == name:
                return f"function {function.signature}"
    return ""


def signatures(state: State, name: Name) -> list[str]:
    """The signatures of the functions of a name."""
    return [key for key, function in state.functions.items() if function.name == name]


def drop_function(state: State, signature: str, *, cascade: bool) -> None:
    """Drop a function, and with CASCADE its triggers."""
    function = state.functions[signature]
    shared = len(signatures(state, function.name)) > 1
    for draft in state.tables.values():
        for trigger in list(draft.triggers.values()):
            if trigger.function == function.name and not shared:
                if not cascade:
                    raise Unsupported(
                        f"trigger {trigger.name} of {draft.name} needs it: CASCADE is missing"
                    )
                del draft.triggers[trigger.name]
    del state.functions[signature]


def names_of(objects: Iterable[pg.Node]) -> Iterable[list[str]]:
    """The qualified names in a DROP."""
    for item in objects:
        kind = item.WhichOneof("node")
        if kind == "list":
            yield strings(item.list.items)
        elif kind == "type_name":
            yield strings(item.type_name.names)
        elif kind == "object_with_args":
            yield strings(item.object_with_args.objname)
        elif kind == "string":
            yield [item.string.sval]
