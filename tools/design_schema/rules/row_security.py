"""Rules on row-level security: policies that do nothing, too much, or too much work."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator

from ...ddl.model import Name, Policy, Schema, Table
from ...engines.limits import quote
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule
from ..access import serves
from ..context import Context, Part
from ..predicates import always, condition
from ..remedies import create_index, index_name, relation_names, written
from ..rights import ANYBODY, PROVIDED, granted, written_roles

PolicyPart = Part[Policy]

_ROW_SECURITY = "https://www.postgresql.org/docs/current/ddl-rowsecurity.html"
_CREATE_POLICY = "https://www.postgresql.org/docs/current/sql-createpolicy.html"
_SUPABASE = "https://supabase.com/docs/guides/database/postgres/row-level-security"

FEW_ROWS = 1_000  # a scan of so few costs no more than an index


@rule(
    "schema/policy-without-row-security",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="table",
    fix="Enable row-level security, or drop the policies",
    references=[_ROW_SECURITY, "CWE-862"],
    bad="""
    CREATE TABLE posts (id bigint PRIMARY KEY, author name NOT NULL);
    CREATE INDEX ON posts (author);
    CREATE POLICY own ON posts USING (author = current_user);
    """,
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY, author name NOT NULL);
    CREATE INDEX ON posts (author);
    CREATE POLICY own ON posts USING (author = current_user);
    ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
    """,
)
def policy_without_row_security(table: Table, ctx: Context) -> Iterator[Hit]:
    """A table has policies, but row-level security is off.

    CREATE POLICY does not turn it on. Until ENABLE ROW LEVEL SECURITY the policies do nothing, and
    every role with a privilege on the table sees and changes all rows.
    """
    if table.policies and not table.row_security and _is_known(table, ctx):
        names = ", ".join(sorted(table.policies))
        yield Hit(
            ctx.of_table(table),
            f"{quoted(table.name)} has policies, but row-level security is not enabled",
            evidence=f"policies: {names}",
            related=tuple(ctx.of(Part(table, policy)) for policy in table.policies.values())[:5],
            ddl=(f"ALTER TABLE {written(ctx, table.name)} ENABLE ROW LEVEL SECURITY",),
        )


def _is_known(table: Table, ctx: Context) -> bool:
    return table.name.name.lower() not in ctx.unread_words


