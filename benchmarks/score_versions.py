"""Run plans for older versions on servers of these versions, by plain statements.

    python benchmarks/score_versions.py [--versions 11,13,16] [--every N] [--only TEXT] ORACLES

The servers are those of `benchmarks/servers` (`make locks` installs them). A case of the suites of
`score_plans` is judged when both its schemas apply to the server. Its plan is made for the version,
each step runs in its transaction, and the catalog afterwards, as `pg_dump -s` prints it, is that of
a database which has the new schema, whatever the order of columns.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import psycopg
from probe_locks import installed
from score_plans import FILES, Case, _run, cases, files

from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.ddl.script import split
from backend_architect.tools.plan_migration import Inputs, plan
from backend_architect.tools.plan_migration.rehearsal.dump import dumped_apart
from backend_architect.tools.postgres.binaries import find
from backend_architect.tools.postgres.cluster import MIB, Cluster, Database

WANTED: Final = 97.0  # percent
SHOWN: Final = 6  # notes of a case
PART: Final = 20  # cases on one server


def applies(text: str, database: Database) -> bool:
    """Whether all statements of a schema run."""
    try:
        with database.connect() as connection:
            for statement in split(text, "case", Dialect.POSTGRES)[0]:
                connection.execute(statement.text.encode())
    except (ValueError, psycopg.Error):
        return False
    return True


def judge(case: Case, version: int, cluster: Cluster) -> list[str] | None:
    """What is wrong with the plan of a case; None where the case does not apply."""
    with cluster.database() as mine, cluster.database() as fresh:
        if not (applies(case.old, mine) and applies(case.new, fresh)):
            return None
        inputs = Inputs({"old.sql": case.old}, {"new.sql": case.new})
        steps = plan(inputs, Dialect.POSTGRES, (version,), rehearsal=False).steps
        notes = [*_run(steps, mine), *dumped_apart(mine, fresh, find())]
        return notes and notes + [f"    [{s.id}] {sql[:200]}" for s in steps for sql in s.sql]


def score(some: Sequence[Case], version: int, servers: Path) -> bool:
    """Print the figures of a version; whether enough plans reach their target."""
    judged, wrong = 0, []
    binaries = installed(servers)[version]
    for start in range(0, len(some), PART):
        with Cluster.start(binaries, memory=1024 * MIB) as cluster:
            for case in some[start : start + PART]:
                notes = judge(case, version, cluster)
                judged += notes is not None
                if notes:
                    wrong.append((case, notes))
    reached = 100 * (judged - len(wrong)) / judged if judged else 100.0
    print(f"PostgreSQL {version}: {judged} of {len(some)} cases apply, {reached:.1f} % reached")
    for case, notes in wrong:
        print(f"\n== {version} {case.suite}: {case.name}", *notes[:SHOWN], sep="\n")
    return reached >= WANTED


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("oracles", type=Path)
    arguments.add_argument("--versions", default="11,13,16")
    arguments.add_argument("--every", type=int, default=1, help="one case in so many")
    arguments.add_argument("--only", default="", help="cases whose name has this text")
    arguments.add_argument("--servers", type=Path, default=Path(__file__).with_name("servers"))
    given = arguments.parse_args()
    found = [case for file in files(given.oracles, FILES) for case in cases(file)]
    found = [case for case in found if given.only.lower() in case.name.lower()][:: given.every]
    versions = [int(version) for version in given.versions.split(",")]
    high = [score(found, version, given.servers) for version in versions]
    sys.exit(not all(high))


if __name__ == "__main__":
    main()
