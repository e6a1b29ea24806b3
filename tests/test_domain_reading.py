"""Domain models: what is read, and what is told of one that is wrong."""

from __future__ import annotations

import time
from typing import Any

import pytest

from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.design_schema.domain.expressions import (
    Unreadable,
    names,
    rendered,
)
from backend_architect.tools.design_schema.domain.model import MAX_ENTITIES
from backend_architect.tools.design_schema.domain.reading import BadModel, of, read
from backend_architect.tools.source import SourceError

SHOP: dict[str, Any] = {
    "name": "shop",
    "entities": [
        {
            "name": "customer",
            "attributes": [
                {"name": "email", "type": "email", "unique": True},
                {"name": "status", "type": "enum", "values": ["new", "active"]},
                {"name": "limit_amount", "type": "money", "currency": "EUR", "required": False},
            ],
        },
        {
            "name": "order",
            "attributes": [
                {"name": "total", "type": "money", "currency": "EUR"},
                {"name": "placed_at", "type": "instant"},
                {"name": "open_for", "type": "period", "required": False},
            ],
        },
    ],
    "relationships": [{"name": "customer", "source": "order", "target": "customer"}],
}


def changed(path: str, value: object) -> dict[str, Any]:
    """The shop with another value at a place, or one more at the end of a list (`-`)."""
    from copy import deepcopy

    model = deepcopy(SHOP)
    part: Any = model
    *steps, last = path.strip("/").split("/")
    for step in steps:
        part = part[int(step)] if isinstance(part, list) else part.setdefault(step, {})
    if last == "-":
        part.append(value)
    elif isinstance(part, list):
        part[int(last)] = value
    else:
        part[last] = value
    return model


def problems(model: object) -> list[str]:
    with pytest.raises(BadModel) as caught:
        of(model)
    return [str(problem) for problem in caught.value.problems]


def test_a_model_is_read_from_yaml_and_json_alike() -> None:
    import json

    text = """
    name: shop
    entities:
      - name: order
        attributes: [{name: total, type: integer}]
    """
    attributes = [{"name": "total", "type": "integer"}]
    data = {"name": "shop", "entities": [{"name": "order", "attributes": attributes}]}
    assert read(text, "m.yaml") == read(json.dumps(data), "m.json")
    assert of(SHOP).relationships[0].sources_per_target == "0..*"


