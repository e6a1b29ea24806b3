"""Objects of people that a request chooses by an id that is easily guessed."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..names import words
from .accounts import VERSION
from .api import Api
from .authorization import SAFE, Identifier, Row, matrix
from .purposes import answered
from .sensitivity import ABOUT_PEOPLE, is_person, private_part


class Guessable(NamedTuple):
    """A row that chooses an object by a guessable id; `about`: what tells that it is a person's."""

    row: Row
    identifier: Identifier
    about: str


def guessable_objects(api: Api) -> tuple[Guessable, ...]:
    """Calls with any user's credential that choose a person's object and document no refusal.

    Left out are calls that need a scope, that are for few, or that document a 403; of calls that
    read also those with a 404, which is how the objects of others are hidden.
    """
    return tuple(
        Guessable(row, identifier, about)
        for row in api.once(matrix)
        if _is_for_all(row) and not _refuses(row)
        for identifier in _chosen(row)
        if (about := _about(row))
    )


def _is_for_all(row: Row) -> bool:
    declared = row.access.declared and bool(row.access.alternatives)
    return declared and not (row.access.anonymous or row.access.scopes or row.privileged)


def _refuses(row: Row) -> bool:
    responses = row.operation.responses
    hidden = row.operation.method in SAFE and "404" in responses
    return hidden or not responses.keys().isdisjoint(("403", "4XX", "default"))


def _chosen(row: Row) -> list[Identifier]:
    """The id of the object: the last one in the path, else a number in the query."""
    path = [each for each in row.identifiers if each.where == "path"]
    if path:
        last = row.operation.path.rpartition("{")[2].partition("}")[0]
        return [each for each in path if each.name == last and each.guessable]
    found = (each for each in row.identifiers if each.where == "query" and each.kind == "integer")
    return list(found)[:1]


def _about(row: Row) -> str:
    """What tells that the object is a person's: a field of the answer, or the path."""
    fields = (field for field in answered(row.operation) if field.sense in ABOUT_PEOPLE)
    told = (field.path for field in fields if not _OF_STAFF.search(words(field.path)))
    if found := next(told, "") or private_part(row.operation.path):
        return found
    before = row.operation.path.rpartition("{")[0].split("/")
    collection = next((part for part in reversed(before) if part and not VERSION.match(part)), "")
    person = is_person(collection) and not _MACHINES.match(words(collection))
    return collection if row.operation.method not in SAFE and person else ""


_OF_STAFF = re.compile(  # whoever made what many share
    r"_((created|updated|modified|shared|assigned|posted|deleted)_by|author|assignees?|reviewers?)_"
)
_MACHINES = re.compile(r"^_(clients?|agents?|operators?|contacts?)_$")
