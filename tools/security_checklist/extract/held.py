"""Facts about the data in requests and responses: what is sensitive, what clients may set."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ...names import words
from ...openapi.access import access_of
from ...openapi.api import Api, Operation
from ...openapi.authorization import embedded_people
from ...openapi.purposes import Purpose, answered, purposes_of, received
from ...openapi.resources import resources
from ...openapi.sensitivity import Field, Sense, objects
from ...openapi.writable import (
    METHODS,
    declared_writable,
    is_open,
    is_own,
    is_privileged,
    privileged,
)
from ...report import clean, quoted
from ..facts import Basis, Fact, Held, Kind
from .access import subject_of
from .decided import DECIDED


def held_facts(api: Api) -> Iterator[Fact]:
    """Sensitive fields by operation and direction."""
    for operation in api.operations:
        yield from (_fact(Kind.RETURNS, operation, field) for field in answered(operation))
        yield from (_fact(Kind.RECEIVES, operation, field) for field in received(operation))
        if operation.method in METHODS:
            yield from _privileged(operation)
    for operation, field in api.once(embedded_people):
        yield _fact(Kind.EMBEDS, operation, field)
    yield from _open_writes(api)


def held(field: Field) -> Held:
    """A field as the value of a fact."""
    return Held(clean(field.path, 120), field.sense.value, field.match.token, field.person)


def _fact(kind: Kind, operation: Operation, field: Field) -> Fact:
    if kind is Kind.RETURNS and field.sense is Sense.INTERNAL:
        kind = Kind.INTERNAL_FIELD
    verb = "takes" if kind is Kind.RECEIVES else "returns"
    note = f"{verb} {quoted(field.path)} ({field.sense})"
    return Fact(kind, subject_of(operation), held(field), Basis.HEURISTIC, field.node.place(), note)


def _privileged(operation: Operation) -> Iterator[Fact]:
    if Purpose.ADMINISTRATION in purposes_of(operation):
        return
    own = is_own(operation)
    for name, owner, internal in privileged(operation):
        declared = declared_writable(owner, name, operation.api)
        if declared is None:
            continue
        sense = "internal detail" if internal else "own" if own else "privilege"
        note = f"the request declares {quoted(name)}"
        yield Fact(
            Kind.WRITES_PRIVILEGED, subject_of(operation), Held(clean(name, 80), sense, name),
            Basis.OBSERVED, declared, note,
        )  # fmt: skip


# A request that may hold what a response shows


def _open_writes(api: Api) -> Iterator[Fact]:
    shown = _Shown(api)
    for operation in api.operations:
        if operation.method not in METHODS:
            continue
        for body in operation.request_bodies[:1]:
            sent = frozenset(api.properties(body.schema))
            if not sent or not is_open(body.schema, api):
                continue
            for name, teller in shown.beside(operation, sent):
                note = (
                    f"the request is open, and {quoted(teller)} shows {quoted(name)}"
                    " of the same object"
                )
                place = operation.node.place(
                    *(["requestBody"] if "requestBody" in operation.node.value else [])
                )
                yield Fact(
                    Kind.OPEN_WRITE, subject_of(operation), clean(name, 80), Basis.DERIVED,
                    place, note,
                )  # fmt: skip
                break


class _Shown:
    """The objects that responses show with a field that clients should not set."""

    def __init__(self, api: Api) -> None:
        self._of_resource: dict[Operation, list[tuple[frozenset[str], str, Operation]]] = {}
        self._all: list[tuple[frozenset[str], str, Operation]] = []
        self._api = api
        find = partial(self._objects, api)
        seen: set[tuple[frozenset[str], str]] = set()
        for resource in resources(api):
            here = [each for use in resource.uses for each in find(use.operation)]
            for use in resource.uses:
                self._of_resource[use.operation] = here
        for operation in api.operations:
            for each in find(operation):
                if each[:2] not in seen:
                    seen.add(each[:2])
                    self._all.append(each)

    def beside(self, operation: Operation, sent: frozenset[str]) -> Iterator[tuple[str, Operation]]:
        """Fields that a response about the same object shows and the request does not declare."""
        plain = sent - {"id", "name", "type"}
        for fields, name, teller in self._of_resource.get(operation, ()):
            if name not in sent and plain & fields:
                yield name, teller
        if len(self._all) > 2_000:
            return
        for fields, name, teller in self._all:
            common = plain & fields
            if name not in sent and len(common) >= 2 and 2 * len(common) >= len(plain):
                yield name, teller

    @staticmethod
    def _objects(api: Api, operation: Operation) -> list[tuple[frozenset[str], str, Operation]]:
        return api.found(_decided_objects, operation)


def _decided_objects(api: Api, operation: Operation) -> list[tuple[frozenset[str], str, Operation]]:
    found = []
    for _, response in operation.success:
        for body in api.bodies(response):
            for part in objects(api, body.schema):
                name = next((n for n in part.properties if is_decided(n)), None)
                if name is not None:
                    found.append((frozenset(part.properties), name, operation))
    return found


def is_decided(name: str) -> bool:
    """Whether the server decides a value of this name: a right, a state, a sum."""
    return is_privileged(name) or DECIDED.match(words(name)) is not None


def anonymous(operation: Operation) -> bool:
    """Whether anyone may call it."""
    return access_of(operation).anonymous
