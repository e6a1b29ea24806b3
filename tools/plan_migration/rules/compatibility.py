"""Rules about statements that code which runs already does not expect."""

from __future__ import annotations

from collections.abc import Iterator

from postgast import pg_query_pb2 as pg

from ...ddl.postgres.text import ident, qualified
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule
from ..script import Run, Seen
from .base import ALTER, hazard


@rule(
    "migration/column-renamed",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="statement",
    fix="Add the new column, keep both by a trigger, move the code, then drop the old one",
    references=[ALTER],
    bad="ALTER TABLE orders RENAME COLUMN customer TO buyer;",
    good="""
    SET lock_timeout = '2s';
    ALTER TABLE orders ADD COLUMN buyer text;
    """,
)
def column_renamed(seen: Seen, run: Run) -> Iterator[Hit]:
    """A column is renamed under code that uses it.

    No moment suits both versions of the code: instances with the old name fail from then on, those
    with the new one before it.
    """
    if seen.kind != "rename_stmt" or seen.node.rename_type != pg.OBJECT_COLUMN:
        return
    table = run.live.name(seen.node.relation)
    if run.live.is_new(table):
        return
    old, new = ident(seen.node.subname), ident(seen.node.newname)
    where = qualified(table)
    yield hazard(
        seen,
        f"renames {quoted(seen.node.subname)} of {quoted(table)}: code with the old name fails",
        f"ALTER TABLE {where} ADD COLUMN {new} …",
        f"CREATE TRIGGER … BEFORE INSERT OR UPDATE ON {where} … -- keeps {old} and {new} equal",
        f"UPDATE {where} SET {new} = {old} WHERE {new} IS DISTINCT FROM {old} AND … -- in batches",
        f"ALTER TABLE {where} DROP COLUMN {old} -- after no instance uses it",
    )


@rule(
    "migration/table-renamed",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="statement",
    fix="Rename it and leave a view of the old name in the same transaction",
    references=[ALTER, "https://www.postgresql.org/docs/current/sql-createview.html"],
    bad="ALTER TABLE orders RENAME TO purchases;",
    good="CREATE VIEW purchases AS SELECT * FROM orders;",
)
def table_renamed(seen: Seen, run: Run) -> Iterator[Hit]:
    """A table, view or schema is renamed, or moved to another schema, under code that uses it.

    Instances with the old name fail from then on. A simple view of the old name, made in the same
    transaction, takes their reads and writes.
    """
    node = seen.node
    if seen.kind == "alter_object_schema_stmt" and node.object_type == pg.OBJECT_TABLE:
        new = f"{ident(node.newschema)}.{ident(node.relation.relname)}"
        change = f"ALTER TABLE {run.table(node.relation)} SET SCHEMA {ident(node.newschema)}"
    elif seen.kind == "rename_stmt" and node.rename_type in (pg.OBJECT_TABLE, pg.OBJECT_VIEW):
        new = ident(node.newname)
        change = f"ALTER TABLE {run.table(node.relation)} RENAME TO {new}"
    elif seen.kind == "rename_stmt" and node.rename_type == pg.OBJECT_SCHEMA:
        yield hazard(seen, f"renames the schema {quoted(node.subname)}: code with its name fails")
        return
    else:
        return
    name = run.live.name(node.relation)
    if not run.live.is_new(name) and run.live.kind(name) != "index":
        yield hazard(
            seen,
            f"renames {quoted(name)}: code with the old name fails",
            "BEGIN",
            change,
            f"CREATE VIEW {qualified(name)} AS SELECT … FROM {new}",
            "COMMIT",
        )


@rule(
    "migration/drop-not-null",
    Severity.WARNING,
    FindingClass.RISK,
    on="statement",
    fix="Deploy code that reads NULL first",
    references=[ALTER],
    bad="ALTER TABLE orders ALTER COLUMN region DROP NOT NULL;",
    good="""
    SET lock_timeout = '2s';
    ALTER TABLE orders ALTER COLUMN region SET DEFAULT 'unknown';
    """,
)
def drop_not_null(seen: Seen, run: Run) -> Iterator[Hit]:
    """A column may be NULL from now on.

    Code that reads it and was written for a value fails at the first NULL.
    """
    for command, table in run.commands(seen, pg.AT_DropNotNull):
        yield hazard(
            seen,
            f"{quoted(command.name)} of {quoted(table)} may be NULL from now on, which code that"
            " runs already does not expect",
        )
