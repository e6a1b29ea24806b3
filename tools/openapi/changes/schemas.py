"""What differs between two schemas, each pair of them compared once.

Schemas are matched by what they are, not by where they are written: references are followed, so
that a moved or renamed component is no difference; alternatives are matched by their meaning. A
pair that is met again inside of itself is taken to be equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from ..api import Api
from ..document import Node
from ..values import key_of, mapping
from .alike import Key
from .alike import key_of as place_of
from .forms import Fact, Form, form_of, keys_of, values_of
from .record import Side

MAX_MEMBERS: Final = 60  # of a composition that are matched
MAX_NESTED: Final = 30  # comparisons inside of comparisons
Pair = tuple[Node, Node]


Outline = tuple[frozenset[str], frozenset[str]]
"""The types of a schema, and the names of its properties."""


def outline(api: Api, schema: Node) -> Outline:
    """What is the same for equal schemas, and cheap to know."""
    form = form_of(api, schema, merged=True)
    return form.types, frozenset(form.maps.get("properties", ()))


class Difference(NamedTuple):
    """What differs in one pair of schemas; `subject` is empty for the schema itself.

    `name` is that of a property or value. See `Change` for the rest.
    """

    facet: str
    action: str
    effect: str
    before: Any
    after: Any
    old: Side | None
    new: Side | None
    subject: str = ""
    name: str = ""


class Step(NamedTuple):
    """The way from a pair of schemas to one inside: a property, `items`, a member of `allOf`."""

    keyword: str
    name: str  # in compositions the index; in the new one, if that differs, `new_name`
    old: Node
    new: Node
    new_name: str = ""


class Compared(NamedTuple):
    """A pair of schemas: what differs here, and the pairs inside."""

    differences: tuple[Difference, ...]
    steps: tuple[Step, ...]


_SAME: Final = Compared((), ())


class Schemas:
    """The pairs of schemas of two APIs, compared as they are asked for."""

    def __init__(self, old: Api, new: Api, unchanged: frozenset[Key]) -> None:
        self.old, self.new, self._unchanged = old, new, unchanged
        self._compared: dict[Pair, Compared] = {}
        self._different: dict[Pair, bool] = {}
        self._continued: set[Node] = set()  # schemas that were compared with one of the new version
        self._open: set[Pair] = set()  # pairs that are being compared
        self._depth = 0

    def compared(self, old: Node, new: Node) -> Compared:
        """What differs in a pair, without what is inside."""
        pair = (old, new)
        if pair not in self._compared:
            self._continued.add(old)
            self._compared[pair] = _SAME  # where it is met inside of itself
            if not self._is_unchanged(old, new):
                self._open.add(pair)
                self._compared[pair] = self._compare(old, new)
                self._open.remove(pair)
        return self._compared[pair]

    def differ(self, old: Node, new: Node) -> bool:
        """Whether anything differs in a pair or inside of it."""
        start = (old, new)
        if start not in self._different:
            self._settle(start)
        return self._different[start]

    def lives_on(self, schema: Node, others: dict[Outline, list[Node]]) -> bool:
        """Whether a schema of the old version is, as it is, one of the new version."""
        if schema in self._continued:
            return True
        alike = others.get(outline(self.old, schema), [])
        return any(schema.value == other.value for other in alike) or any(
            self._equal(schema, other) for other in alike[:MAX_MEMBERS]
        )

    def _settle(self, start: Pair) -> None:
        """Find all pairs inside that are not settled; then tell those above of what differs."""
        users: dict[Pair, list[Pair]] = {start: []}
        stack, dirty = [start], []
        while stack:
            pair = stack.pop()
            found = self.compared(*pair)
            if found.differences:
                dirty.append(pair)
            for step in found.steps:
                inner = (step.old, step.new)
                if self._different.get(inner):
                    dirty.append(pair)
                elif inner not in self._different:
                    if inner not in users:
                        users[inner] = []
                        stack.append(inner)
                    users[inner].append(pair)
        marked = set(dirty)
        while dirty:
            for user in users[dirty.pop()]:
                if user not in marked:
                    marked.add(user)
                    dirty.append(user)
        taken_for_equal = not self._open.isdisjoint(users)
        for pair in users:
            if pair in marked or not taken_for_equal:
                self._different[pair] = pair in marked
        self._different.setdefault(start, start in marked)

    def _is_unchanged(self, old: Node, new: Node) -> bool:
        starts_unit = old.unit.component and (old.parent is None or old.parent.unit is not old.unit)
        return (
            bool(starts_unit) and place_of(new) == (key := place_of(old)) and key in self._unchanged
        )

    def _compare(self, old: Node, new: Node) -> Compared:
        if isinstance(old.value, bool) or isinstance(new.value, bool):
            return Compared(tuple(_booleans(old, new)), ())
        one, two = form_of(self.old, old), form_of(self.new, new)
        found: list[Difference] = []
        if ("allOf" in one.lists) != ("allOf" in two.lists):
            found += _annotations(one, two)
            one = form_of(self.old, old, merged=True)
            two = form_of(self.new, new, merged=True)
        steps: list[Step] = []
        wrapped = _wrapping(one, two)
        if wrapped is not None:
            return Compared((wrapped,), ())
        found += [*_facts(one, two), *_values(one, two), *_lifecycle(one, two)]
        listed = _listed_types(one, two)
        found += _types(one, two) if listed is None else listed
        found = [each for each in found if not self._same_target(each)]
        found += self._properties(one, two, steps)
        found += self._inner(one, two, steps)
        for keyword in ("allOf", "anyOf", "oneOf") if listed is None else ("allOf",):
            found += self._members(keyword, one, two, steps)
        found += self._prefix(one, two, steps)
        return Compared(tuple(found), tuple(steps))

    def _same_target(self, found: Difference) -> bool:
        """Whether a discriminator leads to the same schema under another name."""
        if (found.facet, found.action) != ("discriminator-mapping", "changed"):
            return False
        ours, theirs, kept = (
            api.description.child(api.root, "components", "schemas", str(name).rpartition("/")[2])
            for api, name in (
                (self.old, found.before), (self.new, found.after), (self.new, found.before),
            )
        )  # fmt: skip
        renamed = ours is not None and theirs is not None and kept is None
        return bool(renamed and ours and theirs and self._equal(ours, theirs))

    # Objects

    def _properties(self, one: Form, two: Form, steps: list[Step]) -> Iterator[Difference]:
        ours, theirs = one.maps.get("properties", {}), two.maps.get("properties", {})
        for name in sorted(ours.keys() | theirs.keys()):
            if name not in theirs:
                yield self._property_gone(name, ours[name], one, two)
            elif name not in ours:
                yield self._property_new(name, theirs[name], one, two)
            else:
                steps.append(Step("properties", name, ours[name], theirs[name]))
                if (name in one.required) != (name in two.required):
                    yield _required(name, one, two, theirs[name], self.new)
                yield from self._travelling(name, ours[name], theirs[name], name in two.required)
        for name in sorted(one.required.keys() ^ two.required.keys()):
            if name not in ours and name not in theirs:
                yield _required(name, one, two, None, self.new)
        for keyword, facet in (
            ("patternProperties", "pattern-property"),
            ("dependentSchemas", "dependent-schema"),
        ):
            before, after = one.maps.get(keyword, {}), two.maps.get(keyword, {})
            for name in sorted(before.keys() | after.keys()):
                if name in before and name in after:
                    steps.append(Step(keyword, name, before[name], after[name]))
                    continue
                gone = name in before
                node = before[name] if gone else after[name]
                side = Side(node.place(), node)
                yield Difference(
                    facet, "removed" if gone else "added", "widens" if gone else "narrows",
                    name if gone else None, None if gone else name,
                    side if gone else None, None if gone else side, name=name,
                )  # fmt: skip

    def _travelling(
        self, name: str, ours: Node, theirs: Node, required: bool
    ) -> Iterator[Difference]:
        """Whether a property is only sent, or only received."""
        one, two = form_of(self.old, ours), form_of(self.new, theirs)
        subject = "required-property" if required else "optional-property"
        for keyword, word in (("readOnly", "read-only"), ("writeOnly", "write-only")):
            was, now = one.get(keyword) is True, two.get(keyword) is True
            if was != now:
                action = f"became-{'' if now else 'not-'}{word}"
                sides = _side(one, keyword), _side(two, keyword)
                yield Difference("", action, "changes", was, now, *sides, subject, name)

    def _property_gone(self, name: str, node: Node, one: Form, two: Form) -> Difference:
        required = name in one.required
        words = ["required" if required else "optional", _marks(self.old, node), "property"]
        effect = "widens" if required else "narrows" if two.closed else "forgets"
        at = Side(two.schema.place(), two.schema)
        subject = "-".join(word for word in words if word)
        was = Side(node.place(), node)
        return Difference("", "removed", effect, name, None, was, at, subject, name)

    def _property_new(self, name: str, node: Node, one: Form, two: Form) -> Difference:
        required = name in two.required
        words = ["required" if required else "optional", _marks(self.new, node), "property"]
        subject = "-".join(word for word in words if word)
        if required and form_of(self.new, node).get("default") is not None:
            subject += "-with-default"
        effect = "narrows" if required else "widens" if one.closed else "names"
        was = Side(one.schema.place(), one.schema)
        return Difference(
            "", "added", effect, None, name, was, Side(node.place(), node), subject, name
        )

    # Schemas inside

    def _inner(self, one: Form, two: Form, steps: list[Step]) -> Iterator[Difference]:
        for keyword in dict.fromkeys((*one.inner, *two.inner)):
            before, after = one.inner.get(keyword), two.inner.get(keyword)
            facet = _INNER[keyword]
            if before is not None and after is not None:
                if isinstance(before.value, bool) or isinstance(after.value, bool):
                    if before.value != after.value:
                        yield _schema_changed(facet, before, after)
                else:
                    steps.append(Step(keyword, "", before, after))
            elif after is not None:
                was = Side(one.schema.place(), one.schema)
                yield Difference(
                    facet, "added", "narrows", None, _short(after),
                    was, Side(after.place(), after),
                )  # fmt: skip
            elif before is not None:
                at = Side(two.schema.place(), two.schema)
                yield Difference(
                    facet, "removed", "widens", _short(before), None,
                    Side(before.place(), before), at,
                )  # fmt: skip

    def _prefix(self, one: Form, two: Form, steps: list[Step]) -> Iterator[Difference]:
        before, after = one.lists.get("prefixItems", []), two.lists.get("prefixItems", [])
        for index, (ours, theirs) in enumerate(zip(before, after, strict=False)):
            steps.append(Step("prefixItems", str(index), ours, theirs))
        yield from _surplus("prefix-items", before[len(after) :], after[len(before) :], one, two)

    def _members(
        self, keyword: str, one: Form, two: Form, steps: list[Step]
    ) -> Iterator[Difference]:
        """Members of a composition, matched: equal ones first, then those of one name or kind."""
        before, after = one.lists.get(keyword, []), two.lists.get(keyword, [])
        if not before and not after:
            return
        pairs, gone, new = self._matched(before[:MAX_MEMBERS], after[:MAX_MEMBERS])
        for ours, theirs in pairs:
            index, new_index = str(before.index(ours)), str(after.index(theirs))
            steps.append(Step(keyword, index, ours, theirs, new_index))
        yield from _surplus(_INNER[keyword], gone, new, one, two)

    def _matched(
        self, before: list[Node], after: list[Node]
    ) -> tuple[list[Pair], list[Node], list[Node]]:
        pairs: list[Pair] = []
        left, right = list(before), list(after)
        for fits in (_same_name, self._equal, self._same_outline):
            for ours in list(left):
                found = next((theirs for theirs in right if fits(ours, theirs)), None)
                if found is not None:
                    pairs.append((ours, found))
                    left.remove(ours)
                    right.remove(found)
        return pairs, left, right

    def _equal(self, ours: Node, theirs: Node) -> bool:
        """Whether a look inside finds no difference; bounded, as it happens inside of another."""
        if outline(self.old, ours) != outline(self.new, theirs):
            return False
        if self._depth >= MAX_NESTED:
            return True
        self._depth += 1
        try:
            return not self.differ(ours, theirs)
        finally:
            self._depth -= 1

    def _same_outline(self, ours: Node, theirs: Node) -> bool:
        """Inline schemas that are of one type, and share a property where both have some."""
        if _is_component(ours) or _is_component(theirs):
            return False
        one, two = form_of(self.old, ours), form_of(self.new, theirs)
        mine, its = one.maps.get("properties", {}), two.maps.get("properties", {})
        if mine or its:
            return not mine.keys().isdisjoint(its)
        return False


def _same_name(ours: Node, theirs: Node) -> bool:
    titles = ours.get("title"), theirs.get("title")
    if isinstance(titles[0], str) and titles[0] == titles[1]:
        return True
    names = [node.key[-1] for node in (ours, theirs) if _is_component(node)]
    return len(names) == 2 and names[0] == names[1]


def _is_component(node: Node) -> bool:
    return node.key[:1] in (("schemas",), ("definitions",))


def _booleans(old: Node, new: Node) -> Iterator[Difference]:
    if old.value != new.value and not (old.value in (True, {}) and new.value in (True, {})):
        yield _schema_changed("schema", old, new)


def _schema_changed(facet: str, old: Node, new: Node) -> Difference:
    effect = "changes"
    if old.value is True or new.value is False:
        effect = "narrows"
    if old.value is False or new.value is True:
        effect = "widens"
    sides = Side(old.place(), old), Side(new.place(), new)
    return Difference(facet, "changed", effect, _short(old), _short(new), *sides)


def _surplus(
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
            names = ", ".join(_short(node) for node in these[:5])
            old_side = Side(one.schema.place(), one.schema) if is_new else side
            new_side = side if is_new else Side(two.schema.place(), two.schema)
            yield Difference(
                facet, action, effect, None if is_new else names, names if is_new else None,
                old_side, new_side,
            )  # fmt: skip


def _annotations(one: Form, two: Form) -> Iterator[Difference]:
    """Members of `allOf` on one side that only describe."""
    lists = one.lists.get("allOf", []), two.lists.get("allOf", [])
    ours, theirs = ([node for node in nodes if _is_annotation(node)] for nodes in lists)
    yield from _surplus("all-of", ours, theirs, one, two)


def _listed_types(one: Form, two: Form) -> list[Difference] | None:
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


def _short(node: Node) -> str:
    """A schema in a word: its component's name, or its type."""
    if _is_component(node):
        return str(node.key[-1])
    if isinstance(node.value, bool):
        return str(node.value).lower()
    value = mapping(node.value)
    if isinstance(value.get("$ref"), str):
        return str(value["$ref"]).rpartition("/")[2]
    return str(value.get("title") or value.get("type") or "schema")


