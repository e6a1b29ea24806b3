"""Promises of keys, checks, references, exclusions, defaults and generated columns.

For each one row that is accepted and one that this object refuses and no other. Triggers of the
table are off meanwhile, so that it is the constraint that is seen, not what stands before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from ...ddl.model import Check, Column, Exclusion, ForeignKey, Index, Key, Table
from ...source import pointer
from ..logical.model import Reference
from ..physical.blueprint import Blueprint
from .model import Promise, Step
from .rows import Broken, Made, Rows
from .sqlite import refers
from .subject import Subject
from .values import Span, Value

NOT_NULL: Final = "23502"
UNIQUE_VIOLATION: Final = "23505"
GENERATED: Final = "428C9"
MISSING: Final = 90  # number of rows that nobody inserts
REFERRED: Final = 2  # number of rows that others are made to refer to
_VOLATILE: Final = ("uuid", "random", "nextval", "clock", "current_timestamp", "strftime", "now")


def promises(blueprint: Blueprint, rows: Rows) -> Iterator[Promise]:
    """The promises of every relation's table."""
    for relation in blueprint.logical.relations.values():
        subject = Subject(blueprint, rows, relation, blueprint.table(relation.name))
        yield from _columns(subject)
        yield from _keys(subject)
        yield from _unique_indexes(subject)
        yield from _checks(subject)
        yield from _exclusions(subject)
        yield from _references(subject)


def _accepted(made: Made) -> list[Step]:
    return [Step(sql) for sql in made.statements]


def _refused(made: Made, by: str, there: list[Step]) -> list[Step]:
    """The parents of a row, as far as they are not there, and the row itself, refused."""
    known = {step.sql for step in there}
    parents = [Step(sql) for sql in made.parents if sql not in known]
    return [*parents, Step(made.insert, refused_by=by)]


def _promise(
    subject: Subject, what: str, about: tuple[str, ...], says: str, steps: list[Step], *made: Made
) -> Promise:
    doubts = dict.fromkeys(each.doubt for each in made if each.doubt)
    name = f"{subject.table.name}: {what}"
    return Promise(name, about, says, (*subject.quiet(), *steps), "; ".join(doubts))


def _columns(subject: Subject) -> Iterator[Promise]:
    primary = subject.table.primary_key
    in_key = set(primary.columns) if primary else set()
    for column in subject.table.columns.values():
        if column.not_null and column.name not in in_key and column.generated is None:
            yield _not_null(subject, column)
        if column.generated:
            yield from _generated(subject, column)
        elif column.identity:
            yield _identity(subject, column)
        elif column.default is not None:
            yield _default(subject, column)


def _not_null(subject: Subject, column: Column) -> Promise:
    first, empty = subject.row(), subject.row(1, {column.name: "NULL"})
    by = subject.refuser(
        NOT_NULL, f"NOT NULL constraint failed: {subject.table.name}.{column.name}"
    )
    there = _accepted(first)
    return _promise(
        subject,
        f"{column.name} is never empty",
        subject.about("columns", column.name, "not_null"),
        f"a row without {column.name} is refused",
        [*there, *_refused(empty, by, there)],
        first,
        empty,
    )


def _generated(subject: Subject, column: Column) -> Iterator[Promise]:
    assert column.generated
    made = subject.row()
    name, says = subject.quoted(column.name), f"{column.name} is made from the row"
    same = f"{name} IS NOT DISTINCT FROM ({column.generated.expression})"
    same = same if subject.is_postgres else f"{name} IS ({column.generated.expression})"
    written = subject.row(1, {column.name: "NULL" if subject.is_postgres else "0"})
    by = subject.refuser(GENERATED, "cannot INSERT into generated column")
    there = _accepted(made)
    yield _promise(
        subject,
        f"{column.name} is computed",
        subject.about("columns", column.name, "generated"),
        f"{says}, and nobody writes it",
        [*there, _shows(subject, made, same), *_refused(written, by, there)],
        made,
        written,
    )


def _shows(subject: Subject, made: Made, condition: str) -> Step:
    """The row meets a condition."""
    sql = f"SELECT count(*) FROM {subject.name} WHERE {made.where} AND {condition}"
    return Step(sql, returns=(("1",),))


def _identity(subject: Subject, column: Column) -> Promise:
    made = subject.row(0, {column.name: "DEFAULT"})
    count = f"SELECT count(*) FROM {subject.name} WHERE {subject.quoted(column.name)} IS NOT NULL"
    steps = [*_accepted(made), Step(count, returns=(("1",),))]
    if column.identity and column.identity.always:
        given = subject.row(1).insert.replace(" OVERRIDING SYSTEM VALUE ", " ", 1)
        steps.append(Step(given, refused_by=GENERATED))
    return _promise(
        subject,
        f"{column.name} is numbered by the server",
        subject.about("columns", column.name, "identity"),
        f"a row without {column.name} gets the next number",
        steps,
        made,
    )


