"""The parts of a message, and what differs in them, as changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from ..document import Node
from .keywords import Difference
from .record import Change, Message
from .schemas import Step


class Part(NamedTuple):
    """A part of a message: what it is, its name, and the schemas around it."""

    message: Message
    subject: str
    name: str
    above: frozenset[Node]

    def inside(self, step: Step, subject: str) -> Part:
        """The part that a step leads to."""
        keyword, new_name = step.keyword, step.new_name or step.name
        message = replace(
            self.message,
            old_part=step.old,
            new_part=step.new,
            old_path=(*self.message.old_path, keyword, *((step.name,) if step.name else ())),
            new_path=(*self.message.new_path, keyword, *((new_name,) if new_name else ())),
        )
        above = self.above | {self.message.old_part}
        return Part(message, subject, joined(self.name, keyword, step.name), above)


def joined(name: str, keyword: str, key: str) -> str:
    """The name of something inside: `order.lines[].price`."""
    match keyword:
        case "properties":
            return f"{name}.{key}" if name else key
        case "items":
            return f"{name}[]"
        case "prefixItems":
            return f"{name}[{key}]"
        case "additionalProperties":
            return f"{name}.*" if name else "*"
        case "allOf" | "anyOf" | "oneOf":
            return name
        case _:
            said = f"({keyword}{' ' + key if key else ''})"
            return f"{name} {said}".strip()


def change_of(
    found: Difference,
    part: Part,
    area: str,
    direction: str,
    operation: str,
    where: str,
    inner: str,
) -> Change:
    """A difference of a part, as a change that clients of the operation see."""
    subject, name = part.subject, part.name
    if found.subject:
        subject = found.subject.replace("property", inner)
        subject = subject.replace("read-only-" if direction == "response" else "write-only-", "")
        name = joined(name, "properties", found.name)
    action, effect = found.action, found.effect
    if (found.facet, action) == ("type", "changed") and not _is_typed(area, where):
        action, effect = _as_text(found, area, direction, inside=bool(part.message.new_path))
    return Change(
        area, direction, subject, found.facet, action, name, found.before, found.after,
        found.old, found.new, operation, where, effect, part.message,
    )  # fmt: skip


def _as_text(found: Difference, area: str, direction: str, *, inside: bool) -> tuple[str, str]:
    """What a change of types is where values are text: any value is a string, too."""
    wide, narrow = _is_string(found.after), _is_string(found.before)
    if direction == "response":
        return ("compatible", "narrows") if narrow and area != "header" else ("changed", "changes")
    if wide and not (inside and area == "parameter"):
        return "compatible" if area == "request body" else "generalized", "widens"
    return ("specialized", "narrows") if narrow else ("changed", "changes")


def _is_string(types: Any) -> bool:
    return str(types).partition(" ")[0] == "string"


def _is_typed(area: str, where: str) -> bool:
    """Whether values have types where they travel: in JSON; elsewhere they are text."""
    media_type = where.rpartition(" ")[2].partition(";")[0]
    return area in ("request body", "response") and (
        media_type == "application/json" or media_type.endswith("+json") or not media_type
    )
