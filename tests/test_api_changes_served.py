"""Changes of an API as a client of `review_api` meets them, and on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import copytree
from typing import Any

import anyio
import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator
from mcp import Client
from mcp.types import CallToolResult
from servers import Inline

from backend_architect.server.app import build
from backend_architect.server.cli import main
from backend_architect.server.render.page import tokens
from backend_architect.server.service import Service

CLEAN, FOUND, USAGE = 0, 1, 2
EXAMPLES = Path(__file__).parents[1] / "examples/orders-api-versions"
PAIR = {"document": {"path": "v2.yaml"}, "previous": {"path": "v1.yaml"}}


def call(arguments: dict[str, Any], root: Path = EXAMPLES) -> tuple[CallToolResult, Any]:
    async def scenario() -> tuple[CallToolResult, Any]:
        async with Client(build(Service((root,), Inline()))) as client:
            (tool,) = [t for t in (await client.list_tools()).tools if t.name == "review_api"]
            return await client.call_tool("review_api", arguments), tool.output_schema

    return anyio.run(scenario)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["review-api", *arguments])


@pytest.mark.parametrize("detail", ["concise", "full"])
def test_an_answer_keeps_its_budget_and_its_schema(detail: str) -> None:
    result, schema = call({**PAIR, "detail": detail, "max_tokens": 1_500})
    assert not result.is_error, result.content
    assert "version step: **major**" in getattr(result.content[0], "text", "")
    assert max(tokens(json.dumps(result.structured_content)), 1) <= 1_500
    Draft202012Validator(schema).validate(result.structured_content)


def test_usage_that_is_none_is_refused_with_what_would_be_right() -> None:
    for text, answer in (("{}", "a HAR file (`log`)"), ("[{name: a}]", "`operations` maps `GET")):
        result, _ = call({**PAIR, "usage": {"text": text}})
        assert result.is_error
        assert answer in getattr(result.content[0], "text", "")


def test_files_on_both_sides_are_read(tmp_path: Path) -> None:
    for version, length in (("v1", 40), ("v2", 20)):
        (tmp_path / version).mkdir()
        (tmp_path / version / "api.yaml").write_text("""
openapi: 3.1.1
info: {title: T, version: 1.0.0}
paths:
  /a:
    post:
      requestBody: {content: {application/json: {schema: {$ref: parts.yaml#/Note}}}}
      responses: {'200': {description: .}}
""")
        (tmp_path / version / "parts.yaml").write_text(
            f"Note: {{type: object, properties: {{a: {{type: string, maxLength: {length}}}}}}}"
        )
    files = [str(tmp_path / version / "api.yaml") for version in ("v2", "v1")]
    result = run(files[0], "--previous", files[1], "--format", "json")
    assert result.exit_code == FOUND, result.output
    (found,) = json.loads(result.output)["findings"]
    assert found["location"]["file"].endswith("v2/parts.yaml")
    assert found["change"]["kind"] == "request-property-max-length-decreased"
    witness = found["change"]["witness"]["value"]
    assert 20 < len(witness["a"]) <= 40


def test_a_break_is_approved_until_a_date(tmp_path: Path) -> None:
    copytree(EXAMPLES, tmp_path, dirs_exist_ok=True)
    pair = [str(tmp_path / "v2.yaml"), "--previous", str(tmp_path / "v1.yaml")]
    approved = str(tmp_path / "approved.json")
    written = ["--write-baseline", approved, "--reason", "agreed", "--expires", "2027-01-31"]
    assert run(*pair, *written).exit_code == FOUND
    assert run(*pair, "--baseline", approved, "--as-of", "2027-01-01").exit_code == CLEAN
    assert run(*pair, "--baseline", approved, "--as-of", "2027-02-01").exit_code == FOUND


def test_formats_for_readers_and_machines() -> None:
    pair = [str(EXAMPLES / "v2.yaml"), "--previous", str(EXAMPLES / "v1.yaml")]
    text = run(*pair, "--changelog").output
    sections = [line for line in text.splitlines() if line.startswith("## ")]
    assert sections[:3] == ["## Breaking", "## Deprecated", "## Added"]
    assert "RFC 9745" in text
    sarif = json.loads(run(*pair, "--format", "sarif").output)
    assert "breaking/parameter-narrowed" in {r["ruleId"] for r in sarif["runs"][0]["results"]}
    assert run(*pair, "--format", "github").exit_code == FOUND


def test_options_that_do_not_fit_together_are_refused() -> None:
    new, old = str(EXAMPLES / "v2.yaml"), str(EXAMPLES / "v1.yaml")
    assert run(new, "--changelog").exit_code == USAGE
    assert run(new, "--previous", old, "--view", "matrix").exit_code == USAGE
    assert run(new, "--previous", str(EXAMPLES / "none.yaml")).exit_code == USAGE
