"""SQL expressions and queries of PostgreSQL: compared by meaning, and what they mention."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple

import postgast
from google.protobuf.message import DecodeError
from postgast import pg_query_pb2 as pg

from .model import Name, Schema, Type
from .postgres import tree
from .postgres.canonical_query import Queries
from .postgres.canonical_types import Columns, Resolver

MAX_CHARACTERS: Final = 200_000  # of an expression; longer ones compare as text


class Names(NamedTuple):
    """What a query mentions; `schema` is empty where it was not written."""

    relations: frozenset[Name] = frozenset()
    functions: frozenset[Name] = frozenset()
    types: frozenset[Name] = frozenset()


def canonical(
    sql: str,
    columns: Columns | None = None,
    relations: Resolver | None = None,
    type: Type | None = None,
) -> str:
    """An expression, a query or a partition's bound as text that is equal for equal meanings.

    What a user writes and what the server prints of it (pg_get_expr, pg_get_viewdef, …) come out
    the same. It is no SQL. `columns` are those of the table, with their types; `relations` those of
    other tables by schema and name; `type` is that of the column the value goes into. Without them
    less is known: what could mean something else stays different. What cannot be parsed, or is too
    large, compares as text without its white space.
    """
    if columns is None and relations is None and type is None:
        return _plain(sql)
    return _canonical(sql, columns, relations, type)


def canonical_view(
    query: str,
    names: Sequence[str] = (),
    relations: Resolver | None = None,
    recursive: Name | None = None,
) -> str:
    """A view's query as text that is equal for equal meanings.

    `names` are the columns given before AS; `recursive` the name of a RECURSIVE view.
    """
    if recursive is not None:
        name, listed = tree.quote(recursive.name), ", ".join(map(tree.quote, names))
        query = f"WITH RECURSIVE {name}({listed}) AS ({query}) SELECT {listed} FROM {name}"
    parsed = _parsed(query)
    if parsed is None:
        return _spaced(query)
    try:
        return Queries(None, relations).view(parsed.stmts[0].stmt, names)
    except (RecursionError, IndexError):
        return _spaced(query)


def resolver(schema: Schema) -> Resolver:
    """The columns of the schema's tables and views, with types where they are known.

    A domain stands for the type below it. A name with `()` is a function: its output columns.
    """

    @cache
    def columns(namespace: str, name: str) -> Columns | None:
        full = Name(namespace or "public", name)
        if name.endswith("()"):
            return outputs.get(Name(full.schema, name[:-2]))
        if table := schema.tables.get(full):
            return {c.name: base_type(schema, c.type) for c in table.columns.values()}
        if composite := schema.composites.get(full):
            return {c.name: base_type(schema, c.type) for c in composite.attributes.values()}
        view = schema.views.get(full)
        parsed = _parsed(view.query) if view else None
        if view is None or parsed is None or view.recursive:
            return dict.fromkeys(view.columns) if view and view.columns else None
        active.add(full)
        try:
            found = Queries(None, known).columns_of(parsed.stmts[0].stmt.select_stmt)
        except (RecursionError, IndexError):
            return None
        finally:
            active.discard(full)
        if found and view.columns:
            rest = list(found)[len(view.columns) :]
            found = dict(zip([*view.columns, *rest], found.values(), strict=False))
        return found

    active: set[Name] = set()
    outputs = {
        function.name: {
            a.name: base_type(schema, a.type) for a in function.arguments if a.mode in _OUT
        }
        for function in schema.functions.values()
        if any(a.mode in _OUT and a.name for a in function.arguments)
    }

    def known(namespace: str, name: str) -> Columns | None:
        return None if Name(namespace or "public", name) in active else columns(namespace, name)

    return known


_OUT: Final = ("out", "inout", "table")


def base_type(schema: Schema, type: Type) -> Type:
    """The type below a domain, or the type itself."""
    for _ in range(16):
        domain = schema.domains.get(Name(type.schema, type.name)) if type.schema else None
        if domain is None or type.array:
            break
        type = domain.type
    return type


@lru_cache(maxsize=4096)
def columns_of(sql: str) -> frozenset[str]:
    """The names of the columns that an expression mentions."""
    parsed = _parsed(f"SELECT {sql}")
    return frozenset(tree.column_names(parsed)) if parsed else frozenset()


@lru_cache(maxsize=4096)
def has_star(query: str) -> bool:
    """Whether a query takes all columns of something; so says one that cannot be parsed."""
    parsed = _parsed(query)
    return "*" in (tree.column_names(parsed) if parsed else query)


@lru_cache(maxsize=4096)
def functions_of(sql: str) -> frozenset[str]:
    """The names of the functions, without schema, that an expression or a query calls."""
    if "(" not in sql:
        return frozenset()
    return frozenset(name.name for name in names_of(sql).functions)


@lru_cache(maxsize=4096)
def names_of(sql: str) -> Names:
    """The relations, functions and types that an expression, a query or a body mentions.

    Names of WITH queries do not count. Nothing when it cannot be parsed.
    """
    for text in (sql, f"SELECT {sql}", _function_with(sql)):
        if parsed := _parsed(text):
            return _names(parsed)
    return Names()


def _function_with(body: str) -> str:
    return f"CREATE FUNCTION f() RETURNS void {body}"


def _names(parsed: pg.ParseResult) -> Names:
    relations, functions, types, own = set(), set(), set(), set()
    for node in tree.walk(parsed):
        if isinstance(node, pg.RangeVar):
            relations.add(Name(node.schemaname, node.relname))
        elif isinstance(node, pg.FuncCall):
            functions.add(_name(node.funcname))
        elif isinstance(node, pg.TypeName) and node.names:
            types.add(_name(node.names))
        elif isinstance(node, pg.CommonTableExpr):
            own.add(Name("", node.ctename))
    return Names(frozenset(relations - own), frozenset(functions), frozenset(types))


def _name(nodes: Iterable[pg.Node]) -> Name:
    parts = [node.string.sval for node in nodes]
    return Name(parts[-2] if len(parts) > 1 else "", parts[-1])


@lru_cache(maxsize=16384)
def _plain(sql: str) -> str:
    return _canonical(sql, None, None, None)


def _canonical(
    sql: str, columns: Columns | None, relations: Resolver | None, type: Type | None
) -> str:
    try:
        if _QUERY.match(sql) and (parsed := _parsed(sql)):
            return Queries(columns, relations).view(parsed.stmts[0].stmt, ())
        canon = Queries(columns, relations)
        if _BODY.match(sql) and (parsed := _parsed(_function_with(sql))):
            return canon.generic(parsed.stmts[0].stmt.create_function_stmt.sql_body)
        if _BOUND.match(sql):
            parsed = _parsed(f"CREATE TABLE a PARTITION OF b {sql}")
            return canon.bound(parsed.stmts[0].stmt.create_stmt.partbound) if parsed else sql
        parsed = _parsed(f"SELECT {sql}")
        return canon.top(tree.expression_of(parsed), type) if parsed else _spaced(sql)
    except (RecursionError, IndexError):
        return _spaced(sql)


_QUERY: Final = re.compile(r"\s*(\(\s*)*(SELECT|WITH|VALUES|TABLE)\b", re.IGNORECASE)
_BODY: Final = re.compile(r"\s*(RETURN\b|BEGIN\s+ATOMIC\b)", re.IGNORECASE)
_BOUND: Final = re.compile(r"\s*(FOR\s+VALUES\b|DEFAULT\s*$)", re.IGNORECASE)


def _parsed(sql: str) -> pg.ParseResult | None:
    """The tree of one statement; None for anything else."""
    if len(sql) > MAX_CHARACTERS or "\0" in sql:
        return None
    try:
        parsed = tree.parse_query(sql)
    except (postgast.PgQueryError, DecodeError, ValueError, tree.TooComplex):
        return None
    return parsed if len(parsed.stmts) == 1 else None


def _spaced(sql: str) -> str:
    """The text with white space made one outside quotes."""
    parts: list[Any] = re.split(r"""('(?:[^']|'')*'|"(?:[^"]|"")*")""", sql)
    parts[::2] = [re.sub(r"\s+", " ", part) for part in parts[::2]]
    return "".join(parts).strip()