@rule(
    "schema/row-security-without-policy",
    Severity.INFO,
    FindingClass.RISK,
    on="table",
    confidence=Confidence.MEDIUM,
    fix="Create a policy; where nobody but the owner is meant to get at it, revoke the privileges",
    references=[_ROW_SECURITY],
    bad="""
    CREATE TABLE posts (id bigint PRIMARY KEY, author name NOT NULL);
    ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
    """,
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY, author name NOT NULL);
    CREATE INDEX ON posts (author);
    CREATE POLICY own ON posts USING (author = current_user);
    ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
    """,
)
def row_security_without_policy(table: Table, ctx: Context) -> Iterator[Hit]:
    """Row-level security is on, and no policy lets anybody through.

    Without a policy no row is visible and none can be written, without an error: queries just come
    back empty. Only the owner and roles with BYPASSRLS are exempt, the owner only without FORCE.
    """
    if table.name.schema in PROVIDED or not _is_known(table, ctx):
        return
    if table.row_security and not table.policies:
        who = "not even its owner" if table.force_row_security else "only its owner"
        yield Hit(
            ctx.of_table(table),
            f"{quoted(table.name)} has row-level security and no policy: {who} sees its rows",
        )


@rule(
    "schema/row-security-forgotten",
    Severity.WARNING,
    FindingClass.RISK,
    on="schema",
    confidence=Confidence.MEDIUM,
    fix="Enable row-level security on the table, with a policy like those of the others",
    references=[_ROW_SECURITY, "CWE-862"],
    bad="""
    CREATE TABLE orders (id bigint PRIMARY KEY, tenant text NOT NULL);
    CREATE TABLE items (id bigint PRIMARY KEY, tenant text NOT NULL);
    CREATE TABLE prices (id bigint PRIMARY KEY, tenant text NOT NULL);
    CREATE TABLE refunds (id bigint PRIMARY KEY, tenant text NOT NULL);
    CREATE INDEX ON orders (tenant);
    CREATE INDEX ON items (tenant);
    CREATE INDEX ON prices (tenant);
    CREATE POLICY own ON orders USING (tenant = (SELECT current_setting('app.tenant')));
    CREATE POLICY own ON items USING (tenant = (SELECT current_setting('app.tenant')));
    CREATE POLICY own ON prices USING (tenant = (SELECT current_setting('app.tenant')));
    ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
    ALTER TABLE items ENABLE ROW LEVEL SECURITY;
    ALTER TABLE prices ENABLE ROW LEVEL SECURITY;
    """,
    good="""
    CREATE TABLE orders (id bigint PRIMARY KEY, tenant text NOT NULL);
    CREATE TABLE currencies (id bigint PRIMARY KEY, code text NOT NULL UNIQUE);
    CREATE INDEX ON orders (tenant);
    CREATE POLICY own ON orders USING (tenant = (SELECT current_setting('app.tenant')));
    ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
    """,
)
def row_security_forgotten(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A table has the column that policies filter its neighbours by, and no row-level security.

    At least three tables of the same schema, and three quarters of those with the column, compare
    it with a value of the session. A row of one tenant is visible to all here.
    """
    guarded: dict[tuple[str, str], set[Name]] = defaultdict(set)
    having: dict[tuple[str, str], list[Table]] = defaultdict(list)
    is_session = _is_session(ctx)
    for table in ctx.tables:
        if table.row_security:
            for column in _session_columns(table, is_session):
                guarded[table.name.schema, column].add(table.name)
    for table in ctx.tables if guarded else ():
        for column in table.columns:
            having[table.name.schema, column].append(table)
    for (namespace, column), names in sorted(guarded.items()):
        tables = having[namespace, column]
        if len(names) < 3 or 4 * len(names) < 3 * len(tables):
            continue
        for table in tables:
            if not (table.row_security or table.policies) and _is_known(table, ctx):
                yield Hit(
                    ctx.of_table(table),
                    f"{quoted(table.name)} has {quoted(column)} and no row-level security, unlike"
                    f" {len(names)} other tables with that column",
                    related=(ctx.of_table(schema.tables[min(names)]),),
                )


@rule(
    "schema/table-without-row-security",
    Severity.INFO,
    FindingClass.RISK,
    on="schema",
    opt_in=True,
    fix="Enable row-level security, or revoke the privileges",
    references=[_ROW_SECURITY, _SUPABASE, "CWE-862"],
    bad="""
    CREATE TABLE posts (id bigint PRIMARY KEY, title text NOT NULL);
    GRANT SELECT ON posts TO anon;
    """,
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY, title text NOT NULL);
    CREATE POLICY visible ON posts FOR SELECT USING (true);
    ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
    GRANT SELECT ON posts TO anon;
    """,
)
def table_without_row_security(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """Anybody may read a table that has no row-level security.

    The table is granted to PUBLIC, or to a role that an API gives to anybody (`anon`,
    `authenticated`).
    """
    for name, roles in granted(schema, "select").items():
        table = schema.tables.get(name)
        if table and not table.row_security and not table.foreign and not table.partition_by:
            yield Hit(
                ctx.of_table(table),
                f"{written_roles(roles)} may read {quoted(name)}, which has no row-level security",
            )


@rule(
    "schema/policy-always-true",
    Severity.WARNING,
    FindingClass.RISK,
    on="policy",
    fix="Compare the row with the session, or name the roles that the policy is meant for",
    references=[_CREATE_POLICY, "CWE-862"],
    bad="""
    CREATE TABLE posts (id bigint PRIMARY KEY, author name NOT NULL);
    ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
    CREATE POLICY writing ON posts FOR UPDATE USING (true);
    """,
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY, author name NOT NULL);
    CREATE INDEX ON posts (author);
    ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
    CREATE POLICY reading ON posts FOR SELECT USING (true);
    CREATE POLICY writing ON posts FOR UPDATE USING (author = current_user);
    """,
)
def policy_always_true(part: PolicyPart, ctx: Context) -> Iterator[Hit]:
    """A policy lets anybody change every row.

    Its condition is always true, for UPDATE, DELETE or ALL, and it holds for PUBLIC, `anon` or
    `authenticated`: for writing, row-level security is as good as off. A restrictive policy beside
    it makes it harmless. Reading by everybody is often meant, and is left alone.
    """
    table, policy = part
    if policy.command in ("select", "insert") or not _opens(table, policy):
        return
    using, check = (_always(text) for text in (policy.using, policy.check))
    if using or check:
        clause = "USING" if using else "WITH CHECK"
        yield Hit(
            ctx.of(part),
            f"the policy {quoted(policy.name)} of {quoted(table.name)} for"
            f" {policy.command.upper()} is true for every row ({clause})",
            evidence=f"to {written_roles(policy.roles)}",
        )


