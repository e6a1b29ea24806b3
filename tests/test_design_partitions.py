"""Partitions, retention and erasure: what is due goes, and nothing else; tried on engines."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from design_shop import SHOP, shop

from backend_architect.tools.ddl.load import load
from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.design_schema.physical.blueprint import Blueprint
from backend_architect.tools.design_schema.physical.erasure import erasures
from backend_architect.tools.design_schema.physical.partitions import unit
from backend_architect.tools.design_schema.promises import erasure, retention, sqlite
from backend_architect.tools.design_schema.promises.model import Kept, Promise, Step
from backend_architect.tools.design_schema.promises.postgres import Stage
from backend_architect.tools.design_schema.promises.rows import Rows
from backend_architect.tools.design_schema.script import script
from backend_architect.tools.postgres.cluster import Cluster


@pytest.fixture(scope="module")
def design() -> Blueprint:
    return shop()


def promises(design: Blueprint) -> tuple[Promise, ...]:
    rows = Rows(design)
    return (*retention.promises(design, rows), *erasure.promises(design, rows))


@pytest.fixture(scope="module")
def stage(design: Blueprint) -> Iterator[Stage]:
    with Cluster.start() as cluster, Stage(cluster, design) as stage:
        yield stage


def broken(tried: Iterator[Kept] | tuple[Kept, ...]) -> list[str]:
    return [f"{k.promise.name}: {k.failure or k.untried}" for k in tried if not k.is_kept]


def test_every_promise_is_kept(stage: Stage, design: Blueprint) -> None:
    asked = promises(design)
    assert broken(stage.tried(asked)) == []
    about = {place for promise in asked for place in promise.about}
    assert about >= {
        "/tables/clicks_default",
        "/functions/drop_clicks_partitions()",
        "/jobs/delete_due_orders",
        "/jobs/delete_due_customers_history",
        "/tables/orders/indexes/orders_placed_at_idx",
        "/functions/erase_customer",
    }


@pytest.mark.parametrize(
    "change",
    [
        "DROP INDEX orders_placed_at_idx",
        "DROP TABLE clicks_default",
        "REVOKE EXECUTE ON FUNCTION drop_clicks_partitions() FROM shop_jobs",
        "ALTER FUNCTION add_clicks_partitions(integer) SECURITY INVOKER",
        "CREATE OR REPLACE FUNCTION erase_customer(of_shop_id bigint, of_id bigint) RETURNS void"
        " LANGUAGE sql AS 'DELETE FROM public.messages'",
        "REVOKE DELETE ON orders FROM shop_jobs",
        "DROP POLICY every_tenant ON orders",
    ],
)
def test_a_promise_notices(stage: Stage, design: Blueprint, change: str) -> None:
    asked = promises(design)
    mutated = [replace(promise, steps=(Step(change), *promise.steps)) for promise in asked]
    assert broken(stage.tried(mutated))


@pytest.mark.parametrize("name", ["delete_due_orders", "delete_due_customers_history"])
def test_a_job_that_takes_more_is_noticed(stage: Stage, design: Blueprint, name: str) -> None:
    jobs = dict(design.jobs or {})
    table = name.removeprefix("delete_due_")
    for statement in (f"DELETE FROM {table}", f"DELETE FROM {table} WHERE false"):
        other = replace(design, jobs=jobs | {name: statement})
        assert broken(stage.tried(promises(other)))


@pytest.mark.parametrize("tenancy", [{"kind": "none"}, {"kind": "shared", "entity": "shop"}])
def test_promises_are_kept_on_sqlite(tenancy: dict[str, str]) -> None:
    design = shop(Dialect.SQLITE, tenancy=tenancy)
    asked = promises(design)
    assert len(asked) >= 7
    assert broken(sqlite.kept(design, asked)) == []


def test_the_default_partition_is_as_the_engine_makes_it(design: Blueprint) -> None:
    loaded = load({"x.sql": script(design)}, Dialect.POSTGRES, (18,)).schema
    name = design.name("clicks_default")
    assert loaded.tables[name].indexes.keys() == design.schema.tables[name].indexes.keys()
    primary = loaded.tables[design.name("clicks")].primary_key
    assert primary is not None
    assert primary.columns == ("shop_id", "id", "at")


def changed(**click: Any) -> Blueprint:
    """The shops with another `click`."""
    entities = deepcopy(SHOP["entities"])
    entities[-1] |= click
    return shop(entities=entities)


@pytest.mark.parametrize(
    ("growth", "keep_days", "span"),
    [
        (50_000_000, None, "month"),
        (100_000_000, 700, "month"),
        (100_000_000, 200, "week"),
        (100_000_000, 90, "week"),
        (100_000_000, 20, "day"),
        (300_000_000, None, "week"),
        (3_000_000_000, None, "day"),
    ],
)
def test_the_span_of_a_partition(growth: int, keep_days: int | None, span: str) -> None:
    volume = {"rows": 10**9, "growth_per_month": growth}
    made = changed(volume=volume, retention={"keep_days": keep_days, "after": "at"})
    assert unit(made.logical.relations["clicks"]) == span
    assert f"date_trunc('{span}'" in "".join(f.body for f in made.schema.functions.values())


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"unique": [{"attributes": ["page"]}]}, "unique over all times"),
        ({"key": {"public_id": True}}, "unique over all times"),
    ],
)
def test_why_a_large_table_is_whole(change: dict[str, Any], why: str) -> None:
    made = changed(**change)
    assert made.table("clicks").partition_by is None
    (decision,) = [d for d in made.decisions if d.what.startswith("not partitioned")]
    assert why in decision.why
    assert "delete_due_clicks" in (made.jobs or {})


def test_a_table_that_others_refer_to_is_whole() -> None:
    note = {"name": "click", "source": "refund", "target": "click"}
    made = shop(relationships=[*SHOP["relationships"], note])
    assert made.table("clicks").partition_by is None
    assert any("`refunds` refers to its rows" in decision.why for decision in made.decisions)


def test_a_small_table_is_whole() -> None:
    made = changed(volume={"rows": 1_000_000, "growth_per_month": 1_000_000})
    assert made.table("clicks").partition_by is None
    assert not any("partition" in decision.what for decision in made.decisions)


def test_what_goes_with_a_person(design: Blueprint) -> None:
    (person,) = erasures(design.logical)
    assert person == "customers"
    assert list(erasures(design.logical)[person]) == ["messages", "customers"]
    (path,) = erasures(design.logical)[person]["messages"]
    assert [reference.target for reference in path] == ["orders", "customers"]


def test_what_cannot_be_made_neutral_is_told() -> None:
    entities = deepcopy(SHOP["entities"])
    entities[1]["attributes"].append(
        {"name": "taxpayer", "type": "integer", "unique": True, "sensitivity": "personal"}
    )
    made = shop(entities=entities)
    assert any("Erasure leaves taxpayer of customers" in note for note in made.notes)


def test_days_that_count_from_nothing_are_told() -> None:
    entities = deepcopy(SHOP["entities"])
    entities[4]["retention"] = {"keep_days": 30}
    made = shop(entities=entities)
    assert any("Rows of refunds" in note and "`retention.after`" in note for note in made.notes)
    assert "delete_due_refunds" not in (made.jobs or {})
