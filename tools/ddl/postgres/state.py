"""The schema while PostgreSQL statements are folded into it: drafts, names, search path.

Relations (tables, views, sequences, indexes, composite types) share one set of names in a schema;
constraint names and relation names are drawn from it as PostgreSQL draws them (ChooseRelationName,
ChooseConstraintName).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple, TypeAlias, TypeVar

from postgast import pg_query_pb2 as pg

from ...report import clean
from ..model import (
    At,
    Check,
    Column,
    Composite,
    Dialect,
    Domain,
    Enum,
    Exclusion,
    Extension,
    ForeignKey,
    Function,
    Grant,
    Grants,
    Index,
    Key,
    Name,
    Namespace,
    NotNull,
    Opaque,
    Policy,
    Range,
    Schema,
    Sequence,
    Table,
    Trigger,
    Type,
    Unread,
    View,
)
from .nodes import BUILT_IN_TYPES, data_type, made_name, strings
from .tree import Parsed
from .tree import Unsupported as Unsupported

MAX_UNREAD_TEXT = 200
MAX_COLUMNS = 1600  # PostgreSQL's own limit
TEMPORARY = "pg_temp"
TAKEN = "not "  # before a privilege in `State.grants` that PUBLIC has by default and lost

_T = TypeVar("_T")
Constraint: TypeAlias = Key | ForeignKey | Check | Exclusion


class Relation(NamedTuple):
    """What a relation's name stands for; `home` has the index, or is the relation itself."""

    kind: str  # table, view, sequence, identity, index, composite
    home: Name


@dataclass(slots=True)
class Draft:
    """A table while it changes: its parts by name, and `table` with what is not a mapping.

    Change parts with the methods of `State` where names are to be kept track of.
    """

    table: Table
    columns: dict[str, Column] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)
    foreign_keys: dict[str, ForeignKey] = field(default_factory=dict)
    checks: dict[str, Check] = field(default_factory=dict)
    exclusions: dict[str, Exclusion] = field(default_factory=dict)
    indexes: dict[str, Index] = field(default_factory=dict)
    triggers: dict[str, Trigger] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)
    rules: dict[str, Opaque] = field(default_factory=dict)

    @property
    def name(self) -> Name:
        """The table's name."""
        return self.table.name

    def primary_key(self) -> Key | None:
        """The primary key."""
        return next((key for key in self.keys.values() if key.primary), None)

    def constraints(self) -> Iterator[Constraint]:
        """All named constraints but NOT NULL."""
        yield from self.keys.values()
        yield from self.foreign_keys.values()
        yield from self.checks.values()
        yield from self.exclusions.values()

    def group(self, constraint: Constraint) -> dict[str, Any]:
        """The mapping a constraint belongs to."""
        groups: dict[type, dict[str, Any]] = {
            Key: self.keys,
            ForeignKey: self.foreign_keys,
            Check: self.checks,
            Exclusion: self.exclusions,
        }
        return groups[type(constraint)]

    def constraint(self, name: str) -> Constraint | None:
        """A constraint by name."""
        return (
            self.keys.get(name)
            or self.checks.get(name)
            or self.foreign_keys.get(name)
            or self.exclusions.get(name)
        )

    def has_constraint(self, name: str) -> bool:
        """Whether a constraint of this name exists, NOT NULL included."""
        return self.constraint(name) is not None or self.not_null_column(name) is not None

    def not_null_column(self, name: str) -> Column | None:
        """The column whose NOT NULL has this name."""
        for column in self.columns.values():
            if column.not_null and column.not_null.name == name:
                return column
        return None

    def copy(self) -> Draft:
        """The same, to be changed in another way."""
        return Draft(self.table, *(dict(getattr(self, part)) for part in _PARTS))

    def freeze(self) -> Table:
        """The table."""
        return replace(
            self.table,
            columns=self.columns,
            keys=self.keys,
            foreign_keys=self.foreign_keys,
            checks=self.checks,
            exclusions=self.exclusions,
            indexes=self.indexes,
            triggers=self.triggers,
            policies=self.policies,
            rules=self.rules,
        )


_PARTS = tuple(part.name for part in fields(Draft))[1:]


