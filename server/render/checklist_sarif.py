"""A checklist as SARIF 2.1.0: what is not met or met in part, with its places."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any
from urllib.parse import quote

from backend_architect.tools.security_checklist.checklist import Checklist

from .. import version

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_LEVELS = {"not_met": "error", "partial": "warning"}


def sarif(checklist: Checklist) -> dict[str, Any]:
    """One run: a result for each subject that fails."""
    failing = [row for row in checklist.controls if row["status"] in _LEVELS]
    rules = list({row["id"]: row for row in failing}.values())
    index = {row["id"]: number for number, row in enumerate(rules)}
    results = [
        _result(row, subject, index[row["id"]])
        for row in failing
        for subject in row["subjects"]
        if subject["status"] in _LEVELS
    ]
    driver = {
        "name": "backend-architect",
        "semanticVersion": version(),
        "rules": [_rule(row) for row in rules],
    }
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(row: dict[str, Any]) -> dict[str, Any]:
    tags = [id for ids in row["mappings"].values() for id in ids]
    return {
        "id": f"security/{row['id']}",
        "shortDescription": {"text": f"{row['title']}."},
        "fullDescription": {"text": _plain(row["why"])},
        "help": {"text": _plain(f"{row['why']}\n\nImplement: {row['implement']}.")},
        "properties": {"tags": ["security", *tags]},
    }


def _result(row: dict[str, Any], subject: dict[str, Any], index: int) -> dict[str, Any]:
    places = [each for each in subject["evidence"] if "line" in each]
    digest = blake2b(f"{row['row']}\0{subject['subject']}".encode(), digest_size=8).hexdigest()
    return {
        "ruleId": f"security/{row['id']}",
        "ruleIndex": index,
        "level": _LEVELS[subject["status"]],
        "message": {"text": _plain(f"{subject['subject']}: {subject['why']}. {row['implement']}.")},
        "locations": [_location(place, subject["subject"]) for place in places[:1]],
        "relatedLocations": [_location(place, "") for place in places[1:]],
        "partialFingerprints": {"backendArchitect/v1": digest},
        "properties": {"risk": row["risk"]["score"], "strength": subject["strength"]},
    }


def _location(place: dict[str, Any], subject: str) -> dict[str, Any]:
    logical = {"logicalLocations": [{"fullyQualifiedName": subject}]} if subject else {}
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(place["file"])},
            "region": {"startLine": place["line"], "startColumn": place["column"]},
        },
        **logical,
    }


def _plain(text: str) -> str:
    """Without brackets that would make a link (section 3.11.6)."""
    return text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
