"""Rules about types and names in a script, most of them for those who ask for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import postgast
from postgast import pg_query_pb2 as pg

from ...ddl.postgres.nodes import MAX_NAME, SERIALS, strings
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule
from ..script import Run, Seen
from .base import definitions, hazard

_TYPES = "https://www.postgresql.org/docs/current/datatype.html"
_WIKI = "https://wiki.postgresql.org/wiki/Don%27t_Do_This"


def _typed(seen: Seen, run: Run, *names: str) -> Iterator[tuple[Any, str]]:
    """Columns of some types, as the parser calls them, with their table."""
    for definition, table in definitions(seen, run):
        parts = strings(definition.type_name.names)
        if parts and parts[-1] in names and parts[:-1] in ([], ["pg_catalog"]):
            yield definition, table


@rule(
    "migration/char-type",
    Severity.WARNING,
    FindingClass.RISK,
    on="statement",
    fix="Use text, with a check where the length counts",
    references=[_WIKI + "#Don.27t_use_char.28n.29", _TYPES],
    bad="CREATE TABLE orders (code char(10));",
    good="CREATE TABLE orders (code text);",
)
def char_type(seen: Seen, run: Run) -> Iterator[Hit]:
    """A column is of the padded type char(n).

    Values are filled with blanks to the length, which comparison ignores and LIKE does not. It is
    no faster than text.
    """
    for definition, table in _typed(seen, run, "bpchar", "char"):
        yield hazard(seen, f"column {quoted(definition.colname)} of {quoted(table)} is padded")


@rule(
    "migration/varchar-limit",
    Severity.INFO,
    FindingClass.STYLE,
    on="statement",
    fix="Use text with a check constraint",
    references=[_WIKI + "#Don.27t_use_varchar.28n.29_by_default"],
    bad="CREATE TABLE orders (code varchar(10));",
    good="CREATE TABLE orders (code text);",
    opt_in=True,
)
def varchar_limit(seen: Seen, run: Run) -> Iterator[Hit]:
    """A column is of a character type with a limit.

    Lowering the limit reads or writes the whole table; a check can be added NOT VALID.
    """
    for definition, table in _typed(seen, run, "varchar"):
        if definition.type_name.typmods:
            yield hazard(seen, f"column {quoted(definition.colname)} of {quoted(table)} is limited")


@rule(
    "migration/serial-column",
    Severity.INFO,
    FindingClass.STYLE,
    on="statement",
    fix="Use GENERATED ALWAYS AS IDENTITY",
    references=[_WIKI + "#Don.27t_use_serial"],
    bad="CREATE TABLE orders (id bigserial);",
    good="CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY);",
    opt_in=True,
)
def serial_column(seen: Seen, run: Run) -> Iterator[Hit]:
    """A column is of the type serial or one of its sisters.

    The sequence is an object of its own, with its own rights; an identity column has it built in.
    """
    for definition, table in _typed(seen, run, *SERIALS):
        yield hazard(seen, f"column {quoted(definition.colname)} of {quoted(table)} is serial")


@rule(
    "migration/int-column",
    Severity.INFO,
    FindingClass.STYLE,
    on="statement",
    fix="Use bigint",
    references=["https://www.postgresql.org/docs/current/datatype-numeric.html"],
    bad="CREATE TABLE orders (id int);",
    good="CREATE TABLE orders (id bigint);",
    opt_in=True,
)
def int_column(seen: Seen, run: Run) -> Iterator[Hit]:
    """A column holds integers of less than 8 bytes.

    A key of 4 bytes ends at 2,147,483,647, and to widen it writes the table anew.
    """
    for definition, table in _typed(seen, run, "int4", "serial", "serial4"):
        name = quoted(definition.colname)
        yield hazard(seen, f"column {name} of {quoted(table)} has 4 bytes")


@rule(
    "migration/smallint-column",
    Severity.INFO,
    FindingClass.STYLE,
    on="statement",
    fix="Use bigint, or integer",
    references=["https://www.postgresql.org/docs/current/datatype-numeric.html"],
    bad="CREATE TABLE orders (id smallint);",
    good="CREATE TABLE orders (id bigint);",
    opt_in=True,
)
def smallint_column(seen: Seen, run: Run) -> Iterator[Hit]:
    """A column holds integers of 2 bytes.

    They end at 32,767; padding often takes what the type saves.
    """
    for definition, table in _typed(seen, run, "int2", "smallserial", "serial2"):
        name = quoted(definition.colname)
        yield hazard(seen, f"column {name} of {quoted(table)} has 2 bytes")


@rule(
    "migration/json-column",
    Severity.INFO,
    FindingClass.STYLE,
    on="statement",
    fix="Use jsonb",
    references=["https://www.postgresql.org/docs/current/datatype-json.html"],
    bad="CREATE TABLE orders (details json);",
    good="CREATE TABLE orders (details jsonb);",
    opt_in=True,
)
def json_column(seen: Seen, run: Run) -> Iterator[Hit]:
    """A column is of the type json.

    It has no equality: SELECT DISTINCT and GROUP BY over it fail, also in queries that are there.
    """
    for definition, table in _typed(seen, run, "json"):
        yield hazard(seen, f"column {quoted(definition.colname)} of {quoted(table)} is json")


@rule(
    "migration/timestamp-without-zone",
    Severity.INFO,
    FindingClass.RISK,
    on="statement",
    fix="Use timestamp with time zone",
    references=[_WIKI + "#Don.27t_use_timestamp_.28without_time_zone.29"],
    bad="CREATE TABLE orders (placed timestamp);",
    good="CREATE TABLE orders (placed timestamptz);",
    opt_in=True,
)
def timestamp_without_zone(seen: Seen, run: Run) -> Iterator[Hit]:
    """A column holds a time of no zone.

    Which moment it means depends on who wrote it.
    """
    for definition, table in _typed(seen, run, "timestamp"):
        yield hazard(seen, f"column {quoted(definition.colname)} of {quoted(table)} has no zone")


@rule(
    "migration/domain-with-constraint",
    Severity.INFO,
    FindingClass.RISK,
    on="statement",
    fix="Check the columns that use it instead",
    references=["https://www.postgresql.org/docs/current/sql-createdomain.html"],
    bad="CREATE DOMAIN quantity AS int CHECK (VALUE >= 0);",
    good="CREATE DOMAIN quantity AS int;",
    opt_in=True,
)
def domain_with_constraint(seen: Seen, run: Run) -> Iterator[Hit]:
    """A domain has a constraint.

    To add a column of it reads or writes the whole table, and to change the constraint reads every
    table that uses it.
    """
    if seen.kind == "create_domain_stmt":
        kinds = {item.constraint.contype for item in seen.node.constraints}
        if kinds & {pg.CONSTR_CHECK, pg.CONSTR_NOTNULL}:
            name = strings(seen.node.domainname)[-1]
            yield hazard(seen, f"domain {quoted(name)} has a constraint")


@rule(
    "migration/enum-value-unordered",
    Severity.INFO,
    FindingClass.STYLE,
    on="statement",
    fix="Say BEFORE or AFTER which value it belongs",
    references=["https://www.postgresql.org/docs/current/sql-altertype.html"],
    bad="ALTER TYPE stage ADD VALUE 'lost';",
    good="ALTER TYPE stage ADD VALUE 'lost' AFTER 'open';",
    opt_in=True,
)
def enum_unordered(seen: Seen, run: Run) -> Iterator[Hit]:
    """A value is added to an enumerated type at no place that is said.

    It becomes the last, and ORDER BY on the column follows; the order cannot be changed later.
    """
    node = seen.node
    if seen.kind == "alter_enum_stmt" and not node.old_val and not node.new_val_neighbor:
        yield hazard(seen, f"{quoted(node.new_val)} is added as the last value")


@rule(
    "migration/unqualified-name",
    Severity.INFO,
    FindingClass.STYLE,
    on="statement",
    fix="Name the schema",
    references=["https://www.postgresql.org/docs/current/ddl-schemas.html#DDL-SCHEMAS-PATH"],
    bad="DROP TABLE orders;",
    good="DROP TABLE shop.orders;",
    opt_in=True,
)
def unqualified(seen: Seen, run: Run) -> Iterator[Hit]:
    """A table is named without its schema.

    Which table it is depends on the search_path of whoever runs the script.
    """
    for schema, name in _tables(seen):
        if not schema:
            yield hazard(seen, f"{quoted(name)} is looked up over the search_path")


def _tables(seen: Seen) -> Iterator[tuple[str, str]]:
    """The tables that a statement makes, alters or drops, but temporary ones."""
    relation = None
    if seen.kind == "create_stmt":
        relation = seen.node.relation
    elif seen.kind == "create_table_as_stmt":
        relation = seen.node.into.rel
    elif seen.kind == "alter_table_stmt" and seen.node.objtype == pg.OBJECT_TABLE:
        relation = seen.node.relation
    elif seen.kind == "drop_stmt" and seen.node.remove_type == pg.OBJECT_TABLE:
        for item in seen.node.objects:
            parts = strings(item.list.items)
            yield (parts[-2] if len(parts) > 1 else ""), parts[-1]
    if relation is not None and relation.relpersistence != "t":
        yield relation.schemaname, relation.relname


@rule(
    "migration/identifier-too-long",
    Severity.WARNING,
    FindingClass.DEFECT,
    on="statement",
    fix="Shorten it",
    references=[
        "https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS"
    ],
    bad="""
    ALTER INDEX orders_idx
        RENAME TO orders_by_customer_and_region_and_day_and_state_for_the_report_of_sales;
    """,
    good="ALTER INDEX orders_idx RENAME TO orders_for_sales;",
)
def too_long(seen: Seen, run: Run) -> Iterator[Hit]:
    """An identifier is longer than PostgreSQL keeps.

    It is cut after 63 bytes with a notice that nobody reads: two long names may become the same.
    """
    text = seen.parsed.statement.text
    if len(text) <= MAX_NAME:
        return
    raw = text.encode()
    found: dict[str, None] = {}
    for token in postgast.scan(text).tokens:
        if token.token == pg.IDENT and token.end - token.start > MAX_NAME:
            name = raw[token.start : token.end].decode(errors="replace").strip('"')
            if len(name.encode()) > MAX_NAME:
                found[name] = None
    for name in found:
        yield hazard(seen, f"{quoted(name)} is cut after {MAX_NAME} bytes")


@rule(
    "migration/duplicate-column",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="statement",
    fix="Name each column once",
    references=["https://www.postgresql.org/docs/current/sql-update.html"],
    bad="UPDATE orders SET region = 'a', region = 'b' WHERE id = 1;",
    good="UPDATE orders SET region = 'a' WHERE id = 1;",
)
def duplicate_column(seen: Seen, run: Run) -> Iterator[Hit]:
    """A column is assigned, or defined, twice in one statement.

    PostgreSQL refuses it.
    """
    for names in _lists(seen):
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield hazard(seen, f"{quoted(name)} stands there twice, which fails")


def _lists(seen: Seen) -> Iterator[list[str]]:
    """The lists of whole columns in which each may be named once."""
    if seen.kind == "update_stmt":
        yield _whole(seen.node.target_list)
    elif seen.kind == "insert_stmt":
        yield _whole(seen.node.cols)
    elif seen.kind == "merge_stmt":
        for item in seen.node.merge_when_clauses:
            yield _whole(item.merge_when_clause.target_list)
    elif seen.kind in ("create_stmt", "create_foreign_table_stmt"):
        base = seen.node if seen.kind == "create_stmt" else seen.node.base_stmt
        yield [i.column_def.colname for i in base.table_elts if i.HasField("column_def")]
    elif seen.kind == "view_stmt" and not seen.node.aliases:
        yield _outputs(seen.node.query)


def _whole(targets: Any) -> list[str]:
    """The columns assigned as a whole: not a field or an element of one."""
    return [t.res_target.name for t in targets if not t.res_target.indirection]


def _outputs(query: Any) -> list[str]:
    """The names of a query's columns, as far as they can be told without the schema."""
    if query.WhichOneof("node") != "select_stmt":
        return []
    found = []
    for item in query.select_stmt.target_list:
        target = item.res_target
        kind = target.val.WhichOneof("node")
        if target.name:
            found.append(target.name)
        elif kind == "a_const":
            found.append("?column?")
        elif kind == "column_ref" and target.val.column_ref.fields[-1].HasField("string"):
            found.append(target.val.column_ref.fields[-1].string.sval)
    return found


