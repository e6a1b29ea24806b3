"""Schema Objects as JSON Schema 2020-12, for a validator that knows nothing of OpenAPI.

Each schema that a reference leads to is one of `$defs`, and references stay references. What
a version says in other words is said in those of 2020-12: `nullable`, boolean exclusive bounds and
lists of `items` (2.0, 3.0). `readOnly` and `writeOnly` decide what is required in a direction. What
is malformed is left out: the rules on validity report it, and a value is not rejected for it.
Sources: OpenAPI 3.0.4 section 4.7.24, 3.1.2 section 4.8.24; JSON Schema 2020-12.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from .document import Node, steps_of
from .kinds import Version
from .values import listing, mapping

if TYPE_CHECKING:
    from .api import Api

Schema = dict[str, Any] | bool
ROOT: Final = "urn:api"
"""The base of absolute locations: `urn:api#/$defs/3/properties/name/type`."""

MAX_ARROWS: Final = 20  # references to references


class Direction(StrEnum):
    """Which way a value travels: to the API, from it, or both."""

    REQUEST = "request"
    RESPONSE = "response"
    BOTH = "both"


_NOT_TRAVELLING: Final = {
    Direction.REQUEST: ("readOnly",),
    Direction.RESPONSE: ("writeOnly",),
    Direction.BOTH: ("readOnly", "writeOnly"),
}
_MAPS: Final = ("properties", "patternProperties", "dependentSchemas")
_LISTS: Final = ("allOf", "anyOf", "oneOf", "prefixItems")
_SINGLE: Final = (
    *("items", "additionalProperties", "unevaluatedItems", "unevaluatedProperties"),
    *("propertyNames", "contains", "not", "if", "then", "else"),
)
_COUNTS: Final = (
    *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
    *("minContains", "maxContains"),
)
_NUMBERS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_SINCE_3_1: Final = frozenset(
    (
        *("patternProperties", "dependentSchemas", "dependentRequired", "prefixItems", "if"),
        *("then", "else", "contains", "minContains", "maxContains", "propertyNames", "const"),
        *("unevaluatedItems", "unevaluatedProperties"),
    )
)
_TYPES: Final = frozenset(("null", "boolean", "integer", "number", "string", "array", "object"))
FORMATS: Final = frozenset(("date", "date-time", "uuid", "ipv4", "ipv6"))
"""Formats of the registry that are decided alike everywhere."""
_WHOLE: Final = {"int32": 31, "int64": 63}


class Translation:
    """The schemas of an API in one direction; it grows with what is asked for."""

    def __init__(self, api: Api, direction: Direction, usable: Callable[[str], bool]) -> None:
        self._api, self._description = api, api.description
        self._modern = api.version.modern
        self._direction = direction
        self._usable = usable  # whether the validator can take a regular expression
        self._names: dict[int, str] = {}  # by id of a node
        self._nodes: list[Node] = []  # by name, which is a number; ids are of living objects only
        self._waiting: list[str] = []
        self._made: dict[str, Schema] = {}
        self._uses: dict[str, list[str]] = {}
        self._used: list[str] = []  # by the schema that is being translated

    def name(self, node: Node) -> str:
        """The name of a schema among `$defs`; it and all that it refers to are translated."""
        name = self._name(self._meant(node), [])
        while self._waiting:
            made = self._waiting.pop()
            self._used = self._uses[made] = []
            self._made[made] = self._schema(self._nodes[int(made)])
        return name

    def _meant(self, node: Node) -> Node:
        """Where a schema leads that says nothing but `$ref`; in 3.1 another may stand beside it."""
        if node.kind == "reference":
            return self._description.resolve(node.value) or node
        for _ in range(MAX_ARROWS):
            is_arrow = node.kind == "schema" and mapping(node.value).keys() == {"$ref"}
            target = self._description.target(node) if is_arrow else None
            if target is None:
                break
            node = target
        return node

    def root(self, names: Sequence[str], root: dict[str, Any]) -> dict[str, Any]:
        """A whole JSON Schema document, with what the named schemas refer to under `$defs`."""
        found = dict.fromkeys(names)
        stack = list(names)
        while stack:
            for used in self._uses[stack.pop()]:
                if used not in found:
                    found[used] = None
                    stack.append(used)
        return {"$id": ROOT, "$defs": {name: self._made[name] for name in found}, **root}

    def node(self, location: str) -> Node | None:
        """The schema among `$defs` that holds a keyword, by the keyword's absolute location."""
        name = "".join(steps_of(location.partition("#")[2])[1:2])
        known = name.isdecimal() and int(name) < len(self._nodes)
        return self._nodes[int(name)] if known else None

    def beside(self, location: str) -> dict[str, Any]:
        """The translated schema that holds a keyword, by the keyword's absolute location."""
        found: Any = {"$defs": self._made}
        for step in steps_of(location.partition("#")[2])[:-1]:
            key: Any = int(step) if isinstance(found, list) else step
            try:
                found = found[key]
            except (LookupError, TypeError, ValueError):
                return {}
        return mapping(found)

    def _name(self, node: Node, users: list[str]) -> str:
        name = self._names.get(id(node))
        if name is None:
            name = self._names[id(node)] = str(len(self._nodes))
            self._nodes.append(node)
            self._waiting.append(name)
        users.append(name)
        return name

    def _reference(self, node: Node) -> str:
        return f"#/$defs/{self._name(node, self._used)}"

    def _inner(self, value: Any) -> Schema:
        """A schema inside of another."""
        node = self._description.node_at(value)
        return self._schema(node) if node is not None else value is not False

    def _schema(self, node: Node) -> Schema:
        value = node.value
        if not isinstance(value, dict):
            return value is not False
        target = self._description.target(node) if isinstance(value.get("$ref"), str) else None
        if node.kind == "reference":
            end = self._description.resolve(value)
            return {"$ref": self._reference(end)} if end is not None else True
        found: dict[str, Any] = {"$ref": self._reference(target)} if target is not None else {}
        for keyword, argument in value.items():
            if keyword in _SINCE_3_1 and not self._modern:
                continue
            for said, of_it in self._keyword(keyword, argument, value):
                found[said] = of_it
        required = list(self._required(node))
        if required:
            found["required"] = required
        return self._or_null(found) if self._is_nullable(value) else found

    def _keyword(self, keyword: str, argument: Any, around: Any) -> Iterator[tuple[str, Any]]:
        """What a keyword is in 2020-12; nothing, if it asserts nothing or is malformed."""
        if keyword in _MAPS:
            named = {str(k): self._inner(v) for k, v in mapping(argument).items()}
            if keyword == "patternProperties":
                named = {k: v for k, v in named.items() if self._usable(k)}
            yield keyword, named
        elif keyword in _LISTS:
            if isinstance(argument, list) and argument:
                name = "anyOf" if keyword == "oneOf" and "discriminator" in around else keyword
                yield name, [self._inner(each) for each in argument]
        elif keyword == "items" and isinstance(argument, list):
            yield "prefixItems", [self._inner(each) for each in argument]
            if "additionalItems" in around:
                yield "items", self._inner(around["additionalItems"])
        elif keyword in _SINGLE:
            if isinstance(argument, dict | bool):
                yield keyword, self._inner(argument)
        elif keyword in _NUMBERS:
            yield from self._bound(keyword, argument, around)
        else:
            yield from self._plain(keyword, argument, around)

    def _plain(self, keyword: str, argument: Any, around: Any) -> Iterator[tuple[str, Any]]:
        match keyword:
            case "type":
                listed = listing([argument] if isinstance(argument, str) else argument)
                if listed and all(isinstance(each, str) and each in _TYPES for each in listed):
                    yield keyword, argument
            case "enum" if isinstance(argument, list) and (argument or self._modern):
                yield keyword, argument
            case "const":
                yield keyword, argument
            case "pattern" if isinstance(argument, str) and self._usable(argument):
                yield keyword, argument
            case "uniqueItems" if argument is True:
                yield keyword, True
            case "format" if isinstance(argument, str) and argument in FORMATS:
                yield keyword, argument
            case "format" if (
                isinstance(argument, str) and argument in _WHOLE and "if" not in around
            ):
                limit = 1 << _WHOLE[argument]
                whole = {"type": "integer", "minimum": -limit, "maximum": limit - 1}
                yield "if", {"type": "number"}
                yield "then", whole
            case "dependentRequired" if isinstance(argument, dict):
                names = [name for each in argument.values() for name in listing(each) or [None]]
                if all(isinstance(name, str) for name in names):
                    yield keyword, argument
            case _ if keyword in _COUNTS and _is_count(argument):
                yield keyword, argument

    def _bound(self, keyword: str, argument: Any, around: Any) -> Iterator[tuple[str, Any]]:
        if isinstance(argument, bool) or not isinstance(argument, int | float):
            return  # of an exclusive bound in 2.0 and 3.0: see below
        if keyword == "multipleOf" and argument <= 0:
            return
        if self._modern or keyword == "multipleOf":
            yield keyword, argument
        elif not keyword.startswith("exclusive"):
            exclusive = f"exclusiveM{keyword[1:]}"
            yield (exclusive if around.get(exclusive) is True else keyword), argument

    def _required(self, node: Node) -> Iterator[str]:
        """The properties that must be there in this direction."""
        listed = node.value.get("required")
        if not isinstance(listed, list):
            return
        whole = node
        while whole.parent is not None and whole.key[:1] == ("allOf",):
            whole = whole.parent
        properties: dict[str, Node] | None = None
        for name in listed:
            if not isinstance(name, str):
                continue
            own = mapping(node.value.get("properties")).get(name)
            schema = self._description.node_at(own)
            if schema is None:
                if properties is None:
                    properties = self._api.properties(whole)
                schema = properties.get(name)
            if schema is None or not self._stays_away(schema):
                yield name

    def _stays_away(self, schema: Node) -> bool:
        marks = _NOT_TRAVELLING[self._direction]
        return any(part.get(mark) is True for part in self._api.parts(schema) for mark in marks)

    def _is_nullable(self, value: dict[str, Any]) -> bool:
        if self._api.version is Version.V20:
            return value.get("x-nullable") is True
        return value.get("nullable") is True  # of 3.1, too: meant, and another rule reports it

    @staticmethod
    def _or_null(found: dict[str, Any]) -> dict[str, Any]:
        if not found.keys() & {"$ref", *_LISTS, "not", "const"}:
            if isinstance(found.get("type"), str):
                found["type"] = [found["type"], "null"]
            if "enum" in found:
                found["enum"] = [*found["enum"], None]
            return found
        return {"anyOf": [{"type": "null"}, found]}


def _is_count(value: Any) -> bool:
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return whole and not isinstance(value, bool) and value >= 0
