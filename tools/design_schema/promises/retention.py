"""What is due goes, and nothing else: partitions, rows and their versions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from ...ddl.model import Dialect, Table
from ...ddl.postgres.text import ident, literal
from ..logical.model import Field, Relation
from ..physical.blueprint import Blueprint
from ..physical.code import Written, full
from ..physical.history import history_name, is_kept
from ..physical.partitions import adding, dropping, due_field, moment, unit
from ..physical.retention import blocking, cutoff, deleting
from ..physical.roles import JOBS_POLICY, role
from .model import Promise, Step
from .rows import Made, Rows
from .values import BEGIN, Value

BESIDE: Final = 5  # number of a row that no other of the promise refers to
MARGIN: Final = 2  # days between what is due and what is not


def promises(blueprint: Blueprint, rows: Rows) -> Iterator[Promise]:
    """For each partitioned table, and each relation that is kept for some days only."""
    for relation in blueprint.logical.relations.values():
        kept = relation.of.retention if relation.of else None
        days = kept.keep_days if kept else None
        field = moment(relation)
        if blueprint.table(relation.name).partition_by and field:
            partitioned = _Partitioned(blueprint, relation, field, rows)
            yield partitioned.ahead()
            if days:
                yield partitioned.dropped(days)
            if days and is_kept(blueprint.logical, relation):
                yield _Aged(blueprint, relation, field, days, rows).forgotten()
        elif days and (due := due_field(relation)):
            yield from _Aged(blueprint, relation, due, days, rows).promises()


class _Dated:
    """A relation whose rows have a time, and how to plant some of any age."""

    def __init__(self, blueprint: Blueprint, relation: Relation, field: Field, rows: Rows) -> None:
        self._blueprint, self._relation, self._field, self._rows = blueprint, relation, field, rows
        self._table: Table = blueprint.table(relation.name)
        self._q = Written(blueprint)
        self._name = self._q.table(relation.name)
        self._is_postgres = blueprint.dialect is Dialect.POSTGRES

    def made(self, number: int, when: str, days: int = 0) -> Made:
        """A row with that time, as SQL; what checks compare with it is so many days older."""
        name, about = self._field.name, BEGIN - timedelta(days)
        value: Value = about if self._field.type.type == "instant" else about.date()
        made = self._rows.having(self._relation.name, {name: value}, number) if days else None
        return self._rows.over(made or self._rows.row(self._relation.name, number), {name: when})

    def before(self, days: int) -> str:
        """So many days ago, as SQL."""
        return cutoff(self._blueprint.dialect, self._field, days)

    def planted(self, *rows: Made, beside: tuple[Made, ...] = ()) -> Iterator[Step]:
        """Rows as they are given: without the triggers that would write the time of now.

        `beside`: those that are there already.
        """
        there = {sql for row in beside for sql in (*row.statements, *row.closing)}
        parents = dict.fromkeys(sql for row in rows for sql in row.parents)
        yield from (Step(sql) for sql in parents if sql not in there)
        there |= parents.keys()
        yield from self._off("DISABLE")
        inserts = dict.fromkeys(sql for row in rows for sql in (row.insert, *row.closing))
        yield from (Step(sql) for sql in inserts if sql not in there)
        yield from self._off("ENABLE")

    def _off(self, how: str) -> Iterator[Step]:
        if self._is_postgres:
            if how == "ENABLE":
                yield Step("SET CONSTRAINTS ALL IMMEDIATE")
            yield Step(f"ALTER TABLE {self._name} {how} TRIGGER USER")

    def moved(self, made: Made, when: str) -> Iterator[Step]:
        """A row that is there gets another time."""
        if self._is_postgres:
            yield Step("SET CONSTRAINTS ALL IMMEDIATE")
        else:
            yield from (Step(f"DROP TRIGGER {self._q(name)}") for name in self._table.triggers)
        yield from self._off("DISABLE")
        column = self._q(self._field.name)
        yield Step(f"UPDATE {self._name} SET {column} = {when} WHERE {made.where}")
        yield from self._off("ENABLE")

    def there(self, made: Made, count: int, table: str = "") -> Step:
        """How many rows with the key there are."""
        terms = (f"{self._q(c)} = {made.values[c]}" for c in self._relation.key)
        sql = f"SELECT count(*) FROM {table or self._name} WHERE {' AND '.join(terms)}"
        return Step(sql, returns=[[str(count)]])

    def promise(self, says: str, steps: Sequence[Step], *about: str) -> Promise:
        """A promise of the relation."""
        return Promise(f"{self._relation.name}: {says}", about, says, tuple(steps))


class _Partitioned(_Dated):
    """A table with partitions by time."""

    def _rest(self) -> Table:
        return next(
            table
            for table in self._blueprint.schema.tables.values()
            if table.partition_of and table.partition_of.parent == self._table.name
        )

    def ahead(self) -> Promise:
        """A row of now waits in the default partition, one of the next span has its own at once."""
        rest = full(self._rest().name)
        at = "current_date" if self._field.type.type == "date" else "now()"
        now = self.made(0, at)
        later = self.made(1, f"{at} + interval '1 {unit(self._relation)}'")
        add = Step(f"SELECT {full(adding(self._table.name))}()", session="jobs", tenant="")
        steps = [
            *self.planted(now),
            self.there(now, 1, rest),
            add,
            self.there(now, 0, rest),
            self.there(now, 1),
            *self.planted(later, beside=(now,)),
            self.there(later, 0, rest),
            self.there(later, 1),
        ]
        says = "rows find a partition made ahead; one that came before it is moved to it"
        return self.promise(says, steps, f"/tables/{self._rest().name.name}")

    def dropped(self, days: int) -> Promise:
        """A due row in a partition of its own, one in the default partition, one not due."""
        lost, late, fresh = (
            self.made(0, self.before(days + 2 * MARGIN)),
            self.made(1, self.before(days + 9 * MARGIN)),
            self.made(2, self.before(max(days - MARGIN, 0))),
        )
        drop = Step(f"SELECT {full(dropping(self._table.name))}()", session="jobs", tenant="")
        steps = [
            Step(self._old_partition(days)),
            *self.planted(lost, late, fresh),
            drop,
            self.there(lost, 0),
            self.there(late, 0),
            self.there(fresh, 1),
        ]
        says = f"rows go with their partition {days} days after {self._field.name}, no others do"
        return self.promise(says, steps, f"/functions/{dropping(self._table.name)}()")

    def _old_partition(self, days: int) -> str:
        """Made by the owner, as the functions would have made it."""
        part = self._table.name._replace(name="a_partition_of_old")
        owner = ident(role(self._blueprint.logical, "owner"))
        return f"""DO $$
