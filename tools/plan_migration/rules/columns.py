"""Rules about adding and constraining columns."""

from __future__ import annotations

from collections.abc import Iterator

from postgast import pg_query_pb2 as pg

from ...ddl.model import Name
from ...ddl.postgres.nodes import SERIALS, strings
from ...ddl.postgres.text import ident, qualified
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule
from ..expressions import volatility
from ..operations.constraints import proof_of
from ..script import Run, Seen
from .base import ALTER, column, effects, hazard, inline, name_of


@rule(
    "migration/volatile-default-rewrite",
    Severity.WARNING,
    FindingClass.RISK,
    on="statement",
    fix="Add the column without default, set the default, then fill the old rows in batches",
    references=[ALTER, "https://www.postgresql.org/docs/current/xfunc-volatility.html"],
    bad="ALTER TABLE orders ADD COLUMN token uuid DEFAULT gen_random_uuid();",
    good="""
    SET lock_timeout = '2s';
    ALTER TABLE orders ADD COLUMN token uuid;
    ALTER TABLE orders ALTER COLUMN token SET DEFAULT gen_random_uuid();
    """,
)
def volatile_default(seen: Seen, run: Run) -> Iterator[Hit]:
    """A new column's default gives each row another value.

    PostgreSQL has to compute and store it for every row at once: the whole table is written anew
    under ACCESS EXCLUSIVE, and its indexes with it. A constant default, or a stable one such as
    `now()`, is kept in the catalog and costs nothing.
    """
    for command, table in run.commands(seen, pg.AT_AddColumn):
        definition = column(command)
        default = inline(definition, pg.CONSTR_DEFAULT)
        if default is None:
            continue
        how = volatility(default.raw_expr, run.live)
        if how not in ("volatile", "unknown"):
            continue
        may = "is volatile" if how == "volatile" else "may be volatile"
        name = ident(definition.colname)
        yield hazard(
            seen,
            f"the default of {quoted(definition.colname)} {may}, so {quoted(table)} is written"
            f" anew{effects(seen, run)}",
            f"ALTER TABLE {qualified(table)} ADD COLUMN {name} …",
            f"ALTER TABLE {qualified(table)} ALTER COLUMN {name} SET DEFAULT …",
            f"UPDATE {qualified(table)} SET {name} = … WHERE {name} IS NULL AND … -- in batches",
        )


@rule(
    "migration/generated-column-rewrite",
    Severity.WARNING,
    FindingClass.RISK,
    on="statement",
    fix="Add an ordinary column, keep it up by a trigger, and fill the old rows in batches",
    references=[ALTER, "https://www.postgresql.org/docs/current/ddl-generated-columns.html"],
    bad="ALTER TABLE orders ADD COLUMN total bigint GENERATED ALWAYS AS (price * 2) STORED;",
    good="""
    SET lock_timeout = '2s';
    ALTER TABLE orders ADD COLUMN total bigint;
    """,
)
def generated_column(seen: Seen, run: Run) -> Iterator[Hit]:
    """A new column is stored and computed, counted or drawn from a sequence.

    A stored generated column, an identity column and a serial one need a value in every row at
    once: the table is written anew under ACCESS EXCLUSIVE. From PostgreSQL 18 on a VIRTUAL
    generated column costs nothing.
    """
    for command, table in run.commands(seen, pg.AT_AddColumn):
        definition = column(command)
        generated = inline(definition, pg.CONSTR_GENERATED)
        names = strings(definition.type_name.names)
        if generated is not None and generated.generated_kind != "v":
            what = "a stored generated column"
        elif inline(definition, pg.CONSTR_IDENTITY) is not None:
            what = "an identity column"
        elif len(names) == 1 and names[0] in SERIALS:
            what = "a serial column"
        else:
            continue
        name = ident(definition.colname)
        yield hazard(
            seen,
            f"{quoted(definition.colname)} is {what}, so {quoted(table)} is written anew"
            f"{effects(seen, run)}",
            f"ALTER TABLE {qualified(table)} ADD COLUMN {name} …",
            f"UPDATE {qualified(table)} SET {name} = … WHERE {name} IS NULL AND … -- in batches",
        )


