"""Texts of a document in a view: bounded, with nothing hidden, plain data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...openapi.api import Api, Operation
from ...report import clean
from ...source import pointer


def text(value: object, limit: int = 200) -> str:
    """Text of a document, safe to show."""
    return clean(str(value), limit)


def texts(values: Iterable[object], limit: int = 100) -> list[str]:
    """Texts of a document, safe to show."""
    return [text(value, limit) for value in values]


def operations(api: Api, below: str) -> Iterator[Operation]:
    """The operations at or below a pointer, in the order of the document; all, if it is empty."""
    start = below.rstrip("/") + "/"
    for operation in api.operations:
        if f"{pointer(operation.node.path)}/".startswith(start):
            yield operation
