"""A user's script for SQLite in the pieces that are committed together, with what each renames."""

from __future__ import annotations

from collections.abc import Iterator

from ...ddl.load import Loaded
from ...ddl.model import Name
from ..context import Context
from ..script import TRANSACTIONAL_RUNNERS
from ..units import Rename, Unit, places
from .script import RunSqlite, SeenSqlite, seen_statements


def units(script: Loaded, ctx: Context) -> list[Unit]:
    """What is committed, in order; what is rolled back is left out."""
    found: list[Unit] = []
    at_of = places(script)
    begun, file = False, ""  # whether the last unit goes on
    for seen, run in seen_statements(script, ctx):
        doing, statement = seen.doing, seen.statement
        if statement.file != file and ctx.runner in TRANSACTIONAL_RUNNERS:
            begun, run.in_transaction = False, True
        file = statement.file
        if doing.kind == "commit":
            if doing.name == "rollback" and begun:
                found.pop()
            begun = False
        elif doing.kind != "begin" or doing.name:
            together = run.in_transaction or doing.kind == "begin"
            at = at_of[statement.file, statement.offset]
            if not (together and begun):
                found.append(Unit(at, together))
            begun = together
            _add(found[-1], seen, run, at)
    return found


def _add(unit: Unit, seen: SeenSqlite, run: RunSqlite, at: str) -> None:
    unit.statements.append(seen.statement)
    unit.renames += _renames(seen, run)
    if seen.doing.kind == "write" and not run.is_new(seen.doing.table):
        unit.opaque.append((seen.doing.name, at))


def _renames(seen: SeenSqlite, run: RunSqlite) -> Iterator[Rename]:
    doing = seen.doing
    table = run.table(doing.table)
    if table and doing.kind == "rename table":
        yield Rename(table.name, Name(table.name.schema, doing.name))
    elif table and doing.kind == "rename column":
        yield Rename(table.name, table.name, (table.column(doing.name), doing.text))