def _default(subject: Subject, column: Column) -> Promise:
    assert column.default is not None
    made = subject.rows.left_out(subject.relation.name, column.name)
    left_out = [name for name in made.values if name != column.name]
    listed = ", ".join(map(subject.quoted, left_out))
    values = ", ".join(made.values[name] for name in left_out)
    always = " OVERRIDING SYSTEM VALUE" if " OVERRIDING SYSTEM VALUE " in made.insert else ""
    insert = f"INSERT INTO {subject.name} ({listed}){always} VALUES ({values})"
    name = subject.quoted(column.name)
    volatile = any(word in column.default.lower() for word in _VOLATILE)
    equal = "IS NOT DISTINCT FROM" if subject.is_postgres else "IS"
    shown = f"{name} IS NOT NULL" if volatile else f"{name} {equal} ({column.default})"
    key = subject.table.primary_key
    where = made.where if key is None or column.name not in key.columns else "true"
    count = f"SELECT count(*) FROM {subject.name} WHERE {where} AND {shown}"
    return _promise(
        subject,
        f"{column.name} has a default",
        subject.about("columns", column.name, "default"),
        f"a row that says nothing of {column.name} gets {column.default}",
        [*(Step(sql) for sql in made.parents), Step(insert), Step(count, returns=(("1",),))],
        made,
    )


def _keys(subject: Subject) -> Iterator[Promise]:
    for name, key in subject.table.keys.items():
        if not key.without_overlaps and not _is_implied(key, subject.table):
            yield _key(subject, name, key)


def _is_implied(key: Key, table: Table) -> bool:
    """Whether a narrower key holds already: it is there to be referred to."""
    others = (other for other in table.keys.values() if other is not key)
    return any(set(other.columns) < set(key.columns) for other in others)


def _key(subject: Subject, name: str, key: Key) -> Promise:
    columns = ", ".join(key.columns)
    first, there = _with_all(subject, key.columns, subject.row())
    twin = subject.other(key.columns, first)
    narrower = [*subject.implying(key.columns, key.name)]
    # A partition's own index refuses, under its own name.
    name = key.name if subject.table.partition_by is None else UNIQUE_VIOLATION
    by = subject.refuser(name, _unique_message(subject, key.columns))
    return _promise(
        subject,
        f"{columns} is unique",
        subject.about("keys", name),
        f"two rows with the same {columns} cannot be",
        [*narrower, *there, *_refused(twin, by, there)],
        first,
        twin,
    )


def _with_all(subject: Subject, columns: Sequence[str], first: Made) -> tuple[Made, list[Step]]:
    """A row that refers to something by these columns, if it refers by them at all, as steps.

    Plain rows leave references out that lead in a circle, and NULL is like no other NULL.
    """
    assert first.row is not None
    empty = {column for column in columns if first.row.values.get(column) is None}
    for reference in subject.relation.references:
        if not empty.isdisjoint(reference.fields):
            target = subject.rows.row(reference.target, REFERRED)
            made = subject.rows.pointing(subject.relation.name, reference, target, 0)
            return made, _once([*target.statements, *made.statements])
    return first, _accepted(first)


def _unique_message(subject: Subject, columns: tuple[str, ...]) -> str:
    return "UNIQUE constraint failed: " + ", ".join(f"{subject.table.name}.{c}" for c in columns)


def _unique_indexes(subject: Subject) -> Iterator[Promise]:
    for index in subject.table.indexes.values():
        if not index.unique:
            continue
        parts = tuple(c for p in index.parts for c in _columns_of(subject, str(p.expression)))
        first = subject.row()
        if index.where is not None:
            found = subject.rows.meeting(subject.relation.name, str(index.where), any_state=True)
            first = found or first
        yield from _unique_index(subject, index, tuple(dict.fromkeys(parts)), first)


def _unique_index(
    subject: Subject, index: Index, columns: tuple[str, ...], first: Made
) -> Iterator[Promise]:
    asked = _columns_of(subject, str(index.where)) if index.where is not None else ()
    first, accepted = _with_all(subject, columns, first)
    twin = subject.other(tuple(dict.fromkeys((*columns, *asked))), first)
    plain = all(part.is_column for part in index.parts)
    message = _unique_message(subject, columns) if plain else f"index '{index.name}'"
    implying = subject.implying((*columns, *asked), index.name)
    there = [*implying, *accepted]
    steps = [*there, *_refused(twin, subject.refuser(index.name, message), there)]
    assert first.row is not None
    same = {column: first.row.values.get(column) for column in columns}
    where = f", of rows with {index.where}" if index.where is not None else ""
    yield _promise(
        subject,
        f"{', '.join(columns)} is unique{' under a condition' if where else ''}",
        subject.about("indexes", index.name),
        f"two rows with the same {', '.join(columns)} cannot be{where}",
        [*steps, *_not_counting(subject, same, index.where, steps)],
        first,
        twin,
    )


