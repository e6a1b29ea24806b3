"""ALTER COLUMN … TYPE as measured operations: the type itself, and what hangs on the column."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from postgast import pg_query_pb2 as pg

from ...ddl.model import Column, Exclusion, Index, Name, Type
from ...ddl.postgres import tree
from ...ddl.postgres.nodes import collation, data_type
from ...ddl.postgres.state import Draft
from ..live import Live
from ..words import words
from . import type_changes
from .base import Names, Operation, is_indexed, on_table, sequences_in

_MANY: Final = "alter type, int to bigint"
_ZONE: Final = (
    "a session whose TimeZone is UTC converts without a rewrite from PostgreSQL 12 on; another zone"
    " is supposed"
)


def alter_type(command: Any, name: Name, live: Live) -> Iterator[Operation]:
    """One ALTER COLUMN … TYPE."""
    new = getattr(command, "def").column_def
    draft = live.tables.get(name)
    column = draft.columns.get(command.name) if draft else None
    indexed = is_indexed(live, name, command.name)
    if column is None:
        doubt = "the type that the column has now is not known; a rewrite is supposed"
        yield on_table(live, name, type_changes.rewrite(indexed), doubt=doubt)
        return
    base = _operation(column, new, command.name, indexed, live)
    drawn: dict[str, Names] = {"sequence": sequences_in(column.default or "", live)}
    yield on_table(live, name, base, drawn, doubt=_ZONE if base.endswith("not in UTC") else "")
    yield from _dependents(column, name, live, rewrites="bigint" in base)


def _operation(column: Column, new: Any, name: str, indexed: bool, live: Live) -> str:
    wanted = live.state.type_of(new.type_name)
    if new.HasField("raw_default") and not _is_plain(new.raw_default, name, wanted):
        return type_changes.rewrite(indexed)
    given = collation(new.coll_clause.collname) if new.HasField("coll_clause") else ""
    changes = given != column.collation
    old_domain = live.domain(column.type.schema, column.type.name)
    new_domain = live.domain(wanted.schema, wanted.name)
    if new_domain is not None and not wanted.array and column.type != wanted:
        base_type = old_domain.type if old_domain else column.type
        if base_type == new_domain.type:
            kind = "constrained" if new_domain.checks or new_domain.not_null else "unconstrained"
            return f"alter type, int to {kind} domain"
        return type_changes.rewrite(indexed)
    if old_domain is not None and not column.type.array:
        if old_domain.type == wanted and not changes:
            return "alter type, domain to its base type"
        return type_changes.operation(old_domain.type, wanted, changes, indexed)
    return type_changes.operation(column.type, wanted, changes, indexed)


def _is_plain(using: pg.Node, column: str, wanted: Type) -> bool:
    """Whether USING is the column itself, or cast to the type that is asked for."""
    if using.WhichOneof("node") == "type_cast":
        cast = using.type_cast
        return data_type(cast.type_name) == wanted and _is_plain(cast.arg, column, wanted)
    return using.WhichOneof("node") == "column_ref" and tree.column_names(using) == [column]


def _dependents(column: Column, name: Name, live: Live, *, rewrites: bool) -> Iterator[Operation]:
    """What a foreign key on the column, to it, or an expression that uses it adds."""
    draft = live.tables[name]
    targets = {k.table for k in draft.foreign_keys.values() if column.name in k.columns}
    if targets:
        found = on_table(
            live, name, f"{_MANY}, foreign key", {"referenced": tuple(sorted(targets))}
        )
        yield Operation(found.name, found.tables, locks_only=not rewrites)
    referencing = tuple(
        other
        for other in live.referencing(name)
        if any(
            key.table == name and column.name in key.referenced
            for key in live.tables[other].foreign_keys.values()
        )
    )
    if referencing:
        base = f"{_MANY}, referenced primary key"
        found = on_table(live, name, base, {"referencing": referencing})
        yield Operation(base, found.tables, locks_only=not rewrites)
    generated = [c.generated.expression for c in draft.columns.values() if c.generated]
    if any(column.name in words(expression) for expression in generated):
        yield on_table(live, name, "alter type, of a column that a generated one uses")
    checks = [check.expression for check in draft.checks.values() if check.valid]
    if any(column.name in words(expression) for expression in (*checks, *_in_indexes(draft))):
        yield on_table(live, name, "alter type, longer varchar, of a check")
    if column.identity:
        found = on_table(
            live, name, f"{_MANY}, identity", {"sequence": (column.identity.sequence,)}
        )
        yield Operation(found.name, found.tables, locks_only=True)
    if live.views_of(name, column.name):
        yield on_table(live, name, "alter type, used by a view")


def _in_indexes(draft: Draft) -> Iterator[str]:
    """The expressions and predicates of a table's indexes."""
    indexes: list[Index | Exclusion] = [*draft.indexes.values(), *draft.exclusions.values()]
    for index in indexes:
        yield from (part.expression for part in index.parts if not part.is_column)
        if index.where is not None:
            yield index.where
