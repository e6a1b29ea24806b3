"""How true are plans for data that is not there? TPC-H loaded, beside TPC-H imagined.

    python benchmarks/whatif.py QUERIES.sql [--scale 0.1]

QUERIES.sql holds the 22 queries, each under a line `-- TPC-H n` (the first statement after it
counts). The data comes from `tpchgen-cli`. One database is loaded and analysed; the other one is
empty and believes the first one's statistics. With the indexes of `SECONDARY` in both, and without
them: how many of the plans are the same trees, and the ratio of their costs. In the second round
the imagined indexes are sized by estimate, as a proposed index has to be. Then `index_choice.py`
asks on the same data, and on a skewed set of its own, how good chosen indexes are.
"""

from __future__ import annotations

import argparse
import re
import struct
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import sqlglot
import tpch
from index_choice import Workload, measured, skewed

from backend_architect.tools.ddl.model import Name
from backend_architect.tools.postgres.cluster import MIB, Cluster, Database
from backend_architect.tools.postgres.statistics import IndexStatistics, read, read_indexes
from backend_architect.tools.postgres.whatif import Node, WhatIf, node_of

TABLES = """
CREATE TABLE region (r_regionkey int PRIMARY KEY, r_name char(25), r_comment varchar(152));
CREATE TABLE nation (n_nationkey int PRIMARY KEY, n_name char(25), n_regionkey int,
    n_comment varchar(152));
CREATE TABLE part (p_partkey int PRIMARY KEY, p_name varchar(55), p_mfgr char(25), p_brand char(10),
    p_type varchar(25), p_size int, p_container char(10), p_retailprice numeric(15, 2),
    p_comment varchar(23));
CREATE TABLE supplier (s_suppkey int PRIMARY KEY, s_name char(25), s_address varchar(40),
    s_nationkey int, s_phone char(15), s_acctbal numeric(15, 2), s_comment varchar(101));
CREATE TABLE partsupp (ps_partkey int, ps_suppkey int, ps_availqty int,
    ps_supplycost numeric(15, 2), ps_comment varchar(199), PRIMARY KEY (ps_partkey, ps_suppkey));
CREATE TABLE customer (c_custkey int PRIMARY KEY, c_name varchar(25), c_address varchar(40),
    c_nationkey int, c_phone char(15), c_acctbal numeric(15, 2), c_mktsegment char(10),
    c_comment varchar(117));
CREATE TABLE orders (o_orderkey bigint PRIMARY KEY, o_custkey int, o_orderstatus char(1),
    o_totalprice numeric(15, 2), o_orderdate date, o_orderpriority char(15), o_clerk char(15),
    o_shippriority int, o_comment varchar(79));
CREATE TABLE lineitem (l_orderkey bigint, l_partkey int, l_suppkey int, l_linenumber int,
    l_quantity numeric(15, 2), l_extendedprice numeric(15, 2), l_discount numeric(15, 2),
    l_tax numeric(15, 2), l_returnflag char(1), l_linestatus char(1), l_shipdate date,
    l_commitdate date, l_receiptdate date, l_shipinstruct char(25), l_shipmode char(10),
    l_comment varchar(44), PRIMARY KEY (l_orderkey, l_linenumber));
"""
SECONDARY = {
    "lineitem_part": "lineitem (l_partkey, l_suppkey)",
    "lineitem_shipped": "lineitem (l_shipdate)",
    "lineitem_supplier": "lineitem (l_suppkey)",
    "orders_customer": "orders (o_custkey)",
    "orders_date": "orders (o_orderdate)",
    "partsupp_supplier": "partsupp (ps_suppkey)",
    "customer_nation": "customer (c_nationkey)",
    "supplier_nation": "supplier (s_nationkey)",
    "part_brand": "part (p_brand, p_container)",
}
INDEXES = [f"CREATE INDEX {name} ON {columns}" for name, columns in SECONDARY.items()]
SECONDARY_NAMES = [Name("public", name) for name in SECONDARY]


def queries_in(text: str) -> Mapping[str, str]:
    """The queries by number, in PostgreSQL's words."""
    parts = re.split(r"-- TPC-H (\d+)\n-+\n", text)
    return {
        number: sqlglot.parse_one(body.split(";")[0], read="duckdb").sql("postgres")
        for number, body in zip(parts[1::2], parts[2::2], strict=True)
    }


