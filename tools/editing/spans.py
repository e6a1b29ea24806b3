"""Where the values of a document begin and end in its text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from json import decoder as json_decoder
from typing import Any, Final, Literal

from ..patterns import compiled

_scan: Final[Any] = vars(json.JSONDecoder())["scan_once"]  # in C: (text, start) -> value, end
_scan_string: Final[Any] = vars(json_decoder)["scanstring"]  # in C: (text, start) -> string, end
_space: Final = compiled(r"[ \t\r\n]*").match


@dataclass(slots=True)
class Span:
    """A value's text, from `start` to `end` (exclusive), in characters.

    `entries` are those of a mapping or list, in order. `is_flow`: in brackets, as all of JSON is.
    `is_fixed`: an alias, or what one stands for; its text may not be changed.
    """

    kind: Literal["map", "list", "scalar"]
    start: int
    end: int
    is_flow: bool = True
    is_fixed: bool = False
    style: str = ""  # of a YAML scalar: ' or " or | or >
    entries: list[Entry] = field(default_factory=list)


@dataclass(slots=True)
class Entry:
    """A member with its key, or an item; `start` is the key's, the item's, or that of its dash."""

    key: str | int
    start: int
    value: Span


def json_span(text: str, start: int) -> Span:
    """The value of a JSON text at `start`, one level of its entries told."""
    opening = text[start]
    if opening not in "{[":
        return Span("scalar", start, int(_scan(text, start)[1]))
    span = Span("map" if opening == "{" else "list", start, start)
    at = _after_space(text, start + 1)
    while text[at] not in "}]":
        key: str | int = len(span.entries)
        begin = at
        if opening == "{":
            key, at = _scan_string(text, at + 1)
            at = _after_space(text, _after_space(text, at) + 1)
        end = int(_scan(text, at)[1])
        kind: Literal["map", "list", "scalar"] = "scalar"
        if text[at] in "{[":
            kind = "map" if text[at] == "{" else "list"
        span.entries.append(Entry(key, begin, Span(kind, at, end)))
        at = _after_space(text, end)
        if text[at] == ",":
            at = _after_space(text, at + 1)
    span.end = at + 1
    return span


def _after_space(text: str, start: int) -> int:
    match = _space(text, start)
    return match.end() if match else start


def yaml_span(text: str) -> Span:
    """The whole of a YAML document; without recursion, as documents may be deep."""
    from yaml import events
    from yaml.cyaml import CParser  # type: ignore[attr-defined]

    stack: list[tuple[Span, str | None, int]] = []
    root = Span("scalar", 0, 0)
    for event in _events(CParser(text)):
        start, end = event.start_mark.index, event.end_mark.index
        if isinstance(event, events.MappingStartEvent | events.SequenceStartEvent):
            kind: Literal["map", "list"] = (
                "map" if isinstance(event, events.MappingStartEvent) else "list"
            )
            value = Span(kind, start, end, bool(event.flow_style), event.anchor is not None)
            stack.append((value, None, 0))
            continue
        if isinstance(event, events.MappingEndEvent | events.SequenceEndEvent):
            value, _, _ = stack.pop()
            last = value.entries[-1].value.end if value.entries else value.end
            value.end = end if value.is_flow else last
        elif isinstance(event, events.ScalarEvent):
            fixed, style = event.anchor is not None, event.style or ""
            end = _block_end(text, start, end) if style in ("|", ">") else end
            value = Span("scalar", start, end, is_fixed=fixed, style=style)
        elif isinstance(event, events.AliasEvent):
            value = Span("scalar", start, end, is_fixed=True)
        else:
            continue
        if not stack:
            root = value
            continue
        around, key, begin = stack[-1]
        if around.kind == "list":
            around.entries.append(Entry(len(around.entries), _dash(text, value, around), value))
        elif key is None:
            name = getattr(event, "value", "")
            stack[-1] = (around, name, start)
        else:
            around.entries.append(Entry(key, begin, value))
            stack[-1] = (around, None, 0)
    return root


def _events(parser: Any) -> Iterator[Any]:
    while parser.check_event():
        yield parser.get_event()


def _block_end(text: str, start: int, end: int) -> int:
    """Where a block scalar's last line ends: libyaml counts comments after it as its own."""
    lines = text[start:end].splitlines(keepends=True)
    content = [line for line in lines[1:] if line.strip()]
    if not content or any(sign.isdecimal() for sign in lines[0]):
        return start + len(text[start:end].rstrip())
    indent = len(content[0]) - len(content[0].lstrip(" "))
    length = reached = len(lines[0])
    for line in lines[1:]:
        reached += len(line)
        if line.strip():
            if not line.startswith(" " * indent):
                break
            length = reached
    return start + len(text[start : start + length].rstrip())


def _dash(text: str, value: Span, around: Span) -> int:
    """Where the item of a block list begins: at its dash."""
    if around.is_flow:
        return value.start
    return text.rfind("-", around.start, value.start)
