"""The errors that an API describes: their bodies, and the model that nearly all of them have."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from ..rule import Place
from ..source import pointer
from .api import Api
from .document import Node
from .values import mapping


class ErrorBody(NamedTuple):
    """A JSON body of an error: `model` is its media type and schema, by name or fields."""

    code: str
    model: str
    media_type: str
    schema: Node
    place: Place


class ErrorModel(NamedTuple):
    """What `support` of `total` error bodies have in common; `body` is one of them."""

    body: ErrorBody
    support: int
    total: int


def error_bodies(api: Api) -> tuple[ErrorBody, ...]:
    """The JSON bodies of errors of which something is known, each as often as it is used."""
    return api.once(_error_bodies)


def common_error(api: Api, support: int, share: float) -> ErrorModel | None:
    """The model of at least so many error bodies and such a share of them; `body` is the first."""
    bodies = error_bodies(api)
    votes = Counter(body.model for body in bodies)
    if not votes or max(votes.values()) < max(support, share * len(bodies)):
        return None
    model = min(votes, key=lambda model: (-votes[model], model))
    first = min((body for body in bodies if body.model == model), key=_where)
    return ErrorModel(first, votes[model], len(bodies))


def _where(body: ErrorBody) -> tuple[str, str]:
    """By place, not by order: another order of keys in the document is no other answer."""
    return body.schema.file, pointer(body.schema.path)


def _error_bodies(api: Api) -> tuple[ErrorBody, ...]:
    judged: dict[Node, list[ErrorBody]] = {}
    found = []
    for operation in api.operations:
        succeeds = any(True for _ in operation.success)
        for code, response in operation.errors:
            if code == "default" and not succeeds:
                continue  # describes every outcome
            if response not in judged:
                judged[response] = list(_of_response(response, api))
            found += [body._replace(code=code) for body in judged[response]]
    return tuple(found)


def _of_response(response: Node, api: Api) -> Iterator[ErrorBody]:
    for media_type, schema in api.bodies(response):
        known = schema is not None and (api.properties(schema) or api.types(schema) - {"object"})
        if schema is not None and known and re.search(r"json|^$", media_type):
            where = response.place(*(["content", media_type] if media_type else ["schema"]))
            model = f"{media_type or 'any'}: {api.schema_name(schema)}"
            yield ErrorBody("", model, media_type, schema, where)


def shared_response(api: Api, code: str, file: str) -> str:
    """The reference by which most operations of a file answer with a code; empty if there is none.

    Only references within the file count: they mean the same at any place of it.
    """
    return api.once(_shared_responses).get((code, file), "")


def _shared_responses(api: Api) -> dict[tuple[str, str], str]:
    used: Counter[tuple[str, str, str]] = Counter()
    for operation in api.operations:
        for code, response in mapping(operation.node.get("responses")).items():
            reference = mapping(response).get("$ref")
            if isinstance(reference, str) and reference.startswith("#/"):
                used[str(code), operation.node.place().file, reference] += 1
    return {(code, file): ref for (code, file, ref), _ in reversed(used.most_common())}
