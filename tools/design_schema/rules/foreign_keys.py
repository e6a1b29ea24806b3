"""Rules about foreign keys that the engine refuses, ignores or cannot keep, and their indexes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from ...ddl.model import Action, Dialect, ForeignKey, Key, Name, Schema, Table
from ...engines.limits import quote
from ...names import words
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, Place, rule
from ..access import (
    is_forgotten,
    is_nullable,
    is_unique,
    label,
    own_foreign_keys,
    serves,
    target,
)
from ..context import ColumnPart, Context, ForeignKeyPart, Part
from ..remedies import create_index, drop_foreign_key, index_name, relation_names, written

_POSTGRES = "https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK"
_POSTGRES_TABLE = "https://www.postgresql.org/docs/current/sql-createtable.html"
_MYSQL = "https://dev.mysql.com/doc/refman/8.4/en/create-table-foreign-keys.html"
_SQLITE = "https://www.sqlite.org/foreignkeys.html"

FEW_ROWS = 1_000  # a scan of so few costs no more than an index


@rule(
    "schema/foreign-key-without-index",
    Severity.WARNING,
    FindingClass.RISK,
    on="schema",
    fix="Create an index that begins with the columns of the foreign key",
    references=[_POSTGRES, _SQLITE + "#fk_indexes"],
    bad="""
    CREATE TABLE customers (id bigint PRIMARY KEY);
    CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers);
    """,
    good="""
    CREATE TABLE customers (id bigint PRIMARY KEY);
    CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers);
    CREATE INDEX orders_customer_id_idx ON orders (customer_id);
    """,
)
def foreign_key_without_index(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """No index leads with the columns of a foreign key.

    PostgreSQL and SQLite index the referenced side only. To delete a referenced row, or to change
    its key, they look for rows that point to it: each time a scan of the whole table, while locks
    are held. Joins from the referenced table scan as well. MySQL makes that index itself.
    """
    yield from _without_index(schema, ctx, to_lists=False)


@rule(
    "schema/list-reference-without-index",
    Severity.INFO,
    FindingClass.RISK,
    on="schema",
    fix="Create an index that begins with the columns of the foreign key, if entries are deleted",
    references=[_POSTGRES, _SQLITE + "#fk_indexes"],
    bad="""
    CREATE TABLE order_types (id bigint PRIMARY KEY);
    CREATE TABLE orders (id bigint PRIMARY KEY, type_id bigint NOT NULL REFERENCES order_types);
    """,
    good="""
    CREATE TABLE order_types (id bigint PRIMARY KEY);
    CREATE TABLE orders (id bigint PRIMARY KEY, type_id bigint NOT NULL REFERENCES order_types);
    CREATE INDEX orders_type_id_idx ON orders (type_id);
    """,
)
def list_reference_without_index(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """No index leads with a reference to a list of types, states or codes.

    As `schema/foreign-key-without-index`, where an index rarely pays: such lists are short, hardly
    ever lose an entry, and an index on a few values finds too many rows to be of use.
    """
    yield from _without_index(schema, ctx, to_lists=True)


def _without_index(schema: Schema, ctx: Context, *, to_lists: bool) -> Iterator[Hit]:
    if ctx.is_mysql:
        return
    bare: dict[Name, list[ForeignKey]] = defaultdict(list)
    for table, key in own_foreign_keys(schema):
        if _exist(table, key) and not _with_index(ctx, table, key) and _matters(ctx, table):
            bare[table.name].append(key)
    taken = set(relation_names(schema))
    for name, keys in bare.items():
        table = schema.tables[name]
        proposed = _proposed(ctx, table, keys, taken)
        for key in keys:
            if _is_to_list(key) is not to_lists:
                continue
            columns = ", ".join(key.columns)
            yield Hit(
                ctx.of(ForeignKeyPart(table, key)),
                f"no index of {quoted(name)} leads with {quoted(columns)}, which references"
                f" {quoted(key.table)}{_COSTS.get(key.on_delete, '')}",
                ddl=(proposed[frozenset(key.columns)],),
                related=_where(ctx, target(schema, key)),
            )


def _is_to_list(key: ForeignKey) -> bool:
    """Whether the table is named as a list of types, states or codes, whose entries stay."""
    return key.on_delete not in _COSTS and bool(_LIST.search(words(key.table.name)))


_LIST = re.compile(
    r"_(types?|kinds?|status|statuses|languages?|country|countries|currency|currencies)_$"
)
_COSTS = {"cascade": ", and deletes cascade", "set null": ", and deletes set it to NULL"}


def _matters(ctx: Context, table: Table) -> bool:
    """Whether the table is known to the end, and not known to be small."""
    facts = ctx.facts_of(table)
    is_small = facts is not None and facts.rows is not None and facts.rows < FEW_ROWS
    return not is_small and table.name.name.lower() not in ctx.unread_words


def _proposed(
    ctx: Context, table: Table, keys: list[ForeignKey], taken: set[Name]
) -> dict[frozenset[str], str]:
    """An index for each set of columns; one that begins with another serves both."""
    found: dict[frozenset[str], str] = {}
    there = {path.columns for path in ctx.paths[table.name] if not path.unique and not path.where}
    for key in sorted(keys, key=lambda key: -len(key.columns)):
        if frozenset(key.columns) not in found:
            columns = _order(list(dict.fromkeys(key.columns)), there)
            name = index_name(ctx, table, columns, taken)
            taken.add(Name(table.name.schema, name))
            statement = create_index(ctx, table, name, columns)
            for end in range(1, len(columns) + 1):
                found.setdefault(frozenset(columns[:end]), statement)
    return found


def _order(columns: list[str], there: set[tuple[str, ...]]) -> list[str]:
    """The columns in an order that does not begin like an index that is there, if there is one."""
    for first in range(len(columns)):
        turned = columns[first:] + columns[:first]
        if not any(tuple(turned[:end]) in there for end in range(1, len(turned))):
            return turned
    return columns


def _with_index(ctx: Context, table: Table, key: ForeignKey) -> bool:
    """Whether an index leads with the columns, or a key among them finds the one row there is."""
    if is_unique(table, key.columns):
        return True
    return any(serves(path, key.columns) for path in ctx.paths[table.name])


def _exist(table: Table, key: ForeignKey) -> bool:
    return all(column in table.columns for column in key.columns)


def _where(ctx: Context, table: Table | None) -> tuple[Place, ...]:
    return (ctx.of_table(table),) if table else ()


@rule(
    "schema/dangling-foreign-key",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="schema",
    fix="Create what it references, or drop the foreign key",
    references=[_POSTGRES, _MYSQL, _SQLITE + "#fk_schemacommands"],
    bad="""
    CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint REFERENCES customers (id));
    CREATE INDEX ON orders (customer_id);
    """,
    good="""
    CREATE TABLE customers (id bigint PRIMARY KEY);
    CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint REFERENCES customers (id));
    CREATE INDEX ON orders (customer_id);
    """,
)
def dangling_foreign_key(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A foreign key names a table or a column that does not exist.

    PostgreSQL refuses it. SQLite, and MySQL without foreign_key_checks, accept it and then fail
    every insert and update of the table.
    """
    unread = ctx.unread_words
    schemas = {name.schema for name in schema.tables}
    for table, key in own_foreign_keys(schema):
        mentioned = {table.name.name.lower(), key.table.name.lower()} & unread
        if not mentioned and key.table.schema in schemas:
            for fault in _dangling(schema, table, key):
                yield Hit(
                    ctx.of(ForeignKeyPart(table, key)),
                    f"the foreign key {quoted(label(key))} of {quoted(table.name)} {fault}",
                )