def _marks(api: Api, node: Node) -> str:
    form = form_of(api, node)
    return "read-only" if form.get("readOnly") else "write-only" if form.get("writeOnly") else ""


def _required(name: str, one: Form, two: Form, node: Node | None, api: Api) -> Difference:
    became = name in two.required
    said = two.required[name] if became else one.required[name]
    words = "became-required" if became else "became-optional"
    if became and node is not None and form_of(api, node).get("default") is not None:
        words += "-with-default"
    subject = "property"
    if node is not None:
        mark = _marks(api, node)
        subject = f"{mark}-property" if mark else "property"
    else:
        words = words.replace("became-", "undeclared-became-")
    side = Side(said.place("required"), said)
    old = Side(one.schema.place(), one.schema) if became else side
    new = side if became else Side(two.schema.place(), two.schema)
    effect = "narrows" if became else "widens"
    return Difference("", words, effect, not became, became, old, new, subject, name)


# Keywords


def _facts(one: Form, two: Form) -> Iterator[Difference]:
    """Keywords whose argument is a plain value."""
    for keyword in dict.fromkeys((*one.facts, *two.facts)):
        if keyword in _ELSEWHERE:
            continue
        before, after = one.get(keyword), two.get(keyword)
        if key_of(before) != key_of(after):
            yield from _fact(keyword, before, after, one, two)


