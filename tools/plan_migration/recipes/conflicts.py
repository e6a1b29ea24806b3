"""Queries for pairs of rows that a key or an exclusion constraint would not let be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...ddl.model import Exclusion, Key, Name, Table
from ...ddl.postgres.text import ident, qualified
from ..model import Query
from .base import no_rows
from .indexes import duplicates


def refused_by_key(table: Table, new: Key) -> Iterator[Query]:
    """Rows that share the values of a new key, or lack one that its columns must have."""
    if new.without_overlaps:
        parts = [(ident(name), "=") for name in new.columns[:-1]]
        yield _conflicting(table.name, [*parts, (ident(new.columns[-1]), "&&")])
    else:
        yield duplicates(table.name, new.columns, new.nulls_not_distinct)
    if new.primary:
        given = " OR ".join(f"{ident(name)} IS NULL" for name in new.columns)
        sql = f"SELECT * FROM {qualified(table.name)} WHERE {given} LIMIT 10"
        yield no_rows(sql, "A primary key takes no NULL.")


def refused_by_exclusion(table: Table, new: Exclusion) -> Query:
    """Rows that conflict by the operators of a new exclusion constraint."""
    parts = [
        (ident(part.expression) if part.is_column else f"({part.expression})", part.operator)
        for part in new.parts
    ]
    return _conflicting(table.name, parts, new.where)


def _conflicting(table: Name, parts: Sequence[tuple[str, str]], where: str | None = None) -> Query:
    columns = ", ".join(f"{value} AS part_{n}" for n, (value, _) in enumerate(parts, 1))
    condition = f" WHERE {where}" if where else ""
    both = " AND ".join(
        f"a.part_{n} {operator} b.part_{n}" for n, (_, operator) in enumerate(parts, 1)
    )
    return no_rows(
        f"WITH kept AS (SELECT tableoid AS of, ctid AS place, {columns}"
        f" FROM {qualified(table)}{condition}) SELECT a.*, b.place AS other FROM kept a JOIN kept b"
        f" ON (a.of, a.place) < (b.of, b.place) AND {both} LIMIT 10",
        "They would conflict.",
    )
