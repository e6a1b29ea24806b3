"""A domain model as relations: keys, references, junctions, subtypes, lists of values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final, Literal

from ..decision import Decision
from ..domain.contradictions import at_least_one, upper
from ..domain.model import Domain, Entity, Relationship
from ..domain.problem import Problem
from ..domain.reading import BadModel
from . import fields, naming
from .model import Field, Logical, Reference, Relation, Unique

KEYS: Final = "https://www.postgresql.org/docs/current/ddl-constraints.html"
_SUBTYPES: Final = "Elmasri & Navathe, Fundamentals of Database Systems, 7th ed., 9.2"
MAX_DEPTH: Final = 20  # of natural keys that contain the keys of others

OnDelete = Literal["restrict", "cascade", "set null"]


class NoKey(ValueError):
    """Natural keys that contain one another; the message names them."""


def logical(domain: Domain) -> Logical:
    """The relations of a domain.

    Raises `NoKey`, and `BadModel` where two parts of the model claim one table or field.
    """
    return _Builder(domain).built()


class _Builder:
    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self.entities = {entity.name: entity for entity in domain.entities}
        self.places = {e.name: f"/entities/{n}" for n, e in enumerate(domain.entities)}
        self.names = {e.name: naming.of_entity(e, domain) for e in domain.entities}
        shared = domain.tenancy.kind == "shared"
        self.tenant = domain.tenancy.entity if shared else None
        self.relations: dict[str, Relation] = {}
        self.decisions: list[Decision] = []
        self.clashes: list[Problem] = []
        self.by_entity = dict(self.names)
        self.subtypes: dict[str, list[Entity]] = {}
        for entity in domain.entities:
            if entity.subtype_of:
                self.subtypes.setdefault(entity.subtype_of.entity, []).append(entity)

    def built(self) -> Logical:
        for entity in self.domain.entities:
            self._add(self._relation(entity), self.places[entity.name])
        for number, said in enumerate(self.domain.relationships):
            self._relate(said, f"/relationships/{number}")
        for entity in self.domain.entities:
            self._unique(entity)
        for entity in self.domain.entities:
            self._lists(entity)
        if self.clashes:
            raise BadModel(self.clashes)
        ordered = _in_order(self.relations)
        return Logical(self.domain, ordered, tuple(self.decisions), self.by_entity)

    def _add(self, relation: Relation, at: str) -> None:
        """A relation of a name that no other has."""
        if relation.name in self.relations:
            other = self.relations[relation.name]
            told = self.places.get(other.entity, f"the {other.kind} {other.entity}")
            self._clash(at, f"its table would be `{relation.name}`, as that of {told}",
                        "another `plural` or another name for one of them")  # fmt: skip
        self.relations[relation.name] = relation

    def _put(self, found: dict[str, Field], field: Field, owner: str) -> None:
        """A field of a name that no other part of the model has claimed."""
        other = found.setdefault(field.name, field)
        if other.source != field.source:
            first, second = sorted((field.source, other.source), key=self._names(field.name))
            self._clash(first, f"`{owner}.{field.name}` is also made for {second}",
                        f"another name, or leave out what says {field.name} twice")  # fmt: skip

    def _names(self, name: str) -> Callable[[str], bool]:
        """Tells the sources that do not call a field so: the one that does can be changed."""
        called = {
            f"{self.places[entity.name]}/attributes/{number}"
            for entity in self.domain.entities
            for number, attribute in enumerate(entity.attributes)
            if attribute.name == name
        }
        return lambda source: source not in called

    def _clash(self, at: str, says: str, expected: str) -> None:
        self.clashes.append(Problem(at, says, expected))

    # Entities

    def _relation(self, entity: Entity) -> Relation:
        at = self.places[entity.name]
        key = self._key(entity)
        found = {field.name: field for field in key}
        if entity.key.public_id:
            found["public_id"] = fields.made(
                "public_id", "uuid", "public_id", source=f"{at}/key/public_id", immutable=True,
                purpose="What others know the row by: not to be guessed, telling no number of rows",
            )  # fmt: skip
        references = [*self._to_tenant(entity), *self._to_general(entity)]
        for number, attribute in enumerate(entity.attributes):
            for field in fields.of_attribute(attribute, f"{at}/attributes/{number}"):
                self._put(found, field, entity.name)
        for field in (*self._kinds(entity), *fields.of_upkeep(entity, self.domain, at)):
            self._put(found, field, entity.name)
        self._decide_key(entity, at)
        return Relation(
            self.names[entity.name],
            "subtype" if entity.subtype_of else "entity",
            entity.name,
            found,
            tuple(field.name for field in key),
            references=tuple(references),
            invariants=tuple(entity.invariants),
            states=entity.states,
            of=entity,
            purpose=entity.purpose,
        )

    def _key(self, entity: Entity, depth: int = 0) -> list[Field]:
        """The fields of the key, with the tenant's before them."""
        if depth > MAX_DEPTH:
            raise NoKey(f"the key of {entity.name} contains itself, by way of other keys")
        at = self.places[entity.name]
        if entity.subtype_of:
            general = self._key(self.entities[entity.subtype_of.entity], depth + 1)
            return [replace(f, role=f.role if f.role == "tenant" else "reference") for f in general]
        if entity.key.kind == "natural":
            own = [f for name in entity.key.attributes for f in self._named(entity, name, depth)]
        else:
            name = "id" if self.domain.naming.key == "id" else f"{entity.name}_id"
            purpose = f"Identifies the {entity.name.replace('_', ' ')}"
            own = [
                fields.made(name, "integer", "key", source=f"{at}/key", minimum=1, purpose=purpose)
            ]
        tenant = self._tenant_field(entity)
        return [
            *([tenant] if tenant else []),
            *(f for f in own if not tenant or f.name != tenant.name),
        ]

    def _named(self, entity: Entity, name: str, depth: int) -> Iterator[Field]:
        """The fields of an attribute or a relationship, as part of a key."""
        at = self.places[entity.name]
        for number, attribute in enumerate(entity.attributes):
            if attribute.name == name:
                yield next(fields.of_attribute(attribute, f"{at}/attributes/{number}"))
        for number, said in enumerate(self.domain.relationships):
            if said.source == entity.name and said.name == name:
                target = self.entities[said.target]
                yield from self._referring(said, target, f"/relationships/{number}", depth + 1)

    def _tenant_field(self, entity: Entity) -> Field | None:
        if self.tenant is None or entity.name == self.tenant or entity.shared:
            return None
        key = self._key(self.entities[self.tenant])
        if len(key) != 1:
            return None
        return fields.referring(
            f"{self.tenant}_id", key[0], required=True, role="tenant", source="/tenancy",
            immutable=True,
        )  # fmt: skip

    def _to_tenant(self, entity: Entity) -> Iterator[Reference]:
        field = self._tenant_field(entity)
        if field and self.tenant and not entity.subtype_of:
            target = self.entities[self.tenant]
            key = tuple(f.name for f in self._key(target))
            yield Reference(
                self.tenant, (field.name,), self.names[target.name], key, "restrict",
                source="/tenancy",
            )  # fmt: skip

    def _decide_key(self, entity: Entity, at: str) -> None:
        about = f"/tables/{self.names[entity.name]}/keys"
        if entity.subtype_of:
            return
        if entity.key.kind == "natural":
            what = f"natural key: {', '.join(entity.key.attributes)}"
            why = "the model says that it identifies the row, never changes and is always known"
        else:
            what = "surrogate key, a number"
            why = (
                "names and codes change; eight bytes that grow with time keep the index small and"
                " its writes at one end"
            )
        self.decisions.append(Decision(about, what, why, KEYS, f"{at}/key"))
        if entity.key.public_id:
            self.decisions.append(
                Decision(
                    f"/tables/{self.names[entity.name]}/columns/public_id",
                    "a UUID for the outside beside the number within",
                    "the number would tell how many rows there are, and could be counted through",
                    "https://www.rfc-editor.org/rfc/rfc9562#section-5.7",
                    f"{at}/key/public_id",
                )
            )

    # Subtypes

    def _kinds(self, entity: Entity) -> Iterator[Field]:
        """The field that says which special case a row is, of the general and of the special."""
        general = entity.subtype_of and self.entities[entity.subtype_of.entity]
        if entity.subtype_of and general and entity.subtype_of.exclusive:
            yield self._kind(general, [entity.name], entity.name, self.places[entity.name])
        exclusive = [
            each.name
            for each in self.subtypes.get(entity.name, ())
            if each.subtype_of and each.subtype_of.exclusive
        ]
        if exclusive:
            yield self._kind(entity, [entity.name, *exclusive], None, self.places[entity.name])

    def _kind(self, general: Entity, values: list[str], default: str | None, at: str) -> Field:
        return fields.made(
            f"{general.name}_kind", "enum", "subtype", source=f"{at}/subtype_of", values=values,
            growth="rare", default=default, immutable=True,
            purpose=f"Which special case of {general.name.replace('_', ' ')} the row is",
        )  # fmt: skip

    def _to_general(self, entity: Entity) -> Iterator[Reference]:
        if entity.subtype_of is None:
            return
        general = self.entities[entity.subtype_of.entity]
        key = tuple(field.name for field in self._key(general))
        at = f"{self.places[entity.name]}/subtype_of"
        exclusive = entity.subtype_of.exclusive
        more = (f"{general.name}_kind",) if exclusive else ()
        name = self.names[entity.name]
        yield Reference(
            general.name, (*key, *more), self.names[general.name], (*key, *more), "cascade",
            source=at,
        )  # fmt: skip
        if exclusive:
            what = f"a table of its own with the key of {general.name}, and its kind in the key"
            why = "no row can be of two kinds, and each kind has its own required columns"
        else:
            what = f"a table of its own with the key of {general.name}"
            why = "a row may be of several kinds at once"
        self.decisions.append(Decision(f"/tables/{name}", what, why, _SUBTYPES, at))

    # Relationships

    def _referring(
        self, said: Relationship, target: Entity, at: str, depth: int = 0, *,
        name: str = "", required: bool | None = None,
    ) -> list[Field]:  # fmt: skip
        """The fields that refer to an entity's key, without the tenant's."""
        key = [f for f in self._key(target, depth) if f.role != "tenant"]
        name = name or said.name
        needed = at_least_one(said.targets_per_source) if required is None else required
        return [
            fields.referring(
                f"{name}_id" if field.role in ("key", "reference") and len(key) == 1
                else f"{name}_{field.name}",
                field,
                required=needed,
                role="reference",
                source=at,
                immutable=said.immutable,
            )
            for field in key
        ]  # fmt: skip

    def _relate(self, said: Relationship, at: str) -> None:
        one_target = upper(said.targets_per_source) == 1
        one_source = upper(said.sources_per_target) == 1
        if one_target:
            self._refer(said, at, said.source, said.target, said.name, said.targets_per_source,
                        said.sources_per_target)  # fmt: skip
        elif one_source:
            self._refer(said, at, said.target, said.source, said.source, said.sources_per_target,
                        said.targets_per_source)  # fmt: skip
        else:
            self._join(said, at)

    def _refer(
        self, said: Relationship, at: str, holder: str, target: str, name: str, own: str,
        others: str,
    ) -> None:  # fmt: skip
        """A foreign key in `holder`; `own` says how many it has, `others` how many have one."""
        relation = self.relations[self.names[holder]]
        required = at_least_one(own)
        if target == self.tenant and relation.tenant:
            mine: list[Field] = []
        else:
            mine = self._referring(said, self.entities[target], at, name=name, required=required)
        reference = self._reference(said, at, relation, target, mine, required, others)
        references = [r for r in relation.references if r.fields != reference.fields]
        found = dict(relation.fields)
        for field in mine:
            self._put(found, field, relation.entity)
        uniques = list(relation.uniques)
        if upper(others) == 1:
            uniques.append(Unique(reference.fields, self._there(found), at))
        if said.ordered:
            position = f"{name}_position" if "position" in found else "position"
            place = fields.made(
                position, "integer", "position", source=f"{at}/ordered", minimum=1,
                purpose=f"Place among those of one {target.replace('_', ' ')}",
            )  # fmt: skip
            self._put(found, place, relation.entity)
            uniques.append(Unique((*reference.fields, position), None, f"{at}/ordered"))
        for number, attribute in enumerate(said.attributes):
            for field in fields.of_attribute(attribute, f"{at}/attributes/{number}"):
                self._put(found, field, relation.entity)
        self.relations[relation.name] = replace(
            relation, fields=found, references=(*references, reference), uniques=tuple(uniques)
        )

    def _reference(
        self, said: Relationship, at: str, relation: Relation, target: str, mine: list[Field],
        required: bool, others: str,
    ) -> Reference:  # fmt: skip
        key = self._key(self.entities[target])
        tenant = (relation.tenant,) if relation.tenant and key[0].role == "tenant" else ()
        if target == self.tenant and relation.tenant:
            tenant = (relation.tenant,)
        most = upper(others)
        return Reference(
            said.name,
            (*tenant, *(field.name for field in mine)),
            self.names[target],
            tuple(field.name for field in key),
            _on_delete(said, required),
            most if most is not None and most > 1 else None,
            at_least_one(others),
            said,
            at,
        )

    def _join(self, said: Relationship, at: str) -> None:
        source, target = self.entities[said.source], self.entities[said.target]
        name = naming.made(f"{said.source}_{said.name}", self.domain)
        one = self._referring(said, source, at, name=said.source, required=True)
        other = self._referring(said, target, at, name=said.name, required=True)
        tenant = self._tenant_field(source) or self._tenant_field(target)
        key = [*([tenant] if tenant else []), *one, *other]
        if twice := {field.name for field in one} & {field.name for field in other}:
            self._clash(f"{at}/name", f"both sides would be `{min(twice)}` in the table between",
                        f"another name than {said.name}, as that is the source's")  # fmt: skip
        relation = Relation(
            name, "junction", said.name, {field.name: field for field in key},
            tuple(field.name for field in key), purpose=said.purpose,
        )  # fmt: skip
        cascade = said.model_copy(update={"on_delete": said.on_delete or "cascade"})
        to_source = self._reference(
            cascade, at, relation, said.source, one, True, said.targets_per_source
        )
        to_target = self._reference(
            cascade, at, relation, said.target, other, True, said.sources_per_target
        )
        found = dict(relation.fields)
        uniques: list[Unique] = []
        if said.ordered:
            place = fields.made(
                "position", "integer", "position", source=f"{at}/ordered", minimum=1,
                purpose=f"Place among those of one {said.source.replace('_', ' ')}",
            )  # fmt: skip
            self._put(found, place, said.name)
            uniques.append(Unique((*to_source.fields, "position"), None, f"{at}/ordered"))
        for number, attribute in enumerate(said.attributes):
            for field in fields.of_attribute(attribute, f"{at}/attributes/{number}"):
                self._put(found, field, said.name)
        joined = replace(
            relation,
            fields=found,
            uniques=tuple(uniques),
            references=(replace(to_source, name=said.source), to_target),
        )
        self._add(joined, f"{at}/name")
        self.by_entity.setdefault(said.name, name)
        self.decisions.append(
            Decision(
                f"/tables/{name}",
                f"a table between {said.source} and {said.name}, its key made of both",
                "each side has many of the other; a pair stands once",
                _SUBTYPES,
                at,
            )
        )

    # What is unique, and lists of values

    def _there(self, found: Mapping[str, Field]) -> str | None:
        """The condition under which a row counts: it is not deleted."""
        deleted = next((f.name for f in found.values() if f.role == "deleted_at"), "")
        return f"{deleted} is null" if deleted else None

    def _unique(self, entity: Entity) -> None:
        relation = self.relations[self.names[entity.name]]
        at = self.places[entity.name]
        found = list(relation.uniques)
        tenant = (relation.tenant,) if relation.tenant else ()
        there = self._there(relation.fields)
        if "public_id" in relation.fields and entity.key.public_id:
            found.append(Unique(("public_id",), None, f"{at}/key/public_id"))
        for number, attribute in enumerate(entity.attributes):
            if attribute.unique:
                fields_of = (*tenant, attribute.name)
                found.append(Unique(fields_of, there, f"{at}/attributes/{number}"))
        for number, said in enumerate(entity.unique):
            named = [f for name in said.attributes for f in self._fields_of(relation, name)]
            when = " and ".join(f"({w})" for w in (said.when, there) if w) or None
            when = (said.when or there) if not (said.when and there) else when
            own = tuple(dict.fromkeys((*tenant, *named)))
            found.append(Unique(own, when, f"{at}/unique/{number}"))
        kinds = [f.name for f in relation.fields.values() if f.role == "subtype"]
        if kinds and self.subtypes.get(entity.name):
            found.append(Unique((*relation.key, kinds[-1]), None, f"{at}/subtype_of"))
        distinct = {(each.fields, each.when): each for each in reversed(found)}
        self.relations[relation.name] = replace(
            relation, uniques=tuple(reversed(list(distinct.values())))
        )

    def _fields_of(self, relation: Relation, name: str) -> tuple[str, ...]:
        for reference in relation.references:
            if reference.name == name:
                return reference.fields
        return (name,)

    def _lists(self, entity: Entity) -> None:
        """Enums to which values are often added: rows of a table, not a constraint."""
        relation = self.relations[self.names[entity.name]]
        at = self.places[entity.name]
        for number, attribute in enumerate(entity.attributes):
            if attribute.type != "enum" or attribute.growth != "often" or attribute.array:
                continue
            name = naming.made(f"{entity.name}_{attribute.name}", self.domain)
            source = f"{at}/attributes/{number}"
            value = fields.made(
                "value", "text", "attribute", source=source, max_length=63, immutable=True,
                purpose=f"A value of {attribute.name}",
            )  # fmt: skip
            values = Relation(
                name, "values", entity.name, {"value": value}, ("value",),
                purpose=f"Values of {attribute.name} of {entity.name.replace('_', ' ')}",
                rows=tuple((each,) for each in attribute.values),
            )  # fmt: skip
            self._add(values, f"{source}/name")
            reference = Reference(attribute.name, (attribute.name,), name, ("value",), "restrict",
                                  source=source)  # fmt: skip
            relation = replace(relation, references=(*relation.references, reference))
            self.relations[relation.name] = relation
            self.decisions.append(
                Decision(
                    f"/tables/{name}",
                    f"the values of {attribute.name} are rows",
                    "values are added often: an INSERT by whoever may, no migration",
                    KEYS,
                    source,
                )
            )


def _on_delete(said: Relationship, required: bool) -> OnDelete:
    if said.on_delete:
        return "set null" if said.on_delete == "set_null" else said.on_delete
    if said.owned:
        return "cascade"
    return "restrict" if required else "set null"


def _in_order(relations: Mapping[str, Relation]) -> dict[str, Relation]:
    """Each after what it refers to; a circle is entered at a relation that need not refer."""
    waiting = dict(relations)
    found: dict[str, Relation] = {}
    while waiting:
        ready = [r for r in waiting.values() if not _awaited(r, waiting, optional=True)]
        ready = (
            ready or [r for r in waiting.values() if not _awaited(r, waiting, optional=False)][:1]
        )
        for relation in ready or list(waiting.values())[:1]:
            found[relation.name] = waiting.pop(relation.name)
    return found


def _awaited(relation: Relation, waiting: Iterable[str], *, optional: bool) -> bool:
    """Whether one of the relations that it refers to is still to come."""
    return any(
        each.target in waiting
        and each.target != relation.name
        and (optional or all(relation.fields[name].required for name in each.fields))
        for each in relation.references
    )
