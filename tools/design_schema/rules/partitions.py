"""Rules about partitioned tables."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from ...ddl.model import Index, Key, Name, Schema, Table
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule
from ..context import Context, ForeignKeyPart
from ..literals import number_of, text_of, without_strings

_PARTITIONS = "https://www.postgresql.org/docs/current/ddl-partitioning.html"
_CREATE = "https://www.postgresql.org/docs/current/sql-createtable.html"
_MYSQL_KEYS = "https://dev.mysql.com/doc/refman/8.4/en/partitioning-limitations-partitioning-keys-unique-keys.html"
_MYSQL_LIMITS = "https://dev.mysql.com/doc/refman/8.4/en/partitioning-limitations.html"

HABIT = 3  # tables without partitions, from which on a program must make them


@rule(
    "schema/key-without-partition-column",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="schema",
    fix="Add the columns of the partition key to the key",
    references=[_PARTITIONS + "#DDL-PARTITIONING-DECLARATIVE-LIMITATIONS", _MYSQL_KEYS],
    bad="""
    -- mysql
    CREATE TABLE events (id bigint PRIMARY KEY,
        year int NOT NULL) PARTITION BY HASH (year) PARTITIONS 4;
    """,
    good="""
    -- mysql
    CREATE TABLE events (
        id bigint, year int NOT NULL, PRIMARY KEY (id, year)
    ) PARTITION BY HASH (year) PARTITIONS 4;
    """,
)
def key_without_partition_column(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A key of a partitioned table lacks a column of the partition key.

    The statement fails: each partition has an index of its own, so a value can be kept unique only
    where it is known which partition holds it.
    """
    for table in schema.tables.values():
        needed = _partition_columns(table)
        for key in _unique(table) if needed else ():
            missing = [column for column in needed if column not in key.columns]
            if missing:
                kind = "keys" if isinstance(key, Key) else "indexes"
                yield Hit(
                    ctx.place(key, "tables", str(table.name), kind, key.name),
                    f"{quoted(key.name)} of {quoted(table.name)} lacks {quoted(missing[0])}, by"
                    " which the table is partitioned",
                )


def _unique(table: Table) -> Iterator[Key | Index]:
    yield from table.keys.values()
    yield from (index for index in table.indexes.values() if index.unique)


def _partition_columns(table: Table) -> list[str]:
    """The columns that the partition key is made of, also inside expressions."""
    found: dict[str, None] = {}
    for part in table.partition_by.parts if table.partition_by else ():
        if part.is_column:
            found[str(part.expression)] = None
        else:
            words = re.findall(r"\w+", without_strings(part.expression))
            found |= dict.fromkeys(word for word in words if word in table.columns)
    return [column for column in found if column in table.columns]


@dataclass(frozen=True, slots=True)
class _Part:
    """A partition of values from `low` up to `high`; None is no bound."""

    table: Table
    low: Decimal | str | None
    high: Decimal | str | None


