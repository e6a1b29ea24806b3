"""What differs in schemas that are made of others: alternatives, and schemas that are booleans."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..document import Node
from ..values import mapping
from .forms import Form, form_of
from .keywords import Difference
from .record import Side


def name_of(node: Node) -> str:
    """The name of a member's component, or its title; empty if it has neither."""
    if is_component(node):
        return f"name {node.key[-1]}"
    title = node.get("title")
    return f"title {title}" if isinstance(title, str) and title else ""


def is_component(node: Node) -> bool:
    """Whether a schema stands under a name of its own."""
    return node.key[:1] in (("schemas",), ("definitions",))


def booleans(old: Node, new: Node) -> Iterator[Difference]:
    """What differs where one of the schemas is `true` or `false`."""
    if old.value != new.value and not (old.value in (True, {}) and new.value in (True, {})):
        yield schema_changed("schema", old, new)


def schema_changed(facet: str, old: Node, new: Node) -> Difference:
    """The difference of two schemas that is not taken apart."""
    effect = "changes"
    if old.value is True or new.value is False:
        effect = "narrows"
    if old.value is False or new.value is True:
        effect = "widens"
    sides = Side(old.place(), old), Side(new.place(), new)
    return Difference(facet, "changed", effect, in_short(old), in_short(new), *sides)


def surplus(
    facet: str, gone: list[Node], new: list[Node], one: Form, two: Form
) -> Iterator[Difference]:
    """Members that only one side has, those of each kind as one difference."""
    narrows = facet in ("all-of", "prefix-items")
    for nodes, is_new in ((gone, False), (new, True)):
        for only in (False, True):
            these = [node for node in nodes if _is_annotation(node) is only]
            if not these:
                continue
            effect = "" if only else "narrows" if is_new is narrows else "widens"
            if (
                not only
                and facet in ("any-of", "one-of")
                and not (one.lists.get(_LIST_OF[facet]) and two.lists.get(_LIST_OF[facet]))
            ):
                effect = "narrows" if is_new else "widens"
            action = ("added" if is_new else "removed") + ("-annotation-only" if only else "")
            side = Side(these[0].place(), these[0])
            names = ", ".join(in_short(node) for node in these[:5])
            old_side = Side(one.schema.place(), one.schema) if is_new else side
            new_side = side if is_new else Side(two.schema.place(), two.schema)
            yield Difference(
                facet, action, effect, None if is_new else names, names if is_new else None,
                old_side, new_side,
            )  # fmt: skip


def descriptions(one: Form, two: Form) -> Iterator[Difference]:
    """Members of `allOf` on one side that only describe."""
    lists = one.lists.get("allOf", []), two.lists.get("allOf", [])
    ours, theirs = ([node for node in nodes if _is_annotation(node)] for nodes in lists)
    yield from surplus("all-of", ours, theirs, one, two)


def listed_types(one: Form, two: Form) -> list[Difference] | None:
    """What differs between alternatives that only name types; None if there are others."""
    before, after = _only_types(one), _only_types(two)
    if before is None or after is None or not (_several(one) or _several(two)):
        return None
    sides = Side(one.schema.place(), one.schema), Side(two.schema.place(), two.schema)
    names = "/".join(sorted(before)), "/".join(sorted(after))
    found = []
    if after - before:
        found.append(Difference("list-of-types", "widened", "widens", *names, *sides))
    if before - after:
        found.append(Difference("list-of-types", "narrowed", "narrows", *names, *sides))
    return found


def _several(form: Form) -> bool:
    return bool(form.lists.get("anyOf") or form.lists.get("oneOf"))


def _only_types(form: Form) -> frozenset[str] | None:
    if form.types:
        return form.types if not _several(form) and not form.maps.get("properties") else None
    members = form.lists.get("anyOf") or form.lists.get("oneOf") or []
    types = [form_of(form.api, member) for member in members]
    plain = all(len(t.types) == 1 and mapping(t.schema.value).keys() <= _ONLY_TYPE for t in types)
    return frozenset().union(*(t.types for t in types)) if types and plain else None


def _is_annotation(node: Node) -> bool:
    return isinstance(node.value, dict) and node.value.keys() <= _SAYS_NOTHING


def in_short(node: Node) -> str:
    """A schema in a word: its component's name, or its type."""
    if is_component(node):
        return str(node.key[-1])
    if isinstance(node.value, bool):
        return str(node.value).lower()
    value = mapping(node.value)
    if isinstance(value.get("$ref"), str):
        return str(value["$ref"]).rpartition("/")[2]
    if "const" in value:
        return str(value["const"])[:40]
    return str(value.get("title") or value.get("type") or "schema")


def wrapping(one: Form, two: Form) -> Difference | None:
    """An object that became one of several, one of which it was."""
    members = two.lists.get("oneOf")
    mine = one.maps.get("properties", {})
    if not members or not mine or one.lists.get("oneOf") or two.maps.get("properties"):
        return None
    names = [form_of(two.api, m, merged=True).maps.get("properties", {}).keys() for m in members]
    if not any(mine.keys() & each for each in names):
        return None
    sides = Side(one.schema.place(), one.schema), Side(two.schema.place("oneOf"), two.schema)
    listed = ", ".join(map(in_short, members[:5]))
    return Difference("wrapped-in-one-of", "", "changes", None, listed, *sides)


FACETS: Final = {
    "items": "items",
    "additionalProperties": "additional-properties",
    "unevaluatedItems": "unevaluated-items",
    "unevaluatedProperties": "unevaluated-properties",
    "propertyNames": "property-names",
    "contains": "contains",
    "not": "not",
    "if": "if",
    "then": "then",
    "else": "else",
    "contentSchema": "content-schema",
    "allOf": "all-of",
    "anyOf": "any-of",
    "oneOf": "one-of",
}


_LIST_OF: Final = {"any-of": "anyOf", "one-of": "oneOf"}


_ONLY_TYPE: Final = frozenset(("type", "title", "description", "example", "nullable"))


_SAYS_NOTHING: Final = frozenset(
    (
        *("title", "description", "example", "examples", "deprecated", "externalDocs", "xml"),
        *("$comment", "readOnly", "writeOnly", "default"),
    )
)
