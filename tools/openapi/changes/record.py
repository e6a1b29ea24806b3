"""One difference between two versions of an API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...rule import Place
from ..document import Node


@dataclass(frozen=True, slots=True)
class Side:
    """A place in one of the versions, and the schema it belongs to, if it is about one."""

    place: Place
    schema: Node | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """What travels where a difference is, in both versions: a body, a parameter, a header.

    The paths lead from the whole to the part that differs: names of properties, `items`, `oneOf`
    with an index, which may be another one in each version.
    """

    old: Node
    new: Node
    old_part: Node
    new_part: Node
    old_path: tuple[str, ...] = ()
    new_path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """One difference, as seen by the clients of one operation.

    `area` is where it is (path, operation, parameter, request body, response, header, schema,
    security, server, metadata), `direction` who sends what is described (request: clients send it,
    response: they receive it, or empty), `subject` the kind of thing (body, property, parameter,
    header …), `facet` what of it (max-length, type …; empty: the thing itself) and `action` what
    became of it. `name` says which one. `effect` is what it does to the set of values: `narrows`,
    `widens`, `changes` (neither contains the other, or unknown) or empty.
    """

    area: str
    direction: str
    subject: str
    facet: str
    action: str
    name: str = ""
    before: Any = None
    after: Any = None
    old: Side | None = None
    new: Side | None = None
    operation: str = ""
    where: str = ""  # `200 application/json`, `query`
    effect: str = ""
    message: Message | None = None

    @property
    def kind(self) -> str:
        """What it is in one word: `request-property-max-length-decreased`."""
        parts = (self.direction, self.subject, self.facet, self.action)
        return "-".join(part for part in parts if part)
