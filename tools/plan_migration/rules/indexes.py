"""Rules about building, dropping and rebuilding indexes, and about partitions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from postgast import pg_query_pb2 as pg

from ...ddl.model import Name
from ...ddl.postgres.text import ident, qualified
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule
from ..operations.upkeep import is_on
from ..script import Run, Seen
from .base import ALTER, effects, hazard

_CREATE_INDEX = "https://www.postgresql.org/docs/current/sql-createindex.html"
_DROP_INDEX = "https://www.postgresql.org/docs/current/sql-dropindex.html"
_REINDEX = "https://www.postgresql.org/docs/current/sql-reindex.html"


@rule(
    "migration/index-build-blocks-writes",
    Severity.WARNING,
    FindingClass.RISK,
    on="statement",
    fix="Build it CONCURRENTLY, outside of a transaction",
    references=[_CREATE_INDEX + "#SQL-CREATEINDEX-CONCURRENTLY"],
    bad="CREATE INDEX orders_region ON orders (region);",
    good="CREATE INDEX CONCURRENTLY orders_region ON orders (region);",
)
def index_build(seen: Seen, run: Run) -> Iterator[Hit]:
    """An index is built while writes to its table wait.

    CONCURRENTLY takes longer, reads the table twice and lets writes go on. When it fails it leaves
    an INVALID index behind that must be dropped first.
    """
    if seen.kind != "index_stmt" or seen.node.concurrent:
        return
    node = seen.node
    table = run.live.name(node.relation)
    draft = run.live.tables.get(table)
    if not run.counts(table):
        return
    if node.if_not_exists and run.live.kind(Name(table.schema, node.idxname)) == "index":
        return
    partitioned = draft is not None and draft.table.partition_by is not None
    if partitioned and not node.relation.inh:
        return
    written = seen.parsed.statement.text.strip()
    steps = [re.sub(r"\bINDEX\b", "INDEX CONCURRENTLY", written, count=1, flags=re.IGNORECASE)]
    if partitioned:
        unique, index = "UNIQUE " if node.unique else "", ident(node.idxname or "…")
        steps = [
            f"CREATE {unique}INDEX {index} ON ONLY {qualified(table)} (…)",
            f"CREATE {unique}INDEX CONCURRENTLY … ON … (…) -- on each partition",
            f"ALTER INDEX {index} ATTACH PARTITION … -- each of them",
        ]
    yield hazard(
        seen, f"writes to {quoted(table)} wait while the index is built{effects(seen, run)}", *steps
    )


@rule(
    "migration/index-drop-blocks",
    Severity.WARNING,
    FindingClass.RISK,
    on="statement",
    fix="Drop it CONCURRENTLY, outside of a transaction",
    references=[_DROP_INDEX],
    bad="DROP INDEX orders_region;",
    good="DROP INDEX CONCURRENTLY orders_region;",
)
def index_drop(seen: Seen, run: Run) -> Iterator[Hit]:
    """An index is dropped under ACCESS EXCLUSIVE on its table.

    The drop itself is quick, but it waits for every query on the table, and all later ones queue
    behind it.
    """
    if seen.kind != "drop_stmt" or seen.node.remove_type != pg.OBJECT_INDEX or seen.node.concurrent:
        return
    for item in seen.node.objects:
        index = run.live.listed(item)
        home = run.live.index_home(index)
        if home is not None and not run.counts(home):
            continue
        draft = run.live.tables.get(home) if home else None
        if draft and draft.table.partition_by:
            continue  # CONCURRENTLY cannot drop a partitioned index
        of = f" on {quoted(home)}" if home else ""
        yield hazard(
            seen,
            f"queries{of} queue behind the drop of {quoted(index)}{effects(seen, run)}",
            f"DROP INDEX CONCURRENTLY {qualified(index)}",
        )


@rule(
    "migration/reindex-blocks",
    Severity.WARNING,
    FindingClass.RISK,
    on="statement",
    fix="Reindex CONCURRENTLY (PostgreSQL 12 and later), outside of a transaction",
    references=[_REINDEX + "#SQL-REINDEX-CONCURRENTLY"],
    bad="REINDEX TABLE orders;",
    good="REINDEX TABLE CONCURRENTLY orders;",
)
def reindex(seen: Seen, run: Run) -> Iterator[Hit]:
    """An index is built anew while writes wait, and reads that would use it.

    REINDEX locks the index ACCESS EXCLUSIVE, which every query that is planned on the table needs.
    """
    if seen.kind != "reindex_stmt":
        return
    node = seen.node
    if any(i.def_elem.defname == "concurrently" and is_on(i.def_elem) for i in node.params):
        return
    if node.kind == pg.REINDEX_OBJECT_SYSTEM:
        return
    words = pg.ReindexObjectType.Name(node.kind).removeprefix("REINDEX_OBJECT_")
    name = run.live.name(node.relation) if node.relation.relname else None
    home = run.live.index_home(name) or name if name else None
    if home is not None and not run.counts(home):
        return
    what = qualified(name) if name else ident(node.name) if node.name else ""
    instead = f"REINDEX {words} CONCURRENTLY {what}".rstrip()
    if run.version < 12:
        instead = "CREATE INDEX CONCURRENTLY … -- a second one, then drop the first"
    subject = quoted(home) if home else "the tables"
    message = f"writes to {subject}, and most reads, wait while indexes are built anew"
    yield hazard(seen, message + effects(seen, run), instead)


@rule(
    "migration/attach-without-proof",
    Severity.WARNING,
    FindingClass.RISK,
    on="statement",
    fix="Prove the bounds first by a check that is added NOT VALID and validated",
    references=[
        "https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE",
    ],
    bad="""
    ALTER TABLE events ATTACH PARTITION events_2025
        FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
    """,
    good="""
    SET lock_timeout = '2s';
    ALTER TABLE events_2025 ADD CONSTRAINT bounds
        CHECK (day >= '2025-01-01' AND day < '2026-01-01') NOT VALID;
    ALTER TABLE events_2025 VALIDATE CONSTRAINT bounds;
    ALTER TABLE events ATTACH PARTITION events_2025
        FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
    """,
)
def attach(seen: Seen, run: Run) -> Iterator[Hit]:
    """A table becomes a partition without a check that proves its bounds.

    All its rows are read under ACCESS EXCLUSIVE on it, and those of the default partition, too. A
    valid check that implies the bounds spares both.
    """
    for command, table in run.commands(seen, pg.AT_AttachPartition):
        part = getattr(command, "def").partition_cmd
        child = run.live.name(part.name)
        if run.live.is_new(child) or run.ctx.is_small(child):
            continue
        draft = run.live.tables.get(child)
        if draft is not None and any(check.valid for check in draft.checks.values()):
            continue
        where = qualified(child)
        proof = ident(f"{child.name}_bounds")
        yield hazard(
            seen,
            f"all of {quoted(child)} is read to see that it fits into {quoted(table)}"
            f"{effects(seen, run)}",
            f"ALTER TABLE {where} ADD CONSTRAINT {proof} CHECK (… IS NOT NULL AND …) NOT VALID",
            f"ALTER TABLE {where} VALIDATE CONSTRAINT {proof}",
            f"ALTER TABLE {qualified(table)} ATTACH PARTITION {where} …",
            f"ALTER TABLE {where} DROP CONSTRAINT {proof}",
        )


@rule(
    "migration/detach-blocks",
    Severity.WARNING,
    FindingClass.RISK,
    on="statement",
    fix="Detach it CONCURRENTLY (PostgreSQL 14 and later), outside of a transaction",
    references=[ALTER + "#SQL-ALTERTABLE-DETACH-PARTITION"],
    bad="ALTER TABLE events DETACH PARTITION events_2019;",
    good="ALTER TABLE events DETACH PARTITION events_2019 CONCURRENTLY;",
)
def detach(seen: Seen, run: Run) -> Iterator[Hit]:
    """A partition is detached under ACCESS EXCLUSIVE on the partitioned table.

    All queries on any of its partitions queue behind it. CONCURRENTLY lets them go on; it is not
    there for tables with a default partition.
    """
    for command, table in run.commands(seen, pg.AT_DetachPartition):
        part = getattr(command, "def").partition_cmd
        if part.concurrent or run.version < 14 or _has_default(table, run):
            continue
        child = run.table(part.name)
        yield hazard(
            seen,
            f"all queries on {quoted(table)} wait{effects(seen, run)}",
            f"ALTER TABLE {qualified(table)} DETACH PARTITION {child} CONCURRENTLY",
        )


def _has_default(table: Name, run: Run) -> bool:
    return any(
        draft.table.partition_of is not None and draft.table.partition_of.bound == "DEFAULT"
        for draft in run.live.state.children_of(table)
    )
