"""Rules about what an index is made of: columns that it cannot hold, or holds in vain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from string import ascii_lowercase

from ...ddl.model import Column, Dialect, Exclusion, Index, Key, Table
from ...ddl.types import Family, max_length
from ...engines.limits import limits
from ...names import words
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule
from ..access import Path, is_forgotten, is_nullable, label, not_null_only
from ..context import Context, ForeignKeyPart, IndexPart, Part

_CREATE_INDEX = "https://www.postgresql.org/docs/current/sql-createindex.html"
_BTREE = "https://www.postgresql.org/docs/current/indexes-types.html#INDEXES-TYPES-BTREE"
_MULTICOLUMN = "https://www.postgresql.org/docs/current/indexes-multicolumn.html"
_PARTIAL = "https://www.postgresql.org/docs/current/indexes-partial.html"
_MYSQL_INDEX = "https://dev.mysql.com/doc/refman/8.4/en/create-index.html"
_INNODB_LIMITS = "https://dev.mysql.com/doc/refman/8.4/en/innodb-limits.html"
_TOO_MANY = [*ascii_lowercase, *(f"a{letter}" for letter in "abcdefg")]
_MARIADB_INDEX = "https://mariadb.com/kb/en/getting-started-with-indexes/"


def _at(ctx: Context, table: Table, path: Path) -> Hit:
    """A Hit without message at an index, or at the key that made it."""
    return Hit(ctx.of(Part(table, path.origin)), "")


@rule(
    "schema/duplicate-column-in-index",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="table",
    fix="Name each column once",
    references=[_CREATE_INDEX, _MYSQL_INDEX],
    bad="""
    CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL);
    CREATE INDEX orders_customer_idx ON orders (customer_id, customer_id);
    """,
    good="""
    CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL);
    CREATE INDEX orders_customer_idx ON orders (customer_id);
    """,
)
def duplicate_column_in_index(table: Table, ctx: Context) -> Iterator[Hit]:
    """A key or an index names a column twice.

    MySQL refuses it, PostgreSQL does in keys; in an index the second one only takes space.
    """
    seen = {path.columns for path in ctx.paths[table.name]}  # the index of a foreign key
    for path in ctx.paths[table.name]:
        if isinstance(path.origin, Exclusion):
            continue  # one column may be compared by several operators
        parts = Counter((part.expression, part.opclass, part.collation) for part in path.parts)
        again = [str(name) for (name, _, _), count in parts.items() if count > 1]
        again += [name for name in path.include if name in path.columns]
        if again:
            yield Hit(
                ctx.of(Part(table, path.origin)),
                f"{quoted(path.name)} of {quoted(table.name)} has {quoted(again[0])} twice",
            )
    for key in table.foreign_keys.values():
        pairs = Counter(zip(key.columns, key.referenced or key.columns, strict=False))
        repeated = [name for (name, _), count in pairs.items() if count > 1]
        if repeated and key.columns not in seen and not is_forgotten(ctx.schema, key):
            yield Hit(
                ctx.of(ForeignKeyPart(table, key)),
                f"{quoted(label(key))} of {quoted(table.name)} has {quoted(repeated[0])} twice",
            )


@rule(
    "schema/index-too-many-columns",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="table",
    fix="Index the columns that select rows",
    references=[
        "https://www.postgresql.org/docs/current/limits.html",
        _INNODB_LIMITS,
        "https://www.sqlite.org/limits.html",
    ],
    bad=f"""
    CREATE TABLE t (id bigint PRIMARY KEY, {", ".join(f"{c} integer NOT NULL" for c in _TOO_MANY)});
    CREATE INDEX t_idx ON t ({", ".join(_TOO_MANY)});
    """,
    good="""
    CREATE TABLE t (id bigint PRIMARY KEY, a integer NOT NULL, b integer NOT NULL);
    CREATE INDEX t_idx ON t (a, b);
    """,
)
def index_too_many_columns(table: Table, ctx: Context) -> Iterator[Hit]:
    """An index has more columns than the engine allows.

    PostgreSQL refuses more than 32, those of INCLUDE counted, InnoDB more than 16.
    """
    limit = limits(ctx.dialect)["index_columns"].value
    for path in ctx.paths[table.name]:
        count = len(path.parts) + len(path.include)
        if limit is not None and count > limit:
            yield Hit(
                ctx.of(Part(table, path.origin)),
                f"{quoted(path.name)} of {quoted(table.name)} has {count} columns; {limit} are"
                " allowed",
            )


@rule(
    "schema/index-not-supported",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="table",
    fix="Use another method, or index an expression of a type that it can order",
    references=[
        "https://www.postgresql.org/docs/current/indexes-types.html",
        "https://www.postgresql.org/docs/current/datatype-json.html",
        _CREATE_INDEX,
    ],
    bad="""
    CREATE TABLE places (id bigint PRIMARY KEY, position point NOT NULL);
    CREATE INDEX places_position_idx ON places (position);
    """,
    good="""
    CREATE TABLE places (id bigint PRIMARY KEY, position point NOT NULL);
    CREATE INDEX places_position_idx ON places USING gist (position);
    """,
)
def index_not_supported(table: Table, ctx: Context) -> Iterator[Hit]:
    """An index that PostgreSQL refuses.

    Values of json, xml and the geometric types have no order, so no b-tree can hold them; only
    b-trees can be unique, and hash indexes have one column.
    """
    if not ctx.is_postgres:
        return
    for path in ctx.paths[table.name]:
        fault = _method_fault(path) or _type_fault(ctx, table, path)
        if fault:
            yield Hit(
                ctx.of(Part(table, path.origin)),
                f"{quoted(path.name)} of {quoted(table.name)} is refused: {fault}",
            )


def _method_fault(path: Path) -> str:
    if path.method not in ("hash", "gin", "gist", "spgist", "brin"):
        return ""
    if path.unique and isinstance(path.origin, Index):
        return f"{path.method} indexes cannot be unique"
    if path.method in ("hash", "spgist") and len(path.parts) > 1:
        return f"{path.method} indexes have one column"
    if path.include and path.method not in ("gist", "spgist"):
        return f"{path.method} indexes have no INCLUDE"
    return ""


def _type_fault(ctx: Context, table: Table, path: Path) -> str:
    if path.method != "btree":
        return ""
    for part in path.parts:
        column = table.columns.get(part.expression) if part.is_column else None
        if column is None or part.opclass or column.type.array or column.type.schema:
            continue
        if column.type.name in _UNORDERED:
            return f"{quoted(column.name)} is {quoted(column.type)}, which has no order"
    return ""


# Types without an operator class for btree (pg_opclass of PostgreSQL 18).
_UNORDERED = (
    *("json", "jsonpath", "xml", "point", "line", "lseg", "box", "path", "polygon", "circle"),
    *("xid", "cid", "pg_snapshot", "txid_snapshot"),
)


@rule(
    "schema/btree-on-container",
    Severity.WARNING,
    FindingClass.RISK,
    on="table",
    fix="Use a GIN index, or index the expression that queries compare",
    references=[
        "https://www.postgresql.org/docs/current/gin.html",
        "https://www.postgresql.org/docs/current/datatype-json.html#JSON-INDEXING",
    ],
    bad="""
    CREATE TABLE posts (id bigint PRIMARY KEY, tags text[] NOT NULL);
    CREATE INDEX posts_tags_idx ON posts (tags);
    """,
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY, tags text[] NOT NULL);
    CREATE INDEX posts_tags_idx ON posts USING gin (tags);
    """,
)
def btree_on_container(table: Table, ctx: Context) -> Iterator[Hit]:
    """A b-tree holds arrays, documents or search vectors as wholes.

    It finds rows whose whole value equals another: no query for an element, a key or a word
    (`@>`, `?`, `@@`, `ANY`) can use it, and a value beyond 2,704 bytes makes the insert fail.
    """
    if not ctx.is_postgres:
        return
    for path in ctx.paths[table.name]:
        if path.method != "btree" or path.unique or not path.columns:
            continue
        column = table.columns.get(path.columns[0])
        if column and not path.parts[0].opclass and ctx.family(column) in _CONTAINERS:
            yield Hit(
                ctx.of(Part(table, path.origin)),
                f"the b-tree {quoted(path.name)} of {quoted(table.name)} is on"
                f" {quoted(column.name)}, which is {quoted(column.type)}",
            )


