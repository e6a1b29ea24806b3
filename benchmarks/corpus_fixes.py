"""Fix every document in a folder, verify each fix by other means, and print figures.

    python benchmarks/corpus_fixes.py DIR [--profile all]

For each document: how many findings offer a patch, how many hold, how many lines of text change.
Verified on the corrected text: it has nothing more to fix, no finding and no violation of the
specification's schema that was not there before, and comments are as many as before; and the
OpenAPI Overlay of the change, applied as its specification says, leads to the same data.
"""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser
from collections import Counter
from copy import deepcopy
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from backend_architect.server.jobs import REFUSALS
from backend_architect.server.workspace import Workspace
from backend_architect.tools.editing.overlay import overlay
from backend_architect.tools.policy import Policy
from backend_architect.tools.report import Report
from backend_architect.tools.review_api import Correction, corrected, review
from backend_architect.tools.source import Source, load


def main() -> None:
    arguments = ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--profile", choices=["default", "all"], default="default")
    given = arguments.parse_args()
    policy = Policy(profile=given.profile)
    total: Counter[str] = Counter()
    print(f"{'document':40} {'offered':>7} {'held':>5} {'lines':>6} {'of':>8}")
    files = (p for p in given.folder.rglob("*") if p.suffix in (".json", ".yaml", ".yml"))
    for file in sorted(files):
        name = str(file.relative_to(given.folder))
        try:
            counts, problems = fixed(given.folder, name, policy)
        except REFUSALS as refusal:
            print(f"{name[-40:]:40} refused: {str(refusal)[:100]}")
            continue
        total.update(counts)
        print(
            f"{name[-40:]:40} {counts['offered']:7,} {counts['held']:5,} {counts['changed']:6,}"
            f" {counts['lines']:8,}"
        )
        for problem in problems:
            print(f"    {problem}")
        total["problems"] += len(problems)
    print(
        f"{total['held']:,} of {total['offered']:,} fixes hold; {total['changed']:,} of"
        f" {total['lines']:,} lines changed; {total['problems']} problems"
    )
    sys.exit(bool(total["problems"]))


def fixed(folder: Path, name: str, policy: Policy) -> tuple[Counter[str], list[str]]:
    """Counts of one document's fixes, and what is wrong with the corrected texts."""
    workspace = Workspace((folder,))
    content = workspace.read(name)[1]
    before = review(content, name, workspace.reader, policy, prove=True)
    untried = review(content, name, workspace.reader, policy, prove=False)
    corrections = corrected(content, name, workspace.reader, policy)
    texts = {each.after.name: each.after.text for each in corrections}

    def reader(base: str, reference: str) -> Source:
        source = workspace.reader(base, reference)
        return load(texts[source.name], source.name) if source.name in texts else source

    after = review(texts.get(name, content), name, reader, policy, prove=True)
    counts = Counter(
        offered=sum(bool(finding.patch) for finding in untried.findings),
        held=sum(bool(finding.patch) for finding in before.findings),
        changed=sum(map(changed_lines, corrections)),
        lines=sum(each.before.text.count("\n") for each in corrections),
    )
    return counts, [*problems_of(before, after), *(p for c in corrections for p in lost(c))]


def problems_of(before: Report, after: Report) -> list[str]:
    """What a corrected document has that it should not have."""
    left = sum(bool(finding.patch) for finding in after.findings)
    new = said(after) - said(before)
    return [f"{left} fixes are still offered"] * bool(left) + [
        f"new: {rule}: {message} ×{count}" for (rule, message), count in new.items()
    ]


def said(report: Report) -> Counter[tuple[str, str]]:
    return Counter((finding.rule, finding.message) for finding in report.findings)


def lost(correction: Correction) -> list[str]:
    """What the text lost that no fix took, and whether the overlay leads elsewhere."""
    before, after = correction.before, correction.after
    problems = []
    if before.format != "json":
        comments = [Counter(re.findall(r"(?m)^\s*#.*$", each.text)) for each in (before, after)]
        gone = sum((comments[0] - comments[1]).values())
        problems += [f"{before.name}: {gone} comment lines are gone"] * bool(gone)
    made = overlay("Corrections", before.name, before.data, after.data)
    if overlaid(before.data, made) != after.data:
        problems.append(f"{before.name}: its overlay leads to another document")
    return problems


def changed_lines(correction: Correction) -> int:
    """How many lines were removed or added."""
    old, new = correction.before.text.splitlines(), correction.after.text.splitlines()
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    same = sum(block.size for block in blocks)
    return len(old) + len(new) - 2 * same


def overlaid(document: Any, made: dict[str, Any]) -> Any:
    """The document with an overlay of normalized paths applied (Overlay Specification 1.0.0)."""
    whole = {"$": deepcopy(document)}
    for action in made["actions"]:
        around: Any = whole
        steps: list[Any] = ["$"]
        for name, index in re.findall(r"\['((?:[^'\\]|\\.)*)'\]|\[(\d+)\]", action["target"]):
            steps.append(int(index) if index else re.sub(_ESCAPED, _unescaped, name))
        for step in steps[:-1]:
            around = around[step]
        if action.get("remove"):
            del around[steps[-1]]
        else:
            around[steps[-1]] = _merged(around[steps[-1]], action["update"])
    return whole["$"]


_ESCAPED = r"\\(?:u([0-9a-f]{4})|(.))"


def _unescaped(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    return {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}.get(match[2], match[2])


def _merged(value: Any, update: Any) -> Any:
    if isinstance(value, list):
        return [*value, *(update if isinstance(update, list) else [update])]
    if isinstance(value, dict) and isinstance(update, dict):
        inner = {k: _merged(value[k], v) if k in value else v for k, v in update.items()}
        return {**value, **inner}
    return update


if __name__ == "__main__":
    main()
