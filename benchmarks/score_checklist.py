"""Score the security checklist against the known flaws of vulnerable applications.

    python benchmarks/score_checklist.py [--verbose] ORACLES_DIR CORPUS_DIR

ORACLES_DIR holds `security/flaws.json` (`app`, `cwe`, `visibility`, `locations`), CORPUS_DIR
`openapi/APP.json` or `.yaml`. A flaw that is visible in the document has to be not met or partial
at each of its operations, with its CWE; a suspect one unknown, with a test and a question that name
the operation; one that is invisible must neither be reported nor be met as verified.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from backend_architect.server.render.checklist import data
from backend_architect.tools.openapi.document import Unreadable
from backend_architect.tools.security_checklist import Inputs, check
from backend_architect.tools.source import Source

FOUND = ("not_met", "partial")


def read(base: str, reference: str) -> Source:
    raise Unreadable("one file")


def checklist(folder: Path, app: str) -> dict[str, Any]:
    file = next(file for file in sorted(folder.glob(f"{app}.*")))
    return data(check(Inputs(api=(file.name, file.read_bytes())), read))


def rows(answer: dict[str, Any], cwe: int) -> list[dict[str, Any]]:
    return [row for row in answer["controls"] if f"CWE-{cwe}" in row["mappings"].get("cwe", ())]


def statuses(answer: dict[str, Any], cwe: int, operation: str) -> list[tuple[str, str]]:
    return [
        (subject["status"], subject["strength"])
        for row in rows(answer, cwe)
        for subject in row["subjects"]
        if subject["subject"] == operation
    ]


def reported(answer: dict[str, Any], flaw: dict[str, Any]) -> bool:
    return all(
        any(status in FOUND for status, _ in statuses(answer, flaw["cwe"], operation))
        for operation in flaw["locations"]
    )


def asked(answer: dict[str, Any], flaw: dict[str, Any]) -> bool:
    return all(_asked(answer, flaw["cwe"], operation) for operation in flaw["locations"])


def _asked(answer: dict[str, Any], cwe: int, operation: str) -> bool:
    questions = {each["id"]: each for each in answer["open_questions"]}
    return any(
        subject["subject"] == operation
        and subject["status"] == "unknown"
        and operation in subject["verify"]
        and operation in questions.get(row["row"], {}).get("subjects", ())
        for row in rows(answer, cwe)
        for subject in row["subjects"]
    )


def silent(answer: dict[str, Any], flaw: dict[str, Any]) -> bool:
    places = flaw["locations"] or {
        subject["subject"] for row in answer["controls"] for subject in row["subjects"]
    }
    found = [each for place in places for each in statuses(answer, flaw["cwe"], place)]
    return not any(s in FOUND or (s, strength) == ("met", "verified") for s, strength in found)


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("oracles", type=Path)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args(arguments)
    flaws = json.loads((options.oracles / "security/flaws.json").read_text("utf-8"))
    answers = {
        app: checklist(options.corpus / "openapi", app)
        for app in sorted({flaw["app"] for flaw in flaws})
    }
    judged = {"visible": reported, "suspect": asked, "invisible": silent}
    right: dict[str, list[bool]] = {kind: [] for kind in judged}
    for flaw in flaws:
        kind = flaw["visibility"]
        right[kind].append(judged[kind](answers[flaw["app"]], flaw))
        if options.verbose and not right[kind][-1]:
            print(f"missed: {flaw['id']} {kind} CWE-{flaw['cwe']} {flaw['locations']}")
    for kind, found in right.items():
        print(f"{kind:10} {sum(found):3} of {len(found):3}")
    for app, answer in answers.items():
        print(f"{app:10} {len(answer['controls']):3} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
