"""What a subscriber of logical replication needs: DDL is not replicated, rows go by column name.

https://www.postgresql.org/docs/current/logical-replication-restrictions.html
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Final

from ..ddl.model import Name
from .operations.base import Operation

# From the weakest to the strongest demand.
ORDERS: Final = (
    "",
    "decoded",
    "either side",
    "subscriber first",
    "publisher first",
    "both at once",
    "identity first",
)
MEANINGS: Final = {
    "decoded": "its rows are replicated like any other write",
    "either side": "run it on each side when that side needs it",
    "subscriber first": "run it on the subscriber, then here: rows with what it adds must have a"
    " place to go",
    "publisher first": "run it here, then on the subscriber: no row that it forbids or misses may"
    " still arrive there",
    "both at once": "disable the subscription, run it on both sides, enable it: names are matched",
    "identity first": "set another REPLICA IDENTITY before it: without one the publisher refuses"
    " UPDATE and DELETE",
}
_BY_PREFIX: Final = {
    "subscriber first": (
        "add column",
        "add attribute",
        "add enum value",
        "create table",
        "create partition",
        "attach partition",
        "drop not null",
        "drop check",
        "drop foreign key",
        "drop unique",
        "drop exclusion",
        "drop domain check",
        "drop domain not null",
        "alter type",
    ),
    "publisher first": (
        "drop column",
        "drop attribute",
        "drop table",
        "drop partition",
        "drop type",
        "detach partition",
        "set not null",
        "add not null",
        "add check",
        "add unique",
        "add primary key",
        "add exclusion",
        "add foreign key",
        "add domain check",
        "set domain not null",
    ),
    "identity first": ("drop primary key",),
    "both at once": (
        "rename column",
        "rename table",
        "rename attribute",
        "rename enum value",
        "set schema",
    ),
    "decoded": ("insert", "update", "delete", "merge", "truncate", "copy from"),
    "either side": (
        "create index",
        "drop index",
        "set default",
        "drop default",
        "create trigger",
        "replica identity",
    ),
}


def order_of(operations: Iterable[Operation], tables: Container[Name]) -> str:
    """What a step asks of a subscriber that has some `tables`: one of `ORDERS`."""
    found = (
        _of(operation.name)
        for operation in operations
        if not (named := _named(operation)) or any(name in tables for name in named)
    )
    return max(found, key=ORDERS.index, default="")


def _named(operation: Operation) -> tuple[Name, ...]:
    return operation.tables.get("new") or operation.tables.get("table", ())


def _of(operation: str) -> str:
    found = (order for order, prefixes in _BY_PREFIX.items() if operation.startswith(prefixes))
    return next(found, "")
