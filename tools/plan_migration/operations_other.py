"""Statements other than ALTER TABLE as measured operations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from postgast import pg_query_pb2 as pg

from ..ddl.model import Name, Schema
from ..ddl.postgres import tree
from ..ddl.postgres.nodes import strings
from ..engines.locks import MODES
from .live import Live
from .operations_base import (
    Names,
    Operation,
    default_partition,
    of_partition,
    on_table,
    roles,
    sequences_of,
)

Handler = Callable[[Any, Live], Iterator[Operation]]
_NONE: Final[dict[str, Names]] = {}


# Tables


def _create_table(node: Any, live: Live) -> Iterator[Operation]:
    name = live.state.new_name(node.relation)
    if node.if_not_exists and name in live.state.relations:
        yield Operation("create table, if it does not exist", {"table": (name,)})
        return
    if node.HasField("partbound"):
        yield from _create_partition(node, name, live)
        return
    targets = _targets(node, live)
    if targets - {name}:
        given: dict[str, Names] = {"referenced": tuple(sorted(targets - {name}))}
        yield Operation("create table, references", given)
    elif node.inh_relations:
        parents = tuple(live.name(item.range_var) for item in node.inh_relations)
        yield Operation("create table, inherits", {"parent": parents})
    else:
        yield Operation("create table", _NONE)
    likes = [e.table_like_clause for e in node.table_elts if e.HasField("table_like_clause")]
    for like in likes:
        source = live.name(like.relation)
        yield Operation("create table, like another", {"table": (source,)})


def _create_partition(node: Any, name: Name, live: Live) -> Iterator[Operation]:
    parent = live.name(node.inh_relations[0].range_var)
    given = of_partition(live, name, parent)
    spare = default_partition(live, parent)
    if node.partbound.is_default:
        yield Operation("create partition, as the default", given)
    elif spare is not None:
        yield Operation("create partition, with a default partition", given)
    else:
        yield Operation("create partition", given)
    if "referenced" in given:
        yield Operation("create partition, with a foreign key", given, locks_only=True)


def _targets(node: Any, live: Live) -> set[Name]:
    """The tables that a new table's foreign keys reference."""
    given = [item.constraint for item in node.table_elts if item.HasField("constraint")]
    for item in node.table_elts:
        if item.HasField("column_def"):
            given += [each.constraint for each in item.column_def.constraints]
    return {live.name(c.pktable) for c in given if c.contype == pg.CONSTR_FOREIGN}


def _create_foreign_table(node: Any, live: Live) -> Iterator[Operation]:
    if node.base_stmt.HasField("partbound"):
        parent = live.name(node.base_stmt.inh_relations[0].range_var)
        name = live.state.new_name(node.base_stmt.relation)
        yield Operation("create foreign table, partition", of_partition(live, name, parent))
    else:
        yield Operation("create foreign table", _NONE)


def _create_table_as(node: Any, live: Live) -> Iterator[Operation]:
    kind = "materialized view" if node.objtype == pg.OBJECT_MATVIEW else "table"
    read = _read(node.query, live)
    base = f"create {kind}" + " as" * (kind == "table")
    yield Operation(base + ", with no data" * node.into.skip_data, {"table": read})


def _drop(node: Any, live: Live) -> Iterator[Operation]:
    if node.remove_type in _DROPS_ON_TABLE:
        for item in node.objects:
            *table, _ = strings(item.list.items)
            name = live.state.visible(
                table[0] if len(table) > 1 else "", table[-1], live.state.relations
            )
            yield Operation(_DROPS_ON_TABLE[node.remove_type], roles(live, name))
        return
    if node.remove_type in (pg.OBJECT_TABLE, pg.OBJECT_FOREIGN_TABLE):
        for item in node.objects:
            yield from _drop_table(live.listed(item), node.behavior == pg.DROP_CASCADE, live)
        return
    for item in node.objects:
        yield from _drop_other(node, item, live)


_DROPS_ON_TABLE: Final = {
    pg.OBJECT_TRIGGER: "drop trigger",
    pg.OBJECT_RULE: "drop rule",
    pg.OBJECT_POLICY: "drop policy",
}


