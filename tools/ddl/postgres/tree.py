"""PostgreSQL's own parser over a script: statements to trees, and trees back to SQL.

Trees are libpg_query's (`postgast`), whose locations are byte offsets; a place here is a character
of the file. The library recurses without a limit, so what nests too deeply is not handed to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import import_module

import postgast
from google.protobuf.message import DecodeError, Message
from postgast import pg_query_pb2 as pg

from ..model import At, Sql
from ..script import Statement

MAX_DEPTH = 1000  # operators, calls, parentheses and queries within each other
MAX_SIZE = 1_000_000  # bytes of an expression's or a query's tree
_SHALLOW = 2 * MAX_DEPTH  # characters that cannot nest deeper: a level takes two
_CHUNK = 300  # statements parsed at once
_CHUNK_CHARACTERS = 400_000


class Unsupported(Exception):
    """A statement, or a part of one, has no known effect on the model; the message says why."""


class TooComplex(Unsupported):
    """An expression or a query is beyond `MAX_DEPTH` or `MAX_SIZE`."""

    def __init__(self) -> None:
        super().__init__("an expression is too large or nests too deeply to be read")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A statement with its tree, or with what is wrong with it."""

    statement: Statement
    node: Message | None
    kind: str = ""  # the tree's: create_stmt, alter_table_stmt, …
    start: int = 0  # byte offset of the statement in the parsed text
    error: str = ""
    error_offset: int = 0  # characters from the statement's start

    def at(self, location: int = -1) -> At:
        """The place of a node's `location`; the statement's own when there is none."""
        offset = location - self.start
        if location < 0 or offset < 0:
            offset = 0
        elif not self.statement.text.isascii():
            offset = len(self.statement.text.encode()[:offset].decode(errors="ignore"))
        return At(self.statement.file, self.statement.offset + offset)


def parse(statements: Iterable[Statement]) -> Iterator[Parsed]:
    """Each statement parsed, in order. A statement in error costs nobody but itself."""
    _allow_deep_trees()
    chunk: list[Statement] = []
    size = 0
    for statement in statements:
        chunk.append(statement)
        size += len(statement.text)
        if len(chunk) == _CHUNK or size > _CHUNK_CHARACTERS:
            yield from _parse_chunk(chunk)
            chunk, size = [], 0
    yield from _parse_chunk(chunk)


def _parse_chunk(chunk: Sequence[Statement]) -> Iterator[Parsed]:
    good = [s for s in chunk if not _too_deep(s.text) and "\0" not in s.text]
    together = _parse_together(good)
    for statement in chunk:
        if together is not None and together and together[0].statement is statement:
            yield together.pop(0)
        else:
            yield _parse_one(statement)


def _parse_together(chunk: Sequence[Statement]) -> list[Parsed] | None:
    texts = [statement.text for statement in chunk]
    try:
        trees = postgast.parse("\n;".join(texts)).stmts
    except (postgast.PgQueryError, DecodeError, ValueError):
        return None
    if len(trees) != len(chunk):
        return None
    parsed, start = [], 0
    for statement, tree in zip(chunk, trees, strict=True):
        kind = tree.stmt.WhichOneof("node") or ""
        parsed.append(Parsed(statement, getattr(tree.stmt, kind), kind, start))
        start += len(statement.text.encode()) + 2
    return parsed


def _parse_one(statement: Statement) -> Parsed:
    if "\0" in statement.text:  # the parser would stop there and see no more
        return Parsed(statement, None, error="syntax error: a zero character")
    if _too_deep(statement.text):
        return Parsed(statement, None, error=f"nests deeper than {MAX_DEPTH} levels")
    try:
        trees = postgast.parse(statement.text).stmts
    except postgast.PgQueryError as error:
        offset = max(0, error.cursorpos - 1)
        return Parsed(statement, None, error=f"syntax error: {error}", error_offset=offset)
    except (DecodeError, ValueError):
        return Parsed(statement, None, error="the parser cannot represent it")
    if not trees:
        return Parsed(statement, None)
    kind = trees[0].stmt.WhichOneof("node") or ""
    return Parsed(statement, getattr(trees[0].stmt, kind), kind)


def parse_expression(sql: str) -> pg.ParseResult:
    """The tree of `SELECT sql`; the expression is `expression_of` it. Raises `TooComplex`."""
    return parse_query(f"SELECT {sql}")


