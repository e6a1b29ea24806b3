"""Nobody may do more than the design says, and what it says they may do, they can."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ...ddl.model import Dialect, Function
from ...ddl.postgres.text import ident, idents, literal, type_text
from ..logical.model import Relation
from ..physical.blueprint import Blueprint
from ..physical.code import full
from ..physical.roles import restricted, role, sessions, written
from ..rights import called_in_grants
from .model import Promise, Session, Step
from .rows import Rows
from .tenancy import REFUSED, plain_column

_WRITES: Final = ("insert", "update", "delete")


def promises(blueprint: Blueprint, rows: Rows) -> Iterator[Promise]:
    """For each relation: what the application does, and what it and readers are refused."""
    if blueprint.dialect is not Dialect.POSTGRES or not blueprint.roles:
        return
    for relation in blueprint.logical.relations.values():
        yield _used(blueprint, relation, rows)
        yield _refused(blueprint, relation, rows)
    for function in blueprint.schema.functions.values():
        yield _called(blueprint, function)


def _used(blueprint: Blueprint, relation: Relation, rows: Rows) -> Promise:
    """The application writes and reads a row within its tenant, triggers and all."""
    name = full(blueprint.table(relation.name).name)
    made, allowed = rows.row(relation.name), written(blueprint.logical, relation)
    tenant = rows.tenant(0)
    adds: Session = "jobs" if relation.kind == "values" else "owner"
    if "insert" in allowed:
        adds = "app"
    steps = [Step(sql) for sql in made.parents]
    steps.append(Step(made.insert, session=adds, tenant=tenant))
    steps += [Step(sql) for sql in made.closing]
    steps.append(Step("SET CONSTRAINTS ALL IMMEDIATE"))
    one = f"SELECT count(*) FROM {name} WHERE {made.where}"
    steps.append(Step(one, returns=[["1"]], session="app", tenant=tenant))
    column = plain_column(blueprint.table(relation.name))
    if "update" in allowed and column:
        sql = f"UPDATE {name} SET {column} = {column} WHERE {made.where} RETURNING 1"
        steps.append(Step(sql, returns=[["1"]], session="app"))
    if "delete" in allowed:
        steps.append(Step(f"DELETE FROM {name} WHERE false", session="app"))
    hidden = restricted(relation, blueprint.dialect)
    seen = [each for each in blueprint.table(relation.name).columns if each not in hidden]
    if seen:
        steps.append(reads(name, seen, made.where, "reader", tenant))
    says = f"the application may read, {', '.join(allowed)}" if allowed else "the application reads"
    return Promise(f"{relation.name}: {says}", (f"/tables/{relation.name}",), says, tuple(steps))


def reads(
    table: str, columns: Sequence[str], where: str, session: Session, tenant: str, count: int = 1
) -> Step:
    """Somebody reads all these columns of so many rows; `table` as it is written."""
    rows = f"SELECT {idents(columns)} FROM {table} WHERE {where}"
    sql = f"SELECT count(*) FROM ({rows}) AS seen"
    return Step(sql, returns=[[str(count)]], session=session, tenant=tenant)


def _refused(blueprint: Blueprint, relation: Relation, rows: Rows) -> Promise:
    """What is not granted is refused before anything else is looked at."""
    table = blueprint.table(relation.name)
    name, column = full(table.name), plain_column(table)
    changed = f"{column} = {column}" if column else f"{ident(next(iter(table.columns)))} = DEFAULT"
    attempts = {
        "insert": f"INSERT INTO {name} DEFAULT VALUES",
        "update": f"UPDATE {name} SET {changed}",
        "delete": f"DELETE FROM {name}",
    }
    allowed = written(blueprint.logical, relation)
    steps = [Step(attempts[each], REFUSED, session="reader") for each in _WRITES]
    steps += [
        Step(attempts[each], REFUSED, session="app") for each in _WRITES if each not in allowed
    ]
    steps.append(Step(f"TRUNCATE {name}", REFUSED, session="app"))
    for hidden in sorted(restricted(relation, blueprint.dialect)):
        steps.append(Step(f"SELECT {ident(hidden)} FROM {name}", REFUSED, session="reader"))
    says = "readers write nothing, nobody truncates, and the rest is refused as well"
    return Promise(f"{relation.name}: {says}", (f"/tables/{relation.name}",), says, tuple(steps))


def _called(blueprint: Blueprint, function: Function) -> Promise:
    """Asked of the server, and tried: what it does might be refused for another reason."""
    types = [argument.type for argument in function.arguments]
    said = literal(f"{full(function.name)}({', '.join(map(type_text, types))})")
    place = called_in_grants(function)
    granted = {g.grantee for g in blueprint.schema.grants if g.object == place}
    names = {session: role(blueprint.logical, session) for session in sessions(blueprint)}
    steps = [
        Step(
            f"SELECT has_function_privilege({literal(name)}, {said}, 'execute')",
            returns=[["t" if name in granted else "f"]],
        )
        for name in ("public", *names.values())
    ]
    needed = (a.type for a in function.arguments if a.default is None)
    call = ", ".join(f"NULL::{type_text(each)}" for each in needed)
    for session, name in names.items():
        if function.returns != "trigger" and name not in granted:
            step = Step(f"SELECT {full(function.name)}({call})", REFUSED, session=session)
            steps.append(step)
    says = "only those call it who need it"
    about = (f"/functions/{function.signature}",)
    return Promise(f"{function.signature}: {says}", about, says, tuple(steps))
