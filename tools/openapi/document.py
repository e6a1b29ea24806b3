"""The objects of an OpenAPI description as typed nodes, and where its references lead.

Nothing is inlined: every object is visited once, where it is written, and a reference is an arrow
between two nodes. A file that a reference names is read through the caller's `Reader`, so that
only what the workspace allows is ever opened.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, NamedTuple
from urllib.parse import unquote, urljoin, urlsplit

from ..report import clean, quoted
from ..rule import Place
from ..source import Path, Source, SourceError, load, pointer
from .kinds import MAPS, Version, fields_of

Reader = Callable[[str, str], Source]
"""(name of the referring file, relative reference) -> the file; raises `Unreadable`."""


class Unreadable(Exception):
    """A file that a reference names may not or cannot be read; the message says why."""


class NotOpenApi(Exception):
    """The document is no OpenAPI or Swagger description; the message says what is missing."""


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """What a reference can lead to or come from: a component, or one side of an operation.

    `side` is what the API does with it: "request" (receives), "response" (sends) or "" (either).
    """

    label: str
    side: str = ""
    operation: str = ""
    component: str = ""  # kind, for components


class Node:
    """One object of the description: its kind, its data, and where it stands.

    `key` is the steps from the parent's data to this node's. A Reference Object is of the kind
    `reference`; `expects` is the kind that belongs where the node stands.
    """

    __slots__ = ("expects", "file", "key", "kind", "parent", "unit", "value")

    def __init__(
        self, kind: str, value: Any, parent: Node | None, key: Path, file: str, unit: Unit
    ) -> None:
        self.kind = self.expects = kind
        self.value, self.parent, self.key = value, parent, key
        self.file, self.unit = file, unit

    @property
    def path(self) -> Path:
        """The steps from the root of the file."""
        steps: list[Path] = []
        node: Node | None = self
        while node is not None:
            steps.append(node.key)
            node = node.parent
        return tuple(step for key in reversed(steps) for step in key)

    def place(self, *steps: str | int) -> Place:
        """The place of this node, or of something in it."""
        return Place(self.file, (*self.path, *steps))

    def ancestors(self) -> Iterator[Node]:
        """The nodes around this one, innermost first."""
        node = self.parent
        while node is not None:
            yield node
            node = node.parent

    def get(self, key: str, default: Any = None) -> Any:
        """A member of the data; the default if it has none or is no mapping."""
        return self.value.get(key, default) if isinstance(self.value, dict) else default


class Reference(NamedTuple):
    """A `$ref`: the node it stands in, the text, and the kind that may stand there."""

    node: Node
    text: str
    expects: str


@dataclass(frozen=True, slots=True)
class Broken:
    """Why a reference leads nowhere: `remote`, `unreadable`, `missing` or `circular`."""

    reason: str
    detail: str


class NoSuchPlace(Exception):
    """A JSON pointer that leads nowhere; the message says where it goes astray."""


class Description:
    """An OpenAPI description: its files, its nodes by kind, its references and their targets."""

    def __init__(self, root: Source, version: Version, read: Reader) -> None:
        self.root, self.version, self._read = root, version, read
        self.sources: dict[str, Source] = {root.name: root}
        self.nodes: dict[str, list[Node]] = {}
        self.references: list[Reference] = []
        self.broken: dict[int, Broken] = {}  # by id of the reference's node
        self._node_of: dict[int, Node] = {}
        self._ends: dict[int, Node | None] = {}  # of chains of references, by id of their nodes
        self._targets: dict[tuple[str, str], tuple[str, Path, Any] | Broken] = {}
        self._anchors: dict[str, dict[str, tuple[Path, Any]]] = {}
        self._named: dict[str, Node] = {}  # by `$id` of a schema, `$self` of the document
        self._identities: tuple[int, dict[str, Node]] = (0, {})
        self._has_ids = False  # any schema: references below it are relative to it
        self._shape = _compiled(version)
        self._walk(Node("document", root.data, None, (), root.name, Unit("document")))
        self._follow_references()

    def node_at(self, value: Any) -> Node | None:
        """The node whose data is this very object."""
        return self._node_of.get(id(value))

    def resolve(self, value: Any) -> Node | None:
        """The node of an object, or where its reference leads in the end; None if nowhere."""
        node = self._node_of.get(id(value))
        if node is None or "$ref" not in value:
            return node
        followed: list[int] = []
        while node is not None and id(node) not in self._ends:
            if not isinstance(node.get("$ref"), str) or _says_more(node):
                break
            followed.append(id(node))
            self._ends[id(node)] = None  # where a circle ends, too
            node = self.target(node)
        end = self._ends.get(id(node), node)
        self._ends.update(dict.fromkeys(followed, end))
        return end

    def target(self, node: Node) -> Node | None:
        """Where the node's own `$ref` leads, one step."""
        text = node.get("$ref")
        if not isinstance(text, str):
            return None
        found = self._located(node, text)
        if isinstance(found, Broken):
            return None
        file, path, value = found
        if isinstance(value, bool):
            return Node("schema", value, None, path, file, node.unit)
        return self._node_of.get(id(value))

    def child(self, node: Node | None, *keys: str | int) -> Node | None:
        """The object under these keys, its reference followed."""
        value: Any = node.value if node else None
        for key in keys:
            try:
                value = value[key]
            except (KeyError, IndexError, TypeError):
                return None
        return self._in(node, keys, value) if node else None

    def children(self, node: Node | None, key: str) -> Iterator[tuple[str, Node]]:
        """The objects of a map, by key, references followed; broken ones are left out."""
        entries = node.get(key) if node else None
        if isinstance(entries, dict):
            for name, value in entries.items():
                found = self._in(node, (key, name), value) if node else None
                if found is not None:
                    yield name, found

    def _in(self, node: Node, key: Path, value: Any) -> Node | None:
        """As `resolve`; a boolean, which is a schema, is told apart by where it stands."""
        if isinstance(value, bool):
            return Node("schema", value, node, key, node.file, node.unit)
        return self.resolve(value)

    def nearest(self, text: str, file: str = "") -> str:
        """What a broken reference within a file (or the root document) may have meant, or empty."""
        value = self.sources[file or self.root.name].data
        found: list[str | int] = []
        for step in steps_of(text.removeprefix("#")) if text.startswith("#/") else ():
            key = _key(value, step)
            if not _has(value, key):
                names = list(value) if isinstance(value, dict) else []
                near = get_close_matches(step, names, n=1, cutoff=0.7)
                if not near:
                    return ""
                key = near[0]
            value = value[key]
            found.append(key)
        return "#" + pointer(tuple(found)).replace("%", "%25").replace(" ", "%20") if found else ""

    def check_pointer(self, text: str) -> None:
        """Raises `NoSuchPlace` unless a JSON pointer leads somewhere in one of the files."""
        text = text.rstrip("/")
        if text and text[0] != "/":
            example = "`/paths/~1users` for the path `/users`"
            raise NoSuchPlace(f"{quoted(text)} is no JSON pointer; it starts with `/`: {example}")
        found = [_descend(name, (), source.data, text) for name, source in self.sources.items()]
        if all(isinstance(each, Broken) for each in found) and isinstance(found[0], Broken):
            raise NoSuchPlace(f"{quoted(text, 200)} leads nowhere: {found[0].detail}")

    # Walking

    def _walk(self, start: Node) -> None:
        shape, node_of, nodes = self._shape, self._node_of, self.nodes
        references, modern = self.references, self.version.modern
        stack = [start]
        while stack:
            node = stack.pop()
            value, kind = node.value, node.kind
            if type(value) is not dict:
                nodes.setdefault(kind, []).append(node)  # a boolean schema, or of a wrong type
                continue
            node_of.setdefault(id(value), node)
            text = value.get("$ref")
            if type(text) is str and kind != "document":
                references.append(Reference(node, text, kind))
                if kind not in _NEVER_REPLACED and not (kind == "schema" and modern):
                    node.kind = "reference"
                    nodes.setdefault("reference", []).append(node)
                    continue
            nodes.setdefault(kind, []).append(node)
            if kind == "schema" or kind == "document":
                name = value.get("$id" if kind == "schema" else "$self")
                if type(name) is str:
                    self._named.setdefault(name.partition("#")[0], node)
                    self._has_ids |= kind == "schema"
            entire = MAPS.get(kind)
            if entire:
                for key, child in value.items():
                    if not key.startswith("x-"):
                        stack.append(self._enter(node, entire, child, (key,)))
                continue
            fields = shape.get(kind)
            if not fields:
                continue
            for key, child in value.items():
                field = fields.get(key)
                if field is None:
                    continue
                child_kind, many = field
                if many == "{}" and type(child) is dict:
                    extensible = key == "paths" or (key == "responses" and kind == "operation")
                    for name, item in child.items():
                        if not (extensible and name.startswith("x-")):
                            stack.append(self._enter(node, child_kind, item, (key, name)))
                elif many == "*" and type(child) is list:
                    for index, item in enumerate(child):
                        stack.append(self._enter(node, child_kind, item, (key, index)))
                elif not many and type(child) is dict:
                    stack.append(self._enter(node, child_kind, child, (key,)))
                elif not many and type(child) is list and key == "items":
                    for index, item in enumerate(child):  # tuple form, before 2020-12
                        stack.append(self._enter(node, child_kind, item, (key, index)))

    def _enter(self, parent: Node, kind: str, value: Any, key: Path) -> Node:
        node = Node(kind, value, parent, key, parent.file, parent.unit)
        if kind == "schema" and parent.kind == "schema":
            return node
        unit = _own_unit(node)
        if unit is not None:
            node.unit = unit
        return node

    # References

    def _follow_references(self) -> None:
        """Resolve each reference once; walk what only a reference makes an object of the API."""
        done = 0
        while done < len(self.references):
            node, text, expects = self.references[done]
            done += 1
            found = self._located(node, text)
            if isinstance(found, Broken):
                self.broken[id(node)] = found
                continue
            file, path, value = found
            if not isinstance(value, dict | bool):
                self.broken[id(node)] = Broken("missing", "what stands there is no object")
            elif isinstance(value, dict) and id(value) not in self._node_of:
                label = f"{file}#{pointer(path)}" if file != self.root.name else pointer(path)
                unit = Unit(label, _SIDES.get(expects, ""), component=expects)
                self._walk(Node(expects, value, None, path, file, unit))
        self._ends.clear()  # nothing was resolved in the end before all was walked
        for node, _, _ in self.references:
            if id(node) not in self.broken and self.resolve(node.value) is None:
                self.broken[id(node)] = Broken("circular", "it only leads back to itself")

    def _located(self, node: Node, text: str) -> tuple[str, Path, Any] | Broken:
        """What a reference leads to: relative to the `$id` around it, else to its file.

        Strictly only the first counts (JSON Schema 2020-12, core, 8.2.3), but most tools go by the
        file.
        """
        around = self._identified(node) if self._has_ids else None
        if around is not None:
            if not text.startswith("#"):
                found = self._own_identifier(_joined(self._identity(around), text))
            else:
                anchored = self._anchors_of(self.sources[around.file]).get(text[1:])
                found = (around.file, *anchored) if anchored else None
                found = found or _descend(around.file, around.path, around.value, text[1:])
            if found is not None and not isinstance(found, Broken):
                return found
        return self._locate(node.file, text)

    def _identified(self, node: Node | None) -> Node | None:
        """The innermost schema around a node, or it itself, that has an `$id` of its own."""
        while node is not None and node.expects == "schema":
            name = node.get("$id")
            if isinstance(name, str) and not name.startswith("#"):
                return node
            node = node.parent
        return None

    def _identity(self, schema: Node) -> str:
        """The absolute name of a schema with an `$id`: relative to that of the one around it."""
        outer = self._identified(schema.parent)
        base = self._identity(outer) if outer else str(self.root.data.get("$self", ""))
        return _joined(base, schema.value["$id"])

    def _locate(self, file: str, text: str) -> tuple[str, Path, Any] | Broken:
        key = (file, text)
        if key not in self._targets:
            self._targets[key] = self._find(file, text)
        return self._targets[key]

    def _find(self, file: str, text: str) -> tuple[str, Path, Any] | Broken:
        try:
            parts = urlsplit(text)
        except ValueError:
            return Broken("missing", "it is no valid URI reference")
        if parts.scheme or parts.netloc:
            return self._own_identifier(text) or Broken("remote", "URLs are never fetched")
        if parts.path:
            try:
                source = self._read(file, unquote(parts.path))
            except (Unreadable, SourceError) as error:
                return self._own_identifier(text) or Broken("unreadable", str(error))
            source = self.sources.setdefault(source.name, source)
        else:
            source = self.sources[file]
        fragment = unquote(parts.fragment)
        if fragment and not fragment.startswith("/"):
            anchored = self._anchors_of(source).get(fragment)
            if anchored is None:
                return Broken("missing", f"{quoted(source.name)} has no anchor of that name")
            return (source.name, *anchored)
        return _descend(source.name, (), source.data, parts.fragment)

    def _own_identifier(self, text: str) -> tuple[str, Path, Any] | Broken | None:
        """What is, or lies in, a schema or document that names itself so by `$id` or `$self`."""
        base, _, fragment = text.partition("#")
        node = self._named.get(base)
        if node is None and self._has_ids:
            node = self._by_identity().get(base)
        if node is None:
            return None
        anchored = self._anchors_of(self.sources[node.file]).get(fragment)
        if anchored is not None:
            return (node.file, *anchored)
        return _descend(node.file, node.path, node.value, fragment)

    def _by_identity(self) -> dict[str, Node]:
        """The schemas with an `$id` by their absolute names; more, as more is walked."""
        if self._identities[0] != len(self._named):
            schemas = [node for node in self._named.values() if node.kind == "schema"]
            absolute = {self._identity(each).partition("#")[0]: each for each in schemas}
            self._identities = len(self._named), absolute
        return self._identities[1]

    def _anchors_of(self, source: Source) -> dict[str, tuple[Path, Any]]:
        if source.name not in self._anchors:
            anchors = self._anchors[source.name] = {}
            stack: list[tuple[Path, Any]] = [((), source.data)]
            while stack:
                path, value = stack.pop()
                if isinstance(value, dict):
                    for keyword in ("$anchor", "$dynamicAnchor"):
                        if isinstance(value.get(keyword), str):
                            anchors.setdefault(value[keyword], (path, value))
                    stack.extend(((*path, key), child) for key, child in value.items())
                elif isinstance(value, list):
                    stack.extend(((*path, index), child) for index, child in enumerate(value))
        return self._anchors[source.name]


