"""Rules that houses differ on: whether to have foreign keys, and what a delete does."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping

from ...ddl.model import Name, Schema
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule
from ..access import label, own_foreign_keys, target
from ..context import Context, ForeignKeyPart, Reference

_POSTGRES = "https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK"
_MYSQL = "https://dev.mysql.com/doc/refman/8.4/en/create-table-foreign-keys.html"

WIDE_CASCADE = 10  # tables that one delete reaches


@rule(
    "schema/foreign-key-used",
    Severity.INFO,
    FindingClass.STYLE,
    on="foreign_key",
    opt_in=True,
    fix="Drop the foreign key, and keep the reference in the application",
    references=[
        "https://docs.planetscale.com/docs/learn/operating-without-foreign-key-constraints"
    ],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE posts (id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users);
    CREATE INDEX ON posts (user_id);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE posts (id bigint PRIMARY KEY, user_id bigint NOT NULL);
    """,
)
def foreign_key_used(part: ForeignKeyPart, ctx: Context) -> Iterator[Hit]:
    """A table has a foreign key.

    A policy of houses that shard their data or change tables by copying them: both are easier
    without.
    """
    table, key = part
    yield Hit(ctx.of(part), f"{quoted(table.name)} has the foreign key {quoted(label(key))}")


@rule(
    "schema/foreign-key-without-delete-action",
    Severity.INFO,
    FindingClass.STYLE,
    on="foreign_key",
    opt_in=True,
    fix="Say ON DELETE RESTRICT, CASCADE or SET NULL",
    references=[_POSTGRES, _MYSQL],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE posts (id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users);
    CREATE INDEX ON posts (user_id);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE posts (
        id bigint PRIMARY KEY,
        user_id bigint NOT NULL REFERENCES users ON DELETE RESTRICT
    );
    CREATE INDEX ON posts (user_id);
    """,
)
def foreign_key_without_delete_action(part: ForeignKeyPart, ctx: Context) -> Iterator[Hit]:
    """A foreign key does not say what deleting the referenced row does.

    A convention: what becomes of the dependent rows is a decision, and should be visible as one.
    """
    table, key = part
    if key.on_delete == "no action":
        yield Hit(
            ctx.of(part),
            f"the foreign key {quoted(label(key))} of {quoted(table.name)} has no ON DELETE",
        )


@rule(
    "schema/cascading-delete",
    Severity.INFO,
    FindingClass.STYLE,
    on="foreign_key",
    opt_in=True,
    fix="Use ON DELETE RESTRICT, and delete the dependent rows on purpose",
    references=[_POSTGRES, _MYSQL],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE posts (
        id bigint PRIMARY KEY,
        user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE
    );
    CREATE INDEX ON posts (user_id);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE posts (
        id bigint PRIMARY KEY,
        user_id bigint NOT NULL REFERENCES users ON DELETE RESTRICT
    );
    CREATE INDEX ON posts (user_id);
    """,
)
def cascading_delete(part: ForeignKeyPart, ctx: Context) -> Iterator[Hit]:
    """Deleting a row deletes those that reference it.

    A policy: one DELETE takes away rows that nobody named, in any number.
    """
    table, key = part
    if key.on_delete == "cascade":
        yield Hit(
            ctx.of(part),
            f"deleting from {quoted(key.table)} deletes from {quoted(table.name)}"
            f" (by {quoted(label(key))})",
        )


