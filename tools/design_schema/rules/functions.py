"""Rules on functions and views that run with the rights of another role than the caller's."""

from __future__ import annotations

from collections.abc import Iterator

from ...ddl.model import Function, Name, Schema, View
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule
from ..context import Context
from ..remedies import written
from ..rights import PROVIDED, callers, granted, written_roles

_FUNCTION = "https://www.postgresql.org/docs/current/sql-createfunction.html"
_SECURITY = f"{_FUNCTION}#SQL-CREATEFUNCTION-SECURITY"
_VIEW = "https://www.postgresql.org/docs/current/sql-createview.html"
_RULES = "https://www.postgresql.org/docs/current/rules-privileges.html"
_SPLINTER = "https://supabase.com/docs/guides/database/database-advisors?lint="


@rule(
    "schema/definer-function-without-search-path",
    Severity.WARNING,
    FindingClass.RISK,
    on="function",
    fix="Add `SET search_path` with the schemas it needs and `pg_temp` last, or `SET search_path ="
    " ''` and qualify every name",
    references=[_SECURITY, "CWE-426", "https://nvd.nist.gov/vuln/detail/CVE-2018-1058"],
    bad="""
    CREATE TABLE posts (id bigint PRIMARY KEY);
    CREATE FUNCTION empty() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM posts';
    """,
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY);
    CREATE FUNCTION empty() RETURNS void LANGUAGE sql SECURITY DEFINER
        SET search_path = public, pg_temp AS 'DELETE FROM posts';
    """,
)
def definer_function_without_search_path(function: Function, ctx: Context) -> Iterator[Hit]:
    """A SECURITY DEFINER function looks names up where the caller says.

    Whoever can call it, and create a table or an operator of his own (the temporary schema is
    enough), puts it in front of the one that is meant, and his code runs with the rights of the
    function's owner. A body of BEGIN ATOMIC is bound to its objects and safe.
    """
    if ctx.is_postgres and function.security_definer and _is_mutable(function):
        yield Hit(
            ctx.place(function, "functions", function.signature),
            f"the SECURITY DEFINER {function.kind} {quoted(function.signature)} runs with the"
            " caller's `search_path`",
        )


@rule(
    "schema/function-without-search-path",
    Severity.INFO,
    FindingClass.RISK,
    on="function",
    opt_in=True,
    fix="Add `SET search_path`",
    references=[_FUNCTION, _SPLINTER + "0011_function_search_path_mutable"],
    bad="""
    CREATE TABLE posts (id bigint PRIMARY KEY);
    CREATE FUNCTION empty() RETURNS void LANGUAGE sql AS 'DELETE FROM posts';
    """,
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY);
    CREATE FUNCTION empty() RETURNS void LANGUAGE sql SET search_path = '' AS
        'DELETE FROM public.posts';
    """,
)
def function_without_search_path(function: Function, ctx: Context) -> Iterator[Hit]:
    """What a function's names mean depends on the session that calls it.

    With another `search_path` it reads other tables, or fails. A function in an index or a
    constraint fails in pg_restore, which has none.
    """
    if ctx.is_postgres and function.name.schema not in PROVIDED and _is_mutable(function):
        yield Hit(
            ctx.place(function, "functions", function.signature),
            f"the {function.kind} {quoted(function.signature)} does not set `search_path`",
        )


def _is_mutable(function: Function) -> bool:
    names_settled = function.sql_body is not None or function.language in ("c", "internal")
    return "search_path" not in function.settings and not names_settled


