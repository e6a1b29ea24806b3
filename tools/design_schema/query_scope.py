"""What the names in a query stand for: tables of the schema, columns, results of sub-queries.

Imported late by those who need it: it loads the parser of queries.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from ..ddl.model import Column, Dialect, Name, Schema, Table
from .context import Context

LEVELS = (exp.Select, exp.Update, exp.Delete, exp.Insert, exp.Merge)


@dataclass(frozen=True, slots=True)
class Source:
    """What a FROM names. `columns` are in lower case, None when they are not known."""

    alias: str
    columns: frozenset[str] | None
    table: Table | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A column of the schema that a name stands for."""

    table: Table
    column: Column


class Names:
    """The names of one query's tree, resolved against a schema.

    Engines differ in case; names are compared without it here.
    """

    def __init__(self, ctx: Context) -> None:
        self._schema: Schema = ctx.schema
        self._dialect = ctx.dialect
        self._tables = ctx.by_lower_name
        self._sources: dict[int, list[Source]] = {}
        self._columns: dict[Name, dict[str, Column]] = {}
        self._above: dict[int, exp.Expr | None] = {}

    def column(self, node: exp.Column) -> Found | None:
        """The column of a table that a node names; None when that is not sure."""
        found = self.resolve(node)
        return found if isinstance(found, Found) else None

    def resolve(self, node: exp.Column) -> Found | Source | bool | None:
        """As `column`, and else: the source of that name that lacks it; False when every source
        is known and none has it; None when it is something else, or not known."""
        name, qualifier = node.name.lower(), node.table.lower()
        if node.args.get("db") or isinstance(node.this, exp.Star):
            return None
        for level in self.levels(node):
            sources = self.sources(level)
            if qualifier:
                for source in sources:
                    if source.alias == qualifier:
                        if source.columns is None or (name in source.columns and not source.table):
                            return None
                        return self._in(source, name) or source
                continue
            holders = [source for source in sources if name in (source.columns or ())]
            if holders:
                return self._in(holders[0], name) if len(holders) == 1 else None
            if any(source.columns is None for source in sources):
                return None
        return None if qualifier else False

    def _in(self, source: Source, name: str) -> Found | None:
        if source.table is None:
            return None
        columns = self._columns.get(source.table.name)
        if columns is None:
            columns = {column.lower(): value for column, value in source.table.columns.items()}
            self._columns[source.table.name] = columns
        return Found(source.table, columns[name]) if name in columns else None

    def levels(self, node: exp.Expr) -> Iterator[exp.Expr]:
        """The queries around a node whose tables it may name, the nearest first."""
        level = self._nearest(node)
        while level is not None:
            yield level
            level = self._nearest(level)

    def _nearest(self, node: exp.Expr) -> exp.Expr | None:
        """The first of them; remembered, since long conditions nest deeply."""
        passed = []
        inside, parent = node, node.parent
        found = None
        while parent is not None:
            if id(inside) in self._above:
                found = self._above[id(inside)]
                break
            passed.append(id(inside))
            # What an INSERT inserts does not see the table that it goes into.
            if isinstance(parent, LEVELS) and parent.args.get("expression") is not inside:
                found = parent
                break
            inside, parent = parent, parent.parent
        self._above.update(dict.fromkeys(passed, found))
        return found

    def sources(self, level: exp.Expr) -> list[Source]:
        """What the FROM, JOIN, USING and INTO of one query name."""
        found = self._sources.get(id(level))
        if found is None:
            found = self._sources[id(level)] = [self._source(node) for node in _relations(level)]
        return found

    def _source(self, node: exp.Expr) -> Source:
        alias = node.alias_or_name.lower()
        if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
            if node.args.get("alias") and node.args["alias"].args.get("columns"):
                return Source(alias, None)
            cte = None if node.db else _cte(node)
            if cte is not None:
                return Source(alias, _outputs(cte))
            table = self.table(node)
            if table is not None:
                return Source(alias, frozenset(map(str.lower, table.columns)), table)
            return Source(alias, None)
        if isinstance(node, exp.Subquery):
            return Source(alias, _outputs(node))
        return Source(alias, None)

    def table(self, node: exp.Table) -> Table | None:
        """The table of the schema that a node names, if it is sure."""
        named = self._tables.get(node.name.lower(), ())
        fitting = [
            holder
            for holder in named
            if not node.db
            or holder.name.schema.lower() == node.db.lower()
            or (not holder.name.schema and self._dialect is not Dialect.POSTGRES)
        ]
        if len(fitting) > 1:
            fitting = [h for h in fitting if h.name.schema in ("", "public")]
        (holder,) = fitting if len(fitting) == 1 else (None,)
        return holder if isinstance(holder, Table) else None

    def is_relation(self, node: exp.Table) -> bool:
        """Whether the schema, or a WITH of the query, has something of that name."""
        return node.name.lower() in self._tables or _cte(node) is not None


