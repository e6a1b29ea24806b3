"""Values that a new type cannot hold are found before it comes, on every version alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.plan_migration import Inputs, plan
from backend_architect.tools.postgres.cluster import Cluster

MOOD = "CREATE TYPE mood AS ENUM ('sad', 'ok');"
# The old and the new type, values, and how many of them do not fit
CASES = (
    ("integer", "smallint", ("32767", "32768", "-32768", "-32769", "0"), 2),
    ("bigint", "integer", ("2147483647", "2147483648", "-2147483649"), 2),
    ("numeric", "integer", ("2147483647.4", "2147483647.5", "-2147483648.5", "1"), 2),
    ("numeric", "numeric(4,2)", ("99.994", "99.995", "-100", "0.001"), 2),
    ("bigint", "numeric(3,0)", ("999", "1000", "-1000"), 2),
    ("text", "varchar(3)", ("abc", "abc  ", "abcd", ""), 1),
    ("varchar(9)", "char(2)", ("ab", "abc", "a"), 1),
    ("integer", "varchar(2)", ("10", "-10", "100"), 2),
    ("text", "integer", (" 12 ", "2147483648", "x", "", "-3"), 3),
    ("text", "mood", ("sad", "ok", "mad", "Sad"), 2),
)


@pytest.fixture(scope="module")
def connection() -> Iterator[psycopg.Connection[Any]]:
    with Cluster.start() as cluster, cluster.database() as database, database.connect() as made:
        yield made


@pytest.mark.parametrize("version", [11, 18])
@pytest.mark.parametrize(("old", "new", "values", "unfit"), CASES)
def test_values_that_do_not_fit_are_counted(
    connection: psycopg.Connection[Any],
    version: int,
    old: str,
    new: str,
    values: tuple[str, ...],
    unfit: int,
) -> None:
    before, after = (
        f"{MOOD} CREATE TABLE t (id int PRIMARY KEY, a {kind});" for kind in (old, new)
    )
    inputs = Inputs({"a.sql": before}, {"b.sql": after})
    steps = plan(inputs, Dialect.POSTGRES, (version,), rehearsal=False).steps
    (query,) = {
        q for s in steps for q in s.preflight if "cannot hold" in q.why and q.expected == "0"
    }
    with connection.transaction(force_rollback=True):
        connection.execute(before.encode())
        for number, value in enumerate((*values, None)):
            connection.execute("INSERT INTO t VALUES (%s, %s)", (number, value))
        assert connection.execute(query.sql.encode()).fetchone() == (unfit,)
