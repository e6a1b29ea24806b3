"""Columns with their NOT NULL and identity, and the sequences that are nobody's identity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from ...ddl.model import Column, Generated, Identity, Name, NotNull, Sequence, SequenceOptions, Sql
from .catalog import RELATION, Catalog, options, sql, visible

ByColumn: TypeAlias = tuple[int, int]  # a relation's oid and a column's number


@dataclass(frozen=True, slots=True)
class Columns:
    """Makes columns of what was read beside them."""

    catalog: Catalog
    not_nulls: dict[ByColumn, NotNull]
    identities: dict[ByColumn, tuple[Name, SequenceOptions]]

    def of(self, relation: int) -> dict[str, Column]:
        """The columns of a relation, by name and in order."""
        rows = self.catalog.attributes[relation].values()
        return {row.attname: self._column(relation, row) for row in rows}

    def _column(self, relation: int, row: Any) -> Column:
        default = None if row.attgenerated else row.default
        generated = None
        if row.attgenerated:
            generated = Generated(Sql(row.default), row.attgenerated == "s")
        return Column(
            row.attname,
            self.catalog.type(row.atttypid, row.formatted),
            not_null=self._not_null(relation, row),
            default=sql(default),
            identity=self._identity(relation, row),
            generated=generated,
            collation=visible(row.collation),
            storage=row.storage or "",
            compression=row.compression or "",
            statistics=row.attstattarget,
            options=options(row.attoptions) | options(row.attfdwoptions),
            inherited=not row.attislocal,
            comment=self.catalog.comment("pg_class", relation, row.attnum),
        )

    def _not_null(self, relation: int, row: Any) -> NotNull | None:
        """Before PostgreSQL 18 it has no name."""
        unnamed = NotNull() if row.attnotnull else None
        return self.not_nulls.get((relation, row.attnum), unnamed)

    def _identity(self, relation: int, row: Any) -> Identity | None:
        if not row.attidentity:
            return None
        own = (relation, row.attnum)
        while own not in self.identities:  # a partition's is its parent's
            (parent,) = self.catalog.relations[own[0]].parents
            own = (parent, self._number(parent, row.attname))
        name, options = self.identities[own]
        return Identity(row.attidentity == "a", name, options)

    def _number(self, relation: int, column: str) -> int:
        numbers = self.catalog.attributes[relation].items()
        return next(number for number, row in numbers if row.attname == column)


def sequences(
    catalog: Catalog,
) -> tuple[dict[Name, Sequence], dict[ByColumn, tuple[Name, SequenceOptions]]]:
    """The sequences, and those of identity columns by their column."""
    free, identities = {}, {}
    for row in catalog.rows(_SEQUENCES):
        name = catalog.names[row.seqrelid]
        settings = SequenceOptions(
            row.type,
            row.seqstart,
            row.seqincrement,
            row.seqmin,
            row.seqmax,
            row.seqcache,
            row.seqcycle,
        )
        if row.deptype == "i":
            identities[row.table, row.attnum] = (name, settings)
            continue
        owner = None
        if row.table:
            owner = (catalog.names[row.table], catalog.attributes[row.table][row.attnum].attname)
        free[name] = Sequence(
            name,
            settings,
            owner,
            "unlogged" if row.relpersistence == "u" else "permanent",
            catalog.comment("pg_class", row.seqrelid),
        )
    return free, identities


def not_nulls(catalog: Catalog) -> dict[ByColumn, NotNull]:
    """The NOT NULL of columns, where they have names."""
    return {
        (row.conrelid, row.attnum): NotNull(row.conname, row.convalidated, row.connoinherit)
        for row in catalog.rows(_NOT_NULLS)
    }


_SEQUENCES = f"""
WITH {RELATION}
SELECT s.*, format_type(s.seqtypid, NULL) AS type, c.relpersistence, d.deptype,
    d.refobjid AS table, d.refobjsubid AS attnum
FROM pg_sequence s
JOIN relation c ON c.oid = s.seqrelid
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid
    AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
ORDER BY c.oid
"""

_NOT_NULLS = """
SELECT conrelid, conkey[1] AS attnum, conname, convalidated, connoinherit
FROM pg_constraint WHERE contype = 'n' AND conrelid <> 0 AND oid >= 16384
"""