def _drop_table(name: Name, cascades: bool, live: Live) -> Iterator[Operation]:
    given = roles(live, name)
    draft = live.tables.get(name)
    if draft is None:
        yield Operation("drop table", given)
        return
    views = live.views_of(name)
    for view in views if cascades else ():
        kind = live.kind(view)
        yield Operation("drop table, used by views, cascade", {**given, kind: (view,)})
    if cascades and "referencing" in given:
        yield Operation("drop table, referenced, cascade", given)
    if draft.table.partition_of:
        spare = default_partition(live, draft.table.partition_of.parent)
        with_default = spare is not None and spare != name
        yield Operation("drop partition" + ", with a default partition" * with_default, given)
        if draft.foreign_keys:
            yield Operation("drop table, with a foreign key", given, locks_only=True)
    elif draft.table.partition_by:
        yield Operation("drop table, partitioned", given)
    elif draft.foreign_keys:
        yield Operation("drop table, with a foreign key", given)
    elif draft.table.inherits:
        parents = {"parent": draft.table.inherits, "child": (name,)}
        yield Operation("drop table, inheritance child", {**given, **parents})
    else:
        yield Operation("drop table", given)


def _drop_other(node: Any, item: Any, live: Live) -> Iterator[Operation]:
    kind = node.remove_type
    cascades = node.behavior == pg.DROP_CASCADE
    if kind == pg.OBJECT_INDEX:
        name = live.listed(item)
        home = live.index_home(name)
        draft = live.tables.get(home) if home else None
        partitioned = ", partitioned" * bool(draft and draft.table.partition_by)
        base = "drop index" + ", concurrently" * node.concurrent + partitioned
        given: dict[str, Names] = {"index": (name,)}
        if home is not None:
            given |= roles(live, home)
        doubt = "" if home else "the schema does not show which table the index is of"
        yield Operation(base, given, doubt)
    elif kind in (pg.OBJECT_VIEW, pg.OBJECT_MATVIEW, pg.OBJECT_SEQUENCE):
        name = live.listed(item)
        word = {
            pg.OBJECT_VIEW: "view",
            pg.OBJECT_MATVIEW: "materialized view",
            pg.OBJECT_SEQUENCE: "sequence",
        }[kind]
        if word == "sequence" and cascades:
            users = _using_sequence(name, live)
            base = "drop sequence, used by a default, cascade"
            yield Operation(base, {"sequence": (name,), "table": users})
        else:
            yield Operation(f"drop {word}", {word: (name,)})
    elif kind == pg.OBJECT_TYPE:
        yield from _drop_type(item, cascades, live)
    elif kind == pg.OBJECT_DOMAIN:
        name = _type_name(item, live)
        users = _columns_of_type(name, live)
        base = "drop domain, used by a column, cascade"
        yield Operation(base, {"type": (name,), "table": users})
    elif kind == pg.OBJECT_SCHEMA:
        schema = item.string.sval
        tables = tuple(n for n in live.tables if n.schema == schema)
        base = "drop schema, cascade" if tables else "drop schema"
        yield Operation(base, {"table": tables})
    elif kind in (pg.OBJECT_FUNCTION, pg.OBJECT_PROCEDURE, pg.OBJECT_ROUTINE):
        yield from _drop_function(item, cascades, live)
    elif kind == pg.OBJECT_STATISTIC_EXT:
        yield Operation("drop statistics", {"table": _of_statistics(item, live)})
    else:
        base = {
            pg.OBJECT_PUBLICATION: "drop publication",
        }.get(kind, "")
        word = pg.ObjectType.Name(kind).removeprefix("OBJECT_").lower().replace("_", " ")
        doubt = "" if base else f"dropping something like it ({word}) was not measured"
        if kind in _CATALOG_ONLY and not cascades:
            base, doubt = "drop schema", ""
        yield Operation(base, _NONE, doubt)


_CATALOG_ONLY: Final = frozenset(
    {
        pg.OBJECT_AGGREGATE,
        pg.OBJECT_CAST,
        pg.OBJECT_COLLATION,
        pg.OBJECT_CONVERSION,
        pg.OBJECT_EVENT_TRIGGER,
        pg.OBJECT_EXTENSION,
        pg.OBJECT_OPCLASS,
        pg.OBJECT_OPERATOR,
        pg.OBJECT_OPFAMILY,
        pg.OBJECT_TSCONFIGURATION,
        pg.OBJECT_TSDICTIONARY,
    }
)


def _of_statistics(item: Any, live: Live) -> Names:
    """The table of extended statistics, which the schema keeps as written."""
    name = strings(item.list.items)[-1]
    for (kind, shown), kept in live.state.opaque.items():
        if kind == "statistics" and shown.rpartition(".")[2] == name:
            return _read(tree.parse_query(kept.sql), live)
    return ()


