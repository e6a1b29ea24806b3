"""What an entity says of its parts, against each other and against the rest of the model."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from . import limits
from .expressions import Unreadable, is_condition, names
from .model import (
    Acyclic,
    AtMost,
    Attribute,
    Balance,
    Check,
    Domain,
    Entity,
    NoOverlap,
    Relationship,
    RequiredWhen,
    children,
)
from .problem import Problem, missing

_TIMES: Final = ("date", "instant")
_PERIODS: Final = ("period", "date_period")


class Model:
    """A model by name."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self.entities = {entity.name: entity for entity in domain.entities}
        self.from_source: dict[str, dict[str, Relationship]] = defaultdict(dict)
        self.to_target: dict[str, dict[str, list[Relationship]]] = defaultdict(
            lambda: defaultdict(list)
        )
        for relationship in domain.relationships:
            self.from_source[relationship.source][relationship.name] = relationship
            self.to_target[relationship.target][relationship.name].append(relationship)


class OfEntity:
    """One entity, with what it can be asked for by name."""

    def __init__(self, model: Model, at: str, entity: Entity) -> None:
        self.model, self.at, self.entity = model, at, entity
        self.attributes = {a.name: a for a in entity.attributes}
        self.relationships = model.from_source.get(entity.name, {})
        self.known = {*self.attributes, *self.relationships}

    def problems(self) -> Iterator[Problem]:
        """What is wrong with it, in the order of its fields."""
        entity, at = self.entity, self.at
        yield from twice(f"{at}/attributes", "attribute", entity.attributes)
        for number, attribute in enumerate(entity.attributes):
            where = f"{at}/attributes/{number}"
            yield from limits.problems(where, attribute, entity.name)
            yield from self._computed(where, attribute)
            if attribute.name in self.relationships:
                yield Problem(
                    f"{where}/name",
                    f"`{attribute.name}` is also a relationship of {entity.name}",
                    "leave the attribute out: the relationship makes its columns",
                    entity.name,
                )
        yield from self._made()
        yield from self._key()
        for number, unique in enumerate(entity.unique):
            yield from self._all(f"{at}/unique/{number}/attributes", unique.attributes)
            if unique.when:
                yield from self.expression(f"{at}/unique/{number}/when", unique.when)
        yield from twice(f"{at}/invariants", "check", entity.invariants)
        for number, invariant in enumerate(entity.invariants):
            yield from self._invariant(f"{at}/invariants/{number}", invariant)
        yield from self._only_added()
        yield from self._states()
        yield from self._subtype()
        yield from self._dependencies()
        yield from self._retention()

    def one(self, at: str, name: str, known: Iterable[str] | None = None) -> Iterator[Problem]:
        """That a name is none of its attributes and relationships (or of others `known`)."""
        among = self.known if known is None else set(known)
        if name not in among:
            what = "attribute or relationship" if known is None else "attribute"
            yield Problem(at, *missing(what, name, among), self.entity.name)

    def _all(self, at: str, said: Sequence[str]) -> Iterator[Problem]:
        for number, name in enumerate(said):
            yield from self.one(f"{at}/{number}", name)

    def expression(self, at: str, text: str, *, condition: bool = False) -> Iterator[Problem]:
        """What is wrong with an expression, or a condition, over its attributes."""
        try:
            found = names(text)
            is_truth = not condition or self._is_condition(text)
        except Unreadable as error:
            yield Problem(at, "cannot be read", str(error), self.entity.name)
            return
        if not is_truth:
            yield Problem(
                at, "is neither true nor false", "a comparison: `total >= 0`", self.entity.name
            )
        for name in sorted(found - self.known):
            yield Problem(
                at, *missing("attribute or relationship", name, self.known), self.entity.name
            )

    def _is_condition(self, text: str) -> bool:
        attribute = self.attributes.get(text.strip())
        return is_condition(text) and (attribute is None or attribute.type == "boolean")

    def _computed(self, at: str, attribute: Attribute) -> Iterator[Problem]:
        if attribute.computed is None:
            return
        yield from self.expression(f"{at}/computed", attribute.computed)
        computed = {name for name, other in self.attributes.items() if other.computed}
        for name in sorted(computed & _named_in(attribute.computed)):
            yield Problem(
                f"{at}/computed",
                f"it is made of `{name}`, which is computed itself",
                f"say what {name} is made of",
                f"{self.entity.name}.{attribute.name}",
            )
        if attribute.default is not None:
            yield Problem(
                f"{at}/default",
                "a computed attribute is never given a value",
                "say `default` or `computed`",
                f"{self.entity.name}.{attribute.name}",
            )

    def _made(self) -> Iterator[Problem]:
        """Attributes with the names of columns that the design makes itself."""
        domain = self.model.domain
        made = {f"{name}_id": f"the relationship `{name}`" for name in self.relationships}
        if self.entity.key.kind == "surrogate" and not self.entity.subtype_of:
            key = "id" if domain.naming.key == "id" else f"{self.entity.name}_id"
            made[key] = "the surrogate key (`key`)"
        if self.entity.key.public_id:
            made["public_id"] = "`key.public_id`"
        if domain.tenancy.kind == "shared" and domain.tenancy.entity:
            made[f"{domain.tenancy.entity}_id"] = "the tenancy"
        for name in sorted(made.keys() & self.attributes.keys()):
            yield Problem(
                f"{self.at}/attributes",
                f"`{name}` is made for {made[name]} already",
                "leave the attribute out",
                f"{self.entity.name}.{name}",
            )

    def _key(self) -> Iterator[Problem]:
        key, at = self.entity.key, f"{self.at}/key"
        yield from self._all(f"{at}/attributes", key.attributes)
        if key.kind == "natural" and not key.attributes:
            yield Problem(
                f"{at}/attributes",
                "is required, since the key is natural",
                "the attributes that identify it, or kind surrogate",
                self.entity.name,
            )
        if key.kind == "surrogate" and key.attributes:
            yield Problem(
                f"{at}/attributes",
                "a surrogate key has no attributes of yours",
                "kind natural, or say them in `unique`",
                self.entity.name,
            )
        for name in key.attributes:
            attribute = self.attributes.get(name)
            if attribute and not attribute.required:
                yield Problem(
                    f"{at}/attributes",
                    f"`{name}` identifies it, but is not required",
                    f"required true for {name}",
                    self.entity.name,
                )

    def _invariant(self, at: str, said: object) -> Iterator[Problem]:
        if isinstance(said, Check):
            yield from self.expression(f"{at}/expression", said.expression, condition=True)
        elif isinstance(said, RequiredWhen):
            yield from self.one(f"{at}/attribute", said.attribute)
            yield from self.expression(f"{at}/when", said.when)
            attribute = self.attributes.get(said.attribute)
            if attribute and attribute.required:
                yield Problem(
                    f"{at}/attribute",
                    f"`{said.attribute}` is required always (`required` of the attribute)",
                    f"required false for {said.attribute}",
                    self.entity.name,
                )
        elif isinstance(said, NoOverlap):
            yield from self.one(f"{at}/period", said.period)
            attribute = self.attributes.get(said.period)
            if attribute and (attribute.type not in _PERIODS or attribute.array):
                yield Problem(
                    f"{at}/period",
                    f"`{said.period}` is of type {attribute.type}",
                    "a period or a date_period",
                    self.entity.name,
                )
            yield from self._all(f"{at}/per", said.per)
            if said.when:
                yield from self.expression(f"{at}/when", said.when)
        elif isinstance(said, Balance | AtMost):
            yield from self._of_children(at, said)
        elif isinstance(said, Acyclic):
            own = {n for n, r in self.relationships.items() if r.target == self.entity.name}
            if said.relationship not in own:
                yield Problem(
                    f"{at}/relationship",
                    *missing(
                        f"relationship of {self.entity.name} to itself", said.relationship, own
                    ),
                    self.entity.name,
                )

    def _of_children(self, at: str, said: Balance | AtMost) -> Iterator[Problem]:
        found = children(self.model.domain, self.entity.name, said.children)
        if found is None:
            here = self.model.to_target.get(self.entity.name, {})
            near = {each.source for several in here.values() for each in several}
            problem = missing(f"relationship to {self.entity.name}", said.children, {*here, *near})
            if several := here.get(said.children):
                named = ", ".join(sorted({each.source for each in several}))
                problem = (f"`{said.children}` is one of {named}", "name the children's entity")
            elif ways := sorted(
                n for n, found in here.items() for r in found if r.source == said.children
            ):
                named = ", ".join(ways)
                problem = (f"{said.children} has several: {named}", "name the relationship")
            yield Problem(f"{at}/children", *problem, self.entity.name)
            return
        child = self.model.entities.get(found.source)
        if child is None:
            return
        of_child = OfEntity(self.model, at, child)
        if isinstance(said, AtMost):
            if said.when:
                yield from of_child.expression(f"{at}/when", said.when)
            return
        yield from of_child.one(f"{at}/sum_of", said.sum_of, of_child.attributes)
        yield from _numeric(f"{at}/sum_of", of_child.attributes.get(said.sum_of))
        if isinstance(said.to, str):
            yield from self.one(f"{at}/to", said.to, self.attributes)
            yield from _numeric(f"{at}/to", self.attributes.get(said.to))

    def _only_added(self) -> Iterator[Problem]:
        """What changes rows, of an entity whose rows never change."""
        number = next(
            (n for n, i in enumerate(self.entity.invariants) if i.kind == "append_only"), None
        )
        changes = {
            "states": self.entity.states is not None,
            "soft_delete": self.entity.soft_delete,
            "concurrency": self.entity.concurrency in ("optimistic", "queue", "counter"),
        }
        for field in (name for name, said in changes.items() if said and number is not None):
            yield Problem(
                f"{self.at}/{field}",
                f"it changes rows, but rows are only added (/invariants/{number}, append_only)",
                "leave one of them out",
                self.entity.name,
            )

    def _states(self) -> Iterator[Problem]:
        said, at = self.entity.states, f"{self.at}/states"
        if said is None:
            return
        yield from self.one(f"{at}/attribute", said.attribute, self.attributes)
        attribute = self.attributes.get(said.attribute)
        if attribute is None:
            return
        if attribute.type != "enum":
            yield Problem(
                f"{at}/attribute",
                f"`{attribute.name}` is of type {attribute.type}",
                "an enum with the states as `values`",
                self.entity.name,
            )
            return
        if attribute.immutable:
            yield Problem(
                f"{at}/attribute",
                f"`{attribute.name}` never changes (`immutable`), so it has no transitions",
                "immutable false, or no states",
                self.entity.name,
            )
        reached = set(said.initial)
        for states, where in (
            (said.initial, f"{at}/initial"),
            *((to, f"{at}/transitions/{of}") for of, to in said.transitions.items()),
            ([*said.transitions], f"{at}/transitions"),
        ):
            for state in states:
                if state not in attribute.values:
                    yield Problem(
                        where,
                        *missing(f"value of {attribute.name}", state, attribute.values),
                        self.entity.name,
                    )
        for _ in attribute.values:
            reached |= {to for of in reached for to in said.transitions.get(of, ())}
        if lost := [state for state in attribute.values if state not in reached]:
            yield Problem(
                f"{at}/transitions",
                f"no transitions lead to {', '.join(map(repr, lost[:5]))}",
                f"add one to each, or take it out of the values of {attribute.name}",
                self.entity.name,
            )
        if attribute.default is not None and attribute.default not in said.initial:
            yield Problem(
                f"{at}/initial",
                f"its default, {attribute.default!r}, is no initial state",
                f"add {attribute.default!r}, or another default",
                self.entity.name,
            )

    def _subtype(self) -> Iterator[Problem]:
        said = self.entity.subtype_of
        if said is None:
            return
        at = f"{self.at}/subtype_of"
        if said.entity not in self.model.entities:
            yield Problem(
                f"{at}/entity",
                *missing("entity", said.entity, self.model.entities),
                self.entity.name,
            )
            return
        if self.entity.key.kind == "natural":
            yield Problem(
                f"{self.at}/key/kind",
                f"natural, but a subtype has the key of {said.entity} (`subtype_of`)",
                "leave `key` out, and say the attributes in `unique`",
                self.entity.name,
            )
        general = self.model.entities[said.entity]
        for name in sorted(self.known & {a.name for a in general.attributes}):
            yield Problem(
                f"{self.at}/attributes",
                f"`{name}` is an attribute of {general.name} already",
                "leave it out of the subtype",
                self.entity.name,
            )

    def _dependencies(self) -> Iterator[Problem]:
        for number, said in enumerate(self.entity.dependencies):
            at = f"{self.at}/dependencies/{number}"
            yield from self._all(f"{at}/determinant", said.determinant)
            yield from self._all(f"{at}/dependent", said.dependent)

    def _retention(self) -> Iterator[Problem]:
        said, at = self.entity.retention, f"{self.at}/retention"
        if said is None or said.after is None:
            return
        yield from self.one(f"{at}/after", said.after, self.attributes)
        attribute = self.attributes.get(said.after)
        if attribute and attribute.type not in _TIMES:
            yield Problem(
                f"{at}/after",
                f"`{said.after}` is of type {attribute.type}",
                "a date or an instant, from which days count",
                self.entity.name,
            )


def _named_in(text: str) -> frozenset[str]:
    try:
        return names(text)
    except Unreadable:
        return frozenset()


def _numeric(at: str, attribute: Attribute | None) -> Iterator[Problem]:
    kinds = ("integer", "decimal", "money", "quantity")
    if attribute and (attribute.type not in kinds or attribute.array):
        yield Problem(
            at, f"`{attribute.name}` is of type {attribute.type}", f"a number: {', '.join(kinds)}"
        )


def twice(at: str, what: str, parts: Sequence[object]) -> Iterator[Problem]:
    """Parts that have a name that another has; those without a name are left out."""
    names_of = [getattr(part, "name", None) for part in parts]
    for name, count in Counter(names_of).items():
        if name is not None and count > 1:
            first, second = [n for n, each in enumerate(names_of) if each == name][:2]
            yield Problem(
                f"{at}/{second}/name",
                f"`{name}` is also the {what} at {at}/{first}",
                "each has a name of its own",
            )
