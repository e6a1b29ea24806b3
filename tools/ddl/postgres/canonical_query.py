"""The normal form of PostgreSQL queries: columns with their relation, names of outputs, no `*`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from postgast import pg_query_pb2 as pg

from ..model import Type
from .canonical import Canon
from .canonical_types import BOOLEAN, JSONB, TEXT, Columns, Resolver, words
from .canonical_values import identifier
from .nodes import expression_name


@dataclass(slots=True)
class Scope:
    """The relations of one FROM by alias, with their columns where they are known."""

    relations: dict[str, Columns | None] = field(default_factory=dict)
    queries: dict[str, Columns | None] = field(default_factory=dict)  # of WITH
    order: list[tuple[str, str]] = field(default_factory=list)  # what `*` stands for
    labels: dict[str, str] = field(default_factory=dict)  # instead of aliases, which are free


class Queries(Canon):
    """Writes normal forms of queries, and of expressions with queries inside."""

    def __init__(self, columns: Columns | None, relations: Resolver | None) -> None:
        super().__init__(columns, relations)
        self._scopes: list[Scope] = []
        self._relations_seen = 0

    def _add(self, alias: str, columns: Columns | None) -> str:
        """A relation enters the scope; its label."""
        self._relations_seen += 1
        scope = self._scopes[-1]
        scope.relations[alias] = columns
        scope.order += [(alias, "*")] if columns is None else [(alias, name) for name in columns]
        scope.labels[alias] = f"r{self._relations_seen}"
        return scope.labels[alias]

    def _label(self, alias: str) -> str | None:
        for scope in reversed(self._scopes):
            if alias in scope.labels:
                return scope.labels[alias]
        return None

    def view(self, node: pg.Node, names: Sequence[str]) -> str:
        """The query of a view whose columns are called `names`, as far as they go."""
        return self.select(node.select_stmt, given=names)

    def columns_of(self, node: pg.SelectStmt) -> Columns | None:
        """The output columns of a query; None when a `*` cannot be resolved."""
        self._scopes.append(Scope())
        seen = self._relations_seen
        try:
            self._with(node)
            while node.op != pg.SETOP_NONE:
                node = node.larg
            if node.values_lists:
                first = node.values_lists[0].list.items
                return {f"column{i + 1}": self.type_of(item) for i, item in enumerate(first)}
            for source in node.from_clause:
                self._enter(source)
            found: dict[str, Type | None] = {}
            for target in self._targets(node):
                name, value = target
                if name == "*":
                    return None
                found[name] = value if isinstance(value, Type) else self._output_type(value)
            return found
        finally:
            self._scopes.pop()
            self._relations_seen = seen

    def _output_type(self, value: object) -> Type | None:
        return self.type_of(value) if isinstance(value, pg.Node) else None

    # Columns

    def column(self, node: pg.ColumnRef) -> str:
        """A column with the relation it belongs to; of the table outside, by its name alone."""
        if not self._scopes:
            return super().column(node)
        fields = [f.string.sval if f.HasField("string") else "*" for f in node.fields]
        if len(fields) > 1:
            qualifier, name = fields[-2], fields[-1]
            if label := self._label(qualifier):
                return f"{label}.{identifier(name)}" if name != "*" else f"{label}.*"
            return super().column(node)
        name = fields[0]
        if name == "*":
            return "*"
        owner = self._owner(name)
        if owner is None and (label := self._label(name)):
            return f"{label}.*"
        return f"{self._label(owner)}.{identifier(name)}" if owner else identifier(name)

    def column_type(self, node: pg.ColumnRef) -> Type | None:
        """The type of a column, of a relation or of the table outside."""
        names = [f.string.sval for f in node.fields if f.HasField("string")]
        if not names or len(names) < len(node.fields):
            return None
        if self._scopes:
            owner = names[-2] if len(names) > 1 else self._owner(names[-1])
            for scope in reversed(self._scopes):
                if owner in scope.relations:
                    columns = scope.relations[owner]
                    return columns.get(names[-1]) if columns else None
        return super().column_type(node)

    def type_of(self, node: pg.Node | None) -> Type | None:
        """The type of an expression; a scalar query has that of its column."""
        if node is not None and node.HasField("sub_link"):
            link = node.sub_link
            if link.sub_link_type != pg.EXPR_SUBLINK:
                return BOOLEAN if link.sub_link_type != pg.ARRAY_SUBLINK else None
            columns = self.columns_of(link.subselect.select_stmt) or {}
            return next(iter(columns.values()), None)
        return super().type_of(node)

    def _owner(self, name: str) -> str | None:
        """The alias of the relation that an unqualified column belongs to."""
        for scope in reversed(self._scopes):
            unknown = []
            for alias, columns in scope.relations.items():
                if columns is None:
                    unknown.append(alias)
                elif name in columns:
                    return alias
            if unknown and (self.columns is None or name not in self.columns):
                return unknown[0] if len(unknown) == 1 else None
        return None

    # Queries

    def select(self, node: pg.SelectStmt, names: bool = True, given: Sequence[str] = ()) -> str:
        """A query; `names`: its columns' names matter; `given`: they are called so."""
        self._scopes.append(Scope())
        try:
            return f"({self._select(node, names, given)})"
        finally:
            self._scopes.pop()

    def _select(self, node: pg.SelectStmt, names: bool, given: Sequence[str]) -> str:
        words: list[str] = self._with(node)
        if node.op != pg.SETOP_NONE:
            kind = pg.SetOperation.Name(node.op).removeprefix("SETOP_").lower()
            left = self.select(node.larg, names, given)
            right = self.select(node.rarg, names=False)
            words.append(f"{left} {kind}{' all' * node.all} {right}")
            named = list(self.columns_of(node.larg) or ())
            words += self._tail(
                node,
                [
                    (given[i] if i < len(given) else name, f"#{i + 1}")
                    for i, name in enumerate(named)
                ],
            )
            return " ".join(words)
        if node.values_lists:
            rows = (f"({', '.join(map(self._cell, row.list.items))})" for row in node.values_lists)
            words.append(f"values {', '.join(rows)}")
            return " ".join([*words, *self._tail(node, [])])
        sources = [self._source(source) for source in node.from_clause]
        outputs = [(name, self._output(value)) for name, value in self._targets(node)]
        listed = [
            f"{text} as {given[i] if i < len(given) else name}" if names else text
            for i, (name, text) in enumerate(outputs)
        ]
        words.append("select")
        if node.distinct_clause:
            on = [
                self._key(item, outputs, True)
                for item in node.distinct_clause
                if item.WhichOneof("node")
            ]
            words.append(f"distinct ({', '.join(on)})")
        words.append(", ".join(listed))
        if sources:
            words.append(f"from {', '.join(sources)}")
        if node.HasField("where_clause"):
            words.append(f"where {self.write(node.where_clause)}")
        if node.group_clause:
            keys = ", ".join(self._key(item, outputs, False) for item in node.group_clause)
            words.append(f"group{' distinct' * node.group_distinct} {keys}")
        if node.HasField("having_clause"):
            words.append(f"having {self.write(node.having_clause)}")
        if node.window_clause:
            defined = (
                f"{w.window_def.name} {self._definition(w.window_def)}" for w in node.window_clause
            )
            words.append(f"window {', '.join(defined)}")
        return " ".join([*words, *self._tail(node, outputs)])

    def _definition(self, node: pg.WindowDef) -> str:
        bare = pg.WindowDef()
        bare.CopyFrom(node)
        bare.name = ""
        return self.window(bare)

    def _cell(self, node: pg.Node) -> str:
        return self.literal(node, None) or self.write(node)

    def _tail(self, node: pg.SelectStmt, outputs: Sequence[tuple[str, str]]) -> Iterator[str]:
        if node.sort_clause:
            keys = [
                self.sorted_by(self._key(item.sort_by.node, outputs, True), item.sort_by)
                for item in node.sort_clause
            ]
            yield f"order {', '.join(keys)}"
        if node.HasField("limit_count") and not _is_null(node.limit_count):
            ties = node.limit_option == pg.LIMIT_OPTION_WITH_TIES
            yield f"limit {self.argument(node.limit_count)}" + " ties" * ties
        if node.HasField("limit_offset"):
            yield f"offset {self.argument(node.limit_offset)}"
        for item in node.locking_clause:
            lock = item.locking_clause
            aliases = [r.range_var.relname for r in lock.locked_rels] or self._scopes[-1].labels
            labels = sorted(filter(None, map(self._label, aliases)))
            yield f"lock {lock.strength} {lock.wait_policy} {labels}"

    def _key(self, node: pg.Node, outputs: Sequence[tuple[str, str]], names_first: bool) -> str:
        """A key of ORDER BY, GROUP BY or DISTINCT ON; a position or an output's name is that."""
        if node.HasField("a_const") and node.a_const.WhichOneof("val") == "ival":
            position = node.a_const.ival.ival
            if 0 < position <= len(outputs):
                return str(outputs[position - 1][1])
        if node.HasField("column_ref") and len(node.column_ref.fields) == 1:
            name = node.column_ref.fields[0].string.sval
            if names_first or self._owner(name) is None:
                for output, text in outputs:
                    if output == name:
                        return text
        return self.write(node)

    def _targets(self, node: pg.SelectStmt) -> Iterator[tuple[str, pg.Node | str]]:
        """The outputs with their names; `*` is expanded where the columns are known."""
        for target in node.target_list:
            result = target.res_target
            value = result.val
            if value.HasField("column_ref") and value.column_ref.fields[-1].HasField("a_star"):
                yield from self._star(value)
            elif value.HasField("a_indirection") and value.a_indirection.indirection[-1].HasField(
                "a_star"
            ):
                yield "*", value
            else:
                yield result.name or _output_name(value), value

    def _star(self, node: pg.Node) -> Iterator[tuple[str, pg.Node | str]]:
        names = [f.string.sval for f in node.column_ref.fields if f.HasField("string")]
        scope = self._scopes[-1]
        columns = scope.order
        if names:
            of = scope.relations.get(names[-1])
            columns = [(names[-1], "*")] if of is None else [(names[-1], name) for name in of]
        if any(name == "*" for _, name in columns):
            yield "*", node
            return
        for alias, name in columns:
            reference = pg.Node()
            reference.column_ref.fields.add().string.sval = alias
            reference.column_ref.fields.add().string.sval = name
            yield name, reference

    def _output(self, value: pg.Node | str) -> str:
        if isinstance(value, str):
            return value
        return self.write(value)

    # FROM

    def _with(self, node: pg.SelectStmt) -> list[str]:
        words = []
        for item in node.with_clause.ctes:
            query = item.common_table_expr
            statement = query.ctequery
            given = [name.string.sval for name in query.aliascolnames]
            scope = self._scopes[-1]
            columns = None
            if node.with_clause.recursive:
                scope.queries[query.ctename] = dict.fromkeys(given) if given else None
            if statement.HasField("select_stmt"):
                columns = self._named(self.columns_of(statement.select_stmt), given)
                scope.queries[query.ctename] = columns
                text = self.select(statement.select_stmt, given=given)
            else:
                text = self.generic(statement)
            scope.queries[query.ctename] = columns
            kind = {
                pg.CTEMaterializeAlways: " materialized",
                pg.CTEMaterializeNever: " not materialized",
            }.get(query.ctematerialized, "")
            extra = "".join(
                self.generic(getattr(query, clause))
                for clause in ("search_clause", "cycle_clause")
                if query.HasField(clause)
            )
            words.append(f"with{kind} {query.ctename} {text}{extra}")
        return words

    @staticmethod
    def _named(columns: Columns | None, names: Sequence[str]) -> Columns | None:
        """Columns under other names, as far as these go."""
        if not names or columns is None:
            return dict.fromkeys(names) if names else columns
        rest = list(columns)[len(names) :]
        return dict(zip([*names, *rest], columns.values(), strict=False))

    def _enter(self, node: pg.Node) -> str:
        """Take a FROM item into the scope; its text is not needed."""
        return self._source(node)

    def _source(self, node: pg.Node) -> str:
        """An item of FROM, entered into the scope."""
        kind = node.WhichOneof("node")
        if kind == "range_var":
            return self._range_var(node.range_var)
        if kind == "join_expr":
            return self._join(node.join_expr)
        if kind == "range_subselect":
            return self._range_subselect(node.range_subselect)
        if kind == "range_function":
            return self._range_function(node.range_function)
        inner = getattr(node, kind or "range_var")
        if kind == "range_table_sample":
            text = self._source(inner.relation)
            return f"{text} sample {self.many(inner.method)} {self.many(inner.args)}"
        text = self.generic(inner)
        if alias := getattr(inner, "alias", None):
            text += self._add(alias.aliasname, None)
        return text

    def _range_var(self, node: pg.RangeVar) -> str:
        alias = node.alias.aliasname or node.relname
        names = [name.string.sval for name in node.alias.colnames]
        columns = None
        if not node.schemaname:
            for scope in reversed(self._scopes):
                if node.relname in scope.queries:
                    columns = scope.queries[node.relname]
                    break
            else:
                columns = self._relation(node)
        else:
            columns = self._relation(node)
        known = self._named(columns, names)
        label = self._add(alias, known)
        schema = f"{node.schemaname}." if node.schemaname not in ("", "public") else ""
        only = "" if node.inh else "only "
        renamed = names and names != list(columns or ())[: len(names)]
        return f"{only}{schema}{node.relname} {label}" + (
            f"({', '.join(names)})" if renamed else ""
        )

    def _relation(self, node: pg.RangeVar) -> Columns | None:
        return self.relations(node.schemaname, node.relname) if self.relations else None

    def _range_subselect(self, node: pg.RangeSubselect) -> str:
        alias = node.alias.aliasname or "unnamed_subquery"
        names = [name.string.sval for name in node.alias.colnames]
        select = node.subquery.select_stmt
        columns = self.columns_of(select)
        text = self.select(select, given=names)
        label = self._add(alias, self._named(columns, names))
        listed = f"({', '.join(names)})" if names and select.values_lists else ""
        return f"{'lateral ' * node.lateral}{text} {label}{listed}"

    def _range_function(self, node: pg.RangeFunction) -> str:
        calls = [item.list.items[0] for item in node.functions if item.HasField("list")]
        name = expression_name(calls[0]) if calls else ""
        alias = node.alias.aliasname or name
        names = [part.string.sval for part in node.alias.colnames]
        defined = [item.column_def.colname for item in node.coldeflist]
        usual: Sequence[str] = _TABLE_FUNCTIONS.get(name, ()) if len(calls) == 1 else ()
        if len(calls) == 1 and calls[0].HasField("func_call") and self.relations:
            parts = [part.string.sval for part in calls[0].func_call.funcname]
            schema = parts[-2] if len(parts) > 1 else ""
            usual = list(self.relations(schema, f"{parts[-1]}()") or usual)
        columns: Columns | None = dict.fromkeys([*(names or usual), *defined]) or None
        if len(names) < 2 and not defined and len(calls) == 1 and name in _SCALAR_SETS:
            names = names or [alias]
            columns = {names[0]: self._element(name, calls[0])}
        text = f"{', '.join(map(self.write, calls))}{' ordinality' * node.ordinality}"
        label = self._add(alias, columns)
        listed = ", ".join([] if names == list(usual) else names)
        typed = ", ".join(self.generic(item.column_def) for item in node.coldeflist)
        return f"{text} {label}({listed}{typed})"

    def _element(self, name: str, call: pg.Node) -> Type | None:
        """The type of what a function that returns a set of one column returns."""
        if name == "unnest" and call.func_call.args:
            of = self.type_of(call.func_call.args[0])
            return Type(of.name, of.args, of.schema) if of is not None else None
        if name.endswith(("_text", "_keys", "to_table")):
            return TEXT
        return JSONB if name == "jsonb_array_elements" else None

    def _join(self, node: pg.JoinExpr) -> str:
        order = self._scopes[-1].order
        start = len(order)
        left = self._source(node.larg)
        middle = len(order)
        right = self._source(node.rarg)
        kind = pg.JoinType.Name(node.jointype).removeprefix("JOIN_").lower()
        using = [name.string.sval for name in node.using_clause]
        one, two = order[start:middle], order[middle:]
        if node.is_natural and not any(name == "*" for _, name in (*one, *two)):
            shared = {name for _, name in two}
            using = [name for _, name in one if name in shared]
        words = f"({left} {kind} join {right}"
        if using:
            merged = two if kind == "right" else one
            first = [next((c for c in merged if c[1] == name), (name, "*")) for name in using]
            rest = [column for column in (*one, *two) if column[1] not in using]
            order[start:] = [*first, *rest]
            words += f" using ({', '.join(using)})"
        elif node.is_natural:
            words += " natural"
        elif node.HasField("quals"):
            words += f" on {self.write(node.quals)}"
        elif kind == "inner":
            words += " cross"
        return f"{words})" + (f" {node.alias.aliasname}" if node.alias.aliasname else "")


def _output_name(node: pg.Node) -> str:
    """The name of an output without one (FigureColname)."""
    if node.HasField("sub_link"):
        link = node.sub_link
        if link.sub_link_type == pg.EXISTS_SUBLINK:
            return "exists"
        if link.sub_link_type == pg.ARRAY_SUBLINK:
            return "array"
        if link.sub_link_type == pg.EXPR_SUBLINK and link.subselect.select_stmt.target_list:
            target = link.subselect.select_stmt.target_list[0].res_target
            return target.name or _output_name(target.val)
    return expression_name(node) or "?column?"


_TABLE_FUNCTIONS = dict.fromkeys(
    ("json_each", "json_each_text", "jsonb_each", "jsonb_each_text"), ("key", "value")
)
_SCALAR_SETS = words(
    "unnest generate_series generate_subscripts regexp_split_to_table string_to_table"
    " jsonb_array_elements jsonb_array_elements_text json_array_elements json_array_elements_text"
    " jsonb_object_keys json_object_keys"
)


def _is_null(node: pg.Node) -> bool:
    return bool(node.HasField("a_const") and node.a_const.isnull)
