"""Statements other than ALTER TABLE: which function tells their operations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ...ddl.model import Schema
from ..live import Live
from . import (
    create,
    drop,
    objects,
    rows,
    upkeep,
)
from .base import NO_ROLES, Handler, Operation
from .upkeep import is_on


def _create_schema(node: Any, live: Live) -> Iterator[Operation]:
    yield Operation("create schema", NO_ROLES)
    inside = Live(Schema(live.state.schema().dialect)) if node.schema_elts else live
    for item in node.schema_elts:
        kind = item.WhichOneof("node") or ""
        if kind in HANDLERS:
            yield from HANDLERS[kind](getattr(item, kind), inside)


def _explain(node: Any, live: Live) -> Iterator[Operation]:
    """EXPLAIN ANALYZE runs the statement."""
    kind = node.query.WhichOneof("node") or ""
    if any(i.def_elem.defname == "analyze" and is_on(i.def_elem) for i in node.options):
        yield from HANDLERS.get(kind, _unknowable(kind))(getattr(node.query, kind), live)


def _no_table(base: str) -> Handler:
    def handle(node: Any, live: Live) -> Iterator[Operation]:
        yield Operation(base, NO_ROLES)

    return handle


def _nothing(node: Any, live: Live) -> Iterator[Operation]:
    """Transactions and settings: no operation at all."""
    yield from ()


def _unknowable(what: str) -> Handler:
    def handle(node: Any, live: Live) -> Iterator[Operation]:
        yield Operation("", NO_ROLES, what)

    return handle


HANDLERS: Final[dict[str, Handler]] = {
    **create.HANDLERS,
    **drop.HANDLERS,
    **upkeep.HANDLERS,
    **rows.HANDLERS,
    **objects.HANDLERS,
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
