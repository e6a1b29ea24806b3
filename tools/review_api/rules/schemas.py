"""Rules about schemas: what they allow, forbid, or promise in vain."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from itertools import combinations
from math import ceil, floor, isfinite
from typing import Any, NamedTuple

from ...openapi.api import Api, types_of
from ...openapi.document import Node, Unit, pointer
from ...openapi.kinds import OPENAPI_3, Version, name_of
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule

_VALIDATION = "https://json-schema.org/draft/2020-12/json-schema-validation"
_SCHEMA = "https://spec.openapis.org/oas/v3.1.1#schema-object"
_SCHEMA_30 = "https://spec.openapis.org/oas/v3.0.4#schema-object"
_ALL_OF = "https://json-schema.org/draft/2020-12/json-schema-core#section-10.2.1.1"


# Single keywords


@rule(
    "api/schema-bounds-contradictory",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Correct the bounds; they may be swapped",
    references=[f"{_VALIDATION}#section-6", _SCHEMA],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            title: {type: string, minLength: 80, maxLength: 8}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            title: {type: string, minLength: 8, maxLength: 80}
    """,
)
def schema_bounds_contradictory(api: Api, _: Api) -> Iterator[Hit]:
    """A lower bound lies above the upper bound, so no value is valid.

    A server that validates rejects every request with such a value, a client that validates rejects
    every response, and generated test data does not exist. Usually the two numbers were swapped, or
    one has a digit too many.
    """
    for schema in api.having(*_LOWER):
        for noun, low, high in _contradictions(schema.value):
            bounds = f"{_said(schema.value, low)} and {_said(schema.value, high)}"
            message = f"no {noun} satisfies both {bounds}"
            also = (schema.place(high),)
            yield Hit(schema.place(low), message, cause=message, evidence=bounds, related=also)


def _contradictions(schema: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Which kind of value cannot exist, and the bounds that see to it."""
    types = types_of(schema)
    for kind, low, high in _RANGES:
        if not (_is_number(schema.get(low)) and _is_number(schema.get(high))):
            continue
        if not _may_be(kind, types) or (low == "minContains" and "contains" not in schema):
            continue  # without effect, which is another rule's business
        noun = "integer" if kind == "number" and types and "number" not in types else kind
        if _leaves_nothing(schema, low, high, noun != "number"):
            yield noun, low, high


_RANGES = (
    ("number", "minimum", "maximum"),
    ("number", "exclusiveMinimum", "maximum"),
    ("number", "minimum", "exclusiveMaximum"),
    ("number", "exclusiveMinimum", "exclusiveMaximum"),
    ("string", "minLength", "maxLength"),
    ("array", "minItems", "maxItems"),
    ("array", "minContains", "maxContains"),
    ("object", "minProperties", "maxProperties"),
)
_LOWER = frozenset(low for _, low, _ in _RANGES)


def _leaves_nothing(schema: dict[str, Any], low: str, high: str, whole: bool) -> bool:
    least, most = schema[low], schema[high]
    above, below = _is_strict(schema, low), _is_strict(schema, high)
    if whole:  # no integer lies between 1.2 and 1.8
        least = floor(least) + 1 if above else ceil(least)
        most = ceil(most) - 1 if below else floor(most)
        return bool(least > most)
    return bool(least > most or (least == most and (above or below)))


def _is_number(value: Any) -> bool:
    return type(value) is int or (type(value) is float and isfinite(value))


def _is_strict(schema: dict[str, Any], bound: str) -> bool:
    """Whether the bound itself is excluded: by its name, or by a switch beside it (before 3.1)."""
    return bound.startswith("exclusive") or schema.get(_switch(bound)) is True


def _switch(bound: str) -> str:
    return "exclusive" + bound[:1].upper() + bound[1:]


def _said(schema: dict[str, Any], keyword: str) -> str:
    also = f", {_switch(keyword)}: true" if schema.get(_switch(keyword)) is True else ""
    return quoted(f"{keyword}: {_text(schema[keyword])}{also}")


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _may_be(kind: str, types: frozenset[str]) -> bool:
    """Whether a value of one of the types (of any, if there are none) can be of this kind."""
    return not types or kind in types or (kind == "number" and "integer" in types)


@rule(
    "api/schema-keyword-without-effect",
    Severity.WARNING,
    FindingClass.RISK,
    on="api",
    fix="Use the keyword that limits this type, or correct the type",
    references=["https://json-schema.org/draft/2020-12/json-schema-core#section-7.6.1", _SCHEMA],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            status: {type: integer, maxLength: 3}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            status: {type: integer, maximum: 599}
    """,
)
def schema_keyword_without_effect(api: Api, _: Api) -> Iterator[Hit]:
    """A keyword limits values of another type than the schema's.

    Validators skip a keyword that does not fit the type: `maxLength` says nothing about a number,
    `minimum` nothing about a string of digits. Whoever wrote it believes in a limit that nobody
    enforces, and what the limit should have kept out comes in.
    """
    for schema in api.having(*_LIMITS):
        types = types_of(schema.value)
        if not types or not types <= _TYPES:
            continue
        for keyword, argument in schema.value.items():
            kind = _LIMITS.get(keyword)
            if kind and not _may_be(kind, types) and not _says_nothing(keyword, argument):
                message = f"`{keyword}` applies to {kind}s only, but the type is {_named(types)}"
                evidence = quoted(f"{keyword}: {_text(argument)}")
                yield Hit(schema.place(keyword), message, cause=message, evidence=evidence)


