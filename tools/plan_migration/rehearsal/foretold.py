"""What the table of operations foretold of a step against what a rehearsal saw of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from ...engines.locks import strongest
from ..model import Lock
from ..operations.effects import Measured
from .evidence import Mismatch, StepSeen


def mismatches(foretold: Measured, seen: StepSeen, filled: Collection[str]) -> Iterator[Mismatch]:
    """Where they differ.

    What had to be supposed is the worst that may be: then only what is beyond it counts. Locks are
    the same whether rows are there or not, but for what no row needed. Reading is
    seen of tables `filled` with rows only, and a join of few rows may not read all of the other.
    """
    effects, supposed = foretold.effects, bool(foretold.notes)
    expected, held = _modes(effects.locks), _modes(seen.locks)
    for table in sorted(expected.keys() | held.keys()):
        one, other = expected.get(table, ()), held.get(table, ())
        unused = table in foretold.routed and not other
        if one != other and not (unused or (supposed and strongest((*one, *other)) == one)):
            yield Mismatch(seen.id, "lock", table, _shown(one), _shown(other))
    rewrites, written = set(effects.rewrites), set(seen.rewrites)
    yield from _apart(seen.id, "rewrite", rewrites & written if supposed else rewrites, written)
    read = set(seen.scans)
    sure = set() if supposed else set(filled) - set(foretold.joined)
    read -= set(foretold.joined) - set(effects.scans)
    yield from _apart(seen.id, "scan", {t for t in effects.scans if t in read or t in sure}, read)


def _modes(locks: Iterable[Lock]) -> dict[str, tuple[str, ...]]:
    modes: dict[str, list[str]] = {}
    for lock in locks:
        modes.setdefault(lock.table, []).append(lock.mode)
    return {table: strongest(each) for table, each in modes.items()}


def _shown(modes: tuple[str, ...]) -> str:
    return ", ".join(modes) or "none"


def _apart(step: str, effect: str, foretold: set[str], seen: set[str]) -> Iterator[Mismatch]:
    for table in sorted(foretold ^ seen):
        one, other = ("yes" if table in tables else "no" for tables in (foretold, seen))
        yield Mismatch(step, effect, table, one, other)
