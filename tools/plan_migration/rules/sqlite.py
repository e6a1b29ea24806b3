"""Rules on scripts for SQLite: what ALTER TABLE refuses, what is lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ...ddl.load import fold
from ...ddl.model import Dialect, Name, Sql, Table
from ...ddl.script import Statement
from ...ddl.sqlite.emit import ident, qualified
from ...ddl.state import Draft
from ...ddl.tokens import identifiers
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule
from ..sqlite.alter import is_constant, mentions
from ..sqlite.script import RunSqlite, SeenSqlite

ALTER: Final = "https://www.sqlite.org/lang_altertable.html"
REBUILD: Final = "make the table anew: https://www.sqlite.org/lang_altertable.html#otheralter"
# The first version that has it: https://www.sqlite.org/changes.html
_SINCE: Final = {
    "rename column": (3, 25),
    "drop column": (3, 35),
    "alter column": (3, 53),
    "add constraint": (3, 53),
    "drop constraint": (3, 53),
}
_STRICT: Final = re.compile(r"\)[^()]*\bSTRICT\b[^()]*$", re.IGNORECASE)


def hazard(seen: SeenSqlite, message: str, *instead: str) -> Hit:
    """A hazard at a statement, with what is safe."""
    return Hit(seen.place, message, ddl=tuple(instead))


@rule(
    "migration/sqlite-add-column-refused",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="sqlite",
    fix="Add the column without it, or make the table anew",
    references=[ALTER + "#altertabaddcol"],
    bad="""
    -- sqlite
    -- current: CREATE TABLE orders (id INTEGER PRIMARY KEY);
    ALTER TABLE orders ADD COLUMN region TEXT NOT NULL;
    """,
    good="""
    -- sqlite
    -- current: CREATE TABLE orders (id INTEGER PRIMARY KEY);
    ALTER TABLE orders ADD COLUMN region TEXT NOT NULL DEFAULT 'none';
    """,
)
def add_column_refused(seen: SeenSqlite, run: RunSqlite) -> Iterator[Hit]:
    """ADD COLUMN takes no key, no stored expression, and no NOT NULL without a constant default.

    A default such as CURRENT_TIMESTAMP, or an expression in parentheses, is refused where the table
    has rows; with foreign keys on, REFERENCES takes no default but NULL.
    """
    doing = seen.doing
    if doing.kind != "add column" or run.table(doing.table) is None:
        return
    column = f"{ident(doing.name)} {doing.text.strip().rstrip(';')}"
    made = fold([Statement("", 0, f"CREATE TABLE t (a, {column})")], Dialect.SQLITE)
    table = made.tables.get(Name("", "t"))
    reason = _refusal(table, doing.name, run, run.is_new(doing.table)) if table else ""
    if reason:
        yield hazard(
            seen, f"adds {quoted(doing.name)} to {quoted(doing.table)} {reason}: it fails", REBUILD
        )


def _refusal(table: Table, name: str, run: RunSqlite, is_new: bool) -> str:
    column = table.columns.get(name)
    if column is None:
        return ""
    for key in table.keys.values():
        if key.columns == (name,):
            return "with PRIMARY KEY" if key.primary else "with UNIQUE"
    if column.generated is not None:
        return "as a stored expression" if column.generated.stored else ""
    empty = column.default is None or column.default.upper() == "NULL"
    if table.foreign_keys and not empty and run.foreign_keys is True:
        return "with REFERENCES and a default"
    if is_new:
        return ""
    if column.not_null is not None and empty:
        return "with NOT NULL and no default"
    if column.default is not None and not is_constant(column.default):
        return "" if column.default[0] == '"' else "with a default that is not constant"
    return ""


@rule(
    "migration/sqlite-drop-column-refused",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="sqlite",
    fix="Drop what uses the column before, or make the table anew",
    references=[ALTER + "#altertabdropcol"],
    bad="""
    -- sqlite
    -- current: CREATE TABLE orders (id INTEGER PRIMARY KEY, region TEXT);
    -- current: CREATE INDEX orders_region ON orders (region);
    ALTER TABLE orders DROP COLUMN region;
    """,
    good="""
    -- sqlite
    -- current: CREATE TABLE orders (id INTEGER PRIMARY KEY, region TEXT);
    DROP INDEX IF EXISTS orders_region;
    """,
)
def drop_column_refused(seen: SeenSqlite, run: RunSqlite) -> Iterator[Hit]:
    """DROP COLUMN fails while a key, an index, another column, a view or a trigger uses the column.

    SQLite reads the whole schema again without the column, and refuses what would not make sense.
    """
    doing = seen.doing
    table = run.table(doing.table) if doing.kind == "drop column" else None
    if table is None or table.column(doing.name) not in table.columns:
        return
    name = table.column(doing.name)
    user = next(_users(table, name, run), "")
    if user:
        yield hazard(
            seen,
            f"drops {quoted(name)} of {quoted(table.name)}, which {user} uses: it fails",
            REBUILD,
        )


def _users(table: Draft, name: str, run: RunSqlite) -> Iterator[str]:
    for key in table.keys.values():
        if name in key.columns:
            yield "the primary key" if key.primary else "a unique constraint"
    for reference in table.foreign_keys.values():
        if name in reference.columns and len(reference.columns) > 1:
            yield "a foreign key"
    for index in table.indexes.values():
        texts = [*(part.expression for part in index.parts), index.where or Sql("")]
        if any(mentions(text, name) for text in texts):
            yield f"the index {quoted(index.name)}"
    for column in table.columns.values():
        if column.generated is not None and mentions(column.generated.expression, name):
            yield f"the column {quoted(column.name)}"
    for trigger in table.triggers.values():
        row = rf"\b(NEW|OLD)\s*\.\s*[\"`\[]?{re.escape(name)}\b"
        if name in trigger.update_of or re.search(row, trigger.body, re.IGNORECASE):
            yield f"the trigger {quoted(trigger.name)}"
    for view in run.live.views.values():
        said = identifiers(view.query, Dialect.SQLITE)
        others = [
            other
            for other in run.live.tables.values()
            if other is not table and other.name.name.lower() in said
        ]
        alone = not any(other.column(name) in other.columns for other in others)
        if alone and {name.lower(), table.name.name.lower()} <= said:
            yield f"the view {quoted(view.name)}"


@rule(
    "migration/sqlite-data-dropped",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="sqlite",
    fix="Deploy code that does not use it, keep a copy of the file, and drop it after that",
    references=["https://www.sqlite.org/lang_droptable.html", ALTER + "#altertabdropcol"],
    bad="""
    -- sqlite
    -- current: CREATE TABLE orders (id INTEGER PRIMARY KEY);
    DROP TABLE orders;
    """,
    good="""
    -- sqlite
    CREATE TABLE draft (id INTEGER PRIMARY KEY);
    DROP TABLE draft;
    """,
)
def data_dropped(seen: SeenSqlite, run: RunSqlite) -> Iterator[Hit]:
    """A table or a column is dropped, and what is in it is lost.

    Code that still names it fails at once. A table that another one takes the place of, as when it
    is made anew, does not count.
    """
    doing = seen.doing
    if run.is_new(doing.table) or run.table(doing.table) is None:
        return
    table, name = qualified(doing.table), ident(doing.name)
    if doing.kind == "drop column":
        yield hazard(
            seen,
            f"drops {quoted(doing.name)} of {quoted(doing.table)}: its values are lost, and code"
            " that names it fails",
            f"SELECT count(*) FROM {table} WHERE {name} IS NOT NULL -- is lost",
        )
    elif doing.kind == "drop table" and not _is_replaced(seen):
        yield hazard(
            seen,
            f"drops {quoted(doing.table)}: its rows are lost, and code that uses it fails",
            f"SELECT count(*) FROM {table} -- is lost",
        )


def _is_replaced(seen: SeenSqlite) -> bool:
    """Whether another table takes the name of the one that is dropped."""
    folded = seen.doing.table.name.lower()
    return any(
        doing.kind == "rename table" and doing.name.lower() == folded for doing in seen.later
    )


@rule(
    "migration/sqlite-name-changed",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="sqlite",
    fix="Add the new column, keep both by triggers, move the code, then drop the old one",
    references=[ALTER + "#altertabrename", ALTER + "#alter_table_rename_column"],
    bad="""
    -- sqlite
    -- current: CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT);
    ALTER TABLE orders RENAME COLUMN customer TO buyer;
    """,
    good="""
    -- sqlite
    -- current: CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT);
    ALTER TABLE orders ADD COLUMN buyer TEXT;
    """,
)
def name_changed(seen: SeenSqlite, run: RunSqlite) -> Iterator[Hit]:
    """A table or a column is renamed under code that uses it.

    No moment suits both versions of the code: instances with the old name fail from then on, those
    with the new one before it. A table that is renamed to make room for another, as when it is made
    anew, does not count.
    """
    doing = seen.doing
    if run.is_new(doing.table) or run.table(doing.table) is None:
        return
    table = qualified(doing.table)
    if doing.kind == "rename column":
        old, new = ident(doing.name), ident(doing.text)
        yield hazard(
            seen,
            f"renames {quoted(doing.name)} of {quoted(doing.table)}: code with the old name fails",
            f"ALTER TABLE {table} ADD COLUMN {new} …",
            f"CREATE TRIGGER … AFTER UPDATE OF {old} ON {table} … -- and of {new}, and on INSERT",
            f"UPDATE {table} SET {new} = {old} WHERE {new} IS NOT {old} AND … -- in batches",
            f"ALTER TABLE {table} DROP COLUMN {old} -- after no instance uses it",
        )
    elif doing.kind == "rename table" and not _is_made_again(seen):
        yield hazard(
            seen,
            f"renames {quoted(doing.table)}: code with the old name fails",
            f"CREATE VIEW {table} AS SELECT * FROM {ident(doing.name)} -- with INSTEAD OF triggers",
        )


def _is_made_again(seen: SeenSqlite) -> bool:
    """Whether a table of the old name follows, by whatever statement."""
    folded = seen.doing.table.name.lower()
    return any(
        (doing.kind.startswith("create table") and doing.table.name.lower() == folded)
        or (doing.kind == "rename table" and doing.name.lower() == folded)
        for doing in seen.later
    )


@rule(
    "migration/sqlite-too-new",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="sqlite",
    fix="Make the table anew, or say the version that the script is for",
    references=["https://www.sqlite.org/changes.html", ALTER],
    bad="""
    -- sqlite 3.34
    -- current: CREATE TABLE orders (id INTEGER PRIMARY KEY, region TEXT);
    ALTER TABLE orders DROP COLUMN region;
    """,
    good="""
    -- sqlite 3.24
    -- current: CREATE TABLE orders (id INTEGER PRIMARY KEY, region TEXT);
    ALTER TABLE orders ADD COLUMN note TEXT;
    """,
)
def too_new(seen: SeenSqlite, run: RunSqlite) -> Iterator[Hit]:
    """A statement that the version asked for does not know yet.

    SQLite is part of the program or of the system: the one that runs the migration may be older
    than the one that it was written with.
    """
    since = _SINCE.get(seen.doing.kind)
    if seen.doing.kind == "create table" and _STRICT.search(seen.doing.text):
        since = (3, 37)
    if since and run.ctx.exact and run.ctx.exact < since:
        what = seen.doing.kind.upper() if since != (3, 37) else "STRICT"
        version = ".".join(map(str, run.ctx.exact))
        yield hazard(
            seen, f"{what} is new in SQLite {since[0]}.{since[1]}: with {version} it fails", REBUILD
        )
