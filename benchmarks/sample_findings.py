"""Draw a random sample of default findings over real schemas, to be judged by hand.

    python benchmarks/sample_findings.py [--count 200] [--seed 1] [--most 40] [--rule ID]… DIR…

Every `.sql` file of a DIR is one schema, every folder in it one history of migrations. A name's
prefix says its engine (`my_` MySQL, `lite_` SQLite, `pg_` PostgreSQL), else the text does. Prints,
for each schema, tables, groups and findings, then findings per rule, then the sample: rule, place,
message and the lines around. No schema gives more than `--most` findings to draw from, so that one
with hundreds of a kind does not speak for all. The same files and options give the same sample; a
finding that goes leaves the others in it.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path

from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.design_schema import review
from backend_architect.tools.policy import Policy
from backend_architect.tools.report import Finding, Report

ENGINES = {"my": Dialect.MYSQL, "lite": Dialect.SQLITE, "pg": Dialect.POSTGRES}
AROUND = 12  # lines behind a finding's


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", metavar="DIR", type=Path, nargs="+")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=int, default=40, help="findings of one schema to draw from")
    parser.add_argument("--rule", action="append", default=[], help="judge these rules only")
    options = parser.parse_args()
    policy = Policy(only_rules=tuple(options.rule))

    drawn: list[tuple[str, Finding, str]] = []
    rules: Counter[str] = Counter()
    schemas: Counter[str] = Counter()
    tables = groups = 0
    print(f"{'schema':28} {'tables':>6} {'groups':>6} {'findings':>8}")
    for name, files in (found for folder in options.folders for found in schemas_in(folder)):
        report = review(files, name, engine(name), policy=policy, prove=False)
        print(f"{name:28} {count(report):6} {len(report.groups):6} {len(report.findings):8}")
        tables += count(report)
        groups += len(report.groups)
        rules.update(finding.rule for finding in report.findings)
        schemas.update({finding.rule for finding in report.findings})
        some = sorted(report.findings, key=lambda found: lot(name, found, options.seed, 1))
        drawn += [(name, found, files[found.location.file]) for found in some[: options.most]]
    print(f"{tables} tables, {groups} groups: one for {tables / max(groups, 1):.1f} tables\n")
    print("findings in schemas of rule")
    for rule, times in rules.most_common():
        print(f"{times:8} {schemas[rule]:10} {rule}")
    drawn.sort(key=lambda one: lot(one[0], one[1], options.seed, 2))
    sample = drawn[: options.count]
    for number, (name, finding, text) in enumerate(sample, 1):
        at = finding.location
        print(f"\n#{number} {finding.rule} {name} {at.file}:{at.line} {at.pointer}")
        print(f"  {finding.message}")
        print("".join(f"    {line}\n" for line in around(text, finding)), end="")


def schemas_in(folder: Path) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The schemas of a folder, with the texts of their files."""
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            scripts = sorted(path.rglob("*.sql"))
            names = [script.relative_to(path).as_posix() for script in scripts]
        else:
            scripts, names = [path], [path.name]
        texts = [script.read_text("utf-8", "replace") for script in scripts]
        if texts:
            yield path.stem, dict(zip(names, texts, strict=True))


def engine(name: str) -> Dialect | None:
    """The engine that a name's prefix says."""
    return ENGINES.get(name.partition("_")[0])


def count(report: Report) -> int:
    """The number of tables that were reviewed."""
    return int(report.overviews[0]["tables"])


def lot(schema: str, finding: Finding, seed: int, round: int) -> bytes:
    """A finding's place in a draw, which does not depend on what else is found."""
    drawn = f"{seed}\0{round}\0{schema}\0{finding.rule}\0{finding.location.pointer}"
    return blake2b(drawn.encode("utf-8", "replace")).digest()


def around(text: str, finding: Finding) -> list[str]:
    """The lines around a finding."""
    line = finding.location.line - 1
    return text.splitlines()[max(line - 2, 0) : line + AROUND]


if __name__ == "__main__":
    main()
