"""States and what may follow them, values that never change, versions that count changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from ...ddl.model import Dialect, Trigger
from ...ddl.postgres.text import ident
from ...engines.limits import quote
from ..decision import Decision
from ..domain.model import StateMachine
from ..logical.model import Relation
from .blueprint import Blueprint
from .code import plpgsql, short, with_functions, with_triggers
from .guards import Guard, differs, guarded, listed, named
from .roles import role

_TRIGGERS: Final = "https://www.postgresql.org/docs/current/plpgsql-trigger.html"
_VERSIONS: Final = "Fowler, Patterns of Enterprise Application Architecture: Optimistic Lock"


def states(blueprint: Blueprint) -> Blueprint:
    """The blueprint with guards on states and on what never changes, and counted versions."""
    for relation in blueprint.logical.relations.values():
        if relation.states:
            for guard in _of_machine(blueprint, relation, relation.states):
                why = "a constraint sees one row as it is, a trigger also as it was"
                source = relation.fields[relation.states.attribute].source
                about = f"/tables/{relation.name}/triggers/{guard.name}"
                decision = Decision(about, guard.says, why, _TRIGGERS, source)
                blueprint = guarded(blueprint, guard, decision)
        if fixed := [*_fixed(blueprint, relation)]:
            blueprint = guarded(blueprint, _unchanged(blueprint, relation, fixed))
        if counted := [f.name for f in relation.fields.values() if f.role == "version"]:
            blueprint = _counted(blueprint, relation, counted[0])
    return blueprint


def _of_machine(blueprint: Blueprint, relation: Relation, machine: StateMachine) -> Iterator[Guard]:
    column = machine.attribute
    new, old = named(blueprint, column, "NEW"), named(blueprint, column, "OLD")
    initial = listed(blueprint, machine.initial)
    yield Guard(
        relation.name,
        f"{column}_begins",
        f"a row begins as {' or '.join(machine.initial)}",
        ("insert",),
        f"{new} NOT IN ({initial})",
    )
    allowed = [
        f"({old} = {listed(blueprint, [of])} AND {new} IN ({listed(blueprint, to)}))"
        for of, to in machine.transitions.items()
        if to
    ]
    follows = f"NOT ({' OR '.join(allowed)})" if allowed else "TRUE"
    yield Guard(
        relation.name,
        f"{column}_follows",
        "only some states follow this one",
        ("update",),
        f"{differs(blueprint, column)} AND {follows}",
        (column,),
    )


def _fixed(blueprint: Blueprint, relation: Relation) -> Iterator[str]:
    """The columns that are never changed once written; keys of tenants among them."""
    if any(invariant.kind == "append_only" for invariant in relation.invariants):
        return  # nothing of it is
    for field in relation.fields.values():
        if field.type.immutable and not field.type.computed and field.role != "public_id":
            yield from field.columns(blueprint.dialect)
        elif field.role == "public_id":
            yield field.name


def _unchanged(blueprint: Blueprint, relation: Relation, columns: list[str]) -> Guard:
    """Only what erases a person overwrites what must be empty then."""
    kept = relation.of.retention if relation.of else None
    condition = changed = " OR ".join(differs(blueprint, column) for column in columns)
    if blueprint.dialect is Dialect.POSTGRES and kept and kept.on_erasure == "anonymise":
        jobs = listed(blueprint, [role(blueprint.logical, "jobs")])
        condition = f"CURRENT_USER <> {jobs} AND ({changed})"
    return Guard(
        relation.name,
        "stays",
        f"never changes: {', '.join(columns)}",
        ("update",),
        condition,
        tuple(columns),
    )


def _counted(blueprint: Blueprint, relation: Relation, column: str) -> Blueprint:
    """Each change makes the version one more, whoever makes it."""
    table = blueprint.table(relation.name)
    decision = Decision(
        f"/tables/{relation.name}/columns/{column}",
        f"`{column}` counts changes",
        "a write that says the version it has read (WHERE version = …) finds no row if another"
        " write came first: nothing is overwritten unseen",
        _VERSIONS,
        relation.fields[column].source,
    )
    if blueprint.dialect is Dialect.POSTGRES:
        function = plpgsql(
            blueprint.name(f"count_{column}"),
            f"\nBEGIN\n    NEW.{ident(column)} := OLD.{ident(column)} + 1;\n    RETURN NEW;\nEND\n",
            "Counts the changes of a row",
        )
        trigger = Trigger(f"counts_{column}", "before", ("update",), function=function.name)
        blueprint = with_functions(blueprint, [function])
        return blueprint.with_table(with_triggers(table, trigger), decision)
    if blueprint.dialect is Dialect.SQLITE:
        new, old = named(blueprint, column, "NEW"), named(blueprint, column, "OLD")
        guard = Guard(
            relation.name,
            f"{column}_counts",
            "an UPDATE makes the version one more",
            ("update",),
            f"{new} IS NOT {old} + 1",
        )
        return guarded(blueprint, guard, decision)
    written = quote(blueprint.dialect, column)
    body = f"BEGIN\n  SET NEW.{written} = OLD.{written} + 1;\nEND"
    trigger = Trigger(short(f"{relation.name}_counts_{column}"), "before", ("update",), body=body)
    return replace(blueprint).with_table(with_triggers(table, trigger), decision)
