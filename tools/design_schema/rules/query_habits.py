"""Rules on habits in queries that hurt whatever the schema is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule
from ..context import Context
from ..queries import Query

if TYPE_CHECKING:
    from sqlglot import exp

    from ..query_scope import Names

_WHERE = "https://www.postgresql.org/docs/current/queries-table-expressions.html#QUERIES-WHERE"
_INSERT = "https://www.postgresql.org/docs/current/sql-insert.html"
_SELECT = "https://www.postgresql.org/docs/current/sql-select.html"
_LUKE = "https://use-the-index-luke.com/sql"

FEW_ROWS = 10_000  # sorted in a moment
LONG_LIST = 1_000
DEEP = 10_000
MANY_TABLES = 8  # join_collapse_limit


@rule(
    "schema/write-without-where",
    Severity.WARNING,
    FindingClass.RISK,
    on="query",
    fix="Add a WHERE; to empty a table, TRUNCATE it",
    references=["https://www.postgresql.org/docs/current/sql-update.html"],
    bad="""
    CREATE TABLE orders (id bigint PRIMARY KEY);
    -- queries
    DELETE FROM orders;
    """,
    good="""
    CREATE TABLE orders (id bigint PRIMARY KEY);
    -- queries
    DELETE FROM orders WHERE id = 1;
    """,
)
def write_without_where(query: Query, ctx: Context) -> Iterator[Hit]:
    """An UPDATE or a DELETE of all rows.

    Mostly a forgotten condition; else every row is rewritten and locked in one transaction.
    """
    from sqlglot import exp

    for node in query.tree.find_all(exp.Update, exp.Delete) if query.tree else ():
        joins = [*node.find_all(exp.Join), node.args.get("from_"), node.args.get("using")]
        if isinstance(node.parent, exp.When) or node.args.get("where") or any(joins):
            continue
        yield Hit(query.place, f"{node.key.upper()} of all rows of {quoted(node.this.name)}")


@rule(
    "schema/insert-without-columns",
    Severity.INFO,
    FindingClass.RISK,
    on="query",
    fix="Name the columns",
    references=[_INSERT],
    bad="""
    CREATE TABLE orders (id bigint PRIMARY KEY, total numeric NOT NULL);
    -- queries
    INSERT INTO orders VALUES (1, 2);
    """,
    good="""
    CREATE TABLE orders (id bigint PRIMARY KEY, total numeric NOT NULL);
    -- queries
    INSERT INTO orders (id, total) VALUES (1, 2);
    """,
)
def insert_without_columns(query: Query, ctx: Context) -> Iterator[Hit]:
    """An INSERT does not name its columns.

    It fails, or puts values into the wrong columns, as soon as the table gets another one.
    """
    from sqlglot import exp

    for node in query.tree.find_all(exp.Insert) if query.tree else ():
        if isinstance(node.this, exp.Table) and node.args.get("expression"):
            yield Hit(query.place, f"INSERT INTO {quoted(node.this.name)} names no columns")


@rule(
    "schema/order-by-random",
    Severity.WARNING,
    FindingClass.RISK,
    on="query",
    fix="Pick a random key first, or use TABLESAMPLE",
    references=[
        "https://www.postgresql.org/docs/current/sql-select.html#SQL-FROM",
        "https://dev.mysql.com/doc/refman/8.4/en/mathematical-functions.html#function_rand",
    ],
    bad="""
    CREATE TABLE posts (id bigint PRIMARY KEY);
    -- queries
    SELECT id FROM posts ORDER BY random() LIMIT 1;
    """,
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY);
    -- queries
    SELECT id FROM posts TABLESAMPLE SYSTEM (1) LIMIT 1;
    """,
)
def order_by_random(query: Query, ctx: Context) -> Iterator[Hit]:
    """Rows are sorted by chance.

    The engine reads all rows, gives each a number and sorts them, to throw away all but a few.
    """
    from sqlglot import exp

    from ..query_scope import Names

    names = Names(ctx)
    for node in query.tree.find_all(exp.Order) if query.tree else ():
        keys = [ordered.this for ordered in node.expressions if isinstance(ordered, exp.Ordered)]
        if any(isinstance(key, exp.Rand) for key in keys) and not _are_small(node, names, ctx):
            yield Hit(query.place, "ORDER BY a random number sorts all rows")


