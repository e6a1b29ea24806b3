"""What a planner knows of a table that is there, or would be: sizes and values, not rows.

`read` takes it from a server's catalog; whoever has no data yet makes it up. The meaning of each
figure is that of pg_class and pg_stats:
https://www.postgresql.org/docs/current/view-pg-stats.html
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ..ddl.model import Name

if TYPE_CHECKING:
    import psycopg

PAGE: Final = 8192  # bytes
_PAGE_HEADER: Final = 24
_ITEM: Final = 4  # a line pointer
_HEAP_TUPLE: Final = 24  # header with padding, without a bitmap of NULLs
_INDEX_TUPLE: Final = 8
_INDEX_PAGE: Final = PAGE - _PAGE_HEADER - 16  # a b-tree page has 16 bytes at its end
_LEAF_FILL, _INNER_FILL = 0.90, 0.70
_POSTING: Final = 812  # bytes of the longest posting list: a tenth of a page (nbtdedup.c)
_POINTER: Final = 6  # bytes of a row pointer


@dataclass(frozen=True, slots=True)
class ColumnStatistics:
    """A column's values. `distinct` below zero is a share of the rows, as in pg_stats.

    `common` are values as text with their share of the rows; `histogram` bounds, as text, of parts
    with equally many of the other rows. `elements` are members of lists, or words, with the share
    of the rows that have them; others are taken to be rarer than the rarest of them.
    """

    width: int  # bytes, on average
    nulls: float = 0.0  # share of the rows
    distinct: float = -1.0
    correlation: float | None = None
    common: tuple[tuple[str, float], ...] = ()
    histogram: tuple[str, ...] = ()
    elements: tuple[tuple[str, float], ...] = ()

    def different(self, rows: float) -> float:
        """How many different values there are."""
        found = self.distinct if self.distinct >= 0 else -self.distinct * rows
        return max(1.0, min(found, rows))


@dataclass(frozen=True, slots=True)
class TableStatistics:
    """A table's size and its columns' values. `visible` are pages that need no look at the heap."""

    rows: float
    pages: int
    visible: int
    columns: Mapping[str, ColumnStatistics] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IndexStatistics:
    """An index's size; `height` is the number of levels above the leaves of a b-tree."""

    rows: float
    pages: int
    height: int | None = None


def heap_pages(rows: float, widths: Sequence[int], fill: float = 1.0) -> int:
    """Pages of a table whose rows have columns of these average widths (bytes)."""
    row = _aligned(_HEAP_TUPLE + sum(widths)) + _ITEM
    return max(1, math.ceil(rows / max(1, int((PAGE - _PAGE_HEADER) * fill / row))))


def btree(rows: float, widths: Sequence[int], different: float) -> IndexStatistics:
    """Size and height of a b-tree just built; equal keys share one entry (PostgreSQL 13 on).

    https://www.postgresql.org/docs/current/btree.html#BTREE-DEDUPLICATION
    """
    key = _aligned(sum(widths))
    entry = _INDEX_TUPLE + key + _ITEM
    entries, size = rows, rows * entry
    if rows >= 2 * different:
        entries = different * math.ceil(rows / different * _POINTER / max(_POINTER, _POSTING - key))
        size = rows * _POINTER + entries * entry
    spare = size / entries / 2 if entries else 0  # what no longer fits at the end of a page
    leaves = math.ceil(size / (_INDEX_PAGE * _LEAF_FILL - spare))
    leaves = max(leaves, 1)
    fan_out = max(2.0, _INDEX_PAGE * _INNER_FILL / entry)
    height, level, pages = 0, leaves, leaves
    while level > 1:
        level = math.ceil(level / fan_out)
        height, pages = height + 1, pages + level
    return IndexStatistics(rows, pages + 1, height)


def _aligned(size: int) -> int:
    return -(-size // 8) * 8


_RELATIONS = """
SELECT n.nspname, c.relname, c.reltuples::float8, c.relpages, c.relallvisible
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = ANY (%s) AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
ORDER BY 1, 2
"""
_COLUMNS = """
SELECT schemaname, tablename, attname, avg_width, null_frac::float8, n_distinct::float8,
    correlation::float8, most_common_vals::text::text[], most_common_freqs::float8[],
    histogram_bounds::text::text[]
FROM pg_stats WHERE NOT inherited ORDER BY 1, 2, 3
"""


def read(connection: psycopg.Connection[Any]) -> Mapping[Name, TableStatistics]:
    """The statistics of a database's tables, as its last ANALYZE left them."""
    columns: dict[Name, dict[str, ColumnStatistics]] = {}
    for row in connection.execute(_COLUMNS):
        schema, table, name, width, nulls, distinct, correlation, common, shares, bounds = row
        columns.setdefault(Name(schema, table), {})[name] = ColumnStatistics(
            width,
            nulls,
            distinct,
            correlation,
            tuple(zip(common or (), shares or (), strict=True)),
            tuple(bounds or ()),
        )
    return {
        name: TableStatistics(rows, pages, visible, columns.get(name, {}))
        for schema, table, rows, pages, visible in connection.execute(_RELATIONS, [["r", "m"]])
        for name in [Name(schema, table)]
    }


def read_indexes(connection: psycopg.Connection[Any]) -> Mapping[Name, IndexStatistics]:
    """The sizes of a database's indexes, without heights: those need an extension."""
    return {
        Name(schema, index): IndexStatistics(rows, pages)
        for schema, index, rows, pages, _ in connection.execute(_RELATIONS, [["i"]])
    }