def _dangling(schema: Schema, table: Table, key: ForeignKey) -> Iterator[str]:
    other = target(schema, key)
    if key.table in schema.views:
        yield f"references {quoted(key.table)}, which is a view"
    elif other is None:
        yield f"references the table {quoted(key.table)}, which does not exist"
    elif other.columns and not all(column in other.columns for column in key.referenced):
        missing = next(column for column in key.referenced if column not in other.columns)
        yield f"references {quoted(missing)}, which {quoted(key.table)} does not have"
    elif key.referenced and len(key.referenced) != len(key.columns):
        yield f"has {len(key.columns)} columns for {len(key.referenced)} referenced ones"
    if table.columns and not _exist(table, key):
        missing = next(column for column in key.columns if column not in table.columns)
        yield f"is on {quoted(missing)}, which the table does not have"


@rule(
    "schema/foreign-key-to-non-unique",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="schema",
    fix="Reference the primary key, or add a unique key over exactly the referenced columns",
    references=[_POSTGRES, _MYSQL, _SQLITE + "#fk_indexes"],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL);
    CREATE TABLE invitations (id bigint PRIMARY KEY, email text NOT NULL REFERENCES users (email));
    CREATE INDEX ON invitations (email);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL UNIQUE);
    CREATE TABLE invitations (id bigint PRIMARY KEY, email text NOT NULL REFERENCES users (email));
    CREATE INDEX ON invitations (email);
    """,
)
def foreign_key_to_non_unique(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A foreign key references columns that are no key.

    PostgreSQL, MySQL from 8.4 on refuse it, older MySQL and MariaDB when there is no index either;
    SQLite accepts it and fails every insert with "foreign key mismatch". In PostgreSQL the key must
    be neither partial nor deferrable.
    """
    for table, key, other in _resolved(schema, ctx):
        if _is_key(ctx, other, key.referenced):
            continue
        if ctx.is_mysql and not _refuses_plain(ctx) and _has_index(ctx, other, key.referenced):
            continue
        columns = ", ".join(key.referenced)
        what = (
            f"{quoted(columns)} of {quoted(other.name)}, which is no key"
            if key.referenced
            else f"{quoted(other.name)}, which has no primary key"
        )
        yield Hit(
            ctx.of(ForeignKeyPart(table, key)),
            f"the foreign key {quoted(label(key))} of {quoted(table.name)} references {what}",
            related=_where(ctx, other),
        )


