"""A migration plan as plain data, as docs/plan.md documents it, and its hazards as a report."""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b
from typing import Any, Final

from backend_architect.tools.plan_migration.model import (
    Hazard,
    Phase,
    Plan,
    Query,
    Question,
    Step,
)
from backend_architect.tools.report import Finding, Report, grouped

from .. import version
from .json import SCHEMA_VERSION, location

TOOL = "plan_migration"


def data(plan: Plan) -> dict[str, Any]:
    """The whole plan; the keys are documented in docs/plan.md and only ever added to."""
    return {
        **head(plan),
        "steps": [step(each) for each in plan.steps],
        "hazards": [hazard(each) for each in plan.hazards],
        "questions": [question(each) for each in plan.questions],
        **once(plan),
        "rehearsal": dict(plan.rehearsal),
    }


def report(plan: Plan) -> Report:
    """The hazards as a report, for the formats that know findings."""
    from backend_architect.tools.catalog import catalog

    rules = catalog()
    seen: Counter[tuple[str, str]] = Counter()
    findings = []
    for each in plan.hazards:
        rule = rules[each.rule]
        seen[each.rule, each.sql] += 1
        parts = (each.rule, " ".join(each.sql.split()), str(seen[each.rule, each.sql]))
        fingerprint = blake2b("\0".join(parts).encode("utf-8", "replace"), digest_size=8)
        findings.append(
            Finding(
                each.rule,
                each.severity,
                rule.class_,
                rule.confidence,
                each.message,
                each.location,
                fingerprint.hexdigest(),
                fix=rule.fix,
                ddl=each.instead,
                references=rule.references,
            )
        )
    titles = {finding.rule: rules[finding.rule].title for finding in findings}
    return Report(TOOL, grouped(findings, titles), ())


def head(plan: Plan) -> dict[str, Any]:
    """Everything but steps, hazards, questions and the rehearsal."""
    return {
        "tool": TOOL,
        "version": version(),
        "schema_version": SCHEMA_VERSION,
        "summary": {
            "verdict": verdict(plan),
            "dialect": plan.dialect,
            "engine_version": ".".join(map(str, plan.version)),
            "phases": {phase.value: _count(plan, phase) for phase in Phase},
            "hazards": len(plan.hazards),
            "ignored": plan.ignored,
            "questions": len(plan.questions),
            "loses_data": [each.id for each in plan.steps if each.loses_data],
            "no_return": [each.id for each in plan.steps if each.undo.verdict == "no_return"],
            "notes": list(plan.notes),
        },
    }


def once(plan: Plan) -> dict[str, Any]:
    """What is said once for all steps."""
    return {
        "preflight": [_query(query) for query in plan.preflight],
        "advice": [each._asdict() for each in plan.advice],
        "assumptions": list(plan.assumptions),
    }


def verdict(plan: Plan) -> str:
    """`refused`, `empty`, `rehearsed`, or `planned`: what is known of the plan as a whole."""
    seen = plan.rehearsal
    if (seen.get("target_reached") is False and seen.get("ran")) or breaks(plan):
        return "refused"
    if not plan.steps:
        return "empty"
    return "rehearsed" if seen.get("target_reached") else "planned"


def breaks(plan: Plan) -> tuple[str, ...]:
    """In which ways the rehearsed plan breaks what it promises, as `kind` of witnesses.

    What a step says of itself is no surprise: that one is marked, and the plan stands.
    """
    said = {each.id for each in plan.steps if each.hazards}
    found = [w for w in plan.rehearsal.get("witnesses", ()) if w["kind"] in BREAKS]
    return tuple(
        kind
        for kind in BREAKS
        if any(w["kind"] == kind and not (kind in EXPECTED and w["step"] in said) for w in found)
    )


BREAKS: Final = ("step fails", "verification fails", "interleaving", "old query", "new query")
EXPECTED: Final = ("old query",)  # where a step says what remains unsafe


def _count(plan: Plan, phase: Phase) -> int:
    return sum(each.phase is phase for each in plan.steps)


def step(each: Step) -> dict[str, Any]:
    """One step as data."""
    effects = each.effects
    duration = each.duration
    return {
        "id": each.id,
        "phase": each.phase.value,
        "title": each.title,
        "sql": list(each.sql),
        "transaction": each.transaction,
        "batched": each.batched,
        "locks": [{"table": lock.table, "mode": lock.mode} for lock in effects.locks],
        "blocks": {"reads": list(effects.blocks_reads), "writes": list(effects.blocks_writes)},
        "rewrites": list(effects.rewrites),
        "scans": list(effects.scans),
        "waits_for_transactions": effects.waits_for_transactions,
        "standby": {"blocks": {"reads": list(effects.standby)}},
        "logical": each.logical,
        "duration": {"low_seconds": duration.low, "high_seconds": duration.high}
        if duration
        else None,
        "duration_note": each.duration_note,
        "wal_bytes": _range(each.wal_bytes),
        "disk_bytes": _range(each.disk_bytes),
        "lock_timeout": each.lock_timeout,
        "settings": list(each.settings),
        "runner": each.runner,
        "undo": {
            "sql": list(each.undo.sql),
            "transaction": each.undo.transaction or each.transaction,
            "verdict": each.undo.verdict,
            "until": each.undo.until,
            "loses": each.undo.loses,
        },
        "verify": [_query(query) for query in each.verify],
        "preflight": [_query(query) for query in each.preflight],
        "before": each.before,
        "after": each.after,
        "loses_data": each.loses_data,
        "why": each.why,
        "hazards": list(each.hazards),
        "references": list(each.references),
    }


def _range(found: tuple[int, int] | None) -> dict[str, int] | None:
    return {"low": found[0], "high": found[1]} if found else None


def _query(query: Query) -> dict[str, str]:
    return {"sql": query.sql, "expected": query.expected, "why": query.why}


def hazard(each: Hazard) -> dict[str, Any]:
    """One hazard as data."""
    effects = each.effects
    return {
        "rule": each.rule,
        "severity": each.severity.word,
        "location": location(each.location),
        "message": each.message,
        "sql": each.sql,
        "locks": [{"table": lock.table, "mode": lock.mode} for lock in effects.locks],
        "rewrites": list(effects.rewrites),
        "scans": list(effects.scans),
        "instead": list(each.instead),
    }


def question(each: Question) -> dict[str, Any]:
    """One question as data."""
    return {
        "id": each.id,
        "text": each.text,
        "assumed": each.assumed,
        "answers": list(each.answers),
    }
