"""What is said of the indexes of a design."""

from __future__ import annotations

from dataclasses import dataclass

from ...ddl.model import Index, IndexPart
from ..physical.blueprint import Blueprint


@dataclass(frozen=True, slots=True)
class Serves:
    """What an index does for a pattern, in planner cost; None where no planner was asked."""

    pattern: str
    cost: float | None = None
    without: float | None = None


@dataclass(frozen=True, slots=True)
class KeptIndex:
    """An index that is made, what it serves, and why it is there for another reason as well."""

    table: str
    name: str
    definition: str
    serves: tuple[Serves, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class RejectedIndex:
    """An index that was thought of and is not made."""

    table: str
    definition: str
    why: str


@dataclass(frozen=True, slots=True)
class Planned:
    """How a pattern is answered: its cost, and the indexes (also of keys) that its plan uses.

    `failure` says why it could not be planned.
    """

    pattern: str
    sql: str
    cost: float | None = None
    indexes: tuple[str, ...] = ()
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Indexed:
    """A design with its indexes. `engine` planned them; empty: they were chosen by rules.

    `is_indicative`: it is not the version that the design is for.
    """

    blueprint: Blueprint
    kept: tuple[KeptIndex, ...] = ()
    rejected: tuple[RejectedIndex, ...] = ()
    plans: tuple[Planned, ...] = ()
    engine: str = ""
    is_indicative: bool = False
    notes: tuple[str, ...] = ()


def described(index: Index) -> str:
    """Columns, kind and condition of an index: `(tenant_id, due_on) WHERE status = 'open'`."""
    method = "" if index.method in ("btree", "") else f"{index.method} "
    include = f" INCLUDE ({', '.join(index.include)})" if index.include else ""
    where = f" WHERE {index.where}" if index.where else ""
    parts = ", ".join(_part(part) for part in index.parts)
    return f"{method}({parts}){include}{where}"


def _part(part: IndexPart) -> str:
    length = f"({part.length})" if part.length else ""
    opclass = f" {part.opclass}" if part.opclass else ""
    return f"{part.expression}{length}{opclass}{' DESC' * part.descending}"
