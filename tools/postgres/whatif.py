"""Plans for data that is not there: empty tables of which the planner believes the statistics.

Statistics are imported; but the planner scales them to the blocks that a file has, so the files
grow to their size without taking space (sparse), and an empty b-tree gets the height it would have:
a page that says so, and one path of pages from the root to a leaf. What a plan costs is then what
it would cost with the data: the rows of TPC-H give the same plans loaded and imagined
(`benchmarks/whatif.py`).

https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-STATSMOD
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import psycopg
from psycopg import sql
from psycopg.pq import ExecStatus

from ..ddl.model import Name
from .cluster import OWNER, Database
from .statistics import (
    PAGE,
    ColumnStatistics,
    IndexStatistics,
    TableStatistics,
    btree,
)

SEGMENT: Final = 131_072  # pages of one file: 1 GiB
MAX_PAGES: Final = 2**32 - 2  # of a relation (BlockNumber)
MAX_HEIGHT: Final = 10
_BTREE_MAGIC: Final = 0x053162


class Unbelievable(Exception):
    """Statistics that the server refuses; the message is its own."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a plan: what EXPLAIN says of it."""

    kind: str  # "Index Scan"
    relation: str
    index: str
    rows: float
    cost: float  # planner cost, total
    children: tuple[Node, ...]

    def walk(self) -> Iterator[Node]:
        """This node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()

    @property
    def shape(self) -> tuple[Any, ...]:
        """The plan without its figures, to be compared with another."""
        return self.kind, self.relation, self.index, tuple(child.shape for child in self.children)


class WhatIf:
    """A copy of a database of empty tables, planned for as if it held data. Use it in `with`.

    Say `tables`, then `indexes`, before the first `plan`: a page that a session has read is not
    read again, which is why it is a copy. No session of the original may be left.
    """

    def __init__(self, database: Database) -> None:
        self._copy = database.cluster.copy(database)
        self._session = self._copy.connect(superuser=True)
        self._data = database.cluster.directory / "data"
        self._known: dict[Name, TableStatistics] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._session.close()
        with suppress(psycopg.Error):  # the server has ended, or removes all of it when it does
            self._copy.drop()

    def tables(self, statistics: Mapping[Name, TableStatistics]) -> None:
        """Let tables be as large as this, and hold such values. Raises `Unbelievable`."""
        for name, found in statistics.items():
            self._sized(name, found.rows, found.pages, found.visible)
            for column, values in found.columns.items():
                self._valued(name, column, values, found.rows)
            self._known[name] = found

    def indexes(self, statistics: Mapping[Name, IndexStatistics] | None = None) -> None:
        """Give each index its size: as said, otherwise as it would be built from the statistics."""
        statistics = statistics or {}
        for index in self._found():
            known = statistics.get(index.name)
            size = known or self._estimated(index)
            if size is None:
                continue
            height = size.height
            if index.is_btree and height is None:
                estimated = self._estimated(index)
                height = estimated.height if estimated else None
            pages = max(size.pages, (height or 0) + 2)
            self._sized(index.name, size.rows, pages, 0)
            if index.is_btree and height is not None:
                _grow_btree(self._file(index.name), min(height, MAX_HEIGHT))

    def plan(self, query: str) -> Node:
        """The plan of one query without parameters' values: `$1` stands for any.

        Raises psycopg's errors, also for more than one statement.
        """
        text = f"EXPLAIN (FORMAT JSON, GENERIC_PLAN) {query}".encode()
        checked = self._session.pgconn.prepare(b"", text)  # refuses a second statement
        if checked.status != ExecStatus.COMMAND_OK:
            raise psycopg.errors.error_from_result(checked)
        return node_of(self._session.execute(text).fetchone())

    def as_owner(self, milliseconds: int) -> None:
        """Go on as the role that owns the database; no statement may take longer than this."""
        self._session.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(OWNER)))
        self._session.execute(sql.SQL("SET statement_timeout = {}").format(milliseconds))

    def expressions(self, index: Name) -> list[str]:
        """What the columns of an index are called that are expressions."""
        rows = self._session.execute(_EXPRESSIONS, list(index)).fetchall()
        return [str(name) for (name,) in rows]

    def search_in(self, *schemas: str) -> None:
        """Look names up in these schemas."""
        path = sql.SQL(", ").join(map(sql.Identifier, schemas))
        self._session.execute(sql.SQL("SET search_path = {}").format(path))

    @contextmanager
    def without(self, indexes: Iterable[Name]) -> Iterator[None]:
        """Plan as if these indexes were not there."""
        with self._session.transaction(force_rollback=True):
            for index in indexes:
                self._session.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(*index)))
            yield

    def _sized(self, name: Name, rows: float, pages: int, visible: int) -> None:
        self._restore(
            "pg_restore_relation_stats",
            {
                "schemaname": ("text", name.schema),
                "relname": ("text", name.name),
                "relpages": ("integer", min(pages, 2**31 - 1)),
                "reltuples": ("real", rows),
                "relallvisible": ("integer", min(visible, 2**31 - 1)),
            },
        )
        _grow(self._file(name), min(pages, MAX_PAGES))

    def _valued(self, name: Name, column: str, found: ColumnStatistics, rows: float) -> None:
        distinct = found.distinct if rows else 0.0
        given: dict[str, tuple[str, Any]] = {
            "schemaname": ("text", name.schema),
            "relname": ("text", name.name),
            "attname": ("text", column),
            "inherited": ("boolean", False),
            "null_frac": ("real", found.nulls),
            "avg_width": ("integer", found.width),
            "n_distinct": ("real", distinct),
        }
        if found.correlation is not None:
            given["correlation"] = ("real", found.correlation)
        if found.common:
            given["most_common_vals"] = ("text", array(value for value, _ in found.common))
            given["most_common_freqs"] = ("real[]", [share for _, share in found.common])
        if len(found.histogram) > 1:
            given["histogram_bounds"] = ("text", array(found.histogram))
        if found.elements:
            shares = [share for _, share in found.elements]
            given["most_common_elems"] = ("text", array(value for value, _ in found.elements))
            given["most_common_elem_freqs"] = ("real[]", [*shares, min(shares), max(shares)])
        self._restore("pg_restore_attribute_stats", given)

    def _restore(self, function: str, given: Mapping[str, tuple[str, Any]]) -> None:
        arguments = ", ".join(f"'{name}', %s::{kind}" for name, (kind, _) in given.items())
        refused: list[str] = []

        def handler(notice: psycopg.errors.Diagnostic) -> None:
            refused.append(notice.message_primary or "")

        self._session.add_notice_handler(handler)
        try:
            query = f"SELECT {function}({arguments})".encode()
            self._session.execute(query, [value for _, value in given.values()])
        except psycopg.Error as error:
            raise Unbelievable(str(error)) from error
        finally:
            self._session.remove_notice_handler(handler)
        if refused:
            raise Unbelievable(refused[0])

    def _file(self, name: Name) -> Path:
        row = self._session.execute(
            "SELECT pg_relation_filepath(format('%%I.%%I', %s::text, %s::text)::regclass)",
            [name.schema, name.name],
        ).fetchone()
        assert row is not None
        return self._data / str(row[0])

    def _found(self) -> list[_Index]:
        rows = self._session.execute(_INDEXES).fetchall()
        return [_Index(Name(s, i), Name(s, t), m == "btree", *rest) for s, i, t, m, *rest in rows]

    def _estimated(self, index: _Index) -> IndexStatistics | None:
        """A b-tree's size from the statistics of its table; other kinds are guessed alike."""
        table = self._known.get(index.table)
        if table is None:
            return None
        rows = table.rows * index.share
        different, widths = 1.0, []
        for name, fixed in zip(index.columns, index.widths, strict=True):
            column = table.columns.get(name)
            widths.append(fixed if fixed > 0 else column.width if column else 32)
            different *= column.different(table.rows) if column else rows
        if not index.is_btree:
            return IndexStatistics(rows, round(btree(rows, widths, rows).pages * _LOOSE))
        return btree(rows, widths, rows if index.unique else max(1.0, min(different, rows)))


