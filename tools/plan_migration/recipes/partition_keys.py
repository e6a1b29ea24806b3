"""Unique and primary keys of partitioned tables: partition by partition, then the parent's.

ADD CONSTRAINT … USING INDEX is not supported on a partitioned table, but a key of the parent takes
in the partitions' own keys of the same columns without building anything (DefineIndex).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...ddl.diff import dotted
from ...ddl.model import Index, IndexPart, Key, Sql, Table
from ...ddl.postgres.text import deferrable, ident, qualified
from ..context import Context
from ..model import Phase, Step
from .base import MANUAL, ObjectKey, altered, step
from .indexes import concurrently

_REFERENCE = (MANUAL + "ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE",)


def partitioned_key(
    table: Table, new: Key, text: str, ctx: Context, of: ObjectKey
) -> Iterator[Step]:
    """Steps for a new key of a partitioned table; `text` is its constraint."""
    own = list(_of_partitions(table, new, ctx, of))
    yield from (each for steps, _ in own for each in steps)
    again = [sql for _, sql in own]
    yield step(
        Phase.EXPAND,
        f"Add {_kind(new)} {ident(new.name)} to {qualified(table.name)}",
        altered(table, f"ADD {text}"),
        "It takes in the keys that the partitions have already: nothing is built, under a short"
        " ACCESS EXCLUSIVE on all of them.",
        [altered(table, f"DROP CONSTRAINT {ident(new.name)}"), *again],
        [of],
        references=_REFERENCE,
    )


def _of_partitions(
    table: Table, new: Key, ctx: Context, of: ObjectKey
) -> Iterator[tuple[list[Step], str]]:
    """For each partition that has rows already its steps, and the statement that makes its key."""
    for part in ctx.target.tables.values():
        now = ctx.current.tables.get(part.name)
        if part.partition_of is None or part.partition_of.parent != table.name or now is None:
            continue
        copies = (k for k in part.keys.values() if k.inherited and _same(k, new))
        copy = next(copies, None)
        if copy is None or copy.name in now.keys:
            continue
        text = ctx.writes_target.tables.key(part, copy).removeprefix(
            f"CONSTRAINT {ident(copy.name)} "
        )
        whole = altered(part, f"ADD CONSTRAINT {ident(copy.name)} {text}")
        if part.partition_by:
            below = list(_of_partitions(part, copy, ctx, of))
            steps = [each for steps, _ in below for each in steps]
            last = _added(part, copy, whole, of, [sql for _, sql in below])
        else:
            index = Index(
                copy.name,
                tuple(IndexPart(Sql(column)) for column in copy.columns),
                unique=True,
                include=copy.include,
                nulls_not_distinct=copy.nulls_not_distinct,
                options=copy.options,
            )
            steps = [concurrently(part.name, index, ctx, of)]
            built = ctx.writes_target.tables.index(part.name, index)
            name = ident(copy.name)
            words = ["PRIMARY KEY" if copy.primary else "UNIQUE", "USING INDEX", name]
            words += deferrable(copy.deferrable)
            last = _added(
                part, copy, altered(part, f"ADD CONSTRAINT {name} {' '.join(words)}"), of, [built]
            )
        yield [*steps, last], whole


def _same(copy: Key, new: Key) -> bool:
    return (copy.columns, copy.include, copy.primary) == (new.columns, new.include, new.primary)


def _kind(key: Key) -> str:
    return "primary key" if key.primary else "unique constraint"


def _added(part: Table, key: Key, sql: str, of: ObjectKey, again: Sequence[str]) -> Step:
    return step(
        Phase.EXPAND,
        f"Add {_kind(key)} {ident(key.name)} to partition {qualified(part.name)}",
        sql,
        "The index is there already: only the catalog changes.",
        [altered(part, f"DROP CONSTRAINT {ident(key.name)}"), *again],
        [of, ("key", dotted(part.name), key.name)],
        references=_REFERENCE,
    )