def _columns_of(subject: Subject, expression: str) -> tuple[str, ...]:
    """The columns that an expression mentions, in the table's order."""
    if expression in subject.table.columns:
        return (expression,)
    mentioned = subject.rows.columns_of(subject.relation.name, expression)
    return tuple(name for name in subject.table.columns if name in mentioned)


def _checks(subject: Subject) -> Iterator[Promise]:
    for check in subject.table.checks.values():
        broken = subject.rows.breaking(subject.relation.name, check.name, 1)
        if broken is None:
            yield _check(subject, check, [], f"no row was found that fails {check.name}")
        else:
            yield _check(subject, check, _broken(subject, check, broken), "")


def _broken(subject: Subject, check: Check, broken: Broken) -> list[Step]:
    """One row that meets the check, one that does not.

    Where the row fails others as well, which happens when they imply the one, they are taken out of
    the way; SQLite cannot do that, so there it is a check that refuses, whichever.
    """
    there = _accepted(subject.row())
    by = subject.refuser(check.name, f"CHECK constraint failed: {check.name}")
    if broken.others and subject.is_postgres:
        there = [*(subject.dropped(subject.table, name) for name in broken.others), *there]
    elif broken.others:
        by = "CHECK constraint failed"
    return [*there, *_refused(broken.made, by, there)]


def _check(subject: Subject, check: Check, steps: list[Step], doubt: str) -> Promise:
    return Promise(
        f"{subject.table.name}: {check.name}",
        subject.about("checks", check.name),
        f"a row must meet {check.expression}",
        (*subject.quiet(), *steps) if steps else (),
        doubt,
    )


def _exclusions(subject: Subject) -> Iterator[Promise]:
    for exclusion in subject.table.exclusions.values():
        yield _exclusion(subject, exclusion)


def _exclusion(subject: Subject, exclusion: Exclusion) -> Promise:
    first = subject.row()
    if exclusion.where is not None:
        first = (
            subject.rows.meeting(subject.relation.name, str(exclusion.where), any_state=True)
            or first
        )
    expressions = [str(part.expression) for part in exclusion.parts]
    expressions += [str(exclusion.where)] if exclusion.where is not None else []
    columns = list(dict.fromkeys(c for e in expressions for c in _columns_of(subject, e)))
    assert first.row is not None
    same = {column: overlapping(first.row.values.get(column)) for column in columns}
    clash = subject.rows.having(subject.relation.name, same, 1) or subject.other(
        tuple(columns), first
    )
    there = _accepted(first)
    steps = [*there, *_refused(clash, exclusion.name, there)]
    return _promise(
        subject,
        f"no overlap ({exclusion.name})",
        subject.about("exclusions", exclusion.name),
        f"two rows that clash in {', '.join(columns)} cannot be",
        [*steps, *_not_counting(subject, same, exclusion.where, steps)],
        first,
        clash,
    )


def _not_counting(
    subject: Subject, same: Mapping[str, Value], where: str | None, there: Sequence[Step]
) -> list[Step]:
    """A row that is like another, but for the condition: it is accepted."""
    if where is None:
        return []
    made = subject.rows.having(subject.relation.name, same, 2, unless=where)
    return _once(made.statements, there) if made else []


def overlapping(value: Value) -> Value:
    """A period that begins in the middle of another; anything else as it is."""
    if not isinstance(value, Span) or value.start is None or value.end is None:
        return value
    half = (value.end - value.start) // 2
    return Span(value.start + half, value.end + half)


def _references(subject: Subject) -> Iterator[Promise]:
    for key in subject.table.foreign_keys.values():
        reference = next((r for r in subject.relation.references if _is(r, key)), None)
        if reference is not None:
            yield _dangling(subject, key, reference)
            yield _deleted(subject, key, reference)


def _is(reference: Reference, key: ForeignKey) -> bool:
    return reference.fields == key.columns and reference.target == key.table.name