def _fact(keyword: str, before: Any, after: Any, one: Form, two: Form) -> Iterator[Difference]:
    facet = _FACETS[keyword]
    sides = _side(one, keyword), _side(two, keyword)
    if keyword == "discriminator":
        yield from _discriminator(mapping(before), mapping(after), sides)
        return
    if keyword == "x-extensible-enum":
        for value in _missing(after, before):
            yield Difference(facet, "value-added", "widens", None, value, *sides)
        for value in _missing(before, after):
            yield Difference(facet, "value-removed", "narrows", value, None, *sides)
        return
    if keyword in _SWITCHES:
        action = "became-unique" if after else "became-not-unique"
        effect = "narrows" if after else "widens"
        yield Difference("items", action, effect, bool(before), bool(after), *sides)
        return
    action, effect = "changed", "changes"
    if keyword in _UPPER or keyword in _LOWER:
        if before is None or after is None:
            action = "set" if before is None else "unset"
            effect = "narrows" if before is None else "widens"
        else:
            action = "increased" if after > before else "decreased"
            effect = "narrows" if (after > before) is (keyword in _LOWER) else "widens"
    elif before is None or after is None:
        action = "added" if before is None else "removed"
        effect = "narrows" if before is None else "widens"
    if keyword in _SAY_LITTLE:
        effect = ""
    if keyword == "x-stability-level":
        rank = [LEVELS.index(each) if each in LEVELS else -1 for each in (before, after)]
        action = "decreased" if rank[1] < rank[0] else "increased"
    if keyword == "pattern" and after in _ANY_TEXT:
        action, effect = "generalized", "widens"
    yield Difference(facet, action, effect, before, after, *sides)


