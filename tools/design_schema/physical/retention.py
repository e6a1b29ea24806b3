"""What is deleted by age: in batches, by a job that an index serves, and by no other condition.

A row that others refer to, and that the model does not let go with them, waits until they are gone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from ...ddl.model import Dialect, Index, IndexPart, Sql, Table
from ..decision import Decision
from ..logical.model import Field, Logical, Reference, Relation
from .blueprint import Blueprint
from .code import Written, short, with_grants
from .history import history_name, is_kept
from .partitions import due_field
from .roles import right, role

BATCH: Final = 1_000  # rows of a transaction, so that none holds locks or the log for long
DEPTH: Final = 3  # of cascades that are followed; beyond them the foreign key refuses the batch
MOST_BLOCKERS: Final = 100
MOST_GOING: Final = 500  # ways by which rows go with a row
_LIMITATION: Final = "https://eur-lex.europa.eu/eli/reg/2016/679/oj#d1e1888-1-1"  # article 5 (1) e


def retention(blueprint: Blueprint) -> Blueprint:
    """The blueprint with a job for each relation whose rows are kept for some days only.

    Sources come before what they refer to: their rows go first.
    """
    for relation in reversed(list(blueprint.logical.relations.values())):
        kept = relation.of.retention if relation.of else None
        if kept is None:
            continue
        if kept.keep_days is not None:
            blueprint = _limited(blueprint, relation, kept.keep_days)
        elif kept.basis:
            blueprint = blueprint.with_tables((), (_for_ever(relation, kept.basis),))
    return blueprint


def cutoff(dialect: Dialect, field: Field, days: int) -> str:
    """What is before this is due, as SQL."""
    is_date = field.type.type == "date"
    if dialect is Dialect.POSTGRES:
        return f"current_date - {days}" if is_date else f"now() - interval '{days} days'"
    if dialect is Dialect.SQLITE:
        return f"{'date' if is_date else 'datetime'}('now', '-{days} days')"
    return f"{'UTC_DATE()' if is_date else 'UTC_TIMESTAMP(6)'} - INTERVAL {days} DAY"


def deleting(table: str) -> str:
    """The name of the job that deletes what is due of a table."""
    return f"delete_due_{table}"


def _limited(blueprint: Blueprint, relation: Relation, days: int) -> Blueprint:
    field, table = due_field(relation), blueprint.table(relation.name)
    if field is None:
        note = (
            f"Rows of {relation.name} are to be kept for {days} days, and no date or instant of"
            " theirs says from when: nothing deletes them. Name one in `retention.after`."
        )
        return replace(blueprint, notes=(*blueprint.notes, note))
    if table.partition_by is None:
        blueprint = _deleted(blueprint, relation, field, days)
    if is_kept(blueprint.logical, relation):
        blueprint = _forgotten(blueprint, relation, field, days)
    return blueprint


def _deleted(blueprint: Blueprint, relation: Relation, field: Field, days: int) -> Blueprint:
    """With the job that deletes what is due, and the index that finds it.

    What another transaction changes meanwhile is judged again: hence the condition, twice.
    """
    q, table, key = Written(blueprint), blueprint.table(relation.name), relation.key
    blockers = list(islice(_blockers(blueprint, relation), MOST_BLOCKERS))
    before = cutoff(blueprint.dialect, field, days)
    due = [
        f"SELECT {q.columns(key, 'due')} FROM {q.table(relation.name)} AS due",
        f"WHERE due.{q(field.name)} < {before}",
        *(f"AND NOT {sql}" for sql in dict.fromkeys(each.sql for each in blockers)),
        f"ORDER BY due.{q(field.name)} LIMIT {BATCH}",
    ]
    statement = (
        f"DELETE FROM {q.table(relation.name)}\nWHERE {q(field.name)} < {before}\n"
        f"    AND {q.within(key, due)}"
    )
    what = f"rows of {relation.name} {days} days after {field.name}"
    blueprint = _with_job(blueprint, deleting(relation.name), statement, what)
    decision = Decision(
        f"/tables/{relation.name}",
        f"rows are deleted {days} days after `{field.name}`, {BATCH:,} at a time",
        "short transactions let others go on; what others still refer to waits for them",
        _LIMITATION,
        field.source,
    )
    grants = [*right(blueprint, table.name, "jobs", "select", "delete")]
    for name in blocking(blueprint, relation):
        grants += right(blueprint, blueprint.name(name), "jobs", "select")
    return with_grants(blueprint.with_table(_indexed(table, field), decision), grants)


def blocking(blueprint: Blueprint, relation: Relation) -> list[str]:
    """The other relations that the job looks into: some of their rows keep a row that is due."""
    blockers = islice(_blockers(blueprint, relation), MOST_BLOCKERS)
    return sorted({name for each in blockers for name in each.relations} - {relation.name})


def _forgotten(blueprint: Blueprint, relation: Relation, field: Field, days: int) -> Blueprint:
    """With the job that deletes the versions of rows that are gone and due."""
    q, key = Written(blueprint), relation.key
    past = blueprint.table(history_name(blueprint.logical, relation))
    number = q(next(iter(past.columns)))
    same = " AND ".join(f"other.{q(column)} = last.{q(column)}" for column in key)
    newest = f"SELECT max(other.{number}) FROM {q.table(past.name.name)} AS other WHERE {same}"
    due = [
        f"SELECT {q.columns(key, 'last')} FROM {q.table(past.name.name)} AS last",
        f"WHERE last.{q(field.name)} < {cutoff(blueprint.dialect, field, days)}",
        f"AND last.{number} = ({newest})",
        f"AND NOT EXISTS (SELECT 1 FROM {q.table(relation.name)} AS other WHERE {same})",
        f"ORDER BY last.{q(field.name)} LIMIT {BATCH}",
    ]
    statement = f"DELETE FROM {q.table(past.name.name)}\nWHERE {q.within(key, due)}"
    what = f"versions of rows of {relation.name} that are gone, {days} days after {field.name}"
    blueprint = _with_job(blueprint, deleting(past.name.name), statement, what)
    grants = [
        *right(blueprint, past.name, "jobs", "select", "delete"),
        *right(blueprint, blueprint.name(relation.name), "jobs", "select"),
    ]
    return with_grants(blueprint.with_table(_indexed(past, field)), grants)


def _with_job(blueprint: Blueprint, name: str, statement: str, what: str) -> Blueprint:
    by = f" as {role(blueprint.logical, 'jobs')}" if blueprint.dialect is not Dialect.SQLITE else ""
    comment = f"-- Every hour{by}, until it finds none: {what}."
    return replace(blueprint, jobs={**(blueprint.jobs or {}), name: f"{comment}\n{statement}"})


def _indexed(table: Table, field: Field) -> Table:
    """With an index that leads with the field, unless there is one."""
    first = {index.columns[:1] for index in table.indexes.values() if index.where is None}
    if (field.name,) in first or (table.primary_key and table.primary_key.columns[0] == field.name):
        return table
    index = Index(short(f"{table.name.name}_{field.name}_idx"), (IndexPart(Sql(field.name)),))
    return replace(table, indexes={**table.indexes, index.name: index})


@dataclass(frozen=True, slots=True)
class _Blocker:
    """A condition under which a row cannot be deleted yet, and the relations that it reads."""

    sql: str
    relations: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Going:
    """Rows that go with a row that is deleted, as the inside of a condition on that row."""

    relation: str
    alias: str = "due"
    before: str = ""
    relations: frozenset[str] = frozenset()

    @property
    def depth(self) -> int:
        """How many conditions are open."""
        return len(self.relations)

    def further(self, relation: str, alias: str, before: str) -> _Going:
        """What goes with these rows."""
        return _Going(relation, alias, before, self.relations | {relation})


def _blockers(blueprint: Blueprint, target: Relation) -> Iterator[_Blocker]:
    """What keeps rows of a relation: restricted sources, also those of what goes with it."""
    q, sources = Written(blueprint), _sources(blueprint.logical)
    todo = deque([_Going(target.name)])
    for _ in range(MOST_GOING):
        if not todo:
            return
        going = todo.popleft()
        for number, (source, reference) in enumerate(sources[going.relation]):
            own = f"{going.alias}_{number}"
            joined = " AND ".join(
                f"{own}.{q(mine)} = {going.alias}.{q(theirs)}"
                for mine, theirs in zip(reference.fields, reference.target_fields, strict=True)
            )
            rows = f"{going.before}EXISTS (SELECT 1 FROM {q.table(source)} AS {own} WHERE {joined}"
            is_new = source not in {target.name, *going.relations}
            if reference.on_delete == "restrict":
                yield _Blocker(rows + ")" * (going.depth + 1), going.relations | {source})
            elif reference.on_delete == "cascade" and is_new and going.depth < DEPTH:
                todo.append(going.further(source, own, f"{rows} AND "))


def _sources(logical: Logical) -> Mapping[str, list[tuple[str, Reference]]]:
    """What refers to each relation."""
    found: dict[str, list[tuple[str, Reference]]] = {name: [] for name in logical.relations}
    for relation in logical.relations.values():
        for reference in relation.references:
            found[reference.target].append((relation.name, reference))
    return found


def _for_ever(relation: Relation, basis: str) -> Decision:
    return Decision(f"/tables/{relation.name}", "rows are kept for ever", basis, _LIMITATION)