@rule(
    "schema/foreign-key-to-plain-index",
    Severity.WARNING,
    FindingClass.RISK,
    on="schema",
    fix="Reference the primary key, or make the index unique",
    references=[
        _MYSQL,
        "https://dev.mysql.com/doc/refman/8.4/en/server-system-variables.html"
        "#sysvar_restrict_fk_on_non_standard_key",
    ],
    bad="""
    -- mysql 8.0
    CREATE TABLE users (id bigint NOT NULL PRIMARY KEY, code int NOT NULL, KEY (code));
    CREATE TABLE orders (
        id bigint NOT NULL PRIMARY KEY,
        code int NOT NULL,
        FOREIGN KEY (code) REFERENCES users (code)
    );
    """,
    good="""
    -- mysql 8.0
    CREATE TABLE users (id bigint NOT NULL PRIMARY KEY, code int NOT NULL, UNIQUE KEY (code));
    CREATE TABLE orders (
        id bigint NOT NULL PRIMARY KEY,
        code int NOT NULL,
        FOREIGN KEY (code) REFERENCES users (code)
    );
    """,
)
def foreign_key_to_plain_index(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A foreign key references columns that need not be unique.

    InnoDB allows it where any index leads with the columns; the standard does not, and MySQL 8.4
    refuses it by default. A row then refers to several, and what deleting one of them does to it is
    not defined.
    """
    if not ctx.is_mysql or _refuses_plain(ctx):
        return
    for table, key, other in _resolved(schema, ctx):
        if not _is_key(ctx, other, key.referenced) and _has_index(ctx, other, key.referenced):
            columns = ", ".join(key.referenced)
            yield Hit(
                ctx.of(ForeignKeyPart(table, key)),
                f"the foreign key {quoted(label(key))} of {quoted(table.name)} references"
                f" {quoted(columns)} of {quoted(other.name)}, which need not be unique",
                related=_where(ctx, other),
            )


def _resolved(schema: Schema, ctx: Context) -> Iterator[tuple[Table, ForeignKey, Table]]:
    """The foreign keys whose target is known for sure, with it."""
    unread = ctx.unread_words
    for table, key in own_foreign_keys(schema):
        other = target(schema, key)
        if other is None or {table.name.name.lower(), other.name.name.lower()} & unread:
            continue
        if all(column in other.columns for column in key.referenced):
            yield table, key, other


def _is_key(ctx: Context, table: Table, columns: tuple[str, ...]) -> bool:
    for path in ctx.paths[table.name]:
        deferrable = isinstance(path.origin, Key) and path.origin.deferrable
        same = len(path.columns) == len(path.parts) and set(path.columns) == set(columns)
        if same and path.unique and not path.where and not (ctx.is_postgres and deferrable):
            return True
    return False


def _has_index(ctx: Context, table: Table, columns: tuple[str, ...]) -> bool:
    """As InnoDB wants it: the columns come first, in this order."""
    return any(path.columns[: len(columns)] == columns for path in ctx.paths[table.name]) and bool(
        columns
    )


def _refuses_plain(ctx: Context) -> bool:
    return ctx.dialect is Dialect.MYSQL and ctx.version >= (8, 4)


@rule(
    "schema/foreign-key-sets-null-on-not-null",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="foreign_key",
    fix="Let the column take NULL, or choose another action",
    references=[_POSTGRES, _MYSQL, _SQLITE + "#fk_actions"],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE posts (
        id bigint PRIMARY KEY,
        author_id bigint NOT NULL REFERENCES users ON DELETE SET NULL
    );
    CREATE INDEX ON posts (author_id);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE posts (
        id bigint PRIMARY KEY,
        author_id bigint REFERENCES users ON DELETE SET NULL
    );
    CREATE INDEX ON posts (author_id);
    """,
)
def foreign_key_sets_null_on_not_null(part: ForeignKeyPart, ctx: Context) -> Iterator[Hit]:
    """A foreign key's action puts NULL into a column that is NOT NULL.

    The action can never do what it says: deleting a row that is referenced fails, with an error
    about NOT NULL that points to the wrong table. SET DEFAULT does the same where there is no
    default. MySQL refuses the table.
    """
    table, key = part
    if is_forgotten(ctx.schema, key):
        return
    actions: tuple[tuple[str, Action, tuple[str, ...]], ...] = (
        ("DELETE", key.on_delete, key.on_delete_columns or key.columns),
        ("UPDATE", key.on_update, key.columns),
    )
    for event, action, columns in actions:
        for name in columns:
            column = table.columns.get(name)
            if column is None or is_nullable(ctx.schema, table, name):
                continue
            if action == "set null" or (action == "set default" and not column.default):
                yield Hit(
                    ctx.of(part),
                    f"{quoted(name)} of {quoted(table.name)} is NOT NULL, but ON {event}"
                    f" {action.upper()} of {quoted(label(key))} would make it NULL",
                    related=(ctx.of(ColumnPart(table, column)),),
                )


