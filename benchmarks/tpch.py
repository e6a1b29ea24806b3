"""TPC-H as a domain model: what its specification says (1.4, 4.2.3), and nothing of the data.

https://www.tpc.org/tpc_documents_current_versions/pdf/tpc-h_v3.0.1.pdf
"""

from __future__ import annotations

from collections.abc import Mapping

from index_choice import domain

from backend_architect.tools.design_schema.domain.model import Domain

# Columns: name, type, how many different values ({} times the scale), smallest..greatest.
ENTITIES = {
    "region": (["r_regionkey"], 5, 0, "r_regionkey integer\nr_name text 5\nr_comment text"),
    "nation": (
        ["n_nationkey"], 25, 0,
        "n_nationkey integer\nn_name text 25\nn_regionkey integer 5 0..4\nn_comment text",
    ),
    "part": (
        ["p_partkey"], 200_000, 1,
        "p_partkey integer\np_name text\np_mfgr text 5\np_brand text 25\np_type text 150\n"
        "p_size integer 50 1..50\np_container text 40\np_retailprice decimal 900..2099\n"
        "p_comment text",
    ),
    "supplier": (
        ["s_suppkey"], 10_000, 1,
        "s_suppkey integer\ns_name text\ns_address text\ns_nationkey integer 25 0..24\n"
        "s_phone text\ns_acctbal decimal -999..9999\ns_comment text",
    ),
    "partsupp": (
        ["ps_partkey", "ps_suppkey"], 800_000, 1,
        "ps_partkey integer {200000} 1..{200000}\nps_suppkey integer {10000} 1..{10000}\n"
        "ps_availqty integer 9999 1..9999\nps_supplycost decimal 1..1000\nps_comment text",
    ),
    "customer": (
        ["c_custkey"], 150_000, 1,
        "c_custkey integer\nc_name text\nc_address text\nc_nationkey integer 25 0..24\n"
        "c_phone text\nc_acctbal decimal -999..9999\nc_mktsegment text 5\nc_comment text",
    ),
    "orders": (
        ["o_orderkey"], 1_500_000, 1,
        "o_orderkey integer\no_custkey integer {100000} 1..{150000}\no_orderstatus text 3\n"
        "o_totalprice decimal 850..500000\no_orderdate date 2406 1992-01-01..1998-08-02\n"
        "o_orderpriority text 5\no_clerk text {1000}\no_shippriority integer 1 0..0\n"
        "o_comment text",
    ),
    "lineitem": (
        ["l_orderkey", "l_linenumber"], 6_000_000, 1,
        "l_orderkey integer {1500000} 1..{6000000}\nl_partkey integer {200000} 1..{200000}\n"
        "l_suppkey integer {10000} 1..{10000}\nl_linenumber integer 7 1..7\n"
        "l_quantity decimal 50 1..50\nl_extendedprice decimal 900..105000\n"
        "l_discount decimal 11 0..0.1\nl_tax decimal 9 0..0.08\nl_returnflag text 3\n"
        "l_linestatus text 2\nl_shipdate date 2526 1992-01-02..1998-12-01\n"
        "l_commitdate date 2466 1992-01-31..1998-10-31\n"
        "l_receiptdate date 2554 1992-01-03..1998-12-31\nl_shipinstruct text 4\n"
        "l_shipmode text 7\nl_comment text",
    ),
}  # fmt: skip


def model(scale: float, queries: Mapping[str, str]) -> Domain:
    """The model at a scale, its access patterns the queries."""
    entities = {}
    for name, (key, rows, grows, columns) in ENTITIES.items():
        words = [_scaled(word, scale) for word in columns.split(" ")]
        entities[name] = (key, round(rows * scale) if grows else rows, " ".join(words))
    return domain("tpch", entities, {f"q{number}": text for number, text in queries.items()})


def _scaled(text: str, scale: float) -> str:
    """With each `{number}` as many times as the scale says."""
    head, opened, rest = text.partition("{")
    if not opened:
        return text
    number, _, tail = rest.partition("}")
    return f"{head}{max(2, round(int(number) * scale))}{_scaled(tail, scale)}"
