"""Rules about the columns that a table has."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from ...ddl.model import Column, Schema, Table
from ...ddl.types import Family
from ...engines.limits import limits
from ...names import words
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule
from ..access import is_nullable
from ..context import ColumnPart, Context
from ..meaning import TEXTS, numbered

_CONSTRAINTS = "https://www.postgresql.org/docs/current/ddl-constraints.html"
_EAV = "https://www.postgresql.org/docs/current/datatype-json.html"
_PARTITIONS = "https://www.postgresql.org/docs/current/ddl-partitioning.html"

FEW = 3  # columns beside the key
WIDE = 100  # columns
REPEATED = 3  # columns of one stem with a number


@rule(
    "schema/all-columns-nullable",
    Severity.INFO,
    FindingClass.RISK,
    on="table",
    fix="Declare NOT NULL what every row has",
    references=[_CONSTRAINTS + "#DDL-CONSTRAINTS-NOT-NULL"],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY, name text, email text, born date);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL, email text, born date);
    """,
)
def all_columns_nullable(table: Table, ctx: Context) -> Iterator[Hit]:
    """Every column but the key may be NULL.

    A row of nothing but its number is valid. Every query must reckon with NULL, where `<>`, NOT IN
    and aggregates have other results than most people expect.
    """
    key = table.primary_key
    if key is None or len(key.columns) > 1 or table.foreign or table.inherits:
        return
    if any(key.columns == link.columns for link in table.foreign_keys.values()):
        return  # an extension of another row, which says enough by being there
    if not all(ctx.family(table.columns[name]) in _NUMBERS for name in key.columns):
        return  # a key of the row's own, which says enough
    others = [name for name in table.columns if name not in key.columns]
    checked = " ".join(check.expression for check in table.checks.values()).lower()
    if "not null" in checked or "num_n" in checked or len(others) < FEW:
        return
    if all(is_nullable(ctx.schema, table, name) for name in others):
        yield Hit(
            ctx.of_table(table),
            f"every column of {quoted(table.name)} but the key may be NULL",
            evidence=f"{len(others)} columns without NOT NULL",
        )


_NUMBERS = (Family.INTEGER, Family.DECIMAL, Family.UUID)


@rule(
    "schema/table-without-columns",
    Severity.WARNING,
    FindingClass.RISK,
    on="table",
    fix="Give the table its columns, or drop it",
    references=["https://www.postgresql.org/docs/current/sql-createtable.html"],
    bad="""
    CREATE TABLE users ();
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY);
    """,
)
def table_without_columns(table: Table, ctx: Context) -> Iterator[Hit]:
    """A table has no columns.

    It can store nothing but the number of its rows.
    """
    inherited = table.inherits or table.of_type or table.foreign
    if ctx.is_postgres and not table.columns and not inherited:
        yield Hit(ctx.of_table(table), f"{quoted(table.name)} has no columns")


@rule(
    "schema/table-with-one-column",
    Severity.INFO,
    FindingClass.RISK,
    on="table",
    opt_in=True,
    fix="Look whether the table is left over, or an enumeration that wants a description",
    references=["https://www.postgresql.org/docs/current/sql-createtable.html"],
    bad="""
    CREATE TABLE versions (version text PRIMARY KEY);
    """,
    good="""
    CREATE TABLE versions (version text PRIMARY KEY, applied_at timestamptz NOT NULL);
    """,
)
def table_with_one_column(table: Table, ctx: Context) -> Iterator[Hit]:
    """A table has one column.

    It is a set of values: rarely more than a list that something else should have a column for.
    """
    if len(table.columns) == 1:
        yield Hit(ctx.of_table(table), f"{quoted(table.name)} has one column")


