"""Promises of triggers that keep rules: states, what never changes, what holds between rows.

Each is tried with the other triggers of its table off, so that it is this one that refuses. What a
deferred one thinks is asked at the end of the transaction, which does not really end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from ...ddl.model import Dialect
from ..domain.model import AtMost, Balance, NoOverlap, StateMachine, children
from ..logical.model import Reference, Relation
from ..physical.blueprint import Blueprint
from ..physical.code import short
from ..physical.erasure import SENSITIVE
from ..physical.partitions import due_field
from ..physical.roles import restricted
from ..physical.tables import expression_of
from .constraints import overlapping
from .model import Promise, Step
from .rows import Made, Rows
from .subject import Subject
from .values import FAR, Span, Value

MAX_CHILDREN: Final = 500  # that are inserted to see one more refused
_APART: Final = 3  # number of a row that is apart from those before


def promises(blueprint: Blueprint, rows: Rows) -> Iterator[Promise]:
    """The promises of every relation's guards."""
    if blueprint.dialect in (Dialect.MYSQL, Dialect.MARIADB):
        return
    for relation in blueprint.logical.relations.values():
        subject = Subject(blueprint, rows, relation, blueprint.table(relation.name))
        if relation.states:
            yield from _states(subject, relation.states)
        yield from _unchanged(subject)
        yield from _counted(subject)
        yield from _between_rows(subject)


def _between_rows(subject: Subject) -> Iterator[Promise]:
    relation = subject.relation
    for invariant in relation.invariants:
        match invariant:
            case AtMost():
                reference, child = _family(subject, invariant.children)
                when = invariant.when or ""
                yield from _at_most(subject, child, reference, invariant.count, when)
            case Balance() if subject.is_postgres:
                yield from _balance(subject, invariant)
            case NoOverlap() if not subject.is_postgres:
                yield from _apart(subject, invariant)
        if invariant.kind == "acyclic":
            (reference,) = (r for r in relation.references if r.name == invariant.relationship)
            yield from _tree(subject, reference)
        elif invariant.kind == "append_only":
            yield from _only_added(subject)
    for reference in relation.references:
        target = _subject(subject, reference.target)
        if reference.at_most:
            yield from _at_most(target, relation, reference, reference.at_most, "")
        if reference.at_least_one and subject.is_postgres:
            yield from _at_least_one(target, relation, reference)


def _family(subject: Subject, name: str) -> tuple[Reference, Relation]:
    """The reference by which children of that name refer to the subject, and their relation."""
    logical = subject.blueprint.logical
    relationship = children(logical.domain, subject.relation.entity, name)
    assert relationship is not None
    child = logical.of(relationship.source)
    (reference,) = (r for r in child.references if r.relationship is relationship)
    return reference, child


def _subject(subject: Subject, relation: str) -> Subject:
    blueprint = subject.blueprint
    found = blueprint.logical.relations[relation]
    return Subject(blueprint, subject.rows, found, blueprint.table(relation))


def _promise(
    subject: Subject,
    triggers: Sequence[str],
    says: str,
    steps: Sequence[Step],
    *made: Made,
    more: Sequence[Subject] = (),
) -> Iterator[Promise]:
    """A promise about triggers of the subject, or of tables beside it, where they are there."""
    tables = [subject.table, *(each.table for each in more)]
    about = tuple(
        place
        for each in (subject, *more)
        for name in triggers
        if name in each.table.triggers
        for place in each.about("triggers", name)
    )
    if about:
        doubts = dict.fromkeys(each.doubt for each in made if each.doubt)
        whole = [*subject.alone(triggers, *tables), *steps]
        # What a trigger sees, it sees with the rights of the owner, whom row security holds.
        whole[0] = replace(whole[0], tenant=subject.rows.tenant(0) or None)
        name = f"{subject.table.name}: {says}"
        yield Promise(name, about, says, tuple(whole), "; ".join(doubts))


def _named(subject: Subject, word: str, events: Sequence[str]) -> tuple[str, list[str]]:
    """The name of a rule, and those of the triggers that keep it."""
    rule = short(f"{subject.relation.name}_{word}", 10)
    return rule, [rule, *(f"{rule}_{event}" for event in events)]


def _update(subject: Subject, made: Made, values: Mapping[str, Value]) -> str:
    assignments = ", ".join(
        f"{subject.quoted(column)} = {subject.rows.literal(subject.relation.name, column, value)}"
        for column, value in values.items()
    )
    return f"UPDATE {subject.name} SET {assignments} WHERE {made.where}"


