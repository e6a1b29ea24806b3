"""A migration plan as Markdown: the verdict, what goes wrong, the time line, then step by step."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from backend_architect.tools.plan_migration.model import (
    ALONE,
    Hazard,
    Phase,
    Plan,
    Query,
    Question,
    Step,
)
from backend_architect.tools.report import clean, quoted

from .plan import EXPECTED, TOOL, breaks, verdict
from .plan_timeline import UNDO, few, gantt, gated, mode, table, timeline, timeout

_BOUNDARY: Final = {
    "own": "",
    "shared": "May share a transaction with its neighbours. ",
    "none": "Outside of any transaction. ",
}
_ENGINES: Final = {"postgres": "PostgreSQL", "sqlite": "SQLite"}
_REMAINS: Final = {
    "rewrite": "the table is written anew, and nobody reads or writes it meanwhile",
    "scan": "the table is read as a whole under its lock",
    "authz": "it changes who may do what",
    "not planned": "there is no recipe for this change",
}
MAX_INLINE: Final = 160  # characters of a query beside its text
MAX_WITNESSES: Final = 8  # in the text


def markdown(plan: Plan) -> str:
    """The whole plan."""
    return "\n".join([heading(plan), *(text for text, _ in parts(plan)), gantt(plan)]).rstrip()


def heading(plan: Plan, most: int = sys.maxsize) -> str:
    """The verdict, what was seen to go wrong, the notes, and the time line: `most` of each."""
    lines = [f"# {TOOL}", "", f"{_verdict(plan)}."]
    if counts := _counts(plan):
        lines.append(f"{counts}.")
    lines += [f"Note: {note}" for note in list(dict.fromkeys(_notes(plan)))[:most]]
    lines += witnesses(plan, most)
    return "\n".join([*lines, "", *timeline(plan, most)])


def _verdict(plan: Plan) -> str:
    engine = f"{_ENGINES.get(plan.dialect, plan.dialect)} {'.'.join(map(str, plan.version))}"
    word = verdict(plan)
    if word == "empty" and ALONE in plan.notes:
        return f"**The script was judged** for {engine}"
    if word == "empty":
        return "**Nothing to do**: the schemas are the same"
    if word == "planned":
        why = plan.rehearsal.get("reason")
        return f"**Planned for {engine}, not rehearsed**" + (f": {clean(why, 200)}" if why else "")
    where = f"on {clean(str(plan.rehearsal['engine']), 80)}"
    if not str(plan.rehearsal["engine"]).startswith(f"{engine}."):
        where += f" (planned for {engine.partition(' ')[2]})"
    if word == "refused":
        return f"**Refused**: rehearsed {where}, {_refusal(plan)}"
    said = ["reaches the target", "every undo holds as stated"]
    if not plan.rehearsal.get("undo_verified"):
        said[1] = "not every undo holds as stated"
    broken = {w["step"]: None for w in plan.rehearsal["witnesses"] if w["kind"] in EXPECTED}
    if broken:
        said.append(f"old code fails after step {', '.join(broken)}, as the step says")
    return f"**Rehearsed** {where}: {'; '.join(said)}"


def _refusal(plan: Plan) -> str:
    said = [] if plan.rehearsal.get("target_reached") else ["the target is not reached"]
    return "; ".join([*said, *(_BREAKS[kind] for kind in breaks(plan))])


_BREAKS: Final = {
    "step fails": "a step fails",
    "verification fails": "a verification fails",
    "interleaving": "the backfill loses writes",
    "old query": "old code fails before the contract phase",
    "new query": "new code fails at the end",
}


def _counts(plan: Plan) -> str:
    counts = [sum(each.phase is phase for each in plan.steps) for phase in Phase]
    said = ", ".join(f"{n} {phase}" for n, phase in zip(counts, Phase, strict=True) if n)
    parts = [f"{_counted(len(plan.steps), 'step')}: {said}"] if plan.steps else []
    lost = [each.id for each in plan.steps if each.undo.verdict == "no_return"]
    if lost:
        parts.append(f"no return from {_counted(len(lost), 'step')} ({', '.join(lost)})")
    if plan.hazards:
        parts.append(f"{_counted(len(plan.hazards), 'hazard')} in the script")
    if plan.ignored:
        parts.append(f"{plan.ignored} more ignored by settings")
    if plan.questions:
        parts.append(_counted(len(plan.questions), "question"))
    return "; ".join(parts)


def _notes(plan: Plan) -> Iterator[str]:
    yield from plan.notes
    yield from (clean(str(note), 1_000) for note in plan.rehearsal.get("notes", ()))
    for one in plan.rehearsal.get("mismatches", ()):
        yield (
            f"Step {one['step']}: the {one['effect']} of {quoted(one['table'])} was predicted as"
            f" {one['predicted']} and observed as {one['observed']}."
        )
    script = plan.rehearsal.get("script") or {}
    yield from (f"Your script: {clean(str(note), 1_000)}" for note in script.get("notes", ()))
    if script.get("reason"):
        yield f"Your script was not run: {clean(script['reason'], 300)}"


# What was seen to go wrong


def witnesses(plan: Plan, most: int) -> list[str]:
    """What the rehearsal saw go wrong: first in the user's script, then in the plan."""
    lines: list[str] = []
    script = (plan.rehearsal.get("script") or {}).get("witnesses", ())
    if script:
        lines += ["", "**Your script as it is**, run on the same rows:"]
        lines += _witnessed(script, "", most)
    found = plan.rehearsal.get("witnesses", ())
    if found:
        lines += ["", "**Seen in the rehearsal of the plan**:"]
        lines += _witnessed(found, "step ", most)
    return lines