@rule(
    "schema/insert-policy-always-true",
    Severity.INFO,
    FindingClass.RISK,
    on="policy",
    opt_in=True,
    fix="Check that the new row belongs to the session",
    references=[_CREATE_POLICY, "CWE-862"],
    bad="""
    CREATE TABLE posts (id bigint PRIMARY KEY, author name NOT NULL);
    ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
    CREATE POLICY writing ON posts FOR INSERT WITH CHECK (true);
    """,
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY, author name NOT NULL);
    ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
    CREATE POLICY writing ON posts FOR INSERT WITH CHECK (author = current_user);
    """,
)
def insert_policy_always_true(part: PolicyPart, ctx: Context) -> Iterator[Hit]:
    """A policy lets anybody insert any row, also in the name of others.

    Forms that everybody may fill in are meant so.
    """
    table, policy = part
    if policy.command != "insert" or not _opens(table, policy):
        return
    if policy.check is None or _always(policy.check):
        yield Hit(
            ctx.of(part),
            f"the policy {quoted(policy.name)} of {quoted(table.name)} lets"
            f" {written_roles(policy.roles)} insert any row",
        )


def _opens(table: Table, policy: Policy) -> bool:
    """Whether the policy alone decides for anybody."""
    return (
        table.row_security
        and table.name.schema not in PROVIDED
        and policy.permissive
        and any(role in ANYBODY for role in policy.roles)
        and not any(
            not other.permissive
            and other.command in ("all", policy.command)
            and not (_always(other.using) or _always(other.check))
            for other in table.policies.values()
        )
    )


def _always(expression: str | None) -> bool:
    return expression is not None and always(condition(expression))


@rule(
    "schema/policy-trusts-user-metadata",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="policy",
    fix="Keep what decides about access in `app_metadata`, or in a table",
    references=[
        "https://supabase.com/docs/guides/database/database-advisors?lint=0015_rls_references_user_metadata",
        "CWE-639",
    ],
    bad="""
    CREATE TABLE posts (id bigint PRIMARY KEY, team text NOT NULL);
    ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
    CREATE POLICY team ON posts FOR SELECT
        USING ((SELECT auth.jwt() -> 'user_metadata' ->> 'role') = 'admin');
    """,
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY, team text NOT NULL);
    ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
    CREATE POLICY team ON posts FOR SELECT
        USING ((SELECT auth.jwt() -> 'app_metadata' ->> 'role') = 'admin');
    """,
)
def policy_trusts_user_metadata(part: PolicyPart, ctx: Context) -> Iterator[Hit]:
    """A policy believes what users write about themselves.

    `user_metadata` in the token of Supabase Auth is what the user set by `updateUser`, so that
    everybody can be whoever the policy looks for.
    """
    table, policy = part
    if table.name.schema not in PROVIDED and any(
        _USER_METADATA.search(text) for text in (policy.using, policy.check) if text
    ):
        yield Hit(
            ctx.of(part),
            f"the policy {quoted(policy.name)} of {quoted(table.name)} depends on `user_metadata`,"
            " which users edit themselves",
        )