def _once(*groups: Sequence[str]) -> list[Step]:
    return [Step(sql) for sql in dict.fromkeys(sql for group in groups for sql in group)]


def _values(made: Made | None) -> Mapping[str, Value]:
    assert made is not None
    assert made.row is not None
    return made.row.values


# States


def _states(subject: Subject, machine: StateMachine) -> Iterator[Promise]:
    column, name = machine.attribute, subject.relation.name
    every = list(subject.relation.fields[column].type.values)
    first = machine.initial[0]
    made = subject.rows.row(name)
    rule, triggers = _named(subject, f"{column}_begins", ())
    later = [state for state in every if state not in machine.initial]
    found = (subject.rows.having(name, {column: state}, 1) for state in later)
    bad = next((each for each in found if each is not None), None)
    if bad is not None:
        steps = _once(made.statements, bad.parents)
        steps.append(Step(bad.insert, refused_by=rule))
        says = f"a row begins as {' or '.join(machine.initial)}"
        yield from _promise(subject, triggers, says, steps, made)
    rule, triggers = _named(subject, f"{column}_follows", ())
    follows = machine.transitions.get(first, [])
    steps = _once(made.statements)
    for state in every:
        if state != first and state not in follows:
            steps.append(Step(_update(subject, made, {column: state}), refused_by=rule))
    for state in follows[:1]:
        after = subject.rows.having(name, {column: state})
        if after is not None:
            now = _values(made)
            changed = {c: v for c, v in _values(after).items() if now.get(c) != v}
            steps.append(Step(_update(subject, made, changed)))
            back = [s for s in every if s != state and s not in machine.transitions.get(state, [])]
            steps += [Step(_update(subject, made, {column: s}), refused_by=rule) for s in back]
    says = f"after {first} comes {' or '.join(follows) or 'nothing'}"
    yield from _promise(subject, triggers, says, steps, made)


def _unchanged(subject: Subject) -> Iterator[Promise]:
    rule, triggers = _named(subject, "stays", ())
    trigger = subject.table.triggers.get(rule)
    if trigger is None:
        return
    made, other = subject.row(), _values(subject.row(1))
    now = _values(made)
    steps = _once(made.statements)
    for column in trigger.update_of:
        value = other.get(column)
        if column == subject.relation.tenant or value == now.get(column):
            value = _another(subject, column)
        if value != now.get(column):
            steps.append(Step(_update(subject, made, {column: value}), refused_by=rule))
    says = f"{', '.join(trigger.update_of)} never changes"
    yield from _promise(subject, triggers, says, steps, made)


def _another(subject: Subject, column: str) -> Value:
    """The column's value in a row of another tenant, or none."""
    made = subject.rows.row(subject.relation.name, 0, tenant=1)
    return _values(made).get(column)


def _counted(subject: Subject) -> Iterator[Promise]:
    for field in subject.relation.fields.values():
        if field.role != "version":
            continue
        column = subject.quoted(field.name)
        made = subject.row(0, {field.name: "5"})
        change = f"UPDATE {subject.name} SET {column} = %s WHERE {made.where}"
        steps = _once(made.statements)
        if subject.is_postgres:
            steps.append(Step(change % "77"))
            triggers = [f"counts_{field.name}"]
        else:
            rule, triggers = _named(subject, f"{field.name}_counts", ())
            steps += [Step(change % "77", refused_by=rule), Step(change % f"{column} + 1")]
        seen = f"SELECT {column} FROM {subject.name} WHERE {made.where}"
        steps.append(Step(seen, returns=[["6"]]))
        yield from _promise(subject, triggers, f"{field.name} counts changes", steps, made)


# Between rows


