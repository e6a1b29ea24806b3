"""What differs between two schemas: one flat record for each object that is not the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Literal, TypeAlias

from .model import (
    Column,
    Composite,
    Dialect,
    Domain,
    IndexPart,
    Name,
    Schema,
    Sql,
    Table,
    Type,
    View,
)

_NULL = Sql("NULL")
Key: TypeAlias = tuple[str, ...]
Whole: TypeAlias = Table | View | Domain | Composite


@dataclass(frozen=True, slots=True)
class Head:
    """A table or composite type without what has a record of its own, but with its order.

    `own` has no columns, keys, constraints, indexes, triggers, policies and rules.
    """

    own: Table | Composite
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """An object that is in one schema only, or not the same in both.

    `object` is its key in `flatten`. `fields` are those that differ, for a change.
    """

    kind: Literal["added", "removed", "changed"]
    object: Key
    before: Any = None
    after: Any = None
    fields: tuple[str, ...] = ()


def flatten(schema: Schema) -> dict[Key, object]:
    """Every object of a schema by kind and name, such as `("column", "public.orders", "id")`.

    The kinds: database, schema, extension, enum, domain, composite, attribute, range, sequence,
    table, column, key, foreign key, check, exclusion, index, trigger, policy, rule, view, function,
    grant, revoked, opaque. What belongs to a table, view, domain or composite has three parts; a
    function's name is its signature; opaque objects and grants have their kind second.
    """
    flat: dict[Key, object] = {}
    if schema.charset or schema.collation:
        flat["database",] = (schema.charset, schema.collation)
    plain: dict[str, Mapping[str, object]] = {
        "schema": schema.namespaces,
        "extension": schema.extensions,
        "function": schema.functions,
    }
    for kind, objects in plain.items():
        flat.update({(kind, name): item for name, item in objects.items()})
    named: dict[str, Mapping[Name, object]] = {
        "enum": schema.enums,
        "range": schema.ranges,
        "sequence": schema.sequences,
    }
    for kind, of_kind in named.items():
        flat.update({(kind, dotted(name)): item for name, item in of_kind.items()})
    whole: tuple[Mapping[Name, Whole], ...] = (
        schema.tables,
        schema.views,
        schema.domains,
        schema.composites,
    )
    for group in whole:
        for full, item in group.items():
            flat.update(_parts(dotted(full), item))
    for (kind, name), opaque in schema.opaque.items():
        flat["opaque", kind, name] = opaque
    for grant in schema.grants:
        key = ("grant", grant.kind, grant.object, grant.grantee, grant.privilege, *grant.columns)
        flat[key] = grant
    for grant in schema.revoked:
        flat["revoked", grant.kind, grant.object, grant.grantee, grant.privilege] = grant
    return flat


def changes(before: Schema, after: Schema) -> list[Change]:
    """What `after` adds, removes and changes, in the order of the objects' keys.

    Expressions and queries of PostgreSQL compare by meaning, those and the bodies of triggers of
    SQLite token by token, all else by value. A table's order of
    columns counts when columns of both stand in another order.
    """
    old, new = (
        flatten(_without_tables_of(before, after)),
        flatten(_without_tables_of(after, before)),
    )
    same = _Comparison(before, after)
    found = []
    for key in sorted(old.keys() | new.keys()):
        if key not in new:
            found.append(Change("removed", key, before=old[key]))
        elif key not in old:
            found.append(Change("added", key, after=new[key]))
        elif (
            old[key] is not new[key]
            and old[key] != new[key]
            and (differing := same.differing(key, old[key], new[key]))
        ):
            found.append(Change("changed", key, old[key], new[key], differing))
    return found


def with_tables_of(schema: Schema, other: Schema) -> Schema:
    """The schema; a table that another schema has as well is that one's object."""
    tables = {
        name: old if (old := other.tables.get(name)) and _is_same(old, table) else table
        for name, table in schema.tables.items()
    }
    return replace(schema, tables=tables)


def _without_tables_of(schema: Schema, other: Schema) -> Schema:
    """The schema without the tables whose object is in another schema as well."""
    mine = {n: table for n, table in schema.tables.items() if other.tables.get(n) is not table}
    return replace(schema, tables=mine)


def _is_same(old: Table, new: Table) -> bool:
    return old == new and list(old.columns) == list(new.columns)


def dotted(name: Name) -> str:
    """A name with its schema, also when that is the default one: `public.orders`."""
    parts = [part for part in name if part]
    return ".".join(f'"{part}"' if "." in part else part for part in parts)


_CHILDREN = {
    Table: {
        "columns": "column",
        "keys": "key",
        "foreign_keys": "foreign key",
        "checks": "check",
        "exclusions": "exclusion",
        "indexes": "index",
        "triggers": "trigger",
        "policies": "policy",
        "rules": "rule",
    },
    View: {"indexes": "index", "triggers": "trigger", "rules": "rule"},
    Domain: {"checks": "check"},
    Composite: {"attributes": "attribute"},
}


