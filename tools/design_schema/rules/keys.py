"""Rules about what identifies a row: missing keys, weak ones, what they are made of."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from ...ddl.model import Column, Dialect, Index, Key, Schema, Table
from ...ddl.types import Family, max_length
from ...engines.limits import quote
from ...names import words
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule
from ..access import is_nullable, is_rowid
from ..context import ColumnPart, Context
from ..remedies import written

_CONSTRAINTS = "https://www.postgresql.org/docs/current/ddl-constraints.html"
_INNODB_PK = "https://dev.mysql.com/doc/refman/8.4/en/innodb-index-types.html"
_INT_TYPES = "https://www.postgresql.org/docs/current/datatype-numeric.html"

_TEXTS = (Family.TEXT, Family.VARCHAR, Family.CHAR)


def _keyless(ctx: Context) -> Iterator[Table]:
    """Tables whose rows people keep and that have no primary key."""
    unread = ctx.unread_words
    for table in ctx.tables:
        is_kept = table.columns and not table.foreign and table.persistence != "temporary"
        if is_kept and not table.primary_key and table.name.name.lower() not in unread:
            yield table


def _full_key(schema: Schema, table: Table) -> Key | Index | None:
    """The shortest key or unique index over all rows that never lets NULL in."""
    found: list[Key | Index] = [key for key in table.keys.values() if not key.deferrable]
    found += [
        index
        for index in table.indexes.values()
        if index.unique and index.where is None and len(index.columns) == len(index.parts)
    ]
    never_null = (
        key for key in found if not any(is_nullable(schema, table, c) for c in key.columns)
    )
    return min(never_null, key=lambda key: len(key.columns), default=None)


@rule(
    "schema/table-without-primary-key",
    Severity.WARNING,
    FindingClass.RISK,
    on="schema",
    fix="Declare what identifies a row as PRIMARY KEY, or add an identity column",
    references=[
        _CONSTRAINTS + "#DDL-CONSTRAINTS-PRIMARY-KEYS",
        "https://www.postgresql.org/docs/current/logical-replication-publication.html",
        "https://dev.mysql.com/doc/refman/8.4/en/create-table-gipks.html",
    ],
    bad="""
    CREATE TABLE payments (order_id bigint NOT NULL, amount numeric(12, 2) NOT NULL);
    """,
    good="""
    CREATE TABLE payments (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        order_id bigint NOT NULL,
        amount numeric(12, 2) NOT NULL
    );
    """,
)
def table_without_primary_key(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A table has no key.

    Two equal rows cannot be told apart: none can be updated, deleted or referenced by itself, and
    nothing stops a retried insert from doubling one. Logical replication refuses UPDATE and DELETE
    on it; replicas of MySQL search every changed row by a scan.
    """
    for table in _keyless(ctx):
        if not _full_key(schema, table):
            bare = not table.indexes and not table.keys and not table.exclusions
            nothing = "neither a primary key nor any index" if bare else "no primary key"
            yield Hit(ctx.of_table(table), f"table {quoted(table.name)} has {nothing}")


