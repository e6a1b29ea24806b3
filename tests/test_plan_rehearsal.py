"""Plans run on a real server: what the rehearsal sees, and what it does not let pass."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from backend_architect.tools.ddl.load import load
from backend_architect.tools.ddl.model import Dialect, Name, Schema
from backend_architect.tools.plan_migration import Inputs, plan
from backend_architect.tools.plan_migration.model import Effects, Lock, Phase, Query, Step, Undo
from backend_architect.tools.plan_migration.operations.effects import Measured
from backend_architect.tools.plan_migration.rehearsal.evidence import Rehearsal, StepSeen
from backend_architect.tools.plan_migration.rehearsal.foretold import mismatches
from backend_architect.tools.plan_migration.rehearsal.ledger import take
from backend_architect.tools.plan_migration.rehearsal.losses import losses
from backend_architect.tools.plan_migration.rehearsal.run import rehearse
from backend_architect.tools.plan_migration.rehearsal.stage import Stage
from backend_architect.tools.plan_migration.rehearsal.trim import closure
from backend_architect.tools.postgres.cluster import Cluster
from backend_architect.tools.postgres.sandbox import Limits

SHOP = """
    CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
    CREATE TABLE buyer (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        email varchar(50),
        name text NOT NULL,
        mood mood,
        balance numeric(10, 2) CHECK (balance >= 0)
    );
    CREATE TABLE sale (
        id serial PRIMARY KEY,
        buyer_id bigint REFERENCES buyer,
        qty int NOT NULL,
        note text
    );
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    with Cluster.start() as started:
        yield started


def schema(sql: str) -> Schema:
    return load({"schema.sql": sql}, Dialect.POSTGRES).schema


def step(
    sql: str | Sequence[str],
    undo: str | Sequence[str] = (),
    verdict: str = "lossless",
    **more: object,
) -> Step:
    """A step of the expand phase, if `more` does not say otherwise."""

    def several(given: str | Sequence[str]) -> tuple[str, ...]:
        return (given,) if isinstance(given, str) else tuple(given)

    taken_back = Undo(several(undo), verdict)  # type: ignore[arg-type]
    made = Step(Phase.EXPAND, "a step", several(sql), "", taken_back)
    return replace(made, **more)  # type: ignore[arg-type]


def run(
    server: Cluster,
    steps: Sequence[Step],
    before: str = SHOP,
    after: str | None = None,
    *,
    old: Sequence[str] = (),
    new: Sequence[str] = (),
    limits: Limits | None = None,
    dump: bool = False,
) -> Rehearsal:
    """Rehearse; without `after` the target is what the steps make of it."""
    current = load({"now.sql": before}, Dialect.POSTGRES)
    text = after or ";\n".join([before, *(sql for each in steps for sql in each.sql)])
    return rehearse(
        current.schema,
        schema(text),
        current.statements,
        steps,
        queries_before=old,
        queries_after=new,
        limits=limits,
        cluster=server,
        dump=dump,
    )


def kinds(rehearsal: Rehearsal) -> set[str]:
    return {witness.kind for witness in rehearsal.witnesses}


# A step


def test_what_is_foretold_is_what_is_seen(server: Cluster) -> None:
    steps = [
        step("ALTER TABLE buyer ADD COLUMN key uuid DEFAULT gen_random_uuid()"),
        step("ALTER TABLE sale ADD CONSTRAINT sale_qty CHECK (qty IS NOT NULL)"),
        step("CREATE INDEX CONCURRENTLY sale_note ON sale (note)", transaction="none"),
        step(["ALTER TABLE sale RENAME TO deal", "ALTER TABLE deal ADD COLUMN extra int"]),
        step("CREATE VIEW open_deal AS SELECT id FROM deal"),
        step("CREATE FUNCTION deals() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM deal'"),
        step("DROP TABLE deal CASCADE"),
    ]
    rehearsal = run(server, steps, after=SHOP)
    assert [seen.ran for seen in rehearsal.steps] == [True] * len(steps)
    assert rehearsal.mismatches == ()
    assert Lock("sale", "AccessExclusiveLock") in rehearsal.steps[3].locks


BOTH = {"buyer", "sale"}


