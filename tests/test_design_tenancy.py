"""Tenants that share tables, and the roles that everybody is held to: tried on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace

import psycopg
import pytest
from design_shop import shop

from backend_architect.tools.ddl.load import load
from backend_architect.tools.ddl.model import Dialect, Grant
from backend_architect.tools.ddl.postgres.emit import emit
from backend_architect.tools.design_schema import review
from backend_architect.tools.design_schema.physical.blueprint import Blueprint
from backend_architect.tools.design_schema.promises import roles, tenancy
from backend_architect.tools.design_schema.promises.model import Promise, Step
from backend_architect.tools.design_schema.promises.postgres import Stage
from backend_architect.tools.design_schema.promises.rows import Rows
from backend_architect.tools.design_schema.script import script
from backend_architect.tools.postgres.cluster import Cluster, Database

OWNED = ("shops", "customers", "orders", "messages", "refunds", "clicks")


@pytest.fixture(scope="module")
def design() -> Blueprint:
    return shop()


@pytest.fixture(scope="module")
def asked(design: Blueprint) -> list[Promise]:
    rows = Rows(design)
    return [*tenancy.promises(design, rows), *roles.promises(design, rows)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster.start() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def stage(cluster: Cluster, design: Blueprint) -> Iterator[Stage]:
    with Stage(cluster, design) as stage:
        yield stage


@pytest.fixture(scope="module")
def database(cluster: Cluster, design: Blueprint, stage: Stage) -> Iterator[Database]:
    """The design as its owner applies it, with an order in each of two shops."""
    rows = Rows(design)
    with cluster.database() as database:
        with database.connect(superuser=True) as session:
            session.execute("SET search_path = public")
            made = [
                sql for sql in design.roles if not sql.startswith(("CREATE ROLE", "ALTER ROLE"))
            ]
            for sql in (*made, *emit(design.schema), *design.rows, "RESET ROLE"):
                session.execute(sql.encode())
            planted = [sql for n in (0, 1) for sql in rows.row("orders", tenant=n).statements]
            for sql in dict.fromkeys(planted):
                session.execute(sql.encode())
        yield database


def test_every_promise_is_kept(stage: Stage, asked: list[Promise]) -> None:
    tried = list(stage.tried(asked))
    assert [f"{k.promise.name}: {k.failure or k.untried}" for k in tried if not k.is_kept] == []
    about = {place for promise in asked for place in promise.about}
    assert about >= {f"/tables/{name}/policies/own_tenant" for name in OWNED}


@pytest.mark.parametrize(
    "broken",
    [
        "ALTER TABLE orders DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE orders NO FORCE ROW LEVEL SECURITY",
        "CREATE POLICY open ON orders USING (true)",
        "CREATE POLICY adding ON orders FOR INSERT WITH CHECK (true)",
        "CREATE POLICY taking ON refunds FOR DELETE USING (true);"
        " CREATE POLICY seeing ON refunds FOR SELECT USING (true)",
        "ALTER POLICY own_tenant ON orders USING (shop_id = (SELECT"
        " coalesce(nullif(current_setting('app.tenant_id', true), ''), '1000001')::bigint))",
        "ALTER POLICY own_tenant ON orders USING"
        " (shop_id = (SELECT current_setting('app.tenant_id', true)::bigint))",
        "DROP POLICY every_tenant ON orders",
        "GRANT DELETE ON countries TO shop_app",
        "GRANT SELECT ON customers TO shop_reader",
        "REVOKE SELECT (email) ON customers FROM shop_reader",
        "REVOKE INSERT ON orders FROM shop_app",
        "GRANT EXECUTE ON FUNCTION erase_customer TO PUBLIC",
    ],
)
def test_a_promise_notices(stage: Stage, asked: list[Promise], broken: str) -> None:
    first = tuple(Step(sql) for sql in broken.split(";"))
    mutated = [replace(promise, steps=(*first, *promise.steps)) for promise in asked]
    assert any(kept.failure for kept in stage.tried(mutated))


def count(session: psycopg.Connection[tuple[int]], table: str) -> int:
    row = session.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    assert row is not None
    return row[0]


def test_a_connection_that_is_used_again_forgets_the_tenant(
    database: Database, design: Blueprint
) -> None:
    """As behind a pooler that hands out a connection for each transaction."""
    tenant = Rows(design).tenant(0)
    with database.connect(superuser=True) as session:
        session.execute("SET search_path = public")
        session.execute("SET ROLE shop_app")
        assert count(session, "orders") == 0  # never set
        for _ in range(2):
            with session.transaction():
                session.execute("SELECT set_config('app.tenant_id', %s, true)", [tenant])
                assert count(session, "orders") == 1
            assert session.execute("SHOW app.tenant_id").fetchone() == ("",)
            assert [count(session, table) for table in OWNED] == [0] * len(OWNED)
        with session.transaction(force_rollback=True):
            session.execute("SELECT set_config('app.tenant_id', %s, true)", [tenant])
        assert count(session, "orders") == 0


def test_the_owner_is_held_as_well(database: Database) -> None:
    with database.connect(superuser=True) as session:
        session.execute("SET search_path = public")
        session.execute("SET ROLE shop_owner")
        assert [count(session, table) for table in OWNED] == [0] * len(OWNED)


@pytest.mark.parametrize(
    ("seen", "refused"),
    [((), False), (("orders",), True), (("orders", "customers"), False)],
    ids=["none is checked", "none is found", "all is well"],
)
def test_what_migrations_have_to_say_first(
    database: Database, design: Blueprint, seen: tuple[str, ...], refused: bool
) -> None:
    """PostgreSQL checks a new foreign key with a query of the owner's."""
    assert any("ADD FOREIGN KEY checks none" in note for note in design.notes)
    wrong = "ALTER TABLE orders ADD FOREIGN KEY (customer_id, shop_id) REFERENCES customers"
    right = "ALTER TABLE orders ADD FOREIGN KEY (shop_id, customer_id) REFERENCES customers"
    with database.connect(superuser=True) as session, session.transaction(force_rollback=True):
        session.execute("SET search_path = public")
        session.execute("SET ROLE shop_owner")
        for table in seen:
            session.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY".encode())
        with pytest.raises(psycopg.errors.ForeignKeyViolation) if refused else nullcontext():
            session.execute((right if seen else wrong).encode())