_CONTAINERS = (Family.ARRAY, Family.JSONB, Family.TEXT_SEARCH, Family.KEY_VALUE)


@rule(
    "schema/index-without-length",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="table",
    fix="Give a prefix length, or make the column a VARCHAR",
    references=[_MYSQL_INDEX, _MARIADB_INDEX],
    bad="""
    -- mysql
    CREATE TABLE posts (id bigint NOT NULL PRIMARY KEY, slug text NOT NULL, KEY slug_idx (slug));
    """,
    good="""
    -- mysql
    CREATE TABLE posts (
        id bigint NOT NULL PRIMARY KEY, slug text NOT NULL, KEY slug_idx (slug(100))
    );
    """,
)
def index_without_length(table: Table, ctx: Context) -> Iterator[Hit]:
    """An index on a TEXT or BLOB column says no length.

    "BLOB/TEXT column used in key specification without a key length": MySQL refuses it (error
    1170). MariaDB does for primary keys.
    """
    if not ctx.is_mysql:
        return
    for path in ctx.paths[table.name]:
        is_primary = isinstance(path.origin, Key) and path.origin.primary
        if path.method not in ("btree", "hash") or (
            ctx.dialect is Dialect.MARIADB and not is_primary
        ):
            continue
        for part in path.parts:
            column = table.columns.get(part.expression) if part.is_column else None
            if column and part.length is None and column.type.name.endswith(("text", "blob")):
                yield Hit(
                    ctx.of(Part(table, path.origin)),
                    f"{quoted(path.name)} of {quoted(table.name)} indexes {quoted(column.name)}"
                    f" {quoted(column.type)} without a length",
                )


