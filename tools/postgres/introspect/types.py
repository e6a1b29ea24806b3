"""The types that users make: enums, domains, composites, ranges."""

from __future__ import annotations

from ...ddl.model import Composite, Domain, Enum, Name, NotNull, Range
from .catalog import USER_SCHEMA, Catalog, own, sql, visible
from .columns import Columns
from .constraints import Constraints


def enums(catalog: Catalog) -> dict[Name, Enum]:
    """Enumerated types."""
    found = {}
    for row in catalog.rows(_ENUMS):
        name = Name(row.nspname, row.typname)
        found[name] = Enum(name, tuple(row.values), catalog.comment("pg_type", row.oid))
    return found


def domains(catalog: Catalog, constraints: dict[int, Constraints]) -> dict[Name, Domain]:
    """Domains; `constraints` by oid."""
    found = {}
    for row in catalog.rows(_DOMAINS):
        name = Name(row.nspname, row.typname)
        found[name] = Domain(
            name,
            catalog.type(row.typbasetype, row.formatted),
            NotNull(row.not_null or "") if row.typnotnull else None,
            sql(row.default),
            visible(row.collation),
            constraints[row.oid].checks,
            catalog.comment("pg_type", row.oid),
        )
    return found


def composites(catalog: Catalog, columns: Columns) -> dict[Name, Composite]:
    """Types made by CREATE TYPE … AS (…)."""
    found = {}
    for oid, row in catalog.relations.items():
        if row.relkind == "c":
            name = catalog.names[oid]
            found[name] = Composite(name, columns.of(oid), catalog.comment("pg_type", row.reltype))
    return found


def ranges(catalog: Catalog) -> dict[Name, Range]:
    """Range types."""
    found = {}
    for row in catalog.rows(_RANGES):
        name = Name(row.nspname, row.typname)
        given = {
            "subtype_opclass": visible(row.opclass),
            "collation": visible(row.collation),
            "canonical": visible(row.canonical),
            "subtype_diff": visible(row.difference),
        }
        found[name] = Range(
            name,
            catalog.type(row.rngsubtype),
            row.multirange,
            {key: value for key, value in given.items() if value},
            catalog.comment("pg_type", row.oid),
        )
    return found


_ENUMS = f"""
SELECT t.oid, n.nspname, t.typname,
    ARRAY(SELECT enumlabel FROM pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder) AS values
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE t.typtype = 'e' AND {USER_SCHEMA} AND {own("t", "pg_type")} ORDER BY t.oid
"""

_DOMAINS = f"""
SELECT t.oid, n.nspname, t.typname, t.typbasetype, t.typnotnull, k.conname AS not_null,
    format_type(t.typbasetype, t.typtypmod) AS formatted,
    coalesce(pg_get_expr(t.typdefaultbin, 0), quote_literal(t.typdefault)) AS default,
    CASE WHEN t.typcollation <> b.typcollation THEN ARRAY[ln.nspname, l.collname] END AS collation
FROM pg_type t
JOIN pg_namespace n ON n.oid = t.typnamespace
JOIN pg_type b ON b.oid = t.typbasetype
LEFT JOIN pg_constraint k ON k.contypid = t.oid AND k.contype = 'n'
LEFT JOIN pg_collation l ON l.oid = t.typcollation
LEFT JOIN pg_namespace ln ON ln.oid = l.collnamespace
WHERE t.typtype = 'd' AND {USER_SCHEMA} AND {own("t", "pg_type")} ORDER BY t.oid
"""

_RANGES = f"""
SELECT t.oid, n.nspname, t.typname, r.rngsubtype, m.typname AS multirange,
    CASE WHEN NOT o.opcdefault THEN ARRAY[onsp.nspname, o.opcname] END AS opclass,
    CASE WHEN r.rngcollation <> s.typcollation THEN ARRAY[ln.nspname, l.collname] END AS collation,
    CASE WHEN c.oid IS NOT NULL THEN ARRAY[cn.nspname, c.proname] END AS canonical,
    CASE WHEN d.oid IS NOT NULL THEN ARRAY[dn.nspname, d.proname] END AS difference
FROM pg_range r
JOIN pg_type t ON t.oid = r.rngtypid
JOIN pg_namespace n ON n.oid = t.typnamespace
JOIN pg_type s ON s.oid = r.rngsubtype
JOIN pg_type m ON m.oid = r.rngmultitypid
JOIN pg_opclass o ON o.oid = r.rngsubopc
JOIN pg_namespace onsp ON onsp.oid = o.opcnamespace
LEFT JOIN pg_collation l ON l.oid = r.rngcollation
LEFT JOIN pg_namespace ln ON ln.oid = l.collnamespace
LEFT JOIN pg_proc c ON c.oid = r.rngcanonical
LEFT JOIN pg_namespace cn ON cn.oid = c.pronamespace
LEFT JOIN pg_proc d ON d.oid = r.rngsubdiff
LEFT JOIN pg_namespace dn ON dn.oid = d.pronamespace
WHERE {USER_SCHEMA} AND {own("t", "pg_type")} ORDER BY t.oid
"""