_EXPRESSIONS: Final = """
SELECT a.attname FROM pg_index x JOIN pg_attribute a ON a.attrelid = x.indexrelid
WHERE x.indexrelid = format('%%I.%%I', %s::text, %s::text)::regclass AND x.indkey[a.attnum - 1] = 0
ORDER BY a.attnum
"""
_INDEXES: Final = """
SELECT n.nspname, i.relname, t.relname, m.amname, x.indisunique,
    array_agg(coalesce(a.attname, '') ORDER BY k.place),
    array_agg(coalesce(a.attlen, -1) ORDER BY k.place),
    x.indpred IS NOT NULL
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
JOIN pg_namespace n ON n.oid = i.relnamespace JOIN pg_am m ON m.oid = i.relam
CROSS JOIN unnest(x.indkey::smallint[]) WITH ORDINALITY AS k (number, place)
LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number AND k.number > 0
WHERE i.relkind = 'i' AND n.nspname !~ '^pg_'
GROUP BY 1, 2, 3, 4, 5, 8 ORDER BY 1, 2
"""
_LOOSE: Final = 1.5  # as large as a b-tree is another index that holds each entry
_PARTIAL: Final = 0.1  # of the rows, where nobody has said how many a partial index holds


@dataclass(frozen=True, slots=True)
class _Index:
    """An index of the database; expressions among its `columns` have no name."""

    name: Name
    table: Name
    is_btree: bool
    unique: bool
    columns: list[str]
    widths: list[int]
    partial: bool

    @property
    def share(self) -> float:
        """The share of its table's rows that it holds."""
        return _PARTIAL if self.partial else 1.0