def _relations(level: exp.Expr) -> Iterator[exp.Expr]:
    """The tables and sub-queries that a query reads or writes."""
    target = level.args.get("this")
    todo: list[exp.Expr] = []
    if not isinstance(level, exp.Select) and isinstance(target, exp.Expr):
        todo.append(target.this if isinstance(target, exp.Schema) else target)
    from_ = level.args.get("from_")
    if isinstance(from_, exp.From):
        todo.append(from_.this)
    using = level.args.get("using")
    todo += using if isinstance(using, list) else [using] if using else []
    todo += [join.this for join in level.args.get("joins") or ()]
    todo += level.args.get("laterals") or []
    while todo:
        node = todo.pop(0)
        if not isinstance(node, exp.Expr):
            continue
        todo += [join.this for join in node.args.get("joins") or ()]
        if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Table) and not node.alias:
            todo.append(node.this)
        else:
            yield node


def _cte(node: exp.Table) -> exp.Expr | None:
    """The query of a WITH that the name of a table stands for."""
    name = node.name.lower()
    inside: exp.Expr = node
    parent = node.parent
    while parent is not None:
        with_ = parent.args.get("with_") or (parent if isinstance(parent, exp.With) else None)
        if isinstance(with_, exp.With) and with_ is not inside:
            ctes: list[exp.Expr] = with_.expressions
            for cte in ctes:
                if cte is inside and not with_.args.get("recursive"):
                    break
                if cte.alias.lower() == name:
                    return cte
        inside, parent = parent, parent.parent
    return None


def _outputs(node: exp.Expr) -> frozenset[str] | None:
    """The columns of a sub-query or a WITH, in lower case; None when a star hides them."""
    alias = node.args.get("alias")
    if alias is not None and alias.args.get("columns"):
        return frozenset(column.name.lower() for column in alias.args["columns"])
    query = node.this
    while isinstance(query, exp.SetOperation | exp.Subquery):
        query = query.this
    if not isinstance(query, exp.Select):
        return None
    names = [selected.alias_or_name.lower() for selected in query.expressions]
    if any(name in ("", "*") for name in names):
        return None
    return frozenset(names)


def conditions(tree: exp.Expr) -> Iterator[exp.Expr]:
    """What WHERE, ON and the like demand, in all queries of the tree; sub-queries on their own."""
    for node in tree.walk():
        if isinstance(node, exp.Where):
            yield node.this
        elif isinstance(node, exp.Join | exp.Merge) and isinstance(node.args.get("on"), exp.Expr):
            yield node.args["on"]


def terms(condition: exp.Expr) -> Iterator[exp.Expr]:
    """What a condition demands all together."""
    todo = [condition]
    while todo:
        node = todo.pop()
        if isinstance(node, exp.And):
            todo += [node.expression, node.this]
        elif isinstance(node, exp.Paren):
            todo.append(node.this)
        else:
            yield node


def within(node: exp.Expr) -> Iterator[exp.Expr]:
    """The nodes of an expression, without those of its sub-queries."""
    yield from node.walk(prune=lambda inner: isinstance(inner, exp.Query))


def is_value(node: exp.Expr | None) -> bool:
    """Whether it is the same in every row: a constant, a parameter, a call on those."""
    return node is not None and not node.find(exp.Column, exp.Query)
