"""Tables with their columns, keys, checks and foreign keys, said as DDL and read as a schema.

The DDL goes through the reader that reads anybody's: what an engine fills in is then filled in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ...ddl.load import fold
from ...ddl.model import Dialect
from ...ddl.script import Statement
from ...engines.limits import quote
from ..decision import Decision
from ..domain.expressions import rendered
from ..domain.model import Check, NoOverlap, RequiredWhen
from ..domain.problem import Problem
from ..domain.reading import BadModel
from ..logical.model import PERIODS, Field, Logical, Reference, Relation, Unique
from .blueprint import Blueprint
from .code import short
from .types import checks_of, default_of, type_of

MYSQLS: Final = (Dialect.MYSQL, Dialect.MARIADB)
_TYPES: Final = {
    Dialect.POSTGRES: "https://www.postgresql.org/docs/current/datatype.html",
    Dialect.MYSQL: "https://dev.mysql.com/doc/refman/8.4/en/data-types.html",
    Dialect.MARIADB: "https://mariadb.com/kb/en/data-types/",
    Dialect.SQLITE: "https://www.sqlite.org/datatype3.html",
}
_OPTIONS: Final = {
    Dialect.MYSQL: " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_as_cs",
    Dialect.MARIADB: " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin",
}
_ANY_CASE: Final = {
    Dialect.MYSQL: " COLLATE utf8mb4_0900_ai_ci",
    Dialect.MARIADB: " COLLATE utf8mb4_unicode_ci",
    Dialect.SQLITE: " COLLATE NOCASE",
}
_GIST: Final = "CREATE EXTENSION btree_gist"  # operator classes for equality in an exclusion
_PARTIAL_SET_NULL: Final = (15,)  # ON DELETE SET NULL (column), PostgreSQL


def tables(logical: Logical, dialect: Dialect, version: tuple[int, ...]) -> Blueprint:
    """The tables of all relations. Raises `BadModel` where two fields claim one column."""
    if clashes := [*_clashes(logical, dialect)]:
        raise BadModel(clashes)
    made = [_Table(logical, relation, dialect, version) for relation in logical.relations.values()]
    excluded = any(
        isinstance(invariant, NoOverlap)
        for relation in logical.relations.values()
        for invariant in relation.invariants
    )
    texts = [
        *([_GIST] if excluded and dialect is Dialect.POSTGRES else []),
        *(each.created() for each in made),
        *(text for each in made for text in each.afterwards()),
    ]
    schema = fold([Statement("design.sql", 0, text) for text in texts], dialect)
    assert not schema.unread, schema.unread
    return Blueprint(
        logical,
        version,
        replace(schema, grants=type(schema.grants)()),
        (*logical.decisions, *(d for each in made for d in each.decisions())),
        rows=tuple(text for each in made for text in each.rows()),
        notes=tuple(dict.fromkeys(note for each in made for note in each.notes())),
    )


def _clashes(logical: Logical, dialect: Dialect) -> Iterator[Problem]:
    """Columns that two fields of a relation would be: of a period and of another attribute."""
    for relation in logical.relations.values():
        claimed: dict[str, Field] = {}
        for field in relation.fields.values():
            for column in field.columns(dialect):
                other = claimed.setdefault(column, field)
                if other is not field:
                    yield Problem(
                        field.source,
                        f"`{relation.entity}.{column}` is also made for {other.source}",
                        f"another name: `{column}` is a column of the period in {dialect}",
                    )


def any_case(field: Field) -> bool:
    """Whether values are equal in any case."""
    return field.type.case_insensitive or field.type.type == "email"


def column_of(logical: Logical, relation: Relation, name: str) -> str:
    """The field that an expression of the model names: an attribute's or a relationship's."""
    if name in relation.fields:
        return name
    named = logical.fields_of(relation.entity, name)
    return named[-1]


def expression_of(
    logical: Logical, relation: Relation, text: str, dialect: Dialect, row: str = ""
) -> str:
    """An expression of the model over a relation's columns, those of a `row` if that is said."""
    periods = [f.name for f in relation.fields.values() if f.type.type in PERIODS]

    def column(name: str) -> str:
        return row + quote(dialect, column_of(logical, relation, name))

    return rendered(text, column, dialect, periods)


