"""Whether matching a pattern takes more than linear time in a backtracking engine, with a witness.

Ambiguity of the automaton suggests attack strings: a prefix, a pump that is repeated, a suffix with
which the match fails. Each is then tried on a backtracking matcher that counts its steps, and only
one whose steps grow faster than the text is a witness. Nothing here depends on a clock.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Final

from .ambiguity import Budget, Pump, Spent, failing, prefix, pumps
from .automaton import MANY, SEARCH, Automaton, TooMany, automaton, weight
from .matcher import Program, TooLarge
from .syntax import Back, Look, Node, Repeat, Unknown, walk

CANDIDATES: Final = 6
CHOICES: Final = 3  # of letters for one pump
MAX_STEPS: Final = 60_000  # of one match
MAX_TEXT: Final = 4_000


class Growth(StrEnum):
    """How the steps of the worst text grow with its length."""

    LINEAR = "linear"
    POLYNOMIAL = "polynomial"
    EXPONENTIAL = "exponential"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Attack:
    """Texts of `prefix`, any number of `pump`, `suffix`, with the steps of two of them."""

    prefix: str
    pump: str
    suffix: str
    measured: tuple[tuple[int, int], tuple[int, int]]
    """The number of pumps and the steps that it takes, twice."""

    def steps_within(self, length: int, growth: Growth) -> float:
        """The steps of the longest attack of so many characters, as the measured ones go on."""
        fixed = len(self.prefix) + len(self.suffix)
        times = max(1, (length - fixed) // len(self.pump))
        (fewer, some), (more, many) = self.measured
        if growth is Growth.POLYNOMIAL:
            exponent = math.log(many) + _power(*self.measured) * math.log(times / more)
        else:
            exponent = math.log(many) + math.log(many / some) * (times - more) / (more - fewer)
        return math.exp(min(exponent, 700))


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the steps grow; with a witness if that is more than linear."""

    growth: Growth
    attack: Attack | None = None


def complexity(node: Node, budget: Budget) -> Verdict:
    """Decide a pattern; what the budget or the means do not reach is unknown.

    The number of steps is linear in the text where no state of the automaton is ambiguous without
    bound. Repetitions of a limited number can multiply the steps, but only up to a limit: they
    count where they are nested so that the steps grow exponentially up to it.
    """
    parts = list(walk(node))
    repeats = [part for part in parts if isinstance(part, Repeat)]
    if all(r.most is not None and r.most * weight(r.part) <= MANY for r in repeats):
        return Verdict(Growth.LINEAR)
    decided = not any(
        isinstance(part, Back | Unknown) or (isinstance(part, Look) and part.behind)
        for part in parts
    )
    try:
        program = Program(node)
        for unrolled in (True, False):
            made = automaton(node, unrolled=unrolled)
            for attack, exponential in _attacks(made, node, budget):
                if exponential or unrolled:
                    verdict = _tried(program, attack, exponential, budget)
                    if verdict:
                        return verdict
                    decided = False
    except (Spent, TooMany, TooLarge):
        return Verdict(Growth.UNKNOWN)
    return Verdict(Growth.LINEAR if decided else Growth.UNKNOWN)


def _attacks(
    made: Automaton, node: Node, budget: Budget
) -> Iterator[tuple[tuple[str, str, str], bool]]:
    """Prefix, pump and suffix of texts that may be costly, those that fail for sure first."""
    wanted = "".join(_wanted(node, budget))
    for count, pump in enumerate(pumps(made, budget)):
        if count >= CANDIDATES:
            raise Spent
        for start, choice in product(_starts(made, pump, budget), range(CHOICES)):
            before, word = _letters(made, start), _letters(made, pump.word, choice)
            after = failing(made, (*before, *word * 3), budget)
            texts = [_text(made, letters) for letters in (before, word, after or ())]
            suffixes = [texts[2], texts[2] + wanted] if after is not None or not made.exact else []
            suffixes += [_outside(made, pump)] if choice == 0 else []
            for suffix in dict.fromkeys(suffixes):
                yield (texts[0], texts[1], suffix), pump.exponential


