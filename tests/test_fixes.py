"""Fixes of API documents: tried, written with the text kept, shown as difference and overlay."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from corpus_fixes import overlaid

from backend_architect.server.cli import main
from backend_architect.tools.editing.overlay import jsonpath, overlay
from backend_architect.tools.editing.patch import applied
from backend_architect.tools.openapi.document import Unreadable
from backend_architect.tools.policy import Policy
from backend_architect.tools.report import Report
from backend_architect.tools.review_api import fixes, review
from backend_architect.tools.source import Source, load

API = """\
openapi: 3.1.1   # the version
info: {title: Pets, version: 1.0.0}
servers: [{url: https://api.example.com}]
security: []
paths:
  /pets/{petId}:
    get:
      operationId: getPet
      parameters:
      - {name: petId, in: path, schema: {type: string}}   # which pet
      responses: {'200': {description: A pet}, '404': {description: No such pet}}

  /owners/{ownerId}:
    get:
      operationId: getOwner
      parameters: [{name: ownerId, in: path, schema: {type: string}}]
      responses: {'200': {description: An owner}, '404': {description: No such owner}}
"""
ONLY = Policy(only_rules=("api/path-parameter-optional",))
Run = Callable[..., Result]


def reviewed(text: str, **options: Any) -> Report:
    def nothing(base: str, reference: str) -> Source:
        raise Unreadable("nothing else is here")

    return review(text, "api.yaml", nothing, **options)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    return lambda *arguments, **options: CliRunner().invoke(main, arguments, **options)


def test_a_fix_that_holds_says_so() -> None:
    report = reviewed(API, policy=ONLY)
    assert [finding.proof for finding in report.findings] == [fixes.PROOF] * 2
    assert all(finding.patch for finding in report.findings)


def test_untried_fixes_have_no_proof() -> None:
    report = reviewed(API, policy=ONLY, prove=False)
    assert [(bool(each.patch), each.proof) for each in report.findings] == [(True, "")] * 2


def test_a_fix_that_does_not_hold_is_withdrawn_and_the_others_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:

    def sabotaged(data: Any, operations: Any) -> Any:
        changed = deepcopy(applied(data, operations))
        if changed["paths"]["/owners/{ownerId}"]["get"]["parameters"][0].get("required"):
            changed["paths"]["/owners/{ownerId}"]["get"]["parameters"][0]["in"] = "nowhere"
        return changed

    monkeypatch.setattr(fixes, "applied", sabotaged)
    report = reviewed(API, policy=ONLY)
    proofs = {finding.location.pointer.split("/")[2]: finding.proof for finding in report.findings}
    assert proofs == {"~1pets~1{petId}": fixes.PROOF, "~1owners~1{ownerId}": ""}
    assert report.notes[0] == "The patch of 1 fix is not shown: tried, it did not hold."


def test_fix_writes_what_is_wrong_and_nothing_else(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "api.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + API.replace("\n", "\r\n").encode())
    file.chmod(0o640)
    assert "corrected api.yaml" in run("review-api", "--fix", "api.yaml").stderr
    written = file.read_bytes()
    assert written.startswith(b"\xef\xbb\xbfopenapi: 3.1.1   # the version\r\n")
    text = written.decode("utf-8-sig").replace("\r\n", "\n")
    expected = API.replace("schema: {type: string}}", "schema: {type: string}, required: true}")
    assert text == expected
    assert file.stat().st_mode & 0o777 == 0o640
    assert [each.name for each in tmp_path.iterdir()] == ["api.yaml"]
    assert run("review-api", "--diff", "api.yaml").output == ""


def test_a_fault_in_another_file_is_mended_there(run: Run, tmp_path: Path) -> None:
    parameter = "- {name: petId, in: path, schema: {type: string}}   # which pet"
    api = API.replace(parameter, "- $ref: 'shared.json#/pet'")
    (tmp_path / "api.yaml").write_text(api, "utf-8")
    shared = '{"pet": {"name": "petId", "in": "path", "schema": {"type": "string"}}}'
    (tmp_path / "shared.json").write_text(shared, "utf-8")
    run("review-api", "--fix", "--only-rule", ONLY.only_rules[0], "api.yaml")
    assert json.loads((tmp_path / "shared.json").read_text("utf-8"))["pet"]["required"] is True
    assert (tmp_path / "api.yaml").read_text("utf-8").count("required: true") == 1


def test_what_is_piped_through_comes_out_corrected(run: Run) -> None:
    result = run("review-api", "--fix", "-", input=API)
    assert result.exit_code == 0
    assert result.stdout.count("required: true") == 2
    again = run("review-api", "--fix", "-", input=result.stdout)
    assert again.stdout == result.stdout


def test_the_difference_is_shown_and_nothing_written(run: Run, tmp_path: Path) -> None:
    (tmp_path / "api.yaml").write_text(API, "utf-8")
    result = run("review-api", "--diff", "api.yaml")
    assert result.exit_code == 1
    assert result.stdout.startswith("--- a/api.yaml\n+++ b/api.yaml\n@@ ")
    changed = [line for line in result.stdout.splitlines()[2:] if line[0] in "+-"]
    assert [line[0] for line in changed] == ["-", "+", "-", "+"]
    assert (tmp_path / "api.yaml").read_text("utf-8") == API


def test_the_overlay_does_what_the_fix_does(run: Run, tmp_path: Path) -> None:
    (tmp_path / "api.yaml").write_text(API, "utf-8")
    result = run("review-api", "--overlay", "api.yaml")
    assert result.exit_code == 1
    made = yaml.safe_load(result.stdout)
    assert (made["overlay"], made["extends"]) == ("1.0.0", "api.yaml")
    run("review-api", "--fix", "api.yaml")
    fixed = load((tmp_path / "api.yaml").read_text("utf-8"), "api.yaml").data
    assert overlaid(load(API, "api.yaml").data, made) == fixed


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"a": 1}, {"a": True}),
        ({"a": {"b": 1}}, {"a": [1]}),
        ({"a": [1, 2, 3]}, {"a": [1, 3, 4]}),
        ({"a": [{"b": 1}, {"c": [1]}]}, {"a": [{"b": 2}, {"c": [1, {"d": None}]}]}),
        ({"a": [1, 2]}, {"a": [2, 1]}),
        ({"a": [[1], [2]]}, {"a": [[1, 1], [2]]}),
        ({"it's": {"/p/{x}\n": 1}, "x": 2}, {"it's": {"/p/{x}\n": 2}}),
        ({"a": {"b": {"c": 1}}}, {"a": {"b": {}}, "d": {}}),
    ],
)
def test_an_overlay_leads_from_one_document_to_the_other(before: Any, after: Any) -> None:
    made = overlay("t", "d", before, after)
    assert json.dumps(overlaid(before, made)) == json.dumps(after)


def test_paths_are_normalized() -> None:
    assert jsonpath(("a'b", 0, "\u0001\\")) == "$['a\\'b'][0]['\\u0001\\\\']"


STRICT = {
    "3.1.1": ("minimum: 1, exclusiveMinimum: true", {"exclusiveMinimum": 1}),
    "3.1.0": ("maximum: 9, exclusiveMaximum: false", {"maximum": 9}),
    "3.0.3": ("exclusiveMaximum: 9", {"maximum": 9, "exclusiveMaximum": True}),
    "3.0.2": ("minimum: 0, exclusiveMinimum: 1", None),  # which of the two is meant?
}


@pytest.mark.parametrize("version", STRICT)
def test_a_strict_bound_is_written_as_the_version_has_it(version: str) -> None:
    written, meant = STRICT[version]
    schemas = f"components: {{schemas: {{Age: {{type: integer, {written}}}}}}}"
    text = f"openapi: {version}\ninfo: {{title: T, version: '1'}}\npaths: {{}}\n{schemas}\n"
    (found,) = reviewed(text, policy=Policy(only_rules=("api/field-type",))).findings
    if meant is None:
        assert found.patch == ()
    else:
        fixed = applied(yaml.safe_load(text), found.patch)
        assert fixed["components"]["schemas"]["Age"] == {"type": "integer", **meant}
