"""Rules about the types on both sides of a foreign key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ...ddl.model import Column, Dialect, ForeignKey, Name, Schema, Table, Type
from ...ddl.types import Family, int_width, max_length
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule
from ..access import own_foreign_keys, target
from ..context import ColumnPart, Context, ForeignKeyPart

_POSTGRES = "https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK"
_MYSQL = "https://dev.mysql.com/doc/refman/8.4/en/create-table-foreign-keys.html"
_SQLITE = "https://www.sqlite.org/foreignkeys.html"


class _Pair(NamedTuple):
    """A column of a foreign key and the one that it references."""

    table: Table
    key: ForeignKey
    column: Column
    other_table: Table
    other: Column


def _pairs(schema: Schema) -> Iterator[_Pair]:
    for table, key in own_foreign_keys(schema):
        other = target(schema, key)
        for here, there in zip(key.columns, key.referenced, strict=False):
            if other and here in table.columns and there in other.columns:
                yield _Pair(table, key, table.columns[here], other, other.columns[there])


def _hit(ctx: Context, pair: _Pair, what: str) -> Hit:
    here, there = (
        f"{pair.table.name}.{pair.column.name}",
        f"{pair.other_table.name}.{pair.other.name}",
    )
    return Hit(
        ctx.of(ForeignKeyPart(pair.table, pair.key)),
        f"{quoted(here)} is {quoted(pair.column.type)} and references {quoted(there)}, which is"
        f" {quoted(pair.other.type)}{what}",
        related=(ctx.of(ColumnPart(pair.other_table, pair.other)),),
    )


@rule(
    "schema/foreign-key-incompatible-types",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="schema",
    fix="Give both columns the same type; in MySQL also sign, character set and collation",
    references=[_POSTGRES, _MYSQL],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE posts (id bigint PRIMARY KEY, author_id text NOT NULL REFERENCES users);
    CREATE INDEX ON posts (author_id);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE posts (id bigint PRIMARY KEY, author_id bigint NOT NULL REFERENCES users);
    CREATE INDEX ON posts (author_id);
    """,
)
def foreign_key_incompatible_types(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """The columns of a foreign key cannot be compared.

    The engine refuses the constraint. PostgreSQL needs an equality operator between the types,
    InnoDB the same size and sign of integers, and the same character set and collation of texts.
    """
    for pair in _pairs(schema):
        fault = _fault(ctx, pair)
        if fault is not None:
            yield _hit(ctx, pair, fault)


def _fault(ctx: Context, pair: _Pair) -> str | None:
    """None when the engine can compare the columns; else what to add to the message."""
    if ctx.dialect is Dialect.SQLITE:
        return None
    return _innodb_fault(ctx, pair) if ctx.is_mysql else _postgres_fault(ctx, pair)


_CHARACTERS = frozenset({Family.TEXT, Family.VARCHAR, Family.CHAR})
_DAYS = frozenset({Family.DATE, Family.TIMESTAMP, Family.TIMESTAMPTZ})
# What a column of the family may reference: an operator of the key's class takes it, or an
# implicit cast leads there (PostgreSQL's pg_amop and pg_cast).
_COMPARABLE = {
    Family.INTEGER: {Family.INTEGER, Family.DECIMAL, Family.FLOAT},
    Family.DECIMAL: {Family.DECIMAL, Family.FLOAT},
    Family.FLOAT: {Family.FLOAT},
    Family.BOOLEAN: {Family.BOOLEAN},
    Family.UUID: {Family.UUID},
    Family.BINARY: {Family.BINARY},
    Family.TEXT: _CHARACTERS,
    Family.VARCHAR: _CHARACTERS,
    Family.CHAR: _CHARACTERS,
    Family.DATE: _DAYS,
    Family.TIMESTAMP: _DAYS,
    Family.TIMESTAMPTZ: _DAYS,
    Family.TIME: {Family.TIME, Family.TIMETZ, Family.INTERVAL},
    Family.TIMETZ: {Family.TIMETZ},
    Family.INTERVAL: {Family.INTERVAL},
    Family.MONEY: {Family.MONEY},
    Family.JSONB: {Family.JSONB},
    Family.NETWORK: {Family.NETWORK},
    Family.ARRAY: {Family.ARRAY},
}


def _postgres_fault(ctx: Context, pair: _Pair) -> str | None:
    here, there = ctx.family(pair.column), ctx.family(pair.other)
    if here is Family.ENUM or there is Family.ENUM:
        same = _base(ctx, pair.column.type) == _base(ctx, pair.other.type)
        known = {here, there} <= {Family.ENUM, *_COMPARABLE}
        return "" if known and not same else None
    known = here in _COMPARABLE and there in _COMPARABLE
    return "" if known and there not in _COMPARABLE[here] else None


def _base(ctx: Context, type: Type) -> Type:
    domain = ctx.schema.domains.get(Name(type.schema, type.name))
    return domain.type if domain else type


def _innodb_fault(ctx: Context, pair: _Pair) -> str | None:
    here, there = _integer(pair.column), _integer(pair.other)
    if here and there:
        return None if here == there else ""
    kinds = [_innodb_kind(ctx, column) for column in (pair.column, pair.other)]
    if None not in kinds and kinds[0] != kinds[1]:
        return ""
    if kinds == ["text", "text"]:
        return _different_texts(ctx, pair)
    return None


def _integer(column: Column) -> tuple[str, bool] | None:
    """An integer's size and sign, which InnoDB compares; `tinyint(1)` is one, too."""
    name = column.type.name.lower()
    if not name.endswith("int") and name != "integer":
        return None
    signed = not column.type.modifiers & {"unsigned", "zerofill"}
    return "int" if name == "integer" else name, signed


def _innodb_kind(ctx: Context, column: Column) -> str | None:
    """What InnoDB compares the type as; None where it is not known here."""
    if _integer(column):
        return "integer"
    kind = ctx.family(column)
    if kind in _CHARACTERS:
        return "text"
    return {Family.BINARY: "binary", Family.FLOAT: "float", Family.DATE: "date"}.get(kind)


def _different_texts(ctx: Context, pair: _Pair) -> str | None:
    (charset, collation), (other_charset, other_collation) = (
        _characters(ctx, table, column)
        for table, column in ((pair.table, pair.column), (pair.other_table, pair.other))
    )
    if charset and other_charset and charset != other_charset:
        return f": {quoted(charset)} against {quoted(other_charset)}"
    if collation and other_collation and collation != other_collation:
        return f": {quoted(collation)} against {quoted(other_collation)}"
    return None


def _characters(ctx: Context, table: Table, column: Column) -> tuple[str, str]:
    """The character set and the collation of a column, as far as the DDL says."""
    for holder in (column, table, ctx.schema):
        if holder.charset or holder.collation:
            charset = holder.charset.lower() or holder.collation.lower().partition("_")[0]
            collation = holder.collation.lower()
            return _UTF8.get(charset, charset), collation.replace("utf8_", "utf8mb3_")
    return "", ""


_UTF8 = {"utf8": "utf8mb3"}


@rule(
    "schema/foreign-key-narrower-than-key",
    Severity.WARNING,
    FindingClass.RISK,
    on="schema",
    fix="Give the column the type of the column that it references",
    references=[_POSTGRES, _SQLITE, "https://www.sqlite.org/datatype3.html#comparison_expressions"],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE posts (id bigint PRIMARY KEY, author_id integer NOT NULL REFERENCES users);
    CREATE INDEX ON posts (author_id);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE posts (id bigint PRIMARY KEY, author_id bigint NOT NULL REFERENCES users);
    CREATE INDEX ON posts (author_id);
    """,
)
def foreign_key_narrower_than_key(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A foreign key cannot hold every key that it may reference.

    The column is of another kind or holds less than the one it references: a smaller integer, a
    shorter text. The day the keys outgrow it, no row can point to a new one.
    """
    for pair in _pairs(schema):
        if _fault(ctx, pair) is None and _holds_less(ctx, pair):
            yield _hit(ctx, pair, "")


def _holds_less(ctx: Context, pair: _Pair) -> bool:
    if ctx.dialect is Dialect.SQLITE:  # declared lengths do not count there
        kinds = [_affinity(ctx.family(column)) for column in (pair.column, pair.other)]
        return None not in kinds and kinds[0] != kinds[1]
    here, there = _base(ctx, pair.column.type), _base(ctx, pair.other.type)
    width, other_width = int_width(here, ctx.dialect), int_width(there, ctx.dialect)
    if width and other_width:
        return width < other_width
    length, other_length = max_length(here), max_length(there)
    return length is not None and (other_length is None or length < other_length)


def _affinity(kind: Family) -> str | None:
    if kind in _CHARACTERS:
        return "text"
    return "number" if kind in (Family.INTEGER, Family.DECIMAL, Family.FLOAT) else None


@rule(
    "schema/foreign-key-type-not-same",
    Severity.INFO,
    FindingClass.STYLE,
    on="schema",
    opt_in=True,
    fix="Give both columns the same type",
    references=[_POSTGRES, _MYSQL],
    bad="""
    CREATE TABLE users (id integer PRIMARY KEY);
    CREATE TABLE posts (id bigint PRIMARY KEY, author_id bigint NOT NULL REFERENCES users);
    CREATE INDEX ON posts (author_id);
    """,
    good="""
    CREATE TABLE users (id integer PRIMARY KEY);
    CREATE TABLE posts (id bigint PRIMARY KEY, author_id integer NOT NULL REFERENCES users);
    CREATE INDEX ON posts (author_id);
    """,
)
def foreign_key_type_not_same(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A foreign key and the key that it references have different types.

    A convention: one kind of identifier has one type everywhere.
    """
    for pair in _pairs(schema):
        if pair.column.type != pair.other.type:
            yield _hit(ctx, pair, "")