def _starts(made: Automaton, pump: Pump, budget: Budget) -> Iterator[tuple[int, ...]]:
    """What leads to the pump; before a search also a letter with which no match begins."""
    leading = prefix(made, pump.state, budget) or ()
    if len(leading) > 3:  # the pump itself may lead there, with fewer ways before
        yield ()
    yield leading
    quiet = [1 << n for n in range(len(made.letters)) if made.first(1 << n) == {SEARCH}]
    if pump.state == SEARCH and quiet:
        yield (sum(quiet),)


def _letters(made: Automaton, word: tuple[int, ...], choice: int = 0) -> tuple[int, ...]:
    """One letter for each set of letters: that which reads best, or next best."""
    chosen = []
    for letters in word:
        ranked = sorted(_bits(letters), key=lambda n: _rank(made.letters[n]))
        chosen.append(1 << ranked[choice % len(ranked)])
    return tuple(chosen)


def _bits(letters: int) -> Iterator[int]:
    return (number for number in range(letters.bit_length()) if letters >> number & 1)


def _rank(code: int) -> tuple[bool, bool, int]:
    char = chr(code)
    return not char.isalnum(), not char.isascii(), code


def _text(made: Automaton, word: tuple[int, ...]) -> str:
    return "".join(chr(made.letters[letter.bit_length() - 1]) for letter in word)


def _outside(made: Automaton, pump: Pump) -> str:
    """A character that the state of the pump does not go on with, if there is one."""
    ahead = 0
    for after in made.follow[pump.state]:
        ahead |= made.reads[after] if after else 0
    others = [n for n in range(len(made.letters)) if not ahead >> n & 1]
    return chr(made.letters[min(others, key=lambda n: _rank(made.letters[n]))]) if others else ""


def _wanted(node: Node, budget: Budget) -> Iterator[str]:
    """A text for each thing that is looked for ahead."""
    for part in walk(node):
        if isinstance(part, Look) and not part.behind and not part.negated:
            made = automaton(part.part, unrolled=True)
            goals = sorted(made.accepting | made.at_end)
            word = prefix(made, goals[0], budget) if goals else None
            yield _text(made, _letters(made, word or ()))


# Measuring


def _tried(
    program: Program, texts: tuple[str, str, str], exponential: bool, budget: Budget
) -> Verdict | None:
    """The verdict if the steps grow as suspected."""
    if exponential:
        measured = _measured(program, texts, range(1, 40), budget)
        if len(measured) >= 4 and measured[-1][1] > 1.4 * measured[-2][1] > 1_000:
            attack = Attack(*texts, (measured[-3], measured[-1]))
            return Verdict(Growth.EXPONENTIAL, attack)
    measured = _measured(program, texts, [2**n for n in range(1, 9)], budget)
    if len(measured) < 3:
        measured = _measured(program, texts, range(1, 12), budget)[::2]
    if len(measured) >= 2 and _power(measured[-2], measured[-1]) > 1.58:  # tripled by doubling
        return Verdict(Growth.POLYNOMIAL, Attack(*texts, (measured[-2], measured[-1])))
    return None


def _power(before: tuple[int, int], after: tuple[int, int]) -> float:
    """The power of the length that the steps grow with."""
    return math.log(after[1] / before[1]) / math.log(after[0] / before[0])


def _measured(
    program: Program, texts: tuple[str, str, str], times: range | list[int], budget: Budget
) -> list[tuple[int, int]]:
    before, pump, after = texts
    found = []
    for number in times:
        text = before + pump * number + after
        if len(text) > MAX_TEXT:
            break
        run = program.run(text, MAX_STEPS)
        budget.take(run.steps)
        if run.matched is None:
            break
        found.append((number, run.steps))
    return found