def test_what_is_seen_other_than_foretold_is_said() -> None:
    effects = Effects(
        (Lock("buyer", "ShareLock"), Lock("sale", "AccessShareLock")),
        rewrites=("buyer",),
        scans=("sale",),
    )
    seen = StepSeen(
        "1",
        True,
        locks=(Lock("buyer", "ShareLock"), Lock("sale", "ExclusiveLock")),
        scans=("buyer", "sale"),
    )
    assert [tuple(each)[1:] for each in mismatches(Measured((), effects), seen, BOTH)] == [
        ("lock", "sale", "AccessShareLock", "ExclusiveLock"),
        ("rewrite", "buyer", "yes", "no"),
        ("scan", "buyer", "no", "yes"),
    ]


def test_of_an_empty_or_joined_table_a_scan_need_not_be_seen() -> None:
    foretold = Measured((), Effects(scans=("buyer", "sale")))
    unseen = StepSeen("1", True)
    assert [each.table for each in mismatches(foretold, unseen, {"buyer"})] == ["buyer"]
    joined = replace(foretold, joined=("buyer",))
    assert [each.table for each in mismatches(joined, unseen, BOTH)] == ["sale"]


def test_less_than_what_was_supposed_is_no_mismatch() -> None:
    worst = Effects((Lock("buyer", "AccessExclusiveLock"),), rewrites=("buyer",), scans=("buyer",))
    foretold = Measured((), worst, notes=("the zone is not known",))
    less = StepSeen("1", True, locks=(Lock("buyer", "ShareLock"),))
    more = StepSeen("1", True, locks=(Lock("sale", "ShareLock"),))
    assert list(mismatches(foretold, less, BOTH)) == []
    assert [each.table for each in mismatches(foretold, more, BOTH)] == ["sale"]


def test_a_good_plan_reaches_the_target_and_can_be_undone(server: Cluster) -> None:
    steps = [
        step("ALTER TABLE buyer ADD COLUMN age int", "ALTER TABLE buyer DROP COLUMN age"),
        step(
            "CREATE INDEX CONCURRENTLY sale_buyer ON sale (buyer_id)",
            "DROP INDEX CONCURRENTLY sale_buyer",
            transaction="none",
        ),
        step(
            "ALTER TABLE sale DROP COLUMN note",
            "ALTER TABLE sale ADD COLUMN note text",
            "no_return",
            phase=Phase.CONTRACT,
        ),
    ]
    found = run(server, steps)
    assert found.ran
    assert found.target_reached
    assert found.undo_verified
    assert not found.witnesses
    assert not found.notes
    add, index, drop = found.steps
    assert add.locks == (Lock("buyer", "AccessExclusiveLock"),)
    assert add.blocks_reads == add.blocks_writes == ("buyer",)
    assert index.locks == (Lock("sale", "ShareUpdateExclusiveLock"),)
    assert index.scans == ("sale",)
    assert not index.blocks_writes
    assert drop.undo
    assert drop.undo.observed == "no_return"
    assert "note in" in " ".join(drop.undo.evidence)
    assert found.rows == {"buyer": 6, "sale": 6}


def test_rows_are_planted_to_hurt(server: Cluster) -> None:
    stage = Stage(server, Limits())
    try:
        shop = schema(SHOP)
        stage.build(shop, shop, (), ())
        columns = ("email", "name", "mood", "balance")
        rows = stage.planted.values(Name("public", "buyer"), columns)
        emails, names, moods, balances = zip(*rows, strict=True)
        assert None in emails
        assert max(len(email or "") for email in emails) == 50
        assert "" in names
        assert not all(name.isascii() for name in names if name)
        assert {"sad", "ok", "happy"} <= set(moods)
        assert "99999999.99" in balances
        assert "0.00" in balances
        assert not any(balance and balance.startswith("-") for balance in balances)
        buyers = {row[0] for row in stage.planted.values(Name("public", "buyer"), ("id",))}
        references = {row[0] for row in stage.planted.values(Name("public", "sale"), ("buyer_id",))}
        assert references - {None}
        assert references <= buyers | {None}
    finally:
        stage.close()


def test_a_rewrite_is_seen(server: Cluster) -> None:
    grow = step(
        "ALTER TABLE sale ALTER COLUMN qty TYPE bigint",
        "ALTER TABLE sale ALTER COLUMN qty TYPE integer",
        "until",
    )
    (seen,) = run(server, [grow]).steps
    assert seen.rewrites == seen.scans == ("sale",)
    assert seen.undo
    assert seen.undo.observed == "until"
    assert seen.undo.holds
    assert "out of range" in seen.undo.evidence[0]


