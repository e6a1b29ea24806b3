"""The checklist over MCP: pages, questions that are asked, errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from mcp import Client
from mcp.client.session import ElicitationFnT
from mcp.types import CallToolResult, ElicitRequestParams, ElicitResult
from servers import Inline
from test_checklist import API

from backend_architect.server.app import build
from backend_architect.server.render.page import tokens
from backend_architect.server.service import Service

QUESTION = "object-authorization/ids-that-are-easily-guessed"


def called(
    arguments: dict[str, Any],
    *roots: Path,
    asked: ElicitationFnT | None = None,
    mode: Literal["auto", "legacy"] = "auto",
) -> CallToolResult:
    async def scenario() -> CallToolResult:
        server = build(Service(roots, Inline()))
        async with Client(server, elicitation_callback=asked, mode=mode) as client:
            return await client.call_tool("security_checklist", arguments)

    return anyio.run(scenario)


def data_of(result: CallToolResult) -> dict[str, Any]:
    assert not result.is_error, result.content
    assert result.structured_content is not None
    found: dict[str, Any] = result.structured_content
    return found


def test_a_page_has_the_verdict_and_keeps_its_budget(tmp_path: Path) -> None:
    (tmp_path / "api.yaml").write_text(API, "utf-8")
    result = called({"api": {"path": "api.yaml"}, "max_tokens": 1_500}, tmp_path)
    (content,) = result.content
    assert content.type == "text"
    assert content.text.startswith("# security_checklist\n\n**Not met**")
    assert tokens(content.text) <= 1_500
    assert data_of(result)["next_cursor"]


def test_answers_make_the_next_call_more_certain() -> None:
    arguments = {"api": {"text": API}, "detail": "full", "max_tokens": 20_000}
    before = data_of(called(arguments))
    question = next(q for q in before["open_questions"] if q["id"].startswith("object-auth"))
    after = data_of(called({**arguments, "answers": {question["id"]: "yes"}}))
    (row,) = (r for r in after["controls"] if r["row"] == question["id"].partition("/")[0])
    assert (row["status"], row["strength"]) == ("met", "declared")
    assert after["summary"]["answers"] == {question["id"]: "yes"}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_questions_are_asked_where_the_client_can(mode: Literal["auto", "legacy"]) -> None:
    shown: list[Any] = []

    async def asked(context: Any, params: ElicitRequestParams) -> ElicitResult:
        shown.append(params)
        return ElicitResult(action="accept", content={"q1": "internal"})

    result = called({"api": {"text": API}}, asked=asked, mode=mode)
    (form,) = shown
    properties = form.requested_schema["properties"]
    assert len(properties) == 5
    assert all(field["enum"][-1] == "ask_me_later" for field in properties.values())
    assert data_of(result)["summary"]["answers"] == {properties["q1"]["title"]: "internal"}


def test_declining_leaves_everything_open() -> None:
    async def asked(context: Any, params: ElicitRequestParams) -> ElicitResult:
        return ElicitResult(action="decline")

    result = called({"api": {"text": API}}, asked=asked)
    assert data_of(result)["summary"]["answers"] == {}


@pytest.mark.parametrize("arguments", [{"answers": {}}, {"ask_user": False}])
def test_nobody_is_asked_who_has_answered(arguments: dict[str, Any]) -> None:
    async def asked(context: Any, params: ElicitRequestParams) -> ElicitResult:
        raise AssertionError("asked")

    data_of(called({"api": {"text": API}, **arguments}, asked=asked))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"system": {"exposur": "public"}}, "`exposur` is no field; `exposure`?"),
        ({"system": {"exposure": "public", "path": "x"}}, "give only one of"),
        ({"api": {"text": "openapi: 3"}}, "openapi"),
        ({"schema": {"text": "CREATE TABLE t (id int)"}}, "give `dialect`"),
        ({"authorization": {"text": "a: b"}}, "no roles are there"),
        ({"apis": {"text": ""}}, "did you mean `api`?"),
    ],
)
def test_errors_say_what_would_be_right(arguments: dict[str, Any], told: str) -> None:
    result = called(arguments)
    assert result.is_error
    (content,) = result.content
    assert content.type == "text"
    assert told in content.text
