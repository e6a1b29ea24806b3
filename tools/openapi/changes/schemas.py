"""What differs between two schemas, each pair of them compared once.

Schemas are matched by what they are, not by where they are written: references are followed, so
that a moved or renamed component is no difference; alternatives are matched by their meaning. A
pair that is met again inside of itself is taken to be equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from ..api import Api
from ..document import Node
from ..values import key_of
from .alike import Key
from .alike import key_of as place_of
from .compositions import (
    FACETS,
    booleans,
    descriptions,
    in_short,
    is_component,
    listed_types,
    name_of,
    schema_changed,
    surplus,
    wrapping,
)
from .forms import Form, form_of
from .keywords import Difference, facts, lifecycle, side_of, types, values
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
        known = self._different.get(start)
        return self._settled(start) if known is None else known

    def lives_on(self, schema: Node, others: dict[Outline, list[Node]]) -> bool:
        """Whether a schema of the old version is, as it is, one of the new version."""
        if schema in self._continued:
            return True
        alike = others.get(outline(self.old, schema), [])
        return any(schema.value == other.value for other in alike) or any(
            self._equal(schema, other) for other in alike[:MAX_MEMBERS]
        )

    def _settled(self, start: Pair) -> bool:
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
        return start in marked

    def _is_unchanged(self, old: Node, new: Node) -> bool:
        starts_unit = old.unit.component and (old.parent is None or old.parent.unit is not old.unit)
        return (
            bool(starts_unit) and place_of(new) == (key := place_of(old)) and key in self._unchanged
        )

    def _compare(self, old: Node, new: Node) -> Compared:
        if isinstance(old.value, bool) or isinstance(new.value, bool):
            return Compared(tuple(booleans(old, new)), ())
        one, two = form_of(self.old, old), form_of(self.new, new)
        found: list[Difference] = []
        if ("allOf" in one.lists) != ("allOf" in two.lists):
            found += descriptions(one, two)
            one = form_of(self.old, old, merged=True)
            two = form_of(self.new, new, merged=True)
        steps: list[Step] = []
        wrapped = wrapping(one, two)
        if wrapped is not None:
            return Compared((wrapped,), ())
        found += [*facts(one, two), *values(one, two), *lifecycle(one, two)]
        listed = listed_types(one, two)
        found += types(one, two) if listed is None else listed
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
                sides = side_of(one, keyword), side_of(two, keyword)
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
            facet = FACETS[keyword]
            if before is not None and after is not None:
                if isinstance(before.value, bool) or isinstance(after.value, bool):
                    if before.value != after.value:
                        yield schema_changed(facet, before, after)
                else:
                    steps.append(Step(keyword, "", before, after))
            elif after is not None:
                was = Side(one.schema.place(), one.schema)
                yield Difference(
                    facet, "added", "narrows", None, in_short(after),
                    was, Side(after.place(), after),
                )  # fmt: skip
            elif before is not None:
                at = Side(two.schema.place(), two.schema)
                yield Difference(
                    facet, "removed", "widens", in_short(before), None,
                    Side(before.place(), before), at,
                )  # fmt: skip

    def _prefix(self, one: Form, two: Form, steps: list[Step]) -> Iterator[Difference]:
        before, after = one.lists.get("prefixItems", []), two.lists.get("prefixItems", [])
        for index, (ours, theirs) in enumerate(zip(before, after, strict=False)):
            steps.append(Step("prefixItems", str(index), ours, theirs))
        yield from surplus("prefix-items", before[len(after) :], after[len(before) :], one, two)

    def _members(
        self, keyword: str, one: Form, two: Form, steps: list[Step]
    ) -> Iterator[Difference]:
        """Members of a composition, matched: equal ones first, then those of one name or kind."""
        before, after = one.lists.get(keyword, []), two.lists.get(keyword, [])
        if not before and not after:
            return
        pairs, gone, new = self._matched(before, after)
        for ours, theirs in pairs:
            index, new_index = str(before.index(ours)), str(after.index(theirs))
            steps.append(Step(keyword, index, ours, theirs, new_index))
        yield from surplus(FACETS[keyword], gone, new, one, two)

    def _matched(
        self, before: list[Node], after: list[Node]
    ) -> tuple[list[Pair], list[Node], list[Node]]:
        pairs, left, right = _by_name(before, after)
        if max(len(left), len(right)) > MAX_MEMBERS:
            known = {key_of(node.value): node for node in right}
            for ours in list(left):
                same = known.pop(key_of(ours.value), None)
                if same is not None:
                    pairs.append((ours, same))
                    left.remove(ours)
                    right.remove(same)
        for fits in (self._equal, self._same_outline):
            for ours in left[:MAX_MEMBERS]:
                found = next((each for each in right[:MAX_MEMBERS] if fits(ours, each)), None)
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
        if is_component(ours) or is_component(theirs):
            return False
        one, two = form_of(self.old, ours), form_of(self.new, theirs)
        mine, its = one.maps.get("properties", {}), two.maps.get("properties", {})
        if mine or its:
            return not mine.keys().isdisjoint(its)
        return False


def _by_name(before: list[Node], after: list[Node]) -> tuple[list[Pair], list[Node], list[Node]]:
    """Members of one name, and the rest of both lists."""
    named: dict[str, Node] = {}
    for node in after:
        named.setdefault(name_of(node) or f"#{id(node)}", node)
    pairs = []
    for node in before:
        other = named.pop(name_of(node) or "", None)
        if other is not None:
            pairs.append((node, other))
    paired = {id(node) for pair in pairs for node in pair}
    return (
        pairs,
        [node for node in before if id(node) not in paired],
        [node for node in after if id(node) not in paired],
    )


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
