"""Children that must be there when a transaction ends: one at least, or those that balance."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias

from ..domain.model import Balance, children
from ..logical.model import Logical, Reference, Relation
from .shape import Row
from .values import Value

MAX_ROWS: Final = 200
BALANCING: Final = 5_000  # number of the first row that is made to balance others

Child: TypeAlias = Callable[[str, int, int, Mapping[str, Value]], Row]


@dataclass(frozen=True, slots=True)
class _Demand:
    """What rows of a relation want of their children."""

    source: Relation
    reference: Reference
    balance: Balance | None = None


class Family:
    """Makes the children that rows lack."""

    def __init__(self, logical: Logical, child: Child) -> None:
        self._child = child
        self._demands: dict[str, list[_Demand]] = {}
        for source in logical.relations.values():
            for reference in source.references:
                target = logical.relations[reference.target]
                balances = [
                    each
                    for each in target.invariants
                    if isinstance(each, Balance)
                    and children(logical.domain, target.entity, each.children)
                    is reference.relationship
                ]
                if reference.at_least_one:
                    self._add(_Demand(source, reference))
                for balance in balances:
                    self._add(_Demand(source, reference, balance))

    def _add(self, demand: _Demand) -> None:
        self._demands.setdefault(demand.reference.target, []).append(demand)

    def missing(self, rows: Sequence[Row]) -> Iterator[Row]:
        """Rows without which those that are there would not pass at the end, parents first."""
        if not self._demands:
            return
        there = list(rows)
        place = 0
        while place < len(there) and len(there) < MAX_ROWS:
            row = there[place]
            place += 1
            for demand in self._demands.get(row.relation.name, ()):
                made = self._made(demand, row, there)
                for each in _with_parents(made) if made else ():
                    if not any(each.is_like(other) for other in there):
                        there.append(each)
                        yield each

    def _made(self, demand: _Demand, row: Row, there: Sequence[Row]) -> Row | None:
        fields, theirs = demand.reference.fields, demand.reference.target_fields
        key = {mine: row.values.get(name) for mine, name in zip(fields, theirs, strict=True)}
        found = [
            each
            for each in there
            if each.relation.name == demand.source.name
            and all(each.values.get(column) == value for column, value in key.items())
        ]
        if demand.balance is None:
            if found:
                return None
            return self._child(demand.source.name, row.number, row.tenant, key)
        lacking = _lacking(demand.balance, row, found)
        if not lacking:
            return None
        number = BALANCING + row.number
        fixed = {**key, demand.balance.sum_of: lacking}
        return self._child(demand.source.name, number, row.tenant, fixed)


def _lacking(balance: Balance, row: Row, found: Sequence[Row]) -> Decimal:
    """What another child has to bring."""
    total = sum((_number(child.values.get(balance.sum_of)) for child in found), Decimal(0))
    wanted = balance.to if isinstance(balance.to, int) else row.values.get(balance.to)
    lacking = _number(wanted) - total
    is_met = {"=": lacking == 0, "<=": lacking >= 0, ">=": lacking <= 0}[balance.is_]
    return Decimal(0) if is_met else lacking


def _number(value: Value) -> Decimal:
    return Decimal(value) if isinstance(value, int | Decimal) else Decimal(0)


def _with_parents(row: Row) -> Iterator[Row]:
    for parent in row.parents.values():
        yield from _with_parents(parent)
    yield row
