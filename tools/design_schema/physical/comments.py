"""Comments on tables and columns: what they are for, whom they concern, how long they stay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from ...ddl.model import Column, Dialect, Table
from ..domain.model import Entity
from ..logical.model import Field, Relation
from .blueprint import Blueprint

MOST: Final = 1_000  # characters; MySQL takes 1024 on a column


def comments(blueprint: Blueprint) -> Blueprint:
    """The blueprint with a comment on every table and column that has none; SQLite has none."""
    if blueprint.dialect is Dialect.SQLITE:
        return blueprint
    return blueprint.with_tables(
        _commented(blueprint.table(relation.name), relation, blueprint.dialect)
        for relation in blueprint.logical.relations.values()
    )


def _commented(table: Table, relation: Relation, dialect: Dialect) -> Table:
    said = {
        column: " ".join(_of_field(field, relation))[:MOST]
        for field in relation.fields.values()
        for column in field.columns(dialect)
    }
    columns = {
        name: column if column.comment else replace(column, comment=_said(said, column))
        for name, column in table.columns.items()
    }
    comment = table.comment or " ".join(_of_relation(relation))[:MOST]
    return replace(table, columns=columns, comment=comment)


def _said(said: dict[str, str], column: Column) -> str:
    if column.name in said:
        return said[column.name]
    return "1 where the row counts for the unique key, else NULL" if column.generated else ""


def _of_relation(relation: Relation) -> Iterator[str]:
    words = relation.entity.replace("_", " ")
    yield _sentence(relation.purpose or f"Rows of {words}")
    if relation.of and relation.of.retention:
        yield from _kept(relation.of)


def _kept(entity: Entity) -> Iterator[str]:
    said = entity.retention
    if said and said.keep_days:
        after = f" after {said.after}" if said.after else ""
        yield f"Kept {said.keep_days:,} days{after}{f' ({said.basis})' if said.basis else ''}."
    if said and said.on_erasure:
        yield f"When a person asks for erasure: {said.on_erasure}."


def _of_field(field: Field, relation: Relation) -> Iterator[str]:
    said = field.type
    words = field.name.removesuffix("_id").replace("_", " ")
    if said.purpose:
        yield _sentence(said.purpose)
    elif field.role in ("reference", "tenant"):
        yield _sentence(f"The {words} of the {relation.entity.replace('_', ' ')}")
    else:
        yield _sentence(f"The {words} of the {relation.entity.replace('_', ' ')}, {said.type}")
    if said.unit:
        yield f"In {said.unit}."
    if said.currency and said.currency != "each":
        yield f"In {said.currency}."
    if said.sensitivity not in ("none", "internal"):
        yield f"Data class: {said.sensitivity}."


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return text if text.endswith((".", "!", "?")) else f"{text}."
