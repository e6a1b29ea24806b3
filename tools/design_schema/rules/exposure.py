"""Rules on data that is open to anybody: grants, names that tell of secrets, passwords."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...ddl.model import Schema, Table, View
from ...ddl.types import Family
from ...names import words
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, Place, rule
from ..context import ColumnPart, Context
from ..rights import PROVIDED, granted, written_roles

_GRANT = "https://www.postgresql.org/docs/current/sql-grant.html"
_PRIVILEGES = "https://www.postgresql.org/docs/current/ddl-priv.html"
_PASSWORDS = "https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html"
_SPLINTER = "https://supabase.com/docs/guides/database/database-advisors?lint="

_SHORTEST_HASH = 60  # characters of bcrypt's; those of Argon2, scrypt and PBKDF2 are longer


@rule(
    "schema/password-too-short-for-hash",
    Severity.WARNING,
    FindingClass.RISK,
    on="column",
    confidence=Confidence.MEDIUM,
    fix="Store an Argon2id or bcrypt hash, in a column of 255 characters",
    references=[_PASSWORDS, "CWE-256", "CWE-916"],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY, password varchar(20) NOT NULL);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, password varchar(255) NOT NULL);
    """,
)
def password_too_short_for_hash(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """A password's column has no room for a hash that is fit for passwords.

    bcrypt takes 60 characters, Argon2id more. What fits is the password itself, or a fast hash such
    as MD5 (32) and SHA-1 (40), which are guessed by the billion a second.
    """
    column = part.value
    length = next((int(arg) for arg in column.type.args[:1] if arg.isdigit()), None)
    texts = (Family.VARCHAR, Family.CHAR)
    if not length or ctx.family(column) not in texts:
        return
    is_ours = not any(_ELSEWHERE.search(words(name)) for name in part.table.columns)
    if length < _SHORTEST_HASH and is_ours and _PASSWORD.fullmatch(words(column.name)):
        yield Hit(
            ctx.of(part),
            f"{quoted(column.name)} of {quoted(part.table.name)} is a"
            f" {quoted(column.type)}: too short for a hash of bcrypt or Argon2",
        )


# A password for another system has to be kept as it is.
_ELSEWHERE = re.compile(r"_(host|hostname|server|port|url|uri|smtp|imap|ftp|proxy|dsn)_")
_PASSWORD = re.compile(r"_(user_|login_|member_|customer_|account_)?(password|passwd|pwd)(_hash)?_")


@rule(
    "schema/writable-by-anybody",
    Severity.WARNING,
    FindingClass.RISK,
    on="schema",
    fix="Revoke the privileges and grant them to the roles that need them, or enable row-level"
    " security",
    references=[_GRANT, _PRIVILEGES, "CWE-732"],
    bad="""
    CREATE TABLE posts (id bigint PRIMARY KEY);
    GRANT ALL ON posts TO PUBLIC;
    """,
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY);
    GRANT ALL ON posts TO editor;
    GRANT SELECT ON posts TO PUBLIC;
    """,
)
def writable_by_anybody(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """Everybody may change a table.

    PUBLIC holds for all roles of the server, also those made later for other databases; `anon` is
    whoever calls the API without a login. Tables with row-level security are left alone.
    """
    privileges: dict[str, dict[str, set[str]]] = {}
    for grant in schema.grants:
        if grant.kind == "table" and grant.grantee in _EVERYBODY and grant.privilege in _WRITES:
            by_role = privileges.setdefault(grant.object, {})
            by_role.setdefault(grant.grantee, set()).add(grant.privilege)
    for table in ctx.tables:
        by_role = privileges.get(".".join(table.name), {})
        if by_role and not table.row_security and table.name.schema not in PROVIDED:
            roles = written_roles(tuple(role for role in _EVERYBODY if role in by_role))
            rights = ", ".join(sorted(set().union(*by_role.values()))).upper()
            yield Hit(ctx.of_table(table), f"{roles} may {rights} in {quoted(table.name)}")


_EVERYBODY = ("public", "anon")
_WRITES = ("insert", "update", "delete", "truncate")


@rule(
    "schema/sensitive-column-readable",
    Severity.WARNING,
    FindingClass.RISK,
    on="schema",
    confidence=Confidence.MEDIUM,
    fix="Enable row-level security, grant the other columns only, or revoke the privilege",
    references=[_SPLINTER + "0023_sensitive_columns_exposed", _PRIVILEGES, "CWE-200", "CWE-359"],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL, ssn text);
    GRANT SELECT ON users TO anon;
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL, ssn text);
    GRANT SELECT (id, name) ON users TO anon;
    """,
)
def sensitive_column_readable(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """Anybody may read a column that is called like a secret, or like data of a person.

    The table is granted to PUBLIC, or to a role that an API gives to anybody, and has no row-level
    security.
    """
    open_columns = {
        (grant.object, column)
        for grant in schema.grants
        if grant.kind == "table" and grant.privilege == "select"
        for column in grant.columns or ("",)
    }
    for name, roles in granted(schema, "select").items():
        table = schema.tables.get(name)
        if table is None or table.row_security or name.schema in PROVIDED:
            continue
        there = ".".join(name)
        told = [
            column
            for column in table.columns
            if _SENSITIVE.fullmatch(words(column)) and {(there, ""), (there, column)} & open_columns
        ]
        if told:
            yield Hit(
                ctx.of_table(table),
                f"{written_roles(roles)} may read {', '.join(map(quoted, told[:4]))} of"
                f" {quoted(name)}",
            )


_SENSITIVE = re.compile(
    r"_(?:password|passwd|pwd|passphrase|password_hash|password_digest|secret|secret_token"
    r"|(?:secret|private|api|auth|session|pgp|gpg|ssh|license|activation|encryption)_?key"
    r"|(?:(?:access|refresh|oauth|auth|session|bearer|reset|api|id)_)?token|jwt"
    r"|(?:auth|recovery|backup|verification|2_?fa|swift|otp)_code|session_(?:id|secret)|otp"
    r"|(?:otp|totp|2_?fa|client)_secret|two_factor|ssn|social_security(?:_number)?"
    r"|drivers?_license(?:_number)?|license_number|passport_(?:number|id)|national_id|tax_id"
    r"|credit_card(?:_number)?|card_number|cvv|cvc|cvn|(?:bank_)?account_number|bank_account"
    r"|routing_number|iban|bic|(?:health|medical)_(?:record|insurance)|patient_id"
    r"|insurance_number|treatment|mac_address|macaddr|imei|device_uuid|certificate"
    r"|facial_recognition)_"
)


@rule(
    "schema/foreign-table-readable",
    Severity.INFO,
    FindingClass.RISK,
    on="schema",
    opt_in=True,
    fix="Revoke the privilege",
    references=[_SPLINTER + "0017_foreign_table_in_api"],
    bad="""
    CREATE EXTENSION postgres_fdw;
    CREATE SERVER shop FOREIGN DATA WRAPPER postgres_fdw;
    CREATE FOREIGN TABLE orders (id bigint) SERVER shop;
    GRANT SELECT ON orders TO anon;
    """,
    good="""
    CREATE EXTENSION postgres_fdw;
    CREATE SERVER shop FOREIGN DATA WRAPPER postgres_fdw;
    CREATE FOREIGN TABLE orders (id bigint) SERVER shop;
    GRANT SELECT ON orders TO reporting;
    """,
)
def foreign_table_readable(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """Anybody may read a foreign table.

    It cannot have row-level security: whoever has SELECT sees every row of the other server that
    the mapped user sees.
    """
    for name, roles in granted(schema, "select").items():
        table = schema.tables.get(name)
        if table and table.foreign and name.schema not in PROVIDED:
            yield Hit(
                ctx.of_table(table),
                f"{written_roles(roles)} may read the foreign table {quoted(name)}",
            )


@rule(
    "schema/graphql-shows-table",
    Severity.INFO,
    FindingClass.RISK,
    on="schema",
    opt_in=True,
    fix="Revoke SELECT from the role, or drop the extension pg_graphql",
    references=[_SPLINTER + "0026_pg_graphql_anon_table_exposed"],
    bad="""
    CREATE EXTENSION pg_graphql;
    CREATE TABLE posts (id bigint PRIMARY KEY);
    GRANT SELECT ON posts TO anon;
    """,
    good="""
    CREATE EXTENSION pg_graphql;
    CREATE TABLE posts (id bigint PRIMARY KEY);
    GRANT SELECT ON posts TO editor;
    """,
)
def graphql_shows_table(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """pg_graphql tells anybody of a table, by introspection.

    What a role may select from, in one column at least, is in the schema that it is shown.
    """
    if "pg_graphql" not in schema.extensions:
        return
    for name, roles in granted(schema, "select").items():
        holder: Table | View | None = schema.tables.get(name) or schema.views.get(name)
        rooted = isinstance(holder, Table) and holder.partition_by is not None
        if holder and not rooted and name.schema not in PROVIDED:
            yield Hit(
                ctx.of_table(holder), f"{written_roles(roles)} may see {quoted(name)} by GraphQL"
            )


@rule(
    "schema/extension-in-public",
    Severity.INFO,
    FindingClass.STYLE,
    on="schema",
    opt_in=True,
    fix="CREATE EXTENSION … SCHEMA extensions",
    references=[
        "https://www.postgresql.org/docs/current/sql-createextension.html",
        _SPLINTER + "0014_extension_in_public",
    ],
    bad="""
    CREATE EXTENSION pg_trgm;
    """,
    good="""
    CREATE SCHEMA extensions;
    CREATE EXTENSION pg_trgm SCHEMA extensions;
    """,
)
def extension_in_public(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """An extension puts its objects into the schema `public`.

    They mix with those of the application, and an API over that schema shows its functions.
    """
    for extension in schema.extensions.values():
        if extension.schema in ("", "public") and extension.name != "plpgsql" and ctx.is_postgres:
            place: Place = ctx.place(extension, "extensions", extension.name)
            yield Hit(place, f"the extension {quoted(extension.name)} is in the schema `public`")
