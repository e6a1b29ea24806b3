"""What a tree tells at a glance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .automaton import TooMany, automaton
from .syntax import Back, Edge, Either, Group, Look, Node, Repeat, Sequence, walk

MOST: Final = 1_000
"""Repetitions that RE2 allows at most (https://github.com/google/re2/wiki/Syntax)."""


def is_anchored(node: Node, *, end: bool) -> bool:
    """Whether a match begins at the start of the text, or ends at its end, in every alternative."""
    match node:
        case Edge(kind):
            return kind == ("$" if end else "^")
        case Either(parts):
            return all(is_anchored(part, end=end) for part in parts)
        case Sequence(parts):
            return any(is_anchored(part, end=end) for part in parts)
        case Group(part):
            return is_anchored(part, end=end)
        case Repeat(part, least):
            return least > 0 and is_anchored(part, end=end)
    return False


def matches_nothing(node: Node) -> bool:
    """Whether no text matches, for sure."""
    if not any(isinstance(part, Edge) for part in walk(node)):
        return False
    try:
        return automaton(node, unrolled=True).is_empty
    except TooMany:
        return False


def beyond_automata(node: Node) -> Iterator[str]:
    """What engines that match in linear time refuse: RE2, Go, Rust's `regex`, Hyperscan."""
    for part in walk(node):
        if isinstance(part, Look):
            yield "looks behind" if part.behind else "looks ahead"
        elif isinstance(part, Back) and part.numbers:
            yield "refers back to a group"
        elif isinstance(part, Repeat) and max(part.least, part.most or 0) > MOST:
            yield f"repeats more than {MOST:,} times"