def _are_small(node: exp.Expr, names: Names, ctx: Context) -> bool:
    """Whether the tables of a query are known to have few rows."""
    parent = node.parent
    sources = names.sources(parent) if parent is not None else []
    facts = [ctx.facts_of(source.table) if source.table else None for source in sources]
    return bool(facts) and all(
        each is not None and each.rows is not None and each.rows < FEW_ROWS for each in facts
    )


@rule(
    "schema/deep-offset",
    Severity.WARNING,
    FindingClass.RISK,
    on="query",
    fix="Page by the last key seen: `WHERE id > … ORDER BY id LIMIT …`",
    references=[
        "https://www.postgresql.org/docs/current/queries-limit.html",
        _LUKE + "/partial-results/fetch-next-page",
    ],
    bad="""
    CREATE TABLE posts (id bigint PRIMARY KEY);
    -- queries
    SELECT id FROM posts ORDER BY id LIMIT 20 OFFSET 100000;
    """,
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY);
    -- queries
    SELECT id FROM posts WHERE id > 100000 ORDER BY id LIMIT 20;
    """,
)
def deep_offset(query: Query, ctx: Context) -> Iterator[Hit]:
    """Many rows are read to be skipped.

    OFFSET counts its rows off one by one, so that each page costs more than the one before.
    """
    from sqlglot import exp

    for node in query.tree.find_all(exp.Offset) if query.tree else ():
        number = node.expression
        if isinstance(number, exp.Literal) and number.is_int and int(number.name) >= DEEP:
            yield Hit(query.place, f"OFFSET {quoted(number.name)} reads and drops so many rows")


@rule(
    "schema/long-in-list",
    Severity.INFO,
    FindingClass.RISK,
    on="query",
    fix="Join with a table or an array of the values",
    references=["https://dev.mysql.com/doc/refman/8.4/en/range-optimization.html"],
    bad="CREATE TABLE posts (id bigint PRIMARY KEY);\n-- queries\n"
    f"SELECT id FROM posts WHERE id IN ({', '.join(map(str, range(LONG_LIST + 1)))});",
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY);
    -- queries
    SELECT id FROM posts WHERE id = ANY (ARRAY[1, 2, 3]);
    """,
)
def long_in_list(query: Query, ctx: Context) -> Iterator[Hit]:
    """A list of more than 1,000 values.

    Each length is a statement of its own to plan, and MySQL gives estimates up beyond
    `eq_range_index_dive_limit` (200 values).
    """
    from sqlglot import exp

    for node in query.tree.find_all(exp.In) if query.tree else ():
        if len(node.expressions) > LONG_LIST:
            yield Hit(query.place, f"IN has a list of {len(node.expressions)} values")


