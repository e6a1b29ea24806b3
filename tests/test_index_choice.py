"""The measure of chosen indexes (`benchmarks/index_choice.py`), on a small skewed data set."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

from index_choice import measured, skewed

from backend_architect.tools.postgres.cluster import Cluster


def test_indexes_of_a_model_are_nearly_those_of_the_data(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Cluster.start() as cluster:
        found = measured(cluster, skewed(cluster, customers=2_000, sales=25_000), most=7)
    said = capsys.readouterr().out
    assert found.good, said
    assert found.regret < 0.1, said
    assert said.count("used by no plan: 0") == 4