def _at_most(
    parent: Subject, child: Relation, reference: Reference, count: int, when: str
) -> Iterator[Promise]:
    subject = _subject(parent, child.name)
    rows = subject.rows
    if subject.is_postgres:
        rule = short(f"{child.name}_at_most_{count}_of_{reference.name}")
        triggers = [rule]
    else:
        word = f"at_most_{count}_of_{reference.name}"
        rule, triggers = _named(subject, word, ("insert", "update"))
    target = rows.row(parent.relation.name)
    key = _key(reference, target)
    said = _expression(subject, when) if when else ""
    says = f"at most {count} of one {parent.relation.name}" + f", of those with {when}" * bool(when)
    if count > MAX_CHILDREN:
        why = f"more than {MAX_CHILDREN} rows would be needed"
        yield Promise(f"{subject.table.name}: {says}", subject.about(), says, (), why)
        return
    several = [rows.having(child.name, key, number, when=said) for number in range(count + 1)]
    elsewhere = rows.having(child.name, {}, count + _APART, when=said)
    if None in several or elsewhere is None:
        why = "no rows were found for it"
        yield Promise(f"{subject.table.name}: {says}", subject.about(), says, (), why)
        return
    made = [each for each in several if each is not None]
    last = made.pop()
    steps = _once(target.statements, *(each.statements for each in made), last.parents)
    steps.append(Step(last.insert, refused_by=rule))
    known = {step.sql for step in steps}
    steps += [step for step in _once(elsewhere.statements) if step.sql not in known]
    steps.append(Step(_update(subject, elsewhere, key), refused_by=rule))
    yield from _promise(subject, triggers, says, steps, target, *made, last)


def _key(reference: Reference, target: Made) -> dict[str, Value]:
    """The columns that refer to a row."""
    values = _values(target)
    pairs = zip(reference.fields, reference.target_fields, strict=True)
    return {mine: values[theirs] for mine, theirs in pairs}


def _expression(subject: Subject, text: str) -> str:
    """A condition of the model in the engine's words."""
    blueprint = subject.blueprint
    return expression_of(blueprint.logical, subject.relation, text, blueprint.dialect)


def _at_least_one(parent: Subject, child: Relation, reference: Reference) -> Iterator[Promise]:
    subject = _subject(parent, child.name)
    rule = short(f"{parent.relation.name}_has_{child.name}", 8)
    target = parent.row()
    one = subject.rows.pointing(child.name, reference, target, 0)
    steps = _once(target.statements, one.parents)
    steps.append(Step(one.insert, commit=True))
    gone = f"DELETE FROM {subject.name} WHERE {one.where}"
    steps.append(Step(gone, refused_by=rule, commit=True))
    lonely = parent.row(1)
    known = {step.sql for step in steps}
    steps += [Step(sql) for sql in lonely.parents if sql not in known]
    steps.append(Step(lonely.insert, refused_by=rule, commit=True))
    says = f"it has one of {child.name} at least when a transaction ends"
    triggers = [rule, f"{rule}_leaves"]
    yield from _promise(parent, triggers, says, steps, target, one, more=[subject])


def _balance(parent: Subject, said: Balance) -> Iterator[Promise]:
    reference, child = _family(parent, said.children)
    subject = _subject(parent, child.name)
    word = {"=": "equals", "<=": "within", ">=": "covers"}[said.is_]
    rule = short(f"{parent.relation.name}_{said.sum_of}_{word}", 8)
    target = parent.row()
    key, rows = _key(reference, target), subject.rows
    wanted = said.to if isinstance(said.to, int) else _values(target)[said.to]
    total = Decimal(str(wanted))
    some = rows.having(child.name, key, 0)
    if some is None:
        return
    part = Decimal(str(_values(some)[said.sum_of] or 0))
    rest = _kept(rows, child, {**key, said.sum_of: total - part}, part != total)
    steps = _once(target.statements, some.statements, *(each.statements for each in rest))
    steps[-1] = Step(steps[-1].sql, commit=True)
    off = {"=": part + 1, "<=": total + 1, ">=": part - total - 1}[said.is_]
    change = _update(subject, some, {said.sum_of: off})
    steps.append(Step(change, refused_by=rule, commit=True))
    if isinstance(said.to, str):
        other = {"=": total + 1, "<=": total - 1, ">=": total + 1}[said.is_]
        change = _update(parent, target, {said.to: other})
        steps.append(Step(change, refused_by=rule, commit=True))
    says = f"the sum of {said.sum_of} of {child.name} {said.is_} {said.to}"
    triggers = [rule, f"{rule}_of"]
    yield from _promise(parent, triggers, says, steps, target, some, *rest, more=[subject])


def _kept(rows: Rows, child: Relation, fixed: Mapping[str, Any], wanted: bool) -> list[Made]:
    """Another child that makes the sum whole."""
    made = rows.having(child.name, fixed, 1) if wanted else None
    return [] if made is None else [made]


