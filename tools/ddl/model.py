"""A relational schema as the fold of its DDL: what every database tool reads, compares and emits.

Names are as the engine stores them (folded, unquoted); what the engine would add itself is there:
default constraint names, the sequence behind `serial`, the columns a foreign key defaults to. Each
object knows its place in the source (`at`), which does not count when two are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, NamedTuple, TypeAlias


class Dialect(StrEnum):
    """The engines whose DDL is understood."""

    POSTGRES = "postgres"
    MYSQL = "mysql"
    MARIADB = "mariadb"
    SQLITE = "sqlite"

    @property
    def default_schema(self) -> str:
        """The schema of an unqualified name; empty where it is the database itself."""
        return "public" if self is Dialect.POSTGRES else ""


class Name(NamedTuple):
    """A qualified name. `schema` is empty for MySQL's current database and for SQLite."""

    schema: str
    name: str

    def __str__(self) -> str:
        return self.name if self.schema in ("", "public") else f"{self.schema}.{self.name}"


class At(NamedTuple):
    """A place in a source: a file and a character offset into its text."""

    file: str
    offset: int


class Sql(str):
    """An expression or a query as text; compared by meaning (`expressions.canonical`)."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Type:
    """A type as the engine's manual names it, in lower case: `character varying`, `integer`.

    `args` are length, precision, scale; `schema` is set for a user's type. PostgreSQL does not
    enforce the number of dimensions, so `array` is a flag. `values` are those of MySQL's ENUM and
    SET; `modifiers` such as `unsigned` and `zerofill`.
    """

    name: str
    args: tuple[str, ...] = ()
    schema: str = ""
    array: bool = False
    modifiers: frozenset[str] = frozenset()
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        args = ", ".join([f"'{value}'" for value in self.values] or self.args)
        head, zone, tail = self.name.partition(" with")  # time zones stand behind the precision
        with_args = f"{head}({args}){zone}{tail}" if args else self.name
        schema = f"{self.schema}." if self.schema not in ("", "public") else ""
        words = [schema + with_args, *sorted(self.modifiers)]
        return " ".join(words) + "[]" * self.array


@dataclass(frozen=True, slots=True)
class NotNull:
    """A column's NOT NULL; it has a name in the catalog from PostgreSQL 18 on."""

    name: str = ""
    valid: bool = True
    no_inherit: bool = False
    at: At | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SequenceOptions:
    """The options of a sequence, the engine's defaults filled in."""

    type: str = "bigint"
    start: int = 1
    increment: int = 1
    minimum: int = 1
    maximum: int = 2**63 - 1
    cache: int = 1
    cycle: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """GENERATED { ALWAYS | BY DEFAULT } AS IDENTITY, with its sequence."""

    always: bool
    sequence: Name
    options: SequenceOptions = SequenceOptions()


