"""What each step does to others, by the measured table of SQLite's operations.

Locks are of the whole database, which `*` stands for: RESERVED from the first change on, with which
nobody else can write; EXCLUSIVE while it commits, when readers wait unless the database is in WAL
mode. https://www.sqlite.org/lockingv3.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from ...engines.sqlite_ddl import OLDEST, facts, number
from .. import durations
from ..context import Context
from ..model import Effects, Lock, Step

WHOLE: Final = "*"
LOCKS: Final = (Lock(WHOLE, "RESERVED"), Lock(WHOLE, "EXCLUSIVE"))
_NAME = r'("(?:[^"]|"")*"|\w+)'
# The statements that a plan is made of, as operations of the table.
_OPERATIONS: Final = (
    (rf"INSERT INTO {_NAME} .* FROM {_NAME}$", "rebuild table", 2),
    (rf"ALTER TABLE {_NAME} DROP COLUMN ", "drop column", 1),
    (rf"ALTER TABLE {_NAME} ADD COLUMN .*\bCHECK\b", "add column, check", 1),
    (rf"ALTER TABLE {_NAME} ADD COLUMN ", "add column", 1),
    (rf"CREATE (?:UNIQUE )?INDEX {_NAME} ON {_NAME} ", "create index", 2),
)


def with_effects(steps: Sequence[Step], ctx: Context) -> tuple[Step, ...]:
    """The steps with effects and durations."""
    return tuple(_filled(step, ctx) for step in steps)


def _filled(step: Step, ctx: Context) -> Step:
    version = ".".join(map(str, ctx.exact or number(OLDEST)))
    rewrites: dict[str, None] = {}
    scans: dict[str, None] = {}
    builds: dict[str, None] = {}
    known = {name.name for name in ctx.current.tables}
    for table, operation in _operations(step):
        if table not in known:
            continue
        found = facts(operation, max(version, OLDEST, key=number))
        if found.writes == "whole":
            rewrites[table] = None
        elif found.writes == "part":
            builds[table] = None
        if found.scans:
            scans[table] = None
    effects = Effects(LOCKS, (), (WHOLE,), tuple(rewrites), tuple(scans))
    estimate = durations.of(effects, tuple(builds), ctx)
    return replace(step, effects=effects, duration=estimate.seconds)


def _operations(step: Step) -> Iterator[tuple[str, str]]:
    for sql in step.sql:
        for pattern, operation, group in _OPERATIONS:
            if found := re.match(pattern, sql, re.DOTALL):
                name = found[group]
                yield (name[1:-1].replace('""', '"') if name[0] == '"' else name), operation
                break
