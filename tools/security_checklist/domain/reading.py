"""A system's description from YAML, JSON or plain data; what is wrong with it is told by field."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any, Final

from pydantic import ValidationError

from ...report import clean, quoted
from ...source import Oddity, Source, load, pointer
from .model import System, json_schema

MAX_PROBLEMS: Final = 20  # that are told


class BadSystem(ValueError):
    """A description that cannot be used: which fields are wrong, and what would be right."""

    def __init__(self, problems: Sequence[str]) -> None:
        told = [f"- {problem}" for problem in problems[:MAX_PROBLEMS]]
        if more := len(problems) - len(told):
            told.append(f"- and {more} more")
        super().__init__("\n".join(["The system's description is not right:", *told]))


def read(content: str | bytes, name: str) -> tuple[System, Source]:
    """The description in a document, YAML or JSON. Raises `SourceError` and `BadSystem`."""
    source = load(content, name)
    twice = [
        f"{pointer(oddity.path)}: is there twice"
        for oddity in source.oddities
        if oddity.kind is Oddity.DUPLICATE_KEY
    ]
    if twice:
        raise BadSystem(twice)
    return of(source.data), source


def of(data: object) -> System:
    """The description that plain data says. Raises `BadSystem`."""
    if not isinstance(data, dict):
        raise BadSystem(['/: is no description; {"exposure": "public", "roles": […]} begins one'])
    try:
        return System.model_validate(data)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        raise BadSystem([_explained(each) for each in errors]) from None


def _explained(error: Any) -> str:
    """One of pydantic's errors, as a person would say it."""
    *around, name = error["loc"] or ("",)
    where = clean(pointer(tuple(error["loc"])), 200) or "/"
    if error["type"] == "extra_forbidden":
        known = list(_schema_at(around).get("properties", {}))
        near = get_close_matches(str(name)[:80], known, n=1, cutoff=0.5)
        hint = f"`{near[0]}`? " if near else ""
        return f"{where}: {quoted(name)} is no field; {hint}it takes: {', '.join(known)}"
    message = clean(str(error["msg"]).replace("Input should", "should"), 200)
    told = str(_schema_at(error["loc"]).get("description", ""))
    return f"{where}: {message[:1].lower()}{message[1:]}" + (f" ({told})" if told else "")


_schema = cache(json_schema)


def _schema_at(path: Sequence[str | int]) -> dict[str, Any]:
    """The part of the JSON Schema that a path of pydantic's leads to."""
    part: dict[str, Any] = _schema()
    for step in path:
        part = _resolved(part)
        inner = part.get("items") if isinstance(step, int) else part.get("properties", {}).get(step)
        part = inner if isinstance(inner, dict) else {}
    told = part.get("description")
    return _resolved(part) | ({"description": told} if told else {})


def _resolved(part: dict[str, Any]) -> dict[str, Any]:
    for option in part.get("anyOf", ()):
        if option.get("type") != "null":
            part = {**part, **option}
    named = part.get("$ref")
    if isinstance(named, str):
        found: dict[str, Any] = _schema()["$defs"].get(named.rpartition("/")[2], {})
        return found
    return part
