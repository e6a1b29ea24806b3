"""What a new version of a GraphQL schema does to the operations of clients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from ...graphql.changes import Change, Effect, changes
from ...graphql.model import Schema
from ...graphql.reading import read
from ...graphql.usage import used
from ...judge import Hits
from ...policy import Policy
from ...report import Finding, Report, Severity, clean, grouped, quoted
from ...rule import Hit, Place, select
from .findings import findings_of
from .rules.changes import RULES, rule_of, way_of

TOOL: Final = "review_api"
MAX_CHANGES: Final = 20_000


def compare_graphql(
    new: Mapping[str, str],
    old: Mapping[str, str],
    names: tuple[str, str],
    policy: Policy | None = None,
    operations: Mapping[str, str] | None = None,
    progress: Callable[[str], object] = lambda stage: None,
) -> Report:
    """What changed, worst first; `names` are those of the new and the old schema.

    With operations of clients, what none of them uses is no error, and each break says which do.
    Raises `SourceError` and `UnknownRule`.
    """
    policy = policy or Policy()
    progress("loading")
    before, after = read(old), read(new)
    uses = used(before, operations) if operations is not None else None
    progress("comparing")
    found = sorted(changes(before, after), key=lambda each: (each.coordinate, each.kind))
    wanted = {rule.id for rule in select(RULES, policy.profile, policy.only_rules)}
    progress("locating findings")
    findings = [
        _finding(each, change, uses)
        for change, each in _located(found[:MAX_CHANGES], before, after, policy)
        if each.rule in wanted
    ]
    kept = policy.new(policy.kept(policy.asked(findings)))
    told = f"Only {MAX_CHANGES:,} of {len(found):,} changes are told."
    notes = [told] if len(found) > MAX_CHANGES else []
    return Report(
        TOOL,
        grouped(kept, {rule.id: rule.title for rule in RULES}),
        (_summary(kept, names, uses),),
        (*notes, *policy.notes),
        len(findings) - len(kept),
    )


def _located(
    found: list[Change], old: Schema, new: Schema, policy: Policy
) -> list[tuple[Change, Finding]]:
    """Each change with its finding, in the text of the schema where the part is."""
    located: list[tuple[Change, Finding]] = []
    for is_in_old, schema in ((True, old), (False, new)):
        here = [change for change in found if change.is_in_old is is_in_old]
        hits: Hits = [(rule_of(change), _hit(change)) for change in here]
        by_message = {sentence(change): change for change in here}
        located += [
            (by_message[each.message], each) for each in findings_of(hits, schema.texts, policy)
        ]
    return located


def _hit(change: Change) -> Hit:
    at = change.place if change.place.file else Place("", ("schema",), 0)
    return Hit(at, sentence(change), cause=sentence(change), fix=way_of(change))


def sentence(change: Change) -> str:
    """What changed, as one sentence without full stop."""
    said = f"{change.kind}: {quoted(change.coordinate, 200)}"
    if change.before and change.after:
        return f"{said}, {quoted(change.before)} → {quoted(change.after)}"
    return (
        f"{said}, {quoted(change.before or change.after)}"
        if change.before or change.after
        else said
    )


def _finding(found: Finding, change: Change, uses: Mapping[str, set[str]] | None) -> Finding:
    data: dict[str, Any] = {
        "verdict": "potential" if change.effect is Effect.DANGEROUS else str(change.effect),
        "area": change.kind,
        "coordinate": clean(change.coordinate, 300),
        "before": clean(change.before, 200),
        "after": clean(change.after, 200),
    }
    if uses is None or change.effect is Effect.COMPATIBLE:
        return replace(found, change=data)
    users = sorted(uses.get(_used_part(change), ()))
    data["consumers"] = users
    if not users and change.effect is Effect.BREAKING:
        told = "none of the operations given uses it"
        return replace(found, severity=Severity.WARNING, evidence=told, change=data)
    return replace(found, affects=tuple(clean(each, 200) for each in users), change=data)


def _used_part(change: Change) -> str:
    """What an operation has to use to meet a change: of what is required anew, what it is of."""
    if change.kind.endswith("argument added"):
        return change.coordinate.partition("(")[0]
    if change.kind.endswith(("input field added", "enum value added")):
        return change.coordinate.partition(".")[0]
    return change.coordinate


def _summary(
    findings: list[Finding], names: tuple[str, str], uses: Mapping[str, set[str]] | None
) -> dict[str, Any]:
    verdicts = Counter(str(each.change["verdict"]) for each in findings if each.change)
    areas = Counter(
        str(each.change["area"])
        for each in findings
        if each.change and each.severity is not Severity.INFO
    )
    errors = [each for each in findings if each.severity is Severity.ERROR]
    broken = sorted({name for each in errors for name in each.affects})
    step = "major" if verdicts["breaking"] else "minor" if findings else "none"
    return {
        "document": clean(names[0], 200),
        "previous": clean(names[1], 200),
        "language": "GraphQL",
        "api_version": "",
        "previous_api_version": "",
        "version_step": step,
        "version_enough": None,
        "breaking": verdicts["breaking"],
        "potentially_breaking": verdicts["potential"],
        "compatible": verdicts["compatible"],
        "areas": dict(sorted(areas.items())),
        "consumers": {"the operations given": broken} if uses is not None else {},
        "steps": list(STEPS) if verdicts["breaking"] else [],
    }


STEPS: Final = (
    "Add the new beside the old: another field, argument or type.",
    'Mark the old `@deprecated(reason: "Use … until <date>")`, and count who still asks for it.',
    "Remove it when nobody does, or after the date.",
)
