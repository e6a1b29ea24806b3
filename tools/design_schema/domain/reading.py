"""A domain model from YAML, JSON or plain data; what is wrong with it is told by field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any, Final

from pydantic import ValidationError

from ...report import clean, quoted
from ...source import Oddity, load, pointer
from .contradictions import contradictions
from .model import MAX_ENTITIES, Domain, json_schema
from .problem import Problem

MAX_PROBLEMS: Final = 20  # that are told
_EXAMPLE: Final = '{"name": "shop", "entities": [{"name": "order", "attributes": […]}]}'


class BadModel(ValueError):
    """A domain model that cannot be designed for: which fields are wrong, and what is right."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        told = [f"- {problem}" for problem in self.problems[:MAX_PROBLEMS]]
        if more := len(self.problems) - len(told):
            told.append(f"- and {more} more")
        super().__init__("\n".join(["The domain model is not right:", *told]))


def read(content: str | bytes, name: str) -> Domain:
    """The domain model in a document, YAML or JSON. Raises `SourceError` and `BadModel`."""
    source = load(content, name)
    twice = [
        Problem(pointer(oddity.path), "is there twice", "say it once")
        for oddity in source.oddities
        if oddity.kind is Oddity.DUPLICATE_KEY
    ]
    if twice:
        raise BadModel(twice)
    return of(source.data)


def of(data: object) -> Domain:
    """The domain model that plain data says. Raises `BadModel`."""
    if not isinstance(data, Mapping):
        raise BadModel([Problem("", "is no domain model", f"{_EXAMPLE} begins one")])
    entities = data.get("entities")
    if isinstance(entities, list) and len(entities) > MAX_ENTITIES:
        said = f"has {len(entities):,} entities"
        right = f"at most {MAX_ENTITIES} in a model; design one area at a time"
        raise BadModel([Problem("/entities", said, right)])
    try:
        domain = Domain.model_validate(data)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        raise BadModel([_explained(each, data) for each in errors]) from None
    if problems := contradictions(domain):
        raise BadModel(problems)
    return domain


def _explained(error: Any, data: object) -> Problem:
    """One of pydantic's errors, as a person would say it."""
    path = [step for step in error["loc"] if not _is_tag(step, error["loc"], data)]
    context = error.get("ctx", {})
    schema = _schema_at(error["loc"])
    match error["type"]:
        case "missing":
            said, right = "is required", str(schema.get("description", ""))
        case "extra_forbidden":
            *around, name = error["loc"]
            known = list(_schema_at(around).get("properties", {}))
            said, right = "is no field of it", _nearest(str(name), known)
        case "literal_error" | "union_tag_invalid":
            expected = context.get("expected") or context.get("expected_tags", "")
            known = [word.strip(" '") for word in expected.replace(" or ", ", ").split(",")]
            said = f"{quoted(_value_at(data, path), 40)} is not known"
            right = _nearest(str(_value_at(data, path)), known)
        case "union_tag_not_found":
            said = "needs `kind`"
            right = "check, required_when, no_overlap, balance, at_most, acyclic or append_only"
        case "string_pattern_mismatch":
            said = f"{quoted(_value_at(data, path), 60)} is not allowed here"
            right = str(schema.get("description", ""))
        case _:
            said, right = _spoken(error["msg"]), str(schema.get("description", ""))
    return Problem(pointer(tuple(path)), said, right, label(data, path))


def _spoken(message: str) -> str:
    plain = message.removeprefix("Value error, ").replace("Input should", "should")
    return clean(plain[:1].lower() + plain[1:], 200)


def _nearest(wrong: str, known: Sequence[str]) -> str:
    near = get_close_matches(wrong[:80], known, n=1, cutoff=0.5)
    return (f"`{near[0]}`? " if near else "") + f"It takes: {', '.join(known)}"


def _is_tag(step: str | int, path: Sequence[str | int], data: object) -> bool:
    """Whether a step only says which kind of invariant is meant."""
    place = path.index(step)
    around = _value_at(data, path[:place])
    return isinstance(around, Mapping) and step not in around and around.get("kind") == step


def _value_at(data: object, path: Iterable[str | int]) -> Any:
    found: Any = data
    for step in path:
        try:
            found = found[step]
        except (KeyError, IndexError, TypeError):
            return None
    return found


def label(data: object, path: Sequence[str | int]) -> str:
    """The names of the parts on a path: `order.total`."""
    parts = (_value_at(data, path[: n + 1]) for n in range(len(path)))
    named = [part["name"] for part in parts if isinstance(part, Mapping) and "name" in part]
    return clean(".".join(str(name)[:60] for name in named), 200)


_schema = cache(json_schema)


def _schema_at(path: Iterable[str | int]) -> dict[str, Any]:
    """The part of the JSON Schema that a path of pydantic's leads to."""
    whole = _schema()
    part = whole
    for step in path:
        part = _resolved(part, whole)
        if isinstance(step, int):
            part = part.get("items", {})
        elif "discriminator" in part:
            part = {"$ref": part["discriminator"]["mapping"].get(step, "")}
        else:
            part = part.get("properties", {}).get(step, {})
    own = {"description": part["description"]} if "description" in part else {}
    return {**_resolved(part, whole), **own}


def _resolved(part: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    for option in part.get("anyOf", ()):
        if option.get("type") != "null":
            part = {**part, **option}
    if "$ref" in part:
        found: dict[str, Any] = whole["$defs"].get(part["$ref"].rpartition("/")[2], {})
        return found
    return part