def test_partitions_cannot_be_read_beside_their_table(database: Database) -> None:
    with database.connect(superuser=True) as session:
        session.execute("SET search_path = public")
        session.execute("SET ROLE shop_app")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            count(session, "clicks_default")


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("kind", ["none", "shared", "schema", "database"])
def test_reviews_find_nothing(dialect: Dialect, kind: str) -> None:
    tenancy = {"kind": kind, "entity": "shop"} if kind == "shared" else {"kind": kind}
    made = shop(dialect, tenancy=tenancy)
    report = review({"x.sql": script(made)}, "x", dialect, made.version, prove=False)
    assert [f"{f.rule} {f.message}" for f in report.findings] == []


@pytest.mark.parametrize(
    ("dialect", "kind", "said"),
    [
        (Dialect.POSTGRES, "schema", "A schema for each tenant"),
        (Dialect.POSTGRES, "database", "A database for each tenant"),
        (Dialect.MYSQL, "shared", "no row-level security"),
        (Dialect.SQLITE, "shared", "no row-level security"),
    ],
)
def test_what_an_engine_does_not_do_is_noted(dialect: Dialect, kind: str, said: str) -> None:
    tenancy = {"kind": kind, "entity": "shop"} if kind == "shared" else {"kind": kind}
    made = shop(dialect, tenancy=tenancy)
    assert any(said in note for note in made.notes)
    assert not any(table.row_security for table in made.schema.tables.values())


def test_without_tenants_there_is_no_row_level_security() -> None:
    made = shop(tenancy={"kind": "none"})
    assert not any(table.policies for table in made.schema.tables.values())


def test_privileges_survive_the_script(design: Blueprint) -> None:
    schema = load({"x.sql": script(design)}, Dialect.POSTGRES).schema
    assert schema.grants.keys() >= design.schema.grants.keys()
    assert schema.revoked.keys() >= design.schema.revoked.keys()
    everybody = [f"{g.privilege} {g.object}" for g in schema.grants if g.grantee == "public"]
    assert everybody == []


def test_secrets_are_not_for_readers(design: Blueprint) -> None:
    shown = {
        grant.columns[0]
        for grant in design.schema.grants
        if isinstance(grant, Grant)
        and (grant.object, grant.grantee) == ("public.customers", "shop_reader")
    }
    assert "email" in shown
    assert not shown & {"password", "born"}
