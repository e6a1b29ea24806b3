"""The tree of a regular expression."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from .characters import Ranges


@dataclass(frozen=True, slots=True)
class Chars:
    """One character of a set."""

    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Unknown:
    """One character of a set that is not known here, as that of a script."""


@dataclass(frozen=True, slots=True)
class Edge:
    """`^`, `$`, `\\b` or `\\B`, as it is written."""

    kind: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other; of none: the empty string."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of them, the first that will do."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """So many times; `most` None: any number; lazy: as few as will do."""

    part: Node
    least: int
    most: int | None
    lazy: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """What a capturing group matches is kept under its number."""

    part: Node
    number: int


@dataclass(frozen=True, slots=True)
class Look:
    """What stands here, or before here, and is not consumed."""

    part: Node
    behind: bool
    negated: bool


@dataclass(frozen=True, slots=True)
class Back:
    """What a group has matched, once more; of several of the same name that which has."""

    numbers: tuple[int, ...]


Node: TypeAlias = Chars | Unknown | Edge | Sequence | Either | Repeat | Group | Look | Back


def children(node: Node) -> tuple[Node, ...]:
    """The parts of a node."""
    match node:
        case Sequence(parts) | Either(parts):
            return parts
        case Repeat() | Group() | Look():
            return (node.part,)
    return ()


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it."""
    stack = [node]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(children(node)))
