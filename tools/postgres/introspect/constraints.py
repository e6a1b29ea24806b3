"""Constraints but NOT NULL, and indexes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ...ddl.model import (
    Action,
    Check,
    Deferrable,
    Exclusion,
    ForeignKey,
    Index,
    IndexPart,
    Key,
    Name,
    Sql,
)
from .catalog import RELATION, Catalog, options, own, sql, visible

Parts: TypeAlias = dict[int, tuple[IndexPart, ...]]  # the keys of each index, by its oid


@dataclass(frozen=True, slots=True)
class Constraints:
    """The constraints of a table but NOT NULL, by name; or those of a domain."""

    keys: dict[str, Key] = field(default_factory=dict)
    foreign_keys: dict[str, ForeignKey] = field(default_factory=dict)
    checks: dict[str, Check] = field(default_factory=dict)
    exclusions: dict[str, Exclusion] = field(default_factory=dict)


def constraints(catalog: Catalog, parts: Parts) -> dict[int, Constraints]:
    """By their table's oid, or their domain's."""
    found: dict[int, Constraints] = defaultdict(Constraints)
    for row in catalog.rows(_CONSTRAINTS):
        these = found[row.conrelid or row.contypid]
        if row.contype in "pu":
            these.keys[row.conname] = _key(catalog, row)
        elif row.contype == "f":
            these.foreign_keys[row.conname] = _foreign_key(catalog, row)
        elif row.contype == "c":
            these.checks[row.conname] = _check(catalog, row)
        else:
            these.exclusions[row.conname] = _exclusion(catalog, row, parts[row.conindid])
    return found


def _key(catalog: Catalog, row: Any) -> Key:
    return Key(
        row.conname,
        catalog.columns(row.conrelid, row.conkey),
        primary=row.contype == "p",
        include=catalog.columns(row.conrelid, row.include),
        nulls_not_distinct=row.indnullsnotdistinct,
        without_overlaps=row.conperiod,
        deferrable=deferrable(row.condeferrable, row.condeferred),
        options=options(row.reloptions),
        inherited=not row.conislocal,
        comment=catalog.comment("pg_constraint", row.oid),
    )


def _foreign_key(catalog: Catalog, row: Any) -> ForeignKey:
    return ForeignKey(
        row.conname,
        catalog.columns(row.conrelid, row.conkey),
        catalog.names[row.confrelid],
        catalog.columns(row.confrelid, row.confkey),
        on_delete=_ACTIONS[row.confdeltype],
        on_update=_ACTIONS[row.confupdtype],
        on_delete_columns=catalog.columns(row.conrelid, row.confdelsetcols),
        match="full" if row.confmatchtype == "f" else "simple",
        deferrable=deferrable(row.condeferrable, row.condeferred),
        valid=row.convalidated or not row.conenforced,
        enforced=row.conenforced,
        period=row.conperiod,
        inherited=not row.conislocal,
        comment=catalog.comment("pg_constraint", row.oid),
    )


def _check(catalog: Catalog, row: Any) -> Check:
    return Check(
        row.conname,
        Sql(row.expression),
        valid=row.convalidated or not row.conenforced,
        enforced=row.conenforced,
        no_inherit=row.connoinherit,
        inherited=not row.conislocal,
        comment=catalog.comment("pg_constraint", row.oid),
    )


def _exclusion(catalog: Catalog, row: Any, parts: tuple[IndexPart, ...]) -> Exclusion:
    return Exclusion(
        row.conname,
        row.amname,
        parts,
        include=catalog.columns(row.conrelid, row.include),
        where=sql(row.predicate),
        deferrable=deferrable(row.condeferrable, row.condeferred),
        options=options(row.reloptions),
        comment=catalog.comment("pg_constraint", row.oid),
    )


def index_parts(catalog: Catalog) -> Parts:
    """The keys of each index, by the index."""
    parts: dict[int, list[IndexPart]] = defaultdict(list)
    for row in catalog.rows(_INDEX_PARTS):
        collation = visible(row.collation)
        if row.attname is None and collation and f"{row.expression} COLLATE " not in row.whole:
            collation = ""  # the expression's own
        parts[row.indexrelid].append(
            IndexPart(
                Sql(row.attname or row.expression),
                is_column=row.attname is not None,
                descending=bool(row.option & 1),
                nulls_first=bool(row.option & 2),
                opclass=visible(row.opclass),
                opclass_options=options(row.attoptions),
                collation=collation,
                operator=visible(row.operator),
                statistics=row.attstattarget,
            )
        )
    return {index: tuple(of_index) for index, of_index in parts.items()}


def indexes(catalog: Catalog, parts: Parts) -> dict[int, dict[str, Index]]:
    """The indexes that no constraint made, by their relation and their name."""
    found: dict[int, dict[str, Index]] = defaultdict(dict)
    for row in catalog.rows(_INDEXES):
        found[row.indrelid][row.relname] = Index(
            row.relname,
            parts[row.indexrelid],
            unique=row.indisunique,
            method=row.amname,
            include=catalog.columns(row.indrelid, row.include),
            where=sql(row.predicate),
            nulls_not_distinct=row.indnullsnotdistinct,
            options=options(row.reloptions),
            tablespace=row.spcname or "",
            only=not row.indisvalid,
            parent=Name(*row.parent) if row.parent else None,
            comment=catalog.comment("pg_class", row.indexrelid),
        )
    return found


def deferrable(may: bool, initially: bool) -> Deferrable:
    """When a constraint is checked."""
    return "initially deferred" if initially else "deferrable" if may else ""


_ACTIONS: dict[str, Action] = {
    "a": "no action",
    "r": "restrict",
    "c": "cascade",
    "n": "set null",
    "d": "set default",
}

# A foreign key to a partitioned table has a copy for each partition there, on the same table.
_CONSTRAINTS = f"""
WITH {RELATION}
SELECT k.*, i.reloptions, am.amname, coalesce(x.indnullsnotdistinct, false) AS indnullsnotdistinct,
    (x.indkey::int2[])[x.indnkeyatts:] AS include,
    pg_get_expr(k.conbin, k.conrelid) AS expression,
    pg_get_expr(x.indpred, x.indrelid) AS predicate
