"""Whole plans by kind of object: rehearsed, they reach the target, and each undo is as stated."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backend_architect.tools.ddl.load import load
from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.plan_migration import Inputs, plan
from backend_architect.tools.plan_migration.evidence import Rehearsal
from backend_architect.tools.plan_migration.model import Plan
from backend_architect.tools.plan_migration.rehearsal import rehearse
from backend_architect.tools.postgres.cluster import Cluster

NOTES = "CREATE TABLE notes (id int PRIMARY KEY, size int NOT NULL, part int NOT NULL"
ROOMS = "CREATE TABLE rooms (id int, taken daterange"

PAIRS = {
    "a unique constraint": (f"{NOTES});", f"{NOTES}, UNIQUE (size, part));"),
    "another unique constraint that is referred to, with its comment": (
        f"{NOTES}, CONSTRAINT sized UNIQUE (size)); COMMENT ON CONSTRAINT sized ON notes IS 'one';"
        "CREATE TABLE parts (size int REFERENCES notes (size));",
        f"{NOTES}, CONSTRAINT sized UNIQUE (size) INCLUDE (part));"
        "COMMENT ON CONSTRAINT sized ON notes IS 'one';"
        "CREATE TABLE parts (size int REFERENCES notes (size));",
    ),
    "a check that says something else, with its comment": (
        f"{NOTES}, CONSTRAINT low CHECK (size < 10)); COMMENT ON CONSTRAINT low ON notes IS 's';",
        f"{NOTES}, CONSTRAINT low CHECK (size < 9)); COMMENT ON CONSTRAINT low ON notes IS 's';",
    ),
    "another index, with its comment": (
        f"{NOTES}); CREATE INDEX sizes ON notes (size); COMMENT ON INDEX sizes IS 'by size';",
        f"{NOTES}); CREATE INDEX sizes ON notes (part); COMMENT ON INDEX sizes IS 'by size';",
    ),
    "an index less, which had a comment": (
        f"{NOTES}); CREATE INDEX sizes ON notes (size); COMMENT ON INDEX sizes IS 'by size';",
        f"{NOTES});",
    ),
    "another primary key": (
        f"{NOTES});",
        "CREATE TABLE notes (id int, size int, part int NOT NULL, PRIMARY KEY (id, size));",
    ),
    "a column that must have a value": (f"{NOTES});", f"{NOTES}, who text NOT NULL);"),
    "an exclusion": (f"{ROOMS});", f"{ROOMS}, EXCLUDE USING gist (taken WITH &&));"),
    "a key without overlaps": (
        f"{ROOMS}); CREATE EXTENSION btree_gist;",
        f"{ROOMS}, UNIQUE (id, taken WITHOUT OVERLAPS)); CREATE EXTENSION btree_gist;",
    ),
}


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    with Cluster.start() as cluster:
        yield cluster


@pytest.mark.parametrize("name", PAIRS)
def test_a_rehearsed_plan_reaches_its_target(name: str, server: Cluster) -> None:
    made, seen = _rehearsed(*PAIRS[name], server)
    assert made.steps
    assert seen.differences == ()
    assert [each for each in seen.witnesses if each.kind != "old query"] == []
    assert seen.undo_verified


def _rehearsed(old: str, new: str, server: Cluster) -> tuple[Plan, Rehearsal]:
    made = plan(Inputs({"old.sql": old}, {"new.sql": new}), Dialect.POSTGRES, rehearsal=False)
    current, target = (load({"a.sql": text}, Dialect.POSTGRES) for text in (old, new))
    seen = rehearse(
        current.schema, target.schema, current.statements, made.steps, cluster=server, dump=True
    )
    return made, seen


def test_the_undo_of_a_key_builds_its_index_again_while_others_write(server: Cluster) -> None:
    made, _ = _rehearsed(*PAIRS["a unique constraint"], server)
    undo = made.steps[-1].undo
    assert undo.transaction == "none"
    assert undo.sql[-1] == (
        "CREATE UNIQUE INDEX CONCURRENTLY notes_size_part_key ON notes (size, part)"
    )


def test_what_was_said_of_a_dropped_object_is_said_again(server: Cluster) -> None:
    made, _ = _rehearsed(*PAIRS["an index less, which had a comment"], server)
    assert made.steps[0].undo.sql[-1] == "COMMENT ON INDEX sizes IS 'by size'"
