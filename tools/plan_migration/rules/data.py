"""Rules about statements that lose data."""

from __future__ import annotations

from collections.abc import Iterator

from postgast import pg_query_pb2 as pg

from ...ddl.postgres.text import ident, qualified
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule
from ..script import Run, Seen
from .base import ALTER, hazard

_DROP_TABLE = "https://www.postgresql.org/docs/current/sql-droptable.html"


@rule(
    "migration/column-dropped",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="statement",
    fix="Deploy code that does not use it, rename it for a while, and drop it after that",
    references=[ALTER],
    bad="ALTER TABLE orders DROP COLUMN region;",
    good="""
    SET lock_timeout = '2s';
    ALTER TABLE orders ALTER COLUMN region DROP DEFAULT;
    """,
)
def column_dropped(seen: Seen, run: Run) -> Iterator[Hit]:
    """A column is dropped, and what is in it is lost.

    Running instances that still name it fail at once; an ORM names every column it knows.
    """
    if seen.kind != "alter_table_stmt" or seen.node.objtype != pg.OBJECT_TABLE:
        return
    table = run.live.name(seen.node.relation)
    for item in seen.node.cmds:
        command = item.alter_table_cmd
        if command.subtype == pg.AT_DropColumn and not run.live.is_new(table):
            name = ident(command.name)
            yield hazard(
                seen,
                f"drops {quoted(command.name)} of {quoted(table)}: its values are lost, and code"
                " that names it fails",
                f"SELECT count(*) FROM {qualified(table)} WHERE {name} IS NOT NULL -- is lost",
                f"ALTER TABLE {qualified(table)} DROP COLUMN {name} -- after no instance uses it",
            )


@rule(
    "migration/table-dropped",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="statement",
    fix="Deploy code that does not use it, keep a dump, and drop it after that",
    references=[_DROP_TABLE],
    bad="DROP TABLE orders;",
    good="CREATE TABLE orders (id bigint);",
)
def table_dropped(seen: Seen, run: Run) -> Iterator[Hit]:
    """A table is dropped, and its rows are lost.

    Running instances that still use it fail at once. The tables that its foreign keys reference
    are locked, too.
    """
    if seen.kind != "drop_stmt" or seen.node.remove_type != pg.OBJECT_TABLE:
        return
    for item in seen.node.objects:
        table = run.live.listed(item)
        if not run.live.is_new(table):
            yield hazard(
                seen,
                f"drops {quoted(table)}: its rows are lost, and code that uses it fails",
                f"SELECT count(*) FROM {qualified(table)} -- is lost",
                f"DROP TABLE {qualified(table)} -- after no instance uses it",
            )


@rule(
    "migration/truncate",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="statement",
    fix="Delete in batches what is not needed any more",
    references=["https://www.postgresql.org/docs/current/sql-truncate.html"],
    bad="TRUNCATE orders;",
    good="DELETE FROM orders WHERE id BETWEEN 1 AND 1000;",
)
def truncate(seen: Seen, run: Run) -> Iterator[Hit]:
    """A table is emptied under ACCESS EXCLUSIVE, and its rows are lost.

    TRUNCATE is no MVCC: transactions with an older snapshot see the table empty.
    """
    if seen.kind == "truncate_stmt":
        for item in seen.node.relations:
            table = run.live.name(item.range_var)
            if not run.live.is_new(table):
                yield hazard(
                    seen,
                    f"empties {quoted(table)}",
                    f"SELECT count(*) FROM {qualified(table)} -- is lost",
                )


@rule(
    "migration/cascade",
    Severity.WARNING,
    FindingClass.RISK,
    on="statement",
    fix="Name everything that is to go, without CASCADE",
    references=[
        _DROP_TABLE,
        "https://www.postgresql.org/docs/current/sql-truncate.html",
        "https://www.postgresql.org/docs/current/ddl-depend.html",
    ],
    bad="TRUNCATE customers CASCADE;",
    good="CREATE TABLE customers (id bigint);",
)
def cascade(seen: Seen, run: Run) -> Iterator[Hit]:
    """CASCADE takes whatever depends on it.

    TRUNCATE empties every table with a foreign key to it, and theirs; DROP removes views, foreign
    keys, columns and functions that nobody looked at.
    """
    if seen.kind == "truncate_stmt" and seen.node.behavior == pg.DROP_CASCADE:
        names = [run.live.name(item.range_var) for item in seen.node.relations]
        yield hazard(
            seen, f"empties all tables that reference {', '.join(quoted(n) for n in names)}"
        )
    elif seen.kind == "drop_stmt" and seen.node.behavior == pg.DROP_CASCADE:
        kind = pg.ObjectType.Name(seen.node.remove_type).removeprefix("OBJECT_")
        yield hazard(seen, f"drops all that depends on the {kind.lower().replace('_', ' ')}, too")
    elif seen.kind == "alter_table_stmt":
        for item in seen.node.cmds:
            command = item.alter_table_cmd
            dropping = command.subtype in (pg.AT_DropColumn, pg.AT_DropConstraint)
            if dropping and command.behavior == pg.DROP_CASCADE:
                yield hazard(seen, f"drops all that depends on {quoted(command.name)}, too")


@rule(
    "migration/drop-database",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="statement",
    fix="Take it out of the migration",
    references=["https://www.postgresql.org/docs/current/sql-dropdatabase.html"],
    bad="DROP DATABASE shop;",
    good="CREATE SCHEMA shop;",
)
def drop_database(seen: Seen, run: Run) -> Iterator[Hit]:
    """A database or a schema with all in it is dropped.

    It cannot be undone, and DROP DATABASE cannot run in a transaction.
    """
    if seen.kind == "dropdb_stmt":
        yield hazard(seen, f"drops the database {quoted(seen.node.dbname)}")
    elif seen.kind == "drop_stmt" and seen.node.remove_type == pg.OBJECT_SCHEMA:
        names = ", ".join(quoted(item.string.sval) for item in seen.node.objects)
        if seen.node.behavior == pg.DROP_CASCADE:
            yield hazard(seen, f"drops the schema {names} with all in it")


@rule(
    "migration/enum-value-removed",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="statement",
    fix="Make a new type without the value, and change the columns to it in steps",
    references=["https://www.postgresql.org/docs/current/datatype-enum.html"],
    bad="DELETE FROM pg_enum WHERE enumlabel = 'lost';",
    good="ALTER TYPE stage RENAME VALUE 'lost' TO 'gone';",
)
def enum_value_removed(seen: Seen, run: Run) -> Iterator[Hit]:
    """A value of an enumerated type is deleted from the catalog.

    PostgreSQL has no statement for it: indexes keep the value's number, and reading a row that has
    it fails from then on.
    """
    if seen.kind == "delete_stmt" and seen.node.relation.relname == "pg_enum":
        yield hazard(
            seen,
            "deletes values of an enumerated type from the catalog",
            "CREATE TYPE … AS ENUM (…) -- without the value, for a new column",
        )