def test_names_of_locks_are_those_before(server: Cluster) -> None:
    steps = [
        step("ALTER TABLE buyer RENAME TO person", "ALTER TABLE person RENAME TO buyer"),
        step("DROP TABLE sale", (), "no_return", phase=Phase.CONTRACT),
    ]
    renamed, dropped = run(server, steps).steps
    assert [lock.table for lock in renamed.locks] == ["buyer"]
    assert Lock("person", "AccessExclusiveLock") in dropped.locks  # its foreign key's
    assert Lock("sale", "AccessExclusiveLock") in dropped.locks


def test_a_partition_detached_concurrently_shows_both_locks(server: Cluster) -> None:
    log = """
        CREATE TABLE log (at date NOT NULL, text text) PARTITION BY RANGE (at);
        CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
        CREATE TABLE log_2 PARTITION OF log FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
    """
    detach = step(
        "ALTER TABLE log DETACH PARTITION log_1 CONCURRENTLY",
        "ALTER TABLE log ATTACH PARTITION log_1 FOR VALUES FROM ('2024-01-01') TO ('2024-02-01')",
        transaction="none",
    )
    (seen,) = run(server, [detach], log).steps
    modes = {lock.table: lock.mode for lock in seen.locks}
    assert modes["log"] == "ShareUpdateExclusiveLock"
    assert modes["log_1"] == "AccessExclusiveLock"
    assert not seen.error


def test_data_that_the_step_refuses_is_named_and_removed(server: Cluster) -> None:
    nulls = Query("SELECT count(*) FROM buyer WHERE email IS NULL", "0")
    harden = step(
        "ALTER TABLE buyer ALTER COLUMN email SET NOT NULL",
        "ALTER TABLE buyer ALTER COLUMN email DROP NOT NULL",
        preflight=(nulls,),
        verify=(nulls,),
    )
    found = run(server, [harden])
    (seen,) = found.steps
    assert seen.ran
    assert not found.witnesses
    assert seen.refused[0].startswith("23502")
    assert [check.ok for check in seen.preflight] == [False]
    assert [check.ok for check in seen.verify] == [True]


def test_a_preflight_query_that_sees_nothing_is_a_witness(server: Cluster) -> None:
    unique = step(
        "CREATE UNIQUE INDEX CONCURRENTLY buyer_email ON buyer (email)",
        "DROP INDEX CONCURRENTLY IF EXISTS buyer_email",
        transaction="none",
        preflight=(Query("SELECT 1 WHERE false", "no rows"),),
    )
    found = run(server, [unique])
    assert kinds(found) == {"preflight misses"}
    assert found.steps[0].ran
    assert "23505" in found.steps[0].refused[0]


def test_orphans_of_a_foreign_key_that_is_not_validated(server: Cluster) -> None:
    loose = SHOP + "ALTER TABLE sale DROP CONSTRAINT sale_buyer_id_fkey;"
    loose += "ALTER TABLE sale ADD CONSTRAINT own FOREIGN KEY (buyer_id) REFERENCES buyer NOT VALID"
    validate = step("ALTER TABLE sale VALIDATE CONSTRAINT own")
    found = run(server, [validate], loose)
    (seen,) = found.steps
    assert seen.refused[0].startswith("23503")
    assert seen.ran
    assert Lock("sale", "ShareUpdateExclusiveLock") in seen.locks
    assert Lock("buyer", "RowShareLock") in seen.locks


def test_a_step_that_fails_and_a_check_that_does_not_hold(server: Cluster) -> None:
    steps = [
        step("ALTER TABLE nobody ADD COLUMN a int", id="first"),
        step(
            "ALTER TABLE buyer ADD COLUMN a int",
            "ALTER TABLE buyer DROP COLUMN a",
            verify=(Query("SELECT count(*) FROM buyer WHERE a IS NULL", "0"),),
            id="second",
        ),
    ]
    found = run(server, steps, after=SHOP)
    fails, wrong, target = found.witnesses
    assert (fails.kind, fails.step) == ("step fails", "first")
    assert fails.error.startswith("42P01")
    assert "nobody" in fails.statement
    assert (wrong.kind, wrong.step) == ("verification fails", "second")
    assert target.rows == ("column public.buyer a: removed",)
    assert not found.target_reached
    assert not found.undo_verified


