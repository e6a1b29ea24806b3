"""Rules about the names of tables and columns."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

from ...ddl.model import Schema, Table
from ...engines.limits import limits, name_length, needs_quotes, reserved
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, Place, rule
from ..context import ColumnPart, Context

_LEXICAL = "https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS"
_KEYWORDS = "https://www.postgresql.org/docs/current/sql-keywords-appendix.html"
_MYSQL_NAMES = "https://dev.mysql.com/doc/refman/8.4/en/identifiers.html"
_MYSQL_LENGTH = "https://dev.mysql.com/doc/refman/8.4/en/identifier-length.html"

_SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def _names(ctx: Context) -> Iterator[tuple[str, str, Place]]:
    """The name, what it names, and the place of every table and column."""
    for table in ctx.tables:
        yield table.name.name, "the table", ctx.of_table(table)
        for column in table.columns.values():
            yield (
                column.name,
                f"a column of {quoted(table.name)},",
                ctx.of(ColumnPart(table, column)),
            )


@rule(
    "schema/names-differ-by-case",
    Severity.WARNING,
    FindingClass.RISK,
    on="schema",
    fix="Rename one of them",
    references=[_LEXICAL],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY, "userName" text NOT NULL, username text NOT NULL);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, display_name text NOT NULL, username text NOT NULL);
    """,
)
def names_differ_by_case(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """Two names differ by nothing but upper and lower case.

    Without quotes both become the same: who forgets them reads or writes the wrong one, and no
    error says so.
    """
    tables: dict[tuple[str, str], Table] = {}
    for table in ctx.tables:
        first = tables.setdefault((table.name.schema, table.name.name.lower()), table)
        if first is not table:
            yield Hit(
                ctx.of_table(table),
                f"{quoted(table.name)} and {quoted(first.name)} differ by case alone",
                related=(ctx.of_table(first),),
            )
        seen: dict[str, ColumnPart] = {}
        for column in table.columns.values():
            part = ColumnPart(table, column)
            other = seen.setdefault(column.name.lower(), part)
            if other is not part:
                yield Hit(
                    ctx.of(part),
                    f"{quoted(column.name)} and {quoted(other.value.name)} of {quoted(table.name)}"
                    " differ by case alone",
                    related=(ctx.of(other),),
                )


@rule(
    "schema/name-with-hidden-characters",
    Severity.WARNING,
    FindingClass.RISK,
    on="schema",
    fix="Rename it, in letters that can be seen",
    references=[_LEXICAL, "https://www.unicode.org/reports/tr36/"],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY, "name " text NOT NULL);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL);
    """,
)
def name_with_hidden_characters(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A name begins or ends with a blank, or has characters that cannot be seen.

    Who types the name as it looks gets `does not exist`.
    """
    for name, what, at in _names(ctx):
        hidden = [char for char in name if unicodedata.category(char)[0] == "C"]
        if hidden or name != name.strip():
            seen = f"U+{ord(hidden[0]):04X}" if hidden else "a blank at its end"
            yield Hit(at, f"{what} {quoted(name)} has {seen} in its name")


@rule(
    "schema/name-too-long",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="schema",
    fix="Shorten it",
    references=[_MYSQL_LENGTH],
    bad=f"""
    -- mysql
    CREATE TABLE {"long_" * 13} (id bigint PRIMARY KEY);
    """,
    good="""
    -- mysql
    CREATE TABLE short (id bigint PRIMARY KEY);
    """,
)
def name_too_long(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A name is longer than the engine takes.

    MySQL and MariaDB refuse the statement.
    """
    limit = limits(ctx.dialect)["identifier"].value
    if limit is None or ctx.is_postgres:
        return
    for name, what, at in _all_names(ctx):
        if name_length(ctx.dialect, name) > limit:
            yield Hit(at, f"{what} {quoted(name)} is longer than {limit} characters")


def _all_names(ctx: Context) -> Iterator[tuple[str, str, Place]]:
    yield from _names(ctx)
    for table in ctx.tables:
        of = f"of {quoted(table.name)},"
        for kind, found in (("keys", table.keys), ("foreign_keys", table.foreign_keys)):
            for name, part in found.items():
                yield name, f"a key {of}", ctx.place(part, "tables", str(table.name), kind, name)
        for name, index in table.indexes.items():
            at = ctx.place(index, "tables", str(table.name), "indexes", name)
            yield name, f"an index {of}", at
        for name, check in table.checks.items():
            at = ctx.place(check, "tables", str(table.name), "checks", name)
            yield name, f"a check {of}", at


@rule(
    "schema/name-at-limit",
    Severity.INFO,
    FindingClass.RISK,
    on="schema",
    opt_in=True,
    confidence=Confidence.MEDIUM,
    fix="Shorten it",
    references=[_LEXICAL],
    bad=f"""
    CREATE TABLE users (id bigint PRIMARY KEY, {"very_" * 12}own text NOT NULL);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL);
    """,
)
def name_at_limit(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A name is as long as the engine takes.

    PostgreSQL cuts longer ones at 63 bytes and says no more than NOTICE: this one was probably cut,
    and one that differs from it behind that point is taken for the same.
    """
    limit = limits(ctx.dialect)["identifier"].value
    for name, what, at in _all_names(ctx) if limit else ():
        if name_length(ctx.dialect, name) == limit and not _MADE.search(name):
            yield Hit(at, f"{what} {quoted(name)} has the greatest length possible")


