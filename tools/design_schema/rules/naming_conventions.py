"""Conventions on the names of keys and indexes, on plural and on words that say nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ...ddl.model import Index, Key, Schema, Table
from ...names import words
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule
from ..context import ColumnPart, Context, ForeignKeyPart, IndexPart, Part

_INDEXES = "https://www.postgresql.org/docs/current/sql-createindex.html"
_KEYS = "https://www.postgresql.org/docs/current/ddl-constraints.html"


@rule(
    "schema/index-name",
    Severity.INFO,
    FindingClass.STYLE,
    on="index",
    opt_in=True,
    fix="Name it `idx_TABLE_COLUMNS`, or leave the name to the engine",
    references=[_INDEXES],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL);
    CREATE INDEX by_name ON users (name);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL);
    CREATE INDEX idx_users_name ON users (name);
    """,
)
def index_name(part: IndexPart, ctx: Context) -> Iterator[Hit]:
    """The name of an index does not tell its table and columns.

    A convention: `idx_TABLE_COLUMNS`. Plans and errors show nothing but the name.
    """
    table, index = part
    if (
        not index.unique
        and not index.parent
        and index.method in ("btree", "hash", "gin", "gist", "")
    ):
        columns = [str(each.expression) for each in index.parts if each.is_column]
        expected = "_".join(["idx", table.name.name, *columns])
        made = "_".join([table.name.name, *(columns or ["expr"]), "idx"])
        if not _is_any(index.name, expected, made) and not _is_first_column(index.name, columns):
            yield Hit(
                ctx.of(part),
                f"the index {quoted(index.name)} of {quoted(table.name)} is not named"
                f" {quoted(expected)}",
            )


@rule(
    "schema/unique-key-name",
    Severity.INFO,
    FindingClass.STYLE,
    on="table",
    opt_in=True,
    fix="Name it `uk_TABLE_COLUMNS`, or leave the name to the engine",
    references=[_KEYS],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL CONSTRAINT one_name UNIQUE);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL CONSTRAINT uk_users_name UNIQUE);
    """,
)
def unique_key_name(table: Table, ctx: Context) -> Iterator[Hit]:
    """The name of a unique key does not tell its table and columns.

    A convention: `uk_TABLE_COLUMNS`. The error that a duplicate raises shows nothing but the name.
    """
    found: list[tuple[Key | Index, str]] = [
        *((key, "keys") for key in table.keys.values() if not key.primary),
        *((index, "indexes") for index in table.indexes.values() if index.unique),
    ]
    for key, kind in found:
        columns = key.columns
        expected = "_".join(["uk", table.name.name, *columns])
        made = ["_".join([table.name.name, *columns, end]) for end in ("key", "idx")]
        if not _is_any(key.name, expected, *made) and not _is_first_column(key.name, columns):
            yield Hit(
                ctx.place(key, "tables", str(table.name), kind, key.name),
                f"the unique key {quoted(key.name)} of {quoted(table.name)} is not named"
                f" {quoted(expected)}",
            )


@rule(
    "schema/primary-key-name",
    Severity.INFO,
    FindingClass.STYLE,
    on="key",
    opt_in=True,
    fix="Name it `pk_TABLE_COLUMNS`, or leave the name to the engine",
    references=[_KEYS],
    bad="""
    CREATE TABLE users (id bigint CONSTRAINT main PRIMARY KEY);
    """,
    good="""
    CREATE TABLE users (id bigint CONSTRAINT pk_users_id PRIMARY KEY);
    """,
)
def primary_key_name(part: Part[Key], ctx: Context) -> Iterator[Hit]:
    """The name of a primary key does not tell its table and columns.

    A convention: `pk_TABLE_COLUMNS`. MySQL calls every primary key PRIMARY.
    """
    table, key = part
    expected = "_".join(["pk", table.name.name, *key.columns])
    made = (f"{table.name.name}_pkey", "PRIMARY", "")
    if key.primary and not ctx.is_mysql and not _is_any(key.name, expected, *made):
        yield Hit(
            ctx.of(part),
            f"the primary key {quoted(key.name)} of {quoted(table.name)} is not named"
            f" {quoted(expected)}",
        )


@rule(
    "schema/foreign-key-name",
    Severity.INFO,
    FindingClass.STYLE,
    on="foreign_key",
    opt_in=True,
    fix="Name it `fk_TABLE_COLUMNS_REFERENCED_COLUMNS`, or leave the name to the engine",
    references=[_KEYS],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE posts (
        id bigint PRIMARY KEY, user_id bigint CONSTRAINT author REFERENCES users
    );
    CREATE INDEX ON posts (user_id);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE posts (
        id bigint PRIMARY KEY, user_id bigint CONSTRAINT fk_posts_user_id_users_id REFERENCES users
    );
    CREATE INDEX ON posts (user_id);
    """,
)
def foreign_key_name(part: ForeignKeyPart, ctx: Context) -> Iterator[Hit]:
    """The name of a foreign key does not tell what references what.

    A convention: `fk_TABLE_COLUMNS_REFERENCED_COLUMNS`. The error that a missing row raises shows
    nothing but the name.
    """
    table, key = part
    expected = "_".join(["fk", table.name.name, *key.columns, key.table.name, *key.referenced])
    made = "_".join([table.name.name, *key.columns, "fkey"])
    is_made = re.fullmatch(re.escape(table.name.name) + r"_ibfk_\d+", key.name, re.I)
    if not _is_any(key.name, expected, made, "") and not is_made:
        yield Hit(
            ctx.of(part),
            f"the foreign key {quoted(key.name)} of {quoted(table.name)} is not named"
            f" {quoted(expected)}",
        )


