"""The changes between two versions of an API as a changelog: by what they mean to a reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from backend_architect.tools.report import Finding, Group, Report, Severity, quoted

MAX_OPERATIONS = 5
_SECTIONS: tuple[tuple[str, Callable[[Finding], bool]], ...] = (
    ("Breaking", lambda f: f.severity is Severity.ERROR),
    ("May break", lambda f: f.severity is Severity.WARNING),
    ("Deprecated", lambda f: f.rule in ("change/deprecation", "graphql/change-deprecated")),
    ("Added", lambda f: f.rule in ("change/addition", "graphql/change-added")),
    ("Changed", lambda f: f.rule in ("change/relaxation", "change/promise")),
    ("Other", lambda f: True),
)


def changelog(report: Report) -> str:
    """Markdown: a section for each kind of change, a line for each change."""
    facts = report.overviews[0]
    title = facts["api_version"] or facts["document"]
    lines = [f"# {quoted(title, 100)}", ""]
    step = {"none": "Nothing changed."}.get(facts["version_step"])
    lines.append(step or f"A **{facts['version_step']}** version after {_previous(facts)}.")
    left = list(report.groups)
    for name, belongs in _SECTIONS:
        here = [group for group in left if belongs(group.first)]
        left = [group for group in left if group not in here]
        if here:
            lines += ["", f"## {name}", ""]
            lines += [line for group in here for line in _lines(group)]
    if facts["steps"]:
        lines += ["", "## The way without a break", ""]
        lines += [f"{number}. {step}" for number, step in enumerate(facts["steps"], 1)]
    return "\n".join([*lines, ""])


def _previous(facts: dict[str, str]) -> str:
    return quoted(facts["previous_api_version"] or facts["previous"], 100)


def _lines(group: Group) -> Iterator[str]:
    first: Finding = group.first
    where = [f"`{each}`" for each in group.affects[:MAX_OPERATIONS]]
    if len(group.affects) > MAX_OPERATIONS:
        where.append(f"{len(group.affects) - MAX_OPERATIONS} more")
    named = f"{', '.join(where)}: " if where and first.change and first.change["area"] else ""
    yield f"- {named}{first.message}"
    if first.severity >= Severity.WARNING and first.fix:
        yield f"  - gentler: {first.fix}"