def _lifecycle(one: Form, two: Form) -> Iterator[Difference]:
    was, now = one.get("deprecated") is True, two.get("deprecated") is True
    sunset = one.get("x-sunset"), two.get("x-sunset")
    sides = _side(one, "deprecated"), _side(two, "deprecated")
    if was != now:
        action = "reactivated" if was else "deprecated-with-sunset" if sunset[1] else "deprecated"
        yield Difference("", action, "", *sunset, *sides)
    elif now and sunset[0] != sunset[1]:
        action = "removed" if sunset[1] is None else "added" if sunset[0] is None else "changed"
        yield Difference("sunset", action, "", *sunset, *sides)


def _discriminator(
    before: dict[str, Any], after: dict[str, Any], sides: tuple[Side, Side]
) -> Iterator[Difference]:
    if not before or not after:
        action = "removed" if before else "added"
        names = before.get("propertyName"), after.get("propertyName")
        yield Difference("discriminator", action, "", *names, *sides)
        return
    if before.get("propertyName") != after.get("propertyName"):
        names = before.get("propertyName"), after.get("propertyName")
        yield Difference("discriminator-property-name", "changed", "changes", *names, *sides)
    ours, theirs = mapping(before.get("mapping")), mapping(after.get("mapping"))
    for name in sorted(ours.keys() | theirs.keys(), key=str):
        one, two = ours.get(name), theirs.get(name)
        if one != two:
            action = "changed" if one and two else "deleted" if one else "added"
            if action == "changed" and str(one).rpartition("/")[2] == str(two).rpartition("/")[2]:
                continue
            yield Difference("discriminator-mapping", action, "", one, two, *sides, name=str(name))