@rule(
    "schema/unique-key-not-primary",
    Severity.INFO,
    FindingClass.RISK,
    on="schema",
    fix="Make that key the PRIMARY KEY",
    references=[
        _CONSTRAINTS + "#DDL-CONSTRAINTS-PRIMARY-KEYS",
        "https://www.postgresql.org/docs/current/sql-altertable.html",
        _INNODB_PK,
    ],
    bad="""
    CREATE TABLE settings (name text NOT NULL UNIQUE, value text NOT NULL);
    """,
    good="""
    CREATE TABLE settings (name text PRIMARY KEY, value text NOT NULL);
    """,
)
def unique_key_not_primary(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A table has a key but no primary key.

    A unique key without NULLs identifies the rows, but nobody is told so: logical replication of
    PostgreSQL does not take it as the replica identity by itself, `sql_require_primary_key` of
    MySQL refuses the table, `REFERENCES` cannot leave its columns out. To SQLite both are the same.
    """
    for table in _keyless(ctx) if ctx.dialect is not Dialect.SQLITE else ():
        key = _full_key(schema, table)
        if key is not None:
            columns = ", ".join(key.columns)
            yield Hit(
                ctx.of_table(table),
                f"table {quoted(table.name)} has no primary key, though {quoted(columns)} is unique"
                " and never NULL",
                ddl=_promoted(ctx, table, key),
                related=(ctx.place(key, "tables", str(table.name)),),
            )


def _promoted(ctx: Context, table: Table, key: Key | Index) -> tuple[str, ...]:
    """ADD PRIMARY KEY USING INDEX, where the index belongs to no constraint yet."""
    plain = isinstance(key, Index) and not any(
        part.descending or part.nulls_first or part.opclass or part.collation for part in key.parts
    )
    if not ctx.is_postgres or table.partition_by or not plain:
        return ()
    name = quote(ctx.dialect, key.name)
    return (
        f"ALTER TABLE {written(ctx, table.name)}"
        f" ADD CONSTRAINT {name} PRIMARY KEY USING INDEX {name}",
    )


@rule(
    "schema/nullable-primary-key",
    Severity.WARNING,
    FindingClass.DEFECT,
    on="table",
    fix="Declare the column NOT NULL, or as `INTEGER PRIMARY KEY`, or the table STRICT",
    references=["https://www.sqlite.org/lang_createtable.html#the_primary_key"],
    bad="""
    -- sqlite
    CREATE TABLE sessions (id TEXT PRIMARY KEY, data TEXT NOT NULL);
    """,
    good="""
    -- sqlite
    CREATE TABLE sessions (id TEXT NOT NULL PRIMARY KEY, data TEXT NOT NULL);
    """,
)
def nullable_primary_key(table: Table, ctx: Context) -> Iterator[Hit]:
    """A primary key takes NULL.

    By a bug that SQLite keeps for compatibility, PRIMARY KEY does not imply NOT NULL unless it is
    the row id (`INTEGER PRIMARY KEY`, spelled so: `INT` is not) or the table is STRICT or WITHOUT
    ROWID. NULLs differ from each other, so any number of rows may have none.
    """
    key = table.primary_key
    if key is None or ctx.dialect is not Dialect.SQLITE:
        return
    for name in key.columns:
        if is_nullable(ctx.schema, table, name):
            column = table.columns[name]
            yield Hit(
                ctx.of(ColumnPart(table, column)),
                f"the primary key of {quoted(table.name)} takes NULL in {quoted(name)}",
                evidence=f"{name} {column.type} PRIMARY KEY, without NOT NULL",
            )


@rule(
    "schema/link-table-without-key",
    Severity.WARNING,
    FindingClass.RISK,
    on="table",
    confidence=Confidence.MEDIUM,
    fix="Add a unique key over the columns that link, or make them the primary key",
    references=[_CONSTRAINTS + "#DDL-CONSTRAINTS-UNIQUE-CONSTRAINTS"],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE teams (id bigint PRIMARY KEY);
    CREATE TABLE team_users (
        id bigint PRIMARY KEY,
        team_id bigint NOT NULL REFERENCES teams,
        user_id bigint NOT NULL REFERENCES users
    );
    CREATE INDEX ON team_users (team_id);
    CREATE INDEX ON team_users (user_id);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE teams (id bigint PRIMARY KEY);
    CREATE TABLE team_users (
        id bigint PRIMARY KEY,
        team_id bigint NOT NULL REFERENCES teams,
        user_id bigint NOT NULL REFERENCES users,
        UNIQUE (team_id, user_id)
    );
    CREATE INDEX ON team_users (user_id);
    """,
)
def link_table_without_key(table: Table, ctx: Context) -> Iterator[Hit]:
    """A link between two rows can be made twice.

    The table is called by two others, does nothing but link them, and has a number of its own as
    its key: the same link may be stored again and again. Joins then return rows twice, counts are
    too high, and removing the link leaves one behind.
    """
    key = table.primary_key
    links = [k for k in table.foreign_keys.values() if len(k.columns) == 1]
    ends = {k.columns[0] for k in links}
    if key is None or len(key.columns) != 1 or len(ends) != 2 or set(key.columns) & ends:
        return
    if ctx.references.get(table.name):
        return  # what others reference is a thing of its own, not only a link
    others = [c for n, c in table.columns.items() if n not in ends and n not in key.columns]
    if any(ctx.family(column) not in _MOMENTS for column in others):
        return
    if any(is_nullable(ctx.schema, table, end) for end in ends):
        return
    called = all(_named_by(table, k.table.name) for k in links)
    if (
        called
        and len({k.table for k in links}) == 2
        and not any(path.unique and set(path.columns) & ends for path in ctx.paths[table.name])
    ):
        yield Hit(
            ctx.of_table(table),
            f"{quoted(table.name)} can link the same {quoted(links[0].columns[0])} and"
            f" {quoted(links[1].columns[0])} more than once",
            related=tuple(ctx.place(k, "tables", str(table.name)) for k in links),
        )


