"""Rules about statements that write a table or view anew, or all of its rows."""

from __future__ import annotations

from collections.abc import Iterator

from postgast import pg_query_pb2 as pg

from ...ddl.postgres.text import ident, qualified
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule
from ..operations.upkeep import is_on
from ..script import Run, Seen
from .base import ALTER, effects, hazard


@rule(
    "migration/vacuum-full",
    Severity.WARNING,
    FindingClass.RISK,
    on="statement",
    fix="Let plain VACUUM make the space reusable, or use pg_repack",
    references=[
        "https://www.postgresql.org/docs/current/sql-vacuum.html",
        "https://www.postgresql.org/docs/current/sql-cluster.html",
        "https://reorg.github.io/pg_repack/",
    ],
    bad="VACUUM FULL orders;",
    good="VACUUM orders;",
)
def vacuum_full(seen: Seen, run: Run) -> Iterator[Hit]:
    """A table is written anew to make it smaller or to order it.

    VACUUM FULL and CLUSTER hold ACCESS EXCLUSIVE until the table and all its indexes are there a
    second time.
    """
    if seen.kind == "vacuum_stmt":
        options = {i.def_elem.defname for i in seen.node.options if is_on(i.def_elem)}
        if not seen.node.is_vacuumcmd or "full" not in options:
            return
        names = [run.live.name(item.vacuum_relation.relation) for item in seen.node.rels]
        what = "VACUUM FULL"
    elif seen.kind == "cluster_stmt":
        names = [run.live.name(seen.node.relation)] if seen.node.relation.relname else []
        what = "CLUSTER"
    else:
        return
    if names and not any(run.counts(name) for name in names):
        return
    tables = ", ".join(qualified(name) for name in names)
    shown = ", ".join(quoted(name) for name in names) or "every table"
    yield hazard(
        seen,
        f"{what} locks {shown} while it is written anew{effects(seen, run)}",
        f"VACUUM {tables}".rstrip(),
    )


@rule(
    "migration/table-rewrite",
    Severity.WARNING,
    FindingClass.RISK,
    on="statement",
    fix="Make a new table with the wanted property, fill it in batches, then swap the names",
    references=[ALTER],
    bad="ALTER TABLE orders SET LOGGED;",
    good="CREATE TABLE orders_logged (id bigint);",
)
def table_rewrite(seen: Seen, run: Run) -> Iterator[Hit]:
    """A table is written anew to change how or where it is stored.

    SET LOGGED, SET UNLOGGED, SET ACCESS METHOD and SET TABLESPACE copy the table under
    ACCESS EXCLUSIVE.
    """
    kinds = {
        pg.AT_SetLogged: "SET LOGGED",
        pg.AT_SetUnLogged: "SET UNLOGGED",
        pg.AT_SetAccessMethod: "SET ACCESS METHOD",
        pg.AT_SetTableSpace: "SET TABLESPACE",
    }
    for command, table in run.commands(seen, *kinds):
        draft = run.live.tables.get(table)
        if draft and draft.table.partition_by:
            continue
        yield hazard(
            seen,
            f"{kinds[command.subtype]} copies {quoted(table)} under a lock{effects(seen, run)}",
        )


@rule(
    "migration/refresh-blocks-reads",
    Severity.WARNING,
    FindingClass.RISK,
    on="statement",
    fix="Refresh it CONCURRENTLY; it needs a unique index on plain columns of all rows",
    references=["https://www.postgresql.org/docs/current/sql-refreshmaterializedview.html"],
    bad="REFRESH MATERIALIZED VIEW totals;",
    good="""
    SET lock_timeout = '2s';
    REFRESH MATERIALIZED VIEW CONCURRENTLY totals;
    """,
)
def refresh(seen: Seen, run: Run) -> Iterator[Hit]:
    """A materialized view cannot be read while it is refreshed.

    CONCURRENTLY computes the difference and changes only the rows that differ.
    """
    if seen.kind != "refresh_mat_view_stmt" or seen.node.concurrent or seen.node.skip_data:
        return
    name = run.live.name(seen.node.relation)
    if run.counts(name):
        yield hazard(
            seen,
            f"reads of {quoted(name)} wait until it is computed{effects(seen, run)}",
            f"REFRESH MATERIALIZED VIEW CONCURRENTLY {qualified(name)}",
        )


@rule(
    "migration/update-all-rows-at-once",
    Severity.WARNING,
    FindingClass.RISK,
    on="statement",
    fix="Update in batches by key, each in a transaction of its own",
    references=[
        "https://www.postgresql.org/docs/current/mvcc-intro.html",
        "https://www.postgresql.org/docs/current/routine-vacuuming.html",
    ],
    bad="UPDATE orders SET region = 'unknown';",
    good="UPDATE orders SET region = 'unknown' WHERE id BETWEEN 1 AND 1000;",
)
def update_all(seen: Seen, run: Run) -> Iterator[Hit]:
    """All rows of a table are updated or deleted in one statement.

    Every row stays locked until the end, the table grows to twice its size, replicas lag, and a
    failure at the last row loses all of it.
    """
    if seen.kind not in ("update_stmt", "delete_stmt") or seen.node.HasField("where_clause"):
        return
    table = run.live.name(seen.node.relation)
    if not run.counts(table):
        return
    verb = "updates" if seen.kind == "update_stmt" else "deletes"
    draft = run.live.tables.get(table)
    key = draft.primary_key() if draft else None
    by = ident(key.columns[0]) if key else "…"
    start = "UPDATE {} SET …" if seen.kind == "update_stmt" else "DELETE FROM {}"
    yield hazard(
        seen,
        f"{verb} every row of {quoted(table)} in one transaction",
        f"{start.format(qualified(table))} WHERE {by} > $last AND {by} <= $next -- in batches",
    )
