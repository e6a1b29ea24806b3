"""Draw a random sample of default findings over real API documents, to be judged by hand.

    python benchmarks/sample_api_findings.py [--count 200] [--seed 1] [--most 20] [--rule ID]… DIR…

Every `.json`, `.yaml` and `.yml` of a DIR is one document. Prints, for each, groups and findings,
then the sample: rule, class, place, message and evidence. No document gives more than `--most`
findings to draw from, and no group more than a third of these. The same files and options give the
same sample; a finding that goes leaves the others in it.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

from backend_architect.server.workspace import Workspace
from backend_architect.tools.policy import Policy
from backend_architect.tools.report import Finding, Report
from backend_architect.tools.review_api import review

ENDINGS = (".json", ".yaml", ".yml")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", metavar="DIR", type=Path, nargs="+")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=int, default=20, help="findings of one document")
    parser.add_argument("--rule", action="append", default=[], help="judge these rules only")
    options = parser.parse_args()
    policy = Policy(only_rules=tuple(options.rule))
    drawn: list[tuple[str, Finding]] = []
    print(f"{'document':60} {'groups':>6} {'findings':>8}")
    for path in (found for folder in options.folders for found in sorted(folder.iterdir())):
        if path.suffix in ENDINGS:
            reader = Workspace(()).reader
            report = review(path.read_bytes(), path.name, reader, policy, prove=False)
            print(f"{path.stem:60} {len(report.groups):6} {len(report.findings):8}")
            drawn += [(path.stem, one) for one in some(path.stem, report, options)]
    drawn.sort(key=lambda one: lot(one[0], one[1], options.seed, 2))
    sample = drawn[: options.count]
    for rule, times in Counter(finding.rule for _, finding in sample).most_common():
        print(f"{times:4} {rule}")
    for number, (name, finding) in enumerate(sample, 1):
        at = finding.location
        print(f"\n#{number} {finding.rule} {finding.class_} {name}:{at.line} {at.pointer}")
        print(f"  {finding.message}" + f" ({finding.evidence})" * bool(finding.evidence))


def some(name: str, report: Report, options: argparse.Namespace) -> Iterator[Finding]:
    """The findings of a document that may be drawn."""
    share: Counter[tuple[str, str]] = Counter()
    taken = 0
    for finding in sorted(report.findings, key=lambda one: lot(name, one, options.seed, 1)):
        cause = (finding.rule, finding.cause)
        if taken < options.most and share[cause] < max(options.most // 3, 1):
            share[cause] += 1
            taken += 1
            yield finding


def lot(name: str, finding: Finding, seed: int, round: int) -> bytes:
    """A finding's place in a draw, which does not depend on what else is found."""
    drawn = f"{seed}\0{round}\0{name}\0{finding.rule}\0{finding.location.pointer}"
    return blake2b(drawn.encode("utf-8", "replace")).digest()


if __name__ == "__main__":
    main()
