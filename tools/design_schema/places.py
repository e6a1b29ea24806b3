"""Places of what is no table and no part of one."""

from __future__ import annotations

from ..rule import Place
from .context import Context


def of_database(ctx: Context) -> Place:
    """The place of the database itself: the beginning of the first table's file."""
    first = next(iter(ctx.schema.tables.values()), None)
    return Place(first.at.file if first and first.at else "", ("database",), 0)
