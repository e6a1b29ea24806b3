"""Rules about lists of values and of schemas: repeated, empty, at odds with the type."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ...openapi.api import Api
from ...openapi.constraints import MEASURED
from ...openapi.document import Node
from ...openapi.values import key_of, listing, mapping
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule
from ...source import pointer
from .authorities import SCHEMA, VALIDATION
from .wording import few

_NULLABLE = "https://spec.openapis.org/oas/v3.0.4#schema-nullable"
_ENUM = f"{VALIDATION}#section-6.1.2"
_COMBINED = "https://json-schema.org/draft/2020-12/json-schema-core#section-10.2.1"


@rule(
    "api/enum-duplicate",
    Severity.WARNING,
    FindingClass.DEFECT,
    on="api",
    fix="Remove the repetition, or correct the value that was meant",
    references=[_ENUM, SCHEMA],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            code: {type: string, enum: [conflict, gone, conflict]}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            code: {type: string, enum: [conflict, gone]}
    """,
)
def enum_duplicate(api: Api, _: Api) -> Iterator[Hit]:
    """An enumeration lists a value twice.

    JSON Schema asks for unique values. Code generators emit two constants of one name, which does
    not compile, and often another value was meant in one of the two places.
    """
    for schema in api.having("enum"):
        listed = schema.value["enum"]
        if not isinstance(listed, list):
            continue
        if all(type(value) is str for value in listed) and len(set(listed)) == len(listed):
            continue  # nearly all are
        repeated = _repeated(map(key_of, listed))
        if not repeated:
            continue
        first, again = repeated[0]
        shown = few([listed[index] for _, index in repeated]).replace(" or ", ", ")
        yield Hit(
            schema.place("enum", again),
            f"`enum` lists {shown} twice",
            cause=f"{quoted(pointer(schema.path), 160)} lists values twice",
            evidence=f"at {first} and at {again}",
            patch=_without(repeated, schema, "enum"),
            related=(schema.place("enum", first), schema.place("enum")),
        )


def _repeated(keys: Iterable[str]) -> list[tuple[int, int]]:
    """Where a list repeats itself: the index of the first and of the other."""
    first: dict[str, int] = {}
    return [(first[k], n) for n, k in enumerate(keys) if first.setdefault(k, n) != n]


def _without(
    repeated: list[tuple[int, int]], schema: Node, keyword: str
) -> tuple[dict[str, Any], ...]:
    """The patch that removes the repetitions, if they are few."""
    if len(repeated) > MAX_REPEATED:
        return ()
    paths = (pointer((*schema.path, keyword, again)) for _, again in reversed(repeated))
    return tuple({"op": "remove", "path": path} for path in paths)


MAX_REPEATED = 10


@rule(
    "api/enum-without-null",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    fix="List null, or do not say that it is admitted",
    references=[_NULLABLE, _ENUM],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            code: {type: [string, 'null'], enum: [conflict, gone]}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            code: {type: [string, 'null'], enum: [conflict, gone, null]}
    """,
)
def enum_without_null(api: Api, _: Api) -> Iterator[Hit]:
    """The type admits null, the enumeration beside it does not.

    Both hold at once, so that null is refused, as OpenAPI 3.0.3 makes plain. Tools disagree: some
    take the value, some reject it, and the documentation says that it is allowed.
    """
    for schema in api.having("enum"):
        value = schema.value
        switch = not api.version.modern and value.get("nullable") is True and "type" in value
        admits = switch or "null" in listing(value.get("type"))
        listed = value["enum"]
        if not admits or not isinstance(listed, list) or not listed or None in listed:
            continue
        keyword = "nullable" if switch else "type"
        message = f"`{keyword}` admits null, but `enum` does not list it"
        yield Hit(
            schema.place("enum"),
            message,
            cause=message,
            evidence=f"null is refused by the {len(listed)} values of `enum`",
            related=(schema.place(keyword),),
        )


@rule(
    "api/schema-list-empty",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="List what is allowed, or remove the keyword",
    references=[_ENUM, _COMBINED],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            code: {type: string, enum: []}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            code: {type: string, enum: [conflict]}
    """,
)
def schema_list_empty(api: Api, _: Api) -> Iterator[Hit]:
    """An enumeration or a list of schemas is empty.

    No value is among those of an empty `enum`, and none satisfies one of no schemas. JSON Schema
    wants an entry at least: something was left out, often by a generator.
    """
    for schema in api.having(*_LISTS):
        for keyword in _LISTS:
            if schema.value.get(keyword) == []:
                empty = "so no value is valid" if keyword != "allOf" else "which is not allowed"
                message = f"`{keyword}` is empty, {empty}"
                yield Hit(schema.place(keyword), message, cause=message)


