"""What each operation of PostgreSQL locks, blocks, reads and writes, measured on real servers.

Every operation of `tools/engines/operations.json` runs in an open transaction, or waits for another
one. A second session reads `pg_locks`, a third tries what applications do, with a short
`lock_timeout`. What results is `tools/engines/postgres_locks.json`, the same bytes each time.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from psycopg import errors

from backend_architect.tools.engines import locks
from backend_architect.tools.engines.locks import VERSIONS
from backend_architect.tools.postgres.binaries import Binaries, find
from backend_architect.tools.postgres.cluster import Cluster

ENGINES = Path(locks.__file__).parent
TABLE = ENGINES / "postgres_locks.json"
LOCK_TIMEOUT = "10ms"  # nobody but the operation is there to wait for
PATIENCE = 60.0  # seconds until an operation that neither waits nor ends is given up
LITTLE_WAL = 85_000  # bytes; changes of the catalog stay below, what grows with a table does not

SETTINGS = {"wal_level": "replica"}  # with the private server's own, rewrites write no WAL

Connection = psycopg.Connection[Any]
Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the list; `roles` say what each relation of the fixture is to it."""

    name: str
    sql: str
    page: str
    since: int
    before: tuple[str, ...]
    roles: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Relation:
    """A table, view, sequence or index at one moment. `table` is an index's, `parent` a child's."""

    name: str
    kind: str
    table: int | None
    parent: int | None
    file: int | None
    pages: int
    rows: float


Relations = Mapping[int, Relation]


def operations() -> tuple[Operation, ...]:
    """All operations, in the order of the list."""
    data = _list()
    return tuple(
        Operation(
            each["name"],
            each["sql"],
            each["page"],
            each.get("since", VERSIONS[0]),
            tuple(each.get("before", ())),
            data["roles"] | each.get("roles", {}),
        )
        for each in data["operations"]
    )


def _list() -> Any:
    return json.loads((ENGINES / "operations.json").read_text())


