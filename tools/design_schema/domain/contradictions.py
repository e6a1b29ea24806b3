"""What a domain model says twice and differently, or of things that are not in it.

Each problem names both sides: what stands here, and what it contradicts elsewhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from . import limits, statements
from .model import Domain, Relationship
from .of_entity import Model, OfEntity, twice
from .problem import Problem, missing

MAX_TOLD: Final = 200  # more are found by the next call


def contradictions(domain: Domain) -> tuple[Problem, ...]:
    """All problems, up to a limit, in the order of the model."""
    return tuple(found for found, _ in zip(_found(domain), range(MAX_TOLD), strict=False))


def _found(domain: Domain) -> Iterator[Problem]:
    model = _Whole(domain)
    yield from model.named_twice()
    for number, entity in enumerate(domain.entities):
        yield from OfEntity(model, f"/entities/{number}", entity).problems()
    for number, relationship in enumerate(domain.relationships):
        yield from model.of_relationship(f"/relationships/{number}", relationship)
    yield from model.subtype_circles()
    yield from model.required_circles()
    yield from model.of_tenancy()
    yield from statements.problems(domain)


def at_least_one(multiplicity: str) -> bool:
    """Whether there must be one."""
    return multiplicity[0] == "1"


def upper(multiplicity: str) -> int | None:
    """How many there may be; None: as many as wanted."""
    last = multiplicity.rpartition("..")[2] or multiplicity
    return None if last == "*" else int(last)


class _Whole(Model):
    """What concerns several entities."""

    def named_twice(self) -> Iterator[Problem]:
        seen: dict[str, int] = {}
        for number, entity in enumerate(self.domain.entities):
            if entity.name in seen:
                yield Problem(
                    f"/entities/{number}/name",
                    f"`{entity.name}` is also the name of /entities/{seen[entity.name]}",
                    "two entities have two names",
                )
            seen.setdefault(entity.name, number)
        yield from twice("/access_patterns", "pattern", self.domain.access_patterns)
        named: dict[tuple[str, str], int] = {}
        for number, said in enumerate(self.domain.relationships):
            first = named.setdefault((said.source, said.name), number)
            if first != number:
                yield Problem(
                    f"/relationships/{number}/name",
                    f"`{said.name}` of {said.source} is also the name of /relationships/{first}",
                    "each relationship of a source has a name of its own",
                    said.name,
                )

    def of_relationship(self, at: str, said: Relationship) -> Iterator[Problem]:
        for end in ("source", "target"):
            name = getattr(said, end)
            if name not in self.entities:
                yield Problem(f"{at}/{end}", *missing("entity", name, self.entities), said.name)
        optional = not at_least_one(said.targets_per_source)
        if said.on_delete == "set_null" and not optional:
            yield Problem(
                f"{at}/on_delete",
                f"set_null, but a {said.source} always has its {said.name}"
                f" (targets_per_source is `{said.targets_per_source}`)",
                "targets_per_source `0..1`, or on_delete restrict or cascade",
                said.name,
            )
        if said.immutable and said.on_delete == "set_null":
            yield Problem(
                f"{at}/on_delete",
                f"set_null changes {said.name}, which never changes (`immutable`)",
                "on_delete restrict or cascade, or immutable false",
                said.name,
            )
        yield from self._to_one_tenant(at, said)
        if said.owned and said.on_delete not in (None, "cascade"):
            yield Problem(
                f"{at}/on_delete",
                f"{said.on_delete}, but `owned` says that a {said.source} goes with its"
                f" {said.target}",
                "on_delete cascade, or owned false",
                said.name,
            )
        if said.owned and optional:
            yield Problem(
                f"{at}/owned",
                f"a part always has its whole, but targets_per_source is"
                f" `{said.targets_per_source}`",
                "targets_per_source `1`, or owned false",
                said.name,
            )
        many = upper(said.targets_per_source) != 1
        if said.attributes and not many and upper(said.sources_per_target) != 1:
            yield Problem(
                f"{at}/attributes",
                f"a {said.source} has one {said.target} at most, so they are attributes of"
                f" {said.source}",
                "say them there, or let targets_per_source be `0..*`",
                said.name,
            )
        if said.source == said.target and not many and not optional:
            yield Problem(
                f"{at}/targets_per_source",
                f"every {said.source} needs another {said.source}, so there can be no first one",
                "`0..1`",
                said.name,
            )
        for number, attribute in enumerate(said.attributes):
            yield from limits.problems(f"{at}/attributes/{number}", attribute)

    def _to_one_tenant(self, at: str, said: Relationship) -> Iterator[Problem]:
        """Rows of all tenants that refer to a row of one."""
        tenant = self.domain.tenancy.entity if self.domain.tenancy.kind == "shared" else None
        source, target = self.entities.get(said.source), self.entities.get(said.target)
        if tenant and source and target and source.shared and not target.shared:
            yield Problem(
                f"{at}/target",
                f"{source.name} is `shared` by all tenants, but a {target.name} belongs to one",
                f"shared false for {source.name}, or shared true for {target.name}",
                said.name,
            )

    def subtype_circles(self) -> Iterator[Problem]:
        above = {e.name: e.subtype_of.entity for e in self.domain.entities if e.subtype_of}
        for number, entity in enumerate(self.domain.entities):
            path = [entity.name]
            while path[-1] in above and above[path[-1]] not in path:
                path.append(above[path[-1]])
            if above.get(path[-1]) == entity.name:
                circle = " → ".join([*path, entity.name])
                yield Problem(
                    f"/entities/{number}/subtype_of",
                    f"it is its own subtype: {circle}",
                    "the most general entity has no subtype_of",
                )
                return

    def required_circles(self) -> Iterator[Problem]:
        """Rows that need one another before there can be any."""
        needs: dict[str, dict[str, int]] = defaultdict(dict)
        for number, said in enumerate(self.domain.relationships):
            one = upper(said.targets_per_source) == 1
            if one and at_least_one(said.targets_per_source) and said.source != said.target:
                needs[said.source].setdefault(said.target, number)
        told: set[frozenset[str]] = set()
        for start in needs:
            circle = _circle(start, needs)
            if circle and frozenset(circle) not in told:
                told.add(frozenset(circle))
                number = needs[circle[0]][circle[1]]
                yield Problem(
                    f"/relationships/{number}/targets_per_source",
                    f"no row can be the first: {' needs '.join(circle)}",
                    "let one of them be optional: targets_per_source `0..1`",
                    self.domain.relationships[number].name,
                )

    def of_tenancy(self) -> Iterator[Problem]:
        said = self.domain.tenancy
        if said.kind == "shared" and said.entity is None:
            yield Problem(
                "/tenancy/entity",
                "is required, since tenants share the tables",
                f"the entity that is the tenant: {', '.join(sorted(self.entities)[:12])}",
            )
        elif said.entity and said.entity not in self.entities:
            yield Problem("/tenancy/entity", *missing("entity", said.entity, self.entities))
        elif said.entity and self.entities[said.entity].shared:
            yield Problem(
                "/tenancy/entity",
                f"`{said.entity}` is the tenant, but says that it is `shared`",
                f"shared false for {said.entity}",
            )
        if said.kind == "none":
            for number, entity in enumerate(self.domain.entities):
                if entity.shared:
                    yield Problem(
                        f"/entities/{number}/shared",
                        "there are no tenants (tenancy is `none`)",
                        "leave it out, or say tenancy",
                        entity.name,
                    )


def _circle(start: str, needs: dict[str, dict[str, int]]) -> list[str]:
    """A way from an entity to itself; without recursion, as models are large."""
    before: dict[str, str] = {}
    todo = [start]
    while todo:
        name = todo.pop()
        for other in needs.get(name, ()):
            if other == start:
                path = [name]
                while path[-1] != start:
                    path.append(before[path[-1]])
                return [*reversed(path), start]
            if other not in before:
                before[other] = name
                todo.append(other)
    return []
