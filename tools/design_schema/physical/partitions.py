"""Tables that grow with time as partitions by range of it: made ahead, dropped when they are due.

The design knows no clock, so the DDL makes the DEFAULT partition alone, which takes every row, and
functions for a scheduler make the others: the first call moves what came before it.
https://www.postgresql.org/docs/current/ddl-partitioning.html
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal, TypeAlias

from ...ddl.load import fold
from ...ddl.model import (
    Argument,
    Dialect,
    Function,
    Grant,
    Grants,
    IndexPart,
    Key,
    Name,
    PartitionBy,
    PartitionOf,
    Sql,
    Table,
    Type,
)
from ...ddl.postgres.emit import emit
from ...ddl.postgres.text import ident, idents, literal, type_text
from ...ddl.script import Statement
from ..decision import Decision
from ..logical.model import Field, Relation
from ..rights import called_in_grants
from ..rules.growth import HUGE, PURGED
from .blueprint import Blueprint
from .code import free, full, plpgsql, short, with_functions, with_grants
from .roles import role

Unit: TypeAlias = Literal["day", "week", "month"]

MOST_ROWS: Final = 100_000_000  # of a partition, so that its indexes fit into memory
LATE: Final = 10  # a partition spans at most this part of the time that rows are kept
_DAYS: Final[dict[Unit, int]] = {"month": 30, "week": 7, "day": 1}
_AHEAD: Final[dict[Unit, int]] = {"month": 3, "week": 5, "day": 14}
MOMENTS: Final = ("instant", "date")
_PARTITIONS: Final = "https://www.postgresql.org/docs/current/ddl-partitioning.html"
_MYSQL_LIMITS: Final = "https://dev.mysql.com/doc/refman/8.4/en/partitioning-limitations.html"


def partitions(blueprint: Blueprint) -> Blueprint:
    """The blueprint with partitions where they pay, and with the reason where they cannot be."""
    for relation in blueprint.logical.relations.values():
        field = moment(relation)
        if field is None or not pays(relation):
            continue
        obstacle = _obstacle(blueprint, relation, field)
        if obstacle:
            blueprint = blueprint.with_tables((), (_whole(relation, obstacle),))
        else:
            blueprint = _partitioned(blueprint, relation, field)
    return blueprint


def moment(relation: Relation) -> Field | None:
    """The time by which a relation grows: the one its retention counts from, or that of the row."""
    kept = relation.of.retention if relation.of else None
    if kept and (kept.keep_days or kept.after):
        return due_field(relation)
    fields = [field for field in relation.fields.values() if field.type.type in MOMENTS]
    return next(
        (field for field in fields if _follows_insertion(field)),
        next((field for field in fields if field.role == "created_at"), None),
    )


def due_field(relation: Relation) -> Field | None:
    """The date or instant from which the days of a relation's retention count.

    Unless the model says: since when a row is deleted softly, else since when it is there.
    """
    kept = relation.of.retention if relation.of else None
    if kept and kept.after:
        field = relation.fields.get(kept.after)
        return field if field and field.type.type in MOMENTS else None
    by_role = {field.role: field for field in relation.fields.values()}
    return by_role.get("deleted_at") or by_role.get("created_at")


def _follows_insertion(field: Field) -> bool:
    spread = field.type.distribution
    return spread is not None and spread.follows_insertion


def pays(relation: Relation) -> bool:
    """Whether a table is so large, or so much of it falls due, that partitions are worth it.

    The thresholds are those by which reviews ask for partitions.
    """
    volume = relation.of.volume if relation.of else None
    if relation.of is None or volume is None or not volume.growth_per_month:
        return False
    retention = relation.of.retention
    purged = bool(retention and retention.keep_days) and volume.growth_per_month >= 30 * PURGED
    return purged or volume.rows + 12 * volume.growth_per_month >= HUGE


def unit(relation: Relation) -> Unit:
    """What a partition spans: as long as it stays small, and as retention can be kept by it."""
    volume = relation.of.volume if relation.of else None
    retention = relation.of.retention if relation.of else None
    growth = volume.growth_per_month if volume else 0
    keep = retention.keep_days if retention else None
    for name, days in _DAYS.items():
        if growth * days <= 30 * MOST_ROWS and (keep is None or days * LATE <= keep):
            return name
    return "day"


def adding(table: Name) -> Name:
    """The function that makes a table's partitions."""
    return table._replace(name=short(f"add_{table.name}_partitions"))


def dropping(table: Name) -> Name:
    """The function that drops those that are due."""
    return table._replace(name=short(f"drop_{table.name}_partitions"))