_TYPES = frozenset(("null", "boolean", "integer", "number", "string", "array", "object"))
_LIMITS = {
    keyword: kind
    for kind, keywords in (
        ("string", "minLength maxLength pattern"),
        ("number", "minimum maximum exclusiveMinimum exclusiveMaximum multipleOf"),
        ("array", "items prefixItems minItems maxItems contains"),
        ("object", "properties required patternProperties additionalProperties propertyNames"),
        ("object", "minProperties maxProperties dependentRequired dependentSchemas"),
    )
    for keyword in keywords.split()
}


def _says_nothing(keyword: str, argument: Any) -> bool:
    """Whether the keyword would not limit even a value of its own type."""
    if keyword == "required":
        return not isinstance(argument, list) or not argument  # 2.0 parameters have a boolean
    if isinstance(argument, bool):
        return argument is (keyword not in _SWITCHES)  # `items: true` allows everything
    return argument is None or argument == {} or (argument == 0 and keyword in _COUNTS)


_SWITCHES = ("exclusiveMinimum", "exclusiveMaximum")
_COUNTS = ("minLength", "minItems", "minProperties")


def _named(types: Iterable[str]) -> str:
    return " or ".join(f"`{kind}`" for kind in sorted(types))


@rule(
    "api/enum-type-mismatch",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Write the values in the declared type, or correct the type",
    references=[f"{_VALIDATION}#section-6.1.2", _SCHEMA],
    bad="""
    components:
      schemas:
        Problem:
          properties:
            status: {type: string, enum: [400, 500]}
    """,
    good="""
    components:
      schemas:
        Problem:
          properties:
            status: {type: string, enum: ['400', '500']}
    """,
)
def enum_type_mismatch(api: Api, _: Api) -> Iterator[Hit]:
    """An enumerated value is not of the declared type, so nobody can send it.

    Both keywords hold at once: a value that `type` rejects is dead, however plainly `enum` lists
    it. Validators refuse it, and generated code either fails to compile or turns it into another
    value. In YAML a missing pair of quotes is enough: `1.0` is a number, `true` a boolean.
    """
    for schema in api.having("enum", "const"):
        value, types = schema.value, types_of(schema.value)
        if not types or not types <= _TYPES:
            continue
        listed = _listing(value.get("enum"))
        wrong = [entry for entry in listed if not _is_of(entry, types, value)]
        if wrong:
            yield _mismatch(schema, "enum", wrong, types, len(listed))
        if "const" in value and api.version.modern and not _is_of(value["const"], types, value):
            yield _mismatch(schema, "const", [value["const"]], types, 1)


def _mismatch(
    schema: Node, keyword: str, wrong: list[Any], types: frozenset[str], total: int
) -> Hit:
    shown = ", ".join(quoted(_text(entry), 40) for entry in wrong[:5])
    kinds = _named({_type_of(entry) for entry in wrong})
    verb = "lists" if keyword == "enum" else "is"
    message = f"`{keyword}` {verb} {shown} of type {kinds}, but the type is {_named(types)}"
    fix = ""
    if wrong == [None]:
        message = f"`{keyword}` {verb} `null`, but the type is {_named(types)} and not nullable"
        fix = "Make the schema nullable, or take `null` out of the list"
    elif types == {"array"} and isinstance(schema.get("items"), dict):
        fix = f"Move `{keyword}` into `items`: here it lists whole arrays"
    evidence = f"{len(wrong)} of {total} values"
    return Hit(schema.place(keyword), message, cause=message, evidence=evidence, fix=fix)


def _type_of(value: Any) -> str:
    """The type of a value in JSON Schema; `1.0` is an integer."""
    if isinstance(value, float):
        return "integer" if value.is_integer() else "number"
    return _JSON_TYPES.get(type(value), "unknown")


