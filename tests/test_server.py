"""What a model sees of the server: definitions, arguments, errors; and what it must not see."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import anyio
import pytest
from jsonschema import Draft202012Validator
from mcp import Client, MCPError
from mcp.types import (
    INVALID_PARAMS,
    CallToolResult,
    PromptReference,
    ResourceTemplateReference,
    Tool,
)
from servers import SMALL, Inline, faulty

from backend_architect.server.app import INSTRUCTIONS, build
from backend_architect.server.render.page import tokens
from backend_architect.server.service import Service
from backend_architect.tools.catalog import catalog

T = TypeVar("T")
SECRET = "hunter2-in-the-document"


def with_client(use: Callable[[Client], Awaitable[T]], *roots: Path) -> T:
    async def scenario() -> T:
        async with Client(build(Service(roots, Inline()))) as client:
            return await use(client)

    return anyio.run(scenario)


def review(arguments: dict[str, Any], *roots: Path) -> CallToolResult:
    return with_client(lambda client: client.call_tool("review_api", arguments), *roots)


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert content.type == "text"
    return content.text


@pytest.fixture(scope="module")
def tool() -> Tool:
    return tools_of()["review_api"]


def tools_of() -> dict[str, Tool]:
    async def listed(client: Client) -> list[Tool]:
        return (await client.list_tools()).tools

    return {tool.name: tool for tool in with_client(listed)}


TITLES = {
    "review_api": "Review an API",
    "review_schema": "Review a schema",
    "design_schema": "Design a schema",
    "plan_migration": "Plan a migration",
    "security_checklist": "Security checklist",
}


def test_the_tools_are_defined_for_hosts() -> None:
    tools = tools_of()
    assert {tool.name: tool.title for tool in tools.values()} == TITLES
    for tool in tools.values():
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint
        assert tool.annotations.idempotent_hint
        assert tool.annotations.destructive_hint is False
        assert tool.annotations.open_world_hint is False
        special = {"plan_migration": [], "security_checklist": [], "design_schema": ["model"]}
        required = special.get(tool.name, ["document"])
        assert tool.input_schema.get("required", []) == required
        assert tool.input_schema["additionalProperties"] is False
        assert tool.output_schema is not None
        Draft202012Validator.check_schema(tool.input_schema)
        Draft202012Validator.check_schema(tool.output_schema)


def test_definitions_fit_into_a_context() -> None:
    """Hosts cut descriptions at 2 KB; titles that only repeat a name are noise."""
    assert len(INSTRUCTIONS.encode()) < 2048
    for tool in tools_of().values():
        assert tool.description is not None
        assert len(tool.description.encode()) < 2048
        assert tokens(tool.model_dump_json(by_alias=True, exclude_none=True)) < 2500
        for schema in (tool.input_schema, tool.output_schema):
            assert not list(titles(schema))
        for name, argument in tool.input_schema["properties"].items():
            assert argument.get("description") or name in SELF_EXPLAINING


SELF_EXPLAINING = {"document", "dialect", "model", "rehearsal"}


def titles(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from (value for key, value in schema.items() if key == "title")
        for key, value in schema.items():
            yield from titles(list(value.values()) if key in ("properties", "$defs") else value)
    elif isinstance(schema, list):
        for each in schema:
            yield from titles(each)


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        ({}, "`document`: is required"),
        ({"documnet": {}}, "has no argument `documnet`; did you mean `document`? It takes: docu"),
        ({"spec": SECRET}, "has no argument `spec`; It takes: document, previous, usage, rule"),
        ({"document": SECRET}, "`document`: must be an object; It takes: path, text, name"),
        ({"document": [SECRET]}, "`document`: must be an object; It takes: path, text, name"),
        ({"document": {"pth": SECRET}}, "`document.pth`: is unknown; did you mean `path`?"),
        ({"document": {"path": 3}}, "`document.path`: Input should be a valid string"),
        ({"document": {"text": {"openapi": SECRET}}}, "`document.text`: Input should be a valid"),
        ({"document": {}}, "`document`: give exactly one of `path` and `text`"),
        ({"document": {"name": "a"}}, "`document`: give exactly one of `path` and `text`"),
        ({"document": {"path": "a", "text": SECRET}}, "`document`: give exactly one of"),
        ({"max_tokens": 3}, "`max_tokens`: Input should be greater than or equal to 500"),
        ({"max_tokens": SECRET}, "`max_tokens`: Input should be a valid integer"),
        ({"rule_profile": SECRET}, "`rule_profile`: Input should be 'default' or 'all'"),
        ({"detail": SECRET}, "`detail`: Input should be 'concise' or 'full'"),
        ({"as_of": SECRET}, "`as_of`: Input should be a valid date"),
        ({"only_rule": SECRET}, "`only_rule`: must be a list"),
        ({"only_rule": ["api/x"] * 51}, "`only_rule`: List should have at most 50 items"),
        ({"only_rule": ["api/path-duplicates"]}, "did you mean `api/path-duplicate`"),
        ({"only_pointer": "paths"}, "`paths` is no JSON pointer; it starts with `/`"),
        ({"cursor": SECRET}, "this is no cursor of an earlier answer; call again without"),
        ({"cursor": f"0.{'0' * 12}"}, "this cursor belongs to another document or other"),
        ({"document": {"text": f"a: {SECRET}"}}, "no field `openapi` (3.x) or `swagger` (2.0)"),
        ({"document": {"text": f"a: [{SECRET}"}}, "document:1:28: malformed YAML"),
        ({"document": {"text": f"[{SECRET}"}}, "document:1:2: malformed JSON"),
        ({"document": {"path": "a.yaml"}}, "`a.yaml`: no folder may be read here: start the"),
    ],
)
def test_a_mistake_is_answered_with_what_would_be_right(
    arguments: dict[str, Any], answer: str
) -> None:
    """And echoes nothing of a document."""
    result = review({"document": {"text": SMALL}, **arguments} if arguments else {})
    assert result.is_error
    assert answer in text_of(result)
    assert SECRET not in text_of(result)
    assert len(text_of(result)) < 500


def test_wrong_names_are_shown_harmless_and_short() -> None:
    for arguments in (
        {"x\n\u202e" + "y" * 1_000_000: 1},
        {"document": {"x\n\u202e" + "y" * 1_000_000: 1}},
        {"document": {"text": SMALL}, "only_rule": ["x\n\u202e" + "y" * 1_000_000]},
        {"document": {"path": "x\n\u202e" + "y" * 1_000_000}},
        {"document": {"path": "x\n\u202ey"}},
        {"document": {"text": "a", "name": "x\n\u202ey"}},
    ):
        answer = text_of(review(arguments, Path(__file__).parent))
        assert len(answer) < 500
        assert "\n" not in answer
        assert "\u202e" not in answer


def test_an_unknown_tool_prompt_resource_or_rule_is_said() -> None:
    near = next(iter(catalog()))

    async def scenario(client: Client) -> None:
        calls = {
            "There is no prompt 'architect'; there are backend-architect, ": (
                client.get_prompt("architect")
            ),
            "backend-architect has no argument 'tsk'; it takes 'task'": (
                client.get_prompt("backend-architect", {"tsk": "x"})
            ),
            "Unknown resource: persona://frontend": client.read_resource("persona://frontend"),
            f"there is no rule `{near}s`; did you mean `{near}`": (
                client.read_resource(f"rule://{near}s")
            ),
        }
        for message, call in calls.items():
            with pytest.raises(MCPError) as caught:
                await call
            assert caught.value.error.message.startswith(message)
            assert caught.value.error.code == INVALID_PARAMS
        assert text_of(await client.call_tool("review_apis", {})) == "Unknown tool: review_apis"

    with_client(scenario)


def test_progress_is_told_in_order_and_only_of_work() -> None:
    told: list[tuple[float, float | None, str | None]] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))

    async def scenario(client: Client) -> None:
        for _ in range(2):
            await client.call_tool(
                "review_api", {"document": {"text": SMALL}}, progress_callback=on_progress
            )

    with_client(scenario)
    assert told == [(1, 3, "loading"), (2, 3, "checking rules"), (3, 3, "locating findings")]


def test_every_page_of_every_size_fits_and_together_they_are_the_whole() -> None:
    """Both the text and the data; each group, and in full detail each finding, exactly once."""

    async def scenario(client: Client) -> None:
        document = {"text": faulty(60), "name": "f.yaml"}
        for detail, part in (("concise", "groups"), ("full", "findings")):
            whole = None
            for budget in (500, 501, 777, 1500, 20_000):
                seen: list[str] = []
                cursor = None
                while cursor or not seen:
                    result = await client.call_tool(
                        "review_api",
                        {
                            "document": document,
                            "detail": detail,
                            "max_tokens": budget,
                            "cursor": cursor,
                        },
                    )
                    data = result.structured_content
                    assert isinstance(data, dict)
                    assert tokens(text_of(result)) <= budget
                    assert tokens(json.dumps(data, ensure_ascii=False)) <= budget
                    seen += [each["message"] for each in data[part]]
                    assert data["omitted"]["findings"] == 60 - len(data["findings"])
                    cursor = data["next_cursor"]
                assert len(seen) == 60
                assert whole in (None, seen)
                whole = seen

    with_client(scenario)


def test_a_cursor_of_another_document_detail_or_pointer_is_refused() -> None:
    async def scenario(client: Client) -> None:
        one = {"document": {"text": faulty(60)}, "max_tokens": 500}
        first = await client.call_tool("review_api", one)
        assert isinstance(first.structured_content, dict)
        cursor = {"cursor": first.structured_content["next_cursor"]}
        assert not (await client.call_tool("review_api", {**one, **cursor})).is_error
        for other in (
            {"document": {"text": faulty(61)}},
            {"detail": "full"},
            {"only_pointer": "/paths/missing-slash-1"},
        ):
            refused = await client.call_tool("review_api", {**one, **cursor, **other})
            assert refused.is_error
            assert text_of(refused).endswith(
                "call again without `cursor` to start at the first page"
            )

    with_client(scenario)


WATCHED = """
import sys
from pathlib import Path