_LISTS = ("enum", "allOf", "anyOf", "oneOf")


@rule(
    "api/schema-member-duplicate",
    Severity.WARNING,
    FindingClass.DEFECT,
    on="api",
    fix="Remove the repetition, or correct the member that was meant",
    references=[_COMBINED, SCHEMA],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            cause:
              anyOf:
                - {type: string}
                - {type: integer}
                - {type: string}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            cause:
              anyOf:
                - {type: string}
                - {type: integer}
    """,
)
def schema_member_duplicate(api: Api, _: Api) -> Iterator[Hit]:
    """A list of schemas has the same schema twice.

    In `oneOf` that makes every value of it invalid, for exactly one member may match. In `anyOf`
    and `allOf` it says nothing more; mostly another schema was meant.
    """
    for schema in api.having("allOf", "anyOf", "oneOf"):
        for keyword in ("allOf", "anyOf", "oneOf"):
            members = listing(schema.value.get(keyword))
            shapes = {_shape(member) for member in members}
            if len(shapes) == len(members):
                continue
            repeated = _repeated(map(_meaning, members))
            if repeated:
                yield _twice(schema, keyword, repeated)


def _twice(schema: Node, keyword: str, repeated: list[tuple[int, int]]) -> Hit:
    first, again = repeated[0]
    refers = mapping(schema.value[keyword][again]).get("$ref")
    name = quoted(refers, 80) if refers else "the same schema"
    wrong = ", so no value of it is valid" if keyword == "oneOf" else ""
    message = f"`{keyword}` has {name} twice{wrong}"
    return Hit(
        schema.place(keyword, again),
        message,
        cause=message,
        evidence=f"at {first} and at {again}",
        patch=_without(repeated, schema, keyword),
        related=(schema.place(keyword, first),),
    )


def _shape(member: Any) -> tuple[Any, ...]:
    """What equal schemas have in common and different ones mostly not; quickly found."""
    value = mapping(member)
    keys = frozenset(value) - _SAYING_NOTHING
    return (
        keys,
        str(value.get("$ref")),
        str(value.get("type")),
        len(mapping(value.get("properties"))),
    )


def _meaning(member: Any) -> str:
    """The same text for schemas that admit the same values, as far as that is plain."""
    value = mapping(member)
    shown = {key: each for key, each in value.items() if key not in _SAYING_NOTHING}
    return key_of(shown if value else member)


_SAYING_NOTHING = frozenset(
    ("title", "description", "example", "examples", "deprecated", "externalDocs", "default", "xml")
)


@rule(
    "api/enum-with-limits",
    Severity.INFO,
    FindingClass.STYLE,
    on="api",
    opt_in=True,
    fix="Remove the limit: the list says it all",
    references=[_ENUM, SCHEMA],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            code: {type: string, enum: [conflict, gone], maxLength: 20}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            code: {type: string, enum: [conflict, gone]}
    """,
)
def enum_with_limits(api: Api, _: Api) -> Iterator[Hit]:
    """An enumeration is limited by another keyword, too.

    The list already says which values there are. A limit beside it adds nothing today, and excludes
    the value that somebody adds tomorrow.
    """
    for schema in api.having("enum"):
        limits = sorted(_LIMITS.intersection(schema.value))
        if limits:
            named = " and ".join(f"`{keyword}`" for keyword in limits)
            related = tuple(schema.place(keyword) for keyword in limits)
            message = f"{named} beside `enum`"
            yield Hit(schema.place(), message, cause=message, related=related)


_LIMITS = frozenset((*MEASURED, "pattern", "multipleOf", "uniqueItems"))
