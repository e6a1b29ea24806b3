"""Names of relations: plurals, prefixes, and what stays within an engine's limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ..domain.model import Domain, Entity

# Irregular ones that business models have; others are said in `plural`.
_IRREGULAR: Final[Mapping[str, str]] = {
    "child": "children",
    "criterion": "criteria",
    "datum": "data",
    "equipment": "equipment",
    "foot": "feet",
    "history": "history",
    "information": "information",
    "inventory": "inventory",
    "man": "men",
    "medium": "media",
    "money": "money",
    "person": "people",
    "staff": "staff",
    "woman": "women",
}


def plural(name: str) -> str:
    """The English plural of the last word of a name."""
    head, _, last = name.rpartition("_")
    if last in _IRREGULAR:
        said = _IRREGULAR[last]
    elif re.search(r"(s|x|z|ch|sh)$", last):
        said = f"{last}es"
    elif re.search(r"[^aeiou]y$", last):
        said = f"{last[:-1]}ies"
    else:
        said = f"{last}s"
    return f"{head}_{said}" if head else said


def of_entity(entity: Entity, domain: Domain) -> str:
    """What the relation of an entity is called."""
    several = entity.plural or plural(entity.name)
    return domain.naming.prefix + (several if domain.naming.tables == "plural" else entity.name)


def made(name: str, domain: Domain) -> str:
    """What a relation is called that no entity names: of a relationship, of values."""
    return domain.naming.prefix + (plural(name) if domain.naming.tables == "plural" else name)
