"""Rules about types that an engine refuses, or takes for something else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches

from ...ddl.model import Column, Dialect, Table
from ...ddl.types import Family, max_length
from ...engines.limits import limits
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule
from ..context import ColumnPart, Context
from ..meaning import TEXTS

_AFFINITY = "https://www.sqlite.org/datatype3.html#determination_of_column_affinity"
_COLUMN_COUNT = "https://dev.mysql.com/doc/refman/8.4/en/column-count-limit.html"

ROW_SIZE = 65_535  # bytes, MySQL's limit for a row without its texts and blobs


@rule(
    "schema/text-as-number",
    Severity.WARNING,
    FindingClass.RISK,
    on="column",
    fix="Declare it `TEXT`",
    references=[_AFFINITY],
    bad="""
    -- sqlite
    CREATE TABLE articles (id INTEGER PRIMARY KEY, number STRING NOT NULL);
    """,
    good="""
    -- sqlite
    CREATE TABLE articles (id INTEGER PRIMARY KEY, number TEXT NOT NULL);
    """,
)
def text_as_number(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """A column for texts turns what looks like a number into one.

    SQLite does not know the type `STRING`: its affinity is NUMERIC, so `'007'` is stored as 7 and
    `'1e3'` as 1000. The manual warns of this very name.
    """
    is_loose = ctx.dialect is Dialect.SQLITE and not part.table.strict
    if is_loose and part.value.type.name.lower() in ("string", "str", "nstring"):
        yield Hit(
            ctx.of(part),
            f"{quoted(part.value.name)} of {quoted(part.table.name)} is {quoted(part.value.type)},"
            " which stores texts of digits as numbers",
        )


@rule(
    "schema/misspelt-type",
    Severity.WARNING,
    FindingClass.DEFECT,
    on="column",
    fix="Correct the name of the type",
    references=[_AFFINITY],
    bad="""
    -- sqlite
    CREATE TABLE articles (id INTEGER PRIMARY KEY, title VARHCAR(80) NOT NULL);
    """,
    good="""
    -- sqlite
    CREATE TABLE articles (id INTEGER PRIMARY KEY, title VARCHAR(80) NOT NULL);
    """,
)
def misspelt_type(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """The name of a type is misspelt.

    SQLite takes any word for a type and never says so; the column then has whatever affinity the
    letters happen to give.
    """
    name = part.value.type.name.lower()
    if ctx.dialect is not Dialect.SQLITE or part.table.strict or not name or name in _KNOWN:
        return
    is_word = name.isalpha() and len(name) < 30 and not _SPELT.search(name)
    near = get_close_matches(name, _WORDS, 1, 0.8) if is_word else []
    if near:
        yield Hit(
            ctx.of(part),
            f"{quoted(part.value.name)} of {quoted(part.table.name)} has the unknown type"
            f" {quoted(name)}; {quoted(near[0])} is probably meant",
        )


_SPELT = re.compile("char|clob|text|blob|real|floa|doub")  # what gives the affinity is right
_WORDS = (
    *("integer", "bigint", "smallint", "tinyint", "mediumint", "text", "varchar", "character"),
    *("nvarchar", "numeric", "decimal", "double", "float", "boolean", "datetime", "timestamp"),
    *("blob", "real", "date", "uuid", "json"),
)
_KNOWN = {
    *_WORDS,
    *(
        "int",
        "int2",
        "int4",
        "int8",
        "bool",
        "char",
        "nchar",
        "clob",
        "time",
        "any",
        "string",
        "dec",
    ),
    *("number", "serial", "bigserial", "tinytext", "mediumtext", "longtext", "tinyblob", "binary"),
    *("mediumblob", "longblob", "jsonb", "bytea", "varbinary", "timestamptz", "point", "geometry"),
    *("enum", "set", "money", "currency", "year", "interval", "long", "short", "guid", "varchar2"),
    *("bit", "datetime2", "smalldatetime", "integers", "ntext", "citext", "xml", "fixed", "image"),
    *("integral", "texts", "dates", "timetz", "reals", "single", "uint", "usmallint", "ubigint"),
    *("unsigned", "signed", "bigdecimal", "uinteger", "biginteger", "smallinteger", "floats"),
}


@rule(
    "schema/strict-type-unknown",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="column",
    fix="Use INT, INTEGER, REAL, TEXT, BLOB or ANY, or leave STRICT out",
    references=["https://www.sqlite.org/stricttables.html"],
    bad="""
    -- sqlite
    CREATE TABLE articles (id INTEGER PRIMARY KEY, title VARCHAR(80) NOT NULL) STRICT;
    """,
    good="""
    -- sqlite
    CREATE TABLE articles (id INTEGER PRIMARY KEY, title TEXT NOT NULL) STRICT;
    """,
)
def strict_type_unknown(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """A STRICT table has a column of a type that STRICT does not know.

    SQLite refuses to create the table.
    """
    is_strict = ctx.dialect is Dialect.SQLITE and part.table.strict
    if is_strict and str(part.value.type).lower() not in _STRICT:
        yield Hit(
            ctx.of(part),
            f"{quoted(part.value.name)} of the STRICT table {quoted(part.table.name)} is"
            f" {quoted(part.value.type)}",
        )


_STRICT = ("int", "integer", "real", "text", "blob", "any")


@rule(
    "schema/type-too-long",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="column",
    fix="Use a text type",
    references=[
        "https://www.postgresql.org/docs/current/datatype-character.html",
        "https://dev.mysql.com/doc/refman/8.4/en/char.html",
        _COLUMN_COUNT,
    ],
    bad="""
    -- mysql
    CREATE TABLE posts (id bigint PRIMARY KEY, body varchar(20000) NOT NULL) CHARSET=utf8mb4;
    """,
    good="""
    -- mysql
    CREATE TABLE posts (id bigint PRIMARY KEY, body text NOT NULL) CHARSET=utf8mb4;
    """,
)
def type_too_long(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """A length is beyond what the engine takes.

    The statement fails: `varchar` of MySQL holds 65,535 bytes (16,383 characters of utf8mb4) and
    `char` 255 characters, those of PostgreSQL 10,485,760 characters.
    """
    length, limit = max_length(part.value.type), _longest(part, ctx)
    if length and limit and length > limit:
        yield Hit(
            ctx.of(part),
            f"{quoted(part.value.name)} of {quoted(part.table.name)} is {quoted(part.value.type)};"
            f" at most {limit:,} are possible",
        )


def _longest(part: ColumnPart, ctx: Context) -> int | None:
    name = part.value.type.name
    if ctx.is_postgres:
        return 10_485_760 if name in ("character varying", "character") else None
    if ctx.is_mysql and name in ("char", "binary"):
        return 255
    if ctx.is_mysql and name == "varchar":
        return (ROW_SIZE - 2) // _bytes_of_character(part.table, part.value, ctx)
    return ROW_SIZE - 2 if ctx.is_mysql and name == "varbinary" else None


@rule(
    "schema/row-too-long",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="table",
    fix="Make the longest columns text types, which count 9 to 12 bytes each",
    references=[_COLUMN_COUNT],
    bad="""
    -- mysql
    CREATE TABLE posts (
        id bigint PRIMARY KEY, title varchar(10000) NOT NULL, body varchar(10000) NOT NULL
    ) CHARSET=utf8mb4;
    """,
    good="""
    -- mysql
    CREATE TABLE posts (
        id bigint PRIMARY KEY, title varchar(10000) NOT NULL, body text NOT NULL
    ) CHARSET=utf8mb4;
    """,
)
def row_too_long(table: Table, ctx: Context) -> Iterator[Hit]:
    """The columns do not fit into a row.

    MySQL adds up the greatest lengths, in bytes, of all columns but texts and blobs, and refuses
    the table beyond 65,535. Counted here are `char`, `varchar` and binary columns alone.
    """
    if not ctx.is_mysql:
        return
    total = 0
    for column in table.columns.values():
        length = max_length(column.type) or 0
        if length and ctx.family(column) in (*TEXTS, Family.BINARY) and _in_row(column):
            size = length * _bytes_of_character(table, column, ctx)
            if size > ROW_SIZE - 2:
                return  # that one alone is too long
            total += size + ("var" in column.type.name) * (2 if size > 255 else 1)
    if total > ROW_SIZE:
        yield Hit(
            ctx.of_table(table),
            f"a row of {quoted(table.name)} may take {total:,} bytes; at most {ROW_SIZE:,} are"
            " possible",
        )


def _in_row(column: Column) -> bool:
    return column.type.name in ("char", "varchar", "binary", "varbinary")


def _bytes_of_character(table: Table, column: Column, ctx: Context) -> int:
    """The most that a character takes. Where nobody says the character set, the least is taken."""
    if ctx.family(column) is Family.BINARY:
        return 1
    charset = (column.charset or table.charset or ctx.schema.charset).lower()
    if not charset and ctx.dialect is Dialect.MYSQL and ctx.version >= (8,):
        return 4
    return _CHARSET_BYTES.get(charset, 1)


_CHARSET_BYTES = {
    **dict.fromkeys(("utf8mb4", "utf16", "utf16le", "utf32", "gb18030"), 4),
    **dict.fromkeys(("utf8", "utf8mb3", "ujis", "eucjpms"), 3),
    **dict.fromkeys(("ucs2", "gbk", "gb2312", "big5", "sjis", "cp932", "euckr"), 2),
}


@rule(
    "schema/too-many-columns",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="table",
    fix="Split the table by what is used together, or keep rare values in rows of another table",
    references=[
        "https://www.postgresql.org/docs/current/limits.html",
        "https://dev.mysql.com/doc/refman/8.4/en/innodb-limits.html",
        "https://www.sqlite.org/limits.html",
    ],
    bad="-- mysql\nCREATE TABLE t (id int PRIMARY KEY, name int NOT NULL, "
    + ", ".join(f"c{chr(97 + n // 26)}{chr(97 + n % 26)}x int" for n in range(600))
    + ", "
    + ", ".join(f"d{chr(97 + n // 26)}{chr(97 + n % 26)}x int" for n in range(600))
    + ");",
    good="""
    -- mysql
    CREATE TABLE t (id int PRIMARY KEY, name varchar(20));
    """,
)
def too_many_columns(table: Table, ctx: Context) -> Iterator[Hit]:
    """A table has more columns than the engine takes.

    The statement fails.
    """
    limit = limits(ctx.dialect)["columns"]
    if limit.value and len(table.columns) > limit.value and table.engine.lower() in ("", "innodb"):
        yield Hit(
            ctx.of_table(table),
            f"{quoted(table.name)} has {len(table.columns):,} columns; at most {limit.value:,} are"
            " possible",
        )


@rule(
    "schema/float-with-digits",
    Severity.INFO,
    FindingClass.RISK,
    on="column",
    fix="Use `DECIMAL(M,D)` for exact digits, or `FLOAT` or `DOUBLE` without any",
    references=["https://dev.mysql.com/doc/refman/8.4/en/floating-point-types.html"],
    bad="""
    -- mysql
    CREATE TABLE readings (id bigint PRIMARY KEY, degrees float(7,2) NOT NULL);
    """,
    good="""
    -- mysql
    CREATE TABLE readings (id bigint PRIMARY KEY, degrees decimal(7,2) NOT NULL);
    """,
)
def float_with_digits(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """A floating-point column has a number of digits.

    `FLOAT(M,D)` rounds in decimal what it then stores in binary: the digits are not exact after
    all. MySQL has deprecated it since 8.0.17.
    """
    is_float = ctx.dialect is Dialect.MYSQL and ctx.family(part.value) is Family.FLOAT
    if is_float and len(part.value.type.args) == 2:
        yield Hit(
            ctx.of(part),
            f"{quoted(part.value.name)} of {quoted(part.table.name)} is {quoted(part.value.type)}",
        )


@rule(
    "schema/enum-of-numbers",
    Severity.WARNING,
    FindingClass.RISK,
    on="column",
    fix="Use an integer type with a check, or values that do not look like numbers",
    references=["https://dev.mysql.com/doc/refman/8.4/en/enum.html#enum-literals"],
    bad="""
    -- mysql
    CREATE TABLE shirts (id bigint PRIMARY KEY, size enum('0', '1', '2') NOT NULL);
    """,
    good="""
    -- mysql
    CREATE TABLE shirts (id bigint PRIMARY KEY, size enum('S', 'M', 'L') NOT NULL);
    """,
)
def enum_of_numbers(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """The values of an ENUM look like numbers.

    MySQL takes a number for the position of a value: `1` means the first, `'1'` the one spelt so.
    Which of the two an application sends depends on its driver. The manual strongly advises
    against it.
    """
    values = part.value.type.values
    if ctx.is_mysql and ctx.family(part.value) is Family.ENUM and len(values) > 1:
        positions = [str(position) for position in range(1, len(values) + 1)]
        if all(re.fullmatch(r"\d+", value) for value in values) and list(values) != positions:
            yield Hit(
                ctx.of(part),
                f"the values of {quoted(part.value.name)} of {quoted(part.table.name)} are numbers,"
                " but not their positions",
                evidence=str(part.value.type),
            )
