"""The place of a rehearsal: a private database with the current schema, rows, and sessions."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Self

import psycopg

from ...ddl.expressions import names_of
from ...ddl.model import Dialect, Name, Schema
from ...ddl.postgres.emit import emit
from ...ddl.postgres.tree import parse
from ...ddl.script import Statement
from ...postgres.allow import Judge, Status
from ...postgres.cluster import Cluster, Database
from ...postgres.introspect import introspect
from ...postgres.sandbox import Limits, Watchdog, apply
from ..model import Query, Step
from .evidence import Checked
from .observe import Observer, Seen
from .parameters import fitting
from .queries import Application
from .seeds import Planted, Seeder, without_unchecked
from .sessions import Session

MAX_ROUNDS = 100  # of a batched step
MAX_NOTED = 5  # statements that do not apply
_REFUSED = ("22", "23")  # SQLSTATE classes: data exception, integrity constraint violation
_INVALID = """
SELECT format('%I.%I', n.nspname, c.relname)
FROM pg_index i
    JOIN pg_class c ON c.oid = i.indexrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND c.relkind = 'i'
"""


class Stage:
    """Sessions on a fresh database. `close` it."""

    def __init__(self, cluster: Cluster, limits: Limits) -> None:
        self.limits = limits
        self.database: Database = cluster.database()
        self.look: psycopg.Connection[Any] = self.database.connect(superuser=True)
        self.look.prepare_threshold = 0  # the same queries of the catalog, again and again
        # Whatever a session holds on to: nothing waits for it forever.
        self.look.execute("SET lock_timeout = '5s'")
        self.look.execute("SET statement_timeout = '20s'")
        self.look.execute("SET track_counts = off")  # only the user's session is to be counted
        self.watchdog = Watchdog(self.database, limits)
        self.watchdog.__enter__()
        self.judge = Judge(self.database, self.look)
        self.session = Session(self.database, self.watchdog, self.judge)
        self.observer = Observer(self.database, self.session, self.look)
        self.notes: list[str] = []

        self.planted = Planted()
        self.current = Schema(Dialect.POSTGRES)

    @classmethod
    def built(
        cls,
        cluster: Cluster,
        limits: Limits,
        current: Schema,
        target: Schema,
        statements: Sequence[Statement],
        coming: Iterable[str],
    ) -> Self:
        """A stage that is set up. Nothing of it is left where that fails."""
        stage = cls(cluster, limits)
        try:
            stage.build(current, target, statements, coming)
        except BaseException:
            stage.close()
            raise
        return stage

    def close(self) -> None:
        """End all sessions."""
        self.watchdog.__exit__()
        self.observer.close()
        self.session.close()
        self.look.close()

    def another(self) -> Session:
        """One more session of the sandbox role; whoever asks closes it."""
        return Session(self.database, self.watchdog, self.judge)

    def application(self) -> Application:
        """Queries of the application in a session of their own."""
        return Application(
            self.another(), partial(fitting, planted=self.planted, schema=self.current)
        )

    def build(
        self,
        current: Schema,
        target: Schema,
        statements: Sequence[Statement],
        coming: Iterable[str],
    ) -> None:
        """Apply the current schema and plant rows before what would refuse or change them.

        Where the emitted schema does not apply, `statements` (the user's) do instead. `coming` are
        the statements that are to run: what they take for granted is made.
        """
        self.current = current
        bare = emit(without_unchecked(current))
        failed = self._apply(bare)
        if failed and statements:
            self.notes.append(f"Applied as written, as it does not apply in parts: {failed[0]}")
            failed = self._apply([statement.text for statement in statements])
        self.notes += [f"Not applied: {each}" for each in failed[:MAX_NOTED]]
        coming = tuple(coming)
        for sql in coming:
            self.session.judged(sql)
        self.judge.prepare()
        self.seeder = Seeder(self.session, current, _by_old_names(current, target, coming))
        self.planted = self.seeder.plant()
        whole = emit(current)
        known = set(bare)
        rest = [s for s in whole if s not in known or s.startswith(("SET ", "RESET "))]
        if any(s not in known for s in rest):
            failed = self._apply(rest)
            self.notes += [f"Not applied: {each}" for each in failed[:MAX_NOTED]]

    def _apply(self, statements: Sequence[str]) -> list[str]:
        """Run statements of a schema; those that fail, with the reason."""
        applied = apply(self.database, [(text, 0) for text in statements], self.limits)
        return [
            f"{' '.join(text.split())[:100]}: {outcome.reason}"
            for text, outcome in zip(statements, applied.outcomes, strict=True)
            if outcome.status in (Status.ERROR, Status.DENIED)
        ]

    def schema(self) -> Schema:
        """The catalog as it is now."""
        return introspect(self.look)

    def check(self, query: Query) -> Checked:
        """Run a query of a step and compare what it returns with what is expected."""
        done = self.session.run(query.sql)
        expected = query.expected.strip()
        if not done.ok:
            return Checked(query.sql, expected, f"{done.sqlstate}: {done.message}", False)
        first = done.rows[0] if done.rows else ()
        got = ", ".join("null" if cell is None else cell for cell in first)[:200]
        shown = got if done.count == 1 else f"{done.count} rows" if done.count else "no rows"
        if expected.lower() in ("no rows", "nothing", ""):
            return Checked(query.sql, expected, shown, done.count == 0)
        plain = {"true": "t", "false": "f"}.get(expected.lower(), expected)
        if " " in plain and plain != shown:
            return Checked(query.sql, expected, shown, None)
        return Checked(query.sql, expected, shown, shown == plain)

    def run(self, step: Step, seen: Seen) -> int:
        """Run a step as its transaction says; a batched one until it is done. How many rounds."""
        if not step.batched:
            self.run_once(step.sql, step.transaction, seen)
            return 1
        for number in range(1, MAX_ROUNDS + 1):
            before = seen.count
            self.run_once(step.sql, step.transaction, seen)
            if seen.error or self.is_done(step, wrote=seen.count > before):
                return number
        return MAX_ROUNDS

    def is_done(self, step: Step, *, wrote: bool) -> bool:
        """Whether a batched step has nothing left: its queries know; without one, an idle round."""
        if not step.verify:
            return not wrote
        return all(self.check(query).ok for query in step.verify)

    def make_way(self, seen: Seen, now: Schema, *, fill: bool = False) -> str:
        """Remove the rough rows that were refused, and the invalid index that this may have left.

        Where there are none, with `fill`, new columns get the values that the plan leaves to the
        user, and then other rows go, one at a time.

        How they were refused; empty if that is not what failed.
        """
        error = seen.error
        if not error or not error.sqlstate.startswith(_REFUSED):
            return ""
        tables = dict.fromkeys(_concerned(seen, now))
        rough = dict.fromkeys(r.table for r in self.planted.rough)
        named = [table for table in rough if table in tables] or rough  # a copy's
        made = sum(self.seeder.remove_rough(table, now) for table in named)
        if fill and not made:
            read = {name.name for name in names_of(seen.statement).relations}  # if they are copied
            one_by_one = [*tables, *_tables(read, now)]
            made = sum(self.seeder.fill(table, now) for table in tables)
            made = made or any(self.seeder.remove_one(table, now) for table in one_by_one)
        if not made:
            return ""
        for (index,) in self.look.execute(_INVALID).fetchall():
            self.session.send(f"DROP INDEX {index}")
        return f"{error.sqlstate}: {error.message}"

    def run_once(self, statements: Sequence[str], transaction: str, seen: Seen) -> None:
        """Run statements together, or each by itself where a transaction is not allowed."""
        if transaction != "none":
            self.observer.together(statements, seen)
        else:
            self._run_apart(statements, seen)
        self.session.send("RESET ALL")  # a path or a timeout that the step has set

    def _run_apart(self, statements: Sequence[str], seen: Seen) -> None:
        for sql in statements:
            kind = manner(sql)
            if kind == "concurrently":
                self.observer.concurrently(sql, seen)
            elif kind == "plainly":
                self.observer.plainly([sql], seen)
            else:
                self.observer.together([sql], seen)
            if seen.error:
                return


def _by_old_names(current: Schema, target: Schema, coming: Iterable[str]) -> Schema:
    """The target, in which tables that are to be renamed have their old name as well."""
    tables = dict(target.tables)
    for sql in coming:
        if not (sql.startswith("ALTER TABLE ") and " RENAME TO " in sql):
            continue
        (parsed,) = parse([Statement("", 0, sql)])
        node: Any = parsed.node
        old = Name(node.relation.schemaname or "public", node.relation.relname)
        new = target.tables.get(old._replace(name=node.newname))
        if new and old in current.tables and old not in tables and new.name not in current.tables:
            tables[old] = new
    return replace(target, tables=tables)


def collides(seen: Seen) -> bool:
    """Whether an INSERT failed since a planted row happens to have its key."""
    duplicate = seen.error is not None and seen.error.sqlstate == "23505"
    return duplicate and bool(_INSERT(seen.statement))


_INSERT = re.compile(r"\s*(INSERT|WITH|MERGE)\b", re.IGNORECASE).match


def _concerned(seen: Seen, now: Schema) -> Iterator[Name]:
    """The tables whose rows a statement refused."""
    assert seen.error is not None
    wanted = {seen.error.table} & {name.name for name in now.tables}
    yield from _tables(wanted or {n.name for n in names_of(seen.statement).relations}, now)


def _tables(wanted: Collection[str], now: Schema) -> Iterator[Name]:
    """The tables of some names, partitioned ones for their partitions."""
    for name, table in now.tables.items():
        if name.name in wanted:
            while table.partition_of and table.partition_of.parent in now.tables:
                table = now.tables[table.partition_of.parent]
            yield table.name


def manner(sql: str) -> str:
    """How a statement outside of a transaction can be observed."""
    (parsed,) = parse([Statement("", 0, sql)])
    node: Any = parsed.node
    match parsed.kind:
        case "index_stmt" | "drop_stmt":
            return "concurrently" if node.concurrent else "together"
        case "reindex_stmt":
            named = {option.def_elem.defname for option in node.params}
            return "concurrently" if "concurrently" in named else "together"
        case "alter_table_stmt":
            commands = [command.alter_table_cmd for command in node.cmds]
            detaching = (getattr(command, "def") for command in commands)
            concurrent = any(each.partition_cmd.concurrent for each in detaching)
            return "concurrently" if concurrent else "together"
        case "call_stmt" | "do_stmt":
            return "plainly"  # they may commit
    return "together"
