"""Connections to a private database on which anybody's SQL may run, and its schema.

No other file can be attached or written, no extension loaded, no setting made but those that a
migration needs; a statement is interrupted when its time is over, and sizes are bounded.
https://www.sqlite.org/security.html
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass, field
from typing import Final

from ..ddl.model import Schema
from ..ddl.script import Statement
from ..ddl.sqlite.parse import fold

MAX_PAGES: Final = 32_768  # of 4 KiB: of the database, and of temporary tables
_LIMITS: Final = {
    sqlite3.SQLITE_LIMIT_LENGTH: 16 * 1024**2,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 1_000_000,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 500,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
_PRAGMAS: Final = frozenset(
    (
        *("foreign_keys", "foreign_key_check", "foreign_key_list", "defer_foreign_keys"),
        *("table_info", "table_xinfo", "table_list", "index_info", "index_xinfo", "index_list"),
        *("quick_check", "integrity_check", "legacy_alter_table", "recursive_triggers"),
        *("data_version", "page_size"),  # what virtual tables ask for
    )
)
_MODULES: Final = frozenset(("fts3", "fts4", "fts5", "rtree", "rtree_i32", "geopoly"))
_FUNCTIONS: Final = frozenset(("load_extension", "fts3_tokenizer", "writefile", "edit"))
_STEPS: Final = 2_000  # instructions between two looks at the clock


@dataclass(slots=True)
class Clock:
    """When to interrupt: each statement after `statement` seconds, all of them after `total`."""

    statement: float
    total: float
    ends: float = field(init=False)
    until: float = field(init=False)

    def __post_init__(self) -> None:
        self.ends = time.monotonic() + self.total
        self.until = self.ends

    def start(self) -> None:
        """A statement begins."""
        self.until = min(self.ends, time.monotonic() + self.statement)

    @property
    def over(self) -> bool:
        """Whether the time of all is over."""
        return time.monotonic() >= self.ends

    def late(self) -> bool:
        """Whether the statement under way is to be interrupted."""
        return time.monotonic() >= self.until


def connect(path: str, clock: Clock, *, trusted: bool = False) -> sqlite3.Connection:
    """A connection to a private database, in autocommit mode.

    `trusted`: its schema is of our own making, and may use functions that SQLite takes for unsafe
    in what anybody wrote (before 3.42 those for JSON).
    """
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, cached_statements=600)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute(f"PRAGMA max_page_count = {MAX_PAGES}")
    connection.execute(f"PRAGMA temp.max_page_count = {MAX_PAGES}")
    connection.execute(f"PRAGMA trusted_schema = {'ON' if trusted else 'OFF'}")
    for limit, value in _LIMITS.items():
        connection.setlimit(limit, value)
    connection.set_authorizer(_authorised)
    connection.set_progress_handler(clock.late, _STEPS)
    return connection


def schema_of(connection: sqlite3.Connection) -> Schema:
    """The schema as the engine keeps it: the text of each CREATE, as ALTER TABLE left it."""
    rows = connection.execute(
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"
        " ORDER BY CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 ELSE 2 END, rowid"
    ).fetchall()
    return fold([Statement("", 0, sql) for (sql,) in rows])


def _authorised(action: int, first: str | None, second: str | None, *_: object) -> int:
    return sqlite3.SQLITE_OK if _is_allowed(action, first, second) else sqlite3.SQLITE_DENY


def _is_allowed(action: int, first: str | None, second: str | None) -> bool:
    match action:
        case sqlite3.SQLITE_ATTACH | sqlite3.SQLITE_DETACH:
            return False
        case sqlite3.SQLITE_PRAGMA:
            return (first or "").lower() in _PRAGMAS
        case sqlite3.SQLITE_FUNCTION:
            return (second or "").lower() not in _FUNCTIONS
        case sqlite3.SQLITE_CREATE_VTABLE:
            return (second or "").lower() in _MODULES
        case sqlite3.SQLITE_INSERT | sqlite3.SQLITE_UPDATE | sqlite3.SQLITE_DELETE:
            return first != "sqlite_dbpage"
    return True