def _obstacle(blueprint: Blueprint, relation: Relation, field: Field) -> str:
    """Why the table cannot be partitioned by the field; empty when it can."""
    table = blueprint.table(relation.name)
    if blueprint.dialect is Dialect.SQLITE:
        return "SQLite has no partitions"
    if table.foreign_keys and blueprint.dialect is not Dialect.POSTGRES:
        return "partitions of InnoDB and foreign keys exclude each other"
    if blueprint.dialect is not Dialect.POSTGRES:
        return "partitions are designed for PostgreSQL only"
    if not field.required:
        return f"`{field.name}` may be missing, and a partition key cannot"
    for other in blueprint.logical.relations.values():
        if any(reference.target == relation.name for reference in other.references):
            return f"`{other.name}` refers to its rows by a key without `{field.name}`"
    if table.exclusions:
        return "an exclusion constraint holds within one partition only"
    uniques = [key.columns for key in table.keys.values() if not key.primary]
    uniques += [index.columns for index in table.indexes.values() if index.unique]
    lacking = next((columns for columns in uniques if field.name not in columns), None)
    if lacking is not None:
        return f"({', '.join(lacking)}) is unique over all times, within one partition only"
    return ""


def _whole(relation: Relation, obstacle: str) -> Decision:
    return Decision(
        f"/tables/{relation.name}",
        "not partitioned, though its size asks for it",
        f"{obstacle}; rows that are due are deleted in batches",
        _MYSQL_LIMITS if "InnoDB" in obstacle else _PARTITIONS,
    )


def _partitioned(blueprint: Blueprint, relation: Relation, field: Field) -> Blueprint:
    table = blueprint.table(relation.name)
    by = PartitionBy("range", (IndexPart(Sql(field.name)),))
    keys = {name: _with_column(key, field.name) for name, key in table.keys.items()}
    parent = replace(table, partition_by=by, keys=keys)
    rest = _default_partition(blueprint, parent)
    blueprint = blueprint.with_tables((parent, rest), (_decision(relation, field),))
    functions = [_adding(parent, rest, field, unit(relation))]
    retention = relation.of.retention if relation.of else None
    if retention and retention.keep_days:
        functions.append(_dropping(parent, rest, field, retention.keep_days))
    blueprint = with_grants(
        with_functions(blueprint, functions), [_for_jobs(blueprint, each) for each in functions]
    )
    return _with_jobs(blueprint, functions)


def _with_column(key: Key, column: str) -> Key:
    """A key of a partitioned table holds only within the partitions that its columns tell."""
    return key if column in key.columns else replace(key, columns=(*key.columns, column))


def _default_partition(blueprint: Blueprint, parent: Table) -> Table:
    """The partition of the rows that no other takes; `settled` gives it what its parent has."""
    name = free(short(f"{parent.name.name}_default"), blueprint.logical.relations)
    comment = f"Rows of {parent.name.name} that no other partition takes; meant to be empty"
    of = PartitionOf(parent.name, Sql("DEFAULT"))
    return Table(blueprint.name(name), parent.columns, partition_of=of, comment=comment)


def settled(blueprint: Blueprint) -> Blueprint:
    """The blueprint with each partition as its parent makes it; for when parents have changed."""
    tables = blueprint.schema.tables
    parts = [table for table in tables.values() if table.partition_of]
    if not parts:
        return blueprint
    whole = {name: table for name, table in tables.items() if not table.partition_of}
    script = emit(replace(blueprint.schema, tables=whole, grants=Grants(), revoked=Grants()))
    script += [
        f"CREATE TABLE {full(part.name)} PARTITION OF {full(part.partition_of.parent)}"
        f" {part.partition_of.bound}"
        for part in parts
        if part.partition_of
    ]
    made = fold([Statement("", 0, sql) for sql in script], blueprint.dialect).tables
    return blueprint.with_tables(replace(made[p.name], comment=p.comment) for p in parts)


def _decision(relation: Relation, field: Field) -> Decision:
    span = unit(relation)
    volume = relation.of.volume if relation.of else None
    growth = volume.growth_per_month if volume else 0
    return Decision(
        f"/tables/{relation.name}",
        f"partitioned by range of `{field.name}`, each a {span}; the primary key has it, too",
        f"{growth:,} rows a month: about {growth * _DAYS[span] // 30:,} in a partition, whose"
        " indexes fit into memory; what is due is dropped with its partition, which leaves vacuum"
        " nothing to do",
        _PARTITIONS,
        field.source,
    )


