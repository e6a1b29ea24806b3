"""Facts about a database: the query on a real server, and the reading of answers."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from backend_architect.tools.engines import limits
from backend_architect.tools.engines.facts import BadFacts, facts_query, read_facts
from backend_architect.tools.postgres.cluster import Cluster, Database

SCHEMA = """
CREATE TABLE public.customer (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, mail text UNIQUE, born date
);
INSERT INTO public.customer (mail) SELECT 'sekret' || n FROM generate_series(1, 1000) n;
CREATE TABLE public.event (at date NOT NULL, note text) PARTITION BY RANGE (at);
CREATE TABLE public.event_1 PARTITION OF public.event
    FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE public.event_2 PARTITION OF public.event
    FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
INSERT INTO public.event SELECT '2024-02-01', 'sekret' FROM generate_series(1, 30);
INSERT INTO public.event SELECT '2025-02-01', 'sekret' FROM generate_series(1, 12);
ALTER TABLE public.customer ADD CONSTRAINT adult CHECK (born < '2000-01-01') NOT VALID;
ANALYZE public.customer, public.event_1, public.event_2;
"""

STATEMENTS = """
SELECT mail, count(*) FROM public.customer WHERE mail = 'sekret7' GROUP BY 1 ORDER BY 2 LIMIT 61
UPDATE public.customer SET born = '1999-01-01' WHERE id = 987654 -- sekret
/* user='sekret' */ SELECT cast(id AS numeric(12, 2)) FROM public.customer WHERE id IN (61, 62)
SELECT 'sekret'
SET application_name = 'sekret'
DO $$ BEGIN PERFORM 'sekret'; END $$
EXPLAIN SELECT id FROM public.customer WHERE mail = 'sekret'
""".strip().splitlines()


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    with Cluster.start(settings={"shared_preload_libraries": "pg_stat_statements"}) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def database(server: Cluster) -> Iterator[Database]:
    with server.database() as database:
        with database.connect(superuser=True) as administrator:
            administrator.execute("CREATE EXTENSION pg_stat_statements SCHEMA public")
        with database.connect() as session:
            for statement in [*SCHEMA.split(";\n")[:-1], *STATEMENTS]:
                session.execute(statement)
        yield database


def answer(session: psycopg.Connection[Any]) -> dict[str, Any]:
    ((only,),) = session.execute(facts_query("postgres")).fetchall()
    return dict(only)


def test_the_query_tells_what_the_tools_need(database: Database) -> None:
    with database.connect() as session:
        facts = read_facts(answer(session))
    customer = facts.tables["public", "customer"]
    assert (customer.rows, customer.kind) == (1000, "table")
    assert customer.bytes
    assert customer.bytes % 8192 == 0
    assert customer.inserted == 1000
    assert customer.columns["id"].distinct == -1
    assert customer.columns["born"].null_fraction == 1
    event = facts.tables["public", "event"]
    assert (event.kind, event.rows) == ("partitioned", 42)
    assert facts.tables["public", "event_1"].parents == (("public", "event"),)
    assert facts.indexes["public", "customer_mail_key"].unique
    assert facts.indexes["public", "customer_mail_key"].table == "customer"
    sequence = facts.sequences["public", "customer_id_seq"]
    assert (sequence.last, sequence.max) == (1000, 2**31 - 1)
    assert sequence.owned_by == ("public", "customer", "id")
    assert [constraint.name for constraint in facts.unvalidated_constraints] == ["adult"]
    assert (facts.version, facts.monitor, facts.standby) == (18, False, False)
    assert facts.bytes("work_mem") == 4 * 2**20
    assert facts.settings["server_encoding"] == facts.database.encoding == "UTF8"
    assert 10**6 < (facts.database.bytes or 0) < 10**9


def test_the_query_returns_no_values(database: Database) -> None:
    with database.connect() as session:
        whole = answer(session)
    text = json.dumps(whole)
    assert [value for value in ("sekret", "987654", "2000-01-01") if value in text] == []
    texts = [statement["text"] for statement in whole["statements"]]
    assert (
        "SELECT mail, count(*) FROM public.customer WHERE mail = $1"
        " GROUP BY 1 ORDER BY 2 LIMIT $2" in texts
    )
    assert "UPDATE public.customer SET born = $1 WHERE id = $2" in texts
    assert any("numeric(12, 2)" in text for text in texts)
    assert not any(text.startswith(("SET", "DO", "EXPLAIN")) for text in texts)


def test_statements_kept_with_their_constants_are_left_out(database: Database) -> None:
    """The extension stores a text unchanged when its entry goes between planning and the end."""
    query = "SELECT born FROM public.customer WHERE id = 424242"
    with database.connect() as session, database.connect(superuser=True) as administrator:
        session.prepare_threshold = 0
        session.execute(query, prepare=True)
        administrator.execute("SELECT public.pg_stat_statements_reset()")
        session.execute(query, prepare=True)
        kept = administrator.execute("SELECT query FROM public.pg_stat_statements").fetchall()
        assert (query,) in kept
        assert "424242" not in json.dumps(answer(session))


def test_the_query_reads_only_and_waits_for_nobody(database: Database) -> None:
    with database.connect() as locker, database.connect() as session:
        locker.execute("BEGIN")
        locker.execute("LOCK TABLE public.customer IN ACCESS EXCLUSIVE MODE")
        session.execute("SET lock_timeout = '50ms'")
        session.execute("BEGIN READ ONLY")
        tables = read_facts(answer(session)).tables
        locker.execute("ROLLBACK")
    assert tables["public", "customer"].rows == 1000


def test_a_transaction_left_open_is_seen_by_who_may(database: Database) -> None:
    with database.connect() as idle, database.connect(superuser=True) as administrator:
        idle.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        idle.execute("SELECT 1")
        administrator.execute("SELECT pg_sleep(1.1)")
        (seen,) = read_facts(answer(administrator)).transactions
        hidden = read_facts(answer(idle))
    assert (seen.state, seen.holds_back_vacuum) == ("idle in transaction", True)
    assert hidden.transactions == ()
    assert (hidden.connections.hidden or 0) >= 1


@pytest.mark.parametrize(
    "wrapped",
    [
        '{"tables": {"orders": {"rows": 7}}}',
        {"tables": {"public.orders": {"rows": 7}}},
        {"tables": [{"name": "orders", "schema": "public", "rows": 7}]},
        [{"facts": {"tables": {"orders": {"rows": 7.0}}}}],
        [{"facts": '{"tables": {"orders": {"rows": 7}}}'}],
        {"SELECT jsonb_build_object(…": [{"facts": '{"tables": {"orders": {"rows": 7}}}'}]},
        'facts\n"{""tables"": {""orders"": {""rows"": 7}}}"\n',
        ' facts \n-------\n {"tables": {"orders": {"rows": 7}}}\n(1 row)\n',
    ],
)
def test_answers_are_read_as_consoles_give_them(wrapped: object) -> None:
    assert read_facts(wrapped).tables["public", "orders"].rows == 7


def test_rates_come_from_counters_and_the_time_they_ran() -> None:
    counted = {"inserted": 900, "deleted": 100, "updated": 50}
    days = {"statistics_seconds": 10 * 86_400, "tables": {"a": counted, "b": {"rows_per_day": 3}}}
    tables = read_facts(days).tables
    assert tables["public", "a"].rows_per_day == 80
    assert tables["public", "a"].updates_per_day == 5
    assert tables["public", "b"].rows_per_day == 3
    hours = read_facts(days | {"statistics_seconds": 3 * 3_600})
    assert hours.tables["public", "a"].rows_per_day is None


def test_partitioned_tables_have_the_sums_of_their_partitions() -> None:
    facts = read_facts(
        {
            "tables": {
                "p": {"kind": "partitioned"},
                "q": {"kind": "partitioned", "parents": [["public", "p"]]},
                "a": {"rows": 5, "bytes": 100, "parents": [["public", "p"]]},
                "b": {"rows": 7, "parents": [["public", "q"]]},
                "loop": {"kind": "partitioned", "parents": [["public", "loop"]]},
            }
        }
    )
    assert facts.tables["public", "p"].rows == 12
    assert facts.tables["public", "q"].rows == 7
    assert facts.tables["public", "p"].total_bytes == 100
    assert facts.tables["public", "loop"].rows is None


def test_settings_are_measured_in_their_units() -> None:
    written = {"work_mem": "64MB", "lock_timeout": "5s", "a": "5", "b": 0, "c": "-1", "d": "4 ells"}
    facts = read_facts({"settings": written, "version": "16.4"})
    assert facts.version == 16
    assert facts.bytes("work_mem") == 64 * 2**20
    assert facts.milliseconds("lock_timeout") == 5000
    assert (facts.milliseconds("b"), facts.bytes("c")) == (0, -1)
    assert facts.bytes("a") is facts.bytes("d") is facts.bytes("absent") is None


def test_other_engines_have_no_default_schema() -> None:
    facts = read_facts({"engine": "mysql", "version": "8.4.2", "tables": {"orders": {"rows": 1}}})
    assert (facts.version, list(facts.tables)) == (8, [("", "orders")])
    with pytest.raises(ValueError, match="there is one for postgres"):
        facts_query("mysql")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"tables": {"orders": {"rows": "many"}}}, "`tables.orders.rows`.*`many`.*whole number"),
        ({"tables": {"orders": {"rows": -1}}}, "whole number, 0 or more"),
        ({"tables": {"orders": {"rows": True}}}, "whole number"),
        ({"tables": {"orders": {"row": 5}}}, "`tables.orders.row`.*did you mean rows"),
        ({"tables": {"orders": 5}}, "`tables.orders`.*an object"),
        ({"tables": {"orders": {}, "public.orders": {}}}, "`public.orders` twice"),
        ({"tables": [{"rows": 5}]}, r"`tables\[0\].name`"),
        ({"table": {"orders": {"rows": 5}}}, "`table`.*did you mean tables"),
        ({"version": "new"}, "such as 16"),
        ({"engine": "oracle"}, "one of postgres"),
        ({"format": 2}, "another version"),
        ({"slots": [{"active": True}]}, r"`slots\[0\]` in the facts lacks name"),
        ({"settings": {"work_mem": []}}, "such as"),
        ('{"tables": {"a": {"rows": 1e999}}}', "whole number"),
        ('{"tables": {"a": {"rows_per_day": NaN}}}', "no number of JSON"),
        ('{"version": 16, "version": 17}', "`version` twice"),
        ('{"uptime_seconds": 1' + "0" * 400 + "}", "a number"),
        ("[" * 100_000, "not JSON"),
        ("ERROR:  permission denied", "psql -XAt"),
        ([1, 2], "an object"),
        ("", "not JSON"),
    ],
)
def test_what_is_wrong_is_named(given: object, message: str) -> None:
    with pytest.raises(BadFacts, match=message):
        read_facts(given)


def test_postgres_names_are_quoted_as_the_server_does(server: Cluster, database: Database) -> None:
    strange = ["", "_", "a1", "1a", "Ab", "é", "a$", "a b", 'a"b', "it's", "select"]
    with database.connect() as session:
        words = [word for (word,) in session.execute("SELECT word FROM pg_get_keywords()")]
        for name in words + strange:
            row = session.execute("SELECT quote_ident(%s)", [name]).fetchone()
            assert row == (limits.quote("postgres", name),)
        for name in limits.reserved("postgres"):
            with pytest.raises(psycopg.errors.SyntaxError):
                session.execute(f"CREATE TABLE {name} (id int)")


def test_sqlite_names_are_quoted_where_the_engine_needs_it() -> None:
    words = limits.reserved("postgres") | limits.reserved("mysql") | limits.reserved("sqlite")
    for word in words | {"a b", 'a"b', "1a"}:
        name = limits.quote("sqlite", word)
        with closing(sqlite3.connect(":memory:")) as engine:
            engine.execute(f"CREATE TABLE {name} ({name} int UNIQUE, b int, CHECK ({name} > b))")
            engine.execute(f"CREATE INDEX i ON {name} ({name} DESC)")
            columns = engine.execute("SELECT name FROM pragma_table_info(?)", [word])
            assert columns.fetchone() == (word,)


def test_reserved_words_of_sqlite_are_refused_bare() -> None:
    for word in limits.reserved("sqlite"):
        uses = (
            f"CREATE TABLE {word} (id int);"
            f"CREATE TABLE t (a int, {word} int);"
            f"CREATE INDEX i ON t ({word} DESC, {word});"
        )
        with (
            closing(sqlite3.connect(":memory:")) as engine,
            pytest.raises(sqlite3.OperationalError),
        ):
            engine.executescript(uses)


def test_limits_name_their_source() -> None:
    for engine in limits.ENGINES:
        found = limits.limits(engine)
        assert {"identifier", "columns", "index_columns", "row_size", "index_key"} <= found.keys()
        assert all(limit.source.startswith("https://") for limit in found.values())
        assert all(word == word.lower() for word in limits.reserved(engine))
    assert limits.limits("postgres")["identifier"].value == 63
    assert limits.name_length("postgres", "é" * 32) == 64
    assert limits.name_length("mysql", "é" * 32) == 32
    assert limits.quote("mariadb", "a`key") == "`a``key`"
    assert limits.quote("mysql", "Key") == "`Key`"
    with pytest.raises(ValueError, match="no such engine"):
        limits.quote("oracle", "id")
