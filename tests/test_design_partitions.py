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
from backend_architect.tools.design_schema.design import design
from backend_architect.tools.design_schema.domain.reading import read
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
def shops() -> Blueprint:
    return shop()


def promises(shops: Blueprint) -> tuple[Promise, ...]:
    rows = Rows(shops)
    return (*retention.promises(shops, rows), *erasure.promises(shops, rows))


@pytest.fixture(scope="module")
def stage(shops: Blueprint) -> Iterator[Stage]:
    with Cluster.start() as cluster, Stage(cluster, shops) as stage:
        yield stage


def broken(tried: Iterator[Kept] | tuple[Kept, ...]) -> list[str]:
    return [f"{k.promise.name}: {k.failure or k.untried}" for k in tried if not k.is_kept]


def test_every_promise_is_kept(stage: Stage, shops: Blueprint) -> None:
    asked = promises(shops)
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
def test_a_promise_notices(stage: Stage, shops: Blueprint, change: str) -> None:
    asked = promises(shops)
    mutated = [replace(promise, steps=(Step(change), *promise.steps)) for promise in asked]
    assert broken(stage.tried(mutated))


@pytest.mark.parametrize("name", ["delete_due_orders", "delete_due_customers_history"])
def test_a_job_that_takes_more_is_noticed(stage: Stage, shops: Blueprint, name: str) -> None:
    jobs = dict(shops.jobs or {})
    table = name.removeprefix("delete_due_")
    for statement in (f"DELETE FROM {table}", f"DELETE FROM {table} WHERE false"):
        other = replace(shops, jobs=jobs | {name: statement})
        assert broken(stage.tried(promises(other)))


@pytest.mark.parametrize("tenancy", [{"kind": "none"}, {"kind": "shared", "entity": "shop"}])
def test_promises_are_kept_on_sqlite(tenancy: dict[str, str]) -> None:
    shops = shop(Dialect.SQLITE, tenancy=tenancy)
    asked = promises(shops)
    assert len(asked) >= 7
    assert broken(sqlite.kept(shops, asked)) == []


def test_the_default_partition_is_as_the_engine_makes_it(shops: Blueprint) -> None:
    loaded = load({"x.sql": script(shops)}, Dialect.POSTGRES, (18,)).schema
    name = shops.name("clicks_default")
    assert loaded.tables[name].indexes.keys() == shops.schema.tables[name].indexes.keys()
    primary = loaded.tables[shops.name("clicks")].primary_key
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


def test_what_goes_with_a_person(shops: Blueprint) -> None:
    (person,) = erasures(shops.logical)
    assert person == "customers"
    assert list(erasures(shops.logical)[person]) == ["messages", "customers"]
    (path,) = erasures(shops.logical)[person]["messages"]
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


def test_no_table_of_a_caller_stands_in_for_the_catalog(stage: Stage, shops: Blueprint) -> None:
    definers = [f for f in shops.schema.functions.values() if f.security_definer]
    assert len(definers) == 3
    assert {f.settings["search_path"] for f in definers} == {"pg_catalog, pg_temp"}
    steps = (
        Step(
            "CREATE TABLE old PARTITION OF clicks FOR VALUES FROM ('2000-01-01') TO ('2000-02-01')"
        ),
        Step(
            "CREATE TEMPORARY TABLE pg_class AS SELECT 'orders'::regclass::oid AS oid, relpartbound"
            " FROM pg_catalog.pg_class WHERE oid = 'old'::regclass",
            session="jobs",
        ),
        Step(
            "CREATE TEMPORARY TABLE pg_inherits AS SELECT 'orders'::regclass::oid AS inhrelid,"
            " 'clicks'::regclass::oid AS inhparent",
            session="jobs",
        ),
        Step("GRANT SELECT ON pg_temp.pg_class, pg_temp.pg_inherits TO PUBLIC", session="jobs"),
        Step("ALTER TABLE clicks DETACH PARTITION old"),
        Step("SELECT drop_clicks_partitions()", returns=[["0"]], session="jobs"),
        Step("SELECT count(*) FROM orders", returns=[["0"]]),
    )
    assert broken(stage.tried([Promise("the catalog is asked", (), "", steps)])) == []


