"""The Backend Architect persona and its key actions: their texts, and the prompts made of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

NAME: Final = "backend-architect"
ACTIONS: Final = (
    "analyze-requirements",
    "design-api",
    "design-schema",
    "plan-migration",
    "security-review",
    "reliability-review",
)
OF_A_DATABASE: Final = ("design-schema", "plan-migration")
DATABASE: Final = ("dialect", "engine_version")


@dataclass(frozen=True, slots=True)
class Action:
    """A prompt: its name, title, description, and the Markdown that a model follows."""

    name: str
    title: str
    description: str
    text: str

    @property
    def arguments(self) -> tuple[str, ...]:
        """What the prompt takes; everything is optional."""
        return ("task", *(DATABASE if self.name in OF_A_DATABASE else ()))


@cache
def persona() -> str:
    """The persona as written: front matter and Markdown."""
    return _read(f"{NAME}.md")


@cache
def actions() -> dict[str, Action]:
    """Every prompt by its name: the persona first, then its key actions."""
    front, body = split(persona())
    found = [Action(NAME, "Backend Architect", str(front["description"]), body)]
    for name in ACTIONS:
        front, body = split(_read(f"actions/{name}.md"))
        found.append(Action(name, front["title"], front["description"], body))
    return {action.name: action for action in found}


def _read(file: str) -> str:
    return (resources.files("backend_architect.personas") / file).read_text("utf-8")


def split(text: str) -> tuple[dict[str, Any], str]:
    """The front matter (name, description, …) and the Markdown after it."""
    _, front, body = text.split("---\n", 2)
    fields = (line.partition(": ") for line in front.splitlines())
    return {key: value for key, _, value in fields}, body.lstrip()


def prompt(name: str, task: str = "", dialect: str = "", engine_version: str = "") -> str:
    """An action for a conversation, with the task at hand if there is one."""
    said = [task.strip()]
    if dialect.strip() or engine_version.strip():
        said.append(f"The database: {dialect.strip()} {engine_version.strip()}".rstrip())
    given = "\n\n".join(filter(None, said))
    text = actions()[name].text
    return f"{text}\n## The task at hand\n\n{given}\n" if given else text
