"""Partitions and inheritance as measured operations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from postgast import pg_query_pb2 as pg

from ...ddl.model import Name
from ..live import Live
from .base import (
    Command,
    Names,
    Operation,
    default_partition,
    is_default,
    of_partition,
)


def _inherit(command: Any, name: Name, live: Live) -> Iterator[Operation]:
    parent = live.name(getattr(command, "def").range_var)
    base = "inherit" if command.subtype == pg.AT_AddInherit else "no inherit"
    yield Operation(base, {"child": (name,), "parent": (parent,)})


def _attach(command: Any, name: Name, live: Live) -> Iterator[Operation]:
    part = getattr(command, "def").partition_cmd
    if live.kind(name) == "index":
        yield attach_index(live, name, live.name(part.name))
        return
    child = live.name(part.name)
    given = of_partition(live, child, name)
    spare = default_partition(live, name)
    if part.bound.is_default:
        yield Operation("attach partition, as the default", given)
    elif spare is not None and not _has_valid_check(live, spare):
        yield Operation("attach partition, with a default partition", given)
    elif spare is not None:
        doubt = "the valid check of the default partition is taken to exclude the bounds"
        base = "attach partition, with a default partition that excludes it"
        yield Operation(base, given, doubt)
    elif not _has_valid_check(live, child):
        yield Operation("attach partition", given)
    else:
        doubt = "its valid check is taken to imply the bounds"
        base = "attach partition, proved by a valid check"
        if _has_indexes_of(live, child, name):
            base = "attach partition, with its index there"
        yield Operation(base, given, doubt)
    if "referenced partition" in given:
        yield Operation("attach partition, with a foreign key to a partitioned table", given)
    if "referenced" in given:
        yield Operation("attach partition, with a foreign key", given)


def _has_valid_check(live: Live, name: Name) -> bool:
    draft = live.tables.get(name)
    return draft is not None and any(check.valid for check in draft.checks.values())


def _has_indexes_of(live: Live, child: Name, parent: Name) -> bool:
    """Whether a table has an index for each that it will need as a partition."""
    above, below = live.tables.get(parent), live.tables.get(child)
    if above is None or below is None:
        return False
    there = {key.columns for key in below.keys.values()}
    there |= {index.columns for index in below.indexes.values()}
    wanted = {key.columns for key in above.keys.values()}
    wanted |= {index.columns for index in above.indexes.values()}
    return wanted <= there


def attach_index(live: Live, name: Name, child: Name) -> Operation:
    """ALTER INDEX … ATTACH PARTITION."""
    parent, home = live.index_home(name), live.index_home(child)
    given: dict[str, Names] = {}
    if parent is not None:
        given["parent"] = (parent,)
    if home is not None:
        given["partition"] = (home,)
    return Operation("attach index partition", given)


def _detach(command: Any, name: Name, live: Live) -> Iterator[Operation]:
    part = getattr(command, "def").partition_cmd
    child = live.name(part.name)
    given = of_partition(live, child, name)
    spare = default_partition(live, name)
    finalizes = command.subtype == pg.AT_DetachPartitionFinalize
    base = how = "detach partition" + ", concurrently" * part.concurrent
    if finalizes:
        base = "detach partition, finalize"
    elif spare is not None and not is_default(live, child):
        base += ", with a default partition"
    yield Operation(base, given)
    if "referenced" in given and not finalizes:
        yield Operation(f"{how}, with a foreign key", given, locks_only=True)
    if "referencing" in given and not finalizes:
        if (
            part.concurrent
        ):  # the check of RI_PartitionRemove_Check reads partitions by their parent
            given["referencing"] = tuple(n for n in given["referencing"] if not _is_part(live, n))
        yield Operation(f"{how}, referenced", given)


def _is_part(live: Live, name: Name) -> bool:
    draft = live.tables.get(name)
    return draft is not None and draft.table.partition_of is not None


COMMANDS: Final[dict[str, Command]] = {
    "AT_AddInherit": _inherit,
    "AT_DropInherit": _inherit,
    "AT_AttachPartition": _attach,
    "AT_DetachPartition": _detach,
    "AT_DetachPartitionFinalize": _detach,
}
