"""Indexes are kept when the plans of what they are for use them, at the rows that the model says.

They are tried on a planner that believes the model's statistics (`indexing.planner`), not in a
session: on empty tables no plan would use any index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ...ddl.model import Index, Table
from ...ddl.postgres.text import ident
from ..indexing.constants import constants
from ..indexing.imagined import Imagined
from ..indexing.model import Indexed, KeptIndex
from ..indexing.statements import statements
from ..physical.blueprint import Blueprint
from .model import Kept, Promise

if TYPE_CHECKING:
    from ...postgres.cluster import Cluster

LEAST: Final = 100_000  # rows with which an index is tried that no pattern of the model uses


def tried(cluster: Cluster, blueprint: Blueprint, indexed: Indexed) -> tuple[Kept, ...]:
    """The promise of each index of `indexed` that is not unique, tried on the blueprint's tables.

    Unique ones promise something else. Raises psycopg's errors.
    """
    sql = _statements(indexed.blueprint)
    plain = [each for each in indexed.kept if not _index(indexed, each).unique]
    served = [each for each in plain if each.serves]
    others = [each for each in plain if not each.serves]
    found: dict[str, Kept] = {}
    if served:
        with _planned(cluster, blueprint, 0) as uses:
            for each in served:
                queries = [(use.pattern, sql[use.pattern]) for use in each.serves]
                found[each.name] = _kept(each, queries, uses)
    if others:
        apart = blueprint.with_tables(  # those that an exclusion made would do as well, but slower
            replace(table, exclusions={}) for table in blueprint.schema.tables.values()
        )
        with _planned(cluster, apart, LEAST) as uses:
            for each in others:
                query = _reading(blueprint.table(each.table), _index(indexed, each))
                found[each.name] = _kept(each, [(each.why, query)], uses)
    return tuple(found[each.name] for each in plain)


Uses = Callable[[str], Sequence[str] | str]
"""The indexes that the plan of a query uses; a text says why it has none."""


def _kept(index: KeptIndex, queries: Sequence[tuple[str, str]], uses: Uses) -> Kept:
    promise = Promise(
        f"index {index.name}",
        (f"/tables/{index.table}/indexes/{index.name}",),
        f"the plan uses it for: {', '.join(name for name, _ in queries)}",
        (),
    )
    for name, query in queries:
        found = uses(query)
        if isinstance(found, str):
            return Kept(promise, f"{name}: {found}")
        if not any(index.name == each for each in found):
            used = ", ".join(found) or "no index"
            return Kept(promise, f"{name}: the plan uses {used} instead")
    return Kept(promise)


@contextmanager
def _planned(cluster: Cluster, blueprint: Blueprint, least: float) -> Iterator[Uses]:
    from ..indexing.planner import Unplanned, planner

    with planner(cluster, blueprint, least=least) as server:

        def uses(query: str) -> Sequence[str] | str:
            try:
                plan = server.plan(query)
            except Unplanned as error:
                return str(error)
            return [server.parent(node.index) for node in plan.walk() if node.index]

        yield uses


def _statements(blueprint: Blueprint) -> dict[str, str]:
    told = statements(blueprint, constants(Imagined(blueprint)))
    return {each.pattern.name: each.sql for each in told}


def _index(indexed: Indexed, each: KeptIndex) -> Index:
    return indexed.blueprint.table(each.table).indexes[each.name]


def _reading(table: Table, index: Index) -> str:
    """A query for the rows that equal given values, as for references: not for one by its key."""
    key = set(table.primary_key.columns) if table.primary_key else set()
    whole = key <= {str(part.expression) for part in index.parts}
    by_key = key if whole else set()
    parts = [part for part in index.parts if str(part.expression) not in by_key] or index.parts
    terms = [
        f"{ident(part.expression) if part.is_column else part.expression} = ${number}"
        for number, part in enumerate(parts, 1)
    ]
    where = f" AND {index.where}" if index.where else ""
    name = ident(table.name.name)
    return f"SELECT 1 FROM public.{name} WHERE {' AND '.join(terms)}{where}"
