"""How large an index will be, and what writes cost more with it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from ...postgres.statistics import (
    PAGE,
    ColumnStatistics,
    IndexStatistics,
    TableStatistics,
    btree,
)
from ..domain.model import AccessPattern, Domain
from ..logical.model import Relation
from .candidates import Proposed
from .statements import Statement

MONTH: Final = 30 * 24 * 3600  # seconds
WRITE: Final = 2.0  # planner cost of an entry: half a random page, since upper levels are in memory
WORDS: Final = 10  # entries of an inverted index for one row
KEEP: Final = 1e-4  # planner cost of a page in a second: memory that others do not have
_RANGE: Final = 128  # pages that an entry of a block range index stands for
_USUAL: Final = ColumnStatistics(32)


def size(proposed: Proposed, table: TableStatistics) -> IndexStatistics:
    """Rows and pages of an index on a table of such statistics."""
    rows = table.rows * proposed.share
    columns = [_column(name, table.columns) for name in proposed.columns]
    widths = [each.width for each in columns]
    index = proposed.index
    if index.method == "brin":
        return IndexStatistics(table.rows, 3 + math.ceil(table.pages / _RANGE * 24 / PAGE))
    if index.method in ("gin", "fulltext"):
        return IndexStatistics(rows, 2 + math.ceil(rows * sum(widths) * 1.5 / PAGE))
    if index.method == "gist":
        return IndexStatistics(rows, 2 + math.ceil(rows * (sum(widths) + 16) / (0.7 * PAGE)))
    different = 1.0
    for each in columns:
        different *= each.different(table.rows)
    included = [_column(name, table.columns).width for name in index.include]
    if included:  # no two entries are merged
        different = rows
    return btree(rows, [*widths, *included], max(1.0, min(different, rows)))


def _column(name: str, columns: Mapping[str, ColumnStatistics]) -> ColumnStatistics:
    inner = name.partition("(")[2].rpartition(")")[0].rpartition(",")[2].strip().strip('"`')
    return columns.get(name) or columns.get(inner) or _USUAL


def upkeep(
    proposed: Proposed, pages: int, domain: Domain, relation: Relation, written: list[Statement]
) -> float:
    """What an index costs in a second: entries that are written, and pages that are held."""
    rate = sum(
        each.pattern.per_second
        for each in written
        if each.relation == relation.name and _touches(each, proposed)
    )
    inserts = [p for p in domain.access_patterns if _adds(p, relation)]
    volume = relation.of.volume if relation.of else None
    if not inserts and volume:
        rate += volume.growth_per_month / MONTH
    entries = WORDS if proposed.index.method in ("gin", "fulltext") else 1
    if proposed.index.method == "brin":
        entries = 0
    return rate * proposed.share * entries * WRITE + pages * KEEP


def _adds(pattern: AccessPattern, relation: Relation) -> bool:
    return pattern.kind == "insert" and pattern.entity == relation.entity


def _touches(statement: Statement, proposed: Proposed) -> bool:
    """Whether a write makes an entry of the index."""
    if statement.pattern.kind == "insert":
        return True
    if statement.pattern.kind != "update":
        return False
    held = {*proposed.columns, *proposed.index.include}
    where = str(proposed.index.where or "")
    return bool(held & statement.writes) or any(column in where for column in statement.writes)
