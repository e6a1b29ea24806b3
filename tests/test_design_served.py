"""The tool `design_schema` as a client meets it, and the command `design-schema`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import pytest
from click.testing import CliRunner, Result
from designs import BILLING
from jsonschema import Draft202012Validator
from mcp import Client
from mcp.types import CallToolResult
from servers import Inline

from backend_architect.server.app import build
from backend_architect.server.cli import main
from backend_architect.server.render.page import tokens
from backend_architect.server.service import Service
from backend_architect.tools.design_schema.domain.model import json_schema
from backend_architect.tools.design_schema.domain.reading import read

EXAMPLES = Path(__file__).parents[1] / "examples" / "design"
INLINE: dict[str, Any] = {
    "name": "shop",
    "entities": [{"name": "order", "attributes": [{"name": "total", "type": "integer"}]}],
}


def call(arguments: dict[str, Any], *roots: Path) -> CallToolResult:
    async def scenario() -> CallToolResult:
        async with Client(build(Service(roots, Inline()))) as client:
            return await client.call_tool("design_schema", arguments)

    return anyio.run(scenario)


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert content.type == "text"
    return content.text


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["design-schema", *arguments])


def test_a_model_inline_in_a_file_and_as_text_is_the_same(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(json.dumps(INLINE))
    models: list[dict[str, Any]] = [INLINE, {"path": "m.yaml"}, {"text": json.dumps(INLINE)}]
    answers = [text_of(call({"model": each, "prove": False}, tmp_path)) for each in models]
    assert answers[0] == answers[1] == answers[2]
    assert "CREATE TABLE orders (" in answers[0]
    assert "not proved" in answers[0]


def test_a_pattern_that_no_engine_can_plan_is_told() -> None:
    sql = "SELECT id FROM nowhere"
    model = {**INLINE, "access_patterns": [{"name": "odd", "entity": "order", "sql": sql}]}
    said = text_of(call({"model": model}))
    assert '- **not planned** `odd`: relation "nowhere" does not exist' in said


def test_pages_fit_and_together_they_are_the_whole_script(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(BILLING)
    whole = json.loads(run(str(tmp_path / "m.yaml"), "--no-proof", "--format", "json").output)
    arguments: dict[str, Any] = {"model": {"text": BILLING}, "prove": False, "max_tokens": 3_000}
    cursor, scripts = "", []
    while cursor is not None:
        result = call({**arguments, **({"cursor": cursor} if cursor else {})})
        assert result.structured_content
        assert tokens(text_of(result)) <= 3_000
        scripts += [part["sql"] for part in result.structured_content["ddl"]]
        cursor = result.structured_content["next_cursor"]
    assert len(scripts) > 5
    assert "\n".join(scripts).split() == whole["ddl"].split()


def test_a_wrong_model_is_answered_with_what_is_right() -> None:
    wrong = {**INLINE, "entities": [{"name": "order", "attributs": []}]}
    result = call({"model": wrong})
    assert result.is_error
    assert "`attributes`?" in text_of(result)
    both = call({"model": {**INLINE, "text": "name: x"}})
    assert both.is_error
    assert "exactly one of" in text_of(both)


def test_the_command_writes_files_and_says_how_it_ended(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(BILLING)
    out = tmp_path / "out"
    result = run(str(tmp_path / "m.yaml"), "--dialect", "sqlite", "--out", str(out))
    assert result.exit_code == 0, result.output
    assert "**Proved** for SQLite" in result.output
    assert "erDiagram" in (out / "diagram.mmd").read_text()
    names = {"schema.sql", "diagram.mmd", "dictionary.md", "proof.md", "sample.sql", "design.json"}
    assert {file.name for file in out.iterdir()} == names
    data = json.loads((out / "design.json").read_text())
    assert data["summary"]["kept"] == data["summary"]["promises"] - data["summary"]["untried"]
    assert data["ddl"] == (out / "schema.sql").read_text()
    assert "### invoices" in (out / "dictionary.md").read_text()
    (tmp_path / "wrong.yaml").write_text("name: x\nentities: [{name: A}]\n")
    assert run(str(tmp_path / "wrong.yaml")).exit_code == 2


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.yaml")), ids=lambda file: file.stem)
def test_the_examples_are_models_by_the_schema(file: Path) -> None:
    domain = read(file.read_bytes(), file.name)
    data = domain.model_dump(by_alias=True, exclude_unset=True, mode="json")
    Draft202012Validator(json_schema()).validate(data)
    assert len(domain.access_patterns) >= 6


def test_the_schema_and_examples_are_resources() -> None:
    async def scenario() -> list[str]:
        async with Client(build(Service((), Inline()))) as client:
            uris = ["schema.json", "examples/ledger.yaml", "examples/saas-billing.yaml"]
            found = [await client.read_resource(f"domain-model://{uri}") for uri in uris]
            return [str(getattr(each.contents[0], "text", "")) for each in found]

    schema, ledger, billing = anyio.run(scenario)
    assert json.loads(schema) == json_schema()
    assert read(ledger, "l.yaml").name == "ledger"
    assert read(billing, "b.yaml").name == "billing"


def test_each_area_has_a_diagram_of_its_own(tmp_path: Path) -> None:
    run(str(EXAMPLES / "clinic.yaml"), "--no-proof", "--out", str(tmp_path))
    records = (tmp_path / "diagram-records.mmd").read_text()
    assert "findings {" in records
    assert "appointments {" not in records
    assert "appointments {" in (tmp_path / "diagram-planning.mmd").read_text()
