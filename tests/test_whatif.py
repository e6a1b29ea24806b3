"""Plans for imagined data are those for the data itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backend_architect.tools.ddl.model import Name
from backend_architect.tools.postgres.cluster import Cluster, Database
from backend_architect.tools.postgres.statistics import (
    ColumnStatistics,
    TableStatistics,
    btree,
    heap_pages,
    read,
    read_indexes,
)
from backend_architect.tools.postgres.whatif import Unbelievable, WhatIf, node_of

ROWS = 60_000
TABLES = """
CREATE TABLE customers (id bigint PRIMARY KEY, country text NOT NULL);
CREATE TABLE orders (id bigint PRIMARY KEY, customer bigint NOT NULL, state text NOT NULL,
    placed timestamptz NOT NULL, note text);
CREATE INDEX orders_customer ON orders (customer, placed);
CREATE INDEX orders_state ON orders (state);
"""
DATA = f"""
INSERT INTO customers SELECT n, CASE WHEN n % 10 = 0 THEN 'CH' ELSE 'DE' END
FROM generate_series(1, {ROWS // 10}) n;
INSERT INTO orders SELECT n, 1 + n % {ROWS // 10},
    CASE WHEN n % 200 = 0 THEN 'open' ELSE 'done' END,
    timestamptz '2026-01-01' + n * interval '1 minute', repeat('x', n % 50)
FROM generate_series(1, {ROWS}) n;
"""
QUERIES = (
    "SELECT * FROM orders WHERE id = 42",
    "SELECT * FROM orders WHERE customer = 42 ORDER BY placed DESC LIMIT 20",
    "SELECT * FROM orders WHERE state = 'open'",
    "SELECT * FROM orders WHERE state = 'done'",
    "SELECT count(*) FROM orders WHERE placed > '2026-02-01'",
    "SELECT country, count(*) FROM orders o JOIN customers c ON c.id = o.customer GROUP BY country",
)
SECONDARY = (Name("public", "orders_customer"), Name("public", "orders_state"))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster.start() as started:
        yield started


@pytest.fixture(scope="module")
def empty(cluster: Cluster) -> Database:
    database = cluster.database()
    with database.connect() as session:
        session.execute(TABLES.encode())
    return database


def test_imagined_rows_are_planned_for_like_real_ones(cluster: Cluster, empty: Database) -> None:
    real = cluster.database()
    with real.connect() as session:
        session.execute((TABLES + DATA).encode())
        session.execute("VACUUM ANALYZE")
        explain = "EXPLAIN (FORMAT JSON) {}"
        expected = [
            node_of(session.execute(explain.format(query).encode()).fetchone()) for query in QUERIES
        ]
        tables, indexes = read(session), read_indexes(session)
    with WhatIf(empty) as imagined:
        imagined.tables(tables)
        imagined.indexes(indexes)
        imagined.search_in("public")
        for query, wanted in zip(QUERIES, expected, strict=True):
            found = imagined.plan(query)
            assert found.shape == wanted.shape, query
            assert found.cost == pytest.approx(wanted.cost, rel=0.02)
    assert len({plan.shape for plan in expected}) == len(QUERIES), "each plan is another"


def many(rows: float) -> dict[Name, TableStatistics]:
    columns = {
        "id": ColumnStatistics(8, correlation=1),
        "customer": ColumnStatistics(8, distinct=-0.05, correlation=0),
        "state": ColumnStatistics(5, distinct=2, common=(("done", 0.995), ('"odd", {x}\\', 0.005))),
        "placed": ColumnStatistics(8, histogram=("2026-01-01", "2026-06-01", "2026-12-01")),
        "note": ColumnStatistics(20, nulls=0.5),
    }
    pages = heap_pages(rows, [each.width for each in columns.values()])
    return {Name("public", "orders"): TableStatistics(rows, pages, pages, columns)}


def test_an_index_is_missed_once_there_are_rows(empty: Database) -> None:
    query = "SELECT * FROM orders WHERE customer = $1 ORDER BY placed LIMIT 20"
    with WhatIf(empty) as imagined:
        imagined.tables(many(1e9))
        imagined.indexes()
        imagined.search_in("public")
        with_index = imagined.plan(query)
        with imagined.without(SECONDARY):
            without = imagined.plan(query)
        again = imagined.plan(query)
    assert "orders_customer" in {node.index for node in with_index.walk()}
    assert without.cost > 10_000 * with_index.cost
    assert again == with_index


def test_a_billion_rows_take_no_space(cluster: Cluster, empty: Database) -> None:
    before = cluster.size()
    with WhatIf(empty) as imagined:
        imagined.tables(many(1e9))
        imagined.indexes()
    assert cluster.size() - before < 32 * 1024**2


def test_statistics_that_do_not_fit_are_refused(empty: Database) -> None:
    nowhere = {Name("public", "orders"): TableStatistics(1, 1, 1, {"gone": ColumnStatistics(4)})}
    with WhatIf(empty) as imagined, pytest.raises(Unbelievable, match="gone"):
        imagined.tables(nowhere)


@pytest.mark.parametrize(
    ("rows", "different", "pages", "height"),
    # Measured: CREATE INDEX on as many bigint values on PostgreSQL 18.
    [(1_000_000, 1_000_000, 2_745, 2), (1_000_000, 1_000, 896, 2), (100, 100, 2, 0)],
)
def test_the_size_of_a_btree_is_estimated(
    rows: int, different: int, pages: int, height: int
) -> None:
    made = btree(rows, [8], different)
    assert made.height == height
    assert made.pages == pytest.approx(pages, rel=0.03)
