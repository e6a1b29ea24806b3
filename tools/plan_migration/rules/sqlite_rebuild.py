"""Rules on scripts for SQLite that make a table anew: order, foreign keys, what is forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ...ddl.model import Name
from ...ddl.sqlite.emit import ident
from ...ddl.state import Draft
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule
from ..sqlite.script import RunSqlite, SeenSqlite
from .sqlite import ALTER, hazard

_OTHER: Final = ALTER + "#otheralter"
_KEYS: Final = "https://www.sqlite.org/foreignkeys.html"
_PRAGMA: Final = "https://www.sqlite.org/pragma.html#pragma_foreign_keys"
_OFF: Final = "PRAGMA foreign_keys = OFF -- before BEGIN"
_LOSING: Final = ("cascade", "set null", "set default")


@rule(
    "migration/sqlite-drop-acts-on-children",
    Severity.WARNING,
    FindingClass.RISK,
    on="sqlite",
    fix="Turn foreign keys off before the transaction, and check them before its end",
    references=[_KEYS + "#fk_schemacommands", _OTHER],
    bad="""
    -- sqlite
    -- current: CREATE TABLE buyer (id INTEGER PRIMARY KEY);
    -- current: CREATE TABLE sale (buyer_id INT REFERENCES buyer ON DELETE CASCADE);
    BEGIN;
    CREATE TABLE new_buyer (id INTEGER PRIMARY KEY, name TEXT);
    INSERT INTO new_buyer (id) SELECT id FROM buyer;
    DROP TABLE buyer;
    ALTER TABLE new_buyer RENAME TO buyer;
    COMMIT;
    """,
    good="""
    -- sqlite
    -- current: CREATE TABLE buyer (id INTEGER PRIMARY KEY);
    -- current: CREATE TABLE sale (buyer_id INT REFERENCES buyer ON DELETE CASCADE);
    PRAGMA foreign_keys = OFF;
    BEGIN;
    CREATE TABLE new_buyer (id INTEGER PRIMARY KEY, name TEXT);
    INSERT INTO new_buyer (id) SELECT id FROM buyer;
    DROP TABLE buyer;
    ALTER TABLE new_buyer RENAME TO buyer;
    PRAGMA foreign_key_check;
    COMMIT;
    PRAGMA foreign_keys = ON;
    """,
)
def drop_acts_on_children(seen: SeenSqlite, run: RunSqlite) -> Iterator[Hit]:
    """DROP TABLE deletes the rows first, and foreign keys act on those that reference them.

    With foreign keys on, ON DELETE CASCADE empties the other table, SET NULL takes its values; any
    other key makes the statement fail.
    """
    doing = seen.doing
    if doing.kind != "drop table" or run.foreign_keys is False or run.is_new(doing.table):
        return
    folded = doing.table.name.lower()
    others = [
        (child, action)
        for child, action in run.references(doing.table)
        if child.name.name.lower() != folded
    ]
    if not others:
        return
    child, action = next(((c, a) for c, a in others if a in _LOSING), others[0])
    effect = {
        "cascade": f"deletes the rows of {quoted(child.name)}",
        "set null": f"takes the values of {quoted(child.name)}",
        "set default": f"takes the values of {quoted(child.name)}",
    }.get(action, f"fails for the rows of {quoted(child.name)}")
    where = "with foreign keys on" if run.foreign_keys else "where foreign keys are on"
    yield hazard(
        seen, f"drops {quoted(doing.table)}, which {where} {effect} that reference it", _OFF
    )


@rule(
    "migration/sqlite-pragma-without-effect",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="sqlite",
    fix="Move it before BEGIN, and run the script outside of the runner's transaction",
    references=[_PRAGMA],
    bad="""
    -- sqlite
    BEGIN;
    PRAGMA foreign_keys = OFF;
    COMMIT;
    """,
    good="""
    -- sqlite
    PRAGMA foreign_keys = OFF;
    BEGIN;
    COMMIT;
    """,
)
def pragma_without_effect(seen: SeenSqlite, run: RunSqlite) -> Iterator[Hit]:
    """PRAGMA foreign_keys does nothing within a transaction.

    It gives no error either: what follows runs with foreign keys as they were. Runners that wrap a
    migration in a transaction have it there, too.
    """
    if seen.doing.kind == "pragma foreign_keys" and run.in_transaction:
        yield hazard(
            seen,
            "sets foreign_keys within a transaction, where it has no effect",
            "PRAGMA defer_foreign_keys = ON -- within a transaction; actions are still taken",
        )


@rule(
    "migration/sqlite-references-follow-rename",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="sqlite",
    fix="Make the new table under another name, drop the old one, and rename the new one",
    references=[ALTER + "#altertabrename", _OTHER],
    bad="""
    -- sqlite
    -- current: CREATE TABLE buyer (id INTEGER PRIMARY KEY);
    -- current: CREATE TABLE sale (buyer_id INT REFERENCES buyer);
    ALTER TABLE buyer RENAME TO old_buyer;
    CREATE TABLE buyer (id INTEGER PRIMARY KEY, name TEXT);
    """,
    good="""
    -- sqlite
    -- current: CREATE TABLE buyer (id INTEGER PRIMARY KEY);
    -- current: CREATE TABLE sale (buyer_id INT REFERENCES buyer);
    CREATE TABLE new_buyer (id INTEGER PRIMARY KEY, name TEXT);
    """,
)
def references_follow_rename(seen: SeenSqlite, run: RunSqlite) -> Iterator[Hit]:
    """A table is renamed away and made anew: what referenced it now references the old one.

    Foreign keys, views and triggers follow a rename (since 3.26, unless legacy_alter_table is on).
    Once the old table is dropped they reference nothing.
    """
    doing = seen.doing
    if doing.kind not in ("create table", "create table as") or run.legacy:
        return
    folded = doing.table.name.lower()
    away = next((new for new, old in run.away.items() if old == folded), "")
    followers = run.references(Name("", away)) if away else []
    if followers:
        child = followers[0][0]
        yield hazard(
            seen,
            f"makes {quoted(doing.table)} anew, but the foreign key of {quoted(child.name)} has"
            f" followed the old table to {quoted(away)}",
            f"CREATE TABLE {ident('new_' + folded)} (…) -- then copy, drop, and rename it",
        )


@rule(
    "migration/sqlite-copy-without-constraints",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="sqlite",
    fix="Write out the new table, and fill it with INSERT … SELECT",
    references=["https://www.sqlite.org/lang_createtable.html#create_table_as_select_statements"],
    bad="""
    -- sqlite
    -- current: CREATE TABLE orders (id INTEGER PRIMARY KEY, total INT NOT NULL, note TEXT);
    CREATE TABLE copy AS SELECT id, total FROM orders;
    DROP TABLE orders;
    ALTER TABLE copy RENAME TO orders;
    """,
    good="""
    -- sqlite
    -- current: CREATE TABLE orders (id INTEGER PRIMARY KEY, total INT NOT NULL, note TEXT);
    CREATE TABLE new_orders (id INTEGER PRIMARY KEY, total INT NOT NULL);
    INSERT INTO new_orders (id, total) SELECT id, total FROM orders;
    DROP TABLE orders;
    ALTER TABLE new_orders RENAME TO orders;
    """,
)
def copy_without_constraints(seen: SeenSqlite, run: RunSqlite) -> Iterator[Hit]:
    """CREATE TABLE AS keeps names and affinities: keys, NOT NULL, defaults and checks are lost.

    The copy takes the place of the table, and rows that it refused before are accepted from then
    on, duplicates among them.
    """
    doing = seen.doing
    old = run.dropped.get(doing.name.lower()) if doing.kind == "rename table" else None
    if old is None or doing.table.name.lower() not in run.copies:
        return
    lost = _constraints(old)
    if lost:
        yield hazard(
            run.copies[doing.table.name.lower()],
            f"copies {quoted(old.name)}, whose place it takes, without {lost}",
            f"CREATE TABLE {ident('new_' + old.name.name)} (…) -- with all of them",
        )


def _constraints(table: Draft) -> str:
    """What a table has beyond its columns, in words."""
    columns = table.columns.values()
    found = {
        "its keys": bool(table.keys),
        "NOT NULL": any(column.not_null for column in columns),
        "defaults": any(column.default is not None for column in columns),
        "checks": bool(table.checks),
        "foreign keys": bool(table.foreign_keys),
    }
    return ", ".join(what for what, there in found.items() if there)


@rule(
    "migration/sqlite-rename-finds-broken-view",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="sqlite",
    fix="Drop the views and triggers that read the table before, and make them again at the end",
    references=[_OTHER],
    bad="""
    -- sqlite
    -- current: CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT);
    -- current: CREATE VIEW recent AS SELECT id FROM orders;
    CREATE TABLE new_orders (id INTEGER PRIMARY KEY, note TEXT NOT NULL);
    INSERT INTO new_orders SELECT id, note FROM orders;
    DROP TABLE orders;
    ALTER TABLE new_orders RENAME TO orders;
    """,
    good="""
    -- sqlite
    -- current: CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT);
    -- current: CREATE VIEW recent AS SELECT id FROM orders;
    CREATE TABLE new_orders (id INTEGER PRIMARY KEY, note TEXT NOT NULL);
    INSERT INTO new_orders SELECT id, note FROM orders;
    DROP VIEW recent;
    DROP TABLE orders;
    ALTER TABLE new_orders RENAME TO orders;
    CREATE VIEW recent AS SELECT id FROM orders;
    """,
)
def rename_finds_broken_view(seen: SeenSqlite, run: RunSqlite) -> Iterator[Hit]:
    """RENAME TO fails while a view reads a table that is not there.

    Since 3.25 it reads every view and trigger again, unless legacy_alter_table is on; the table
    that was just dropped is missing at that moment.
    """
    doing = seen.doing
    too_old = run.ctx.exact and run.ctx.exact < (3, 25)
    if doing.kind != "rename table" or run.legacy or too_old:
        return
    for name, table in run.dropped.items():
        if run.table(table.name) is not None:
            continue
        reads = re.compile(rf"\b(FROM|JOIN)\s+[\"`\[]?{re.escape(name)}\b", re.IGNORECASE)
        for view in run.live.views.values():
            if reads.search(view.query):
                yield hazard(
                    seen,
                    f"renames {quoted(doing.table)} while the view {quoted(view.name)} reads"
                    f" {quoted(table.name)}, which is not there: it fails",
                    f"DROP VIEW {ident(view.name.name)} -- before, and make it again afterwards",
                )
                return


@rule(
    "migration/sqlite-rebuild-forgets",
    Severity.WARNING,
    FindingClass.RISK,
    on="sqlite",
    fix="Make the indexes and triggers of the old table again, or drop them by name",
    references=[_OTHER],
    bad="""
    -- sqlite
    -- current: CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT);
    -- current: CREATE INDEX orders_note ON orders (note);
    CREATE TABLE new_orders (id INTEGER PRIMARY KEY, note TEXT NOT NULL);
    INSERT INTO new_orders SELECT id, note FROM orders;
    DROP TABLE orders;
    ALTER TABLE new_orders RENAME TO orders;
    """,
    good="""
    -- sqlite
    -- current: CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT);
    -- current: CREATE INDEX orders_note ON orders (note);
    CREATE TABLE new_orders (id INTEGER PRIMARY KEY, note TEXT NOT NULL);
    INSERT INTO new_orders SELECT id, note FROM orders;
    DROP TABLE orders;
    ALTER TABLE new_orders RENAME TO orders;
    CREATE INDEX orders_note ON orders (note);
    """,
)
def rebuild_forgets(seen: SeenSqlite, run: RunSqlite) -> Iterator[Hit]:
    """A table is made anew, and an index or trigger of the old one is not.

    DROP TABLE takes both along. Nothing fails: queries get slow, and what the trigger did is no
    longer done.
    """
    doing = seen.doing
    old = run.dropped.get(doing.name.lower()) if doing.kind == "rename table" else None
    if old is None:
        return
    again = {each.name.lower() for each in seen.later if each.kind in ("index", "trigger")}
    fresh = run.table(doing.table)
    again |= {name.lower() for name in fresh.indexes} if fresh else set()
    lost = [
        f"the {kind} {quoted(name)}"
        for kind, names in (("index", old.indexes), ("trigger", old.triggers))
        for name in names
        if name.lower() not in again
    ]
    if lost:
        yield hazard(
            seen,
            f"puts a new table in the place of {quoted(old.name)}, without {', '.join(lost[:5])}",
        )
