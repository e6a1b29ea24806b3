"""How good are indexes that were chosen before there was data?

Three questions on one workload: how far the search is from the best set there is (every set of the
candidates that help at all is tried), whether it ever takes an index that no plan uses, and what it
costs in the loaded database to have chosen by the statistics of a domain model alone (the regret).
`benchmarks/whatif.py` runs it on TPC-H and on `SKEWED`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import psycopg

from backend_architect.tools.ddl.model import Dialect, Name
from backend_architect.tools.design_schema.domain.model import Domain
from backend_architect.tools.design_schema.indexing.candidates import Proposed, candidates
from backend_architect.tools.design_schema.indexing.imagined import Imagined
from backend_architect.tools.design_schema.indexing.model import described
from backend_architect.tools.design_schema.indexing.planner import planner
from backend_architect.tools.design_schema.indexing.selection import (
    Candidate,
    Names,
    Pattern,
    Selection,
    choose,
)
from backend_architect.tools.design_schema.indexing.sizes import size
from backend_architect.tools.design_schema.indexing.statements import Statement, statements
from backend_architect.tools.design_schema.logical.relations import logical
from backend_architect.tools.design_schema.physical.building import physical
from backend_architect.tools.postgres.cluster import Cluster, Database
from backend_architect.tools.postgres.statistics import read
from backend_architect.tools.postgres.whatif import Node, WhatIf, node_of

MOST = 12  # candidates of which every set is tried
BUDGETS = (0.1, 0.25, 0.5, 1.0)  # shares of their pages
NEAR = 0.03

Plan = Callable[[str, Sequence[str]], Node]
"""The plan of a query without these indexes."""


@dataclass(frozen=True)
class Workload:
    """Queries on tables that are loaded in `real`, and what a domain model says of them."""

    title: str
    tables: str  # DDL, without secondary indexes
    model: Domain
    real: Database


class Costs:
    """What queries cost with some of the candidates, each asked once."""

    def __init__(self, plan: Plan, sql: Mapping[str, str], pool: Sequence[Proposed]) -> None:
        self._plan, self._sql = plan, sql
        self._names = [each.index.name for each in pool]
        self._known: dict[tuple[str, Names], float] = {}

    def __call__(self, query: str, chosen: Names) -> float:
        key = query, chosen
        if key not in self._known:
            away = [name for name in self._names if name not in chosen]
            self._known[key] = self._plan(self._sql[query], away).cost
        return self._known[key]


@dataclass(frozen=True)
class Measured:
    """Whether the search is near the best and takes nothing in vain, and the model's regret."""

    good: bool
    regret: float


def measured(cluster: Cluster, work: Workload, most: int = MOST) -> Measured:
    """Print the answers; every set of `most` candidates is tried."""
    blueprint = physical(logical(work.model), Dialect.POSTGRES)
    asked = [each for each in statements(blueprint) if each.pattern.kind == "read"]
    every = [
        each
        for each in candidates(blueprint, asked, Imagined(blueprint))
        if each.index.method == "btree" and not each.extension
    ]
    sql = {each.pattern.name: each.sql for each in asked}
    with true_plans(cluster, work, every) as plan:
        pool = helpful(Costs(plan, sql, every), asked, every)[:most]
    with true_plans(cluster, work, pool) as plan:
        costs = Costs(plan, sql, pool)
        good, best = near_the_best(work, costs, asked, pool, plan, sql)
    with planner(cluster, blueprint, pool) as server:
        imagined_costs = Costs(server.plan, sql, pool)
        by_model = choose(*problem(work, asked, pool), imagined_costs, budget(work, pool, 0.5))
        plans = {name: server.plan(text, [p.index.name for p in pool])
                 for name, text in sql.items()}  # fmt: skip
    return Measured(good, regret(work, sql, pool, best, by_model, plans))


