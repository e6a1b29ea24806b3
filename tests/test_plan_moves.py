"""Columns that move to another table: each plan rehearsed, both versions writing on the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from backend_architect.tools.ddl.diff import changes
from backend_architect.tools.ddl.load import load
from backend_architect.tools.ddl.model import Dialect, Schema
from backend_architect.tools.plan_migration.context import Context
from backend_architect.tools.plan_migration.dependents import with_dependents
from backend_architect.tools.plan_migration.model import Phase, Step
from backend_architect.tools.plan_migration.moves import read_moved
from backend_architect.tools.plan_migration.operations.effects import UNKNOWN, with_effects
from backend_architect.tools.plan_migration.order import ordered
from backend_architect.tools.plan_migration.recipes import steps_for
from backend_architect.tools.plan_migration.rehearsal.evidence import Rehearsal
from backend_architect.tools.plan_migration.rehearsal.run import rehearse
from backend_architect.tools.plan_migration.renames import BadRename
from backend_architect.tools.postgres.cluster import Cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster.start() as running:
        yield running


def schema(sql: str) -> Schema:
    return load({"schema.sql": sql}, Dialect.POSTGRES).schema


def context(old: str, new: str, *hints: str) -> Context:
    before, after = schema(old), schema(new)
    moved, rest = read_moved(hints, before, after)
    assert rest == []
    return Context(before, after, tuple(changes(before, after)), 18, moved=moved)


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


USERS = "CREATE TABLE users (id int PRIMARY KEY, name text{});"
WHOLE = USERS.format(", city text, zip varchar(9)")
NEEDED = USERS.format(", city text NOT NULL DEFAULT '', zip varchar(9)")
BARE = USERS.format("")
ADDRESSES = """CREATE TABLE addresses (user_id int PRIMARY KEY REFERENCES users{} );"""
SPLIT = BARE + ADDRESSES.format(", city text, zip varchar(9), since date")
STRICT = BARE + ADDRESSES.format(" ON DELETE CASCADE, city text NOT NULL, zip varchar(9)")
KEYED = """CREATE TABLE addresses (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id int NOT NULL UNIQUE REFERENCES users, city text, zip varchar(9));"""
SHARED = BARE + "CREATE TABLE addresses (id int PRIMARY KEY, city text, zip varchar(9));"
FORTH = ("users.city=addresses.city", "users.zip=addresses.zip")
BACK = ("addresses.city=users.city", "addresses.zip=users.zip")
PROFILES = "CREATE TABLE profiles (id int PRIMARY KEY REFERENCES users, note text{});"
OWNED = "CREATE TABLE users (id int PRIMARY KEY, profile int UNIQUE REFERENCES profiles{});"


@pytest.mark.parametrize(
    ("old", "new", "hints"),
    [
        (WHOLE, SPLIT, FORTH),
        (NEEDED, STRICT, FORTH),
        (WHOLE, BARE + KEYED, FORTH),
        (WHOLE, SHARED, FORTH),
        (SPLIT, WHOLE, BACK),
        (BARE + KEYED, NEEDED, BACK),
        (STRICT, WHOLE, BACK),
        (
            WHOLE + PROFILES.format(""),
            BARE + PROFILES.format(", city text, zip varchar(9)"),
            ("users.city=profiles.city", "users.zip=profiles.zip"),
        ),
        (
            "CREATE TABLE profiles (id int PRIMARY KEY);" + OWNED.format(", note text NOT NULL"),
            "CREATE TABLE profiles (id int PRIMARY KEY, note text NOT NULL DEFAULT '');"
            + OWNED.format(""),
            ("users.note=profiles.note",),
        ),
    ],
    ids=[
        "split",
        "split, required",
        "split, own key",
        "split, shared key",
        "merged",
        "merged, own key",
        "merged, required",
        "to a child that is there",
        "to a parent",
    ],
)
def test_columns_move(old: str, new: str, hints: tuple[str, ...], cluster: Cluster) -> None:
    steps, _ = rehearsed(context(old, new, *hints), cluster)
    titles = [step.title for step in steps]
    stop = next(n for n, title in enumerate(titles) if title.startswith("Stop keeping"))
    drops = [n for n, title in enumerate(titles) if title.startswith("Drop")]
    assert stop < min(drops)
    assert not [s for s in steps if s.loses_data and s.title.startswith("Drop column")]


def _run(connection: psycopg.Connection[Any], steps: tuple[Step, ...], *phases: Phase) -> None:
    for step in (step for step in steps if step.phase in phases):
        done = False
        while not done:
            with connection.transaction():
                for sql in step.sql:
                    connection.execute(sql.replace("LIMIT 10000", "LIMIT 2").encode())
            asked = [connection.execute(q.sql.encode()).fetchone() for q in step.verify]
            done = not step.batched or all(row == (0,) for row in asked)


def _rows(connection: psycopg.Connection[Any], sql: str) -> list[tuple[Any, ...]]:
    return connection.execute(sql.encode()).fetchall()


@pytest.mark.parametrize("new", [SPLIT, STRICT, BARE + KEYED, SHARED])
def test_the_last_write_of_either_version_is_seen_by_both(new: str, cluster: Cluster) -> None:
    steps = planned(context(WHOLE, new, *FORTH))
    key = "id" if new == SHARED else "user_id"
    with cluster.database().connect() as mine:
        mine.execute(WHOLE.encode())
        mine.execute(b"INSERT INTO users SELECT i, 'n', 'old', 'z' FROM generate_series(1, 9) i")
        _run(mine, steps, Phase.EXPAND)
        for sql in (
            "UPDATE users SET city = 'a' WHERE id = 1",
            "UPDATE users SET city = NULL, zip = NULL WHERE id = 2",
            "DELETE FROM users WHERE id = 3",
            f"INSERT INTO addresses ({key}, city) VALUES (4, 'new')",
            "INSERT INTO users VALUES (10, 'n', 'b', NULL)",
            "INSERT INTO users (id, name) VALUES (11, 'n')",
            f"INSERT INTO addresses ({key}, city) VALUES (11, 'c')",
            f"UPDATE addresses SET city = 'd' WHERE {key} = 10",
            f"DELETE FROM addresses WHERE {key} = 1",
        ):
            mine.execute(sql.encode())
        _run(mine, steps, Phase.MIGRATE)
        mine.execute(b"DELETE FROM users WHERE id = 5")
        here = _rows(mine, "SELECT id, city, zip FROM users WHERE city <> '' ORDER BY id")
        new_place = f"SELECT {key}, city, zip FROM addresses WHERE city <> '' ORDER BY 1"
        there = _rows(mine, new_place)
        assert here == there
        assert [(row[0], row[1]) for row in here] == [
            (4, "new"),
            (6, "old"),
            (7, "old"),
            (8, "old"),
            (9, "old"),
            (10, "d"),
            (11, "c"),
        ]
        _run(mine, steps, Phase.CONTRACT)
        assert (
            _rows(mine, f"SELECT {key}, city, zip FROM addresses WHERE city <> '' ORDER BY 1")
            == there
        )


def test_a_merged_table_serves_old_code_until_the_contract(cluster: Cluster) -> None:
    steps = planned(context(SPLIT, WHOLE, *BACK))
    with cluster.database().connect() as mine:
        mine.execute(SPLIT.encode())
        mine.execute(b"INSERT INTO users SELECT i, 'n' FROM generate_series(1, 6) i")
        mine.execute(b"INSERT INTO addresses SELECT i, 'old' FROM generate_series(1, 5) i")
        _run(mine, steps, Phase.EXPAND)
        for sql in (
            "UPDATE users SET city = 'a' WHERE id = 1",
            "UPDATE addresses SET city = 'b' WHERE user_id = 2",
            "DELETE FROM users WHERE id = 3",
            "UPDATE users SET city = 'c' WHERE id = 6",
            "INSERT INTO users VALUES (7, 'n', 'd')",
            "DELETE FROM addresses WHERE user_id = 4",
        ):
            mine.execute(sql.encode())
        _run(mine, steps, Phase.MIGRATE)
        here = _rows(mine, "SELECT id, city FROM users WHERE city <> '' ORDER BY id")
        assert here == [(1, "a"), (2, "b"), (5, "old"), (6, "c"), (7, "d")]
        assert here == _rows(mine, "SELECT user_id, city FROM addresses ORDER BY 1")


@pytest.mark.parametrize(
    ("new", "hint", "match"),
    [
        (
            BARE + "CREATE TABLE a (id bigint PRIMARY KEY, city text);",
            "users.city=a.city",
            "nothing says which row",
        ),
        (
            WHOLE + "CREATE TABLE a (id int PRIMARY KEY, city text);",
            "users.city=a.city",
            "still has",
        ),
        (
            BARE + "CREATE TABLE a (id int PRIMARY KEY, city int);",
            "users.city=a.city",
            "change its type",
        ),
        (
            BARE + "CREATE TABLE a (id int PRIMARY KEY, city text, zip text NOT NULL);",
            "users.city=a.city",
            "no row of `a` can be made",
        ),
    ],
)
def test_what_cannot_move_is_told(new: str, hint: str, match: str) -> None:
    with pytest.raises(BadRename, match=match):
        read_moved([hint], schema(WHOLE), schema(new))


def test_other_hints_are_left() -> None:
    hints = ["users.city=town", "users=people", "users.name=users.title"]
    assert read_moved(hints, schema(WHOLE), schema(BARE)) == ((), hints)
