"""Whether one JSON Schema (2020-12) admits all that another does: a proof, or silence.

Each statement of the wide schema has to follow from what the narrow one says; where it is not
known to, the answer is no. Schemas that refer to themselves are included where nothing on the way
around speaks against it.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

from ..regular_expressions.inclusion import unmatched
from .boundaries import Flat
from .constraints import exact
from .instances import Instances, merged
from .values import key_of, listing, mapping

MAX_STEPS: Final = 3_000
MAX_DEPTH: Final = 40
_KINDS: Final = ("null", "boolean", "string", "array", "object", "integer", "number")
_OF_KIND: Final = {
    **dict.fromkeys(("minLength", "maxLength", "pattern", "format"), "string"),
    **dict.fromkeys(("minItems", "maxItems", "uniqueItems", "items", "contains"), "array"),
    **dict.fromkeys(("prefixItems", "minContains", "maxContains"), "array"),
    **dict.fromkeys(("minProperties", "maxProperties", "required", "properties"), "object"),
    **dict.fromkeys(("additionalProperties", "patternProperties", "propertyNames"), "object"),
    **dict.fromkeys(("dependentRequired", "dependentSchemas"), "object"),
}
_LOWER: Final = ("minLength", "minItems", "minProperties")
_UPPER: Final = ("maxLength", "maxItems", "maxProperties")
_RANGES: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_SAY_NOTHING: Final = frozenset(("$defs", "$id", "minContains", "maxContains"))


class Inclusion:
    """Questions about the schemas of two documents; `admits` judges a value by the wide one."""

    def __init__(
        self, wide: Instances, narrow: Instances, admits: Callable[[Any], bool | None]
    ) -> None:
        self._wide, self._narrow, self._admits = wide, narrow, admits
        self._known: dict[tuple[int, int], Any] = {}  # with the schemas, so that ids stay theirs
        self._left = MAX_STEPS
        self._depth = 0

    def holds(self) -> bool:
        """Whether the wide schema certainly admits all that the narrow one does."""
        narrow = self._narrow.flat(self._narrow.root)
        values = _values(narrow or {})
        if values is not None:
            return all(self._admits(value) is True for value in values)
        return self._includes(self._wide.root, self._narrow.root)

    def _includes(self, wide: Any, narrow: Any) -> bool:
        key = (id(wide), id(narrow))
        self._left -= 1
        if key in self._known or self._left < 0:
            return self._left >= 0
        self._known[key] = wide, narrow  # in a circle
        return self._flat_includes(self._wide.flat(wide), self._narrow.flat(narrow))

    def _flat_includes(self, wide: Flat | None, narrow: Flat | None) -> bool:
        self._depth += 1
        try:
            return self._depth < MAX_DEPTH and self._taken_apart(wide, narrow)
        finally:
            self._depth -= 1

    def _taken_apart(self, wide: Flat | None, narrow: Flat | None) -> bool:
        if narrow is None or wide == {}:
            return True
        if wide is None:
            return False
        for keyword in ("anyOf", "oneOf"):
            members = listing(narrow.get(keyword))
            if members and not _says_the_same(wide, narrow, keyword):
                rest = {k: v for k, v in narrow.items() if k != keyword}
                inner = [self._narrow.flat(member) for member in members]
                return all(
                    each is None or self._flat_includes(wide, merged(rest, each)) for each in inner
                )
        values = _values(narrow)
        if values is not None:
            allowed = _values(wide)
            known = set(map(key_of, allowed or []))
            return allowed is not None and all(key_of(value) in known for value in values)
        return all(self._follows(keyword, wide, narrow) for keyword in wide)

    def _follows(self, keyword: str, wide: Flat, narrow: Flat) -> bool:
        kinds = _kinds(narrow)
        if keyword in _SAY_NOTHING or kinds.isdisjoint((_OF_KIND.get(keyword, ""), *kinds)):
            return True
        if keyword in _OF_KIND and _OF_KIND[keyword] not in kinds:
            return True
        if keyword in (*_RANGES, "multipleOf") and kinds.isdisjoint(("integer", "number")):
            return True
        ours, theirs = wide[keyword], narrow.get(keyword)
        if keyword == "type":
            return kinds <= _kinds(wide)
        if keyword in _LOWER:
            return isinstance(theirs, int | float) and theirs >= ours
        if keyword in _UPPER:
            return isinstance(theirs, int | float) and theirs <= ours
        if keyword in _RANGES:
            return _is_within(keyword, ours, narrow)
        if keyword == "multipleOf":
            step = exact(theirs) if isinstance(theirs, int | float) else Fraction(0)
            if "number" not in kinds and not step:
                step = Fraction(1)
            return step > 0 and (step / exact(ours)).denominator == 1
        if keyword == "pattern" and isinstance(theirs, str) and theirs != ours:
            return _is_matched(theirs, ours)
        if keyword == "required":
            return set(listing(ours)) <= set(listing(theirs))
        if keyword == "properties":
            return all(self._property(name, schema, narrow) for name, schema in ours.items())
        if keyword == "additionalProperties":
            return self._others(wide, narrow)
        if keyword == "items":
            if "prefixItems" in narrow or "prefixItems" in wide:
                return _says_the_same(wide, narrow, keyword, "prefixItems")
            return narrow.get("maxItems") == 0 or self._includes(ours, narrow.get("items", {}))
        if keyword == "anyOf" and not _says_the_same(wide, narrow, keyword):
            return any(self._flat_includes(self._wide.flat(each), narrow) for each in ours)
        return _says_the_same(wide, narrow, keyword)

    def _property(self, name: str, schema: Any, narrow: Flat) -> bool:
        if narrow.get("patternProperties"):
            return False
        inner = mapping(narrow.get("properties")).get(name)
        if inner is None:
            inner = narrow.get("additionalProperties", {})
        return self._includes(schema, inner)

    def _others(self, wide: Flat, narrow: Flat) -> bool:
        """Whether what the wide schema does not declare may be there as the narrow one says."""
        if narrow.get("patternProperties") or wide.get("patternProperties"):
            return _says_the_same(
                wide, narrow, "patternProperties", "properties", "additionalProperties"
            )
        rest, declared = wide["additionalProperties"], mapping(wide.get("properties"))
        more = (s for n, s in mapping(narrow.get("properties")).items() if n not in declared)
        return all(
            self._includes(rest, each) for each in (*more, narrow.get("additionalProperties", {}))
        )


def _kinds(flat: Flat) -> set[str]:
    named = flat.get("type")
    kinds = {named} if isinstance(named, str) else set(listing(named)) or set(_KINDS)
    return kinds | {"integer"} if "number" in kinds else kinds


def _values(flat: Flat) -> list[Any] | None:
    return [flat["const"]] if "const" in flat else flat.get("enum")


def _is_within(keyword: str, limit: float, narrow: Flat) -> bool:
    """Whether the numbers of a schema keep a limit."""
    upper, strict = keyword.endswith("aximum"), keyword.startswith("exclusive")
    plain, hard = ("maximum", "exclusiveMaximum") if upper else ("minimum", "exclusiveMinimum")
    for name in (plain, hard):
        theirs = narrow.get(name)
        if isinstance(theirs, int | float):
            room = exact(limit) - exact(theirs) if upper else exact(theirs) - exact(limit)
            if room > 0 or (room == 0 and (name == hard or not strict)):
                return True
    return False


def _is_matched(narrow: str, wide: str) -> bool:
    """Whether one pattern matches all that another does."""
    try:
        return unmatched(narrow, wide) is None
    except ValueError:
        return False


def _says_the_same(wide: Flat, narrow: Flat, *keywords: str) -> bool:
    """Whether both say the same, word for word, and nothing that refers elsewhere."""
    ours, theirs = ([flat.get(keyword) for keyword in keywords] for flat in (wide, narrow))
    return key_of(ours) == key_of(theirs) and '"$ref"' not in key_of(ours)