def _missing(values: Any, among: Any) -> list[Any]:
    known = keys_of(among if isinstance(among, list) else [])
    listed = keys_of(values if isinstance(values, list) else [])
    return [value for key, value in listed.items() if key not in known]


def _values(one: Form, two: Form) -> Iterator[Difference]:
    """`enum` and `const`, which are one where there is one value."""
    before, after = values_of(one), values_of(two)
    ours = keys_of(before) if before is not None else None
    theirs = keys_of(after) if after is not None else None
    if ours == theirs:
        return
    consts = "const" in one.facts, "const" in two.facts
    keyword = "const" if "const" in one.facts or "const" in two.facts else "enum"
    sides = (
        _side(one, "const" if consts[0] else "enum"),
        _side(two, "const" if consts[1] else "enum"),
    )
    if ours is None or theirs is None:
        gained = ours is None
        action = "added" if gained else "removed"
        if keyword == "const":
            values = (before or [None])[0], (after or [None])[0]
            yield Difference("const", action, "narrows" if gained else "widens", *values, *sides)
        else:
            facet, action = ("", "became-enum") if gained else ("enum", "removed")
            effect = "narrows" if gained else "widens"
            yield Difference(facet, action, effect, before, after, *sides)
        return
    if all(consts):
        values = (before or [None])[0], (after or [None])[0]
        yield Difference("const", "changed", "changes", *values, *sides)
        return
    for key, value in ours.items():
        if key not in theirs:
            yield Difference("enum", "value-removed", "narrows", value, None, *sides)
    for key, value in theirs.items():
        if key not in ours:
            yield Difference("enum", "value-added", "widens", None, value, *sides)


def _types(one: Form, two: Form) -> Iterator[Difference]:
    before, after = one.types, two.types
    formats = one.get("format"), two.get("format")
    sides = _side(one, "type"), _side(two, "type")
    if before != after:
        names = _type_names(one), _type_names(two)
        action = "changed"
        if not after or (before and _covers(after, before)):
            action = "generalized"
        elif not before or _covers(before, after):
            action = "specialized"
        effect = {"generalized": "widens", "specialized": "narrows"}.get(action, "changes")
        if formats[0] != formats[1] and formats[1] is not None and action == "generalized":
            action, effect = "changed", "changes"
        yield Difference("type", action, effect, *names, *sides)
    elif formats[0] != formats[1]:
        action = _format_action(before, *formats)
        effect = {"generalized": "widens", "specialized": "narrows"}.get(action, "changes")
        sides = _side(one, "format"), _side(two, "format")
        yield Difference("format", action, effect, *formats, *sides)
    if one.nullable != two.nullable and (before or after):
        action = "became-nullable" if two.nullable else "became-not-nullable"
        effect = "widens" if two.nullable else "narrows"
        sides = _side(one, "type"), _side(two, "type")
        yield Difference("", action, effect, one.nullable, two.nullable, *sides)


