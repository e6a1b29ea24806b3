"""Rules about the script itself: whether its engine would read it."""

from __future__ import annotations

from collections.abc import Iterator

from ...ddl.model import Schema
from ...report import FindingClass, Severity
from ...rule import Hit, Place, rule
from ..context import Context

SYNTAX_ERROR = "syntax error"  # how the reader of PostgreSQL's own grammar begins a reason


@rule(
    "schema/syntax-error",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="schema",
    fix="Correct the statement; what depends on it was not judged",
    references=["https://www.postgresql.org/docs/current/sql-syntax.html"],
    bad="""
    CREATE TABLE orders (id bigint PRIMARY KEY, placed_at timestamptz NOT);
    """,
    good="""
    CREATE TABLE orders (id bigint PRIMARY KEY, placed_at timestamptz NOT NULL);
    """,
)
def syntax_error(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A statement is no SQL of PostgreSQL 18.

    The script stops there, or goes on without what the statement was to make: the schema in
    production is then another one than that in the repository. Read with PostgreSQL's own grammar.
    """
    for unread in schema.unread:
        if unread.reason.startswith(SYNTAX_ERROR):
            message = unread.reason.removeprefix(f"{SYNTAX_ERROR}: ")
            words = " ".join(unread.text[:60].split())
            at = Place(unread.at.file, ("statements", words), unread.at.offset)
            yield Hit(at, message, evidence=unread.text[:200])
