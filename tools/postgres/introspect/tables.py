"""Tables and views, put together of their parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...ddl.model import (
    Index,
    IndexPart,
    Name,
    Opaque,
    PartitionBy,
    PartitionOf,
    Policy,
    Sql,
    Table,
    Trigger,
    View,
)
from .catalog import Catalog, options, split
from .columns import Columns
from .constraints import Constraints


@dataclass(frozen=True, slots=True)
class Parts:
    """What belongs to relations, by their oid."""

    columns: Columns
    constraints: dict[int, Constraints]
    indexes: dict[int, dict[str, Index]]
    triggers: dict[int, dict[str, Trigger]]
    policies: dict[int, dict[str, Policy]]
    rules: dict[int, dict[str, Opaque]]


def tables(catalog: Catalog, parts: Parts) -> dict[Name, Table]:
    """Tables of all kinds: ordinary, partitioned, foreign."""
    return {
        catalog.names[oid]: _table(catalog, row, parts)
        for oid, row in catalog.relations.items()
        if row.relkind in "rpf"
    }


def views(catalog: Catalog, parts: Parts) -> dict[Name, View]:
    """Views and materialized views."""
    return {
        catalog.names[oid]: _view(catalog, row, parts)
        for oid, row in catalog.relations.items()
        if row.relkind in "vm"
    }


def _table(catalog: Catalog, row: Any, parts: Parts) -> Table:
    constraints = parts.constraints[row.oid]
    parents = tuple(catalog.names[oid] for oid in row.parents or ())
    partition_of = None
    if row.bound is not None:
        partition_of = PartitionOf(parents[0], Sql(row.bound))
        parents = ()
    return Table(
        catalog.names[row.oid],
        columns=parts.columns.of(row.oid),
        keys=constraints.keys,
        foreign_keys=constraints.foreign_keys,
        checks=constraints.checks,
        exclusions=constraints.exclusions,
        indexes=parts.indexes[row.oid],
        triggers=parts.triggers[row.oid],
        policies=parts.policies[row.oid],
        rules=parts.rules[row.oid],
        row_security=row.relrowsecurity,
        force_row_security=row.relforcerowsecurity,
        persistence="unlogged" if row.relpersistence == "u" else "permanent",
        partition_by=_partition_by(catalog, row) if row.partstrat else None,
        partition_of=partition_of,
        inherits=parents,
        of_type=Name(*row.of_type) if row.of_type else None,
        replica_identity=_replica_identity(row),
        cluster_on=row.cluster_index or "",
        access_method="" if row.amname in (None, "heap") else row.amname,
        tablespace=row.spcname or "",
        options=options(row.options),
        foreign=row.srvname or "",
        comment=catalog.comment("pg_class", row.oid),
        owner=row.owner,
    )


def _replica_identity(row: Any) -> str:
    """A foreign table has none, which the catalog calls `nothing`."""
    if row.relkind == "f" or row.relreplident == "d":
        return "default"
    return {"f": "full", "n": "nothing"}.get(row.relreplident) or row.identity_index or "default"


def _partition_by(catalog: Catalog, row: Any) -> PartitionBy:
    expressions = iter(split(row.partexprs or ""))
    parts = []
    for attnum, opclass, collation in zip(
        row.partattrs, row.partclasses, row.partcollations, strict=True
    ):
        column = catalog.attributes[row.oid].get(attnum)
        parts.append(
            IndexPart(
                Sql(column.attname if column else next(expressions)),
                is_column=column is not None,
                opclass=opclass or "",
                collation=collation or "",
            )
        )
    strategy = {"l": "list", "r": "range", "h": "hash"}[row.partstrat]
    return PartitionBy(strategy, tuple(parts))


def _view(catalog: Catalog, row: Any, parts: Parts) -> View:
    columns = catalog.attributes[row.oid].values()
    defaults = {c.attname: Sql(c.default) for c in columns if c.default is not None}
    comments = {c.attname: catalog.comment("pg_class", row.oid, c.attnum) for c in columns}
    return View(
        catalog.names[row.oid],
        Sql(row.query.rstrip().removesuffix(";")),
        materialized=row.relkind == "m",
        with_data=row.relispopulated,
        options=options(row.options),
        indexes=parts.indexes[row.oid],
        triggers=parts.triggers[row.oid],
        rules=parts.rules[row.oid],
        column_defaults=defaults,
        column_comments={name: text for name, text in comments.items() if text},
        comment=catalog.comment("pg_class", row.oid),
        owner=row.owner,
    )
