"""Who and when cannot be forged, and every version of a row is kept where nobody can change it."""

from __future__ import annotations

from collections.abc import Iterator

from ...ddl.model import Dialect, Table
from ..logical.model import Relation
from ..physical.audit import USER, who_when
from ..physical.blueprint import Blueprint
from ..physical.code import Written
from ..physical.history import OPERATIONS, TRIGGER, history_name, is_kept
from ..physical.roles import restricted, written
from ..physical.tenancy import tenant_column
from .model import Promise, Session, Step
from .roles import reads
from .rows import Rows
from .tenancy import REFUSED, held

FORGED = "'somebody else'"


def promises(blueprint: Blueprint, rows: Rows) -> Iterator[Promise]:
    """For each relation that keeps who and when, or its history."""
    for relation in blueprint.logical.relations.values():
        columns = who_when(relation)
        if {"created_by", "updated_by"} & columns.keys():
            if blueprint.dialect is Dialect.POSTGRES:
                yield _written(blueprint, relation, rows)
            elif blueprint.dialect is Dialect.SQLITE and columns.keys() & {
                "created_at",
                "created_by",
            }:
                yield _made_once(blueprint, relation, rows)
        if is_kept(blueprint.logical, relation):
            yield from _History(blueprint, relation, rows).promises()


def _as(user: str) -> Step:
    return Step(f"SELECT set_config('{USER}', '{user}', true)")


def _written(blueprint: Blueprint, relation: Relation, rows: Rows) -> Promise:
    """The first user makes a row and says it was another; so does the second, who changes it."""
    q, columns = Written(blueprint), who_when(relation)
    by = {role: name for role, name in columns.items() if role.endswith("_by")}
    forged = dict.fromkeys(by.values(), FORGED)
    made = rows.row(relation.name, given=forged)
    allowed, tenant = written(blueprint.logical, relation), rows.tenant(0)
    adds, changes = (_session(each, allowed) for each in ("insert", "update"))
    name = q.table(relation.name)
    told = f"SELECT {q.columns(by.values())} FROM {name} WHERE {made.where}"
    after = {"created_by": "first", "updated_by": "second"}
    forging = ", ".join(f"{q(column)} = {value}" for column, value in forged.items())
    steps = [
        *(Step(sql) for sql in made.parents),
        _as("first"),
        Step(made.insert, session=adds, tenant=tenant),
        Step(told, returns=[["first"] * len(by)]),
        *(Step(sql) for sql in made.closing),
        _as("second"),
    ]
    if "update" in allowed:
        steps.append(Step(f"UPDATE {name} SET {forging} WHERE {made.where}", session=changes))
        steps.append(Step(told, returns=[[after[role] for role in by]]))
    says = "who made and who changed a row is who did, whatever the statement says"
    place = f"/tables/{relation.name}/triggers/who_and_when"
    return Promise(f"{relation.name}: {says}", (place,), says, tuple(steps))


def _session(privilege: str, allowed: tuple[str, ...]) -> Session:
    return "app" if privilege in allowed else "owner"


def _made_once(blueprint: Blueprint, relation: Relation, rows: Rows) -> Promise:
    q, columns = Written(blueprint), who_when(relation)
    made = rows.row(relation.name)
    trigger = f"{relation.name}_made_once"
    column = columns.get("created_by") or columns["created_at"]
    forging = f"UPDATE {q.table(relation.name)} SET {q(column)} = {FORGED} WHERE {made.where}"
    steps = (*map(Step, made.statements), *map(Step, made.closing), Step(forging, trigger))
    says = "who made a row does not change"
    place = f"/tables/{relation.name}/triggers/{trigger}"
    return Promise(f"{relation.name}: {says}", (place,), says, steps)