@rule(
    "schema/wide-cascade",
    Severity.INFO,
    FindingClass.RISK,
    on="schema",
    opt_in=True,
    fix="Restrict the delete, and remove dependent rows in batches",
    references=[_POSTGRES, "https://www.postgresql.org/docs/current/explicit-locking.html"],
    bad="\n".join(
        ["CREATE TABLE t0 (id bigint PRIMARY KEY);"]
        + [
            f"CREATE TABLE t{n} (id bigint PRIMARY KEY REFERENCES t{n - 1} ON DELETE CASCADE);"
            for n in range(1, WIDE_CASCADE + 1)
        ]
    ),
    good="""
    CREATE TABLE t0 (id bigint PRIMARY KEY);
    CREATE TABLE t1 (id bigint PRIMARY KEY REFERENCES t0 ON DELETE CASCADE);
    CREATE TABLE t2 (id bigint PRIMARY KEY REFERENCES t1 ON DELETE CASCADE);
    """,
)
def wide_cascade(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """One delete cascades through many tables.

    It runs as one transaction: every row it reaches is locked until the end, and how many there are
    nobody sees beforehand.
    """
    for table in ctx.tables:
        into = ctx.references.get(table.name, ())
        starts = not any(key.on_delete == "cascade" for key in table.foreign_keys.values())
        if into and starts:
            reached = _cascade(ctx.references, table.name)
            if len(reached) >= WIDE_CASCADE:
                yield Hit(
                    ctx.of_table(table),
                    f"a delete from {quoted(table.name)} cascades to {WIDE_CASCADE} tables or more",
                    evidence=", ".join(map(str, reached)),
                )


def _cascade(references: Mapping[Name, tuple[Reference, ...]], start: Name) -> list[Name]:
    """The first tables that a delete reaches."""
    reached = {start: None}
    queue = deque([start])
    while queue and len(reached) <= WIDE_CASCADE:
        for table, key in references.get(queue.popleft(), ()):
            if key.on_delete == "cascade" and table.name not in reached:
                reached[table.name] = None
                queue.append(table.name)
    return list(reached)[1:]


@rule(
    "schema/self-referencing-foreign-key",
    Severity.INFO,
    FindingClass.RISK,
    on="foreign_key",
    opt_in=True,
    fix="Keep it and read it by recursive queries; or store paths, or a closure table",
    references=["https://www.postgresql.org/docs/current/queries-with.html#QUERIES-WITH-RECURSIVE"],
    bad="""
    CREATE TABLE topics (id bigint PRIMARY KEY, parent_id bigint REFERENCES topics);
    CREATE INDEX ON topics (parent_id);
    """,
    good="""
    CREATE TABLE topics (id bigint PRIMARY KEY, path text NOT NULL UNIQUE);
    """,
)
def self_referencing_foreign_key(part: ForeignKeyPart, ctx: Context) -> Iterator[Hit]:
    """A table references itself.

    A tree of unknown depth: reading a branch takes a recursive query, and nothing stops a row from
    becoming its own ancestor.
    """
    table, key = part
    if key.table == table.name:
        columns = ", ".join(key.columns)
        yield Hit(
            ctx.of(part), f"{quoted(columns)} of {quoted(table.name)} references the table itself"
        )


@rule(
    "schema/isolated-table",
    Severity.INFO,
    FindingClass.RISK,
    on="schema",
    opt_in=True,
    fix="Declare its foreign keys, or drop it when nothing uses it",
    references=[_POSTGRES],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE posts (id bigint PRIMARY KEY REFERENCES users);
    CREATE TABLE notes (id bigint PRIMARY KEY);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE posts (id bigint PRIMARY KEY REFERENCES users);
    """,
)
def isolated_table(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A table is linked to no other.

    In a schema that declares foreign keys it is left over, or its references are not declared.
    """
    keys = [(table, key) for table, key in own_foreign_keys(schema) if key.table != table.name]
    linked = {table.name for table, _ in keys} | {key.table for _, key in keys}
    for table in ctx.tables if keys else ():
        if table.name not in linked:
            yield Hit(ctx.of_table(table), f"{quoted(table.name)} is linked to no other table")


@rule(
    "schema/foreign-key-to-provider-table",
    Severity.WARNING,
    FindingClass.RISK,
    on="foreign_key",
    fix="Reference `auth.users (id)`",
    references=[
        "https://supabase.com/docs/guides/database/database-advisors?lint=0021_fkey_to_auth_unique"
    ],
    bad="""
    CREATE TABLE profiles (
        id bigint PRIMARY KEY,
        email text NOT NULL UNIQUE REFERENCES auth.users (email)
    );
    """,
    good="""
    CREATE TABLE profiles (
        id bigint PRIMARY KEY,
        user_id uuid NOT NULL UNIQUE REFERENCES auth.users (id)
    );
    """,
)
def foreign_key_to_provider_table(part: ForeignKeyPart, ctx: Context) -> Iterator[Hit]:
    """A foreign key references a unique column of Supabase's own tables.

    The tables of the schema `auth` belong to the provider. Its updates may drop a unique constraint
    there, and fail when a foreign key depends on it; only primary keys are promised to stay.
    """
    table, key = part
    if not ctx.is_postgres or key.table.schema != "auth" or table.name.schema == "auth":
        return
    other = target(ctx.schema, key)
    primary = other.primary_key if other else None
    stable = set(primary.columns if primary else ("id",))
    if key.table.name in _PROVIDED and key.referenced and set(key.referenced) != stable:
        columns = ", ".join(key.referenced)
        yield Hit(
            ctx.of(part),
            f"the foreign key {quoted(label(key))} of {quoted(table.name)} depends on"
            f" {quoted(columns)} of {quoted(key.table)}, which is Supabase's",
        )


# https://github.com/supabase/auth/tree/master/migrations
_PROVIDED = (
    *("users", "sessions", "refresh_tokens", "identities", "instances", "audit_log_entries"),
    *("mfa_factors", "mfa_challenges", "mfa_amr_claims", "sso_providers", "sso_domains"),
    *("saml_providers", "saml_relay_states", "flow_state", "one_time_tokens"),
)