def _dangling(subject: Subject, key: ForeignKey, reference: Reference) -> Promise:
    """A row that refers to none; with tenants also one that refers to another tenant's."""
    rows, name = subject.rows, subject.relation.name
    by = subject.refuser(key.name, refers(str(subject.table.name), str(key.table)))
    late = key.deferrable == "initially deferred" or not subject.is_postgres
    target = rows.row(reference.target)
    if target.row and any(row.relation.name == name for row in target.row.closure()):
        target = rows.row(reference.target, 2)  # the row is not among those it refers to
    pointed = rows.pointing(name, reference, target, 0)
    bad = rows.pointing(name, reference, rows.row(reference.target, MISSING), 1)
    # SQLite says which foreign key is broken when it looks at all of them, at the end.
    wait = () if subject.is_postgres else (Step("PRAGMA defer_foreign_keys = ON"),)
    steps = [
        *wait,
        *(_alone(subject, key) if _is_to_tenant(subject, reference) else ()),
        *_once([*target.statements, *pointed.statements, *bad.parents]),
    ]
    steps.append(Step(bad.insert, refused_by=by, commit=late))
    of_tenant = subject.relation.tenant in reference.fields
    if of_tenant and len(reference.fields) > 1:
        theirs = rows.row(reference.target, 0, tenant=1)
        foreign = rows.pointing(name, reference, theirs, 3, but=subject.relation.tenant)
        steps += _once([*theirs.statements, *foreign.parents], steps)
        steps.append(Step(foreign.insert, refused_by=by, commit=late))
    return _promise(
        subject,
        f"{reference.name} is there",
        (*subject.about("foreign_keys", key.name), *_referred(subject, key)),
        f"{', '.join(key.columns)} must be a row of {key.table}"
        + (" of the same tenant" if of_tenant else ""),
        steps,
        pointed,
        bad,
    )


def _is_to_tenant(subject: Subject, reference: Reference) -> bool:
    return reference.fields == (subject.relation.tenant,)


def _alone(subject: Subject, key: ForeignKey) -> Iterator[Step]:
    """Other foreign keys that have the column, too, out of the way."""
    for other in subject.table.foreign_keys.values():
        if other is not key and set(key.columns) & set(other.columns) and subject.is_postgres:
            yield subject.dropped(subject.table, other.name)


def _once(statements: Sequence[str], there: Sequence[Step] = ()) -> list[Step]:
    """Steps for the statements that are not there yet."""
    known = {step.sql for step in there}
    return [Step(sql) for sql in dict.fromkeys(statements) if sql not in known]


def _referred(subject: Subject, key: ForeignKey) -> Iterator[str]:
    """What a foreign key stands on: the key that it refers to."""
    for name, each in subject.blueprint.schema.tables[key.table].keys.items():
        if set(each.columns) == set(key.referenced):
            yield pointer(("tables", str(key.table), "keys", name))


def _deleted(subject: Subject, key: ForeignKey, reference: Reference) -> Promise:
    """What becomes of a row when the one that it refers to is deleted."""
    target = subject.rows.row(reference.target, 1)
    tenant = int(_is_to_tenant(subject, reference))
    left = key.on_delete == "set null"
    made = subject.rows.pointing(
        subject.relation.name, reference, target, 0, tenant=tenant, left=left
    )
    delete = f"DELETE FROM {subject.rows.name(key.table)} WHERE {target.where}"
    remaining = f"SELECT count(*) FROM {subject.name} WHERE {made.where}"
    steps = [
        *subject.quiet(subject.blueprint.schema.tables[key.table]),
        *_others_dropped(subject, made, target, reference),
        *_once([*target.statements, *made.statements]),
    ]
    if key.on_delete == "cascade":
        steps += [Step(delete), Step(remaining, returns=(("0",),))]
        says = "goes with it"
    elif key.on_delete == "set null":
        columns = key.on_delete_columns or key.columns
        empty = " AND ".join(f"{subject.quoted(c)} IS NULL" for c in columns)
        steps += [Step(delete), Step(f"{remaining} AND {empty}", returns=(("1",),))]
        says = "stays, without it"
    else:
        by = subject.refuser(key.name, "FOREIGN KEY constraint failed")
        late = key.deferrable == "initially deferred" and key.on_delete == "no action"
        steps.append(Step(delete, refused_by=by, commit=late))
        says = "keeps it from being deleted"
    return Promise(
        f"{subject.table.name}: deleting its {reference.name}",
        subject.about("foreign_keys", key.name),
        f"a row {says} when the row of {key.table} that it refers to is deleted",
        tuple(steps),
        made.doubt,
    )


def _others_dropped(subject: Subject, made: Made, target: Made, but: Reference) -> Iterator[Step]:
    """Other foreign keys by which the target is held, out of the way: of parents, say."""
    assert made.row is not None
    assert target.row is not None
    if not subject.is_postgres:
        return
    held = {
        (row.relation.name, reference.fields): None
        for row in made.row.closure()
        for reference in row.references_to(target.row)
        if row is not made.row or reference != but
    }
    for relation, fields in held:
        table = subject.blueprint.table(relation)
        for key in table.foreign_keys.values():
            if key.columns == fields:
                yield subject.dropped(table, key.name)
