"""Conventions by vote: what counts as one, who votes, and what departs from it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from test_rules import no_files

from backend_architect.tools.openapi.conventions import casing, convention
from backend_architect.tools.policy import Policy
from backend_architect.tools.report import Report
from backend_architect.tools.review_api import review


def of(rule: str, schemas: dict[str, dict[str, Any]], **parts: Any) -> Report:
    """The findings of one rule on a document with these properties of these schemas."""
    components = {
        "schemas": {name: {"type": "object", "properties": p} for name, p in schemas.items()}
    }
    document = {
        "openapi": "3.1.1",
        "info": {"title": "Shop", "version": "1.0.0"},
        "paths": {},
        "components": components,
        **parts,
    }
    return review(json.dumps(document), "a.json", no_files, Policy(only_rules=(rule,)))


def test_a_split_vote_and_a_small_one_are_no_convention() -> None:
    assert convention([("a", 1)] * 9 + [("b", 2)]) is None
    assert convention([("a", 1)] * 17 + [("b", 2)] * 2) is None
    assert convention([]) is None
    found = convention([("a", 1)] * 18 + [("b", 2)] * 2)
    assert found is not None
    assert (found.choice, found.support, found.total) == ("a", 18, 20)
    assert found.outliers == (("b", 2), ("b", 2))


@pytest.mark.parametrize(
    "name", ["id", "ID", "_links", "x-foo_Bar", "pt-BR", "en_US", "a.b", "size[]", "+1", "größe"]
)
def test_a_name_that_shows_no_casing_is_no_outlier(name: str) -> None:
    found = casing([*(f"some_{letter}" for letter in "abcdefghijkl"), name])
    assert found is not None
    assert (found.support, found.outliers) == (12, ())


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("userName", "camelCase"),
        ("UserName", "PascalCase"),
        ("user-name", "kebab-case"),
        ("User_name", "of mixed casing"),
    ],
)
def test_the_casing_of_an_outlier_is_named(name: str, shown: str) -> None:
    found = casing([*(f"some_{letter}" for letter in "abcdefghijkl"), name])
    assert found is not None
    assert found.outliers == ((shown, name),)


def test_names_that_a_standard_fixes_are_no_outliers() -> None:
    camel = {f"some{letter}": {"type": "string"} for letter in "ABCDEFGHIJKL"}
    schemas = {"All": camel, "Token": {"access_token": {"type": "string"}}}
    assert of("api/field-casing-inconsistent", schemas).findings == ()
    schemas["Token"]["access_level"] = {"type": "string"}
    [finding] = of("api/field-casing-inconsistent", schemas).findings
    assert finding.location.pointer == "/components/schemas/Token/properties/access_level"
    assert finding.evidence == "12 of 13 properties that show a casing are camelCase"


def test_types_are_compared_by_words_across_properties_and_parameters() -> None:
    integer, string = {"type": "integer"}, {"type": ["string", "null"]}
    same: dict[str, dict[str, Any]] = {name: {"owner_id": integer} for name in "ABC"}
    parameter = {"name": "ownerId", "in": "query", "schema": {"type": "number"}}
    paths = {"/pets": {"get": {"parameters": [parameter], "responses": {}}}}
    rule = "api/field-type-inconsistent"
    assert of(rule, {**same, "D": {"owner_id": {"$ref": "#/components/schemas/A"}}}).findings == ()
    [finding] = of(rule, {**same, "D": {"owner_id": string}}, paths=paths).findings
    assert finding.message == "`owner_id` is a string here, 4 of 5 declarations say number"
    split = {**same, "D": {"owner_id": string}, "E": {"owner_id": string}}
    assert of(rule, split, paths=paths).findings == ()


def test_the_same_word_may_be_anything_in_each_object() -> None:
    schemas: dict[str, dict[str, Any]] = {
        str(number): {"status": {"type": "string"}} for number in range(9)
    }
    schemas["Error"] = {"status": {"type": "integer"}}
    assert of("api/field-type-inconsistent", schemas).findings == ()


def test_reactions_and_deprecated_spellings_do_not_collide() -> None:
    string: dict[str, Any] = {"type": "string"}
    reactions = {"+1": string, "-1": string}
    moved = {"firstName": {**string, "deprecated": True}, "first_name": string}
    rule = "api/property-name-collision"
    assert of(rule, {"Reactions": reactions, "Pet": moved}).findings == ()
    [finding] = of(rule, {"Pet": {"first_name": string, "firstName": string}}).findings
    assert finding.location.pointer == "/components/schemas/Pet/properties/first_name"
    assert len(finding.related) == 1


def test_a_date_is_no_badly_written_moment() -> None:
    moment = {"type": "string", "format": "date-time"}
    schemas: dict[str, dict[str, Any]] = {f"S{n}": {"created_at": moment} for n in range(12)}
    schemas["Term"] = {"start_date": {"type": "string", "format": "date"}}
    assert of("api/moment-format-inconsistent", schemas).findings == ()
    schemas["Late"] = {"ended_at": {"type": "integer", "format": "int64"}}
    [finding] = of("api/moment-format-inconsistent", schemas).findings
    assert finding.evidence == "12 of 13 are a `date-time` string"