def _drop_type(item: Any, cascades: bool, live: Live) -> Iterator[Operation]:
    name = _type_name(item, live)
    users = _columns_of_type(name, live)
    if cascades and users:
        yield Operation("drop type, used by a column, cascade", {"type": (name,), "table": users})
    else:
        yield Operation("drop type", {"type": (name,)})


def _type_name(item: Any, live: Live) -> Name:
    names = strings(item.type_name.names)
    if len(names) > 1:
        return Name(names[-2], names[-1])
    return next(
        (Name(s, names[-1]) for s in live.state.path if live.state.is_type(Name(s, names[-1]))),
        Name(live.state.creation_schema(), names[-1]),
    )


def _columns_of_type(name: Name, live: Live) -> Names:
    """The tables with a column of a type."""
    return tuple(
        table
        for table, draft in live.tables.items()
        if any(
            column.type.name == name.name and (column.type.schema or "public") == name.schema
            for column in draft.columns.values()
        )
    )


def _using_sequence(name: Name, live: Live) -> Names:
    """The tables with a default that draws from a sequence."""
    return tuple(
        table
        for table, draft in live.tables.items()
        if any(name.name in (column.default or "") for column in draft.columns.values())
    )


def _drop_function(item: Any, cascades: bool, live: Live) -> Iterator[Operation]:
    function = strings(item.object_with_args.objname)[-1]
    users = tuple(
        table
        for table, draft in live.tables.items()
        if any(t.function and t.function.name == function for t in draft.triggers.values())
    )
    if cascades and users:
        yield Operation("drop function, used by a trigger, cascade", {"table": users})
    if cascades:
        yield Operation(
            "", _NONE, "what CASCADE takes with a function is known for its triggers only"
        )
    else:
        yield Operation("rename function", _NONE)


def _truncate(node: Any, live: Live) -> Iterator[Operation]:
    for item in node.relations:
        name = live.name(item.range_var)
        given = roles(live, name)
        draft = live.tables.get(name)
        if node.behavior == pg.DROP_CASCADE and "referencing" in given:
            yield Operation(
                "truncate, referenced, cascade", {**given, "referencing": _all_after(live, name)}
            )
        elif node.restart_seqs:
            given["sequence"] = live.owned_sequences(name)
            given["table"] = (name, *live.descendants(name))
            yield Operation("truncate, restart identity", given)
        elif draft and draft.table.partition_by:
            yield Operation("truncate, partitioned table", given)
        elif draft and draft.table.partition_of:
            yield Operation("truncate, partition", given)
        else:
            yield Operation("truncate", {**given, "table": (name, *live.descendants(name))})


def _all_after(live: Live, name: Name) -> Names:
    """The tables that TRUNCATE … CASCADE reaches."""
    found: dict[Name, None] = {}
    todo = [name]
    while todo:
        for other in live.referencing(todo.pop()):
            if other not in found and other != name:
                found[other] = None
                todo.append(other)
    return tuple(found)


# Indexes and upkeep


def _create_index(node: Any, live: Live) -> Iterator[Operation]:
    name = live.name(node.relation)
    full = Name(name.schema, node.idxname)
    if node.if_not_exists and live.kind(full) == "index":
        yield Operation("create index, if it does not exist", roles(live, name))
        return
    base = "create index" + ", concurrently" * node.concurrent
    draft = live.tables.get(name)
    if live.kind(name) == "materialized view":
        yield Operation(f"{base}, on a materialized view", roles(live, name))
    elif draft and draft.table.partition_by:
        only = " only" * (not node.relation.inh and not node.concurrent)
        yield Operation(f"{base}, partitioned table{only}", roles(live, name))
    else:
        yield on_table(live, name, base + ", unique" * node.unique, recurses=False)


