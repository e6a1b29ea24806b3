"""Rules about comments on tables and columns."""

from __future__ import annotations

from collections.abc import Iterator

from ...ddl.model import Dialect, Schema, Table
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, Place, rule
from ..context import ColumnPart, Context

_COMMENT = "https://www.postgresql.org/docs/current/sql-comment.html"
_MYSQL_CREATE = "https://dev.mysql.com/doc/refman/8.4/en/create-table.html"

LONG = 200  # characters
MYSQL_LIMITS = {"tables": 2048, "columns": 1024}


@rule(
    "schema/table-without-comment",
    Severity.INFO,
    FindingClass.STYLE,
    on="table",
    opt_in=True,
    fix="Say what a row of the table is, in a COMMENT",
    references=[_COMMENT, _MYSQL_CREATE],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY);
    COMMENT ON TABLE users IS 'Who may log in';
    """,
)
def table_without_comment(table: Table, ctx: Context) -> Iterator[Hit]:
    """A table has no comment.

    A convention: the catalog is where every tool and every new colleague looks first.
    """
    if not table.comment and ctx.dialect is not Dialect.SQLITE:
        yield Hit(ctx.of_table(table), f"the table {quoted(table.name)} has no comment")


@rule(
    "schema/column-without-comment",
    Severity.INFO,
    FindingClass.STYLE,
    on="column",
    opt_in=True,
    fix="Say what the values are, in a COMMENT",
    references=[_COMMENT, _MYSQL_CREATE],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY);
    COMMENT ON COLUMN users.id IS 'Counted up';
    """,
)
def column_without_comment(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """A column has no comment.

    A convention: unit, origin and meaning of NULL are nowhere else to be found.
    """
    if not part.value.comment and ctx.dialect is not Dialect.SQLITE:
        yield Hit(
            ctx.of(part),
            f"the column {quoted(part.value.name)} of {quoted(part.table.name)} has no comment",
        )


@rule(
    "schema/long-comment",
    Severity.INFO,
    FindingClass.STYLE,
    on="schema",
    opt_in=True,
    fix="Keep the comment to a sentence or two, and refer to the documentation",
    references=[_COMMENT],
    bad=f"""
    CREATE TABLE users (id bigint PRIMARY KEY);
    COMMENT ON TABLE users IS '{"Who may log in. " * 20}';
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY);
    COMMENT ON TABLE users IS 'Who may log in';
    """,
)
def long_comment(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A comment is longer than 200 characters.

    A convention: tools show one line of it.
    """
    for what, comment, at, _ in _comments(ctx):
        if len(comment) > LONG:
            yield Hit(at, f"the comment on {what} has {len(comment):,} characters")


@rule(
    "schema/comment-too-long",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="schema",
    fix="Shorten it",
    references=[_MYSQL_CREATE],
    bad=f"""
    -- mysql
    CREATE TABLE users (id bigint PRIMARY KEY COMMENT '{"Counted up. " * 100}');
    """,
    good="""
    -- mysql
    CREATE TABLE users (id bigint PRIMARY KEY COMMENT 'Counted up');
    """,
)
def comment_too_long(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A comment is longer than the engine takes.

    MySQL refuses more than 2,048 characters on a table and 1,024 on a column.
    """
    for what, comment, at, kind in _comments(ctx) if ctx.is_mysql else ():
        if len(comment) > MYSQL_LIMITS[kind]:
            yield Hit(
                at,
                f"the comment on {what} has {len(comment):,} characters; at most"
                f" {MYSQL_LIMITS[kind]:,} are possible",
            )


def _comments(ctx: Context) -> Iterator[tuple[str, str, Place, str]]:
    for table in ctx.tables:
        yield quoted(table.name), table.comment, ctx.of_table(table), "tables"
        for column in table.columns.values():
            what = f"{quoted(column.name)} of {quoted(table.name)}"
            yield what, column.comment, ctx.of(ColumnPart(table, column)), "columns"
