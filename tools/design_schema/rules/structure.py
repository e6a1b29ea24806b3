"""Rules about kinds of tables and objects that come with surprises."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...ddl.model import Dialect, Schema, Table, View
from ...ddl.types import Family
from ...names import words
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule
from ..access import Holder, is_rowid
from ..context import ColumnPart, Context
from ..remedies import written

_DONT = "https://wiki.postgresql.org/wiki/Don%27t_Do_This"


@rule(
    "schema/table-inheritance",
    Severity.WARNING,
    FindingClass.RISK,
    on="table",
    fix="Use declarative partitioning, or a foreign key to a table of what is common",
    references=[
        "https://www.postgresql.org/docs/current/ddl-inherit.html#DDL-INHERIT-CAVEATS",
        _DONT + "#Don.27t_use_table_inheritance",
    ],
    bad="""
    CREATE TABLE cities (id bigint PRIMARY KEY, name text NOT NULL);
    CREATE TABLE capitals (state text NOT NULL, PRIMARY KEY (id)) INHERITS (cities);
    """,
    good="""
    CREATE TABLE cities (id bigint PRIMARY KEY, name text NOT NULL);
    CREATE TABLE capitals (id bigint PRIMARY KEY REFERENCES cities, state text NOT NULL);
    """,
)
def table_inheritance(table: Table, ctx: Context) -> Iterator[Hit]:
    """A table inherits from another.

    Keys, foreign keys and indexes of the parent do not reach its children: the same key can be in
    both, and a reference to the parent does not find rows of the child.
    """
    if table.inherits:
        parents = ", ".join(map(str, table.inherits))
        yield Hit(ctx.of_table(table), f"{quoted(table.name)} inherits from {quoted(parents)}")


@rule(
    "schema/rewrite-rule",
    Severity.WARNING,
    FindingClass.RISK,
    on="schema",
    fix="Use a trigger (INSTEAD OF on views)",
    references=[
        "https://www.postgresql.org/docs/current/rules-triggers.html",
        _DONT + "#Don.27t_use_rules",
    ],
    bad="""
    CREATE TABLE posts (id bigint PRIMARY KEY, gone boolean NOT NULL);
    CREATE RULE keep AS
        ON DELETE TO posts DO INSTEAD UPDATE posts SET gone = true WHERE id = old.id;
    """,
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY, gone boolean NOT NULL);
    """,
)
def rewrite_rule(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A rule rewrites statements.

    It changes the text of the statement, not what happens to a row: volatile functions run twice,
    `RETURNING` and the counts of rows are not what the statement says.
    """
    for holder in _holders(schema, ctx):
        for name, found in holder.rules.items():
            kind = "views" if holder.name in schema.views else "tables"
            yield Hit(
                ctx.place(found if found.at else holder, kind, str(holder.name), "rules", name),
                f"the rule {quoted(name)} rewrites statements on {quoted(holder.name)}",
            )


def _holders(schema: Schema, ctx: Context) -> Iterator[Holder]:
    yield from ctx.tables
    yield from schema.views.values()


@rule(
    "schema/unlogged-table",
    Severity.WARNING,
    FindingClass.RISK,
    on="table",
    fix="ALTER TABLE … SET LOGGED, unless every row can be made again",
    references=[
        "https://www.postgresql.org/docs/current/sql-createtable.html#SQL-CREATETABLE-UNLOGGED"
    ],
    bad="""
    CREATE UNLOGGED TABLE orders (id bigint PRIMARY KEY, total integer NOT NULL);
    """,
    good="""
    CREATE UNLOGGED TABLE page_cache (id bigint PRIMARY KEY, page text NOT NULL);
    """,
)
def unlogged_table(table: Table, ctx: Context) -> Iterator[Hit]:
    """A table is emptied by a crash.

    An unlogged table is not in the write-ahead log: after a crash it is empty, and standbys have
    nothing of it. Tables named as caches, queues or staging areas are left alone.
    """
    if table.persistence == "unlogged" and not _PASSING.search(words(table.name.name)):
        yield Hit(
            ctx.of_table(table),
            f"{quoted(table.name)} is unlogged: a crash empties it",
            ddl=_logged(ctx, table),
        )


_PASSING = re.compile(
    r"_(cache|cached|caches|tmp|temp|temporary|staging|stage|session|sessions|queue|scratch|import"
    r"|imports|load|buffer|work|lock|locks|lockers|counters|rate|limits|throttle|materialized)_"
)


def _logged(ctx: Context, table: Table) -> tuple[str, ...]:
    if table.partition_by or any(k.table != table.name for k in table.foreign_keys.values()):
        return ()  # what it references may be unlogged as well, and must go first
    return (f"ALTER TABLE {written(ctx, table.name)} SET LOGGED",)


@rule(
    "schema/storage-engine-without-transactions",
    Severity.WARNING,
    FindingClass.RISK,
    on="table",
    fix="Use InnoDB",
    references=[
        "https://dev.mysql.com/doc/refman/8.4/en/storage-engines.html",
        "https://dev.mysql.com/doc/refman/8.4/en/converting-tables-to-innodb.html",
    ],
    bad="""
    -- mysql
    CREATE TABLE orders (id bigint PRIMARY KEY, total int NOT NULL) ENGINE=MyISAM;
    """,
    good="""
    -- mysql
    CREATE TABLE orders (id bigint PRIMARY KEY, total int NOT NULL) ENGINE=InnoDB;
    """,
)
def storage_engine_without_transactions(table: Table, ctx: Context) -> Iterator[Hit]:
    """A table's storage engine has no transactions.

    ROLLBACK does not undo what was written to it, a crash may damage it, foreign keys are read and
    forgotten, and one writer locks the whole table.
    """
    is_kept = ctx.is_mysql and table.persistence != "temporary"
    if is_kept and table.engine.lower() in _NO_TRANSACTIONS:
        yield Hit(
            ctx.of_table(table),
            f"the storage engine of {quoted(table.name)} is {quoted(table.engine)}",
            ddl=(f"ALTER TABLE {written(ctx, table.name)} ENGINE = InnoDB",),
        )


_NO_TRANSACTIONS = frozenset(
    ("myisam", "mrg_myisam", "merge", "memory", "heap", "csv", "archive", "aria", "isam")
)


@rule(
    "schema/large-rows-without-rowid",
    Severity.INFO,
    FindingClass.RISK,
    on="table",
    fix="Leave WITHOUT ROWID out",
    references=["https://www.sqlite.org/withoutrowid.html#when_to_use_without_rowid"],
    bad="""
    -- sqlite
    CREATE TABLE files (name TEXT NOT NULL PRIMARY KEY, content BLOB NOT NULL) WITHOUT ROWID;
    """,
    good="""
    -- sqlite
    CREATE TABLE files (name TEXT NOT NULL PRIMARY KEY, content BLOB NOT NULL);
    """,
)
def large_rows_without_rowid(table: Table, ctx: Context) -> Iterator[Hit]:
    """A table WITHOUT ROWID has large values.

    Its rows lie in the nodes of the b-tree itself: large ones leave few keys a page and make every
    search deeper. SQLite advises at most a twentieth of a page for each row.
    """
    key = table.primary_key
    for column in table.columns.values() if table.without_rowid else ():
        is_blob = column.type.name and ctx.family(column) is Family.BINARY
        if is_blob and not column.type.args and not (key and column.name in key.columns):
            yield Hit(
                ctx.of(ColumnPart(table, column)),
                f"{quoted(table.name)} is WITHOUT ROWID and has {quoted(column.name)}, a"
                f" {quoted(column.type)}",
            )


@rule(
    "schema/needless-autoincrement",
    Severity.INFO,
    FindingClass.RISK,
    on="column",
    opt_in=True,
    fix="Leave AUTOINCREMENT out; `INTEGER PRIMARY KEY` counts by itself",
    references=["https://www.sqlite.org/autoinc.html"],
    bad="""
    -- sqlite
    CREATE TABLE posts (id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL);
    """,
    good="""
    -- sqlite
    CREATE TABLE posts (id INTEGER PRIMARY KEY, title TEXT NOT NULL);
    """,
)
def needless_autoincrement(part: ColumnPart, ctx: Context) -> Iterator[Hit]:
    """A row id is AUTOINCREMENT.

    It costs a second write for each insert, and does no more than keep numbers of deleted rows from
    coming back. SQLite advises against it where that is not needed.
    """
    if (
        ctx.dialect is Dialect.SQLITE
        and part.value.auto_increment
        and is_rowid(part.table, part.value.name)
    ):
        yield Hit(
            ctx.of(part),
            f"{quoted(part.value.name)} of {quoted(part.table.name)} is AUTOINCREMENT",
        )


@rule(
    "schema/trigger-used",
    Severity.INFO,
    FindingClass.STYLE,
    on="schema",
    opt_in=True,
    fix="Do it in the application",
    references=["https://www.postgresql.org/docs/current/triggers.html"],
    bad="""
    CREATE TABLE posts (id bigint PRIMARY KEY);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
        AS 'BEGIN RETURN new; END';
    CREATE TRIGGER note BEFORE INSERT ON posts FOR EACH ROW EXECUTE FUNCTION note();
    """,
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY);
    """,
)
def trigger_used(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A table or a view has a trigger.

    A policy: what a statement does is not to be seen from the statement.
    """
    for holder in _holders(schema, ctx):
        for trigger in holder.triggers.values():
            kind = "views" if holder.name in schema.views else "tables"
            yield Hit(
                ctx.place(trigger, kind, str(holder.name), "triggers", trigger.name),
                f"{quoted(holder.name)} has the trigger {quoted(trigger.name)}",
            )


@rule(
    "schema/routine-used",
    Severity.INFO,
    FindingClass.STYLE,
    on="schema",
    opt_in=True,
    fix="Do it in the application",
    references=["https://www.postgresql.org/docs/current/xfunc.html"],
    bad="""

        CREATE FUNCTION twice(x integer) RETURNS integer
        LANGUAGE sql IMMUTABLE SET search_path = '' AS 'SELECT 2 * x';
    """,
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY);
    """,
)
def routine_used(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """The schema has a function, a procedure or an event.

    A policy: code in the database is versioned, tested and deployed in another way than the rest.
    """
    for function in schema.functions.values():
        yield Hit(
            ctx.place(function, "functions", function.signature),
            f"the schema has the {function.kind} {quoted(function.name)}",
        )
    for found in schema.opaque.values():
        if found.kind in ("event", "procedure", "function"):
            yield Hit(
                ctx.place(found, "objects", found.name),
                f"the schema has the {found.kind} {quoted(found.name)}",
            )


@rule(
    "schema/view-used",
    Severity.INFO,
    FindingClass.STYLE,
    on="view",
    opt_in=True,
    fix="Write the query where it is used",
    references=["https://www.postgresql.org/docs/current/sql-createview.html"],
    bad="""
    CREATE TABLE posts (id bigint PRIMARY KEY, gone boolean NOT NULL);
    CREATE VIEW live_posts WITH (security_invoker = true) AS SELECT id FROM posts WHERE NOT gone;
    """,
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY, gone boolean NOT NULL);
    """,
)
def view_used(view: View, ctx: Context) -> Iterator[Hit]:
    """The schema has a view.

    A policy: views hide what a query costs, and their columns block changes of the tables below.
    """
    yield Hit(ctx.of_table(view), f"the schema has the view {quoted(view.name)}")
