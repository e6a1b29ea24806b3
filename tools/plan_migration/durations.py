"""How long a step takes, how much WAL it writes and how much disk it needs: ranges, from sizes.

The low end is what was measured on a quiet machine with everything in memory; the high end is what
a slow disk under load may make of it. Where the size of a table is not known there is no range, but
what it would be for each GB or each million rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, NamedTuple

from ..ddl.model import Name
from ..engines.facts import TableFacts
from .context import Context
from .model import Effects, Seconds, Step
from .operations.base import BATCH, Operation

MIB: Final = 1024**2
GIB: Final = 1024**3
MILLION: Final = 1_000_000
CATALOG: Final = Seconds(0.001, 0.05)  # changing the catalog only
LOCK_TIMEOUT: Final = "2s"


class Range(NamedTuple):
    """What is expected at best, and at worst."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Rate:
    """Bytes (or rows) per second: the best measured, and what is to be feared."""

    best: float
    worst: float


# Measured on PostgreSQL 18, a million rows in memory without fsync: VALIDATE CONSTRAINT, CREATE
# INDEX and ALTER TYPE int to bigint by the size of the table, UPDATE of 100,000 rows by rows. Ten
# times slower than the slowest of them at worst.
RATES: Final[Mapping[str, Rate]] = {
    "scan": Rate(1640 * MIB, 87 * MIB),
    "build": Rate(280 * MIB, 19 * MIB),
    "rewrite": Rate(66 * MIB, 6 * MIB),
    "update": Rate(100_000, 10_000),
}
_NOTHING: Final = Range(0, 0)
_WAL: Final = {"rewrite": Range(1.0, 1.5), "build": Range(0.1, 0.5), "update": Range(100, 1_000)}
_DISK: Final = {"rewrite": Range(1.0, 1.0), "build": Range(0.1, 1.0), "update": Range(0, 1_000)}
_MODERATE: Final = frozenset({"AccessShareLock", "RowShareLock", "RowExclusiveLock"})
_WRITES: Final = ("update all rows", BATCH, "delete all rows", "merge")
_SHOWN: Final = {"scan": "scans", "build": "index builds", "rewrite": "rewrites"}


