"""The evidence for a plan on a private PostgreSQL: the user's script as it is, then the steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from ...ddl.load import Loaded
from ...postgres.binaries import NoPostgres
from ...postgres.cluster import Cluster
from ..context import Context
from ..model import Step
from ..units import Unit
from .evidence import Rehearsal
from .run import rehearse
from .script import rehearse_script

_MISSING: Final = ("42P01", "42704", "42703", "42883", "3F000")  # SQLSTATEs: no such object


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
    try:
        with Cluster.start() as server:
            engine = f"PostgreSQL {server.binaries.version}"
            seen = Rehearsal(engine, False, "there are no steps")
            if steps:
                seen = rehearse(
                    ctx.current,
                    ctx.target,
                    statements,
                    steps,
                    queries_before=queries_before,
                    queries_after=queries_after,
                    cluster=server,
                    version=ctx.version,
                )
            seen = replace(seen, notes=(*_of_versions(ctx, server), *seen.notes))
            found = seen.to_data()
            if script:
                ran = rehearse_script(
                    ctx.current,
                    ctx.target,
                    statements,
                    script,
                    queries_before=queries_before,
                    queries_after=queries_after,
                    cluster=server,
                )
                found["script"] = (ran if current else ran.alone(_MISSING)).to_data()
            return found
    except NoPostgres as error:
        return Rehearsal("", False, f"there is no private PostgreSQL: {error}").to_data()


def _of_versions(ctx: Context, server: Cluster) -> tuple[str, ...]:
    if ctx.version == server.binaries.major:
        return ()
    return (
        f"Rehearsed on PostgreSQL {server.binaries.version}, planned for {ctx.version}: what the"
        f" steps lock, rewrite and scan is stated by what was measured on {ctx.version}; what was"
        " observed here may differ, and so may what the server refuses.",
    )
