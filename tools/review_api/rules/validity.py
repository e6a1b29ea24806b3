"""Rules about the document as such: what its text and its specification's schema say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...openapi.api import Api
from ...openapi.constraints import is_number
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, Place, rule
from ...source import Oddity, Oddness, Path, pointer
from ...source_yaml import yaml_11_kind

_SCHEMAS = "https://spec.openapis.org/#openapi-specification-schemas"
_YAML = "https://yaml.org/spec/1.2.2/"


def _violations(api: Api, aspect: str) -> Iterator[Hit]:
    for found in api.violations:
        if found.aspect == aspect:
            place = Place(api.description.root.name, found.path)
            around = _parameter_around(api, found.path)
            patch = _rewritten(api, found.path) if aspect == "type" else ()
            yield Hit(
                place,
                found.message,
                cause=found.message,
                fix=found.fix,
                patch=patch,
                related=around,
            )


_BOUNDS = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}


def _rewritten(api: Api, path: Path) -> tuple[dict[str, Any], ...]:
    """A strict bound as the version writes it: a number since 3.1, before a switch beside it."""
    schema = api.description.root.data
    for step in path[:-1]:
        schema = schema[step]
    plain = _BOUNDS.get(str(path[-1])) if path and isinstance(schema, dict) else None
    if plain is None:
        return ()
    strict, limit = schema[path[-1]], schema.get(plain)
    here, beside = pointer(path), pointer((*path[:-1], plain))
    if api.version.modern and strict is False:
        return ({"op": "remove", "path": here},)
    if api.version.modern and strict is True and is_number(limit):
        moved = {"op": "replace", "path": here, "value": limit}
        return (moved, {"op": "remove", "path": beside})
    if not api.version.modern and is_number(strict) and plain not in schema:
        added = {"op": "add", "path": beside, "value": strict}
        return (added, {"op": "replace", "path": here, "value": True})
    return ()


def _parameter_around(api: Api, path: Path) -> tuple[Place, ...]:
    """The parameter around a path, or the name of that at the path: many have the same fields."""
    value, around = api.description.root.data, None
    for step in path:
        around = api.description.node_at(value) if isinstance(value, dict) else None
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            break
    inner = api.description.node_at(value) if isinstance(value, dict) else None
    if inner is not None and inner.kind == "parameter" and "name" in inner.value:
        return (inner.place("name"),)
    return (around.place(),) if around is not None and around.kind == "parameter" else ()


@rule(
    "api/field-unknown",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Correct the spelling, move the field to where it belongs, or make it an extension (`x-`)",
    references=[_SCHEMAS, "https://spec.openapis.org/oas/v3.1.1#specification-extensions"],
    bad="""
    paths:
      /health:
        get:
          sumary: Tells whether the service is up
    """,
    good="""
    paths:
      /health:
        get:
          summary: Tells whether the service is up
          x-team: platform
    """,
)
def field_unknown(api: Api, _: Api) -> Iterator[Hit]:
    """An object has a field that the specification does not know.

    Tools drop such a field without a word, so what it says never reaches clients, validators or
    documentation. Most are misspelt, or stand one level too high or too low.
    """
    yield from _violations(api, "unknown")


@rule(
    "api/field-missing",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Add the field",
    references=[_SCHEMAS],
    bad="""
    paths:
      /health:
        get:
          responses:
            '202': {content: {}}
            '503': {$ref: '#/components/responses/Problem'}
    """,
    good="""
    paths:
      /health:
        get:
          responses:
            '202': {description: The answer will be ready later, content: {}}
            '503': {$ref: '#/components/responses/Problem'}
    """,
)
def field_missing(api: Api, _: Api) -> Iterator[Hit]:
    """An object lacks a field that the specification requires.

    Strict tools refuse the whole document; lenient ones guess.
    """
    yield from _violations(api, "missing")


@rule(
    "api/field-type",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Write a value of the type that the specification gives",
    references=[_SCHEMAS],
    bad="""
    paths:
      /health:
        get: {tags: platform}
    """,
    good="""
    paths:
      /health:
        get: {tags: [platform]}
    """,
)
def field_type(api: Api, _: Api) -> Iterator[Hit]:
    """A field has a value of another type than the specification gives.

    Readers that do not check take it for something else: a string of tags becomes one tag for each
    letter, a version `1.10` becomes the number 1.1.
    """
    yield from _violations(api, "type")


@rule(
    "api/field-value",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Write a value that the specification allows",
    references=[_SCHEMAS],
    bad="""
    paths:
      /health:
        get:
          parameters:
            - {name: deep, in: qury, schema: {type: boolean}}
    """,
    good="""
    paths:
      /health:
        get:
          parameters:
            - {name: deep, in: query, schema: {type: boolean}}
    """,
)
def field_value(api: Api, _: Api) -> Iterator[Hit]:
    """A field has a value, or stands beside another field, that the specification rules out.

    No tool can act on it: the object is refused or ignored.
    """
    yield from _violations(api, "value")


# What the official schema finds; a rule that says more of the same place is heard instead.
GENERAL = (field_unknown, field_missing, field_type, field_value)


def _oddities(api: Api, kind: Oddity) -> Iterator[tuple[Oddness, Place]]:
    for source in api.description.sources.values():
        for oddity in source.oddities:
            if oddity.kind is kind:
                yield oddity, Place(source.name, oddity.path)


@rule(
    "api/duplicate-key",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Keep one of the two, with what both were meant to say",
    references=[
        _YAML + "#3213-node-comparison",
        "https://www.rfc-editor.org/rfc/rfc8259#section-4",
    ],
    bad="""
    openapi: 3.1.1
    info: {title: Pets, version: 1.0.0}
    paths:
      /health:
        get:
          summary: Tells whether the service is up
          summary: Tells whether the database is up
          responses:
            '200': {description: It is up}
    """,
    good="""
    openapi: 3.1.1
    info: {title: Pets, version: 1.0.0}
    paths:
      /health:
        get:
          summary: Tells whether the service and the database are up
          responses:
            '200': {description: Both are up}
    """,
)
def duplicate_key(api: Api, _: Api) -> Iterator[Hit]:
    """A mapping has the same key twice.

    YAML forbids it, JSON leaves the outcome open: some parsers keep the last, some the first, some
    fail. Whatever the other one said is lost, be it a whole operation.
    """
    for oddity, place in _oddities(api, Oddity.DUPLICATE_KEY):
        key = quoted(oddity.path[-1])
        where = pointer(oddity.path)
        yield Hit(
            place._replace(offset=oddity.offset),
            f"{key} stands twice in one mapping; what the earlier one says is lost",
            cause=f"{key} at {quoted(where)} stands twice",
            related=(place._replace(offset=oddity.earlier),),
        )


@rule(
    "api/ambiguous-scalar",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    fix="Put it in quotes if it is text, or write the number plainly",
    references=[_YAML + "#1032-tag-resolution", "https://yaml.org/type/bool.html"],
    bad="""
    openapi: 3.1.1
    info: {title: Pets, version: 1.0.0}
    paths:
      /health:
        get:
          x-cached: no
          responses:
            '200': {description: It is up}
    """,
    good="""
    openapi: 3.1.1
    info: {title: Pets, version: 1.0.0}
    paths:
      /health:
        get:
          x-cached: 'no'
          responses:
            '200': {description: It is up}
    """,
)
def ambiguous_scalar(api: Api, _: Api) -> Iterator[Hit]:
    """An unquoted value means one thing in YAML 1.2 and another in YAML 1.1.

    `no` is text in 1.2, which OpenAPI prescribes, and false in 1.1, which PyYAML, Ruby and older
    tools read; `010` is ten or eight, `1:30` text or ninety. Half of the tools see another API.
    """
    readings = {
        "boolean": "a boolean",
        "octal": "an octal number",
        "binary": "a binary number",
        "grouped": "a number with separators",
        "sexagesimal": "a base-60 number",
    }
    for oddity, place in _oddities(api, Oddity.AMBIGUOUS_SCALAR):
        kind = yaml_11_kind(oddity.text)
        yield Hit(
            place,
            f"{quoted(oddity.text)} is {readings[kind]} to YAML 1.1 parsers and not to YAML 1.2",
            cause=f"unquoted text that is {readings[kind]} to YAML 1.1 parsers",
        )


@rule(
    "api/number-out-of-range",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    fix="Write the exact limit: int64 ends at 9223372036854775807, uint64 at 18446744073709551615",
    references=["https://www.rfc-editor.org/rfc/rfc8259#section-6"],
    bad="""
    paths:
      /health:
        get:
          x-limit: 18446744073709551616
    """,
    good="""
    paths:
      /health:
        get:
          x-limit: 9223372036854775807
    """,
)
def number_out_of_range(api: Api, _: Api) -> Iterator[Hit]:
    """A number fits neither 64 bits nor a double.

    Parsers round it, wrap it or fail, so the limit it states differs from tool to tool. Most come
    from a program that wrote a 64-bit limit through a floating-point number.
    """
    for oddity, place in _oddities(api, Oddity.NUMBER_OUT_OF_RANGE):
        yield Hit(place, f"the value of {quoted(oddity.path[-1])} is beyond 64 bits")


@rule(
    "api/unknown-tag",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    fix="Remove the tag, or produce the document without it before it is published",
    references=[_YAML + "#692-node-tags", "https://spec.openapis.org/oas/v3.1.1#format"],
    bad="""
    openapi: 3.1.1
    info: {title: Pets, version: 1.0.0}
    paths:
      /health:
        get:
          x-table: !Ref HealthTable
          responses:
            '200': {description: It is up}
    """,
    good="""
    openapi: 3.1.1
    info: {title: Pets, version: 1.0.0}
    paths:
      /health:
        get:
          x-table: HealthTable
          responses:
            '200': {description: It is up}
    """,
)
def unknown_tag(api: Api, _: Api) -> Iterator[Hit]:
    """A value has a YAML tag of its own.

    OpenAPI allows the tags of the JSON schema ruleset only. Other readers refuse such a document
    or drop the tag and with it the meaning.
    """
    for oddity, place in _oddities(api, Oddity.UNKNOWN_TAG):
        yield Hit(place, f"the tag {quoted(oddity.text)} is none that OpenAPI allows")
