"""CREATE TABLE in all its forms.

https://www.postgresql.org/docs/current/sql-createtable.html
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from postgast import pg_query_pb2 as pg

from ..model import (
    Column,
    Generated,
    Identity,
    IndexPart,
    Name,
    PartitionBy,
    PartitionOf,
    Sequence,
    Sql,
    Table,
    Type,
)
from . import tree
from .constraints import (
    add_constraints,
    clone_from_parent,
    copy_exclusion,
    inherited_not_null,
    put_check,
    put_key,
)
from .indexes import make_index
from .nodes import SERIALS, collation, options, partition_bound, sequence_options, strings
from .opclasses import opclass
from .state import Draft, State, Unsupported

Persistence = Literal["permanent", "unlogged", "temporary"]
_PERSISTENCE: dict[str, Persistence] = {"u": "unlogged", "t": "temporary"}
_STRATEGIES = {
    pg.PARTITION_STRATEGY_LIST: "list",
    pg.PARTITION_STRATEGY_RANGE: "range",
    pg.PARTITION_STRATEGY_HASH: "hash",
}

# LIKE … INCLUDING (TableLikeOption in parsenodes.h)
_COMMENTS, _COMPRESSION, _CONSTRAINTS, _DEFAULTS = 1, 2, 4, 8
_GENERATED, _IDENTITY, _INDEXES, _STATISTICS, _STORAGE = 16, 32, 64, 128, 256


def persistence(relation: pg.RangeVar) -> Persistence:
    """Permanent, unlogged or temporary."""
    return _PERSISTENCE.get(relation.relpersistence, "permanent")


def create_table(state: State, node: pg.CreateStmt, server: str = "") -> Draft | None:
    """CREATE TABLE, or with a `server` CREATE FOREIGN TABLE."""
    name = state.new_name(node.relation)
    if name in state.relations:
        if node.if_not_exists:
            return None
        raise Unsupported(f"relation {name} exists already")
    draft = Draft(_table(state, name, node, server))
    state.put_table(draft)
    try:
        _fill(state, draft, node)
    except Unsupported as error:
        state.unsupported(str(error))
    return draft


def create_foreign_table(state: State, node: pg.CreateForeignTableStmt) -> None:
    """CREATE FOREIGN TABLE."""
    draft = create_table(state, node.base_stmt, node.servername)
    if draft:
        draft.table = replace(draft.table, options=options(node.options))


def _table(state: State, name: Name, node: pg.CreateStmt, server: str) -> Table:
    parents = tuple(state.existing(item.range_var) for item in node.inh_relations)
    partition_of = None
    if node.HasField("partbound"):
        partition_of = PartitionOf(parents[0], partition_bound(node.partbound))
        parents = ()
    return Table(
        name,
        persistence=persistence(node.relation),
        partition_by=_partition_by(node.partspec) if node.HasField("partspec") else None,
        partition_of=partition_of,
        inherits=parents,
        of_type=_composite_name(state, node) if node.HasField("of_typename") else None,
        access_method="" if node.access_method == "heap" else node.access_method,
        tablespace=node.tablespacename,
        options=options(node.options),
        foreign=server,
        at=state.at(node.relation.location),
    )


def _composite_name(state: State, node: pg.CreateStmt) -> Name:
    found = state.type_of(node.of_typename)
    return Name(found.schema, found.name)


def _partition_by(node: pg.PartitionSpec) -> PartitionBy:
    parts = []
    for item in node.part_params:
        element = item.partition_elem
        parts.append(
            IndexPart(
                Sql(element.name) if element.name else tree.sql(element.expr),
                is_column=bool(element.name),
                opclass=opclass(element.opclass, "btree"),
                collation=collation(element.collation),
            )
        )
    return PartitionBy(_STRATEGIES.get(node.strategy, "list"), tuple(parts))


def _fill(state: State, draft: Draft, node: pg.CreateStmt) -> None:
    constraints: list[pg.Constraint] = []
    copies: list[tuple[Draft, int]] = []
    if draft.table.of_type:
        _columns_of_type(state, draft, draft.table.of_type)
    parents = state.parents(draft)
    alone = not parents and not draft.table.of_type
    for name in parents:
        _inherit_columns(state, draft, name)
    for item in node.table_elts:
        kind = item.WhichOneof("node")
        if kind == "column_def":
            constraints += add_column(state, draft, item.column_def, alone=alone)
        elif kind == "constraint":
            constraints.append(item.constraint)
        elif kind == "table_like_clause":
            like = item.table_like_clause
            source = state.draft(like.relation)
            copies.append((source, like.options))
            _copy_columns(state, draft, source, like.options)
    constraints += [item.constraint for item in node.constraints]
    own_not_nulls = [item for item in constraints if item.contype == pg.CONSTR_NOTNULL]
    add_constraints(state, draft, own_not_nulls, creating=True)
    for name in parents:
        _inherit_constraints(state, draft, name)
    if draft.table.partition_of and (parent := state.tables.get(draft.table.partition_of.parent)):
        clone_from_parent(state, parent, draft)
    if not parents:  # from which they could come back
        constraints = [item for item in constraints if item.contype != pg.CONSTR_NOTNULL]
    add_constraints(state, draft, constraints, creating=True)
    for source, what in copies:
        _copy_parts(state, draft, source, what)


# Columns


def add_column(
    state: State, draft: Draft, node: pg.ColumnDef, *, alone: bool = False
) -> list[pg.Constraint]:
    """Add a column; returns its other constraints, written as the table's.

    In a partition or a typed table the column exists already, without a type in the statement. A
    table that stands `alone`, without parents and children, has NOT NULL at once.
    """
    constraints = _column_constraints(node)
    at_once = [each for each in constraints if alone and each.contype == pg.CONSTR_NOTNULL]
    defaults = [each for each in constraints if each.contype == pg.CONSTR_DEFAULT]
    state.put_column(draft, _declared(state, draft, node, defaults, at_once))
    later = []
    implied = _serial(state, draft, node) and not at_once
    for constraint in constraints:
        kind = constraint.contype
        column = draft.columns[node.colname]
        if kind == pg.CONSTR_GENERATED:
            stored = constraint.generated_kind != "v"
            generated = Generated(tree.sql(constraint.raw_expr), stored)
            state.put_column(draft, replace(column, generated=generated))
        elif kind == pg.CONSTR_IDENTITY:
            identity = identity_of(state, draft, column, constraint)
            state.put_column(draft, replace(column, identity=identity))
            implied = not at_once
        elif kind not in _SETTINGS and not (at_once and kind == pg.CONSTR_NOTNULL):
            later.append(_as_table_constraint(constraint, node.colname))
    if implied and not any(constraint.contype == pg.CONSTR_NOTNULL for constraint in later):
        constraint = pg.Constraint(contype=pg.CONSTR_NOTNULL, initially_valid=True, location=-1)
        later.insert(0, _as_table_constraint(constraint, node.colname))
    return later


_SETTINGS = (pg.CONSTR_NULL, pg.CONSTR_DEFAULT, pg.CONSTR_IDENTITY, pg.CONSTR_GENERATED)


def _declared(
    state: State,
    draft: Draft,
    node: pg.ColumnDef,
    defaults: list[pg.Constraint],
    not_nulls: list[pg.Constraint],
) -> Column:
    """The column with its default and, if that is given, its NOT NULL."""
    old = draft.columns.get(node.colname)
    at = state.at(node.location)
    typed = node.HasField("type_name")
    if old is None and not typed:
        raise Unsupported(f"column {node.colname} of {draft.name} is not known")
    if old is not None:
        if typed and not old.inherited:
            raise Unsupported(f"column {node.colname} of {draft.name} exists already")
        for said in defaults:
            old = replace(old, default=default_of(state, said.raw_expr, old.type))
        return replace(old, inherited=old.inherited and not typed, at=at)
    kind = state.type_of(node.type_name)
    not_null = None
    for said in not_nulls[:1]:
        where, local = state.at(said.location), said.is_no_inherit
        not_null = state.not_null(draft, node.colname, said.conname, no_inherit=local, at=where)
    return Column(
        node.colname,
        kind,
        not_null,
        default_of(state, defaults[-1].raw_expr, kind) if defaults else None,
        collation=collation(node.coll_clause.collname) if node.HasField("coll_clause") else "",
        storage=storage(node.storage_name, kind) if node.storage_name else "",
        compression=compression(node.compression),
        options=options(node.fdwoptions),
        at=at,
    )


def _column_constraints(node: pg.ColumnDef) -> list[pg.Constraint]:
    """The constraints; what stands behind one as a node of its own (DEFERRABLE) is in it."""
    found: list[pg.Constraint] = []
    for item in node.constraints:
        constraint = item.constraint
        kind = constraint.contype
        if kind == pg.CONSTR_ATTR_DEFERRABLE:
            found[-1].deferrable = True
        elif kind == pg.CONSTR_ATTR_DEFERRED:
            found[-1].deferrable = found[-1].initdeferred = True
        elif kind == pg.CONSTR_ATTR_NOT_ENFORCED:
            found[-1].is_enforced = False
        elif kind == pg.CONSTR_ATTR_ENFORCED:
            found[-1].is_enforced = True
        elif kind not in (pg.CONSTR_ATTR_NOT_DEFERRABLE, pg.CONSTR_ATTR_IMMEDIATE):
            found.append(constraint)
    return found


def _as_table_constraint(constraint: pg.Constraint, column: str) -> pg.Constraint:
    if constraint.contype == pg.CONSTR_FOREIGN:
        constraint.fk_attrs.add().string.sval = column
    elif constraint.contype != pg.CONSTR_CHECK:
        constraint.keys.add().string.sval = column
    return constraint


def default_of(state: State, node: pg.Node, kind: Type | None = None) -> Sql | None:
    """A default; NULL is none.

    PostgreSQL keeps `NULL::kind` where the value is yet to be fitted to a length or a domain.
    """
    value = node
    while value.WhichOneof("node") == "type_cast":
        value = value.type_cast.arg
    if value.WhichOneof("node") != "a_const" or not value.a_const.isnull:
        return tree.sql(node)
    if kind is None or not _is_fitted(state, kind):
        return None
    name = ".".join(map(tree.quote, filter(None, (kind.schema, kind.name))))
    return Sql(f"NULL::{name if kind.schema else kind.name}{'[]' * kind.array}")


def _is_fitted(state: State, kind: Type) -> bool:
    if kind.schema and Name(kind.schema, kind.name) in state.domains:
        return True
    return bool(kind.args) and not kind.name.startswith("interval")


def _serial(state: State, draft: Draft, node: pg.ColumnDef) -> bool:
    """Make the sequence of a serial column, and its default; whether it is one."""
    names = node.type_name.names
    if len(names) != 1 or names[0].string.sval not in SERIALS:
        return False
    schema, table = draft.name
    name = Name(schema, state.relation_name(schema, table, node.colname, "seq"))
    kind = SERIALS[names[0].string.sval]
    state.put_sequence(
        Sequence(
            name,
            sequence_options((), kind=kind),
            (draft.name, node.colname),
            persistence=draft.table.persistence,
            at=state.at(node.location),
        )
    )
    column = draft.columns[node.colname]
    state.put_column(draft, replace(column, type=Type(kind), default=nextval(name)))
    return True


def nextval(sequence: Name) -> Sql:
    """The default of a serial column."""
    qualified = ".".join(map(tree.quote, sequence))
    return Sql(f"nextval({tree.literal(qualified)}::regclass)")


def identity_of(state: State, draft: Draft, column: Column, node: pg.Constraint) -> Identity:
    """The identity of a column that GENERATED … AS IDENTITY makes."""
    given = [option for option in node.options if option.def_elem.defname != "sequence_name"]
    named = [option for option in node.options if option.def_elem.defname == "sequence_name"]
    schema, table = draft.name
    if named:
        parts = strings(named[0].def_elem.arg.list.items)
        name = Name(parts[-2] if len(parts) > 1 else schema, parts[-1])
    else:
        name = Name(schema, state.relation_name(schema, table, column.name, "seq"))
    return Identity(
        node.generated_when == "a", name, sequence_options(given, kind=column.type.name)
    )


_MAIN_TYPES = frozenset({"numeric", "inet", "cidr"})
_PLAIN = """
smallint integer bigint real boolean date uuid oid name money xid xid8 cid tid point line lseg
box circle interval macaddr macaddr8 pg_lsn timestamp regclass regproc regtype regnamespace
regrole "char"
"""
_PLAIN_TYPES = frozenset(_PLAIN.split()) | {"double precision"}


def storage(word: str, kind: Type) -> str:
    """A column's storage; empty when it is the type's own."""
    word = word.lower()
    if kind.array:
        own = "extended"
    elif kind.name in _MAIN_TYPES:
        own = "main"
    elif kind.name in _PLAIN_TYPES or kind.name.startswith(("timestamp", "time ", "interval")):
        own = "plain"
    else:
        own = "extended"
    return "" if word in ("", "default", own) else word


def compression(word: str) -> str:
    """A column's compression method; empty when it is the server's default."""
    return "" if word.lower() == "default" else word.lower()


def _columns_of_type(state: State, draft: Draft, type_name: Name) -> None:
    composite = state.composites.get(type_name)
    if composite is None:
        raise Unsupported(f"type {type_name} is not known")
    for attribute in composite.attributes.values():
        state.put_column(draft, replace(attribute, comment="", at=state.at()))


# Inheritance


def _inherit_columns(state: State, draft: Draft, parent_name: Name) -> None:
    parent = state.tables.get(parent_name)
    if parent is None:
        raise Unsupported(f"table {parent_name} is not known: its columns are missing here")
    for column in parent.columns.values():
        if column.name not in draft.columns:
            inherit_column(state, parent, draft, column)
        elif column.default and not draft.columns[column.name].default:
            merged = replace(draft.columns[column.name], default=column.default)
            state.put_column(draft, merged)


def inherit_column(state: State, parent: Draft, child: Draft, column: Column) -> None:
    """Give a partition or child a column of its parent. NOT NULL comes with the constraints."""
    state.put_column(
        child,
        replace(
            column,
            not_null=None,
            identity=column.identity if child.table.partition_of else None,
            statistics=None,
            options={},
            comment="",
            inherited=True,
        ),
    )


def _inherit_constraints(state: State, draft: Draft, parent_name: Name) -> None:
    parent = state.tables[parent_name]
    for column in parent.columns.values():
        _inherit_not_null(state, draft, column)
    for check in parent.checks.values():
        if not check.no_inherit:
            put_check(state, draft, replace(check, inherited=True, comment=""))


def _inherit_not_null(state: State, draft: Draft, column: Column) -> None:
    own = draft.columns[column.name]
    if own.not_null or not column.not_null or column.not_null.no_inherit:
        return
    not_null = inherited_not_null(state, draft, column.name, column.not_null)
    state.put_column(draft, replace(own, not_null=not_null))


# LIKE


def _copy_columns(state: State, draft: Draft, source: Draft, what: int) -> None:
    for column in source.columns.values():
        identity = None
        if column.identity and what & _IDENTITY:
            schema, table = draft.name
            name = Name(schema, state.relation_name(schema, table, column.name, "seq"))
            kept = replace(column.identity.options, type="bigint")  # but for its bounds
            identity = replace(column.identity, sequence=name, options=kept)
        state.put_column(
            draft,
            replace(
                column,
                not_null=replace(column.not_null, at=state.at()) if column.not_null else None,
                default=column.default if what & _DEFAULTS else None,
                generated=column.generated if what & _GENERATED else None,
                identity=identity,
                storage=column.storage if what & _STORAGE else "",
                compression=column.compression if what & _COMPRESSION else "",
                comment=column.comment if what & _COMMENTS else "",
                statistics=None,
                options={},
                inherited=False,
                at=state.at(),
            ),
        )


def _copy_parts(state: State, draft: Draft, source: Draft, what: int) -> None:
    if what & _CONSTRAINTS:
        for check in source.checks.values():
            comment = check.comment if what & _COMMENTS else ""
            put_check(state, draft, replace(check, comment=comment, inherited=False, at=state.at()))
    if not what & _INDEXES:
        return
    for key in list(source.keys.values()):
        put_key(state, draft, replace(key, name="", comment="", inherited=False, at=state.at()))
    for exclusion in list(source.exclusions.values()):
        copy_exclusion(state, draft, exclusion)
    for index in list(source.indexes.values()):
        make_index(state, draft.name, replace(index, parent=None, comment="", at=state.at()))
