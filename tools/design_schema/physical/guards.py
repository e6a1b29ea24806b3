"""Guards: triggers that refuse a row, each under the name of the rule that it keeps.

PostgreSQL's call one function with the rule's name and message; the others have bodies of their
own. A client reads the name from the error as that of a constraint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from ...ddl.model import Dialect, Function, Name, Sql, Table, Trigger
from ...ddl.postgres.text import literal
from ...engines.limits import quote
from ..decision import Decision
from .blueprint import Blueprint
from .code import plpgsql, short, with_functions, with_triggers

REFUSE: Final = "refuse"
MYSQLS: Final = (Dialect.MYSQL, Dialect.MARIADB)


@dataclass(frozen=True, slots=True)
class Guard:
    """A rule on rows: `condition` over NEW and OLD says when a statement breaks it."""

    table: str  # a relation
    word: str  # ends its name
    says: str
    events: tuple[str, ...]
    condition: str
    update_of: tuple[str, ...] = ()
    timing: str = "before"

    @property
    def name(self) -> str:
        """The name of the rule, as errors have it."""
        return short(f"{self.table}_{self.word}", 10)


def guarded(blueprint: Blueprint, guard: Guard, decision: Decision | None = None) -> Blueprint:
    """The blueprint with a guard on a table."""
    table = blueprint.table(guard.table)
    made = _in_postgres if blueprint.dialect is Dialect.POSTGRES else _elsewhere
    blueprint = made(blueprint, table, guard)
    return blueprint.with_tables((), [decision]) if decision else blueprint


def named(blueprint: Blueprint, column: str, row: str = "") -> str:
    """A column as written, of a row if that is said."""
    written = quote(blueprint.dialect, column)
    return f"{row}.{written}" if row else written


def differs(blueprint: Blueprint, column: str) -> str:
    """That an UPDATE changes a column."""
    new, old = named(blueprint, column, "NEW"), named(blueprint, column, "OLD")
    if blueprint.dialect is Dialect.POSTGRES:
        return f"{new} IS DISTINCT FROM {old}"
    return (
        f"{new} IS NOT {old}" if blueprint.dialect is Dialect.SQLITE else f"NOT ({new} <=> {old})"
    )


def listed(blueprint: Blueprint, values: Sequence[str]) -> str:
    """Texts as a list of constants."""
    return ", ".join(constant(blueprint.dialect, value) for value in values)


def constant(dialect: Dialect, text: str) -> str:
    """A text as a constant."""
    if dialect is Dialect.POSTGRES:
        return literal(text)
    if dialect in MYSQLS:
        text = text.replace("\\", "\\\\")
    return "'" + text.replace("'", "''") + "'"


def raised(name: str, says: str, table: Table) -> str:
    """PL/pgSQL that refuses under a rule's name."""
    return (
        f"RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = {literal(says)},"
        f" SCHEMA = {literal(table.name.schema)}, TABLE = {literal(table.name.name)},"
        f" CONSTRAINT = {literal(name)};"
    )


def _in_postgres(blueprint: Blueprint, table: Table, guard: Guard) -> Blueprint:
    function = blueprint.name(REFUSE)
    blueprint = with_functions(blueprint, [_refusing(function)])
    trigger = Trigger(
        guard.name,
        guard.timing,
        guard.events,
        guard.update_of,
        when=Sql(guard.condition),
        function=function,
        arguments=(guard.name, guard.says),
        comment=guard.says,
    )
    return blueprint.with_table(with_triggers(table, trigger))


def _refusing(name: Name) -> Function:
    body = """
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = TG_ARGV[1],
        SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, CONSTRAINT = TG_ARGV[0];
END
"""
    return plpgsql(name, body, "Refuses a row, under the name of the rule that it breaks")


def _elsewhere(blueprint: Blueprint, table: Table, guard: Guard) -> Blueprint:
    """A trigger for each event, as MySQL and SQLite want it."""
    triggers = []
    for event in guard.events:
        name = guard.name if len(guard.events) == 1 else f"{guard.name}_{event}"
        if blueprint.dialect is Dialect.SQLITE:
            message = constant(blueprint.dialect, guard.name)
            made = Trigger(
                name, guard.timing, (event,), guard.update_of if event == "update" else (),
                when=Sql(guard.condition),
                body=f"BEGIN\n  SELECT RAISE(ABORT, {message});\nEND",
            )  # fmt: skip
        else:
            message = constant(blueprint.dialect, f"{guard.name}: {guard.says}"[:128])
            body = (
                f"BEGIN\n  IF {guard.condition} THEN\n    SIGNAL SQLSTATE '45000' SET"
                f" MESSAGE_TEXT = {message};\n  END IF;\nEND"
            )
            made = Trigger(name, guard.timing, (event,), body=body)
        triggers.append(made)
    return blueprint.with_table(with_triggers(table, *triggers))


def without(blueprint: Blueprint, note: str) -> Blueprint:
    """The blueprint with a note on what the engine cannot keep."""
    return replace(blueprint, notes=tuple(dict.fromkeys((*blueprint.notes, note))))
