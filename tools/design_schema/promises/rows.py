"""Sample rows of a design: valid, and the same each time.

`Rows` makes a row of any relation with all that it needs: its parents, and what deferred
constraints want at the end of the transaction. Another number is another row, with other values
wherever something is unique; row 3 refers to the third row of each parent. What checks demand is
found by trying (`search`); where that fails, the row says so (`doubt`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from ...ddl.model import Name, Table
from ...engines.limits import quote
from ..logical.model import Field, Reference, Relation
from ..physical.blueprint import Blueprint
from .children import Family
from .evaluate import Unknown, columns_of
from .search import Condition, Search
from .shape import Row, Shape
from .values import Value, literal

TENANTS_APART: Final = 10_000  # numbers of a tenant's rows
PARENTS_APART: Final = 200  # numbers of parents in one table, where checks want them to differ


@dataclass(frozen=True, slots=True)
class Made:
    """A row with what it needs.

    `statements` are INSERTs, each unlike the others: those of `parents` and the row's own, which is
    last. `closing` are to follow before the transaction ends, where constraints wait until then: a
    parent's other children, those that balance it. `values` are SQL literals by column; `where` is
    a condition on the key that the row alone meets. `doubt` says which condition it may not meet.
    """

    statements: tuple[str, ...]
    values: Mapping[str, str]
    where: str
    parents: tuple[str, ...] = ()
    closing: tuple[str, ...] = ()
    doubt: str = ""
    row: Row | None = field(default=None, repr=False, compare=False)

    @property
    def insert(self) -> str:
        """The row's own statement."""
        return self.statements[-1]

    @property
    def whole(self) -> tuple[str, ...]:
        """All statements of a transaction that can end."""
        return (*self.statements, *self.closing)


@dataclass(frozen=True, slots=True)
class Broken:
    """A row that fails a check, and the other checks that it fails: they imply the one."""

    made: Made
    others: tuple[str, ...]


