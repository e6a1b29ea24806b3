"""Normal forms of a relation from its functional dependencies: keys, violations, decompositions.

Everything is decided, not sampled. Armstrong's closure is the only primitive; what is exponential
by nature (the number of keys, the forms of a projection) has a bound and says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, Literal, NamedTuple

MAX_KEYS: Final = 1_000
EXHAUSTIVE: Final = 14  # attributes of a relation whose every subset is looked at

Attributes = frozenset[str]
Form = Literal["2NF", "3NF", "BCNF"]


class TooManyKeys(ValueError):
    """A relation with more than `MAX_KEYS` candidate keys."""


class Dependency(NamedTuple):
    """`left` determines `right`: rows that agree on the one agree on the other."""

    left: Attributes
    right: Attributes

    def __str__(self) -> str:
        return f"{listed(self.left) or '∅'} → {listed(self.right)}"


class Violation(NamedTuple):
    """A dependency that keeps a relation from the form `form` and from all that are higher."""

    form: Form
    dependency: Dependency
    why: str


@dataclass(frozen=True, slots=True)
class Part:
    """A relation of a decomposition, with the keys that its dependencies give it."""

    attributes: Attributes
    keys: tuple[Attributes, ...]


@dataclass(frozen=True, slots=True)
class Decomposition:
    """Relations that together hold what one held.

    `lost` are the dependencies that no set of the parts' own dependencies implies: they need a
    trigger or a join to be checked.
    """

    parts: tuple[Part, ...]
    lossless: bool
    lost: tuple[Dependency, ...]


def listed(attributes: Iterable[str]) -> str:
    """Attributes in alphabetical order."""
    return ", ".join(sorted(attributes))


def closure(attributes: Iterable[str], dependencies: Iterable[Dependency]) -> Attributes:
    """All that the attributes determine (Beeri & Bernstein 1979)."""
    known = set(attributes)
    waiting = list(dependencies)
    while True:
        ready = [each for each in waiting if each.left <= known]
        if not ready:
            return frozenset(known)
        waiting = [each for each in waiting if not each.left <= known]
        known.update(*(each.right for each in ready))


def minimal_cover(dependencies: Iterable[Dependency]) -> tuple[Dependency, ...]:
    """Equivalent dependencies: one attribute right, none to spare left, none of them redundant."""
    single = [
        Dependency(each.left, frozenset({name}))
        for each in dependencies
        for name in sorted(each.right - each.left)
    ]
    cover = sorted({_left_reduced(each, single) for each in single}, key=_order)
    for each in tuple(cover):
        rest = [other for other in cover if other != each]
        if each.right <= closure(each.left, rest):
            cover = rest
    return tuple(cover)


def _left_reduced(dependency: Dependency, dependencies: Sequence[Dependency]) -> Dependency:
    left = dependency.left
    for name in sorted(left):
        if dependency.right <= closure(left - {name}, dependencies):
            left -= {name}
    return Dependency(left, dependency.right)


def _order(dependency: Dependency) -> tuple[list[str], list[str]]:
    return sorted(dependency.left), sorted(dependency.right)


def candidate_keys(
    attributes: Attributes, dependencies: Iterable[Dependency]
) -> tuple[Attributes, ...]:
    """The minimal sets that determine everything, the smallest first.

    Each further key hides in a known one with a dependency's right side replaced by its left
    (Lucchesi & Osborn 1978). Raises `TooManyKeys`.
    """
    cover = minimal_cover(dependencies)
    keys = [_key_within(attributes, attributes, cover)]
    for key in keys:
        for each in cover:
            candidate = each.left | (key - each.right)
            if any(known <= candidate for known in keys):
                continue
            keys.append(_key_within(candidate, attributes, cover))
            if len(keys) > MAX_KEYS:
                raise TooManyKeys(f"{listed(attributes)}: more than {MAX_KEYS:,} candidate keys")
    return tuple(sorted(keys, key=lambda key: (len(key), sorted(key))))


def _key_within(
    superkey: Attributes, attributes: Attributes, dependencies: Sequence[Dependency]
) -> Attributes:
    for name in sorted(superkey):
        if attributes <= closure(superkey - {name}, dependencies):
            superkey -= {name}
    return superkey


def violations(attributes: Attributes, dependencies: Iterable[Dependency]) -> tuple[Violation, ...]:
    """What keeps the relation from 2NF, 3NF and BCNF, of a minimal cover; the lowest form first."""
    cover = minimal_cover(dependencies)
    keys = candidate_keys(attributes, cover)
    prime = frozenset().union(*keys)
    partial = [key - {name} for key in keys for name in sorted(key)]
    found = []
    for each in cover:
        if attributes <= closure(each.left, cover):
            continue
        (name,) = each.right
        if name in prime:
            found.append(Violation("BCNF", each, f"{listed(each.left)} is no key"))
        elif any(each.left <= closure(part, cover) for part in partial):
            why = f"{name} depends on a part of a key: {listed(each.left) or 'it is constant'}"
            found.append(Violation("2NF", each, why))
        else:
            why = f"{name} depends on {listed(each.left)}, which is no key, and is in no key itself"
            found.append(Violation("3NF", each, why))
    return tuple(sorted(found, key=lambda each: (each.form, _order(each.dependency))))


def synthesis(attributes: Attributes, dependencies: Iterable[Dependency]) -> Decomposition:
    """Relations in 3NF that lose no dependency (Bernstein 1976; Biskup, Dayal & Bernstein 1979)."""
    cover = minimal_cover(dependencies)
    grouped: dict[Attributes, Attributes] = {}
    for each in cover:
        grouped[each.left] = grouped.get(each.left, each.left) | each.right
    found = list(dict.fromkeys(grouped.values()))
    keys = candidate_keys(attributes, cover)
    if not any(key <= part for key in keys for part in found):
        found.append(keys[0])
    loose = attributes.difference(*found)
    assert not loose, "an attribute in no dependency is in every key"
    parts = [part for part in found if not any(part < other for other in found)]
    return _decomposition(attributes, parts, cover)


def bcnf(attributes: Attributes, dependencies: Iterable[Dependency]) -> Decomposition:
    """Relations in BCNF, split at one violation after the other; dependencies may get lost."""
    cover = minimal_cover(dependencies)
    waiting, parts = [attributes], []
    while waiting:
        part = waiting.pop()
        violation = _bcnf_violation(part, cover)
        if violation is None:
            parts.append(part)
            continue
        waiting += [violation.left | violation.right, part - violation.right]
    parts = [part for part in parts if not any(part < other for other in parts)]
    return _decomposition(attributes, list(dict.fromkeys(parts)), cover)


def _bcnf_violation(part: Attributes, cover: Sequence[Dependency]) -> Dependency | None:
    """A dependency within the relation whose left side is no key of it.

    Large relations are not searched: there a pair of attributes shows where to split, at the price
    of a split that may not be needed (Tsou & Fischer 1982).
    """
    if len(part) > EXHAUSTIVE:
        return _violation_by_pair(part, cover)
    for left in _subsets(part):
        known = closure(left, cover) & part
        if left < known < part:
            return Dependency(left, known - left)
    return None


def _subsets(part: Attributes) -> Iterator[Attributes]:
    for size in range(len(part)):
        for chosen in combinations(sorted(part), size):
            yield frozenset(chosen)


def _violation_by_pair(part: Attributes, cover: Sequence[Dependency]) -> Dependency | None:
    within, right = part, ""
    while pair := _dependent_pair(within, cover):
        right, spare = pair
        within -= {spare}
    if within == part:
        return None
    return Dependency(within - {right}, frozenset({right}))


def _dependent_pair(part: Attributes, cover: Sequence[Dependency]) -> tuple[str, str] | None:
    """Two attributes of which the first depends on all but the two."""
    for one, other in combinations(sorted(part), 2):
        known = closure(part - {one, other}, cover)
        if one in known:
            return one, other
        if other in known:
            return other, one
    return None


def _decomposition(
    attributes: Attributes, parts: Sequence[Attributes], cover: Sequence[Dependency]
) -> Decomposition:
    made = tuple(Part(part, _keys_of_part(part, cover)) for part in sorted(parts, key=sorted))
    return Decomposition(made, is_lossless(attributes, parts, cover), lost(parts, cover))


def _keys_of_part(part: Attributes, cover: Sequence[Dependency]) -> tuple[Attributes, ...]:
    """The keys of a projection; of a large one a single key."""
    if len(part) > EXHAUSTIVE:
        return (_key_within(part, part, cover),)
    keys: list[Attributes] = []
    for subset in (*_subsets(part), part):
        if part <= closure(subset, cover) and not any(key <= subset for key in keys):
            keys.append(subset)
    return tuple(keys)


def is_lossless(
    attributes: Attributes, parts: Sequence[Attributes], dependencies: Iterable[Dependency]
) -> bool:
    """Whether joining the parts gives the relation and no row more: the chase.

    A row for each part, in which the part's attributes have the common value (0): where the
    dependencies make one row common throughout, nothing is lost (Aho, Beeri & Ullman 1979).
    """
    names = sorted(attributes)
    rows = [
        {name: 0 if name in part else number for name in names}
        for number, part in enumerate(parts, 1)
    ]
    known = list(dependencies)
    while sum(_equate(rows, each) for each in known):
        pass
    return any(not any(row.values()) for row in rows)


def _equate(rows: list[dict[str, int]], dependency: Dependency) -> bool:
    """Make rows that agree on the left agree on the right; whether that changed something."""
    changed = False
    for one, other in combinations(rows, 2):
        if any(one[name] != other[name] for name in dependency.left):
            continue
        for name in dependency.right:
            low, high = sorted((one[name], other[name]))
            if low != high:
                changed = True
                for row in rows:
                    row[name] = low if row[name] == high else row[name]
    return changed


def lost(parts: Sequence[Attributes], dependencies: Iterable[Dependency]) -> tuple[Dependency, ...]:
    """The dependencies that the parts' own do not imply (Beeri & Honeyman 1981)."""
    known = tuple(dependencies)
    return tuple(each for each in known if not each.right <= _implied(each.left, parts, known))


def _implied(
    left: Attributes, parts: Sequence[Attributes], dependencies: Sequence[Dependency]
) -> Attributes:
    found = left
    while True:
        more = found.union(*(closure(found & part, dependencies) & part for part in parts))
        if more == found:
            return found
        found = more