def _reindex(node: Any, live: Live) -> Iterator[Operation]:
    concurrently = any(
        item.def_elem.defname == "concurrently" and is_on(item.def_elem) for item in node.params
    )
    suffix = ", concurrently" * concurrently
    if node.kind == pg.REINDEX_OBJECT_INDEX:
        index = live.name(node.relation)
        home = live.index_home(index)
        given: dict[str, Names] = {"index": (index,)}
        doubt = "" if home else "the schema does not show which table the index is of"
        draft = live.tables.get(home) if home else None
        suffix += ", partitioned" * bool(draft and draft.table.partition_by)
        yield Operation(
            f"reindex index{suffix}", given | (roles(live, home) if home else {}), doubt
        )
    elif node.kind == pg.REINDEX_OBJECT_TABLE:
        name = live.name(node.relation)
        draft = live.tables.get(name)
        partitioned = ", partitioned" * bool(draft and draft.table.partition_by)
        yield Operation(f"reindex table{suffix}{partitioned}", roles(live, name))
    else:
        whole = node.kind != pg.REINDEX_OBJECT_SCHEMA
        tables = tuple(n for n in live.tables if whole or n.schema == node.name)
        yield Operation(f"reindex schema{suffix}", {"table": tables})


def is_on(option: Any) -> bool:
    """Whether an option without value, or with a true one, is set."""
    if not option.HasField("arg"):
        return True
    kind = option.arg.WhichOneof("node")
    if kind == "boolean":
        return bool(option.arg.boolean.boolval)
    if kind == "integer":
        return bool(option.arg.integer.ival)
    return str(option.arg.string.sval).lower() not in ("false", "off", "0")


def _cluster(node: Any, live: Live) -> Iterator[Operation]:
    if not node.relation.relname:
        tables = tuple(n for n, draft in live.tables.items() if draft.table.cluster_on)
        yield Operation("cluster", {"table": tables})
    else:
        yield on_table(live, live.name(node.relation), "cluster")


def _vacuum(node: Any, live: Live) -> Iterator[Operation]:
    options = {i.def_elem.defname for i in node.options if is_on(i.def_elem)}
    if not node.is_vacuumcmd:
        base = "analyze"
    else:
        kinds = ("full", "freeze", "analyze")
        base = "vacuum" + next((f", {kind}" for kind in kinds if kind in options), "")
    named = [live.name(item.vacuum_relation.relation) for item in node.rels]
    for item, name in zip(node.rels, named, strict=True):
        draft = live.tables.get(name)
        if not item.vacuum_relation.relation.inh and draft and draft.table.partition_by:
            yield Operation("analyze, partitioned table only", roles(live, name))
        else:
            yield on_table(live, name, base)
    if not named:
        yield Operation(base, {"table": tuple(live.tables)})


def _refresh(node: Any, live: Live) -> Iterator[Operation]:
    name = live.name(node.relation)
    base = "refresh materialized view" + ", concurrently" * node.concurrent
    view = live.view(name)
    read: Names = ()
    if view is not None:
        read = _read(tree.parse_query(view.query), live)
    suffix = ", with no data" * node.skip_data
    yield Operation(base + suffix, {"materialized view": (name,), "table": read})


def _lock(node: Any, live: Live) -> Iterator[Operation]:
    for item in node.relations:
        name = live.name(item.range_var)
        mode = MODES[node.mode - 1]  # LockStmt has their numbers, from 1
        yield Operation("lock table", {"table": (name, *live.descendants(name))}, mode=mode)


# Rows


def _select(node: Any, live: Live) -> Iterator[Operation]:
    if node.HasField("into_clause"):
        made = live.name(node.into_clause.rel)
        read = tuple(name for name in _read(node, live) if name != made)
        yield Operation("select into", {"table": read})
        return
    strength = max((i.locking_clause.strength for i in node.locking_clause), default=0)
    base = "select"
    if strength:
        weak = strength in (pg.LCS_FORKEYSHARE, pg.LCS_FORSHARE)
        base = "select for key share" if weak else "select for update"
    calls = {strings(m.funcname)[-1] for m in tree.walk(node) if isinstance(m, pg.FuncCall)}
    own = {function.name.name for function in live.state.functions.values()}
    for message in tree.walk(node):
        if isinstance(message, pg.CommonTableExpr):  # WITH may write
            kind = message.ctequery.WhichOneof("node") or ""
            if kind in _WRITING:
                yield from HANDLERS[kind](getattr(message.ctequery, kind), live)
    doubt = ""
    if called := sorted(calls & own):
        doubt = f"what the function {called[0]} does is not known"
    yield Operation(base, {"table": _read(node, live)}, doubt)
    for function in sorted(calls & {"nextval", "setval"}):
        yield Operation(function, {"sequence": sequences_of(node, live)})


