"""The recipes of the planner: each plan runs on a private server and reaches its target."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from backend_architect.tools.ddl.diff import changes
from backend_architect.tools.ddl.load import load
from backend_architect.tools.ddl.model import Dialect, Schema
from backend_architect.tools.engines.facts import Facts, TableFacts
from backend_architect.tools.plan_migration.context import Context
from backend_architect.tools.plan_migration.dependents import with_dependents
from backend_architect.tools.plan_migration.model import Phase, Step
from backend_architect.tools.plan_migration.order import ordered
from backend_architect.tools.plan_migration.recipes import questions_for, steps_for
from backend_architect.tools.plan_migration.renames import read_renames
from backend_architect.tools.postgres.cluster import Cluster
from backend_architect.tools.postgres.introspect import introspect


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster.start() as running:
        yield running


class Case(NamedTuple):
    """Two schemas, and pieces of SQL that the plan must and must not have."""

    name: str
    old: str
    new: str
    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()


T = "CREATE TABLE t (id int PRIMARY KEY, a int, b text)"
P = "CREATE TABLE p (id int, k int) PARTITION BY RANGE (id);"
P1 = "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);"

CASES = (
    Case("nothing", T, T, (), ("ALTER", "CREATE", "DROP")),
    Case("create table", "", T, ("CREATE TABLE t",)),
    Case("drop table", T, "", ("DROP TABLE t",)),
    Case(
        "drop tables that refer to each other",
        "CREATE TABLE x (id int PRIMARY KEY, y int); CREATE TABLE y (id int PRIMARY KEY,"
        " x int REFERENCES x); ALTER TABLE x ADD FOREIGN KEY (y) REFERENCES y",
        "",
        ("DROP CONSTRAINT IF EXISTS",),
    ),
    Case(
        "constant default",
        T,
        T[:-1] + ", c text NOT NULL DEFAULT 'x')",
        ("ADD COLUMN c text DEFAULT 'x' NOT NULL",),
        ("UPDATE",),
    ),
    Case(
        "volatile default",
        T,
        T[:-1] + ", c uuid NOT NULL DEFAULT gen_random_uuid())",
        ("ADD COLUMN c uuid", "SET DEFAULT gen_random_uuid()", "LIMIT 10000", "NOT VALID"),
        ("ADD COLUMN c uuid DEFAULT",),
    ),
    Case("serial", T, T[:-1] + ", c serial)", ("CREATE SEQUENCE t_c_seq", "UPDATE t t SET c")),
    Case(
        "identity",
        T,
        T[:-1] + ", c bigint GENERATED ALWAYS AS IDENTITY)",
        ("UPDATE t t SET c", "ADD GENERATED ALWAYS AS IDENTITY", "setval"),
    ),
    Case("stored", T, T[:-1] + ", c int GENERATED ALWAYS AS (a + 1) STORED)"),
    Case("required", T, T[:-1] + ", c text NOT NULL)", ("NOT VALID", "VALIDATE CONSTRAINT")),
    Case(
        "drop column",
        "CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL); CREATE INDEX i ON t (a)",
        "CREATE TABLE t (id int PRIMARY KEY)",
        ("ALTER COLUMN a DROP NOT NULL", "DROP INDEX CONCURRENTLY i", "DROP COLUMN a"),
    ),
    Case(
        "a view of all columns lets one go",
        T + "; CREATE VIEW v AS SELECT * FROM t",
        "CREATE TABLE t (id int PRIMARY KEY, a int); CREATE VIEW v AS SELECT * FROM t",
        ("DROP VIEW v",),
    ),
    Case("drop not null", "CREATE TABLE t (a int NOT NULL)", "CREATE TABLE t (a int)"),
    Case(
        "set not null",
        "CREATE TABLE t (a int)",
        "CREATE TABLE t (a int NOT NULL)",
        ("NOT NULL a NOT VALID", "VALIDATE CONSTRAINT t_a_not_null"),
    ),
    Case(
        "foreign key",
        T + "; CREATE TABLE r (id int PRIMARY KEY)",
        "CREATE TABLE r (id int PRIMARY KEY); " + T.replace("a int", "a int REFERENCES r"),
        ("REFERENCES r (id) NOT VALID", "VALIDATE CONSTRAINT t_a_fkey"),
    ),
    Case("check", T, T[:-1] + ", CHECK (a > 0))", ("CHECK (a > 0) NOT VALID", "VALIDATE")),
    Case(
        "other check",
        T[:-1] + ", CONSTRAINT k CHECK (a > 0))",
        T[:-1] + ", CONSTRAINT k CHECK (a > 1))",
        ("RENAME CONSTRAINT k_new TO k",),
    ),
    Case("unique", T, T[:-1] + ", UNIQUE (a))", ("UNIQUE INDEX CONCURRENTLY", "USING INDEX")),
    Case(
        "primary key on nullable columns",
        "CREATE TABLE t (a int, b int)",
        "CREATE TABLE t (a int, b int, PRIMARY KEY (b, a))",
        ("NOT NULL b NOT VALID", "PRIMARY KEY USING INDEX t_pkey"),
    ),
    Case(
        "other primary key with children",
        "CREATE TABLE t (a int NOT NULL, b int NOT NULL, PRIMARY KEY (a));"
        "CREATE TABLE c (a int REFERENCES t)",
        "CREATE TABLE t (a int NOT NULL, b int NOT NULL, UNIQUE (a), PRIMARY KEY (b));"
        "CREATE TABLE c (a int REFERENCES t (a))",
    ),
    Case(
        "exclusion",
        "CREATE TABLE t (r int4range)",
        "CREATE TABLE t (r int4range, EXCLUDE USING gist (r WITH &&))",
        ("EXCLUDE USING gist",),
    ),
    Case("index", T, T + "; CREATE INDEX i ON t (lower(b))", ("CREATE INDEX CONCURRENTLY i",)),
    Case(
        "other index",
        T + "; CREATE INDEX i ON t (a)",
        T + "; CREATE INDEX i ON t (b) WHERE a > 0",
        ("CREATE INDEX CONCURRENTLY i_new", "RENAME TO i", "DROP INDEX CONCURRENTLY i_old"),
    ),
    Case(
        "renamed index",
        T + "; CREATE INDEX i ON t (a)",
        T + "; CREATE INDEX j ON t (a)",
        ("ALTER INDEX i RENAME TO j",),
        ("DROP",),
    ),
    Case(
        "partitioned index",
        P + P1,
        P + P1 + "CREATE INDEX i ON p (k)",
        ("ON ONLY p", "CREATE INDEX CONCURRENTLY p1_k_idx", "ATTACH PARTITION p1_k_idx"),
    ),
    Case(
        "new partition",
        P + P1 + "CREATE INDEX i ON p (k)",
        P + P1 + "CREATE INDEX i ON p (k);"
        "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20)",
        ("ATTACH PARTITION p2",),
        ("PARTITION OF",),
    ),
    Case(
        "attach",
        P + "CREATE TABLE p1 (id int, k int)",
        P + P1,
        ("CHECK (id IS NOT NULL AND id >= 0 AND id < 10) NOT VALID", "VALIDATE", "ATTACH"),
    ),
    Case("detach", P + P1, P + "CREATE TABLE p1 (id int, k int)", ("DETACH PARTITION p1",)),
    Case("drop partition", P + P1, P, ("CONCURRENTLY", "DROP TABLE p1")),
    Case(
        "other partition key",
        P + P1 + "CREATE VIEW v AS SELECT k FROM p",
        P.replace("RANGE (id)", "RANGE (k)") + P1 + "CREATE VIEW v AS SELECT k FROM p",
        ("DROP TABLE p_old", "CREATE VIEW v"),
    ),
    Case(
        "wider type",
        "CREATE TABLE t (a varchar(5) DEFAULT 'x'); CREATE VIEW v AS SELECT a FROM t",
        "CREATE TABLE t (a text DEFAULT 'x'); CREATE VIEW v AS SELECT a FROM t",
        ("ALTER COLUMN a TYPE text",),
        ("TRIGGER",),
    ),
    Case(
        "bigint key with children and sequence",
        "CREATE TABLE t (id serial PRIMARY KEY, b text UNIQUE); CREATE TABLE c"
        " (id int PRIMARY KEY, t int NOT NULL REFERENCES t); CREATE INDEX i ON c (t)",
        "CREATE TABLE t (id bigserial PRIMARY KEY, b text UNIQUE); CREATE TABLE c"
        " (id int PRIMARY KEY, t bigint NOT NULL REFERENCES t); CREATE INDEX i ON c (t)",
        ("CREATE TRIGGER", "LIMIT 10000", "RENAME COLUMN id_new TO id", "DROP COLUMN id_old"),
        ("TYPE bigint",),
    ),
    Case(
        "enum that goes when its column is text",
        "CREATE TYPE e AS ENUM ('x'); CREATE TABLE t (id int PRIMARY KEY, a e)",
        "CREATE TABLE t (id int PRIMARY KEY, a text)",
        ("DROP COLUMN a_old", "DROP TYPE e"),
    ),
    Case(
        "bigint identity",
        "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY)",
        "CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)",
        ("DROP IDENTITY", "setval"),
    ),
    Case(
        "default and identity",
        "CREATE TABLE t (a int DEFAULT 1, b int NOT NULL, c int GENERATED ALWAYS AS IDENTITY)",
        "CREATE TABLE t (a int DEFAULT 2, b int GENERATED BY DEFAULT AS IDENTITY, c int NOT NULL)",
    ),
    Case(
        "settings",
        "CREATE TABLE t (a text); CREATE UNLOGGED TABLE u (a int)",
        "CREATE TABLE t (a text STORAGE EXTERNAL) WITH (fillfactor = 70);"
        "ALTER TABLE t REPLICA IDENTITY FULL; CREATE TABLE u (a int)",
    ),
    Case(
        "inheritance",
        "CREATE TABLE x (a int, e int); CREATE TABLE y (b int) INHERITS (x)",
        "CREATE TABLE x (a int); CREATE TABLE y (e int, b int) INHERITS (x)",
        ("ONLY x DROP COLUMN e",),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_plan_reaches_its_target(case: Case, cluster: Cluster) -> None:
    steps = planned(case.old, case.new)
    text = "\n".join(sql for step in steps for sql in step.sql)
    for piece in case.has:
        assert piece in text, text
    for piece in case.lacks:
        assert piece not in text, text
    assert differing(run(case.old, steps, cluster), run(case.new, (), cluster)) == []
    assert [step.phase for step in steps] == sorted(
        (step.phase for step in steps), key=list(Phase).index
    )


def test_versions_decide_how_not_null_is_set(cluster: Cluster) -> None:
    old, new = "CREATE TABLE t (a int)", "CREATE TABLE t (a int NOT NULL)"
    sql = {v: [s.sql for s in planned(old, new, version=v)] for v in (11, 12, 18)}
    assert len(sql[11]) == 1
    assert "CHECK (a IS NOT NULL) NOT VALID" in sql[12][0][0]
    assert "ALTER COLUMN a SET NOT NULL" in sql[12][2][0]
    assert "NOT NULL a NOT VALID" in sql[18][0][0]
    for version in sql:
        steps = planned(old, new, version=version)
        assert differing(run(old, steps, cluster), run(new, (), cluster)) == []


def test_foreign_key_of_a_partitioned_table_before_18(cluster: Cluster) -> None:
    old = "CREATE TABLE r (id int PRIMARY KEY);" + P + P1
    new = old.replace("k int", "k int REFERENCES r")
    steps = planned(old, new, version=17)
    assert [s.title for s in steps if "p1" in s.title and "not valid" in s.title]
    assert differing(run(old, steps, cluster), run(new, (), cluster)) == []


def test_small_tables_get_no_ceremony(cluster: Cluster) -> None:
    old, new = "CREATE TABLE t (a int)", "CREATE TABLE t (a bigint NOT NULL, UNIQUE (a))"
    facts = Facts(tables={("public", "t"): TableFacts(rows=10)})
    steps = planned(old, new, facts=facts)
    assert not any("CONCURRENTLY" in sql or "TRIGGER" in sql for s in steps for sql in s.sql)
    assert differing(run(old, steps, cluster), run(new, (), cluster)) == []


def test_rows_keep_their_values(cluster: Cluster) -> None:
    old = "CREATE TABLE t (id int PRIMARY KEY, a text)"
    new = (
        "CREATE TABLE t (id bigint PRIMARY KEY, a text, c uuid NOT NULL DEFAULT gen_random_uuid())"
    )
    with cluster.database() as database, database.connect() as connection:
        connection.execute(old)
        connection.execute("INSERT INTO t SELECT n, n::text FROM generate_series(1, 25000) n")
        execute(connection, planned(old, new))
        query = "SELECT count(*), count(DISTINCT c), sum(id), bool_and(id::text = a) FROM t"
        assert connection.execute(query).fetchone() == (25000, 25000, 312512500, True)


def test_renamed_table_keeps_a_view(cluster: Cluster) -> None:
    old, new = T, T.replace("TABLE t", "TABLE s") + "; CREATE INDEX i ON s (a)"
    new = new.replace("id int PRIMARY KEY", "id int CONSTRAINT t_pkey PRIMARY KEY")
    steps = planned(old, new, renames=["t=s"])
    assert any("AS SELECT id, a, b FROM s" in sql for s in steps for sql in s.sql)
    assert not any(step.loses_data for step in steps)
    reached = run(old, steps, cluster)
    assert [c for c in differing(reached, run(new, (), cluster)) if "not_null" not in c] == []


def test_likely_renames_are_asked_for() -> None:
    context = context_of("CREATE TABLE t (a int, b text)", "CREATE TABLE t (a int, c text)")
    (question,) = questions_for(context)
    assert question.answers[0] == "t.b=c"
    steps = ordered(steps_for(context), context)
    assert [step.loses_data for step in steps if step.loses_data] == ["every value of t.b"]


def context_of(old: str, new: str, version: int = 18, **more: Any) -> Context:
    before, after = (read(text) for text in (old, new))
    renames = read_renames(more.pop("renames", ()), before, after)
    found = tuple(changes(before, after))
    return Context(before, after, found, version, renames=renames, **more)


def planned(old: str, new: str, version: int = 18, **more: Any) -> tuple[Step, ...]:
    context = context_of(old, new, version, **more)
    return with_dependents(ordered(steps_for(context), context), context)


def read(text: str) -> Schema:
    return load({"schema.sql": text}, Dialect.POSTGRES).schema


def run(schema: str, steps: tuple[Step, ...], cluster: Cluster) -> Schema:
    with cluster.database() as database:
        with database.connect() as connection:
            connection.execute(schema.encode())
            execute(connection, steps)
        with database.connect(superuser=True) as connection:
            return introspect(connection)


def execute(connection: Any, steps: tuple[Step, ...]) -> None:
    for step in steps:
        assert step.sql, step.title
        for _ in range(20 if step.batched else 1):
            if step.transaction == "none":
                for sql in step.sql:
                    connection.execute(sql)
            else:
                with connection.transaction():
                    for sql in step.sql:
                        connection.execute(sql)
        for query in step.verify:
            row = connection.execute(query.sql).fetchone()
            expected = {"t": True, "f": False, "0": 0, "no rows": None}[query.expected]
            assert (row and row[0]) == expected, step.title


def differing(one: Schema, other: Schema) -> list[str]:
    return [
        f"{change.kind} {change.object} {change.fields}"
        for change in changes(one, other)
        if change.fields != ("columns",)
    ]
