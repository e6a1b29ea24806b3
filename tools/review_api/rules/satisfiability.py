"""Rules about schemas, or parts of them, that no value satisfies."""

from __future__ import annotations

from collections.abc import Iterator

from ...openapi.api import Api
from ...openapi.constraints import ASSERTIONS, MEASURED, holds
from ...openapi.document import Node
from ...openapi.endless import endless
from ...openapi.satisfiability import Contradiction
from ...openapi.values import key_of, listing, mapping
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule
from ...source import pointer
from .authorities import SCHEMA, VALIDATION
from .wording import called, few, reason, said, text_of

_CORE = "https://json-schema.org/draft/2020-12/json-schema-core"


@rule(
    "api/schema-unsatisfiable",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Correct one of the two keywords",
    references=[f"{VALIDATION}#section-6", SCHEMA],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            code: {type: string, pattern: '^[A-Z]{3}[0-9]{4}$', maxLength: 5}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            code: {type: string, pattern: '^[A-Z]{3}[0-9]{4}$', maxLength: 7}
    """,
)
def schema_unsatisfiable(api: Api, _: Api) -> Iterator[Hit]:
    """Two keywords of a schema exclude each other, so no value is valid.

    A pattern longer than `maxLength`, an enumeration of which every value is out of bounds, a
    required property that `additionalProperties: false` forbids, more required properties than
    `maxProperties`: each looks right, and together they leave nothing. A server that validates
    rejects every request, and nobody can write an example.
    """
    for schema in _suspects(api):
        for found in api.satisfiability.impossible(schema):
            if found.one.node is schema is found.other.node and not _said_elsewhere(found):
                at = schema.place(found.one.keyword) if found.one.keyword else schema.place()
                message = said(found, schema)
                related = (schema.place(found.other.keyword),) if found.other.keyword else ()
                yield Hit(at, message, cause=message, evidence=found.because, related=related)


_PARTNERS = {
    "additionalProperties": {"required", "minProperties"},
    "unevaluatedProperties": {"required", "minProperties"},
    "propertyNames": {"required"},
    "maxProperties": {"required", "dependentRequired"},
    "multipleOf": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"},
    "pattern": {"minLength", "maxLength"},
    "contains": {"maxItems"},
    "uniqueItems": {"minItems"},
    "not": {"type"},
    "const": ASSERTIONS - {"const", "type", "enum"},
    "enum": ASSERTIONS - {"const", "type", "enum"},
    "anyOf": ASSERTIONS - {"anyOf"},
    "oneOf": ASSERTIONS - {"oneOf"},
}
"""Keywords that may exclude each other within a schema."""


def _suspects(api: Api) -> Iterator[Node]:
    """The schemas whose own keywords may exclude each other."""
    for schema in api.having(*_PARTNERS):
        value = schema.value
        if any(k in _PARTNERS and not _PARTNERS[k].isdisjoint(value) for k in value):
            yield schema
    for schema in api.having("required") if api.version.modern else ():
        if False in mapping(schema.value.get("properties")).values():
            yield schema


def _said_elsewhere(found: Contradiction) -> bool:
    """Whether another rule says so: on bounds, types of enumerations, parts that are `false`."""
    one, other = found.one.keyword, found.other.keyword
    return (
        not one
        or (one in _LIMITS and other in _LIMITS)
        or (one in ("enum", "const") and other == "type")
        or {one, other} <= {"enum", "const"}
    )


_LIMITS = frozenset((*MEASURED, "minContains", "maxContains"))


@rule(
    "api/enum-value-excluded",
    Severity.WARNING,
    FindingClass.DEFECT,
    on="api",
    fix="Take the value out of the list, or correct the keyword that excludes it",
    references=[f"{VALIDATION}#section-6.1.2", SCHEMA],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            title: {type: string, maxLength: 9, enum: [conflict, unavailable]}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            title: {type: string, maxLength: 20, enum: [conflict, unavailable]}
    """,
)
def enum_value_excluded(api: Api, _: Api) -> Iterator[Hit]:
    """An enumerated value is excluded by another keyword of its schema.

    Both hold at once: a value that is too long, out of bounds or does not match the pattern cannot
    be sent although the list offers it. Either the list grew and the limit did not, or the value is
    misspelt.
    """
    for schema in api.having("enum"):
        value = schema.value
        limits = [keyword for keyword in value if keyword in _SCALAR]
        listed = listing(value["enum"]) if limits else []
        refused = {
            index: keyword
            for index, entry in enumerate(listed)
            for keyword in limits
            if holds(entry, keyword, value, api.version.modern) is False
        }
        if not refused or len(refused) == len(listed):
            continue  # all: the schema is unsatisfiable
        first, keyword = next(iter(refused.items()))
        shown = few([listed[index] for index in refused])
        limit = quoted(f"{keyword}: {text_of(value[keyword])}")
        message = f"`enum` lists {shown}, which {limit} excludes"
        evidence = f"{len(refused)} of {len(listed)} values"
        related = (schema.place(keyword),)
        yield Hit(
            schema.place("enum", first), message, cause=message, evidence=evidence, related=related
        )