def near_the_best(
    work: Workload,
    costs: Costs,
    asked: Sequence[Statement],
    pool: Sequence[Proposed],
    plan: Plan,
    sql: Mapping[str, str],
) -> tuple[bool, Selection]:
    """The search at several budgets against every set; the choice at half of the pages."""
    offered, patterns = problem(work, asked, pool)
    good, chosen = True, None
    for share in BUDGETS:
        most = budget(work, pool, share)
        found = choose(offered, patterns, costs, most)
        optimum = exhaustive(offered, patterns, costs, most)
        away = [p.index.name for p in pool if p.index.name not in found.chosen]
        used = {n.index for text in sql.values() for n in plan(text, away).walk() if n.index}
        idle = set(found.chosen) - used
        over = found.cost / optimum - 1
        good &= over <= NEAR and not idle
        print(
            f"{work.title}, {share:.0%} of the pages: {len(found.chosen)} indexes, cost"
            f" {found.cost:,.0f}, the best of {2 ** len(pool):,} sets {optimum:,.0f}"
            f" (+{over:.2%}); used by no plan: {len(idle)}"
        )
        if share == 0.5:
            chosen = found
    assert chosen is not None
    return good, chosen


def regret(
    work: Workload,
    sql: Mapping[str, str],
    pool: Sequence[Proposed],
    best: Selection,
    by_model: Selection,
    plans: Mapping[str, Node],
) -> float:
    """Cost in the loaded database with the indexes chosen by the model, over the other's."""
    of = {each.index.name: each for each in pool}
    with work.real.connect(superuser=True) as session:
        session.execute("SET search_path = public")
        bare = real_plans(session, sql, ())
        true = real_plans(session, sql, [of[name] for name in best.chosen])
        ours = real_plans(session, sql, [of[name] for name in by_model.chosen])
    same = sum(bare[name].shape == plans[name].shape for name in sql)
    totals = [sum(plan.cost for plan in each.values()) for each in (bare, true, ours)]
    print(
        f"{work.title}, statistics of the model alone: {same} of {len(sql)} plans are those of the"
        f" loaded database. Cost there without indexes {totals[0]:,.0f}, chosen by true statistics"
        f" {totals[1]:,.0f}, by the model {totals[2]:,.0f}: regret {totals[2] / totals[1] - 1:.1%}"
    )
    return totals[2] / totals[1] - 1


def problem(
    work: Workload, asked: Sequence[Statement], pool: Sequence[Proposed]
) -> tuple[list[Candidate], list[Pattern]]:
    """What `choose` takes: sizes by true statistics, and which queries might use what."""
    with work.real.connect(superuser=True) as session:
        tables = read(session)
    offered = [
        Candidate(each.index.name, size(each, tables[Name("public", each.relation)]).pages)
        for each in pool
    ]
    patterns = [
        Pattern(each.pattern.name, 1.0, frozenset(p.index.name for p in pool if fits(each, p)))
        for each in asked
    ]
    return offered, patterns


def budget(work: Workload, pool: Sequence[Proposed], share: float) -> int:
    """So much of the pages of all candidates together."""
    offered, _ = problem(work, (), pool)
    return int(sum(each.pages for each in offered) * share)


def fits(statement: Statement, each: Proposed) -> bool:
    """Whether the statement reads the table and asks something of the index's columns."""
    places = [c.place for c in statement.conditions] + [s.place for s in statement.sort]
    places += [place for pair in statement.links for place in pair]
    asked = {place.name for place in places if place.relation == each.relation}
    return each.relation in statement.reads and bool(set(each.columns[:1]) & asked)


def helpful(costs: Costs, asked: Sequence[Statement], every: Sequence[Proposed]) -> list[Proposed]:
    """The candidates that save most when there is no other."""
    saved: dict[str, float] = {}
    for statement in asked:
        name = statement.pattern.name
        for each in every:
            if fits(statement, each):
                alone = costs(name, frozenset({each.index.name}))
                gain = costs(name, frozenset()) - alone
                saved[each.index.name] = saved.get(each.index.name, 0.0) + gain
    ranked = sorted((p for p in every if saved.get(p.index.name, 0) > 0),
                    key=lambda p: (-saved[p.index.name], p.index.name))  # fmt: skip
    return ranked[:MOST]