class Prober:
    """Measures operations on one server, each in a copy of the fixture."""

    def __init__(self, cluster: Cluster) -> None:
        self.version = cluster.binaries.major
        self._cluster = cluster
        self._inserts: dict[str, str] = _list()["inserts"]
        self._fixture = cluster.database().name
        self._kept = ""  # a copy of it in which everything was rolled back
        self._names = (f"copy{number}" for number in count(1))
        with self._session(self._fixture) as session:
            directory = cluster.directory / "spare"
            session.execute(f"COPY (SELECT) TO PROGRAM 'cat >/dev/null; mkdir {directory}'")
            session.execute(f"CREATE TABLESPACE spare LOCATION '{directory}'")
            session.execute((ENGINES / "operations.sql").read_text())

    def measure(self, operation: Operation) -> Facts:
        """What the operation does; as in the table, without what is empty."""
        measured = self._inside(operation)
        facts = measured if measured is not None else self._outside(operation)
        return {key: value for key, value in facts.items() if value}

    @contextmanager
    def _session(self, database: str) -> Iterator[Connection]:
        with self._cluster.connect(database, superuser=True) as session:
            session.execute("SET search_path = public")
            session.execute("SET client_min_messages = error")
            session.execute(f"SET statement_timeout = '{PATIENCE:g}s'")
            yield session

    @contextmanager
    def _copy(self, *, keep: bool = False) -> Iterator[str]:
        """A database with the fixture; `keep` it for the next time unless rows were written."""
        with self._session("template1") as session:
            name, self._kept = (self._kept, "") if keep else ("", self._kept)
            if not name:
                name = next(self._names)
                session.execute(f"CREATE DATABASE {name} TEMPLATE {self._fixture}")
            position = _position(session)
            yield name
            if keep and not self._kept and _position(session) - position < LITTLE_WAL:
                self._kept = name
            else:
                session.execute(f"DROP DATABASE {name}")

    def _inside(self, operation: Operation) -> Facts | None:
        """Run it in a transaction and look; None if it must not run in one."""
        with (
            self._copy(keep=not operation.before) as name,
            self._session(name) as actor,
            self._session(name) as observer,
            self._session(name) as other,
        ):
            _prepare(actor, operation)
            before = _relations(observer)
            with _rolled_back(actor):
                reads = _reads(actor, before, "xact_")
                position = _position(observer)
                try:
                    actor.execute(operation.sql)
                except errors.ActiveSqlTransaction:
                    return None
                except psycopg.Error as error:
                    return {"error": error.sqlstate}
                written = _position(observer) - position
                held = _locks(observer, actor.info.backend_pid)
                now = _reads(actor, before, "xact_")
                after = _relations(actor)
                blocked = self._blocked(other, before) if held else ()
            roles = _Roles(operation, before)
            return {
                "locks": roles.locks(held),
                "blocks": roles.blocks(blocked),
                **roles.changes(after),
                "scans": roles.scans(reads, now),
                "wal": roles.wal(written, held, after),
            }

    def _outside(self, operation: Operation) -> Facts:
        """Run it by itself, then once more for each kind of transaction that it may wait for."""
        facts: Facts = {"alone": True}
        with self._copy() as name, self._session(name) as observer:
            with self._session(name) as actor:
                _prepare(actor, operation)
            before = _relations(observer)
            self._flush(name, observer)
            reads = _reads(observer, before)
            position = _position(observer)
            with self._session(name) as actor:
                try:
                    actor.execute(operation.sql)
                except psycopg.Error as error:
                    facts["error"] = error.sqlstate
            written = _position(observer) - position
            self._flush(name, observer)
            after = _relations(observer)
            now = _reads(observer, before)
        roles = _Roles(operation, before)
        seen = {kind: self._waiting(operation, kind) for kind in HOLDERS}
        waits = [kind for kind, each in seen.items() if each.any]
        # What waits for a parent does not show what it does to the partitions.
        used = {oid for each in seen.values() for oid, _ in each.held}
        for relation in before.values():
            if relation.kind == "r" and relation.parent in used:
                for kind in ("readers", "maintenance"):
                    again = self._waiting(operation, kind, only=relation.name)
                    seen[f"{kind} of {relation.name}"] = again
        held = {lock for each in seen.values() for lock in each.held}
        blocked = {attempt for each in seen.values() for attempt in each.blocked}
        return facts | {
            "locks": roles.locks(held),
            "blocks": roles.blocks(blocked),
            "waits": waits,
            **roles.changes(after),
            "scans": roles.scans(reads, now),
            "wal": roles.wal(written, held, after),
        }

    def _flush(self, name: str, observer: Connection) -> None:
        """Wait until the server's statistics know of all sessions that have ended."""
        scans = "SELECT pg_stat_get_numscans('orphan'::regclass)"
        (known,) = _row(observer, scans)
        with self._session(name) as session:
            session.execute("SELECT FROM orphan")
        _until(lambda: _row(observer, scans)[0] > known)

    def _waiting(self, operation: Operation, kind: str, only: str | None = None) -> _Seen:
        """What it holds whenever it waits for open transactions of a kind, of `only` one relation.

        Before one ends another one begins, so that the next time to wait is seen, too.
        """
        seen = _Seen()
        with (
            self._copy() as name,
            self._session(name) as observer,
            self._session(name) as other,
            self._session(name) as actor,
        ):
            _prepare(actor, operation)
            before = _relations(observer)
            used = {oid: each for oid, each in before.items() if only in (None, each.name)}
            holder: Connection | None = self._holder(name, kind, used)
            thread = threading.Thread(target=_attempt, args=(actor, operation.sql))
            pid = actor.info.backend_pid
            thread.start()
            while holder:
                blocking = holder.info.backend_pid

                def waits(blocking: int = blocking) -> bool:
                    found = _row(observer, "SELECT %s = ANY(pg_blocking_pids(%s))", blocking, pid)
                    return bool(found[0])

                _until(lambda: not thread.is_alive() or waits())
                successor = None
                if thread.is_alive():
                    seen.any = True
                    seen.held |= _locks(observer, pid)
                    seen.blocked |= self._blocked(other, before)
                    successor = self._holder(name, kind, used)
                holder.close()
                holder = successor
            thread.join()
        return seen

    def _holder(self, name: str, kind: str, relations: Relations) -> Connection | None:
        """A session with an open transaction of that kind; None if it cannot be had any more."""
        session = self._cluster.connect(name, superuser=True)
        session.execute("SET search_path = public, archive")
        session.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        level = "REPEATABLE READ" if kind == "snapshots" else "READ COMMITTED"
        session.execute(f"BEGIN ISOLATION LEVEL {level}")
        try:
            session.execute("SELECT 1")
            for relation in relations.values():
                for kinds, statement in HOLDERS[kind].items():
                    if relation.kind in kinds:
                        session.execute(statement.format(relation.name))
        except errors.LockNotAvailable:
            session.close()
            return None
        return session

    def _blocked(self, session: Connection, relations: Relations) -> set[tuple[str, int]]:
        """Which attempt on which relation has to wait now."""
        session.execute("SET search_path = public, archive")
        session.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        blocked = set()
        for oid, relation in relations.items():
            for attempt, (kinds, statement) in ATTEMPTS.items():
                if relation.kind not in kinds:
                    continue
                if attempt == "insert":
                    statement = self._inserts.get(relation.name, statement)
                try:
                    session.execute("BEGIN; " + statement.format(relation.name))
                except errors.LockNotAvailable:
                    blocked.add((attempt, oid))
                except psycopg.Error:
                    pass  # it got as far as the rows: a duplicate, a missing default
                session.execute("ROLLBACK")
        return blocked


