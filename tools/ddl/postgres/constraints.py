"""Constraints of PostgreSQL's tables, with the names PostgreSQL gives and the copies it makes for
partitions and children.

https://www.postgresql.org/docs/current/sql-createtable.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

from postgast import pg_query_pb2 as pg

from ..model import (
    Action,
    At,
    Check,
    Deferrable,
    Exclusion,
    ForeignKey,
    IndexPart,
    Key,
    Name,
    NotNull,
)
from . import tree
from .indexes import copy_index, distinct, part_names
from .nodes import index_name_of, index_part, options, strings
from .state import Draft, State, Unsupported

_ACTIONS: dict[str, Action] = {
    "a": "no action",
    "r": "restrict",
    "c": "cascade",
    "n": "set null",
    "d": "set default",
}
_MATCHES: dict[str, Literal["simple", "full", "partial"]] = {"f": "full", "p": "partial"}


def deferrable(node: pg.Constraint | pg.CreateTrigStmt | pg.ATAlterConstraint) -> Deferrable:
    """When a constraint is checked."""
    if node.initdeferred:
        return "initially deferred"
    return "deferrable" if node.deferrable else ""


# A statement's constraints


def add_constraints(
    state: State,
    draft: Draft,
    nodes: Sequence[pg.Constraint],
    *,
    creating: bool,
    recurse: bool = True,
) -> None:
    """Add constraints in PostgreSQL's order: NOT NULL, checks, indexes, foreign keys.

    `creating`: with their table, where everything is valid and duplicate keys are one. `recurse`:
    to the partitions as well.
    """
    if creating:
        nodes = _merged(nodes)
        _forget_parents_not_nulls(state, draft, nodes)
    for node in nodes:
        try:
            _add(state, draft, node, creating=creating, recurse=recurse)
        except Unsupported as error:
            state.unsupported(str(error), node.location)


def _forget_parents_not_nulls(state: State, draft: Draft, nodes: Sequence[pg.Constraint]) -> None:
    """A new table's own NOT NULL takes the place, and not the name, of an inherited one."""
    parents = [state.tables[name] for name in state.parents(draft) if name in state.tables]
    for node in nodes if parents else ():
        own = node.contype in (pg.CONSTR_NOTNULL, pg.CONSTR_PRIMARY)
        for name in strings(node.keys) if own else ():
            column = draft.columns.get(name)
            inherited = [of.not_null for p in parents if (of := p.columns.get(name))]
            if column and column.not_null in inherited:
                state.put_column(draft, replace(column, not_null=None))


_ORDER = {
    pg.CONSTR_NOTNULL: 0,
    pg.CONSTR_CHECK: 1,
    pg.CONSTR_PRIMARY: 2,
    pg.CONSTR_UNIQUE: 3,
    pg.CONSTR_EXCLUSION: 3,
    pg.CONSTR_FOREIGN: 4,
}


def _merged(nodes: Sequence[pg.Constraint]) -> list[pg.Constraint]:
    """In PostgreSQL's order; keys on the same columns are one, under the first name given."""
    merged: list[pg.Constraint] = []
    keys: dict[tuple[object, ...], pg.Constraint] = {}
    for node in sorted(nodes, key=lambda node: _ORDER.get(node.contype, 5)):
        if node.contype in (pg.CONSTR_PRIMARY, pg.CONSTR_UNIQUE):
            columns = (*strings(node.keys), "", *strings(node.including))
            same = (columns, node.nulls_not_distinct, node.deferrable, node.initdeferred)
            first = keys.setdefault(same, node)
            if first is not node:
                first.conname = first.conname or node.conname
                continue
        merged.append(node)
    return merged


def _add(state: State, draft: Draft, node: pg.Constraint, *, creating: bool, recurse: bool) -> None:
    kind = node.contype
    if kind == pg.CONSTR_NOTNULL:
        _add_not_null(state, draft, node, creating=creating)
    elif kind == pg.CONSTR_CHECK:
        _add_check(state, draft, node, creating=creating)
    elif kind == pg.CONSTR_EXCLUSION:
        _add_exclusion(state, draft, node, recurse=recurse)
    elif kind == pg.CONSTR_FOREIGN:
        _add_foreign_key(state, draft, node, creating=creating)
    elif node.indexname:
        _add_key_using_index(state, draft, node)
    else:
        put_key(state, draft, _key(state, node), recurse=recurse)


def _add_not_null(state: State, draft: Draft, node: pg.Constraint, *, creating: bool) -> None:
    for column in strings(node.keys):
        set_not_null(
            state,
            draft,
            column,
            node.conname,
            valid=creating or node.initially_valid,
            no_inherit=node.is_no_inherit,
            at=state.at(node.location),
        )


