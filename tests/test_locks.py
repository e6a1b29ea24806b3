"""The measured locks of PostgreSQL: consistent in themselves, and the same when measured anew."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend_architect.tools.engines.locks import (
    CONFLICTS,
    MODES,
    VERSIONS,
    LockFacts,
    at,
    facts,
    operations,
    strongest,
)
from backend_architect.tools.postgres.cluster import Cluster

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

import probe_locks
from probe_locks import Prober

BY_NAME = {operation.name: operation for operation in probe_locks.operations()}
ATTEMPTS = {  # https://www.postgresql.org/docs/18/explicit-locking.html: what each of them takes
    "select": "AccessShareLock",
    "insert": "RowExclusiveLock",
    "update": "RowExclusiveLock",
    "delete": "RowExclusiveLock",
    "lock": "RowShareLock",
    "reference": "RowShareLock",
}
TABLES = {
    *("table", "referenced", "referencing", "parent", "partition", "default partition", "sibling"),
    *("referenced partition", "child", "read"),
}
OTHERS = {"view", "materialized view", "sequence", "type", "foreign table"}


def all_facts() -> Iterator[LockFacts]:
    for name in operations():
        for version in VERSIONS:
            if version >= BY_NAME[name].since:
                yield facts(name, version)


def test_every_operation_was_measured_in_every_version_that_has_it() -> None:
    assert list(operations()) == list(BY_NAME)
    for name, operation in BY_NAME.items():
        for version in VERSIONS:
            if version >= operation.since:
                assert facts(name, version).version == version
            else:
                with pytest.raises(LookupError, match=f"PostgreSQL {version} has no"):
                    facts(name, version)


def test_table_is_written_as_the_prober_would_write_it() -> None:
    assert probe_locks.TABLE.read_text() == probe_locks.text(probe_locks.table())


def test_roles_modes_and_attempts_are_known() -> None:
    for found in all_facts():
        for role, modes in found.locks.items():
            assert strongest(modes) == modes, found
            base = role.removesuffix(".index")
            assert base in TABLES | OTHERS or role in ("index", "partition index"), found
        for roles in (*found.blocks.values(), found.rewrites, found.scans, found.builds):
            assert set(roles) <= TABLES | OTHERS, found
        assert set(found.blocks) <= {*ATTEMPTS, "nextval"}, found
        assert all(role.endswith("index") for role in found.rebuilds), found


def test_what_was_seen_to_wait_is_what_the_locks_conflict_with() -> None:
    """Of a relation's own lock; what waits besides has to do with one that the attempt uses."""
    for found in all_facts():
        for role in TABLES & set(found.locks):
            for attempt, needed in ATTEMPTS.items():
                if CONFLICTS[needed] & set(found.locks[role]):
                    assert role in found.blocks[attempt], (found, attempt)
        if not any(set(modes) & set(MODES[1:]) for modes in found.locks.values()):
            assert not found.blocks, found


def test_what_waits_without_a_lock_of_its_own_has_a_reason() -> None:
    for found in all_facts():
        strong = {
            role.removesuffix(".index")
            for role, modes in found.locks.items()
            if set(modes) & set(MODES[4:])
        }
        for role in found.blocks_reads:
            assert strong or "index" in found.locks, (found, role)
        if "view" in found.blocks_reads and "view" not in found.locks:
            assert "table" in found.blocks_reads, found


def test_what_is_rewritten_is_locked_against_everything() -> None:
    for found in all_facts():
        for role in found.rewrites:
            assert found.locks[role] == ("AccessExclusiveLock",), found


def test_only_what_waits_or_fails_runs_outside_of_transactions() -> None:
    for found in all_facts():
        if found.waits:
            assert not found.in_transaction, found
        if found.error and found.in_transaction:
            assert not found.locks, found
            assert not found.blocks, found


def test_nothing_fails_for_lack_of_what_it_runs_on() -> None:
    """SQLSTATEs of names that are unknown or taken: the fixture would be wrong, or changed."""
    for found in all_facts():
        assert found.error not in ("42P01", "42703", "42704", "42710", "42P06", "42P07"), found