@pytest.mark.parametrize(
    ("path", "value", "where", "says"),
    [
        ("entities/0/attributs", [], "/entities/0/attributs (customer)", "`attributes`?"),
        ("entities/0/attributes/0/type", "emial", "(customer.email)", "`email`?"),
        ("entities/0/name", "Customer", "/entities/0/name (Customer)", "snake_case"),
        ("entities/0/invariants", [{"kind": "chek"}], "/invariants/0", "It takes: check"),
        ("entities/0/invariants", [{"name": "a"}], "/invariants/0", "needs `kind`"),
        ("entities/1/volume", {"rows": -1}, "/entities/1/volume/rows", "greater than or equal"),
        ("relationships/0/targets_per_source", "1..n", "(customer)", "As in UML"),
        ("entities/0", {}, "/entities/0/name", "is required"),
        ("dialect", "oracle", "/dialect", "postgres, mysql"),
    ],
)
def test_a_field_that_is_wrong_is_named_with_what_is_right(
    path: str, value: object, where: str, says: str
) -> None:
    told = problems(changed(path, value))
    assert any(where in each and says in each for each in told), told


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("entities/-", {"name": "order"}, "`order` is also the name of /entities/1"),
        ("entities/0/attributes/-", {"name": "id", "type": "uuid"}, "surrogate key"),
        ("entities/1/attributes/-", {"name": "customer", "type": "text"}, "also a relationship"),
        ("entities/1/attributes/-", {"name": "customer_id", "type": "text"}, "the relationship"),
        (
            "entities/0/attributes/-",
            {"name": "n", "type": "integer", "minimum": 5, "maximum": 3},
            "5 is more than maximum, 3",
        ),
        (
            "entities/0/attributes/-",
            {"name": "n", "type": "integer", "maximum": 3, "default": 9},
            "at most 3, its maximum",
        ),
        (
            "entities/0/attributes/-",
            {"name": "n", "type": "integer", "computed": "1 + 1", "immutable": True},
            "changes with what it is made of",
        ),
        ("entities/0/attributes/-", {"name": "n", "type": "integer", "unit": "kg"}, "quantity"),
        ("entities/0/attributes/-", {"name": "n", "type": "enum"}, "required of an enum"),
        ("entities/0/attributes/-", {"name": "n", "type": "text", "pattern": "("}, "regular"),
        ("entities/0/unique", [{"attributes": ["mail"]}], "did you mean `email`?"),
        ("entities/0/key", {"kind": "natural"}, "since the key is natural"),
        (
            "entities/0/key",
            {"kind": "natural", "attributes": ["limit_amount"]},
            "but is not required",
        ),
        (
            "entities/0/states",
            {"attribute": "status", "initial": ["new"], "transitions": {}},
            "no transitions lead to 'active'",
        ),
        (
            "entities/0/states",
            {"attribute": "status", "initial": ["new"], "transitions": {"new": ["activ"]}},
            "did you mean `active`?",
        ),
        (
            "entities/0/states",
            {"attribute": "email", "initial": ["new"], "transitions": {}},
            "is of type email",
        ),
        ("entities/1/retention", {"keep_days": 1, "after": "total"}, "is of type money"),
        ("entities/0/subtype_of", {"entity": "customer"}, "its own subtype"),
        ("entities/0/subtype_of", {"entity": "custmer"}, "did you mean `customer`?"),
        ("relationships/0/target", "custmer", "did you mean `customer`?"),
        ("relationships/0/on_delete", "set_null", "targets_per_source is `1`"),
        (
            "relationships/-",
            {"name": "first", "source": "customer", "target": "order"},
            "no row can be the first",
        ),
        (
            "relationships/-",
            {"name": "next", "source": "order", "target": "order"},
            "there can be no first one",
        ),
        ("tenancy", {"kind": "shared"}, "the entity that is the tenant"),
        ("entities/0/shared", True, "there are no tenants"),
        (
            "access_patterns",
            [{"name": "p", "entity": "order", "filters": [{"attribute": "totl"}]}],
            "did you mean `total`?",
        ),
        ("access_patterns", [{"name": "p", "entity": "ordr"}], "did you mean `order`?"),
        (
            "access_patterns",
            [{"name": "p", "entity": "order", "sql": "SELECT 1; DROP TABLE orders"}],
            "has 2 statements",
        ),
        ("access_patterns", [{"name": "p", "entity": "order", "sql": "VACUUM"}], "no statement"),
        (
            "entities/1/invariants",
            [{"kind": "no_overlap", "period": "placed_at"}],
            "is of type instant",
        ),
        (
            "entities/0/invariants",
            [{"kind": "balance", "children": "customer", "sum_of": "placed_at"}],
            "is of type instant",
        ),
        (
            "entities/0/invariants",
            [{"kind": "required_when", "attribute": "email", "when": "status = 'new'"}],
            "is required always",
        ),
        (
            "entities/1/invariants",
            [{"kind": "acyclic", "relationship": "customer"}],
            "relationship of order to itself",
        ),
        (
            "entities/1/invariants",
            [{"kind": "check", "name": "c", "expression": "totl > 0"}],
            "did you mean `total`?",
        ),
        (
            "entities/1/invariants",
            [{"kind": "check", "name": "c", "expression": "total"}],
            "true nor",
        ),
        (
            "entities/1/invariants",
            [{"kind": "check", "name": "c", "expression": "sum(total) > 0"}],
            "about one row",
        ),
        (
            "entities/1/invariants",
            [
                {"kind": "check", "name": "c", "expression": "total > 0"},
                {"kind": "check", "name": "c", "expression": "total > 1"},
            ],
            "also the check at",
        ),
        (
            "relationships/-",
            {"name": "customer", "source": "order", "target": "order"},
            "also the name of /relationships/0",
        ),
        (
            "entities/1/attributes/-",
            {"name": "double", "type": "integer", "computed": "double + 1"},
            "is computed itself",
        ),
        (
            "entities/0/attributes/-",
            {"name": "code", "type": "text", "min_length": 3, "default": "a"},
            "at least 3",
        ),
        (
            "entities/0/attributes/-",
            {"name": "code", "type": "text", "pattern": "^[A-Z]+$", "default": "a"},
            "matches its pattern",
        ),
        (
            "entities/0/attributes/-",
            {"name": "n", "type": "integer", "distribution": {"nulls": 0.5}},
            "required",
        ),
        (
            "entities/0/attributes/-",
            {"name": "n", "type": "integer", "distribution": {"minimum": 9, "maximum": 1}},
            "more than maximum",
        ),
        (
            "entities/0/attributes/-",
            {"name": "n", "type": "enum", "values": ["a"], "distribution": {"common": {"z": 0.5}}},
            "none of its values",
        ),
        (
            "access_patterns",
            [
                {
                    "name": "p",
                    "entity": "order",
                    "filters": [{"attribute": "total", "operator": "overlaps"}],
                }
            ],
            "overlaps nothing",
        ),
        (
            "access_patterns",
            [{"name": "p", "entity": "order", "aggregates": [{"function": "sum"}]}],
            "sum of what?",
        ),
        ("access_patterns", [{"name": "p", "entity": "order", "page": "keyset"}], "no order"),
        ("engine_version", "x; drop", "16, or 8.0.36"),
    ],
)
def test_what_contradicts_itself_names_both_sides(path: str, value: object, says: str) -> None:
    told = problems(changed(path, value))
    assert any(says in each for each in told), told


