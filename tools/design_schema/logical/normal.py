"""Normal forms of the entities that say their functional dependencies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..domain.model import Domain, Entity
from .normal_forms import (
    Decomposition,
    Dependency,
    TooManyKeys,
    Violation,
    bcnf,
    candidate_keys,
    listed,
    synthesis,
    violations,
)


@dataclass(frozen=True, slots=True)
class Normalised:
    """An entity by its dependencies: keys, what breaks which form, and parts that would not.

    Both ways lose no row when they are joined again; `third` keeps every dependency, `boyce_codd`
    has those it loses in `lost`. `note` says why there is no answer.
    """

    entity: str
    keys: tuple[str, ...] = ()
    violations: tuple[Violation, ...] = ()
    third: Decomposition | None = None
    boyce_codd: Decomposition | None = None
    note: str = ""


def normalised(domain: Domain) -> tuple[Normalised, ...]:
    """One report for each entity with dependencies."""
    return tuple(_of(entity) for entity in domain.entities if entity.dependencies)


def _of(entity: Entity) -> Normalised:
    dependencies = tuple(_dependencies(entity))
    attributes = frozenset(attribute.name for attribute in entity.attributes)
    attributes |= {name for each in dependencies for side in each for name in side}
    try:
        keys = candidate_keys(attributes, dependencies)
        broken = violations(attributes, dependencies)
    except TooManyKeys as error:
        return Normalised(entity.name, note=str(error))
    return Normalised(
        entity.name,
        tuple(map(listed, keys)),
        broken,
        synthesis(attributes, dependencies) if broken else None,
        bcnf(attributes, dependencies) if broken else None,
    )


def _dependencies(entity: Entity) -> Iterator[Dependency]:
    """Those that are said, and those that keys mean."""
    everything = frozenset(attribute.name for attribute in entity.attributes)
    for said in entity.dependencies:
        yield Dependency(frozenset(said.determinant), frozenset(said.dependent))
    natural = [entity.key.attributes] if entity.key.kind == "natural" else []
    unique = [u.attributes for u in entity.unique if not u.when]
    for key in (*natural, *unique, *([a.name] for a in entity.attributes if a.unique)):
        yield Dependency(frozenset(key), everything | frozenset(key))