class Work(NamedTuple):
    """What is done with a table: `scan`, `build` and `rewrite` by its bytes, `update` by rows.

    `least` is the share of it that is done in any case.
    """

    kind: str
    table: str
    least: float = 1.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds, bytes of WAL, bytes of disk beyond those in use: None where a size is not known.

    `note` says what they depend on, or come on top.
    """

    seconds: Seconds | None
    wal_bytes: tuple[int, int] | None
    disk_bytes: tuple[int, int] | None
    note: str = ""


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
    works = [*_works(effects, builds), *_updates(operations, ctx, batched)]
    sizes = {str(Name(*name)): facts for name, facts in ctx.facts.tables.items()}
    rates = _rates(ctx)
    waits = "plus the rest of the transactions that are open when it starts"
    notes = [waits] if effects.waits_for_transactions else []
    if unknown := [work for work in works if _amount(work, sizes.get(work.table)) is None]:
        return Estimate(None, None, None, "; ".join([_dependence(unknown, rates), *notes]))
    seconds, wal, disk = Range(*CATALOG), Range(0, 8192), Range(0, 0)
    for work in works:
        amount = _amount(work, sizes.get(work.table)) or 0
        rate = rates[work.kind]
        seconds = _plus(seconds, Range(work.least / rate.best, 1 / rate.worst), amount)
        wal = _plus(wal, _WAL.get(work.kind, _NOTHING), amount)
        disk = _plus(disk, _DISK.get(work.kind, _NOTHING), amount)
        if work.kind == "rewrite":
            indexes = (sizes[work.table].index_bytes or 0) if work.table in sizes else 0
            disk = _plus(disk, Range(1, 1), indexes)
    return Estimate(
        Seconds(_short(seconds.low), _short(seconds.high)),
        (int(wal.low), int(wal.high)),
        (int(disk.low), int(disk.high)),
        "; ".join(notes),
    )


def assumptions(steps: Iterable[Step], ctx: Context) -> tuple[str, ...]:
    """What the estimates of a plan suppose; nothing where all steps change the catalog only."""
    if all(each.duration == CATALOG and not each.duration_note for each in steps):
        return ()
    rates = _rates(ctx)
    shown = [
        f"{words} {rates[kind].worst / MIB:,.0f} to {rates[kind].best / MIB:,.0f} MiB/s"
        for kind, words in _SHOWN.items()
    ]
    update = rates["update"]
    shown.append(f"updates {update.worst:,.0f} to {update.best:,.0f} rows/s")
    given = ", ".join(sorted(kind for kind in ctx.rates if kind in RATES))
    source = (
        f"as given for {given}"
        if given
        else "the best was measured on PostgreSQL 18 with a million rows in memory, the worst is a"
        " tenth of that or less; give `rates` that you measured"
    )
    return (
        f"Times suppose {', '.join(shown)} ({source}).",
        "WAL: a rewrite 1 to 1.5 times its table, an index build 0.1 to 0.5 times, an updated row"
        " 100 to 1,000 bytes. Disk: a rewrite its table and indexes once more until it commits, an"
        " index build with its sort up to the size of the table.",
        "Waiting for locks is not in the times.",
    )


def lock_timeout(effects: Effects, alone: bool) -> str:
    """How long a step may wait for its locks: others queue behind it all the while.

    What runs outside of transactions and blocks nobody waits for them by design: no limit.
    """
    if alone and not effects.blocks_writes:
        return ""
    strong = any(lock.mode not in _MODERATE for lock in effects.locks)
    return LOCK_TIMEOUT if strong else ""


def _works(effects: Effects, builds: Sequence[str]) -> Iterator[Work]:
    """What is done with whole tables. A build reads its table, CONCURRENTLY twice."""
    for table in effects.rewrites:
        yield Work("rewrite", table)
    for table in builds:
        if table not in effects.rewrites:
            yield Work("build", table)
    for table in effects.scans:
        again = table not in builds or effects.waits_for_transactions
        if table not in effects.rewrites and again:
            yield Work("scan", table)


def _updates(operations: Sequence[Operation], ctx: Context, batched: bool) -> Iterator[Work]:
    """The tables whose rows are changed, or copied batch by batch; those that are new have none."""
    for operation in operations:
        targets = operation.tables.get("table", ())[:1]
        if operation.name in _WRITES and targets and not ctx.is_new(targets[0]):
            whole = batched or operation.name in ("update all rows", "delete all rows")
            yield Work("update", str(targets[0]), 1.0 if whole else 0.0)
        elif operation.name == "insert" and batched:
            sources = (o.tables["table"] for o in operations if o.name == "select")
            for name in dict.fromkeys(chain.from_iterable(sources)):
                if not ctx.is_new(name):
                    yield Work("update", str(name))


def _amount(work: Work, facts: TableFacts | None) -> int | None:
    if facts is None:
        return None
    if work.kind == "update":
        return facts.rows
    return None if facts.bytes is None else facts.bytes + (facts.toast_bytes or 0)


def _dependence(works: Iterable[Work], rates: Mapping[str, Rate]) -> str:
    """What it would take for each GB, or each million rows, of the tables without a size."""
    found: dict[str, Range] = {}
    for work in works:
        rows = work.kind == "update"
        rate = rates[work.kind]
        unit = f"{'million rows' if rows else 'GB'} of {work.table}"
        per = Range(work.least / rate.best, 1 / rate.worst)
        found[unit] = _plus(found.get(unit, _NOTHING), per, MILLION if rows else GIB)
    parts = [f"{_short(r.low):g} to {_short(r.high):g} s for each {u}" for u, r in found.items()]
    return f"depends on the size, which is not given: {' and '.join(parts)}"


def _rates(ctx: Context) -> Mapping[str, Rate]:
    given = {kind: Rate(rate, rate / 2) for kind, rate in ctx.rates.items() if rate > 0}
    return {**RATES, **given}


def _plus(sum: Range, per: Range, amount: float) -> Range:
    return Range(sum.low + per.low * amount, sum.high + per.high * amount)


def _short(seconds: float) -> float:
    return float(f"{seconds:.2g}")