@rule(
    "schema/definer-function-callable",
    Severity.INFO,
    FindingClass.RISK,
    on="function",
    opt_in=True,
    fix="REVOKE EXECUTE … FROM PUBLIC, and grant it to the roles that need it",
    references=[_SECURITY, _SPLINTER + "0028_anon_security_definer_function_executable"],
    bad="""
    CREATE FUNCTION one() RETURNS integer LANGUAGE sql IMMUTABLE SECURITY DEFINER
        SET search_path = '' AS 'SELECT 1';
    """,
    good="""
    CREATE FUNCTION one() RETURNS integer LANGUAGE sql IMMUTABLE SECURITY DEFINER
        SET search_path = '' AS 'SELECT 1';
    REVOKE EXECUTE ON FUNCTION one() FROM PUBLIC;
    """,
)
def definer_function_callable(function: Function, ctx: Context) -> Iterator[Hit]:
    """Anybody may call a function that runs with the rights of its owner.

    PUBLIC may execute every new function, until that is revoked. PostgREST makes those of the
    exposed schema endpoints. Trigger functions cannot be called.
    """
    called = not function.returns.endswith("trigger") and function.name.schema not in PROVIDED
    if ctx.is_postgres and function.security_definer and called:
        roles = callers(ctx.schema, function)
        if roles:
            yield Hit(
                ctx.place(function, "functions", function.signature),
                f"{written_roles(roles)} may call the SECURITY DEFINER {function.kind}"
                f" {quoted(function.signature)}",
            )


