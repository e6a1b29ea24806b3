"""In which order PostgreSQL's objects can be created: what another needs comes before it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from heapq import heapify, heappop, heappush
from typing import Final, NamedTuple, TypeAlias

from ..expressions import Names, functions_of, names_of
from ..model import Function, Name, Opaque, Schema, Table, Type, View

Key: TypeAlias = tuple[str, Name]


class Step(NamedTuple):
    """An object to create. `missing`: functions it calls that come later, in a cycle."""

    kind: str
    name: Name
    missing: frozenset[str] = frozenset()


def creation_order(schema: Schema) -> list[Step]:
    """Every object that stands alone, each after what it needs, else by kind and as in the schema.

    Kinds: schema, extension, opaque, enum, domain, composite, range, sequence, function, table,
    view. `name` holds a function's signature and an opaque object's kind and name as they are keys.
    """
    return list(_sorted(_Needs(schema)))


_RANKS: Final = {
    "schema": 0,
    "extension": 1,
    "enum": 3,
    "domain": 4,
    "composite": 4,
    "range": 4,
    "sequence": 5,
    "function": 6,
    "table": 8,
    "view": 10,
}
_OPAQUE_RANKS: Final = dict.fromkeys(
    (
        "access method",
        "collation",
        "conversion",
        "foreign data wrapper",
        "language",
        "server",
        "text search configuration",
        "text search dictionary",
        "text search parser",
        "text search template",
        "type",
        "user mapping",
    ),
    2,
) | dict.fromkeys(
    ("aggregate", "cast", "operator", "operator class", "operator family", "transform"), 7
)
_AFTER_TABLES: Final = 9
_MATERIALIZED: Final = 11
_LAST: Final = 12


def _sorted(needs: _Needs) -> Iterator[Step]:
    """Kahn's algorithm; in a cycle the first by rank goes without what it needs."""
    waiting = {key: set(needs.of[key]) for key in needs.ranks}
    wanted = defaultdict(list)
    for key, missing in waiting.items():
        for other in missing:
            wanted[other].append(key)
    place = {key: (rank, number) for number, (key, rank) in enumerate(needs.ranks.items())}
    ready = [(place[key], key) for key, missing in waiting.items() if not missing]
    heapify(ready)
    remaining = sorted(waiting, key=place.__getitem__, reverse=True)
    while waiting:
        while ready:
            _, key = heappop(ready)
            if key not in waiting:
                continue
            missing = waiting.pop(key)
            functions = frozenset(n.name for kind, n in missing if kind == "function")
            yield Step(*key, frozenset(needs.bare[n] for n in functions))
            for other in wanted[key]:
                if other in waiting:
                    waiting[other].discard(key)
                    if not waiting[other]:
                        heappush(ready, (place[other], other))
        while remaining and remaining[-1] not in waiting:
            remaining.pop()
        if remaining:
            ready.append((place[remaining[-1]], remaining[-1]))


