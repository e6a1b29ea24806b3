"""Constraints of ALTER TABLE, NOT NULL among them, as measured operations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from postgast import pg_query_pb2 as pg

from ...ddl.model import Check, ForeignKey, Name
from ...ddl.postgres.nodes import strings
from ...ddl.postgres.state import Draft
from ..expressions import columns_not_null
from ..live import Live
from .base import (
    Command,
    Names,
    Operation,
    is_partitioned,
    on_table,
    roles,
)

_UNKNOWN_TABLE: Final = "the schema does not show the table"


def _add_constraint(command: Any, name: Name, live: Live) -> Iterator[Operation]:
    constraint = getattr(command, "def").constraint
    kind = constraint.contype
    if kind == pg.CONSTR_CHECK:
        yield on_table(live, name, "add check" + _validity(constraint))
    elif kind == pg.CONSTR_FOREIGN:
        yield _add_foreign_key(constraint, name, live)
    elif kind == pg.CONSTR_NOTNULL:
        column = strings(constraint.keys)[0]
        if constraint.skip_validation:
            yield on_table(live, name, "add not null constraint, not valid")
        elif proof_of(live.tables.get(name), column) is not None:
            yield _not_null(live, name, column)
        else:
            yield on_table(live, name, "add not null constraint")
    elif kind == pg.CONSTR_EXCLUSION:
        gist = ", gist" * (constraint.access_method == "gist")
        yield on_table(live, name, f"add exclusion constraint{gist}")
    elif kind == pg.CONSTR_UNIQUE:
        yield _add_unique(constraint, name, live)
    elif kind == pg.CONSTR_PRIMARY:
        yield _add_primary(constraint, name, live)
    else:
        yield Operation("", roles(live, name), "nothing like this constraint was measured")


def _validity(constraint: Any) -> str:
    if _is_unenforced(constraint):
        return ", not enforced"
    if constraint.skip_validation:
        return ", not valid"
    return ", no inherit" if constraint.is_no_inherit else ""


def _is_unenforced(constraint: Any) -> bool:
    return bool(constraint.skip_validation and not constraint.is_enforced)


def _add_foreign_key(constraint: Any, name: Name, live: Live) -> Operation:
    target = live.name(constraint.pktable)
    below = live.descendants(target)
    given: dict[str, Names] = {"referenced": (target,)}
    if below:
        given["referenced partition"] = below
    if _is_unenforced(constraint):
        return on_table(live, name, "add foreign key, not enforced", given)
    if constraint.skip_validation:
        draft = live.tables.get(name)
        if draft and draft.table.partition_by:
            base = "add foreign key not valid, partitioned table"
            found = on_table(live, name, base, given)
            return Operation(base, {**found.tables, "table": (name,)})
        to = ", to a partitioned table" * is_partitioned(live, target)
        return on_table(live, name, f"add foreign key, not valid{to}", given)
    if target == name:
        return on_table(live, name, "add foreign key, to itself", given)
    if is_partitioned(live, target):
        return on_table(live, name, "add foreign key, to a partitioned table", given)
    if _partitions_refer(live, name, tuple(strings(constraint.fk_attrs)), target):
        base = "add foreign key, partitioned table, that its partitions have"
        return Operation(base, {"parent": (name,), "partition": live.descendants(name), **given})
    return on_table(live, name, "add foreign key", given)


def _partitions_refer(live: Live, name: Name, columns: tuple[str, ...], target: Name) -> bool:
    """Whether each partition has the foreign key already: no row is looked up for the parent's."""
    parts = live.state.children.get(name, ())
    return (
        bool(parts)
        and is_partitioned(live, name)
        and all(
            any(k.columns == columns and k.table == target and k.valid for k in keys.values())
            for keys in (live.tables[part].foreign_keys for part in parts)
        )
    )


def _add_unique(constraint: Any, name: Name, live: Live) -> Operation:
    if constraint.indexname:
        return on_table(live, name, "add unique, using an index", recurses=False)
    if _is_composed(live, name, tuple(strings(constraint.keys)), primary=False):
        return _composed("add unique, using an index", live, name)
    if constraint.without_overlaps:
        return on_table(live, name, "add unique, without overlaps")
    if constraint.nulls_not_distinct:
        return on_table(live, name, "add unique, nulls not distinct")
    return on_table(live, name, "add unique" + ", deferrable" * constraint.deferrable)


def _add_primary(constraint: Any, name: Name, live: Live) -> Operation:
    draft = live.tables.get(name)
    columns = strings(constraint.keys)
    if _is_composed(live, name, tuple(columns), primary=True):
        return _composed("add primary key, using an index", live, name)
    base = "add primary key"
    if constraint.indexname:
        base = "add primary key, using an index"
        index = draft.indexes.get(constraint.indexname) if draft else None
        columns = list(index.columns) if index else []
    if draft is None or name in live.unknown:
        doubt = f"{_UNKNOWN_TABLE}; its columns are taken to be NOT NULL"
        return on_table(live, name, base, doubt=doubt)
    nullable = [c for c in columns if c in draft.columns and not draft.columns[c].not_null]
    if nullable:
        base += ", nullable column"
        proofs = [proof_of(draft, column) for column in nullable]
        if all(proof is not None and proof.valid for proof in proofs):
            base += " proved by a valid check"
    return on_table(live, name, base)