def array(values: Iterable[str]) -> str:
    """Values as the text of an array."""
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"


def node_of(row: Sequence[Any] | None) -> Node:
    """The plan in the one row that EXPLAIN (FORMAT JSON) returns."""
    assert row is not None
    return _node(row[0][0]["Plan"])


def _node(plan: Mapping[str, Any]) -> Node:
    return Node(
        plan["Node Type"],
        plan.get("Relation Name", ""),
        plan.get("Index Name", ""),
        plan["Plan Rows"],
        plan["Total Cost"],
        tuple(_node(child) for child in plan.get("Plans", ())),
    )


def _grow(path: Path, pages: int) -> None:
    """Make a relation as long as this; what is not written takes no space."""
    for number in range(-(-pages // SEGMENT)):
        segment = path if number == 0 else path.with_name(f"{path.name}.{number}")
        size = min(pages - number * SEGMENT, SEGMENT) * PAGE
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(segment, flags, 0o600)
        try:
            if number:
                owner = path.stat()
                with suppress(PermissionError):  # the server is this process's own user's
                    os.fchown(file, owner.st_uid, owner.st_gid)
            if os.fstat(file).st_size < size:
                os.ftruncate(file, size)
        finally:
            os.close(file)


def _grow_btree(path: Path, height: int) -> None:
    """Give an empty b-tree its height: a meta page that says so, and a path to one empty leaf.

    The layout is that of nbtree.h and bufpage.h, version 4 of the b-tree, version 4 of pages.
    """
    with path.open("r+b") as file:
        meta = bytearray(file.read(PAGE))
        (magic,) = struct.unpack_from("<I", meta, 24)
        if magic != _BTREE_MAGIC:
            raise Unbelievable(f"{path.name} is no b-tree that this version knows")
        struct.pack_into("<IIII", meta, 32, 1, height, 1, height)  # root and fast root
        file.seek(0)
        file.write(meta)
        for number in range(height + 1):
            level = height - number
            child = None if level == 0 else number + 2
            file.write(_btree_page(level, child, is_root=number == 0))


def _btree_page(level: int, child: int | None, *, is_root: bool) -> bytes:
    """A page of one level: empty at the leaf, above it one entry that points to the child."""
    entries = 0 if child is None else 1
    special = PAGE - 16
    upper = special - 8 * entries
    page = bytearray(PAGE)
    lower = 24 + 4 * entries
    struct.pack_into("<IIHHHHHHI", page, 0, 0, 0, 0, 0, lower, upper, special, PAGE | 4, 0)
    if child is not None:
        struct.pack_into("<I", page, 24, upper | 1 << 15 | 8 << 17)  # normal, eight bytes long
        # "Minus infinity": no attributes, and the flag that says that their number is stored.
        struct.pack_into("<HHHH", page, upper, child >> 16, child & 0xFFFF, 0, 8 | 0x2000)
    flags = (1 if level == 0 else 0) | (2 if is_root else 0)
    struct.pack_into("<IIIHH", page, special, 0, 0, level, flags, 0)
    return bytes(page)
