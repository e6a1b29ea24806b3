"""Functions and triggers of a design as objects of the schema, and the names that they use."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from ...ddl.model import Argument, Dialect, Function, Grant, Grants, Name, Schema, Table, Trigger
from ...ddl.postgres.text import ident
from ...engines.limits import quote
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
    """A function in PL/pgSQL, whose body has the names of the design with their schemas.

    Temporary tables and types come last: searched first, as they are unless the path says so, a
    caller's own would stand in for the catalog's.
    """
    return Function(
        name,
        arguments,
        returns,
        language="plpgsql",
        body=body,
        security_definer=definer,
        settings={"search_path": "pg_catalog, pg_temp", **(settings or {})},
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


class Written:
    """Names and conditions as the SQL of the engine has them."""

    def __init__(self, blueprint: Blueprint) -> None:
        self._blueprint = blueprint

    def __call__(self, name: str) -> str:
        """A column."""
        return quote(self._blueprint.dialect, name)

    def table(self, name: str) -> str:
        """A table, with its schema where there are schemas."""
        schema = self._blueprint.dialect.default_schema
        return f"{self(schema)}.{self(name)}" if schema else self(name)

    def columns(self, names: Iterable[str], of: str = "") -> str:
        """Columns in a list."""
        return ", ".join(f"{of}.{self(name)}" if of else self(name) for name in names)

    def within(self, key: Sequence[str], query: Iterable[str]) -> str:
        """The condition that a row's key is among those that a query answers, given by lines.

        MySQL reads the table that it deletes from in a query within a query only.
        """
        lines = "\n        ".join(query)
        if self._blueprint.dialect in (Dialect.MYSQL, Dialect.MARIADB):
            lines = f"SELECT * FROM ({lines}) AS found"
        own = self.columns(key) if len(key) == 1 else f"({self.columns(key)})"
        return f"{own} IN (\n        {lines}\n    )"