def test_an_index_built_concurrently_in_a_transaction_fails(server: Cluster) -> None:
    wrong = step("CREATE INDEX CONCURRENTLY sale_buyer ON sale (buyer_id)", transaction="own")
    found = run(server, [wrong])
    assert found.steps[0].error.startswith("25001")


# Undo


@pytest.mark.parametrize(
    ("sql", "undo", "evidence"),
    [
        ("ALTER TABLE buyer ADD COLUMN a int", "SELECT 1", "not as before: column public.buyer a"),
        (
            "ALTER TABLE buyer ADD COLUMN a int",
            "ALTER TABLE buyer DROP a1",
            "the undo fails: 42703",
        ),
        ("ALTER TABLE sale DROP note", "ALTER TABLE sale ADD note text", "note in 5 rows"),
        ("DROP TABLE sale", (), "the table with its 6 rows"),
        (
            "ALTER TABLE buyer ADD COLUMN a int",
            ("ALTER TABLE buyer DROP COLUMN a", "UPDATE buyer SET name = 'x' WHERE name = ''"),
            "name in",
        ),
        (
            "ALTER TABLE buyer ADD COLUMN a int",
            ("ALTER TABLE buyer DROP COLUMN a", "DELETE FROM sale WHERE id = 1"),
            "1 rows",
        ),
    ],
)
def test_an_undo_that_does_worse_than_it_says(
    server: Cluster, sql: str, undo: str | tuple[str, ...], evidence: str
) -> None:
    found = run(server, [step(sql, undo, phase=Phase.CONTRACT)])
    seen = found.steps[0].undo
    assert seen
    assert not seen.holds
    assert not found.undo_verified
    assert evidence in " | ".join(seen.evidence)
    assert "undo" in kinds(found)


def test_no_verdict_excuses_an_undo_that_does_not_work(server: Cluster) -> None:
    drop = step("ALTER TABLE sale DROP note", "SELECT 1", "no_return", phase=Phase.CONTRACT)
    seen = run(server, [drop]).steps[0].undo
    assert seen
    assert not seen.holds
    assert "not as before: column public.sale note: removed" in seen.evidence


def test_after_an_undo_that_breaks_the_step_the_rest_goes_on(server: Cluster) -> None:
    steps = [
        step("ALTER TABLE buyer ADD COLUMN a int", "ALTER TABLE buyer RENAME COLUMN name TO n"),
        step("ALTER TABLE buyer ADD COLUMN b int", "ALTER TABLE buyer DROP COLUMN b"),
    ]
    found = run(server, steps)
    assert found.steps[0].undo
    assert found.steps[0].undo.again is False
    assert found.steps[1].undo
    assert found.steps[1].undo.holds
    assert found.target_reached
    assert "fresh database" in " ".join(found.notes)


def test_a_sequence_that_would_count_again_is_a_loss(server: Cluster) -> None:
    with (
        server.database() as database,
        database.connect(superuser=True) as look,
        database.connect() as session,
    ):
        session.execute("CREATE TABLE t (id serial PRIMARY KEY)")
        session.execute("INSERT INTO t SELECT FROM generate_series(1, 3)")
        shop = schema("CREATE TABLE t (id serial PRIMARY KEY)")
        before = take(look, shop)
        session.execute("SELECT setval('t_id_seq', 1)")
        session.execute("DELETE FROM t WHERE id = 2")
        lost = losses(before, take(look, shop))
    assert (lost.rows, lost.sequences) == (1, 1)
    assert lost.examples[0] == "t: row (id) = (2)"


# Queries


def test_a_rename_breaks_old_queries_before_the_contract_phase(server: Cluster) -> None:
    rename = step(
        "ALTER TABLE buyer RENAME COLUMN name TO full_name",
        "ALTER TABLE buyer RENAME COLUMN full_name TO name",
        id="rename",
    )
    old = ["SELECT name FROM buyer WHERE id = %s", "UPDATE buyer SET email = ? WHERE id = ?"]
    found = run(server, [rename], old=old, new=["SELECT full_name FROM buyer"])
    broken = [w for w in found.witnesses if w.kind == "old query"]
    assert old[0] in {w.statement for w in broken}
    assert old[1] not in {w.statement for w in broken}
    assert {w.step for w in broken} == {"rename"}
    assert any(w.statement.startswith("INSERT INTO buyer") for w in broken)  # made up
    assert "new query" not in kinds(found)
    late = run(server, [replace(rename, phase=Phase.CONTRACT)], old=old)
    assert "old query" not in kinds(late)