_USER_METADATA = re.compile(
    r"(auth\.jwt\(\)|current_setting\([^)]*request\.jwt\.claims?).*\b(raw_)?user_meta_?data\b",
    re.DOTALL,
)


@rule(
    "schema/policy-recursion",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="schema",
    fix="Read the table in a SECURITY DEFINER function, which policies do not apply to",
    references=[_CREATE_POLICY],
    bad="""
    CREATE TABLE members (
        team bigint NOT NULL, member name NOT NULL, PRIMARY KEY (team, member)
    );
    ALTER TABLE members ENABLE ROW LEVEL SECURITY;
    CREATE POLICY team ON members FOR SELECT
        USING (team IN (SELECT m.team FROM members AS m WHERE m.member = current_user));
    """,
    good="""
    CREATE TABLE members (
        team bigint NOT NULL, member name NOT NULL, PRIMARY KEY (member, team)
    );
    ALTER TABLE members ENABLE ROW LEVEL SECURITY;
    CREATE POLICY team ON members FOR SELECT USING (member = current_user);
    """,
)
def policy_recursion(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A policy reads its own table, through its own policies.

    PostgreSQL refuses every query of the table: infinite recursion detected in policy. It does so,
    too, when two tables' policies read each other.
    """
    reads = {table.name: list(_reads(table, ctx)) for table in ctx.tables if table.row_security}
    for name, policies in reads.items():
        for policy, others in policies:
            place = ctx.of(Part(schema.tables[name], policy))
            told = f"the policy {quoted(policy.name)} of {quoted(name)} reads"
            back = [other for other in sorted(others) if _is_read(reads[other], name, policy)]
            if name in others:
                yield Hit(place, f"{told} that table")
            elif back:
                yield Hit(place, f"{told} {quoted(back[0])}, whose policy reads it")


def _reads(table: Table, ctx: Context) -> Iterator[tuple[Policy, frozenset[Name]]]:
    """The policies for reading, with the guarded tables that their own queries read."""
    from ...ddl.expressions import names_of

    for policy in table.policies.values():
        if policy.command in ("select", "all") and "select" in (policy.using or "").lower():
            named = names_of(policy.using or "").relations
            near = [(schema or table.name.schema, relation) for schema, relation in named]
            far = [("public", relation) for schema, relation in named if not schema]
            tables = [ctx.schema.tables.get(Name(*name)) for name in (*near, *far)]
            yield (
                policy,
                frozenset(t.name for t in tables if t and t.row_security and not t.partition_of),
            )


def _is_read(policies: list[tuple[Policy, frozenset[Name]]], name: Name, by: Policy) -> bool:
    """Whether one of the policies reads the table, for a role that the other one is for, too."""
    return any(
        name in others
        and ("public" in (*policy.roles, *by.roles) or not set(policy.roles).isdisjoint(by.roles))
        for policy, others in policies
    )


@rule(
    "schema/policy-call-per-row",
    Severity.INFO,
    FindingClass.RISK,
    on="schema",
    fix="Write the call as a sub-select: `(SELECT auth.uid())`",
    references=[
        _SUPABASE + "#call-functions-with-select",
        "https://www.postgresql.org/docs/current/xfunc-volatility.html",
    ],
    bad="""
    CREATE TABLE posts (id bigint PRIMARY KEY, author text NOT NULL);
    CREATE INDEX ON posts (author);
    ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON posts FOR SELECT USING (author = current_setting('app.user'));
    """,
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY, author text NOT NULL);
    CREATE INDEX ON posts (author);
    ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON posts FOR SELECT USING
        (author = (SELECT current_setting('app.user')));
    """,
)
def policy_call_per_row(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A policy asks for the session anew in each row.

    `current_setting`, the functions of Supabase Auth and functions of the schema that are STABLE
    and take no argument give one answer for a whole query. Called in a sub-select they run once,
    else, wherever no index takes the comparison, for each row that is looked at.
    """
    is_session = _is_session(ctx)
    for part in ctx.subjects("policy"):
        table: Table = part.table
        if table.row_security and table.name.schema not in PROVIDED - {"realtime", "storage"}:
            yield from _calls_per_row(part, ctx, is_session)


def _calls_per_row(
    part: PolicyPart, ctx: Context, is_session: Callable[[Name], bool]
) -> Iterator[Hit]:
    from ..policy_expressions import once, per_row_calls

    table, policy = part
    clauses = {"USING": policy.using, "WITH CHECK": policy.check}
    calls = {c for text in clauses.values() if text for c in per_row_calls(text, is_session)}
    if calls:
        better = " ".join(
            f"{clause} ({once(text, is_session)})" for clause, text in clauses.items() if text
        )
        yield Hit(
            ctx.of(part),
            f"the policy {quoted(policy.name)} of {quoted(table.name)} calls"
            f" {quoted(', '.join(sorted(calls)))} for each row",
            ddl=(
                f"ALTER POLICY {quote(ctx.dialect, policy.name)}"
                f" ON {written(ctx, table.name)} {better}",
            ),
        )


def _is_session(ctx: Context) -> Callable[[Name], bool]:
    """Whether a function, by its name, tells something about the session."""
    own = {
        name
        for function in ctx.schema.functions.values()
        if function.volatility == "stable" and not function.arguments
        for name in (function.name, Name("", function.name.name))
    }
    return lambda name: name in own or name in _SESSION


_SESSION = frozenset(
    [
        *(Name("auth", name) for name in ("uid", "jwt", "role", "email")),
        *(Name(schema, "current_setting") for schema in ("", "pg_catalog")),
    ]
)


@rule(
    "schema/policy-column-without-index",
    Severity.WARNING,
    FindingClass.RISK,
    on="schema",
    fix="Create an index that begins with the column",
    references=[_SUPABASE + "#add-indexes", _ROW_SECURITY],
    bad="""
    CREATE TABLE orders (id bigint PRIMARY KEY, tenant text NOT NULL);
    ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON orders USING (tenant = (SELECT current_setting('app.tenant')));
    """,
    good="""
    CREATE TABLE orders (id bigint PRIMARY KEY, tenant text NOT NULL);
    CREATE INDEX orders_tenant_idx ON orders (tenant);
    ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON orders USING (tenant = (SELECT current_setting('app.tenant')));
    """,
)
def policy_column_without_index(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """No index leads with the column that a policy filters by.

    The condition of the policy is added to every query of the table. Without an index on the
    column, a query that asks for nothing else reads the rows of all tenants to find those of one.
    """
    taken = set(relation_names(schema))
    is_session = _is_session(ctx)
    for table in ctx.tables:
        facts = ctx.facts_of(table)
        small = facts is not None and facts.rows is not None and facts.rows < FEW_ROWS
        if small or not (table.row_security and _is_known(table, ctx)):
            continue
        keys = {key.columns for key in table.foreign_keys.values()}
        for column, policy in _session_columns(table, is_session).items():
            if any(serves(path, [column]) for path in ctx.paths[table.name]):
                continue
            name = index_name(ctx, table, [column], taken)
            taken.add(Name(table.name.schema, name))
            yield Hit(
                ctx.of(Part(table, policy)),
                f"no index of {quoted(table.name)} leads with {quoted(column)}, which the policy"
                f" {quoted(policy.name)} filters by",
                related=(ctx.of(Part(table, table.columns[column])),),
                ddl=() if (column,) in keys else (create_index(ctx, table, name, [column]),),
            )


def _session_columns(table: Table, is_session: Callable[[Name], bool]) -> dict[str, Policy]:
    """The columns that policies compare with a value of the session, each with its first policy."""
    found: dict[str, Policy] = {}
    if table.policies:
        from ..policy_expressions import session_columns

        for policy in table.policies.values():
            for column in session_columns(policy.using or "true", is_session):
                if column in table.columns:
                    found.setdefault(column, policy)
    return found


@rule(
    "schema/multiple-permissive-policies",
    Severity.INFO,
    FindingClass.RISK,
    on="table",
    opt_in=True,
    fix="Join them by OR in one policy",
    references=[_ROW_SECURITY, _CREATE_POLICY],
    bad="""
    CREATE TABLE posts (id bigint PRIMARY KEY, author name NOT NULL, public boolean NOT NULL);
    CREATE INDEX ON posts (author);
    ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON posts FOR SELECT USING (author = current_user);
    CREATE POLICY published ON posts FOR SELECT USING (public);
    """,
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY, author name NOT NULL, public boolean NOT NULL);
    ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
    CREATE POLICY visible ON posts FOR SELECT USING (author = current_user OR public);
    """,
)
def multiple_permissive_policies(table: Table, ctx: Context) -> Iterator[Hit]:
    """Several permissive policies hold for one role and command.

    They are joined by OR, and each is evaluated for each row until one is true. Who may see what
    is told in several places, and one careless policy opens the table whatever the others say.
    """
    if table.name.schema in PROVIDED:
        return
    found: dict[str, set[str]] = defaultdict(set)
    for command in ("select", "insert", "update", "delete"):
        policies = [
            policy
            for policy in table.policies.values()
            if policy.permissive and policy.command in ("all", command)
        ]
        for role in {role for policy in policies for role in policy.roles}:
            names = [p.name for p in policies if {role, "public"} & set(p.roles)]
            if len(names) > 1:
                found[", ".join(sorted(names))].add(command)
    for names_text, commands in sorted(found.items()):
        yield Hit(
            ctx.of_table(table),
            f"several permissive policies of {quoted(table.name)} hold for one role and"
            f" {', '.join(sorted(commands)).upper()}: {quoted(names_text, 200)}",
        )


