"""What each statement does to others, by the measured table of operations.

A statement is told by its tree and the schema it meets: whether the column is indexed, what the
default calls, which check proves what. Where something is not known the worst that it may be is
taken, and a note says so; a statement that is like nothing measured has a note and no effects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from ...ddl.model import Schema
from ...ddl.postgres.tree import Parsed
from ...ddl.script import Statement
from ...engines import locks
from .. import durations
from ..advice import RUNNERS, settings
from ..context import Context
from ..live import Live, parse_all
from ..model import Effects, Lock, Step
from ..replication import order_of
from .alter import alter_table
from .base import BATCH, LOCKED_ROLES, Operation, is_partitioned
from .other import HANDLERS

_JOINED: Final = ("referenced", "referenced partition", "referencing", "read")
UNKNOWN: Final = "effects unknown"


@dataclass(frozen=True, slots=True)
class Measured:
    """What a statement comes to.

    `builds` are tables that get an index built, or built anew; `joined` those that may be read as
    a whole or not, for the rows of others, or whose reading is not seen as they are gone then;
    `routed` what is locked only if there is a row for it. `alone` says that it must run
    outside of a transaction block, `notes` what is not known of it.
    """

    operations: tuple[Operation, ...] = ()
    effects: Effects = field(default_factory=Effects)
    builds: tuple[str, ...] = ()
    joined: tuple[str, ...] = ()
    alone: bool = False
    notes: tuple[str, ...] = ()
    routed: tuple[str, ...] = ()


def operations(text: str, schema: Schema, version: int) -> list[Operation]:
    """The operations that a statement is made of, on a schema."""
    live = Live(schema)
    return [found for parsed in parse_all([_statement(text)]) for found in classify(parsed, live)]


def effects(text: str, schema: Schema, version: int) -> Effects:
    """What a statement locks, blocks, rewrites, reads and waits for, on a schema."""
    live = Live(schema)
    merged = Measured()
    for parsed in parse_all([_statement(text)]):
        merged = joined([merged, measured(parsed, live, version)])
    return merged.effects


def classify(parsed: Parsed, live: Live) -> list[Operation]:
    """The operations of a statement, before it runs."""
    if parsed.error or parsed.node is None:
        return [Operation("", doubt=parsed.error)] if parsed.error else []
    if parsed.kind == "alter_table_stmt":
        return list(alter_table(parsed.node, live))
    handler = HANDLERS.get(parsed.kind)
    if handler is None:
        words = parsed.kind.removesuffix("_stmt").replace("_", " ")
        return [Operation("", doubt=f"nothing like it ({words}) was measured")]
    return list(handler(parsed.node, live))


def measured(parsed: Parsed, live: Live, version: int) -> Measured:
    """What a statement comes to, before it runs; tables made since `live` began do not count."""
    live.meet(parsed)
    return joined([_of(operation, live, version) for operation in classify(parsed, live)])


def with_effects(steps: Sequence[Step], ctx: Context) -> tuple[Step, ...]:
    """The steps with effects, durations, timeouts and what is not known of them.

    What a step makes is in use from the next phase on.
    """
    live = Live(ctx.current)
    done: list[Step] = []
    for step in steps:
        live.begin(in_use=bool(done) and step.phase is not done[-1].phase)
        done.append(_filled(step, _of_step(step, live, ctx.version), ctx))
    return tuple(done)


def predicted(steps: Sequence[Step], schema: Schema, version: int) -> Iterator[Measured]:
    """What each step comes to in a rehearsal, where all that there is counts as used."""
    live = Live(schema)
    for step in steps:
        live.begin(in_use=True)
        yield _of_step(step, live, version)


def _of_step(step: Step, live: Live, version: int) -> Measured:
    found = []
    for parsed in parse_all([_statement(sql) for sql in step.sql]):
        found.append(measured(parsed, live, version))
        live.fold(parsed)
    return joined(found)


def _filled(step: Step, found: Measured, ctx: Context) -> Step:
    known = durations.of(found.effects, found.builds, ctx, found.operations, batched=step.batched)
    alone = step.transaction == "none"
    limit = step.lock_timeout or durations.lock_timeout(found.effects, found.alone)
    made = replace(
        step,
        effects=found.effects,
        logical=order_of(found.operations, {*ctx.current.tables, *ctx.target.tables}),
        duration=known.seconds,
        duration_note=known.note,
        wal_bytes=known.wal_bytes,
        disk_bytes=known.disk_bytes,
        lock_timeout=limit,
        runner=RUNNERS.get(ctx.runner, "") if alone else "",
        hazards=tuple(dict.fromkeys((*step.hazards, *found.notes))),
    )
    return replace(made, settings=settings(made, found.alone))


def _of(operation: Operation, live: Live, version: int) -> Measured:
    if not operation.name:
        note = f"{UNKNOWN}: {operation.doubt}" if operation.doubt else ""
        return Measured((operation,), notes=(note,) if note else ())
    try:
        facts = locks.facts(operation.name, version)
    except LookupError as missing:
        return Measured((operation,), notes=(f"{UNKNOWN}: {missing}",))
    notes = (operation.doubt,) if operation.doubt else ()
    if facts.error and facts.in_transaction:
        notes = (*notes, f"it fails with SQLSTATE {facts.error} ({operation.name})")
    held = [
        Lock(shown, mode)
        for role, modes in facts.locks.items()
        if role in LOCKED_ROLES
        for shown in _named(operation, (role,), live)
        for mode in ((operation.mode,) if operation.mode else modes)
    ]
    whole = not operation.locks_only
    by_locks = bool(operation.mode) or operation.name == BATCH  # others wait for its rows only
    reads = () if by_locks else _named(operation, facts.blocks_reads, live)
    writes = () if by_locks else _named(operation, facts.blocks_writes, live)
    return Measured(
        (operation,),
        Effects(
            _strongest(held),
            _waiting(held, "AccessShareLock", reads),
            _waiting(held, "RowExclusiveLock", writes),
            _stored(operation, facts.rewrites, live) if whole else (),
            _stored(operation, facts.scans, live) if whole else (),
            bool(facts.waits),
        ),
        _built(operation, facts, live) if whole else (),
        _unsure(operation, facts, live),
        not facts.in_transaction,
        notes,
        tuple(str(live.origin(name)) for name in operation.routed),
    )


def _unsure(operation: Operation, facts: locks.LockFacts, live: Live) -> tuple[str, ...]:
    if operation.name.startswith("drop table") or (
        operation.name == "select" and operation.locks_only
    ):
        return _named(operation, ("table",), live)
    return _stored(operation, [role for role in facts.scans if _is_joined(operation, role)], live)


def _is_joined(operation: Operation, role: str) -> bool:
    """Whether a table may be read by index: to find the rows of others, or those of a batch."""
    return role in _JOINED or operation.name == BATCH


def _built(operation: Operation, facts: locks.LockFacts, live: Live) -> tuple[str, ...]:
    rebuilt = [role.partition(".")[0] for role in facts.rebuilds]
    return _named(operation, (*facts.builds, *rebuilt), live)


def _named(operation: Operation, roles: Iterable[str], live: Live) -> tuple[str, ...]:
    """The relations of some roles, without those that nobody else sees yet."""
    names: dict[str, None] = {}
    for role in roles:
        for name in operation.tables.get(role, ()):
            if not live.is_new(name):
                names[str(live.origin(name))] = None
    return tuple(names)


def _stored(operation: Operation, roles: Iterable[str], live: Live) -> tuple[str, ...]:
    """The relations of some roles that have rows of their own: not a partitioned table."""
    stored = {
        role: tuple(n for n in operation.tables.get(role, ()) if not is_partitioned(live, n))
        for role in roles
    }
    return _named(replace(operation, tables=stored), stored, live)


def _waiting(held: list[Lock], wanted: str, measured: tuple[str, ...]) -> tuple[str, ...]:
    conflicting = [lock.table for lock in held if wanted in locks.CONFLICTS[lock.mode]]
    return tuple(sorted({*conflicting, *measured}))


def _strongest(held: Iterable[Lock]) -> tuple[Lock, ...]:
    """Of each table the modes that no other of them covers."""
    modes: dict[str, list[str]] = {}
    for lock in held:
        modes.setdefault(lock.table, []).append(lock.mode)
    return tuple(
        Lock(table, mode) for table in sorted(modes) for mode in locks.strongest(modes[table])
    )


def joined(parts: Iterable[Measured]) -> Measured:
    """What several come to, one after the other."""
    all_parts = list(parts)
    of = [part.effects for part in all_parts]
    return Measured(
        tuple(operation for part in all_parts for operation in part.operations),
        Effects(
            _strongest(lock for each in of for lock in each.locks),
            _union(each.blocks_reads for each in of),
            _union(each.blocks_writes for each in of),
            _union(each.rewrites for each in of),
            _union(each.scans for each in of),
            any(each.waits_for_transactions for each in of),
        ),
        _union(part.builds for part in all_parts),
        _union(part.joined for part in all_parts),
        any(part.alone for part in all_parts),
        tuple(dict.fromkeys(note for part in all_parts for note in part.notes)),
        _union(part.routed for part in all_parts),
    )


def _union(groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(sorted({name for group in groups for name in group}))


def _statement(text: str) -> Statement:
    return Statement("", 0, text)
