"""Who, when, and every version of a row: tried on PostgreSQL and SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from design_shop import shop

from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.design_schema.physical.blueprint import Blueprint
from backend_architect.tools.design_schema.physical.history import history_name
from backend_architect.tools.design_schema.promises import audit, sqlite
from backend_architect.tools.design_schema.promises.model import Kept, Promise, Step
from backend_architect.tools.design_schema.promises.postgres import Stage
from backend_architect.tools.design_schema.promises.rows import Rows
from backend_architect.tools.postgres.cluster import Cluster


@pytest.fixture(scope="module")
def design() -> Blueprint:
    return shop()


@pytest.fixture(scope="module")
def asked(design: Blueprint) -> list[Promise]:
    return list(audit.promises(design, Rows(design)))


@pytest.fixture(scope="module")
def stage(design: Blueprint) -> Iterator[Stage]:
    with Cluster.start() as cluster, Stage(cluster, design) as stage:
        yield stage


def broken(tried: Iterator[Kept] | tuple[Kept, ...]) -> list[str]:
    return [f"{k.promise.name}: {k.failure or k.untried}" for k in tried if not k.is_kept]


def test_every_promise_is_kept(stage: Stage, asked: list[Promise]) -> None:
    assert broken(stage.tried(asked)) == []
    about = {place for promise in asked for place in promise.about}
    assert about >= {
        "/tables/customers/triggers/who_and_when",
        "/tables/orders/triggers/who_and_when",
        "/tables/customers/triggers/history",
        "/tables/customers_history/policies/written_by_owner",
    }


@pytest.mark.parametrize(
    "change",
    [
        "DROP TRIGGER who_and_when ON customers",
        "DROP TRIGGER history ON customers",
        "ALTER FUNCTION keep_customers_history() SECURITY INVOKER",
        "GRANT DELETE ON customers_history TO shop_app",
        "GRANT UPDATE ON customers_history TO shop_reader",
        "DROP POLICY own_tenant ON customers_history",
        "DROP POLICY written_by_owner ON customers_history",
        "ALTER TABLE customers_history NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE customers_history DROP CONSTRAINT customers_history_pkey",
        "ALTER TABLE customers_history DROP CONSTRAINT customers_history_history_operation_check",
        "ALTER TABLE customers_history ALTER COLUMN history_by DROP NOT NULL",
    ],
)
def test_a_promise_notices(stage: Stage, asked: list[Promise], change: str) -> None:
    mutated = [replace(promise, steps=(Step(change), *promise.steps)) for promise in asked]
    assert broken(stage.tried(mutated))


def test_promises_are_kept_on_sqlite() -> None:
    design = shop(Dialect.SQLITE)
    asked = tuple(audit.promises(design, Rows(design)))
    assert broken(sqlite.kept(design, asked)) == []
    for trigger in ("customers_history_of_update", "customers_made_once"):
        table = design.table("customers")
        triggers = {n: each for n, each in table.triggers.items() if n != trigger}
        without = design.with_table(replace(table, triggers=triggers))
        assert broken(sqlite.kept(without, asked)), trigger


@pytest.mark.parametrize("dialect", Dialect)
def test_secrets_have_no_history(dialect: Dialect) -> None:
    made = shop(dialect)
    columns = made.table("customers_history").columns
    assert {"email", "born"} <= columns.keys()
    assert "password" not in columns
    bodies = [t.body for t in made.table("customers").triggers.values()]
    bodies += [function.body for function in made.schema.functions.values()]
    told = [body for body in bodies if "customers_history" in body and "INSERT" in body]
    assert told
    assert not any("password" in body for body in told)


def test_a_name_that_is_taken_is_not_taken_again() -> None:
    plain = shop()
    entities = [*plain.logical.domain.model_dump(by_alias=True)["entities"]]
    entities.append({"name": "customers_history", "plural": "customers_history", "audit": "none"})
    entities[1]["attributes"].append({"name": "history_at", "type": "instant"})
    made = shop(entities=entities)
    customers = made.logical.relations["customers"]
    assert history_name(made.logical, customers) == "customers_history_"
    assert "history_at_" in made.table("customers_history_").columns


def test_what_only_grows_has_no_history() -> None:
    made = shop(audit="history")
    assert made.schema.tables.keys() >= {made.name("refunds_history"), made.name("shops_history")}
    assert made.name("clicks_history") not in made.schema.tables
