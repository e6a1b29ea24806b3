"""ALTER … RENAME and SET SCHEMA: the new name everywhere the old one was used.

PostgreSQL's catalog refers to objects by number, so expressions and views follow a rename; bodies
of functions are text and do not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from postgast import pg_query_pb2 as pg

from ..model import Name
from . import attached, tree
from .code import function_signature
from .rename_columns import rename_attribute, rename_column
from .rename_relations import move_relation, rename_constraint
from .rename_types import move_function, move_type, rename_function, rename_type, type_names
from .rewrite import rekeyed
from .state import State, Unsupported


def rename(state: State, node: pg.RenameStmt) -> None:
    """ALTER … RENAME."""
    kind = node.rename_type
    if kind in _RENAMES:
        _RENAMES[kind](state, node)
        return
    words = pg.ObjectType.Name(kind).removeprefix("OBJECT_").lower()
    raise Unsupported(f"renaming this kind of object ({words}) is not modelled")


def set_schema(state: State, node: pg.AlterObjectSchemaStmt) -> None:
    """ALTER … SET SCHEMA."""
    if node.HasField("relation"):
        old = state.existing(node.relation)
        if old not in state.relations:
            if node.missing_ok:
                return
            raise Unsupported(f"relation {old} is not known")
        move_relation(state, old, Name(node.newschema, old.name))
        return
    kind = node.object.WhichOneof("node")
    if kind == "object_with_args":
        signature = function_signature(state, node.object.object_with_args)
        function = state.functions[signature]
        move_function(state, signature, Name(node.newschema, function.name.name))
    elif node.object_type in (pg.OBJECT_TYPE, pg.OBJECT_DOMAIN):
        old = state.object_name(node.object.list.items, type_names(state))
        move_type(state, old, Name(node.newschema, old.name))
    elif node.object_type == pg.OBJECT_EXTENSION:
        extension = state.extensions.get(node.object.string.sval)
        if extension is None:
            raise Unsupported(f"extension {node.object.string.sval} is not known")
        state.extensions[extension.name] = replace(extension, schema=node.newschema)
    else:
        raise Unsupported("SET SCHEMA of this kind of object is not modelled")


def _rename_relation(state: State, node: pg.RenameStmt) -> None:
    old = state.existing(node.relation)
    if old not in state.relations:
        if node.missing_ok:
            return
        raise Unsupported(f"relation {old} is not known")
    move_relation(state, old, Name(old.schema, node.newname))


def _rename_constraint(state: State, node: pg.RenameStmt) -> None:
    name = state.existing(node.relation)
    if name not in state.tables and node.missing_ok:
        return
    draft = state.draft(node.relation)
    if not draft.has_constraint(node.subname):
        raise Unsupported(f"constraint {node.subname} of {draft.name} is not known")
    if draft.has_constraint(node.newname):
        raise Unsupported(f"constraint {node.newname} of {draft.name} exists already")
    rename_constraint(state, draft, node.subname, node.newname)


def _rename_domain_constraint(state: State, node: pg.RenameStmt) -> None:
    name = state.object_name(node.object.list.items, state.domains)
    domain = state.domains.get(name)
    if domain is None:
        raise Unsupported(f"domain {name} is not known")
    if domain.not_null and domain.not_null.name == node.subname:
        not_null = replace(domain.not_null, name=node.newname)
        state.domains[name] = replace(domain, not_null=not_null)
    elif check := domain.checks.get(node.subname):
        checks = rekeyed(
            dict(domain.checks), check.name, node.newname, replace(check, name=node.newname)
        )
        state.domains[name] = replace(domain, checks=checks)
    else:
        raise Unsupported(f"constraint {node.subname} of {name} is not known")


def _rename_part(state: State, node: pg.RenameStmt) -> None:
    home = state.existing(node.relation)
    attached.change(state, home, node.rename_type, node.subname, name=node.newname)


def _rename_rule(state: State, node: pg.RenameStmt) -> None:
    """The name also stands in the statement that is kept."""
    home = state.existing(node.relation)
    owner = state.tables.get(home) or state.views.get(home)
    rule = owner.rules.get(node.subname) if owner else None
    if rule is None:
        raise Unsupported(f"{node.subname} of {home} is not known")
    statement = tree.parse_query(rule.sql).stmts[0].stmt
    statement.rule_stmt.rulename = node.newname
    text = tree.query(statement)
    attached.change(state, home, node.rename_type, node.subname, name=node.newname, sql=text)


def _rename_schema(state: State, node: pg.RenameStmt) -> None:
    if node.subname not in state.namespaces:
        raise Unsupported(f"schema {node.subname} is not known")
    namespace = replace(state.namespaces[node.subname], name=node.newname)
    state.namespaces = rekeyed(state.namespaces, node.subname, node.newname, namespace)
    for name, relation in list(state.relations.items()):
        if name.schema == node.subname and relation.kind in ("table", "view"):
            move_relation(state, name, Name(node.newname, name.name))
    for name in list(state.sequences):
        if name.schema == node.subname:
            move_relation(state, name, Name(node.newname, name.name))
    for name in list(type_names(state)):
        if name.schema == node.subname:
            move_type(state, name, Name(node.newname, name.name))
    for signature, function in list(state.functions.items()):
        if function.name.schema == node.subname:
            move_function(state, signature, Name(node.newname, function.name.name))
    state.grants = {
        grant._replace(object=node.newname)
        if grant.kind == "schema" and grant.object == node.subname
        else grant: at
        for grant, at in state.grants.items()
    }


_RENAMES: dict[int, Callable[[State, pg.RenameStmt], None]] = {
    pg.OBJECT_TABLE: _rename_relation,
    pg.OBJECT_FOREIGN_TABLE: _rename_relation,
    pg.OBJECT_VIEW: _rename_relation,
    pg.OBJECT_MATVIEW: _rename_relation,
    pg.OBJECT_INDEX: _rename_relation,
    pg.OBJECT_SEQUENCE: _rename_relation,
    pg.OBJECT_COLUMN: rename_column,
    pg.OBJECT_ATTRIBUTE: rename_attribute,
    pg.OBJECT_TABCONSTRAINT: _rename_constraint,
    pg.OBJECT_DOMCONSTRAINT: _rename_domain_constraint,
    pg.OBJECT_POLICY: _rename_part,
    pg.OBJECT_TRIGGER: _rename_part,
    pg.OBJECT_RULE: _rename_rule,
    pg.OBJECT_TYPE: rename_type,
    pg.OBJECT_DOMAIN: rename_type,
    pg.OBJECT_FUNCTION: rename_function,
    pg.OBJECT_PROCEDURE: rename_function,
    pg.OBJECT_ROUTINE: rename_function,
    pg.OBJECT_SCHEMA: _rename_schema,
}
