"""The catalog of a PostgreSQL database as a schema model: a query for each kind of object.

Source: PostgreSQL 18 manual, chapter 52 "System Catalogs". System objects and those that belong
to an extension are left out; of an object the model keeps opaque there is only kind and name.
"""

from __future__ import annotations

from typing import Any

import psycopg

from ...ddl.model import Dialect, Extension, Namespace, Schema
from . import code, columns, constraints, opaque, rights, tables, types
from .catalog import USER_SCHEMA, Catalog, own


def introspect(connection: psycopg.Connection[Any]) -> Schema:
    """Everything of the connected database that is neither the system's nor an extension's."""
    with connection.transaction():
        for setting in _SETTINGS:
            connection.execute(setting)
        return _schema(Catalog(connection))


# Names print qualified with an empty path, and literals the same whatever the session prefers.
_SETTINGS = (
    "SET LOCAL search_path = ''",
    "SET LOCAL quote_all_identifiers = off",
    "SET LOCAL datestyle = 'ISO, YMD'",
    "SET LOCAL intervalstyle = 'postgres'",
    "SET LOCAL timezone = 'UTC'",
    "SET LOCAL jit = off",
)


def _schema(catalog: Catalog) -> Schema:
    sequences, identities = columns.sequences(catalog)
    keys = constraints.index_parts(catalog)
    functions = code.functions(catalog)
    parts = tables.Parts(
        columns.Columns(catalog, columns.not_nulls(catalog), identities),
        constraints.constraints(catalog, keys),
        constraints.indexes(catalog, keys),
        code.triggers(catalog),
        code.policies(catalog),
        code.rules(catalog),
    )
    return Schema(
        Dialect.POSTGRES,
        namespaces=_namespaces(catalog),
        extensions=_extensions(catalog),
        enums=types.enums(catalog),
        domains=types.domains(catalog, parts.constraints),
        composites=types.composites(catalog, parts.columns),
        ranges=types.ranges(catalog),
        sequences=sequences,
        tables=tables.tables(catalog, parts),
        views=tables.views(catalog, parts),
        functions={function.signature: function for function in functions.values()},
        opaque=opaque.opaque(catalog),
        grants=rights.grants(catalog, functions),
        revoked=rights.revoked(catalog, functions),
    )


def _namespaces(catalog: Catalog) -> dict[str, Namespace]:
    found = {}
    for row in catalog.rows(_NAMESPACES):
        comment = catalog.comment("pg_namespace", row.oid)
        found[row.nspname] = Namespace(row.nspname, comment, row.owner)
    return found


def _extensions(catalog: Catalog) -> dict[str, Extension]:
    found = {}
    for row in catalog.rows(_EXTENSIONS):
        comment = catalog.comment("pg_extension", row.oid)
        found[row.extname] = Extension(row.extname, row.nspname, row.extversion, comment)
    return found


_NAMESPACES = f"""
SELECT n.oid, n.nspname, pg_get_userbyid(n.nspowner) AS owner
FROM pg_namespace n
WHERE {USER_SCHEMA} AND n.nspname <> 'public' AND {own("n", "pg_namespace")}
ORDER BY n.oid
"""

_EXTENSIONS = """
SELECT e.oid, e.extname, e.extversion, n.nspname
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.oid >= 16384 ORDER BY e.oid
"""
