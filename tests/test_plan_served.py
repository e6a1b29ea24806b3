"""The tool `plan_migration` as a client meets it, and the command `plan-migration`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator
from mcp import Client
from mcp.types import CallToolResult
from servers import Inline, connected

from backend_architect.server.app import build
from backend_architect.server.cli import main
from backend_architect.server.render.page import tokens
from backend_architect.server.service import Service

CLEAN, FOUND, USAGE = 0, 1, 2
SECRET = "hunter2-in-the-schema"
BEFORE = "CREATE TABLE orders (id bigint PRIMARY KEY, customer text);\n"
AFTER = "CREATE TABLE orders (id bigint PRIMARY KEY, customer text, state text);\n"
INDEX = "SET lock_timeout = '2s';\nCREATE INDEX orders_customer ON orders (customer);\n"
ASKED: dict[str, Any] = {
    "current": {"text": BEFORE},
    "target": {"text": AFTER},
    "dialect": "postgres",
    "rehearsal": False,
}


def call(arguments: dict[str, Any], *roots: Path) -> CallToolResult:
    async def scenario() -> CallToolResult:
        async with Client(build(Service(roots, Inline()))) as client:
            return await client.call_tool("plan_migration", arguments)

    return anyio.run(scenario)


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert content.type == "text"
    return content.text


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with a schema, its target, a script, and a folder of migrations."""
    root = tmp_path / "workspace"
    (root / "history").mkdir(parents=True)
    (root / "history" / "V1__orders.sql").write_text(BEFORE)
    (root / "history" / "V2__state.sql").write_text("ALTER TABLE orders ADD COLUMN state text;")
    (root / "before.sql").write_text(BEFORE)
    (root / "after.sql").write_text(AFTER)
    (root / "index.sql").write_text(INDEX)
    return root