@rule(
    "schema/wide-table",
    Severity.INFO,
    FindingClass.RISK,
    on="table",
    fix="Split the table by what is written and read together",
    references=[
        "https://www.postgresql.org/docs/current/storage-toast.html",
        "https://dev.mysql.com/doc/refman/8.4/en/column-count-limit.html",
    ],
    bad="CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL, "
    + ", ".join(f"c{chr(97 + n // 26)}{chr(97 + n % 26)}x integer" for n in range(WIDE))
    + ");",
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL);
    """,
)
def wide_table(table: Table, ctx: Context) -> Iterator[Hit]:
    """A table has more than 100 columns.

    An update writes a new version of the whole row (PostgreSQL), and every read of one column takes
    the others' bytes from disk with it. Mostly several things were put into one table.
    """
    limit = limits(ctx.dialect)["columns"].value
    if WIDE < len(table.columns) <= (limit or len(table.columns)) and not table.foreign:
        yield Hit(ctx.of_table(table), f"{quoted(table.name)} has {len(table.columns):,} columns")


@rule(
    "schema/numbered-columns",
    Severity.INFO,
    FindingClass.RISK,
    on="table",
    confidence=Confidence.MEDIUM,
    fix="Move the values into rows of a table that references this one",
    references=["https://en.wikipedia.org/wiki/First_normal_form"],
    bad="""
    CREATE TABLE posts (
        id bigint PRIMARY KEY, title text NOT NULL, tag1 text, tag2 text, tag3 text
    );
    """,
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY, title text NOT NULL);
    CREATE TABLE tags (post_id bigint REFERENCES posts, tag text, PRIMARY KEY (post_id, tag));
    """,
)
def numbered_columns(table: Table, ctx: Context) -> Iterator[Hit]:
    """Columns repeat, told apart by a number.

    They are a list with a fixed length: the next value needs a new column, a search looks into each
    of them, and nothing keeps them from repeating or having holes.
    """
    stems: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for column in table.columns.values():
        found = None if column.generated else numbered(column.name)
        if found and not _NUMBERED.search(words(found[0])):
            stems[found[0], column.type.name].append(found[1])
    for (stem, _), numbers in stems.items():
        if len(numbers) >= REPEATED and sorted(numbers) in (
            list(range(len(numbers))),
            list(range(1, len(numbers) + 1)),
        ):
            names = [name for name in table.columns if (numbered(name) or ("",))[0] == stem]
            yield Hit(
                ctx.of(ColumnPart(table, table.columns[names[0]])),
                f"{quoted(table.name)} has {len(numbers)} columns {quoted(names[0])} to"
                f" {quoted(names[-1])}",
            )


# Lines of an address, quarters, coordinates, hashes, steps: numbers that mean something.
_NUMBERED = re.compile(
    r"_(address|addr|line|street|q|quarter|[xyz]|p|md|sha|ipv|utf|level|l|layer|tier|zone|stage"
    r"|phase|grade)_$"
)


