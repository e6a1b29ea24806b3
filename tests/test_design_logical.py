"""Domain models as relations."""

from __future__ import annotations

import re

import pytest
from designs import billing

from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.design_schema.domain.reading import BadModel, of
from backend_architect.tools.design_schema.logical.model import Logical
from backend_architect.tools.design_schema.logical.naming import plural
from backend_architect.tools.design_schema.logical.relations import NoKey, logical
from backend_architect.tools.design_schema.physical.building import physical


@pytest.fixture(scope="module")
def made() -> Logical:
    return logical(billing())


def test_each_relation_comes_after_what_it_refers_to(made: Logical) -> None:
    seen: set[str] = set()
    for relation in made.relations.values():
        assert {r.target for r in relation.references} <= {*seen, relation.name}
        seen.add(relation.name)


def test_tenants_are_first_in_keys_and_references(made: Logical) -> None:
    lines = made.of("line")
    assert lines.key == ("organisation_id", "id")
    to_invoice = next(r for r in lines.references if r.name == "invoice")
    assert to_invoice.fields == ("organisation_id", "invoice_id")
    assert to_invoice.target_fields == ("organisation_id", "id")
    assert (to_invoice.on_delete, to_invoice.at_least_one) == ("cascade", True)
    assert made.of("tag").tenant == ""
    assert made.of("organisation").key == ("id",)


def test_many_to_many_is_a_table_of_pairs(made: Logical) -> None:
    pairs = made.relations["invoice_tags"]
    assert pairs.kind == "junction"
    assert pairs.key == ("organisation_id", "invoice_id", "tag_id")
    assert [(r.name, r.target, r.at_most) for r in pairs.references] == [
        ("invoice", "invoices", 5),
        ("tag", "tags", None),
    ]


def test_a_special_case_has_the_general_key_and_its_kind(made: Logical) -> None:
    cards = made.of("card_payment")
    (to_general,) = [r for r in cards.references if r.target == "payments"]
    assert to_general.fields == ("organisation_id", "id", "payment_kind")
    assert cards.fields["payment_kind"].type.values == ["card_payment"]
    assert any(u.fields == to_general.target_fields for u in made.of("payment").uniques)


def test_values_that_grow_are_rows(made: Logical) -> None:
    assert made.relations["payment_methods"].rows == (("card",), ("sepa",))
    assert any(r.target == "payment_methods" for r in made.of("payment").references)


def test_what_is_unique_counts_what_is_not_deleted(made: Logical) -> None:
    (email,) = made.of("member").uniques
    assert (email.fields, email.when) == (("organisation_id", "email"), "deleted_at is null")
    assert made.fields_of("invoice", "member") == ("organisation_id", "member_id")


def test_a_circle_is_entered_where_it_is_optional() -> None:
    found = logical(
        of(
            {
                "name": "m",
                "entities": [{"name": "team"}, {"name": "person"}],
                "relationships": [
                    {"name": "team", "source": "person", "target": "team"},
                    {
                        "name": "lead",
                        "source": "team",
                        "target": "person",
                        "targets_per_source": "0..1",
                    },
                ],
            }
        )
    )
    assert [*found.relations] == ["teams", "people"]


def test_keys_that_contain_one_another_are_refused() -> None:
    key = {"kind": "natural", "attributes": ["other"]}
    model = {
        "name": "m",
        "entities": [{"name": "a", "key": key}, {"name": "b", "key": key}],
        "relationships": [
            {"name": "other", "source": "a", "target": "b"},
            {"name": "other", "source": "b", "target": "a", "targets_per_source": "0..1"},
        ],
    }
    with pytest.raises(NoKey, match="contains itself"):
        logical(of(model))


NUMBER = {"name": "x", "type": "integer"}


@pytest.mark.parametrize(
    ("entities", "relationships", "says"),
    [
        ([{"name": "person"}, {"name": "human", "plural": "people"}], [], "would be `people`"),
        (
            [{"name": "tag"}, {"name": "post"}, {"name": "post_tag"}],
            [{"name": "tag", "source": "post", "target": "tag", "targets_per_source": "0..*"}],
            "would be `post_tags`, as that of /entities/2",
        ),
        (
            [{"name": "user"}],
            [{"name": "user", "source": "user", "target": "user", "targets_per_source": "0..*"}],
            "both sides would be `user_id`",
        ),
        (
            [
                {
                    "name": "a",
                    "soft_delete": True,
                    "attributes": [{"name": "deleted_at", "type": "instant"}],
                }
            ],
            [],
            "/entities/0/attributes/0: `a.deleted_at` is also made for /entities/0/soft_delete",
        ),
        (
            [
                {
                    "name": "a",
                    "attributes": [
                        {"name": "p", "type": "point"},
                        {**NUMBER, "name": "p_latitude"},
                    ],
                }
            ],
            [],
            "/entities/0/attributes/1: `a.p_latitude` is also made for /entities/0/attributes/0",
        ),
        (
            [
                {"name": "a", "attributes": [{**NUMBER, "name": "a_kind"}]},
                {"name": "b", "subtype_of": {"entity": "a"}},
            ],
            [],
            "`a.a_kind` is also made for /entities/0/subtype_of",
        ),
    ],
)
def test_nothing_of_a_model_is_lost_to_a_name_that_is_taken(
    entities: list[dict[str, object]], relationships: list[dict[str, object]], says: str
) -> None:
    model = {"name": "m", "entities": entities, "relationships": relationships}
    with pytest.raises(BadModel, match=re.escape(says)):
        logical(of(model))


def test_the_ends_of_a_period_are_columns_that_nothing_else_claims() -> None:
    attributes = [{"name": "p", "type": "period"}, {"name": "p_start", "type": "instant"}]
    made = logical(of({"name": "m", "entities": [{"name": "a", "attributes": attributes}]}))
    assert physical(made, Dialect.POSTGRES).schema.tables
    with pytest.raises(BadModel, match="column of the period in mysql"):
        physical(made, Dialect.MYSQL)


def test_plurals() -> None:
    said = ["order_line", "category", "tax", "address", "day", "child", "sales_person", "history"]
    assert [plural(word) for word in said] == [
        "order_lines", "categories", "taxes", "addresses", "days", "children", "sales_people",
        "history",
    ]  # fmt: skip