class _Needs:
    """What each object needs of the others, and its rank."""

    def __init__(self, schema: Schema) -> None:
        self.ranks: dict[Key, int] = {}
        self.bare: dict[str, str] = {s: f.name.name for s, f in schema.functions.items()}
        self._relations: dict[str, list[Key]] = defaultdict(list)
        self._types: dict[str, list[Key]] = defaultdict(list)
        self._functions: dict[str, list[Key]] = defaultdict(list)
        self._enter(schema)
        self.of: dict[Key, set[Key]] = {key: set() for key in self.ranks}
        for key in self.ranks:
            self.of[key] = {other for other in self._needed(schema, key) if other != key}
        for key, others in self.of.items():
            if key[0] == "function" and any(kind in ("table", "view") for kind, _ in others):
                self.ranks[key] = _AFTER_TABLES

    def _enter(self, schema: Schema) -> None:
        for kind, names in (("schema", schema.namespaces), ("extension", schema.extensions)):
            for name in names:
                self.ranks[kind, Name("", name)] = _RANKS[kind]
        for (kind, label), opaque in schema.opaque.items():
            key = ("opaque", Name(kind, label))
            self.ranks[key] = _OPAQUE_RANKS.get(opaque.kind, _LAST)
            if opaque.kind in ("aggregate", "type"):
                index = self._functions if opaque.kind == "aggregate" else self._types
                index[label.partition("(")[0].rpartition(".")[2]].append(key)
        for kind, objects in _named(schema):
            for full in objects:
                self.ranks[kind, full] = _RANKS[kind]
                self._types[full.name].append((kind, full))
                if kind in ("table", "view", "sequence"):
                    self._relations[full.name].append((kind, full))
        for full, view in schema.views.items():
            if view.materialized:
                self.ranks["view", full] = _MATERIALIZED
        for signature, function in schema.functions.items():
            key = ("function", Name("", signature))
            self.ranks[key] = _RANKS["function"]
            self._functions[function.name.name].append(key)

    def _needed(self, schema: Schema, key: Key) -> Iterator[Key]:
        kind, name = key
        if kind == "domain":
            domain = schema.domains[name]
            yield from self._type(domain.type)
            yield from self._calls(
                [domain.default, *(c.expression for c in domain.checks.values())]
            )
        elif kind == "composite":
            for attribute in schema.composites[name].attributes.values():
                yield from self._type(attribute.type)
        elif kind == "range":
            yield from self._type(schema.ranges[name].subtype)
            for value in schema.ranges[name].options.values():
                yield from self._functions[value.rpartition(".")[2]]
        elif kind == "table":
            yield from self._by_table(schema.tables[name])
        elif kind == "view":
            yield from self._by_view(schema.views[name])
        elif kind == "function":
            yield from self._by_function(schema.functions[name.name])
        elif kind == "opaque":
            yield from self._by_opaque(schema.opaque[name.schema, name.name])

    def _by_table(self, table: Table) -> Iterator[Key]:
        parents = [*table.inherits, *([table.partition_of.parent] if table.partition_of else [])]
        for parent in parents:
            yield from _matching(self._relations, parent)
        if table.of_type:
            yield from _matching(self._types, table.of_type)
        expressions = [check.expression for check in table.checks.values()]
        for column in table.columns.values():
            yield from self._type(column.type)
            expressions += [column.default] if column.default is not None else []
            expressions += [column.generated.expression] if column.generated else []
        parts = [*(table.partition_by.parts if table.partition_by else ())]
        for exclusion in table.exclusions.values():
            parts += exclusion.parts
            expressions += [exclusion.where] if exclusion.where else []
        expressions += [part.expression for part in parts if not part.is_column]
        yield from self._calls(expressions)

    def _by_view(self, view: View) -> Iterator[Key]:
        yield from self._mentioned(names_of(view.query))

    def _by_function(self, function: Function) -> Iterator[Key]:
        for argument in function.arguments:
            yield from self._type(argument.type)
        yield from self._calls(argument.default for argument in function.arguments)
        for word in _words(function.returns):
            yield from self._types.get(word, ())
        if function.sql_body is not None:
            yield from self._mentioned(names_of(function.sql_body))

    def _by_opaque(self, opaque: Opaque) -> Iterator[Key]:
        for word in _words(opaque.sql):
            for index in (self._relations, self._types, self._functions):
                yield from index.get(word, ())

    def _mentioned(self, names: Names) -> Iterator[Key]:
        for index, mentioned in (
            (self._relations, names.relations),
            (self._functions, names.functions),
            (self._types, names.types),
        ):
            for name in mentioned:
                yield from _matching(index, name)

    def _type(self, type: Type) -> Iterator[Key]:
        if type.schema:
            yield from _matching(self._types, Name(type.schema, type.name))

    def _calls(self, expressions: Iterable[str | None]) -> Iterator[Key]:
        if self._functions:
            for expression in expressions:
                if expression:
                    for called in functions_of(expression):
                        yield from self._functions.get(called, ())


def _named(schema: Schema) -> Iterator[tuple[str, Mapping[Name, object]]]:
    yield "enum", schema.enums
    yield "domain", schema.domains
    yield "composite", schema.composites
    yield "range", schema.ranges
    yield "sequence", schema.sequences
    yield "table", schema.tables
    yield "view", schema.views


def _matching(index: Mapping[str, list[Key]], name: Name) -> Iterator[Key]:
    for key in index.get(name.name, ()):
        if not name.schema or key[0] in ("function", "opaque") or key[1].schema == name.schema:
            yield key


_WORD: Final = re.compile(r"'(?:[^']|'')*'|\"((?:[^\"]|\"\")+)\"|([A-Za-z_]\w*)")


def _words(sql: str) -> set[str]:
    """The identifiers in a text, keywords among them."""
    return {
        match[1].replace('""', '"') if match[1] else match[2].lower()
        for match in _WORD.finditer(sql)
        if match[1] or match[2]
    }
