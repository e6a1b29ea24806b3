"""What a new version of an API does to the clients of the old one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from hashlib import blake2b
from typing import Any, Final

from ...openapi.api import Api
from ...openapi.changes.comparing import Comparison
from ...openapi.changes.record import Change
from ...openapi.document import Reader, describe
from ...openapi.values import mapping
from ...policy import Policy
from ...report import Finding, FindingClass, Location, Report, Severity, clean, grouped, quoted
from ...rule import Place, Rule, select
from ...source import Source, pointer
from .consumers import Consumer, consumers
from .rules import RULES
from .verdicts import Judge, Judged, Verdict
from .words import payload, sentence

TOOL: Final = "review_api"
MAX_SEARCHES: Final = 400  # for witnesses
MAX_CHANGES: Final = 20_000

_SEVERITIES: Final = {
    Verdict.BREAKING: Severity.ERROR,
    Verdict.POTENTIAL: Severity.WARNING,
    Verdict.COMPATIBLE: Severity.INFO,
}


@dataclass(frozen=True, slots=True)
class Version:
    """The text of a document, and how files that it names are read."""

    content: str | bytes
    name: str
    read: Reader

    def api(self) -> Api:
        """The API that it describes. Raises `SourceError` and `NotOpenApi`."""
        return Api(describe(self.content, self.name, self.read))


def compare(
    new: Version,
    previous: Version,
    policy: Policy | None = None,
    usage: Source | None = None,
    progress: Callable[[str], object] = lambda stage: None,
) -> Report:
    """What changed between two versions, worst first.

    Raises `SourceError`, `BadUsage`, `NotOpenApi`, `NoSuchPlace` and `UnknownRule`.
    """
    policy = policy or Policy()
    progress("loading")
    old, api = previous.api(), new.api()
    if policy.only_pointer:
        api.description.check_pointer(policy.only_pointer)
    clients = consumers(usage, old) if usage is not None else ()
    progress("comparing")
    judged = judge(old, api, policy.as_of)
    progress("locating findings")
    wanted = _rules(policy)
    found = _findings([each for each in judged if each.rule in wanted], old, api, policy, clients)
    kept = policy.new(policy.kept(policy.asked(found)))
    summary = _summary(old, api, kept, clients)
    return Report(
        TOOL,
        grouped(kept, {rule.id: rule.title for rule in RULES}),
        (summary,),
        (*_notes(judged), *policy.notes),
        len(found) - len(kept),
    )


def judge(old: Api, new: Api, as_of: date | None = None) -> list[Judged]:
    """Every difference of two versions with its verdict."""
    judge = Judge(old, new, MAX_SEARCHES)
    found: list[Judged] = []
    for change in Comparison(old, new).changes():
        if len(found) >= MAX_CHANGES:
            break
        found.append(judge.judged(_dated(change, as_of)))
    return found


def _dated(change: Change, as_of: date | None) -> Change:
    """A removal by its sunset: before that date it breaks a promise."""
    if change.action != "removed-deprecated" or as_of is None:
        return change
    try:
        sunset = date.fromisoformat(str(change.before)[:10])
    except ValueError:
        return change
    return replace(change, action="removed-before-sunset") if as_of < sunset else change


def _rules(policy: Policy) -> dict[str, Rule]:
    rules = select(RULES, policy.profile, policy.only_rules)
    return {rule.id: rule for rule in rules if policy.severities.get(rule.id, 1) is not None}


# Findings


def _findings(
    judged: list[Judged], old: Api, new: Api, policy: Policy, clients: tuple[Consumer, ...]
) -> list[Finding]:
    rules = {rule.id: rule for rule in RULES}
    places = [(each, *_place(each.change)) for each in judged]
    before = _located(old, [place for _, place, is_old in places if is_old])
    after = _located(new, [place for _, place, is_old in places if not is_old])
    was = _located(old, [o.place for each in judged if (o := each.change.old) is not None])
    seen: Counter[str] = Counter()
    found = []
    for each, place, is_old in places:
        at = (before if is_old else after)[place]
        related = (was[each.change.old.place],) if each.change.old and not is_old else ()
        found.append(_finding(each, rules[each.rule], at, related, policy, clients, seen))
    return found


def _place(change: Change) -> tuple[Place, bool]:
    """Where a difference is in the new version, or in the old one (true) if it is gone."""
    side = change.new or change.old
    assert side is not None
    return side.place, change.new is None


def _located(api: Api, places: Iterable[Place]) -> dict[Place, Location]:
    by_file: dict[str, set[Any]] = {}
    for place in places:
        by_file.setdefault(place.file, set()).add(place.path)
    found = {}
    for file, paths in by_file.items():
        source = api.description.sources[file]
        for path, at in source.locate(paths).items():
            shown = clean(pointer(path), 2_000)
            found[Place(file, path)] = Location(file, at.line, at.column, shown)
    return found


def _finding(
    judged: Judged, rule: Rule, at: Location, related: tuple[Location, ...], policy: Policy,
    clients: tuple[Consumer, ...], seen: Counter[str],
) -> Finding:  # fmt: skip
    change = judged.change
    message = clean(sentence(change), 400)
    if judged.verdict is Verdict.POTENTIAL:
        message += f"; potentially breaking: {judged.reason}"
    if judged.witness is not None:
        verb = "refuses" if change.direction == "request" else "may send"
        message += (
            f"; the new version {verb} `{payload(judged.witness.value, 160).replace('`', chr(39))}`"
        )
    breaking = judged.verdict is not Verdict.COMPATIBLE
    affected = tuple(client.name for client in clients if breaking and client.uses(change))
    facts = {
        "kind": change.kind,
        "area": change.area,
        "direction": change.direction,
        "subject": change.subject,
        "facet": change.facet,
        "action": change.action,
        "name": clean(change.name, 200),
        "before": _plain(change.before),
        "after": _plain(change.after),
        "operation": clean(change.operation, 300),
        "where": clean(change.where, 100),
        "verdict": judged.verdict.name.lower(),
        "consumers": list(affected),
    }
    if judged.witness is not None:
        facts["witness"] = {
            "message": "request" if change.direction == "request" else "response",
            "value": judged.witness.value,
        }
    return Finding(
        rule=rule.id,
        severity=policy.severities.get(rule.id) or _SEVERITIES[judged.verdict],
        class_=FindingClass.DEFECT if judged.verdict is Verdict.BREAKING else FindingClass.RISK,
        confidence=rule.confidence,
        message=message,
        location=at,
        fingerprint=_fingerprint(change, seen),
        cause=clean(f"{sentence(_shortly(change))} ({at.pointer})", 400),
        evidence=f"{change.operation} {change.where}".strip(),
        fix=rule.fix if breaking else "",
        related=related,
        affects=(clean(change.operation, 300),) if change.operation else (),
        references=rule.references,
        change=facts,
    )


def _shortly(change: Change) -> Change:
    """Without the way to what differs, which is another one in each message."""
    return replace(change, name=change.name.rpartition(".")[2] or change.name)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value, 200)
    return value if value is None or isinstance(value, bool | int | float) else payload(value, 200)


def _fingerprint(change: Change, seen: Counter[str]) -> str:
    """By what it is, not by where it is written."""
    said = "\0".join(
        (change.kind, change.operation, change.where, change.name, repr(change.before),
         repr(change.after))
    )  # fmt: skip
    seen[said] += 1
    text = f"{said}\0{seen[said]}"
    return blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()


# Summary

_SEMVER: Final = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?")


def _summary(
    old: Api, new: Api, findings: list[Finding], clients: tuple[Consumer, ...]
) -> dict[str, Any]:
    """The verdict in figures: the step of the version, and what breaks by area and client."""
    verdicts = Counter(str(f.change["verdict"]) for f in findings if f.change)
    areas = Counter(
        str(f.change["area"]) for f in findings if f.change and f.severity is not Severity.INFO
    )
    broken = {
        client.name: sorted(
            {str(f.change["operation"]) for f in findings
             if f.change and client.name in f.change["consumers"]}
        )
        for client in clients
    }  # fmt: skip
    step = "major" if verdicts["breaking"] else "minor" if findings else "none"
    if findings and not verdicts["breaking"]:
        only_words = all(f.rule == "change/description" for f in findings)
        step = "patch" if only_words else "minor"
    versions = [str(mapping(api.root.get("info")).get("version", "")) for api in (old, new)]
    return {
        "document": new.description.root.name,
        "previous": old.description.root.name,
        "api_version": clean(versions[1], 60),
        "previous_api_version": clean(versions[0], 60),
        "version_step": step,
        "version_enough": _is_enough(versions[0], versions[1], step),
        "breaking": verdicts["breaking"],
        "potentially_breaking": verdicts["potential"],
        "compatible": verdicts["compatible"],
        "areas": dict(sorted(areas.items())),
        "consumers": broken,
        "steps": list(STEPS) if verdicts["breaking"] or verdicts["potential"] else [],
    }


STEPS: Final = (
    "Publish the new beside the old: another property, parameter, media type or operation;"
    " accept both.",
    "Mark the old with `deprecated: true`, answer its calls with `Deprecation: @<Unix time>` and a"
    " `Link` of the relation `deprecation` (RFC 9745), and count who still calls it.",
    "Announce the end with `Sunset: <HTTP date>` (RFC 8594) once clients can move, as many days"
    " ahead as your policy promises.",
    "Remove the old after that date, in a new major version.",
)


def _is_enough(old: str, new: str, step: str) -> bool | None:
    """Whether the version went up by as much as it has to; None: it is no such version."""
    one, two = _SEMVER.match(old), _SEMVER.match(new)
    if one is None or two is None:
        return None
    ours, theirs = ([int(part or 0) for part in match.groups()] for match in (one, two))
    if step == "none":
        return theirs >= ours
    if step == "major" and ours[0] > 0:
        return theirs[0] > ours[0]
    if step == "patch":
        return theirs > ours
    return theirs[:2] > ours[:2]


def _notes(judged: list[Judged]) -> tuple[str, ...]:
    notes = []
    if len(judged) >= MAX_CHANGES:
        notes.append(f"Only the first {MAX_CHANGES:,} differences were judged.")
    removed = [j.change.name for j in judged if j.change.action == "removed-before-sunset"]
    if removed:
        notes.append(f"Gone before the promised sunset: {', '.join(map(quoted, removed[:5]))}.")
    return tuple(notes)
