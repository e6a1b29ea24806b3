"""Review every document in a folder and print figures: time, groups, findings, exceptions.

    python benchmarks/corpus.py DIR

Every finding's line is checked against its pointer: the text there must be the key, or start the
item, that the pointer ends with.
"""

from __future__ import annotations

import sys
import time
import traceback
from pathlib import Path
from typing import Any

from backend_architect.server.jobs import REFUSALS
from backend_architect.server.workspace import Workspace
from backend_architect.tools.report import Finding, Report
from backend_architect.tools.review_api import review
from backend_architect.tools.source import Source, load


def main() -> None:
    folder = Path(sys.argv[1])
    exceptions = misplaced = 0
    print(f"{'document':40} {'MB':>6} {'s':>6} {'groups':>6} {'findings':>8}  errors/warnings/info")
    for file in sorted(p for p in folder.rglob("*") if p.suffix in (".json", ".yaml", ".yml")):
        name, size = str(file.relative_to(folder)), file.stat().st_size / 1e6
        workspace = Workspace((folder,))
        started = time.perf_counter()
        try:
            report = review(workspace.read(name)[1], name, workspace.reader)
        except REFUSALS as refusal:
            print(f"{name[-40:]:40} {size:6.2f} refused: {str(refusal)[:100]}")
            continue
        except Exception:
            exceptions += 1
            traceback.print_exc()
            continue
        seconds = time.perf_counter() - started
        wrong = wrong_places(report, workspace)
        misplaced += len(wrong)
        counts = "/".join(str(count) for count in report.counts().values())
        print(
            f"{name[-40:]:40} {size:6.2f} {seconds:6.2f} {len(report.groups):6}"
            f" {len(report.findings):8}  {counts}"
        )
        for note in report.notes:
            print(f"    note: {note}")
        for finding in wrong:
            print(f"    misplaced: {finding.rule} {finding.location}")
    print(f"{exceptions} exceptions, {misplaced} findings whose line is not their pointer's")
    sys.exit(bool(exceptions or misplaced))


def wrong_places(report: Report, workspace: Workspace) -> list[Finding]:
    """The findings whose line and column do not show what their pointer names."""
    sources: dict[str, tuple[Source, list[str]]] = {}
    wrong = []
    for finding in report.findings:
        at = finding.location
        if at.file not in sources:
            source = load(workspace.read(at.file)[1], at.file)
            lines = source.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
            sources[at.file] = (source, lines)
        source, lines = sources[at.file]
        if not shows(lines[at.line - 1][at.column - 1 :], at.pointer, source.data):
            wrong.append(finding)
    return wrong


def shows(text: str, pointer: str, data: Any) -> bool:
    """Whether a line's rest begins with the key, or the item, that a pointer ends with."""
    step: str | int = ""
    for raw in pointer.split("/")[1:]:
        step = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(data, list):
            step = int(step)
        data = data[step]
    if isinstance(step, str):
        return text.lstrip("\"'").startswith(step[:20]) or "\\" in text[:40]
    if isinstance(data, dict):
        return text[0] in "{&" or text.lstrip("\"'").startswith(str(next(iter(data), "")))
    if isinstance(data, list):
        return text[0] in "[-&"
    return text.lstrip("\"'").startswith(str(data)[:10]) or not isinstance(data, str)


if __name__ == "__main__":
    main()
