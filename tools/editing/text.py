"""A document's text with other data in it: only what differs is written anew.

Round-trip libraries for YAML lay the whole document anew (ruamel.yaml 0.19 changes 7,390 of 35,868
lines of a description in which nothing was changed, in 5 s), so that a one-line repair drowns.
Here each difference becomes one edit of the text, and the result counts only if it is read back as
exactly the wanted data.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Final

from ..source import Source, SourceError, load
from ..source_yaml import core_scalar, yaml_11_kind
from .spans import Entry, Span, json_span, yaml_span

MAX_ALIGNED: Final = 2_000  # items of lists that are compared pair by pair


class CannotEdit(ValueError):
    """The text cannot be changed to say that; the message says why."""


@dataclass(frozen=True, slots=True)
class Edit:
    """The characters from `start` to `end` (exclusive) become `text`."""

    start: int
    end: int
    text: str


def edited(source: Source, wanted: Any) -> str:
    """The source's text, changed so that its data is `wanted`. Raises `CannotEdit`."""
    text = source.text
    edits = [*_Editor(source).edits(wanted)]
    for edit in sorted(edits, key=lambda e: (e.start, e.end), reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    try:
        result = load(text, source.name)
    except SourceError as error:
        raise CannotEdit(f"the changed text would not be readable: {error}") from None
    if not _same(result.data, wanted):
        raise CannotEdit("the changed text would not say what it should")
    return text


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON, with 1 apart from true and from 1.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[k], other[k]) for k in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other) or one != one