class _History:
    """A relation, and the table of its versions."""

    def __init__(self, blueprint: Blueprint, relation: Relation, rows: Rows) -> None:
        self._blueprint, self._relation, self._rows = blueprint, relation, rows
        self._past: Table = blueprint.table(history_name(blueprint.logical, relation))
        self._q = Written(blueprint)
        self._name = self._q.table(self._past.name.name)
        self._made = rows.row(relation.name)
        own = list(self._past.columns)
        self._number, self._operation = own[0], own[1]

    def promises(self) -> Iterator[Promise]:
        """Versions appear, of the tenant's own rows; they are numbered, whole and unchanged."""
        yield self._kept()
        yield self._limited()
        if self._blueprint.dialect is Dialect.POSTGRES:
            yield self._closed()

    def _planted(self) -> list[Step]:
        return [Step(sql) for sql in (*self._made.statements, *self._made.closing)]

    def _kept(self) -> Promise:
        """Also what nobody's session does, for no tenant, leaves a version."""
        table = self._q.table(self._relation.name)
        column = _unkeyed(self._blueprint.table(self._relation.name), self._relation)
        changes = [f"DELETE FROM {table} WHERE {self._made.where}"]
        if column:
            changed = f"UPDATE {table} SET {self._q(column)} = {self._q(column)}{self._counted()}"
            changes.insert(0, f"{changed} WHERE {self._made.where}")
        versions = (
            f"SELECT {self._q(self._operation)} FROM {self._name} WHERE {self._made.where}"
            f" ORDER BY {self._q(self._number)}"
        )
        expected = ["insert", *["update"] * bool(column), "delete"]
        steps = [*self._planted(), *map(Step, changes)]
        steps.append(Step(versions, returns=[[each] for each in expected]))
        if self._blueprint.dialect is Dialect.POSTGRES:
            steps += self._seen(len(expected))
        says = "each change of a row leaves a version, which its own tenant sees"
        place = f"/tables/{self._past.name.name}"
        return Promise(
            f"{self._relation.name}: {says}",
            (
                f"/tables/{self._relation.name}/triggers/{TRIGGER}",
                *(f"{place}/policies/{policy}" for policy in self._past.policies),
                place,
            ),
            says,
            tuple(steps),
        )

    def _counted(self) -> str:
        """What a statement has to count itself, where no trigger can."""
        version = next((f for f in self._relation.fields.values() if f.role == "version"), None)
        if version is None or self._blueprint.dialect is not Dialect.SQLITE:
            return ""
        return f", {self._q(version.name)} = {self._q(version.name)} + 1"

    def _seen(self, count: int) -> Iterator[Step]:
        """By whom, and by which tenant."""
        hidden = restricted(self._relation, self._blueprint.dialect)
        columns = list(self._past.columns)
        shown = [column for column in columns if column not in hidden]
        own, other = self._rows.tenant(0), self._rows.tenant(1)
        where = self._made.where
        yield reads(self._name, columns, where, "app", own, count)
        yield reads(self._name, shown, where, "reader", own, count)
        if tenant_column(self._blueprint.logical, self._relation):
            yield reads(self._name, columns, where, "app", other, 0)
            yield reads(self._name, columns, where, "app", "", 0)
            yield held(self._blueprint, f"{self._name} WHERE {where}", 0, other)

    def _limited(self) -> Promise:
        """The table's own constraints, tried on the version of a row that was just made."""
        operation = self._q(self._operation)
        own = f"WHERE {self._made.where}"
        check = next(iter(self._past.checks))
        sqlite = self._blueprint.dialect is Dialect.SQLITE
        steps = [*self._planted(), Step(f"UPDATE {self._name} SET {operation} = 'x' {own}", check)]
        columns = [c for c in self._past.columns.values() if c.not_null and not c.identity]
        for column in columns:
            if not (sqlite and column.name == self._number):  # which numbers what has none
                refused = f"{self._past.name.name}.{column.name}" if sqlite else "23502"
                sql = f"UPDATE {self._name} SET {self._q(column.name)} = NULL {own}"
                steps.append(Step(sql, refused))
        every = self._q.columns(self._past.columns)
        again = f"INSERT INTO {self._name} ({every})"
        again += " OVERRIDING SYSTEM VALUE" * (not sqlite)
        key = f"{self._past.name.name}.{self._number}" if sqlite else next(iter(self._past.keys))
        steps.append(Step(f"{again} SELECT {every} FROM {self._name} {own}", key))
        says = "versions are numbered, and whole"
        place = f"/tables/{self._past.name.name}"
        return self._promise(says, f"{place}/checks/{check}", *steps)

    def _closed(self) -> Promise:
        number = f"{self._q(self._number)} = {self._q(self._number)}"
        operation = f"{self._q(self._operation)} = '{OPERATIONS[0]}'"
        attempts = (
            f"INSERT INTO {self._name} DEFAULT VALUES",
            f"UPDATE {self._name} SET {operation} WHERE {number}",
            f"DELETE FROM {self._name}",
            f"TRUNCATE {self._name}",
        )
        steps = [Step(sql, REFUSED, session=s) for s in ("app", "reader") for sql in attempts]
        says = "nobody who logs in writes versions"
        return self._promise(says, f"/tables/{self._past.name.name}", *steps)

    def _promise(self, says: str, about: str, *steps: Step) -> Promise:
        return Promise(f"{self._relation.name}: {says}", (about,), says, steps)


def _unkeyed(table: Table, relation: Relation) -> str:
    """A column of the row itself that a statement may set to what it is."""
    return next(
        (
            column.name
            for column in table.columns.values()
            if not (column.identity or column.generated or column.auto_increment)
            and column.name not in relation.key
        ),
        "",
    )
