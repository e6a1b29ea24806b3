"""Rules about several rows, while two transactions that keep them each alone run at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.ddl.postgres.emit import emit
from backend_architect.tools.design_schema.domain.reading import read
from backend_architect.tools.design_schema.logical.relations import logical
from backend_architect.tools.design_schema.physical.building import physical
from backend_architect.tools.postgres.cluster import Cluster, Database

MODEL = """
name: race
entities:
  - name: team
    attributes: [{name: budget, type: integer}]
    invariants:
      - {kind: at_most, children: player, count: 2, when: active}
      - {kind: balance, children: player, sum_of: cost, is: "<=", to: budget}
  - name: player
    attributes: [{name: active, type: boolean}, {name: cost, type: integer}]
  - name: folder
    attributes: [{name: label, type: text, max_length: 20}]
    invariants: [{kind: acyclic, relationship: parent}]
  - name: club
    attributes: [{name: label, type: text, max_length: 20}]
  - name: seat
    attributes: [{name: label, type: text, max_length: 20}]
relationships:
  - {name: team, source: player, target: team}
  - {name: parent, source: folder, target: folder, targets_per_source: "0..1"}
  - {name: club, source: seat, target: club, sources_per_target: "1..*"}
"""
PLAYER = "INSERT INTO players (team_id, active, cost) VALUES (1, {}, {})"
RACES = {
    "at most two": (
        ["INSERT INTO teams (budget) VALUES (1000)", PLAYER.format("true", 1)],
        [PLAYER.format("true", 1)] * 2,
    ),
    "a sum": (["INSERT INTO teams (budget) VALUES (10)"], [PLAYER.format("false", 6)] * 2),
    "a tree": (
        ["INSERT INTO folders (label) VALUES ('a'), ('b')"],
        [
            "UPDATE folders SET parent_id = 2 WHERE id = 1",
            "UPDATE folders SET parent_id = 1 WHERE id = 2",
        ],
    ),
    "at least one": (
        [
            "INSERT INTO clubs (label) VALUES ('c')",
            "INSERT INTO seats (club_id, label) VALUES (1, 'x'), (1, 'y')",
        ],
        ["DELETE FROM seats WHERE id = 1", "DELETE FROM seats WHERE id = 2"],
    ),
}
ALONE = {
    "READ COMMITTED": {"", "23514"},
    "REPEATABLE READ": {"0A000"},
    "SERIALIZABLE": {"", "40001"},
}


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    with Cluster.start() as started:
        yield started


@pytest.mark.parametrize("isolation", ALONE)
@pytest.mark.parametrize("race", RACES)
def test_of_two_that_break_a_rule_together_one_fails(
    race: str, isolation: str, server: Cluster
) -> None:
    planted, both = RACES[race]
    made = physical(logical(read(MODEL, "race.yaml")), Dialect.POSTGRES).schema
    schema = replace(made, grants={})
    with server.database() as database, database.connect(superuser=True) as owner:
        owner.execute("SET search_path = public")
        statements = [text for text in emit(schema) if not text.startswith(("REVOKE", "ALTER DEF"))]
        for text in [*statements, "BEGIN", *planted, "COMMIT"]:
            owner.execute(text.encode())
        ends = raced(database, isolation, both)
    assert set(ends) == ALONE[isolation]


def raced(database: Database, isolation: str, both: list[str]) -> list[str]:
    """The SQLSTATEs with which two transactions end whose snapshots were both taken before."""
    ready = threading.Barrier(2)
    ends = ["", ""]

    def run(number: int) -> None:
        connection: psycopg.Connection[Any]
        with database.connect(superuser=True) as connection:
            try:
                connection.execute("SET search_path = public")
                connection.execute(f"BEGIN ISOLATION LEVEL {isolation}".encode())
                connection.execute("SELECT count(*) FROM teams, folders, clubs")
                ready.wait(20)
                connection.execute(both[number].encode())
                connection.execute("COMMIT")
            except psycopg.Error as error:
                ends[number] = error.sqlstate or ""

    threads = [threading.Thread(target=run, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return ends
