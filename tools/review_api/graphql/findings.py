"""From hits to findings: positions in the SDL, fingerprints by the part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

from ...judge import Hits, finding
from ...policy import Policy
from ...report import Finding, Location, clean
from ...rule import Place
from ...source import pointer, positions

MAX_POINTER: Final = 300


def findings_of(hits: Hits, texts: Mapping[str, str], policy: Policy) -> list[Finding]:
    """The findings, each at its line and column; a fault seen twice at one place counts once."""
    at = _locations({place for _, hit in hits for place in (hit.at, *hit.related)}, texts)
    seen: Counter[str] = Counter()
    found: dict[tuple[str, Location, str], Finding] = {}
    for rule, hit in sorted(hits, key=lambda each: each[1].message):
        key = (rule.id, at[hit.at], hit.message)
        if key in found:
            continue
        named = f"{rule.id}\0" + "\0".join(map(str, hit.at.path))
        seen[named] += 1
        digest = blake2b(f"{named}\0{seen[named]}".encode("utf-8", "replace"), digest_size=8)
        related = tuple(at[place] for place in hit.related)
        found[key] = finding(rule, hit, at[hit.at], digest.hexdigest(), policy, related)
    return list(found.values())


def _locations(places: set[Place], texts: Mapping[str, str]) -> dict[Place, Location]:
    offsets: dict[str, set[int]] = {}
    for place in places:
        offsets.setdefault(place.file, set()).add(place.offset or 0)
    found = {file: positions(texts.get(file, ""), here) for file, here in offsets.items()}
    return {
        place: Location(
            place.file,
            *found[place.file][place.offset or 0],
            clean(pointer(place.path), MAX_POINTER),
        )
        for place in places
    }
