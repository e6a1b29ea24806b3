"""Indexes by rules, where no planner can be asked: one for each pattern that has none that fits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ...ddl.model import Dialect, Index, Table
from ..physical.blueprint import Blueprint
from .candidates import Proposed, candidates
from .existing import apart, covered, finished, there
from .imagined import Imagined
from .model import Indexed, KeptIndex, Planned, RejectedIndex, Serves, described
from .statements import Statement, statements

FEW: Final = 1_000  # rows that are read as fast without an index
PARTIAL: Final = 0.2  # share of the rows below which an index leaves out the others


def by_rules(blueprint: Blueprint, why: str = "") -> Indexed:
    """Equality first, then the order or a range; a condition that is always asked as a predicate.

    `why` says why no planner was asked.
    """
    model = Imagined(blueprint)
    asked = statements(blueprint)
    proposals = candidates(blueprint, asked, model)
    wanted: dict[str, list[str]] = {}
    for each in asked:
        if best := _best(blueprint, each, proposals, model):
            wanted.setdefault(best.index.name, []).append(each.pattern.name)
    of = {each.index.name: each for each in proposals}
    names = apart(of, wanted)
    chosen = [of[name] for name in sorted(names)]
    gone = covered(blueprint, chosen)
    kept = [
        KeptIndex(
            each.relation,
            each.index.name,
            described(each.index),
            tuple(Serves(name) for name in wanted[each.index.name]),
        )
        for each in chosen
    ]
    rejected = [
        RejectedIndex(each.relation, described(each.index), _NOT_NEEDED)
        for each in proposals
        if each.index.name not in names
    ]
    plans = tuple(Planned(each.pattern.name, each.sql) for each in asked)
    notes: tuple[str, ...] = (
        f"Indexes were chosen by rules, not by a planner{f': {why}' if why else ''}.",
    )
    served = {name for names in wanted.values() for name in names}
    notes += tuple(_without_index(blueprint, [e for e in asked if e.pattern.name not in served]))
    made = finished(blueprint, chosen, gone, kept)
    kept += there(blueprint, gone, {})
    return Indexed(made, tuple(kept), tuple(rejected), plans, notes=notes)


def _without_index(blueprint: Blueprint, asked: Sequence[Statement]) -> Iterator[str]:
    """What looks for parts of texts or lists, for which an engine may have no index."""
    names = [
        each.pattern.name
        for each in asked
        if any(f.operator in ("contains", "matches") for f in each.pattern.filters)
    ]
    if names:
        listed = ", ".join(names)
        yield f"No plain index finds parts of a text or of a list: {listed} read all rows."
        yield _BESIDE[blueprint.dialect]


_BESIDE: Final = {
    Dialect.POSTGRES: "A GIN index would find them, if a planner could be asked whether it pays.",
    Dialect.MYSQL: "A FULLTEXT index finds words, where the query says MATCH … AGAINST.",
    Dialect.MARIADB: "A FULLTEXT index finds words, where the query says MATCH … AGAINST.",
    Dialect.SQLITE: "An FTS5 table beside the text, or a table of the list's items, finds them"
    " (https://www.sqlite.org/fts5.html).",
}
_NOT_NEEDED: Final = "a key or another index finds the rows of its patterns"


def _best(
    blueprint: Blueprint, statement: Statement, proposals: Sequence[Proposed], model: Imagined
) -> Proposed | None:
    """The index that finds a statement's rows with the most of its conditions; None: no need."""
    relation = blueprint.logical.relations[statement.relation]
    if model.rows(relation) < FEW or statement.pattern.kind == "insert":
        return None
    own = [c for c in statement.conditions if c.place.relation == relation.name]
    equal = {c.place.name for c in own if c.is_equality}
    if not any(not c.is_tenant and c.operator != "is null" for c in own) and not statement.sort:
        return None
    table = blueprint.table(relation.name)
    ordered = [each.place.name for each in statement.sort if each.place.name not in equal]
    if not any(c.is_range for c in own) and _is_found(table, equal, ordered):
        return None
    own_proposals = [
        p for p in proposals if statement.pattern.name in p.patterns and p.relation == relation.name
    ]
    if any(_is_unique(table, p.index) for p in own_proposals):
        return None
    fitting = [
        p
        for p in own_proposals
        if not p.index.include
        and (p.share <= PARTIAL or p.index.where is None)
        and p.index.method != "brin"
    ]
    return max(fitting, key=lambda p: (p.index.method != "btree", p.share <= PARTIAL,
               len(p.columns), p.index.name), default=None)  # fmt: skip


def _is_unique(table: Table, index: Index) -> bool:
    """Whether the index begins with a unique one of the same condition, which does as well."""
    return any(
        other.unique
        and (other.method, other.where) == (index.method, index.where)
        and other.parts == index.parts[: len(other.parts)]
        for other in table.indexes.values()
    )


def _is_found(table: Table, equal: set[str], ordered: list[str]) -> bool:
    """Whether a key or index finds the rows: one of them at most, or in the order asked for."""
    if any(set(columns) <= equal for columns in table.unique_sets()):
        return True
    sets = [key.columns for key in table.keys.values()]
    sets += [index.columns for index in table.indexes.values() if index.where is None]
    return any(
        set(columns[: len(equal)]) == equal
        and list(columns[len(equal) : len(equal) + len(ordered)]) == ordered
        for columns in sets
    )
