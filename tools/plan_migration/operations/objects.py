"""Types, sequences, views, triggers, names and rights as measured operations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from postgast import pg_query_pb2 as pg

from ...ddl.model import Name
from ...ddl.postgres import tree
from ...ddl.postgres.nodes import strings
from ...ddl.script import Statement
from ..live import Live
from .base import (
    NO_ROLES,
    Handler,
    Names,
    Operation,
    columns_of_type,
    on_table,
    roles,
)
from .reading import relations_read
from .rows import WRITING


def _alter_enum(node: Any, live: Live) -> Iterator[Operation]:
    yield Operation("rename enum value" if node.old_val else "add enum value", NO_ROLES)


def _alter_domain(node: Any, live: Live) -> Iterator[Operation]:
    names = strings(node.type_name)
    name = Name(names[-2], names[-1]) if len(names) > 1 else _domain_name(names[-1], live)
    given: dict[str, Names] = {"type": (name,), "table": columns_of_type(name, live)}
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
        yield Operation("create sequence", NO_ROLES)


def _create_view(node: Any, live: Live) -> Iterator[Operation]:
    name = live.state.new_name(node.view)
    read = tuple(dict.fromkeys(live.name(relation) for relation in tree.relations(node.query)))
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
    read = tuple(n for n in relations_read(node, live) if n != name)
    base = "create policy" + ", reading another table" * bool(read)
    yield Operation(base, {**roles(live, name), "read": read})


def _alter_policy(node: Any, live: Live) -> Iterator[Operation]:
    yield Operation("alter policy", roles(live, live.name(node.table)))


def _rule(node: Any, live: Live) -> Iterator[Operation]:
    yield Operation("create rule", roles(live, live.name(node.relation)))


def _function(node: Any, live: Live) -> Iterator[Operation]:
    if node.HasField("sql_body"):
        base = "create function, with a parsed body that reads a table"
        yield Operation(base, {"table": relations_read(node.sql_body, live)})
        return
    yield Operation("create procedure" if node.is_procedure else "create function", NO_ROLES)
    given = {item.def_elem.defname: item.def_elem.arg for item in node.options}
    if "as" in given and given["language"].string.sval == "sql":
        yield from _body(strings(given["as"].list.items)[0], live)


def _body(text: str, live: Live) -> Iterator[Operation]:
    """What is locked while the server reads a function's body."""
    for parsed in tree.parse([Statement("", 0, text)]):
        node: Any = parsed.node
        if parsed.kind in WRITING:
            written = (live.name(node.relation),)
            yield Operation(f"{_WITH_BODY} that writes to a table", {"table": written})
        if node is not None:
            yield Operation(
                f"{_WITH_BODY} that reads a table", {"table": relations_read(node, live)}
            )


_WITH_BODY: Final = "create function, with a body"


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
        if owned := live.owned_sequences(name):
            given: dict[str, Names] = {"table": (name,), "sequence": owned}
            yield Operation("set schema, owning a sequence", given)
    else:
        yield Operation("set schema of a type", NO_ROLES)


def _owner(node: Any, live: Live) -> Iterator[Operation]:
    if node.relation.relname:
        yield on_table(live, live.name(node.relation), "owner to another", recurses=False)
    else:
        yield Operation("rename function", NO_ROLES)


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
        yield Operation("create schema", NO_ROLES)


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
        yield Operation("grant on all tables", NO_ROLES)
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
        yield Operation("create publication, tables of a schema", NO_ROLES)
    else:
        base = "create publication"
        if not made:
            base = {
                pg.AP_AddObjects: "add table to publication",
                pg.AP_DropObjects: "drop table from publication",
            }.get(node.action, "set tables of publication")
        yield Operation(base, {"table": tuple(named)})


def _depends(node: Any, live: Live) -> Iterator[Operation]:
    name = live.name(node.relation) if node.relation.relname else None
    if name is not None and live.kind(name) == "index":
        yield Operation("index depends on extension", {"index": (name,)})
    else:
        given = roles(live, name) if name else {}
        yield Operation("trigger depends on extension", given)


HANDLERS: Final[dict[str, Handler]] = {
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
}
