"""Ignores written in the document, where the fault is: `x-backend-architect-ignore`.

x-backend-architect-ignore:
  - rule: api/collection-unpaginated
    reason: a fixed list of 249 entries
    expires: 2027-06-30                    # optional

An ignore covers the findings of one rule at the object it stands in, and below.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from ..openapi.api import Api
from ..openapi.document import Node
from ..report import Finding, clean, quoted
from ..rule import Place
from ..source import pointer
from .findings import MAX_POINTER

KEY = "x-backend-architect-ignore"
_MEMBERS = ("rule", "reason", "expires")


@dataclass(frozen=True, slots=True)
class Entry:
    """One ignore at a place; a `problem` says why it has no effect."""

    at: Place
    rule: str = ""
    expires: date | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Ignores:
    """The ignores of a document that have an effect: file, pointer and rule, with the expiry."""

    by_place: Mapping[tuple[str, str, str], date | None]

    def kept(self, findings: Iterable[Finding], as_of: date | None) -> list[Finding]:
        """The findings that none covers; an expiry is judged only against a given date."""
        if not self.by_place:
            return list(findings)
        return [each for each in findings if not self._covers(each, as_of)]

    def _covers(self, finding: Finding, as_of: date | None) -> bool:
        above = finding.location.pointer
        while True:
            key = (finding.location.file, above, finding.rule)
            if key in self.by_place:
                expires = self.by_place[key]
                if expires is None or as_of is None or as_of <= expires:
                    return True
            if not above:
                return False
            above = above.rpartition("/")[0]

    def notes(self, as_of: date | None) -> tuple[str, ...]:
        """What the reader should know of expiry."""
        dates = [expires for expires in self.by_place.values() if expires]
        if not dates:
            return ()
        if as_of is None:
            return (f"`{KEY}` has expiry dates, not judged: no `as_of` date was given.",)
        gone = sum(as_of > expires for expires in dates)
        return (f"{gone} of `{KEY}` {'have' if gone > 1 else 'has'} expired.",) * bool(gone)


def ignores(api: Api) -> Ignores:
    """The ignores of a document that have an effect."""
    return Ignores(
        {
            (each.at.file, clean(pointer(each.at.path[:-2]), MAX_POINTER), each.rule): each.expires
            for each in entries(api)
            if not each.problem
        }
    )


def entries(api: Api) -> Iterator[Entry]:
    """Every ignore of a document, those that have no effect included."""
    if not any(KEY in source.text for source in api.description.sources.values()):
        return
    for nodes in api.description.nodes.values():
        for node in nodes:
            if isinstance(node.value, dict) and KEY in node.value:
                yield from _of(node, node.value[KEY])


def _of(node: Node, written: Any) -> Iterator[Entry]:
    if not isinstance(written, list):
        problem = f"{quoted(KEY)} is a list of entries with `rule` and `reason`"
        yield Entry(node.place(KEY), problem=problem)
        return
    for index, entry in enumerate(written):
        yield _entry(node.place(KEY, index), entry)


def _entry(at: Place, entry: Any) -> Entry:
    if not isinstance(entry, dict):
        return Entry(at, problem="an ignore is a mapping with `rule` and `reason`")
    for key in entry:
        if key not in _MEMBERS:
            return Entry(at, problem=f"an ignore has no {quoted(key)}, but {', '.join(_MEMBERS)}")
    for key in ("rule", "reason"):
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            return Entry(at, problem=f"an ignore needs a `{key}`, which is a text")
    expires = entry.get("expires")
    try:
        until = None if expires is None else date.fromisoformat(expires)
    except (TypeError, ValueError):
        return Entry(at, problem="`expires` is a date: 2027-06-30")
    return Entry(at, entry["rule"], until)
