"""How rows of a table are identified and found: keys, indexes of any origin, what may be NULL."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from ..ddl.model import (
    Dialect,
    Exclusion,
    ForeignKey,
    Index,
    IndexPart,
    Key,
    Name,
    Schema,
    Sql,
    Table,
    View,
)

Holder: TypeAlias = Table | View


@dataclass(frozen=True, slots=True)
class Path:
    """An index, of whatever origin: made by itself, by a key or by an exclusion constraint.

    `name` is that of the columns where it has none (SQLite). `parts` and `where` are in a form that
    is equal for equal meanings.
    """

    name: str
    parts: tuple[IndexPart, ...]
    method: str
    include: tuple[str, ...]
    where: str
    unique: bool
    origin: Index | Key | Exclusion

    @property
    def columns(self) -> tuple[str, ...]:
        """The leading plain columns, in order, as `Index.columns`."""
        return _plain(self.parts)

    @property
    def predicate(self) -> str:
        """The condition of a partial index as written; else empty."""
        return "" if isinstance(self.origin, Key) else str(self.origin.where or "")

    @property
    def is_usable(self) -> bool:
        """Whether the engine may use it: neither hidden nor on a partitioned table alone."""
        return not (isinstance(self.origin, Index) and (self.origin.only or self.origin.invisible))


def paths(schema: Schema, holder: Holder) -> Iterator[Path]:
    """The indexes of a table or a materialized view: those of keys, then the others."""
    if isinstance(holder, Table):
        yield from (_of_key(key) for key in holder.keys.values())
        for exclusion in holder.exclusions.values():
            yield _path(
                schema, holder, exclusion, exclusion.parts, exclusion.method, exclusion.where
            )
    for index in holder.indexes.values():
        yield _path(schema, holder, index, index.parts, index.method, index.where)


def is_unique(table: Table, columns: Collection[str]) -> bool:
    """Whether no two rows agree in the columns: they hold a key of all rows."""
    return any(set(key) <= set(columns) for key in table.unique_sets())


def is_nullable(schema: Schema, table: Table, column: str) -> bool:
    """Whether a column takes NULL; False for one that does not exist.

    A column of a primary key does in SQLite, unless it is the rowid or the table STRICT or WITHOUT
    ROWID (https://www.sqlite.org/lang_createtable.html#the_primary_key).
    """
    found = table.columns.get(column)
    if found is None or found.not_null or found.identity or found.auto_increment:
        return False
    domain = schema.domains.get(Name(found.type.schema, found.type.name))
    if domain and domain.not_null:
        return False
    key = table.primary_key
    if key is None or column not in key.columns:
        return True
    return schema.dialect is Dialect.SQLITE and not (
        table.strict or table.without_rowid or is_rowid(table, column)
    )


def is_rowid(table: Table, column: str) -> bool:
    """Whether the column is SQLite's row id by another name: a sole INTEGER PRIMARY KEY."""
    key = table.primary_key
    return (
        key is not None
        and key.columns == (column,)
        and not key.descending
        and not table.without_rowid
        and table.columns[column].type.name.lower() == "integer"
    )


def serves(path: Path, columns: Collection[str]) -> bool:
    """Whether the index finds the rows that equal given values in all the columns.

    They lead it, in any order. A predicate that only leaves out NULLs of them does no harm, since
    no NULL equals anything.
    """
    lead = path.columns[: len(set(columns))]
    if not path.is_usable or set(lead) != set(columns):
        return False
    if isinstance(path.origin, Exclusion) and any(
        part.operator != "=" for part in path.origin.parts[: len(lead)]
    ):
        return False
    if path.method not in ("btree", "gist", "") and not (path.method == "hash" and len(lead) == 1):
        return False
    return not path.predicate or (not_null_only(path.predicate) or {""}) <= set(columns)


def not_null_only(predicate: str) -> frozenset[str] | None:
    """The columns of a predicate that says nothing but `column IS NOT NULL` (AND …); else None."""
    found = set()
    for term in re.split(r"\band\b", predicate.replace("(", " ").replace(")", " "), flags=re.I):
        match = _NOT_NULL.fullmatch(term.strip())
        if match is None:
            return None
        name = match[1]
        found.add(name[1:-1].replace(name[0] * 2, name[0]) if name[0] in '"`[' else name)
    return frozenset(found)


_NOT_NULL = re.compile(r"(\"(?:[^\"]|\"\")+\"|`[^`]+`|\[[^\]]+\]|[\w$]+)\s+is\s+not\s+null", re.I)


def target(schema: Schema, key: ForeignKey) -> Table | None:
    """The table that a foreign key points to, when the schema has it."""
    return schema.tables.get(key.table)


def label(key: ForeignKey) -> str:
    """What to call a foreign key: by its name, or its columns where it has none (SQLite)."""
    return key.name or ", ".join(key.columns)


def own_foreign_keys(schema: Schema) -> Iterator[tuple[Table, ForeignKey]]:
    """The foreign keys of all tables and partitions that do something.

    Those that repeat a parent's are left out, and those that MySQL reads and forgets.
    """
    for table in schema.tables.values():
        for key in table.foreign_keys.values():
            if not key.inherited and not is_forgotten(schema, key):
                yield table, key


def is_forgotten(schema: Schema, key: ForeignKey) -> bool:
    """Whether MySQL reads the foreign key and keeps nothing of it."""
    return not key.enforced and schema.dialect in (Dialect.MYSQL, Dialect.MARIADB)


def unread_words(schema: Schema) -> frozenset[str]:
    """The words, in lower case, of statements on objects that were not understood.

    What they name may be other than the model says.
    """
    texts = (part.text for part in schema.unread if _CHANGES.search(part.text))
    return frozenset(word for text in texts for word in re.findall(r"\w+", text.lower()))


_CHANGES = re.compile(r"\b(create|alter|rename|execute|call)\b", re.I)


def _of_key(key: Key) -> Path:
    lengths = key.lengths or (None,) * len(key.columns)
    parts = tuple(
        IndexPart(Sql(column), descending=column in key.descending, length=length)
        for column, length in zip(key.columns, lengths, strict=True)
    )
    method = "gist" if key.without_overlaps else "btree"
    name = key.name or ", ".join(key.columns)
    return Path(name, parts, method, key.include, "", True, key)


def _path(
    schema: Schema,
    holder: Holder,
    origin: Index | Exclusion,
    parts: tuple[IndexPart, ...],
    method: str,
    where: Sql | None,
) -> Path:
    return Path(
        origin.name,
        tuple(_normal(schema, holder, part) for part in parts),
        method,
        origin.include,
        _canonical(schema, where) if where else "",
        isinstance(origin, Index) and origin.unique,
        origin,
    )


def _normal(schema: Schema, holder: Holder, part: IndexPart) -> IndexPart:
    """A part without what its column has anyway."""
    if not part.is_column:
        return replace(part, expression=Sql(_canonical(schema, part.expression)), operator="")
    column = holder.columns.get(part.expression) if isinstance(holder, Table) else None
    collation = "" if column and part.collation == column.collation else part.collation
    return replace(part, collation=collation, operator="")


def _canonical(schema: Schema, sql: Sql) -> str:
    if schema.dialect is not Dialect.POSTGRES:
        return " ".join(sql.split())
    from ..ddl.expressions import canonical

    return canonical(sql)


def _plain(parts: tuple[IndexPart, ...]) -> tuple[str, ...]:
    names = []
    for part in parts:
        if not part.is_column or part.length is not None:
            break
        names.append(str(part.expression))
    return tuple(names)
