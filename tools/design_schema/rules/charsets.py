"""Rules about character sets and collations."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from ...ddl.model import Column, Dialect, Schema, Table
from ...names import words
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, Place, rule
from ..access import paths
from ..context import ColumnPart, Context
from ..meaning import TEXTS
from ..places import of_database

_UTF8 = "https://dev.mysql.com/doc/refman/8.4/en/charset-unicode-utf8mb3.html"
_CHARSETS = "https://dev.mysql.com/doc/refman/8.4/en/charset-charsets.html"
_COLLATION = "https://www.postgresql.org/docs/current/collation.html"
_MULTIBYTE = "https://www.postgresql.org/docs/current/multibyte.html"

LISTED = 50  # tables of one finding
_FULL = ("", "utf8mb4", "utf16", "utf16le", "utf32", "gb18030", "binary")
_SPECIAL = (*_FULL, "ascii")  # what a single column has a reason for
_ASCII = re.compile(  # what machines write
    r"_(\w*id|ids|session|hash|checksum|digest|md5|sha1|sha256|token|api_key|fingerprint|locale"
    r"|currency|ip|code|kind|state|status|type|version)_$"
)


@rule(
    "schema/incomplete-charset",
    Severity.WARNING,
    FindingClass.RISK,
    on="schema",
    fix="Use `utf8mb4`",
    references=[_UTF8, _CHARSETS],
    bad="""
    -- mysql
    CREATE TABLE users (id bigint PRIMARY KEY, name varchar(100) NOT NULL) CHARSET=utf8mb3;
    """,
    good="""
    -- mysql
    CREATE TABLE users (
        id bigint PRIMARY KEY,
        name varchar(100) NOT NULL,
        hash char(64) CHARACTER SET ascii NOT NULL
    ) CHARSET=utf8mb4;
    """,
)
def incomplete_charset(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A character set cannot hold every character.

    `utf8` and `utf8mb3` of MySQL stop at three bytes: emoji, many Chinese characters and names with
    rare letters are rejected, or cut off without strict mode. `latin1` and the like hold one
    script. Both cost a conversion later. Each character set is one finding, however many tables
    have it: they are converted together.
    """
    alike: defaultdict[str, list[tuple[str, Place]]] = defaultdict(list)
    for table in ctx.tables if ctx.is_mysql else ():
        texts = [
            column
            for column in table.columns.values()
            if ctx.family(column) in TEXTS and not _ASCII.search(words(column.name))
        ]
        charset = table.charset.lower()
        if charset not in _FULL and any(not column.charset for column in texts):
            alike[charset].append((quoted(table.name), ctx.of_table(table)))
        lacking: defaultdict[str, list[Column]] = defaultdict(list)
        for column in texts:
            if column.charset.lower() not in (*_SPECIAL, charset):
                lacking[column.charset.lower()].append(column)
        for own, columns in lacking.items():
            names = ", ".join(column.name for column in columns)
            what = f"{quoted(names)} of {quoted(table.name)}"
            alike[own].append((what, ctx.of(ColumnPart(table, columns[0]))))
    for charset, ((what, place), *others) in alike.items():
        more = f" and of {len(others)} more table{'s' * (len(others) > 1)}" if others else ""
        yield Hit(
            place,
            f"the character set of {what}{more} is {quoted(charset)}",
            related=tuple(other for _, other in others[:LISTED]),
        )


