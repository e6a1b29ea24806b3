"""Erasure takes what is known of one person, everywhere the model says so, and of nobody else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ...ddl.model import Dialect
from ..logical.model import Relation
from ..physical.blueprint import Blueprint
from ..physical.code import Written, full
from ..physical.erasure import Path, erasing, erasures, neutralised, on_erasure
from ..physical.history import history_columns, history_name, is_kept
from .model import Promise, Step
from .rows import Made, Rows

_WITHOUT_EQUALITY = frozenset(("point", "json"))


def promises(blueprint: Blueprint, rows: Rows) -> Iterator[Promise]:
    """For each kind of person, and each relation that goes with them."""
    for person, affected in erasures(blueprint.logical).items():
        for name, paths in affected.items():
            relation = blueprint.logical.relations[name]
            if on_erasure(relation) == "delete" or neutralised(blueprint, relation)[0]:
                yield _erased(blueprint, blueprint.logical.relations[person], relation, paths, rows)


def _erased(
    blueprint: Blueprint, person: Relation, relation: Relation, paths: list[Path], rows: Rows
) -> Promise:
    """Two persons with a row each; the first is erased."""
    one, other = rows.row(relation.name), rows.row(relation.name, 1)
    who = _key_of_person(rows, person, one, paths[0])
    planted = dict.fromkeys((*one.statements, *other.statements, *one.closing, *other.closing))
    steps = [
        *map(Step, planted),
        *(Step(sql, session="jobs", tenant="") for sql in _calls(blueprint, person, who)),
        *_outcome(blueprint, relation, one, other),
    ]
    says = f"erasure of {person.entity} takes what it says, and of nobody else"
    tables = [relation.name, *(r.target for path in paths for r in path[:-1])]
    if is_kept(blueprint.logical, relation):
        tables.append(history_name(blueprint.logical, relation))
    about = (f"/functions/{erasing(person)}", *(f"/tables/{name}" for name in tables))
    return Promise(f"{relation.name}: {says}", about, says, tuple(steps))


def _key_of_person(rows: Rows, person: Relation, made: Made, path: Path) -> Mapping[str, str]:
    """The key of the person that a row is about, as SQL."""
    row = made.row
    assert row is not None
    for reference in path:
        row = row.parents[reference.fields]
    found = rows.literals(row)
    return {column: found[column] for column in person.key}


def _calls(blueprint: Blueprint, person: Relation, who: Mapping[str, str]) -> Iterator[str]:
    if blueprint.dialect is Dialect.POSTGRES:
        key = ", ".join(who[column] for column in person.key)
        yield f"SELECT {full(blueprint.name(erasing(person)))}({key})"
        return
    for name, statement in (blueprint.jobs or {}).items():
        if re.fullmatch(rf"{re.escape(erasing(person))}_\d+", name):
            yield re.sub(r":(\w+)", lambda m: who.get(m[1], m[0]), statement)


def _outcome(blueprint: Blueprint, relation: Relation, one: Made, other: Made) -> Iterator[Step]:
    q = Written(blueprint)
    tables = [relation.name]
    if is_kept(blueprint.logical, relation):
        tables.append(history_name(blueprint.logical, relation))
    for name in tables:
        count = f"SELECT count(*) FROM {q.table(name)} WHERE"
        if on_erasure(relation) == "delete":
            yield Step(f"{count} {one.where}", returns=[["0"]])
            yield Step(f"{count} {other.where}", returns=[["1"]])
        else:
            yield from _neutral(blueprint, relation, name, one, other)


def _neutral(
    blueprint: Blueprint, relation: Relation, table: str, one: Made, other: Made
) -> Iterator[Step]:
    q = Written(blueprint)
    count = f"SELECT count(*) FROM {q.table(table)} WHERE"
    columns = history_columns(blueprint, relation) if table != relation.name else None
    values = {
        column: value
        for column, value in neutralised(blueprint, relation)[0].items()
        if blueprint.table(relation.name).columns[column].type.name not in _WITHOUT_EQUALITY
        and (columns is None or column in columns)
    }
    erased = _equal(q, values)
    as_before = _equal(q, {c: other.values[c] for c in values if c in other.values})
    yield Step(f"{count} {one.where} AND NOT coalesce({erased}, false)", returns=[["0"]])
    yield Step(f"{count} {other.where} AND ({as_before})", returns=[["1"]])


def _equal(q: Written, values: Mapping[str, str]) -> str:
    terms = (
        f"{q(column)} IS NULL" if value == "NULL" else f"{q(column)} = {value}"
        for column, value in values.items()
    )
    return " AND ".join(terms) or "true"
