"""Privileges: those that were granted, and those that PUBLIC has by default and lost."""

from __future__ import annotations

from typing import Any

from ...ddl.model import Function, Grant, Grants
from .catalog import Catalog, own


def grants(catalog: Catalog, functions: dict[int, Function]) -> Grants:
    """What was granted beyond the owner's own."""
    return Grants((_grant(row, functions), None) for row in catalog.rows(_GRANTS))


def revoked(catalog: Catalog, functions: dict[int, Function]) -> Grants:
    """What PUBLIC has by default, where it was taken away."""
    return Grants((_grant(row, functions), None) for row in catalog.rows(_REVOKED))


def _grant(row: Any, functions: dict[int, Function]) -> Grant:
    object = row.identity
    if row.kind == "function":
        object = _with_arguments(functions[int(object)])
    columns = (row.attname,) if row.attname else ()
    grantee = row.grantee or "public"
    return Grant(row.privilege.lower(), row.kind, object, grantee, columns, row.is_grantable)


def _with_arguments(function: Function) -> str:
    """A function's name as a grant has it: as `pg_get_function_identity_arguments` prints it."""
    words = {"out": "OUT ", "inout": "INOUT ", "variadic": "VARIADIC "}
    arguments = (
        f"{words.get(each.mode, '')}{each.name and each.name + ' '}{each.type}"
        for each in function.arguments
        if each.mode != "table"
    )
    return f"{'.'.join(function.name)}({', '.join(arguments)})"


def _acl(
    kind: str, catalog: str, letter: str, prefix: str, identity: str, where: str = "true"
) -> str:
    """The privileges on objects of one kind that are neither the owner's nor there by default.

    `letter` is the kind's in acldefault().
    """
    return f"""
SELECT '{kind}' AS kind, {identity} AS identity, NULL AS attname, g.privilege_type AS privilege,
    r.rolname AS grantee, g.is_grantable
FROM {catalog} o
CROSS JOIN LATERAL aclexplode(o.{prefix}acl) g LEFT JOIN pg_roles r ON r.oid = g.grantee
WHERE g.grantee <> o.{prefix}owner AND {where} AND {own("o", catalog)}
    AND (o.oid >= 16384 OR '{catalog}' = 'pg_namespace')
    AND (g.grantee, g.privilege_type) NOT IN (
        SELECT d.grantee, d.privilege_type
        FROM aclexplode(acldefault('{letter}', o.{prefix}owner)) d
    )"""


def _qualified(namespace: str, name: str) -> str:
    return f"(SELECT nspname FROM pg_namespace n WHERE n.oid = o.{namespace}) || '.' || o.{name}"


_RELATION_NAME = _qualified("relnamespace", "relname")
_TYPE_NAME = _qualified("typnamespace", "typname")
_USER_NAMESPACE = "o.nspname !~ '^pg_' AND o.nspname <> 'information_schema'"
_NOT_INITDBS = "(o.nspname, g.grantee, g.privilege_type) <> ('public', 0, 'USAGE')"
_GRANTS = " UNION ALL ".join(
    [
        _acl("table", "pg_class", "r", "rel", _RELATION_NAME, "o.relkind <> 'S'"),
        _acl("sequence", "pg_class", "s", "rel", _RELATION_NAME, "o.relkind = 'S'"),
        _acl("function", "pg_proc", "f", "pro", "o.oid::text"),
        _acl(
            "schema",
            "pg_namespace",
            "n",
            "nsp",
            "o.nspname",
            f"{_USER_NAMESPACE} AND {_NOT_INITDBS}",
        ),
        _acl("type", "pg_type", "T", "typ", _TYPE_NAME),
        _acl("server", "pg_foreign_server", "S", "srv", "o.srvname"),
        _acl("foreign data wrapper", "pg_foreign_data_wrapper", "F", "fdw", "o.fdwname"),
        f"""
SELECT 'table', {_RELATION_NAME}, a.attname, g.privilege_type, r.rolname, g.is_grantable
FROM pg_class o JOIN pg_attribute a ON a.attrelid = o.oid
CROSS JOIN LATERAL aclexplode(a.attacl) g LEFT JOIN pg_roles r ON r.oid = g.grantee
WHERE g.grantee <> o.relowner AND o.oid >= 16384 AND {own("o", "pg_class")}""",
    ]
)


def _taken(kind: str, catalog: str, prefix: str, privilege: str, identity: str, where: str) -> str:
    """A privilege that everybody has by default, where it was taken away."""
    return f"""
SELECT '{kind}' AS kind, {identity} AS identity, NULL AS attname, '{privilege}' AS privilege,
    'public' AS grantee, false AS is_grantable
FROM {catalog} o
WHERE o.{prefix}acl IS NOT NULL AND {where} AND {own("o", catalog)} AND NOT EXISTS (
    SELECT FROM aclexplode(o.{prefix}acl) g
    WHERE g.grantee = 0 AND g.privilege_type = '{privilege}'
)"""


_REVOKED = " UNION ALL ".join(
    [
        _taken("function", "pg_proc", "pro", "EXECUTE", "o.oid::text", "o.oid >= 16384"),
        _taken("type", "pg_type", "typ", "USAGE", _TYPE_NAME, "o.oid >= 16384"),
        _taken("schema", "pg_namespace", "nsp", "USAGE", "o.nspname", "o.nspname = 'public'"),
    ]
)
