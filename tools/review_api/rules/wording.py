"""How schemas and their contradictions are said in messages."""

from __future__ import annotations

import json
from typing import Any

from ...openapi.constraints import Statement, switch_of
from ...openapi.document import Node
from ...openapi.satisfiability import Contradiction
from ...openapi.values import in_words, listing, types_of
from ...report import quoted
from ...source import pointer


def said(found: Contradiction, schema: Node) -> str:
    """A contradiction as a sentence."""
    return f"no {found.noun} is valid: {reason(found, schema)}"


def reason(found: Contradiction, schema: Node) -> str:
    """The two statements of a contradiction: whose they are and what they say."""
    one = _says(found.one, found.names)
    other = _says(found.other, found.names)
    about = f"of {quoted('.'.join(found.path))}, " if found.path else ""
    if found.one.node is found.other.node:
        text = f"it {one}, but {other}" if found.one != found.other else f"it {one}"
    else:
        text = f"{called(found.one.node, schema)} {one}, {called(found.other.node, schema)} {other}"
    because = f"; {found.because}" if found.because else ""
    return f"{about}{text}{because}"


def _says(statement: Statement, names: tuple[str, ...]) -> str:
    keyword, value = statement.keyword, statement.node.value
    match keyword:
        case "":
            return "allows nothing"
        case "type":
            return f"is {in_words(types_of(value))}"
        case "const":
            return f"is {quoted(text_of(value['const']), 40)}"
        case "enum":
            return f"is {few(listing(value['enum']))}"
        case "required" | "dependentRequired" if names:
            return f"requires {', '.join(quoted(name, 40) for name in names[:5])}"
        case "required":
            return f"requires {len(listing(value['required']))} properties"
        case "additionalProperties" | "unevaluatedProperties":
            return f"allows its own properties only (`{keyword}: false`)"
        case "anyOf" | "oneOf":
            return f"offers alternatives (`{keyword}`)"
        case "items" | "contains" | "propertyNames" | "properties" | "not":
            return f"restricts them by `{keyword}`" if keyword != "not" else "excludes all by `not`"
    return f"says {limit_of(statement)}"


def limit_of(statement: Statement) -> str:
    """A keyword with its argument, and the switch beside it."""
    value, keyword = statement.node.value, statement.keyword
    also = f", {switch_of(keyword)}: true" if value.get(switch_of(keyword)) is True else ""
    return quoted(f"{keyword}: {text_of(value[keyword])}{also}")


def text_of(value: Any) -> str:
    """A value as JSON."""
    return json.dumps(value, ensure_ascii=False, default=str)


def few(values: list[Any]) -> str:
    """The first of some values."""
    shown = [quoted(text_of(value), 30) for value in values[:4]]
    return " or ".join(shown) + (" or …" if len(values) > 4 else "") or "of no value"


def called(part: Node, schema: Node) -> str:
    """What to call a part of a schema: by its name, or by where it stands in it."""
    if is_component(part):
        return quoted(part.key[-1])
    if part is schema:
        return "the schema itself"
    steps, base = part.path, schema.path
    return quoted(pointer(steps[len(base) :] if steps[: len(base)] == base else steps)[1:])


def is_component(schema: Node) -> bool:
    """Whether a schema is a component of its own."""
    return schema.parent is not None and schema.parent.kind in ("components", "document")