def _explain(node: Any, live: Live) -> Iterator[Operation]:
    """EXPLAIN ANALYZE runs the statement."""
    kind = node.query.WhichOneof("node") or ""
    if any(i.def_elem.defname == "analyze" and is_on(i.def_elem) for i in node.options):
        yield from HANDLERS.get(kind, _unknowable(kind))(getattr(node.query, kind), live)


_WRITING: Final = frozenset({"insert_stmt", "update_stmt", "delete_stmt", "merge_stmt"})


def _write(base: str) -> Handler:
    def handle(node: Any, live: Live) -> Iterator[Operation]:
        name = live.name(node.relation)
        yield Operation(base, {**roles(live, name), "table": (name, *live.descendants(name))})
        if read := tuple(n for n in _read(node, live) if n != name):
            yield Operation("select", {"table": read})

    return handle


def _update(node: Any, live: Live) -> Iterator[Operation]:
    whole = not node.HasField("where_clause")
    yield from _write("update all rows" if whole else "update a batch of rows")(node, live)


def _delete(node: Any, live: Live) -> Iterator[Operation]:
    name = live.name(node.relation)
    base = "delete all rows"
    if live.referencing(name):
        base = "delete, with a foreign key's table"
    yield from _write(base)(node, live)


def _copy(node: Any, live: Live) -> Iterator[Operation]:
    if node.HasField("query"):
        yield Operation("select", {"table": _read(node.query, live)})
    elif node.is_from:
        yield Operation("copy from", roles(live, live.name(node.relation)))
    else:
        yield Operation("copy to", {"table": (live.name(node.relation),)})


def _read(query: Any, live: Live) -> Names:
    """The relations that a query names, and those behind its views."""
    found: dict[Name, None] = {}
    todo = [live.name(relation) for relation in tree.relations(query)]
    while todo:
        name = todo.pop()
        if name in found:
            continue
        found[name] = None
        view = live.view(name)
        if view is not None and not view.materialized:
            todo += [live.name(r) for r in tree.relations(tree.parse_query(view.query))]
    return tuple(found)


# Types, sequences, views, triggers and the rest


def _alter_enum(node: Any, live: Live) -> Iterator[Operation]:
    yield Operation("rename enum value" if node.old_val else "add enum value", _NONE)


def _alter_domain(node: Any, live: Live) -> Iterator[Operation]:
    names = strings(node.type_name)
    name = Name(names[-2], names[-1]) if len(names) > 1 else _domain_name(names[-1], live)
    given: dict[str, Names] = {"type": (name,), "table": _columns_of_type(name, live)}
    definition = getattr(node, "def")
    constraint = definition.constraint
    base = {
        "T": "set domain default" if definition.WhichOneof("node") else "drop domain default",
        "N": "drop domain not null",
        "O": "set domain not null",
        "C": "add domain check" + ", not valid" * constraint.skip_validation,
        "X": "drop domain check",
        "V": "validate domain check",
    }.get(node.subtype, "")
    yield Operation(base, given, "" if base else "nothing like it was measured")


def _domain_name(name: str, live: Live) -> Name:
    return next(
        (Name(s, name) for s in live.state.path if Name(s, name) in live.state.domains),
        Name(live.state.creation_schema(), name),
    )


def _alter_sequence(node: Any, live: Live) -> Iterator[Operation]:
    options = {item.def_elem.defname: item.def_elem for item in node.options}
    given: dict[str, Names] = {"sequence": (live.name(node.sequence),)}
    base = "alter sequence"
    if "as" in options:
        base = "alter sequence, as bigint"
    elif "restart" in options:
        base = "alter sequence, restart"
    elif "owned_by" in options:
        target = strings(options["owned_by"].arg.list.items)
        base = "alter sequence, owned by none"
        if target != ["none"]:
            base = "alter sequence, owned by a column"
            *schema, table, _ = target
            name = live.state.visible(schema[0] if schema else "", table, live.state.relations)
            given["table"] = (name,)
    yield Operation(base, given)


def _create_sequence(node: Any, live: Live) -> Iterator[Operation]:
    owned = [i.def_elem for i in node.options if i.def_elem.defname == "owned_by"]
    target = strings(owned[0].arg.list.items) if owned else []
    if len(target) > 1:
        *schema, table, _ = target
        name = live.state.visible(schema[0] if schema else "", table, live.state.relations)
        yield Operation("create sequence, owned by a column", {"table": (name,)})
    else:
        yield Operation("create sequence", _NONE)