def _is_composed(live: Live, name: Name, columns: tuple[str, ...], *, primary: bool) -> bool:
    """Whether each partition has the key already: nothing is built for the parent's."""
    parts = live.state.children.get(name, ())
    return (
        bool(parts)
        and is_partitioned(live, name)
        and all(
            any(
                k.columns == columns and k.primary >= primary
                for k in live.tables[part].keys.values()
            )
            for part in parts
        )
    )


def _composed(base: str, live: Live, name: Name) -> Operation:
    return Operation(base, {**roles(live, name), "table": (name, *live.descendants(name))})


def _validate(command: Any, name: Name, live: Live) -> Iterator[Operation]:
    draft = live.tables.get(name)
    constraint = draft.constraint(command.name) if draft else None
    if isinstance(constraint, ForeignKey):
        base, given = _on_target("validate foreign key", constraint, live)
        if is_partitioned(live, name) and not live.descendants(name):  # there is nothing to read
            given = dict.fromkeys(given, ())
        yield on_table(live, name, base, given)
    elif isinstance(constraint, Check):
        yield on_table(live, name, "validate check")
    elif draft and draft.not_null_column(command.name):
        yield on_table(live, name, "validate not null constraint")
    else:
        doubt = "what kind of constraint it validates is not known; a check is supposed"
        yield on_table(live, name, "validate check", doubt=doubt)


def _on_target(base: str, key: ForeignKey, live: Live) -> tuple[str, dict[str, Names]]:
    """An operation on a foreign key, and the relations that the key leads to."""
    if not is_partitioned(live, key.table):
        return base, {"referenced": (key.table,)}
    parts = live.descendants(key.table)
    given: dict[str, Names] = {"referenced": (key.table,), "referenced partition": parts}
    return f"{base}, to a partitioned table", given


def _drop_constraint(command: Any, name: Name, live: Live) -> Iterator[Operation]:
    draft = live.tables.get(name)
    constraint = draft.constraint(command.name) if draft else None
    if isinstance(constraint, ForeignKey):
        yield on_table(live, name, *_on_target("drop foreign key", constraint, live))
    elif draft and draft.not_null_column(command.name):
        yield on_table(live, name, "drop not null constraint")
    elif draft and command.name in draft.keys:
        key = draft.keys[command.name]
        if command.behavior == pg.DROP_CASCADE and live.referencing(name):
            yield on_table(live, name, "drop primary key, referenced, cascade")
        else:
            yield on_table(live, name, "drop primary key" if key.primary else "drop unique")
    elif draft and command.name in draft.exclusions:
        yield on_table(live, name, "drop unique")
    else:
        doubt = "" if constraint else "which constraint it drops is not known; a check is supposed"
        yield on_table(live, name, "drop check", doubt=doubt)


def _alter_constraint(command: Any, name: Name, live: Live) -> Iterator[Operation]:
    change = getattr(command, "def").atalter_constraint
    draft = live.tables.get(name)
    constraint = draft.constraint(change.conname) if draft else None
    if change.alter_inheritability:
        base = "alter constraint, no inherit" if change.noinherit else "alter constraint, inherit"
        yield on_table(live, name, base)
        return
    given: dict[str, Names] = {}
    if isinstance(constraint, ForeignKey):
        given["referenced"] = (constraint.table,)
    base = "alter foreign key, deferrable"
    if change.alter_enforceability:
        base = "alter foreign key, " + ("enforced" if change.is_enforced else "not enforced")
    yield on_table(live, name, base, given)


def _set_not_null(command: Any, name: Name, live: Live) -> Iterator[Operation]:
    yield _not_null(live, name, command.name)


def _not_null(live: Live, name: Name, column: str, proved: bool = False) -> Operation:
    draft = live.tables.get(name)
    known_column = draft.columns.get(column) if draft else None
    if known_column is not None and known_column.not_null is not None:
        if known_column.not_null.valid:
            return on_table(live, name, "set not null, already", recurses=False)
        return on_table(live, name, "set not null, with a not null constraint not valid")
    proof = proof_of(draft, column)
    if proof is not None and proof.valid and proof.enforced:
        return on_table(live, name, "set not null, proved by a valid check")
    if proof is not None:
        return on_table(live, name, "set not null, proved by a check that is not valid")
    if name in live.unknown and name in live.validated:
        doubt = "the constraint that was validated is taken to prove that the column has no NULL"
        return on_table(live, name, "set not null, proved by a valid check", doubt=doubt)
    return on_table(live, name, "set not null")


def proof_of(draft: Draft | None, column: str) -> Check | None:
    """The check that proves a column to have no NULL, a valid one before others."""
    checks = draft.checks.values() if draft else ()
    found = [check for check in checks if column in columns_not_null(check.expression)]
    return max(found, key=lambda check: check.valid and check.enforced, default=None)


COMMANDS: Final[dict[str, Command]] = {
    "AT_SetNotNull": _set_not_null,
    "AT_AddConstraint": _add_constraint,
    "AT_ValidateConstraint": _validate,
    "AT_DropConstraint": _drop_constraint,
    "AT_AlterConstraint": _alter_constraint,
}
