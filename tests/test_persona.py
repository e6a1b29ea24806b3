"""The persona: complete, and in step with the tools that the server offers."""

from __future__ import annotations

import re
from functools import cache

import anyio
import pytest

from backend_architect.server.app import INSTRUCTIONS, build
from backend_architect.server.prompts import ACTIONS, NAME, actions, persona, prompt, split
from backend_architect.server.service import Service
from backend_architect.server.workers import Workers

FRONT, BODY = split(persona())


@cache
def tools() -> dict[str, set[str]]:
    """The tools that the server registers, with their arguments."""
    listed = anyio.run(build(Service((), Workers())).list_tools)
    return {tool.name: set(tool.input_schema["properties"]) for tool in listed}


def sections() -> dict[str, str]:
    """The text below each heading, in lower case and on one line."""
    found: dict[str, str] = {}
    for part in re.split(r"^## ", BODY, flags=re.MULTILINE)[1:]:
        title, _, text = part.partition("\n")
        found[title] = " ".join(text.lower().split())
    return found


def items(title: str) -> list[str]:
    """The items of the list below a heading."""
    text = re.split(rf"^(?:## |\*\*){re.escape(title)}(?:\*\*)?$", BODY, flags=re.MULTILINE)[1]
    text = re.split(r"^(?:## |\*\*\w+(?: \w+)?:\*\*)", text, flags=re.MULTILINE)[0]
    parts = re.split(r"^(?:- |\d+\. )", text, flags=re.MULTILINE)[1:]
    return [" ".join(part.lower().split()) for part in parts]


def test_the_front_matter_names_and_describes_the_persona() -> None:
    assert FRONT["name"] == NAME == "backend-architect"
    assert FRONT["category"] == "engineering"
    assert 60 < len(FRONT["description"]) <= 1024
    assert set(FRONT) == {"name", "description", "category"}


def test_the_persona_is_in_its_order() -> None:
    assert list(sections()) == [
        "Triggers",
        "Mindset",
        "Focus areas",
        "Key actions",
        "Outputs",
        "Boundaries",
    ]


@pytest.mark.parametrize(
    ("title", "words"),
    [
        (
            "Triggers",
            [
                ["backend system", "api"],
                ["database", "faster"],
                ["security", "reliability", "performance"],
                ["server side", "scale"],
            ],
        ),
        (
            "Focus areas",
            [
                ["api design", "rest", "graphql", "error", "validation"],
                ["database architecture", "schema", "acid", "quer"],
                ["data migrations", "schema changes", "no downtime"],
                [
                    "security implementation",
                    "authentication",
                    "authorization",
                    "encryption",
                    "audit",
                ],
                ["system reliability", "circuit breakers", "graceful degradation", "monitoring"],
                ["performance optimization", "cach", "pool", "scale"],
            ],
        ),
        (
            "Key actions",
            [
                ["analyze requirements"],
                ["design robust apis", "error", "validation"],
                ["ensure data integrity", "transactions", "constraints", "consistency"],
                ["plan safe migrations", "rollback", "never execute"],
                ["build observable systems", "logs", "metrics", "traces"],
                ["document security", "authenticated", "access"],
            ],
        ),
        (
            "Outputs",
            [
                ["api specifications", "security"],
                ["database schemas", "constraints", "indexes"],
                ["migration strategies", "step-by-step", "rollback"],
                ["security documentation", "authentication", "authorization"],
                ["performance analysis", "optimise", "monitor"],
                ["implementation guides", "code examples", "configuration"],
            ],
        ),
        (
            "Will:",
            [
                ["fault", "errors"],
                ["secured", "authentication", "authorization"],
                ["databases", "faster", "consistent"],
                ["migrations", "safe", "backwards compatible"],
                ["schema", "without downtime"],
            ],
        ),
        (
            "Will not:",
            [
                ["user interfaces", "user experience"],
                ["infrastructure", "devops"],
                ["visual", "client"],
                ["execute migrations", "guidance"],
            ],
        ),
    ],
)
def test_every_item_of_the_persona_is_there(title: str, words: list[list[str]]) -> None:
    found = items(title)
    assert len(found) == len(words)
    for item, expected in zip(found, words, strict=True):
        assert [word for word in expected if word not in item] == [], item


@pytest.mark.parametrize(
    "words",
    ["reliability", "integrity of data", "fail", "safe is the default", "observed", "maintain"],
)
def test_the_mindset_puts_reliability_first(words: str) -> None:
    assert words in sections()["Mindset"]


def test_every_tool_named_exists() -> None:
    spans = re.findall(r"`([^`\n]+)`", BODY)
    named = {span for span in spans if re.fullmatch(r"[a-z]+(_[a-z]+)+", span)}
    assert named
    assert named <= set(tools())


def test_every_tool_of_the_server_is_named() -> None:
    for name in tools():
        assert f"`{name}`" in BODY
        assert f"`{name}`" in INSTRUCTIONS


def test_names_of_tools_fit_every_host() -> None:
    for name in tools():
        assert re.fullmatch(r"[a-z_]{1,30}", name)


def test_the_instructions_are_short() -> None:
    assert len(INSTRUCTIONS.encode()) <= 2048


def test_the_persona_fits_a_context() -> None:
    assert len(persona().encode()) < 8_000
    assert max(map(len, BODY.splitlines())) <= 110


def test_the_prompt_is_the_persona_with_the_task_if_there_is_one() -> None:
    assert prompt(NAME) == prompt(NAME, "  \n") == BODY
    assert prompt(NAME, " Design a payment API\n") == (
        f"{BODY}\n## The task at hand\n\nDesign a payment API\n"
    )


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_names_tools_in_their_order_and_what_to_hand_over(name: str) -> None:
    action = actions()[name]
    named = set(re.findall(r"`([a-z]+_[a-z]+)`", action.text))
    assert named & set(tools())
    assert re.search(r"^1\. .*^2\. .*^3\. ", action.text, re.MULTILINE | re.DOTALL)
    assert re.search(r"^Hand over: ", action.text, re.MULTILINE)
    assert len(action.text) < 3_000
    assert len(action.description) < 150


def test_every_argument_that_an_action_names_exists() -> None:
    for name in ACTIONS:
        for argument in re.findall(r"`([a-z_]+): ", actions()[name].text):
            assert any(argument in parameters for parameters in tools().values()), argument


def test_the_database_of_an_action_is_said() -> None:
    said = prompt("plan-migration", "Rename a column", "postgres", "16")
    assert said.endswith("Rename a column\n\nThe database: postgres 16\n")
