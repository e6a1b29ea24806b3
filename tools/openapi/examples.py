"""Examples of a description: where they stand, the schema they are of, which way they travel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ..rule import Place
from .document import Node
from .kinds import Version
from .translation import Direction
from .values import listing, mapping

if TYPE_CHECKING:
    from .api import Api

_JSON: Final = ("application/json", "text/json", "+json")
_FORM: Final = "application/x-www-form-urlencoded"
MAX_TEXT: Final = 100_000  # characters of a serialised example that are read as JSON


@dataclass(frozen=True, slots=True)
class Example:
    """An example: where it stands, its value, the schema it has to satisfy, how it is written.

    `steps` lead to it within `holder`; `media_type` is empty for a schema's own; `is_serialised`:
    of a parameter or header, where a text may stand for what it is read as.
    """

    holder: Node
    steps: tuple[str | int, ...]
    value: Any
    schema: Node
    direction: Direction
    media_type: str = ""
    is_serialised: bool = False

    @property
    def place(self) -> Place:
        """Where the value stands."""
        return self.holder.place(*self.steps)

    @property
    def is_comparable(self) -> bool:
        """Whether it is a value of the data model: a text of XML or of a file is none."""
        kind = self.media_type.partition(";")[0].strip().lower()
        if not kind or kind == _FORM or kind.endswith(_JSON):
            return True
        return not isinstance(self.value, str) and not kind.startswith("multipart/")

    def readings(self) -> Iterator[Any]:
        """What a text may stand for: JSON, or the list of a delimited parameter."""
        if not isinstance(self.value, str) or len(self.value) > MAX_TEXT:
            return
        is_written = self.is_serialised or self.media_type.startswith(_FORM)
        read = _plain(self.value)
        if is_written or isinstance(read, dict | list):  # a plain `"5"` is no number in JSON
            yield read
        if is_written:
            for delimiter in ",| ":
                parts = self.value.split(delimiter)
                yield parts
                yield [_plain(part) for part in parts]

    def may_be_text(self, value: Any) -> bool:
        """Whether a value inside may be a text just because it is sent as one."""
        return isinstance(value, str) and (
            self.is_serialised or self.media_type.startswith((_FORM, "multipart/"))
        )


def _plain(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def examples(api: Api) -> Iterator[Example]:
    """Every example that has a schema beside it, in the order of the document's objects."""
    for kind in ("media_type", "parameter", "header"):
        for node in api.nodes(kind):
            yield from _beside(api, node)
    for node in api.having("example", "examples"):
        if node.kind == "schema":
            yield from _of_schema(node)
    if api.version is Version.V20:
        for node in api.nodes("response"):
            schema = api.description.node_at(node.get("schema"))
            if schema is None:
                continue
            for media_type, value in mapping(node.get("examples")).items():
                steps = ("examples", media_type)
                yield Example(node, steps, value, schema, Direction.RESPONSE, str(media_type))


def _of_schema(node: Node) -> Iterator[Example]:
    if "example" in node.value:
        yield Example(node, ("example",), node.value["example"], node, Direction.BOTH)
    for index, value in enumerate(listing(node.value.get("examples"))):
        yield Example(node, ("examples", index), value, node, Direction.BOTH)


def _beside(api: Api, node: Node) -> Iterator[Example]:
    if not isinstance(node.value, dict):
        return
    schema = api.description.node_at(node.value.get("schema"))
    if schema is None:
        return
    direction = _DIRECTIONS.get(node.unit.side, Direction.BOTH)
    is_media = node.kind == "media_type"
    media_type = str(node.key[-1]) if is_media and node.key else ""
    if "example" in node.value:
        value = node.value["example"]
        yield Example(node, ("example",), value, schema, direction, media_type, not is_media)
    for each in mapping(node.value.get("examples")).values():
        found = api.description.resolve(each)
        if found is None or found.kind != "example" or not isinstance(found.value, dict):
            continue
        for member in ("value", "dataValue"):
            if member in found.value:
                value = found.value[member]
                yield Example(found, (member,), value, schema, direction, media_type, not is_media)


_DIRECTIONS: Final = {"request": Direction.REQUEST, "response": Direction.RESPONSE}