def load(database: Database, scale: float) -> None:
    """Generate the tables and fill the database with them."""
    tables = re.findall(r"CREATE TABLE (\w+)", TABLES)
    with tempfile.TemporaryDirectory() as directory, database.connect(superuser=True) as session:
        session.execute("SET search_path = public")
        session.execute(TABLES.encode())
        generator = Path(sys.executable).with_name("tpchgen-cli")
        command = [str(generator), "csv", "-s", str(scale), "--output-dir", directory]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        for table in tables:
            copy = f"COPY {table} FROM STDIN WITH (FORMAT csv, HEADER)".encode()
            file = Path(directory) / f"{table}.csv"
            with session.cursor().copy(copy) as target, file.open("rb") as source:
                while chunk := source.read(1 << 20):
                    target.write(chunk)
        for index in INDEXES:
            session.execute(index.encode())
        session.execute("VACUUM ANALYZE")


def heights(session: psycopg.Connection[Any], data: Path) -> Mapping[Name, IndexStatistics]:
    """The indexes as they are, with the heights that their first pages say."""
    found = {}
    for name, known in read_indexes(session).items():
        query = "SELECT pg_relation_filepath(format('%%I.%%I', %s::text, %s::text)::regclass)"
        row = session.execute(query, list(name)).fetchone()
        assert row
        meta = (data / row[0]).read_bytes()[:64]
        found[name] = replace(known, height=struct.unpack_from("<I", meta, 44)[0])
    return found


def compare(title: str, real: Mapping[str, Node], imagined: Mapping[str, Node]) -> bool:
    """Print how alike the plans are; whether enough of them are the same and cost the same."""
    ratios = sorted(imagined[number].cost / real[number].cost for number in real)
    same = [number for number in real if real[number].shape == imagined[number].shape]
    print(
        f"{title}: {len(same)} of {len(real)} plans are the same trees; cost ratio"
        f" {ratios[0]:.3f} to {ratios[-1]:.3f}, median {ratios[len(ratios) // 2]:.3f}"
    )
    for number in sorted(real.keys() - set(same), key=int):
        print(f"  differs: {number}, {real[number].cost:.0f} and {imagined[number].cost:.0f}")
    return len(same) >= len(real) - 1 and ratios[0] >= 0.9 and ratios[-1] <= 1.1


def plans_of(
    session: psycopg.Connection[Any], queries: Mapping[str, str], without: Sequence[Name] = ()
) -> Mapping[str, Node]:
    """The plans in the loaded database."""
    with session.transaction(force_rollback=True):
        for name in without:
            session.execute(f"DROP INDEX public.{name.name}".encode())
        return {
            number: node_of(session.execute(f"EXPLAIN (FORMAT JSON) {query}".encode()).fetchone())
            for number, query in queries.items()
        }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("queries", type=Path)
    parser.add_argument("--scale", type=float, default=0.1)
    given = parser.parse_args()
    queries = queries_in(given.queries.read_text("utf-8"))
    settings = {"shared_buffers": "512MB"}
    with Cluster.start(memory=4096 * MIB, settings=settings) as cluster:
        real = cluster.database()
        load(real, given.scale)
        empty = cluster.database()
        with empty.connect() as session:
            session.execute(TABLES.encode())
            for index in INDEXES:
                session.execute(index.encode())
        with real.connect(superuser=True) as session:
            tables = read(session)
            true = heights(session, cluster.directory / "data")
            session.execute("SET search_path = public")
            with_indexes = plans_of(session, queries)
            without = plans_of(session, queries, SECONDARY_NAMES)
        good = True
        primary = {name: size for name, size in true.items() if name.name not in SECONDARY}
        for title, sizes in (("measured", true), ("estimated", primary)):
            with WhatIf(empty) as imagined:
                imagined.tables(tables)
                imagined.indexes(sizes)
                imagined.search_in("public")
                found = {number: imagined.plan(query) for number, query in queries.items()}
                good &= compare(f"{title} indexes", with_indexes, found)
                with imagined.without(SECONDARY_NAMES):
                    found = {number: imagined.plan(query) for number, query in queries.items()}
                good &= compare(f"{title} sizes, primary keys only", without, found)
        with real.connect(superuser=True) as session:
            for name in SECONDARY:
                session.execute(f"DROP INDEX public.{name}".encode())
        model = tpch.model(given.scale, queries)
        good &= measured(cluster, Workload("TPC-H", TABLES, model, real)).good
        good &= measured(cluster, skewed(cluster)).good
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
