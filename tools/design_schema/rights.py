"""Who may do what in PostgreSQL: the grants of a schema, as rules ask for them.

https://www.postgresql.org/docs/current/ddl-priv.html
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from ..ddl.model import Function, Grant, Name, Schema

# Everybody, and the roles that PostgREST and Supabase give to anybody on the net or with a login.
ANYBODY: Final = ("public", "anon", "authenticated")

# Schemas whose objects belong to Supabase or to an extension, and change with them only.
# https://supabase.com/docs/guides/database/database-linter
PROVIDED: Final = frozenset(
    [
        *("_timescaledb_cache", "_timescaledb_catalog", "_timescaledb_config"),
        *("_timescaledb_internal", "auth", "cron", "extensions", "graphql", "graphql_public"),
        *("information_schema", "net", "pgbouncer", "pg_catalog", "pgmq", "pgroonga", "pgsodium"),
        *("pgsodium_masks", "pgtle", "realtime", "repack", "storage", "supabase_functions"),
        *("supabase_migrations", "tiger", "topology", "vault"),
    ]
)


def granted(schema: Schema, *privileges: str) -> Mapping[Name, tuple[str, ...]]:
    """The relations on which some of `ANYBODY` has one of the privileges, with these roles.

    A grant on some columns counts.
    """
    found: dict[Name, set[str]] = defaultdict(set)
    for grant in schema.grants:
        if grant.kind == "table" and grant.grantee in ANYBODY and grant.privilege in privileges:
            found[Name(*grant.object.split(".", 1))].add(grant.grantee)
    return {name: tuple(role for role in ANYBODY if role in roles) for name, roles in found.items()}


def callers(schema: Schema, function: Function) -> tuple[str, ...]:
    """Those of `ANYBODY` who may call a function. PUBLIC may, until that is revoked."""
    called = called_in_grants(function)
    everybody = Grant("execute", "function", called, "public")
    if everybody not in schema.revoked:
        return ("public",)
    return tuple(
        role
        for role in ANYBODY
        if any(
            everybody._replace(grantee=role, grantable=g) in schema.grants for g in (True, False)
        )
    )


def called_in_grants(function: Function) -> str:
    """How `Grant.object` names a function."""
    modes = {"out": "OUT ", "inout": "INOUT ", "variadic": "VARIADIC "}
    arguments = ", ".join(
        f"{modes.get(argument.mode, '')}{f'{argument.name} ' if argument.name else ''}"
        f"{argument.type}"
        for argument in function.arguments
        if argument.mode != "table"
    )
    return f"{'.'.join(function.name)}({arguments})"


def written_roles(roles: tuple[str, ...]) -> str:
    """Roles as a sentence names them."""
    return ", ".join("PUBLIC" if role == "public" else f"`{role}`" for role in roles)
