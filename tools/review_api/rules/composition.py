"""Rules about schemas that hold together: what their parts forbid each other or forgot."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, NamedTuple

from ...openapi.api import Api
from ...openapi.document import Node
from ...openapi.values import in_words, key_of, listing, mapping, types_of
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule
from ...source import pointer
from .authorities import SCHEMA, VALIDATION

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
    for schema in api.having("allOf", "$ref", "additionalProperties"):
        value = schema.value
        if len(value) == 1 and "allOf" not in value:
            continue
        for clash in _clashes(api.parts(schema), api):
            alone = clash.one is clash.other
            members = [api.description.resolve(member) for member in listing(value.get("allOf"))]
            inner = [found for member in members if len(found := api.parts(member)) > 1]
            if any(clash.one in parts and clash.other in parts for parts in inner) or (
                alone and clash.one is not schema
            ):
                continue  # that member is contradictory in itself, and reported there
            one, other = _called(clash.one, schema), _called(clash.other, schema)
            says = f"{one} {clash.says}, {'but' if alone else other} {clash.contradicts}"
            message = f"no {clash.noun} is valid: {says}"
            shared = all(_is_component(part) for part in (clash.one, clash.other)) and not alone
            yield Hit(
                schema.place(*(["allOf"] if members else [])),
                message,
                cause=message if shared else f"{schema.unit.label}: {message}",
                related=(clash.one.place(), clash.other.place()),
            )


class _Clash(NamedTuple):
    """Two schemas that nothing satisfies at once, and what each says."""

    one: Node
    says: str
    other: Node
    contradicts: str
    noun: str = "value"


def _clashes(parts: list[Node], api: Api) -> Iterator[_Clash]:
    parts = [part for part in parts if isinstance(part.value, dict)]
    modern = api.version.modern
    clash = _first_clash([(part, part) for part in parts], modern)
    if clash:
        yield clash
        return
    demands = _demands(parts)
    for part in parts:
        forbidden = {name: owner for name, owner in demands.items() if _closes(part, name)}
        for demanding in dict.fromkeys(forbidden.values()):
            names = [quoted(name) for name, owner in forbidden.items() if owner is demanding]
            closes = "allows its own properties only (`additionalProperties: false`)"
            yield _Clash(demanding, f"requires {', '.join(names)}", part, closes, "object")
    for name in demands:
        text = quoted(name)
        holders = [part for part in parts if name in mapping(part.get("properties"))]
        stated = [
            (part, inner)
            for part in holders
            if len(holders) > 1
            for inner in api.parts(api.description.child(part, "properties", name))
        ]
        clash = _first_clash(stated, modern)
        if clash:
            says, but = f"says that {text} {clash.says}", f"that it {clash.contradicts}"
            yield _Clash(clash.one, says, clash.other, f"{but}, and it is required", "object")


def _first_clash(stated: list[tuple[Node, Node]], modern: bool) -> _Clash | None:
    """The first two owners whose schemas have no type, or no listed value, in common."""
    types: dict[frozenset[str], Node] = {}  # each limit with the first owner that states it
    values: dict[frozenset[str], Node] = {}
    for owner, node in stated:
        if not isinstance(node.value, dict):
            continue
        here, listed = types_of(node.value), _values(node.value, modern)
        for others, other in types.items() if here and here not in types else ():
            if other is not owner and _widened(here).isdisjoint(_widened(others)):
                return _Clash(other, f"is {in_words(others)}", owner, f"is {in_words(here)}")
        for others, other in values.items() if listed and listed not in values else ():
            if other is not owner and listed.isdisjoint(others):
                return _Clash(other, f"is {_few(others)}", owner, f"is {_few(listed)}")
        if here:
            types.setdefault(here, owner)
        if listed:
            values.setdefault(listed, owner)
    return None


def _widened(types: frozenset[str]) -> frozenset[str]:
    return types | {"integer"} if "number" in types else types


def _values(schema: dict[str, Any], modern: bool) -> frozenset[str]:
    """The values that `enum` and `const` leave; none if there is neither."""
    listed = [schema["const"]] if modern and "const" in schema else listing(schema.get("enum"))
    return frozenset(map(key_of, listed))


def _few(values: frozenset[str]) -> str:
    shown = [quoted(text, 30) for text in sorted(values)[:4]]
    return " or ".join(shown) + (" or …" if len(values) > 4 else "")


def _demands(parts: list[Node]) -> dict[str, Node]:
    """The required properties, each with the first part that requires it."""
    return {
        name: part
        for part in reversed(parts)
        for name in listing(part.get("required"))
        if isinstance(name, str)
    }


def _closes(part: Node, name: str) -> bool:
    """Whether no object with this property satisfies the part."""
    properties = mapping(part.get("properties"))
    return (
        part.get("additionalProperties") is False
        and name not in properties
        and not isinstance(properties.get("$ref"), str)  # not allowed, and often written
        and not part.get("patternProperties")
    )


def _is_component(schema: Node) -> bool:
    return schema.parent is not None and schema.parent.kind in ("components", "document")


def _called(part: Node, schema: Node) -> str:
    if _is_component(part):
        return quoted(part.key[-1])
    if part is schema:
        return "the schema itself"
    steps, base = part.path, schema.path
    return quoted(pointer(steps[len(base) :] if steps[: len(base)] == base else steps)[1:])


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
    combined = _combined(api)
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
        if any(id(node) in combined for node in (schema, *schema.ancestors())):
            continue  # the property may be declared by the other members
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


def _combined(api: Api) -> set[int]:
    """The schemas, by id of their nodes, that hold for a value together with others."""
    nodes = [node for node in api.nodes("schema") if not _COMBINING.isdisjoint(node.key[:1])]
    for node, _, expects in api.description.references:
        joins = not _COMBINING.isdisjoint(node.key[:1]) or "properties" in node.value
        if expects == "schema" and joins:
            nodes += filter(None, [api.description.resolve(node.value)])
    return {id(node) for node in nodes}


def _nearest(name: str, known: dict[str, str]) -> str:
    close = get_close_matches(_plain(name), list(known)[:500], n=1, cutoff=0.8)
    return known[close[0]] if close else ""


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()
