"""ALTER TABLE and its like: each command as a measured operation.

https://www.postgresql.org/docs/current/sql-altertable.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from postgast import pg_query_pb2 as pg

from ...ddl.model import Name
from ...ddl.postgres.nodes import SERIALS, strings
from ...ddl.postgres.state import Draft
from ..expressions import volatility
from ..live import Live
from . import constraints, partitions
from .base import (
    Command,
    Names,
    Operation,
    known,
    on_table,
    roles,
    sequences_of,
)
from .partitions import attach_index
from .types import alter_type


def alter_table(node: Any, live: Live) -> Iterator[Operation]:
    """ALTER TABLE, INDEX, VIEW, MATERIALIZED VIEW, SEQUENCE, FOREIGN TABLE or composite TYPE."""
    name = live.name(node.relation)
    for item in node.cmds:
        command = item.alter_table_cmd
        kind = pg.AlterTableType.Name(command.subtype)
        if node.objtype == pg.OBJECT_TYPE:
            yield from _attribute(kind, name, live)
        elif node.objtype == pg.OBJECT_INDEX:
            yield _index(kind, command, name, live)
        elif node.objtype in (pg.OBJECT_VIEW, pg.OBJECT_MATVIEW):
            yield _view(kind, name, live)
        elif node.objtype == pg.OBJECT_SEQUENCE:
            yield _sequence(kind, name, live)
        elif kind in _COMMANDS:
            yield from _COMMANDS[kind](command, name, live)
        elif kind in _PLAIN:
            yield on_table(live, name, _PLAIN[kind], recurses=kind in _RECURSING)
        else:
            words = kind.removeprefix("AT_")
            yield Operation("", roles(live, name), f"nothing like it ({words}) was measured")


_PLAIN: Final = {
    "AT_DropNotNull": "drop not null",
    "AT_DropExpression": "drop expression",
    "AT_SetStatistics": "set statistics",
    "AT_SetOptions": "set column option n_distinct",
    "AT_ResetOptions": "reset column option n_distinct",
    "AT_SetStorage": "set storage",
    "AT_SetCompression": "set compression",
    "AT_ClusterOn": "cluster on",
    "AT_DropCluster": "set without cluster",
    "AT_SetLogged": "set logged",
    "AT_SetUnLogged": "set unlogged",
    "AT_SetTableSpace": "set tablespace",
    "AT_EnableTrig": "enable trigger",
    "AT_EnableAlwaysTrig": "enable always trigger",
    "AT_EnableReplicaTrig": "enable always trigger",
    "AT_DisableTrig": "disable trigger",
    "AT_EnableTrigAll": "enable trigger",
    "AT_DisableTrigAll": "disable trigger all",
    "AT_EnableTrigUser": "enable trigger",
    "AT_DisableTrigUser": "disable trigger user",
    "AT_EnableRule": "disable rule",
    "AT_EnableAlwaysRule": "disable rule",
    "AT_EnableReplicaRule": "disable rule",
    "AT_DisableRule": "disable rule",
    "AT_AddOf": "of type",
    "AT_DropOf": "not of type",
    "AT_EnableRowSecurity": "enable row level security",
    "AT_DisableRowSecurity": "disable row level security",
    "AT_ForceRowSecurity": "force row level security",
    "AT_NoForceRowSecurity": "force row level security",
    "AT_AddIdentity": "add identity",
}
_RECURSING: Final = frozenset(
    {
        "AT_DropNotNull",
        "AT_DropExpression",
        "AT_SetStatistics",
        "AT_SetStorage",
        "AT_SetCompression",
        "AT_EnableTrig",
        "AT_EnableTrigAll",
        "AT_EnableTrigUser",
        "AT_EnableAlwaysTrig",
        "AT_EnableReplicaTrig",
        "AT_DisableTrig",
        "AT_DisableTrigAll",
        "AT_DisableTrigUser",
    }
)


# Columns


def _add_column(command: Any, name: Name, live: Live) -> Iterator[Operation]:
    column = getattr(command, "def").column_def
    draft = live.tables.get(name)
    if command.missing_ok and draft and column.colname in draft.columns:
        yield on_table(live, name, "add column, if it does not exist", recurses=False)
        return
    given = {item.constraint.contype: item.constraint for item in column.constraints}
    yield from _value_of_new(column, given, name, live)
    if pg.CONSTR_FOREIGN in given:
        target = live.name(given[pg.CONSTR_FOREIGN].pktable)
        base = "add column, references" + " with constant default" * (pg.CONSTR_DEFAULT in given)
        yield on_table(live, name, base, {"referenced": (target,)})
    is_serial = is_serial_type(column.type_name)
    if pg.CONSTR_PRIMARY in given and is_serial:
        yield on_table(live, name, "add column, serial primary key")
    elif pg.CONSTR_PRIMARY in given or pg.CONSTR_UNIQUE in given:
        yield on_table(live, name, "add column, unique")
    if pg.CONSTR_CHECK in given:
        base = "add column, check" + " with constant default" * (pg.CONSTR_DEFAULT in given)
        yield on_table(live, name, base)


def _value_of_new(
    column: Any, given: dict[int, Any], name: Name, live: Live
) -> Iterator[Operation]:
    """What the values that existing rows get cost."""
    names = strings(column.type_name.names)
    generated = given.get(pg.CONSTR_GENERATED)
    default = given.get(pg.CONSTR_DEFAULT)
    domain = live.domain(names[-2] if len(names) > 1 else "", names[-1]) if names else None
    if is_serial_type(column.type_name):
        base = "add column, bigserial" if "big" in names[-1] else "add column, serial"
        yield on_table(live, name, base)
    elif pg.CONSTR_IDENTITY in given:
        yield on_table(live, name, "add column, identity")
    elif generated is not None:
        kind = "virtual" if generated.generated_kind == "v" else "stored"
        yield on_table(live, name, f"add column, generated {kind}")
    elif default is not None:
        yield _with_default(default.raw_expr, name, live)
    elif pg.CONSTR_NOTNULL in given and domain is None:
        yield on_table(live, name, "add column, not null without default, empty table")
    else:
        yield on_table(live, name, "add column")
    if domain is not None:
        constrained = "constrained" if domain.checks or domain.not_null else "unconstrained"
        with_default = " with default" * (default is not None or domain.default is not None)
        yield on_table(live, name, f"add column, {constrained} domain{with_default}")


def is_serial_type(type_name: Any) -> bool:
    """Whether a type is serial or one of its sisters."""
    names = strings(type_name.names)
    return len(names) == 1 and names[0] in SERIALS


def _with_default(expression: Any, name: Name, live: Live) -> Operation:
    how = volatility(expression, live)
    if how in ("constant", "immutable", "stable"):
        base = {
            "constant": "add column, constant default",
            "immutable": "add column, immutable function default",
            "stable": "add column, stable default now()",
        }[how]
        return on_table(live, name, base)
    doubt = "" if how == "volatile" else "the default calls a function that may be volatile"
    if how == "volatile" and (drawn := sequences_of(expression, live)):
        return on_table(live, name, "add column, volatile default nextval()", {"sequence": drawn})
    draft = live.tables.get(name)
    if draft and draft.table.partition_by:
        return on_table(live, name, "add column, partitioned table, volatile default", doubt=doubt)
    return on_table(live, name, "add column, volatile default random()", doubt=doubt)


def _drop_column(command: Any, name: Name, live: Live) -> Iterator[Operation]:
    draft = live.tables.get(name)
    column = command.name
    if draft and name not in live.unknown and column not in draft.columns:
        yield on_table(live, name, "drop column, if it does not exist", recurses=False)
        return
    targets = _targets(draft, column)
    if targets:
        yield on_table(live, name, "drop column, of a foreign key", {"referenced": targets})
    if draft and (referencing := _referencing_column(live, name, column)):
        base = "drop column, of a referenced primary key, cascade"
        yield on_table(live, name, base, {"referencing": referencing})
    views = live.views_of(name, column)
    if views and command.behavior == pg.DROP_CASCADE:
        yield on_table(live, name, "drop column, used by a view, cascade", _by_kind(live, views))
    elif views:
        yield on_table(live, name, "drop column, used by a view")
    if sequences := live.owned_sequences(name, column):
        yield on_table(live, name, "drop column, owning a sequence", {"sequence": sequences})
    yield on_table(live, name, "drop column")


def _targets(draft: Draft | None, column: str) -> Names:
    """The tables that foreign keys of a column reference."""
    keys = draft.foreign_keys.values() if draft else ()
    return tuple(sorted({key.table for key in keys if column in key.columns}))


def _referencing_column(live: Live, name: Name, column: str) -> Names:
    """The tables whose foreign keys reference a column."""
    return tuple(
        other
        for other in live.referencing(name)
        if any(
            key.table == name and column in key.referenced
            for key in live.tables[other].foreign_keys.values()
        )
    )


def _by_kind(live: Live, names: Names) -> dict[str, Names]:
    found: dict[str, Names] = {}
    for name in names:
        kind = live.kind(name)
        found[kind] = (*found.get(kind, ()), name)
    return found


def _default(command: Any, name: Name, live: Live) -> Iterator[Operation]:
    view = live.view(name)
    if view is not None:
        yield Operation("set default of a view's column", roles(live, name))
        return
    if not command.HasField("def"):
        yield on_table(live, name, "drop default")
    elif drawn := sequences_of(getattr(command, "def"), live):
        yield on_table(live, name, "set default, nextval()", {"sequence": drawn})
    else:
        yield on_table(live, name, "set default")


def _set_expression(command: Any, name: Name, live: Live) -> Iterator[Operation]:
    draft = live.tables.get(name)
    column = draft.columns.get(command.name) if draft else None
    stored = column is None or column.generated is None or column.generated.stored
    yield on_table(live, name, f"set expression, {'stored' if stored else 'virtual'}")


def _set_identity(command: Any, name: Name, live: Live) -> Iterator[Operation]:
    options = {item.def_elem.defname for item in getattr(command, "def").list.items}
    base = "restart identity" if "restart" in options else "set identity, always"
    yield on_table(live, name, base, {"sequence": live.owned_sequences(name, command.name)})


def _drop_identity(command: Any, name: Name, live: Live) -> Iterator[Operation]:
    sequences = live.owned_sequences(name, command.name)
    yield on_table(live, name, "drop identity", {"sequence": sequences})


# Options, partitions, inheritance


def _options(command: Any, name: Name, live: Live) -> Iterator[Operation]:
    verb = "set" if command.subtype == pg.AT_SetRelOptions else "reset"
    for item in getattr(command, "def").list.items:
        option = item.def_elem
        prefix = f"{option.defnamespace}." if option.defnamespace else ""
        exact = f"set {prefix}{option.defname}"
        like_vacuum = option.defname.startswith(("autovacuum", "vacuum", "log_autovacuum"))
        if verb == "reset":
            base = "reset fillfactor"
        elif known(exact):
            base = exact
        elif like_vacuum:
            base = f"set {prefix}autovacuum_enabled"
        else:
            base = "set user_catalog_table"
        yield on_table(live, name, base, recurses=False)


def _change_owner(command: Any, name: Name, live: Live) -> Iterator[Operation]:
    yield on_table(live, name, "owner to another", recurses=False)
    if owned := live.owned_sequences(name):
        given: dict[str, Names] = {"table": (name,), "sequence": owned}
        yield Operation("owner to another, owning a sequence", given)


def _access_method(command: Any, name: Name, live: Live) -> Iterator[Operation]:
    draft = live.tables.get(name)
    if draft and draft.table.partition_by:
        yield on_table(live, name, "set access method")
    elif (
        draft and name not in live.unknown and command.name == (draft.table.access_method or "heap")
    ):
        yield on_table(live, name, "set access method, the same", recurses=False)
    else:
        yield on_table(live, name, "set access method, another", recurses=False)


def _replica_identity(command: Any, name: Name, live: Live) -> Iterator[Operation]:
    kind = getattr(command, "def").replica_identity_stmt.identity_type
    words = {"f": "full", "d": "default", "n": "nothing", "i": "using index"}
    yield on_table(live, name, f"replica identity {words.get(kind, 'full')}", recurses=False)


_COMMANDS: Final[dict[str, Command]] = {
    **constraints.COMMANDS,
    **partitions.COMMANDS,
    "AT_AddColumn": _add_column,
    "AT_DropColumn": _drop_column,
    "AT_ColumnDefault": _default,
    "AT_SetExpression": _set_expression,
    "AT_SetIdentity": _set_identity,
    "AT_DropIdentity": _drop_identity,
    "AT_AlterColumnType": alter_type,
    "AT_SetRelOptions": _options,
    "AT_ResetRelOptions": _options,
    "AT_ChangeOwner": _change_owner,
    "AT_ReplicaIdentity": _replica_identity,
    "AT_SetAccessMethod": _access_method,
}


# Indexes, views, sequences, composite types


def _index(kind: str, command: Any, name: Name, live: Live) -> Operation:
    given: dict[str, Names] = {"index": (name,)}
    home = live.index_home(name)
    if home is not None:
        given["table"] = (home,)
    if kind == "AT_AttachPartition":
        return attach_index(live, name, live.name(getattr(command, "def").partition_cmd.name))
    base = {
        "AT_SetRelOptions": "set fillfactor of an index",
        "AT_ResetRelOptions": "reset fillfactor of an index",
        "AT_SetTableSpace": "set tablespace of an index",
        "AT_SetStatistics": "set statistics of an index",
    }.get(kind, "")
    return Operation(base, given, "" if base else f"nothing like it ({kind[3:]}) was measured")


def _view(kind: str, name: Name, live: Live) -> Operation:
    materialized = live.kind(name) == "materialized view"
    base = {
        "AT_SetRelOptions": "set fillfactor of a materialized view"
        if materialized
        else "set view option",
        "AT_ResetRelOptions": "set fillfactor of a materialized view"
        if materialized
        else "set view option",
        "AT_ColumnDefault": "set default of a view's column",
        "AT_ClusterOn": "cluster on, materialized view",
        "AT_SetTableSpace": "set tablespace of a materialized view",
        "AT_ChangeOwner": "rename materialized view" if materialized else "rename view",
        "AT_SetStatistics": "set statistics",
        "AT_SetStorage": "set storage",
        "AT_SetCompression": "set compression",
    }.get(kind, "")
    given = roles(live, name)
    return Operation(base, given, "" if base else f"nothing like it ({kind[3:]}) was measured")


def _sequence(kind: str, name: Name, live: Live) -> Operation:
    base = {
        "AT_ChangeOwner": "alter sequence, rename",
        "AT_SetUnLogged": "alter sequence, set unlogged",
        "AT_SetLogged": "alter sequence, set unlogged",
    }.get(kind, "")
    doubt = "" if base else f"nothing like it ({kind[3:]}) was measured"
    return Operation(base, {"sequence": (name,)}, doubt)


def _attribute(kind: str, name: Name, live: Live) -> Iterator[Operation]:
    typed = tuple(n for n, draft in live.tables.items() if draft.table.of_type == name)
    base = (
        {
            "AT_AddColumn": "add attribute, cascade to typed tables",
            "AT_DropColumn": "drop attribute, cascade to typed tables",
            "AT_AlterColumnType": "alter attribute type, used by a column",
        }[kind]
        if kind != "AT_ChangeOwner"
        else "rename type"
    )
    if kind == "AT_AddColumn" and not typed:
        base = "add attribute"
    yield Operation(base, {"type": (name,), "table": typed})