class Rows:
    """Sample rows of a design."""

    def __init__(self, blueprint: Blueprint) -> None:
        self.blueprint = blueprint
        self._relations = blueprint.logical.relations
        self._order = {name: place for place, name in enumerate(self._relations)}
        self._made: dict[tuple[str, int, int], Row] = {}
        self._shapes: dict[str, Shape] = {}
        self._family = Family(blueprint.logical, self._child)
        tenancy = blueprint.logical.domain.tenancy
        shared = tenancy.kind == "shared" and tenancy.entity
        self._tenants = blueprint.logical.of(tenancy.entity or "") if shared else None

    def row(
        self,
        relation: str,
        number: int = 0,
        *,
        tenant: int = 0,
        given: Mapping[str, str] | None = None,
        **literals: str,
    ) -> Made:
        """A row of a relation: the same for the same arguments.

        `given` and `literals` are SQL for columns, instead of the values that the row would have
        (`NULL` and `DEFAULT` too); a parent is left out if all columns that refer to it are given.
        """
        return self._as_made(self._row(relation, number, tenant), {**(given or {}), **literals})

    def alike(self, made: Made, columns: Collection[str], number: int, tenant: int = 0) -> Made:
        """A valid row with the same values in some columns as a row of its relation."""
        assert made.row is not None
        fixed = {column: made.row.values.get(column) for column in columns}
        return self._as_made(self._new(made.row.relation.name, number, tenant, fixed), {})

    def having(
        self,
        relation: str,
        values: Mapping[str, Value],
        number: int = 0,
        *,
        tenant: int = 0,
        when: str = "",
        unless: str = "",
    ) -> Made | None:
        """A valid row with these values, for which a condition is true; None: not found.

        `unless`: a condition that is not true, in whatever state the row is for that.
        """
        shape = self._shape(relation)
        try:
            more = [Condition(shape.tree(when), "true")] if when else []
            more += [Condition(shape.tree(_not(unless)), "true")] if unless else []
        except Unknown:
            return None
        row = self._new(relation, number, tenant, values, more, any_state=bool(unless))
        return None if row.doubt and row.doubt != shape.undecided else self._as_made(row, {})

    def over(self, made: Made, given: Mapping[str, str]) -> Made:
        """The row with SQL in some columns, instead of the values that it has."""
        assert made.row is not None
        return self._as_made(made.row, given)

    def left_out(self, relation: str, column: str) -> Made:
        """A row that is valid with the default in a column; in `values` it may be another."""
        value = self._shape(relation).default(column)
        made = None if value is None else self.having(relation, {column: value})
        return made or self.row(relation)

    def literal(self, relation: str, column: str, value: Value) -> str:
        """A value as written in a statement."""
        type = self.blueprint.table(relation).columns[column].type
        return literal(value, type, self.blueprint.dialect)

    def meeting(
        self, relation: str, expression: str, number: int = 0, *, any_state: bool = False
    ) -> Made | None:
        """A row of that number for which a condition is true; None when none was found.

        `any_state`: also one that no row begins in.
        """
        return self._changed(relation, number, expression, "true", any_state=any_state)

    def breaking(self, relation: str, check: str, number: int = 0) -> Broken | None:
        """A row of that number that fails a check constraint, if possible no other; or None."""
        expression = self.blueprint.table(relation).checks[check].expression
        made = self._changed(relation, number, expression, "false", without=check)
        if made is not None:
            return Broken(made, ())
        made = self._changed(relation, number, expression, "false", alone=True)
        if made is None or made.row is None:
            return None
        failed = self._shape(relation).failed(made.row.values)
        return Broken(made, tuple(name for name in failed if name != check))

    def pointing(
        self,
        relation: str,
        reference: Reference,
        target: Made,
        number: int,
        *,
        tenant: int = 0,
        but: str = "",
        left: bool = False,
    ) -> Made:
        """A row that refers to another, by all columns `but` one; it is not among the parents.

        `left`: its checks also hold when it refers to none.
        """
        assert target.row is not None
        fixed = {
            mine: target.row.values[theirs]
            for mine, theirs in zip(reference.fields, reference.target_fields, strict=True)
            if mine != but
        }
        more = self._shape(relation).conditions_without(reference.fields) if left else ()
        row = self._new(relation, number, tenant, fixed, more)
        return self._as_made(row, {}, [target.row])

    def columns_of(self, relation: str, expression: str) -> frozenset[str]:
        """The columns that an expression on a relation's table mentions."""
        try:
            return frozenset(columns_of(self._shape(relation).tree(expression)))
        except Unknown:
            return frozenset()

    def tenant(self, number: int) -> str:
        """The key of a tenant as text: what an application sets for its transaction."""
        if self._tenants is None:
            return ""
        column = self._tenants.key[-1]
        value = self._row(self._tenants.name, number, 0).values[column]
        type = self.blueprint.table(self._tenants.name).columns[column].type
        text = literal(value, type, self.blueprint.dialect)
        return text[1:-1] if text.startswith("'") else text

    def name(self, name: Name) -> str:
        """A table's name as written in a statement."""
        schema = "" if name.schema in ("", "public") else f"{self._quote(name.schema)}."
        return schema + self._quote(name.name)

    def _shape(self, relation: str) -> Shape:
        if relation not in self._shapes:
            self._shapes[relation] = Shape(self.blueprint, self._relations[relation])
        return self._shapes[relation]

    def _row(self, name: str, number: int, tenant: int) -> Row:
        key = (name, number, tenant if self._relations[name].tenant else 0)
        if key not in self._made:
            self._made[key] = self._new(*key, {})
        return self._made[key]

    def _new(
        self,
        name: str,
        number: int,
        tenant: int,
        fixed: Mapping[str, Value],
        more: Sequence[Condition] = (),
        *,
        any_state: bool = False,
    ) -> Row:
        shape = self._shape(name)
        conditions = [*shape.conditions(), *more]
        choices = shape.choices_of_any_state if any_state else shape.choices
        search = (conditions, choices, shape.free - fixed.keys(), shape.closed)
        for plain in self._plain_rows(shape, number, tenant, fixed):
            found = Search(*search).row(plain.values)
            if found:
                return replace(plain, values=found, doubt=shape.undecided).consistent()
        doubt = f"no row of {name} was found that meets its checks"
        return replace(plain, doubt=doubt).consistent()

    def _plain_rows(
        self, shape: Shape, number: int, tenant: int, fixed: Mapping[str, Value]
    ) -> Iterator[Row]:
        """The row whatever the checks; then with other parents where several are of one table."""
        plain = shape.plain(number + TENANTS_APART * tenant)
        targets = [reference.target for reference in shape.references]
        for apart in (0, PARENTS_APART) if len(set(targets)) < len(targets) else (0,):
            parents = {
                reference.fields: self._parent(
                    shape.relation,
                    reference,
                    number + apart * (1 + targets[:place].count(reference.target)),
                    tenant,
                )
                for place, reference in enumerate(shape.references)
                if not self._is_left_out(shape.relation, reference, fixed)
            }
            values = {**plain, **shape.referring(parents), **fixed}
            yield Row(shape.relation, number, tenant, values, parents)

    def _is_left_out(
        self, relation: Relation, reference: Reference, fixed: Mapping[str, Value]
    ) -> bool:
        """An optional one that leads in a circle, or one that is given."""
        later = self._order[reference.target] >= self._order[relation.name]
        optional = any(not relation.fields[name].required for name in reference.fields)
        own = set(reference.fields) - {relation.tenant}
        return (later and optional) or (bool(own) and own <= fixed.keys())

    def _parent(self, relation: Relation, reference: Reference, number: int, tenant: int) -> Row:
        target = self._relations[reference.target]
        if self._tenants is not None and target.name == self._tenants.name:
            number = tenant
        for mine, theirs in zip(reference.fields, reference.target_fields, strict=True):
            if target.fields[theirs].role == "subtype":
                number = _of_kind(relation.fields[mine], target.fields[theirs], number, tenant)
        return self._row(target.name, number, tenant)

    def _child(self, name: str, number: int, tenant: int, fixed: Mapping[str, Value]) -> Row:
        """A row that is made for a parent's sake."""
        row = self._row(name, number, tenant)
        if all(row.values.get(column) == value for column, value in fixed.items()):
            return row
        return self._new(name, number, tenant, fixed)

    def _changed(
        self,
        name: str,
        number: int,
        expression: str,
        wanted: Literal["true", "false"],
        *,
        without: str = "",
        alone: bool = False,
        any_state: bool = False,
    ) -> Made | None:
        """A row of which a condition is as it is wanted, and all the others hold, or `alone`."""
        shape = self._shape(name)
        try:
            condition = Condition(shape.tree(expression), wanted)
        except Unknown:
            return None
        conditions = [condition] if alone else [condition, *shape.conditions(without)]
        valid = wanted == "true"
        usual = shape.choices_of_any_state if any_state else shape.choices
        choices = usual if valid else shape.odd_choices
        free = shape.free if valid else shape.free | shape.own
        closed = shape.closed if valid else shape.referring_columns
        for row in (self._row(name, number, 0), *self._plain_rows(shape, number, 0, {})):
            mentioned = [c for c in columns_of(condition.tree) if c not in row.values]
            values = {**shape.defaulted(mentioned, number), **row.values}
            if condition.is_met(values) is None:
                return None
            found = Search(conditions, choices, free, closed).row(values)
            if found is not None:
                changed = replace(row, values=found, doubt=row.doubt or shape.undecided)
                return self._as_made(changed.consistent(), {})
        return None

    def _as_made(self, row: Row, literals: Mapping[str, str], beside: Sequence[Row] = ()) -> Made:
        table = self.blueprint.table(row.relation.name)
        needed: dict[str, Row] = {}
        for fields, parent in row.parents.items():
            if not set(fields) <= literals.keys():
                self._collect(parent, needed)
        values = {**self.literals(row), **literals}
        own = self._insert(table, values)
        there = [*needed.values(), row.with_literals(literals), *beside]
        closing = dict.fromkeys(self._insert_of(each) for each in self._family.missing(there))
        there_already = {*needed, own, self._insert_of(row)}
        doubts = dict.fromkeys(each.doubt for each in there if each.doubt)
        return Made(
            statements=(*needed, own),
            values=values,
            where=self._where(row.relation, table, values),
            parents=tuple(needed),
            closing=tuple(sql for sql in closing if sql not in there_already),
            doubt="; ".join(doubts),
            row=row,
        )

    def _collect(self, row: Row, into: dict[str, Row]) -> None:
        """The row and all that it refers to, by statement, each after what it needs."""
        for parent in row.parents.values():
            self._collect(parent, into)
        into[self._insert_of(row)] = row

    def _insert_of(self, row: Row) -> str:
        return self._insert(self.blueprint.table(row.relation.name), self.literals(row))

    def literals(self, row: Row) -> dict[str, str]:
        """The values of a row as SQL."""
        columns = self.blueprint.table(row.relation.name).columns
        return {
            name: literal(value, columns[name].type, self.blueprint.dialect)
            for name, value in row.values.items()
        }

    def _insert(self, table: Table, given: Mapping[str, str]) -> str:
        always = any(
            column.identity and column.identity.always and given.get(name, "DEFAULT") != "DEFAULT"
            for name, column in table.columns.items()
        )
        overriding = "OVERRIDING SYSTEM VALUE " if always else ""
        return (
            f"INSERT INTO {self.name(table.name)} ({self._listed(list(given))})"
            f" {overriding}VALUES ({', '.join(given.values())})"
        )

    def _where(self, relation: Relation, table: Table, given: Mapping[str, str]) -> str:
        key = table.primary_key.columns if table.primary_key else tuple(given)
        if table.partition_by:  # the time is in the key for their sake, and a trigger may write it
            key = relation.key
        terms = (
            f"{self._quote(c)} IS NULL" if given[c] == "NULL" else f"{self._quote(c)} = {given[c]}"
            for c in key
            if c in given
        )
        return " AND ".join(terms)

    def _listed(self, names: Sequence[str]) -> str:
        return ", ".join(map(self._quote, names))

    def _quote(self, name: str) -> str:
        return quote(self.blueprint.dialect, name)


def _of_kind(special: Field, general: Field, number: int, tenant: int) -> int:
    """The number of a row of the general entity that is of a special kind: kinds take turns."""
    kinds = general.type.values
    wanted = kinds.index(special.type.values[0])
    return number * len(kinds) + (wanted - TENANTS_APART * tenant) % len(kinds)


def _not(expression: str) -> str:
    return f"NOT coalesce(({expression}), false)"
