"""A user's script, statement by statement: each with what it does and where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from postgast import pg_query_pb2 as pg

from ..ddl.load import Loaded
from ..ddl.model import Name
from ..ddl.postgres.nodes import strings, value_text
from ..ddl.postgres.text import qualified
from ..ddl.postgres.tree import Parsed, walk
from ..rule import Place
from .context import Context
from .live import Live, parse_all
from .operations.effects import Measured, measured

# These run a file in one transaction unless the file says otherwise.
TRANSACTIONAL_RUNNERS: Final = frozenset(
    {"alembic", "django", "rails", "flyway", "liquibase", "golang-migrate", "prisma"}
)
# What files say to the common runners when they must not.
_NO_TRANSACTION: Final = re.compile(
    r"\bno[ _-]transaction\b|\btransaction\s*[:=]\s*false\b|txmode\s+none"
    r"|execute_?in_?transaction\s*[:=]\s*false|run_?in_?transaction\s*[:=]\s*\"?false"
    r"|disable_ddl_transaction|atomic\s*=\s*false",
    re.IGNORECASE,
)
_EXCLUSIVE: Final = "AccessExclusiveLock"


@dataclass(slots=True)
class Transaction:
    """An open transaction. `assumed`: the runner opened it; otherwise `begun` did."""

    assumed: bool
    begun: Parsed | None = None
    exclusive: dict[str, None] = field(default_factory=dict)  # tables locked ACCESS EXCLUSIVE
    not_valid: set[tuple[Name, str]] = field(default_factory=set)  # constraints added NOT VALID
    enum_values: set[str] = field(default_factory=set)
    local: set[str] = field(default_factory=set)  # settings made by SET LOCAL


@dataclass(frozen=True, slots=True)
class Seen:
    """A statement before it runs. `alters` are the commands of ALTER TABLE with their kinds."""

    parsed: Parsed
    measured: Measured
    in_transaction: bool

    @property
    def node(self) -> Any:
        """Its tree."""
        return self.parsed.node

    @property
    def kind(self) -> str:
        """The tree's kind: `alter_table_stmt`."""
        return self.parsed.kind

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(self.parsed.statement.file, (), self.parsed.statement.offset)


