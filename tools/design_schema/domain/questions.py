"""What a domain model leaves open: what is supposed, and what another answer would change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from .model import Domain, Entity

MOST: Final = 12  # names in one question
_PERSONS: Final = frozenset({"personal", "special"})


@dataclass(frozen=True, slots=True)
class Question:
    """A field that says nothing: `about` points to it, `changes` says what an answer would do."""

    about: str
    asks: str
    assumed: str
    changes: str


def questions(domain: Domain) -> tuple[Question, ...]:
    """The questions, one for all entities that leave the same open."""
    return tuple(_found(domain))


def _found(domain: Domain) -> Iterator[Question]:
    if domain.tenancy.kind == "none" and (named := _named(domain, _looks_like_tenant)):
        yield Question(
            "/tenancy", f"Do several customers share this database ({named})?", "no",
            "kind shared puts the tenant into every key and row-level security on every table",
        )  # fmt: skip
    if named := _named(domain, lambda e: e.volume is None):
        yield Question(
            "/entities/*/volume", f"How many rows now, and how many more a month: {named}?",
            "10,000 rows, and little growth",
            "indexes that pay, partitions, and the row count at which a pattern misses its target",
        )  # fmt: skip
    unread = {e.name for e in domain.entities} - {p.entity for p in domain.access_patterns}
    if not domain.access_patterns or unread:
        some = ", ".join(sorted(unread)[:MOST])
        yield Question(
            "/access_patterns", f"What does the application read and write most: {some}?",
            "rows by key, and by what refers to them",
            "every further index: none is made that no pattern uses",
        )  # fmt: skip
    if domain.audit == "none" and (named := _named(domain, lambda e: e.audit is None)):
        yield Question(
            "/audit", "Who may have to show later who changed what, and when?", "nobody",
            "who_when adds four columns to each table, history a table of all versions",
        )  # fmt: skip
    if named := _named(domain, _keeps_persons):
        yield Question(
            "/entities/*/retention",
            f"How long are persons' data kept, and what does erasure do: {named}?",
            "for ever; nothing is prepared for erasure",
            "jobs that delete or anonymise when it is due (GDPR, articles 5 and 17)",
        )  # fmt: skip
    if named := _named(domain, _is_unnamed):
        yield Question(
            "/entities/*/unique",
            f"What must not be there twice, in the eyes of the business: {named}?",
            "nothing", "a unique constraint: without one the same thing can be entered twice",
        )  # fmt: skip
    unlimited = [
        f"{entity.name}.{attribute.name}"
        for entity in domain.entities
        for attribute in entity.attributes
        if attribute.type == "text" and attribute.max_length is None and not attribute.array
    ]
    if unlimited:
        yield Question(
            "/entities/*/attributes/*/max_length",
            f"How long may these become: {', '.join(unlimited[:MOST])}?",
            "as long as wanted", "a check, so that nobody stores a book in a name",
        )  # fmt: skip


def _named(domain: Domain, wanted: Callable[[Entity], object]) -> str:
    found = [entity.name for entity in domain.entities if wanted(entity)]
    more = f" and {len(found) - MOST} more" if len(found) > MOST else ""
    return ", ".join(found[:MOST]) + more


def _looks_like_tenant(entity: Entity) -> bool:
    return entity.name in ("organisation", "organization", "tenant", "workspace", "company")


def _keeps_persons(entity: Entity) -> bool:
    said = entity.retention
    silent = said is None or said.on_erasure is None
    return silent and any(each.sensitivity in _PERSONS for each in entity.attributes)


def _is_unnamed(entity: Entity) -> bool:
    named = entity.unique or entity.key.kind == "natural" or entity.subtype_of
    return not named and not any(a.unique for a in entity.attributes) and bool(entity.attributes)
