"""Rules about types that do not hold what they are to hold."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator

from ...ddl.model import Column, Dialect, Name, Schema, Table, Type
from ...ddl.types import Family
from ...names import words
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule
from ..access import paths
from ..context import ColumnPart, Context
from ..meaning import TEXTS, is_moment, is_money, is_surely_money

_NUMERIC = "https://www.postgresql.org/docs/current/datatype-numeric.html"
_DATETIME = "https://www.postgresql.org/docs/current/datatype-datetime.html"
_DONT = "https://wiki.postgresql.org/wiki/Don%27t_Do_This"
_MYSQL_FIXED = "https://dev.mysql.com/doc/refman/8.4/en/fixed-point-types.html"
_MYSQL_DATETIME = "https://dev.mysql.com/doc/refman/8.4/en/datetime.html"


@rule(
    "schema/float-for-money",
    Severity.WARNING,
    FindingClass.RISK,
    on="column",
    fix="Use `numeric` (`DECIMAL`) with a scale, or an integer of the smallest unit",
    references=[
        _NUMERIC + "#DATATYPE-FLOAT",
        _MYSQL_FIXED,
        "https://www.sqlite.org/floatingpoint.html",
    ],
    bad="""
    CREATE TABLE products (id bigint PRIMARY KEY, unit_price double precision NOT NULL);
    """,
    good="""
    CREATE TABLE products (
        id bigint PRIMARY KEY, unit_price numeric(12, 2) NOT NULL, tax_rate real NOT NULL
    );
    """,
)
def float_for_money(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """An amount of money is a binary floating-point number.

    Such a type cannot hold 0.10: sums are off by cents, comparisons with = fail, and the error
    depends on the order of the rows. Told by the column's name.
    """
    if ctx.family(part.value) is Family.FLOAT and is_money(*part):
        yield Hit(
            ctx.of(part),
            f"{quoted(part.value.name)} of {quoted(part.table.name)} holds money as"
            f" {quoted(part.value.type)}",
        )


@rule(
    "schema/money-as-text",
    Severity.WARNING,
    FindingClass.RISK,
    on="column",
    confidence=Confidence.MEDIUM,
    fix="Use `numeric` (`DECIMAL`), with the currency in a column of its own",
    references=[_NUMERIC + "#DATATYPE-NUMERIC-DECIMAL", _MYSQL_FIXED],
    bad="""
    CREATE TABLE products (id bigint PRIMARY KEY, unit_price text NOT NULL);
    """,
    good="""
    CREATE TABLE products (
        id bigint PRIMARY KEY, unit_price numeric(12, 2) NOT NULL, price_note text
    );
    """,
)
def money_as_text(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """An amount of money is a text.

    `'9' > '10'`, every sum needs a cast that fails on the first `n/a`, and nothing keeps such a
    value out. Told by the column's name.
    """
    if ctx.family(part.value) in TEXTS and is_surely_money(part.value):
        yield Hit(
            ctx.of(part),
            f"{quoted(part.value.name)} of {quoted(part.table.name)} holds an amount as"
            f" {quoted(part.value.type)}",
        )


@rule(
    "schema/moment-as-text",
    Severity.WARNING,
    FindingClass.RISK,
    on="column",
    confidence=Confidence.MEDIUM,
    fix="Use `date`, or a timestamp type",
    references=[_DATETIME, _MYSQL_DATETIME],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY, created_at character varying(30) NOT NULL);
    """,
    good="""
    CREATE TABLE users (
        id bigint PRIMARY KEY, created_at timestamp with time zone NOT NULL, date_format text
    );
    """,
)
def moment_as_text(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """A date or a time is a text.

    The engine takes 2023-02-31 and `soon`, sorts by characters, and cannot compute with it. SQLite,
    which has no such type, is left alone. Told by the column's name.
    """
    is_text = ctx.family(part.value) in TEXTS and ctx.dialect is not Dialect.SQLITE
    if is_text and is_moment(part.value):
        yield Hit(
            ctx.of(part),
            f"{quoted(part.value.name)} of {quoted(part.table.name)} holds a date or time as"
            f" {quoted(part.value.type)}",
        )


@rule(
    "schema/money-type",
    Severity.WARNING,
    FindingClass.RISK,
    on="column",
    fix="Use `numeric`, with the currency in a column of its own",
    references=[
        "https://www.postgresql.org/docs/current/datatype-money.html",
        _DONT + "#Don.27t_use_money",
    ],
    bad="""
    CREATE TABLE orders (id bigint PRIMARY KEY, paid money NOT NULL);
    """,
    good="""
    CREATE TABLE orders (id bigint PRIMARY KEY, paid numeric(12, 2) NOT NULL);
    """,
)
def money_type(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """A column has PostgreSQL's type `money`.

    It keeps no currency, rounds fractions of a cent away, and what its values mean depends on
    `lc_monetary` of the server: a dump restored under another locale has other amounts.
    """
    type = part.value.type
    if ctx.is_postgres and type.name == "money" and type.schema in ("", "pg_catalog"):
        yield Hit(
            ctx.of(part),
            f"{quoted(part.value.name)} of {quoted(part.table.name)} is {quoted('money')}",
        )


@rule(
    "schema/time-with-time-zone",
    Severity.WARNING,
    FindingClass.RISK,
    on="column",
    fix="Use `timestamp with time zone`, or `time` beside the name of the zone",
    references=[_DATETIME, _DONT + "#Don.27t_use_timetz"],
    bad="""
    CREATE TABLE shops (id bigint PRIMARY KEY, opens time with time zone NOT NULL);
    """,
    good="""
    CREATE TABLE shops (id bigint PRIMARY KEY, opens time NOT NULL, zone text NOT NULL);
    """,
)
def time_with_time_zone(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """A time of day has a time zone but no date.

    Its offset from UTC depends on the day (summer time), which is not known. PostgreSQL has the
    type for the SQL standard's sake and advises against it.
    """
    if ctx.family(part.value) is Family.TIMETZ:
        yield Hit(
            ctx.of(part),
            f"{quoted(part.value.name)} of {quoted(part.table.name)} is {quoted(part.value.type)}",
        )


@rule(
    "schema/mixed-time-zones",
    Severity.INFO,
    FindingClass.RISK,
    on="schema",
    fix="Give columns of one name one type; for moments the one with time zone",
    references=[
        _DATETIME,
        _DONT + "#Don.27t_use_timestamp_.28without_time_zone.29",
        _MYSQL_DATETIME,
    ],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY, created_at timestamptz NOT NULL);
    CREATE TABLE posts (id bigint PRIMARY KEY, created_at timestamptz NOT NULL);
    CREATE TABLE likes (id bigint PRIMARY KEY, created_at timestamp NOT NULL);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, created_at timestamptz NOT NULL);
    CREATE TABLE posts (id bigint PRIMARY KEY, created_at timestamptz NOT NULL);
    CREATE TABLE likes (id bigint PRIMARY KEY, created_at timestamptz NOT NULL);
    """,
)
def mixed_time_zones(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """Columns of one name hold moments in some tables, local times in others.

    Compared or joined, the local time is taken in the zone of the session: the answer depends on
    who asks, and is wrong for all but one zone. The rarer kind is reported.
    """
    kinds: defaultdict[str, defaultdict[Family, list[ColumnPart]]]
    kinds = defaultdict(lambda: defaultdict(list))
    for table in ctx.tables:
        for column in table.columns.values():
            if (kind := ctx.family(column)) in (Family.TIMESTAMP, Family.TIMESTAMPTZ):
                kinds[column.name][kind].append(ColumnPart(table, column))
    others: defaultdict[Name, list[tuple[ColumnPart, ColumnPart]]] = defaultdict(list)
    for found in kinds.values():
        few, many = sorted(found.values(), key=len) if len(found) == 2 else ([], [])
        for part in few:
            others[part.table.name].append((part, many[0]))
    for name, pairs in others.items():
        part, other = pairs[0]
        names = " and ".join(quoted(each.value.name) for each, _ in pairs)
        yield Hit(
            ctx.of(part),
            f"{names} of {quoted(name)} {'are' if len(pairs) > 1 else 'is'}"
            f" {quoted(part.value.type)}, {quoted(other.value.name)} of"
            f" {quoted(other.table.name)} is {quoted(other.value.type)}",
            related=tuple(dict.fromkeys(ctx.of(each) for _, each in pairs)),
        )


@rule(
    "schema/unsupported-reg-type",
    Severity.WARNING,
    FindingClass.RISK,
    on="column",
    fix="Use `regclass`, `regrole` or `regtype` where they fit, otherwise the name as text",
    references=[
        "https://www.postgresql.org/docs/current/pgupgrade.html",
        "https://supabase.com/docs/guides/database/database-linter?lint=0018_unsupported_reg_types",
    ],
    bad="""
    CREATE TABLE hooks (id bigint PRIMARY KEY, handler regproc NOT NULL);
    """,
    good="""
    CREATE TABLE hooks (id bigint PRIMARY KEY, target regclass NOT NULL);
    """,
)
def unsupported_reg_type(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """A column of a reg* type stops pg_upgrade.

    Its values are object numbers, which the upgrade does not preserve for functions, operators,
    schemas, collations and text-search objects: pg_upgrade refuses the whole cluster.
    """
    if ctx.is_postgres and _base(ctx, part.value.type).name in _REG_TYPES:
        yield Hit(
            ctx.of(part),
            f"{quoted(part.value.name)} of {quoted(part.table.name)} is {quoted(part.value.type)},"
            " which pg_upgrade refuses",
        )


_REG_TYPES = frozenset(
    (
        *("regcollation", "regconfig", "regdictionary", "regnamespace", "regoper", "regoperator"),
        *("regproc", "regprocedure"),
    )
)


def _base(ctx: Context, type: Type) -> Type:
    domain = ctx.schema.domains.get(Name(type.schema, type.name))
    return domain.type if domain else type


@rule(
    "schema/json-not-comparable",
    Severity.INFO,
    FindingClass.RISK,
    on="column",
    fix="Use `jsonb`, unless blanks, the order of keys or duplicates must be kept",
    references=["https://www.postgresql.org/docs/current/datatype-json.html"],
    bad="""
    CREATE TABLE events (id bigint PRIMARY KEY, payload json NOT NULL);
    """,
    good="""
    CREATE TABLE events (id bigint PRIMARY KEY, payload jsonb NOT NULL);
    """,
)
def json_not_comparable(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """A column is `json`, not `jsonb`.

    `json` is a text that is parsed anew by every operator. It has no `=`: SELECT DISTINCT, GROUP BY
    and UNION over such a column fail, and no GIN index can serve it.
    """
    if ctx.is_postgres and ctx.family(part.value) is Family.JSON:
        yield Hit(
            ctx.of(part),
            f"{quoted(part.value.name)} of {quoted(part.table.name)} is {quoted('json')}, which has"
            " no equality and no GIN index",
        )


@rule(
    "schema/inconsistent-key-type",
    Severity.WARNING,
    FindingClass.RISK,
    on="schema",
    confidence=Confidence.MEDIUM,
    fix="Give the columns of one name the type of the key they hold",
    references=["https://www.postgresql.org/docs/current/typeconv-oper.html"],
    bad="""
    CREATE TABLE users (user_id bigint PRIMARY KEY);
    CREATE TABLE posts (id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users);
    CREATE TABLE files (id bigint PRIMARY KEY, user_id text NOT NULL);
    CREATE INDEX ON posts (user_id);
    """,
    good="""
    CREATE TABLE users (user_id bigint PRIMARY KEY);
    CREATE TABLE posts (id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users);
    CREATE TABLE files (id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users);
    CREATE INDEX ON posts (user_id);
    CREATE INDEX ON files (user_id);
    """,
)
def inconsistent_key_type(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A column has the name of a key but a type that does not compare with it.

    Elsewhere in the schema the same name references that key by a foreign key. A join of the two
    fails in PostgreSQL (`operator does not exist`); MySQL and SQLite convert row by row, past every
    index.
    """
    examples: dict[str, ColumnPart] = {}
    mixed = set()
    for table in ctx.tables:
        for key in table.foreign_keys.values():
            column = table.columns.get(key.columns[0]) if len(key.columns) == 1 else None
            if column and _names(column.name, key.table.name):
                example = examples.setdefault(column.name, ColumnPart(table, column))
                if _differ(ctx, example.value, column):
                    mixed.add(column.name)
    for table in ctx.tables:
        for column in table.columns.values():
            other = examples.get(column.name)
            if other is None or column.name in mixed or not _differ(ctx, other.value, column):
                continue
            if not _is_own(schema, table, column):
                yield Hit(
                    ctx.of(ColumnPart(table, column)),
                    f"{quoted(column.name)} of {quoted(table.name)} is {quoted(column.type)},"
                    f" that of {quoted(other.table.name)} is {quoted(other.value.type)}",
                    related=(ctx.of(other),),
                )


def _names(column: str, table: str) -> bool:
    """Whether a column is named after the table it references: `user_id` after `users`."""
    stem = re.sub("_(id|uuid|key|code)_$", "_", words(column))
    target = words(table)
    singulars = (target, target[:-2] + "_", target[:-3] + "_", target[:-4] + "y_")
    is_long = stem.count("_") > 2  # one word may name many things: `type_id`
    return stem != words(column) and any(
        name == stem or (is_long and name.endswith(stem)) for name in singulars
    )


def _differ(ctx: Context, one: Column, other: Column) -> bool:
    """Whether the two are of different kinds out of number, UUID and text."""
    kinds = {_KIND.get(ctx.family(column), "") for column in (one, other)}
    return len(kinds) == 2 and "" not in kinds


def _is_own(schema: Schema, table: Table, column: Column) -> bool:
    """Whether the value may be of another kind: beside the name of its table, or a key here."""
    stem = column.name.lower().removesuffix("_id")
    return f"{stem}_type" in table.columns or any(
        path.unique and path.columns == (column.name,) for path in paths(schema, table)
    )


_KIND = {
    Family.INTEGER: "number",
    Family.UUID: "uuid",
    Family.TEXT: "text",
    Family.VARCHAR: "text",
    Family.CHAR: "text",
}


@rule(
    "schema/inconsistent-column-type",
    Severity.INFO,
    FindingClass.RISK,
    on="schema",
    opt_in=True,
    confidence=Confidence.LOW,
    fix="Give columns of one meaning one type",
    references=["https://www.postgresql.org/docs/current/typeconv-overview.html"],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY, email character varying(100) NOT NULL);
    CREATE TABLE guests (id bigint PRIMARY KEY, email character varying(255) NOT NULL);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL);
    CREATE TABLE guests (id bigint PRIMARY KEY, email text NOT NULL);
    """,
)
def inconsistent_column_type(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """Columns of one name have different types.

    Where they mean the same, what fits into one is cut or rejected by the other. The rarer types
    are reported.
    """
    by_name: defaultdict[str, list[ColumnPart]] = defaultdict(list)
    for table in ctx.tables:
        for column in table.columns.values():
            by_name[column.name].append(ColumnPart(table, column))
    for name, parts in by_name.items():
        counts = Counter(str(part.value.type) for part in parts)
        ((usual, _),) = counts.most_common(1)
        for part in parts:
            if str(part.value.type) != usual:
                yield Hit(
                    ctx.of(part),
                    f"{quoted(name)} of {quoted(part.table.name)} is {quoted(part.value.type)},"
                    f" elsewhere {quoted(usual)}",
                )
