"""A user's script in the pieces that its runner commits, with what each renames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from postgast import pg_query_pb2 as pg

from ..ddl.diff import dotted
from ..ddl.load import Loaded
from ..ddl.model import Name
from ..ddl.script import Statement
from ..source import positions
from .context import Context
from .live import Live
from .script import Seen, ends, seen_statements

_ROLLBACK: Final = pg.TRANS_STMT_ROLLBACK
_RELATIONS: Final = (pg.OBJECT_TABLE, pg.OBJECT_SEQUENCE)
_VERBS: Final = {
    "insert_stmt": "Insert into",
    "update_stmt": "Update",
    "delete_stmt": "Delete from",
    "merge_stmt": "Merge into",
}
_OPAQUE: Final = {
    "do_stmt": "DO block",
    "call_stmt": "CALL",
    "truncate_stmt": "TRUNCATE",
    "copy_stmt": "COPY",
}

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rename:
    """A relation with a new name, or a column of it."""

    old: Name
    new: Name
    column: tuple[str, str] | None = None  # its old and its new name


@dataclass(frozen=True, slots=True)
class DataChange:
    """A statement that changes rows. `few`: it names them one by one."""

    statement: Statement
    at: str
    verb: str
    table: Name
    columns: tuple[str, ...]
    few: bool


@dataclass(slots=True)
class Unit:
    """Statements that are committed together; without `transaction`, one that stands alone."""

    at: str  # file, line and column of the first
    transaction: bool
    statements: list[Statement] = field(default_factory=list)
    renames: list[Rename] = field(default_factory=list)
    data: list[DataChange] = field(default_factory=list)
    opaque: list[tuple[str, str]] = field(default_factory=list)  # what may do anything, and where


def units(script: Loaded, ctx: Context) -> list[Unit]:
    """What the runner commits, in order; what is rolled back is left out."""
    found: list[Unit] = []
    last: object = None
    at_of = places(script)
    for seen, run in seen_statements(script, ctx):
        if seen is None:
            last = None
        elif seen.kind == "transaction_stmt":
            if found and last and ends(seen) and _is_rollback(seen.node):
                found.pop()
            last = None if ends(seen) else last
        elif seen.node is not None or seen.parsed.error:
            now = run.transaction
            statement = seen.parsed.statement
            at = at_of[statement.file, statement.offset]
            if now is None or now is not last:
                found.append(Unit(at, now is not None))
            last = now
            _add(found[-1], seen, run.live, at)
    return found


def _is_rollback(node: Any) -> bool:
    return bool(node.kind == _ROLLBACK)


def _add(unit: Unit, seen: Seen, live: Live, at: str) -> None:
    unit.statements.append(seen.parsed.statement)
    unit.renames += _renames(seen, live)
    if seen.kind in _OPAQUE:
        unit.opaque.append((_OPAQUE[seen.kind], at))
    if seen.kind in _VERBS:
        unit.data.append(_data_change(seen, live, at))


def _data_change(seen: Seen, live: Live, at: str) -> DataChange:
    node = seen.node
    items = () if seen.kind in ("delete_stmt", "merge_stmt") else _targets(seen)
    few = seen.kind == "insert_stmt" and bool(node.select_stmt.select_stmt.values_lists)
    table = live.name(node.relation)
    return DataChange(seen.parsed.statement, at, _VERBS[seen.kind], table, tuple(items), few)


def _targets(seen: Seen) -> Iterator[str]:
    """The columns that are written, where the statement names them."""
    items = seen.node.cols if seen.kind == "insert_stmt" else seen.node.target_list
    return (item.res_target.name for item in items)


def _renames(seen: Seen, live: Live) -> Iterator[Rename]:
    node = seen.node
    if seen.kind == "rename_stmt":
        old = live.name(node.relation)
        if node.rename_type in _RELATIONS:
            yield Rename(old, Name(old.schema, node.newname))
        elif node.rename_type == pg.OBJECT_COLUMN and node.relation_type == pg.OBJECT_TABLE:
            yield Rename(old, old, (node.subname, node.newname))
    elif seen.kind == "alter_object_schema_stmt" and node.object_type in _RELATIONS:
        old = live.name(node.relation)
        yield Rename(old, Name(node.newschema, old.name))


def places(script: Loaded) -> dict[tuple[str, int], str]:
    """File, line and column of each statement, by its file and offset."""
    offsets: dict[str, set[int]] = {}
    for statement in script.statements:
        offsets.setdefault(statement.file, set()).add(statement.offset)
    return {
        (file, offset): f"{file}:{position.line}:{position.column}"
        for file, wanted in offsets.items()
        for offset, position in positions(script.texts.get(file, ""), wanted).items()
    }


def renamed_objects(renames: Iterable[Rename], ctx: Context) -> Mapping[Key, Key]:
    """What a script renames, in its order, as hints of the user's would say it (`renames`).

    Only what is there before and, under the new name, after; in the schema that it was in.
    """
    first: dict[Name, Name] = {}  # of tables as named now
    columns: dict[tuple[Name, str], str] = {}  # the first name, by that of the table and now
    for rename in renames:
        table = first.get(rename.old, rename.old)
        if rename.column:
            old, new = rename.column
            columns[table, new] = columns.pop((table, old), old)
        else:
            first.pop(rename.old, None)
            first[rename.new] = table
    hints: dict[Key, Key] = {}
    for now, table in first.items():
        if now != table and now.schema == table.schema and _is_there(table, now, ctx):
            hints["table", dotted(table)] = "table", dotted(now)
    names = {table: now for now, table in first.items()}
    for (table, column), was in columns.items():
        before, after = (
            ctx.current.tables.get(table),
            ctx.target.tables.get(names.get(table, table)),
        )
        if before and after and was != column and was in before.columns and column in after.columns:
            hints["column", dotted(table), was] = "column", dotted(table), column
    return hints


def _is_there(old: Name, new: Name, ctx: Context) -> bool:
    return old in ctx.current.tables and new in ctx.target.tables and old not in ctx.target.tables
