"""What runs in a worker process: a request in, a report out, both plain data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from backend_architect.tools.openapi.document import NoSuchPlace, NotOpenApi, Unreadable
from backend_architect.tools.report import Group, Report
from backend_architect.tools.rule import UnknownRule
from backend_architect.tools.source import SourceError

from .settings import BadSettings, load_policy
from .workspace import Stamp, Workspace

REFUSALS = (BadSettings, NoSuchPlace, NotOpenApi, SourceError, UnknownRule, Unreadable)
"""What a caller can mend; the message says how."""

OnStage = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class ReviewRequest:
    """A review of one document: a file of the workspace (`path`) or `text` with a `name`."""

    roots: tuple[Path, ...]
    path: str | None = None
    text: str | bytes | None = None
    name: str = "document"
    rule_profile: str | None = None
    only_rules: tuple[str, ...] = ()
    only_pointer: str = ""
    as_of: date | None = None
    names_from: Path | None = None  # the folder that names in answers are relative to; None: root
    max_findings: int | None = None  # the worst are kept; None: all


@dataclass(frozen=True, slots=True)
class Outcome:
    """A report, and the files it was made from."""

    report: Report
    stamps: tuple[Stamp, ...]


def review_api(request: ReviewRequest, progress: OnStage = lambda stage: None) -> Outcome:
    """Review an OpenAPI document. Raises one of `REFUSALS`."""
    from backend_architect.tools.review_api import review

    workspace = Workspace(request.roots, request.names_from)
    policy = load_policy(workspace)
    policy = replace(
        policy,
        profile=request.rule_profile or policy.profile,
        only_rules=request.only_rules,
        only_pointer=request.only_pointer.removeprefix("#"),
        as_of=request.as_of,
    )
    content: str | bytes
    if request.path is not None:
        name, content = workspace.read(request.path)
    else:
        name, content = request.name, request.text or ""
    report = review(content, name, workspace.reader, policy, progress)
    if request.max_findings is not None:
        report = _bounded(report, request.max_findings)
    return Outcome(report, tuple(workspace.stamps.values()))


def _bounded(report: Report, most: int) -> Report:
    """The worst findings of a report: a server holds it whole, whatever the document."""
    if len(report.findings) <= most:
        return report
    groups: list[Group] = []
    room = most
    for group in report.groups:
        groups.append(replace(group, findings=group.findings[:room]))
        room -= groups[-1].count
        if not room:
            break
    note = (
        f"These are the worst {most:,} of {len(report.findings):,} findings in all; mend their"
        " causes first. The command line lists them all."
    )
    return replace(report, groups=tuple(groups), notes=(*report.notes, note))
