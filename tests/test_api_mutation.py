"""Single faults in a clean API document: each is found as one group, at its place."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from backend_architect.tools.source import load, pointer

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

from mutation_api import KINDS, missed, reviewed, single, spread

CLEAN = Path(__file__).parents[1] / "examples" / "orders-api-fixed.yaml"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    data = load(CLEAN.read_bytes(), CLEAN.name).data
    assert isinstance(data, dict)
    return data


def test_the_unchanged_document_is_clean(document: dict[str, Any]) -> None:
    assert reviewed(document).findings == ()


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_is_one_group_at_its_place(kind: str, document: dict[str, Any]) -> None:
    faults = [fault for fault in KINDS[kind](document) if single(fault, document)]
    found = {pointer(fault.at): missed(fault, document) for fault in spread(faults, 2)}
    assert set(found.values()) <= {""}, found
