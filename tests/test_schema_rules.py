"""Every schema rule, by its own examples. A new rule needs no new test to be covered here."""

from __future__ import annotations

import pytest
from schemas import reviewed

from backend_architect.tools.design_schema.rules import RULES
from backend_architect.tools.report import Finding
from backend_architect.tools.rule import Rule

CASES = [pytest.param(rule, id=rule.id) for rule in RULES]


def check(example: str, rule: Rule) -> list[Finding]:
    """What the default profile and the rule itself find; nothing may be left unread."""
    findings: list[Finding] = []
    for only in ((), (rule.id,)):
        report = reviewed(example, only=only)
        assert not [note for note in report.notes if "could not judge" in note], report.notes
        findings += report.findings
    return list({(f.rule, f.location, f.message): f for f in findings}.values())


@pytest.mark.parametrize("rule", CASES)
def test_the_bad_example_breaks_the_rule_and_no_other(rule: Rule) -> None:
    found = check(rule.bad, rule)
    assert {finding.rule for finding in found} == {rule.id}, [
        f"{f.rule}: {f.message}" for f in found
    ]


@pytest.mark.parametrize("rule", CASES)
def test_the_good_example_is_clean(rule: Rule) -> None:
    assert [f"{f.rule}: {f.message}" for f in check(rule.good, rule)] == []
