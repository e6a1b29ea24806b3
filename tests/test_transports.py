"""The server as hosts meet it: a process of its own, the SDK's client, every transport and era."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from jsonschema import Draft202012Validator
from mcp import Client, MCPError, StdioServerParameters
from mcp.types import CallToolResult, Request, RequestParams, Result
from mcp.types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS
from servers import (
    SERVE,
    SMALL,
    Connection,
    Transport,
    alive,
    connected,
    faulty,
    health,
    large,
    listening,
    wait_until,
)

from backend_architect.server import version
from backend_architect.server.prompts import actions, persona
from backend_architect.server.render.page import tokens
from backend_architect.server.resources import COVERAGE, EXAMPLE, RULE
from backend_architect.tools.catalog import catalog

BUDGET = 900
PETS = "CREATE TABLE pets (id bigint PRIMARY KEY, born timestamptz NOT NULL);\n"
VISITS = "CREATE TABLE visits (id bigint PRIMARY KEY, pet_id bigint NOT NULL REFERENCES pets);\n"
ERAS = {"legacy": HANDSHAKE_PROTOCOL_VERSIONS, "auto": MODERN_PROTOCOL_VERSIONS}


class SkillParams(RequestParams):
    uri: str


class SkillsList(Request[RequestParams, Literal["skills/list"]]):
    method: Literal["skills/list"] = "skills/list"
    params: RequestParams = RequestParams()


class SkillsGet(Request[SkillParams, Literal["skills/get"]]):
    method: Literal["skills/get"] = "skills/get"
    params: SkillParams


class Skills(Result):
    skills: list[dict[str, Any]]


class Skill(Result):
    skill: dict[str, Any]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    root.mkdir()
    (root / "faulty.yaml").write_text(faulty(20))
    (root / "large.yaml").write_text(large(4000))
    (root / "db").mkdir()
    (root / "db" / "V1__pets.sql").write_text(PETS)
    (root / "db" / "V2__visits.sql").write_text(VISITS)
    return root


@pytest.mark.parametrize("mode", ["legacy", "auto"])
@pytest.mark.parametrize("transport", ["stdio", "http", "sse"])
def test_everything_a_host_does(transport: Transport, mode: str, root: Path) -> None:
    async def scenario() -> None:
        async with connected(transport, root, mode) as connection:
            assert connection.client.protocol_version in ERAS[mode]
            await lists(connection)
            await prompt_and_resources(connection)
            await skills(connection)
            first = await reviews(connection)
            if mode == "auto":
                await schemas(connection)
            await pages(connection)
            await mistakes(connection)
            await cancels(connection)
            assert await connection.review(document={"path": "faulty.yaml"}) == first
        assert connection.log.read_text() == ""

    anyio.run(scenario)


async def lists(connection: Connection) -> None:
    client = connection.client
    assert client.server_info is not None
    assert (client.server_info.name, client.server_info.version) == ("backend-architect", version())
    assert [tool.name for tool in (await client.list_tools()).tools] == [
        "review_api",
        "review_schema",
        "design_schema",
        "plan_migration",
        "security_checklist",
    ]
    listed = (await client.list_prompts()).prompts
    assert [prompt.name for prompt in listed] == list(actions())
    uris = {str(resource.uri) for resource in (await client.list_resources()).resources}
    assert uris == {
        "persona://backend-architect",
        "skill://backend-architect/SKILL.md",
        "domain-model://schema.json",
        "system-description://schema.json",
        "domain-model://examples/ledger.yaml",
        "domain-model://examples/saas-billing.yaml",
    }
    templates = (await client.list_resource_templates()).resource_templates
    assert [template.uri_template for template in templates] == [EXAMPLE, COVERAGE, RULE]


async def prompt_and_resources(connection: Connection) -> None:
    prompt = await connection.client.get_prompt("backend-architect", {"task": "Review the API"})
    (message,) = prompt.messages
    assert message.content.type == "text"
    assert message.content.text.startswith("# Backend Architect\n")
    assert message.content.text.endswith("## The task at hand\n\nReview the API\n")
    for uri in ("persona://backend-architect", "skill://backend-architect/SKILL.md"):
        assert await read(connection, uri) == persona()
    for rule in list(catalog())[:3]:
        assert f"# {rule}\n" in await read(connection, f"rule://{rule}")


async def read(connection: Connection, uri: str) -> str:
    (content,) = (await connection.client.read_resource(uri)).contents
    assert content.mime_type == "text/markdown"
    return str(getattr(content, "text", ""))


async def skills(connection: Connection) -> None:
    session = connection.client.session
    (listed,) = (await session.send_request(SkillsList(), Skills)).skills
    assert listed["frontmatter"]["name"] == "backend-architect"
    assert listed["uri"] == "skill://backend-architect/SKILL.md"
    got = await session.send_request(SkillsGet(params=SkillParams(uri=listed["uri"])), Skill)
    assert got.skill == listed


async def reviews(connection: Connection) -> CallToolResult:
    """By path and by text: the same but for the name. Tells its progress in order."""
    told: list[tuple[float, float | None, str | None]] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))

    arguments = {"document": {"path": "faulty.yaml"}}
    by_path = await connection.client.call_tool(
        "review_api", arguments, progress_callback=on_progress
    )
    assert told == [(1, 3, "loading"), (2, 3, "checking rules"), (3, 3, "locating findings")]
    by_text = await connection.review(document={"text": faulty(20), "name": "text.yaml"})
    assert not by_text.is_error
    assert text_of(by_text).replace("text.yaml", "faulty.yaml") == text_of(by_path)
    assert "**Fails**" in text_of(by_path)
    return by_path


async def schemas(connection: Connection) -> None:
    """A folder of migrations, its fix proved on a server of its own; the same as a text."""
    call = connection.client.call_tool
    folder = await call("review_schema", {"document": {"path": "db"}, "prove": True})
    tool = next(
        t for t in (await connection.client.list_tools()).tools if t.name == "review_schema"
    )
    data = structured(folder)
    Draft202012Validator(tool.output_schema or {}).validate(data)
    (group,) = data["groups"]
    assert group["ddl"] == ["CREATE INDEX CONCURRENTLY visits_pet_id_idx ON visits (pet_id)"]
    assert group["proof"].startswith("tried on a private PostgreSQL")
    assert f"{group['ddl'][0]};" in text_of(folder)
    text = await call("review_schema", {"document": {"text": PETS + VISITS}, "prove": True})
    assert structured(text)["groups"] == data["groups"]
    wrong = {"document": {"path": "db"}, "facts": {"dat": {}}}
    assert "`facts.dat`: is unknown; did you mean" in refusal(await call("review_schema", wrong))


async def pages(connection: Connection) -> None:
    """Each group once, every page within the budget and as the schema says."""
    tool = (await connection.client.list_tools()).tools[0]
    assert tool.output_schema is not None
    Draft202012Validator.check_schema(tool.output_schema)
    schema = Draft202012Validator(tool.output_schema)
    document = {"path": "faulty.yaml"}
    for detail, part in (("concise", "groups"), ("full", "findings")):
        seen: list[str] = []
        numbers: list[int] = []
        cursor = None
        while True:
            page = await connection.review(
                document=document, max_tokens=BUDGET, detail=detail, cursor=cursor
            )
            data = structured(page)
            schema.validate(data)
            assert tokens(text_of(page)) <= BUDGET
            assert tokens(json.dumps(data, ensure_ascii=False)) <= BUDGET
            seen += [each["message"] for each in data[part]]
            numbers += map(int, re.findall(r"^(\d+)\. \*\*", text_of(page), re.MULTILINE))
            cursor = data["next_cursor"]
            if cursor is None:
                break
            assert f'cursor: "{cursor}"' in text_of(page)
        assert len(seen) == len(set(seen)) == data["summary"]["groups"] == 20
        assert numbers == list(range(1, 21))
    foreign = await connection.review(document={"text": faulty(3)}, cursor=f"2.{'0' * 12}")
    assert refusal(foreign).endswith("call again without `cursor` to start at the first page")


async def mistakes(connection: Connection) -> None:
    misspelt = await connection.review(document={"path": "faulty.yaml"}, only_rules=["api/x"])
    assert "has no argument `only_rules`; did you mean `only_rule`?" in refusal(misspelt)
    missing = await connection.review(document={"path": "fualty.yaml"})
    assert "`fualty.yaml`: it does not exist" in refusal(missing)
    with pytest.raises(MCPError, match="There is no prompt 'architect'; there are backend"):
        await connection.client.get_prompt("architect")
    with pytest.raises(MCPError, match="there is no rule `api/nothing`"):
        await connection.client.read_resource("rule://api/nothing")


async def cancels(connection: Connection) -> None:
    """The worker is suspended, so that nothing but being killed can end it."""
    async with anyio.create_task_group() as tasks:
        worker = await connection.suspended(tasks, [])
        tasks.cancel_scope.cancel()
    await wait_until(lambda: not alive(worker))


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert content.type == "text"
    return content.text


def structured(result: CallToolResult) -> dict[str, Any]:
    assert not result.is_error, text_of(result)
    assert isinstance(result.structured_content, dict)
    return result.structured_content


def refusal(result: CallToolResult) -> str:
    assert result.is_error
    return text_of(result)


@pytest.mark.parametrize("transport", ["http", "sse"])
def test_requests_from_elsewhere_and_too_large_ones_are_refused(
    transport: Transport, tmp_path: Path
) -> None:
    root = tmp_path / "workspace"
    root.mkdir()
    options = ("--allowed-host", "api.example.com", "--allowed-origin", "https://example.com")
    with (
        (tmp_path / "log").open("w") as log,
        listening(transport, root, log, "--max-body", "1", *options) as (_, url),
    ):
        path = "/mcp" if transport == "http" else f"/messages/?session_id={'0' * 32}"

        def status(body: str = "{}", **headers: str) -> int:
            return post(url, path, body, headers)

        unknown = 400 if transport == "http" else 404  # it gets as far as being looked at
        assert status() == unknown
        assert status(Host="localhost:80", Origin="http://127.0.0.1:1") == unknown
        assert status(Host="127.0.0.1", Origin="http://localhost") == unknown
        assert status(Host="api.example.com", Origin="https://example.com") == unknown
        for host in ("example.com", "127.0.0.1.example.com", "api.example.com:8000", "0.0.0.0"):
            assert status(Host=host) == 421
        for origin in ("https://evil.example", "http://127.0.0.1.evil.example", "null"):
            assert status(Origin=origin) == 403
        assert status("x" * (1024**2 + 1)) == 413
        assert health(url) == 200


def test_without_a_root_nothing_is_read_over_http(tmp_path: Path) -> None:
    (tmp_path / "openapi.yaml").write_text(SMALL)

    async def scenario(url: str) -> None:
        async with Client(f"{url}/mcp") as client:
            arguments = {"document": {"path": str(tmp_path / "openapi.yaml")}}
            answer = refusal(await client.call_tool("review_api", arguments))
            assert "no folder may be read here: start the server with `--root DIR`" in answer

    with (tmp_path / "log").open("w") as log, listening("http", None, log) as (_, url):
        anyio.run(scenario, url)


def test_a_port_in_use_is_said_in_a_line(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as log, listening("http", tmp_path, log) as (_, url):
        command = [sys.executable, *SERVE, "--transport", "http", "--port", url.rpartition(":")[2]]
        second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode != 0
    assert "in use" in second.stderr
    assert second.stderr.count("\n") == 1


@pytest.mark.parametrize("at_home", [False, True])
def test_the_bare_command_serves_the_working_directory(at_home: bool, tmp_path: Path) -> None:
    """But not the home folder, where desktop hosts start servers."""
    (tmp_path / "small.yaml").write_text(SMALL)
    parameters = StdioServerParameters(
        command=sys.executable,
        args=SERVE[:-1],
        cwd=tmp_path,
        env={"HOME": str(tmp_path)} if at_home else None,
    )

    async def scenario() -> str:
        async with Client(parameters) as client:
            return text_of(
                await client.call_tool("review_api", {"document": {"path": "small.yaml"}})
            )

    expected = "no folder may be read here" if at_home else "**Passes**"
    assert expected in anyio.run(scenario)


def post(url: str, path: str, body: str, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    try:
        connection.putrequest("POST", path, skip_host="Host" in headers)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "Accept": "application/json, text/event-stream",
            **headers,
        }.items():
            connection.putheader(name, value)
        connection.endheaders()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.send(body.encode())
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize(("options", "expected"), [((), 400), (("--stateless",), 200)])
def test_stateless_serves_the_handshake_era_without_a_session(
    options: tuple[str, ...], expected: int, tmp_path: Path
) -> None:
    call = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}})
    accept = {"Accept": "application/json, text/event-stream"}
    accept["MCP-Protocol-Version"] = "2025-11-25"
    with (
        (tmp_path / "log").open("w") as log,
        listening("http", tmp_path, log, *options) as (_, url),
    ):
        assert post(url, "/mcp", call, accept) == expected