@rule(
    "schema/duplicate-foreign-key",
    Severity.WARNING,
    FindingClass.DEFECT,
    on="table",
    fix="Keep one of them",
    references=[_POSTGRES_TABLE, _MYSQL],
    bad="""
    CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE posts (
        id bigint PRIMARY KEY,
        author_id bigint NOT NULL REFERENCES users,
        CONSTRAINT posts_author FOREIGN KEY (author_id) REFERENCES users (id)
    );
    CREATE INDEX ON posts (author_id);
    """,
    good="""
    CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE posts (
        id bigint PRIMARY KEY,
        author_id bigint NOT NULL REFERENCES users
    );
    CREATE INDEX ON posts (author_id);
    """,
)
def duplicate_foreign_key(table: Table, ctx: Context) -> Iterator[Hit]:
    """Two foreign keys say the same.

    Every insert and delete is checked twice. When their actions differ, what happens depends on
    which runs first.
    """
    if table.name.name.lower() in ctx.unread_words:
        return
    same: dict[object, list[ForeignKey]] = defaultdict(list)
    for key in table.foreign_keys.values():
        if key.referenced and not key.period and not is_forgotten(ctx.schema, key):
            same[key.table, frozenset(_pairs(key))].append(key)
    for first, *others in same.values():
        for key in others:
            alike = _behaviour(key) == _behaviour(first)
            columns = ", ".join(key.columns)
            yield Hit(
                ctx.of(ForeignKeyPart(table, key)),
                f"the foreign keys {quoted(label(first))} and {quoted(label(key))} of"
                f" {quoted(table.name)} both tie {quoted(columns)} to {quoted(key.table)}"
                f"{'' if alike else ', with different actions'}",
                ddl=drop_foreign_key(ctx, table, key) if alike else (),
                related=(ctx.of(ForeignKeyPart(table, first)),),
            )


