"""SDL to the model. Bounded before the parser sees it: in size, in tokens, in depth."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from ..rule import Place
from ..source import SourceError, error_at
from .model import (
    ROOTS,
    Applied,
    Directive,
    Field,
    Input,
    Schema,
    Type,
    TypeRef,
    Value,
)

if TYPE_CHECKING:
    from graphql.language import ast

MAX_CHARACTERS: Final = 16 * 1024 * 1024  # of all files
MAX_TOKENS: Final = 2_000_000  # of one file
MAX_DEPTH: Final = 64  # of brackets; the parser recurses

_TOKEN: Final = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"""|"(?:[^"\\\n]|\\.)*"|#[^\n]*|[{(\[]|[})\]]', re.DOTALL
)
_KINDS: Final = {
    "ObjectType": "object",
    "InterfaceType": "interface",
    "UnionType": "union",
    "EnumType": "enum",
    "InputObjectType": "input",
    "ScalarType": "scalar",
}


def read(texts: Mapping[str, str]) -> Schema:
    """The schema that files define together.

    Raises `SourceError` for text that is no SDL, too large or too deep.
    """
    from graphql import GraphQLError, GraphQLSyntaxError, Source, parse

    if sum(map(len, texts.values())) > MAX_CHARACTERS:
        raise SourceError(next(iter(texts)), f"more than {MAX_CHARACTERS:,} characters of SDL")
    reader = _Reader(texts)
    for name, text in sorted(texts.items()):
        check_depth(name, text)
        try:
            document = parse(Source(text, name), max_tokens=MAX_TOKENS)
        except GraphQLSyntaxError as error:
            at = next(iter(error.positions or ()), 0)
            raise error_at(text, name, at, "malformed GraphQL; SDL is expected here") from None
        except (GraphQLError, RecursionError):
            raise SourceError(name, "this GraphQL cannot be read") from None
        reader.add(name, document)
    return reader.schema()


def check_depth(name: str, text: str) -> None:
    """Raises `SourceError` where brackets are nested too deeply for the parser."""
    depth = 0
    for found in _TOKEN.finditer(text):
        if found[0] in "{([":
            depth += 1
            if depth > MAX_DEPTH:
                message = f"brackets are nested deeper than {MAX_DEPTH}"
                raise error_at(text, name, found.start(), message)
        elif found[0] in "})]":
            depth -= 1


class _Reader:
    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._types: dict[str, Type] = {}
        self._directives: dict[str, Directive] = {}
        self._roots: dict[str, str] = {}
        self._applied: list[Applied] = []
        self._extensions: list[tuple[str, Any]] = []
        self._asts: list[ast.DocumentNode] = []
        self._file = ""

    def add(self, name: str, document: ast.DocumentNode) -> None:
        """Take the definitions of a file; extensions wait for their types."""
        self._asts.append(document)
        self._file = name
        for node in document.definitions:
            kind = type(node).__name__
            if kind.endswith("ExtensionNode"):
                self._extensions.append((name, node))
            else:
                self._define(node)

    def schema(self) -> Schema:
        """The model, extensions merged; a type that is only extended is defined elsewhere."""
        for file, node in self._extensions:
            self._file = file
            self._define(node)
        if not self._roots:
            named = {kind: kind.capitalize() for kind in ROOTS}
            self._roots = {kind: name for kind, name in named.items() if name in self._types}
        return Schema(
            self._texts,
            self._types,
            self._directives,
            self._roots,
            tuple(self._applied),
            tuple(self._asts),
        )

    def _define(self, node: Any) -> None:
        kind = type(node).__name__.removesuffix("Node")
        kind = kind.removesuffix("Definition").removesuffix("Extension")
        if kind == "Schema":
            for operation in node.operation_types or ():
                self._roots.setdefault(operation.operation.value, operation.type.name.value)
            self._applied += self._directives_of(node, ())
        elif kind == "Directive":
            name = f"@{node.name.value}"
            part = self._part(node, name, ("directives", node.name.value))
            arguments = self._inputs(node.arguments, name, True, ("directives", part[0]))
            locations = tuple(each.value for each in node.locations)
            self._directives.setdefault(
                part[0], Directive(*part, arguments, locations, bool(node.repeatable))
            )
        elif kind in _KINDS:
            self._type(node, _KINDS[kind])

    def _type(self, node: Any, kind: str) -> None:
        name = node.name.value
        path = ("types", name)
        found = self._types.get(name)
        if found is None:
            found = self._types[name] = Type(*self._part(node, name, path), kind)
        elif type(node).__name__.endswith("ExtensionNode"):
            found.directives += tuple(self._directives_of(node, path))
        for each in getattr(node, "interfaces", None) or ():
            found.interfaces.setdefault(each.name.value, self._place(each, (*path, "interfaces")))
        for each in getattr(node, "types", None) or ():
            found.members.setdefault(each.name.value, self._place(each, (*path, "members")))
        for each in getattr(node, "values", None) or ():
            inner = (*path, "values", each.name.value)
            part = self._part(each, f"{name}.{each.name.value}", inner)
            found.values.setdefault(part[0], Value(*part))
        if kind == "input":
            for key, entry in self._inputs(node.fields, name, False, path).items():
                found.inputs.setdefault(key, entry)
        elif kind in ("object", "interface"):
            for each in node.fields or ():
                inner = (*path, "fields", each.name.value)
                coordinate = f"{name}.{each.name.value}"
                part = self._part(each, coordinate, inner)
                arguments = self._inputs(each.arguments, coordinate, True, inner)
                found.fields.setdefault(part[0], Field(*part, _type_of(each.type), arguments))

    def _inputs(
        self, nodes: Any, owner: str, are_arguments: bool, path: tuple[str, ...]
    ) -> dict[str, Input]:
        found: dict[str, Input] = {}
        for node in nodes or ():
            name = node.name.value
            coordinate = f"{owner}({name}:)" if are_arguments else f"{owner}.{name}"
            inner = (*path, "arguments" if are_arguments else "inputs", name)
            default = self._text(node.default_value) if node.default_value else None
            part = self._part(node, coordinate, inner)
            found.setdefault(name, Input(*part, _type_of(node.type), default))
        return found

    def _part(
        self, node: Any, coordinate: str, path: tuple[str, ...]
    ) -> tuple[str, str, Place, str | None, tuple[Applied, ...]]:
        described = getattr(node, "description", None)
        return (
            node.name.value,
            coordinate,
            self._place(node.name, path),
            described.value if described else None,
            tuple(self._directives_of(node, path)),
        )

    def _directives_of(self, node: Any, path: tuple[str, ...]) -> Iterator[Applied]:
        for each in node.directives or ():
            arguments = {a.name.value: self._text(a.value) for a in each.arguments or ()}
            place = self._place(each, (*path, f"@{each.name.value}"))
            yield Applied(each.name.value, arguments, place)

    def _place(self, node: Any, path: tuple[str, ...]) -> Place:
        return Place(self._file, path, node.loc.start)

    def _text(self, node: Any) -> str:
        return self._texts[self._file][node.loc.start : node.loc.end]


def _type_of(node: Any) -> TypeRef:
    wraps: list[str] = []
    while True:
        kind = type(node).__name__
        if kind == "NonNullTypeNode":
            wraps.append("!")
        elif kind == "ListTypeNode":
            wraps.append("[]")
        else:
            break
        node = node.type
    text = node.name.value
    for wrap in reversed(wraps):
        text = f"{text}!" if wrap == "!" else f"[{text}]"
    return TypeRef(node.name.value, text, tuple(wraps))