@rule(
    "schema/select-star",
    Severity.INFO,
    FindingClass.STYLE,
    on="query",
    opt_in=True,
    fix="Name the columns that are needed",
    references=[_SELECT],
    bad="""
    CREATE TABLE posts (id bigint PRIMARY KEY);
    -- queries
    SELECT * FROM posts WHERE id = 1;
    """,
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY);
    -- queries
    SELECT count(*) FROM posts;
    """,
)
def select_star(query: Query, ctx: Context) -> Iterator[Hit]:
    """A query asks for all columns.

    It reads and sends what nobody uses, cannot be answered from an index, and prepared statements
    of it fail in PostgreSQL when a column is added.
    """
    from sqlglot import exp

    for node in query.tree.find_all(exp.Select) if query.tree else ():
        stars = any(isinstance(item, exp.Star) or _is_star(item) for item in node.expressions)
        if stars and node.args.get("from_") and not isinstance(node.parent, exp.Exists):
            yield Hit(query.place, "SELECT * asks for all columns")
            return


def _is_star(node: exp.Expr) -> bool:
    from sqlglot import exp

    return isinstance(node, exp.Column) and isinstance(node.this, exp.Star)


@rule(
    "schema/leading-wildcard",
    Severity.INFO,
    FindingClass.RISK,
    on="query",
    opt_in=True,
    fix="Use full-text search, or an index of trigrams",
    references=[
        "https://www.postgresql.org/docs/current/pgtrgm.html#PGTRGM-INDEX",
        _LUKE + "/where-clause/searching-for-ranges/like-performance-tuning",
    ],
    bad="""
    CREATE TABLE posts (id bigint PRIMARY KEY, title text NOT NULL);
    -- queries
    SELECT id FROM posts WHERE title LIKE '%abc';
    """,
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY, title text NOT NULL);
    -- queries
    SELECT id FROM posts WHERE title LIKE 'abc%';
    """,
)
def leading_wildcard(query: Query, ctx: Context) -> Iterator[Hit]:
    """LIKE with a wildcard in front.

    A b-tree finds words by how they begin. Columns with an index of trigrams are left alone.
    """
    from sqlglot import exp

    from ..query_scope import Names

    names = Names(ctx)
    for node in query.tree.find_all(exp.Like, exp.ILike) if query.tree else ():
        pattern = node.expression
        if isinstance(pattern, exp.Literal) and pattern.name.startswith(("%", "_")):
            found = names.column(node.this) if isinstance(node.this, exp.Column) else None
            others = ctx.paths[found.table.name] if found else ()
            if not any(path.method not in ("btree", "") for path in others):
                yield Hit(query.place, f"LIKE {quoted(pattern.name)} begins with a wildcard")