def steps_of(fragment: str) -> list[str]:
    """The steps of a JSON Pointer in the fragment of a URI."""
    steps = unquote(fragment).split("/")[1:]
    return [step.replace("~1", "/").replace("~0", "~") for step in steps]


def _joined(base: str, reference: str) -> str:
    """A reference resolved against a base; as it stands where one of the two is malformed."""
    try:
        return urljoin(base, reference)
    except ValueError:
        return reference


def _key(value: Any, step: str) -> str | int:
    is_index = isinstance(value, list) and _INDEX(step)
    return int(step) if is_index else step


_INDEX = re.compile(r"(0|[1-9][0-9]{0,9})\Z").match


def _has(value: Any, key: str | int) -> bool:
    if isinstance(value, dict):
        return key in value
    return isinstance(value, list) and isinstance(key, int) and key < len(value)


def _descend(file: str, path: Path, value: Any, fragment: str) -> tuple[str, Path, Any] | Broken:
    """What the fragment of a URI leads to, from the value at a path of a file."""
    for step in steps_of(fragment):
        key = _key(value, step)
        if not _has(value, key):
            where = quoted(file) + (f" at {quoted(pointer(path))}" if path else "")
            return Broken("missing", f"{where} has no {quoted(step)}")
        path, value = (*path, key), value[key]
    return file, path, value