def _parts(name: str, item: Whole) -> Iterator[tuple[Key, object]]:
    children = _CHILDREN[type(item)]
    filled = {field: getattr(item, field) for field in children if getattr(item, field)}
    empty: Any = {field: {} for field in filled}
    bare: Any = replace(item, **empty) if filled else item
    if isinstance(item, Table):
        bare = Head(bare, tuple(item.columns))
    elif isinstance(item, Composite):
        bare = Head(bare, tuple(item.attributes))
    yield (type(item).__name__.lower(), name), bare
    for field, objects in filled.items():
        for child, value in objects.items():
            yield (children[field], name, child), value


class _Comparison:
    """Equality of objects of two schemas, expressions by meaning where that is known."""

    def __init__(self, before: Schema, after: Schema) -> None:
        self._by_meaning = before.dialect is after.dialect is Dialect.POSTGRES
        self._by_tokens = before.dialect is after.dialect is Dialect.SQLITE
        self._sides = (_Side(before), _Side(after)) if self._by_meaning else None

    def differing(self, key: Key, before: Any, after: Any) -> tuple[str, ...]:
        """The fields in which two objects differ; `("value",)` for objects without fields."""
        if self._sides:
            for side, item in zip(self._sides, (before, after), strict=True):
                side.enter(key, item)
        if isinstance(before, Head) and isinstance(after, Head):
            kept = frozenset(before.columns) & frozenset(after.columns)
            orders = [[n for n in head.columns if n in kept] for head in (before, after)]
            moved = ("columns",) if orders[0] != orders[1] else ()
            return (*self._differing(before.own, after.own), *moved)
        if type(before) is not type(after) or not is_dataclass(before):
            return () if self._same(before, after) else ("value",)
        if isinstance(before, View) and self._sides:
            return self._differing_view(before, after)
        return tuple(self._differing(before, after))

    def _differing(self, before: Any, after: Any) -> Iterator[str]:
        for name in _compared(type(before)):
            one, other = getattr(before, name), getattr(after, name)
            if name == "default":
                one, other = one or _NULL, other or _NULL  # no default is NULL
            elif name == "body" and self._by_tokens:
                one, other = Sql(one), Sql(other)
            if one != other and not self._same(one, other):
                yield name

    def _differing_view(self, before: View, after: View) -> tuple[str, ...]:
        """The names of the columns and RECURSIVE are another way to write the query."""
        found = set(self._differing(before, after)) - {"query", "columns", "recursive"}
        assert self._sides is not None
        if self._sides[0].query(before) != self._sides[1].query(after):
            found.add("query")
        return tuple(name for name in _compared(View) if name in found)

    def _same(self, before: Any, after: Any) -> bool:
        if before == after:
            return True
        if isinstance(before, Sql) and isinstance(after, Sql):
            if self._sides is None:
                return self._by_tokens and _alike(before, after)
            return self._sides[0].canonical(before) == self._sides[1].canonical(after)
        if type(before) is not type(after):
            return False
        if isinstance(before, IndexPart) and before.is_column and after.is_column:
            return False  # a name is not an expression
        if is_dataclass(before):
            return next(self._differing(before, after), None) is None
        if isinstance(before, tuple):
            return len(before) == len(after) and all(map(self._same, before, after))
        if isinstance(before, Mapping):
            return before.keys() == after.keys() and all(
                self._same(value, after[key]) for key, value in before.items()
            )
        return False


def _alike(before: str, after: str) -> bool:
    from .tokens import alike  # the tokenizer's library is heavy

    return alike(before, after, Dialect.SQLITE)


class _Side:
    """What is known of the names in the expressions of one schema, object by object."""

    def __init__(self, schema: Schema) -> None:
        from .expressions import resolver  # the grammar's library is heavy

        self._schema = schema
        self._relations = resolver(schema)
        self._names = {
            dotted(name): name
            for group in (schema.tables, schema.views, schema.domains)
            for name in group
        }
        self._columns: Mapping[str, Type | None] | None = None
        self._type: Type | None = None

    def enter(self, key: Key, item: object) -> None:
        """Take the columns of the table that the object belongs to."""
        from .expressions import base_type

        self._columns = self._type = None
        name = self._names.get(key[1]) if len(key) > 1 else None
        if name is None:
            return
        if domain := self._schema.domains.get(name):
            self._type = base_type(self._schema, domain.type)
            self._columns = {"value": self._type}
            return
        self._columns = self._relations(*name)
        if isinstance(item, Column):
            self._type = base_type(self._schema, item.type) if item.default is not None else None

    def canonical(self, sql: str) -> str:
        """An expression of the object at hand."""
        from .expressions import canonical

        return canonical(sql, self._columns, self._relations, self._type)

    def query(self, view: View) -> str:
        """The query of a view."""
        from .expressions import canonical_view

        recursive = view.name if view.recursive else None
        return canonical_view(view.query, view.columns, self._relations, recursive)


_COMPARED: dict[Any, tuple[str, ...]] = {}


def _compared(kind: Any) -> tuple[str, ...]:
    if kind not in _COMPARED:
        _COMPARED[kind] = tuple(field.name for field in fields(kind) if field.compare)
    return _COMPARED[kind]