@rule(
    "schema/collations-differ",
    Severity.WARNING,
    FindingClass.RISK,
    on="schema",
    fix="Give both columns one collation",
    references=["https://dev.mysql.com/doc/refman/8.4/en/charset-collation-coercibility.html"],
    bad="""
    -- mysql
    CREATE TABLE users (user_code varchar(20) PRIMARY KEY) COLLATE utf8mb4_0900_ai_ci;
    CREATE TABLE posts (id bigint PRIMARY KEY, user_code varchar(20)) COLLATE utf8mb4_unicode_ci;
    """,
    good="""
    -- mysql
    CREATE TABLE users (user_code varchar(20) PRIMARY KEY) COLLATE utf8mb4_0900_ai_ci;
    CREATE TABLE posts (id bigint PRIMARY KEY, user_code varchar(20)) COLLATE utf8mb4_0900_ai_ci;
    """,
)
def collations_differ(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A column has another collation than the key of the same name.

    MySQL refuses to compare them (`Illegal mix of collations`), or, where one gives way, compares
    without the index of that side.
    """
    keys: dict[str, ColumnPart] = {}
    columns: defaultdict[str, list[ColumnPart]] = defaultdict(list)
    for table in ctx.tables if ctx.is_mysql else ():
        unique = {
            path.columns[0]
            for path in paths(schema, table)
            if path.unique and len(path.columns) == 1
        }
        for column in table.columns.values():
            if ctx.family(column) in TEXTS and _collation(table, column):
                part = ColumnPart(table, column)
                columns[column.name].append(part)
                if column.name in unique and len(re.findall("[A-Za-z]+", column.name)) > 1:
                    keys.setdefault(column.name, part)
    for name, key in keys.items():
        for part in columns[name]:
            if _collation(*part) != _collation(*key):
                yield Hit(
                    ctx.of(part),
                    f"{quoted(name)} of {quoted(part.table.name)} is {quoted(_collation(*part))},"
                    f" that of {quoted(key.table.name)} {quoted(_collation(*key))}",
                    related=(ctx.of(key),),
                )


def _collation(table: Table, column: Column) -> str:
    """The collation, where the DDL says it."""
    if column.charset and not column.collation:
        return ""
    return (column.collation or table.collation).lower()


@rule(
    "schema/database-without-encoding",
    Severity.WARNING,
    FindingClass.RISK,
    on="schema",
    fix="Dump the database and restore it into one with the encoding UTF8",
    references=[
        _MULTIBYTE,
        "https://wiki.postgresql.org/wiki/Don%27t_Do_This#Don.27t_use_SQL_ASCII",
    ],
    bad="""
    -- facts: {"database": {"encoding": "SQL_ASCII"}}
    CREATE TABLE users (id bigint PRIMARY KEY);
    """,
    good="""
    -- facts: {"database": {"encoding": "UTF8"}}
    CREATE TABLE users (id bigint PRIMARY KEY);
    """,
)
def database_without_encoding(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """The database does not know its encoding.

    SQL_ASCII is none: any bytes are stored as they come, clients of different encodings mix theirs
    in one column, and there is no way to tell them apart later.
    """
    if ctx.facts.database.encoding == "SQL_ASCII":
        yield Hit(of_database(ctx), "the encoding of the database is `SQL_ASCII`")


@rule(
    "schema/charset-not-usual",
    Severity.INFO,
    FindingClass.STYLE,
    on="schema",
    opt_in=True,
    fix="Use `utf8mb4` (MySQL), `UTF8` (PostgreSQL)",
    references=[_CHARSETS, _MULTIBYTE],
    bad="""
    -- mysql
    CREATE TABLE users (id bigint PRIMARY KEY, hash char(64) CHARACTER SET ascii NOT NULL);
    """,
    good="""
    -- mysql
    CREATE TABLE users (id bigint PRIMARY KEY, hash char(64) NOT NULL) CHARSET=utf8mb4;
    """,
)
def charset_not_usual(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A character set is none of the usual.

    A policy: one character set for all, `utf8mb4`, and `utf8` where it is left from old times.
    """
    if _is_unusual(schema.charset):
        yield Hit(
            of_database(ctx), f"the character set of the database is {quoted(schema.charset)}"
        )
    for table in ctx.tables:
        if _is_unusual(table.charset):
            yield Hit(
                ctx.of_table(table),
                f"the character set of {quoted(table.name)} is {quoted(table.charset)}",
            )
        for column in table.columns.values():
            if _is_unusual(column.charset):
                yield Hit(
                    ctx.of(ColumnPart(table, column)),
                    f"the character set of {quoted(column.name)} of {quoted(table.name)} is"
                    f" {quoted(column.charset)}",
                )


def _is_unusual(charset: str) -> bool:
    return charset.lower() not in ("", "utf8mb4", "utf8", "utf8mb3", "utf-8", "binary")


@rule(
    "schema/collation-not-usual",
    Severity.INFO,
    FindingClass.STYLE,
    on="schema",
    opt_in=True,
    fix="Leave the collation to the database's default",
    references=[_COLLATION, "https://dev.mysql.com/doc/refman/8.4/en/charset-collations.html"],
    bad="""
    -- mysql
    CREATE TABLE users (id bigint PRIMARY KEY, name varchar(50)) COLLATE utf8mb4_polish_ci;
    """,
    good="""
    -- mysql
    CREATE TABLE users (id bigint PRIMARY KEY, name varchar(50)) COLLATE utf8mb4_0900_ai_ci;
    """,
)
def collation_not_usual(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A collation is none of the usual.

    A policy: columns that sort and compare alike can be joined and compared without surprise.
    """
    if not _is_usual(ctx, schema.collation):
        yield Hit(of_database(ctx), f"the collation of the database is {quoted(schema.collation)}")
    for table in ctx.tables:
        if not _is_usual(ctx, table.collation):
            yield Hit(
                ctx.of_table(table),
                f"the collation of {quoted(table.name)} is {quoted(table.collation)}",
            )
        for column in table.columns.values():
            if not _is_usual(ctx, column.collation):
                yield Hit(
                    ctx.of(ColumnPart(table, column)),
                    f"the collation of {quoted(column.name)} of {quoted(table.name)} is"
                    f" {quoted(column.collation)}",
                )


def _is_usual(ctx: Context, collation: str) -> bool:
    usual = _USUAL[Dialect.MYSQL if ctx.is_mysql else ctx.dialect]
    return (
        usual.fullmatch(collation.rpartition(".")[2] if ctx.is_postgres else collation) is not None
    )


_USUAL = {
    Dialect.POSTGRES: re.compile(
        r"|default|C|POSIX|C[._]utf-?8|pg_c_utf8|pg_unicode_fast|unicode|ucs_basic|und-x-icu"
        r"|utf-?8|utf8",
        re.I,
    ),
    Dialect.MYSQL: re.compile(
        r"|binary|(utf8mb4|utf8mb3|utf8)_(general_ci|unicode_ci|unicode_520_ci|bin|0900_ai_ci"
        r"|0900_as_cs|0900_as_ci|0900_bin|uca1400_ai_ci)|uca1400_ai_ci",
        re.I,
    ),
    Dialect.SQLITE: re.compile("|binary|nocase|rtrim", re.I),
}


@rule(
    "schema/column-charset",
    Severity.INFO,
    FindingClass.STYLE,
    on="column",
    opt_in=True,
    fix="Leave the character set to the table",
    references=["https://dev.mysql.com/doc/refman/8.4/en/charset-column.html"],
    bad="""
    -- mysql
    CREATE TABLE users (id bigint PRIMARY KEY, hash char(64) CHARACTER SET ascii NOT NULL);
    """,
    good="""
    -- mysql
    CREATE TABLE users (id bigint PRIMARY KEY, hash char(64) NOT NULL) CHARSET=utf8mb4;
    """,
)
def column_charset(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """A column has a character set of its own.

    A policy: joins and comparisons of columns in different character sets convert row by row.
    """
    charset = part.value.charset
    if charset and charset.lower() not in (part.table.charset.lower(), "binary"):
        yield Hit(
            ctx.of(part),
            f"{quoted(part.value.name)} of {quoted(part.table.name)} has the character set"
            f" {quoted(charset)}",
        )
