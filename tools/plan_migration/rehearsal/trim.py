"""The part of a large schema that a migration touches, with what that part needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final

from ...ddl.diff import dotted
from ...ddl.expressions import names_of
from ...ddl.model import Name, Schema, Sql, Table

ENOUGH: Final = 40  # tables that are taken whole

Key = tuple[str, ...]


def closure(schema: Schema, objects: Iterable[Key]) -> Schema:
    """The schema cut down to the tables and views of some objects (keys of `ddl.diff`).

    With them stay the tables that they refer to or that refer to them, parents and partitions,
    and the views on any of these. What stays only because it is needed loses foreign keys to what
    does not stay. Types, sequences and functions that need no other table stay all.
    """
    touched = {key[1] for key in objects if len(key) > 1}
    touched |= {part for key in objects for part in key[2:]}
    relations = {dotted(name): name for name in (*schema.tables, *schema.views)}
    chosen = {name for text, name in relations.items() if text in touched}
    chosen |= _of_functions(schema, touched)
    chosen |= {name for name, types in _types_used(schema) if types & touched}
    uses = {name: _used_by(schema, view.query) for name, view in schema.views.items()}
    family = _family(schema)
    chosen = _grown(chosen, family)
    near = {
        other
        for table in schema.tables.values()
        for fk in table.foreign_keys.values()
        for other, own in ((table.name, fk.table), (fk.table, table.name))
        if own in chosen
    }
    kept = _grown(chosen | near, family)
    for _ in schema.views:
        views = {name for name, used in uses.items() if used & chosen and name not in kept}
        if not views:
            break
        chosen |= views
        kept |= views
    kept = _grown(kept, lambda name: uses.get(name, frozenset()) | family(name))
    return _cut(schema, kept)


def _cut(schema: Schema, kept: set[Name]) -> Schema:
    gone = {*schema.tables, *schema.views} - kept
    tables = {name: _table(table, kept) for name, table in schema.tables.items() if name in kept}
    types = {(name.schema, name.name) for name in gone}
    functions = {
        signature: function
        for signature, function in schema.functions.items()
        if not any((a.type.schema, a.type.name) in types for a in function.arguments)
        and not any(name.name in function.returns for name in gone)
        and (function.sql_body is None or not _used_by(schema, function.sql_body) & gone)
    }
    names = {text for name in gone for text in (dotted(name), str(name))}
    dropped = {f.signature for s, f in schema.functions.items() if s not in functions}
    dropped |= {
        f"{f.name.schema}.{f.signature}"
        for f in schema.functions.values()
        if f.signature in dropped
    }
    return replace(
        schema,
        tables=tables,
        views={name: view for name, view in schema.views.items() if name in kept},
        functions=functions,
        sequences={
            name: sequence
            for name, sequence in schema.sequences.items()
            if not sequence.owned_by or sequence.owned_by[0] in kept
        },
        opaque={
            key: opaque
            for key, opaque in schema.opaque.items()
            if not any(name.name in opaque.sql for name in gone)
        },
        grants={g: at for g, at in schema.grants.items() if g.object not in names | dropped},
        revoked={g: at for g, at in schema.revoked.items() if g.object not in names | dropped},
    )


def _table(table: Table, kept: set[Name]) -> Table:
    keys = {n: fk for n, fk in table.foreign_keys.items() if fk.table in kept}
    return table if len(keys) == len(table.foreign_keys) else replace(table, foreign_keys=keys)


def _family(schema: Schema) -> Callable[[Name], frozenset[Name]]:
    """Parents and children of a table."""
    related: dict[Name, set[Name]] = {}
    for table in schema.tables.values():
        parents = [*table.inherits, *([table.partition_of.parent] if table.partition_of else [])]
        for parent in parents:
            related.setdefault(table.name, set()).add(parent)
            related.setdefault(parent, set()).add(table.name)
    return lambda name: frozenset(related.get(name, ()))


def _grown(start: set[Name], more: Callable[[Name], frozenset[Name]]) -> set[Name]:
    found, waiting = set(start), list(start)
    while waiting:
        for name in more(waiting.pop()) - found:
            found.add(name)
            waiting.append(name)
    return found


def _used_by(schema: Schema, query: Sql) -> frozenset[Name]:
    """The relations of the schema that a query names; of every schema where it says none."""
    found = set()
    for name in names_of(query).relations:
        for candidate in [name] if name.schema else [Name("public", name.name)]:
            if candidate in schema.tables or candidate in schema.views:
                found.add(candidate)
    return frozenset(found)


def _of_functions(schema: Schema, touched: set[str]) -> set[Name]:
    """Tables with a trigger whose function is touched."""
    names = {f.name for f in schema.functions.values() if f.signature in touched}
    return {
        table.name
        for table in schema.tables.values()
        if any(trigger.function in names for trigger in table.triggers.values())
    }


def _types_used(schema: Schema) -> Iterator[tuple[Name, set[str]]]:
    for table in schema.tables.values():
        types = {dotted(Name(c.type.schema, c.type.name)) for c in table.columns.values()}
        yield table.name, types
