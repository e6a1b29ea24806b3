"""Changes between GraphQL schemas: alike with graphql-core, for whom, in words."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from backend_architect.server.cli import main
from backend_architect.tools.graphql.changes import KINDS, Effect, changes
from backend_architect.tools.graphql.reading import read
from backend_architect.tools.report import Report, Severity
from backend_architect.tools.review_api.graphql.comparison import compare_graphql

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

from score_graphql import Both, by_core, by_us, mutations

OWN = """
interface Node { id: ID! }
type Query {
  pets(first: Int = 10, kind: Kind): [Pet!]
  owner(id: ID!): Owner
  search(text: String!, limit: Int): [Found]
}
type Mutation { addPet(input: PetInput!): Pet, drop(id: ID!): Boolean }
type Pet implements Node { id: ID!, name: String, kind: Kind!, owner: Owner }
type Owner implements Node { id: ID!, name: String!, pets(last: Int): [Pet] }
union Found = Pet | Owner
enum Kind { CAT DOG BIRD }
input PetInput { name: String!, kind: Kind = CAT, age: Int }
directive @auth(role: String) repeatable on FIELD_DEFINITION | OBJECT
"""


def test_what_breaks_is_what_breaks_by_graphql_core() -> None:
    original = Both(OWN)
    judged = 0
    for name, text in mutations(OWN, 200, seed=7):
        mutated = Both(text)
        for old, new in ((original, mutated), (mutated, original)):
            assert by_us(old, new) == by_core(old, new), name
            judged += 1
    assert judged == 400


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        ("count: Int", "count: Int!", ["field type narrowed"]),
        ("count: [Int!]!", "count: [Int]!", ["field type changed"]),
        ("a(x: Int!): Int", "a(x: Int): Int", ["argument type widened"]),
        ("a(x: Int = 1): Int", "a(x: Int = 2): Int", ["argument default changed"]),
        ("a: Int", "a: Int @deprecated", ["field deprecated"]),
        ("a: Int @deprecated", "a: Int", ["field no longer deprecated"]),
        ("a: Int", '"How many" a: Int', ["field description changed"]),
        ("a: Int", "a: Int @auth", ["directive used"]),
        ("a: Int, b: Int", "b: Int, a: Int", []),
    ],
)
def test_kinds(before: str, after: str, kinds: list[str]) -> None:
    old, new = (read({"s": f"type Query {{ {each} }}"}) for each in (before, after))
    assert [each.kind for each in changes(old, new)] == kinds


def test_a_directive_and_the_roots() -> None:
    old = read({"s": "directive @a(x: Int) repeatable on OBJECT | FIELD\ntype Query { a: Int }"})
    new = read({"s": "directive @a on OBJECT\nschema { query: Q }\ntype Q { a: Int }"})
    assert sorted(each.kind for each in changes(old, new)) == [
        "directive argument removed",
        "directive location removed",
        "directive no longer repeatable",
        "query type changed",
        "type added",
        "type removed",
    ]


def test_a_schema_is_no_change_of_itself_in_another_order() -> None:
    assert list(changes(read({"s": OWN}), read({"a": OWN}))) == []
    extended = OWN.replace(", drop(id: ID!): Boolean }", " }")
    extended += "extend type Mutation { drop(id: ID!): Boolean }"
    assert list(changes(read({"s": OWN}), read({"s": extended}))) == []


def test_every_kind_has_an_effect_that_is_used() -> None:
    assert set(KINDS.values()) == set(Effect)


def compared(new: str, old: str, operations: str | None = None) -> Report:
    uses = {"ops.graphql": operations} if operations is not None else None
    return compare_graphql({"new": new}, {"old": old}, ("new", "old"), None, uses)


def test_what_no_operation_uses_is_no_error() -> None:
    old = "type Query { a: Int, b(x: Kind): Int }\nenum Kind { CAT DOG }"
    new = "type Query { b(x: Kind): Int }\nenum Kind { CAT }"
    uses = "query Used { b(x: DOG) }"
    found = {each.message: each for each in compared(new, old, uses).findings}
    gone, value = found["field removed: `Query.a`"], found["enum value removed: `Kind.DOG`"]
    assert (gone.severity, gone.affects) == (Severity.WARNING, ())
    assert (value.severity, value.affects) == (Severity.ERROR, ("Used",))
    everything = compared(new, old).findings
    assert {each.severity for each in everything} == {Severity.ERROR}


def test_a_new_required_input_meets_whoever_uses_the_field_or_the_input() -> None:
    old = "type Query { a(by: In): Int }\ninput In { x: Int }"
    new = "type Query { a(by: In, z: Int!): Int }\ninput In { x: Int, y: Int! }"
    report = compared(new, old, "query Q($by: In) { a(by: $by) }")
    assert [each.affects for each in report.findings] == [("Q",), ("Q",)]
    assert report.overviews[0]["version_step"] == "major"
    assert report.overviews[0]["consumers"] == {"the operations given": ["Q"]}


def test_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.graphql").write_text("type Query { a: Int, b: Int }")
    (tmp_path / "new.graphql").write_text("type Query { b: Int! }")
    (tmp_path / "ops").mkdir()
    (tmp_path / "ops" / "a.graphql").write_text("query A { a }")
    command = ["review-api", "new.graphql", "--previous", "old.graphql"]
    result = CliRunner().invoke(main, [*command, "--usage", "ops", "--format", "json"])
    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert [each.get("affects") for each in answer["findings"]] == [["A"], None]
    log = CliRunner().invoke(main, [*command, "--changelog"]).stdout
    assert "## Breaking\n\n- field removed: `Query.a`\n" in log
    assert "field type narrowed: `Query.b`" in log
