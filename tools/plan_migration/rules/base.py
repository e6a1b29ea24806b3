"""What the rules on statements share: how a hazard is worded and where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from postgast import pg_query_pb2 as pg

from ...ddl.model import Name
from ...ddl.postgres.text import ident
from ...report import quoted
from ...rule import Hit
from ..script import Run, Seen

ALTER: Final = "https://www.postgresql.org/docs/current/sql-altertable.html"
LOCKING: Final = "https://www.postgresql.org/docs/current/explicit-locking.html"
TIMEOUT: Final = "SET lock_timeout = '2s'"


def hazard(seen: Seen, message: str, *instead: str) -> Hit:
    """A hazard at a statement, with the safe sequence."""
    return Hit(seen.place, message, ddl=tuple(instead))


def effects(seen: Seen, run: Run) -> str:
    """The measured facts in words: locks, what they block, what is rewritten and read."""
    found = seen.measured.effects
    parts = [f"takes {words(lock.mode)} on {quoted(lock.table)}" for lock in found.locks]
    if found.blocks_reads:
        parts.append("reads and writes wait meanwhile")
    elif found.blocks_writes:
        parts.append("writes wait meanwhile")
    if found.rewrites:
        parts.append(f"it writes {_listed(found.rewrites)} anew")
    elif found.scans:
        parts.append(f"it reads all of {_listed(found.scans)}")
    if not parts:
        return ""
    return f" (PostgreSQL {run.version}: {'; '.join(parts)})"


def words(mode: str) -> str:
    """A lock mode as the manual names it: `ACCESS EXCLUSIVE`."""
    spaced = "".join(f" {c}" if c.isupper() else c for c in mode.removesuffix("Lock"))
    return spaced.strip().upper()


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(quoted(name) for name in names)


def constraint(command: Any) -> Any:
    """The constraint of ADD CONSTRAINT."""
    return getattr(command, "def").constraint


def column(command: Any) -> Any:
    """The definition of ADD COLUMN or ALTER COLUMN … TYPE."""
    return getattr(command, "def").column_def


def inline(definition: Any, *kinds: int) -> Any:
    """The first of a column's own constraints that is of some kind, or None."""
    return next(
        (i.constraint for i in definition.constraints if i.constraint.contype in kinds), None
    )


def named(constraint: Any, table: Name, label: str) -> str:
    """A constraint's name, quoted; one is made up for those without."""
    return ident(constraint.conname or f"{table.name}_{label}")


def definitions(seen: Seen, run: Run) -> Iterator[tuple[Any, str]]:
    """Every column's definition in a statement, with its table: new tables, columns, types."""
    if seen.kind == "create_stmt":
        for item in seen.node.table_elts:
            if item.HasField("column_def"):
                yield item.column_def, seen.node.relation.relname
    elif seen.kind == "alter_table_stmt" and seen.node.objtype == pg.OBJECT_TABLE:
        for item in seen.node.cmds:
            command = item.alter_table_cmd
            if command.subtype in (pg.AT_AddColumn, pg.AT_AlterColumnType):
                yield column(command), seen.node.relation.relname


def name_of(command: Any, definition: Any) -> str:
    """The column that a command is about."""
    return str(command.name or definition.colname)
