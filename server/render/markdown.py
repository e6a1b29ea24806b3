"""A report as Markdown: verdict first, groups worst first, then what was left out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from backend_architect.tools.report import Report, quoted

from .json import example, examples, group, verdict

_VERDICTS = {
    "fail": "**Fails**: defects that provably break {}",
    "warn": "**Risky**: nothing provably wrong, but things likely to hurt",
    "pass": "**Passes**",
}


def markdown(report: Report) -> str:
    """The whole report: every group, three example places each."""
    lines = [heading(report, report.overviews, report.notes)]
    for number, g in enumerate(report.groups, 1):
        lines += group_lines(number, group(g), [example(f) for f in examples(g, 3)])
    return "\n".join(lines)


def heading(report: Report, overviews: Iterable[dict[str, Any]], notes: Iterable[str] = ()) -> str:
    """The verdict, the counts, and what was reviewed."""
    counts = ", ".join(_counted(count, word) for word, count in report.counts().items() if count)
    groups = f" in {_counted(len(report.groups), 'group')}" if report.groups else ""
    word = _VERDICTS[verdict(report)].format(_PROMISES[report.tool])
    verdict_line = f"{word} ({counts or 'no findings'}{groups})"
    if report.ignored:
        verdict_line += f"; {report.ignored} ignored by settings"
    lines = [f"# {report.tool}", "", verdict_line + "."]
    for overview in overviews:
        describe = _OVERVIEWS[report.tool]
        if "previous" in overview:
            describe = _comparison
        elif overview.get("language") == "GraphQL":
            describe = _graphql
        lines.append(" · ".join(describe(overview)))
    lines += [f"Note: {note}" for note in notes]
    for overview in overviews:
        if overview.get("diagram"):
            lines += ["", f"```mermaid\n{overview['diagram']}\n```"]
    return "\n".join([*lines, ""])


def _graphql(o: dict[str, Any]) -> list[str]:
    """A GraphQL schema in a few facts."""
    facts = [
        f"{quoted(o['document'])}: GraphQL",
        ", ".join(f"{count} {_plain(kind)}s" for kind, count in o["types"].items()),
        ", ".join(f"{count} fields of {_plain(kind)}" for kind, count in o["roots"].items()),
    ]
    if o["connections"]:
        facts.append(f"{o['connections']} connections")
    if o["deprecated"]:
        facts.append(f"{o['deprecated']} deprecated")
    return list(filter(None, facts))


def _api(o: dict[str, Any]) -> list[str]:
    """An API in a few facts."""
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
    return facts


def _comparison(o: dict[str, Any]) -> list[str]:
    """What a new version does to clients, in a few facts."""
    enough = {True: "", False: ", which the version number does not say", None: ""}
    facts = [
        f"{quoted(o['previous'], 200)} {_plain(o['previous_api_version'])}"
        f" → {quoted(o['document'], 200)} {_plain(o['api_version'])}",
        f"version step: **{o['version_step']}**{enough[o['version_enough']]}",
        f"{o['breaking']} breaking, {o['potentially_breaking']} potentially,"
        f" {o['compatible']} compatible",
    ]
    if o["areas"]:
        facts.append(f"where it may break: {_listed(o['areas'], '×')}")
    for name, operations in o["consumers"].items():
        said = f"breaks on {_few(operations)}" if operations else "is not affected"
        facts.append(f"{quoted(name, 100)} {said}")
    return facts


def _schema(o: dict[str, Any]) -> list[str]:
    """A relational schema in a few facts."""
    engine = f"{_plain(o['dialect'])} {_plain(o['engine_version'])}".strip()
    parts = [_counted(o[key], word) for key, word in _PARTS.items() if o[key]]
    facts = [
        f"{quoted(o['document'], 200)}: {engine}, {_plain(o['layout'])}",
        f"{_counted(o['statements'], 'statement')} → {_counted(o['tables'], 'table')}"
        + (f" (+{_counted(o['partitions'], 'partition')})" if o["partitions"] else ""),
        *parts,
        f"primary keys on {o['primary_keys']} of {o['tables']}",
        *([] if o["foreign_keys"] else ["no foreign keys"]),
    ]
    if o["fan_in"]:
        first = dict(list(o["fan_in"].items())[:5])
        facts.append(f"most referenced: {_listed(first, '×')}")
    if o["cycles"]:
        facts.append(f"foreign-key cycles: {_few(o['cycles'])}")
    if o["orphans"] and o["foreign_keys"]:
        facts.append(f"linked to nothing: {_few(o['orphans'])}")
    if o["unread"]:
        facts.append(f"not understood: {_few(o['unread'])}")
    if o["tables"] > 1 and not o["diagram"]:
        facts.append('`only_pointer: "/tables/…"` draws a table with its neighbours')
    return facts


_PARTS = {
    "columns": "column",
    "foreign_keys": "foreign key",
    "checks": "check",
    "indexes": "index",
    "triggers": "trigger",
    "policies": "policy",
    "views": "view",
    "functions": "function",
}
_PROMISES = {"review_api": "the contract", "review_schema": "what the schema promises"}
_OVERVIEWS = {"review_api": _api, "review_schema": _schema}


def _listed(values: dict[str, Any], sign: str = "") -> str:
    return ", ".join(f"{_plain(name)} {sign}{_plain(value)}" for name, value in values.items())


def _joined(names: Iterable[str]) -> str:
    return ", ".join(map(_plain, names))


def _few(names: list[str], most: int = 5) -> str:
    """The first names and how many more there are; a page may have counted some already."""
    counted = re.fullmatch("… ([0-9]+) more", names[-1])
    total = len(names) - 1 + int(counted[1]) if counted else len(names)
    if total <= most:
        return _joined(names)
    return f"{_joined(names[:most])}, … {total - most:,} more"


def _plain(text: object) -> str:
    """Text of a document as it is, if it means nothing in Markdown; else in a code span."""
    return str(text) if _HARMLESS(str(text)) else quoted(text, 200)


_HARMLESS = re.compile(r"[\w /.,:;(){}+…↔-]*").fullmatch


def group_lines(number: int, g: dict[str, Any], findings: Sequence[dict[str, Any]]) -> list[str]:
    """A group: what, where, who is affected, how to mend it."""
    times = f" ×{g['count']}" if g["count"] > 1 else ""
    lines = [f"{number}. **{g['severity']}** {g['class']} `{g['rule']}`{times}: {g['message']}"]
    for f in findings:
        own = f": {f['message']}" if f["message"] != g["message"] else ""
        if f["fix"] != g["fix"]:
            own += f"; fix: {f['fix']}"
        lines.append(f"   - {_at(f['location'])}{own}")
    if g["count"] > len(findings):
        lines.append(f"   - … {_counted(g['count'] - len(findings), 'more place')}")
    if g["affects"] and len(g["affects"]) > len(findings):
        lines.append(f"   - affects {_joined(g['affects'])}")
    if g["fix"]:
        count = g.get("patches")
        patches = f' ({_counted(count, "patch")}: `detail: "full"`, or `--fix`)' if count else ""
        lines.append(f"   - fix: {g['fix']}{patches}")
    lines += _ddl(findings)
    return lines


def _patch(f: dict[str, Any]) -> list[str]:
    """A JSON Patch that can be shown as it is, to the letter."""
    text = json.dumps(f.get("patch", ()), ensure_ascii=False)
    if not f.get("patch") or quoted(text, 1_000) != f"`{text}`":
        return []
    proof = f" ({f['proof']})" if f.get("proof") else ""
    return [f"   - patch{proof}: `{text}`"]


def _ddl(findings: Sequence[dict[str, Any]]) -> list[str]:
    """The statements that mend them in one block, each below the place that it mends."""
    mended = [f for f in findings if f.get("ddl")]
    if not mended:
        return []
    proof = f" ({mended[0]['proof']})" if mended[0].get("proof") else ""
    statements: dict[str, list[str]] = {}
    for f in mended:
        place = f"{f['location']['file']}:{f['location']['line']}"
        statements.setdefault(";\n".join(f["ddl"]), []).append(f"-- {place}\n")
    tied = len(findings) > 1
    text = "\n".join("".join(at) * tied + f"{ddl};" for ddl, at in statements.items())
    fence = "`" * max(3, 0, *(len(run) + 1 for run in re.findall("`+", text)))
    block = f"{fence}sql\n{text}\n{fence}".replace("\n", "\n     ")
    return [f"   - DDL{proof}:", f"     {block}"]


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
    lines += _patch(f)
    lines += _ddl([f])
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
    plural = {"info": "info", "index": "indexes", "policy": "policies", "patch": "patches"}.get(
        word, f"{word}s"
    )
    return f"{count:,} {word if count == 1 else plural}"
