"""A report as Markdown: verdict first, groups worst first, then what was left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from backend_architect.tools.report import Report, quoted

from .json import brief, group, verdict

_VERDICTS = {
    "fail": "**Fails**: defects that provably break the contract",
    "warn": "**Risky**: nothing provably wrong, but things likely to hurt",
    "pass": "**Passes**",
}


def markdown(report: Report) -> str:
    """The whole report: every group, three example places each."""
    lines = [heading(report, report.overviews, report.notes)]
    for number, g in enumerate(report.groups, 1):
        shown = [brief(f) for f in g.findings[:3]]
        lines += group_lines(number, group(g), shown)
    return "\n".join(lines)


def heading(report: Report, overviews: Iterable[dict[str, Any]], notes: Iterable[str] = ()) -> str:
    """The verdict, the counts, and what was reviewed."""
    counts = ", ".join(_counted(count, word) for word, count in report.counts().items() if count)
    groups = f" in {_counted(len(report.groups), 'group')}" if report.groups else ""
    verdict_line = f"{_VERDICTS[verdict(report)]} ({counts or 'no findings'}{groups})"
    if report.ignored:
        verdict_line += f"; {report.ignored} ignored by settings"
    lines = [f"# {report.tool}", "", verdict_line + "."]
    lines += [_overview(overview) for overview in overviews]
    lines += [f"Note: {note}" for note in notes]
    return "\n".join([*lines, ""])


def _overview(o: dict[str, Any]) -> str:
    """One document in one line of facts."""
    methods = ", ".join(f"{count} {_plain(name.upper())}" for name, count in o["methods"].items())
    facts = [
        f"{quoted(o['document'], 200)}: {quoted(o['title'], 200)} {_plain(o['api_version'])}",
        f"OpenAPI {_plain(o['specification'])}",
        f"{_counted(o['operations'], 'operation')} on {_counted(o['paths'], 'path')}"
        + (f" ({methods})" if methods else "")
        + (f", {_counted(o['webhooks'], 'webhook')}" if o["webhooks"] else ""),
        f"auth: {_listed(o['security_schemes']) or 'none declared'}",
        f"{o['protected_operations']} protected",
        f"errors: {_listed(o['error_model'], '×') or 'no body described'}",
        f"pagination: {_listed(o['pagination'], '×') or 'none seen'}",
        f"tags: {_listed(o['tags'], '×') or 'none'}",
    ]
    if o["deprecated_operations"]:
        facts.append(f"deprecated: {_joined(o['deprecated_operations'])}")
    return " · ".join(facts)


def _listed(values: dict[str, Any], sign: str = "") -> str:
    return ", ".join(f"{_plain(name)} {sign}{_plain(value)}" for name, value in values.items())


def _joined(names: Iterable[str]) -> str:
    return ", ".join(map(_plain, names))


def _plain(text: object) -> str:
    """Text of a document as it is, if it means nothing in Markdown; else in a code span."""
    return str(text) if _HARMLESS(str(text)) else quoted(text, 200)


_HARMLESS = re.compile(r"[\w /.,:;(){}+…-]*").fullmatch


def group_lines(number: int, g: dict[str, Any], findings: Sequence[dict[str, Any]]) -> list[str]:
    """A group: what, where, who is affected, how to mend it."""
    times = f" ×{g['count']}" if g["count"] > 1 else ""
    lines = [f"{number}. **{g['severity']}** {g['class']} `{g['rule']}`{times}: {g['message']}"]
    for f in findings:
        own = f": {f['message']}" if f["message"] != g["message"] else ""
        lines.append(f"   - {_at(f['location'])}{own}")
    if g["count"] > len(findings):
        lines.append(f"   - … {_counted(g['count'] - len(findings), 'more place')}")
    if g["affects"] and len(g["affects"]) > len(findings):
        lines.append(f"   - affects {_joined(g['affects'])}")
    if g["fix"]:
        lines.append(f"   - fix: {g['fix']}")
    return lines


def place_lines(number: int, f: dict[str, Any]) -> list[str]:
    """A finding with all its detail."""
    lines = [
        f"{number}. **{f['severity']}** {f['class']} `{f['rule']}`: {f['message']}",
        f"   - {_at(f['location'])}",
    ]
    if f.get("evidence"):
        lines.append(f"   - seen: {f['evidence']}")
    lines += [f"   - related: {_at(place)}" for place in f.get("related", ())]
    if f.get("affects"):
        lines.append(f"   - affects {_joined(f['affects'])}")
    if f["fix"]:
        lines.append(f"   - fix: {f['fix']}")
    lines.append(f"   - see {', '.join(f['references'])}")
    return lines


def footer(omitted: dict[str, int], following: str | None) -> str:
    """What is not shown and how to get it."""
    if not omitted["findings"] and not following:
        return ""
    parts = []
    if following:
        left = _counted(omitted["groups"], "more group") if omitted["groups"] else "more findings"
        parts.append(f'{left} on other pages: `cursor: "{following}"`')
    parts.append(
        f"{_counted(omitted['findings'], 'finding')} not listed here:"
        ' `only_rule: ["…"]`, `only_pointer: "/…"`, `detail: "full"` list every place'
    )
    return "\n" + "; ".join(parts) + "."


def _at(place: dict[str, Any]) -> str:
    where = f"{_plain(place['file'])}:{place['line']}:{place['column']}"
    return f"{where} {quoted(place['pointer'] or '/', 2_000)}"


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}{'s' * (count != 1 and word != 'info')}"
