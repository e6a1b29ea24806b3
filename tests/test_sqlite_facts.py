"""The measured reads and writes of SQLite's DDL: the same on the SQLite of this Python."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

from backend_architect.tools.engines.sqlite_ddl import DdlFacts, facts, number, operations

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

import probe_sqlite
from probe_sqlite import Prober


@pytest.fixture(scope="module")
def prober() -> Prober:
    return Prober()


@pytest.mark.parametrize("operation", probe_sqlite.operations(), ids=lambda each: each["name"])
def test_measured_again_it_is_the_same(operation: dict[str, Any], prober: Prober) -> None:
    found = prober.measure(operation)
    name, version = operation["name"], sqlite3.sqlite_version
    if number(version) < number(operation.get("since", "3.35.0")):
        assert found == {"fails": True}
        with pytest.raises(LookupError, match=f"SQLite {version} has no operation"):
            facts(name, version)
        return
    known = facts(name, version)
    assert found.get("fails", False) is known.fails
    assert found.get("scans", False) is known.scans
    assert found.get("writes", "little") == known.writes
    assert found.get("alone", False) is not known.in_transaction


def test_table_is_written_as_the_prober_would_write_it() -> None:
    text = probe_sqlite.text(probe_sqlite.engines(), probe_sqlite.table())
    assert probe_sqlite.TABLE.read_text() == text
    assert list(operations()) == [each["name"] for each in probe_sqlite.operations()]


@pytest.mark.parametrize(
    ("operation", "version", "fails", "scans", "writes"),
    [
        ("add column", "3.35.0", False, False, "little"),
        ("add column, check", "3.45.0", False, True, "little"),
        ("add column, unique", "3.54.0", True, False, "little"),
        ("drop column", "3.35.5", False, True, "whole"),
        ("drop column, indexed", "3.54.0", True, False, "little"),
        ("rename column, used by a view", "3.40.0", False, False, "little"),
        ("set not null", "3.53.0", False, True, "little"),
        ("alter type", "3.54.1", True, False, "little"),
        ("create index", "3.50.0", False, True, "part"),
        ("rebuild table", "3.53.0", False, True, "whole"),
    ],
)
def test_what_the_manual_says(
    operation: str, version: str, fails: bool, scans: bool, writes: str
) -> None:
    found = facts(operation, version)
    assert isinstance(found, DdlFacts)
    assert (found.fails, found.scans, found.writes) == (fails, scans, writes)
    assert found.in_transaction
    assert found.source.startswith("https://sqlite.org/lang_")


def test_what_must_not_run_in_a_transaction() -> None:
    assert [n for n in operations() if not facts(n, "3.54.1").in_transaction] == ["vacuum"]


def test_unknown_names() -> None:
    with pytest.raises(LookupError, match="no such operation"):
        facts("drop colum", "3.54.1")
