"""Sample rows of a design, and the values and patterns that they are made of."""

from __future__ import annotations

import re
from datetime import date

import pytest

from backend_architect.tools import matching
from backend_architect.tools.ddl.load import load
from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.design_schema.domain.model import Attribute, Domain
from backend_architect.tools.design_schema.logical.model import (
    Field,
    Logical,
    Reference,
    Relation,
    Role,
)
from backend_architect.tools.design_schema.physical.blueprint import Blueprint
from backend_architect.tools.design_schema.promises.evaluate import parsed, value_of
from backend_architect.tools.design_schema.promises.rows import Rows

DDL = """
CREATE TABLE tenants (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);
CREATE TABLE customers (
    tenant_id bigint NOT NULL REFERENCES tenants,
    id bigint GENERATED ALWAYS AS IDENTITY,
    email text NOT NULL,
    tier text NOT NULL DEFAULT 'free' CHECK (tier IN ('free', 'paid')),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, email)
);
CREATE TABLE orders (
    tenant_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    customer_id bigint NOT NULL,
    code text NOT NULL CHECK (code ~ '^[A-Z]{2}-[0-9]{4}$'),
    total numeric(19,4) NOT NULL CHECK (total >= 0),
    doubled numeric(19,4) GENERATED ALWAYS AS (total * 2) STORED,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, code),
    FOREIGN KEY (tenant_id, customer_id) REFERENCES customers
);
"""


def field(name: str, kind: str, role: Role = "attribute", **more: object) -> Field:
    return Field(name, Attribute.model_validate({"name": name, "type": kind, **more}), True, role)


def relation(name: str, *fields: Field, references: tuple[Reference, ...] = ()) -> Relation:
    key = ("tenant_id", "id") if references else ("id",)
    by_name = {each.name: each for each in fields}
    return Relation(name, "entity", name[:-1], by_name, key, references=references)


def to(name: str, target: str, *fields: str) -> Reference:
    theirs = ("id",) if target == "tenants" else ("tenant_id", "id")
    return Reference(name, fields, target, theirs, "restrict")


@pytest.fixture(scope="module")
def rows() -> Rows:
    key = field("id", "integer", "key")
    tenant = field("tenant_id", "integer", "tenant")
    tier = field("tier", "enum", values=["free", "paid"])
    of_tenant = to("tenant", "tenants", "tenant_id")
    code = field("code", "text", pattern="^[A-Z]{2}-[0-9]{4}$", max_length=20)
    customer = field("customer_id", "integer", "reference")
    of_customer = to("customer", "customers", "tenant_id", "customer_id")
    total, doubled = field("total", "money", minimum=0), field("doubled", "money")
    relations = [
        relation("tenants", key, field("name", "text")),
        relation("customers", tenant, key, field("email", "email"), tier, references=(of_tenant,)),
        relation(
            "orders", tenant, key, customer, code, total, doubled,
            references=(of_tenant, of_customer),
        ),
    ]  # fmt: skip
    domain = Domain.model_validate(
        {
            "name": "shop",
            "entities": [{"name": "tenant"}],
            "tenancy": {"kind": "shared", "entity": "tenant"},
        }
    )
    logical = Logical(domain, {r.name: r for r in relations}, (), {"tenant": "tenants"})
    schema = load({"schema.sql": DDL}, Dialect.POSTGRES).schema
    return Rows(Blueprint(logical, (18,), schema))


def test_a_row_comes_with_its_parents_each_once(rows: Rows) -> None:
    made = rows.row("orders")
    tables = [re.match(r"INSERT INTO (\w+)", sql)[1] for sql in made.statements]  # type: ignore[index]
    assert tables == ["tenants", "customers", "orders"]
    assert made.parents == made.statements[:-1]
    assert made.where == "tenant_id = 1000001 AND id = 1000001"


def test_the_same_arguments_give_the_same_row_and_others_another(rows: Rows) -> None:
    assert rows.row("orders", 3) == rows.row("orders", 3)
    assert rows.row("orders", 3).values["code"] != rows.row("orders", 4).values["code"]
    one, other = rows.row("orders", 3), rows.row("orders", 3, tenant=1)
    assert one.values["tenant_id"] != other.values["tenant_id"]
    assert other.values["tenant_id"] == rows.tenant(1)