@rule(
    "migration/constrained-domain-rewrite",
    Severity.WARNING,
    FindingClass.RISK,
    on="statement",
    fix="Give the column the domain's base type, and check it with a constraint of its own",
    references=[ALTER, "https://www.postgresql.org/docs/current/sql-createdomain.html"],
    bad="""
    CREATE DOMAIN quantity AS int CHECK (VALUE >= 0);
    ALTER TABLE orders ADD COLUMN amount quantity;
    """,
    good="""
    CREATE DOMAIN quantity AS int;
    SET lock_timeout = '2s';
    ALTER TABLE orders ADD COLUMN amount quantity;
    """,
)
def constrained_domain(seen: Seen, run: Run) -> Iterator[Hit]:
    """A new column has the type of a domain with constraints.

    Also without a default the domain's constraints are checked for every row, and PostgreSQL
    writes the table anew to do so.
    """
    for command, table in run.commands(seen, pg.AT_AddColumn):
        definition = column(command)
        names = strings(definition.type_name.names)
        domain = run.live.domain(names[-2] if len(names) > 1 else "", names[-1])
        if domain is not None and (domain.checks or domain.not_null):
            yield hazard(
                seen,
                f"{quoted(definition.colname)} is of the constrained domain {quoted(domain.name)},"
                f" so {quoted(table)} is read or written anew{effects(seen, run)}",
                f"ALTER TABLE {qualified(table)} ADD COLUMN {ident(definition.colname)}"
                f" {domain.type}",
            )


@rule(
    "migration/required-column-added",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="statement",
    fix="Add the column with a default, or nullable first and NOT NULL when it is filled",
    references=[ALTER],
    bad="ALTER TABLE orders ADD COLUMN region text NOT NULL;",
    good="""
    SET lock_timeout = '2s';
    ALTER TABLE orders ADD COLUMN region text NOT NULL DEFAULT 'unknown';
    """,
)
def required_column(seen: Seen, run: Run) -> Iterator[Hit]:
    """A new column must not be NULL and has no value for the rows that are there.

    The statement fails as soon as the table has a row. Where it has none, inserts of instances that
    do not know the column fail from then on.
    """
    if seen.kind != "alter_table_stmt" or seen.node.objtype != pg.OBJECT_TABLE:
        return
    table = run.live.name(seen.node.relation)
    if run.live.is_new(table):
        return
    for item in seen.node.cmds:
        command = item.alter_table_cmd
        if command.subtype != pg.AT_AddColumn:
            continue
        definition = column(command)
        has_value = (pg.CONSTR_DEFAULT, pg.CONSTR_GENERATED, pg.CONSTR_IDENTITY)
        required = inline(definition, pg.CONSTR_NOTNULL, pg.CONSTR_PRIMARY)
        if required is None or inline(definition, *has_value) is not None:
            continue
        if strings(definition.type_name.names)[-1] in SERIALS or _domain_default(definition, run):
            continue
        name = ident(definition.colname)
        yield hazard(
            seen,
            f"{quoted(definition.colname)} is NOT NULL without a default: this fails when"
            f" {quoted(table)} has a row, and old code cannot insert any more",
            f"ALTER TABLE {qualified(table)} ADD COLUMN {name} …",
            f"ALTER TABLE {qualified(table)} ALTER COLUMN {name} SET DEFAULT …",
            f"UPDATE {qualified(table)} SET {name} = … WHERE {name} IS NULL AND … -- in batches",
            *not_null_sequence(table, definition.colname, run.version),
        )


def _domain_default(definition: pg.ColumnDef, run: Run) -> bool:
    names = strings(definition.type_name.names)
    domain = run.live.domain(names[-2] if len(names) > 1 else "", names[-1])
    return domain is not None and domain.default is not None


def not_null_sequence(table: Name, column: str, version: int) -> tuple[str, ...]:
    """SET NOT NULL without a scan under ACCESS EXCLUSIVE, as the version allows it."""
    where, name = qualified(table), ident(column)
    if version >= 18:
        constraint = ident(f"{table.name}_{column}_not_null")
        return (
            f"ALTER TABLE {where} ADD CONSTRAINT {constraint} NOT NULL {name} NOT VALID",
            f"ALTER TABLE {where} VALIDATE CONSTRAINT {constraint}",
        )
    proof = ident(f"{table.name}_{column}_known")
    checked = (
        f"ALTER TABLE {where} ADD CONSTRAINT {proof} CHECK ({name} IS NOT NULL) NOT VALID",
        f"ALTER TABLE {where} VALIDATE CONSTRAINT {proof}",
    )
    if version < 12:
        return checked
    return (
        *checked,
        f"ALTER TABLE {where} ALTER COLUMN {name} SET NOT NULL",
        f"ALTER TABLE {where} DROP CONSTRAINT {proof}",
    )


