"""From relations to a schema: each part takes the blueprint and returns more of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from ...ddl.load import fold
from ...ddl.model import Dialect, Schema
from ...ddl.mysql.emit import emit as emit_mysql
from ...ddl.postgres.emit import emit as emit_postgres
from ...ddl.script import Statement
from ...ddl.sqlite.emit import emit as emit_sqlite
from ..logical.model import Logical
from .audit import audit
from .blueprint import Blueprint
from .comments import comments
from .erasure import erasure
from .history import history
from .integrity import integrity
from .partitions import partitions, settled
from .retention import retention
from .roles import roles
from .states import states
from .tables import tables
from .tenancy import tenancy

NEWEST: Final = {
    Dialect.POSTGRES: (18,),
    Dialect.MYSQL: (8, 4),
    Dialect.MARIADB: (11, 4),
    Dialect.SQLITE: (3, 45),
}
EMIT: Final[Mapping[Dialect, Callable[[Schema], list[str]]]] = {
    Dialect.POSTGRES: emit_postgres,
    Dialect.MYSQL: emit_mysql,
    Dialect.MARIADB: emit_mysql,
    Dialect.SQLITE: emit_sqlite,
}


def read_back(blueprint: Blueprint) -> Blueprint:
    """The schema as its own DDL says it: with the names that an engine gives, and no more."""
    texts = EMIT[blueprint.dialect](blueprint.schema)
    schema = fold([Statement("design.sql", 0, text) for text in texts], blueprint.dialect)
    return replace(blueprint, schema=schema)


PARTS: Final[tuple[Callable[[Blueprint], Blueprint], ...]] = (
    integrity,
    states,
    tenancy,
    audit,
    history,
    partitions,
    retention,
    erasure,
    roles,
    comments,
    settled,
    read_back,
)


def physical(logical: Logical, dialect: Dialect, version: tuple[int, ...] = ()) -> Blueprint:
    """The schema of a design for an engine; without a version for the newest."""
    blueprint = tables(logical, dialect, version or NEWEST[dialect])
    for part in PARTS:
        blueprint = part(blueprint)
    return blueprint
