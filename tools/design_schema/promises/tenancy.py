"""Tenants cannot see or touch each other's rows, whatever the session forgot to set."""

from __future__ import annotations

from collections.abc import Iterator

from ...ddl.model import Dialect, Table
from ...ddl.postgres.text import ident
from ..logical.model import Relation
from ..physical.blueprint import Blueprint
from ..physical.code import full
from ..physical.roles import JOBS_POLICY, role, written
from ..physical.tenancy import POLICY, tenant_column
from .model import Promise, Step
from .rows import Rows

REFUSED = "42501"  # insufficient_privilege: also what a policy refuses


def promises(blueprint: Blueprint, rows: Rows) -> Iterator[Promise]:
    """For each table of tenants: what one of them sees, changes and adds."""
    if blueprint.dialect is not Dialect.POSTGRES:
        return
    for relation in blueprint.logical.relations.values():
        if tenant_column(blueprint.logical, relation):
            yield from _Guarded(blueprint, relation, rows).promises()


class _Guarded:
    """A table with a row of each of two tenants."""

    def __init__(self, blueprint: Blueprint, relation: Relation, rows: Rows) -> None:
        self._blueprint, self._relation = blueprint, relation
        self._table: Table = blueprint.table(relation.name)
        self._name = full(self._table.name)
        self._tenants = rows.tenant(0), rows.tenant(1)
        own = not relation.tenant  # the tenants themselves
        one, other = (rows.row(relation.name, n if own else 0, tenant=n) for n in (0, 1))
        self._one, self._other = one, other
        self._next = rows.row(relation.name, 1, tenant=1)
        planted = dict.fromkeys((*one.statements, *other.statements, *one.closing, *other.closing))
        self._planted = tuple(Step(sql) for sql in planted)
        self._count = f"SELECT count(*) FROM {self._name} WHERE {one.where} OR {other.where}"

    def promises(self) -> Iterator[Promise]:
        yield self._seen()
        yield self._owner()
        if "insert" in written(self._blueprint.logical, self._relation):
            yield self._foreign()
        if not self._relation.tenant:
            yield self._arrival()
        if JOBS_POLICY in self._table.policies:
            steps = Step(self._count, session="jobs", returns=[["2"]], tenant="")
            yield self._promise(
                JOBS_POLICY, "what runs for all tenants sees the rows of all", steps
            )

    def _seen(self) -> Promise:
        steps = []
        for session in ("app", "reader"):
            steps.append(Step(self._count, session=session, returns=[["0"]], tenant=""))
            for tenant in self._tenants:
                steps.append(Step(self._count, returns=[["1"]], session=session, tenant=tenant))
            steps.append(Step(self._count, session=session, returns=[["0"]], tenant=""))
        allowed = written(self._blueprint.logical, self._relation)
        if "update" in allowed and (column := plain_column(self._table)):
            steps.append(self._touching(f"UPDATE {self._name} SET {column} = {column}"))
        if "delete" in allowed:
            steps.append(self._touching(f"DELETE FROM {self._name}"))
        says = "a tenant sees and changes its own rows; without tenant there are none, and no error"
        return self._promise(POLICY, says, *steps)

    def _touching(self, statement: str) -> Step:
        """A change of the other tenant's row finds none."""
        sql = f"{statement} WHERE {self._other.where} RETURNING 1"
        return Step(sql, returns=[], session="app", tenant=self._tenants[0])

    def _owner(self) -> Promise:
        """FORCE: whoever connects as the owner, and a function with its rights, is held as well."""
        rows = f"{self._name} WHERE {self._one.where} OR {self._other.where}"
        step = held(self._blueprint, rows, 1, self._tenants[0])
        return self._promise("", "the owner of the table is held by its policies as well", step)

    def _arrival(self) -> Promise:
        """A tenant that is new makes no row itself: it could not say before who it is."""
        made = self._next
        step = Step(made.insert, session="jobs", tenant="")
        says = "what runs for all tenants makes new ones"
        return Promise(
            f"{self._relation.name}: {says}",
            (f"/tables/{self._relation.name}",),
            says,
            (*map(Step, made.parents), step),
        )

    def _foreign(self) -> Promise:
        steps = (
            Step(self._next.insert, REFUSED, session="app", tenant=self._tenants[0]),
            Step(self._next.insert, REFUSED, session="app", tenant=""),
        )
        says = "nobody adds rows to another tenant, or without tenant"
        return self._promise(POLICY, says, *steps)

    def _promise(self, policy: str, says: str, *steps: Step) -> Promise:
        place = f"/tables/{self._relation.name}"
        return Promise(
            f"{self._relation.name}: {says}",
            (f"{place}/policies/{policy}" if policy else place,),
            says,
            (*self._planted, *steps),
        )


def held(blueprint: Blueprint, rows: str, count: int, tenant: str) -> Step:
    """A block that fails unless the tables' owner sees so many rows in that tenant's name."""
    owner = ident(role(blueprint.logical, "owner"))
    block = f"""DO $$
DECLARE
    found bigint;
BEGIN
    SET LOCAL ROLE {owner};
    SELECT count(*) INTO found FROM {rows};
    IF found <> {count} THEN
        RAISE EXCEPTION 'the owner sees % rows', found;
    END IF;
END $$"""
    return Step(block, tenant=tenant)


def plain_column(table: Table) -> str:
    """A column that a statement may set to what it is, as written; empty when there is none."""
    return next(
        (ident(c.name) for c in table.columns.values() if not (c.identity or c.generated)), ""
    )