@rule(
    "schema/view-bypasses-row-security",
    Severity.WARNING,
    FindingClass.RISK,
    on="schema",
    confidence=Confidence.MEDIUM,
    fix="Create the view WITH (security_invoker = true); grant a materialized view only to roles"
    " that may see all rows",
    references=[_VIEW, _RULES, "CWE-863"],
    bad="""
    -- postgres 16
    CREATE TABLE posts (id bigint PRIMARY KEY, author name NOT NULL);
    CREATE INDEX ON posts (author);
    ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON posts USING (author = current_user);
    CREATE VIEW authors AS SELECT DISTINCT author FROM posts;
    GRANT SELECT ON authors TO PUBLIC;
    """,
    good="""
    -- postgres 16
    CREATE TABLE posts (id bigint PRIMARY KEY, author name NOT NULL);
    CREATE INDEX ON posts (author);
    ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON posts USING (author = current_user);
    CREATE VIEW authors WITH (security_invoker = true) AS SELECT DISTINCT author FROM posts;
    GRANT SELECT ON authors TO PUBLIC;
    """,
)
def view_bypasses_row_security(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A view shows all rows of a table that has row-level security.

    A view reads its tables as its owner, to whom their policies do not apply when he owns them;
    `security_invoker` (PostgreSQL 15) makes it read as the caller. A materialized view holds what
    its owner saw. Seen where roles besides the owner may read the view.
    """
    guarded = {
        table.name
        for table in ctx.tables
        if table.row_security and table.policies and not table.force_row_security
    }
    if not guarded:
        return
    others = {
        Name(*grant.object.split(".", 1))
        for grant in schema.grants
        if grant.kind == "table" and grant.privilege == "select"
    }
    for view in schema.views.values():
        if view.name not in others or _as_invoker(view):
            continue
        shown = sorted(
            name
            for name in _relations(view) & guarded
            if schema.tables[name].owner == view.owner
            or "" in (schema.tables[name].owner, view.owner)
        )
        if shown:
            kind = "materialized view" if view.materialized else "view"
            yield Hit(
                ctx.of_table(view),
                f"the {kind} {quoted(view.name)} shows rows of"
                f" {', '.join(quoted(name) for name in shown[:3])} past its policies",
                related=tuple(ctx.of_table(schema.tables[name]) for name in shown[:3]),
                ddl=_invoker(ctx, view),
            )


def _invoker(ctx: Context, view: View) -> tuple[str, ...]:
    if view.materialized or ctx.version < (15,):
        return ()
    return (f"ALTER VIEW {written(ctx, view.name)} SET (security_invoker = true)",)


def _as_invoker(view: View) -> bool:
    value = view.options.get("security_invoker", "false" if not view.materialized else "")
    return value.lower() in ("on", "true", "yes", "1")


def _relations(view: View) -> set[Name]:
    """What a view reads; a name without schema is in that of the view, or in `public`."""
    from ...ddl.expressions import names_of

    found = set()
    for schema, relation in names_of(view.query).relations:
        found |= {
            Name(s, relation) for s in ((schema,) if schema else (view.name.schema, "public"))
        }
    return found


@rule(
    "schema/view-as-owner",
    Severity.INFO,
    FindingClass.RISK,
    on="schema",
    opt_in=True,
    fix="Create the view WITH (security_invoker = true)",
    references=[_VIEW, _SPLINTER + "0010_security_definer_view"],
    bad="""
    CREATE TABLE posts (id bigint PRIMARY KEY);
    CREATE VIEW latest AS SELECT max(id) AS id FROM posts;
    GRANT SELECT ON latest TO anon;
    """,
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY);
    CREATE VIEW latest WITH (security_invoker = true) AS SELECT max(id) AS id FROM posts;
    GRANT SELECT ON latest TO anon;
    """,
)
def view_as_owner(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """Anybody may read a view that reads its tables with the rights of its owner.

    That is how views work, and often what they are for; but neither privileges nor policies of the
    tables hold for those who read it. Needs PostgreSQL 15.
    """
    if ctx.version and ctx.version < (15,):
        return
    for name, roles in granted(schema, "select").items():
        view = schema.views.get(name)
        if view and not view.materialized and not _as_invoker(view) and _is_own(name):
            yield Hit(
                ctx.of_table(view),
                f"{written_roles(roles)} may read the view {quoted(name)}, which runs as its owner",
                ddl=_invoker(ctx, view),
            )


@rule(
    "schema/materialized-view-readable",
    Severity.INFO,
    FindingClass.RISK,
    on="schema",
    opt_in=True,
    fix="Revoke the privilege, or read it through a view or a function that checks the caller",
    references=[_SPLINTER + "0016_materialized_view_in_api"],
    bad="""
    CREATE TABLE posts (id bigint PRIMARY KEY);
    CREATE MATERIALIZED VIEW latest AS SELECT max(id) AS id FROM posts;
    GRANT SELECT ON latest TO anon;
    """,
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY);
    CREATE MATERIALIZED VIEW latest AS SELECT max(id) AS id FROM posts;
    GRANT SELECT ON latest TO reporting;
    """,
)
def materialized_view_readable(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """Anybody may read a materialized view.

    It cannot have row-level security, and was filled with the rights of its owner: policies of the
    tables that it was made from do not hold for it.
    """
    for name, roles in granted(schema, "select").items():
        view = schema.views.get(name)
        if view and view.materialized and _is_own(name):
            yield Hit(
                ctx.of_table(view),
                f"{written_roles(roles)} may read the materialized view {quoted(name)}",
            )


@rule(
    "schema/users-shown-by-view",
    Severity.WARNING,
    FindingClass.RISK,
    on="schema",
    fix="Copy what others may see into a table of its own, with row-level security",
    references=[_SPLINTER + "0002_auth_users_exposed", "CWE-359"],
    bad="""
    CREATE VIEW people AS SELECT id, email FROM auth.users;
    GRANT SELECT ON people TO anon;
    """,
    good="""
    CREATE VIEW people AS SELECT id, email FROM auth.users;
    GRANT SELECT ON people TO service_role;
    """,
)
def users_shown_by_view(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """Anybody may read a view of Supabase's users.

    `auth.users` holds addresses, phone numbers and hashes of passwords of all of them, and the view
    reads it as its owner.
    """
    users = Name("auth", "users")
    table = schema.tables.get(users)
    for name, roles in granted(schema, "select").items():
        view = schema.views.get(name)
        if view is None or not _is_own(name) or users not in _relations(view):
            continue
        if not _as_invoker(view) or (table and not table.row_security):
            yield Hit(
                ctx.of_table(view),
                f"{written_roles(roles)} may read {quoted(name)}, which shows `auth.users`",
            )


def _is_own(name: Name) -> bool:
    return name.schema not in PROVIDED
