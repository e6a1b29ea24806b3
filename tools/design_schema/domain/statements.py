"""Access patterns against the model: what they read must be there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from .model import AccessPattern, Attribute, Domain, Entity, Filter, Relationship
from .problem import Problem, missing

_OVERLAP: Final = ("period", "date_period")
_NO_TEXTS: Final = (
    "integer",
    "decimal",
    "money",
    "quantity",
    "boolean",
    "date",
    "instant",
    "point",
)
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
    known_of: dict[str, dict[str, object]] = {}
    for where, said in uses:
        owner, _, name = said.rpartition(".")
        if owner not in reached:
            yield _missing(where, "join", owner, dict.fromkeys(k for k in reached if k), pattern)
            continue
        if owner not in known_of:
            ends = near if owner in pattern.joins else set()
            known_of[owner] = _known(reached[owner], domain, ends)
        there = known_of[owner]
        if name not in there:
            yield _missing(where, f"attribute of {reached[owner].name}", name, there, pattern)
    yield from _of_values(at, pattern, reached)


def _of_values(at: str, pattern: AccessPattern, reached: Mapping[str, Entity]) -> Iterator[Problem]:
    """Filters, aggregates and pages that ask what an attribute cannot answer."""
    for number, asked in enumerate(pattern.filters):
        owner, _, name = asked.attribute.rpartition(".")
        known = reached[owner].attributes if owner in reached else ()
        attribute = next((each for each in known if each.name == name), None)
        if attribute is None:
            continue
        for field, says, expected in _unanswerable(asked, attribute):
            yield Problem(f"{at}/filters/{number}/{field}", says, expected, pattern.name)
    for number, figure in enumerate(pattern.aggregates):
        if figure.function != "count" and not figure.attribute:
            yield Problem(
                f"{at}/aggregates/{number}/attribute",
                f"is required: {figure.function} of what?",
                "an attribute",
                pattern.name,
            )
    if pattern.page == "keyset" and not pattern.sort:
        yield Problem(
            f"{at}/page", "keyset goes on after the last row, but there is no order", "`sort`",
            pattern.name,
        )  # fmt: skip


def _unanswerable(asked: Filter, attribute: Attribute) -> Iterator[tuple[str, str, str]]:
    is_a = f"`{attribute.name}` is of type {attribute.type}"
    if asked.operator == "overlaps" and attribute.type not in _OVERLAP and not attribute.array:
        yield "operator", f"{is_a}, which overlaps nothing", "a period, a date_period or a list"
    if asked.operator in ("matches", "starts with") and attribute.type in _NO_TEXTS:
        yield "operator", f"{is_a}, not a text", "an operator for it: =, <, between"
    values = asked.value if isinstance(asked.value, list) else [asked.value]
    strange = [v for v in values if v is not None and v not in attribute.values]
    if attribute.type == "enum" and strange and asked.operator in ("=", "<>", "in"):
        known = ", ".join(attribute.values)
        yield "value", f"{strange[0]!r} is no value of {attribute.name}", f"one of {known}"


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