CLINIC = """
name: clinic
tenancy: {kind: shared, entity: practice}
audit: history
naming: {tables: singular, key: entity_id, prefix: cl_}
entities:
  - {name: practice, attributes: [{name: title, type: text, max_length: 100}]}
  - name: person
    key: {public_id: true}
    attributes:
      - {name: full_name, type: text, max_length: 200, sensitivity: personal}
      - {name: email, type: email, required: false, sensitivity: personal, unique: true}
      - {name: born, type: date, sensitivity: personal, immutable: true}
      - {name: phones, type: text, array: true, max_length: 30, sensitivity: personal}
    soft_delete: true
    retention: {keep_days: 3650, on_erasure: anonymise}
  - name: patient
    subtype_of: {entity: person}
    attributes:
      - {name: blood, type: enum, values: [a, b, o], sensitivity: special}
      - {name: smoker, type: boolean, sensitivity: special}
      - {name: notes, type: json, sensitivity: special}
    retention: {on_erasure: anonymise}
  - {name: practitioner, subtype_of: {entity: person}}
  - name: appointment
    attributes:
      - {name: slot, type: period}
      - {name: reason, type: text, max_length: 1000, sensitivity: special}
      - {name: closed_at, type: instant, required: false}
    concurrency: optimistic
    retention: {keep_days: 3650, after: closed_at, on_erasure: keep, basis: medical records act}
  - name: finding
    attributes:
      - {name: written_at, type: instant, default: now}
      - {name: body, type: text, max_length: 5000, sensitivity: special}
    invariants: [{kind: append_only}]
    retention: {keep_days: 3650, after: written_at, on_erasure: delete}
  - name: reminder
    attributes:
      - {name: due_on, type: date}
      - {name: token, type: text, max_length: 64, sensitivity: secret}
      - {name: span, type: date_period, sensitivity: personal}
    retention: {keep_days: 30, after: due_on, on_erasure: anonymise}
  - name: letter
    attributes: [{name: body, type: text, max_length: 9, sensitivity: personal}]
    retention: {on_erasure: delete}
relationships:
  - {name: patient, source: appointment, target: patient}
  - {name: practitioner, source: appointment, target: practitioner}
  - {name: appointment, source: finding, target: appointment}
  - {name: appointment, source: reminder, target: appointment, on_delete: cascade}
  - {name: sender, source: letter, target: person}
  - {name: receiver, source: letter, target: person, targets_per_source: "0..1"}
  - {name: answered, source: letter, target: letter, targets_per_source: "0..1",
     on_delete: restrict}
"""


@pytest.mark.parametrize("dialect", [Dialect.POSTGRES, Dialect.SQLITE])
def test_erasure_reaches_special_cases_and_what_only_grows(dialect: Dialect) -> None:
    made = design(read(CLINIC, "clinic.yaml"), dialect)
    assert [f"{k.promise.name}: {k.failure or k.untried}" for k in made.broken] == []
    assert [finding.message for finding in made.findings] == []
    erased = {k.promise.name for k in made.kept if "erasure of person" in k.promise.name}
    names = ("person", "patient", "finding", "reminder", "letter")
    assert {name.split(":")[0] for name in erased} == {f"cl_{each}" for each in names}


METERS = """
name: pg_meters
audit: who_when
entities:
  - {name: sensor, attributes: [{name: serial, type: text, max_length: 100, unique: true}]}
  - name: reading
    key: {kind: natural, attributes: [sensor, at]}
    audit: none
    attributes:
      - {name: at, type: instant}
      - {name: value, type: decimal, precision: 12, scale: 3}
      - {name: twice, type: decimal, computed: "value * 2"}
    volume: {rows: 1000000000, growth_per_month: 90000000}
    retention: {keep_days: 400, after: at}
    invariants: [{kind: append_only}]
  - name: daily
    key: {kind: natural, attributes: [sensor, on]}
    attributes: [{name: on, type: date}, {name: mean, type: decimal}]
    volume: {rows: 900000000, growth_per_month: 9000000}
    audit: history
    retention: {keep_days: 100, after: on}
  - name: alarm
    attributes: [{name: text, type: text, max_length: 80}]
    volume: {rows: 900000000, growth_per_month: 90000000}
    retention: {keep_days: 100}
relationships:
  - {name: sensor, source: reading, target: sensor}
  - {name: sensor, source: daily, target: sensor}
  - {name: sensor, source: alarm, target: sensor}
"""


@pytest.mark.parametrize("dialect", [Dialect.POSTGRES, Dialect.SQLITE])
def test_partitions_by_instant_day_and_what_a_trigger_writes(dialect: Dialect) -> None:
    made = design(read(METERS, "meters.yaml"), dialect)
    assert [f"{k.promise.name}: {k.failure or k.untried}" for k in made.broken] == []
    assert [finding.message for finding in made.findings] == []
    parted = {t.name.name for t in made.blueprint.schema.tables.values() if t.partition_by}
    all_three = {"readings", "dailies", "alarms"}
    assert parted == (all_three if dialect is Dialect.POSTGRES else set())
