"""A schema in terms that are the same in every version of the specification.

`nullable`, lists of types and alternatives with `null` say the same, as do `const` and an `enum`
of one, boolean exclusive bounds (2.0, 3.0) and those of 2020-12. What a keyword says by default is
left out, so that saying it or not is no difference.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from ..api import Api
from ..constraints import is_number
from ..document import Node
from ..values import key_of, listing, mapping

MAX_LAYERS: Final = 50


class Fact(NamedTuple):
    """What a keyword says, and who says it."""

    value: Any
    node: Node
    keyword: str


class Form:
    """A schema and what it refers to, taken together: they hold at once."""

    __slots__ = (
        "api",
        "facts",
        "inner",
        "lists",
        "maps",
        "nullable",
        "required",
        "schema",
        "types",
    )

    def __init__(self, api: Api, schema: Node, layers: list[Node]) -> None:
        self.api, self.schema = api, schema
        self.facts: dict[str, Fact] = {}
        self.inner: dict[str, Node] = {}
        self.lists: dict[str, list[Node]] = {}
        self.maps: dict[str, dict[str, Node]] = {}
        self.required: dict[str, Node] = {}
        self.types: frozenset[str] = frozenset()
        self.nullable = False
        typed = False
        for node in layers:
            here = self._types(node)
            if here is not None:
                self.types = self.types & here if typed else here
                self.facts.setdefault("type", Fact(None, node, "type"))
                typed = True
            self._read(node)
        self._drop_null()
        self.nullable = "null" in self.types
        self.types -= {"null"}

    @property
    def closed(self) -> bool:
        """Whether only declared properties may be there."""
        node = self.inner.get("additionalProperties")
        return node is not None and node.value is False

    def get(self, keyword: str) -> Any:
        """What a keyword says; None if nothing."""
        fact = self.facts.get(keyword)
        return None if fact is None else fact.value

    def _types(self, node: Node) -> frozenset[str] | None:
        value = mapping(node.value)
        named = value.get("type")
        listed = [named] if isinstance(named, str) else listing(named)
        types = {each for each in listed if isinstance(each, str)}
        if not types:
            only = value.get("enum") == [None] or ("const" in value and value["const"] is None)
            return frozenset(("null",)) if only and self.api.version.modern else None
        if value.get("nullable") is True or value.get("x-nullable") is True:
            types.add("null")
        return frozenset(types)

    def _read(self, node: Node) -> None:
        description, modern = self.api.description, self.api.version.modern
        for keyword, said in mapping(node.value).items():
            if keyword in _BOUNDS or keyword in _COUNTS:
                self._bound(node, keyword, said, modern)
            elif keyword in _SCHEMAS:
                child = description.child(node, keyword)
                if child is not None and not _says_nothing(keyword, child):
                    self.inner.setdefault(keyword, child)
            elif keyword in _MAPS:
                entries = self.maps.setdefault(keyword, {})
                for name, child in description.children(node, keyword):
                    entries.setdefault(str(name), child)
            elif keyword in _LISTS:
                found = [description.child(node, keyword, i) for i in range(len(listing(said)))]
                self.lists.setdefault(keyword, []).extend(n for n in found if n is not None)
            elif keyword == "required":
                for name in listing(said):
                    if isinstance(name, str):
                        self.required.setdefault(name, node)
            elif keyword in _ANY_VALUE:
                if keyword != "const" or modern:
                    self.facts.setdefault(keyword, Fact(said, node, keyword))
            elif keyword in _ARGUMENTS and said and isinstance(said, _ARGUMENTS[keyword]):
                self.facts.setdefault(keyword, Fact(said, node, keyword))

    def _bound(self, node: Node, keyword: str, said: Any, modern: bool) -> None:
        if not is_number(said):
            return
        strict = "exclusive" + keyword[:1].upper() + keyword[1:]
        if (
            keyword in _COUNTS
            and keyword.startswith("min")
            and said <= 0
            and keyword != "minContains"
        ):
            return
        name = strict if not modern and node.get(strict) is True else keyword
        known = self.get(name)
        tighter = known is None or (said > known if "min" in name.lower() else said < known)
        if tighter:
            self.facts[name] = Fact(said, node, keyword)

    def _drop_null(self) -> None:
        """An alternative that is only `null` makes the others nullable."""
        for keyword in ("anyOf", "oneOf"):
            members = self.lists.get(keyword, [])
            left = [m for m in members if not _is_null(m)]
            if len(left) == len(members) or not left:
                continue
            if len(left) == 1:
                other = form_of(self.api, left[0])
                del self.lists[keyword]
                if not self.types:
                    self._take(other)
            else:
                self.lists[keyword] = left
            if self.types or keyword not in self.lists:
                self.types |= {"null"}

    def _take(self, other: Form) -> None:
        self.types = other.types | {"null"}
        for name in ("facts", "inner", "required", "maps", "lists"):
            mine, theirs = getattr(self, name), getattr(other, name)
            for key, value in theirs.items():
                mine.setdefault(key, value)


def form_of(api: Api, schema: Node, *, merged: bool = False) -> Form:
    """The form of a schema; `merged` with the members of its `allOf`. Made once."""
    return api.found(_merged_form if merged else _plain_form, schema)


def _plain_form(api: Api, schema: Node) -> Form:
    return Form(api, schema, _layers(api, schema))


def _merged_form(api: Api, schema: Node) -> Form:
    form = Form(api, schema, api.parts(schema))
    form.lists.pop("allOf", None)
    return form


def _layers(api: Api, schema: Node) -> list[Node]:
    """The schema and what its references lead to."""
    found: list[Node] = []
    node: Node | None = schema
    while node is not None and node not in found and len(found) < MAX_LAYERS:
        found.append(node)
        node = api.description.target(node) if isinstance(node.get("$ref"), str) else None
    return found


def values_of(form: Form) -> list[Any] | None:
    """The values that `const` or `enum` leave, without null of what is nullable."""
    if "const" in form.facts:
        return [form.get("const")]
    listed = form.get("enum")
    if listed is None:
        return None
    return [each for each in listed if each is not None or not form.nullable]


def keys_of(values: list[Any]) -> dict[str, Any]:
    """Values by a text that is the same for equal ones."""
    return {key_of(value): value for value in values}


def _is_null(node: Node) -> bool:
    value = mapping(node.value)
    return value.get("type") == "null" or value.get("enum") == [None]


def _says_nothing(keyword: str, child: Node) -> bool:
    """Whether the schema of a keyword is what holds without it."""
    return keyword in _OPEN and (child.value is True or child.value == {})


_BOUNDS: Final = frozenset(
    ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
)
_COUNTS: Final = frozenset(
    (
        *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
        *("minContains", "maxContains"),
    )
)
_OPEN: Final = frozenset(
    ("additionalProperties", "items", "unevaluatedItems", "unevaluatedProperties", "propertyNames")
)
_SCHEMAS: Final = _OPEN | {"contains", "not", "if", "then", "else", "contentSchema"}
_MAPS: Final = frozenset(("properties", "patternProperties", "dependentSchemas"))
_LISTS: Final = frozenset(("allOf", "anyOf", "oneOf", "prefixItems"))
_ANY_VALUE: Final = frozenset(("default", "const"))
_ARGUMENTS: Final[dict[str, type]] = {
    **dict.fromkeys(("uniqueItems", "readOnly", "writeOnly", "deprecated"), bool),
    **dict.fromkeys(("pattern", "format", "contentMediaType", "contentEncoding"), str),
    **dict.fromkeys(("x-sunset", "x-stability-level", "collectionFormat"), str),
    **dict.fromkeys(("discriminator", "dependentRequired"), dict),
    **dict.fromkeys(("enum", "x-extensible-enum"), list),
}
