"""The API that a description describes: operations with what applies to each, and who uses what."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import cached_property
from typing import Any, NamedTuple, TypeVar, cast

from ..report import clean
from .conformance import Violation, violations
from .document import Description, Node, Unit
from .kinds import METHODS, Version
from .satisfiability import Satisfiability
from .validation import Validation
from .values import mapping, types_of
from .witnesses import Witnesses

Made = TypeVar("Made")
Subject = TypeVar("Subject", bound=Hashable)

MAX_PARTS = 50  # of one schema: no real one includes more by `allOf`
TEMPLATE = re.compile(r"\{([^{}]*)\}")


class Listed(NamedTuple):
    """An object as an operation uses it: where it is listed, and what it refers to."""

    at: Node
    node: Node


class Body(NamedTuple):
    """A message body: its media type and the schema, if one is given."""

    media_type: str
    schema: Node | None


class Operation:
    """One method on one path, with what applies to it."""

    def __init__(self, api: Api, node: Node, item: Node, path: str, method: str) -> None:
        self.api, self.node, self.item = api, node, item
        self.path, self.method = path, method

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path}"

    @cached_property
    def parameters(self) -> tuple[Listed, ...]:
        """The parameters in force: the operation's own replace the path's of the same name."""
        in_force: dict[tuple[str, str], Listed] = {}
        for owner in (self.item, self.node):
            for listed in self.api.parameters_of(owner):
                in_force[(str(listed.node.get("name")), str(listed.node.get("in")))] = listed
        return tuple(in_force.values())

    def parameters_in(self, location: str) -> Iterator[Listed]:
        """The parameters of one location: path, query, header, cookie, body, formData."""
        return (listed for listed in self.parameters if listed.node.get("in") == location)

    @cached_property
    def responses(self) -> dict[str, Node]:
        """The response of each status code (200, 4XX, default), references followed."""
        listed = self.api.description.children(self.node, "responses")
        return {code: response for code, response in listed if response.kind == "response"}

    @cached_property
    def security(self) -> tuple[dict[str, Any], ...] | None:
        """The alternatives that authorise a call; empty or with an empty one: anonymous may.

        None where neither the operation nor the document says anything.
        """
        declared = self.node.get("security", self.api.root.get("security"))
        if not isinstance(declared, list):
            return None
        return tuple(entry for entry in declared if isinstance(entry, dict))

    @property
    def protected(self) -> bool:
        """Whether no call passes without a credential, by what is declared."""
        return bool(self.security) and all(self.security or ())

    @cached_property
    def request_bodies(self) -> tuple[Body, ...]:
        """What the operation receives, by media type."""
        description = self.api.description
        if description.version is not Version.V20:
            return tuple(self.api.bodies(description.child(self.node, "requestBody")))
        return tuple(
            Body("", description.child(listed.node, "schema"))
            for listed in self.parameters_in("body")
        )

    @property
    def can_fail(self) -> bool:
        """Whether a call can go wrong: it changes something, takes input, or needs a credential."""
        reads = self.method in ("get", "head", "options")
        return not reads or self.protected or "{" in self.path or bool(self.parameters)

    @property
    def success(self) -> Iterator[tuple[str, Node]]:
        """The 2xx responses."""
        return ((code, node) for code, node in self.responses.items() if code[:1] == "2")

    @property
    def errors(self) -> Iterator[tuple[str, Node]]:
        """The 4xx and 5xx responses, and `default`."""
        return (
            (code, node)
            for code, node in self.responses.items()
            if code[:1] in "45" or code == "default"
        )


class Api:
    """The operations of a description and the uses of its components."""

    def __init__(self, description: Description) -> None:
        self.description = description
        self.root = description.nodes["document"][0]
        self._made: dict[Hashable, Any] = {}
        self._parts: dict[Node | None, list[Node]] = {}
        self._properties: dict[Node | None, dict[str, Node]] = {}
        self.operations = tuple(self._operations())

    def once(self, make: Callable[[Api], Made]) -> Made:
        """What `make` makes of this API: made once, however many rules ask."""
        if make not in self._made:
            self._made[make] = make(self)
        return cast("Made", self._made[make])

    def found(self, find: Callable[[Api, Subject], Made], subject: Subject) -> Made:
        """What `find` finds out about a node or operation of this API: once for each."""
        key = (find, subject)
        if key not in self._made:
            self._made[key] = find(self, subject)
        return cast("Made", self._made[key])

    @property
    def version(self) -> Version:
        """The version family of the root document."""
        return self.description.version

    def nodes(self, kind: str) -> list[Node]:
        """All objects of a kind, wherever they are written; `value`: all that constrain one."""
        return self._values if kind == "value" else self.description.nodes.get(kind, [])

    def having(self, *keywords: str) -> list[Node]:
        """What constrains a value, with one of the keywords at least."""
        if len(keywords) == 1:
            return list(self._by_keyword.get(keywords[0], ()))
        found = (node for keyword in keywords for node in self._by_keyword.get(keyword, ()))
        return list(dict.fromkeys(found))

    @cached_property
    def _values(self) -> list[Node]:
        """Schemas; in 2.0 also parameters, headers and items, which share their keywords."""
        kinds = ["schema"]
        if self.version is Version.V20:
            kinds += ["parameter", "header", "items"]
        return [node for kind in kinds for node in self.nodes(kind) if type(node.value) is dict]

    @cached_property
    def _by_keyword(self) -> dict[str, list[Node]]:
        found: dict[str, list[Node]] = defaultdict(list)
        for node in self._values:
            for keyword in node.value:
                found[keyword].append(node)
        return found

    @cached_property
    def violations(self) -> list[Violation]:
        """What the specification's official JSON Schema objects to."""
        return violations(self.description)

    @cached_property
    def operations_by_id(self) -> dict[str, list[Operation]]:
        """The operations by their `operationId`: one each, unless it is taken twice."""
        found: dict[str, list[Operation]] = defaultdict(list)
        for operation in self.operations:
            found[str(operation.node.get("operationId"))].append(operation)
        return dict(found)

    @cached_property
    def operations_at(self) -> dict[tuple[str, str], Operation]:
        """The operations by path and method."""
        return {(each.path, each.method): each for each in self.operations}

    def _operations(self) -> Iterator[Operation]:
        for path, value in mapping(self.root.get("paths")).items():
            node = self.description.node_at(value)
            item = self._path_item(node)
            if item is None or str(path).startswith("x-"):
                continue
            extra = mapping(item.get("additionalOperations"))
            for method, operation in (*((m, item.get(m)) for m in METHODS), *extra.items()):
                found = self.description.resolve(operation)
                if found is not None and found.kind == "operation":
                    yield Operation(self, found, item, path, method)

    def _path_item(self, node: Node | None) -> Node | None:
        for _ in range(10):
            if node is None or not isinstance(mapping(node.value).get("$ref"), str):
                return node if node and isinstance(node.value, dict) else None
            node = self.description.target(node)
        return None

    def parameters_of(self, owner: Node) -> Iterator[Listed]:
        """The parameters that an operation or path item lists itself."""
        entries = owner.get("parameters")
        for value in entries if isinstance(entries, list) else ():
            at, found = self.description.node_at(value), self.description.resolve(value)
            if at and found and isinstance(found.value, dict) and found.kind == "parameter":
                yield Listed(at, found)

    def bodies(self, message: Node | None) -> Iterator[Body]:
        """The bodies of a request body or response."""
        if message is None:
            return
        if self.version is Version.V20:
            if "schema" in mapping(message.value):
                yield Body("", self.description.child(message, "schema"))
            return
        for media_type, node in self.description.children(message, "content"):
            yield Body(media_type, self.description.child(node, "schema"))

    def schema_of(self, parameter: Node) -> Node | None:
        """The schema of a parameter or header; in 2.0 that is the object itself."""
        if self.version is Version.V20 and parameter.get("in") != "body":
            return parameter
        schema = self.description.child(parameter, "schema")
        return schema or next((body.schema for body in self.bodies(parameter)), None)

    # Schemas

    def parts(self, schema: Node | None) -> list[Node]:
        """The schema and what it includes by `$ref` and `allOf`: all of them hold at once."""
        known = self._parts.get(schema)
        if known is None:
            known = self._parts[schema] = self._parts_of(schema)
        return known

    def _parts_of(self, schema: Node | None) -> list[Node]:
        found: dict[Node, None] = {}
        stack = [schema]
        while stack and len(found) < MAX_PARTS:
            node = stack.pop()
            if node is None or node in found:
                continue
            found[node] = None
            value = mapping(node.value)
            if isinstance(value.get("$ref"), str):
                stack.append(self.description.target(node))
            members = value.get("allOf")
            if isinstance(members, list):
                stack.extend(self.description.resolve(member) for member in reversed(members))
        return list(found)

    def properties(self, schema: Node | None) -> dict[str, Node]:
        """The properties an object of the schema has, those of `allOf` included."""
        known = self._properties.get(schema)
        if known is None:
            known = self._properties[schema] = self._properties_of(schema)
        return known

    def _properties_of(self, schema: Node | None) -> dict[str, Node]:
        found: dict[str, Node] = {}
        for part in self.parts(schema):
            for name, node in self.description.children(part, "properties"):
                found.setdefault(name, node)
        return found

    @cached_property
    def declaring(self) -> dict[str, list[Node]]:
        """The schemas that declare a property, by its name."""
        found: dict[str, list[Node]] = defaultdict(list)
        for schema in self.having("properties"):
            for name in mapping(schema.value["properties"]):
                found[name].append(schema)
        return found

    @cached_property
    def satisfiability(self) -> Satisfiability:
        """Whether schemas admit any value, and why not."""
        return Satisfiability(self)

    @cached_property
    def validation(self) -> Validation:
        """Whether values satisfy schemas, by a validator."""
        return Validation(self)

    @cached_property
    def witnesses(self) -> Witnesses:
        """Values that satisfy schemas, and which schemas include others."""
        return Witnesses(self)

    def types(self, schema: Node | None) -> frozenset[str]:
        """The types that the schema and its `allOf` name; empty if none does."""
        named = [types for part in self.parts(schema) if (types := types_of(part.value))]
        return frozenset.intersection(*named) if named else frozenset()

    # Security

    @cached_property
    def security_schemes(self) -> dict[str, Node]:
        """The declared schemes by name."""
        if self.version is Version.V20:
            return dict(self.description.children(self.root, "securityDefinitions"))
        components = self.description.child(self.root, "components")
        return dict(self.description.children(components, "securitySchemes"))

    # Uses

    @cached_property
    def _users(self) -> dict[Unit, set[Unit]]:
        users: dict[Unit, set[Unit]] = {}
        for node, _, _ in self.description.references:
            target = self.description.target(node)
            if target is not None and target.unit is not node.unit:
                users.setdefault(target.unit, set()).add(node.unit)
        for schema, name in self.mapped_schemas():
            users.setdefault(name.unit, set()).add(schema.unit)
        for node in self.nodes("operation"):
            if node.parent is not None:
                users.setdefault(node.parent.unit, set()).add(node.unit)
        return users

    def units_reaching(self, nodes: Iterable[Node]) -> set[Unit]:
        """The units in which the nodes stand, and those that use them, by any references."""
        stack = list({node.unit for node in nodes})
        found = set(stack)
        while stack:
            users = self._users.get(stack.pop(), set()) - found
            found |= users
            stack.extend(users)
        return found

    def mapped_schemas(self) -> Iterator[tuple[Node, Node]]:
        """The schemas that discriminators name, with the schema of the discriminator."""
        schemas = mapping(mapping(self.root.get("components")).get("schemas"))
        for node in self.nodes("discriminator"):
            mapped = mapping(node.get("mapping")).values()
            for target in (*mapped, node.get("defaultMapping")):
                found = self.description.node_at(schemas.get(str(target).rpartition("/")[2]))
                if found is not None:
                    yield node, found

    def operations_using(self, unit: Unit) -> tuple[str, ...]:
        """The operations that a fault in this unit affects: `GET /pets`, sorted."""
        labels, _ = self._uses_of(unit)
        if labels not in self._named:
            names = {name for label in labels for name in self._names.get(label, (label,))}
            self._named[labels] = tuple(sorted(names))
        return self._named[labels]

    @cached_property
    def _named(self) -> dict[frozenset[str], tuple[str, ...]]:
        return {}

    @cached_property
    def _names(self) -> dict[str, list[str]]:
        """The operations by the label of their unit: paths can share a path item by reference."""
        names: dict[str, list[str]] = defaultdict(list)
        for operation in self.operations:
            names[operation.node.unit.operation].append(clean(str(operation), 300))
        return names

    def sent_by(self, unit: Unit) -> frozenset[str]:
        """Labels of the operations whose responses use a unit, by any references."""
        return self._sides_of(unit)["response"]

    def received_by(self, unit: Unit) -> frozenset[str]:
        """Labels of the operations whose requests use a unit, by any references."""
        return self._sides_of(unit)["request"]

    def _sides_of(self, start: Unit) -> dict[str, frozenset[str]]:
        if start not in self._sides:
            found: dict[str, set[str]] = {"request": set(), "response": set()}
            seen, stack = {start}, [start]
            while stack:
                unit = stack.pop()
                if unit.operation and unit.side:
                    found[unit.side].add(unit.operation)
                    continue
                users = self._users.get(unit, set()) - seen
                seen |= users
                stack.extend(users)
            self._sides[start] = {side: frozenset(labels) for side, labels in found.items()}
        return self._sides[start]

    @cached_property
    def _sides(self) -> dict[Unit, dict[str, frozenset[str]]]:
        return {}

    def received(self, node: Node) -> bool:
        """Whether clients send what this object describes."""
        _, received = self._uses_of(node.unit)
        return received

    @cached_property
    def _uses(self) -> dict[Unit, tuple[frozenset[str], bool]]:
        return {}

    def _uses_of(self, start: Unit) -> tuple[frozenset[str], bool]:
        """Labels of the operations that use a unit, and whether a request does, by any references.

        Units in a circle have the same users. Tarjan's algorithm finds a circle after all that use
        it, so that each unit is looked at once.
        """
        done, users_of = self._uses, self._users
        number, low, trail = {start: 0}, {start: 0}, [start]
        work = [] if start in done else [(start, iter(users_of.get(start, ())))]
        while work:
            unit, users = work[-1]
            for user in users:
                if user in done:
                    continue
                if user not in number:
                    number[user] = low[user] = len(number)
                    trail.append(user)
                    work.append((user, iter(users_of.get(user, ()))))
                    break
                low[unit] = min(low[unit], number[user])
            else:
                work.pop()
                if work:
                    outer, _ = work[-1]
                    low[outer] = min(low[outer], low[unit])
                if low[unit] == number[unit]:
                    circle = [trail.pop()]
                    while circle[-1] is not unit:
                        circle.append(trail.pop())
                    done.update(dict.fromkeys(circle, self._merged(circle)))
        return done[start]

    def _merged(self, circle: list[Unit]) -> tuple[frozenset[str], bool]:
        """The uses of units that use each other, from those of the others that use them."""
        others = {
            self._uses[user]
            for unit in circle
            for user in self._users.get(unit, ())
            if user in self._uses
        }
        own = frozenset(unit.operation for unit in circle if unit.operation)
        labels = max((own, *(theirs for theirs, _ in others)), key=len)
        if not all(theirs <= labels for theirs in (own, *(theirs for theirs, _ in others))):
            labels = labels.union(own, *(theirs for theirs, _ in others))
        received = any(received for _, received in others)
        return labels, received or any(unit.side == "request" for unit in circle)

    # Conventions

    @cached_property
    def error_model(self) -> dict[str, int]:
        """The bodies of error responses, as `media type: schema`, with how many responses."""
        models = Counter(
            model
            for operation in self.operations
            for _, response in operation.errors
            for model in self.models(response)
        )
        return dict(models.most_common())

    def models(self, response: Node) -> Iterator[str]:
        """Each body of a response as `media type: schema name`; an inline schema by its fields."""
        for body in self.bodies(response):
            yield f"{body.media_type or 'any'}: {self.schema_name(body.schema)}"

    def schema_name(self, schema: Node | None) -> str:
        """A component's name; else the fields of an inline schema: `{code, message}`."""
        if schema is None:
            return "no schema"
        if schema.parent is not None and schema.key[:1] in (("schemas",), ("definitions",)):
            return str(schema.key[-1])
        fields = sorted(self.properties(schema))
        if fields:
            return "{" + ", ".join(fields[:6]) + (", …" if len(fields) > 6 else "") + "}"
        return "/".join(sorted(self.types(schema))) or "any"

    @cached_property
    def pagination(self) -> dict[str, int]:
        """How list operations page: style with the number of operations."""
        styles = Counter(style for op in self.operations if (style := page_style(op)))
        return dict(styles.most_common())


