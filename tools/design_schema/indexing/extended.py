"""A design with more indexes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ...ddl.model import Extension, Table
from ...ddl.postgres.emit import create_extension
from ..physical.blueprint import Blueprint
from ..physical.partitions import settled
from .candidates import Proposed


def with_indexes(blueprint: Blueprint, proposals: Sequence[Proposed]) -> Blueprint:
    """The design with these indexes, and the extensions that they need."""
    tables: dict[str, Table] = {}
    for each in proposals:
        table = tables.get(each.relation) or blueprint.table(each.relation)
        indexes = {**table.indexes, each.index.name: each.index}
        tables[each.relation] = replace(table, indexes=indexes)
    extensions = {
        **blueprint.schema.extensions,
        **{e.extension: Extension(e.extension) for e in proposals if e.extension},
    }
    schema = replace(blueprint.schema, extensions=extensions)
    roles = _with_extensions(blueprint, extensions)
    made = replace(blueprint, schema=schema, roles=roles).with_tables(tables.values())
    return settled(made) if proposals else made


def _with_extensions(blueprint: Blueprint, extensions: Mapping[str, Extension]) -> tuple[str, ...]:
    """What comes before the schema: an owner of tables may not make extensions."""
    more = [e for name, e in extensions.items() if name not in blueprint.schema.extensions]
    for number, statement in enumerate(blueprint.roles if more else ()):
        if statement.startswith("REVOKE ALL ON SCHEMA"):
            made = map(create_extension, more)
            return (*blueprint.roles[:number], *made, *blueprint.roles[number:])
    return blueprint.roles