def _adding(parent: Table, rest: Table, field: Field, span: Unit) -> Function:
    """Makes the partitions of the time that comes, each a table first, and moves what waits for it.

    ATTACH lets readers and writers of the other partitions go on, CREATE … PARTITION OF does not.
    Rows come after it: it would check their foreign keys as the owner, from whom row-level
    security hides what they refer to.
    """
    body = _ADDING.format(
        whole=full(parent.name),
        rest=full(rest.name),
        part=full(parent.name).removesuffix(ident(parent.name.name)) + "%I",
        named=literal(short(f"{parent.name.name}_p", room=8)),
        at=ident(field.name),
        type=type_text(parent.columns[field.name].type),
        span=span,
        columns=idents(c.name for c in parent.columns.values() if c.generated is None),
    )
    return plpgsql(
        adding(parent.name),
        body,
        f"Makes the partitions of {parent.name.name} of this {span} and the next ones",
        arguments=(Argument("ahead", Type("integer"), default=Sql(str(_AHEAD[span]))),),
        returns="integer",
        definer=True,
        settings=_SETTINGS,
    )


_ADDING: Final = """
#variable_conflict use_variable
DECLARE
    starts {type} := date_trunc('{span}', now());
    ends {type};
    part text;
    moves boolean;
    made integer := 0;
BEGIN
    FOR number IN 0 .. ahead LOOP
        ends := starts + interval '1 {span}';
        part := {named} || to_char(starts, 'YYYYMMDD');
        IF to_regclass(format('{part}', part)) IS NULL THEN
            moves := EXISTS (SELECT FROM {rest} AS r WHERE r.{at} >= starts AND r.{at} < ends);
            IF moves THEN
                ALTER TABLE {rest} DISABLE TRIGGER USER;
                CREATE TEMPORARY TABLE moving AS
                    SELECT {columns} FROM {rest} AS r WHERE r.{at} >= starts AND r.{at} < ends;
                DELETE FROM {rest} AS r WHERE r.{at} >= starts AND r.{at} < ends;
                ALTER TABLE {rest} ENABLE TRIGGER USER;
            END IF;
            EXECUTE format('CREATE TABLE {part} (LIKE {whole}'
                ' INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED)', part);
            EXECUTE format('ALTER TABLE {whole} ATTACH PARTITION {part}'
                ' FOR VALUES FROM (%L) TO (%L)', part, starts, ends);
            IF moves THEN
                EXECUTE format('ALTER TABLE {part} DISABLE TRIGGER USER', part);
                EXECUTE format('INSERT INTO {part} ({columns})'
                    ' OVERRIDING SYSTEM VALUE SELECT {columns} FROM pg_temp.moving', part);
                SET CONSTRAINTS ALL IMMEDIATE;
                EXECUTE format('ALTER TABLE {part} ENABLE TRIGGER USER', part);
                DROP TABLE pg_temp.moving;
            END IF;
            made := made + 1;
        END IF;
        starts := ends;
    END LOOP;
    RETURN made;
END
"""
_SETTINGS: Final = {"timezone": "UTC", "lock_timeout": "5s"}


def _dropping(parent: Table, rest: Table, field: Field, days: int) -> Function:
    """Drops the partitions all of whose rows are due, and deletes such rows of the default one."""
    due = f"now() - interval '{days} days'"
    rows = f"{full(rest.name)} AS r WHERE r.{ident(field.name)} < {due}"
    body = rf"""
DECLARE
    part regclass;
    dropped integer := 0;
BEGIN
    FOR part IN
        SELECT child.oid::regclass
        FROM pg_inherits AS i JOIN pg_class AS child ON child.oid = i.inhrelid
        WHERE i.inhparent = {literal(full(parent.name))}::regclass
            AND substring(pg_get_expr(child.relpartbound, child.oid) FROM 'TO \(''(.+)''\)$')
                ::{type_text(parent.columns[field.name].type)} <= {due}
    LOOP
        EXECUTE format('DROP TABLE %s', part);
        dropped := dropped + 1;
    END LOOP;
    IF EXISTS (SELECT FROM {rows}) THEN
        ALTER TABLE {full(rest.name)} DISABLE TRIGGER USER;
        DELETE FROM {rows};
        ALTER TABLE {full(rest.name)} ENABLE TRIGGER USER;
    END IF;
    RETURN dropped;
END
"""
    return plpgsql(
        dropping(parent.name),
        body,
        f"Drops the partitions of {parent.name.name} that are {days} days old",
        returns="integer",
        definer=True,
        settings=_SETTINGS,
    )


def _for_jobs(blueprint: Blueprint, function: Function) -> Grant:
    jobs = role(blueprint.logical, "jobs")
    return Grant("execute", "function", called_in_grants(function), jobs)


def _with_jobs(blueprint: Blueprint, functions: list[Function]) -> Blueprint:
    jobs = role(blueprint.logical, "jobs")
    texts = {
        each.name.name: f"-- Daily as {jobs}; once as soon as the schema is there."
        f" {each.comment}.\nSELECT {full(each.name)}()"
        for each in functions
    }
    return replace(blueprint, jobs={**(blueprint.jobs or {}), **texts})
