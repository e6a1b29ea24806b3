"""Each fix of a schema rule is applied to a private engine: the finding goes, nothing else."""

from __future__ import annotations

import pytest
from schemas import reviewed

from backend_architect.tools.design_schema.rules import RULES

FIXED = [
    pytest.param(rule.bad, rule.id, id=rule.id)
    for rule in RULES
    if any(finding.ddl for finding in reviewed(rule.bad, only=(rule.id,)).findings)
]


def test_several_rules_have_fixes() -> None:
    assert len(FIXED) >= 8


@pytest.mark.parametrize(("example", "rule"), FIXED)
def test_a_fix_holds(example: str, rule: str) -> None:
    offered = [finding for finding in reviewed(example, only=(rule,)).findings if finding.ddl]
    tried = {f.fingerprint: f for f in reviewed(example, only=(rule,), prove=True).findings}
    for finding in offered:
        proved = tried[finding.fingerprint]
        assert (proved.ddl, proved.proof[:8]) == (finding.ddl, "tried on"), finding.ddl
