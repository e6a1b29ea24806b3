"""What `pg_dump -s` says of two databases: the last word on whether they have the same schema."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from typing import Final

from ...postgres.binaries import Binaries
from ...postgres.cluster import OWNER, Database

SECONDS: Final = 30


def dumped_apart(
    one: Database, other: Database, binaries: Binaries | None = None
) -> tuple[str, ...]:
    """Lines that only one of the dumps has: `-` the first, `+` the second.

    Order does not count: that of columns cannot be changed, the rest is by name. The program is the
    server's own, or one of other `binaries`, as new as the server or newer.
    """
    program = (binaries or one.cluster.binaries).program("pg_dump")
    running = [_start(program, database) for database in (one, other)]
    before, after = map(_lines, running)
    found = [f"- {line}" for line in (before - after).elements()]
    return tuple(sorted(found + [f"+ {line}" for line in (after - before).elements()]))


def _start(program: str, database: Database) -> subprocess.Popen[str]:
    command = [program, "--schema-only", "--username", OWNER, "--port", "5432"]
    command += ["--host", str(database.cluster.directory), database.name]
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={key: value for key, value in os.environ.items() if not key.startswith("PG")},
    )


def _lines(running: subprocess.Popen[str]) -> Counter[str]:
    try:
        text, errors = running.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        running.kill()
        running.communicate()
        return Counter(["pg_dump took too long"])
    if running.returncode:
        return Counter([f"pg_dump fails: {' '.join(errors.split())[:200]}"])
    lines = (line.rstrip(",") for line in text.splitlines())
    return Counter(
        line for line in lines if line and not line.startswith(("--", "\\restrict", "\\unrestrict"))
    )
