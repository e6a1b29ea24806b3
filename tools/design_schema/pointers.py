"""Pointers of objects, as findings have them: `/tables/orders/columns/id`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from ..ddl.model import Schema
from ..report import clean, quoted
from ..source import pointer

MAX_POINTER = 500  # characters
MOST = 8  # names in a message


class NoSuchObject(ValueError):
    """A pointer names no object of the schema; the message says which is nearest."""


def check_pointer(schema: Schema, text: str) -> None:
    """Raises `NoSuchObject` unless a pointer names an object, or all of a kind (`/tables`)."""
    text = text.rstrip("/")
    if not text or text.startswith(_OF_TEXTS):
        return
    if text[0] != "/":
        raise NoSuchObject(
            f"{quoted(text)} is no JSON pointer; it starts with `/`: `/tables/orders/columns/id`"
        )
    known = {clean(pointer(path), MAX_POINTER) for path in _paths(schema)}
    if text in known:
        return
    parent, _, step = text.rpartition("/")
    while parent and parent not in known:
        parent, _, step = parent.rpartition("/")
    inside = sorted(
        name for above, _, name in (each.rpartition("/") for each in known) if above == parent
    )
    near = get_close_matches(step[:100], inside, n=1, cutoff=0.5)
    shown = [quoted(f"{parent}/{name}", 200) for name in near or inside[:MOST]]
    if near:
        hint = f"did you mean {shown[0]}?"
    else:
        more = f" and {len(inside) - MOST:,} more" if len(inside) > MOST else ""
        hint = f"there is {', '.join(shown)}{more}" if shown else "it holds nothing else"
    raise NoSuchObject(f"{quoted(text, 200)} names no object of the schema; {hint}")


# What lies there goes by its own words: every pointer there may be one.
_OF_TEXTS = ("/queries", "/statements", "/database")


def _paths(schema: Schema) -> Iterator[tuple[str, ...]]:
    """The path of every object, and of every kind of which there are some."""
    for kind in _OBJECTS:
        for name, found in getattr(schema, kind).items():
            yield (kind,)
            yield kind, str(name)
            for parts in _PARTS:
                held = getattr(found, parts, None)
                for part in held.values() if isinstance(held, Mapping) else ():
                    own = part.name or ", ".join(getattr(part, "columns", ()))
                    yield kind, str(name), parts
                    yield kind, str(name), parts, own
            for check in found.checks.values() if kind == "domains" else ():
                yield kind, str(name), check.name
    for _, name in schema.opaque:
        yield ("objects",)
        yield "objects", name


_OBJECTS = ("tables", "views", "functions", "sequences", "enums", "domains", "extensions")
_PARTS = (
    "columns",
    "keys",
    "foreign_keys",
    "checks",
    "exclusions",
    "indexes",
    "policies",
    "triggers",
    "rules",
)
