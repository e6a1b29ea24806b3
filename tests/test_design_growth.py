"""What becomes of plans as tables grow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.design_schema.domain.model import Domain
from backend_architect.tools.design_schema.indexing.chosen import indexed
from backend_architect.tools.design_schema.indexing.growth import (
    COST_OF_MS,
    Growth,
    growth,
    partitioning,
)
from backend_architect.tools.design_schema.logical.relations import logical
from backend_architect.tools.design_schema.physical.blueprint import Blueprint
from backend_architect.tools.design_schema.physical.building import physical
from backend_architect.tools.postgres.cluster import Cluster

MODEL: dict[str, Any] = {
    "name": "sensors",
    "entities": [
        {
            "name": "reading",
            "attributes": [
                {"name": "at", "type": "instant", "distribution": {"follows_insertion": True}},
                {"name": "value", "type": "decimal"},
                {"name": "sensor", "type": "text", "max_length": 20,
                 "distribution": {"distinct": 5000}},
            ],
            "volume": {"rows": 100_000, "growth_per_month": 10_000_000},
        }
    ],
    "access_patterns": [
        {"name": "total", "entity": "reading", "aggregates": [{"function": "count"}],
         "latency_ms": 100},
        {"name": "of_sensor", "entity": "reading", "filters": [{"attribute": "sensor"}],
         "latency_ms": 1000},
    ],
}  # fmt: skip


def design(**changes: Any) -> Blueprint:
    return physical(logical(Domain.model_validate(MODEL | changes)), Dialect.POSTGRES)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster.start() as started:
        yield started


@pytest.fixture(scope="module")
def swept(cluster: Cluster) -> Growth:
    return growth(cluster, indexed(design(), cluster=cluster).blueprint)


def test_a_figure_over_all_rows_misses_its_budget_as_they_grow(swept: Growth) -> None:
    total = next(each for each in swept.patterns if each.pattern == "total")
    assert [point.rows for point in total.points] == [100_000, 1_000_000, 10_000_000]
    first, _, last = (point.cost for point in total.points)
    assert 50 * first < last < 101 * first
    assert total.budget == 100 * COST_OF_MS
    assert total.missed is not None
    assert 300_000 < total.missed < 1_000_000


def test_an_index_keeps_its_budget(swept: Growth) -> None:
    found = next(each for each in swept.patterns if each.pattern == "of_sensor")
    assert found.missed is None
    assert all("readings_sensor_idx" in point.access for point in found.points)


def test_a_plan_that_changes_says_between_which_sizes(cluster: Cluster) -> None:
    small = MODEL["entities"][0] | {"volume": {"rows": 30, "growth_per_month": 1}}
    made = indexed(design(entities=[MODEL["entities"][0]]), cluster=cluster)
    blueprint = design(entities=[small])
    table = made.blueprint.table("readings")
    found = growth(cluster, blueprint.with_table(table))
    of_sensor = next(each for each in found.patterns if each.pattern == "of_sensor")
    (change,) = of_sensor.changes
    assert change.before == "scan of readings"
    assert "readings_sensor_idx" in change.after
    assert 30 <= change.above < change.below <= 3_000
    assert change.below / change.above < 1.5


def test_partitions_pay_from_a_number_of_rows_on() -> None:
    (found,) = partitioning(design())
    assert (found.table, found.column, found.is_made) == ("readings", "at", False)
    assert found.months == pytest.approx((found.pays - 100_000) / 10_000_000)


def test_the_same_sweep_says_the_same(cluster: Cluster, swept: Growth) -> None:
    assert growth(cluster, indexed(design(), cluster=cluster).blueprint) == swept
