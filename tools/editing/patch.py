"""JSON Patch (RFC 6902) on plain data: `add`, `remove` and `replace`, without changing the input.

Patches of independent findings are all written against the same document, so `applied` brings them
in an order in which none moves what another names: items of lists are removed from the last to the
first, after everything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from ..source import Path

Operation: TypeAlias = Mapping[str, Any]


class CannotPatch(ValueError):
    """An operation that does not fit the document; the message says why."""


def steps_of(pointer: str) -> tuple[str, ...]:
    """The steps of a JSON Pointer (RFC 6901). Raises `CannotPatch`."""
    if pointer and not pointer.startswith("/"):
        raise CannotPatch(f"{pointer[:80]!r} is no JSON Pointer")
    return tuple(s.replace("~1", "/").replace("~0", "~") for s in pointer.split("/")[1:])


def ordered(operations: Iterable[Operation]) -> list[Operation]:
    """The operations in an order in which they may be applied one after the other."""
    several = list(operations)
    removals = [each for each in several if each["op"] == "remove"]
    removals.sort(key=lambda each: _descending(each["path"]))
    return [each for each in several if each["op"] != "remove"] + removals


def _descending(pointer: str) -> list[tuple[int, str]]:
    return [(-int(s) if s.isdecimal() else 0, s) for s in steps_of(pointer)]


def applied(data: Any, operations: Iterable[Operation]) -> Any:
    """The data with the operations applied; what they do not touch is shared with the input.

    Raises `CannotPatch`: a place that is not there, or that another of the operations removed.
    """
    own: set[int] = set()
    root = [data]
    for each in ordered(operations):
        _apply(root, each, own)
    return root[0]


def _apply(root: list[Any], operation: Operation, own: set[int]) -> None:
    op, steps = operation["op"], steps_of(operation["path"])
    around: Any = root
    last: str | int = 0
    for step in steps:
        around[last] = _owned(around[last], own)
        around = around[last]
        last = _key(around, step)
        if step is not steps[-1] and not _has(around, last):
            raise CannotPatch(f"there is no {operation['path']}")
    if op == "add":
        if isinstance(around, list) and around is not root:
            if not isinstance(last, int) or last > len(around):
                raise CannotPatch(f"{operation['path']} is no place for an item")
            around.insert(last, operation["value"])
        else:
            around[last] = operation["value"]
        return
    if not _has(around, last):
        raise CannotPatch(f"there is no {operation['path']}")
    if op == "replace":
        around[last] = operation["value"]
    elif op == "remove":
        del around[last]
    else:
        raise CannotPatch(f"{str(op)[:20]!r} is not supported")


def _owned(value: Any, own: set[int]) -> Any:
    """The container itself if it is a copy of ours already, else a copy."""
    if id(value) in own:
        return value
    if isinstance(value, dict | list):
        value = value.copy()
        own.add(id(value))
        return value
    raise CannotPatch("a place lies in what is no object and no list")


def _key(container: Any, step: str) -> str | int:
    if not isinstance(container, list):
        return step
    if step == "-":
        return len(container)
    if not step.isdecimal() or len(step) > 9:
        raise CannotPatch(f"{step[:40]!r} is no index of a list")
    return int(step)


def _has(container: Any, key: str | int) -> bool:
    if isinstance(container, dict):
        return key in container
    return isinstance(key, int) and key < len(container)


def value_at(data: Any, path: Path) -> Any:
    """What stands at a path. Raises `KeyError`, `IndexError` or `TypeError`."""
    for step in path:
        data = data[step]
    return data


def touched(operations: Sequence[Operation]) -> tuple[str, ...]:
    """The pointers that operations name."""
    return tuple(each["path"] for each in operations)
