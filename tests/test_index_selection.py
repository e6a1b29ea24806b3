"""The choice of indexes against every set there is, on made-up costs."""

from __future__ import annotations

import random
from itertools import chain, combinations

import pytest

from backend_architect.tools.design_schema.indexing.selection import (
    Candidate,
    Pattern,
    choose,
    chosen_apart,
)


def subsets(names: list[str]) -> list[frozenset[str]]:
    sizes = range(len(names) + 1)
    return [frozenset(c) for c in chain.from_iterable(combinations(names, n) for n in sizes)]


class World:
    """Candidates, patterns, and made-up costs of a pattern with one candidate; else it is 100."""

    def __init__(self, seed: int) -> None:
        drawn = random.Random(seed)
        self.candidates = [
            Candidate(f"i{number}", drawn.randint(1, 50), drawn.uniform(0, 40))
            for number in range(7)
        ]
        self.of = {each.name: each for each in self.candidates}
        self.patterns = [
            Pattern(f"q{number}", drawn.uniform(0.1, 5), frozenset(drawn.sample(list(self.of), 3)))
            for number in range(9)
        ]
        self.costs = {
            (pattern.name, name): drawn.uniform(1, 100)
            for pattern in self.patterns
            for name in sorted(pattern.candidates)
        }

    def cost(self, pattern: str, names: frozenset[str]) -> float:
        return min((self.costs[pattern, name] for name in names), default=100.0)

    def total(self, names: frozenset[str]) -> float:
        reads = sum(p.rate * self.cost(p.name, names & p.candidates) for p in self.patterns)
        return reads + sum(self.of[name].upkeep for name in names)


@pytest.mark.parametrize("budget", [None, 20, 60, 120])
def test_it_is_near_the_best_of_all_sets(budget: int | None) -> None:
    ratios = []
    for seed in range(60):
        world = World(seed)
        allowed = [
            names
            for names in subsets(list(world.of))
            if budget is None or sum(world.of[name].pages for name in names) <= budget
        ]
        found = choose(world.candidates, world.patterns, world.cost, budget)
        assert found.cost == pytest.approx(world.total(frozenset(found.chosen)))
        assert frozenset(found.chosen) in allowed
        assert all(found.chosen.values()), "each chosen index serves a pattern"
        assert found.chosen.keys() | found.rejected.keys() == world.of.keys()
        ratios.append(found.cost / min(map(world.total, allowed)))
    assert sum(ratios) / len(ratios) < 1.01
    assert max(ratios) < 1.2


def test_an_index_that_only_pays_with_another_is_found() -> None:
    candidates = [Candidate("one", 10), Candidate("other", 10)]
    join = Pattern("merge join", 1, frozenset({"one", "other"}))
    found = choose(candidates, [join], lambda _, names: 5.0 if len(names) == 2 else 100.0)
    assert set(found.chosen) == {"one", "other"}


def test_reasons_say_what_was_weighed() -> None:
    candidates = [Candidate("busy", 1, 500.0), Candidate("idle", 1), Candidate("large", 99)]
    patterns = [Pattern("q", 1, frozenset({"busy", "large"}))]
    costs = {frozenset({"busy"}): 90.0, frozenset({"large"}): 10.0}
    found = choose(
        candidates,
        patterns,
        lambda _, names: costs.get(names, 100.0 - 90 * bool(names - {"busy"})),
        50,
    )
    assert not found.chosen
    assert found.rejected["busy"] == "saves 10 and costs 500 for writes"
    assert found.rejected["idle"].startswith("no pattern is cheaper")
    assert "in the space there is" in found.rejected["large"]


@pytest.mark.parametrize("seed", range(10))
def test_what_is_not_connected_is_chosen_apart(seed: int) -> None:
    one, other = World(seed), World(seed + 100)
    renamed = {f"o{name}": name for name in other.of}
    theirs = [each._replace(name=f"o{each.name}") for each in other.candidates]
    patterns = [
        p._replace(name=f"o{p.name}", candidates=frozenset(f"o{n}" for n in p.candidates))
        for p in other.patterns
    ]

    def cost(pattern: str, names: frozenset[str]) -> float:
        if pattern.startswith("o"):
            return other.cost(pattern[1:], frozenset(renamed[name] for name in names))
        return one.cost(pattern, names)

    both = chosen_apart([*one.candidates, *theirs], [*one.patterns, *patterns], cost)
    mine = choose(one.candidates, one.patterns, one.cost)
    hers = choose(other.candidates, other.patterns, other.cost)
    assert both.cost == pytest.approx(mine.cost + hers.cost)
    assert set(both.chosen) == {*mine.chosen, *(f"o{name}" for name in hers.chosen)}
    assert set(both.chosen) | set(both.rejected) == {*one.of, *renamed}


def test_no_more_than_so_many_are_tried_together() -> None:
    world = World(1)
    found = chosen_apart(world.candidates, world.patterns, world.cost, most=3)
    assert len([why for why in found.rejected.values() if "not tried" in why]) == 4
