"""Rules on columns that houses differ on: NULL, defaults, columns that every table has."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...ddl.model import Table
from ...ddl.types import Family
from ...names import words
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule
from ..access import is_nullable, is_rowid
from ..context import ColumnPart, Context
from ..literals import without_strings

_NOT_NULL = "https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-NOT-NULL"
_DEFAULT = "https://www.postgresql.org/docs/current/ddl-default.html"
_MYSQL_DEFAULT = "https://dev.mysql.com/doc/refman/8.4/en/data-type-defaults.html"


@rule(
    "schema/nullable-column",
    Severity.INFO,
    FindingClass.STYLE,
    on="column",
    opt_in=True,
    fix="Declare the column NOT NULL, or move it to a table of its own",
    references=[_NOT_NULL],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY, name text);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL);
    """,
)
def nullable_column(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """A column may be NULL.

    A policy: NULL has its own logic, in which neither `a = b` nor `a <> b` need be true.
    """
    if is_nullable(ctx.schema, part.table, part.value.name):
        yield Hit(
            ctx.of(part), f"{quoted(part.value.name)} of {quoted(part.table.name)} may be NULL"
        )


@rule(
    "schema/nullable-boolean",
    Severity.INFO,
    FindingClass.RISK,
    on="column",
    opt_in=True,
    fix="Declare it NOT NULL with a default, or name the three values",
    references=[_NOT_NULL, "https://www.postgresql.org/docs/current/functions-logical.html"],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY, active boolean);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, active boolean NOT NULL);
    """,
)
def nullable_boolean(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """A boolean has three values.

    `WHERE NOT active` leaves the rows out that have NULL, and so does `WHERE active`.
    """
    is_boolean = ctx.family(part.value) is Family.BOOLEAN
    if is_boolean and is_nullable(ctx.schema, part.table, part.value.name):
        yield Hit(
            ctx.of(part),
            f"the boolean {quoted(part.value.name)} of {quoted(part.table.name)} may be NULL",
        )


@rule(
    "schema/column-without-default",
    Severity.INFO,
    FindingClass.STYLE,
    on="column",
    opt_in=True,
    fix="Declare a DEFAULT",
    references=[_DEFAULT, _MYSQL_DEFAULT],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY, points integer NOT NULL);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, points integer NOT NULL DEFAULT 0);
    """,
)
def column_without_default(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """A column has no default.

    A policy: an INSERT of an older version of the application, which does not know the column,
    still works. Keys are left out, and in MySQL texts, blobs and JSON.
    """
    if _lacks_default(part, ctx):
        yield Hit(
            ctx.of(part), f"{quoted(part.value.name)} of {quoted(part.table.name)} has no default"
        )


@rule(
    "schema/required-column-without-default",
    Severity.INFO,
    FindingClass.STYLE,
    on="column",
    opt_in=True,
    fix="Declare a DEFAULT",
    references=[_DEFAULT, _MYSQL_DEFAULT],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY, points integer NOT NULL);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, points integer NOT NULL DEFAULT 0, born date);
    """,
)
def required_column_without_default(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """A column is NOT NULL and has no default.

    A policy: every INSERT must name the column, also those written before it was there.
    """
    if part.value.not_null and _lacks_default(part, ctx):
        yield Hit(
            ctx.of(part),
            f"{quoted(part.value.name)} of {quoted(part.table.name)} is NOT NULL without a default",
        )


def _lacks_default(part: ColumnPart, ctx: Context) -> bool:
    table, column = part
    key = table.primary_key
    made = column.default or column.identity or column.auto_increment or column.generated
    if made or is_rowid(table, column.name) or (key and column.name in key.columns):
        return False
    large = (Family.TEXT, Family.BINARY, Family.JSONB, Family.JSON, Family.GEOMETRIC)
    return not (ctx.is_mysql and ctx.family(column) in large)


@rule(
    "schema/volatile-default",
    Severity.INFO,
    FindingClass.RISK,
    on="column",
    opt_in=True,
    fix="Set the value in the application, or add the column first and its default afterwards",
    references=[
        "https://www.postgresql.org/docs/current/sql-altertable.html",
        "https://www.postgresql.org/docs/current/xfunc-volatility.html",
    ],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY, code uuid NOT NULL DEFAULT gen_random_uuid());
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());
    """,
)
def volatile_default(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """A default is computed anew for each row.

    Adding such a column writes the whole table under an exclusive lock, where a constant takes no
    time. Sequences behind keys are left alone.
    """
    if _VOLATILE.search(without_strings(part.value.default or "")):
        yield Hit(
            ctx.of(part),
            f"the default of {quoted(part.value.name)} of {quoted(part.table.name)} is"
            f" {quoted(part.value.default)}",
        )


_VOLATILE = re.compile(
    r"\b(random|rand|clock_timestamp|timeofday|gen_random_uuid|uuid_generate_v\w+|uuid|uuidv[47]"
    r"|uuid_v[47]|gen_random_bytes|random_bytes|randomblob|uuid_short)\s*\(",
    re.I,
)


@rule(
    "schema/column-missing-audit",
    Severity.INFO,
    FindingClass.STYLE,
    on="table",
    opt_in=True,
    fix="Add columns for when, and by whom, a row was created and last changed",
    references=["https://www.postgresql.org/docs/current/ddl-basics.html"],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL);
    """,
    good="""
    CREATE TABLE users (
        id bigint PRIMARY KEY,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        creator_id bigint NOT NULL,
        updater_id bigint NOT NULL
    );
    """,
)
def column_missing_audit(table: Table, ctx: Context) -> Iterator[Hit]:
    """A table lacks columns that every table is to have.

    A policy: a key `id`, when and by whom a row was created, when and by whom it was changed.
    """
    names = {words(name) for name in table.columns}
    missing = [
        what
        for what, pattern in _AUDIT.items()
        if not any(pattern.search(name) for name in names) and not _is_link(table)
    ]
    if missing:
        yield Hit(ctx.of_table(table), f"{quoted(table.name)} lacks {', '.join(missing)}")


_AUDIT = {
    "a key `id`": re.compile(r"_id_$|_uuid_$"),
    "when it was created": re.compile(
        r"_(created|create|creation|inserted|added)_(at|ts|on|time|date)_$|_create_date_$|_time_created_$"
    ),
    "by whom": re.compile(r"_(creator_id|created_by(_id)?|create_user(_id)?)_$"),
    "when it was changed": re.compile(
        r"_(updated|update|modified|changed|last_update)_(at|ts|on|time|date)_$|_last_update_$|_time_updated_$"
    ),
    "by whom it was changed": re.compile(
        r"_(updater_id|(updated|modified|changed)_by(_id)?|update_user(_id)?)_$"
    ),
}


def _is_link(table: Table) -> bool:
    ends = {column for key in table.foreign_keys.values() for column in key.columns}
    return set(table.columns) <= ends and len(ends) > 1


@rule(
    "schema/several-automatic-times",
    Severity.INFO,
    FindingClass.STYLE,
    on="table",
    opt_in=True,
    fix="Keep one ON UPDATE CURRENT_TIMESTAMP",
    references=["https://dev.mysql.com/doc/refman/8.4/en/timestamp-initialization.html"],
    bad="""
    -- mysql
    CREATE TABLE users (
        id bigint PRIMARY KEY,
        changed timestamp NOT NULL DEFAULT now() ON UPDATE now(),
        seen timestamp NOT NULL DEFAULT now() ON UPDATE now()
    );
    """,
    good="""
    -- mysql
    CREATE TABLE users (
        id bigint PRIMARY KEY,
        changed timestamp NOT NULL DEFAULT now() ON UPDATE now(),
        created timestamp NOT NULL DEFAULT now()
    );
    """,
)
def several_automatic_times(table: Table, ctx: Context) -> Iterator[Hit]:
    """Every update of a row sets several times.

    A policy: the columns always hold the same, whatever their names say.
    """
    found = [column for column in table.columns.values() if column.on_update]
    if len(found) > 1:
        names = ", ".join(column.name for column in found)
        yield Hit(ctx.of_table(table), f"every update of {quoted(table.name)} sets {quoted(names)}")


@rule(
    "schema/opposite-booleans",
    Severity.INFO,
    FindingClass.RISK,
    on="table",
    opt_in=True,
    confidence=Confidence.MEDIUM,
    fix="Keep one column: a boolean, or a status with named values",
    references=["https://www.postgresql.org/docs/current/ddl-constraints.html"],
    bad="""
    CREATE TABLE users (
        id bigint PRIMARY KEY, is_active boolean NOT NULL, is_inactive boolean NOT NULL
    );
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, is_active boolean NOT NULL);
    """,
)
def opposite_booleans(table: Table, ctx: Context) -> Iterator[Hit]:
    """Two booleans say the opposite of each other.

    They can both be true, and both false.
    """
    flags = {
        words(name): column
        for name, column in table.columns.items()
        if ctx.family(column) is Family.BOOLEAN
    }
    for name, column in flags.items():
        stem = name.removeprefix("_is")
        for prefix in ("_not", "_in", "_un", "_dis", "_non"):
            opposite = prefix + (stem if prefix in ("_not", "_non") else stem[1:])
            other = flags.get("_is" + opposite) or flags.get(opposite)
            if other and other is not column:
                yield Hit(
                    ctx.of(ColumnPart(table, other)),
                    f"{quoted(column.name)} and {quoted(other.name)} of {quoted(table.name)} are"
                    " opposites",
                )


@rule(
    "schema/soft-delete-blocks-unique",
    Severity.INFO,
    FindingClass.RISK,
    on="table",
    opt_in=True,
    fix="Make the index unique WHERE the row is not deleted",
    references=["https://www.postgresql.org/docs/current/indexes-partial.html"],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL UNIQUE, deleted_at timestamptz);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL, deleted_at timestamptz);
    CREATE UNIQUE INDEX ON users (email) WHERE deleted_at IS NULL;
    """,
)
def soft_delete_blocks_unique(table: Table, ctx: Context) -> Iterator[Hit]:
    """A deleted row still holds its unique values.

    Rows are marked as deleted and kept. Their e-mail address or name cannot be taken again by a new
    one, unless that is what is wanted.
    """
    mark = next((n for n in table.columns if words(n) in _DELETED), None)
    if mark is None:
        return
    for key in table.keys.values():
        if not key.primary and mark not in key.columns:
            yield Hit(
                ctx.place(key, "tables", str(table.name), "keys", key.name),
                f"rows of {quoted(table.name)} that {quoted(mark)} marks as deleted still hold"
                f" their {quoted(', '.join(key.columns))}",
            )
    for index in table.indexes.values():
        if index.unique and index.where is None and mark not in index.columns:
            yield Hit(
                ctx.place(index, "tables", str(table.name), "indexes", index.name),
                f"rows of {quoted(table.name)} that {quoted(mark)} marks as deleted still hold"
                f" their {quoted(', '.join(index.columns) or index.name)}",
            )


_DELETED = ("_deleted_at_", "_deleted_on_", "_is_deleted_", "_deleted_", "_removed_at_")
