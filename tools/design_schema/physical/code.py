"""Functions and triggers of a design as objects of the schema, and the names that they use."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Final

from ...ddl.model import Argument, Function, Grant, Grants, Name, Schema, Table, Trigger
from ...ddl.postgres.text import ident
from ..logical.model import Relation
from .blueprint import Blueprint

LONGEST_NAME: Final = 63  # bytes, in PostgreSQL; 64 characters in MySQL


def full(name: Name) -> str:
    """A name with its schema, which means the same under every search path."""
    return f"{ident(name.schema)}.{ident(name.name)}"


def free(name: str, taken: Collection[str]) -> str:
    """The name, with underscores behind it while it is taken."""
    while name in taken:
        name += "_"
    return name


def plpgsql(
    name: Name,
    body: str,
    comment: str,
    *,
    arguments: tuple[Argument, ...] = (),
    returns: str = "trigger",
    definer: bool = False,
    settings: Mapping[str, str] | None = None,
) -> Function:
    """A function in PL/pgSQL. No search path: its body has every name with its schema."""
    return Function(
        name,
        arguments,
        returns,
        language="plpgsql",
        body=body,
        security_definer=definer,
        settings={"search_path": '""', **(settings or {})},
        comment=comment,
    )


def with_functions(blueprint: Blueprint, functions: Iterable[Function]) -> Blueprint:
    """With these functions, each in place of the one of its signature."""
    every = {**blueprint.schema.functions, **{each.signature: each for each in functions}}
    return replace(blueprint, schema=replace(blueprint.schema, functions=every))


def with_triggers(table: Table, *triggers: Trigger) -> Table:
    """With these triggers, each in place of the one of its name."""
    return replace(table, triggers={**table.triggers, **{each.name: each for each in triggers}})


def with_grants(blueprint: Blueprint, grants: Iterable[Grant]) -> Blueprint:
    """With these privileges besides the others."""
    every = Grants(blueprint.schema.grants)
    every.update(dict.fromkeys(grants))
    return with_schema(blueprint, replace(blueprint.schema, grants=every))


def with_schema(blueprint: Blueprint, schema: Schema) -> Blueprint:
    """With this schema."""
    return replace(blueprint, schema=schema)


def short(name: str, room: int = 0) -> str:
    """The name, cut with a hash of it behind where that many bytes more would be too many."""
    if len(name.encode()) <= LONGEST_NAME - room:
        return name
    mark = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name.encode()[: LONGEST_NAME - room - 9].decode(errors='ignore')}_{mark}"


def key_columns(blueprint: Blueprint, relation: Relation) -> tuple[str, ...]:
    """The columns that tell one row of a relation from the others."""
    fields = (relation.fields[name] for name in relation.key)
    return tuple(column for field in fields for column in field.columns(blueprint.dialect))