@dataclass(frozen=True, slots=True)
class Generated:
    """GENERATED ALWAYS AS (expression)."""

    expression: Sql
    stored: bool


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `storage`, `compression` and `statistics` are empty when the default."""

    name: str
    type: Type
    not_null: NotNull | None = None
    default: Sql | None = None
    identity: Identity | None = None
    generated: Generated | None = None
    collation: str = ""  # empty: the type's or the table's
    charset: str = ""
    auto_increment: bool = False
    on_update: Sql | None = None
    invisible: bool = False
    storage: str = ""
    compression: str = ""
    statistics: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    inherited: bool = False  # exists because of a parent only
    comment: str = ""
    at: At | None = field(default=None, compare=False, repr=False)


Deferrable: TypeAlias = Literal["", "deferrable", "initially deferred"]
Action: TypeAlias = Literal["no action", "restrict", "cascade", "set null", "set default"]


@dataclass(frozen=True, slots=True)
class IndexPart:
    """One key of an index: a column's name, or an expression.

    `length` is MySQL's prefix length. `operator` belongs to exclusion constraints.
    `descending` and `nulls_first` are what holds, defaults filled in.
    """

    expression: Sql
    is_column: bool = True
    descending: bool = False
    nulls_first: bool = False
    opclass: str = ""  # empty: the type's default
    opclass_options: Mapping[str, str] = field(default_factory=dict)
    collation: str = ""
    length: int | None = None
    operator: str = ""
    statistics: int | None = None  # of an expression: ALTER INDEX … SET STATISTICS


@dataclass(frozen=True, slots=True)
class Key:
    """A primary key or a unique constraint. MySQL's UNIQUE is an `Index`, as it is in MySQL."""

    name: str
    columns: tuple[str, ...]
    primary: bool = False
    include: tuple[str, ...] = ()
    nulls_not_distinct: bool = False
    without_overlaps: bool = False
    deferrable: Deferrable = ""
    options: Mapping[str, str] = field(default_factory=dict)
    lengths: tuple[int | None, ...] = ()  # MySQL's prefix lengths, when there are any
    on_conflict: str = ""  # SQLite
    descending: tuple[str, ...] = ()  # columns in descending order (SQLite, MySQL)
    inherited: bool = False  # made by a partition's parent
    comment: str = ""
    at: At | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key. `referenced` are always given, also where the DDL left them out.

    Empty `referenced` means that they could not be resolved (the target is unknown).
    """

    name: str
    columns: tuple[str, ...]
    table: Name
    referenced: tuple[str, ...]
    on_delete: Action = "no action"
    on_update: Action = "no action"
    on_delete_columns: tuple[str, ...] = ()
    match: Literal["simple", "full", "partial"] = "simple"
    deferrable: Deferrable = ""
    valid: bool = True
    enforced: bool = True
    period: bool = False
    inherited: bool = False
    comment: str = ""
    at: At | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Check:
    """A check constraint."""

    name: str
    expression: Sql
    valid: bool = True
    enforced: bool = True
    no_inherit: bool = False
    inherited: bool = False
    comment: str = ""
    at: At | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Exclusion:
    """An exclusion constraint; every part has an operator."""

    name: str
    method: str
    parts: tuple[IndexPart, ...]
    include: tuple[str, ...] = ()
    where: Sql | None = None
    deferrable: Deferrable = ""
    options: Mapping[str, str] = field(default_factory=dict)
    comment: str = ""
    at: At | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Index:
    """An index that no constraint made. `method` is what holds: btree, gin, fulltext, …"""

    name: str
    parts: tuple[IndexPart, ...]
    unique: bool = False
    method: str = "btree"
    include: tuple[str, ...] = ()
    where: Sql | None = None
    nulls_not_distinct: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    tablespace: str = ""
    only: bool = False  # on the partitioned table alone: not valid until all are attached
    parent: Name | None = None  # the partitioned index it is attached to
    invisible: bool = False
    comment: str = ""
    at: At | None = field(default=None, compare=False, repr=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """The leading plain columns, in order; nothing behind the first expression or prefix."""
        plain = []
        for part in self.parts:
            if not part.is_column or part.length is not None:
                break
            plain.append(str(part.expression))
        return tuple(plain)


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger: PostgreSQL's calls `function` with `arguments`; others have a `body`."""

    name: str
    timing: str  # before, after, instead of
    events: tuple[str, ...]  # insert, update, delete, truncate
    update_of: tuple[str, ...] = ()
    per_row: bool = True
    when: Sql | None = None
    function: Name | None = None
    arguments: tuple[str, ...] = ()
    body: str = ""
    constraint: bool = False
    references: Name | None = None  # FROM table of a constraint trigger
    deferrable: Deferrable = ""
    old_table: str = ""
    new_table: str = ""
    enabled: Literal["origin", "disabled", "replica", "always"] = "origin"
    comment: str = ""
    owner: str = field(default="", compare=False)  # MySQL's DEFINER
    at: At | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Policy:
    """A row-level security policy. `command`: all, select, insert, update, delete."""

    name: str
    command: str = "all"
    permissive: bool = True
    roles: tuple[str, ...] = ("public",)
    using: Sql | None = None
    check: Sql | None = None
    comment: str = ""
    at: At | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class PartitionBy:
    """PARTITION BY of a table. In MySQL `text` has all of it, verbatim."""

    strategy: str  # list, range, hash
    parts: tuple[IndexPart, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class PartitionOf:
    """The parent of a partition, and its bound: `FOR VALUES …` or `DEFAULT`."""

    parent: Name
    bound: Sql


@dataclass(frozen=True, slots=True)
class Table:
    """A table with what belongs to it, by name.

    `foreign` names the server of a foreign table. Primary key and unique constraints are in
    `keys`. `options` are storage parameters, or MySQL's table options beyond the named ones.
    """

    name: Name
    columns: Mapping[str, Column] = field(default_factory=dict)
    keys: Mapping[str, Key] = field(default_factory=dict)
    foreign_keys: Mapping[str, ForeignKey] = field(default_factory=dict)
    checks: Mapping[str, Check] = field(default_factory=dict)
    exclusions: Mapping[str, Exclusion] = field(default_factory=dict)
    indexes: Mapping[str, Index] = field(default_factory=dict)
    triggers: Mapping[str, Trigger] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    rules: Mapping[str, Opaque] = field(default_factory=dict)
    row_security: bool = False
    force_row_security: bool = False
    persistence: Literal["permanent", "unlogged", "temporary"] = "permanent"
    partition_by: PartitionBy | None = None
    partition_of: PartitionOf | None = None
    inherits: tuple[Name, ...] = ()
    of_type: Name | None = None
    replica_identity: str = "default"  # default, full, nothing, or an index's name
    cluster_on: str = ""
    access_method: str = ""
    tablespace: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    foreign: str = ""
    engine: str = ""
    charset: str = ""
    collation: str = ""
    without_rowid: bool = False
    strict: bool = False
    comment: str = ""
    owner: str = field(default="", compare=False)
    at: At | None = field(default=None, compare=False, repr=False)

    @property
    def primary_key(self) -> Key | None:
        """The primary key."""
        return next((key for key in self.keys.values() if key.primary), None)

    def own_key(self, index: Index) -> Key | None:
        """The key of this table, not its parent's, that can be its part of a unique index."""
        return own_key(self.keys, index)

    def unique_sets(self) -> Iterator[tuple[str, ...]]:
        """The columns of each key and of each unique index on all rows and plain columns."""
        for key in self.keys.values():
            if not any(key.lengths):
                yield key.columns
        for index in self.indexes.values():
            if index.unique and index.where is None and len(index.columns) == len(index.parts):
                yield index.columns


def own_key(keys: Mapping[str, Key], index: Index) -> Key | None:
    """The key of a partition, not its parent's, that can be its part of a unique index."""
    same = (key for key in keys.values() if not key.inherited and key.columns == index.columns)
    return next(same, None) if index.unique else None


@dataclass(frozen=True, slots=True)
class View:
    """A view. `columns` are the names given in the DDL, when any."""

    name: Name
    query: Sql
    columns: tuple[str, ...] = ()
    materialized: bool = False
    recursive: bool = False
    with_data: bool = True
    options: Mapping[str, str] = field(default_factory=dict)  # security_invoker, check_option, …
    indexes: Mapping[str, Index] = field(default_factory=dict)
    triggers: Mapping[str, Trigger] = field(default_factory=dict)
    rules: Mapping[str, Opaque] = field(default_factory=dict)
    column_defaults: Mapping[str, Sql] = field(default_factory=dict)
    column_comments: Mapping[str, str] = field(default_factory=dict)
    comment: str = ""
    owner: str = field(default="", compare=False)
    at: At | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Sequence:
    """A sequence that is no identity column's; `owned_by` is a table and a column."""

    name: Name
    options: SequenceOptions = SequenceOptions()
    owned_by: tuple[Name, str] | None = None
    persistence: Literal["permanent", "unlogged", "temporary"] = "permanent"
    comment: str = ""
    at: At | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Enum:
    """An enumerated type."""

    name: Name
    values: tuple[str, ...]
    comment: str = ""
    at: At | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain."""

    name: Name
    type: Type
    not_null: NotNull | None = None
    default: Sql | None = None
    collation: str = ""
    checks: Mapping[str, Check] = field(default_factory=dict)
    comment: str = ""
    at: At | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Composite:
    """A composite type; its attributes are columns with name, type and collation."""

    name: Name
    attributes: Mapping[str, Column]
    comment: str = ""
    at: At | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Range:
    """A range type."""

    name: Name
    subtype: Type
    multirange: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    comment: str = ""
    at: At | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a function. `mode`: in, out, inout, variadic, table."""

    name: str
    type: Type
    mode: str = "in"
    default: Sql | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """A function or procedure; its body is kept as written (`sql_body` for BEGIN ATOMIC)."""

    name: Name
    arguments: tuple[Argument, ...] = ()
    returns: str = ""  # `void`, `SETOF integer`, `TABLE`; empty for procedures
    kind: Literal["function", "procedure"] = "function"
    language: str = "sql"
    body: str = ""
    sql_body: Sql | None = None
    volatility: Literal["volatile", "stable", "immutable"] = "volatile"
    strict: bool = False
    security_definer: bool = False
    leakproof: bool = False
    window: bool = False
    parallel: Literal["unsafe", "restricted", "safe"] = "unsafe"
    cost: float | None = None  # None: the language's default
    rows: float | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    comment: str = ""
    owner: str = field(default="", compare=False)
    at: At | None = field(default=None, compare=False, repr=False)

    @property
    def signature(self) -> str:
        """Name and input types: what identifies it in PostgreSQL."""
        inputs = [a.type for a in self.arguments if a.mode in ("in", "inout", "variadic")]
        return f"{self.name}({', '.join(map(str, inputs))})"


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension."""

    name: str
    schema: str = ""
    version: str = field(default="", compare=False)
    comment: str = field(default="", compare=False)
    at: At | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Namespace:
    """A schema in PostgreSQL's sense."""

    name: str
    comment: str = ""
    owner: str = field(default="", compare=False)
    at: At | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Opaque:
    """An object of a kind that is not modelled: its statement is kept as written.

    `kind`: aggregate, operator, collation, cast, rule, event trigger, publication, text search
    configuration, statistics, …
    """

    kind: str
    name: str
    sql: str = field(compare=False)
    comment: str = ""
    path: tuple[str, ...] = field(default=(), compare=False)  # search path of `sql` if not `public`
    at: At | None = field(default=None, compare=False, repr=False)


class Grant(NamedTuple):
    """One privilege of one role on one object: `select` on `table` `public.orders`."""

    privilege: str
    kind: str
    object: str
    grantee: str
    columns: tuple[str, ...] = ()
    grantable: bool = False


class Grants(dict[Grant, At | None]):
    """Privileges with their places, which do not count when two are compared."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, dict) and self.keys() == other.keys()

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None


@dataclass(frozen=True, slots=True)
class Unread:
    """A statement, or a part of one, that did not enter the model; the reason says why."""

    at: At
    text: str  # bounded
    reason: str


@dataclass(frozen=True, slots=True)
class Schema:
    """Everything that a DDL script leaves behind.

    `functions` and `opaque` are keyed by signature and by (kind, name). `grants` hold the state
    after all GRANT and REVOKE statements, beyond the owner's own. `unread` is in source order.
    """

    dialect: Dialect
    namespaces: Mapping[str, Namespace] = field(default_factory=dict)
    extensions: Mapping[str, Extension] = field(default_factory=dict)
    enums: Mapping[Name, Enum] = field(default_factory=dict)
    domains: Mapping[Name, Domain] = field(default_factory=dict)
    composites: Mapping[Name, Composite] = field(default_factory=dict)
    ranges: Mapping[Name, Range] = field(default_factory=dict)
    sequences: Mapping[Name, Sequence] = field(default_factory=dict)
    tables: Mapping[Name, Table] = field(default_factory=dict)
    views: Mapping[Name, View] = field(default_factory=dict)
    functions: Mapping[str, Function] = field(default_factory=dict)
    opaque: Mapping[tuple[str, str], Opaque] = field(default_factory=dict)
    grants: Mapping[Grant, At | None] = field(default_factory=Grants)
    revoked: Mapping[Grant, At | None] = field(default_factory=Grants)  # what PUBLIC has by default
    charset: str = ""  # of the database (MySQL)
    collation: str = ""
    unread: tuple[Unread, ...] = field(default=(), compare=False)