DECLARE
    planter text := current_user;
BEGIN
    SET LOCAL ROLE {owner};
    EXECUTE format(
        {literal(f"CREATE TABLE {full(part)} PARTITION OF {full(self._table.name)}")}
        ' FOR VALUES FROM (%L) TO (%L)',
        {self.before(days + 3 * MARGIN)}, {self.before(days + MARGIN)});
    EXECUTE format('SET LOCAL ROLE %I', planter);
END $$"""


class _Aged(_Dated):
    """A relation whose rows a job deletes."""

    def __init__(
        self, blueprint: Blueprint, relation: Relation, field: Field, days: int, rows: Rows
    ) -> None:
        super().__init__(blueprint, relation, field, rows)
        self._days = days

    def promises(self) -> Iterator[Promise]:
        yield self._deleted()
        yield from self._served()
        blocking = self._blocking()
        if blocking:
            yield self._blocked(blocking)
        if is_kept(self._blueprint.logical, self._relation):
            yield self.forgotten()

    def _job(self, table: str) -> Step:
        sql = (self._blueprint.jobs or {})[deleting(table)]
        return Step(sql, session="jobs", tenant="")

    def _deleted(self) -> Promise:
        due = self.made(0, self.before(self._days + MARGIN), self._days + MARGIN)
        fresh = self.made(1, self.before(max(self._days - MARGIN, 0)), self._days)
        steps = [
            *self.planted(due, fresh),
            self._job(self._relation.name),
            self.there(due, 0),
            self.there(fresh, 1),
        ]
        says = f"rows are deleted {self._days} days after {self._field.name}, no others are"
        names = (self._relation.name, *blocking(self._blueprint, self._relation))
        places = (f"/tables/{name}" for name in names)
        return self.promise(says, steps, f"/jobs/{deleting(self._relation.name)}", *places)

    def _served(self) -> Iterator[Promise]:
        """The index that the job goes by: without it the engine could not."""
        leading = (i for i in self._table.indexes.values() if i.columns[:1] == (self._field.name,))
        index = next(leading, None)
        if index is None:
            return
        condition = f"{self._q(self._field.name)} < {self.before(self._days)}"
        if self._is_postgres:
            step = Step(_goes_by(index.name, self._job(self._relation.name).sql), session="jobs")
        else:
            by = f"{self._name} INDEXED BY {self._q(index.name)}"
            step = Step(f"SELECT count(*) FROM {by} WHERE {condition}")
        place = f"/tables/{self._relation.name}/indexes/{index.name}"
        yield self.promise("an index finds the rows that are due", [step], place)

    def _blocking(self) -> Relation | None:
        """A relation that keeps what it refers to."""
        return next(
            (
                other
                for other in self._blueprint.logical.relations.values()
                for reference in other.references
                if reference.target == self._relation.name
                and reference.on_delete == "restrict"
                and other is not self._relation
            ),
            None,
        )

    def _blocked(self, source: Relation) -> Promise:
        (reference, *_) = (
            r
            for r in source.references
            if r.target == self._relation.name and r.on_delete == "restrict"
        )
        target = self.made(BESIDE, "DEFAULT", self._days + MARGIN)
        assert target.row is not None
        target = self._rows.over(target, {})
        made = self._rows.pointing(source.name, reference, target, 0)
        steps = [
            *map(Step, dict.fromkeys((*target.whole, *made.whole))),
            *self.moved(target, self.before(self._days + MARGIN)),
            self._job(self._relation.name),
            self.there(target, 1),
        ]
        says = f"a row that is due waits for what {source.name} refer to"
        place = f"/tables/{self._relation.name}"
        return self.promise(says, steps, f"/jobs/{deleting(self._relation.name)}", place)

    def forgotten(self) -> Promise:
        """Versions of a row that is gone and due go, those of another that is there stay."""
        past = history_name(self._blueprint.logical, self._relation)
        name, column = self._q.table(past), self._q(self._field.name)
        old, fresh = self.before(self._days + MARGIN), self.before(max(self._days - MARGIN, 0))
        in_key = self._field.name in self._relation.key
        gone, stays = (
            self._rows.row(self._relation.name, n, given={self._field.name: when} if in_key else {})
            for n, when in enumerate((old, fresh))
        )
        planted = (*gone.statements, *stays.statements, *gone.closing, *stays.closing)
        steps = [
            *map(Step, dict.fromkeys(planted)),
            Step(f"DELETE FROM {self._name} WHERE {gone.where}"),
        ]
        if not in_key:
            steps.append(Step(f"UPDATE {name} SET {column} = {old}"))
        steps += [self._job(past), self.there(gone, 0, name), self.there(stays, 1, name)]
        says = "versions of a row that is gone go when they are due"
        place = f"/tables/{past}"
        about = (place, f"{place}/policies/{JOBS_POLICY}")
        return self.promise(says, steps, f"/jobs/{deleting(past)}", *about)


def _goes_by(index: str, statement: str) -> str:
    """A block that fails unless the plan of a statement has the index."""
    return f"""DO $$
DECLARE
    line text;
    plan text := '';
BEGIN
    SET LOCAL enable_seqscan = off;
    FOR line IN EXECUTE {literal("EXPLAIN " + statement)} LOOP
        plan := plan || line;
    END LOOP;
    IF position({literal(ident(index))} IN plan) = 0 THEN
        RAISE EXCEPTION 'no index for what is due: %', plan;
    END IF;
END $$"""
