"""The proof of the schema model (`benchmarks/roundtrip.py`) on schemas of the project's own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend_architect.tools.ddl.model import Name
from backend_architect.tools.postgres.cluster import Cluster
from backend_architect.tools.postgres.introspect import introspect
from backend_architect.tools.postgres.sandbox import apply

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

from roundtrip import prove_postgres, prove_sqlite

SCHEMAS = sorted((Path(__file__).parent / "data" / "schema").glob("pg_*.sql"))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster.start() as running:
        yield running


@pytest.mark.parametrize("file", SCHEMAS, ids=lambda file: file.stem)
def test_model_is_what_the_engine_says(file: Path, cluster: Cluster) -> None:
    proof = prove_postgres(file.read_text(), file.name, cluster)
    assert proof.objects > 30
    assert proof.notes == []
    assert proof.whole


def test_model_is_what_sqlite_says() -> None:
    file = SCHEMAS[0].with_name("lite_shop.sql")
    proof = prove_sqlite(file.read_text(), file.name)
    assert proof.objects > 30
    assert proof.notes == []
    assert proof.whole


def test_a_difference_is_found(cluster: Cluster) -> None:
    """A check that the engine sees and the parser cannot: made by a DO block."""
    script = "CREATE TABLE t (a integer); DO 'BEGIN ALTER TABLE t ADD CHECK (a > 0); END'"
    proof = prove_postgres(script, "do.sql", cluster)
    assert proof.wrong_objects == 1
    assert any("added check public.t t_a_check" in note for note in proof.notes)
    assert not proof.dumped
    assert not proof.introspected


def test_extensions_objects_are_not_the_schemas_own(cluster: Cluster) -> None:
    with cluster.database() as database:
        apply(database, [("CREATE EXTENSION citext", 0), ("CREATE TABLE t (a citext)", 1)])
        with database.connect(superuser=True) as connection:
            schema = introspect(connection)
    assert list(schema.extensions) == ["citext"]
    assert schema.functions == {}
    assert schema.opaque == {}
    column = schema.tables[Name("public", "t")].columns["a"]
    assert (column.type.schema, column.type.name) == ("public", "citext")
