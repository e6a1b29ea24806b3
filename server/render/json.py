"""A report as plain data: `--format json` whole, the structured content of an answer one page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backend_architect.tools.report import Finding, Group, Location, Report, View

from .. import version

SCHEMA_VERSION = "1"


def data(report: Report) -> dict[str, Any]:
    """The whole report; the keys are documented in docs/report.md and only ever added to."""
    whole = {
        **head(report),
        "groups": [group(g) for g in report.groups],
        "findings": [finding(f) for f in report.findings],
    }
    return whole | {"view": view(report.view, report.view.rows)} if report.view else whole


def view(shown: View, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A view with some of its rows."""
    return {"kind": shown.kind, **shown.head, "rows": list(rows)}


def head(report: Report) -> dict[str, Any]:
    """Everything but groups and findings."""
    return {
        "tool": report.tool,
        "version": version(),
        "schema_version": SCHEMA_VERSION,
        "summary": {
            "verdict": verdict(report),
            "counts": report.counts(),
            "groups": len(report.groups),
            "findings": len(report.findings),
            "ignored": report.ignored,
            "notes": list(report.notes),
            "documents": list(report.overviews),
        },
    }


def verdict(report: Report) -> str:
    """`fail` with an error, `warn` with a warning, else `pass`."""
    return {"error": "fail", "warning": "warn"}.get(
        report.worst.word if report.worst else "", "pass"
    )


def group(g: Group) -> dict[str, Any]:
    """A group without its findings."""
    first = g.first
    return {
        "rule": first.rule,
        "severity": first.severity.word,
        "class": first.class_.value,
        "confidence": first.confidence.value,
        "count": g.count,
        "message": g.message,
        "fix": first.fix,
        **({"ddl": list(first.ddl), "proof": first.proof} if first.ddl else {}),
        **({"patches": patches} if (patches := sum(bool(f.patch) for f in g.findings)) else {}),
        "affects": list(g.affects),
        "references": list(first.references),
    }


def finding(f: Finding) -> dict[str, Any]:
    """A finding with all that is known of it; what is empty is left out."""
    optional = {
        "cause": f.cause,
        "evidence": f.evidence,
        "patch": list(f.patch),
        "ddl": list(f.ddl),
        "proof": f.proof,
        "related": [location(at) for at in f.related],
        "affects": list(f.affects),
        "change": f.change,
    }
    return {
        **brief(f),
        "confidence": f.confidence.value,
        "fix": f.fix,
        **{key: value for key, value in optional.items() if value},
        "references": list(f.references),
    }


def brief(f: Finding) -> dict[str, Any]:
    """A finding beside its group, which says the rest."""
    return {
        "rule": f.rule,
        "severity": f.severity.word,
        "class": f.class_.value,
        "message": f.message,
        "fingerprint": f.fingerprint,
        "location": location(f.location),
    }


def examples(g: Group, most: int) -> list[Finding]:
    """The first findings of a group, each at a place of its own."""
    found: dict[Location, Finding] = {}
    for f in g.findings:
        if len(found) == most:
            break
        found.setdefault(f.location, f)
    return list(found.values())


def example(f: Finding) -> dict[str, Any]:
    """A finding as a text shows it below its group: with what mends it there."""
    ddl = {"ddl": list(f.ddl), "proof": f.proof} if f.ddl else {}
    return {**brief(f), "fix": f.fix, **ddl}


def location(at: Location) -> dict[str, Any]:
    """A place; line and column count from 1."""
    return {"file": at.file, "line": at.line, "column": at.column, "pointer": at.pointer}


def shortened(data: dict[str, Any], most: int, length: int = 500) -> dict[str, Any]:
    """The same keys with at most `most` entries in each list and map, texts of `length` bytes."""
    cut = {
        key: value if key in ("rule", "fingerprint") else _short(value, most, length)
        for key, value in data.items()
    }
    for key in ("patch", "ddl"):
        if cut.get(key) != data.get(key):
            del cut[key]  # half of it would do harm
    return cut


def _short(value: Any, most: int, length: int) -> Any:
    match value:
        case str():
            return _cut(value, length)
        case list():
            shown = [_short(item, most, length) for item in value[:most]]
            rest = len(value) - len(shown)
            return (
                [*shown, f"… {rest} more"]
                if rest and all(isinstance(x, str) for x in value)
                else shown
            )
        case dict() if value.keys() == _PLACE:
            return {key: _short(item, most, length) for key, item in value.items()}
        case dict():
            items = [(_cut(key, length), item) for key, item in value.items()]
            shown_items = {key: _short(item, most, length) for key, item in items[:most]}
            return shown_items | ({"…": f"{len(items) - most} more"} if len(items) > most else {})
        case _:
            return value


_PLACE = {"file", "line", "column", "pointer"}


def _cut(text: str, length: int) -> str:
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= length:
        return text
    return encoded[: length - 3].decode("utf-8", "ignore") + "…"