@rule(
    "migration/robust-statements",
    Severity.INFO,
    FindingClass.STYLE,
    on="statement",
    fix="Say IF EXISTS or IF NOT EXISTS, or put the script into one transaction",
    references=["https://www.postgresql.org/docs/current/sql-createtable.html"],
    bad="""
    SELECT 1;
    ALTER TABLE orders ADD COLUMN region text;
    """,
    good="""
    SELECT 1;
    ALTER TABLE orders ADD COLUMN IF NOT EXISTS region text;
    """,
    opt_in=True,
)
def robust(seen: Seen, run: Run) -> Iterator[Hit]:
    """A script without a transaction that cannot be run again.

    When a later statement fails, what came before it stays, and the next attempt fails at it.
    """
    if run.count < 2 or (seen.in_transaction and not _is_concurrent_index(seen)):
        return
    node = seen.node
    if seen.kind == "alter_table_stmt":
        for item in node.cmds:
            command = item.alter_table_cmd
            what = _FRAGILE.get(command.subtype, "")
            if what and not command.missing_ok:
                constraint = getattr(command, "def").constraint
                if command.subtype == pg.AT_AddConstraint and constraint.conname in run.dropped:
                    continue
                yield hazard(seen, f"{what} fails when the script runs again")
    elif seen.kind in ("create_stmt", "create_seq_stmt", "index_stmt", "create_schema_stmt"):
        temporary = seen.kind == "create_stmt" and node.relation.relpersistence == "t"
        known = seen.kind == "index_stmt" and node.idxname in run.dropped
        if not node.if_not_exists and not temporary and not known:
            yield hazard(seen, "fails when the script runs again, as the object is there")
    elif seen.kind == "drop_stmt" and not node.missing_ok:
        yield hazard(seen, "fails when the script runs again, as the object is gone")


def _is_concurrent_index(seen: Seen) -> bool:
    return seen.kind == "index_stmt" and bool(seen.node.concurrent)


_FRAGILE: Final = {
    pg.AT_AddColumn: "ADD COLUMN",
    pg.AT_DropColumn: "DROP COLUMN",
    pg.AT_AddConstraint: "ADD CONSTRAINT",
    pg.AT_DropConstraint: "DROP CONSTRAINT",
}
