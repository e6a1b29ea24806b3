"""Who made a row and who changed it last, written by triggers: the application cannot say else.

`app.user_id` names the person, set for the transaction as the tenant is; without it the login.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from ...ddl.model import Dialect, Sql, Table, Trigger
from ...ddl.postgres.text import ident, literal
from ...engines.limits import quote
from ..decision import Decision
from ..logical.model import Relation
from .blueprint import Blueprint
from .code import plpgsql, short, with_functions, with_triggers

USER: Final = "app.user_id"
WHO: Final = f"coalesce(nullif(current_setting('{USER}', true), ''), session_user)"
_TRIGGERS: Final = {
    Dialect.POSTGRES: "https://www.postgresql.org/docs/current/plpgsql-trigger.html",
    Dialect.MYSQL: "https://dev.mysql.com/doc/refman/8.4/en/trigger-syntax.html",
    Dialect.MARIADB: "https://mariadb.com/kb/en/create-trigger/",
    Dialect.SQLITE: "https://www.sqlite.org/lang_createtrigger.html",
}
_MADE: Final = ("created_at", "created_by")
_CHANGED: Final = ("updated_at", "updated_by")


def audit(blueprint: Blueprint) -> Blueprint:
    """The blueprint with triggers on the relations that keep who made and who changed a row."""
    audited = {
        relation.name: columns
        for relation in blueprint.logical.relations.values()
        if {"created_by", "updated_by"} & (columns := who_when(relation)).keys()
    }
    if not audited:
        return blueprint
    decisions = [_decision(blueprint, name, columns) for name, columns in audited.items()]
    if blueprint.dialect is Dialect.POSTGRES:
        return _in_postgres(blueprint, audited).with_tables((), decisions)
    made = _in_sqlite if blueprint.dialect is Dialect.SQLITE else _in_mysql
    tables = [
        with_triggers(blueprint.table(name), *made(blueprint.table(name), columns))
        for name, columns in audited.items()
    ]
    notes = (*blueprint.notes, _NOTES[blueprint.dialect])
    return replace(blueprint, notes=notes).with_tables(tables, decisions)


def who_when(relation: Relation) -> Mapping[str, str]:
    """The fields that tell who and when, by their roles."""
    return {f.role: f.name for f in relation.fields.values() if f.role in (*_MADE, *_CHANGED)}


def _in_postgres(blueprint: Blueprint, audited: Mapping[str, Mapping[str, str]]) -> Blueprint:
    """One function for all tables whose columns have the same names."""
    alike: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for name, columns in audited.items():
        alike.setdefault(tuple(columns.items()), []).append(name)
    functions, tables = [], []
    for number, (fields, names) in enumerate(alike.items(), 1):
        function = plpgsql(
            blueprint.name(f"keep_who_and_when{f'_{number}' if number > 1 else ''}"),
            _body(dict(fields)),
            f"Writes who made and who changed a row: {USER}, or the login",
        )
        functions.append(function)
        trigger = Trigger("who_and_when", "before", ("insert", "update"), function=function.name)
        tables += [with_triggers(blueprint.table(name), trigger) for name in names]
    return with_functions(blueprint.with_tables(tables), functions)


def _body(columns: Mapping[str, str]) -> str:
    made = {columns[role]: _NOW[role] for role in _MADE if role in columns}
    changed = {columns[role]: _NOW[role] for role in _CHANGED if role in columns}
    lines = [f"    NEW.{ident(column)} := {value};" for column, value in changed.items()]
    if made:
        lines.append("    IF TG_OP = 'INSERT' THEN")
        lines += [f"        NEW.{ident(column)} := {value};" for column, value in made.items()]
        lines.append("    ELSE")
        lines += [f"        NEW.{ident(column)} := OLD.{ident(column)};" for column in made]
        lines.append("    END IF;")
    return "\n".join(["", "BEGIN", *lines, "    RETURN NEW;", "END", ""])


_NOW: Final = {"created_at": "now()", "created_by": WHO, "updated_at": "now()", "updated_by": WHO}


def _in_mysql(table: Table, columns: Mapping[str, str]) -> Iterator[Trigger]:
    """`@app_user_id` is the session's variable; CURRENT_USER would be who made the trigger."""
    values = {role: _MYSQL_NOW[role] for role in columns}
    named = {role: quote("mysql", column) for role, column in columns.items()}
    created = [f"SET NEW.{named[role]} = {values[role]};" for role in columns]
    updated = [
        f"SET NEW.{name} = {values[role] if role in _CHANGED else f'OLD.{name}'};"
        for role, name in named.items()
    ]
    for event, lines in (("insert", created), ("update", updated)):
        body = "\n  ".join(["BEGIN", *lines]) + "\nEND"
        yield Trigger(short(f"{table.name.name}_who_on_{event}"), "before", (event,), body=body)


_MYSQL_NOW: Final = {
    "created_at": "CURRENT_TIMESTAMP(6)",
    "created_by": "coalesce(@app_user_id, USER())",
    "updated_at": "CURRENT_TIMESTAMP(6)",
    "updated_by": "coalesce(@app_user_id, USER())",
}


def _in_sqlite(table: Table, columns: Mapping[str, str]) -> Iterator[Trigger]:
    """What was written at first stays; a trigger cannot change the row that is being written."""
    made = [columns[role] for role in _MADE if role in columns]
    if made:
        name = short(f"{table.name.name}_made_once")
        named = [quote("sqlite", column) for column in made]
        differs = Sql(" OR ".join(f"NEW.{column} IS NOT OLD.{column}" for column in named))
        body = f"BEGIN\n  SELECT RAISE(ABORT, {literal(name)});\nEND"
        yield Trigger(name, "before", ("update",), tuple(made), when=differs, body=body)


def _decision(blueprint: Blueprint, name: str, columns: Mapping[str, str]) -> Decision:
    source = next(
        field.source
        for field in blueprint.logical.relations[name].fields.values()
        if field.name in columns.values()
    )
    return Decision(
        f"/tables/{name}",
        f"{', '.join(columns.values())}: written by triggers",
        "what the application says of them does not count, so that no statement forges or forgets"
        " them",
        _TRIGGERS[blueprint.dialect],
        source,
    )


_MYSQL: Final = (
    "Who writes is the session's variable @app_user_id, set whenever a connection is taken from"
    " the pool, or else the login."
)
_NOTES: Final = {
    Dialect.MYSQL: _MYSQL,
    Dialect.MARIADB: _MYSQL,
    Dialect.SQLITE: "SQLite has no user and no setting of a session: the application writes"
    " created_by and updated_by; a trigger keeps who made a row from being changed.",
}
