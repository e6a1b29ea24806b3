"""Who owns and may use what, and what is said about it: GRANT, OWNER TO, COMMENT ON.

https://www.postgresql.org/docs/current/ddl-priv.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from postgast import pg_query_pb2 as pg

from ..model import Function, Grant, Name
from . import opaque
from .attached import change
from .code import function_signature
from .nodes import role, strings
from .state import TAKEN, State, Unsupported

_ALL = {
    "table": (
        "delete",
        "insert",
        "maintain",
        "references",
        "select",
        "trigger",
        "truncate",
        "update",
    ),
    "column": ("insert", "references", "select", "update"),
    "sequence": ("select", "update", "usage"),
    "function": ("execute",),
    "schema": ("create", "usage"),
    "type": ("usage",),
    "server": ("usage",),
    "foreign data wrapper": ("usage",),
}
_KINDS = {
    pg.OBJECT_TABLE: "table",
    pg.OBJECT_SEQUENCE: "sequence",
    pg.OBJECT_FUNCTION: "function",
    pg.OBJECT_PROCEDURE: "function",
    pg.OBJECT_ROUTINE: "function",
    pg.OBJECT_SCHEMA: "schema",
    pg.OBJECT_TYPE: "type",
    pg.OBJECT_DOMAIN: "type",
    pg.OBJECT_FOREIGN_SERVER: "server",
    pg.OBJECT_FDW: "foreign data wrapper",
}
_TO_ALL_BY_DEFAULT = {("function", "execute"), ("type", "usage")}
_OWNERS = frozenset({"current_user", "session_user", "current_role"})


class _Target(NamedTuple):
    kind: str
    object: str
    owner: str


def grant(state: State, node: pg.GrantStmt) -> None:
    """GRANT and REVOKE of privileges on objects."""
    kind = _KINDS.get(node.objtype)
    if kind is None:
        words = pg.ObjectType.Name(node.objtype).removeprefix("OBJECT_").lower()
        raise Unsupported(f"privileges on this kind of object ({words}) are no part of a schema")
    for target in _targets(state, node, kind):
        _apply(state, node, target)


def grant_defaults(state: State, made: Iterable[tuple[str, Name | Function]]) -> None:
    """Give what ALTER DEFAULT PRIVILEGES promised on new objects, each with its kind."""
    for kind, item in made:
        name = item.name if isinstance(item, Function) else item
        for schemas, action in state.default_grants:
            if _KINDS.get(action.objtype) != kind or (schemas and name.schema not in schemas):
                continue
            target = _function(item) if isinstance(item, Function) else _relation(state, item)
            _apply(state, action, target)


def _apply(state: State, node: pg.GrantStmt, target: _Target) -> None:
    for privilege, column in _privileges(node, target.kind):
        columns = (column,) if column else ()
        for item in node.grantees:
            grantee = role(item.role_spec)
            entry = Grant(privilege, target.kind, target.object, grantee, columns)
            if node.is_grant:
                _give(state, target, entry, grantable=node.grant_option)
            else:
                _take(state, entry, option_only=node.grant_option)


def _targets(state: State, node: pg.GrantStmt, kind: str) -> Iterator[_Target]:
    if node.targtype == pg.ACL_TARGET_ALL_IN_SCHEMA:
        for schema in strings(node.objects):
            yield from _all_in_schema(state, schema, kind)
        return
    for item in node.objects:
        of = item.WhichOneof("node")
        if of == "range_var":
            yield _relation(state, state.existing(item.range_var))
        elif of == "object_with_args":
            signature = function_signature(state, item.object_with_args)
            yield _function(state.functions[signature])
        elif of == "string":
            yield _Target(kind, item.string.sval, "")
        else:
            nodes = item.type_name.names if of == "type_name" else item.list.items
            name = state.object_name(nodes, {**state.enums, **state.domains, **state.composites})
            yield _Target(kind, ".".join(name), "")


def _relation(state: State, name: Name) -> _Target:
    relation = state.relations.get(name)
    if relation is None:
        raise Unsupported(f"relation {name} is not known")
    if relation.kind in ("sequence", "identity"):
        return _Target("sequence", ".".join(name), "")
    owner = state.tables[name].table.owner if name in state.tables else state.views[name].owner
    return _Target("table", ".".join(name), owner)


def _function(function: Function) -> _Target:
    words = {"out": "OUT ", "inout": "INOUT ", "variadic": "VARIADIC "}
    arguments = ", ".join(
        f"{words.get(argument.mode, '')}{f'{argument.name} ' if argument.name else ''}"
        f"{argument.type}"
        for argument in function.arguments
        if argument.mode != "table"
    )
    return _Target("function", f"{'.'.join(function.name)}({arguments})", function.owner)


def _all_in_schema(state: State, schema: str, kind: str) -> Iterator[_Target]:
    if kind == "function":
        for function in state.functions.values():
            if function.name.schema == schema:
                yield _function(function)
        return
    wanted = ("table", "view") if kind == "table" else ("sequence", "identity")
    for name, relation in list(state.relations.items()):
        if name.schema == schema and relation.kind in wanted:
            yield _relation(state, name)


def _privileges(node: pg.GrantStmt, kind: str) -> Iterator[tuple[str, str]]:
    """The privileges, each with a column or none. ALL is an empty list, or has no name."""
    if not node.privileges:
        yield from ((privilege, "") for privilege in _ALL[kind])
    for item in node.privileges:
        access = item.access_priv
        columns = strings(access.cols)
        names = [access.priv_name] if access.priv_name else _ALL["column" if columns else kind]
        for column in columns or [""]:
            yield from ((name.lower(), column) for name in names)


def _give(state: State, target: _Target, entry: Grant, *, grantable: bool) -> None:
    if _is_default(entry):
        state.grants.pop(_taken(entry), None)
        return
    if entry.grantee in _OWNERS or entry.grantee == target.owner:
        return
    stronger = entry._replace(grantable=True)
    if stronger in state.grants:
        return
    if grantable:
        state.grants.pop(entry, None)
        entry = stronger
    state.grants[entry] = state.at()


def _take(state: State, entry: Grant, *, option_only: bool) -> None:
    """Revoking a privilege on a table takes it from its columns, too."""
    if _is_default(entry) and not option_only:
        state.grants[_taken(entry)] = state.at()
    for old in list(state.grants):
        same = old._replace(grantable=False, columns=entry.columns or ()) == entry
        if same and (old.columns == entry.columns or not entry.columns):
            at = state.grants.pop(old)
            if option_only:
                state.grants[old._replace(grantable=False)] = at


def _is_default(entry: Grant) -> bool:
    """Whether PUBLIC has the privilege unless the owner revokes it."""
    known = (entry.kind, entry.privilege) in _TO_ALL_BY_DEFAULT and entry.grantee == "public"
    return known or entry == Grant("usage", "schema", "public", "public")


def _taken(entry: Grant) -> Grant:
    return entry._replace(privilege=TAKEN + entry.privilege)


def alter_owner(state: State, node: pg.AlterOwnerStmt) -> None:
    """ALTER … OWNER TO, of what is no relation. The new owner needs no privileges any more."""
    owner = role(node.newowner)
    kind = node.object_type
    of = node.object.WhichOneof("node")
    if kind in (pg.OBJECT_FUNCTION, pg.OBJECT_PROCEDURE, pg.OBJECT_ROUTINE):
        signature = function_signature(state, node.object.object_with_args)
        function = replace(state.functions[signature], owner=owner)
        state.functions[signature] = function
        forget_owner(state, _function(function).object, owner)
    elif kind == pg.OBJECT_SCHEMA:
        name = node.object.string.sval
        if name in state.namespaces:
            state.namespaces[name] = replace(state.namespaces[name], owner=owner)
            forget_owner(state, name, owner)
        elif not state.has_schema(name):
            raise Unsupported(f"schema {name} is not known")
    elif kind in (pg.OBJECT_TYPE, pg.OBJECT_DOMAIN):
        nodes = node.object.type_name.names if of == "type_name" else node.object.list.items
        types = {**state.enums, **state.domains, **state.composites, **state.ranges}
        name_of_type = state.object_name(nodes, types)
        if name_of_type not in types and ("type", str(name_of_type)) not in state.opaque:
            raise Unsupported(f"type {name_of_type} is not known")
    elif kind not in (pg.OBJECT_DATABASE, pg.OBJECT_TABLESPACE, pg.OBJECT_LARGEOBJECT):
        opaque.key_of(state, kind, node.object)


def forget_owner(state: State, name: str, owner: str) -> None:
    """An owner's privileges are none that were granted."""
    for entry in [entry for entry in state.grants if entry.object == name]:
        if entry.grantee == owner:
            del state.grants[entry]


