"""Agreement on changes of APIs with the cases of another tool's tests, given as a folder.

The folder is a checkout of oasdiff. Each of its test functions that compares two files with one
check expects certain identifiers. Ours are translated by docs/coverage/api-changes.md, restricted
to the identifiers of that check, and compared as multisets.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

from backend_architect.tools.openapi.api import Api
from backend_architect.tools.openapi.changes.comparing import Comparison
from backend_architect.tools.openapi.document import Reader, describe
from backend_architect.tools.source import Source, load

TABLE = Path(__file__).parents[1] / "docs/coverage/api-changes.md"
ROW = re.compile(r"^\| `([a-z0-9-]+)` \| ([^|]*)\|", re.MULTILINE)


def translations() -> dict[str, list[str]]:
    """Their identifiers by ours."""
    found: dict[str, list[str]] = {}
    for theirs, ours in ROW.findall(TABLE.read_text("utf-8")):
        for kind in re.findall(r"`([a-z0-9-]+)`", ours):
            found.setdefault(kind, []).append(theirs)
    return found


def reader(folder: Path) -> Reader:
    """Reads files beside the one that refers to them."""

    def read(base: str, reference: str) -> Source:
        path = (folder / base).parent / reference
        return load(path.read_text("utf-8"), str(path.resolve().relative_to(folder.resolve())))

    return read


def api(folder: Path, name: str) -> Api:
    """One document of the folder."""
    return Api(describe((folder / name).read_text("utf-8"), name, reader(folder)))


def found(folder: Path, old: str, new: str, table: dict[str, list[str]]) -> Counter[str]:
    """Their identifiers for what we say of two documents."""
    changes = Comparison(api(folder, old), api(folder, new)).changes()
    return Counter(id for change in changes for id in table.get(change.kind, ()))


def cases(folder: Path) -> list[tuple[str, str, str, Counter[str], frozenset[str]]]:
    """Name, old file, new file, identifiers expected, identifiers that the check can give."""
    constants: dict[str, str] = {}
    checks: dict[str, set[str]] = {}
    for file in sorted((folder / "checker").glob("*.go")):
        text = file.read_text("utf-8")
        constants.update(re.findall(r'(\w+Id)\s*=\s*"([a-z0-9-]+)"', text))
    rules = (folder / "checker/rules.go").read_text("utf-8")
    for id, check in re.findall(r"Rule\((\w+), \w+, (\w+),", rules):
        if id in constants:
            checks.setdefault(check, set()).add(constants[id])
    listed = []
    for file in sorted((folder / "checker").glob("*_test.go")):
        for test in file.read_text("utf-8").split("\nfunc ")[1:]:
            files = re.findall(r'open\("\.\./data/([^"]*)"\)', test)
            used = set(re.findall(r"singleCheckConfig\(checker\.(\w+)\)", test))
            whole = re.findall(r"\bId:\s*checker\.(\w+)", test)
            named = whole or re.findall(r"checker\.(\w+Id)\b", test)
            ids = [constants.get(each, "") for each in named]
            changed = re.search(r"Spec\.\w+.* = |ERR\)|WARN\)", test)
            if len(files) == 2 and len(set(files)) == 2 and len(used) == 1 and not changed:
                known = frozenset(checks.get(used.pop(), ()))
                if not whole:  # the test asks whether these are among what is found
                    known = frozenset(ids)
                listed.append((test.partition("(")[0], *files, Counter(ids), known))
    return listed


def main() -> None:
    """Print the agreement, and each case without it."""
    folder = Path(sys.argv[1])
    table = translations()
    right, missed, surplus = 0, Counter[str](), Counter[str]()
    listed = cases(folder)
    for name, old, new, expected, known in listed:
        try:
            all_of_them = found(folder / "data", old, new, table)
        except Exception as error:
            print(f"{name}: {type(error).__name__} {str(error)[:100]}")
            missed += expected
            continue
        ours = Counter({id: count for id, count in all_of_them.items() if id in known})
        right += sum((ours & expected).values())
        if ours != expected:
            print(f"{name} ({old}): missed {dict(expected - ours)}, more {dict(ours - expected)}")
        missed += expected - ours
        surplus += ours - expected
    wanted, said = right + missed.total(), right + surplus.total()
    print(f"{len(listed)} cases: {right} of {wanted} identifiers, {said} said")


if __name__ == "__main__":
    main()
