"""Rules on the application's queries: what they get wrong about the schema, and what is slow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...ddl.model import Dialect, IndexPart, Name, Schema, Table
from ...ddl.types import Family
from ...report import Confidence, FindingClass, Severity, quoted
from ...rule import Hit, rule
from ..access import is_nullable
from ..context import ColumnPart, Context
from ..queries import Query
from ..remedies import create_index, index_name, relation_names

if TYPE_CHECKING:
    from sqlglot import exp

    from ..query_scope import Found, Names

_NULLS = "https://www.postgresql.org/docs/current/functions-comparison.html"
_SUBQUERY = (
    "https://www.postgresql.org/docs/current/functions-subquery.html#FUNCTIONS-SUBQUERY-NOTIN"
)
_INDEXES = "https://www.postgresql.org/docs/current/indexes-expressional.html"
_INSERT = "https://www.postgresql.org/docs/current/sql-insert.html"
_SELECT = "https://www.postgresql.org/docs/current/sql-select.html"
_LUKE = "https://use-the-index-luke.com/sql"

MANY_ROWS = 100_000  # a scan of more is felt


def _names(ctx: Context) -> Names:
    from ..query_scope import Names

    return Names(ctx)


@rule(
    "schema/query-names-unknown-table",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="schema",
    fix="Correct the name, or create the table",
    references=["https://www.postgresql.org/docs/current/ddl-schemas.html#DDL-SCHEMAS-PATH"],
    bad="""
    CREATE TABLE orders (id bigint PRIMARY KEY);
    -- queries
    SELECT id FROM order_lines WHERE id = 1;
    """,
    good="""
    CREATE TABLE orders (id bigint PRIMARY KEY);
    -- queries
    SELECT id FROM orders WHERE id = 1;
    """,
)
def query_names_unknown_table(schema: Schema, ctx: Context) -> Iterator[Hit]:
    """A query reads or writes a table that does not exist.

    Looked for only where all of the schema was understood.
    """
    if not ctx.queries or ctx.unread_words or not schema.tables:
        return
    from sqlglot import exp

    schemas = {name.schema for name in schema.tables}
    trees = [query.tree for query in ctx.queries if query.tree]
    definitions = [tree for tree in trees if isinstance(tree, exp.Create)]
    made = {table.name for tree in definitions for table in tree.find_all(exp.Table)}
    names = _names(ctx)
    for query in ctx.queries:
        if query.tree is None or isinstance(query.tree, exp.Create | exp.Drop | exp.Alter):
            continue
        missing = dict.fromkeys(
            Name(table.db, table.name)
            for table in query.tree.find_all(exp.Table)
            if isinstance(table.this, exp.Identifier)
            and not isinstance(table.parent, exp.Into)
            and not names.is_relation(table)
            and (not table.db or table.db in schemas)
            and not table.name.lower().startswith(("pg_", "sqlite_"))
            and table.name.lower() not in ("dual", "excluded", "new", "old", "inserted")
            and table.name not in made
        )
        for name in missing:
            yield Hit(query.place, f"there is no table {quoted(name)}")


@rule(
    "schema/query-names-unknown-column",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="query",
    fix="Correct the name, or add the column",
    references=[_SELECT],
    bad="""
    CREATE TABLE orders (id bigint PRIMARY KEY, total numeric NOT NULL);
    -- queries
    SELECT o.sum FROM orders AS o WHERE o.id = 1;
    """,
    good="""
    CREATE TABLE orders (id bigint PRIMARY KEY, total numeric NOT NULL);
    -- queries
    SELECT o.total FROM orders AS o WHERE o.id = 1;
    """,
)
def query_names_unknown_column(query: Query, ctx: Context) -> Iterator[Hit]:
    """A query names a column that its table does not have.

    Looked for only where all that was said of the table was understood.
    """
    from sqlglot import exp

    from ..query_scope import Source

    if query.tree is None or ctx.unread_words:
        return
    names = _names(ctx)
    found: dict[str, None] = {}
    for node in query.tree.find_all(exp.Column):
        source = names.resolve(node)
        if isinstance(source, Source) and source.table and not _is_hidden(node, source.table, ctx):
            found.setdefault(f"{quoted(source.table.name)} has no column {quoted(node.name)}")
        elif source is False and _is_plain(node, names, ctx):
            found.setdefault(f"no table of the query has a column {quoted(node.name)}")
    for message in found:
        yield Hit(query.place, message)


def _is_hidden(node: exp.Column, table: Table, ctx: Context) -> bool:
    """Whether it is a column that no DDL names, or a function in the form `row.name`."""
    hidden = _HIDDEN.get(ctx.dialect, ())
    functions = {function.name.name for function in ctx.schema.functions.values()}
    return node.name.lower() in hidden or node.name in functions or table.of_type is not None


def _is_plain(node: exp.Column, names: Names, ctx: Context) -> bool:
    """Whether a name can be nothing but a column of a table: no alias, row, unit or keyword."""
    from sqlglot import exp

    name = node.name.lower()
    around = list(names.levels(node))
    aliases = {item.alias.lower() for level in around for item in level.expressions}
    rows = {source.alias for level in around for source in names.sources(level)}
    hidden = _HIDDEN.get(ctx.dialect, ())
    return (
        isinstance(node.parent, exp.Predicate | exp.Select)
        and any(isinstance(level, exp.Select) and names.sources(level) for level in around[:1])
        and not (node.this.quoted and ctx.dialect is not Dialect.POSTGRES)
        and name not in {*aliases, *rows, *hidden, *_KEYWORDS}
    )


_KEYWORDS = (
    *("user", "current_role", "current_catalog", "current_schema", "session_user", "system_user"),
    *("localtime", "localtimestamp", "current_user", "sysdate", "true", "false", "unknown", "on"),
    *("off", "default"),
)
_HIDDEN = {
    Dialect.POSTGRES: ("ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", "oid"),
    Dialect.SQLITE: ("rowid", "oid", "_rowid_"),
}


@rule(
    "schema/query-compares-with-null",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="query",
    fix="Write IS NULL or IS NOT NULL",
    references=[_NULLS],
    bad="""
    CREATE TABLE orders (id bigint PRIMARY KEY, paid date);
    -- queries
    SELECT id FROM orders WHERE paid = NULL;
    """,
    good="""
    CREATE TABLE orders (id bigint PRIMARY KEY, paid date);
    -- queries
    SELECT id FROM orders WHERE paid IS NULL;
    """,
)
def query_compares_with_null(query: Query, ctx: Context) -> Iterator[Hit]:
    """A comparison with NULL is never true.

    Neither `= NULL` nor `<> NULL` holds for any row.
    """
    from sqlglot import exp

    from ..query_scope import conditions, within

    for condition in conditions(query.tree) if query.tree else ():
        for node in within(condition):
            if isinstance(node, exp.EQ | exp.NEQ | exp.LT | exp.LTE | exp.GT | exp.GTE) and (
                isinstance(node.expression, exp.Null) or isinstance(node.this, exp.Null)
            ):
                yield Hit(query.place, f"{quoted(_text(node, query))} is never true")


def _text(node: exp.Expr, query: Query) -> str:
    dialect = "mysql" if query.dialect is Dialect.MARIADB else query.dialect.value
    return node.sql(dialect=dialect)


@rule(
    "schema/not-in-with-null",
    Severity.WARNING,
    FindingClass.RISK,
    on="query",
    fix="Write NOT EXISTS, or leave the NULLs out in the sub-query",
    references=[_SUBQUERY, "https://wiki.postgresql.org/wiki/Don%27t_Do_This#Don.27t_use_NOT_IN"],
    bad="""
    CREATE TABLE customers (id bigint PRIMARY KEY);
    CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint REFERENCES customers);
    CREATE INDEX ON orders (customer_id);
    -- queries
    SELECT id FROM customers WHERE id NOT IN (SELECT customer_id FROM orders);
    """,
    good="""
    CREATE TABLE customers (id bigint PRIMARY KEY);
    CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint REFERENCES customers);
    CREATE INDEX ON orders (customer_id);
    -- queries
    SELECT id FROM customers
    WHERE id NOT IN (SELECT customer_id FROM orders WHERE customer_id IS NOT NULL);
    """,
)
def not_in_with_null(query: Query, ctx: Context) -> Iterator[Hit]:
    """NOT IN a sub-query whose column may be NULL.

    With one NULL among its rows the condition is true for nothing, and the query comes back empty.
    PostgreSQL cannot make an anti-join of it either.
    """
    from sqlglot import exp

    from ..query_scope import terms

    if query.tree is None:
        return
    names = _names(ctx)
    for node in query.tree.find_all(exp.In):
        inner = node.args.get("query")
        select = inner.unnest() if inner else None
        if not isinstance(node.parent, exp.Not) or not isinstance(select, exp.Select):
            continue
        selected = select.expressions[0].unalias() if len(select.expressions) == 1 else None
        if not isinstance(selected, exp.Column):
            continue
        found = names.column(selected)
        if found is None or not is_nullable(ctx.schema, found.table, found.column.name):
            continue
        where = select.args.get("where")
        demanded = list(terms(where.this)) if where else []
        joined = [
            term
            for join in select.args.get("joins") or ()
            if join.args.get("on")
            for term in terms(join.args["on"])
        ]
        if not any(_leaves_null_out(term, selected) for term in (*demanded, *joined)):
            yield Hit(
                query.place,
                f"NOT IN a sub-query of {quoted(found.column.name)} of {quoted(found.table.name)},"
                " which may be NULL",
                related=(ctx.of(ColumnPart(found.table, found.column)),),
            )


def _leaves_null_out(term: exp.Expr, column: exp.Expr) -> bool:
    """Whether the condition fails for a NULL in the column: IS NOT NULL, or a comparison of it."""
    from sqlglot import exp

    if isinstance(term, exp.Is):
        return bool(term.args.get("negate")) and term.this == column
    if isinstance(term, exp.Not):
        inner = term.this.unnest()
        return isinstance(inner, exp.Is | exp.In | exp.Like) and inner.this == column
    sides = [term.args.get("this"), term.args.get("expression")]
    return isinstance(term, exp.Predicate) and column in sides


@rule(
    "schema/index-defeated",
    Severity.WARNING,
    FindingClass.RISK,
    on="query",
    confidence=Confidence.MEDIUM,
    fix="Bring the calculation to the other side, or create an index on the expression",
    references=[_INDEXES, _LUKE + "/where-clause/functions"],
    bad="""
    CREATE TABLE orders (id bigint PRIMARY KEY, placed_at timestamptz NOT NULL);
    CREATE INDEX ON orders (placed_at);
    -- queries
    SELECT id FROM orders WHERE date_trunc('day', placed_at) = '2024-05-01';
    """,
    good="""
    CREATE TABLE orders (id bigint PRIMARY KEY, placed_at timestamptz NOT NULL);
    CREATE INDEX ON orders (placed_at);
    -- queries
    SELECT id FROM orders WHERE placed_at >= '2024-05-01' AND placed_at < '2024-05-02';
    """,
)
def index_defeated(query: Query, ctx: Context) -> Iterator[Hit]:
    """A function or a calculation hides an indexed column.

    An index holds the values of the column, not those of `lower(name)` or `id + 1`: the comparison
    is made row by row, over all rows.
    """
    from sqlglot import exp

    from ..query_scope import conditions, within

    if query.tree is None:
        return
    names = _names(ctx)
    seen = set()
    for condition in conditions(query.tree):
        for node in within(condition):
            if not isinstance(node, _compared()):
                continue
            for inner in (node.this, node.args.get("expression")):
                if not isinstance(inner, exp.Expr):
                    continue
                side = inner.unnest()
                hidden = _hidden_column(side, names, ctx)
                if hidden and (hidden.table.name, hidden.column.name, side.sql()) not in seen:
                    seen.add((hidden.table.name, hidden.column.name, side.sql()))
                    yield Hit(
                        query.place,
                        f"{quoted(_text(side, query))} cannot use the index on"
                        f" {quoted(hidden.column.name)} of {quoted(hidden.table.name)}",
                        related=(ctx.of(ColumnPart(hidden.table, hidden.column)),),
                    )


def _compared() -> tuple[type[exp.Expr], ...]:
    from sqlglot import exp

    return (exp.EQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between, exp.In, exp.Like, exp.ILike)


def _hidden_column(side: exp.Expr, names: Names, ctx: Context) -> Found | None:
    """The column with an index that a function or an operator around it hides."""
    from sqlglot import exp

    from ..query_scope import within

    arithmetic = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg, exp.DPipe, exp.IntDiv)
    if not isinstance(side, (exp.Func, *arithmetic)) or isinstance(side, exp.AggFunc):
        return None
    for node in within(side):
        found = names.column(node) if isinstance(node, exp.Column) else None
        if found is None or (isinstance(side, exp.Cast) and _is_same_inside(side, found, ctx)):
            continue
        if _leads(found, ctx) and not _has_expression(found, side, ctx):
            return found
    return None


def _is_same_inside(side: exp.Cast, found: Found, ctx: Context) -> bool:
    """Whether the cast leaves an index usable: between texts in PostgreSQL, to the same type."""
    texts = (Family.TEXT, Family.VARCHAR)
    to = side.to.sql(dialect="postgres").lower()
    return to == str(found.column.type) or (
        ctx.family(found.column) in texts and to.startswith(("text", "varchar"))
    )


def _leads(found: Found, ctx: Context) -> bool:
    return any(
        path.columns[:1] == (found.column.name,) and path.method in ("btree", "hash", "")
        for path in ctx.paths[found.table.name]
        if path.is_usable and not path.where
    )


def _has_expression(found: Found, side: exp.Expr, ctx: Context) -> bool:
    """Whether an index, or a generated column, is on an expression of the column."""
    name = found.column.name.lower()
    written = [
        str(part.expression).lower()
        for path in ctx.paths[found.table.name]
        for part in path.parts
        if isinstance(part, IndexPart) and not part.is_column
    ]
    written += [
        str(column.generated.expression).lower()
        for column in found.table.columns.values()
        if column.generated
    ]
    word = str(side.sql()).partition("(")[0].strip().lower()
    return any(name in text and word in text for text in written)


@rule(
    "schema/number-compared-with-text-column",
    Severity.WARNING,
    FindingClass.RISK,
    on="query",
    fix="Compare the column with a string",
    references=["https://dev.mysql.com/doc/refman/8.4/en/type-conversion.html"],
    bad="""
    -- mysql
    CREATE TABLE orders (id bigint PRIMARY KEY, code varchar(20) NOT NULL, KEY (code));
    -- queries
    SELECT id FROM orders WHERE code = 42;
    """,
    good="""
    -- mysql
    CREATE TABLE orders (id bigint PRIMARY KEY, code varchar(20) NOT NULL, KEY (code));
    -- queries
    SELECT id FROM orders WHERE code = '42';
    """,
)
def number_compared_with_text_column(query: Query, ctx: Context) -> Iterator[Hit]:
    """A text column is compared with a number.

    MySQL turns every text into a number for that: no index is used, and `'42abc'` and `' 42'` equal
    42. PostgreSQL refuses the comparison.
    """
    from sqlglot import exp

    from ..query_scope import conditions, within

    if query.tree is None or ctx.dialect is Dialect.SQLITE:
        return
    names = _names(ctx)
    for condition in conditions(query.tree):
        for node in within(condition):
            if not isinstance(node, exp.EQ | exp.NEQ | exp.LT | exp.LTE | exp.GT | exp.GTE):
                continue
            sides = [node.this, node.expression]
            for column, value in (sides, sides[::-1]):
                found = names.column(column) if isinstance(column, exp.Column) else None
                number = isinstance(value, exp.Literal) and not value.is_string
                texts = (Family.TEXT, Family.VARCHAR, Family.CHAR)
                if found and number and ctx.family(found.column) in texts:
                    yield Hit(
                        query.place,
                        f"{quoted(found.column.name)} of {quoted(found.table.name)} is"
                        f" {quoted(found.column.type)} and compared with the number"
                        f" {quoted(value.sql())}",
                        related=(ctx.of(ColumnPart(found.table, found.column)),),
                    )


@rule(
    "schema/between-dates-on-timestamp",
    Severity.WARNING,
    FindingClass.RISK,
    on="query",
    fix="Write `>=` the first day and `<` the day after the last",
    references=[
        "https://wiki.postgresql.org/wiki/Don%27t_Do_This#Don.27t_use_BETWEEN_.28especially_with_timestamps.29"
    ],
    bad="""
    CREATE TABLE orders (id bigint PRIMARY KEY, placed_at timestamptz NOT NULL);
    CREATE INDEX ON orders (placed_at);
    -- queries
    SELECT id FROM orders WHERE placed_at BETWEEN '2024-05-01' AND '2024-05-31';
    """,
    good="""
    CREATE TABLE orders (id bigint PRIMARY KEY, placed_at timestamptz NOT NULL);
    CREATE INDEX ON orders (placed_at);
    -- queries
    SELECT id FROM orders WHERE placed_at >= '2024-05-01' AND placed_at < '2024-06-01';
    """,
)
def between_dates_on_timestamp(query: Query, ctx: Context) -> Iterator[Hit]:
    """BETWEEN two days, on a column with a time of day.

    The last day is its midnight: what happened later on that day is left out.
    """
    from sqlglot import exp

    if query.tree is None:
        return
    names = _names(ctx)
    for node in query.tree.find_all(exp.Between):
        found = names.column(node.this) if isinstance(node.this, exp.Column) else None
        high = node.args["high"]
        high = high.this if isinstance(high, exp.Cast) else high
        day = isinstance(high, exp.Literal) and high.is_string and _is_day(high.name)
        if found and day and ctx.family(found.column) in _MOMENTS:
            yield Hit(
                query.place,
                f"BETWEEN on {quoted(found.column.name)} of {quoted(found.table.name)} ends at"
                f" midnight of {quoted(high.name)}",
                related=(ctx.of(ColumnPart(found.table, found.column)),),
            )


_MOMENTS = (Family.TIMESTAMP, Family.TIMESTAMPTZ)


def _is_day(text: str) -> bool:
    return len(text) == 10 and text.count("-") == 2 and text.replace("-", "").isdigit()


@rule(
    "schema/insert-of-too-many-values",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="query",
    fix="Give as many values as columns",
    references=[_INSERT],
    bad="""
    CREATE TABLE orders (id bigint PRIMARY KEY, total numeric NOT NULL);
    -- queries
    INSERT INTO orders (id) VALUES (1, 2);
    """,
    good="""
    CREATE TABLE orders (id bigint PRIMARY KEY, total numeric NOT NULL);
    -- queries
    INSERT INTO orders (id, total) VALUES (1, 2);
    """,
)
def insert_of_too_many_values(query: Query, ctx: Context) -> Iterator[Hit]:
    """An INSERT has more values than columns.

    Every engine refuses it.
    """
    from sqlglot import exp

    names = _names(ctx)
    for node in query.tree.find_all(exp.Insert) if query.tree else ():
        target = node.this
        if isinstance(target, exp.Schema):
            count = len(target.expressions)
        elif isinstance(target, exp.Table) and not ctx.unread_words and names.table(target):
            table = names.table(target)
            count = len(table.columns) if table else 0
        else:
            continue
        values = node.args.get("expression")
        rows = values.expressions if isinstance(values, exp.Values) else ()
        for row in rows:
            given = len(row.expressions) if isinstance(row, exp.Tuple) else 1
            if given > count:
                yield Hit(query.place, f"INSERT of {given} values into {count} columns")
                break


@rule(
    "schema/query-without-index",
    Severity.WARNING,
    FindingClass.RISK,
    on="query",
    confidence=Confidence.MEDIUM,
    fix="Create an index that begins with the columns compared by `=`",
    references=["https://www.postgresql.org/docs/current/indexes-multicolumn.html", _LUKE],
    bad="""
    -- facts: {"tables": {"public.orders": {"rows": 5000000}}}
    CREATE TABLE orders (id bigint PRIMARY KEY, code text NOT NULL);
    -- queries
    SELECT id FROM orders WHERE code = 'a';
    """,
    good="""
    -- facts: {"tables": {"public.orders": {"rows": 5000000}}}
    CREATE TABLE orders (id bigint PRIMARY KEY, code text NOT NULL);
    CREATE INDEX ON orders (code);
    -- queries
    SELECT id FROM orders WHERE code = 'a';
    """,
)
def query_without_index(query: Query, ctx: Context) -> Iterator[Hit]:
    """A query looks rows of a large table up by columns that no index leads with.

    Every execution reads the whole table. Seen for tables of 100,000 rows and more, where no
    condition at all can use an index.
    """
    from sqlglot import exp

    if query.tree is None or not ctx.facts.tables:
        return
    names = _names(ctx)
    for level in query.tree.find_all(exp.Select, exp.Update, exp.Delete):
        large = [
            source.table
            for source in names.sources(level)
            if source.table and (_rows(source.table, ctx) or 0) >= MANY_ROWS
        ]
        for table in large:
            equal, other = _compared_columns(level, table, names)
            leading = {path.columns[0] for path in ctx.paths[table.name] if path.columns}
            if equal and not leading & {*equal, *other} and not _has_special(table, ctx):
                columns = list(dict.fromkeys(equal))[:3]
                name = index_name(ctx, table, columns, relation_names(ctx.schema))
                yield Hit(
                    query.place,
                    f"no index of {quoted(table.name)} leads with {quoted(', '.join(columns))}",
                    evidence=f"{_rows(table, ctx):,} rows",
                    related=(ctx.of_table(table),),
                    ddl=(create_index(ctx, table, name, columns),),
                )


def _compared_columns(level: exp.Expr, table: Table, names: Names) -> tuple[list[str], list[str]]:
    """The columns that must equal a value, and all others that the query could look rows up by."""
    from sqlglot import exp

    from ..query_scope import is_value, terms

    where = level.args.get("where")
    equal: list[str] = []
    others = [join.args.get("on") for join in level.args.get("joins") or ()]
    others.append(level.args.get("order"))
    other = [
        found.column.name
        for part in others
        for node in (part.find_all(exp.Column) if part else ())
        for found in [names.column(node)]
        if found and found.table is table
    ]
    for term in terms(where.this) if where else ():
        sides = [term.args.get("this"), term.args.get("expression")]
        matched = False
        if isinstance(term, exp.EQ):
            for column, value in (sides, sides[::-1]):
                found = names.column(column) if isinstance(column, exp.Column) else None
                if found and found.table is table and is_value(value):
                    equal.append(found.column.name)
                    matched = True
        if not matched:
            for node in term.find_all(exp.Column):
                found = names.column(node)
                if found and found.table is table:
                    other.append(found.column.name)
    return equal, other


def _has_special(table: Table, ctx: Context) -> bool:
    """Whether an index on expressions, or of another method, may serve."""
    return any(
        not path.columns or path.method not in ("btree", "") for path in ctx.paths[table.name]
    )


def _rows(table: Table, ctx: Context) -> int | None:
    facts = ctx.facts_of(table)
    return facts.rows if facts else None
