"""Where an automaton has more and more ways to read the same text.

A state that some word leads back to itself in two ways is exponentially ambiguous (EDA). Two states
where a word loops at the first, leads from it to the second and loops there are polynomially so
(IDA). A backtracking engine that fails tries all these ways.

Source: Weber and Seidl, "On the degree of ambiguity of finite automata", 1991; Weideman, van der
Merwe, Berglund and Watson, "Analyzing matching time behavior of backtracking regular expression
matchers by using ambiguity of NFA", CIAA 2016.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

from .automaton import SEARCH, Automaton

MAX_SUBSETS: Final = 200

S = TypeVar("S", bound=Hashable)
Moves = Callable[[S], Iterable[tuple[int, S]]]  # letters as bits, and where they lead


class Spent(Exception):
    """The budget ended before the answer was known."""


@dataclass(slots=True)
class Budget:
    """Steps that are left."""

    left: int

    def take(self, steps: int = 1) -> None:
        """Use some. Raises `Spent`."""
        self.left -= steps
        if self.left < 0:
            raise Spent


@dataclass(frozen=True, slots=True)
class Pump:
    """A word to be repeated in a state that is reached by a prefix; words are letters as bits."""

    exponential: bool
    state: int
    word: tuple[int, ...]


def pumps(made: Automaton, budget: Budget) -> Iterator[Pump]:
    """Words whose repetition multiplies the ways, the exponential ones first."""
    loops = _loops(made, budget)
    for loop in loops:
        if SEARCH not in loop and (word := _exponential(made, loop, budget)):
            yield Pump(True, min(loop), word)
    for first in loops:
        beyond = _reached(made, first, budget)
        for second in loops:
            if second is not first and not second.isdisjoint(beyond):
                found = _polynomial(made, first, second, budget)
                if found:
                    yield found


def _loops(made: Automaton, budget: Budget) -> list[frozenset[int]]:
    """The strongly connected parts that have a cycle, by Tarjan's algorithm, without recursion."""
    number: dict[int, int] = {}
    low: dict[int, int] = {}
    trail: list[int] = []
    placed: set[int] = set()
    found = []
    for root in range(len(made.reads)):
        work: list[tuple[int, Iterator[int]]] = [(root, iter(()))] if root not in number else []
        while work:
            state, after = work[-1]
            if state not in number:
                number[state] = low[state] = len(number)
                trail.append(state)
                work[-1] = state, after = state, iter(made.follow[state])
            for target in after:
                budget.take()
                if not made.reads[target]:
                    continue
                if target not in number:
                    work.append((target, iter(())))
                    break
                if target not in placed:
                    low[state] = min(low[state], number[target])
            else:
                work.pop()
                if work:
                    outer = work[-1][0]
                    low[outer] = min(low[outer], low[state])
                if low[state] == number[state]:
                    part = {trail.pop()}
                    while state not in part:
                        part.add(trail.pop())
                    placed |= part
                    if len(part) > 1 or state in made.follow[state]:
                        found.append(frozenset(part))
    return sorted(found, key=min)


def _reached(made: Automaton, states: Iterable[int], budget: Budget) -> set[int]:
    reached: set[int] = set()
    stack = list(states)
    while stack:
        for after in made.follow[stack.pop()]:
            budget.take()
            if after not in reached and made.reads[after]:
                reached.add(after)
                stack.append(after)
    return reached


# Exponential: from a state back to it in two ways


def _exponential(made: Automaton, loop: frozenset[int], budget: Budget) -> tuple[int, ...]:
    home = min(loop)
    single = _moves_within(made, loop)
    for state in sorted(loop):
        for after, ways in made.follow[state].items():
            if ways > 1 and after in loop and made.reads[after]:
                there = _word(home, state, single, budget)
                back = _word(after, home, single, budget)
                if there is not None and back is not None:
                    return (*there, made.reads[after], *back)
    return _two_ways(home, single, budget)


