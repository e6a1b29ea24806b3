"""What the user says was renamed: `orders.customer=buyer`, `orders=purchases`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..ddl.diff import dotted
from ..ddl.model import Name, Schema
from ..report import quoted

ObjectKey = tuple[str, ...]


class BadRename(ValueError):
    """A rename that names nothing; the message says what would be right."""


def read_renames(
    renames: Sequence[str], before: Schema, after: Schema
) -> Mapping[ObjectKey, ObjectKey]:
    """Keys of objects (`ddl.diff`) before, with those after. Raises `BadRename`.

    A table is `[schema.]table=new`, a column `[schema.]table.column=new`.
    """
    return dict(_read(text, before, after) for text in renames)


def _read(text: str, before: Schema, after: Schema) -> tuple[ObjectKey, ObjectKey]:
    old, equals, new = (part.strip() for part in text.partition("="))
    if not equals or not new:
        raise BadRename(f"{quoted(text)} is no rename; `orders.customer=buyer` would be one")
    for name, table in before.tables.items():
        for shown in {str(name), f"{name.schema}.{name.name}"}:
            if old == shown:
                renamed = Name(name.schema, new.rpartition(".")[2])
                if renamed not in after.tables:
                    raise BadRename(f"the target has no table {quoted(renamed)}")
                return ("table", dotted(name)), ("table", dotted(renamed))
            column = old.removeprefix(f"{shown}.")
            if column != old and column in table.columns:
                new_name = new.rpartition(".")[2]
                return (
                    ("column", dotted(name), column),
                    ("column", dotted(name), new_name),
                )
    raise BadRename(f"the current schema has nothing called {quoted(old)}")
