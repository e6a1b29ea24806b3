"""Each object of a design is missed by a promise when it is gone (`benchmarks/mutation.py`)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

from designs import billing
from mutation import Verdict, every, on_postgres, on_sqlite, removals, sqlite_removals
from test_design_promises import DDL, LITE, blueprint

from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.design_schema.promises.constraints import promises
from backend_architect.tools.design_schema.promises.postgres import Stage
from backend_architect.tools.design_schema.promises.rows import Rows
from backend_architect.tools.postgres.cluster import Cluster


def missed(verdicts: Sequence[Verdict]) -> dict[str, str]:
    return {v.removal.pointer: v.why for v in verdicts if not v.noticed}


def test_every_constraint_is_missed() -> None:
    design = blueprint(DDL, Dialect.POSTGRES)
    asked = list(promises(design, Rows(design)))
    with Cluster.start() as cluster, Stage(cluster, design) as stage:
        verdicts = list(on_postgres(stage, asked, list(removals(design.schema))))
    assert missed(verdicts) == {}
    assert len(verdicts) > 25


def test_every_constraint_is_missed_on_sqlite() -> None:
    design = blueprint(LITE, Dialect.SQLITE)
    asked = list(promises(design, Rows(design)))
    verdicts = list(on_sqlite(design, asked, list(sqlite_removals(design.schema))))
    assert missed(verdicts) == {}
    assert len(verdicts) > 20


@pytest.mark.parametrize(("dialect", "sample"), [(Dialect.POSTGRES, 5), (Dialect.SQLITE, 9)])
def test_objects_of_a_whole_design_are_missed(dialect: Dialect, sample: int) -> None:
    verdicts = every(billing(), dialect, sample)
    assert missed(verdicts) == {}
    assert len(verdicts) > 15
