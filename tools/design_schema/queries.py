"""The application's queries, each parsed once."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ..ddl.model import At, Dialect
from ..ddl.script import split
from ..rule import Place

if TYPE_CHECKING:
    from sqlglot import exp

MAX_QUERY = 50_000  # characters that are parsed


@dataclass
class Query:
    """One statement of the application."""

    text: str
    at: At
    dialect: Dialect

    @property
    def place(self) -> Place:
        """Where it stands; it is called by how it begins."""
        return Place(self.at.file, ("queries", " ".join(self.text.split())[:60]), self.at.offset)

    @cached_property
    def tree(self) -> exp.Expr | None:
        """The syntax tree; None when the statement is too long or not understood."""
        import sqlglot
        from sqlglot.errors import SqlglotError

        if len(self.text) > MAX_QUERY:
            return None
        logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of what it half reads
        dialect = "mysql" if self.dialect is Dialect.MARIADB else self.dialect.value
        try:
            return sqlglot.parse_one(self.text, dialect=dialect)
        except (SqlglotError, RecursionError):
            return None


def queries_in(files: Mapping[str, str], dialect: Dialect) -> tuple[Query, ...]:
    """The queries of some files, in order. Raises `ScriptError`."""
    return tuple(
        Query(statement.text, At(statement.file, statement.offset), dialect)
        for name, text in files.items()
        for statement in split(text, name, dialect)[0]
    )