def test_a_literal_stands_in_for_a_value(rows: Rows) -> None:
    made = rows.row("orders", total="-1")
    assert made.values["total"] == "-1"
    assert made.insert.endswith("-1)")


def test_given_references_need_no_parent(rows: Rows) -> None:
    first = rows.row("orders")
    theirs = {c: first.values[c] for c in ("tenant_id", "customer_id")}
    assert len(rows.row("orders", 1, given=theirs).statements) == 1


def test_generated_columns_are_left_out(rows: Rows) -> None:
    assert "doubled" not in rows.row("orders").values


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[A-Z]{2,3}-\d{4}$",
        r"^\+?[1-9]\d{6,14}$",
        r"^[a-z0-9]+(?:-[a-z0-9]+)*$",
        r"^#[0-9a-fA-F]{6}$",
        r"^(draft|sent)\.[^@\s]+$",
        r"^[^@\s]+@[^@\s]+\.[a-z]{2,}$",
        r"v\d",
    ],
)
def test_examples_of_a_pattern_match_it(pattern: str) -> None:
    examples = {matching.example(pattern, number) for number in range(9)}
    assert len(examples) > 1
    for text in examples:
        assert text is not None
        assert re.search(pattern, text)
        assert matching.matches(pattern, text)
    for text in ("", "A1", "v", "AB-12345", "draft", "a@b"):
        assert matching.matches(pattern, text) == bool(re.search(pattern, text))


def test_an_example_keeps_to_a_length() -> None:
    assert len(matching.example("^[a-z]+$", 5, 12, 16) or "") in range(12, 17)
    assert matching.example("^[a-z]{9}$", 0, 0, 5) is None


@pytest.mark.parametrize("pattern", ["(?=a)b", r"(a)\1", "a{5000}", "[", "(", "*", "(a{90}){90}"])
def test_a_pattern_beyond_the_plain_ones_is_not_understood(pattern: str) -> None:
    assert matching.example(pattern) is None
    with pytest.raises(matching.NotUnderstood):
        matching.matches(pattern, "a")


def test_a_hostile_pattern_takes_no_long_time() -> None:
    assert not matching.matches("^(((a+)+)+)+$", "a" * 60 + "!")


JANUARY, WEEK_LATER = date(2024, 1, 1), date(2024, 1, 8)


@pytest.mark.parametrize(
    ("condition", "dialect", "row", "expected"),
    [
        ("b - a <= 7", Dialect.POSTGRES, {"a": JANUARY, "b": WEEK_LATER}, True),
        ("b - a <= 6", Dialect.POSTGRES, {"a": JANUARY, "b": WEEK_LATER}, False),
        ("b > a + 7", Dialect.POSTGRES, {"a": JANUARY, "b": WEEK_LATER}, False),
        (
            "date(a, '+7 days') = b",
            Dialect.SQLITE,
            {"a": JANUARY, "b": "2024-01-08"},
            True,
        ),
        ("julianday(b) - julianday(a)", Dialect.SQLITE, {"a": "2024-01-01", "b": "2024-01-08"}, 7),
        ("CAST(strftime('%Y', a) AS INTEGER)", Dialect.SQLITE, {"a": JANUARY}, 2024),
        ("DATEDIFF(b, a)", Dialect.MYSQL, {"a": JANUARY, "b": WEEK_LATER}, 7),
        ("DATE_ADD(a, INTERVAL 7 DAY)", Dialect.MYSQL, {"a": JANUARY}, WEEK_LATER),
        ("replace(a, ' ', '-') = 'x-y'", Dialect.SQLITE, {"a": "x y"}, True),
        ("a = btrim(a)", Dialect.POSTGRES, {"a": " x "}, False),
        ("rtrim(a)", Dialect.POSTGRES, {"a": " x "}, " x"),
        (r"a ~ E'^\\+[0-9]+$'", Dialect.POSTGRES, {"a": "+49"}, True),
        ("split_part(a, '@', 2)", Dialect.POSTGRES, {"a": "x@y"}, "y"),
        ("substring(a, 2, 2)", Dialect.POSTGRES, {"a": "abcd"}, "bc"),
    ],
)
def test_what_a_condition_says_of_a_row(
    condition: str, dialect: Dialect, row: dict[str, object], expected: object
) -> None:
    found = value_of(parsed(condition, dialect), row)  # type: ignore[arg-type]
    assert found == expected