def test_expand_and_contract_the_wrong_way_round(server: Cluster) -> None:
    drop = step(
        "ALTER TABLE sale DROP COLUMN note", "ALTER TABLE sale ADD COLUMN note text", "no_return"
    )
    late = run(server, [replace(drop, phase=Phase.CONTRACT)])
    early = run(server, [drop])
    assert not late.witnesses
    assert {w.statement.split()[0] for w in early.witnesses} == {"SELECT", "INSERT"}
    assert kinds(early) == {"old query"}


def test_a_new_query_that_never_works(server: Cluster) -> None:
    add = step("ALTER TABLE buyer ADD COLUMN a int", "ALTER TABLE buyer DROP COLUMN a")
    found = run(server, [add], new=["SELECT a FROM buyer", "SELECT b FROM buyer"])
    assert [w.statement for w in found.witnesses if w.kind == "new query"] == [
        "SELECT b FROM buyer"
    ]


def test_a_cached_plan_is_described_and_not_refused(server: Cluster) -> None:
    add = step("ALTER TABLE buyer ADD COLUMN a int", "ALTER TABLE buyer DROP COLUMN a", id="add")
    found = run(server, [add], old=["SELECT * FROM buyer WHERE id = :id", "SELECT id FROM buyer"])
    star, plain = found.queries[:2]
    assert [run.prepared.ok for run in star.runs if run.prepared] == [True, False]
    assert star.runs[1].fresh.ok
    assert star.runs[1].prepared
    assert star.runs[1].prepared.sqlstate == "0A000"
    assert star.runs[1].cached_plan == ("heals", "fails in a transaction", "stays broken")
    assert "pgjdbc" in found.notes[-1]
    assert all(run.prepared and run.prepared.ok for run in plain.runs)
    assert not found.witnesses


CODES = """
    CREATE TABLE shelf (code text PRIMARY KEY CHECK (length(code) > 3));
    CREATE TABLE book (
        id int PRIMARY KEY, shelf text NOT NULL REFERENCES shelf, title text NOT NULL
    );
"""
ADD_YEAR = step("ALTER TABLE book ADD COLUMN year int", "ALTER TABLE book DROP COLUMN year")


def test_parameters_have_values_that_planted_rows_accept(server: Cluster) -> None:
    queries = [
        "INSERT INTO book (id, shelf, title, year) VALUES (-1, $1, $2, $3)",
        "UPDATE book SET shelf = ? WHERE id = ?",
        "SELECT b.id FROM book b WHERE b.shelf = :shelf::text",
    ]
    found = run(server, [ADD_YEAR], CODES, new=queries)
    answers = [q.runs[-1].fresh for q in found.queries if q.side == "new"]
    assert all(answer.ok for answer in answers)
    assert answers[2].rows > 0
    assert not found.witnesses


def test_a_refusal_of_made_up_values_proves_nothing(server: Cluster) -> None:
    queries = [
        "INSERT INTO book (id, shelf, title) VALUES (-1, 'nowhere', $1)",  # unknown
        "INSERT INTO book (id, title) VALUES (-1, $1)",  # wrong whatever the values are
    ]
    found = run(server, [ADD_YEAR], CODES, new=queries)
    assert [w.statement for w in found.witnesses] == queries[1:]
    assert any("is not known" in note for note in found.notes)


def test_what_queries_write_is_gone(server: Cluster) -> None:
    add = step("ALTER TABLE buyer ADD COLUMN a int", "ALTER TABLE buyer DROP COLUMN a")
    count = "SELECT 1 / (count(*) - 6) FROM sale"  # fails while there are six rows
    found = run(server, [add], old=["DELETE FROM sale", count])
    assert all(not run.fresh.ok for run in found.queries[1].runs)
    assert not found.witnesses  # it failed before the first step, too


def test_a_trigger_that_carries_a_value_at_any_update_pairs_only_its_columns(
    server: Cluster,
) -> None:
    before = "CREATE TABLE person (id int PRIMARY KEY, email varchar(50), full_name text)"
    after = "CREATE TABLE person (id int PRIMARY KEY, email varchar(99), name text)"
    inputs = Inputs({"a.sql": before}, {"b.sql": after})
    found = plan(inputs, Dialect.POSTGRES, (18,), renames=["person.full_name=name"])
    assert found.rehearsal["witnesses"] == []
    assert found.rehearsal["target_reached"]
    assert sum(seen["interleavings"] for seen in found.rehearsal["steps"]) > 0


