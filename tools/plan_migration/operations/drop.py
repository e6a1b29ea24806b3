"""DROP and TRUNCATE as measured operations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from postgast import pg_query_pb2 as pg

from ...ddl.model import Name
from ...ddl.postgres import tree
from ...ddl.postgres.nodes import strings
from ..live import Live
from .base import (
    NO_ROLES,
    Handler,
    Names,
    Operation,
    columns_of_type,
    default_partition,
    is_partitioned,
    roles,
)
from .reading import relations_read


def _drop(node: Any, live: Live) -> Iterator[Operation]:
    if node.remove_type in _DROPS_ON_TABLE:
        for item in node.objects:
            *table, part = strings(item.list.items)
            name = live.state.visible(
                table[0] if len(table) > 1 else "", table[-1], live.state.relations
            )
            given = roles(live, name)
            draft = live.tables.get(name)
            trigger = draft.triggers.get(part) if draft else None
            if trigger and trigger.per_row and is_partitioned(live, name):
                given["table"] = (name, *live.descendants(name))  # they have copies
            yield Operation(_DROPS_ON_TABLE[node.remove_type], given)
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
    referenced = given.pop("referenced", ())
    plain = tuple(target for target in referenced if not is_partitioned(live, target))
    given |= {"referenced": plain} if plain else {}
    for target in set(referenced) - set(plain):
        parts = {"referenced": (target,), "referenced partition": live.descendants(target)}
        yield Operation("drop table, with a foreign key to a partitioned table", given | parts)
    if owned := live.owned_sequences(name):
        given_owned: dict[str, Names] = {"table": (name,), "sequence": owned}
        yield Operation("drop table, owning a sequence", given_owned)
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
    elif draft.table.partition_by:
        yield Operation("drop table, partitioned", given)
    elif plain:
        yield Operation("drop table, with a foreign key", given)
    elif draft.table.inherits:
        parents = {"parent": draft.table.inherits, "child": (name,)}
        yield Operation("drop table, inheritance child", {**given, **parents})
    else:
        yield Operation("drop table", given)
    if plain and (draft.table.partition_of or draft.table.partition_by):
        yield Operation("drop table, with a foreign key", given, locks_only=True)


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
        users = columns_of_type(name, live)
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
        yield Operation(base, NO_ROLES, doubt)


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
            return relations_read(tree.parse_query(kept.sql), live)
    return ()


def _drop_type(item: Any, cascades: bool, live: Live) -> Iterator[Operation]:
    name = _type_name(item, live)
    users = columns_of_type(name, live)
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
            "", NO_ROLES, "what CASCADE takes with a function is known for its triggers only"
        )
    else:
        yield Operation("rename function", NO_ROLES)


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


HANDLERS: Final[dict[str, Handler]] = {
    "drop_stmt": _drop,
    "truncate_stmt": _truncate,
}
