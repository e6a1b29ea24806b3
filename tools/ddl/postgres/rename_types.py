"""New names of types and functions, in what uses them as well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pg

from ..model import Check, Column, Function, Index, Name, Sql, Type
from .code import function_signature
from .nodes import strings
from .rewrite import (
    rekeyed,
    rewritten,
    rewritten_query,
)
from .state import Draft, Relation, State, Unsupported


def type_names(state: State) -> Mapping[Name, object]:
    """The types a statement may name, but for opaque ones."""
    return {**state.enums, **state.domains, **state.composites, **state.ranges}


def rename_type(state: State, node: pg.RenameStmt) -> None:
    """ALTER TYPE and ALTER DOMAIN … RENAME TO."""
    old = state.object_name(node.object.list.items, type_names(state))
    move_type(state, old, Name(old.schema, node.newname))


def move_type(state: State, old: Name, new: Name) -> None:
    """Give a type another name or schema, in what uses it as well."""
    if old in state.enums:
        state.enums = rekeyed(state.enums, old, new, replace(state.enums[old], name=new))
    elif old in state.domains:
        state.domains = rekeyed(state.domains, old, new, replace(state.domains[old], name=new))
    elif old in state.ranges:
        state.ranges = rekeyed(state.ranges, old, new, replace(state.ranges[old], name=new))
    elif old in state.composites:
        del state.relations[old]
        moved = replace(state.composites[old], name=new)
        state.composites = rekeyed(state.composites, old, new, moved)
        state.relations[new] = Relation("composite", new)
    else:
        raise Unsupported(f"type {old} is not known")
    retype(state, old, new)
    rename_grants(state, "type", old, new)


def retype(state: State, old: Name, new: Name) -> None:
    """Change a type's name where tables, domains, functions and views have it."""
    retyped = _Retyped(old, new)
    for draft in state.tables.values():
        retyped.draft(draft)
    for domain in list(state.domains.values()):
        state.domains[domain.name] = replace(domain, type=retyped.type(domain.type))
    for composite in list(state.composites.values()):
        attributes = {name: retyped.column(each) for name, each in composite.attributes.items()}
        state.composites[composite.name] = replace(composite, attributes=attributes)
    functions = map(retyped.function, state.functions.values())
    state.functions = {function.signature: function for function in functions}
    for view in list(state.views.values()):
        if old.name in view.query:
            query = rewritten_query(view.query, retyped.change)
            state.views[view.name] = replace(view, query=query)


@dataclass(frozen=True, slots=True)
class _Retyped:
    """What uses a type after that got another name."""

    old: Name
    new: Name

    def change(self, node: Message) -> bool:
        if not isinstance(node, pg.TypeName):
            return False
        names = strings(node.names)
        if names[-1:] != [self.old.name] or (len(names) > 1 and names[-2] != self.old.schema):
            return False
        node.names[-1].string.sval = self.new.name
        if len(names) > 1:
            node.names[-2].string.sval = self.new.schema
        return True

    def type(self, kind: Type) -> Type:
        if (kind.schema, kind.name) == self.old:
            return replace(kind, schema=self.new.schema, name=self.new.name)
        return kind

    def expression(self, expression: Sql | None) -> Sql | None:
        if expression and self.old.name in expression:
            return rewritten(expression, self.change)
        return expression

    def column(self, column: Column) -> Column:
        default = self.expression(column.default)
        return replace(column, type=self.type(column.type), default=default)

    def check(self, check: Check) -> Check:
        return replace(check, expression=self.expression(check.expression) or check.expression)

    def index(self, index: Index) -> Index:
        return replace(index, where=self.expression(index.where))

    def draft(self, draft: Draft) -> None:
        draft.columns = {name: self.column(column) for name, column in draft.columns.items()}
        draft.checks = {name: self.check(check) for name, check in draft.checks.items()}
        draft.indexes = {name: self.index(index) for name, index in draft.indexes.items()}
        if draft.table.of_type == self.old:
            draft.table = replace(draft.table, of_type=self.new)

    def function(self, function: Function) -> Function:
        arguments = tuple(replace(each, type=self.type(each.type)) for each in function.arguments)
        returns = function.returns
        if returns.removeprefix("SETOF ").removesuffix("[]") == str(self.old):
            returns = returns.replace(str(self.old), str(self.new))
        return replace(function, arguments=arguments, returns=returns)


def rename_function(state: State, node: pg.RenameStmt) -> None:
    """ALTER FUNCTION and ALTER PROCEDURE … RENAME TO."""
    signature = function_signature(state, node.object.object_with_args)
    schema = state.functions[signature].name.schema
    move_function(state, signature, Name(schema, node.newname))


def move_function(state: State, signature: str, new: Name) -> None:
    """Give a function another name or schema, in its triggers as well."""
    old = state.functions[signature]
    moved = replace(old, name=new)
    state.functions = rekeyed(state.functions, signature, moved.signature, moved)
    if any(function.name == old.name for function in state.functions.values()):
        return
    for draft in state.tables.values():
        for trigger in list(draft.triggers.values()):
            if trigger.function == old.name:
                draft.triggers[trigger.name] = replace(trigger, function=new)


def rename_grants(state: State, kind: str, old: Name, new: Name) -> None:
    """Carry the privileges on an object over to its new name."""
    state.grants = {
        grant._replace(object=".".join(new))
        if grant.kind == kind and grant.object == ".".join(old)
        else grant: at
        for grant, at in state.grants.items()
    }
