"""Sample rows of a design: valid, and the same each time.

`Rows` makes a row of any relation with all that it needs: its parents, and what deferred
constraints want at the end of the transaction. Another number is another row, with other values
wherever something is unique; row 3 refers to the third row of each parent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ...ddl.model import Column, Name, Table
from ...engines.limits import quote
from ..logical.model import Field, Reference, Relation
from ..physical.blueprint import Blueprint
from .values import Span, Value, literal, of_type, plain

TENANTS_APART = 10_000  # numbers of a tenant's rows
_LEFT_TO_DEFAULTS = ("updated_at", "updated_by", "version", "queue")


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

    @property
    def insert(self) -> str:
        """The row's own statement."""
        return self.statements[-1]


@dataclass(frozen=True, slots=True)
class _Row:
    """A row that was made, and the rows that it refers to, by reference."""

    relation: Relation
    values: Mapping[str, Value]
    parents: Mapping[str, _Row] = field(default_factory=dict)
    doubt: str = ""


class Rows:
    """Sample rows of a design."""

    def __init__(self, blueprint: Blueprint) -> None:
        self._blueprint = blueprint
        self._dialect = blueprint.dialect
        self._relations = blueprint.logical.relations
        self._order = {name: place for place, name in enumerate(self._relations)}
        self._made: dict[tuple[str, int, int], _Row] = {}

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
        literals = {**(given or {}), **literals}
        row = self._row(relation, number, tenant)
        table = self._blueprint.table(relation)
        parents: dict[str, None] = {}
        for reference in row.relation.references:
            if reference.name in row.parents and not set(reference.fields) <= literals.keys():
                self._insert_all(row.parents[reference.name], parents)
        values = {**self._literals(table, row), **literals}
        return Made(
            statements=(*parents, self._insert(table, values)),
            values=values,
            where=self._where(table, values),
            parents=tuple(parents),
            doubt=row.doubt,
        )

    def tenant(self, number: int) -> str:
        """The key of a tenant as text: what an application sets for its transaction."""
        relation = self._tenants()
        if relation is None:
            return ""
        value = self._row(relation.name, number, number).values[relation.key[-1]]
        column = self._blueprint.table(relation.name).columns[relation.key[-1]]
        text = literal(value, column.type, self._dialect)
        return text[1:-1] if text.startswith("'") else text

    def _tenants(self) -> Relation | None:
        tenancy = self._blueprint.logical.domain.tenancy
        if tenancy.kind != "shared" or not tenancy.entity:
            return None
        return self._blueprint.logical.of(tenancy.entity)

    def _row(self, name: str, number: int, tenant: int) -> _Row:
        key = (name, number, tenant if self._relations[name].tenant else 0)
        if key not in self._made:
            self._made[key] = self._new(*key)
        return self._made[key]

    def _new(self, name: str, number: int, tenant: int) -> _Row:
        relation, table = self._relations[name], self._blueprint.table(name)
        serial = number + TENANTS_APART * tenant
        unique = {column for columns in _unique_sets(table) for column in columns}
        values: dict[str, Value] = {}
        for each in relation.fields.values():
            if each.role not in _LEFT_TO_DEFAULTS:
                values |= self._plain(relation, each, serial, unique)
        for column in table.columns.values():
            if column.name not in values and _is_demanded(column):
                values[column.name] = of_type(column.type, column.name, serial)
        parents = dict(self._parents(relation, number, tenant))
        for reference in relation.references:
            parent = parents.get(reference.name)
            for mine, theirs in zip(reference.fields, reference.target_fields, strict=True):
                if parent is not None:
                    values[mine] = parent.values[theirs]
                elif not relation.fields[mine].required:
                    values[mine] = None
        values = {c: v for c, v in values.items() if c in table.columns}
        values = {c: v for c, v in values.items() if table.columns[c].generated is None}
        return _Row(relation, values, parents)

    def _plain(
        self, relation: Relation, each: Field, serial: int, unique: set[str]
    ) -> Mapping[str, Value]:
        columns = each.columns(self._dialect)
        if each.role == "deleted_at":
            return dict.fromkeys(columns)
        states = relation.states
        if states and each.name == states.attribute:
            return {columns[0]: states.initial[0]}
        if each.role == "attribute" and relation.kind == "values" and relation.rows:
            return {columns[0]: f"value_{serial}"}
        value = plain(each, serial, not unique.isdisjoint(columns))
        if len(columns) == 2 and isinstance(value, Span):
            return dict(zip(columns, (value.start, value.end), strict=True))
        return {columns[0]: value}

    def _parents(self, relation: Relation, number: int, tenant: int) -> Iterator[tuple[str, _Row]]:
        for reference in relation.references:
            optional = any(not relation.fields[name].required for name in reference.fields)
            later = self._order[reference.target] >= self._order[relation.name]
            if not (optional and later):
                yield reference.name, self._parent(reference, number, tenant)

    def _parent(self, reference: Reference, number: int, tenant: int) -> _Row:
        target = self._relations[reference.target]
        tenants = self._tenants()
        if tenants is not None and target.name == tenants.name:
            number = tenant
        return self._row(target.name, number, tenant)

    def _insert_all(self, row: _Row, into: dict[str, None]) -> None:
        for parent in row.parents.values():
            self._insert_all(parent, into)
        table = self._blueprint.table(row.relation.name)
        into[self._insert(table, self._literals(table, row))] = None

    def _literals(self, table: Table, row: _Row) -> dict[str, str]:
        return {
            name: literal(value, table.columns[name].type, self._dialect)
            for name, value in row.values.items()
        }

    def _insert(self, table: Table, given: Mapping[str, str]) -> str:
        columns = ", ".join(map(self._quote, given))
        always = any(
            column.identity and column.identity.always and given.get(name, "DEFAULT") != "DEFAULT"
            for name, column in table.columns.items()
        )
        overriding = "OVERRIDING SYSTEM VALUE " if always else ""
        return (
            f"INSERT INTO {self.name(table.name)} ({columns})"
            f" {overriding}VALUES ({', '.join(given.values())})"
        )

    def _where(self, table: Table, given: Mapping[str, str]) -> str:
        key = table.primary_key.columns if table.primary_key else tuple(table.columns)
        terms = (
            f"{self._quote(c)} IS NULL" if given[c] == "NULL" else f"{self._quote(c)} = {given[c]}"
            for c in key
            if c in given
        )
        return " AND ".join(terms)

    def name(self, name: Name) -> str:
        """A table's name as written in a statement."""
        schema = "" if name.schema in ("", "public") else f"{self._quote(name.schema)}."
        return schema + self._quote(name.name)

    def _quote(self, name: str) -> str:
        return quote(self._dialect, name)


def _unique_sets(table: Table) -> Iterator[tuple[str, ...]]:
    """The columns of everything that is unique, also under a condition or as an expression."""
    yield from (key.columns for key in table.keys.values())
    for index in table.indexes.values():
        if index.unique:
            yield tuple(str(part.expression) for part in index.parts if part.is_column)


def _is_demanded(column: Column) -> bool:
    made = column.default is not None or column.generated or column.identity
    return column.not_null is not None and not made and not column.auto_increment