def exhaustive(
    offered: Sequence[Candidate], patterns: Sequence[Pattern], costs: Costs, most: int
) -> float:
    """The least that any set within the budget costs."""
    best = float("inf")
    for count in range(len(offered) + 1):
        for several in combinations(offered, count):
            if sum(each.pages for each in several) <= most:
                names = frozenset(each.name for each in several)
                best = min(best, sum(p.rate * costs(p.name, names & p.candidates)
                                     for p in patterns))  # fmt: skip
    return best


@contextmanager
def true_plans(cluster: Cluster, work: Workload, pool: Sequence[Proposed]) -> Iterator[Plan]:
    """Plans on empty tables that believe the statistics of the loaded ones."""
    with work.real.connect(superuser=True) as session:
        tables = read(session)
    empty = cluster.database()
    with empty.connect() as session:
        session.execute("SET search_path = public")
        session.execute(work.tables.encode())
        for each in pool:
            session.execute(created(each).encode())
    with WhatIf(empty) as server:
        server.tables(tables)
        server.indexes({Name("public", p.index.name): size(p, tables[Name("public", p.relation)])
                        for p in pool})  # fmt: skip
        server.search_in("public")

        def plan(query: str, without: Sequence[str]) -> Node:
            with server.without(Name("public", name) for name in without):
                return server.plan(query)

        yield plan


def real_plans(
    session: psycopg.Connection[Any], sql: Mapping[str, str], made: Sequence[Proposed]
) -> Mapping[str, Node]:
    """The plans in the loaded database with these indexes, which are not left there."""
    with session.transaction(force_rollback=True):
        for each in made:
            session.execute(created(each).encode())
        return {
            name: node_of(session.execute(f"EXPLAIN (FORMAT JSON) {text}".encode()).fetchone())
            for name, text in sql.items()
        }


def created(each: Proposed) -> str:
    """The DDL of a b-tree."""
    return f"CREATE INDEX {each.index.name} ON {each.relation} {described(each.index)}"


def domain(
    name: str, entities: Mapping[str, tuple[list[str], int, str]], queries: Mapping[str, str]
) -> Domain:
    """A model of tables with natural keys: `column type [distinct | value=share … | from..to]`."""
    made = [
        {
            "name": entity,
            "key": {"kind": "natural", "attributes": key},
            "attributes": [attribute(line) for line in columns.strip().splitlines()],
            "volume": {"rows": rows},
        }
        for entity, (key, rows, columns) in entities.items()
    ]
    first = next(iter(entities))
    patterns = [{"name": n, "entity": first, "sql": text} for n, text in queries.items()]
    return Domain.model_validate(
        {"name": name, "naming": {"tables": "singular"}, "entities": made,
         "access_patterns": patterns}
    )  # fmt: skip


def attribute(line: str) -> dict[str, Any]:
    name, kind, *rest = line.split()
    spread: dict[str, Any] = {}
    for word in rest:
        if ".." in word:
            spread["minimum"], spread["maximum"] = word.split("..")
        elif "=" in word:
            value, _, share = word.partition("=")
            spread.setdefault("common", {})[value.replace("_", " ")] = float(share)
        elif word == "follows":
            spread["follows_insertion"] = True
        else:
            spread["distinct"] = float(word)
    if kind in ("integer", "decimal") and "minimum" in spread:
        spread |= {end: float(spread[end]) for end in ("minimum", "maximum")}
    found: dict[str, Any] = {"name": name, "type": kind}
    if spread:
        found["distribution"] = spread
    if kind == "text":
        found["max_length"] = 40
    return found


