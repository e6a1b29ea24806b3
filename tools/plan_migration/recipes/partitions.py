"""Partitions: made and attached without stopping their parent, given other bounds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from ...ddl.diff import dotted
from ...ddl.model import Name, Table
from ...ddl.postgres.emit_tables import Tables
from ...ddl.postgres.nodes import made_name
from ...ddl.postgres.text import ident, qualified
from ..context import Context
from ..model import Phase, Query, Step, Undo
from .base import MANUAL, ObjectKey, altered, column_key, step
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
    name = dotted(made.name)
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
    yield from _joined(made, attach, Phase.EXPAND, ctx)


def _joined(made: Table, attach: str, phase: Phase, ctx: Context, *after: str) -> Iterator[Step]:
    """ATTACH PARTITION; a default partition proves first that it has no row of the new one."""
    assert made.partition_of is not None
    parent = made.partition_of.parent
    key: ObjectKey = ("table", dotted(made.name))
    other = default_of(parent, ctx)
    condition = _condition(ctx.target.tables.get(parent), made.partition_of.bound)
    proof = made_name(other.name.name if other else "", made.name.name, "without")
    drop, add = [], []
    if other and condition and not ctx.is_small(other.name):
        drop = [altered(other, f"DROP CONSTRAINT {ident(proof)}")]
        add = [altered(other, f"ADD CONSTRAINT {ident(proof)} CHECK (NOT ({condition}))")]
        yield step(
            phase,
            f"Keep rows of {qualified(made.name)} out of {qualified(other.name)}",
            f"{add[0]} NOT VALID",
            f"So that {qualified(other.name)} need not be read under ACCESS EXCLUSIVE when the"
            " partition is attached; until then each write of such a row fails. Rows that are there"
            " already must be moved in the transaction that attaches.",
            drop,
            [key],
            preflight=(
                Query(
                    f"SELECT count(*) FROM {qualified(other.name)} WHERE {condition}",
                    "0",
                    "They belong to the new partition.",
                ),
            ),
            references=(_REFERENCE,),
        )
        yield validated(other, proof, phase, (key,))
    locked = f"SHARE UPDATE EXCLUSIVE on {qualified(parent)}: reads and writes go on."
    if other and not drop:
        locked += (
            f" {qualified(other.name)} is read under ACCESS EXCLUSIVE for rows of the new one."
        )
    yield step(
        phase,
        f"Attach partition {qualified(made.name)}",
        [attach, *drop, *after],
        locked,
        [*_detach(made, ctx.current.tables.get(made.name)), *add],
        [key],
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
    name = qualified(after.name)
    key = ("table", dotted(after.name))
    condition = "" if ctx.is_small(after.name) else _condition(ctx.target.tables.get(parent), bound)
    proof = made_name(after.name.name, "bound", "check")
    if condition:
        yield step(
            Phase.MIGRATE,
            f"Check the bound of {name}, not valid",
            altered(after, f"ADD CONSTRAINT {ident(proof)} CHECK ({condition}) NOT VALID"),
            "It holds for what is written from now on: code must not write other rows to it any"
            " more. The rows that are there are not read.",
            altered(after, f"DROP CONSTRAINT {ident(proof)}"),
            [key],
            preflight=(
                Query(
                    f"SELECT count(*) FROM {name} WHERE ({condition}) IS NOT TRUE",
                    "0",
                    "The partition does not take them.",
                ),
            ),
            references=(_REFERENCE,),
        )
        yield validated(after, proof, Phase.MIGRATE, (key,))
    yield from _taken_in(after, f"{ident(proof)} CHECK ({condition})" if condition else "", ctx)


def _taken_in(after: Table, proof: str, ctx: Context) -> Iterator[Step]:
    """ATTACH PARTITION of a table that may have a valid CHECK as proof that all its rows fit."""
    assert after.partition_of is not None
    parent, bound = after.partition_of.parent, after.partition_of.bound
    drop = (altered(after, f"DROP CONSTRAINT {proof.partition(' CHECK ')[0]}"),) if proof else ()
    add = (altered(after, f"ADD CONSTRAINT {proof}"),) if proof else ()
    attach = f"ALTER TABLE {qualified(parent)} ATTACH PARTITION {qualified(after.name)} {bound}"
    *before, last = _joined(after, attach, Phase.MIGRATE, ctx, *drop)
    yield from before
    names = [*_other_names(after, ctx)]
    why = (
        " The valid CHECK proves that all rows fit: none is read."
        if proof
        else " All rows are read to prove that they fit; the table is locked meanwhile."
    )
    yield replace(
        last,
        sql=(*(_renamed(after, old, new) for _, old, new in names), *last.sql),
        why=last.why + why,
        undo=replace(
            last.undo,
            sql=(*last.undo.sql, *add, *(_renamed(after, new, old) for _, old, new in names)),
        ),
        objects=(*last.objects, *(column_key(after, column) for column, _, _ in names)),
    )


def _other_names(after: Table, ctx: Context) -> Iterator[tuple[str, str, str]]:
    """Columns whose NOT NULL is called as the parent's, which only a table of its own can do."""
    for name, column in ctx.current.tables[after.name].columns.items():
        old, new = column.not_null, after.columns[name].not_null if name in after.columns else None
        if ctx.version >= 18 and old and new and old.name != new.name:
            yield name, old.name, new.name


def _renamed(table: Table, old: str, new: str) -> str:
    return altered(table, f"RENAME CONSTRAINT {ident(old)} TO {ident(new)}")


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


def default_of(parent: Name, ctx: Context) -> Table | None:
    """The default partition of a table, as it is now."""
    for each in ctx.current.tables.values():
        of = each.partition_of
        if of and of.parent == parent and of.bound.upper() == "DEFAULT":
            return each
    return None


def accepted(parent: Table, partitions: Sequence[Table]) -> str:
    """Which rows the partitions take; empty where they take all, or it is not plain to see."""
    bounds = [
        each.partition_of.bound
        for each in partitions
        if each.partition_of and each.partition_of.parent == parent.name
    ]
    if parent.partition_by is None or any(bound.upper() == "DEFAULT" for bound in bounds):
        return ""
    if not bounds:
        return "false"
    conditions = [_condition(parent, bound) for bound in bounds]
    return " OR ".join(f"({each})" for each in conditions) if all(conditions) else ""


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