# Backfills

ADD = step("ALTER TABLE sale ADD COLUMN big bigint", "ALTER TABLE sale DROP COLUMN big")
SYNC = step(
    (
        "CREATE FUNCTION sale_sync() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN IF TG_OP = ''INSERT'' OR NEW.qty IS DISTINCT FROM OLD.qty THEN"
        " NEW.big := NEW.qty; END IF; RETURN NEW; END'",
        "CREATE TRIGGER sale_sync BEFORE INSERT OR UPDATE ON sale"
        " FOR EACH ROW EXECUTE FUNCTION sale_sync()",
    ),
    ("DROP TRIGGER sale_sync ON sale", "DROP FUNCTION sale_sync()"),
)
FILL = step(
    "UPDATE sale SET big = qty WHERE id IN"
    " (SELECT id FROM sale WHERE big IS NULL ORDER BY id LIMIT 2)",
    phase=Phase.MIGRATE,
    batched=True,
    verify=(Query("SELECT count(*) FROM sale WHERE big IS NULL", "0"),),
)


def test_a_backfill_runs_until_nothing_is_left(server: Cluster) -> None:
    found = run(server, [ADD, SYNC, FILL])
    seen = found.steps[2]
    assert seen.rounds == 3
    assert [check.ok for check in seen.verify] == [True]
    assert seen.interleavings == 6
    assert not found.witnesses


def test_a_backfill_that_overwrites_newer_values(server: Cluster) -> None:
    overwrites = replace(FILL, sql=("UPDATE sale SET big = qty WHERE big IS DISTINCT FROM qty",))
    found = run(server, [ADD, overwrites])
    collisions = [w for w in found.witnesses if w.kind == "interleaving"]
    assert collisions
    assert "new then backfill" in collisions[0].rows[0].replace(",", "")


def test_a_trigger_that_misses_later_writes(server: Cluster) -> None:
    deaf = tuple(
        sql.replace("NEW.qty IS DISTINCT FROM OLD.qty", "NEW.big IS NULL") for sql in SYNC.sql
    )
    found = run(server, [ADD, replace(SYNC, sql=deaf), FILL])
    assert "interleaving" in kinds(found)


def test_a_plan_without_its_backfill(server: Cluster) -> None:
    harden = step(
        "ALTER TABLE sale ALTER COLUMN big SET NOT NULL",
        "ALTER TABLE sale ALTER COLUMN big DROP NOT NULL",
    )
    assert "step fails" in kinds(run(server, [ADD, SYNC, harden]))
    assert "step fails" not in kinds(run(server, [ADD, SYNC, FILL, harden]))


def test_a_backfill_that_never_ends(server: Cluster) -> None:
    endless = replace(FILL, sql=("UPDATE sale SET note = note",))
    found = run(server, [ADD, endless])
    assert found.steps[1].rounds == 100
    assert "verification fails" in kinds(found)


# The whole


def test_the_same_plan_gives_the_same_evidence(server: Cluster) -> None:
    steps = [ADD, SYNC, FILL]
    random = SHOP + "CREATE TABLE r (id uuid DEFAULT gen_random_uuid() PRIMARY KEY,"
    random += " at timestamptz DEFAULT now());"
    steps = [*steps, step("ALTER TABLE r DROP COLUMN at", (), "no_return", phase=Phase.CONTRACT)]
    first, second = (run(server, steps, random, old=["SELECT * FROM sale"]) for _ in range(2))
    assert first == second
    assert json.dumps(first.to_data()) == json.dumps(second.to_data())


def test_dumps_are_compared(server: Cluster) -> None:
    after = SHOP + "ALTER TABLE buyer ADD COLUMN a int; COMMENT ON COLUMN buyer.name IS 'who'"
    add = step("ALTER TABLE buyer ADD COLUMN a int", "ALTER TABLE buyer DROP COLUMN a")
    comment = step("COMMENT ON COLUMN buyer.name IS 'who'", "COMMENT ON COLUMN buyer.name IS NULL")
    assert run(server, [add, comment], after=after, dump=True).differences == ()
    apart = run(server, [add], after=after, dump=True).differences
    assert apart[-1] == "+ COMMENT ON COLUMN public.buyer.name IS 'who';"


