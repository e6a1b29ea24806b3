"""Statements, candidates and chosen indexes of designs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from designs import BILLING

from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.design_schema.design import design as whole
from backend_architect.tools.design_schema.domain.model import Domain
from backend_architect.tools.design_schema.domain.reading import read
from backend_architect.tools.design_schema.indexing.chosen import indexed
from backend_architect.tools.design_schema.indexing.model import Indexed
from backend_architect.tools.design_schema.indexing.rules import by_rules
from backend_architect.tools.design_schema.indexing.statements import Statement, statements
from backend_architect.tools.design_schema.logical.relations import logical
from backend_architect.tools.design_schema.physical.blueprint import Blueprint
from backend_architect.tools.design_schema.physical.building import physical
from backend_architect.tools.design_schema.promises.indexes import tried
from backend_architect.tools.postgres.cluster import Cluster

EXAMPLES = Path(__file__).parents[1] / "examples" / "design"


@cache
def model() -> Domain:
    """The model of the tests, without its patterns."""
    return read(BILLING, "billing.yaml")


def design(*patterns: dict[str, Any], dialect: Dialect = Dialect.POSTGRES) -> Blueprint:
    """Its design for some patterns."""
    data = model().model_dump(by_alias=True)
    named = [{"name": f"pattern_{n}", **each} for n, each in enumerate(patterns)]
    return physical(logical(Domain.model_validate(data | {"access_patterns": named})), dialect)


def said(dialect: Dialect = Dialect.POSTGRES, **pattern: Any) -> Statement:
    """The statement of one pattern."""
    (found,) = statements(design(pattern, dialect=dialect))
    return found


OPEN = {
    "entity": "invoice",
    "filters": [{"attribute": "status", "value": "sent"}],
    "sort": [{"attribute": "sent_at", "descending": True}],
    "fields": ["number", "total"],
    "page": "keyset",
    "limit": 20,
}


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        (
            Dialect.POSTGRES,
            "SELECT number, total\nFROM invoices\n"
            "WHERE organisation_id = $1 AND status = 'sent' AND (sent_at, id) < ($2, $3)\n"
            "ORDER BY sent_at DESC, id DESC\nLIMIT 20",
        ),
        (
            Dialect.MYSQL,
            "SELECT number, total\nFROM invoices\n"
            "WHERE organisation_id = ? AND status = 'sent' AND (sent_at, id) < (?, ?)\n"
            "ORDER BY sent_at DESC, id DESC\nLIMIT 20",
        ),
    ],
)
def test_a_page_of_a_tenants_rows(dialect: Dialect, sql: str) -> None:
    assert said(dialect, **OPEN).sql == sql


def test_a_relationship_is_compared_by_its_columns() -> None:
    found = said(
        entity="line", filters=[{"attribute": "invoice"}], sort=[{"attribute": "position"}]
    )
    assert 'WHERE organisation_id = $1 AND invoice_id = $2\nORDER BY "position"' in found.sql


def test_many_to_many_goes_across_the_table_between() -> None:
    found = said(entity="invoice", joins=["tag"], filters=[{"attribute": "tag.label"}],
                 fields=["number"])  # fmt: skip
    assert found.sql == (
        "SELECT invoices.number\nFROM invoices\n"
        "JOIN invoice_tags ON invoice_tags.organisation_id = invoices.organisation_id"
        " AND invoice_tags.invoice_id = invoices.id\n"
        "JOIN tags ON invoice_tags.tag_id = tags.id\n"
        "WHERE invoices.organisation_id = $1 AND invoice_tags.organisation_id = $1"
        " AND tags.label = $2"
    )
    assert found.reads["tags"] == {"id", "label"}


def test_a_relationship_to_itself_has_two_names() -> None:
    found = said(entity="member", joins=["manager"], fields=["email"])
    assert "FROM members\nJOIN members AS members_2 ON members.organisation_id" in found.sql
    assert "members.deleted_at IS NULL AND members_2.deleted_at IS NULL" in found.sql


def test_text_in_any_case_and_rows_that_are_deleted() -> None:
    found = said(entity="member", filters=[{"attribute": "email"}], fields=["role"])
    assert "lower(email) = lower($2)" in found.sql
    assert "deleted_at IS NULL" in found.sql


def test_figures_over_groups() -> None:
    found = said(
        entity="invoice",
        filters=[{"attribute": "sent_at", "operator": "between"}],
        aggregates=[{"function": "sum", "attribute": "total"}, {"function": "count"}],
        group_by=["status"],
    )
    assert found.sql == (
        "SELECT status, sum(total), count(*)\nFROM invoices\n"
        "WHERE organisation_id = $1 AND sent_at BETWEEN $2 AND $3\nGROUP BY status"
    )


def test_writes() -> None:
    assert said(entity="member", kind="delete", filters=[{"attribute": "id"}]).sql == (
        "UPDATE members\nSET deleted_at = $1\n"
        "WHERE organisation_id = $2 AND deleted_at IS NULL AND id = $3"
    )
    changed = said(
        entity="invoice", kind="update", fields=["status"], filters=[{"attribute": "id"}]
    )
    assert changed.sql.startswith("UPDATE invoices\nSET status = $1\nWHERE organisation_id = $2")
    assert changed.writes == {"status"}
    made = said(entity="payment", kind="insert", fields=["method", "at", "invoice"])
    assert made.sql == (
        "INSERT INTO payments (organisation_id, method, at, invoice_id)\nVALUES ($1, $2, $3, $4)"
    )


def test_sql_of_its_own_is_read() -> None:
    found = said(
        entity="invoice",
        sql="SELECT i.id FROM invoices i JOIN lines l ON l.invoice_id = i.id"
        " WHERE i.status = 'sent' AND l.amount > $1 AND (l.note = 'a' OR i.id = 4)"
        " ORDER BY i.sent_at",
    )
    assert {(c.place.field.name, c.operator, c.value) for c in found.conditions} == {
        ("status", "=", ("sent",)),
        ("amount", ">", None),
    }
    assert [(a.field.name, b.field.name) for a, b in found.links] == [("invoice_id", "id")]
    assert [each.place.field.name for each in found.sort] == ["sent_at"]


@pytest.mark.parametrize("dialect", Dialect)
def test_periods_are_one_column_or_two(dialect: Dialect) -> None:
    found = said(dialect, entity="invoice", fields=["number"],
                 filters=[{"attribute": "service", "operator": "overlaps"}])  # fmt: skip
    if dialect is Dialect.POSTGRES:
        assert "service && $2" in found.sql
    else:
        assert "service_start < ?" in found.sql
        assert "service_end > ?" in found.sql


SHOP: dict[str, Any] = {
    "name": "shop",
    "entities": [
        {
            "name": "customer",
            "attributes": [
                {"name": "email", "type": "email", "unique": True},
                {"name": "label", "type": "text", "max_length": 80},
            ],
            "volume": {"rows": 200_000, "growth_per_month": 1_000},
        },
        {
            "name": "sale",
            "attributes": [
                {
                    "name": "status",
                    "type": "enum",
                    "values": ["open", "done"],
                    "distribution": {"common": {"done": 0.99}},
                },
                {"name": "at", "type": "instant", "distribution": {"follows_insertion": True}},
                {"name": "total", "type": "money", "currency": "EUR"},
                {"name": "note", "type": "text", "max_length": 4000},
                {"name": "marks", "type": "text", "array": True, "max_length": 20},
            ],
            "volume": {"rows": 5_000_000, "growth_per_month": 100_000},
        },
    ],
    "relationships": [{"name": "customer", "source": "sale", "target": "customer"}],
}


def shop(*patterns: dict[str, Any], dialect: Dialect = Dialect.POSTGRES) -> Blueprint:
    """A shop's design for some patterns, each named by its number."""
    named = [{"name": f"p{n}", **each} for n, each in enumerate(patterns)]
    return physical(logical(Domain.model_validate(SHOP | {"access_patterns": named})), dialect)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster.start() as started:
        yield started


