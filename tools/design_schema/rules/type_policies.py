"""Rules on types that houses differ on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...ddl.model import Column, Dialect, Table
from ...ddl.types import Family, int_width, max_length
from ...names import words
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule
from ..context import ColumnPart, Context
from ..meaning import TEXTS, is_flag

_DATETIME = "https://www.postgresql.org/docs/current/datatype-datetime.html"
_CHARACTER = "https://www.postgresql.org/docs/current/datatype-character.html"
_DONT = "https://wiki.postgresql.org/wiki/Don%27t_Do_This"
_MYSQL_CHAR = "https://dev.mysql.com/doc/refman/8.4/en/char.html"

LONG_CHAR = 20  # characters; as Bytebase's templates have it
LONG_VARCHAR = 2560


@rule(
    "schema/timestamp-without-time-zone",
    Severity.INFO,
    FindingClass.RISK,
    on="column",
    opt_in=True,
    fix="Use `timestamp with time zone` for moments",
    references=[_DATETIME, _DONT + "#Don.27t_use_timestamp_.28without_time_zone.29"],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY, created_at timestamp NOT NULL);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, created_at timestamptz NOT NULL);
    """,
)
def timestamp_without_time_zone(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """A timestamp does not say in which time zone it is.

    It is what a clock on the wall shows, not a moment: `now()` is stored in the zone of whatever
    session wrote it. Applications that write UTC throughout get by with it.
    """
    if ctx.is_postgres and ctx.family(part.value) is Family.TIMESTAMP:
        yield Hit(
            ctx.of(part),
            f"{quoted(part.value.name)} of {quoted(part.table.name)} is {quoted(part.value.type)}",
        )


@rule(
    "schema/rounded-timestamp",
    Severity.INFO,
    FindingClass.RISK,
    on="column",
    opt_in=True,
    fix="Leave the precision out, and use `date_trunc` where whole seconds are wanted",
    references=[_DATETIME, _DONT + "#Don.27t_use_timestamp.280.29_or_timestamptz.280.29"],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY, created_at timestamptz(0) NOT NULL);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, created_at timestamptz NOT NULL);
    """,
)
def rounded_timestamp(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """A timestamp is rounded to whole seconds.

    It rounds, it does not cut: half of all moments are stored as up to half a second in the future.
    """
    times = (Family.TIMESTAMP, Family.TIMESTAMPTZ, Family.TIME, Family.TIMETZ)
    if ctx.is_postgres and part.value.type.args == ("0",) and ctx.family(part.value) in times:
        yield Hit(
            ctx.of(part),
            f"{quoted(part.value.name)} of {quoted(part.table.name)} is {quoted(part.value.type)}",
        )


@rule(
    "schema/padded-char",
    Severity.INFO,
    FindingClass.RISK,
    on="column",
    opt_in=True,
    fix="Use `text`, with a check of the length where it is fixed",
    references=[_CHARACTER, _DONT + "#Don.27t_use_char.28n.29"],
    bad="""
    CREATE TABLE countries (id bigint PRIMARY KEY, code character(2) NOT NULL);
    """,
    good="""
    CREATE TABLE countries (id bigint PRIMARY KEY, code text NOT NULL CHECK (length(code) = 2));
    """,
)
def padded_char(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """A column is `char(n)`, padded with blanks.

    In PostgreSQL it saves nothing, does not reject shorter values, and its trailing blanks come and
    go with the operator at hand.
    """
    if ctx.is_postgres and part.value.type.name in ("character", "bpchar"):
        yield Hit(
            ctx.of(part),
            f"{quoted(part.value.name)} of {quoted(part.table.name)} is {quoted(part.value.type)}",
        )


@rule(
    "schema/varchar-with-length",
    Severity.INFO,
    FindingClass.STYLE,
    on="column",
    opt_in=True,
    fix="Use `text`, with a named check where there is a limit",
    references=[_CHARACTER, _DONT + "#Don.27t_use_varchar.28n.29_by_default"],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY, name character varying(255) NOT NULL);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL);
    """,
)
def varchar_with_length(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """A column is `varchar(n)`.

    PostgreSQL stores it as `text`; the limit is one more thing to change later, and a named check
    says better what it is for.
    """
    if ctx.is_postgres and part.value.type.name == "character varying" and part.value.type.args:
        yield Hit(
            ctx.of(part),
            f"{quoted(part.value.name)} of {quoted(part.table.name)} is {quoted(part.value.type)}",
        )


@rule(
    "schema/long-character-type",
    Severity.INFO,
    FindingClass.STYLE,
    on="column",
    opt_in=True,
    fix="Use `varchar` for long values, and a text type for very long ones",
    references=[_CHARACTER, _MYSQL_CHAR],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY, name character(225) NOT NULL);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, name character varying(225) NOT NULL);
    """,
)
def long_character_type(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """A `char` or `varchar` is longer than the type is good for.

    A convention: `char` up to 20 characters, since it pads; `varchar` up to 2,560, beyond which
    InnoDB moves values out of the row as it does with texts.
    """
    length = max_length(part.value.type) or 0
    limit = {Family.CHAR: LONG_CHAR, Family.VARCHAR: LONG_VARCHAR}.get(ctx.family(part.value))
    if limit and length > limit:
        yield Hit(
            ctx.of(part),
            f"{quoted(part.value.name)} of {quoted(part.table.name)} is {quoted(part.value.type)},"
            f" longer than {limit:,} characters",
        )


@rule(
    "schema/enum-column",
    Severity.INFO,
    FindingClass.STYLE,
    on="column",
    opt_in=True,
    fix="Reference a table that lists the values",
    references=[
        "https://www.postgresql.org/docs/current/datatype-enum.html",
        "https://dev.mysql.com/doc/refman/8.4/en/enum.html",
    ],
    bad="""
    CREATE TYPE mood AS ENUM ('sad', 'happy');
    CREATE TABLE users (id bigint PRIMARY KEY, mood mood NOT NULL);
    """,
    good="""
    CREATE TABLE moods (id bigint PRIMARY KEY, name text NOT NULL UNIQUE);
    CREATE TABLE users (id bigint PRIMARY KEY, mood_id bigint NOT NULL REFERENCES moods);
    CREATE INDEX ON users (mood_id);
    """,
)
def enum_column(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """The values that a column takes are part of its type.

    Adding one is a change of the schema; PostgreSQL cannot remove one, and MySQL rewrites the table
    unless the new one comes last. Applications cannot ask a type for more than the values.
    """
    if (kind := ctx.family(part.value)) in (Family.ENUM, Family.SET):
        yield Hit(
            ctx.of(part), f"{quoted(part.value.name)} of {quoted(part.table.name)} is {kind.value}"
        )


@rule(
    "schema/large-object-column",
    Severity.INFO,
    FindingClass.RISK,
    on="column",
    opt_in=True,
    fix="Keep files in an object store, and their address and checksum in the database",
    references=[
        "https://www.postgresql.org/docs/current/storage-toast.html",
        "https://www.sqlite.org/intern-v-extern-blob.html",
    ],
    bad="""
    CREATE TABLE photos (id bigint PRIMARY KEY, content bytea NOT NULL);
    """,
    good="""
    CREATE TABLE photos (id bigint PRIMARY KEY, address text NOT NULL, sha256 text NOT NULL);
    """,
)
def large_object_column(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """A column holds large binary values.

    Files in the database make every backup, replica and cache bigger. Hashes, keys and values of a
    declared length are left alone.
    """
    column = part.value
    is_large = ctx.family(column) is Family.BINARY and max_length(column.type) is None
    is_file = is_large and not _SHORT.search(words(column.name))
    if is_file or (ctx.is_postgres and column.type.name in ("oid", "lo")):
        yield Hit(
            ctx.of(part),
            f"{quoted(column.name)} of {quoted(part.table.name)} is"
            f" {quoted(str(column.type) or 'of no type')}",
        )


_SHORT = re.compile(
    r"_(hash|digest|key|token|salt|checksum|signature|secret|nonce|iv|mac|sha\d*|md5|fingerprint|uuid"
    r"|id|ip|address)_"
)


@rule(
    "schema/json-column",
    Severity.INFO,
    FindingClass.STYLE,
    on="column",
    opt_in=True,
    fix="Give the values columns or tables of their own",
    references=[
        "https://www.postgresql.org/docs/current/datatype-json.html",
        "https://dev.mysql.com/doc/refman/8.4/en/json.html",
    ],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY, settings jsonb NOT NULL);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, theme text NOT NULL);
    """,
)
def json_column(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """A column holds JSON.

    A policy: what is inside has no types, no constraints, no foreign keys and no statistics.
    """
    if ctx.family(part.value) in (Family.JSON, Family.JSONB):
        yield Hit(
            ctx.of(part),
            f"{quoted(part.value.name)} of {quoted(part.table.name)} is {quoted(part.value.type)}",
        )


@rule(
    "schema/type-unlike-name",
    Severity.INFO,
    FindingClass.RISK,
    on="column",
    opt_in=True,
    confidence=Confidence.LOW,
    fix="Use the type that says what the values are",
    references=["https://www.postgresql.org/docs/current/datatype.html"],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY, is_active character varying(5) NOT NULL);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, is_active boolean NOT NULL);
    """,
)
def type_unlike_name(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """A column's name says one kind of value, its type another.

    A text takes anything: booleans as `Y`, `yes` and `t`, addresses that are none, JSON that does
    not parse. Numbers for moments hide their unit.
    """
    expected = _expected(part.value, ctx)
    if expected:
        yield Hit(
            ctx.of(part),
            f"{quoted(part.value.name)} of {quoted(part.table.name)} is {quoted(part.value.type)},"
            f" its name says {expected}",
        )


def _expected(column: Column, ctx: Context) -> str:
    name, kind = words(column.name), ctx.family(column)
    if kind is Family.INTEGER and name.endswith(("_created_at_", "_updated_at_", "_deleted_at_")):
        return "timestamp"
    if kind not in TEXTS or ctx.dialect is Dialect.SQLITE:
        return ""
    if is_flag(column):
        return "boolean"
    if name.endswith(("_json_", "_jsonb_")):
        return "JSON"
    if ctx.is_postgres and name.endswith(("_ip_", "_ip_address_", "_ip_addr_")):
        return "inet"
    is_uuid = name.endswith(("_uuid_", "_guid_")) or max_length(column.type) == 36
    return "uuid" if is_uuid and not ctx.is_mysql else ""


@rule(
    "schema/column-padding",
    Severity.INFO,
    FindingClass.STYLE,
    on="table",
    opt_in=True,
    fix="Declare fixed-length columns first, the widest before the narrower",
    references=["https://www.postgresql.org/docs/current/storage-page-layout.html"],
    bad="""
    CREATE TABLE events (
        kind smallint NOT NULL, id bigint PRIMARY KEY, done boolean NOT NULL, at timestamptz
    );
    """,
    good="""
    CREATE TABLE events (
        id bigint PRIMARY KEY, at timestamptz, kind smallint NOT NULL, done boolean NOT NULL
    );
    """,
)
def column_padding(table: Table, ctx: Context) -> Iterator[Hit]:
    """The order of columns wastes 8 bytes or more a row.

    PostgreSQL aligns every value to its type: a `bigint` behind a `boolean` costs seven bytes of
    nothing. Counted over the fixed-length columns before the first of another kind.
    """
    if not ctx.is_postgres:
        return
    sizes = []
    for column in table.columns.values():
        size = _size(column, ctx)
        if size is None:
            break
        sizes.append(size)
    waste = _padded(sizes) - _padded(sorted(sizes, reverse=True))
    if waste >= 8:
        yield Hit(
            ctx.of_table(table),
            f"the order of columns in {quoted(table.name)} wastes {waste} bytes a row",
        )


def _size(column: Column, ctx: Context) -> int | None:
    """The bytes of a fixed-length type, which are its alignment as well; None for others."""
    widths = {Family.BOOLEAN: 1, Family.DATE: 4, Family.TIME: 8}
    widths |= {Family.TIMESTAMP: 8, Family.TIMESTAMPTZ: 8}
    if column.type.name == "real":
        return 4
    if column.type.name == "double precision":
        return 8
    return int_width(column.type, ctx.dialect) or widths.get(ctx.family(column))


def _padded(sizes: list[int]) -> int:
    """The bytes of a row's data, rounded up to 8 as the row is."""
    end = 0
    for size in sizes:
        end = -(-end // size) * size + size
    return -(-end // 8) * 8
