"""Keys, normal forms and decompositions against definitions tried on every subset."""

from __future__ import annotations

import random
from itertools import chain, combinations, pairwise

import pytest

from backend_architect.tools.design_schema.logical.normal_forms import (
    EXHAUSTIVE,
    Attributes,
    Dependency,
    TooManyKeys,
    bcnf,
    candidate_keys,
    closure,
    is_lossless,
    lost,
    minimal_cover,
    synthesis,
    violations,
)

LETTERS = "abcdef"


def of(text: str) -> tuple[Dependency, ...]:
    """`ab>c d>e` as dependencies."""
    sides = (each.split(">") for each in text.split())
    return tuple(Dependency(frozenset(left), frozenset(right)) for left, right in sides)


def subsets(attributes: Attributes) -> list[Attributes]:
    names = sorted(attributes)
    sizes = range(len(names) + 1)
    return [frozenset(c) for c in chain.from_iterable(combinations(names, n) for n in sizes)]


def implied_by_definition(attributes: Attributes, dependencies: tuple[Dependency, ...]) -> set[str]:
    """Attributes on which all pairs of rows agree that agree on `attributes`.

    A pair of rows is the set on which it agrees; it is allowed when no dependency forbids it.
    """
    universe = frozenset(LETTERS)
    allowed = [
        agree
        for agree in subsets(universe)
        if attributes <= agree
        and all(not each.left <= agree or each.right <= agree for each in dependencies)
    ]
    return set(frozenset.intersection(*allowed))


def keys_by_definition(part: Attributes, dependencies: tuple[Dependency, ...]) -> set[Attributes]:
    superkeys = [s for s in subsets(part) if part <= closure(s, dependencies)]
    return {key for key in superkeys if not any(other < key for other in superkeys)}


def is_bcnf(part: Attributes, dependencies: tuple[Dependency, ...]) -> bool:
    return all((closure(left, dependencies) & part) in (left, part) for left in subsets(part))


def is_third(part: Attributes, dependencies: tuple[Dependency, ...]) -> bool:
    prime = frozenset().union(*keys_by_definition(part, dependencies))
    return all(
        part <= known or (known & part) - left <= prime
        for left in subsets(part)
        for known in [closure(left, dependencies)]
    )


def is_second(part: Attributes, dependencies: tuple[Dependency, ...]) -> bool:
    keys = keys_by_definition(part, dependencies)
    prime = frozenset().union(*keys)
    return all(
        (closure(left, dependencies) & part) - left <= prime
        for key in keys
        for left in subsets(key)
        if left < key
    )


def joined(parts: list[Attributes], dependencies: tuple[Dependency, ...]) -> bool:
    """Losslessness by pairs of parts alone: sufficient, for two parts exact."""
    one, other = parts
    common = closure(one & other, dependencies)
    return one <= common or other <= common


def random_sets(count: int) -> list[tuple[Attributes, tuple[Dependency, ...]]]:
    drawn = random.Random(7)
    found = []
    for _ in range(count):
        names = LETTERS[: drawn.randint(2, 6)]
        dependencies = tuple(
            Dependency(
                frozenset(drawn.sample(names, drawn.randint(0 if drawn.random() < 0.05 else 1, 2))),
                frozenset(drawn.sample(names, drawn.randint(1, 2))),
            )
            for _ in range(drawn.randint(0, 6))
        )
        found.append((frozenset(names), dependencies))
    return found


RANDOM = random_sets(2_000)


def test_closure_is_what_all_rows_that_obey_say() -> None:
    for attributes, dependencies in RANDOM[:300]:
        for left in subsets(attributes):
            assert closure(left, dependencies) == implied_by_definition(left, dependencies)


def test_keys_and_forms_agree_with_their_definitions() -> None:
    for attributes, dependencies in RANDOM:
        assert set(candidate_keys(attributes, dependencies)) == keys_by_definition(
            attributes, dependencies
        )
        forms = {violation.form for violation in violations(attributes, dependencies)}
        assert ("2NF" not in forms) == is_second(attributes, dependencies)
        assert (not forms & {"2NF", "3NF"}) == is_third(attributes, dependencies)
        assert (not forms) == is_bcnf(attributes, dependencies)


def test_a_minimal_cover_says_the_same_with_nothing_to_spare() -> None:
    for attributes, dependencies in RANDOM[:500]:
        cover = minimal_cover(dependencies)
        for left in subsets(attributes):
            assert closure(left, cover) == closure(left, dependencies)
        for each in cover:
            rest = tuple(other for other in cover if other != each)
            assert not each.right <= closure(each.left, rest)
            for name in each.left:
                assert not each.right <= closure(each.left - {name}, cover)


def test_a_synthesis_is_in_third_form_and_loses_nothing() -> None:
    for attributes, dependencies in RANDOM:
        made = synthesis(attributes, dependencies)
        assert made.lossless
        assert not made.lost
        assert frozenset().union(*(part.attributes for part in made.parts)) == attributes
        for part in made.parts:
            assert is_third(part.attributes, dependencies)
            assert set(part.keys) == keys_by_definition(part.attributes, dependencies)


def test_a_decomposition_is_in_bcnf_and_lossless() -> None:
    for attributes, dependencies in RANDOM:
        made = bcnf(attributes, dependencies)
        assert made.lossless
        assert all(is_bcnf(part.attributes, dependencies) for part in made.parts)
        known = [
            Dependency(left, closure(left, dependencies) & part.attributes)
            for part in made.parts
            for left in subsets(part.attributes)
        ]
        for each in minimal_cover(dependencies):
            assert (each in made.lost) == (not each.right <= closure(each.left, known))


def test_the_chase_agrees_with_the_theorem_for_two_parts() -> None:
    drawn = random.Random(11)
    outcomes = set()
    for attributes, dependencies in RANDOM:
        one = frozenset(name for name in attributes if drawn.random() < 0.6)
        parts = [one, (attributes - one) | frozenset(n for n in one if drawn.random() < 0.5)]
        expected = joined(parts, dependencies)
        assert is_lossless(attributes, parts, dependencies) == expected
        outcomes.add(expected)
    assert outcomes == {True, False}


def test_the_classic_that_bcnf_cannot_keep() -> None:
    street_city_code = frozenset("scz")  # street, city → postcode; postcode → city
    made = bcnf(street_city_code, of("sc>z z>c"))
    assert [str(each) for each in made.lost] == ["c, s → z"]
    assert not synthesis(street_city_code, of("sc>z z>c")).lost


def test_a_relation_too_large_to_search_is_still_decomposed() -> None:
    names = [f"a{number:02}" for number in range(EXHAUSTIVE + 10)]
    chained = [Dependency(frozenset({one}), frozenset({other})) for one, other in pairwise(names)]
    made = bcnf(frozenset(names), chained)
    assert made.lossless
    assert not made.lost
    assert all(len(part.attributes) == 2 for part in made.parts)


def test_too_many_keys_are_an_error() -> None:
    pairs = [("l" + str(n), "r" + str(n)) for n in range(11)]
    both_ways = [
        Dependency(frozenset({one}), frozenset({other}))
        for left, right in pairs
        for one, other in ((left, right), (right, left))
    ]
    with pytest.raises(TooManyKeys, match="more than 1,000 candidate keys"):
        candidate_keys(frozenset(name for pair in pairs for name in pair), both_ways)


def test_dependencies_are_lost_when_no_part_holds_them() -> None:
    assert lost([frozenset("ab"), frozenset("ac")], of("a>b b>c")) == of("b>c")
