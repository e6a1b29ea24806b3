"""Blueprints: the DDL applies, says what the model says, and has nothing that a review finds."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from designs import blueprint

from backend_architect.tools.ddl.diff import changes
from backend_architect.tools.ddl.load import load
from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.ddl.mysql.emit import emit as emit_mysql
from backend_architect.tools.ddl.postgres.emit import emit as emit_postgres
from backend_architect.tools.ddl.sqlite.emit import emit as emit_sqlite
from backend_architect.tools.design_schema import review
from backend_architect.tools.design_schema.domain.reading import read
from backend_architect.tools.design_schema.logical.relations import logical
from backend_architect.tools.design_schema.physical.blueprint import Blueprint
from backend_architect.tools.design_schema.physical.building import physical
from backend_architect.tools.postgres.cluster import Cluster
from backend_architect.tools.postgres.introspect import introspect

EXAMPLES = Path(__file__).parents[1] / "examples" / "design"
EMIT = {
    Dialect.POSTGRES: emit_postgres,
    Dialect.MYSQL: emit_mysql,
    Dialect.MARIADB: emit_mysql,
    Dialect.SQLITE: emit_sqlite,
}


def ddl(design: Blueprint) -> list[str]:
    return [*design.roles, *EMIT[design.dialect](design.schema)]


@pytest.fixture(params=list(Dialect))
def design(request: pytest.FixtureRequest) -> Blueprint:
    return blueprint(request.param)


def test_a_review_finds_nothing(design: Blueprint) -> None:
    text = ";\n".join(ddl(design)) + ";"
    report = review({"d.sql": text}, "d.sql", design.dialect, design.version, prove=False)
    assert [f.message for f in report.findings] == []


def test_the_ddl_says_the_schema(design: Blueprint) -> None:
    text = ";\n".join(EMIT[design.dialect](design.schema)) + ";"
    assert [str(c) for c in changes(load({"d": text}, design.dialect).schema, design.schema)] == []


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.yaml")), ids=lambda file: file.stem)
@pytest.mark.parametrize("dialect", list(Dialect))
def test_the_ddl_of_the_examples_says_their_schemas(file: Path, dialect: Dialect) -> None:
    made = physical(logical(read(file.read_bytes(), file.name)), dialect)
    text = ";\n".join(EMIT[dialect](made.schema)) + ";"
    assert [str(c) for c in changes(load({"d": text}, dialect).schema, made.schema)] == []


def test_every_reference_is_found_by_an_index(design: Blueprint) -> None:
    for table in design.schema.tables.values():
        sets = [*table.unique_sets(), *(index.columns for index in table.indexes.values())]
        for key in table.foreign_keys.values():
            found = (
                each[: len(key.columns)] == key.columns or set(each) <= set(key.columns)
                for each in sets
            )
            assert any(found), (table.name, key)


def test_every_choice_has_its_reason(design: Blueprint) -> None:
    assert len(design.decisions) > 20
    for decision in design.decisions:
        assert decision.about.startswith("/")
        assert decision.what
        assert decision.why


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    with Cluster.start() as started:
        yield started


def test_postgres_takes_it_as_it_is_meant(server: Cluster) -> None:
    design = blueprint(Dialect.POSTGRES)
    with server.database() as database, database.connect(superuser=True) as connection:
        for text in ["SET search_path = public", *ddl(design), "RESET ROLE", *design.rows]:
            connection.execute(text.encode())
        found = introspect(connection)
    rights = ("grant", "revoked", "opaque")  # of roles, which the schema alone does not say
    different = [c for c in changes(found, design.schema) if c.object[0] not in rights]
    assert [str(change) for change in different] == []


def test_sqlite_takes_it() -> None:
    design = blueprint(Dialect.SQLITE)
    connection = sqlite3.connect(":memory:")
    connection.execute("PRAGMA foreign_keys = ON")
    for text in [*ddl(design), *design.rows]:
        connection.execute(text)
    assert connection.execute("SELECT count(*) FROM payment_methods").fetchone() == (2,)
    connection.close()