def _pairs(key: ForeignKey) -> list[tuple[str, str]]:
    return list(zip(key.columns, key.referenced, strict=False))


def _behaviour(key: ForeignKey) -> tuple[object, ...]:
    actions = (key.on_delete, key.on_update, set(key.on_delete_columns))
    return (*actions, key.match, key.deferrable, key.valid, key.enforced)


@rule(
    "schema/overlapping-foreign-keys",
    Severity.INFO,
    FindingClass.RISK,
    on="table",
    opt_in=True,
    fix="Drop the foreign key that the other one implies",
    references=[_POSTGRES_TABLE],
    bad="""
    CREATE TABLE users (tenant integer, id integer, PRIMARY KEY (tenant, id), UNIQUE (id));
    CREATE TABLE posts (
        id integer PRIMARY KEY,
        tenant integer NOT NULL,
        author integer NOT NULL REFERENCES users (id),
        FOREIGN KEY (tenant, author) REFERENCES users (tenant, id)
    );
    CREATE INDEX ON posts (author, tenant);
    """,
    good="""
    CREATE TABLE users (tenant integer, id integer, PRIMARY KEY (tenant, id), UNIQUE (id));
    CREATE TABLE posts (
        id integer PRIMARY KEY,
        tenant integer NOT NULL,
        author integer NOT NULL,
        FOREIGN KEY (tenant, author) REFERENCES users (tenant, id)
    );
    CREATE INDEX ON posts (author, tenant);
    """,
)
def overlapping_foreign_keys(table: Table, ctx: Context) -> Iterator[Hit]:
    """A foreign key is part of a wider one to the same table.

    The wider one finds the row already; the narrower is one more check of each insert. It adds
    something only where a NULL in the other columns switches the wider one off.
    """
    by_pairs: dict[Name, dict[frozenset[tuple[str, str]], ForeignKey]] = defaultdict(dict)
    for key in table.foreign_keys.values():
        if not is_forgotten(ctx.schema, key):
            by_pairs[key.table].setdefault(frozenset(_pairs(key)), key)
    for keys in by_pairs.values():
        for pairs, wide in keys.items():
            for pair in pairs if len(pairs) > 1 else ():
                narrow = keys.get(frozenset((pair,)))
                if narrow:
                    yield Hit(
                        ctx.of(ForeignKeyPart(table, narrow)),
                        f"the foreign key {quoted(label(narrow))} of {quoted(table.name)} is part"
                        f" of {quoted(label(wide))}",
                        related=(ctx.of(ForeignKeyPart(table, wide)),),
                    )