def _covers(wide: frozenset[str], narrow: frozenset[str]) -> bool:
    return all(t in wide or (t == "integer" and "number" in wide) for t in narrow)


def _type_names(form: Form) -> str:
    types = "/".join(sorted(form.types)) or "any"
    return f"{types} ({form.get('format')})" if form.get("format") else types


def _format_action(types: frozenset[str], before: Any, after: Any) -> str:
    if after is None or (before, after) in _WIDER_FORMATS:
        return "generalized"
    if before is None or (after, before) in _WIDER_FORMATS:
        return "specialized"
    return "changed"


def _wrapping(one: Form, two: Form) -> Difference | None:
    """An object that became one of several, one of which it was."""
    members = two.lists.get("oneOf")
    mine = one.maps.get("properties", {})
    if not members or not mine or one.lists.get("oneOf") or two.maps.get("properties"):
        return None
    names = [form_of(two.api, m, merged=True).maps.get("properties", {}).keys() for m in members]
    if not any(mine.keys() & each for each in names):
        return None
    sides = Side(one.schema.place(), one.schema), Side(two.schema.place("oneOf"), two.schema)
    listed = ", ".join(map(_short, members[:5]))
    return Difference("wrapped-in-one-of", "", "changes", None, listed, *sides)


def _side(form: Form, keyword: str) -> Side:
    fact: Fact | None = form.facts.get(keyword)
    if fact is None:
        return Side(form.schema.place(), form.schema)
    return Side(fact.node.place(fact.keyword), form.schema)


_WIDER_FORMATS: Final = frozenset(
    (
        ("float", "double"),
        ("int32", "int64"),
        ("int32", "bigint"),
        ("int64", "bigint"),
        ("date", "date-time"),
        ("time", "date-time"),
    )
)
"""Formats whose second is taken to hold the first; of dates that is so in a loose sense only."""
_FACETS: Final = {
    "minimum": "min",
    "maximum": "max",
    "exclusiveMinimum": "exclusive-min",
    "exclusiveMaximum": "exclusive-max",
    "multipleOf": "multiple-of",
    "minLength": "min-length",
    "maxLength": "max-length",
    "minItems": "min-items",
    "maxItems": "max-items",
    "minProperties": "min-properties",
    "maxProperties": "max-properties",
    "minContains": "min-contains",
    "maxContains": "max-contains",
    "pattern": "pattern",
    "uniqueItems": "items",
    "default": "default-value",
    "contentMediaType": "content-media-type",
    "contentEncoding": "content-encoding",
    "discriminator": "discriminator",
    "dependentRequired": "dependent-required",
    "x-extensible-enum": "x-extensible-enum",
    "x-stability-level": "stability",
    "collectionFormat": "collection-format",
}
_INNER: Final = {
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
LEVELS: Final = ("draft", "alpha", "beta", "stable")
_LIST_OF: Final = {"any-of": "anyOf", "one-of": "oneOf"}
_UPPER: Final = frozenset(
    (
        *("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"),
        "maxContains",
    )
)
_LOWER: Final = frozenset(
    (
        *("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"),
        "minContains",
    )
)
_SWITCHES: Final = frozenset(("uniqueItems",))
_SAY_LITTLE: Final = frozenset(
    (
        *("default", "x-sunset", "x-stability-level", "title", "description"),
        *("contentMediaType", "contentEncoding", "collectionFormat"),
    )
)
_ELSEWHERE: Final = frozenset(
    (
        *("type", "enum", "const", "format", "title", "description"),
        *("readOnly", "writeOnly", "deprecated", "x-sunset"),
    )
)
_ANY_TEXT: Final = (".*", "^.*$")
_ONLY_TYPE: Final = frozenset(("type", "title", "description", "example", "nullable"))
_SAYS_NOTHING: Final = frozenset(
    (
        *("title", "description", "example", "examples", "deprecated", "externalDocs", "xml"),
        *("$comment", "readOnly", "writeOnly", "default"),
    )
)
