"""Names changed inside expressions and queries, by their trees."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pg

from ..model import Name, Sql
from . import tree
from .nodes import strings
from .state import State

_K = TypeVar("_K")
_V = TypeVar("_V")


def rewritten(expression: Sql | None, change: Callable[[Message], bool]) -> Sql | None:
    """An expression after `change`, which says of each node whether it changed it."""
    if expression is None:
        return None
    parsed = tree.parse_expression(expression)
    changed = [node for node in tree.walk(parsed) if change(node)]
    return tree.sql(tree.expression_of(parsed)) if changed else expression


def rewritten_query(query: Sql, change: Callable[[Message], bool]) -> Sql:
    """A query after `change`."""
    parsed = tree.parse_query(query)
    changed = [node for node in tree.walk(parsed) if change(node)]
    return tree.query(parsed.stmts[0].stmt) if changed else query


def column_change(state: State, table: Name, old: str, new: str) -> Callable[[Message], bool]:
    """Rename the column in references to it: unqualified ones, or by the table, OLD and NEW."""

    def change(node: Message) -> bool:
        if not isinstance(node, pg.ColumnRef):
            return False
        names = strings(node.fields)
        qualifiers = (table.name, "old", "new")
        if names[-1:] != [old] or (len(names) > 1 and names[-2] not in qualifiers):
            return False
        node.fields[-1].string.sval = new
        return True

    return change


def rename_in_queries(state: State, old: Name, new: Name) -> None:
    """Views and policies name a renamed table by its new name."""
    for view in list(state.views.values()):
        if old.name in view.query:
            parsed = tree.parse_query(view.query)
            if _rename_relation_in(parsed, old, new):
                query = tree.query(parsed.stmts[0].stmt)
                state.views[view.name] = replace(view, query=query)
    for draft in state.tables.values():
        for policy in list(draft.policies.values()):
            using = _with_relation(policy.using, old, new)
            check = _with_relation(policy.check, old, new)
            draft.policies[policy.name] = replace(policy, using=using, check=check)


def _with_relation(expression: Sql | None, old: Name, new: Name) -> Sql | None:
    if expression is None or old.name not in expression:
        return expression
    parsed = tree.parse_expression(expression)
    if _rename_relation_in(parsed, old, new):
        return tree.sql(tree.expression_of(parsed))
    return expression


def _rename_relation_in(parsed: pg.ParseResult, old: Name, new: Name) -> bool:
    """Rename in a tree, also where columns are qualified by it; whether anything changed."""
    found = [
        node
        for node in tree.relations(parsed)
        if node.relname == old.name and node.schemaname in ("", old.schema)
    ]
    for node in found:
        node.relname = new.name
        if node.schemaname or new.schema != old.schema:
            node.schemaname = new.schema
    qualifying = not found or any(not node.HasField("alias") for node in found)
    changed = bool(found)
    for node in tree.walk(parsed):
        if not isinstance(node, pg.ColumnRef) or len(node.fields) < 2 or not qualifying:
            continue
        if node.fields[-2].string.sval == old.name:
            node.fields[-2].string.sval = new.name
            changed = True
    return changed


def rename_in_views(state: State, table: Name, old: str, new: str) -> None:
    """Follow a column's new name in views; report those where it is not clear whose it is."""
    for view in list(state.views.values()):
        if table.name not in view.query or (old not in view.query and "*" not in view.query):
            continue
        parsed = tree.parse_query(view.query)
        if table not in map(state.existing, tree.relations(parsed)):
            continue
        references = _references(state, parsed, table, old)
        if references is None:
            state.unsupported(f"view {view.name} may use column {old} of {table} by its old name")
        elif references:
            for node in tree.walk(parsed):
                if isinstance(node, pg.ResTarget) and node.val.column_ref in references:
                    node.name = node.name or old
            for reference in references:
                reference.fields[-1].string.sval = new
            query = tree.query(parsed.stmts[0].stmt)
            state.views[view.name] = replace(view, query=query)


def _references(
    state: State, parsed: pg.ParseResult, table: Name, column: str
) -> list[pg.ColumnRef] | None:
    """What refers to a table's column in a query; None when that is not clear."""
    aliases: dict[str, set[Name]] = {}
    for node in tree.relations(parsed):
        alias = node.alias.aliasname or node.relname
        aliases.setdefault(alias, set()).add(state.existing(node))
    alone = not any(isinstance(node, _SUBQUERIES) for node in tree.walk(parsed)) and not any(
        name != table and (name not in state.tables or column in state.tables[name].columns)
        for names in aliases.values()
        for name in names
    )
    found = []
    for node in tree.walk(parsed):
        if not isinstance(node, pg.ColumnRef):
            continue
        names = strings(node.fields)
        if node.fields[-1].HasField("a_star"):
            if not names or table in aliases.get(names[-1], ()):
                return None
        elif names[-1] == column and len(names) == 1:
            if not alone:
                return None
            found.append(node)
        elif names[-1] == column and table in aliases.get(names[-2], ()):
            if len(aliases[names[-2]]) > 1:
                return None
            found.append(node)
    return found


_SUBQUERIES = (pg.RangeSubselect, pg.CommonTableExpr, pg.RangeFunction)


def rekeyed(items: Mapping[_K, _V], old: _K, new: _K, value: _V) -> dict[_K, _V]:
    """The mapping with another key and value in the place of the old ones."""
    return {
        new if key == old else key: value if key == old else item for key, item in items.items()
    }
