"""Values for JSON Schemas (2020-12) on both sides of their limits: candidates, not promises.

What is made here is meant to be judged by a validator. For one schema and a neighbour of it the
values lie where the two may differ: at the bounds of both, in and beside their lists, with and
without each property. The number of values is bounded, whatever the schemas say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

from ..matching import example
from .boundaries import Flat, items_of, numbers, sizes, strings
from .values import key_of, listing, mapping

MAX_VALUES: Final = 60  # for one schema


MAX_DEPTH: Final = 5
MAX_STEPS: Final = 20_000


MAX_MEMBERS: Final = 12


MAX_FIELDS: Final = 40


MAX_MERGED: Final = 40


class Instances:
    """Values for the schemas of one document with `$defs`."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._defs = mapping(document.get("$defs"))
        self._flat: dict[int, Flat | None] = {}
        self._open: set[int] = set()  # what is being flattened
        self._left = 0  # schemas that are looked at for one question
        self.circular = False  # a schema includes itself: validators lose themselves in it
        self._first: dict[int, Any] = {}
        self._kept: list[Any] = []  # what was flattened, so that its id stays its own
        self.root = document

    def flat(self, schema: Any) -> Flat | None:
        """A schema with its references and `allOf` taken together; None: nothing is valid."""
        if not isinstance(schema, dict):
            return None if schema is False else {}
        key = id(schema)
        if key in self._open:
            self.circular = True
            return {}
        if key not in self._flat:
            self._kept.append(schema)
            self._open.add(key)
            self._flat[key] = self._flattened(schema)
            self._open.discard(key)
        return self._flat[key]

    def _flattened(self, schema: dict[str, Any]) -> Flat | None:
        own = {k: v for k, v in schema.items() if k not in ("$ref", "allOf", "$defs", "$id")}
        parts = listing(schema.get("allOf"))[:MAX_MERGED]
        reference = schema.get("$ref")
        if isinstance(reference, str):
            parts = [self._defs.get(reference.rpartition("/")[2], {}), *parts]
        for part in parts:
            other = self.flat(part)
            if other is None:
                return None
            own = merged(own, other)
        return own

    def values(self, schema: Any, beside: Any = None, depth: int = 0) -> list[Any]:
        """Values for a schema, among them those at the limits of the one `beside`."""
        if depth == 0:
            self._left = MAX_STEPS
        flat = self.flat(schema)
        if flat is None:
            return []
        found = islice(self._values(flat, mapping(beside), depth), MAX_VALUES)
        return list({key_of(value): value for value in found}.values())

    def _values(self, flat: Flat, beside: Flat, depth: int) -> Iterator[Any]:
        self._left -= 1
        if self._left < 0:
            return
        if "const" in flat:
            yield flat["const"]
            return
        if isinstance(flat.get("enum"), list):
            yield from flat["enum"][:MAX_VALUES]
            return
        for keyword in ("oneOf", "anyOf"):
            members = listing(flat.get(keyword))
            if members:
                rest = {k: v for k, v in flat.items() if k != keyword}
                for member in members[:MAX_MEMBERS] if depth <= MAX_DEPTH else ():
                    inner = self.flat(member)
                    if inner is not None:
                        both = merged(rest, inner)
                        yield from islice(self._values(both, beside, depth + 1), 8)
                return
        for kind in _kinds(flat):
            yield from self._of_kind(kind, flat, beside, depth)

    def _of_kind(self, kind: str, flat: Flat, beside: Flat, depth: int) -> Iterator[Any]:
        match kind:
            case "object":
                yield from self._objects(flat, beside, depth)
            case "array":
                yield from self._arrays(flat, beside, depth)
            case "string":
                yield from strings(flat, beside)
            case "integer" | "number":
                yield from numbers(flat, beside, kind == "integer")
            case "boolean":
                yield from (True, False)
            case _:
                yield None

    def first(self, schema: Any, depth: int = 0) -> Any:
        """A plain value for a schema, or None; made once."""
        key = id(schema)
        if key not in self._first:
            flat = self.flat(schema)
            self._first[key] = None  # in a circle
            found = self._values(flat, {}, depth) if flat is not None else iter(())
            self._first[key] = next(found, None)
        return self._first[key]

    # Objects

    def base(self, flat: Flat, depth: int) -> dict[str, Any]:
        """The object with its required properties only."""
        properties = mapping(flat.get("properties"))
        names = [name for name in listing(flat.get("required")) if isinstance(name, str)]
        for trigger, needed in mapping(flat.get("dependentRequired")).items():
            names += listing(needed) if trigger in names else []
        rest = flat.get("additionalProperties", {})
        return {n: self.first(properties.get(n, rest), depth + 1) for n in names[:200]}

    def _objects(self, flat: Flat, beside: Flat, depth: int) -> Iterator[Any]:
        base = self.base(flat, depth)
        yield base
        if depth > MAX_DEPTH:
            return
        properties, theirs = mapping(flat.get("properties")), mapping(beside.get("properties"))
        names = [*properties, *(name for name in theirs if name not in properties)][:MAX_FIELDS]
        if depth <= 1:
            full = {n: self.first(properties[n], depth + 1) for n in properties}
            yield {**full, **base} if len(full) <= MAX_FIELDS else base
        else:
            names = names[:4]
        for name in names:
            if name in properties:
                values = self.values(properties[name], theirs.get(name), depth + 1)
                for value in values[: 6 if depth else 20]:
                    yield {**base, name: value}
            else:
                yield {**base, name: self.first(theirs[name], depth + 1)}
                yield {**base, name: 7}
        least = flat.get("minProperties")
        rest = flat.get("additionalProperties", {})
        extra = self.first(rest, depth + 1)
        if rest is not False:
            yield {**base, "x-other": extra}
            for count in sizes(flat, beside, "Properties"):
                if count <= 200:
                    yield {**{f"x-{n}": extra for n in range(count - len(base))}, **base}
        elif isinstance(least, int):
            more = [n for n in properties if n not in base][: max(0, least - len(base))]
            yield {**base, **{n: self.first(properties[n], depth + 1) for n in more}}
        for pattern, inner in mapping(flat.get("patternProperties")).items():
            key = example(pattern)
            if key is not None:
                yield {**base, key: self.first(inner, depth + 1)}

    # Arrays

    def _arrays(self, flat: Flat, beside: Flat, depth: int) -> Iterator[Any]:
        prefix = [self.first(each, depth + 1) for each in listing(flat.get("prefixItems"))]
        if depth > MAX_DEPTH:
            yield prefix
            return
        items = self.values(flat.get("items", {}), beside.get("items"), depth + 1) or [None]
        counts = list(sizes(flat, beside, "Items")) or [0, 1]
        for size in counts[:6]:
            count = max(0, size - len(prefix))
            yield prefix + items_of(items, count, distinct=flat.get("uniqueItems") is True)
        if flat.get("uniqueItems") is not True and counts[0] <= 2:
            yield prefix + items[:1] * 2
        least = max(1, flat.get("minItems") or 1)
        for item in items[1:8]:
            yield [*prefix, item, *items_of(items, least - 1, distinct=True)]
        contains = flat.get("contains")
        if isinstance(contains, dict):
            least = flat.get("minContains", 1)
            yield [self.first(contains, depth + 1)] * (least if isinstance(least, int) else 1)

    # With something at a place inside

    def around(self, schema: Any, path: tuple[str, ...], leaf: Any, depth: int = 0) -> Any:
        """A value for a schema with `leaf` where the path leads. Raises `LookupError`."""
        if not path:
            return leaf
        if depth == 0:
            self._left = MAX_STEPS
        flat = self.flat(schema)
        if flat is None or depth > 40:
            raise LookupError
        step, rest = path[0], path[1:]
        if step in ("anyOf", "oneOf") and step in flat:
            member = self.flat(listing(flat[step])[int(rest[0])]) or {}
            without = {k: v for k, v in flat.items() if k != step}
            return self.around(merged(without, member), rest[1:], leaf, depth + 1)
        if step in ("allOf", "anyOf", "oneOf"):
            return self.around(flat, rest[1:], leaf, depth + 1)
        for keyword in ("oneOf", "anyOf"):
            if listing(flat.get(keyword)) and step not in flat:
                member = self.flat(listing(flat[keyword])[0]) or {}
                without = {k: v for k, v in flat.items() if k != keyword}
                return self.around(merged(without, member), path, leaf, depth + 1)
        if step == "items":
            least = max(1, flat.get("minItems") or 1)
            inner = self.around(flat.get("items", {}), rest, leaf, depth + 1)
            prefix = [self.first(each) for each in listing(flat.get("prefixItems"))]
            more = items_of(self.values(flat.get("items", {})), least - 1, distinct=True)
            return [*prefix, inner, *more]
        if step == "prefixItems":
            index = int(rest[0])
            listed = [self.first(each) for each in listing(flat["prefixItems"])[: index + 1]]
            listed[index] = self.around(flat["prefixItems"][index], rest[1:], leaf, depth + 1)
            return listed
        base = self.base(flat, depth)
        if step == "properties":
            inner = mapping(flat.get("properties")).get(rest[0], {})
            return {**base, rest[0]: self.around(inner, rest[1:], leaf, depth + 1)}
        if step == "additionalProperties":
            inner = flat.get("additionalProperties", {})
            return {**base, "x-other": self.around(inner, rest, leaf, depth + 1)}
        if step == "patternProperties":
            name = example(rest[0])
            if name is not None:
                inner = mapping(flat.get("patternProperties")).get(rest[0], {})
                return {**base, name: self.around(inner, rest[1:], leaf, depth + 1)}
        raise LookupError