def set_not_null(
    state: State,
    draft: Draft,
    column: str,
    name: str = "",
    *,
    valid: bool = True,
    no_inherit: bool = False,
    at: At | None = None,
) -> None:
    """Make a column, and those of the table's children, NOT NULL."""
    found = draft.columns.get(column)
    if found is None:
        raise Unsupported(f"column {column} of {draft.name} is not known")
    old = found.not_null
    if old is None:
        chosen = state.not_null(draft, column, name, valid=valid, no_inherit=no_inherit, at=at)
    elif (valid and not old.valid) or (at and not old.at):
        chosen = replace(old, valid=valid or old.valid, at=old.at or at)
    else:
        chosen = old
    if chosen is not old:
        state.put_column(draft, replace(found, not_null=chosen))
    if no_inherit:
        return
    for child in state.children_of(draft.name):
        inherited = child.columns.get(column)
        settled = inherited and inherited.not_null and (inherited.not_null.valid or not valid)
        if inherited and not settled:
            set_not_null(state, child, column, chosen.name, valid=valid, at=at)


def _add_check(state: State, draft: Draft, node: pg.Constraint, *, creating: bool) -> None:
    schema, table = draft.name
    name, expression = node.conname, tree.sql(node.raw_expr)
    if not name:
        columns = tree.column_names(node.raw_expr)
        column = columns[0] if len(columns) == 1 and columns[0] != "*" else ""
        name = state.constraint_name(schema, table, column, "check")
    check = Check(
        name,
        expression,
        valid=creating or not node.skip_validation or not node.is_enforced,
        enforced=node.is_enforced,
        no_inherit=node.is_no_inherit,
        at=state.at(node.location),
    )
    put_check(state, draft, check)


def put_check(state: State, draft: Draft, check: Check) -> None:
    """Add a check to a table and its children; one of that name becomes the inherited one."""
    if old := draft.checks.get(check.name):
        check = replace(check, inherited=check.inherited and old.inherited, comment=old.comment)
    state.put_constraint(draft, check)
    if check.no_inherit:
        return
    for child in state.children_of(draft.name):
        inherited = replace(check, inherited=True)
        if child.checks.get(check.name) != inherited:
            put_check(state, child, inherited)


# Keys


def _key(state: State, node: pg.Constraint) -> Key:
    return Key(
        node.conname,
        tuple(strings(node.keys)),
        primary=node.contype == pg.CONSTR_PRIMARY,
        include=tuple(strings(node.including)),
        nulls_not_distinct=node.nulls_not_distinct,
        without_overlaps=node.without_overlaps,
        deferrable=deferrable(node),
        options=options(node.options),
        at=state.at(node.location),
    )


def _same_key(one: Key, other: Key) -> bool:
    """Whether two keys have the same index, whatever their names."""
    return (one.columns, one.include, one.nulls_not_distinct, one.deferrable) == (
        other.columns,
        other.include,
        other.nulls_not_distinct,
        other.deferrable,
    )


def put_key(state: State, draft: Draft, key: Key, *, recurse: bool = True) -> None:
    """Add a key to a table, and to its partitions if `recurse`."""
    unknown = [column for column in key.columns if column not in draft.columns]
    if unknown:
        raise Unsupported(f"column {unknown[0]} of {draft.name} is not known")
    if key.primary:
        if draft.primary_key():
            raise Unsupported(f"{draft.name} has a primary key already")
        for column in key.columns:
            set_not_null(state, draft, column, at=key.at)
    if not key.name:
        columns = (*key.columns, *key.include)
        key = replace(key, name=_key_name(state, draft, key, columns))
    state.put_constraint(draft, key)
    if draft.table.partition_by and recurse:
        for child in state.children_of(draft.name):
            copy_key(state, child, key, draft.name.schema)


def _key_name(state: State, draft: Draft, key: Key, columns: Iterable[str]) -> str:
    schema, table = draft.name
    if key.primary:
        return state.relation_name(schema, table, "", "pkey", constraint=True)
    return state.relation_name(schema, table, "_".join(columns), "key", constraint=True)


def copy_key(state: State, child: Draft, key: Key, schema: str) -> None:
    """Give a partition its parent's key: one of its own that fits, or a new one."""
    for own in child.keys.values():
        if own.primary == key.primary and _same_key(own, key) and not own.inherited:
            state.put_constraint(child, replace(own, inherited=True))
            return
    if child.primary_key() and key.primary:
        raise Unsupported(f"{child.name} has a primary key already")
    copy = replace(key, name="", comment="", inherited=True)
    columns = state.index_columns.get(Name(schema, key.name), (*key.columns, *key.include))
    put_key(state, child, replace(copy, name=_key_name(state, child, copy, columns)))


def _add_key_using_index(state: State, draft: Draft, node: pg.Constraint) -> None:
    index = draft.indexes.get(node.indexname)
    if index is None:
        raise Unsupported(f"index {node.indexname} of {draft.name} is not known")
    state.remove_index(draft.name, index.name)
    put_key(
        state,
        draft,
        Key(
            node.conname or index.name,
            tuple(str(part.expression) for part in index.parts),
            primary=node.contype == pg.CONSTR_PRIMARY,
            include=index.include,
            nulls_not_distinct=index.nulls_not_distinct,
            deferrable=deferrable(node),
            options=index.options,
            at=state.at(node.location),
        ),
    )