def _create_view(node: Any, live: Live) -> Iterator[Operation]:
    name = live.state.new_name(node.view)
    read = _read(node.query, live)
    if node.replace and live.kind(name) == "view":
        yield Operation("replace view", {"view": (name,), "table": read})
    else:
        yield Operation("create view", {"table": read})


def _create_trigger(node: Any, live: Live) -> Iterator[Operation]:
    name = live.name(node.relation)
    draft = live.tables.get(name)
    if live.kind(name) == "view":
        yield Operation("create trigger, instead of, on a view", roles(live, name))
    elif node.HasField("constrrel"):
        target = live.name(node.constrrel)
        base = "create constraint trigger, from another table"
        yield on_table(live, name, base, {"referenced": (target,)})
    elif node.isconstraint:
        yield on_table(live, name, "create constraint trigger")
    elif node.replace and draft and node.trigname in draft.triggers:
        yield on_table(live, name, "replace trigger")
    else:
        yield on_table(live, name, "create trigger", recurses=False)


def _create_policy(node: Any, live: Live) -> Iterator[Operation]:
    name = live.name(node.table)
    read = tuple(n for n in (_read(node, live)) if n != name)
    base = "create policy" + ", reading another table" * bool(read)
    yield Operation(base, {**roles(live, name), "read": read})


def _alter_policy(node: Any, live: Live) -> Iterator[Operation]:
    yield Operation("alter policy", roles(live, live.name(node.table)))


def _rule(node: Any, live: Live) -> Iterator[Operation]:
    yield Operation("create rule", roles(live, live.name(node.relation)))


def _function(node: Any, live: Live) -> Iterator[Operation]:
    if node.HasField("sql_body"):
        base = "create function, with a parsed body that reads a table"
        yield Operation(base, {"table": _read(node.sql_body, live)})
        return
    yield Operation("create procedure" if node.is_procedure else "create function", _NONE)


def _rename(node: Any, live: Live) -> Iterator[Operation]:
    kind = node.rename_type
    if kind in _RENAMES_ON_RELATION and node.relation.relname:
        name = live.name(node.relation)
        if kind == pg.OBJECT_COLUMN and live.kind(name) in ("view", "materialized view"):
            yield Operation(f"rename column of a {live.kind(name)}", roles(live, name))
        elif kind == pg.OBJECT_TABLE and node.relation_type == pg.OBJECT_INDEX:
            yield _rename_index(name, live)
        elif kind == pg.OBJECT_COLUMN:
            yield on_table(live, name, "rename column")
        elif kind == pg.OBJECT_TABCONSTRAINT:
            draft = live.tables.get(name)
            has_index = draft and (node.subname in draft.keys or node.subname in draft.exclusions)
            base = "rename constraint" + ", with an index" * bool(has_index)
            recurses = bool(draft and node.subname in draft.checks)
            yield on_table(live, name, base, recurses=recurses)
        else:
            yield on_table(live, name, _RENAMES_ON_RELATION[kind], recurses=False)
    elif kind == pg.OBJECT_INDEX:
        yield _rename_index(live.name(node.relation), live)
    elif kind == pg.OBJECT_ATTRIBUTE:
        name = live.name(node.relation)
        typed = tuple(n for n, draft in live.tables.items() if draft.table.of_type == name)
        yield Operation("rename attribute, cascade to typed tables", {"table": typed})
    elif kind == pg.OBJECT_SCHEMA:
        tables = tuple(n for n in live.tables if n.schema == node.subname)
        yield Operation("rename schema", {"table": tables})
    else:
        base = _RENAMES_OF_OTHERS.get(kind, "rename function")
        given: dict[str, Names] = {}
        if node.relation.relname:
            given = roles(live, live.name(node.relation))
        yield Operation(base, given)


def _rename_index(name: Name, live: Live) -> Operation:
    home = live.index_home(name)
    return Operation("rename index", {"index": (name,)} | (roles(live, home) if home else {}))


_RENAMES_ON_RELATION: Final = {
    pg.OBJECT_TABLE: "rename table",
    pg.OBJECT_FOREIGN_TABLE: "rename table",
    pg.OBJECT_COLUMN: "rename column",
    pg.OBJECT_TABCONSTRAINT: "rename constraint",
    pg.OBJECT_TRIGGER: "rename trigger",
    pg.OBJECT_POLICY: "rename policy",
    pg.OBJECT_RULE: "rename rule",
    pg.OBJECT_VIEW: "rename view",
    pg.OBJECT_MATVIEW: "rename materialized view",
}
_RENAMES_OF_OTHERS: Final = {
    pg.OBJECT_SEQUENCE: "alter sequence, rename",
    pg.OBJECT_TYPE: "rename type",
    pg.OBJECT_DOMAIN: "rename domain",
    pg.OBJECT_DOMCONSTRAINT: "rename domain check",
    pg.OBJECT_STATISTIC_EXT: "rename statistics",
}


