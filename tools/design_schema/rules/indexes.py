"""Rules about indexes that a table has too many of: duplicates, redundant, unused, invalid ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TypeAlias

from ...ddl.model import Index, IndexPart, Key, Name, Schema, Table, View
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, Place, rule
from ..access import Holder, Path
from ..context import Context
from ..remedies import drop_index

_INDEXES = "https://www.postgresql.org/docs/current/indexes-multicolumn.html"
_UNIQUE = "https://www.postgresql.org/docs/current/indexes-unique.html"
_MYSQL = "https://dev.mysql.com/doc/refman/8.4/en/multiple-column-indexes.html"
_USAGE = "https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ALL-INDEXES-VIEW"

MANY = 5  # indexes of a table, and columns of an index, beyond which houses ask for a reason
HEAVY_BYTES = 2**30
MONTH = 30 * 86_400  # seconds of statistics after which an index counts as unused
MEGABYTE = 2**20
CANDIDATES = 20  # longer indexes that a shorter one is compared with

_Form: TypeAlias = tuple[object, ...]


def _holders(schema: Schema) -> Iterator[Holder]:
    yield from schema.tables.values()
    yield from schema.views.values()


def _known(schema: Schema, ctx: Context) -> Iterator[Holder]:
    """What no statement names that was not understood: it may have dropped an index."""
    unread = ctx.unread_words
    return (holder for holder in _holders(schema) if holder.name.name.lower() not in unread)


def _is_free(holder: Holder, path: Path) -> bool:
    """Whether the index can be dropped by itself and nothing but queries would notice."""
    index = path.origin
    return (
        isinstance(index, Index)
        and index.parent is None
        and not index.only
        and not (
            isinstance(holder, Table) and index.name in (holder.replica_identity, holder.cluster_on)
        )
    )


def _place(ctx: Context, holder: Holder, path: Path) -> Place:
    if isinstance(holder, Table) and not isinstance(path.origin, Index):
        kind = "keys" if isinstance(path.origin, Key) else "exclusions"
        return ctx.place(path.origin, "tables", str(holder.name), kind, path.name)
    kind = "tables" if isinstance(holder, Table) else "views"
    return ctx.place(path.origin, kind, str(holder.name), "indexes", path.name)


def _drops(ctx: Context, holder: Holder, dropped: list[Path]) -> tuple[str, ...]:
    indexes = [path.origin for path in dropped]
    return tuple(drop_index(ctx, holder, index) for index in indexes if isinstance(index, Index))


def _form(path: Path) -> _Form:
    """What makes two indexes the same, uniqueness aside."""
    parts = tuple(_part(part) for part in path.parts)
    return path.method, parts, tuple(sorted(path.include)), path.where


def _part(part: IndexPart) -> _Form:
    options = tuple(sorted(part.opclass_options.items()))
    order = (part.descending, part.nulls_first)
    return part.expression, *order, part.opclass, options, part.collation, part.length


@rule(
    "schema/duplicate-index",
    Severity.WARNING,
    FindingClass.DEFECT,
    on="schema",
    fix="Keep one of them",
    references=["https://www.postgresql.org/docs/current/indexes-intro.html", _MYSQL],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL);
    CREATE INDEX users_email_idx ON users (email);
    CREATE INDEX users_by_email ON users (email);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL);
    CREATE INDEX users_email_idx ON users (email);
    CREATE INDEX users_lower_email_idx ON users (lower(email));
    """,
)
def duplicate_index(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """Two indexes are the same.

    Each takes its space, its share of memory and its time at every insert; no query can use both.
    Which one stays makes no difference to any query. A unique one is kept, as it is a constraint,
    too.
    """
    for holder in _known(schema, ctx):
        for same in _same(ctx, holder):
            if all(isinstance(path.origin, Index) for path in same):
                yield from _duplicates(ctx, holder, same)


@rule(
    "schema/index-duplicates-key",
    Severity.WARNING,
    FindingClass.DEFECT,
    on="schema",
    fix="Drop the index: the key has one of its own",
    references=[_UNIQUE, "https://www.sqlite.org/lang_createtable.html#unique_constraints"],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL UNIQUE);
    CREATE INDEX users_email_idx ON users (email);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL UNIQUE);
    """,
)
def index_duplicates_key(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """An index repeats that of a key.

    PRIMARY KEY and UNIQUE are kept up by an index that queries use like any other. A second one on
    the same columns only costs space, and time at every insert.
    """
    for holder in _known(schema, ctx):
        for same in _same(ctx, holder):
            if any(isinstance(path.origin, Key) for path in same):
                yield from _duplicates(ctx, holder, same)


def _same(ctx: Context, holder: Holder) -> Iterator[list[Path]]:
    """Indexes that are equal but for uniqueness; the most needed first."""
    if not holder.indexes and len(getattr(holder, "keys", ())) < 2:
        return
    forms: dict[_Form, list[Path]] = defaultdict(list)
    for path in ctx.paths[holder.name]:
        if path.is_usable:
            forms[_form(path)].append(path)
    for same in forms.values():
        if len(same) > 1:
            yield sorted(same, key=lambda path: _rank(holder, path))


def _rank(holder: Holder, path: Path) -> tuple[bool, ...]:
    is_key = isinstance(path.origin, Key)
    is_primary = isinstance(path.origin, Key) and path.origin.primary
    return not is_primary, not is_key, _is_free(holder, path), not path.unique


def _duplicates(ctx: Context, holder: Holder, same: list[Path]) -> Iterator[Hit]:
    """The finding on a set of equal indexes, when some of them can go."""
    kept, *others = same
    spare = [path for path in others if _replaces(kept, path)]
    droppable = [p for p in spare if _is_free(holder, p) and not _is_referenced(ctx, holder, p)]
    keys = [p for p in spare if isinstance(p.origin, Key) and not p.origin.inherited]
    if droppable or keys:
        first = (droppable or keys)[0]
        names = " and ".join(quoted(path.name) for path in (droppable or keys))
        verb = "repeat" if len(droppable or keys) > 1 else "repeats"
        yield Hit(
            _place(ctx, holder, first),
            f"{names} of {quoted(holder.name)} {verb} {_described(kept)}",
            evidence=_columns(first),
            ddl=_drops(ctx, holder, droppable),
            related=tuple(_place(ctx, holder, p) for p in same if p is not first),
        )


def _is_referenced(ctx: Context, holder: Holder, path: Path) -> bool:
    """Whether a foreign key may depend on this very index."""
    return path.unique and any(
        set(key.referenced) == set(path.columns) for _, key in ctx.references.get(holder.name, ())
    )


def _replaces(kept: Path, spare: Path) -> bool:
    """Whether all that the second one enforces is enforced by the first."""
    if not spare.unique:
        return True
    distinct = getattr(spare.origin, "nulls_not_distinct", False)
    deferred = getattr(kept.origin, "deferrable", "")
    return (
        kept.unique
        and getattr(kept.origin, "nulls_not_distinct", False) >= distinct
        and not deferred
    )


def _described(path: Path) -> str:
    if isinstance(path.origin, Key):
        kind = "the primary key" if path.origin.primary else "the unique key"
        return f"{kind} {'' if path.origin.name else 'on '}{quoted(path.name)}"
    return f"{'the unique index ' if path.unique else ''}{quoted(path.name)}"


def _columns(path: Path) -> str:
    written = path.parts if isinstance(path.origin, Key) else path.origin.parts
    parts = ", ".join(part.expression for part in written)
    include = f" INCLUDE ({', '.join(path.include)})" if path.include else ""
    where = f" WHERE {path.predicate}" if path.predicate else ""
    return f"{path.method} ({parts}){include}{where}"


@rule(
    "schema/redundant-index",
    Severity.INFO,
    FindingClass.RISK,
    on="schema",
    fix="Drop the shorter index, unless it is there for its small size",
    references=[_INDEXES, _MYSQL],
    bad="""
    CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL, day date NOT NULL);
    CREATE INDEX orders_customer_id_idx ON orders (customer_id);
    CREATE INDEX orders_customer_id_day_idx ON orders (customer_id, day);
    """,
    good="""
    CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL, day date NOT NULL);
    CREATE INDEX orders_customer_id_day_idx ON orders (customer_id, day);
    CREATE INDEX orders_day_idx ON orders (day);
    """,
)
def redundant_index(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """An index is the beginning of another one.

    A b-tree on (a, b) finds rows by `a` as one on (a) does. The shorter index adds its cost to
    every insert and finds nothing that the longer one does not.
    """
    for holder in _known(schema, ctx):
        if holder.indexes:
            yield from _redundant(ctx, holder)


def _redundant(ctx: Context, holder: Holder) -> Iterator[Hit]:
    longer: dict[_Form, dict[_Form, Path]] = defaultdict(dict)
    for path in ctx.paths[holder.name]:
        if path.method == "btree" and path.is_usable:
            for parts in _beginnings(path):
                candidates = longer[parts, path.where]
                if len(candidates) < CANDIDATES:
                    candidates.setdefault(_form(path), path)
    for path in ctx.paths[holder.name]:
        if path.method != "btree" or path.unique or not _is_free(holder, path):
            continue
        parts = tuple(_part(part) for part in path.parts)
        for form, other in longer[parts, path.where].items():
            held = {*other.include, *(str(part.expression) for part in other.parts)}
            if form != _form(path) and set(path.include) <= held:
                yield Hit(
                    _place(ctx, holder, path),
                    f"{quoted(path.name)} of {quoted(holder.name)} is the beginning of"
                    f" {_described(other)}",
                    evidence=f"{_columns(path)} and {_columns(other)}",
                    ddl=_drops(ctx, holder, [path]),
                    related=(_place(ctx, holder, other),),
                )
                break


def _beginnings(path: Path) -> Iterator[tuple[_Form, ...]]:
    """The leading parts of an index, forwards and as a scan backwards sees them."""
    parts = [_part(part) for part in path.parts[:32]]
    turned = [
        (expression, not descending, not nulls_first, *rest)
        for expression, descending, nulls_first, *rest in parts
    ]
    for end in range(1, len(parts) + 1):
        yield tuple(parts[:end])
        yield tuple(turned[:end])


@rule(
    "schema/index-left-on-parent",
    Severity.WARNING,
    FindingClass.DEFECT,
    on="schema",
    fix="Create the index on each partition and attach it",
    references=[
        "https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE"
    ],
    bad="""
    CREATE TABLE events (id bigint, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
    CREATE TABLE events_2030 PARTITION OF events FOR VALUES FROM ('2030-01-01') TO ('2031-01-01');
    CREATE INDEX events_day_idx ON ONLY events (day);
    """,
    good="""
    CREATE TABLE events (id bigint, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
    CREATE TABLE events_2030 PARTITION OF events FOR VALUES FROM ('2030-01-01') TO ('2031-01-01');
    CREATE INDEX events_day_idx ON ONLY events (day);
    CREATE INDEX events_2030_day_idx ON events_2030 (day);
    ALTER INDEX events_day_idx ATTACH PARTITION events_2030_day_idx;
    """,
)
def index_left_on_parent(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """An index exists on the partitioned table alone.

    It holds nothing and stays invalid until an index of every partition is attached to it; a unique
    one enforces nothing.
    """
    partitions: dict[Name, list[Table]] = defaultdict(list)
    for table in schema.tables.values():
        if table.partition_of:
            partitions[table.partition_of.parent].append(table)
    for name, parts in partitions.items():
        parent = schema.tables.get(name)
        for index in parent.indexes.values() if parent else ():
            if not index.only:
                continue
            whole = Name(name.schema, index.name)
            bare = [p for p in parts if all(i.parent != whole for i in p.indexes.values())]
            if bare and parent:
                yield Hit(
                    _place(
                        ctx, parent, next(p for p in ctx.paths[parent.name] if p.origin is index)
                    ),
                    f"{quoted(index.name)} of {quoted(name)} is invalid: {quoted(bare[0].name)} has"
                    " no index attached to it",
                    related=tuple(ctx.of_table(table) for table in bare[:5]),
                )


@rule(
    "schema/invalid-index",
    Severity.WARNING,
    FindingClass.DEFECT,
    on="schema",
    fix="Build it again with REINDEX INDEX CONCURRENTLY, or drop it",
    references=[
        "https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY"
    ],
    bad="""
    -- facts: {"indexes": {"public.users_email_idx": {"table": "users", "valid": false}}}
    CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL);
    CREATE INDEX users_email_idx ON users (email);
    """,
    good="""
    -- facts: {"indexes": {"public.users_email_idx": {"table": "users", "valid": true}}}
    CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL);
    CREATE INDEX users_email_idx ON users (email);
    """,
)
def invalid_index(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """An index is invalid.

    A build with CONCURRENTLY failed half-way. No query uses what it left, a unique one does not
    keep duplicates out, and every insert still pays for it.
    """
    for holder, index in _plain_indexes(schema):
        facts = ctx.facts.indexes.get((holder.name.schema, index.name))
        if facts and not facts.valid and not index.only and not _is_partitioned(holder):
            yield Hit(
                _at(ctx, holder, index),
                f"{quoted(index.name)} of {quoted(holder.name)} is invalid in the database",
            )


@rule(
    "schema/unused-index",
    Severity.INFO,
    FindingClass.RISK,
    on="schema",
    fix="Make sure that no replica and no rare job needs it, then drop it",
    references=[_USAGE],
    bad="""
    -- facts: {"statistics_seconds": 9e6, "indexes": {"public.names": {"scans": 0, "bytes": 9e6}}}
    CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL);
    CREATE INDEX names ON users (name);
    """,
    good="""
    -- facts: {"statistics_seconds": 9e6, "indexes": {"public.names": {"scans": 7, "bytes": 9e6}}}
    CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL);
    CREATE INDEX names ON users (name);
    """,
)
def unused_index(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """No query used an index for a month.

    By the statistics of the server that the facts come from; those of replicas count for
    themselves. Unique indexes are left out, as they are constraints, and so are small ones and
    those that a foreign key would be without.
    """
    seconds = ctx.facts.statistics_seconds
    if seconds is None or seconds < MONTH:
        return
    for holder, index in _plain_indexes(schema):
        facts = ctx.facts.indexes.get((holder.name.schema, index.name))
        if facts is None or facts.scans != 0 or (facts.bytes or 0) < MEGABYTE or index.unique:
            continue
        leads = isinstance(holder, Table) and any(
            set(index.columns[: len(key.columns)]) == set(key.columns)
            for key in holder.foreign_keys.values()
        )
        if not leads and facts.valid:
            yield Hit(
                _at(ctx, holder, index),
                f"{quoted(index.name)} of {quoted(holder.name)} was not used once in"
                f" {seconds / 86_400:.0f} days",
                evidence=f"{facts.bytes or 0:,} bytes, 0 scans",
            )


def _plain_indexes(schema: Schema) -> Iterator[tuple[Holder, Index]]:
    for holder in _holders(schema):
        yield from ((holder, index) for index in holder.indexes.values())


def _is_partitioned(holder: Holder) -> bool:
    return isinstance(holder, Table) and holder.partition_by is not None


def _at(ctx: Context, holder: Holder, index: Index) -> Place:
    kind = "views" if isinstance(holder, View) else "tables"
    return ctx.place(index, kind, str(holder.name), "indexes", index.name)


@rule(
    "schema/indexes-heavier-than-table",
    Severity.INFO,
    FindingClass.RISK,
    on="table",
    fix="Look for indexes that no query needs, that could be partial, or that hold whole texts",
    references=[_USAGE],
    bad="""
    -- facts: {"tables": {"public.events": {"bytes": 6000000000, "index_bytes": 20000000000}}}
    CREATE TABLE events (id bigint PRIMARY KEY, name text NOT NULL, day date NOT NULL);
    CREATE INDEX events_name_idx ON events (name);
    CREATE INDEX events_day_idx ON events (day);
    """,
    good="""
    -- facts: {"tables": {"public.events": {"bytes": 6000000000, "index_bytes": 4000000000}}}
    CREATE TABLE events (id bigint PRIMARY KEY, name text NOT NULL, day date NOT NULL);
    CREATE INDEX events_name_idx ON events (name);
    CREATE INDEX events_day_idx ON events (day);
    """,
)
def indexes_heavier_than_table(table: Table, ctx: Context) -> Iterator[Hit]:
    """The indexes of a big table outweigh it more than twice.

    They compete with the rows for memory, and each insert writes more to them than to the table.
    """
    facts = ctx.facts_of(table)
    if facts is None or not facts.bytes or not facts.index_bytes:
        return
    rows = facts.bytes + (facts.toast_bytes or 0)
    if facts.index_bytes > max(HEAVY_BYTES, 2 * rows):
        yield Hit(
            ctx.of_table(table),
            f"the indexes of {quoted(table.name)} take {facts.index_bytes / rows:.1f} times the"
            " space of its rows",
            evidence=f"{facts.index_bytes:,} bytes of indexes, {rows:,} of rows",
        )


@rule(
    "schema/too-many-indexes",
    Severity.INFO,
    FindingClass.RISK,
    on="table",
    opt_in=True,
    fix="Drop those that no query needs",
    references=["https://www.postgresql.org/docs/current/indexes-intro.html", _USAGE],
    bad="""
    CREATE TABLE t (a integer, b integer, c integer, d integer, e integer, f integer);
    ALTER TABLE t ADD PRIMARY KEY (a, b, c, d, e, f);
    CREATE INDEX ON t (b);
    CREATE INDEX ON t (c);
    CREATE INDEX ON t (d);
    CREATE INDEX ON t (e);
    CREATE INDEX ON t (f);
    """,
    good="""
    CREATE TABLE t (id bigint PRIMARY KEY, a integer NOT NULL, b integer NOT NULL);
    CREATE INDEX ON t (a);
    CREATE INDEX ON t (b);
    """,
)
def too_many_indexes(table: Table, ctx: Context) -> Iterator[Hit]:
    """A table has many indexes.

    Each is written at every insert, and in PostgreSQL at most updates. Whether they are too many
    depends on the load: give `facts` to have them judged by use and size.
    """
    count = len(ctx.paths[table.name])
    if count > MANY:
        yield Hit(ctx.of_table(table), f"{quoted(table.name)} has {count} indexes")


@rule(
    "schema/wide-index",
    Severity.INFO,
    FindingClass.RISK,
    on="table",
    opt_in=True,
    fix="Keep the columns that select rows, most selective equality first",
    references=[_INDEXES, _MYSQL],
    bad="""
    CREATE TABLE t (a integer, b integer, c integer, d integer, e integer, f integer);
    ALTER TABLE t ADD PRIMARY KEY (a, b, c, d, e, f);
    """,
    good="""
    CREATE TABLE t (a integer, b integer, c integer, PRIMARY KEY (a, b, c));
    CREATE INDEX ON t (c, b);
    """,
)
def wide_index(table: Table, ctx: Context) -> Iterator[Hit]:
    """An index has many columns.

    Past the first few, columns hardly narrow a search; they make the index large and changes of any
    of them an index write. Full-text indexes search all of theirs at once, and are left alone.
    """
    for path in ctx.paths[table.name]:
        if len(path.parts) > MANY and path.method != "fulltext":
            yield Hit(
                _place(ctx, table, path),
                f"{quoted(path.name)} of {quoted(table.name)} has {len(path.parts)} columns",
            )
