"""Where facts are: the line and column of places in the artefacts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..report import Location, clean
from ..rule import Place
from ..source import Source, load, pointer, positions

MAX_POINTER = 500


def locations(
    places: Iterable[Place], sources: Mapping[str, Source], texts: Mapping[str, str]
) -> dict[Place, Location]:
    """Each place at its line; `sources` are located by path, `texts` (SQL) by offset."""
    by_file: dict[str, set[Place]] = {}
    for place in places:
        by_file.setdefault(place.file, set()).add(place)
    found = {}
    for file, here in by_file.items():
        if file not in sources and any(place.offset is None for place in here):
            sources = {**sources, file: load(texts.get(file, ""), file)}
        by_path, by_offset = {}, {}
        if file in sources:
            by_path = sources[file].locate({p.path for p in here if p.offset is None})
        offsets = {p.offset for p in here if p.offset is not None}
        if offsets:
            text = sources[file].text if file in sources else texts.get(file, "")
            by_offset = positions(text, offsets)
        for place in here:
            at = by_offset.get(place.offset) if place.offset is not None else None
            at = at or by_path.get(place.path)
            if at is not None:
                shown = clean(pointer(place.path), MAX_POINTER)
                found[place] = Location(file, at.line, at.column, shown)
    return found