FROM pg_constraint k
LEFT JOIN relation c ON c.oid = k.conrelid
LEFT JOIN pg_constraint parent ON parent.oid = k.conparentid
LEFT JOIN pg_index x ON x.indexrelid = k.conindid AND k.contype IN ('p', 'u', 'x')
LEFT JOIN pg_class i ON i.oid = x.indexrelid
LEFT JOIN pg_am am ON am.oid = i.relam
WHERE k.contype IN ('p', 'u', 'f', 'c', 'x') AND k.oid >= 16384
    AND (c.oid IS NOT NULL OR k.contypid <> 0 AND {own("k", "pg_constraint")})
    AND parent.conrelid IS DISTINCT FROM k.conrelid
ORDER BY k.oid
"""

# An operator class is said when it has options, or is not the default of the column's type.
_INDEX_PARTS = f"""
WITH {RELATION}
SELECT x.indexrelid, u.option, column_.attname, part.attoptions, part.attstattarget,
    CASE WHEN u.attnum = 0 THEN pg_get_indexdef(x.indexrelid, u.i::int, false) END AS expression,
    CASE WHEN u.attnum = 0 AND u.colloid NOT IN (0, 100) THEN pg_get_indexdef(x.indexrelid) END
        AS whole,
    CASE WHEN u.colloid NOT IN (0, coalesce(column_.attcollation, 100))
        THEN ARRAY[ln.nspname, l.collname] END AS collation,
    CASE WHEN NOT o.opcdefault OR part.attoptions IS NOT NULL
        OR o.opcintype <> column_.atttypid AND EXISTS (
        SELECT FROM pg_opclass exact WHERE exact.opcmethod = o.opcmethod AND exact.opcdefault
            AND exact.opcintype = column_.atttypid
    ) THEN ARRAY[onsp.nspname, o.opcname] END AS opclass,
    CASE WHEN k.oid IS NOT NULL THEN ARRAY[pn.nspname, p.oprname] END AS operator
FROM pg_index x
JOIN relation c ON c.oid = x.indrelid
LEFT JOIN pg_constraint k ON k.conindid = x.indexrelid AND k.contype = 'x'
CROSS JOIN LATERAL unnest(
    (x.indkey::int2[])[:x.indnkeyatts - 1], x.indclass::oid[], x.indcollation::oid[],
    x.indoption::int2[], k.conexclop
) WITH ORDINALITY u(attnum, opclass, colloid, option, operator, i)
JOIN pg_opclass o ON o.oid = u.opclass
JOIN pg_namespace onsp ON onsp.oid = o.opcnamespace
JOIN pg_attribute part ON part.attrelid = x.indexrelid AND part.attnum = u.i
LEFT JOIN pg_attribute column_ ON column_.attrelid = x.indrelid AND column_.attnum = u.attnum
    AND u.attnum <> 0
LEFT JOIN pg_collation l ON l.oid = u.colloid
LEFT JOIN pg_namespace ln ON ln.oid = l.collnamespace
LEFT JOIN pg_operator p ON p.oid = u.operator
LEFT JOIN pg_namespace pn ON pn.oid = p.oprnamespace
ORDER BY x.indexrelid, u.i
"""

_INDEXES = f"""
WITH {RELATION}
SELECT x.indexrelid, x.indrelid, i.relname, x.indisunique, am.amname, i.reloptions, ts.spcname,
    x.indnullsnotdistinct, x.indisvalid, (x.indkey::int2[])[x.indnkeyatts:] AS include,
    pg_get_expr(x.indpred, x.indrelid) AS predicate,
    CASE WHEN parent.oid IS NOT NULL THEN ARRAY[pn.nspname, parent.relname] END AS parent
FROM pg_index x
JOIN relation c ON c.oid = x.indrelid
JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_am am ON am.oid = i.relam
LEFT JOIN pg_tablespace ts ON ts.oid = i.reltablespace
LEFT JOIN pg_inherits h ON h.inhrelid = x.indexrelid
LEFT JOIN pg_class parent ON parent.oid = h.inhparent
LEFT JOIN pg_namespace pn ON pn.oid = parent.relnamespace
WHERE NOT EXISTS (
    SELECT FROM pg_constraint k WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x')
)
ORDER BY x.indexrelid
"""
