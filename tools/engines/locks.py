"""What each operation of PostgreSQL locks, blocks, reads and writes, by version: measured.

The facts are in `postgres_locks.json`; `make locks` measures them anew. The operations are in
`operations.json`, what they ran on in `operations.sql`.

Relations go by the role that they have for an operation: `table` is the one it names, `referenced`
and `referencing` are those that foreign keys connect with it; then `parent`, `partition`,
`default partition`, `child` (it inherits), `view`, `materialized view`, `sequence`, `type`, `read`
(by a query or an expression in it). `index` is the one it names, `table.index` any other of a
table. Relations that the operation creates are left out: nobody else sees them yet.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, cast

VERSIONS: Final = range(11, 19)

MODES: Final = (
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
)
# https://www.postgresql.org/docs/18/explicit-locking.html#TABLE-LOCK-COMPATIBILITY
CONFLICTS: Final[Mapping[str, frozenset[str]]] = {
    "AccessShareLock": frozenset(MODES[7:]),
    "RowShareLock": frozenset(MODES[6:]),
    "RowExclusiveLock": frozenset(MODES[4:]),
    "ShareUpdateExclusiveLock": frozenset(MODES[3:]),
    "ShareLock": frozenset(MODES[2:]) - {"ShareLock"},
    "ShareRowExclusiveLock": frozenset(MODES[2:]),
    "ExclusiveLock": frozenset(MODES[1:]),
    "AccessExclusiveLock": frozenset(MODES),
}

Wal = Literal["little", "part", "whole"]
Roles = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LockFacts:
    """What an operation does in one version.

    An operation that fails has an SQLSTATE as `error`, and no other facts unless it must run
    outside of a transaction, where what it did before remains.
    """

    operation: str
    version: int
    source: str  # the page of the manual on the statement
    locks: Mapping[str, Roles]  # role: modes as in pg_locks; two where neither covers the other
    # Who waits while it runs: what is attempted (`select`, `insert`, `update`, `delete`; `lock` for
    # FOR UPDATE; `reference` for a new row that references this one; `nextval`): roles. A view or
    # a referenced table waits when the operation has locked a table behind it.
    blocks: Mapping[str, Roles]
    rewrites: Roles  # written anew as a whole
    scans: Roles  # read as a whole, the sample of ANALYZE included
    rebuilds: Roles  # indexes that are built anew
    builds: Roles  # tables that get a new index built
    wal: Wal  # little: catalog only; part of the table's size; whole: of its size or beyond
    in_transaction: bool  # whether it may run in a transaction block
    # What it waits for while it is open: `readers` and `writers` of a table, `maintenance` (VACUUM,
    # ANALYZE, weak DDL), `snapshots` of any table. Of what must run outside of a transaction block;
    # all else waits for exactly what its locks conflict with.
    waits: tuple[str, ...]
    error: str | None

    @property
    def blocks_reads(self) -> Roles:
        """The roles whose SELECT waits."""
        return self.blocks.get("select", ())

    @property
    def blocks_writes(self) -> Roles:
        """The roles in which an INSERT, UPDATE or DELETE waits."""
        kinds = ("insert", "update", "delete")
        return tuple(sorted({role for kind in kinds for role in self.blocks.get(kind, ())}))


def strongest(modes: Iterable[str]) -> Roles:
    """Those modes whose conflicts no other of them covers: one, or SHARE and SHARE UPDATE …."""
    known = sorted(set(modes), key=MODES.index)
    return tuple(
        mode for mode in known if not any(CONFLICTS[mode] < CONFLICTS[other] for other in known)
    )


def operations() -> tuple[str, ...]:
    """The names of all operations, in the order in which they were measured."""
    return tuple(_data()["operations"])


def facts(operation: str, version: int) -> LockFacts:
    """The facts of an operation in a major version.

    Raises `LookupError` for an unknown operation and one that this version does not have.
    """
    if version not in VERSIONS:
        raise LookupError(f"no facts on PostgreSQL {version}; known are 11 to 18")
    try:
        measured = _data()["operations"][operation]
    except KeyError:
        raise LookupError(f"no such operation: {operation!r}") from None
    found = at(measured["facts"], version)
    if found is None:
        raise LookupError(f"PostgreSQL {version} has no operation {operation!r}")
    page = f"https://www.postgresql.org/docs/{version}/{measured['page']}.html"
    return LockFacts(
        operation,
        version,
        page,
        {role: tuple(modes.split(", ")) for role, modes in found.get("locks", {}).items()},
        {attempt: tuple(roles) for attempt, roles in found.get("blocks", {}).items()},
        tuple(found.get("rewrites", ())),
        tuple(found.get("scans", ())),
        tuple(found.get("rebuilds", ())),
        tuple(found.get("builds", ())),
        cast(Wal, found.get("wal", "little")),
        not found.get("alone", False),
        tuple(found.get("waits", ())),
        found.get("error"),
    )


def at(measured: Mapping[str, Any], version: int) -> Any:
    """What holds in a version, of a mapping from the versions in which something else began."""
    begins = [int(begin) for begin in measured if int(begin) <= version]
    return measured[str(max(begins))] if begins else None


@cache
def _data() -> Any:
    return json.loads(Path(__file__).with_name("postgres_locks.json").read_text("utf-8"))