def test_more_rows_than_are_read_prove_nothing(server: Cluster) -> None:
    many = step("INSERT INTO sale (qty) SELECT n FROM generate_series(1, 30000) n", "SELECT 1")
    found = run(server, [many], after=SHOP)
    assert found.steps[0].undo
    assert found.steps[0].undo.evidence == ("sale has too many rows to compare",)
    assert found.target_reached


def test_what_a_step_sets_does_not_last(server: Cluster) -> None:
    steps = [
        step(("SET search_path = ''", "ALTER TABLE public.buyer ADD COLUMN a int"), "SELECT 1"),
        step("ALTER TABLE buyer ADD COLUMN b int", "ALTER TABLE buyer DROP COLUMN b"),
    ]
    assert run(server, steps).steps[1].ran


def test_hostile_sql_stays_inside(server: Cluster) -> None:
    steps = [
        step("COPY buyer TO PROGRAM 'true'"),
        step("DO $$ BEGIN EXECUTE 'COPY buyer TO ''/tmp/x'''; END $$"),
        step("SELECT 1; DROP TABLE buyer"),
        step("ALTER SYSTEM SET fsync = off", transaction="none"),
    ]
    found = run(server, steps, after=SHOP, old=["COPY buyer FROM '/etc/passwd'"])
    assert [seen.error[:5] for seen in found.steps] == ["42501", "42501", "42601", "42501"]
    assert found.queries[0].skipped
    assert not found.queries[0].runs
    assert found.target_reached


def test_casts_and_policies_of_the_user_do_not_run_as_the_superuser(server: Cluster) -> None:
    trap = """
        CREATE TYPE pair AS (a int, b int);
        CREATE TABLE t (id int PRIMARY KEY, p pair);
        CREATE TABLE ran (who text);
        CREATE FUNCTION leak(pair) RETURNS text LANGUAGE plpgsql AS
            'BEGIN INSERT INTO ran VALUES (current_user); RETURN ''x''; END';
        CREATE CAST (pair AS text) WITH FUNCTION leak(pair) AS ASSIGNMENT;
        ALTER TABLE t ENABLE ROW LEVEL SECURITY;
        ALTER TABLE t FORCE ROW LEVEL SECURITY;
    """
    add = step("ALTER TABLE t ADD COLUMN c int", "ALTER TABLE t DROP COLUMN c")
    watch = step(
        "SELECT 1", verify=(Query("SELECT count(*) FROM ran WHERE who LIKE '%admin%'", "0"),)
    )
    found = run(server, [add, watch], trap)
    assert found.rows["t"] >= 5
    assert [check.ok for check in found.steps[1].verify] == [True]
    assert found.steps[0].undo
    assert found.steps[0].undo.observed == "lossless"


def test_an_endless_step_is_ended_and_the_rest_said(server: Cluster) -> None:
    endless = step("DO $$ BEGIN LOOP END LOOP; END $$", transaction="none")
    add = step("ALTER TABLE buyer ADD COLUMN a int", "ALTER TABLE buyer DROP COLUMN a")
    found = run(server, [endless, add], after=SHOP, limits=Limits(statement=0.3, total=20))
    assert "limit of 0.3 s" in found.steps[0].error
    assert found.steps[1].ran
    over = run(server, [endless, add], after=SHOP, limits=Limits(statement=9, total=1.5))
    assert "limit of 1.5 s" in over.notes[-1]
    assert over.target_reached is None
    assert over.missing == ("step-1", "step-2")


def test_a_large_schema_is_cut_to_what_is_touched(server: Cluster) -> None:
    many = SHOP + "".join(
        f"CREATE TABLE t{n} (id int PRIMARY KEY, up int{f' REFERENCES t{n - 1}' if n else ''});"
        for n in range(60)
    )
    views = many + "CREATE VIEW v AS SELECT name FROM buyer; CREATE VIEW w AS SELECT id FROM t50;"
    part = closure(schema(views), [("column", "public.buyer", "name")])
    assert {name.name for name in part.tables} == {"buyer", "sale"}
    assert {name.name for name in part.views} == {"v"}
    near = closure(schema(views), [("table", "public.t50")])
    assert {name.name for name in near.tables} == {"t49", "t50", "t51"}
    add = step("ALTER TABLE t50 ADD COLUMN a int", "ALTER TABLE t50 DROP COLUMN a")
    found = run(server, [add], views)
    assert found.target_reached
    assert set(found.rows) == {"t49", "t50", "t51"}


