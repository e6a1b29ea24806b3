"""Which indexes are worth their keep: what the plans save, against writes and space.

What a pattern costs with some indexes comes from whoever can plan (`postgres.whatif`); here it is
only added up. Finding the best set is NP-hard; two greedy searches, one that adds and one that
takes away, miss different things, and the better of the two is taken and mended by exchanges
(compare Chaudhuri & Narasayya 1997, and Bruno & Chaudhuri 2005).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

Names: TypeAlias = frozenset[str]
Cost: TypeAlias = Callable[[str, Names], float]

_LITTLE: Final = 1e-9  # a share of a cost that is no difference


class Candidate(NamedTuple):
    """An index that might be made. `upkeep` is what writes cost more with it, in a unit of time."""

    name: str
    pages: int
    upkeep: float = 0.0


class Pattern(NamedTuple):
    """A query with how often it runs in a unit of time, and the candidates that it might use."""

    name: str
    rate: float
    candidates: Names


@dataclass(frozen=True, slots=True)
class Use:
    """What an index does for a pattern: its cost with the chosen indexes, and without this one."""

    pattern: str
    cost: float
    without: float


@dataclass(frozen=True, slots=True)
class Selection:
    """The indexes to make, with the patterns that each one serves.

    `cost` is of all patterns and the upkeep, in a unit of time; `rejected` says why for the others.
    """

    chosen: Mapping[str, tuple[Use, ...]]
    rejected: Mapping[str, str]
    cost: float
    pages: int


def choose(
    candidates: Iterable[Candidate],
    patterns: Sequence[Pattern],
    cost: Cost,
    budget: int | None = None,
) -> Selection:
    """The candidates to make, of at most `budget` pages together.

    `cost(pattern, names)` is asked once for a pattern and the candidates it might use.
    """
    search = _Search(candidates, patterns, cost, budget)
    found = min((search.added(), search.taken_away()), key=search.rank)
    return search.told(search.pruned(search.exchanged(found)))


def chosen_apart(
    candidates: Iterable[Candidate], patterns: Sequence[Pattern], cost: Cost, most: int = 60
) -> Selection:
    """As `choose` without a budget, for many: what no pattern connects is chosen apart.

    Of candidates that belong together `most` are tried, those of the busiest patterns.
    """
    of = {each.name: each for each in candidates}
    rates = {name: sum(p.rate for p in patterns if name in p.candidates) for name in sorted(of)}
    chosen: dict[str, tuple[Use, ...]] = {}
    rejected: dict[str, str] = {}
    total, pages = 0.0, 0
    for together in _components(patterns):
        names = sorted(
            {name for pattern in together for name in pattern.candidates if name in of},
            key=lambda name: (-rates[name], name),
        )
        rejected |= dict.fromkeys(names[most:], f"not tried: more than {most} for these patterns")
        tried = frozenset(names[:most])
        asked = [each._replace(candidates=each.candidates & tried) for each in together]
        found = choose([of[name] for name in tried], asked, cost)
        chosen |= found.chosen
        rejected |= found.rejected
        total, pages = total + found.cost, pages + found.pages
    unused = dict.fromkeys(
        sorted(of.keys() - chosen.keys() - rejected.keys()), "no pattern uses it"
    )
    return Selection(dict(sorted(chosen.items())), rejected | unused, total, pages)


def _components(patterns: Sequence[Pattern]) -> list[list[Pattern]]:
    """The patterns in groups that share no candidate."""
    groups: list[tuple[set[str], list[Pattern]]] = []
    for pattern in patterns:
        near = [group for group in groups if group[0] & pattern.candidates]
        names = set(pattern.candidates).union(*(group[0] for group in near))
        members = [each for group in near for each in group[1]]
        groups = [group for group in groups if not any(group is other for other in near)]
        groups.append((names, [*members, pattern]))
    return [members for _, members in groups]


class _Search:
    """The costs that are known, and the two searches."""

    def __init__(
        self,
        candidates: Iterable[Candidate],
        patterns: Sequence[Pattern],
        cost: Cost,
        budget: int | None,
    ) -> None:
        self._of = {each.name: each for each in sorted(candidates)}
        self._patterns, self._cost, self._budget = patterns, cost, budget
        self._known: dict[tuple[str, Names], float] = {}

    def of(self, pattern: Pattern, chosen: Names) -> float:
        """What one run of the pattern costs."""
        key = pattern.name, chosen & pattern.candidates
        if key not in self._known:
            self._known[key] = self._cost(*key)
        return self._known[key]

    def total(self, chosen: Names) -> float:
        """What everything costs in a unit of time."""
        reads = sum(each.rate * self.of(each, chosen) for each in self._patterns)
        return reads + sum(self._of[name].upkeep for name in chosen)

    def pages(self, chosen: Iterable[str]) -> int:
        """Their size together."""
        return sum(self._of[name].pages for name in chosen)

    def rank(self, chosen: Names) -> tuple[float, int]:
        """The cheaper the better; of equals the smaller."""
        return self.total(chosen), self.pages(chosen)

    def fits(self, chosen: Iterable[str]) -> bool:
        """Whether they are within the budget."""
        return self._budget is None or self.pages(chosen) <= self._budget

    def added(self) -> Names:
        """From none: one after the other that saves most for a page."""
        chosen: Names = frozenset()
        while True:
            now = self.total(chosen)
            gains = {
                name: (now - self.total(chosen | {name})) / max(1, self._of[name].pages)
                for name in self._of
                if name not in chosen and self.fits((*chosen, name))
            }
            best = max(gains, key=gains.__getitem__, default="")
            if not best or gains[best] * self._of[best].pages <= _LITTLE * now:
                return chosen
            chosen |= {best}

    def taken_away(self) -> Names:
        """From all: one after the other that is missed least for a page, while too large."""
        chosen = frozenset(self._of)
        while chosen:
            now = self.total(chosen)
            losses = {
                name: (self.total(chosen - {name}) - now) / max(1, self._of[name].pages)
                for name in sorted(chosen)
            }
            least = min(losses, key=losses.__getitem__)
            if losses[least] > 0 and self.fits(chosen):
                break
            chosen -= {least}
        return chosen

    def exchanged(self, chosen: Names) -> Names:
        """With one less, one more or another one, the best of these each time, while it pays."""
        for _ in self._of:
            less = [chosen - {name} for name in sorted(chosen)]
            tries = [*less, *(s | {name} for s in (*less, chosen) for name in self._of)]
            best = min((s for s in tries if self.fits(s)), key=self.rank, default=chosen)
            if self.total(best) >= self.total(chosen) * (1 - _LITTLE):
                break
            chosen = best
        return chosen

    def pruned(self, chosen: Names) -> Names:
        """Without those that nothing is cheaper with, the largest first."""
        for name in sorted(chosen, key=lambda name: (-self._of[name].pages, name)):
            now = self.total(chosen)
            if self.total(chosen - {name}) <= now * (1 + _LITTLE):
                chosen -= {name}
        return chosen

    def told(self, chosen: Names) -> Selection:
        """The selection with its reasons."""
        uses = {name: tuple(self._uses(name, chosen)) for name in sorted(chosen)}
        rejected = {name: self._why_not(name, chosen) for name in self._of if name not in chosen}
        return Selection(uses, rejected, self.total(chosen), self.pages(chosen))

    def _uses(self, name: str, chosen: Names) -> Iterable[Use]:
        for pattern in self._patterns:
            cost = self.of(pattern, chosen)
            without = self.of(pattern, chosen - {name})
            if without > cost * (1 + _LITTLE):
                yield Use(pattern.name, cost, without)

    def _why_not(self, name: str, chosen: Names) -> str:
        made = chosen | {name}
        saved = sum(
            pattern.rate * (self.of(pattern, chosen) - self.of(pattern, made))
            for pattern in self._patterns
        )
        if saved <= _LITTLE * self.total(chosen):
            return "no pattern is cheaper with it beside the chosen indexes"
        if saved <= self._of[name].upkeep:
            return f"saves {saved:,.0f} and costs {self._of[name].upkeep:,.0f} for writes"
        return f"saves {saved:,.0f}, but the chosen indexes save more in the space there is"