@rule(
    "schema/select-without-where",
    Severity.INFO,
    FindingClass.STYLE,
    on="query",
    opt_in=True,
    fix="Add a WHERE",
    references=[_WHERE],
    bad="""
    CREATE TABLE posts (id bigint PRIMARY KEY);
    -- queries
    SELECT id FROM posts;
    """,
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY);
    -- queries
    SELECT id FROM posts WHERE id > 7;
    """,
)
def select_without_where(query: Query, ctx: Context) -> Iterator[Hit]:
    """A query reads a table without a condition.

    It returns more with every row that is added: what takes a moment in tests holds memory, network
    and a snapshot for minutes once the table has grown.
    """
    from sqlglot import exp

    for node in query.tree.find_all(exp.Select) if query.tree else ():
        if node.args.get("from_") and not node.args.get("where"):
            yield Hit(
                query.place,
                f"SELECT from {quoted(node.args['from_'].this.alias_or_name)} without WHERE",
            )


@rule(
    "schema/write-with-limit",
    Severity.INFO,
    FindingClass.RISK,
    on="query",
    opt_in=True,
    fix="Choose the rows by key",
    references=["https://dev.mysql.com/doc/refman/8.4/en/replication-rbr-safe-unsafe.html"],
    bad="""
    -- mysql
    CREATE TABLE posts (id bigint PRIMARY KEY);
    -- queries
    DELETE FROM posts WHERE id > 7 LIMIT 10;
    """,
    good="""
    -- mysql
    CREATE TABLE posts (id bigint PRIMARY KEY);
    -- queries
    DELETE FROM posts WHERE id > 7;
    """,
)
def write_with_limit(query: Query, ctx: Context) -> Iterator[Hit]:
    """A statement writes the first rows of many.

    Which these are may differ between a primary and its replicas, if the statement is replicated.
    """
    from sqlglot import exp

    for node in query.tree.find_all(exp.Update, exp.Delete, exp.Insert) if query.tree else ():
        source = node.args.get("expression") if isinstance(node, exp.Insert) else node
        if isinstance(source, exp.Expr) and source.args.get("limit"):
            yield Hit(query.place, f"{node.key.upper()} with LIMIT")


@rule(
    "schema/write-with-order",
    Severity.INFO,
    FindingClass.STYLE,
    on="query",
    opt_in=True,
    fix="Choose the rows by key",
    references=["https://dev.mysql.com/doc/refman/8.4/en/update.html"],
    bad="""
    -- mysql
    CREATE TABLE posts (id bigint PRIMARY KEY, gone int NOT NULL);
    -- queries
    UPDATE posts SET gone = 1 WHERE id > 7 ORDER BY id;
    """,
    good="""
    -- mysql
    CREATE TABLE posts (id bigint PRIMARY KEY, gone int NOT NULL);
    -- queries
    UPDATE posts SET gone = 1 WHERE id > 7;
    """,
)
def write_with_order(query: Query, ctx: Context) -> Iterator[Hit]:
    """An UPDATE or a DELETE sorts its rows first.

    The order has no effect on what is written, unless a LIMIT cuts it off; then which rows change
    depends on it, and a replica that replays the statement may choose others.
    """
    from sqlglot import exp

    for node in query.tree.find_all(exp.Update, exp.Delete) if query.tree else ():
        if node.args.get("order"):
            yield Hit(query.place, f"{node.key.upper()} with ORDER BY")


@rule(
    "schema/having-without-aggregate",
    Severity.INFO,
    FindingClass.RISK,
    on="query",
    opt_in=True,
    fix="Move the condition to WHERE",
    references=[_SELECT + "#SQL-HAVING"],
    bad="""
    CREATE TABLE posts (id bigint PRIMARY KEY, author text NOT NULL);
    -- queries
    SELECT author, count(*) FROM posts GROUP BY author HAVING author > 'b';
    """,
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY, author text NOT NULL);
    -- queries
    SELECT author, count(*) FROM posts WHERE author > 'b' GROUP BY author HAVING count(*) > 1;
    """,
)
def having_without_aggregate(query: Query, ctx: Context) -> Iterator[Hit]:
    """HAVING tests what WHERE could have.

    Rows are grouped first and thrown away afterwards.
    """
    from sqlglot import exp

    for node in query.tree.find_all(exp.Having) if query.tree else ():
        select = node.parent
        aliases = {e.alias for e in select.expressions if e.alias} if select else set()
        named = any(column.name in aliases for column in node.find_all(exp.Column))
        if not node.find(exp.AggFunc, exp.Anonymous, exp.Query) and not named:
            yield Hit(query.place, "HAVING has no aggregate")


