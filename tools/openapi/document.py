"""The objects of an OpenAPI description as typed nodes, and where its references lead.

Nothing is inlined: every object is visited once, where it is written, and a reference is an arrow
between two nodes. A file that a reference names is read through the caller's `Reader`, so that
only what the workspace allows is ever opened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from ..rule import Place
from ..source import Path, Source, SourceError, load
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


class Description:
    """An OpenAPI description: its files, its nodes by kind, its references and their targets."""

    def __init__(self, root: Source, version: Version, read: Reader) -> None:
        self.root, self.version, self._read = root, version, read
        self.sources: dict[str, Source] = {root.name: root}
        self.nodes: dict[str, list[Node]] = {}
        self.references: list[Reference] = []
        self.broken: dict[int, Broken] = {}  # by id of the reference's node
        self._node_of: dict[int, Node] = {}
        self._targets: dict[tuple[str, str], tuple[str, Path, Any] | Broken] = {}
        self._anchors: dict[str, dict[str, tuple[Path, Any]]] = {}
        self._shape = _compiled(version)
        self._walk(Node("document", root.data, None, (), root.name, Unit("document")))
        self._follow_references()

    def node_at(self, value: Any) -> Node | None:
        """The node whose data is this very object."""
        return self._node_of.get(id(value))

    def resolve(self, value: Any) -> Node | None:
        """The node of an object, or where its reference leads in the end; None if nowhere."""
        node = self._node_of.get(id(value))
        for _ in range(100):
            if node is None or not isinstance(node.value, dict):
                return node
            text = node.value.get("$ref")
            if not isinstance(text, str) or node.kind == "path_item":
                return node
            node = self.target(node)
        return None

    def target(self, node: Node) -> Node | None:
        """Where the node's own `$ref` leads, one step."""
        text = node.get("$ref")
        if not isinstance(text, str):
            return None
        found = self._locate(node.file, text)
        return None if isinstance(found, Broken) else self._node_of.get(id(found[2]))

    def child(self, node: Node | None, *keys: str | int) -> Node | None:
        """The object under these keys, its reference followed."""
        value: Any = node.value if node else None
        for key in keys:
            try:
                value = value[key]
            except (KeyError, IndexError, TypeError):
                return None
        return self.resolve(value)

    def children(self, node: Node | None, key: str) -> Iterator[tuple[str, Node]]:
        """The objects of a map, by key, references followed; broken ones are left out."""
        entries = node.get(key) if node else None
        if isinstance(entries, dict):
            for name, value in entries.items():
                found = self.resolve(value)
                if found is not None:
                    yield name, found

    def nearest(self, text: str) -> str:
        """The existing reference target most like a broken one in this document; may be empty."""
        base, _, name = text.rpartition("/")
        found = _descend(self.root, unquote(base.partition("#")[2]))
        siblings = None if isinstance(found, Broken) else found[2]
        names = [str(key) for key in siblings] if isinstance(siblings, dict) else []
        near = get_close_matches(name, names, n=1, cutoff=0.7)
        return f"{base}/{near[0]}" if near and base.startswith("#") else ""

    # Walking

    def _walk(self, start: Node) -> None:
        shape, node_of, nodes = self._shape, self._node_of, self.nodes
        references, modern = self.references, self.version.modern
        stack = [start]
        while stack:
            node = stack.pop()
            value, kind = node.value, node.kind
            node_of.setdefault(id(value), node)
            if type(value) is not dict:
                nodes.setdefault(kind, []).append(node)  # a boolean schema, or of a wrong type
                continue
            text = value.get("$ref")
            if type(text) is str:
                references.append(Reference(node, text, kind))
                if kind != "path_item" and not (kind == "schema" and modern):
                    node.kind = "reference"
                    nodes.setdefault("reference", []).append(node)
                    continue
            nodes.setdefault(kind, []).append(node)
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
                    for name, item in child.items():
                        if not name.startswith("x-") or kind == "schema" or kind == "components":
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
            found = self._locate(node.file, text)
            if isinstance(found, Broken):
                self.broken[id(node)] = found
                continue
            file, path, value = found
            if id(value) not in self._node_of and isinstance(value, dict | bool):
                label = f"{file}#{pointer(path)}" if file != self.root.name else pointer(path)
                unit = Unit(label, _SIDES.get(expects, ""), component=expects)
                self._walk(Node(expects, value, None, path, file, unit))
        for node, _, _ in self.references:
            if id(node) not in self.broken and self.resolve(node.value) is None:
                self.broken[id(node)] = Broken("circular", "it only leads back to itself")

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
                return Broken("missing", f"`{source.name}` has no anchor of that name")
            return (source.name, *anchored)
        return _descend(source, fragment)

    def _own_identifier(self, text: str) -> tuple[str, Path, Any] | None:
        """A schema of this description that names itself so by `$id`."""
        base = text.partition("#")[0]
        for node in self.nodes.get("schema", ()):
            if node.get("$id") == base:
                return node.file, node.path, node.value
        return None

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


def pointer(path: Path) -> str:
    """A path as a JSON Pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def _descend(source: Source, fragment: str) -> tuple[str, Path, Any] | Broken:
    value: Any = source.data
    path: list[str | int] = []
    for raw in fragment.split("/")[1:]:
        step: str | int = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and str(step).isdigit():
            step = int(step)
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            where = f"`{source.name}`" + (f" at `{pointer(tuple(path))}`" if path else "")
            return Broken("missing", f"{where} has no `{step}`")
        path.append(step)
    return source.name, tuple(path), value


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
    if parent.kind == "components" or (parent.kind == "document" and node.key[0] in _SWAGGER_MAPS):
        name = node.key[-1]
        return Unit(f"{kind} {name}", _SIDES.get(kind, ""), component=kind)
    if kind == "path_item":
        inside = parent.unit.operation
        return Unit(
            f"{node.key[-1]} (callback of {inside})" if inside else str(node.key[-1]), "request"
        )
    if kind == "operation":
        label = f"{str(node.key[-1]).upper()} {parent.unit.label}"
        return Unit(label, "request", label)
    if parent.kind == "operation" and kind in ("parameter", "request_body", "response"):
        receives = kind != "response"
        if any(
            around.kind == "callback" or around.key[:1] == ("webhooks",)
            for around in parent.ancestors()
        ):
            receives = not receives  # the API is the client there
        label = parent.unit.operation
        return Unit(label, "request" if receives else "response", label)
    return None


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
