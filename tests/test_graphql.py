"""GraphQL schemas: the model, every rule by its examples, and what is too much."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from backend_architect.server.cli import main
from backend_architect.tools.graphql.reading import MAX_DEPTH, read
from backend_architect.tools.policy import Policy
from backend_architect.tools.report import Report
from backend_architect.tools.review_api.graphql import review_graphql
from backend_architect.tools.review_api.graphql.rules import RULES
from backend_architect.tools.rule import Rule
from backend_architect.tools.source import SourceError

BY_ID = [pytest.param(rule, id=rule.id) for rule in RULES]
DEFAULT = tuple(rule.id for rule in RULES if not rule.opt_in)


def reviewed(text: str, *rules: str) -> Report:
    policy = Policy(only_rules=(*DEFAULT, *rules))
    report = review_graphql({"schema.graphql": text}, "schema.graphql", policy)
    assert not any("could not judge" in note for note in report.notes)
    return report


@pytest.mark.parametrize("rule", BY_ID)
def test_the_bad_example_breaks_the_rule_and_no_other(rule: Rule) -> None:
    found = reviewed(rule.bad, rule.id).findings
    assert {each.rule for each in found} == {rule.id}, [each.message for each in found]


@pytest.mark.parametrize("rule", BY_ID)
def test_the_good_example_is_clean(rule: Rule) -> None:
    assert [f"{f.rule}: {f.message}" for f in reviewed(rule.good, rule.id).findings] == []


def test_extensions_are_merged_in_any_order_of_files() -> None:
    texts = {
        "a.graphql": 'extend type Pet @key(fields: "id") { age: Int }\nextend enum Kind { DOG }',
        "b.graphql": "type Query { pet(kind: Kind = CAT): [Pet!]! }\nenum Kind { CAT }",
        "c.graphql": '"Who lives here"\ntype Pet { id: ID! @deprecated }',
    }
    schema = read(texts)
    pet, query = schema.types["Pet"], schema.types["Query"]
    assert list(pet.fields) == ["id", "age"]
    assert (pet.description, pet.fields["id"].deprecated) == (
        "Who lives here",
        '"No longer supported"',
    )
    assert list(schema.types["Kind"].values) == ["CAT", "DOG"]
    assert query.fields["pet"].type.text == "[Pet!]!"
    assert query.fields["pet"].arguments["kind"].default == "CAT"
    assert pet.fields["age"].place.file == "a.graphql"
    assert schema.roots == {"query": "Query"}


def test_a_finding_is_at_its_line_and_column() -> None:
    [finding] = reviewed(
        "type Query {\n  me: User\n}\ntype User { id: ID!, password: String }"
    ).findings
    at = finding.location
    assert (at.line, at.column, at.pointer) == (4, 22, "/types/User/fields/password")


def test_parts_of_a_federated_graph_are_no_faults() -> None:
    text = """
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
    type Pet @key(fields: "id") { id: ID! @shareable, owner: Owner }
    extend type Owner @key(fields: "id") { id: ID! @external, pets: [Pet!] }
    """
    assert [each.message for each in reviewed(text).findings] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("type Query { a: Int", "malformed GraphQL"),
        ("query { a }", "malformed GraphQL"),
        ("type Query { a: " + "[" * 500 + "Int" + "]" * 500 + " }", f"deeper than {MAX_DEPTH}"),
        ("{" * 100_000, f"deeper than {MAX_DEPTH}"),
    ],
)
def test_what_is_no_sdl_is_refused_with_its_place(text: str, said: str) -> None:
    if text.startswith("query"):
        assert reviewed(text + " type Query { a: Int }").findings == ()
        return
    with pytest.raises(SourceError, match=said):
        read({"a.graphql": text})


def test_floods_and_circles_end_soon() -> None:
    started = time.process_time()
    types = "\n".join(
        f"type T{n} {{ id: ID!, next: [T{(n + 1) % 5_000}!]! }}" for n in range(5_000)
    )
    reviewed(f"type Query {{ t: T0 }}\n{types}", "graphql/query-depth-unbounded")
    with pytest.raises(SourceError):
        read({"a.graphql": "type Query { a: Int } " + "# x\n" * 10 + "a " * 2_100_000})
    assert time.process_time() - started < 15


def test_equal_input_gives_equal_bytes() -> None:
    text = "\n".join(rule.bad.replace("type Query", f"type Q{n}") for n, rule in enumerate(RULES))
    first, again = (review_graphql({"a": text}, "a", Policy(profile="all")) for _ in range(2))
    assert first == again


def test_a_file_a_folder_and_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "query.graphql").write_text("type Query { me: User }")
    (tmp_path / "api" / "user.gql").write_text("type User { id: ID!, password: String }")
    whole = "type Query { me: User }\ntype User { id: ID!, password: String }"
    (tmp_path / "schema.graphqls").write_text(whole)
    for arguments, text in ((["api"], None), (["schema.graphqls"], None), (["-"], whole)):
        result = CliRunner().invoke(
            main, ["review-api", *arguments, "--format", "json"], input=text
        )
        assert result.exit_code == 0, result.output
        [finding] = json.loads(result.stdout)["findings"]
        assert finding["rule"] == "graphql/secret-readable"
    assert "GraphQL" in CliRunner().invoke(main, ["review-api", "api"]).stdout