@dataclass(frozen=True, slots=True)
class _Table:
    """One relation on its way to a table."""

    logical: Logical
    relation: Relation
    dialect: Dialect
    version: tuple[int, ...]

    def created(self) -> str:
        """CREATE TABLE with all that stands in it."""
        parts = [*map(self._column, self.relation.fields.values())]
        parts += [*self._flags(), *self._keys(), *self._checks()]
        if self.dialect is Dialect.SQLITE:
            parts += [self._foreign_key(each) for each in self.relation.references]
        lines = ",\n    ".join(parts)
        options = _OPTIONS.get(self.dialect, "")
        return f"CREATE TABLE {self._quoted(self.relation.name)} (\n    {lines}\n){options}"

    def afterwards(self) -> Iterator[str]:
        """What needs all tables, or stands beside them."""
        name = self._quoted(self.relation.name)
        if self.dialect is not Dialect.SQLITE:
            for each in self.relation.references:
                yield f"ALTER TABLE {name} ADD {self._foreign_key(each)}"
        for unique in self.relation.uniques:
            if self._is_index(unique):
                yield self._unique_index(unique)
        for invariant in self.relation.invariants:
            if isinstance(invariant, NoOverlap) and self.dialect is Dialect.POSTGRES:
                yield f"ALTER TABLE {name} ADD {self._exclusion(invariant)}"
        for fields in self._to_index():
            index = self._named(fields, "idx")
            yield f"CREATE INDEX {index} ON {name} ({self._listed(fields)})"

    def rows(self) -> Iterator[str]:
        """What a list of values holds from the start."""
        for row in self.relation.rows:
            values = ", ".join("'" + value.replace("'", "''") + "'" for value in row)
            columns = self._listed(tuple(self.relation.fields))
            yield f"INSERT INTO {self._quoted(self.relation.name)} ({columns}) VALUES ({values})"

    def decisions(self) -> Iterator[Decision]:
        """Why types are what they are, where there was a choice."""
        for field in self.relation.fields.values():
            if why := _WHY_TYPE.get((self.dialect, field.type.type)) or _WHY.get(field.type.type):
                yield Decision(
                    f"/tables/{self.relation.name}/columns/{field.columns(self.dialect)[0]}",
                    type_of(field, self.dialect, indexed=self._is_indexed(field)),
                    why,
                    _TYPES[self.dialect],
                    field.source,
                )
        for reference in self.relation.references:
            if reference.relationship:
                yield Decision(
                    f"/tables/{self.relation.name}/foreign_keys/"
                    f"{short('_'.join((self.relation.name, *reference.fields)), 5)}_fkey",
                    f"on delete {self._on_delete(reference)}",
                    _WHY_DELETE[reference.on_delete],
                    "https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK",
                    reference.source,
                )

    def notes(self) -> Iterator[str]:
        """What is kept less well than the model says."""
        for reference in self.relation.references:
            if reference.on_delete == "set null" and self._on_delete(reference) == "RESTRICT":
                yield (
                    f"{self.relation.name}.{reference.fields[-1]}: deleting the"
                    f" {reference.target} is refused instead of setting it to NULL, since the"
                    " tenant beside it would be set to NULL as well; the application sets it first."
                )
        said = [
            self._condition(each.expression if isinstance(each, Check) else each.when)
            for each in self.relation.invariants
            if isinstance(each, Check | RequiredWhen)
        ]
        if self.dialect is Dialect.SQLITE and (
            any(field.type.pattern for field in self.relation.fields.values())
            or any(map(self._is_beyond, said))
        ):
            yield "SQLite has no regular expressions of its own: the application keeps patterns."

    # Columns

    def _column(self, field: Field) -> str:
        columns = field.columns(self.dialect)
        return ",\n    ".join(self._one_column(field, column) for column in columns)

    def _one_column(self, field: Field, column: str) -> str:
        kind = type_of(field, self.dialect, indexed=self._is_indexed(field))
        words = [self._quoted(column), kind]
        if any_case(field) and self.dialect in _ANY_CASE:
            words[1] += _ANY_CASE[self.dialect]
        if field.role == "key" and field.type.type == "integer":
            words.append(_COUNTED[self.dialect])
            if self.dialect is Dialect.SQLITE:
                return " ".join(words)
        if field.type.computed:
            said = expression_of(self.logical, self.relation, field.type.computed, self.dialect)
            words.append(f"GENERATED ALWAYS AS ({said}) STORED")
            return " ".join(words)
        if field.required:
            words.append("NOT NULL")
        if default := default_of(field, self.dialect, self.version):
            words.append(f"DEFAULT {default}")
        return " ".join(words)

    def _is_indexed(self, field: Field) -> bool:
        sets = [self.relation.key, *(u.fields for u in self.relation.uniques)]
        sets += [r.fields for r in self.relation.references]
        return any(field.name in each for each in sets)

    def _flags(self) -> Iterator[str]:
        """MySQL has no partial index: a column that is 1 where the condition holds, else NULL."""
        if self.dialect in MYSQLS:
            for unique in self.relation.uniques:
                if unique.when:
                    said = self._condition(unique.when)
                    name = self._quoted(self._flag(unique))
                    yield f"{name} tinyint AS (CASE WHEN {said} THEN 1 END) VIRTUAL INVISIBLE"

    def _flag(self, unique: Unique) -> str:
        return short(f"{unique.fields[-1]}_counts")

    # Keys

    def _keys(self) -> Iterator[str]:
        key = self.relation.key
        counted = [n for n in key if self.relation.fields[n].role == "key"]
        counts = self._counts()
        if self.dialect is Dialect.SQLITE and counts:
            if len(key) > 1 and self._is_referred_to():
                yield f"CONSTRAINT {self._named(key, 'key')} UNIQUE ({self._listed(key)})"
        else:
            name = "" if self.dialect in MYSQLS else f"CONSTRAINT {self._named((), 'pkey')} "
            yield f"{name}PRIMARY KEY ({self._listed(key)})"
        if self.dialect in MYSQLS and counts and len(key) > 1:
            yield f"UNIQUE KEY {self._named(counted, 'key')} ({self._listed(counted)})"
        for unique in self.relation.uniques:
            if not self._is_index(unique):
                yield self._unique_key(unique)

    def _counts(self) -> bool:
        """Whether the server numbers the rows."""
        field = self.relation.fields[self.relation.key[-1]]
        return field.role == "key" and field.type.type == "integer"

    def _is_referred_to(self) -> bool:
        """Whether a foreign key refers to the whole key."""
        return any(
            reference.target == self.relation.name and reference.target_fields == self.relation.key
            for relation in self.logical.relations.values()
            for reference in relation.references
        )

    def _unique_key(self, unique: Unique) -> str:
        name, columns = self._named(unique.fields, "key"), self._listed(unique.fields)
        if self.dialect in MYSQLS:
            flag = f", {self._quoted(self._flag(unique))}" if unique.when else ""
            return f"UNIQUE KEY {name} ({columns}{flag})"
        ordered = any(self.relation.fields[f].role == "position" for f in unique.fields)
        later = " DEFERRABLE" if ordered and self.dialect is Dialect.POSTGRES else ""
        return f"CONSTRAINT {name} UNIQUE ({columns}){later}"

    def _is_index(self, unique: Unique) -> bool:
        """Whether it can only be said as an index."""
        if self.dialect in MYSQLS:
            return False
        in_any_case = any(any_case(self.relation.fields[name]) for name in unique.fields)
        return bool(unique.when) or (in_any_case and self.dialect is Dialect.POSTGRES)

    def _unique_index(self, unique: Unique) -> str:
        parts = [
            f"lower({self._quoted(name)})"
            if any_case(self.relation.fields[name]) and self.dialect is Dialect.POSTGRES
            else self._quoted(name)
            for name in unique.fields
        ]
        where = f" WHERE {self._condition(unique.when)}" if unique.when else ""
        name = self._named(unique.fields, "key")
        table = self._quoted(self.relation.name)
        return f"CREATE UNIQUE INDEX {name} ON {table} ({', '.join(parts)}){where}"

    def _to_index(self) -> Iterator[tuple[str, ...]]:
        """What refers to others and is found by no key, nor by a longer one of these."""
        open_ = [r.fields for r in self.relation.references if not self._is_covered(r.fields)]
        for fields in dict.fromkeys(open_):
            if not any(each != fields and each[: len(fields)] == fields for each in open_):
                yield fields

    def _is_covered(self, fields: Sequence[str]) -> bool:
        """Whether a key finds what refers to a row: it begins with the fields, or has no more."""
        whole = [u.fields for u in self.relation.uniques if self.dialect in MYSQLS or not u.when]
        key = self.relation.key
        if self.dialect is Dialect.SQLITE and self._counts() and not self._is_referred_to():
            key = key[-1:]  # the rowid alone
        sets = [key, *whole]
        return any(
            tuple(each[: len(fields)]) == tuple(fields) or set(each) <= set(fields) for each in sets
        )

    # Checks and references

    def _checks(self) -> Iterator[str]:
        for field in self.relation.fields.values():
            if field.role in _UNCHECKED or self._refers(field):
                continue
            columns = field.columns(self.dialect)
            written = tuple(map(self._quoted, columns))
            for word, condition in checks_of(field, self.dialect, written):
                name = self._named((field.name, word), "check")
                yield f"CONSTRAINT {name} CHECK ({condition})"
        for reference in self.relation.references:
            optional = [f for f in reference.fields if not self.relation.fields[f].required]
            if len(optional) > 1:  # the foreign key is not looked at when only one is NULL
                name = self._named((*optional, "whole"), "check")
                first, *others = (f"({self._quoted(each)} IS NULL)" for each in optional)
                said = " AND ".join(f"{first} = {other}" for other in others)
                yield f"CONSTRAINT {name} CHECK ({said})"
        for invariant in self.relation.invariants:
            if isinstance(invariant, Check):
                said = self._condition(invariant.expression)
                if self._is_beyond(said):
                    continue
                name = self._named((invariant.name,), "check")
                yield f"CONSTRAINT {name} CHECK ({said})"
            elif isinstance(invariant, RequiredWhen):
                said = self._condition(invariant.when)
                if self._is_beyond(said):
                    continue
                named = column_of(self.logical, self.relation, invariant.attribute)
                columns = self.relation.fields[named].columns(self.dialect)
                given = self._quoted(columns[0])
                name = self._named((named, "required"), "check")
                yield f"CONSTRAINT {name} CHECK (({said}) IS NOT TRUE OR {given} IS NOT NULL)"

    def _refers(self, field: Field) -> bool:
        """Whether another table says which values there are."""
        return any(field.name in reference.fields for reference in self.relation.references)

    def _exclusion(self, said: NoOverlap) -> str:
        """Periods apart; the equal parts need the operator class of btree_gist."""
        per = [f for name in said.per for f in self.logical.fields_of(self.relation.entity, name)]
        same = dict.fromkeys((*([self.relation.tenant] if self.relation.tenant else []), *per))
        parts = [f"{self._quoted(name)} WITH =" for name in same]
        parts.append(f"{self._quoted(said.period)} WITH &&")
        deleted = [f.name for f in self.relation.fields.values() if f.role == "deleted_at"]
        terms = [f"({self._condition(said.when)})"] if said.when else []
        terms += [f"{self._quoted(name)} IS NULL" for name in deleted]
        where = f" WHERE ({' AND '.join(terms)})" if terms else ""
        name = self._named((*per, said.period), "excl")
        return f"CONSTRAINT {name} EXCLUDE USING gist ({', '.join(parts)}){where}"

    def _is_beyond(self, condition: str) -> bool:
        """Whether the engine has no operator for it: SQLite has no regular expressions."""
        return self.dialect is Dialect.SQLITE and " REGEXP " in condition

    def _foreign_key(self, reference: Reference) -> str:
        name = self._named(reference.fields, "fkey")
        target = self._quoted(reference.target)
        return (
            f"CONSTRAINT {name} FOREIGN KEY ({self._listed(reference.fields)})"
            f" REFERENCES {target} ({self._listed(reference.target_fields, reference.target)})"
            f" ON DELETE {self._on_delete(reference)}"
        )

    def _on_delete(self, reference: Reference) -> str:
        if reference.on_delete != "set null":
            return reference.on_delete.upper()
        optional = [f for f in reference.fields if not self.relation.fields[f].required]
        if len(optional) == len(reference.fields):
            return "SET NULL"
        newest = not self.version or self.version >= _PARTIAL_SET_NULL
        if self.dialect is Dialect.POSTGRES and newest:
            return f"SET NULL ({self._listed(optional)})"
        return "RESTRICT"

    # Names

    def _condition(self, text: str) -> str:
        return expression_of(self.logical, self.relation, text, self.dialect)

    def _named(self, parts: Sequence[str], kind: str) -> str:
        name = "_".join((self.relation.name, *parts))
        return self._quoted(f"{short(name, len(kind) + 1)}_{kind}")

    def _listed(self, names: Sequence[str], relation: str = "") -> str:
        """The columns of fields, of another relation if that is said."""
        fields = (self.logical.relations[relation] if relation else self.relation).fields
        columns = (
            column
            for name in names
            for column in (fields[name].columns(self.dialect) if name in fields else (name,))
        )
        return ", ".join(map(self._quoted, columns))

    def _quoted(self, name: str) -> str:
        return quote(self.dialect, name)