def _named_by(table: Table, other: str) -> bool:
    """Whether the name of a table has the last word of another's, in singular or plural."""
    last = words(other)[1:-1].rsplit("_", 1)[-1]
    stem = last.removesuffix("s").removesuffix("ie").removesuffix("y")
    return len(stem) > 1 and f"_{stem}" in words(table.name.name)


_MOMENTS = (Family.DATE, Family.TIMESTAMP, Family.TIMESTAMPTZ)


@rule(
    "schema/no-business-key",
    Severity.INFO,
    FindingClass.RISK,
    on="table",
    opt_in=True,
    confidence=Confidence.LOW,
    fix="Add a unique key over the columns by which people tell the rows apart",
    references=[_CONSTRAINTS + "#DDL-CONSTRAINTS-UNIQUE-CONSTRAINTS"],
    bad="""
    CREATE TABLE countries (id bigint PRIMARY KEY, code text NOT NULL);
    """,
    good="""
    CREATE TABLE countries (id bigint PRIMARY KEY, code text NOT NULL UNIQUE);
    """,
)
def no_business_key(table: Table, ctx: Context) -> Iterator[Hit]:
    """The only key is a number that the database makes up.

    Such a key never says that a row is there already: the same customer, product or country can be
    stored twice under two numbers.
    """
    key = table.primary_key
    if key is None or len(key.columns) != 1 or not _is_surrogate(ctx, table, key.columns[0]):
        return
    if table.exclusions or sum(path.unique for path in ctx.paths[table.name]) > 1:
        return
    if any(ctx.family(c) in _TEXTS and c.not_null for c in table.columns.values()):
        yield Hit(
            ctx.of_table(table),
            f"nothing but the made-up {quoted(key.columns[0])} tells two rows of"
            f" {quoted(table.name)} apart",
        )


def _is_surrogate(ctx: Context, table: Table, name: str) -> bool:
    column = table.columns.get(name)
    if column is None or any(name in key.columns for key in table.foreign_keys.values()):
        return False
    made_up = bool(column.identity or column.auto_increment or column.default)
    return made_up or words(name).endswith(("_id_", "_uuid_")) or is_rowid(table, name)


@rule(
    "schema/natural-primary-key",
    Severity.INFO,
    FindingClass.RISK,
    on="table",
    opt_in=True,
    confidence=Confidence.LOW,
    fix="Identify rows by a number or UUID without meaning, and keep the natural key unique",
    references=[_CONSTRAINTS + "#DDL-CONSTRAINTS-PRIMARY-KEYS", _INNODB_PK],
    bad="""
    CREATE TABLE users (email text PRIMARY KEY, name text NOT NULL);
    """,
    good="""
    CREATE TABLE users (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        email text NOT NULL UNIQUE,
        name text NOT NULL
    );
    """,
)
def natural_primary_key(table: Table, ctx: Context) -> Iterator[Hit]:
    """A primary key carries meaning.

    What means something changes one day: an e-mail address, a code, a date. As primary key it is
    copied into every referencing table and index, and changing it means changing all of them. In
    InnoDB every secondary index repeats it, too.
    """
    key = table.primary_key
    borrowed = set(chain.from_iterable(k.columns for k in table.foreign_keys.values()))
    for name in key.columns if key else ():
        column = table.columns.get(name)
        if column is None or name in borrowed or _is_key_type(ctx, column):
            continue
        yield Hit(
            ctx.of(ColumnPart(table, column)),
            f"the primary key of {quoted(table.name)} is made of data: {quoted(name)} is"
            f" {quoted(column.type)}",
        )