# A reference in these stands beside what they say themselves.
_NEVER_REPLACED = ("document", "path_item")


def _says_more(node: Node) -> bool:
    """Whether what stands beside the reference of a node holds, too, and is more than a remark."""
    if node.kind in _NEVER_REPLACED:
        return True
    return node.kind == "schema" and not node.value.keys() <= _REMARKS


_REMARKS = frozenset(
    (
        *("$ref", "title", "summary", "description", "deprecated", "default", "example"),
        *("examples", "externalDocs", "xml", "$comment", "nullable"),
    )
)

_SIDES = {
    "parameter": "request",
    "request_body": "request",
    "response": "response",
    "header": "response",
}


def _own_unit(node: Node) -> Unit | None:
    """The unit that starts at this node, if one does."""
    parent, kind = node.parent, node.kind
    assert parent is not None
    name = clean(str(node.key[-1]), 200)
    if parent.kind == "components" or (parent.kind == "document" and node.key[0] in _SWAGGER_MAPS):
        return Unit(f"{kind} {name}", _SIDES.get(kind, ""), component=kind)
    if kind == "path_item":
        inside = parent.unit.operation
        return Unit(f"{name} (callback of {inside})" if inside else name, _side(node, "request"))
    if kind == "operation":
        label = f"{name.upper()} {parent.unit.label}"
        return Unit(label, _side(node, "request"), label)
    if parent.kind == "operation" and kind in ("parameter", "request_body", "response"):
        label = parent.unit.operation
        side = "response" if kind == "response" else "request"
        return Unit(label, _side(node, side), label)
    return None


