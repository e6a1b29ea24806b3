"""A change of a document as an OpenAPI Overlay (https://spec.openapis.org/overlay/v1.0.0.html)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..source import Path

VERSION = "1.0.0"
Action = dict[str, Any]


def overlay(title: str, extends: str, before: Any, after: Any) -> dict[str, Any]:
    """The overlay that turns one document into the other; both are mappings.

    `update` merges objects and appends to lists, so what is put in place of another value of the
    same kind is removed first.
    """
    return {
        "overlay": VERSION,
        "info": {"title": title, "version": "1.0.0"},
        "extends": extends,
        "actions": [*_changes((), before, after)],
    }


def _changes(at: Path, before: dict[str, Any], after: dict[str, Any]) -> Iterator[Action]:
    """Actions on a mapping and on what is in it."""
    update: dict[str, Any] = {}
    for key in before:
        if key not in after:
            yield _removal((*at, key))
    for key, value in after.items():
        here = (*at, key)
        if key not in before:
            update[key] = value
        elif isinstance(old := before[key], dict) and isinstance(value, dict):
            yield from _changes(here, old, value)
        elif isinstance(old, list) and isinstance(value, list):
            if not _same(old, value):
                yield from _of_list(here, old, value)
        elif not _same(old, value):
            if isinstance(old, dict | list) or isinstance(value, dict | list):
                yield _removal(here)
            update[key] = value
    if update:
        yield {"target": jsonpath(at), "update": update}


def _of_list(at: Path, before: list[Any], after: list[Any]) -> Iterator[Action]:
    if len(before) == len(after) and all(map(_alike, before, after)):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            if isinstance(old, dict):
                yield from _changes((*at, index), old, new)
            elif isinstance(old, list) and not _same(old, new):
                yield from _of_list((*at, index), old, new)
        return
    kept, gone = 0, []
    for index, item in enumerate(before):
        if kept < len(after) and _same(item, after[kept]):
            kept += 1
        else:
            gone.append(index)
    for index in reversed(gone):
        yield _removal((*at, index))
    for item in after[kept:]:
        yield {"target": jsonpath(at), "update": item}


def _alike(old: Any, new: Any) -> bool:
    """Whether one becomes the other by changes inside of it, if any."""
    if isinstance(old, dict | list):
        return type(old) is type(new)
    return _same(old, new)


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: true is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and bool(one == other)


def _removal(at: Path) -> Action:
    return {"target": jsonpath(at), "remove": True}


def jsonpath(at: Path) -> str:
    """The normalized path of a place (RFC 9535, section 2.7)."""
    return "$" + "".join(
        f"[{step}]" if isinstance(step, int) else f"['{_escaped(step)}']" for step in at
    )


def _escaped(name: str) -> str:
    return "".join(_ESCAPES.get(char) or _control(char) for char in name)


_ESCAPES = {
    "'": "\\'", "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"
}  # fmt: skip


def _control(char: str) -> str:
    return f"\\u{ord(char):04x}" if char < " " else char