_UNCHECKED: Final = ("key", "reference", "tenant", "created_by", "updated_by")
_COUNTED: Final = {
    Dialect.POSTGRES: "GENERATED ALWAYS AS IDENTITY",
    Dialect.MYSQL: "AUTO_INCREMENT",
    Dialect.MARIADB: "AUTO_INCREMENT",
    Dialect.SQLITE: "PRIMARY KEY",
}
_WHY_DELETE: Final = {
    "restrict": "what others refer to is not deleted under them",
    "cascade": "it is part of what is deleted, or means nothing without it",
    "set null": "it stays, and refers to nothing any more",
}
_WHY: Final = {
    "money": "exact to the smallest unit; binary fractions would lose cents",
    "decimal": "exact; binary fractions would round",
    "quantity": "exact; its unit is one for all rows",
    "enum": "text with the values it may have: readable everywhere, and a value is added at once",
    "json": "checked to be JSON; what is asked for often should be a column",
}
_WHY_TYPE: Final = {
    (Dialect.POSTGRES, "instant"): "a moment, whatever the time zone of who writes or reads it",
    (Dialect.POSTGRES, "period"): "one value with both ends, so that overlaps can be excluded",
    (Dialect.POSTGRES, "date_period"): "one value with both ends, so that overlaps can be excluded",
    (Dialect.POSTGRES, "ip"): "checked, half as long as text, and searchable by network",
    (Dialect.MYSQL, "instant"): "UTC, to the microsecond; TIMESTAMP would end in 2038",
    (Dialect.MARIADB, "instant"): "UTC, to the microsecond, as the application writes it",
    (Dialect.SQLITE, "instant"): "UTC as text that SQLite's functions read and that sorts by time",
    (Dialect.SQLITE, "boolean"): "0 or 1: SQLite has no truth values of its own",
}