def _side(node: Node, side: str) -> str:
    """The side; the other one in webhooks and callbacks, where the API is the client."""
    for around in (node, *node.ancestors()):
        if around.kind == "callback" or around.key[:1] == ("webhooks",):
            return "response" if side == "request" else "request"
    return side


_SWAGGER_MAPS = ("definitions", "parameters", "responses", "securityDefinitions")


def _compiled(version: Version) -> dict[str, dict[str, tuple[str, str]]]:
    """The table of fields with the notation taken apart."""
    return {
        kind: {
            key: (spec.rstrip("*{}"), spec[len(spec.rstrip("*{}")) :]) for key, spec in f.items()
        }
        for kind, f in fields_of(version).items()
    }


def version_of(data: Any, name: str) -> Version:
    """The version family a document declares. Raises `NotOpenApi`."""
    if not isinstance(data, dict):
        raise NotOpenApi(f"{name}: an OpenAPI document is an object with a field `openapi`")
    declared = data.get("openapi", data.get("swagger"))
    if declared is None:
        raise NotOpenApi(
            f"{name}: no field `openapi` (3.x) or `swagger` (2.0), so this is no OpenAPI document;"
            " fragments are reviewed through the document that refers to them"
        )
    text = str(declared)
    for version in Version:
        if text == version or text.startswith(version + "."):
            return version
    raise NotOpenApi(f"{name}: version {text[:20]!r} is not known; 2.0, 3.0.x, 3.1.x and 3.2.x are")


def describe(content: str | bytes, name: str, read: Reader) -> Description:
    """Load an OpenAPI description from the text of its root document.

    Raises `SourceError` (malformed) and `NotOpenApi`.
    """
    source = load(content, name)
    return Description(source, version_of(source.data, name), read)
