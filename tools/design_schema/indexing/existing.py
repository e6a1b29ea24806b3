"""Indexes that a design has for other reasons than its access patterns, beside those it gets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from ...ddl.model import Dialect, Index, Table
from ..decision import Decision
from ..physical.blueprint import Blueprint
from ..physical.partitions import settled
from .candidates import Proposed
from .extended import with_indexes
from .model import KeptIndex, Serves, described

_INDEXES: Final = "https://use-the-index-luke.com/sql/where-clause"


def apart(of: Mapping[str, Proposed], names: Iterable[str]) -> frozenset[str]:
    """Without those with which another one begins, for all rows."""
    found = sorted(names)
    return frozenset(
        name
        for name in found
        if not any(other != name and _replaces(of[other], of[name]) for other in found)
    )


def _replaces(other: Proposed, one: Proposed) -> bool:
    """Whether one is the beginning of the other; of two alike the first by name stays."""
    alike = _begins(one, other) and one.index.name < other.index.name
    return _begins(other, one) and not alike


def _begins(longer: Proposed, shorter: Proposed) -> bool:
    same = longer.relation == shorter.relation and longer.index.where == shorter.index.where
    return same and _is_prefix(shorter.index, longer.index)


def _is_prefix(shorter: Index, longer: Index) -> bool:
    if {shorter.method, longer.method} != {"btree"} or shorter.unique:
        return False
    if not set(shorter.include) <= {*longer.include, *(str(p.expression) for p in longer.parts)}:
        return False
    parts = [(str(p.expression), p.descending) for p in shorter.parts]
    return parts == [(str(p.expression), p.descending) for p in longer.parts[: len(parts)]]


def covered(blueprint: Blueprint, chosen: Sequence[Proposed]) -> tuple[str, ...]:
    """The indexes of the design with which a chosen one begins."""
    return tuple(
        name
        for table in blueprint.schema.tables.values()
        for name, index in table.indexes.items()
        if index.where is None
        and any(
            each.relation == table.name.name
            and each.index.where is None
            and _is_prefix(index, each.index)
            for each in chosen
        )
    )


def there(
    blueprint: Blueprint, gone: Sequence[str], uses: Mapping[str, Sequence[Serves]]
) -> Iterator[KeptIndex]:
    """The indexes that the design had, with what they are for."""
    for table in blueprint.schema.tables.values():
        if table.partition_of is None:
            for name, index in table.indexes.items():
                if name not in gone:
                    why = _why(table, index)
                    serves = tuple(uses.get(name, ()))
                    yield KeptIndex(table.name.name, name, described(index), serves, why)


def _why(table: Table, index: Index) -> str:
    if index.unique:
        return "no two rows have it alike"
    keys = sorted(table.foreign_keys.values(), key=lambda key: -len(key.columns))
    for key in keys:
        if index.columns[: len(key.columns)] == key.columns:
            return f"finds what refers to a row of {key.table.name} when that is changed or deleted"
    return "a job, or the history, reads by it"


def finished(
    blueprint: Blueprint, chosen: Sequence[Proposed], gone: Sequence[str], kept: list[KeptIndex]
) -> Blueprint:
    """The design with the chosen indexes, without those that are gone."""
    serves = {each.name: [use.pattern for use in each.serves] for each in kept}
    said = [_commented(blueprint, each, serves.get(each.index.name, [])) for each in chosen]
    names = {each.index.name for each in chosen}
    decisions = [_decided(each) for each in kept if each.name in names]
    made = with_indexes(blueprint, said).with_tables((), decisions)
    tables = [
        replace(table, indexes={n: i for n, i in table.indexes.items() if n not in gone})
        for table in made.schema.tables.values()
        if any(name in gone for name in table.indexes)
    ]
    return settled(made.with_tables(tables)) if tables else made


def _decided(each: KeptIndex) -> Decision:
    reasons = [
        f"{use.pattern} costs {use.cost:,.0f} with it and {use.without:,.0f} without"
        if use.cost is not None and use.without is not None
        else f"for {use.pattern}"
        for use in each.serves
    ]
    about = f"/tables/{each.table}/indexes/{each.name}"
    return Decision(about, f"index {each.definition}", "; ".join(reasons), _INDEXES)


def _commented(blueprint: Blueprint, each: Proposed, serves: Sequence[str]) -> Proposed:
    if blueprint.dialect is not Dialect.POSTGRES or not serves:
        return each
    comment = f"For {', '.join(serves)}"
    return replace(each, index=replace(each.index, comment=comment))