def made(found: Indexed) -> dict[str, list[str]]:
    """The indexes that patterns use, with these."""
    return {
        f"{each.table} {each.definition}": [s.pattern for s in each.serves]
        for each in found.kept
        if each.serves
    }


OF_CUSTOMER = {
    "entity": "sale",
    "filters": [{"attribute": "customer"}],
    "sort": [{"attribute": "at", "descending": True}],
    "page": "keyset",
    "limit": 20,
}
IS_OPEN = {
    "entity": "sale",
    "filters": [{"attribute": "status", "value": "open"}],
    "sort": [{"attribute": "at"}],
    "page": "keyset",
    "limit": 20,
}


def test_equality_comes_first_then_the_order(cluster: Cluster) -> None:
    found = indexed(shop(OF_CUSTOMER), cluster=cluster)
    assert made(found) == {"sales (customer_id, at, id)": ["p0"]}
    (serves,) = next(each.serves for each in found.kept if each.serves)
    assert serves.cost is not None
    assert serves.without is not None
    assert serves.without > 10 * serves.cost
    about = "/tables/sales/indexes/sales_customer_id_at_id_idx"
    assert "p0 costs" in next(d.why for d in found.blueprint.decisions if d.about == about)
    assert "sales_customer_id_idx" not in found.blueprint.table("sales").indexes, "covered"
    assert ("(customer_id)", "another index begins with its columns") in {
        (each.definition, each.why) for each in found.rejected
    }


def test_what_is_always_asked_is_a_predicate(cluster: Cluster) -> None:
    found = indexed(shop(IS_OPEN), cluster=cluster)
    assert made(found) == {"sales (at, id) WHERE status = 'open'": ["p0"]}


