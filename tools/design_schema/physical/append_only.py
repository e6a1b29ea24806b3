"""Rows that are only added: guards that refuse everybody but what the model itself lets go.

PostgreSQL knows who asks: jobs delete what is due. Elsewhere the row says whether it is, or whether
what it is a part of is gone.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...ddl.model import Dialect
from ...engines.limits import quote
from ..decision import Decision
from ..domain.model import Retention
from ..logical.model import Logical, Reference, Relation
from .blueprint import Blueprint
from .code import short
from .erasure import SENSITIVE
from .guards import Guard, differs, guarded, listed, named
from .partitions import due_field
from .retention import DEPTH, cutoff
from .roles import role


def only_added(blueprint: Blueprint, relation: Relation) -> Blueprint:
    """The blueprint with guards on a relation whose rows are never changed or deleted."""
    says = "rows are added, never changed or deleted"
    decision = Decision(
        f"/tables/{relation.name}/triggers/{short(f'{relation.name}_only_grows', 10)}",
        f"{says}: a trigger refuses, and nobody has the privilege",
        "what was written down is evidence: a mistake is made good by another row",
        "https://www.postgresql.org/docs/current/ddl-priv.html",
        f"/entities/{relation.entity}",
    )
    kept = relation.of.retention if relation.of else None
    whole = next(_goes_with(blueprint.logical, relation), None)
    if kept and (kept.keep_days or kept.on_erasure):
        guards = [*_but_for_cleaning(blueprint, relation, kept, says)]
    elif whole:
        guards = [*_but_with(blueprint, relation, whole, says)]
    else:
        always = "TRUE" if blueprint.dialect is not Dialect.SQLITE else "1"
        guards = [Guard(relation.name, "only_grows", says, ("delete", "update"), always)]
    for guard in guards:
        blueprint = guarded(blueprint, guard)
    return blueprint.with_tables((), [decision])


def _goes_with(logical: Logical, relation: Relation, depth: int = 0) -> Iterator[Reference]:
    """The references by which rows go with others that are deleted some day."""
    for reference in relation.references:
        target = logical.relations[reference.target]
        if reference.on_delete == "cascade" and depth < DEPTH:
            kept = target.of.retention if target.of else None
            goes = kept is not None and (kept.keep_days or kept.on_erasure == "delete")
            if goes or any(_goes_with(logical, target, depth + 1)):
                yield reference


def _but_with(
    blueprint: Blueprint, relation: Relation, whole: Reference, says: str
) -> Iterator[Guard]:
    """Guards that let a row go when what it is a part of is gone."""
    if blueprint.dialect is Dialect.POSTGRES:
        yield Guard(relation.name, "only_grows", says, ("delete", "update"), _others(blueprint))
        return
    table = quote(blueprint.dialect, whole.target)
    there = " AND ".join(
        f"{named(blueprint, theirs, table)} = {named(blueprint, mine, 'OLD')}"
        for mine, theirs in zip(whole.fields, whole.target_fields, strict=True)
    )
    kept = f"EXISTS (SELECT 1 FROM {table} WHERE {there})"
    yield Guard(relation.name, "only_grows_delete", says, ("delete",), kept)
    yield Guard(relation.name, "only_grows", says, ("update",), "1")


def _but_for_cleaning(
    blueprint: Blueprint, relation: Relation, kept: Retention, says: str
) -> Iterator[Guard]:
    """Guards that let retention and erasure do what the model says of them.

    PostgreSQL knows who asks; elsewhere the row says whether it is due, and what is no data of a
    person never changes. What erasure deletes is only kept by privileges there.
    """
    if blueprint.dialect is Dialect.POSTGRES:
        yield Guard(relation.name, "only_grows", says, ("delete", "update"), _others(blueprint))
        return
    due = due_field(relation)
    if due and kept.keep_days and kept.on_erasure != "delete":
        before = cutoff(blueprint.dialect, due, kept.keep_days)
        early = f"NOT ({named(blueprint, due.name, 'OLD')} < {before})"
        yield Guard(relation.name, "only_grows_until_due", says, ("delete",), early)
    elif kept.on_erasure != "delete":
        yield Guard(relation.name, "only_grows_delete", says, ("delete",), "1")
    condition = "1"
    if kept.on_erasure == "anonymise":
        others = [f for f in relation.fields.values() if f.type.sensitivity not in SENSITIVE]
        columns = [column for field in others for column in field.columns(blueprint.dialect)]
        condition = " OR ".join(differs(blueprint, column) for column in columns)
    yield Guard(relation.name, "only_grows", says, ("update",), condition)


def _others(blueprint: Blueprint) -> str:
    """Not what deletes what is due; what a row refers to takes it along as the owner."""
    names = role(blueprint.logical, "owner"), role(blueprint.logical, "jobs")
    return f"CURRENT_USER NOT IN ({listed(blueprint, names)})"