@rule(
    "schema/index-on-blob",
    Severity.INFO,
    FindingClass.STYLE,
    on="table",
    opt_in=True,
    fix="Index a hash of it, or a shorter column",
    references=[_MYSQL_INDEX],
    bad="""
    -- mysql
    CREATE TABLE files (
        id bigint NOT NULL PRIMARY KEY, body blob NOT NULL, KEY body_idx (body(20))
    );
    """,
    good="""
    -- mysql
    CREATE TABLE files (id bigint NOT NULL PRIMARY KEY, body blob NOT NULL);
    """,
)
def index_on_blob(table: Table, ctx: Context) -> Iterator[Hit]:
    """A BLOB is in an index or a key.

    A policy: only a prefix can be indexed, which neither orders nor identifies the values.
    """
    for path in ctx.paths[table.name] if ctx.is_mysql else ():
        for part in path.parts:
            column = table.columns.get(part.expression) if part.is_column else None
            if column and column.type.name.endswith("blob"):
                yield Hit(
                    ctx.of(Part(table, path.origin)),
                    f"{quoted(path.name)} of {quoted(table.name)} indexes {quoted(column.name)}"
                    f" {quoted(column.type)}",
                )


@rule(
    "schema/index-key-too-long",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="table",
    fix="Shorten the columns, or index a prefix of them",
    references=[_INNODB_LIMITS, "https://dev.mysql.com/doc/refman/8.4/en/innodb-row-format.html"],
    bad="""
    -- mysql
    CREATE TABLE pages (
        id bigint NOT NULL PRIMARY KEY, url varchar(2000) NOT NULL, KEY url_idx (url)
    ) CHARACTER SET utf8mb4;
    """,
    good="""
    -- mysql
    CREATE TABLE pages (
        id bigint NOT NULL PRIMARY KEY, url varchar(2000) NOT NULL, KEY url_idx (url(700))
    ) CHARACTER SET utf8mb4;
    """,
)
def index_key_too_long(table: Table, ctx: Context) -> Iterator[Hit]:
    """An index key is longer than InnoDB allows.

    3,072 bytes in all, at up to 4 bytes a character in utf8mb4; 767 for one column in the row
    formats REDUNDANT and COMPACT. MySQL refuses it (error 1071).
    """
    if not ctx.is_mysql or table.engine.lower() not in ("", "innodb"):
        return
    allowed = limits(ctx.dialect)
    whole = allowed["index_key"].value or 3072
    row_format = {n.lower(): v.lower() for n, v in table.options.items()}.get("row_format", "")
    one = (allowed["compact_index_key"].value or 767) if row_format in _SHORT else whole
    for path in ctx.paths[table.name]:
        sizes = [_size(ctx, table, part.expression, part.length) for part in path.parts]
        is_unique = (
            path.unique and ctx.dialect is Dialect.MARIADB and isinstance(path.origin, Index)
        )
        if path.method != "btree" or is_unique:  # MariaDB enforces long unique keys by a hash
            continue
        if sum(sizes) > whole or max(sizes, default=0) > one:
            size, limit = (sum(sizes), whole) if sum(sizes) > whole else (max(sizes), one)
            yield Hit(
                ctx.of(Part(table, path.origin)),
                f"the key of {quoted(path.name)} of {quoted(table.name)} takes"
                f" {size:,} bytes; {limit:,} are allowed",
            )


_SHORT = ("redundant", "compact")