@rule(
    "schema/composite-foreign-key-with-nulls",
    Severity.WARNING,
    FindingClass.RISK,
    on="foreign_key",
    fix="Make the columns NOT NULL, use MATCH FULL, or check that all or none are NULL",
    references=[_POSTGRES_TABLE, _POSTGRES, _SQLITE + "#fk_composite"],
    bad="""
    CREATE TABLE rooms (building text, number integer, PRIMARY KEY (building, number));
    CREATE TABLE desks (
        id bigint PRIMARY KEY,
        building text,
        number integer,
        FOREIGN KEY (building, number) REFERENCES rooms
    );
    CREATE INDEX ON desks (building, number);
    """,
    good="""
    CREATE TABLE rooms (building text, number integer, PRIMARY KEY (building, number));
    CREATE TABLE desks (
        id bigint PRIMARY KEY,
        building text,
        number integer,
        FOREIGN KEY (building, number) REFERENCES rooms MATCH FULL
    );
    CREATE INDEX ON desks (building, number);
    """,
)
def composite_foreign_key_with_nulls(part: ForeignKeyPart, ctx: Context) -> Iterator[Hit]:
    """A foreign key of several columns that may be NULL one by one.

    With MATCH SIMPLE, the default and in MySQL and SQLite all there is, one NULL switches the check
    off for the whole row: the other columns may then name what does not exist. One column that may
    be NULL is the usual way to say "none"; with two, half a reference is possible.
    """
    table, key = part
    nullable = [column for column in key.columns if is_nullable(ctx.schema, table, column)]
    if len(nullable) < 2 or (key.match == "full" and ctx.is_postgres):
        return
    if is_forgotten(ctx.schema, key):
        return
    checked = (words(check.expression) for check in table.checks.values())
    if not any(all(words(column) in check for column in nullable) for check in checked):
        columns = ", ".join(nullable)
        yield Hit(
            ctx.of(part),
            f"{quoted(label(key))} of {quoted(table.name)} is not checked when only one of"
            f" {quoted(columns)} is NULL",
        )


@rule(
    "schema/foreign-key-ignored",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="table",
    fix="Declare it as FOREIGN KEY (…) REFERENCES … of an InnoDB table",
    references=[
        _MYSQL,
        "https://dev.mysql.com/doc/refman/8.4/en/ansi-diff-foreign-keys.html",
        "https://dev.mysql.com/doc/relnotes/mysql/9.0/en/news-9-0-0.html",
    ],
    bad="""
    -- mysql 8.0
    CREATE TABLE users (id bigint NOT NULL PRIMARY KEY);
    CREATE TABLE posts (
        id bigint NOT NULL PRIMARY KEY, author_id bigint NOT NULL REFERENCES users (id)
    );
    """,
    good="""
    -- mysql 8.0
    CREATE TABLE users (id bigint NOT NULL PRIMARY KEY);
    CREATE TABLE posts (
        id bigint NOT NULL PRIMARY KEY,
        author_id bigint NOT NULL,
        FOREIGN KEY (author_id) REFERENCES users (id)
    );
    """,
)
def foreign_key_ignored(table: Table, ctx: Context) -> Iterator[Hit]:
    """A foreign key that MySQL reads and forgets.

    REFERENCES at a column does nothing before MySQL 9.0, and no foreign key does in MyISAM and
    other engines than InnoDB and NDB: no error, no warning, no constraint.
    """
    for key in table.foreign_keys.values():
        if not is_forgotten(ctx.schema, key):
            continue
        engine = table.engine if table.engine.lower() not in ("", "innodb") else ""
        if not engine and ctx.dialect is Dialect.MYSQL and ctx.version >= (9,):
            continue
        columns = ", ".join(key.columns)
        why = f"the table's engine is {quoted(engine)}" if engine else "it stands at the column"
        yield Hit(
            ctx.of(ForeignKeyPart(table, key)),
            f"the reference of {quoted(columns)} of {quoted(table.name)} to {quoted(key.table)} is"
            f" ignored: {why}",
        )