@rule(
    "schema/distinct-with-join",
    Severity.INFO,
    FindingClass.RISK,
    on="query",
    opt_in=True,
    fix="Write EXISTS for the tables whose columns are not asked for",
    references=[_SELECT + "#SQL-DISTINCT"],
    bad="""
    CREATE TABLE posts (id bigint PRIMARY KEY);
    CREATE TABLE replies (id bigint PRIMARY KEY, post_id bigint NOT NULL REFERENCES posts);
    CREATE INDEX ON replies (post_id);
    -- queries
    SELECT DISTINCT p.id FROM posts AS p JOIN replies AS r ON r.post_id = p.id;
    """,
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY);
    CREATE TABLE replies (id bigint PRIMARY KEY, post_id bigint NOT NULL REFERENCES posts);
    CREATE INDEX ON replies (post_id);
    -- queries
    SELECT p.id FROM posts AS p WHERE EXISTS (SELECT FROM replies AS r WHERE r.post_id = p.id);
    """,
)
def distinct_with_join(query: Query, ctx: Context) -> Iterator[Hit]:
    """DISTINCT takes back what a join multiplied.

    The join makes a row for each match, DISTINCT sorts or hashes them all to drop most again.
    EXISTS asks the same and stops at the first match.
    """
    from sqlglot import exp

    for node in query.tree.find_all(exp.Select) if query.tree else ():
        if node.args.get("distinct") and node.args.get("joins"):
            yield Hit(query.place, "SELECT DISTINCT over a join")


@rule(
    "schema/many-alternatives",
    Severity.INFO,
    FindingClass.RISK,
    on="query",
    opt_in=True,
    fix="Write IN for one column, UNION ALL for several",
    references=["https://www.postgresql.org/docs/current/indexes-bitmap-scans.html"],
    bad="""
    CREATE TABLE posts (id bigint PRIMARY KEY);
    -- queries
    SELECT id FROM posts WHERE id = 1 OR id = 2 OR id = 3 OR id = 4 OR id = 5 OR id = 6;
    """,
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY);
    -- queries
    SELECT id FROM posts WHERE id IN (1, 2, 3, 4, 5, 6);
    """,
)
def many_alternatives(query: Query, ctx: Context) -> Iterator[Hit]:
    """More than five conditions are joined by OR.

    An index serves one of them at a time.
    """
    from sqlglot import exp

    for node in query.tree.find_all(exp.Or) if query.tree else ():
        if not isinstance(node.parent, exp.Or):
            count = sum(1 for inner in node.flatten())
            if count > 5:
                yield Hit(query.place, f"{count} conditions are joined by OR")


@rule(
    "schema/union-without-all",
    Severity.INFO,
    FindingClass.RISK,
    on="query",
    opt_in=True,
    fix="Write UNION ALL where no row can come twice, or may",
    references=["https://www.postgresql.org/docs/current/queries-union.html"],
    bad="""
    CREATE TABLE posts (id bigint PRIMARY KEY);
    CREATE TABLE drafts (id bigint PRIMARY KEY);
    -- queries
    SELECT id FROM posts UNION SELECT id FROM drafts;
    """,
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY);
    CREATE TABLE drafts (id bigint PRIMARY KEY);
    -- queries
    SELECT id FROM posts UNION ALL SELECT id FROM drafts;
    """,
)
def union_without_all(query: Query, ctx: Context) -> Iterator[Hit]:
    """UNION where UNION ALL may do.

    UNION sorts or hashes all rows of both sides to drop those that come twice. Where none can, or
    where they do no harm, that work is for nothing, and the first row waits for the last.
    """
    from sqlglot import exp

    for node in query.tree.find_all(exp.Union) if query.tree else ():
        recursive = node.find_ancestor(exp.With)
        if node.args.get("distinct") and not (recursive and recursive.args.get("recursive")):
            yield Hit(query.place, "UNION drops duplicates")


@rule(
    "schema/many-joins",
    Severity.INFO,
    FindingClass.RISK,
    on="query",
    opt_in=True,
    fix="Ask in several queries, or keep the result in a table",
    references=["https://www.postgresql.org/docs/current/explicit-joins.html"],
    bad="CREATE TABLE posts (id bigint PRIMARY KEY);\n-- queries\nSELECT a0.id FROM posts AS a0"
    + "".join(f" JOIN posts AS a{n} ON a{n}.id = a0.id" for n in range(1, MANY_TABLES + 1))
    + ";",
    good="""
    CREATE TABLE posts (id bigint PRIMARY KEY);
    -- queries
    SELECT a.id FROM posts AS a JOIN posts AS b ON b.id = a.id;
    """,
)
def many_joins(query: Query, ctx: Context) -> Iterator[Hit]:
    """One query joins more than eight tables.

    PostgreSQL looks for the best order among eight at most (`join_collapse_limit`), and MySQL's
    search grows fast, too: the plan is what the query says, or what chance brings.
    """
    from sqlglot import exp

    for node in query.tree.find_all(exp.Select) if query.tree else ():
        count = 1 + len(node.args.get("joins") or ())
        if count > MANY_TABLES:
            yield Hit(query.place, f"one query joins {count} tables")