_JSON_TYPES = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    str: "string",
    list: "array",
    dict: "object",
}


def _is_of(value: Any, types: frozenset[str], schema: dict[str, Any]) -> bool:
    kind = _type_of(value)
    if kind == "null" and schema.get("x-nullable") is True:
        return True  # the extension by which 2.0 documents say it
    return kind in types or (kind == "integer" and "number" in types)


@rule(
    "api/default-invalid",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Correct the default, or the constraint that rejects it",
    references=[_SCHEMA_30, f"{_VALIDATION}#section-9.2"],
    bad="""
    paths:
      /pets:
        get:
          parameters:
            - {name: sort, in: query, schema: {type: string, enum: [name, age], default: size}}
    """,
    good="""
    paths:
      /pets:
        get:
          parameters:
            - {name: sort, in: query, schema: {type: string, enum: [name, age], default: name}}
    """,
)
def default_invalid(api: Api, _: Api) -> Iterator[Hit]:
    """A default is rejected by the very schema that it stands in.

    The default says what the server assumes when the value is left out. A client that sends the
    same value explicitly gets an error, generated clients fill it in and fail on every call, and
    frameworks that check defaults do not start. One of the two statements is wrong.
    """
    for schema in api.having("default"):
        default, listed = schema.value["default"], _listing(schema.get("enum"))
        if default is None and True in (schema.get("nullable"), schema.get("x-nullable")):
            continue  # meant, even where the type that it belongs to stands behind a reference
        if _key(default) in map(_key, listed):
            continue  # a wrong type is then the fault of the enum
        rejected = _rejected(default, schema, api)
        if rejected and all(_rejected(default, other, api) for other in _alternatives(schema, api)):
            part, objection = rejected
            message = f"the default {quoted(_text(default), 60)} {objection}"
            related = () if part is schema else (part.place(),)
            yield Hit(schema.place("default"), message, cause=message, related=related)


def _alternatives(schema: Node, api: Api) -> Iterator[Node]:
    """The other members, if the schema is one of an `anyOf` or `oneOf`."""
    if schema.parent is not None and schema.key[0] in ("anyOf", "oneOf"):
        for member in _listing(schema.parent.get(str(schema.key[0]))):
            found = api.description.resolve(member)
            if found is not None and found is not schema:
                yield found


def _rejected(value: Any, schema: Node, api: Api) -> tuple[Node, str] | None:
    """The part of a schema that has something against a value, and what."""
    for part in api.parts(schema):
        objection = _objection(value, part.value, api.version.modern)
        if objection:
            return part, objection
    return None


def _objection(value: Any, schema: Any, modern: bool) -> str:
    """What a schema's own keywords have against a value; empty if nothing."""
    if not isinstance(schema, dict):
        return ""
    types, listed = types_of(schema), schema.get("enum")
    if types and types <= _TYPES and not _is_of(value, types, schema):
        if value is None:
            return f"needs a nullable schema, and the type is {_named(types)}"
        return f"is of type `{_type_of(value)}`, but the type is {_named(types)}"
    if isinstance(listed, list) and _key(value) not in map(_key, listed):
        return f"is not in the `enum` of {len(listed)}: {quoted(_text(listed)[1:-1])}"
    if modern and "const" in schema and _key(value) != _key(schema["const"]):
        return f"is not the `const` {quoted(_text(schema['const']))}"
    size: Any = len(value) if isinstance(value, str | list | dict) else value
    for keyword in _BOUNDS.get(_type_of(value), ()):
        limit = schema.get(keyword)
        if _is_number(limit):
            room = limit - size if "max" in keyword.lower() else size - limit
            if room < 0 or (room == 0 and _is_strict(schema, keyword)):
                return f"is outside {_said(schema, keyword)}"
    return ""


_NUMERIC = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_BOUNDS = {
    "integer": _NUMERIC,
    "number": _NUMERIC,
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
}


