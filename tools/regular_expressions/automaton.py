"""The nondeterministic automaton of a pattern, with how often a step is possible.

A state is a character of the pattern (a position, after Glushkov), so that a transition is
consumption of one. Two ways from one position to another that consume nothing in between count as
two, since a backtracking engine tries both. Searching is part of it: a state before the pattern
that takes any character. Letters are classes of characters that the pattern cannot tell apart.

Where the pattern has matched nothing follows, as an engine that comes there is done.

What stands aside is widened, so that the automaton has every path that an engine may try: `\\b` may
be anywhere, what is looked at is a path of its own that ends dead, back-references match nothing.
Repetitions of many times, and more than fit, are loops.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from .characters import LAST, Ranges
from .syntax import (
    Back,
    Chars,
    Edge,
    Either,
    Group,
    Look,
    Node,
    Repeat,
    Sequence,
    Unknown,
    walk,
)

MAX_POSITIONS: Final = 400
MAX_TRANSITIONS: Final = 8_000
MAX_LETTERS: Final = 200
MAX_EDGES: Final = 3_000
MANY: Final = 40
"""Repetitions of more positions than this in all are taken for any number of times."""

SEARCH: Final = 0
"""The state of a search that has not begun to match."""


class TooMany(ValueError):
    """The automaton would be too large."""


@dataclass(slots=True)
class Automaton:
    """States are numbers; letters are bits.

    `reads`: what a state consumes when it is entered. `follow`: the states after each, with the
    number of ways, 2 for more than one. `accepting`: where the pattern has matched, at the end of
    the text only for those in `at_end`. `start` and `start_accepts`: the same for the text's start.
    """

    letters: tuple[int, ...]
    reads: list[int]
    follow: list[dict[int, int]]
    start: dict[int, int]
    accepting: frozenset[int]
    at_end: frozenset[int]
    accepts_any: bool
    accepts_empty: bool
    exact: bool

    def step(self, states: frozenset[int], letter: int) -> frozenset[int]:
        """The states after one more letter."""
        return frozenset(
            after for state in states for after in self.follow[state] if self.reads[after] & letter
        )

    @property
    def is_empty(self) -> bool:
        """Whether no text matches, as far as this widened automaton tells."""
        reached, stack = set(), [state for state in self.start if self.reads[state]]
        while stack:
            state = stack.pop()
            if state not in reached:
                reached.add(state)
                stack.extend(after for after in self.follow[state] if self.reads[after])
        return not self.accepts_empty and not reached & (self.accepting | self.at_end)

    def first(self, letter: int) -> frozenset[int]:
        """The states after the first letter of a text."""
        return frozenset(state for state in self.start if self.reads[state] & letter)


def automaton(node: Node, *, unrolled: bool = False) -> Automaton:
    """The automaton of a tree; unrolled: many times are some times, not loops. Raises `TooMany`."""
    builder = _Builder(unrolled)
    builder.build(node)
    return builder.finished()


def automata(one: Node, other: Node) -> tuple[Automaton, Automaton]:
    """The automata of two trees, with the same letters. Raises `TooMany`."""
    builders = []
    for node in (one, other):
        builders.append(_Builder(unrolled=True))
        builders[-1].build(node)
    sets = {ranges for builder in builders for ranges in builder.sets}
    first, second = (builder.finished(sets) for builder in builders)
    return first, second


# A graph of what consumes nothing: `epsilon` nodes with successors, some of which are positions.


@dataclass(slots=True)
class _Point:
    """A point of the graph: a position if it reads, else a way on, maybe at an edge of the text."""

    reads: Ranges | None = None
    edge: str = ""
    after: list[int] = field(default_factory=list)


class _Builder:
    def __init__(self, unrolled: bool) -> None:
        self.unrolled = unrolled
        self.points: list[_Point] = []
        self.positions: list[int] = []
        self.visits = 0

    def build(self, node: Node) -> None:
        self.is_exact = not any(
            isinstance(part, Look | Back | Unknown)
            or (isinstance(part, Edge) and part.kind[0] == "\\")
            for part in walk(node)
        )
        self.end = self._point()
        self.begin = self._before(node, self.end)

    def _point(self, *after: int) -> int:
        self.points.append(_Point(after=list(after)))
        return len(self.points) - 1

    def _position(self, ranges: Ranges, after: int) -> int:
        if len(self.positions) >= MAX_POSITIONS:
            raise TooMany("too many positions")
        point = self._point(after)
        self.points[point].reads = ranges
        self.positions.append(point)
        return point

    def _before(self, node: Node, after: int) -> int:
        """The point from which the node leads to the point after it."""
        self.visits += 1
        if self.visits > 20 * MAX_POSITIONS:
            raise TooMany("too many repetitions")
        match node:
            case Chars(ranges):
                return self._position(ranges, after)
            case Unknown():
                return self._position(((0, LAST),), after)
            case Edge(kind) if kind in ("^", "$"):
                point = self._point(after)
                self.points[point].edge = kind
                return point
            case Sequence(parts):
                for part in reversed(parts):
                    after = self._before(part, after)
                return after
            case Either(parts):
                return self._point(*(self._before(part, after) for part in parts))
            case Repeat():
                return self._before_repeat(node, after)
            case Group(part):
                return self._before(part, after)
            case Look(part, behind):
                if behind:
                    return after
                return self._point(self._before(part, self._point()), after)
        return after

    def _before_repeat(self, repeat: Repeat, after: int) -> int:
        part, least, most = repeat.part, repeat.least, repeat.most
        times = max(1, MANY // max(1, weight(part)))
        if most is not None and self.unrolled:
            least, most = min(least, times), min(most, times)
        if most is None or most > times:
            again = self._point()
            inside = self._before(part, again)
            self.points[again].after = [inside, after]
            for _ in range(least - 1 if least <= times else 0):
                inside = self._before(part, inside)
            return inside if least else self._point(inside, after)
        for _ in range(most - least):
            after = self._point(self._before(part, after), after)
        for _ in range(least):
            after = self._before(part, after)
        return after

    # From points to states

    @property
    def sets(self) -> set[Ranges]:
        """The sets of characters that are read."""
        return {self.points[point].reads or () for point in self.positions}

    def finished(self, beside: Iterable[Ranges] = ()) -> Automaton:
        """The automaton; its letters tell the sets `beside` apart as well."""
        letters, masks = self._letters(self.sets.union(beside))
        state_of = {point: number for number, point in enumerate(self.positions, 1)}
        every = (1 << len(letters)) - 1
        follow: list[dict[int, int]] = []
        accepting, at_end = set(), set()
        budget = MAX_TRANSITIONS
        for number, point in enumerate([None, *self.positions]):
            origin = self.begin if point is None else self.points[point].after[0]
            ways = self._closure(origin, at_start=False)
            follow.append({state_of[p]: n for p, n in ways.items() if p in state_of})
            budget -= len(follow[-1])
            if budget < 0:
                raise TooMany("too many transitions")
            if self.end in ways:
                accepting.add(number)
                if self.is_exact:
                    follow[-1].clear()  # an engine that comes here is done
            if _AT_END in ways:
                at_end.add(number)
        if SEARCH not in accepting or not self.is_exact:
            follow[SEARCH][SEARCH] = 1
        ways = self._closure(self.begin, at_start=True)
        start = {state_of[p]: n for p, n in ways.items() if p in state_of} | {SEARCH: 1}
        return Automaton(
            tuple(letters),
            [every, *(masks[self.points[point].reads or ()] for point in self.positions)],
            follow,
            start,
            frozenset(accepting),
            frozenset(at_end),
            self.end in ways,
            self.end in ways or _AT_END in ways,
            self.is_exact,
        )

    def _closure(self, origin: int, at_start: bool) -> dict[int, int]:
        """Positions and the end, by how many ways that consume nothing lead there.

        A point that is met again on its own way is an empty repetition, which engines refuse.
        """
        known: dict[int, dict[int, int]] = {}
        on_way: set[int] = set()
        stack: list[tuple[int, bool]] = [(origin, False)]
        while stack:
            point, done = stack.pop()
            here = self.points[point]
            if done:
                on_way.discard(point)
                known[point] = self._ways(point, here, known)
            elif point not in known and point not in on_way:
                if here.reads is not None or point == self.end:
                    known[point] = {point: 1}
                elif here.edge == "^" and not at_start:
                    known[point] = {}
                else:
                    on_way.add(point)
                    stack.append((point, True))
                    stack.extend((after, False) for after in here.after)
        return known[origin]

    def _ways(self, point: int, here: _Point, known: dict[int, dict[int, int]]) -> dict[int, int]:
        found: dict[int, int] = {}
        for after in here.after:
            for target, ways in known.get(after, {}).items():
                found[target] = min(2, found.get(target, 0) + ways)
        if here.edge == "$":  # nothing is consumed after it
            return {_AT_END: 1} if self.end in found or _AT_END in found else {}
        return found

    def _letters(self, sets: set[Ranges]) -> tuple[list[int], dict[Ranges, int]]:
        """One character of each letter, and the letters of each set as bits."""
        edges = sorted({0} | {e for s in sets for low, high in s for e in (low, high + 1)})
        edges = [edge for edge in edges if edge <= LAST]
        if len(edges) > MAX_EDGES:
            raise TooMany("too many sets")
        inside: list[int] = [0] * len(edges)
        for bit, each in enumerate(sorted(sets)):
            for low, high in each:
                for index in range(bisect_right(edges, low) - 1, bisect_right(edges, high)):
                    inside[index] |= 1 << bit
        kinds: dict[int, list[int]] = {}
        for index, kind in enumerate(inside):
            kinds.setdefault(kind, []).append(index)
        if len(kinds) > MAX_LETTERS:
            raise TooMany("too many sets")
        bounds = [*edges, LAST + 1]
        letters = [_shown((bounds[i], bounds[i + 1] - 1) for i in of) for of in kinds.values()]
        masks = {
            each: sum(1 << n for n, kind in enumerate(kinds) if kind >> bit & 1)
            for bit, each in enumerate(sorted(sets))
        }
        return letters, masks


_AT_END: Final = -1


def _shown(ranges: Iterable[tuple[int, int]]) -> int:
    """The character of a letter that reads best: a letter, a digit, a sign, any."""
    best = (9, 0)
    for low, high in ranges:
        for rank, (first, last) in enumerate(_READABLE):
            if low <= last and high >= first:
                best = min(best, (rank, max(low, first)))
        best = min(best, (8, low))
    return best[1]


_READABLE: Final = ((97, 122), (48, 57), (65, 90), (33, 47), (58, 64), (91, 126), (32, 32))


def weight(node: Node) -> int:
    """The positions that a node is written with."""
    match node:
        case Chars() | Unknown():
            return 1
        case Sequence(parts) | Either(parts):
            return sum(map(weight, parts))
        case Repeat(part, least, most):
            times = max(least, 1) if most is None else most
            return min(times * weight(part), 10**6)
        case Group(part) | Look(part):
            return weight(part)
    return 0
