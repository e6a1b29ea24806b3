"""Whether one pattern matches every text that another does, or a text that it does not."""

from __future__ import annotations

from collections import deque
from functools import lru_cache
from typing import Final, NamedTuple

from .automaton import MANY, Automaton, TooMany, automata, weight
from .parser import Invalid, TooComplex, parsed
from .syntax import Node, Repeat, walk

MAX_PAIRS: Final = 2_000
MAX_LENGTH: Final = 500  # characters of a pattern


class _At(NamedTuple):
    """Where an automaton may be, and whether it has matched whatever follows."""

    states: frozenset[int] | None  # None: at the start
    done: bool

    def matches(self, made: Automaton) -> bool:
        """Whether the text so far is matched, if it ends here."""
        if self.states is None:
            return self.done or made.accepts_empty
        return self.done or bool(self.states & (made.accepting | made.at_end))

    def after(self, made: Automaton, letter: int) -> _At:
        """After one more letter."""
        if self.done:
            return self
        at = made.first(letter) if self.states is None else made.step(self.states, letter)
        return _At(at, bool(at & made.accepting))


@lru_cache(maxsize=500)
def unmatched(narrow: str, wide: str) -> str | None:
    """A shortest text that the first pattern matches and the second does not; None: there is none.

    Raises `ValueError` where that cannot be told.
    """
    try:
        one, two = (_read(pattern) for pattern in (narrow, wide))
        ours, theirs = automata(one, two)
    except (Invalid, TooComplex, TooMany, RecursionError) as error:
        raise ValueError(str(error)) from None
    if not (ours.exact and theirs.exact):
        raise ValueError("a pattern looks around")
    start = _At(None, ours.accepts_any), _At(None, theirs.accepts_any)
    texts = {start: ""}
    queue = deque([start])
    while queue:
        pair = queue.popleft()
        if pair[0].matches(ours) and not pair[1].matches(theirs):
            return texts[pair]
        for number, character in enumerate(ours.letters):
            after = pair[0].after(ours, 1 << number), pair[1].after(theirs, 1 << number)
            if after not in texts:
                if len(texts) > MAX_PAIRS:
                    raise ValueError("too many states")
                texts[after] = texts[pair] + chr(character)
                queue.append(after)
    return None


def _read(pattern: str) -> Node:
    if len(pattern) > MAX_LENGTH:
        raise ValueError("the pattern is long")
    node = parsed(pattern)
    for part in walk(node):
        if isinstance(part, Repeat):
            times = max(1, MANY // max(1, weight(part.part)))
            if part.least > times or (part.most is not None and part.most > times):
                raise ValueError("a repetition of many times")
    return node