SKEWED_TABLES = """
CREATE TABLE customer (c_id bigint PRIMARY KEY, c_region text NOT NULL, c_tier text NOT NULL);
CREATE TABLE sale (s_id bigint PRIMARY KEY, s_customer bigint NOT NULL, s_status text NOT NULL,
    s_placed timestamptz NOT NULL, s_amount numeric(15, 2) NOT NULL, s_channel text NOT NULL);
"""
SKEWED_ROWS = """
INSERT INTO customer SELECT n,
    'region ' || floor(40 * power((n::bigint * 48271 % 65537) / 65537.0, 3)),
    CASE WHEN n % 50 = 0 THEN 'gold' ELSE 'plain' END FROM generate_series(1, {customers}) n;
INSERT INTO sale SELECT n,
    1 + floor({customers} * power((n::bigint * 16807 % 131071) / 131071.0, 4)),
    CASE WHEN n > {sales} * 0.995 THEN 'open' WHEN n % 40 = 0 THEN 'returned' ELSE 'done' END,
    timestamptz '2025-01-01' + n * interval '2 minutes',
    round((10 / (0.001 + (n::bigint * 69621 % 65521) / 65521.0))::numeric, 2),
    CASE WHEN n % 100 < 97 THEN 'web' WHEN n % 100 < 99 THEN 'shop' ELSE 'phone' END
FROM generate_series(1, {sales}) n;
VACUUM ANALYZE
"""
SKEWED_QUERIES = {
    "of_small_customer": "SELECT * FROM sale WHERE s_customer = 15000 ORDER BY s_placed DESC"
    " LIMIT 20",
    "of_great_customer": "SELECT * FROM sale WHERE s_customer = 1 ORDER BY s_placed DESC LIMIT 20",
    "open_sales": "SELECT s_id, s_placed FROM sale WHERE s_status = 'open' ORDER BY s_placed"
    " LIMIT 50",
    "returned_total": "SELECT sum(s_amount) FROM sale WHERE s_status = 'returned'",
    "by_phone": "SELECT s_id, s_amount FROM sale WHERE s_channel = 'phone' AND s_amount > 5000",
    "last_day": "SELECT count(*), sum(s_amount) FROM sale WHERE s_placed > '2026-02-20'",
    "large_ones": "SELECT * FROM sale WHERE s_amount > 9000 ORDER BY s_amount DESC LIMIT 10",
    "rare_region": "SELECT sum(s_amount) FROM sale JOIN customer ON c_id = s_customer"
    " WHERE c_region = 'region 39'",
    "common_region": "SELECT sum(s_amount) FROM sale JOIN customer ON c_id = s_customer"
    " WHERE c_region = 'region 0'",
    "gold_open": "SELECT s_id FROM sale JOIN customer ON c_id = s_customer WHERE c_tier = 'gold'"
    " AND s_status = 'open'",
}


def skewed(cluster: Cluster, customers: int = 20_000, sales: int = 300_000) -> Workload:
    """Few customers have most of the sales, one state nearly all of them, one end all that is open.

    The model knows the states and channels, and nothing of customers, regions and amounts.
    """
    real = cluster.database()
    with real.connect(superuser=True) as session:
        session.execute("SET search_path = public")
        session.execute(SKEWED_TABLES.encode())
        for statement in SKEWED_ROWS.format(customers=customers, sales=sales).split(";"):
            session.execute(statement.encode())
    entities = {
        "customer": (["c_id"], customers, "c_id integer\nc_region text 40\nc_tier text 2"),
        "sale": (
            ["s_id"],
            sales,
            f"s_id integer\ns_customer integer {customers} 1..{customers}\n"
            "s_status text done=0.97 returned=0.025 open=0.005\n"
            "s_placed instant follows 2025-01-01..2026-02-21\n"
            "s_amount decimal\ns_channel text web=0.97 shop=0.02 phone=0.01",
        ),
    }
    return Workload("skewed", SKEWED_TABLES, domain("skewed", entities, SKEWED_QUERIES), real)
