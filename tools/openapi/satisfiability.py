"""Whether any value satisfies a schema: contradictions that are certain, and between whom.

A schema, what it refers to and the members of its `allOf` hold at once: they are looked at
together. A contradiction is reported by sound reasoning only; that none is found proves nothing.
Each set of schemas is looked at once, references are arrows, circles are taken to be satisfiable
(`endless` finds those that are not), and the effort for one schema is bounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from .constraints import (
    ASSERTIONS,
    KINDS,
    MEASURED,
    Statement,
    bounds,
    closes,
    highest,
    holds,
    kinds_of,
    leaves_number,
    lengths_of,
    lowest,
    matching,
    names_required,
    step_of,
)
from .document import Node
from .values import key_of, listing, mapping

if TYPE_CHECKING:
    from .api import Api

MAX_PARTS = 60  # of one schema: no real one includes more by `allOf`
MAX_DEPTH = 10  # of properties in properties
MAX_STEPS = 4000  # schemas and values that are looked at for one question
MAX_STEPS_IN_ALL = 100_000  # the largest real documents need some thousands
MAX_VALUES = 300  # of an enumeration
MAX_ALTERNATIVES = 40

Parts = tuple[Node, ...]


class Contradiction(NamedTuple):
    """Two statements that nothing satisfies at once (one, if it alone is enough).

    `noun` is the kind of value that cannot exist, `path` the properties and items that lead to the
    value the statements are about, `because` what has to be known beside them, `names` the required
    properties that are meant.
    """

    one: Statement
    other: Statement
    noun: str = "value"
    path: tuple[str, ...] = ()
    because: str = ""
    names: tuple[str, ...] = ()


class Satisfiability:
    """Questions about the schemas of one API, answered once for each set of schemas."""

    def __init__(self, api: Api) -> None:
        self._description, self._modern = api.description, api.version.modern
        self._known: dict[tuple[bool, frozenset[Node]], tuple[Contradiction, ...]] = {}
        self._parts: dict[Node, Parts] = {}
        self._uncertain: set[Node] = set()  # what they include is not all known
        self._listed: dict[Node, frozenset[str] | None] = {}  # what `enum` lists, as keys
        self._impossible: dict[Node, tuple[Contradiction, ...]] = {}
        self._left, self._deep = 0, True
        self._left_in_all = MAX_STEPS_IN_ALL

    def contradictions(self, *schemas: Node, deep: bool = True) -> tuple[Contradiction, ...]:
        """Why no value satisfies all these schemas; empty if none is known.

        Unless `deep`, what is wrong with a single schema inside (of a required property, of items)
        is left out: that schema is then contradictory in itself.
        """
        self._left, self._deep = MAX_STEPS, deep
        return self._contradictions(self.parts(*schemas), 0)

    def _spend(self, steps: int) -> bool:
        """Count the effort; false if it is spent, and all that is not known stays so."""
        self._left -= steps
        self._left_in_all -= steps
        return self._left > 0 and self._left_in_all > 0

    def impossible(self, schema: Node) -> tuple[Contradiction, ...]:
        """What contradicts here, not deep inside; also why no value of one admitted kind is valid.

        A schema without `type` admits `null`, whatever it demands of objects: for that there is a
        contradiction as well, whose `noun` is `object`.
        """
        if schema not in self._impossible:
            self._impossible[schema] = tuple(self._impossible_here(schema))
        return self._impossible[schema]

    def _impossible_here(self, schema: Node) -> Iterator[Contradiction]:
        found = self.contradictions(schema, deep=False)
        yield from found
        parts = self.parts(schema)
        if found or any(part.value is False or self.values(part) is not None for part in parts):
            return
        kinds, _ = self.kinds(parts)
        if len(kinds) == 1:
            return  # that was looked at
        kinds -= {"integer"} if "fraction" in kinds else set()
        for kind in sorted(kinds & _JUDGED):
            yield from self._of_kind(kind, parts, 0)

    def parts(self, *schemas: Node) -> Parts:
        """The schemas and what they include by `$ref` and `allOf`: all hold at once.

        Those that only include others are left out.
        """
        if len(schemas) == 1:
            if schemas[0] not in self._parts:
                self._parts[schemas[0]] = tuple(self._saying(schemas[0]))
            return self._parts[schemas[0]]
        return tuple(dict.fromkeys(chain.from_iterable(map(self.parts, schemas))))[:MAX_PARTS]

    def _saying(self, schema: Node) -> Iterator[Node]:
        """What a schema includes and demands anything; of what is not known, a node says so."""
        yield from filter(self._says, self.included(schema))
        if schema in self._uncertain:
            unknown = {"$dynamicRef": None}
            yield Node("schema", unknown, schema, (), schema.file, schema.unit)

    def included(self, *schemas: Node) -> list[Node]:
        """The schemas and all that they include, also what only includes others."""
        found: dict[Node, None] = {}
        stack = list(schemas)
        while stack and len(found) < MAX_PARTS:
            node = stack.pop()
            value = node.value
            if node in found or value is True:
                continue
            found[node] = None
            if type(value) is not dict:
                continue
            refers = isinstance(value.get("$ref"), str)
            if refers:
                target = self._description.target(node)
                stack += [target] if target is not None else []
                if target is None:
                    self._uncertain.update(schemas)
            if "allOf" in value and (self._modern or not refers):
                stack.extend(reversed(self.members(node, "allOf")[:MAX_PARTS]))
        if stack:
            self._uncertain.update(schemas)
        return list(found)

    def _says(self, node: Node) -> bool:
        """Whether a schema itself, without what it includes, demands anything."""
        value = node.value
        if type(value) is not dict:
            return value is False
        ignored = not self._modern and isinstance(value.get("$ref"), str)
        return not ignored and not _SAYING.isdisjoint(value)

    def members(self, node: Node, keyword: str) -> list[Node]:
        """The schemas in the list of a keyword; references are not followed."""
        listed = listing(node.value.get(keyword))
        found = (self.at(node, (keyword, index), each) for index, each in enumerate(listed))
        return [each for each in found if each is not None]

    def at(self, node: Node, key: tuple[str | int, ...], value: Any) -> Node | None:
        """The schema that is this value and stands there; references are not followed."""
        if isinstance(value, bool):
            return self._booleans.setdefault(
                (node, key), Node("schema", value, node, key, node.file, node.unit)
            )
        found = self._description.node_at(value)
        return found if found is not None and found.expects == "schema" else None

    @cached_property
    def _booleans(self) -> dict[tuple[Node, tuple[str | int, ...]], Node]:
        return {}

    # Contradictions

    def _contradictions(self, parts: Parts, depth: int) -> tuple[Contradiction, ...]:
        key = (self._deep, frozenset(parts))
        found = self._known.get(key)
        if found is None:
            if not self._spend(1 + len(parts)) or depth > MAX_DEPTH:
                return ()
            self._known[key] = ()  # in a circle
            found = self._known[key] = tuple(self._search(parts, depth))
            if not self._spend(0) and not found:
                del self._known[key]  # not all was looked at
        return found

    def _search(self, parts: Parts, depth: int) -> Iterator[Contradiction]:
        for part in parts:
            if part.value is False:
                yield Contradiction(Statement(part, ""), Statement(part, ""))
                return
        listed = [(part, values) for part in parts if (values := self.values(part)) is not None]
        if listed:
            yield from self._enumerated(parts, listed)
            return
        kinds, narrowed = self.kinds(parts)
        if narrowed is not None:
            yield narrowed
            return
        clashes = [self._of_kind(kind, parts, depth) for kind in kinds] if kinds <= _JUDGED else []
        if clashes and all(clashes):
            yield from clashes[0]
            return
        yield from self._without_alternative(parts, depth)
        yield from self._negated(parts)

    def _of_kind(self, kind: str, parts: Parts, depth: int) -> list[Contradiction]:
        return list(_BY_KIND[kind](self, list(parts), depth))

    def values(self, part: Node) -> list[Any] | None:
        """The values that `const` or `enum` leave; None if there is neither."""
        value = part.value
        if type(value) is not dict:
            return None
        if self._modern and "const" in value:
            return [value["const"]]
        listed = value.get("enum")
        return listed if isinstance(listed, list) and len(listed) <= MAX_VALUES else None

    def _enumerated(
        self, parts: Parts, listed: list[tuple[Node, list[Any]]]
    ) -> Iterator[Contradiction]:
        owner, values = min(listed, key=lambda pair: len(pair[1]))
        keyword = "const" if self._modern and "const" in owner.value else "enum"
        refusals = []
        for value in values:
            refused = self.refusal(value, parts)
            if refused is None:
                return
            refusals.append(refused)
        said = Statement(owner, keyword)
        yield Contradiction(said, refusals[0] if refusals else said)

    def refused(self, value: Any, *schemas: Node) -> Statement | None:
        """A statement of the schemas that the value certainly does not meet."""
        self._left = MAX_STEPS
        return self.refusal(value, self.parts(*schemas))

    def refusal(self, value: Any, parts: Parts, depth: int = 0) -> Statement | None:
        """A statement that the value certainly does not meet."""
        if not self._spend(1 + len(parts)):
            return None
        for part in parts:
            if part.value is False:
                return Statement(part, "")
            if "enum" in part.value and not self._lists(part, value):
                return Statement(part, "enum")
            for keyword in part.value:
                if keyword in _PLAIN and holds(value, keyword, part.value, self._modern) is False:
                    return Statement(part, keyword)
            inside = self._refused_inside(value, part, depth) if depth < MAX_DEPTH else None
            if inside is not None:
                return inside
        return None

    def _lists(self, part: Node, value: Any) -> bool:
        if part not in self._listed:
            listed = part.value["enum"]
            keys = frozenset(map(key_of, listed)) if isinstance(listed, list) else None
            self._listed[part] = keys
        keys = self._listed[part]
        return keys is None or key_of(value) in keys

    def _refused_inside(self, value: Any, part: Node, depth: int) -> Statement | None:
        for keyword in ("anyOf", "oneOf"):
            listed = listing(part.value.get(keyword))
            if not 0 < len(listed) <= MAX_ALTERNATIVES or not self._spend(len(listed)):
                continue
            members = self.members(part, keyword)
            if len(members) == len(listed) and all(
                self.refusal(value, self.parts(m), depth + 1) for m in members
            ):
                return Statement(part, keyword)
        if isinstance(value, dict):
            allowed = closes(part.value)
            if allowed is not None and not allowed.issuperset(value):
                return Statement(part, "additionalProperties")
            for name, inner in mapping(part.value.get("properties")).items():
                node = self.at(part, ("properties", name), inner) if name in value else None
                refused = node and self.refusal(value[name], self.parts(node), depth + 1)
                if refused:
                    return refused
        items = self.at(part, ("items",), part.value.get("items"))
        if isinstance(value, list) and items is not None and "prefixItems" not in part.value:
            for each in value[:MAX_VALUES]:
                refused = self.refusal(each, self.parts(items), depth + 1)
                if refused:
                    return refused
        return None

    def kinds(self, parts: Parts) -> tuple[frozenset[str], Contradiction | None]:
        """The kinds of values that every `type` admits, and who leaves none."""
        left, stated = KINDS, []
        for part in parts:
            here = kinds_of(part.value)
            if here is not None:
                stated.append((part, here))
                left &= here
        if left:
            return left, None
        for index, (part, here) in enumerate(stated):
            for other, there in stated[:index]:
                if here.isdisjoint(there):
                    said = Statement(other, "type"), Statement(part, "type")
                    return left, Contradiction(*said)
        (first, _), *_, (last, _) = stated
        return left, Contradiction(Statement(first, "type"), Statement(last, "type"))

    # Kinds of values

    def _numbers(self, parts: list[Node], whole: bool) -> Iterator[Contradiction]:
        low = highest(list(bounds(parts, "minimum", "exclusiveMinimum")))
        high = lowest(list(bounds(parts, "maximum", "exclusiveMaximum")))
        multiples = list(bounds(parts, "multipleOf"))
        if low is None or high is None:
            return
        noun = "integer" if whole else "number"
        if not leaves_number(low, high, step_of([], whole)):
            yield Contradiction(low.said, high.said, noun)
        elif not leaves_number(low, high, step_of(multiples, whole)):
            among = f"no multiple lies between {float(low.limit):g} and {float(high.limit):g}"
            yield Contradiction(multiples[0].said, low.said, noun, because=among)

    def _integers(self, parts: list[Node], _: int) -> Iterator[Contradiction]:
        return self._numbers(parts, True)

    def _fractions(self, parts: list[Node], _: int) -> Iterator[Contradiction]:
        return self._numbers(parts, False)

    def _strings(self, parts: list[Node], _: int) -> Iterator[Contradiction]:
        low = highest(list(bounds(parts, "minLength")))
        high = lowest(list(bounds(parts, "maxLength")))
        if low and high and low.limit > high.limit:
            yield Contradiction(low.said, high.said, "string")
            return
        for part in parts if low or high else ():
            pattern = part.value.get("pattern")
            if not isinstance(pattern, str):
                continue
            least, most = lengths_of(pattern)
            said = Statement(part, "pattern")
            if high and least > high.limit:
                needs = f"a match has {least} characters at least"
                yield Contradiction(said, high.said, "string", because=needs)
            elif low and most is not None and most < low.limit:
                needs = f"a match has {most} characters at most"
                yield Contradiction(said, low.said, "string", because=needs)

    def _arrays(self, parts: list[Node], depth: int) -> Iterator[Contradiction]:
        low = highest(list(bounds(parts, "minItems")))
        high = lowest(list(bounds(parts, "maxItems")))
        if low and high and low.limit > high.limit:
            yield Contradiction(low.said, high.said, "array")
            return
        for part in parts:
            contained = part.value.get("contains") if self._modern else None
            least = part.value.get("minContains", 1)
            if contained is not None and isinstance(least, int) and least > 0:
                if high and least > high.limit:
                    yield Contradiction(Statement(part, "contains"), high.said, "array")
                most = part.value.get("maxContains")
                if type(most) is int and most < least:
                    said = Statement(part, "minContains"), Statement(part, "maxContains")
                    yield Contradiction(*said, "array")
        if low is None or low.limit < 1:
            return
        yield from self._items(parts, low.limit > 1, low.said, depth)

    def _items(
        self, parts: list[Node], several: bool, demanded: Statement, depth: int
    ) -> Iterator[Contradiction]:
        """What makes the first item impossible, or several that differ."""
        items, owner = [], None
        for part in parts:
            prefix = self.members(part, "prefixItems")
            here = prefix[0] if prefix else self.at(part, ("items",), part.value.get("items"))
            if here is not None:
                items.append(here)
                owner = part
        if not items or owner is None:
            return
        together = self.parts(*items)
        for inner in self._inside(items, depth):
            if inner.one.keyword or len(together) > 1:
                yield inner._replace(noun="array", path=("items", *inner.path))
            else:
                yield Contradiction(demanded, Statement(owner, "items"), "array")
        unique = next((part for part in parts if part.value.get("uniqueItems") is True), None)
        least = highest(list(bounds(parts, "minItems")))
        if unique and least and several and not any("prefixItems" in p.value for p in parts):
            for part in together:
                values = self.values(part)
                if values is not None and len(set(map(key_of, values))) < least.limit:
                    fewer = f"there are {len(set(map(key_of, values)))} different values"
                    yield Contradiction(least.said, Statement(part, "enum"), "array", because=fewer)
                    return

    def _inner(self, parts: Parts, depth: int) -> tuple[Contradiction, ...]:
        return self._contradictions(parts, depth + 1)

    def _inside(self, schemas: list[Node], depth: int) -> tuple[Contradiction, ...]:
        """The contradictions of what a property or an item must satisfy."""
        parts = self.parts(*schemas)
        if not self._deep and len(schemas) == 1 and not _allows_nothing(parts):
            return ()
        return self._inner(parts, depth)

    def _objects(self, parts: list[Node], depth: int) -> Iterator[Contradiction]:
        demands = self.demands(parts)
        low = highest(list(bounds(parts, "minProperties")))
        high = lowest(list(bounds(parts, "maxProperties")))
        if low and high and low.limit > high.limit:
            yield Contradiction(low.said, high.said, "object")
            return
        if high and len(demands) > high.limit:
            several = f"{len(demands)} properties are required"
            yield Contradiction(next(iter(demands.values())), high.said, "object", because=several)
        yield from self._closed(parts, demands, low.said if low else None)
        for name, said in demands.items():
            yield from self._demanded(name, said, parts, depth)

    def demands(self, parts: list[Node]) -> dict[str, Statement]:
        """The required properties, each with who requires it first."""
        found: dict[str, Statement] = {}
        for part in parts:
            for name in names_required(part.value) if "required" in part.value else ():
                found.setdefault(name, Statement(part, "required"))
        dependent = [part for part in parts if "dependentRequired" in part.value]
        queue = list(found) if dependent and self._modern else []
        for name in queue:
            for part in dependent:
                for other in listing(mapping(part.value["dependentRequired"]).get(name)):
                    if isinstance(other, str) and other not in found:
                        found[other] = Statement(part, "dependentRequired")
                        queue.append(other)
        return found

    def _closed(
        self, parts: list[Node], demands: dict[str, Statement], least: Statement | None
    ) -> Iterator[Contradiction]:
        """Properties that a schema requires and one that allows its own only forbids."""
        for part in parts:
            allowed = closes(part.value)
            if allowed is None:
                continue
            keyword = "additionalProperties"
            keyword = keyword if keyword in part.value else "unevaluatedProperties"
            forbidden = [name for name in demands if name not in allowed]
            for said in dict.fromkeys(demands[name] for name in forbidden):
                names = tuple(name for name in forbidden if demands[name] == said)
                yield Contradiction(said, Statement(part, keyword), "object", names=names)
            if not forbidden and least is not None and least.argument > len(allowed):
                only = f"there are {len(allowed)} properties to choose from"
                yield Contradiction(least, Statement(part, keyword), "object", because=only)

    def _demanded(
        self, name: str, said: Statement, parts: list[Node], depth: int
    ) -> Iterator[Contradiction]:
        """What makes a required property impossible."""
        for part in parts if self._modern else ():
            names = self.at(part, ("propertyNames",), part.value.get("propertyNames"))
            if names is not None and self.refusal(name, self.parts(names)):
                yield Contradiction(said, Statement(part, "propertyNames"), "object", names=(name,))
                return
        stated = self.stated(name, parts)
        if not stated:
            return
        for inner in self._inside(stated, depth):
            if inner.one.node.value is False or (inner.one.keyword == "not" and not inner.path):
                yield Contradiction(said, inner.one, "object", names=(name,))
            else:
                yield inner._replace(noun="object", path=(name, *inner.path))

    def stated(self, name: str, parts: list[Node]) -> list[Node]:
        """The schemas that a property of this name must satisfy; closed ones aside."""
        found = []
        for part in parts:
            properties = mapping(part.value.get("properties"))
            here = []
            if name in properties:
                here.append(self.at(part, ("properties", name), properties[name]))
            patterns = mapping(part.value.get("patternProperties"))
            for pattern, inner in patterns.items():
                if matching(pattern, name):
                    here.append(self.at(part, ("patternProperties", pattern), inner))
            rest = part.value.get("additionalProperties")
            if not here and not patterns and isinstance(rest, dict) and "$ref" not in properties:
                here.append(self.at(part, ("additionalProperties",), rest))
            found += [node for node in here if node is not None]
        return found

    # Combinations

    def _without_alternative(self, parts: Parts, depth: int) -> Iterator[Contradiction]:
        """An `anyOf` or `oneOf` each of whose members contradicts what holds beside it."""
        for part in parts:
            for keyword in ("anyOf", "oneOf"):
                if keyword not in part.value:
                    continue
                listed = listing(part.value[keyword])
                if not 0 < len(listed) <= MAX_ALTERNATIVES or not self._spend(len(listed)):
                    continue
                members = self.members(part, keyword)
                complete = len(members) == len(listed)
                chosen = any(set(self.parts(member)) <= set(parts) for member in members)
                if not complete or chosen:
                    continue
                found = []
                for member in members:
                    clashes = self._inner(self.parts(*parts, member), depth)
                    if not clashes:
                        break
                    found.append(clashes[0])
                else:
                    every = f"each of the {len(members)} members contradicts it"
                    first = found[0]
                    other = first.one if first.other.node in self.parts(members[0]) else first.other
                    yield Contradiction(
                        Statement(part, keyword), other, "value", first.path, because=every
                    )
                    return

    def _negated(self, parts: Parts) -> Iterator[Contradiction]:
        """A `not` of what everything satisfies."""
        for part in parts:
            if "not" in part.value and part.value["not"] in ({}, True):
                yield Contradiction(Statement(part, "not"), Statement(part, "not"))
                return


def _allows_nothing(parts: Parts) -> bool:
    return any(part.value is False or part.value.get("not") in ({}, True) for part in parts)


_PLAIN = frozenset(("type", "const", "pattern", "required", "uniqueItems", "multipleOf", *MEASURED))
_BY_KIND = {
    "array": Satisfiability._arrays,
    "fraction": Satisfiability._fractions,
    "integer": Satisfiability._integers,
    "object": Satisfiability._objects,
    "string": Satisfiability._strings,
}
_JUDGED = frozenset(_BY_KIND)
_SAYING = (ASSERTIONS - {"allOf"}) | {"minContains", "maxContains", "format"}
