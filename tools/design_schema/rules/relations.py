"""Rules about how tables hang together: references without a key, cycles, cascades."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

from ...ddl.model import Column, ForeignKey, Name, Schema, Table
from ...ddl.types import Family, max_length
from ...engines.limits import quote
from ...names import words
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule
from ..access import is_forgotten, is_nullable
from ..context import ColumnPart, Context, ForeignKeyPart
from ..overview import cycles
from ..remedies import written

_POSTGRES = "https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK"
_MYSQL = "https://dev.mysql.com/doc/refman/8.4/en/create-table-foreign-keys.html"

ENOUGH = 4  # foreign keys by which a schema shows that it declares them
HABIT = 0.75  # share of references that are declared


class _Reference(NamedTuple):
    """A column that by its name holds the key of a table."""

    table: Table
    column: Column
    other: Table
    declared: bool


def _references(schema: Schema, ctx: Context) -> Iterator[_Reference]:
    """Columns called by a table and its key: `customer_id`, where `customers` has such a key."""
    by_name: dict[tuple[str, str], list[Table]] = defaultdict(list)
    for table in ctx.tables:
        for name in _singulars(words(table.name.name)):
            by_name[table.name.schema, name].append(table)
    declared = {
        (table.partition_of.parent if table.partition_of else table.name, column)
        for table in schema.tables.values()
        for key in table.foreign_keys.values()
        for column in key.columns
    }
    for table in ctx.tables:
        for column in table.columns.values():
            stem = words(column.name).removesuffix("id_")
            if stem == words(column.name) or len(stem) < 3:
                continue
            found = by_name.get((table.name.schema, stem), ())
            if len(found) == 1 and _fits(ctx, table, column, found[0]):
                is_declared = (table.name, column.name) in declared
                yield _Reference(table, column, found[0], is_declared)


def _singulars(name: str) -> set[str]:
    """What one row of a table may be called."""
    found = {name}
    if name.endswith("ies_"):
        found.add(name.removesuffix("ies_") + "y_")
    if name.endswith("es_"):
        found.add(name.removesuffix("es_") + "_")
    if name.endswith("s_"):
        found.add(name.removesuffix("s_") + "_")
    return found


def _fits(ctx: Context, table: Table, column: Column, other: Table) -> bool:
    """Whether the column could reference the other table's primary key."""
    key = other.primary_key
    if key is None or len(key.columns) != 1 or other.name == table.name:
        return False
    there = other.columns.get(key.columns[0])
    own = table.primary_key
    return (
        there is not None
        and not column.generated
        and (own is None or own.columns != (column.name,))
        and (there.type.name, there.type.modifiers) == (column.type.name, column.type.modifiers)
        and not (ctx.is_mysql and "myisam" in (table.engine.lower(), other.engine.lower()))
    )


@rule(
    "schema/forgotten-foreign-key",
    Severity.WARNING,
    FindingClass.RISK,
    on="schema",
    confidence=Confidence.MEDIUM,
    fix="Add the foreign key, or say in a comment why there is none",
    references=[_POSTGRES, _MYSQL],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE posts (id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users);
    CREATE TABLE likes (id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users);
    CREATE TABLE files (id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users);
    CREATE TABLE visits (id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users);
    CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint NOT NULL);
    CREATE INDEX ON posts (user_id);
    CREATE INDEX ON likes (user_id);
    CREATE INDEX ON files (user_id);
    CREATE INDEX ON visits (user_id);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE posts (id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users);
    CREATE TABLE likes (id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users);
    CREATE TABLE files (id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users);
    CREATE TABLE visits (id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users);
    CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users);
    CREATE INDEX ON posts (user_id);
    CREATE INDEX ON likes (user_id);
    CREATE INDEX ON files (user_id);
    CREATE INDEX ON visits (user_id);
    CREATE INDEX ON orders (user_id);
    """,
)
def forgotten_foreign_key(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A reference has no foreign key where the schema declares nearly all others.

    The column has the name of a table and the type of its key. Without a foreign key it keeps
    values of rows that are gone, and nobody hears of it until a join loses rows. Tables that keep
    history are left out: they outlive what they name.
    """
    found = list(_references(schema, ctx))
    declared = sum(reference.declared for reference in found)
    if declared < ENOUGH or declared < HABIT * len(found):
        return
    for reference in found:
        expires = _SESSIONS.search(words(reference.other.name.name)) is not None
        if not reference.declared and not expires and not _is_history(reference.table):
            yield _undeclared(ctx, reference)