# Comments


def comment(state: State, node: pg.CommentStmt) -> None:
    """COMMENT ON; an empty comment is none."""
    if node.objtype in _COMMENTS:
        _COMMENTS[node.objtype](state, node)
    elif node.objtype not in _WITHOUT_MODEL:
        key = opaque.key_of(state, node.objtype, node.object)
        state.opaque[key] = replace(state.opaque[key], comment=node.comment)


_WITHOUT_MODEL = (pg.OBJECT_DATABASE, pg.OBJECT_ROLE, pg.OBJECT_TABLESPACE, pg.OBJECT_LARGEOBJECT)


def _name(state: State, parts: list[str]) -> Name:
    schema = parts[-2] if len(parts) > 1 else ""
    return state.visible(schema, parts[-1], state.relations)


def _on_relation(state: State, node: pg.CommentStmt) -> None:
    name = _name(state, strings(node.object.list.items))
    text = node.comment
    relation = state.relations.get(name)
    if relation is None:
        raise Unsupported(f"relation {name} is not known")
    if relation.kind == "table":
        draft = state.tables[name]
        draft.table = replace(draft.table, comment=text)
    elif relation.kind == "view":
        state.put_view(replace(state.views[name], comment=text))
    elif relation.kind == "sequence":
        state.put_sequence(replace(state.sequences[name], comment=text))
    elif relation.kind == "index" and name.name in state.indexes(relation.home):
        index = state.indexes(relation.home)[name.name]
        state.put_index(relation.home, replace(index, comment=text))
    else:
        raise Unsupported(f"a comment on {name} has no place in the model")


