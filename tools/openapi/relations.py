"""What the models of resources point to: by fields that name another's id, and by `$ref`."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice

from ..names import words
from .api import Api
from .document import Node
from .models import component_name, members
from .resources import Kind, Resource, Role, resources, singulars
from .values import listing

MAX_FIELDS = 300  # of one model, that are looked at for relations
MAX_CANDIDATES = 50  # resources that a field may point to; more tell nothing


@dataclass(frozen=True, slots=True)
class Relation:
    """The `path` of the resource that a model's field `via` points to; `many` if a list does."""

    target: str
    via: str
    many: bool


def relations(api: Api) -> dict[Resource, tuple[Relation, ...]]:
    """What the models of each resource point to, by fields such as `owner_id` and by `$ref`."""
    return api.once(_relations)


def _relations(api: Api) -> dict[Resource, tuple[Relation, ...]]:
    pointers = _Pointers(api)
    return {each: pointers.of(each) for each in resources(api)}


_ID_FIELD = re.compile(r"((?!_key_)_\w+_)(id|ids|sid|sids|uuid|uuids|guid|guids)_")


class _Pointers:
    """Finds what fields of a resource's models point to."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._by_name: dict[str, list[Resource]] = defaultdict(list)
        self._by_model: dict[str, list[Resource]] = defaultdict(list)
        for each in resources(api):
            if each.item_path and each.kind is Kind.COLLECTION:
                for name in singulars(words(each.name)):
                    self._by_name[name].append(each)
                for model in dict.fromkeys(self._items_of(each)):
                    self._by_model[model].append(each)
        self._pointers: dict[Node, list[tuple[str, bool, list[Resource]]]] = {}

    def of(self, resource: Resource) -> tuple[Relation, ...]:
        """The relations of a resource, each target and field once."""
        found: dict[Relation, None] = {}
        moved = ((use.answer.model, use.receives) for use in resource.uses)
        for model in dict.fromkeys(model for pair in moved for model in pair if model is not None):
            for field, many, candidates in self._of_model(model):
                target = _nearest(resource, candidates)
                if target is not None and (target is not resource or "parent" in field):
                    found[Relation(target.path, field, many)] = None
        return tuple(found)

    def _items_of(self, resource: Resource) -> Iterator[str]:
        """The components that are one of this collection, going by their names, too."""
        name = words(resource.name)
        for use in resource.having(Role.READ):
            model = component_name(use.answer.model)
            if any(one[:-1] in words(model) for one in singulars(name)):
                yield model

    def _of_model(self, model: Node) -> list[tuple[str, bool, list[Resource]]]:
        if model not in self._pointers:
            fields = [*self._api.properties(model).items()][:MAX_FIELDS]
            pointers = (self._pointer(name, schema) for name, schema in fields)
            self._pointers[model] = [pointer for pointer in pointers if pointer[2]]
        return self._pointers[model]

    def _pointer(self, name: str, schema: Node) -> tuple[str, bool, list[Resource]]:
        found = _ID_FIELD.fullmatch(words(name))
        if found:
            return name, found[2].endswith("s"), self._by_name.get(found[1], [])
        inner = members(schema, self._api)
        models = [
            component_name(one) for one in self._alternatives(schema if inner is None else inner)
        ]
        candidates = next((self._by_model[name] for name in models if name in self._by_model), [])
        return name, inner is not None, candidates

    def _alternatives(self, schema: Node) -> list[Node]:
        """The schema, and those that it may be: an id or the expanded object, say."""
        offered = (listing(schema.get(key)) for key in ("anyOf", "oneOf", "allOf"))
        resolved = map(self._api.description.resolve, islice(chain(*offered), 10))
        return [schema, *(node for node in resolved if node is not None)]


def _nearest(resource: Resource, candidates: list[Resource]) -> Resource | None:
    """The candidate whose path has most in common with the resource's; None if two have."""
    if len(candidates) == 1:
        return candidates[0]
    if len(candidates) > MAX_CANDIDATES:
        return None
    own = resource.path.split("/")
    common = [_shared(own, each.path.split("/")) for each in candidates]
    best = [each for each, length in zip(candidates, common, strict=False) if length == max(common)]
    return best[0] if len(best) == 1 else None


def _shared(one: list[str], other: list[str]) -> int:
    pairs = zip(one, other, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