def _witnessed(found: Sequence[dict[str, Any]], place: str, most: int) -> Iterator[str]:
    shown = found[: min(most, MAX_WITNESSES)]
    for witness in shown:
        yield _witness(witness, place)
    if len(found) > len(shown):
        yield f"- … {len(found) - len(shown)} more in the data, `rehearsal.witnesses`"


def _witness(witness: dict[str, Any], place: str) -> str:
    at = f" {place}{clean(witness['step'], 80)}" if witness["step"] else ""
    words = _KINDS.get(witness["kind"], "{kind}{at}").format(kind=witness["kind"], at=at)
    words = words.strip()
    statement = f": {quoted(' '.join(witness['statement'].split()), 200)}"
    more = f" (and {_counted(witness['more'], 'statement')} alike)" if witness.get("more") else ""
    text = f"- {words}{statement if witness['statement'] else ''}{more} → {_said(witness['error'])}"
    rows = "; ".join(clean(str(row), 160) for row in witness["rows"][:3])
    return f"{text}. {rows}" if rows else text


def _said(error: str) -> str:
    said = error.removesuffix(" (fresh)")
    prepared = said.removesuffix(" (prepared)")
    return clean(prepared, 240) + (", where it was prepared before" if prepared != said else "")


_KINDS: Final = {
    "old query": "old code fails after{at}",
    "new query": "new code fails after{at}",
    "step fails": "{at} fails",
    "statement fails": "it fails at{at}",
    "verification fails": "the check after{at} fails",
    "preflight misses": "the checks before{at} miss what it refuses",
    "undo": "the undo of{at} does worse than it says",
    "interleaving": "writes beside{at} are lost",
    "rows refused": "rows that the current schema allows are refused at{at}",
    "rows lost": "data is lost at{at}",
    "target": "the end is not the target",
}


# The parts


@dataclass(slots=True)
class _Said:
    """What stands further up already: queries by the step that has them, references."""

    queries: dict[str, str] = field(default_factory=dict)
    references: set[str] = field(default_factory=set)


def parts(plan: Plan) -> Iterator[tuple[str, Hazard | Question | Step | None]]:
    """Hazards, questions, steps: each as text, and itself; a deployment is text alone."""
    for number, each in enumerate(plan.hazards, 1):
        yield _hazard(number, each, first=number == 1), each
    for number, asked in enumerate(plan.questions, 1):
        text = _question(asked, first=number == 1)
        yield text + "\n" * (number == len(plan.questions)), asked
    if once := _once(plan):
        yield once, None
    said, phase = _Said(), None
    for gate, steps in gated(plan):
        opening = f"**{gate[0].upper()}{gate[1:]}.**\n\n" if gate else ""
        if not steps:
            yield opening, None
        for made in steps:
            title = "" if made.phase is phase else f"## {made.phase.capitalize()}\n\n"
            phase = made.phase
            yield f"{opening}{title}{_step(made, said)}", made
            opening = ""


def _once(plan: Plan) -> str:
    """What holds for several steps: what to ask first, how to run them, what is supposed."""
    lines = [
        _with_sql("- before", query.sql, f" → {query.expected}. {_sentence(query.why)}")
        for query in plan.preflight
    ]
    lines += [f"- {each.topic}: {each.text}" for each in plan.advice if each.topic != "retry"]
    lines += [f"- {supposed}" for supposed in plan.assumptions]
    return "\n".join(["## For all steps", "", *lines, ""]) if lines else ""


def _hazard(number: int, each: Hazard, *, first: bool) -> str:
    at = each.location
    lines = ["## Hazards in the script", ""] if first else []
    lines += [
        f"{number}. **{each.severity.word}** `{each.rule}` {at.file}:{at.line}:{at.column}:"
        f" {each.message}",
        *_block(each.instead, "   "),
    ]
    return "\n".join(lines) + "\n" * bool(each.instead)


def _question(asked: Question, *, first: bool) -> str:
    answers = f" ({' / '.join(quoted(a) for a in asked.answers)})" if asked.answers else ""
    line = f"- {quoted(asked.id)}: {asked.text}{answers} Assumed: {_sentence(asked.assumed)}"
    return f"## Questions\n\n{line}" if first else line