_SCALAR = frozenset(
    ("pattern", "multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
) | {"minLength", "maxLength"}


@rule(
    "api/const-not-in-enum",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Take the constant into the list, or the list away",
    references=[f"{VALIDATION}#section-6.1.3", SCHEMA],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            title: {const: conflict, enum: [not found, forbidden]}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            title: {const: conflict}
    """,
)
def const_not_in_enum(api: Api, _: Api) -> Iterator[Hit]:
    """A constant is not among the values that its schema enumerates.

    `const` admits one value, `enum` others, and both hold at once: nothing is valid. One of the two
    was left behind by a change.
    """
    for schema in api.having("const") if api.version.modern else ():
        listed = schema.get("enum")
        constant = schema.value["const"]
        if isinstance(listed, list) and key_of(constant) not in map(key_of, listed):
            message = f"`const` is {quoted(text_of(constant), 40)}, but `enum` is {few(listed)}"
            yield Hit(
                schema.place("const"), message, cause=message, related=(schema.place("enum"),)
            )


@rule(
    "api/schema-variant-unreachable",
    Severity.WARNING,
    FindingClass.DEFECT,
    on="api",
    fix="Remove the member, or correct what contradicts it",
    references=[f"{_CORE}#section-10.2.1", SCHEMA],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            code:
              type: string
              anyOf:
                - {enum: [a, b]}
                - {type: integer}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            code:
              anyOf:
                - {type: string, enum: [a, b]}
                - {type: integer}
    """,
)
def schema_variant_unreachable(api: Api, _: Api) -> Iterator[Hit]:
    """A member of an `anyOf` or `oneOf` contradicts what the schema says beside it.

    What stands beside `anyOf` and `oneOf` holds for each of their members. A member of another
    type, or with other values for the same property, can never be chosen: clients that send it are
    refused, and generated code has a case that never happens.
    """
    asked = api.satisfiability
    for schema in api.having("anyOf", "oneOf"):
        for keyword in ("anyOf", "oneOf"):
            members = asked.members(schema, keyword)
            if len(members) < 2 or _BESIDE.isdisjoint(schema.value):
                continue
            dead: dict[int, Contradiction] = {}
            for index, member in enumerate(members):
                clashes = asked.contradictions(schema, member, deep=False)
                if clashes and not asked.contradictions(member, deep=False):
                    dead[index] = clashes[0]
            for index, why in dead.items() if len(dead) < len(members) else ():
                message = f"{called(members[index], schema)} is never valid: {reason(why, schema)}"
                yield Hit(schema.place(keyword, index), message, cause=message)


_BESIDE = ASSERTIONS - {"anyOf", "oneOf"} | {"$ref"}


@rule(
    "api/schema-endless",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Make a property on the way optional, or nullable",
    references=[f"{VALIDATION}#section-6.5.3", SCHEMA],
    bad="""
    components:
      schemas:
        Problem:
          required: [title, status, cause]
          properties:
            cause: {$ref: '#/components/schemas/Problem'}
    """,
    good="""
    components:
      schemas:
        Problem:
          required: [title, status]
          properties:
            cause: {$ref: '#/components/schemas/Problem'}
    """,
)
def schema_endless(api: Api, _: Api) -> Iterator[Hit]:
    """A value would have to hold another one of the same schema, without end.

    Required properties lead back to the schema that requires them. No finite value satisfies it:
    nobody can send one, a generator of examples or test data runs forever, and a typed client
    cannot even construct the object.
    """
    for found in endless(api):
        schema = found.schema
        way = ".".join(found.steps).replace(".[]", "[]")
        name = called(schema, schema.parent or schema)
        message = f"each value of {name} requires another one, at {quoted(way)}"
        keyword = ("required",) if "required" in schema.value else ()
        related = tuple(node.place() for node in found.via if node is not schema)
        yield Hit(
            schema.place(*keyword),
            message,
            cause=message,
            evidence=" → ".join(quoted(pointer(node.path), 80) for node in found.via[:6]),
            related=related[:6],
        )
