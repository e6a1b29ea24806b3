"""A report as GitHub workflow commands: annotations in a pull request."""

from __future__ import annotations

from backend_architect.tools.report import Report

_COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}


def github(report: Report) -> str:
    """One line a finding."""
    lines = []
    for finding in report.findings:
        at = finding.location
        where = f"file={_property(at.file)},line={at.line},col={at.column}"
        title = _property(finding.rule)
        text = _text(f"{finding.message}. {finding.fix}")
        lines.append(f"::{_COMMANDS[finding.severity.word]} {where},title={title}::{text}")
    return "\n".join(lines)


def _text(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _text(value).replace(":", "%3A").replace(",", "%2C")
