"""Every rule, by its own examples. A new rule needs no new test to be covered here."""

from __future__ import annotations

import re

import pytest
from fragments import API_RULES, OPENAPI, SWAGGER, document

from backend_architect.tools.catalog import catalog
from backend_architect.tools.openapi.document import Unreadable
from backend_architect.tools.policy import Policy
from backend_architect.tools.report import FindingClass, Report, Severity
from backend_architect.tools.review_api import review
from backend_architect.tools.rule import Rule
from backend_architect.tools.source import Source

RULES = [pytest.param(rule, id=rule.id) for rule in API_RULES.values()]
EVERY = [pytest.param(rule, id=rule.id) for rule in catalog().values()]


def no_files(base: str, reference: str) -> Source:
    raise Unreadable("there are no other files here")


DEFAULT = tuple(rule.id for rule in API_RULES.values() if not rule.opt_in)


def check(example: str, *rules: str) -> Report:
    """A review by the default rules and these."""
    policy = Policy(only_rules=(*DEFAULT, *rules))
    report = review(document(example), "example.yaml", no_files, policy)
    assert not any("could not judge" in note for note in report.notes)
    return report


@pytest.mark.parametrize("rule", RULES)
def test_the_bad_example_breaks_the_rule_and_no_other(rule: Rule) -> None:
    report = check(rule.bad, rule.id)
    assert {finding.rule for finding in report.findings} == {rule.id}, [
        finding.message for finding in report.findings
    ]


@pytest.mark.parametrize("rule", RULES)
def test_the_good_example_is_clean(rule: Rule) -> None:
    assert [f"{f.rule}: {f.message}" for f in check(rule.good, rule.id).findings] == []


@pytest.mark.parametrize("base", [OPENAPI, SWAGGER], ids=["openapi", "swagger"])
def test_the_base_documents_are_clean(base: dict[str, object]) -> None:
    version = "swagger: '2.0'" if "swagger" in base else "openapi: 3.1.1"
    assert check(version).findings == ()


@pytest.mark.parametrize("rule", EVERY)
def test_a_rule_explains_itself(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z]+/[a-z0-9]+(-[a-z0-9]+)*", rule.id)
    assert rule.title
    assert not rule.title.endswith(".")
    assert rule.rationale
    assert rule.fix
    assert any(reference.startswith("https://") for reference in rule.references)


@pytest.mark.parametrize("rule", EVERY)
def test_only_defects_are_errors(rule: Rule) -> None:
    assert (rule.severity is Severity.ERROR) <= (rule.class_ is FindingClass.DEFECT)
    assert (rule.class_ is FindingClass.STYLE) <= rule.opt_in