def _step(each: Step, said: _Said) -> str:
    lines = [f"### {each.id}. {each.title}", ""]
    lines.append(f"{_BOUNDARY[each.transaction]}{_sentence(each.why)}")
    if each.loses_data:
        lines.append(f"**Loses data**: {_sentence(each.loses_data)}")
    lines += [f"**Remains**: {_sentence(_REMAINS.get(text, text))}" for text in each.hazards]
    if each.before:
        lines.append(f"- first: {each.before}")
    lines += [_checked("before", query, each, said) for query in each.preflight]
    said_once = () if each.transaction != "none" else each.settings
    own = [made for made in each.settings if made not in (timeout(each), *said_once)]
    lines += _block([*own, *each.sql])
    if each.duration_note:
        lines.append(f"- time: {each.duration_note}")
    if each.batched:
        lines.append("- repeat it, each time in a transaction of its own, until nothing is left")
    lines += [_checked("after", query, each, said) for query in each.verify]
    lines += _undo(each)
    if each.after:
        lines.append(f"- then: {each.after}")
    if new := [url for url in each.references if url not in said.references]:
        said.references |= set(new)
        lines.append(f"- see {', '.join(new)}")
    return "\n".join([*lines, ""])


def _checked(when: str, query: Query, each: Step, said: _Said) -> str:
    """A query and what it must return; one that stood further up is not repeated."""
    expected = clean(query.expected, 200)
    if query.sql in said.queries:
        return f"- {when}: again the query of step {said.queries[query.sql]} → {expected}"
    said.queries[query.sql] = each.id
    why = f". {_sentence(query.why)}" if query.why else ""
    return _with_sql(f"- {when}", query.sql, f" → {expected}{why}")


def _undo(each: Step) -> list[str]:
    undo = each.undo
    verdict = f"{UNDO[undo.verdict]} {undo.until}".strip()
    if undo.verdict == "no_return":
        verdict = f"**{verdict}**"
    loses = f"; loses {undo.loses}" if undo.loses else ""
    if not undo.sql:
        return [f"- undo: {verdict}{loses}; nothing to run"]
    if undo.transaction == "none" and each.transaction != "none":
        loses += "; outside of any transaction"
    if len(undo.sql) == 1:
        return [_with_sql("- undo", undo.sql[0], f" ({verdict}{loses})")]
    return [f"- undo ({verdict}{loses}):", *_block(undo.sql, "  ")]


def _with_sql(label: str, sql: str, rest: str) -> str:
    """A line with a statement in it, or below it if it is long."""
    if len(sql) <= MAX_INLINE and "`" not in sql and "\n" not in sql:
        return f"{label}: `{sql}`{rest}"
    return "\n".join([f"{label}{rest}", *_block([sql], "  ")])


def observed(seen: dict[str, Any]) -> str:
    """What the rehearsal saw of a step, in a line."""
    locks = ", ".join(f"{mode(lock['mode'])} on {table(lock['table'])}" for lock in seen["locks"])
    said = [f"took {locks}" if locks else "took no lock"]
    for word in ("rewrites", "scans"):
        said += [f"{word} {few(map(table, seen[word]))}"] if seen[word] else []
    if seen["rounds"] > 1:
        said.append(f"{seen['rounds']} rounds")
    if seen["interleavings"]:
        said.append(f"{seen['interleavings']} orders of writes beside it, no value lost")
    if undo := seen["undo"]:
        said.append(f"its undo is {UNDO[undo['verdict']].removesuffix(' until')}")
    return f"- observed: {'; '.join(said)}"


def query_runs(runs: dict[str, Any]) -> str:
    """How a query ended between the steps, in a line."""
    ends = []
    for run in runs["runs"]:
        fresh, prepared = run["fresh"], run["prepared"]
        after = f"after step {run['after']}" if run["after"] else "before the first step"
        end = "works" if fresh == "ok" else f"fails: {clean(fresh['message'], 160)}"
        if fresh == "ok" and prepared not in ("ok", None):
            end = f"works anew, fails prepared: {clean(prepared['message'], 160)}"
        ends.append(f"{after} {end}")
    skipped = [clean(runs["skipped"], 160)] if runs.get("skipped") else []
    if skipped and not ends:
        skipped = [f"not run: {skipped[0]}"]
    sql = quoted(" ".join(runs["sql"].split()), 200)
    return f"- {runs['side']} query {sql}: {'; '.join(ends + skipped)}"


def _sentence(text: str) -> str:
    """A text with one full stop at its end."""
    return text.rstrip(".") + "."


def _block(statements: Iterable[str], indent: str = "") -> list[str]:
    text = "".join(f"{_ended(sql)}\n" for sql in statements)
    if not text:
        return []
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return [f"{indent}{line}" for line in f"{fence}sql\n{text}{fence}".split("\n")]


def _ended(sql: str) -> str:
    """A statement with its semicolon, which stands before a comment at its end."""
    code, comment = _COMMENTED(sql.rstrip()).groups()
    return f"{code.removesuffix(';')};{comment or ''}"


_COMMENTED: Final[Any] = re.compile(r"(.*?)( -- [^'\n]*)?", re.DOTALL).fullmatch


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}{'s' * (count != 1)}"