@rule(
    "schema/constraint-not-validated",
    Severity.WARNING,
    FindingClass.RISK,
    on="schema",
    fix="Find and mend the rows that break it, then VALIDATE CONSTRAINT",
    references=[
        "https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-VALIDATE-CONSTRAINT"
    ],
    bad="""
    CREATE TABLE orders (id bigint PRIMARY KEY, total integer NOT NULL);
    ALTER TABLE orders ADD CONSTRAINT total_positive CHECK (total > 0) NOT VALID;
    """,
    good="""
    CREATE TABLE orders (id bigint PRIMARY KEY, total integer NOT NULL);
    ALTER TABLE orders ADD CONSTRAINT total_positive CHECK (total > 0) NOT VALID;
    ALTER TABLE orders VALIDATE CONSTRAINT total_positive;
    """,
)
def constraint_not_validated(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A constraint was added NOT VALID and never validated.

    It holds for new rows only. Old ones may break it, and do so later: an update of such a row
    fails, so does restoring a dump in one pass, and the planner makes no use of the constraint.
    Facts tell of those that are so in the database only.
    """
    live = {(c.schema, c.table, c.name) for c in ctx.facts.unvalidated_constraints}
    for table in schema.tables.values():
        keys = (k for k in table.foreign_keys.values() if k.enforced and not k.inherited)
        checks = (c for c in table.checks.values() if c.enforced and not c.inherited)
        nulls = ((c, c.not_null) for c in table.columns.values() if c.not_null)
        constraints = [
            *((ctx.of(ForeignKeyPart(table, k)), k.name, k.valid, "foreign key") for k in keys),
            *((ctx.of(Part(table, c)), c.name, c.valid, "check") for c in checks),
            *((ctx.of(ColumnPart(table, c)), n.name, n.valid, "NOT NULL") for c, n in nulls),
        ]
        found = [
            (at, name, kind)
            for at, name, valid, kind in constraints
            if not valid or (*table.name, name) in live
        ]
        for at, name, kind in found:
            constraint = quote(ctx.dialect, name)
            statement = f"ALTER TABLE {written(ctx, table.name)} VALIDATE CONSTRAINT {constraint}"
            yield Hit(
                at,
                f"the {kind} constraint {quoted(name)} of {quoted(table.name)} is NOT VALID",
                ddl=(statement,) if name else (),
            )


@rule(
    "schema/foreign-key-not-enforced",
    Severity.WARNING,
    FindingClass.RISK,
    on="foreign_key",
    fix="Mend the rows that break it and enforce it, or drop it",
    references=[_POSTGRES_TABLE + "#SQL-CREATETABLE-PARMS-ENFORCED"],
    bad="""
    -- postgres 18
    CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE posts (
        id bigint PRIMARY KEY,
        author_id bigint NOT NULL REFERENCES users NOT ENFORCED
    );
    CREATE INDEX ON posts (author_id);
    """,
    good="""
    -- postgres 18
    CREATE TABLE users (id bigint PRIMARY KEY);
    CREATE TABLE posts (
        id bigint PRIMARY KEY,
        author_id bigint NOT NULL REFERENCES users
    );
    CREATE INDEX ON posts (author_id);
    """,
)
def foreign_key_not_enforced(part: ForeignKeyPart, ctx: Context) -> Iterator[Hit]:
    """A foreign key is declared NOT ENFORCED.

    It is there to be read only: rows may reference what does not exist, and deletes do not cascade.
    """
    table, key = part
    if ctx.is_postgres and not key.enforced:
        yield Hit(
            ctx.of(part),
            f"the foreign key {quoted(label(key))} of {quoted(table.name)} is not enforced",
        )
