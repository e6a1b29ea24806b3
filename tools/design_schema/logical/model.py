"""Relations with fields, keys and references: the domain's terms, the database's structure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from ...ddl.model import Dialect
from ..decision import Decision
from ..domain.model import Attribute, Domain, Entity, Invariant, Relationship, StateMachine

Role: TypeAlias = Literal[
    "attribute",
    "key",  # surrogate
    "public_id",
    "tenant",
    "reference",
    "position",  # of an ordered relationship
    "currency",  # of money with a currency in each row
    "latitude",
    "longitude",
    "created_at",
    "created_by",
    "updated_at",
    "updated_by",
    "version",  # optimistic concurrency
    "deleted_at",
    "subtype",  # which special case a row of the general entity is
    "queue",  # what workers claim rows with: locked_until, attempts
]
PERIODS = ("period", "date_period")


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a relation. `type` says type, limits and sensitivity, also of made-up fields.

    A reference has the type of the key it refers to. `source` points into the domain model.
    """

    name: str
    type: Attribute
    required: bool
    role: Role = "attribute"
    source: str = ""

    def columns(self, dialect: Dialect) -> tuple[str, ...]:
        """The columns of the field: a period is a range in PostgreSQL, two columns elsewhere."""
        if self.type.type in PERIODS and dialect is not Dialect.POSTGRES:
            return f"{self.name}_start", f"{self.name}_end"
        return (self.name,)


@dataclass(frozen=True, slots=True)
class Unique:
    """Fields that no two rows have alike, among those for which `when` is true."""

    fields: tuple[str, ...]
    when: str | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key: the fields that refer to the key of another relation.

    With tenants both begin with the tenant's field. `at_most` is the upper bound of sources for one
    target, where it is more than one.
    """

    name: str  # the relationship's, or what made it
    fields: tuple[str, ...]
    target: str  # a relation
    target_fields: tuple[str, ...]
    on_delete: Literal["restrict", "cascade", "set null"]
    at_most: int | None = None
    at_least_one: bool = False  # a target has one source or more
    relationship: Relationship | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Relation:
    """A table to be. `kind` tells what it was made from."""

    name: str
    kind: Literal["entity", "subtype", "junction", "values"]
    entity: str  # of the domain; of a junction the relationship's name
    fields: Mapping[str, Field]
    key: tuple[str, ...]
    uniques: tuple[Unique, ...] = ()
    references: tuple[Reference, ...] = ()
    invariants: tuple[Invariant, ...] = ()
    states: StateMachine | None = None
    of: Entity | None = None  # None: a junction, a list of values
    purpose: str = ""
    rows: tuple[tuple[str, ...], ...] = ()  # of a list of values: what it holds from the start

    @property
    def tenant(self) -> str:
        """The field that names the tenant; empty when there is none."""
        return next((f.name for f in self.fields.values() if f.role == "tenant"), "")


@dataclass(frozen=True, slots=True)
class Logical:
    """The relations of a domain by name, in an order in which each comes after what it refers to.

    Circles of references are broken at an optional one.
    """

    domain: Domain
    relations: Mapping[str, Relation]
    decisions: tuple[Decision, ...] = ()
    by_entity: Mapping[str, str] = field(default_factory=dict)  # entity or junction → relation

    def of(self, entity: str) -> Relation:
        """The relation of an entity, or of a relationship of many to many."""
        return self.relations[self.by_entity[entity]]

    def fields_of(self, entity: str, name: str) -> tuple[str, ...]:
        """The fields of an attribute or relationship, as the domain names it."""
        relation = self.of(entity)
        for reference in relation.references:
            if reference.name == name:
                return reference.fields
        return (name,)
