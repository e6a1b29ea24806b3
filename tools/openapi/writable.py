"""What clients can set although only the server, or an administrator, should."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..names import words
from ..rule import Place
from .api import Api, Operation
from .document import Node
from .purposes import Purpose, purposes_of, received, segments
from .sensitivity import Sense, sense_of
from .values import mapping

METHODS = ("post", "put", "patch")
_OWN = re.compile(r"^_(me|self|my(_\w+)?|(user_)?profile|account|settings|preferences)_$")
_EARNED = re.compile(
    r"^_((is_)?((e_?mail|phone|identity|kyc|account)_)?(verified|approved)|(is_)?(paid|premium)"
    r"|((account|wallet|credit|available|current)_)?(balance|credits?)|loyalty_points"
    r"|(credit|spending|withdrawal)_limit)_$"
)


def is_own(operation: Operation) -> bool:
    """Whether people do this for themselves: they register, or change what is theirs."""
    last = segments(operation)[-1:]
    return Purpose.REGISTRATION in purposes_of(operation) or (
        not operation.path.endswith("}") and any(map(_OWN.match, last))
    )


def privileged(operation: Operation) -> Iterator[tuple[str, Node, bool]]:
    """Properties of the request that should not be there, their objects, and whether internal."""
    for field in received(operation):
        name = field.path.rpartition(".")[2].removesuffix("[]")
        if field.sense is Sense.INTERNAL:
            yield name, field.owner, True
        elif field.sense is Sense.PRIVILEGE and "." not in field.path:
            yield name, field.owner, False
    for body in operation.request_bodies:
        for name in operation.api.properties(body.schema):
            if body.schema is not None and _EARNED.match(words(name)):
                yield name, body.schema, False


def declared_writable(schema: Node, name: str, api: Api) -> Place | None:
    """Where a property is declared that clients may send: none if it is `readOnly`.

    Of an operation, where its parameter of this name is: 2.0 describes forms so.
    """
    if schema.kind == "operation":
        named = (each.node for each in api.parameters_of(schema) if each.node.get("name") == name)
        return next((node.place() for node in named), None)
    for part in api.parts(schema):
        if name in mapping(part.get("properties")):
            value = part.value["properties"][name]
            held = api.parts(api.description.resolve(value))
            read_only = [mapping(value).get("readOnly"), *(node.get("readOnly") for node in held)]
            return None if True in read_only else part.place("properties", name)
    return None


def is_privileged(name: str) -> bool:
    """Whether the server or an administrator should set a field of this name."""
    match = sense_of(name)
    privileged = match is not None and match.sense in (Sense.PRIVILEGE, Sense.INTERNAL)
    return privileged or _EARNED.match(words(name)) is not None


def is_open(schema: Node | None, api: Api) -> bool:
    """Whether an object of the schema may hold undeclared fields; no schema: not known, False."""
    closing = ("additionalProperties", "unevaluatedProperties")
    return schema is not None and not any(
        part.get(key) is False for part in api.parts(schema) for key in closing
    )