@dataclass(slots=True)
class Run:
    """The script so far, and what it runs on."""

    ctx: Context
    live: Live
    count: int = 0  # of statements in the whole script
    transaction: Transaction | None = None
    wrapped: bool = False  # the runner puts the file into one transaction
    settings: dict[str, str] = field(default_factory=dict)  # of the session
    reported: set[str] = field(default_factory=set)  # rules that speak once for each file
    dropped: set[str] = field(default_factory=set)  # by DROP … IF EXISTS

    @property
    def version(self) -> int:
        """The engine's major version."""
        return self.ctx.version

    def counts(self, name: Name) -> bool:
        """Whether others use a table: it was there before the script and is not tiny."""
        return not self.live.is_new(name) and not self.ctx.is_small(name)

    def has_setting(self, name: str) -> bool:
        """Whether a setting was made for the session or for the open transaction."""
        local = self.transaction.local if self.transaction else set()
        return name in self.settings or name in local

    def commands(self, seen: Seen, *kinds: int) -> Iterator[tuple[Any, Name]]:
        """The commands of ALTER TABLE of some kinds on tables that others use."""
        if seen.kind != "alter_table_stmt" or seen.node.objtype != pg.OBJECT_TABLE:
            return
        name = self.live.name(seen.node.relation)
        if self.counts(name):
            for item in seen.node.cmds:
                if item.alter_table_cmd.subtype in kinds:
                    yield item.alter_table_cmd, name

    def table(self, relation: Any) -> str:
        """A relation's name as it is written in SQL."""
        return str(qualified(self.live.name(relation)))

    def big(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Those of some tables (as effects name them) that are not tiny."""
        small = {str(Name(*n)) for n in self.ctx.facts.tables if self.ctx.is_small(Name(*n))}
        return tuple(name for name in names if name not in small)


def seen_statements(script: Loaded, ctx: Context) -> Iterator[tuple[Seen | None, Run]]:
    """Each statement before it runs, with the run; at the end of each file None with the run."""
    live = Live(ctx.current)
    run = Run(ctx, live, len(script.statements))
    by_runner = ctx.runner in TRANSACTIONAL_RUNNERS
    file: str | None = None
    for parsed in parse_all(script.statements):
        if parsed.statement.file != file:
            if file is not None:
                yield None, run
            file = parsed.statement.file
            run.wrapped = by_runner and not _NO_TRANSACTION.search(script.texts.get(file, ""))
            run.transaction = Transaction(assumed=True) if run.wrapped else None
            run.settings, run.reported = {}, set()
        found = measured(parsed, live, ctx.version)
        seen = Seen(parsed, found, run.transaction is not None)
        yield seen, run
        live.fold(parsed)
        _advance(seen, run)
    if file is not None:
        yield None, run


def _advance(seen: Seen, run: Run) -> None:
    """What a statement leaves behind for those after it."""
    if seen.kind == "transaction_stmt":
        _transaction(seen, run)
        return
    for setting, value, local in settings(seen):
        if local:
            if run.transaction:
                run.transaction.local.add(setting)
        elif value is None:
            run.settings.pop(setting, None)
        else:
            run.settings[setting] = value
    _note_drop(seen, run)
    if run.transaction is None:
        return
    for lock in seen.measured.effects.locks:
        if lock.mode == _EXCLUSIVE:
            run.transaction.exclusive[lock.table] = None
    if seen.kind == "alter_table_stmt":
        name = run.live.name(seen.node.relation)
        for item in seen.node.cmds:
            command = item.alter_table_cmd
            constraint = getattr(command, "def").constraint
            if command.subtype == pg.AT_AddConstraint and constraint.skip_validation:
                run.transaction.not_valid.add((name, constraint.conname))
    elif seen.kind == "alter_enum_stmt" and not seen.node.old_val:
        run.transaction.enum_values.add(seen.node.new_val)


def _note_drop(seen: Seen, run: Run) -> None:
    if seen.kind == "drop_stmt" and seen.node.missing_ok:
        for item in seen.node.objects:
            if item.HasField("list"):
                run.dropped.add(strings(item.list.items)[-1])
    elif seen.kind == "alter_table_stmt":
        for item in seen.node.cmds:
            command = item.alter_table_cmd
            if command.subtype == pg.AT_DropConstraint and command.missing_ok:
                run.dropped.add(command.name)


_OPENING: Final = (pg.TRANS_STMT_BEGIN, pg.TRANS_STMT_START)
_ENDING: Final = (pg.TRANS_STMT_COMMIT, pg.TRANS_STMT_ROLLBACK, pg.TRANS_STMT_PREPARE)


def opens(seen: Seen) -> bool:
    """Whether a statement is BEGIN."""
    return seen.kind == "transaction_stmt" and seen.node.kind in _OPENING


def ends(seen: Seen) -> bool:
    """Whether a statement is COMMIT, ROLLBACK or PREPARE TRANSACTION."""
    return seen.kind == "transaction_stmt" and seen.node.kind in _ENDING


def _transaction(seen: Seen, run: Run) -> None:
    if opens(seen) and run.transaction is None:
        run.transaction = Transaction(assumed=run.wrapped, begun=seen.parsed)
    elif ends(seen):
        run.transaction = Transaction(False, seen.parsed) if seen.node.chain else None


def settings(seen: Seen) -> Iterator[tuple[str, str | None, bool]]:
    """The settings that a statement makes: name, value (None: reset), whether LOCAL."""
    if seen.kind == "variable_set_stmt":
        node = seen.node
        made = node.kind == pg.VAR_SET_VALUE
        value = ", ".join(value_text(item) for item in node.args) if made else None
        yield node.name, value, node.is_local
    elif seen.kind == "select_stmt":
        for message in walk(seen.node):
            if not isinstance(message, pg.FuncCall) or len(message.args) != 3:
                continue
            if strings(message.funcname)[-1] == "set_config":
                name, value, local = (value_text(argument) for argument in message.args)
                yield name, value, local in ("true", "t")