def _is_any(name: str, *expected: str) -> bool:
    """Whether the name is one of those, perhaps cut by the engine or with a number behind it."""
    plain = re.sub(r"(?<=_idx|_key)\d+$|(?<=_fkey)\d+$", "", name).lower()
    return any(
        plain == each.lower() or (len(each) > 63 and plain[:20] == each[:20].lower())
        for each in expected
    )


def _is_first_column(name: str, columns: Sequence[str]) -> bool:
    """Whether MySQL has named the index after its first column."""
    pattern = re.escape(columns[0]) + r"(_\d+)?" if columns else "(?!)"
    return re.fullmatch(pattern, name, re.I) is not None


@rule(
    "schema/singular-and-plural",
    Severity.INFO,
    FindingClass.STYLE,
    on="schema",
    opt_in=True,
    confidence=Confidence.LOW,
    fix="Name all tables in the plural, or all in the singular",
    references=["https://www.postgresql.org/docs/current/ddl-basics.html"],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE posts (id bigint PRIMARY KEY);
    CREATE TABLE comment (id bigint PRIMARY KEY);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE posts (id bigint PRIMARY KEY);
    CREATE TABLE comments (id bigint PRIMARY KEY);
    """,
)
def singular_and_plural(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """Some tables are named in the plural, some in the singular.

    A convention: nobody should have to look up which.
    """
    plural = {t.name: _is_plural(t.name.name) for t in ctx.tables}
    usual = sum(plural.values()) * 2 >= len(plural)
    for table in ctx.tables:
        if plural[table.name] != usual:
            kinds = ("plural", "singular") if plural[table.name] else ("singular", "plural")
            yield Hit(
                ctx.of_table(table),
                f"the table {quoted(table.name)} is named in the {kinds[0]}, most are in the"
                f" {kinds[1]}",
            )


def _is_plural(name: str) -> bool:
    last = words(name).strip("_").rpartition("_")[2]
    mass = ("data", "metadata", "people", "media", "children", "information", "history", "settings")
    return last in mass or (last.endswith("s") and not last.endswith(("ss", "us", "is")))


@rule(
    "schema/name-says-nothing",
    Severity.INFO,
    FindingClass.STYLE,
    on="column",
    opt_in=True,
    confidence=Confidence.LOW,
    fix="Name it after what it holds",
    references=["https://www.postgresql.org/docs/current/ddl-basics.html"],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY, field1 text NOT NULL);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, nickname text NOT NULL);
    """,
)
def name_says_nothing(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """The name of a column says nothing.

    A convention: a name tells what the values are, not that there are some.
    """
    if _EMPTY.fullmatch(words(part.value.name)):
        yield Hit(
            ctx.of(part),
            f"the name {quoted(part.value.name)} of {quoted(part.table.name)} is empty",
        )


_EMPTY = re.compile(
    r"_(field|column|col|attr|attribute|data|value|val|var|param|text|string|number|flag|misc|temp"
    r"|tmp|foo|bar|test|dummy|other|stuff|thing|info|x|y|z|a|b|c)(_\d+)?_"
)
