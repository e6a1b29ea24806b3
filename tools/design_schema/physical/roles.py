"""Who may do what: an owner without login, the application, a reader, what runs for all tenants.

https://www.postgresql.org/docs/current/ddl-priv.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Final

from ...ddl.model import Dialect, Grant, Grants, Name, Policy, Sql
from ...ddl.postgres.emit import create_extension
from ...ddl.postgres.text import ident
from ...engines.limits import quote
from ..decision import Decision
from ..domain.model import Sensitivity
from ..logical.model import Logical, Relation
from ..promises.model import Session
from ..rights import called_in_grants
from .blueprint import Blueprint
from .code import with_grants, with_schema
from .tenancy import tenant_column

RESTRICTED: Final[tuple[Sensitivity, ...]] = ("special", "secret", "payment")
JOBS_POLICY: Final = "every_tenant"
_PRIVILEGES: Final = "https://www.postgresql.org/docs/current/ddl-priv.html"


def role(logical: Logical, session: Session) -> str:
    """The name of a role of the design: `shop_app`. PostgreSQL keeps names with `pg_` to itself."""
    name = logical.domain.name
    return f"{'db_' if name.startswith('pg_') else ''}{name}_{session}"


def roles(blueprint: Blueprint) -> Blueprint:
    """The blueprint with its roles and the least that each needs; runs after what makes objects."""
    if blueprint.dialect is Dialect.SQLITE:
        note = "SQLite has no roles: the permissions of the file decide who reads and writes it."
        return replace(blueprint, notes=(*blueprint.notes, note))
    relations = blueprint.logical.relations.values()
    blueprint = with_grants(
        blueprint, [grant for each in relations for grant in _rights(blueprint, each)]
    )
    if blueprint.dialect is not Dialect.POSTGRES:
        names = [role(blueprint.logical, session) for session in sessions(blueprint)]
        made = tuple(f"CREATE ROLE {quote(blueprint.dialect, name)}" for name in names)
        return replace(blueprint, roles=(*blueprint.roles, *made))
    blueprint = _with_functions_closed(_with_policies_for_jobs(blueprint))
    statements = (*blueprint.roles, *_statements(blueprint))
    return replace(blueprint, roles=statements).with_tables((), _decisions(blueprint))


def right(
    blueprint: Blueprint,
    table: Name,
    session: Session,
    *privileges: str,
    columns: Collection[str] = (),
) -> Iterator[Grant]:
    """Privileges on a table, or on some of its columns."""
    grantee = role(blueprint.logical, session)
    place = ".".join(table) if table.schema else table.name
    for privilege in privileges:
        for column in columns or ("",):
            yield Grant(privilege, "table", place, grantee, (column,) if column else ())


def restricted(
    relation: Relation, dialect: Dialect, kinds: Collection[Sensitivity] = RESTRICTED
) -> frozenset[str]:
    """The columns of a relation that hold what few may see."""
    return frozenset(
        column
        for field in relation.fields.values()
        if field.type.sensitivity in kinds
        for column in field.columns(dialect)
    )


def _rights(blueprint: Blueprint, relation: Relation) -> Iterator[Grant]:
    table = blueprint.table(relation.name)
    yield from right(blueprint, table.name, "app", "select", *written(blueprint.logical, relation))
    hidden = restricted(relation, blueprint.dialect)
    shown = [column for column in table.columns if column not in hidden] if hidden else []
    yield from right(blueprint, table.name, "reader", "select", columns=shown)
    if relation.kind == "values":
        yield from right(blueprint, table.name, "jobs", "insert")
    elif relation.name == blueprint.logical.by_entity.get(_tenant(blueprint.logical)):
        yield from right(blueprint, table.name, "jobs", "select", "insert")


def _tenant(logical: Logical) -> str:
    tenancy = logical.domain.tenancy
    return (tenancy.entity or "") if tenancy.kind == "shared" else ""


def written(logical: Logical, relation: Relation) -> tuple[str, ...]:
    """What the application may do to the rows of a relation besides reading them.

    Rows of no tenant are written by it only where an access pattern does so: one tenant would
    change what others see. A tenant cannot make itself: what runs for all of them does.
    """
    if relation.kind == "values":
        return ()
    allowed = {"insert", "update", "delete"}
    if _tenant(logical):
        if logical.by_entity.get(_tenant(logical)) == relation.name:
            allowed = {"update"}
        elif not tenant_column(logical, relation):
            patterns = logical.domain.access_patterns
            allowed &= {p.kind for p in patterns if logical.by_entity[p.entity] == relation.name}
    if any(invariant.kind == "append_only" for invariant in relation.invariants):
        allowed &= {"insert"}
    if relation.of and relation.of.soft_delete:
        allowed -= {"delete"}
    return tuple(each for each in ("insert", "update", "delete") if each in allowed)


def _with_policies_for_jobs(blueprint: Blueprint) -> Blueprint:
    """Row-level security lets what runs for all tenants through where it has privileges."""
    jobs = role(blueprint.logical, "jobs")
    reached = {grant.object for grant in blueprint.schema.grants if grant.grantee == jobs}
    policy = Policy(
        JOBS_POLICY,
        roles=(jobs,),
        using=Sql("true"),
        check=Sql("true"),
        comment="What runs for all tenants: its privileges say what it may do",
    )
    return blueprint.with_tables(
        replace(table, policies={**table.policies, policy.name: policy})
        for table in blueprint.schema.tables.values()
        if table.row_security and ".".join(table.name) in reached
    )


def _with_functions_closed(blueprint: Blueprint) -> Blueprint:
    """PUBLIC may call none. What checks and defaults call is granted; triggers need nothing.

    What runs with the rights of the owner is for triggers, which have them, or for jobs.
    """
    schema = blueprint.schema
    called = {called_in_grants(each): each for each in schema.functions.values()}
    revoked = Grants(schema.revoked)
    revoked.update(dict.fromkeys(Grant("execute", "function", each, "public") for each in called))
    granted = {grant.object for grant in schema.grants}
    open_ = [
        Grant("execute", "function", name, role(blueprint.logical, session))
        for name, function in called.items()
        if function.returns != "trigger" and name not in granted and not function.security_definer
        for session in sessions(blueprint)
    ]
    return with_grants(with_schema(blueprint, replace(schema, revoked=revoked)), open_)


def sessions(blueprint: Blueprint) -> tuple[Session, ...]:
    """Those who log in; `jobs` only where it may do anything."""
    jobs = role(blueprint.logical, "jobs")
    has_jobs = any(grant.grantee == jobs for grant in blueprint.schema.grants)
    return ("app", "reader", "jobs") if has_jobs else ("app", "reader")


def _statements(blueprint: Blueprint) -> Iterator[str]:
    """The roles, the extensions (an owner of tables may not make them), and the owner's turn."""
    names = [ident(role(blueprint.logical, session)) for session in sessions(blueprint)]
    owner, reader = (ident(role(blueprint.logical, each)) for each in ("owner", "reader"))
    yield f"CREATE ROLE {owner} NOLOGIN"
    yield from (f"CREATE ROLE {name} LOGIN" for name in names)
    yield f"ALTER ROLE {reader} SET default_transaction_read_only = on"
    yield from map(create_extension, blueprint.schema.extensions.values())
    yield "REVOKE ALL ON SCHEMA public FROM PUBLIC"
    yield f"GRANT USAGE, CREATE ON SCHEMA public TO {owner}"
    yield f"GRANT USAGE ON SCHEMA public TO {', '.join(names)}"
    yield f"GRANT {owner} TO CURRENT_USER"
    yield f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC"
    yield f"SET ROLE {owner}"


