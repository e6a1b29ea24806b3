"""Rules on growth and upkeep: what they make of facts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from schemas import reviewed

TABLE = "CREATE TABLE t (id bigint PRIMARY KEY, created_at timestamptz NOT NULL);"


def of_table(**facts: Any) -> dict[str, Any]:
    """Facts about the one table."""
    return {"tables": {"public.t": facts}}


CASES = [
    # rule, findings, facts
    ("table-grows-fast", 0, of_table(rows=500, rows_per_day=500)),
    ("table-grows-fast", 0, of_table(rows=5_000_000)),
    ("table-grows-fast", 1, of_table(rows=5_000_000, rows_per_day=100_000)),
    ("large-table-not-partitioned", 0, of_table(rows=900_000_000)),
    ("large-table-not-partitioned", 1, of_table(rows=1, rows_per_day=2_000_000)),
    ("purged-row-by-row", 0, of_table(deletes_per_day=900_000)),
    ("dead-rows", 0, of_table(rows=10, dead_rows=90_000)),
    ("dead-rows", 1, of_table(rows=0, dead_rows=900_000)),
    ("transaction-numbers-run-out", 1, of_table(xid_age=1_900_000_000)),
    ("table-read-by-scans", 0, of_table(sequential_scans=5_000, sequential_rows=10_000)),
    (
        "table-read-by-scans",
        0,
        of_table(sequential_scans=5_000, sequential_rows=10**10, index_scans=10**6),
    ),
    ("transaction-left-open", 0, {"transactions": [{"seconds": 9e4, "holds_back_vacuum": False}]}),
    ("transaction-left-open", 1, {"prepared_transactions": [{"seconds": 9e4}]}),
    ("replication-slot-retains", 1, {"slots": [{"name": "s", "wal_status": "lost"}]}),
    ("replication-slot-retains", 0, {"slots": [{"name": "s", "active": False}]}),
    ("database-without-encoding", 0, {}),
]


@pytest.mark.parametrize(("rule", "count", "facts"), CASES)
def test_what_is_found(rule: str, count: int, facts: dict[str, Any]) -> None:
    script = f"-- facts: {json.dumps(facts)}\n{TABLE}"
    report = reviewed(script, only=(f"schema/{rule}",))
    assert len(report.findings) == count, [finding.message for finding in report.findings]


@pytest.mark.parametrize(
    ("options", "count"),
    [("", 0), ("AS integer", 1), ("AS integer CYCLE", 0), ("MAXVALUE 2100000000", 1)],
)
def test_sequences_that_run_out(options: str, count: int) -> None:
    facts = {"sequences": {"public.s": {"last": 2_000_000_000}}}
    script = f"-- facts: {json.dumps(facts)}\nCREATE SEQUENCE s {options};"
    assert len(reviewed(script, only=("schema/sequence-runs-out",)).findings) == count


def test_a_sequence_of_a_primary_key_is_judged_with_its_key() -> None:
    facts = {"sequences": {"public.t_id_seq": {"last": 2_000_000_000}}}
    script = f"-- facts: {json.dumps(facts)}\nCREATE TABLE t (id serial PRIMARY KEY);"
    assert not reviewed(script, only=("schema/sequence-runs-out",)).findings
    assert reviewed(script, only=("schema/integer-key-runs-out",)).findings