_CURSOR = re.compile(
    r"cursor|(page|next|continuation|pagination|skip)_?-?token|(starting|ending)_?(after|before)"
    r"|^(since|after|before|marker|continue|bookmark)(_?id)?$|\[(after|before)\]$"
    r"|page_?info|start_?key",
    re.I,
)
_OFFSET = re.compile(r"^(offset|skip|start(_?(index|at))?|from)$|\[offset\]$", re.I)
_PAGE = re.compile(
    r"^((current_?)?page|page_?-?(number|no|index|num)|p|pageable)$|\[(number|page)\]$", re.I
)
PAGE_SIZE = re.compile(
    r"^(limit|per_?page|page_?size|max_?(results|items|page_?size)|top|size|count|first|last|take"
    r"|(results|items|rows)_?per_?page|page_?limit|num|rows)$|\[(size|limit)\]$",
    re.I,
)


def page_style(operation: Operation) -> str:
    """cursor, page or offset, by the query parameters; limit alone; or nothing."""
    names = [
        str(listed.node.get("name", "")).lstrip("$")
        for listed in operation.parameters
        if listed.node.get("in") in ("query", "header")
    ]
    sizes = [name for name in names if PAGE_SIZE.search(name)]
    if operation.method != "get":
        return ""
    for style, pattern in (("cursor", _CURSOR), ("page", _PAGE), ("offset", _OFFSET)):
        if any(pattern.search(name) for name in names):
            return style
    return "limit only" if sizes else ""
