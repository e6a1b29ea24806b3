"""Findings a team lives with for now: a file with a reason for each, so that reviews show the new.

{"version": 1, "accepted": [{"rule": "api/…", "file": "api.yaml", "fingerprint": "16 hex digits",
 "message": "…", "reason": "…", "expires": "2027-06-30"}]}
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from backend_architect.tools.policy import Accepted, Baseline
from backend_architect.tools.report import Finding, clean, quoted

from .workspace import Workspace

VERSION = 1


class BadBaseline(ValueError):
    """A baseline file is wrong; the message says where and what would be right."""


def read_baseline(workspace: Workspace, path: str) -> Baseline:
    """The accepted findings of a file of the workspace. Raises `BadBaseline`, `Unreadable`."""
    name, content = workspace.read(path)
    try:
        data: Any = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BadBaseline(f"{name}: no JSON: {clean(str(error), 200)}") from None
    if not isinstance(data, dict) or data.get("version") != VERSION:
        raise BadBaseline(f"{name}: no baseline; `review-api --write-baseline FILE` writes one")
    entries = data.get("accepted")
    if not isinstance(entries, list):
        raise BadBaseline(f"{name}: `accepted` is a list of findings")
    return dict(_accepted(entry, f"{name}: accepted[{n}]") for n, entry in enumerate(entries))


def _accepted(entry: Any, at: str) -> tuple[tuple[str, str], Accepted]:
    if not isinstance(entry, dict):
        raise BadBaseline(f"{at}: an entry is an object")
    for key in ("file", "fingerprint", "rule", "reason"):
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            raise BadBaseline(f"{at}: an entry needs a {quoted(key)}, which is a text")
    expires = entry.get("expires")
    try:
        until = None if expires is None else date.fromisoformat(expires)
    except (TypeError, ValueError):
        raise BadBaseline(f"{at}: `expires` is a date: 2027-06-30") from None
    return (entry["file"], entry["fingerprint"]), Accepted(entry["reason"], until)


def baseline_text(
    findings: Iterable[Finding], earlier: Baseline, reason: str, expires: date | None
) -> str:
    """A baseline of all the findings; what an earlier one accepted keeps its reason and date."""
    entries = []
    for finding in sorted(findings, key=lambda f: (f.location.file, f.rule, f.fingerprint)):
        key = (finding.location.file, finding.fingerprint)
        accepted = earlier.get(key) or Accepted(reason, expires)
        entry: Mapping[str, str] = {
            "rule": finding.rule,
            "file": finding.location.file,
            "fingerprint": finding.fingerprint,
            "message": finding.message,
            "reason": accepted.reason,
            **({"expires": accepted.expires.isoformat()} if accepted.expires else {}),
        }
        entries.append(entry)
    data = {"version": VERSION, "accepted": entries}
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"