@pytest.mark.parametrize(
    ("operation", "version", "locks", "does"),
    [
        # ALTER TABLE: SHARE ROW EXCLUSIVE on both for a foreign key, weaker to validate it.
        ("add foreign key", 11, {"table": 5, "referenced": 5}, {"scans"}),
        ("add foreign key, not valid", 18, {"table": 5, "referenced": 5}, set()),
        ("validate foreign key", 16, {"table": 3, "referenced": 1}, {"scans"}),
        ("add column, constant default", 11, {"table": 7}, set()),
        ("add column, volatile default random()", 18, {"table": 7}, {"rewrites", "scans"}),
        ("add column, constrained domain", 18, {"table": 7}, {"rewrites", "scans"}),
        ("set not null, proved by a valid check", 11, {"table": 7}, {"scans"}),
        ("set not null, proved by a valid check", 12, {"table": 7}, set()),
        ("alter type, int to bigint", 17, {"table": 7}, {"rewrites", "scans"}),
        ("alter type, varchar(n) to text", 11, {"table": 7}, set()),
        (
            "alter type, timestamp to timestamptz, in UTC, not indexed",
            11,
            {"table": 7},
            {"rewrites", "scans"},
        ),
        ("alter type, timestamp to timestamptz, in UTC, not indexed", 12, {"table": 7}, set()),
        ("attach partition", 11, {"parent": 7, "partition": 7}, {"scans"}),
        ("attach partition", 12, {"parent": 3, "partition": 7}, {"scans"}),
        ("create index, concurrently", 13, {"table": 3}, {"scans"}),
        ("reindex index", 14, {"table": 4, "index": 7}, {"scans"}),
        ("drop table, with a foreign key", 15, {"table": 7, "referenced": 7}, set()),
        (
            "refresh materialized view, concurrently",
            15,
            {"materialized view": 6, "table": 0},
            {"scans"},
        ),
    ],
)
def test_what_the_manual_says(
    operation: str, version: int, locks: dict[str, int], does: set[str]
) -> None:
    found = facts(operation, version)
    assert found.error is None
    assert {role: found.locks[role] for role in locks} == {
        role: (MODES[mode],) for role, mode in locks.items()
    }
    assert {kind for kind in ("rewrites", "scans") if getattr(found, kind)} == does
    assert found.source.startswith(f"https://www.postgresql.org/docs/{version}/sql-")


def test_what_blocks_readers_and_writers() -> None:
    found = facts("reindex index", 18)
    assert "table" in found.blocks_reads
    assert facts("create index", 18).blocks_writes == ("table",)
    assert facts("create index", 18).blocks_reads == ()
    found = facts("create index, concurrently", 18)
    assert not found.in_transaction
    assert not found.blocks
    assert found.waits == ("writers", "maintenance", "snapshots")


def test_unknown_names_and_versions() -> None:
    with pytest.raises(LookupError, match="no such operation"):
        facts("add colum", 18)
    with pytest.raises(LookupError, match="PostgreSQL 19"):
        facts("add column", 19)


def test_a_mode_that_another_covers_is_left_out() -> None:
    assert strongest(MODES) == ("AccessExclusiveLock",)
    assert strongest(MODES[:5]) == ("ShareUpdateExclusiveLock", "ShareLock")
    assert strongest(["RowShareLock", "AccessShareLock"]) == ("RowShareLock",)


def test_facts_hold_until_something_changes() -> None:
    measured = {"12": "old", "15": "new"}
    assert [at(measured, version) for version in (11, 12, 14, 15, 18)] == [
        None, "old", "old", "new", "new",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def prober() -> Iterator[Prober]:
    with Cluster.start(settings=probe_locks.SETTINGS) as cluster:
        yield Prober(cluster)


@pytest.mark.parametrize(
    "operation",
    [
        "add column",
        "add column, volatile default random()",
        "set not null, proved by a valid check",
        "alter type, longer varchar, indexed",
        "add check, violated",
        "add foreign key",
        "attach partition, with a default partition",
        "drop index",
        "create index, concurrently",
        "detach partition, concurrently",
        "update all rows",
        "add enum value, and use it",
    ],
)
def test_measured_again_it_is_the_same(operation: str, prober: Prober) -> None:
    committed = probe_locks.table()[prober.version].facts[operation]
    measured = prober.measure(BY_NAME[operation])
    if json.dumps(measured, sort_keys=True) != json.dumps(committed, sort_keys=True):
        measured = prober.measure(BY_NAME[operation])  # a busy machine can miss what passes fast
    assert json.dumps(measured, sort_keys=True) == json.dumps(committed, sort_keys=True)