@rule(
    "migration/not-null-scan",
    Severity.WARNING,
    FindingClass.RISK,
    on="statement",
    fix="Prove it first by a constraint that is added NOT VALID and validated on its own",
    references=[ALTER],
    bad="ALTER TABLE orders ALTER COLUMN region SET NOT NULL;",
    good="""
    SET lock_timeout = '2s';
    ALTER TABLE orders ADD CONSTRAINT region_known CHECK (region IS NOT NULL) NOT VALID;
    ALTER TABLE orders VALIDATE CONSTRAINT region_known;
    ALTER TABLE orders ALTER COLUMN region SET NOT NULL;
    ALTER TABLE orders DROP CONSTRAINT region_known;
    """,
)
def not_null_scan(seen: Seen, run: Run) -> Iterator[Hit]:
    """SET NOT NULL reads the whole table under ACCESS EXCLUSIVE.

    Nobody can read or write meanwhile. From PostgreSQL 12 on a valid check `c IS NOT NULL` spares
    the scan, from 18 on NOT NULL itself can be added NOT VALID and validated later.
    """
    for command, table in run.commands(seen, pg.AT_SetNotNull, pg.AT_AddConstraint):
        name = command.name
        if command.subtype == pg.AT_AddConstraint:
            constraint = getattr(command, "def").constraint
            if constraint.contype != pg.CONSTR_NOTNULL or constraint.skip_validation:
                continue
            name = strings(constraint.keys)[0]
        if _is_not_null(table, name, run) or _is_proved(table, name, run):
            continue
        yield hazard(
            seen,
            f"all of {quoted(table)} is read to see that {quoted(name)} has no NULL"
            f"{effects(seen, run)}",
            *not_null_sequence(table, name, run.version),
        )


def _is_not_null(table: Name, column: str, run: Run) -> bool:
    draft = run.live.tables.get(table)
    known = draft.columns.get(column) if draft else None
    return known is not None and known.not_null is not None and known.not_null.valid


def _is_proved(table: Name, column: str, run: Run) -> bool:
    """Whether a valid check proves it, in a version that looks for one."""
    if run.version < 12:
        return False
    draft = run.live.tables.get(table)
    proof = proof_of(draft, column)
    if proof is not None:
        return proof.valid and proof.enforced
    return table in run.live.unknown and table in run.live.validated


@rule(
    "migration/column-type-rewrite",
    Severity.WARNING,
    FindingClass.RISK,
    on="statement",
    fix="Add a column of the new type, keep both by a trigger, fill it in batches, then swap",
    references=[ALTER],
    bad="""
    CREATE TABLE IF NOT EXISTS notes (id bigint);
    ALTER TABLE orders ALTER COLUMN id TYPE bigint;
    """,
    good="""
    SET lock_timeout = '2s';
    ALTER TABLE orders ADD COLUMN id_new bigint;
    """,
)
def column_type(seen: Seen, run: Run) -> Iterator[Hit]:
    """A column changes its type.

    Most changes write the whole table and its indexes anew under ACCESS EXCLUSIVE; without the
    schema the worst is supposed. Raising or lifting the limit of varchar, numeric (same scale) and
    varbit, or varchar to text, only changes the catalog.
    """
    found = seen.measured.effects
    slow = found.rewrites or found.scans or seen.measured.builds
    for command, table in run.commands(seen, pg.AT_AlterColumnType):
        draft = run.live.tables.get(table)
        known = draft is not None and command.name in draft.columns
        if known and not slow:
            continue
        name, new = ident(command.name), ident(f"{command.name}_new")
        where = qualified(table)
        verb = "is" if known else "may be"
        yield hazard(
            seen,
            f"{quoted(table)} {verb} written anew for the type of"
            f" {quoted(name_of(command, column(command)))}{effects(seen, run)}",
            f"ALTER TABLE {where} ADD COLUMN {new} …",
            f"CREATE TRIGGER … BEFORE INSERT OR UPDATE ON {where} … -- {new} := {name}",
            f"UPDATE {where} SET {new} = {name} WHERE {new} IS DISTINCT FROM {name} AND …"
            " -- in batches",
            f"ALTER TABLE {where} DROP COLUMN {name}, … -- with the swap in one transaction",
        )