def _two_ways(home: int, single: Moves[int], budget: Budget) -> tuple[int, ...]:
    """A word that leads from a state to two at once, and from both back to it."""

    def moves(pair: tuple[int, int]) -> Iterator[tuple[int, tuple[int, int]]]:
        for read, left in single(pair[0]):
            for other, right in single(pair[1]):
                if read & other:
                    yield read & other, (left, right)

    start = (home, home)
    apart = _reached_pairs(start, moves, budget)
    while pair := min(apart, default=None):
        back = _word(pair, start, moves, budget)
        if back is not None:
            return (*(_word(start, pair, moves, budget) or ()), *back)
        apart -= _reached_pairs(pair, moves, budget) | {pair}  # from there is no way back either
    return ()


def _reached_pairs(
    start: tuple[int, int], moves: Moves[tuple[int, int]], budget: Budget
) -> set[tuple[int, int]]:
    """The pairs of different states that are reached."""
    reached = {start}
    stack = [start]
    while stack:
        for _, after in moves(stack.pop()):
            budget.take()
            if after not in reached:
                reached.add(after)
                stack.append(after)
    return {pair for pair in reached if pair[0] != pair[1]}


def _moves_within(made: Automaton, loop: frozenset[int]) -> Moves[int]:
    table = {
        state: [(made.reads[a], a) for a in made.follow[state] if a in loop and made.reads[a]]
        for state in loop
    }
    return table.__getitem__


# Polynomial: a word that loops at one state, leads from it to another, and loops there


def _polynomial(
    made: Automaton, first: frozenset[int], second: frozenset[int], budget: Budget
) -> Pump | None:
    at_first, at_second = _moves_within(made, first), _moves_within(made, second)

    def moves(triple: tuple[int, int, int]) -> Iterator[tuple[int, tuple[int, int, int]]]:
        for here, a in at_first(triple[0]):
            for there, c in at_second(triple[2]):
                both = here & there
                for b in made.follow[triple[1]] if both else ():
                    budget.take()
                    if read := both & made.reads[b]:
                        yield read, (a, b, c)

    for start in sorted(first):
        for end in sorted(second):
            budget.take()
            if word := _word((start, start, end), (start, end, end), moves, budget):
                return Pump(False, start, word)
    return None


# Search


def _word(start: S, goal: S, moves: Moves[S], budget: Budget) -> tuple[int, ...] | None:
    """A shortest word that leads from a state to another."""
    came: dict[S, tuple[S, int] | None] = {start: None}
    queue = deque([start])
    while queue and goal not in came:
        state = queue.popleft()
        for letters, after in moves(state):
            budget.take()
            if after not in came:
                came[after] = (state, letters)
                queue.append(after)
    return _traced(came, goal) if goal in came else None


def _traced(came: dict[S, tuple[S, int] | None], at: S) -> tuple[int, ...]:
    word = []
    while step := came[at]:
        at, letters = step
        word.append(letters)
    return tuple(reversed(word))


def prefix(made: Automaton, state: int, budget: Budget) -> tuple[int, ...] | None:
    """A shortest word from the start of a text to a state."""
    if state == SEARCH:
        return ()

    def moves(at: int) -> Iterator[tuple[int, int]]:
        after = made.start if at == _OUTSIDE else made.follow[at]
        return ((made.reads[target], target) for target in after if made.reads[target])

    return _word(_OUTSIDE, state, moves, budget)


_OUTSIDE: Final = -1


def failing(made: Automaton, word: Iterable[int], budget: Budget) -> tuple[int, ...] | None:
    """What is to follow a word of letters so that the pattern is not found in the whole."""
    states: frozenset[int] | None = None
    if made.accepts_any:
        return None
    for letter in word:
        states = made.first(letter) if states is None else made.step(states, letter)
        budget.take(len(states))
        if states & made.accepting:
            return None
    start = states or frozenset()
    came: dict[frozenset[int], tuple[frozenset[int], int] | None] = {start: None}
    queue = deque([start])
    while queue and len(came) < MAX_SUBSETS:
        states = queue.popleft()
        if not states & made.at_end:
            return _traced(came, states)
        for number in range(len(made.letters)):
            after = made.step(states, 1 << number)
            budget.take(1 + len(after))
            if after not in came and not after & made.accepting:
                came[after] = (states, 1 << number)
                queue.append(after)
    return None
