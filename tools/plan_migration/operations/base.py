"""An operation on relations in their roles, and how the roles are filled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pg

from ...ddl.model import Exclusion, Index, IndexPart, Name
from ...ddl.postgres.tree import walk
from ...engines import locks
from ..live import Live
from ..words import words

Names = tuple[Name, ...]

NO_ROLES: Final[Mapping[str, Names]] = {}
BATCH: Final = "update a batch of rows"  # the operation of UPDATE … WHERE

# Indexes and types are no tables, and locking a view or a sequence stops nobody by itself.
LOCKED_ROLES: Final = frozenset(
    {
        "table",
        "referenced",
        "referenced partition",
        "referencing",
        "parent",
        "partition",
        "sibling",
        "default partition",
        "child",
        "view",
        "materialized view",
        "sequence",
        "read",
        "foreign table",
    }
)


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the measured table, and which relation has which role (`engines.locks`).

    Without a name nothing measured is like it, and `doubt` says why; with one, `doubt` says what
    had to be supposed. `locks_only`: nothing is read or written, but the locks are the same.
    `mode` is the one that LOCK TABLE asks for; `routed` are partitions and sequences that are
    locked only if there is a row for them.
    """

    name: str
    tables: Mapping[str, Names] = field(default_factory=dict)
    doubt: str = ""
    locks_only: bool = False
    mode: str = ""
    routed: Names = ()


Handler = Callable[[Any, Live], Iterator[Operation]]
Command = Callable[[Any, Name, Live], Iterator[Operation]]


@cache
def known(name: str) -> bool:
    """Whether an operation was measured."""
    return name in locks.operations()


def on_table(
    live: Live,
    name: Name,
    base: str,
    given: Mapping[str, Names] = MappingProxyType({}),
    *,
    recurses: bool = True,
    doubt: str = "",
) -> Operation:
    """An operation on a table: as measured on partitioned tables, parents, or plain ones.

    `recurses` says that partitions and children have the table's lock, too, where that was not
    measured. `given` roles replace those that the schema tells.
    """
    tables = {**roles(live, name), **given}
    draft = live.tables.get(name)
    below = live.descendants(name)
    if draft and draft.table.partition_by and known(f"{base}, partitioned table"):
        base = f"{base}, partitioned table"
        tables["table"] = tables["parent"]
    elif below and known(f"{base}, with inheritance children"):
        base = f"{base}, with inheritance children"
        tables["table"] = tables["parent"]
    elif recurses:
        tables["table"] = (name, *below)
    return Operation(base, tables, doubt)


def roles(live: Live, name: Name) -> dict[str, Names]:
    """The roles of a relation and of those that it has to do with."""
    kind = live.kind(name)
    if kind in ("view", "materialized view", "sequence"):
        return {kind: (name,), "table": (name,)}
    found: dict[str, Names] = {"table": (name,), "foreign table": (name,)}
    draft = live.tables.get(name)
    if draft is None:
        return found
    below = live.descendants(name)
    if draft.table.partition_by:
        found |= {"parent": (name,), "partition": below}
    elif below:
        found |= {"parent": (name,), "child": below}
    if draft.table.partition_of:
        found |= of_partition(live, name, draft.table.partition_of.parent)
    referenced = {key.table for key in draft.foreign_keys.values()} - {name}
    if referenced:
        found["referenced"] = tuple(sorted(referenced))
    if referencing := tuple(n for n in live.referencing(name) if n != name):
        found["referencing"] = referencing
    return found


def of_partition(live: Live, name: Name, parent: Name) -> dict[str, Names]:
    """The roles when a partition is made, attached, detached or dropped."""
    siblings = tuple(n for n in live.descendants(parent) if n != name)
    others = _partitions(live, siblings)
    found: dict[str, Names] = {"parent": (parent,), "partition": (name,)}
    if "partition" in others:
        found["sibling"] = others["partition"]
    if "default partition" in others:
        found["default partition"] = others["default partition"]
    above = live.tables.get(parent)
    if above and (referenced := {key.table for key in above.foreign_keys.values()}):
        found["referenced"] = tuple(sorted(referenced))
        if parts := tuple(n for other in sorted(referenced) for n in live.descendants(other)):
            found["referenced partition"] = parts
    if referencing := live.referencing(parent):
        found["referencing"] = referencing
    return found


def _partitions(live: Live, names: Names) -> dict[str, Names]:
    default = tuple(n for n in names if is_default(live, n))
    others = tuple(n for n in names if n not in default)
    found = {"partition": others} if others else {}
    return found | ({"default partition": default} if default else {})


def is_partitioned(live: Live, name: Name) -> bool:
    """Whether a table has partitions, or may have some."""
    draft = live.tables.get(name)
    return draft is not None and draft.table.partition_by is not None


def is_default(live: Live, name: Name) -> bool:
    """Whether a table is the default partition of its parent."""
    draft = live.tables.get(name)
    bound = draft.table.partition_of if draft else None
    return bound is not None and bound.bound == "DEFAULT"


def default_partition(live: Live, parent: Name) -> Name | None:
    """The default partition of a partitioned table."""
    for child in live.state.children.get(parent, ()):
        if is_default(live, child):
            return child
    return None


def sequences_of(node: Message, live: Live) -> Names:
    """The sequences that an expression or a query draws from, as its constants name them."""
    named = {m.sval.sval for m in walk(node) if isinstance(m, pg.A_Const) and m.HasField("sval")}
    plain = {text.rpartition(".")[2].strip('"') for text in named}
    return tuple(name for name in live.state.sequences if name.name in plain)


def sequences_in(text: str, live: Live) -> Names:
    """The sequences that a default of the schema draws from."""
    named = words(text)
    return tuple(name for name in live.state.sequences if name.name in named)


def is_indexed(live: Live, name: Name, column: str) -> bool:
    """Whether an index, a key or an exclusion of a table has the column; unknown tables may."""
    draft = live.tables.get(name)
    if draft is None or name in live.unknown:
        return True
    if any(column in (*key.columns, *key.include) for key in draft.keys.values()):
        return True
    indexes: list[Index | Exclusion] = [*draft.indexes.values(), *draft.exclusions.values()]
    return any(
        column in index.include or any(_has(part, column) for part in index.parts)
        for index in indexes
    )


def _has(part: IndexPart, column: str) -> bool:
    return part.expression == column if part.is_column else column in words(part.expression)


def columns_of_type(name: Name, live: Live) -> Names:
    """The tables with a column of a type."""
    return tuple(
        table
        for table, draft in live.tables.items()
        if any(
            column.type.name == name.name and (column.type.schema or "public") == name.schema
            for column in draft.columns.values()
        )
    )
