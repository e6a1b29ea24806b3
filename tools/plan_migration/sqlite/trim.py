"""The part of a large schema that a rehearsal needs: what is named, and what hangs on that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from ...ddl.model import Dialect, Name, Schema, Table, View
from ...ddl.tokens import identifiers

ENOUGH: Final = 150  # tables that are not worth cutting


def trimmed(current: Schema, target: Schema, words: set[str]) -> tuple[Schema, Schema]:
    """Both schemas with what `words` (in lower case) name and what that needs or what reads it."""
    schemas = (current, target)
    every = {name for schema in schemas for name in _names(schema)}
    kept = words & every
    for schema in schemas:
        for name, table in schema.tables.items():
            if any(key.table.name.lower() in words for key in table.foreign_keys.values()):
                kept.add(name.name.lower())
        for view in schema.views.values():
            if identifiers(view.query, Dialect.SQLITE) & words:
                kept.add(view.name.name.lower())
    while True:
        more = {word for schema in schemas for word in _needed(schema, kept)} & every
        if more <= kept:
            return _cut(current, kept), _cut(target, kept)
        kept |= more


def _names(schema: Schema) -> Iterator[str]:
    for group in (schema.tables, schema.views):
        for name in group:
            yield name.name.lower()


def _needed(schema: Schema, kept: set[str]) -> Iterator[str]:
    owners: list[Table | View] = [*schema.tables.values(), *schema.views.values()]
    for owner in owners:
        if owner.name.name.lower() not in kept:
            continue
        if isinstance(owner, View):
            yield from identifiers(owner.query, Dialect.SQLITE)
        else:
            yield from (key.table.name.lower() for key in owner.foreign_keys.values())
        for trigger in owner.triggers.values():
            yield from identifiers(trigger.body, Dialect.SQLITE)


def _cut(schema: Schema, kept: set[str]) -> Schema:
    def has(name: Name) -> bool:
        return name.name.lower() in kept

    return replace(
        schema,
        tables={name: table for name, table in schema.tables.items() if has(name)},
        views={name: view for name, view in schema.views.items() if has(name)},
    )
