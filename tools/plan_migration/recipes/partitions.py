"""Partitions: made and attached without stopping their parent, detached, given other bounds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ...ddl.diff import dotted
from ...ddl.expressions import columns_of
from ...ddl.model import Table
from ...ddl.postgres.emit_tables import Tables
from ...ddl.postgres.nodes import made_name
from ...ddl.postgres.text import ident, qualified
from ..context import Context
from ..model import Phase, Step, Undo
from .base import MANUAL, ObjectKey, altered, step
from .constraints import validated

_REFERENCE = MANUAL + "ddl-partitioning.html"


class _Alone(Tables):
    """Writes partitions as tables of their own."""

    def attached(self, table: Table) -> bool:
        """Every partition is attached afterwards."""
        return table.partition_of is not None


def create_partition(made: Table, ctx: Context) -> Iterator[Step]:
    """A new partition of a table in use: PARTITION OF would lock the parent against everybody."""
    assert made.partition_of is not None
    emitter = _Alone(ctx.target)
    name, parent = dotted(made.name), made.partition_of.parent
    statements = [emitter.create(made)]
    kept = {key.columns for key in made.keys.values()}  # serve as parts of a unique index
    own = [i for i in made.indexes.values() if i.parent and not (i.unique and i.columns in kept)]
    statements += [emitter.index(made.name, index) for index in own]
    attach, *rest = emitter.after(made)
    keys: list[ObjectKey] = [("table", name)]
    for kind, group in (
        ("column", made.columns),
        ("key", made.keys),
        ("check", made.checks),
        ("exclusion", made.exclusions),
    ):
        keys += [(kind, name, each) for each in group]
    keys += [("index", name, index.name) for index in own]
    yield step(
        Phase.EXPAND,
        f"Create partition {qualified(made.name)}",
        [*statements, *rest],
        "As a table of its own first: nobody waits for it.",
        Undo((f"DROP TABLE {qualified(made.name)}",)),
        keys,
        references=(_REFERENCE,),
    )
    yield step(
        Phase.EXPAND,
        f"Attach partition {qualified(made.name)}",
        attach,
        f"SHARE UPDATE EXCLUSIVE on {qualified(parent)}: reads and writes go on. A default"
        " partition is scanned under ACCESS EXCLUSIVE for rows that belong to the new one.",
        _detach(made, None),
        [("table", name)],
        references=(_REFERENCE,),
    )


def _detach(partition: Table, alone: Table | None) -> list[str]:
    """Takes a partition out, and from it what it had from its parent: foreign keys stay behind."""
    assert partition.partition_of is not None
    own = alone.foreign_keys if alone else {}
    inherited = [k.name for k in partition.foreign_keys.values() if k.inherited]
    drop = [f"DROP CONSTRAINT {ident(name)}" for name in inherited if name not in own]
    name = qualified(partition.name)
    return [
        f"ALTER TABLE {qualified(partition.partition_of.parent)} DETACH PARTITION {name}",
        *([altered(partition, *drop)] if drop else []),
    ]


def attached(after: Table, ctx: Context) -> Iterator[Step]:
    """A table becomes a partition: a valid CHECK like its bound spares the scan under lock."""
    assert after.partition_of is not None
    parent, bound = after.partition_of.parent, after.partition_of.bound
    name, of = qualified(after.name), qualified(parent)
    key = ("table", dotted(after.name))
    condition = "" if ctx.is_small(after.name) else _condition(ctx.target.tables.get(parent), bound)
    proof = made_name(after.name.name, "bound", "check")
    if condition:
        yield step(
            Phase.MIGRATE,
            f"Check the bound of {name}, not valid",
            altered(after, f"ADD CONSTRAINT {ident(proof)} CHECK ({condition}) NOT VALID"),
            "It holds for what is written from now on; the rows that are there are not read.",
            altered(after, f"DROP CONSTRAINT {ident(proof)}"),
            [key],
            references=(_REFERENCE,),
        )
        yield validated(after, proof, Phase.MIGRATE, (key,))
    drop = [altered(after, f"DROP CONSTRAINT {ident(proof)}")] if condition else []
    yield step(
        Phase.MIGRATE,
        f"Attach partition {name}",
        [f"ALTER TABLE {of} ATTACH PARTITION {name} {bound}", *drop],
        "The valid CHECK proves that all rows fit: none is read."
        if condition
        else "All rows are read to prove that they fit; the table is locked meanwhile.",
        [
            *_detach(after, ctx.current.tables.get(after.name)),
            *(
                [altered(after, f"ADD CONSTRAINT {ident(proof)} CHECK ({condition})")]
                if drop
                else []
            ),
        ],
        [key],
        references=(_REFERENCE,),
    )


_RANGE: Final = re.compile(r"FOR VALUES FROM \(([^(),]+)\) TO \(([^(),]+)\)", re.I)
_LIST: Final = re.compile(r"FOR VALUES IN \(([^()]+)\)", re.I)


def _condition(parent: Table | None, bound: str) -> str:
    """The bound of a plain column as a condition; empty where that is not plain to see."""
    by = parent.partition_by if parent else None
    if by is None or len(by.parts) != 1 or not by.parts[0].is_column:
        return ""
    column = ident(by.parts[0].expression)
    if match := _RANGE.fullmatch(bound):
        low, high = (each.strip() for each in match.groups())
        words = [f"{column} IS NOT NULL"]
        words += [f"{column} >= {low}"] if low.upper() != "MINVALUE" else []
        words += [f"{column} < {high}"] if high.upper() != "MAXVALUE" else []
        return " AND ".join(words)
    match = _LIST.fullmatch(bound)
    if match and "NULL" not in match[1].upper():
        return f"{column} IS NOT NULL AND {column} IN ({match[1]})"
    return ""


def detached(before: Table, ctx: Context) -> Iterator[Step]:
    """A partition becomes a table of its own."""
    assert before.partition_of is not None
    parent, bound = before.partition_of.parent, before.partition_of.bound
    name, of = qualified(before.name), qualified(parent)
    online = ctx.version >= 14 and not _has_default(before, ctx)
    left = _left_check(before, ctx) if online else ""
    drop = [altered(before, f"DROP CONSTRAINT IF EXISTS {ident(left)}")] if left else []
    attach = f"ALTER TABLE {of} ATTACH PARTITION {name} {bound}"
    stays = before.name in ctx.target.tables
    yield step(
        Phase.CONTRACT,
        f"Detach partition {name}",
        [
            f"ALTER TABLE {of} DETACH PARTITION {name}" + (" CONCURRENTLY" if online else ""),
            *(drop if stays else []),
        ],
        "CONCURRENTLY lets reads and writes of the parent go on; it waits for old transactions, and"
        " leaves the bound behind as a CHECK."
        if online
        else "ACCESS EXCLUSIVE on the parent, shortly: CONCURRENTLY needs PostgreSQL 14 and a"
        " parent without default partition.",
        [attach, *([] if stays else drop)],
        [("table", dotted(before.name))],
        transaction="none" if online else "own",
        references=(_REFERENCE,),
    )


def _left_check(before: Table, ctx: Context) -> str:
    """The name of the CHECK that DETACH CONCURRENTLY makes (ATExecDetachPartition)."""
    assert before.partition_of is not None
    parent = ctx.current.tables.get(before.partition_of.parent)
    if parent is None or parent.partition_by is None:
        return ""
    used = {
        column
        for part in parent.partition_by.parts
        for column in ([part.expression] if part.is_column else columns_of(part.expression))
    }
    check = made_name(before.name.name, next(iter(used)) if len(used) == 1 else "", "check")
    free = check
    number = 0
    while free in before.checks:
        number += 1
        free = f"{check}{number}"
    return free


def rebound(before: Table, after: Table, ctx: Context) -> Iterator[Step]:
    """A partition gets another bound or another parent, in one transaction."""
    name = qualified(after.name)

    def moved(old: Table, new: Table) -> list[str]:
        assert old.partition_of is not None
        assert new.partition_of is not None
        return [
            f"ALTER TABLE {qualified(old.partition_of.parent)} DETACH PARTITION {name}",
            f"ALTER TABLE {qualified(new.partition_of.parent)} ATTACH PARTITION {name}"
            f" {new.partition_of.bound}",
        ]

    yield step(
        Phase.MIGRATE,
        f"Other bounds for partition {name}",
        moved(before, after),
        "Detached and attached in one transaction, so that its rows are never missed; both parents"
        " are locked, and the rows are read unless a valid CHECK proves the bound.",
        moved(after, before),
        [("table", dotted(after.name))],
        references=(_REFERENCE,),
    )


def _has_default(before: Table, ctx: Context) -> bool:
    assert before.partition_of is not None
    return any(
        each.partition_of
        and each.partition_of.parent == before.partition_of.parent
        and str(each.partition_of.bound).upper() == "DEFAULT"
        for each in ctx.current.tables.values()
    )
