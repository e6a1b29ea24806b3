"""What pg-schema-diff warns of, told from the facts of a plan of ours.

Each of its hazards (its `MigrationHazardType`s, without the prefix) is a question to the steps:

- AcquiresAccessExclusiveLock, AcquiresShareRowExclusiveLock, AcquiresShareLock: a step is predicted
  to take that lock, or a stronger one, on a table that is in use.
- IndexBuild: an index is built on a table that is in use, by itself or for a key.
- IndexDropped: an index goes, by itself, with its key or with a column.
- DeletesData: a step says what data it loses.
- ImpactsDatabasePerformance: a table in use is rewritten, each of its rows updated in batches, or
  what the planner knows of a column is gone until ANALYZE.
- AuthzUpdate: a policy, a privilege or row security changes.
- HasUntrackableDependencies: a step has the hazard `untracked dependencies`.
- Correctness: what logical replication sends is another (REPLICA IDENTITY).

`AVOIDED` are the hazards that ours has not by design, as its way is another one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from backend_architect.tools.ddl.diff import dotted
from backend_architect.tools.engines.locks import CONFLICTS
from backend_architect.tools.plan_migration.context import Context
from backend_architect.tools.plan_migration.model import Step

_DROPS_INDEX: Final = re.compile(r"DROP INDEX\b")
_BUILDS: Final = re.compile(
    r"CREATE (UNIQUE )?INDEX\b|\bADD (CONSTRAINT \S+ )?(PRIMARY KEY|UNIQUE|EXCLUDE)\b"
)
_ROW_SECURITY: Final = re.compile(r"\bROW LEVEL SECURITY\b")
_AUTHORIZATION: Final = frozenset({"policy", "grant", "revoked"})
_WITH_INDEX: Final = frozenset({"key", "exclusion", "index"})


def hazards_of(steps: Sequence[Step], ctx: Context) -> set[str]:
    """The names of their hazards that the steps have."""
    return {name for name, told in _TOLD.items() if any(told(step, ctx) for step in steps)}


def avoided(steps: Sequence[Step]) -> set[str]:
    """Hazards of theirs that a way of ours is free of."""
    return {name for name, pattern in AVOIDED.items() if any(map(pattern.search, _sql(steps)))}


AVOIDED: Final[Mapping[str, re.Pattern[str]]] = {
    # Asked to build without CONCURRENTLY it locks out writes. Ours is never asked to.
    "AcquiresShareLock": re.compile(r"CREATE (UNIQUE )?INDEX CONCURRENTLY\b"),
}


def _sql(steps: Sequence[Step]) -> Iterator[str]:
    for step in steps:
        yield from step.sql


def _locks(mode: str) -> Callable[[Step, Context], bool]:
    """Whether a step takes a lock that is in conflict with all that this one is."""

    def told(step: Step, ctx: Context) -> bool:
        there = {str(name) for name in ctx.current.tables}
        held = [lock.mode for lock in step.effects.locks if lock.table in there]
        return any(CONFLICTS[mode] <= CONFLICTS[each] for each in held)

    return told


def _in_use(step: Step, ctx: Context) -> bool:
    tables = {key[1] for key in step.objects if len(key) > 1}
    return any(name in ctx.names and not ctx.is_new(ctx.names[name]) for name in tables) or any(
        dotted(view.name) in tables for view in ctx.current.views.values()
    )


def _builds_index(step: Step, ctx: Context) -> bool:
    return _in_use(step, ctx) and any(map(_BUILDS.search, step.sql))


def _drops_index(step: Step, ctx: Context) -> bool:
    if any(map(_DROPS_INDEX.search, step.sql)):
        return True
    dropped = set(step.drops)
    for name, table in ctx.tables_before.items():
        if ("table", name) in dropped:
            continue
        columns = {key[2] for key in dropped if key[:2] == ("column", name)}
        indexed = [each.columns for each in table.keys.values()]
        indexed += [each.columns for each in table.indexes.values()]
        if any(columns.intersection(each) for each in indexed):
            return True
        if any(key[0] in _WITH_INDEX and key[1] == name for key in dropped):
            return True
    return False


def _loses_data(step: Step, ctx: Context) -> bool:
    return bool(step.loses_data)


def _is_slow(step: Step, ctx: Context) -> bool:
    unknown = any("until ANALYZE" in hazard for hazard in step.hazards)
    return bool(step.effects.rewrites) or step.batched or unknown


def _changes_rights(step: Step, ctx: Context) -> bool:
    return any(key[0] in _AUTHORIZATION for key in step.objects) or any(
        map(_ROW_SECURITY.search, step.sql)
    )


def _is_untracked(step: Step, ctx: Context) -> bool:
    return "untracked dependencies" in step.hazards


def _changes_stream(step: Step, ctx: Context) -> bool:
    return any("REPLICA IDENTITY" in sql for sql in step.sql)


_TOLD: Final[Mapping[str, Callable[[Step, Context], bool]]] = {
    "AcquiresAccessExclusiveLock": _locks("AccessExclusiveLock"),
    "AcquiresShareLock": _locks("ShareLock"),
    "AcquiresShareRowExclusiveLock": _locks("ShareRowExclusiveLock"),
    "AuthzUpdate": _changes_rights,
    "Correctness": _changes_stream,
    "DeletesData": _loses_data,
    "HasUntrackableDependencies": _is_untracked,
    "ImpactsDatabasePerformance": _is_slow,
    "IndexBuild": _builds_index,
    "IndexDropped": _drops_index,
}
