"""How long a step takes and how much WAL it writes, as ranges, from the sizes of its tables.

The low end is what was measured on a quiet machine with everything in memory; the high end is what
a slow disk under load may make of it. Without the size of a table that is read or written as a
whole there is no estimate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ..ddl.model import Name
from ..engines.facts import TableFacts
from .context import Context
from .model import Effects, Seconds
from .operations_base import Operation

MIB: Final = 1024**2
CATALOG: Final = Seconds(0.001, 0.05)  # changing the catalog only
LOCK_TIMEOUT: Final = "2s"


@dataclass(frozen=True, slots=True)
class Rate:
    """Bytes (or rows) per second: the best measured, and what is to be feared."""

    best: float
    worst: float


# Measured on a million rows in memory without fsync; ten times slower at worst.
RATES: Final[Mapping[str, Rate]] = {
    "scan": Rate(1640 * MIB, 87 * MIB),
    "build": Rate(280 * MIB, 19 * MIB),
    "rewrite": Rate(66 * MIB, 6 * MIB),
    "update": Rate(100_000, 10_000),
}
_WAL_OF_REWRITE: Final = (1.0, 1.5)  # of the heap
_WAL_OF_BUILD: Final = (0.1, 0.5)
_WAL_OF_ROW: Final = (100, 1_000)  # bytes of an updated row beyond the row itself
_MODERATE: Final = frozenset({"AccessShareLock", "RowShareLock", "RowExclusiveLock"})
_WRITES: Final = ("update all rows", "update a batch of rows", "delete all rows", "merge")


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds and bytes of WAL; None when a size is not known."""

    seconds: Seconds | None
    wal_bytes: tuple[int, int] | None


def of(
    effects: Effects,
    builds: Sequence[str],
    ctx: Context,
    operations: Sequence[Operation] = (),
    *,
    batched: bool = False,
) -> Estimate:
    """The estimate for what a step reads, writes anew, indexes and updates.

    `batched` steps go on until every row is done.
    """
    sizes = {str(Name(*name)): facts for name, facts in ctx.facts.tables.items()}
    given = {kind: Rate(rate, rate / 2) for kind, rate in ctx.rates.items() if rate > 0}
    rates: Mapping[str, Rate] = {**RATES, **given}
    low, high = CATALOG
    wal_low, wal_high = 0.0, 8192.0
    work: list[tuple[str, str]] = []
    work += [("rewrite", table) for table in effects.rewrites]
    work += [("build", table) for table in builds if table not in effects.rewrites]
    work += [("scan", table) for table in effects.scans if table not in effects.rewrites]
    for kind, table in work:
        size = _bytes(sizes.get(table))
        if size is None:
            return Estimate(None, None)
        low += size / rates[kind].best
        high += size / rates[kind].worst
        share = {"rewrite": _WAL_OF_REWRITE, "build": _WAL_OF_BUILD}.get(kind, (0.0, 0.0))
        wal_low += size * share[0]
        wal_high += size * share[1]
    for table, whole in _updated(operations):
        facts = sizes.get(table)
        if facts is None or facts.rows is None:
            return Estimate(None, None)
        rows_low = facts.rows if whole or batched else 0
        low += rows_low / rates["update"].best
        high += facts.rows / rates["update"].worst
        wal_low += rows_low * _WAL_OF_ROW[0]
        wal_high += facts.rows * _WAL_OF_ROW[1]
    return Estimate(Seconds(_short(low), _short(high)), (int(wal_low), int(wal_high)))


def lock_timeout(effects: Effects, alone: bool) -> str:
    """How long a step may wait for its locks: others queue behind it all the while.

    What runs outside of transactions and blocks nobody waits for them by design: no limit.
    """
    if alone and not effects.blocks_writes:
        return ""
    strong = any(lock.mode not in _MODERATE for lock in effects.locks)
    return LOCK_TIMEOUT if strong else ""


def _updated(operations: Iterable[Operation]) -> list[tuple[str, bool]]:
    return [
        (str(name), operation.name in ("update all rows", "delete all rows"))
        for operation in operations
        if operation.name in _WRITES
        for name in operation.tables.get("table", ())[:1]
    ]


def _bytes(facts: TableFacts | None) -> int | None:
    if facts is None or facts.bytes is None:
        return None
    return facts.bytes + (facts.toast_bytes or 0)


def _short(seconds: float) -> float:
    return float(f"{seconds:.2g}")