def merged(one: Flat, other: Flat) -> Flat:
    """What both schemas demand, as far as one schema can say it."""
    found = dict(one)
    for keyword, said in other.items():
        if keyword not in found:
            found[keyword] = said
        elif keyword in ("properties", "patternProperties"):
            found[keyword] = _joined(mapping(found[keyword]), mapping(said))
        elif keyword == "required":
            found[keyword] = list(dict.fromkeys((*listing(found[keyword]), *listing(said))))
        elif keyword == "type":
            found[keyword] = _common(found[keyword], said)
        elif keyword == "enum":
            known = {key_of(value) for value in listing(said)}
            found[keyword] = [v for v in listing(found[keyword]) if key_of(v) in known]
        elif keyword[:3] == "min" or keyword == "exclusiveMinimum":
            found[keyword] = max(found[keyword], said)
        elif keyword[:3] == "max" or keyword == "exclusiveMaximum":
            found[keyword] = min(found[keyword], said)
        elif keyword in ("additionalProperties", "items") and said is False:
            found[keyword] = False
    return found


def _joined(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    found = dict(one)
    for name, schema in other.items():
        same = name not in found or found[name] == schema
        found[name] = schema if same else {"allOf": [found[name], schema]}
    return found


def _common(one: Any, other: Any) -> list[Any]:
    mine = [one] if isinstance(one, str) else listing(one)
    theirs = [other] if isinstance(other, str) else listing(other)
    both = [kind for kind in mine if kind in theirs]
    if ("number" in mine and "integer" in theirs) or ("integer" in mine and "number" in theirs):
        both += ["integer"] * ("integer" not in both)
    return both


def _kinds(flat: Flat) -> Iterable[str]:
    named = flat.get("type")
    kinds = [named] if isinstance(named, str) else listing(named)
    if kinds or "type" in flat:
        return kinds
    likely = [kind for keyword, kind in _SAID_OF.items() if keyword in flat]
    return dict.fromkeys((*likely, *_ALL))


_ALL: Final = ("string", "integer", "object", "array", "boolean", "null", "number")


_SAID_OF: Final = {
    "properties": "object",
    "required": "object",
    "additionalProperties": "object",
    "items": "array",
    "minItems": "array",
    "pattern": "string",
    "minLength": "string",
    "maxLength": "string",
    "minimum": "number",
    "maximum": "number",
}
