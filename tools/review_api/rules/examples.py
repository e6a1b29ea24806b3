"""Rules on examples: they are what people copy first."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from ...openapi.api import Api
from ...openapi.examples import Example, examples
from ...openapi.validation import Rejection
from ...openapi.values import type_of
from ...report import FindingClass, Severity, is_plain, quoted
from ...rule import Hit, Place, rule
from ...source import pointer
from .authorities import VALIDATION
from .objections import kind_of, names_of, objection

MAX_OF_ONE: Final = 3  # things that are said of one example
MIN_SUPPORT: Final = 5  # examples that a component rejects alike: then it may be what is wrong


@rule(
    "api/example-invalid",
    Severity.WARNING,
    FindingClass.DEFECT,
    on="api",
    fix="Correct the example, or the schema if the example is what the API does",
    references=["https://spec.openapis.org/oas/v3.1.1#example-object", f"{VALIDATION}#section-9.5"],
    bad="""
    components:
      schemas:
        Problem:
          type: object
          properties:
            status: {type: integer, example: not a number}
    """,
    good="""
    components:
      schemas:
        Problem:
          type: object
          properties:
            status: {type: integer, example: 404}
    """,
)
def example_invalid(api: Api, _: Api) -> Iterator[Hit]:
    """An example does not satisfy the schema that it illustrates.

    Examples are copied before anything is read, mock servers answer with them, and contract tests
    send them. One that the schema rejects fails on the first call, or teaches a reader what the
    API does not do; one of the two is wrong. Each is validated in the direction it travels:
    `readOnly` properties need not be in requests, `writeOnly` ones not in responses. A text passes
    that holds the object or list as JSON, or a parameter as it is sent.
    """
    found = [each for each in examples(api) if each.is_comparable]
    asked = [(each.schema, each.value, each.direction) for each in found]
    refused: dict[tuple[Place, str], tuple[Example, Rejection]] = {}
    for example, rejections in zip(found, api.validation.all_rejections(asked), strict=True):
        for each in _kept(api, example, rejections):
            at = Place(example.place.file, (*example.place.path, *each.path))
            refused[at, kind_of(each)] = example, each
    support = Counter(_blamed(rejection) for _, rejection in refused.values())
    for (place, kind), (example, rejection) in refused.items():
        blamed = _blamed(rejection)
        cause = ": ".join(blamed) if blamed[1] and support[blamed] >= MIN_SUPPORT else kind
        yield _hit(api, place, example, rejection, cause)


def _blamed(rejection: Rejection) -> tuple[str, str]:
    """The kind of mistake, and the component that many examples break; empty of inline schemas."""
    schema = rejection.schema
    is_component = schema is not None and schema.key[:1] in (("schemas",), ("definitions",))
    name = quoted(str(schema.key[-1]), 80) if schema is not None and is_component else ""
    return kind_of(rejection), name


def _kept(api: Api, example: Example, rejections: list[Rejection]) -> list[Rejection]:
    """What a schema has against an example, each kind once; nothing if it may be meant well."""
    admits, schema, direction = api.validation.admits, example.schema, example.direction
    if not rejections or any(admits(schema, each, direction) for each in example.readings()):
        return []
    found: dict[str, Rejection] = {}
    for each in rejections:
        if each.keyword == "type" and example.may_be_text(each.value):
            continue
        if _is_impossible(each):
            continue  # that no value satisfies it is another rule's
        first = found.setdefault(kind_of(each), each)
        if first is not each and (first.path, each.keyword) == (each.path, "required"):
            missing = [*names_of(first.argument), *names_of(each.argument)]
            found[kind_of(each)] = replace(first, argument=missing)
    # Of one part of the example once: what is null is not listed, what is empty too short.
    by_path = {each.path: each for each in sorted(found.values(), key=_telling)}
    return list(by_path.values())[:MAX_OF_ONE]


def _telling(rejection: Rejection) -> int:
    """How much a keyword says about what was meant."""
    keywords = ("pattern", "enum", "const", "type", "required")
    return keywords.index(rejection.keyword) + 1 if rejection.keyword in keywords else 0


def _is_impossible(rejection: Rejection) -> bool:
    """Whether the bounds beside a keyword contradict each other."""
    return any(
        f"min{of}" in rejection.beside
        and f"max{of}" in rejection.beside
        and rejection.beside[f"min{of}"] > rejection.beside[f"max{of}"]
        for of in ("imum", "Length", "Items", "Properties")
    )


def _hit(api: Api, at: Place, example: Example, rejection: Rejection, cause: str) -> Hit:
    inside = f"{quoted(pointer(rejection.path))} of " if rejection.path else ""
    return Hit(
        at,
        f"{inside}the example {objection(rejection)}",
        cause=cause,
        patch=_patch(api, example, rejection),
        related=(rejection.schema.place(),) if rejection.schema else (),
    )


def _patch(api: Api, example: Example, rejection: Rejection) -> tuple[dict[str, Any], ...]:
    """The value that a text stands for, if the example is right with it: `"5"` for 5."""
    value = rejection.value
    if rejection.keyword != "type" or not isinstance(value, str) or not is_plain(value):
        return ()
    try:
        meant = json.loads(value)
    except (ValueError, RecursionError):
        return ()
    if type_of(meant) not in ("integer", "number", "boolean"):
        return ()
    mended = _with(example.value, rejection.path, meant)
    if not api.validation.admits(example.schema, mended, example.direction):
        return ()
    path = pointer((*example.place.path, *rejection.path))
    return ({"op": "replace", "path": path, "value": meant},)


def _with(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    """A copy of a value with another one at a path."""
    if not path:
        return new
    copy: Any = list(value) if isinstance(value, list) else dict(value)
    copy[path[0]] = _with(value[path[0]], path[1:], new)
    return copy