def _size(ctx: Context, table: Table, name: str, prefix: int | None) -> int:
    """The most bytes that a column takes in a key, as far as that is certain; else 0."""
    column = table.columns.get(name)
    if column is None:
        return 0
    kind = ctx.family(column)
    length = prefix or max_length(column.type) or 0
    if kind is Family.BINARY:
        return length
    if kind not in (Family.VARCHAR, Family.CHAR, Family.TEXT):
        return 0
    return length * _bytes_each(ctx, table, column)


def _bytes_each(ctx: Context, table: Table, column: Column) -> int:
    for holder in (column, table, ctx.schema):
        charset = holder.charset or holder.collation.partition("_")[0]
        if charset:
            return _WIDTHS.get(charset.lower(), 1)
    return 4 if ctx.dialect is Dialect.MYSQL and ctx.version >= (8,) else 1


_WIDTHS = {"utf8mb4": 4, "utf8mb3": 3, "utf8": 3, "utf16": 4, "utf32": 4, "ucs2": 2}


@rule(
    "schema/unique-defeated-by-null",
    Severity.WARNING,
    FindingClass.RISK,
    on="table",
    fix="Make the unique index partial: only over the rows that are not deleted",
    references=[
        "https://www.postgresql.org/docs/current/indexes-unique.html",
        _PARTIAL,
        "https://dev.mysql.com/doc/refman/8.4/en/create-index.html#create-index-unique",
        "https://www.sqlite.org/partialindex.html",
    ],
    bad="""
    CREATE TABLE users (
        id bigint PRIMARY KEY,
        email text NOT NULL,
        deleted_at timestamptz,
        UNIQUE (email, deleted_at)
    );
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL, deleted_at timestamptz);
    CREATE UNIQUE INDEX users_email_idx ON users (email) WHERE deleted_at IS NULL;
    """,
)
def unique_defeated_by_null(table: Table, ctx: Context) -> Iterator[Hit]:
    """A unique key never holds for the rows that are not deleted.

    It includes the moment of deletion, which is NULL while a row lives, and NULLs are different
    from each other: any number of live rows may have the same values. Only deleted ones are kept
    apart. MySQL has no partial indexes: there, use a generated column that is constant for live
    rows.
    """
    for path in ctx.paths[table.name]:
        if not path.unique or path.where or getattr(path.origin, "nulls_not_distinct", False):
            continue
        names = [str(part.expression) for part in path.parts if part.is_column]
        marks = [name for name in names if _marks_deletion(ctx, table, name)]
        if not marks or len(path.parts) < 2:
            continue
        rest = set(names) - set(marks)
        if not any(_covers_live(table, other, rest, marks[0]) for other in ctx.paths[table.name]):
            columns = ", ".join(names)
            yield Hit(
                ctx.of(Part(table, path.origin)),
                f"the unique {quoted(path.name)} of {quoted(table.name)} allows duplicates while"
                f" {quoted(marks[0])} is NULL",
                evidence=f"unique ({columns})",
            )


def _marks_deletion(ctx: Context, table: Table, name: str) -> bool:
    column = table.columns.get(name)
    return (
        column is not None
        and is_nullable(ctx.schema, table, name)
        and ctx.family(column) in (Family.DATE, Family.TIMESTAMP, Family.TIMESTAMPTZ)
        and words(name).startswith(("_deleted_", "_removed_", "_discarded_", "_archived_"))
    )


def _covers_live(table: Table, path: Path, columns: set[str], mark: str) -> bool:
    """Whether another unique index keeps the live rows apart."""
    if not path.unique or not set(path.columns) <= columns or not path.columns:
        return False
    return len(path.columns) == len(path.parts) and (not path.where or mark in path.predicate)


@rule(
    "schema/unique-with-nullable-column",
    Severity.INFO,
    FindingClass.RISK,
    on="table",
    opt_in=True,
    confidence=Confidence.LOW,
    fix="Make the column NOT NULL, or say NULLS NOT DISTINCT (PostgreSQL 15)",
    references=["https://www.postgresql.org/docs/current/indexes-unique.html"],
    bad="""
    CREATE TABLE prices (
        id bigint PRIMARY KEY, product integer NOT NULL, region integer, UNIQUE (product, region)
    );
    """,
    good="""
    CREATE TABLE prices (
        id bigint PRIMARY KEY, product integer NOT NULL, region integer,
        UNIQUE NULLS NOT DISTINCT (product, region)
    );
    """,
)
def unique_with_nullable_column(table: Table, ctx: Context) -> Iterator[Hit]:
    """A unique key of several columns, of which one may be NULL.

    Rows with NULL in it are never equal, so all the others may repeat.
    """
    for path in ctx.paths[table.name]:
        if not path.unique or path.where or getattr(path.origin, "nulls_not_distinct", False):
            continue
        nullable = [name for name in path.columns if is_nullable(ctx.schema, table, name)]
        if nullable and len(path.parts) > 1:
            yield Hit(
                ctx.of(Part(table, path.origin)),
                f"the unique {quoted(path.name)} of {quoted(table.name)} does not hold where"
                f" {quoted(nullable[0])} is NULL",
            )