@rule(
    "schema/policy-for-owner",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="policy",
    fix="FORCE ROW LEVEL SECURITY, or let a role that is not the owner do the work",
    references=[_ROW_SECURITY],
    bad="""
    CREATE TABLE posts (id bigint PRIMARY KEY, author text NOT NULL);
    ALTER TABLE posts OWNER TO app;
    ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON posts TO app USING (id > 0);
    """,
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY, author text NOT NULL);
    ALTER TABLE posts OWNER TO app;
    ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
    ALTER TABLE posts FORCE ROW LEVEL SECURITY;
    CREATE POLICY own ON posts TO app USING (id > 0);
    """,
)
def policy_for_owner(part: PolicyPart, ctx: Context) -> Iterator[Hit]:
    """A policy is for the table's owner alone, to whom policies do not apply.

    An owner passes row-level security by, unless the table has FORCE ROW LEVEL SECURITY.
    """
    table, policy = part
    if table.row_security and not table.force_row_security and policy.roles == (table.owner,):
        yield Hit(
            ctx.of(part),
            f"the policy {quoted(policy.name)} is for {quoted(table.owner)}, who owns"
            f" {quoted(table.name)} and passes its policies by",
            ddl=(f"ALTER TABLE {written(ctx, table.name)} FORCE ROW LEVEL SECURITY",),
        )


@rule(
    "schema/row-security-not-forced",
    Severity.INFO,
    FindingClass.RISK,
    on="table",
    opt_in=True,
    fix="FORCE ROW LEVEL SECURITY, or let the application connect as a role that is not the owner",
    references=[_ROW_SECURITY],
    bad="""
    CREATE TABLE posts (id bigint PRIMARY KEY, author name NOT NULL);
    CREATE INDEX ON posts (author);
    ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON posts USING (author = current_user);
    """,
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY, author name NOT NULL);
    CREATE INDEX ON posts (author);
    ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
    ALTER TABLE posts FORCE ROW LEVEL SECURITY;
    CREATE POLICY own ON posts USING (author = current_user);
    """,
)
def row_security_not_forced(table: Table, ctx: Context) -> Iterator[Hit]:
    """The owner of a table passes its policies by.

    Where the application connects as the role that runs the migrations, it owns the tables, and
    their policies protect nothing.
    """
    if table.row_security and table.policies and not table.force_row_security:
        yield Hit(
            ctx.of_table(table),
            f"the policies of {quoted(table.name)} do not apply to its owner",
            ddl=(f"ALTER TABLE {written(ctx, table.name)} FORCE ROW LEVEL SECURITY",),
        )
