"""Tables, columns and types that get another shape: each plan rehearsed, its rows counted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import psycopg
import pytest

from backend_architect.tools.ddl.diff import changes
from backend_architect.tools.ddl.load import load
from backend_architect.tools.ddl.model import Dialect, Schema
from backend_architect.tools.engines.facts import Facts, TableFacts
from backend_architect.tools.plan_migration.context import Context
from backend_architect.tools.plan_migration.dependents import with_dependents
from backend_architect.tools.plan_migration.model import Phase, Step
from backend_architect.tools.plan_migration.operations.effects import UNKNOWN, with_effects
from backend_architect.tools.plan_migration.order import ordered
from backend_architect.tools.plan_migration.recipes import steps_for
from backend_architect.tools.plan_migration.rehearsal.evidence import Rehearsal
from backend_architect.tools.plan_migration.rehearsal.run import rehearse
from backend_architect.tools.plan_migration.renames import BadRename, read_derived, read_renames
from backend_architect.tools.postgres.cluster import Cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster.start() as running:
        yield running


def schema(sql: str) -> Schema:
    return load({"schema.sql": sql}, Dialect.POSTGRES).schema


def context(old: str, new: str, version: int = 18, small: str = "") -> Context:
    before, after = schema(old), schema(new)
    facts = Facts(tables={("public", small): TableFacts(rows=10)} if small else {})
    return Context(before, after, tuple(changes(before, after)), version, facts)


def made_of(old: str, new: str, *hints: str) -> Context:
    ctx = context(old, new)
    return replace(ctx, derived=read_derived(hints, ctx.current, ctx.target)[0])


def planned(ctx: Context) -> tuple[Step, ...]:
    return with_effects(with_dependents(ordered(steps_for(ctx), ctx), ctx), ctx)


def rehearsed(ctx: Context, cluster: Cluster) -> tuple[tuple[Step, ...], Rehearsal]:
    """The plan, run and undone; it must reach the target and keep what it says of its undos."""
    steps = planned(ctx)
    assert not [hazard for step in steps for hazard in step.hazards if UNKNOWN in hazard]
    seen = rehearse(ctx.current, ctx.target, (), steps, cluster=cluster)
    assert seen.witnesses == ()
    assert seen.target_reached
    assert [*map(str, seen.mismatches)] == []
    assert seen.undo_verified
    return steps, seen


def text(steps: tuple[Step, ...]) -> str:
    return ";\n".join(sql for step in steps for sql in step.sql)


ORDERS = """
CREATE ROLE app;
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql
    AS 'BEGIN NEW.note := upper(NEW.note); RETURN NEW; END';
CREATE TABLE o (id bigint GENERATED ALWAYS AS IDENTITY, at date NOT NULL, note text, {key}{by};
CREATE TABLE lines (id int PRIMARY KEY, o bigint, at date,
    FOREIGN KEY (o, at) REFERENCES o (id, at) ON DELETE CASCADE);
CREATE INDEX o_note_idx ON o (note);
CREATE TRIGGER t BEFORE INSERT ON o FOR EACH ROW EXECUTE FUNCTION shout();
CREATE VIEW v AS SELECT id, note FROM o;
ALTER TABLE o ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON o USING (true);
GRANT SELECT ON o, v TO app;
"""
PLAIN = ORDERS.format(key="PRIMARY KEY (id), UNIQUE (id, at)", by=")")
RANGES = ORDERS.format(
    key="PRIMARY KEY (id, at)",
    by=""") PARTITION BY RANGE (at);