def forbid(event, arguments):
    writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    flags = event == "open" and isinstance(arguments[2], int) and arguments[2] & 3
    network = event.startswith("socket.") and event != "socket.gethostname"
    changes = event in ("os.remove", "os.rename", "os.mkdir", "os.link", "os.symlink",
                        "os.truncate", "os.utime", "os.chmod", "tempfile.mkstemp",
                        "tempfile.mkdtemp")
    starts = event in ("subprocess.Popen", "os.exec", "os.fork", "os.posix_spawn", "os.system")
    if writes or flags or network or changes or starts:
        print(event, arguments)

sys.dont_write_bytecode = True
sys.addaudithook(forbid)
from backend_architect.server.jobs import ReviewRequest, review_api
outcome = review_api(ReviewRequest((Path(sys.argv[1]),), "api.yaml"))
print(len(outcome.answer.findings), "findings")
"""


def test_a_review_connects_to_nothing_and_writes_nothing(tmp_path: Path) -> None:
    """Told by the interpreter's own audit events."""
    references = ("https://example.com/a.yaml#/A", "//example.com/b.yaml", "ftp://127.0.0.1/c.yaml")
    schemas = "".join(f"    S{i}: {{$ref: '{ref}'}}\n" for i, ref in enumerate(references))
    (tmp_path / "api.yaml").write_text(f"{SMALL}components:\n  schemas:\n{schemas}")
    command = [sys.executable, "-P", "-c", WATCHED, str(tmp_path)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=True, cwd=tmp_path
    )
    assert done.stdout.splitlines()[:-1] == []
    assert int(done.stdout.split()[0]) >= len(references)
    assert [file.name for file in tmp_path.iterdir()] == ["api.yaml"]


