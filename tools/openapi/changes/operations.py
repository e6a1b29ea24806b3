"""Which operations of two versions are one and the same, and what differs in each.

Paths are matched by their template, parameters of paths by position: what a parameter is called
there is no matter to clients.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..api import TEMPLATE, Api, Body, Listed, Operation
from ..document import Node
from ..kinds import Version
from ..webhooks import Delivery
from .alike import Key, key_of
from .forms import form_of
from .media_types import by_name, matched, parts_of, renamed
from .parameters import as_written, by_place, lifecycle, serialization
from .parts import Part, change_of
from .record import Change, Message, Side
from .schemas import Schemas

MAX_IN_ONE = 5_000  # differences in one message


MAX_DEPTH = 30
MAX_WAYS = 30  # to one part of a message


class Pairing(NamedTuple):
    """The operations of both versions: those in both, only in the old, only in the new."""

    both: tuple[tuple[Operation, Operation], ...]
    gone: tuple[Operation, ...]
    new: tuple[Operation, ...]


def paired(old: Api, new: Api) -> Pairing:
    """Operations by method and path; a path of the same template where there is no equal one."""
    exact = {(op.path, op.method): op for op in new.operations}
    alike: dict[tuple[str, str], Operation] = {}
    for op in new.operations:
        alike.setdefault((template(op.path), op.method), op)
    both, gone, taken = [], [], set()
    for op in old.operations:
        other = exact.get((op.path, op.method)) or alike.get((template(op.path), op.method))
        if other is None or other in taken:
            gone.append(op)
        else:
            taken.add(other)
            both.append((op, other))
    return Pairing(tuple(both), tuple(gone), tuple(op for op in new.operations if op not in taken))


def template(path: str) -> str:
    """A path without the names of its parameters, and without a slash at its end."""
    return TEMPLATE.sub("{}", path).rstrip("/") or "/"


class Operations:
    """What differs in the operations that both versions have."""

    def __init__(self, old: Api, new: Api, schemas: Schemas, same: frozenset[Key]) -> None:
        self.old, self.new, self._schemas, self._same = old, new, schemas, same

    def changes(self, one: Operation, two: Operation) -> Iterator[Change]:
        """The differences of one operation."""
        if self._is_unchanged(one, two):
            return
        yield from self._parameters(one, two)
        yield from self._request(one, two)
        yield from self._responses(one, two)

    def _is_unchanged(self, one: Operation, two: Operation) -> bool:
        return all(
            key_of(ours) == key_of(theirs) and key_of(ours) in self._same
            for ours, theirs in ((one.node, two.node), (one.item, two.item))
        )

    # Parameters

    def _parameters(self, one: Operation, two: Operation) -> Iterator[Change]:
        before, after = by_place(one), by_place(two)
        for key in dict.fromkeys((*before, *after)):
            ours, theirs = before.get(key), after.get(key)
            place = key[0]
            if theirs is None and ours is not None:
                yield self._parameter_gone(one, ours.node, place)
            elif ours is None and theirs is not None:
                yield self._parameter_new(two, theirs, place)
            elif ours is not None and theirs is not None:
                yield from self._parameter(two, ours.node, theirs.node, place)

    def _parameter_gone(self, one: Operation, node: Node, place: str) -> Change:
        action = "removed" + ("-deprecated" if node.get("deprecated") is True else "")
        return Change(
            "parameter", "request", "parameter", "", action, str(node.get("name")),
            node.get("x-sunset"), None, Side(node.place(), node), None, str(one), place,
            effect="forgets",
        )  # fmt: skip

    def _parameter_new(self, two: Operation, listed: Listed, place: str) -> Change:
        node = listed.node
        required = node.get("required") is True
        words = "required" if required else "optional"
        shared = "shared-" if listed.at.parent is two.item else ""
        subject = f"{words}-path-parameter" if place == "path" else f"{words}-{shared}parameter"
        return Change(
            "parameter", "request", subject, "", "added", str(node.get("name")),
            None, words, None, Side(node.place(), node), str(two), place,
            effect="narrows" if required else "names",
        )  # fmt: skip

    def _parameter(self, two: Operation, ours: Node, theirs: Node, place: str) -> Iterator[Change]:
        name = str(theirs.get("name"))
        sides = Side(ours.place(), ours), Side(theirs.place(), theirs)

        def change(facet: str, action: str, before: Any, after: Any, effect: str) -> Change:
            return Change(
                "parameter", "request", "parameter", facet, action, name,
                before, after, *sides, str(two), place, effect=effect,
            )  # fmt: skip

        was, now = ours.get("required") is True, theirs.get("required") is True
        if was != now and place != "path":
            action, effect = (
                ("became-required", "narrows") if now else ("became-optional", "widens")
            )
            yield change("", action, was, now, effect)
        yield from lifecycle(ours, theirs, change)
        before, after = serialization(self.old, ours), serialization(self.new, theirs)
        if before != after and "plain" not in (before, after):
            yield change("serialization", "changed", before, after, "changes")
        elif before == after and as_written(ours) != as_written(theirs):
            yield change("style", "changed", as_written(ours), as_written(theirs), "")
        empty = [node.get("allowEmptyValue") is True for node in (ours, theirs)]
        if empty[0] != empty[1]:
            action, effect = ("removed", "narrows") if empty[0] else ("added", "widens")
            yield change("empty-value", action, empty[0], empty[1], effect)
        schemas = self.old.schema_of(ours), self.new.schema_of(theirs)
        if schemas[0] is None or schemas[1] is None:
            return
        if after == "form, exploded" and self._is_one_of_several(schemas[0], schemas[1]):
            yield change("type", "generalized", "one value", "several", "widens")
        else:
            yield from self._schema(
                schemas[0], schemas[1], "parameter", "request", "parameter", str(two), place, name
            )

    def _is_one_of_several(self, old: Node, new: Node) -> bool:
        """Whether one value became a list of such: written alike, as `tag=a` and `tag=a&tag=b`."""
        one, two = form_of(self.old, old), form_of(self.new, new)
        items = two.inner.get("items")
        if two.types != {"array"} or not one.types or "array" in one.types or items is None:
            return False
        found = self._schemas.compared(old, items)
        any_text = form_of(self.new, items).types == {"string"}  # values are text on the wire
        return all(
            each.effect in ("", "widens") or (each.facet == "type" and any_text)
            for each in found.differences
        )

    # Bodies

    def _request(self, one: Operation, two: Operation) -> Iterator[Change]:
        ours, theirs = _request_node(one), _request_node(two)
        sides = Side((ours or one.node).place()), Side((theirs or two.node).place())

        def change(action: str, effect: str) -> Change:
            return Change(
                "request body", "request", "body", "", action, "", ours and "body",
                theirs and "body", *sides, str(two), effect=effect,
            )  # fmt: skip

        if ours is None and theirs is None:
            return
        if theirs is None:
            yield change("removed", "narrows")
            return
        required = theirs.get("required") is True
        if ours is None:
            yield change("added-required" if required else "added-optional", "narrows" * required)
            return
        if (ours.get("required") is True) != required:
            yield change(
                "became-required" if required else "became-optional",
                "narrows" if required else "widens",
            )
        yield from self._bodies(
            one.request_bodies, two.request_bodies, "request body", "request", str(two), "", sides,
            _consumes(one), _consumes(two),
        )  # fmt: skip

    def _bodies(
        self,
        ours: tuple[Body, ...],
        theirs: tuple[Body, ...],
        area: str,
        direction: str,
        operation: str,
        status: str,
        sides: tuple[Side, Side],
        old_types: tuple[str, ...],
        new_types: tuple[str, ...],
    ) -> Iterator[Change]:
        """Media types by name; in 2.0 there is one schema for all of them."""
        before, after = by_name(ours, old_types), by_name(theirs, new_types)
        pairs, gone, new = matched(before, after)

        def change(facet: str, action: str, one: Any, two: Any, name: str, effect: str) -> Change:
            where = f"{status} {name}".strip()
            body = area == "request body" or facet == "media-type-schema"
            return Change(
                area, direction, "body" if body else "", facet, action, name, one, two, *sides,
                operation, where, effect,
            )  # fmt: skip

        for name in gone:
            yield change("media-type", "removed", name, None, name, "narrows")
        for name in new:
            yield change("media-type", "added", None, name, name, "widens")
        for one, two in pairs:
            if one != two and parts_of(one)[0] == parts_of(two)[0] and "*" not in one + two:
                action, effect = renamed(one, two)
                yield change("media-type-name", action, one, two, two, effect)
            elif one != two:
                action = "generalized" if "*" in two else "specialized"
                effect = "widens" if "*" in two else "narrows"
                yield change("media-type-name", action, one, two, two, effect)
            schemas = before[one].schema, after[two].schema
            if schemas[0] is None or schemas[1] is None:
                if schemas[0] is not schemas[1]:
                    action = "added" if schemas[0] is None else "removed"
                    effect = "narrows" if schemas[0] is None else "widens"
                    yield change("media-type-schema", action, None, None, two, effect)
                continue
            where = f"{status} {two}".strip()
            yield from self._schema(
                schemas[0], schemas[1], area, direction, "body", operation, where, ""
            )

    def _responses(self, one: Operation, two: Operation) -> Iterator[Change]:
        before, after = one.responses, two.responses
        for code in dict.fromkeys((*before, *after)):
            ours, theirs = before.get(code), after.get(code)
            kind = "success-status" if code[:1] in "23" else "non-success-status"
            if ours is None or theirs is None:
                node = ours or theirs
                assert node is not None
                side = Side(node.place())
                action = "added" if ours is None else "removed"
                effect = (
                    ("widens" if ours is None else "narrows") if kind == "success-status" else ""
                )
                yield Change(
                    "response", "response", kind, "", action, code,
                    code if ours else None, code if theirs else None,
                    side if ours else Side(one.node.place("responses")),
                    side if theirs else Side(two.node.place("responses")),
                    str(two), code, effect,
                )  # fmt: skip
                continue
            sides = Side(ours.place()), Side(theirs.place())
            yield from self._headers(ours, theirs, str(two), code)
            yield from self._bodies(
                tuple(self.old.bodies(ours)), tuple(self.new.bodies(theirs)),
                "response", "response", str(two), code, sides, _produces(one), _produces(two),
            )  # fmt: skip

    def delivered(self, one: Delivery, two: Delivery) -> Iterator[Change]:
        """The differences of what a webhook or callback carries, which clients receive."""
        nodes = [
            api.description.child(each.operation, "requestBody")
            for api, each in ((self.old, one), (self.new, two))
        ]
        if nodes[0] is not None and nodes[1] is not None:
            sides = Side(nodes[0].place()), Side(nodes[1].place())
            yield from self._bodies(
                tuple(self.old.bodies(nodes[0])), tuple(self.new.bodies(nodes[1])), "webhook",
                "response", two.name, "", sides, (), (),
            )  # fmt: skip

    def _headers(self, ours: Node, theirs: Node, operation: str, code: str) -> Iterator[Change]:
        before = {n.lower(): (n, h) for n, h in self.old.description.children(ours, "headers")}
        after = {n.lower(): (n, h) for n, h in self.new.description.children(theirs, "headers")}
        for key in dict.fromkeys((*before, *after)):
            one, two = before.get(key), after.get(key)
            name = (two or one or ("", None))[0]

            def change(
                subject: str,
                action: str,
                effect: str,
                one: Any = one,
                two: Any = two,
                name: str = name,
            ) -> Change:
                sides = [Side(h[1].place(), h[1]) if h else None for h in (one, two)]
                return Change(
                    "header", "response", subject, "", action, name, one and one[0], two and two[0],
                    sides[0], sides[1], operation, code, effect,
                )  # fmt: skip

            if two is None and one is not None:
                required = one[1].get("required") is True
                yield change(
                    f"{'required' if required else 'optional'}-header", "removed",
                    "widens" if required else "forgets",
                )  # fmt: skip
            elif one is None:
                yield change("header", "added", "names")
            elif two is not None:
                was, now = one[1].get("required") is True, two[1].get("required") is True
                if was != now:
                    yield change(
                        "header", "became-required" if now else "became-optional",
                        "narrows" if now else "widens",
                    )  # fmt: skip
                before_, after_ = self.old.schema_of(one[1]), self.new.schema_of(two[1])
                if before_ is not None and after_ is not None:
                    yield from self._schema(
                        before_, after_, "header", "response", "header", operation, code, name
                    )

    # Schemas

    def _marked(self, node: Node, inner: str, direction: str) -> str:
        """What a property is called that does not travel this way."""
        form = form_of(self.new, node)
        if direction == "request" and form.get("readOnly") is True:
            return f"read-only-{inner}"
        if direction == "response" and form.get("writeOnly") is True:
            return f"write-only-{inner}"
        return inner

    def _schema(
        self, old: Node, new: Node, area: str, direction: str, subject: str,
        operation: str, where: str, name: str,
    ) -> Iterator[Change]:  # fmt: skip
        """The differences of a message, those inside with the path that leads there."""
        if not self._schemas.differ(old, new):
            return
        left, ways = MAX_IN_ONE, Counter[Node]()
        stack = [Part(Message(old, new, old, new), subject, name, frozenset())]
        inner = "property" if subject == "body" else f"{subject}-property"
        while stack and left > 0:
            part = stack.pop()
            ours, theirs = part.message.old_part, part.message.new_part
            ways[ours] += 1
            if ours in part.above or ways[ours] > MAX_WAYS:
                continue
            found = self._schemas.compared(ours, theirs)
            for each in found.differences:
                left -= 1
                yield change_of(each, part, area, direction, operation, where, inner)
            if len(part.above) < MAX_DEPTH:
                for step in reversed(found.steps):
                    if ways[step.old] >= MAX_WAYS or not self._schemas.differ(step.old, step.new):
                        continue
                    what = self._marked(step.new, inner, direction)
                    stack.append(part.inside(step, what))


def _request_node(op: Operation) -> Node | None:
    if op.api.version is Version.V20:
        return next((listed.node for listed in op.parameters_in("body")), None)
    return op.api.description.child(op.node, "requestBody")


def _consumes(op: Operation) -> tuple[str, ...]:
    return _listed_types(op, "consumes")


def _produces(op: Operation) -> tuple[str, ...]:
    return _listed_types(op, "produces")


def _listed_types(op: Operation, keyword: str) -> tuple[str, ...]:
    listed = op.node.get(keyword, op.api.root.get(keyword))
    if not isinstance(listed, list) or op.api.version is not Version.V20:
        return ()
    return tuple(str(each) for each in listed) or ("application/json",)
