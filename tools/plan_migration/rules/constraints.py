"""Rules about constraints added to tables that are in use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from postgast import pg_query_pb2 as pg

from ...ddl.model import Name
from ...ddl.postgres import tree
from ...ddl.postgres.nodes import strings
from ...ddl.postgres.text import ident, idents, qualified
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule
from ..script import Run, Seen
from .base import ALTER, column, constraint, effects, hazard, inline, named


@rule(
    "migration/foreign-key-locks-both-tables",
    Severity.WARNING,
    FindingClass.RISK,
    on="statement",
    fix="Add it NOT VALID, and validate it in a transaction of its own",
    references=[ALTER, "https://www.postgresql.org/docs/current/ddl-constraints.html"],
    bad="ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers;",
    good="""
    SET lock_timeout = '2s';
    ALTER TABLE orders ADD CONSTRAINT orders_customer
        FOREIGN KEY (customer_id) REFERENCES customers NOT VALID;
    ALTER TABLE orders VALIDATE CONSTRAINT orders_customer;
    """,
)
def foreign_key(seen: Seen, run: Run) -> Iterator[Hit]:
    """A foreign key is added and checked at once.

    Writes to both tables wait while every row is looked up in the other one. NOT VALID takes the
    locks for a moment only; VALIDATE CONSTRAINT lets reads and writes go on.
    """
    for command, table in run.commands(seen, pg.AT_AddConstraint, pg.AT_AddColumn):
        if command.subtype == pg.AT_AddColumn:
            definition = column(command)
            found = inline(definition, pg.CONSTR_FOREIGN)
            columns = [definition.colname]
        else:
            found = constraint(command)
            columns = strings(found.fk_attrs)
        if found is None or found.contype != pg.CONSTR_FOREIGN or found.skip_validation:
            continue
        target = run.live.name(found.pktable)
        key = named(found, table, f"{'_'.join(columns)}_fkey")
        to = f" ({idents(strings(found.pk_attrs))})" if found.pk_attrs else ""
        where = qualified(table)
        added = [f"ALTER TABLE {where} ADD COLUMN {ident(columns[0])} …"]
        yield hazard(
            seen,
            f"writes to {quoted(table)} and {quoted(target)} wait while the foreign key is checked"
            f"{effects(seen, run)}",
            *(added if command.subtype == pg.AT_AddColumn else []),
            f"ALTER TABLE {where} ADD CONSTRAINT {key} FOREIGN KEY ({idents(columns)})"
            f" REFERENCES {qualified(target)}{to} NOT VALID",
            f"ALTER TABLE {where} VALIDATE CONSTRAINT {key}",
        )


@rule(
    "migration/constraint-validated-under-lock",
    Severity.WARNING,
    FindingClass.RISK,
    on="statement",
    fix="Add it NOT VALID, and validate it in a transaction of its own",
    references=[ALTER],
    bad="ALTER TABLE orders ADD CONSTRAINT positive CHECK (price >= 0);",
    good="""
    SET lock_timeout = '2s';
    ALTER TABLE orders ADD CONSTRAINT positive CHECK (price >= 0) NOT VALID;
    ALTER TABLE orders VALIDATE CONSTRAINT positive;
    """,
)
def check_validated(seen: Seen, run: Run) -> Iterator[Hit]:
    """A check is added to a table in use and checked at once.

    Every row is read under ACCESS EXCLUSIVE. Added NOT VALID it holds for new rows from then on,
    and VALIDATE CONSTRAINT reads the old ones while others read and write.
    """
    for command, table in run.commands(seen, pg.AT_AddConstraint):
        found = constraint(command)
        if found.contype != pg.CONSTR_CHECK or found.skip_validation:
            continue
        key = named(found, table, "check")
        yield hazard(
            seen,
            f"all of {quoted(table)} is read to check {key}{effects(seen, run)}",
            f"ALTER TABLE {qualified(table)} ADD CONSTRAINT {key}"
            f" CHECK ({tree.sql(found.raw_expr)}) NOT VALID",
            f"ALTER TABLE {qualified(table)} VALIDATE CONSTRAINT {key}",
        )


@rule(
    "migration/exclusion-under-lock",
    Severity.WARNING,
    FindingClass.RISK,
    on="statement",
    fix="There is no way without the lock: do it while the table is small, or in a quiet hour",
    references=[ALTER],
    bad="ALTER TABLE stays ADD EXCLUDE USING gist (during WITH &&);",
    good="CREATE TABLE stays (during tsrange, EXCLUDE USING gist (during WITH &&));",
)
def exclusion(seen: Seen, run: Run) -> Iterator[Hit]:
    """An exclusion constraint is added to a table in use.

    Its index is built under ACCESS EXCLUSIVE, and neither CONCURRENTLY nor NOT VALID exists for it.
    """
    for command, table in run.commands(seen, pg.AT_AddConstraint):
        if constraint(command).contype == pg.CONSTR_EXCLUSION:
            yield hazard(
                seen,
                f"{quoted(table)} is locked while the index of the exclusion constraint is built"
                f"{effects(seen, run)}",
            )


def _keys(seen: Seen, run: Run, kind: int) -> Iterator[tuple[Any, Name, list[str]]]:
    """UNIQUE or PRIMARY KEY constraints that build an index, with their columns."""
    for command, table in run.commands(seen, pg.AT_AddConstraint, pg.AT_AddColumn):
        if command.subtype == pg.AT_AddColumn:
            definition = column(command)
            found, columns = inline(definition, kind), [definition.colname]
        else:
            found = constraint(command)
            columns = strings(found.keys)
        if found is not None and found.contype == kind and not found.indexname:
            yield found, table, columns


@rule(
    "migration/unique-without-index",
    Severity.WARNING,
    FindingClass.RISK,
    on="statement",
    fix="Build the unique index CONCURRENTLY, then make it the constraint",
    references=[ALTER, "https://www.postgresql.org/docs/current/sql-createindex.html"],
    bad="ALTER TABLE users ADD CONSTRAINT one_mail UNIQUE (email);",
    good="""
    CREATE UNIQUE INDEX CONCURRENTLY one_mail ON users (email);
    SET lock_timeout = '2s';
    ALTER TABLE users ADD CONSTRAINT one_mail UNIQUE USING INDEX one_mail;
    """,
)
def unique(seen: Seen, run: Run) -> Iterator[Hit]:
    """A unique constraint is added to a table in use and builds its index.

    The index is built under ACCESS EXCLUSIVE. Built CONCURRENTLY before, it becomes the constraint
    in a moment.
    """
    for found, table, columns in _keys(seen, run, pg.CONSTR_UNIQUE):
        key = named(found, table, f"{'_'.join(columns)}_key")
        nulls = " NULLS NOT DISTINCT" * found.nulls_not_distinct
        yield hazard(
            seen,
            f"{quoted(table)} is locked while the index of {key} is built{effects(seen, run)}",
            f"CREATE UNIQUE INDEX CONCURRENTLY {key} ON {qualified(table)}"
            f" ({idents(columns)}){nulls}",
            f"ALTER TABLE {qualified(table)} ADD CONSTRAINT {key} UNIQUE USING INDEX {key}",
        )


@rule(
    "migration/primary-key-without-index",
    Severity.WARNING,
    FindingClass.RISK,
    on="statement",
    fix="Make the columns NOT NULL, build a unique index CONCURRENTLY, then make it the key",
    references=[ALTER],
    bad="ALTER TABLE events ADD PRIMARY KEY (id);",
    good="""
    CREATE UNIQUE INDEX CONCURRENTLY events_pkey ON events (id);
    SET lock_timeout = '2s';
    ALTER TABLE events ADD CONSTRAINT events_pkey PRIMARY KEY USING INDEX events_pkey;
    """,
)
def primary_key(seen: Seen, run: Run) -> Iterator[Hit]:
    """A primary key is added to a table in use and builds its index.

    The index is built under ACCESS EXCLUSIVE, and nullable columns are read for NULLs, too.
    """
    for found, table, columns in _keys(seen, run, pg.CONSTR_PRIMARY):
        key = named(found, table, "pkey")
        yield hazard(
            seen,
            f"{quoted(table)} is locked while the index of its primary key is built"
            f"{effects(seen, run)}",
            f"CREATE UNIQUE INDEX CONCURRENTLY {key} ON {qualified(table)} ({idents(columns)})",
            f"ALTER TABLE {qualified(table)} ADD CONSTRAINT {key} PRIMARY KEY USING INDEX {key}",
        )


@rule(
    "migration/primary-key-over-nullable",
    Severity.WARNING,
    FindingClass.RISK,
    on="statement",
    fix="Prove the columns NOT NULL by a validated constraint first",
    references=[ALTER],
    bad="""
    -- current: CREATE TABLE events (id bigint); CREATE UNIQUE INDEX events_id ON events (id);
    ALTER TABLE events ADD PRIMARY KEY USING INDEX events_id;
    """,
    good="""
    -- current: CREATE TABLE events (id int NOT NULL); CREATE UNIQUE INDEX events_id ON events (id);
    SET lock_timeout = '2s';
    ALTER TABLE events ADD PRIMARY KEY USING INDEX events_id;
    """,
)
def primary_key_nullable(seen: Seen, run: Run) -> Iterator[Hit]:
    """An index on nullable columns becomes the primary key.

    The columns become NOT NULL on the way: the whole table is read under ACCESS EXCLUSIVE unless a
    valid check proves that they have no NULL.
    """
    for command, table in run.commands(seen, pg.AT_AddConstraint):
        found = constraint(command)
        if found.contype == pg.CONSTR_PRIMARY and found.indexname and seen.measured.effects.scans:
            yield hazard(
                seen,
                f"all of {quoted(table)} is read, as columns of the new primary key may be NULL"
                f"{effects(seen, run)}",
            )


@rule(
    "migration/validate-in-same-transaction",
    Severity.WARNING,
    FindingClass.RISK,
    on="statement",
    fix="Validate in a transaction (with most runners: in a migration) of its own",
    references=[ALTER],
    bad="""
    BEGIN;
    SET LOCAL lock_timeout = '2s';
    ALTER TABLE orders ADD CONSTRAINT positive CHECK (price >= 0) NOT VALID;
    ALTER TABLE orders VALIDATE CONSTRAINT positive;
    COMMIT;
    """,
    good="""
    SET lock_timeout = '2s';
    ALTER TABLE orders ADD CONSTRAINT positive CHECK (price >= 0) NOT VALID;
    ALTER TABLE orders VALIDATE CONSTRAINT positive;
    """,
)
def validated_at_once(seen: Seen, run: Run) -> Iterator[Hit]:
    """A constraint is added NOT VALID and validated in the same transaction.

    The strong lock of ADD CONSTRAINT is held until the end of the transaction, so the validation
    blocks as much as if NOT VALID were not there. Most runners put a file into one transaction.
    """
    if run.transaction is None:
        return
    for command, table in run.commands(seen, pg.AT_ValidateConstraint):
        if (table, command.name) in run.transaction.not_valid:
            runner = f"; {run.ctx.runner} runs the file in one"
            whose = runner if run.transaction.assumed else ""
            yield hazard(
                seen,
                f"{quoted(command.name)} was added in this transaction, whose lock on"
                f" {quoted(table)} lasts through the validation{whose}",
                "COMMIT",
                f"ALTER TABLE {qualified(table)} VALIDATE CONSTRAINT {ident(command.name)}",
            )


@rule(
    "migration/domain-constraint-scan",
    Severity.WARNING,
    FindingClass.RISK,
    on="statement",
    fix="Add it NOT VALID, and validate it later",
    references=["https://www.postgresql.org/docs/current/sql-alterdomain.html"],
    bad="ALTER DOMAIN quantity ADD CONSTRAINT positive CHECK (VALUE > 0);",
    good="ALTER DOMAIN quantity ADD CONSTRAINT positive CHECK (VALUE > 0) NOT VALID;",
)
def domain_constraint(seen: Seen, run: Run) -> Iterator[Hit]:
    """A constraint is added to a domain and checked at once.

    Every table with a column of the domain is read as a whole while writes to it wait.
    """
    if seen.kind != "alter_domain_stmt" or seen.node.subtype != "C":
        return
    found = getattr(seen.node, "def").constraint
    if not found.skip_validation:
        names = strings(seen.node.type_name)
        domain = ".".join(ident(name) for name in names)
        key = ident(found.conname or f"{names[-1]}_check")
        yield hazard(
            seen,
            f"every table with a column of {quoted(names[-1])} is read{effects(seen, run)}",
            f"ALTER DOMAIN {domain} ADD CONSTRAINT {key} CHECK (…) NOT VALID",
            f"ALTER DOMAIN {domain} VALIDATE CONSTRAINT {key}",
        )
