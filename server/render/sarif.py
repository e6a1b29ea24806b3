"""A report as SARIF 2.1.0 (OASIS), for code scanning."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from backend_architect.tools.catalog import catalog
from backend_architect.tools.report import Finding, Location, Report
from backend_architect.tools.rule import Rule

from .. import version

_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def sarif(report: Report) -> dict[str, Any]:
    """One run with the rules that found something and every finding."""
    used = sorted({finding.rule for finding in report.findings})
    index = {rule: position for position, rule in enumerate(used)}
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "backend-architect",
                        "semanticVersion": version(),
                        "rules": [_rule(catalog()[id]) for id in used],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(finding, index) for finding in report.findings],
            }
        ],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    links = [reference for reference in rule.references if reference.startswith("https://")]
    return {
        "id": rule.id,
        "shortDescription": {"text": f"{rule.title}."},
        "fullDescription": {"text": rule.rationale},
        "help": {"text": f"{rule.rationale}\n\nFix: {rule.fix}."},
        **({"helpUri": links[0]} if links else {}),
        "defaultConfiguration": {"level": _LEVELS[rule.severity.word]},
        "properties": {
            "tags": [rule.class_.value, *(r for r in rule.references if r not in links)],
            "precision": rule.confidence.value,
        },
    }


def _result(finding: Finding, index: dict[str, int]) -> dict[str, Any]:
    return {
        "ruleId": finding.rule,
        "ruleIndex": index[finding.rule],
        "level": _LEVELS[finding.severity.word],
        "message": {"text": f"{_sentence(finding.message)} {_sentence(finding.fix)}"},
        "locations": [
            {
                **_location(finding.location),
                "logicalLocations": [{"fullyQualifiedName": finding.location.pointer}],
            }
        ],
        "relatedLocations": [_location(place) for place in dict.fromkeys(finding.related)],
        "partialFingerprints": {"backendArchitect/v1": finding.fingerprint},
    }


def _sentence(text: str) -> str:
    """With its full stop, and no brackets that would make a link (section 3.11.6)."""
    escaped = text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    return escaped if text.endswith("?") else f"{escaped}."


def _location(at: Location) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(at.file)},
            "region": {"startLine": at.line, "startColumn": at.column},
        }
    }
