"""Every version of every row: a table beside each audited one, that triggers alone write.

A version is what the row was after an insert or an update, or what was deleted; it is valid until
the next one of its key. Rows are only ever added, so nothing waits for a version to be closed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from ...ddl.model import (
    Check,
    Column,
    Dialect,
    Grant,
    Identity,
    Index,
    IndexPart,
    Key,
    NotNull,
    Policy,
    Sql,
    Table,
    Trigger,
    Type,
)
from ...ddl.postgres.text import ident, idents
from ...engines.limits import quote
from ..decision import Decision
from ..logical.model import Logical, Relation
from .audit import WHO
from .blueprint import Blueprint
from .code import (
    free,
    full,
    key_columns,
    plpgsql,
    short,
    with_functions,
    with_grants,
    with_triggers,
)
from .roles import restricted, right, role
from .tenancy import guarded, tenant_column

TRIGGER: Final = "history"
OPERATIONS: Final = ("insert", "update", "delete")
_OWN: Final = ("history_id", "history_operation", "history_at", "history_by")


def history(blueprint: Blueprint) -> Blueprint:
    """The blueprint with a table of versions for each relation whose history is kept."""
    kept = [r for r in blueprint.logical.relations.values() if is_kept(blueprint.logical, r)]
    for relation in kept:
        blueprint = _with_history(blueprint, relation)
    notes = _NOTES.get(blueprint.dialect, ()) if kept else ()
    return replace(blueprint, notes=(*blueprint.notes, *notes))


def is_kept(logical: Logical, relation: Relation) -> bool:
    """Whether every version of its rows is kept. Rows that never change are their own history."""
    if relation.of is None or any(i.kind == "append_only" for i in relation.invariants):
        return False
    return (relation.of.audit or logical.domain.audit) == "history"


def history_name(logical: Logical, relation: Relation) -> str:
    """The name of the table of a relation's versions."""
    return free(short(f"{relation.name}_history"), logical.relations)


def history_columns(blueprint: Blueprint, relation: Relation) -> tuple[str, ...]:
    """The columns whose versions are kept: no secrets, and nothing that follows from the others."""
    secret = restricted(relation, blueprint.dialect, {"secret"})
    return tuple(
        column.name
        for column in blueprint.table(relation.name).columns.values()
        if column.name not in secret and column.generated is None
    )


def _with_history(blueprint: Blueprint, relation: Relation) -> Blueprint:
    table = blueprint.table(relation.name)
    columns = history_columns(blueprint, relation)
    past = _past(blueprint, relation, table, columns)
    if blueprint.dialect is Dialect.POSTGRES:
        blueprint, past, triggers = _in_postgres(blueprint, relation, past, columns)
    else:
        triggers = list(_elsewhere(blueprint.dialect, table, past, columns))
    tables = (with_triggers(table, *triggers), past)
    return with_grants(
        blueprint.with_tables(tables, (_decision(relation, past),)),
        _rights(blueprint, relation, past),
    )


def _past(
    blueprint: Blueprint, relation: Relation, table: Table, columns: tuple[str, ...]
) -> Table:
    """The table of versions; its rows outlive what they refer to, so it has no foreign keys."""
    name = history_name(blueprint.logical, relation)
    number, operation, at, by = (free(each, table.columns) for each in _OWN)
    own = _own_columns(blueprint, name, (number, operation, at, by))
    copied = {each: _copied(table.columns[each]) for each in columns}
    values = ", ".join(f"'{each}'" for each in OPERATIONS)
    key = key_columns(blueprint, relation)
    check = short(f"{name}_{operation}_check")
    index = short(f"{name}_{'_'.join(key)}_idx")
    return replace(
        table,
        name=blueprint.name(name),
        columns={column.name: column for column in own} | copied,
        keys={f"{name}_pkey": Key(short(f"{name}_pkey"), (number,), primary=True)},
        checks={check: Check(check, Sql(f"{operation} IN ({values})"))},
        indexes={index: Index(index, tuple(IndexPart(Sql(c)) for c in (*key, number)))},
        foreign_keys={},
        exclusions={},
        triggers={},
        policies={},
        partition_by=None,
        without_rowid=False,
        comment=f"Versions of the rows of {relation.name}, each from its history_at on",
    )


def _own_columns(blueprint: Blueprint, table: str, names: tuple[str, ...]) -> Iterator[Column]:
    """What a version has besides the row: its number, the operation, when and by whom."""
    number, operation, at, by = names
    integer, text, word, moment, now = _TYPES[blueprint.dialect]
    postgres = blueprint.dialect is Dialect.POSTGRES
    sequence = blueprint.name(short(f"{table}_{number}_seq"))
    yield Column(
        number,
        Type(integer),
        NotNull(),
        identity=Identity(always=True, sequence=sequence) if postgres else None,
        auto_increment=blueprint.dialect in (Dialect.MYSQL, Dialect.MARIADB),
        comment="Order in which versions were made",
    )
    yield Column(operation, word, NotNull(), comment="What made the version")
    yield Column(at, moment, NotNull(), Sql(now), comment="Time of the transaction that made it")
    if blueprint.dialect is not Dialect.SQLITE:  # which knows no user
        yield Column(by, text, NotNull(), comment="Who made it")