def _add_exclusion(state: State, draft: Draft, node: pg.Constraint, *, recurse: bool) -> None:
    method = node.access_method or "gist"
    parts, names = [], []
    for item in node.exclusions:
        element, operator = item.list.items
        parts.append(_exclusion_part(element.index_elem, operator, method))
        names.append(index_name_of(element.index_elem))
    include = [item.index_elem.name or item.string.sval for item in node.including]
    name = node.conname or state.relation_name(
        *draft.name, "_".join(distinct([*names, *include])), "excl", constraint=True
    )
    exclusion = Exclusion(
        name,
        method,
        tuple(parts),
        tuple(include),
        tree.sql(node.where_clause) if node.HasField("where_clause") else None,
        deferrable(node),
        options(node.options),
        at=state.at(node.location),
    )
    state.put_constraint(draft, exclusion)
    if draft.table.partition_by and recurse:
        for child in state.children_of(draft.name):
            copy_exclusion(state, child, exclusion)


def _exclusion_part(element: pg.IndexElem, operator: pg.Node, method: str) -> IndexPart:
    names = strings(operator.list.items)
    own = len(names) == 1 or names[0] in ("pg_catalog", "public")
    return index_part(element, method, names[-1] if own else ".".join(names))


def copy_exclusion(state: State, child: Draft, exclusion: Exclusion) -> None:
    """Give a partition its parent's exclusion constraint."""
    columns = "_".join(part_names(exclusion.parts) + list(exclusion.include))
    name = state.relation_name(*child.name, columns, "excl", constraint=True)
    state.put_constraint(child, replace(exclusion, name=name, comment=""))


# Foreign keys


def _add_foreign_key(state: State, draft: Draft, node: pg.Constraint, *, creating: bool) -> None:
    schema, table = draft.name
    columns = tuple(strings(node.fk_attrs))
    target = state.existing(node.pktable)
    foreign_key = ForeignKey(
        node.conname or state.constraint_name(schema, table, "_".join(columns), "fkey"),
        columns,
        target,
        tuple(strings(node.pk_attrs)) or primary_columns(state, target),
        on_delete=_ACTIONS.get(node.fk_del_action, "no action"),
        on_update=_ACTIONS.get(node.fk_upd_action, "no action"),
        on_delete_columns=tuple(strings(node.fk_del_set_cols)),
        match=_MATCHES.get(node.fk_matchtype, "simple"),
        deferrable=deferrable(node),
        valid=creating or not node.skip_validation or not node.is_enforced,
        enforced=node.is_enforced,
        period=node.fk_with_period,
        at=state.at(node.location),
    )
    put_foreign_key(state, draft, foreign_key)


def primary_columns(state: State, table: Name) -> tuple[str, ...]:
    """The columns of a table's primary key; empty when it is not known."""
    draft = state.tables.get(table)
    key = draft.primary_key() if draft else None
    return key.columns if key else ()


def put_foreign_key(state: State, draft: Draft, foreign_key: ForeignKey) -> None:
    """Add a foreign key to a table and its partitions."""
    state.put_constraint(draft, foreign_key)
    if draft.table.partition_by:
        for child in state.children_of(draft.name):
            copy_foreign_key(state, child, foreign_key)


def copy_foreign_key(state: State, child: Draft, foreign_key: ForeignKey) -> None:
    """Give a partition its parent's foreign key: one of its own that fits, or a new one."""
    for own in child.foreign_keys.values():
        if not own.inherited and replace(own, name=foreign_key.name) == foreign_key:
            state.put_constraint(child, replace(own, inherited=True))
            return
    name = foreign_key.name
    if child.has_constraint(name):
        columns = "_".join(foreign_key.columns)
        name = state.constraint_name(*child.name, columns, "fkey")
    put_foreign_key(state, child, replace(foreign_key, name=name, inherited=True, comment=""))


def clone_from_parent(state: State, parent: Draft, child: Draft) -> None:
    """Give a new or attached partition the keys, indexes and foreign keys of its parent."""
    for key in list(parent.keys.values()):
        copy_key(state, child, key, parent.name.schema)
    for exclusion in list(parent.exclusions.values()):
        copy_exclusion(state, child, exclusion)
    for index in list(parent.indexes.values()):
        copy_index(state, child, replace(index, only=False), parent.name.schema)
    for foreign_key in list(parent.foreign_keys.values()):
        copy_foreign_key(state, child, foreign_key)


def inherited_not_null(state: State, draft: Draft, column: str, parent: NotNull) -> NotNull:
    """The NOT NULL a child gets: under its parent's name unless that is taken."""
    if draft.has_constraint(parent.name):
        return state.not_null(draft, column)
    return NotNull(parent.name, valid=parent.valid, at=parent.at)
