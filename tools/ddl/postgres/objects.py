"""What is no table and no code: schemas, extensions, sequences, types, views.

The manual's page of each statement: https://www.postgresql.org/docs/current/sql-commands.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from postgast import pg_query_pb2 as pg

from ..model import (
    Check,
    Column,
    Composite,
    Domain,
    Enum,
    Extension,
    Name,
    Namespace,
    NotNull,
    Range,
    Sequence,
    Sql,
    Type,
    View,
)
from . import table_as, tree
from .nodes import collation, option_text, options, role, sequence_options, strings
from .opclasses import opclass
from .state import State, Unsupported
from .table import default_of, persistence

# Schemas and extensions


def create_extension(state: State, node: pg.CreateExtensionStmt) -> None:
    """CREATE EXTENSION."""
    if node.extname in state.extensions:
        return
    given = options(node.options)
    schema = given.get("schema") or _EXTENSION_SCHEMAS.get(node.extname, state.creation_schema())
    version = given.get("new_version", "")
    state.extensions[node.extname] = Extension(node.extname, schema, version, at=state.at())


_EXTENSION_SCHEMAS = {"plpgsql": "pg_catalog", "pg_cron": "pg_catalog", "pg_net": "extensions"}


def create_schema(state: State, node: pg.CreateSchemaStmt) -> str:
    """CREATE SCHEMA; returns its name."""
    name = node.schemaname or role(node.authrole)
    if not state.has_schema(name):
        owner = role(node.authrole) if node.HasField("authrole") else ""
        state.namespaces[name] = Namespace(name, owner=owner, at=state.at())
    return name


# Sequences


def create_sequence(state: State, node: pg.CreateSeqStmt) -> None:
    """CREATE SEQUENCE."""
    name = state.new_name(node.sequence)
    if name in state.relations:
        if node.if_not_exists:
            return
        raise Unsupported(f"relation {name} exists already")
    state.put_sequence(
        Sequence(
            name,
            sequence_options(node.options),
            _owner(state, node),
            persistence=persistence(node.sequence),
            at=state.at(),
        )
    )


def alter_sequence(state: State, node: pg.AlterSeqStmt) -> None:
    """ALTER SEQUENCE; also of an identity column."""
    name = state.existing(node.sequence)
    relation = state.relations.get(name)
    if name in state.sequences:
        old = state.sequences[name]
        owned = any(option.def_elem.defname == "owned_by" for option in node.options)
        state.put_sequence(
            replace(
                old,
                options=sequence_options(node.options, old.options),
                owned_by=_owner(state, node) if owned else old.owned_by,
            )
        )
    elif relation and relation.kind == "identity":
        draft = state.tables[relation.home]
        for column in list(draft.columns.values()):
            if column.identity and column.identity.sequence == name:
                changed = sequence_options(node.options, column.identity.options)
                identity = replace(column.identity, options=changed)
                state.put_column(draft, replace(column, identity=identity))
    elif not node.missing_ok:
        raise Unsupported(f"sequence {name} is not known")


def _owner(state: State, node: pg.CreateSeqStmt | pg.AlterSeqStmt) -> tuple[Name, str] | None:
    for option in node.options:
        if option.def_elem.defname == "owned_by":
            parts = strings(option.def_elem.arg.list.items)
            if len(parts) < 2:  # NONE
                return None
            schema = parts[-3] if len(parts) > 2 else ""
            return state.visible(schema, parts[-2], state.relations), parts[-1]
    return None


# Types


def create_enum(state: State, node: pg.CreateEnumStmt) -> None:
    """CREATE TYPE … AS ENUM."""
    name = _new_type(state, node.type_name)
    state.enums[name] = Enum(name, tuple(strings(node.vals)), at=state.at())


def _new_type(state: State, nodes: Iterable[pg.Node]) -> Name:
    name = state.made_object(nodes)
    if state.is_type(name):
        raise Unsupported(f"type {name} exists already")
    return name


def alter_enum(state: State, node: pg.AlterEnumStmt) -> None:
    """ALTER TYPE … ADD VALUE and RENAME VALUE."""
    name = state.object_name(node.type_name, state.enums)
    enum = state.enums.get(name)
    if enum is None:
        raise Unsupported(f"type {name} is not known")
    values = list(enum.values)
    if node.old_val:
        if node.old_val not in values:
            raise Unsupported(f"type {name} has no value {node.old_val}")
        values[values.index(node.old_val)] = node.new_val
        _rename_in_defaults(state, name, node.old_val, node.new_val)
    elif node.new_val in values:
        if not node.skip_if_new_val_exists:
            raise Unsupported(f"type {name} has the value {node.new_val} already")
    elif node.new_val_neighbor:
        if node.new_val_neighbor not in values:
            raise Unsupported(f"type {name} has no value {node.new_val_neighbor}")
        place = values.index(node.new_val_neighbor) + node.new_val_is_after
        values.insert(place, node.new_val)
    else:
        values.append(node.new_val)
    state.enums[name] = replace(enum, values=tuple(values))


def _rename_in_defaults(state: State, enum: Name, old: str, new: str) -> None:
    """A default holds the value itself, whatever its name is."""
    before, after = tree.literal(old), tree.literal(new)
    for draft in state.tables.values():
        for column in list(draft.columns.values()):
            default = column.default or ""
            of_enum = Name(column.type.schema, column.type.name) == enum
            if of_enum and (default == before or default.startswith(f"{before}::")):
                renamed = Sql(after + default.removeprefix(before))
                draft.columns[column.name] = replace(column, default=renamed)


def create_composite(state: State, node: pg.CompositeTypeStmt) -> None:
    """CREATE TYPE … AS (…)."""
    name = state.new_name(node.typevar)
    attributes = {}
    for item in node.coldeflist:
        column = item.column_def
        attributes[column.colname] = Column(
            column.colname,
            state.type_of(column.type_name),
            collation=collation(column.coll_clause.collname),
            at=state.at(column.location),
        )
    state.put_composite(Composite(name, attributes, at=state.at()))


def create_range(state: State, node: pg.CreateRangeStmt) -> None:
    """CREATE TYPE … AS RANGE."""
    name = _new_type(state, node.type_name)
    subtype, multirange, given = Type("unknown"), "", {}
    for item in node.params:
        option = item.def_elem
        if option.defname == "subtype":
            subtype = state.type_of(option.arg.type_name)
        elif option.defname == "multirange_type_name":
            multirange = strings(option.arg.type_name.names)[-1]
        elif option.defname == "subtype_opclass":
            if chosen := opclass(option.arg.type_name.names, "btree"):
                given["subtype_opclass"] = chosen
        else:
            given[option.defname] = option_text(option).removeprefix("public.")
    if not multirange:
        multirange = _multirange_name(name.name)
    state.ranges[name] = Range(name, subtype, multirange, given, at=state.at())


def _multirange_name(name: str) -> str:
    """As makeMultirangeTypeName: `range` in the name becomes `multirange`."""
    if "range" in name:
        return name.replace("range", "multirange", 1)
    return f"{name.encode()[: 63 - len('_multirange')].decode(errors='ignore')}_multirange"


def create_domain(state: State, node: pg.CreateDomainStmt) -> None:
    """CREATE DOMAIN."""
    name = _new_type(state, node.domainname)
    kind = state.type_of(node.type_name)
    domain = Domain(name, kind, collation=collation(node.coll_clause.collname), at=state.at())
    for item in node.constraints:
        domain = _constrained(state, domain, item.constraint)
    state.domains[name] = domain


def _constrained(state: State, domain: Domain, node: pg.Constraint) -> Domain:
    at = state.at(node.location)
    if node.contype == pg.CONSTR_DEFAULT:
        return replace(domain, default=default_of(state, node.raw_expr, domain.type))
    if node.contype == pg.CONSTR_NOTNULL:
        name = node.conname or _domain_constraint_name(state, domain, "not_null")
        return replace(domain, not_null=NotNull(name, at=at))
    if node.contype == pg.CONSTR_CHECK:
        name = node.conname or _domain_constraint_name(state, domain, "check")
        check = Check(name, tree.sql(node.raw_expr), valid=not node.skip_validation, at=at)
        state.constraint_names[Name(domain.name.schema, name)] += 1
        return replace(domain, checks={**domain.checks, name: check})
    return domain


def _domain_constraint_name(state: State, domain: Domain, label: str) -> str:
    schema, own = domain.name
    return state.constraint_name(schema, own, "", label)


def alter_domain(state: State, node: pg.AlterDomainStmt) -> None:
    """ALTER DOMAIN."""
    name = state.object_name(node.type_name, state.domains)
    domain = state.domains.get(name)
    if domain is None:
        raise Unsupported(f"domain {name} is not known")
    definition = getattr(node, "def")
    kind = node.subtype
    if kind == "T":
        given = node.HasField("def")
        default = default_of(state, definition, domain.type) if given else None
        domain = replace(domain, default=default)
    elif kind == "N":
        domain = replace(domain, not_null=None)
    elif kind == "O":
        chosen = _domain_constraint_name(state, domain, "not_null")
        domain = replace(domain, not_null=domain.not_null or NotNull(chosen, at=state.at()))
    elif kind == "C":
        domain = _constrained(state, domain, definition.constraint)
    elif kind == "X":
        domain = _without_constraint(domain, node)
    elif kind == "V" and node.name in domain.checks:
        check = replace(domain.checks[node.name], valid=True)
        domain = replace(domain, checks={**domain.checks, node.name: check})
    state.domains[name] = domain


def _without_constraint(domain: Domain, node: pg.AlterDomainStmt) -> Domain:
    if domain.not_null and domain.not_null.name == node.name:
        return replace(domain, not_null=None)
    if node.name not in domain.checks and not node.missing_ok:
        raise Unsupported(f"constraint {node.name} of {domain.name} is not known")
    kept = {key: check for key, check in domain.checks.items() if key != node.name}
    return replace(domain, checks=kept)


# Views


def create_view(state: State, node: pg.ViewStmt) -> None:
    """CREATE VIEW."""
    name = state.new_name(node.view)
    if name in state.relations and not (node.replace and name in state.views):
        raise Unsupported(f"relation {name} exists already")
    given = options(node.options)
    if node.with_check_option == pg.LOCAL_CHECK_OPTION:
        given["check_option"] = "local"
    elif node.with_check_option == pg.CASCADED_CHECK_OPTION:
        given["check_option"] = "cascaded"
    view = View(
        name, tree.query(node.query), tuple(strings(node.aliases)), options=given, at=state.at()
    )
    if old := state.views.get(name):
        view = replace(
            view,
            triggers=old.triggers,
            rules=old.rules,
            column_defaults=old.column_defaults,
            comment=old.comment,
            owner=old.owner,
        )
    state.put_view(view)


def create_table_as(state: State, node: pg.CreateTableAsStmt) -> None:
    """CREATE MATERIALIZED VIEW and CREATE TABLE AS."""
    into = node.into
    name = state.new_name(into.rel)
    if name in state.relations and node.if_not_exists:
        return
    if node.objtype != pg.OBJECT_MATVIEW:
        table_as.create_table_as(state, into, node.query)
        return
    if name in state.relations:
        raise Unsupported(f"relation {name} exists already")
    state.put_view(
        View(
            name,
            tree.query(node.query),
            tuple(strings(into.col_names)),
            materialized=True,
            with_data=not into.skip_data,
            options=options(into.options),
            at=state.at(),
        )
    )
