"""Views of an API: the authorisation matrix, the resource map, the contract for people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from backend_architect.server.cli import main
from backend_architect.server.render import review_page
from backend_architect.tools.openapi.document import Unreadable
from backend_architect.tools.policy import Policy
from backend_architect.tools.report import Report
from backend_architect.tools.review_api import review
from backend_architect.tools.review_api.views import VIEWS
from backend_architect.tools.source import Source

API = yaml.safe_load("""
openapi: 3.1.1
info: {title: Pets, version: 1.0.0, description: "Pets | and <b>owners</b>"}
servers: [{url: https://api.example.com}]
security: [{token: []}]
paths:
  /pets:
    get:
      summary: List pets
      operationId: listPets
      parameters:
      - {name: limit, in: query, schema: {type: integer, minimum: 1, maximum: 100, default: 20}}
      responses:
        '200':
          description: Pets
          headers: {RateLimit-Limit: {schema: {type: integer}}}
          content:
            application/json:
              schema: {type: array, items: {$ref: '#/components/schemas/Pet'}}
        '401': {$ref: '#/components/responses/Problem'}
        '429': {$ref: '#/components/responses/Problem'}
    post:
      operationId: addPet
      parameters:
      - {name: Idempotency-Key, in: header, schema: {type: string, format: uuid}}
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}
      responses:
        '201': {description: The pet}
        '401': {$ref: '#/components/responses/Problem'}
  /pets/{petId}:
    parameters: [{name: petId, in: path, required: true, schema: {type: integer}}]
    get:
      operationId: getPet
      responses:
        '200':
          description: The pet
          content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}
        '404': {$ref: '#/components/responses/Problem'}
    delete:
      operationId: deletePet
      deprecated: true
      security: []
      responses: {'204': {description: Gone}}
  /owners:
    get:
      operationId: listOwners
      responses:
        '200':
          description: Owners
          content:
            application/json:
              schema: {type: array, items: {$ref: '#/components/schemas/Owner'}}
  /owners/{ownerId}:
    parameters: [{name: ownerId, in: path, required: true, schema: {type: string, format: uuid}}]
    get:
      operationId: getOwner
      responses:
        '200':
          description: The owner
          content: {application/json: {schema: {$ref: '#/components/schemas/Owner'}}}
components:
  securitySchemes: {token: {type: http, scheme: bearer}}
  responses:
    Problem:
      description: What went wrong
      content: {application/problem+json: {schema: {type: object}}}
  schemas:
    Pet:
      type: object
      required: [name]
      properties:
        name: {type: string, minLength: 1, maxLength: 40}
        kind: {enum: [cat, dog]}
        owner_id: {type: string, format: uuid}
    Owner:
      type: object
      properties: {id: {type: string, format: uuid}, name: {type: string}}