def test_a_table_that_nothing_can_be_put_into_is_named(server: Cluster) -> None:
    closed = "CREATE TABLE closed (id int PRIMARY KEY, CHECK (md5(id::text) = 'x'))"
    add = step("ALTER TABLE closed ADD COLUMN a int", "ALTER TABLE closed DROP COLUMN a")
    found = run(server, [add], closed)
    assert found.rows == {"closed": 0}
    assert "No row of closed" in found.notes[0]
    assert found.target_reached


def test_rows_keep_what_a_new_check_will_demand(server: Cluster) -> None:
    after = SHOP + "ALTER TABLE sale ADD CONSTRAINT few CHECK (qty BETWEEN 0 AND 9);"
    steps = [
        step(
            "ALTER TABLE sale ADD CONSTRAINT few CHECK (qty BETWEEN 0 AND 9) NOT VALID",
            "ALTER TABLE sale DROP CONSTRAINT few",
        ),
        step(
            "ALTER TABLE sale VALIDATE CONSTRAINT few",
            preflight=(Query("SELECT FROM sale WHERE NOT qty BETWEEN 0 AND 9", "no rows"),),
        ),
    ]
    found = run(server, steps, after=after)
    assert not found.witnesses
    assert found.rows["sale"] >= 5
    assert found.steps[1].refused
    unasked = run(server, [steps[0], replace(steps[1], preflight=())], after=after)
    assert kinds(unasked) == {"preflight misses"}


def test_a_text_that_becomes_an_enum_has_its_labels(server: Cluster) -> None:
    mood = "CREATE TYPE mood AS ENUM ('sad', 'ok');"
    before = mood + "CREATE TABLE t (id int PRIMARY KEY, m text NOT NULL, k text UNIQUE);"
    after = mood + "CREATE TABLE t (id int PRIMARY KEY, m mood NOT NULL, k int UNIQUE);"
    told = Query("SELECT FROM t WHERE m NOT IN ('sad', 'ok') OR k !~ '^[0-9]+$'", "no rows")
    retyped = step(
        "ALTER TABLE t ALTER m TYPE mood USING m::mood, ALTER k TYPE int USING k::int",
        "ALTER TABLE t ALTER m TYPE text, ALTER k TYPE text",
        preflight=(told,),
    )
    found = run(server, [retyped], before, after)
    assert not found.witnesses
    assert found.steps[0].refused
    assert found.rows["t"] >= 5


def test_rows_of_the_plans_own_tables_are_no_loss(server: Cluster) -> None:
    steps = [
        step("CREATE TABLE progress AS SELECT 1 AS at", "DROP TABLE progress"),
        step("UPDATE progress SET at = 2", phase=Phase.MIGRATE),
        step("DROP TABLE progress", "CREATE TABLE progress AS SELECT 1 AS at"),
    ]
    found = run(server, steps, after=SHOP)
    assert not found.witnesses
    assert found.undo_verified


HALVES = """CREATE TABLE log (id int, day date{}) PARTITION BY LIST (id);
CREATE TABLE log_a PARTITION OF log FOR VALUES IN (1, 2, 3, 4);
CREATE TABLE log_b PARTITION OF log DEFAULT;"""


@pytest.mark.parametrize("key", ["", ", PRIMARY KEY (id)"])
def test_rows_of_partitions_count_for_their_table(key: str, server: Cluster) -> None:
    before = HALVES.format(key)
    leaves = "ALTER TABLE log DETACH PARTITION log_b"
    moves = step([leaves, "INSERT INTO log SELECT * FROM log_b WHERE false", "DROP TABLE log_b"])
    gone = run(server, [moves], before)
    (witness,) = [each for each in gone.witnesses if each.kind == "rows lost"]
    assert "log" in witness.rows[0]
    joins = "ALTER TABLE log ATTACH PARTITION log_b DEFAULT"
    kept = run(server, [step([leaves, joins])], before)
    assert "rows lost" not in kinds(kept)


def test_messages_have_no_clock_in_them(server: Cluster) -> None:
    log = "CREATE TABLE log (at timestamptz DEFAULT now());"
    twice = step("INSERT INTO log SELECT now() FROM generate_series(1, 2)")
    key = step("CREATE UNIQUE INDEX log_at ON log (at)", "DROP INDEX log_at")
    found = run(server, [twice, key], log, log + "CREATE UNIQUE INDEX log_at ON log (at)")
    assert "(at)=(…)" in found.steps[1].error