@rule(
    "schema/overlapping-partitions",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="schema",
    fix="Let each partition begin where the one before ends",
    references=[_CREATE],
    bad="""
    CREATE TABLE events (id bigint, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2030-01-01') TO ('2030-02-15');
    CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2030-02-01') TO ('2030-03-01');
    """,
    good="""
    CREATE TABLE events (id bigint, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2030-01-01') TO ('2030-02-01');
    CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2030-02-01') TO ('2030-03-01');
    """,
)
def overlapping_partitions(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """Two partitions take the same values.

    The statement that adds the second fails.
    """
    for parts in _ranges(schema):
        for one, other in itertools.pairwise(parts):
            if one.high is None or other.low is None or _less(other.low, one.high):
                yield Hit(
                    ctx.of_table(other.table),
                    f"the partitions {quoted(one.table.name)} and {quoted(other.table.name)}"
                    " overlap",
                    evidence=_bounds(one.table, other.table),
                    related=(ctx.of_table(one.table),),
                )
    for parent, children in _children(schema).items():
        seen: dict[str, Table] = {}
        for child in children if _strategy(schema, parent) == "list" else ():
            for value in _listed(child):
                first = seen.setdefault(value, child)
                if first is not child:
                    yield Hit(
                        ctx.of_table(child),
                        f"the partitions {quoted(first.name)} and {quoted(child.name)} both take"
                        f" {quoted(value)}",
                        related=(ctx.of_table(first),),
                    )
                    break


@rule(
    "schema/gap-between-partitions",
    Severity.INFO,
    FindingClass.RISK,
    on="schema",
    fix="Add the missing partition, or one that is DEFAULT",
    references=[_PARTITIONS],
    bad="""
    CREATE TABLE events (id bigint, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2030-01-01') TO ('2030-01-31');
    CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2030-02-01') TO ('2030-03-01');
    """,
    good="""
    CREATE TABLE events (id bigint, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2030-01-01') TO ('2030-02-01');
    CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2030-02-01') TO ('2030-03-01');
    """,
)
def gap_between_partitions(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """Values between two partitions have none.

    A row with such a value is refused. The upper bound does not belong to a partition: one that
    ends at the last day of a month lacks that day.
    """
    for parts in _ranges(schema):
        for one, other in itertools.pairwise(parts):
            if one.high is not None and other.low is not None and _less(one.high, other.low):
                yield Hit(
                    ctx.of_table(other.table),
                    f"values from {quoted(one.high)} up to {quoted(other.low)} have no partition"
                    f" between {quoted(one.table.name)} and {quoted(other.table.name)}",
                    evidence=_bounds(one.table, other.table),
                    related=(ctx.of_table(one.table),),
                )


def _bounds(*tables: Table) -> str:
    return "; ".join(table.partition_of.bound for table in tables if table.partition_of)


def _children(schema: Schema) -> dict[Name, list[Table]]:
    found: dict[Name, list[Table]] = {}
    for table in schema.tables.values():
        if table.partition_of:
            found.setdefault(table.partition_of.parent, []).append(table)
    return found


def _strategy(schema: Schema, parent: Name) -> str:
    """The strategy of a table that is partitioned by one column; empty for any other."""
    table = schema.tables.get(parent)
    by = table.partition_by if table else None
    return by.strategy if by and len(by.parts) == 1 else ""


def _ranges(schema: Schema) -> Iterator[list[_Part]]:
    """The partitions by range of each table without a default partition, in order."""
    for parent, children in _children(schema).items():
        parts = [_part(child) for child in children]
        if _strategy(schema, parent) != "range" or None in parts:
            continue
        known = [part for part in parts if part]
        if len({_shape(b) for p in known for b in (p.low, p.high) if b is not None}) == 1:
            yield sorted(known, key=lambda part: (part.low is not None, part.low or 0))


def _part(table: Table) -> _Part | None:
    """The bounds of a partition; None when it is the default or not of plain constants."""
    match = _RANGE.fullmatch(table.partition_of.bound if table.partition_of else "")
    if not match:
        return None
    low = None if match[1].upper() == "MINVALUE" else _bound(match[1])
    high = None if match[2].upper() == "MAXVALUE" else _bound(match[2])
    return None if "" in (low, high) else _Part(table, low, high)


_RANGE = re.compile(r"FOR VALUES FROM \(([^()]*)\) TO \(([^()]*)\)", re.I)
_MIDNIGHT = re.compile(r" 00:00(:00(\.0+)?)?([+-]00(:?00)?)?$")


def _bound(text: str) -> Decimal | str:
    """A number, or a date; an empty text for anything else."""
    number = number_of(text)
    if number is not None:
        return number
    date = _MIDNIGHT.sub("", text_of(text) or "")
    return date if re.fullmatch(r"\d{4}-\d\d-\d\d", date) else ""


def _shape(bound: Decimal | str) -> str:
    return re.sub(r"\d", "9", bound) if isinstance(bound, str) else "number"


def _less(one: Decimal | str, other: Decimal | str) -> bool:
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return one < other
    return isinstance(one, str) and isinstance(other, str) and one < other


def _listed(table: Table) -> list[str]:
    match = re.fullmatch(r"FOR VALUES IN \((.*)\)", _bounds(table), re.I | re.S)
    if not match:
        return []
    return [
        value.strip() for value in re.findall(r"'(?:[^']|'')*'|[^,']+", match[1]) if value.strip()
    ]


@rule(
    "schema/table-without-partitions",
    Severity.INFO,
    FindingClass.RISK,
    on="schema",
    fix="Create the first partitions, or one that is DEFAULT",
    references=[_PARTITIONS],
    bad="""
    CREATE TABLE events (id bigint, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    """,
    good="""
    CREATE TABLE events (id bigint, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    CREATE TABLE events_default PARTITION OF events DEFAULT;
    """,
)
def table_without_partitions(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A partitioned table has no partition.

    It takes no row until something creates one. Where the schema has functions or an extension that
    do so, or many such tables, nothing is said: then a program makes them.
    """
    makes = "pg_partman" in schema.extensions or any(
        "partition of" in function.body.lower() for function in schema.functions.values()
    )
    if makes or not ctx.is_postgres:
        return
    parents = _children(schema)
    empty = [t for t in schema.tables.values() if t.partition_by and t.name not in parents]
    for table in empty if len(empty) < HABIT else ():
        yield Hit(ctx.of_table(table), f"{quoted(table.name)} is partitioned and has no partition")


@rule(
    "schema/no-default-partition",
    Severity.INFO,
    FindingClass.RISK,
    on="schema",
    opt_in=True,
    fix="Add a DEFAULT partition (MySQL: LESS THAN MAXVALUE), and watch that it stays empty",
    references=[_PARTITIONS, "https://dev.mysql.com/doc/refman/8.4/en/partitioning-range.html"],
    bad="""
    CREATE TABLE events (id bigint, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2030-01-01') TO ('2030-02-01');
    """,
    good="""
    CREATE TABLE events (id bigint, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2030-01-01') TO ('2030-02-01');
    CREATE TABLE events_default PARTITION OF events DEFAULT;
    """,
)
def no_default_partition(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A partitioned table takes no values but those of its partitions.

    A row from the day after the last partition is refused. With a default partition it is kept; but
    adding a partition must then search the default one.
    """
    children = _children(schema)
    for table in schema.tables.values():
        by = table.partition_by
        if by is None or by.strategy not in ("range", "list"):
            continue
        bounds = [_bounds(child).upper() for child in children.get(table.name, ())]
        if ctx.is_mysql:
            is_open = "maxvalue" in by.text.lower() or "default" in by.text.lower()
        else:
            is_open = not bounds or any(b == "DEFAULT" or "TO (MAXVALUE" in b for b in bounds)
        if not is_open:
            yield Hit(ctx.of_table(table), f"{quoted(table.name)} has no default partition")


@rule(
    "schema/foreign-key-with-partitions",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="schema",
    fix="Drop the foreign key, or do not partition the table",
    references=[_MYSQL_LIMITS],
    bad="""
    -- mysql
    CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE events (
        id bigint PRIMARY KEY, user_id bigint NOT NULL, FOREIGN KEY (user_id) REFERENCES users (id)
    ) PARTITION BY HASH (id) PARTITIONS 4;
    """,
    good="""
    -- mysql
    CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE events (
        id bigint PRIMARY KEY, user_id bigint NOT NULL, KEY (user_id)
    ) PARTITION BY HASH (id) PARTITIONS 4;
    """,
)
def foreign_key_with_partitions(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A partitioned table of MySQL has, or is the target of, a foreign key.

    The statement fails: InnoDB does not support the two together.
    """
    for table in schema.tables.values() if ctx.is_mysql else ():
        for key in table.foreign_keys.values():
            target = schema.tables.get(key.table)
            sides = [t for t in (table, target) if t and t.partition_by]
            if sides and key.enforced:
                yield Hit(
                    ctx.of(ForeignKeyPart(table, key)),
                    f"the foreign key {quoted(key.name)} of {quoted(table.name)} cannot exist,"
                    f" since {quoted(sides[0].name)} is partitioned",
                )


@rule(
    "schema/partitioned-table",
    Severity.INFO,
    FindingClass.STYLE,
    on="table",
    opt_in=True,
    fix="Do not partition the table",
    references=[_PARTITIONS, "https://dev.mysql.com/doc/refman/8.4/en/partitioning.html"],
    bad="""
    CREATE TABLE events (id bigint, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    CREATE TABLE events_default PARTITION OF events DEFAULT;
    """,
    good="""
    CREATE TABLE events (id bigint PRIMARY KEY, at date NOT NULL);
    """,
)
def partitioned_table(table: Table, ctx: Context) -> Iterator[Hit]:
    """A table is partitioned.

    A policy: partitions must be made and dropped in time, and every query must name their column.
    """
    if table.partition_by:
        yield Hit(
            ctx.of_table(table),
            f"{quoted(table.name)} is partitioned by {quoted(table.partition_by.strategy)}",
        )
