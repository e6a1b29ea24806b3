"""Statistics of tables that hold nothing yet."""

from __future__ import annotations

import pytest
from designs import blueprint

from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.design_schema.domain.model import Domain
from backend_architect.tools.design_schema.indexing.imagined import ROWS, imagined
from backend_architect.tools.design_schema.logical.relations import logical
from backend_architect.tools.design_schema.physical.building import physical
from backend_architect.tools.design_schema.promises.postgres import Stage
from backend_architect.tools.postgres.cluster import Cluster
from backend_architect.tools.postgres.statistics import TableStatistics
from backend_architect.tools.postgres.whatif import WhatIf

ORDERS = {
    "name": "orders",
    "entities": [
        {"name": "customer", "volume": {"rows": 1000, "growth_per_month": 10}},
        {"name": "country", "volume": {"rows": 200}},
        {
            "name": "order",
            "attributes": [
                {
                    "name": "status",
                    "type": "enum",
                    "values": ["open", "done", "lost"],
                    "distribution": {"common": {"done": 0.9}},
                },
                {
                    "name": "placed_at",
                    "type": "instant",
                    "distribution": {"follows_insertion": True},
                },
                {"name": "code", "type": "text", "max_length": 8, "unique": True},
                {"name": "note", "type": "text", "required": False, "max_length": 400},
                {"name": "rating", "type": "integer", "minimum": 1, "maximum": 5},
                {"name": "colour", "type": "text"},
            ],
            "volume": {"rows": 1_000_000, "growth_per_month": 50_000},
        },
        {"name": "item"},
    ],
    "relationships": [
        {"name": "customer", "source": "order", "target": "customer"},
        {"name": "country", "source": "customer", "target": "country"},
        {"name": "order", "source": "item", "target": "order", "owned": True},
    ],
    "access_patterns": [
        {
            "name": "by_colour",
            "entity": "order",
            "filters": [{"attribute": "colour", "selectivity": 0.02}],
        }
    ],
}


def found(factor: float = 1) -> dict[str, TableStatistics]:
    made = physical(logical(Domain.model_validate(ORDERS)), Dialect.POSTGRES)
    return {name.name: each for name, each in imagined(made, factor).items()}


def test_rows_are_those_of_the_model() -> None:
    assert {name: each.rows for name, each in found().items()} == {
        "customers": 1000,
        "countries": 200,
        "orders": 1_000_000,
        "items": ROWS,
    }


def test_what_grows_grows() -> None:
    rows = {name: each.rows for name, each in found(100).items()}
    assert rows == {
        "customers": 100_000,
        "countries": 200,
        "orders": 100_000_000,
        "items": 100 * ROWS,
    }


def test_values_are_those_of_the_model() -> None:
    columns = found()["orders"].columns
    assert columns["id"].distinct == -1
    assert columns["code"].distinct == -1
    assert columns["customer_id"].distinct == pytest.approx(1000)
    assert [value for value, _ in columns["status"].common] == ["done", "open", "lost"]
    assert [share for _, share in columns["status"].common] == pytest.approx([0.9, 0.05, 0.05])
    assert columns["placed_at"].correlation == 1
    assert columns["note"].nulls > 0
    assert columns["rating"].distinct == 5
    assert columns["rating"].histogram == ("1", "2", "3", "4", "5")
    assert columns["colour"].distinct == 50


def test_few_rows_refer_to_fewer_than_there_are() -> None:
    columns = found()["items"].columns
    assert 9_000 < columns["order_id"].distinct < 10_000
    assert found()["customers"].columns["country_id"].distinct == pytest.approx(199, abs=1)


def test_the_size_of_a_row_is_that_of_its_values() -> None:
    orders = found()["orders"]
    assert 0.5 * 160 < orders.pages * 8192 / orders.rows < 2 * 160


@pytest.mark.parametrize("factor", [1, 100])
def test_the_server_believes_all_of_it(factor: float) -> None:
    made = blueprint(Dialect.POSTGRES)
    with Cluster.start() as cluster:
        with Stage(cluster, made) as stage:
            database = stage.database
        with WhatIf(database) as server:
            server.tables(imagined(made, factor))
            server.indexes()
            server.search_in("public")
            plan = server.plan("SELECT * FROM invoices WHERE organisation_id = $1")
    assert plan.rows > 0