@rule(
    "schema/list-in-text",
    Severity.INFO,
    FindingClass.RISK,
    on="column",
    confidence=Confidence.MEDIUM,
    fix="Use a table with one row for each value, or an array",
    references=["https://en.wikipedia.org/wiki/First_normal_form"],
    bad="""
    CREATE TABLE posts (id bigint PRIMARY KEY, tag_ids text NOT NULL);
    """,
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY, title text NOT NULL);
    CREATE TABLE tags (id bigint PRIMARY KEY, name text NOT NULL UNIQUE);
    CREATE TABLE posts_tags (
        post_id bigint REFERENCES posts,
        tag_id bigint REFERENCES tags,
        PRIMARY KEY (post_id, tag_id)
    );
    CREATE INDEX ON posts_tags (tag_id);
    """,
)
def list_in_text(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """A text holds a list of keys.

    No foreign key can reach into it, no index finds one of them, and a join is a search with
    patterns. Told by the column's name.
    """
    if ctx.family(part.value) in TEXTS and _LIST.search(words(part.value.name)):
        yield Hit(
            ctx.of(part),
            f"{quoted(part.value.name)} of {quoted(part.table.name)} holds a list in"
            f" {quoted(part.value.type)}",
        )


_LIST = re.compile(r"\w_(ids|uuids|id_list|ids_list|csv)_$")


@rule(
    "schema/entity-attribute-value",
    Severity.INFO,
    FindingClass.RISK,
    on="table",
    confidence=Confidence.MEDIUM,
    fix="Give the attributes columns; rare ones can share a `jsonb` column",
    references=[_EAV, "https://en.wikipedia.org/wiki/Entity%E2%80%93attribute%E2%80%93value_model"],
    bad="""
    CREATE TABLE products (id bigint PRIMARY KEY);
    CREATE TABLE product_attributes (
        product_id bigint REFERENCES products,
        attribute text,
        value text NOT NULL,
        PRIMARY KEY (product_id, attribute)
    );
    """,
    good="""
    CREATE TABLE products (id bigint PRIMARY KEY, color text NOT NULL, size integer NOT NULL);
    """,
)
def entity_attribute_value(table: Table, ctx: Context) -> Iterator[Hit]:
    """Attributes are rows: an entity, the attribute's name, its value.

    All values have one type, none can be required, checked or referenced; a row of the entity is
    put together by one join for each attribute.
    """
    by_words = {words(name): column for name, column in table.columns.items()}
    own = table.primary_key
    if own and len(own.columns) == 1:
        by_words.pop(words(own.columns[0]), None)
    attribute = next((c for n, c in by_words.items() if _ATTRIBUTE.search(n)), None)
    value = next((c for n, c in by_words.items() if _VALUE.search(n)), None)
    entity = next(
        (c for n, c in by_words.items() if n.endswith("_id_") and c is not attribute), None
    )
    if attribute is None or value is None or entity is None or len(table.columns) > 8:
        return
    if ctx.family(value) in (*TEXTS, Family.JSON, Family.JSONB):
        yield Hit(
            ctx.of_table(table),
            f"{quoted(table.name)} holds values by entity ({quoted(entity.name)}) and attribute"
            f" ({quoted(attribute.name)})",
        )


_ATTRIBUTE = re.compile(
    r"^_(\w+_)?(attribute|attr|property|meta|field)(_(name|key|id|code))?_$|^_metakey_$"
)
_VALUE = re.compile(r"^_((\w+_)?(attribute|attr|property|meta|field)_)?value_$|^_metavalue_$")


@rule(
    "schema/data-in-table-names",
    Severity.INFO,
    FindingClass.RISK,
    on="schema",
    fix="Make it one table with a column for the year, partitioned where it is large",
    references=[_PARTITIONS],
    bad="""
    CREATE TABLE sales_2019 (id bigint PRIMARY KEY, total integer NOT NULL);
    CREATE TABLE sales_2020 (id bigint PRIMARY KEY, total integer NOT NULL);
    """,
    good="""
    CREATE TABLE sales (id bigint PRIMARY KEY, sold_on date NOT NULL, total integer NOT NULL);
    """,
)
def data_in_table_names(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """Tables are told apart by a year in their names.

    The year is data. Every January needs new code, a question over two years needs a UNION, and no
    key is unique over all of them. Partitions do the same under one name.
    """
    stems: defaultdict[tuple[str, str], list[Table]] = defaultdict(list)
    for table in ctx.tables:
        found = _YEAR.search(table.name.name)
        if found and not table.inherits and not table.foreign:
            stem = table.name.name[: found.start()] + table.name.name[found.end() :]
            stems[table.name.schema, stem].append(table)
    for tables in stems.values():
        shapes = {frozenset(table.columns) for table in tables}
        if len(tables) > 1 and len(shapes) < len(tables):
            first, *others = tables
            yield Hit(
                ctx.of_table(first),
                f"{quoted(first.name)} and {quoted(others[0].name)} have a year in their names",
                related=tuple(ctx.of_table(table) for table in others[:5]),
            )


_YEAR = re.compile(r"(?<!\d)_?(?:19|20)\d\d(?:_?(?:[01]\d|q[1-4]))?(?!\d)", re.I)


@rule(
    "schema/data-in-column-names",
    Severity.INFO,
    FindingClass.RISK,
    on="table",
    fix="Move the values into rows of a table with a column for the year",
    references=["https://en.wikipedia.org/wiki/First_normal_form"],
    bad="""
    CREATE TABLE regions (
        id bigint PRIMARY KEY, sold_2019 integer NOT NULL, sold_2020 integer NOT NULL
    );
    """,
    good="""
    CREATE TABLE regions (id bigint PRIMARY KEY, name text NOT NULL);
    CREATE TABLE sales (
        region_id bigint REFERENCES regions, year integer, sold integer NOT NULL,
        PRIMARY KEY (region_id, year)
    );
    """,
)
def data_in_column_names(table: Table, ctx: Context) -> Iterator[Hit]:
    """Columns are told apart by a year in their names.

    The year is data: the next one needs a new column, and a sum over all names each of them.
    """
    stems: defaultdict[str, list[Column]] = defaultdict(list)
    for column in table.columns.values():
        found = _YEAR.search(column.name)
        if found:
            stems[column.name[: found.start()] + "…" + column.name[found.end() :]].append(column)
    for columns in stems.values():
        if len(columns) > 1:
            yield Hit(
                ctx.of(ColumnPart(table, columns[0])),
                f"{quoted(columns[0].name)} and {quoted(columns[1].name)} of {quoted(table.name)}"
                " have a year in their names",
            )