def _tree(subject: Subject, reference: Reference) -> Iterator[Promise]:
    word = f"{reference.name}_is_a_tree"
    if subject.is_postgres:
        rule = short(f"{subject.relation.name}_{word}", 8)
        triggers = [rule]
    else:
        rule, triggers = _named(subject, word, ("insert", "update"))
    root = subject.row()
    leaf = subject.rows.pointing(subject.relation.name, reference, root, 1)
    steps = _once(root.statements, leaf.statements)
    steps.append(Step(_update(subject, root, _key(reference, leaf)), refused_by=rule))
    itself = subject.row(2)
    looped = subject.rows.pointing(subject.relation.name, reference, itself, 2)
    known = {step.sql for step in steps}
    steps += [Step(sql) for sql in looped.parents if sql not in known]
    steps.append(Step(looped.insert, refused_by=rule))
    says = f"{reference.name} never leads back to the row itself"
    yield from _promise(subject, triggers, says, steps, root, leaf)


def _only_added(subject: Subject) -> Iterator[Promise]:
    """Neither changed nor, before it is due, deleted."""
    rule, triggers = _named(subject, "only_grows", ("delete", "update"))
    made = subject.row()
    steps = _once(made.statements)
    column, value = _change(subject, made)
    change = f"UPDATE {subject.name} SET {subject.quoted(column)} = {value} WHERE {made.where}"
    steps.append(Step(change, refused_by=rule))
    early = short(f"{subject.relation.name}_only_grows_until_due", 10)
    if early in subject.table.triggers:
        yield from _stays(subject, early)
    elif any("delete" in t.events for n, t in subject.table.triggers.items() if n in triggers):
        steps.append(Step(f"DELETE FROM {subject.name} WHERE {made.where}", refused_by=rule))
    yield from _promise(subject, triggers, "rows are added, never changed or deleted", steps, made)


def _change(subject: Subject, made: Made) -> tuple[str, str]:
    """A column that says nothing of a person, and a value that it does not have."""
    other = subject.row(1)
    sensitive = restricted(subject.relation, subject.blueprint.dialect, SENSITIVE)
    return next(
        (name, other.values[name])
        for name, column in subject.table.columns.items()
        if not (column.identity or name in sensitive)
        and name in made.values.keys() & other.values.keys()
        and made.values[name] != other.values[name]
    )


def _stays(subject: Subject, rule: str) -> Iterator[Promise]:
    """A row that is due in a thousand years is not deleted."""
    due = due_field(subject.relation)
    assert due is not None
    when: Value = FAR if due.type.type == "instant" else FAR.date()
    made = subject.rows.having(subject.relation.name, {due.name: when})
    if made is not None:
        steps = _once(made.statements)
        steps.append(Step(f"DELETE FROM {subject.name} WHERE {made.where}", refused_by=rule))
        yield from _promise(subject, [rule], "a row stays until it is due", steps, made)


def _apart(subject: Subject, said: NoOverlap) -> Iterator[Promise]:
    relation, logical = subject.relation, subject.blueprint.logical
    per = [f for name in said.per for f in logical.fields_of(relation.entity, name)]
    own_per = dict.fromkeys(name for name in per if name != relation.tenant)
    word = "_".join((*own_per, said.period, "apart"))
    rule, triggers = _named(subject, word, ("insert", "update"))
    when = _expression(subject, said.when) if said.when else ""
    first = subject.rows.having(relation.name, {}, 0, when=when)
    if first is None:
        return
    period = relation.fields[said.period].columns(subject.blueprint.dialect)
    own = _values(first)
    shifted = overlapping(Span(*(own[column] for column in period)))
    assert isinstance(shifted, Span)
    same = {c: own[c] for c in per if c in own}
    same |= dict(zip(period, (shifted.start, shifted.end), strict=True))
    clash = subject.rows.having(relation.name, same, 1, when=when)
    other = subject.rows.having(relation.name, {c: own[c] for c in per}, _APART, when=when)
    if clash is None or other is None:
        return
    steps = _once(first.statements, clash.parents)
    steps.append(Step(clash.insert, refused_by=rule))
    known = {step.sql for step in steps}
    steps += [step for step in _once(other.statements) if step.sql not in known]
    moved = {column: same[column] for column in period}
    steps.append(Step(_update(subject, other, moved), refused_by=rule))
    if when:
        gone = subject.rows.having(relation.name, same, 2, unless=when)
        steps += [Step(sql) for sql in gone.statements if sql not in known] if gone else []
    says = f"{said.period} of two rows do not overlap"
    yield from _promise(subject, triggers, says, steps, first, clash, other)
