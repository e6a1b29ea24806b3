"""A user's script for SQLite, statement by statement: each with the schema that it meets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ...ddl.load import Loaded
from ...ddl.model import Dialect, Name
from ...ddl.script import Statement
from ...ddl.sqlite.emit import emit
from ...ddl.sqlite.parse import SqliteFold
from ...ddl.state import Draft
from ...ddl.tokens import NotUnderstood, Reader
from ...rule import Place
from ..context import Context
from ..model import Effects
from ..script import TRANSACTIONAL_RUNNERS
from .effects import LOCKS, WHOLE

_PRAGMA: Final = re.compile(
    r"\s*PRAGMA\s+(?:\w+\s*\.\s*)?(\w+)\s*(?:=\s*|\()\s*'?(\w+)'?\s*\)?", re.IGNORECASE
)
_ON: Final = frozenset(("1", "on", "true", "yes"))
_ENDS: Final = ("COMMIT", "END", "ROLLBACK")
_WRITES: Final = ("INSERT", "REPLACE", "UPDATE", "DELETE", "WITH")
NO_TABLE: Final = Name("", "")


class Doing(NamedTuple):
    """What a statement does: `create table`, `drop column`, …; to which table; and the rest.

    `name` is the column, index, trigger or new name, the savepoint, the word of what writes or of
    what ends a transaction; `text` what stands behind it, of a column that is renamed the new name.
    """

    kind: str = ""
    table: Name = NO_TABLE
    name: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class SeenSqlite:
    """A statement before it runs."""

    statement: Statement
    doing: Doing
    later: Sequence[Doing]  # what the statements after it do

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(self.statement.file, (), self.statement.offset)

    @property
    def effects(self) -> Effects:
        """What others meet meanwhile."""
        changes = self.doing.table.name or self.doing.kind in ("index", "trigger")
        return Effects(LOCKS, (), (WHOLE,)) if changes else Effects()


@dataclass(slots=True)
class RunSqlite:
    """The script so far, and what it runs on.

    `foreign_keys` is None while nothing in the script has set it. `away` has the old names of
    renamed tables by their new ones, `copies` the tables that CREATE TABLE AS has made.
    """

    ctx: Context
    live: SqliteFold
    in_transaction: bool = False
    foreign_keys: bool | None = None
    legacy: bool = False
    made: set[str] = field(default_factory=set)
    away: dict[str, str] = field(default_factory=dict)
    copies: dict[str, SeenSqlite] = field(default_factory=dict)
    dropped: dict[str, Draft] = field(default_factory=dict)  # tables, by lower name

    def table(self, name: Name) -> Draft | None:
        """The table of that name now, whatever its case."""
        return self.live.tables.get(self.live.known(self.live.tables, name))

    def is_new(self, name: Name) -> bool:
        """Whether the script has made it."""
        return name.name.lower() in self.made

    def references(self, name: Name) -> list[tuple[Draft, str]]:
        """The tables with a foreign key to a table, and what happens to their rows."""
        folded = name.name.lower()
        return [
            (draft, key.on_delete)
            for draft in self.live.tables.values()
            for key in draft.foreign_keys.values()
            if key.table.name.lower() == folded
        ]


def seen_statements(script: Loaded, ctx: Context) -> Iterator[tuple[SeenSqlite, RunSqlite]]:
    """Each statement before it runs, with the run."""
    live = SqliteFold(Dialect.SQLITE)
    for sql in emit(ctx.current):
        live.read(Statement("", 0, sql))
    run = RunSqlite(ctx, live, in_transaction=ctx.runner in TRANSACTIONAL_RUNNERS)
    doings = [doing_of(statement.text) for statement in script.statements]
    for number, statement in enumerate(script.statements):
        seen = SeenSqlite(statement, doings[number], doings[number + 1 :])
        yield seen, run
        _advance(seen, run)


def _advance(seen: SeenSqlite, run: RunSqlite) -> None:
    """What a statement leaves behind for those after it."""
    doing = seen.doing
    folded = doing.table.name.lower()
    match doing.kind:
        case "begin":
            run.in_transaction = True
        case "commit":
            run.in_transaction = False
        case "pragma foreign_keys" if not run.in_transaction:
            run.foreign_keys = doing.name in _ON
        case "pragma legacy_alter_table":
            run.legacy = doing.name in _ON
        case "create table":
            run.made.add(folded)
        case "create table as":
            run.made.add(folded)
            run.copies[folded] = seen
        case "drop table" if table := run.table(doing.table):
            run.dropped[folded] = table
        case "rename table":
            run.away[doing.name.lower()] = folded
            if folded in run.made:
                run.made.add(doing.name.lower())
    run.live.read(seen.statement)


def doing_of(text: str) -> Doing:
    """What a statement does, as far as rules ask for it."""
    if found := _PRAGMA.match(text):
        return Doing(f"pragma {found[1].lower()}", name=found[2].lower())
    try:
        return _read(Reader(text, Dialect.SQLITE))
    except NotUnderstood:
        return Doing()


def _read(reader: Reader) -> Doing:
    if reader.takes("BEGIN"):
        return Doing("begin")
    if reader.takes("SAVEPOINT"):
        return Doing("begin", name=reader.name())
    if word := reader.takes_any(*_ENDS):
        return Doing() if reader.sees("TO") else Doing("commit", name=word.lower())
    if word := reader.takes_any(*_WRITES):
        return _write(reader, word)
    if reader.takes("CREATE"):
        return _create(reader)
    if reader.takes("DROP", "TABLE"):
        reader.takes("IF", "EXISTS")
        return Doing("drop table", _name(reader))
    if reader.takes("ALTER", "TABLE"):
        return _alter(reader, _name(reader))
    return Doing()


def _write(reader: Reader, word: str) -> Doing:
    if word == "WITH":
        return Doing("write", name=word)
    if reader.takes("OR"):
        word = f"{word} OR {reader.next().key}"
    reader.takes_any("INTO", "FROM")
    return Doing("write", _name(reader), word)


def _create(reader: Reader) -> Doing:
    temporary = reader.takes_any("TEMP", "TEMPORARY")
    reader.takes("UNIQUE")
    if reader.sees_any("INDEX", "TRIGGER"):
        kind = reader.next().key.lower()
        reader.takes("IF", "NOT", "EXISTS")
        return Doing(kind, name=_name(reader).name)
    if not reader.takes("TABLE") or temporary:
        return Doing()
    reader.takes("IF", "NOT", "EXISTS")
    name = _name(reader)
    kind = "create table as" if reader.takes("AS") else "create table"
    return Doing(kind, name, text=reader.rest())


def _alter(reader: Reader, table: Name) -> Doing:
    if reader.takes("RENAME", "TO"):
        return Doing("rename table", table, reader.name())
    if reader.takes("RENAME"):
        reader.takes("COLUMN")
        old = reader.name()
        reader.takes("TO")
        return Doing("rename column", table, old, reader.name())
    if reader.takes("DROP", "CONSTRAINT"):
        return Doing("drop constraint", table, reader.name())
    if reader.takes("DROP"):
        reader.takes("COLUMN")
        return Doing("drop column", table, reader.name())
    if reader.takes("ALTER"):
        reader.takes("COLUMN")
        return Doing("alter column", table, reader.name())
    if reader.takes("ADD"):
        if reader.sees_any("CONSTRAINT", "CHECK"):
            return Doing("add constraint", table)
        reader.takes("COLUMN")
        reader.takes("IF", "NOT", "EXISTS")
        return Doing("add column", table, reader.name(), reader.rest())
    return Doing()


def _name(reader: Reader) -> Name:
    return Name("", reader.path()[-1])
