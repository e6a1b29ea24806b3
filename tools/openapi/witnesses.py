"""Values that satisfy a schema, and whether one schema admits all that another does.

Both answers are proofs or silence: a value is returned if every keyword of the schema is known to
hold for it, an inclusion is claimed if each statement of the one follows from the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

from ..matching import example
from .constraints import (
    ASSERTIONS,
    MEASURED,
    bounds,
    closes,
    highest,
    holds,
    kinds_of,
    lowest,
    matching,
    step_of,
)
from .document import Node
from .satisfiability import Parts
from .values import key_of, listing, mapping

if TYPE_CHECKING:
    from .api import Api

MAX_STEPS = 2000  # schemas that are looked at for one question
MAX_STEPS_IN_ALL = 60_000
MAX_DEPTH = 5
FULL_DEPTH = 1  # of objects that are given their optional properties
MAX_PROPERTIES = 40
MAX_LENGTH = 200

NOTHING: Any = object()
"""No value was found; None is a value."""

_OF_FORMAT = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T09:30:00Z",
    "time": "09:30:00Z",
    "duration": "P1D",
    "email": "a@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/a",
    "uri-reference": "https://example.com/a",
    "uuid": "0b3f2d1a-5c4e-4f6a-8b7c-9d0e1f2a3b4c",
    "byte": "YQ==",
    "password": "a",
    "binary": "a",
}
_ANY_NUMBER = frozenset(("int32", "int64", "float", "double", "decimal"))


class _Outline(NamedTuple):
    """Kinds of values; properties that are required, declared, and allowed (None: any)."""

    kinds: frozenset[str]
    required: frozenset[str]
    names: frozenset[str]
    allowed: frozenset[str] | None


class Witnesses:
    """Answers about the schemas of one API, each within a number of steps."""

    def __init__(self, api: Api) -> None:
        self._api, self._asked = api, api.satisfiability
        self._modern = api.version.modern
        self._outlines: dict[Node, _Outline] = {}
        self._values: dict[tuple[bool, tuple[Node, ...]], Any] = {}
        self._full = 0  # depth to which objects get their optional properties
        self._left, self._left_in_all = 0, MAX_STEPS_IN_ALL

    def _spend(self, steps: int) -> bool:
        self._left -= steps
        self._left_in_all -= steps
        return self._left > 0 and self._left_in_all > 0

    @property
    def spent(self) -> bool:
        """Whether all further answers are that nothing is known."""
        return self._left_in_all <= 0

    # Does a value satisfy a schema?

    def admits(self, value: Any, *schemas: Node) -> bool:
        """Whether the value certainly satisfies the schemas."""
        self._left = MAX_STEPS
        return self._admits(value, self._asked.parts(*schemas), 0)

    def _admits(self, value: Any, parts: Parts, depth: int) -> bool:
        if depth > MAX_DEPTH + 3 or not self._spend(1 + len(parts)):
            return False
        return all(
            self._meets(value, part, keyword, depth) for part in parts for keyword in part.value
        )

    def _meets(self, value: Any, part: Node, keyword: str, depth: int) -> bool:
        argument = part.value[keyword]
        match keyword:
            case "allOf" | "$ref":
                return True  # those are parts of their own
            case "type" if value is None and self._modern:
                return argument == "null" or "null" in listing(argument)  # whatever `nullable`
            case "format":
                return not isinstance(value, str) or _OF_FORMAT.get(argument) == value
            case "enum":
                return isinstance(argument, list) and key_of(value) in map(key_of, argument)
            case "properties" | "additionalProperties" | "unevaluatedProperties":
                return not isinstance(value, dict) or self._meets_inside(value, part, depth)
            case "items":
                items = self._asked.at(part, ("items",), argument)
                if not isinstance(value, list) or not value:
                    return True
                inner = self._asked.parts(items) if items is not None else ()
                known = items is not None and "prefixItems" not in part.value
                return known and all(self._admits(each, inner, depth + 1) for each in value)
            case "anyOf" | "oneOf":
                return self._meets_one(value, part, keyword, depth)
            case "if" | "then" | "else" | "not":
                return False
        if keyword not in ASSERTIONS:
            return True
        return holds(value, keyword, part.value, self._modern) is True

    def _meets_inside(self, value: dict[str, Any], part: Node, depth: int) -> bool:
        allowed = closes(part.value)
        if allowed is not None and not allowed.issuperset(value):
            return False
        if part.value.get("unevaluatedProperties", True) is not True and allowed is None:
            return False
        for name, inner in value.items():
            schemas = self._asked.stated(name, [part])
            if not self._admits(inner, self._asked.parts(*schemas), depth + 1):
                return False
        return True

    def _meets_one(self, value: Any, part: Node, keyword: str, depth: int) -> bool:
        members = self._asked.members(part, keyword)
        if len(members) != len(listing(part.value[keyword])) or not self._spend(len(members)):
            return False
        met = [self._admits(value, self._asked.parts(member), depth + 1) for member in members]
        if keyword == "anyOf" or not any(met):
            return any(met)
        others = (member for member, fits in zip(members, met, strict=True) if not fits)
        return met.count(True) == 1 and all(self._asked.refused(value, each) for each in others)

    # A value of a schema

    def value_of(self, *schemas: Node, full: bool = True) -> Any:
        """A value that satisfies the schemas, if `full` with optional properties; or `NOTHING`."""
        key = (full, schemas)
        if key not in self._values:
            self._left, self._full = MAX_STEPS, FULL_DEPTH * full
            parts = self._asked.parts(*schemas)
            fitting = (each for each in self._candidates(parts, 0) if self._admits(each, parts, 0))
            self._values[key] = next(fitting, NOTHING)
        return self._values[key]

    def _candidates(self, parts: Parts, depth: int) -> Iterator[Any]:
        if depth > MAX_DEPTH or not self._spend(1 + len(parts)):
            return
        for part in parts:
            values = self._asked.values(part)
            if values is not None:
                yield from values[:20]
                return
        for part in parts:
            for keyword in ("anyOf", "oneOf"):
                members = self._asked.members(part, keyword) if keyword in part.value else ()
                for member in members[:10]:
                    both = self._asked.parts(*(p for p in parts if p is not part), member)
                    yield from self._candidates(both, depth + 1)
                if members:
                    return
        kinds, _ = self._asked.kinds(parts)
        for kind in _ORDER:
            if kind in kinds:
                yield from self._of_kind(kind, parts, depth)

    def _of_kind(self, kind: str, parts: Parts, depth: int) -> Iterator[Any]:
        match kind:
            case "object":
                yield from self._objects(parts, depth)
            case "string":
                yield from _strings(parts)
            case "integer":
                yield from _integers(parts)
            case "fraction":
                yield 0.5
            case "array":
                yield from self._arrays(parts, depth)
            case "boolean":
                yield True
            case _:
                yield None

    def _objects(self, parts: Parts, depth: int) -> Iterator[Any]:
        required = list(self._asked.demands(list(parts)))
        declared = [name for part in parts for name in mapping(part.value.get("properties"))]
        names = dict.fromkeys(required + (sorted(declared) if depth < self._full else []))
        made: dict[str, Any] = {}
        for name in list(names)[:MAX_PROPERTIES]:
            stated = self._asked.parts(*self._asked.stated(name, list(parts)))
            value = next(
                (
                    each
                    for each in self._candidates(stated, depth + 1)
                    if self._admits(each, stated, depth + 1)
                ),
                NOTHING,
            )
            if value is not NOTHING:
                made[name] = value
            elif name in required:
                return
        yield made

    def _arrays(self, parts: Parts, depth: int) -> Iterator[Any]:
        low = highest(list(bounds(list(parts), "minItems")))
        least = ceil(low.limit) if low else 0
        nodes = [self._asked.at(part, ("items",), part.value.get("items")) for part in parts]
        items = self._asked.parts(*(node for node in nodes if node is not None))
        if least <= 1 and (least or depth <= self._full):
            for value in self._candidates(items, depth + 1):
                if self._admits(value, items, depth + 1):
                    yield [value]
                    break
        if not least:
            yield []

    # Inclusion

    def may_hold(self, wide: Node, narrow: Node) -> bool:
        """Whether a full value of `narrow` can satisfy `wide`, by kinds and names: a quick look."""
        ours, theirs = self._outline(wide), self._outline(narrow)
        if ours.kinds.isdisjoint(theirs.kinds):
            return False
        if theirs.kinds != {"object"}:
            return True
        closed = ours.allowed is None or theirs.names <= ours.allowed
        return closed and ours.required <= theirs.names

    def _outline(self, schema: Node) -> _Outline:
        if schema not in self._outlines:
            parts = list(self._asked.parts(schema))
            kinds, _ = self._asked.kinds(tuple(parts))
            required = frozenset(self._asked.demands(parts))
            declared = (mapping(part.value.get("properties")) for part in parts)
            closed = [names for part in parts if (names := closes(part.value)) is not None]
            self._outlines[schema] = _Outline(
                kinds,
                required,
                required.union(*declared),
                frozenset.intersection(*closed) if closed else None,
            )
        return self._outlines[schema]

    def includes(self, wide: Node, narrow: Node) -> bool:
        """Whether every value of `narrow` certainly is one of `wide`."""
        self._left = MAX_STEPS
        return self._includes(self._asked.parts(wide), self._asked.parts(narrow), 0)

    def _includes(self, wide: Parts, narrow: Parts, depth: int) -> bool:
        if depth > MAX_DEPTH or not self._spend(1 + len(wide) + len(narrow)):
            return False
        for part in narrow:
            values = self._asked.values(part)
            if values:
                return all(self._admits(each, wide, depth) for each in values)
        kinds, clash = self._asked.kinds(narrow)
        if clash is not None:
            return False
        return all(
            part in narrow
            or all(self._follows(part, keyword, narrow, kinds, depth) for keyword in part.value)
            for part in wide
        )

    def _follows(
        self, part: Node, keyword: str, narrow: Parts, kinds: frozenset[str], depth: int
    ) -> bool:
        """Whether what a keyword says follows from what the parts of another schema say."""
        argument = part.value[keyword]
        if keyword in ("allOf", "$ref") or keyword not in ASSERTIONS | {"format"}:
            return True
        if keyword == "type":
            stated = kinds_of(part.value)
            return stated is not None and kinds <= stated
        if keyword in _KINDS_OF_KEYWORD and kinds.isdisjoint(_KINDS_OF_KEYWORD[keyword]):
            return True
        if any(_says_the_same(keyword, argument, part, other) for other in narrow):
            return True
        if keyword == "required":
            names = {name for name in listing(argument) if isinstance(name, str)}
            return names <= set(self._asked.demands(list(narrow)))
        if keyword in ("minLength", "minItems", "minProperties", "minimum"):
            ours, theirs = bounds([part], keyword), highest(list(bounds(list(narrow), keyword)))
            return theirs is not None and all(
                (theirs.limit, theirs.strict) >= (each.limit, each.strict) for each in ours
            )
        if keyword in ("maxLength", "maxItems", "maxProperties", "maximum"):
            ours, theirs = bounds([part], keyword), lowest(list(bounds(list(narrow), keyword)))
            return theirs is not None and all(
                (theirs.limit, not theirs.strict) <= (each.limit, not each.strict) for each in ours
            )
        if keyword == "properties":
            return all(
                self._property_follows(part, name, narrow, depth) for name in mapping(argument)
            )
        if keyword == "items":
            items = self._asked.at(part, ("items",), argument)
            theirs_ = [self._asked.at(p, ("items",), p.value.get("items")) for p in narrow]
            stated_ = [node for node in theirs_ if node is not None]
            if items is None or any("prefixItems" in p.value for p in narrow):
                return False
            return self._includes(self._asked.parts(items), self._asked.parts(*stated_), depth + 1)
        return argument is True and keyword.endswith("Properties")

    def _property_follows(self, part: Node, name: str, narrow: Parts, depth: int) -> bool:
        node = self._asked.at(part, ("properties", name), part.value["properties"][name])
        if node is None:
            return False
        closed = (closes(other.value) for other in narrow)
        if any(allowed is not None and name not in allowed for allowed in closed):
            return True
        stated = self._asked.parts(*self._asked.stated(name, list(narrow)))
        return self._includes(self._asked.parts(node), stated, depth + 1)


def _says_the_same(keyword: str, argument: Any, part: Node, other: Node) -> bool:
    value = other.value
    if keyword not in value or value[keyword] != argument:
        return False
    if keyword in ("const", "enum") and key_of(value[keyword]) != key_of(argument):
        return False  # 1 is not true
    if keyword in ("additionalProperties", "unevaluatedProperties"):
        names = (set(mapping(each.get("properties"))) for each in (part.value, value))
        patterns = (key_of(each.get("patternProperties")) for each in (part.value, value))
        (ours, theirs), (one, two) = names, patterns
        return theirs <= ours and one == two and part.file == other.file
    return part.file == other.file or "$ref" not in key_of(argument)


def _strings(parts: Parts) -> Iterator[str]:
    formats = {part.value["format"] for part in parts if "format" in part.value}
    if formats:
        found = _OF_FORMAT.get(formats.pop()) if len(formats) == 1 else None
        yield from [found] if found else []
        return
    low = highest(list(bounds(list(parts), "minLength")))
    least = ceil(low.limit) if low else 0
    if least > MAX_LENGTH:
        return
    patterns = [part.value["pattern"] for part in parts if "pattern" in part.value]
    for pattern in patterns[:1]:
        short = isinstance(pattern, str) and len(pattern) <= MAX_LENGTH
        made = example(pattern, 0, max(least, 1)) if short else None
        if made is not None and all(matching(each, made) for each in patterns):
            yield made
        return
    yield "a" * max(least, 1)


def _integers(parts: Parts) -> Iterator[int]:
    low = highest(list(bounds(list(parts), "minimum", "exclusiveMinimum")))
    high = lowest(list(bounds(list(parts), "maximum", "exclusiveMaximum")))
    step = step_of(list(bounds(list(parts), "multipleOf")), True) or Fraction(1)
    start = low.limit if low else min(high.limit, Fraction(1)) if high else Fraction(1)
    if abs(start) > 10**15 or step > 10**15:
        return
    first = ceil(start / step) * step
    for value in (first, first + step, first - step):
        if value.denominator == 1:
            yield int(value)


_ORDER = ("object", "string", "integer", "boolean", "array", "fraction", "null")
_NUMBERS = frozenset(("integer", "fraction"))
_KINDS_OF_KEYWORD = (
    {
        keyword: _NUMBERS if measured == "number" else frozenset((measured,))
        for keyword, measured in MEASURED.items()
    }
    | dict.fromkeys(("pattern", "format"), frozenset(("string",)) | _NUMBERS)
    | dict.fromkeys(("items", "uniqueItems", "prefixItems", "contains"), frozenset(("array",)))
    | {"multipleOf": _NUMBERS}
    | dict.fromkeys(
        ("properties", "required", "additionalProperties", "patternProperties"),
        frozenset(("object",)),
    )
)