TEXT: Final = Type("text")
_MYSQL_TYPES: Final = (
    "bigint",
    Type("varchar", ("255",)),
    Type("varchar", ("6",)),
    Type("datetime", ("6",)),
    "CURRENT_TIMESTAMP(6)",
)
_TYPES: Final = {
    Dialect.POSTGRES: (
        "bigint",
        Type("text"),
        Type("text"),
        Type("timestamp with time zone"),
        "now()",
    ),
    Dialect.MYSQL: _MYSQL_TYPES,
    Dialect.MARIADB: _MYSQL_TYPES,
    Dialect.SQLITE: ("integer", TEXT, TEXT, TEXT, "CURRENT_TIMESTAMP"),
}


def _copied(column: Column) -> Column:
    required = NotNull() if column.not_null else None
    return Column(
        column.name,
        column.type,
        required,
        collation=column.collation,
        charset=column.charset,
        comment=column.comment,
    )


def _in_postgres(
    blueprint: Blueprint, relation: Relation, past: Table, columns: tuple[str, ...]
) -> tuple[Blueprint, Table, list[Trigger]]:
    """One trigger, with the rights of the owner: nobody else may write versions."""
    table = blueprint.table(relation.name)
    name = blueprint.name(short(f"keep_{past.name.name}"))
    own = list(past.columns)[:4]
    values = ", ".join(f"version.{ident(column)}" for column in columns)
    body = f"""
DECLARE
    version {full(table.name)};
BEGIN
    IF TG_OP = 'DELETE' THEN
        version := OLD;
    ELSE
        version := NEW;
    END IF;
    INSERT INTO {full(past.name)} ({idents([own[1], own[3], *columns])})
    VALUES (lower(TG_OP), {WHO}, {values});
    RETURN NULL;
END
"""
    function = plpgsql(name, body, f"Writes versions of {relation.name}", definer=True)
    trigger = Trigger(TRIGGER, "after", OPERATIONS, function=name)
    if tenant := tenant_column(blueprint.logical, relation):
        past = guarded(past, tenant, _written_by_owner(blueprint))
    return with_functions(blueprint, (function,)), past, [trigger]


def _written_by_owner(blueprint: Blueprint) -> Policy:
    """The trigger writes for every tenant, also for what deletes rows of all of them."""
    return Policy(
        "written_by_owner",
        "insert",
        roles=(role(blueprint.logical, "owner"),),
        check=Sql("true"),
        comment="The trigger writes with the rights of the owner",
    )


def _elsewhere(
    dialect: Dialect, table: Table, past: Table, columns: tuple[str, ...]
) -> Iterator[Trigger]:
    """A trigger for each operation."""
    own = list(past.columns)
    sqlite = dialect is Dialect.SQLITE
    stamps = [own[1]] if sqlite else [own[1], own[3]]
    into = ", ".join(quote(dialect, column) for column in (*stamps, *columns))
    for operation in OPERATIONS:
        row = "OLD" if operation == "delete" else "NEW"
        who = [] if sqlite else ["coalesce(@app_user_id, USER())"]
        values = ", ".join(
            [f"'{operation}'", *who, *(f"{row}.{quote(dialect, column)}" for column in columns)]
        )
        body = (
            f"BEGIN\n  INSERT INTO {quote(dialect, past.name.name)} ({into})\n"
            f"  VALUES ({values});\nEND"
        )
        name = short(f"{table.name.name}_{TRIGGER}_of_{operation}")
        yield Trigger(name, "after", (operation,), body=body)


def _rights(blueprint: Blueprint, relation: Relation, past: Table) -> Iterator[Grant]:
    """The application and readers see versions as they see rows; nobody writes them."""
    yield from right(blueprint, past.name, "app", "select")
    hidden = restricted(relation, blueprint.dialect)
    shown = [column for column in past.columns if column not in hidden]
    columns = shown if len(shown) < len(past.columns) else ()
    yield from right(blueprint, past.name, "reader", "select", columns=columns)


def _decision(relation: Relation, past: Table) -> Decision:
    return Decision(
        f"/tables/{past.name.name}",
        f"every version of the rows of {relation.name}, by trigger; secrets are left out",
        "rows are only added, so versions of one row never wait for each other; the application"
        " reads them and cannot write them",
        "https://www.postgresql.org/docs/current/plpgsql-trigger.html#PLPGSQL-TRIGGER-AUDIT-EXAMPLE",
        "/audit" if relation.of is None or relation.of.audit is None else "",
    )


_MYSQL_NOTE: Final = (
    "Foreign keys that cascade fire no triggers in MySQL and MariaDB: what goes with another row"
    " leaves no last version (https://dev.mysql.com/doc/refman/8.4/en/triggers.html).",
)
_NOTES: Final = {
    Dialect.MYSQL: _MYSQL_NOTE,
    Dialect.MARIADB: _MYSQL_NOTE,
    Dialect.SQLITE: (
        "Tables of versions are written by triggers, but SQLite has no privileges: whoever may"
        " write the file may change them.",
    ),
}
