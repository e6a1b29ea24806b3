"""What is wrong with a domain model."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches

from ...report import clean, quoted


@dataclass(frozen=True, slots=True)
class Problem:
    """A field that is wrong: where (JSON Pointer, and names), what, and what would be right."""

    pointer: str
    says: str
    expected: str = ""
    label: str = ""

    def __str__(self) -> str:
        where = f"{self.pointer or '/'}{f' ({self.label})' if self.label else ''}"
        return f"{where}: {self.says}" + (f"; {self.expected}" if self.expected else "")


def missing(what: str, name: str, known: Collection[str]) -> tuple[str, str]:
    """That there is none of a name, and the nearest one, or all if they are few."""
    near = get_close_matches(name[:80], known, n=1, cutoff=0.6)
    few = ", ".join(sorted(known)[:12]) if known else "none"
    hint = f"did you mean `{near[0]}`?" if near else f"there is: {clean(few, 300)}"
    return f"there is no {what} {quoted(name)}", hint
