"""PostgreSQL's tables, sequences and indexes as statements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from ..expressions import columns_of, functions_of
from ..model import (
    Check,
    Column,
    Exclusion,
    ForeignKey,
    Identity,
    Index,
    Key,
    Name,
    Schema,
    Table,
)
from .emit_sequences import other_identities, sequence_options, serials, taken_names
from .nodes import made_name
from .text import (
    default_text,
    deferrable,
    generated_text,
    generic_options,
    ident,
    idents,
    index_part,
    options,
    parenthesised,
    period,
    qualified,
    type_text,
)


class Tables:
    """Writes the tables of a schema; knows which names PostgreSQL would give by itself."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._taken = Counter(taken_names(schema))
        self._serial = dict(serials(schema))
        self._children: dict[Name, list[Table]] = {}
        for table in schema.tables.values():
            if table.partition_of:
                self._children.setdefault(table.partition_of.parent, []).append(table)
        self._late: dict[Name, frozenset[str]] = {}

    def is_serial(self, sequence: Name) -> bool:
        """Whether a column declared `serial` makes the sequence."""
        return sequence in self._serial

    def create(self, table: Table, late: frozenset[str] = frozenset()) -> str:
        """CREATE TABLE without its foreign keys, indexes and what else stands in ALTER TABLE.

        `late` are functions that come after the table: what calls them is in `waiting`.
        """
        self._late[table.name] = late
        parent = self._parent(table)
        lines = [*self._columns(table), *self._constraints(table)]
        head = self._head(table)
        if parent is not None and not self.attached(table):
            head += f" PARTITION OF {qualified(parent.name)}"
        elif table.of_type:
            head += f" OF {qualified(table.of_type)}"
        body = " (\n    " + ",\n    ".join(lines) + "\n)" if lines else ""
        if not body and not table.of_type and (parent is None or self.attached(table)):
            body = " ()"
        return head + body + "".join(f"\n{clause}" for clause in self._clauses(table))

    def attached(self, table: Table) -> bool:
        """Whether a partition is a table of its own first, and attached afterwards.

        PARTITION OF copies the columns in the parent's order and names keys by its own rule.
        """
        parent = self._parent(table)
        if table.partition_of is None:
            return False
        if parent is None or list(parent.columns) != list(table.columns):
            return True
        return (
            any(k.inherited and k.name != self._key_name(table, k) for k in table.keys.values())
            or any(c.inherited and c.name not in parent.checks for c in table.checks.values())
            or any(
                p.not_null and (c := table.columns[n]).not_null and c.not_null != p.not_null
                for n, p in parent.columns.items()
            )
        )

    def after(self, table: Table) -> Iterator[str]:
        """What follows CREATE TABLE, before there are children: a change of a parent goes to them.

        ATTACH PARTITION and INHERIT, settings of columns, constraints that are not valid.
        """
        name = qualified(table.name)
        if table.partition_of is not None and self.attached(table):
            parent, bound = table.partition_of.parent, table.partition_of.bound
            yield f"ALTER TABLE {qualified(parent)}\n    ATTACH PARTITION {name} {bound}"
        if table.inherits and not self._inherits(table):
            for other in table.inherits:
                yield f"ALTER TABLE {name} INHERIT {qualified(other)}"
        yield from other_identities(table)
        kind = "FOREIGN TABLE" if table.foreign else "TABLE"
        repeated = (key for key in table.keys.values() if _is_repeated(table, key))
        keys = [f"ADD {self._key(table, key)}" for key in repeated if not key.inherited]
        changes = [*self._column_changes(table), *keys, *self._not_valid(table)]
        if changes:
            yield f"ALTER {kind} {name}\n    " + ",\n    ".join(changes)

    def waiting(self, table: Table) -> Iterator[str]:
        """Defaults and checks that call functions which need the table."""
        changes = [
            f"ALTER COLUMN {ident(column.name)} SET DEFAULT {column.default}"
            for column in table.columns.values()
            if column.default is not None and self._is_late(table, column.default)
        ]
        for check in table.checks.values():
            if self._is_late(table, check.expression) and not check.inherited:
                changes.append(f"ADD {self._check(table, check)}")
        if changes:
            yield f"ALTER TABLE {qualified(table.name)}\n    " + ",\n    ".join(changes)

    def foreign_keys(self, table: Table) -> Iterator[str]:
        """One ALTER TABLE with the table's own foreign keys."""
        parent = self._parent(table)
        own = [
            f"ADD {self.foreign_key(table, key)}"
            for key in table.foreign_keys.values()
            if not (key.inherited and parent is not None and key.name in parent.foreign_keys)
        ]
        if own:
            yield f"ALTER TABLE {qualified(table.name)}\n    " + ",\n    ".join(own)

    def foreign_key(self, table: Table, key: ForeignKey) -> str:
        """A foreign key as a table constraint."""
        default = made_name(table.name.name, "_".join(key.columns), "fkey")
        columns, referenced = idents(key.columns), idents(key.referenced)
        if key.period:
            columns, referenced = period(key.columns), period(key.referenced)
        text = f"FOREIGN KEY ({columns}) REFERENCES {qualified(key.table)}"
        words = [self._named(table, key.name, default) + text]
        if key.referenced:
            words.append(f"({referenced})")
        if key.match != "simple":
            words.append(f"MATCH {key.match.upper()}")
        if key.on_update != "no action":
            words.append(f"ON UPDATE {key.on_update.upper()}")
        if key.on_delete != "no action":
            words.append(f"ON DELETE {key.on_delete.upper()}")
        if key.on_delete_columns:
            words.append(f"({idents(key.on_delete_columns)})")
        words += deferrable(key.deferrable)
        if not key.enforced:
            words.append("NOT ENFORCED")
        elif not key.valid:
            words.append("NOT VALID")
        return " ".join(words)

    def indexes(self, table: Table) -> Iterator[str]:
        """The indexes of a table, those of partitions with their parent's."""
        for index in table.indexes.values():
            if index.parent is None:
                yield from self._with_partitions(table, index)

    def _with_partitions(self, table: Table, index: Index) -> Iterator[str]:
        """A partitioned index; one by one and attached where names are not the default ones."""
        copies = list(self._copies(table, index))
        one_by_one = index.only or not self._is_automatic(table, index)
        yield self.index(table.name, index, only=one_by_one and bool(self._partitions(table.name)))
        if one_by_one:
            for partition, copy in copies:
                yield from self._with_partitions(partition, copy)
                parent = Name(table.name.schema, index.name)
                name = Name(partition.name.schema, copy.name)
                yield f"ALTER INDEX {qualified(parent)} ATTACH PARTITION {qualified(name)}"
            if not index.only:
                yield from self._attached_keys(table, index)

    def _attached_keys(self, table: Table, index: Index) -> Iterator[str]:
        """A valid index has a part in each partition, which may be that of a key of its own."""
        have = {partition.name for partition, _ in self._copies(table, index)}
        parent = qualified(Name(table.name.schema, index.name))
        for partition in self._partitions(table.name):
            if partition.name not in have and (key := partition.own_key(index)):
                name = qualified(Name(partition.name.schema, key.name))
                yield f"ALTER INDEX {parent} ATTACH PARTITION {name}"

    def _copies(self, table: Table, index: Index) -> Iterator[tuple[Table, Index]]:
        parent = Name(table.name.schema, index.name)
        for partition in self._partitions(table.name):
            for copy in partition.indexes.values():
                if copy.parent == parent:
                    yield partition, copy

    def _is_automatic(self, table: Table, index: Index) -> bool:
        """Whether PostgreSQL would give all partitions these indexes by these names."""
        copies = list(self._copies(table, index))
        columns = [*(str(part.expression) for part in index.parts), *index.include]
        plain = all(part.is_column for part in index.parts) and len({*columns}) == len(columns)
        return len(copies) == len(self._partitions(table.name)) and all(
            plain
            and copy.name == made_name(partition.name.name, "_".join(columns), "idx")
            and self._taken[Name(partition.name.schema, copy.name)] == 1
            and replace(copy, name="", parent=None, comment="")
            == replace(index, name="", parent=None, comment="")
            and self._is_automatic(partition, copy)
            for partition, copy in copies
        )

    def _partitions(self, parent: Name) -> list[Table]:
        return self._children.get(parent, [])

    def index(self, table: Name, index: Index, only: bool = False) -> str:
        """CREATE INDEX."""
        unique = "UNIQUE " if index.unique else ""
        target = f"ONLY {qualified(table)}" if only else qualified(table)
        parts = ", ".join(index_part(part, self.collation(part.collation)) for part in index.parts)
        using = f" USING {ident(index.method)}" if index.method != "btree" else ""
        text = f"CREATE {unique}INDEX {ident(index.name)} ON {target}{using} ({parts})"
        if index.include:
            text += f" INCLUDE ({idents(index.include)})"
        if index.nulls_not_distinct:
            text += " NULLS NOT DISTINCT"
        if index.options:
            text += f" WITH {options(index.options)}"
        if index.tablespace:
            text += f" TABLESPACE {ident(index.tablespace)}"
        return text + (f"\n    WHERE {index.where}" if index.where else "")

    def column(self, table: Table, column: Column, plain: bool = False) -> str:
        """A column as ADD COLUMN takes it, without keys and never as `serial`.

        `plain` leaves out what would have to be computed or checked for the rows that are there.
        """
        if plain:
            column = replace(column, default=None, generated=None, identity=None, not_null=None)
        bare = replace(table, keys={}, partition_of=None, inherits=())
        return self._column(bare, column, serial=False)

    def key(self, table: Table, key: Key) -> str:
        """A primary key or unique constraint as a table constraint."""
        return self._key(table, key)

    def exclusion(self, exclusion: Exclusion) -> str:
        """An exclusion constraint as a table constraint."""
        return self._exclusion(exclusion)

    def identity(self, table: Table, column: Column, identity: Identity) -> str:
        """GENERATED … AS IDENTITY, with the sequence's name and options where they matter."""
        return self._identity(table, column, identity)

    def collation(self, name: str) -> str:
        """A collation's name; a dot separates a schema only if there is one of that name."""
        schema, _, rest = name.partition(".")
        if rest and (schema in self._schema.namespaces or schema in ("public", "pg_catalog")):
            return f"{ident(schema)}.{ident(rest)}"
        return ident(name)

    def _head(self, table: Table) -> str:
        if table.foreign:
            return f"CREATE FOREIGN TABLE {qualified(table.name)}"
        if table.persistence == "temporary":
            return f"CREATE TEMPORARY TABLE {ident(table.name.name)}"
        kind = "UNLOGGED " if table.persistence == "unlogged" else ""
        return f"CREATE {kind}TABLE {qualified(table.name)}"

    def _clauses(self, table: Table) -> Iterator[str]:
        if table.partition_of is not None and not self.attached(table):
            yield str(table.partition_of.bound)
        if table.inherits and self._inherits(table):
            yield f"INHERITS ({', '.join(map(qualified, table.inherits))})"
        if by := table.partition_by:
            parts = ", ".join(index_part(p, self.collation(p.collation)) for p in by.parts)
            yield f"PARTITION BY {by.strategy.upper()} ({parts})"
        if table.access_method:
            yield f"USING {ident(table.access_method)}"
        if table.foreign:
            yield f"SERVER {ident(table.foreign)}"
            if table.options:
                yield generic_options(table.options)
        elif table.options:
            yield f"WITH {options(table.options)}"
        if table.tablespace:
            yield f"TABLESPACE {ident(table.tablespace)}"

    def _parent(self, table: Table) -> Table | None:
        return self._schema.tables.get(table.partition_of.parent) if table.partition_of else None

    def _inherits(self, table: Table) -> bool:
        """Whether INHERITS gives the columns in their order."""
        parents = [self._schema.tables.get(name) for name in table.inherits]
        first = [name for parent in parents if parent for name in parent.columns]
        order = list(dict.fromkeys([*first, *table.columns]))
        return all(parents) and order == list(table.columns)

    def _columns(self, table: Table) -> Iterator[str]:
        parent = self._parent(table)
        copied = parent is not None and not self.attached(table)
        for column in table.columns.values():
            if table.of_type or (copied and parent is not None):
                of = parent.columns[column.name] if copied and parent else Column("", column.type)
                words = self._overrides(table, column, of)
                if words:
                    yield " ".join([ident(column.name), *words])
            elif not (column.inherited and table.inherits and self._inherits(table)):
                yield self._column(table, column)

    def _overrides(self, table: Table, column: Column, of: Column) -> list[str]:
        """What a partition, or a table of a type, adds to a column that it has from there."""
        words = []
        if column.default is not None and column.default != of.default:
            words.append(f"DEFAULT {default_text(column.default)}")
        if column.generated and column.generated != of.generated:
            words.append(generated_text(column))
        primary = table.primary_key
        # A primary key of its own would name the constraint anew.
        own = primary is not None and not primary.inherited and column.name in primary.columns
        if (own or not of.not_null) and (text := self._not_null(table, column)):
            words.append(text)
        return words

    def _column(self, table: Table, column: Column, serial: bool = True) -> str:
        serials = self._serials_of(table) if serial else {}
        if column.name in serials:
            words = [ident(column.name), serials[column.name]]
            return " ".join([*words, *self._inline_keys(table, column)])
        words = [ident(column.name), type_text(column.type)]
        if table.foreign and column.options:
            words.append(generic_options(column.options))
        if column.storage:
            words.append(f"STORAGE {column.storage.upper()}")
        if column.compression:
            words.append(f"COMPRESSION {ident(column.compression)}")
        if column.collation:
            words.append(f"COLLATE {self.collation(column.collation)}")
        if column.default is not None and not self._is_late(table, column.default):
            words.append(f"DEFAULT {default_text(column.default)}")
        elif self._has_parents_default(table, column):
            words.append("DEFAULT NULL")
        if column.generated:
            words.append(generated_text(column))
        if column.identity and not (column.inherited and table.partition_of):
            words.append(self._identity(table, column, column.identity))
        if text := self._not_null(table, column):
            words.append(text)
        return " ".join([*words, *self._inline_keys(table, column)])

    def _has_parents_default(self, table: Table, column: Column) -> bool:
        """Whether a column without default would get one by INHERITS."""
        if not table.inherits or not self._inherits(table) or column.default is not None:
            return False
        parents = (self._schema.tables[name] for name in table.inherits)
        return any((of := p.columns.get(column.name)) and of.default for p in parents)

    def _not_null(self, table: Table, column: Column) -> str:
        """NOT NULL unless the primary key or the identity brings the same."""
        given = column.not_null
        if given is None or not given.valid:
            return ""
        default = made_name(table.name.name, column.name, "not_null")
        name = self._named(table, given.name, default) if given.name else ""
        primary = table.primary_key
        implied = primary is not None and column.name in primary.columns and not primary.inherited
        if not name and not given.no_inherit and (implied or column.identity):
            return ""
        return f"{name}NOT NULL" + (" NO INHERIT" if given.no_inherit else "")

    def _inline_keys(self, table: Table, column: Column) -> Iterator[str]:
        for key in table.keys.values():
            inline = key.columns == (column.name,) and self._is_inline(table, key)
            if inline and not _is_repeated(table, key):
                yield self._key(table, key, inline=True)

    def _is_inline(self, table: Table, key: Key) -> bool:
        plain = replace(key, at=None, comment="", inherited=False, primary=False)
        declared = not (table.of_type or table.partition_of)
        column = table.columns.get(key.columns[0])
        return (
            declared
            and column is not None
            and not (column.inherited and bool(table.inherits))
            and plain == Key(key.name, key.columns)
            and len(key.columns) == 1
        )

    def _constraints(self, table: Table) -> Iterator[str]:
        copied = table.partition_of is not None and not self.attached(table)
        inherits = bool(table.inherits) and self._inherits(table)
        if inherits:
            yield from self._extra_not_nulls(table)
        for key in table.keys.values():
            copy = (key.inherited and copied) or _is_repeated(table, key)
            if not self._is_inline(table, key) and not copy:
                yield self._key(table, key)
        parent = self._parent(table) if copied else None
        of_parent = [
            exclusion.parts for exclusion in (parent.exclusions.values() if parent else ())
        ]
        for exclusion in table.exclusions.values():
            if exclusion.parts not in of_parent:
                yield self._exclusion(exclusion)
        for check in table.checks.values():
            late = not check.valid or self._is_late(table, check.expression)
            if not late and not (check.inherited and (copied or inherits)):
                yield self._check(table, check)

    def _not_valid(self, table: Table) -> Iterator[str]:
        """Constraints that CREATE TABLE would take as valid."""
        for check in table.checks.values():
            late = self._is_late(table, check.expression)
            if not check.valid and not late and not check.inherited:
                yield f"ADD {self._check(table, check)}"
        for column in table.columns.values():
            if (given := column.not_null) and not given.valid and not column.inherited:
                name = f"CONSTRAINT {ident(given.name)} " if given.name else ""
                no_inherit = " NO INHERIT" if given.no_inherit else ""
                yield f"ADD {name}NOT NULL {ident(column.name)}{no_inherit} NOT VALID"

    def _extra_not_nulls(self, table: Table) -> Iterator[str]:
        """NOT NULL of inherited columns that no parent has."""
        parents = [self._schema.tables[name] for name in table.inherits]
        for column in table.columns.values():
            copies = [parent.columns.get(column.name) for parent in parents]
            text = self._not_null(table, column) if column.inherited else ""
            if text and not any(copy and copy.not_null for copy in copies):
                yield f"{text} {ident(column.name)}"

    def _column_changes(self, table: Table) -> Iterator[str]:
        parents = [parent for name in table.inherits if (parent := self._schema.tables.get(name))]
        for column in table.columns.values():
            alter = f"ALTER COLUMN {ident(column.name)}"
            if column.inherited and table.inherits and self._inherits(table):
                of = [p.columns[column.name] for p in parents if column.name in p.columns]
                if column.default != next((c.default for c in of if c.default), None):
                    yield f"{alter} " + (
                        f"SET DEFAULT {default_text(column.default)}"
                        if column.default is not None
                        else "DROP DEFAULT"
                    )
            copied = self._parent(table) if not self.attached(table) else None
            inherited = copied.columns.get(column.name) if copied else None
            if inherited and inherited.default is not None and column.default is None:
                yield f"{alter} DROP DEFAULT"
            if column.statistics is not None:
                yield f"{alter} SET STATISTICS {column.statistics}"
            if column.options and not table.foreign:
                yield f"{alter} SET {options(column.options)}"
            if inherited is not None or table.of_type or (column.inherited and table.inherits):
                if column.storage and column.storage != (inherited and inherited.storage):
                    yield f"{alter} SET STORAGE {column.storage.upper()}"
                if column.compression and column.compression != (
                    inherited and inherited.compression
                ):
                    yield f"{alter} SET COMPRESSION {ident(column.compression)}"

    def _key(self, table: Table, key: Key, inline: bool = False) -> str:
        words = [self._named(table, key.name, self._key_name(table, key))]
        words[0] += "PRIMARY KEY" if key.primary else "UNIQUE"
        if key.nulls_not_distinct:
            words.append("NULLS NOT DISTINCT")
        if not inline:
            overlaps = " WITHOUT OVERLAPS" if key.without_overlaps else ""
            words.append(f"({idents(key.columns)}{overlaps})")
        if key.include:
            words.append(f"INCLUDE ({idents(key.include)})")
        if key.options:
            words.append(f"WITH {options(key.options)}")
        return " ".join([*words, *deferrable(key.deferrable)])

    def _key_name(self, table: Table, key: Key) -> str:
        if key.primary:
            return made_name(table.name.name, "", "pkey")
        return made_name(table.name.name, "_".join((*key.columns, *key.include)), "key")

    def _check(self, table: Table, check: Check) -> str:
        used = columns_of(check.expression) & table.columns.keys()
        column = next(iter(used)) if len(used) == 1 else ""
        default = made_name(table.name.name, column, "check")
        return self.check(check, self._named(table, check.name, default))

    def check(self, check: Check, name: str) -> str:
        """A check as a table or domain constraint; `name` is `CONSTRAINT … ` or nothing."""
        words = [f"{name}CHECK {parenthesised(check.expression)}"]
        if check.no_inherit:
            words.append("NO INHERIT")
        if not check.enforced:
            words.append("NOT ENFORCED")
        elif not check.valid:
            words.append("NOT VALID")
        return " ".join(words)

    def _exclusion(self, exclusion: Exclusion) -> str:
        parts = ", ".join(index_part(p, self.collation(p.collation)) for p in exclusion.parts)
        words = [f"CONSTRAINT {ident(exclusion.name)} EXCLUDE USING {ident(exclusion.method)}"]
        words.append(f"({parts})")
        if exclusion.include:
            words.append(f"INCLUDE ({idents(exclusion.include)})")
        if exclusion.options:
            words.append(f"WITH {options(exclusion.options)}")
        if exclusion.where:
            words.append(f"WHERE {parenthesised(exclusion.where)}")
        return " ".join([*words, *deferrable(exclusion.deferrable)])

    def _identity(self, table: Table, column: Column, identity: Identity) -> str:
        words = []
        default = Name(table.name.schema, made_name(table.name.name, column.name, "seq"))
        if identity.sequence != default or self._taken[default] > 1:
            words.append(f"SEQUENCE NAME {qualified(identity.sequence)}")
        given = sequence_options(identity.options).removeprefix(f"AS {identity.options.type}")
        if given := given.strip():
            words.append(given)
        kind = "ALWAYS" if identity.always else "BY DEFAULT"
        return f"GENERATED {kind} AS IDENTITY" + (f" ({' '.join(words)})" if words else "")

    def _is_late(self, table: Table, expression: str) -> bool:
        late = self._late.get(table.name)
        return bool(late) and not functions_of(expression).isdisjoint(late or ())

    def _named(self, table: Table, name: str, default: str) -> str:
        """`CONSTRAINT name ` unless PostgreSQL would choose that name, whatever the order."""
        if name == default and self._taken[Name(table.name.schema, name)] < 2:
            return ""
        return f"CONSTRAINT {ident(name)} "

    def _serials_of(self, table: Table) -> dict[str, str]:
        return {
            column: kind for _, (owner, column, kind) in self._serial.items() if owner == table.name
        }


def _is_repeated(table: Table, key: Key) -> bool:
    """Whether CREATE TABLE drops the key as a repetition (transformIndexConstraints)."""
    same = [k for k in table.keys.values() if k.columns == key.columns and k.include == key.include]
    return len(same) > 1 and key != next((k for k in same if k.primary), same[0])