class _Editor:
    def __init__(self, source: Source) -> None:
        self.source, self.text = source, source.text
        self.is_json = source.format == "json"
        self.newline = "\r\n" if "\r\n" in source.text else "\n"

    def edits(self, wanted: Any) -> Iterator[Edit]:
        """What has to change."""
        start = re.match(r"\s*", self.text)
        root = json_span(self.text, start.end() if start else 0) if self.is_json else None
        yield from self._value(root or yaml_span(self.text), self.source.data, wanted)

    def _value(self, span: Span, old: Any, new: Any) -> Iterator[Edit]:
        if old is new or _same(old, new):
            return
        if span.is_fixed:
            raise CannotEdit("an anchor or alias stands there: a change would change two places")
        if self.is_json and not span.entries:
            span = json_span(self.text, span.start)
        if span.kind == "map" and isinstance(old, dict) and isinstance(new, dict):
            yield from self._members(span, old, new)
        elif span.kind == "list" and isinstance(old, list) and isinstance(new, list):
            yield from self._items(span, old, new)
        else:
            yield self._instead(span, new)

    def _instead(self, span: Span, new: Any) -> Edit:
        """Another value in the place of one."""
        if isinstance(new, str) and span.style in ("'", '"') and not self.is_json:
            return Edit(span.start, span.end, _quoted(new, span.style))
        return Edit(span.start, span.end, self._flow(new))

    # Mappings

    def _members(self, span: Span, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Edit]:
        entries = {str(entry.key): entry for entry in span.entries}
        if len(entries) < len(span.entries) or not (old.keys() - new.keys()) <= entries.keys():
            raise CannotEdit("a key stands there twice, or comes from a merge key")
        removed = [key not in new for key in entries]
        added = {key: value for key, value in new.items() if key not in old}
        if all(removed):
            yield Edit(span.start, span.end, self._flow(new))
            return
        for entry in span.entries:
            key = str(entry.key)
            if key in new:
                yield from self._value(entry.value, old[key], new[key])
        for key in (old.keys() & new.keys()) - entries.keys():
            if not _same(old[key], new[key]):
                raise CannotEdit(f"{key[:80]!r} comes from a merge key")
        yield from self._without(span, removed)
        for key, value in added.items():
            yield self._addition(span, removed, key, value)

    # Lists

    def _items(self, span: Span, old: list[Any], new: list[Any]) -> Iterator[Edit]:
        if not new or not old or max(len(old), len(new)) > MAX_ALIGNED:
            if len(old) == len(new):
                for entry, one, other in zip(span.entries, old, new, strict=True):
                    yield from self._value(entry.value, one, other)
                return
            yield Edit(span.start, span.end, self._flow(new))
            return
        removed = [False] * len(old)
        added: list[Any] = []
        for tag, low, high, start, end in _aligned(old, new):
            if tag == "delete":
                removed[low:high] = [True] * (high - low)
            elif tag == "insert" and low == len(old):
                added = new[start:end]
            elif tag == "replace" and high - low == end - start:
                for entry, one, other in zip(
                    span.entries[low:high], old[low:high], new[start:end], strict=True
                ):
                    yield from self._value(entry.value, one, other)
            elif tag != "equal":
                yield Edit(span.start, span.end, self._flow(new))
                return
        yield from self._without(span, removed)
        for value in added:
            yield self._addition(span, removed, None, value)

    # Entries of either

    def _without(self, span: Span, removed: list[bool]) -> Iterator[Edit]:
        """Removes entries; one that stays comes before or after each."""
        entries = span.entries
        kept = [n for n, gone in enumerate(removed) if not gone]
        for first, last in _runs(removed):
            if span.is_flow:
                if last + 1 < len(entries):
                    yield Edit(entries[first].start, entries[last + 1].start, "")
                else:
                    before = max(n for n in kept if n < first)
                    yield Edit(entries[before].value.end, entries[last].value.end, "")
                continue
            start, end = self._lines(entries[first], entries[last])
            if self.text[start : entries[first].start].strip():  # after a dash: `- key: value`
                start = entries[first].start
                end = entries[last + 1].start if last + 1 < len(entries) else end
            yield Edit(start, end, "")

    def _lines(self, first: Entry, last: Entry) -> tuple[int, int]:
        """From the beginning of the line of one entry to the end of the lines of another."""
        start = self.text.rfind("\n", 0, first.start) + 1
        line_end = self.text.find("\n", last.value.end)
        return start, len(self.text) if line_end < 0 else line_end + 1

    def _addition(self, span: Span, removed: list[bool], key: str | None, value: Any) -> Edit:
        """One more entry, after the last that stays."""
        last = max(n for n, gone in enumerate(removed) if not gone)
        entry = span.entries[last]
        if span.is_flow:
            said = self._flow(value) if key is None else f"{self._key(key)}: {self._flow(value)}"
            return Edit(entry.value.end, entry.value.end, self._separator(span) + said)
        column = self._column(span.entries[0].start)
        lead = "- " if key is None else ""
        said = "" if key is None else f"{self._key(key)}:"
        lines = [" " * column + lead + said + self._block(value, column, key is not None)]
        _, end = self._lines(entry, entry)
        complete = self.text[end - 1 : end] == "\n"
        before, after = ("", self.newline) if complete else (self.newline, "")
        return Edit(end, end, before + self.newline.join(lines) + after)

    def _separator(self, span: Span) -> str:
        """What stands between two entries, with the line break and indentation there is."""
        start = span.entries[-1].start
        space = self.text[len(self.text[:start].rstrip()) : start]
        if len(span.entries) == 1 and "\n" not in space:
            return ", "
        return f",{space}" if space or len(span.entries) > 1 else ", "

    def _column(self, offset: int) -> int:
        return offset - (self.text.rfind("\n", 0, offset) + 1)

    # Values as text

    def _block(self, value: Any, column: int, after_key: bool) -> str:
        """A value of a block mapping or list; a simple one on the same line."""
        space = " " if after_key else ""
        if not isinstance(value, dict | list) or not value:
            return space + self._scalar(value)
        inner = " " * (column + 2)
        lines = []
        if isinstance(value, dict):
            for key, each in value.items():
                lines.append(f"{self._key(key)}:" + self._block(each, column + 2, True))
        else:
            lines = [f"- {self._block(each, column + 2, False)}" for each in value]
        if after_key:
            return self.newline + self.newline.join(inner + line for line in lines)
        return (self.newline + inner).join(lines)

    def _flow(self, value: Any) -> str:
        """A value on one line: JSON, or flow style of YAML."""
        if self.is_json:
            return json.dumps(value, ensure_ascii=False)
        if isinstance(value, dict) and value:
            return (
                "{" + ", ".join(f"{self._key(k)}: {self._flow(v)}" for k, v in value.items()) + "}"
            )
        if isinstance(value, list) and value:
            return "[" + ", ".join(map(self._flow, value)) + "]"
        return self._scalar(value)

    def _key(self, key: str) -> str:
        return json.dumps(key, ensure_ascii=False) if self.is_json else self._scalar(key)

    def _scalar(self, value: Any) -> str:
        if isinstance(value, str) and not self.is_json:
            return value if _is_plain(value) else _quoted(value, "'")
        return json.dumps(value, ensure_ascii=False)


def _aligned(old: list[Any], new: list[Any]) -> list[tuple[str, int, int, int, int]]:
    """How one list becomes the other."""
    keys = [[json.dumps(each, sort_keys=True) for each in items] for items in (old, new)]
    return [*SequenceMatcher(None, keys[0], keys[1], autojunk=False).get_opcodes()]


def _runs(removed: list[bool]) -> Iterator[tuple[int, int]]:
    """First and last of each run of neighbours."""
    first = None
    for n, gone in enumerate([*removed, False]):
        if gone and first is None:
            first = n
        elif not gone and first is not None:
            yield first, n - 1
            first = None


_PLAIN: Final = re.compile(r"[A-Za-z_/][A-Za-z0-9_ ./+-]*(?<! )\Z")


def _is_plain(text: str) -> bool:
    """Whether a string needs no quotes, for YAML 1.1 and 1.2."""
    return bool(_PLAIN.match(text)) and core_scalar(text) == text and not yaml_11_kind(text)


def _quoted(text: str, quote: str) -> str:
    if quote == "'" and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return json.dumps(text, ensure_ascii=False)
