"""Access patterns against the model: what they read must be there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from .model import AccessPattern, Domain, Entity, Relationship
from .problem import Problem, missing

_STATEMENTS: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")


def problems(domain: Domain) -> Iterator[Problem]:
    """What access patterns say of entities, attributes and relationships that are not there."""
    entities = {entity.name: entity for entity in domain.entities}
    for number, pattern in enumerate(domain.access_patterns):
        at = f"/access_patterns/{number}"
        if pattern.entity not in entities:
            yield _missing(f"{at}/entity", "entity", pattern.entity, entities, pattern)
        elif pattern.sql is None:
            yield from _of_parts(at, pattern, domain, entities)
        else:
            yield from _of_sql(f"{at}/sql", pattern)


def _missing(
    at: str, what: str, name: str, known: Mapping[str, object], of: AccessPattern
) -> Problem:
    return Problem(at, *missing(what, name, known), of.name)


def _of_parts(
    at: str, pattern: AccessPattern, domain: Domain, entities: Mapping[str, Entity]
) -> Iterator[Problem]:
    reached: dict[str, Entity] = {"": entities[pattern.entity]}
    near = {pattern.entity}
    for number, name in enumerate(pattern.joins):
        followed = _followed(name, near, domain)
        if followed is None:
            known = {r.name: r for r in domain.relationships if {r.source, r.target} & near}
            yield _missing(f"{at}/joins/{number}", "relationship", name, known, pattern)
            continue
        for end in (followed.source, followed.target):
            near.add(end)
            reached[name] = reached[end] = entities.get(end, reached[""])
    uses = [
        *(
            (f"{at}/filters/{n}/attribute", each.attribute)
            for n, each in enumerate(pattern.filters)
        ),
        *((f"{at}/sort/{n}/attribute", each.attribute) for n, each in enumerate(pattern.sort)),
        *((f"{at}/fields/{n}", each) for n, each in enumerate(pattern.fields)),
        *((f"{at}/group_by/{n}", each) for n, each in enumerate(pattern.group_by)),
        *(
            (f"{at}/aggregates/{n}/attribute", each.attribute)
            for n, each in enumerate(pattern.aggregates)
            if each.attribute
        ),
    ]
    for where, said in uses:
        owner, _, name = said.rpartition(".")
        if owner not in reached:
            yield _missing(where, "join", owner, dict.fromkeys(k for k in reached if k), pattern)
            continue
        there = _known(reached[owner], domain, near if owner in pattern.joins else set())
        if name not in there:
            yield _missing(where, f"attribute of {reached[owner].name}", name, there, pattern)


def _followed(name: str, near: set[str], domain: Domain) -> Relationship | None:
    """The relationship of that name at an entity that has been reached."""
    found = [r for r in domain.relationships if r.name == name and {r.source, r.target} & near]
    return found[0] if found else None


def _known(entity: Entity, domain: Domain, near: set[str]) -> dict[str, object]:
    """What an entity can be asked for; a join by its relationship's name means either end."""
    wanted = {entity.name, *near}
    made = dict.fromkeys(
        ("id", "public_id", "created_at", "updated_at", "deleted_at", "version", "position")
    )
    own: dict[str, object] = {
        a.name: a for each in domain.entities if each.name in wanted for a in each.attributes
    }
    relationships = {r.name: r for r in domain.relationships if r.source in wanted}
    of_relations = {a.name: a for r in relationships.values() for a in r.attributes}
    general = {
        a.name: a
        for each in domain.entities
        if entity.subtype_of and each.name == entity.subtype_of.entity
        for a in each.attributes
    }
    return {**made, **general, **own, **relationships, **of_relations}


def _of_sql(at: str, pattern: AccessPattern) -> Iterator[Problem]:
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    text = (pattern.sql or "").strip()
    expected = "one SELECT, INSERT, UPDATE or DELETE; parameters as `$1`"
    if not text.upper().startswith(_STATEMENTS):
        yield Problem(at, "is no statement that reads or writes rows", expected, pattern.name)
        return
    try:
        trees = [tree for tree in sqlglot.parse(text, read="postgres") if tree is not None]
    except (SqlglotError, RecursionError):
        yield Problem(at, "cannot be read as SQL", expected, pattern.name)
        return
    wanted = (exp.Query, exp.Insert, exp.Update, exp.Delete)
    if len(trees) != 1 or not isinstance(trees[0], wanted):
        yield Problem(
            at, f"has {len(trees)} statements, or another kind of one", expected, pattern.name
        )
