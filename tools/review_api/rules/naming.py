"""Styles: how paths, headers and properties are called."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ...names import words
from ...openapi.api import TEMPLATE, Api, Operation
from ...openapi.document import Node
from ...openapi.resources import is_plural
from ...openapi.values import mapping, types_of
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule
from .authorities import NAMES

RESOURCE_NAMES: Final = "https://google.aip.dev/122"


@rule(
    "api/path-not-kebab-case",
    Severity.INFO,
    FindingClass.STYLE,
    on="api",
    opt_in=True,
    fix="Write it in small letters with hyphens: `/order-lines`",
    references=["https://opensource.zalando.com/restful-api-guidelines/#129", RESOURCE_NAMES],
    bad="""
    paths: {/petOwners/count: {get: {}}}
    """,
    good="""
    paths: {/pet-owners/count: {get: {}}}
    """,
)
def path_not_kebab_case(api: Api, _: Api) -> Iterator[Hit]:
    """A path segment has capitals or underscores.

    Paths are typed, read aloud and compared with regard to case; underscores vanish under the
    line of a link. Whether an API is consistent is the matter of `api/name-casing-inconsistent`.
    """
    for operation, segments in _paths(api):
        odd = [segment for segment in segments if not _KEBAB.fullmatch(TEMPLATE.sub("", segment))]
        if odd:
            message = f"{quoted(odd[0])} in {quoted(operation.path)} is not in kebab-case"
            cause = "path segments are not in kebab-case"
            yield Hit(operation.item.place(), message, cause=cause)


_KEBAB: Final = re.compile(r"[a-z0-9.:~@$]*(-[a-z0-9.:~@$]+)*-?")


def _paths(api: Api) -> Iterator[tuple[Operation, list[str]]]:
    """Each path once, by its first operation, with its segments."""
    seen = set()
    for operation in api.operations:
        if operation.path not in seen:
            seen.add(operation.path)
            yield operation, [part for part in operation.path.split("/") if part]


@rule(
    "api/array-name-singular",
    Severity.INFO,
    FindingClass.STYLE,
    on="api",
    opt_in=True,
    fix="Name the array in the plural",
    references=["https://opensource.zalando.com/restful-api-guidelines/#120", NAMES],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            cause: {type: array, items: {type: string}}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            causes: {type: array, items: {type: string}}
    """,
)
def array_name_singular(api: Api, _: Api) -> Iterator[Hit]:
    """A property holds an array and is named in the singular.

    Its name is that of a variable in every client: `for cause in cause` reads badly, and who sees
    the name alone expects one value.
    """
    for name, schemas in api.declaring.items():
        if not isinstance(name, str) or _counts_none(name) or _has_plural(name):
            continue
        for schema in schemas:
            if "array" in types_of(schema.value["properties"][name]):
                message = f"{quoted(name)} is an array and named in the singular"
                at = schema.place("properties", name)
                yield Hit(at, message, cause="arrays are named in the singular")


_UNCOUNTED: Final = {
    *("data", "metadata", "children", "people", "media", "content", "history", "info", "criteria"),
    *("indices", "feedback", "stock", "equipment", "inventory", "staff", "software", "hardware"),
    *("merchandise", "firmware", "storage", "config", "by", "in", "from", "to", "of", "with"),
    *("all", "any", "none", "and", "or", "not", "one", "allof", "anyof", "x", "y", "z"),
}
_COUNTED_ENDINGS: Final = ("list", "set", "s", "ing")
_VERSION: Final = re.compile(r"v?\d+")


def _has_plural(name: str) -> bool:
    """Whether a word is in the plural, or the last a participle: `permissions_added`."""
    parts = words(name).strip("_").split("_")
    return any(map(is_plural, parts)) or parts[-1].endswith(("ed", "due"))


def _counts_none(name: str) -> bool:
    """Whether the last word is in the plural, or is none that has one."""
    last = words(name).strip("_").rpartition("_")[2]
    ends = not last or last.endswith(_COUNTED_ENDINGS) or _VERSION.fullmatch(last) is not None
    return ends or last in _UNCOUNTED or is_plural(name)


@rule(
    "api/header-with-x-prefix",
    Severity.INFO,
    FindingClass.STYLE,
    on="api",
    opt_in=True,
    fix="Name it without `X-`; accept both while clients change",
    references=["https://www.rfc-editor.org/rfc/rfc6648"],
    bad="""
    paths:
      /pets/count:
        get:
          parameters:
            - {name: X-Pet-Kind, in: header, schema: {type: string, enum: [cat, dog]}}
    """,
    good="""
    paths:
      /pets/count:
        get:
          parameters:
            - {name: Pet-Kind, in: header, schema: {type: string, enum: [cat, dog]}}
    """,
)
def header_with_x_prefix(api: Api, _: Api) -> Iterator[Hit]:
    """A header begins with `X-`.

    The prefix was to mark what is not standard; RFC 6648 advises against it since 2012, because
    names outlive that distinction and both forms then have to be kept.
    """
    named: list[tuple[object, Node, tuple[str, ...]]] = [
        (node.get("name"), node, ("name",))
        for node in api.nodes("parameter")
        if node.get("in") == "header"
    ]
    for response in api.nodes("response"):
        headers = mapping(response.get("headers"))
        named += [(name, response, ("headers", name)) for name in headers]
    for name, node, steps in named:
        if isinstance(name, str) and name[:2].lower() == "x-":
            message = f"the header {quoted(name)} begins with `X-`"
            yield Hit(
                node.place(*steps), message, cause=f"the header {quoted(name)} begins with `X-`"
            )


@rule(
    "api/version-not-semantic",
    Severity.INFO,
    FindingClass.STYLE,
    on="info",
    opt_in=True,
    fix="Write three numbers: one for what breaks clients, one for what is new, one for the rest",
    references=[
        "https://semver.org/",
        "https://opensource.zalando.com/restful-api-guidelines/#116",
    ],
    bad="""
    info: {title: Pets, version: '2026.3'}
    openapi: 3.1.1
    security: []
    paths:
      /health: {get: {responses: {'200': {description: Up}, '503': {description: Down}}}}
    """,
    good="""
    info: {title: Pets, version: 2.3.0}
    openapi: 3.1.1
    security: []
    paths:
      /health: {get: {responses: {'200': {description: Up}, '503': {description: Down}}}}
    """,
)
def version_not_semantic(info: Node, _: Api) -> Iterator[Hit]:
    """The version of the document is no semantic version.

    Generators and registries order documents by it and tell from its first number whether clients
    have to change. This is the version of the description, not the one in paths.
    """
    version = info.get("version")
    if isinstance(version, str) and not _SEMANTIC.fullmatch(version):
        yield Hit(info.place("version"), f"{quoted(version)} is no semantic version")


_SEMANTIC: Final = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