@rule(
    "schema/reference-without-foreign-key",
    Severity.INFO,
    FindingClass.RISK,
    on="schema",
    opt_in=True,
    confidence=Confidence.LOW,
    fix="Add the foreign key",
    references=[_POSTGRES, _MYSQL],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE posts (id bigint PRIMARY KEY, user_id bigint NOT NULL);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE posts (id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users);
    CREATE INDEX ON posts (user_id);
    """,
)
def reference_without_foreign_key(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A column looks like a reference and has no foreign key.

    It has the name of a table and the type of its key; nothing keeps its values pointing to rows
    that exist.
    """
    for reference in _references(schema, ctx):
        if not reference.declared:
            yield _undeclared(ctx, reference)


def _undeclared(ctx: Context, reference: _Reference) -> Hit:
    table, column, other, _ = reference
    return Hit(
        ctx.of(ColumnPart(table, column)),
        f"{quoted(column.name)} of {quoted(table.name)} looks like the key of"
        f" {quoted(other.name)}, but has no foreign key",
        related=(ctx.of_table(other),),
    )


def _is_history(table: Table) -> bool:
    name = words(table.name.name)
    return any(f"_{word}_" in name for word in _HISTORY)


_SESSIONS = re.compile(r"_sessions?_$")  # purged in bulk, and what points to them expires, too
_HISTORY = (
    *("log", "logs", "audit", "audits", "history", "histories", "archive", "archives", "archived"),
    *("version", "versions", "revisions", "snapshot", "snapshots", "backup", "staging", "import"),
    *("event", "events", "deleted", "tmp", "temp", "cache"),
)


@rule(
    "schema/polymorphic-association",
    Severity.INFO,
    FindingClass.RISK,
    on="schema",
    fix="Give each target a nullable foreign key of its own and check that exactly one is set, or"
    " a link table each",
    references=[
        _POSTGRES,
        "https://docs.gitlab.com/development/database/polymorphic_associations/",
    ],
    bad="""
    CREATE TABLE comments (
        id bigint PRIMARY KEY,
        commentable_type text NOT NULL,
        commentable_id bigint NOT NULL
    );
    """,
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY);
    CREATE TABLE photos (id bigint PRIMARY KEY);
    CREATE TABLE comments (
        id bigint PRIMARY KEY,
        post_id bigint REFERENCES posts,
        photo_id bigint REFERENCES photos,
        CHECK (num_nonnulls(post_id, photo_id) = 1)
    );
    CREATE INDEX ON comments (post_id);
    CREATE INDEX ON comments (photo_id);
    """,
)
def polymorphic_association(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A column references a table that another column names.

    No foreign key can be declared over such a pair: rows are left behind when their target is
    deleted, the names of classes get stuck in the data, and every join needs one branch a target.
    A history may do so: what it tells of need not exist any more.
    """
    targets = {name for table in ctx.tables for name in _singulars(words(table.name.name))}
    for table in ctx.tables:
        if _is_history(table):
            continue
        declared = {column for key in table.foreign_keys.values() for column in key.columns}
        for kind, reference in _pairs(table):
            is_name = ctx.family(kind) in (Family.TEXT, Family.VARCHAR, Family.CHAR, Family.ENUM)
            is_name = is_name and _is_key_type(ctx, reference)
            is_one = words(reference.name).removesuffix("id_") in targets
            own = table.primary_key
            is_own = own is not None and own.columns == (reference.name,)
            is_role = _ROLE.search(words(reference.name)) is not None
            is_known = is_one or is_own or reference.name in declared
            if is_name and is_role and not is_known:
                yield Hit(
                    ctx.of(ColumnPart(table, reference)),
                    f"{quoted(kind.name)} of {quoted(table.name)} says which table"
                    f" {quoted(reference.name)} references",
                    related=(ctx.of(ColumnPart(table, kind)),),
                )


# What has a type without being a row's role: messages, services, images.
_ROLE = re.compile(
    r"_(\w+able|actor|author|container|context|creator|element|entity|from|holder|item|linked|member"
    r"|model|object|origin|originator|owner|parent|principal|record|reference|related|resource|source"
    r"|subject|target|thing|to|vendor)_id_$"
)


def _is_key_type(ctx: Context, column: Column) -> bool:
    """Whether the database numbers rows so; what has another type may come from outside."""
    return (
        ctx.family(column) in (Family.INTEGER, Family.UUID)
        or max_length(column.type) == 36
        or (ctx.family(column) is Family.BINARY and max_length(column.type) == 16)
    )


def _pairs(table: Table) -> Iterator[tuple[Column, Column]]:
    """`owner_type` with `owner_id`, and so on."""
    by_words = {words(name): column for name, column in table.columns.items()}
    for name, column in by_words.items():
        other = by_words.get(name.removesuffix("type_") + "id_")
        if other and name.endswith("_type_") and name != "_type_":
            yield column, other


@rule(
    "schema/foreign-key-cycle-not-insertable",
    Severity.WARNING,
    FindingClass.DEFECT,
    on="schema",
    fix="Let one of the columns take NULL, or make one of the foreign keys DEFERRABLE",
    references=[
        "https://www.postgresql.org/docs/current/sql-set-constraints.html",
        _MYSQL,
        "https://www.sqlite.org/foreignkeys.html#fk_deferred",
    ],
    bad="""
    CREATE TABLE stores (id bigint PRIMARY KEY, manager_id bigint NOT NULL);
    CREATE TABLE staff (id bigint PRIMARY KEY, store_id bigint NOT NULL REFERENCES stores);
    ALTER TABLE stores ADD FOREIGN KEY (manager_id) REFERENCES staff;
    CREATE INDEX ON stores (manager_id);
    CREATE INDEX ON staff (store_id);
    """,
    good="""
    CREATE TABLE stores (id bigint PRIMARY KEY, manager_id bigint);
    CREATE TABLE staff (id bigint PRIMARY KEY, store_id bigint NOT NULL REFERENCES stores);
    ALTER TABLE stores ADD FOREIGN KEY (manager_id) REFERENCES staff;
    CREATE INDEX ON stores (manager_id);
    CREATE INDEX ON staff (store_id);
    """,
)
def foreign_key_cycle_not_insertable(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """Tables need a row of each other before they can take their first.

    Every foreign key on the way round is NOT NULL and checked at once: no INSERT into one of the
    tables can succeed while they are empty. Rows get in only with constraints switched off (in
    PostgreSQL also by one statement that inserts into all of them).
    """
    strict = _only(schema, lambda table, key: _is_strict(schema, table, key))
    for loop in _loops(strict):
        table, key = loop[0]
        route = " → ".join(quoted(step.name) for step, _ in (*loop, loop[0]))
        yield Hit(
            ctx.of(ForeignKeyPart(table, key)),
            f"the first row of each needs one of the next: {route}",
            ddl=_deferred(ctx, table, key),
            related=tuple(ctx.of(ForeignKeyPart(*step)) for step in loop[1:]),
        )


def _is_strict(schema: Schema, table: Table, key: ForeignKey) -> bool:
    return (
        key.enforced
        and not key.deferrable
        and all(column in table.columns for column in key.columns)
        and not any(is_nullable(schema, table, column) for column in key.columns)
    )


def _deferred(ctx: Context, table: Table, key: ForeignKey) -> tuple[str, ...]:
    if not ctx.is_postgres:
        return ()
    name = quote(ctx.dialect, key.name)
    return (
        f"ALTER TABLE {written(ctx, table.name)} ALTER CONSTRAINT {name}"
        " DEFERRABLE INITIALLY DEFERRED",
    )


@rule(
    "schema/foreign-key-cycle",
    Severity.INFO,
    FindingClass.RISK,
    on="schema",
    opt_in=True,
    fix="Move one of the references to a table of its own",
    references=[_POSTGRES],
    bad="""
    CREATE TABLE stores (id bigint PRIMARY KEY, manager_id bigint);
    CREATE TABLE staff (id bigint PRIMARY KEY, store_id bigint NOT NULL REFERENCES stores);
    ALTER TABLE stores ADD FOREIGN KEY (manager_id) REFERENCES staff;
    CREATE INDEX ON stores (manager_id);
    CREATE INDEX ON staff (store_id);
    """,
    good="""
    CREATE TABLE stores (id bigint PRIMARY KEY);
    CREATE TABLE staff (id bigint PRIMARY KEY, store_id bigint NOT NULL REFERENCES stores);
    CREATE TABLE managers (
        store_id bigint PRIMARY KEY REFERENCES stores, staff_id bigint REFERENCES staff
    );
    CREATE INDEX ON staff (store_id);
    CREATE INDEX ON managers (staff_id);
    """,
)
def foreign_key_cycle(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """Tables reference each other in a circle.

    There is no order in which they can be filled, copied or emptied table by table; deletes that
    cascade may go round.
    """
    for loop in _loops(_only(schema, lambda table, key: not is_forgotten(schema, key))):
        table, key = loop[0]
        route = " → ".join(quoted(step.name) for step, _ in (*loop, loop[0]))
        yield Hit(
            ctx.of(ForeignKeyPart(table, key)),
            f"tables reference each other: {route}",
            related=tuple(ctx.of(ForeignKeyPart(*step)) for step in loop[1:]),
        )


def _only(schema: Schema, keep: Callable[[Table, ForeignKey], bool]) -> Schema:
    """The schema with some of its foreign keys."""
    tables = {
        name: replace(
            table,
            foreign_keys={
                n: k for n, k in table.foreign_keys.items() if not k.inherited and keep(table, k)
            },
        )
        for name, table in schema.tables.items()
    }
    return replace(schema, tables=tables)


def _loops(schema: Schema) -> Iterator[list[tuple[Table, ForeignKey]]]:
    """A shortest way round each component of the foreign-key graph, from its first table."""
    for component in cycles(schema):
        members = set(component)
        start = component[0]
        came: dict[Name, tuple[Table, ForeignKey]] = {}
        queue = deque([start])
        while start not in came:
            table = schema.tables[queue.popleft()]
            for key in table.foreign_keys.values():
                if key.table in members and key.table != table.name and key.table not in came:
                    came[key.table] = (table, key)
                    queue.append(key.table)
        steps = [came[start]]
        while steps[-1][0].name != start:
            steps.append(came[steps[-1][0].name])
        yield steps[::-1]
