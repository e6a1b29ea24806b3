"""From relations to a schema: each part takes the blueprint and returns more of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ...ddl.model import Dialect
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
)


def physical(logical: Logical, dialect: Dialect, version: tuple[int, ...] = ()) -> Blueprint:
    """The schema of a design for an engine; without a version for the newest."""
    blueprint = tables(logical, dialect, version or NEWEST[dialect])
    for part in PARTS:
        blueprint = part(blueprint)
    return blueprint
