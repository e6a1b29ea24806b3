"""Which known flaws of vulnerable applications a review of their descriptions names.

    python benchmarks/score_flaws.py FLAWS_JSON DOCS_DIR

FLAWS_JSON is a list of flaws: `app` (a document of DOCS_DIR is called so), `id`, `name`, `cwe`,
`api_top10`, `visibility` (visible, suspect, invisible) and `locations` (`GET /users`). A flaw is
named where a finding about its operation is of a rule with its meaning: one that cites its CWE or a
kindred one. Prints each flaw with the rules that name it (° opt-in, these do not count); fails if
more than one of the visible flaws is not named at each of its operations.
"""

from __future__ import annotations

import json
import re
import sys
from argparse import ArgumentParser
from collections import defaultdict
from pathlib import Path
from typing import Any

from backend_architect.server.workspace import Workspace
from backend_architect.tools.policy import Policy
from backend_architect.tools.report import Finding
from backend_architect.tools.review_api import review
from backend_architect.tools.review_api.rules import RULES

KINDRED: dict[int, tuple[int, ...]] = {  # by what a description shows of them
    89: (20, 1284, 770),  # injections: input without bounds
    943: (20, 1284, 770),
    1333: (770, 400),
    213: (359, 200),  # data that is shown: of people, or more than is needed
    359: (213, 200),
    285: (862, 863, 306),  # authorisation: missing, wrong, or not even authentication
    306: (862, 285),
    639: (862, 863),
    620: (640,),  # passwords that are changed or recovered
    307: (334, 1059),  # guessing: a small space, an old version without the limit
    204: (203,),
    770: (1284, 400, 799),
    915: (1284,),
}
"""Weaknesses that say of one operation what another says, from a description's point of view."""


def main() -> None:
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("flaws", type=Path)
    parser.add_argument("documents", type=Path)
    options = parser.parse_args()
    flaws = json.loads(options.flaws.read_text("utf-8"))
    findings = {app: reviewed(app, options.documents) for app in {flaw["app"] for flaw in flaws}}
    named: dict[str, list[bool]] = defaultdict(list)
    for flaw in sorted(flaws, key=lambda flaw: ORDER.index(flaw["visibility"])):
        known = {at: rules_at(at, flaw, findings[flaw["app"]]) for at in flaw["locations"]}
        counted = [[rule for rule in rules if not _OPT_IN[rule]] for rules in known.values()]
        everywhere = bool(counted) and all(counted)
        named[flaw["visibility"]].append(everywhere)
        told = "named" if everywhere else "in part" if any(counted) else "-"
        print(f"{flaw['visibility']:9} {flaw['id']:4} {told:8} {flaw['name']}")
        for at, rules in known.items():
            told = ", ".join(rule + "°" * _OPT_IN[rule] for rule in rules)
            print(f"{'':24}{at}: {told or 'nothing'}")
    for visibility in ORDER:
        print(f"{visibility}: {sum(named[visibility])} of {len(named[visibility])} named")
    sys.exit(named["visible"].count(False) > 1)


ORDER = ("visible", "suspect", "invisible")
_OPT_IN = {rule.id: rule.opt_in for rule in RULES}
_CITED = {
    rule.id: {int(cwe) for cwe in re.findall(r"CWE-(\d+)", " ".join(rule.references))}
    for rule in RULES
}


def reviewed(app: str, documents: Path) -> list[Finding]:
    """All findings, opt-in ones too, about the document of an application."""
    path = next(path for path in sorted(documents.iterdir()) if path.stem == app)
    policy = Policy(profile="all")
    report = review(path.read_bytes(), path.name, Workspace(()).reader, policy=policy, prove=False)
    return list(report.findings)


def rules_at(at: str, flaw: dict[str, Any], findings: list[Finding]) -> list[str]:
    """The rules with a flaw's meaning that have a finding about an operation."""
    wanted = {flaw["cwe"], *KINDRED.get(flaw["cwe"], ())}
    return sorted(
        {
            finding.rule
            for finding in findings
            if wanted & _CITED.get(finding.rule, set()) and about(finding, at)
        }
    )


def about(finding: Finding, at: str) -> bool:
    """Whether a finding is about an operation: it names it, or lies in what it alone uses."""
    method, _, path = at.partition(" ")
    pointer = f"/paths/{path.replace('~', '~0').replace('/', '~1')}/{method.lower()}"
    inside = f"{finding.location.pointer}/".startswith(f"{pointer}/")
    return inside or f"`{at}`" in finding.message or finding.affects == (at,)


if __name__ == "__main__":
    main()