def _on_column(state: State, node: pg.CommentStmt) -> None:
    *parts, column = strings(node.object.list.items)
    name = _name(state, parts)
    if draft := state.tables.get(name):
        if column not in draft.columns:
            raise Unsupported(f"column {column} of {name} is not known")
        found = draft.columns[column]
        draft.columns[column] = replace(found, comment=node.comment)
    elif composite := state.composites.get(name):
        attribute = replace(composite.attributes[column], comment=node.comment)
        attributes = {**composite.attributes, column: attribute}
        state.put_composite(replace(composite, attributes=attributes))
    elif name in state.views:
        view = state.views[name]
        comments = {**view.column_comments, column: node.comment}
        kept = {key: text for key, text in comments.items() if text}
        state.views[name] = replace(view, column_comments=kept)
    else:
        raise Unsupported(f"relation {name} is not known")


def _on_constraint(state: State, node: pg.CommentStmt) -> None:
    *parts, constraint = strings(node.object.list.items)
    draft = state.tables.get(_name(state, parts))
    found = draft.constraint(constraint) if draft else None
    if draft is None or found is None:
        raise Unsupported(f"constraint {constraint} of {'.'.join(parts)} is not known")
    state.put_constraint(draft, replace(found, comment=node.comment))


def _on_domain_constraint(state: State, node: pg.CommentStmt) -> None:
    kind, constraint = node.object.list.items
    name = state.object_name(kind.type_name.names, state.domains)
    domain = state.domains.get(name)
    check = domain.checks.get(constraint.string.sval) if domain else None
    if domain is None or check is None:
        raise Unsupported(f"constraint {constraint.string.sval} of {name} is not known")
    checks = {**domain.checks, check.name: replace(check, comment=node.comment)}
    state.domains[name] = replace(domain, checks=checks)


def _on_part(state: State, node: pg.CommentStmt) -> None:
    *parts, own = strings(node.object.list.items)
    change(state, _name(state, parts), node.objtype, own, comment=node.comment)


def _on_type(state: State, node: pg.CommentStmt) -> None:
    names = node.object.type_name.names
    types = {**state.enums, **state.domains, **state.composites, **state.ranges}
    name = state.object_name(names, types)
    if name in state.enums:
        state.enums[name] = replace(state.enums[name], comment=node.comment)
    elif name in state.domains:
        state.domains[name] = replace(state.domains[name], comment=node.comment)
    elif name in state.composites:
        state.composites[name] = replace(state.composites[name], comment=node.comment)
    elif name in state.ranges:
        state.ranges[name] = replace(state.ranges[name], comment=node.comment)
    else:
        key = opaque.key_of(state, pg.OBJECT_TYPE, node.object)
        state.opaque[key] = replace(state.opaque[key], comment=node.comment)


def _on_function(state: State, node: pg.CommentStmt) -> None:
    signature = function_signature(state, node.object.object_with_args)
    state.functions[signature] = replace(state.functions[signature], comment=node.comment)


def _on_schema(state: State, node: pg.CommentStmt) -> None:
    name = node.object.string.sval
    if name in state.namespaces:
        state.namespaces[name] = replace(state.namespaces[name], comment=node.comment)
    elif not state.has_schema(name):
        raise Unsupported(f"schema {name} is not known")


def _on_extension(state: State, node: pg.CommentStmt) -> None:
    name = node.object.string.sval
    if name not in state.extensions:
        raise Unsupported(f"extension {name} is not known")
    state.extensions[name] = replace(state.extensions[name], comment=node.comment)


_COMMENTS: dict[int, Callable[[State, pg.CommentStmt], None]] = {
    pg.OBJECT_TABLE: _on_relation,
    pg.OBJECT_FOREIGN_TABLE: _on_relation,
    pg.OBJECT_VIEW: _on_relation,
    pg.OBJECT_MATVIEW: _on_relation,
    pg.OBJECT_INDEX: _on_relation,
    pg.OBJECT_SEQUENCE: _on_relation,
    pg.OBJECT_COLUMN: _on_column,
    pg.OBJECT_TABCONSTRAINT: _on_constraint,
    pg.OBJECT_DOMCONSTRAINT: _on_domain_constraint,
    pg.OBJECT_TRIGGER: _on_part,
    pg.OBJECT_POLICY: _on_part,
    pg.OBJECT_RULE: _on_part,
    pg.OBJECT_TYPE: _on_type,
    pg.OBJECT_DOMAIN: _on_type,
    pg.OBJECT_FUNCTION: _on_function,
    pg.OBJECT_PROCEDURE: _on_function,
    pg.OBJECT_ROUTINE: _on_function,
    pg.OBJECT_SCHEMA: _on_schema,
    pg.OBJECT_EXTENSION: _on_extension,
}