def completed(of: Any, argument: dict[str, str], **context: str) -> list[str]:
    async def scenario() -> list[str]:
        async with Client(build(Service((), Inline()))) as client:
            answer = await client.complete(of, argument, context_arguments=context or None)
            return list(answer.completion.values)

    return anyio.run(scenario)


def test_ids_dialects_and_versions_are_completed() -> None:
    rule = ResourceTemplateReference(uri="rule://{+id}")
    found = completed(rule, {"name": "id", "value": "api/path-dup"})
    assert found == ["api/path-duplicate"]
    assert "api/path-duplicate" in completed(rule, {"name": "id", "value": "Duplicate"})
    assert len(completed(rule, {"name": "id", "value": ""})) == 100
    plan = PromptReference(name="plan-migration")
    assert completed(plan, {"name": "dialect", "value": "my"}) == ["mysql"]
    version = {"name": "engine_version", "value": "1"}
    assert completed(plan, version, dialect="postgres")[0] == "18"
    assert completed(plan, version) == completed(plan, {"name": "task", "value": ""}) == []


@pytest.mark.parametrize("uri", ["coverage://api", "domain-model://examples/ledger.yaml"])
def test_pages_and_examples_can_be_read(uri: str) -> None:
    async def scenario() -> str:
        async with Client(build(Service((), Inline()))) as client:
            (content,) = (await client.read_resource(uri)).contents
            return str(getattr(content, "text", ""))

    assert len(anyio.run(scenario)) > 1_000


@pytest.mark.parametrize(
    "uri", ["coverage://../rules", "coverage://x", "domain-model://examples/x"]
)
def test_other_pages_are_not(uri: str) -> None:
    async def scenario() -> None:
        async with Client(build(Service((), Inline()))) as client:
            with pytest.raises(MCPError):
                await client.read_resource(uri)

    anyio.run(scenario)
