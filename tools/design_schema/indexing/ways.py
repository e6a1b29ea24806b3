"""Ways from an entity along relationships: which tables are joined, and what names mean there."""

from __future__ import annotations

from collections.abc import Sequence

from ..domain.model import Relationship
from ..logical.model import Reference, Relation
from ..physical.blueprint import Blueprint
from .conditions import Place


class Ways:
    """The tables that a statement reads, by the names that they have in it, and their joins."""

    def __init__(self, blueprint: Blueprint, entity: str) -> None:
        self.blueprint, self.domain = blueprint, blueprint.logical.domain
        self.tables: dict[str, Relation] = {}
        self.joins: list[tuple[str, list[tuple[Place, Place]]]] = []
        self.reached: dict[str, list[str]] = {"": [self._table(self._relation(entity))]}
        self.near: dict[str, list[str]] = {entity: self.reached[""][:]}

    @property
    def start(self) -> str:
        """The name of the table of the pattern's entity."""
        return self.reached[""][0]

    @property
    def main(self) -> Relation:
        """The relation of the pattern's entity."""
        return self.tables[self.start]

    def _relation(self, entity: str) -> Relation:
        return self.blueprint.logical.of(entity)

    def _table(self, relation: Relation) -> str:
        number = 1 + sum(each is relation for each in self.tables.values())
        alias = relation.name if number == 1 else f"{relation.name}_{number}"
        self.tables[alias] = relation
        return alias

    def join(self, name: str) -> None:
        """Follow a relationship of something that was reached."""
        followed = next(
            r
            for r in self.domain.relationships
            if r.name == name and (r.source in self.near or r.target in self.near)
        )
        self._follow(followed)

    def _follow(self, followed: Relationship) -> list[str]:
        forward = followed.source in self.near
        near, far = followed.source, followed.target
        if not forward:
            near, far = far, near
        here = self.near[near][0]
        aliases = self._ways(followed, here, self._relation(far), forward=forward)
        self.near.setdefault(far, []).append(aliases[0])
        self.reached.setdefault(followed.name, []).extend([*aliases, here])
        self.reached.setdefault(far, []).append(aliases[0])
        return aliases

    def _ways(
        self, followed: Relationship, here: str, far: Relation, *, forward: bool
    ) -> list[str]:
        """Join the far relation, across a junction where there is one; the aliases made."""
        own = _reference(self.tables[here], followed)
        if own and (forward or far is not self.tables[here]):
            there = self._table(far)
            self._linked(there, here, own, there)
            return [there]
        if back := _reference(far, followed):
            there = self._table(far)
            self._linked(there, there, back, here)
            return [there]
        junction = next(
            r
            for r in self.blueprint.logical.relations.values()
            if r.kind == "junction" and any(_made_by(x, followed) for x in r.references)
        )
        between = self._table(junction)
        first, second = junction.references[-2:]
        if not forward:
            first, second = second, first
        self._linked(between, between, first, here)
        there = self._table(far)
        self._linked(there, between, second, there)
        return [there, between]

    def _linked(self, joined: str, holder: str, reference: Reference, target: str) -> None:
        pairs = [
            (self.place(holder, own), self.place(target, other))
            for own, other in zip(reference.fields, reference.target_fields, strict=True)
        ]
        self.joins.append((joined, pairs))

    def place(self, alias: str, name: str) -> Place:
        """A field of a table."""
        relation = self.tables[alias]
        return Place(alias, relation.name, name, relation.fields[name])

    def places(self, said: str) -> list[Place]:
        """The columns of `attribute`, `relationship` or `join.attribute`."""
        owner, _, name = said.rpartition(".")
        for alias in self.reached.get(owner, [self.start]):
            if found := self._of(alias, name):
                return found
        entity = self.main.of
        if entity and entity.subtype_of and not owner:
            return self._of_general(entity.subtype_of.entity, name)
        followed = next(
            r for r in self.domain.relationships if r.name == name and r.source in self.near
        )
        there = self._follow(followed)[0]
        key = [self.place(there, each) for each in self.tables[there].key]
        return [place for place in key if place.field.role != "tenant"]

    def _of(self, alias: str, name: str) -> list[Place]:
        """The fields of that name in one table, without the tenant's."""
        relation = self.tables[alias]
        names: Sequence[str] = [name] if name in relation.fields else []
        for reference in relation.references:
            if reference.name == name and not names:
                names = reference.fields
        if not names and name == "id":
            names = relation.key
        if not names:
            names = [
                f.name for f in relation.fields.values() if f.name in (f"{name}_latitude",
                f"{name}_longitude")
            ]  # fmt: skip
        found = [self.place(alias, each) for each in names]
        if len(found) > 1:
            found = [place for place in found if place.field.role != "tenant"] or found
        return found

    def _of_general(self, entity: str, name: str) -> list[Place]:
        general = self._relation(entity)
        if entity not in self.reached:
            there = self._table(general)
            reference = next(r for r in self.main.references if r.target == general.name)
            self._linked(there, self.start, reference, there)
            self.reached[entity] = [there]
            self.near.setdefault(entity, []).append(there)
        found = self._of(self.reached[entity][0], name)
        return found or self.places(f"{entity}.{name}")


def _reference(relation: Relation, followed: Relationship) -> Reference | None:
    """The reference of a relation that a relationship made."""
    if relation.kind == "junction":
        return None
    return next((r for r in relation.references if _made_by(r, followed)), None)


def _made_by(reference: Reference, followed: Relationship) -> bool:
    """Whether a relationship made the reference, which may say more of what deleting does."""
    made = reference.relationship
    return made is not None and (made.name, made.source, made.target) == (
        followed.name,
        followed.source,
        followed.target,
    )