def _set_schema(node: Any, live: Live) -> Iterator[Operation]:
    kind = node.object_type
    if node.relation.relname:
        name = live.name(node.relation)
        base = {
            pg.OBJECT_VIEW: "set schema of a view",
            pg.OBJECT_MATVIEW: "set schema of a materialized view",
            pg.OBJECT_SEQUENCE: "alter sequence, set schema",
        }.get(kind, "set schema")
        yield Operation(base, roles(live, name))
    else:
        yield Operation("set schema of a type", _NONE)


def _owner(node: Any, live: Live) -> Iterator[Operation]:
    if node.relation.relname:
        yield on_table(live, live.name(node.relation), "owner to another", recurses=False)
    else:
        yield Operation("rename function", _NONE)


def _comment(node: Any, live: Live) -> Iterator[Operation]:
    kind = node.objtype
    parts = strings(node.object.list.items)
    if kind in (pg.OBJECT_TABLE, pg.OBJECT_FOREIGN_TABLE):
        name = live.listed(node.object)
        yield on_table(live, name, "comment on table", recurses=False)
    elif kind in _COMMENTS_ON_PART:
        *table, _ = parts
        name = live.state.visible(
            table[-2] if len(table) > 1 else "", table[-1], live.state.relations
        )
        yield on_table(live, name, _COMMENTS_ON_PART[kind], recurses=False)
    elif kind == pg.OBJECT_INDEX:
        yield Operation("comment on index", {"index": (live.listed(node.object),)})
    elif kind in (pg.OBJECT_VIEW, pg.OBJECT_MATVIEW):
        yield Operation("comment on view", roles(live, live.listed(node.object)))
    else:
        yield Operation("create schema", _NONE)


_COMMENTS_ON_PART: Final = {
    pg.OBJECT_COLUMN: "comment on column",
    pg.OBJECT_TABCONSTRAINT: "comment on constraint",
    pg.OBJECT_TRIGGER: "comment on trigger",
    pg.OBJECT_POLICY: "comment on trigger",
    pg.OBJECT_RULE: "comment on trigger",
}


def _grant(node: Any, live: Live) -> Iterator[Operation]:
    verb = "grant" if node.is_grant else "revoke"
    if node.targtype == pg.ACL_TARGET_ALL_IN_SCHEMA:
        yield Operation("grant on all tables", _NONE)
    elif node.objtype == pg.OBJECT_TABLE:
        base = f"{verb} on table"
        for item in node.objects:
            yield on_table(live, live.name(item.range_var), base, recurses=False)
    else:
        word = {pg.OBJECT_SEQUENCE: "sequence", pg.OBJECT_FUNCTION: "function"}
        given: dict[str, Names] = {}
        if node.objtype == pg.OBJECT_SEQUENCE:
            given["sequence"] = tuple(live.name(item.range_var) for item in node.objects)
        yield Operation(f"grant on {word.get(node.objtype, 'schema')}", given)


def _statistics(node: Any, live: Live) -> Iterator[Operation]:
    for item in node.relations:
        yield on_table(live, live.name(item.range_var), "create statistics", recurses=False)


def _publication(node: Any, live: Live) -> Iterator[Operation]:
    named = [
        live.name(item.publication_obj_spec.pubtable.relation)
        for item in node.pubobjects
        if item.publication_obj_spec.HasField("pubtable")
    ]
    made = isinstance(node, pg.CreatePublicationStmt)
    if made and node.for_all_tables:
        yield Operation("create publication, all tables", {"table": tuple(live.tables)})
    elif made and not named and node.pubobjects:
        yield Operation("create publication, tables of a schema", _NONE)
    else:
        base = "create publication"
        if not made:
            base = {
                pg.AP_AddObjects: "add table to publication",
                pg.AP_DropObjects: "drop table from publication",
            }.get(node.action, "set tables of publication")
        yield Operation(base, {"table": tuple(named)})