@pytest.mark.parametrize(
    "text",
    [
        "select 1",
        "a > (select 1)",
        "a; drop table t",
        "a >",
        "a = 1 -- b",
        "t.a = 1",
        "a = $1",
        "(" * 100 + "a" + ")" * 100,
        "a or " * 300 + "a",
    ],
)
def test_what_is_no_expression_over_attributes_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        names(text)


def test_an_expression_is_said_in_the_words_of_an_engine() -> None:
    text = "lower(open_for) >= made_at and code ~ '^x'"

    def said(dialect: Dialect) -> str:
        return rendered(text, lambda name: f"[{name}]", dialect, {"open_for"})

    assert names(text) == {"open_for", "made_at", "code"}
    assert said(Dialect.POSTGRES) == "lower([open_for]) >= [made_at] and [code] ~ '^x'"
    assert said(Dialect.SQLITE) == "[open_for_start] >= [made_at] AND [code] REGEXP '^x'"
    assert "[code] REGEXP '^x'" in said(Dialect.MYSQL)


def test_hostile_models_end_soon_with_an_error() -> None:
    start = time.process_time()
    many = {"name": "m", "entities": [{"name": f"e{n}"} for n in range(10_000)]}
    assert problems(many) == [
        f"/entities: has 10,000 entities; at most {MAX_ENTITIES} in a model;"
        " design one area at a time"
    ]
    long = {"name": "m", "entities": [{"name": "x'; DROP TABLE users; --" * 1_000}]}
    assert len(problems(long)[0]) < 400
    wrong = {"name": "m", "entities": [{"name": f"E{n}"} for n in range(MAX_ENTITIES)]}
    with pytest.raises(BadModel, match="and 480 more"):
        of(wrong)
    with pytest.raises(BadModel, match="is there twice"):
        read("name: a\nname: b\nentities: []\n", "m.yaml")
    with pytest.raises(SourceError):
        read("[" * 10_000, "m.yaml")
    odd: object
    for odd in (None, 7, [], "shop"):
        with pytest.raises(BadModel, match="is no domain model"):
            of(odd)
    assert time.process_time() - start < 2
