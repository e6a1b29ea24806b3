"""Fields of relations: those of attributes, and those that a design makes itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..domain.model import Attribute, Domain, Entity
from .model import Field, Role

MOMENT: Final = "instant"


def made(name: str, kind: str, role: Role, *, required: bool = True, source: str = "",
         **said: Any) -> Field:  # fmt: skip
    """A field that no attribute names."""
    attribute = _attribute(name, {"type": kind, "required": required, **said})
    return Field(name, attribute, required, role, source)


def _attribute(name: str, said: Mapping[str, Any]) -> Attribute:
    """An attribute whose name may be longer than a model's names."""
    return Attribute.model_validate({**said, "name": "made"}).model_copy(update={"name": name})


def of_attribute(attribute: Attribute, source: str) -> Iterator[Field]:
    """The fields of an attribute: one, or two where a value has two parts."""
    if attribute.type == "point" and not attribute.array:
        for role, most in (("latitude", 90), ("longitude", 180)):
            yield made(
                f"{attribute.name}_{role}",
                "decimal",
                "latitude" if role == "latitude" else "longitude",
                required=attribute.required,
                source=source,
                precision=9,
                scale=6,
                minimum=-most,
                maximum=most,
                purpose=f"{role.capitalize()} of {attribute.purpose or attribute.name}, degrees",
                sensitivity=attribute.sensitivity,
            )
        return
    yield Field(attribute.name, attribute, attribute.required, "attribute", source)
    if attribute.type == "money" and attribute.currency == "each":
        yield made(
            f"{attribute.name}_currency",
            "text",
            "currency",
            required=attribute.required,
            source=source,
            pattern="^[A-Z]{3}$",
            min_length=3,
            max_length=3,
            purpose=f"Currency of {attribute.name}, ISO 4217",
        )


def referring(name: str, target: Field, *, required: bool, role: Role, source: str,
              immutable: bool = False) -> Field:  # fmt: skip
    """A field that holds what another one holds in another relation."""
    kept = {
        key: value
        for key, value in target.type.model_dump(by_alias=True).items()
        if key in _OF_VALUES
    }
    said = {**kept, "required": required, "immutable": immutable}
    return Field(name, _attribute(name, said), required, role, source)


_OF_VALUES: Final = frozenset(
    {"type", "sensitivity", "min_length", "max_length", "pattern", "case_insensitive", "minimum",
     "maximum", "precision", "scale", "values", "growth"}
)  # fmt: skip


def of_upkeep(entity: Entity, domain: Domain, source: str) -> Iterator[Field]:
    """Who and when, versions, deletion, claims: what the entity's ways of writing ask for."""
    if (entity.audit or domain.audit) != "none":
        for role in ("created", "updated"):
            yield made(
                f"{role}_at", MOMENT, "created_at" if role == "created" else "updated_at",
                source=f"{source}/audit", default="now", purpose=f"When the row was {role}",
                sensitivity="internal",
            )  # fmt: skip
            yield made(
                f"{role}_by", "text", "created_by" if role == "created" else "updated_by",
                source=f"{source}/audit", max_length=200, purpose=f"Who {role} the row",
                sensitivity="internal",
            )  # fmt: skip
    if entity.concurrency == "optimistic":
        yield made(
            "version", "integer", "version", source=f"{source}/concurrency", default=1, minimum=1,
            purpose="Counts changes: an UPDATE that says the version it has read loses to no other",
        )  # fmt: skip
    if entity.concurrency == "queue":
        yield made(
            "claimed_until", MOMENT, "queue", required=False, source=f"{source}/concurrency",
            purpose="Until when a worker has the row; NULL: nobody",
        )  # fmt: skip
        yield made(
            "attempts", "integer", "queue", source=f"{source}/concurrency", default=0, minimum=0,
            purpose="How often the row was claimed",
        )  # fmt: skip
    if entity.soft_delete:
        yield made(
            "deleted_at", MOMENT, "deleted_at", required=False, source=f"{source}/soft_delete",
            purpose="When the row was deleted; NULL: it is there",
        )  # fmt: skip
