"""The evidence for a plan on SQLite: the user's script as it is, then the steps."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

from ...ddl.load import Loaded
from ..context import Context
from ..model import Step
from ..rehearsal.evidence import Rehearsal
from ..units import Unit
from .rehearsal import rehearse
from .run_script import rehearse_script

_MISSING: Final = ("SQLITE_ERROR: no such",)


def prove(
    ctx: Context,
    current: Loaded | None,
    script: Sequence[Unit],
    steps: Sequence[Step],
    queries_before: Sequence[str],
    queries_after: Sequence[str],
) -> dict[str, Any]:
    """What was seen, as plain data; `script` in it is of the user's script."""
    statements = current.statements if current else ()
    seen = Rehearsal(f"SQLite {sqlite3.sqlite_version}", False, "there are no steps")
    if steps:
        seen = rehearse(ctx.current, ctx.target, statements, steps, queries_before, queries_after)
    found = seen.to_data()
    if script:
        ran = rehearse_script(
            ctx.current, ctx.target, statements, script, queries_before, queries_after
        )
        found["script"] = (ran if current else ran.alone(_MISSING)).to_data()
    return found
