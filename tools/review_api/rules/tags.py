"""Rules about the list of tags."""

from __future__ import annotations

from collections.abc import Iterator

from ...openapi.api import Api
from ...openapi.values import listing, mapping
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule


@rule(
    "api/tag-duplicate",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Keep one of the two, with what both were meant to say",
    references=["https://spec.openapis.org/oas/v3.1.1#openapi-object"],
    bad="""
    tags: [{name: pets, description: Who lives here}, {name: pets, description: Animals}]
    """,
    good="""
    tags: [{name: pets, description: Who lives here}, {name: vets, description: Who heals}]
    """,
)
def tag_duplicate(api: Api, _: Api) -> Iterator[Hit]:
    """A tag is declared twice.

    Names in the list of tags must be unique. Portals show one of the two descriptions, or the
    section twice.
    """
    seen: set[str] = set()
    for index, tag in enumerate(listing(api.root.get("tags"))):
        name = mapping(tag).get("name")
        if isinstance(name, str):
            if name in seen:
                message = f"the tag {quoted(name)} is declared before"
                yield Hit(api.root.place("tags", index), message)
            seen.add(name)


@rule(
    "api/tag-parent-invalid",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Name a declared tag that is not below this one",
    references=["https://spec.openapis.org/oas/v3.2.0#tag-object"],
    bad="""
    openapi: 3.2.0
    info: {title: Pets, version: 1.0.0}
    paths: {}
    tags: [{name: cats, parent: animals}]
    """,
    good="""
    openapi: 3.2.0
    info: {title: Pets, version: 1.0.0}
    paths: {}
    tags: [{name: animals}, {name: cats, parent: animals}]
    """,
)
def tag_parent_invalid(api: Api, _: Api) -> Iterator[Hit]:
    """A tag lies below one that is not declared, or below itself.

    The parent must be a tag of the description, and the tags no circle: there is no place in the
    table of contents for it.
    """
    parents: dict[str, str] = {}
    places: dict[str, int] = {}
    for index, tag in enumerate(listing(api.root.get("tags"))):
        name, parent = mapping(tag).get("name"), mapping(tag).get("parent")
        if isinstance(name, str):
            places.setdefault(name, index)
            if isinstance(parent, str):
                parents.setdefault(name, parent)
    for name, parent in parents.items():
        at = api.root.place("tags", places[name], "parent")
        if parent not in places:
            yield Hit(at, f"the parent {quoted(parent)} of {quoted(name)} is not declared")
        elif _is_below_itself(name, parents):
            yield Hit(at, f"{quoted(name)} lies below itself", cause="tags lie below themselves")


def _is_below_itself(name: str, parents: dict[str, str]) -> bool:
    """Whether the way up leads back; a way longer than 100 is another tag's circle."""
    above = parents.get(name)
    for _ in range(100):
        if above is None or above == name:
            break
        above = parents.get(above)
    return above == name