class State:
    """Everything folded so far, and the statement at hand."""

    def __init__(self) -> None:
        self.namespaces: dict[str, Namespace] = {}
        self.extensions: dict[str, Extension] = {}
        self.enums: dict[Name, Enum] = {}
        self.domains: dict[Name, Domain] = {}
        self.composites: dict[Name, Composite] = {}
        self.ranges: dict[Name, Range] = {}
        self.sequences: dict[Name, Sequence] = {}
        self.tables: dict[Name, Draft] = {}
        self.views: dict[Name, View] = {}
        self.functions: dict[str, Function] = {}
        self.opaque: dict[tuple[str, str], Opaque] = {}
        self.grants: dict[Grant, At | None] = {}
        self.unread: list[Unread] = []
        self.path: tuple[str, ...] = ("public",)
        self.relations: dict[Name, Relation] = {}
        self.constraint_names: Counter[Name] = Counter()
        self.children: dict[Name, dict[Name, None]] = {}  # of partitioned and parent tables
        self.referrers: dict[Name, Counter[Name]] = {}  # tables with foreign keys to a table
        self.default_grants: list[tuple[frozenset[str], pg.GrantStmt]] = []
        self.index_columns: dict[Name, tuple[str, ...]] = {}  # before their table's were renamed
        self.used_types: set[str] = set()  # names of types that are not PostgreSQL's own
        self._numbers: dict[tuple[str, ...], int] = {}  # emptied when a name becomes free
        self.numbered: set[str] = set()  # names that were taken when they would have been chosen
        self.parsed: Parsed

    def copy(self) -> State:
        """The same, to fold other statements onto."""
        twin = copy(self)
        for name, value in vars(self).items():
            if isinstance(value, dict | list | set):
                setattr(twin, name, copy(value))
        twin.tables = {name: draft.copy() for name, draft in self.tables.items()}
        twin.children = {name: dict(children) for name, children in self.children.items()}
        twin.referrers = {name: Counter(tables) for name, tables in self.referrers.items()}
        return twin

    # Places and complaints

    def at(self, location: int = -1) -> At:
        """The place of a node of the statement at hand."""
        return self.parsed.at(location)

    def unsupported(self, reason: str, location: int = -1) -> None:
        """Record that the statement, or the part at `location`, did not enter the model."""
        at = self.at(location)
        text = self.parsed.statement.text[at.offset - self.parsed.statement.offset :]
        self.unread.append(Unread(at, clean(text[: 4 * MAX_UNREAD_TEXT], MAX_UNREAD_TEXT), reason))

    # Names

    def new_name(self, node: pg.RangeVar) -> Name:
        """The name of a relation to be made."""
        if node.relpersistence == "t":
            return Name(TEMPORARY, node.relname)
        return Name(node.schemaname or self.creation_schema(), node.relname)

    def creation_schema(self) -> str:
        """The schema that new unqualified names belong to."""
        first = self.path[0] if self.path else "public"
        return next((schema for schema in self.path if self.has_schema(schema)), first)

    def has_schema(self, name: str) -> bool:
        """Whether a schema is there: made by a statement, or by PostgreSQL."""
        return name in self.namespaces or name in ("public", TEMPORARY)

    def existing(self, node: pg.RangeVar) -> Name:
        """The name of a relation that should exist: the first in the search path that does."""
        return self.visible(node.schemaname, node.relname, self.relations)

    def visible(self, schema: str, name: str, among: Mapping[Name, object]) -> Name:
        """A name resolved over the search path."""
        if schema:
            return Name(schema, name)
        for candidate in (TEMPORARY, *self.path):
            if Name(candidate, name) in among:
                return Name(candidate, name)
        return Name(self.creation_schema(), name)

    def object_name(self, nodes: Iterable[pg.Node], among: Mapping[Name, object]) -> Name:
        """The name of something that is no relation, resolved over the search path."""
        parts = strings(nodes)
        return self.visible(parts[-2] if len(parts) > 1 else "", parts[-1], among)

    def made_object(self, nodes: Iterable[pg.Node]) -> Name:
        """The name of something to be made that is no relation."""
        parts = strings(nodes)
        return Name(parts[-2] if len(parts) > 1 else self.creation_schema(), parts[-1])

    def draft(self, node: pg.RangeVar) -> Draft:
        """The table a statement names. Raises `Unsupported` when there is none."""
        name = self.existing(node)
        found = self.tables.get(name)
        if found is None:
            raise Unsupported(f"table {name} is not known")
        return found

    def type_of(self, node: pg.TypeName, location: int = -1) -> Type:
        """A type with its schema; `%TYPE` is looked up."""
        if node.pct_type:
            return self._column_type(node)
        found = data_type(node)
        if found.schema:
            self.used_types.add(found.name)
        if found.schema or found.name in _BUILT_IN_NAMES or found.name.startswith("interval "):
            return found
        if len(node.names) > 1:  # pg_catalog's
            return found
        self.used_types.add(found.name)
        return replace(found, schema=self._type_schema(found.name))

    def _type_schema(self, name: str) -> str:
        for schema in self.path:
            if self.is_type(Name(schema, name)):
                return schema
        extension = self.extensions.get(name) or self.extensions.get(_TYPE_EXTENSIONS.get(name, ""))
        if extension and extension.schema:
            return extension.schema
        return self.creation_schema()

    def is_type(self, name: Name) -> bool:
        """Whether a type of this name is known."""
        if name in self.enums or name in self.domains or name in self.composites:
            return True
        if name in self.ranges or name in self.tables or name in self.views:
            return True
        return ("type", str(name)) in self.opaque

    def _column_type(self, node: pg.TypeName) -> Type:
        *table, column = strings(node.names)
        name = self.visible(table[-2] if len(table) > 1 else "", table[-1], self.relations)
        draft = self.tables.get(name)
        if draft is None or column not in draft.columns:
            raise Unsupported(f"column {'.'.join([*table, column])} is not known")
        return replace(draft.columns[column].type, args=())

    def relation_name(
        self, schema: str, first: str, second: str, label: str, *, constraint: bool = False
    ) -> str:
        """A free name for an index or a sequence that PostgreSQL names."""
        number = self._first_number(schema, first, second, label)
        while True:
            name = made_name(first, second, f"{label}{number or ''}")
            full = Name(schema, name)
            if full not in self.relations and not (constraint and self.constraint_names[full]):
                self._numbers[schema, first, second, label] = number
                return name
            self.numbered.add(made_name(first, second, label))
            number += 1

    def _first_number(self, *name: str) -> int:
        """Where to begin the search for a free name; lower ones are known to be taken."""
        return self._numbers.get(name, 0)

    def constraint_name(self, schema: str, first: str, second: str, label: str) -> str:
        """A free name for a constraint that PostgreSQL names."""
        number = self._first_number(schema, first, second, label)
        while True:
            name = made_name(first, second, f"{label}{number or ''}")
            if not self.constraint_names.get(Name(schema, name)):
                self._numbers[schema, first, second, label] = number
                return name
            self.numbered.add(made_name(first, second, label))
            number += 1

    # Changes that keep the names in order

    def put_column(self, draft: Draft, column: Column) -> None:
        """Add a column, or replace the one of that name."""
        if column.name not in draft.columns and len(draft.columns) >= MAX_COLUMNS:
            raise Unsupported(f"a table has at most {MAX_COLUMNS} columns")
        old = draft.columns.get(column.name)
        schema = draft.name.schema
        if old and old.not_null and old.not_null is not column.not_null:
            self._numbers.clear()
        if old and old.not_null:
            self.constraint_names[Name(schema, old.not_null.name)] -= 1
        if old:
            self._forget_identity(draft, old)
        if column.not_null:
            self.constraint_names[Name(schema, column.not_null.name)] += 1
        if column.identity:
            identity = Relation("identity", draft.name)
            self.relations.setdefault(column.identity.sequence, identity)
        draft.columns[column.name] = column

    def remove_column(self, draft: Draft, name: str) -> None:
        """Remove a column; what depends on it is the caller's."""
        self._numbers.clear()
        column = draft.columns.pop(name)
        if column.not_null:
            self.constraint_names[Name(draft.name.schema, column.not_null.name)] -= 1
        self._forget_identity(draft, column)

    def _forget_identity(self, draft: Draft, column: Column) -> None:
        """A partition shares its parent's sequence."""
        if column.identity:
            relation = self.relations.get(column.identity.sequence)
            if relation and relation.home == draft.name:
                del self.relations[column.identity.sequence]

    def put_constraint(self, draft: Draft, constraint: Constraint) -> None:
        """Add a constraint, or replace the one of that name."""
        old = draft.constraint(constraint.name)
        if old is not None:
            self.remove_constraint(draft, old)
        full = Name(draft.name.schema, constraint.name)
        self.constraint_names[full] += 1
        if isinstance(constraint, Key | Exclusion):
            self.relations[full] = Relation("index", draft.name)
        if isinstance(constraint, ForeignKey):
            self.referrers.setdefault(constraint.table, Counter())[draft.name] += 1
        draft.group(constraint)[constraint.name] = constraint

    def remove_constraint(self, draft: Draft, constraint: Constraint) -> None:
        """Remove a constraint with its index."""
        self._numbers.clear()
        full = Name(draft.name.schema, constraint.name)
        self.constraint_names[full] -= 1
        if isinstance(constraint, Key | Exclusion):
            self.relations.pop(full, None)
        if isinstance(constraint, ForeignKey):
            self.referrers[constraint.table][draft.name] -= 1
        del draft.group(constraint)[constraint.name]

    def put_index(self, home: Name, index: Index) -> None:
        """Add an index to a table or a materialized view, or replace the one of that name."""
        self.relations[Name(home.schema, index.name)] = Relation("index", home)
        if home in self.tables:
            self.tables[home].indexes[index.name] = index
        else:
            view = self.views[home]
            self.views[home] = replace(view, indexes={**view.indexes, index.name: index})

    def remove_index(self, home: Name, name: str) -> None:
        """Remove an index of a table or a materialized view."""
        self._numbers.clear()
        self.relations.pop(Name(home.schema, name), None)
        if home in self.tables:
            del self.tables[home].indexes[name]
        else:
            view = self.views[home]
            kept = {key: index for key, index in view.indexes.items() if key != name}
            self.views[home] = replace(view, indexes=kept)

    def indexes(self, home: Name) -> Mapping[str, Index]:
        """The indexes of a table or a materialized view."""
        if home in self.tables:
            return self.tables[home].indexes
        return self.views[home].indexes if home in self.views else {}

    def put_table(self, draft: Draft) -> None:
        """Add an empty table; its parts come afterwards."""
        self.tables[draft.name] = draft
        self.relations[draft.name] = Relation("table", draft.name)
        for parent in self.parents(draft):
            self.children.setdefault(parent, {})[draft.name] = None

    def parents(self, draft: Draft) -> tuple[Name, ...]:
        """The tables a table inherits from, or is a partition of."""
        table = draft.table
        return (table.partition_of.parent,) if table.partition_of else table.inherits

    def children_of(self, name: Name) -> list[Draft]:
        """The partitions or children of a table."""
        return [self.tables[child] for child in self.children.get(name, ()) if child in self.tables]

    def put_view(self, view: View) -> None:
        """Add or replace a view."""
        self.views[view.name] = view
        self.relations[view.name] = Relation("view", view.name)

    def put_sequence(self, sequence: Sequence) -> None:
        """Add or replace a sequence."""
        self.sequences[sequence.name] = sequence
        self.relations[sequence.name] = Relation("sequence", sequence.name)

    def put_composite(self, composite: Composite) -> None:
        """Add or replace a composite type."""
        self.composites[composite.name] = composite
        self.relations[composite.name] = Relation("composite", composite.name)

    def put_opaque(self, kind: str, name: str) -> None:
        """Keep the statement at hand as an object of its own."""
        self.opaque[kind, name] = self.as_written(kind, name)

    def as_written(self, kind: str, name: str) -> Opaque:
        """The statement at hand, with the search path that it needs."""
        path = self.path if any(schema != "public" for schema in self.path) else ()
        return Opaque(kind, name, self.parsed.statement.text, path=path, at=self.at())

    def not_null(
        self,
        draft: Draft,
        column: str,
        name: str = "",
        *,
        valid: bool = True,
        no_inherit: bool = False,
        at: At | None = None,
    ) -> NotNull:
        """A NOT NULL for a column, named as PostgreSQL 18 names it."""
        chosen = name or self.constraint_name(
            draft.name.schema, draft.name.name, column, "not_null"
        )
        return NotNull(chosen, valid, no_inherit, at)

    def schema(self) -> Schema:
        """What the fold came to. Temporary objects leave nothing behind."""
        lasting = {name: draft for name, draft in self.tables.items() if name.schema != TEMPORARY}
        return Schema(
            Dialect.POSTGRES,
            namespaces=self.namespaces,
            extensions=self.extensions,
            enums=self.enums,
            domains=self.domains,
            composites=self.composites,
            ranges=self.ranges,
            sequences=_lasting(self.sequences),
            tables={name: draft.freeze() for name, draft in lasting.items()},
            views=_lasting(self.views),
            functions=self.functions,
            opaque=self.opaque,
            grants=Grants({grant: at for grant, at in self.grants.items() if not _is_taken(grant)}),
            revoked=Grants(
                {
                    grant._replace(privilege=grant.privilege.removeprefix(TAKEN)): at
                    for grant, at in self.grants.items()
                    if _is_taken(grant)
                }
            ),
            unread=tuple(self.unread),
        )


def _is_taken(grant: Grant) -> bool:
    return grant.privilege.startswith(TAKEN)


def _lasting(objects: dict[Name, _T]) -> dict[Name, _T]:
    return {name: item for name, item in objects.items() if name.schema != TEMPORARY}


_BUILT_IN_NAMES = (
    BUILT_IN_TYPES
    | frozenset(["smallint", "integer", "bigint", "real", "boolean", "character", '"char"'])
    | {
        "double precision",
        "character varying",
        "bit varying",
        "timestamp without time zone",
        "timestamp with time zone",
        "time without time zone",
        "time with time zone",
    }
)
_TYPE_EXTENSIONS = {
    "geometry": "postgis",
    "geography": "postgis",
    "halfvec": "vector",
    "sparsevec": "vector",
    "lquery": "ltree",
    "ltxtquery": "ltree",
    "query_int": "intarray",
}
