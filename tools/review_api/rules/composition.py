"""Rules about schemas that hold together: what their parts forbid each other or forgot."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches

from ...openapi.api import Api
from ...openapi.constraints import ASSERTIONS, Statement, closes
from ...openapi.document import Node
from ...openapi.values import listing, mapping
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, Place, rule
from ...source import pointer
from .authorities import SCHEMA, VALIDATION
from .wording import called, is_component, said

_ALL_OF = "https://json-schema.org/draft/2020-12/json-schema-core#section-10.2.1.1"


@rule(
    "api/schema-allof-contradictory",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Correct one of the two, or offer them as alternatives with `oneOf`",
    references=[_ALL_OF, SCHEMA],
    bad="""
    components:
      schemas:
        Problem:
          allOf:
            - {type: object}
            - {type: array}
    """,
    good="""
    components:
      schemas:
        Problem:
          allOf:
            - {type: object}
            - {properties: {code: {type: string}}}
    """,
)
def schema_allof_contradictory(api: Api, _: Api) -> Iterator[Hit]:
    """Parts of a schema exclude each other, so no value is valid.

    A value must satisfy the schema and every member of its `allOf` at once. Two types, two
    constants for the same required property, or an `additionalProperties: false` beside a required
    property that is declared elsewhere leave nothing. It passes unnoticed as long as nobody
    validates: code generators pick one member and drop the other.
    """
    asked = api.satisfiability
    for schema in api.having("allOf", "$ref"):
        if "allOf" not in schema.value and ASSERTIONS.isdisjoint(schema.value):
            continue  # a reference alone
        contradictions = asked.impossible(schema)
        if not contradictions:
            continue
        inner = [part for part in asked.included(schema)[1:] if len(asked.parts(part)) > 1]
        known = {found for part in inner for found in asked.impossible(part)}
        for found in contradictions:
            one, other = found.one, found.other
            if found in known or (one.node is other.node and not found.path):
                continue  # that part is contradictory in itself, and reported there
            message = said(found, schema)
            shared = is_component(one.node) and is_component(other.node)
            yield Hit(
                schema.place(*(["allOf"] if "allOf" in schema.value else [])),
                message,
                cause=message if shared else f"{schema.unit.label}: {message}",
                evidence=found.because,
                related=(_place(one), _place(other)),
            )


def _place(statement: Statement) -> Place:
    return statement.node.place(*([statement.keyword] if statement.keyword else []))


@rule(
    "api/property-never-valid",
    Severity.WARNING,
    FindingClass.DEFECT,
    on="api",
    fix="Correct one of the two; to close a combination use `unevaluatedProperties: false` (3.1)",
    references=[_ALL_OF, SCHEMA],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            cause:
              allOf:
                - {type: object, properties: {code: {type: string}}, additionalProperties: false}
                - {type: object, properties: {hint: {type: string}}}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            cause:
              allOf:
                - {type: object, properties: {code: {type: string}}}
                - {type: object, properties: {hint: {type: string}}}
    """,
)
def property_never_valid(api: Api, _: Api) -> Iterator[Hit]:
    """One part of a schema declares a property that another part refuses.

    All members of an `allOf` hold at once. `additionalProperties: false` knows the properties
    beside it only, not those of other members, so that these may never be sent; and a property that
    two members declare with types that exclude each other has no value at all.
    """
    asked = api.satisfiability
    for schema in api.having("allOf"):
        parts = [part for part in asked.parts(schema) if isinstance(part.value, dict)]
        if len(parts) < 2 or asked.impossible(schema):
            continue
        inner = (part for part in asked.included(schema)[1:] if len(asked.parts(part)) > 1)
        known = {pair for part in inner for pair in _refused(api, asked.parts(part))}
        for (name, one, other), closed in _refused(api, tuple(parts)).items():
            if (name, one, other) in known:
                continue
            refuser = called(other, schema)
            why = f"{refuser} has another schema for it, and no value satisfies both"
            if closed:
                why = f"{refuser} allows its own properties only"
            yield Hit(
                schema.place("allOf"),
                f"{quoted(name)} is never valid: {called(one, schema)} declares it, {why}",
                cause=_pair(one, other, schema),
                evidence=f"an object with {quoted(name)} is refused, whatever its value",
                related=(one.place("properties", name), other.place()),
            )


def _pair(one: Node, other: Node, schema: Node) -> str:
    where = "" if is_component(one) and is_component(other) else f"{schema.unit.label}: "
    return f"{where}{called(other, schema)} refuses what {called(one, schema)} declares"


