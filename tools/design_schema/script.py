"""A design as one script."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from ..ddl.model import Dialect, Schema
from ..ddl.mysql import emit as mysql
from ..ddl.postgres import emit as postgres
from ..ddl.sqlite import emit as sqlite
from .physical.blueprint import Blueprint

_EMIT: Final[Mapping[Dialect, Callable[[Schema], list[str]]]] = {
    Dialect.POSTGRES: postgres.emit,
    Dialect.MYSQL: mysql.emit,
    Dialect.MARIADB: mysql.emit,
    Dialect.SQLITE: sqlite.emit,
}


def script(blueprint: Blueprint) -> str:
    """All of it, in order: roles, schema, and the rows that are there from the start."""
    made = _EMIT[blueprint.dialect](blueprint.schema)
    statements = (*blueprint.roles, *made, *blueprint.rows)
    return "".join(f"{statement.rstrip(';')};\n" for statement in statements)
