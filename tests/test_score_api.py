"""The scoring script (`benchmarks/score_api.py`) on suites of the project's own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

from score_api import KICS, Same, kics, oai

from backend_architect.tools.review_api.rules import RULES

FAULTY = """openapi: 3.0.3
info: {title: Pets, version: 1.0.0}
paths:
  /pets/{id}:
    get:
      responses:
        '200':
          description: A pet
          content:
            application/json:
              schema:
                $ref: '#/components/schemas/Pet'
components:
  schemas:
    Pet:
      type: integer
      items: {type: string}
"""


def test_every_mapped_rule_exists() -> None:
    named = {f"api/{rule}" for to in KICS.values() if isinstance(to, Same) for rule in to.rules}
    assert named <= {rule.id for rule in RULES}


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    tests = tmp_path / "kics" / "3.0" / "non_array_schema_with_items" / "test"
    tests.mkdir(parents=True)
    (tests / "positive1.yaml").write_text(FAULTY, "utf-8")
    (tests / "negative1.yaml").write_text(FAULTY.replace("integer", "array"), "utf-8")
    lines = [{"line": line, "filename": "positive1.yaml"} for line in (16, 12, 5)]
    (tests / "positive_expected_result.json").write_text(json.dumps(lines), "utf-8")
    return tmp_path


def test_an_expected_line_is_found_at_its_place_or_where_its_reference_leads(suite: Path) -> None:
    score = kics(suite / "kics")["3.0/non_array_schema_with_items"]
    assert (score.expected, score.found, score.negatives, score.extra) == (3, 2, 1, 0)
    assert score.notes == ["positive1.yaml: missed 5 `get:`, ours: [17]"]


def test_a_finding_on_a_document_without_the_fault_counts(suite: Path) -> None:
    path = suite / "kics" / "3.0" / "non_array_schema_with_items" / "test" / "negative1.yaml"
    path.write_text(FAULTY, "utf-8")
    assert kics(suite / "kics")["3.0/non_array_schema_with_items"].extra == 1


def test_lines_in_responses_are_set_aside_where_we_disagree(tmp_path: Path) -> None:
    tests = tmp_path / "general" / "maximum_length_undefined" / "test"
    tests.mkdir(parents=True)
    (tests / "positive1.yaml").write_text(FAULTY.replace("integer", "string"), "utf-8")
    expected = [{"line": 16, "filename": "positive1.yaml"}]
    (tests / "positive_expected_result.json").write_text(json.dumps(expected), "utf-8")
    score = kics(tmp_path)["general/maximum_length_undefined"]
    assert (score.expected, score.aside) == (0, 1)


def test_the_verdict_of_the_gate_is_scored(tmp_path: Path) -> None:
    for verdict in ("pass", "fail"):
        folder = tmp_path / "oai-v3.1-dev" / "tests" / "schema" / verdict
        folder.mkdir(parents=True)
        (folder / "paths.yaml").write_text(
            "openapi: 3.1.0\ninfo: {title: a, version: b}\npaths: {}"
        )
    assert oai(tmp_path, verbose=False) == (1, 2)