@rule(
    "schema/index-on-boolean",
    Severity.INFO,
    FindingClass.RISK,
    on="index",
    opt_in=True,
    confidence=Confidence.LOW,
    fix="Make it a partial index over the rare value, or put the column last",
    references=[_PARTIAL],
    bad="""
    CREATE TABLE jobs (id bigint PRIMARY KEY, done boolean NOT NULL);
    CREATE INDEX jobs_done_idx ON jobs (done);
    """,
    good="""
    CREATE TABLE jobs (id bigint PRIMARY KEY, done boolean NOT NULL);
    CREATE INDEX jobs_open_idx ON jobs (id) WHERE NOT done;
    """,
)
def index_on_boolean(part: IndexPart, ctx: Context) -> Iterator[Hit]:
    """An index leads with a column of two values.

    Half the table is not worth an index. For the rare half a partial index is smaller, and can
    order by something useful.
    """
    table, index = part
    column = table.columns.get(index.columns[0]) if _is_table(table) and index.columns else None
    if column and index.where is None and ctx.family(column) is Family.BOOLEAN:
        yield Hit(
            ctx.of(part),
            f"{quoted(index.name)} of {quoted(table.name)} leads with the boolean"
            f" {quoted(column.name)}",
        )


def _is_table(holder: object) -> bool:
    return isinstance(holder, Table)


@rule(
    "schema/time-before-other-columns",
    Severity.INFO,
    FindingClass.RISK,
    on="index",
    opt_in=True,
    confidence=Confidence.LOW,
    fix="Put columns that are compared by equality first and the time last",
    references=[_MULTICOLUMN],
    bad="""
    CREATE TABLE orders (id bigint PRIMARY KEY, shop integer NOT NULL, at timestamptz NOT NULL);
    CREATE INDEX orders_idx ON orders (at, shop);
    """,
    good="""
    CREATE TABLE orders (id bigint PRIMARY KEY, shop integer NOT NULL, at timestamptz NOT NULL);
    CREATE INDEX orders_idx ON orders (shop, at);
    """,
)
def time_before_other_columns(part: IndexPart, ctx: Context) -> Iterator[Hit]:
    """A time stands before other columns of an index.

    Times are asked for by ranges. From the first range on, further columns no longer narrow the
    part of the index that is read.
    """
    table, index = part
    if index.method != "btree" or not _is_table(table):
        return
    columns = [table.columns.get(name) for name in index.columns]
    kinds = [ctx.family(column) for column in columns if column]
    at = next((n for n, kind in enumerate(kinds) if kind in _MOMENTS), len(kinds))
    if any(kind not in _MOMENTS for kind in kinds[at + 1 :]):
        yield Hit(
            ctx.of(part),
            f"{quoted(index.name)} of {quoted(table.name)} has {quoted(index.columns[at])} before"
            " other columns",
        )


_MOMENTS = (Family.TIMESTAMP, Family.TIMESTAMPTZ)


@rule(
    "schema/needless-index-predicate",
    Severity.INFO,
    FindingClass.RISK,
    on="index",
    opt_in=True,
    fix="Leave the predicate out",
    references=[_PARTIAL],
    bad="""
    CREATE TABLE orders (id bigint PRIMARY KEY, shop integer NOT NULL);
    CREATE INDEX orders_shop_idx ON orders (shop) WHERE shop IS NOT NULL;
    """,
    good="""
    CREATE TABLE orders (id bigint PRIMARY KEY, shop integer NOT NULL);
    CREATE INDEX orders_shop_idx ON orders (shop);
    """,
)
def needless_index_predicate(part: IndexPart, ctx: Context) -> Iterator[Hit]:
    """A partial index leaves out NULLs of a column that is NOT NULL.

    It holds every row, and still some queries cannot use it, as for an ORDER BY alone.
    """
    table, index = part
    columns = not_null_only(index.where) if index.where and _is_table(table) else None
    if columns and not any(is_nullable(ctx.schema, table, name) for name in columns):
        yield Hit(
            ctx.of(part),
            f"the predicate of {quoted(index.name)} of {quoted(table.name)} holds for every row",
            evidence=f"WHERE {index.where}",
        )
