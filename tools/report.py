"""What every tool returns: findings at places, each with evidence, a reason and a way out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from itertools import groupby
from typing import Any


def clean(text: str, limit: int) -> str:
    """One bounded line without control, format (bidirectional, tag) or private characters.

    Text of a document is data that may try to instruct the reader; it must not hide anything.
    """
    if not (text.isascii() and text.isprintable()):
        text = text[: 4 * limit].translate(_SHOWN)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def is_plain(text: str) -> bool:
    """Whether nothing of a text is hidden: statements with hidden characters are not handed out."""
    return clean(text.replace("\n", " "), len(text)) == text.replace("\n", " ")


class _Shown(dict[int, str]):
    """By code point what is shown of a character, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        hidden = unicodedata.category(char)[0] == "C" or _INVISIBLE.match(char)
        shown = " " if char in _SPACES else "" if hidden else char
        if len(self) < 10_000:  # of a million; texts of documents decide which are asked for
            self[code] = shown
        return shown


_SHOWN = _Shown()
# Default_Ignorable_Code_Point (Unicode 16, 5.21) beyond category C, and the empty Braille cell.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)
_SPACES = "\n\r\t\u2028\u2029"  # the last two end a line, too


def quoted(text: object, limit: int = 80) -> str:
    """Text of a document in a code span that it cannot close."""
    return "`" + clean(str(text), limit).replace("`", "'") + "`"


class Severity(IntEnum):
    """How much a finding matters; higher is worse."""

    INFO = 1
    WARNING = 2
    ERROR = 3

    @property
    def word(self) -> str:
        """The name in answers: error, warning, info."""
        return self.name.lower()


class FindingClass(StrEnum):
    """What a finding is: provably wrong, likely to hurt, or against a convention."""

    DEFECT = "defect"
    RISK = "risk"
    STYLE = "style"


class Confidence(StrEnum):
    """How sure the rule is that what it saw is what it says."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a document. Line and column count from 1, columns in Unicode code points."""

    file: str
    line: int
    column: int
    pointer: str  # JSON Pointer, RFC 6901


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule at one place."""

    rule: str
    severity: Severity
    class_: FindingClass
    confidence: Confidence
    message: str
    location: Location
    fingerprint: str  # 16 hex digits; survives reordering of keys and moving of lines
    cause: str = ""  # findings of one rule with one cause form a group
    evidence: str = ""  # the fact seen, quoted from the document
    fix: str = ""
    patch: tuple[dict[str, Any], ...] = ()  # RFC 6902, on the file of the location
    ddl: tuple[str, ...] = ()  # statements that mend it
    proof: str = ""  # how `ddl` was checked
    related: tuple[Location, ...] = ()
    affects: tuple[str, ...] = ()  # operations that use the component at fault: `GET /pets`
    references: tuple[str, ...] = ()
    change: dict[str, Any] | None = None  # between two versions: what it is, in plain data


@dataclass(frozen=True, slots=True)
class Group:
    """Findings with one cause. `title` is the rule's, `message` what these have in common."""

    title: str
    message: str
    findings: tuple[Finding, ...]
    affects: tuple[str, ...]

    @property
    def first(self) -> Finding:
        """The finding that stands for the group: rule, severity and fix are the same in all."""
        return self.findings[0]

    @property
    def count(self) -> int:
        """How many findings."""
        return len(self.findings)


@dataclass(frozen=True, slots=True)
class View:
    """A document seen from one side: plain data with stable keys, its texts safe to show.

    `kind` names the side, `head` says what holds of all, `rows` one thing each.
    """

    kind: str
    head: dict[str, Any]
    rows: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of one run of a tool.

    `groups` are worst first and hold all findings; `overviews` say what was reviewed, one for each
    document (`document` and keys of the tool's own), `notes` what the reader must know of the run
    itself, `ignored` how many findings the settings suppressed, `view` what was asked for beside
    the findings.
    """

    tool: str
    groups: tuple[Group, ...]
    overviews: tuple[dict[str, Any], ...]
    notes: tuple[str, ...] = ()
    ignored: int = 0
    view: View | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, in the order of their groups."""
        return tuple(finding for group in self.groups for finding in group.findings)

    @property
    def worst(self) -> Severity | None:
        """The highest severity found."""
        return max((group.first.severity for group in self.groups), default=None)

    @classmethod
    def joined(cls, reports: Sequence[Report]) -> Report:
        """One report on the documents of several."""
        titles: dict[str, str] = {}
        for report in reports:
            titles |= report._titles()
        return cls(
            reports[0].tool,
            grouped((f for report in reports for f in report.findings), titles),
            tuple(overview for report in reports for overview in report.overviews),
            tuple(dict.fromkeys(note for report in reports for note in report.notes)),
            sum(report.ignored for report in reports),
        )

    def _titles(self) -> dict[str, str]:
        return {group.first.rule: group.title for group in self.groups}

    def counts(self) -> dict[str, int]:
        """Findings by severity: error, warning, info."""
        counts = {severity.word: 0 for severity in sorted(Severity, reverse=True)}
        for group in self.groups:
            counts[group.first.severity.word] += group.count
        return counts


def grouped(findings: Iterable[Finding], titles: dict[str, str]) -> tuple[Group, ...]:
    """Groups by rule and cause, worst first; `titles` name a group of differing messages by rule.

    The order is total, so that equal input gives equal bytes.
    """
    ordered = sorted(
        findings, key=lambda f: (f.rule, f.severity, f.cause, f.location, f.message, f.fingerprint)
    )
    groups = []
    for (rule, _, cause), members in groupby(ordered, lambda f: (f.rule, f.severity, f.cause)):
        same = tuple(members)
        messages = {finding.message for finding in same}
        message = messages.pop() if len(messages) == 1 else cause or titles.get(rule, rule)
        users = {finding.affects for finding in same}  # often one and the same tuple
        affects = tuple(sorted({operation for each in users for operation in each}))
        groups.append(Group(titles.get(rule, rule), message, same, affects))
    return tuple(sorted(groups, key=_worst_first))


_CLASSES = list(FindingClass)


def _worst_first(group: Group) -> tuple[Any, ...]:
    first = group.first
    return (
        -first.severity,
        _CLASSES.index(first.class_),
        -group.count,
        first.rule,
        first.cause,
        first.location,
    )