def _key(value: Any) -> str:
    """The same text for equal JSON values: 1 and 1.0 are equal, 1 and true are not."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, sort_keys=True, default=str)


@rule(
    "api/array-items-missing",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Add `items` with the schema of one element",
    references=[_SCHEMA_30, "https://spec.openapis.org/oas/v2.0#parameter-object"],
    bad="""
    swagger: '2.0'
    definitions:
      Problem:
        properties:
          title: {type: array}
    """,
    good="""
    swagger: '2.0'
    definitions:
      Problem:
        properties:
          title: {type: array, items: {type: string}}
    """,
)
def array_items_missing(api: Api, _: Api) -> Iterator[Hit]:
    """An array does not say what it holds.

    Up to OpenAPI 3.0 `items` must be present if the type is `array`. Without it, code generators
    stop or produce a list of anything, and nothing that clients put into the array is checked.
    From 3.1 on it may be left out.
    """
    for schema in api.having("type") if not api.version.modern else ():
        if schema.value["type"] != "array" or "items" in schema.value:
            continue
        if not any(part.get("items") is not None for part in api.parts(schema)):
            yield Hit(schema.place("type"), "an array does not say what its `items` are")


# Several schemas together


@rule(
    "api/schema-allof-contradictory",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Correct one of the two, or offer them as alternatives with `oneOf`",
    references=[_ALL_OF, _SCHEMA],
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
        members = [api.description.resolve(member) for member in _listing(value.get("allOf"))]
        inner = [found for member in members if len(found := api.parts(member)) > 1]
        for clash in _clashes(api.parts(schema), api):
            alone = clash.one is clash.other
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
        holders = [part for part in parts if name in _mapping(part.get("properties"))]
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
    limits = [
        (owner, types_of(node.value), _values(node.value, modern))
        for owner, node in stated
        if isinstance(node.value, dict)
    ]
    for (one, types, values), (other, others, alternatives) in combinations(limits, 2):
        if one is not other and _widened(types).isdisjoint(_widened(others)) and types and others:
            return _Clash(one, f"is {_named(types)}", other, f"is {_named(others)}")
        if one is not other and values and alternatives and values.isdisjoint(alternatives):
            return _Clash(one, f"is {_few(values)}", other, f"is {_few(alternatives)}")
    return None


def _widened(types: frozenset[str]) -> frozenset[str]:
    return types | {"integer"} if "number" in types else types


def _values(schema: dict[str, Any], modern: bool) -> frozenset[str]:
    """The values that `enum` and `const` leave; none if there is neither."""
    listed = [schema["const"]] if modern and "const" in schema else _listing(schema.get("enum"))
    return frozenset(map(_key, listed))


def _few(values: frozenset[str]) -> str:
    shown = [quoted(text, 30) for text in sorted(values)[:4]]
    return " or ".join(shown) + (" or …" if len(values) > 4 else "")


def _demands(parts: list[Node]) -> dict[str, Node]:
    """The required properties, each with the first part that requires it."""
    return {
        name: part
        for part in reversed(parts)
        for name in _listing(part.get("required"))
        if isinstance(name, str)
    }


def _closes(part: Node, name: str) -> bool:
    """Whether no object with this property satisfies the part."""
    properties = _mapping(part.get("properties"))
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


def _listing(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


@rule(
    "api/required-property-undeclared",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    confidence=Confidence.MEDIUM,
    fix="Declare the property, or take the name out of `required`",
    references=[f"{_VALIDATION}#section-6.5.3", _SCHEMA],
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
        properties = _mapping(value.get("properties"))
        if not properties or isinstance(properties.get("$ref"), str):
            continue
        missing = [
            (index, name)
            for index, name in enumerate(_listing(value["required"]))
            if isinstance(name, str) and name not in properties
        ]
        if not missing or "additionalProperties" in value:
            continue  # others are expected; or forbidden, and nothing is valid
        if any(id(node) in combined for node in (schema, *schema.ancestors())):
            continue  # the property may be declared by the other members
        for index, name in missing:
            near = _nearest(name, properties)
            message = f"{quoted(name)} is required but not declared"
            yield Hit(
                schema.place("required", index),
                message + (f"; did you mean {quoted(near)}?" if near else ""),
                cause=f"{schema.unit.label}: {message}",
                evidence="declared: " + ", ".join(quoted(known, 40) for known in properties),
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


def _nearest(name: str, known: Iterable[str]) -> str:
    plain = {re.sub(r"[\W_]", "", other).lower(): other for other in known}
    close = get_close_matches(re.sub(r"[\W_]", "", name).lower(), plain, n=1, cutoff=0.8)
    return plain[close[0]] if close else ""


# Components


@rule(
    "api/component-unused",
    Severity.INFO,
    FindingClass.RISK,
    on="api",
    fix="Remove it, or refer to it where it was meant to be used",
    references=["https://spec.openapis.org/oas/v3.1.1#components-object"],
    bad="""
    components:
      schemas:
        Pet: {type: object}
    """,
    good="""
    paths:
      /pets:
        get:
          responses:
            '200':
              description: One pet
              content:
                application/json:
                  schema: {$ref: '#/components/schemas/Pet'}
            '400': {$ref: '#/components/responses/Problem'}
    components:
      schemas:
        Pet: {type: object}
    """,
)
def component_unused(api: Api, _: Api) -> Iterator[Hit]:
    """No operation uses a component, over any number of references.

    Readers take it for part of the API, generators turn it into code that nobody calls, and every
    change of a shared schema has to be checked against it. Often it is the sign of a reference that
    was meant for it and now leads elsewhere.
    """
    if not (api.root.get("paths") or api.root.get("webhooks")):
        return  # a library of components for other documents
    if any(broken.reason in ("remote", "unreadable") for broken in api.description.broken.values()):
        return  # what could not be read may refer back
    components = list(_components(api))
    uses = _uses(api)
    reached = _reach(uses, {None})
    if all(node.unit in reached for node in components):
        return
    # An extension or a description may name a component too: webhooks before 3.1, say.
    names = _names_elsewhere(api)
    named = {n.unit for n in components if not names.isdisjoint(("#" + pointer(n.path), n.key[-1]))}
    reached = _reach(uses, {None, *named})
    while subtypes := [node.unit for node in components if _is_subtype(node, reached, api)]:
        reached |= _reach(uses, subtypes)
    users: dict[Unit | None, list[str]] = {}
    for user, used in uses.items():
        for unit in used - {user}:
            users.setdefault(unit, []).append(user.label if user else "")
    for node in components:
        if node.unit in reached:
            continue
        where, also = pointer(node.path), sorted(users.get(node.unit, ()))
        word = name_of(node.kind).removesuffix(" Object").lower()
        message = f"no operation uses the {word} {quoted(node.key[-1])}"
        yield Hit(
            node.place(),
            message,
            cause="no operation uses these components",
            evidence="used only by " + ", ".join(map(quoted, also)) if also else "",
            patch=() if also else ({"op": "remove", "path": where},),
        )


def _components(api: Api) -> Iterator[Node]:
    """The components of the root document, but for security schemes, which are used by name."""
    old = api.version is Version.V20
    holder = _mapping(api.root.value if old else api.root.get("components"))
    for key in ("definitions", "parameters", "responses") if old else OPENAPI_3["components"]:
        for name, value in _mapping(holder.get(key)).items():
            node = api.description.node_at(value)
            if key != "securitySchemes" and node is not None and node.key == (key, name):
                yield node


def _uses(api: Api) -> dict[Unit | None, set[Unit | None]]:
    """Which components each component refers to; None stands for the paths and all the rest."""
    homes: dict[Unit, Unit | None] = {}

    def home(node: Node) -> Unit | None:
        if node.unit not in homes:
            around = (step.unit for step in (node, *node.ancestors()))
            homes[node.unit] = next((unit for unit in around if unit.component), None)
        return homes[node.unit]

    uses: dict[Unit | None, set[Unit | None]] = {}
    for node, _, _ in api.description.references:
        target = api.description.target(node)
        if target is not None:
            uses.setdefault(home(node), set()).add(home(target))
    for node, schema in api.mapped_schemas():
        uses.setdefault(home(node), set()).add(home(schema))
    return uses


def _reach(
    uses: dict[Unit | None, set[Unit | None]], start: Iterable[Unit | None]
) -> set[Unit | None]:
    """All that can be reached from the start over any number of references."""
    reached = set(start)
    stack = list(reached)
    while stack:
        found = uses.get(stack.pop(), set()) - reached
        reached |= found
        stack.extend(found)
    return reached


def _is_subtype(schema: Node, reached: set[Unit | None], api: Api) -> bool:
    """Whether a schema extends one in use whose discriminator can name it."""
    return schema.unit not in reached and any(
        part is not schema and part.unit in reached and part.get("discriminator")
        for part in api.parts(schema)
    )


_POINTER = re.compile(r"""#/(?:components/\w+|definitions|parameters|responses)/[^\s"'<>`,)\]}]+""")


def _names_elsewhere(api: Api) -> set[str]:
    """The pointers and names of components that stand in the text other than in a reference."""
    root = api.description.root
    pointers = Counter(_POINTER.findall(root.text))
    pointers.subtract(reference.text for reference in api.description.references)
    for node in api.nodes("discriminator"):
        pointers.subtract(map(str, _mapping(node.get("mapping")).values()))
    names = {pointer for pointer, count in pointers.items() if count > 0}
    stack = [value for key, value in api.root.value.items() if key.startswith("x-")]
    while stack:
        value = stack.pop()
        if isinstance(value, dict | list):
            stack.extend(value.values() if isinstance(value, dict) else value)
        else:
            names.add(str(value))
    return names
