"""Statements, candidates and chosen indexes of designs."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from designs import BILLING

from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.design_schema.domain.model import Domain
from backend_architect.tools.design_schema.domain.reading import read
from backend_architect.tools.design_schema.indexing.statements import Statement, statements
from backend_architect.tools.design_schema.logical.relations import logical
from backend_architect.tools.design_schema.physical.blueprint import Blueprint
from backend_architect.tools.design_schema.physical.building import physical


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
