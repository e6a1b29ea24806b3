"""The plan's own statements under the rules for scripts: what a recipe must not do either."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from ..ddl.load import Loaded
from ..ddl.model import Schema
from ..ddl.script import Statement
from .context import Context
from .hazards import judge
from .model import Step
from .rules import RULES

MAX_BATCH: Final = 100_000  # rows
# What a step says in fields of its own: timeouts, what is lost, what has to be deployed.
_SAID: Final = frozenset(
    {
        "migration/lock-without-timeout",
        "migration/statement-without-timeout",
        "migration/statements-after-exclusive-lock",
        "migration/effects-unknown",
        "migration/column-dropped",
        "migration/table-dropped",
        "migration/truncate",
        "migration/column-renamed",
        "migration/table-renamed",
        "migration/drop-not-null",
        "migration/char-type",
    }
)


def with_hazards(steps: Sequence[Step], ctx: Context) -> tuple[Step, ...]:
    """The steps, each marked with what is unsafe in its own statements."""
    chosen = [rule for rule in RULES if not rule.opt_in and rule.id not in _SAID]
    found: dict[str, list[str]] = defaultdict(list)
    for hazard in judge(_script(steps, ctx), replace(ctx, runner="psql", pooler=False), chosen):
        found[hazard.location.file].append(f"{hazard.rule}: {hazard.message}")
    return tuple(
        replace(step, hazards=tuple(dict.fromkeys((*step.hazards, *found[step.id], *_wide(step)))))
        for step in steps
    )


def _script(steps: Sequence[Step], ctx: Context) -> Loaded:
    """The steps as a script with a file each, in the transactions that they say."""
    statements: list[Statement] = []
    texts: dict[str, str] = {}
    for step in steps:
        together = step.transaction != "none" and len(step.sql) > 1
        sql = ["BEGIN", *step.sql, "COMMIT"] if together else list(step.sql)
        offset = 0
        for text in sql:
            statements.append(Statement(step.id, offset, text))
            offset += len(text) + 2
        texts[step.id] = ";\n".join(sql)
    return Loaded(Schema(ctx.dialect), texts, "", tuple(statements), (), ())


def _wide(step: Step) -> Iterator[str]:
    """A batch that is none."""
    if not step.batched:
        return
    most = max(bounds(step), default=0)
    if not most:
        yield "unbounded batch: one round takes all rows, and holds their locks until it ends"
    elif most > MAX_BATCH:
        yield f"wide batch: one round takes {most:,} rows, and holds their locks until it ends"


def bounds(step: Step) -> list[int]:
    """How many rows a round takes at most, as its statements say."""
    return [int(n) for sql in step.sql for n in _LIMIT.findall(sql) if int(n) > 1]


_LIMIT: Final = re.compile(r"\bLIMIT\s+(\d{1,18})\b", re.IGNORECASE)


def scaled(step: Step, rows: int) -> Step:
    """A batched step whose rounds take no more than some rows."""

    def bound(found: re.Match[str]) -> str:
        return f"LIMIT {min(int(found[1]), rows)}"

    return replace(step, sql=tuple(_LIMIT.sub(bound, sql) for sql in step.sql))
