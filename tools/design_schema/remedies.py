"""Statements that mend a schema, in its own dialect: what rules propose as `ddl`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from hashlib import blake2b

from ..ddl.model import Dialect, ForeignKey, Index, Name, Schema, Table
from ..engines.limits import limits, name_length, quote
from .access import Holder
from .context import Context


def written(ctx: Context, name: Name) -> str:
    """A name as a statement writes it; without the default schema."""
    schema = () if name.schema in ("", ctx.dialect.default_schema) else (name.schema,)
    return ".".join(quote(ctx.dialect, part) for part in (*schema, name.name))


def column_list(ctx: Context, columns: Sequence[str]) -> str:
    """Columns as a statement writes them, without the parentheses."""
    return ", ".join(quote(ctx.dialect, column) for column in columns)


def create_index(ctx: Context, table: Table, name: str, columns: Sequence[str]) -> str:
    """CREATE INDEX on the columns, without blocking writes where that is possible."""
    online = "CONCURRENTLY " if ctx.is_postgres and table.partition_by is None else ""
    return (
        f"CREATE INDEX {online}{quote(ctx.dialect, name)} ON {written(ctx, table.name)}"
        f" ({column_list(ctx, columns)})"
    )


def drop_index(ctx: Context, holder: Holder, index: Index) -> str:
    """DROP INDEX, without blocking queries where that is possible."""
    if ctx.is_mysql:
        return f"DROP INDEX {quote(ctx.dialect, index.name)} ON {written(ctx, holder.name)}"
    partitioned = isinstance(holder, Table) and holder.partition_by is not None
    online = "CONCURRENTLY " if ctx.is_postgres and not partitioned else ""
    return f"DROP INDEX {online}{written(ctx, Name(holder.name.schema, index.name))}"


def drop_foreign_key(ctx: Context, table: Table, key: ForeignKey) -> tuple[str, ...]:
    """ALTER TABLE … DROP; nothing for SQLite, which cannot."""
    if ctx.dialect is Dialect.SQLITE:
        return ()
    kind = "FOREIGN KEY" if ctx.is_mysql else "CONSTRAINT"
    name = quote(ctx.dialect, key.name)
    return (f"ALTER TABLE {written(ctx, table.name)} DROP {kind} {name}",)


def index_name(ctx: Context, table: Table, columns: Sequence[str], taken: Collection[Name]) -> str:
    """`table_columns_idx` within the engine's limit, and a name of its own."""
    stem = "_".join([table.name.name, *columns])
    name = f"{stem}_idx"
    limit = limits(ctx.dialect)["identifier"].value or 64
    if name_length(ctx.dialect, name) > limit or Name(table.name.schema, name) in taken:
        mark = blake2b(name.encode("utf-8", "replace"), digest_size=3).hexdigest()
        while name_length(ctx.dialect, stem) > limit - len(f"_{mark}_idx"):
            stem = stem[:-1]
        name = f"{stem}_{mark}_idx"
    return name


def relation_names(schema: Schema) -> frozenset[Name]:
    """The names that a new index must not take: relations of every kind, and constraints."""
    names = {*schema.tables, *schema.views, *schema.sequences}
    for view in schema.views.values():
        names |= {Name(view.name.schema, name) for name in view.indexes}
    for table in schema.tables.values():
        made = (*table.indexes, *table.keys, *table.exclusions)
        names |= {Name(table.name.schema, name) for name in made}
    return frozenset(names)
