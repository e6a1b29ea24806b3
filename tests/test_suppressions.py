"""Findings that a team lives with: ignores in the document, and a baseline file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from backend_architect.server.cli import main

RULE = "api/path-parameter-optional"
API = """\
openapi: 3.1.1
info: {title: Pets, version: 1.0.0}
servers: [{url: https://api.example.com}]
security: []
paths:
  /pets/{petId}:
    get:
      operationId: getPet
      parameters: [{name: petId, in: path, schema: {type: string}}]
      responses: {'200': {description: A pet}, '404': {description: No such pet}}
  /owners/{ownerId}:
    get:
      operationId: getOwner
      parameters: [{name: ownerId, in: path, schema: {type: string}}]
      responses: {'200': {description: An owner}, '404': {description: No such owner}}
"""
IGNORE = f"""\
    x-backend-architect-ignore:
      - {{rule: {RULE}, reason: a gateway fills it in, expires: 2027-06-30}}
"""
WITH = API.replace(
    "    get:\n      operationId: getPet", f"{IGNORE}    get:\n      operationId: getPet"
)
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "api.yaml").write_text(API, "utf-8")
    return lambda *arguments, **options: CliRunner().invoke(main, arguments, **options)


def found(run: Run, *options: str, file: str = "api.yaml") -> tuple[list[str], Any]:
    result = run("review-api", "--only-rule", RULE, "--format", "json", *options, file)
    answer = json.loads(result.stdout)
    paths = [each["location"]["pointer"].split("/")[2] for each in answer["findings"]]
    return sorted(paths), answer["summary"]


def test_an_ignore_covers_its_rule_where_it_stands_and_below(run: Run, tmp_path: Path) -> None:
    (tmp_path / "api.yaml").write_text(WITH, "utf-8")
    paths, summary = found(run)
    assert paths == ["~1owners~1{ownerId}"]
    assert summary["ignored"] == 1
    assert any("has expiry dates, not judged" in note for note in summary["notes"])


def test_an_ignore_ends_with_its_day(run: Run, tmp_path: Path) -> None:
    (tmp_path / "api.yaml").write_text(WITH, "utf-8")
    assert len(found(run, "--as-of", "2027-06-30")[0]) == 1
    paths, summary = found(run, "--as-of", "2027-07-01")
    assert len(paths) == 2
    assert "1 of `x-backend-architect-ignore` has expired." in summary["notes"]


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("{rule: RULE}", "an ignore needs a `reason`, which is a text"),
        ("{rule: RULE, reason: ' '}", "an ignore needs a `reason`, which is a text"),
        ("{rule: RULE, reason: yes it is, until: 2027}", "an ignore has no `until`"),
        ("{rule: RULE, reason: why, expires: soon}", "`expires` is a date: 2027-06-30"),
        ("{rule: api/nothing, reason: why}", "there is no rule `api/nothing`"),
        ("7", "an ignore is a mapping with `rule` and `reason`"),
    ],
)
def test_an_ignore_without_effect_is_told(
    run: Run, tmp_path: Path, entry: str, problem: str
) -> None:
    text = WITH.replace(IGNORE.splitlines()[1].split("- ")[1], entry.replace("RULE", RULE))
    (tmp_path / "api.yaml").write_text(text, "utf-8")
    result = run("review-api", "--only-rule", "api/ignore-invalid", "api.yaml")
    assert problem in result.stdout
    assert len(found(run)[0]) == 2


def test_a_baseline_shows_what_is_new(run: Run, tmp_path: Path) -> None:
    accept = ("--write-baseline", "known.json", "--reason", "until version 2")
    found(run, *accept, "--expires", "2027-06-30")
    known = json.loads((tmp_path / "known.json").read_text("utf-8"))
    assert {entry["reason"] for entry in known["accepted"]} == {"until version 2"}
    new = API.replace("/owners/{ownerId}:", "/owners/{ownerId}/x:")
    (tmp_path / "api.yaml").write_text("# moved\n" + new, "utf-8")
    paths, summary = found(run, "--baseline", "known.json")
    assert (paths, summary["ignored"]) == (["~1owners~1{ownerId}~1x"], 1)
    assert len(found(run, "--baseline", "known.json", "--as-of", "2027-07-01")[0]) == 2


def test_a_new_baseline_keeps_the_reasons_of_the_old(run: Run, tmp_path: Path) -> None:
    found(run, "--write-baseline", "known.json", "--reason", "first")
    more = API + API[API.index("  /owners") :].replace("owner", "keeper").replace("Owner", "Keeper")
    (tmp_path / "api.yaml").write_text(more, "utf-8")
    found(run, "--baseline", "known.json", "--write-baseline", "known.json", "--reason", "second")
    known = json.loads((tmp_path / "known.json").read_text("utf-8"))["accepted"]
    assert sorted(entry["reason"] for entry in known) == ["first", "first", "second"]


def test_the_settings_may_name_the_baseline(run: Run, tmp_path: Path) -> None:
    found(run, "--write-baseline", "known.json", "--reason", "why")
    (tmp_path / "backend-architect.toml").write_text('baseline = "known.json"', "utf-8")
    assert found(run)[0] == []


def test_a_baseline_needs_a_reason(run: Run) -> None:
    result = run("review-api", "--write-baseline", "known.json", "api.yaml")
    assert result.exit_code == 2
    assert "--write-baseline needs a --reason" in result.stderr


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[", "no JSON"),
        ("[]", "no baseline"),
        ('{"version": 1}', "`accepted` is a list of findings"),
        ('{"version": 1, "accepted": [3]}', "accepted[0]: an entry is an object"),
        (
            '{"version": 1, "accepted": [{"file": "a", "fingerprint": "b", "rule": "c"}]}',
            "accepted[0]: an entry needs a `reason`",
        ),
        (
            '{"version": 1, "accepted": [{"file": "a", "fingerprint": "b", "rule": "c",'
            ' "reason": "d", "expires": "soon"}]}',
            "`expires` is a date: 2027-06-30",
        ),
    ],
)
def test_a_wrong_baseline_is_told(run: Run, tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "known.json").write_text(text, "utf-8")
    result = run("review-api", "--baseline", "known.json", "api.yaml")
    assert (result.exit_code, result.stdout) == (2, "")
    assert problem in result.stderr
