"""Names that PostgreSQL looked up over the search path, with the schema they were found in.

An expression or a query is kept as text that must mean the same in every session: what was found
in another schema than `public` gets its name. https://www.postgresql.org/docs/current/ddl-schemas.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pg

from ..model import Name
from . import tree
from .nodes import strings
from .state import State

_QUERIES = pg.SelectStmt | pg.InsertStmt | pg.UpdateStmt | pg.DeleteStmt | pg.MergeStmt
_SEQUENCE_FUNCTIONS = frozenset(("nextval", "currval", "setval"))


def qualify(state: State, statement: Message) -> None:
    """Name the schemas in a statement's queries and expressions, in place."""
    if all(schema == "public" for schema in state.path):
        return
    path = _Path(state)
    nodes = list(_with_place(statement))
    local = {node.ctename for node, _ in nodes if isinstance(node, pg.CommonTableExpr)}
    for node, in_query in nodes:
        if isinstance(node, pg.RangeVar):
            if in_query and not node.schemaname and node.relname not in local:
                node.schemaname = path.relation(node.relname)
        elif isinstance(node, pg.TypeName):
            path.prepend(node.names, path.type)
        elif isinstance(node, pg.FuncCall):
            if strings(node.funcname)[-1] in _SEQUENCE_FUNCTIONS and node.args:
                path.qualify_literal(node.args[0])
            path.prepend(node.funcname, path.function)
        elif isinstance(node, pg.TypeCast) and _is_regclass(node):
            path.qualify_literal(node.arg)


def _with_place(statement: Message) -> Iterator[tuple[Message, bool]]:
    """All messages of a tree, and whether each is in a query; no recursion."""
    todo = [(statement, False)]
    while todo:
        message, in_query = todo.pop()
        yield message, in_query
        in_query = in_query or isinstance(message, _QUERIES)
        for descriptor, value in message.ListFields():
            if descriptor.type == descriptor.TYPE_MESSAGE:
                children = value if descriptor.is_repeated else [value]
                todo.extend((child, in_query) for child in children)


def _is_regclass(cast: pg.TypeCast) -> bool:
    return strings(cast.type_name.names)[-1:] == ["regclass"]


class _Path:
    """The schemas that names are found in; empty for `public`, and where nothing is found."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._functions: frozenset[Name] | None = None

    def relation(self, name: str) -> str:
        return self._first(lambda full: full in self._state.relations, name)

    def type(self, name: str) -> str:
        return self._first(self._state.is_type, name)

    def function(self, name: str) -> str:
        if self._functions is None:
            self._functions = frozenset(each.name for each in self._state.functions.values())
        return self._first(self._functions.__contains__, name)

    def _first(self, known: Callable[[Name], bool], name: str) -> str:
        for schema in self._state.path:
            if known(Name(schema, name)):
                return "" if schema == "public" else schema
        return ""

    def prepend(self, names: Any, find: Callable[[str], str]) -> None:
        """Put the schema before a name that has none."""
        if len(names) == 1 and (schema := find(names[0].string.sval)):
            name = names[0].string.sval
            names[0].string.sval = schema
            names.add().string.sval = name

    def qualify_literal(self, node: pg.Node) -> None:
        """The same for a relation's name in a string, as in `nextval('numbers')`."""
        constant = node.a_const.sval
        if constant.sval.isidentifier() and (schema := self.relation(constant.sval)):
            constant.sval = f"{tree.quote(schema)}.{constant.sval}"