@pytest.mark.parametrize(
    ("pattern", "index"),
    [
        ({"attribute": "note", "operator": "matches"}, "gin (to_tsvector('simple', note))"),
        ({"attribute": "note", "operator": "contains"}, "gin (note gin_trgm_ops)"),
        ({"attribute": "marks", "operator": "contains"}, "gin (marks)"),
    ],
)
def test_words_and_lists_have_inverted_indexes(
    cluster: Cluster, pattern: dict[str, Any], index: str
) -> None:
    found = indexed(shop({"entity": "sale", "filters": [pattern]}), cluster=cluster)
    assert made(found) == {f"sales {index}": ["p0"]}


def test_an_index_that_costs_more_than_it_saves_is_not_made(cluster: Cluster) -> None:
    rare = {**IS_OPEN, "per_second": 0.0000001}
    writes = {"entity": "sale", "kind": "insert", "per_second": 1_000}
    found = indexed(shop(rare, writes), cluster=cluster)
    assert made(found) == {}
    assert {each.definition for each in found.rejected} >= {"(at, id) WHERE status = 'open'"}


def test_without_patterns_only_references_are_indexed(cluster: Cluster) -> None:
    found = indexed(shop(), cluster=cluster)
    assert [(each.name, each.serves) for each in found.kept if "sales" in each.name] == [
        ("sales_customer_id_idx", ())
    ]


@pytest.mark.parametrize("dialect", Dialect)
def test_rules_choose_where_no_planner_is(dialect: Dialect) -> None:
    found = indexed(shop(OF_CUSTOMER, IS_OPEN, dialect=dialect), prove=False)
    by_status = "(at, id) WHERE status = 'open'"
    if dialect in (Dialect.MYSQL, Dialect.MARIADB):
        by_status = "(status, at, id)"
    assert made(found) == {"sales (customer_id, at, id)": ["p0"], f"sales {by_status}": ["p1"]}
    assert "rules" in found.notes[0]


@pytest.mark.parametrize("dialect", Dialect)
def test_rules_see_a_unique_index_of_rows_that_are_not_deleted(dialect: Dialect) -> None:
    sign_in = {"entity": "member", "filters": [{"attribute": "email"}]}
    data = model().model_dump(by_alias=True) | {"access_patterns": [{"name": "sign_in", **sign_in}]}
    for entity in data["entities"]:
        entity["volume"] = {"rows": 1_000_000}
    found = indexed(physical(logical(Domain.model_validate(data)), dialect), prove=False)
    assert made(found) == {}


def test_plans_of_another_version_are_indicative(cluster: Cluster) -> None:
    blueprint = shop(IS_OPEN)
    assert not indexed(blueprint, cluster=cluster).is_indicative
    assert indexed(replace(blueprint, version=(16,)), cluster=cluster).is_indicative


def test_a_second_statement_is_not_run(cluster: Cluster) -> None:
    sql = "SELECT id FROM sales; DROP TABLE sales"
    pattern = {"entity": "sale", "sql": sql}
    found = indexed(shop(pattern, IS_OPEN), cluster=cluster)
    assert "multiple commands" in found.plans[0].failure
    assert found.plans[1].indexes


def test_a_statement_that_is_none_is_told(cluster: Cluster) -> None:
    found = indexed(shop({"entity": "sale", "sql": "SELECT gone FROM sales"}), cluster=cluster)
    (plan,) = found.plans
    assert "gone" in plan.failure


def test_every_index_is_missed(cluster: Cluster) -> None:
    found = indexed(shop(OF_CUSTOMER, IS_OPEN), cluster=cluster)
    assert [each.failure for each in tried(cluster, found.blueprint, found)] == ["", ""]
    table = found.blueprint.table("sales")
    for name in table.indexes:
        rest = {n: index for n, index in table.indexes.items() if n != name}
        without = found.blueprint.with_table(replace(table, indexes=rest))
        broken = [k.promise.name for k in tried(cluster, without, found) if k.failure]
        assert broken == [f"index {name}"]


def test_each_pattern_of_an_example_has_an_index_that_fits_it(cluster: Cluster) -> None:
    model = read((EXAMPLES / "saas-billing.yaml").read_text("utf-8"), "saas-billing.yaml")
    found = indexed(physical(logical(model), Dialect.POSTGRES), cluster=cluster)
    reads = {p.name for p in model.access_patterns if p.kind != "insert"}
    assert {plan.pattern for plan in found.plans if plan.indexes} == reads
    assert all(plan.cost is not None and plan.cost < 1_000 for plan in found.plans if plan.indexes)
    again = indexed(physical(logical(model), Dialect.POSTGRES), cluster=cluster)
    assert again == found


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_review_finds_nothing_in_examples(path: Path, dialect: Dialect) -> None:
    model = read(path.read_text("utf-8"), path.name)
    assert whole(model, dialect, prove=False).findings == ()


def test_what_no_index_of_an_engine_finds_is_said() -> None:
    file = Path(__file__).parents[1] / "examples" / "design" / "message-board.yaml"
    domain = read(file.read_bytes(), file.name)
    said = " ".join(by_rules(physical(logical(domain), Dialect.SQLITE)).notes)
    assert "search, topic_by_title read all rows" in said
    assert "FTS5" in said