def parse_query(sql: str) -> pg.ParseResult:
    """The tree of one statement of ours. Raises `TooComplex`."""
    _allow_deep_trees()
    if _too_deep(sql):
        raise TooComplex
    return postgast.parse(sql)


def expression_of(tree: pg.ParseResult) -> pg.Node:
    """The expression in what `parse_expression` returns."""
    return tree.stmts[0].stmt.select_stmt.target_list[0].res_target.val


def sql(node: pg.Node) -> Sql:
    """An expression as SQL."""
    return Sql(_simple(node) or _deparsed_expression(node))


def query(node: pg.Node) -> Sql:
    """A query as SQL."""
    if node.ByteSize() > MAX_SIZE:
        raise TooComplex
    result = pg.ParseResult()
    result.stmts.add().stmt.CopyFrom(node)
    return Sql(postgast.deparse(result))


def quote(name: str) -> str:
    """An identifier as it has to be written, by the parser's own rules."""
    if name not in _COMMON_NAMES:
        reference = pg.Node()
        reference.column_ref.fields.add().string.sval = name
        return _deparsed_expression(reference)
    return name


def literal(text: str) -> str:
    """A string literal."""
    doubled = text.replace("'", "''")
    return f"E'{doubled.replace(chr(92), chr(92) * 2)}'" if "\\" in text else f"'{doubled}'"


def walk(node: Message) -> Iterator[Message]:
    """All messages in a tree, the tree itself first; no recursion."""
    todo = [node]
    while todo:
        message = todo.pop()
        yield message
        for descriptor, value in message.ListFields():
            if descriptor.type == descriptor.TYPE_MESSAGE:
                todo.extend(value if descriptor.is_repeated else [value])


def relations(parsed: Message) -> list[pg.RangeVar]:
    """The relations a query names, without those of its own WITH clauses.

    What FOR UPDATE OF names is in FROM, too, maybe under another name.
    """
    nodes = list(walk(parsed))
    local = {node.ctename for node in nodes if isinstance(node, pg.CommonTableExpr)}
    locking = (node for node in nodes if isinstance(node, pg.LockingClause))
    locked = {each.range_var.location for node in locking for each in node.locked_rels}
    return [
        node
        for node in nodes
        if isinstance(node, pg.RangeVar)
        and (node.schemaname or node.relname not in local)
        and not (locked and node.location in locked)
    ]


def column_names(node: Message) -> list[str]:
    """The last names of the columns an expression mentions, in order, each once."""
    found: dict[str, None] = {}
    for message in walk(node):
        if isinstance(message, pg.ColumnRef):
            last = message.fields[-1]
            found.setdefault(last.string.sval if last.HasField("string") else "*")
    return list(found)[::-1]


_COMMON_NAMES = frozenset({"id", "name", "created_at", "updated_at", "status"})
_SIMPLE_TYPES = frozenset(
    [
        "text",
        "json",
        "jsonb",
        "uuid",
        "regclass",
        "date",
        "bytea",
        "inet",
        "citext",
        "int4",
        "int8",
        "bool",
        "name",
        "money",
        "xml",
    ]
)
_SIMPLE_FUNCTIONS = frozenset(
    [
        "now",
        "nextval",
        "gen_random_uuid",
        "uuid_generate_v4",
        "lower",
        "upper",
        "random",
        "clock_timestamp",
        "md5",
    ]
)


def _simple(node: pg.Node, depth: int = 0) -> str:
    """What deparsing gives for the commonest expressions, faster; empty for others."""
    kind = node.WhichOneof("node")
    if kind == "a_const":
        return _constant(node.a_const)
    if kind == "type_cast":
        cast = node.type_cast
        names = cast.type_name.names
        if cast.type_name.typmods or cast.type_name.array_bounds or cast.type_name.setof:
            return ""
        if cast.arg.WhichOneof("node") != "a_const":
            return ""
        if len(names) == 2:
            name = _qualified_type(names[0].string.sval, names[1].string.sval)
        else:
            name = names[0].string.sval if names[0].string.sval in _SIMPLE_TYPES else ""
        value = _constant(cast.arg.a_const)
        return value and name and f"{value}::{name}"
    if kind == "func_call" and depth < 3:
        call = node.func_call
        name = call.funcname[-1].string.sval
        plain = len(call.ListFields()) - bool(call.args) == 3  # name, format, location
        if not plain or len(call.funcname) > 1 or name not in _SIMPLE_FUNCTIONS:
            return ""
        arguments = [_simple(argument, depth + 1) for argument in call.args]
        return f"{name}({', '.join(arguments)})" if all(arguments) else ""
    return ""