# Open transactions that an operation may have to wait for, and what they have done to every
# relation of a kind. `snapshots` have used none, but still see the rows of when they began.
HOLDERS: Mapping[str, Mapping[str, str]] = {
    "readers": {"rpm": "SELECT FROM {}"},
    "writers": {"rp": "DELETE FROM {} WHERE false"},
    "maintenance": {
        "rp": "LOCK TABLE {} IN SHARE UPDATE EXCLUSIVE MODE",
        "m": "COMMENT ON MATERIALIZED VIEW {} IS NULL",
    },
    "snapshots": {},
}
# What applications do. A row of the referencing table takes FOR KEY SHARE of the referenced row.
ATTEMPTS = {
    "select": ("rpvm", "SELECT FROM {} LIMIT 1"),
    "insert": ("rp", "INSERT INTO {} (id) VALUES (0)"),
    "update": ("rp", "UPDATE {} SET id = id WHERE id = 7"),
    "delete": ("rp", "DELETE FROM {} WHERE id = 7"),
    "lock": ("rp", "SELECT FROM {} WHERE id = 7 FOR UPDATE"),
    "reference": ("rp", "SELECT FROM {} WHERE id = 7 FOR KEY SHARE"),
    "nextval": ("S", "SELECT nextval('{}')"),
}


@dataclass(slots=True)
class _Seen:
    any: bool = False
    held: set[tuple[int, str]] = field(default_factory=set)
    blocked: set[tuple[str, int]] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Roles:
    """Says what was measured of relations as roles that they have for an operation."""

    operation: Operation
    before: Relations

    def locks(self, held: Iterable[tuple[int, str]]) -> dict[str, str]:
        modes = defaultdict(set)
        for oid, mode in held:
            if oid in self.before:  # nobody else sees what the operation has created
                modes[self._role(oid)].add(mode)
        return {role: ", ".join(locks.strongest(found)) for role, found in sorted(modes.items())}

    def blocks(self, blocked: Iterable[tuple[str, int]]) -> dict[str, list[str]]:
        roles = defaultdict(set)
        for attempt, oid in blocked:
            roles[attempt].add(self._role(oid))
        return {attempt: sorted(roles[attempt]) for attempt in ATTEMPTS if attempt in roles}

    def changes(self, after: Relations) -> Facts:
        """New files: a table's is a rewrite, an index' a build; empty ones are neither."""
        names = {r.name: oid for oid, r in self.before.items() if r.kind == "i"}
        rebuilds, builds = set(), set()
        for relation in self._new_files(after, "i").values():
            table = relation.table
            if table is None or table not in self.before or not after[table].pages:
                continue
            if relation.name in names:
                rebuilds.add(self._role(names[relation.name]))
            else:
                builds.add(self._role(table))
        return {
            "rewrites": sorted({self._role(oid) for oid in self._rewritten(after)}),
            "rebuilds": sorted(rebuilds),
            "builds": sorted(builds),
        }

    def wal(self, written: int, held: Iterable[tuple[int, str]], after: Relations) -> str:
        """The class of that many bytes: by the largest table of those rewritten, or of all used."""
        if written <= LITTLE_WAL:
            return ""
        used = {self.before[oid].table or oid for oid, _ in held if oid in self.before}
        tables = self._rewritten(after) or used
        heap = 8192 * max((self.before[oid].pages for oid in tables), default=0)
        return "whole" if written > heap / 2 else "part"

    def _rewritten(self, after: Relations) -> set[int]:
        files = self._new_files(after, "rm")
        return {oid for oid, relation in files.items() if relation.pages and oid in self.before}

    def _new_files(self, after: Relations, kinds: str) -> Relations:
        known = {relation.file for relation in self.before.values()}
        return {
            oid: each
            for oid, each in after.items()
            if each.kind in kinds and each.file is not None and each.file not in known
        }

    def scans(self, before: Mapping[int, _Reads], now: Mapping[int, _Reads]) -> list[str]:
        """The tables of which every row or every block was read."""
        found = set()
        for oid, relation in self.before.items():
            if relation.kind not in "rmi" or relation.pages < 10 or oid not in now:
                continue
            rows = now[oid].rows - before[oid].rows
            blocks = now[oid].blocks - before[oid].blocks
            if relation.kind == "i":
                if relation.table and rows >= relation.rows:
                    found.add(self._role(relation.table))
            elif rows >= relation.rows or blocks >= relation.pages:
                found.add(self._role(oid))
        return sorted(found)

    def _role(self, oid: int) -> str:
        relation = self.before[oid]
        if role := self.operation.roles.get(relation.name):
            return role
        if relation.table is None:
            raise LookupError(f"{self.operation.name}: {relation.name} has no role")
        return f"{self._role(relation.table)}.index"