def _decisions(blueprint: Blueprint) -> Iterator[Decision]:
    logical = blueprint.logical
    yield Decision(
        "/roles",
        f"`{role(logical, 'owner')}` owns everything and cannot log in; the application, readers"
        " and jobs own nothing",
        "an owner passes privileges by, and may turn off triggers and row-level security",
        _PRIVILEGES,
    )
    for relation in logical.relations.values():
        rights = ", ".join(("select", *written(logical, relation)))
        hidden = sorted(restricted(relation, blueprint.dialect))
        but = f", the reader all but {', '.join(hidden)}" if hidden else ""
        yield Decision(
            f"/tables/{relation.name}",
            f"the application has {rights}{but}",
            _reason(logical, relation),
            _PRIVILEGES,
            relation.references[0].source if relation.of is None and relation.references else "",
        )


def _reason(logical: Logical, relation: Relation) -> str:
    """Why the application may do no more."""
    if relation.kind == "values":
        return "values are those of all: what runs for all of them adds one"
    if any(invariant.kind == "append_only" for invariant in relation.invariants):
        return "rows are added, never changed"
    if _tenant(logical) and logical.by_entity[_tenant(logical)] == relation.name:
        return "a tenant changes its own row; they come and go by what runs for all of them"
    if _tenant(logical) and not tenant_column(logical, relation):
        return "its rows are those of all tenants: written only where an access pattern says so"
    if relation.of and relation.of.soft_delete:
        return "a deleted row stays, marked"
    return "TRUNCATE, REFERENCES and TRIGGER are none of its business"
