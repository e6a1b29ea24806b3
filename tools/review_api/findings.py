"""From hits to findings: positions, fingerprints, the operations affected."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from hashlib import blake2b
from typing import Any

from ..judge import finding
from ..openapi.api import Api
from ..openapi.document import Unit
from ..policy import Policy
from ..report import Finding, Location, clean
from ..rule import Hit, Place, Rule
from ..source import pointer

MAX_POINTER = 2_000  # characters that are shown; a patch needs all


def findings_of(hits: list[tuple[Rule, Hit]], api: Api, policy: Policy) -> list[Finding]:
    """The findings, each at its line and column; a fault seen twice at one place counts once."""
    locations = _locations([place for _, hit in hits for place in (hit.at, *hit.related)], api)
    seen: Counter[bytes] = Counter()
    findings: dict[tuple[Any, ...], Finding] = {}
    # By message, so that the fingerprints of one place do not depend on the order of the hits.
    for rule, hit in sorted(hits, key=lambda found: found[1].message):
        at = locations[hit.at]
        unit = _unit(hit.at, api)
        key = (rule.id, at.file, at.line, at.column, hit.message)
        if key in findings:
            continue
        if len(at.pointer) >= MAX_POINTER:
            hit = replace(hit, patch=())
        findings[key] = finding(
            rule,
            hit,
            at,
            _fingerprint(rule, hit, api, seen),
            policy,
            related=tuple(locations[place] for place in hit.related),
            affects=api.operations_using(unit) if unit else (),
        )
    return list(findings.values())


def _locations(places: list[Place], api: Api) -> dict[Place, Location]:
    by_file: dict[str, list[Place]] = {}
    for place in places:
        by_file.setdefault(place.file, []).append(place)
    found = {}
    for file, here in by_file.items():
        source = api.description.sources[file]
        by_path = source.locate({place.path for place in here if place.offset is None})
        by_offset = source.positions(place.offset for place in here if place.offset is not None)
        for place in here:
            at = by_path[place.path] if place.offset is None else by_offset[place.offset]
            shown = clean(pointer(place.path), MAX_POINTER)
            found[place] = Location(file, at.line, at.column, shown)
    return found


def _unit(place: Place, api: Api) -> Unit | None:
    """The component or operation that a place belongs to."""
    value = api.description.sources[place.file].data
    node = api.description.node_at(value)
    for step in place.path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            break
        if isinstance(value, dict):
            node = api.description.node_at(value) or node
    return node.unit if node else None


def _fingerprint(rule: Rule, hit: Hit, api: Api, seen: Counter[bytes]) -> str:
    """Rule and place, the place by names: a list item by what identifies it, not by its index."""
    value = api.description.sources[hit.at.file].data
    steps = [rule.id, "" if hit.at.file == api.description.root.name else hit.at.file]
    for step in hit.at.path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            value = None
        steps.append(step if isinstance(step, str) else _identity(value, step))
    digest = blake2b("\0".join(steps).encode("utf-8", "replace"), digest_size=8)
    seen[digest.digest()] += 1
    if seen[digest.digest()] > 1:
        digest.update(b"\0%d" % seen[digest.digest()])
    return digest.hexdigest()


def _identity(item: Any, index: int) -> str:
    if isinstance(item, dict):
        for keys in (("name", "in"), ("$ref",), ("name",), ("url",), ("title",)):
            if all(isinstance(item.get(key), str) for key in keys):
                return "[" + " ".join(item[key] for key in keys) + "]"
    elif isinstance(item, str):
        return f"[{item}]"
    return f"[{index}]"