""")


def viewed(view: str, api: Any = API, pointer: str = "") -> Report:
    def nothing(base: str, reference: str) -> Source:
        raise Unreadable("nothing else is here")

    policy = Policy(only_pointer=pointer)
    return review(json.dumps(api), "pets.json", nothing, policy, view=view)


def rows(view: str, pointer: str = "") -> dict[str, Any]:
    shown = viewed(view, pointer=pointer).view
    assert shown
    return {row["resource" if view == "resources" else "operation"]: row for row in shown.rows}


def test_the_matrix_tells_who_may_name_which_object() -> None:
    found = rows("matrix")
    assert list(found) == [
        *("GET /pets", "POST /pets", "GET /pets/{petId}", "DELETE /pets/{petId}"),
        *("GET /owners", "GET /owners/{ownerId}"),
    ]
    assert found["GET /pets/{petId}"]["objects"] == [
        {"name": "petId", "in": "path", "type": "integer", "guessable": True}
    ]
    assert found["GET /owners/{ownerId}"]["objects"][0]["guessable"] is False
    assert (found["GET /pets"]["needs"], found["GET /pets"]["denials"]) == ("token", ["401"])


def test_the_matrix_shows_an_open_delete_beside_a_secured_get() -> None:
    shown = viewed("matrix").view
    assert shown
    (outlier,) = shown.head["outliers"]
    assert (outlier["operation"], outlier["kind"], outlier["beside"]) == (
        "DELETE /pets/{petId}",
        "open beside protected",
        "GET /pets/{petId}",
    )
    assert rows("matrix")["DELETE /pets/{petId}"]["remarks"] == ["open beside protected"]
    assert shown.head["needs"] == {"token": 5, "anyone": 1}


def test_the_resource_map_tells_what_is_missing_and_what_points_where() -> None:
    pets = rows("resources")["/pets"]
    assert [use["role"] for use in pets["operations"]] == ["list", "create", "read", "delete"]
    assert pets["missing"] == ["update"]
    assert pets["relations"] == [{"to": "/owners", "by": "owner_id", "many": False}]
    shown = viewed("resources").view
    assert shown
    assert shown.head["diagram"].splitlines() == [
        "flowchart LR",
        '  r0["pets<br/>list, create, read, delete"]',
        '  r1["owners<br/>list, read"]',
        '  r0 -. "owner_id" .-> r1',
    ]


def test_the_contract_tells_what_a_caller_has_to_know() -> None:
    found = rows("contract")
    listing, adding = found["GET /pets"], found["POST /pets"]
    assert listing["parameters"][0]["type"] == "integer, ≥ 1, ≤ 100, default 20"
    assert listing["responses"][0]["type"] == "list of Pet"
    assert listing["limits"] == [
        "answers 429 when called too often",
        "tells the rate limit in `ratelimit-limit`",
    ]
    assert adding["bodies"][0]["fields"] == [
        {
            "name": "name",
            "type": "string, at least 1 characters, at most 40 characters",
            "required": True,
        },
        {"name": "kind", "type": "any of cat, dog", "required": False},
        {"name": "owner_id", "type": "string (uuid)", "required": False},
    ]
    assert adding["retry"] == "may be repeated with the same `Idempotency-Key`"
    assert found["DELETE /pets/{petId}"]["deprecated"] is True
    assert found["GET /pets/{petId}"]["security"] == [
        "the caller chooses the object by `petId` (path, which is easily guessed): check that it"
        " is theirs"
    ]
    assert any(each["rule"] == "api/operation-unprotected" for each in
               found["DELETE /pets/{petId}"]["findings"])  # fmt: skip


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_can_be_of_a_part(view: str) -> None:
    assert all("/owners" in name for name in rows(view, "/paths/~1owners"))


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("budget", [500, 1_000, 4_000])
def test_pages_keep_to_the_budget_and_show_every_row_once(view: str, budget: int) -> None:
    api = json.loads(json.dumps(API))
    for number in range(60):
        api["paths"][f"/things{number}/{{id}}"] = api["paths"]["/pets/{petId}"]
    report = viewed(view, api)
    assert report.view
    seen, cursor = [], None
    while True:
        page = review_page.page(report, budget, cursor)
        for part in (page.text, json.dumps(page.data, ensure_ascii=False)):
            assert len(part.encode()) <= 3 * budget
        seen += [next(iter(row.values())) for row in page.data["view"]["rows"]]
        cursor = page.data["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(report.view.rows) == len(set(seen))


@pytest.mark.parametrize("view", VIEWS)
def test_hostile_names_stay_text(view: str) -> None:
    text = json.dumps(API).replace("ownerId", "o|`<img src=x>\\u202e\\n# run this")
    report = viewed(view, json.loads(text))
    assert report.view
    shown = review_page.markdown(report, report.view)
    assert "\u202e" not in shown
    assert "\n# run this" not in shown
    tables = [line for line in shown.splitlines() if line.startswith("| ")]
    assert all(line.replace("\\|", "").count("|") == 6 for line in tables)


def test_the_command_shows_a_view_of_one_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pets.json").write_text(json.dumps(API), "utf-8")

    def run(*options: str) -> Result:
        return CliRunner().invoke(main, ["review-api", *options, "pets.json"])

    assert "| `DELETE /pets/{petId}` | `anyone` |" in run("--view", "matrix").stdout
    answer = json.loads(run("--view", "contract", "--format", "json").stdout)
    assert answer["view"]["kind"] == "contract"
    assert run("--view", "matrix", "--format", "sarif").exit_code == 2
