"""A GraphQL schema as data: what SDL defines, extensions merged, each part with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..rule import Place

BUILT_IN: Final = ("Int", "Float", "String", "Boolean", "ID")
ROOTS: Final = ("query", "mutation", "subscription")
DEFAULT_REASON: Final = "No longer supported"  # of @deprecated, section 3.13.3


@dataclass(frozen=True, slots=True)
class TypeRef:
    """A type as it is used: `[Pet!]!` is non-null, a list, of a non-null `Pet`."""

    name: str
    text: str
    wraps: tuple[str, ...]  # from outside: "!" and "[]"

    @property
    def is_required(self) -> bool:
        """Whether null is not admitted."""
        return self.wraps[:1] == ("!",)

    @property
    def is_list(self) -> bool:
        """Whether it is a list, of whatever depth."""
        return "[]" in self.wraps

    @property
    def has_nullable_items(self) -> bool:
        """Whether an item of the list may be null."""
        return self.is_list and self.wraps[-1:] == ("[]",)


@dataclass(frozen=True, slots=True)
class Applied:
    """A directive where it is used, with its arguments as SDL."""

    name: str
    arguments: Mapping[str, str]
    place: Place


@dataclass(slots=True, eq=False)
class Part:
    """What every definition has: a name, a schema coordinate, a place, a description."""

    name: str
    coordinate: str
    place: Place
    description: str | None
    directives: tuple[Applied, ...]

    def applied(self, name: str) -> Applied | None:
        """The use of a directive; None if it is not used here."""
        return next((each for each in self.directives if each.name == name), None)

    @property
    def deprecated(self) -> str | None:
        """The reason of `@deprecated` as SDL; None if the part is not deprecated."""
        found = self.applied("deprecated")
        return found.arguments.get("reason", f'"{DEFAULT_REASON}"') if found else None


@dataclass(slots=True, eq=False)
class Input(Part):
    """An argument, or a field of an input object; `default` is SDL."""

    type: TypeRef
    default: str | None

    @property
    def must_be_given(self) -> bool:
        """Whether a call without it is refused."""
        return self.type.is_required and self.default is None


@dataclass(slots=True, eq=False)
class Field(Part):
    """A field that can be selected."""

    type: TypeRef
    arguments: Mapping[str, Input]


@dataclass(slots=True, eq=False)
class Value(Part):
    """A value of an enum."""


@dataclass(slots=True, eq=False)
class Type(Part):
    """A type of one of the kinds object, interface, union, enum, input, scalar."""

    kind: str
    fields: dict[str, Field] = field(default_factory=dict)
    inputs: dict[str, Input] = field(default_factory=dict)
    values: dict[str, Value] = field(default_factory=dict)
    members: dict[str, Place] = field(default_factory=dict)  # of a union
    interfaces: dict[str, Place] = field(default_factory=dict)

    @property
    def uses(self) -> Iterator[tuple[str, Place]]:
        """The types that its parts name."""
        for each in self.fields.values():
            yield each.type.name, each.place
            for argument in each.arguments.values():
                yield argument.type.name, argument.place
        for entry in self.inputs.values():
            yield entry.type.name, entry.place
        yield from self.members.items()
        yield from self.interfaces.items()


@dataclass(slots=True, eq=False)
class Directive(Part):
    """The definition of a directive."""

    arguments: Mapping[str, Input]
    locations: tuple[str, ...]
    is_repeatable: bool


@dataclass(slots=True)
class Schema:
    """All that the files define. `asts` are the parsed documents, for the validator."""

    texts: Mapping[str, str]
    types: dict[str, Type]
    directives: dict[str, Directive]
    roots: dict[str, str]  # query, mutation, subscription, by the name of their type
    applied: tuple[Applied, ...]  # to the schema itself
    asts: tuple[Any, ...] = ()

    def root(self, kind: str) -> Type | None:
        """The type of queries, mutations or subscriptions."""
        return self.types.get(self.roots.get(kind, ""))

    @property
    def mutations(self) -> tuple[Field, ...]:
        """The fields of the mutation type."""
        root = self.root("mutation")
        return tuple(root.fields.values()) if root else ()

    @property
    def selectable(self) -> Iterator[Type]:
        """Objects and interfaces: what has fields that can be selected."""
        return (each for each in self.types.values() if each.kind in ("object", "interface"))

    def reachable(self) -> set[str]:
        """The types that an operation can name or get, with the implementations of interfaces."""
        implementations: dict[str, list[str]] = {}
        for each in self.types.values():
            for interface in each.interfaces:
                implementations.setdefault(interface, []).append(each.name)
        stack = [name for name in self.roots.values() if name in self.types]
        stack += [a.type.name for d in self.directives.values() for a in d.arguments.values()]
        stack += [each.name for each in self.types.values() if each.applied("key")]
        found: set[str] = set()
        while stack:
            name = stack.pop()
            if name in found or name not in self.types:
                continue
            found.add(name)
            stack += [used for used, _ in self.types[name].uses]
            stack += implementations.get(name, [])
        return found
