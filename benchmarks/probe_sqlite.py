"""What each statement of SQLite that changes a schema reads and writes, measured.

Runs the operations of `tools/engines/sqlite_operations.json` on this Python's SQLite, or on that of
the package `apsw`, and writes `tools/engines/sqlite_ddl.json`. Locks are not in it, since they are
the same for all: one writer at a time has the whole database; in WAL mode readers go on.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from backend_architect.tools.engines import sqlite_ddl
from backend_architect.tools.engines.sqlite_ddl import OLDEST, number

Facts = dict[str, Any]
Operation = Mapping[str, Any]

ENGINES = Path(sqlite_ddl.__file__).parent
TABLE = ENGINES / "sqlite_ddl.json"
ROWS = 5_000
_STEP = 100  # instructions of SQLite's virtual machine between two counts

FIXTURE = f"""
PRAGMA synchronous = OFF;
CREATE TABLE number (n integer PRIMARY KEY);
WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < {ROWS})
INSERT INTO number SELECT n FROM up;
CREATE TABLE warehouse (id integer PRIMARY KEY, note text);
INSERT INTO warehouse SELECT n, printf('%.100c', 'x') FROM number;
CREATE TABLE item (
    id integer PRIMARY KEY,
    warehouse_id int REFERENCES warehouse,
    backup_id int,
    amount int NOT NULL,
    shelf int,
    slot int,
    pair int UNIQUE,
    gap int,
    price int CHECK (price >= 0),
    label text,
    note text,
    doubled int GENERATED ALWAYS AS (amount * 2) VIRTUAL,
    tripled int GENERATED ALWAYS AS (backup_id * 3) STORED,
    CONSTRAINT shelf_positive CHECK (shelf >= 0),
    FOREIGN KEY (backup_id) REFERENCES warehouse (id)
);
INSERT INTO item (id, warehouse_id, backup_id, amount, shelf, slot, pair, price, label, note)
SELECT n, n, n, n, n % 100, n, n, n, 'l' || n, printf('%.100c', 'x') FROM number;
CREATE INDEX item_slot ON item (slot);
CREATE TABLE keyed (id int PRIMARY KEY, note text) WITHOUT ROWID;
INSERT INTO keyed SELECT -n, printf('%.100c', 'x') FROM number;
CREATE TABLE empty (id integer PRIMARY KEY, note text);
"""


def operations() -> list[Operation]:
    """All operations, in the order of the list."""
    return list(json.loads((ENGINES / "sqlite_operations.json").read_text())["operations"])


class Prober:
    """Measures operations on one SQLite, each in a fresh copy of the fixture."""

    def __init__(self, engine: str = "sqlite3") -> None:
        self._error: type[Exception]
        if engine == "apsw":
            module: Any = import_module("apsw")
            self._connect: Any = module.Connection
            self._error, self.version = module.Error, str(module.sqlite_lib_version())
        else:
            self._connect = lambda path: sqlite3.connect(path, isolation_level=None)
            self._error, self.version = sqlite3.Error, sqlite3.sqlite_version

    def measure(self, operation: Operation) -> Facts:
        """What it does; as in the table, without what is false."""
        with tempfile.TemporaryDirectory() as directory:
            copy = Path(directory, "database")
            copy.write_bytes(self._fixture)
            connection = self._connect(str(copy))
            try:
                return self._measured(connection, operation)
            finally:
                connection.close()

    @cached_property
    def _fixture(self) -> bytes:
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory, "database")
            connection = self._connect(str(file))
            for statement in FIXTURE.split(";\n"):
                connection.execute(statement).fetchall()
            connection.close()
            return file.read_bytes()

    def _measured(self, connection: Any, operation: Operation) -> Facts:
        def run(sql: str) -> Any:
            return connection.execute(sql).fetchall()

        run("PRAGMA journal_mode = WAL")
        run("PRAGMA secure_delete = OFF")  # whatever this engine was compiled with
        for statement in operation.get("before", ()):
            run(statement)
        facts: Facts = {"alone": not self._in_transaction(run, operation)}
        run("PRAGMA wal_checkpoint(TRUNCATE)")
        steps = 0

        def count() -> bool:
            nonlocal steps
            steps += _STEP
            return False

        connection.set_progress_handler(count, _STEP)
        try:
            for statement in operation["sql"].split(";\n"):
                run(statement)
        except self._error:
            facts["fails"] = True
        connection.set_progress_handler(None, _STEP)
        ((_, pages, _),) = run("PRAGMA wal_checkpoint(PASSIVE)")
        facts |= {"scans": steps > ROWS, "writes": _extent(pages)}
        return {key: value for key, value in facts.items() if value}

    def _in_transaction(self, run: Callable[[str], Any], operation: Operation) -> bool:
        """Whether it is not refused because a transaction is open."""
        run("BEGIN")
        try:
            run(operation["sql"].partition(";\n")[0])
        except self._error as error:
            return "within a transaction" not in str(error)
        finally:
            run("ROLLBACK")
        return True


def _extent(pages: int) -> str:
    """How much that is, of the 170 pages that the larger table has, or the 15 of an index."""
    if pages > 100:
        return "whole"
    return "part" if pages > 8 else ""


def table() -> dict[str, dict[str, Facts]]:
    """The committed facts: by operation, then by the version from which they hold."""
    if not TABLE.exists():
        return {}
    data = json.loads(TABLE.read_text())["operations"]
    return {name: dict(measured["facts"]) for name, measured in data.items()}


def engines() -> list[str]:
    """The versions that were measured."""
    return list(json.loads(TABLE.read_text())["measured"]) if TABLE.exists() else []


def text(measured: Iterable[str], facts: Mapping[str, Mapping[str, Facts]]) -> str:
    """The table as a file: of each operation only the versions in which something changed."""
    lines = []
    for operation in operations():
        changes: dict[str, Facts] = {}
        last: Facts | None = None
        for version, found in sorted(facts.get(operation["name"], {}).items(), key=_number):
            if found != last:
                changes[version] = last = found
        entry = {
            "page": operation["page"],
            "since": operation.get("since", OLDEST),
            "facts": changes,
        }
        lines.append(f"    {json.dumps(operation['name'])}: {json.dumps(entry, sort_keys=True)}")
    versions = json.dumps(sorted(set(measured), key=number))
    body = ",\n".join(lines)
    return f'{{\n  "measured": {versions},\n  "operations": {{\n{body}\n  }}\n}}\n'


def _number(item: tuple[str, Facts]) -> tuple[int, ...]:
    return number(item[0])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=("sqlite3", "apsw"), default="sqlite3")
    prober = Prober(parser.parse_args().engine)
    facts = table()
    for operation in operations():
        if number(operation.get("since", OLDEST)) <= number(prober.version):
            known = facts.setdefault(operation["name"], {})
            known[prober.version] = prober.measure(operation)
    TABLE.write_text(text([*engines(), prober.version], facts))
    print(f"SQLite {prober.version}: {len(facts)} operations")
    return 0


if __name__ == "__main__":
    sys.exit(main())
