"""The Backend Architect persona: its text, and the prompt made of it."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

NAME = "backend-architect"


@cache
def persona() -> str:
    """The persona as written: front matter and Markdown."""
    file = resources.files("backend_architect.personas") / f"{NAME}.md"
    return file.read_text("utf-8")


def split(text: str) -> tuple[dict[str, Any], str]:
    """The front matter (name, description, category) and the Markdown after it."""
    _, front, body = text.split("---\n", 2)
    fields = (line.partition(": ") for line in front.splitlines())
    return {key: value for key, _, value in fields}, body.lstrip()


def prompt(task: str) -> str:
    """The persona for a conversation, with the task at hand if there is one."""
    _, body = split(persona())
    return f"{body}\n## The task at hand\n\n{task.strip()}\n" if task.strip() else body