def _is_key_type(ctx: Context, column: Column) -> bool:
    return ctx.family(column) in (Family.INTEGER, Family.UUID) or max_length(column.type) in (
        (16,) if ctx.family(column) is Family.BINARY else (36,)
    )


@rule(
    "schema/primary-key-type",
    Severity.INFO,
    FindingClass.STYLE,
    on="table",
    opt_in=True,
    fix="Use an integer type (or `uuid`) for the columns of primary keys",
    references=[_INT_TYPES, _INNODB_PK],
    bad="""
    CREATE TABLE countries (code character varying(2) PRIMARY KEY, name text NOT NULL);
    """,
    good="""
    CREATE TABLE countries (id integer PRIMARY KEY, name text NOT NULL);
    """,
)
def primary_key_type(table: Table, ctx: Context) -> Iterator[Hit]:
    """A primary key is of another type than integer or UUID.

    A policy: keys of one kind are short, compare fast and never need to change.
    """
    key = table.primary_key
    for name in key.columns if key else ():
        column = table.columns.get(name)
        if column and ctx.family(column) not in (Family.INTEGER, Family.UUID):
            yield Hit(
                ctx.of(ColumnPart(table, column)),
                f"{quoted(name)} in the primary key of {quoted(table.name)} is"
                f" {quoted(column.type)}",
            )


@rule(
    "schema/composite-primary-key",
    Severity.INFO,
    FindingClass.STYLE,
    on="table",
    opt_in=True,
    fix="Add a key of one column, and keep the others as a unique key",
    references=[_CONSTRAINTS + "#DDL-CONSTRAINTS-PRIMARY-KEYS"],
    bad="""
    CREATE TABLE readings (sensor integer, day date, PRIMARY KEY (sensor, day));
    """,
    good="""
    CREATE TABLE readings (
        id bigint PRIMARY KEY, sensor integer NOT NULL, day date NOT NULL, UNIQUE (sensor, day)
    );
    """,
)
def composite_primary_key(table: Table, ctx: Context) -> Iterator[Hit]:
    """A primary key has several columns.

    A convention: with one column, references to the table and URLs of its rows need one value.
    Tables that link others are left out, and partitioned ones, whose key must hold the partition's.
    """
    key = table.primary_key
    if key is None or len(key.columns) < 2 or table.partition_by:
        return
    borrowed = set(chain.from_iterable(k.columns for k in table.foreign_keys.values()))
    if not set(key.columns) <= borrowed:
        columns = ", ".join(key.columns)
        yield Hit(
            ctx.of_table(table), f"the primary key of {quoted(table.name)} is {quoted(columns)}"
        )


@rule(
    "schema/primary-key-not-first",
    Severity.INFO,
    FindingClass.STYLE,
    on="table",
    opt_in=True,
    fix="Declare the columns of the primary key first, in its order",
    references=["https://www.postgresql.org/docs/current/sql-createtable.html"],
    bad="""
    CREATE TABLE orders (total integer NOT NULL, id bigint PRIMARY KEY);
    """,
    good="""
    CREATE TABLE orders (id bigint PRIMARY KEY, total integer NOT NULL);
    """,
)
def primary_key_not_first(table: Table, ctx: Context) -> Iterator[Hit]:
    """The columns of a primary key are not the table's first.

    A convention: who reads a table's definition looks for its identity at the top.
    """
    key = table.primary_key
    if key and set(key.columns) != set(list(table.columns)[: len(key.columns)]):
        columns = ", ".join(key.columns)
        yield Hit(
            ctx.of_table(table),
            f"{quoted(table.name)} does not begin with its primary key {quoted(columns)}",
        )