CREATE TABLE o_1 PARTITION OF o FOR VALUES FROM ('2020-01-01') TO ('2024-01-01');
CREATE TABLE o_2 PARTITION OF o FOR VALUES FROM ('2024-01-01') TO ('2030-01-01')""",
)
HASHES = """
CREATE TABLE t (id int PRIMARY KEY, a int) PARTITION BY HASH (id);
CREATE TABLE t0 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE t1 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 1);
"""
LISTS = """
CREATE TABLE t (id int PRIMARY KEY, a int) PARTITION BY LIST (id);
CREATE TABLE t0 PARTITION OF t FOR VALUES IN (1, 2);
CREATE TABLE t1 PARTITION OF t DEFAULT;
"""
ORDINARY = "CREATE TABLE t (id int PRIMARY KEY, a int)"


def test_a_table_with_all_that_hangs_on_it_is_partitioned(cluster: Cluster) -> None:
    steps, _ = rehearsed(context(PLAIN, RANGES), cluster)
    assert [s.phase for s in steps][:2] == [Phase.EXPAND, Phase.EXPAND]
    (last,) = [s for s in steps if s.phase is Phase.CONTRACT]
    assert (last.sql[-1], last.undo.verdict) == ("DROP TABLE o_old", "no_return")
    assert "DROP TABLE o\n" not in text(steps) + "\n"
    (sync,) = [s for s in steps if s.title == "Keep o_new like o"]
    assert any("'2030-01-01'" in query.sql for query in sync.preflight)
    (swap,) = [s for s in steps if s.title == "Put o_new in the place of o"]
    assert "no longer keeps (id) unique" in swap.why


@pytest.mark.parametrize(
    ("old", "new"),
    [(RANGES, PLAIN), (HASHES, LISTS), (HASHES, ORDINARY)],
    ids=["ordinary again", "another strategy and partitions of the same names", "from hashes"],
)
def test_a_partitioned_table_gets_another_shape(old: str, new: str, cluster: Cluster) -> None:
    rehearsed(context(old, new), cluster)


def test_a_split_partition_moves_its_rows(cluster: Cluster) -> None:
    split = RANGES.replace("('2030-01-01')", "('2027-01-01')").replace(
        "CREATE TABLE lines",
        "CREATE TABLE o_3 PARTITION OF o FOR VALUES FROM ('2027-01-01') TO ('2030-01-01');"
        "CREATE TABLE lines",
    )
    steps, _ = rehearsed(context(RANGES, split), cluster)
    assert "RENAME TO o_2_old" in text(steps)


def test_the_column_to_partition_by_comes_first(cluster: Cluster) -> None:
    new = """CREATE TABLE t (id int, a int, at date NOT NULL DEFAULT '2024-05-05',
        PRIMARY KEY (id, at)) PARTITION BY RANGE (at); CREATE TABLE t0 PARTITION OF t DEFAULT"""
    steps, _ = rehearsed(context(ORDINARY, new), cluster)
    assert "ADD COLUMN at date" in steps[0].sql[0]


@pytest.mark.parametrize("small", ["t", ""], ids=["small", "without key"])
def test_what_needs_no_ceremony_or_has_no_key_is_copied_at_once(
    small: str, cluster: Cluster
) -> None:
    old = ORDINARY if small else "CREATE TABLE t (id int, a int)"
    new = old + (" PARTITION BY RANGE (id); CREATE TABLE t0 PARTITION OF t DEFAULT;")
    steps, _ = rehearsed(context(old, new, small=small), cluster)
    assert len(steps) == 1
    assert steps[0].undo.verdict == "lossless"
    assert ("blocks reads and writes" in steps[0].hazards) is not bool(small)


def test_writes_during_the_copy_end_in_both_tables(cluster: Cluster) -> None:
    """Inserts, updates, deletes, other keys and other partitions, while small batches copy."""
    old = "CREATE TABLE t (id int PRIMARY KEY, at date NOT NULL, n int)"
    new = """CREATE TABLE t (id int, at date NOT NULL, n int, PRIMARY KEY (id, at))
        PARTITION BY RANGE (at);
        CREATE TABLE t0 PARTITION OF t FOR VALUES FROM ('2020-01-01') TO ('2020-07-01');
        CREATE TABLE t1 PARTITION OF t DEFAULT"""
    steps = planned(context(old, new))
    database = cluster.database()
    with database.connect() as mine:
        mine.execute(old.encode())
        mine.execute(
            b"INSERT INTO t SELECT i, date '2020-01-01' + i, 0 FROM generate_series(1, 1000) i"
        )
        seeds = (1, 2)
        stop = threading.Event()
        failed: list[str] = []
        writers = [
            threading.Thread(target=_write, args=(database.connect(), s, stop, failed))
            for s in seeds
        ]
        for writer in writers:
            writer.start()
        try:
            for step in steps:
                if step.phase is Phase.CONTRACT:
                    break
                _run(mine, step)
                if step.title.startswith("Put"):
                    assert _apart(mine, "t", "t_old") == 0
        finally:
            stop.set()
            for writer in writers:
                writer.join()
        assert failed == []
        assert _apart(mine, "t", "t_old") == 0


def _write(
    connection: psycopg.Connection[Any], seed: int, stop: threading.Event, failed: list[str]
) -> None:
    random = Random(seed)
    with connection:
        while not stop.is_set():
            key, other = random.randint(1, 1000), random.randint(1001, 3000)
            sql = random.choice(
                (
                    f"UPDATE t SET n = n + 1 WHERE id = {key}",
                    f"UPDATE t SET at = at + 90 WHERE id = {key}",
                    f"UPDATE t SET id = {other} WHERE id = {key}"
                    f" AND NOT EXISTS (SELECT FROM t WHERE id = {other})",
                    f"DELETE FROM t WHERE id = {key}",
                    f"INSERT INTO t SELECT {other}, '2020-03-01', 1"
                    f" WHERE NOT EXISTS (SELECT FROM t WHERE id = {other})",
                )
            )
            try:
                with connection.transaction():
                    connection.execute(sql.encode())
            except (psycopg.errors.UniqueViolation, psycopg.errors.DeadlockDetected):
                continue  # of the two writers, who chose the same key
            except psycopg.Error as error:
                failed.append(f"{sql}: {error}")
                return


def _run(connection: psycopg.Connection[Any], step: Step) -> None:
    done = False
    while not done:
        with connection.transaction():
            for sql in step.sql:
                connection.execute(sql.replace("LIMIT 10000", "LIMIT 40").encode())
        row = connection.execute(step.verify[0].sql.encode()).fetchone() if step.batched else None
        done = row is None or row[0] == 0


def _apart(connection: psycopg.Connection[Any], one: str, other: str) -> int:
    """How many rows the tables do not share, at one moment."""
    sides = [f"(SELECT id, at, n FROM {table})" for table in (one, other)]
    sql = f"SELECT count(*) FROM {' a FULL JOIN '.join(sides)} b USING (id, at, n)"
    found = connection.execute(f"{sql} WHERE a IS NULL OR b IS NULL".encode()).fetchone()
    assert found
    return int(found[0])


P = "CREATE TABLE p (id int NOT NULL, k int) PARTITION BY RANGE (id);"
P0 = "CREATE TABLE p0 PARTITION OF p FOR VALUES FROM (0) TO (1000);"
P1 = "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1000) TO (2000);"
ALONE = "CREATE TABLE p1 (id int NOT NULL, k int);"
REST = "CREATE TABLE pd PARTITION OF p DEFAULT;"
R = "CREATE TABLE r (id int PRIMARY KEY);"


def test_a_table_is_attached_with_proofs_instead_of_scans(cluster: Cluster) -> None:
    steps, seen = rehearsed(context(P + P0 + REST + ALONE, P + P0 + REST + P1), cluster)
    (attach,) = [s for s in steps if s.title == "Attach partition p1"]
    (observed,) = [s for s in seen.steps if s.id == attach.id]
    assert observed.scans == ()
    assert "pd_p1_without CHECK (NOT (id IS NOT NULL AND id >= 1000 AND id < 2000))" in text(steps)


def test_a_detached_partition_can_be_attached_again(cluster: Cluster) -> None:
    steps, _ = rehearsed(context(P + P0 + P1, P + P0 + ALONE), cluster)
    assert steps[0].sql == ("ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY",)
    assert steps[0].undo.verdict == "until"


KEYED = """CREATE TABLE p (id int PRIMARY KEY, r int REFERENCES r) PARTITION BY RANGE (id);
CREATE INDEX p_r ON p (r);"""
KEPT = "CREATE TABLE p1 (id int PRIMARY KEY, r int);"


@pytest.mark.parametrize(
    "after",
    ["", "CREATE TABLE p (id int PRIMARY KEY, r int REFERENCES r);", KEYED + P0],
    ids=["the parent goes", "the parent is an ordinary table", "the parent stays"],
)
def test_a_partition_that_stays_leaves_before_its_parent_goes(after: str, cluster: Cluster) -> None:
    steps, _ = rehearsed(context(R + KEYED + P0 + P1, R + after + KEPT), cluster)
    sql = [each for step in steps for each in step.sql]
    detached = sql.index("ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY")
    others = ("ALTER TABLE p1 DROP CONSTRAINT p_r_fkey", "DROP INDEX CONCURRENTLY p1_r_idx")
    assert all(sql.index(each) > detached for each in others)
    assert all(sql.index(each) > detached for each in sql if each.startswith("DROP TABLE p"))


def test_the_partition_that_leaves_may_be_referred_to(cluster: Cluster) -> None:
    refers = """CREATE TABLE f (id int PRIMARY KEY REFERENCES p) PARTITION BY LIST (id);
    CREATE TABLE f1 PARTITION OF f FOR VALUES IN (7);"""
    old, new = (R + KEYED + P0 + each + refers for each in (P1, KEPT))
    steps, _ = rehearsed(context(old, new), cluster)
    (leaves,) = [step for step in steps if step.title == "Detach partition p1"]
    assert ("f", "ShareLock") in [(lock.table, lock.mode) for lock in leaves.effects.locks]


def test_a_key_of_a_partitioned_table_is_built_partition_by_partition(cluster: Cluster) -> None:
    steps, seen = rehearsed(
        context(P + P0 + REST, P + P0 + REST + "ALTER TABLE p ADD PRIMARY KEY (id, k)"), cluster
    )
    assert "CREATE UNIQUE INDEX CONCURRENTLY p0_pkey ON p0 (id, k)" in text(steps)
    assert "PRIMARY KEY USING INDEX pd_pkey" in text(steps)
    assert steps[-1].sql == ("ALTER TABLE p ADD CONSTRAINT p_pkey PRIMARY KEY (id, k)",)
    assert seen.steps[-1].scans == ()


def test_before_18_a_partitioned_foreign_key_is_validated_by_partition(cluster: Cluster) -> None:
    new = R + P + P0 + REST + "ALTER TABLE p ADD FOREIGN KEY (k) REFERENCES r"
    steps, _ = rehearsed(context(R + P + P0 + REST, new, version=17), cluster)
    assert "ALTER TABLE pd VALIDATE CONSTRAINT p_k_fkey" in text(steps)
    assert "ALTER TABLE p ADD CONSTRAINT p_k_fkey FOREIGN KEY (k) REFERENCES r (id)" in text(steps)


ENUM = """CREATE TYPE e AS ENUM ('a', 'b', 'c');
CREATE TABLE t (id int PRIMARY KEY, s e NOT NULL DEFAULT 'a', l e[]);
CREATE VIEW v AS SELECT s FROM t;
CREATE FUNCTION f(e) RETURNS int LANGUAGE sql AS 'SELECT 1';"""
DOMAIN = "CREATE DOMAIN d AS int; CREATE TABLE t (id int PRIMARY KEY, a d);"
SERIAL = "CREATE TABLE t (id serial PRIMARY KEY, a int);"
IDENTITY = "CREATE TABLE t (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, a int);"
SHOWN = """CREATE ROLE app; CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE MATERIALIZED VIEW m AS SELECT {} FROM t; CREATE UNIQUE INDEX i ON m (id);
COMMENT ON MATERIALIZED VIEW m IS 'x'; GRANT SELECT ON m TO app;"""


@pytest.mark.parametrize(
    ("old", "new", "has"),
    [
        (ENUM, ENUM.replace("'b', ", ""), "USING s::text::e"),
        (DOMAIN, DOMAIN.replace("int;", "int NOT NULL CHECK (VALUE > 0);", 1), "VALIDATE"),
        (SERIAL, IDENTITY, "FROM t_id_seq_old"),
        (IDENTITY, SERIAL, "SET DEFAULT nextval"),
        (SHOWN.format("id"), SHOWN.format("id, a"), "ALTER MATERIALIZED VIEW m_new RENAME TO m"),
    ],
    ids=["enum", "domain", "identity", "serial", "materialized view"],
)
def test_what_cannot_be_changed_in_place(old: str, new: str, has: str, cluster: Cluster) -> None:
    steps, _ = rehearsed(context(old, new), cluster)
    assert has in text(steps)


def test_a_value_gets_another_name_with_its_rows_and_its_default(cluster: Cluster) -> None:
    ctx = context(ENUM, ENUM.replace("'a'", "'first'"))
    renames = read_renames(["e.a=first"], ctx.current, ctx.target)
    steps, _ = rehearsed(replace(ctx, renames=renames), cluster)
    assert text(steps) == "ALTER TYPE e RENAME VALUE 'a' TO 'first'"


def test_values_that_a_type_loses_are_counted() -> None:
    (step,) = planned(context(ENUM, ENUM.replace("'b', ", "")))
    assert [q.expected for q in step.preflight] == ["0", "0"]
    assert step.phase is Phase.CONTRACT


def test_rows_that_no_policy_shows_are_spoken_of() -> None:
    hidden = ORDINARY + "; ALTER TABLE t ENABLE ROW LEVEL SECURITY"
    (step,) = planned(context(ORDINARY, hidden))
    assert any("every row is hidden" in hazard for hazard in step.hazards)


APART = "CREATE TABLE people (id int PRIMARY KEY, first text NOT NULL, last text);"
WHOLE = "CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL);"
JOINED = "people.name=first || coalesce(' ' || last, '')"
SPLIT = ("people.first=split_part(name, ' ', 1)", "people.last=split_part(name, ' ', 2)")


@pytest.mark.parametrize(
    ("old", "new", "hints"),
    [(APART, WHOLE, (JOINED,)), (WHOLE, APART, SPLIT)],
    ids=["joined", "split"],
)
def test_columns_are_made_of_others(
    old: str, new: str, hints: tuple[str, ...], cluster: Cluster
) -> None:
    steps, _ = rehearsed(made_of(old, new, *hints), cluster)
    contract = [s.title for s in steps if s.phase is Phase.CONTRACT]
    stops = [n for n, title in enumerate(contract) if title.startswith("Stop filling")]
    drops = [n for n, title in enumerate(contract) if title.startswith("Drop column")]
    assert max(stops) < min(drops)


@pytest.mark.parametrize("value", ["nothing || 'x'", "1; DROP TABLE people", "(SELECT 1)", ""])
def test_what_a_column_cannot_be_made_of_is_refused(value: str) -> None:
    with pytest.raises(BadRename, match="is no expression"):
        read_derived([f"people.name={value}"], schema(APART), schema(WHOLE))