@dataclass(frozen=True, slots=True)
class _Reads:
    rows: int
    blocks: int


@contextmanager
def _rolled_back(session: Connection) -> Iterator[None]:
    session.execute("BEGIN")
    try:
        yield
    finally:
        session.execute("ROLLBACK")


def _prepare(actor: Connection, operation: Operation) -> None:
    for statement in operation.before:
        actor.execute(statement)
    if operation.before:
        actor.execute("ANALYZE")


def _attempt(actor: Connection, sql: str) -> None:
    with suppress(psycopg.Error):
        actor.execute(sql)


def _row(session: Connection, sql: str, *values: object) -> Any:
    return session.execute(sql, values).fetchone()


def _position(observer: Connection) -> int:
    return int(_row(observer, "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")[0])


def _relations(session: Connection) -> Relations:
    """The user's relations, as this session sees them."""
    rows = session.execute(
        "SELECT c.oid::int8, c.relname, c.relkind::text, i.indrelid::int8, h.inhparent::int8,"
        " pg_relation_filenode(c.oid)::int8,"
        " CASE WHEN c.relkind IN ('r', 'm', 'i') THEN pg_relation_size(c.oid) / 8192 ELSE 0 END,"
        " c.reltuples::float8"
        " FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid"
        " LEFT JOIN pg_inherits h ON h.inhrelid = c.oid"
        " WHERE c.relnamespace::regnamespace::text NOT IN"
        " ('pg_catalog', 'information_schema', 'pg_toast') ORDER BY c.relname"
    )
    return {oid: Relation(*rest) for oid, *rest in rows}


def _reads(session: Connection, relations: Relations, which: str = "") -> dict[int, _Reads]:
    """Rows and blocks read so far, by this transaction or by all sessions that have ended."""
    rows = session.execute(
        f"SELECT oid, pg_stat_get_{which}tuples_returned(oid::oid),"
        f" pg_stat_get_{which}blocks_fetched(oid::oid) FROM unnest(%s::int8[]) oid",
        [list(relations)],
    )
    return {oid: _Reads(*rest) for oid, *rest in rows}


def _locks(observer: Connection, pid: int) -> set[tuple[int, str]]:
    """Relations and modes that a session holds or waits for."""
    rows = observer.execute(
        "SELECT relation::int8, mode FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
        " WHERE pid = %s AND locktype = 'relation' AND datname = current_database()",
        [pid],
    )
    return {(oid, mode) for oid, mode in rows}