@pytest.fixture
def run(root: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The command in the workspace, for PostgreSQL and without a rehearsal."""
    monkeypatch.chdir(root)

    def invoke(*arguments: str, **options: Any) -> Result:
        asked = ["plan-migration", "--dialect", "postgres", "--no-rehearsal", *arguments]
        result = CliRunner().invoke(main, asked, **options)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke


# Over stdio


def test_a_plan_is_rehearsed_over_stdio_and_as_declared(root: Path) -> None:
    told: list[str | None] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        told.append(message)

    async def scenario() -> None:
        asked = {"current": {"path": "before.sql"}, "target": {"path": "history"}}
        async with connected("stdio", root) as connection:
            client = connection.client
            (tool,) = [t for t in (await client.list_tools()).tools if t.name == "plan_migration"]
            result = await client.call_tool(
                "plan_migration", {**asked, "dialect": "postgres"}, progress_callback=on_progress
            )
            assert not result.is_error, text_of(result)
            assert tool.output_schema is not None
            Draft202012Validator(tool.output_schema).validate(result.structured_content)
            assert result.structured_content is not None
            assert result.structured_content["summary"]["verdict"] == "rehearsed"
            assert [step["phase"] for step in result.structured_content["steps"]] == ["expand"]

    anyio.run(scenario)
    assert told == ["loading", "planning", "rehearsing"]


# Arguments


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        ({"curent": {}}, "has no argument `curent`; did you mean `current`?"),
        ({"target": None}, "give `target` (the schema to reach) or `migration` (a script)"),
        ({"current": None}, "give `current`: the schema as it is now"),
        ({"current": {"pth": SECRET}}, "`current.pth`: is unknown; did you mean `path`?"),
        ({"current": SECRET}, "`current`: must be an object; It takes: path, text, name"),
        ({"facts": {"dta": {}}}, "`facts.dta`: is unknown; did you mean `data`?"),
        ({"runner": SECRET}, "`runner`: Input should be 'psql', 'alembic', 'django'"),
        ({"dialect": "mysql"}, "`dialect`: Input should be 'postgres' or 'sqlite'"),
        ({"engine_version": "sixteen"}, "`engine_version` is no version number; 16 or"),
        ({"engine_version": "9.6"}, "PostgreSQL 11 to 18"),
        ({"rates": {"scan": 0}}, "`rates.scan`: Input should be greater than 0"),
        ({"rates": {"scans": 5}}, "Input should be 'scan', 'build', 'rewrite' or 'update'"),
        ({"renames": "orders=sales"}, "`renames`: must be a list"),
        ({"renames": ["orders"]}, "`orders` is no rename; `orders.customer=buyer` would be one"),
        ({"renames": ["order=sales"]}, "the current schema has nothing called `order`"),
        ({"only_rule": ["migration/column-rename"]}, "did you mean `migration/column-renamed`"),
        ({"facts": {"data": {"table": {}}}}, "table"),
        ({"cursor": SECRET}, "call again without `cursor`"),
    ],
)
def test_a_mistake_is_answered_with_what_would_be_right(
    arguments: dict[str, Any], answer: str
) -> None:
    result = call({k: v for k, v in {**ASKED, **arguments}.items() if v is not None})
    assert result.is_error
    assert answer in text_of(result)
    assert SECRET not in text_of(result)
    assert len(text_of(result)) < 500


def test_rates_and_facts_make_durations() -> None:
    facts = {"tables": {"public.orders": {"rows": 10**7, "bytes": 10**9}}}
    asked = {**ASKED, "target": {"text": BEFORE + INDEX}, "facts": {"data": facts}}

    def longest(**more: Any) -> float:
        answer = call({**asked, **more}).structured_content
        assert answer is not None
        return max(float(step["duration"]["high_seconds"]) for step in answer["steps"])

    assert longest(rates={"build": 1e8, "scan": 1e8}) < longest()


def test_the_settings_hold_for_hazards(root: Path) -> None:
    asked: dict[str, Any] = {
        "current": {"path": "before.sql"},
        "migration": {"path": "index.sql"},
        "dialect": "postgres",
        "rehearsal": False,
    }
    rule = "migration/index-build-blocks-writes"

    def severities(**more: Any) -> dict[str, str]:
        answer = call({**asked, **more}, root).structured_content
        assert answer is not None
        return {hazard["rule"]: hazard["severity"] for hazard in answer["hazards"]}

    assert severities() == {rule: "warning"}
    assert "migration/robust-statements" in severities(rule_profile="all")
    assert severities(only_rule=["migration/robust-statements"]).keys() == {
        "migration/robust-statements"
    }
    settings = root / "backend-architect.toml"
    settings.write_text(f'[severity]\n"{rule}" = "error"\n')
    assert severities() == {rule: "error"}
    settings.write_text(f'[[ignore]]\nrule = "{rule}"\nreason = "empty"\nexpires = 2026-06-30\n')
    assert severities() == {}
    assert severities(as_of="2026-07-01") == {rule: "warning"}


# The command


def test_the_command_plans_and_exits_by_hazards(run: Callable[..., Result]) -> None:
    clean = run("--current", "before.sql", "--target", "after.sql")
    assert (clean.exit_code, clean.stderr) == (CLEAN, "")
    assert "ADD COLUMN state text" in clean.stdout
    script = ("--current", "before.sql", "--migration", "index.sql")
    assert run(*script).exit_code == CLEAN
    assert run(*script, "--fail-on", "warning").exit_code == FOUND
    assert run(*script, "--fail-on", "never").exit_code == CLEAN


def test_every_format_names_the_hazard_and_its_place(run: Callable[..., Result]) -> None:
    rule = "migration/index-build-blocks-writes"

    def shown(form: str) -> str:
        script = ("--current", "before.sql", "--migration", "-")
        return run(*script, "--format", form, input=INDEX).stdout

    assert f"`{rule}`" in shown("markdown")
    (hazard,) = json.loads(shown("json"))["hazards"]
    assert (hazard["rule"], hazard["location"]["line"]) == (rule, 2)
    (result,) = json.loads(shown("sarif"))["runs"][0]["results"]
    assert result["ruleId"] == rule
    assert shown("github").startswith(f"::warning file=stdin,line=2,col=1,title={rule}::")


def test_a_page_of_the_command_continues(run: Callable[..., Result]) -> None:
    asked = ("--current", "before.sql", "--target", "history", "--format", "json")
    page = json.loads(run(*asked, "--max-tokens", "500").stdout)
    assert page["next_cursor"] is None or run(*asked, "--cursor", page["next_cursor"]).stdout
    assert tokens(json.dumps(page["steps"])) < 1_000


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["--current", "before.sql"], "error: give `target`"),
        (["--current", "gone.sql", "--target", "after.sql"], "error: `gone.sql`: it does not ex"),
        (["--target", "after.sql", "--rate", "scan=fast"], "'scan=fast' is none; `scan=5000"),
        (["--target", "after.sql", "--runner", "make"], "'make' is not one of 'psql'"),
    ],
)
def test_an_input_error_is_exit_2(
    run: Callable[..., Result], arguments: list[str], answer: str
) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (USAGE, "")
    assert answer in result.stderr
