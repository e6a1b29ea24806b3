"""A machine fix is applied and checked: the finding is gone, nothing new appears."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
import yaml
from fragments import API_RULES, document
from test_rules import no_files

from backend_architect.tools.policy import Policy
from backend_architect.tools.report import Report
from backend_architect.tools.review_api import review

PATCHED = [
    pytest.param(rule.bad, id=rule.id)
    for rule in API_RULES.values()
    if any(
        finding.patch
        for finding in review(document(rule.bad), "a.yaml", no_files, Policy("all")).findings
    )
]


def check(data: Any) -> Report:
    return review(json.dumps(data), "a.json", no_files, Policy(profile="all"))


@pytest.mark.parametrize("example", PATCHED)
def test_a_patch_removes_its_finding_and_adds_none(example: str) -> None:
    data = yaml.safe_load(document(example))
    before = check(data)
    for finding in before.findings:
        after = check(patched(data, finding.patch)) if finding.patch else before
        assert bool(finding.patch) == (finding.fingerprint not in fingerprints(after))
        assert fingerprints(after) <= fingerprints(before)


def test_several_rules_have_patches() -> None:
    assert len(PATCHED) >= 3


def fingerprints(report: Report) -> set[str]:
    return {finding.fingerprint for finding in report.findings}


def patched(data: Any, operations: tuple[dict[str, Any], ...]) -> Any:
    """RFC 6902, as far as rules use it: add, replace and remove."""
    result = deepcopy(data)
    for operation in operations:
        *steps, last = (
            raw.replace("~1", "/").replace("~0", "~") for raw in operation["path"].split("/")[1:]
        )
        holder = result
        for step in steps:
            holder = holder[int(step) if isinstance(holder, list) else step]
        key: Any = int(last) if isinstance(holder, list) else last
        if operation["op"] == "remove":
            del holder[key]
        else:
            there = key < len(holder) if isinstance(holder, list) else key in holder
            assert operation["op"] == ("replace" if there else "add")
            holder[key] = operation["value"]
    return result