def _until(condition: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("an operation neither waits nor ends")
        time.sleep(0.002)


@dataclass(frozen=True, slots=True)
class Measured:
    """The facts of one server by operation; `server` is its version as it prints it."""

    server: str
    facts: Mapping[str, Facts]


def measure(binaries: Binaries) -> Measured:
    """Every operation that this version has. Raises `NoPostgres`."""
    with Cluster.start(binaries, settings=SETTINGS) as cluster:
        with cluster.connect("template1", superuser=True) as session:
            server = (session.info.parameter_status("server_version") or "").split()[0]
        prober = Prober(cluster)
        chosen = [each for each in operations() if each.since <= binaries.major]
        return Measured(server, {each.name: prober.measure(each) for each in chosen})


def installed(directory: Path) -> dict[int, Binaries]:
    """The servers of `benchmarks/servers`, and the one that comes with this project."""
    found = {}
    for version in VERSIONS:
        package = directory.resolve() / "node_modules" / f"postgres-{version}"
        if package.is_dir():
            # A package cannot hold symbolic links; its script, which would make them, is not run.
            for link in json.loads((package / "native/pg-symlinks.json").read_text()):
                target = package / link["target"]
                if not target.is_symlink():
                    target.symlink_to((package / link["source"]).name)
            found[version] = Binaries(package / "native/bin", f"{version}.0")
    own = find()
    return found | {own.major: own}


def table() -> dict[int, Measured]:
    """The committed facts, spelled out for each version."""
    if not TABLE.exists():
        return {}
    data = json.loads(TABLE.read_text())
    found = {}
    for version, server in data["servers"].items():
        every = {
            name: locks.at(measured["facts"], int(version))
            for name, measured in data["operations"].items()
        }
        found[int(version)] = Measured(server, {n: f for n, f in every.items() if f is not None})
    return found


def text(every: Mapping[int, Measured]) -> str:
    """The table as a file: of each operation only the versions in which something changed."""
    lines = []
    for operation in operations():
        changes: dict[str, Facts] = {}
        last: Facts | None = None
        for version, measured in sorted(every.items()):
            found = measured.facts.get(operation.name)
            if found is not None and found != last:
                changes[str(version)] = last = found
        entry = json.dumps({"page": operation.page, "facts": changes}, sort_keys=True)
        lines.append(f"    {json.dumps(operation.name)}: {entry}")
    servers = json.dumps({str(version): every[version].server for version in sorted(every)})
    body = ",\n".join(lines)
    return f'{{\n  "servers": {servers},\n  "operations": {{\n{body}\n  }}\n}}\n'


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", type=Path, default=Path(__file__).with_name("servers"))
    parser.add_argument("--versions", help="only these: 12,18")
    parser.add_argument("--check", action="store_true", help="compare; write nothing")
    parser.add_argument("--jobs", type=int, default=2, help="servers at the same time")
    arguments = parser.parse_args()
    servers = installed(arguments.servers)
    wanted = [int(v) for v in arguments.versions.split(",")] if arguments.versions else VERSIONS
    if missing := [version for version in wanted if version not in servers]:
        print(f"not installed: PostgreSQL {missing}", file=sys.stderr)
        return 2
    committed, found = table(), {}
    with ProcessPoolExecutor(arguments.jobs) as pool:
        for version, measured in zip(
            wanted, pool.map(measure, [servers[v] for v in wanted]), strict=True
        ):
            print(f"PostgreSQL {measured.server}: {len(measured.facts)} operations", flush=True)
            found[version] = measured
            if not arguments.check:
                TABLE.write_text(text(committed | found))
    if not arguments.check:
        return 0
    apart = different(committed, found)
    if apart:  # a server under load may be looked at too early: what counts is seen twice
        again = {version: measure(servers[version]) for version in {v for v, _ in apart}}
        apart = [each for each in different(committed, again) if each in apart]
    for version, name in apart:
        print(f"{name}, PostgreSQL {version}:")
        print(f"  table {committed[version].facts.get(name)}")
        print(f"  found {found[version].facts.get(name)}")
    print(f"{len(apart)} operations are not as in the table" if apart else "as in the table")
    return bool(apart)


def different(committed: Mapping[int, Any], found: Mapping[int, Any]) -> list[tuple[int, str]]:
    """The versions and operations whose facts are not those of the table."""
    return [
        (version, name)
        for version in sorted(found)
        for old, new in [(committed[version].facts, found[version].facts)]
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


if __name__ == "__main__":
    sys.exit(main())
