"""Rules about defaults that are not what they seem, or that the engine refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from ...ddl.model import Column, Dialect, Name
from ...ddl.types import Family, int_width, max_length
from ...engines.limits import quote
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule
from ..access import is_nullable
from ..context import ColumnPart, Context
from ..literals import casts_of, number_of, quoted_text, text_of
from ..predicates import condition, fails
from ..remedies import written

_DATETIME = "https://www.postgresql.org/docs/current/functions-datetime.html"
_DEFAULT = "https://www.postgresql.org/docs/current/ddl-default.html"
_MYSQL_DEFAULT = "https://dev.mysql.com/doc/refman/8.4/en/data-type-defaults.html"
_SQLITE_CREATE = "https://www.sqlite.org/lang_createtable.html"

_TIMES = (Family.TIMESTAMP, Family.TIMESTAMPTZ, Family.DATE, Family.TIME, Family.TIMETZ)


@rule(
    "schema/frozen-default",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="column",
    fix="Use `now()` or CURRENT_DATE, which are evaluated for each row",
    references=[_DATETIME + "#FUNCTIONS-DATETIME-CURRENT"],
    bad="""
    CREATE TABLE users (
        id bigint PRIMARY KEY, created timestamptz NOT NULL DEFAULT 'now'::timestamptz
    );
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, created timestamptz NOT NULL DEFAULT now());
    """,
)
def frozen_default(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """A default is the moment when the table was created.

    PostgreSQL turns the constant `'now'` (and `'today'`, `'tomorrow'`, `'yesterday'`) into a time
    once, as it reads the DDL: every row gets the same one.
    """
    column = part.value
    if not ctx.is_postgres or column.default is None or ctx.family(column) not in _TIMES:
        return
    text, casts = quoted_text(column.default), casts_of(column.default)
    if text is None or _bare_call(text) not in ("now", "today", "tomorrow", "yesterday"):
        return
    if not casts or casts[0].rpartition(".")[2] not in ("text", "varchar", "character varying"):
        yield Hit(
            ctx.of(part),
            f"the default {quoted(column.default)} of {quoted(column.name)} of"
            f" {quoted(part.table.name)} is computed once, when the table is created",
            ddl=_computed(ctx, part, _bare_call(text)),
        )


def _computed(ctx: Context, part: ColumnPart, moment: str) -> tuple[str, ...]:
    """The default computed for each row, for the two moments that have a plain name."""
    of_date = ctx.family(part.value) is Family.DATE
    value = {"now": "CURRENT_DATE" if of_date else "now()", "today": "CURRENT_DATE"}.get(moment)
    if value is None or ctx.family(part.value) in (Family.TIME, Family.TIMETZ):
        return ()
    column = quote(ctx.dialect, part.value.name)
    table = written(ctx, part.table.name)
    return (f"ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT {value}",)


def _bare_call(text: str) -> str:
    return text.strip().lower().removesuffix("()")


@rule(
    "schema/quoted-default",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="column",
    fix="Write the expression without quotes",
    references=[_DEFAULT, _MYSQL_DEFAULT, _SQLITE_CREATE + "#dfltval"],
    bad="""
    -- sqlite
    CREATE TABLE users (id INTEGER PRIMARY KEY, created TEXT NOT NULL DEFAULT 'CURRENT_TIMESTAMP');
    """,
    good="""
    -- sqlite
    CREATE TABLE users (id INTEGER PRIMARY KEY, created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP);
    """,
)
def quoted_default(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """A default is the text of an expression, not its value.

    What stands in quotes is a constant: the column gets the words `CURRENT_TIMESTAMP`, or the
    statement fails where the type does not take them.
    """
    column = part.value
    text = quoted_text(column.default or "")
    if text is None or not _CALL.fullmatch(text.strip()):
        return
    if not (ctx.is_postgres and ctx.family(column) in _TIMES and _bare_call(text) == "now"):
        yield Hit(
            ctx.of(part),
            f"the default of {quoted(column.name)} of {quoted(part.table.name)} is the text"
            f" {quoted(text)}",
        )


_CALL = re.compile(
    r"(current_timestamp|current_date|current_time|localtimestamp|localtime|current_user"
    r"|session_user)(\(\d?\))?"
    r"|(now|uuid|gen_random_uuid|uuid_generate_v[14]|uuidv7|getdate|sysdate|newid|utc_timestamp"
    r"|unix_timestamp|curdate|random|statement_timestamp|clock_timestamp)\(\d?\)"
    r"|nextval\(.*\)|datetime\('now'.*\)",
    re.I,
)


@rule(
    "schema/null-as-text",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="column",
    fix="Write DEFAULT NULL, or no default at all",
    references=[_DEFAULT, _MYSQL_DEFAULT],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL, phone text DEFAULT 'NULL');
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL, phone text DEFAULT NULL);
    """,
)
def null_as_text(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """A default is the text 'NULL'.

    Four letters, not the absence of a value: `IS NULL` does not find it, and it is shown to users.
    """
    column = part.value
    is_json = ctx.family(column) in (Family.JSON, Family.JSONB)  # where null is a value
    if not is_json and (quoted_text(column.default or "") or "").strip().lower() == "null":
        yield Hit(
            ctx.of(part),
            f"the default of {quoted(column.name)} of {quoted(part.table.name)} is the text"
            f" {quoted(column.default)}",
            ddl=_without_default(ctx, part),
        )


def _without_default(ctx: Context, part: ColumnPart) -> tuple[str, ...]:
    """DEFAULT NULL, where that was meant: the column takes it, and the engine can change it."""
    takes_null = is_nullable(ctx.schema, part.table, part.value.name)
    if not takes_null or ctx.dialect is Dialect.SQLITE:
        return ()
    column = quote(ctx.dialect, part.value.name)
    return (f"ALTER TABLE {written(ctx, part.table.name)} ALTER COLUMN {column} SET DEFAULT NULL",)


@rule(
    "schema/default-does-not-fit",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="column",
    fix="Choose a default that the type holds",
    references=[_DEFAULT, _MYSQL_DEFAULT],
    bad="""
    CREATE TABLE users (
        id bigint PRIMARY KEY, state character varying(5) NOT NULL DEFAULT 'active'
    );
    """,
    good="""
    CREATE TABLE users (
        id bigint PRIMARY KEY, state character varying(6) NOT NULL DEFAULT 'active'
    );
    """,
)
def default_does_not_fit(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """A default is no value of the column's type.

    The engine refuses the statement, or the first INSERT that relies on the default.
    """
    column = part.value
    why = _misfit(column, ctx) if column.default is not None and not column.type.array else ""
    if why:
        yield Hit(
            ctx.of(part),
            f"the default {quoted(column.default)} of {quoted(column.name)} of"
            f" {quoted(part.table.name)} is {why}",
        )


def _misfit(column: Column, ctx: Context) -> str:
    default, kind = column.default or "", ctx.family(column)
    text, number = text_of(default), number_of(default)
    enum = ctx.schema.enums.get(Name(column.type.schema, column.type.name))
    values = column.type.values or (enum.values if enum else ())
    if text is not None and kind is Family.ENUM and values and ctx.dialect is not Dialect.SQLITE:
        known = [value.lower() for value in values] if ctx.is_mysql else list(values)
        return "" if (text.lower() if ctx.is_mysql else text) in known else "none of its values"
    if text is not None and kind in (Family.VARCHAR, Family.CHAR):
        length = max_length(column.type)
        is_kept = ctx.dialect is Dialect.SQLITE or length is None or "\\" in text
        too_long = not is_kept and len(text.rstrip(" ")) > (length or 0)
        return f"longer than {length} characters" if too_long else ""
    if kind is Family.INTEGER and ctx.dialect is not Dialect.SQLITE:
        return _out_of_range(column, ctx, text, number)
    if kind is Family.BOOLEAN and ctx.is_postgres and text is not None:
        return "" if text.strip().lower() in _BOOLEANS else "no boolean"
    return ""


_BOOLEANS = frozenset(
    (
        "t",
        "tr",
        "tru",
        "true",
        "y",
        "ye",
        "yes",
        "on",
        "1",
        "f",
        "fa",
        "fal",
        "fals",
        "false",
        "n",
        "no",
        "off",
        "of",
        "0",
    )
)


def _out_of_range(column: Column, ctx: Context, text: str | None, number: Decimal | None) -> str:
    bits = 8 * (int_width(column.type, ctx.dialect) or 8)
    unsigned = "unsigned" in column.type.modifiers
    low, high = (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    if number is None:
        return "no number" if text is not None else ""
    return "" if low <= number <= high else f"not between {low:,} and {high:,}"


@rule(
    "schema/zero-date-default",
    Severity.WARNING,
    FindingClass.RISK,
    on="column",
    fix="Let the column take NULL, or leave the default out",
    references=["https://dev.mysql.com/doc/refman/8.4/en/sql-mode.html#sqlmode_no_zero_date"],
    bad="""
    -- mysql
    CREATE TABLE posts (id bigint PRIMARY KEY, seen date NOT NULL DEFAULT '0000-00-00');
    """,
    good="""
    -- mysql
    CREATE TABLE posts (id bigint PRIMARY KEY, seen date DEFAULT NULL);
    """,
)
def zero_date_default(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """A default is a date that does not exist.

    Under MySQL's default SQL mode the statement fails (`Invalid default value`). Without it, the
    zero date comes back as NULL, as an error or as a day in the year -1, as the driver likes it.
    """
    text = text_of(part.value.default or "") or ""
    is_date = ctx.dialect is Dialect.MYSQL and ctx.family(part.value) in _TIMES
    if is_date and text.startswith("0000-00-00"):
        yield Hit(
            ctx.of(part),
            f"the default of {quoted(part.value.name)} of {quoted(part.table.name)} is"
            f" {quoted(text)}",
        )


@rule(
    "schema/default-breaks-check",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="column",
    fix="Choose a default that the check lets pass, or none",
    references=["https://www.postgresql.org/docs/current/ddl-constraints.html"],
    bad="""
    CREATE TABLE orders (
        id bigint PRIMARY KEY,
        state text NOT NULL DEFAULT 'new' CHECK (state IN ('open', 'paid', 'sent'))
    );
    """,
    good="""
    CREATE TABLE orders (
        id bigint PRIMARY KEY,
        state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'paid', 'sent'))
    );
    """,
)
def default_breaks_check(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """A check rejects the column's own default.

    Every INSERT that leaves the column out fails.
    """
    table, column = part
    value = _constant(ctx, column)
    for check in table.checks.values():
        if (
            value is not None
            and check.enforced
            and fails(condition(check.expression), column.name.lower(), value)
        ):
            yield Hit(
                ctx.of(part),
                f"the check {quoted(check.name)} of {quoted(table.name)} rejects the default"
                f" {quoted(column.default)} of {quoted(column.name)}",
                evidence=check.expression,
                related=(ctx.place(check, "tables", str(table.name), "checks", check.name),),
            )


def _constant(ctx: Context, column: Column) -> Decimal | str | None:
    """The value of a constant default, as a number where the column holds numbers."""
    default = column.default or ""
    numeric = ctx.family(column) in (Family.INTEGER, Family.DECIMAL, Family.FLOAT)
    return number_of(default) if numeric else text_of(default)