def _refused(api: Api, parts: tuple[Node, ...]) -> dict[tuple[str, Node, Node], bool]:
    """The optional properties that no object may have, with who declares and who refuses each.

    And whether the refusal is of all properties that are not its own.
    """
    asked = api.satisfiability
    found: dict[tuple[str, Node, Node], bool] = {}
    required = asked.demands(list(parts))
    declaring: dict[str, list[Node]] = {}
    for part in parts:
        for name, value in mapping(mapping(part.value).get("properties")).items():
            if value is not False and name not in required:
                declaring.setdefault(name, []).append(part)
    for part in parts:
        allowed = closes(part.value) if isinstance(part.value, dict) else None
        for name, owners in declaring.items() if allowed is not None else ():
            if allowed is not None and name not in allowed and part not in owners:
                found[name, owners[0], part] = True
    for name, owners in declaring.items():
        if len(owners) < 2:
            continue
        pairs = [(owner, asked.stated(name, [owner])) for owner in owners[:MAX_OWNERS]]
        one, stated = pairs[0]
        for other, also in pairs[1:]:
            if stated != also and asked.contradictions(*stated, *also, deep=False):
                found.setdefault((name, one, other), False)
    return found


MAX_OWNERS = 5


@rule(
    "api/required-property-undeclared",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Declare the property, or take the name out of `required`",
    references=[f"{VALIDATION}#section-6.5.3", SCHEMA],
    bad="""
    components:
      schemas:
        Problem:
          required: [titel, status]
    """,
    good="""
    components:
      schemas:
        Problem:
          required: [title, status]
    """,
)
def required_property_undeclared(api: Api, _: Api) -> Iterator[Hit]:
    """A required property is not among the declared ones.

    That is legal, and mostly a slip: a property was renamed, or its name is misspelt in one of the
    two lists. Clients cannot know what to send there, generated types lack the field, and a server
    that validates rejects every object built from them.
    """
    for schema in api.having("required"):
        value = schema.value
        if not _ALONE.isdisjoint(value):
            continue
        properties = mapping(value.get("properties"))
        if not properties or isinstance(properties.get("$ref"), str):
            continue
        missing = [
            (index, name)
            for index, name in enumerate(listing(value["required"]))
            if isinstance(name, str) and name not in properties
        ]
        if not missing or "additionalProperties" in value:
            continue  # others are expected; or forbidden, and nothing is valid
        around = (schema, *schema.ancestors())
        combined = api.once(_combined)
        if any(_combines(node) or id(node) in combined for node in around):
            # another member may declare the property, unless nothing does
            missing = [(index, name) for index, name in missing if name not in api.declaring]
        known = {_plain(name): name for name in properties}
        declared = ", ".join(quoted(name, 40) for name in list(properties)[:10])
        for index, name in missing:
            near = _nearest(name, known)
            message = f"{quoted(name)} is required but not declared"
            yield Hit(
                schema.place("required", index),
                message + (f"; did you mean {quoted(near)}?" if near else ""),
                cause=f"{quoted(pointer(schema.path), 160)} requires what it does not declare",
                evidence=f"declared: {declared}" + (", …" if len(properties) > 10 else ""),
            )


_ALONE = frozenset(("$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if", "patternProperties"))
_COMBINING = frozenset(("allOf", "anyOf", "oneOf", "not", "if", "then", "else"))


def _combines(node: Node) -> bool:
    """Whether a schema stands where it holds for a value together with others."""
    return bool(node.key) and node.key[0] in _COMBINING


def _combined(api: Api) -> set[int]:
    """The schemas, by id of their nodes, to which a reference leads that stands in such a place."""
    return {
        id(found)
        for node, _, expects in api.description.references
        if expects == "schema" and (_combines(node) or "properties" in node.value)
        if (found := api.description.resolve(node.value)) is not None
    }


def _nearest(name: str, known: dict[str, str]) -> str:
    close = get_close_matches(_plain(name), list(known)[:500], n=1, cutoff=0.8)
    return known[close[0]] if close else ""


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()


@rule(
    "api/composition-of-one",
    Severity.INFO,
    FindingClass.STYLE,
    on="api",
    opt_in=True,
    fix="Write the member in place of the list",
    references=[_ALL_OF, SCHEMA],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            cause: {anyOf: [{type: string}]}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            cause: {type: string}
    """,
)
def composition_of_one(api: Api, _: Api) -> Iterator[Hit]:
    """An `allOf`, `anyOf` or `oneOf` has one member and nothing beside it.

    It says the same as its member, with a layer more: generated code gets a class that only wraps
    another one. (Beside a description, `allOf` with one reference is the way of OpenAPI 3.0.)
    """
    for schema in api.having("allOf", "anyOf", "oneOf"):
        for keyword in ("allOf", "anyOf", "oneOf"):
            if len(listing(schema.value.get(keyword))) == 1 and len(schema.value) == 1:
                message = f"`{keyword}` of one schema"
                yield Hit(schema.place(keyword), message, cause=message)