def _create_schema(node: Any, live: Live) -> Iterator[Operation]:
    yield Operation("create schema", _NONE)
    inside = Live(Schema(live.state.schema().dialect)) if node.schema_elts else live
    for item in node.schema_elts:
        kind = item.WhichOneof("node") or ""
        if kind in HANDLERS:
            yield from HANDLERS[kind](getattr(item, kind), inside)


def _depends(node: Any, live: Live) -> Iterator[Operation]:
    name = live.name(node.relation) if node.relation.relname else None
    if name is not None and live.kind(name) == "index":
        yield Operation("index depends on extension", {"index": (name,)})
    else:
        given = roles(live, name) if name else {}
        yield Operation("trigger depends on extension", given)


def _no_table(base: str) -> Handler:
    def handle(node: Any, live: Live) -> Iterator[Operation]:
        yield Operation(base, _NONE)

    return handle


def _nothing(node: Any, live: Live) -> Iterator[Operation]:
    """Transactions and settings: no operation at all."""
    yield from ()


def _unknowable(what: str) -> Handler:
    def handle(node: Any, live: Live) -> Iterator[Operation]:
        yield Operation("", _NONE, what)

    return handle


HANDLERS: Final[dict[str, Handler]] = {
    "create_stmt": _create_table,
    "create_foreign_table_stmt": _create_foreign_table,
    "create_table_as_stmt": _create_table_as,
    "drop_stmt": _drop,
    "truncate_stmt": _truncate,
    "index_stmt": _create_index,
    "reindex_stmt": _reindex,
    "cluster_stmt": _cluster,
    "vacuum_stmt": _vacuum,
    "refresh_mat_view_stmt": _refresh,
    "lock_stmt": _lock,
    "select_stmt": _select,
    "insert_stmt": _write("insert"),
    "update_stmt": _update,
    "delete_stmt": _delete,
    "merge_stmt": _write("merge"),
    "copy_stmt": _copy,
    "alter_enum_stmt": _alter_enum,
    "alter_domain_stmt": _alter_domain,
    "alter_seq_stmt": _alter_sequence,
    "create_seq_stmt": _create_sequence,
    "view_stmt": _create_view,
    "create_trig_stmt": _create_trigger,
    "create_policy_stmt": _create_policy,
    "alter_policy_stmt": _alter_policy,
    "rule_stmt": _rule,
    "create_function_stmt": _function,
    "rename_stmt": _rename,
    "alter_object_schema_stmt": _set_schema,
    "alter_owner_stmt": _owner,
    "comment_stmt": _comment,
    "alter_object_depends_stmt": _depends,
    "grant_stmt": _grant,
    "create_stats_stmt": _statistics,
    "create_publication_stmt": _publication,
    "alter_publication_stmt": _publication,
    "create_schema_stmt": _create_schema,
    "create_enum_stmt": _no_table("create enum"),
    "composite_type_stmt": _no_table("create composite type"),
    "create_range_stmt": _no_table("create range type"),
    "create_domain_stmt": _no_table("create domain"),
    "define_stmt": _no_table("create collation"),
    "create_cast_stmt": _no_table("create cast"),
    "create_op_class_stmt": _no_table("create cast"),
    "create_op_family_stmt": _no_table("create cast"),
    "create_conversion_stmt": _no_table("create cast"),
    "create_extension_stmt": _no_table("create extension, there already"),
    "create_event_trig_stmt": _no_table("create event trigger"),
    "alter_function_stmt": _no_table("alter function"),
    "alter_stats_stmt": _no_table("set target of statistics"),
    "alter_default_privileges_stmt": _no_table("alter default privileges"),
    "alter_system_stmt": _no_table("alter system"),
    "grant_role_stmt": _no_table("grant on schema"),
    "create_role_stmt": _no_table("create schema"),
    "alter_role_stmt": _no_table("create schema"),
    "alter_role_set_stmt": _no_table("create schema"),
    "transaction_stmt": _nothing,
    "variable_set_stmt": _nothing,
    "variable_show_stmt": _nothing,
    "constraints_set_stmt": _nothing,
    "notify_stmt": _nothing,
    "listen_stmt": _nothing,
    "unlisten_stmt": _nothing,
    "discard_stmt": _nothing,
    "deallocate_stmt": _nothing,
    "explain_stmt": _explain,
    "check_point_stmt": _nothing,
    "do_stmt": _unknowable("what a DO block does is not known"),
    "call_stmt": _unknowable("what a called procedure does is not known"),
    "execute_stmt": _unknowable("what a prepared statement does is not known"),
}
