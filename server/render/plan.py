"""A migration plan as Markdown and as data: timeline first, then hazards, questions and steps."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from backend_architect.tools.plan_migration.model import (
    Effects,
    Hazard,
    Phase,
    Plan,
    Query,
    Question,
    Step,
)
from backend_architect.tools.report import Finding, Report, clean, grouped, quoted

from .. import version
from .json import SCHEMA_VERSION, location
from .page import BYTES_PER_TOKEN, BadCursor, Page

TOOL = "plan_migration"
_ENVELOPE = 400  # bytes for brackets, `omitted`, `next_cursor` and the footer
_UNDO = {"lossless": "lossless", "until": "lossless until", "no_return": "**no return**"}


def data(plan: Plan) -> dict[str, Any]:
    """The whole plan; the keys are documented in docs/plan.md and only ever added to."""
    return {
        **_head(plan),
        "steps": [step(each) for each in plan.steps],
        "hazards": [hazard(each) for each in plan.hazards],
        "questions": [question(each) for each in plan.questions],
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


def _head(plan: Plan) -> dict[str, Any]:
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


def verdict(plan: Plan) -> str:
    """`refused`, `empty`, `rehearsed`, or `planned`: what is known of the plan as a whole."""
    reached = plan.rehearsal.get("target_reached")
    if reached is False:
        return "refused"
    if not plan.steps:
        return "empty"
    return "rehearsed" if reached else "planned"


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
        "duration": {"low_seconds": duration.low, "high_seconds": duration.high}
        if duration
        else None,
        "lock_timeout": each.lock_timeout,
        "undo": {
            "sql": list(each.undo.sql),
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


def markdown(plan: Plan) -> str:
    """The whole plan."""
    return "\n".join([_heading(plan), *(piece.text for piece in _pieces(plan)), gantt(plan)])


_VERDICTS = {
    "refused": "**Refused**: rehearsed, the plan does not reach the target",
    "empty": "**Nothing to do**: the schemas are the same",
    "rehearsed": "**Rehearsed**: every step ran on a private server and reached the target",
    "planned": "**Planned, not rehearsed**",
}


def _heading(plan: Plan) -> str:
    phases = ", ".join(f"{_count(plan, p)} {p}" for p in Phase if _count(plan, p))
    engine = f"{plan.dialect} {'.'.join(map(str, plan.version))}".strip()
    lines = [f"# {TOOL}", "", f"{_VERDICTS[verdict(plan)]} ({engine}; {phases or 'no steps'})."]
    if ran := plan.rehearsal.get("engine"):
        undone = "holds" if plan.rehearsal.get("undo_verified") else "does not hold everywhere"
        lines.append(f"Rehearsed on {clean(str(ran), 80)}; the undo of the steps {undone}.")
    lines += [f"Note: {note}" for note in plan.notes]
    if plan.steps:
        lines += ["", "| step | phase | what | locks | blocks | time | undo |"]
        lines += ["|---|---|---|---|---|---|---|", *map(_row, plan.steps)]
    return "\n".join([*lines, ""])


def _row(each: Step) -> str:
    undo = each.undo
    cells = [
        each.id,
        each.phase.value,
        _cell(each.title),
        _cell(_locked(each.effects) or "none"),
        _cell(_blocked(each.effects) or "nothing"),
        _time(each),
        _cell(f"{_UNDO[undo.verdict]} {undo.until}".strip()),
    ]
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return clean(text, 120).replace("|", "\\|")


def _mode(mode: str) -> str:
    """A lock mode in words: `AccessExclusiveLock` is ACCESS EXCLUSIVE."""
    words = "".join(f" {c}" if c.isupper() else c for c in mode.removesuffix("Lock"))
    return words.strip().upper()


def _locked(effects: Effects) -> str:
    return ", ".join(f"{lock.table}: {_mode(lock.mode)}" for lock in effects.locks)


def _blocked(effects: Effects) -> str:
    both = [table for table in effects.blocks_reads if table in effects.blocks_writes]
    reads = [table for table in effects.blocks_reads if table not in both]
    writes = [table for table in effects.blocks_writes if table not in both]
    parts = [("reads and writes", both), ("reads", reads), ("writes", writes)]
    return "; ".join(f"{what} of {', '.join(tables)}" for what, tables in parts if tables)


def _time(each: Step) -> str:
    if each.duration is None:
        return "?"
    return f"{_seconds(each.duration.low)} to {_seconds(each.duration.high)}"


def _seconds(seconds: float) -> str:
    for limit, unit, size in ((1, "ms", 0.001), (120, "s", 1), (7200, "min", 60)):
        if seconds < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 3600:.1f} h"


def gantt(plan: Plan) -> str:
    """The steps on a time line in Mermaid, each as long as it may take, a second at least."""
    if not plan.steps:
        return ""
    lines = ["```mermaid", "gantt", "  dateFormat X", "  axisFormat %H:%M:%S"]
    phase = None
    for each in plan.steps:
        if each.phase is not phase:
            phase = each.phase
            lines.append(f"  section {phase}")
        seconds = max(1, round(each.duration.high)) if each.duration else 1
        title = "".join(c if c.isalnum() or c in " _-()" else " " for c in each.title)[:60].strip()
        lines.append(f"  {each.id} {title} :{seconds}s")
    return "\n".join([*lines, "```", ""])


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    key: str
    data: dict[str, Any]


def _pieces(plan: Plan) -> Iterator[_Piece]:
    for number, each in enumerate(plan.hazards, 1):
        yield _Piece(_hazard_text(number, each), "hazards", hazard(each))
    for asked in plan.questions:
        lines = (
            f"- **Question** {quoted(asked.id)}: {asked.text} Assumed: {_sentence(asked.assumed)}\n"
        )
        yield _Piece(lines, "questions", question(asked))
    for made in plan.steps:
        yield _Piece(_step_text(made), "steps", step(made))


def _hazard_text(number: int, each: Hazard) -> str:
    at = each.location
    lines = [
        f"{number}. **{each.severity.word}** `{each.rule}`: {each.message}",
        f"   - {at.file}:{at.line}:{at.column}",
    ]
    if each.instead:
        lines += ["   - instead:", *_block(each.instead, "     ")]
    return "\n".join([*lines, ""])


def _step_text(each: Step) -> str:
    boundary = {
        "own": "in a transaction of its own",
        "shared": "may share a transaction",
        "none": "outside of any transaction",
    }[each.transaction]
    lines = [f"## {each.id}. {each.title} ({each.phase}, {boundary})", "", _sentence(each.why)]
    if each.loses_data:
        lines.append(f"**Loses data**: {each.loses_data}.")
    lines += [f"Before: {each.before}."] if each.before else []
    for query in each.preflight:
        lines += [f"Check first{_because(query)}: expect {query.expected}", *_block([query.sql])]
    timeout = [f"SET lock_timeout = '{each.lock_timeout}'"] if each.lock_timeout else []
    lines += _block([*timeout, *each.sql])
    lines += ["Repeat until nothing is left."] if each.batched else []
    for query in each.verify:
        lines += [f"Verify{_because(query)}: expect {query.expected}", *_block([query.sql])]
    undo = each.undo
    lines.append(
        f"Undo: {_UNDO[undo.verdict]} {undo.until}".strip()
        + (f"; loses {undo.loses}" if undo.loses else "")
        + ("" if undo.sql else "; nothing to run")
    )
    lines += _block(undo.sql) if undo.sql else []
    lines += [f"After: {each.after}."] if each.after else []
    lines += [f"Hazard: {text}." for text in each.hazards]
    if each.references:
        lines.append(f"See {', '.join(each.references)}")
    return "\n".join([*lines, ""])


def _sentence(text: str) -> str:
    """A text with one full stop at its end."""
    return text.rstrip(".") + "."


def _because(query: Query) -> str:
    return f" ({query.why})" if query.why else ""


def _block(statements: Iterable[str], indent: str = "") -> list[str]:
    text = "".join(f"{sql.rstrip().removesuffix(';')};\n" for sql in statements)
    fence = "```"
    while fence in text:
        fence += "`"
    return [f"{indent}{line}" for line in f"{fence}sql\n{text}{fence}".split("\n")]


def page(plan: Plan, max_tokens: int, cursor: str | None = None, detail: str = "concise") -> Page:
    """One page of a plan: the head on the first, then as many pieces as fit. Raises `BadCursor`."""
    pieces = list(_pieces(plan))
    digest = blake2b(json.dumps(data(plan)).encode("utf-8", "replace"), digest_size=6).hexdigest()
    start = _start(cursor, digest, len(pieces))
    room = max_tokens * BYTES_PER_TOKEN - _ENVELOPE
    head = _head(plan) | {"steps": [], "hazards": [], "questions": [], "rehearsal": {}}
    text = _heading(plan) if start == 0 else f"# {TOOL}, continued\n"
    if _bytes(text) > room * 2 // 3:
        text = text[: text.index("\n| step")] if "\n| step" in text else text
    head["rehearsal"] = {
        key: value for key, value in plan.rehearsal.items() if not isinstance(value, list | dict)
    }
    shown, used_text, used_data = 0, _bytes(text), _bytes(json.dumps(head))
    texts = [text]
    for piece in pieces[start:]:
        used_text += _bytes(piece.text) + 1
        used_data += _bytes(json.dumps(piece.data, ensure_ascii=False)) + 2
        if max(used_text, used_data) > room and shown:
            break
        texts.append(piece.text)
        head[piece.key].append(piece.data)
        shown += 1
    end = start + shown
    following = f"{end}.{digest}" if end < len(pieces) else None
    if following:
        texts.append(f'{len(pieces) - end} more parts on other pages: `cursor: "{following}"`.')
    head["omitted"] = {"parts": len(pieces) - shown}
    head["next_cursor"] = following
    return Page("\n".join(texts).rstrip(), head)


def _start(cursor: str | None, digest: str, count: int) -> int:
    if cursor is None:
        return 0
    number, _, named = cursor.partition(".")
    if not number.isdecimal() or len(number) > 9 or named != digest or int(number) >= count:
        raise BadCursor("this cursor belongs to another plan or other arguments")
    return int(number)


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
