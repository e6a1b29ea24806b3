"""Tenants that share tables: row-level security, held to by every role that is not theirs.

https://www.postgresql.org/docs/current/ddl-rowsecurity.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from ...ddl.model import Column, Dialect, Policy, Sql, Table
from ...ddl.postgres.text import ident, type_text
from ..decision import Decision
from ..logical.model import Logical, Relation
from .blueprint import Blueprint

SETTING: Final = "app.tenant_id"
POLICY: Final = "own_tenant"
_ROW_SECURITY: Final = "https://www.postgresql.org/docs/current/ddl-rowsecurity.html"
_SET: Final = "https://www.postgresql.org/docs/current/sql-set.html"


def tenancy(blueprint: Blueprint) -> Blueprint:
    """The blueprint with what keeps tenants apart, or with what has to do so instead."""
    given = blueprint.logical.domain.tenancy
    if given.kind == "none":
        return blueprint
    if given.kind != "shared":
        return replace(blueprint, notes=(*blueprint.notes, _APART[given.kind]))
    if blueprint.dialect is not Dialect.POSTGRES:
        return replace(blueprint, notes=(*blueprint.notes, _WITHOUT_POLICIES[blueprint.dialect]))
    owned = {
        relation.name: column
        for relation in blueprint.logical.relations.values()
        if (column := tenant_column(blueprint.logical, relation))
    }
    tables = [guarded(blueprint.table(name), column) for name, column in owned.items()]
    blueprint = replace(blueprint, notes=(*blueprint.notes, _MIGRATIONS))
    return blueprint.with_tables(tables, _decisions(blueprint, list(owned)))


def tenant_column(logical: Logical, relation: Relation) -> str:
    """The column that says whose a row is; empty where rows belong to no tenant.

    The tenants' own relation is told by its key.
    """
    tenant = logical.domain.tenancy.entity
    if logical.domain.tenancy.kind != "shared" or tenant is None:
        return ""
    if relation.name == logical.by_entity.get(tenant):
        return relation.key[0] if len(relation.key) == 1 else ""
    return relation.tenant


def guarded(table: Table, column: str, *extra: Policy) -> Table:
    """The table with row-level security, for its owner as well, by the tenant of the session."""
    own = Sql(f"{ident(column)} = {current_tenant(table.columns[column])}")
    policy = Policy(
        POLICY,
        using=own,
        check=own,
        comment=f"Rows of the tenant that {SETTING} names; none while it is not set",
    )
    policies = {**table.policies, **{each.name: each for each in (policy, *extra)}}
    return replace(table, policies=policies, row_security=True, force_row_security=True)


def current_tenant(column: Column) -> str:
    """The session's tenant, asked for once a query.

    A setting that SET LOCAL made is an empty text, not NULL, in the transaction that comes next on
    the connection: as a number it would be an error, so it is made NULL, which equals nothing.
    """
    setting = f"current_setting('{SETTING}', true)"
    return f"(SELECT nullif({setting}, '')::{type_text(column.type)})"


def _decisions(blueprint: Blueprint, owned: list[str]) -> Iterator[Decision]:
    for name in owned:
        yield Decision(
            f"/tables/{name}/policies/{POLICY}",
            f"row-level security, also for the owner (FORCE): rows of `{SETTING}` only",
            "the application sets the tenant by SET LOCAL at the start of each transaction, so that"
            " a pooled connection forgets it; a session without tenant sees nothing and gets no"
            " error",
            f"{_ROW_SECURITY} {_SET}",
            "/tenancy",
        )
    for relation in blueprint.logical.relations.values():
        if relation.name not in owned:
            yield Decision(
                f"/tables/{relation.name}",
                "no row-level security: read by all tenants",
                "its rows belong to no tenant",
                _ROW_SECURITY,
                "/tenancy",
            )


_MIGRATIONS: Final = (
    "Migrations run as the owner, from whom FORCE ROW LEVEL SECURITY hides the rows of all tenants:"
    " an UPDATE finds none, and ADD FOREIGN KEY checks none, or misses those that are there. What"
    " changes or checks rows says ALTER TABLE … NO FORCE ROW LEVEL SECURITY for each table in its"
    " transaction, and FORCE before it ends."
)
_APART: Final = {
    "schema": "A schema for each tenant: this DDL is what one of them holds. Apply it under SET"
    " search_path with a role for each tenant that has USAGE on its own schema only; rows carry no"
    " tenant, and every migration runs once for each tenant. Thousands of schemas make the catalog"
    " slow: then share tables.",
    "database": "A database for each tenant: this DDL is what one of them holds. The connection"
    " decides about the tenant, rows carry none; every migration runs once for each database, and"
    " each has connections of its own.",
}
_MYSQL: Final = (
    "There is no row-level security: each statement of the application has to name the tenant."
    " Composite keys and foreign keys keep rows of two tenants from referring to each other. Where"
    " the application is not trusted with that, give it views alone, each with WHERE tenant ="
    " current_tenant() WITH CHECK OPTION, over a stored function that returns a session variable."
)
_WITHOUT_POLICIES: Final = {
    Dialect.MYSQL: _MYSQL,
    Dialect.MARIADB: _MYSQL,
    Dialect.SQLITE: "There is no row-level security, and no role: whoever opens the file sees all."
    " Each statement of the application has to name the tenant; composite keys and foreign keys"
    " keep rows of two tenants from referring to each other. A file for each tenant keeps them"
    " apart altogether.",
}
