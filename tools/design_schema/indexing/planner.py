"""What the patterns of a design cost on a private PostgreSQL, with any of the proposed indexes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from time import monotonic
from typing import Final

import psycopg

from ...ddl.model import Grants, Index, Name, Schema, Table
from ...ddl.postgres.emit import emit
from ...postgres.cluster import Cluster
from ...postgres.statistics import ColumnStatistics, IndexStatistics, TableStatistics
from ...postgres.whatif import Node, Unbelievable, WhatIf
from ..physical.blueprint import Blueprint
from .candidates import Proposed
from .extended import with_indexes
from .imagined import imagined
from .sizes import size

MILLISECONDS: Final = 3_000  # for one plan
SECONDS: Final = 30  # for all plans of one planner
WORD: Final = 2e-4  # share of the rows that have a word: twice that of one that somebody looks for


class TooLong(Exception):
    """Planning took more time than there is."""

    def __init__(self) -> None:
        super().__init__(f"planning took longer than {SECONDS} s")


class Unplanned(Exception):
    """A statement that the planner refuses; the message is its own."""


class Planner:
    """Plans of statements; use `planner`.

    Nodes of plans name the indexes of partitions; `parent` has the one of the whole table.
    """

    def __init__(
        self, server: WhatIf, blueprint: Blueprint, every: Mapping[str, Sequence[Name]]
    ) -> None:
        self._server, self._every = server, every
        self._end = monotonic() + SECONDS
        self._parents = {
            index.name: index.parent.name
            for table in blueprint.schema.tables.values()
            for index in table.indexes.values()
            if index.parent
        }

    def parent(self, index: str) -> str:
        """The index of a whole table to which that of a partition belongs."""
        return self._parents.get(index, index)

    def plan(self, sql: str, without: Sequence[str] = ()) -> Node:
        """The plan with all indexes but these. Raises `Unplanned`, and `TooLong`."""
        if monotonic() > self._end:
            raise TooLong
        names = [name for each in dict.fromkeys(without) for name in self._every.get(each, ())]
        try:
            if not names:
                return self._server.plan(sql)
            with self._server.without(names):
                return self._server.plan(sql)
        except psycopg.Error as error:
            raise Unplanned(str(error).partition("\n")[0]) from error


@contextmanager
def planner(
    cluster: Cluster,
    blueprint: Blueprint,
    proposals: Sequence[Proposed] = (),
    factor: float = 1,
    least: float = 0,
) -> Iterator[Planner]:
    """A planner for the design with the proposed indexes. Raises psycopg's errors.

    What grows has `factor` times its rows, and every table `least` rows or more.
    """
    whole = with_indexes(blueprint, proposals)
    tables = imagined(whole, factor, least)
    database = cluster.database()
    with database.connect() as session:
        session.execute("SET search_path = public")
        for statement in emit(bare(whole.schema)):
            session.execute(statement.encode())
    try:
        with WhatIf(database) as server:
            server.tables(tables)
            _know_expressions(server, whole, tables)
            server.indexes(dict(_sizes(whole, proposals, tables)))
            server.search_in("public")
            server.as_owner(MILLISECONDS)
            yield Planner(server, whole, _by_name(whole))
    finally:
        with suppress(psycopg.Error):  # the server has ended
            database.drop()


def bare(schema: Schema) -> Schema:
    """Tables with keys and indexes alone: what a planner looks at."""
    tables = {
        name: replace(
            table, triggers={}, policies={}, row_security=False, force_row_security=False, owner=""
        )
        for name, table in schema.tables.items()
    }
    return Schema(
        schema.dialect,
        schema.namespaces,
        schema.extensions,
        schema.enums,
        tables=tables,
        sequences=schema.sequences,
        grants=Grants(),
        revoked=Grants(),
    )


def _by_name(blueprint: Blueprint) -> Mapping[str, Sequence[Name]]:
    """Each index with those of the partitions that go with it when it is dropped: itself only."""
    return {
        index: [Name(name.schema, index)]
        for name, table in blueprint.schema.tables.items()
        if table.partition_of is None
        for index in table.indexes
    }


def _parts(blueprint: Blueprint, name: str, index: Index) -> Iterator[tuple[Table, Index]]:
    """The index where it has rows: in its table, or in the partitions of it."""
    table = blueprint.table(name)
    if table.partition_by is None:
        yield table, index
        return
    own = Name(table.name.schema, index.name)
    for part in blueprint.schema.tables.values():
        if part.partition_of and part.partition_of.parent == table.name:
            yield from ((part, each) for each in part.indexes.values() if each.parent == own)


def _sizes(
    blueprint: Blueprint, proposals: Sequence[Proposed], tables: Mapping[Name, TableStatistics]
) -> Iterator[tuple[Name, IndexStatistics]]:
    for each in proposals:
        for table, index in _parts(blueprint, each.relation, each.index):
            found = size(each, tables[table.name])
            yield Name(table.name.schema, index.name), found


def _know_expressions(
    server: WhatIf, blueprint: Blueprint, tables: Mapping[Name, TableStatistics]
) -> None:
    """What expressions yield: text in one case is as different as the text; words are rare."""
    for table in blueprint.schema.tables.values():
        for index in table.indexes.values() if table.name in tables else ():
            parts = [part for part in index.parts if not part.is_column]
            name = Name(table.name.schema, index.name)
            known = tables[table.name]
            columns = {
                called: found
                for called, part in zip(
                    server.expressions(name) if parts else (), parts, strict=False
                )
                if (found := _yielded(str(part.expression), known.columns))
            }
            with suppress(Unbelievable):  # the planner then takes a guess, as before an ANALYZE
                server.tables({name: TableStatistics(known.rows, 1, 0, columns)} if columns else {})


def _yielded(expression: str, columns: Mapping[str, ColumnStatistics]) -> ColumnStatistics | None:
    function, _, arguments = expression.partition("(")
    found = columns.get(arguments.rstrip(")").rpartition(",")[2].strip().strip('"'))
    if found is None:
        return None
    if function == "lower":
        return replace(found, common=(), histogram=())
    if function == "to_tsvector":
        return ColumnStatistics(found.width * 2, found.nulls, elements=(("a", 0.5), ("b", WORD)))
    return None