@rule(
    "schema/name-cut",
    Severity.WARNING,
    FindingClass.DEFECT,
    on="schema",
    fix="Choose a name of at most 63 bytes",
    references=[_LEXICAL],
    bad=f"""
    CREATE TABLE users (id bigint PRIMARY KEY, {"very_" * 13}long text NOT NULL);
    """,
    good=f"""
    CREATE TABLE users (id bigint PRIMARY KEY, {"very_" * 11}long text NOT NULL);
    """,
)
def name_cut(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """PostgreSQL cuts a name.

    What stands behind 63 bytes is dropped with no more than a NOTICE: the object has another name
    than the script says, and code or a migration that spells it out in full may meet a second one
    that was cut to the same.
    """
    limit = limits(ctx.dialect)["identifier"].value
    for name, what, at in _all_names(ctx) if ctx.is_postgres else ():
        if name_length(ctx.dialect, name) == limit and (text := ctx.texts.get(at.file)):
            start = at.offset or 0
            longer = re.compile(re.escape(name) + r"[\w$]+", re.I)
            if written := longer.search(text, start, start + 1_000):
                yield Hit(at, f"{what} {quoted(written[0], 120)} is cut to {quoted(name)}")


_MADE = re.compile(r"_(pkey|key|fkey|idx|check|excl|not_null|seq)\d*$")


@rule(
    "schema/table-name-not-snake-case",
    Severity.INFO,
    FindingClass.STYLE,
    on="table",
    opt_in=True,
    fix="Use small letters and underscores: `order_items`",
    references=[_LEXICAL, _MYSQL_NAMES],
    bad="""
    CREATE TABLE "orderItems" (id bigint PRIMARY KEY);
    """,
    good="""
    CREATE TABLE order_items (id bigint PRIMARY KEY);
    """,
)
def table_name_not_snake_case(table: Table, ctx: Context) -> Iterator[Hit]:
    """The name of a table is not in snake case.

    A convention: such names need no quotes in PostgreSQL and mean the same on every file system in
    MySQL.
    """
    if not _SNAKE.fullmatch(table.name.name):
        yield Hit(ctx.of_table(table), f"the table {quoted(table.name)} is not in snake case")


@rule(
    "schema/column-name-not-snake-case",
    Severity.INFO,
    FindingClass.STYLE,
    on="column",
    opt_in=True,
    fix="Use small letters and underscores: `first_name`",
    references=[_LEXICAL, _MYSQL_NAMES],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY, "firstName" text NOT NULL);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, first_name text NOT NULL);
    """,
)
def column_name_not_snake_case(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """The name of a column is not in snake case.

    A convention: in PostgreSQL such names need no quotes.
    """
    if not _SNAKE.fullmatch(part.value.name):
        yield Hit(
            ctx.of(part),
            f"{quoted(part.value.name)} of {quoted(part.table.name)} is not in snake case",
        )


@rule(
    "schema/inconsistent-name-style",
    Severity.INFO,
    FindingClass.STYLE,
    on="schema",
    opt_in=True,
    fix="Rename them in the style of the others",
    references=[_LEXICAL],
    bad="""
    CREATE TABLE users (
        id bigint PRIMARY KEY, first_name text NOT NULL, last_name text NOT NULL, "nickName" text
    );
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, first_name text NOT NULL, last_name text NOT NULL);
    """,
)
def inconsistent_name_style(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A few names are written in another style than the others.

    A convention: nobody should have to look up whether it is `nickName` or `nick_name`.
    """
    styles = [(_style(name), name, what, at) for name, what, at in _names(ctx)]
    counts = Counter(style for style, *_ in styles if style)
    ((usual, _),) = counts.most_common(1) or [("", 0)]
    for style, name, what, at in styles:
        if style and style != usual:
            yield Hit(at, f"{what} {quoted(name)} is in {style}, most names are in {usual}")


def _style(name: str) -> str:
    """The style of a name of several words; empty when it fits any."""
    for style, pattern in _STYLES.items():
        if pattern.fullmatch(name):
            return style
    return ""


_STYLES = {
    "snake case": re.compile(r"[a-z0-9]+(_[a-z0-9]+)+"),
    "upper case": re.compile(r"[A-Z0-9]+(_[A-Z0-9]+)+"),
    "camel case": re.compile(r"[a-z0-9]+([A-Z][a-z0-9]*)+"),
    "Pascal case": re.compile(r"([A-Z]+[a-z0-9]+){2,}"),
    "kebab case": re.compile(r"[a-z0-9]+(-[a-z0-9]+)+"),
}


@rule(
    "schema/reserved-name",
    Severity.INFO,
    FindingClass.STYLE,
    on="schema",
    opt_in=True,
    fix="Choose another word, or two: `user_account`, `sort_order`",
    references=[_KEYWORDS, "https://dev.mysql.com/doc/refman/8.4/en/keywords.html"],
    bad="""
    CREATE TABLE "user" (id bigint PRIMARY KEY);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY);
    """,
)
def reserved_name(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A name is a reserved word.

    Every statement must quote it, by hand and in every tool; without quotes `SELECT user` in
    PostgreSQL answers something else.
    """
    taken = reserved(ctx.dialect)
    for name, what, at in _names(ctx):
        if name.lower() in taken:
            yield Hit(at, f"{what} {quoted(name)} is a reserved word")


@rule(
    "schema/name-needs-quotes",
    Severity.INFO,
    FindingClass.STYLE,
    on="schema",
    opt_in=True,
    fix="Use letters, digits and underscores; in PostgreSQL small letters",
    references=[_LEXICAL, _MYSQL_NAMES],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY, "e-mail" text NOT NULL);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL);
    """,
)
def name_needs_quotes(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A name must be quoted because of its characters.

    A convention: blanks, dashes and, in PostgreSQL, capital letters work in quotes only, in every
    statement and for everybody.
    """
    for name, what, at in _names(ctx):
        is_word = re.fullmatch("[a-z_]+", name) is not None
        if not is_word and needs_quotes(ctx.dialect, name):
            yield Hit(at, f"{what} {quoted(name)} needs quotes")