@lru_cache(maxsize=1024)
def _qualified_type(schema: str, name: str) -> str:
    """A type's name as it has to be written; empty for PostgreSQL's own, which have others."""
    if schema == "pg_catalog":
        return ""
    cast = pg.Node()
    cast.type_cast.arg.a_const.isnull = True
    for part in (schema, name):
        cast.type_cast.type_name.names.add().string.sval = part
    return _deparsed_expression(cast).removeprefix("NULL::")


def _constant(constant: pg.A_Const) -> str:
    if constant.isnull:
        return "NULL"
    kind = constant.WhichOneof("val")
    if kind == "ival":
        return str(constant.ival.ival) if constant.ival.ival >= 0 else ""
    if kind == "boolval":
        return "true" if constant.boolval.boolval else "false"
    if kind == "sval":
        return literal(constant.sval.sval)
    return ""


def _deparsed_expression(node: pg.Node) -> str:
    if node.ByteSize() > MAX_SIZE:
        raise TooComplex
    result = pg.ParseResult()
    select = result.stmts.add().stmt.select_stmt
    select.limit_option = pg.LIMIT_OPTION_DEFAULT
    select.op = pg.SETOP_NONE
    select.target_list.add().res_target.val.CopyFrom(node)
    return str(postgast.deparse(result)).removeprefix("SELECT ")


@cache
def _allow_deep_trees() -> None:
    """Lift protobuf's limit of 100 nested messages, which 50 operators reach."""
    try:
        import_module("google._upb._message").SetAllowOversizeProtos(True)
    except (ImportError, AttributeError):  # another implementation of protobuf
        return


def _too_deep(text: str) -> bool:
    if len(text) <= _SHALLOW:
        return False
    if sum(map(text.count, "+-*/<>=~!@#%^&|?:([.")) + len(_NESTING.findall(text)) < MAX_DEPTH:
        return False
    return _depth(text) > MAX_DEPTH


_NESTING = re.compile(
    r"\b(?:NOT|IS|ISNULL|NOTNULL|COLLATE|AT|LIKE|ILIKE|SIMILAR|OPERATOR|UNION|EXCEPT|INTERSECT|JOIN"
    r"|CASE|SELECT|ESCAPE|BETWEEN|IN|ARRAY|ROW)\b",
    re.IGNORECASE,
)


def _depth(text: str) -> int:
    """An upper bound of how deep the tree of `text` is.

    Operators of the same level chain to the left until a comma, AND or OR; joins and set operations
    chain over those.
    """
    try:
        tokens = postgast.scan(text).tokens
    except postgast.PgQueryError:
        return 0  # the parser will say what is wrong, before it builds a tree
    deepest = total = 0
    levels = [[0, 0]]  # of each open parenthesis: links since the last separator, and lasting ones
    for token in tokens:
        kind = token.token
        if kind in _OPENING:
            levels.append([1, 0])
            total += 1
        elif kind in _CLOSING:
            if len(levels) > 1:
                total -= sum(levels.pop())
                levels[-1][0] += 1
                total += 1
        elif kind in _SEPARATORS:
            total -= levels[-1][0]
            levels[-1][0] = 0
        elif kind in _LASTING:
            levels[-1][1] += 1
            total += 1
        elif kind not in _LEAVES:
            levels[-1][0] += 1
            total += 1
        deepest = max(deepest, total)
    return deepest


_OPENING = frozenset({pg.ASCII_40, pg.ASCII_91, pg.CASE})
_CLOSING = frozenset({pg.ASCII_41, pg.ASCII_93, pg.END_P})
_SEPARATORS = frozenset({pg.ASCII_44, pg.AND, pg.OR, pg.ASCII_59})
_LASTING = frozenset({pg.UNION, pg.EXCEPT, pg.INTERSECT, pg.JOIN})
_LEAVES = frozenset({pg.IDENT, pg.SCONST, pg.ICONST, pg.FCONST, pg.SQL_COMMENT, pg.C_COMMENT})
