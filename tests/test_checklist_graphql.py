"""The checklist of a GraphQL schema: its fields are judged as operations are."""

from __future__ import annotations

from typing import Any

import pytest
from test_checklist import read, status

from backend_architect.server.render.checklist import data
from backend_architect.tools.security_checklist import Inputs, check
from backend_architect.tools.security_checklist.extract.graphql import BadGraphql

SDL = """
type Query {
  note(id: Int!): Note
  notes(filter: String): [Note]
  deleteAllNotes: Boolean
  me: User @auth
}
type Mutation {
  importNote(host: String!, path: String!): Note
  login(username: String, password: String): Token
}
type Note { id: ID! text: String author: User }
type User { id: ID! password: String notes: [Note] }
type Token { accessToken: String }
"""


def answer(sdl: str = SDL) -> dict[str, Any]:
    return data(check(Inputs(api=("schema.graphql", sdl)), read))


@pytest.mark.parametrize(
    ("control", "subject", "expected"),
    [
        ("outbound-targets", "Mutation.importNote", "not_met"),
        ("excessive-data", "Query.me", "not_met"),
        ("state-changing-get", "Query.deleteAllNotes", "not_met"),
        ("injection", "Query.notes", "unknown"),
        ("graphql-depth", "Query.notes", "unknown"),
        ("attempts-limited", "Mutation.login", "unknown"),
        ("authentication-required", "Query.me", "met"),
    ],
)
def test_fields_are_judged(control: str, subject: str, expected: str) -> None:
    assert status(answer(), control, subject)[0] == expected


def test_evidence_is_in_the_sdl_and_the_test_is_a_query() -> None:
    (row,) = (r for r in answer()["controls"] if r["row"].startswith("outbound-targets/clients"))
    at = row["subjects"][0]["evidence"][0]
    assert (at["file"], at["line"]) == ("schema.graphql", 9)
    assert "POST /graphql" in row["verify"]
    assert "importNote(host:" in row["verify"]


def test_a_directive_on_cost_is_a_bound() -> None:
    costed = SDL.replace(
        "notes(filter: String): [Note]", "notes(filter: String): [Note] @cost(x: 1)"
    )
    assert status(answer(costed), "graphql-depth", "GraphQL") == ("met", "declared")


@pytest.mark.parametrize("sdl", ["type Query {", "type Query { a(: }", "type Query {" * 20_000])
def test_what_is_no_sdl_is_refused(sdl: str) -> None:
    with pytest.raises(BadGraphql, match=r"schema\.graphql"):
        answer(sdl)


def test_long_circles_are_found_in_time_that_fits() -> None:
    many = "".join(f"type T{n} {{ next: T{(n + 1) % 3000} }}\n" for n in range(3000))
    found = answer(f"type Query {{ a: T0 }}\n{many}")
    row = next(r for r in found["controls"] if r["cause"] == "types in circles")
    assert row["status"] == "unknown"
